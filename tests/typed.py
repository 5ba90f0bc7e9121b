"""A user's program with every public thing in it and annotated, for mypy and pyright, strict. It is not run.

What is right must pass. Each line of `wrong` must be reported: both checkers complain about a comment that
suppresses nothing.
"""

from __future__ import annotations

import asyncio
from collections.abc import Hashable, Sequence
from typing import TYPE_CHECKING

import mesos
from mesos import TaskInfo
from mesos.testing import ScriptedBackend
from mesos.v1 import scheduler as v1

if TYPE_CHECKING:
    from mesos.v1 import CommandInfoDict, TaskInfoLike, TaskStateLike


class Greeter(mesos.Scheduler):
    def __init__(self) -> None:
        self.launched = False

    def registered(
        self,
        driver: mesos.SchedulerDriver,
        framework_id: mesos.FrameworkID,
        master_info: mesos.MasterInfo | None,
    ) -> None:
        print(framework_id.value, master_info.port if master_info else 5050)

    def resource_offers(self, driver: mesos.SchedulerDriver, offers: Sequence[mesos.Offer]) -> None:
        for offer in offers:
            status: mesos.Status = driver.launch_tasks(offer, [task("greet")], {"refuse_seconds": 5})
            print(status == mesos.DRIVER_RUNNING, offer.resources[0].scalar.value + 1)
            driver.accept_offers([offer.id, "o"], {"type": "LAUNCH", "launch": {"task_infos": [task("x")]}})
        driver.decline_offer(offers)

    def status_update(self, driver: mesos.SchedulerDriver, status: mesos.TaskStatus) -> None:
        print(
            status.task_id.value, status.state.name, status.reason is mesos.TaskStatus.REASON_RECONCILIATION
        )
        if status.state.is_terminal:
            driver.stop()


class Async(mesos.Scheduler):
    def __init__(self) -> None:
        self.done = asyncio.Event()

    async def resource_offers(self, driver: mesos.SchedulerDriver, offers: list[mesos.Offer]) -> None:
        driver.decline_offer(offers)

    async def status_update(self, driver: mesos.SchedulerDriver, status: mesos.TaskStatus) -> None:
        self.done.set()


def fill(offer: mesos.Offer, given: mesos.TaskInfo) -> mesos.Resources:
    need = mesos.Resources(given.resources) + mesos.Resources("cpus:1", role="web", mem=32, ports=[(1, 2)])
    left = mesos.Resources(offer.resources) - given.resources
    while need in left and need <= left:
        left -= need
    totals: dict[str, float] = offer.scalars()
    begin, end = left.ports[0]
    print(
        totals["cpus"] + left.cpus, begin + end, left[0].scalar.value, len(left[:2].unreserved()), str(left)
    )
    found = left.find("cpus:1")
    return left.allocated("web") if found is None else found.reserved("web")


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
    print(call.type == v1.Call.ACCEPT, call.accept.offer_ids[0].value)
    stats: mesos.SchedulerStats = driver.stats
    print(stats.events_handled + 1, driver.connected, driver.exception, driver.dispatcher)
    return mesos.SchedulerDriver(
        Greeter(), mesos.FrameworkInfo(name="x"), "local", credential=("a", "b")
    ).run()


def task(task_id: str) -> mesos.TaskInfo:
    """Everything that a constructor takes: bare ids, dicts, messages, names of enum values, None."""
    command: CommandInfoDict = {"value": "echo", "environment": {"variables": [{"name": "A", "value": "b"}]}}
    return TaskInfo(
        task_id=task_id,
        name="greet",
        slave_id=mesos.SlaveID(value="a"),
        command=command,
        resources=mesos.Resources(cpus=0.1, mem=32),
        container={"type": "MESOS", "volumes": [{"mode": "RO", "container_path": "x"}]},
        health_check=mesos.HealthCheck(type=mesos.HealthCheck.HTTP, http={"port": 80}),
        kill_policy=mesos.KillPolicy(grace_period={"nanoseconds": 1}),
        data=b"x",
        limits={"mem": 64, "cpus": mesos.Value.Scalar(value=1)},
        labels=None,
    )


def messages(made: mesos.TaskInfo, anything: mesos.Message) -> None:
    """The methods, and what fields read as and take."""
    other: mesos.v1.TaskInfo = made
    other.CopyFrom({"name": "x", "task_id": "y"})
    other.MergeFrom(mesos.TaskInfo.FromString(made.SerializeToString()))
    print(made.HasField("executor"), made.to_json(), anything.ByteSize(), anything == made)
    made.ClearField("resources")
    made.name = made.slave_id.value.upper()
    made.data = bytearray(made.data)
    made.resources.add(name="cpus").scalar.value = 1
    made.resources.append({"name": "mem", "type": "SCALAR", "scalar": 32})
    made.resources.extend(mesos.Resources("cpus:1"))
    made.command.environment.variables.add(name="A").value = "b"
    print([each.scalar.value for each in made.resources[1:]], made.limits["mem"].value)
    status = mesos.TaskStatus(state=3, source="SOURCE_EXECUTOR")
    status.state = "TASK_LOST"
    state: mesos.TaskState = status.state
    print(mesos.TaskState.Name(3), mesos.TaskState.Value("TASK_LOST").is_terminal, state)
    which = v1.AttributeConstraint.Selector().WhichOneof("selector")
    print(which == "attribute_name")


def resources(offer: mesos.Offer, amounts: dict[str, float]) -> list[mesos.Resource]:
    need = mesos.Resources(cpus=0.1, ports=[(31000, 31005), range(8000, 8010)], labels={"a", "b"})
    left = mesos.Resources(offer.resources) - need + "cpus:1" + mesos.Resources(**amounts)
    if need in left and need <= offer.resources:
        print(left.cpus + offer.scalars()["mem"], left.ports[0][1] + 1, left[0].name, left[1:].scalars())
    return [*left, *left.reserved("web")]


def likes(given: TaskInfoLike, state: TaskStateLike) -> tuple[mesos.TaskInfo, mesos.TaskStatus]:
    made = mesos.TaskInfo()
    made.CopyFrom(given)
    return made, mesos.TaskStatus(state=state)


def wrong(driver: mesos.SchedulerDriver, made: mesos.TaskInfo) -> None:
    mesos.TaskInfo(nam="x")  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
    mesos.TaskInfo(task_id=1)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    mesos.TaskInfo(command={"valu": "x"})  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    mesos.TaskStatus(state="TASK_RUNING")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    print(mesos.TaskState.TASK_RUNING)  # type: ignore[attr-defined]  # pyright: ignore
    print(mesos.TaskInf)  # type: ignore[attr-defined]  # pyright: ignore
    made.HasField("hostnam")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    made.HasField("resources")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    made.ClearField("nam")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    made.WhichOneof("nam")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    made.nam = "x"  # type: ignore[attr-defined]  # pyright: ignore[reportAttributeAccessIssue]
    made.name = 1  # type: ignore[assignment]  # pyright: ignore[reportAttributeAccessIssue]
    made.task_id = mesos.TaskID()  # type: ignore[misc]  # pyright: ignore[reportAttributeAccessIssue]
    made.resources.append(mesos.Label())  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    made.resources.add(nam="x")  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
    made.CopyFrom(mesos.TaskID())  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    mesos.Resources(ports=[1])  # type: ignore[list-item]  # pyright: ignore[reportArgumentType]
    driver.kill_task(mesos.AgentID())  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    driver.launch_tasks("o", [{"nam": "x"}])  # type: ignore[list-item]  # pyright: ignore[reportArgumentType]
    key: Hashable = made  # type: ignore[assignment]  # pyright: ignore[reportAssignmentType]
    print(key)


class Wrong(mesos.Scheduler):
    def agent_lost(self, driver: mesos.SchedulerDriver, agent_id: str) -> None:  # type: ignore[override]  # pyright: ignore
        """An argument of another type."""


class Worker(mesos.Executor):
    async def registered(
        self,
        driver: mesos.ExecutorDriver,
        executor_info: mesos.ExecutorInfo,
        framework_info: mesos.FrameworkInfo,
        agent_info: mesos.AgentInfo,
    ) -> None:
        print(executor_info.data, framework_info.name, agent_info.hostname)

    def launch_task(self, driver: mesos.ExecutorDriver, task: mesos.TaskInfo) -> None:
        status = mesos.TaskStatus(task_id=task.task_id, state=mesos.TASK_RUNNING)
        sent: mesos.Status = driver.send_status_update(status)
        driver.send_status_update({"task_id": "t", "state": "TASK_FINISHED", "data": b"x"})
        driver.send_framework_message(bytearray(b"x"))
        print(sent.name, driver.stats.unacknowledged)

    def kill_task(self, driver: mesos.ExecutorDriver, task_id: mesos.TaskID) -> None:
        policy = driver.kill_policy(task_id)
        print(0 if policy is None else policy.grace_period.nanoseconds)
        driver.send_status_update({"task_id": 3})  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
        driver.stop(True)  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]


def executor() -> mesos.Status:
    return mesos.ExecutorDriver(Worker(), dispatcher="thread").run()
