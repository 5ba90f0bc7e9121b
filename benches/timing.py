"""How the benches measure: medians, and paired ratios."""

from __future__ import annotations

import gc
import statistics
import time
from collections.abc import Callable


def per_call(function: Callable[[], object], seconds: float = 0.02) -> float:
    """Seconds per call, over as many calls as fit in `seconds` of this thread's CPU time."""
    calls = 1
    while True:
        started = time.thread_time()
        for _ in range(calls):
            function()
        took = time.thread_time() - started
        if took >= seconds / 2:
            return took / calls
        calls = max(calls * 2, int(calls * seconds / max(took, 1e-6)))


def paired(ours: Callable[[], object], theirs: Callable[[], object], rounds: int = 9) -> tuple[float, float]:
    """Our median seconds per call, and the median of theirs ÷ ours over `rounds` pairs."""
    gc.collect()
    pairs = [(per_call(ours), per_call(theirs)) for _ in range(rounds)]
    return statistics.median(a for a, _ in pairs), statistics.median(b / a for a, b in pairs)


def show(seconds: float) -> str:
    """A time with a unit that fits."""
    for unit, size in (("s", 1.0), ("ms", 1e-3), ("µs", 1e-6)):
        if seconds >= size:
            return f"{seconds / size:.3g} {unit}"
    return f"{seconds / 1e-9:.3g} ns"
