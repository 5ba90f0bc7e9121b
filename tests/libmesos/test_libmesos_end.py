"""How drivers over libmesos end: in handlers, from threads, when lost, forked, late; and under load."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import mesos
import pytest
from fake_libmesos import MASTER, UPDATE, Make, Notes, Script, end, hear, registered
from recorder import PATIENCE

ENDS: dict[str, tuple[Callable[[mesos.SchedulerDriver], object], str]] = {
    "stop": (lambda driver: driver.stop(), "stop"),
    "failover": (lambda driver: driver.stop(failover=True), "abort"),
    "abort": (lambda driver: driver.abort(), "abort"),
}


@pytest.mark.parametrize("dispatcher", ["thread", "poll", "asyncio"])
@pytest.mark.parametrize("how", ENDS)
def test_it_ends_in_a_handler(make: Make, script: Script, how: str, dispatcher: str) -> None:
    """Meanwhile libmesos goes on talking: nothing waits for it while it waits for us."""
    registered(script)
    script.say("statusUpdate", UPDATE, times=10_000)
    call, name = ENDS[how]
    notes = Notes()
    notes.react["status_update"] = call
    driver = make(notes, dispatcher=dispatcher)
    driver.run() if dispatcher != "thread" else (driver.start(), driver.join(PATIENCE))
    assert [heard[0] for heard in notes.heard] == ["registered", "status_update"]
    assert [" ".join(call) for call in script.calls[1:]] == [name, "destroy"]


@pytest.mark.parametrize("how", ENDS)
def test_it_ends_from_another_thread(make: Make, script: Script, how: str) -> None:
    registered(script)
    script.say("statusUpdate", UPDATE, times=1_000_000)
    notes, began = Notes(), threading.Event()
    notes.react["registered"] = lambda driver: began.set()
    driver = make(notes, dispatcher="thread")
    driver.start()
    assert began.wait(PATIENCE)
    threads = [threading.Thread(target=ENDS[how][0], args=[driver]) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(PATIENCE)
        assert not thread.is_alive()
    driver.join(PATIENCE)
    assert script.names[-1] == "destroy"
    assert script.names.count("construct") == 1


def test_a_teardown_is_seen_through(make: Make, script: Script) -> None:
    """A master that sees our connections close first refuses it: the end waits until it has answered."""
    with socket.create_server(("127.0.0.1", 0)) as master:
        registered(script, master.getsockname()[1])
        notes = Notes()
        driver = make(notes)
        driver.start()
        hear(driver, notes, 1)
        driver.stop()
        asking, _ = master.accept()
        with asking:
            assert asking.recv(1000).startswith(b"GET /master/health ")
            assert not driver._native.settle(0)
            asking.sendall(b"HTTP/1.1 200 OK\r\n\r\n")
        assert driver.join(PATIENCE) == mesos.DRIVER_STOPPED
        assert driver._native.ended
    assert script.names == ["construct", "stop", "destroy"]


def test_a_stop_after_an_abort_tears_nothing_down(make: Make, script: Script) -> None:
    registered(script)
    notes = Notes()
    driver = make(notes)
    driver.start()
    hear(driver, notes, 1)
    driver.abort()
    assert driver.stop() == mesos.DRIVER_ABORTED
    driver.join(PATIENCE)
    assert script.names == ["construct", "abort", "destroy"]


def test_one_that_is_stopped_at_once_never_hangs(make: Make, script: Script) -> None:
    """The end may come before the construction, between it and the start, or after."""
    for _ in range(50):
        driver = make(Notes())
        driver.start()
        driver.stop()
        assert driver.join(PATIENCE) == mesos.DRIVER_STOPPED
        assert driver._native.ended


def test_a_lost_driver_keeps_the_tasks(make: Make, script: Script, libraries: Any) -> None:
    registered(script)

    def lose() -> None:
        driver = mesos.SchedulerDriver(
            Notes(), script.framework, MASTER, backend="libmesos", library=libraries(), dispatcher="poll"
        )
        driver.run_once(PATIENCE)

    with pytest.warns(ResourceWarning, match="nobody could reach it"):
        lose()
    while not script.names or script.names[-1] != "destroy":  # its thread sees it through
        pass
    assert script.calls[1] == ("abort",)


def test_no_master_in_time(make: Make, script: Script) -> None:
    driver = make(mesos.Scheduler(), connect_timeout=0.05)
    with pytest.raises(mesos.MasterConnectionError, match=r"in 0\.05 s"):
        driver.run()
    assert script.names == ["construct", "abort", "destroy"]


def test_a_registration_in_time(make: Make, script: Script) -> None:
    registered(script)
    notes = Notes()
    driver = make(notes, connect_timeout=1)
    driver.start()
    hear(driver, notes, 1)
    assert not driver.run_once(1.2)
    assert driver.status == mesos.DRIVER_RUNNING


def test_a_hundred_thousand_updates_are_each_acknowledged(make: Make, script: Script) -> None:
    count = 100_000
    registered(script)
    script.say("statusUpdate", UPDATE, times=count)
    script.wait_for("acknowledgeStatusUpdate", count)
    script.say("disconnected")
    driver = make(type("Quiet", (mesos.Scheduler,), {"disconnected": lambda self, driver: driver.stop()})())
    assert driver.run() == mesos.DRIVER_STOPPED
    assert script.names.count("acknowledgeStatusUpdate") == count
    assert driver.stats.events_handled == count + 2


def test_two_drivers_in_one_process(make: Make, tmp_path: Path) -> None:
    scripts = [Script(tmp_path / name) for name in ("one", "two")]
    notes = [Notes(), Notes()]
    for one in scripts:
        registered(one)
    drivers = [make(note, framework=one.framework) for note, one in zip(notes, scripts, strict=True)]
    for driver in drivers:
        driver.start()
    for driver, note in zip(drivers, notes, strict=True):
        hear(driver, note, 1)
    end(drivers[0])
    assert drivers[1].kill_task("t") == mesos.DRIVER_RUNNING
    end(drivers[1])
    assert [one.names[1:] for one in scripts] == [["stop", "destroy"], ["killTask", "stop", "destroy"]]


# -- the process -------------------------------------------------------------------------------------------

CODE = """
import os, signal, sys, mesos
driver = mesos.SchedulerDriver(mesos.Scheduler(), {{"name": {name!r}}}, "127.0.0.1:5050",
                               backend="libmesos", library={library!r}, dispatcher="poll")
"""


def test_signals_are_blocked_in_threads_of_libmesos(child: Any, script: Script, libraries: Any) -> None:
    registered(script)
    script.wait_for("killTask")  # libmesos' thread stays
    code = CODE.format(name=str(script.path), library=str(libraries()))
    code += """
driver.start()
driver.run_once(10)
for task in os.listdir("/proc/self/task"):
    with open(f"/proc/self/task/{task}/status") as file:
        lines = dict(line.split(":", 1) for line in file)
    if int(task) != os.getpid():
        print(bool(int(lines["SigBlk"], 16) & 1 << signal.SIGINT - 1))
driver.abort()
"""
    status, out, _ = child(code, LIBPROCESS_IP="127.0.0.1").end()
    assert status == 0
    assert set(out.split()) == {"True"}
    assert len(out.split()) >= 3  # the network's, the driver's, and the one that libmesos made


def test_a_child_forked_after_the_load_is_told(child: Any, script: Script, libraries: Any) -> None:
    code = CODE.format(name=str(script.path), library=str(libraries()))
    code += f"""
driver.start()
if os.fork() == 0:
    for use in (driver.stop, lambda: mesos.libmesos_version({str(libraries())!r}),
                mesos.SchedulerDriver(mesos.Scheduler(), {{"name": "x"}}, "h:1", backend="libmesos",
                                      library={str(libraries())!r}).start):
        try:
            use()
        except mesos.ForkedDriverError as error:
            print("use backend" in str(error), flush=True)
    os._exit(0)
os.wait()
driver.stop()
driver.join()
"""
    status, out, _ = child(code, LIBPROCESS_IP="127.0.0.1").end()
    assert (status, out.split()) == (0, ["False", "True", "True"])
    assert script.names[-2:] == ["stop", "destroy"]


def test_the_environment_is_looked_at_before_libmesos_ends_the_process(
    child: Any, script: Script, libraries: Any
) -> None:
    code = CODE.format(name=str(script.path), library=str(libraries())) + "driver.run()"
    status, _, err = child(code, LIBPROCESS_IP="localhost").end()
    assert status == 1
    assert err.splitlines()[-1].startswith(
        "mesos.errors.MasterConnectionError: LIBPROCESS_IP: an IPv4 address is expected"
    )


def test_interpreter_exit_waits_and_keeps_the_tasks(child: Any, script: Script, libraries: Any) -> None:
    registered(script)
    code = CODE.format(name=str(script.path), library=str(libraries())) + "driver.run_once(10)"
    status, _, _ = child(code, LIBPROCESS_IP="127.0.0.1").end()
    assert status == 0
    assert script.calls[1:] == [("abort",), ("destroy",)]
