"""Start-up figures: the import, the wheel, the embedded cluster, the first registration there."""

from __future__ import annotations

import pathlib
import statistics
import subprocess
import sys
import threading
import time
from collections.abc import Iterator

import mesos
from timing import show

ROOT = pathlib.Path(__file__).parents[1]


class Registered(mesos.Scheduler):
    """Notes when it was registered."""

    def __init__(self) -> None:
        self.event = threading.Event()
        self.at = 0.0

    def registered(self, driver: object, framework_id: object, master_info: object) -> None:
        self.at = time.perf_counter()
        self.event.set()

    def resource_offers(self, driver: object, offers: object) -> None:
        """Keep them: the driver stops at once, and with it they go back."""


def registration(master: object) -> float:
    """Seconds from `start()` to the `registered` callback."""
    scheduler = Registered()
    framework = {"name": "bench", "failover_timeout": 60}
    driver = mesos.SchedulerDriver(scheduler, framework, master, dispatcher="thread")
    started = time.perf_counter()
    driver.start()
    if not scheduler.event.wait(30):
        raise SystemExit(f"no registration with {master}")
    driver.stop()
    driver.join()
    return scheduler.at - started


def interpreter(code: str) -> float:
    """Median seconds of a fresh interpreter that runs `code`."""
    times = []
    for _ in range(15):
        started = time.perf_counter()
        subprocess.run([sys.executable, "-I", "-c", code], check=True)
        times.append(time.perf_counter() - started)
    return statistics.median(times)


def rows() -> Iterator[tuple[str, str, str]]:
    """Each figure, with what this project allows itself."""
    yield (
        "import mesos, over a bare interpreter",
        show(interpreter("import mesos") - interpreter("pass")),
        "≤ 50 ms",
    )
    wheels = sorted((ROOT / "dist").glob("*.whl"))
    if wheels:
        yield "wheel", f"{wheels[-1].stat().st_size / 1e6:.1f} MB", "≤ 12 MB"
    ups = []
    for _ in range(20):
        started = time.perf_counter()
        with mesos.LocalCluster():
            ups.append(time.perf_counter() - started)
    yield "embedded cluster up", show(statistics.median(ups)), "≤ 100 ms, median of 20"
    with mesos.LocalCluster() as cluster:
        took = statistics.median(registration(cluster) for _ in range(20))
    yield "start() to registered, embedded", show(took), "≤ 15 ms, median of 20"
