"""Operations on offered resources: reservations, volumes, and what is told of them."""

from __future__ import annotations

from typing import Any

from ..conversation import Conversation
from .infos import task

#: Who has none can reserve nothing.
ROLE = "fidelity/inner"
LISTS = {"RESERVE": "resources", "UNRESERVE": "resources", "CREATE": "volumes", "DESTROY": "volumes"}


class Shop:
    """Makes resources and operations for the one role of a framework."""

    def __init__(self, talk: Conversation) -> None:
        self.talk = talk
        self.offer = talk.offer()
        self.role: str = talk.info.get("role", talk.info.get("roles", ["*"])[0])
        self.number = 0

    def scalar(self, name: str, value: float, role: str = "", **more: Any) -> dict[str, Any]:
        reservation = {"type": "DYNAMIC", "role": role or self.role}
        amount = {"name": name, "type": "SCALAR", "scalar": {"value": value}}
        return {**amount, "reservations": [reservation], **more}

    def volume(self, value: float, persistence: str) -> dict[str, Any]:
        disk = {"persistence": {"id": persistence}, "volume": {"mode": "RW", "container_path": "data"}}
        return self.scalar("disk", value, disk=disk)

    def operation(self, kind: str, *resources: dict[str, Any]) -> dict[str, Any]:
        self.number += 1
        body = {LISTS[kind]: list(resources)}
        return {"id": {"value": str(self.number)}, "type": kind, kind.lower(): body}

    def accept(self, *operations: dict[str, Any]) -> None:
        self.talk.call(
            "ACCEPT",
            offer_ids=[self.offer["id"]],
            operations=list(operations),
            filters={"refuse_seconds": 1000},
        )

    def told(self, acknowledge: bool = True) -> dict[str, Any]:
        status: dict[str, Any] = self.talk.expect("UPDATE_OPERATION_STATUS")["status"]
        if acknowledge and "uuid" in status:
            self.acknowledge(status)
        return status

    def acknowledge(self, status: dict[str, Any]) -> None:
        self.talk.call(
            "ACKNOWLEDGE_OPERATION_STATUS",
            agent_id=status["agent_id"],
            uuid=status["uuid"]["value"],
            operation_id=status["operation_id"],
        )

    def next(self) -> None:
        self.talk.call("REVIVE")
        self.offer = self.talk.another_offer()


def reservation_and_volume(talk: Conversation) -> None:
    shop = Shop(talk)
    reserved = [shop.scalar("cpus", 1), shop.scalar("mem", 64), shop.scalar("disk", 64)]
    shop.accept(shop.operation("RESERVE", *reserved))
    shop.told()
    shop.next()
    shop.accept(shop.operation("CREATE", shop.volume(64, "v")))
    shop.told()
    shop.next()
    resources = [*reserved[:2], shop.volume(64, "v")]
    talk.launch(task("t", "echo kept > data/file; cat data/file", resources=resources), offer=shop.offer)
    shop.offer = talk.until_offered("TASK_FINISHED")
    shop.accept(shop.operation("DESTROY", shop.volume(64, "v")), shop.operation("UNRESERVE", *reserved))
    shop.told()
    shop.told()


def operations_asked_for(talk: Conversation) -> None:
    shop = Shop(talk)
    one = [{"operation_id": {"value": "1"}, "agent_id": shop.offer["agent_id"]}]
    shop.accept(shop.operation("RESERVE", shop.scalar("cpus", 1)))
    status = shop.told(acknowledge=False)
    talk.call("RECONCILE_OPERATIONS", operations=one)
    shop.told()
    talk.call("RECONCILE_OPERATIONS", operations=[])
    shop.told()
    shop.acknowledge(status)
    for asked in (one, [{"operation_id": {"value": "1"}}], [{**one[0], "agent_id": {"value": "nowhere"}}]):
        talk.call("RECONCILE_OPERATIONS", operations=asked)
        shop.told()
    shop.next()
    shop.accept(shop.operation("UNRESERVE", shop.scalar("cpus", 1)))
    shop.told()


def bad_operations(talk: Conversation) -> None:
    shop = Shop(talk)
    unreserved = {"reservations": []}
    operations = [
        shop.operation("RESERVE", shop.scalar("cpus", 1, **unreserved)),
        shop.operation("RESERVE", shop.scalar("cpus", 1000)),
        shop.operation("RESERVE", shop.scalar("cpus", 1, "another")),
        shop.operation("RESERVE", shop.scalar("cpus", 1, "*")),
        shop.operation("RESERVE"),
        shop.operation("UNRESERVE", shop.scalar("cpus", 1, **unreserved)),
        shop.operation("UNRESERVE", shop.scalar("cpus", 1)),
        shop.operation("CREATE", shop.scalar("disk", 1)),
        shop.operation("CREATE", shop.volume(1, "x")),
        shop.operation("CREATE", {**shop.volume(1, "x"), **unreserved}),
        shop.operation("CREATE", shop.volume(1, "a/b")),
        shop.operation("CREATE"),
        shop.operation("DESTROY", shop.volume(1, "x")),
        {"id": {"value": "without"}, "type": "RESERVE"},
    ]
    shop.accept(*operations)
    for _ in operations:
        shop.told()


def resized(talk: Conversation) -> None:
    """A volume grows and shrinks."""
    shop = Shop(talk)

    def grow(size: float, more: float, **changes: Any) -> dict[str, Any]:
        body = {"volume": shop.volume(size, "v"), "addition": {**shop.scalar("disk", more), **changes}}
        return {**shop.operation("CREATE"), "type": "GROW_VOLUME", "grow_volume": body}

    def shrink(size: float, less: float) -> dict[str, Any]:
        body = {"volume": shop.volume(size, "v"), "subtract": {"value": less}}
        return {**shop.operation("CREATE"), "type": "SHRINK_VOLUME", "shrink_volume": body}

    def then(*operations: dict[str, Any]) -> None:
        shop.accept(*operations)
        for _ in operations:
            shop.told()
        shop.next()

    then(
        shop.operation("RESERVE", shop.scalar("disk", 100)),
        shop.operation("CREATE", shop.volume(64, "v")),
        grow(64, 36),
        shop.operation("DESTROY", shop.volume(100, "v")),
        grow(64, 36, reservations=[]),
    )
    then(
        shrink(100, 30),
        shrink(100, 100),
        shrink(100, 0),
        {**grow(100, 1), "grow_volume": None},
    )
    then(
        shop.operation("DESTROY", shop.volume(70, "v")), shop.operation("UNRESERVE", shop.scalar("disk", 100))
    )


for conversation in (reservation_and_volume, operations_asked_for, resized):
    conversation.info = {"role": ROLE}  # type: ignore[attr-defined]

CONVERSATIONS = [reservation_and_volume, operations_asked_for, bad_operations, resized]
