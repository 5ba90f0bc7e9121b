"""The scheduler of load.py over pymesos: `python -m tests.real.load_pymesos MASTER TASKS EXECUTOR`.

pymesos is unmodified; `stand_ins/` has to be on the path for what it imports.
"""

from __future__ import annotations

import logging
import sys
import threading
from typing import Any

from pymesos import MesosSchedulerDriver, Scheduler

from .load import AGAIN, FRAMEWORK, Work, executor_info, info


class Load(Scheduler):
    """Ends as that of load.py does, or when a callback fails, which pymesos would only log."""

    def __init__(self, tasks: int, command: str) -> None:
        self.work = Work(tasks)
        self.command = command
        self.ended = threading.Event()
        self.failure: BaseException | None = None

    def resourceOffers(self, driver: Any, offers: list[Any]) -> None:  # noqa: N802 - pymesos' names
        if self.work.over:
            self.ended.set()
            return
        executor = executor_info(self.command, driver.framework_id)
        for offer in offers:
            offered = {each["name"]: each.get("scalar", {}).get("value", 0) for each in offer["resources"]}
            tasks = [info(name, offer["agent_id"], executor) for name in self.work.batch(offered)]
            driver.launchTasks([offer["id"]], tasks, AGAIN)

    def statusUpdate(self, driver: Any, status: Any) -> None:  # noqa: N802 - pymesos' names
        try:
            self.work.note(status["task_id"]["value"], status["state"], status["uuid"])
        except ValueError as error:
            self.failure = error
            self.ended.set()
            raise


def main(master: str, tasks: str, command: str) -> None:
    """Run to the end and print the report."""
    logging.basicConfig()
    load = Load(int(tasks), command)
    driver = MesosSchedulerDriver(load, dict(FRAMEWORK), master)
    driver.start()
    load.ended.wait()
    if load.failure is not None:
        raise load.failure
    driver.stop(failover=True)
    driver.join()
    print(load.work.report(driver.framework_id))


if __name__ == "__main__":
    main(*sys.argv[1:])
