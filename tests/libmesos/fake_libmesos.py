"""A stand-in for libmesos (cpp/fake), compiled by tests: it says what a script says and notes its calls."""

from __future__ import annotations

import os
import shlex
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any
from uuid import UUID

import mesos
from recorder import PATIENCE

Make = Callable[..., mesos.SchedulerDriver]
MASTER = "127.0.0.1:5050"
AGENT, EXECUTOR, OFFER = mesos.AgentID(value="a"), mesos.ExecutorID(value="e"), mesos.OfferID(value="o")
UPDATE = mesos.TaskStatus(
    task_id="t", state="TASK_RUNNING", agent_id="a", uuid=UUID(int=4 << 76 | 2 << 62).bytes
)
#: Agents with an attribute, for offers of one role.
_HAS_RACK = {"selector": {"attribute_name": "rack"}, "predicate": {"exists": {}}}
CONSTRAINTS = {"role_constraints": {"r": {"groups": [{"attribute_constraints": [_HAS_RACK]}]}}}
SOURCES = Path(__file__).resolve().parents[2] / "cpp" / "fake"
#: what else to compile it with: a sanitizer's flags
FLAGS = shlex.split(os.environ.get("MESOS_FAKE_CXXFLAGS", ""))


def build(directory: Path, release: int = 111, executors: bool = True) -> Path:
    """Compile the stand-in as a release (108, 109, 111), with an executor's driver or none."""
    library = directory / f"libmesos-{release}{'' if executors else '-schedulers'}.so"
    command = ["g++", "-std=c++17", "-O1", "-g", "-Wall", "-Wextra", "-Werror", "-shared", "-fPIC"]
    command += [*FLAGS, f"-DFAKE_RELEASE={release}", "-o", str(library)]
    sources = sorted(SOURCES.glob("*.cc"))
    command += [str(source) for source in sources if executors or source.stem != "executor"]
    subprocess.run(command, check=True)
    return library


def text(argument: Any) -> str:
    """Write an argument of a callback as a script has it."""
    if isinstance(argument, int):
        return str(argument)
    wire = argument if isinstance(argument, bytes) else argument.SerializeToString()
    return wire.hex() or "-"


class Script:
    """What one driver is to hear, and what it said."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.path.touch()

    def say(self, callback: str, *arguments: Any, times: int = 1) -> None:
        """Add a callback of mesos::Scheduler, in its own name."""
        self._add(f"{times} {callback} {' '.join(map(text, arguments))}")

    def wait_for(self, call: str, count: int = 1) -> None:
        """Say nothing more until the driver has made a call so many times."""
        self._add(f"1 await {call} {count}")

    def _add(self, line: str) -> None:
        with self.path.open("a") as file:
            file.write(line + "\n")

    @property
    def framework(self) -> dict[str, Any]:
        """What a driver that hears this script is made with."""
        return {
            "name": str(self.path),
            "failover_timeout": 60.0,
            "roles": ["r", "s"],
            "capabilities": [{"type": "MULTI_ROLE"}],
        }

    @property
    def calls(self) -> list[tuple[str, ...]]:
        """The calls of mesos::SchedulerDriver, oldest first: name and arguments, as hexadecimal bytes.

        Complete once the driver has ended.
        """
        lines = self.path.with_name(self.path.name + ".calls").read_text().splitlines()
        return [tuple(line.split(" ")) for line in lines]

    @property
    def names(self) -> list[str]:
        """The names of the calls."""
        return [call[0] for call in self.calls]


def executor_environment(script: Script, port: int = 1) -> dict[str, str]:
    """Say what an agent on loopback says to an executor that hears this script; nothing listens on port 1."""
    return {
        "MESOS_FRAMEWORK_ID": "framework-1",
        "MESOS_EXECUTOR_ID": "executor-1",
        "MESOS_SLAVE_ID": "agent-1",
        "MESOS_SLAVE_PID": f"slave(1)@127.0.0.1:{port}",
        "MESOS_DIRECTORY": str(script.path.parent),
        "LIBPROCESS_IP": "127.0.0.1",  # the name of this host may have no address
    }


def master_at(port: int) -> mesos.MasterInfo:
    """Describe a master on loopback; nothing listens on port 1."""
    address = {"ip": "127.0.0.1", "port": port}
    return mesos.MasterInfo(id="m", ip=1, port=port, version="1.11.0", address=address)


def registered(script: Script, port: int = 1) -> mesos.FrameworkID:
    """Let the script begin as every master does."""
    identity = mesos.FrameworkID(value="framework-1")
    script.say("registered", identity, master_at(port))
    return identity


class Notes(mesos.Scheduler):
    """Notes every call as (name, *arguments), and reacts to some of them."""

    def __init__(self) -> None:
        self.heard: list[tuple[Any, ...]] = []
        self.react: dict[str, Callable[[mesos.SchedulerDriver], object]] = {}

    def __getattribute__(self, name: str) -> Any:
        if name not in dir(mesos.Scheduler) or name.startswith("_"):
            return super().__getattribute__(name)

        def handle(driver: mesos.SchedulerDriver, *arguments: Any) -> None:
            self.heard.append((name, *arguments))
            self.react.get(name, lambda driver: None)(driver)

        return handle


def hear(driver: mesos.SchedulerDriver, notes: Notes, count: int) -> list[tuple[Any, ...]]:
    """Dispatch until so many handlers were called."""
    while len(notes.heard) < count:
        assert driver.run_once(PATIENCE), f"only {notes.heard}"
    return notes.heard


def end(driver: mesos.SchedulerDriver) -> None:
    driver.stop()
    driver.join(PATIENCE)
