"""The body of an `async with driver:` block, which is cancelled when its driver dies.

Invariants:
* A task is cancelled only while it is inside the body: never afterwards, however late the news come.
* The cancellation of others is never taken for ours; before 3.11 nobody can tell one alone from both.
"""

from __future__ import annotations

import asyncio
import contextlib


class Body:
    """The task that is inside the block: the one that makes this object."""

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._task = asyncio.current_task()
        self._inside = True
        self._cancelled = False

    def cancel(self) -> None:
        """End the body; from any thread."""
        with contextlib.suppress(RuntimeError):  # the loop is closed, and the body with it
            self._loop.call_soon_threadsafe(self._cancel)

    def _cancel(self) -> None:
        if self._inside and not self._cancelled and self._task is not None:
            self._cancelled = True
            self._task.cancel()

    def leave(self, error: BaseException | None) -> bool:
        """Hear that the body has ended with `error`; return whether that is our cancellation and no other."""
        self._inside = False
        if not self._cancelled:
            return False
        uncancel = getattr(self._task, "uncancel", None)
        others = 0 if uncancel is None else uncancel()
        return isinstance(error, asyncio.CancelledError) and others == 0
