"""Agents that are drained: what frameworks hear of it, and what operators are told."""

from __future__ import annotations

import json
from typing import Any

from ..cluster import wait_until
from ..conversation import Conversation, post
from ..faults import Faults
from .infos import task
from .shares import MACHINE


def agents(talk: Conversation) -> list[dict[str, Any]]:
    answer = json.loads(post(talk.master, {"type": "GET_AGENTS"})[1])
    known: list[dict[str, Any]] = answer["get_agents"].get("agents", [])
    return known


def look(talk: Conversation) -> None:
    """Note what is said of the agent."""
    [agent] = agents(talk)
    kept = {key: agent.get(key) for key in ("active", "deactivated", "drain_info")}
    talk.heard.append(["agent", "estimated_drain_start_time" in agent, kept])


def until_drained(talk: Conversation) -> None:
    wait_until(
        lambda: agents(talk)[0]["drain_info"]["state"] == "DRAINED", lambda: "the agent is not drained"
    )


def drained(talk: Conversation, _: Faults) -> None:
    """Tasks are killed, and the agent is not offered until it is activated."""
    offer = talk.offer()
    agent = offer["agent_id"]
    talk.undo.append({"type": "REACTIVATE_AGENT", "reactivate_agent": {"agent_id": agent}})
    talk.launch(task("t", "exec sleep 1000"), offer=offer)
    talk.until("TASK_RUNNING")
    talk.operate("DRAIN_AGENT", agent_id=agent, max_grace_period={"seconds": 10, "nanos": 5})
    look(talk)
    talk.operate("REACTIVATE_AGENT", agent_id=agent)
    talk.until("TASK_KILLED")
    until_drained(talk)
    look(talk)
    talk.operate("REACTIVATE_AGENT", agent_id=agent)
    look(talk)
    talk.call("REVIVE")
    talk.until_offered("")


def drained_without_tasks(talk: Conversation, _: Faults) -> None:
    """That is done at once; no agent that is to be maintained is drained."""
    agent = talk.offer()["agent_id"]
    talk.undo.append({"type": "REACTIVATE_AGENT", "reactivate_agent": {"agent_id": agent}})
    talk.operate("DRAIN_AGENT", agent_id=agent)
    talk.expect("RESCIND")
    until_drained(talk)
    look(talk)
    talk.operate("REACTIVATE_AGENT", agent_id=agent)
    talk.another_offer()
    talk.operate("DRAIN_AGENT", agent_id={"value": "nowhere"})
    talk.operate("DRAIN_AGENT", max_grace_period={"seconds": 1})
    empty = {"schedule": {"windows": []}}
    talk.undo.append({"type": "UPDATE_MAINTENANCE_SCHEDULE", "update_maintenance_schedule": empty})
    window = {"machine_ids": [MACHINE], "unavailability": {"start": {"nanoseconds": 7}}}
    talk.operate("UPDATE_MAINTENANCE_SCHEDULE", schedule={"windows": [window]})
    talk.operate("DRAIN_AGENT", agent_id=agent)


CONVERSATIONS = [drained, drained_without_tasks]
