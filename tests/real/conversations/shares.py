"""Who is offered what: constraints, weights, limits, maintenance; agents that are deactivated.

Invariants
* An agent is offered as a whole, so that one framework holds what the others wait for: who is noted to
  have got it is the one that was served.
"""

from __future__ import annotations

import contextlib
from typing import Any

from ..conversation import Conversation
from .infos import scalar, task

MACHINE = {"hostname": "127.0.0.1", "ip": "127.0.0.1"}


def party(talk: Conversation, name: str, **more: Any) -> Conversation:
    """Return another framework, in a role of its name; it hears and is not noted."""
    roles = {"roles": [name]} if more.get("capabilities") else {"role": name}
    other = Conversation(talk.master, **roles, **more)
    other.id = other.expect("SUBSCRIBED")["framework_id"]
    return other


def served(talk: Conversation, other: Conversation, name: str) -> dict[str, Any]:
    """Note that a framework was offered something, and how much."""
    other.offered = False
    offer: dict[str, Any] = other.expect("OFFERS")["offers"][0]
    amounts = {one["name"]: one["scalar"]["value"] for one in offer["resources"] if "scalar" in one}
    talk.heard.append([name, "is offered", sorted(amounts.items())])
    return offer


def launch(other: Conversation, offer: dict[str, Any], name: str, cpus: float) -> None:
    """Launch a task that nobody waits for; give the rest back at once."""
    info = task(name, "sleep 1000", resources=[scalar("cpus", cpus), scalar("mem", 32)])
    operation = {"type": "LAUNCH", "launch": {"task_infos": [info | {"agent_id": offer["agent_id"]}]}}
    filters = {"refuse_seconds": 0}
    other.call("ACCEPT", offer_ids=[offer["id"]], operations=[operation], filters=filters)


def refuse(talk: Conversation, offer: dict[str, Any]) -> None:
    talk.call("DECLINE", offer_ids=[offer["id"]], filters={"refuse_seconds": 1000})


def closing(stack: contextlib.ExitStack, other: Conversation) -> Conversation:
    stack.callback(other.close)
    stack.callback(other.call, "TEARDOWN")
    return other


def on_host(role: str, predicate: dict[str, Any]) -> dict[str, Any]:
    """Return constraints on the name of an agent's host."""
    condition = {"selector": {"pseudoattribute_type": "HOSTNAME"}, "predicate": predicate}
    return {"role_constraints": {role: {"groups": [{"attribute_constraints": [condition]}]}}}


def constrained(talk: Conversation) -> None:
    """Who excludes an agent leaves it to others, until it takes that back."""
    refuse(talk, talk.offer())
    excluded = on_host("picky", {"text_not_matches": {"regex": "127[.].*"}})
    with contextlib.ExitStack() as stack:
        picky = closing(stack, party(talk, "picky", offer_constraints=excluded))
        other = closing(stack, party(talk, "other"))
        refuse(other, served(talk, other, "other"))
        info = {"user": "nobody", "name": "fidelity", "role": "picky", "id": picky.id}
        included = on_host("picky", {"text_equals": {"value": "127.0.0.1"}})
        picky.call("UPDATE_FRAMEWORK", framework_info=info, offer_constraints=included)
        talk.heard.append(picky.heard[-1])
        served(talk, picky, "picky")
        for bad in (
            on_host("unknown", {"exists": {}}),
            on_host("picky", {}),
            {"role_constraints": {"picky": {"groups": []}}},
            {"role_constraints": {"picky": {"groups": [{"attribute_constraints": []}]}}},
        ):
            picky.call("UPDATE_FRAMEWORK", framework_info=info, offer_constraints=bad)
            talk.heard.append(picky.heard[-1])


def weighed(talk: Conversation) -> None:
    """Of weights 3:1, three tasks for one; new weights take offers back."""
    refuse(talk, talk.offer())
    with contextlib.ExitStack() as stack:
        light = closing(stack, party(talk, "light"))
        served(talk, light, "light")
        heavy = closing(stack, party(talk, "heavy"))
        weights = [{"role": "heavy", "weight": 3.0}, {"role": "light", "weight": 1.0}]
        talk.operate("UPDATE_WEIGHTS", weight_infos=weights)
        light.expect("RESCIND")
        for number, (name, other) in enumerate(
            [("heavy", heavy), ("light", light), ("heavy", heavy), ("heavy", heavy)]
        ):
            launch(other, served(talk, other, name), str(number), 1)
    for bad in ({"role": "a", "weight": 0.0}, {"role": "/a", "weight": 1.0}):
        talk.operate("UPDATE_WEIGHTS", weight_infos=[bad])


def limited(talk: Conversation) -> None:
    """A limit cuts offers down; it may not be below what is used."""
    refuse(talk, talk.offer())

    def limit(amounts: dict[str, float], role: str = "limited", **more: Any) -> None:
        scalars = {name: {"value": value} for name, value in amounts.items()}
        talk.operate("UPDATE_QUOTA", quota_configs=[{"role": role, "limits": scalars, **more}])

    order = {"force": True, "quota_configs": [{"role": "limited"}]}
    talk.undo.append({"type": "UPDATE_QUOTA", "update_quota": order})
    limit({"cpus": 2})
    talk.operate("GET_QUOTA")
    with contextlib.ExitStack() as stack:
        other = closing(stack, party(talk, "limited"))
        launch(other, served(talk, other, "limited"), "t", 1.5)
        served(talk, other, "limited")
        limit({"cpus": 1})
        limit({"cpus": 1}, "limited/inner")
        limit({"cpus": -1})
        limit({"cpus": 1e13})
        limit({"cpus": 2}, guarantees={"cpus": {"value": 3}})
        limit({}, guarantees={"cpus": {"value": 1000}})


def maintained(talk: Conversation) -> None:
    """Who has a task there is asked to leave, and answers."""
    talk.launch(task("t", "sleep 1000"))
    talk.until("TASK_RUNNING")
    talk.undo.append(
        {"type": "UPDATE_MAINTENANCE_SCHEDULE", "update_maintenance_schedule": {"schedule": {"windows": []}}}
    )

    def plan(start: int, **more: Any) -> None:
        window = {"machine_ids": [MACHINE], "unavailability": {"start": {"nanoseconds": start}, **more}}
        talk.operate("UPDATE_MAINTENANCE_SCHEDULE", schedule={"windows": [window]})

    plan(7)
    talk.expect("INVERSE_OFFERS")
    plan(8, duration={"nanoseconds": 9})
    talk.expect("RESCIND_INVERSE_OFFER")
    inverse = talk.expect("INVERSE_OFFERS")["inverse_offers"][0]
    talk.call("DECLINE_INVERSE_OFFERS", inverse_offer_ids=[inverse["id"]], filters={"refuse_seconds": 0.1})
    inverse = talk.expect("INVERSE_OFFERS")["inverse_offers"][0]
    talk.call("ACCEPT_INVERSE_OFFERS", inverse_offer_ids=[inverse["id"]], filters={"refuse_seconds": 1000})
    talk.operate("GET_MAINTENANCE_SCHEDULE")
    talk.operate("GET_MAINTENANCE_STATUS")
    plan(7, duration={"nanoseconds": -1})
    for machines in ([], [{}], [MACHINE, MACHINE]):
        window = {"machine_ids": machines, "unavailability": {"start": {"nanoseconds": 7}}}
        talk.operate("UPDATE_MAINTENANCE_SCHEDULE", schedule={"windows": [window]})


def deactivated(talk: Conversation) -> None:
    """A deactivated agent is not offered; it is again when it is activated."""
    agent = talk.offer()["agent_id"]
    talk.undo.append({"type": "REACTIVATE_AGENT", "reactivate_agent": {"agent_id": agent}})
    talk.operate("DEACTIVATE_AGENT", agent_id=agent)
    talk.expect("RESCIND")
    talk.operate("REACTIVATE_AGENT", agent_id=agent)
    talk.another_offer()
    talk.operate("REACTIVATE_AGENT", agent_id=agent)
    talk.operate("DEACTIVATE_AGENT", agent_id={"value": "nowhere"})


CONVERSATIONS = [constrained, weighed, limited, maintained, deactivated]
