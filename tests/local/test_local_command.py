"""`python -m mesos local`: a cluster in the foreground."""

from __future__ import annotations

import contextlib
import http.client
import signal
import subprocess
import sys
from collections.abc import Iterator

import pytest
from client import PATIENCE

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


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--agents", "0"], "agents: a number from 1 to 1000"),
        (["--resources", "cpus", "--port", "0"], "resources"),
        (["--port", "x"], "--port"),
    ],
)
def test_bad_arguments_are_named(arguments: list[str], words: str) -> None:
    done = subprocess.run([*COMMAND, *arguments], capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert words in done.stderr
