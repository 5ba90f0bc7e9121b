"""The HTTP backend as a program meets it: masters that refuse, break off, redirect or are no masters.

The tests of src/backend/http have the wire in detail; these say which exception or retry each case becomes.
"""

from __future__ import annotations

import os
import signal
import socket
import threading
from typing import TYPE_CHECKING

import mesos
import pytest
from mesos.v1 import scheduler as v1
from recorder import PATIENCE, Recorder, until
from scripted import (
    STREAM,
    ScriptedMaster,
    banner,
    cut,
    error,
    raw,
    record,
    redirect,
    silent,
    status,
    subscribe,
    subscribed,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from scripted import Behaviour, Request

    Start = Callable[..., tuple[mesos.SchedulerDriver, Recorder]]


HTML = b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: 4\r\n\r\n<p/>"
NOT_RECORDIO = STREAM + b"6\r\n<html>\r\n"


@pytest.mark.parametrize(
    ("behaviour", "exception", "words"),
    [
        (status(401, "who?"), mesos.AuthenticationError, r"401.*who\?; no credential or token was given"),
        (status(403), mesos.AuthenticationError, "403"),
        (status(400, "Authenticated principal 'a' is not 'b'"), mesos.AuthenticationError, "leave it unset"),
        (status(400, "no user"), mesos.MasterConnectionError, "no user"),
        (status(404), mesos.MasterConnectionError, "404.*no Mesos master"),
        (status(415), mesos.MasterConnectionError, "415"),
        (raw(HTML), mesos.MasterConnectionError, "text/html"),
        (raw(NOT_RECORDIO), mesos.MasterConnectionError, "not RecordIO"),
        (raw(b"+PONG\r\n"), mesos.MasterConnectionError, "no Mesos master"),
        (banner(), mesos.MasterConnectionError, "SSH-2.0"),
        (
            raw(STREAM + b"%x\r\n%s\r\n" % (len(record(error("no"))), record(error("no")))),
            mesos.DriverAbortedError,
            "no",
        ),
    ],
)
def test_what_will_not_pass_is_an_exception(
    behaviour: Behaviour, exception: type[Exception], words: str
) -> None:
    with ScriptedMaster(behaviour) as master:
        driver = mesos.SchedulerDriver(Recorder(), {"name": "test", "failover_timeout": 60}, master.address)
        with pytest.raises(exception, match=words) as raised:
            driver.run()
        if exception is not mesos.DriverAbortedError:
            assert master.address in str(raised.value)
        assert driver.status == mesos.DRIVER_ABORTED


def test_what_may_pass_is_tried_again(start: Start, caplog: pytest.LogCaptureFixture) -> None:
    whole = len(record(subscribed()))
    with ScriptedMaster(status(503, "No leader elected"), cut(0), cut(whole - 1), subscribe()) as master:
        driver, scheduler = start(master.address, framework={"name": "test", "failover_timeout": 1})
        until(scheduler, "registered")
        assert driver.connected
    warnings = [entry.getMessage() for entry in caplog.records if entry.name == "mesos.http"]
    assert any("503" in text and "No leader elected" in text and "next try" in text for text in warnings), (
        warnings
    )


def test_a_record_that_is_cut_is_not_an_event(start: Start) -> None:
    half = record(error("this never arrives whole"))[:-1]
    with ScriptedMaster() as master:
        _, scheduler = start(master.address, framework={"name": "test", "failover_timeout": 1})
        until(scheduler, "registered")
        master.push_raw(half)
        master.cut()
        until(scheduler, "registered", "disconnected", "reregistered")
        assert b"framework-1" not in master.subscribes.get(timeout=PATIENCE).body
        assert b"framework-1" in master.subscribes.get(timeout=PATIENCE).body


def test_nothing_listening_is_tried_until_the_time_is_over() -> None:
    with socket.create_server(("127.0.0.1", 0)) as unused:
        address = "{}:{}".format(*unused.getsockname())
    driver = mesos.SchedulerDriver(Recorder(), {"name": "test"}, address, connect_timeout=1)
    with pytest.raises(mesos.MasterConnectionError, match=rf"no master within 1 s.*{address}.*refused"):
        driver.run()


def test_a_redirect_is_followed_with_the_credential(start: Start) -> None:
    with ScriptedMaster() as leader, ScriptedMaster(redirect(leader.address)) as other:
        driver, scheduler = start(other.address, credential=("me", "s3cret"))
        until(scheduler, "registered")
        assert leader.subscribes.get(timeout=PATIENCE).headers["authorization"] == "Basic bWU6czNjcmV0"
        driver.kill_task("t1")
        call = leader.calls.get(timeout=PATIENCE)
        assert (call.headers["mesos-stream-id"], call.headers["authorization"]) == (
            "stream-1",
            "Basic bWU6czNjcmV0",
        )


def test_a_refused_call_is_told_and_nothing_else_happens(start: Start) -> None:
    with ScriptedMaster(answering=lambda _: (400, "not like this")) as master:
        driver, scheduler = start(master.address)
        until(scheduler, "registered")
        driver.kill_task("t1")
        until(scheduler, "registered", "call_rejected")
        _, call, code, words = scheduler.events[1]
        assert (call.kill.task_id.value, code, words) == ("t1", 400, "not like this")
        assert driver.status == mesos.DRIVER_RUNNING


def test_stop_tears_down_behind_earlier_calls(start: Start) -> None:
    with ScriptedMaster() as master:
        driver, scheduler = start(master.address)
        until(scheduler, "registered")
        driver.kill_task("t1")
        driver.stop()
        assert driver.join(PATIENCE) == mesos.DRIVER_STOPPED
        kinds = [v1.Call.FromString(master.calls.get(timeout=PATIENCE).body).type for _ in range(2)]
        assert [kind.name for kind in kinds] == ["KILL", "TEARDOWN"]


@pytest.mark.parametrize("framework_id", [None, "framework-1"])
def test_a_framework_that_is_resumed_is_not_torn_down_in_silence(
    start: Start, caplog: pytest.LogCaptureFixture, framework_id: str | None
) -> None:
    """One that has no id yet has nothing to tear down."""
    framework = {"name": "test", "failover_timeout": 600, **({"id": framework_id} if framework_id else {})}
    with ScriptedMaster(silent()) as master:
        driver, _ = start(master.address, framework=framework)
        master.subscribes.get(timeout=PATIENCE)
        driver.stop()
        assert driver.join(PATIENCE) == mesos.DRIVER_STOPPED
    words = [entry.getMessage() for entry in caplog.records]
    assert any("could not be torn down" in text for text in words) == (framework_id is not None), words


def test_a_refused_update_is_not_said_again(start: Start) -> None:
    """As on a real master: who says a role again that was refused is refused as a whole."""
    framework = {"name": "one", "failover_timeout": 0.02}  # pauses are short

    def answering(request: Request) -> tuple[int, str] | None:
        update = v1.Call.FromString(request.body).type == v1.Call.UPDATE_FRAMEWORK
        return (403, "Not authorized to use role 'secret'") if update else None

    with ScriptedMaster(answering=answering) as master:
        driver, scheduler = start(master.address, framework=framework)
        until(scheduler, "registered")
        driver.update_framework({**framework, "name": "two"})
        until(scheduler, "registered", "call_rejected")
        assert driver.framework.name == "one"
        master.cut()
        until(scheduler, "registered", "call_rejected", "disconnected", "reregistered")
        said = [v1.Call.FromString(master.subscribes.get(timeout=PATIENCE).body).subscribe for _ in range(2)]
        assert [subscribe.framework_info.name for subscribe in said] == ["one", "one"]


@pytest.mark.parametrize("behaviour", [silent(), status(503)], ids=["no answer", "in a pause"])
def test_ctrl_c_ends_the_wait_for_a_master(behaviour: Behaviour) -> None:
    with ScriptedMaster(behaviour) as master:
        driver = mesos.SchedulerDriver(Recorder(), {"name": "test"}, master.address)

        def interrupt() -> None:
            master.subscribes.get(timeout=PATIENCE)
            os.kill(os.getpid(), signal.SIGINT)

        interrupting = threading.Thread(target=interrupt)
        interrupting.start()
        with pytest.raises(KeyboardInterrupt):
            driver.run()
        interrupting.join()
        assert driver.status == mesos.DRIVER_ABORTED


@pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")  # Python 3.12 warns of threads
def test_a_child_of_a_fork_gets_its_own_runtime(start: Start) -> None:
    with ScriptedMaster() as master:
        _, scheduler = start(master.address)
        until(scheduler, "registered")
        child = os.fork()
        if child == 0:
            code = 1
            try:
                own = Recorder(registered=lambda driver, *_: driver.stop(failover=True))
                driver = mesos.SchedulerDriver(own, {"name": "child", "failover_timeout": 60}, master.address)
                code = 0 if driver.run() == mesos.DRIVER_STOPPED else 2
            finally:
                os._exit(code)
        assert os.waitpid(child, 0) == (child, 0)


@pytest.mark.parametrize(
    ("capabilities", "state"), [([], "TASK_LOST"), (["PARTITION_AWARE"], "TASK_DROPPED")]
)
def test_a_launch_without_a_master_is_lost(start: Start, capabilities: list[str], state: str) -> None:
    framework = {
        "name": "test",
        "failover_timeout": 60,
        "capabilities": [{"type": one} for one in capabilities],
    }
    task = {
        "name": "t",
        "task_id": "t-1",
        "agent_id": "a-1",
        "command": {"value": "true"},
        "resources": mesos.Resources(cpus=1),
    }
    with ScriptedMaster(subscribe(), status(503)) as master:
        driver, scheduler = start(master.address, framework=framework)
        until(scheduler, "registered")
        master.cut()
        until(scheduler, "registered", "disconnected")
        driver.launch_tasks("offer-1", [task])
        until(scheduler, "registered", "disconnected", "status_update")
        update = scheduler.events[-1][1]
        assert (str(update.state), str(update.reason)) == (state, "REASON_MASTER_DISCONNECTED")
        assert (update.task_id.value, update.agent_id.value) == ("t-1", "a-1")
        assert driver.stats.calls_dropped == 1, "and nothing is acknowledged"
        assert driver.stats.acknowledgements == 0
