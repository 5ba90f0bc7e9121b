"""Five shell tasks on a Mesos cluster, from the first offer to the last output.

    python examples/hello.py                  # on the embedded cluster: nothing to install or start
    python examples/hello.py HOST:PORT        # on a real one, unchanged

Exits 0 once all tasks have finished. What a task prints lands in the file `stdout` of its sandbox, and the
agent that ran it serves that file over HTTP (Mesos' `/files/read` endpoint).
"""

from __future__ import annotations

import json
import sys
import urllib.parse
import urllib.request

import mesos

COMMANDS = {
    "greet": "echo Hello, Mesos!",
    "where": "echo running on $(uname -sm)",
    "count": "for i in 1 2 3; do printf '%s ' $i; sleep 0.1; done; echo done",
    "files": "echo one > a; echo two > b; cat a b",
    "think": "sleep 0.5; echo the answer is $((6 * 7))",
}


class Hello(mesos.Scheduler):
    """Launches each of `COMMANDS` once, as resources are offered."""

    def __init__(self) -> None:
        self.waiting = dict(COMMANDS)  # task id -> command, not launched yet
        self.framework_id = ""  # the master gives it
        self.agents: dict[str, mesos.URL] = {}  # task id -> where the agent that runs it listens
        self.finished: set[str] = set()

    def registered(
        self,
        driver: mesos.SchedulerDriver,
        framework_id: mesos.FrameworkID,
        master_info: mesos.MasterInfo | None,
    ) -> None:
        self.framework_id = framework_id.value
        where = (
            f"{master_info.hostname}:{master_info.port}" if master_info else "an address it keeps to itself"
        )
        print(f"registered as {self.framework_id} with the master at {where}")

    def resource_offers(self, driver: mesos.SchedulerDriver, offers: list[mesos.Offer]) -> None:
        need = mesos.Resources(cpus=0.1, mem=32)
        for offer in offers:
            left = mesos.Resources(offer.resources)
            tasks: list[mesos.TaskInfo] = []
            while self.waiting and need in left:
                left -= need
                task_id = next(iter(self.waiting))
                command = self.waiting.pop(task_id)
                self.agents[task_id] = offer.url
                tasks.append(
                    mesos.TaskInfo(
                        task_id=task_id,
                        name=task_id,
                        command={"value": command},
                        resources=need,
                    )
                )
            driver.launch_tasks(offer, tasks)  # without tasks it declines

    def status_update(self, driver: mesos.SchedulerDriver, status: mesos.TaskStatus) -> None:
        task_id = status.task_id.value
        print(f"{task_id:<8}{status.state.name:<16}{status.message}")
        if status.state == mesos.TASK_FINISHED:
            for line in self.output(task_id).splitlines():
                print(f"{task_id:<8}| {line}")
            self.finished.add(task_id)
            if len(self.finished) == len(COMMANDS):
                driver.stop()  # a framework that stops for good takes its tasks with it
        elif status.state.is_terminal:
            raise RuntimeError(
                f"{task_id} ended as {status.state}: {status.message}"
            )  # aborts, comes out of run()

    def output(self, task_id: str) -> str:
        """What the task printed, read from its sandbox through the agent."""
        agent = self.agents[task_id].address
        sandbox = f"/frameworks/{self.framework_id}/executors/{task_id}/runs/latest"
        query = urllib.parse.urlencode({"path": f"{sandbox}/stdout", "offset": 0, "length": 10_000})
        with urllib.request.urlopen(
            f"http://{agent.ip}:{agent.port}/files/read?{query}", timeout=10
        ) as reply:
            return str(json.load(reply)["data"])


def main(master: str = "local") -> int:
    """Runs the framework to its end; the exit code is 0 if every task finished."""
    hello = Hello()
    driver = mesos.SchedulerDriver(hello, "hello", master)
    status = driver.run()
    print(f"{len(hello.finished)} of {len(COMMANDS)} tasks finished; {status.name}")
    return 0 if status == mesos.DRIVER_STOPPED and len(hello.finished) == len(COMMANDS) else 1


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:2]))
