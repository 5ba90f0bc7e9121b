"""Tasks of the embedded cluster: real processes, their surroundings, their ends, and what they leave."""

from __future__ import annotations

import base64
import http.client
import re
import sys
import textwrap
from typing import TYPE_CHECKING, Any

import pytest
from client import FAMILY, PATIENCE, Client, alive, pids_in, post, task, wait_until
from mesos.local import LocalCluster

if TYPE_CHECKING:
    pass


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
