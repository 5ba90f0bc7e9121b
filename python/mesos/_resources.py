"""`Resources`: what a task needs or an agent has, in a form that people write."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, TypeAlias, cast, overload

from mesos import _mesos

__all__ = ["Resources"]

_Spec: TypeAlias = "str | Mapping[str, Any] | _mesos.Message | Iterable[Any]"


class Resources(Sequence[Any]):
    """A sequence of `mesos.Resource`, accepted wherever a repeated `Resource` is.

        Resources("cpus:1;mem:32;ports:[31000-32000]")
        Resources(cpus=0.1, mem=32, ports=[(31000, 31005)])
        mesos.TaskInfo(..., resources=mesos.Resources(cpus=0.1, mem=32))

    Args:
        spec: text as for the agent's option `--resources` (`name:value` or `name(role):value`, parted by `;`;
            a value is a number, ranges `[1-5,7-9]`, or a set `{a,b}`), or messages and dicts, one or several.
        role: the role all of them are reserved for (`Resource.role`), but those that name another.
        **named: a number (mem and disk in MB), ranges as pairs (begin, end), both included, or a set of
            names.

    Raises ValueError or TypeError, naming the resource and the value, for what is neither. Resources are not
    changed once made; the messages in them are their own.

    """

    __slots__ = ("_items",)

    # role is a str or None; said so, it would forbid Resources(**amounts)
    def __init__(self, spec: _Spec = (), /, *, role: Any = None, **named: Any) -> None:
        """Convert and check them all."""
        fields: list[Any]
        if isinstance(spec, str):
            fields = list(_parse(spec, role))
        elif isinstance(spec, Mapping | _mesos.Message):
            if isinstance(spec, Mapping) and spec and "name" not in spec:
                raise ValueError(
                    f"resources: {spec!r} is no Resource: it has no name; "
                    "for amounts by name write Resources(**amounts)"
                )
            fields = [spec]
        elif isinstance(spec, Iterable):
            fields = list(spec)
        else:
            raise TypeError(
                f"resources: expected text, messages or dicts, got {spec!r}; "
                "for amounts write Resources(cpus=1, mem=32)"
            )
        # a message to hold them converts and copies whatever was passed
        task, resource = (_mesos.lookup("mesos.v1", name) for name in ("TaskInfo", "Resource"))
        holder = task(resources=fields)
        items = list(holder.resources)
        for item in items:
            if role is not None and not item.HasField("role") and not item.reservations:
                item.role = role
        items += [
            resource(**_with_role(_value(name, value), role), name=name) for name, value in named.items()
        ]
        self._items: tuple[Any, ...] = tuple(items)

    @overload
    def __getitem__(self, index: int, /) -> Any: ...
    @overload
    def __getitem__(self, index: slice, /) -> Resources: ...
    def __getitem__(self, index: int | slice, /) -> Any:
        """The resource at a position, or the resources of a slice."""
        return Resources(self._items[index]) if isinstance(index, slice) else self._items[index]

    def __len__(self) -> int:
        """How many entries there are."""
        return len(self._items)

    def __iter__(self) -> Iterator[Any]:
        """Iterate over the `mesos.Resource`s."""
        return iter(self._items)

    def __eq__(self, other: object) -> bool:
        """Whether the other has the same resources in the same order."""
        if isinstance(other, Sequence) and not isinstance(other, str | bytes):
            return list(self) == list(cast("Sequence[object]", other))
        return NotImplemented

    __hash__ = None  # type: ignore[assignment] # pyright: ignore[reportAssignmentType] - its messages can change

    def __repr__(self) -> str:
        """As a call that makes them, if they are only names, values and roles."""
        return f"{type(self).__name__}({';'.join(_text(item) for item in self._items)!r})"


def _with_role(fields: dict[str, Any], role: str | None) -> dict[str, Any]:
    return fields if role is None else {**fields, "role": role}


def _value(name: str, value: Any) -> dict[str, Any]:
    """The fields of a `Resource` that say how much."""
    if isinstance(value, bool) or value is None:
        raise TypeError(f"resource {name!r}: expected a number, ranges or a set, got {value!r}")
    if isinstance(value, int | float) or hasattr(value, "__float__"):
        try:
            number = float(value)
        except OverflowError:
            number = math.inf
        if not math.isfinite(number) or number < 0:
            raise ValueError(f"resource {name!r}: {value!r} is no amount: it must be finite and not negative")
        return {"type": "SCALAR", "scalar": number}
    if isinstance(value, str):
        return _parse_value(name, value)
    if isinstance(value, set | frozenset):
        value = cast("set[Any]", value)
        if not all(isinstance(item, str) for item in value):
            raise TypeError(f"resource {name!r}: the items of a set are str, got {value!r}")
        return {"type": "SET", "set": {"item": sorted(value)}}
    if isinstance(value, Iterable):
        pairs: Iterable[Any] = value  # pyright: ignore[reportUnknownVariableType]
        return {"type": "RANGES", "ranges": {"range": [_range(name, pair) for pair in pairs]}}
    raise TypeError(f"resource {name!r}: expected a number, ranges or a set, got {value!r}")


def _range(name: str, pair: Any) -> dict[str, int]:
    if isinstance(pair, range):
        pair = (pair.start, pair.stop - 1) if pair.step == 1 else ()
    try:
        begin, end = pair
    except (TypeError, ValueError):
        raise TypeError(
            f"resource {name!r}: a range is a pair (begin, end), both included, got {pair!r}"
        ) from None
    if (
        isinstance(begin, bool)
        or isinstance(end, bool)
        or not isinstance(begin, int)
        or not isinstance(end, int)
    ):
        raise TypeError(f"resource {name!r}: a range is a pair of ints, got {pair!r}")
    if not 0 <= begin <= end < 1 << 64:
        raise ValueError(f"resource {name!r}: the range {begin}-{end} is empty or out of bounds")
    return {"begin": begin, "end": end}


def _parse(text: str, role: str | None) -> Iterator[dict[str, Any]]:
    """The resources in a text such as "cpus:1;ports(web):[80-90]"."""
    for part in filter(None, (part.strip() for part in text.split(";"))):
        key, colon, value = part.partition(":")
        name, parenthesis, rest = key.strip().partition("(")
        own, closed, behind = rest.partition(")")
        if (
            not colon
            or not name.strip()
            or (parenthesis and (not closed or behind.strip() or not own.strip()))
        ):
            raise ValueError(f"resources: {part!r} is not name:value or name(role):value")
        fields = _parse_value(name.strip(), value.strip())
        yield {"name": name.strip(), **_with_role(fields, own.strip() if parenthesis else role)}


def _parse_value(name: str, text: str) -> dict[str, Any]:
    text = text.strip()
    if text.startswith("[") and text.endswith("]"):
        ranges: list[tuple[int, int]] = []
        for part in filter(None, (part.strip() for part in text[1:-1].split(","))):
            begin, dash, end = part.partition("-")
            if not dash or not begin.strip().isdecimal() or not end.strip().isdecimal():
                raise ValueError(f"resource {name!r}: {part!r} is no range such as 31000-32000")
            ranges.append((int(begin), int(end)))
        return _value(name, ranges)
    if text.startswith("{") and text.endswith("}"):
        return _value(name, {part.strip() for part in text[1:-1].split(",") if part.strip()})
    try:
        number = float(text.replace("_", "?"))  # Python's digit groups are no one else's
    except ValueError:
        raise ValueError(
            f"resource {name!r}: {text!r} is neither a number, ranges [1-5,7-9], nor a set {{a,b}}"
        ) from None
    return _value(name, number)


def _text(resource: Any) -> str:
    role = f"({resource.role})" if resource.HasField("role") else ""
    if resource.HasField("ranges"):
        value = "[" + ",".join(f"{part.begin}-{part.end}" for part in resource.ranges.range) + "]"
    elif resource.HasField("set"):
        value = "{" + ",".join(resource.set.item) + "}"
    else:
        value = f"{resource.scalar.value:.15g}"
    return f"{resource.name}{role}:{value}"
