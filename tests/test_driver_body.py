"""Leaving `with` and `async with` while something goes wrong."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import mesos
import pytest
from mesos.testing import ScriptedBackend
from recorder import PATIENCE, REGISTERED, Recorder

if TYPE_CHECKING:
    from collections.abc import Callable

    Make = Callable[..., mesos.SchedulerDriver]


def test_a_body_that_has_left_is_not_cancelled(make: Make, backend: ScriptedBackend) -> None:
    """The driver dies in the very moment in which the body ends."""

    async def main() -> None:
        done = asyncio.Event()

        def fail(*_: Any) -> None:
            done.set()
            raise LookupError("handler")

        with pytest.raises(LookupError):  # noqa: PT012
            async with make(Recorder(registered=fail)):
                backend.play([REGISTERED])
                await done.wait()
        for _ in range(5):
            await asyncio.sleep(0)  # no late cancellation comes out of these

    asyncio.run(main())


def test_a_start_that_failed_cancels_nothing_later(make: Make, backend: ScriptedBackend) -> None:
    async def main() -> None:
        make(Recorder(), dispatcher="poll").start()
        driver = make(Recorder(), backend=backend)
        with pytest.raises(mesos.ConfigurationError):
            await driver.__aenter__()
        assert driver._body is None

    asyncio.run(main())


def test_the_cause_of_an_exception_survives_the_cancellation(make: Make, backend: ScriptedBackend) -> None:
    def fail(*_: Any) -> None:
        try:
            int("within")
        except ValueError:
            if explicit:
                raise LookupError("handler") from KeyError("cause")
            raise LookupError("handler")  # noqa: B904 - the implicit context is what is tested

    async def main() -> BaseException:
        with pytest.raises(LookupError) as raised:  # noqa: PT012
            async with make(Recorder(registered=fail), backend=(mine := ScriptedBackend())):
                mine.play([REGISTERED])
                await asyncio.get_running_loop().create_future()
        return raised.value

    explicit = True
    assert isinstance(asyncio.run(main()).__cause__, KeyError)
    explicit = False
    error = asyncio.run(main())
    assert isinstance(error.__context__, ValueError)
    assert not error.__suppress_context__


def test_a_cancellation_while_leaving_is_not_lost(make: Make) -> None:
    """The body has raised, the driver takes its time to end, and somebody cancels."""

    async def main() -> None:
        driver = make(Recorder(), backend=(backend := ScriptedBackend(hold_end=True)), dispatcher="thread")
        leaving = asyncio.Event()

        async def body() -> None:
            async with driver:
                driver.stop()  # which `hold_end` holds up
                asyncio.get_running_loop().call_soon(leaving.set)
                raise LookupError("body")

        task = asyncio.create_task(body())
        await leaving.wait()
        task.cancel()
        with pytest.raises(asyncio.CancelledError) as raised:
            await asyncio.wait_for(task, PATIENCE)
        del raised
        backend.release()
        await driver.wait(PATIENCE)

    asyncio.run(main())
