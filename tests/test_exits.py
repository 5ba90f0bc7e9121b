"""A few of the interpreter exits of which `make exits` runs a thousand, each in another state of a driver."""

from __future__ import annotations

import exits
import pytest


@pytest.mark.parametrize("number", range(len(exits.DRIVERS)))
def test_exit(number: int) -> None:
    """Neighbours are in other states."""
    assert exits.run(number) is None


def test_all_states_have_their_turn() -> None:
    assert len({exits.case(number)[0] for number in range(len(exits.CASES))}) == len(exits.CASES)
