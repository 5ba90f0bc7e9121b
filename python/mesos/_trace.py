"""`mesos.trace`: has the native half say what it does; so does `$MESOS_PY_TRACE`, from outside."""

from __future__ import annotations

import os

from mesos import _mesos
from mesos.errors import ConfigurationError

LEVELS = ("QUIET", "ERROR", "WARNING", "INFO", "DEBUG")


def trace(level: str | int, dir: str | os.PathLike[str] | None = None) -> None:  # noqa: A002 - as the variable has it
    """Write what the native half does to standard error, or to a file, from now on.

    The lines are written where things happen, without Python, so that a program that is stuck still speaks.
    `logging` gets its records as before. No line holds a secret, or the body of a call or an event.

    level: "QUIET" (nothing), "ERROR", "WARNING" (lost masters, dropped calls), "INFO" (who leads, where the
    driver has subscribed) or "DEBUG" (every call, answer, event and handler, by name and size); or a number
    from 0 to 4. dir: a directory, made if missing, where each process appends to its own `mesos-PID.log`.
    None is standard error.

    `$MESOS_PY_TRACE` does the same for a program as it is: `LEVEL` or `LEVEL=DIR`. May be called at any time,
    from any thread; what was set before ends.

    Raises `ConfigurationError` if there is no such level, or no file can be written there.
    """
    if isinstance(level, str) and level.upper() in LEVELS:
        number = LEVELS.index(level.upper())
    elif isinstance(level, int) and not isinstance(level, bool) and 0 <= level < len(LEVELS):
        number = level
    else:
        raise ConfigurationError(f"level: {_right()} is expected, not {level!r}")
    if dir is not None and not os.fspath(dir):
        raise ConfigurationError("dir: a directory is expected, not an empty text")
    _mesos.trace(number, None if dir is None else os.fspath(dir))


def from_environment(given: str) -> None:
    """Do what `$MESOS_PY_TRACE` says; warn if it says nothing that is known."""
    level, _, directory = given.partition("=")
    try:
        trace(int(level) if level.isdecimal() else level, directory or None)
    except ConfigurationError as error:
        import warnings  # noqa: PLC0415 - few have a wrong one

        words = f"MESOS_PY_TRACE={given}: nothing is traced: {error}; LEVEL or LEVEL=DIR is expected"
        warnings.warn(words, RuntimeWarning, stacklevel=2)


def _right() -> str:
    return ", ".join(LEVELS[:-1]) + f", {LEVELS[-1]} or a number from 0 to {len(LEVELS) - 1}"
