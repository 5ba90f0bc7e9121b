"""What the schema says of messages and their fields, for code that looks at messages it does not know.

A small part of google.protobuf's descriptors, with their names.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import Any

from mesos import _mesos

__all__ = ["FieldDescriptor", "field", "fields"]


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
    #: name of the oneof the field is a member of, or None
    oneof: str | None
    is_deprecated: bool
    #: the comment of the schema
    doc: str


@cache
def fields(message: str) -> dict[str, FieldDescriptor]:
    """The fields of a message, by name. `message` is its full name, such as `mesos.v1.TaskInfo`."""
    found = (
        FieldDescriptor(full_name=f"{message}.{known['name']}", **known) for known in _mesos.fields(message)
    )
    return {descriptor.name: descriptor for descriptor in found}


def field(message: str, name: str) -> FieldDescriptor:
    """One field of a message."""
    return fields(message)[name]
