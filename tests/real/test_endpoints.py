"""The plain endpoints tell what Mesos' tell: the real cluster and the embedded one, in the same situation.

How they are compared, and what the embedded one leaves out: places.py.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from mesos import LocalCluster

from .cluster import AGENT_FLAGS, RealCluster
from .conversation import Conversation
from .places import ABSENT, Comparison, Place
from .setup import RealMesos
from .situation import Situation

MASTER = [
    "/state",
    "/master/state",
    "/state-summary",
    "/slaves",
    "/frameworks",
    "/tasks",
    "/roles",
    "/version",
]
AGENT = [
    "/state",
    "/slave(1)/state",
    "/containers",
    "/slave(1)/containers",
    "/monitor/statistics",
    "/version",
]


@pytest.fixture(scope="module")
def real(real_mesos: RealMesos, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    # a cluster of its own: what others left there would be told, too
    with (
        RealCluster(real_mesos, tmp_path_factory.mktemp("endpoints")) as cluster,
        Situation(cluster.master) as situation,
    ):
        yield Place(cluster.master, situation)


@pytest.fixture(scope="module")
def local() -> Iterator[Place]:
    with (
        LocalCluster(resources=AGENT_FLAGS["resources"]) as cluster,
        Situation(cluster.master) as situation,
    ):
        yield Place(cluster.master, situation)


def test_the_same_structure_everywhere(real: Place, local: Place) -> None:
    comparison = Comparison()
    for paths, agent in ((MASTER, False), (AGENT, True)):
        for path in paths:
            told = real.read(path, agent=agent), local.read(path, agent=agent)
            comparison.compare(path, *told)
    for name in sorted(comparison.absent):
        print(f"left out: {name}: {ABSENT[name]}")
    assert comparison.problems == []
    assert comparison.absent == ABSENT.keys()


def outcomes(place: Place, requests: list[tuple[str, str]], *, agent: bool = False) -> list[Any]:
    """Return status, type and words of each answer, without what is another one each time."""
    told = []
    for method, path in requests:
        status, headers, body = place.get(
            path, agent=agent, method=method, body="" if method == "POST" else None
        )
        words = body.decode() if headers.get("Content-Type", "").startswith("text/plain") else bool(body)
        location = headers.get("Location", "").replace(place.master.partition(":")[2], "PORT")
        location = location.replace("127.0.0.1", "localhost")
        told.append(
            (method, path, status, headers.get("Content-Type"), headers.get("Allow"), location, words)
        )
    return told


REQUESTS = [
    *(
        (method, path)
        for method in ("GET", "POST", "HEAD")
        for path in ("/health", "/state", "/version/", "/nope")
    ),
    *(
        ("GET", path)
        for path in ("/", "/master", "/master/", "/Master/state", "/slave(1)/state", "/master/version")
    ),
    *(
        ("GET", path)
        for path in ("/master/health", "//health", "/master//tasks/", "/tasks.json", "/state?jsonp=f")
    ),
    *(
        ("GET", path)
        for path in ("/version?jsonp=f", "/health?jsonp=f", "/containers", "/monitor/statistics")
    ),
    *(
        ("GET", path)
        for path in ("/redirect", "/master/redirect", "/flags", "/master/flags", "/metrics/snapshot")
    ),
    *(
        ("GET", path)
        for path in ("/master/metrics/snapshot", "/metrics", "/files", "/teardown", "/master/teardown")
    ),
    *(("POST", path) for path in ("/teardown", "/redirect", "/files/browse")),
    *(
        ("GET", f"/files/{what}{query}")
        for what in ("browse", "read", "download")
        for query in ("", "?path=", "?path=x")
    ),
    ("GET", "/files/debug"),
    *(
        ("GET", f"/logging/toggle{query}")
        for query in (
            *("", "?level=1", "?duration=1secs", "?level=x&duration=1secs", "?level=-1&duration=1secs"),
            *("?level=1&duration=5", "?level=0&duration=1ms"),
        )
    ),
]
AGENT_REQUESTS = [
    *(
        ("GET", path)
        for path in ("/health", "/slave(1)/health", "/slave%281%29/state", "/slave/state", "/tasks")
    ),
    *(
        ("GET", path)
        for path in ("/slaves", "/master/state", "/redirect", "/flags", "/slave(1)/flags", "/roles")
    ),
    *(
        ("GET", path)
        for path in ("/metrics/snapshot", "/slave(1)/monitor/statistics.json", "/containers?jsonp=f")
    ),
]


def test_the_same_answers(real: Place, local: Place) -> None:
    assert outcomes(local, REQUESTS) == outcomes(real, REQUESTS)
    assert outcomes(local, AGENT_REQUESTS, agent=True) == outcomes(real, AGENT_REQUESTS, agent=True)


QUERIES = [
    *(
        "limit=2",
        "limit=0",
        "limit=-1",
        "limit=x",
        "limit=",
        "limit=%2B2",
        "offset=1",
        "offset=-1",
        "offset=100",
    ),
    *(
        "order=asc",
        "order=desc",
        "order=x",
        "limit=1&offset=1&order=asc",
        "framework_id=nope",
        "framework_id=",
    ),
    *("task_id=running", "task_id=nope", "framework_id=F", "framework_id=F&task_id=done"),
]


def test_a_choice_of_tasks(real: Place, local: Place) -> None:
    """Which they are depends on their times; how many, on the query."""

    def chosen(place: Place) -> list[Any]:
        counts = []
        for query in QUERIES:
            own = query.replace("framework_id=F", f"framework_id={place.situation.framework_id}")
            tasks = [task["id"] for task in place.read(f"/tasks?{own}")["tasks"]]
            counts.append((query, sorted(tasks) if "_id" in query else len(tasks)))
        ascending = [task["id"] for task in place.read("/tasks?order=asc")["tasks"]]
        assert ascending[::-1] == [task["id"] for task in place.read("/tasks")["tasks"]]
        assert ascending[0] == "old"
        return counts

    assert chosen(local) == chosen(real)


def test_a_choice_of_agents_and_frameworks(real: Place, local: Place) -> None:
    def chosen(place: Place) -> list[Any]:
        situation = place.situation
        queries = ("", "?slave_id=nope", "?slave_id=", f"?slave_id={situation.agent_id}")
        agents = [len(place.read(f"/slaves{query}")["slaves"]) for query in queries]
        queries = ("", "?framework_id=nope", f"?framework_id={situation.framework_id}")
        told = [place.read(f"/frameworks{query}") for query in queries]
        return [agents, [{name: len(items) for name, items in one.items()} for one in told]]

    assert chosen(local) == chosen(real)


#: SANDBOX is a directory as /state tells it, LATEST the path that every tool can build.
FILES = [
    *("browse?path=SANDBOX", "browse?path=SANDBOX/", "browse/?path=LATEST", "browse?path=LATEST/stdout"),
    *(
        "browse?path=/nope",
        "browse?path=/",
        "browse?path=SANDBOX/..",
        "browse?path=LATEST/link",
        "read?path=LATEST",
    ),
    *("read?path=LATEST/stdout", "read?path=SANDBOX/stdout&offset=0", "read?path=LATEST/stdout&offset=-1"),
    *(
        "read?path=LATEST/stdout&offset=-2",
        "read?path=LATEST/stdout&offset=0&length=3",
        "read?path=/etc/passwd",
    ),
    *("read?path=LATEST/stdout&offset=0&length=-1", "read?path=LATEST/stdout&offset=0&length=-3"),
    *(
        "read?path=LATEST/stdout&offset=x",
        "read?path=LATEST/stdout&offset=1.5",
        "read?path=LATEST/stdout&length=",
    ),
    *(
        "read?path=LATEST/stdout&offset=1000",
        "read?path=LATEST/stdout&offset=0&length=0",
        "read?path=LATEST/nope",
    ),
    *(
        "read?path=LATEST/stdout&offset=0&jsonp=f",
        "read?path=LATEST/../../x",
        "read?path=LATEST/inner&offset=0",
    ),
    *("read?path=LATEST/dangling", "read?path=LATEST/link&offset=0", "download?path=LATEST/stdout"),
    *(
        "download?path=LATEST",
        "download?path=/nope",
        "download?path=LATEST/link",
        "download?path=LATEST/inner",
    ),
    *("read?path=LATEST/data&offset=0", "browse?path=LATEST/data", "read?path=LATEST/text&offset=1"),
]


def test_files_of_sandboxes(real: Place, local: Place) -> None:
    def told(place: Place) -> list[Any]:
        state = place.read("/state", agent=True)
        executors = [one for framework in state["frameworks"] for one in framework["executors"]]
        sandbox = Path(next(one["directory"] for one in executors if one["id"] == "running"))
        (sandbox / "link").symlink_to("/etc/hostname")
        (sandbox / "inner").symlink_to("stdout")
        (sandbox / "dangling").symlink_to("/nowhere")
        (sandbox / "text").write_text('é\0"\\\n')
        (sandbox / "stdout").write_text("running\n")
        (sandbox / "stderr").write_text("")
        latest = f"/frameworks/{place.situation.framework_id}/executors/running/runs/latest"
        answers = []
        for query in FILES:
            own = query.replace("SANDBOX", str(sandbox)).replace("LATEST", latest)
            status, headers, body = place.get(f"/files/{own}", agent=True)
            words = body.decode(errors="replace").replace(str(sandbox), "SANDBOX").replace(latest, "LATEST")
            if query.startswith("browse") and status == 200:
                words = [{**entry, "mtime": type(entry["mtime"]).__name__} for entry in json.loads(words)]
            header = headers.get("Content-Type"), headers.get("Content-Disposition")
            answers.append((query, status, *header, words))
        paths = place.read("/files/debug", agent=True)
        answers.append(
            sorted(
                {path.replace(str(sandbox), "SANDBOX").replace(latest, "LATEST") for path in paths}
                & {"SANDBOX", "LATEST"}
            )
        )
        return answers

    assert told(local) == told(real)


def test_a_framework_is_torn_down(real: Place, local: Place) -> None:
    def torn_down(place: Place) -> list[Any]:
        another = Conversation(place.master)
        identity = another.expect("SUBSCRIBED")["framework_id"]["value"]
        bodies = ("", "frameworkId=nope", "x=y", f"frameworkId={identity}")
        answers = [place.get("/teardown", method="POST", body=body)[::2] for body in bodies]
        assert another.event() is None
        another.close()
        frameworks = place.read(f"/frameworks?framework_id={identity}")
        return [answers, {name: len(items) for name, items in frameworks.items()}]

    assert torn_down(local) == torn_down(real)
