"""Where our messages do something else than google.protobuf's, on purpose: all of it, with the reasons.

Tests that try something on both libraries and see different outcomes look for it here, and fail if it is not
listed. A difference that is listed and was not seen fails them, too.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import Any

from google_messages import Field, is_map

TAKEN = "taken"
"""The outcome of what raised no exception; other outcomes are the exception's class."""


@dataclasses.dataclass(frozen=True)
class Attempt:
    """To give a value to a field."""

    field: Any
    """google.protobuf's descriptor"""
    how: str
    """set, construct, append, extend"""
    value: Any


@dataclasses.dataclass(frozen=True)
class Difference:
    """One thing that we do otherwise."""

    what: str
    """what is so, and why"""
    applies: Callable[[Attempt], bool]
    ours: tuple[Any, ...]
    """what may come of it with us"""
    google: tuple[Any, ...]


def _value_of(field: Any) -> Any:
    """Return the field itself; of a map, that of its values."""
    return field.message_type.fields_by_name["value"] if is_map(field) else field


def _holds_text(field: Any) -> bool:
    return is_map(field) or field.type in (Field.TYPE_STRING, Field.TYPE_ENUM)


def _takes_bare(field: Any) -> bool:
    message = field.message_type
    if message is None or "value" not in message.fields_by_name:
        return False
    return len(message.fields) == 1 or message.name.endswith("ID")


VALUES = [
    Difference(
        "bytes fields take whatever bytes() takes for bytes, as parsing does",
        lambda it: it.field.type == Field.TYPE_BYTES and isinstance(it.value, bytearray | memoryview),
        ours=(TAKEN,),
        google=(TypeError,),
    ),
    Difference(
        "a bool takes any int, also of more than 64 bits: each has a truth value",
        lambda it: it.field.type == Field.TYPE_BOOL and isinstance(it.value, int),
        ours=(TAKEN,),
        google=(OverflowError,),
    ),
    Difference(
        "what is no UTF-8 is a ValueError that names the field, not one of the codec",
        lambda it: _holds_text(it.field),
        ours=(ValueError,),
        google=(UnicodeEncodeError, UnicodeDecodeError),
    ),
    Difference(
        "a bare value is taken for a message that is only a value",
        lambda it: _takes_bare(_value_of(it.field)),
        ours=(TAKEN, ValueError, OverflowError),
        google=(TypeError,),
    ),
    Difference(
        "append and extend take dicts for messages, as constructors do",
        lambda it: it.how in ("append", "extend") and it.field.message_type is not None,
        ours=(TAKEN, ValueError),
        google=(TypeError,),
    ),
    Difference(
        "a key of a dict that is no str is a TypeError, as in a call",
        lambda it: it.field.message_type is not None and isinstance(it.value, dict),
        ours=(TypeError,),
        google=(ValueError,),
    ),
    Difference(
        "text, bytes and dicts are one value, not a list of letters, numbers or keys",
        lambda it: it.field.is_repeated and not is_map(it.field) and isinstance(it.value, str | bytes | dict),
        ours=(TypeError,),
        google=(TAKEN, ValueError, UnicodeEncodeError),
    ),
    Difference(
        "a map is made of a dict: what else can be iterated over is refused, even if empty",
        lambda it: is_map(it.field) and not isinstance(it.value, dict),
        ours=(TypeError,),
        google=(TAKEN, ValueError, SystemError),
    ),
    Difference(
        "in a map's dict the value is looked at before the key",
        lambda it: is_map(it.field) and isinstance(it.value, dict),
        ours=(TypeError,),
        google=(UnicodeEncodeError,),
    ),
    Difference(
        "assigning to a Duration is an AttributeError, as for any other message",
        lambda it: it.how == "set" and it.field.message_type is not None,
        ours=(AttributeError,),
        google=(TypeError,),
    ),
    Difference(
        "extend(None) adds nothing, as in google.protobuf before upb",
        lambda it: it.how == "extend" and it.value is None,
        ours=(TAKEN,),
        google=(TypeError,),
    ),
]

#: Why a call does something else.
NAMES_THE_FIELD = "a ValueError that names the field, not a UnicodeError that names none"
NO_NAME = "what is no str is no name: a TypeError, as in a call"
TAKES_MORE = (
    "what is meant is clear, so it is taken (DESIGN: where google.protobuf raises and we accept more, we win)"
)
LIKE_A_LIST = "repeated fields are full sequences"
LIKE_A_DICT = "maps are full mappings, of messages too"
NOBODY_MEANS_IT = "text for a list of texts is a mistake: its letters are not what was meant"

#: Rows of `message_calls`, what they give with ours, and why.
CALLS: dict[str, tuple[Any, str]] = {
    "Offer().HasField(5)": ("!TypeError", NO_NAME),
    "Offer().ClearField(5)": ("!TypeError", NO_NAME),
    "5 in Offer()": ("!TypeError", NO_NAME),
    r"t = TaskID(); t.value = b'\xff'; t.value": ("!ValueError", NAMES_THE_FIELD),
    "t = TaskID(); t.value = chr(0xd800); t.value": ("!ValueError", NAMES_THE_FIELD),
    "t = TaskInfo(); t.data = bytearray(b'x'); t.data": (b"x", TAKES_MORE),
    "t = TaskInfo(); t.data = memoryview(b'x'); t.data": (b"x", TAKES_MORE),
    "CommandInfo(arguments='abc')": ("!TypeError", NOBODY_MEANS_IT),
    "Offer(agent_id='x')": (("mesos.v1.Offer", b"\x1a\x03\n\x01x"), TAKES_MORE),
    "TaskID(value='x').SerializeToString(True)": ("!TypeError", "deterministic is documented as a keyword"),
    r"a = AgentID.FromString(b'\n\x01a\xfa\x3f\x03xyz'); a.UnknownFields()": (
        [[1023, 2, b"xyz"]],
        "UnknownFieldSet takes google.protobuf's own messages only, so the method does it",
    ),
    "a = TaskID(value='a'); a.CopyFrom({'value': 'b'}); a": (("mesos.v1.TaskID", b"\n\x01b"), TAKES_MORE),
    "a = TaskID(value='a'); a.CopyFrom('b'); a": (("mesos.v1.TaskID", b"\n\x01b"), TAKES_MORE),
    "o = Offer(); o.resources.append({'name': 'x'}); o": (
        ("mesos.v1.Offer", b"*\x03\n\x01x"),
        TAKES_MORE,
    ),
    "o = Offer(); o.resources.extend(None); o": (("mesos.v1.Offer", b""), "None is unset everywhere"),
    "o = Offer(); o.resources += [Resource()]; o": (("mesos.v1.Offer", b"*\x00"), LIKE_A_LIST),
    "o = Offer(); o.resources.index(Resource())": ("!ValueError", LIKE_A_LIST),
    "o = Offer(resources=[{}]); o.resources.count(Resource())": (1, LIKE_A_LIST),
    "c = CommandInfo(arguments=list('abc')); c.arguments.insert(1, 'x'), c.arguments.extend('yz'), c": (
        "!TypeError",
        NOBODY_MEANS_IT,
    ),
    "c = CommandInfo(); c.arguments.add()": ("!TypeError", "one class for all repeated fields"),
    "c = CommandInfo(arguments=list('abc')); c.arguments.index('b'), c.arguments.count('b')": (
        [1, 1],
        LIKE_A_LIST,
    ),
    "t = TaskInfo(); t.limits.pop('a', 7)": (7, LIKE_A_DICT),
    "t = TaskInfo(); t.limits.pop('a')": ("!KeyError", LIKE_A_DICT),
    "t = TaskInfo(); t.limits.setdefault('a')": ("!TypeError", "None is no message"),
    "t = TaskInfo(); t.limits.setdefault('a', Value.Scalar(value=1))": (
        ("mesos.v1.Value.Scalar", b"\t\x00\x00\x00\x00\x00\x00\xf0?"),
        LIKE_A_DICT,
    ),
    "t = TaskInfo(); t.limits.update({'a': Value.Scalar(value=1)}); t": (
        ("mesos.v1.TaskInfo", b"z\x0e\n\x01a\x12\t\t\x00\x00\x00\x00\x00\x00\xf0?"),
        LIKE_A_DICT,
    ),
    "t = TaskInfo(); h = t.limits['a']; t.limits.MergeFrom(TaskInfo(limits={'a': {'value': 1}}).limits); h": (
        ("mesos.v1.Value.Scalar", b""),
        "an entry that is replaced is another one from then on, as after the MergeFrom of the whole message",
    ),
    "hash(TaskInfo().limits)": ("!TypeError", "what can change has no hash"),
}

#: What google.protobuf's objects have and ours do not, and why.
ABSENT = {
    "message": {
        # of generated code and of the pure Python implementation; they raise or are empty
        *("_CheckCalledFromGeneratedFile", "_ListFieldsItemKey", "_SetListener", "__slots__", "__unicode__"),
    },
    "repeated": {"__array__"},  # numpy takes any sequence
    "map": set(),
    # descriptor.proto's messages are not part of Mesos' schema
    "descriptor": {"CopyToProto", "_GetFeatures"},
    "field": {"_GetFeatures"},
    "oneof": {"_GetFeatures"},
    "enum": {"CopyToProto", "_GetFeatures"},
    "enum value": {"_GetFeatures"},
    "file": {
        *("CopyToProto", "_GetFeatures", "serialized_pb", "pool"),
        *("dependencies", "public_dependencies"),
    },
}
