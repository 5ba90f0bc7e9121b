"""The embedded cluster from outside: arguments, Mesos' HTTP API and what it refuses, many clients at once."""

from __future__ import annotations

import http.client
import json
import socket
import threading
from typing import TYPE_CHECKING, Any, BinaryIO

import pytest
from client import JSON, PATIENCE, Client, alive, pids_in, post, task, wait_until
from mesos.errors import ConfigurationError
from mesos.local import LocalCluster

if TYPE_CHECKING:
    pass


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({"agents": 0}, "agents: a number from 1 to 1000"),
        ({"agents": True}, "agents"),
        ({"agents": "1"}, "agents"),
        ({"port": 65536}, "port: a number from 0 to 65535"),
        ({"port": -1}, "port"),
        ({"resources": "cpus"}, "resources=\"cpus\": 'cpus' is not name:value"),
        ({"resources": "cpus:-1"}, "resources"),
        ({"resources": ""}, "resources"),
        ({"resources": {"cpus": 1}}, "resources: a text like"),
        ({"work_dir": "/dev/null/x"}, "work_dir: '/dev/null/x' cannot be a directory"),
        ({"work_dir": 5}, "work_dir"),
    ],
)
def test_bad_arguments_are_named(arguments: dict[str, Any], words: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        LocalCluster(**arguments)
    assert words in str(caught.value)


def test_a_port_in_use_is_named(cluster: LocalCluster) -> None:
    port = int(cluster.master.split(":")[1])
    with pytest.raises(ConfigurationError, match=f"port={port}: it is in use"):
        LocalCluster(port=port)


def test_unknown_tasks_are_a_key_error(cluster: LocalCluster) -> None:
    with pytest.raises(KeyError, match="no task 'ghost' was started"):
        cluster.stdout("ghost")
    with pytest.raises(TypeError, match="task_id"):
        cluster.sandbox(5)  # type: ignore[arg-type]


SUBSCRIBE = json.dumps({"type": "SUBSCRIBE", "subscribe": {"framework_info": {"user": "u", "name": "n"}}})
EMPTY_KILL = json.dumps({"type": "KILL", "framework_id": {"value": "x"}})
NOBODY = json.dumps({"type": "REVIVE", "framework_id": {"value": "nobody"}})
PROTOBUF = {"Content-Type": "application/x-protobuf"}


@pytest.mark.parametrize(
    ("method", "headers", "body", "status", "words"),
    [
        ("GET", {}, None, 405, "405 Method Not Allowed. Expecting one of { 'POST' }, but received 'GET'."),
        ("POST", {}, SUBSCRIBE.encode(), 400, "Expecting 'Content-Type' to be present"),
        (
            "POST",
            {"Content-Type": "application/json; charset=utf-8"},
            SUBSCRIBE,
            415,
            "Expecting 'Content-Type' of ",
        ),
        ("POST", JSON, "{", 400, "Failed to parse body into JSON: "),
        ("POST", JSON, "[]", 400, "Failed to convert JSON into Call protobuf: "),
        ("POST", PROTOBUF, b"\xff\xff", 400, "Failed to parse body into Call protobuf"),
        ("POST", PROTOBUF, b"\x10\x01\x1a\x00", 400, "Failed to parse body into Call protobuf"),
        ("POST", JSON, "{}", 400, "Failed to validate scheduler::Call: Expecting 'type' to be present"),
        (
            "POST",
            JSON,
            '{"type":"TEARDOWN"}',
            400,
            "Failed to validate scheduler::Call: Expecting 'framework_id' to be present",
        ),
        ("POST", JSON, EMPTY_KILL, 400, "Failed to validate scheduler::Call: Expecting 'kill' to be present"),
        (
            "POST",
            {**JSON, "Accept": "text/html"},
            SUBSCRIBE,
            406,
            "Expecting 'Accept' to allow 'application/x-protobuf' or ",
        ),
        (
            "POST",
            {**JSON, "Mesos-Stream-Id": "x"},
            SUBSCRIBE,
            400,
            "Subscribe calls should not include the 'Mesos-Stream-Id' header",
        ),
        ("POST", JSON, NOBODY, 400, "Framework cannot be found"),
    ],
)
def test_requests_that_mesos_refuses(
    cluster: LocalCluster, *, method: str, headers: dict[str, str], body: Any, status: int, words: str
) -> None:
    answer = post(cluster.master, body, headers, method)
    assert answer[0] == status
    assert answer[1].startswith(words)


def test_pipelined_calls_are_answered_in_order_though_the_next_is_not_all_there(
    cluster: LocalCluster,
) -> None:
    bodies = ["{", "[]", "{}", EMPTY_KILL, NOBODY] * 20
    words = {body: post(cluster.master, body, JSON)[1] for body in bodies}
    with connect(cluster) as connection, connection.makefile("rb") as answers:
        connection.sendall(b"".join(map(request, bodies)) + request(NOBODY)[:-1])
        assert [answer(answers) for _ in bodies] == [words[body] for body in bodies]
        connection.sendall(request(NOBODY)[-1:])
        assert answer(answers) == words[NOBODY]


def test_what_is_no_request_is_answered_before_the_connection_ends(cluster: LocalCluster) -> None:
    with connect(cluster) as connection, connection.makefile("rb") as answers:
        connection.sendall(request(NOBODY) + b"nonsense\r\n\r\n")
        assert answer(answers) == "Framework cannot be found"
        assert answers.read().startswith(b"HTTP/1.1 400 ")


def answer(answers: BinaryIO) -> str:
    """The words of the next answer."""
    length = 0
    while (line := answers.readline().strip()) != b"":
        name, _, value = line.partition(b": ")
        length = int(value) if name == b"Content-Length" else length
    return answers.read(length).decode()


def test_events_come_though_a_subscriber_sends_more(cluster: LocalCluster) -> None:
    with connect(cluster) as connection:
        connection.sendall(request(SUBSCRIBE) + b"\r\n" + request(NOBODY))
        read = b""
        while b'"OFFERS"' not in read:
            more = connection.recv(4096)
            assert more
            read += more


def connect(cluster: LocalCluster) -> socket.socket:
    host, _, port = cluster.master.partition(":")
    return socket.create_connection((host, int(port)), timeout=PATIENCE)


def request(body: str) -> bytes:
    """A POST to the scheduler API."""
    head = "POST /api/v1/scheduler HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
    return f"{head}Content-Length: {len(body)}\r\n\r\n{body}".encode()


def test_calls_need_their_stream_and_its_id(cluster: LocalCluster) -> None:
    client = Client(cluster, {"failover_timeout": 100.0})
    client.expect("SUBSCRIBED")
    revive = json.dumps({"type": "REVIVE", "framework_id": client.id})
    assert post(cluster.master, revive, JSON) == (
        400,
        "All non-subscribe calls should include the 'Mesos-Stream-Id' header",
    )
    status, words = post(cluster.master, revive, {**JSON, "Mesos-Stream-Id": "another"})
    assert (status, words.startswith("The stream ID 'another' included in this request")) == (400, True)
    assert client.call("REVIVE") == 202
    client.close()
    wait_until(lambda: client.answer(json.loads(revive))[0] != 202, "the cluster sees the end of the stream")
    assert client.answer(json.loads(revive)) == (403, "Framework is not subscribed")

    again = Client(cluster, {"failover_timeout": 100.0, "id": client.id})
    assert again.expect("SUBSCRIBED")["subscribed"]["framework_id"] == client.id
    third = Client(cluster, {"failover_timeout": 100.0, "id": client.id})
    assert again.expect("ERROR")["error"]["message"] == "Framework failed over"
    assert again.event() is None
    third.expect("SUBSCRIBED")
    assert third.call("TEARDOWN") == 202
    while third.event() is not None:
        pass
    assert third.answer(json.loads(revive)) == (400, "Framework cannot be found")
    late = Client(cluster, {"id": client.id})
    assert late.event() == {"type": "ERROR", "error": {"message": "Framework has been removed"}}
    assert late.event() is None


def test_teardown_kills_the_tasks(cluster: LocalCluster) -> None:
    client = Client(cluster)
    client.launch(task("t", "echo $$ > one.pid; sleep 1000"))
    client.states("TASK_RUNNING")
    wait_until(lambda: pids_in(cluster.sandbox("t")), "it runs")
    [pid] = pids_in(cluster.sandbox("t"))
    client.call("TEARDOWN")
    wait_until(lambda: not alive(pid), "it is gone")


def test_two_frameworks_share(cluster: LocalCluster) -> None:
    first, second = Client(cluster), Client(cluster)
    offer = first.offer()
    first.call("DECLINE", decline={"offer_ids": [offer["id"]], "filters": {"refuse_seconds": 3600.0}})
    assert second.offer()["framework_id"] == second.id


def test_many_threads_and_tasks_at_once() -> None:
    with LocalCluster(agents=2, resources="cpus:1;mem:512") as cluster:
        failures: list[BaseException] = []

        def work(number: int) -> None:
            try:
                client = Client(cluster)
                waiting = [task(f"{number}-{task_id}", "exit 0") for task_id in range(10)]
                ends = []
                while len(ends) < 10:
                    event = client.event() or {}
                    for offer in event.get("offers", {}).get("offers", []):
                        # what is freed is offered in pieces
                        cpus = sum(r["scalar"]["value"] for r in offer["resources"] if r["name"] == "cpus")
                        fit = min(len(waiting), round(cpus * 10))
                        client.launch(*waiting[:fit], offer=offer)
                        del waiting[:fit]
                    if status := event.get("update", {}).get("status"):
                        client.acknowledge(status)
                        if status["state"] == "TASK_FINISHED":
                            ends.append(status["task_id"]["value"])
                assert sorted(ends) == sorted(f"{number}-{task_id}" for task_id in range(10))
                client.call("TEARDOWN")
            except BaseException as error:
                failures.append(error)
                raise

        threads = [threading.Thread(target=work, args=(number,)) for number in range(6)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(PATIENCE)
        assert not failures
        assert not any(thread.is_alive() for thread in threads)


def test_other_addresses(cluster: LocalCluster) -> None:
    def get(path: str) -> tuple[int, bytes]:
        connection = http.client.HTTPConnection(cluster.master, timeout=PATIENCE)
        connection.request("GET", path)
        response = connection.getresponse()
        answer = response.status, response.read()
        connection.close()
        return answer

    assert get("/health") == (200, b"")
    status, body = get("/version")
    assert (status, json.loads(body)["version"]) == (200, "1.11.0")
    assert get("/nothing") == (404, b"404 Not Found.")
