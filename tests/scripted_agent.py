"""A scripted Mesos agent: what tests/scripted.py is for masters. It knows messages only as bytes, too."""

from __future__ import annotations

import socket
import ssl
from collections.abc import Callable
from pathlib import Path

from scripted import Behaviour, Connection, Request, ScriptedMaster, record

#: An agent names no stream.
STREAM = b"HTTP/1.1 200 OK\r\nContent-Type: application/x-protobuf\r\nTransfer-Encoding: chunked\r\n\r\n"
SUBSCRIBE = 1


def accept(subscribed: bytes) -> Behaviour:
    """Accept the subscription with this SUBSCRIBED event: `ScriptedAgent.push` reaches it from then on."""

    def act(agent: ScriptedMaster, connection: Connection) -> None:
        connection.send(STREAM)
        connection.chunk(record(subscribed))
        agent._attach(connection)
        connection.wait_closed()

    return Behaviour(act)


class ScriptedAgent(ScriptedMaster):
    """A listener that follows a script, at an address or at the path of a Unix domain socket."""

    def __init__(
        self,
        *script: Behaviour,
        answering: Callable[[Request], tuple[int, str] | None] = lambda _: None,
        path: Path | None = None,
        tls: ssl.SSLContext | None = None,
    ) -> None:
        self._path = path
        super().__init__(*script, answering=answering, tls=tls)

    def environment(self, **more: str) -> dict[str, str]:
        """Return the environment of its executors, with or instead of it `more`; what is "" is left out."""
        found = {
            "MESOS_FRAMEWORK_ID": "framework-1",
            "MESOS_EXECUTOR_ID": "executor-1",
            "MESOS_SLAVE_ID": "agent-1",
            "MESOS_SLAVE_PID": f"slave(1)@{self.address}",
            "MESOS_CHECKPOINT": "0",
            "MESOS_RECOVERY_TIMEOUT": "15mins",
            "MESOS_SUBSCRIPTION_BACKOFF_MAX": "20ms",
            "MESOS_EXECUTOR_SHUTDOWN_GRACE_PERIOD": "5secs",
            "MESOS_LOCAL": "1",
        }
        if self._path is not None:
            found["MESOS_DOMAIN_SOCKET"] = str(self._path)
        found |= more
        return {name: value for name, value in found.items() if value}

    def _listen(self) -> socket.socket:
        if self._path is None:
            return super()._listen()
        self.address = "127.0.0.1:5051"  # for the Host header: nobody listens there
        listener = socket.socket(socket.AF_UNIX)
        listener.bind(str(self._path))
        listener.listen()
        return listener

    def _connect(self) -> socket.socket:
        if self._path is None:
            return super()._connect()
        client = socket.socket(socket.AF_UNIX)
        client.connect(str(self._path))
        return client

    def _is_subscribe(self, request: Request) -> bool:
        return call_type(request.body) == SUBSCRIBE


def call_type(call: bytes) -> int:
    """Return the type of an executor.Call: field 3, behind two ids that are shorter than 128 bytes."""
    at = 0
    for _ in range(2):
        at += 2 + call[at + 1]
    assert call[at] == 3 << 3, call
    return call[at + 1]
