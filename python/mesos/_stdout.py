"""Standard output of an executor: line-buffered while its driver runs, so that no line waits for the next.

Invariants:
* It never raises: an executor whose output is closed, or read by nobody, runs its tasks all the same.
* `restore` never flushes. It may be called by a signal's handler that has interrupted a `print`, or while
  another thread prints into a full pipe: a flush would raise in the one case and wait in the other.
"""

from __future__ import annotations

import contextlib
import io
import sys
import threading
from typing import cast


def line_buffer() -> io.TextIOWrapper | None:
    """Have `sys.stdout` line-buffered from now on; return it if that was a change, for `restore`."""
    stdout = sys.stdout
    if not isinstance(stdout, io.TextIOWrapper) or stdout.line_buffering:
        return None
    # closed; or it cannot flush what was printed before, which the program's own next print will say
    with contextlib.suppress(ValueError, OSError, RuntimeError):
        stdout.reconfigure(line_buffering=True)
        return cast("io.TextIOWrapper", stdout)
    return None


def restore(stdout: io.TextIOWrapper) -> None:
    """Have it buffered as before."""
    here = threading.get_ident()

    def flush() -> None:
        if threading.get_ident() != here:
            type(stdout).flush(stdout)

    # `reconfigure` begins with `self.flush()`, and nothing else turns line-buffering off
    attributes = vars(stdout)
    if attributes.setdefault("flush", flush) is not flush:
        return  # another driver's end does the same just now
    try:
        with contextlib.suppress(ValueError):  # it was detached from its buffer
            stdout.reconfigure(line_buffering=False)
    finally:
        del attributes["flush"]
