"""The load of load.py over libmesos, in three ways.

Ours, that of its C++ driver with nothing around it (bare/load.cc), and that of Mesos' own bindings, where
there is a Python 2.7 (load_python2.py). As a module it is the first:
`python -m tests.real.load_libmesos MASTER TASKS EXECUTOR`.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import mesos

from . import load
from .setup import RealMesos, run

#: Those of Mesos 1.11.0, and the last protobuf for Python 2.7.
BINDINGS = ("mesos.interface==1.11.0", "protobuf==3.17.3")
PROGRAM = str(Path(__file__).with_name("load_python2.py"))


def environment(installed: RealMesos) -> dict[str, str]:
    """Return what a process needs to load the library."""
    return {
        "LD_LIBRARY_PATH": str(installed.stubs),
        "MESOS_NATIVE_LIBRARY": str(installed.library),
        "LIBPROCESS_IP": "127.0.0.1",
        "MESOS_QUIET": "1",
    }


def ours(installed: RealMesos, master: str, tasks: int, command: str) -> load.Report:
    """Run our driver over libmesos in a process of its own."""
    return load.run("load_libmesos", master, tasks, command, environment(installed))


def bare(installed: RealMesos, master: str, tasks: int, command: str, directory: Path) -> float:
    """Run the C++ driver, compiled in `directory`; return its processor seconds for each update."""
    program = directory / "load"
    source = Path(__file__).parent / "bare" / "load.cc"
    run("g++", "-std=c++17", "-O2", "-o", program, source, "-ldl")
    python = installed.library.with_name("libpython-stub.so")  # the library has references to Python 2.7
    settings = {**environment(installed), "LD_PRELOAD": str(python)}
    return cost([program, installed.library, master, str(tasks), fields(command)], settings)


def python2() -> str | None:
    """Find a Python 2.7 that runs: $PYTHON2, one on the path, or pyenv's."""
    found = [shutil.which(name) for name in (os.environ.get("PYTHON2"), "python2.7") if name]
    found += map(str, Path.home().glob(".pyenv/versions/2.7.*/bin/python2.7"))
    works = (name for name in found if name and not subprocess.run([name, "-c", ""], check=False).returncode)
    return next(works, None)


def bindings(installed: RealMesos, master: str, tasks: int, command: str, python: str) -> float:
    """Run Mesos' own bindings, made beside the library; return their processor seconds for each update."""
    site = installed.root.with_name("python2")
    if not (site / "_scheduler.so").exists():
        run(python, "-m", "pip", "install", "--quiet", "--target", site, *BINDINGS)
        (site / "_scheduler.so").symlink_to(installed.library)
    # pip leaves namespace packages, which only a site directory brings together
    code = (
        f"import site, runpy; site.addsitedir({str(site)!r}); runpy.run_path({PROGRAM!r}, None, '__main__')"
    )
    return cost([python, "-c", code, master, str(tasks), fields(command)], environment(installed))


def fields(command: str) -> str:
    """Return what all tasks have in common, as hexadecimal bytes of a TaskInfo."""
    shared = load.info("x", None, load.executor_info(command, ""))
    shared["executor"].pop("framework_id")  # the master fills it in
    made = mesos.TaskInfo(resources=shared["resources"], executor=shared["executor"])
    return made.SerializePartialToString().hex()


def cost(line: list[str | Path], settings: dict[str, str]) -> float:
    """Run one of these programs; return the processor seconds for each update."""
    environment = {**os.environ, **settings}
    done = subprocess.run(line, env=environment, stdout=subprocess.PIPE, text=True, check=True)
    return float(json.loads(done.stdout)["cost"])


if __name__ == "__main__":
    load.main(*sys.argv[1:], backend="libmesos")
