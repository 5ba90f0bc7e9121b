"""Runs protobuf's conformance runner, and reads what it found.

failures.txt lists the cases that are known to fail. A run fails for any other that does, and for a listed one
that passes or does not exist.

The required cases compare what bytes mean, the recommended ones mostly the bytes themselves, in their
shortest form. The way `untouched` is not held to the latter: it writes what came as it came.
"""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

HERE = Path(__file__).resolve().parent
FAILURES = HERE / "failures.txt"
# The ways of testee.py; the value says whether recommended cases count.
WAYS = {"untouched": False, "split": True, "decoded": True}

# Of two: the second, which is about the text format, is skipped as a whole.
SUMMARY = re.compile(
    r"CONFORMANCE SUITE \w+: (?P<passed>\d+) successes, (?P<skipped>\d+) skipped, "
    r"(?P<expected_failures>\d+) expected failures, (?P<unexpected_failures>\d+) unexpected failures\."
)


@dataclass(frozen=True)
class Result:
    """What one run of the runner came to."""

    way: str
    has_passed: bool
    passed: int
    skipped: int
    expected_failures: int
    unexpected_failures: int
    #: recommended cases that failed, where they do not count
    tolerated: int
    #: what the runner printed
    text: str

    def __str__(self) -> str:
        return (
            f"{self.way:9}  passed {self.passed}, failed {self.unexpected_failures}, in failures.txt "
            f"{self.expected_failures}, recommended and not held to {self.tolerated}, skipped {self.skipped}"
        )


def run(runner: Path, package: Path, way: str) -> Result:
    """Run all cases the one way, over the classes of the extension in `package`."""
    recommended = WAYS[way]
    with tempfile.TemporaryDirectory() as scratch:
        program = Path(scratch, "testee")
        command = shlex.join([sys.executable, str(HERE / "testee.py"), way])
        program.write_text(f"#!/bin/sh\nexec {command}\n")  # the runner gets arguments of its own wrong
        program.chmod(0o755)
        failures = Path(scratch, "failures.txt")
        failures.write_text("".join(f"{name}\n" for name in listed() if recommended or is_required(name)))
        options: list[str | Path] = ["--failure_list", failures, "--output_dir", scratch]
        if recommended:
            options.append("--enforce_recommended")
        done = subprocess.run(
            [runner, *options, program],
            env={**os.environ, "PYTHONPATH": str(package)},
            capture_output=True,
            text=True,
            errors="replace",
            check=False,
        )
    if not (summary := SUMMARY.search(done.stderr)):
        raise RuntimeError(f"the runner ended with {done.returncode}, saying: {done.stderr[-2000:]}")
    return Result(
        way=way,
        has_passed=done.returncode == 0,
        **{name: int(count) for name, count in summary.groupdict().items()},
        tolerated=done.stderr.count("\nWARNING, test="),
        text=done.stderr,
    )


def listed() -> list[str]:
    """List the cases in failures.txt."""
    lines = (line.partition("#")[0].strip() for line in FAILURES.read_text().splitlines())
    return [line for line in lines if line]


def is_required(case: str) -> bool:
    """Whether the runner holds every implementation to it."""
    return case.startswith("Required.")
