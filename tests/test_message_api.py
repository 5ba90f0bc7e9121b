"""google.protobuf's API, call by call: each row is run on both libraries, and gives the same.

A row of `message_calls` is Python code: what its last expression is worth, or the exception that it raises,
is compared. `differences.CALLS` lists the rows in which ours deliberately does something else, and why.

Invariants:
* A difference that no longer exists fails, as does one that is not in the list.
"""

from __future__ import annotations

import ast
import copy
import pickle
import random
from types import SimpleNamespace
from typing import Any

import mesos
import pytest
from differences import ABSENT, CALLS
from google.protobuf import json_format, text_format
from google.protobuf.message import Message as GoogleMessage
from google_messages import fill, google_class, our_class
from message_calls import CASES

NAMES = (
    *("Offer", "AgentID", "TaskID", "TaskInfo", "TaskStatus", "Resource", "CommandInfo", "Filters", "Value"),
    *("FrameworkInfo", "scheduler.AttributeConstraint", "scheduler.Call"),
)


class Seven:
    def __index__(self) -> int:
        return 7


def library(find: Any) -> dict[str, Any]:
    """What the code of a row may use: the classes of one library by their short names, and a few values."""
    classes = {name.rpartition(".")[2]: find(f"mesos.v1.{name}") for name in NAMES}
    return {**classes, "Seven": Seven, "copy": copy, "pickle": pickle, "SimpleNamespace": SimpleNamespace}


OURS, THEIRS = library(our_class), library(google_class)


def plain(value: Any) -> Any:
    """A value without its library."""
    if isinstance(value, mesos.Message | GoogleMessage):
        return value.DESCRIPTOR.full_name, value.SerializePartialToString()
    if isinstance(value, type):
        return value.__name__
    if isinstance(value, bool | int | float | str | bytes | None):
        return value.value if isinstance(value, mesos.TaskState | mesos.Value.Type) else value
    if hasattr(value, "items"):
        return {key: plain(item) for key, item in value.items()}
    if hasattr(value, "__len__") or isinstance(value, tuple | list):
        return [plain(item) for item in value]
    return value


def outcome(code: str, names: dict[str, Any]) -> Any:
    """What the code is worth, or the name of the exception that it raises."""
    tree = ast.parse(code)
    last = tree.body.pop()
    assert isinstance(last, ast.Expr)
    scope = dict(names)
    try:
        exec(compile(tree, code, "exec"), scope)
        return plain(eval(compile(ast.Expression(last.value), code, "eval"), scope))
    except Exception as error:
        return f"!{type(error).__name__}"


def objects(names: dict[str, Any]) -> dict[str, Any]:
    """One object of each kind."""
    task, descriptor = names["TaskInfo"](), names["TaskInfo"].DESCRIPTOR
    state = names["TaskStatus"].DESCRIPTOR.fields_by_name["state"].enum_type
    selector = names["AttributeConstraint"].Selector.DESCRIPTOR
    return {
        "message": task,
        "repeated": names["CommandInfo"]().arguments,
        "map": task.limits,
        "descriptor": descriptor,
        "field": descriptor.fields[0],
        "oneof": selector.oneofs[0],
        "enum": state,
        "enum value": state.values[0],
        "file": descriptor.file,
    }


@pytest.mark.parametrize("code", CASES)
def test_each_call_has_the_same_outcome(code: str) -> None:
    ours, theirs = outcome(code, OURS), outcome(code, THEIRS)
    if code in CALLS:
        expected, reason = CALLS[code]
        assert ours == expected, reason
        assert ours != theirs, "no difference any more: take it off the list"
    else:
        assert ours == theirs


def test_the_list_of_differences_has_no_other_rows() -> None:
    assert set(CALLS) <= set(CASES)


@pytest.mark.parametrize("kind", ABSENT)
def test_everything_that_google_has_is_there(kind: str) -> None:
    ours, theirs = objects(OURS)[kind], objects(THEIRS)[kind]
    # of these it depends on Python's version whether classes of either kind have them
    pythons = {"__getstate__", "__static_attributes__", "__firstlineno__"}
    missing = set(dir(theirs)) - set(dir(ours)) - pythons
    assert {name for name in missing if not name.endswith("_FIELD_NUMBER")} == ABSENT[kind]


def facts(of: Any) -> list[Any]:
    """What a descriptor says of a message and its fields, in google.protobuf's words."""
    fields = [
        (
            *(field.name, field.full_name, field.number, field.index, field.type, field.cpp_type),
            *(field.is_required, field.is_repeated, field.is_packed, field.has_presence, field.json_name),
            *(field.camelcase_name, field.has_default_value, field.default_value, field.is_extension),
            *(
                field.message_type and field.message_type.full_name,
                field.enum_type and field.enum_type.full_name,
            ),
            *(field.containing_oneof and field.containing_oneof.full_name, field.containing_type.full_name),
            field.GetOptions().deprecated,
        )
        for field in of.fields
    ]
    nested = sorted(of.nested_types_by_name), sorted(of.enum_types_by_name), [one.name for one in of.oneofs]
    values = [
        [(value.name, value.number, value.index) for value in item.values]
        for item in sorted(of.enum_types, key=lambda item: item.name)
    ]
    return [of.full_name, of.file.name, of.GetOptions().map_entry, fields, nested, values]


def test_descriptors_say_what_the_schema_says() -> None:
    def walk(theirs: Any) -> None:
        if theirs.full_name == "google.protobuf.Duration":
            return  # proto3: without presence
        ours = mesos._mesos.message(theirs.full_name).DESCRIPTOR
        assert facts(ours) == facts(theirs)
        for inner in theirs.nested_types:
            walk(inner)

    for module in ("Offer", "scheduler.Call", "master.Call", "agent.Call", "maintenance.Window"):
        for found in google_class(f"mesos.v1.{module}").DESCRIPTOR.file.message_types_by_name.values():
            walk(found)


def test_google_s_own_tools_take_our_messages() -> None:
    rng = random.Random(5)
    for name in ("mesos.v1.Offer", "mesos.v1.TaskInfo", "mesos.v1.scheduler.Call"):
        google = google_class(name)()
        fill(rng, google, entries=1)
        ours = our_class(name).FromString(google.SerializePartialToString())
        assert json_format.MessageToDict(ours) == json_format.MessageToDict(google)
        assert json_format.ParseDict(json_format.MessageToDict(google), our_class(name)()) == ours
        text = text_format.MessageToString(google)
        assert text_format.MessageToString(ours) == text
        assert text_format.Parse(text, our_class(name)()) == ours
