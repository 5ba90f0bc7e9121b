"""google.protobuf's descriptors for the message classes: `mesos.TaskInfo.DESCRIPTOR` and what it leads to.

For code that does not know which messages it has, such as google.protobuf's `json_format` and `text_format`.

Invariants:
* There is one descriptor for each message, field, oneof, enum and value: they compare by identity.
* Nothing is made before it is asked for.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache, cached_property
from types import MappingProxyType
from typing import Any, Protocol, TypeVar

from mesos import _descriptors, _mesos
from mesos._descriptors import Options
from mesos._enums import Enum

__all__ = ["Descriptor", "EnumDescriptor", "FieldDescriptor", "descriptor", "enum_descriptor", "field"]


class _Named(Protocol):
    @property
    def name(self) -> str: ...


_Any = TypeVar("_Any", bound=_Named)
_Class = TypeVar("_Class")


def _by_name(items: list[_Any]) -> Mapping[str, _Any]:
    return MappingProxyType({item.name: item for item in items})


@dataclass(frozen=True, eq=False, repr=False)
class _Described:
    """What descriptors have in common."""

    full_name: str

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.full_name}>"

    @property
    def name(self) -> str:
        """The last part of the full name."""
        return self.full_name.rpartition(".")[2]

    @property
    def has_options(self) -> bool:
        """Whether `GetOptions()` says anything."""
        return self.GetOptions() != Options()

    def GetOptions(self) -> Options:  # noqa: N802 - google.protobuf's name
        """What is set besides in the schema."""
        return Options()


class FileDescriptor(_Described):
    """A .proto file. Mesos has one for each package."""

    @property
    def package(self) -> str:
        """The package, such as `mesos.v1.scheduler`."""
        return self.full_name

    @property
    def name(self) -> str:
        """The path, such as `mesos/v1/scheduler/scheduler.proto`."""
        if self.package == "google.protobuf":
            return "google/protobuf/duration.proto"
        folder = self.package.replace(".", "/")
        return f"{folder}/{'mesos' if self.package == 'mesos.v1' else folder.rpartition('/')[2]}.proto"

    @cached_property
    def message_types_by_name(self) -> Mapping[str, Descriptor]:
        """The messages of the file that are not nested."""
        return _by_name([descriptor(_full_name(of)) for of in _scope(self.package, _mesos.Message)])

    @cached_property
    def enum_types_by_name(self) -> Mapping[str, EnumDescriptor]:
        """The enums of the file that are not nested."""
        return _by_name([enum_descriptor(of) for of in _scope(self.package, Enum)])

    extensions_by_name: Mapping[str, Any] = MappingProxyType({})
    services_by_name: Mapping[str, Any] = MappingProxyType({})


class _Scoped(_Described):
    """What lies in a file, perhaps in a message."""

    @property
    def file(self) -> FileDescriptor:
        """The .proto file."""
        parts = self.full_name.split(".")
        first = next(at for at, part in enumerate(parts) if part[0].isupper())
        return _file(".".join(parts[:first]))


class _Nestable(_Scoped):
    """What may lie in a message."""

    @property
    def containing_type(self) -> Descriptor | None:
        """The message that it is nested in, or None."""
        parent = self.full_name.rpartition(".")[0]
        return descriptor(parent) if parent.rpartition(".")[2][0].isupper() else None


class Descriptor(_Nestable):
    """A message of the schema."""

    @property
    def _concrete_class(self) -> type[_mesos.Message]:
        return _mesos.message(self.full_name)

    @cached_property
    def fields(self) -> list[FieldDescriptor]:
        """The fields, in the order of the schema."""
        facts = _descriptors.fields(self.full_name).values()
        return [_field(of) for of in sorted(facts, key=lambda of: of.index)]

    @cached_property
    def fields_by_name(self) -> Mapping[str, FieldDescriptor]:
        """The fields by name."""
        return _by_name(self.fields)

    @cached_property
    def fields_by_camelcase_name(self) -> Mapping[str, FieldDescriptor]:
        """The fields by the names that they have in protobuf's own JSON."""
        return MappingProxyType({field.camelcase_name: field for field in self.fields})

    @cached_property
    def fields_by_number(self) -> Mapping[int, FieldDescriptor]:
        """The fields by number."""
        return MappingProxyType({field.number: field for field in self.fields})

    @cached_property
    def oneofs(self) -> list[OneofDescriptor]:
        """The oneofs."""
        names = enumerate(_mesos.about(self.full_name)[0])
        return [OneofDescriptor(f"{self.full_name}.{name}", self, index) for index, name in names]

    @cached_property
    def oneofs_by_name(self) -> Mapping[str, OneofDescriptor]:
        """The oneofs by name."""
        return _by_name(self.oneofs)

    @cached_property
    def nested_types(self) -> list[Descriptor]:
        """The messages nested in it, entries of maps too, by name."""
        facts = _descriptors.fields(self.full_name).values()
        entries = [descriptor(of.message_type) for of in facts if of.is_map and of.message_type]
        nested = [descriptor(_full_name(of)) for of in _scope(self.full_name, _mesos.Message)]
        return sorted([*nested, *entries], key=lambda nested: nested.name)

    @cached_property
    def nested_types_by_name(self) -> Mapping[str, Descriptor]:
        """The messages nested in it, by name."""
        return _by_name(self.nested_types)

    @cached_property
    def enum_types(self) -> list[EnumDescriptor]:
        """The enums nested in it, by name."""
        return [enum_descriptor(of) for of in _scope(self.full_name, Enum)]

    @cached_property
    def enum_types_by_name(self) -> Mapping[str, EnumDescriptor]:
        """The enums nested in it, by name."""
        return _by_name(self.enum_types)

    @cached_property
    def enum_values_by_name(self) -> Mapping[str, EnumValueDescriptor]:
        """The values of the enums nested in it, by name."""
        return _by_name([value for item in self.enum_types for value in item.values])

    def EnumValueName(self, enum: str, number: int) -> str:  # noqa: N802 - google.protobuf's name
        """The name that a number has in an enum nested in the message. Raises KeyError if there is none."""
        return self.enum_types_by_name[enum].values_by_number[number].name

    def GetOptions(self) -> Options:  # noqa: N802 - google.protobuf's name
        """What is set besides in the schema."""
        return Options(map_entry=_mesos.about(self.full_name)[1])

    is_extendable = False
    extension_ranges: tuple[()] = ()
    extensions: tuple[()] = ()
    extensions_by_name: Mapping[str, Any] = MappingProxyType({})


@dataclass(frozen=True, eq=False, repr=False)
class OneofDescriptor(_Described):
    """A oneof: fields of which at most one is set."""

    containing_type: Descriptor
    index: int

    @property
    def fields(self) -> list[FieldDescriptor]:
        """Its members, in the order of the schema."""
        return [field for field in self.containing_type.fields if field.containing_oneof is self]


#: google.protobuf's numbers of the types: `TYPE_*` and, behind it, `CPPTYPE_*`.
_TYPES = {
    "double": (1, 5),
    "int64": (3, 2),
    "uint64": (4, 4),
    "int32": (5, 1),
    "bool": (8, 7),
    "string": (9, 9),
    "message": (11, 10),
    "bytes": (12, 9),
    "uint32": (13, 3),
    "enum": (14, 8),
}


@dataclass(frozen=True, eq=False, repr=False)
class FieldDescriptor(_Scoped):
    """A field of a message. The constants are google.protobuf's, also of types that Mesos does not use."""

    number: int
    #: its place among the fields of the message
    index: int
    is_required: bool
    #: true of maps, too
    is_repeated: bool
    #: whether the schema says what it reads as while it is unset
    has_default_value: bool
    doc: str
    _facts: _descriptors.FieldDescriptor

    TYPE_DOUBLE, TYPE_FLOAT, TYPE_INT64, TYPE_UINT64, TYPE_INT32, TYPE_FIXED64 = range(1, 7)
    TYPE_FIXED32, TYPE_BOOL, TYPE_STRING, TYPE_GROUP, TYPE_MESSAGE, TYPE_BYTES = range(7, 13)
    TYPE_UINT32, TYPE_ENUM, TYPE_SFIXED32, TYPE_SFIXED64, TYPE_SINT32, TYPE_SINT64 = range(13, 19)
    CPPTYPE_INT32, CPPTYPE_INT64, CPPTYPE_UINT32, CPPTYPE_UINT64, CPPTYPE_DOUBLE = range(1, 6)
    CPPTYPE_FLOAT, CPPTYPE_BOOL, CPPTYPE_ENUM, CPPTYPE_STRING, CPPTYPE_MESSAGE = range(6, 11)
    CPPTYPE_BYTES = CPPTYPE_STRING
    LABEL_OPTIONAL, LABEL_REQUIRED, LABEL_REPEATED = range(1, 4)

    extension_scope = None
    is_extension = False
    is_packed = False

    @property
    def type(self) -> int:
        """One of `TYPE_*`."""
        return _TYPES[self._facts.kind][0]

    @property
    def cpp_type(self) -> int:
        """One of `CPPTYPE_*`."""
        return _TYPES[self._facts.kind][1]

    @property
    def label(self) -> int:
        """One of `LABEL_*`."""
        if self.is_repeated:
            return self.LABEL_REPEATED
        return self.LABEL_REQUIRED if self.is_required else self.LABEL_OPTIONAL

    @property
    def has_presence(self) -> bool:
        """Whether `HasField` can tell that it is set."""
        return not self.is_repeated

    @cached_property
    def default_value(self) -> Any:
        """What it reads as while it is unset; None for messages, an empty list for repeated fields."""
        if self.is_repeated:
            return []
        return None if self.message_type else getattr(self.containing_type._concrete_class(), self.name)

    @property
    def message_type(self) -> Descriptor | None:
        """The message that it holds, for a map its entry, or None."""
        name = self._facts.message_type
        return None if name is None else descriptor(name)

    @property
    def enum_type(self) -> EnumDescriptor | None:
        """The enum whose values it holds, or None."""
        name = self._facts.enum_type
        return None if name is None else enum_descriptor(_lookup(name))

    @property
    def containing_type(self) -> Descriptor:
        """The message that has the field."""
        return descriptor(self.full_name.rpartition(".")[0])

    @property
    def containing_oneof(self) -> OneofDescriptor | None:
        """The oneof that it is a member of, or None."""
        name = self._facts.oneof
        return None if name is None else self.containing_type.oneofs_by_name[name]

    @property
    def json_name(self) -> str:
        """The name that it has in protobuf's own JSON, `taskId`. Mesos' JSON, and `to_json()`, has `name`."""
        first, *others = self.name.split("_")
        return first + "".join(part[:1].upper() + part[1:] for part in others)

    @property
    def camelcase_name(self) -> str:
        """`json_name` with a small letter in front."""
        return self.json_name[:1].lower() + self.json_name[1:]

    def GetOptions(self) -> Options:  # noqa: N802 - google.protobuf's name
        """What is set besides in the schema."""
        return Options(deprecated=self._facts.is_deprecated)


@dataclass(frozen=True, eq=False, repr=False)
class EnumValueDescriptor(_Described):
    """A value of an enum."""

    type: EnumDescriptor
    number: int
    index: int


@dataclass(frozen=True, eq=False, repr=False)
class EnumDescriptor(_Nestable):
    """An enum of the schema."""

    _class: type[Enum]

    is_closed = True

    @cached_property
    def values(self) -> list[EnumValueDescriptor]:
        """The values, in the order of the schema."""
        scope = self.full_name.rpartition(".")[0]
        members = enumerate(self._class)
        return [EnumValueDescriptor(f"{scope}.{of.name}", self, int(of), index) for index, of in members]

    @cached_property
    def values_by_name(self) -> Mapping[str, EnumValueDescriptor]:
        """The values by name."""
        return _by_name(self.values)

    @cached_property
    def values_by_number(self) -> Mapping[int, EnumValueDescriptor]:
        """The values by number."""
        return MappingProxyType({value.number: value for value in self.values})


def _field(of: _descriptors.FieldDescriptor) -> FieldDescriptor:
    return FieldDescriptor(
        of.full_name, of.number, of.index, of.is_required, of.is_repeated, of.has_default, of.doc, of
    )


@cache
def descriptor(full_name: str) -> Descriptor:
    """The descriptor of a message, by its name in the schema."""
    return Descriptor(full_name)


@cache
def enum_descriptor(of: type[Enum]) -> EnumDescriptor:
    """The descriptor of an enum."""
    return EnumDescriptor(_full_name(of), of)


def field(message: str, name: str) -> FieldDescriptor:
    """The descriptor of a field, by the name of its message in the schema and its own."""
    return descriptor(message).fields_by_name[name]


@cache
def _file(package: str) -> FileDescriptor:
    return FileDescriptor(package)


def _full_name(of: type) -> str:
    """The name in the schema of a class."""
    package = "mesos.v1" if of.__module__ == "mesos" else of.__module__
    return f"{package}.{of.__qualname__}" if of.__name__ != "Duration" else "google.protobuf.Duration"


def _lookup(full_name: str) -> Any:
    scope, _, name = full_name.rpartition(".")
    return _mesos.lookup(scope, name)


def _scope(full_name: str, base: type[_Class]) -> list[type[_Class]]:
    """The classes of messages, or of enums, that lie directly in a package or a message."""
    found = ((name, _mesos.lookup(full_name, name)) for name in _mesos.names(full_name))
    # what v0 called it is a second name of the same class
    return [of for name, of in found if isinstance(of, type) and issubclass(of, base) and of.__name__ == name]
