"""The events of the v1 scheduler API, from the wire to the handlers: all of them, bad ones, those to come."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any

import mesos
import pytest
from mesos.v1 import scheduler as v1
from recorder import OFFER, PATIENCE, Recorder
from scripted import ScriptedMaster, error

if TYPE_CHECKING:
    from collections.abc import Iterator

STATUS = {"task_id": "t", "state": "TASK_RUNNING"}
OPERATION = {"state": "OPERATION_PENDING", "operation_id": "o"}
INVERSE = {"id": "i", "unavailability": {"start": {"nanoseconds": 1}}, "framework_id": "f"}
IDS = {"executor_id": "e", "agent_id": "a"}

#: Type and body of an event, and the handler's name and arguments; messages by what they are made of.
EVENTS: list[tuple[str, dict[str, Any], str, list[Any]]] = [
    ("OFFERS", {"offers": [OFFER]}, "resource_offers", [[mesos.Offer(**OFFER)]]),
    (
        "INVERSE_OFFERS",
        {"inverse_offers": [INVERSE]},
        "inverse_offers",
        [[mesos.InverseOffer(**INVERSE)]],
    ),
    ("RESCIND", {"offer_id": "o"}, "offer_rescinded", [mesos.OfferID(value="o")]),
    (
        "RESCIND_INVERSE_OFFER",
        {"inverse_offer_id": "i"},
        "inverse_offer_rescinded",
        [mesos.OfferID(value="i")],
    ),
    ("UPDATE", {"status": STATUS}, "status_update", [mesos.TaskStatus(**STATUS)]),
    (
        "UPDATE_OPERATION_STATUS",
        {"status": OPERATION},
        "operation_status_update",
        [mesos.OperationStatus(**OPERATION)],
    ),
    (
        "MESSAGE",
        {**IDS, "data": b"\0x"},
        "framework_message",
        [mesos.ExecutorID(value="e"), mesos.AgentID(value="a"), b"\0x"],
    ),
    ("FAILURE", {"agent_id": "a"}, "agent_lost", [mesos.AgentID(value="a")]),
    (
        "FAILURE",
        {**IDS, "status": -9},
        "executor_lost",
        [mesos.ExecutorID(value="e"), mesos.AgentID(value="a"), -9],
    ),
]
#: The last event that a test sends, to know that those before it were handled.
LAST = v1.Event(type="MESSAGE", message={**IDS, "data": b"last"})


@pytest.fixture
def master() -> Iterator[ScriptedMaster]:
    with ScriptedMaster() as master:
        yield master


def heard(master: ScriptedMaster, *events: Any) -> Recorder:
    """Have a driver hear these events; return what its handlers were told after `registered`."""
    recorder = Recorder(framework_message=lambda driver, *args: args[2] == b"last" and driver.stop(True))
    framework = {"name": "test", "failover_timeout": 60}
    driver = mesos.SchedulerDriver(recorder, framework, master.address, dispatcher="thread")
    driver.start()
    for event in (*events, LAST):
        master.push(event)
    assert driver.join(PATIENCE) is mesos.DRIVER_STOPPED
    assert recorder.names[0] == "registered"
    assert recorder.names[-1] == "framework_message"
    recorder.events = recorder.events[1:-1]
    return recorder


def test_every_event(master: ScriptedMaster) -> None:
    events = [v1.Event(type=kind, **{kind.lower(): body}) for kind, body, _, _ in EVENTS]  # type: ignore[arg-type]
    recorder = heard(master, *events, v1.Event(type="HEARTBEAT"))
    assert [(name, *args) for _, _, name, args in EVENTS] == recorder.events
    tested = {kind for kind, *_ in EVENTS} | {"UNKNOWN", "SUBSCRIBED", "HEARTBEAT", "ERROR"}
    assert tested == set(v1.Event.Type.keys()), "the schema has no other"


def test_an_error_ends_the_driver(master: ScriptedMaster) -> None:
    driver = mesos.SchedulerDriver(Recorder(), {"name": "x", "failover_timeout": 60}, master.address)
    driver.run_once(0)
    master.push(error("Framework has been removed"))
    with pytest.raises(mesos.DriverAbortedError, match="Framework has been removed"):
        driver.run()
    assert driver.status is mesos.DRIVER_ABORTED


def test_what_is_missing_is_no_event(master: ScriptedMaster, caplog: pytest.LogCaptureFixture) -> None:
    """A type without its body, an empty list, and a failure of nothing: a word in the log at most."""
    bare = [v1.Event(type=kind) for kind in {kind for kind, *_ in EVENTS}]  # type: ignore[arg-type]
    empty = [v1.Event(type="OFFERS", offers={}), v1.Event(type="FAILURE", failure={"executor_id": "e"})]
    assert heard(master, *bare, *empty).events == []
    said = [record.getMessage() for record in caplog.records if "incomplete" in record.getMessage()]
    assert len(said) == len(bare) + 1


def test_types_to_come_are_ignored(master: ScriptedMaster, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG, "mesos.http")
    assert heard(master, b"\x08\x63", b"\x08\x63", b"\x08\x00", b"", b"\xf8\x06\x01").events == []
    said = [record.getMessage() for record in caplog.records if "not known here" in record.getMessage()]
    assert len([words for words in said if "type 99," in words]) == 1, "once"
