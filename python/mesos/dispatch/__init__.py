"""Dispatchers: who waits for a driver's events, and on which thread their handlers run.

What happens with an event is the same for all of them and native (`src/dispatch.rs`); a dispatcher only
watches `fileno()` and calls `drain()` when it is readable. `SchedulerDriver(dispatcher=...)` takes a name
("asyncio", "thread", "poll", "interrupt", "package.module:Class") or an instance; "auto" picks one at the
driver's first use.

For another event loop, watch the descriptor::

    driver = mesos.SchedulerDriver(scheduler, "web", master, dispatcher="poll")
    driver.start()
    other_loop.watch_readable(driver.fileno(), driver.dispatcher.drain)

or subclass `Dispatcher` and override `start` and `close`. docs/event-loops.md has recipes for uvloop, Trio,
Tornado, Twisted and gevent.

Invariants:
* A dispatcher serves one driver. It refers to it weakly: nobody is kept alive by being waited for.
* The descriptor stays readable as long as something is queued, so a bounded `drain` loses nothing.
* When the backend has ended, the queue is discarded, `close` is called, then the descriptor is closed.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING

from mesos.dispatch._base import BATCH, Dispatcher
from mesos.dispatch._interrupt import InterruptDispatcher
from mesos.dispatch._poll import PollDispatcher
from mesos.dispatch._thread import ThreadDispatcher
from mesos.errors import ConfigurationError

if TYPE_CHECKING:
    from mesos.dispatch._asyncio import AsyncioDispatcher

__all__ = [
    "BATCH",
    "AsyncioDispatcher",
    "Dispatcher",
    "InterruptDispatcher",
    "PollDispatcher",
    "ThreadDispatcher",
    "resolve",
]

_NAMES = ("auto", "asyncio", "interrupt", "poll", "thread")


def __getattr__(name: str) -> type[Dispatcher]:
    """Import what needs asyncio only when it is asked for: that takes as long as all the rest."""
    if name == "AsyncioDispatcher":
        from mesos.dispatch._asyncio import AsyncioDispatcher  # noqa: PLC0415

        return AsyncioDispatcher
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    """Show what was not imported yet, too."""
    return sorted({*globals(), *__all__})


def resolve(given: str | Dispatcher) -> Dispatcher | None:
    """Return the dispatcher that `given` names; None for "auto", which is decided at the first use.

    Raises `ConfigurationError` for anything else than a known name, "package.module:Class" (or, as in Perl,
    "+package.Class") of a `Dispatcher` that needs no arguments, or an instance.
    """
    if isinstance(given, Dispatcher):
        return given
    if not isinstance(given, str):
        found = f"the class {given.__name__}: give an instance" if isinstance(given, type) else repr(given)
        raise ConfigurationError(f"dispatcher: a name or a Dispatcher is expected, not {found}")
    if given == "auto":
        return None
    if given in _NAMES:
        return _import(f"mesos.dispatch:{given.capitalize()}Dispatcher")
    return _import(given)


def _import(given: str) -> Dispatcher:
    path = given[1:] if given.startswith("+") else given
    module, _, name = path.partition(":") if ":" in path else path.rpartition(".")
    if not module or not name:
        known = ", ".join(map(repr, _NAMES))
        raise ConfigurationError(
            f"dispatcher: {given!r} is none of {known}, and not of the form package.module:Class"
        )
    try:
        found = getattr(importlib.import_module(module), name)
    except (ImportError, AttributeError) as error:
        raise ConfigurationError(f"dispatcher: {given!r} cannot be imported: {error}") from error
    if not (isinstance(found, type) and issubclass(found, Dispatcher)):
        raise ConfigurationError(f"dispatcher: {given!r} is not a subclass of mesos.dispatch.Dispatcher")
    try:
        return found()
    except TypeError as error:
        raise ConfigurationError(
            f"dispatcher: {given!r} needs arguments ({error}); give an instance"
        ) from error
