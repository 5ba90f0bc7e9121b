"""Agents that end, are lost and come back, and a master that fails over: what frameworks hear of it."""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from typing import TypeVar

from ..conversation import Conversation
from ..faults import Faults
from .draining import agents, look
from .infos import scripted, task, waits
from .shares import MACHINE

Talk = TypeVar("Talk", bound=Callable[..., None])

#: SIGTERM is all that a task gets.
PATIENT = {"kill_policy": {"grace_period": {"nanoseconds": 1_000_000_000_000}}}


def checkpointing(conversation: Talk) -> Talk:
    """Mark a conversation of a framework whose tasks survive their agent."""
    conversation.info = {"checkpoint": True}  # type: ignore[attr-defined]
    return conversation


def impatient(conversation: Talk) -> Talk:
    """Mark a conversation in which master or agent has to give the other up."""
    conversation.impatient = True  # type: ignore[attr-defined]
    return conversation


@checkpointing
def agent_restarted(talk: Conversation, faults: Faults) -> None:
    """Tasks and executors of a framework that checkpoints go on."""
    talk.parallel = True
    talk.launch(scripted("e", "TASK_RUNNING"), task("c", "exec sleep 1000"))
    talk.until("TASK_RUNNING", "TASK_RUNNING")
    faults.stop_agent()
    faults.start_agent()
    talk.call("RECONCILE", tasks=[])
    assert {talk.status()["state"] for _ in range(2)} == {"TASK_RUNNING"}, talk.heard
    for name in ("e", "c"):
        talk.call("KILL", task_id={"value": name})
    talk.until("TASK_KILLED", "TASK_KILLED")


def agent_restarted_without_checkpoints(talk: Conversation, faults: Faults) -> None:
    """All that ran there is lost as soon as the agent is."""
    talk.parallel = True
    talk.launch(scripted("e", "TASK_RUNNING"), task("c", "exec sleep 1000"))
    talk.until("TASK_RUNNING", "TASK_RUNNING")
    faults.stop_agent()
    talk.until("TASK_LOST", "TASK_LOST")
    faults.start_agent()
    talk.call("RECONCILE", tasks=[{"task_id": {"value": "c"}}])
    talk.status()


@checkpointing
def ended_without_its_agent(talk: Conversation, faults: Faults) -> None:
    """What a command came to is told when the agent is there again."""
    talk.launch(task("c", waits(talk.file("go"))))
    talk.until("TASK_RUNNING")
    faults.stop_agent()
    talk.file("go").touch()
    faults.start_agent()
    talk.until("TASK_FINISHED")


@checkpointing
def unacknowledged(talk: Conversation, faults: Faults) -> None:
    """What was not acknowledged comes again after a restart of the agent."""
    talk.launch(scripted("e", "TASK_RUNNING TASK_FINISHED"))
    first = talk.status(acknowledge=False)
    faults.stop_agent()
    faults.start_agent()
    again = talk.status(acknowledge=False)
    assert again["uuid"] == first["uuid"]
    talk.acknowledge(again)
    talk.until("TASK_FINISHED")


@checkpointing
def launched_while_away(talk: Conversation, faults: Faults) -> None:
    """The offer of an agent that has gone is void."""
    offer = talk.offer()
    faults.stop_agent()
    talk.expect("RESCIND")
    talk.launch(task("c"), offer=offer)
    talk.status()
    faults.start_agent()


@impatient
@checkpointing
def agent_lost_and_found(talk: Conversation, faults: Faults) -> None:
    """TASK_UNREACHABLE, and TASK_RUNNING when it is heard again."""
    talk.parallel = True
    offer = talk.offer()
    talk.launch(task("c", "exec sleep 1000"), offer=offer)
    talk.until("TASK_RUNNING")
    faults.lose_agent()
    talk.until_lost("TASK_UNREACHABLE" if talk.is_modern else "TASK_LOST")
    for where in ({}, {"agent_id": offer["agent_id"]}):
        talk.call("RECONCILE", tasks=[{"task_id": {"value": "c"}, **where}])
        talk.status()
    faults.find_agent()
    talk.until("TASK_RUNNING")
    talk.call("KILL", task_id={"value": "c"})
    talk.until("TASK_KILLED")


@checkpointing
def agent_marked_gone(talk: Conversation, faults: Faults) -> None:
    """TASK_GONE_BY_OPERATOR, and so for ever."""
    talk.parallel = True
    offer = talk.offer()
    talk.launch(task("c", "exec sleep 1000"), offer=offer)
    talk.until("TASK_RUNNING")
    faults.mark_agent_gone()
    talk.until_lost("TASK_GONE_BY_OPERATOR" if talk.is_modern else "TASK_LOST")
    for where in ({}, {"agent_id": offer["agent_id"]}):
        talk.call("RECONCILE", tasks=[{"task_id": {"value": "c"}, **where}])
        talk.status()


@checkpointing
def drained_and_gone(talk: Conversation, _: Faults) -> None:
    """Its tasks are killed, and then it is marked gone."""
    # Of a modern framework the agent is gone with TASK_KILLING: no death of the task may come before that.
    trap = "trap '' TERM; " if talk.is_modern else ""
    talk.launch(task("c", f"{trap}touch {talk.file('up')}; exec sleep 1000", **PATIENT))
    talk.until("TASK_RUNNING")
    talk.until_there("up")
    [agent] = agents(talk)
    talk.operate("DRAIN_AGENT", agent_id=agent["agent_info"]["id"], mark_gone=True)
    look(talk)
    talk.until("TASK_GONE_BY_OPERATOR" if talk.is_modern else "TASK_KILLED")
    talk.expect("FAILURE")
    assert agents(talk) == []
    talk.operate("DRAIN_AGENT", agent_id=agent["agent_info"]["id"])
    talk.operate("REACTIVATE_AGENT", agent_id=agent["agent_info"]["id"])


@checkpointing
def machine_down(talk: Conversation, _: Faults) -> None:
    """The agents of a machine in maintenance are removed, and their tasks lost."""
    talk.parallel = True
    machines = [MACHINE]
    for order in ("START_MAINTENANCE", "STOP_MAINTENANCE"):
        for wrong in ([], [{"hostname": "elsewhere"}], machines, machines * 2):
            talk.operate(order, machines=wrong)
    talk.launch(task("c", "exec sleep 1000"))
    talk.until("TASK_RUNNING")
    window = {"machine_ids": machines, "unavailability": {"start": {"nanoseconds": 7}}}
    talk.operate("UPDATE_MAINTENANCE_SCHEDULE", schedule={"windows": [window]})
    talk.expect("INVERSE_OFFERS")
    talk.operate("START_MAINTENANCE", machines=machines)
    talk.until_lost("TASK_LOST")
    assert agents(talk) == []
    talk.operate("GET_MAINTENANCE_STATUS")
    talk.operate("UPDATE_MAINTENANCE_SCHEDULE", schedule={"windows": []})
    talk.operate("START_MAINTENANCE", machines=machines)
    talk.operate("STOP_MAINTENANCE", machines=machines)
    talk.operate("GET_MAINTENANCE_STATUS")
    talk.operate("GET_MAINTENANCE_SCHEDULE")


@impatient
@checkpointing
def master_failed_over(talk: Conversation, faults: Faults) -> None:
    """The connection ends; who subscribes again with its id finds its tasks."""
    talk.launch(task("c", "exec sleep 1000"))
    talk.until("TASK_RUNNING")
    faults.fail_over()
    while talk.event() is not None:
        pass
    second = Conversation(talk.master, id=talk.id, **talk.info)
    second.id = talk.id
    second.acknowledged = talk.acknowledged  # whether the agent knew of it is a matter of chance
    with contextlib.closing(second):
        second.expect("SUBSCRIBED")
        second.call("RECONCILE", tasks=[])
        second.until("TASK_RUNNING")
        second.call("RECONCILE", tasks=[{"task_id": {"value": name}} for name in ("c", "nobody")])
        second.status()
        second.status()
        second.call("KILL", task_id={"value": "c"})
        second.until("TASK_KILLED")
        second.call("TEARDOWN")
    events = [event for event in second.heard if isinstance(event, dict)]
    talk.heard += [event for event in events if event["type"] == "UPDATE"]


CONVERSATIONS = [
    agent_restarted,
    agent_restarted_without_checkpoints,
    ended_without_its_agent,
    unacknowledged,
    launched_while_away,
    agent_lost_and_found,
    agent_marked_gone,
    drained_and_gone,
    machine_down,
    master_failed_over,
]
