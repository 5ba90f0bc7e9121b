"""The v1 API of Mesos. The messages of the package `mesos.v1` itself are those of `mesos`.

The others are in `scheduler`, `executor`, `master`, `agent`, `allocator`, `maintenance`, `quota` and
`resource_provider`, which are imported when they are first used.
"""

from __future__ import annotations

from importlib import import_module
from typing import Any

from mesos._messages import exports

_MODULES = frozenset(
    {"agent", "allocator", "executor", "maintenance", "master", "quota", "resource_provider", "scheduler"}
)
_get, __dir__ = exports(globals())


def __getattr__(name: str) -> Any:
    return import_module(f"{__name__}.{name}") if name in _MODULES else _get(name)
