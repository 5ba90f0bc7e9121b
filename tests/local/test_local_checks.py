"""Checks and health checks on the embedded cluster: real commands, real servers, and what they leave."""

from __future__ import annotations

import contextlib
import http.server
import socket
import sys
import threading
from collections.abc import Iterator
from typing import Any

import pytest
from client import Client, alive, pids_in, task, wait_until
from mesos.local import LocalCluster

AT_ONCE = {"delay_seconds": 0, "interval_seconds": 0.02, "grace_period_seconds": 0}
SLEEPER = "touch up; exec sleep 1000"


@contextlib.contextmanager
def server(*codes: int) -> Iterator[int]:
    """Serve these status codes in turn, the last for ever, on the port."""
    left = list(codes)

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            assert self.path == "/health?x=1"
            self.send_response(left.pop(0) if len(left) > 1 else left[0])
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_: Any) -> None:
            pass

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as serving:
        thread = threading.Thread(target=serving.serve_forever, args=[0.01])
        thread.start()
        try:
            yield serving.server_address[1]
        finally:
            serving.shutdown()
            thread.join()


def test_a_command_looks_where_the_task_is(cluster: LocalCluster) -> None:
    client = Client(cluster)
    variables = {"variables": [{"name": "FILE", "value": "up"}]}
    command = {"value": "echo looked; echo $MESOS_TASK_ID >&2; test -e $FILE", "environment": variables}
    health = {"type": "COMMAND", "command": command, **AT_ONCE, "grace_period_seconds": 1000}
    client.launch(task("t", SLEEPER, health_check=health))
    client.states("TASK_RUNNING")
    assert client.status()["healthy"]
    assert cluster.stdout("t") == ""
    assert cluster.stderr("t").startswith("looked\nt\n"), "as with Mesos, it is the errors of the task"


def test_a_program_that_cannot_be_executed_is_no_health(cluster: LocalCluster) -> None:
    client = Client(cluster)
    command = {"shell": False, "value": "/no/such"}
    client.launch(task("t", SLEEPER, health_check={"type": "COMMAND", "command": command, **AT_ONCE}))
    statuses = [client.status() for _ in range(6)]
    assert [status.get("healthy") for status in statuses] == [None, None, False, False, False, False]
    assert statuses[-1]["state"] == "TASK_KILLED"


@pytest.mark.skipif(sys.platform != "linux", reason="looks into /proc")
def test_a_look_that_hangs_is_killed_with_all_that_it_started_and_the_task_is_not(
    cluster: LocalCluster,
) -> None:
    client = Client(cluster)
    script = "echo $$ > look.pid; sleep 1000 & echo $! > child.pid; wait"
    check = {"type": "COMMAND", "command": {"command": {"value": script}}, **AT_ONCE, "timeout_seconds": 0.5}
    del check["grace_period_seconds"]
    health = {"type": "COMMAND", "command": {"value": "test -s child.pid"}, **AT_ONCE}
    health |= {"grace_period_seconds": 1000, "interval_seconds": 0.01}
    client.launch(task("t", "echo $$ > task.txt; exec sleep 1000", check=check, health_check=health))
    client.states("TASK_RUNNING")
    assert client.status()["healthy"], "the look is under way"
    looks = pids_in(cluster.sandbox("t"))
    wait_until(lambda: not any(map(alive, looks)), "the look is gone")
    found = cluster.sandbox("t") / "task.txt"
    wait_until(lambda: found.exists() and found.read_text(), "the task has started")
    assert alive(int(found.read_text()))


@pytest.mark.skipif(sys.platform != "linux", reason="looks into /proc")
def test_a_look_ends_with_its_task(cluster: LocalCluster) -> None:
    client = Client(cluster)
    script = "echo $$ > look.pid; exec sleep 1000"
    health = {"type": "COMMAND", "command": {"value": script}, **AT_ONCE, "timeout_seconds": 1000}
    client.launch(task("t", "until test -s look.pid; do sleep 0.01; done", health_check=health))
    client.states("TASK_FINISHED")
    [look] = pids_in(cluster.sandbox("t"))
    wait_until(lambda: not alive(look), "the look is gone")


def test_health_over_http(cluster: LocalCluster) -> None:
    client = Client(cluster)
    with server(200, 503, 302, 404) as port:
        health = {"http": {"port": port, "path": "/health?x=1"}, "consecutive_failures": 2}
        client.launch(task("t", SLEEPER, health_check={"type": "HTTP", **health, **AT_ONCE}))
        client.states("TASK_RUNNING")
        statuses = [client.status() for _ in range(6)]
    assert [status.get("healthy") for status in statuses] == [True, False, True, False, False, False]
    assert statuses[-1]["state"] == "TASK_KILLED"


def test_a_check_over_http_and_one_over_tcp(cluster: LocalCluster) -> None:
    client = Client(cluster)
    times = {name: AT_ONCE[name] for name in ("delay_seconds", "interval_seconds")}
    with server(200, 200, 404) as port, socket.create_server(("127.0.0.1", 0)) as listener:
        http_check = {"type": "HTTP", "http": {"port": port, "path": "/health?x=1"}, **times}
        client.launch(task("http", SLEEPER, check=http_check))
        client.states("TASK_RUNNING")
        assert [client.status()["check_status"]["http"] for _ in range(2)] == [
            {"status_code": 200},
            {"status_code": 404},
        ]
        client.call("KILL", kill={"task_id": {"value": "http"}})
        client.states("TASK_KILLED")
        client.call("REVIVE")
        tcp_check = {"type": "TCP", "tcp": {"port": listener.getsockname()[1]}, **times}
        client.launch(task("tcp", SLEEPER, check=tcp_check))
        client.states("TASK_RUNNING")
        assert client.status()["check_status"]["tcp"] == {"succeeded": True}
        listener.close()
        assert client.status()["check_status"]["tcp"] == {"succeeded": False}


def test_a_task_of_an_executor_is_its_executors_to_check(cluster: LocalCluster) -> None:
    from test_local_executors import by_executor  # noqa: PLC0415 - the only test that needs it

    client = Client(cluster)
    health = {"type": "COMMAND", "command": {"value": "exit 1"}, **AT_ONCE, "consecutive_failures": 1}
    client.launch(by_executor("t", "TASK_RUNNING TASK_FINISHED", health_check=health))
    assert client.states("TASK_FINISHED") == ["TASK_RUNNING", "TASK_FINISHED"]
