"""What the native half tells of the schema: facts about fields, for `mesos._reflection` and for tools."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import Any, NamedTuple

from mesos import _mesos

__all__ = ["FieldDescriptor", "Options", "UnknownField", "fields"]


@dataclass(frozen=True)
class FieldDescriptor:
    """One field of a message."""

    name: str
    #: what v0 called it, if it had another name
    old_name: str | None
    number: int
    full_name: str
    #: "string", "int32", "message", "enum", ...
    kind: str
    is_required: bool
    #: true of maps, too
    is_repeated: bool
    is_map: bool
    #: full name of the message the field holds, or None
    message_type: str | None
    #: full name of the enum the field holds, or None
    enum_type: str | None
    #: what it reads as while it is unset; None for messages, repeated fields and maps
    default_value: Any
    #: whether the schema says what it reads as while it is unset
    has_default: bool
    #: its place among the fields of the message in the schema
    index: int
    #: name of the oneof the field is a member of, or None
    oneof: str | None
    is_deprecated: bool
    #: the comment of the schema
    doc: str


class UnknownField(NamedTuple):
    """A field that the schema does not have, as `Message.UnknownFields()` returns it."""

    field_number: int
    #: 0 varint, 1 eight bytes, 2 bytes, 3 group, 5 four bytes
    wire_type: int
    data: int | bytes | tuple[Any, ...]


@dataclass(frozen=True)
class Options:
    """What is set besides of a message, field or enum in the schema."""

    deprecated: bool = False
    #: whether the message is what a map field holds
    map_entry: bool = False
    packed: bool = False


@cache
def fields(message: str) -> dict[str, FieldDescriptor]:
    """The fields of a message, by name. `message` is its full name, such as `mesos.v1.TaskInfo`."""
    found = (
        FieldDescriptor(full_name=f"{message}.{known['name']}", **known) for known in _mesos.fields(message)
    )
    return {descriptor.name: descriptor for descriptor in found}
