"""Tasks that are a command: how they end, are killed, refused and asked for; and calls that are refused."""

from __future__ import annotations

import base64
import contextlib
import json

from ..conversation import Conversation
from .infos import scalar, task


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


def fetched(talk: Conversation) -> None:
    uris = [{"value": __file__, "output_file": "sub/file"}, {"value": f"file://{__file__}"}]
    talk.launch(task("t", {"value": "test -s sub/file && test -s commands.py", "uris": uris}))
    talk.until("TASK_FINISHED")


def not_fetched(talk: Conversation) -> None:
    talk.launch(task("t", {"value": "true", "uris": [{"value": "/no/such/file"}]}))
    talk.until("TASK_FAILED")


CONVERSATIONS = [
    fetched,
    not_fetched,
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
