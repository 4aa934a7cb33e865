"""Operator's boards of the simulated yard: contactors, pulse inputs, and one button with each known logic."""

from __future__ import annotations

import pytest

from gate.model import Direction, Drive, Relay
from gate.steps import LOGICS, RUNS, Step
from gate.world import Yard, YardError
from gate.yard_boards import LONGEST_RUN, PAUSE_S, SHORTEST_PULSE_S
from gate.yard_parts import DROP_OUT_S
from tests.gate.yard import pulse, run, until

TRAVEL_S = 4.0
LEAF = {Step.CLOSED: 0.0, Step.OPEN: 1.0}
WAY = {step: way for way, step in RUNS.items()}
REVERSALS = [
    (name, phase) for name, logic in LOGICS.items() for phase in WAY if logic[phase] is RUNS[WAY[phase].opposite]
]


def momentary(leaf: float = 0.0) -> Yard:
    yard = Yard(Drive.MOMENTARY, travel_s=TRAVEL_S)
    yard.leaf = leaf
    return run(yard, s=0.1)


def stepper(logic: str, phase: Step = Step.CLOSED) -> Yard:
    yard = Yard(Drive.STEP, logic, travel_s=TRAVEL_S)
    yard.leaf = LEAF.get(phase, 0.5)
    yard.operator_is(phase)
    return run(yard, s=0.2)


# ------------------------------------------------------------------------------------------------------ momentary


@pytest.mark.parametrize(("relay", "way", "leaf"), [(Relay.OPEN, "open", 0.0), (Relay.CLOSE, "close", 1.0)])
def test_one_pulse_takes_the_leaf_all_the_way_and_the_board_stops_it(relay: Relay, way: str, leaf: float) -> None:
    yard = pulse(momentary(leaf), relay)
    assert yard.motor == way
    assert yard.relays == frozenset()
    assert run(yard, s=TRAVEL_S + 1).motor is None
    assert yard.speed == 0.0
    assert yard.sensors()["limit_open" if way == "open" else "limit_closed"]
    assert not yard.edge_pressed


def test_a_board_stops_at_its_own_end_when_our_limit_is_missing() -> None:
    yard = momentary()
    yard.obey("limit", ["open", "missing"])
    pulse(yard, Relay.OPEN)
    run(yard, s=TRAVEL_S + 1)
    assert yard.motor is None
    assert yard.leaf > 0.9
    assert not yard.sensors()["limit_open"]


def test_a_stop_pulse_stops_either_way_and_starts_nothing() -> None:
    for relay, leaf in ((Relay.OPEN, 0.0), (Relay.CLOSE, 1.0)):
        yard = pulse(run(pulse(momentary(leaf), relay), s=0.5), Relay.STOP)
        assert yard.motor is None
        run(yard, s=1.0)
        assert 0.0 < yard.leaf < 1.0
        assert yard.speed == 0.0
        assert pulse(yard, Relay.STOP).motor is None


@pytest.mark.parametrize(("first", "second", "leaf"), [(Relay.OPEN, Relay.CLOSE, 0.0), (Relay.CLOSE, Relay.OPEN, 1.0)])
def test_the_other_pulse_stops_and_reverses_after_the_boards_own_pause(
    first: Relay, second: Relay, leaf: float
) -> None:
    yard = run(pulse(momentary(leaf), first), s=1.0)
    before = yard.motor
    assert before
    until(yard, [second], lambda yard: yard.motor is None, within_s=0.1)
    paused_s = until(yard, [], lambda yard: yard.motor is not None, within_s=2.0)
    assert paused_s == pytest.approx(PAUSE_S, abs=0.02)
    assert yard.motor is before.opposite


def test_a_stop_during_the_pause_cancels_the_reversal() -> None:
    yard = pulse(run(pulse(momentary(1.0), Relay.CLOSE), s=1.0), Relay.OPEN, s=0.1)
    pulse(yard, Relay.STOP, s=0.1)
    run(yard, s=3.0)
    assert (yard.motor, yard.speed) == (None, 0.0)


def test_after_a_stop_the_same_way_needs_no_pause() -> None:
    yard = pulse(run(pulse(momentary(), Relay.OPEN), s=0.5), Relay.STOP, s=0.1)
    assert pulse(yard, Relay.OPEN, s=0.1).motor is Direction.OPEN


def test_the_same_pulse_again_changes_nothing() -> None:
    yard = pulse(run(pulse(momentary(), Relay.OPEN), s=0.5), Relay.OPEN)
    assert yard.motor is Direction.OPEN


def test_a_pulse_counts_once_and_only_when_it_lasts() -> None:
    shortest_s = SHORTEST_PULSE_S - DROP_OUT_S[1] - 0.005
    assert pulse(momentary(), Relay.OPEN, s=shortest_s, then_s=1.0).motor is None
    assert pulse(momentary(), Relay.OPEN, s=SHORTEST_PULSE_S + 0.015, then_s=1.0).motor is Direction.OPEN
    held = run(momentary(), [Relay.OPEN], s=TRAVEL_S + 2)
    assert held.motor is None, "held on, it opens once and stops at its end"


def test_a_held_open_bars_close_and_a_held_stop_bars_both() -> None:
    yard = momentary(0.5)
    yard.obey("relay", ["open", "welded"])
    run(yard, s=TRAVEL_S)
    assert pulse(yard, Relay.CLOSE, then_s=2.0).leaf > 0.9
    yard = momentary(0.5)
    yard.obey("relay", ["stop", "welded"])
    assert pulse(yard, Relay.CLOSE, then_s=2.0).leaf == 0.5
    assert pulse(yard, Relay.OPEN, then_s=2.0).leaf == 0.5


def test_a_board_gives_up_on_a_leaf_that_does_not_arrive() -> None:
    yard = momentary()
    yard.obey("motor", ["dead"])
    pulse(yard, Relay.OPEN)
    took_s = until(yard, [], lambda yard: yard.motor is None)
    assert took_s == pytest.approx(LONGEST_RUN * TRAVEL_S - 0.4, abs=0.1)


def test_a_board_without_mains_forgets_what_it_was_doing() -> None:
    yard = run(pulse(momentary(), Relay.OPEN), s=0.5)
    yard.obey("power", ["cut"])
    run(yard, s=0.5)
    yard.obey("power", ["back"])
    assert run(yard, s=2.0).motor is None
    assert 0.0 < yard.leaf < 1.0
    assert pulse(yard, Relay.OPEN).motor is Direction.OPEN


def test_a_dead_stop_relay_stops_nothing() -> None:
    yard = run(pulse(momentary(), Relay.OPEN), s=0.5)
    yard.obey("relay", ["stop", "dead"])
    assert pulse(yard, Relay.STOP).motor is Direction.OPEN


# ------------------------------------------------------------------------------------------------------------ step


@pytest.mark.parametrize("phase", Step)
@pytest.mark.parametrize("logic", LOGICS)
def test_a_press_does_what_the_logic_says(logic: str, phase: Step) -> None:
    """Each logic, each phase: the phase after a press, and then the motor after the board's pause."""
    yard = stepper(logic, phase)
    assert yard.operator.phase is phase
    assert yard.motor is WAY.get(phase)
    after = LOGICS[logic][phase]
    pulse(yard, Relay.STEP, s=0.1)
    assert yard.operator.phase is after
    run(yard, s=PAUSE_S)
    assert yard.motor is WAY.get(after)


@pytest.mark.parametrize("phase", [Step.OPENING, Step.CLOSING, Step.PAUSED_OPENING, Step.PAUSED_CLOSING])
@pytest.mark.parametrize("logic", LOGICS)
def test_a_run_ends_at_its_own_end_and_the_cycle_goes_on_from_there(logic: str, phase: Step) -> None:
    yard = stepper(logic, phase)
    way = WAY.get(phase)
    if way is None:
        pulse(yard, Relay.STEP)
        way = yard.motor
        assert way
    run(yard, s=TRAVEL_S + 1)
    end = Step.OPEN if way is Direction.OPEN else Step.CLOSED
    assert yard.operator.phase is end
    assert (yard.motor, yard.speed) == (None, 0.0)
    assert pulse(yard, Relay.STEP).operator.phase is RUNS[way.opposite]


@pytest.mark.parametrize(("logic", "phase"), REVERSALS)
def test_every_reversal_waits_for_the_boards_pause(logic: str, phase: Step) -> None:
    yard = stepper(logic, phase)
    before = yard.motor
    assert before
    until(yard, [Relay.STEP], lambda yard: yard.motor is None, within_s=0.2)
    assert until(yard, [], lambda yard: yard.motor is before.opposite) == pytest.approx(PAUSE_S, abs=0.02)


@pytest.mark.parametrize("logic", LOGICS)
def test_a_run_that_takes_too_long_is_a_pause_half_way(logic: str) -> None:
    yard = stepper(logic, Step.CLOSING)
    yard.obey("motor", ["dead"])
    run(yard, s=LONGEST_RUN * TRAVEL_S)
    assert yard.operator.phase is Step.PAUSED_CLOSING
    assert yard.motor is None


def test_a_leaf_that_somebody_moved_is_taken_for_one_that_stopped_half_way() -> None:
    yard = stepper("open_stop_close_stop", Step.CLOSED)
    yard.obey("push", ["open"])
    run(yard, s=3.0)
    assert yard.operator.phase is Step.PAUSED_CLOSING
    yard = stepper("open_stop_close_stop", Step.OPEN)
    yard.obey("push", ["close"])
    run(yard, s=3.0)
    assert yard.operator.phase is Step.PAUSED_OPENING


def test_a_power_cut_makes_the_next_press_a_wish_to_open() -> None:
    yard = stepper("open_stop_close_stop", Step.CLOSING)
    yard.obey("power", ["cut"])
    run(yard, s=1.0)
    assert pulse(yard, Relay.STEP).motor is None
    yard.obey("power", ["back"])
    assert run(yard, s=1.0).motor is None
    assert pulse(yard, Relay.STEP).motor is Direction.OPEN


def test_a_press_that_is_too_short_does_nothing_and_a_long_one_counts_once() -> None:
    short = stepper("open_close", Step.CLOSED)
    assert pulse(short, Relay.STEP, s=0.025).operator.phase is Step.CLOSED
    assert run(stepper("open_close"), [Relay.STEP], s=2.0).motor is Direction.OPEN


def test_only_an_operator_with_steps_can_be_put_into_one() -> None:
    for drive in (Drive.HELD, Drive.MOMENTARY):
        with pytest.raises(YardError, match=r"Drive\.STEP"):
            Yard(drive).operator_is(Step.OPEN)


def test_other_relays_mean_nothing_to_a_board() -> None:
    assert pulse(stepper("open_close"), Relay.OPEN).motor is None
    assert pulse(momentary(), Relay.STEP).motor is None
    assert run(Yard(), [Relay.STEP, Relay.STOP], s=1.0).motor is None
