"""An executor's driver over a stand-in for libmesos: what its handlers hear, what it sends, how it ends."""

from __future__ import annotations

import socket
from collections.abc import Callable
from pathlib import Path
from typing import Any

import mesos
import pytest
from fake_libmesos import Script, executor_environment, text
from recorder import PATIENCE, ExecutorRecorder

Make = Callable[..., mesos.ExecutorDriver]
RUNNING = {"task_id": "t", "state": "TASK_RUNNING"}
INFO = mesos.ExecutorInfo(executor_id="executor-1", framework_id="framework-1", data=b"\0")
FRAMEWORK = mesos.FrameworkInfo(user="u", name="n", id="framework-1")
AGENT = mesos.AgentInfo(hostname="h", id="agent-1")
TASK = mesos.TaskInfo(
    name="n", task_id="t", agent_id="agent-1", kill_policy={"grace_period": {"nanoseconds": 3}}
)


def registered(script: Script) -> None:
    """Let the script begin as every agent does."""
    script.say("registered", INFO, FRAMEWORK, AGENT)


def dispatch(driver: mesos.ExecutorDriver, count: int) -> None:
    for _ in range(count):
        assert driver.run_once(PATIENCE)


def ended(script: Script) -> list[str]:
    """Return the calls of a driver that has ended, without its beginning and its end."""
    (first, second, *rest, last) = script.names
    assert (first, second, last) == ("construct", "start", "destroy")
    return rest


def test_every_callback_is_an_event(make_executor: Make, script: Script) -> None:
    registered(script)
    script.say("launchTask", TASK)
    script.say("killTask", mesos.TaskID(value="t"))
    script.say("frameworkMessage", b"\0\xff")
    script.say("disconnected")
    other = mesos.AgentInfo(hostname="other", id="agent-1")
    script.say("reregistered", other)
    script.say("shutdown")
    executor = ExecutorRecorder()
    driver = make_executor(executor)
    driver.start()
    dispatch(driver, 1)
    assert driver.connected
    dispatch(driver, 6)
    assert executor.events == [
        ("registered", INFO, FRAMEWORK, AGENT),
        ("launch_task", TASK),
        ("kill_task", mesos.TaskID(value="t")),
        ("framework_message", b"\0\xff"),
        ("disconnected",),
        ("reregistered", other),
        ("shutdown",),
    ]
    assert (driver.executor_info, driver.framework_info, driver.agent_info) == (INFO, FRAMEWORK, other)
    assert driver.kill_policy("t") == TASK.kill_policy, "a kill of v0 has none of its own"
    assert (driver.stats.reconnects, driver.stats.unacknowledged) == (1, 0)


def test_an_agent_may_be_another_before_it_says_anything(make_executor: Make, script: Script) -> None:
    """It was started again between noting a registration and answering it."""
    script.say("reregistered", AGENT)
    executor = ExecutorRecorder()
    driver = make_executor(executor)
    driver.start()
    dispatch(driver, 1)
    [(name, info, framework, agent)] = executor.events
    assert (name, agent) == ("registered", AGENT)
    assert (info.executor_id.value, framework.id.value) == ("executor-1", "framework-1")


def test_every_call_arrives(make_executor: Make, script: Script) -> None:
    registered(script)
    driver = make_executor(ExecutorRecorder())
    driver.start()
    dispatch(driver, 1)
    driver.send_status_update({**RUNNING, "message": "up"})
    driver.send_framework_message(b"\0\xff")
    driver.stop()
    driver.join(PATIENCE)
    assert ended(script) == ["sendStatusUpdate", "sendFrameworkMessage", "stop"]
    status = mesos.TaskStatus.FromString(bytes.fromhex(script.calls[2][1]))
    assert (status.message, status.executor_id.value, status.source) == ("up", "executor-1", 2)
    assert script.calls[3][1] == text(b"\0\xff")
    assert (driver.stats.calls_sent, driver.stats.calls_dropped) == (2, 0)


def test_what_is_sent_before_libmesos_runs_is_sent_when_it_does(make_executor: Make, script: Script) -> None:
    """The call may come before the construction, between it and the start, or after; and so may the end."""
    for _ in range(50):
        driver = make_executor(ExecutorRecorder())
        driver.start()
        for number in range(3):
            driver.send_status_update({**RUNNING, "message": str(number)})
        driver.stop()
        assert driver.join(PATIENCE) == mesos.DRIVER_STOPPED
        assert ended(script) == ["sendStatusUpdate"] * 3 + ["stop"]
        sent = [mesos.TaskStatus.FromString(bytes.fromhex(call[1])).message for call in script.calls[2:5]]
        assert sent == ["0", "1", "2"]
        assert (driver.stats.calls_sent, driver.stats.calls_dropped) == (3, 0)


def test_an_abort_right_at_the_start_never_hangs(make_executor: Make, script: Script) -> None:
    for _ in range(50):
        driver = make_executor(ExecutorRecorder())
        driver.start()
        driver.send_status_update(RUNNING)
        assert driver.abort() == mesos.DRIVER_ABORTED
        driver.join(PATIENCE)
        stats = driver.stats
        assert stats.calls_sent + stats.calls_dropped == 1
        assert "stop" not in script.names


ENDS: dict[str, tuple[Callable[[mesos.ExecutorDriver], object], str]] = {
    "stop": (lambda driver: driver.stop(), "stop"),
    "abort": (lambda driver: driver.abort(), "abort"),
}


@pytest.mark.parametrize("dispatcher", ["thread", "poll", "asyncio"])
@pytest.mark.parametrize("how", ENDS)
def test_it_ends_in_a_handler(make_executor: Make, script: Script, how: str, dispatcher: str) -> None:
    """Meanwhile libmesos goes on talking: nothing waits for it while it waits for us."""
    registered(script)
    script.say("frameworkMessage", b"x", times=10_000)
    call, name = ENDS[how]
    executor = ExecutorRecorder(framework_message=lambda driver, _: call(driver))
    driver = make_executor(executor, dispatcher=dispatcher)
    driver.run() if dispatcher != "thread" else (driver.start(), driver.join(PATIENCE))
    assert executor.names == ["registered", "framework_message"]
    assert ended(script) == [name]


def test_a_stop_after_an_abort_says_so(make_executor: Make, script: Script) -> None:
    registered(script)
    driver = make_executor(ExecutorRecorder())
    driver.start()
    dispatch(driver, 1)
    driver.abort()
    assert driver.stop() == mesos.DRIVER_ABORTED
    driver.join(PATIENCE)
    assert ended(script) == ["abort"]


def test_a_stop_waits_until_the_agent_has_read_what_was_sent(
    make_executor: Make, script: Script, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An agent that sees the process end first may say TASK_FAILED of what was said to have finished."""
    with socket.create_server(("127.0.0.1", 0)) as agent:
        environment = executor_environment(script, agent.getsockname()[1])
        monkeypatch.setenv("MESOS_SLAVE_PID", environment["MESOS_SLAVE_PID"])
        registered(script)
        driver = make_executor(ExecutorRecorder())
        driver.start()
        dispatch(driver, 1)
        driver.stop()
        asking, _ = agent.accept()
        with asking:
            assert asking.recv(1000).startswith(b"GET /slave(1)/health ")
            assert not driver._native.settle(0)
            asking.sendall(b"HTTP/1.1 200 OK\r\n\r\n")
        assert driver.join(PATIENCE) == mesos.DRIVER_STOPPED
    assert ended(script) == ["stop"]


def test_a_local_executor_ends_although_libmesos_wakes_nobody(
    make_executor: Make, script: Script, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MESOS_LOCAL", "1")
    registered(script)
    script.say("shutdown")
    driver = make_executor(mesos.Executor())
    assert driver.run() == mesos.DRIVER_STOPPED
    assert driver._native.ended
    assert ended(script) == ["stop"]


def test_an_error_aborts_first(make_executor: Make, script: Script) -> None:
    registered(script)
    script.say("error", b"why not")
    with pytest.raises(mesos.DriverAbortedError, match=r"^why not$"):
        make_executor(mesos.Executor()).run()


def test_what_cannot_be_read_ends_the_driver(make_executor: Make, script: Script) -> None:
    script.say("launchTask", b"\xff\xff")
    with pytest.raises(mesos.DriverAbortedError, match="cannot be read"):
        make_executor(mesos.Executor()).run()


def test_a_handler_that_raises_aborts(make_executor: Make, script: Script) -> None:
    registered(script)
    driver = make_executor(ExecutorRecorder(registered=lambda *_: 1 / 0))
    with pytest.raises(ZeroDivisionError):
        driver.run()
    assert ended(script) == ["abort"]


def test_leaving_with_stops(make_executor: Make, script: Script) -> None:
    registered(script)
    with make_executor(ExecutorRecorder(), dispatcher="thread") as driver:
        driver.send_status_update(RUNNING)
    assert driver.status == mesos.DRIVER_STOPPED
    assert ended(script) == ["sendStatusUpdate", "stop"]


# -- what is refused ---------------------------------------------------------------------------------------


def test_a_library_for_schedulers_only_says_what_to_use(make_executor: Make, libraries: Any) -> None:
    driver = make_executor(mesos.Executor(), library=libraries(executors=False))
    with pytest.raises(mesos.ConfigurationError, match=r'no mesos::MesosExecutorDriver.*backend="http"'):
        driver.start()
    assert driver.status == mesos.DRIVER_ABORTED


def test_a_library_that_is_missing_is_named_by_start(make_executor: Make, tmp_path: Path) -> None:
    driver = make_executor(mesos.Executor(), library=tmp_path / "libmesos.so")
    with pytest.raises(mesos.ConfigurationError, match=r"libmesos.so \(given as library=\) cannot be loaded"):
        driver.start()


def test_a_library_is_of_use_with_libmesos_only() -> None:
    with pytest.raises(mesos.ConfigurationError, match='only with backend="libmesos"'):
        mesos.ExecutorDriver(mesos.Executor(), library="x.so")


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"MESOS_DIRECTORY": ""}, ": MESOS_DIRECTORY is not set"),
        ({"MESOS_SLAVE_PID": "", "MESOS_AGENT_ENDPOINT": "h:5"}, ": MESOS_SLAVE_PID is not set"),
        ({"MESOS_SLAVE_PID": "slave(1)", "MESOS_AGENT_ENDPOINT": "h:5"}, "the agent's address"),
        ({"MESOS_RECOVERY_TIMEOUT": ""}, "MESOS_RECOVERY_TIMEOUT: a time such as 5secs"),
        ({"MESOS_EXECUTOR_SHUTDOWN_GRACE_PERIOD": "1e12secs"}, "not '1e12secs'"),
        ({"MESOS_SLAVE_PID": "slave(1)@[::1]:5051"}, "MESOS_SLAVE_PID: .*it has no IPv4 address"),
    ],
)
def test_an_environment_over_which_libmesos_would_end_the_process(
    make_executor: Make, monkeypatch: pytest.MonkeyPatch, change: dict[str, str], words: str
) -> None:
    for name, value in change.items():
        monkeypatch.setenv(name, value)
    with pytest.raises((mesos.ConfigurationError, mesos.MasterConnectionError), match=words):
        make_executor(mesos.Executor()).run()


# -- the process -------------------------------------------------------------------------------------------

CODE = """
import os, signal, mesos
driver = mesos.ExecutorDriver(mesos.Executor(), backend="libmesos", library={library!r}, dispatcher="poll")
driver.start()
driver.run_once(10)
"""


def test_signals_are_blocked_in_threads_of_libmesos(child: Any, script: Script, libraries: Any) -> None:
    registered(script)
    script.wait_for("stop")  # libmesos' thread stays
    code = (
        CODE.format(library=str(libraries()))
        + """
for task in os.listdir("/proc/self/task"):
    with open(f"/proc/self/task/{task}/status") as file:
        lines = dict(line.split(":", 1) for line in file)
    if int(task) != os.getpid():
        print(bool(int(lines["SigBlk"], 16) & 1 << signal.SIGINT - 1))
driver.stop()
"""
    )
    status, out, _ = child(code, **executor_environment(script)).end()
    assert (status, set(out.split())) == (0, {"True"})
    assert len(out.split()) >= 3  # the network's, the driver's, and the one that libmesos made


def test_a_child_forked_after_the_load_is_told(child: Any, script: Script, libraries: Any) -> None:
    registered(script)
    code = (
        CODE.format(library=str(libraries()))
        + f"""
if os.fork() == 0:
    other = mesos.ExecutorDriver(mesos.Executor(), backend="libmesos", library={str(libraries())!r})
    for use in (driver.stop, other.start):
        try:
            use()
        except mesos.ForkedDriverError as error:
            print("use backend" in str(error), flush=True)
    os._exit(0)
os.wait()
print(driver.run_once(0), driver.stop().name)
"""
    )
    status, out, _ = child(code, **executor_environment(script)).end()
    assert (status, out.splitlines()) == (0, ["False", "True", "False DRIVER_STOPPED"])


def test_a_program_that_just_ends_sends_what_it_has_said(child: Any, script: Script, libraries: Any) -> None:
    registered(script)
    code = CODE.format(library=str(libraries()))
    code += 'driver.send_status_update({"task_id": "t", "state": "TASK_FINISHED"})'
    status, _, _ = child(code, **executor_environment(script)).end()
    assert status == 0
    assert ended(script) == ["sendStatusUpdate", "stop"]
