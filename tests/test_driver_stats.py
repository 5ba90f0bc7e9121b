"""`driver.stats`: each figure, over a master that does what it takes to move it."""

from __future__ import annotations

import dataclasses
import time
from typing import TYPE_CHECKING

import mesos
import pytest
from mesos.testing import ScriptedBackend
from mesos.v1 import scheduler as v1
from recorder import PATIENCE, REGISTERED, Recorder, calls, message, update
from scripted import ScriptedMaster, status, subscribe

if TYPE_CHECKING:
    from collections.abc import Callable

    Make = Callable[..., mesos.SchedulerDriver]

UPDATE = v1.Event(type="UPDATE", update={"status": update()[1]}).SerializeToString()
HEARTBEAT = v1.Event(type="HEARTBEAT").SerializeToString()
FRAMEWORK = {"name": "test", "failover_timeout": 1}


def test_all_are_zero_before_the_start(make: Make) -> None:
    figures = dataclasses.asdict(make(Recorder()).stats)
    assert figures.pop("seconds_since_traffic") is None
    assert set(figures.values()) == {0}


def test_what_waits_and_what_was_handled(make: Make, backend: ScriptedBackend) -> None:
    driver = make(Recorder(), dispatcher="poll")
    driver.start()
    backend.play([REGISTERED, message(b"x"), message(b"y")])
    backend.join()
    waiting = driver.stats
    assert (waiting.events_received, waiting.events_handled, waiting.queue_depth) == (3, 0, 3)
    assert driver.run_once(0)
    assert driver.run_once(0)
    stats = driver.stats
    assert (stats.events_received, stats.events_handled, stats.queue_depth) == (3, 2, 1)
    assert stats.queue_high_water == 3
    assert 0 < stats.seconds_queued < PATIENCE, "of the second"
    assert waiting.queue_depth == 3, "a snapshot"
    driver.abort()
    driver.join(PATIENCE)
    stats = driver.stats
    assert (stats.events_received, stats.events_handled, stats.queue_depth) == (3, 2, 0), "discarded"


def test_calls_and_acknowledgements() -> None:
    answers = iter([(400, "no"), (202, "")])
    with ScriptedMaster(answering=lambda _: next(answers, (202, ""))) as master:
        driver = mesos.SchedulerDriver(Recorder(), FRAMEWORK, master.address, dispatcher="poll")
        assert driver.kill_task("before") == mesos.DRIVER_NOT_STARTED
        driver.run_once(PATIENCE)  # registered
        driver.kill_task("refused")
        driver.run_once(PATIENCE)  # call_rejected
        master.push(UPDATE)
        driver.run_once(PATIENCE)
        driver.stop(failover=True)
        driver.join(PATIENCE)
        driver.kill_task("after")
        stats = driver.stats
    assert (stats.calls_sent, stats.calls_rejected, stats.calls_dropped) == (2, 1, 2)
    assert stats.acknowledgements == 1


def test_an_update_that_nobody_waits_for_is_not_acknowledged(make: Make, backend: ScriptedBackend) -> None:
    def end(driver: mesos.SchedulerDriver, status: mesos.TaskStatus) -> None:
        if status.uuid:
            driver.stop()

    driver = make(Recorder(status_update=end), dispatcher="poll")
    driver.start()
    backend.play([REGISTERED, update(uuid=None), update(uuid=b""), update()])
    driver.join(PATIENCE)
    assert driver.stats.events_handled == 4
    assert driver.stats.acknowledgements == 0
    assert calls(backend) == ["TEARDOWN"]
    assert not driver.connected


def test_reconnects() -> None:
    with ScriptedMaster(subscribe(), status(503), subscribe()) as master:
        driver = mesos.SchedulerDriver(Recorder(), FRAMEWORK, master.address, dispatcher="poll")
        driver.run_once(PATIENCE)
        assert driver.stats.reconnects == 0
        master.cut()
        driver.run_once(PATIENCE)  # disconnected
        driver.run_once(PATIENCE)  # reregistered
        assert driver.stats.reconnects == 1, "attempts that fail are none"
        driver.abort()
        driver.join(PATIENCE)


def test_seconds_since_traffic_count_from_what_was_heard_last() -> None:
    with ScriptedMaster() as master:
        driver = mesos.SchedulerDriver(Recorder(), FRAMEWORK, master.address, dispatcher="poll")
        driver.run_once(PATIENCE)

        def heard() -> float:
            """When something was heard, or a little earlier."""
            now = time.monotonic()
            silence = driver.stats.seconds_since_traffic
            assert silence is not None
            return now - silence

        def is_heard(speak: Callable[[], object]) -> bool:
            before = time.monotonic()
            assert heard() < before
            speak()
            while heard() <= before and time.monotonic() < before + PATIENCE:
                time.sleep(0)
            return heard() > before

        assert is_heard(lambda: master.push(HEARTBEAT)), "a heartbeat, which is no event"
        assert is_heard(lambda: driver.kill_task("t")), "the answer to a call"
        assert driver.stats.events_received == 1
        driver.abort()
        driver.join(PATIENCE)


def test_a_script_is_traffic_too(make: Make, backend: ScriptedBackend) -> None:
    driver = make(Recorder(), dispatcher="poll")
    driver.start()
    assert driver.stats.seconds_since_traffic is None
    backend.play([REGISTERED])
    silence = driver.stats.seconds_since_traffic
    assert silence is not None
    assert 0 <= silence < PATIENCE


@pytest.mark.parametrize("name", [field.name for field in dataclasses.fields(mesos.SchedulerStats)])
def test_each_figure_is_explained(name: str) -> None:
    assert f"{name}: " in (mesos.SchedulerStats.__doc__ or "")
