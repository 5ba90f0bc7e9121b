"""How long an executor takes from its start as a process to its registration, Python's own start included.

The agent is a scripted one: it answers at once. What is timed ends when the executor's `registered` has been
called and what it sent is with the agent.
"""

from __future__ import annotations

import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from mesos.v1 import executor as v1
from timing import show

sys.path.append(str(Path(__file__).parents[1] / "tests"))
from scripted_agent import ScriptedAgent, accept

ROUNDS = 21
MODULE = """
import mesos

class Worker(mesos.Executor):
    def registered(self, driver, executor_info, framework_info, agent_info):
        driver.send_framework_message(b"registered")
        driver.stop()
"""


def rows() -> Iterator[tuple[str, str, str]]:
    """The figure, and what of it is the interpreter's."""
    with tempfile.TemporaryDirectory() as directory:
        Path(directory, "worker.py").write_text(MODULE)
        before = processor()
        took = statistics.median(started(directory) for _ in range(ROUNDS))
        used = (processor() - before) / ROUNDS
    yield "executor, from its start to SUBSCRIBED", show(took), "≤ 150 ms on an idle machine"
    before = processor()
    for _ in range(ROUNDS):
        subprocess.run([sys.executable, "-c", "pass"], check=True)
    bare = (processor() - before) / ROUNDS
    yield "… in processor time, to its end", show(used), f"a bare interpreter: {show(bare)}"


def processor() -> float:
    """Processor seconds of all child processes that have ended."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def started(directory: str) -> float:
    """Seconds until an executor that is started now is registered."""
    subscribed = {
        "executor_info": {"executor_id": "executor-1"},
        "framework_info": {"user": "user", "name": "bench", "id": "framework-1"},
        "agent_info": {"hostname": "localhost", "id": "agent-1"},
    }
    event = v1.Event(type="SUBSCRIBED", subscribed=subscribed)  # type: ignore[arg-type]
    with ScriptedAgent(accept(event.SerializeToString())) as agent:
        command = [sys.executable, "-m", "mesos.executor", "worker:Worker"]
        environment = {**os.environ, **agent.environment()}
        environment.pop("PYTHONDONTWRITEBYTECODE", None)  # an installed wheel is compiled
        began = time.perf_counter()
        with subprocess.Popen(command, cwd=directory, env=environment):
            agent.calls.get(timeout=60)
            took = time.perf_counter() - began
    return took
