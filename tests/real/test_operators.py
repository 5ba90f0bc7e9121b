"""Operators are answered on the embedded cluster as by Apache Mesos: the same calls in the same situation.

Invariants
* Answers and events are compared whole (`operator_calls.py` says what is left out of them, and why).
"""

from __future__ import annotations

import http.client
import json
from collections.abc import Iterator
from typing import Any, NamedTuple

import pytest
from mesos import LocalCluster

from .cluster import AGENT_FLAGS, RealCluster, wait_until
from .conversation import reworded as addressless
from .conversations.infos import scalar
from .operator_calls import UNSAID, ask, comparable, post, watching
from .setup import RealMesos
from .situation import Situation

MASTER = [
    "GET_HEALTH", "GET_LOGGING_LEVEL", "GET_VERSION", "GET_STATE", "GET_AGENTS", "GET_FRAMEWORKS",
    "GET_EXECUTORS", "GET_OPERATIONS", "GET_TASKS", "GET_ROLES", "GET_MASTER",
]  # fmt: skip
AGENT = [
    "GET_HEALTH", "GET_LOGGING_LEVEL", "GET_VERSION", "GET_STATE", "GET_CONTAINERS", "GET_FRAMEWORKS",
    "GET_EXECUTORS", "GET_OPERATIONS", "GET_TASKS", "GET_AGENT", "GET_RESOURCE_PROVIDERS",
]  # fmt: skip
RESERVATION = {"type": "DYNAMIC", "role": "ordered"}
CPU = scalar("cpus", 1) | {"reservations": [RESERVATION]}


def disk(size: float, volume: str = "") -> dict[str, Any]:
    """Return disk that is reserved, or a volume on it."""
    reserved = scalar("disk", size) | {"reservations": [RESERVATION]}
    path = {"mode": "RW", "container_path": "data"}
    return reserved | ({"disk": {"persistence": {"id": volume}, "volume": path}} if volume else {})


DISK, VOLUME = disk(64), disk(64, "v")
NOBODY = {"agent_id": {"value": "nobody"}}
#: Calls that are refused, or do nothing: to the master, then to an agent.
REFUSED: list[dict[str, Any]] = [
    {},
    {"type": "NO_SUCH_CALL"},
    {"type": "UNKNOWN"},
    {"type": "LIST_FILES"},
    {"type": "LIST_FILES", "list_files": {"path": "/nothing"}},
    {"type": "READ_FILE", "read_file": {"path": "/nothing", "offset": 0}},
    {"type": "GET_METRICS"},
    {"type": "SET_LOGGING_LEVEL"},
    {"type": "TEARDOWN"},
    {"type": "TEARDOWN", "teardown": {"framework_id": {"value": "nobody"}}},
    {"type": "MARK_AGENT_GONE", "mark_agent_gone": {"agent_id": {"value": "nobody"}}},
    {"type": "RESERVE_RESOURCES", "reserve_resources": {"agent_id": {"value": "nobody"}}},
    {"type": "UNRESERVE_RESOURCES", "unreserve_resources": {"agent_id": {"value": "nobody"}}},
    {"type": "CREATE_VOLUMES", "create_volumes": {"agent_id": {"value": "nobody"}}},
    {"type": "DESTROY_VOLUMES", "destroy_volumes": {"agent_id": {"value": "nobody"}}},
    {"type": "GROW_VOLUME"},
    {"type": "GROW_VOLUME", "grow_volume": {"volume": disk(64, "v"), "addition": disk(1)}},
    {"type": "GROW_VOLUME", "grow_volume": NOBODY | {"volume": disk(64, "v"), "addition": disk(1)}},
    {"type": "SHRINK_VOLUME", "shrink_volume": NOBODY | {"volume": disk(64, "v"), "subtract": {"value": 1}}},
]
REFUSED_BY_AGENT: list[dict[str, Any]] = [
    {},
    {"type": "NO_SUCH_CALL"},
    {"type": "UNKNOWN"},
    {"type": "READ_FILE", "read_file": {"path": "/nothing", "offset": 0}},
    {"type": "KILL_CONTAINER"},
    {"type": "PRUNE_IMAGES"},
]


CPUS = 16  # of the agent


#: What an operator orders, one after the other.
ORDERS: list[tuple[str, dict[str, Any]]] = [
    ("RESERVE_RESOURCES", {"resources": [CPU, DISK]}),
    ("RESERVE_RESOURCES", {"resources": [CPU | {"scalar": {"value": 1000}}]}),
    ("RESERVE_RESOURCES", {"resources": [scalar("cpus", 1)]}),
    ("RESERVE_RESOURCES", {"resources": [scalar("cpus", -1)]}),
    ("CREATE_VOLUMES", {"volumes": [VOLUME]}),
    ("CREATE_VOLUMES", {"volumes": [VOLUME]}),
    ("CREATE_VOLUMES", {"volumes": [DISK]}),
    ("UNRESERVE_RESOURCES", {"resources": [VOLUME]}),
    ("SHRINK_VOLUME", {"volume": VOLUME, "subtract": {"value": 24}}),
    ("SHRINK_VOLUME", {"volume": VOLUME, "subtract": {"value": 24}}),
    ("SHRINK_VOLUME", {"volume": disk(40, "v"), "subtract": {"value": 40}}),
    ("SHRINK_VOLUME", {"volume": disk(40, "v"), "subtract": {"value": -1}}),
    ("SHRINK_VOLUME", {"volume": DISK, "subtract": {"value": 1}}),
    ("GROW_VOLUME", {"volume": disk(40, "v"), "addition": disk(25)}),
    ("GROW_VOLUME", {"volume": disk(40, "v"), "addition": scalar("disk", 24)}),
    ("GROW_VOLUME", {"volume": disk(40, "v"), "addition": CPU}),
    ("GROW_VOLUME", {"volume": DISK, "addition": disk(24)}),
    ("GROW_VOLUME", {"volume": disk(40, "v"), "addition": disk(24)}),
    ("DESTROY_VOLUMES", {"volumes": [VOLUME]}),
    ("DESTROY_VOLUMES", {"volumes": [VOLUME]}),
    ("UNRESERVE_RESOURCES", {"resources": [CPU, DISK]}),
    ("UNRESERVE_RESOURCES", {"resources": [CPU]}),
]


class Seen(NamedTuple):
    """What an operator was answered, by call, and heard, by subject; what was refused; what orders did."""

    answers: dict[str, Any]
    events: dict[str, list[Any]]
    refusals: list[tuple[int, str]]
    orders: list[Any]


def look(master: str) -> Seen:
    """Bring the situation about, and ask everything."""
    known = ask(master, "GET_AGENTS")["get_agents"]["agents"][0]
    agent = known["pid"].partition("@")[2]
    ids = {known["agent_info"]["id"]["value"]: "AGENT"}
    ids[ask(master, "GET_MASTER")["get_master"]["master_info"]["id"]] = "MASTER"
    with watching(master) as watch:
        with Situation(master) as situation:
            situation.talk.call("REVIVE")
            until_offered(master)
            names = {situation.framework_id: "FRAMEWORK"} | ids
            answers = {f"master {kind}": ask(master, kind) for kind in MASTER}
            answers |= {f"agent {kind}": ask(agent, kind, "/slave(1)/api/v1") for kind in AGENT}
            latest = f"/frameworks/{situation.framework_id}/executors/running/runs/latest"
            path = "/slave(1)/api/v1"
            answers["list"] = names_of(ask(agent, "LIST_FILES", path, path=latest))
            answers["read"] = ask(agent, "READ_FILE", path, path=f"{latest}/stdout", offset=3, length=4)
            refusals = [post(master, "/api/v1", call) for call in REFUSED]
            refusals += [post(agent, path, call) for call in REFUSED_BY_AGENT]
        heard = watch.until("FRAMEWORK_REMOVED", "situation")
    for kind in ("GET_STATE", "GET_FRAMEWORKS", "GET_TASKS", "GET_EXECUTORS"):
        answers[f"master {kind} afterwards"] = ask(master, kind)
    orders = [order(master, *one) for one in ORDERS]
    events: dict[str, list[Any]] = {}
    for event in heard[1:]:
        # How far the task really is when an update is passed on is a matter of time.
        assert "state" in event.get("task_updated", {"state": ""})
        event.get("task_updated", {}).pop("state", None)
        events.setdefault(subject(event), []).append(comparable(event, names))
    compared = {kind: comparable(own(answer), names) for kind, answer in answers.items()}
    effects = [
        [*order[:2], addressless(comparable(order[2], names)), comparable(order[3], names)]
        for order in orders
    ]
    return Seen(compared, events, [reworded(*refusal) for refusal in refusals], effects)


def order(master: str, kind: str, body: dict[str, Any]) -> Any:
    """Order something; return how it was answered, and what the agent has then."""
    [agent] = ask(master, "GET_AGENTS")["get_agents"]["agents"]
    call = {"type": kind, kind.lower(): {"agent_id": agent["agent_info"]["id"], **body}}
    status, words = post(master, "/api/v1", call)
    [agent] = ask(master, "GET_AGENTS")["get_agents"]["agents"]
    # Of conflicts each speaks in its own words.
    return [kind, status, words if status != http.client.CONFLICT else "", agent["total_resources"]]


def until_offered(master: str) -> None:
    """Wait until all that is free is on offer."""

    def is_offered() -> bool:
        [offered] = ask(master, "GET_AGENTS")["get_agents"]["agents"]
        amounts = sum(
            resource["scalar"]["value"]
            for resource in offered.get("offered_resources", []) + offered.get("allocated_resources", [])
            if resource["name"] == "cpus"
        )
        return amounts > CPUS - 0.01

    wait_until(is_offered, lambda: "what has ended still has something")


def names_of(listing: Any) -> list[str]:
    return [entry["path"].rpartition("/")[2] for entry in listing["list_files"]["file_infos"]]


def subject(event: dict[str, Any]) -> str:
    """Return the task or the framework that an event is about."""
    body = event[event["type"].lower()]
    task = body.get("task") or body.get("status")
    info = body.get("framework", body).get("framework_info", {})
    return str(task["task_id"]["value"] if task else info.get("name"))


def own(node: Any) -> Any:
    """Give what runs a command the same name everywhere."""
    if isinstance(node, list):
        return [own(child) for child in node]
    if not isinstance(node, dict):
        return node
    node = {key: own(value) for key, value in node.items()}
    if str(node.get("value", "")).endswith("mesos-executor"):
        node |= {"value": "mesos-executor", "arguments": ["mesos-executor"]}
    return node


def reworded(status: int, words: str) -> tuple[int, str]:
    for begin in ("Failed to convert JSON into Call protobuf", "Missing required fields"):
        if words.startswith(begin):
            return status, "what is missing"
    return status, words


@pytest.fixture(scope="module")
def expected(real_mesos: RealMesos, tmp_path_factory: pytest.TempPathFactory) -> Seen:
    with RealCluster(real_mesos, tmp_path_factory.mktemp("operators")) as cluster:
        return look(cluster.master)


@pytest.fixture(scope="module")
def seen() -> Iterator[Seen]:
    with LocalCluster(resources=AGENT_FLAGS["resources"]) as cluster:
        yield look(cluster.master)


def lines(said: Any) -> list[str]:
    """One value a line, so that a difference is seen at once."""
    return json.dumps(said, indent=1, sort_keys=True).splitlines()


@pytest.mark.parametrize(
    "kind",
    [f"master {kind}" for kind in MASTER]
    + [f"agent {kind}" for kind in AGENT]
    + ["list", "read"]
    + [f"master {kind} afterwards" for kind in ("GET_STATE", "GET_FRAMEWORKS", "GET_TASKS", "GET_EXECUTORS")],
)
def test_the_same_answer(expected: Seen, seen: Seen, kind: str) -> None:
    assert lines(seen.answers[kind]) == lines(expected.answers[kind])


def test_the_same_events(expected: Seen, seen: Seen) -> None:
    assert sorted(seen.events) == sorted(expected.events)
    for about, events in expected.events.items():
        assert lines(seen.events[about]) == lines(events), about


def test_the_same_refusals(expected: Seen, seen: Seen) -> None:
    calls = REFUSED + REFUSED_BY_AGENT
    for call, refusal, same in zip(calls, seen.refusals, expected.refusals, strict=True):
        assert refusal == same, call


def test_the_same_effects_of_orders(expected: Seen, seen: Seen) -> None:
    for number, (order, same) in enumerate(zip(seen.orders, expected.orders, strict=True)):
        assert lines(order) == lines(same), number


def test_what_is_left_out_has_a_reason() -> None:
    for key, inside, why in UNSAID:
        print(f"{inside}.{key}: {why}")
        assert why
