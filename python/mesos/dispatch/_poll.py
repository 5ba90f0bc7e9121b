"""The poll dispatcher: handlers run where, and while, the caller waits (`run`, `run_once`, `join`, `wait`).

Invariants:
* No thread is started and no loop is touched unless somebody waits.
* One waits and handles, the others only wait: who came first, until it leaves; then another takes over.
* Ctrl-C breaks every wait at once.
"""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING, Any

from mesos._seconds import seconds
from mesos.dispatch._base import BATCH, SLICE, Dispatcher, running_loop

if TYPE_CHECKING:
    from mesos.dispatch._asyncio import LoopPump
    from mesos.driver import Driver


class PollDispatcher(Dispatcher):
    """Handlers run on the thread that waits; or a loop watches `fileno()` and calls `drain()`."""

    awaits = False

    def __init__(self) -> None:
        super().__init__()
        #: held by whoever handles events
        self._handling = threading.Lock()
        self._pump: LoopPump | None = None

    def run(self, driver: Driver) -> None:
        """Start the driver and handle its events here until it has ended."""
        driver._start_with(self)
        self.join(None)

    def join(self, timeout: float | None) -> bool:
        """Handle events here until the driver has ended; if another thread does, wait for that."""
        deadline = None if timeout is None else time.monotonic() + timeout
        while not self.ended:  # one turn at least: whoever comes again and again for 0 s sees the end, too
            left = _left(deadline)
            if self._mine():
                self._handle(None, left)
            elif self._handling.acquire(timeout=_slice(left)):
                try:
                    # to the end: a thread that handles events goes on doing so
                    while not self.ended:
                        self._handle(None, _left(deadline))
                        if _left(deadline) == 0:
                            break
                finally:
                    self._handling.release()
            if _left(deadline) == 0:
                break
        return self.ended

    def run_once(self, timeout: float | None = None) -> tuple[Any, ...] | None:
        """Do as the base class says; None is also returned if another thread handles events all the time."""
        timeout = seconds(timeout)
        if self._mine():
            return super().run_once(timeout)
        deadline = None if timeout is None else time.monotonic() + timeout
        while not self._handling.acquire(timeout=_slice(_left(deadline))):
            if self.ended or _left(deadline) == 0:
                return None
        try:
            return super().run_once(_left(deadline))
        finally:
            self._handling.release()

    def drain(self, limit: int = BATCH) -> int:
        """Do as the base class says; nothing if another thread handles events just now."""
        if self._mine():
            return super().drain(limit)
        if not self._handling.acquire(blocking=False):
            return 0
        try:
            return super().drain(limit)
        finally:
            self._handling.release()

    async def wait(self, timeout: float | None) -> bool:
        """Handle events on the loop that runs here until the driver has ended; or wait while others do."""
        from mesos.dispatch._asyncio import LoopPump  # noqa: PLC0415 - it imports asyncio

        deadline = None if timeout is None else time.monotonic() + timeout
        while not self.ended:
            left = _left(deadline)
            if left == 0:
                self.drain()  # as in `join`
                break
            loop = running_loop()
            if loop is None or not self._handling.acquire(blocking=False):
                await super().wait(_slice(left))
                continue
            try:
                if self.ended:  # another thread has seen it before it gave the lock away
                    break
                self._pump = pump = LoopPump(self, loop)
                try:
                    pump.attach()
                    await super().wait(left)
                finally:
                    pump.detach()
                    self._pump = None
            finally:
                self._handling.release()
        return self.ended

    def close(self) -> None:
        """Stop watching, if a loop does."""
        if self._pump is not None:
            self._pump.detach()

    def _mine(self) -> bool:
        """Whether events are handled by what runs here: a handler, or the loop of this thread."""
        return self._native.inside or (self._pump is not None and self._pump.runs_here())


def _left(deadline: float | None) -> float | None:
    return None if deadline is None else max(0.0, deadline - time.monotonic())


def _slice(left: float | None) -> float:
    return SLICE if left is None else min(SLICE, left)
