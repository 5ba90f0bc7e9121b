"""An executor's driver and its agent: subscriptions, what is kept, agents that go and come, the end."""

from __future__ import annotations

import os
import re
import select
import signal
import ssl
import subprocess
import sys
import textwrap
from typing import TYPE_CHECKING, Any

import mesos
import pytest
import trustme
from mesos.v1 import executor as v1
from recorder import PATIENCE, ExecutorRecorder
from scripted import Request, raw, status
from scripted_agent import STREAM, ScriptedAgent, accept

if TYPE_CHECKING:
    import pathlib
    from collections.abc import Callable, Iterator

    from scripted import Behaviour

    Start = Callable[..., tuple[mesos.ExecutorDriver, ExecutorRecorder]]

SUBSCRIBED = v1.Event(
    type="SUBSCRIBED",
    subscribed={
        "executor_info": {"executor_id": "executor-1", "framework_id": "framework-1"},
        "framework_info": {"user": "user", "name": "test", "id": "framework-1"},
        "agent_info": {"hostname": "host-1", "id": "agent-1"},
    },
).SerializeToString()
ERROR = v1.Event(type="ERROR", error={"message": "go away"}).SerializeToString()
TAKE = accept(SUBSCRIBED)
CHECKPOINT = {"MESOS_CHECKPOINT": "1"}


@pytest.fixture
def start(monkeypatch: pytest.MonkeyPatch) -> Iterator[Start]:
    """Start a driver with handlers on a thread of its own; aborted after the test."""
    drivers: list[mesos.ExecutorDriver] = []

    def start(agent: ScriptedAgent, **more: str) -> tuple[mesos.ExecutorDriver, ExecutorRecorder]:
        for name, value in agent.environment(**more).items():
            monkeypatch.setenv(name, value)
        executor = ExecutorRecorder()
        driver = mesos.ExecutorDriver(executor, dispatcher="thread")
        drivers.append(driver)
        driver.start()
        return driver, executor

    yield start
    for driver in drivers:
        driver.abort()
        assert driver._native.settle(PATIENCE)
        assert driver.exception is driver.exception, "reading it counts as fetching it"


def until(executor: ExecutorRecorder, *names: str) -> None:
    with executor.changed:
        arrived = executor.changed.wait_for(lambda: executor.names[: len(names)] == list(names), PATIENCE)
    assert arrived, executor.names


def call(request: Request) -> v1.Call:
    return v1.Call.FromString(request.body)


def next_call(agent: ScriptedAgent) -> v1.Call:
    return call(agent.calls.get(timeout=PATIENCE))


def next_subscribe(agent: ScriptedAgent) -> tuple[list[str], list[str]]:
    """Return the tasks and the updates (by their messages) that the next SUBSCRIBE tells of."""
    subscribe = call(agent.subscribes.get(timeout=PATIENCE)).subscribe
    return (
        [task.task_id.value for task in subscribe.unacknowledged_tasks],
        [update.status.message for update in subscribe.unacknowledged_updates],
    )


def launch(task: str) -> v1.Event:
    return v1.Event(type="LAUNCH", launch={"task": {"name": task, "task_id": task, "agent_id": "agent-1"}})


def acknowledged(update: mesos.TaskStatus) -> v1.Event:
    return v1.Event(type="ACKNOWLEDGED", acknowledged={"task_id": update.task_id, "uuid": update.uuid})


def running(task: str, message: str = "") -> dict[str, str]:
    return {"task_id": task, "state": "TASK_RUNNING", "message": message}


def test_the_subscription(start: Start) -> None:
    with ScriptedAgent(TAKE) as agent:
        driver, executor = start(agent, MESOS_EXECUTOR_AUTHENTICATION_TOKEN="s3cret")
        until(executor, "registered")
        assert driver.connected
        request = agent.subscribes.get(timeout=PATIENCE)
        assert request.path == "/slave(1)/api/v1/executor"
        assert request.headers["host"] == agent.address
        assert request.headers["authorization"] == "Bearer s3cret"
        assert "MESOS_EXECUTOR_AUTHENTICATION_TOKEN" not in os.environ
        subscribe = call(request)
        assert subscribe == v1.Call(
            executor_id="executor-1", framework_id="framework-1", type="SUBSCRIBE", subscribe={}
        )
        driver.send_framework_message(b"\0x")
        request = agent.calls.get(timeout=PATIENCE)
        assert request.headers["authorization"] == "Bearer s3cret"
        assert call(request).message.data == b"\0x"


@pytest.mark.parametrize("length", ["short", "long"])
def test_a_unix_domain_socket(start: Start, tmp_path: pathlib.Path, length: str) -> None:
    path = tmp_path / ("d" * 150 if length == "long" else "d") / "agent.sock"
    path.parent.mkdir()
    here = os.open(path.parent, os.O_RDONLY)  # as the path may be too long to bind to
    try:
        with ScriptedAgent(TAKE, path=path.__class__(f"/proc/self/fd/{here}/agent.sock")) as agent:
            driver, executor = start(agent, MESOS_DOMAIN_SOCKET=str(path))
            until(executor, "registered")
            driver.send_framework_message(b"x")
            assert next_call(agent).message.data == b"x"
    finally:
        os.close(here)


def test_an_agent_that_speaks_tls(start: Start, tmp_path: pathlib.Path) -> None:
    ca = trustme.CA()
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    ca.issue_cert("127.0.0.1").configure_cert(context)
    ca.cert_pem.write_to_path(str(tmp_path / "ca.pem"))
    settings = {"ENABLED": "true", "VERIFY_SERVER_CERT": "true", "CA_FILE": str(tmp_path / "ca.pem")}
    with ScriptedAgent(TAKE, tls=context) as agent:
        variables = {f"LIBPROCESS_SSL_{name}": value for name, value in settings.items()}
        driver, executor = start(agent, **variables)
        until(executor, "registered")
        driver.send_framework_message(b"x")
        assert next_call(agent).message.data == b"x"


def test_orders_reach_their_handlers(start: Start) -> None:
    with ScriptedAgent(TAKE) as agent:
        driver, executor = start(agent)
        agent.push(launch("t"))
        agent.push(
            v1.Event(type="LAUNCH_GROUP", launch_group={"task_group": {"tasks": [launch("g").launch.task]}})
        )
        agent.push(
            v1.Event(type="KILL", kill={"task_id": "t", "kill_policy": {"grace_period": {"nanoseconds": 7}}})
        )
        agent.push(v1.Event(type="HEARTBEAT"))
        agent.push(v1.Event(type="MESSAGE", message={"data": b"\0x"}))
        agent.push(v1.Event(type="SHUTDOWN"))
        agent.push(launch("too late"))
        until(
            executor, "registered", "launch_task", "launch_task", "kill_task", "framework_message", "shutdown"
        )
        policy = driver.kill_policy("t")
        assert policy is not None
        assert policy.grace_period.nanoseconds == 7
        driver.send_status_update({"task_id": "t", "state": "TASK_KILLED"})
        update = next_call(agent)
        assert update.update.status.state == mesos.TASK_KILLED, "what has ended can be said after a shutdown"
        agent.push(acknowledged(update.update.status))
        driver.stop()
        assert driver.join(PATIENCE) == mesos.DRIVER_STOPPED
        assert executor.names[-1] == "shutdown"


def test_what_is_not_acknowledged_is_told_to_the_agent_that_comes_back(start: Start) -> None:
    with ScriptedAgent(TAKE) as agent:
        driver, executor = start(agent, **CHECKPOINT)
        assert next_subscribe(agent) == ([], [])
        for task in "abc":
            agent.push(launch(task))
        until(executor, "registered", *["launch_task"] * 3)
        for task, message in [("a", "a1"), ("b", "b1"), ("a", "a2"), ("c", "c1")]:
            driver.send_status_update(running(task, message))
        updates = [next_call(agent) for _ in range(4)]
        agent.push(acknowledged(updates[0].update.status))
        agent.push(v1.Event(type="MESSAGE", message={"data": b"after the acknowledgement"}))
        until(executor, "registered", *["launch_task"] * 3, "framework_message")
        assert driver.stats.unacknowledged == 3
        agent.cut()
        assert next_subscribe(agent) == (["b", "c"], ["b1", "a2", "c1"]), "in the order in which they came"
        until(executor, *executor.names[:5], "disconnected", "reregistered")
        agent.push(acknowledged(updates[3].update.status))
        driver.send_status_update(running("b", "b2"))
        assert next_call(agent).update.status.message == "b2"
        agent.cut()
        assert next_subscribe(agent) == (["b"], ["b1", "a2", "b2"])
        assert driver.stats.reconnects >= 1


def test_updates_made_without_an_agent_are_kept_and_messages_are_not(start: Start) -> None:
    away = status(503, "Agent has not finished recovery")
    with ScriptedAgent(TAKE, *[away] * 5, TAKE) as agent:
        driver, executor = start(agent, **CHECKPOINT)
        until(executor, "registered")
        assert next_subscribe(agent) == ([], [])
        agent.cut()
        until(executor, "registered", "disconnected")
        driver.send_framework_message(b"lost")
        driver.send_status_update(running("t", "kept"))
        assert not driver.connected
        until(executor, "registered", "disconnected", "reregistered")
        told = [next_subscribe(agent) for _ in range(6)]
        later = [next_call(agent)] if told[-1] == ([], []) else []
        messages = told[-1][1] + [one.update.status.message for one in later]
        assert messages == ["kept"], "with the SUBSCRIBE, or right behind it"
        assert agent.calls.empty()
        assert driver.stats.calls_dropped == 1


def test_an_agent_that_stays_away_is_the_end_of_a_checkpointing_executor(start: Start) -> None:
    with ScriptedAgent(TAKE, status(503)) as agent:
        driver, executor = start(agent, **CHECKPOINT, MESOS_RECOVERY_TIMEOUT="200ms")
        until(executor, "registered")
        agent.cut()
        until(executor, "registered", "disconnected", "shutdown")
        assert driver.status == mesos.DRIVER_RUNNING, "its tasks have to be ended first"
        assert agent.subscribes.qsize() > 1, "it tried again"
        driver.stop()
        assert driver.join(PATIENCE) == mesos.DRIVER_STOPPED


def test_an_agent_that_goes_is_the_end_of_any_other_executor(start: Start) -> None:
    with ScriptedAgent(TAKE) as agent:
        driver, executor = start(agent)
        until(executor, "registered")
        agent.cut()
        until(executor, "registered", "disconnected", "shutdown")
        assert agent.subscribes.qsize() == 1
        driver.stop()
        assert driver.join(PATIENCE) == mesos.DRIVER_STOPPED


@pytest.mark.parametrize("code", [503, 404])
def test_an_agent_that_starts_is_asked_again(start: Start, code: int) -> None:
    with ScriptedAgent(*[status(code)] * 3, TAKE) as agent:
        _, executor = start(agent)
        until(executor, "registered")
        assert agent.subscribes.qsize() == 4


@pytest.mark.parametrize(
    ("behaviour", "exception", "words"),
    [
        (status(401), mesos.AuthenticationError, "401"),
        (status(403), mesos.AuthenticationError, "403.*MESOS_EXECUTOR_AUTHENTICATION_TOKEN"),
        (status(400, "Unknown framework"), mesos.MasterConnectionError, "400.*Unknown framework"),
        (raw(b"+PONG\r\n"), mesos.MasterConnectionError, "no Mesos agent"),
        (raw(STREAM + b"6\r\n<html>\r\n"), mesos.MasterConnectionError, "not RecordIO"),
        (accept(ERROR), mesos.DriverAbortedError, "go away"),
    ],
)
def test_what_will_not_pass_is_an_exception(
    monkeypatch: pytest.MonkeyPatch, behaviour: Behaviour, exception: type[Exception], words: str
) -> None:
    with ScriptedAgent(behaviour) as agent:
        for name, value in agent.environment().items():
            monkeypatch.setenv(name, value)
        driver = mesos.ExecutorDriver(ExecutorRecorder())
        with pytest.raises(exception, match=words):
            driver.run()
        assert driver.status == mesos.DRIVER_ABORTED


def test_an_update_that_the_agent_refuses_is_not_told_again(start: Start) -> None:
    def answering(request: Request) -> tuple[int, str] | None:
        return (400, "no such task") if call(request).update.status.message == "bad" else None

    with ScriptedAgent(TAKE, answering=answering) as agent:
        driver, executor = start(agent, **CHECKPOINT)
        until(executor, "registered")
        driver.send_status_update(running("t", "bad"))
        driver.send_status_update(running("t", "good"))
        until(executor, "registered", "call_rejected")
        rejected, code, words = executor.events[1][1:]
        assert (rejected.update.status.message, code, words) == ("bad", 400, "no such task")
        next_subscribe(agent)
        agent.cut()
        assert next_subscribe(agent) == ([], ["good"])
        assert driver.stats.calls_rejected == 1


def test_a_call_that_finds_no_subscription_is_a_reason_for_another(start: Start) -> None:
    answers = [(403, "Executor is not subscribed")]
    with ScriptedAgent(TAKE, answering=lambda _: answers.pop() if answers else None) as agent:
        driver, executor = start(agent, **CHECKPOINT)
        until(executor, "registered")
        driver.send_status_update(running("t", "kept"))
        until(executor, "registered", "disconnected", "reregistered")
        assert next_subscribe(agent) == ([], [])
        assert next_subscribe(agent) == ([], ["kept"])


def test_a_stop_waits_for_the_acknowledgement_of_every_update(start: Start) -> None:
    with ScriptedAgent(TAKE) as agent:
        driver, executor = start(agent)
        until(executor, "registered")
        driver.send_status_update(running("t"))
        driver.send_status_update({"task_id": "t", "state": "TASK_FINISHED"})
        driver.stop()
        first, second = next_call(agent), next_call(agent)
        agent.push(acknowledged(second.update.status))
        assert driver.join(0.1) == mesos.DRIVER_STOPPED
        assert not driver._native.ended, "one is missing"
        agent.push(acknowledged(first.update.status))
        driver.join(PATIENCE)
        assert driver._native.ended


def test_a_stop_waits_for_an_agent_that_is_coming_back(start: Start) -> None:
    with ScriptedAgent(TAKE, *[status(503)] * 3, TAKE) as agent:
        driver, executor = start(agent, **CHECKPOINT)
        until(executor, "registered")
        agent.cut()
        until(executor, "registered", "disconnected")
        driver.send_status_update({"task_id": "t", "state": "TASK_FINISHED", "message": "kept"})
        driver.stop()
        told = [call(agent.subscribes.get(timeout=PATIENCE)) for _ in range(5)][-1].subscribe
        [update] = told.unacknowledged_updates
        assert not driver._native.ended
        agent.push(acknowledged(update.status))
        driver.join(PATIENCE)
        assert driver._native.ended


def test_an_abort_waits_for_nothing(start: Start) -> None:
    with ScriptedAgent(TAKE) as agent:
        driver, executor = start(agent)
        until(executor, "registered")
        driver.send_status_update(running("t"))
        next_call(agent)
        driver.abort()
        assert driver.join(PATIENCE) == mesos.DRIVER_ABORTED
        assert driver._native.ended


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
