"""The interrupt dispatcher: handlers run on the main thread, between two bytecodes of whatever it does there.

What CPython does for signals it offers to others as "pending calls", and they have the same limits: code that
is inside a system call or an extension is not interrupted, and handlers come in the middle of what the main
thread was doing, so they must not wait for a lock that it may hold.

Invariants:
* Handlers run on the main thread only. It may also wait for them: `join`, `wait` and `run_once` handle events
  at once there, as with "poll"; on other threads they only wait.
* While something is queued and no turn is in progress, an interrupt is under way (`src/interrupt.rs`). One
  that comes during a turn does nothing: the end of that turn asks for the next one.
* Interrupts last `SHARE` seconds at most, and the next one leaves the main thread as much time for itself.
* Only KeyboardInterrupt and SystemExit of a handler come out of the interrupted code, as those of signal
  handlers do. Any other exception is kept, and raised by the next call of the driver.
"""

from __future__ import annotations

import itertools
import threading
import time
import weakref
from typing import TYPE_CHECKING, Any

from mesos.dispatch._base import BATCH, Dispatcher

if TYPE_CHECKING:
    from mesos.dispatch._asyncio import LoopPump

#: How long one interrupt handles events, in seconds; a batch that has begun is finished.
SHARE = 0.005

_numbers = itertools.count(1)
#: Who is to be interrupted; the native half knows the numbers only.
_serving: weakref.WeakValueDictionary[int, InterruptDispatcher] = weakref.WeakValueDictionary()


class InterruptDispatcher(Dispatcher):
    """Handlers run on the main thread whatever it computes; it need not wait for them.

    What a handler raises aborts the driver and is raised by the next call of it. Handlers cannot be async.
    As in signal handlers, locks that the main thread may hold must not be waited for; and nothing is handled
    while it is inside a system call or an extension that runs no Python.
    """

    awaits = False
    raises_later = True

    def __init__(self) -> None:
        super().__init__()
        self._number = next(_numbers)
        self._pump: LoopPump | None = None

    def prepare(self) -> None:
        """Have the main thread interrupted; RuntimeError when the interpreter is ending."""
        _serving[self._number] = self
        self._native.interrupt(self._number)

    def close(self) -> None:
        """Let nothing be interrupted any more."""
        _serving.pop(self._number, None)
        if self._pump is not None:
            self._pump.detach()

    def join(self, timeout: float | None) -> bool:
        """Handle events here until the driver has ended; on another thread than the main one, wait for it."""
        if not _is_main():
            return super().join(timeout)
        deadline = None if timeout is None else time.monotonic() + timeout
        while not self.ended:
            left = None if deadline is None else max(0.0, deadline - time.monotonic())
            if left == 0:
                break
            self._handle(None, left)
        return self.ended

    async def wait(self, timeout: float | None) -> bool:
        """Do the same on the loop that runs here; on the main thread it watches for events meanwhile."""
        if not _is_main() or self.ended or self._pump is not None:
            return await super().wait(timeout)
        import asyncio  # noqa: PLC0415 - half of the import time of the package

        from mesos.dispatch._asyncio import LoopPump  # noqa: PLC0415 - it imports asyncio

        self._pump = pump = LoopPump(self, asyncio.get_running_loop())
        try:
            pump.attach()
            return await super().wait(timeout)
        finally:
            pump.detach()
            self._pump = None

    def run_once(self, timeout: float | None = None) -> tuple[Any, ...] | None:
        """Do as the base class says, on the main thread."""
        return super().run_once(timeout)

    def check_place(self) -> None:
        """Refuse all threads but the main one."""
        if not _is_main():
            raise RuntimeError("the handlers of this driver run on the main thread only: InterruptDispatcher")

    def _interrupt(self) -> bool:
        """Take turns, between two bytecodes of the main thread; return whether to come again if need be."""
        if not self._native.idle:
            return False  # a turn is in progress right here, and its end asks for another interrupt
        driver = self._driver()
        before = None if driver is None else driver._exception
        until = time.monotonic() + SHARE
        try:
            while self.drain(BATCH) == BATCH and time.monotonic() < until:
                pass
        except BaseException as error:
            if driver is None:
                raise
            self._broken(error)
        raised = None if driver is None else driver._exception
        if raised is not None and raised is not before and self._comes_out(raised):
            raise raised
        return not self.ended


def interrupted(number: int) -> bool:
    """Answer an interrupt; the native half calls it, on the main thread."""
    dispatcher = _serving.get(number)
    # one that was under way at a fork comes in the child, too
    return dispatcher is not None and not dispatcher._native.forked and dispatcher._interrupt()


def _is_main() -> bool:
    return threading.get_ident() == threading.main_thread().ident
