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
