"""The status machine, cell by cell: every method in every state, from outside and from inside handlers."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import mesos
import pytest
from mesos.testing import ScriptedBackend
from recorder import OFFER, PATIENCE, REGISTERED, AsyncRecorder, Recorder, calls, message, update
from refusals import task

if TYPE_CHECKING:
    Make = Callable[..., mesos.SchedulerDriver]

NOT_STARTED, RUNNING, ABORTED, STOPPED = mesos.Status
#: With an id, so that `update_framework` may be called at any time.
FRAMEWORK = {"name": "test", "id": "framework-1"}
STATUS = update()[1]
OPERATION = {
    "state": "OPERATION_FINISHED",
    "operation_id": "o",
    "agent_id": "a",
    "uuid": {"value": STATUS["uuid"]},
}

Method = Callable[[mesos.SchedulerDriver], mesos.Status]

#: Every call: what it sends while the driver runs.
CALLS: dict[str, tuple[Method, list[str]]] = {
    "accept_offers": (lambda driver: driver.accept_offers(OFFER, []), ["ACCEPT"]),
    "launch_tasks": (lambda driver: driver.launch_tasks(OFFER, task()), ["ACCEPT"]),
    "launch_tasks, none": (lambda driver: driver.launch_tasks(OFFER, []), ["DECLINE"]),
    "decline_offer": (lambda driver: driver.decline_offer("o"), ["DECLINE"]),
    "decline_offer, none": (lambda driver: driver.decline_offer([]), []),
    "accept_inverse_offers": (lambda driver: driver.accept_inverse_offers("i"), ["ACCEPT_INVERSE_OFFERS"]),
    "decline_inverse_offers": (lambda driver: driver.decline_inverse_offers("i"), ["DECLINE_INVERSE_OFFERS"]),
    "revive_offers": (lambda driver: driver.revive_offers(), ["REVIVE"]),
    "revive_offers, none": (lambda driver: driver.revive_offers([]), []),
    "suppress_offers": (lambda driver: driver.suppress_offers("*"), ["SUPPRESS"]),
    "suppress_offers, none": (lambda driver: driver.suppress_offers([]), []),
    "kill_task": (lambda driver: driver.kill_task("t"), ["KILL"]),
    "shutdown_executor": (lambda driver: driver.shutdown_executor("e", "a"), ["SHUTDOWN"]),
    "send_framework_message": (lambda driver: driver.send_framework_message("e", "a", b"x"), ["MESSAGE"]),
    "acknowledge_status_update": (
        lambda driver: driver.acknowledge_status_update(STATUS),
        ["ACKNOWLEDGE"],
    ),
    "acknowledge_status_update, no uuid": (
        lambda driver: driver.acknowledge_status_update(update(uuid=None)[1]),
        [],
    ),
    "acknowledge_operation_status": (
        lambda driver: driver.acknowledge_operation_status(OPERATION),
        ["ACKNOWLEDGE_OPERATION_STATUS"],
    ),
    "reconcile_tasks": (lambda driver: driver.reconcile_tasks([]), ["RECONCILE"]),
    "reconcile_operations": (lambda driver: driver.reconcile_operations([]), ["RECONCILE_OPERATIONS"]),
    "request_resources": (lambda driver: driver.request_resources([]), ["REQUEST"]),
    "update_framework": (lambda driver: driver.update_framework(FRAMEWORK), ["UPDATE_FRAMEWORK"]),
}

#: How a driver gets to a state, and the state.
STATES: dict[str, tuple[list[Method], mesos.Status]] = {
    "not started": ([], NOT_STARTED),
    "running": ([lambda driver: driver.start()], RUNNING),
    "aborted": ([lambda driver: driver.start(), lambda driver: driver.abort()], ABORTED),
    "stopped": ([lambda driver: driver.start(), lambda driver: driver.stop(True)], STOPPED),
    "stopped after an abort": (
        [lambda driver: driver.start(), lambda driver: driver.abort(), lambda driver: driver.stop()],
        STOPPED,
    ),
}

#: What begins, ends and waits: by state, what it returns, the status then, and how the backend was ended.
LIFE: dict[str, tuple[Method, dict[str, tuple[mesos.Status, mesos.Status, str | None]]]] = {
    "start": (
        lambda driver: driver.start(),
        {
            "not started": (RUNNING, RUNNING, None),
            "running": (RUNNING, RUNNING, None),
            "aborted": (ABORTED, ABORTED, "abort"),
            "stopped": (STOPPED, STOPPED, "failover"),
            "stopped after an abort": (STOPPED, STOPPED, "abort"),
        },
    ),
    "stop": (
        lambda driver: driver.stop(),
        {
            "not started": (NOT_STARTED, NOT_STARTED, None),
            "running": (STOPPED, STOPPED, "teardown"),
            "aborted": (ABORTED, STOPPED, "abort"),
            "stopped": (STOPPED, STOPPED, "failover"),
            "stopped after an abort": (STOPPED, STOPPED, "abort"),
        },
    ),
    "stop as failover": (
        lambda driver: driver.stop(failover=True),
        {
            "not started": (NOT_STARTED, NOT_STARTED, None),
            "running": (STOPPED, STOPPED, "failover"),
            "aborted": (ABORTED, STOPPED, "abort"),
            "stopped": (STOPPED, STOPPED, "failover"),
            "stopped after an abort": (STOPPED, STOPPED, "abort"),
        },
    ),
    "abort": (
        lambda driver: driver.abort(),
        {
            "not started": (NOT_STARTED, NOT_STARTED, None),
            "running": (ABORTED, ABORTED, "abort"),
            "aborted": (ABORTED, ABORTED, "abort"),
            "stopped": (STOPPED, STOPPED, "failover"),
            "stopped after an abort": (STOPPED, STOPPED, "abort"),
        },
    ),
    "join": (
        lambda driver: driver.join(
            0.01
        ),  # while it runs, a join has nothing to return before its time is over
        {
            "not started": (NOT_STARTED, NOT_STARTED, None),
            "running": (RUNNING, RUNNING, None),
            "aborted": (ABORTED, ABORTED, "abort"),
            "stopped": (STOPPED, STOPPED, "failover"),
            "stopped after an abort": (STOPPED, STOPPED, "abort"),
        },
    ),
    "wait": (
        lambda driver: asyncio.run(driver.wait(0.01)),
        {
            "not started": (NOT_STARTED, NOT_STARTED, None),
            "running": (RUNNING, RUNNING, None),
            "aborted": (ABORTED, ABORTED, "abort"),
            "stopped": (STOPPED, STOPPED, "failover"),
            "stopped after an abort": (STOPPED, STOPPED, "abort"),
        },
    ),
    "run": (  # of a driver that runs, or is to, it ends with the driver: test_driver.py
        lambda driver: driver.run(),
        {
            "aborted": (ABORTED, ABORTED, "abort"),
            "stopped": (STOPPED, STOPPED, "failover"),
            "stopped after an abort": (STOPPED, STOPPED, "abort"),
        },
    ),
}


def in_state(make: Make, state: str, scheduler: object, **settings: Any) -> mesos.SchedulerDriver:
    """Make a driver and bring it into a state."""
    settings = {"dispatcher": "poll", "framework": FRAMEWORK, "implicit_acknowledgements": False, **settings}
    driver = make(scheduler, **settings)
    steps, status = STATES[state]
    for step in steps:
        step(driver)
    assert driver.status is status
    return driver


def test_every_method_is_in_the_tables() -> None:
    life = {"start", "stop", "abort", "join", "wait", "run", "run_once", "fileno"}
    methods = {
        name
        for name in dir(mesos.SchedulerDriver)
        if not name.startswith("_") and callable(getattr(mesos.SchedulerDriver, name))
    }
    assert {name.partition(",")[0] for name in CALLS} == methods - life


@pytest.mark.parametrize("state", STATES)
@pytest.mark.parametrize("name", CALLS)
def test_a_call(make: Make, backend: ScriptedBackend, name: str, state: str) -> None:
    method, sent = CALLS[name]
    driver = in_state(make, state, Recorder())
    status = STATES[state][1]
    assert method(driver) is status
    assert driver.status is status
    assert calls(backend) == (sent if status is RUNNING else [])
    assert driver.stats.calls_dropped == (0 if status is RUNNING else len(sent))


@pytest.mark.parametrize(("name", "state"), [(name, state) for name in LIFE for state in LIFE[name][1]])
def test_a_step(make: Make, backend: ScriptedBackend, name: str, state: str) -> None:
    method, cells = LIFE[name]
    returned, after, ended = cells[state]
    recorder = Recorder()
    driver = in_state(make, state, recorder)
    assert method(driver) is returned
    assert driver.status is after
    assert backend.ended == ended
    assert calls(backend) == (["TEARDOWN"] if ended == "teardown" else [])
    if after in {ABORTED, STOPPED}:
        backend.play([REGISTERED, message(b"x")])
        assert driver.join(PATIENCE) is after
    assert recorder.events == [], "no callback after the end"


@pytest.mark.parametrize("kind", [Recorder, AsyncRecorder])
@pytest.mark.parametrize("name", CALLS)
def test_a_call_in_a_handler(make: Make, backend: ScriptedBackend, name: str, kind: type[Recorder]) -> None:
    """While it runs; after its own stop, in the same handler."""
    method, sent = CALLS[name]
    returned: list[mesos.Status] = []

    def registered(driver: mesos.SchedulerDriver, *_: Any) -> None:
        returned.append(method(driver))
        returned.append(driver.stop(failover=True))
        returned.append(method(driver))

    driver = in_state(make, "running", kind(registered=registered), dispatcher="thread")
    backend.play([REGISTERED])
    driver.join(PATIENCE)
    assert returned == [RUNNING, STOPPED, STOPPED]
    assert calls(backend) == sent


@pytest.mark.parametrize("kind", [Recorder, AsyncRecorder])
@pytest.mark.parametrize("name", ["start", "stop", "stop as failover", "abort"])
def test_a_step_in_a_handler(make: Make, backend: ScriptedBackend, name: str, kind: type[Recorder]) -> None:
    method, cells = LIFE[name]
    returned, after, ended = cells["running"]
    found: list[Any] = []
    recorder = kind(
        registered=lambda driver, *_: found.append((method(driver), driver.status)),
        framework_message=lambda driver, *_: driver.stop(),
    )
    driver = in_state(make, "running", recorder, dispatcher="thread")
    backend.play([REGISTERED, message(b"x")])
    driver.join(PATIENCE)
    assert found == [(returned, after)]
    if name == "start":
        assert (backend.ended, len(recorder.events)) == ("teardown", 2), "it goes on"
    else:
        assert (backend.ended, len(recorder.events)) == (ended, 1), "what was queued is discarded unseen"


@pytest.mark.parametrize("name", [*CALLS, *LIFE])
def test_a_method_in_the_error_handler(make: Make, backend: ScriptedBackend, name: str) -> None:
    """The driver aborts first, then tells of it: nothing can be sent any more."""
    method, cells = LIFE.get(name) or (CALLS[name][0], {"aborted": (ABORTED, ABORTED, "abort")})
    found: list[Any] = []

    class Handler(Recorder):
        def error(self, driver: mesos.SchedulerDriver, message: str) -> None:
            found.extend([message, driver.status])
            try:
                found.append(method(driver))
            except RuntimeError as refused:
                found.append(refused)

    driver = in_state(make, "running", Handler(), dispatcher="thread")
    backend.play([("error", "Framework has been removed"), message(b"x")])
    driver.join(PATIENCE)
    returned, after, ended = cells["aborted"]
    assert found[:2] == ["Framework has been removed", ABORTED]
    if name in {"join", "run", "wait"}:
        assert isinstance(found[2], RuntimeError), "a handler cannot wait for its own end"
    else:
        assert found[2] is returned
        assert driver.status is after
    assert (backend.ended, calls(backend)) == (ended, [])


def test_an_abort_of_the_drivers_own(make: Make, backend: ScriptedBackend) -> None:
    """As any other: calls go nowhere, a stop is still to come."""
    recorder = Recorder()
    driver = in_state(make, "running", recorder)
    backend.play([("error", "why"), message(b"x")])
    with pytest.raises(mesos.DriverAbortedError, match="why"):
        driver.run_once(PATIENCE)
    assert driver.kill_task("t") is ABORTED
    assert driver.stop() is ABORTED
    assert driver.status is STOPPED
    assert (recorder.events, backend.ended, calls(backend)) == ([], "abort", [])


def test_calls_that_are_dropped_are_said_once(
    make: Make, backend: ScriptedBackend, caplog: pytest.LogCaptureFixture
) -> None:
    driver = in_state(make, "stopped", Recorder())
    for _ in range(3):
        driver.kill_task("t")
    assert driver.stats.calls_dropped == 3
    assert [record.levelname for record in caplog.records] == ["WARNING"]


def test_a_driver_that_cannot_be_made_raises() -> None:
    """There is no driver then: C++ would give one that is aborted, and call `error` from the constructor."""
    recorder = Recorder()
    with pytest.raises(mesos.ConfigurationError):
        mesos.SchedulerDriver(recorder, "test", "zk://nowhere")
    assert recorder.events == []
