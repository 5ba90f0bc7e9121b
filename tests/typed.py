"""A user's program with every public thing in it and annotated: `mypy --strict` accepts it. It is not run.

Message classes are `Any` to type checkers; as annotations they all work.
"""

from __future__ import annotations

import asyncio

import mesos
from mesos.testing import ScriptedBackend
from mesos.v1 import scheduler as v1


class Greeter(mesos.Scheduler):
    def __init__(self) -> None:
        self.launched = False

    def registered(
        self,
        driver: mesos.SchedulerDriver,
        framework_id: mesos.FrameworkID,
        master_info: mesos.MasterInfo | None,
    ) -> None:
        print(framework_id.value)

    def resource_offers(self, driver: mesos.SchedulerDriver, offers: list[mesos.Offer]) -> None:
        for offer in offers:
            tasks = [
                mesos.TaskInfo(
                    task_id="greet",
                    name="greet",
                    command={"value": "echo"},
                    resources=mesos.Resources(cpus=0.1, mem=32),
                )
            ]
            status: mesos.Status = driver.launch_tasks(offer, tasks)
            print(status == mesos.DRIVER_RUNNING)

    def status_update(self, driver: mesos.SchedulerDriver, status: mesos.TaskStatus) -> None:
        print(status.task_id.value, status.state)
        if status.state.is_terminal:
            driver.stop()


class Async(mesos.Scheduler):
    def __init__(self) -> None:
        self.done = asyncio.Event()

    async def status_update(self, driver: mesos.SchedulerDriver, status: mesos.TaskStatus) -> None:
        self.done.set()


async def main() -> None:
    greeter = Async()
    async with mesos.SchedulerDriver(greeter, {"name": "x"}, "local", dispatcher="asyncio") as driver:
        await greeter.done.wait()
        await driver.wait(3)


def sync() -> mesos.Status:
    with mesos.LocalCluster(agents=2) as cluster, mesos.SchedulerDriver(Greeter(), "x", cluster) as driver:
        driver.join()
        print(cluster.stdout("greet").upper(), cluster.sandbox(mesos.TaskID(value="greet")) / "x")
    backend = ScriptedBackend()
    backend.play([("registered", "f")])
    call: v1.Call = backend.calls[0]
    print(call.type == v1.Call.ACCEPT)
    made: mesos.Message = mesos.TaskInfo.FromString(b"")
    if isinstance(made, mesos.Message):
        print(made.SerializeToString(), made.HasField("x"), made.to_json())
    stats: mesos.SchedulerStats = driver.stats
    print(stats.events_handled + 1, driver.connected, driver.exception, driver.dispatcher)
    return mesos.SchedulerDriver(
        Greeter(), mesos.FrameworkInfo(name="x"), "local", credential=("a", "b")
    ).run()
