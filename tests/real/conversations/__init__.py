"""What is said to both the real Mesos and the embedded cluster; each module has a list, CONVERSATIONS."""

from __future__ import annotations

import inspect

from ..conversation import OWN_WORDS, UNSAID
from . import (
    checks,
    commands,
    draining,
    executors,
    faults,
    frameworks,
    groups,
    offers,
    operations,
    refusals,
    shares,
    updates,
)

MODULES = (
    frameworks,
    commands,
    checks,
    updates,
    executors,
    groups,
    offers,
    operations,
    shares,
    refusals,
)
CONVERSATIONS = [conversation for module in MODULES for conversation in module.CONVERSATIONS]
#: Each has a cluster of its own: a real agent that was drained goes on draining as long as it knows a
#: framework of somebody else.
ALONE = (draining, faults)
FAULTS = [conversation for module in ALONE for conversation in module.CONVERSATIONS]


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
        "On the real side master, agent, containerizer and status-update streams are Mesos' own code, in the",
        "one binary of 1.11.0 that can be installed: a Python package that holds the library. Its command",
        "executor, default executor and fetcher are programs of their own, which are not in there; what is",
        "in `tests/real/libexec` stands in for them, written after Mesos' sources. So where an update is an",
        "executor's own words (how a command ended, what a check found, a kill for bad health),",
        "our executor is compared with our stand-in, and Mesos only with what it makes of those words.",
    ]
    number = 0
    for module in (*MODULES, *ALONE):
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
    """Return OWN_WORDS with patterns that can be read."""
    readable = [pattern.removeprefix("(?s)").replace("[^:]*", "…") for pattern, _, _ in OWN_WORDS]
    return [(pattern, *more) for pattern, (_, *more) in zip(readable, OWN_WORDS, strict=True)]
