"""A scheduler and a custom executor on a real Mesos: messages both ways, kills, and the executor's end."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import mesos
import pytest

from .cluster import RealCluster
from .schedulers import SMALL, Notes, run_until, scripted_executor
from .setup import RealMesos


class Executor(Notes):
    """Launches one task on a custom executor, which reports RUNNING and stays."""

    def __init__(self, command: str) -> None:
        super().__init__({"stays": ""}, react=lambda driver, status: None)
        self.command = command

    def resource_offers(self, driver: mesos.SchedulerDriver, offers: list[mesos.Offer]) -> None:
        tasks: list[dict[str, Any]] = [
            {
                "task_id": name,
                "name": name,
                "resources": SMALL,
                "data": b"TASK_RUNNING",
                "executor": {
                    "executor_id": "talks",
                    "framework_id": driver.framework_id,
                    "command": {"value": self.command},
                    "resources": SMALL,
                },
            }
            for name in self.waiting
        ]
        self.waiting.clear()
        driver.launch_tasks(offers[0], tasks)


@pytest.fixture
def running(
    real_mesos: RealMesos, real_cluster: RealCluster
) -> Iterator[tuple[mesos.SchedulerDriver, Executor]]:
    """Run a driver whose task runs."""
    executor = Executor(scripted_executor(real_mesos))
    with mesos.SchedulerDriver(executor, "executors", real_cluster.master, dispatcher="poll") as driver:
        run_until(driver, lambda: executor.states["stays"] == ["TASK_RUNNING"])
        yield driver, executor


def test_messages_come_back_as_they_went(running: tuple[mesos.SchedulerDriver, Executor]) -> None:
    driver, executor = running
    sent = [b"", b"\0\xff\n", bytes(range(256)) * 256]
    for number, data in enumerate(sent, 1):
        driver.send_framework_message("talks", executor.updates[-1].agent_id, data)
        # one at a time: Mesos promises no order of messages
        run_until(driver, lambda number=number: len(executor.messages) == number)  # type: ignore[misc]
    assert executor.messages == [("talks", data) for data in sent]


def test_a_kill_goes_to_the_executor(running: tuple[mesos.SchedulerDriver, Executor]) -> None:
    driver, executor = running
    driver.kill_task("stays")
    run_until(driver, lambda: len(executor.states["stays"]) == 2)
    update = executor.updates[-1]
    assert (update.state, update.source) == (mesos.TASK_KILLED, mesos.TaskStatus.SOURCE_EXECUTOR)


def test_the_end_of_an_executor_ends_its_tasks(running: tuple[mesos.SchedulerDriver, Executor]) -> None:
    driver, executor = running
    driver.shutdown_executor("talks", executor.updates[-1].agent_id)
    run_until(driver, lambda: executor.lost and len(executor.states["stays"]) == 2)
    assert executor.lost == [("talks", 0)]
    update = executor.updates[-1]
    assert (update.state, update.source) == (mesos.TASK_FAILED, mesos.TaskStatus.SOURCE_AGENT)
