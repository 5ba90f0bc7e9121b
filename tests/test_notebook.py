"""Drivers in a notebook, with a real kernel: the example as it is, and what users do to kernels."""

from __future__ import annotations

import pathlib
import re
from typing import TYPE_CHECKING, Any

import nbclient
import nbformat
import pytest
from jupyter_client.manager import KernelManager
from mesos.v1 import scheduler as v1
from recorder import OFFER, PATIENCE
from scripted import ScriptedMaster

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

EXAMPLE = pathlib.Path(__file__).parents[1] / "examples" / "notebook.ipynb"
OFFERS = v1.Event(type="OFFERS", offers={"offers": [OFFER]}).SerializePartialToString()


def test_the_example_runs_from_its_first_cell_to_its_last() -> None:
    notebook = nbformat.read(EXAMPLE, as_version=4)
    cells = [cell for cell in notebook.cells if cell.cell_type == "code"]
    assert all(not cell.outputs and cell.execution_count is None for cell in cells), "kept without outputs"
    nbclient.NotebookClient(notebook, timeout=PATIENCE, kernel_name="python3").execute()
    outputs = [output for cell in cells for output in cell.outputs]
    texts = [output.get("text") or output["data"]["text/plain"] for output in outputs]
    assert all(output.get("name") != "stderr" for output in outputs), texts
    assert "1\n2\n3\nHello, notebook!\n\n" in texts, "the task's own output"
    assert "TASK_STARTING\nTASK_RUNNING\nTASK_FINISHED\n" in texts
    assert texts.count("<Status.DRIVER_STOPPED: 4>") == 2
    tables = [output["data"]["text/html"] for output in outputs if "text/html" in output.get("data", {})]
    assert [len(re.findall(r"<table", table)) for table in tables] == [1] * 3, "offers, a task, its updates"


class Kernel:
    """A Jupyter kernel, and its user."""

    def __init__(self) -> None:
        self.manager = KernelManager(kernel_name="python3", transport="ipc")
        self.manager.start_kernel()
        self.client = self.manager.blocking_client()
        self.client.start_channels()
        self.client.wait_for_ready(PATIENCE)

    def run(self, code: str, heard: Callable[[str], object] = lambda _: None) -> tuple[str, str]:
        """Run a cell; return what it showed, stderr too, and the name of what it raised."""
        shown: list[str] = []

        def hear(message: dict[str, Any]) -> None:
            content = message["content"]
            if message["msg_type"] == "stream":
                shown.append(content["text"])
                heard(content["text"])
            elif message["msg_type"] == "execute_result":
                shown.append(content["data"]["text/plain"])

        reply = self.client.execute_interactive(code, output_hook=hear, timeout=PATIENCE, stop_on_error=False)
        return "".join(shown), reply["content"].get("ename", "")

    def interrupt_when(self, word: str) -> Callable[[str], object]:
        """Press ■ as soon as a cell says so."""
        return lambda text: self.manager.interrupt_kernel() if word in text else None

    def close(self) -> None:
        self.client.stop_channels()
        self.manager.shutdown_kernel(now=True)
        self.manager.cleanup_resources()


@pytest.fixture(scope="module")
def kernel() -> Iterator[Kernel]:
    one = Kernel()
    yield one
    one.close()


@pytest.fixture
def master() -> Iterator[ScriptedMaster]:
    with ScriptedMaster() as one:
        yield one


def start(master: ScriptedMaster, dispatcher: str = "auto", *, handlers: str = "") -> str:
    """Make the cell that starts a driver."""
    return f"""
import asyncio, mesos, mesos.driver, weakref
class Notes(mesos.Scheduler):
    seen = 0
    def resource_offers(self, driver, offers):
        self.seen += 1
        driver.decline_offer(offers)
    {handlers}
notes = Notes()
framework = {{"name": "notebook", "failover_timeout": 60}}
driver = mesos.SchedulerDriver(notes, framework, "{master.address}", dispatcher="{dispatcher}")
driver.start()
"""


STOP = "driver.stop(failover=True); await driver.wait()"


def offered(master: ScriptedMaster) -> None:
    """Offer something, and see it declined by a handler."""
    master.push(OFFERS)
    declined = v1.Call.FromString(master.calls.get(timeout=PATIENCE).body)
    assert declined.type == v1.Call.DECLINE


def test_callbacks_run_between_cells(kernel: Kernel, master: ScriptedMaster) -> None:
    assert kernel.run(start(master)) == ("<Status.DRIVER_RUNNING: 2>", "")
    for _ in range(3):
        offered(master)  # no cell runs: the handler's answer came from the idle kernel
    assert kernel.run("notes.seen") == ("3", "")
    assert kernel.run(STOP) == ("<Status.DRIVER_STOPPED: 4>", "")


def test_a_cell_run_again_replaces_its_driver(kernel: Kernel, master: ScriptedMaster) -> None:
    kernel.run(start(master))
    offered(master)
    kernel.run("old, old_notes = weakref.ref(driver), notes")
    assert kernel.run(start(master)) == ("<Status.DRIVER_RUNNING: 2>", ""), "and no warning"
    assert kernel.run("old(), len(mesos._exit.running)") == ("(None, 1)", "")
    while master.subscribes.qsize() < 2:
        kernel.run("await asyncio.sleep(0.01)")
    kernel.run("while not driver.connected: await asyncio.sleep(0.001)")
    offered(master)
    assert kernel.run("notes.seen, old_notes.seen") == ("(1, 1)", "")
    assert master.calls.empty(), "the old one said no TEARDOWN"
    kernel.run(STOP)


WAITS = {
    "await wait()": ("driver.start(); print('waiting'); await driver.wait()", "CancelledError", "RUNNING"),
    "join()": ("driver.start(); print('waiting'); driver.join()", "KeyboardInterrupt", "RUNNING"),
    "run()": ("print('waiting'); driver.run()", "KeyboardInterrupt", "ABORTED"),
}


@pytest.mark.parametrize("wait", WAITS)
def test_interrupting_the_kernel_breaks_a_wait_and_leaves_all_usable(
    kernel: Kernel, master: ScriptedMaster, wait: str
) -> None:
    code, raised, status = WAITS[wait]
    dispatcher = {"await wait()": "asyncio", "join()": "thread", "run()": "poll"}[wait]
    cell = start(master, dispatcher).replace("driver.start()", code)
    assert kernel.run(cell, kernel.interrupt_when("waiting")) == ("waiting\n", raised)
    assert kernel.run("print(driver.status)") == (f"DRIVER_{status}\n", "")
    if status == "RUNNING":
        offered(master)  # the driver goes on
    kernel.run("old = weakref.ref(driver)")
    assert kernel.run(start(master)) == ("<Status.DRIVER_RUNNING: 2>", ""), "a cell run after that"
    if status == "RUNNING":
        assert kernel.run("old()") == ("", ""), "replaces the driver, although the kernel keeps the traceback"
    kernel.run("while not driver.connected: await asyncio.sleep(0.001)")
    offered(master)
    assert master.calls.empty(), "no TEARDOWN"
    assert kernel.run(STOP) == ("<Status.DRIVER_STOPPED: 4>", "")


def test_run_works_in_a_cell(kernel: Kernel, master: ScriptedMaster) -> None:
    cell = start(master, handlers="def registered(self, driver, *_): driver.stop(failover=True)")
    shown, raised = kernel.run(cell.replace("driver.start()", "driver.run()"))
    assert (shown.count("blocks the event loop"), shown.count("\n"), raised) == (1, 1, ""), "one warning"
    assert shown.endswith("<Status.DRIVER_STOPPED: 4>")


def test_join_in_a_cell_says_what_to_use(kernel: Kernel, master: ScriptedMaster) -> None:
    kernel.run(start(master))
    assert kernel.run("driver.join()") == ("", "RuntimeError")
    assert kernel.run(STOP) == ("<Status.DRIVER_STOPPED: 4>", "")
