"""Executors in processes of their own: how their group ends at a shutdown, and `python -m mesos.executor`."""

from __future__ import annotations

import os
import re
import select
import signal
import subprocess
import sys
import textwrap
from typing import TYPE_CHECKING, Any

import mesos
import pytest
from agent_words import TAKE, acknowledged, launch, next_call
from mesos.v1 import executor as v1
from recorder import PATIENCE
from scripted_agent import ScriptedAgent

if TYPE_CHECKING:
    import pathlib
    from collections.abc import Callable


RUN = """
    import os, subprocess, sys, threading
    import mesos

    class Stubborn(mesos.Executor):
        def registered(self, driver, *_):
            child = subprocess.Popen(["sleep", "1000"])
            print(child.pid)
        def shutdown(self, driver):
            print("shutdown")
            if os.environ.get("MESOS_LOCAL"):
                threading.Event().wait(0.3)
                driver.stop()

    os.setsid()
    mesos.ExecutorDriver(Stubborn()).run()
    print("ended")
"""


def test_whoever_outlives_the_grace_period_is_killed_with_all_its_group(child: Callable[..., Any]) -> None:
    with ScriptedAgent(TAKE) as agent:
        environment = agent.environment(MESOS_LOCAL="", MESOS_EXECUTOR_SHUTDOWN_GRACE_PERIOD="50ms")
        one = child(RUN, **environment)
        grandchild = int(one.line())
        agent.push(v1.Event(type="SHUTDOWN"))
        code, out, _ = one.end()
        assert code == -signal.SIGKILL
        assert "ended" not in out
        wait_gone(grandchild)


def test_an_executor_that_ends_in_time_is_not_killed(child: Callable[..., Any]) -> None:
    """Not even if nobody acknowledges its last update: an agent that ends a whole framework does not."""
    with ScriptedAgent(TAKE) as agent:
        environment = agent.environment(MESOS_LOCAL="", MESOS_EXECUTOR_SHUTDOWN_GRACE_PERIOD="3secs")
        one = child(
            """
            import mesos

            class Worker(mesos.Executor):
                def shutdown(self, driver):
                    driver.send_status_update({"task_id": "t", "state": "TASK_KILLED"})
                    driver.stop()

            print(mesos.ExecutorDriver(Worker()).run().name)
            """,
            **environment,
        )
        agent.push(v1.Event(type="SHUTDOWN"))
        assert next_call(agent).update.status.state == mesos.TASK_KILLED
        code, out, err = one.end()
        assert (code, out) == (0, "DRIVER_STOPPED\n"), "well before the grace period is over"
        assert "this process group is killed in 3s" in err


def test_an_executor_of_a_local_cluster_is_not_killed(child: Callable[..., Any]) -> None:
    with ScriptedAgent(TAKE) as agent:
        one = child(RUN, **agent.environment(MESOS_EXECUTOR_SHUTDOWN_GRACE_PERIOD="50ms"))
        grandchild = int(one.line())
        agent.push(v1.Event(type="SHUTDOWN"))
        assert one.line() == "shutdown"
        assert one.line() == "ended"
        os.kill(grandchild, signal.SIGKILL)
        assert one.end()[0] == 0


def wait_gone(process: int) -> None:
    """Return once a process that is nobody's child has ended."""
    try:
        descriptor = os.pidfd_open(process)
    except ProcessLookupError:
        return
    try:
        assert select.select([descriptor], [], [], PATIENCE)[0], "the grandchild lives"
    finally:
        os.close(descriptor)


MODULE = """
    import mesos

    class Worker(mesos.Executor):
        def launch_task(self, driver, task):
            print("running", task.task_id.value)
            driver.send_status_update({"task_id": task.task_id, "state": "TASK_FINISHED"})

    class Outer:
        class Worker(Worker):
            def shutdown(self, driver):
                driver.abort()

    NOTHING = None
"""


def run_module(directory: pathlib.Path, *arguments: str, **environment: str) -> subprocess.Popen[str]:
    (directory / "worker.py").write_text(textwrap.dedent(MODULE))
    command = [sys.executable, "-m", "mesos.executor", *arguments]
    pipe = subprocess.PIPE
    return subprocess.Popen(
        command, cwd=directory, env={**os.environ, **environment}, stdout=pipe, stderr=pipe, text=True
    )


@pytest.mark.parametrize(("name", "code"), [("Worker", 0), ("Outer.Worker", 1)])
def test_a_class_as_a_program(tmp_path: pathlib.Path, name: str, code: int) -> None:
    with ScriptedAgent(TAKE) as agent, run_module(tmp_path, f"worker:{name}", **agent.environment()) as one:
        agent.push(launch("t"))
        update = next_call(agent)
        assert update.update.status.state == mesos.TASK_FINISHED
        agent.push(acknowledged(update.update.status))
        agent.push(v1.Event(type="SHUTDOWN"))
        out, err = one.communicate(timeout=PATIENCE)
        assert (out, err, one.returncode) == ("running t\n", "", code)


@pytest.mark.parametrize(
    ("arguments", "words", "code"),
    [
        ([], "usage: python -m mesos.executor package.module:Class", 2),
        (["worker"], "usage", 2),
        (["worker:NOTHING"], "not a class", 2),
        (["worker:Nobody"], "AttributeError", 1),
        (["nowhere:Worker"], "ModuleNotFoundError", 1),
        (["worker:Worker"], "ConfigurationError.*MESOS_FRAMEWORK_ID, MESOS_EXECUTOR_ID", 1),
    ],
)
def test_a_program_that_is_none(tmp_path: pathlib.Path, arguments: list[str], words: str, code: int) -> None:
    with run_module(tmp_path, *arguments) as one:
        _, err = one.communicate(timeout=PATIENCE)
    assert re.search(words, err), err
    assert one.returncode == code
