"""Both halves of a framework on the embedded cluster: many tasks, and agents that go and come under them.

Each test runs over TCP and over a Unix domain socket, with tokens and without.
"""

from __future__ import annotations

import os
import shlex
import sys
import textwrap
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import mesos
import pytest
from recorder import PATIENCE

TASKS = 50
MANY = 10_000
NEED = mesos.Resources(cpus=0.01, mem=1)
WORKER = """
    import os
    import threading
    import mesos

    class Worker(mesos.Executor):
        def launch_task(self, driver, task):
            driver.send_status_update({"task_id": task.task_id, "state": "TASK_RUNNING"})
            if task.data:
                threading.Thread(target=self.read, args=[driver, task]).start()
            else:
                self.finish(driver, task)

        def read(self, driver, task):
            with open(task.data, "rb", buffering=0) as fifo:
                fifo.read(1)
            self.finish(driver, task)

        def finish(self, driver, task):
            driver.send_status_update(
                {"task_id": task.task_id, "state": "TASK_FINISHED", "message": str(os.getpid())})
"""


@pytest.fixture(params=["tcp", "token", "socket", "socket and token"])
def cluster(request: pytest.FixtureRequest) -> Iterator[mesos.LocalCluster]:
    """A cluster whose executors reach their agent in one of these ways."""
    with mesos.LocalCluster(
        authenticate_executors="token" in request.param, domain_sockets="socket" in request.param
    ) as cluster:
        yield cluster


class Boss(mesos.Scheduler):
    """Launches tasks (id -> their data) on one executor, as far as offers go, and notes their states."""

    def __init__(self, directory: Path, tasks: dict[str, bytes]) -> None:
        (directory / "worker.py").write_text(textwrap.dedent(WORKER))
        command = shlex.join([sys.executable, "-m", "mesos.executor", "worker:Worker"])
        self.executor = mesos.ExecutorInfo(
            executor_id="worker",
            resources=NEED,
            command={"value": f"cd {shlex.quote(str(directory))} && exec {command}"},
        )
        self.waiting = list(tasks.items())
        self.states: dict[str, list[str]] = {name: [] for name in tasks}
        self.processes: set[str] = set()
        self.uuids: list[bytes] = []
        self.lost = 0

    def resource_offers(self, driver: mesos.SchedulerDriver, offers: list[mesos.Offer]) -> None:
        for offer in offers:
            left = mesos.Resources(offer.resources) - NEED
            tasks = []
            while self.waiting and NEED in left:
                left -= NEED
                name, data = self.waiting.pop()
                tasks.append(
                    mesos.TaskInfo(task_id=name, name=name, data=data, resources=NEED, executor=self.executor)
                )
            driver.launch_tasks(offer, tasks)

    def status_update(self, driver: mesos.SchedulerDriver, status: mesos.TaskStatus) -> None:
        self.uuids.append(status.uuid)
        states = self.states[status.task_id.value]
        if status.state.name not in states[-1:]:  # what was not acknowledged comes again with the agent
            states.append(status.state.name)
        if status.message:
            self.processes.add(status.message)

    def executor_lost(self, *_: Any) -> None:
        self.lost += 1

    def all_are(self, *states: str, of: list[str] | None = None) -> bool:
        return all(self.states[name] == list(states) for name in of or self.states)


def start(boss: Boss, cluster: mesos.LocalCluster, **fields: Any) -> mesos.SchedulerDriver:
    framework = {"name": "test", "failover_timeout": 60.0, **fields}
    driver = mesos.SchedulerDriver(boss, framework, cluster, dispatcher="poll")  # type: ignore[arg-type]
    driver.start()
    return driver


def run_until(driver: mesos.SchedulerDriver, condition: Callable[[], bool]) -> None:
    while not condition():
        assert driver.run_once(PATIENCE)


@pytest.mark.timeout(240)  # a debug build on a busy machine
def test_of_many_tasks_nothing_is_lost_and_nothing_comes_twice(
    cluster: mesos.LocalCluster, tmp_path: Path
) -> None:
    boss = Boss(tmp_path, dict.fromkeys((f"task-{number}" for number in range(MANY)), b""))
    driver = start(boss, cluster)
    run_until(driver, lambda: len(boss.uuids) >= 2 * MANY)
    assert boss.all_are("TASK_RUNNING", "TASK_FINISHED")
    assert len(set(boss.uuids)) == len(boss.uuids) == driver.stats.acknowledgements
    assert (len(boss.processes), boss.lost) == (1, 0)
    # the agent has nothing left to say: what it knows is what the master was told the acknowledgement of
    driver.reconcile_tasks([])
    driver.reconcile_tasks([{"task_id": "task-0", "state": "TASK_RUNNING"}])
    run_until(driver, lambda: len(boss.uuids) > 2 * MANY)
    assert boss.uuids[2 * MANY :] == [b""], "no task is known any more but the one that was asked for"
    driver.stop()
    driver.join(PATIENCE)


def test_an_executor_survives_its_agent(cluster: mesos.LocalCluster, tmp_path: Path) -> None:
    fifos = {f"task-{number}": tmp_path / f"fifo-{number}" for number in range(TASKS)}
    for fifo in fifos.values():
        os.mkfifo(fifo)
    early, late = list(fifos)[: TASKS // 2], list(fifos)[TASKS // 2 :]
    boss = Boss(tmp_path, {name: str(fifo).encode() for name, fifo in fifos.items()})
    driver = start(boss, cluster, checkpoint=True)
    run_until(driver, lambda: boss.all_are("TASK_RUNNING"))
    cluster.agents[0].stop()
    for name in early:
        fifos[name].write_bytes(b"x")  # waits for the reader: the executor's thread is alive
    cluster.agents[0].start()
    run_until(driver, lambda: boss.all_are("TASK_RUNNING", "TASK_FINISHED", of=early))
    assert boss.all_are("TASK_RUNNING", of=late)
    cluster.agents[0].restart()
    for name in late:
        fifos[name].write_bytes(b"x")
    run_until(driver, lambda: boss.all_are("TASK_RUNNING", "TASK_FINISHED"))
    assert (len(boss.processes), boss.lost) == (1, 0)
    driver.stop()
    driver.join(PATIENCE)


def test_an_executor_without_checkpoints_ends_with_its_agent(
    cluster: mesos.LocalCluster, tmp_path: Path
) -> None:
    fifo = tmp_path / "fifo"
    os.mkfifo(fifo)
    boss = Boss(tmp_path, {"task": str(fifo).encode()})
    driver = start(boss, cluster)
    run_until(driver, lambda: boss.all_are("TASK_RUNNING"))
    cluster.agents[0].restart()
    run_until(driver, lambda: boss.all_are("TASK_RUNNING", "TASK_LOST"))
    driver.stop()
    driver.join(PATIENCE)
