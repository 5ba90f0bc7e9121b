"""Our schema is that of Mesos 1.11.0: compared with what its own shared library was built from."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from google.protobuf.descriptor_pb2 import FileDescriptorProto, FileDescriptorSet
from protoc import compile_schema

from .descriptors import Facts, differences, facts, read_files

PREFIX = "mesos/v1/"
FILES = 9


@pytest.fixture(scope="module")
def theirs(libmesos: Path) -> dict[str, FileDescriptorProto]:
    return read_files(libmesos.read_bytes(), PREFIX)


@pytest.fixture
def ours() -> FileDescriptorSet:
    copy = FileDescriptorSet()
    copy.CopyFrom(compile_schema())
    return copy


def count(found: Facts) -> dict[str, int]:
    """How many messages (map entries included), enums and fields."""
    kinds = [fact["kind"] for fact in found.values()]
    return {kind: kinds.count(kind) for kind in ("message", "enum", "field")}


def test_schema_is_that_of_mesos(theirs: dict[str, FileDescriptorProto], ours: FileDescriptorSet) -> None:
    assert sorted(theirs) == sorted(file.name for file in ours.file)
    assert differences(facts(ours.file), facts(theirs.values())) == []


def test_nothing_was_missed(theirs: dict[str, FileDescriptorProto]) -> None:
    assert len(theirs) == FILES
    assert count(facts(theirs.values())) == {"message": 360, "enum": 53, "field": 1199}


def renumber(file: FileDescriptorProto) -> None:
    next(m for m in file.message_type if m.name == "TaskInfo").field[0].number = 99


def drop_field(file: FileDescriptorProto) -> None:
    del next(m for m in file.message_type if m.name == "Offer").field[0]


def add_message(file: FileDescriptorProto) -> None:
    file.message_type.add(name="Invented")


def change_default(file: FileDescriptorProto) -> None:
    filters = next(m for m in file.message_type if m.name == "Filters")
    filters.field[0].default_value = "6"


def swap_values(file: FileDescriptorProto) -> None:
    values = next(e for e in file.enum_type if e.name == "TaskState").value
    values[0].number, values[1].number = values[1].number, values[0].number


@pytest.mark.parametrize(
    ("change", "name"),
    [
        (renumber, "mesos.v1.TaskInfo.name"),
        (drop_field, "mesos.v1.Offer.id"),
        (add_message, "mesos.v1.Invented"),
        (change_default, "mesos.v1.Filters.refuse_seconds"),
        (swap_values, "mesos.v1.TaskState"),
    ],
)
def test_a_changed_schema_is_noticed(
    theirs: dict[str, FileDescriptorProto],
    ours: FileDescriptorSet,
    change: Callable[[FileDescriptorProto], None],
    name: str,
) -> None:
    change(next(file for file in ours.file if file.name == PREFIX + "mesos.proto"))
    found = differences(facts(ours.file), facts(theirs.values()))
    assert [line.split(": ")[0] for line in found] == [name]


def test_other_bytes_after_the_name_are_an_error() -> None:
    name = b"mesos/v1/mesos.proto"
    start = b"\x0a" + bytes([len(name)]) + name + b"\x12\x08mesos.v1"
    assert read_files(b"\0" + start + b"\0", PREFIX)[name.decode()].package == "mesos.v1"
    with pytest.raises(ValueError, match="field 1 of wire type 2 after field 2"):
        read_files(start + b"\x0a\x01x\0", PREFIX)
