"""What happens to drivers when the interpreter ends.

Invariants:
* Exit kills no task: what runs is stopped as failover. It waits for that a little, and never for ever.
* A handler that runs on another thread is waited for. One that does not return in time never comes back to
  the interpreter (`src/sys/handler.rs`).
* An exception that ended a driver, and that nobody has fetched, is shown.
* What goes wrong with one driver, such as a hook that raises, is shown; the others are seen through.
* Nothing interrupts the main thread after that: CPython is about to free what it would use.
"""

from __future__ import annotations

import atexit
import contextlib
import sys
import time
import weakref
from typing import TYPE_CHECKING

from mesos._mesos import end_interrupts
from mesos.dispatch._base import Dispatcher

if TYPE_CHECKING:
    from mesos.driver import Driver

#: How long all drivers together may take to end, in seconds: as long as a stop may wait for its answers.
TIMEOUT = 5.0

#: Drivers to be looked after, by `id`: from their start to their end, or until their exception was fetched.
#: (A set would have to hash them, and a user's class may define `__eq__`.)
running: weakref.WeakValueDictionary[int, Driver] = weakref.WeakValueDictionary()


@atexit.register
def _exit() -> None:
    """End what still runs, as failover, and wait for it a little."""
    known = [reference() for reference in running.valuerefs()]
    drivers = [driver for driver in known if driver is not None and not driver._native.forked]
    deadline = time.monotonic() + TIMEOUT
    with contextlib.ExitStack() as last_first:
        last_first.callback(end_interrupts)
        for driver in reversed(drivers):
            last_first.callback(_see_through, driver, deadline)
        for driver in reversed(drivers):
            last_first.callback(driver._native.stop, True)


def _see_through(driver: Driver, deadline: float) -> None:
    """Wait for the end of a driver, and show what nobody has fetched."""
    dispatcher = driver.dispatcher
    left = max(0.0, deadline - time.monotonic())
    try:
        if dispatcher is None or type(dispatcher).join is Dispatcher.join:
            driver._native.settle(left)  # a loop of the user's own, which may not run any more
        else:
            dispatcher.join(left)
        driver._report()
    except BaseException as error:  # a hook may raise anything
        sys.excepthook(type(error), error, error.__traceback__)
