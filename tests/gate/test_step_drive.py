"""Seven logics of one button: from any phase the commanded limit is reached in few presses, and none is blind."""

from __future__ import annotations

import pytest

from tests.steppers import EVERY_LOGIC, MOST_PRESSES, tally

RUNS = 60
LEAST = 0.99


def test_there_are_at_least_six_logics() -> None:
    assert len(EVERY_LOGIC) >= 6


@pytest.mark.parametrize("logic", EVERY_LOGIC)
def test_the_commanded_limit_is_reached_from_every_unknown_phase(logic: str) -> None:
    """≥ 99 % of runs with ≤ 3 presses a command, and never a blind press for CLOSE (`make bench` runs 2,000 each)."""
    found = tally(logic, RUNS)
    assert found.blind == 0
    assert found.reached >= LEAST, found.lost
    assert max(*found.opened, *found.closed) <= MOST_PRESSES
