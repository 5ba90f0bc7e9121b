"""Which dispatcher "auto" is, cell by cell; and what is refused on the dispatching thread or loop."""

from __future__ import annotations

import asyncio
import threading
from typing import TYPE_CHECKING, Any

import mesos
import pytest
from mesos.dispatch import AsyncioDispatcher, PollDispatcher, ThreadDispatcher
from mesos.testing import ScriptedBackend
from recorder import PATIENCE, REGISTERED, AsyncRecorder, Recorder

if TYPE_CHECKING:
    from collections.abc import Callable

    Make = Callable[..., mesos.SchedulerDriver]


def stopping(kind: type[Recorder]) -> Recorder:
    return kind(registered=lambda driver, *_: driver.stop())


def start_soon(driver: mesos.SchedulerDriver, backend: ScriptedBackend) -> threading.Thread:
    def script() -> None:
        while driver.status == mesos.DRIVER_NOT_STARTED:
            threading.Event().wait(0.001)
        backend.play([REGISTERED])

    thread = threading.Thread(target=script)
    thread.start()
    return thread


@pytest.mark.parametrize(
    ("kind", "expected"), [(Recorder, PollDispatcher), (AsyncRecorder, AsyncioDispatcher)]
)
def test_run_without_a_loop(make: Make, backend: ScriptedBackend, kind: Any, expected: type) -> None:
    driver = make(stopping(kind))
    script = start_soon(driver, backend)
    assert driver.dispatcher is None, "not decided before the first use"
    driver.run()
    script.join()
    assert type(driver.dispatcher) is expected


def test_run_in_a_loop_sync(make: Make, backend: ScriptedBackend, caplog: pytest.LogCaptureFixture) -> None:
    async def main() -> None:
        driver = make(stopping(Recorder))
        script = start_soon(driver, backend)
        assert driver.run() is mesos.DRIVER_STOPPED
        script.join()
        assert type(driver.dispatcher) is PollDispatcher

    asyncio.run(main())
    assert [record.levelname for record in caplog.records if record.name == "mesos.driver"] == ["WARNING"]


@pytest.mark.parametrize("dispatcher", ["auto", "asyncio"])
def test_run_in_a_loop_async(make: Make, backend: ScriptedBackend, dispatcher: str) -> None:
    async def main() -> None:
        driver = make(stopping(AsyncRecorder), dispatcher=dispatcher)
        with pytest.raises(RuntimeError, match=r"await driver\.wait\(\).*thread"):
            driver.run()
        driver.start()
        backend.play([REGISTERED])
        assert await driver.wait() is mesos.DRIVER_STOPPED

    asyncio.run(main())


@pytest.mark.parametrize("kind", [Recorder, AsyncRecorder])
@pytest.mark.parametrize("entry", ["start", "with"])
def test_start_and_with_without_a_loop(make: Make, backend: ScriptedBackend, kind: Any, entry: str) -> None:
    recorder = stopping(kind)
    driver = make(recorder)
    if entry == "start":
        driver.start()
        backend.play([REGISTERED])
    else:
        with driver:
            backend.play([REGISTERED])
            assert driver.dispatcher is not None
            driver.dispatcher.join(PATIENCE)
    assert driver.join(PATIENCE) is mesos.DRIVER_STOPPED
    assert type(driver.dispatcher) is ThreadDispatcher
    assert recorder.threads.isdisjoint({threading.get_ident()})


@pytest.mark.parametrize("kind", [Recorder, AsyncRecorder])
@pytest.mark.parametrize("entry", ["start", "with", "async with"])
def test_in_a_loop(make: Make, backend: ScriptedBackend, kind: Any, entry: str) -> None:
    async def main() -> None:
        recorder = stopping(kind)
        driver = make(recorder)
        if entry == "start":
            driver.start()
            backend.play([REGISTERED])
            await driver.wait()
        elif entry == "with":
            with driver:
                backend.play([REGISTERED])
                await driver.wait()
        else:
            async with driver:
                backend.play([REGISTERED])
                await driver.wait()
        assert type(driver.dispatcher) is AsyncioDispatcher
        assert recorder.threads == {threading.get_ident()}

    asyncio.run(main())


def test_leaving_with_on_the_dispatching_loop_does_not_block_it(make: Make, backend: ScriptedBackend) -> None:
    async def main() -> None:
        driver = make(Recorder())
        with driver:
            pass
        assert driver.status is mesos.DRIVER_STOPPED
        await driver.wait()

    asyncio.run(main())
    assert backend.ended == "teardown"


@pytest.mark.parametrize("in_a_loop", [False, True])
@pytest.mark.parametrize("entry", ["run_once", "fileno"])
def test_run_once_and_fileno(make: Make, entry: str, in_a_loop: bool) -> None:
    async def main() -> None:
        use()

    def use() -> None:
        driver = make(Recorder())
        if entry == "run_once":
            driver.run_once(0)
        else:
            assert driver.fileno() >= 0
        assert type(driver.dispatcher) is PollDispatcher

    if in_a_loop:
        asyncio.run(main())
    else:
        use()


def test_join_and_run_on_the_dispatching_loop(make: Make) -> None:
    async def main() -> None:
        driver = make(Recorder())
        driver.start()
        for method in (driver.join, driver.run):
            with pytest.raises(RuntimeError, match=r"await driver\.wait\(\)"):
                method()
        assert driver.status is mesos.DRIVER_RUNNING
        assert await asyncio.to_thread(driver.join, 0.01) is mesos.DRIVER_RUNNING, "elsewhere it waits"

    asyncio.run(main())


def test_a_handler_cannot_await_its_own_end(make: Make, backend: ScriptedBackend) -> None:
    words: list[str] = []

    class Waiter(mesos.Scheduler):
        async def registered(self, driver: Any, *_: Any) -> None:
            with pytest.raises(RuntimeError) as raised:
                await driver.wait()
            words.append(str(raised.value))
            driver.stop()

    async def main() -> None:
        driver = make(Waiter())
        driver.start()
        backend.play([REGISTERED])
        await driver.wait()

    asyncio.run(main())
    assert "its own driver" in words[0]


def test_run_after_start_is_join(make: Make, backend: ScriptedBackend) -> None:
    recorder = stopping(Recorder)
    driver = make(recorder)
    driver.start()
    backend.play([REGISTERED])
    assert driver.run() is mesos.DRIVER_STOPPED


def test_run_once_is_for_poll(make: Make) -> None:
    driver = make(Recorder())
    driver.start()
    with pytest.raises(RuntimeError, match="ThreadDispatcher"):
        driver.run_once()


def test_asyncio_needs_a_loop(make: Make, backend: ScriptedBackend) -> None:
    with pytest.raises(RuntimeError, match="no event loop runs here"):
        make(Recorder(), dispatcher="asyncio").start()
    loop = asyncio.new_event_loop()
    driver = make(Recorder(registered=lambda driver, *_: driver.stop()), dispatcher=AsyncioDispatcher(loop))
    driver._backend = backend
    script = start_soon(driver, backend)
    assert driver.run() is mesos.DRIVER_STOPPED, "on the loop that was given"
    script.join()
    loop.close()
    with pytest.raises(RuntimeError, match="closed"):
        make(Recorder(), dispatcher=AsyncioDispatcher(loop)).start()


def test_a_loop_that_runs_elsewhere(make: Make, backend: ScriptedBackend) -> None:
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever)
    thread.start()
    recorder = stopping(AsyncRecorder)
    driver = make(recorder, dispatcher=AsyncioDispatcher(loop))
    driver.start()
    backend.play([REGISTERED])
    assert driver.join(PATIENCE) is mesos.DRIVER_STOPPED
    assert recorder.threads == {thread.ident}
    loop.call_soon_threadsafe(loop.stop)
    thread.join()
    loop.close()
