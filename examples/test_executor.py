"""The executor of examples/test_framework.py: a Mesos agent starts it, not a person.

Each task runs on a thread of its own and ends with binary data in its last status. Messages of the scheduler
are sent back as they came.
"""

from __future__ import annotations

import sys
import threading

import mesos

DATA = b"data with a \0 byte"


class TestExecutor(mesos.Executor):
    """Runs what it is given, and echoes."""

    def launch_task(self, driver: mesos.ExecutorDriver, task: mesos.TaskInfo) -> None:
        # a handler that takes long would keep the others waiting: kills, messages, further launches
        threading.Thread(target=self.work, args=[driver, task], name=task.task_id.value).start()

    def work(self, driver: mesos.ExecutorDriver, task: mesos.TaskInfo) -> None:
        print(f"running {task.task_id.value}")
        driver.send_status_update({"task_id": task.task_id, "state": "TASK_RUNNING"})
        # this is where one would do something
        driver.send_status_update({"task_id": task.task_id, "state": "TASK_FINISHED", "data": DATA})

    def framework_message(self, driver: mesos.ExecutorDriver, data: bytes) -> None:
        driver.send_framework_message(data)


if __name__ == "__main__":
    sys.exit(0 if mesos.ExecutorDriver(TestExecutor()).run() == mesos.DRIVER_STOPPED else 1)
