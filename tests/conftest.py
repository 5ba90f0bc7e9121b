"""What every test may use: scripted backends, schedulers that take notes, programs run as children.

Invariants:
* Nothing waits by sleeping: `Recorder.wait_until` wakes on each note, children say on stdout where they are.
* Every driver that a test started has ended when the test ends.
"""

from __future__ import annotations

import faulthandler
import gc
import os
import platform
import signal
import subprocess
import sys
import textwrap
from typing import TYPE_CHECKING, Any

import mesos
import pytest
from mesos.testing import ScriptedBackend
from recorder import PATIENCE, Recorder

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator


def pytest_report_header() -> str:
    """Say what is tested."""
    compiled = sys.modules["mesos._mesos"].__file__
    return f"mesos: {compiled}, Python {platform.python_version()}, {platform.machine()}"


@pytest.fixture(autouse=True, scope="session")
def _dump_on_crash() -> None:
    assert faulthandler.is_enabled(), "a crash of the native half must say where it was"


@pytest.fixture(autouse=True, scope="session")
def _feel_ctrl_c() -> Iterator[None]:
    """Take back that it is ignored: so a shell starts jobs in the background, and children inherit it."""
    before = signal.getsignal(signal.SIGINT)
    signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.fixture
def backend() -> ScriptedBackend:
    return ScriptedBackend()


@pytest.fixture
def make(backend: ScriptedBackend) -> Iterator[Callable[..., mesos.SchedulerDriver]]:
    """Make drivers over scripted backends, the first over `backend`; they are ended after the test."""
    made: list[mesos.SchedulerDriver] = []

    def make(scheduler: object, **settings: Any) -> mesos.SchedulerDriver:
        settings.setdefault("backend", ScriptedBackend() if made else backend)
        framework = settings.pop("framework", "test")
        driver = mesos.SchedulerDriver(scheduler, framework, **settings)
        made.append(driver)
        return driver

    yield make
    end(made)


@pytest.fixture
def make_executor(backend: ScriptedBackend) -> Iterator[Callable[..., mesos.ExecutorDriver]]:
    """Make executors' drivers over scripted backends, the first over `backend`; ended after the test."""
    made: list[mesos.ExecutorDriver] = []

    def make(executor: object, **settings: Any) -> mesos.ExecutorDriver:
        settings.setdefault("backend", ScriptedBackend() if made else backend)
        made.append(mesos.ExecutorDriver(executor, **settings))
        return made[-1]

    yield make
    end(made)


def end(drivers: list[Any]) -> None:
    """End drivers that a test has made."""
    for driver in drivers:
        driver._native.abort()
        assert driver.exception is driver.exception, "reading it counts as fetching it"
        assert driver.status == mesos.DRIVER_NOT_STARTED or driver._native.settle(PATIENCE)
    drivers.clear()
    gc.collect()


@pytest.fixture
def framework() -> dict[str, Any]:
    """Say what `start` starts unless it is told otherwise; modules have their own."""
    return {"name": "test", "failover_timeout": 60}


@pytest.fixture
def start(framework: dict[str, Any]) -> Iterator[Callable[..., tuple[mesos.SchedulerDriver, Recorder]]]:
    """Start a driver at a master, with callbacks on a thread of its own; aborted after the test."""
    drivers: list[mesos.SchedulerDriver] = []

    def start(master: str, **settings: Any) -> tuple[mesos.SchedulerDriver, Recorder]:
        scheduler = Recorder()
        info = settings.pop("framework", framework)
        driver = mesos.SchedulerDriver(scheduler, info, master, dispatcher="thread", **settings)
        drivers.append(driver)
        driver.start()
        return driver, scheduler

    yield start
    for driver in drivers:
        driver.abort()
        assert driver._native.settle(PATIENCE)
        assert driver.exception is driver.exception, "reading it counts as fetching it"


class Child:
    """A Python program in a process of its own."""

    def __init__(self, code: str, **environment: str) -> None:
        command = [sys.executable, "-X", "faulthandler", "-W", "error", "-u", "-c", textwrap.dedent(code)]
        pipe = subprocess.PIPE
        env = {**os.environ, **environment}
        self.process = subprocess.Popen(command, stdout=pipe, stderr=pipe, text=True, env=env)

    def line(self) -> str:
        """Return the next line it printed."""
        assert self.process.stdout is not None
        line = self.process.stdout.readline().rstrip("\n")
        if not line:
            self.process.wait(PATIENCE)
            assert self.process.stderr is not None
            raise AssertionError(f"it ended with {self.process.returncode}:\n{self.process.stderr.read()}")
        return line

    def interrupt(self) -> None:
        """Press Ctrl-C."""
        self.process.send_signal(signal.SIGINT)

    def end(self, patience: float = PATIENCE) -> tuple[int, str, str]:
        """Wait for its end: exit status, the rest of stdout, stderr."""
        out, err = self.process.communicate(timeout=patience)
        return self.process.returncode, out, err


@pytest.fixture
def child() -> Iterator[Callable[..., Child]]:
    """Start Python programs; what still runs at the end of the test is killed."""
    started: list[Child] = []

    def start(code: str, **environment: str) -> Child:
        started.append(Child(code, **environment))
        return started[-1]

    yield start
    for one in started:
        if one.process.poll() is None:
            one.process.kill()
        one.process.communicate()
