"""HTML tables of messages for notebooks: what one looks for first in an offer, a task, a status, ...

A single message is a table of names and values, several are one with a line each. `%load_ext mesos` in a
notebook does the same for plain lists of messages, such as the offers that a callback gets.

Invariants:
* Text of messages is escaped, all of it, by `_text`; what is not escaped is written here.
* No scripts, no style sheets, no colours that assume a background: it reads the same on light and dark.
"""

from __future__ import annotations

import datetime
import html
from collections.abc import Callable, Iterable, Sequence
from typing import Any

__all__ = ["load_ipython_extension", "render"]

#: Lines of a table, and letters of a text; what is beyond is counted, or cut.
_LINES, _LETTERS = 100, 160

_CELL = "padding:.25em .7em;text-align:left;vertical-align:top;border:0;line-height:1.6"
_LINE = "border-top:1px solid rgba(128,128,128,.3)"
_HEADING = f"{_CELL};font-weight:600;opacity:.65;white-space:nowrap"
_BADGE = "padding:.1em .55em;border-radius:.7em;color:#fff;font-size:90%;white-space:nowrap;background:"
_CHIP = "padding:.05em .45em;border-radius:.4em;background:rgba(128,128,128,.18);white-space:nowrap"
_STATES = {
    "#2e7d32": {"TASK_RUNNING"},
    "#1565c0": {"TASK_FINISHED"},
    "#546e7a": {"TASK_STAGING", "TASK_STARTING", "TASK_KILLING", "TASK_KILLED"},
    "#b26a00": {"TASK_UNREACHABLE", "TASK_UNKNOWN", "TASK_DROPPED"},
}
_BAD = "#c62828"

Cell = Callable[[Any], str]


def _text(value: object) -> str:
    text = str(value)
    return html.escape(text if len(text) <= _LETTERS else text[:_LETTERS] + "…")


def _whole(value: object) -> str:
    return f'<span style="white-space:nowrap">{_text(value)}</span>'


def _strong(value: object) -> str:
    return f"<b>{_whole(value)}</b>"


def _code(value: object) -> str:
    """An identifier, or a command; short ones are kept on one line."""
    return f"<code>{_whole(value) if len(str(value)) <= 48 else _text(value)}</code>" if value else ""  # noqa: PLR2004


def _chips(values: Iterable[str]) -> str:
    return " ".join(f'<span style="{_CHIP}">{value}</span>' for value in values)


def _number(value: float) -> str:
    return f"{value:.3f}".rstrip("0").rstrip(".")


def _amount(name: str, value: float) -> str:
    """Megabytes, which is what Mesos counts memory and disks in, in a unit that fits."""
    if name not in {"mem", "disk"}:
        return _number(value)
    return f"{_number(round(value / 1024, 1))}&nbsp;GB" if value >= 1024 else f"{_number(value)}&nbsp;MB"  # noqa: PLR2004


def _role(resource: Any) -> str:
    reserved = [reservation.role for reservation in resource.reservations]
    return str(resource.allocation_info.role or (reserved[-1] if reserved else resource.role))


def _value(item: Any) -> str:
    """The value of a resource or an attribute."""
    if item.HasField("ranges"):
        spans = ((one.begin, one.end) for one in item.ranges.range)
        return ", ".join(_whole(f"{begin}–{end}" if end > begin else begin) for begin, end in spans)
    if item.HasField("set"):
        return _text(", ".join(item.set.item))
    if "text" in item.DESCRIPTOR.fields_by_name and item.HasField("text"):
        return _text(item.text.value)
    return _amount(item.name, item.scalar.value)


def _resources(resources: Iterable[Any]) -> str:
    """A line for each role: its amounts, summed by name, then its persistent volumes."""
    roles: dict[str, dict[str, float | list[str]]] = {}
    for resource in resources:
        held = roles.setdefault(_role(resource), {})
        volume = resource.disk.persistence.id
        if volume:
            _listed(held, "volumes").append(f"{_text(volume)}&nbsp;{_value(resource)}")
        elif resource.HasField("scalar"):
            before = held.get(resource.name, 0.0)
            held[resource.name] = resource.scalar.value + (before if isinstance(before, float) else 0.0)
        else:
            _listed(held, resource.name).append(_value(resource))
    lines: list[str] = []
    for role, held in sorted(roles.items()):
        amounts = (
            f"<b>{_text(name)}</b>&nbsp;{', '.join(of) if isinstance(of, list) else _amount(name, of)}"
            for name, of in held.items()
        )
        lines.append(f"<div>{_chips([_text(role)])} {' · '.join(amounts)}</div>")
    return "".join(lines)


def _listed(held: dict[str, float | list[str]], name: str) -> list[str]:
    found = held.get(name)
    if isinstance(found, list):
        return found
    fresh: list[str] = []
    held[name] = fresh
    return fresh


def _attributes(message: Any) -> str:
    return _chips(f"{_text(item.name)}={_value(item)}" for item in message.attributes)


def _labels(message: Any) -> str:
    return _chips(
        _text(f"{label.key}={label.value}" if label.value else label.key) for label in message.labels.labels
    )


def _state(status: Any) -> str:
    name = str(status.state)
    colour = next((colour for colour, names in _STATES.items() if name in names), _BAD)
    return f'<span style="{_BADGE}{colour}">{_text(name.removeprefix("TASK_"))}</span>'


def _enum(prefix: str, field: str) -> Cell:
    def cell(message: Any) -> str:
        return _text(str(getattr(message, field)).removeprefix(prefix)) if message.HasField(field) else ""

    return cell


def _time(status: Any) -> str:
    if not status.HasField("timestamp"):
        return ""
    try:
        when = datetime.datetime.fromtimestamp(status.timestamp, datetime.timezone.utc)
    except (OverflowError, ValueError, OSError):  # no date of this world
        return _text(status.timestamp)
    return _whole(when.strftime("%Y-%m-%d %H:%M:%S UTC"))


def _health(status: Any) -> str:
    return ("healthy" if status.healthy else "<b>unhealthy</b>") if status.HasField("healthy") else ""


def _work(task: Any) -> str:
    command = task.command if task.HasField("command") else task.executor.command
    parts = (
        [command.value, *command.arguments]
        if command.value not in command.arguments[:1]
        else command.arguments
    )
    return _code(" ".join(parts))


def _image(task: Any) -> str:
    container = task.container if task.HasField("container") else task.executor.container
    image = container.mesos.image
    return _code(container.docker.image or image.docker.name or image.appc.name)


def _window(offer: Any) -> str:
    return "agent will be down" if offer.HasField("unavailability") else ""


def _place(message: Any) -> str:
    fault = message.domain.fault_domain
    return _text(" / ".join(filter(None, [fault.region.name, fault.zone.name])))


def _address(agent: Any) -> str:
    return f"{_strong(agent.hostname)}:{agent.port}"


def _roles(framework: Any) -> str:
    return _chips(map(_text, framework.roles or [framework.role]))


def _capabilities(framework: Any) -> str:
    return _chips(_text(str(one.type)) for one in framework.capabilities)


def _failover(framework: Any) -> str:
    return f"{_number(framework.failover_timeout)}&nbsp;s" if framework.HasField("failover_timeout") else ""


def _field(path: str, shown: Callable[[object], str] = _text) -> Cell:
    def cell(message: Any) -> str:
        for name in path.split("."):
            message = getattr(message, name)
        return shown(message) if message else ""

    return cell


#: Headings and cells by the full name of the message.
_TABLES: dict[str, dict[str, Cell]] = {
    "mesos.v1.Offer": {
        "host": _field("hostname", _strong),
        "resources": lambda offer: _resources(offer.resources),
        "attributes": _attributes,
        "domain": _place,
        "maintenance": _window,
        "agent": _field("agent_id.value", _code),
        "offer": _field("id.value", _code),
    },
    "mesos.v1.TaskInfo": {
        "task": _field("task_id.value", _code),
        "name": _field("name"),
        "command": _work,
        "image": _image,
        "resources": lambda task: _resources(task.resources),
        "labels": _labels,
        "agent": _field("agent_id.value", _code),
    },
    "mesos.v1.TaskStatus": {
        "task": _field("task_id.value", _code),
        "state": _state,
        "reason": _enum("REASON_", "reason"),
        "message": _field("message"),
        "health": _health,
        "source": _enum("SOURCE_", "source"),
        "time": _time,
        "agent": _field("agent_id.value", _code),
    },
    "mesos.v1.AgentInfo": {
        "host": _address,
        "resources": lambda agent: _resources(agent.resources),
        "attributes": _attributes,
        "domain": _place,
        "agent": _field("id.value", _code),
    },
    "mesos.v1.FrameworkInfo": {
        "name": _field("name", _strong),
        "user": _field("user"),
        "roles": _roles,
        "failover timeout": _failover,
        "capabilities": _capabilities,
        "principal": _field("principal"),
        "host": _field("hostname"),
        "web": _field("webui_url"),
        "framework": _field("id.value", _code),
    },
}


def _line(cells: Iterable[str]) -> str:
    return f'<tr style="{_LINE}">{"".join(cells)}</tr>'


def _one(message: Any, columns: dict[str, Cell]) -> str:
    filled = ((heading, cell(message)) for heading, cell in columns.items())
    return "".join(
        _line([f'<th style="{_HEADING}">{heading}</th>', f'<td style="{_CELL}">{shown}</td>'])
        for heading, shown in filled
        if shown
    )


def _many(messages: Sequence[Any], columns: dict[str, Cell]) -> str:
    """Columns in which nothing is are left out."""
    table = {heading: [cell(message) for message in messages[:_LINES]] for heading, cell in columns.items()}
    table = {heading: cells for heading, cells in table.items() if any(cells)}
    head = "".join(f'<th style="{_HEADING}">{heading}</th>' for heading in table)
    lines = (
        _line(f'<td style="{_CELL}">{cell}</td>' for cell in line)
        for line in zip(*table.values(), strict=True)
    )
    more = len(messages) - _LINES
    end = f'<tr><td style="{_CELL}" colspan="{len(table)}">… and {more} more</td></tr>' if more > 0 else ""
    return f"<tr>{head}</tr>{''.join(lines)}{end}"


def render(value: Any) -> str | None:
    """A message, or a sequence of messages of one type, as a table; None if there is none for it."""
    several = not hasattr(value, "DESCRIPTOR")
    first = next(iter(value), None) if several else value
    columns = _TABLES.get(getattr(getattr(first, "DESCRIPTOR", None), "full_name", ""))
    if columns is None or (several and any(type(one) is not type(first) for one in value)):
        return None
    inside = _many(value, columns) if several else _one(value, columns)
    return f'<table style="border-collapse:collapse">{inside}</table>'


def load_ipython_extension(shell: Any) -> None:
    """Show plain lists of messages as tables, too: what `%load_ext mesos` calls in a notebook."""
    shell.display_formatter.formatters["text/html"].for_type(list, render)
