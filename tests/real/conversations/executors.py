"""Executors with a process of their own."""

from __future__ import annotations

from typing import Any

from ..conversation import Conversation
from .infos import SCRIPTED, encoded, executor, scalar, scripted, waits


def one_for_many_tasks(talk: Conversation) -> None:
    talk.parallel = True
    talk.launch(scripted("a"), scripted("b", "TASK_STARTING TASK_RUNNING TASK_FINISHED"), scripted("c"))
    talk.until("TASK_FINISHED", "TASK_FINISHED", "TASK_FINISHED")


def used_again(talk: Conversation) -> None:
    """An executor stays when its last task has ended, and takes more."""
    talk.launch(scripted("a"))
    talk.until("TASK_FINISHED")
    talk.call("REVIVE")
    talk.launch(scripted("b"), offer=talk.another_offer())
    talk.until("TASK_FINISHED")


def every_end(talk: Conversation) -> None:
    talk.parallel = True
    talk.launch(
        *[
            scripted(state, f"TASK_RUNNING {state}")
            for state in ("TASK_FINISHED", "TASK_FAILED", "TASK_KILLED", "TASK_ERROR", "TASK_LOST")
        ]
    )
    talk.until_each("TASK_FINISHED", "TASK_FAILED", "TASK_KILLED", "TASK_ERROR", "TASK_LOST")


def two_terminal_updates(talk: Conversation) -> None:
    """The acknowledgement of the first drops the second."""
    talk.parallel = True
    talk.launch(scripted("t", "TASK_RUNNING TASK_FINISHED TASK_FAILED"), scripted("u", "TASK_RUNNING"))
    first, _ = talk.status(acknowledge=False), talk.status()  # all of t's are at the agent when u's comes
    talk.acknowledge(first)
    talk.until("TASK_FINISHED")
    talk.call("KILL", task_id={"value": "u"})
    talk.until("TASK_KILLED")


def it_exits(talk: Conversation) -> None:
    talk.parallel = True
    talk.launch(scripted("a", "TASK_RUNNING"), scripted("b", "TASK_RUNNING exit:3"))
    talk.until("TASK_FAILED", "TASK_FAILED")


def it_is_killed_by_a_signal(talk: Conversation) -> None:
    talk.launch(scripted("a", "signal:9"))
    talk.until("TASK_FAILED")


def it_cannot_be_executed(talk: Conversation) -> None:
    nothing = {"shell": False, "value": "/no/such/executor"}
    talk.launch(scripted("a", executor=executor(command=nothing)))
    talk.until("TASK_FAILED")


def its_task_is_killed(talk: Conversation) -> None:
    talk.launch(scripted("a", "TASK_RUNNING"))
    talk.until("TASK_RUNNING")
    talk.call("KILL", task_id={"value": "a"})
    talk.until("TASK_KILLED")


def killed_before_it_registered(talk: Conversation) -> None:
    """Its executor, when it does, has nothing to do, and is shut down."""
    late = {"value": f"touch {talk.file('up')}; {waits(talk.file('go'))}; {SCRIPTED}"}
    talk.launch(scripted("a", "TASK_RUNNING", executor=executor(command=late)))
    talk.until_there("up")
    talk.call("KILL", task_id={"value": "a"})
    talk.until("TASK_KILLED")
    talk.file("go").touch()
    talk.expect("FAILURE")


def messages(talk: Conversation) -> None:
    offer = talk.offer()
    to = {"executor_id": {"value": "e"}, "agent_id": offer["agent_id"]}
    talk.launch(scripted("a", "TASK_RUNNING"), offer=offer)
    talk.until("TASK_RUNNING")
    for text in ("hello", "a\0b", ""):
        talk.call("MESSAGE", **to, data=encoded(text))
        talk.expect("MESSAGE")


def shut_down(talk: Conversation) -> None:
    talk.parallel = True
    offer = talk.offer()
    talk.launch(scripted("a", "TASK_RUNNING"), scripted("b"), offer=offer)
    talk.until_each("TASK_RUNNING", "TASK_RUNNING", "TASK_FINISHED")
    talk.call("SHUTDOWN", executor_id={"value": "e"}, agent_id=offer["agent_id"])
    talk.until("TASK_FAILED")


def shut_down_by_force(talk: Conversation) -> None:
    """One that does not listen is killed when its grace period is over."""
    offer = talk.offer()
    stubborn = executor(traits="stubborn", shutdown_grace_period={"nanoseconds": 100_000_000})
    talk.launch(scripted("a", "TASK_RUNNING", executor=stubborn), offer=offer)
    talk.until("TASK_RUNNING")
    talk.call("SHUTDOWN", executor_id={"value": "e"}, agent_id=offer["agent_id"])
    talk.until("TASK_FAILED")


def shut_down_without_tasks(talk: Conversation) -> None:
    offer = talk.offer()
    talk.launch(scripted("a"), offer=offer)
    talk.until("TASK_FINISHED")
    talk.call("SHUTDOWN", executor_id={"value": "e"}, agent_id=offer["agent_id"])
    talk.expect("FAILURE")


def asked_for(talk: Conversation) -> None:
    """Reconciliation names the executor."""
    talk.launch(scripted("a", "TASK_RUNNING"))
    talk.until("TASK_RUNNING")
    talk.call("RECONCILE", tasks=[])
    talk.status()


def bad_executors(talk: Conversation) -> None:
    bad: list[dict[str, Any]] = [
        executor(""),
        executor("a/b"),
        executor(framework_id={"value": "another"}),
        executor(command=None),
        executor(type="DEFAULT"),
        executor(type="DEFAULT", command=None),
        executor(type="CUSTOM", command=None),
        executor(shutdown_grace_period={"nanoseconds": -1}),
        executor(resources=[scalar("cpus", 1000)]),
    ]
    talk.launch(*[scripted(str(at), executor=info) for at, info in enumerate(bad)])
    for _ in bad:
        talk.status()


def another_of_the_same_id(talk: Conversation) -> None:
    talk.launch(scripted("a", "TASK_RUNNING"), scripted("b", executor=executor(name="another")))
    talk.until("TASK_ERROR", "TASK_RUNNING")


def refused_executor_calls(talk: Conversation) -> None:
    """Calls that come to the agent, of an executor that runs and of none."""
    offer = talk.offer()
    talk.launch(scripted("a", "TASK_RUNNING"), offer=offer)
    talk.until("TASK_RUNNING")
    status = {
        "task_id": {"value": "a"},
        "state": "TASK_RUNNING",
        "source": "SOURCE_EXECUTOR",
        "uuid": encoded("\x00" * 6 + "\x40" + "\x00" * 9),
    }
    calls: list[dict[str, Any]] = [
        {},
        {"type": "NONSENSE"},
        {"type": "SUBSCRIBE"},
        {"type": "UPDATE"},
        {"type": "MESSAGE"},
        {"type": "UPDATE", "update": {"status": {**status, "uuid": None}}},
        {"type": "UPDATE", "update": {"status": {**status, "uuid": encoded("short")}}},
        {"type": "UPDATE", "update": {"status": {**status, "source": "SOURCE_AGENT"}}},
        {"type": "UPDATE", "update": {"status": {**status, "state": "TASK_STAGING"}}},
        {"type": "UPDATE", "update": {"status": {**status, "executor_id": {"value": "another"}}}},
        {"type": "UPDATE", "executor_id": {"value": "none"}, "update": {"status": status}},
        {"type": "UPDATE", "framework_id": {"value": "none"}, "update": {"status": status}},
        {"type": "HEARTBEAT", "framework_id": {"value": "none"}},
        {"type": "MESSAGE", "executor_id": None, "message": {"data": ""}},
    ]
    for call in calls:
        talk.executor_call(offer, {"framework_id": talk.id, "executor_id": {"value": "e"}, **call})


CONVERSATIONS = [
    refused_executor_calls,
    one_for_many_tasks,
    used_again,
    every_end,
    two_terminal_updates,
    it_exits,
    it_is_killed_by_a_signal,
    it_cannot_be_executed,
    its_task_is_killed,
    killed_before_it_registered,
    messages,
    shut_down,
    shut_down_by_force,
    shut_down_without_tasks,
    asked_for,
    bad_executors,
    another_of_the_same_id,
]
