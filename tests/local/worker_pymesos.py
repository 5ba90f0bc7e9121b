"""The executor of worker.py over pymesos: `python worker_pymesos.py`.

pymesos is unmodified; `tests/real/stand_ins` has to be on the path for what it imports.
"""

from __future__ import annotations

import logging
from typing import Any

from pymesos import Executor, MesosExecutorDriver, decode_data


class Worker(Executor):
    """Does as worker.py says."""

    def launchTask(self, driver: Any, task: Any) -> None:  # noqa: N802 - pymesos' names
        self.report(driver, task["task_id"], "TASK_RUNNING")
        if decode_data(task.get("data", "")) != b"wait":
            self.report(driver, task["task_id"], "TASK_FINISHED")

    def killTask(self, driver: Any, taskId: Any) -> None:  # noqa: N802, N803 - pymesos' names
        self.report(driver, taskId, "TASK_KILLED")

    def frameworkMessage(self, driver: Any, message: Any) -> None:  # noqa: N802 - pymesos' names
        driver.sendFrameworkMessage(message)

    def report(self, driver: Any, task_id: Any, state: str) -> None:
        driver.sendStatusUpdate({"task_id": task_id, "state": state})


if __name__ == "__main__":
    logging.basicConfig()
    MesosExecutorDriver(Worker()).run()
