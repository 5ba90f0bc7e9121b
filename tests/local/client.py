"""A scheduler that speaks Mesos' JSON by hand, and what else the tests of the embedded cluster share."""

from __future__ import annotations

import http.client
import json
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from mesos.local import LocalCluster

if TYPE_CHECKING:
    pass

JSON = {"Content-Type": "application/json"}
PATIENCE = 20.0


class Client:
    """A scheduler that speaks JSON by hand, record by record."""

    opened: ClassVar[list[Client]] = []

    def __init__(
        self, cluster: LocalCluster | str, framework: dict[str, Any] | None = None, **subscribe: Any
    ) -> None:
        self.master = cluster if isinstance(cluster, str) else cluster.master
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


def pids_in(directory: Path) -> list[int]:
    texts = [path.read_text() for path in directory.rglob("*.pid")]
    return [int(text) for text in texts if text.strip()]


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
