"""`python -m mesos local`: a cluster in the foreground."""

from __future__ import annotations

import contextlib
import http.client
import json
import signal
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest
from client import JSON, PATIENCE, Client

COMMAND = [sys.executable, "-m", "mesos", "local"]


@contextlib.contextmanager
def running(*arguments: str) -> Iterator[subprocess.Popen[str]]:
    with subprocess.Popen([*COMMAND, *arguments], stdout=subprocess.PIPE, text=True) as process:
        try:
            yield process
        finally:
            process.kill()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_it_serves_until_it_is_told_to_end(number: signal.Signals) -> None:
    with running("--port", "0", "--agents", "2", "--resources", "cpus:1;mem:64") as process:
        assert process.stdout is not None
        lines = [process.stdout.readline().split() for _ in range(3)]
        assert [line[0] for line in lines] == ["master", "agent", "agent"]
        for line in lines:
            connection = http.client.HTTPConnection(line[1], timeout=PATIENCE)
            connection.request("GET", "/version")
            assert connection.getresponse().status == 200
            connection.close()
        process.send_signal(number)
        assert process.wait(PATIENCE) == 0


def test_each_flag_has_its_effect(tmp_path: Path) -> None:
    cluster = ["--port", "0", "--agents", "2", "--attributes", "rack:a", "--attributes", "rack:b"]
    more = ["--offer-timeout", "0.1", "--authenticate-executors", "--domain-sockets"]
    with running(*cluster, *more, "--work-dir", str(tmp_path)) as process:
        assert process.stdout is not None
        master, agent, _ = [process.stdout.readline().split()[1] for _ in range(3)]
        with urllib.request.urlopen(f"http://{master}/slaves", timeout=PATIENCE) as answer:
            slaves = json.load(answer)["slaves"]
        assert sorted(slave["attributes"]["rack"] for slave in slaves) == ["a", "b"]
        assert Client(master).expect("RESCIND")
        connection = http.client.HTTPConnection(agent, timeout=PATIENCE)
        connection.request("POST", "/api/v1/executor", "{}", JSON)
        assert connection.getresponse().status == 401
        connection.close()
        assert len([path for path in tmp_path.rglob("*") if path.is_socket()]) == 2
        process.terminate()
        assert process.wait(PATIENCE) == 0


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--agents", "0"], "agents: a number from 1 to 1000"),
        (["--resources", "cpus", "--port", "0"], "resources"),
        (["--port", "x"], "--port"),
        (["--attributes", "a:1", "--attributes", "a:2"], "attributes: 2 texts are more than the agents=1"),
        (["--offer-timeout", "0"], "offer_timeout: a number of seconds above 0"),
    ],
)
def test_bad_arguments_are_named(arguments: list[str], words: str) -> None:
    done = subprocess.run([*COMMAND, *arguments], capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert words in done.stderr
