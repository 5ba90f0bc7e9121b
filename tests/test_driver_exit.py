"""Interpreter exit, in processes of their own: quiet, quick, and nothing torn down."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable

    from conftest import Child

HEAD = """
import asyncio, atexit, os, sys, threading, time
import mesos
from mesos.testing import ScriptedBackend

class S(mesos.Scheduler):
    def registered(self, driver, framework_id, master_info):
        pass
class A(mesos.Scheduler):
    async def registered(self, driver, framework_id, master_info):
        pass

backend = ScriptedBackend()
atexit.register(lambda: print(backend.ended, [int(call.type) for call in backend.calls]))
def make(kind=S, **settings):
    return mesos.SchedulerDriver(kind(), "x", backend=settings.pop("backend", backend), **settings)
# the package's own exit comes before the line above: what is registered last runs first
import mesos.driver
atexit.unregister(mesos._exit._exit); atexit.register(mesos._exit._exit)
"""

STATES = {
    "never used": ("driver = make()", None),
    "not started": ("driver = make(dispatcher='poll')", None),
    "running on a thread": ("driver = make(); driver.start()", "failover"),
    "running on a thread, async": ("driver = make(A); driver.start()", "failover"),
    "running, polled": ("driver = make(); driver.run_once(0)", "failover"),
    "stopped, not joined": ("driver = make(); driver.start(); driver.stop(True)", "failover"),
    "stopped": ("driver = make(); driver.start(); driver.stop(True); driver.join()", "failover"),
    "aborted": ("driver = make(); driver.start(); driver.abort()", "abort"),
    "with events queued": (
        "driver = make(dispatcher='poll'); driver.start(); backend.play([('registered', 'f')] * 1000)",
        "failover",
    ),
    "two": ("one = make(); one.start(); two = make(backend=ScriptedBackend()); two.start()", "failover"),
    "sys.exit in a with block": ("with make() as driver: sys.exit(0)", "abort"),
}


@pytest.mark.parametrize("state", STATES)
def test_exit(child: Callable[..., Child], state: str) -> None:
    code, ended = STATES[state]
    status, out, err = child(HEAD + code).end()
    assert (status, err) == (0, "")
    assert out.splitlines() == [f"{ended} []"]


def test_exit_after_the_loop_was_closed(child: Callable[..., Child]) -> None:
    code = """
async def main():
    global driver
    driver = make(); driver.start(); await asyncio.sleep(0)
asyncio.run(main())
"""
    status, out, err = child(HEAD + code).end()
    assert (status, out) == (0, "abort []\n")
    assert "loop was closed" in err, "said once, and shown as nobody fetched it"


def test_exit_while_a_handler_runs(child: Callable[..., Child]) -> None:
    code = """
started = threading.Event()
class Slow(mesos.Scheduler):
    def registered(self, driver, framework_id, master_info):
        started.set(); time.sleep(0.3); print("handled")
driver = make(Slow); driver.start(); backend.play([("registered", "f")]); started.wait()
"""
    status, out, err = child(HEAD + code).end()
    assert (status, err) == (0, "")
    assert out == "handled\nfailover []\n", "it is waited for"


BUSY = {
    "computes": "sum(range(1000))",
    "naps": "time.sleep(0.0005)",
    "sleeps": "time.sleep(60)",
    "calls the driver": "driver.kill_task('t')",
    "makes messages": "mesos.TaskInfo(name='n', task_id='t').SerializePartialToString()",
}
#: Where it does: on the driver's own thread, or on a daemon of the user's, which nobody waits for.
THREADS = {
    "thread": "driver = make(Stuck); driver.start()",
    "run": "driver = make(Stuck); threading.Thread(target=driver.run, daemon=True).start()",
    "loop": """driver = make(Stuck, dispatcher="asyncio")
threading.Thread(target=driver.run, daemon=True).start()""",
}


@pytest.mark.parametrize("where", THREADS)
@pytest.mark.parametrize("busy", BUSY)
def test_exit_while_a_handler_never_returns(child: Callable[..., Child], busy: str, where: str) -> None:
    code = f"""
import logging; logging.disable()
mesos._exit.TIMEOUT = 0.2
started = threading.Event()
class Stuck(mesos.Scheduler):
    def registered(self, driver, framework_id, master_info):
        started.set()
        while True:
            {BUSY[busy]}
class Last:  # the interpreter's end takes a while, in which that thread wants to go on
    def __del__(self, sleep=time.sleep):
        sleep(0.05)
last = Last(); last.self = last
{THREADS[where]}
while driver.status == mesos.DRIVER_NOT_STARTED:
    time.sleep(0)
backend.play([("registered", "f")]); started.wait()
"""
    status, out, err = child(HEAD + code).end()
    assert (status, err) == (0, ""), "never a crash"
    assert out.startswith("failover [")


def test_exit_shows_what_nobody_fetched(child: Callable[..., Child]) -> None:
    code = """
class Bad(mesos.Scheduler):
    def registered(self, driver, framework_id, master_info):
        raise LookupError("in the handler")
import logging; logging.disable()
driver = make(Bad); driver.start(); backend.play([("registered", "f")]); driver.dispatcher.join(20)
"""
    status, out, err = child(HEAD + code).end()
    assert (status, out) == (0, "abort []\n")
    assert err.count("LookupError: in the handler") == 1


def test_a_hook_that_raises_keeps_no_other_driver_from_its_end(child: Callable[..., Child]) -> None:
    code = """
import logging; logging.disable()
def hook(_):
    raise RuntimeError("in the hook")
threading.excepthook = hook
class Bad(mesos.Scheduler):
    def registered(self, driver, framework_id, master_info):
        raise LookupError("in the handler")
started = threading.Event()
class Slow(mesos.Scheduler):
    def registered(self, driver, framework_id, master_info):
        started.set(); time.sleep(0.3); print("handled")
interrupts = mesos._exit.end_interrupts
mesos._exit.end_interrupts = lambda: (interrupts(), print("no more interrupts"))
backends = [ScriptedBackend(), backend, ScriptedBackend()]
drivers = [make(kind, backend=one, dispatcher="thread") for kind, one in zip((Bad, Slow, Bad), backends)]
for driver, one in zip(drivers, backends):
    driver.start(); one.play([("registered", "f")])
drivers[0].dispatcher.join(20); drivers[2].dispatcher.join(20); started.wait()
"""
    _, out, err = child(HEAD + code).end()
    assert out == "handled\nno more interrupts\nfailover []\n"
    assert err.count("RuntimeError: in the hook") == 2, "each is shown"


def test_a_master_that_does_not_answer_delays_the_exit_five_seconds_at_most(
    child: Callable[..., Child],
) -> None:
    code = "driver = make(backend=ScriptedBackend(hold_end=True)); driver.start()"
    started = time.monotonic()
    status, _, err = child(HEAD + code).end()
    assert (status, err) == (0, "")
    assert 5 <= time.monotonic() - started < 15


def test_import_has_no_side_effects(child: Callable[..., Child]) -> None:
    code = """
import logging, signal, sys, threading
before = (signal.getsignal(signal.SIGINT), threading.active_count(), list(logging.getLogger().handlers))
import mesos, mesos.testing
assert before == (signal.getsignal(signal.SIGINT), threading.active_count(), logging.getLogger().handlers)
print("asyncio" in sys.modules)
"""
    assert child(code).end() == (0, "False\n", "")


def test_drivers_on_the_embedded_cluster_end_before_it(child: Callable[..., Child]) -> None:
    code = """
    import mesos
    driver = mesos.SchedulerDriver(mesos.Scheduler(), "x", "local")
    driver.start()
    """
    status, out, err = child(code).end()
    assert (status, out) == (0, "")
    assert "Traceback" not in err


ON_DAEMONS = {
    "run": "threading.Thread(target=driver.run, daemon=True).start()",
    "loop": """
async def main():
    driver.start()
    await driver.wait()
threading.Thread(target=lambda: asyncio.run(main()), daemon=True).start()
""",
}


@pytest.mark.parametrize("how", ["run", "loop"])
def test_exit_waits_for_a_handler_on_a_daemon_thread(child: Callable[..., Child], how: str) -> None:
    code = f"""
started = threading.Event()
class Slow(mesos.Scheduler):
    def registered(self, driver, framework_id, master_info):
        started.set()
        time.sleep(0.3)  # comes back to the interpreter when that has long wanted to be gone
        print("done", flush=True)
driver = make(Slow)
{ON_DAEMONS[how]}
while driver.status == mesos.DRIVER_NOT_STARTED:
    time.sleep(0)
backend.play([("registered", "framework-1")])
started.wait()
"""
    assert child(HEAD + code).end() == (0, "done\nfailover []\n", "")
