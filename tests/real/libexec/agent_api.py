"""An executor's line to its agent: Mesos' v1 HTTP API in JSON, with the standard library only.

Invariants
* An update counts as sent once it is in `unacknowledged`: every subscription starts with those, so that a
  broken connection loses none. The agent drops duplicates by their uuid.
* With checkpointing an executor outlives its agent: `events()` subscribes again until the recovery timeout.
  Without, the stream ends with the agent, and the executor has to end too.
"""

import base64
import http.client
import json
import os
import re
import sys
import threading
import time
import uuid

RETRY_INTERVAL = 0.2  # seconds between attempts to reach an agent that went away
SECONDS = {
    "ns": 1e-9,
    "us": 1e-6,
    "ms": 1e-3,
    "secs": 1,
    "mins": 60,
    "hrs": 3600,
    "days": 86400,
    "weeks": 604800,
}


class Agent:
    """What the environment of an executor says about its agent, and calls to it. Thread-safe."""

    def __init__(self, environment=os.environ):
        self.endpoint = environment["MESOS_AGENT_ENDPOINT"]
        # "slave(1)@host:port": several agents may share one process
        self.path = "/" + environment["MESOS_SLAVE_PID"].partition("@")[0] + "/api/v1"
        self.identity = {
            "framework_id": {"value": environment["MESOS_FRAMEWORK_ID"]},
            "executor_id": {"value": environment["MESOS_EXECUTOR_ID"]},
        }
        self.headers = {"Content-Type": "application/json", "Accept": "application/json"}
        if token := environment.get("MESOS_EXECUTOR_AUTHENTICATION_TOKEN"):
            self.headers["Authorization"] = "Bearer " + token
        self.checkpoint = environment.get("MESOS_CHECKPOINT") == "1"
        self.recovery_timeout = seconds(environment.get("MESOS_RECOVERY_TIMEOUT", "15mins"))
        self.tasks = {}  # task id -> TaskInfo, until its last update is acknowledged
        self.unacknowledged = {}  # uuid -> TaskStatus, in order
        self.lock = threading.Lock()
        self.connection = None

    def events(self):
        """Yield the agent's events, as dicts, until there is nothing more to expect."""
        deadline = None
        while deadline is None or time.monotonic() < deadline:
            try:
                for event in self._subscription():
                    deadline = time.monotonic() + self.recovery_timeout
                    self._note(event)
                    yield event
            except (OSError, http.client.HTTPException) as error:
                print(f"Lost the agent: {error}", file=sys.stderr)
            if not self.checkpoint:
                return
            time.sleep(RETRY_INTERVAL)

    def update(self, task_id, state, **fields):
        """Send a status update; return its uuid, by which the acknowledgement names it."""
        identity = base64.b64encode(uuid.uuid4().bytes).decode()
        status = {
            "task_id": {"value": task_id},
            "state": state,
            "uuid": identity,
            "source": "SOURCE_EXECUTOR",
            "executor_id": self.identity["executor_id"],
            "timestamp": time.time(),
            **fields,
        }
        with self.lock:
            self.unacknowledged[identity] = status
            try:
                self._send({"type": "UPDATE", **self.identity, "update": {"status": status}})
            except (OSError, http.client.HTTPException) as error:
                print(f"{state} waits for the agent: {error}", file=sys.stderr)
        return identity

    def message(self, data):
        """Send data, in base64, to the scheduler. Mesos delivers messages or loses them."""
        with self.lock:
            self._send({"type": "MESSAGE", **self.identity, "message": {"data": data}})

    def call(self, body):
        """Make a call of the agent's operator API; return its answer. Raises CallError if it refuses."""
        connection = http.client.HTTPConnection(self.endpoint)
        try:
            connection.request("POST", self.path, json.dumps(body), self.headers)
            response = connection.getresponse()
            content = response.read()
        finally:
            connection.close()
        if response.status not in (200, 202):
            raise CallError(f"{body['type']}: {response.status} {content.decode(errors='replace')}")
        return json.loads(content) if content else {}

    def _send(self, call):
        """Send a call of the executor API, on the one connection of those. The lock is held."""
        if self.connection is None:
            self.connection = http.client.HTTPConnection(self.endpoint)
        try:
            self.connection.request("POST", self.path + "/executor", json.dumps(call), self.headers)
            response = self.connection.getresponse()
            content = response.read()
        except BaseException:
            self.connection.close()
            self.connection = None
            raise
        if response.status != 202:
            print(f"The agent refused {call['type']}: {response.status} {content}", file=sys.stderr)

    def _subscription(self):
        """Yield the events of one subscription. Raises OSError or HTTPException when it cannot be had."""
        with self.lock:
            if self.connection is not None:  # to the agent as it was before
                self.connection.close()
                self.connection = None
            updates = [
                {"framework_id": self.identity["framework_id"], "status": status}
                for status in self.unacknowledged.values()
            ]
            subscribe = {"unacknowledged_tasks": list(self.tasks.values()), "unacknowledged_updates": updates}
        connection = http.client.HTTPConnection(self.endpoint)
        try:
            body = json.dumps({"type": "SUBSCRIBE", **self.identity, "subscribe": subscribe})
            connection.request("POST", self.path + "/executor", body, self.headers)
            response = connection.getresponse()
            if response.status != 200:
                raise http.client.HTTPException(f"{response.status} {response.read()}")
            while length := response.readline():
                record = response.read(int(length))
                if len(record) < int(length):
                    return
                yield json.loads(record)
        finally:
            connection.close()

    def _note(self, event):
        """Keep account of what a later subscription has to say."""
        if event["type"] == "LAUNCH":
            self._add(event["launch"]["task"])
        elif event["type"] == "LAUNCH_GROUP":
            for task in event["launch_group"]["task_group"]["tasks"]:
                self._add(task)
        elif event["type"] == "ACKNOWLEDGED":
            with self.lock:
                self.unacknowledged.pop(event["acknowledged"]["uuid"], None)
                self.tasks.pop(event["acknowledged"]["task_id"]["value"], None)

    def _add(self, task):
        with self.lock:
            self.tasks[task["task_id"]["value"]] = task


class CallError(Exception):
    """The agent refused a call."""


def seconds(duration):
    """Turn Mesos' text for a duration, like "5secs", into seconds."""
    match = re.fullmatch(r"([0-9.]+)([a-z]+)", duration)
    return float(match[1]) * SECONDS[match[2]]
