"""What tests of frameworks are helped with: the pace of a script. What it says is tested with the drivers."""

from __future__ import annotations

import os
import signal
import threading
import time

import mesos
import pytest
from mesos.testing import ScriptedBackend
from recorder import PATIENCE, Recorder

MESSAGE = ("framework_message", "e", "a", b"x")


def test_events_come_an_interval_apart(backend: ScriptedBackend) -> None:
    driver = mesos.SchedulerDriver(Recorder(), "x", backend=backend, dispatcher="poll")
    driver.start()
    began = time.monotonic()
    backend.play([MESSAGE], repeat=5, interval=0.01)
    for _ in range(5):
        assert driver.run_once(PATIENCE)
    assert time.monotonic() - began >= 4 * 0.01
    driver.abort()


def test_a_script_ends_with_its_driver(backend: ScriptedBackend) -> None:
    driver = mesos.SchedulerDriver(Recorder(), "x", backend=backend, dispatcher="poll")
    driver.start()
    backend.play([MESSAGE], repeat=1_000_000, interval=0.01)
    assert driver.run_once(PATIENCE)
    driver.stop()
    driver.join(PATIENCE)
    backend.join()


@pytest.mark.parametrize("interval", [-1.0, float("nan"), float("inf")])
def test_an_interval_is_a_number_of_seconds(backend: ScriptedBackend, interval: float) -> None:
    driver = mesos.SchedulerDriver(Recorder(), "x", backend=backend, dispatcher="poll")
    driver.start()
    with pytest.raises(ValueError, match="interval: a number of seconds"):
        backend.play([MESSAGE], interval=interval)
    driver.abort()


def test_ctrl_c_breaks_the_wait_for_a_script(backend: ScriptedBackend) -> None:
    driver = mesos.SchedulerDriver(Recorder(), "x", backend=backend, dispatcher="poll")
    driver.start()
    backend.play([MESSAGE], repeat=2, interval=PATIENCE)
    assert driver.run_once(PATIENCE)
    ctrl_c = threading.Timer(0.05, lambda: os.kill(os.getpid(), signal.SIGINT))

    def join() -> None:
        ctrl_c.start()
        backend.join()

    with pytest.raises(KeyboardInterrupt):
        join()
    ctrl_c.join()
    assert driver.stats.events_received == 1
    driver.abort()
