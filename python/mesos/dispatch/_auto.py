"""Which dispatcher `"auto"` is: decided at the driver's first use, by where and how it is used.

Invariants:
* Where an event loop runs, `start` uses it; `run` blocks it only if the handlers need none, and says so.
* Without a loop, `start` returns at once and so needs a thread; `run` and `run_once` have one: the caller's.
"""

from __future__ import annotations

import logging

from mesos.dispatch._base import Dispatcher, running_loop
from mesos.dispatch._poll import PollDispatcher
from mesos.dispatch._thread import ThreadDispatcher

logger = logging.getLogger("mesos.driver")


def choose(entry: str, has_async: bool) -> Dispatcher:
    """Return a dispatcher for a driver whose first use is `entry`: "start", "run", "run_once" or "fileno"."""
    loop = running_loop()
    if entry in ("run_once", "fileno"):
        return PollDispatcher()
    if entry == "run":
        return _for_run(has_async)
    if loop is None:
        return ThreadDispatcher()
    from mesos.dispatch._asyncio import AsyncioDispatcher  # noqa: PLC0415 - it imports asyncio

    return AsyncioDispatcher(loop)


def _for_run(has_async: bool) -> Dispatcher:
    loop = running_loop()
    if not has_async:
        if loop is not None:
            logger.warning("run() blocks the event loop that runs here; `await driver.wait()` would not")
        return PollDispatcher()
    if loop is not None:
        raise RuntimeError(
            "run() cannot run async handlers where an event loop runs already: "
            'use `driver.start()` and `await driver.wait()`, or dispatcher="thread"'
        )
    from mesos.dispatch._asyncio import AsyncioDispatcher  # noqa: PLC0415 - it imports asyncio

    return AsyncioDispatcher()
