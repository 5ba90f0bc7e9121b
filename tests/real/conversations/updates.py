"""What is told of tasks: in which order, until it is acknowledged, and to who asks."""

from __future__ import annotations

import contextlib
from typing import Any

from ..conversation import Conversation
from .checks import QUICK, command
from .infos import encoded, executor, scripted, task
from .shares import closing, party


def one_at_a_time(talk: Conversation) -> None:
    """The next update of a task comes when the last one was acknowledged."""
    talk.launch(scripted("t", "TASK_STARTING TASK_RUNNING TASK_FINISHED"), scripted("u", "TASK_RUNNING"))
    talk.parallel = True
    first, second = talk.status(acknowledge=False), talk.status(acknowledge=False)
    if first["task_id"]["value"] == "u":
        first, second = second, first
    assert (first["state"], second["state"]) == ("TASK_STARTING", "TASK_RUNNING")
    talk.acknowledge(second)
    talk.acknowledge(first)
    talk.until("TASK_FINISHED")


def acknowledged_badly(talk: Conversation) -> None:
    """Of nobody's task, with another uuid, at another agent, twice: taken, and nothing comes of it."""
    talk.launch(scripted("t", "TASK_STARTING TASK_RUNNING"))
    first = talk.status(acknowledge=False)
    meant = {key: first[key] for key in ("agent_id", "task_id", "uuid")}
    for change in (
        {"task_id": {"value": "nobody"}},
        {"agent_id": {"value": "nowhere"}},
        {"uuid": encoded("\x00" * 6 + "\x40" + "\x00" * 9)},
    ):
        talk.call("ACKNOWLEDGE", **meant | change)
    talk.call("RECONCILE", tasks=[{"task_id": {"value": "t"}}])
    assert talk.status()["state"] == "TASK_STARTING"
    talk.acknowledge(first)
    second = talk.status()
    talk.acknowledge(second)
    talk.call("RECONCILE", tasks=[])
    assert talk.status()["state"] == "TASK_RUNNING"


def malformed(talk: Conversation) -> None:
    """Calls that lack what they are about."""
    agent = talk.offer()["agent_id"]
    whose = {"agent_id": agent, "task_id": {"value": "t"}}
    for kind, body in [
        ("ACKNOWLEDGE", {}),
        ("ACKNOWLEDGE", whose),
        ("ACKNOWLEDGE", {**whose, "uuid": ""}),
        ("ACKNOWLEDGE", {**whose, "uuid": encoded("0123456789abcdef0")}),
        ("ACKNOWLEDGE_OPERATION_STATUS", {}),
        ("ACKNOWLEDGE_OPERATION_STATUS", {"operation_id": {"value": "o"}, "uuid": "AAAA"}),
        ("KILL", {"task_id": {}}),
        ("RECONCILE", {"tasks": [{}]}),
        ("RECONCILE", {"tasks": "all"}),
        ("SHUTDOWN", {}),
        ("SHUTDOWN", {"executor_id": {"value": "e"}}),
        ("MESSAGE", {"agent_id": agent}),
        ("ACCEPT", {"offer_ids": [{}]}),
        ("DECLINE", {"offer_ids": {}}),
        ("SUBSCRIBE", {}),
        ("UPDATE_FRAMEWORK", {}),
    ]:
        talk.call(kind, **body)


def asked_for_at_every_stage(talk: Conversation) -> None:
    """Staging, running, ended but not acknowledged, and acknowledged."""
    offer = talk.offer()
    where = [{"task_id": {"value": "t"}, "agent_id": offer["agent_id"]}]

    def asked(state: str) -> None:
        for tasks in (where, [{"task_id": {"value": "t"}}]):
            talk.call("RECONCILE", tasks=tasks)
            assert talk.status()["state"] == state

    talk.launch(scripted("t", "TASK_RUNNING TASK_FINISHED"), offer=offer)
    running = talk.status(acknowledge=False)
    asked("TASK_RUNNING")
    talk.acknowledge(running)
    finished = talk.status(acknowledge=False)
    asked("TASK_FINISHED")
    talk.acknowledge(finished)
    talk.call("RECONCILE", tasks=where)
    assert talk.status()["state"] == ("TASK_GONE" if talk.is_modern else "TASK_LOST")
    talk.call("RECONCILE", tasks=where)
    talk.status()


def asked_for_while_staging(talk: Conversation) -> None:
    """Its executor does not register; then the task is killed."""
    mute = {"value": f"touch {talk.file('up')}; exec sleep 1000"}
    talk.launch(scripted("t", executor=executor(command=mute)))
    talk.until_there("up")
    for tasks in ([], [{"task_id": {"value": "t"}}]):
        talk.call("RECONCILE", tasks=tasks)
        assert talk.status()["state"] == "TASK_STAGING"
    talk.call("KILL", task_id={"value": "t"})
    talk.until("TASK_KILLED")


def asked_for_together(talk: Conversation) -> None:
    """Many in one call: known ones and others, one of them twice."""
    talk.parallel = True
    talk.launch(*[scripted(name, "TASK_RUNNING") for name in ("a", "b")])
    talk.until("TASK_RUNNING", "TASK_RUNNING")
    names = ["a", "nobody", "b", "nobody", "a"]
    talk.call("RECONCILE", tasks=[{"task_id": {"value": name}} for name in names])
    assert [talk.status()["task_id"]["value"] for _ in names] == names
    talk.call("RECONCILE", tasks=[])
    assert {talk.status()["task_id"]["value"] for _ in range(2)} == {"a", "b"}


def of_another_framework(talk: Conversation) -> None:
    """Its tasks are nobody's, to kill, to ask for, to acknowledge and to write to."""
    offer = talk.offer()
    talk.launch(scripted("t", "TASK_STARTING TASK_RUNNING"), offer=offer)
    status = talk.status(acknowledge=False)
    with contextlib.ExitStack() as stack:
        other = closing(stack, party(talk, "other", capabilities=talk.info["capabilities"]))
        whose: dict[str, Any] = {"task_id": {"value": "t"}, "agent_id": offer["agent_id"]}
        to = {"executor_id": {"value": "e"}, "agent_id": offer["agent_id"]}
        other.call("ACKNOWLEDGE", **whose, uuid=status["uuid"])
        other.call("SHUTDOWN", **to)
        other.call("MESSAGE", **to, data=encoded("hello"))
        other.call("KILL", **whose)
        other.status()
        other.call("RECONCILE", tasks=[whose])
        other.status()
        talk.names |= {other.id["value"]: "OTHER"}
        talk.heard += [said for said in other.heard if isinstance(said, tuple) or said["type"] == "UPDATE"]
    talk.call("RECONCILE", tasks=[])
    assert talk.status()["state"] == "TASK_STARTING"
    talk.acknowledge(status)
    talk.until("TASK_RUNNING")


def killed_elsewhere(talk: Conversation) -> None:
    """KILL at another agent than the task's is taken, and nothing comes of it."""
    talk.launch(scripted("t", "TASK_RUNNING"))
    talk.until("TASK_RUNNING")
    talk.call("KILL", task_id={"value": "t"}, agent_id={"value": "nowhere"})
    talk.call("RECONCILE", tasks=[])
    assert talk.status()["state"] == "TASK_RUNNING"
    talk.call("KILL", task_id={"value": "t"})
    talk.until("TASK_KILLED")


def killed_by_a_policy(talk: Conversation) -> None:
    """KILL's own grace period goes before the task's."""
    patient = {"kill_policy": {"grace_period": {"nanoseconds": 1_000_000_000_000}}}
    health = command("test -e up", grace_period_seconds=1000)
    talk.launch(task("t", "trap '' TERM; touch up; exec sleep 1000", health_check=health, **patient))
    talk.until("TASK_RUNNING")
    assert talk.status()["healthy"]
    talk.call("KILL", task_id={"value": "t"}, **QUICK)
    talk.until("TASK_KILLED")


def words_of_an_executor(talk: Conversation) -> None:
    """States that only Mesos should tell of, told by an executor."""
    talk.parallel = True
    states = ["TASK_DROPPED", "TASK_GONE", "TASK_GONE_BY_OPERATOR", "TASK_UNREACHABLE", "TASK_UNKNOWN"]
    talk.launch(*[scripted(state, f"TASK_RUNNING {state}") for state in states])
    told = 0
    while told < len(states):
        told += talk.status()["state"] in states


CONVERSATIONS = [
    one_at_a_time,
    acknowledged_badly,
    malformed,
    asked_for_at_every_stage,
    asked_for_while_staging,
    asked_for_together,
    of_another_framework,
    killed_elsewhere,
    killed_by_a_policy,
    words_of_an_executor,
]
