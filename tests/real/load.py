"""A scheduler as a program that runs many small tasks: `python -m tests.real.load MASTER TASKS EXECUTOR`.

It is one of several that do the same (load_pymesos.py, load_libmesos.py): tasks on one custom executor,
which reports RUNNING and FINISHED for each, IN_FLIGHT of them at a time. On stdout it leaves a `Report` as
JSON, and at the master a framework that waits for another scheduler.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import mesos

ROOT = Path(__file__).resolve().parents[2]
#: More at once would be quadratic in the agent.
IN_FLIGHT = 128
AMOUNTS = {"cpus": 0.01, "mem": 1.0}  # of a task, and of the executor
RESOURCES = [
    {"name": name, "type": "SCALAR", "scalar": {"value": amount}} for name, amount in AMOUNTS.items()
]
STATES = ("TASK_RUNNING", "TASK_FINISHED")
#: What is left of an offer comes again with the next allocation.
AGAIN = {"refuse_seconds": 0.01}
FRAMEWORK = {"name": "load", "user": "nobody", "failover_timeout": 600.0}


@dataclass(frozen=True)
class Report:
    """What happened, task by task, and what it cost."""

    framework_id: str
    states: dict[str, list[str]]  # of each task, in order; what Mesos sent twice counts once
    updates: int  # with those that were sent twice
    cost: float  # processor seconds of the process for each update, from the first one to the last


class Work:
    """The tasks to run and what became of them: the same for either driver."""

    def __init__(self, tasks: int) -> None:
        self.left = tasks
        self.open = 0
        self.states: dict[str, list[str]] = {}
        self.updates = 0
        self._uuids: set[object] = set()
        self._began = self._last = 0.0

    @property
    def over(self) -> bool:
        return self.left == self.open == 0

    def batch(self, offered: Mapping[str, float]) -> list[str]:
        """Return the names of tasks to launch with an offer of so much of each resource.

        That is one task at first, as its executor has to start.
        """
        if not self.states and self.open:
            return []
        limit = IN_FLIGHT - self.open if self.states else 1
        size = max(0, min(self.left, limit, room(offered)))
        names = [f"task{self.left - at}" for at in range(size)]
        self.left -= size
        self.open += size
        return names

    def note(self, task: str, state: str, uuid: object) -> None:
        """Note an update; raises ValueError if the task did not go as it should."""
        if state not in STATES:
            raise ValueError(f"{task} is {state}")
        now = time.process_time()
        self._began = self._began or now
        self._last = now
        self.updates += 1
        if uuid not in self._uuids:
            self._uuids.add(uuid)
            self.states.setdefault(task, []).append(state)
            self.open -= state == "TASK_FINISHED"

    def report(self, framework_id: str) -> str:
        """Return the report as JSON."""
        cost = (self._last - self._began) / (self.updates - 1)
        return json.dumps(asdict(Report(framework_id, self.states, self.updates, cost)))


def room(offered: Mapping[str, float]) -> int:
    """Tell for how many tasks that is enough, of which one may come with the executor."""
    return min(int(offered.get(name, 0) / amount + 0.5) for name, amount in AMOUNTS.items()) - 1


def info(task: str, agent_id: Any, executor: Mapping[str, Any]) -> dict[str, Any]:
    """Return a TaskInfo for either driver."""
    return {
        "task_id": {"value": task},
        "name": task,
        "agent_id": agent_id,
        "resources": RESOURCES,
        "executor": executor,
    }


def executor_info(command: str, framework_id: str) -> dict[str, Any]:
    """Return the ExecutorInfo for either driver."""
    return {
        "executor_id": {"value": "load"},
        "framework_id": {"value": framework_id},
        "command": {"value": command},
        "resources": RESOURCES,
    }


class Load(mesos.Scheduler):
    """Ends with the first offer after the end of its last task: everything is acknowledged by then."""

    def __init__(self, tasks: int, command: str) -> None:
        self.work = Work(tasks)
        self.command = command

    def resource_offers(self, driver: mesos.SchedulerDriver, offers: list[mesos.Offer]) -> None:
        if self.work.over:
            driver.stop(failover=True)
            return
        executor = executor_info(self.command, driver.framework_id.value)
        for offer in offers:
            offered = {resource.name: resource.scalar.value for resource in offer.resources}
            tasks = [info(name, offer.agent_id, executor) for name in self.work.batch(offered)]
            driver.launch_tasks(offer, tasks, AGAIN)

    def status_update(self, driver: mesos.SchedulerDriver, status: mesos.TaskStatus) -> None:
        self.work.note(status.task_id.value, status.state.name, status.uuid)


def main(master: str, tasks: str, command: str, backend: str = "http") -> None:
    """Run to the end and print the report."""
    load = Load(int(tasks), command)
    driver = mesos.SchedulerDriver(load, FRAMEWORK, master, backend=backend)
    driver.run()
    print(load.work.report(driver.framework_id.value))


def run(
    module: str, master: str, tasks: int, command: str, settings: Mapping[str, str] | None = None
) -> Report:
    """Run `main` of this module or its like in a process of its own, with settings in its environment."""
    line = [sys.executable, "-m", f"tests.real.{module}", master, str(tasks), command]
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parent / "stand_ins"), **(settings or {})}
    done = subprocess.run(line, cwd=ROOT, env=environment, stdout=subprocess.PIPE, text=True, check=True)
    return Report(**json.loads(done.stdout))


if __name__ == "__main__":
    main(*sys.argv[1:])
