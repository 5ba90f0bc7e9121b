"""The interrupt dispatcher: what is its own, beyond what tests/dispatch finds of every dispatcher."""

from __future__ import annotations

import asyncio
import ctypes
import functools
import itertools
import operator
import threading
import time
import traceback
from typing import TYPE_CHECKING, Any

import mesos
import pytest
from recorder import PATIENCE, REGISTERED, AsyncRecorder, Recorder, message, update

if TYPE_CHECKING:
    from collections.abc import Callable

    from conftest import Child
    from mesos.testing import ScriptedBackend

    Make = Callable[..., mesos.SchedulerDriver]

NOTHING = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.c_void_p)(lambda _: 0)


def compute_until(done: Callable[[], bool]) -> None:
    deadline = time.monotonic() + PATIENCE
    while not done():
        assert time.monotonic() < deadline
        sum(range(100))


def raising(error: type[BaseException]) -> Recorder:
    def fail(*_: Any) -> None:
        raise error("handler")

    return Recorder(registered=fail)


def test_handlers_interrupt_what_the_main_thread_computes(make: Make, backend: ScriptedBackend) -> None:
    recorder = Recorder()
    driver = make(recorder, dispatcher="interrupt")
    starter = threading.Thread(target=driver.start)
    starter.start()
    starter.join()
    backend.play([REGISTERED, message(b"x")])
    compute_until(lambda: len(recorder.events) == 2)
    assert recorder.threads == {threading.main_thread().ident}, "wherever it was started"


def test_a_flood_leaves_the_main_thread_its_time(make: Make, backend: ScriptedBackend) -> None:
    """Each interrupt is followed by as much time for the main thread."""
    seen = 0
    between: list[int] = []

    class Counter(mesos.Scheduler):
        def framework_message(self, *_: Any) -> None:
            nonlocal seen
            seen += 1

    driver = make(Counter(), dispatcher="interrupt")
    driver.start()
    backend.play([message(b"x")], repeat=400_000)
    backend.join()
    deadline = time.monotonic() + PATIENCE
    while seen < 400_000 and time.monotonic() < deadline:
        if not between or between[-1] != seen:
            between.append(seen)
    assert seen == 400_000
    steps = [later - earlier for earlier, later in itertools.pairwise(between)]
    assert len(steps) > 3, "the main thread saw it happen"
    assert max(steps) < 400_000


def test_a_full_queue_of_cpythons_is_tried_again(make: Make, backend: ScriptedBackend) -> None:
    recorder = Recorder()
    driver = make(recorder, dispatcher="interrupt")
    driver.start()
    fill = functools.partial(ctypes.pythonapi.Py_AddPendingCall, NOTHING, None)
    play = functools.partial(backend.play, [REGISTERED])
    # all in one call of native code: a bytecode of the main thread in between would empty the queue
    done = list(map(operator.methodcaller("__call__"), [*[fill] * 1000, play, backend.join]))
    assert -1 in done, "it was full"
    compute_until(lambda: bool(recorder.events))


def test_what_comes_during_a_turn_interrupts_after_it(make: Make, backend: ScriptedBackend) -> None:
    """A turn that the program takes itself ends after one event; nothing else would see to the next."""
    played = threading.Event()
    handled = threading.Semaphore(0)

    def react(_: object, executor: object, agent: object, data: bytes) -> None:
        if data == b"one" and all(frame.name != "_interrupt" for frame in traceback.extract_stack()):
            backend.play([message(b"last")])
            backend.join()
            sum(range(1000))  # this is interrupted, in vain: a turn is in progress
            played.set()
        handled.release()

    def play() -> None:
        # until one comes while the program waits in native code; those that come elsewhere interrupt it
        while not played.is_set():
            backend.play([message(b"one")])
            assert handled.acquire(timeout=PATIENCE)

    recorder = Recorder(framework_message=react)
    driver = make(recorder, dispatcher="interrupt")
    driver.start()
    player = threading.Thread(target=play)
    player.start()
    while not played.is_set():
        driver.run_once(0.1)
    player.join()
    compute_until(lambda: recorder.events[-1][-1] == b"last")


CALLS = {
    "kill_task": lambda driver: driver.kill_task("task"),
    "decline_offer": lambda driver: driver.decline_offer("offer-1"),
    "revive_offers": lambda driver: driver.revive_offers(),
    "reconcile_tasks": lambda driver: driver.reconcile_tasks([]),
    "stop": lambda driver: driver.stop(),
    "abort": lambda driver: driver.abort(),
    "join": lambda driver: driver.join(),
    "run": lambda driver: driver.run(),
    "run_once": lambda driver: driver.run_once(0),
    "wait": lambda driver: asyncio.run(driver.wait()),
}


@pytest.mark.parametrize("call", CALLS)
def test_what_a_handler_raised_comes_out_of_the_next_call(
    make: Make, backend: ScriptedBackend, call: str
) -> None:
    driver = make(raising(LookupError), dispatcher="interrupt")
    driver.start()
    backend.play([REGISTERED])
    compute_until(lambda: driver.status == mesos.DRIVER_ABORTED)
    with pytest.raises(LookupError, match="handler"):
        CALLS[call](driver)
    assert driver.kill_task("task") in (mesos.DRIVER_ABORTED, mesos.DRIVER_STOPPED), "once"
    assert backend.ended == "abort"


@pytest.mark.parametrize("error", [KeyboardInterrupt, SystemExit])
def test_what_ends_programs_comes_out_of_the_interrupted_code(
    make: Make, backend: ScriptedBackend, error: type[BaseException]
) -> None:
    driver = make(raising(error), dispatcher="interrupt")
    driver.start()
    with pytest.raises(error, match="handler") as raised:  # noqa: PT012
        backend.play([REGISTERED])
        compute_until(lambda: False)
    assert (driver.exception, driver.status) == (raised.value, mesos.DRIVER_ABORTED)
    compute_until(lambda: bool(driver.dispatcher and driver.dispatcher.ended))


def test_async_handlers_are_refused(make: Make) -> None:
    with pytest.raises(mesos.ConfigurationError, match="InterruptDispatcher cannot await"):
        make(AsyncRecorder(), dispatcher="interrupt")


def test_an_awaitable_that_nobody_awaits(make: Make, backend: ScriptedBackend) -> None:
    async def late() -> None:
        """Never runs."""

    driver = make(Recorder(registered=lambda *_: late()), dispatcher="interrupt")
    driver.start()
    backend.play([REGISTERED])
    compute_until(lambda: driver.status == mesos.DRIVER_ABORTED)
    with pytest.raises(TypeError, match="cannot await"):
        driver.join(PATIENCE)


def test_other_threads_only_wait(make: Make, backend: ScriptedBackend) -> None:
    recorder = Recorder(status_update=lambda driver, _: driver.stop(True))
    driver = make(recorder, dispatcher="interrupt")
    driver.start()
    said: list[Any] = []

    def elsewhere() -> None:
        assert driver.dispatcher is not None
        for attempt in (driver.run_once, driver.dispatcher.drain):
            with pytest.raises(RuntimeError, match="main thread only"):
                attempt()
        said.append(asyncio.run(driver.wait(PATIENCE)))
        said.append(driver.join(PATIENCE))

    thread = threading.Thread(target=elsewhere)
    thread.start()
    backend.play([REGISTERED, update()])
    compute_until(lambda: len(said) == 2)
    thread.join()
    assert said == [mesos.DRIVER_STOPPED] * 2
    assert recorder.threads == {threading.main_thread().ident}


def test_the_main_thread_may_wait_too(make: Make, backend: ScriptedBackend) -> None:
    recorder = Recorder()
    driver = make(recorder, dispatcher="interrupt")
    assert not driver.run_once(0)
    assert driver.join(0) == mesos.DRIVER_RUNNING
    backend.play([message(b"x")], repeat=300)
    while len(recorder.events) < 300:
        driver.run_once(0.01)  # an interrupt may be first

    async def main() -> None:
        waits = [asyncio.create_task(driver.wait(PATIENCE)) for _ in range(2)]
        await asyncio.sleep(0)
        backend.play([message(b"y")], repeat=300)
        while len(recorder.events) < 600:
            await asyncio.sleep(0)
        driver.stop(True)
        assert await asyncio.gather(*waits) == [mesos.DRIVER_STOPPED] * 2

    asyncio.run(main())
    assert len(recorder.events) == 600


HEAD = """
import atexit, os, sys, threading, time
import mesos
from mesos.testing import ScriptedBackend

class S(mesos.Scheduler):
    seen = 0
    def framework_message(self, driver, executor_id, agent_id, data):
        self.seen += 1
backend = ScriptedBackend()
scheduler = S()
driver = mesos.SchedulerDriver(scheduler, "x", backend=backend, dispatcher="interrupt")
def flood(count=1_000_000):
    backend.play([("framework_message", "e", "a", b"x")], repeat=count)
"""

EXITS = {
    "idle": "driver.start()",
    "in a flood": "driver.start(); flood()",
    "in a flood that the main thread slept through": "driver.start(); flood(1000); time.sleep(0.01); flood()",
    "stopped": "driver.start(); driver.stop(True)",
    "while the last objects go": """
class Last:
    def __del__(self, clock=time.monotonic):
        until = clock() + 0.05
        while clock() < until:
            pass
last = Last(); last.self = last
driver.start(); flood()
""",
    "on sys.exit in a handler": """
class Leave(S):
    def registered(self, *_):
        sys.exit(0)
backend = ScriptedBackend()
driver = mesos.SchedulerDriver(Leave(), "x", backend=backend, dispatcher="interrupt")
import logging; logging.disable()
driver.start(); backend.play([("registered", "f")])
while True:
    sum(range(100))
""",
}


@pytest.mark.parametrize("state", EXITS)
def test_exit(child: Callable[..., Child], state: str) -> None:
    assert child(HEAD + EXITS[state]).end() == (0, "", "")


def test_a_driver_that_starts_when_the_interpreter_ends(child: Callable[..., Child]) -> None:
    code = """
mesos._exit  # registered first, so it comes before this:
def late():
    try:
        driver.start()
    except RuntimeError as error:
        print(error, driver.status.name)
atexit.unregister(mesos._exit._exit); atexit.register(late); atexit.register(mesos._exit._exit)
"""
    status, out, err = child(HEAD + code).end()
    assert (status, err) == (0, "")
    assert "the interpreter is ending" in out
    assert "DRIVER_NOT_STARTED" in out


def test_a_fork_takes_no_interrupts_along(child: Callable[..., Child]) -> None:
    code = """
driver.start(); flood()
pid = os.fork()
if pid == 0:
    before = scheduler.seen
    mine, other = ScriptedBackend(), S()
    new = mesos.SchedulerDriver(other, "y", backend=mine, dispatcher="interrupt")
    new.start(); mine.play([("framework_message", "e", "a", b"x")], repeat=1000)
    while other.seen < 1000:
        sum(range(100))
    new.stop(); new.join()
    assert scheduler.seen == before, "the parent's are the parent's"
    sys.exit(0)
assert os.waitpid(pid, 0)[1] == 0
driver.stop(True); driver.join()
"""
    assert child(HEAD + code).end() == (0, "", "")


def test_ctrl_c_breaks_a_computation_and_loses_nothing(child: Callable[..., Child]) -> None:
    one = child(
        HEAD
        + """
driver.start()
try:
    print("computing")
    while True:
        flood(100)
        backend.join()
except KeyboardInterrupt:
    print("broken")
if driver.status == mesos.DRIVER_RUNNING:
    wanted = driver.stats.events_received
    while scheduler.seen < driver.stats.events_received:
        sum(range(100))
    driver.stop(True)
try:
    driver.join()
except KeyboardInterrupt:
    pass  # it came out of a handler
"""
    )
    assert one.line() == "computing"
    one.interrupt()
    assert one.line() == "broken"
    assert one.end()[0] == 0
