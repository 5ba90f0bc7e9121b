"""google.protobuf's classes for the same schema, and random messages: what ours are compared with."""

from __future__ import annotations

import functools
import math
import random
from collections.abc import Iterator
from typing import Any

import mesos
import mesos.v1
from google.protobuf import descriptor, descriptor_pb2, descriptor_pool, duration_pb2, message_factory
from google.protobuf.message import Message
from protoc import compile_schema

Field = descriptor.FieldDescriptor

INTEGERS = {
    Field.TYPE_INT32: (-(1 << 31), (1 << 31) - 1),
    Field.TYPE_INT64: (-(1 << 63), (1 << 63) - 1),
    Field.TYPE_UINT32: (0, (1 << 32) - 1),
    Field.TYPE_UINT64: (0, (1 << 64) - 1),
}
DOUBLES = (0.0, -0.0, 1.5, -2.25, 1e300, 5e-324, 0.1, math.inf, -math.inf)
TEXTS = ("", "a", "cpus", "host.example.org", "ünï ☃ 𝄞", "x" * 200, 'quo"te\n\\')


@functools.cache
def _pool() -> descriptor_pool.DescriptorPool:
    pool = descriptor_pool.DescriptorPool()
    pending = list(compile_schema().file)
    added: set[str] = set()
    while pending:
        for file in list(pending):
            if added.issuperset(file.dependency) or all(
                name in added or name not in {other.name for other in pending} for name in file.dependency
            ):
                if (
                    "google/protobuf/duration.proto" in file.dependency
                    and "google/protobuf/duration.proto" not in added
                ):
                    own = descriptor_pb2.FileDescriptorProto()
                    duration_pb2.DESCRIPTOR.CopyToProto(own)
                    pool.Add(own)
                    added.add(own.name)
                pool.Add(file)
                added.add(file.name)
                pending.remove(file)
    return pool


def google_class(name: str) -> type[Message]:
    """Find google.protobuf's class of a full name, such as `mesos.v1.TaskInfo`."""
    return message_factory.GetMessageClass(_pool().FindMessageTypeByName(name))


def our_class(name: str) -> Any:
    """Find our class of the same message."""
    found: Any = mesos.v1
    for part in name.removeprefix("mesos.v1.").split("."):
        found = getattr(found, part)
    return found


def is_map(field: Any) -> bool:
    """Whether it is a map field."""
    return field.message_type is not None and field.message_type.GetOptions().map_entry


def scalar(rng: random.Random, field: Any) -> Any:
    """Make a value for one scalar of the field, often at its limits."""
    if field.type in INTEGERS:
        low, high = INTEGERS[field.type]
        return rng.choice([low, high, 0, 1, 127, 128, 300, rng.randint(low, high)])
    if field.type == Field.TYPE_DOUBLE:
        return rng.choice([*DOUBLES, rng.uniform(-1e6, 1e6)])
    if field.type == Field.TYPE_BOOL:
        return rng.random() < 0.5
    if field.type == Field.TYPE_STRING:
        return rng.choice(TEXTS)
    if field.type == Field.TYPE_BYTES:
        return rng.choice([b"", b"\0\xff", rng.randbytes(rng.randint(0, 40))])
    assert field.type == Field.TYPE_ENUM
    return rng.choice(field.enum_type.values).number


def fill(
    rng: random.Random, message: Message, depth: int = 4, density: float = 0.4, entries: int = 3
) -> None:
    """Set fields of one of google.protobuf's messages at random, maps to at most so many entries."""
    for field in message.DESCRIPTOR.fields:
        if rng.random() > density:
            continue
        if is_map(field):
            _, value = field.message_type.fields
            target = getattr(message, field.name)
            for _ in range(rng.randint(1, entries)):
                key = rng.choice(TEXTS)
                if value.message_type is None:
                    target[key] = scalar(rng, value)
                elif depth:
                    fill(rng, target[key], depth - 1, density, entries)
        elif field.is_repeated:
            target = getattr(message, field.name)
            for _ in range(rng.randint(1, 3)):
                if field.message_type is None:
                    target.append(scalar(rng, field))
                elif depth:
                    fill(rng, target.add(), depth - 1, density, entries)
        elif field.message_type is None:
            setattr(message, field.name, scalar(rng, field))
        elif depth:
            child = getattr(message, field.name)
            child.SetInParent()
            fill(rng, child, depth - 1, density, entries)


def children(message: Message) -> Iterator[Message]:
    """List the messages that are set in a message, one level below it."""
    for field, value in message.ListFields():
        if is_map(field):
            yield from (item for item in value.values() if isinstance(item, Message))
        elif field.message_type is not None:
            yield from value if field.is_repeated else (value,)


def finish(rng: random.Random, message: Message) -> None:
    """Set every required field that is not set, everywhere."""
    for field in message.DESCRIPTOR.fields:
        if field.is_required and not message.HasField(field.name):
            if field.message_type is None:
                setattr(message, field.name, scalar(rng, field))
            else:
                getattr(message, field.name).SetInParent()
    for child in children(message):
        finish(rng, child)


def delete_slice(items: Any, part: slice) -> None:
    """Do `del items[part]` to google.protobuf's items.

    Its own (upb, 7.36) writes where it must not if the slice ends before it begins.
    """
    for at in sorted(range(*part.indices(len(items))), reverse=True):
        del items[at]
    del items[0:0]  # taking out nothing, too, sets what the items belong to


def merge(message: Message, other: Message) -> None:
    """Merge one of google.protobuf's messages into another, child by child.

    Its own MergeFrom and MergeFromString (upb, 7.36) forget children that were read but not set, if they lie
    below one that was set. They replace an entry of a map that both have, while the MergeFrom of the map
    writes into it, which whoever holds it would see.
    """
    message.SetInParent()
    for field, value in other.ListFields():
        if is_map(field):
            entries = getattr(message, field.name)
            for key in set(value).intersection(entries):
                del entries[key]
        if field.is_repeated:
            getattr(message, field.name).MergeFrom(value)
        elif field.message_type is not None:
            merge(getattr(message, field.name), value)
        else:
            setattr(message, field.name, value)


def clears_only(message: Message, field: Any) -> bool:
    """Whether google.protobuf's ClearField of the field clears nothing else.

    Its own (upb, 7.36) clears another member of a oneof along with one that was only read.
    """
    return field.containing_oneof is None or message.HasField(field.name)


def assert_same(ours: Any, google: Any) -> None:
    """Compare every field of the two: presence, value, and Python type."""
    for field in google.DESCRIPTOR.fields:
        one, two = getattr(ours, field.name), getattr(google, field.name)
        where = f"{google.DESCRIPTOR.full_name}.{field.name}"
        if is_map(field):
            assert len(one) == len(two), where
            assert set(one) == set(two), where
            for key in two:
                if isinstance(key, str):  # what is not UTF-8 is a key that nobody can ask for
                    _compare(one[key], two[key], where)
        elif field.is_repeated:
            assert len(one) == len(two), where
            for first, second in zip(one, two, strict=True):
                _compare(first, second, where)
        else:
            if field.has_presence:  # all but the two fields of Duration, which is proto3
                assert ours.HasField(field.name) == google.HasField(field.name), where
            if field.message_type is None or google.HasField(field.name):
                _compare(one, two, where)


def _compare(one: Any, two: Any, where: str) -> None:
    if isinstance(two, Message):
        assert_same(one, two)
    elif isinstance(two, float):
        assert type(one) is float, where
        assert math.copysign(1, one) == math.copysign(1, two), where
        assert one == two or (math.isnan(one) and math.isnan(two)), where
    else:
        assert one == two, where
        assert isinstance(one, type(two)), where


def as_dict(message: Any) -> dict[str, Any]:
    """Turn one of google.protobuf's messages into the nested dict that our constructors take."""
    result: dict[str, Any] = {}
    for field, value in message.ListFields():
        if is_map(field):
            plain = {key: as_dict(item) if isinstance(item, Message) else item for key, item in value.items()}
        elif field.is_repeated:
            plain = [as_dict(item) if isinstance(item, Message) else item for item in value]
        else:
            plain = as_dict(value) if isinstance(value, Message) else value
        result[field.name] = plain
    return result


class Odd(dict[str, Any]):
    """No exact dict, and so nothing that the constructors write down directly."""


def odd(value: Any) -> Any:
    """Nested dicts as others that say the same, for which the constructors go the long way."""
    if isinstance(value, dict):
        return Odd({key: odd(item) for key, item in value.items()})
    return [odd(item) for item in value] if isinstance(value, list) else value


def missing(message: Any, path: str = "") -> Iterator[str]:
    """Walk one of google.protobuf's messages for required fields that are not set.

    Its own FindInitializationErrors (upb, 7.36) reads freed memory on deep messages, and so is no witness.
    """
    for field in message.DESCRIPTOR.fields:
        value = getattr(message, field.name)
        where = f"{path}{field.name}"
        if is_map(field):
            for key, item in value.items():
                if isinstance(item, Message):
                    quoted = key.replace('"', '\\"')
                    yield from missing(item, f'{where}["{quoted}"].')
        elif field.is_repeated:
            for index, item in enumerate(value):
                if isinstance(item, Message):
                    yield from missing(item, f"{where}[{index}].")
        elif field.message_type is not None and message.HasField(field.name):
            yield from missing(value, f"{where}.")
        if field.is_required and not message.HasField(field.name):
            yield where
