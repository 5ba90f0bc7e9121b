"""Our messages against google.protobuf's, on random contents, random bytes and random changes.

Whatever google.protobuf makes of the same schema and the same steps is right.
"""

import pickle
import re

import mesos
import pytest
from google.protobuf.message import DecodeError as GoogleDecodeError
from google_messages import (
    Field,
    as_dict,
    assert_same,
    clears_only,
    delete_slice,
    fill,
    google_class,
    is_map,
    missing,
    odd,
    our_class,
    scalar,
)
from hypothesis import assume, given
from hypothesis import strategies as st
from samples import CASES, ROOTS, damage, differential, oddity


@differential
def test_parsed_messages_read_and_write_the_same(sample):
    _, google = sample.make()
    data = google.SerializePartialToString()
    ours = sample.ours.FromString(data)
    assert ours.SerializePartialToString() == data
    assert_same(ours, google)
    assert ours.SerializePartialToString() == data, "reading changes nothing"
    lacking = list(missing(google))
    assert sorted(ours.FindInitializationErrors()) == sorted(lacking)
    assert ours.IsInitialized() == (not lacking)
    assert ours.ByteSize() == len(data)
    again = sample.ours.FromString(data)
    assert ours == again
    again.MergeFrom(sample.ours())  # no longer what was parsed, with the same contents
    assert ours == again
    assert sample.google.FromString(again.SerializePartialToString()) == google


@differential
def test_constructed_messages_are_the_same(sample):
    _, google = sample.make()
    ours = sample.ours(**as_dict(google))
    assert_same(ours, google)
    assert sample.google.FromString(ours.SerializePartialToString()) == google
    assert sample.ours.FromString(google.SerializePartialToString()) == ours
    copied = sample.ours()
    copied.CopyFrom(ours)
    assert copied == ours
    assert sample.ours(**as_dict(google)) == ours
    converted = sample.ours()
    converted.CopyFrom(google)
    assert converted == ours


@differential
def test_both_ways_through_the_constructor_are_the_same(sample):
    _, google = sample.make()
    fields = as_dict(google)
    direct, long = sample.ours(**fields), sample.ours(**{name: odd(value) for name, value in fields.items()})
    assert direct.SerializePartialToString() == long.SerializePartialToString()
    assert_same(direct, google)
    assert direct == long


@differential
def test_text_is_the_same(sample):
    _, google = sample.make(entries=1)  # google.protobuf prints entries of maps in no order
    text = repr(sample.ours.FromString(google.SerializePartialToString()))
    assume(": <hidden>" not in text)
    assert text == repr(google)


@CASES
@given(st.floats(), st.binary(max_size=20))
def test_text_of_numbers_and_bytes_is_the_same(number, data):
    theirs = google_class("mesos.v1.TaskInfo")
    google = theirs(name="".join(map(chr, data)), health_check={"delay_seconds": number}, data=data)
    assert repr(mesos.TaskInfo.FromString(google.SerializePartialToString())) == repr(google)
    raw = bytes([10, len(data), *data])  # a name that need not be UTF-8
    assert repr(mesos.TaskInfo.FromString(raw)) == repr(theirs.FromString(raw))


@differential
def test_merging_is_the_same(sample):
    rng, google = sample.make()
    other = sample.google()
    fill(rng, other, depth=3)
    one, two = (sample.ours.FromString(each.SerializePartialToString()) for each in (google, other))
    children = [(field, getattr(one, field.name)) for field in google.DESCRIPTOR.fields if field.message_type]
    one.MergeFrom(two)
    by_bytes = sample.ours.FromString(google.SerializePartialToString())
    by_bytes.MergeFromString(other.SerializePartialToString())
    parsed = sample.ours.FromString(google.SerializePartialToString() + other.SerializePartialToString())
    google.MergeFrom(other)
    assert_same(one, google)
    assert one == by_bytes == parsed
    for field, before in children:
        if field.containing_oneof is None or google.HasField(field.name):
            assert getattr(one, field.name) is before, "children stay the objects they were"


@differential
def test_damaged_bytes_are_taken_or_refused_alike(sample):
    rng, google = sample.make()
    # into messages without any fields, google.protobuf takes one of number 0, too
    assume(google.DESCRIPTOR.fields)
    data = google.SerializePartialToString()
    data += b"".join(oddity(rng, google) for _ in range(rng.randint(0, 3)))
    data = damage(rng, data) if rng.random() < 0.5 else data
    try:
        expected = sample.google.FromString(data)
    except GoogleDecodeError:
        with pytest.raises(mesos.DecodeError):
            sample.ours.FromString(data)
        return
    ours = sample.ours.FromString(data)
    assert ours.SerializePartialToString() == data
    assert_same(ours, expected)
    touched = sample.ours.FromString(data)
    touched.MergeFrom(sample.ours())
    assert touched == ours
    # compared by google.protobuf, which writes map entries with unknown fields otherwise than they came
    for each in (touched, sample.ours.FromString(expected.SerializePartialToString())):
        assert sample.google.FromString(each.SerializePartialToString()) == expected
    lines = repr(ours).splitlines()
    if not any(line.endswith(": <hidden>") for line in lines):
        assert sorted(lines) == sorted(repr(expected).splitlines()), "maps are in no order"


def change(rng, ours, google):
    """One random change, done to both."""
    while google.DESCRIPTOR.fields:
        field = rng.choice(google.DESCRIPTOR.fields)
        one, two = getattr(ours, field.name), getattr(google, field.name)
        step = rng.random()
        if step < 0.15 and clears_only(google, field):
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


@differential
def test_changes_have_the_same_effect(sample):
    rng, google = sample.make()
    ours = sample.ours.FromString(google.SerializePartialToString())
    for _ in range(rng.randint(1, 25)):
        change(rng, ours, google)
        if rng.random() < 0.2:
            assert sample.google.FromString(ours.SerializePartialToString()) == google
    assert_same(ours, google)
    assert sample.ours.FromString(ours.SerializePartialToString()) == ours
    assert sample.google.FromString(ours.SerializePartialToString()) == google


def test_every_message_and_field_is_there():
    assert len(ROOTS) == 349
    for name in ROOTS:
        ours, google = our_class(name), google_class(name)
        fields = google.DESCRIPTOR.fields
        assert f"{ours.__module__}.{ours.__qualname__}" == name.replace(
            "mesos.v1.", "mesos." if ours.__module__ == "mesos" else "mesos.v1.", 1
        )
        assert {field.name for field in fields} <= set(dir(ours))
        empty = ours()
        assert_same(empty, google())
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
