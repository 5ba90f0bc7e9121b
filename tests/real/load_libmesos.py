"""The load of load.py over libmesos: ours, and that of its C++ driver with nothing around it (bare/load.cc).

As a module it is the former: `python -m tests.real.load_libmesos MASTER TASKS EXECUTOR`.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import mesos

from . import load
from .setup import RealMesos, run


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
    shared = load.info("x", None, load.executor_info(command, ""))
    shared["executor"].pop("framework_id")  # the master fills it in
    fields = mesos.TaskInfo(resources=shared["resources"], executor=shared["executor"])
    line = [program, installed.library, master, str(tasks), fields.SerializePartialToString().hex()]
    python = installed.library.with_name("libpython-stub.so")  # the library has references to Python 2.7
    settings = {**os.environ, **environment(installed), "LD_PRELOAD": str(python)}
    done = subprocess.run(line, env=settings, stdout=subprocess.PIPE, text=True, check=True)
    return float(json.loads(done.stdout)["cost"])


if __name__ == "__main__":
    load.main(*sys.argv[1:], backend="libmesos")
