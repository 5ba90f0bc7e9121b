"""An executor's standard output: what happens to it never keeps the driver from starting or ending."""

from __future__ import annotations

import io
import sys
import threading
from typing import TYPE_CHECKING

import mesos
import pytest
from recorder import PATIENCE, ExecutorRecorder

if TYPE_CHECKING:
    from collections.abc import Callable

    Make = Callable[..., mesos.ExecutorDriver]


class Pipe(io.RawIOBase):
    """Does `on_write` first, in the middle of a `print`: as a signal's handler would, or a slow reader."""

    def __init__(self, on_write: Callable[[], None]) -> None:
        self.on_write = on_write
        self.written = b""

    def writable(self) -> bool:
        return True

    def write(self, data: bytes) -> int:  # type: ignore[override]
        self.on_write()
        self.written += bytes(data)
        return len(data)


def printing_to(pipe: Pipe, monkeypatch: pytest.MonkeyPatch) -> io.TextIOWrapper:
    stdout = io.TextIOWrapper(io.BufferedWriter(pipe))
    monkeypatch.setattr(sys, "stdout", stdout)
    return stdout


@pytest.mark.parametrize("end", ["stop", "abort"])
@pytest.mark.parametrize("where", ["here", "elsewhere"])
@pytest.mark.parametrize("dispatcher", ["thread", "poll"])
def test_a_driver_ends_in_the_middle_of_a_print(
    make_executor: Make, monkeypatch: pytest.MonkeyPatch, dispatcher: str, where: str, end: str
) -> None:
    def on_write() -> None:
        if where == "here":
            getattr(driver, end)()
        else:
            other = threading.Thread(target=getattr(driver, end), daemon=True)
            other.start()
            other.join(PATIENCE)
            assert not other.is_alive(), "it waits for the print"
        driver.join(PATIENCE)
        assert driver.dispatcher is not None
        assert driver.dispatcher.ended
        assert not stdout.line_buffering

    pipe = Pipe(on_write)
    stdout = printing_to(pipe, monkeypatch)
    driver = make_executor(ExecutorRecorder(), dispatcher=dispatcher)
    driver.start()
    print("a line")
    pipe.on_write = lambda: None
    print("buffered again")
    assert pipe.written == b"a line\n"
    stdout.flush()
    assert pipe.written == b"a line\nbuffered again\n"


def full() -> None:
    raise OSError("no space left on device")


@pytest.mark.parametrize("when", ["from the start", "while it runs"])
@pytest.mark.parametrize("state", ["closed", "detached", "full"])
def test_a_standard_output_that_is_of_no_use(
    make_executor: Make, monkeypatch: pytest.MonkeyPatch, state: str, when: str
) -> None:
    pipe = Pipe(lambda: None)
    stdout = printing_to(pipe, monkeypatch)
    driver = make_executor(ExecutorRecorder(), dispatcher="poll")
    if when == "while it runs":
        driver.start()
    print("half a line", end="")
    rest = None  # what is detached and collected is closed
    if state == "closed":
        stdout.close()
    elif state == "detached":
        rest = stdout.detach()
    else:
        pipe.on_write = full
    assert driver.start() == mesos.DRIVER_RUNNING
    assert driver.stop() == mesos.DRIVER_STOPPED
    assert driver.join(PATIENCE) == mesos.DRIVER_STOPPED
    pipe.on_write = lambda: None
    del rest
