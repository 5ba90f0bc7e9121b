"""What is said to both the real Mesos and the embedded cluster; each module has a list, CONVERSATIONS."""

from __future__ import annotations

import inspect

from ..conversation import OWN_WORDS, UNSAID
from . import commands, executors, groups, operations

MODULES = (commands, executors, groups, operations)
CONVERSATIONS = [conversation for module in MODULES for conversation in module.CONVERSATIONS]


def page() -> str:
    """Return docs/fidelity.md."""
    lines = [
        "# Where the embedded cluster answers as Apache Mesos does",
        "",
        "Each line is a conversation over Mesos' HTTP API that `tests/real/test_fidelity.py` holds twice,",
        "with the embedded cluster and with a real Mesos 1.11.0: by a framework without capabilities, and by",
        "one that has MULTI_ROLE, PARTITION_AWARE, TASK_KILLING_STATE and RESERVATION_REFINEMENT. What is",
        "heard has to be equal, event by event and field by field, but for ids, times, addresses and process",
        "ids.",
        "",
        "Master and agent are Mesos' own. Its command and default executors do not come with its library: on",
        "the real side those of `tests/real/libexec` run, so that in what these two report the comparison is",
        "with them. Agents that end and come back, and the master's fail-over, are not compared here.",
    ]
    number = 0
    for module in MODULES:
        title = inspect.cleandoc(module.__doc__ or "").splitlines()[0].rstrip(".")
        lines += ["", f"## {title}", "", "| | conversation | |", "|---|---|---|"]
        for conversation in module.CONVERSATIONS:
            number += 1
            words = inspect.cleandoc(conversation.__doc__ or "").splitlines() or [""]
            lines.append(f"| {number} | {conversation.__name__.replace('_', ' ')} | {words[0]} |")
    lines += ["", "## What differs", ""]
    lines += [f"* {kind}.{'.'.join(path)}, which only Mesos says: {why}." for kind, path, why in UNSAID]
    lines += [
        f"* What follows “{words.split('(')[1].split(')')[0]}”: {why}." for words, _, why in own_words()
    ]
    return "\n".join(lines) + "\n"


def own_words() -> list[tuple[str, str, str]]:
    """Return OWN_WORDS without the flags of their patterns."""
    return [(pattern.removeprefix("(?s)"), instead, why) for pattern, instead, why in OWN_WORDS]
