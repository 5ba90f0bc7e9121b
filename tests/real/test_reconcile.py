"""`reconcile="auto"` on a real Apache Mesos: what was said while nobody listened is heard."""

from __future__ import annotations

from pathlib import Path

import mesos

from .cluster import RealCluster, wait_until
from .relay import Relay
from .schedulers import Notes, run_until
from .setup import RealMesos

FRAMEWORK = {"name": "reconciles", "failover_timeout": 60, "capabilities": [{"type": "PARTITION_AWARE"}]}


def test_an_update_missed_while_away_is_heard(real_mesos: RealMesos, tmp_path: Path) -> None:
    """Mesos says only once that the operator took an agent away: no agent is left to say it again."""
    notes = Notes({"there": "sleep 1000"}, lambda driver, status: None)
    with (
        RealCluster(real_mesos, tmp_path) as cluster,
        Relay(cluster.master) as relay,
        mesos.SchedulerDriver(notes, FRAMEWORK, relay.address, dispatcher="poll", reconcile="auto") as driver,
    ):
        run_until(driver, lambda: "TASK_RUNNING" in notes.states["there"])
        relay.cut()
        run_until(driver, lambda: "disconnected" in notes.calls)
        master = cluster.master_daemon
        master.call("MARK_AGENT_GONE", agent_id={"value": notes.updates[-1].agent_id.value})
        wait_until(lambda: not master.call("GET_AGENTS").get("agents"), lambda: "the agent is still there")
        relay.mend()
        run_until(driver, lambda: "TASK_GONE_BY_OPERATOR" in notes.states["there"])
        assert notes.calls == ["registered", "disconnected", "reregistered"]
        assert notes.updates[-1].reason == mesos.TaskStatus.REASON_RECONCILIATION


def test_a_framework_that_comes_back_hears_of_all_its_tasks(real_mesos: RealMesos, tmp_path: Path) -> None:
    """A new process knows nothing but its framework's id."""
    with RealCluster(real_mesos, tmp_path) as cluster:
        first = Notes({"one": "sleep 1000", "two": "sleep 1000"}, lambda driver, status: None)
        driver = mesos.SchedulerDriver(first, FRAMEWORK, cluster.master, dispatcher="poll")
        driver.start()
        run_until(driver, lambda: all("TASK_RUNNING" in states for states in first.states.values()))
        driver.stop(failover=True)
        driver.join()
        second = Notes(react=lambda driver, status: None)
        again = {**FRAMEWORK, "id": driver.framework_id}
        driver = mesos.SchedulerDriver(second, again, cluster.master, dispatcher="poll", reconcile="auto")
        with driver:
            run_until(driver, lambda: len(second.states) == 2)
            assert second.states == {"one": ["TASK_RUNNING"], "two": ["TASK_RUNNING"]}
            driver.stop()
