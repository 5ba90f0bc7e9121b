"""The v1 API of Mesos. The messages of the package `mesos.v1` itself are those of `mesos`.

The others are in `scheduler`, `executor`, `master`, `agent`, `allocator`, `maintenance`, `quota` and
`resource_provider`, which are imported when they are first used.
"""

from __future__ import annotations

from mesos._messages import exports

_MODULES = (
    "agent",
    "allocator",
    "executor",
    "maintenance",
    "master",
    "quota",
    "resource_provider",
    "scheduler",
)
__getattr__, __dir__ = exports(globals(), submodules=_MODULES)
