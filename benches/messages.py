"""Message classes against google.protobuf's (upb), operation by operation.

Both sides get the same bytes and run the same code.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import mesos
import reference
from mesos.v1 import scheduler
from timing import paired, show


def offer(module: Any) -> Any:
    """An offer as a busy agent makes it: 20 resources in 4 roles, 3 persistent volumes, 5 attributes."""
    made = module.Offer(hostname="agent-17.example.org")
    made.id.value = "4fdd0a61-56d2-4eb4-9c2e-1e2b0a1f2c3d-O1234567"
    made.framework_id.value = "4fdd0a61-56d2-4eb4-9c2e-1e2b0a1f2c3d-0001"
    made.agent_id.value = "4fdd0a61-56d2-4eb4-9c2e-1e2b0a1f2c3d-S42"
    for role in ("*", "web", "batch", "analytics"):
        for name, amount in (("cpus", 3.5), ("mem", 14336.0), ("disk", 102400.0)):
            resource = made.resources.add(name=name, type=0)
            resource.scalar.value = amount
            resource.allocation_info.role = role
            if role != "*":
                resource.reservations.add(type=2, role=role)
        ports = made.resources.add(name="ports", type=1)
        ports.ranges.range.add(begin=31000, end=31999)
        ports.ranges.range.add(begin=32100, end=32500)
    for number in range(4):
        volume = made.resources.add(name="disk", type=0)
        volume.scalar.value = 2048.0
        volume.disk.persistence.id = f"volume-{number}"
        volume.disk.volume.container_path = f"data/{number}"
        volume.disk.volume.mode = 1
    for name, text in (("rack", "r7"), ("zone", "eu-1a"), ("os", "linux"), ("gpu", "none"), ("disk", "ssd")):
        made.attributes.add(name=name, type=3).text.value = text
    return made


def touch(message: Any) -> float:
    """What a framework reads of an offer before it decides."""
    total = len(message.agent_id.value) + len(message.id.value) + len(message.hostname)
    for resource in message.resources:
        if resource.name in ("cpus", "mem"):
            total += resource.scalar.value
        elif resource.name == "ports":
            total += sum(r.end - r.begin for r in resource.ranges.range)
    return total + sum(len(a.text.value) for a in message.attributes if a.name == "rack")


def build(module: Any, number: int = 0) -> Any:
    """A task by attribute writes."""
    task = module.TaskInfo(name="task")
    task.task_id.value = f"task-{number}"
    task.agent_id.value = "agent-1"
    task.command.value = "echo hello"
    task.command.environment.variables.add(name="A", value="b")
    task.command.uris.add(value="http://example.org/a.tgz")
    for name, amount in (("cpus", 0.5), ("mem", 128.0), ("disk", 10.0), ("gpus", 1.0)):
        task.resources.add(name=name, type=0).scalar.value = amount
    task.labels.labels.add(key="owner", value="me")
    return task


KEYWORDS: dict[str, Any] = {
    "name": "task",
    "task_id": {"value": "task-1"},
    "agent_id": {"value": "agent-1"},
    "command": {"value": "echo hello", "environment": {"variables": [{"name": "A", "value": "b"}]}},
    "resources": [
        {"name": n, "type": "SCALAR", "scalar": {"value": v}} for n, v in (("cpus", 0.5), ("mem", 128.0))
    ],
}


def accept(call: Any, module: Any) -> bytes:
    """A call that launches 50 tasks."""
    made = call.Call(type=3)
    made.framework_id.value = "framework"
    made.accept.offer_ids.add(value="offer")
    launch = made.accept.operations.add(type=1).launch
    for number in range(50):
        launch.task_infos.append(build(module, number))
    return bytes(made.SerializeToString())


def rows() -> Iterator[tuple[str, str, str]]:
    """Each operation: our time, and how many times google.protobuf's it is."""
    pb, pb_scheduler = reference.modules()
    one = offer(pb).SerializeToString()
    many = pb_scheduler.Event(type=2)
    for _ in range(100):
        many.offers.offers.append(offer(pb))
    event = many.SerializeToString()
    status = pb.TaskStatus(state=1, message="running", uuid=b"0123456789abcdef", timestamp=1.5, source=1)
    status.task_id.value, status.agent_id.value = "task-1", "agent-1"
    update = status.SerializeToString()

    def reads(module: Any) -> object:
        parsed = module.TaskStatus.FromString(update)
        return (
            parsed.task_id.value,
            parsed.state,
            parsed.message,
            parsed.agent_id.value,
            parsed.uuid,
            parsed.timestamp,
        )

    def look(events: Any) -> float:
        return sum(touch(o) for o in events.Event.FromString(event).offers.offers)

    ours, theirs = mesos.Offer.FromString(one), pb.Offer.FromString(one)
    operations = [
        ("parse an Offer", lambda: mesos.Offer.FromString(one), lambda: pb.Offer.FromString(one)),
        (
            "parse an Event of 100 offers",
            lambda: scheduler.Event.FromString(event),
            lambda: pb_scheduler.Event.FromString(event),
        ),
        ("read a parsed Offer", lambda: touch(ours), lambda: touch(theirs)),
        ("parse an Event of 100 offers and read them", lambda: look(scheduler), lambda: look(pb_scheduler)),
        ("parse a TaskStatus and read 6 fields", lambda: reads(mesos), lambda: reads(pb)),
        ("build a TaskInfo by attributes", lambda: build(mesos), lambda: build(pb)),
        (
            "… and serialise it",
            lambda: build(mesos).SerializeToString(),
            lambda: build(pb).SerializeToString(),
        ),
        (
            "build a TaskInfo from nested dicts",
            lambda: mesos.TaskInfo(**KEYWORDS),
            lambda: pb.TaskInfo(**KEYWORDS),
        ),
        (
            "build and serialise an ACCEPT of 50 tasks",
            lambda: accept(scheduler, mesos),
            lambda: accept(pb_scheduler, pb),
        ),
        ("serialise a parsed Offer", ours.SerializeToString, theirs.SerializeToString),
        (
            "compare two parsed Offers",
            lambda: mesos.Offer.FromString(one) == ours,
            lambda: pb.Offer.FromString(one) == theirs,
        ),
    ]
    for name, mine, upb in operations:
        seconds, ratio = paired(mine, upb)
        yield name, show(seconds), f"{ratio:.1f} × google.protobuf"
