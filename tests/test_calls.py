"""What Mesos refuses for certain raises before anything is sent, with Mesos' words; and only that."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import mesos
import pytest
from recorder import OFFER, PATIENCE, REGISTERED, Recorder, calls, update
from refusals import COMMAND, EXECUTOR, FRAMEWORKS, GROUPS, OPERATIONS, SMALL, TASKS, group, task

if TYPE_CHECKING:
    from collections.abc import Callable

    from mesos.testing import ScriptedBackend

    Make = Callable[..., mesos.SchedulerDriver]

ROLES = {"name": "test", "roles": ["a", "b"], "capabilities": [{"type": "MULTI_ROLE"}]}


@pytest.fixture
def driver(make: Make, backend: ScriptedBackend) -> mesos.SchedulerDriver:
    """A driver that is registered."""
    one = make(Recorder(), dispatcher="poll", framework=ROLES, implicit_acknowledgements=False)
    one.start()
    backend.play([REGISTERED])
    one.run_once(PATIENCE)
    return one


@pytest.mark.parametrize(("changes", "words"), TASKS)
@pytest.mark.parametrize("form", ["dict", "message", "operation"])
def test_tasks(
    driver: mesos.SchedulerDriver, backend: ScriptedBackend, changes: dict[str, Any], words: str, form: str
) -> None:
    wrong: Any = task(**changes)
    tasks = [task("good"), mesos.TaskInfo(**wrong) if form == "message" else wrong]
    launch = {"type": "LAUNCH", "launch": {"task_infos": tasks}}
    with pytest.raises(mesos.EncodeError) as raised:
        driver.accept_offers(OFFER, launch) if form == "operation" else driver.launch_tasks(OFFER, tasks)
    assert words in str(raised.value)
    assert str(raised.value).startswith('task "')
    assert calls(backend) == []


@pytest.mark.parametrize(("operation", "words"), [*GROUPS, *OPERATIONS])
def test_operations(
    driver: mesos.SchedulerDriver, backend: ScriptedBackend, operation: dict[str, Any], words: str
) -> None:
    with pytest.raises(mesos.EncodeError) as raised:
        driver.accept_offers(OFFER, [{"type": "LAUNCH", "launch": {"task_infos": [task("good")]}}, operation])
    assert words in str(raised.value)
    assert f"operations: number 1, {operation['type']}" in str(raised.value)
    assert calls(backend) == []


@pytest.mark.parametrize(("info", "settings", "words"), FRAMEWORKS)
def test_frameworks(  # noqa: PLR0917
    driver: mesos.SchedulerDriver,
    make: Make,
    backend: ScriptedBackend,
    info: dict[str, Any],
    settings: dict[str, Any],
    words: str,
) -> None:
    with pytest.raises(mesos.ConfigurationError) as raised:
        make(Recorder(), framework={"name": "x", **info}, **settings)
    assert words in str(raised.value)
    if "id" in info:
        return
    with pytest.raises(mesos.ConfigurationError) as raised:
        driver.update_framework({"name": "x", **info}, **settings)
    assert words in str(raised.value)
    assert calls(backend) == []
    assert driver.framework.name == "test"


@pytest.mark.parametrize(
    ("method", "argument", "words"),
    [
        ("revive_offers", ["a", "c"], "role 'c' is not one of the framework's subscribed roles (a, b)"),
        ("suppress_offers", "c", "role 'c' is not one of"),
        ("suppress_offers", ["a b"], "whitespace"),
        ("update_framework", {**ROLES, "user": "other"}, "'FrameworkInfo.user' is unsupported"),
        ("update_framework", {**ROLES, "checkpoint": True}, "'FrameworkInfo.checkpoint' is unsupported"),
        ("update_framework", {**ROLES, "principal": "p"}, "principal is not allowed"),
        ("acknowledge_status_update", update(uuid=b"short")[1], "Not a valid UUID"),
        ("acknowledge_status_update", update(uuid=b"\xff" * 16)[1], "Not a valid UUID"),
        (
            "acknowledge_operation_status",
            {"state": "OPERATION_FINISHED", "operation_id": "o", "uuid": {"value": b"0123456789abcdef"}},
            "agent_id",
        ),
        (
            "acknowledge_operation_status",
            {"state": "OPERATION_FINISHED", "operation_id": "o", "agent_id": "a", "uuid": {"value": b"u"}},
            "Not a valid UUID",
        ),
    ],
)
def test_other_calls(
    driver: mesos.SchedulerDriver, backend: ScriptedBackend, method: str, argument: Any, words: str
) -> None:
    with pytest.raises(mesos.EncodeError) as raised:
        getattr(driver, method)(argument)
    assert words in str(raised.value)
    assert calls(backend) == []


def test_an_id_twice_in_a_call(driver: mesos.SchedulerDriver, backend: ScriptedBackend) -> None:
    launch = {"type": "LAUNCH", "launch": {"task_infos": [task("one"), task("two")]}}
    for attempt in (
        lambda: driver.launch_tasks(OFFER, [task("one"), task("two"), task("one")]),
        lambda: driver.accept_offers(OFFER, [launch, group({}, task("one"))]),
    ):
        with pytest.raises(
            mesos.EncodeError, match=r'task "one": .* another task of this call has the same id'
        ):
            attempt()
    assert calls(backend) == []


@pytest.mark.parametrize("kind", ["LAUNCH", "LAUNCH_GROUP"])
def test_launches_have_no_feedback(driver: mesos.SchedulerDriver, kind: str) -> None:
    launch = group({}) if kind == "LAUNCH_GROUP" else {"type": kind, "launch": {"task_infos": [task()]}}
    with pytest.raises(mesos.EncodeError, match=f"The `id` field cannot be set on {kind} operations"):
        driver.accept_offers(OFFER, {**launch, "id": "o"})


@pytest.mark.parametrize(
    "changes",
    [
        {"task_id": "x" * 255},
        {"task_id": "ü ~!@#$%^&*()"},
        {"task_id": "..."},
        {"command": None, "executor": EXECUTOR},
        {"command": None, "executor": {**EXECUTOR, "type": "CUSTOM", "framework_id": "framework-1"}},
        {"command": None, "executor": {"executor_id": "e", "command": COMMAND}},
        {"health_check": {"command": COMMAND}},
        {"health_check": {"http": {"port": 1}}},
        {"check": {"type": "TCP", "tcp": {"port": 1}}},
        {"limits": {"cpus": 0.1, "mem": float("inf")}},
        {"resources": [*SMALL, *mesos.Resources(ports=[(1, 2)])]},
        {"command": {"value": "x", "environment": {"variables": [{"name": "A", "value": ""}]}}},
        {"container": {"type": "MESOS"}},
        {"kill_policy": {"grace_period": {"nanoseconds": 0}}},
    ],
)
def test_what_mesos_takes_is_sent(
    driver: mesos.SchedulerDriver, backend: ScriptedBackend, changes: dict[str, Any]
) -> None:
    driver.launch_tasks(OFFER, task(**changes))
    assert calls(backend) == ["ACCEPT"]


def test_what_cannot_be_looked_at_is_sent(driver: mesos.SchedulerDriver, backend: ScriptedBackend) -> None:
    """Mesos takes text that is not UTF-8; who got it from elsewhere may pass it on."""
    wire = mesos.TaskInfo(**task(name="N")).SerializePartialToString().replace(b"\x01N", b"\x01\xff")
    driver.launch_tasks(
        OFFER, mesos.TaskInfo.FromString(wire + mesos.TaskInfo(agent_id="a").SerializePartialToString())
    )
    assert calls(backend) == ["ACCEPT"]


def test_a_role_twice(driver: mesos.SchedulerDriver) -> None:
    with pytest.raises(mesos.ConfigurationError, match="twice"):
        driver.revive_offers(["a", "a"])
