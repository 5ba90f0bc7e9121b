"""Frameworks: how they subscribe again, change, go, and what is no call at all."""

from __future__ import annotations

import http.client
import json
from typing import Any

from ..conversation import JSON, MARGIN, Conversation
from .infos import task
from .refusals import subscribe


def changed(talk: Conversation, **changes: Any) -> dict[str, Any]:
    """Return the information of a framework as it is, but for the changes; None takes a field away."""
    info = {"user": "nobody", "name": "fidelity", **talk.info, "id": talk.id, **changes}
    return {name: value for name, value in info.items() if value is not None}


def updated(talk: Conversation) -> None:
    """UPDATE_FRAMEWORK: what may be changed, and what may not."""
    offer = talk.offer()
    for changes in (
        {},
        {"name": "another", "failover_timeout": 61.0, "webui_url": "http://nowhere", "hostname": "h"},
        {"labels": {"labels": [{"key": "k", "value": "v"}]}},
        {"user": "another"},
        {"checkpoint": True},
        {"principal": "another"},
        {"id": None},
        {"id": {"value": "another"}},
        {"failover_timeout": -1.0},
        {"failover_timeout": 1e100},
        {"role": "a", "roles": ["b"]},
        {"roles": ["/"], "capabilities": [{"type": "MULTI_ROLE"}]},
        {"capabilities": []},
        {"capabilities": None},
    ):
        talk.call("UPDATE_FRAMEWORK", framework_info=changed(talk, **changes))
    talk.launch(task("t"), offer=offer)
    talk.status()


def subscribed_again(talk: Conversation) -> None:
    """SUBSCRIBE of a framework that is subscribed, with what may not be changed: it goes on."""
    offer = talk.offer()
    subscribe(talk, {"framework_info": changed(talk, principal="another")})
    talk.launch(task("t"), offer=offer)
    talk.until("TASK_FINISHED")


def timed_out(talk: Conversation) -> None:
    """Who does not come back within its failover_timeout has ended."""
    talk.offer()
    other = Conversation(talk.master, name="short", failover_timeout=0.0)
    other.id = other.expect("SUBSCRIBED")["framework_id"]
    talk.names |= {other.id["value"]: "OTHER"}
    other.close()
    while any(one["framework_info"]["id"] == other.id for one in frameworks(talk, "GET_FRAMEWORKS")):
        pass
    subscribe(talk, {"framework_info": {"name": "short", "user": "nobody", "id": other.id}})


def frameworks(talk: Conversation, kind: str) -> list[dict[str, Any]]:
    """Return the frameworks that a master has, without a note."""
    said = talk.operate(kind)
    talk.heard.pop()
    found: list[dict[str, Any]] = said["get_frameworks"].get("frameworks", [])
    return found


def no_calls(talk: Conversation) -> None:
    """Requests that are not read as calls: of another method, type or form.

    Not of the type UNKNOWN: that is the end of a real master.
    """
    talk.offer()
    kill = {"type": "KILL", "framework_id": talk.id, "kill": {"task_id": {"value": "t"}}}
    text = json.dumps(kill)
    typed = {"Content-Type": "application/json"}
    for method, body, headers in (
        ("GET", None, JSON),
        ("PUT", text, JSON),
        ("DELETE", None, JSON),
        ("POST", text, {}),
        ("POST", text, {"Content-Type": "text/plain"}),
        ("POST", text, {"Content-Type": "application/recordio"}),
        ("POST", text, {"Content-Type": "application/x-protobuf"}),
        ("POST", "", JSON),
        ("POST", "{", JSON),
        ("POST", "[]", JSON),
        ("POST", "{}", JSON),
        ("POST", text, typed | {"Accept": "text/html"}),
        ("POST", text, typed | {"Accept": "*/*"}),
        ("POST", text, typed),
        ("POST", text, typed | {"Mesos-Stream-Id": ""}),
        ("POST", json.dumps({"type": "SUBSCRIBE"}), talk.headers),
        ("POST", json.dumps({"type": "SUBSCRIBE", "subscribe": {}}), JSON),
        ("POST", json.dumps({**kill, "framework_id": None}), talk.headers),
        ("POST", json.dumps({**kill, "type": None}), talk.headers),
        ("POST", json.dumps({**kill, "kill": None}), talk.headers),
        ("POST", json.dumps({**kill, "more": {"than": "known"}}), talk.headers),
    ):
        request(talk, method, body, headers)


def request(talk: Conversation, method: str, body: str | None, headers: dict[str, str]) -> None:
    """Note what a request is answered."""
    connection = http.client.HTTPConnection(talk.master, timeout=MARGIN)
    connection.request(method, "/api/v1/scheduler", body, headers)
    response = connection.getresponse()
    talk.heard.append((f"{method} {body}", response.status, response.read().decode()))
    connection.close()


CONVERSATIONS = [updated, subscribed_again, timed_out, no_calls]
