"""`with` and `async with` a driver: how it ends when the block does, and the block when it does."""

from __future__ import annotations

import asyncio
import threading
from typing import TYPE_CHECKING, Any

import mesos
import pytest
from mesos.testing import ScriptedBackend
from recorder import PATIENCE, REGISTERED, AsyncRecorder, Recorder, calls, update

if TYPE_CHECKING:
    from collections.abc import Callable

    Make = Callable[..., mesos.SchedulerDriver]


def fail(*_: Any) -> None:
    raise LookupError("handler")


@pytest.mark.parametrize("timeout", [0, 60])
def test_with_stops_and_waits(make: Make, backend: ScriptedBackend, timeout: int) -> None:
    driver = mesos.SchedulerDriver(Recorder(), {"name": "x", "failover_timeout": timeout}, backend=backend)
    with driver as entered:
        assert entered is driver
        assert driver.status is mesos.DRIVER_RUNNING
    assert driver.status is mesos.DRIVER_STOPPED
    assert backend.ended == ("failover" if timeout else "teardown"), "a failover_timeout keeps the tasks"
    assert driver.dispatcher is not None
    assert driver.dispatcher.ended


def test_with_after_an_exception_tears_nothing_down(make: Make, backend: ScriptedBackend) -> None:
    driver = make(Recorder())
    with pytest.raises(KeyError), driver:
        raise KeyError("body")
    assert (driver.status, backend.ended) == (mesos.DRIVER_ABORTED, "abort")


def test_with_raises_what_a_handler_raised(make: Make, backend: ScriptedBackend) -> None:
    recorder = Recorder(registered=fail)
    driver = make(recorder)
    with pytest.raises(LookupError, match="handler"), driver:  # noqa: PT012
        backend.play([REGISTERED])
        assert driver.dispatcher is not None
        driver.dispatcher.join(PATIENCE)


def test_async_with(make: Make, backend: ScriptedBackend) -> None:
    async def main() -> None:
        recorder = AsyncRecorder()
        async with make(recorder) as driver:
            backend.play([REGISTERED, update()])
            while len(recorder.events) < 2 or driver.stats.acknowledgements < 1:
                await asyncio.sleep(0)
            assert recorder.threads == {threading.get_ident()}
        assert driver.status is mesos.DRIVER_STOPPED
        assert driver.dispatcher is not None
        assert driver.dispatcher.ended

    asyncio.run(main())
    assert calls(backend) == ["ACKNOWLEDGE", "TEARDOWN"]


@pytest.mark.parametrize("dispatcher", ["auto", "thread", "poll"])
@pytest.mark.parametrize("body", ["sleeps", "waits"])
def test_async_with_is_cancelled_when_the_driver_dies(
    make: Make, backend: ScriptedBackend, dispatcher: str, body: str
) -> None:
    async def main() -> None:
        driver = make(Recorder(registered=fail), dispatcher=dispatcher)
        with pytest.raises(LookupError, match="handler"):  # noqa: PT012
            async with driver:
                backend.play([REGISTERED])
                if body == "waits" or dispatcher == "poll":
                    await driver.wait()
                await asyncio.get_running_loop().create_future()
        task = asyncio.current_task()
        assert task is not None
        if hasattr(task, "cancelling"):
            assert task.cancelling() == 0
        await asyncio.sleep(0)

    asyncio.run(main())
    assert backend.ended == "abort"


def test_async_with_leaves_the_cancellation_of_others_alone(make: Make, backend: ScriptedBackend) -> None:
    async def main() -> None:
        entered = asyncio.Event()

        async def body() -> None:
            async with make(Recorder()):
                entered.set()
                await asyncio.get_running_loop().create_future()

        task = asyncio.create_task(body())
        await entered.wait()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    asyncio.run(main())
    assert backend.ended == "abort", "an exception out of the block tears nothing down"


def test_async_with_raises_when_mesos_ends_it_and_the_user_kept_quiet(
    make: Make, backend: ScriptedBackend
) -> None:
    class Quiet(Recorder):
        def error(self, driver: Any, message: str) -> None:
            """Say nothing."""

    async def main() -> None:
        with pytest.raises((mesos.DriverAbortedError, asyncio.CancelledError)) as raised:  # noqa: PT012
            async with make(Quiet()):
                backend.play([("error", "removed")])
                await asyncio.get_running_loop().create_future()
        assert isinstance(raised.value, mesos.DriverAbortedError)

    asyncio.run(main())
