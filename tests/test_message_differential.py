"""Our messages against google.protobuf's, on random contents, random bytes and random changes.

Whatever google.protobuf makes of the same schema and the same steps is right.
"""

import os
import pickle
import random
import re

import mesos
import pytest
from google.protobuf.message import DecodeError as GoogleDecodeError
from google_messages import (
    Field,
    as_dict,
    assert_same,
    delete_slice,
    fill,
    google_class,
    is_map,
    missing,
    our_class,
    scalar,
)
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st
from protoc import compile_schema

ROOTS = [
    "mesos.v1.TaskInfo",
    "mesos.v1.Offer",
    "mesos.v1.TaskStatus",
    "mesos.v1.FrameworkInfo",
    "mesos.v1.AgentInfo",
    "mesos.v1.Resource",
    "mesos.v1.ContainerInfo",
    "mesos.v1.Volume",
    "mesos.v1.ContainerID",
    "mesos.v1.scheduler.Call",
    "mesos.v1.scheduler.Event",
    "mesos.v1.scheduler.OfferConstraints",
    "mesos.v1.executor.Event",
    "mesos.v1.master.Call",
    "mesos.v1.agent.Call",
    "mesos.v1.quota.QuotaConfig",
]
CASES = settings(
    max_examples=int(os.environ.get("MESOS_EXAMPLES", "60")),
    deadline=None,
    suppress_health_check=list(HealthCheck),
)
roots = st.sampled_from(ROOTS)
seeds = st.integers(0, 2**64)


def make(name, seed, entries=3):
    rng = random.Random(seed)
    google = google_class(name)()
    fill(rng, google, depth=rng.choice([2, 3, 4]), density=rng.choice([0.2, 0.5, 0.9]), entries=entries)
    return rng, google


@CASES
@given(roots, seeds)
def test_parsed_messages_read_and_write_the_same(name, seed):
    _, google = make(name, seed)
    data = google.SerializePartialToString()
    ours = our_class(name).FromString(data)
    assert ours.SerializePartialToString() == data
    assert_same(ours, google)
    assert ours.SerializePartialToString() == data, "reading changes nothing"
    lacking = list(missing(google))
    assert sorted(ours.FindInitializationErrors()) == sorted(lacking)
    assert ours.IsInitialized() == (not lacking)
    assert ours.ByteSize() == len(data)
    again = our_class(name).FromString(data)
    assert ours == again
    again.MergeFrom(our_class(name)())  # no longer what was parsed, with the same contents
    assert ours == again
    assert google_class(name).FromString(again.SerializePartialToString()) == google


@CASES
@given(roots, seeds)
def test_constructed_messages_are_the_same(name, seed):
    _, google = make(name, seed)
    ours = our_class(name)(**as_dict(google))
    assert_same(ours, google)
    assert google_class(name).FromString(ours.SerializePartialToString()) == google
    assert our_class(name).FromString(google.SerializePartialToString()) == ours
    copied = our_class(name)()
    copied.CopyFrom(ours)
    assert copied == ours
    assert our_class(name)(**as_dict(google)) == ours
    converted = our_class(name)()
    converted.CopyFrom(google)
    assert converted == ours


@CASES
@given(roots, seeds)
def test_text_is_the_same(name, seed):
    _, google = make(name, seed, entries=1)  # google.protobuf prints entries of maps in no order
    text = repr(our_class(name).FromString(google.SerializePartialToString()))
    assume(": <hidden>" not in text)
    assert text == repr(google)


@CASES
@given(roots, seeds)
def test_merging_is_the_same(name, seed):
    rng, google = make(name, seed)
    other = google_class(name)()
    fill(rng, other, depth=3)
    one, two = (our_class(name).FromString(each.SerializePartialToString()) for each in (google, other))
    child = {field.name: getattr(one, field.name) for field in google.DESCRIPTOR.fields if field.message_type}
    one.MergeFrom(two)
    by_bytes = our_class(name).FromString(google.SerializePartialToString())
    by_bytes.MergeFromString(other.SerializePartialToString())
    parsed = our_class(name).FromString(google.SerializePartialToString() + other.SerializePartialToString())
    google.MergeFrom(other)
    assert_same(one, google)
    assert one == by_bytes == parsed
    for field, before in child.items():
        assert getattr(one, field) is before, "children stay the objects they were"


@CASES
@given(roots, seeds)
def test_damaged_bytes_are_taken_or_refused_alike(name, seed):
    rng, google = make(name, seed)
    data = bytearray(google.SerializePartialToString() or b"\x0a\x00")
    for _ in range(rng.randint(1, 3)):
        at = rng.randrange(len(data))
        data[at] = rng.choice([data[at] ^ (1 << rng.randrange(8)), rng.randrange(256), 0xFF])
    if rng.random() < 0.3:
        del data[rng.randrange(len(data)) :]
    data = bytes(data)
    try:
        expected = google_class(name).FromString(data)
    except GoogleDecodeError:
        with pytest.raises(mesos.DecodeError):
            our_class(name).FromString(data)
        return
    ours = our_class(name).FromString(data)
    assert ours.SerializePartialToString() == data
    touched = our_class(name).FromString(data)
    touched.MergeFrom(our_class(name)())
    written = google_class(name).FromString(touched.SerializePartialToString())
    assert written == expected
    assert our_class(name).FromString(written.SerializePartialToString()) == ours == touched


def change(rng, ours, google):
    """One random change, done to both."""
    while True:
        field = rng.choice(google.DESCRIPTOR.fields)
        one, two = getattr(ours, field.name), getattr(google, field.name)
        step = rng.random()
        if step < 0.15:
            ours.ClearField(field.name)
            google.ClearField(field.name)
            return
        if is_map(field):
            value = field.message_type.fields[1]
            key = rng.choice(["a", "b", "c"])
            if step < 0.3 and key in two:
                del one[key], two[key]
                return
            if value.message_type is None:
                one[key] = two[key] = scalar(rng, value)
                return
            ours, google = one[key], two[key]
        elif field.is_repeated:
            change_items(rng, field, one, two)
            if field.message_type is None or len(two) == 0 or step < 0.6:
                return
            at = rng.randrange(len(two))
            ours, google = one[at], two[at]
        elif field.message_type is None:
            value = scalar(rng, field)
            setattr(ours, field.name, value)
            setattr(google, field.name, value)
            return
        else:
            if step < 0.3:
                one.SetInParent()
                two.SetInParent()
            ours, google = one, two
        if not google.DESCRIPTOR.fields:
            return


def change_items(rng, field, one, two):
    step = rng.choice(["add", "add", "add", "pop", "slice", "insert", "reverse", "extend", "clear"])
    at = rng.randint(-len(two) - 1, len(two) + 1)
    if step == "pop" and len(two):
        at %= len(two)
        one.pop(at), two.pop(at)
    elif step == "slice":
        del one[at : at + 2]
        delete_slice(two, slice(at, at + 2))
    elif step == "reverse":
        one.reverse(), two.reverse()
    elif step == "clear" and rng.random() < 0.2:
        del one[:], two[:]
    elif field.message_type is not None:
        if step == "extend":
            one.extend(list(one)[:2]), two.extend(list(two)[:2])
        else:
            one.add(), two.add()
    elif step == "insert":
        value = scalar(rng, field)
        one.insert(at, value), two.insert(at, value)
    else:
        value = scalar(rng, field)
        one.append(value), two.append(value)


@CASES
@given(roots, seeds)
def test_changes_have_the_same_effect(name, seed):
    rng, google = make(name, seed)
    ours = our_class(name).FromString(google.SerializePartialToString())
    for _ in range(rng.randint(1, 25)):
        change(rng, ours, google)
        if rng.random() < 0.2:
            assert google_class(name).FromString(ours.SerializePartialToString()) == google
    assert_same(ours, google)
    assert our_class(name).FromString(ours.SerializePartialToString()) == ours
    assert google_class(name).FromString(ours.SerializePartialToString()) == google


def test_every_message_and_field_is_there():
    def walk(scope, messages):
        for message in messages:
            if not message.options.map_entry:
                yield f"{scope}.{message.name}"
                yield from walk(f"{scope}.{message.name}", message.nested_type)

    names = [
        name
        for file in compile_schema().file
        if file.package.startswith("mesos")
        for name in walk(file.package, file.message_type)
    ]
    assert len(names) == 349
    for name in names:
        ours = our_class(name)
        fields = google_class(name).DESCRIPTOR.fields
        assert f"{ours.__module__}.{ours.__qualname__}" == name.replace(
            "mesos.v1.", "mesos." if ours.__module__ == "mesos" else "mesos.v1.", 1
        )
        assert {field.name for field in fields} <= set(dir(ours))
        empty = ours()
        assert_same(empty, google_class(name)())
        assert type(pickle.loads(pickle.dumps(empty))) is ours
        assert ours.__doc__
        for field in fields:
            kind, comment = re.split(r"\.\s", getattr(ours, field.name).__doc__, maxsplit=1)
            assert comment, f"{name}.{field.name} has a comment"
            assert is_map(field) == kind.startswith("map of string to ")
            if field.type == Field.TYPE_ENUM and not field.is_repeated:
                assert (
                    getattr(empty, field.name).name
                    == field.enum_type.values_by_number[field.default_value].name
                )
