"""Figures of a real Apache Mesos, set up as the tests do it (where its binary can run)."""

from __future__ import annotations

import json
import pathlib
import socket
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from typing import TYPE_CHECKING

from figures import registration
from timing import show

if TYPE_CHECKING:
    from tests.real.cluster import RealCluster

ROOT = pathlib.Path(__file__).parents[1]
TASKS = 2000
REGISTRATIONS = 20
PAIRS = 3


def raw_registration(master: str) -> float:
    """Seconds from connecting a socket to the SUBSCRIBED event on it: what no driver can do without."""
    host, _, port = master.rpartition(":")
    subscribe = {"framework_info": {"user": "nobody", "name": "raw"}}
    body = json.dumps({"type": "SUBSCRIBE", "subscribe": subscribe})
    request = (
        "POST /api/v1/scheduler HTTP/1.1",
        f"Host: {master}",
        "Content-Type: application/json",
        "Accept: application/json",
        f"Content-Length: {len(body)}",
        "",
        body,
    )
    started = time.perf_counter()
    with closing(socket.create_connection((host, int(port)))) as connection:
        connection.sendall("\r\n".join(request).encode())
        answer = b""
        while b"SUBSCRIBED" not in answer:
            piece = connection.recv(65536)
            if not piece:
                raise SystemExit(f"{master} closed the connection: {answer!r}")
            answer += piece
        return time.perf_counter() - started


def alone(cluster: RealCluster, measure: Callable[[str], float]) -> float:
    """Measure once the master has done with the frameworks before, which it removes meanwhile."""
    while cluster.master_daemon.call("GET_FRAMEWORKS").get("frameworks"):
        pass
    return measure(cluster.master)


def rows() -> Iterator[tuple[str, str, str]]:
    """The registration beside a bare socket's, and the cost of an update beside that of pymesos."""
    sys.path.insert(0, str(ROOT))
    from tests.real import load, load_libmesos
    from tests.real.cluster import RealCluster
    from tests.real.schedulers import scripted_executor
    from tests.real.setup import set_up, unsupported

    if reason := unsupported():
        yield "real Mesos 1.11.0", "–", reason
        return
    mesos = set_up()
    with tempfile.TemporaryDirectory() as directory, RealCluster(mesos, pathlib.Path(directory)) as cluster:
        pairs = [
            (alone(cluster, registration), alone(cluster, raw_registration)) for _ in range(REGISTRATIONS)
        ]
        ours, raw = (statistics.median(side) for side in zip(*pairs, strict=True))
        note = f"{ours / raw:.2f} × a bare socket's {show(raw)} (≤ 1.5), medians of {REGISTRATIONS}"
        yield "start() to registered", show(ours), note
        cost = {}
        for module in ("load", "load_pymesos"):
            cost[module] = load.run(module, cluster.master, TASKS, scripted_executor(mesos)).cost
        theirs = cost["load_pymesos"]
        note = f"≤ 100 µs; {theirs / cost['load']:.1f} × less than pymesos' {show(theirs)}; {TASKS} tasks"
        yield "processor time of a scheduler for an update", show(cost["load"]), note
        executor, folder = scripted_executor(mesos), pathlib.Path(directory)
        bare = [load_libmesos.bare(mesos, cluster.master, TASKS, executor, folder) for _ in range(PAIRS)]
        over = [load_libmesos.ours(mesos, cluster.master, TASKS, executor).cost for _ in range(PAIRS)]
        note = f"{min(over) / min(bare):.2f} × the C++ driver's alone, {show(min(bare))}; best of {PAIRS}"
        yield "the same over libmesos", show(min(over)), note
        if python := load_libmesos.python2():
            theirs = min(
                load_libmesos.bindings(mesos, cluster.master, TASKS, executor, python) for _ in range(PAIRS)
            )
            note = f"{theirs / min(over):.1f} × ours over libmesos; best of {PAIRS}"
            yield "the same of Mesos' own bindings, on Python 2.7", show(theirs), note
