"""2,000 tasks through one custom executor of a real Mesos: every update arrives and is acknowledged."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from . import load
from .cluster import RealCluster, wait_until
from .schedulers import scripted_executor
from .setup import RealMesos

TASKS = 2000
ENDED = ["TASK_RUNNING", "TASK_FINISHED"]


@pytest.fixture
def cluster(real_mesos: RealMesos, tmp_path: Path) -> Iterator[RealCluster]:
    flags = {"max_completed_tasks_per_framework": str(TASKS)}
    with RealCluster(real_mesos, tmp_path, master_flags=flags) as cluster:
        yield cluster


def waited_for(cluster: RealCluster) -> list[object]:
    """Return the tasks with updates whose acknowledgement the agent has not got."""
    known = cluster.agents[0].call("GET_TASKS")
    return [*known["launched_tasks"], *known["terminated_tasks"]]


@pytest.mark.timeout(240)
def test_every_update_is_acknowledged(real_mesos: RealMesos, cluster: RealCluster) -> None:
    report = load.run("load", cluster.master, TASKS, scripted_executor(real_mesos))
    assert len(report.states) == TASKS
    assert [states for states in report.states.values() if states != ENDED] == []

    tasks = cluster.master_daemon.call("GET_TASKS")
    assert (
        tasks["tasks"] == []
    )  # one that has ended is still among them until its last update is acknowledged
    assert {task["task_id"]["value"] for task in tasks["completed_tasks"]} == report.states.keys()
    assert {task["status_update_state"] for task in tasks["completed_tasks"]} == {"TASK_FINISHED"}
    wait_until(lambda: not waited_for(cluster), lambda: f"the agent waits for {len(waited_for(cluster))}")

    counted = cluster.master_daemon.call("GET_METRICS")["metrics"]
    metrics = {metric["name"]: metric.get("value") for metric in counted}
    assert metrics["master/messages_status_update_acknowledgement"] == report.updates
