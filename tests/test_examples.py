"""Every example runs, on the embedded cluster, as a user would run it; so do the snippets of the docs."""

from __future__ import annotations

import json
import os
import pathlib
import re
import signal
import socket
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest

ROOT = pathlib.Path(__file__).parents[1]
SNIPPETS = re.findall(r"```python\n(.*?)```", (ROOT / "README.md").read_text(), re.DOTALL)


PAGES = sorted((ROOT / "docs").glob("*.md"))


def run(*arguments: object, code: int = 0) -> subprocess.CompletedProcess[str]:
    done = subprocess.run(
        [sys.executable, *map(str, arguments)], text=True, capture_output=True, timeout=50, check=False
    )
    assert done.returncode == code, f"{done.stdout}\n{done.stderr}"
    return done


def test_hello_shows_states_and_outputs_on_readable_lines() -> None:
    lines = run(ROOT / "examples" / "hello.py").stdout.splitlines()
    assert lines[0].startswith("registered as ")
    assert lines[-1] == "5 of 5 tasks finished; DRIVER_STOPPED"
    for task, output in (("greet", "Hello, Mesos!"), ("count", "1 2 3 done"), ("think", "the answer is 42")):
        states = [line.split()[1] for line in lines if line.startswith(task) and "|" not in line]
        assert states == ["TASK_STARTING", "TASK_RUNNING", "TASK_FINISHED"]
        assert f"{task:<8}| {output}" in lines


def test_hello_says_what_is_wrong_with_a_bad_master() -> None:
    done = run(ROOT / "examples" / "hello.py", "ftp://nowhere", code=1)
    assert "ConfigurationError" in done.stderr
    assert "ftp" in done.stderr


@pytest.mark.parametrize("number", range(2))
def test_readme_snippets_run_to_their_end(number: int, tmp_path: pathlib.Path) -> None:
    script = tmp_path / "snippet.py"
    script.write_text(SNIPPETS[number])
    assert "TASK_FINISHED" in run(script).stdout


def test_readme_notebook_cell_registers_on_a_running_loop(tmp_path: pathlib.Path) -> None:
    cell = "".join(f"    {line}\n" for line in SNIPPETS[2].splitlines())
    script = tmp_path / "cell.py"
    script.write_text(
        "import asyncio\nasync def main():\n" + cell + "    while not hasattr(watch, 'offers'):\n"
        "        await asyncio.sleep(0.01)\n    print(len(watch.offers), 'offers')\n    driver.stop()\n"
        "    await driver.wait()\nasyncio.run(main())\n"
    )
    assert run(script).stdout == "2 offers\n"


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_snippets_of_a_page_run_one_after_the_other(page: pathlib.Path) -> None:
    names: dict[str, object] = {}
    for snippet in re.findall(r"```python\n(.*?)```", page.read_text(), re.DOTALL):
        exec(compile(snippet, page.name, "exec"), names)


@pytest.mark.parametrize("switch", ["", "MESOS_EXPLICIT_ACKNOWLEDGEMENTS", "MESOS_CHECKPOINT"])
def test_the_pair_of_scheduler_and_executor(monkeypatch: pytest.MonkeyPatch, switch: str) -> None:
    if switch:
        monkeypatch.setenv(switch, "1")
    lines = run(ROOT / "examples" / "test_framework.py").stdout.splitlines()
    assert lines[-1] == "all 5 tasks have finished, and all 5 messages came back"
    for task in range(5):
        states = [line.split()[-1] for line in lines if line.startswith(f"task {task} ")]
        assert states == ["TASK_RUNNING", "TASK_FINISHED"]


@pytest.fixture
def service() -> Iterator[str]:
    """The web service, on the embedded cluster; what it printed is its address."""
    command = [sys.executable, str(ROOT / "examples" / "web_service.py"), "--port", "0"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as running:
        assert running.stdout is not None
        try:
            yield running.stdout.readline().strip()
        finally:
            running.send_signal(signal.SIGINT)
        assert running.wait(20) == 0


def post(address: str, body: object) -> tuple[int, dict[str, str]]:
    data = body if isinstance(body, bytes) else json.dumps(body).encode()
    try:
        with urllib.request.urlopen(urllib.request.Request(address, data), timeout=30) as answer:
            return answer.status, json.load(answer)
    except urllib.error.HTTPError as refused:
        with refused:
            return refused.code, json.load(refused)


def test_web_service_answers_when_tasks_have_ended(service: str) -> None:
    jobs = [({"command": "true"}, "TASK_FINISHED"), ({"command": "exit 3"}, "TASK_FAILED")] * 3
    # together they need more than the cluster has: those that find no room wait for the others
    jobs += [({"command": "true", "resources": {"cpus": 3, "mem": 64}}, "TASK_FINISHED")] * 3
    with ThreadPoolExecutor(len(jobs)) as clients:
        answers = list(clients.map(lambda job: post(service, job[0]), jobs))
    assert [code for code, _ in answers] == [200] * len(jobs)
    assert [answer["state"] for _, answer in answers] == [state for _, state in jobs]
    assert len({answer["task_id"] for _, answer in answers}) == len(jobs)
    assert post(service, jobs[0][0])[1]["state"] == "TASK_FINISHED", "offers come again after a while without"


@pytest.mark.parametrize(
    ("path", "body", "code", "words"),
    [
        ("", b"{", 400, "JSONDecodeError"),
        ("", {"cmd": "true"}, 400, "command"),
        ("", {"command": 3}, 400, "must be text"),
        ("", {"command": "true", "resources": {"cpus": "many"}}, 400, "cpus"),
        ("/elsewhere", {"command": "true"}, 404, "only /run"),
    ],
)
def test_web_service_says_what_is_wrong_with_a_request(
    service: str, path: str, body: object, code: int, words: str
) -> None:
    answered, answer = post(service + path, body)
    assert answered == code
    assert words in answer["error"]


def test_web_service_ends_the_task_of_a_client_that_hangs_up(service: str, tmp_path: pathlib.Path) -> None:
    fifo = tmp_path / "fifo"
    os.mkfifo(fifo)
    host, _, port = service.removeprefix("http://").removesuffix("/run").partition(":")
    body = json.dumps({"command": f"exec sleep 1000 > {fifo}"}).encode()
    with socket.create_connection((host, int(port))) as client:
        client.sendall(b"POST /run HTTP/1.1\r\nContent-Length: %d\r\n\r\n%s" % (len(body), body))
        task = fifo.open("rb")  # the task is there, and holds the other end
    with task:
        assert task.read() == b"", "it has let go of it: it has ended"
