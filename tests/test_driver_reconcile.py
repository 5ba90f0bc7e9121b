"""`reconcile="auto"` as its user sees it; src/driver/reconciler/tests.rs lets the time pass."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import mesos
import pytest
from recorder import OFFER, PATIENCE, REGISTERED, Recorder, calls, update

if TYPE_CHECKING:
    from collections.abc import Callable

    from mesos.testing import ScriptedBackend

    Make = Callable[..., mesos.SchedulerDriver]

TASK: dict[str, Any] = {
    "name": "t",
    "task_id": "t-1",
    "command": {"value": "true"},
    "resources": mesos.Resources(cpus=1),
}
AGAIN = [("disconnected",), ("reregistered",)]


def play(driver: mesos.SchedulerDriver, backend: ScriptedBackend, *events: Any) -> None:
    """Have these events handled, one by one."""
    backend.play(list(events))
    for _ in events:
        assert driver.run_once(PATIENCE)


def asked(backend: ScriptedBackend) -> list[list[tuple[str, str]]]:
    """Return the task and agent ids of each RECONCILE so far; an empty list is everything."""
    found = [call.reconcile.tasks for call in backend.calls if call.HasField("reconcile")]
    return [[(task.task_id.value, task.agent_id.value) for task in tasks] for tasks in found]


@pytest.fixture
def driver(make: Make) -> mesos.SchedulerDriver:
    one = make(Recorder(), dispatcher="poll", reconcile="auto")
    one.start()
    return one


def test_each_registration_asks_for_the_tasks_that_are_known(
    driver: mesos.SchedulerDriver, backend: ScriptedBackend
) -> None:
    play(driver, backend, REGISTERED)
    assert asked(backend) == [[]], "nothing is known yet: everything"
    driver.launch_tasks(OFFER, [TASK, {**TASK, "task_id": "t-2"}])
    play(driver, backend, update("seen"), *AGAIN)
    known = [("seen", "agent-1"), ("t-1", "agent-1"), ("t-2", "agent-1")]
    assert asked(backend) == [[], known]
    play(driver, backend, *[update(name, uuid=None) for name, _ in known[:2]])
    assert len(asked(backend)) == 2, "one is not answered yet"
    play(driver, backend, update("t-2", uuid=None))
    assert asked(backend) == [[], known, []]
    assert calls(backend).count("ACKNOWLEDGE") == 1, (
        "an answer has no uuid: nobody waits for an acknowledgement"
    )


def test_a_task_whose_end_was_acknowledged_is_not_asked_for(
    driver: mesos.SchedulerDriver, backend: ScriptedBackend
) -> None:
    driver.launch_tasks(OFFER, TASK)
    name, running = update("t-1")
    play(driver, backend, REGISTERED, (name, running))
    play(driver, backend, (name, {**running, "state": "TASK_FINISHED", "uuid": b"f" * 16}))
    assert calls(backend)[-1] == "ACKNOWLEDGE"
    play(driver, backend, *AGAIN)
    assert asked(backend)[-1] == []


def test_an_end_that_the_program_has_not_acknowledged_is_asked_for(
    make: Make, backend: ScriptedBackend
) -> None:
    driver = make(Recorder(), dispatcher="poll", reconcile="auto", implicit_acknowledgements=False)
    driver.start()
    name, status = update("t-1")
    status["state"] = "TASK_FAILED"
    play(driver, backend, REGISTERED, (name, status), *AGAIN)
    assert asked(backend)[-1] == [("t-1", "agent-1")]
    driver.acknowledge_status_update(status)
    assert calls(backend)[-2:] == ["ACKNOWLEDGE", "RECONCILE"], "in this order"
    assert asked(backend)[-1] == []


def test_what_the_program_asks_for_is_known(driver: mesos.SchedulerDriver, backend: ScriptedBackend) -> None:
    play(driver, backend, REGISTERED)
    driver.reconcile_tasks(["stored", {"task_id": "other", "agent_id": "agent-2"}])
    play(driver, backend, *AGAIN)
    assert asked(backend)[1:] == [
        [("stored", ""), ("other", "agent-2")],
        [("other", "agent-2"), ("stored", "")],
    ]


def test_nothing_is_asked_after_the_end(driver: mesos.SchedulerDriver, backend: ScriptedBackend) -> None:
    play(driver, backend, REGISTERED)
    driver.stop()
    driver.reconcile_tasks(["t"])
    assert calls(backend) == ["RECONCILE", "TEARDOWN"]
    assert driver.stats.calls_dropped == 1


def test_without_it_nothing_is_asked(make: Make, backend: ScriptedBackend) -> None:
    driver = make(Recorder(), dispatcher="poll")
    driver.start()
    play(driver, backend, REGISTERED, update("t-1", uuid=None), *AGAIN)
    assert calls(backend) == []


@pytest.mark.parametrize("wrong", [True, "implicit", "", 900])
def test_other_values_are_refused(make: Make, wrong: Any) -> None:
    with pytest.raises(mesos.ConfigurationError, match='"auto" or None'):
        make(Recorder(), reconcile=wrong)
