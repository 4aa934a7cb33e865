"""How often one session may do something."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from api.pace import MOST_KEYS, Pace


@given(st.lists(st.floats(0.0, 3.0), max_size=60))
def test_nobody_gets_more_than_burst_and_rate(pauses: list[float]) -> None:
    """However the calls are spread: at most burst + rate * time; and what is refused says how long to wait."""
    pace, now_s, allowed = Pace(burst=3.0, per_second=2.0), 100.0, 0
    for pause_s in pauses:
        now_s += pause_s
        wait_s = pace.wait_s("one", now_s)
        allowed += wait_s == 0
        assert 0 <= wait_s <= 0.5
    assert allowed <= 3 + 2 * (now_s - 100.0) + 1e-6


def test_the_wait_that_is_told_is_enough() -> None:
    """Whoever waits as told is let through; others are not affected."""
    pace = Pace(burst=1.0, per_second=0.5)
    assert pace.wait_s("one", 0.0) == 0
    wait_s = pace.wait_s("one", 0.5)
    assert pace.wait_s("two", 0.5) == 0
    assert pace.wait_s("one", 0.5 + wait_s) == 0


def test_many_sessions_take_bounded_memory() -> None:
    """The longest unseen is forgotten."""
    pace = Pace(burst=1.0, per_second=0.1)
    for number in range(MOST_KEYS * 2):
        pace.wait_s(str(number), 0.0)
    assert len(pace._left) == MOST_KEYS
