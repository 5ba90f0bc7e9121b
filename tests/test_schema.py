"""The schema in proto/ is explained in full, for its comments are docstrings, and its facts do not change.

The facts (names, numbers, types, defaults) are compared with those of the real Mesos in tests/real; a digest
of them stands in for that where the real one cannot run.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator, Sequence

import pytest
from google.protobuf.descriptor_pb2 import (
    DescriptorProto,
    EnumDescriptorProto,
    FileDescriptorProto,
)
from protoc import PROTO, compile_schema, schema_files

Path = tuple[int, ...]

# Of all lines but comments and blank ones. A new digest is right only together with a new version of Mesos.
FACTS = "f2de446e96f59ba2f1973c8e391d56ef83750eb2c3a1ea6af66ef66f27384932"

# How source_code_info addresses things: by field numbers of the descriptors, and positions in them.
SYNTAX = (FileDescriptorProto.SYNTAX_FIELD_NUMBER,)
FILE_MESSAGES = FileDescriptorProto.MESSAGE_TYPE_FIELD_NUMBER
FILE_ENUMS = FileDescriptorProto.ENUM_TYPE_FIELD_NUMBER
FIELDS = DescriptorProto.FIELD_FIELD_NUMBER
NESTED = DescriptorProto.NESTED_TYPE_FIELD_NUMBER
ENUMS = DescriptorProto.ENUM_TYPE_FIELD_NUMBER
ONEOFS = DescriptorProto.ONEOF_DECL_FIELD_NUMBER
VALUES = EnumDescriptorProto.VALUE_FIELD_NUMBER


def enums(scope: str, at: Path, found: Sequence[EnumDescriptorProto]) -> Iterator[tuple[str, Path]]:
    for i, enum in enumerate(found):
        name, here = f"{scope}.{enum.name}", (*at, i)
        yield name, here
        yield from ((f"{name}.{each.name}", (*here, VALUES, j)) for j, each in enumerate(enum.value))


def messages(scope: str, at: Path, found: Sequence[DescriptorProto]) -> Iterator[tuple[str, Path]]:
    for i, message in enumerate(found):
        if message.options.map_entry:  # written as a field, which has the comment
            continue
        name, here = f"{scope}.{message.name}", (*at, i)
        yield name, here
        yield from ((f"{name}.{each.name}", (*here, FIELDS, j)) for j, each in enumerate(message.field))
        yield from ((f"{name}.{each.name}", (*here, ONEOFS, j)) for j, each in enumerate(message.oneof_decl))
        yield from messages(name, (*here, NESTED), message.nested_type)
        yield from enums(name, (*here, ENUMS), message.enum_type)


def definitions(file: FileDescriptorProto) -> Iterator[tuple[str, Path]]:
    """Everything in a file that needs a comment: its full name, and where source_code_info has it."""
    yield from messages(file.package, (FILE_MESSAGES,), file.message_type)
    yield from enums(file.package, (FILE_ENUMS,), file.enum_type)


def find(name: str) -> FileDescriptorProto:
    return next(file for file in compile_schema().file if file.name == name)


@pytest.mark.parametrize("name", schema_files())
def test_everything_has_a_comment(name: str) -> None:
    file = find(name)
    comments = {tuple(at.path): at.leading_comments for at in file.source_code_info.location}
    documented = {what: comments[path].strip() for what, path in definitions(file)}
    assert documented, "the file defines nothing"
    assert [what for what, text in documented.items() if not text] == []
    # A docstring is made of sentences; whatever follows the field on its line would be lost.
    assert [what for what, text in documented.items() if text[-1] not in '.?!:)"'] == []
    assert [list(at.path) for at in file.source_code_info.location if at.trailing_comments] == []


@pytest.mark.parametrize("name", schema_files())
def test_every_file_says_what_it_is(name: str) -> None:
    comments = {tuple(at.path): at for at in find(name).source_code_info.location}
    # Detached, or protoc takes it for a comment on the line `syntax`.
    assert "".join(comments[SYNTAX].leading_detached_comments).strip()


@pytest.mark.parametrize("name", schema_files())
def test_nothing_is_left_out_of_these_checks(name: str) -> None:
    lines = (PROTO / name).read_text(encoding="utf-8").splitlines()
    written = [line for line in lines if re.match(r"\s*((message|enum|oneof) \w+ \{|[^/]*= *-?\d+)", line)]
    assert len(written) == len(list(definitions(find(name))))


def test_the_facts_are_those_of_mesos() -> None:
    facts = []
    for name in sorted(schema_files(), key=lambda name: (PROTO / name).parts):
        lines = (PROTO / name).read_text(encoding="utf-8").splitlines()
        facts += [
            name,
            *(line.rstrip() for line in lines if line.strip() and not line.lstrip().startswith("//")),
        ]
    assert hashlib.sha256("\n".join(facts).encode()).hexdigest() == FACTS
