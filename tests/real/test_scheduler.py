"""`SchedulerDriver` on a real Apache Mesos."""

from __future__ import annotations

import asyncio
import os
import pwd
import statistics
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import mesos
import pytest

from .backends import Connect
from .cluster import RealCluster, wait_until
from .schedulers import DISPATCHERS, NORMAL, SMALL, TIMEOUT, Notes, drive, frameworks, run_until, task
from .setup import RealMesos

Reaction = Callable[[mesos.SchedulerDriver, mesos.TaskStatus], None]
HOUR = {"refuse_seconds": 3600.0}


def until_torn_down(cluster: RealCluster, driver: mesos.SchedulerDriver) -> None:
    """Wait until the master has ended a framework: libmesos does not wait for its answer."""
    wait_until(
        lambda: driver.framework_id.value in frameworks(cluster, "completed_frameworks"),
        lambda: "the framework is not torn down",
    )


@pytest.mark.parametrize("dispatcher", DISPATCHERS)
def test_tasks_run_to_their_ends(connect: Connect, real_cluster: RealCluster, dispatcher: str) -> None:
    tasks = {f"{dispatcher}-{number}": f"echo {number}" for number in range(5)}
    notes = Notes(tasks | {"fails": "exit 3", "dies": "kill -KILL $$"})
    driver = connect(notes, "tasks", real_cluster.master, dispatcher=dispatcher)
    assert drive(driver, dispatcher) == mesos.DRIVER_STOPPED
    failed = [*NORMAL[:2], "TASK_FAILED"]
    assert notes.states == dict.fromkeys(tasks, NORMAL) | {"fails": failed, "dies": failed}
    assert notes.calls == ["registered"]
    for name, command in tasks.items():
        assert command[5:] in (real_cluster.sandbox(name) / "stdout").read_text().splitlines()
    until_torn_down(real_cluster, driver)
    assert driver.stats.calls_rejected == 0


def test_coroutines_as_handlers(connect: Connect, real_cluster: RealCluster) -> None:
    """Each update's handler ends before the next one begins, and is acknowledged only then."""

    class Slow(Notes):
        running = 0

        async def status_update(self, driver: mesos.SchedulerDriver, status: mesos.TaskStatus) -> None:  # type: ignore[override]
            assert self.running == 0
            self.running += 1
            await asyncio.sleep(0)
            Notes.status_update(self, driver, status)
            self.running -= 1

    notes = Slow({"one": "true", "two": "true"})
    driver = connect(notes, "coroutines", real_cluster.master)
    assert driver.run() == mesos.DRIVER_STOPPED
    assert notes.states == {"one": NORMAL, "two": NORMAL}


def test_what_the_master_says_is_there(connect: Connect, real_cluster: RealCluster) -> None:
    offers: list[mesos.Offer] = []
    wait_until(
        lambda: not real_cluster.master_daemon.call("GET_TASKS").get("tasks"), lambda: "tasks of others run"
    )

    class First(Notes):
        def resource_offers(self, driver: mesos.SchedulerDriver, given: list[mesos.Offer]) -> None:
            offers.extend(given)
            driver.stop()

    driver = connect(First(), {"name": "looks", "user": "nobody"}, real_cluster.master)
    driver.run()
    port = int(real_cluster.master.rpartition(":")[2])
    assert (driver.master_info.port, driver.master_info.version) == (port, "1.11.0")
    assert driver.framework.user == "nobody"
    offer = offers[0]
    assert offer.framework_id == driver.framework_id
    assert offer.agent_id.value.endswith("-S0")
    assert not offer.HasField("allocation_info")  # the master keeps it from who has no MULTI_ROLE
    amounts = {
        resource.name: resource.scalar.value for resource in offer.resources if resource.HasField("scalar")
    }
    assert amounts == {"cpus": 16, "mem": 16384, "disk": 20000}


def test_roles_are_suppressed_and_revived_one_by_one(connect: Connect, real_cluster: RealCluster) -> None:
    roles: list[str] = []

    class Roles(Notes):
        def resource_offers(self, driver: mesos.SchedulerDriver, offers: list[mesos.Offer]) -> None:
            roles.extend(offer.allocation_info.role for offer in offers)
            driver.decline_offer(offers, HOUR)
            if roles[-1] == "ops":
                driver.stop()
            else:
                driver.revive_offers(["ops"])

    info = {"name": "roles", "roles": ["eng/build", "ops"], "capabilities": [{"type": "MULTI_ROLE"}]}
    drive(connect(Roles(), info, real_cluster.master, suppressed_roles=["ops"]))
    assert roles == ["eng/build", "ops"]


def test_a_kill(connect: Connect, real_cluster: RealCluster) -> None:
    notes = Notes({"killed": "sleep 1000"})

    def kill(driver: mesos.SchedulerDriver, status: mesos.TaskStatus) -> None:
        if status.state == mesos.TASK_RUNNING:
            driver.kill_task(status.task_id, status.agent_id)
        elif status.state.is_terminal:
            driver.stop()

    notes.react = kill
    drive(connect(notes, "kills", real_cluster.master))
    assert notes.states == {"killed": [*NORMAL[:2], "TASK_KILLED"]}


def test_a_task_group(connect: Connect, real_cluster: RealCluster) -> None:
    class Group(Notes):
        def resource_offers(self, driver: mesos.SchedulerDriver, offers: list[mesos.Offer]) -> None:
            if not self.waiting:
                driver.decline_offer(offers)
                return
            executor = mesos.ExecutorInfo(
                type="DEFAULT",
                executor_id="group",
                framework_id=driver.framework_id,
                resources=SMALL,
            )
            tasks = [task(name, command) for name, command in self.waiting.items()]
            self.waiting.clear()
            launch = {"executor": executor, "task_group": {"tasks": tasks}}
            driver.accept_offers(offers[0], [{"type": "LAUNCH_GROUP", "launch_group": launch}])
            driver.decline_offer(offers[1:])

    notes = Group({"left": "true", "right": "true"})
    drive(connect(notes, "groups", real_cluster.master))
    assert notes.states == {"left": NORMAL, "right": NORMAL}


def test_reconciliation(connect: Connect, real_cluster: RealCluster) -> None:
    notes = Notes({"there": "sleep 1000"})
    notes.react = lambda driver, status: None
    driver = connect(notes, "reconciles", real_cluster.master, dispatcher="poll")
    with driver:
        run_until(driver, lambda: "TASK_RUNNING" in notes.states["there"])
        agent = notes.updates[-1].agent_id

        def reconciled() -> list[tuple[str, str]]:
            reason = mesos.TaskStatus.REASON_RECONCILIATION
            return [(u.task_id.value, u.state.name) for u in notes.updates if u.reason == reason]

        driver.reconcile_tasks(
            [
                {"task_id": "there", "agent_id": agent, "state": "TASK_STAGING"},
                {"task_id": "unknown", "agent_id": agent, "state": "TASK_STAGING"},
            ]
        )
        run_until(driver, lambda: len(reconciled()) == 2)
        assert sorted(reconciled()) == [("there", "TASK_RUNNING"), ("unknown", "TASK_LOST")]
        notes.updates.clear()
        driver.reconcile_tasks([])
        run_until(driver, reconciled)
        assert reconciled() == [("there", "TASK_RUNNING")]


def test_failover_to_another_driver(connect: Connect, real_cluster: RealCluster) -> None:
    info = {"name": "fails-over", "failover_timeout": 60}
    first = Notes({"survives": "sleep 1000"})

    def leave(driver: mesos.SchedulerDriver, status: mesos.TaskStatus) -> None:
        if status.state == mesos.TASK_RUNNING:
            driver.stop(failover=True)

    first.react = leave
    driver = connect(first, info, real_cluster.master)
    assert drive(driver) == mesos.DRIVER_STOPPED
    identity = driver.framework_id
    assert identity.value in frameworks(real_cluster, "frameworks")

    second = Notes()

    def take_over(driver: mesos.SchedulerDriver, status: mesos.TaskStatus) -> None:
        if status.state == mesos.TASK_RUNNING:
            driver.kill_task(status.task_id)
        elif status.state.is_terminal:
            driver.stop()

    second.react = take_over
    driver = connect(second, info | {"id": identity}, real_cluster.master)
    driver.start()
    driver.reconcile_tasks([])
    assert driver.join(TIMEOUT) == mesos.DRIVER_STOPPED
    assert driver.framework_id == identity
    assert second.calls == ["registered"]
    assert second.states["survives"][-1] == "TASK_KILLED"
    until_torn_down(real_cluster, driver)


def test_a_driver_that_was_replaced_is_told(connect: Connect, real_cluster: RealCluster) -> None:
    info = {"name": "replaced", "failover_timeout": 60}
    notes = Notes()
    first = connect(notes, info, real_cluster.master, dispatcher="poll")
    first.start()
    run_until(first, lambda: notes.calls == ["registered"])
    info["id"] = first.framework_id
    second = Notes()
    with connect(second, info, real_cluster.master, dispatcher="thread"):
        with pytest.raises(mesos.DriverAbortedError, match="Framework failed over"):
            run_until(first, lambda: first.status == mesos.DRIVER_ABORTED)
        # libmesos takes no leave of a master that it has not heard of yet, which then makes offers to nobody
        wait_until(lambda: bool(second.calls), lambda: "the second driver was not registered")
    assert notes.errors == ["Framework failed over"]


def test_a_completed_framework_cannot_come_back(connect: Connect, real_cluster: RealCluster) -> None:
    notes = Notes({"short": "true"})
    first = connect(notes, "ends", real_cluster.master)
    drive(first)
    again = Notes()
    driver = connect(again, {"name": "ends", "id": first.framework_id}, real_cluster.master)
    with pytest.raises(mesos.DriverAbortedError, match="Framework has been removed"):
        driver.run()
    assert driver.status == mesos.DRIVER_ABORTED
    assert again.calls == []


def test_stop_tears_down_and_kills(connect: Connect, real_cluster: RealCluster) -> None:
    notes = Notes({"torn": "sleep 1000"})
    notes.react = lambda driver, status: driver.stop() if status.state == mesos.TASK_RUNNING else None
    before = set(real_cluster.processes())
    driver = connect(notes, "tears-down", real_cluster.master)
    drive(driver)
    until_torn_down(real_cluster, driver)
    wait_until(lambda: set(real_cluster.processes()) <= before, lambda: "the task still runs")


def test_an_abort_leaves_the_framework(connect: Connect, real_cluster: RealCluster) -> None:
    """What a handler raises comes out of run(); its update was not acknowledged; nothing is torn down."""
    notes = Notes({"stays": "sleep 1000"})

    def fail(driver: mesos.SchedulerDriver, status: mesos.TaskStatus) -> None:
        raise LookupError("on purpose")

    notes.react = fail
    info = {"name": "aborts", "failover_timeout": 60}
    driver = connect(notes, info, real_cluster.master)
    with pytest.raises(LookupError, match="on purpose"):
        driver.run()
    assert driver.status == mesos.DRIVER_ABORTED
    assert driver.framework_id.value in frameworks(real_cluster, "frameworks")

    again = Notes()
    again.states["stays"] = []
    again.react = lambda driver, status: driver.stop()
    drive(connect(again, info | {"id": driver.framework_id}, real_cluster.master))
    assert again.updates[0].uuid == notes.updates[0].uuid  # the very update that was not acknowledged


class Offers(Notes):
    """Counts offers and declines them with the filter it has at the time."""

    def __init__(self, filters: dict[str, float]) -> None:
        super().__init__()
        self.filters = filters
        self.count = 0

    def resource_offers(self, driver: mesos.SchedulerDriver, offers: list[mesos.Offer]) -> None:
        self.count += 1
        driver.decline_offer(offers, self.filters)


@pytest.fixture
def clock(connect: Connect, real_cluster: RealCluster) -> Iterator[Callable[[int], None]]:
    """Wait for so many rounds of the allocator, as another framework sees them."""
    offers = Offers({"refuse_seconds": 0})
    driver = connect(offers, "clock", real_cluster.master, dispatcher="thread")

    def rounds(number: int) -> None:
        end = offers.count + number
        wait_until(lambda: offers.count >= end, lambda: "the allocator stands still")

    with driver:
        yield rounds


def test_declined_offers_come_back_when_revived(
    connect: Connect, real_cluster: RealCluster, clock: Callable[[int], None]
) -> None:
    offers = Offers(HOUR)
    driver = connect(offers, "revives", real_cluster.master, dispatcher="thread")
    with driver:
        wait_until(lambda: offers.count == 1, lambda: "no offer")
        clock(5)
        assert offers.count == 1
        driver.revive_offers()
        clock(3)
        wait_until(lambda: offers.count == 2, lambda: "no offer after the revival")


def test_a_suppressed_framework_gets_no_offers(
    connect: Connect, real_cluster: RealCluster, clock: Callable[[int], None]
) -> None:
    offers = Offers({"refuse_seconds": 0})
    offers.react = lambda driver, status: None
    driver = connect(offers, "suppresses", real_cluster.master, dispatcher="thread")
    with driver:
        wait_until(lambda: offers.count > 0, lambda: "no offer")
        driver.suppress_offers()
        driver.reconcile_tasks([{"task_id": "unknown", "state": "TASK_RUNNING"}])
        wait_until(lambda: bool(offers.updates), lambda: "the master does not answer what was asked after it")
        clock(3)  # those that were on their way
        before = offers.count
        clock(5)
        assert offers.count == before
        driver.revive_offers()
        wait_until(lambda: offers.count > before, lambda: "no offer after the revival")


def test_constraints_hold_from_the_first_offer_on(
    connect: Connect, real_cluster: RealCluster, clock: Callable[[int], None]
) -> None:
    has_rack = {"selector": {"attribute_name": "rack"}, "predicate": {"exists": {}}}
    nowhere = {"role_constraints": {"*": {"groups": [{"attribute_constraints": [has_rack]}]}}}
    offers = Offers({"refuse_seconds": 0})
    driver = connect(offers, "picky", real_cluster.master, dispatcher="thread", offer_constraints=nowhere)
    with driver:
        wait_until(lambda: driver.connected, lambda: "not registered")
        clock(5)
        assert offers.count == 0
        driver.update_framework("picky", offer_constraints={})
        wait_until(lambda: offers.count > 0, lambda: "no offer without constraints")


def test_it_comes_back_to_a_master_that_was_killed(
    connect: Connect, real_mesos: RealMesos, tmp_path: Path
) -> None:
    notes = Notes()
    with RealCluster(real_mesos, tmp_path, agents=0) as cluster:
        info = {"name": "comes-back", "failover_timeout": 60}
        driver = connect(notes, info, cluster.master, dispatcher="poll")
        with driver:
            run_until(driver, lambda: notes.calls == ["registered"])
            identity = driver.framework_id
            cluster.master_daemon.kill9()
            run_until(driver, lambda: notes.calls == ["registered", "disconnected"])
            assert not driver.connected
            cluster.master_daemon.start()
            run_until(driver, lambda: notes.calls == ["registered", "disconnected", "reregistered"])
            assert driver.framework_id == identity


def test_how_long_it_takes_to_register(
    connect: Connect, real_cluster: RealCluster, capsys: pytest.CaptureFixture[str]
) -> None:
    """A figure, not a check of one: machines differ."""
    times = []
    for number in range(20):
        notes = Notes()
        driver = connect(notes, f"timed-{number}", real_cluster.master, dispatcher="poll")
        begin = time.perf_counter()
        driver.start()
        run_until(driver, lambda notes=notes: notes.calls)
        times.append(1e3 * (time.perf_counter() - begin))
        driver.stop()
        driver.join(TIMEOUT)
    with capsys.disabled():
        figures = f"median {statistics.median(times):.1f} ms ({min(times):.1f} to {max(times):.1f}, 20 runs)"
        print(f"\nstart() to registered on the real master: {figures}")
    assert len(times) == 20


def test_the_framework_runs_as_this_user_from_this_host(connect: Connect, real_cluster: RealCluster) -> None:
    driver = connect(Notes({"who": "true"}), "who", real_cluster.master)
    drive(driver)
    assert driver.framework.user == pwd.getpwuid(os.geteuid()).pw_name
    assert driver.framework.hostname == os.uname().nodename
