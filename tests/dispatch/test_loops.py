"""What else runs with a dispatcher: shares of time, time limits, cancellations, loops that close."""

from __future__ import annotations

import asyncio
import gc
import itertools
import time
from typing import TYPE_CHECKING, Any

import mesos
import pytest
from mesos.dispatch import BATCH, AsyncioDispatcher
from recorder import PATIENCE, REGISTERED, AsyncRecorder, Recorder, calls, message, update

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from mesos.testing import ScriptedBackend
    from rides import Ride

    Make = Callable[..., mesos.SchedulerDriver]

on_loops = pytest.mark.parametrize("ride", ["asyncio", "asyncio-async", "uvloop-async"], indirect=True)
on_async_loops = pytest.mark.parametrize("ride", ["asyncio-async", "uvloop-async"], indirect=True)
polled = pytest.mark.parametrize("ride", ["poll", "fileno"], indirect=True)
awaited = pytest.mark.parametrize("ride", ["thread-async", "asyncio-async", "uvloop-async"], indirect=True)


@on_loops
def test_a_flood_leaves_the_loop_to_others_after_each_batch(ride: Ride, backend: ScriptedBackend) -> None:
    loop = ride.loop  # type: ignore[attr-defined]
    recorder = ride.recorder()
    driver = ride.started(recorder)
    seen: list[int] = []

    def other() -> None:
        seen.append(len(recorder.events))
        loop.call_soon(other)

    backend.play([message(b"x")], repeat=5000)
    backend.join()
    loop.call_soon(other)
    ride.until(recorder, driver, lambda: len(recorder.events) == 5000)
    steps = [later - earlier for earlier, later in itertools.pairwise(seen)]
    assert max(steps) <= BATCH
    assert len([step for step in steps if step]) >= 5000 // BATCH


@polled
def test_a_batch_is_what_was_asked_for(ride: Ride, backend: ScriptedBackend) -> None:
    recorder = ride.recorder()
    driver = ride.started(recorder)
    backend.play([message(b"x")], repeat=300)
    backend.join()
    assert driver.dispatcher is not None
    assert [driver.dispatcher.drain(limit) for limit in (0, 1, 100)] == [0, 1, 100]
    assert [driver.dispatcher.drain() for _ in range(3)] == [BATCH, 300 - 101 - BATCH, 0]
    with pytest.raises(ValueError, match="limit"):
        driver.dispatcher.drain(-1)


@pytest.mark.parametrize("timeout", [0, 0.01, -1])
def test_a_wait_that_is_over_ends_nothing(ride: Ride, backend: ScriptedBackend, timeout: float) -> None:
    recorder = ride.recorder()
    driver = ride.started(recorder)
    started = time.monotonic()
    assert driver.join(timeout) == mesos.DRIVER_RUNNING
    assert asyncio.run(driver.wait(timeout)) == mesos.DRIVER_RUNNING
    assert time.monotonic() - started >= 2 * timeout
    backend.play([REGISTERED])
    ride.until(recorder, driver, lambda: bool(recorder.events))
    driver.stop()
    assert ride.end(driver) == mesos.DRIVER_STOPPED
    assert driver.join(timeout) == mesos.DRIVER_STOPPED, "what has ended need not be waited for"


@awaited
def test_a_cancelled_handler_counts_as_one_that_raised(ride: Ride, backend: ScriptedBackend) -> None:
    async def cancelled() -> None:
        task = asyncio.current_task()
        assert task is not None
        asyncio.get_running_loop().call_soon(task.cancel)
        await asyncio.sleep(PATIENCE)

    recorder = ride.recorder(status_update=lambda *_: cancelled())
    driver = ride.started(recorder)
    backend.play([REGISTERED, update(), message(b"never")])
    with pytest.raises(mesos.DriverAbortedError, match="cancelled"):
        ride.end(driver)
    assert recorder.names == ["registered", "status_update"]
    assert (calls(backend), backend.ended) == ([], "abort"), "neither acknowledged nor torn down"


@awaited
def test_a_handler_cancelled_before_it_has_begun_counts_as_one_that_raised(
    ride: Ride, backend: ScriptedBackend
) -> None:
    class Cancelled(mesos.Scheduler):
        async def registered(self, *_: Any) -> None:
            raise AssertionError("not played")

        def status_update(self, *_: Any) -> Awaitable[None]:
            # what the loop is asked for here comes before what it is asked for to await this
            asyncio.get_running_loop().call_soon(cancel)
            return self.never()

        async def never(self) -> None:
            raise AssertionError("it was cancelled")

    def cancel() -> None:
        [task] = [task for task in asyncio.all_tasks() if task.get_name() == "mesos-handlers"]
        task.cancel()

    driver = ride.started(Cancelled())
    backend.play([update(), message(b"never")])
    with pytest.raises(mesos.DriverAbortedError, match="cancelled"):
        ride.end(driver)
    assert (calls(backend), backend.ended) == ([], "abort"), "neither acknowledged nor torn down"


@pytest.mark.parametrize("error", [KeyboardInterrupt, SystemExit])
@pytest.mark.parametrize(
    ("recorder", "dispatcher"), [(Recorder, "asyncio"), (AsyncRecorder, "asyncio"), (Recorder, "poll")]
)
def test_what_ends_a_loop_leaves_it_to_its_clean_up(
    make: Make, backend: ScriptedBackend, error: type[BaseException], recorder: Any, dispatcher: str
) -> None:
    done = []

    def registered(*_: Any) -> None:
        raise error

    async def main() -> None:
        driver = make(recorder(registered=registered), dispatcher=dispatcher)
        driver.start()
        backend.play([REGISTERED])
        try:
            await driver.wait(PATIENCE)
        finally:
            with pytest.raises(error):
                await driver.wait(PATIENCE)
            assert driver.dispatcher is not None
            assert driver.dispatcher.ended, "its end was dispatched meanwhile"
            done.append("cleaned up")

    with pytest.raises(error):
        asyncio.run(main())
    assert done == ["cleaned up"]


def test_what_goes_wrong_behind_an_async_handler_aborts(make: Make, backend: ScriptedBackend) -> None:
    class Full(AsyncioDispatcher):
        def check_place(self) -> None:
            if recorder.events and failures:
                raise failures.pop()

    async def main() -> None:
        driver = make(recorder, dispatcher=Full())
        driver.start()
        backend.play([REGISTERED, message(b"never")])
        with pytest.raises(OSError, match="disk is full"):
            await driver.wait(PATIENCE)

    recorder, failures = AsyncRecorder(), [OSError("the disk is full")]
    asyncio.run(main())
    assert (recorder.names, backend.ended) == (["registered"], "abort")


@on_loops
@pytest.mark.parametrize("queued", [0, 10])
def test_a_loop_closed_under_its_driver_aborts_it(ride: Ride, backend: ScriptedBackend, queued: int) -> None:
    loop = ride.loop  # type: ignore[attr-defined]
    recorder = ride.recorder()
    driver = ride.started(recorder)
    backend.play([REGISTERED])
    ride.until(recorder, driver, lambda: bool(recorder.events))
    backend.play([update()], repeat=queued)
    backend.join()
    loop.close()
    gc.collect()
    assert (driver.status, backend.ended, calls(backend)) == (mesos.DRIVER_ABORTED, "abort", [])
    with pytest.raises(mesos.DriverAbortedError, match="loop was closed"):
        driver.join(PATIENCE)
    with pytest.raises(mesos.DriverAbortedError, match="loop was closed"):
        asyncio.run(driver.wait(PATIENCE))
    with pytest.raises(ValueError, match="has ended"):
        driver.fileno()


@on_async_loops
@pytest.mark.parametrize("queued", [0, 10])
def test_a_loop_closed_while_a_handler_is_suspended_aborts_its_driver(
    ride: Ride, backend: ScriptedBackend, caplog: pytest.LogCaptureFixture, queued: int
) -> None:
    async def suspended() -> None:
        recorder.note("suspended", driver, ())
        await asyncio.sleep(PATIENCE)

    loop = ride.loop  # type: ignore[attr-defined]
    recorder = ride.recorder(status_update=lambda *_: suspended())
    driver = ride.started(recorder)
    backend.play([update(), *[message(b"never")] * queued])
    backend.join()
    ride.until(recorder, driver, lambda: "suspended" in recorder.names)
    loop.close()
    gc.collect()
    assert (driver.status, backend.ended, calls(backend)) == (mesos.DRIVER_ABORTED, "abort", [])
    assert recorder.names == ["status_update", "suspended"]
    [said] = [record.getMessage() for record in caplog.records if record.name == "mesos.driver"]
    assert "loop was closed" in said
    with pytest.raises(mesos.DriverAbortedError, match="loop was closed"):
        driver.join(PATIENCE)
    with pytest.raises(mesos.DriverAbortedError, match="loop was closed"):
        asyncio.run(driver.wait(PATIENCE))
