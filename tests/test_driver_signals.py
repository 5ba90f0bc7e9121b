"""Ctrl-C during every wait ends it at once, in real processes with a real signal."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable

    from conftest import Child

HEAD = """
import asyncio, sys, threading, time
import mesos
from mesos.testing import ScriptedBackend

class S(mesos.Scheduler):
    pass
class A(mesos.Scheduler):
    async def status_update(self, driver, status):
        pass

backend = ScriptedBackend()
def make(kind=S, **settings):
    return mesos.SchedulerDriver(kind(), "x", backend=backend, **settings)
def play():
    backend.play([("status_update", {"task_id": "t", "agent_id": "a", "state": 1, "uuid": b"u"})])
    def say():
        backend.wait_for_calls(1)  # the acknowledgement: no handler runs any more
        print("waiting")
    threading.Thread(target=say, daemon=True).start()
def soon(driver):
    def script():
        while driver.status == mesos.DRIVER_NOT_STARTED:
            time.sleep(0.001)
        play()
    threading.Thread(target=script, daemon=True).start()
def told(driver):
    print(driver.status.name, backend.ended)
"""

WAITS = {
    "run": "driver = make(); soon(driver); driver.run()",
    "run-async": "driver = make(A); soon(driver); driver.run()",
    "run-thread": "driver = make(dispatcher='thread'); soon(driver); driver.run()",
    "join-thread": "driver = make(); driver.start(); play(); driver.join()",
    "join-thread-async": "driver = make(A); driver.start(); play(); driver.join()",
    "join-poll": "driver = make(dispatcher='poll'); driver.start(); play(); driver.join()",
    "join-timeout": "driver = make(); driver.start(); play(); driver.join(60)",
    "join-interrupt": "driver = make(dispatcher='interrupt'); driver.start(); play(); driver.join()",
    "run_once": "driver = make(); driver.run_once(0); play(); driver.run_once(); driver.run_once()",
    "run_once-timeout": "driver = make(); driver.run_once(0); play(); driver.run_once(); driver.run_once(60)",
    "with": "driver = make()\n    with driver: play(); driver.join()",
    "asyncio-wait": """driver = make()
    async def main():
        driver.start(); play(); await driver.wait()
    asyncio.run(main())""",
    "asyncio-wait-thread": """driver = make(dispatcher='thread')
    async def main():
        driver.start(); play(); await driver.wait()
    asyncio.run(main())""",
    "async-with": """driver = make()
    async def main():
        async with driver:
            play(); await asyncio.get_running_loop().create_future()
    asyncio.run(main())""",
    "stop-that-hangs": """backend = ScriptedBackend(hold_end=True); driver = make()
    driver.start(); driver.stop(); print("waiting"); driver.join()""",
    "wait_for_calls": "driver = make(); driver.start(); play(); backend.wait_for_calls(2, 60)",
}
ABORTS = ("run", "run-async", "run-thread", "with", "asyncio-wait", "async-with")


@pytest.mark.parametrize("wait", WAITS)
def test_interrupt(child: Callable[..., Child], wait: str) -> None:
    one = child(
        f"""{HEAD}
try:
    {WAITS[wait]}
except KeyboardInterrupt:
    told(driver)
    raise
"""
    )
    assert one.line() == "waiting"
    pressed = time.monotonic()
    one.interrupt()
    status = one.line()
    took = time.monotonic() - pressed
    code_, _, err = one.end()
    assert "KeyboardInterrupt" in err, err
    assert code_ in (-2, 130, 1), err
    assert took < 4, "at once: what it waited for takes 5 seconds or for ever"
    if wait in ABORTS:
        assert status == "DRIVER_ABORTED abort", status
    elif wait != "stop-that-hangs":
        assert status == "DRIVER_RUNNING None", "a wait that is broken ends nothing"


def test_interrupt_in_a_handler(child: Callable[..., Child]) -> None:
    one = child(
        """
        import time
        import mesos
        from mesos.testing import ScriptedBackend

        class S(mesos.Scheduler):
            def status_update(self, driver, status):
                print("waiting")
                time.sleep(60)

        backend = ScriptedBackend()
        driver = mesos.SchedulerDriver(S(), "x", backend=backend)
        driver.run_once(0)
        backend.play([("status_update", {"task_id": "t", "agent_id": "a", "state": 1, "uuid": b"u"})])
        try:
            driver.join()
        except KeyboardInterrupt as error:
            print(driver.status.name, backend.ended, len(backend.calls), driver.exception is error)
        """
    )
    assert one.line() == "waiting"
    one.interrupt()
    assert one.line() == "DRIVER_ABORTED abort 0 True"
    assert one.end()[0] == 0
