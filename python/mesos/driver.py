"""What drivers have in common: start, wait, end. `SchedulerDriver` and `ExecutorDriver` add what they say.

Invariants:
* A driver goes NOT_STARTED → RUNNING → { ABORTED → STOPPED, STOPPED }, once; the native half is the judge.
* What kills tasks is explicit: only `stop()`, and leaving `with` normally when `failover_timeout` is 0, tear
  down. An exception, `abort()`, garbage collection and interpreter exit never do.
* The dispatcher keeps a driver alive only as long as the user or a running handler can reach it.
* An exception of a handler is logged at once, kept as `exception`, and raised by whatever waits for the
  driver.
"""

from __future__ import annotations

import logging
import sys
import threading
import warnings
from typing import TYPE_CHECKING, NoReturn

from mesos import _exit, _handlers
from mesos._seconds import seconds
from mesos._status import NOT_STARTED, RUNNING, as_status
from mesos.dispatch import Dispatcher, PollDispatcher, resolve
from mesos.dispatch._auto import choose
from mesos.errors import ConfigurationError, DriverAbortedError, ForkedDriverError

if TYPE_CHECKING:
    from types import TracebackType

    from typing_extensions import Self

    from mesos import Status
    from mesos._body import Body
    from mesos._mesos import Handle

logger = logging.getLogger("mesos.driver")

_IN_A_HANDLER = (
    "a handler cannot wait for the end of its own driver: return from it first; "
    "code of the same loop outside of handlers can `await driver.wait()`"
)


class Driver:
    """The life of a driver. Use `SchedulerDriver` or `ExecutorDriver`.

    Every method may be called from any thread, and from inside handlers unless it says otherwise.
    """

    _native: Handle

    def __init__(self, handler: object, base: type, dispatcher: str | Dispatcher) -> None:  # noqa: D107 - internal
        _handlers.check(handler, base)
        #: the object whose methods are called
        self._handler = handler
        self._has_async = _handlers.any_async(handler, base)
        self._base = base
        self._dispatcher: Dispatcher | None = resolve(dispatcher)
        self._refuse_async(self._dispatcher)
        # a signal's handler may come back to the driver while it starts, on the same thread
        self._starting = threading.RLock()
        self._exception: BaseException | None = None
        self._traceback: TracebackType | None = None
        self._fetched = False
        self._body: Body | None = None

    def _adopt(self, native: Handle) -> None:
        """Take the native half: the last step of the constructor."""
        self._native = native
        if self._dispatcher is not None:
            self._dispatcher.bind(self, native)

    # -- what subclasses say -------------------------------------------------------------------------------

    def _start_native(self) -> int:
        raise NotImplementedError

    def _leaves_as_failover(self) -> bool:
        """Whether leaving `with` normally keeps the tasks."""
        return False

    # -- life ----------------------------------------------------------------------------------------------

    def start(self) -> Status:
        """Connect, and have events dispatched from now on; return at once.

        With `dispatcher="auto"`, handlers run on the event loop that runs here, else on a thread of the
        driver's own. Return DRIVER_RUNNING, or the status as it is if the driver was started before: a driver
        runs once.

        Raises `ConfigurationError` if master or agent cannot be used, RuntimeError if events cannot be
        dispatched here.
        """
        return self._start_with(self._fix("start"))

    def _start_with(self, dispatcher: Dispatcher) -> Status:
        """Start, with the dispatcher that was settled on; for dispatchers."""
        with self._starting:
            if self._native.status != NOT_STARTED:
                return self.status
            dispatcher.prepare()
            try:
                self._start_native()
                _exit.running[id(self)] = self
                dispatcher.start()
            except BaseException:
                self._native.abort()
                # nobody dispatches who could see the end: whoever waits for it must find it
                if self._native.status != NOT_STARTED and self._native.settle(_exit.TIMEOUT):
                    dispatcher._end()
                raise
        return self.status

    def abort(self) -> Status:
        """End now, without a word to the master; it waits `failover_timeout` before it kills the tasks.

        Return DRIVER_ABORTED, or the status as it is if the driver does not run. `stop()` may follow.
        """
        return self._answer(self._native.abort())

    def join(self, timeout: float | None = None) -> Status:
        """Wait until the driver has ended, at most `timeout` seconds (None: for ever); return its status.

        A stop has ended when Mesos has answered, or after 5 seconds. Return at once if the driver was
        never started. With `dispatcher="poll"` events are handled here meanwhile. Ctrl-C ends the wait, not
        the driver.

        Raises what a handler raised; RuntimeError inside a handler and on the loop that dispatches, where
        `await driver.wait()` is to be used.
        """
        timeout = seconds(timeout)
        if self._native.status == NOT_STARTED:
            return self.status
        dispatcher = self._fix("start")
        if not dispatcher.ended and self._native.inside:
            raise RuntimeError(_IN_A_HANDLER)
        if not dispatcher.ended and dispatcher.here():
            raise RuntimeError(
                "this would block the event loop that the handlers run on: use `await driver.wait()`"
            )
        try:
            dispatcher.join(timeout)
        except BaseException:
            del self  # a notebook keeps tracebacks; the driver must not live on in one
            raise
        return self._outcome()

    async def wait(self, timeout: float | None = None) -> Status:
        """Do the same as `join` without blocking the event loop that runs here, with any dispatcher.

        Cancelling it stops nothing. Raises what a handler raised; RuntimeError inside a handler.
        """
        timeout = seconds(timeout)
        if self._native.status == NOT_STARTED:
            return self.status
        dispatcher = self._fix("start")
        pump = getattr(dispatcher, "_pump", None)
        if (pump is not None and pump.awaiting()) or (self._native.inside and not dispatcher.ended):
            raise RuntimeError(_IN_A_HANDLER)
        try:
            await dispatcher.wait(timeout)
        except BaseException:
            del self  # as in `join`
            raise
        return self._outcome()

    def run(self) -> Status:
        """Start and wait for the end; return DRIVER_STOPPED or DRIVER_ABORTED.

        With `dispatcher="auto"` handlers run right here: async ones on an event loop of their own. If the
        driver was started before, this is `join`. KeyboardInterrupt aborts the driver, then comes out.

        Raises what a handler raised; RuntimeError if handlers are async and an event loop runs here already.
        """
        if self._native.status != NOT_STARTED:
            return self.join()
        dispatcher = self._fix("run")
        try:
            dispatcher.run(self)
        except BaseException:
            if not self._native.forked:
                self._native.abort()
            raise
        return self._outcome()

    def run_once(self, timeout: float | None = None) -> bool:
        """Start if need be, wait for one event, handle it here; return whether there was one.

        timeout: seconds; None waits for ever, 0 does not wait. False also means that the driver has ended.
        Raises what a handler raised; RuntimeError with another dispatcher than "poll", and inside a handler.
        """
        timeout = seconds(timeout)
        dispatcher = self._fix("run_once")
        if not isinstance(dispatcher, PollDispatcher) and type(dispatcher).run_once is Dispatcher.run_once:
            raise RuntimeError(
                f'events of this driver are handled by its {type(dispatcher).__name__}: use "poll"'
            )
        self._start_with(dispatcher)
        handled = dispatcher.run_once(timeout) is not None
        self._outcome()
        return handled

    def fileno(self) -> int:
        """Return the descriptor that is readable while events are queued: for a loop of your own.

        Watch it for reading and call `driver.dispatcher.drain()`; never read it. With `dispatcher="auto"`
        this settles on "poll". Raises ValueError once the driver has ended.
        """
        return self._fix("fileno").fileno()

    def __enter__(self) -> Self:
        """Start; on leaving, stop and wait. After an exception, abort: nothing is torn down."""
        self.start()
        return self

    def __exit__(  # noqa: D105 - __enter__ says it
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._leave(error)
        dispatcher = self._fix("start")
        if dispatcher.here():
            if error is None and dispatcher.ended:
                self._outcome()
            return  # the loop that dispatches runs here: it sees the end through
        try:
            self.join()
        except BaseException as own:
            if error is None or own is not self._exception:
                raise

    async def __aenter__(self) -> Self:
        """Start on the loop that runs here. If the driver dies, cancel the body and raise the cause."""
        from mesos._body import Body  # noqa: PLC0415 - it imports asyncio, half of the

        self._body = body = Body()
        try:
            self.start()
        except BaseException:
            self._body = None
            body.leave(None)
            raise
        return self

    async def __aexit__(  # noqa: D105 - __aenter__ says it
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        body, self._body = self._body, None
        ours = body is not None and body.leave(error)
        self._leave(error)
        before = None if self._exception is None else self._exception.__context__
        try:
            await self.wait()
        except BaseException as own:
            if ours and own is self._exception:
                own.__context__ = before  # our cancellation is no part of the story
                raise
            if error is None or own is not self._exception:
                raise
        if ours and self._native.failure is not None:
            raise self._native.failure from None

    def _leave(self, error: BaseException | None) -> None:
        if error is None:
            self._native.stop(self._leaves_as_failover())
        else:
            self._native.abort()

    # -- what can be read ----------------------------------------------------------------------------------

    @property
    def status(self) -> Status:
        """Where the driver is in its life."""
        return as_status(self._native.status)

    @property
    def connected(self) -> bool:
        """Whether there is a subscription, as far as the handlers have been told."""
        return self._native.connected

    @property
    def dispatcher(self) -> Dispatcher | None:
        """Who dispatches; None as long as "auto" has not been decided."""
        return self._dispatcher

    @property
    def exception(self) -> BaseException | None:
        """What a handler raised and so ended the driver; None if nothing did."""
        self._fetched = self._fetched or self._exception is not None
        return self._exception

    # -- inside --------------------------------------------------------------------------------------------

    @property
    def _runs(self) -> bool:
        return self._native.status == RUNNING

    def _fix(self, entry: str) -> Dispatcher:
        """Settle on a dispatcher: the one that was given, or by where and how the driver is used first."""
        if self._native.forked:
            raise ForkedDriverError(f"{self!r}: make a new one in this process")
        with self._starting:
            if self._dispatcher is None:
                dispatcher = choose(entry, self._has_async)
                self._refuse_async(dispatcher)
                dispatcher.bind(self, self._native)
                self._dispatcher = dispatcher
            return self._dispatcher

    def _refuse_async(self, dispatcher: Dispatcher | None) -> None:
        if self._has_async and dispatcher is not None and not dispatcher.awaits:
            name = type(dispatcher).__name__
            raise ConfigurationError(
                f"dispatcher: {name} cannot await the async handlers of {type(self._handler).__name__}; "
                'use "asyncio" or "thread"'
            )

    def _answer(self, number: int) -> Status:
        """Return the status that a call came back with, or raise what the program has not waited for."""
        later = self._dispatcher is not None and self._dispatcher.raises_later
        if later and self._exception is not None and not self._fetched:
            return self._outcome()
        return as_status(number)

    def _outcome(self) -> Status:
        """Return the status, or raise what ended the driver."""
        if self._exception is not None:
            self._fetched = True
            # as the handler left it: each raise would add to what the one before it has added
            raise self._exception.with_traceback(self._traceback)
        return self.status

    def _failed(self, error: BaseException) -> None:
        """Keep what a handler raised; called by the native half, which has aborted the driver."""
        if error is self._exception:
            return  # dispatching itself came across what a handler raised
        if _is_cancellation(error):
            cause, error = error, DriverAbortedError("a handler was cancelled before it had ended")
            error.__cause__ = cause
        if self._exception is None:
            self._traceback = error.__traceback__
            self._exception = error
        logger.error("the driver has aborted: %s: %s", type(error).__name__, error, exc_info=error)
        self._cancel_body()

    def _ended(self) -> None:
        """Hear from the dispatcher that nothing will come any more."""
        if self._exception is None or self._fetched:
            _exit.running.pop(id(self), None)
        if self._native.failure is not None:
            self._cancel_body()

    def _cancel_body(self) -> None:
        """End the `async with` body that runs with the driver: the driver has died."""
        body = self._body
        if body is not None:
            body.cancel()

    def _report(self) -> None:
        """Show the exception that ended the driver, if nobody has fetched it."""
        if self._exception is None or self._fetched or self._dispatcher is None:
            return
        self._fetched = True
        self._dispatcher.report(self._exception)

    def __reduce__(self) -> NoReturn:  # noqa: D105 - copy and pickle ask for it
        raise TypeError(f"{self!r} cannot be copied or pickled: there is one connection, and it has that")

    def __del__(self) -> None:  # noqa: D105
        native = getattr(self, "_native", None)
        if native is None or native.forked:
            return
        if native.status == RUNNING:
            native.stop(True)
            words = f"{self!r} was running and nobody could reach it any more: it closes, and its tasks stay"
            warnings.warn(words, ResourceWarning, source=self, stacklevel=2)
        self._report()

    def __repr__(self) -> str:  # noqa: D105
        native: Handle | None = getattr(self, "_native", None)
        if native is None or native.forked:
            state = "of another process" if native is not None else "unfinished"
        else:
            state = ("?", "not started", "running", "aborted", "stopped")[native.status]
        return f"<{type(self).__name__} of {type(self._handler).__name__}: {state}>"


def _is_cancellation(error: BaseException | None) -> bool:
    asyncio = sys.modules.get("asyncio")
    return asyncio is not None and isinstance(error, asyncio.CancelledError)
