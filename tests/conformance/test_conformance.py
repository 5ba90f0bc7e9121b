"""protobuf's conformance tests, by protobuf's own runner."""

from __future__ import annotations

from pathlib import Path

import pytest

from . import setup, suite

pytestmark = pytest.mark.timeout(1200)  # the first test of a session may have to download and compile

# In the runner's version 3.21.12, the proto2 cases and those of proto3 that are about JSON (see README.md).
CASES = 1038


@pytest.fixture(scope="session")
def runner() -> Path:
    """Build the runner. On Debian a failed set-up fails the tests, elsewhere they are skipped."""
    if reason := setup.unsupported():
        pytest.skip(reason)
    return setup.runner()


@pytest.fixture(scope="session")
def package(runner: Path) -> Path:
    """Build the package `mesos` with the runner's messages."""
    return setup.extension(runner)


@pytest.mark.parametrize("way", suite.WAYS)
def test_message_classes_conform(runner: Path, package: Path, way: str) -> None:
    result = suite.run(runner, package, way)
    assert result.has_passed, result.text
    assert result.unexpected_failures == 0
    held_to = result.passed + result.expected_failures
    if runner.parent.name == "3.21.12":
        assert held_to + result.tolerated == CASES, "a case that was run before is skipped now"
    assert result.tolerated == 0 or not suite.WAYS[way]


def test_the_list_of_failures_is_checked(
    runner: Path, package: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    forgotten, *rest = suite.listed()
    passing = "Required.Proto2.ProtobufInput.UnknownVarint.ProtobufOutput"
    other = tmp_path / "failures.txt"
    other.write_text("\n".join([passing, "Required.Proto2.NoSuchCase", *rest]))
    monkeypatch.setattr(suite, "FAILURES", other)
    result = suite.run(runner, package, "decoded")
    assert not result.has_passed
    assert result.unexpected_failures == 1
    for case in (forgotten, passing, "Required.Proto2.NoSuchCase"):
        assert f"\n  {case}\n" in result.text


def test_every_failure_has_its_reason() -> None:
    before, listed = "", []
    for line in suite.FAILURES.read_text().splitlines():
        if line and not line.startswith("#"):
            assert before, f"{line} stands below no reason"
            listed.append(line)
        before = line
    assert listed == suite.listed()
    assert len(set(listed)) == len(listed)
    required = [case for case in listed if suite.is_required(case) and ".Proto2." in case]
    other_kinds = ("FIXED32", "FIXED64", "SFIXED32", "SFIXED64", "SINT32", "SINT64", "FLOAT")
    assert all(case.endswith(other_kinds) for case in required), "required cases of Mesos' kinds pass"
