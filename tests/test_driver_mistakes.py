"""Mistakes in calls of a driver that runs: each an exception that names the argument, and nothing is sent."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import mesos
import pytest
from recorder import Recorder

if TYPE_CHECKING:
    from collections.abc import Callable

    from mesos.testing import ScriptedBackend

OFFER = mesos.Offer(id="o", framework_id="f", agent_id="a", hostname="h")
TASK = mesos.TaskInfo(task_id="t", name="t", command={"value": "true"})
LAUNCH = {"launch": {"task_infos": [TASK]}}

CALLS: dict[str, tuple[Callable[[mesos.SchedulerDriver], Any], type[Exception], str]] = {
    "arguments swapped": (lambda d: d.launch_tasks(TASK, OFFER), TypeError, "offers: .*OfferID, got Task"),
    "a task's name": (lambda d: d.launch_tasks(OFFER, "t"), TypeError, "tasks: TaskInfo or dict"),
    "no offers": (lambda d: d.launch_tasks([], [TASK]), mesos.EncodeError, "offers: it is empty"),
    "an offer's id only": (
        lambda d: d.launch_tasks("o", [TASK]),
        mesos.EncodeError,
        '"t": agent_id.*give the Offer',
    ),
    "an unfinished task": (lambda d: d.launch_tasks(OFFER, {"task_id": "t"}), mesos.EncodeError, "name"),
    "a task as operation": (lambda d: d.accept_offers(OFFER, TASK), TypeError, "operations: .*got TaskInfo"),
    "a launch without type": (
        lambda d: d.accept_offers(OFFER, LAUNCH),
        mesos.EncodeError,
        'operations: type.*"LAUNCH"',
    ),
    "an operation without type": (
        lambda d: d.accept_offers(OFFER, {"id": "x"}),
        mesos.EncodeError,
        "operations: type",
    ),
    "filters as a number": (lambda d: d.decline_offer(OFFER, 5), TypeError, "filters: .*Filters.*int 5"),
    "an offer as a number": (lambda d: d.decline_offer([3]), TypeError, "offers: .*int 3"),
    "a task to kill": (lambda d: d.kill_task(TASK), TypeError, "task_id: .*TaskID, got TaskInfo"),
    "nothing to kill": (lambda d: d.kill_task(None), TypeError, "task_id: .*None"),
    "a wrong agent": (lambda d: d.kill_task("t", 3), TypeError, "agent_id: .*int 3"),
    "a wrong policy": (lambda d: d.kill_task("t", None, 3), TypeError, "kill_policy: .*int 3"),
    "a wrong executor": (lambda d: d.shutdown_executor(3, "a"), TypeError, "executor_id: .*int 3"),
    "text as data": (lambda d: d.send_framework_message("e", "a", "x"), TypeError, "data: .*encode"),
    "nothing to reconcile": (lambda d: d.reconcile_tasks([None]), TypeError, "statuses: .*None"),
    "no operation": (lambda d: d.reconcile_operations([3]), TypeError, "operations: .*int 3"),
    "no request": (lambda d: d.request_resources([3]), TypeError, "requests: .*int 3"),
    "timeout as text": (lambda d: d.run_once("1"), TypeError, "timeout: a number of seconds"),
    "timeout of nothing": (lambda d: d.join(float("nan")), ValueError, "timeout: .*nan"),
}


@pytest.mark.parametrize("mistake", CALLS)
def test_a_mistake_in_a_call(
    mistake: str, make: Callable[..., mesos.SchedulerDriver], backend: ScriptedBackend
) -> None:
    call, kind, words = CALLS[mistake]
    driver = make(Recorder(), dispatcher="poll")
    driver.start()
    backend.play([("registered", "f")])
    assert driver.run_once()
    with pytest.raises(kind, match=words):
        call(driver)
    assert driver.status == mesos.DRIVER_RUNNING
    assert backend.calls == []


@pytest.mark.parametrize(
    ("script", "kind", "words"),
    [
        ("registered", TypeError, "an event is a tuple such as .*not 'r'"),
        ([["registered", "f"]], TypeError, "an event is a tuple such as"),
        ([("registered",)], TypeError, "argument 1 of this event is missing"),
        ([("executor_lost", "e", "a")], TypeError, "argument 3 of this event is missing"),
        ([("resourceOffers", [])], ValueError, "resourceOffers.*mesos.Scheduler"),
        ([("resource_offers", "o")], TypeError, "Offer or a dict"),
    ],
)
def test_a_mistake_in_a_script(
    script: Any,
    kind: type[Exception],
    words: str,
    make: Callable[..., mesos.SchedulerDriver],
    backend: ScriptedBackend,
) -> None:
    driver = make(Recorder(), dispatcher="poll")
    driver.start()
    with pytest.raises(kind, match=words):
        backend.play(script)
    assert driver.dispatcher is not None
    assert driver.dispatcher.pending == 0
