"""The embedded cluster's state machines take time, chance and processes from outside only."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

SOURCES = Path(__file__).resolve().parents[2] / "src" / "local"

#: The one file that may read a clock, wait or draw a number.
CLOCK = "clock.rs"

FORBIDDEN = {
    "a clock": r"\bInstant::|\bSystemTime\b|\btokio::time\b|\btime::(sleep|timeout|interval)|\bthread::sleep",
    "a random number": r"\bfastrand\b|\brand::|\bnew_v4\b|\bRandomState\b|\bgetrandom\b",
}

#: Files that must not know processes, threads or the runtime either: what a simulation runs.
MACHINES = [
    "action.rs",
    "agent",
    "allocator",
    "core.rs",
    "faults.rs",
    "master",
    "process.rs",
    "resources.rs",
    "status.rs",
    "updates.rs",
    "validate",
    "validate.rs",
]
OUTSIDE = (
    r"\btokio\b|\brustix\b|\bhyper\b|\bHashMap\b|"
    r"\bstd::(process|thread|fs|net::Tcp|sync::(Mutex|mpsc|atomic))"
)


def code(path: Path) -> list[tuple[int, str]]:
    """Lines without comments, up to the tests."""
    lines = []
    for number, line in enumerate(path.read_text("utf-8").splitlines(), 1):
        if line.startswith("#[cfg(test)]") and "mod tests {" in path.read_text("utf-8"):
            break
        lines.append((number, line.split("//")[0]))
    return lines


def offences(path: Path, pattern: str, what: str) -> list[str]:
    return [
        f"src/local/{path.relative_to(SOURCES)}:{number}: {what}: {line.strip()}"
        for number, line in code(path)
        if re.search(pattern, line)
    ]


def sources() -> list[Path]:
    """All files but those that are tests altogether."""
    return sorted(path for path in SOURCES.rglob("*.rs") if path.name not in (CLOCK, "tests.rs"))


def test_only_one_file_has_a_clock_and_random_numbers() -> None:
    found = [
        line
        for path in sources()
        for what, pattern in FORBIDDEN.items()
        for line in offences(path, pattern, what)
    ]
    assert not found, (
        "take it from src/local/clock.rs through the step's `now` or an `Entropy`:\n" + "\n".join(found)
    )


def test_the_machines_know_nothing_of_the_system() -> None:
    inside = [path for path in sources() if path.relative_to(SOURCES).parts[0] in MACHINES]
    assert len(inside) > len(MACHINES) - 3, "the list of machines is out of date"
    # HashMap: its order differs from run to run
    found = [line for path in inside for line in offences(path, OUTSIDE, "not for a state machine")]
    assert not found, "a state machine has inputs and outputs only (see src/local/core.rs):\n" + "\n".join(
        found
    )


@pytest.mark.parametrize(
    "text", ["let now = Instant::now();", "tokio::time::sleep(x)", "fastrand::u8(..)", "Uuid::new_v4()"]
)
def test_the_rule_would_notice(text: str) -> None:
    assert any(re.search(pattern, text) for pattern in FORBIDDEN.values())
