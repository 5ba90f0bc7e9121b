"""`make bench`: what mesos costs, in one table.

Machines are noisy, so nothing here is a pass mark. Comparisons are paired: both sides are timed in turn in
one process, and the table shows the median of the ratios of each pair. Times are medians.

    python benches/bench.py [messages] [footprint] [events] [executors] [flow] [figures] [drivers] [real]
"""

from __future__ import annotations

import platform
import sys
from collections.abc import Iterator

import drivers
import events
import executors
import figures
import flow
import footprint
import messages
import real

SECTIONS = {
    "messages": messages.rows,
    "footprint": footprint.rows,
    "events": events.rows,
    "executors": executors.rows,
    "flow": flow.rows,
    "figures": figures.rows,
    "drivers": drivers.rows,
    "real": real.rows,
}


def main(names: list[str]) -> None:
    """Prints the sections asked for, or all of them, row by row as they are measured."""
    print(f"{platform.python_implementation()} {platform.python_version()} on {platform.machine()}\n")
    for name in names or SECTIONS:
        table(name, SECTIONS[name]())


def table(title: str, rows: Iterator[tuple[str, str, str]]) -> None:
    """One section: what was measured, the figure, and what it compares with."""
    print(f"{title:<52}{'figure':>14}   note")
    for what, figure, note in rows:
        print(f"  {what:<50}{figure:>14}   {note}", flush=True)
    print()


if __name__ == "__main__":
    main(sys.argv[1:])
