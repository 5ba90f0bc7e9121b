"""The poll dispatcher: handlers run where, and while, the caller waits (`run`, `run_once`, `join`, `wait`).

Invariants:
* No thread is started and no loop is touched unless somebody waits.
* Ctrl-C breaks every wait at once.
"""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING

from mesos.dispatch._base import BATCH, Dispatcher, running_loop

if TYPE_CHECKING:
    from mesos.dispatch._asyncio import LoopPump
    from mesos.driver import Driver


class PollDispatcher(Dispatcher):
    """Handlers run on the thread that waits; or a loop watches `fileno()` and calls `drain()`."""

    awaits = False

    def __init__(self) -> None:
        super().__init__()
        self._waiting = threading.Lock()
        self._pump: LoopPump | None = None
        self._pumped = 0

    def run(self, driver: Driver) -> None:
        """Start the driver and handle its events here until it has ended."""
        driver._start_with(self)
        self.join(None)

    def join(self, timeout: float | None) -> bool:
        """Handle events here until the driver has ended; if another thread does, wait for that."""
        if not self._waiting.acquire(blocking=False):
            return super().join(timeout)
        try:
            deadline = None if timeout is None else time.monotonic() + timeout
            while not self.ended:
                left = None if deadline is None else deadline - time.monotonic()
                if left is not None and left <= 0:
                    break
                if self._native.wait(left):
                    self.drain(BATCH)
            return self.ended
        finally:
            self._waiting.release()

    async def wait(self, timeout: float | None) -> bool:
        """Handle events on the loop that runs here until the driver has ended."""
        from mesos.dispatch._asyncio import LoopPump  # noqa: PLC0415 - it imports asyncio

        loop = running_loop()
        if self.ended or loop is None:
            return self.ended
        if self._pump is None:
            self._pump = LoopPump(self, loop)
            self._pump.attach()
        self._pumped += 1
        try:
            return await super().wait(timeout)
        finally:
            self._pumped -= 1
            if self._pumped == 0 and self._pump is not None:
                self._pump.detach()
                self._pump = None

    def close(self) -> None:
        """Stop watching, if a loop does."""
        if self._pump is not None:
            self._pump.detach()
