"""What holds for every dispatcher: one suite, run over each of them, through the real queue."""

from __future__ import annotations

import asyncio
import gc
import logging
import os
import signal
import threading
from typing import TYPE_CHECKING, Any

import mesos
import pytest
from mesos.testing import ScriptedBackend
from recorder import OFFER, PATIENCE, REGISTERED, Recorder, calls, message, update

if TYPE_CHECKING:
    from rides import Ride

#: `make test` takes a million.
EVENTS = int(os.environ.get("MESOS_EVENTS", "100000"))


def test_each_event_finds_its_method_with_its_arguments(ride: Ride, backend: ScriptedBackend) -> None:
    recorder = ride.recorder()
    driver = ride.started(recorder)
    script: list[tuple[Any, ...]] = [
        ("registered", "framework-1", {"id": "m", "ip": 1, "port": 5050}),
        ("resource_offers", [OFFER, {**OFFER, "id": {"value": "offer-2"}}]),
        ("offer_rescinded", "offer-1"),
        ("inverse_offer_rescinded", "inverse-1"),
        update(),
        ("operation_status_update", {"state": 3, "operation_id": {"value": "operation-1"}}),
        message(b"\0data"),
        ("agent_lost", "agent-1"),
        ("executor_lost", "executor-1", "agent-1", 9),
        ("call_rejected", {"type": 4}, 400, "no such offer"),
        ("disconnected",),
        ("reregistered",),
    ]
    backend.play(script)
    ride.until(recorder, driver, lambda: len(recorder.events) == len(script))
    assert recorder.names == [event[0] for event in script]
    found = {event[0]: event[1:] for event in recorder.events}
    assert found["registered"][0].value == "framework-1"
    assert found["registered"][1].port == 5050
    assert [offer.id.value for offer in found["resource_offers"][0]] == ["offer-1", "offer-2"]
    assert found["offer_rescinded"][0].value == "offer-1"
    assert found["status_update"][0].task_id.value == "task-1"
    assert found["framework_message"][2] == b"\0data"
    assert type(found["framework_message"][2]) is bytes
    assert found["executor_lost"][2] == 9
    assert found["call_rejected"][1:] == (400, "no such offer")
    assert found["disconnected"] == ()
    assert found["reregistered"] == (None,)
    assert recorder.drivers == {id(driver)}
    assert driver.framework_id.value == "framework-1"


def test_no_event_of_four_producers_is_lost(ride: Ride, backend: ScriptedBackend) -> None:
    producers, block, repeat = 4, 100, EVENTS // 400
    wanted = producers * block * repeat
    last = dict.fromkeys(range(producers), block - 1)
    seen = 0

    class Counter(ride.recorder):  # type: ignore[name-defined, misc]
        def note(self, name: str, driver: Any, args: tuple[Any, ...]) -> None:
            nonlocal seen
            producer, number = args[2]
            assert number == (last[producer] + 1) % block, "order within a producer"
            last[producer] = number
            seen += 1
            if seen == wanted or seen % 1000 == 0:
                with self.changed:
                    self.changed.notify_all()
                for listener in self.listeners:
                    listener()

    counter = Counter()
    driver = ride.started(counter)
    for producer in range(producers):
        backend.play([message(bytes((producer, number))) for number in range(block)], repeat=repeat)
    ride.until(counter, driver, lambda: seen == wanted)
    backend.join()
    stats = driver.stats
    assert (stats.events_received, stats.events_handled, stats.queue_depth) == (wanted, wanted, 0)
    assert 0 < stats.queue_high_water <= wanted


def test_every_single_event_wakes_the_dispatcher(ride: Ride, backend: ScriptedBackend) -> None:
    recorder = ride.recorder()
    driver = ride.started(recorder)
    for count in range(1, 201):
        backend.play([message(b"ping")])
        ride.until(recorder, driver, lambda count=count: len(recorder.events) == count)  # type: ignore[misc]


def test_an_update_is_acknowledged_after_its_handler(ride: Ride, backend: ScriptedBackend) -> None:
    before: list[list[str]] = []
    recorder = ride.recorder(status_update=lambda *_: before.append(calls(backend)))
    driver = ride.started(recorder)
    backend.play([REGISTERED, update("a"), update("b"), update("c", uuid=None), message(b"end")])
    ride.until(recorder, driver, lambda: "framework_message" in recorder.names)
    assert before == [[], ["ACKNOWLEDGE"], ["ACKNOWLEDGE"] * 2], "one by one, behind each handler"
    assert calls(backend) == ["ACKNOWLEDGE"] * 2, "an update without uuid needs none"
    sent = backend.calls[0]
    assert sent.acknowledge.task_id.value == "a"
    assert sent.acknowledge.agent_id.value == "agent-1"
    assert sent.acknowledge.uuid == b"0123456789abcdef"
    assert sent.framework_id.value == "framework-1"
    assert driver.stats.acknowledgements == 2


def test_operation_updates_are_acknowledged_too(ride: Ride, backend: ScriptedBackend) -> None:
    recorder = ride.recorder()
    driver = ride.started(recorder)
    status = {
        "state": 3,
        "operation_id": {"value": "op"},
        "uuid": {"value": b"u"},
        "agent_id": {"value": "a"},
    }
    backend.play([("operation_status_update", status), message(b"end")])
    ride.until(recorder, driver, lambda: len(recorder.events) == 2)
    assert calls(backend) == ["ACKNOWLEDGE_OPERATION_STATUS"]
    sent = backend.calls[0].acknowledge_operation_status
    assert (sent.operation_id.value, sent.uuid, sent.agent_id.value) == ("op", b"u", "a")


def test_explicit_acknowledgements_are_the_users(ride: Ride, backend: ScriptedBackend) -> None:
    recorder = ride.recorder(status_update=lambda driver, status: kept.append(status))
    kept: list[Any] = []
    driver = ride.started(recorder, implicit_acknowledgements=False)
    backend.play([update(), message(b"end")])
    ride.until(recorder, driver, lambda: len(recorder.events) == 2)
    assert calls(backend) == []
    driver.acknowledge_status_update(kept[0])
    assert calls(backend) == ["ACKNOWLEDGE"]


def test_a_handler_that_raises_ends_the_driver(
    ride: Ride, backend: ScriptedBackend, caplog: pytest.LogCaptureFixture
) -> None:
    def fail(driver: Any, status: Any) -> None:
        raise LookupError("no such task")

    recorder = ride.recorder(status_update=fail)
    driver = ride.started(recorder)
    backend.play([REGISTERED, update(), update(), message(b"never")])
    with pytest.raises(LookupError, match="no such task") as raised:
        ride.end(driver)
    assert driver.exception is raised.value
    assert driver.status == mesos.DRIVER_ABORTED
    assert recorder.names == ["registered", "status_update"]
    assert (calls(backend), backend.ended) == ([], "abort")
    [record] = [record for record in caplog.records if record.name == "mesos.driver"]
    assert record.levelno == logging.ERROR
    assert record.exc_info is not None
    assert record.exc_info[1] is raised.value
    with pytest.raises(LookupError):
        driver.join()


class Odd(BaseException):
    """No Exception, and nothing that Python knows."""


@pytest.mark.parametrize(
    "kind", [KeyboardInterrupt, SystemExit, GeneratorExit, asyncio.CancelledError, StopAsyncIteration, Odd]
)
def test_whatever_a_handler_raises_is_logged_once_and_comes_out(
    ride: Ride, backend: ScriptedBackend, caplog: pytest.LogCaptureFixture, kind: type[BaseException]
) -> None:
    def fail(driver: Any, status: Any) -> None:
        raise kind("odd")

    driver = ride.started(ride.recorder(status_update=fail))
    with pytest.raises((kind, mesos.DriverAbortedError)) as raised:  # noqa: PT012
        backend.play([REGISTERED, update()])  # an interrupt may come before the next line
        ride.end(driver)
    assert (calls(backend), backend.ended) == ([], "abort")
    if kind is asyncio.CancelledError:
        assert isinstance(raised.value, mesos.DriverAbortedError)
        assert isinstance(raised.value.__cause__, kind)
    else:
        assert raised.value is driver.exception
    ride.close()
    gc.collect()  # a task whose exception nobody took complains when it is collected
    errors = [record for record in caplog.records if record.levelno >= logging.ERROR]
    assert [record.name for record in errors] == ["mesos.driver"], [str(record.msg) for record in errors]


def test_an_error_of_mesos_aborts_first_and_is_raised(ride: Ride, backend: ScriptedBackend) -> None:
    recorder = ride.recorder()
    driver = ride.started(recorder)
    backend.play([("error", "Framework has been removed"), message(b"never")])
    with pytest.raises(mesos.DriverAbortedError, match="Framework has been removed"):
        ride.end(driver)
    assert (driver.status, recorder.events) == (mesos.DRIVER_ABORTED, [])


def test_an_error_handler_of_the_users_ends_it_in_peace(ride: Ride, backend: ScriptedBackend) -> None:
    told: list[Any] = []

    class Quiet(ride.recorder):  # type: ignore[name-defined, misc]
        def error(self, driver: mesos.SchedulerDriver, message: str) -> None:
            told.append((message, driver.status, threading.get_ident()))

    driver = ride.started(Quiet())
    backend.play([("error", "gone")])
    assert ride.end(driver) == mesos.DRIVER_ABORTED
    assert told[0][:2] == ("gone", mesos.DRIVER_ABORTED), "the abort comes before the callback"
    assert driver.exception is None


def test_stop_inside_a_handler_is_the_last_thing_heard(ride: Ride, backend: ScriptedBackend) -> None:
    recorder = ride.recorder(status_update=lambda driver, status: driver.stop())
    driver = ride.started(recorder)
    backend.play([REGISTERED, update(), update(), message(b"never")])
    assert ride.end(driver) == mesos.DRIVER_STOPPED
    assert recorder.names == ["registered", "status_update"]
    assert calls(backend) == ["TEARDOWN"], "a stopped driver acknowledges nothing"
    assert (driver.stats.acknowledgements, driver.stats.calls_dropped) == (0, 0), "nor does it try to"
    assert backend.ended == "teardown"


def test_stop_from_another_thread(ride: Ride, backend: ScriptedBackend) -> None:
    recorder = ride.recorder()
    driver = ride.started(recorder)
    backend.play([REGISTERED])
    ride.until(recorder, driver, lambda: bool(recorder.events))
    stopper = threading.Thread(target=driver.stop, args=(True,))
    stopper.start()
    assert ride.end(driver) == mesos.DRIVER_STOPPED
    stopper.join()
    backend.play([message(b"never")])
    backend.join()
    assert (recorder.names, backend.ended, calls(backend)) == (["registered"], "failover", [])


def test_stop_from_a_signal_handler(ride: Ride, backend: ScriptedBackend) -> None:
    recorder = ride.recorder()
    driver = ride.started(recorder)
    backend.play([REGISTERED])
    ride.until(recorder, driver, lambda: bool(recorder.events))
    before = signal.signal(signal.SIGUSR1, lambda *_: driver.stop(True))
    try:
        os.kill(os.getpid(), signal.SIGUSR1)
        assert ride.end(driver) == mesos.DRIVER_STOPPED
    finally:
        signal.signal(signal.SIGUSR1, before)
    assert (recorder.names, backend.ended, calls(backend)) == (["registered"], "failover", [])


def test_a_driver_that_nobody_can_reach_closes_as_failover(ride: Ride, backend: ScriptedBackend) -> None:
    recorder = ride.recorder()
    driver = mesos.SchedulerDriver(recorder, "test", backend=backend, dispatcher=ride.dispatcher)
    ride.start(driver)
    backend.play([REGISTERED])
    ride.until(recorder, driver, lambda: bool(recorder.events))
    dispatcher = driver.dispatcher
    assert dispatcher is not None
    with pytest.warns(ResourceWarning, match="nobody could reach it"):
        del driver
    assert backend.ended == "failover"
    if ride.dispatcher == "asyncio":
        ride.loop.run_until_complete(dispatcher.wait(PATIENCE))  # type: ignore[attr-defined]
    assert dispatcher.join(PATIENCE)


def test_nothing_is_left_behind(ride: Ride) -> None:
    def descriptors() -> int:
        return len(os.listdir("/proc/self/fd"))

    def cycle() -> None:
        recorder = ride.recorder()
        backend = ScriptedBackend()
        driver = mesos.SchedulerDriver(recorder, "test", backend=backend, dispatcher=ride.dispatcher)
        ride.start(driver)
        backend.play([REGISTERED])
        ride.until(recorder, driver, lambda: bool(recorder.events))
        driver.stop()
        assert ride.end(driver) == mesos.DRIVER_STOPPED
        backend.join()
        with pytest.raises(ValueError, match="has ended"):
            driver.fileno()

    cycle()
    gc.collect()
    before = descriptors(), threading.active_count(), len(gc.get_objects())
    for _ in range(30):
        cycle()
    gc.collect()
    after = descriptors(), threading.active_count(), len(gc.get_objects())
    assert after[:2] == before[:2]
    assert after[2] - before[2] < 30, "less than one object for each driver"


def test_offers_are_declined_by_the_base_class(ride: Ride, backend: ScriptedBackend) -> None:
    class Base(mesos.Scheduler):
        def registered(self, *_: Any) -> None:
            """Do nothing, in place of the base class, which does nothing either."""

    driver = ride.new(Base())
    ride.start(driver)
    backend.play([REGISTERED, ("resource_offers", [OFFER])])
    if ride.dispatcher == "asyncio":
        ride.loop.run_until_complete(_soon(lambda: calls(backend) == ["DECLINE"]))  # type: ignore[attr-defined]
    elif ride.dispatcher == "poll":
        driver.run_once(PATIENCE)
        driver.run_once(PATIENCE)
    elif ride.dispatcher == "interrupt":
        ride.until(Recorder(), driver, lambda: calls(backend) == ["DECLINE"])
    assert backend.wait_for_calls(1)
    assert backend.calls[0].decline.offer_ids[0].value == "offer-1"


async def _soon(done: Any) -> None:
    while not done():
        await asyncio.sleep(0)
