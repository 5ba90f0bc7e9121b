"""Message classes against google.protobuf's (upb), operation by operation.

Both sides get the same bytes and run the same code; where google.protobuf has no such method, the code that
its users write in its place. `≥` is what this project wants of itself.
"""

from __future__ import annotations

import copy
import json
from collections.abc import Callable, Iterator
from typing import Any

import mesos
import orjson
import reference
import samples
from google.protobuf import json_format
from mesos.v1 import scheduler
from timing import paired, show

Operation = tuple[str, float, Callable[[], object], Callable[[], object]]


def rows() -> Iterator[tuple[str, str, str]]:
    """Each operation: our time, and how many times as long google.protobuf takes."""
    for group in (parsing, reading, writing, building, converting):
        for name, wanted, ours, theirs in group():
            seconds, ratio = paired(ours, theirs)
            yield name, show(seconds), f"{ratio:.2f} × google.protobuf (≥ {wanted:g})"
    call = samples.accept_dict()
    seconds, ratio = paired(lambda: samples.accept(scheduler, mesos), lambda: orjson.dumps(call))
    yield "… against orjson on a dict made before", show(seconds), f"{ratio:.2f} × orjson"
    seconds, ratio = paired(
        lambda: samples.accept(scheduler, mesos), lambda: orjson.dumps(samples.accept_dict())
    )
    yield "… against orjson on dicts made anew", show(seconds), f"{ratio:.2f} × orjson (≥ 1)"


def parsing() -> Iterator[Operation]:
    """From bytes, without and with a look at what is in them."""
    pb, pb_scheduler = reference.modules()
    offer = samples.offer(pb).SerializeToString()
    event = samples.event(pb_scheduler, pb).SerializeToString()
    status = samples.status(pb).SerializeToString()
    validated = scheduler.Event.FromString(event)

    def look(events: Any) -> None:
        for parsed in events.offers.offers:
            samples.touch(parsed)

    yield "parse an Offer", 3.5, lambda: mesos.Offer.FromString(offer), lambda: pb.Offer.FromString(offer)
    yield (
        "parse an Event of 100 offers",
        4,
        lambda: scheduler.Event.FromString(event),
        lambda: pb_scheduler.Event.FromString(event),
    )
    yield (
        "… and touch them",
        2.3,
        lambda: look(scheduler.Event.FromString(event)),
        lambda: look(pb_scheduler.Event.FromString(event)),
    )
    # a copy shares the bytes and knows nothing else yet: as what a backend has validated comes to Python
    yield (
        "… already validated by the backend",
        3,
        lambda: look(copy.copy(validated)),
        lambda: look(pb_scheduler.Event.FromString(event)),
    )
    yield (
        "parse a TaskStatus",
        2.5,
        lambda: mesos.TaskStatus.FromString(status),
        lambda: pb.TaskStatus.FromString(status),
    )
    yield (
        "… and read 6 fields",
        2,
        lambda: samples.read_status(mesos.TaskStatus.FromString(status)),
        lambda: samples.read_status(pb.TaskStatus.FromString(status)),
    )


def reading() -> Iterator[Operation]:
    """Attributes of what was parsed and read before."""
    pb, _ = reference.modules()
    data = samples.offer(pb).SerializeToString()
    ours, theirs = mesos.Offer.FromString(data), pb.Offer.FromString(data)

    def attributes(offer: Any) -> None:
        for _ in range(10):
            _ = offer.hostname, offer.id.value, offer.agent_id.value, offer.url.address.port, offer.resources

    def has(offer: Any) -> None:
        for _ in range(10):
            _ = offer.HasField("hostname"), offer.HasField("url"), offer.HasField("domain")

    def totals(offer: Any) -> dict[str, float]:
        found: dict[str, float] = {}
        for resource in offer.resources:
            if resource.type == samples.SCALAR:
                found[resource.name] = found.get(resource.name, 0.0) + resource.scalar.value
        return found

    yield "read attributes", 5, lambda: attributes(ours), lambda: attributes(theirs)
    yield "touch a parsed Offer", 5.5, lambda: samples.touch(ours), lambda: samples.touch(theirs)
    yield "HasField", 1.5, lambda: has(ours), lambda: has(theirs)
    yield "totals of an offer's scalars: scalars()", 10, ours.scalars, lambda: totals(theirs)
    again = mesos.Offer.FromString(data), pb.Offer.FromString(data)
    yield "compare parsed Offers", 10, lambda: ours == again[0], lambda: theirs == again[1]


def writing() -> Iterator[Operation]:
    """To bytes."""
    pb, pb_scheduler = reference.modules()
    data = samples.event(pb_scheduler, pb).SerializeToString()

    def changed(events: Any) -> Any:
        event = events.Event.FromString(data)
        for offer in event.offers.offers:
            samples.touch(offer)
            offer.resources.add(name="x", type=samples.SCALAR).scalar.value = 1.0
        return event

    ours, theirs = scheduler.Event.FromString(data), pb_scheduler.Event.FromString(data)
    yield "serialise an unmodified Event", 40, ours.SerializeToString, theirs.SerializeToString
    ours, theirs = changed(scheduler), changed(pb_scheduler)
    yield "serialise it, all offers changed", 5, ours.SerializeToString, theirs.SerializeToString


def building() -> Iterator[Operation]:
    """Tasks and the call that launches them."""
    pb, pb_scheduler = reference.modules()
    fields = samples.task_dict()
    yield "build a TaskInfo by attributes", 4, lambda: samples.task(mesos), lambda: samples.task(pb)
    yield (
        "… and serialise it",
        3,
        lambda: samples.task(mesos).SerializeToString(),
        lambda: samples.task(pb).SerializeToString(),
    )
    yield (
        "build a TaskInfo from nested dicts",
        5,
        lambda: mesos.TaskInfo(**fields),
        lambda: pb.TaskInfo(**fields),
    )
    yield (
        "… and serialise it",
        3,
        lambda: mesos.TaskInfo(**fields).SerializeToString(),
        lambda: pb.TaskInfo(**fields).SerializeToString(),
    )
    yield (
        "build and serialise an ACCEPT of 50 tasks",
        3.5,
        lambda: samples.accept(scheduler, mesos),
        lambda: samples.accept(pb_scheduler, pb),
    )


def converting() -> Iterator[Operation]:
    """JSON and dicts."""
    pb, _ = reference.modules()
    ours = mesos.Offer.FromString(samples.offer(pb).SerializeToString())
    theirs = pb.Offer.FromString(ours.SerializeToString())
    named = {"preserving_proto_field_name": True}
    fields = samples.task_dict()
    text = json.dumps(fields)
    yield (
        "JSON round trip of an Offer",
        25,
        lambda: mesos.Offer.from_json(ours.to_json()),
        lambda: json_format.Parse(json_format.MessageToJson(theirs, **named), pb.Offer()),
    )
    yield (
        "JSON to a TaskInfo",
        25,
        lambda: mesos.TaskInfo.from_json(text),
        lambda: json_format.Parse(text, pb.TaskInfo()),
    )
    yield (
        "dict to a TaskInfo: from_dict",
        25,
        lambda: mesos.TaskInfo.from_dict(fields),
        lambda: json_format.ParseDict(fields, pb.TaskInfo()),
    )
    yield (
        "an Offer to a dict: to_dict",
        10,
        ours.to_dict,
        lambda: json_format.MessageToDict(theirs, **named),
    )
