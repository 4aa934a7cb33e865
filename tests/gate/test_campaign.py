"""A short slice of `make campaign` (tests/campaign.py): a hundred random fault scenarios, no invariant broken."""

from __future__ import annotations

import pytest

from gate.model import Kind
from tests.campaign import run


@pytest.mark.parametrize("seed", range(0, 100, 10))
def test_random_faults_break_no_invariant(seed: int) -> None:
    """I1-I4, I8, I9, I14, I15."""
    for number in range(10):
        run(seed + number)


def test_the_scenarios_do_move_the_gate() -> None:
    """A campaign in which nothing moves would prove nothing."""
    assert sum(run(seed).kinds().count(Kind.DRIVE_ENERGISED) for seed in range(8)) > 8
