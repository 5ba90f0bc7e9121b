"""Drivers beside one another, handlers beside threads: one at a time, each in its place."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any

import mesos
import pytest
from mesos.testing import ScriptedBackend
from recorder import PATIENCE, REGISTERED, Recorder, message

if TYPE_CHECKING:
    from rides import Ride


def test_a_handler_that_blocks_holds_up_nobody_but_its_driver(ride: Ride, backend: ScriptedBackend) -> None:
    """It returns when all else is said and done, however long that takes."""
    other_backend, other = ScriptedBackend(), Recorder()
    second = mesos.SchedulerDriver(other, "other", backend=other_backend, dispatcher="thread")
    second.start()
    depths: list[int] = []

    def block(driver: mesos.SchedulerDriver, *_: Any) -> None:
        backend.play([message(b"x")], repeat=5000)
        other_backend.play([message(b"x")] * 100)
        backend.join()
        with other.changed:
            assert other.changed.wait_for(lambda: len(other.events) == 100, PATIENCE)
        assert len(recorder.events) == 1, "nothing else was handled meanwhile"
        depths.append(driver.stats.queue_depth)

    recorder = ride.recorder(registered=block)
    driver = ride.started(recorder)
    backend.play([REGISTERED])
    ride.until(recorder, driver, lambda: len(recorder.events) == 5001)
    assert (depths, driver.stats.queue_high_water) == ([5000], 5000)
    second.stop()
    second.join(PATIENCE)


def test_a_handler_cannot_be_entered_again(ride: Ride, backend: ScriptedBackend) -> None:
    refused: list[str] = []

    def again(driver: mesos.SchedulerDriver, *_: Any) -> None:
        assert driver.dispatcher is not None
        for attempt in (driver.join, driver.run, driver.run_once, driver.dispatcher.drain):
            with pytest.raises(RuntimeError) as raised:
                attempt()
            refused.append(str(raised.value))

    recorder = ride.recorder(registered=again)
    driver = ride.started(recorder)
    backend.play([REGISTERED, message(b"next")])
    ride.until(recorder, driver, lambda: len(recorder.events) == 2)
    assert len(refused) == 4
    assert all("await driver.wait()" in words for words in refused[:2]), refused


def test_draining_elsewhere_disturbs_nobody(ride: Ride, backend: ScriptedBackend) -> None:
    """Another thread is refused, or takes its turns in order: the driver lives on, and nothing is lost."""
    recorder = ride.recorder()
    driver = ride.started(recorder)
    refused, drained, tried, enough = 0, 0, threading.Event(), threading.Event()

    def drain() -> None:
        nonlocal refused, drained
        assert driver.dispatcher is not None
        while not enough.is_set():
            try:
                drained += driver.dispatcher.drain(3)
            except RuntimeError:
                refused += 1
            tried.set()

    other = threading.Thread(target=drain)
    other.start()
    assert tried.wait(PATIENCE)
    backend.play([message(bytes([number])) for number in range(250)], repeat=4)
    try:
        ride.until(recorder, driver, lambda: len(recorder.events) == 1000)
    finally:
        enough.set()
        other.join()
    assert [event[3] for event in recorder.events] == [bytes([number]) for number in range(250)] * 4
    assert (driver.status, driver.exception) == (mesos.DRIVER_RUNNING, None)
    if ride.dispatcher in ("thread", "asyncio", "interrupt"):
        assert drained == 0
        assert refused > 0


def test_two_drivers_do_not_hear_each_other(ride: Ride, backend: ScriptedBackend) -> None:
    other_backend = ScriptedBackend()
    one, other = ride.recorder(), ride.recorder()
    first, second = ride.started(one), ride.started(other, backend=other_backend)
    backend.play([message(b"first")], repeat=300)
    other_backend.play([message(b"second")], repeat=300)
    ride.until(one, first, lambda: len(one.events) == 300)
    ride.until(other, second, lambda: len(other.events) == 300)
    assert {event[3] for event in one.events} == {b"first"}
    assert {event[3] for event in other.events} == {b"second"}
    first.stop()
    ride.end(first)
    other_backend.play([message(b"more")])
    ride.until(other, second, lambda: len(other.events) == 301)


def test_a_dispatcher_serves_one_driver(ride: Ride) -> None:
    driver = ride.started(ride.recorder())
    with pytest.raises(RuntimeError, match="serves another driver"):
        mesos.SchedulerDriver(Recorder(), "other", backend=ScriptedBackend(), dispatcher=driver.dispatcher)
