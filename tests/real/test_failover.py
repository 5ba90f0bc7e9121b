"""Three real masters on a real ZooKeeper, of which the leading one is killed while tasks come and go."""

from __future__ import annotations

import time
from collections import Counter
from pathlib import Path

import mesos
import pytest

from .backends import Connect
from .cluster import RealCluster, wait_until
from .schedulers import TIMEOUT, run_until, task
from .setup import RealMesos
from .zookeeper import ZooKeeper, unsupported

TASKS = 60
IN_FLIGHT = 8
ELECTED_TO_REREGISTERED = 15.0  # seconds


class Load(mesos.Scheduler):
    """Runs TASKS tasks, IN_FLIGHT at a time; one that is lost is launched again under another name.

    What a master took with it is found out by reconciliation, once the agent has registered with the next
    one: its first offers tell.
    """

    def __init__(self) -> None:
        self.calls: list[str] = []
        self.names = [f"task{number}" for number in range(TASKS)]
        self.open: dict[str, str] = {}  # task id -> last state
        self.ended: dict[str, list[tuple[bytes, str]]] = {}  # task id -> uuid and state of what ended it
        self.reregistered_at = 0.0
        self.unsure = False

    @property
    def finished(self) -> int:
        return sum(any(state == "TASK_FINISHED" for _, state in ends) for ends in self.ended.values())

    def registered(self, driver: mesos.SchedulerDriver, *_: object) -> None:
        self.calls.append("registered")

    def disconnected(self, driver: mesos.SchedulerDriver) -> None:
        self.calls.append("disconnected")

    def reregistered(self, driver: mesos.SchedulerDriver, *_: object) -> None:
        self.calls.append("reregistered")
        self.reregistered_at = time.monotonic()
        self.unsure = True

    def resource_offers(self, driver: mesos.SchedulerDriver, offers: list[mesos.Offer]) -> None:
        if self.unsure:
            self.unsure = False
            driver.reconcile_tasks([{"task_id": name, "state": now} for name, now in self.open.items()])
        for offer in offers:
            batch = [self.names.pop() for _ in range(min(len(self.names), IN_FLIGHT - len(self.open)))]
            self.open |= dict.fromkeys(batch, "TASK_STAGING")
            driver.launch_tasks(offer, [task(name, "sleep 0.2") for name in batch], {"refuse_seconds": 0.1})

    def status_update(self, driver: mesos.SchedulerDriver, status: mesos.TaskStatus) -> None:
        name, state = status.task_id.value, status.state.name
        if not status.state.is_terminal:
            if name not in self.ended:
                self.open[name] = state
            return
        if self.open.pop(name, None) is not None and state != "TASK_FINISHED":
            self.names.append(f"{name}-again")
        self.ended.setdefault(name, []).append((status.uuid, state))


@pytest.mark.timeout(180)
def test_the_leader_is_killed_under_load_and_nothing_is_lost(
    connect: Connect, real_mesos: RealMesos, tmp_path: Path
) -> None:
    if reason := unsupported():
        pytest.skip(reason)
    with (
        ZooKeeper(tmp_path / "zk", servers=3) as zookeeper,
        RealCluster(real_mesos, tmp_path, masters=3, zookeeper=zookeeper.url()) as cluster,
    ):
        load = Load()
        framework = {"name": "load", "failover_timeout": 600}
        driver = connect(load, framework, cluster.master, dispatcher="poll")
        driver.start()
        run_until(driver, lambda: load.finished >= TASKS // 3)
        framework_id = driver.framework_id
        killed = cluster.master_daemon
        killed.kill9()
        wait_for_another(cluster)
        elected_at = time.monotonic()
        run_until(driver, lambda: "reregistered" in load.calls)
        assert load.reregistered_at - elected_at < ELECTED_TO_REREGISTERED
        killed.start()  # where it was; it stands for election again, behind the others
        run_until(driver, lambda: load.finished == TASKS)
        assert load.calls == ["registered", "disconnected", "reregistered"]
        assert driver.framework_id == framework_id
        assert driver.stats.reconnects == 1
        assert_each_ended_once(load)
        driver.stop()
        assert driver.join(TIMEOUT) == mesos.DRIVER_STOPPED


def wait_for_another(cluster: RealCluster) -> None:
    """Return when one of the masters that are left was elected."""
    wait_until(lambda: any(master.leads() for master in cluster.masters), lambda: "no election")


def assert_each_ended_once(load: Load) -> None:
    """What Mesos resends has the uuid that it had before; what is lost was never seen to finish."""
    for name, ends in load.ended.items():
        assert Counter(state for uuid, state in set(ends) if uuid)["TASK_FINISHED"] <= 1, (name, ends)
        assert len({state for _, state in ends}) == 1, (name, ends)
    assert len(load.ended) >= TASKS
    assert not load.open
