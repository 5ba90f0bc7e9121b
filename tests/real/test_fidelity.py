"""The embedded cluster answers as Apache Mesos does: one conversation with each, compared event by event.

Invariants
* What differs by nature (ids, times, addresses, process ids) is replaced by names, the same on both sides;
  everything else has to be equal, but for the lists UNSAID and OWN_WORDS, which give reasons.
* Each conversation ends with an event that it caused: nothing is waited for by time.
"""

from __future__ import annotations

import base64
import contextlib
import http.client
import json
import re
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from mesos import LocalCluster

from .cluster import AGENT_FLAGS, RealCluster

JSON = {"Content-Type": "application/json", "Accept": "application/json"}
MARGIN = 30.0  # seconds without an event, after which a test fails

#: What only Mesos says: (type of event, path to it, why).
UNSAID = [
    (
        "SUBSCRIBED",
        ["master_info", "capabilities"],
        "what operators can do to agents: there are no operators",
    ),
]
#: What each says in its own words: (pattern, what is compared instead, why).
OWN_WORDS = [
    (r"(Failed to convert JSON into Call protobuf): .*", r"\1", "the reader of JSON is also the drivers'"),
]

Transcript = list[Any]


class Conversation:
    """A framework that notes what it hears: events, and the answers to its calls."""

    def __init__(self, master: str, **info: Any) -> None:
        self.master = master
        self.heard: Transcript = []
        self.offered = False
        self.names: dict[str, str] = {}
        self.stream = http.client.HTTPConnection(master, timeout=MARGIN)
        subscribe = {"framework_info": {"user": "nobody", "name": "fidelity", **info}}
        call: dict[str, Any] = {"type": "SUBSCRIBE", "subscribe": subscribe}
        if "id" in info:
            call["framework_id"] = info["id"]
        self.stream.request("POST", "/api/v1/scheduler", json.dumps(call), JSON)
        self.response = self.stream.getresponse()
        assert self.response.status == http.client.OK, self.response.read()
        self.headers = JSON | {"Mesos-Stream-Id": self.response.headers["Mesos-Stream-Id"]}

    def event(self) -> dict[str, Any] | None:
        """Note and return the next event; None at the end of the stream.

        Not heartbeats, nor offers after the first ones: when freed resources come again is a matter of time.
        """
        while length := self.response.readline():
            event: dict[str, Any] = json.loads(self.response.read(int(length)))
            if event["type"] == "HEARTBEAT" or (event["type"] == "OFFERS" and self.offered):
                continue
            self.offered |= event["type"] == "OFFERS"
            self.heard.append(event)
            return event
        self.heard.append("the end")
        return None

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

    def call(self, kind: str, stream_id: str | None = None, **body: Any) -> None:
        """Make a call; note what it is answered."""
        connection = http.client.HTTPConnection(self.master, timeout=MARGIN)
        call = {"type": kind, "framework_id": self.id, kind.lower(): body}
        headers = self.headers | ({"Mesos-Stream-Id": stream_id} if stream_id else {})
        connection.request("POST", "/api/v1/scheduler", json.dumps(call), headers)
        response = connection.getresponse()
        self.heard.append((kind, response.status, response.read().decode()))
        connection.close()

    def launch(self, *tasks: dict[str, Any], offer: dict[str, Any] | None = None) -> None:
        offer = offer or self.offer()
        infos = [{"agent_id": offer["agent_id"], **task} for task in tasks]
        operation = {"type": "LAUNCH", "launch": {"task_infos": infos}}
        self.call("ACCEPT", offer_ids=[offer["id"]], operations=[operation], filters={"refuse_seconds": 1000})

    def status(self, acknowledge: bool = True) -> dict[str, Any]:
        status: dict[str, Any] = self.expect("UPDATE")["status"]
        if acknowledge and "uuid" in status:
            self.call("ACKNOWLEDGE", **{key: status[key] for key in ("agent_id", "task_id", "uuid")})
        return status

    def until(self, *states: str) -> None:
        """Acknowledge updates up to one of this state, for each of the states in turn."""
        for state in states:
            while self.status()["state"] != state:
                pass

    def close(self) -> None:
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
            if isinstance(event, list):
                for pattern, instead, _ in OWN_WORDS:
                    event[2] = re.sub(pattern, instead, event[2])
        return heard


def anonymise(node: Any) -> None:
    """Replace what is another one each time, wherever it is."""
    if isinstance(node, list):
        for child in node:
            anonymise(child)
        return
    if not isinstance(node, dict):
        return
    for key, value in node.items():
        if key in ("timestamp", "uuid", "executor_pid", "port") or (
            key in ("hostname", "ip", "pid") and isinstance(value, str | int)
        ):
            node[key] = key
        elif key == "container_id":
            value["value"] = key
        elif key in ("id", "offer_id") and "-O" in str(value):
            node[key] = re.sub("-O[0-9]+", "-OFFER", value["value"])
        elif key == "message":
            node[key] = re.sub("-O[0-9]+", "-OFFER", value)
        else:
            anonymise(value)


def remove(node: dict[str, Any], path: list[str]) -> None:
    """Take out what is at this path, if it is there."""
    *way, last = path
    for key in way:
        node = node.get(key, {})
    node.pop(last, None)


def scalar(name: str, value: float) -> dict[str, Any]:
    return {"name": name, "type": "SCALAR", "scalar": {"value": value}}


def task(task_id: str, command: str | dict[str, Any] = "true", **more: Any) -> dict[str, Any]:
    return {
        "name": task_id,
        "task_id": {"value": task_id},
        "resources": [scalar("cpus", 0.1), scalar("mem", 32)],
        "command": {"value": command} if isinstance(command, str) else command,
        **more,
    }


def finished(talk: Conversation) -> None:
    talk.launch(task("t"))
    talk.until("TASK_FINISHED")


def failed(talk: Conversation) -> None:
    talk.launch(task("t", "exit 7"))
    talk.until("TASK_FAILED")


def by_a_signal(talk: Conversation) -> None:
    talk.launch(task("t", "kill -USR1 $$"))
    talk.until("TASK_FAILED")


def argument_vector(talk: Conversation) -> None:
    talk.launch(
        task("t", {"shell": False, "value": "/bin/sh", "arguments": ["sh", "-c", "exit $#", "a", "b"]})
    )
    talk.until("TASK_FAILED")


def killed(talk: Conversation) -> None:
    talk.launch(task("t", "exec sleep 1000"))
    talk.until("TASK_RUNNING")
    talk.call("KILL", task_id={"value": "t"})
    talk.until("TASK_KILLED")


def killed_twice(talk: Conversation) -> None:
    talk.launch(task("t", "exec sleep 1000"))
    talk.until("TASK_RUNNING")
    talk.call("KILL", task_id={"value": "t"})
    talk.call("KILL", task_id={"value": "t"})
    talk.until("TASK_KILLED")
    talk.call("KILL", task_id={"value": "t"})
    talk.status()


def kill_unknown(talk: Conversation) -> None:
    offer = talk.offer()
    talk.call("KILL", task_id={"value": "nobody"})
    talk.status()
    talk.call("KILL", task_id={"value": "nobody"}, agent_id=offer["agent_id"])
    talk.status()
    talk.call("KILL", task_id={"value": "nobody"}, agent_id={"value": "no such agent"})
    talk.status()


def too_large(talk: Conversation) -> None:
    offer = talk.offer()
    cpus, memory = [scalar("cpus", 1000), scalar("mem", 32)], [scalar("mem", 1e9)]
    talk.launch(task("a", resources=cpus), task("b", resources=memory), task("c"), offer=offer)
    talk.until("TASK_ERROR", "TASK_ERROR", "TASK_FINISHED")


def invalid(talk: Conversation) -> None:
    """Tasks that are refused for what they are."""
    offer = talk.offer()
    ids = ["", ".", "..", "a/b", "a\\b", "a\nb", "x" * 256]
    negative = {"grace_period": {"nanoseconds": -1}}
    talk.launch(
        *[task(task_id) for task_id in ids],
        task("none", resources=[]),
        task("agent", agent_id={"value": "another"}),
        task("policy", kill_policy=negative),
        task("time", max_completion_time={"nanoseconds": -1}),
        task("neither", command=None),
        offer=offer,
    )
    for _ in range(len(ids) + 5):
        talk.status()


def bad_resources(talk: Conversation) -> None:
    """One bad resource spoils its whole operation."""
    talk.launch(task("a"), task("b", resources=[scalar("cpus", -1)]))
    talk.until("TASK_ERROR", "TASK_ERROR")


def duplicate(talk: Conversation) -> None:
    talk.launch(task("t", "exec sleep 1000"), task("t"))
    while talk.status()["state"] != "TASK_RUNNING":
        pass
    assert any("duplicate" in json.dumps(event) for event in talk.heard)


def invalid_offers(talk: Conversation) -> None:
    offer = talk.offer()
    talk.launch(task("t"), offer={**offer, "id": {"value": "no such offer"}})
    talk.status()
    operations = [{"type": "LAUNCH", "launch": {"task_infos": [task("u") | {"agent_id": offer["agent_id"]}]}}]
    talk.call("ACCEPT", offer_ids=[], operations=operations)
    talk.status()
    talk.call("ACCEPT", offer_ids=[offer["id"], offer["id"]], operations=operations)
    talk.status()
    talk.call("ACCEPT", offer_ids=[offer["id"]], operations=operations)
    talk.status()


def reconciled(talk: Conversation) -> None:
    offer = talk.offer()
    talk.launch(task("t", "exec sleep 1000"), offer=offer)
    talk.until("TASK_RUNNING")
    talk.call("RECONCILE", tasks=[])
    talk.status()
    known, unknown = {"task_id": {"value": "t"}}, {"task_id": {"value": "nobody"}}
    for asked in (
        known,
        {**known, "agent_id": offer["agent_id"]},
        unknown,
        {**unknown, "agent_id": offer["agent_id"]},
        {**unknown, "agent_id": {"value": "no such agent"}},
    ):
        talk.call("RECONCILE", tasks=[asked])
        talk.status()


def message(talk: Conversation) -> None:
    """To nobody: it is taken, and lost."""
    offer = talk.offer()
    data = base64.b64encode(b"hello").decode()
    talk.call("MESSAGE", executor_id={"value": "none"}, agent_id=offer["agent_id"], data=data)
    talk.call("MESSAGE", executor_id={"value": "none"}, agent_id={"value": "none"}, data=data)
    talk.call("SHUTDOWN", executor_id={"value": "none"}, agent_id=offer["agent_id"])
    talk.launch(task("t"), offer=offer)
    talk.until("TASK_FINISHED")


def refused_calls(talk: Conversation) -> None:
    talk.offer()
    talk.call("KILL", stream_id="another")
    talk.call("KILL")
    talk.call("KILL", stream_id="another", task_id={"value": "t"})
    talk.call("ACKNOWLEDGE", task_id={"value": "t"}, agent_id={"value": "a"}, uuid="AAAA")
    talk.call("UPDATE_FRAMEWORK", framework_info={"user": "x", "name": "y"})
    talk.call("REVIVE", roles=["not ours"])
    talk.call("NONSENSE")
    talk.id = {"value": "nobody"}
    talk.call("KILL", task_id={"value": "t"})


def torn_down(talk: Conversation) -> None:
    talk.launch(task("t", "exec sleep 1000"))
    talk.until("TASK_RUNNING")
    talk.call("TEARDOWN")
    assert talk.event() is None


def failed_over(talk: Conversation) -> None:
    """A second connection takes over; what was not acknowledged comes again."""
    talk.launch(task("t"))
    talk.expect("UPDATE")
    second = Conversation(
        talk.master, id=talk.id, failover_timeout=60.0, capabilities=[{"type": "PARTITION_AWARE"}]
    )
    while talk.event() is not None:
        pass
    second.id = talk.id
    with contextlib.closing(second):
        second.expect("SUBSCRIBED")
        second.until("TASK_FINISHED")
        second.call("TEARDOWN")
        while second.event() is not None:
            pass
    # the resources come again at any time after their task has ended
    events = [event for event in second.heard if isinstance(event, dict)]
    talk.heard += [event for event in events if event["type"] != "OFFERS"]


CONVERSATIONS = [
    finished,
    failed,
    by_a_signal,
    argument_vector,
    killed,
    killed_twice,
    kill_unknown,
    too_large,
    invalid,
    bad_resources,
    duplicate,
    invalid_offers,
    reconciled,
    message,
    refused_calls,
    torn_down,
    failed_over,
]
CAPABILITIES = {
    "plain": [],
    "modern": [
        {"type": name}
        for name in ("MULTI_ROLE", "PARTITION_AWARE", "TASK_KILLING_STATE", "RESERVATION_REFINEMENT")
    ],
}


@pytest.fixture(scope="module")
def local_cluster() -> Iterator[LocalCluster]:
    with LocalCluster(resources=AGENT_FLAGS["resources"]) as cluster:
        yield cluster


def held(master: str, conversation: Callable[[Conversation], None], capabilities: list[Any]) -> Transcript:
    info: dict[str, Any] = {"capabilities": capabilities, "failover_timeout": 60.0}
    if capabilities:
        info["roles"] = ["fidelity/inner"]
    talk = Conversation(master, **info)
    try:
        conversation(talk)
    finally:
        with contextlib.suppress(AttributeError):  # it was never subscribed
            heard = list(talk.heard)
            talk.call("TEARDOWN")
            talk.heard = heard
        talk.close()
    return talk.transcript()


def lines(transcript: Transcript) -> list[str]:
    """One value a line, so that a difference is seen at once."""
    return json.dumps(transcript, indent=1, sort_keys=True).splitlines()


@pytest.mark.parametrize("capabilities", CAPABILITIES.values(), ids=CAPABILITIES)
@pytest.mark.parametrize("conversation", CONVERSATIONS, ids=lambda conversation: conversation.__name__)
def test_it_goes_as_with_mesos(
    real_cluster: RealCluster,
    local_cluster: LocalCluster,
    conversation: Callable[[Conversation], None],
    capabilities: list[Any],
) -> None:
    expected = held(real_cluster.master, conversation, capabilities)
    assert lines(held(local_cluster.master, conversation, capabilities)) == lines(expected)
