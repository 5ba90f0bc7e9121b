"""`ExecutorDriver` under the agent of a real Apache Mesos."""

from __future__ import annotations

import os
import select
import subprocess
import sys
from pathlib import Path

import mesos
import pytest

from . import executors
from .cluster import RealCluster, wait_until
from .schedulers import SMALL, TIMEOUT, Notes, run_until
from .setup import RealMesos

ROOT = Path(__file__).resolve().parents[2]
TASKS = 50


class Boss(Notes):
    """Launches tasks (id -> what `executors.Worker` does for it) on the first offer; notes all it hears."""

    def __init__(self, tasks: dict[str, str], executor: mesos.ExecutorInfo | None = None) -> None:
        super().__init__(tasks, react=lambda driver, status: None)
        self.executor = executor or executors.info(resources=SMALL)
        self.agent_id = ""

    def resource_offers(self, driver: mesos.SchedulerDriver, offers: list[mesos.Offer]) -> None:
        offer, *others = offers
        if self.agent_id:
            others.append(offer)
        else:
            self.agent_id = offer.agent_id.value
            driver.accept_offers(offer, self.operation(offer))
        driver.decline_offer(others, {"refuse_seconds": 3600})

    def operation(self, offer: mesos.Offer) -> mesos.Offer.Operation:
        return mesos.Offer.Operation(type="LAUNCH", launch={"task_infos": self.infos(offer, self.executor)})

    def infos(self, offer: mesos.Offer, executor: mesos.ExecutorInfo | None) -> list[mesos.TaskInfo]:
        tasks = []
        for name, work in self.waiting.items():
            task = mesos.TaskInfo(task_id=name, name=name, agent_id=offer.agent_id, data=work.encode())
            task.resources.extend(SMALL)
            if executor is not None:
                task.executor.CopyFrom(executor)
            tasks.append(task)
        return tasks

    def last(self, task: str) -> mesos.TaskStatus:
        return next(status for status in reversed(self.updates) if status.task_id.value == task)

    def all_are(self, *states: str) -> bool:
        return all(found == list(states) for found in self.states.values())


def start(boss: Boss, master: str, **fields: object) -> mesos.SchedulerDriver:
    framework = {"name": "executors", "failover_timeout": 600.0, "user": "nobody", **fields}
    driver = mesos.SchedulerDriver(boss, framework, master, dispatcher="poll")  # type: ignore[arg-type]
    driver.start()
    return driver


def ask(boss: Boss, driver: mesos.SchedulerDriver, data: bytes) -> bytes:
    """Send a message to the executor until it comes back, as none is sure to; return what was added to it."""
    while True:
        for _, said in boss.messages:  # some may answer an earlier question once more
            found, _, same = said.partition(b" ")
            if same == data:
                return found
        driver.send_framework_message("worker", boss.agent_id, data)
        driver.run_once(1.0)


def gone(process: int) -> bool:
    """Wait for the end of a process that is nobody's child."""
    try:
        descriptor = os.pidfd_open(process)
    except ProcessLookupError:
        return True
    try:
        return bool(select.select([descriptor], [], [], TIMEOUT)[0])
    finally:
        os.close(descriptor)


SWITCHES = ["", "MESOS_EXPLICIT_ACKNOWLEDGEMENTS", "MESOS_CHECKPOINT", "MESOS_NATIVE_LIBRARY"]


@pytest.mark.parametrize("switch", SWITCHES)
def test_the_pair_of_examples(real_mesos: RealMesos, real_cluster: RealCluster, switch: str) -> None:
    command = [sys.executable, str(ROOT / "examples" / "test_framework.py"), real_cluster.master]
    environment = {**os.environ, **({switch: "1"} if switch else {})}
    if switch == "MESOS_NATIVE_LIBRARY":
        environment[switch] = str(real_mesos.library)
        environment |= {"LD_LIBRARY_PATH": str(real_mesos.stubs), "LIBPROCESS_IP": "127.0.0.1"}
    done = subprocess.run(
        command, env=environment, capture_output=True, text=True, timeout=TIMEOUT, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    lines = done.stdout.splitlines()
    assert lines[-1] == "all 5 tasks have finished, and all 5 messages came back"
    for task in range(5):
        states = [line.split()[-1] for line in lines if line.startswith(f"task {task} ")]
        assert list(dict.fromkeys(states)) == ["TASK_RUNNING", "TASK_FINISHED"]


def test_tasks_kills_messages_and_a_shutdown(real_cluster: RealCluster) -> None:
    boss = Boss({"ends": "finish", "killed": "wait", "told": "wait", "left": "wait"})
    driver = start(boss, real_cluster.master)
    run_until(driver, lambda: all(states[:1] == ["TASK_RUNNING"] for states in boss.states.values()))
    driver.kill_task("killed", kill_policy={"grace_period": {"nanoseconds": 7}})
    driver.send_framework_message("worker", boss.agent_id, b"finish told")
    pid = int(ask(boss, driver, b"\0\xff and more"))
    run_until(driver, lambda: {"TASK_KILLED"} <= {*boss.states["killed"]} and len(boss.states["told"]) == 2)
    policy = "" if executors.LIBRARY else "7"
    assert boss.last("killed").message == policy, "the kill's own policy, which v0 does not have"
    assert boss.last("ends").data == b"\0ends"
    assert boss.last("ends").executor_id.value == "worker"
    assert boss.last("ends").source == mesos.TaskStatus.SOURCE_EXECUTOR
    driver.shutdown_executor("worker", boss.agent_id)
    run_until(driver, lambda: boss.lost)
    assert boss.states == {
        "ends": ["TASK_RUNNING", "TASK_FINISHED"],
        "killed": ["TASK_RUNNING", "TASK_KILLED"],
        "told": ["TASK_RUNNING", "TASK_FINISHED"],
        "left": ["TASK_RUNNING", "TASK_KILLED"],
    }
    assert boss.last("left").message == "shutdown", "it was the executor that said so"
    assert boss.lost == [("worker", 0)]
    assert gone(pid)
    output = real_cluster.sandbox("worker", driver.framework_id.value) / "stdout"
    assert output.read_text().splitlines()[-1] == "shutdown left"
    driver.stop()
    driver.join(TIMEOUT)


def test_the_end_of_a_framework_is_one_in_time(real_cluster: RealCluster) -> None:
    boss = Boss({"left": "wait"})
    driver = start(boss, real_cluster.master)
    run_until(driver, lambda: boss.all_are("TASK_RUNNING"))
    pid = int(ask(boss, driver, b"who?"))
    output = real_cluster.sandbox("worker", driver.framework_id.value)
    driver.stop()
    driver.join(TIMEOUT)
    assert gone(pid)
    assert (output / "stdout").read_text().splitlines()[-1] == "shutdown left"
    agent = real_cluster.agents[0]
    ended = f"framework {driver.framework_id.value} exited with status 0"
    wait_until(
        lambda: ended in agent.log.read_text(errors="replace"), lambda: f"it was killed; {agent.tail()}"
    )


@pytest.mark.skipif(executors.LIBRARY is not None, reason="v0 has no task groups")
def test_a_group_reaches_a_custom_executor(real_cluster: RealCluster) -> None:
    class Grouping(Boss):
        def operation(self, offer: mesos.Offer) -> mesos.Offer.Operation:
            executor = executors.info(type="CUSTOM", resources=SMALL)
            group = {"executor": executor, "task_group": {"tasks": self.infos(offer, None)}}
            return mesos.Offer.Operation(type="LAUNCH_GROUP", launch_group=group)

    boss = Grouping({"one": "finish", "two": "finish"})
    driver = start(boss, real_cluster.master)
    run_until(driver, lambda: boss.all_are("TASK_RUNNING", "TASK_FINISHED"))
    driver.stop()
    driver.join(TIMEOUT)


@pytest.mark.timeout(180)
def test_tasks_of_a_checkpointing_executor_survive_its_agent(real_mesos: RealMesos, tmp_path: Path) -> None:
    fifos = {f"task-{number}": tmp_path / f"fifo-{number}" for number in range(TASKS)}
    for fifo in fifos.values():
        os.mkfifo(fifo)
    early, late = list(fifos)[: TASKS // 2], list(fifos)[TASKS // 2 :]
    with RealCluster(real_mesos, tmp_path / "cluster") as cluster:
        boss = Boss({name: str(fifo) for name, fifo in fifos.items()})
        driver = start(boss, cluster.master, checkpoint=True)
        run_until(driver, lambda: boss.all_are("TASK_RUNNING"))
        pid = ask(boss, driver, b"who?")
        cluster.agents[0].kill9()
        for name in early:
            fifos[name].write_bytes(b"x")  # waits for the reader: the executor's thread is alive
        cluster.agents[0].start()
        run_until(driver, lambda: all(boss.states[name][1:] == ["TASK_FINISHED"] for name in early))
        assert all(boss.states[name] == ["TASK_RUNNING"] for name in late), "nor is one of them lost"
        cluster.agents[0].kill9()
        cluster.agents[0].start()
        for name in late:
            fifos[name].write_bytes(b"x")
        run_until(driver, lambda: boss.all_are("TASK_RUNNING", "TASK_FINISHED"))
        assert ask(boss, driver, b"still you?") == pid
        assert boss.lost == []
        driver.stop()
        driver.join(TIMEOUT)
        assert gone(int(pid)), "the end of the framework is that of the executor"


def test_an_executor_without_checkpoints_ends_with_its_agent(real_mesos: RealMesos, tmp_path: Path) -> None:
    with RealCluster(real_mesos, tmp_path) as cluster:
        boss = Boss({"task": "wait"})
        driver = start(boss, cluster.master)
        run_until(driver, lambda: boss.all_are("TASK_RUNNING"))
        pid = int(ask(boss, driver, b"who?"))
        cluster.agents[0].kill9()
        assert gone(pid)
        output = cluster.sandbox("worker") / "stdout"
        assert output.read_text().splitlines()[-1] == "shutdown task", "by its own will, not by force"
        driver.stop()
