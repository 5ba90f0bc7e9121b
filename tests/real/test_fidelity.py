"""The embedded cluster answers as Apache Mesos does: one conversation with each, compared event by event.

Invariants
* The transcripts (`conversation.py`) have to be equal, but for what differs by nature or is listed there.
* Each conversation ends with an event that it caused: nothing is waited for by time.
"""

from __future__ import annotations

import contextlib
import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from mesos import LocalCluster

from .cluster import AGENT_FLAGS, RealCluster
from .conversation import OWN_WORDS, UNSAID, Conversation, Transcript
from .conversations import CONVERSATIONS, FAULTS, page
from .faults import IMPATIENT, Faults, LocalFaults, RealFaults
from .setup import RealMesos

PAGE = Path(__file__).parents[2] / "docs" / "fidelity.md"

CAPABILITIES = {
    "plain": [],
    "modern": [
        {"type": name}
        for name in ("MULTI_ROLE", "PARTITION_AWARE", "TASK_KILLING_STATE", "RESERVATION_REFINEMENT")
    ],
}


@pytest.fixture(scope="module")
def local_cluster() -> Iterator[LocalCluster]:
    with LocalCluster(resources=AGENT_FLAGS["resources"]) as cluster:
        yield cluster


def held(
    master: str,
    conversation: Callable[..., None],
    capabilities: list[Any],
    directory: Path,
    *faults: Faults,
) -> Transcript:
    info: dict[str, Any] = {"capabilities": capabilities, "failover_timeout": 60.0}
    info |= getattr(conversation, "info", {})
    if capabilities:
        info["roles"] = [info.pop("role", "fidelity/inner")]
    talk = Conversation(master, **info)
    talk.directory = directory
    try:
        conversation(talk, *faults)
    finally:
        with contextlib.suppress(AttributeError):  # it was never subscribed
            heard = list(talk.heard)
            talk.call("TEARDOWN")
            talk.heard = heard
        talk.close()
    return talk.transcript()


def lines(transcript: Transcript) -> list[str]:
    """One value a line, so that a difference is seen at once."""
    return json.dumps(transcript, indent=1, sort_keys=True).splitlines()


@pytest.fixture
def directories(tmp_path: Path) -> list[Path]:
    """Return one for the real cluster, and one for the embedded."""
    made = [tmp_path / "real", tmp_path / "local"]
    for directory in made:
        directory.mkdir()
    return made


@pytest.mark.parametrize("capabilities", CAPABILITIES.values(), ids=CAPABILITIES)
@pytest.mark.parametrize("conversation", CONVERSATIONS, ids=lambda conversation: conversation.__name__)
def test_it_goes_as_with_mesos(
    real_cluster: RealCluster,
    local_cluster: LocalCluster,
    conversation: Callable[[Conversation], None],
    capabilities: list[Any],
    directories: list[Path],
) -> None:
    expected = held(real_cluster.master, conversation, capabilities, directories[0])
    assert lines(held(local_cluster.master, conversation, capabilities, directories[1])) == lines(expected)


@pytest.mark.parametrize("capabilities", CAPABILITIES.values(), ids=CAPABILITIES)
@pytest.mark.parametrize("conversation", FAULTS, ids=lambda conversation: conversation.__name__)
def test_what_goes_wrong_goes_wrong_as_with_mesos(
    real_mesos: RealMesos,
    conversation: Callable[..., None],
    capabilities: list[Any],
    directories: list[Path],
) -> None:
    flags = IMPATIENT if getattr(conversation, "impatient", False) else {}
    with RealCluster(real_mesos, directories[0], master_flags=flags) as real:
        expected = held(real.master, conversation, capabilities, directories[0], RealFaults(real))
    with LocalCluster(resources=AGENT_FLAGS["resources"]) as local:
        transcript = held(local.master, conversation, capabilities, directories[1], LocalFaults(local))
    assert lines(transcript) == lines(expected)


def test_the_page_lists_what_is_compared() -> None:
    """Write docs/fidelity.md anew with `python -m tests.real.test_fidelity`."""
    print(page())
    assert PAGE.read_text() == page()
    assert len(CONVERSATIONS) >= 40
    assert len(UNSAID) + len(OWN_WORDS) <= 3


if __name__ == "__main__":
    PAGE.write_text(page())
