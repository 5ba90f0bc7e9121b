"""A scheduler over a libmesos of any release: `python -m tests.real.release_client MASTER EXECUTOR`.

It prints what it saw. $MESOS_NATIVE_LIBRARY names the library. A program of its own, as no process can load
two of them.
"""

from __future__ import annotations

import json
import sys
from collections import Counter

import mesos

from .schedulers import SMALL, task

TASKS = 20


class Everything(mesos.Scheduler):
    """Twenty tasks, a kill, a message both ways and a reconciliation, one after the other."""

    def __init__(self, executor: str) -> None:
        self.executor = executor
        self.seen: Counter[str] = Counter()
        self.uuids: set[bytes] = set()  # under load an agent may send an update twice
        self.talker: mesos.TaskStatus | None = None
        self.launched = False
        self.echo: str | None = None

    def registered(
        self, driver: mesos.SchedulerDriver, framework_id: mesos.FrameworkID, master_info: object
    ) -> None:
        self.seen["registered"] += 1

    def resource_offers(self, driver: mesos.SchedulerDriver, offers: list[mesos.Offer]) -> None:
        offer, *others = offers
        tasks = []
        if not self.launched:
            self.launched = True
            tasks = [task(f"t{number}", "true") for number in range(TASKS)]
            tasks.append(task("killed", "sleep 1000"))
            executor = {
                "executor_id": "talks",
                "framework_id": driver.framework_id,
                "command": {"value": self.executor},
                "resources": SMALL,
            }
            tasks.append(
                mesos.TaskInfo(
                    name="talk", task_id="talk", executor=executor, resources=SMALL, data=b"TASK_RUNNING"
                )
            )
        driver.launch_tasks(offer, tasks, {"refuse_seconds": 1.0})
        if others:
            driver.decline_offer(others)

    def status_update(self, driver: mesos.SchedulerDriver, status: mesos.TaskStatus) -> None:
        name, state = status.task_id.value, status.state.name
        if status.reason == mesos.TaskStatus.REASON_RECONCILIATION:
            self.seen[f"reconciled {name} {state}"] += 1
            driver.stop()
            return
        if status.uuid in self.uuids:
            return
        self.uuids.add(status.uuid)
        if status.state.is_terminal:
            self.seen[f"{'t' if name.startswith('t') else name} {state}"] += 1
        elif name == "killed" and state == "TASK_RUNNING":
            driver.kill_task("killed")
        elif name == "talk" and state == "TASK_RUNNING":
            self.talker = status
            driver.send_framework_message("talks", status.agent_id, b"\0echo\xff")
        self.go_on(driver)

    def framework_message(
        self, driver: mesos.SchedulerDriver, executor_id: mesos.ExecutorID, agent_id: object, data: bytes
    ) -> None:
        self.echo = f"{executor_id.value} {data!r}"
        self.go_on(driver)

    def go_on(self, driver: mesos.SchedulerDriver) -> None:
        """Ask for the state of the one task that is left."""
        if self.talker is not None and self.echo and self.seen.total() == 1 + TASKS + 1:
            driver.reconcile_tasks([self.talker])


def main(master: str, executor: str) -> None:
    """Run to the end and print what was seen."""
    scheduler = Everything(executor)
    driver = mesos.SchedulerDriver(scheduler, "every release", master, backend="libmesos")
    driver.run()
    report = {"version": mesos.libmesos_version(), "echo": scheduler.echo, "seen": scheduler.seen}
    print(json.dumps(report | {"acknowledgements": driver.stats.acknowledgements}))


if __name__ == "__main__":
    main(*sys.argv[1:])
