"""Two hundred drivers, one after the other: no thread, descriptor or byte stays behind."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING

import pytest
from scripted import ScriptedMaster

if TYPE_CHECKING:
    from collections.abc import Callable

    from conftest import Child

CODE = """
import asyncio, ctypes, gc, logging, os, sys, warnings
import mesos, mesos.driver

logging.disable()
warnings.simplefilter("ignore", ResourceWarning)  # some are collected while they run

class Heap(ctypes.Structure):  # glibc's struct mallinfo2
    _fields_ = [(name, ctypes.c_size_t) for name in
        "arena ordblks smblks hblks hblkhd usmblks fsmblks uordblks fordblks keep".split()]
mallinfo = getattr(ctypes.CDLL(None), "mallinfo2", None)
if mallinfo is not None:
    mallinfo.restype = Heap

class S(mesos.Scheduler):
    def registered(self, driver, *_):
        driver.kill_task("t")
        driver.stop(failover=True)
class A(mesos.Scheduler):
    async def registered(self, driver, *_):
        await asyncio.sleep(0)
        driver.kill_task("t")
        driver.stop(failover=True)
framework = {{"name": "x", "failover_timeout": 60}}
def make(kind=S, **settings):
    return mesos.SchedulerDriver(kind(), framework, {master!r}, **settings)

async def on_loop():
    driver = make(A)
    driver.start()
    await driver.wait()

def cycle():
    {cycle}

def figures():
    gc.collect()
    heap = mallinfo() if mallinfo is not None else Heap()
    return {{
        "threads": len(os.listdir("/proc/self/task")),
        "descriptors": len(os.listdir("/proc/self/fd")),
        "drivers": len(mesos._exit.running),
        "objects": len(gc.get_objects()),
        "blocks of Python's": sys.getallocatedblocks(),
        "bytes of the heap": heap.uordblks + heap.hblkhd,
    }}

def measure():
    before = figures()
    for _ in range(200):
        cycle()
    after = figures()
    return {{name: after[name] - before[name] for name in before}}

measures = [measure() for _ in range(6)][2:]  # at first all is made that is made once, and caches fill
print({{name: min(one[name] for one in measures) for name in measures[0]}})
"""

CYCLES = {
    "run": "make().run()",
    "run, async": "make(A).run()",
    "thread": "driver = make(); driver.start(); driver.join()",
    "thread, async": "driver = make(A, dispatcher='thread'); driver.start(); driver.join()",
    "with": "with make(): pass",
    "asyncio": "asyncio.run(on_loop())",
    "interrupt": "driver = make(dispatcher='interrupt'); driver.start(); driver.join()",
    "collected": "driver = make(); driver.start(); end = driver.dispatcher; del driver; end.join(20)",
}
#: What there may be more after 200 of them: caches of CPython's go on filling for a while, and by doubling.
#: It is less than one block, or one byte, for each driver.
SPARE = {"blocks of Python's": 100, "bytes of the heap": 100}
#: Without what glibc keeps of memory that was freed: it counts as used, and there is more of it with each
#: thread that happens to get an arena of its own. A bare `threading.Thread` leaves as much behind.
NO_CACHES = "glibc.malloc.tcache_count=0:glibc.malloc.mxfast=0:glibc.malloc.arena_max=1"


@pytest.mark.timeout(150)
@pytest.mark.parametrize("cycle", CYCLES)
def test_cycles_leave_nothing_behind(child: Callable[..., Child], cycle: str) -> None:
    with ScriptedMaster() as master:
        code = CODE.format(master=master.address, cycle=CYCLES[cycle])
        # 1,200 drivers take long on a busy machine
        status, out, err = child(code, GLIBC_TUNABLES=NO_CACHES).end(120)
    assert (status, err) == (0, "")
    left = ast.literal_eval(out)
    assert {name: count for name, count in left.items() if count > SPARE.get(name, 0)} == {}
