"""`python -m mesos.executor package.module:Class`: runs one executor until its driver has ended."""

from __future__ import annotations

import importlib
import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from typing import Any

USAGE = "usage: python -m mesos.executor package.module:Class"


def main(arguments: list[str]) -> int:
    """Run the executor that `arguments` name; return the exit status: 0 if its driver was stopped.

    The class is called without arguments. What a handler raised comes out as it is.
    """
    module, _, name = arguments[0].partition(":") if len(arguments) == 1 else ("", "", "")
    if not module or not name:
        print(f"{USAGE}\nAn agent runs this, as the command of a TaskInfo's `executor`.", file=sys.stderr)
        return 2
    found: Any = importlib.import_module(module)
    for part in name.split("."):
        found = getattr(found, part)
    if not callable(found):
        print(f"{arguments[0]} is not a class; {USAGE}", file=sys.stderr)
        return 2
    from mesos import DRIVER_STOPPED, ExecutorDriver  # noqa: PLC0415 - the module that runs as __main__ calls us

    return 0 if ExecutorDriver(found()).run() == DRIVER_STOPPED else 1
