"""An operator over pymesos: `python operator_pymesos.py MASTER AGENT` prints what it was told, as JSON.

It watches the master while a framework of ours runs one task, and asks both before that is torn down.
pymesos is unmodified; `tests/real/stand_ins` has to be on the path for what it imports.
"""

from __future__ import annotations

import json
import sys
import threading
from typing import Any

import mesos
from pymesos import MesosOperatorAgentDriver, MesosOperatorMasterDriver, OperatorMaster

MILLISECOND = 1_000_000  # of nanoseconds


class Watcher(OperatorMaster):
    """Notes the names of what happens."""

    def __init__(self) -> None:
        self.heard: list[str] = []
        self.over = threading.Event()

    def taskAdded(self, task_info: Any) -> None:  # noqa: N802 - pymesos' names
        self.heard.append(f"{task_info['name']} is added")

    def taskUpdated(self, task_info: Any) -> None:  # noqa: N802 - pymesos' names
        self.heard.append(f"{task_info['status']['task_id']['value']} is {task_info['status']['state']}")

    def frameworkAdded(self, framework_info: Any) -> None:  # noqa: N802 - pymesos' names
        self.heard.append(f"{framework_info['framework_info']['name']} is added")

    def frameworkUpdated(self, framework_info: Any) -> None:  # noqa: N802 - pymesos' names
        self.heard.append("updated")

    def frameworkRemoved(self, framework_info: Any) -> None:  # noqa: N802 - pymesos' names
        self.heard.append(f"{framework_info['name']} is removed")
        self.over.set()


class Master(MesosOperatorMasterDriver):
    """Says when it watches, which pymesos only logs."""

    subscribed = threading.Event()

    def on_subscribed(self, info: Any) -> None:
        super().on_subscribed(info)
        self.subscribed.set()


class OneTask(mesos.Scheduler):
    """Runs a task, and ends with the first offer after it: everything is acknowledged by then."""

    def __init__(self) -> None:
        self.is_launched = self.is_over = False

    def resource_offers(self, driver: mesos.SchedulerDriver, offers: list[mesos.Offer]) -> None:
        if self.is_over:
            driver.stop(failover=True)
        elif not self.is_launched:
            self.is_launched = True
            task = mesos.TaskInfo(
                name="one",
                task_id="one",
                agent_id=offers[0].agent_id,
                command={"value": "echo done"},
                resources=mesos.Resources(cpus=0.1, mem=32),
            )
            driver.launch_tasks(offers[0], [task], mesos.Filters(refuse_seconds=0.0))

    def status_update(self, driver: mesos.SchedulerDriver, status: mesos.TaskStatus) -> None:
        self.is_over = status.state == mesos.TASK_FINISHED


def main(master: str, agent: str) -> None:
    watcher = Watcher()
    driver = Master(master, watcher)
    driver.start()
    assert driver.subscribed.wait(20)
    scheduler = mesos.SchedulerDriver(OneTask(), {"name": "f", "user": "", "failover_timeout": 60.0}, master)
    scheduler.run()
    on_agent = MesosOperatorAgentDriver(agent)
    framework = driver.getFrameworks()["get_frameworks"]["frameworks"][0]["framework_info"]["id"]["value"]
    path = f"/frameworks/{framework}/executors/one/runs/latest"
    said = {
        "health": [asked.getHealth()["get_health"]["healthy"] for asked in (driver, on_agent)],
        "version": [
            asked.getVersion()["get_version"]["version_info"]["version"] for asked in (driver, on_agent)
        ],
        "flags": [bool(asked.getFlags()["get_flags"]["flags"]) for asked in (driver, on_agent)],
        "metrics": [
            bool(asked.getMetrics(MILLISECOND)["get_metrics"]["metrics"]) for asked in (driver, on_agent)
        ],
        "level": driver.getLoggingLevel()["get_logging_level"]["level"],
        "state": sorted(driver.getState()["get_state"]),
        "agents": len(driver.getAgents()["get_agents"]["agents"]),
        "executors": driver.getExecutors()["get_executors"]["executors"],
        "completed": [task["name"] for task in driver.getTasks()["get_tasks"]["completed_tasks"]],
        "roles": [role["name"] for role in driver.getRoles()["get_roles"]["roles"]],
        "master": driver.getMaster()["get_master"]["master_info"]["port"] == int(master.partition(":")[2]),
        "containers": on_agent.getContainers().get("get_containers"),
        "on agent": sorted(on_agent.getState()["get_state"]),
        "files": [
            info["path"].rpartition("/")[2] for info in on_agent.listFiles(path)["list_files"]["file_infos"]
        ],
        "stdout": on_agent.readFile(f"{path}/stdout", 100, 0)["read_file"],
    }
    driver.setLoggingLevel(1, MILLISECOND)
    own = driver.getAgents()["get_agents"]["agents"][0]["agent_info"]["id"]["value"]
    reservation = {"type": "DYNAMIC", "role": "web"}
    cpu = {"name": "cpus", "type": "SCALAR", "scalar": {"value": 1.0}, "reservations": [reservation]}
    driver.reserveResources(own, [cpu])
    said["reserved"] = [role["name"] for role in driver.getRoles()["get_roles"]["roles"]]
    driver.unreserveResources(own, [cpu])
    driver._send({"type": "TEARDOWN", "teardown": {"framework_id": {"value": framework}}})
    assert watcher.over.wait(20)
    driver.stop()
    driver.join()
    print(json.dumps(said | {"heard": watcher.heard}))


if __name__ == "__main__":
    main(*sys.argv[1:])
