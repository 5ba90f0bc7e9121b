"""Task groups.

Mesos' own default executor does not come with its library: the real cluster runs tests/real/libexec's.
"""

from __future__ import annotations

from typing import Any

from ..conversation import Conversation
from .infos import executor, scalar, task

#: Ends by SIGKILL only.
DEAF = "trap '' TERM; exec sleep 1000"
QUICK = {"kill_policy": {"grace_period": {"nanoseconds": 100_000_000}}}


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
    launch(talk, offer, (default(talk), [task("a", DEAF, **QUICK), task("b", "sleep 0.3; exit 3")]))
    talk.until_lost("TASK_FAILED", "TASK_KILLED")


def one_is_killed(talk: Conversation) -> None:
    offer = talk.offer()
    talk.parallel = True
    tasks = [task(name, DEAF, **QUICK) for name in ("a", "b")]
    launch(talk, offer, (default(talk), [*tasks, task("c", "sleep 1")]))
    talk.until("TASK_FINISHED")  # the others are deaf by then
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
