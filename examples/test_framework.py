"""The pair that Mesos' bindings in every language come with: a scheduler and an executor of its own.

    python examples/test_framework.py               # on the embedded cluster
    python examples/test_framework.py HOST:PORT     # on a real one, unchanged

Runs five tasks in examples/test_executor.py, checks the binary data in their last statuses, sends a message
to the executor for each, and ends when all have come back. Exits 0 if that is what happened. Switches, by
environment: MESOS_EXPLICIT_ACKNOWLEDGEMENTS=1 acknowledges updates by hand, MESOS_CHECKPOINT=1 has the
executor survive its agent, DEFAULT_PRINCIPAL and DEFAULT_SECRET authenticate, and MESOS_NATIVE_LIBRARY, the
path of a libmesos, has that talk to the master.
"""

from __future__ import annotations

import os
import shlex
import sys
from pathlib import Path

import mesos

TOTAL_TASKS = 5
NEED = mesos.Resources(cpus=0.5, mem=32)
DATA = b"data with a \0 byte"
EXECUTOR = Path(__file__).resolve().with_name("test_executor.py")
EXPLICIT = bool(os.environ.get("MESOS_EXPLICIT_ACKNOWLEDGEMENTS"))


class TestScheduler(mesos.Scheduler):
    """Launches the tasks, and exchanges a message with the executor for each that has finished."""

    def __init__(self, executor: mesos.ExecutorInfo) -> None:
        self.executor = executor
        self.launched = 0
        self.finished = 0
        self.echoed = 0
        self.unanswered: list[tuple[mesos.ExecutorID, mesos.AgentID]] = []

    def registered(
        self,
        driver: mesos.SchedulerDriver,
        framework_id: mesos.FrameworkID,
        master_info: mesos.MasterInfo | None,
    ) -> None:
        print(f"registered as {framework_id.value}")
        driver.update_framework(driver.framework, suppressed_roles=[])  # offers may come from now on

    def resource_offers(self, driver: mesos.SchedulerDriver, offers: list[mesos.Offer]) -> None:
        if self.finished == TOTAL_TASKS:  # Mesos may lose a message: what has not come back is sent again
            for executor_id, agent_id in self.unanswered:
                driver.send_framework_message(executor_id, agent_id, DATA)
        for offer in offers:
            tasks: list[mesos.TaskInfo] = []
            left = mesos.Resources(offer.resources)
            while self.launched < TOTAL_TASKS and NEED in left:
                left -= NEED
                task_id = str(self.launched)
                self.launched += 1
                task = mesos.TaskInfo(task_id=task_id, name=f"task {task_id}", executor=self.executor)
                task.resources.extend(NEED)
                tasks.append(task)
            driver.launch_tasks(offer, tasks)  # without tasks it declines

    def status_update(self, driver: mesos.SchedulerDriver, status: mesos.TaskStatus) -> None:
        print(f"task {status.task_id.value} is in state {status.state.name}")
        if status.state == mesos.TASK_FINISHED:
            if status.data != DATA:
                raise RuntimeError(f"the data of {status.task_id.value} is {status.data!r}, not {DATA!r}")
            self.finished += 1
            self.unanswered.append((status.executor_id, status.agent_id))
            driver.send_framework_message(status.executor_id, status.agent_id, DATA)
        elif status.state.is_terminal:
            print(f"aborting: task {status.task_id.value} ended as {status.state.name}: {status.message}")
            driver.abort()
        if EXPLICIT:
            driver.acknowledge_status_update(status)

    def framework_message(
        self,
        driver: mesos.SchedulerDriver,
        executor_id: mesos.ExecutorID,
        agent_id: mesos.AgentID,
        data: bytes,
    ) -> None:
        if data != DATA:
            raise RuntimeError(f"{executor_id.value} sent {data!r}, not {DATA!r}")
        if (executor_id, agent_id) in self.unanswered:
            self.unanswered.remove((executor_id, agent_id))
            self.echoed += 1
        if self.echoed == TOTAL_TASKS:
            print(f"all {self.finished} tasks have finished, and all {self.echoed} messages came back")
            driver.stop()


def main(master: str = "local") -> int:
    """Runs the framework to its end; the exit code is 0 if everything went well."""
    executor = mesos.ExecutorInfo(
        executor_id="default",
        name="Test Executor (Python)",
        command={"value": shlex.join([sys.executable, str(EXECUTOR)])},
    )
    framework = mesos.FrameworkInfo(
        name="Test Framework (Python)",
        checkpoint=bool(os.environ.get("MESOS_CHECKPOINT")),
        roles=["*"],
        capabilities=[{"type": "MULTI_ROLE"}],
    )
    principal = os.environ.get("DEFAULT_PRINCIPAL")
    driver = mesos.SchedulerDriver(
        TestScheduler(executor),
        framework,
        master,
        credential=(principal, os.environ["DEFAULT_SECRET"]) if principal else None,
        suppressed_roles=["*"],
        implicit_acknowledgements=not EXPLICIT,
        backend="libmesos" if os.environ.get("MESOS_NATIVE_LIBRARY") else "http",
    )
    return 0 if driver.run() == mesos.DRIVER_STOPPED else 1


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:2]))
