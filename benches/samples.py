"""What the message benches are run on: the same contents made with any library's classes.

The sizes are those of a busy cluster: an offer has 20 resources in 4 roles (two kinds of reservations, 3
persistent volumes, ports in several ranges) and 5 attributes; a task a command, an environment, a URI,
4 resources and a label.
"""

from __future__ import annotations

from typing import Any

FRAMEWORK = "4fdd0a61-56d2-4eb4-9c2e-1e2b0a1f2c3d-0001"
AGENT = "4fdd0a61-56d2-4eb4-9c2e-1e2b0a1f2c3d-S42"
SCALAR, RANGES, TEXT = 0, 1, 3
STATIC, DYNAMIC = 1, 2


def offer(module: Any, number: int = 17) -> Any:
    """An offer as a busy agent makes it."""
    made = module.Offer(hostname=f"agent-{number}.eu-west-1.example.org")
    made.id.value = f"4fdd0a61-56d2-4eb4-9c2e-1e2b0a1f2c3d-O{number}"
    made.framework_id.value = FRAMEWORK
    made.agent_id.value = f"4fdd0a61-56d2-4eb4-9c2e-1e2b0a1f2c3d-S{number}"
    made.url.scheme = "http"
    made.url.address.hostname = made.hostname
    made.url.address.ip = f"10.1.{number // 250}.{number % 250}"
    made.url.address.port = 5051
    made.url.path = "/slave(1)"
    made.domain.fault_domain.region.name = "eu-west-1"
    made.domain.fault_domain.zone.name = "eu-west-1a"
    made.allocation_info.role = "analytics"
    for role in ("*", "analytics", "web", "batch"):
        for name, amount in (("cpus", 3.5), ("mem", 14336.0 + number), ("disk", 102400.0)):
            reserve(resource(made, name, amount), role)
        ports = resource(made, "ports", None)
        ports.type = RANGES
        for begin in (31000, 31400, 31800) if role == "*" else (31000, 31400):
            ports.ranges.range.add(begin=begin, end=begin + 10 + number)
        reserve(ports, role)
    resource(made, "gpus", 4.0)
    for volume in range(3):
        disk = reserve(resource(made, "disk", 10240.0), "analytics", DYNAMIC)
        label = disk.reservations[0].labels.labels.add()
        label.key, label.value = "instance", f"i{number}"
        disk.disk.persistence.id = f"volume-{volume}"
        disk.disk.persistence.principal = "scheduler"
        disk.disk.volume.container_path = "data"
        disk.disk.volume.mode = 1
    attributes = (
        ("rack", f"r{number % 20}"),
        ("zone", "eu-west-1a"),
        ("type", "m5.8xlarge"),
        ("kernel", "6.1"),
    )
    for name, text in attributes:
        made.attributes.add(name=name, type=TEXT).text.value = text
    made.attributes.add(name="generation", type=SCALAR).scalar.value = 5.0
    return made


def resource(made: Any, name: str, amount: float | None) -> Any:
    """One more resource of an offer, allocated as those of real offers are."""
    added = made.resources.add(name=name, type=SCALAR)
    if amount is not None:
        added.scalar.value = amount
    added.allocation_info.role = "analytics"
    return added


def reserve(reserved: Any, role: str, kind: int = STATIC) -> Any:
    """The resource, reserved for a role."""
    if role != "*":
        reserved.reservations.add(type=kind, role=role, principal="scheduler")
    return reserved


def event(events: Any, module: Any, count: int = 100) -> Any:
    """The event that brings so many offers."""
    made = events.Event(type=2)
    for number in range(count):
        made.offers.offers.append(offer(module, number))
    return made


def status(module: Any) -> Any:
    """An update of a running task."""
    made = module.TaskStatus(
        state=1,
        source=2,
        timestamp=1700000000.25,
        uuid=b"\x12\x93\xff\xee" * 4,
        message="Reregistered with the agent",
        healthy=True,
    )
    made.task_id.value = "web.5fd2ad9a-34b6-4f0c.12"
    made.agent_id.value = AGENT
    made.executor_id.value = "web.5fd2ad9a"
    made.container_status.container_id.value = "5fd2ad9a-34b6-4f0c-9d5b-3bb4d17b9c1e"
    made.container_status.executor_pid = 12345
    network = made.container_status.network_infos.add(name="bridge")
    network.ip_addresses.add(protocol=1, ip_address="10.1.2.3")
    return made


def task(module: Any, number: int = 0) -> Any:
    """A task made by writing to attributes, as google.protobuf's users do it."""
    made = module.TaskInfo(name="web")
    made.task_id.value = f"web.{number}"
    made.agent_id.value = AGENT
    made.command.value = "python3 -m http.server $PORT0"
    made.command.user = "nobody"
    made.command.environment.variables.add(name="PORT0", value="31005")
    made.command.environment.variables.add(name="APP", value="/web")
    made.command.uris.add(value="http://example.org/app.tgz", extract=True)
    for name, amount in (("cpus", 1.5), ("mem", 2048.0), ("disk", 100.0)):
        made.resources.add(name=name, type=SCALAR).scalar.value = amount
    made.resources.add(name="ports", type=RANGES).ranges.range.add(begin=31005, end=31005)
    made.labels.labels.add(key="app", value="web")
    return made


def task_dict(number: int = 0) -> dict[str, Any]:
    """The same task as plain dicts."""
    scalars = (("cpus", 1.5), ("mem", 2048.0), ("disk", 100.0))
    return {
        "name": "web",
        "task_id": {"value": f"web.{number}"},
        "agent_id": {"value": AGENT},
        "command": {
            "value": "python3 -m http.server $PORT0",
            "user": "nobody",
            "environment": {
                "variables": [{"name": "PORT0", "value": "31005"}, {"name": "APP", "value": "/web"}]
            },
            "uris": [{"value": "http://example.org/app.tgz", "extract": True}],
        },
        "resources": [
            *({"name": name, "type": "SCALAR", "scalar": {"value": amount}} for name, amount in scalars),
            {"name": "ports", "type": "RANGES", "ranges": {"range": [{"begin": 31005, "end": 31005}]}},
        ],
        "labels": {"labels": [{"key": "app", "value": "web"}]},
    }


def accept(calls: Any, module: Any, count: int = 50) -> bytes:
    """The encoded call that launches so many tasks."""
    made = calls.Call(type=3)
    made.framework_id.value = FRAMEWORK
    made.accept.offer_ids.add(value="offer")
    launch = made.accept.operations.add(type=1).launch
    for number in range(count):
        launch.task_infos.append(task(module, number))
    made.accept.filters.refuse_seconds = 5.0
    return bytes(made.SerializeToString())


def accept_dict(count: int = 50) -> dict[str, Any]:
    """The same call as plain dicts."""
    launch = {"type": "LAUNCH", "launch": {"task_infos": [task_dict(number) for number in range(count)]}}
    return {
        "type": "ACCEPT",
        "framework_id": {"value": FRAMEWORK},
        "accept": {
            "offer_ids": [{"value": "offer"}],
            "operations": [launch],
            "filters": {"refuse_seconds": 5.0},
        },
    }


def touch(made: Any) -> object:
    """What a framework reads of an offer before it decides."""
    agent, offer_id, host = made.agent_id.value, made.id.value, made.hostname
    cpus = mem = 0.0
    ports = 0
    for item in made.resources:
        name = item.name
        if name == "cpus":
            cpus += item.scalar.value
        elif name == "mem":
            mem += item.scalar.value
        elif name == "ports":
            for part in item.ranges.range:
                ports += part.end - part.begin + 1
    rack = None
    for attribute in made.attributes:
        if attribute.name == "rack":
            rack = attribute.text.value
    return agent, offer_id, host, cpus, mem, ports, rack


def read_status(made: Any) -> object:
    """What a framework reads of an update."""
    return (
        made.task_id.value,
        made.state,
        made.agent_id.value,
        made.uuid,
        made.message,
        made.HasField("healthy"),
    )
