"""pymesos, unmodified, and our driver on the same real cluster: the same tasks see the same updates."""

from __future__ import annotations

from . import load
from .cluster import RealCluster
from .schedulers import scripted_executor
from .setup import RealMesos

TASKS = 100


def test_the_same_tasks_and_the_same_updates(real_mesos: RealMesos, real_cluster: RealCluster) -> None:
    executor = scripted_executor(real_mesos)
    theirs = load.run("load_pymesos", real_cluster.master, TASKS, executor)
    ours = load.run("load", real_cluster.master, TASKS, executor)
    for left in (theirs, ours):
        real_cluster.master_daemon.call("TEARDOWN", framework_id={"value": left.framework_id})
    assert len(ours.states) == TASKS
    assert ours.states == theirs.states
