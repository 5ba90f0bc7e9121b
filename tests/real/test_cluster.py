"""The fixture itself: real daemons, our stand-ins for Mesos' executors, and nothing left behind.

A framework of a few lines speaks the v1 API in JSON here, so that what these tests say of the cluster does
not hang on the library that the other tests then try on it.
"""

from __future__ import annotations

import base64
import http.client
import json
import tarfile
from collections.abc import Iterator
from pathlib import Path
from types import TracebackType
from typing import Any

import pytest

from .cluster import ClusterError, Daemon, RealCluster, wait_until
from .setup import RealMesos

HEADERS = {"Content-Type": "application/json", "Accept": "application/json"}
MARGIN = 30.0  # seconds without an event, after which a test fails


class Framework:
    """A subscribed framework; leaving `with` tears it down."""

    def __init__(self, cluster: RealCluster, **info: Any) -> None:
        self.master = cluster.master
        self.stream = http.client.HTTPConnection(self.master, timeout=MARGIN)
        body = {"framework_info": {"user": "nobody", "name": "raw", **info}}
        self.stream.request(
            "POST", "/api/v1/scheduler", json.dumps({"type": "SUBSCRIBE", "subscribe": body}), HEADERS
        )
        self.response = self.stream.getresponse()
        assert self.response.status == http.client.OK
        self.headers = HEADERS | {"Mesos-Stream-Id": self.response.headers["Mesos-Stream-Id"]}
        self.id = next(self.events("SUBSCRIBED"))["framework_id"]

    def events(self, *kinds: str) -> Iterator[Any]:
        """Yield the bodies of events of these types; the others are dropped."""
        while length := self.response.readline():
            event = json.loads(self.response.read(int(length)))
            if event["type"] in kinds:
                yield event[event["type"].lower()]

    def call(self, kind: str, **body: Any) -> None:
        connection = http.client.HTTPConnection(self.master, timeout=MARGIN)
        call = {"type": kind, "framework_id": self.id, kind.lower(): body}
        connection.request("POST", "/api/v1/scheduler", json.dumps(call), self.headers)
        response = connection.getresponse()
        refusal = response.read()
        connection.close()
        assert response.status == http.client.ACCEPTED, refusal

    def accept(self, *tasks: dict[str, Any], group: bool = False) -> None:
        """Launch tasks on the next offer."""
        offer = next(self.events("OFFERS"))["offers"][0]
        infos = [
            {
                "name": task["task_id"]["value"],
                "agent_id": offer["agent_id"],
                "resources": resources(0.1),
                **task,
            }
            for task in tasks
        ]
        operation: dict[str, Any] = {"type": "LAUNCH", "launch": {"task_infos": infos}}
        if group:
            executor = {
                "type": "DEFAULT",
                "executor_id": {"value": "group"},
                "framework_id": self.id,
                "resources": resources(0.1),
            }
            launch = {"executor": executor, "task_group": {"tasks": infos}}
            operation = {"type": "LAUNCH_GROUP", "launch_group": launch}
        self.call("ACCEPT", offer_ids=[offer["id"]], operations=[operation], filters={"refuse_seconds": 0.1})

    def updates(self) -> Iterator[Any]:
        """Yield status updates, each acknowledged."""
        for update in self.events("UPDATE"):
            status = update["status"]
            if "uuid" in status:
                identity = {key: status[key] for key in ("agent_id", "task_id", "uuid")}
                self.call("ACKNOWLEDGE", **identity)
            yield status

    def states(self, count: int) -> dict[str, list[str]]:
        """Return the states of `count` tasks until each has ended."""
        seen: dict[str, list[str]] = {}
        ended = 0
        for status in self.updates():
            states = seen.setdefault(status["task_id"]["value"], [])
            if status["state"] not in states:
                states.append(status["state"])
                ended += status["state"] not in ("TASK_STARTING", "TASK_RUNNING", "TASK_KILLING")
            if ended == count:
                break
        return seen

    def close(self) -> None:
        """Leave without a word."""
        self.response.close()
        self.stream.close()

    def __enter__(self) -> Framework:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        try:
            self.call("TEARDOWN")
        finally:
            self.close()


def resources(cpus: float) -> list[dict[str, Any]]:
    return [
        {"name": name, "type": "SCALAR", "scalar": {"value": value}}
        for name, value in (("cpus", cpus), ("mem", 32), ("disk", 1))
    ]


def task(name: str, command: str, **fields: Any) -> dict[str, Any]:
    return {"task_id": {"value": name}, "command": {"value": command, **fields}}


NORMAL = ["TASK_STARTING", "TASK_RUNNING", "TASK_FINISHED"]


def test_it_is_apache_mesos(real_cluster: RealCluster) -> None:
    assert real_cluster.master_daemon.call("GET_VERSION")["version_info"]["version"] == "1.11.0"


def test_command_tasks_run_in_their_sandboxes(real_cluster: RealCluster) -> None:
    with Framework(real_cluster) as framework:
        framework.accept(task("good", "echo out; echo err >&2"), task("bad", "exit 3"))
        assert framework.states(2) == {"good": NORMAL, "bad": [*NORMAL[:2], "TASK_FAILED"]}
        assert "out" in (real_cluster.sandbox("good") / "stdout").read_text().splitlines()
        assert "err" in (real_cluster.sandbox("good") / "stderr").read_text().splitlines()


def test_a_program_with_arguments_and_environment(real_cluster: RealCluster) -> None:
    environment = {"variables": [{"name": "SAID", "value": "a b"}]}
    arguments = ["sh", "-c", 'echo "$SAID" "$1"', "sh", "c  d"]
    with Framework(real_cluster) as framework:
        framework.accept(
            task("program", "/bin/sh", shell=False, arguments=arguments, environment=environment)
        )
        assert framework.states(1) == {"program": NORMAL}
        assert "a b c  d" in (real_cluster.sandbox("program") / "stdout").read_text().splitlines()


def test_a_task_that_ignores_sigterm_is_killed(real_cluster: RealCluster) -> None:
    with Framework(real_cluster, capabilities=[{"type": "TASK_KILLING_STATE"}]) as framework:
        framework.accept(task("stubborn", "trap '' TERM; echo ready; while :; do sleep 0.1; done"))
        updates = framework.updates()
        next(status for status in updates if status["state"] == "TASK_RUNNING")
        stdout = real_cluster.sandbox("stubborn") / "stdout"
        wait_until(lambda: "ready" in stdout.read_text().splitlines(), lambda: "the task does not start")
        policy = {"grace_period": {"nanoseconds": 200_000_000}}
        framework.call("KILL", task_id={"value": "stubborn"}, kill_policy=policy)
        states = [next(updates)["state"], next(updates)["state"]]
        assert states == ["TASK_KILLING", "TASK_KILLED"]


def test_a_task_group_runs_in_nested_containers(real_cluster: RealCluster) -> None:
    with Framework(real_cluster) as framework:
        framework.accept(task("one", "true"), task("two", "true"), group=True)
        assert framework.states(2) == {"one": NORMAL, "two": NORMAL}


def test_a_session_in_a_task_has_its_output_streamed(real_cluster: RealCluster) -> None:
    """Through the IO switchboard, which is mesosd under another name."""
    with Framework(real_cluster) as framework:
        framework.accept(task("hosts", "sleep 1000"), group=True)
        running = next(status for status in framework.updates() if status["state"] == "TASK_RUNNING")
        container = {"value": "session", "parent": running["container_status"]["container_id"]}
        body = {"container_id": container, "command": {"value": "echo said"}}
        call = {"type": "LAUNCH_NESTED_CONTAINER_SESSION", "launch_nested_container_session": body}
        agent = real_cluster.agents[0]
        connection = http.client.HTTPConnection(agent.address, timeout=MARGIN)
        headers = HEADERS | {"Accept": "application/recordio", "Message-Accept": "application/json"}
        connection.request("POST", agent.api, json.dumps(call), headers)
        said = b""
        with connection.getresponse() as response:
            while length := response.readline():
                data = json.loads(response.read(int(length))).get("data", {})
                if data.get("type") == "STDOUT":
                    said += base64.b64decode(data["data"])
        connection.close()
        assert said == b"said\n"


def test_a_failing_task_ends_its_group(real_cluster: RealCluster) -> None:
    with Framework(real_cluster) as framework:
        framework.accept(task("fails", "exit 1"), task("lasts", "sleep 1000"), group=True)
        ends = {name: states[-1] for name, states in framework.states(2).items()}
        assert ends == {"fails": "TASK_FAILED", "lasts": "TASK_KILLED"}


def test_uris_are_fetched(real_cluster: RealCluster, tmp_path: Path) -> None:
    script = tmp_path / "script"
    script.write_text("#!/bin/sh\ncat inside\n")
    (tmp_path / "inside").write_text("fetched")
    with tarfile.open(tmp_path / "archive.tgz", "w:gz") as archive:
        archive.add(tmp_path / "inside", "inside")
    uris = [
        {"value": f"file://{script}", "executable": True, "output_file": "run"},
        {"value": str(tmp_path / "archive.tgz"), "cache": True},
    ]
    with Framework(real_cluster) as framework:
        framework.accept(task("fetches", "./run", uris=uris))
        assert framework.states(1) == {"fetches": NORMAL}
        assert "fetched" in (real_cluster.sandbox("fetches") / "stdout").read_text()
        framework.accept(task("fails", "true", uris=[{"value": str(tmp_path / "missing")}]))
        assert framework.states(1)["fails"][-1] == "TASK_FAILED"


def test_a_checkpointed_task_survives_its_agent(real_mesos: RealMesos, tmp_path: Path) -> None:
    with RealCluster(real_mesos, tmp_path, agents=0) as cluster:
        agent = cluster.start_agent()
        with Framework(cluster, checkpoint=True, failover_timeout=60) as framework:
            framework.accept(task("survives", f"until test -e {tmp_path}/go; do sleep 0.05; done"))
            updates = framework.updates()
            next(status for status in updates if status["state"] == "TASK_RUNNING")
            agent.kill9()
            (tmp_path / "go").touch()
            agent.start()
            assert "TASK_FINISHED" in (status["state"] for status in updates)


def test_frameworks_authenticate(real_mesos: RealMesos, tmp_path: Path) -> None:
    with RealCluster(real_mesos, tmp_path, agents=0, credentials={"me": "secret"}) as cluster:
        assert [subscribe_status(cluster, pair) for pair in (None, "me:wrong", "me:secret")] == [
            401,
            401,
            200,
        ]


def subscribe_status(cluster: RealCluster, credential: str | None) -> int:
    headers = dict(HEADERS)
    if credential is not None:
        headers["Authorization"] = "Basic " + base64.b64encode(credential.encode()).decode()
    connection = http.client.HTTPConnection(cluster.master, timeout=MARGIN)
    body = {"type": "SUBSCRIBE", "subscribe": {"framework_info": {"user": "nobody", "name": "auth"}}}
    connection.request("POST", "/api/v1/scheduler", json.dumps(body), headers)
    with connection.getresponse() as response:
        connection.close()
        return response.status


def test_nothing_is_left_behind(real_mesos: RealMesos, tmp_path: Path) -> None:
    """Not even tasks whose agent was killed, and which left their sessions."""
    with RealCluster(real_mesos, tmp_path, agents=2) as cluster:
        framework = Framework(cluster, checkpoint=True)
        framework.accept(task("stays", "setsid sleep 1000 & sleep 1000"))
        next(status for status in framework.updates() if status["state"] == "TASK_RUNNING")
        # master, two agents, executor, and two of the task
        wait_until(lambda: len(list(cluster.processes())) >= 6, lambda: str(list(cluster.processes())))
        before = list(cluster.processes())
    framework.close()
    assert [process for process in before if runs(process)] == []


def runs(process: int) -> bool:
    """Tell whether a process is there, and not only its entry that nobody has waited for."""
    try:
        status = Path(f"/proc/{process}/status").read_text()
    except FileNotFoundError:
        return False
    return "State:\tZ" not in status


def test_a_daemon_that_does_not_start_says_why(real_mesos: RealMesos, tmp_path: Path) -> None:
    with pytest.raises(ClusterError, match=r"(?s)agent did not start; .*agent\.log ends:.*MESOS_MASTER"):
        Daemon(real_mesos, "agent", "agent", tmp_path, {"work_dir": str(tmp_path)})
