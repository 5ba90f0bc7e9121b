"""Turns protobuf's test messages into ones that Mesos' schema could have: other kinds are left out.

What is left out arrives as unknown fields. These must survive as they came, so most cases that use them count
all the same; those that cannot pass without a kind are in failures.txt.

Invariants:
* Number, label, kind and default of what stays are protobuf's.
* A field is called by its JSON name: Mesos' JSON has the names of the .proto files, protobuf's its own.
"""

from __future__ import annotations

from collections.abc import Iterator

from google.protobuf.descriptor_pb2 import (
    DescriptorProto,
    FieldDescriptorProto,
    FileDescriptorProto,
    FileDescriptorSet,
)

Field = FieldDescriptorProto

# The kinds of Mesos' schema (`Kind` in src/wire/table.rs).
KINDS = {
    Field.TYPE_DOUBLE,
    Field.TYPE_INT32,
    Field.TYPE_INT64,
    Field.TYPE_UINT32,
    Field.TYPE_UINT64,
    Field.TYPE_BOOL,
    Field.TYPE_STRING,
    Field.TYPE_BYTES,
    Field.TYPE_ENUM,
    Field.TYPE_MESSAGE,
}
# `MAX_NUMBER` in build/tables.rs.
HIGHEST = 511


def reduce(schema: FileDescriptorSet) -> None:
    """Leave out of the test messages what Mesos' schema has not. The runner's own stay as they are."""
    for file in schema.file:
        if file.package.startswith("protobuf_test_messages."):
            del file.extension[:], file.dependency[:]
            defined = set(_types(f".{file.package}", file))
            for message in file.message_type:
                _reduce(message, defined)


def _types(scope: str, within: FileDescriptorProto | DescriptorProto) -> Iterator[str]:
    """Full names of the messages and enums that are defined in a file or message and can be kept."""
    messages = within.message_type if isinstance(within, FileDescriptorProto) else within.nested_type
    yield from (f"{scope}.{item.name}" for item in within.enum_type)
    for message in messages:
        name = f"{scope}.{message.name}"
        yield from _types(name, message)
        if not message.options.map_entry or _is_map_of_mesos(message):
            yield name


def _is_map_of_mesos(entry: DescriptorProto) -> bool:
    key, value = entry.field
    return key.type == Field.TYPE_STRING and value.type in KINDS


def _reduce(message: DescriptorProto, defined: set[str]) -> None:
    kept = [field for field in message.field if _is_supported(field, defined)]
    del message.field[:], message.extension[:], message.extension_range[:]
    for field in kept:
        field.name = field.json_name
        if field.type == Field.TYPE_BYTES:
            field.ClearField("default_value")  # build/tables.rs reads none, and no case reads an unset field
    message.field.extend(kept)
    nested = [item for item in message.nested_type if not item.options.map_entry or _is_map_of_mesos(item)]
    del message.nested_type[:]
    message.nested_type.extend(nested)
    for item in message.nested_type:
        if not item.options.map_entry:
            _reduce(item, defined)


def _is_supported(field: FieldDescriptorProto, defined: set[str]) -> bool:
    in_reach = not field.type_name or field.type_name in defined
    return field.type in KINDS and in_reach and field.number <= HIGHEST
