"""The files under proto/: every definition is explained, and the facts of the wire stay what they are.

The comments become docstrings, so one that is missing leaves a Python class or field without any help.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

PROTO = Path(__file__).parent.parent / "proto"
FILES = sorted(PROTO.rglob("*.proto"))

# Names, numbers, types and defaults of Mesos 1.11, without comments and blank lines. A new digest is right
# only together with a new version of Mesos.
FACTS = "f2de446e96f59ba2f1973c8e391d56ef83750eb2c3a1ea6af66ef66f27384932"

DEFINITION = re.compile(
    r"""\s*(?: (?:message|enum|oneof)\s+\w+\s*\{
             | (?:(?:optional|required|repeated)\s+)?(?:map<[^>]+>|[\w.]+)\s+\w+\s*=\s*\d+
             | \w+\s*=\s*\d+ )""",
    re.VERBOSE,
)


def lines(file: Path) -> list[str]:
    return file.read_text(encoding="utf-8").splitlines()


def facts(file: Path) -> Iterator[str]:
    yield file.relative_to(PROTO).as_posix()
    for line in lines(file):
        if line.strip() and not line.lstrip().startswith("//"):
            yield line.rstrip()


def definitions(file: Path) -> Iterator[tuple[int, str, str]]:
    """Line number, the line before, and the line, of each message, enum, oneof, field and value."""
    before = ""
    for number, line in enumerate(lines(file), 1):
        if DEFINITION.match(line) and not line.lstrip().startswith("//"):
            yield number, before, line.strip()
        before = line.strip()


def test_the_schema_is_there() -> None:
    assert len(FILES) == 9
    assert sum(1 for file in FILES for _ in definitions(file)) == 2020


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_every_definition_is_explained(file: Path) -> None:
    bare = [f"{number}: {line}" for number, before, line in definitions(file) if not before.startswith("// ")]
    assert bare == []


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_every_file_opens_with_a_head_comment(file: Path) -> None:
    head = lines(file)
    assert head[0].startswith("// ")
    assert "" in head[: head.index('syntax = "proto2";')], "the head comment must not be that of `syntax`"


def test_the_facts_are_those_of_mesos() -> None:
    text = "\n".join(line for file in FILES for line in facts(file))
    assert hashlib.sha256(text.encode()).hexdigest() == FACTS
