"""Ends interpreters in every state of a driver, at random moments: `make exits`, 1,000 of them.

Each is a program of its own: one of `DRIVERS` at one of `MASTERS`, which then ends in one of `ENDS`, after a
pause that its number decides: with the right status, in time, and without a word on standard error.

    python tests/exits.py 1000
"""

from __future__ import annotations

import concurrent.futures
import itertools
import os
import subprocess
import sys
import time

#: In seconds: a stop may wait 5 for its answer, and the machine may be busy.
PATIENCE = 60

HEAD = """
import asyncio, logging, random, sys, threading, time
import mesos
from mesos.testing import ScriptedBackend
logging.disable()
class S(mesos.Scheduler):
    def registered(self, driver, *_):
        driver.kill_task("t")
    def framework_message(self, driver, executor_id, agent_id, data):
        driver.reconcile_tasks([])
class A(mesos.Scheduler):
    async def registered(self, driver, *_):
        driver.kill_task("t")
    async def framework_message(self, *_):
        await asyncio.sleep(0)
script = []
def flood(backend):
    for round in range(10):
        try:
            backend.play([("registered", "f")] + [("framework_message", "e", "a", b"x")] * 100, repeat=10)
        except RuntimeError:  # not started yet
            time.sleep(0.001)
"""
MASTERS = {
    "scripted": """
backend = ScriptedBackend()
where = {"backend": backend}
script.append(threading.Thread(target=flood, args=[backend]))
""",
    "silent at the end": """
backend = ScriptedBackend(hold_end=True)
where = {"backend": backend}
script.append(threading.Thread(target=flood, args=[backend]))
import mesos.driver; mesos._exit.TIMEOUT = 0.1
""",
    "embedded": "where = {'master': 'local'}",
    "nobody": "where = {'master': '127.0.0.1:1'}",
}
DRIVERS = {
    "not started": "driver = make(S)",
    "thread": "driver = make(S, dispatcher='thread'); driver.start()",
    "async thread": "driver = make(A, dispatcher='thread'); driver.start()",
    "poll": "driver = make(S, dispatcher='poll'); driver.run_once(0.01)",
    "run on a daemon": "driver = make(S); threading.Thread(target=driver.run, daemon=True).start()",
    "async run on a daemon": "driver = make(A); threading.Thread(target=driver.run, daemon=True).start()",
    "interrupt": "driver = make(S, dispatcher='interrupt'); driver.start()",
    "two, sharing all": """
driver, other = make(S, dispatcher='thread'), mesos.SchedulerDriver(A(), "y", "local", dispatcher='thread')
driver.start(); other.start()
""",
}
ENDS = {
    "off the end": ("", 0),
    "sys.exit": ("sys.exit(3)", 3),
    "exception": ("sys.excepthook = lambda *_: None; raise LookupError", 1),
    "stopped": ("driver.stop()", 0),
    "stopped as failover, waited for": ("driver.stop(failover=True); driver.join(1)", 0),
    "aborted": ("driver.abort()", 0),
    "collected": ("import warnings; warnings.simplefilter('ignore'); del driver", 0),
}
TAIL = """
def make(kind, **settings):
    return mesos.SchedulerDriver(kind(), "x", **where, **settings)
"""
#: Their names, what they do before a pause and after it, and the status that they have to end with.
CASES = [
    (f"{driver}, {master}, {end}", HEAD + MASTERS[master] + TAIL + DRIVERS[driver], *ENDS[end])
    for end, master, driver in itertools.product(ENDS, MASTERS, DRIVERS)
]


def case(number: int) -> tuple[str, str, str, int]:
    """Return one of `CASES`; neighbours differ in everything."""
    return CASES[number * 37 % len(CASES)]


def run(number: int) -> str | None:
    """Run a program; return what is wrong with its end."""
    name, begin, end, wanted = case(number)
    pause = f"\n[one.start() for one in script]\ntime.sleep(random.Random({number}).random() * 0.03)\n"
    command = [sys.executable, "-X", "faulthandler", "-c", begin + pause + end]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=PATIENCE, check=False)
    except subprocess.TimeoutExpired:
        return f"{number} ({name}): still there after {PATIENCE} s"
    if done.returncode != wanted or done.stdout or done.stderr:
        return f"{number} ({name}): ended with {done.returncode}\n{done.stdout}{done.stderr}"
    return None


def main(count: int) -> int:
    """Run so many and print what went wrong."""
    started = time.monotonic()
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        wrong = [found for found in pool.map(run, range(count)) if found]
    print(*wrong, sep="\n")
    print(f"{count} exits, {len(wrong)} of them wrong, {time.monotonic() - started:.0f} s")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main(int(sys.argv[1])))
