"""What the tests of the driver on a real Mesos have in common: a scheduler that notes all it is told."""

from __future__ import annotations

import asyncio
import shlex
from collections.abc import Callable, Iterable
from typing import Any

import mesos

from .cluster import RealCluster
from .setup import RealMesos, base_python

TIMEOUT = 30.0  # seconds that a driver gets to do what its scheduler wants
DISPATCHERS = ("asyncio", "thread", "poll")
AMOUNTS = {"cpus": 0.1, "mem": 32, "disk": 1}
SMALL = [{"name": name, "type": "SCALAR", "scalar": amount} for name, amount in AMOUNTS.items()]
NORMAL = ["TASK_STARTING", "TASK_RUNNING", "TASK_FINISHED"]

Reaction = Callable[[mesos.SchedulerDriver, mesos.TaskStatus], None]


class Notes(mesos.Scheduler):
    """Launches tasks (id -> shell command) on the first offers and stops when all have ended.

    `react` gets each status update after it was noted.
    """

    def __init__(self, tasks: dict[str, str] | None = None, react: Reaction | None = None) -> None:
        self.waiting = dict(tasks or {})
        self.react = react
        self.calls: list[str] = []  # names of the methods called, in order, but for offers and updates
        self.states: dict[str, list[str]] = {name: [] for name in self.waiting}
        self.updates: list[mesos.TaskStatus] = []
        self.messages: list[tuple[str, bytes]] = []  # by executor
        self.lost: list[tuple[str, int]] = []
        self.errors: list[str] = []

    def registered(
        self, driver: mesos.SchedulerDriver, framework_id: mesos.FrameworkID, master_info: mesos.MasterInfo
    ) -> None:
        self.calls.append("registered")

    def reregistered(self, driver: mesos.SchedulerDriver, master_info: mesos.MasterInfo) -> None:
        self.calls.append("reregistered")

    def disconnected(self, driver: mesos.SchedulerDriver) -> None:
        self.calls.append("disconnected")

    def resource_offers(self, driver: mesos.SchedulerDriver, offers: list[mesos.Offer]) -> None:
        for offer in offers:
            tasks = [task(name, command) for name, command in self.waiting.items()]
            self.waiting.clear()
            driver.launch_tasks(offer, tasks)

    def status_update(self, driver: mesos.SchedulerDriver, status: mesos.TaskStatus) -> None:
        states = self.states.setdefault(status.task_id.value, [])
        if status.state.name not in states:  # an agent under load may send an update twice
            states.append(status.state.name)
        self.updates.append(status)
        if self.react is not None:
            self.react(driver, status)
        elif all(states and mesos.TaskState[states[-1]].is_terminal for states in self.states.values()):
            driver.stop()

    def framework_message(
        self,
        driver: mesos.SchedulerDriver,
        executor_id: mesos.ExecutorID,
        agent_id: mesos.AgentID,
        data: bytes,
    ) -> None:
        assert agent_id == self.updates[-1].agent_id
        self.messages.append((executor_id.value, data))

    def executor_lost(
        self,
        driver: mesos.SchedulerDriver,
        executor_id: mesos.ExecutorID,
        agent_id: mesos.AgentID,
        status: int,
    ) -> None:
        self.lost.append((executor_id.value, status))

    def error(self, driver: mesos.SchedulerDriver, message: str) -> None:
        self.errors.append(message)
        super().error(driver, message)


def task(name: str, command: str) -> mesos.TaskInfo:
    """Return a small command task; its agent is filled in from the offer."""
    return mesos.TaskInfo(task_id=name, name=name, command={"value": command}, resources=SMALL)


def scripted_executor(installed: RealMesos) -> str:
    """Return the command of an executor whose tasks report the states that their data names."""
    return shlex.join(["exec", base_python(), "-ES", str(installed.libexec / "scripted_executor.py")])


def drive(driver: mesos.SchedulerDriver, dispatcher: str = "poll") -> mesos.Status:
    """Run a driver to its end in the way of its dispatcher."""
    if dispatcher == "asyncio":
        return asyncio.run(_drive_in_loop(driver))
    if dispatcher == "thread":
        driver.start()
        return driver.join(TIMEOUT)
    return driver.run()


async def _drive_in_loop(driver: mesos.SchedulerDriver) -> mesos.Status:
    driver.start()
    return await driver.wait(TIMEOUT)


def run_until(driver: mesos.SchedulerDriver, condition: Callable[[], Any]) -> None:
    """Handle a started driver's events here until the condition holds."""
    while not condition():
        assert driver.run_once(TIMEOUT), f"no event within {TIMEOUT} s; status {driver.status!r}"


def frameworks(cluster: RealCluster, *lists: str) -> set[str]:
    """Return the ids of frameworks that the master knows of, like those in `completed_frameworks`."""
    answer = cluster.master_daemon.call("GET_FRAMEWORKS")
    found: Iterable[Any] = (entry for name in lists for entry in answer.get(name, []))
    return {entry["framework_info"]["id"]["value"] for entry in found}
