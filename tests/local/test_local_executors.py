"""Executors with a process of their own, on the embedded cluster: they really speak to it."""

from __future__ import annotations

import base64
import http.client
import json
import shlex
import sys
from pathlib import Path
from typing import Any

import pytest
from client import JSON, PATIENCE, Client, alive, pids_in, scalar, task, wait_until
from mesos.local import LocalCluster

SCRIPTED = Path(__file__).parents[1] / "real" / "libexec" / "scripted_executor.py"
COMMAND = f"echo $$ > executor.pid; exec {shlex.quote(sys.executable)} -ES {shlex.quote(str(SCRIPTED))}"


def by_executor(task_id: str, script: str = "", command: str = COMMAND, **more: Any) -> dict[str, Any]:
    """Return a task of the executor "e", which reports the states that the script names."""
    info = task(task_id, command)
    executor = {
        "executor_id": {"value": "e"},
        "command": info.pop("command"),
        "resources": [scalar("cpus", 0.1), scalar("mem", 32)],
    }
    return {**info, "executor": executor, "data": base64.b64encode(script.encode()).decode(), **more}


def test_one_executor_serves_many_tasks_in_one_sandbox(cluster: LocalCluster) -> None:
    client = Client(cluster)
    client.launch(*[by_executor(str(number)) for number in range(20)])
    ended = set()
    while len(ended) < 20:
        status = client.status()
        if status["state"] == "TASK_FINISHED":
            ended.add(status["task_id"]["value"])
    assert {cluster.sandbox(str(number)) for number in range(20)} == {cluster.sandbox("0")}
    assert len(pids_in(cluster.sandbox("0"))) == 1


def test_the_same_id_on_two_agents_is_two_executors() -> None:
    with LocalCluster(agents=2) as cluster:
        client = Client(cluster)
        offers: dict[str, dict[str, Any]] = {}
        while len(offers) < 2:
            for offer in client.expect("OFFERS")["offers"]["offers"]:
                offers[offer["agent_id"]["value"]] = offer
        for number, offer in enumerate(offers.values()):
            client.launch(by_executor(str(number), "TASK_RUNNING"), offer=offer)
        client.states("TASK_RUNNING")
        client.states("TASK_RUNNING")
        pids = [*pids_in(cluster.sandbox("0")), *pids_in(cluster.sandbox("1"))]
        assert len(set(pids)) == 2
        ports = {offer["url"]["address"]["port"] for offer in offers.values()}
        assert len(ports) == 2, "each agent has its own, and executors speak to theirs"


def test_executors_end_with_the_cluster() -> None:
    with LocalCluster() as cluster:
        client = Client(cluster)
        client.launch(by_executor("t", "TASK_RUNNING"))
        client.states("TASK_RUNNING")
        [pid] = pids_in(cluster.sandbox("t"))
        assert alive(pid)
    wait_until(lambda: not alive(pid), "it is gone")


def test_what_an_executor_leaves_behind_ends_with_it(cluster: LocalCluster) -> None:
    client = Client(cluster)
    command = f"sleep 1000 & echo $! > child.pid; {COMMAND}"
    client.launch(by_executor("t", "TASK_RUNNING exit:2", command))
    assert client.expect("FAILURE")["failure"]["status"] == 2 << 8
    [child] = [pid for path, pid in zip_pids(cluster.sandbox("t")) if path == "child.pid"]
    wait_until(lambda: not alive(child), "its child is gone, too")


def zip_pids(sandbox: Path) -> list[tuple[str, int]]:
    return [(path.name, int(path.read_text())) for path in sandbox.glob("*.pid")]


def test_the_environment_says_where_the_agent_is(cluster: LocalCluster) -> None:
    client = Client(cluster, {"checkpoint": True})
    offer = client.offer()
    client.launch(by_executor("t", command="env"), offer=offer)
    client.states("TASK_FAILED")
    variables = dict(line.split("=", 1) for line in cluster.stdout("t").splitlines() if "=" in line)
    address = offer["url"]["address"]
    endpoint = f"{address['ip']}:{address['port']}"
    assert variables["MESOS_AGENT_ENDPOINT"] == endpoint
    assert variables["MESOS_SLAVE_PID"] == f"slave(1)@{endpoint}"
    assert (variables["MESOS_CHECKPOINT"], variables["MESOS_RECOVERY_TIMEOUT"]) == ("1", "15mins")
    assert variables["MESOS_DIRECTORY"] == str(cluster.sandbox("t"))
    assert variables["MESOS_EXECUTOR_ID"] == "e"


@pytest.mark.parametrize("path", ["/api/v1/executor", "/slave(1)/api/v1/executor"])
def test_the_api_is_at_the_agents_port_and_there_only(cluster: LocalCluster, path: str) -> None:
    client = Client(cluster)
    address = client.offer()["url"]["address"]
    call = {
        "type": "UPDATE",
        "framework_id": {"value": "nobody"},
        "executor_id": {"value": "e"},
        "update": {
            "status": {
                "task_id": {"value": "t"},
                "state": "TASK_RUNNING",
                "source": "SOURCE_EXECUTOR",
                "uuid": base64.b64encode(bytes(6) + b"\x40" + bytes(9)).decode(),
            }
        },
    }

    def post(port: int) -> tuple[int, str]:
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=PATIENCE)
        connection.request("POST", path, json.dumps(call), JSON)
        response = connection.getresponse()
        answer = response.status, response.read().decode()
        connection.close()
        return answer

    assert post(address["port"]) == (400, "Framework cannot be found")
    # whatever is below its own API a real master takes for a call of that, too
    refused = 400 if path.startswith("/api/v1/") else 404
    assert post(int(cluster.master.rpartition(":")[2]))[0] == refused


def test_a_group_runs_in_directories_of_its_executor(cluster: LocalCluster) -> None:
    client = Client(cluster)
    offer = client.offer()
    tasks = [{**task(name, "pwd; exit 0"), "agent_id": offer["agent_id"]} for name in ("a", "b")]
    executor = {
        "executor_id": {"value": "g"},
        "framework_id": client.id,
        "type": "DEFAULT",
        "resources": [scalar("cpus", 0.1), scalar("mem", 32), scalar("disk", 1)],
    }
    operation = {
        "type": "LAUNCH_GROUP",
        "launch_group": {"executor": executor, "task_group": {"tasks": tasks}},
    }
    assert client.call("ACCEPT", accept={"offer_ids": [offer["id"]], "operations": [operation]}) == 202
    client.states("TASK_FINISHED")
    client.states("TASK_FINISHED")
    assert cluster.stdout("a").strip() == str(cluster.sandbox("a"))
    assert cluster.sandbox("a").parent == cluster.sandbox("b").parent
