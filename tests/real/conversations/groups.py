"""Task groups.

Mesos' own default executor does not come with its library: the real cluster runs tests/real/libexec's.
"""

from __future__ import annotations

from typing import Any

from ..conversation import Conversation
from .infos import executor, scalar, task, waits

#: Ends by SIGKILL only.
DEAF = "trap '' TERM; exec sleep 1000"
QUICK = {"kill_policy": {"grace_period": {"nanoseconds": 100_000_000}}}


def announced(talk: Conversation, name: str, begin: str = ":", **more: Any) -> dict[str, Any]:
    """Return a task that makes a file of its name, after what it does first.

    What starts it on a real agent hears no SIGTERM, and is running already.
    """
    return task(name, f"{begin}; touch {talk.file(name)}; exec sleep 1000", **more)


def deaf(talk: Conversation, name: str) -> dict[str, Any]:
    return announced(talk, name, "trap '' TERM", **QUICK)


def default(talk: Conversation, **more: Any) -> dict[str, Any]:
    """Return a default executor."""
    return {
        "executor_id": {"value": "g"},
        "framework_id": talk.id,
        "type": "DEFAULT",
        "resources": [scalar("cpus", 0.1), scalar("mem", 32), scalar("disk", 10)],
        **more,
    }


def launch(talk: Conversation, offer: dict[str, Any], *groups: tuple[dict[str, Any], list[Any]]) -> None:
    """Launch groups: pairs of an executor and tasks."""
    operations = [
        {
            "type": "LAUNCH_GROUP",
            "launch_group": {
                "executor": info,
                "task_group": {"tasks": [{**one, "agent_id": offer["agent_id"]} for one in tasks]},
            },
        }
        for info, tasks in groups
    ]
    talk.call("ACCEPT", offer_ids=[offer["id"]], operations=operations, filters={"refuse_seconds": 1000})


def group(talk: Conversation) -> None:
    offer = talk.offer()
    talk.parallel = True
    launch(talk, offer, (default(talk), [task("a"), task("b", "exit 0")]))
    talk.until_lost("TASK_FINISHED", "TASK_FINISHED")


def one_fails(talk: Conversation) -> None:
    offer = talk.offer()
    talk.parallel = True
    fails = task("b", f"{waits(talk.file('go'))}; exit 3")
    launch(talk, offer, (default(talk), [deaf(talk, "a"), fails]))
    talk.until("TASK_RUNNING", "TASK_RUNNING")
    talk.until_there("a")
    talk.file("go").touch()
    talk.until_lost("TASK_FAILED", "TASK_KILLED")


def one_is_killed(talk: Conversation) -> None:
    offer = talk.offer()
    talk.parallel = True
    ends = task("c", waits(talk.file("go")))
    launch(talk, offer, (default(talk), [deaf(talk, "a"), deaf(talk, "b"), ends]))
    talk.until("TASK_RUNNING", "TASK_RUNNING", "TASK_RUNNING")
    talk.until_there("a", "b")
    talk.file("go").touch()
    talk.until("TASK_FINISHED")
    talk.call("KILL", task_id={"value": "a"})
    talk.until_lost("TASK_KILLED", "TASK_KILLED")


def bad_groups(talk: Conversation) -> None:
    offer = talk.offer()
    bad: list[tuple[dict[str, Any], dict[str, Any]]] = [
        (default(talk, framework_id=None), {}),
        (default(talk, type=None), {}),
        (default(talk, command={"value": "x"}), {}),
        (default(talk, type="CUSTOM"), {}),
        (default(talk, resources=[scalar("mem", 32), scalar("disk", 1)]), {}),
        (default(talk, resources=[scalar("cpus", 0.1), scalar("disk", 1)]), {}),
        (default(talk, resources=[scalar("cpus", 0.1), scalar("mem", 31.5), scalar("disk", 1)]), {}),
        (default(talk, resources=[scalar("cpus", 0.1), scalar("mem", 0.5), scalar("disk", 1)]), {}),
        (default(talk, resources=[scalar("cpus", 0.1), scalar("mem", 32)]), {}),
        (default(talk, resources=[scalar("cpus", 1000), scalar("mem", 32), scalar("disk", 1)]), {}),
        (default(talk), {"resources": []}),
        (default(talk), {"executor": executor("another")}),
        (default(talk), {"task_id": {"value": "a/b"}}),
    ]
    launch(talk, offer, *[(info, [{**task(str(at)), **more}]) for at, (info, more) in enumerate(bad)])
    for _ in bad:
        talk.status()


CONVERSATIONS = [group, one_fails, one_is_killed, bad_groups]
