"""The life of a driver as its user sees it: run, waits, loops; test_driver_status.py has every state."""

from __future__ import annotations

import asyncio
import copy
import gc
import logging
import pickle
import threading
import weakref
from typing import TYPE_CHECKING, Any

import mesos
import pytest
from mesos.testing import ScriptedBackend
from recorder import PATIENCE, REGISTERED, AsyncRecorder, Recorder, calls, message, update

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Iterator

    Make = Callable[..., mesos.SchedulerDriver]


def fail(*_: Any) -> None:
    raise LookupError("handler")


def test_join_and_wait_give_up_in_time(make: Make, backend: ScriptedBackend) -> None:
    driver = make(Recorder(), dispatcher="thread")
    driver.start()
    assert driver.join(0.01) is mesos.DRIVER_RUNNING
    assert asyncio.run(driver.wait(0.01)) is mesos.DRIVER_RUNNING
    driver.stop()
    assert driver.join(PATIENCE) is mesos.DRIVER_STOPPED


def test_a_stop_is_over_when_the_master_has_answered(make: Make) -> None:
    slow = ScriptedBackend(hold_end=True)
    driver = make(Recorder(), dispatcher="thread", backend=slow)
    driver.start()
    assert driver.stop() is mesos.DRIVER_STOPPED
    driver.join(0.01)
    dispatcher = driver.dispatcher
    assert dispatcher is not None
    assert not dispatcher.ended
    slow.release()
    assert driver.join(PATIENCE) is mesos.DRIVER_STOPPED
    assert dispatcher.ended


def test_run_once_says_whether_there_was_an_event(make: Make, backend: ScriptedBackend) -> None:
    recorder = Recorder()
    driver = make(recorder)
    assert driver.run_once(0) is False, "it starts the driver"
    assert driver.status is mesos.DRIVER_RUNNING
    backend.play([REGISTERED, message(b"1")])
    assert driver.run_once() is True
    dispatcher = driver.dispatcher
    assert dispatcher is not None
    event = dispatcher.run_once(PATIENCE)
    assert event is not None
    assert (event[0], event[3]) == ("framework_message", b"1")
    assert dispatcher.run_once(0.01) is None
    assert dispatcher.pending == 0
    driver.stop()
    assert driver.run_once() is False
    assert recorder.names == ["registered", "framework_message"]


def test_run_once_raises_what_the_handler_raised(make: Make, backend: ScriptedBackend) -> None:
    driver = make(Recorder(registered=fail))
    driver.run_once(0)
    backend.play([REGISTERED])
    with pytest.raises(LookupError):
        driver.run_once()


def test_run_dispatches_here(make: Make, backend: ScriptedBackend) -> None:
    recorder = Recorder(registered=lambda driver, *_: driver.stop())
    driver = make(recorder)
    script = threading.Thread(target=_play_when_started, args=(driver, backend, [REGISTERED]))
    script.start()
    assert driver.run() is mesos.DRIVER_STOPPED
    script.join()
    assert recorder.threads == {threading.get_ident()}


def _play_when_started(driver: mesos.SchedulerDriver, backend: ScriptedBackend, script: list[Any]) -> None:
    while driver.status == mesos.DRIVER_NOT_STARTED:
        threading.Event().wait(0.001)
    backend.play(script)


def test_run_with_async_handlers_makes_a_loop(make: Make, backend: ScriptedBackend) -> None:
    recorder = AsyncRecorder(registered=lambda driver, *_: driver.stop())
    driver = make(recorder)
    script = threading.Thread(target=_play_when_started, args=(driver, backend, [REGISTERED]))
    script.start()
    assert driver.run() is mesos.DRIVER_STOPPED
    script.join()
    assert recorder.threads == {threading.get_ident()}


def test_run_raises_what_the_handler_raised(make: Make, backend: ScriptedBackend) -> None:
    for recorder in (Recorder(registered=fail), AsyncRecorder(registered=fail)):
        one = ScriptedBackend()
        driver = make(recorder, backend=one)
        script = threading.Thread(target=_play_when_started, args=(driver, one, [REGISTERED]))
        script.start()
        with pytest.raises(LookupError, match="handler"):
            driver.run()
        script.join()
        assert driver.status is mesos.DRIVER_ABORTED


@pytest.mark.parametrize("dispatcher", ["asyncio", "thread", "poll"])
def test_wait_on_any_loop(make: Make, backend: ScriptedBackend, dispatcher: str) -> None:
    async def main() -> None:
        driver = make(Recorder(status_update=lambda driver, *_: driver.stop(True)), dispatcher=dispatcher)
        driver.start()
        waiters = [asyncio.create_task(driver.wait()) for _ in range(3)]
        await asyncio.sleep(0)
        waiters[0].cancel()
        with pytest.raises(asyncio.CancelledError):
            await waiters[0]
        assert driver.status is mesos.DRIVER_RUNNING, "cancelling a wait stops nothing"
        backend.play([REGISTERED, update()])
        assert await asyncio.gather(*waiters[1:]) == [mesos.DRIVER_STOPPED] * 2

    asyncio.run(main())


def test_wait_on_another_loop_than_the_dispatching_one(make: Make, backend: ScriptedBackend) -> None:
    results: list[Any] = []

    async def main() -> None:
        driver = make(Recorder(), dispatcher="asyncio")
        driver.start()
        other = threading.Thread(target=lambda: results.append(asyncio.run(driver.wait())))
        other.start()
        driver.stop()
        await driver.wait()
        await asyncio.to_thread(other.join)

    asyncio.run(main())
    assert results == [mesos.DRIVER_STOPPED]


def test_a_cancelled_handler_counts_as_raised(make: Make, backend: ScriptedBackend) -> None:
    running = asyncio.Event()

    class Slow(mesos.Scheduler):
        async def status_update(self, driver: Any, status: Any) -> None:
            self.task = asyncio.current_task()
            running.set()
            await asyncio.get_running_loop().create_future()

    async def main() -> None:
        slow = Slow()
        driver = make(slow)
        driver.start()
        backend.play([update()])
        await running.wait()
        assert slow.task is not None
        slow.task.cancel()
        with pytest.raises(mesos.DriverAbortedError, match="cancelled") as raised:
            await driver.wait()
        assert isinstance(raised.value.__cause__, asyncio.CancelledError)

    asyncio.run(main())
    assert (calls(backend), backend.ended) == ([], "abort")


def test_a_suspended_handler_is_waited_for(make: Make, backend: ScriptedBackend) -> None:
    async def main() -> None:
        running, go_on = asyncio.Event(), asyncio.Event()
        ended: list[str] = []

        class Slow(mesos.Scheduler):
            async def status_update(self, driver: Any, status: Any) -> None:
                running.set()
                await go_on.wait()
                ended.append(status.task_id.value)

        driver = make(Slow())
        driver.start()
        backend.play([update("a"), update("b")])
        await running.wait()
        driver.stop(True)
        assert await driver.wait(0.01) is mesos.DRIVER_STOPPED
        assert ended == []
        go_on.set()
        await driver.wait()
        assert ended == ["a"], "to its end, and the next one never begins"

    asyncio.run(main())
    assert calls(backend) == []


def test_async_handlers_run_one_at_a_time(make: Make, backend: ScriptedBackend) -> None:
    async def main() -> None:
        recorder = AsyncRecorder()
        async with make(recorder):
            backend.play([update()], repeat=500)
            while recorder.names.count("status_update") < 500:
                await asyncio.sleep(0)
        assert recorder.most_running == 1

    asyncio.run(main())


def test_other_callbacks_of_the_loop_get_their_turn(make: Make, backend: ScriptedBackend) -> None:
    async def main() -> int:
        recorder, ticks = Recorder(), 0
        async with make(recorder):
            backend.play([message(b"x")], repeat=20_000)
            backend.join()
            while len(recorder.events) < 20_000:
                ticks += 1
                await asyncio.sleep(0)
        return ticks

    assert asyncio.run(main()) > 20_000 / 128 / 2


def test_a_loop_closed_under_its_driver_aborts_it(
    make: Make, backend: ScriptedBackend, caplog: pytest.LogCaptureFixture
) -> None:
    driver = make(Recorder(), dispatcher="asyncio")

    async def main() -> None:
        driver.start()

    asyncio.run(main())
    gc.collect()
    assert (driver.status, backend.ended) == (mesos.DRIVER_ABORTED, "abort")
    with pytest.raises(mesos.DriverAbortedError, match="loop was closed"):
        driver.join(PATIENCE)


def test_an_unfetched_exception_reaches_the_hook(monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[Any] = []
    monkeypatch.setattr(logging.getLogger("mesos.driver"), "disabled", True)  # a record would keep the driver
    monkeypatch.setattr(threading, "excepthook", lambda args: seen.append(args.exc_value))
    backend = ScriptedBackend()
    driver = mesos.SchedulerDriver(Recorder(registered=fail), "x", backend=backend, dispatcher="thread")
    driver.start()
    backend.play([REGISTERED])
    assert driver.dispatcher is not None
    driver.dispatcher.join(PATIENCE)
    del driver
    gc.collect()
    assert [type(error) for error in seen] == [LookupError]


def test_an_unfetched_exception_reaches_the_loops_handler(monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[Any] = []
    monkeypatch.setattr(logging.getLogger("mesos.driver"), "disabled", True)
    backend = ScriptedBackend()

    async def main() -> None:
        asyncio.get_running_loop().set_exception_handler(lambda loop, context: seen.append(context))
        driver = mesos.SchedulerDriver(Recorder(registered=fail), "x", backend=backend)
        driver.start()
        backend.play([REGISTERED])
        assert driver.dispatcher is not None
        await driver.dispatcher.wait(PATIENCE)
        del driver
        gc.collect()

    asyncio.run(main())
    assert [type(context["exception"]) for context in seen] == [LookupError]


def test_a_handler_object_may_refer_to_its_driver() -> None:
    backend = ScriptedBackend()
    recorder = Recorder()
    recorder.driver = mesos.SchedulerDriver(recorder, "x", backend=backend)  # type: ignore[attr-defined]
    with recorder.driver:  # type: ignore[attr-defined]
        pass
    gone = weakref.ref(recorder.driver)  # type: ignore[attr-defined]
    del recorder
    gc.collect()
    assert gone() is None


def test_what_nobody_can_await_is_closed(make: Make, backend: ScriptedBackend) -> None:
    closed = []

    class Awaitable:
        def __await__(self) -> Any:
            raise AssertionError

        def close(self) -> None:
            closed.append(self)

    driver = make(Recorder(registered=lambda *_: Awaitable()), dispatcher="poll")
    driver.start()
    backend.play([REGISTERED])
    with pytest.raises(TypeError, match="cannot await"):
        driver.join(PATIENCE)
    assert len(closed) == 1


def test_what_can_be_read(make: Make, backend: ScriptedBackend) -> None:
    driver = make(Recorder(), dispatcher="poll")
    assert driver.framework.name == "test"
    assert driver.framework.user
    assert driver.framework.hostname
    driver.start()
    backend.play([("registered", "f-9", {"id": "m", "ip": 1, "port": 5051}), ("disconnected",)])
    driver.run_once(PATIENCE)
    assert driver.connected
    assert driver.framework_id.value == "f-9"
    assert driver.framework.id.value == "f-9"
    assert driver.master_info.port == 5051
    driver.run_once(PATIENCE)
    assert not driver.connected
    with pytest.raises(AttributeError):
        driver.status = 3  # type: ignore[misc, assignment]
    with pytest.raises(AttributeError):
        driver.stats.calls_sent = 3  # type: ignore[misc]
    assert repr(driver) == "<SchedulerDriver of Recorder: running>"


def generates() -> Iterator[int]:
    yield 1


async def generates_later() -> AsyncIterator[int]:
    yield 1


@pytest.mark.parametrize("generate", [generates, generates_later])
def test_a_handler_that_returns_a_generator_has_not_run(
    make: Make, backend: ScriptedBackend, generate: Callable[[], Any]
) -> None:
    class Generates(mesos.Scheduler):
        def status_update(self, *_: object) -> Any:
            return generate()

    driver = make(Generates(), dispatcher="poll")
    driver.start()
    backend.play(
        [("status_update", {"task_id": "t", "state": "TASK_RUNNING", "agent_id": "a", "uuid": b"u"})]
    )
    with pytest.raises(TypeError, match="status_update: it returned a generator"):
        driver.join(PATIENCE)
    assert driver.stats.acknowledgements == 0


def test_a_driver_of_a_class_that_compares(backend: ScriptedBackend) -> None:
    class Compares(mesos.SchedulerDriver):  # noqa: PLW1641 - it is about drivers without `__hash__`
        def __eq__(self, other: object) -> bool:
            return isinstance(other, Compares)

    with Compares(mesos.Scheduler(), "test", backend=backend) as driver:
        assert driver.status == mesos.DRIVER_RUNNING
    assert driver.status == mesos.DRIVER_STOPPED


@pytest.mark.parametrize("copied", [copy.copy, copy.deepcopy, pickle.dumps])
def test_a_driver_is_not_copied(
    make: Make, backend: ScriptedBackend, copied: Callable[[object], object]
) -> None:
    driver = make(mesos.Scheduler(), dispatcher="poll")
    driver.start()
    with pytest.raises(TypeError, match="SchedulerDriver of Scheduler: running> cannot be copied or pickled"):
        copied(driver)
    gc.collect()
    assert (driver.status, backend.ended) == (mesos.DRIVER_RUNNING, None)
