"""Operators' calls to master and agents, and what is compared of the answers.

Invariants
* Of an answer, names take the place of what differs by nature: ids, times, addresses, figures of use.
* Lists that Mesos keeps in no order are sorted.
"""

from __future__ import annotations

import http.client
import json
from collections.abc import Iterator
from contextlib import closing, contextmanager
from typing import Any

from .conversation import anonymise

JSON = {"Content-Type": "application/json", "Accept": "application/json"}
MARGIN = 30.0  # seconds

#: Keys whose values differ by nature.
OWN = {
    "build_date", "build_time", "build_user", "elected_time", "git_sha", "git_tag", "mem_rss_bytes",
    "nanoseconds", "start_time", "status_update_uuid", "timestamp",
}  # fmt: skip

#: What only Mesos says: (key, inside of what, why).
UNSAID = [
    ("capabilities", "agents", "those of the embedded cluster have no resource providers and limit no task"),
    ("capabilities", "master_info", "the embedded master does not list what it can do"),
    ("checkpoint", "agent_info", "a field of the API before v1, which v1 does not have"),
    ("cpus_system_time_secs", "resource_statistics", "nobody measures what processes use"),
    ("cpus_user_time_secs", "resource_statistics", "nobody measures what processes use"),
    ("offers", "frameworks", "how many they are is chance: what is in them is compared as offered_resources"),
    ("git_sha", "version_info", "it is not Mesos' source"),
    ("git_tag", "version_info", "it is not Mesos' source"),
    ("build_date", "version_info", "it is not Mesos' source"),
    ("build_time", "version_info", "it is not Mesos' source"),
    ("mem_rss_bytes", "resource_statistics", "nobody measures what processes use"),
]


def post(address: str, path: str, call: dict[str, Any]) -> tuple[int, str]:
    """Make a call; return its status and body."""
    with closing(http.client.HTTPConnection(address, timeout=MARGIN)) as connection:
        connection.request("POST", path, json.dumps(call), JSON)
        response = connection.getresponse()
        return response.status, response.read().decode()


def ask(address: str, kind: str, api: str = "/api/v1", /, **body: Any) -> Any:
    """Return the answer to a question."""
    call = {"type": kind} | ({kind.lower(): body} if body else {})
    status, text = post(address, api, call)
    assert status == http.client.OK, (kind, status, text)
    return json.loads(text)


class Watch:
    """The stream of events of a master."""

    def __init__(self, master: str) -> None:
        self.connection = http.client.HTTPConnection(master, timeout=MARGIN)
        self.connection.request("POST", "/api/v1", json.dumps({"type": "SUBSCRIBE"}), JSON)
        self.response = self.connection.getresponse()
        assert self.response.status == http.client.OK, self.response.read()
        assert self.response.headers["Content-Type"] == "application/json"

    def events(self) -> Iterator[dict[str, Any]]:
        """Yield what comes, without heartbeats."""
        while length := self.response.readline():
            event: dict[str, Any] = json.loads(self.response.read(int(length)))
            if event["type"] != "HEARTBEAT":
                yield event

    def until(self, kind: str, name: str) -> list[dict[str, Any]]:
        """Return the events up to one of this kind about the framework of this name."""
        heard = []
        for event in self.events():
            heard.append(event)
            if event["type"] == kind and event[kind.lower()]["framework_info"]["name"] == name:
                return heard
        raise AssertionError(f"the stream ended without {kind}: {heard}")


@contextmanager
def watching(master: str) -> Iterator[Watch]:
    watch = Watch(master)
    try:
        yield watch
    finally:
        watch.response.close()
        watch.connection.close()


def comparable(said: Any, names: dict[str, str]) -> Any:
    """Put names in the place of what differs by nature, and leave out what only Mesos says."""
    text = json.dumps(said)
    for value, name in sorted(names.items(), key=lambda pair: -len(pair[0])):
        text = text.replace(value, name)
    node = json.loads(text)
    anonymise(node)
    return settled(node, "")


def settled(node: Any, inside: str) -> Any:
    if isinstance(node, list):
        return sorted(
            (settled(child, inside) for child in node), key=lambda one: json.dumps(one, sort_keys=True)
        )
    if not isinstance(node, dict):
        return node
    unsaid = {key for key, where, _ in UNSAID if where == inside}
    kept = {key: value for key, value in node.items() if key not in unsaid}
    return {key: key if key in OWN else settled(value, key) for key, value in kept.items()}
