"""What the campaign found: each story was a real fault of the rules, told by the oracle, and is mended."""

from __future__ import annotations

from dataclasses import replace

import pytest

from gate.memory import Kept
from gate.model import Code, Command, Direction, Drive, Kind, Mode, Relay, State
from gate.site import Site, Timing
from gate.world import Yard
from tests import campaign
from tests.restarts import restart
from tests.story import EVERY_SENSOR, Story

TIMING = Timing(max_travel_s=6.0)


def story_of(
    drive: Drive, logic: str = "", *, leaf: float = 0.0, timing: Timing = TIMING, kept: Kept | None = None
) -> Story:
    site = Site(timing=timing, drive=drive, logic=logic, sensors=EVERY_SENSOR)
    yard = Yard(drive=drive, logic=logic, travel_s=3.0)
    return Story(site=site, yard=yard, leaf=leaf, kept=kept)


def inputs(story: Story, **levels: bool) -> Story:
    for name, active in levels.items():
        story.something("input", name, "on" if active else "off")
    return story


def test_a_button_let_go_in_the_dead_time_moves_nothing() -> None:
    """I7: hold-to-run began after the dead time although the button was not held any more."""
    story = story_of(Drive.HELD).gate_is(State.CLOSED).officer_says(Command.OPEN).after(s=1.0)
    inputs(story, maintenance=True).after(s=0.1)
    inputs(story, close_button=True).after(s=0.2)
    inputs(story, close_button=False).after(s=3.0)
    assert not story.pins
    assert story.kinds().count(Kind.DRIVE_ENERGISED) == 1


@pytest.mark.parametrize("drive", [Drive.HELD, Drive.MOMENTARY, Drive.STEP])
def test_the_first_move_after_a_start_waits_for_the_keepers_own_pause(drive: Drive) -> None:
    """I2, I11: with a long dead time the keeper refused the first order, and a kept emergency failed as no_output."""
    logic = "open_close" if drive is Drive.STEP else ""
    story = story_of(drive, logic, timing=replace(TIMING, dead_time_s=1.5), kept=Kept(mode=Mode.EMERGENCY_OPEN))
    story.until_is(State.OPEN, within_s=12.0).after(s=0.5)
    assert [fact.data["why"] for fact in story.facts if fact.kind is Kind.DRIVE_RELEASED] in (["limit"], ["pulse"])


def test_an_operator_that_forgot_its_press_is_pressed_again() -> None:
    """I15: power lost in the press; the rules took the operator for opening, at each sample anew, and never ended."""
    story = story_of(Drive.STEP, "stop_then_reverse").gate_is(State.CLOSED)
    story.officer_says(Command.OPEN).after(s=0.02).something("power", "cut").after(s=2.5).something("power", "back")
    story.until_is(State.OPEN, within_s=30.0)
    assert story.outcome(1) == "done"


def test_a_press_that_was_cut_short_does_not_count_as_one() -> None:
    """I15: a stop ended the pulse before the operator took it; a lockdown then waited for ever."""
    story = story_of(Drive.STEP, "open_stop_close_open").gate_is(State.OPEN)
    story.officer_says(Command.CLOSE).after(s=0.02).officer_says(Command.STOP)
    story.after(s=0.005).officer_says(Command.LOCKDOWN)
    story.until_is(State.CLOSED, within_s=30.0)
    assert (story.outcome(1), story.outcome(2), story.outcome(3)) == (Code.STOPPED, Code.NOT_STOPPABLE, "done")


def test_no_stop_press_follows_a_press_that_may_not_have_counted() -> None:
    """A lockdown cut the opening press after 20 ms; the stop press that followed was the first to count: it closed."""
    story = story_of(Drive.STEP, "stop_then_reverse", leaf=0.4).after(s=8.0)
    story.officer_says(Command.OPEN).until(lambda s: bool(s.pins)).after(s=0.015).officer_says(Command.LOCKDOWN)
    story.after(s=4.0)
    assert story.yard.motor is None
    assert story.kinds().count(Kind.DRIVE_ENERGISED) == 1


def test_a_car_stops_an_operator_whose_press_was_cut_short_but_counted() -> None:
    """I5: the lost limit shows that it runs; the stop press comes after the second between two presses."""
    story = story_of(Drive.STEP, "open_stop_close_stop").gate_is(State.OPEN)
    story.officer_says(Command.CLOSE).until(lambda s: bool(s.pins)).after(s=0.15).car_breaks_the_beam()
    story.until(lambda s: s.yard.motor is None, within_s=2.0)
    assert story.yard.leaf > 0.2


def test_a_limit_that_comes_up_in_the_beams_self_test_keeps_the_drive_off() -> None:
    """I3: it was looked at before the test, and not after it; the oracle of the story looks at each moment."""
    site = Site(timing=TIMING, sensors=EVERY_SENSOR, has_beam_test=True)
    for wait_ms in range(5, 400, 5):
        story = Story(site=site, yard=Yard(travel_s=3.0)).gate_is(State.OPEN)
        story.officer_says(Command.CLOSE).after(s=wait_ms / 1000).sensor_says(limit_closed=True).after(s=0.5)
        assert not story.pins


def test_a_drive_that_is_not_on_yet_goes_on_for_the_newest_wish() -> None:
    """I14: the relay was told on for a command that had been superseded before the pin went on."""
    story = story_of(Drive.HELD).gate_is(State.CLOSED)
    story.officer_says(Command.OPEN).officer_says(Command.HOLD_OPEN).after(s=0.5)
    assert story.outcome(1) is Code.SUPERSEDED
    assert story.fact(Kind.DRIVE_ENERGISED).data["command_id"] == "c2"


def test_a_lockdown_does_not_slip_into_a_close_that_has_not_begun() -> None:
    """I12: it joined an attended close before the relay was on, and nobody was warned."""
    story = story_of(Drive.HELD).gate_is(State.OPEN)
    story.officer_says(Command.CLOSE).officer_says(Command.LOCKDOWN).after(s=4.5)
    assert story.is_warning
    assert not story.pins
    story.after(s=1.0)
    assert story.closing_drive


@pytest.mark.parametrize("command", [Command.NORMAL, Command.UNLOCK])
def test_a_lockdown_that_is_over_does_not_close_the_gate_after_all(command: Command) -> None:
    """I7: the warning went on after the mode had ended, and then the gate closed."""
    story = story_of(Drive.HELD).gate_is(State.OPEN).officer_says(Command.LOCKDOWN).after(s=3.0)
    assert story.is_warning
    story.officer_says(command).after(s=10.0)
    assert story.state is State.OPEN
    assert Kind.DRIVE_ENERGISED not in story.kinds()
    assert story.outcome(1) is Code.SUPERSEDED


@pytest.mark.parametrize("by_button", [False, True])
def test_a_stop_reaches_an_operator_that_is_believed_to_stand(*, by_button: bool) -> None:
    """I5: after a restart the operator's board still ran the leaf, and a stop did not press its stop input."""
    story = story_of(Drive.MOMENTARY).gate_is(State.CLOSED).officer_says(Command.OPEN).after(s=1.0)
    story.power_comes_back(after_s=0.2).after(s=0.7)
    assert story.yard.motor is Direction.OPEN
    if by_button:
        inputs(story, stop_button=True).after(s=0.3)
    else:
        story.officer_says(Command.STOP).after(s=0.3)
    assert story.pins == {Relay.STOP}
    assert story.yard.motor is None


def test_a_stop_press_is_dropped_where_the_leaf_has_come_to_its_end_meanwhile() -> None:
    """The second between two presses was long enough to arrive: the press then started a closing."""
    story = story_of(Drive.STEP, "open_stop_open", leaf=0.8).after(s=10.0)
    story.officer_says(Command.OPEN).until(lambda s: bool(s.pins)).until(lambda s: not s.pins)
    story.officer_says(Command.STOP).after(s=6.0)
    assert story.state is State.OPEN
    assert story.yard.motor is None
    assert story.kinds().count(Kind.DRIVE_ENERGISED) == 1


def test_a_reset_does_not_call_off_an_emergency_that_nothing_forbids() -> None:
    """I11: resetting a soft lock left the gate shut in an emergency."""
    story = story_of(Drive.HELD, kept=Kept(mode=Mode.EMERGENCY_OPEN, troubles=(Code.SOFT_LOCK,)))
    story.after(s=0.6).officer_says(Command.RESET)
    assert story.until_is(State.OPEN, within_s=15.0).gate.mode is Mode.EMERGENCY_OPEN


def test_a_stop_button_counts_while_the_sensors_settle() -> None:
    """I7: pressed within half a second of a start it was not heard, and a kept emergency went on opening."""
    story = story_of(Drive.HELD, kept=Kept(mode=Mode.EMERGENCY_OPEN)).after(s=0.1)
    inputs(story, stop_button=True).after(s=0.1)
    inputs(story, stop_button=False).after(s=10.0)
    assert not story.pins
    assert story.state is State.CLOSED


@pytest.mark.parametrize("later_ms", range(0, 60, 5))
def test_a_stop_at_the_very_end_of_the_pulse_is_pressed(later_ms: int) -> None:
    """I5, seed 3008659: the pulse that was just over was taken for the stop's own, and nobody pressed stop."""
    story = story_of(Drive.MOMENTARY).gate_is(State.CLOSED).officer_says(Command.OPEN)
    story.until(lambda s: s.opening_drive).after(s=TIMING.pulse_s - 0.03 + later_ms / 1000)
    story.officer_says(Command.STOP).after(s=2.0)
    assert story.yard.motor is None
    assert story.kinds().count(Kind.DRIVE_ENERGISED) == 2


def test_a_stop_before_the_first_sample_is_pressed_as_soon_as_one_comes() -> None:
    """I5, seed 3064547: after a start in mid-close a stop was answered as done, and an operator's board ran on."""
    story = story_of(Drive.MOMENTARY).gate_is(State.OPEN).officer_says(Command.CLOSE)
    story.until(lambda s: s.closing_drive).after(s=1.0)
    anew = restart(story, 0.2).officer_says(Command.STOP)
    assert anew.outcome(1) == "under way", "not done before it is done"
    anew.after(s=1.0)
    assert anew.yard.motor is None
    assert anew.state is not State.CLOSED
    assert anew.outcome(1) == "done"


@pytest.mark.parametrize(
    ("seed", "events"),
    [
        (3045276, [0, 1, 2, 3]),  # a contact that welds for a moment presses the button, and no wire shows it
        (3064547, [2, 3, 4]),  # a stop before the first sample
        (3077895, [0, 3]),  # a reset of a soft lock is no end of an emergency
        (3093003, [1, 3, 4, 6, 7]),  # an opening that backs off from its edge is no reversal of a closing
        (3090383, [0, 1, 3, 4, 6]),  # asked again, an opening counted as begun anew, long after its press
    ],
)
def test_a_scenario_that_broke_once_breaks_no_more(seed: int, events: list[int]) -> None:
    campaign.run(seed, only=events)
