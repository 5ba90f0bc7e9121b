"""What fields take and refuse: every kind of field is given every kind of value, here and in google.protobuf.

Both must take it and then hold the same, or refuse it with the same exception; `differences` lists what is
otherwise on purpose.
"""

import decimal
import itertools
import math
import struct

import mesos
import pytest
from differences import TAKEN, VALUES, Attempt
from google.protobuf.message import DecodeError as GoogleDecodeError
from google_messages import assert_same, google_class, is_map, our_class
from samples import ROOTS, varint


class Index:
    def __index__(self):
        return 7


class Number:
    def __float__(self):
        return 1.5


class Text(str):
    __slots__ = ()


class Int(int):
    def __int__(self):
        return 99  # a liar: it is what it is as an int, not this


OBJECTS = [
    *(None, True, False, 0, 1, -1, 127, 999, 2**31, 2**32, 2**63, 2**64, -(2**31) - 1, -(2**63) - 1, 10**400),
    *(0.0, 1.0, 1.5, -1e300, math.inf, math.nan, 2 + 0j, decimal.Decimal("1.5"), Index(), Number(), Int(5)),
    *("", "x", "1", "é", "\ud800", "TASK_RUNNING", "SCALAR", Text("s")),
    *(b"", b"x", b"\xff", bytearray(b"x"), memoryview(b"xyz")[::2]),
    *((), [], [1], ["x"], [b"x"], [None], [True], [1.5], ["\ud800"], {}, {"a": 1}, {"value": "x"}, {1: "x"}),
    *({"value": 1}, [{}], [{"a": 1}], {"a": "b"}, {"a": {}}, {"a": None}, {b"a": b"b"}, {"\ud800": "x"}),
    *(object(), int, range(2), len),
]


def give(message, field, how, value):
    if how == "set":
        setattr(message, field.name, value)
    elif how == "construct":
        message.MergeFrom(type(message)(**{field.name: value}))
    elif how == "append":
        getattr(message, field.name).append(value)
    else:
        getattr(message, field.name).extend(value)


def outcome(message, field, how, value):
    try:
        give(message, field, how, value)
    except Exception as error:
        return type(error)
    return TAKEN


def ways(field):
    yield "construct"
    if not field.is_repeated:
        yield "set"
    elif not is_map(field):
        yield from ("append", "extend")


def kinds():
    """Every field of another kind, label or type: what it takes depends on nothing else."""
    tried = set()
    for name in ROOTS:
        for field in google_class(name).DESCRIPTOR.fields:
            kind = (field.type, field.is_repeated, field.message_type, field.enum_type)
            if kind not in tried:
                tried.add(kind)
                yield name, field


def attempts():
    for name, field in kinds():
        for how, value in itertools.product(ways(field), OBJECTS):
            yield name, Attempt(field, how, value)


def test_fields_take_and_refuse_the_same_values():
    seen = set()
    for name, attempt in attempts():
        ours, google = our_class(name)(), google_class(name)()
        one, two = (outcome(message, attempt.field, attempt.how, attempt.value) for message in (ours, google))
        if one is two:
            assert_same(ours, google)
            assert ours.SerializePartialToString() == google.SerializePartialToString(), attempt
            continue
        known = [
            difference
            for difference in VALUES
            if difference.applies(attempt) and one in difference.ours and two in difference.google
        ]
        assert known, f"{name}.{attempt.field.name}: {attempt.how} {attempt.value!r}: {one}, google {two}"
        seen.update(difference.what for difference in known)
    assert {difference.what for difference in VALUES} - seen == set(), "no difference any more"


NUMBERS = [
    0,
    1,
    2,
    63,
    127,
    128,
    2**31 - 1,
    2**31,
    2**32 - 1,
    2**32,
    2**32 + 1,
    2**63,
    2**64 - 2**31,
    2**64 - 1,
]


def encodings(number):
    """A field of this number in every wire type, with contents for other types than its own, too."""
    for value in NUMBERS:
        yield varint(number << 3) + varint(value)
        yield varint(number << 3 | 3) + varint(8) + varint(value) + varint(number << 3 | 4)
    yield varint(number << 3) + b"\xff" * 9 + b"\x7f"  # bits that 64 have no room for
    for double in (0.0, -0.0, 1.5, math.nan, -math.inf, 5e-324):
        yield varint(number << 3 | 1) + struct.pack("<d", double)
    yield varint(number << 3 | 5) + b"\x00\x00\x80\x7f"
    packed = (b"".join(map(varint, NUMBERS)), struct.pack("<3d", 1.5, -0.0, math.inf), b"\x80\x00\x01")
    texts = (b"", b"a", "ünï".encode(), b"\xff", b"a\x00b", b"\xed\xa0\x80")  # the last: a surrogate
    messages = (b"\x0a\x00", b"\x0a\x01a", b"\x08\x01", b"\x10\x02", b"\x12\x01b\x0a\x01a", b"\x7a\x00")
    for contents in (*packed, *texts, *messages):
        yield varint(number << 3 | 2) + varint(len(contents)) + contents


def test_fields_read_the_same_bytes_alike():
    for name, field in kinds():
        if field.message_type and not field.message_type.fields:
            continue  # google.protobuf takes a field of number 0 in them
        odd = list(encodings(field.number))
        for data in (
            *odd,
            *map(b"".join, itertools.pairwise(odd)),
            *map(b"".join, itertools.pairwise(odd[::-1])),
        ):
            try:
                google = google_class(name).FromString(data)
            except GoogleDecodeError:
                with pytest.raises(mesos.DecodeError):
                    our_class(name).FromString(data)
                continue
            ours = our_class(name).FromString(data)
            assert_same(ours, google)
            written = our_class(name)()
            written.MergeFrom(ours)
            assert google_class(name).FromString(written.SerializePartialToString()) == google
            assert written == ours
