"""Many drivers in one process, on an embedded cluster in another: what each takes, and their threads."""

from __future__ import annotations

import resource
import subprocess
import sys
from collections.abc import Iterator

import mesos

DRIVERS = 1000
#: Each has a stream, a connection for calls, and a descriptor that its dispatcher watches; on both sides.
DESCRIPTORS = 4 * DRIVERS

CODE = """
import asyncio, gc, os, resource, sys
import mesos

class Counted(mesos.Scheduler):
    def registered(self, driver, framework_id, master_info):
        count.add(framework_id.value)
        if len(count) == until:
            reached.set()
    def resource_offers(self, driver, offers):
        driver.decline_offer(offers, {"refuse_seconds": 3600})

def resident():
    for line in open("/proc/self/smaps_rollup"):
        if line.startswith("Rss:"):
            return int(line.split()[1]) * 1024

async def more(number):
    global until
    until = len(count) + number
    reached.clear()
    for _ in range(number):
        drivers.append(mesos.SchedulerDriver(Counted(), "bench", sys.argv[1], dispatcher="asyncio"))
        drivers[-1].start()
    await reached.wait()
    gc.collect()
    return resident(), len(os.listdir("/proc/self/task"))

async def main():
    memory, threads = await more(20)
    grown, same = await more(number)
    print((grown - memory) / number, threads, same)
    for driver in drivers:
        driver.stop()
    for driver in drivers:
        await driver.wait()

number, descriptors = int(sys.argv[2]), int(sys.argv[3])
resource.setrlimit(resource.RLIMIT_NOFILE, (descriptors, resource.getrlimit(resource.RLIMIT_NOFILE)[1]))
count, drivers, until = set(), [], 0
reached = asyncio.Event()
asyncio.run(main())
"""


def rows() -> Iterator[tuple[str, str, str]]:
    """Memory of each of many registered drivers, and threads of a process with few and with many."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if hard != resource.RLIM_INFINITY and hard < DESCRIPTORS:
        yield f"memory of each of {DRIVERS} drivers", "–", f"needs {DESCRIPTORS} descriptors, not {hard}"
        return
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, DESCRIPTORS), hard))
    with mesos.LocalCluster() as cluster:
        command = [sys.executable, "-W", "ignore", "-c", CODE, cluster.master, str(DRIVERS), str(DESCRIPTORS)]
        done = subprocess.run(command, check=True, capture_output=True, text=True)
    resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    memory, few, many = map(float, done.stdout.split())
    yield f"memory of each of {DRIVERS} drivers", f"{memory / 1000:.1f} kB", "registered, on one asyncio loop"
    yield f"threads of a process with 20, with {DRIVERS} more", f"{few:.0f}, {many:.0f}", "do not grow"
