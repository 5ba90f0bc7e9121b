"""pymesos, unmodified, and our drivers on the embedded cluster: each scheduler works with each executor."""

from __future__ import annotations

import json
import os
import shlex
import subprocess
import sys
from pathlib import Path
from typing import Any

import mesos
import pytest
from client import alive
from mesos.local import LocalCluster
from recorder import PATIENCE, Recorder

from tests.real import load

HERE = Path(__file__).parent
REAL = HERE.parent / "real"
PYTHON = shlex.quote(sys.executable)
PYMESOS = f"PYTHONPATH={shlex.quote(str(REAL / 'stand_ins'))} exec {PYTHON} {HERE / 'worker_pymesos.py'}"
EXECUTORS = {
    "scripted": f"exec {PYTHON} -ES {REAL / 'libexec' / 'scripted_executor.py'}",
    "ours": f"exec {PYTHON} {HERE / 'worker.py'}",
    "pymesos": PYMESOS,
}
TASKS = 100


@pytest.mark.parametrize("executor", EXECUTORS)
def test_the_same_tasks_and_the_same_updates(executor: str) -> None:
    with LocalCluster() as cluster:
        theirs = load.run("load_pymesos", cluster.master, TASKS, EXECUTORS[executor])
        ours = load.run("load", cluster.master, TASKS, EXECUTORS[executor])
    assert ours.states == {f"task{number}": list(load.STATES) for number in range(1, TASKS + 1)}
    assert ours.states == theirs.states


def test_messages_kills_and_shutdowns_reach_an_executor_over_pymesos() -> None:
    notes = Recorder()
    with LocalCluster() as cluster:
        driver = mesos.SchedulerDriver(notes, load.FRAMEWORK, cluster, dispatcher="poll")
        driver.start()
        [offer] = heard(driver, notes, "resource_offers")[0]
        executor = load.executor_info(PYMESOS, offer.framework_id.value)
        driver.launch_tasks(offer, [{**load.info("t", offer.agent_id, executor), "data": b"wait"}])
        status = heard(driver, notes, "status_update")[0]
        pid = status.container_status.executor_pid
        assert (status.state, alive(pid)) == (mesos.TASK_RUNNING, True)
        driver.send_framework_message("load", offer.agent_id, b"a\0b")
        assert heard(driver, notes, "framework_message")[2] == b"a\0b"
        driver.kill_task("t")
        assert heard(driver, notes, "status_update")[0].state == mesos.TASK_KILLED
        driver.shutdown_executor("load", offer.agent_id)
        assert heard(driver, notes, "executor_lost")[2] == 0, "it has ended by itself"
        assert not alive(pid)
        driver.stop()
        driver.join(PATIENCE)


def heard(driver: mesos.SchedulerDriver, notes: Recorder, name: str) -> tuple[Any, ...]:
    """Handle events until there is one of this name, and return what it says; those before are forgotten."""
    notes.events.clear()
    while name not in notes.names:
        assert driver.run_once(PATIENCE), f"no {name}"
    return notes.events[-1][1:]


def test_operators_over_pymesos_ask_and_watch() -> None:
    with LocalCluster() as cluster:
        line = [sys.executable, HERE / "operator_pymesos.py", cluster.master, cluster.agents[0].address]
        environment = os.environ | {"PYTHONPATH": str(REAL / "stand_ins")}
        done = subprocess.run(line, env=environment, stdout=subprocess.PIPE, text=True, check=True)
    said = json.loads(done.stdout)
    assert said.pop("heard") == [
        "f is added",
        "one is added",
        "one is TASK_STARTING",
        "one is TASK_RUNNING",
        "one is TASK_FINISHED",
        "f is removed",
    ]
    assert said == {
        "health": [True, True],
        "version": ["1.11.0", "1.11.0"],
        "flags": [True, True],
        "metrics": [True, True],
        "level": 0,
        "state": ["get_agents", "get_executors", "get_frameworks", "get_tasks"],
        "agents": 1,
        "executors": [],
        "completed": ["one"],
        "roles": ["*"],
        "master": True,
        "containers": None,
        "on agent": ["get_executors", "get_frameworks", "get_tasks"],
        "files": ["stderr", "stdout"],
        "stdout": {"size": 5, "data": "ZG9uZQo="},
        "reserved": ["*", "web"],
    }
