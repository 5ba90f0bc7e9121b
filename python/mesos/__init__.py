"""Apache Mesos for Python: subclass `Scheduler`, make a `SchedulerDriver`, run it.

Every public name is in `__all__`; nothing happens on import.
"""

from __future__ import annotations

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

__all__ = [
    "AuthenticationError",
    "ConfigurationError",
    "DecodeError",
    "DriverAbortedError",
    "EncodeError",
    "ForkedDriverError",
    "MasterConnectionError",
    "MesosError",
    "libmesos_version",
]
