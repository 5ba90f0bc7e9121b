"""Waits of odd lengths, several waits at once, and waits for a driver whose start failed."""

from __future__ import annotations

import asyncio
import contextlib
import dis
import itertools
import math
import sys
import threading
import time
from typing import TYPE_CHECKING, Any

import mesos
import pytest
from mesos.dispatch import Dispatcher
from mesos.testing import ScriptedBackend
from recorder import PATIENCE, REGISTERED, AsyncRecorder, Recorder, message

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import FrameType

    Make = Callable[..., mesos.SchedulerDriver]

WAITS = {
    "thread-join": ("thread", lambda driver, timeout: driver.join(timeout)),
    "thread-wait": ("thread", lambda driver, timeout: asyncio.run(driver.wait(timeout))),
    "poll-join": ("poll", lambda driver, timeout: driver.join(timeout)),
    "poll-wait": ("poll", lambda driver, timeout: asyncio.run(driver.wait(timeout))),
    "poll-run_once": ("poll", lambda driver, timeout: driver.run_once(timeout)),
    "interrupt-join": ("interrupt", lambda driver, timeout: driver.join(timeout)),
    "interrupt-wait": ("interrupt", lambda driver, timeout: asyncio.run(driver.wait(timeout))),
    "interrupt-run_once": ("interrupt", lambda driver, timeout: driver.run_once(timeout)),
    "poll-dispatcher": ("poll", lambda driver, timeout: driver.dispatcher.run_once(timeout)),
}


@pytest.fixture(params=WAITS)
def wait(request: pytest.FixtureRequest, make: Make) -> tuple[mesos.SchedulerDriver, Callable[[Any], Any]]:
    dispatcher, how = WAITS[request.param]
    driver = make(Recorder(), dispatcher=dispatcher)
    driver.start()
    return driver, lambda timeout: how(driver, timeout)


@pytest.mark.parametrize("timeout", ["5", b"5", [], object()])
def test_a_timeout_that_is_no_number(wait: Any, timeout: Any) -> None:
    with pytest.raises(TypeError, match="timeout: a number of seconds"):
        wait[1](timeout)


def test_a_timeout_that_is_nan(wait: Any) -> None:
    with pytest.raises(ValueError, match="timeout: a number of seconds"):
        wait[1](math.nan)


@pytest.mark.parametrize("timeout", [0, -1, -math.inf, -(10**400), False])
def test_a_timeout_that_is_over_at_once(wait: Any, timeout: Any) -> None:
    driver, go = wait
    assert go(timeout) in (mesos.DRIVER_RUNNING, False, None)
    assert driver.status == mesos.DRIVER_RUNNING


@pytest.mark.parametrize("timeout", [None, math.inf, 1e300, 1e18, 10**400])
def test_a_timeout_that_is_for_ever(wait: Any, timeout: Any, backend: ScriptedBackend) -> None:
    driver, go = wait
    stop = threading.Timer(0.05, driver.stop)
    stop.start()
    assert go(timeout) in (mesos.DRIVER_STOPPED, False, None)
    assert driver.status == mesos.DRIVER_STOPPED
    stop.join()


def test_a_wait_ends_in_time_however_much_there_is_to_handle(make: Make, backend: ScriptedBackend) -> None:
    class Slow(mesos.Scheduler):
        def framework_message(self, *_: object) -> None:
            time.sleep(0.001)

    driver = make(Slow(), dispatcher="poll")
    driver.start()
    backend.play([message(b"")], repeat=5000)
    assert driver.join(0.01) == mesos.DRIVER_RUNNING
    assert driver.stats.queue_depth > 0


@pytest.mark.parametrize("other", ["join", "wait", "run_once", "drain"])
@pytest.mark.parametrize("here", ["join", "run_once"])
def test_poll_from_two_threads(make: Make, backend: ScriptedBackend, here: str, other: str) -> None:
    """One handles the events at a time; nobody is told that another one does."""
    recorder, count = Recorder(), 20_000
    driver = make(recorder, dispatcher="poll")
    driver.start()
    errors: list[BaseException] = []

    def drain() -> None:
        while driver.status == mesos.DRIVER_RUNNING:
            driver.dispatcher.drain(3)  # type: ignore[union-attr]

    def run_once() -> None:
        while driver.run_once():
            pass

    hows = {"join": driver.join, "run_once": run_once, "drain": drain}

    def elsewhere() -> None:
        try:
            if other == "wait":
                asyncio.run(driver.wait())
            else:
                hows[other]()
        except BaseException as error:
            errors.append(error)

    def seen(_: Any, executor: Any, agent: Any, data: bytes) -> None:
        if len(recorder.events) == count:
            driver.stop()

    recorder.on["framework_message"] = seen
    thread = threading.Thread(target=elsewhere)
    thread.start()
    backend.play([message(b"x")], repeat=count)
    hows[here]()
    thread.join(PATIENCE)
    assert (errors, driver.exception, len(recorder.events)) == ([], None, count)
    assert driver.status == mesos.DRIVER_STOPPED


@pytest.mark.parametrize("wait", [lambda driver: driver.join(0), lambda driver: asyncio.run(driver.wait(0))])
def test_poll_sees_the_end_without_waiting_for_it(make: Make, backend: ScriptedBackend, wait: Any) -> None:
    driver = make(Recorder(), dispatcher="poll")
    driver.start()
    driver.stop()
    assert driver._native.settle(PATIENCE)
    assert driver.dispatcher is not None
    assert not driver.dispatcher.ended, "it was not looked for yet"
    wait(driver)
    assert driver.dispatcher.ended


def test_poll_that_ends_elsewhere_just_before_a_loop_watches(make: Make, backend: ScriptedBackend) -> None:
    class Lock:
        def acquire(self, blocking: bool = True, timeout: float = -1) -> bool:
            if not blocking:
                driver.stop()
                other = threading.Thread(target=driver.join, args=[PATIENCE])
                other.start()
                other.join(PATIENCE)
            return lock.acquire(blocking, timeout)

        def release(self) -> None:
            lock.release()

    lock = threading.Lock()
    driver = make(Recorder(), dispatcher="poll")
    dispatcher: Any = driver.dispatcher
    dispatcher._handling = Lock()
    driver.start()
    assert asyncio.run(driver.wait(PATIENCE)) == mesos.DRIVER_STOPPED
    assert not lock.locked()


def test_poll_is_taken_over_when_who_handled_leaves(make: Make, backend: ScriptedBackend) -> None:
    recorder = Recorder()
    driver = make(recorder, dispatcher="poll")
    driver.start()
    handling, leave = threading.Event(), threading.Event()

    def hold(*_: Any) -> None:
        handling.set()
        assert leave.wait(PATIENCE)

    recorder.on["registered"] = hold
    recorder.on["framework_message"] = lambda driver, *_: driver.stop()
    first = threading.Thread(target=driver.run_once)
    first.start()
    backend.play([REGISTERED, message(b"x")])
    assert handling.wait(PATIENCE)
    second = threading.Thread(target=driver.join, args=[PATIENCE])
    second.start()
    leave.set()
    first.join(PATIENCE)
    second.join(PATIENCE)
    assert recorder.names == ["registered", "framework_message"]
    assert len(recorder.threads) == 2


def test_wait_elsewhere_while_an_async_handler_runs(make: Make, backend: ScriptedBackend) -> None:
    """It is no handler, although one runs on the other loop just then."""
    driver = make(AsyncRecorder(framework_message=lambda *_: held.wait(PATIENCE)), dispatcher="thread")
    held = threading.Event()
    driver.start()
    backend.play([message(b"x")])
    recorder: Any = driver._handler
    with recorder.changed:
        assert recorder.changed.wait_for(lambda: recorder.events, PATIENCE)
    assert asyncio.run(driver.wait(0)) == mesos.DRIVER_RUNNING
    held.set()


class Unstartable(Dispatcher):
    """Finds out too late that it cannot."""

    def start(self) -> None:
        raise OSError("no threads left")


@pytest.mark.parametrize("wait", ["join", "wait"])
@pytest.mark.parametrize("cause", ["backend", "dispatcher"])
def test_a_start_that_failed_is_over(make: Make, backend: ScriptedBackend, cause: str, wait: str) -> None:
    make(Recorder(), dispatcher="poll").start()
    settings = {"backend": backend} if cause == "backend" else {"backend": ScriptedBackend()}
    driver = make(Recorder(), dispatcher="thread" if cause == "backend" else Unstartable(), **settings)
    with pytest.raises((mesos.ConfigurationError, OSError)):
        driver.start()
    assert driver.status == mesos.DRIVER_ABORTED
    ended = driver.join(PATIENCE) if wait == "join" else asyncio.run(driver.wait(PATIENCE))
    assert ended == mesos.DRIVER_ABORTED
    assert driver.dispatcher is not None
    assert driver.dispatcher.ended


def test_an_exception_that_was_looked_for_too_early_is_still_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    shown: list[Any] = []
    monkeypatch.setattr(threading, "excepthook", lambda args: shown.append(args.exc_type))
    backend = ScriptedBackend()

    def fail(*_: Any) -> None:
        raise LookupError("handler")

    driver = mesos.SchedulerDriver(Recorder(registered=fail), "x", backend=backend, dispatcher="thread")
    driver.start()
    assert driver.exception is None
    backend.play([REGISTERED])
    assert driver.dispatcher is not None
    driver.dispatcher.join(PATIENCE)
    driver._report()
    assert shown == [LookupError]


def test_a_negative_limit(make: Make) -> None:
    driver = make(Recorder(), dispatcher="poll")
    driver.start()
    assert driver.dispatcher is not None
    with pytest.raises(ValueError, match="limit: a number of events"):
        driver.dispatcher.drain(-1)


def test_raising_again_does_not_lengthen_the_traceback(make: Make, backend: ScriptedBackend) -> None:
    def fail(*_: Any) -> None:
        raise LookupError("handler")

    driver = make(Recorder(registered=fail), dispatcher="thread")
    driver.start()
    backend.play([REGISTERED])
    lengths = []
    for _ in range(3):
        with pytest.raises(LookupError) as raised:
            driver.join(PATIENCE)
        lengths.append(len(raised.traceback))
    assert lengths[0] == lengths[1] == lengths[2]


class CtrlC:
    """A trace function that interrupts the last steps of a driver before one of their bytecodes."""

    steps = (Dispatcher._end.__code__, Dispatcher._tell_waiters.__code__)

    def __init__(self, before: int) -> None:
        self.left = before

    def __call__(self, frame: FrameType, event: str, _: object) -> Any:
        if frame.f_code not in self.steps:
            return None
        frame.f_trace_opcodes = True
        # CPython looks for signals behind calls, never at the NOP with which a `try` begins
        if event == "opcode" and frame.f_code.co_code[frame.f_lasti] != dis.opmap["NOP"]:
            self.left -= 1
            if self.left == 0:
                raise KeyboardInterrupt
        return self


async def _end_on_a_loop(driver: mesos.SchedulerDriver) -> None:
    driver.start()
    driver.stop()
    await driver.wait(PATIENCE)


def _end_here(driver: mesos.SchedulerDriver) -> None:
    driver.start()
    driver.stop()
    driver.join(PATIENCE)


@pytest.mark.parametrize(
    ("dispatcher", "end"),
    [("poll", _end_here), ("asyncio", lambda driver: asyncio.run(_end_on_a_loop(driver)))],
)
def test_the_end_comes_wherever_a_ctrl_c_cuts_it_off(
    dispatcher: str, end: Callable[[mesos.SchedulerDriver], None]
) -> None:
    before = sys.gettrace()
    for place in itertools.count(1):
        driver = mesos.SchedulerDriver(Recorder(), "test", backend=ScriptedBackend(), dispatcher=dispatcher)
        sys.settrace(ctrl_c := CtrlC(place))
        try:
            with contextlib.suppress(KeyboardInterrupt):
                end(driver)
        finally:
            sys.settrace(before)
        with contextlib.suppress(KeyboardInterrupt):  # a driver keeps what its loop has come across
            driver.join(PATIENCE)
        assert driver.dispatcher is not None
        assert driver.dispatcher.ended, place
        if ctrl_c.left > 0:
            break
    assert place > 50, "every bytecode had its turn"
