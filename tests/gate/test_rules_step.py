"""Stories of one button for everything: what is pressed, and what never is."""

from __future__ import annotations

from dataclasses import replace

import pytest

from gate.memory import Phase
from gate.model import Code, Command, Direction, Drive, Kind, Relay, Sensor, State
from gate.steps import LOGICS, Step
from tests.gate.sites import SITE, TIMING, energised, refusal, whys, with_drive, yard_of
from tests.story import Story

EVERY_LOGIC = sorted(LOGICS)


def stepper(logic: str = "open_stop_close_stop", *, leaf: float = 0.0, phase: Step | None = None) -> Story:
    """Return a settled story of a step operator, in a phase that the rules can't know."""
    site = with_drive(Drive.STEP, logic)
    yard = yard_of(site)
    story = Story(site=site, yard=yard, leaf=leaf)
    if phase is not None:
        yard.operator_is(phase)
    return story.after(s=2.6)


@pytest.mark.parametrize("logic", EVERY_LOGIC)
def test_a_press_opens_a_closed_gate_and_another_closes_it(logic: str) -> None:
    """I8, I14."""
    story = stepper(logic).officer_says(Command.OPEN).after(s=0.2)
    assert story.pins == {Relay.STEP}
    assert story.state is State.OPENING
    story.until_is(State.OPEN).after(s=1.5).officer_says(Command.CLOSE).until_is(State.CLOSED)
    assert energised(story) == [Relay.STEP, Relay.STEP]
    assert (story.outcome(1), story.outcome(2)) == ("done", "done")
    first = next(fact for fact in story.facts if fact.kind is Kind.DRIVE_RELEASED)
    assert first.data["ran_ms"] == pytest.approx(400, abs=15)
    assert whys(story) == ["pulse", "pulse"]


@pytest.mark.parametrize("logic", EVERY_LOGIC)
def test_a_reversal_by_the_beam_presses_only_what_cannot_close(logic: str) -> None:
    """I4: a car under the closing gate; the leaf stops, or opens, or the board's own beam must do it."""
    story = stepper(logic, leaf=1.0).officer_says(Command.CLOSE).after(s=3.0).car_breaks_the_beam().after(s=1.2)
    table = LOGICS[logic]
    assert story.outcome(1) is Code.OBSTRUCTED
    assert table[Step.CLOSING] in {Step.OPENING, Step.PAUSED_CLOSING}
    assert len(energised(story)) == 2
    assert story.yard.motor is not Direction.CLOSE
    opens = Step.OPENING in {table[Step.CLOSING], table[Step.PAUSED_CLOSING]}
    assert story.after(s=20.0).state is (State.OPEN if opens else State.STOPPED)


@pytest.mark.parametrize("logic", EVERY_LOGIC)
@pytest.mark.parametrize("phase", list(Step))
@pytest.mark.parametrize("leaf", [0.0, 0.3, 1.0])
def test_no_command_presses_more_than_twice_or_blindly_to_close(logic: str, phase: Step, leaf: float) -> None:
    """Presses ≤ 2, ≥ 1.0 s apart; the oracle of the story looks at the plant for the blind ones."""
    for command in (Command.OPEN, Command.CLOSE):
        story = stepper(logic, leaf=leaf, phase=phase).after(s=20.0)
        before = len(energised(story))
        story.officer_says(command).after(s=70.0)
        assert len(energised(story)) - before <= 2
        assert not story.pins
        times = [fact for fact in story.facts if fact.kind is Kind.DRIVE_ENERGISED]
        assert len(times) <= 2


def test_a_close_from_an_unknown_phase_is_never_pressed() -> None:
    """A blind press for CLOSE could do anything: the officer opens the gate first."""
    story = stepper(leaf=0.5, phase=Step.PAUSED_CLOSING).after(s=25.0).officer_says(Command.CLOSE).after(s=40.0)
    assert story.outcome(1) is Code.UNKNOWN_POSITION
    assert not energised(story)
    assert story.state is State.UNKNOWN


def test_an_open_from_an_unknown_phase_waits_until_nothing_can_move() -> None:
    """The operator may be running, for all that anybody knows; its longest run settles that."""
    story = stepper(leaf=0.5, phase=Step.PAUSED_CLOSING).officer_says(Command.OPEN).after(s=10.0)
    assert not energised(story)
    assert story.gate.phase is Phase.PAUSING
    story.until_is(State.OPEN)
    assert story.outcome(1) == "done"
    assert len(energised(story)) <= 2


def test_a_wrong_start_is_noticed_at_the_other_limit_and_pressed_once_more() -> None:
    """From PAUSED_OPENING a press closes: harmless with a clear beam, and a press from CLOSED opens."""
    story = stepper(leaf=0.5, phase=Step.PAUSED_OPENING).after(s=25.0).officer_says(Command.OPEN)
    story.until(lambda s: bool(s.pins), within_s=5.0).after(s=2.0)
    assert story.state is State.UNKNOWN, "nobody knows which way it goes"
    assert story.yard.motor is Direction.CLOSE
    story.until_is(State.OPEN, within_s=60.0)
    assert len(energised(story)) == 2
    assert story.outcome(1) == "done"


def test_a_wrong_start_with_something_in_the_gateway_is_not_risked() -> None:
    """I4."""
    story = stepper(leaf=0.5, phase=Step.PAUSED_OPENING).after(s=25.0).car_breaks_the_beam().after(s=0.1)
    story.officer_says(Command.OPEN).after(s=40.0)
    assert not energised(story)
    assert story.outcome(1) is Code.UNKNOWN_POSITION


def test_a_beam_broken_during_a_start_that_may_be_wrong_ends_it() -> None:
    """I4: it may be closing."""
    story = stepper(leaf=0.5, phase=Step.PAUSED_OPENING).after(s=25.0).officer_says(Command.OPEN)
    story.until(lambda s: bool(s.pins), within_s=5.0).after(s=1.0).car_breaks_the_beam().after(s=0.1)
    assert story.outcome(1) is Code.OBSTRUCTED


def test_without_a_beam_no_start_that_may_be_wrong_is_tried() -> None:
    site = replace(with_drive(Drive.STEP, "open_stop_close_stop"), sensors=SITE.sensors - {Sensor.BEAM})
    story = Story(site=site, yard=yard_of(site), leaf=0.5).after(s=25.0).officer_says(Command.OPEN).after(s=30.0)
    assert not energised(story)
    assert story.outcome(1) is Code.UNKNOWN_POSITION


def test_the_second_press_comes_a_second_after_the_first_at_the_earliest() -> None:
    story = stepper().officer_says(Command.OPEN).after(s=0.3)
    released_s = story.until(lambda s: not s.pins).now_s
    story.after(s=0.6).officer_says(Command.STOP).until(lambda s: bool(s.pins), within_s=3.0)
    assert story.now_s - released_s == pytest.approx(TIMING.press_gap_s, abs=0.02)


def test_stop_presses_once_where_a_press_is_known_to_stop() -> None:
    story = stepper().officer_says(Command.OPEN).after(s=3.0).officer_says(Command.STOP).after(s=0.05)
    assert story.pins == {Relay.STEP}
    story.after(s=3.0)
    assert (story.yard.motor, story.state, story.outcome(2)) == (None, State.STOPPED, "done")
    assert len(energised(story)) == 2


def test_a_stop_waits_for_its_second_after_the_start() -> None:
    story = stepper().officer_says(Command.OPEN).after(s=1.0).officer_says(Command.STOP).after(s=0.3)
    assert story.gate.phase is Phase.SPACING
    assert not story.pins
    assert story.outcome(2) == "under way"
    story.after(s=3.0)
    assert (story.outcome(2), story.yard.motor) == ("done", None)


@pytest.mark.parametrize("logic", ["open_close", "open_stop_close_open"])
def test_a_stop_that_would_make_it_close_is_not_pressed(logic: str) -> None:
    """A stop press on a gate that does not stop from it is refused; the officer is told."""
    story = stepper(logic).officer_says(Command.OPEN).after(s=3.0).officer_says(Command.STOP).after(s=3.0)
    stops = LOGICS[logic][Step.OPENING] is Step.PAUSED_OPENING
    assert len(energised(story)) == (2 if stops else 1)
    assert story.outcome(2) == ("done" if stops else Code.NOT_STOPPABLE)
    assert story.outcome(1) is Code.STOPPED


def test_a_stop_press_on_a_gate_that_is_not_proven_to_move_is_refused() -> None:
    """It would start it."""
    story = stepper(leaf=0.5, phase=Step.PAUSED_CLOSING).officer_says(Command.STOP).after(s=5.0)
    assert not energised(story)
    assert story.outcome(1) == "done", "nothing was under way"
    started = stepper().officer_says(Command.OPEN).after(s=0.1).officer_says(Command.STOP).after(s=5.0)
    assert started.outcome(2) in {"done", Code.NOT_STOPPABLE}


def test_a_stop_at_the_very_start_is_not_pressed_at_the_limit() -> None:
    """The leaf has not left its end: whether the press was counted is not proven."""
    story = stepper().officer_says(Command.OPEN).after(s=0.03).officer_says(Command.STOP).after(s=1.0)
    assert story.outcome(2) is Code.NOT_STOPPABLE
    assert len(energised(story)) <= 1


def test_the_edge_of_a_step_drive_stops_and_does_not_reverse() -> None:
    """One button can't be told to go back."""
    story = stepper(leaf=1.0).officer_says(Command.CLOSE).after(s=3.0).sensor_says(edge=True).after(s=3.0)
    assert Kind.REVERSED not in story.kinds()
    assert story.outcome(1) is Code.OBSTRUCTED
    assert len(energised(story)) == 2
    assert story.yard.motor is None


def test_a_stop_press_may_open_and_then_the_reopening_goes_on_by_itself() -> None:
    """`open_stop_close_open`: the press that ends a closing opens."""
    story = stepper("open_stop_close_open", leaf=1.0).officer_says(Command.CLOSE).after(s=3.0).car_breaks_the_beam()
    story.after(s=2.0)
    assert story.yard.motor is Direction.OPEN
    story.until_is(State.OPEN).after(s=2.0)
    assert len(energised(story)) == 2, "the stop press was the reopening"


def test_a_close_from_a_known_pause_goes_by_way_of_the_open_end() -> None:
    """`condominium`: a paused gate can only open; two presses, never a third."""
    story = stepper("condominium_stop", leaf=1.0).officer_says(Command.CLOSE).after(s=3.0).officer_says(Command.STOP)
    story.after(s=3.0)
    assert story.gate.motion.belief == {Step.PAUSED_CLOSING}
    before = len(energised(story))
    story.officer_says(Command.CLOSE).after(s=60.0)
    assert len(energised(story)) - before <= 2
    assert story.outcome(3) in {"done", Code.UNKNOWN_POSITION, Code.OBSTRUCTED}
    assert story.state in {State.CLOSED, State.OPEN}


def test_a_press_that_nobody_ordered_moves_the_belief_nowhere_near_certainty() -> None:
    """Somebody uses the remote control of the operator: the limit is lost, and nothing is known."""
    story = stepper()
    story.yard.operator_is(Step.OPENING)
    story.until(lambda s: s.state is State.UNKNOWN, within_s=5.0).after(s=0.5)
    assert len(story.gate.motion.belief) > 1


def test_what_is_not_known_settles_after_the_longest_run() -> None:
    story = stepper(leaf=0.5)
    assert Step.OPENING in story.gate.motion.belief
    story.after(s=TIMING.max_travel_s + 1.0)
    assert not story.gate.motion.belief & {Step.OPENING, Step.CLOSING}


def test_a_run_that_takes_too_long_is_pressed_once_more_and_then_given_up() -> None:
    """I9, I15."""
    story = stepper().sensor_says(limit_open=False).officer_says(Command.OPEN).after(s=60.0)
    assert story.outcome(1) in {Code.OVERTIME, Code.UNKNOWN_POSITION, Code.OBSTRUCTED}
    assert len(energised(story)) <= 2
    assert story.state in {State.UNKNOWN, State.CLOSED}


def test_a_motor_that_does_not_run_is_stuck_after_two_presses() -> None:
    story = stepper().something("motor", "dead").officer_says(Command.OPEN)
    story.until(lambda s: s.outcome(1) != "under way", within_s=120.0).after(s=30.0)
    assert len(energised(story)) <= 2
    assert story.outcome(1) is Code.STUCK


def test_a_silence_makes_every_phase_possible() -> None:
    story = stepper().keeper_falls_silent().after(s=1.5)
    assert story.gate.motion.belief == frozenset(Step)
    story.keeper_speaks_again().after(s=1.0)
    assert story.gate.motion.belief == {Step.CLOSED}


def test_a_close_under_a_broken_beam_is_refused_before_anything_is_pressed() -> None:
    story = stepper(leaf=1.0).car_breaks_the_beam().after(s=0.1).officer_says(Command.CLOSE)
    assert refusal(story) is Code.BEAM_BLOCKED
    assert not energised(story.after(s=5.0))


def test_a_step_drive_learns_no_travel_times() -> None:
    """Its way may lead over the other end."""
    story = stepper().officer_says(Command.OPEN).until_is(State.OPEN)
    assert story.gate.learned.open_s == ()


@pytest.mark.parametrize(
    ("logic", "order", "leaf"),
    [("condominium", Command.OPEN, 0.0), ("condominium", Command.CLOSE, 1.0), ("open_close", Command.CLOSE, 1.0)],
)
def test_a_stop_that_only_turns_it_round_is_not_called_stopped(logic: str, order: Command, leaf: float) -> None:
    """Seen by a new user: "stopped" was said, and the leaf ran on to its open end."""
    story = stepper(logic, leaf=leaf).officer_says(order).after(s=3.0).officer_says(Command.STOP)
    story.after(s=1.5)
    assert story.yard.motor is Direction.OPEN
    assert story.state is not State.STOPPED
    assert story.until_is(State.OPEN).outcome(2) is Code.NOT_STOPPABLE
