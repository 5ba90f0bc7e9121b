"""backend="libmesos" over a stand-in: every callback and every call, as the driver and libmesos see them."""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import Callable
from typing import Any

import mesos
import pytest
from fake_libmesos import (
    AGENT,
    CONSTRAINTS,
    EXECUTOR,
    MASTER,
    OFFER,
    UPDATE,
    Make,
    Notes,
    Script,
    end,
    hear,
    master_at,
    registered,
    text,
)
from recorder import PATIENCE

INFO = master_at(1)


# -- what libmesos says ------------------------------------------------------------------------------------


def test_every_callback_is_an_event(make: Make, script: Script) -> None:
    identity = registered(script)
    offers = [
        mesos.Offer(id=f"o{n}", framework_id=identity, agent_id="a", hostname="h" * n) for n in range(40)
    ]
    script.say("resourceOffers", *offers)
    script.say("offerRescinded", OFFER)
    script.say("statusUpdate", UPDATE)
    script.say("frameworkMessage", EXECUTOR, AGENT, b"\0\xff")
    script.say("slaveLost", AGENT)
    script.say("executorLost", EXECUTOR, AGENT, -9)
    script.say("disconnected")
    script.say("reregistered", INFO)
    script.say("disconnected")
    script.say("registered", identity, INFO)  # as libmesos does after ZooKeeper named another master
    notes = Notes()
    driver = make(notes)
    driver.start()
    assert hear(driver, notes, 11)[0][:2] == ("registered", identity)
    assert driver.framework_id == identity
    assert driver.connected
    assert notes.heard[1:] == [
        ("resource_offers", offers),
        ("offer_rescinded", OFFER),
        ("status_update", UPDATE),
        ("framework_message", EXECUTOR, AGENT, b"\0\xff"),
        ("agent_lost", AGENT),
        ("executor_lost", EXECUTOR, AGENT, -9),
        ("disconnected",),
        ("reregistered", INFO),
        ("disconnected",),
        ("reregistered", INFO),
    ]
    assert driver.stats.reconnects == 2
    assert driver.stats.seconds_since_traffic is not None


def test_an_error_aborts_first(make: Make, script: Script) -> None:
    registered(script)
    script.say("error", b"why not")
    seen = []

    class Errors(mesos.Scheduler):
        def error(self, driver: mesos.SchedulerDriver, message: str) -> None:
            seen.append((driver.status, message))
            super().error(driver, message)

    driver = make(Errors())
    with pytest.raises(mesos.DriverAbortedError, match=r"^why not$"):
        driver.run()
    assert seen == [(mesos.DRIVER_ABORTED, "why not")]
    # it had aborted by itself; another abort does nothing
    assert [name for name in script.names if name != "abort"] == ["construct", "destroy"]


def test_a_refused_authentication_is_of_its_own_type(make: Make, script: Script) -> None:
    script.say("error", b"Master refused authentication")
    with pytest.raises(mesos.AuthenticationError, match="Master refused authentication"):
        make(mesos.Scheduler()).run()


def test_what_cannot_be_read_ends_the_driver(make: Make, script: Script) -> None:
    registered(script)
    script.say("statusUpdate", b"\xff\xff")
    script.say("statusUpdate", UPDATE)
    notes = Notes()
    driver = make(notes)
    driver.run()
    assert [heard[0] for heard in notes.heard] == ["registered", "error"]
    assert "cannot be read" in notes.heard[1][1]


# -- what it is told ---------------------------------------------------------------------------------------

FILTERS = {"refuse_seconds": 7.0}
RESERVED = mesos.Resource(
    name="cpus", type="SCALAR", scalar={"value": 1}, reservations=[{"type": "DYNAMIC", "role": "r"}]
)
RESERVE = mesos.Offer.Operation(type="RESERVE", reserve={"resources": [RESERVED]})
TASKS = [
    mesos.TaskInfo(
        name="n", task_id=f"t{n}", agent_id="a", command={"value": "x" * n}, resources=mesos.Resources(cpus=1)
    )
    for n in range(3)
]
REQUEST = mesos.Request(agent_id="a", resources=mesos.Resources(cpus=1))
LAUNCH = mesos.Offer.Operation(type="LAUNCH", launch={"task_infos": TASKS})


def state(**fields: Any) -> mesos.TaskStatus:
    return mesos.TaskStatus(state="TASK_RUNNING", **fields)


CALLS: dict[str, tuple[Callable[[mesos.SchedulerDriver], object], list[tuple[Any, ...]]]] = {
    "accept_offers": (
        lambda driver: driver.accept_offers(["o", "p"], [RESERVE, LAUNCH], FILTERS),
        [("acceptOffers", OFFER, mesos.OfferID(value="p"), RESERVE, LAUNCH, mesos.Filters(**FILTERS))],
    ),
    "launch_tasks": (
        lambda driver: driver.launch_tasks("o", TASKS),
        [("acceptOffers", OFFER, LAUNCH, b"")],
    ),
    "decline_offer": (
        lambda driver: driver.decline_offer(["o", "p"], FILTERS),
        [("declineOffer", mesos.OfferID(value=one), mesos.Filters(**FILTERS)) for one in "op"],
    ),
    "revive_offers": (lambda driver: driver.revive_offers(), [("reviveOffers",)]),
    "revive_offers of roles": (
        lambda driver: driver.revive_offers(["r", "s"]),
        [("reviveOffers", b"r", b"s")],
    ),
    "suppress_offers": (lambda driver: driver.suppress_offers(), [("suppressOffers",)]),
    "suppress_offers of roles": (lambda driver: driver.suppress_offers(["r"]), [("suppressOffers", b"r")]),
    "kill_task": (lambda driver: driver.kill_task("t", "a"), [("killTask", mesos.TaskID(value="t"))]),
    "reconcile_tasks": (
        lambda driver: driver.reconcile_tasks([{"task_id": "t", "agent_id": "a"}, "u"]),
        [("reconcileTasks", state(task_id="t", agent_id="a"), state(task_id="u"))],
    ),
    "reconcile all tasks": (lambda driver: driver.reconcile_tasks([]), [("reconcileTasks",)]),
    "send_framework_message": (
        lambda driver: driver.send_framework_message("e", "a", b"\0\xff"),
        [("sendFrameworkMessage", EXECUTOR, AGENT, b"\0\xff")],
    ),
    "request_resources": (
        lambda driver: driver.request_resources([REQUEST] * 3),
        [("requestResources", REQUEST, REQUEST, REQUEST)],
    ),
}


@pytest.mark.parametrize("name", CALLS)
def test_every_call_arrives(make: Make, script: Script, name: str) -> None:
    registered(script)
    call, expected = CALLS[name]
    notes = Notes()
    driver = make(notes)
    driver.start()
    hear(driver, notes, 1)
    assert call(driver) == mesos.DRIVER_RUNNING
    assert driver.stats.calls_sent == 1
    end(driver)
    made = [(first, *map(text, rest)) for first, *rest in expected]
    assert [one for one in script.calls if one[0] not in ("construct", "stop", "destroy")] == made


def test_calls_without_a_master_are_dropped_but_for_what_libmesos_keeps(make: Make, script: Script) -> None:
    registered(script)
    script.say("disconnected")
    notes = Notes()
    driver = make(notes)
    driver.start()
    hear(driver, notes, 2)
    driver.kill_task("t")
    assert (driver.stats.calls_sent, driver.stats.calls_dropped) == (0, 1)
    driver.suppress_offers()
    assert (driver.stats.calls_sent, driver.stats.calls_dropped) == (1, 1)
    end(driver)


def test_update_framework(make: Make, script: Script) -> None:
    identity = registered(script)
    notes = Notes()
    driver = make(notes)
    driver.start()
    hear(driver, notes, 1)
    info = script.framework | {"webui_url": "http://here"}
    driver.update_framework(info, suppressed_roles=["r"], offer_constraints=CONSTRAINTS)
    assert (driver.framework.webui_url, driver.framework.id) == ("http://here", identity)
    end(driver)
    _, framework, said, *roles = next(call for call in script.calls if call[0] == "updateFramework")
    assert mesos.FrameworkInfo.FromString(bytes.fromhex(framework)) == driver.framework
    assert said == text(mesos.v1.scheduler.OfferConstraints(**CONSTRAINTS))
    assert roles == [text(b"r")]


def test_constraints_from_the_start(make: Make, script: Script) -> None:
    """Its constructor takes none: until libmesos is told of them, no role gets offers."""
    identity = registered(script)
    script.say("disconnected")
    script.say("registered", identity, INFO)
    notes = Notes()
    driver = make(notes, offer_constraints=CONSTRAINTS, suppressed_roles=["s"])
    driver.start()
    hear(driver, notes, 3)
    driver.revive_offers(["s"])
    end(driver)
    assert [call for call in script.names if call != "destroy"] == [
        *("construct", "suppressed", "updateFramework", "reviveOffers", "stop")
    ]
    _, suppressed, (_, framework, said, *roles), *_ = script.calls
    assert suppressed == ("suppressed", text(b"r"), text(b"s"))
    assert mesos.FrameworkInfo.FromString(bytes.fromhex(framework)) == driver.framework
    assert driver.framework.id == identity
    assert said == text(mesos.v1.scheduler.OfferConstraints(**CONSTRAINTS))
    assert roles == [text(b"s")]


def test_calls_before_constraints_are_said_are_said_with_them(make: Make, script: Script) -> None:
    os.mkfifo(script.path.with_name("fifo"))
    later = Script(script.path.with_name("fifo"))
    with open(later.path, "r+b", buffering=0) as fifo:  # libmesos hears nothing before something is in it
        notes = Notes()
        driver = make(notes, framework=later.framework, offer_constraints=CONSTRAINTS)
        driver.start()
        driver.suppress_offers(["r"])
        fifo.write(f"1 registered {text(mesos.FrameworkID(value='f'))} {text(INFO)}\n".encode())
        hear(driver, notes, 1)
        end(driver)
    assert driver.stats.calls_sent == 1
    update = next(call for call in later.calls if call[0] == "updateFramework")
    assert update[3:] == (text(b"r"),)
    assert "suppressOffers" not in later.names


@pytest.mark.parametrize("implicit", [True, False])
def test_acknowledgements_are_explicit_whoever_makes_them(make: Make, script: Script, implicit: bool) -> None:
    registered(script)
    script.say("statusUpdate", UPDATE)
    script.wait_for("acknowledgeStatusUpdate")
    script.say("disconnected")
    notes = Notes()
    driver = make(notes, implicit_acknowledgements=implicit)
    if not implicit:
        notes.react["status_update"] = lambda driver: driver.acknowledge_status_update(UPDATE)
    driver.start()
    hear(driver, notes, 3)
    end(driver)
    assert script.calls[0][-1] == text(b"explicit")
    acknowledged = [call[1] for call in script.calls if call[0] == "acknowledgeStatusUpdate"]
    assert acknowledged == [text(UPDATE)]
    assert driver.stats.acknowledgements == 1


def test_a_call_goes_behind_what_was_acknowledged_before_it(make: Make, script: Script) -> None:
    registered(script)
    for _ in range(20):
        script.say("statusUpdate", UPDATE)
        script.say("frameworkMessage", EXECUTOR, AGENT, b"data")
    notes = Notes()
    notes.react["framework_message"] = lambda driver: driver.kill_task("t")
    driver = make(notes)
    driver.start()
    wait_for_depth(driver, 41)
    driver.dispatcher.drain()
    end(driver)
    made = [name for name in script.names if name in ("acknowledgeStatusUpdate", "killTask")]
    assert made == ["acknowledgeStatusUpdate", "killTask"] * 20


def test_what_the_framework_says_of_itself_waits_for_libmesos_to_run(make: Make, script: Script) -> None:
    registered(script)
    notes = Notes()
    driver = make(notes)
    driver.start()
    driver.suppress_offers()
    driver.revive_offers("r")
    hear(driver, notes, 1)
    end(driver)
    assert [name for name in script.names if name.endswith("Offers")] == ["suppressOffers", "reviveOffers"]
    assert (driver.stats.calls_sent, driver.stats.calls_dropped) == (2, 0)


def wait_for_depth(driver: mesos.SchedulerDriver, depth: int) -> None:
    deadline = time.monotonic() + PATIENCE
    while driver.stats.queue_depth != depth:
        assert time.monotonic() < deadline, driver.stats


def test_a_handler_that_blocks_does_not_keep_back_an_acknowledgement(make: Make, script: Script) -> None:
    registered(script)
    script.say("statusUpdate", UPDATE)
    script.say("frameworkMessage", EXECUTOR, AGENT, b"data")
    script.wait_for("acknowledgeStatusUpdate")
    script.say("disconnected")
    notes = Notes()
    driver = make(notes)
    driver.start()
    wait_for_depth(driver, 3)  # one turn handles them all
    # `disconnected` is said once the update is acknowledged
    notes.react["framework_message"] = lambda driver: wait_for_depth(driver, 1)
    driver.dispatcher.drain()
    assert [name for name, *_ in notes.heard][:3] == ["registered", "status_update", "framework_message"]
    end(driver)


def test_the_end_of_an_async_handler_is_acknowledged_before_the_next_event(
    make: Make, script: Script
) -> None:
    registered(script)
    script.say("statusUpdate", UPDATE)
    script.wait_for("acknowledgeStatusUpdate")
    script.say("offerRescinded", OFFER)

    class Waiting(mesos.Scheduler):
        async def status_update(self, driver: mesos.SchedulerDriver, status: mesos.TaskStatus) -> None:
            await asyncio.sleep(0)

        async def offer_rescinded(self, driver: mesos.SchedulerDriver, offer_id: mesos.OfferID) -> None:
            driver.stop()

    async def program() -> mesos.Status:
        driver = make(Waiting(), dispatcher="asyncio")
        driver.start()
        try:
            return await driver.wait(PATIENCE)
        finally:
            driver.abort()
            await driver.wait(PATIENCE)

    assert asyncio.run(program()) == mesos.DRIVER_STOPPED


def test_an_update_whose_handler_raises_is_not_acknowledged(make: Make, script: Script) -> None:
    registered(script)
    script.say("statusUpdate", UPDATE)
    notes = Notes()
    notes.react["status_update"] = lambda driver: 1 / 0
    driver = make(notes)
    with pytest.raises(ZeroDivisionError):
        driver.run()
    assert script.names == ["construct", "abort", "destroy"]


def test_who_the_driver_is(make: Make, script: Script) -> None:
    registered(script)
    notes = Notes()
    framework = script.framework | {"id": "f"}
    driver = make(notes, framework=framework, credential=("me", "s3cret"), suppressed_roles=["r", "s"])
    driver.start()
    hear(driver, notes, 1)
    end(driver)
    (_, info, master, _), suppressed, credential = script.calls[:3]
    said = mesos.FrameworkInfo.FromString(bytes.fromhex(info))
    assert (said.id.value, said.principal, list(said.roles)) == ("f", "me", ["r", "s"])
    assert bytes.fromhex(master).decode() == MASTER
    assert suppressed == ("suppressed", text(b"r"), text(b"s"))
    assert credential == ("credential", text(mesos.Credential(principal="me", secret="s3cret")))
