"""A conversation with a master over the scheduler API, noted word for word, so that two can be compared.

Invariants
* An event that does not come within MARGIN fails the test, whatever else comes meanwhile.
* What differs by nature (ids, times, addresses, process ids) has names in its place, the same in every
  transcript; so has what the lists UNSAID and OWN_WORDS name, with reasons.
"""

from __future__ import annotations

import http.client
import json
import re
import time
from pathlib import Path
from typing import Any

from .cluster import wait_until

JSON = {"Content-Type": "application/json", "Accept": "application/json"}
MARGIN = 30.0  # seconds without an event, after which a test fails

#: What only Mesos says: (type of event, path to it, why).
UNSAID = [
    (
        "SUBSCRIBED",
        ["master_info", "capabilities"],
        "of AGENT_UPDATE, AGENT_DRAINING and QUOTA_V2 the embedded cluster has not the first, and names none",
    ),
]
#: What each says in its own words: (pattern, what is compared instead, why).
OWN_WORDS = [
    (r"(Failed to [^:]*JSON[^:]*): .*", r"\1", "the reader of JSON is also the drivers'"),
    (
        r"(?s)(ExecutorInfo is not compatible with existing ExecutorInfo with same ExecutorID)\..*",
        r"\1",
        "both of them follow, in protobuf's text format, which the embedded cluster does not write",
    ),
]

Transcript = list[Any]


class Conversation:
    """A framework that notes what it hears: events, and the answers to its calls.

    In `directory` are files by which it, and its tasks, wait for each other.
    """

    directory: Path

    def __init__(
        self,
        master: str,
        *,
        offer_constraints: dict[str, Any] | None = None,
        suppressed_roles: list[str] | None = None,
        **info: Any,
    ) -> None:
        self.master = master
        self.info = info
        self.undo: list[dict[str, Any]] = []  #: orders of an operator, for the end
        self.heard: Transcript = []
        self.offered = False
        self.acknowledged: set[str] = set()  #: updates, by their uuids
        self.names: dict[str, str] = {}
        self.parallel = False  #: tasks report at the same time: their order is a matter of chance
        self.stream = http.client.HTTPConnection(master, timeout=MARGIN)
        subscribe: dict[str, Any] = {"framework_info": {"user": "nobody", "name": "fidelity", **info}}
        if suppressed_roles is not None:
            subscribe["suppressed_roles"] = suppressed_roles
        if offer_constraints is not None:
            subscribe["offer_constraints"] = offer_constraints
        call: dict[str, Any] = {"type": "SUBSCRIBE", "subscribe": subscribe}
        if "id" in info:
            call["framework_id"] = info["id"]
        self.stream.connect()
        self.socket = self.stream.sock  # the response may take it over
        self.stream.request("POST", "/api/v1/scheduler", json.dumps(call), JSON)
        self.response = self.stream.getresponse()
        assert self.response.status == http.client.OK, self.response.read()
        self.headers = JSON | {"Mesos-Stream-Id": self.response.headers["Mesos-Stream-Id"]}

    @property
    def is_modern(self) -> bool:
        """Whether the framework has capabilities: all that the tests know of."""
        return bool(self.info.get("capabilities"))

    def event(self) -> dict[str, Any] | None:
        """Note and return the next event; None at the end of the stream.

        Not heartbeats, nor offers after the first ones: when freed resources come again is a matter of time.
        """
        deadline = time.monotonic() + MARGIN
        while length := self.readline(deadline):
            event: dict[str, Any] = json.loads(self.response.read(int(length)))
            if event["type"] == "HEARTBEAT" or self.is_again(event):
                continue
            if event["type"] == "OFFERS" and self.offered:
                # Nobody looks at them: what they hold has to be in the offer after the next REVIVE.
                ids = [offer["id"] for offer in event["offers"]["offers"]]
                self.call("DECLINE", offer_ids=ids, filters={"refuse_seconds": 1000})
                self.heard.pop()
                continue
            self.offered |= event["type"] == "OFFERS"
            self.heard.append(event)
            return event
        self.heard.append("the end")
        return None

    def is_again(self, event: dict[str, Any]) -> bool:
        """Whether an event is an update that was acknowledged: at least once is all that Mesos promises.

        It is acknowledged again, without a note: an agent that ended may not have heard it.
        """
        status = event.get("update", {}).get("status", {})
        if status.get("uuid") not in self.acknowledged:
            return False
        self.acknowledge(status)
        self.heard.pop()
        return True

    def readline(self, deadline: float) -> bytes:
        """Return the length of the next record, of a heartbeat perhaps; fail when there is none in time."""
        try:
            self.socket.settimeout(max(deadline - time.monotonic(), 0.001))
            return self.response.readline()
        except TimeoutError:
            raise AssertionError(f"nothing for {MARGIN:.0f} s: {self.heard}") from None

    def expect(self, kind: str) -> Any:
        """Note events up to one of this type; return its body."""
        while (event := self.event()) is not None:
            if event["type"] == kind:
                return event[kind.lower()]
        raise AssertionError(f"the stream ended without {kind}: {self.heard}")

    def offer(self) -> dict[str, Any]:
        if not self.names:
            subscribed = self.expect("SUBSCRIBED")
            self.names = {
                subscribed["framework_id"]["value"]: "FRAMEWORK",
                subscribed["master_info"]["id"]: "MASTER",
            }
            self.id = subscribed["framework_id"]
        offer: dict[str, Any] = self.expect("OFFERS")["offers"][0]
        self.names[offer["agent_id"]["value"]] = "AGENT"
        return offer

    def another_offer(self) -> dict[str, Any]:
        """Return the next offer; of it, only the resources are noted, in any order."""
        self.offered, heard = False, list(self.heard)
        offer: dict[str, Any] = self.expect("OFFERS")["offers"][0]
        self.heard = [*heard, {"type": "OFFER", "offer": sorted(offer["resources"], key=json.dumps)}]
        return offer

    def call(self, kind: str, stream_id: str | None = None, **body: Any) -> None:
        """Make a call; note what it is answered."""
        connection = http.client.HTTPConnection(self.master, timeout=MARGIN)
        call = {"type": kind, "framework_id": self.id, kind.lower(): body}
        headers = self.headers | ({"Mesos-Stream-Id": stream_id} if stream_id else {})
        connection.request("POST", "/api/v1/scheduler", json.dumps(call), headers)
        response = connection.getresponse()
        self.heard.append((kind, response.status, response.read().decode()))
        connection.close()

    def operate(self, kind: str, **body: Any) -> Any:
        """Make a call of an operator; note what it is answered, and return that if it is a message."""
        status, text = post(self.master, {"type": kind, kind.lower(): body} if body else {"type": kind})
        said = json.loads(text) if text.startswith("{") else text
        self.heard.append((kind, status, said))
        return said

    def executor_call(self, offer: dict[str, Any], call: dict[str, Any]) -> None:
        """Make a call of an executor to the agent of an offer; note what it is answered."""
        address = offer["url"]["address"]
        connection = http.client.HTTPConnection(address["ip"], address["port"], timeout=MARGIN)
        connection.request("POST", offer["url"]["path"] + "/api/v1/executor", json.dumps(call), JSON)
        response = connection.getresponse()
        self.heard.append((call.get("type"), response.status, response.read().decode()))
        connection.close()

    def launch(self, *tasks: dict[str, Any], offer: dict[str, Any] | None = None) -> None:
        offer = offer or self.offer()
        infos = [{"agent_id": offer["agent_id"], **task} for task in tasks]
        operation = {"type": "LAUNCH", "launch": {"task_infos": infos}}
        self.call("ACCEPT", offer_ids=[offer["id"]], operations=[operation], filters={"refuse_seconds": 1000})

    def status(self, acknowledge: bool = True) -> dict[str, Any]:
        status: dict[str, Any] = self.expect("UPDATE")["status"]
        if acknowledge and "uuid" in status:
            self.acknowledge(status)
        return status

    def acknowledge(self, status: dict[str, Any]) -> None:
        self.acknowledged.add(status["uuid"])
        self.call("ACKNOWLEDGE", **{key: status[key] for key in ("agent_id", "task_id", "uuid")})

    def until(self, *states: str) -> None:
        """Acknowledge updates up to one of this state, for each of the states in turn."""
        for state in states:
            while self.status()["state"] != state:
                pass

    def until_offered(self, state: str) -> dict[str, Any]:
        """Acknowledge updates up to this state; return the offer that comes meanwhile or after.

        There is no note of the offer.
        """
        offer: dict[str, Any] = {}
        while state or not offer:
            self.offered = False
            event = self.event()
            if event is None:
                raise AssertionError(f"the stream ended without {state or 'an offer'}: {self.heard}")
            if event["type"] == "OFFERS":
                offer = event["offers"]["offers"][0]
                self.heard.pop()
            elif event["type"] == "UPDATE":
                self.acknowledge(event["update"]["status"])
                state = "" if event["update"]["status"]["state"] == state else state
        self.offered = True
        return offer

    def until_lost(self, *states: str) -> None:
        """Acknowledge updates until these states have come, in any order, and the executor was lost."""
        self.until_each("FAILURE", *states)

    def until_each(self, *said: str) -> None:
        """Acknowledge updates until these states, or types of events, have come, in any order."""
        waiting = list(said)
        while waiting:
            event = self.event()
            if event is None:
                raise AssertionError(f"the stream ended without {waiting}: {self.heard}")
            status = event.get("update", {}).get("status", {})
            if "uuid" in status:
                self.acknowledge(status)
            one = status.get("state", event["type"])
            if one in waiting:
                waiting.remove(one)

    def file(self, name: str) -> Path:
        return self.directory / name

    def until_there(self, *names: str) -> None:
        """Wait until tasks have made these files."""
        for name in names:
            wait_until(self.file(name).exists, lambda name=name: f"no task makes the file {name}")  # type: ignore[misc]

    def close(self) -> None:
        for order in self.undo:
            post(self.master, order)
        self.response.close()
        self.stream.close()

    def transcript(self) -> Transcript:
        """What was heard, with names for what differs by nature."""
        text = json.dumps(self.heard)
        for value, name in sorted(self.names.items(), key=lambda pair: -len(pair[0])):
            text = text.replace(value, name)
        heard: Transcript = json.loads(text)
        for event in heard:
            anonymise(event)
            for kind, path, _ in UNSAID:
                if isinstance(event, dict) and event["type"] == kind:
                    remove(event[kind.lower()], path)
            if isinstance(event, list) and isinstance(event[2], str):
                event[2] = reworded(event[2])
        if self.parallel:
            heard.sort(key=subject)
        return heard


def post(master: str, call: dict[str, Any]) -> tuple[int, str]:
    """Make a call of the operator API."""
    connection = http.client.HTTPConnection(master, timeout=MARGIN)
    connection.request("POST", "/api/v1", json.dumps(call), JSON)
    response = connection.getresponse()
    answer = response.status, response.read().decode()
    connection.close()
    return answer


def reworded(text: str) -> str:
    text = re.sub(r"container '[-0-9a-f]+'", "container 'CONTAINER'", text)
    text = re.sub(r"slave\(1\)@[0-9.:]+", "slave(1)@ADDRESS", text)
    for pattern, instead, _ in OWN_WORDS:
        text = re.sub(pattern, instead, text)
    return text


def subject(event: Any) -> str:
    """Return the task that an event is about."""
    if isinstance(event, dict) and event["type"] == "FAILURE":
        return "FAILURE"
    update = event.get("update", {}) if isinstance(event, dict) else {}
    task: str = update.get("status", {}).get("task_id", {}).get("value", "")
    return task


def anonymise(node: Any) -> None:
    """Replace what is another one each time, wherever it is."""
    if isinstance(node, list):
        for child in node:
            anonymise(child)
        return
    if not isinstance(node, dict):
        return
    for key, value in node.items():
        if key in ("timestamp", "uuid", "executor_pid", "port", "unreachable_time") or (
            key in ("hostname", "ip", "pid") and isinstance(value, str | int)
        ):
            node[key] = key
        elif key in ("container_id", "parent"):
            value["value"] = key
            anonymise(value)
        elif key in ("id", "offer_id", "inverse_offer_id") and "-O" in str(value):
            node[key] = re.sub("-O[0-9]+", "-OFFER", value["value"])
        elif key == "message" and isinstance(value, str):
            node[key] = reworded(re.sub("-O[0-9]+", "-OFFER", value))
        else:
            anonymise(value)


def remove(node: dict[str, Any], path: list[str]) -> None:
    """Take out what is at this path, if it is there."""
    *way, last = path
    for key in way:
        node = node.get(key, {})
    node.pop(last, None)
