"""The stubs say what the compiled module has. That programs type-check is for mypy: see typed.py."""

from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pathlib

#: What stubtest cannot see or cannot be told, by regular expression.
ALLOWED = r"""
mesos\.v1\.[a-z_]+\.[A-Z].*        # classes that a module makes when they are asked for
mesos\._mesos\.__all__             # made by pyo3; no list for people
mesos\._mesos\.Message\.__getattr__  # in the stub only: fields are attributes of the schema's classes
mesos\._mesos\.Repeated\.__iter__    # in the stub only: iteration goes by index
# "disjoint base", which older type checkers do not know: the classes themselves, not what is in them
mesos\._mesos\.(Handle|Map|Message|Repeated|SchedulerHandle|ScriptedBackend|_LocalCluster)
mesos\._descriptors\.fields        # its signature is behind functools.cache
mesos\._resources\._Spec           # a type alias in text
"""


def test_stubs_agree_with_the_compiled_module(tmp_path: pathlib.Path) -> None:
    allowed = tmp_path / "allowed"
    allowed.write_text(ALLOWED)
    command = [sys.executable, "-m", "mypy.stubtest", "mesos", "--concise", "--ignore-unused-allowlist"]
    done = subprocess.run(
        [*command, "--allowlist", str(allowed)], capture_output=True, text=True, check=False, cwd=tmp_path
    )
    assert (done.returncode, done.stdout) == (0, ""), done.stdout + done.stderr
