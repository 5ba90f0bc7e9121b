"""Reservations and persistent volumes on a real Mesos, each operation with its feedback."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import mesos
import pytest

from .cluster import RealCluster
from .schedulers import run_until
from .setup import RealMesos

ROLE = "storage"
FRAMEWORK = {
    "name": "operations",
    "user": "nobody",
    "roles": [ROLE],
    "capabilities": [{"type": "MULTI_ROLE"}, {"type": "RESERVATION_REFINEMENT"}],
}
RESERVED = {
    "name": "disk",
    "type": "SCALAR",
    "scalar": {"value": 64},
    "reservations": [{"type": "DYNAMIC", "role": ROLE}],
    "allocation_info": {"role": ROLE},
}
VOLUME = RESERVED | {
    "disk": {"persistence": {"id": "kept"}, "volume": {"container_path": "data", "mode": "RW"}},
}
FINISHED = mesos.OperationState.OPERATION_FINISHED
AGAIN = {"refuse_seconds": 0.01}


class Operator(mesos.Scheduler):
    """Keeps the newest offer, and all updates of operations."""

    def __init__(self) -> None:
        self.offer: mesos.Offer | None = None
        self.updates: list[mesos.OperationStatus] = []

    def resource_offers(self, driver: mesos.SchedulerDriver, offers: list[mesos.Offer]) -> None:
        (self.offer,) = offers

    def offer_rescinded(self, driver: mesos.SchedulerDriver, offer_id: mesos.OfferID) -> None:
        self.offer = None

    def operation_status_update(self, driver: mesos.SchedulerDriver, status: mesos.OperationStatus) -> None:
        self.updates.append(status)

    def operate(self, driver: mesos.SchedulerDriver, kind: str, resource: dict[str, Any]) -> None:
        """Carry out one operation, whose id is its kind, on what is offered; return with its update there."""
        run_until(driver, lambda: self.offer is not None)
        assert self.offer is not None
        body = {"volumes" if kind in ("CREATE", "DESTROY") else "resources": [resource]}
        operation = {"type": kind, "id": kind, kind.lower(): body}
        driver.accept_offers(self.offer, operation, AGAIN)
        self.offer, before = None, len(self.updates)
        run_until(driver, lambda: len(self.updates) > before)
        assert self.updates[-1].operation_id.value == kind

    def reconciled(self, driver: mesos.SchedulerDriver, asked: list[Any]) -> mesos.OperationStatus:
        """Return what the master says of an operation when asked."""
        before = len(self.updates)
        driver.reconcile_operations(asked)
        run_until(driver, lambda: len(self.updates) > before)
        assert not self.updates[-1].HasField("uuid")
        return self.updates[-1]


@pytest.fixture(scope="module")
def cluster(real_mesos: RealMesos, tmp_path_factory: pytest.TempPathFactory) -> Iterator[RealCluster]:
    """Start a cluster of its own: what is reserved would be missing elsewhere."""
    with RealCluster(real_mesos, tmp_path_factory.mktemp("operations")) as cluster:
        yield cluster


def operations(cluster: RealCluster) -> list[str]:
    """Return the ids of operations that the master keeps, as they are not acknowledged."""
    kept = cluster.master_daemon.call("GET_OPERATIONS").get("operations", [])
    return [operation["info"]["id"]["value"] for operation in kept]


def volumes(cluster: RealCluster) -> list[Path]:
    return list(cluster.directory.glob(f"agent1/work/volumes/roles/{ROLE}/*"))


def test_a_volume_from_its_reservation_to_its_end(cluster: RealCluster) -> None:
    operator = Operator()
    with mesos.SchedulerDriver(operator, FRAMEWORK, cluster.master, dispatcher="poll") as driver:
        operator.operate(driver, "RESERVE", RESERVED)
        operator.operate(driver, "CREATE", VOLUME)
        assert [path.name for path in volumes(cluster)] == ["kept"]
        run_until(driver, lambda: operator.offer is not None)
        assert operator.offer is not None
        disks = [resource.disk for resource in operator.offer.resources if resource.HasField("disk")]
        assert [disk.persistence.id for disk in disks] == ["kept"]
        operator.operate(driver, "DESTROY", VOLUME)
        assert volumes(cluster) == []
        operator.operate(driver, "UNRESERVE", RESERVED)
        assert [update.state for update in operator.updates] == [FINISHED] * 4
        assert all(update.agent_id == operator.updates[0].agent_id for update in operator.updates)
        assert driver.stats.acknowledgements == 4
        # the answer comes behind the last acknowledgement: the master keeps nothing that was acknowledged
        status = operator.reconciled(driver, [operator.updates[-1]])
        assert status.state == mesos.OperationState.OPERATION_UNKNOWN
        assert operations(cluster) == []
        assert driver.stats.calls_rejected == 0


def test_explicit_acknowledgements_and_reconciliation(cluster: RealCluster) -> None:
    operator = Operator()
    with mesos.SchedulerDriver(
        operator, FRAMEWORK, cluster.master, dispatcher="poll", implicit_acknowledgements=False
    ) as driver:
        operator.operate(driver, "RESERVE", RESERVED)
        (update,) = operator.updates
        assert update.state == FINISHED
        assert operations(cluster) == ["RESERVE"]
        for asked in ([update], []):
            status = operator.reconciled(driver, asked)
            assert (status.operation_id, status.state) == (update.operation_id, FINISHED)
        driver.acknowledge_operation_status(update)
        assert operator.reconciled(driver, [update]).state == mesos.OperationState.OPERATION_UNKNOWN
        assert operations(cluster) == []
        operator.operate(driver, "UNRESERVE", RESERVED)


def test_an_operation_that_cannot_be(cluster: RealCluster) -> None:
    operator = Operator()
    with mesos.SchedulerDriver(operator, FRAMEWORK, cluster.master, dispatcher="poll") as driver:
        operator.operate(driver, "UNRESERVE", RESERVED)
        (update,) = operator.updates
        assert update.state == mesos.OperationState.OPERATION_ERROR
        assert "disk" in update.message
        assert driver.stats.acknowledgements == 0  # the master says so itself, and waits for none
