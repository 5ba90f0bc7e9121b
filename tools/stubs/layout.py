"""How stubs are laid out: indentation, docstrings, and what is too long for a line.

Invariants:
* The layout is this file's alone: a new version of a formatter changes no stub.
"""

from __future__ import annotations

import textwrap
from collections.abc import Iterable

#: As ruff checks it elsewhere. Here a few lines are longer: those of long names.
WIDTH = 110


def indented(lines: Iterable[str]) -> list[str]:
    """The lines of a body."""
    return [f"    {line}" if line else line for line in lines]


def quoted(items: Iterable[str]) -> list[str]:
    """Names as string literals."""
    return [f'"{item}"' for item in items]


def docstring(text: str, depth: int) -> list[str]:
    """A docstring, `depth` levels in."""
    if '"""' in text or "\\" in text:
        raise ValueError(f"a docstring cannot hold {text!r}")
    text = " ".join(text.split())
    room = WIDTH - 4 * depth
    if len(text) + 6 <= room and not text.endswith('"'):
        return [f'"""{text}"""']
    return [*textwrap.wrap(f'"""{text}', room - 3, break_on_hyphens=False), '"""']


def parameters(start: str, items: list[str], end: str, depth: int) -> list[str]:
    """A signature: on one line if it fits, else one parameter on each."""
    line = f"{start}{', '.join(items)}{end}"
    if len(line) + 4 * depth <= WIDTH:
        return [line]
    return [start, *(f"    {item}," for item in items), end]


def filled(start: str, items: Iterable[str], end: str, depth: int = 0) -> list[str]:
    """A list of short items: on one line if it fits, else on as many as they fill."""
    text = ", ".join(items)
    line = f"{start}{text}{end}"
    if len(line) + 4 * depth <= WIDTH:
        return [line]
    return [start, *indented(textwrap.wrap(text, WIDTH - 4 * (depth + 1))), end]
