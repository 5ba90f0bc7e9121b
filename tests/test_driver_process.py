"""What drivers do to the process that they run in: its forks, descriptors, signals and children."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import pytest
from scripted import ScriptedMaster

if TYPE_CHECKING:
    from collections.abc import Callable

    from conftest import Child

HEAD = """
import logging, os, signal, subprocess, sys, threading, time, warnings
import mesos
from mesos.testing import ScriptedBackend
warnings.simplefilter("ignore", DeprecationWarning)  # Python 3.12 warns of forks beside threads

class S(mesos.Scheduler):
    def registered(self, driver, framework_id, master_info):
        pass

backend = ScriptedBackend()
def make(kind=S, **settings):
    settings.setdefault("backend", backend)
    return mesos.SchedulerDriver(kind(), "x", **settings)
"""


def test_an_old_driver_is_refused_in_a_forked_child_and_a_new_one_works(child: Callable[..., Child]) -> None:
    code = """
driver = make(); driver.start(); backend.play([("registered", "f")]); backend.join()
pid = os.fork()
if pid == 0:
    refused = 0
    for attempt in (driver.stop, driver.abort, driver.join, driver.run, driver.start, driver.run_once,
                    driver.fileno, driver.reconcile_tasks, lambda *_: driver.status, lambda *_: driver.stats):
        try:
            attempt([]) if attempt == driver.reconcile_tasks else attempt()
        except mesos.ForkedDriverError as error:
            assert "make a new one" in str(error), error
            refused += 1
    try:
        driver.kill_task("t")
    except mesos.ForkedDriverError:
        refused += 1
    repr(driver)
    mine = ScriptedBackend()
    with make(backend=mine) as new:
        mine.play([("registered", "f")])
    del driver, new
    print(refused, mine.ended, flush=True)
    os._exit(0)
assert os.waitpid(pid, 0)[1] == 0
print(driver.status.name)
driver.stop(True); driver.join()
"""
    status, out, err = child(HEAD + code).end()
    assert (status, err) == (0, "")
    assert out.splitlines() == ["11 teardown", "DRIVER_RUNNING"]


#: What the parent's drivers do while it forks.
BUSY = {
    "an event flood": "backend.play([('registered', 'f')] * 100, repeat=1000)",
    "records for logging": "two = make(S, backend='http', master='127.0.0.1:1'); two.start()",
    "calls": "threading.Thread(target=lambda: [driver.kill_task('t') for _ in range(10**6)]).start()",
}


@pytest.mark.parametrize("busy", BUSY)
def test_a_new_driver_works_in_children_forked_at_any_moment(child: Callable[..., Child], busy: str) -> None:
    code = f"""
logging.disable()
driver = make(dispatcher="thread"); driver.start()
{BUSY[busy]}
class Once(mesos.Scheduler):
    def registered(self, driver, *_):
        driver.stop(failover=True)
framework = {{"name": "child", "failover_timeout": 60}}
for number in range(20):
    time.sleep(number / 5000)
    pid = os.fork()
    if pid == 0:
        signal.alarm(20)
        new = mesos.SchedulerDriver(Once(), framework, os.environ["MASTER"])
        os._exit(0 if new.run() == mesos.DRIVER_STOPPED else 1)
    assert os.waitpid(pid, 0)[1] == 0, number
os._exit(0 if driver.status == mesos.DRIVER_RUNNING else 1)
"""
    with ScriptedMaster() as master:
        assert child(HEAD + code, MASTER=master.address).end() == (0, "", "")


RUNNING = """
def masks(task="self"):
    with open(f"/proc/self/task/{task}/status" if task != "self" else "/proc/self/status") as file:
        lines = dict(line.split(":") for line in file)
    # up to 31: the C library has some above for itself, from the first thread on
    return [int(lines[name], 16) & 0x7fffffff for name in ("SigCgt", "SigIgn", "SigBlk")]
before = masks()
driver = mesos.SchedulerDriver(S(), "x", "local", dispatcher="thread"); driver.start()
while not driver.connected:
    time.sleep(0.001)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
def test_no_descriptor_is_left_open_in_programs_that_are_started(child: Callable[..., Child]) -> None:
    code = f"""{RUNNING}
assert len(os.listdir("/proc/self/fd")) > 5
seen = subprocess.run(["ls", "/proc/self/fd"], close_fds=False, capture_output=True, text=True).stdout.split()
print(seen)
driver.stop(); driver.join()
"""
    status, out, err = child(HEAD + code).end()
    assert (status, err) == (0, "")
    assert out == "['0', '1', '2', '3']\n", "the last one is ls' own, of that directory"


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
def test_native_threads_take_no_signal_and_none_is_handled_here(child: Callable[..., Child]) -> None:
    code = f"""{RUNNING}
assert masks() == before, "of the main thread"
python = {{thread.native_id for thread in threading.enumerate()}}
native = [int(task) for task in os.listdir("/proc/self/task") if int(task) not in python]
assert native
for task in native:
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGCHLD, signal.SIGUSR1):
        assert masks(task)[2] & 1 << number - 1, task
driver.stop(); driver.join()
"""
    assert child(HEAD + code).end() == (0, "", "")


def test_children_of_the_program_are_its_own_to_wait_for(child: Callable[..., Child]) -> None:
    code = """
class Tasks(mesos.Scheduler):
    left, running = 20, 0
    def resource_offers(self, driver, offers):
        for offer in offers:
            tasks = [{"task_id": f"t{self.left - count}", "name": "t", "command": {"value": "true"},
                      "resources": mesos.Resources(cpus=0.1, mem=1)} for count in range(min(self.left, 5))]
            self.left -= len(tasks)
            self.running += len(tasks)
            driver.launch_tasks(offer, tasks)
    def status_update(self, driver, status):
        self.running -= status.state.is_terminal
        if not self.left and not self.running:
            driver.stop()
driver = mesos.SchedulerDriver(Tasks(), "x", "local", dispatcher="thread")
driver.start()
while driver.status == mesos.DRIVER_RUNNING:
    own = [subprocess.Popen(["sh", "-c", f"exit {number}"]) for number in range(1, 6)]
    assert [one.wait() for one in own] == [1, 2, 3, 4, 5]
driver.join()
"""
    assert child(HEAD + code).end() == (0, "", "")


@pytest.mark.parametrize(
    ("end", "raised"),
    [("return", "ForkedDriverError"), ("sys.exit(3)", "SystemExit"), ("raise ValueError", "ValueError")],
)
def test_a_child_that_a_handler_forks_handles_nothing_more(
    child: Callable[..., Child], end: str, raised: str
) -> None:
    """Nor does it acknowledge, abort, or take the wake-up that is its parent's."""
    code = """
class Forks(S):
    def framework_message(self, driver, executor_id, agent_id, data):
        print(data.decode(), "in child" if os.getpid() != parent else "", flush=True)
        if data == b"1":
            self.child = os.fork()
            if self.child == 0:
                END
            os.waitpid(self.child, 0)
        if data == b"3":
            driver.stop(failover=True)

parent = os.getpid()
driver = make(Forks, dispatcher="poll")
driver.start()
backend.play([("registered", "f"), *(("framework_message", "e", "a", data) for data in (b"1", b"2", b"3"))])
backend.join()
try:
    driver.join()
except BaseException as error:
    assert os.getpid() != parent, error
    print(type(error).__name__, flush=True)
    os._exit(0)
assert backend.ended == "failover", backend.ended
"""
    status, out, err = child(HEAD + code.replace("END", end)).end()
    assert (status, err) == (0, "")
    assert out.split() == ["1", raised, "2", "3"]
