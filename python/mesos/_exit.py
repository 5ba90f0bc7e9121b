"""What happens to drivers when the interpreter ends.

Invariants:
* Exit kills no task: what runs is stopped as failover. It waits for that a little, and never for ever.
* A handler that runs on another thread is waited for. One that does not return in time never comes back to
  the interpreter (`src/sys/handler.rs`).
* An exception that ended a driver, and that nobody has fetched, is shown.
* Nothing interrupts the main thread after that: CPython is about to free what it would use.
"""

from __future__ import annotations

import atexit
import time
import weakref
from typing import TYPE_CHECKING

from mesos._mesos import end_interrupts
from mesos.dispatch._base import Dispatcher

if TYPE_CHECKING:
    from mesos.driver import Driver

#: How long all drivers together may take to end, in seconds: as long as a stop may wait for its answers.
TIMEOUT = 5.0

#: Drivers to be looked after: from their start to their end, or until their exception was fetched.
running: weakref.WeakSet[Driver] = weakref.WeakSet()


@atexit.register
def _exit() -> None:
    """End what still runs, as failover, and wait for it a little."""
    drivers = [driver for driver in list(running) if not driver._native.forked]
    for driver in drivers:
        driver._native.stop(True)
    deadline = time.monotonic() + TIMEOUT
    for driver in drivers:
        dispatcher = driver.dispatcher
        left = max(0.0, deadline - time.monotonic())
        if dispatcher is None or type(dispatcher).join is Dispatcher.join:
            driver._native.settle(left)  # a loop of the user's own, which may not run any more
        else:
            dispatcher.join(left)
        driver._report()
    end_interrupts()
