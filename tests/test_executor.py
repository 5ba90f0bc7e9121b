"""An executor's driver over a scripted backend: what its handlers hear, what it sends, what it refuses."""

from __future__ import annotations

import io
import sys
from typing import TYPE_CHECKING, Any

import mesos
import mesos.v1.executor
import pytest
from recorder import EXECUTOR_REGISTERED, PATIENCE, AsyncExecutorRecorder, ExecutorRecorder, launch

if TYPE_CHECKING:
    from collections.abc import Callable

    from mesos.testing import ScriptedBackend

    Make = Callable[..., mesos.ExecutorDriver]

RUNNING = {"task_id": "task-1", "state": "TASK_RUNNING"}
GROUP = {"tasks": [launch("task-1")[1], launch("task-2")[1]]}


def started(make: Make, executor: object, backend: ScriptedBackend, *script: Any) -> mesos.ExecutorDriver:
    """A driver that has handled its registration and `script`."""
    driver = make(executor, dispatcher="poll")
    driver.start()
    backend.play([EXECUTOR_REGISTERED, *script])
    for _ in range(1 + len(script)):
        assert driver.run_once(PATIENCE)
    return driver


@pytest.fixture
def driver(make_executor: Make, backend: ScriptedBackend) -> mesos.ExecutorDriver:
    """A driver that is registered."""
    return started(make_executor, ExecutorRecorder(), backend)


def test_each_handler_gets_its_arguments(make_executor: Make, backend: ScriptedBackend) -> None:
    executor = ExecutorRecorder()
    script: list[tuple[Any, ...]] = [
        launch(),
        ("kill_task", "task-1"),
        ("framework_message", b"\0data"),
        ("call_rejected", {"executor_id": "e", "framework_id": "f", "type": "UPDATE"}, 400, "no such task"),
        ("disconnected",),
        ("reregistered", {"hostname": "host-2", "id": "agent-1"}),
        ("shutdown",),
    ]
    driver = started(make_executor, executor, backend, *script)
    assert executor.names == ["registered", *(event[0] for event in script)]
    (_, info, framework, agent), (_, task), (_, task_id), *_ = executor.events
    assert info.executor_id.value == "executor-1"
    assert (framework.name, agent.hostname) == ("test", "host-1")
    assert (task.task_id.value, task_id.value) == ("task-1", "task-1")
    assert executor.events[3] == ("framework_message", b"\0data")
    assert executor.events[4][2:] == (400, "no such task")
    assert executor.events[4][1].type == mesos.v1.executor.Call.UPDATE
    assert executor.events[6][1].hostname == "host-2"
    assert executor.drivers == {id(driver)}
    assert driver.agent_info is not None
    assert driver.agent_info.hostname == "host-2"
    assert driver.executor_info == info
    assert driver.framework_info == framework


def test_what_is_known_before_the_registration(make_executor: Make) -> None:
    driver = make_executor(ExecutorRecorder())
    assert (driver.executor_info, driver.framework_info, driver.agent_info) == (None, None, None)
    assert not driver.connected


def test_an_update_is_completed_in_a_copy(driver: mesos.ExecutorDriver, backend: ScriptedBackend) -> None:
    given = mesos.TaskStatus(task_id="task-1", state="TASK_RUNNING", message="up", data=b"\0")
    assert driver.send_status_update(given) is mesos.DRIVER_RUNNING
    driver.send_status_update(given)
    driver.send_status_update({**RUNNING, "timestamp": 7.0, "uuid": b"mine", "source": "SOURCE_MASTER"})
    assert given == mesos.TaskStatus(task_id="task-1", state="TASK_RUNNING", message="up", data=b"\0")
    assert [(call.executor_id.value, call.framework_id.value) for call in backend.calls] == [
        ("executor-1", "framework-1")
    ] * 3
    first, second, third = (call.update.status for call in backend.calls)
    assert (first.message, first.data, first.state) == ("up", b"\0", mesos.TASK_RUNNING)
    assert (first.agent_id.value, first.executor_id.value) == ("agent-1", "executor-1")
    assert {status.source for status in (first, second, third)} == {mesos.TaskStatus.SOURCE_EXECUTOR}
    assert first.timestamp > 1e9
    assert third.timestamp == 7.0
    uuids = {first.uuid, second.uuid, third.uuid}
    assert len(uuids) == 3, "each update is one of its own"
    assert {(len(uuid), uuid[6] >> 4, uuid[8] >> 6) for uuid in uuids} == {(16, 4, 2)}, "RFC 4122, version 4"


@pytest.mark.parametrize(
    ("status", "kind", "words"),
    [
        ({**RUNNING, "state": "TASK_STAGING"}, mesos.EncodeError, "TASK_STAGING"),
        ({"task_id": "t"}, mesos.EncodeError, "state"),
        ({"state": "TASK_RUNNING"}, mesos.EncodeError, "task_id"),
        ({**RUNNING, "task_id": ""}, mesos.EncodeError, "status.task_id"),
        ({**RUNNING, "executor_id": "other"}, mesos.EncodeError, 'status.executor_id: "other"'),
        ({**RUNNING, "agent_id": "other"}, mesos.EncodeError, 'write "agent-1"'),
        ({**RUNNING, "state": "TASK_WALKING"}, ValueError, "TASK_WALKING"),
        ({**RUNNING, "mesage": "x"}, ValueError, "mesage"),
        (mesos.TaskID(value="t"), TypeError, "TaskStatus"),
        (None, TypeError, "TaskStatus"),
    ],
)
def test_an_update_that_is_wrong_raises_and_sends_nothing(
    driver: mesos.ExecutorDriver, backend: ScriptedBackend, status: Any, kind: type[Exception], words: str
) -> None:
    with pytest.raises(kind) as raised:
        driver.send_status_update(status)
    assert words in str(raised.value)
    driver.stop()
    with pytest.raises(kind):
        driver.send_status_update(status)
    assert len(backend.calls) == 0


@pytest.mark.parametrize("data", [b"\0x", bytearray(b"\0x"), memoryview(b"\0x")])
def test_messages(driver: mesos.ExecutorDriver, backend: ScriptedBackend, data: Any) -> None:
    driver.send_framework_message(data)
    with pytest.raises(TypeError, match="encode text first"):
        driver.send_framework_message("text")  # type: ignore[arg-type]
    [call] = backend.calls
    assert (call.type, call.message.data) == (mesos.v1.executor.Call.MESSAGE, b"\0x")


def test_calls_of_a_driver_that_does_not_run_are_dropped(
    make_executor: Make, backend: ScriptedBackend, caplog: pytest.LogCaptureFixture
) -> None:
    driver = make_executor(ExecutorRecorder())
    assert driver.send_status_update(RUNNING) is mesos.DRIVER_NOT_STARTED
    assert driver.send_framework_message(b"") is mesos.DRIVER_NOT_STARTED
    assert (len(backend.calls), driver.stats.calls_dropped) == (0, 2)
    assert caplog.text.count("was dropped") == 1


def test_the_kill_policy_is_that_of_the_last_kill_or_of_the_task(
    make_executor: Make, backend: ScriptedBackend
) -> None:
    def grace(seconds: int) -> dict[str, Any]:
        return {"grace_period": {"nanoseconds": seconds * 10**9}}

    found: list[int | None] = []

    def look(driver: mesos.ExecutorDriver, task_id: mesos.TaskID) -> None:
        policy = driver.kill_policy(task_id)
        found.append(None if policy is None else policy.grace_period.nanoseconds // 10**9)

    script = [
        launch("own", kill_policy=grace(3)),
        launch("none"),
        ("launch_group", {"tasks": [launch("grouped", kill_policy=grace(4))[1]]}),
        ("kill_task", "none"),
        ("kill_task", "own"),
        ("kill_task", "own", grace(1)),
        ("kill_task", {"value": "own"}),
        ("kill_task", "grouped"),
    ]
    driver = started(make_executor, ExecutorRecorder(kill_task=look), backend, *script)
    assert found == [None, 3, 1, 1, 4]
    driver.send_status_update({"task_id": "own", "state": "TASK_RUNNING"})
    assert driver.kill_policy("own") is not None
    driver.send_status_update({"task_id": "own", "state": "TASK_KILLED"})
    assert driver.kill_policy("own") is None, "nothing is kept of a task that has ended"


@pytest.mark.parametrize("dispatcher", ["poll", "thread"])
def test_a_group_is_launched_task_by_task(
    make_executor: Make, backend: ScriptedBackend, dispatcher: str
) -> None:
    executor = ExecutorRecorder() if dispatcher == "poll" else AsyncExecutorRecorder()
    executor.on["shutdown"] = lambda driver: driver.stop()
    driver = make_executor(executor, dispatcher=dispatcher)
    driver.start()
    backend.play([EXECUTOR_REGISTERED, ("launch_group", GROUP), ("shutdown",)])
    assert driver.join(PATIENCE) == mesos.DRIVER_STOPPED
    assert executor.names == ["registered", "launch_task", "launch_task", "shutdown"]
    assert [event[1].task_id.value for event in executor.events[1:3]] == ["task-1", "task-2"]
    assert getattr(executor, "most_running", 1) == 1


@pytest.mark.parametrize("dispatcher", ["poll", "thread"])
def test_a_group_ends_with_its_driver(make_executor: Make, backend: ScriptedBackend, dispatcher: str) -> None:
    executor = ExecutorRecorder() if dispatcher == "poll" else AsyncExecutorRecorder()
    executor.on["launch_task"] = lambda driver, _: driver.stop()
    driver = make_executor(executor, dispatcher=dispatcher)
    driver.start()
    backend.play([EXECUTOR_REGISTERED, ("launch_group", GROUP)])
    assert driver.join(PATIENCE) == mesos.DRIVER_STOPPED
    assert executor.names == ["registered", "launch_task"]


def test_a_group_goes_to_an_executor_that_wants_it_whole(
    make_executor: Make, backend: ScriptedBackend
) -> None:
    class Whole(ExecutorRecorder):
        def launch_group(self, driver: mesos.ExecutorDriver, task_group: mesos.TaskGroupInfo) -> None:
            self.note("launch_group", driver, (task_group,))

    executor = Whole()
    started(make_executor, executor, backend, ("launch_group", GROUP))
    assert executor.names == ["registered", "launch_group"]
    assert [task.name for task in executor.events[1][1].tasks] == ["task-1", "task-2"]


def test_what_an_object_lacks_the_base_class_does(make_executor: Make, backend: ScriptedBackend) -> None:
    class Bare:
        def registered(self, *_: Any) -> None:
            pass

    script = [
        launch(),
        ("launch_group", GROUP),
        ("kill_task", "t"),
        ("framework_message", b""),
        ("shutdown",),
    ]
    driver = started(make_executor, Bare(), backend, *script)
    statuses = [call.update.status for call in backend.calls]
    assert [status.state for status in statuses] == [mesos.TASK_FAILED] * 3
    assert "does not override launch_task" in statuses[0].message
    assert driver.join(PATIENCE) == mesos.DRIVER_STOPPED, "shutdown stops"


def test_the_base_class_is_polite(
    make_executor: Make, backend: ScriptedBackend, caplog: pytest.LogCaptureFixture
) -> None:
    driver = make_executor(mesos.Executor(), dispatcher="poll")
    call = {"executor_id": "e", "framework_id": "f", "type": "MESSAGE"}
    driver.start()
    backend.play([("call_rejected", call, 400, "no"), ("error", "go away")])
    with pytest.raises(mesos.DriverAbortedError, match="go away"):
        driver.run()
    assert "400" in caplog.text
    assert driver.status == mesos.DRIVER_ABORTED


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        (mesos.Executor, "an instance is expected"),
        (type("Old", (mesos.Executor,), {"launchTask": lambda *_: None})(), "named 'launch_task'"),
        (type("Few", (mesos.Executor,), {"kill_task": lambda _, driver: None})(), "must take"),
        (object(), "none of the handlers"),
    ],
)
def test_what_is_no_executor_is_refused(wrong: object, words: str, backend: ScriptedBackend) -> None:
    with pytest.raises(mesos.ConfigurationError, match=words) as raised:
        mesos.ExecutorDriver(wrong, backend=backend)
    assert str(raised.value).startswith("executor: ")


def test_what_is_no_backend_is_refused() -> None:
    with pytest.raises(mesos.ConfigurationError, match="backend"):
        mesos.ExecutorDriver(mesos.Executor(), backend="carrier pigeon")


def test_a_script_of_a_scheduler_is_none_of_an_executor(
    driver: mesos.ExecutorDriver, backend: ScriptedBackend
) -> None:
    with pytest.raises(ValueError, match=r"mesos\.Executor's methods"):
        backend.play([("resource_offers", [])])


@pytest.mark.parametrize("end", ["stop", "abort", "exception"])
def test_standard_output_is_line_buffered_while_the_driver_runs(
    make_executor: Make, backend: ScriptedBackend, monkeypatch: pytest.MonkeyPatch, end: str
) -> None:
    raw = io.BytesIO()
    stdout = io.TextIOWrapper(io.BufferedWriter(raw), write_through=False)  # type: ignore[arg-type]
    monkeypatch.setattr(sys, "stdout", stdout)
    driver = make_executor(ExecutorRecorder(launch_task=lambda *_: 1 / 0), dispatcher="poll")
    print("before")
    assert not stdout.line_buffering
    driver.start()
    print("while")
    assert raw.getvalue() == b"before\nwhile\n"
    if end == "exception":
        backend.play([launch()])
        with pytest.raises(ZeroDivisionError):
            driver.run()
    else:
        getattr(driver, end)()
    assert not stdout.line_buffering
    print("after")
    assert raw.getvalue() == b"before\nwhile\n"


def test_leaving_with_stops(make_executor: Make, backend: ScriptedBackend) -> None:
    with make_executor(ExecutorRecorder()) as driver:
        backend.play([EXECUTOR_REGISTERED])
        driver.send_status_update(RUNNING)
    assert driver.status == mesos.DRIVER_STOPPED
    assert (backend.ended, len(backend.calls)) == ("failover", 1), "and tears nothing down"


def test_a_forked_child_needs_a_driver_of_its_own(child: Callable[..., Any]) -> None:
    forked = child(
        """
        import os, mesos
        from mesos.testing import ScriptedBackend
        driver = mesos.ExecutorDriver(mesos.Executor(), backend=ScriptedBackend(), dispatcher="poll")
        driver.start()
        if os.fork() == 0:
            for use in (driver.stop, driver.kill_policy, driver.send_status_update):
                try:
                    use("t") if use != driver.stop else use()
                except mesos.ForkedDriverError as error:
                    print(error)
            other = mesos.ExecutorDriver(mesos.Executor(), backend=ScriptedBackend(), dispatcher="poll")
            print(other.start().name, flush=True)
            os._exit(0)
        os.wait()
        print(driver.stop().name)
        """
    )
    code, out, err = forked.end()
    lines = out.splitlines()
    assert (code, err) == (0, "")
    assert [line.startswith("this ExecutorDriver was made in another process") for line in lines[:3]] == [
        True
    ] * 3
    assert lines[3:] == ["DRIVER_RUNNING", "DRIVER_STOPPED"]


def test_a_program_that_just_ends_sends_what_it_has_said(child: Callable[..., Any]) -> None:
    ended = child(
        """
        import atexit, mesos
        from mesos.testing import ScriptedBackend
        backend = ScriptedBackend()
        atexit.register(lambda: print(len(backend.calls), backend.ended))  # runs after the driver's own
        driver = mesos.ExecutorDriver(mesos.Executor(), backend=backend, dispatcher="thread")
        driver.start()
        driver.send_status_update({"task_id": "t", "state": "TASK_RUNNING"})
        """
    )
    assert ended.end() == (0, "1 failover\n", "")
