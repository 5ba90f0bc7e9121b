"""Every recipe of docs/event-loops.md, as it is printed there, with its loop in a process of its own."""

from __future__ import annotations

import pathlib
import re
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable

    from conftest import Child

TEXT = (pathlib.Path(__file__).parents[1] / "docs" / "event-loops.md").read_text()
RECIPES = dict(re.findall(r"^## (.*?)\n.*?```python\n(.*?)```", TEXT, re.DOTALL | re.MULTILINE))

#: The dispatcher that a recipe is for, and how its loop sleeps if handlers may be async.
LOOPS = {
    "asyncio and uvloop": ('"auto"', "import asyncio; sleep = asyncio.sleep"),
    "Trio": ("mesos.dispatch.Dispatcher()", "import trio; sleep = trio.sleep"),
    "Tornado": ("TornadoDispatcher()", ""),
    "Twisted": ("TwistedDispatcher()", ""),
    "gevent": ("GeventDispatcher()", ""),
}

SCHEDULER = """
import logging, threading, time
import mesos, mesos.dispatch
from mesos.testing import ScriptedBackend

logging.disable()
main_thread = threading.get_ident()

class Plain(mesos.Scheduler):
    seen = 0
    def framework_message(self, driver, executor_id, agent_id, data):
        assert threading.get_ident() == main_thread
        self.seen += 1
    def agent_lost(self, driver, agent_id):
        driver.stop(True)
    def executor_lost(self, driver, *_):
        raise LookupError("in a handler")

class Async(Plain):
    async def framework_message(self, driver, executor_id, agent_id, data):
        await sleep(0)
        super().framework_message(driver, executor_id, agent_id, data)

def main(kind, last, dispatcher):
    backend, scheduler = ScriptedBackend(), kind()
    driver = mesos.SchedulerDriver(scheduler, "x", backend=backend, dispatcher=dispatcher)
    def play():
        while driver.status == mesos.DRIVER_NOT_STARTED:
            time.sleep(0)
        backend.play([("framework_message", "e", "a", b"x")] * 500)
        backend.join()
        backend.play([("framework_message", "e", "a", b"x")] * 500 + [last])
    script = threading.Thread(target=play)
    script.start()
    try:
        run(driver)
    except LookupError as error:
        print(error)
    script.join()
    print(scheduler.seen, driver.status.name, backend.ended, driver.dispatcher.ended)
"""

ENDS = {
    "stop": ('("agent_lost", "a")', "1000 DRIVER_STOPPED failover True\n"),
    "error": ('("executor_lost", "e", "a", 1)', "in a handler\n1000 DRIVER_ABORTED abort True\n"),
}
CASES = [(loop, kind) for loop in LOOPS for kind in ("Plain", "Async") if kind == "Plain" or LOOPS[loop][1]]


def test_all_recipes_are_tested() -> None:
    assert set(RECIPES) == set(LOOPS)


@pytest.mark.parametrize("end", ENDS)
@pytest.mark.parametrize(("loop", "kind"), CASES)
def test_recipe(child: Callable[..., Child], loop: str, kind: str, end: str) -> None:
    (dispatcher, sleep), (last, said) = LOOPS[loop], ENDS[end]
    recipe = RECIPES[loop].replace("main(", "recipe_main(")
    one = child("\n".join([SCHEDULER, sleep, recipe, f"main({kind}, {last}, {dispatcher})"]))
    assert one.end() == (0, said, "")
