"""Events through the native queue into Python handlers, dispatcher by dispatcher, and the way without one.

A burst is said by one native thread; its time runs from the start to the last event handled. It is compared
with a Python thread that puts the same updates into a queue, from which another takes them, parses them with
google.protobuf, calls the method and acknowledges, as the driver does. Then events come one at a time, to a
reader that sleeps.
"""

from __future__ import annotations

import asyncio
import queue
import statistics
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

import mesos
import reference
from mesos.testing import ScriptedBackend
from timing import show

BURST = 100_000
ROUNDS = 5
#: Events said one at a time, and how long after the end of the one before, in seconds.
SINGLE = 1000
PAUSE = 0.0005


class Counter(mesos.Scheduler):
    """Reads three fields of each update; says when the last one came."""

    def __init__(self, expected: int) -> None:
        self.expected = expected
        self.seen = 0

    def status_update(self, driver: mesos.SchedulerDriver, status: mesos.TaskStatus) -> None:
        _ = status.task_id.value, status.state, status.uuid
        self.seen += 1
        if self.seen == self.expected:
            driver.stop(failover=True)


class AsyncCounter(Counter):
    """The same with a coroutine for each event."""

    async def status_update(self, driver: mesos.SchedulerDriver, status: mesos.TaskStatus) -> None:
        super().status_update(driver, status)


def status() -> mesos.TaskStatus:
    """An update of the usual size."""
    return mesos.TaskStatus(
        task_id="task-0123456789",
        state="TASK_RUNNING",
        agent_id="4fdd0a61-56d2-4eb4-9c2e-1e2b0a1f2c3d-S42",
        executor_id="task-0123456789",
        message="Command executor is running",
        uuid=b"0123456789abcdef",
        timestamp=1.5,
        source="SOURCE_EXECUTOR",
    )


def burst(dispatcher: str, scheduler: type[Counter]) -> float:
    """Seconds per event of one burst."""
    backend = ScriptedBackend()
    driver = mesos.SchedulerDriver(scheduler(BURST), "bench", backend=backend, dispatcher=dispatcher)
    update = ("status_update", status())

    async def on_loop() -> None:
        driver.start()
        backend.play([update], repeat=BURST)
        await driver.wait()

    started = time.perf_counter()
    if dispatcher == "asyncio":
        asyncio.run(on_loop())
    else:
        driver.start()
        backend.play([update], repeat=BURST)
        driver.join()
    return (time.perf_counter() - started) / BURST


def baseline() -> float:
    """Seconds per event of the same burst from a Python thread, through a `queue.Queue`."""
    mesos_pb2, scheduler_pb2 = reference.modules()
    parse, call = mesos_pb2.TaskStatus.FromString, scheduler_pb2.Call
    wire = status().SerializeToString()
    updates: queue.Queue[bytes] = queue.Queue()

    def produce() -> None:
        for _ in range(BURST):
            updates.put(wire)

    def handle(message: Any) -> None:
        _ = message.task_id.value, message.state, message.uuid

    def acknowledge(message: Any) -> None:
        ids = {"agent_id": message.agent_id, "task_id": message.task_id}
        said = ids | {"uuid": message.uuid}
        made = call(type=call.ACKNOWLEDGE, framework_id={"value": "f"}, acknowledge=said)
        calls.append(made.SerializeToString())

    calls: list[bytes] = []
    thread = threading.Thread(target=produce)
    started = time.perf_counter()
    thread.start()
    for _ in range(BURST):
        message = parse(updates.get())
        handle(message)
        acknowledge(message)
    took = time.perf_counter() - started
    thread.join()
    return took / BURST


class Waits(mesos.Scheduler):
    """Notes how long each event waited for its turn."""

    def __init__(self) -> None:
        self.seconds: list[float] = []

    def status_update(self, driver: mesos.SchedulerDriver, status: mesos.TaskStatus) -> None:
        self.seconds.append(driver.stats.seconds_queued)
        if len(self.seconds) == SINGLE:
            driver.stop(failover=True)


def single(dispatcher: str) -> float:
    """Median seconds that a single event waits for its turn."""
    backend, scheduler = ScriptedBackend(), Waits()
    driver = mesos.SchedulerDriver(scheduler, "bench", backend=backend, dispatcher=dispatcher)

    def play() -> None:
        backend.play([("status_update", status())], repeat=SINGLE, interval=PAUSE)

    async def on_loop() -> None:
        driver.start()
        play()
        await driver.wait()

    if dispatcher == "asyncio":
        asyncio.run(on_loop())
    else:
        driver.start()
        play()
        driver.join()
    return statistics.median(scheduler.seconds)


def single_baseline() -> float:
    """Median seconds from `call_soon_threadsafe`, in a thread, to its callback."""
    seconds: list[float] = []

    def pace(loop: asyncio.AbstractEventLoop) -> None:
        for _ in range(SINGLE):
            time.sleep(PAUSE)
            said = time.perf_counter()
            loop.call_soon_threadsafe(lambda said=said: seconds.append(time.perf_counter() - said))

    async def on_loop() -> None:
        await asyncio.to_thread(pace, asyncio.get_running_loop())

    asyncio.run(on_loop())
    return statistics.median(seconds)


def rows() -> Iterator[tuple[str, str, str]]:
    """Events a second, and the median of the ratios to the baseline measured right after."""
    cases: list[tuple[str, Callable[[], float]]] = [
        (f"{name}, {kind}", lambda name=name, scheduler=scheduler: burst(name, scheduler))  # type: ignore[misc]
        for name in ("poll", "thread", "asyncio")
        for kind, scheduler in (("def", Counter), ("async def", AsyncCounter))
        if (name, kind) != ("poll", "async def")  # nobody awaits there
    ]
    for name, case in cases:
        pairs = [(case(), baseline()) for _ in range(ROUNDS)]
        rate = 1 / statistics.median(a for a, _ in pairs)
        ratio = statistics.median(b / a for a, b in pairs)
        yield (
            f"updates/s, {name}",
            f"{rate / 1000:.0f} k",
            f"{ratio:.1f} × a Python queue and google.protobuf (def: ≥ 400 k, ≥ 4)",
        )
    for name in ("thread", "asyncio"):
        pairs = [(single(name), single_baseline()) for _ in range(ROUNDS)]
        took = statistics.median(a for a, _ in pairs)
        ratio = statistics.median(a / b for a, b in pairs)
        yield f"a single update's wait, {name}", show(took), f"{ratio:.2f} × call_soon_threadsafe (≤ 0.5)"
