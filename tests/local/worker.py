"""An executor for test_local_pymesos.py: `python worker.py`; worker_pymesos.py is the same over pymesos.

A task is RUNNING, then FINISHED; one with the data "wait" runs until it is killed. Messages come back.
"""

from __future__ import annotations

import mesos


class Worker(mesos.Executor):
    """Does as the head says."""

    def launch_task(self, driver: mesos.ExecutorDriver, task: mesos.TaskInfo) -> None:
        driver.send_status_update({"task_id": task.task_id, "state": "TASK_RUNNING"})
        if task.data != b"wait":
            driver.send_status_update({"task_id": task.task_id, "state": "TASK_FINISHED"})

    def kill_task(self, driver: mesos.ExecutorDriver, task_id: mesos.TaskID) -> None:
        driver.send_status_update({"task_id": task_id, "state": "TASK_KILLED"})

    def framework_message(self, driver: mesos.ExecutorDriver, data: bytes) -> None:
        driver.send_framework_message(data)


if __name__ == "__main__":
    mesos.ExecutorDriver(Worker()).run()
