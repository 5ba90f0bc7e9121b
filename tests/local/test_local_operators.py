"""Operators on the embedded cluster: both encodings, the stream of events, and requests that are none."""

from __future__ import annotations

import contextlib
import http.client
import json
from collections.abc import Iterator
from typing import Any

import pytest
from client import PATIENCE, Client, task
from mesos.local import LocalCluster
from mesos.v1 import agent, master

JSON, PROTOBUF = "application/json", "application/x-protobuf"


def post(
    address: str, body: bytes, headers: dict[str, str], path: str = "/api/v1", method: str = "POST"
) -> tuple[int, str, bytes]:
    with contextlib.closing(http.client.HTTPConnection(address, timeout=PATIENCE)) as connection:
        connection.request(method, path, body, headers)
        response = connection.getresponse()
        return response.status, response.headers.get("Content-Type", ""), response.read()


def ask(address: str, kind: str, **body: Any) -> Any:
    call = {"type": kind, kind.lower(): body}
    status, media, text = post(address, json.dumps(call).encode(), {"Content-Type": JSON})
    assert (status, media) == (200, JSON), text
    return json.loads(text)[kind.lower()]


@contextlib.contextmanager
def watching(address: str, accept: str) -> Iterator[http.client.HTTPResponse]:
    connection = http.client.HTTPConnection(address, timeout=PATIENCE)
    connection.request("POST", "/api/v1", b'{"type": "SUBSCRIBE"}', {"Content-Type": JSON, "Accept": accept})
    response = connection.getresponse()
    assert (response.status, response.headers["Content-Type"]) == (200, accept)
    yield response
    response.close()
    connection.close()


def record(response: http.client.HTTPResponse) -> bytes:
    return response.read(int(response.readline()))


def test_protobuf_says_what_json_says(cluster: LocalCluster) -> None:
    client = Client(cluster)
    client.launch(task("t", "exit 0"))
    client.states("TASK_FINISHED")
    assert client.call("SUPPRESS", suppress={}) == 202  # no offer comes between the two answers
    headers = {"Content-Type": PROTOBUF, "Accept": PROTOBUF}
    for address, messages in ((cluster.master, master), (cluster.agents[0].address, agent)):
        call = messages.Call(type="GET_STATE")
        status, media, body = post(address, call.SerializeToString(), headers)
        assert (status, media) == (200, PROTOBUF)
        text = {"type": "GET_STATE", "get_state": ask(address, "GET_STATE")}
        assert settled(messages.Response.from_dict(text)) == settled(messages.Response.FromString(body))
        assert "TASK_FINISHED" in json.dumps(text)


def settled(response: Any) -> dict[str, Any]:
    """Return a state without what only JSON has: what is empty, and defaults of the schema."""
    said: dict[str, Any] = response.to_dict()["get_state"]
    frameworks = said["get_frameworks"]
    for framework in frameworks.get("frameworks", []) + frameworks.get("completed_frameworks", []):
        for name in ("checkpoint", "failover_timeout"):
            framework["framework_info"].pop(name, None)
    return {part: lists for part, lists in said.items() if lists}


def test_events_in_both_encodings(cluster: LocalCluster) -> None:
    with watching(cluster.master, JSON) as text, watching(cluster.master, PROTOBUF) as binary:
        client = Client(cluster)
        kinds = []
        while "FRAMEWORK_ADDED" not in kinds:
            event = json.loads(record(text))
            kinds.append(event["type"])
            assert master.Event.FromString(record(binary)).type.name == event["type"]
        assert kinds == ["SUBSCRIBED", "HEARTBEAT", "FRAMEWORK_ADDED"]
        client.expect("SUBSCRIBED")
        client.call("TEARDOWN")
        assert json.loads(record(text))["framework_removed"]["framework_info"]["name"] == "test"


def test_a_stream_ends_with_its_master(cluster: LocalCluster) -> None:
    with watching(cluster.master, JSON) as stream:
        record(stream), record(stream)
        cluster.fail_over()
        assert stream.readline() == b""


@pytest.mark.parametrize(
    ("headers", "body", "expected"),
    [
        ({}, b"{}", (400, b"Expecting 'Content-Type' to be present")),
        ({"Content-Type": "text/plain"}, b"", (415, None)),
        ({"Content-Type": JSON}, b"{", (400, None)),
        ({"Content-Type": JSON, "Accept": "text/html"}, b'{"type": "GET_HEALTH"}', (406, None)),
        ({"Content-Type": JSON}, b'{"type": "GET_QUOTAS"}', (400, None)),
        (
            {"Content-Type": JSON},
            b'{"type": "LIST_FILES"}',
            (400, b"Failed to validate master::Call: Expecting 'list_files' to be present"),
        ),
    ],
)
def test_what_is_no_call(
    cluster: LocalCluster, headers: dict[str, str], body: bytes, expected: tuple[int, bytes | None]
) -> None:
    status, _, words = post(cluster.master, body, headers)
    assert (status, words if expected[1] else None) == expected


def test_only_post(cluster: LocalCluster) -> None:
    assert post(cluster.master, b"", {}, method="GET")[0] == 405


def test_what_an_agent_cannot_do_is_named(cluster: LocalCluster) -> None:
    call = {"type": "KILL_CONTAINER", "kill_container": {"container_id": {"value": "x"}}}
    status, _, words = post(cluster.agents[0].address, json.dumps(call).encode(), {"Content-Type": JSON})
    assert status == 501
    assert b"KILL_CONTAINER" in words


def test_an_agent_that_is_down_answers_no_operator(cluster: LocalCluster) -> None:
    cluster.agents[0].stop()
    status, _, words = post(cluster.agents[0].address, b'{"type": "GET_STATE"}', {"Content-Type": JSON})
    assert (status, words) == (503, b"Agent has not finished recovery")
    assert ask(cluster.master, "GET_AGENTS")["agents"][0]["active"] is False


def test_marking_an_agent_gone_ends_its_tasks(cluster: LocalCluster) -> None:
    client = Client(cluster)
    client.launch(task("t", "exec sleep 1000"))
    assert client.states("TASK_RUNNING")[-1] == "TASK_RUNNING"
    call = {"type": "MARK_AGENT_GONE", "mark_agent_gone": {"agent_id": {"value": cluster.agents[0].id}}}
    assert post(cluster.master, json.dumps(call).encode(), {"Content-Type": JSON})[0] == 200
    assert client.status(acknowledge=False)["reason"] == "REASON_AGENT_REMOVED"
    assert ask(cluster.master, "GET_AGENTS")["agents"] == []
