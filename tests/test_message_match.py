"""Messages in `match` statements: by keyword, and by position in the order of the schema."""

from __future__ import annotations

from typing import Any

import mesos
import pytest
from google_messages import google_class, our_class


def told(status: Any) -> str:
    match status:
        case mesos.TaskStatus(state=mesos.TASK_FINISHED, task_id=mesos.TaskID(value=name)):
            return f"{name} is done"
        case mesos.TaskStatus(state=mesos.TASK_LOST | mesos.TASK_FAILED as state, task_id=mesos.TaskID(name)):
            return f"{name}: {state}"
        case mesos.TaskStatus(task_id=mesos.TaskID("chosen")):
            return "the chosen one"
        case mesos.TaskStatus(message=""):
            return "no message"
        case mesos.Message():
            return "something else"
    return "no message at all"


def test_patterns_with_keywords() -> None:
    assert told(mesos.TaskStatus(task_id="t", state="TASK_FINISHED")) == "t is done"
    assert told(mesos.TaskStatus(task_id="t", state="TASK_FAILED")) == "t: TASK_FAILED"
    assert told(mesos.TaskStatus(task_id="chosen", state="TASK_RUNNING")) == "the chosen one"
    assert told(mesos.TaskStatus(task_id="t", message="m")) == "something else"
    assert told(mesos.TaskID(value="t")) == "something else"
    assert told(5) == "no message at all"


def test_unset_fields_match_their_defaults_and_stay_unset() -> None:
    status = mesos.TaskStatus(task_id="t")
    assert told(status) == "no message"
    assert not status.HasField("state")
    match mesos.TaskInfo():
        case mesos.TaskInfo(agent_id=mesos.AgentID(value=""), resources=[]):
            pass
        case _:
            pytest.fail("the defaults were not matched")


def test_sequences_and_mappings_match() -> None:
    task = mesos.TaskInfo(limits={"cpus": 2}, resources=mesos.Resources(cpus=1, mem=32))
    match task:
        case mesos.TaskInfo(
            resources=[mesos.Resource(name="cpus", scalar=mesos.Value.Scalar(cpus)), *others],
            limits={"cpus": mesos.Value.Scalar(limit)},
        ):
            assert (cpus, limit, [other.name for other in others]) == (1, 2, ["mem"])
        case _:
            pytest.fail("not matched")


@pytest.mark.parametrize("name", ["mesos.v1.Offer", "mesos.v1.TaskID", "mesos.v1.scheduler.Call"])
def test_positions_are_the_order_of_the_schema(name: str) -> None:
    declared = tuple(field.name for field in google_class(name).DESCRIPTOR.fields)
    assert our_class(name).__match_args__ == declared
    assert our_class(name).__match_args__ is our_class(name).__match_args__
