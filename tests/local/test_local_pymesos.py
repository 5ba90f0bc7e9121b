"""pymesos, unmodified, and our driver on the embedded cluster: the same tasks see the same updates."""

from __future__ import annotations

import shlex
import sys
from pathlib import Path

from mesos.local import LocalCluster

from tests.real import load

SCRIPTED = Path(__file__).parents[1] / "real" / "libexec" / "scripted_executor.py"
TASKS = 100


def test_the_same_tasks_and_the_same_updates() -> None:
    executor = shlex.join(["exec", sys.executable, "-ES", str(SCRIPTED)])
    with LocalCluster() as cluster:
        theirs = load.run("load_pymesos", cluster.master, TASKS, executor)
        ours = load.run("load", cluster.master, TASKS, executor)
    assert len(ours.states) == TASKS
    assert ours.states == theirs.states
