"""What some messages have beyond all: `scalars()` of those with resources, untouched, read, changed, odd."""

from __future__ import annotations

from collections import defaultdict

import mesos
import pytest
from google_messages import google_class
from hypothesis import given
from hypothesis import strategies as st

HOLDERS = [
    "AgentInfo",
    "ExecutorInfo",
    "InverseOffer",
    "Offer",
    "Offer.Operation.Reserve",
    "Request",
    "Role",
    "Task",
    "TaskInfo",
]


def by_attributes(message):
    """The totals as people sum them up with google.protobuf."""
    totals = defaultdict(float)
    for resource in message.resources:
        if resource.type == 0:
            totals[resource.name] += round(resource.scalar.value, 3)
    return {name: round(total, 3) for name, total in totals.items()}


def holder(path):
    found = mesos
    for name in path.split("."):
        found = getattr(found, name)
    return found


@pytest.mark.parametrize("path", HOLDERS)
def test_messages_with_resources_have_it(path):
    message = holder(path)(resources=mesos.Resources("cpus:0.1;mem:32;cpus(web):0.2;ports:[1-2]"))
    assert message.scalars() == {"cpus": 0.3, "mem": 32.0}
    assert holder(path)().scalars() == {}
    assert "Resources" in holder(path).scalars.__doc__


@pytest.mark.parametrize("path", ["TaskStatus", "Resource", "Filters", "OperationStatus"])
def test_others_have_not(path):
    assert not hasattr(holder(path), "scalars")


def test_it_is_right_whatever_was_done_to_the_message():
    offer = mesos.Offer.FromString(
        mesos.Offer(hostname="h", resources=mesos.Resources("cpus:1;mem:2")).SerializePartialToString()
    )
    assert offer.scalars() == {"cpus": 1.0, "mem": 2.0}, "untouched"
    assert offer.hostname == "h"
    assert offer.resources[0].name == "cpus"
    assert offer.scalars() == {"cpus": 1.0, "mem": 2.0}, "read"
    offer.resources[0].scalar.value = 3.0004
    assert offer.scalars() == {"cpus": 3.0, "mem": 2.0}, "changed"
    offer.resources.add(name="mem", type="SCALAR", scalar=0.5)
    assert offer.scalars() == {"cpus": 3.0, "mem": 2.5}, "added"
    del offer.resources[0]
    assert offer.scalars() == {"mem": 2.5}, "taken out"
    offer.ClearField("resources")
    assert offer.scalars() == {}


def test_it_needs_no_arguments_and_no_driver():
    with pytest.raises(TypeError):
        mesos.Offer().scalars(1)
    totals = mesos.Offer(resources=mesos.Resources(cpus=1)).scalars()
    assert [type(value) for value in totals.values()] == [float]


@given(st.integers(0, 2**32))
def test_it_agrees_with_google_protobuf(seed):
    theirs = google_class("mesos.v1.Offer")()
    for number in range(seed % 7):
        resource = theirs.resources.add(
            name=("cpus", "mem", "ü")[(seed >> number) % 3], type=(seed >> number) % 2
        )
        if (seed >> number) % 5:
            resource.scalar.value = (seed >> number) % 100_000 / 1000
    ours = mesos.Offer.FromString(theirs.SerializePartialToString())
    assert ours.scalars() == by_attributes(theirs)
    assert ours.scalars() == by_attributes(ours)
    ours.hostname = "changed"
    assert ours.scalars() == by_attributes(theirs)


def test_odd_bytes_are_read_as_everywhere():
    cpus = b"\x0a\x04cpus\x10\x00\x1a\x09\x09" + b"\0\0\0\0\0\0\xf0\x3f"
    later = b"\x1a\x00"  # the rest of a scalar that was split
    unknown = b"\x10\x63"  # no type that there is
    renamed = b"\x0a\x03mem"
    offer = mesos.Offer.FromString(
        b"".join(b"\x2a" + bytes([len(one)]) + one for one in (cpus, cpus + later + unknown, cpus + renamed))
    )
    assert offer.scalars() == {"cpus": 2.0, "mem": 1.0}
    assert offer.scalars() == by_attributes(offer)
