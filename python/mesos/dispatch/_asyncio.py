"""The asyncio dispatcher: handlers run as callbacks of an event loop, async ones are awaited on it.

Invariants:
* Only asyncio's public interface is used, so that other loops (uvloop) serve as well.
* After a batch, the loop's other callbacks get their turn: the descriptor is still readable then.
* While an async handler runs, the descriptor is not watched; events stay queued.
* One of the loop's timers is the only thing that refers to `_Sign`: if it dies, the loop was closed under the
  driver, which then aborts.
"""

from __future__ import annotations

import asyncio
import functools
import threading
import weakref
from typing import TYPE_CHECKING, Any

from mesos.dispatch._base import BATCH, SLICE, Dispatcher, gone, running_loop
from mesos.errors import DriverAbortedError

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from mesos.driver import Driver

#: How often a loop looks up that has nobody to wake for, in seconds.
SELDOM = 3600.0


class AsyncioDispatcher(Dispatcher):
    """Handlers run on an asyncio loop, between its other callbacks.

    loop: the loop; None takes the one that runs where the driver is started, and `run()` then makes one of
    its own.
    """

    def __init__(self, loop: asyncio.AbstractEventLoop | None = None) -> None:
        super().__init__()
        self._loop = loop
        self._pump: LoopPump | None = None

    def prepare(self) -> None:
        """Find the loop, or raise RuntimeError."""
        self._loop = self._loop or running_loop()
        if self._loop is None:
            raise RuntimeError(
                "no event loop runs here: start the driver inside one, give AsyncioDispatcher(loop), "
                "or use run()"
            )
        if self._loop.is_closed():
            raise RuntimeError("the event loop of this AsyncioDispatcher is closed")

    def start(self) -> None:
        """Watch the descriptor on the loop."""
        assert self._loop is not None, "prepare() was called"  # noqa: S101 - for the type checker
        self._pump = LoopPump(self, self._loop)
        if self._loop is running_loop() or not self._loop.is_running():
            self._pump.attach()
        else:
            self._loop.call_soon_threadsafe(self._pump.attach)

    def close(self) -> None:
        """Stop watching the descriptor."""
        if self._pump is not None:
            self._pump.detach()

    def check_place(self) -> None:
        """Refuse all other threads and loops."""
        if self._loop is None or self._loop is not running_loop():
            raise RuntimeError("the handlers of this driver run on its event loop only: AsyncioDispatcher")

    def here(self) -> bool:
        """Whether this is the loop's own thread, with the loop running."""
        return super().here() or (self._loop is not None and self._loop is running_loop())

    def run(self, driver: Driver) -> None:
        """Start the driver and run a loop here until it has ended."""
        if running_loop() is not None:
            raise RuntimeError(
                "an event loop runs here already: use `driver.start()` and `await driver.wait()`, "
                'or dispatcher="thread"'
            )
        if self._loop is None:
            asyncio.run(self._main(driver))
        elif self._loop.is_running():
            super().run(driver)
        else:
            self._loop.run_until_complete(self._main(driver))

    async def _main(self, driver: Driver) -> None:
        driver._start_with(self)
        try:
            await super().wait(None)
        except asyncio.CancelledError:
            driver.abort()
            raise

    def join(self, timeout: float | None) -> bool:
        """Wait for the end; if no loop runs that could see it, see it here."""
        left = timeout
        while not self.ended and (left is None or left > 0):
            piece = SLICE if left is None else min(SLICE, left)
            driver = self._driver()
            if self._loop is not None and not self._loop.is_running() and not (driver and driver._runs):
                if self._native.settle(piece):
                    self._end()
            else:
                super().join(piece)
            left = None if left is None else left - piece
        return self.ended

    def report(self, error: BaseException) -> None:
        """Show an exception that nobody fetched, as the loop shows those of tasks."""
        if self._loop is None or self._loop.is_closed():
            super().report(error)
            return
        words = "the exception that ended a Mesos driver was never retrieved"
        self._loop.call_exception_handler({"message": words, "exception": error})


class LoopPump:
    """Watches one dispatcher's descriptor on one loop, and runs its turns there.

    lets_out: KeyboardInterrupt and SystemExit of handlers end the loop, as those of any callback do.
    """

    def __init__(
        self, dispatcher: Dispatcher, loop: asyncio.AbstractEventLoop, *, lets_out: bool = True
    ) -> None:
        self._lets_out = lets_out
        self._dispatcher = dispatcher
        self._loop = loop
        self._fd = dispatcher.fileno()
        self._attached = False
        self._sign: Callable[[], _Sign | None] = gone
        self._task: asyncio.Task[None] | None = None

    def attach(self) -> None:
        """Begin; on the loop's thread."""
        if self._dispatcher.ended:
            return
        sign = _Sign(self._loop, self._dispatcher)
        self._sign = weakref.ref(sign)
        sign()
        self._watch()

    def detach(self) -> None:
        """End; on the loop's thread, or when the loop does not run."""
        sign = self._sign()
        if sign is not None:
            sign.take_back()
        if self._attached and not self._loop.is_closed():
            self._loop.remove_reader(self._fd)
        self._attached = False

    def _watch(self) -> None:
        self._loop.add_reader(self._fd, self._ready)
        self._attached = True

    def _ready(self) -> None:
        """Take a turn: the descriptor is readable."""
        try:
            awaitable = self._dispatcher._turn(BATCH)[1]
        except BaseException as error:
            self._dispatcher._broken(error)
            raise
        if awaitable is not None:
            self._loop.remove_reader(self._fd)
            self._attached = False
            self._task = self._loop.create_task(self._await(awaitable), name="mesos-handlers")
            self._task.add_done_callback(functools.partial(self._awaited, awaitable))
        else:
            self._raise_fatal()

    async def _await(self, awaitable: Awaitable[Any] | None) -> None:
        """Await handlers, one after the other, as long as something is queued."""
        handled = 0
        try:
            while awaitable is not None and not self._dispatcher.ended:
                await self._dispatcher._finish(awaitable)
                awaitable = None
                while awaitable is None and not self._dispatcher.ended:
                    if handled >= BATCH:
                        handled = 0
                        await asyncio.sleep(0)
                    count, awaitable = self._dispatcher._turn(BATCH - handled)
                    handled += count
                    if count == 0:
                        break
        except (asyncio.CancelledError, GeneratorExit):
            raise  # of a handler, or of this very task
        except BaseException as error:
            driver = self._dispatcher._driver()
            if driver is None or driver._exception is not error:
                self._dispatcher._broken(error)
                raise
        finally:
            self._task = None
            self._watch_on()
        # not out of this task: nobody asks it for its exception, and the loop would complain of that
        self._loop.call_soon(self._raise_fatal)

    def _awaited(self, awaitable: Awaitable[Any], task: asyncio.Task[None]) -> None:
        """See the end of a task that awaited handlers, whose first was to be `awaitable`."""
        if self._task is not task:  # `_await` has ended, and the driver has kept and logged what it raised
            if not task.cancelled():
                task.exception()
            return
        # cancelled before it began: nothing of `_await` has run, and the turn is still suspended
        self._task = None
        driver = self._dispatcher._driver()
        try:
            if driver is not None and not self._dispatcher.ended:
                self._dispatcher._native.resume(driver, asyncio.CancelledError())
        except BaseException as error:
            self._dispatcher._broken(error)
            raise
        finally:
            self._watch_on()
            # a coroutine is closed, so that Python does not miss its `await`; a task or future is given up
            drop = getattr(awaitable, "close", None) or getattr(awaitable, "cancel", None)
            if drop is not None:
                drop()

    def _watch_on(self) -> None:
        if not self._dispatcher.ended and not self._loop.is_closed():
            self._watch()

    def awaiting(self) -> bool:
        """Whether the calling task is the one that awaits the handlers."""
        # only on the loop's own thread: another one would see whatever runs there just now
        return self._task is not None and self.runs_here() and self._task is asyncio.current_task(self._loop)

    def runs_here(self) -> bool:
        """Whether the loop runs in this thread."""
        return self._loop is running_loop()

    def _raise_fatal(self) -> None:
        """Let KeyboardInterrupt and SystemExit out of the loop, once: then it runs again, to clean up."""
        driver = self._dispatcher._driver()
        raised = None if driver is None else driver._exception
        if self._lets_out and raised is not None and self._dispatcher._comes_out(raised):
            raise raised


class _Sign:
    """What one of the loop's timers holds, and nothing else: its life is the sign that the loop goes on.

    On the main thread it wakes the loop now and then: asleep, it would miss a Ctrl-C that came just before.
    """

    __slots__ = ("__weakref__", "_closed", "_loop", "_period", "_timer")

    def __init__(self, loop: asyncio.AbstractEventLoop, dispatcher: Dispatcher) -> None:
        self._loop = loop
        self._timer: Callable[[], asyncio.TimerHandle | None] = gone
        self._period = SLICE if threading.current_thread() is threading.main_thread() else SELDOM
        self._closed = weakref.finalize(self, _loop_closed, dispatcher)
        self._closed.atexit = False  # the drivers have an exit of their own

    def __call__(self) -> None:
        # weakly: the timer refers to this
        self._timer = weakref.ref(self._loop.call_later(self._period, self))

    def take_back(self) -> None:
        """Let the loop be closed from now on."""
        self._closed.detach()
        timer = self._timer()
        if timer is not None:
            timer.cancel()


def _loop_closed(dispatcher: Dispatcher) -> None:
    """Abort: the loop has dropped its reader, so nothing will be dispatched any more."""
    driver = dispatcher._driver()
    if driver is not None and not driver._native.forked:
        if driver._runs:
            driver.abort()
            driver._failed(DriverAbortedError("the event loop was closed while the driver was running on it"))
        dispatcher._end()
