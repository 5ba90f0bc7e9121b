"""The plain endpoints as tools use them: what runs where, sandboxes, the leader, the end of a framework."""

from __future__ import annotations

import http.client
import json
import os
import urllib.error
import urllib.parse
import urllib.request
from typing import TYPE_CHECKING, Any

import pytest
from client import PATIENCE, Client, task

if TYPE_CHECKING:
    from mesos.local import LocalCluster


def fetch(address: str, path: str, data: bytes | None = None) -> bytes:
    with urllib.request.urlopen(f"http://{address}{path}", data, timeout=PATIENCE) as answer:
        content: bytes = answer.read()
        return content


def read(address: str, path: str) -> Any:
    return json.loads(fetch(address, path))


def ran(cluster: LocalCluster, command: str) -> Client:
    """Return a framework whose only task, "t", has ended."""
    client = Client(cluster, {"failover_timeout": 60.0})
    client.launch(task("t", command))
    client.states("TASK_FINISHED")
    return client


def sandbox_of(cluster: LocalCluster, task_id: str) -> tuple[str, str]:
    """Return an agent's address, and a sandbox there, as tools that follow a task find them."""
    state = read(cluster.master, "/master/state")
    tasks = [one for framework in state["frameworks"] for one in framework["completed_tasks"]]
    known = next(one for one in tasks if one["id"] == task_id)
    pid = next(agent["pid"] for agent in state["slaves"] if agent["id"] == known["slave_id"])
    address = pid.partition("@")[2]
    local = read(address, "/slave(1)/state")
    frameworks = [*local["frameworks"], *local["completed_frameworks"]]
    executors = [
        one for framework in frameworks for one in framework["executors"] + framework["completed_executors"]
    ]
    name = known["executor_id"] or known["id"]
    return address, next(one["directory"] for one in executors if one["id"] == name)


def test_a_tool_finds_what_a_task_has_written(cluster: LocalCluster) -> None:
    ran(cluster, "echo hello; mkdir results; echo 42 > results/answer")
    address, directory = sandbox_of(cluster, "t")
    assert directory == os.fspath(cluster.sandbox("t"))
    listed = read(address, "/files/browse?path=" + urllib.parse.quote(directory))
    assert [entry["path"] for entry in listed] == [
        f"{directory}/{name}" for name in ("results", "stderr", "stdout")
    ]
    listed = read(address, f"/files/browse?path={directory}/results")
    assert (listed[0]["mode"][0], listed[0]["size"]) == ("-", 3)
    assert read(address, f"/files/read?path={directory}/stdout&offset=0")["data"] == "hello\n"
    assert fetch(address, f"/files/download?path={directory}/results/answer") == b"42\n"


def test_a_file_is_paged_and_downloaded_whole(cluster: LocalCluster) -> None:
    ran(cluster, "seq 100000")
    address, directory = sandbox_of(cluster, "t")
    whole = "".join(f"{number}\n" for number in range(1, 100001))
    text, path = "", f"/files/read?path={directory}/stdout"
    while piece := read(address, f"{path}&offset={len(text)}")["data"]:
        assert len(piece) <= 65536
        text += piece
    assert text == whole
    assert read(address, path)["offset"] == len(whole)
    connection = http.client.HTTPConnection(address, timeout=PATIENCE)
    for _ in range(2):  # also the second one on the same connection
        connection.request("GET", f"/files/download?path={directory}/stdout")
        answer = connection.getresponse()
        assert answer.headers["Content-Disposition"] == "attachment; filename=stdout"
        assert int(answer.headers["Content-Length"]) == len(whole)
        assert answer.read().decode() == whole
    connection.close()


def test_sandboxes_are_on_their_own_agent(cluster: LocalCluster) -> None:
    ran(cluster, "true")
    address, directory = sandbox_of(cluster, "t")
    path = f"/files/browse?path={directory}"
    assert read(address, path)
    with pytest.raises(urllib.error.HTTPError, match="404"):
        read(cluster.master, path)
    assert read(cluster.master, "/files/debug") == {}
    assert directory in read(address, "/files/debug").values()


def test_a_pipe_in_a_sandbox_keeps_nobody_waiting(cluster: LocalCluster) -> None:
    ran(cluster, "mkfifo pipe")
    address, directory = sandbox_of(cluster, "t")
    for what in ("read", "download"):
        with pytest.raises(urllib.error.HTTPError, match="400"):
            fetch(address, f"/files/{what}?path={directory}/pipe&offset=0")


def test_the_leader_is_where_it_says(cluster: LocalCluster) -> None:
    connection = http.client.HTTPConnection(cluster.master, timeout=PATIENCE)
    connection.request("GET", "/redirect")
    answer = connection.getresponse()
    assert (answer.status, answer.headers["Location"]) == (307, f"//{cluster.master}")
    connection.close()


def test_a_framework_is_torn_down(cluster: LocalCluster) -> None:
    client = ran(cluster, "true")
    fetch(cluster.master, "/teardown", f"frameworkId={client.id['value']}".encode())
    while client.event() is not None:
        pass
    known = read(cluster.master, "/frameworks")
    assert [one["id"] for one in known["completed_frameworks"]] == [client.id["value"]]
    with pytest.raises(urllib.error.HTTPError, match="400"):
        fetch(cluster.master, "/teardown", b"frameworkId=nobody")


def test_what_is_counted_has_happened(cluster: LocalCluster) -> None:
    client = Client(cluster)
    client.launch(task("t", "sleep 1000"))
    client.states("TASK_RUNNING")
    metrics = read(cluster.master, "/metrics/snapshot")
    assert metrics["master/tasks_running"] == 1
    assert metrics["master/frameworks_connected"] == 1
    assert read(cluster.master, "/state-summary")["frameworks"][0]["TASK_RUNNING"] == 1
