"""An executor's driver and its agent: subscriptions, what is kept, agents that go and come, the end."""

from __future__ import annotations

import os
import ssl
from typing import TYPE_CHECKING

import mesos
import pytest
import trustme
from agent_words import TAKE, acknowledged, call, launch, next_call
from mesos.v1 import executor as v1
from recorder import PATIENCE, ExecutorRecorder, until
from scripted import Request, raw, status
from scripted_agent import STREAM, ScriptedAgent, accept

if TYPE_CHECKING:
    import pathlib
    from collections.abc import Callable, Iterator

    from scripted import Behaviour

    Start = Callable[..., tuple[mesos.ExecutorDriver, ExecutorRecorder]]

ERROR = v1.Event(type="ERROR", error={"message": "go away"}).SerializeToString()
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


def next_subscribe(agent: ScriptedAgent) -> tuple[list[str], list[str]]:
    """Return the tasks and the updates (by their messages) that the next SUBSCRIBE tells of."""
    subscribe = call(agent.subscribes.get(timeout=PATIENCE)).subscribe
    return (
        [task.task_id.value for task in subscribe.unacknowledged_tasks],
        [update.status.message for update in subscribe.unacknowledged_updates],
    )


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
        (status(401), mesos.AuthenticationError, "401.*no MESOS_EXECUTOR_AUTHENTICATION_TOKEN was given"),
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
