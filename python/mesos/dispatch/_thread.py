"""The thread dispatcher: handlers run one after the other on a thread of the driver's own.

Invariants:
* The thread is a daemon: a handler that never returns does not keep the program from ending. At exit the
  driver is stopped as failover and the thread waited for, at most as long as a stop may take.
* Async handlers run on an event loop of that thread.
* Handlers see the context variables of where the driver was started.
"""

from __future__ import annotations

import contextvars
import threading
import time
from typing import TYPE_CHECKING

from mesos.dispatch._base import Dispatcher

if TYPE_CHECKING:
    from mesos.dispatch._asyncio import LoopPump


class ThreadDispatcher(Dispatcher):
    """Handlers run on a thread of the driver's own; `driver` may be used from any other meanwhile."""

    def __init__(self) -> None:
        super().__init__()
        self._thread: threading.Thread | None = None
        self._pump: LoopPump | None = None

    def start(self) -> None:
        """Start the thread."""
        context = contextvars.copy_context()
        self._thread = threading.Thread(
            target=context.run, args=(self._main,), name="mesos-dispatch", daemon=True
        )
        self._thread.start()

    def check_place(self) -> None:
        """Refuse all other threads."""
        if not self.here():
            raise RuntimeError("the handlers of this driver run on its own thread only: ThreadDispatcher")

    def here(self) -> bool:
        """Whether this is that thread."""
        return threading.current_thread() is self._thread

    def close(self) -> None:
        """Stop watching, if a loop does."""
        if self._pump is not None:
            self._pump.detach()

    def join(self, timeout: float | None) -> bool:
        """Wait until the driver has ended and its thread is through."""
        deadline = None if timeout is None else time.monotonic() + timeout
        over = super().join(timeout)
        if over and self._thread is not None and not self.here():
            self._thread.join(None if deadline is None else max(0.0, deadline - time.monotonic()))
        return over

    def _main(self) -> None:
        driver = self._driver()
        awaits = driver is not None and driver._has_async
        del driver  # whoever may be collected meanwhile must not be held here
        try:
            if awaits:
                import asyncio  # noqa: PLC0415 - half of the import time of the package

                asyncio.run(self._serve())
            else:
                while not self.ended:
                    self._handle(None, None)
        except BaseException as error:
            self._broken(error)
            self._native.settle(None)
            self._end()

    async def _serve(self) -> None:
        import asyncio  # noqa: PLC0415 - half of the import time of the package

        from mesos.dispatch._asyncio import LoopPump  # noqa: PLC0415 - it imports asyncio

        # the loop is this thread's own: nobody is above it who could take what handlers raise
        self._pump = LoopPump(self, asyncio.get_running_loop(), lets_out=False)
        self._pump.attach()
        await self.wait(None)
