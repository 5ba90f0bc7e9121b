"""One suite of the scheduler driver over every backend: who makes drivers, and what cannot pass."""

from __future__ import annotations

import ctypes
import os
from collections.abc import Callable
from functools import partial
from typing import Any

import mesos

from .setup import RealMesos

Connect = Callable[..., mesos.SchedulerDriver]
BACKENDS = ("http", "libmesos")

#: Tests that are not for libmesos, with what does not exist there.
EXCLUDED = {
    "test_it_comes_back_to_a_master_that_was_killed": (
        'given "host:port", libmesos links to that master once and never looks for it again'
    ),
}


def connect(backend: str, real_mesos: RealMesos) -> Connect:
    """Return what makes drivers over a backend."""
    if backend == "http":
        return mesos.SchedulerDriver
    settings: dict[str, Any] = {"backend": backend, "library": use_libmesos(real_mesos)}
    return partial(mesos.SchedulerDriver, **settings)


def use_libmesos(real_mesos: RealMesos) -> str:
    """Let this process load libmesos: what the loader has by name it does not look for."""
    for stub in sorted(real_mesos.stubs.glob("lib*.so.*")):
        ctypes.CDLL(str(stub))
    os.environ.setdefault("LIBPROCESS_IP", "127.0.0.1")  # the name of this host may have no address
    return str(real_mesos.library)
