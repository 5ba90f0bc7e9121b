"""The base of all dispatchers: turns, the end, and how to wait for it.

Invariants:
* One event at a time, in order. A turn never begins while an async handler of the driver is running.
* Whatever goes wrong in a turn aborts the driver and is kept by it; nothing is swallowed.
* The end is said once, on the dispatching thread: to `join` by an event, to `wait` by its own loop.
"""

from __future__ import annotations

import contextlib
import math
import sys
import threading
import time
import weakref
from typing import TYPE_CHECKING, Any

from mesos._seconds import seconds

if TYPE_CHECKING:
    import asyncio
    from collections.abc import Awaitable, Callable

    from mesos._mesos import Handle
    from mesos.driver import Driver

#: How many events are handled before others get their turn.
BATCH = 128
#: How long Python's own waits go on without looking for signals, in seconds: one may arrive just before.
SLICE = 0.1


def running_loop() -> asyncio.AbstractEventLoop | None:
    """Return the event loop that runs in this thread, if one does."""
    module = sys.modules.get("asyncio")  # not imported, so none runs; importing it takes long
    if module is None:
        return None
    try:
        loop: asyncio.AbstractEventLoop = module.get_running_loop()
    except RuntimeError:
        return None
    return loop


class Dispatcher:
    """Who waits for a driver's events. The base class knows how to handle them, not when.

    Subclass it for an event loop of your own: override `start` (begin to watch `fileno()`, and call `drain()`
    on your thread whenever it is readable) and `close` (stop watching it). The handlers must not be async
    then, unless you await `drain_async()` in place of calling `drain()`.
    """

    #: async handlers can be awaited
    awaits = True
    #: the program need not wait for its handlers, so its next call of the driver raises what one has raised
    raises_later = False

    def __init__(self) -> None:
        self._bound: Handle | None = None
        self._driver: Callable[[], Driver | None] = gone
        # the end may be seen between two bytecodes of a thread that holds it
        self._lock = threading.RLock()
        self._ending = False
        self._let_out = False
        self._over = threading.Event()
        self._waiters: list[tuple[asyncio.AbstractEventLoop, asyncio.Future[None]]] = []

    # -- for subclasses ------------------------------------------------------------------------------------

    def prepare(self) -> None:
        """Raise RuntimeError if events cannot be dispatched from here; called before the driver starts."""

    def start(self) -> None:
        """Begin to watch `fileno()`; called once, on the thread that starts the driver."""

    def close(self) -> None:
        """Stop watching `fileno()`; called on the dispatching thread when nothing more will come.

        That is once, unless a Ctrl-C comes just then: the next look at the end may call it again.
        """

    def check_place(self) -> None:
        """Raise RuntimeError if handlers must not run where this is called; called before each turn."""

    def here(self) -> bool:
        """Whether the calling code would have to return before events can be dispatched."""
        return self._bound is not None and self._bound.inside

    # -- for everybody -------------------------------------------------------------------------------------

    def fileno(self) -> int:
        """Return the descriptor that is readable while something is queued. Only watch it, never read it.

        Raises ValueError once the driver has ended.
        """
        return self._native.fileno()

    @property
    def pending(self) -> int:
        """How many events are queued now."""
        return self._native.pending

    @property
    def ended(self) -> bool:
        """The backend has ended and everything was handled or discarded: nothing will come any more."""
        return self._over.is_set()

    def drain(self, limit: int = BATCH) -> int:
        """Handle what is queued, at most `limit` events, and return how many. Never waits.

        Nothing is handled while another thread does so. For handlers that are not async. Raises RuntimeError
        inside a handler, and on another thread or loop than the dispatcher's own.
        """
        return self._handle(limit, 0)

    async def drain_async(self, limit: int = BATCH) -> int:
        """Do the same as `drain`, and await the handlers that are async, one after the other."""
        handled = 0
        while handled < limit:
            count, awaitable = self._turn(limit - handled)
            handled += count
            if awaitable is None:
                break
            await self._finish(awaitable)
        return handled

    def run_once(self, timeout: float | None = None) -> tuple[Any, ...] | None:
        """Wait for one event, handle it, and return it as `(name, *args)`.

        timeout: seconds; None waits for ever, 0 does not wait. None is returned when it is over, or when the
        driver has ended. Raises RuntimeError inside a handler.
        """
        timeout = seconds(timeout)
        deadline = None if timeout is None else time.monotonic() + timeout
        self.check_place()
        while not self.ended:
            left = None if deadline is None else max(0.0, deadline - time.monotonic())
            event, awaitable = self._native.turn_once(self._driver, left)
            self._see_end()
            if awaitable is not None:
                self._refuse(awaitable)
            if event is not None or left == 0 or self._driver() is None:
                return event
        return None

    # -- for the driver ------------------------------------------------------------------------------------

    def bind(self, driver: Driver, native: Handle) -> None:
        """Serve `driver` from now on. Raises RuntimeError if this dispatcher serves another one."""
        with self._lock:
            if self._bound is not None:
                raise RuntimeError(
                    f"this {type(self).__name__} serves another driver: each needs one of its own"
                )
            self._bound = native
            self._driver = weakref.ref(driver)

    def run(self, driver: Driver) -> None:
        """Start the driver and return when it has ended."""
        driver._start_with(self)
        self.join(None)

    def join(self, timeout: float | None) -> bool:
        """Wait until the driver has ended, at most `timeout` seconds; return whether it has."""
        deadline = None if timeout is None else time.monotonic() + timeout
        while not self.ended:
            left = SLICE if deadline is None else min(SLICE, deadline - time.monotonic())
            if left <= 0:
                break
            self._over.wait(left)
        return self.ended

    async def wait(self, timeout: float | None) -> bool:
        """Do the same as `join` without blocking the loop that runs here, whatever loop that is."""
        import asyncio  # noqa: PLC0415 - half of the import time of the package

        loop = asyncio.get_running_loop()
        waiter = loop.create_future()
        with self._lock:
            self._waiters.append((loop, waiter))
        main = threading.current_thread() is threading.main_thread()
        left = timeout
        try:
            # `ended` is looked at after the waiter is known: the end cannot come unnoticed in between
            while not (self.ended or waiter.done()) and (left is None or left > 0):
                # a loop on the main thread that sleeps does not notice a signal that came just before
                piece = min((SLICE if main else None), left, key=_length)
                await asyncio.wait([waiter], timeout=piece)
                left = None if left is None or piece is None else left - piece
        finally:
            with self._lock:
                self._waiters = [known for known in self._waiters if known[1] is not waiter]
        return self.ended

    def report(self, error: BaseException) -> None:
        """Show an exception that nobody fetched."""
        args = threading.ExceptHookArgs((type(error), error, error.__traceback__, threading.current_thread()))
        threading.excepthook(args)

    # -- inside --------------------------------------------------------------------------------------------

    @property
    def _native(self) -> Handle:
        if self._bound is None:
            raise RuntimeError(
                f"this {type(self).__name__} serves no driver yet: give it to one as dispatcher="
            )
        return self._bound

    def _turn(self, limit: int | None, timeout: float | None = 0) -> tuple[int, Awaitable[Any] | None]:
        """Handle up to `limit` events, up to the first to be awaited; wait for one if none is there.

        limit: None goes on handling and waiting until the time is over, or the driver has ended.
        """
        if limit is not None and limit < 0:
            raise ValueError(f"limit: a number of events from 0 up is expected, not {limit}")
        self.check_place()
        handled, awaitable = self._native.turn(self._driver, limit, timeout)
        self._see_end()
        return handled, awaitable

    def _handle(self, limit: int | None, timeout: float | None) -> int:
        """Do the same where nobody awaits; return how many events were handled."""
        handled, awaitable = self._turn(limit, timeout)
        if awaitable is not None:
            self._refuse(awaitable)
        return handled

    async def _finish(self, awaitable: Awaitable[Any]) -> None:
        """Await what a handler returned; the native half then acknowledges, or aborts."""
        driver = self._driver()
        try:
            await awaitable
        except BaseException as error:
            # the driver lives on in the coroutine's frames; without it nobody is left to tell
            if driver is not None and not self.ended:  # the loop may be closed, and its tasks with it
                self._native.resume(driver, error)
            if not isinstance(error, Exception):
                raise
        else:
            if driver is not None:
                self._native.resume(driver)

    def _refuse(self, awaitable: Awaitable[Any]) -> None:
        """Fail a handler that returned an awaitable where nobody awaits."""
        close = getattr(awaitable, "close", None)
        if close is not None:
            close()
        driver = self._driver()
        if driver is not None:
            words = (
                f"a handler returned an awaitable, which {type(self).__name__} cannot await: "
                'declare it `async def`, and use dispatcher="asyncio" or "thread"'
            )
            self._native.resume(driver, TypeError(words))

    def _broken(self, error: BaseException) -> None:
        """Dispatching itself failed: the driver ends as if a handler had."""
        driver = self._driver()
        if driver is not None and not self.ended:
            driver.abort()
            driver._failed(error)

    def _comes_out(self, error: BaseException) -> bool:
        """Whether `error` comes out of the code around the handlers: what ends programs does, once."""
        if self._let_out or not isinstance(error, (KeyboardInterrupt, SystemExit)):
            return False
        self._let_out = True
        return True

    def _see_end(self) -> None:
        if self._native.ended:
            self._end()

    def _end(self) -> None:
        """Say that nothing will come any more; the last steps of the close order.

        If a Ctrl-C cuts them off before the end is said, whoever looks for the end next takes them again.
        """
        ours = False
        try:
            with self._lock:
                if self._ending or self.ended:
                    return
                ours = self._ending = True
            try:
                self.close()
                self._native.close()
            finally:
                driver = self._driver()
                if driver is not None:
                    driver._ended()
                self._tell_waiters()
        finally:
            if ours:
                self._ending = False

    def _tell_waiters(self) -> None:
        with self._lock:
            self._over.set()
            waiters, self._waiters = self._waiters, []
        for loop, waiter in waiters:
            with contextlib.suppress(RuntimeError):  # that loop is closed, and its waiter with it
                loop.call_soon_threadsafe(_wake, waiter)


def _length(seconds: float | None) -> float:
    return math.inf if seconds is None else seconds


def _wake(waiter: asyncio.Future[None]) -> None:
    if not waiter.done():
        waiter.set_result(None)


def gone() -> None:
    """Stand in for a weak reference, until there is one."""
