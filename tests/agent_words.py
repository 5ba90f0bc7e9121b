"""What a scripted agent says and hears, as messages; tests/scripted_agent.py knows only bytes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mesos.v1 import executor as v1
from recorder import PATIENCE
from scripted_agent import ScriptedAgent, accept

if TYPE_CHECKING:
    import mesos
    from scripted import Request

SUBSCRIBED = v1.Event(
    type="SUBSCRIBED",
    subscribed={
        "executor_info": {"executor_id": "executor-1", "framework_id": "framework-1"},
        "framework_info": {"user": "user", "name": "test", "id": "framework-1"},
        "agent_info": {"hostname": "host-1", "id": "agent-1"},
    },
).SerializeToString()
#: Takes whoever subscribes.
TAKE = accept(SUBSCRIBED)


def call(request: Request) -> v1.Call:
    return v1.Call.FromString(request.body)


def next_call(agent: ScriptedAgent) -> v1.Call:
    return call(agent.calls.get(timeout=PATIENCE))


def launch(task: str) -> v1.Event:
    return v1.Event(type="LAUNCH", launch={"task": {"name": task, "task_id": task, "agent_id": "agent-1"}})


def acknowledged(update: mesos.TaskStatus) -> v1.Event:
    return v1.Event(type="ACKNOWLEDGED", acknowledged={"task_id": update.task_id, "uuid": update.uuid})
