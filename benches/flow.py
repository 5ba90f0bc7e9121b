"""Many short tasks through one executor on the embedded cluster: updates a second, what each costs, memory.

Each task is two updates, from the executor over agent and master to the scheduler, and two acknowledgements
back. A run is a fresh interpreter with scheduler, master and agent, and one with the executor; it reports as
JSON. Processor time is that of both, and hardly minds what else the machine does; the rate does.

    python benches/flow.py TASKS implicit|explicit      # one run by itself, for a profiler
"""

from __future__ import annotations

import json
import os
import resource
import shlex
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import mesos
from timing import show

TASKS = 10_000
#: So many run at a time; there is always an offer on its way for the next.
AT_ONCE = 1000
ROUNDS = 3
NEED = mesos.Resources(cpus=0.01, mem=1)
TICKS = os.sysconf("SC_CLK_TCK")
MODULE = """
import mesos

class Worker(mesos.Executor):
    def launch_task(self, driver, task):
        driver.send_status_update({"task_id": task.task_id, "state": "TASK_RUNNING"})
        driver.send_status_update({"task_id": task.task_id, "state": "TASK_FINISHED"})
"""


def rows() -> Iterator[tuple[str, str, str]]:
    """Rate, processor time and memory, whoever acknowledges: the driver, or the handler itself."""
    for kind in ("implicit", "explicit"):
        runs = [once(kind) for _ in range(ROUNDS)]
        rate, ours, theirs = (
            statistics.median(run[name] for run in runs) for name in ("rate", "ours", "theirs")
        )
        yield (
            f"updates/s, {TASKS} tasks, {kind} acknowledgements",
            f"{rate / 1000:.1f} k",
            "≥ 10 k on an idle machine",
        )
        parts = f"scheduler, master and agent {show(ours)}, executor {show(theirs)}; a task is two"
        yield "… processor time of an update", show(ours + theirs), parts
    own, other = ([f"{size / 1e6:.0f}" for size in runs[0][name]] for name in ("memory", "executor_memory"))
    yield (
        "… memory at the start, middle, end, MB",
        ", ".join(own),
        f"of the executor {', '.join(other)}; flat",
    )


def once(kind: str) -> dict[str, Any]:
    """What a run reports."""
    command = [sys.executable, __file__, str(TASKS), kind]
    report: dict[str, Any] = json.loads(
        subprocess.run(command, check=True, capture_output=True, text=True).stdout
    )
    return report


class Flow(mesos.Scheduler):
    """Fills every offer with tasks until all have run, and measures from the first update to the last."""

    def __init__(self, tasks: int, command: str, acknowledge: bool) -> None:
        self.executor = mesos.ExecutorInfo(executor_id="flow", resources=NEED, command={"value": command})
        self.acknowledge = acknowledge
        self.left = tasks
        self.updates = 2 * tasks
        self.seen = 0
        self.marks: list[tuple[float, float, float, int, int]] = []

    def resource_offers(self, driver: mesos.SchedulerDriver, offers: list[mesos.Offer]) -> None:
        for offer in offers:
            room = min(self.left, int(offer.scalars()["cpus"] / NEED.cpus + 0.5) - 1)
            tasks = [self.task(self.left - at) for at in range(room)]
            self.left -= room
            driver.launch_tasks(offer, tasks, {"refuse_seconds": 0})

    def task(self, number: int) -> mesos.TaskInfo:
        """One of many."""
        return mesos.TaskInfo(task_id=f"task-{number}", name="flow", resources=NEED, executor=self.executor)

    def status_update(self, driver: mesos.SchedulerDriver, status: mesos.TaskStatus) -> None:
        if self.acknowledge:
            driver.acknowledge_status_update(status)
        self.seen += 1
        if self.seen in (1, self.updates // 2, self.updates):
            self.marks.append(mark(status.container_status.executor_pid))
        if self.seen == self.updates:
            driver.stop()

    def report(self) -> dict[str, Any]:
        """What `rows` shows: times in seconds for each update, memory in bytes at each mark."""
        began, ours, theirs, *_ = (
            last - first for first, last in zip(self.marks[0], self.marks[-1], strict=True)
        )
        return {
            "rate": self.updates / began,
            "ours": ours / self.updates,
            "theirs": theirs / self.updates,
            "memory": [mark[3] for mark in self.marks],
            "executor_memory": [mark[4] for mark in self.marks],
        }


def mark(executor: int) -> tuple[float, float, float, int, int]:
    """The time, processor time of this process and the executor's, resident memory of both."""
    fields = Path(f"/proc/{executor}/stat").read_text().rpartition(")")[2].split()
    theirs = (int(fields[11]) + int(fields[12])) / TICKS
    return time.perf_counter(), time.process_time(), theirs, resident("self"), resident(executor)


def resident(process: int | str) -> int:
    """Bytes of a process that are in memory."""
    return int(Path(f"/proc/{process}/statm").read_text().split()[1]) * resource.getpagesize()


def main(tasks: str, kind: str) -> None:
    """One run; prints the report."""
    scheduler_acknowledges = kind == "explicit"
    room = f"cpus:{NEED.cpus * (AT_ONCE + 1)};mem:{AT_ONCE + 1}"
    with tempfile.TemporaryDirectory() as directory, mesos.LocalCluster(resources=room) as cluster:
        Path(directory, "worker.py").write_text(MODULE)
        line = shlex.join([sys.executable, "-m", "mesos.executor", "worker:Worker"])
        flow = Flow(int(tasks), f"cd {directory} && exec {line}", scheduler_acknowledges)
        framework = {"name": "flow", "failover_timeout": 60}
        mesos.SchedulerDriver(
            flow, framework, cluster, implicit_acknowledgements=not scheduler_acknowledges
        ).run()
    print(json.dumps(flow.report()))


if __name__ == "__main__":
    main(*sys.argv[1:])
