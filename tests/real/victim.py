"""A scheduler as a program that waits to be killed with an update in its hands.

`python -m tests.real.victim MASTER EXECUTOR UPDATES [FRAMEWORK_ID HELD]`: the first of a line launches a task
that reports so many updates. Each next one gets the update that was held, number HELD, again, and lets it go.
Each says on stdout which updates it was given (a `Given` a line), and holds the first one that is new.
"""

from __future__ import annotations

import json
import signal
import sys
from dataclasses import asdict, dataclass

import mesos

FRAMEWORK = {"name": "victim", "user": "nobody", "failover_timeout": 600.0}
RESOURCES = [
    {"name": "cpus", "type": "SCALAR", "scalar": {"value": 0.1}},
    {"name": "mem", "type": "SCALAR", "scalar": {"value": 32}},
]


@dataclass(frozen=True)
class Given:
    """An update that a scheduler was given."""

    framework_id: str
    number: int  # the executor counts its updates
    uuid: str
    held: bool  # its handler does not return, so that it is not acknowledged


class Victim(mesos.Scheduler):
    """Acknowledges updates up to number `held`."""

    def __init__(self, executor: str, updates: int, held: int) -> None:
        self.executor = executor
        self.updates = updates
        self.held = held
        self.launched = held > 0
        self.over = False

    def resource_offers(self, driver: mesos.SchedulerDriver, offers: list[mesos.Offer]) -> None:
        if self.launched:
            driver.decline_offer(offers, {"refuse_seconds": 3600.0})
            return
        self.launched = True
        executor = {
            "executor_id": "victim",
            "framework_id": driver.framework_id,
            "command": {"value": self.executor},
            "resources": RESOURCES,
        }
        states = ["TASK_RUNNING"] * (self.updates - 1) + ["TASK_FINISHED"]
        task = {
            "task_id": "task",
            "name": "task",
            "resources": RESOURCES,
            "executor": executor,
            "data": " ".join(states).encode(),
        }
        driver.launch_tasks(offers[0], [task])
        driver.decline_offer(offers[1:])

    def status_update(self, driver: mesos.SchedulerDriver, status: mesos.TaskStatus) -> None:
        number = int(status.message)
        given = Given(driver.framework_id.value, number, status.uuid.hex(), held=number > self.held)
        print(json.dumps(asdict(given)), flush=True)
        while given.held:
            signal.pause()
        self.over = number == self.updates


def main(master: str, executor: str, updates: str, framework_id: str = "", held: str = "0") -> None:
    """Run until killed, or until the last update is acknowledged."""
    framework = FRAMEWORK | ({"id": framework_id} if framework_id else {})
    victim = Victim(executor, int(updates), int(held))
    driver = mesos.SchedulerDriver(victim, framework, master, dispatcher="poll")
    driver.start()
    while not victim.over:
        driver.run_once()
    driver.stop()  # behind the acknowledgement
    driver.join()


if __name__ == "__main__":
    main(*sys.argv[1:])
