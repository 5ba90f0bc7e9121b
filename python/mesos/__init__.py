"""Apache Mesos for Python: subclass `Scheduler`, make a `SchedulerDriver`, run it; executors likewise.

`__all__` lists what there is besides the messages, enums and enum values of the package `mesos.v1`, which are
here, too: `mesos.TaskInfo`, `mesos.TASK_RUNNING`. Nothing happens on import unless $MESOS_PY_TRACE asks for
it: what a program needs of the package is imported when it asks for it, so that one that only reads messages
starts in a few milliseconds.
"""

from __future__ import annotations

from os import environ

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

TYPE_CHECKING = False  # what type checkers take for True; the module typing is ten times our own import

__all__ = [
    "TLS",
    "AuthenticationError",
    "ConfigurationError",
    "DecodeError",
    "DriverAbortedError",
    "EncodeError",
    "Executor",
    "ExecutorDriver",
    "ExecutorStats",
    "ForkedDriverError",
    "HandledUpdates",
    "LocalCluster",
    "MasterConnectionError",
    "MesosError",
    "Message",
    "Resources",
    "Scheduler",
    "SchedulerDriver",
    "SchedulerStats",
    "libmesos_version",
    "trace",
]

if TYPE_CHECKING:
    from mesos import dispatch as dispatch
    from mesos import executor as executor
    from mesos import local as local
    from mesos import scheduler as scheduler
    from mesos import testing as testing
    from mesos import tls as tls
    from mesos import v1 as v1
    from mesos._html import load_ipython_extension as load_ipython_extension
    from mesos._stats import ExecutorStats, SchedulerStats
    from mesos._trace import trace
    from mesos._updates import HandledUpdates
    from mesos.executor import Executor, ExecutorDriver
    from mesos.library import libmesos_version
    from mesos.local import LocalCluster
    from mesos.scheduler import Scheduler, SchedulerDriver
    from mesos.tls import TLS
    from mesos.v1 import *  # noqa: F403 - its `__all__` is checked

    __all__ += v1.__all__  # or pyright would take them for private
else:
    __getattr__, __dir__ = exports(
        globals(),
        "mesos.v1",
        submodules=("dispatch", "executor", "local", "scheduler", "testing", "tls", "v1"),
        members={
            "Executor": "mesos.executor",
            "ExecutorDriver": "mesos.executor",
            "ExecutorStats": "mesos._stats",
            "HandledUpdates": "mesos._updates",
            "LocalCluster": "mesos.local",
            "Scheduler": "mesos.scheduler",
            "SchedulerDriver": "mesos.scheduler",
            "SchedulerStats": "mesos._stats",
            "TLS": "mesos.tls",
            "libmesos_version": "mesos.library",
            "load_ipython_extension": "mesos._html",
            "trace": "mesos._trace",
        },
    )
    _traced = environ.get("MESOS_PY_TRACE")
    if _traced:
        from mesos._trace import from_environment

        from_environment(_traced)
        del from_environment
