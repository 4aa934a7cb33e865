"""The first weeks of ten years (tests/years.py): memory does not grow, jumps of the clock and its wrap are harmless."""

from __future__ import annotations

from tests.years import CYCLES, WRAP_S, YEAR_S, YEARS, Years, live

SLICE = 2000
MOST_MB = 5.0


def test_weeks_of_cycles_leave_nothing_behind() -> None:
    """≥ 2,000 cycles at the pace of 200,000 in ten years, over 2^32 ms, with the wall clock jumping by ten years."""
    lived = live(SLICE, YEARS * YEAR_S / CYCLES)
    assert lived.cycles >= SLICE
    assert lived.jumps >= 2
    assert lived.grown_mb < MOST_MB, lived


def test_the_clock_begins_before_the_wrap_and_passes_it() -> None:
    story = Years()
    assert story.now_s < WRAP_S
    story.after(s=3.0).rest_until(WRAP_S + 60.0)
    assert story.now_s > WRAP_S
    assert story.skipped_s > 3000.0
    assert story.state.value == "closed"
