"""What the driver refuses to send, a real Apache Mesos refuses, too: all of tests/refusals.py, sent raw."""

from __future__ import annotations

import contextlib
import http.client
import json
from collections.abc import Iterator
from typing import Any

import mesos
import pytest

from tests.refusals import FRAMEWORKS, GROUPS, OPERATIONS, TASKS, task

from .cluster import RealCluster
from .conversation import JSON, MARGIN, Conversation
from .conversations.refusals import plain

#: By the number of an entry in its table: state and words of the update that it was answered with.
Answers = dict[int, tuple[str, str]]


@contextlib.contextmanager
def framework(cluster: RealCluster) -> Iterator[tuple[Conversation, dict[str, Any]]]:
    """Subscribe with the role that the tables reserve for; yield with an offer."""
    conversation = Conversation(cluster.master, role="web")
    try:
        yield conversation, conversation.offer()
        conversation.call("TEARDOWN")
    finally:
        conversation.close()


def accept(conversation: Conversation, offer: dict[str, Any], operations: list[Any]) -> None:
    conversation.call("ACCEPT", offer_ids=[offer["id"]], operations=operations)
    assert conversation.heard[-1][1] == http.client.ACCEPTED, conversation.heard[-1]


@pytest.fixture(scope="module")
def tasks(real_cluster: RealCluster) -> Answers:
    """Launch all tasks at once, by an operation each: one bad resource refuses all of an operation."""
    with framework(real_cluster) as (conversation, given):
        return launch(conversation, given)


def launch(conversation: Conversation, given: dict[str, Any]) -> Answers:
    operations, numbers = [], {}
    for number, (changes, _) in enumerate(TASKS):
        info = plain(mesos.TaskInfo(**task(**{"task_id": f"task-{number}", **changes})))
        info["agent_id"] = given["agent_id"]
        numbers[info["task_id"]["value"]] = number
        operations.append({"type": "LAUNCH", "launch": {"task_infos": [info]}})
    assert len(numbers) == len(TASKS), "ids tell which is answered"
    accept(conversation, given, operations)
    answers: Answers = {}
    for _ in TASKS:
        status = conversation.expect("UPDATE")["status"]
        answers[numbers[status["task_id"]["value"]]] = (status["state"], status.get("message", ""))
    return answers


@pytest.mark.parametrize("number", range(len(TASKS)), ids=lambda number: TASKS[number][1])
def test_tasks(tasks: Answers, number: int) -> None:
    assert_refused(tasks[number], "TASK_ERROR", TASKS[number][1])


@pytest.fixture(scope="module")
def groups(real_cluster: RealCluster) -> Answers:
    """Launch all groups at once. Their executors need the framework's id, which the driver would fill in."""
    with framework(real_cluster) as (conversation, given):
        return launch_groups(conversation, given)


def launch_groups(conversation: Conversation, given: dict[str, Any]) -> Answers:
    operations, expected = [], []
    for number, (operation, _) in enumerate(GROUPS):
        made = plain(mesos.Offer.Operation(**operation))
        launch = made["launch_group"]
        launch["executor"].setdefault("framework_id", conversation.id)
        for info in launch["task_group"]["tasks"]:
            info["agent_id"] = given["agent_id"]
            if info["task_id"]["value"] != "a/b":
                info["task_id"]["value"] += f"-{number}"
            expected.append((info["task_id"]["value"], number))
        operations.append(made)
    numbers = dict(expected)
    accept(conversation, given, operations)
    answers: Answers = {}
    for _ in expected:
        status = conversation.expect("UPDATE")["status"]
        answers[numbers[status["task_id"]["value"]]] = (status["state"], status.get("message", ""))
    return answers


@pytest.mark.parametrize("number", range(len(GROUPS)), ids=lambda number: GROUPS[number][1])
def test_groups(groups: Answers, number: int) -> None:
    assert_refused(groups[number], "TASK_ERROR", GROUPS[number][1])


@pytest.fixture(scope="module")
def operations(real_cluster: RealCluster) -> Answers:
    """Try all operations at once, each with an id, by which Mesos tells what became of it."""
    made = [
        {**plain(mesos.Offer.Operation(**operation)), "id": {"value": str(number)}}
        for number, (operation, _) in enumerate(OPERATIONS)
    ]
    answers: Answers = {}
    with framework(real_cluster) as (conversation, given):
        accept(conversation, given, made)
        for _ in OPERATIONS:
            status = conversation.expect("UPDATE_OPERATION_STATUS")["status"]
            answers[int(status["operation_id"]["value"])] = (status["state"], status.get("message", ""))
    return answers


@pytest.mark.parametrize("number", range(len(OPERATIONS)), ids=lambda number: OPERATIONS[number][1])
def test_operations(operations: Answers, number: int) -> None:
    assert_refused(operations[number], "OPERATION_ERROR", OPERATIONS[number][1])


def assert_refused(answer: tuple[str, str], state: str, words: str) -> None:
    assert answer[0] == state
    assert words in answer[1]


@pytest.mark.parametrize(("info", "settings", "words"), FRAMEWORKS)
def test_frameworks(
    real_cluster: RealCluster, info: dict[str, Any], settings: dict[str, Any], words: str
) -> None:
    framework_info = mesos.FrameworkInfo(name="refused", user="nobody", **info)
    subscribe = mesos.v1.scheduler.Call.Subscribe(framework_info=framework_info, **settings)
    call = {"type": "SUBSCRIBE", "subscribe": plain(subscribe)}
    if framework_info.HasField("id"):
        call["framework_id"] = plain(framework_info.id)
    connection = http.client.HTTPConnection(real_cluster.master, timeout=MARGIN)
    connection.request("POST", "/api/v1/scheduler", json.dumps(call), JSON)
    response = connection.getresponse()
    if response.status == http.client.OK:
        event = json.loads(response.read(int(response.readline())))
        assert event["type"] == "ERROR", event
        said = event["error"]["message"]
    else:
        said = response.read().decode()
    connection.close()
    assert words in said
