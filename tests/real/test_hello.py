"""The first example, unchanged, on a real Mesos."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from .cluster import RealCluster

HELLO = Path(__file__).resolve().parents[2] / "examples" / "hello.py"
OUTPUT = {
    "greet": "Hello, Mesos!",
    "count": "1 2 3 done",
    "files": "two",
    "think": "the answer is 42",
}


def test_five_tasks_run_and_finish(real_cluster: RealCluster) -> None:
    command = [sys.executable, str(HELLO), real_cluster.master]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=50)
    assert done.returncode == 0, done.stdout + done.stderr
    assert [line for line in done.stderr.splitlines() if "failover_timeout" not in line] == []
    lines = [line.split() for line in done.stdout.splitlines()]
    for task in ("greet", "where", "count", "files", "think"):
        assert [task, "TASK_RUNNING"] in [line[:2] for line in lines]
        assert [task, "TASK_FINISHED"] in [line[:2] for line in lines]
    for task, said in OUTPUT.items():
        assert [task, "|", *said.split()] in lines
