"""An executor for tests: `python -m mesos.executor executors:Worker`, with this directory in PYTHONPATH.

What a task does is in its data: "finish"; "wait", for a kill, a shutdown or the message "finish TASK"; or the
path of a FIFO, in which the first byte ends it. Every other message comes back with the process id before it.

$MESOS_EXECUTOR_LIBRARY may name a libmesos with an executor's driver, as PyPI has none: then it runs over it.
"""

from __future__ import annotations

import os
import shlex
import sys
import threading
from pathlib import Path

import mesos

HERE = Path(__file__).resolve().parent
LIBRARY = os.environ.get("MESOS_EXECUTOR_LIBRARY")
OVER_HTTP = [sys.executable, "-m", "mesos.executor", "executors:Worker"]
OVER_LIBMESOS = ["env", "LIBPROCESS_IP=127.0.0.1", sys.executable, __file__]
COMMAND = shlex.join([*OVER_LIBMESOS, LIBRARY] if LIBRARY else OVER_HTTP)


def info(executor_id: str = "worker", **fields: object) -> mesos.ExecutorInfo:
    """Return the ExecutorInfo of such an executor."""
    variables = [{"name": "PYTHONPATH", "value": str(HERE)}]
    command = {"value": f"exec {COMMAND}", "environment": {"variables": variables}}
    return mesos.ExecutorInfo(executor_id=executor_id, command=command, **fields)  # type: ignore[arg-type]


class Worker(mesos.Executor):
    """Runs tasks as their data say."""

    def __init__(self) -> None:
        self.waiting: set[str] = set()

    def launch_task(self, driver: mesos.ExecutorDriver, task: mesos.TaskInfo) -> None:
        name, work = task.task_id.value, task.data.decode()
        driver.send_status_update({"task_id": name, "state": "TASK_RUNNING"})
        if work == "wait":
            self.waiting.add(name)
        elif work == "finish":
            finish(driver, name)
        else:
            threading.Thread(target=read, args=[driver, name, work]).start()

    def kill_task(self, driver: mesos.ExecutorDriver, task_id: mesos.TaskID) -> None:
        policy = driver.kill_policy(task_id)
        grace = "" if policy is None else str(policy.grace_period.nanoseconds)
        self.waiting.discard(task_id.value)
        driver.send_status_update({"task_id": task_id, "state": "TASK_KILLED", "message": grace})

    def framework_message(self, driver: mesos.ExecutorDriver, data: bytes) -> None:
        word, _, name = data.decode(errors="replace").partition(" ")
        if word == "finish":
            self.waiting.discard(name)
            finish(driver, name)
        else:
            driver.send_framework_message(b"%d %s" % (os.getpid(), data))

    def shutdown(self, driver: mesos.ExecutorDriver) -> None:
        print("shutdown", *sorted(self.waiting))
        for name in self.waiting:
            driver.send_status_update({"task_id": name, "state": "TASK_KILLED", "message": "shutdown"})
        driver.stop()


def finish(driver: mesos.ExecutorDriver, name: str) -> None:
    driver.send_status_update({"task_id": name, "state": "TASK_FINISHED", "data": b"\0" + name.encode()})


def read(driver: mesos.ExecutorDriver, name: str, path: str) -> None:
    """Finish a task when something is in its FIFO."""
    with open(path, "rb", buffering=0) as fifo:
        fifo.read(1)
    finish(driver, name)


if __name__ == "__main__":
    ended = mesos.ExecutorDriver(Worker(), backend="libmesos", library=sys.argv[1]).run()
    sys.exit(ended is not mesos.DRIVER_STOPPED)
