"""What frameworks do with offers: refuse them for a time, want none, want them again, in one role of two.

Invariants
* That a framework is offered nothing is seen by who gets it instead: `shares.py` tells how.
"""

from __future__ import annotations

import contextlib
from typing import Any

from ..conversation import Conversation
from .infos import task
from .shares import closing, party, refuse, served


def filtered(talk: Conversation) -> None:
    """What was declined goes to another framework, and comes again after REVIVE."""
    refuse(talk, talk.offer())
    with contextlib.ExitStack() as stack:
        other = closing(stack, party(talk, "other"))
        refuse(other, served(talk, other, "other"))
        talk.call("REVIVE")
        talk.another_offer()


def filtered_for_a_moment(talk: Conversation) -> None:
    """A filter ends by itself: a short one, none, and one that is no time at all."""
    offer = talk.offer()
    for seconds in (0.1, 0, 0.01):
        talk.call("DECLINE", offer_ids=[offer["id"]], filters={"refuse_seconds": seconds})
        offer = talk.another_offer()


def accepted_for_nothing(talk: Conversation) -> None:
    """ACCEPT without operations declines, and its filter counts."""
    offer = talk.offer()
    talk.call("ACCEPT", offer_ids=[offer["id"]], operations=[], filters={"refuse_seconds": 1000})
    with contextlib.ExitStack() as stack:
        other = closing(stack, party(talk, "other"))
        offer = served(talk, other, "other")
        other.call("ACCEPT", offer_ids=[offer["id"]], operations=[], filters={"refuse_seconds": 0})
        served(talk, other, "other")


def filtered_but_more_came(talk: Conversation) -> None:
    """A filter holds what it was set for: when a task has freed more, there is an offer."""
    talk.launch(task("t", "exec sleep 1000"))
    talk.until("TASK_RUNNING")
    talk.call("KILL", task_id={"value": "t"})
    talk.until_offered("TASK_KILLED")


def declined_twice(talk: Conversation) -> None:
    """The second time there is no such offer: that is taken, and nothing comes of it."""
    offer = talk.offer()
    for _ in range(2):
        refuse(talk, offer)
    talk.call("DECLINE", offer_ids=[])
    talk.call("DECLINE", offer_ids=[{"value": "nobody's"}])
    talk.launch(task("t"), offer=offer)
    talk.status()


def of_another_framework(talk: Conversation) -> None:
    """Who answers an offer that another framework has gets nothing of it, and ends it."""
    refuse(talk, talk.offer())
    with contextlib.ExitStack() as stack:
        other = closing(stack, party(talk, "other"))
        offer = served(talk, other, "other")
        talk.names |= {other.id["value"]: "OTHER"}
        talk.launch(task("t"), offer=offer)
        talk.status()
        offer = served(talk, other, "other")
        refuse(talk, offer)
        other.launch(task("u"), offer=offer)
        talk.names |= {offer["id"]["value"]: "OFFER"}
        talk.heard.append(other.status()["message"])


def suppressed(talk: Conversation) -> None:
    """Who wants no offers leaves them to others, until REVIVE."""
    offer = talk.offer()
    talk.call("SUPPRESS")
    talk.call("SUPPRESS")
    talk.call("DECLINE", offer_ids=[offer["id"]], filters={"refuse_seconds": 0})
    with contextlib.ExitStack() as stack:
        other = closing(stack, party(talk, "other"))
        refuse(other, served(talk, other, "other"))
        talk.call("REVIVE")
        talk.another_offer()


def suppressed_from_the_start(talk: Conversation) -> None:
    """`suppressed_roles` of SUBSCRIBE and of UPDATE_FRAMEWORK."""
    refuse(talk, talk.offer())
    with contextlib.ExitStack() as stack:
        quiet = closing(stack, party(talk, "quiet", suppressed_roles=["quiet"]))
        other = closing(stack, party(talk, "other"))
        refuse(other, served(talk, other, "other"))
        quiet.call("REVIVE", roles=["quiet"])
        offer = served(talk, quiet, "quiet")
        info = {"user": "nobody", "name": "fidelity", "role": "quiet", "id": quiet.id}
        quiet.call("UPDATE_FRAMEWORK", framework_info=info, suppressed_roles=["quiet"])
        quiet.call("DECLINE", offer_ids=[offer["id"]], filters={"refuse_seconds": 0})
        other.call("REVIVE")
        refuse(other, served(talk, other, "other"))
        quiet.call("UPDATE_FRAMEWORK", framework_info=info, suppressed_roles=[])
        served(talk, quiet, "quiet")
        quiet.call("UPDATE_FRAMEWORK", framework_info=info, suppressed_roles=["other"])
        talk.heard += quiet.heard[-1:]


def requested(talk: Conversation) -> None:
    """REQUEST is taken, and no notice is taken of it."""
    offer = talk.offer()
    talk.call("REQUEST", requests=[{"agent_id": offer["agent_id"], "resources": offer["resources"]}])
    talk.call("REQUEST", requests=[])
    talk.call("REQUEST")
    talk.launch(task("t"), offer=offer)
    talk.until("TASK_FINISHED")


def in_two_roles(talk: Conversation) -> None:
    """Filters and SUPPRESS are of one role; offers of two cannot be accepted together."""
    refuse(talk, talk.offer())
    roles = ["one", "two"]
    several = {"roles": roles, "capabilities": [{"type": "MULTI_ROLE"}]}
    with contextlib.ExitStack() as stack:
        other = closing(stack, Conversation(talk.master, **several))
        other.id = other.expect("SUBSCRIBED")["framework_id"]

        def offered(filters: float) -> str:
            offer = served(talk, other, "in two roles")
            role: str = offer["allocation_info"]["role"]
            talk.heard.append(["it is", "of role", role])
            other.call("DECLINE", offer_ids=[offer["id"]], filters={"refuse_seconds": filters})
            return role

        first = offered(1000)
        second = offered(1000)
        assert {first, second} == set(roles)
        for role in roles:
            other.call("REVIVE", roles=[role])
            assert offered(1000) == role
        other.call("SUPPRESS", roles=["one"])
        other.call("REVIVE", roles=["two"])
        assert offered(0) == "two"
        assert offered(1000) == "two"
        leave(talk, other, several)


def leave(talk: Conversation, other: Conversation, info: dict[str, Any]) -> None:
    """Have a framework give up its role "two" while it holds an offer of it."""
    other.call("REVIVE", roles=["two"])
    served(talk, other, "in two roles")
    info = {"user": "nobody", "name": "fidelity", **info, "roles": ["one"], "id": other.id}
    other.call("UPDATE_FRAMEWORK", framework_info=info, suppressed_roles=[])
    talk.heard.append(other.heard[-1])
    other.expect("RESCIND")
    served(talk, other, "in one role")


CONVERSATIONS = [
    filtered,
    filtered_for_a_moment,
    accepted_for_nothing,
    filtered_but_more_came,
    declined_twice,
    of_another_framework,
    suppressed,
    suppressed_from_the_start,
    requested,
    in_two_roles,
]
