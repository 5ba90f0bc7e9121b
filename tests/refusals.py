"""Calls that Mesos refuses for certain: each with the words of the refusal.

What the driver raises for them is looked at in test_calls.py, and what a real master does in
tests/real/test_refusals.py: both walk these tables, so that nothing is refused here that Mesos would take.
"""

from __future__ import annotations

from typing import Any

import mesos

SMALL = mesos.Resources(cpus=0.1, mem=32, disk=1)
COMMAND = {"value": "true"}
EXECUTOR: dict[str, Any] = {"executor_id": "e", "command": COMMAND, "resources": SMALL}
DEFAULT: dict[str, Any] = {"executor_id": "e", "type": "DEFAULT", "resources": SMALL}

Changes = dict[str, Any]


def task(task_id: str = "task", **changes: Any) -> dict[str, Any]:
    """Return a task that Mesos takes, but for the changes; None takes a field away."""
    made = {"task_id": task_id, "name": "task", "command": COMMAND, "resources": SMALL} | changes
    return {name: value for name, value in made.items() if value is not None}


def environment(**variable: Any) -> Changes:
    """Return the changes that give a task this variable."""
    return {"command": {"value": "true", "environment": {"variables": [{"name": "V", **variable}]}}}


def own(**changes: Any) -> Changes:
    """Return the changes that give a task an executor of its framework's."""
    executor = EXECUTOR | changes
    executor = {name: value for name, value in executor.items() if value is not None}
    return {"command": None, "executor": executor}


def volume(**changes: Any) -> Changes:
    """Return the changes that give a task a container with this volume."""
    return {
        "container": {"type": "MESOS", "volumes": [{"container_path": "p", "mode": "RW", **changes}]},
    }


def resource(name: str = "cpus", amount: float = 0.1, **more: Any) -> dict[str, Any]:
    """Return a resource."""
    return {"name": name, "type": "SCALAR", "scalar": {"value": amount}, **more}


DOCKER = {"image": "i", "parameters": [{"key": "name", "value": "v"}]}
SECRET = {"type": "VALUE", "value": {"data": b"s"}}
BAD_SECRET = {"type": "REFERENCE", "value": {"data": b"s"}}
ZERO = {"type": "VALUE", "value": {"data": b"\0"}}
CAP = {"container": {"type": "MESOS", "linux_info": {"share_cgroups": False}}}

#: Changes of a task of a LAUNCH, and the words.
TASKS: list[tuple[Changes, str]] = [
    ({"task_id": ""}, "ID must not be empty"),
    ({"task_id": "."}, "'.' is disallowed"),
    ({"task_id": ".."}, "'..' is disallowed"),
    ({"task_id": "a/b"}, "'a/b' contains invalid characters"),
    ({"task_id": "a\\b"}, "contains invalid characters"),
    ({"task_id": "a\nb"}, "contains invalid characters"),
    ({"task_id": "a\x7fb"}, "contains invalid characters"),
    ({"task_id": "x" * 256}, "ID must not be greater than 255 characters"),
    ({"task_id": "é" * 128}, "ID must not be greater than 255 characters"),
    ({"command": None}, "at least one (but not both) of CommandInfo or ExecutorInfo"),
    ({"executor": EXECUTOR}, "at least one (but not both) of CommandInfo or ExecutorInfo"),
    (
        {"kill_policy": {"grace_period": {"nanoseconds": -1}}},
        "'kill_policy.grace_period' must be non-negative",
    ),
    ({"max_completion_time": {"nanoseconds": -1}}, "`max_completion_time` must be non-negative"),
    ({"resources": None}, "Task uses no resources"),
    ({"resources": [resource(amount=-1)]}, "value <= 0"),
    ({"resources": [resource("")]}, "Empty resource name"),
    ({"resources": [{"name": "cpus", "type": "SCALAR"}]}, "Invalid scalar resource"),
    ({"resources": [resource("gpus", 0.5)]}, "must be an unsigned integer"),
    ({"resources": [resource("disk", 1, disk={})]}, "DiskInfo is set but empty"),
    ({"check": {}}, "CheckInfo must specify 'type'"),
    ({"check": {"type": "COMMAND"}}, "Expecting 'command' to be set for COMMAND check"),
    (
        {"check": {"type": "COMMAND", "command": {"command": {}}}},
        "Command check must contain 'shell command'",
    ),
    ({"check": {"type": "HTTP"}}, "Expecting 'http' to be set for HTTP check"),
    ({"check": {"type": "HTTP", "http": {"port": 1, "path": "x"}}}, "must start with '/'"),
    ({"check": {"type": "TCP"}}, "Expecting 'tcp' to be set for TCP check"),
    (
        {"check": {"type": "TCP", "tcp": {"port": 1}, "delay_seconds": -1}},
        "'delay_seconds' to be non-negative",
    ),
    ({"health_check": {}}, "HealthCheck must specify 'type'"),
    ({"health_check": {"type": "COMMAND"}}, "Expecting 'command' to be set for COMMAND health check"),
    ({"health_check": {"command": {"shell": False}}}, "Command health check must contain 'executable path'"),
    ({"health_check": {"http": {"port": 1, "scheme": "ftp"}}}, "Unsupported HTTP health check scheme: 'ftp'"),
    ({"health_check": {"type": "HTTP", "http": {"port": 1, "path": "x"}}}, "must start with '/'"),
    ({"health_check": {"type": "TCP"}}, "Expecting 'tcp' to be set for TCP health check"),
    (
        {"health_check": {"type": "TCP", "tcp": {"port": 1}, "grace_period_seconds": -1}},
        "'grace_period_seconds' to be non-negative",
    ),
    (environment(), "of type 'VALUE' must have a value set"),
    (environment(value="v", secret=SECRET), "of type 'VALUE' must not have a secret set"),
    (environment(type="SECRET"), "of type 'SECRET' must have a secret set"),
    (environment(type="SECRET", value="v", secret=SECRET), "must not have a value set"),
    (
        environment(type="SECRET", secret=BAD_SECRET),
        "Secret of type REFERENCE must have the 'reference' field",
    ),
    (environment(type="SECRET", secret=ZERO), "secret containing null bytes"),
    (volume(), "Only one of them should be set"),
    (volume(host_path="h", source={"type": "HOST_PATH"}), "Only one of them should be set"),
    (volume(source={"type": "SANDBOX_PATH"}), "'source.sandbox_path' is not set for SANDBOX_PATH volume"),
    (volume(source={}), "'source.type' is unknown"),
    ({"container": {"type": "DOCKER"}}, "DockerInfo 'docker' is not set for DOCKER typed ContainerInfo"),
    ({"container": {"type": "DOCKER", "docker": DOCKER}}, "Parameter in DockerInfo must not be 'name'"),
    ({"limits": {"disk": 1}}, "Only cpus and mem may be included"),
    ({"limits": {"cpus": 0.01}}, "The cpu limit must be greater than or equal to the cpu request"),
    (
        {"limits": {"mem": 1}, "resources": mesos.Resources(cpus=0.1)},
        "a memory request must also be specified",
    ),
    (CAP, "Only tasks in a task group may have 'share_cgroups' set to 'false'"),
    (own(executor_id=""), "ID must not be empty"),
    (own(executor_id="a/b"), "'a/b' contains invalid characters"),
    (own(command=None), "'ExecutorInfo.command' must be set"),
    (own(type="DEFAULT", command=None), "'ExecutorInfo.type' must be 'CUSTOM'"),
    (own(type="DEFAULT"), "'ExecutorInfo.command' must not be set for 'DEFAULT' executor"),
    (own(framework_id="another"), "ExecutorInfo has an invalid FrameworkID"),
    (own(shutdown_grace_period={"nanoseconds": -1}), "'shutdown_grace_period' must be non-negative"),
    (own(command=environment()["command"]), "Executor's `CommandInfo` is invalid"),
    (own(container={"type": "DOCKER"}), "Executor's `ContainerInfo` is invalid"),
    (own(resources=[resource(amount=-1)]), "value <= 0"),
    (
        own(container={"type": "MESOS", "linux_info": {"share_cgroups": True}}),
        "cannot be set to 'true' on executor containers",
    ),
]


def group(executor: Changes, *tasks: dict[str, Any]) -> dict[str, Any]:
    """Return a LAUNCH_GROUP."""
    made = {name: value for name, value in (DEFAULT | executor).items() if value is not None}
    launch = {"executor": made, "task_group": {"tasks": list(tasks or [task()])}}
    return {"type": "LAUNCH_GROUP", "launch_group": launch}


NETWORK = {"type": "MESOS", "network_infos": [{"name": "n"}]}

#: Task groups, and the words.
GROUPS: list[tuple[dict[str, Any], str]] = [
    (group({}, task("a/b")), "'a/b' contains invalid characters"),
    (group({}, task(resources=None)), "Task uses no resources"),
    (group({"type": None}), "'ExecutorInfo.type' must be set"),
    (group({"type": "UNKNOWN"}), "Unknown executor type"),
    (group({"command": COMMAND}), "'ExecutorInfo.command' must not be set for 'DEFAULT' executor"),
    (group({"type": "CUSTOM"}), "'ExecutorInfo.command' must be set for 'CUSTOM' executor"),
    (group({"framework_id": "another"}), "ExecutorInfo has an invalid FrameworkID"),
    (
        group({"container": {"type": "DOCKER", "docker": {"image": "i"}}}),
        "must be 'MESOS' for 'DEFAULT' executor",
    ),
    (
        group({"container": {"type": "MESOS", "mesos": {"image": {"type": "APPC", "appc": {"name": "n"}}}}}),
        "image",
    ),
    (group({"resources": None}), "uses less CPUs (None) than the minimum required (0.01)"),
    (group({"resources": mesos.Resources(cpus=0.1, disk=1)}), "uses less memory (None)"),
    (group({"resources": mesos.Resources(cpus=0.1, mem=8, disk=1)}), "than the minimum required (32MB)"),
    (group({"resources": mesos.Resources(cpus=0.1, mem=32)}), "uses no disk"),
    (
        group({}, task(executor={**DEFAULT, "executor_id": "other"})),
        "is different from executor 'e'",
    ),
    (
        group({}, task(container={"type": "DOCKER", "docker": {"image": "i"}})),
        "Docker ContainerInfo is not supported",
    ),
    (group({}, task(health_check={"command": COMMAND})), "HealthCheck must specify 'type'"),
    (
        group({}, task(health_check={"type": "TCP", "tcp": {"port": 1}}, container=NETWORK)),
        "not supported for nested containers",
    ),
    (group({}, task(limits={"cpus": 1})), "Resource limits may only be set"),
    (group({}, task("one", **CAP), task("two")), "the value of 'share_cgroups' must be the same"),
]

RESERVED = {"reservations": [{"type": "DYNAMIC", "role": "web", "principal": "p"}]}
PERSISTENT = {"persistence": {"id": "v"}, "volume": {"container_path": "p", "mode": "RW"}}
VOLUME = resource("disk", 5, **RESERVED, disk=PERSISTENT)
PROVIDED = resource("disk", 5, provider_id="p", disk={"source": {"type": "RAW"}})

#: Operations on resources (each gets an id, for feedback), and the words.
OPERATIONS: list[tuple[dict[str, Any], str]] = [
    ({"type": "RESERVE", "reserve": {"resources": [resource()]}}, "is not dynamically reserved"),
    ({"type": "RESERVE", "reserve": {"resources": [resource(amount=-1)]}}, "value <= 0"),
    (
        {"type": "RESERVE", "reserve": {"resources": [resource(**RESERVED)], "source": [resource()]}},
        "Reservation updates are not yet implemented",
    ),
    ({"type": "UNRESERVE", "unreserve": {"resources": [resource()]}}, "is not dynamically reserved"),
    ({"type": "UNRESERVE", "unreserve": {"resources": [VOLUME]}}, "cannot be unreserved directly"),
    ({"type": "CREATE", "create": {"volumes": [resource("disk", 5, **RESERVED)]}}, "does not have DiskInfo"),
    (
        {
            "type": "CREATE",
            "create": {"volumes": [VOLUME | {"disk": PERSISTENT | {"persistence": {"id": "a/b"}}}]},
        },
        "Invalid persistence ID",
    ),
    (
        {"type": "CREATE", "create": {"volumes": [resource("disk", 5, disk=PERSISTENT)]}},
        "from unreserved resources",
    ),
    (
        {"type": "DESTROY", "destroy": {"volumes": [resource("disk", 5, **RESERVED)]}},
        "does not have DiskInfo",
    ),
    (
        {
            "type": "GROW_VOLUME",
            "grow_volume": {"volume": VOLUME, "addition": resource("disk", 0, **RESERVED)},
        },
        "must be greater than zero",
    ),
    (
        {
            "type": "GROW_VOLUME",
            "grow_volume": {"volume": resource("disk", 5), "addition": resource("disk", 1)},
        },
        "does not have DiskInfo",
    ),
    (
        {"type": "SHRINK_VOLUME", "shrink_volume": {"volume": VOLUME, "subtract": {"value": 0}}},
        "must be greater than zero",
    ),
    (
        {"type": "SHRINK_VOLUME", "shrink_volume": {"volume": VOLUME, "subtract": {"value": 5}}},
        "must be smaller than the size",
    ),
    (
        {"type": "CREATE_DISK", "create_disk": {"source": resource("disk", 5), "target_type": "MOUNT"}},
        "not managed by a resource provider",
    ),
    (
        {
            "type": "CREATE_DISK",
            "create_disk": {"source": PROVIDED, "target_type": "PATH", "target_profile": "p"},
        },
        "'target_type' is neither MOUNT or BLOCK",
    ),
    (
        {"type": "CREATE_DISK", "create_disk": {"source": PROVIDED, "target_type": "MOUNT"}},
        "'target_profile' must be set",
    ),
    ({"type": "DESTROY_DISK", "destroy_disk": {"source": PROVIDED}}, "is not backed by a CSI volume"),
]

MULTI = [{"type": "MULTI_ROLE"}]
ATTRIBUTE = {"selector": {"attribute_name": "a"}, "predicate": {"exists": {}}}


def constraints(*groups: Any) -> dict[str, Any]:
    """Return offer constraints of the role `web`."""
    return {"role_constraints": {"web": {"groups": list(groups)}}}


#: Fields of a FrameworkInfo, other settings of a driver, and the words.
FRAMEWORKS: list[tuple[Changes, Changes, str]] = [
    ({"roles": ["web"]}, {}, "'FrameworkInfo.roles' must not be set"),
    ({"role": "web", "capabilities": MULTI}, {}, "'FrameworkInfo.role' must not be set"),
    ({"roles": ["web", "web"], "capabilities": MULTI}, {}, "duplicate items"),
    ({"role": "a b"}, {}, "backspace or whitespace"),
    ({"role": "-a"}, {}, "starts with a dash"),
    ({"roles": [""], "capabilities": MULTI}, {}, "cannot be the empty string"),
    ({"roles": ["/a"], "capabilities": MULTI}, {}, "cannot start with a slash"),
    ({"roles": ["a/../b"], "capabilities": MULTI}, {}, "cannot include '..' as a component"),
    ({"id": "a/b"}, {}, "'a/b' contains invalid characters"),
    (
        {"offer_filters": {"*": {"min_allocatable_resources": {"quantities": [{}]}}}},
        {},
        "must contain at least one quantity",
    ),
    ({"role": "web"}, {"suppressed_roles": ["ops"]}, "'ops' is not contained in the list of roles"),
    ({"role": "web"}, {"offer_constraints": constraints()}, "has an empty 'RoleConstraints::groups'"),
    ({"role": "web"}, {"offer_constraints": constraints({})}, "contains an empty RoleConstraints::Group"),
    (
        {"role": "web"},
        {"offer_constraints": constraints({"attribute_constraints": [{**ATTRIBUTE, "selector": {}}]})},
        "must be set",
    ),
    (
        {"role": "web"},
        {"offer_constraints": constraints({"attribute_constraints": [{**ATTRIBUTE, "predicate": {}}]})},
        "Unknown predicate type",
    ),
]
