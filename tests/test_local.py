"""The embedded cluster from outside: Mesos' scheduler API over HTTP, real processes, and the end of both."""

from __future__ import annotations

import base64
import http.client
import json
import os
import re
import signal
import socket
import subprocess
import sys
import textwrap
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

import pytest
from mesos.errors import ConfigurationError
from mesos.local import LocalCluster

if TYPE_CHECKING:
    from collections.abc import Iterator

JSON = {"Content-Type": "application/json"}
PATIENCE = 20.0


class Client:
    """A scheduler that speaks JSON by hand, record by record."""

    opened: ClassVar[list[Client]] = []

    def __init__(
        self, cluster: LocalCluster, framework: dict[str, Any] | None = None, **subscribe: Any
    ) -> None:
        self.master = cluster.master
        self.framework = {"user": "nobody", "name": "test", **(framework or {})}
        self.connection = http.client.HTTPConnection(self.master, timeout=PATIENCE)
        call: dict[str, Any] = {
            "type": "SUBSCRIBE",
            "subscribe": {"framework_info": self.framework, **subscribe},
        }
        if "id" in self.framework:
            call["framework_id"] = self.framework["id"]
        self.connection.request(
            "POST", "/api/v1/scheduler", json.dumps(call), {**JSON, "Accept": "application/json"}
        )
        self.response = self.connection.getresponse()
        assert self.response.status == 200, self.response.read()
        self.stream_id = self.response.headers["Mesos-Stream-Id"]
        self.id: dict[str, str] = {}
        self.opened.append(self)

    def event(self) -> dict[str, Any] | None:
        """The next event; None at the end of the stream."""
        length = b""
        while not length.endswith(b"\n"):
            byte = self.response.read(1)
            if not byte:
                return None
            length += byte
        event: dict[str, Any] = json.loads(self.response.read(int(length)))
        if event["type"] == "SUBSCRIBED":
            self.id = event["subscribed"]["framework_id"]
        return event

    def expect(self, kind: str) -> dict[str, Any]:
        """The next event of a kind; others are skipped."""
        while (event := self.event()) is not None:
            if event["type"] == kind:
                return event
        raise AssertionError(f"the stream ended without {kind}")

    def offer(self) -> dict[str, Any]:
        offers: list[dict[str, Any]] = self.expect("OFFERS")["offers"]["offers"]
        return offers[0]

    def status(self, acknowledge: bool = True) -> dict[str, Any]:
        status: dict[str, Any] = self.expect("UPDATE")["update"]["status"]
        if acknowledge and "uuid" in status:
            self.acknowledge(status)
        return status

    def states(self, last: str) -> list[str]:
        """Acknowledge statuses up to this state, and return the states."""
        states: list[str] = []
        while not states or states[-1] != last:
            states.append(self.status()["state"])
        return states

    def call(self, kind: str, **body: Any) -> int:
        return self.answer({"type": kind, "framework_id": self.id, **body})[0]

    def answer(self, call: dict[str, Any]) -> tuple[int, str]:
        return post(self.master, json.dumps(call), {**JSON, "Mesos-Stream-Id": self.stream_id})

    def acknowledge(self, status: dict[str, Any]) -> None:
        body = {key: status[key] for key in ("agent_id", "task_id", "uuid")}
        assert self.call("ACKNOWLEDGE", acknowledge=body) == 202

    def launch(self, *tasks: dict[str, Any], offer: dict[str, Any] | None = None) -> None:
        offer = offer or self.offer()
        infos = [{"agent_id": offer["agent_id"], **task} for task in tasks]
        operation = {"type": "LAUNCH", "launch": {"task_infos": infos}}
        body = {"offer_ids": [offer["id"]], "operations": [operation], "filters": {"refuse_seconds": 0.0}}
        assert self.call("ACCEPT", accept=body) == 202

    def close(self) -> None:
        self.response.close()
        self.connection.close()


def scalar(name: str, value: float) -> dict[str, Any]:
    return {"name": name, "type": "SCALAR", "scalar": {"value": value}}


def task(task_id: str, command: str | dict[str, Any], **more: Any) -> dict[str, Any]:
    return {
        "name": task_id,
        "task_id": {"value": task_id},
        "resources": [scalar("cpus", 0.1), scalar("mem", 32)],
        "command": {"value": command} if isinstance(command, str) else command,
        **more,
    }


def post(
    master: str, body: str | bytes | None, headers: dict[str, str], method: str = "POST"
) -> tuple[int, str]:
    connection = http.client.HTTPConnection(master, timeout=PATIENCE)
    try:
        connection.request(method, "/api/v1/scheduler", body, headers)
        response = connection.getresponse()
        return response.status, response.read().decode()
    finally:
        connection.close()


def alive(pid: int) -> bool:
    """Whether a process runs: a zombie does not."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return False
    return stat.rsplit(") ", 1)[1][0] not in "ZX"


def wait_until(condition: Any, what: str) -> None:
    deadline = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < deadline, f"{what}: not within {PATIENCE:.0f} s"
        time.sleep(0.005)


@pytest.fixture(autouse=True)
def _close_clients() -> Iterator[None]:
    yield
    while Client.opened:
        Client.opened.pop().close()


@pytest.fixture
def cluster() -> Iterator[LocalCluster]:
    with LocalCluster() as cluster:
        yield cluster


def test_subscribe_offer_launch_finish(cluster: LocalCluster) -> None:
    client = Client(cluster)
    subscribed = client.expect("SUBSCRIBED")["subscribed"]
    assert subscribed["heartbeat_interval_seconds"] == 15.0
    assert subscribed["master_info"]["address"] == {
        "hostname": "127.0.0.1",
        "ip": "127.0.0.1",
        "port": int(cluster.master.split(":")[1]),
    }
    assert (client.event() or {})["type"] == "HEARTBEAT"
    offer = client.offer()
    assert offer["framework_id"] == client.id
    assert [resource["name"] for resource in offer["resources"]] == ["ports", "cpus", "mem", "disk"]
    client.launch(task("hello", "echo out; echo err >&2"), offer=offer)
    statuses = [client.status() for _ in range(3)]
    assert [status["state"] for status in statuses] == ["TASK_STARTING", "TASK_RUNNING", "TASK_FINISHED"]
    assert statuses[2]["message"] == "Command exited with status 0"
    assert all(len(base64.b64decode(status["uuid"])) == 16 for status in statuses)
    assert (cluster.stdout("hello"), cluster.stderr("hello")) == ("out\n", "err\n")
    assert cluster.sandbox("hello").is_dir()


def test_protobuf_is_the_same_api(cluster: LocalCluster) -> None:
    from mesos.v1.scheduler import Call, Event  # noqa: PLC0415 - the only test that needs messages

    call = Call(type="SUBSCRIBE", subscribe={"framework_info": {"user": "nobody", "name": "binary"}})
    headers = {"Content-Type": "application/x-protobuf", "Accept": "application/x-protobuf"}
    connection = http.client.HTTPConnection(cluster.master, timeout=PATIENCE)
    connection.request("POST", "/api/v1/scheduler", call.SerializeToString(), headers)
    response = connection.getresponse()
    assert response.headers["Content-Type"] == "application/x-protobuf"

    def event() -> Event:
        length = b""
        while not length.endswith(b"\n"):
            length += response.read(1)
        return Event.FromString(response.read(int(length)))

    events = [event() for _ in range(3)]
    assert [event.type.name for event in events] == ["SUBSCRIBED", "HEARTBEAT", "OFFERS"]
    framework_id = events[0].subscribed.framework_id
    assert events[2].offers.offers[0].framework_id.value == framework_id.value
    teardown = Call(type="TEARDOWN", framework_id=framework_id)
    headers["Mesos-Stream-Id"] = response.headers["Mesos-Stream-Id"]
    assert post(cluster.master, teardown.SerializeToString(), headers) == (202, "")
    assert response.read() == b""
    connection.close()


@pytest.mark.parametrize(
    ("command", "state", "message"),
    [
        ("exit 3", "TASK_FAILED", "Command exited with status 3"),
        ("kill -9 $$", "TASK_FAILED", "Command terminated with signal Killed"),
        (
            {"shell": False, "value": "/bin/echo", "arguments": ["echo", "a b", "c"]},
            "TASK_FINISHED",
            "Command exited with status 0",
        ),
        (
            {"shell": False, "value": "printf", "arguments": ["printf", "x"]},
            "TASK_FINISHED",
            "Command exited with status 0",
        ),
        (
            {"shell": False, "value": "/no/such", "arguments": ["such"]},
            "TASK_FAILED",
            "Command exited with status 1: Failed to execute '/no/such': No such file or directory",
        ),
    ],
)
def test_how_commands_end(cluster: LocalCluster, command: Any, state: str, message: str) -> None:
    client = Client(cluster)
    client.launch(task("t", command))
    while (status := client.status())["state"] != state:
        pass
    assert status["message"] == message


def test_a_task_has_its_own_surroundings(cluster: LocalCluster, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MESOS_MASTER", "not for tasks")
    monkeypatch.setenv("FOR_TASKS", "inherited")
    script = """
        env
        pwd
        ls -l /proc/self/fd | tail -n +2 | wc -l
        grep -E 'Sig(Blk|Ign)' /proc/self/status
        cut -d' ' -f5,6 /proc/self/stat
        echo $$
    """
    with LocalCluster() as own:
        client = Client(own)
        environment = {"variables": [{"name": "GREETING", "type": "VALUE", "value": "hello, world"}]}
        client.launch(task("t", {"value": textwrap.dedent(script), "environment": environment}))
        client.states("TASK_FINISHED")
        lines = own.stdout("t").splitlines()
        sandbox = own.sandbox("t")
        agents, frameworks = sandbox.parts[-8], sandbox.parts[-6]
        assert (agents, frameworks, sandbox.parts[-4], sandbox.parts[-3]) == (
            "agents",
            "frameworks",
            "executors",
            "t",
        )
    variables = dict(line.split("=", 1) for line in lines if re.match(r"\w+=", line))
    assert variables["GREETING"] == "hello, world"
    assert variables["FOR_TASKS"] == "inherited"
    assert "MESOS_MASTER" not in variables
    assert variables["MESOS_SANDBOX"] == variables["MESOS_DIRECTORY"] == str(sandbox)
    assert (variables["MESOS_TASK_ID"], variables["MESOS_EXECUTOR_ID"]) == ("t", "t")
    assert variables["MESOS_FRAMEWORK_ID"] == client.id["value"]
    directory, descriptors, blocked, ignored, session, shell = lines[-6:]
    assert directory == str(sandbox)
    assert int(descriptors) == 4, "0 to 2, and the directory that ls reads"
    own = 1 << 31 | 1 << 32  # 32 and 33 are the C library's: make starts its children with them ignored
    assert int(blocked.split()[1], 16) == int(ignored.split()[1], 16) & ~own == 0
    assert session.split() == [shell, shell], "it leads its own group and session"


def test_kill_terminates_and_then_kills(cluster: LocalCluster) -> None:
    client = Client(cluster, {"capabilities": [{"type": "TASK_KILLING_STATE"}]})
    client.launch(task("polite", "trap 'echo bye; exit 0' TERM; echo ready; while :; do sleep 0.01; done"))
    client.states("TASK_RUNNING")
    wait_until(lambda: cluster.stdout("polite") == "ready\n", "the trap is set")
    assert client.call("KILL", kill={"task_id": {"value": "polite"}}) == 202
    assert client.states("TASK_KILLED") == ["TASK_KILLING", "TASK_KILLED"]
    assert cluster.stdout("polite") == "ready\nbye\n"

    stubborn = task("stubborn", "trap '' TERM; echo ready; while :; do sleep 0.01; done")
    client.call("REVIVE")
    client.launch(stubborn)
    client.states("TASK_RUNNING")
    wait_until(lambda: cluster.stdout("stubborn") == "ready\n", "the trap is set")
    grace = {"grace_period": {"nanoseconds": 50_000_000}}
    client.call("KILL", kill={"task_id": {"value": "stubborn"}, "kill_policy": grace})
    assert client.states("TASK_KILLED") == ["TASK_KILLING", "TASK_KILLED"]


def pids_in(directory: Path) -> list[int]:
    return [int(path.read_text()) for path in directory.rglob("*.pid") if path.read_text().strip()]


#: A background child, a grandchild, one in a process group of its own (as job control makes them), a daemon.
FAMILY = """
    sleep 1000 & echo $! > one.pid
    (sleep 1000 & echo $! > two.pid; wait) &
    python3 -c '
import os, time
os.setpgid(0, 0)
open("three.pid", "w").write(str(os.getpid()))
time.sleep(1000)' &
    setsid sh -c 'echo $$ > five.pid; exec sleep 1000' &
    while [ ! -s three.pid ] || [ ! -s two.pid ] || [ ! -s five.pid ]; do sleep 0.01; done
    echo $$ > four.pid
    sleep 1000
"""


@pytest.mark.skipif(sys.platform != "linux", reason="looks into /proc")
def test_a_kill_reaches_the_whole_session(cluster: LocalCluster) -> None:
    client = Client(cluster)
    client.launch(task("family", FAMILY))
    client.states("TASK_RUNNING")
    wait_until(lambda: len(pids_in(cluster.sandbox("family"))) == 5, "the family is complete")
    pids = pids_in(cluster.sandbox("family"))
    assert all(map(alive, pids))
    client.call("KILL", kill={"task_id": {"value": "family"}})
    client.states("TASK_KILLED")
    wait_until(lambda: not any(map(alive, pids)), "all are gone")


@pytest.mark.skipif(sys.platform != "linux", reason="looks into /proc")
def test_what_a_task_leaves_behind_ends_with_it(cluster: LocalCluster) -> None:
    client = Client(cluster)
    client.launch(task("t", FAMILY.replace("echo $$ > four.pid\n    sleep 1000", "exit 0")))
    client.states("TASK_FINISHED")
    pids = pids_in(cluster.sandbox("t"))
    assert len(pids) == 4
    wait_until(lambda: not any(map(alive, pids)), "all are gone")


def test_close_ends_streams_tasks_and_files() -> None:
    cluster = LocalCluster(agents=2)
    client = Client(cluster)
    offers = client.expect("OFFERS")["offers"]["offers"]
    assert len({offer["agent_id"]["value"] for offer in offers}) == 2
    client.launch(task("t", FAMILY), offer=offers[0])
    client.states("TASK_RUNNING")
    sandbox = cluster.sandbox("t")
    wait_until(lambda: len(pids_in(sandbox)) == 5, "the family is complete")
    pids = pids_in(sandbox)
    began = time.monotonic()
    cluster.close()
    assert time.monotonic() - began < PATIENCE / 2, "its tasks would take 1000 seconds"
    assert not any(map(alive, pids))
    assert not sandbox.exists()
    while client.event() is not None:
        pass
    with pytest.raises(OSError, match="refused"):
        socket.create_connection(("127.0.0.1", int(cluster.master.split(":")[1])), PATIENCE)
    cluster.close()
    assert "closed" in repr(cluster)


def test_a_given_directory_is_kept(tmp_path: Path) -> None:
    with LocalCluster(work_dir=tmp_path / "new" / "work") as cluster:
        client = Client(cluster)
        client.launch(task("t", "echo kept"))
        client.states("TASK_FINISHED")
    assert cluster.stdout("t") == "kept\n"
    assert cluster.sandbox("t").is_relative_to(tmp_path)


@pytest.mark.skipif(sys.platform != "linux", reason="looks into /proc")
@pytest.mark.parametrize("forked", [False, True], ids=["alone", "with a forked child"])
def test_nothing_outlives_a_process_that_is_killed(tmp_path: Path, forked: bool) -> None:
    program = f"""
        import os, sys, time
        sys.path.insert(0, {str(Path(__file__).parent)!r})
        from test_local import FAMILY, Client, task, LocalCluster
        cluster = LocalCluster(work_dir={str(tmp_path)!r})
        client = Client(cluster)
        client.launch(task("t", FAMILY))
        client.states("TASK_RUNNING")
        if {forked} and os.fork() == 0:
            os.write(1, b"%d\\n" % os.getpid())
            time.sleep(1000)
        os.write(1, b"%d\\n" % os.getpid())
        time.sleep(1000)
    """
    python = subprocess.Popen(
        [sys.executable, "-c", textwrap.dedent(program)], stdout=subprocess.PIPE, text=True
    )
    assert python.stdout is not None
    children: list[int] = []
    try:
        printed = [int(python.stdout.readline()) for _ in range(1 + forked)]
        children = [pid for pid in printed if pid != python.pid]
        wait_until(lambda: len(pids_in(tmp_path)) == 5, "the family is complete")
        pids = pids_in(tmp_path)
        assert all(map(alive, pids))
        python.kill()
        python.wait()
        wait_until(lambda: not any(map(alive, pids)), "all are gone")
        assert all(map(alive, children)), "the forked child is none of the tasks"
    finally:
        for pid in children:
            os.kill(pid, signal.SIGKILL)
        python.kill()
        python.stdout.close()
        python.wait()


@pytest.mark.parametrize(
    "half", [b"POST /api/v1/sch", b"POST /api/v1/scheduler HTTP/1.1\r\nContent-Length: 9\r\n\r\n{"]
)
def test_closing_ends_connections_that_are_in_the_middle_of_a_request(half: bytes) -> None:
    with LocalCluster() as cluster:
        host, port = cluster.master.split(":")
        connection = socket.create_connection((host, int(port)), timeout=PATIENCE)
        connection.sendall(half)
        assert Client(cluster).event(), "the cluster has seen it"
    with connection:
        assert connection.recv(1000) == b""


def test_a_batch_of_launches_keeps_nobody_waiting(tmp_path: Path) -> None:
    with LocalCluster(resources="cpus:1000;mem:100000", work_dir=tmp_path) as cluster:
        client = Client(cluster)
        client.launch(*[task(str(number), "true") for number in range(400)])
        assert Client(cluster).event(), "another framework is let in"
        started = len(list(tmp_path.glob("agents/*/frameworks/*/executors/*")))
        assert started < 400
        client.call("TEARDOWN")


@pytest.mark.skipif(not hasattr(os, "fork"), reason="forks")
def test_a_forked_child_gets_a_default_of_its_own_and_leaves_the_parents_alone() -> None:
    program = """
        import os, sys, threading, warnings
        warnings.simplefilter("ignore", DeprecationWarning)
        sys.path.insert(0, sys.argv[1])
        from test_local import Client, task, LocalCluster
        from mesos.errors import ForkedDriverError
        parent = LocalCluster.default()
        assert LocalCluster.default() is parent
        client = Client(parent)
        client.launch(task("t", "sleep 1000"))
        client.states("TASK_RUNNING")
        pid = os.fork()
        if pid == 0:
            assert "closed" in repr(parent)
            try:
                parent.stdout("t")
            except ForkedDriverError as error:
                assert "LocalCluster" in str(error)
            parent.close()
            own = LocalCluster.default()
            assert own is not parent and own.master != parent.master
            other = Client(own)
            other.launch(task("u", "echo child"))
            other.states("TASK_FINISHED")
            assert own.stdout("u") == "child\\n"
            own.close()
            sys.exit(0)
        assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 0
        assert client.call("KILL", kill={"task_id": {"value": "t"}}) == 202
        assert client.states("TASK_KILLED") == ["TASK_KILLED"]
        parent.close()
        again = LocalCluster.default()
        assert again is not parent
        print("ok")
    """
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(program), str(Path(__file__).parent)],
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        check=False,
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, "ok\n", "")


def run_alone(program: str) -> None:
    """Run a program that prints "ok" and nothing else."""
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(program), str(Path(__file__).parent)],
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        check=False,
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, "ok\n", "")


@pytest.mark.skipif(not hasattr(os, "fork"), reason="forks")
def test_forks_at_any_moment_keep_no_cluster_from_closing() -> None:
    run_alone("""
        import os, signal, sys, threading, time, warnings
        warnings.simplefilter("ignore", DeprecationWarning)
        sys.path.insert(0, sys.argv[1])
        from test_local import LocalCluster
        children, enough = [], threading.Event()
        def fork():
            while not enough.wait(0.001):
                if (pid := os.fork()) == 0:
                    time.sleep(1000)
                children.append(pid)
        forking = threading.Thread(target=fork)
        forking.start()
        while len(children) < 20:
            LocalCluster().close()
        enough.set()
        forking.join()
        for pid in children:
            os.kill(pid, signal.SIGKILL)
            os.waitpid(pid, 0)
        print("ok")
    """)


@pytest.mark.skipif(not hasattr(os, "fork"), reason="forks")
def test_a_master_notices_an_abort_although_a_forked_child_has_the_connection() -> None:
    run_alone("""
        import os, signal, sys, threading, time, warnings
        warnings.simplefilter("ignore", DeprecationWarning)
        sys.path.insert(0, sys.argv[1])
        import mesos
        from test_local import Path, alive, wait_until
        running = threading.Event()
        class Scheduler(mesos.Scheduler):
            def resource_offers(self, driver, offers):
                command = {"value": "echo $$ > pid; exec sleep 1000"}
                task = {"name": "t", "task_id": "t", "command": command}
                driver.launch_tasks(offers[0], [{**task, "resources": mesos.Resources(cpus=1, mem=32)}])
            def status_update(self, driver, status):
                if status.state == mesos.TASK_RUNNING:
                    running.set()
        with mesos.LocalCluster() as cluster:
            driver = mesos.SchedulerDriver(Scheduler(), "test", cluster, dispatcher="thread")
            driver.start()
            assert running.wait(20)
            pid = cluster.sandbox("t") / "pid"
            wait_until(lambda: pid.exists() and pid.read_text().strip(), "the task runs")
            child = os.fork()
            if child == 0:
                time.sleep(1000)
            driver.abort()
            wait_until(lambda: not alive(int(pid.read_text())), "the framework and its task are gone")
            os.kill(child, signal.SIGKILL)
            os.waitpid(child, 0)
        print("ok")
    """)


def test_an_open_cluster_is_closed_at_exit_and_when_it_is_collected(tmp_path: Path) -> None:
    program = """
        import sys
        sys.path.insert(0, sys.argv[1])
        from test_local import Client, LocalCluster, pids_in, task, wait_until
        for name in ("collected", "open"):
            cluster = LocalCluster(work_dir=sys.argv[2])
            client = Client(cluster)
            client.launch(task(name, "echo $$ > one.pid; sleep 1000"))
            client.states("TASK_RUNNING")
            wait_until(lambda: pids_in(cluster.sandbox(name)), "the task runs")
    """
    subprocess.run(
        [sys.executable, "-c", textwrap.dedent(program), str(Path(__file__).parent), str(tmp_path)],
        timeout=PATIENCE,
        check=True,
    )
    pids = pids_in(tmp_path)
    assert len(pids) == 2
    assert not any(map(alive, pids))


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({"agents": 0}, "agents: a number from 1 to 1000"),
        ({"agents": True}, "agents"),
        ({"agents": "1"}, "agents"),
        ({"port": 65536}, "port: a number from 0 to 65535"),
        ({"port": -1}, "port"),
        ({"resources": "cpus"}, "resources=\"cpus\": 'cpus' is not NAME:AMOUNT"),
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
