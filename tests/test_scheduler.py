"""The calls of a scheduler: what is sent for each form of argument, and what is refused before it is sent."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import mesos
import mesos.v1.scheduler
import pytest
from recorder import OFFER, PATIENCE, REGISTERED, Recorder, calls, update

if TYPE_CHECKING:
    from collections.abc import Callable

    from mesos.testing import ScriptedBackend

TASK: dict[str, Any] = {
    "name": "t",
    "task_id": "t-1",
    "command": {"value": "true"},
    "resources": mesos.Resources(cpus=1),
}
#: A framework in several roles.
ROLES: dict[str, Any] = {
    "name": "test",
    "roles": ["a", "b", "web"],
    "capabilities": [{"type": "MULTI_ROLE"}],
}
OTHER_OFFER = {**OFFER, "id": "offer-2"}


@pytest.fixture
def driver(make: Callable[..., mesos.SchedulerDriver], backend: ScriptedBackend) -> mesos.SchedulerDriver:
    """A driver that is registered."""
    one = make(Recorder(), dispatcher="poll", framework=ROLES)
    one.start()
    backend.play([REGISTERED])
    one.run_once(PATIENCE)
    return one


def ids(offers: Any) -> list[str]:
    return [offer.value for offer in offers]


@pytest.mark.parametrize(
    ("offers", "expected"),
    [
        (mesos.Offer(**OFFER), ["offer-1"]),
        (OFFER, ["offer-1"]),
        ([mesos.Offer(**OFFER), OTHER_OFFER], ["offer-1", "offer-2"]),
        (mesos.OfferID(value="o"), ["o"]),
        ({"value": "o"}, ["o"]),
        ("o", ["o"]),
        (["a", mesos.OfferID(value="b"), OFFER], ["a", "b", "offer-1"]),
        ((offer for offer in ("a", "b")), ["a", "b"]),
        (mesos.Offer(id="only", agent_id="a"), ["only"]),
    ],
)
def test_forms_of_offers(
    driver: mesos.SchedulerDriver, backend: ScriptedBackend, offers: Any, expected: list[str]
) -> None:
    assert driver.decline_offer(offers, {"refuse_seconds": 3600}) is mesos.DRIVER_RUNNING
    sent = backend.calls[0].decline
    assert ids(sent.offer_ids) == expected
    assert sent.filters.refuse_seconds == 3600
    assert backend.calls[0].framework_id.value == "framework-1"


def test_launch_fills_in_the_agent_of_the_offer_on_a_copy(
    driver: mesos.SchedulerDriver, backend: ScriptedBackend
) -> None:
    task = mesos.TaskInfo(**TASK)
    unset = {**TASK, "task_id": "t-2"}
    mine = {**TASK, "task_id": "t-3", "agent_id": "mine"}
    driver.launch_tasks(mesos.Offer(**OFFER), [task, unset, mine], {"refuse_seconds": 1})
    assert calls(backend) == ["ACCEPT"]
    accept = backend.calls[0].accept
    [operation] = accept.operations
    assert operation.type == mesos.Offer.Operation.LAUNCH
    assert [task.agent_id.value for task in operation.launch.task_infos] == ["agent-1", "agent-1", "mine"]
    assert operation.launch.task_infos[0].command.value == "true"
    assert accept.filters.refuse_seconds == 1
    assert not task.HasField("agent_id")
    assert "agent_id" not in unset


def test_the_agent_may_be_said_by_any_of_the_offers_and_under_its_old_name(
    driver: mesos.SchedulerDriver, backend: ScriptedBackend
) -> None:
    old = {name: value for name, value in OFFER.items() if name != "agent_id"}
    driver.launch_tasks(["offer-0", {**old, "slave_id": "agent-1"}], TASK)
    [operation] = backend.calls[0].accept.operations
    assert [task.agent_id.value for task in operation.launch.task_infos] == ["agent-1"]


def test_one_task_is_enough_and_no_tasks_decline(
    driver: mesos.SchedulerDriver, backend: ScriptedBackend
) -> None:
    driver.launch_tasks(OFFER, TASK)
    driver.launch_tasks(OFFER, [], {"refuse_seconds": 2})
    assert calls(backend) == ["ACCEPT", "DECLINE"]
    assert backend.calls[1].decline.filters.refuse_seconds == 2


@pytest.mark.parametrize("form", ["dict", "message"])
def test_operations_get_the_agent_too(
    driver: mesos.SchedulerDriver, backend: ScriptedBackend, form: str
) -> None:
    executor = {
        "executor_id": "e",
        "type": "DEFAULT",
        "resources": mesos.Resources(cpus=0.1, mem=32, disk=1),
    }
    group = {"executor": executor, "task_group": {"tasks": [{**TASK, "task_id": "t-2"}]}}
    mine = {**TASK, "task_id": "t-3", "agent_id": "mine"}
    operations: list[Any] = [
        {"type": "LAUNCH", "launch": {"task_infos": [TASK, mine]}},
        {"type": "LAUNCH_GROUP", "launch_group": group},
        {"type": "RESERVE", "id": "op-1", "reserve": {"resources": []}},
    ]
    if form == "message":
        operations = [mesos.Offer.Operation(**operation) for operation in operations]
    driver.accept_offers([OFFER, OTHER_OFFER], operations)
    launch, launch_group, reserve = backend.calls[0].accept.operations
    assert [task.agent_id.value for task in launch.launch.task_infos] == ["agent-1", "mine"]
    assert launch_group.launch_group.task_group.tasks[0].agent_id.value == "agent-1"
    assert launch_group.launch_group.executor.executor_id.value == "e"
    assert launch_group.launch_group.executor.framework_id.value == "framework-1", "filled in, too"
    assert reserve.id.value == "op-1"
    assert ids(backend.calls[0].accept.offer_ids) == ["offer-1", "offer-2"]


def test_calls_about_tasks(driver: mesos.SchedulerDriver, backend: ScriptedBackend) -> None:
    driver.kill_task("t")
    driver.kill_task(mesos.TaskID(value="t"), {"value": "a"}, {"grace_period": {"nanoseconds": 5}})
    driver.reconcile_tasks([])
    status = mesos.TaskStatus(task_id="t", agent_id="a", state="TASK_RUNNING", message="left out")
    driver.reconcile_tasks([status, "u", {"task_id": "v", "agent_id": "b"}])
    driver.reconcile_operations([{"operation_id": "o", "resource_provider_id": "p"}, "q"])
    assert calls(backend) == ["KILL", "KILL", "RECONCILE", "RECONCILE", "RECONCILE_OPERATIONS"]
    first, second, implicit, explicit, operations = backend.calls
    assert first.kill.task_id.value == "t"
    assert not first.kill.HasField("agent_id")
    assert second.kill.agent_id.value == "a"
    assert second.kill.kill_policy.grace_period.nanoseconds == 5
    assert len(implicit.reconcile.tasks) == 0
    tasks = explicit.reconcile.tasks
    assert [(task.task_id.value, task.agent_id.value) for task in tasks] == [
        ("t", "a"),
        ("u", ""),
        ("v", "b"),
    ]
    found = operations.reconcile_operations.operations
    assert [(one.operation_id.value, one.resource_provider_id.value) for one in found] == [
        ("o", "p"),
        ("q", ""),
    ]


def test_calls_about_roles(driver: mesos.SchedulerDriver, backend: ScriptedBackend) -> None:
    driver.revive_offers()
    driver.revive_offers([])
    driver.revive_offers(("a", "b"))
    driver.suppress_offers()
    driver.suppress_offers(())
    driver.suppress_offers("web")
    assert calls(backend) == ["REVIVE", "REVIVE", "SUPPRESS", "SUPPRESS"]
    assert [list(call.revive.roles) for call in backend.calls[:2]] == [[], ["a", "b"]]
    assert [list(call.suppress.roles) for call in backend.calls[2:]] == [[], ["web"]]


@pytest.mark.parametrize("data", [b"\0x", bytearray(b"\0x"), memoryview(b"\0x")])
def test_calls_about_executors(driver: mesos.SchedulerDriver, backend: ScriptedBackend, data: Any) -> None:
    driver.send_framework_message("e", "a", data)
    driver.shutdown_executor("e", mesos.AgentID(value="a"))
    sent, shutdown = backend.calls
    assert sent.message.data == b"\0x"
    assert (sent.message.executor_id.value, sent.message.agent_id.value) == ("e", "a")
    assert (shutdown.shutdown.executor_id.value, shutdown.shutdown.agent_id.value) == ("e", "a")


def test_other_calls(driver: mesos.SchedulerDriver, backend: ScriptedBackend) -> None:
    driver.request_resources([{"agent_id": "a", "resources": []}])
    driver.accept_inverse_offers("i")
    driver.decline_inverse_offers(["i", "j"], {"refuse_seconds": 9})
    assert calls(backend) == ["REQUEST", "ACCEPT_INVERSE_OFFERS", "DECLINE_INVERSE_OFFERS"]
    assert ids(backend.calls[2].decline_inverse_offers.inverse_offer_ids) == ["i", "j"]


def test_update_framework(
    make: Callable[..., mesos.SchedulerDriver], driver: mesos.SchedulerDriver, backend: ScriptedBackend
) -> None:
    driver.suppress_offers(["a", "b"])
    driver.revive_offers(["b"])
    driver.update_framework({**ROLES, "name": "new", "failover_timeout": 7})
    driver.update_framework(driver.framework, suppressed_roles=[])
    driver.suppress_offers()
    driver.update_framework({**ROLES, "roles": ["b"]})
    first, second, third = (
        call.update_framework for call in backend.calls if call.HasField("update_framework")
    )
    assert first.framework_info.name == "new"
    assert first.framework_info.id.value == "framework-1"
    assert list(first.suppressed_roles) == ["a"], "as it was"
    assert list(second.suppressed_roles) == []
    assert list(third.suppressed_roles) == ["b"], "a role that was left is not suppressed any more"
    assert first.framework_info.user == driver.framework.user
    with pytest.raises(mesos.EncodeError, match="another id"):
        driver.update_framework({"name": "x", "id": "other"})
    with pytest.raises(RuntimeError, match="before it is registered"):
        make(Recorder()).update_framework("x")


def test_a_refused_update_is_taken_back_before_the_program_hears_of_it(
    make: Callable[..., mesos.SchedulerDriver], backend: ScriptedBackend
) -> None:
    def said(driver: mesos.SchedulerDriver) -> tuple[str, list[str]]:
        return driver.framework.name, list(driver.framework.roles)

    heard = []
    driver = make(
        Recorder(call_rejected=lambda driver, *_: heard.append(said(driver))),
        dispatcher="poll",
        framework=ROLES,
    )
    driver.start()
    backend.play([REGISTERED])
    driver.run_once(PATIENCE)
    driver.update_framework({**ROLES, "name": "one", "roles": ["a", "secret"]}, suppressed_roles=["secret"])
    driver.suppress_offers(["a"])
    driver.update_framework({**ROLES, "name": "two"})
    driver.update_framework({**ROLES, "name": "three", "failover_timeout": 7}, offer_constraints={})
    assert (said(driver), driver._leaves_as_failover()) == (("three", ROLES["roles"]), True)
    one, _, two, three = backend.calls[-4:]
    for refused in (one, three, two):
        backend.play([("call_rejected", refused, 403, "Not authorized")])
        driver.run_once(PATIENCE)
    assert heard == [(name, ROLES["roles"]) for name in ("three", "two", "test")]
    assert not driver._leaves_as_failover()
    driver.update_framework(driver.framework)
    last = backend.calls[-1].update_framework
    assert (last.framework_info.name, list(last.suppressed_roles)) == ("test", ["a"]), (
        "what came since is kept"
    )
    assert not last.HasField("offer_constraints")


def test_acknowledging_by_hand(
    make: Callable[..., mesos.SchedulerDriver], driver: mesos.SchedulerDriver, backend: ScriptedBackend
) -> None:
    status = update()[1]
    with pytest.raises(RuntimeError, match="implicit_acknowledgements=False"):
        driver.acknowledge_status_update(status)
    explicit = make(Recorder(), implicit_acknowledgements=False, dispatcher="poll")
    explicit.start()
    explicit.acknowledge_status_update(status)
    explicit.acknowledge_status_update(update(uuid=None)[1])
    operation = {"state": "OPERATION_FINISHED", "operation_id": "o", "agent_id": "a"}
    explicit.acknowledge_operation_status({**operation, "uuid": {"value": status["uuid"]}})
    explicit.acknowledge_operation_status(operation)
    assert explicit._backend is not None
    assert calls(explicit._backend) == ["ACKNOWLEDGE", "ACKNOWLEDGE_OPERATION_STATUS"], "none without uuid"
    assert explicit.stats.acknowledgements == 2


@pytest.mark.parametrize(
    ("method", "args", "kind", "words"),
    [
        ("launch_tasks", ("o", [TASK]), mesos.EncodeError, '"t-1": agent_id is not set'),
        ("launch_tasks", ([], [TASK]), mesos.EncodeError, "offers: it is empty"),
        ("launch_tasks", ([OFFER, OFFER], [TASK]), mesos.EncodeError, "twice"),
        (
            "launch_tasks",
            ([OFFER, {**OTHER_OFFER, "agent_id": "b"}], []),
            mesos.EncodeError,
            "different agents",
        ),
        ("launch_tasks", (OFFER, [{"name": "t"}]), mesos.EncodeError, "task_id"),
        ("launch_tasks", (OFFER, [{**TASK, "nmae": "t"}]), ValueError, "nmae"),
        ("launch_tasks", (OFFER, [{**TASK, "command": 3}]), TypeError, "command"),
        ("launch_tasks", (OFFER, [3]), TypeError, "TaskInfo"),
        ("launch_tasks", (OFFER, 3), TypeError, "tasks"),
        ("launch_tasks", (3, [TASK]), TypeError, "offers"),
        ("launch_tasks", (None, [TASK]), TypeError, "offers"),
        (
            "accept_offers",
            ("o", [{"type": "LAUNCH", "launch": {"task_infos": [TASK]}}]),
            mesos.EncodeError,
            "t-1",
        ),
        ("accept_offers", (OFFER, [{"type": "LUNCH"}]), ValueError, "LUNCH"),
        ("decline_offer", (OFFER, {"refuse_secs": 3}), ValueError, "refuse_secs"),
        ("decline_offer", (OFFER, 3), TypeError, "Filters"),
        ("kill_task", (3,), TypeError, "TaskID"),
        ("kill_task", (None,), TypeError, "TaskID"),
        ("kill_task", (mesos.AgentID(value="a"),), TypeError, "TaskID"),
        ("revive_offers", (3,), TypeError, "roles"),
        ("suppress_offers", ([3],), TypeError, "roles"),
        ("suppress_offers", (["a", "a"],), ValueError, "'a'"),
        ("send_framework_message", ("e", "a", "text"), TypeError, "encode text first"),
        ("send_framework_message", ("e", "a", None), TypeError, "data"),
        ("shutdown_executor", ("e", None), TypeError, "AgentID"),
        ("reconcile_tasks", (3,), TypeError, "statuses"),
        ("reconcile_tasks", ([3],), TypeError, "TaskID"),
        ("request_resources", ([{"agnet_id": 3}],), ValueError, "agnet_id"),
        ("update_framework", ({"nmae": "x"},), ValueError, "nmae"),
    ],
)
def test_bad_input_raises_and_sends_nothing(  # noqa: PLR0917
    driver: mesos.SchedulerDriver,
    backend: ScriptedBackend,
    method: str,
    args: tuple[Any, ...],
    kind: type[Exception],
    words: str,
) -> None:
    with pytest.raises(kind) as raised:
        getattr(driver, method)(*args)
    assert words.replace('"', "'") in str(raised.value).replace('"', "'")
    driver.stop(True)
    with pytest.raises(kind):
        getattr(driver, method)(*args)
    assert calls(backend) == []


def test_protobufs_own_messages_are_taken(driver: mesos.SchedulerDriver, backend: ScriptedBackend) -> None:
    pytest.importorskip("google.protobuf")
    from google.protobuf import descriptor_pb2, descriptor_pool, message_factory  # noqa: PLC0415

    file = descriptor_pb2.FileDescriptorProto(name="t.proto", package="mesos.v1")
    made = file.message_type.add(name="TaskID")
    made.field.add(name="value", number=1, type="TYPE_STRING", label="LABEL_REQUIRED")
    pool = descriptor_pool.DescriptorPool()
    pool.Add(file)
    theirs = message_factory.GetMessageClass(pool.FindMessageTypeByName("mesos.v1.TaskID"))
    driver.kill_task(theirs(value="t"))
    assert backend.calls[0].kill.task_id.value == "t"


def test_the_base_class_is_polite(driver: mesos.SchedulerDriver, caplog: pytest.LogCaptureFixture) -> None:
    base = mesos.Scheduler()
    base.call_rejected(driver, mesos.v1.scheduler.Call(type="KILL"), 400, "no")
    assert "400" in caplog.text
    with pytest.raises(mesos.DriverAbortedError, match="why"):
        base.error(driver, "why")


def test_what_is_dropped_before_the_start_changes_nothing() -> None:
    framework = {"name": "x", "id": "f", "roles": ["r"], "capabilities": [{"type": "MULTI_ROLE"}]}
    recorder = Recorder()
    with mesos.LocalCluster() as cluster:
        driver = mesos.SchedulerDriver(recorder, framework, cluster.master, dispatcher="poll")
        assert driver.suppress_offers() == mesos.DRIVER_NOT_STARTED
        assert driver.update_framework({**framework, "name": "y"}) == mesos.DRIVER_NOT_STARTED
        assert driver.framework.name == "x"
        driver.start()
        while "resource_offers" not in recorder.names:
            assert driver.run_once(PATIENCE), "no offers: they are suppressed"
        driver.stop()
        driver.join(PATIENCE)
