"""Schedulers and executors that take notes, and what to script for them."""

from __future__ import annotations

import asyncio
import threading
from typing import TYPE_CHECKING, Any

import mesos

if TYPE_CHECKING:
    from collections.abc import Callable

#: Longer than anything takes that works, shorter than the limit of a test, in seconds.
PATIENCE = 20.0
#: `scheduler.Call.Type`, by number.
CALLS = {
    2: "TEARDOWN",
    3: "ACCEPT",
    4: "DECLINE",
    5: "REVIVE",
    6: "KILL",
    7: "SHUTDOWN",
    8: "ACKNOWLEDGE",
    9: "RECONCILE",
    10: "MESSAGE",
    11: "REQUEST",
    12: "SUPPRESS",
    13: "ACCEPT_INVERSE_OFFERS",
    14: "DECLINE_INVERSE_OFFERS",
    15: "ACKNOWLEDGE_OPERATION_STATUS",
    16: "RECONCILE_OPERATIONS",
    17: "UPDATE_FRAMEWORK",
}
REGISTERED = ("registered", "framework-1")
EXECUTOR_REGISTERED = (
    "registered",
    {"executor_id": "executor-1", "framework_id": "framework-1"},
    {"user": "user", "name": "test", "id": "framework-1"},
    {"hostname": "host-1", "id": "agent-1"},
)
OFFER: dict[str, Any] = {
    "id": "offer-1",
    "framework_id": "framework-1",
    "agent_id": "agent-1",
    "hostname": "host-1",
}


def calls(backend: Any) -> list[str]:
    """Return the names of the calls that the backend was sent."""
    return [CALLS[int(call.type)] for call in backend.calls]


def update(task: str = "task-1", *, uuid: bytes | None = b"0123456789abcdef") -> tuple[str, dict[str, Any]]:
    """Return the event of a task that runs."""
    status: dict[str, Any] = {"task_id": {"value": task}, "agent_id": {"value": "agent-1"}, "state": 1}
    if uuid is not None:
        status["uuid"] = uuid
    return "status_update", status


def launch(task: str = "task-1", **fields: Any) -> tuple[str, dict[str, Any]]:
    """Return the event of a task that an executor is to run."""
    return "launch_task", {"name": task, "task_id": task, "agent_id": "agent-1", **fields}


def message(data: bytes) -> tuple[str, str, str, bytes]:
    """Return the event of a message from an executor."""
    return "framework_message", "executor-1", "agent-1", data


class Notes:
    """Notes every event as `(name, *args)`, in `events`; then does what `on` says for the name."""

    def __init__(self, **on: Callable[..., Any]) -> None:
        self.events: list[tuple[Any, ...]] = []
        self.drivers: set[int] = set()
        self.threads: set[int] = set()
        self.on = on
        self.changed = threading.Condition()
        self.listeners: list[Callable[[], None]] = []

    def note(self, name: str, driver: Any, args: tuple[Any, ...]) -> Any:
        with self.changed:
            self.events.append((name, *args))
            self.drivers.add(id(driver))
            self.threads.add(threading.get_ident())
            self.changed.notify_all()
        try:
            return self.on[name](driver, *args) if name in self.on else None
        finally:
            for listener in list(self.listeners):
                listener()

    @property
    def names(self) -> list[str]:
        return [event[0] for event in self.events]


class AsyncNotes(Notes):
    """The same with handlers that are coroutines, and that let others run in between."""

    running = 0
    most_running = 0

    async def note_async(self, name: str, driver: Any, args: tuple[Any, ...]) -> None:
        self.running += 1
        self.most_running = max(self.most_running, self.running)
        try:
            if len(self.events) % 16 == 0:
                await asyncio.sleep(0)
            result = self.note(name, driver, args)
            if hasattr(result, "__await__"):
                await result
        finally:
            self.running -= 1


def _handlers(name: str) -> tuple[Any, Any]:
    def handler(self: Notes, driver: Any, *args: Any) -> Any:
        return self.note(name, driver, args)

    async def handler_async(self: AsyncNotes, driver: Any, *args: Any) -> None:
        await self.note_async(name, driver, args)

    return handler, handler_async


def until(notes: Notes, *names: str) -> None:
    """Wait until the first events have these names."""
    with notes.changed:
        arrived = notes.changed.wait_for(lambda: notes.names[: len(names)] == list(names), PATIENCE)
    assert arrived, notes.names


class Recorder(Notes, mesos.Scheduler):
    """A scheduler that takes notes."""


class AsyncRecorder(AsyncNotes, Recorder):
    """The same with coroutines."""


class ExecutorRecorder(Notes, mesos.Executor):
    """An executor that takes notes; groups are launched by the base class."""


class AsyncExecutorRecorder(AsyncNotes, ExecutorRecorder):
    """The same with coroutines."""


for _sync_class, _async_class in ((Recorder, AsyncRecorder), (ExecutorRecorder, AsyncExecutorRecorder)):
    for _name in [name for name in vars(_sync_class.__mro__[2]) if not name.startswith("_")]:
        if _name not in {"error", "launch_group"}:  # the base class raises, as it should in most tests
            _sync, _async = _handlers(_name)
            setattr(_sync_class, _name, _sync)
            setattr(_async_class, _name, _async)
