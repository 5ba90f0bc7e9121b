"""Enum classes of the schema, made by the native half when first needed.

They are `IntEnum`s that also answer to google.protobuf's names (`Name()`, `Value()`, `keys()`, ...).
"""

from __future__ import annotations

from collections.abc import Sequence
from enum import IntEnum
from typing import TYPE_CHECKING, Any, ClassVar, TypeVar

if TYPE_CHECKING:
    from mesos._reflection import EnumDescriptor

_Self = TypeVar("_Self", bound="Enum")

__all__ = ["Enum"]


class _Described:
    """Reads as the descriptor of the enum that it is asked of."""

    def __get__(self, _member: object, of: type[Enum]) -> EnumDescriptor:
        """The descriptor, for code that knows google.protobuf's."""
        from mesos._reflection import enum_descriptor  # noqa: PLC0415 - few need it

        return enum_descriptor(of)


class Enum(IntEnum):
    """What the enums of the schema have in common: members are ints, and print as their names."""

    DESCRIPTOR: ClassVar[EnumDescriptor]

    def __str__(self) -> str:
        """The name, on every Python (IntEnum itself changed its mind in 3.11)."""
        return self.name

    def __format__(self, spec: str) -> str:
        """The name for an empty format; the number for formats of numbers, such as `d`."""
        return self.name if not spec else int.__format__(int(self), spec)

    @classmethod
    def Name(cls, number: int) -> str:  # noqa: N802 - google.protobuf's name
        """The name of a number. Raises ValueError if no value has it."""
        if not isinstance(number, int):
            raise TypeError(f"{cls.__qualname__}.Name() takes a number, not {number!r}")
        return cls(number).name

    @classmethod
    def Value(cls: type[_Self], name: str) -> _Self:  # noqa: N802 - google.protobuf's name
        """The member with a name, v0 names included. Raises ValueError if there is none."""
        try:
            return cls[name]
        except KeyError:
            raise ValueError(f"{cls.__qualname__} has no value {name!r}") from None

    @classmethod
    def keys(cls) -> list[str]:
        """The names, in the order of the schema."""
        return [member.name for member in cls]

    @classmethod
    def values(cls: type[_Self]) -> list[_Self]:
        """The members, in the order of the schema."""
        return list(cls)

    @classmethod
    def items(cls: type[_Self]) -> list[tuple[str, _Self]]:
        """Pairs of name and member, in the order of the schema."""
        return [(member.name, member) for member in cls]


_enum: Any = Enum  # in its body it would be a member
_enum.DESCRIPTOR = _Described()


class _TaskState(Enum):
    """What `mesos.TaskState` has besides its values."""

    @property
    def is_terminal(self) -> bool:
        """Whether a task in this state has ended for good: nothing more will come of it.

        The states are those of Mesos' own `isTerminalState`, TASK_LOST and TASK_GONE_BY_OPERATOR among them;
        not TASK_UNREACHABLE and TASK_UNKNOWN: such a task may come back.
        """
        return self.name in _TERMINAL


_TERMINAL = frozenset(
    {
        "TASK_FINISHED",
        "TASK_FAILED",
        "TASK_KILLED",
        "TASK_ERROR",
        "TASK_LOST",
        "TASK_DROPPED",
        "TASK_GONE",
        "TASK_GONE_BY_OPERATOR",
    }
)

_BASES: dict[str, type[Enum]] = {"mesos.v1.TaskState": _TaskState}


def make(
    full_name: str,
    path: tuple[str, str],
    doc: str,
    values: Sequence[tuple[str, int, str]],
    old: Sequence[tuple[str, int]],
) -> type[Enum]:
    """Make the class of one enum.

    Args:
        full_name: of the enum in the schema.
        path: module and qualified name of the class.
        doc: the comment of the enum.
        values: names, numbers and comments of its values.
        old: v0 names of some of them, which become aliases.

    """
    module, name = path
    base = _BASES.get(full_name, Enum)
    members = [(member, number) for member, number, _ in values] + list(old)
    functional: Any = base  # Enum's functional API, whose arguments are not those of a member
    made: type[Enum] = functional(name.rpartition(".")[2], members, module=module, qualname=name)
    for member, _, text in values:
        made[member].__doc__ = text
    about = [f"* `{member}` = {number}: {text}".replace("\n", "\n  ") for member, number, text in values]
    made.__doc__ = "\n".join([doc, "", *about])
    return made
