"""`mesos.trace` and `$MESOS_PY_TRACE`, in child processes; and what `logging` gets of the same."""

from __future__ import annotations

import asyncio
import logging
import pathlib
import re
from typing import TYPE_CHECKING, Any

import mesos
import pytest
from mesos.testing import ScriptedBackend
from recorder import PATIENCE, Recorder
from scripted import ScriptedMaster, redirect, status, subscribe

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from conftest import Child

LINE = re.compile(
    r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z (?P<pid>\d+) "
    r"(?P<level>ERROR|WARNING|INFO|DEBUG) mesos(\.\w+)+: .+"
)
SECRETS = ("pr1ncipal", "s3cret", "t0ken", "zkpass", "c0mmand", "env-v4lue", "b0dy")

SCHEDULER = """
import logging, os, sys
import mesos
logging.disable()
class S(mesos.Scheduler):
    def registered(self, driver, *_):
        environment = {"variables": [{"name": "A", "value": "env-v4lue"}]}
        task = {"task_id": "t", "name": "n", "agent_id": "a", "resources": mesos.Resources(cpus=1),
                "command": {"value": "c0mmand", "environment": environment}}
        driver.launch_tasks("offer-1", task)
        driver.send_framework_message("e", "a", b"b0dy")
        driver.stop(failover=True)
def run(master, **settings):
    framework = {"name": "x", "failover_timeout": 60}
    mesos.SchedulerDriver(S(), framework, master, **settings).run()
"""
RUN = SCHEDULER + "run(sys.argv[1] if sys.argv[1:] else os.environ['MASTER'])\n"


@pytest.fixture
def master() -> Iterator[ScriptedMaster]:
    with ScriptedMaster(status(503), subscribe()) as one:
        yield one


def lines(text: str) -> list[re.Match[str]]:
    found = [LINE.fullmatch(line) for line in text.splitlines()]
    assert all(found), text
    return [line for line in found if line]


LEVELS = {
    "QUIET": set(),
    "0": set(),
    "ERROR": set(),
    "warning": {"WARNING"},
    "3": {"WARNING", "INFO"},
    "DEBUG": {"WARNING", "INFO", "DEBUG"},
}


@pytest.mark.parametrize("level", LEVELS)
def test_the_variable_says_how_much(child: Callable[..., Child], master: ScriptedMaster, level: str) -> None:
    status, out, err = child(RUN, MESOS_PY_TRACE=level, MASTER=master.address).end()
    assert (status, out) == (0, "")
    assert {line["level"] for line in lines(err)} == LEVELS[level]


def test_each_call_event_and_handler_is_named_with_its_size(
    child: Callable[..., Child], master: ScriptedMaster
) -> None:
    _, _, err = child(RUN, MESOS_PY_TRACE="DEBUG", MASTER=master.address).end()
    said = [line[0].partition(": ")[2] for line in lines(err)]
    assert f"SUBSCRIBE was answered by {master.address} with 200 OK" in said
    for words in ("SUBSCRIBE to", "event SUBSCRIBED, ", "call ACCEPT, ", "call MESSAGE, "):
        assert any(re.fullmatch(rf"{words}.*\d+ bytes", one) for one in said), words
    assert {"registered is called", "registered has returned", "ACCEPT was answered with 202"} <= set(said)


@pytest.mark.parametrize("settings", ["credential=('pr1ncipal', 's3cret')", "token='t0ken'"])
def test_no_secret_and_no_body_is_in_it(child: Callable[..., Child], settings: str) -> None:
    code = f"""{SCHEDULER}
run(os.environ["MASTER"], {settings})
zookeeper = "zk://user:zkpass@127.0.0.1:1/mesos"
try:
    mesos.SchedulerDriver(S(), "x", zookeeper, connect_timeout=0.2, {settings}).run()
except mesos.MasterConnectionError as error:
    print(error)
"""
    with ScriptedMaster() as leader, ScriptedMaster(redirect(leader.address), status(401)) as other:
        ended, out, err = child(code, MESOS_PY_TRACE="DEBUG", MASTER=other.address).end()
        assert (
            "s3cret" in settings
            or "t0ken" in leader.subscribes.get(timeout=PATIENCE).headers["authorization"]
        )
    assert ended == 0
    assert lines(err)
    assert "127.0.0.1:1" in err
    assert not [secret for secret in SECRETS if secret in err + out]


def test_each_process_has_a_file_of_its_own(
    child: Callable[..., Child], master: ScriptedMaster, tmp_path: pathlib.Path
) -> None:
    folder = tmp_path / "made" / "for it"
    code = f"""{SCHEDULER}
import warnings; warnings.simplefilter("ignore")  # Python 3.12 warns of threads
run(os.environ["MASTER"])
print(os.getpid(), flush=True)
if os.fork() == 0:
    run(os.environ["MASTER"])
    print(os.getpid(), flush=True)
    os._exit(0)
os.wait()
"""
    ended, out, err = child(code, MESOS_PY_TRACE=f"INFO={folder}", MASTER=master.address).end()
    assert (ended, err) == (0, "")
    pids = out.split()
    assert sorted(path.name for path in folder.iterdir()) == sorted(f"mesos-{pid}.log" for pid in pids)
    for pid in pids:
        found = lines((folder / f"mesos-{pid}.log").read_text())
        assert {line["pid"] for line in found} == {pid}
        assert "INFO" in {line["level"] for line in found}


def test_a_program_that_is_stuck_still_speaks(child: Callable[..., Child]) -> None:
    one = child("""
import logging, mesos, threading
from mesos.testing import ScriptedBackend
class Stuck(mesos.Scheduler):
    def registered(self, *_):
        threading.Event().wait()
backend = ScriptedBackend()
mesos.trace("DEBUG")
driver = mesos.SchedulerDriver(Stuck(), "x", backend=backend, dispatcher="poll")
driver.start()
backend.play([("registered", "framework-1")])
driver.run()
""")
    assert one.process.stderr is not None
    assert one.process.stderr.readline().endswith(" DEBUG mesos.dispatch: registered is called\n")


def test_it_can_be_set_again_and_switched_off(
    child: Callable[..., Child], master: ScriptedMaster, tmp_path: pathlib.Path
) -> None:
    code = f"""{SCHEDULER}
import pathlib
master, folder = os.environ["MASTER"], pathlib.Path({str(tmp_path)!r})
def opened():
    links = [os.path.realpath(f"/proc/self/fd/{{number}}") for number in os.listdir("/proc/self/fd")]
    return [os.path.basename(os.path.dirname(link)) for link in links if link.startswith(str(folder))]
mesos.trace(3, folder / "one")
run(master)
assert opened() == ["one"]
mesos.trace("INFO", folder / "two")
mesos.trace("INFO", folder / "two")
run(master)
assert opened() == ["two"]
mesos.trace("quiet")
run(master)
assert opened() == []
"""
    assert child(code, MASTER=master.address).end() == (0, "", "")
    said = [len(lines(path.read_text())) for path in sorted(tmp_path.glob("*/*.log"))]
    assert said == [2, 1], "503 and the subscription, then the subscription"


@pytest.mark.parametrize("level", ["LOUD", "", 5, -1, True, None, 1.0, logging.DEBUG])
def test_a_wrong_level_names_the_right_ones(level: Any) -> None:
    with pytest.raises(mesos.ConfigurationError, match=r"QUIET, ERROR, WARNING, INFO, DEBUG or .* 0 to 4"):
        mesos.trace(level)


def test_a_wrong_directory(tmp_path: pathlib.Path) -> None:
    (tmp_path / "file").touch()
    for wrong in (tmp_path / "file", tmp_path / "file" / "in it"):
        with pytest.raises(mesos.ConfigurationError, match=f"dir: no file can be written in {wrong}: "):
            mesos.trace("INFO", wrong)
    with pytest.raises(mesos.ConfigurationError, match="dir: a directory is expected"):
        mesos.trace("INFO", "")


@pytest.mark.parametrize("value", ["LOUD", "9", "INFO=/dev/null/x"])
def test_a_wrong_variable_is_a_warning(child: Callable[..., Child], value: str) -> None:
    code = """
import warnings
with warnings.catch_warnings(record=True) as caught:
    warnings.simplefilter("always")
    import mesos
print([(one.category.__name__, str(one.message)) for one in caught])
mesos.TaskInfo()
"""
    ended, out, err = child(code, MESOS_PY_TRACE=value).end()
    assert (ended, err) == (0, "")
    assert out.startswith("[('RuntimeWarning', ")
    assert out.count("RuntimeWarning") == 1
    assert f"MESOS_PY_TRACE={value}: nothing is traced: " in out
    assert "LEVEL or LEVEL=DIR is expected" in out


def test_logging_gets_what_its_level_asks_for(
    master: ScriptedMaster, caplog: pytest.LogCaptureFixture
) -> None:
    def run() -> set[str]:
        caplog.clear()
        scheduler = Recorder(registered=lambda driver, *_: driver.stop(failover=True))
        framework = {"name": "x", "failover_timeout": 60}
        driver = mesos.SchedulerDriver(scheduler, framework, master.address)
        assert driver.run() == mesos.DRIVER_STOPPED
        return {record.getMessage() for record in caplog.records}

    said = f"subscribed at {master.address}"
    assert said not in run(), "Python's default is WARNING"
    with caplog.at_level(logging.INFO, "mesos"):
        assert run() == {said}
    with caplog.at_level(logging.DEBUG, "mesos"):
        assert run() == {said}, "one by one only below that"
    with caplog.at_level(5, "mesos.http"):
        assert "event SUBSCRIBED, 19 bytes" in run()
    with caplog.at_level(logging.INFO, "mesos"):
        assert run() == {said}, "and no more"


def test_what_is_recorded_during_a_turn_needs_no_other_event(
    backend: ScriptedBackend, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The turn has cleared the descriptor, which the record had made readable."""

    class Handler(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            if record.getMessage() == "registered has returned":
                heard.set()

    async def program() -> None:
        driver.start()
        backend.play([("registered", "f")])
        await asyncio.wait_for(heard.wait(), PATIENCE)
        driver.abort()
        await driver.wait(PATIENCE)

    heard = asyncio.Event()
    logger = logging.getLogger("mesos")
    monkeypatch.setattr(logger, "propagate", False)
    monkeypatch.setattr(logger, "handlers", [Handler()])
    before = logger.level
    logger.setLevel(1)
    driver = mesos.SchedulerDriver(Recorder(), "x", backend=backend, dispatcher="asyncio")
    try:
        asyncio.run(program())
    finally:
        logger.setLevel(before)
