"""Everything that Mesos refuses for certain, each with its words: the tables of tests/refusals.py."""

from __future__ import annotations

import http.client
import json
from typing import Any

import mesos

from tests.refusals import FRAMEWORKS, GROUPS, OPERATIONS, TASKS
from tests.refusals import task as made

from ..conversation import JSON, MARGIN, Conversation

#: The tables reserve for this one.
ROLE = {"role": "web"}


def plain(message: mesos.Message) -> dict[str, Any]:
    """Return a message as Mesos' JSON has it."""
    found: dict[str, Any] = json.loads(message.to_json())
    return found


def accept(talk: Conversation, offer: dict[str, Any], operations: list[Any]) -> None:
    talk.call("ACCEPT", offer_ids=[offer["id"]], operations=operations, filters={"refuse_seconds": 1000})


def tasks(talk: Conversation) -> None:
    offer = talk.offer()
    operations = []
    for number, (changes, _) in enumerate(TASKS):
        info = plain(mesos.TaskInfo(**made(**{"task_id": f"task-{number}", **changes})))
        info["agent_id"] = offer["agent_id"]
        operations.append({"type": "LAUNCH", "launch": {"task_infos": [info]}})
    accept(talk, offer, operations)
    for _ in TASKS:
        assert talk.status()["state"] == "TASK_ERROR"


def task_groups(talk: Conversation) -> None:
    offer = talk.offer()
    operations, count = [], 0
    for number, (operation, _) in enumerate(GROUPS):
        info = plain(mesos.Offer.Operation(**operation))
        launch = info["launch_group"]
        launch["executor"].setdefault("framework_id", talk.id)
        for one in launch["task_group"]["tasks"]:
            one["agent_id"] = offer["agent_id"]
            one["task_id"]["value"] += f"-{number}"
            count += 1
        operations.append(info)
    accept(talk, offer, operations)
    for _ in range(count):
        assert talk.status()["state"] == "TASK_ERROR"


def operations(talk: Conversation) -> None:
    offer = talk.offer()
    accept(
        talk,
        offer,
        [
            {**plain(mesos.Offer.Operation(**operation)), "id": {"value": str(number)}}
            for number, (operation, _) in enumerate(OPERATIONS)
        ],
    )
    for _ in OPERATIONS:
        assert talk.expect("UPDATE_OPERATION_STATUS")["status"]["state"] == "OPERATION_ERROR"


def frameworks(talk: Conversation) -> None:
    """Also one that has ended."""
    refuse = talk.offer()
    talk.call("DECLINE", offer_ids=[refuse["id"]], filters={"refuse_seconds": 1000})
    for info, settings, _ in FRAMEWORKS:
        framework = mesos.FrameworkInfo(name="refused", user="nobody", **info)
        body = plain(mesos.v1.scheduler.Call.Subscribe(framework_info=framework, **settings))
        subscribe(talk, body)
    talk.call("TEARDOWN")
    while talk.event() is not None:
        pass
    subscribe(talk, {"framework_info": {"name": "refused", "user": "nobody", "id": talk.id}})


def subscribe(talk: Conversation, body: dict[str, Any]) -> None:
    """Note what SUBSCRIBE is answered, which is a refusal or an event."""
    call = {"type": "SUBSCRIBE", "subscribe": body}
    if "id" in body["framework_info"]:
        call["framework_id"] = body["framework_info"]["id"]
    connection = http.client.HTTPConnection(talk.master, timeout=MARGIN)
    connection.request("POST", "/api/v1/scheduler", json.dumps(call), JSON)
    response = connection.getresponse()
    if response.status == http.client.OK:
        event = json.loads(response.read(int(response.readline())))
        assert event["type"] == "ERROR", event
        talk.heard.append(event)
    else:
        talk.heard.append(("SUBSCRIBE", response.status, response.read().decode()))
    connection.close()


for conversation in (tasks, task_groups, operations):
    conversation.info = ROLE  # type: ignore[attr-defined]

CONVERSATIONS = [tasks, task_groups, operations, frameworks]
