"""How executors reach an agent of the embedded cluster, and what they have to show."""

from __future__ import annotations

import base64
import contextlib
import http.client
import json
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from client import JSON, PATIENCE, Client, wait_until
from mesos.local import LocalCluster
from test_local_executors import COMMAND, by_executor

#: Leaves what it is told in its sandbox.
TELLS = f"echo $MESOS_EXECUTOR_AUTHENTICATION_TOKEN > token; echo $MESOS_DOMAIN_SOCKET > socket; {COMMAND}"


@pytest.fixture
def cluster() -> Iterator[LocalCluster]:
    with LocalCluster(authenticate_executors=True, domain_sockets=True) as cluster:
        yield cluster


def running(cluster: LocalCluster, *more: dict[str, Any]) -> tuple[Client, dict[str, Any], Path]:
    """Start a task on an executor; return the framework, the ids in the executor's calls, and its sandbox.

    The tasks in `more` run, too.
    """
    client = Client(cluster)
    client.launch(by_executor("t", "TASK_RUNNING", TELLS), *more)
    for _ in range(1 + len(more)):
        client.states("TASK_RUNNING")
    return client, {"framework_id": client.id, "executor_id": {"value": "e"}}, cluster.sandbox("t")


def message(identity: dict[str, Any], data: bytes = b"x") -> dict[str, Any]:
    return {"type": "MESSAGE", **identity, "message": {"data": base64.b64encode(data).decode()}}


def post(connection: http.client.HTTPConnection, call: Any, authorization: str | None) -> Any:
    headers = {**JSON, **({"Authorization": authorization} if authorization is not None else {})}
    with contextlib.closing(connection):
        connection.request("POST", "/slave(1)/api/v1/executor", json.dumps(call), headers)
        response = connection.getresponse()
        return response.status, response.read().decode(), response.headers.get("WWW-Authenticate")


def test_a_token_is_needed_and_is_its_executors_alone(cluster: LocalCluster) -> None:
    other = by_executor("u", "TASK_RUNNING")
    other["executor"]["executor_id"]["value"] = "other"
    _, identity, sandbox = running(cluster, other)
    address = cluster.agents[0].address
    token = (sandbox / "token").read_text().strip()

    def answer(call: Any, authorization: str | None) -> Any:
        return post(http.client.HTTPConnection(address, timeout=PATIENCE), call, authorization)

    realm = 'Bearer realm="mesos-agent-executor"'
    assert answer(message(identity), None) == (401, "401 Unauthorized.", realm)
    assert answer("no call at all", None)[0] == 401, "it comes first"
    for wrong in (f"Bearer {token[:-4]}AAAA", f"Basic {token}", "Bearer", f"Bearer {token} x"):
        status, _, challenge = answer(message(identity), wrong)
        assert (status, challenge.startswith(f'{realm}, error="invalid_token"')) == (401, True), wrong
    foreign = message({**identity, "executor_id": {"value": "other"}})
    status, words, _ = answer(foreign, f"Bearer {token}")
    assert (status, "does not contain an 'eid' claim with the executor ID other" in words) == (403, True)
    assert answer(message(identity), f"Bearer {token}")[0] == 202


def test_a_token_is_no_business_of_other_processes(cluster: LocalCluster) -> None:
    client = Client(cluster)
    client.launch({**by_executor("t", "TASK_RUNNING"), "executor": None, "command": {"value": "env"}})
    client.states("TASK_FINISHED")
    variables = dict(line.split("=", 1) for line in cluster.stdout("t").splitlines() if "=" in line)
    assert "MESOS_EXECUTOR_AUTHENTICATION_TOKEN" not in variables
    assert "MESOS_DOMAIN_SOCKET" in variables


def test_without_tokens_none_is_given() -> None:
    with LocalCluster() as cluster:
        _, _, sandbox = running(cluster)
        assert [(sandbox / name).read_text() for name in ("token", "socket")] == ["\n", "\n"]


@pytest.mark.parametrize("depth", [0, 150])
def test_a_socket_is_there_as_long_as_the_cluster(tmp_path: Path, depth: int) -> None:
    work_dir = tmp_path / ("d" * depth)
    with LocalCluster(work_dir=work_dir, domain_sockets=True) as cluster:
        client, identity, sandbox = running(cluster)
        path = Path((sandbox / "socket").read_text().strip())
        assert path.parent == work_dir
        if depth == 0:
            connection = http.client.HTTPConnection("agent", timeout=PATIENCE)
            connection.sock = socket.socket(socket.AF_UNIX)
            connection.sock.connect(str(path))
            assert post(connection, message(identity, b"over the socket"), None)[0] == 202
            assert (
                client.expect("MESSAGE")["message"]["data"] == base64.b64encode(b"over the socket").decode()
            )
    wait_until(lambda: not path.exists(), "it is gone")
    with LocalCluster(work_dir=work_dir, domain_sockets=True):
        pass
