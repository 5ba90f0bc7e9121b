"""Walks the classes that the built module makes of the schema.

Invariants:
* The order is that of names for classes, of the schema for fields and values: it is the same every time.
"""

from __future__ import annotations

import pkgutil
import re
from collections.abc import Iterator
from types import MethodDescriptorType
from typing import TypeAlias

import mesos
import mesos.v1
from mesos import _descriptors, _mesos
from mesos._descriptors import FieldDescriptor
from mesos._enums import Enum

#: names of the packages in `mesos.v1`, which are modules in it
MODULES = sorted(module.name for module in pkgutil.iter_modules(mesos.v1.__path__))
PACKAGES = ("mesos.v1", *(f"mesos.v1.{name}" for name in MODULES))

#: What classes in a stub use. A name of their own must not hide it.
USED = {"property", "bool", "str", "int", "float", "bytearray", "memoryview"} | {
    "Enum",
    "Final",
    "Iterable",
    "Literal",
    "Map",
    "Mapping",
    "NoReturn",
    "Repeated",
    "Self",
    "final",
}

Class: TypeAlias = type[mesos.Message] | type[Enum]


def path(full_name: str) -> tuple[str, str]:
    """The package whose stub has a message or enum, and its qualified name."""
    package, name = re.split(r"\.(?=[A-Z])", full_name, maxsplit=1)
    return ("mesos.v1" if package == "google.protobuf" else package), name


def members(package: str) -> Iterator[tuple[str, str, Class]]:
    """The messages and enums at the top of a package, v0 names among them: name, full name and class."""
    found: list[tuple[str, str, Class]] = [
        (name, f"{package}.{name}", _mesos.lookup(package, name)) for name in _mesos.names(package)
    ]
    if package == "mesos.v1":
        found.append(("Duration", "google.protobuf.Duration", mesos.Duration))
    yield from sorted(
        (member for member in found if isinstance(member[2], type)), key=lambda member: member[0]
    )


def nested(made: Class) -> dict[str, Class]:
    """The classes in the scope of a message."""
    if issubclass(made, Enum):
        return {}
    found = {name: getattr(made, name) for name in sorted(vars(made)) if not name.startswith("_")}
    return {name: inner for name, inner in found.items() if isinstance(inner, type)}


def extras(made: type[mesos.Message]) -> list[str]:
    """The methods that the class has beside those of all messages."""
    return [name for name, value in vars(made).items() if isinstance(value, MethodDescriptorType)]


def match_args(made: type[mesos.Message]) -> tuple[str, ...]:
    """The names that the positions in a `match` statement stand for."""
    return getattr(made, "__match_args__", ())


def fields(full_name: str) -> list[FieldDescriptor]:
    """The fields of a message."""
    return list(_descriptors.fields(full_name).values())


def held(field: FieldDescriptor) -> FieldDescriptor:
    """What is said of the values of a field: for a map, of those of its items."""
    return _descriptors.fields(str(field.message_type))["value"] if field.is_map else field


def check_names(made: Class, full_name: str) -> None:
    """Refuse a message in which a field or a nested class hides what an annotation beside it means."""
    if issubclass(made, Enum):
        return
    kinds = [held(field) for field in fields(full_name)]
    types = [
        path(full)[1].partition(".")[0] for kind in kinds if (full := kind.message_type or kind.enum_type)
    ]
    used = ["bytes" for kind in kinds if kind.kind == "bytes"]
    hidden = {*vars(made)} & {*types, *USED, *used}
    if hidden:
        raise ValueError(f"{full_name} has names of its own that its annotations need: {hidden}")
