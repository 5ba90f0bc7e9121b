"""Apache Mesos for Python: subclass `Scheduler`, make a `SchedulerDriver`, run it.

`__all__` lists what there is besides the messages, enums and enum values of the package `mesos.v1`, which are
here, too: `mesos.TaskInfo`, `mesos.TASK_RUNNING`. Nothing happens on import.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from mesos._mesos import Message, Resources
from mesos._messages import exports
from mesos.errors import (
    AuthenticationError,
    ConfigurationError,
    DecodeError,
    DriverAbortedError,
    EncodeError,
    ForkedDriverError,
    MasterConnectionError,
    MesosError,
)
from mesos.library import libmesos_version
from mesos.scheduler import Scheduler, SchedulerDriver

__all__ = [
    "AuthenticationError",
    "ConfigurationError",
    "DecodeError",
    "DriverAbortedError",
    "EncodeError",
    "ForkedDriverError",
    "LocalCluster",
    "MasterConnectionError",
    "MesosError",
    "Message",
    "Resources",
    "Scheduler",
    "SchedulerDriver",
    "SchedulerStats",
    "libmesos_version",
]

if TYPE_CHECKING:
    from mesos import local as local
    from mesos import testing as testing
    from mesos import v1 as v1
    from mesos._stats import SchedulerStats
    from mesos.local import LocalCluster
    from mesos.v1 import *  # noqa: F403 - its `__all__` is checked

    __all__ += v1.__all__  # or pyright would take them for private
else:
    # messages and enums are made when first asked for, and what few programs need is imported then
    __getattr__, __dir__ = exports(
        globals(),
        "mesos.v1",
        submodules=("local", "testing", "v1"),
        classes={"LocalCluster": "mesos.local", "SchedulerStats": "mesos._stats"},
    )
