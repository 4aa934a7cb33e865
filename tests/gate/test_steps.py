"""One button for everything, on its tables: what a press makes of a belief, and when one is advised."""

from __future__ import annotations

import itertools

import pytest

from gate.model import Direction
from gate.steps import (
    ALL,
    ENDS,
    HALTS,
    LOGICS,
    MOVING,
    RUNS,
    STILL,
    Advice,
    Step,
    advise,
    doubted,
    may_halt,
    pressed,
    seen,
    settled,
)

BELIEFS = [frozenset(some) for size in range(1, 7) for some in itertools.combinations(Step, size)]
OPEN, CLOSE = Direction.OPEN, Direction.CLOSE


def test_there_are_at_least_six_logics_and_each_says_what_every_phase_becomes() -> None:
    assert len(LOGICS) >= 6
    for name, logic in LOGICS.items():
        assert set(logic) == set(Step), name
        assert logic[Step.CLOSED] is Step.OPENING
        assert logic[Step.OPEN] is Step.CLOSING
        assert logic[Step.OPENING] in {Step.OPENING, Step.CLOSING, Step.PAUSED_OPENING}
        assert logic[Step.CLOSING] in {Step.OPENING, Step.PAUSED_CLOSING}
    assert len({tuple(logic.items()) for logic in LOGICS.values()}) == len(LOGICS), "no two are the same"


def test_a_press_maps_each_possibility() -> None:
    logic = LOGICS["open_stop_close_stop"]
    assert pressed(logic, frozenset({Step.CLOSED, Step.OPENING})) == {Step.OPENING, Step.PAUSED_OPENING}
    assert pressed(logic, frozenset()) == frozenset()


@pytest.mark.parametrize("belief", BELIEFS)
def test_an_active_limit_leaves_one_possibility(belief: frozenset[Step]) -> None:
    """A press turns an end into a run before the limit is lost; nothing else outlives the limit."""
    opened = seen(belief, limit_open=True, limit_closed=False)
    closed = seen(belief, limit_open=False, limit_closed=True)
    leaves_open = Step.CLOSING in belief and belief <= {Step.OPEN, Step.CLOSING}
    leaves_closed = Step.OPENING in belief and belief <= {Step.CLOSED, Step.OPENING}
    assert opened == (belief if leaves_open else {Step.OPEN})
    assert closed == (belief if leaves_closed else {Step.CLOSED})


@pytest.mark.parametrize("name", LOGICS)
def test_a_press_that_was_perhaps_too_short_leaves_both_possible(name: str) -> None:
    logic = LOGICS[name]
    for step in Step:
        doubt = doubted(logic, frozenset({logic[step]}))
        assert {step, logic[step]} <= doubt
        assert all(each == logic[step] or logic[each] is logic[step] for each in doubt)


def test_a_limit_that_is_lost_without_a_press_makes_everything_between_possible() -> None:
    for end in ENDS.values():
        lost = seen(frozenset({end}), limit_open=False, limit_closed=False)
        assert lost == ALL - {Step.OPEN, Step.CLOSED}
    running = frozenset({Step.OPENING})
    assert seen(running, limit_open=False, limit_closed=False) == running
    both = frozenset({Step.CLOSED, Step.OPENING})
    assert seen(both, limit_open=False, limit_closed=False) == running, "no limit: it has left"


def test_two_limits_at_once_say_nothing() -> None:
    for belief in BELIEFS:
        assert seen(belief, limit_open=True, limit_closed=True) == belief


def test_after_the_longest_run_nothing_moves() -> None:
    for belief in BELIEFS:
        still = settled(belief)
        assert not still & MOVING
        assert {HALTS.get(step, step) for step in belief} == still


@pytest.mark.parametrize("name", LOGICS)
@pytest.mark.parametrize("clear", [True, False])
def test_a_press_is_advised_only_where_no_possibility_is_wrong_or_a_wrong_start_is_harmless(
    name: str, *, clear: bool
) -> None:
    logic = LOGICS[name]
    for belief, goal in itertools.product(BELIEFS, Direction):
        advice, then = advise(logic, belief, goal, beam_is_clear=clear), pressed(logic, belief)
        if belief & MOVING:
            assert advice is Advice.WAIT
        elif then <= {RUNS[goal]}:
            assert advice is Advice.PRESS
        elif goal is CLOSE:
            by_way_of_the_open_end = len(belief) == 1 and then == {Step.OPENING}
            assert advice is (Advice.PRESS if by_way_of_the_open_end else Advice.REFUSE)
        else:
            assert advice is (Advice.PRESS if clear and then <= MOVING else Advice.REFUSE)


@pytest.mark.parametrize("name", LOGICS)
def test_a_press_for_close_never_starts_what_is_not_a_run_from_any_possibility(name: str) -> None:
    """Never blindly for CLOSE."""
    logic = LOGICS[name]
    for belief in BELIEFS:
        if advise(logic, belief, CLOSE, beam_is_clear=True) is Advice.PRESS:
            then = pressed(logic, belief)
            assert then == {Step.CLOSING} or (len(belief) == 1 and then == {Step.OPENING})


@pytest.mark.parametrize("name", LOGICS)
def test_a_stop_press_is_trusted_only_on_what_moves_and_never_to_make_it_close(name: str) -> None:
    logic = LOGICS[name]
    for belief in BELIEFS:
        trusted = may_halt(logic, belief)
        assert trusted is (belief <= MOVING and Step.CLOSING not in pressed(logic, belief))
    assert not may_halt(logic, frozenset())
    assert not may_halt(logic, STILL)
