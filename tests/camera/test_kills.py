"""SIGKILL while it records: a slice of what `make bench` does fifty times."""

from __future__ import annotations

import pytest

from tests.bench.bench_recording import MOST_LOST_S, kills


@pytest.mark.slow
def test_whatever_the_moment_everything_that_was_told_plays_and_the_rest_up_to_the_last_second() -> None:
    """Issue 4: every clip that was named plays, every unfinished one up to 1.5 s before the kill; a restart ends it."""
    found = kills(4, longest_s=3.5)
    assert found.faults == []
    assert found.kills == 4
    assert found.worst_s <= MOST_LOST_S
