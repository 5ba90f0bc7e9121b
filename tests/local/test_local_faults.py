"""Agents of the embedded cluster that end, get lost and come back under tasks; a master that fails over."""

from __future__ import annotations

from typing import Any

from client import Client, alive, pids_in, task, wait_until
from mesos.local import LocalCluster
from test_local_executors import by_executor

CHECKPOINT = {"checkpoint": True, "failover_timeout": 60.0, "capabilities": [{"type": "PARTITION_AWARE"}]}
MANY = 50


def small(info: dict[str, Any]) -> dict[str, Any]:
    """Return a task that needs little: many fit."""
    scalars = {"cpus": 0.01, "mem": 1}
    resources = [
        {"name": name, "type": "SCALAR", "scalar": {"value": value}} for name, value in scalars.items()
    ]
    return {**info, "resources": resources}


def test_fifty_tasks_survive_their_agents_restart(cluster: LocalCluster) -> None:
    client = Client(cluster, CHECKPOINT)
    names = [str(number) for number in range(MANY)]
    client.launch(*[small(by_executor(name, "TASK_RUNNING")) for name in names])
    running = {client.status()["task_id"]["value"] for _ in names}
    assert running == set(names)
    [pid] = pids_in(cluster.sandbox("0"))
    cluster.agents[0].restart()
    wait_until(lambda: cluster.stdout("0").count("SUBSCRIBED") == 2, "the executor is back")
    for name in names:
        client.call("KILL", kill={"task_id": {"value": name}})
    ended = [client.status() for _ in names]
    assert {status["task_id"]["value"] for status in ended} == set(names)
    assert {status["state"] for status in ended} == {"TASK_KILLED"}
    assert alive(pid), "the same executor"


def test_a_command_that_ends_while_its_agent_is_down_is_reported_at_the_start(cluster: LocalCluster) -> None:
    client = Client(cluster, CHECKPOINT)
    client.launch(task("t", "echo $$ > command.pid; while [ ! -e go ]; do sleep 0.01; done"))
    client.states("TASK_RUNNING")
    wait_until(lambda: pids_in(cluster.sandbox("t")), "it runs")
    [pid] = pids_in(cluster.sandbox("t"))
    cluster.agents[0].stop()
    (cluster.sandbox("t") / "go").touch()
    wait_until(lambda: not alive(pid), "it has ended")
    cluster.agents[0].start()
    assert client.states("TASK_FINISHED") == ["TASK_FINISHED"]


def test_without_checkpoints_tasks_end_with_their_agent(cluster: LocalCluster) -> None:
    client = Client(cluster)
    client.launch(task("t", "echo $$ > command.pid; exec sleep 1000"))
    client.states("TASK_RUNNING")
    wait_until(lambda: pids_in(cluster.sandbox("t")), "it runs")
    [pid] = pids_in(cluster.sandbox("t"))
    cluster.agents[0].restart()
    assert client.status()["state"] == "TASK_LOST"
    wait_until(lambda: not alive(pid), "it is killed")


def test_a_lost_agent_comes_back_with_its_tasks(cluster: LocalCluster) -> None:
    client = Client(cluster, CHECKPOINT)
    client.launch(task("t", "exec sleep 1000"))
    client.states("TASK_RUNNING")
    agent = cluster.agents[0]
    agent.lose()
    assert client.status()["state"] == "TASK_UNREACHABLE"
    assert client.expect("FAILURE")["failure"] == {"agent_id": {"value": agent.id}}
    agent.start()  # it runs: nothing happens
    agent.find()
    assert client.status()["state"] == "TASK_RUNNING"
    agent.mark_gone()
    assert client.status()["state"] == "TASK_GONE_BY_OPERATOR"


def test_after_a_fail_over_a_framework_finds_its_tasks(cluster: LocalCluster) -> None:
    client = Client(cluster, CHECKPOINT)
    client.launch(task("t", "exec sleep 1000"))
    client.states("TASK_RUNNING")
    cluster.fail_over()
    while client.event() is not None:
        pass
    again = Client(cluster, {**CHECKPOINT, "id": client.id})
    again.expect("SUBSCRIBED")
    again.call("RECONCILE", reconcile={"tasks": []})
    assert again.status()["state"] == "TASK_RUNNING"


def test_faults_of_a_closed_cluster_do_nothing() -> None:
    with LocalCluster(agents=2) as cluster:
        first, second = cluster.agents
        assert first.id != second.id
        assert first.address != second.address
        assert first.id in repr(first)
    first.restart()
    cluster.fail_over()
