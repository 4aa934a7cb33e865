"""Stories of what the gate does with nobody asking: auto-close, after a passage, the timetable, the exit loop."""

from __future__ import annotations

from dataclasses import replace

import pytest

from gate import machine
from gate.memory import Kept, Phase
from gate.model import Alarm, Code, Command, Direction, Kind, Mode, Relay, Sensor, State
from gate.site import Site
from tests.gate.sites import SITE, TIMING, causes, energised, open_gate, refusal, story_of
from tests.story import Story

AUTO = replace(SITE, auto_close_s=20.0)
AFTER_PASS = replace(SITE, after_pass_s=4.0)
BOTH = replace(SITE, auto_close_s=40.0, after_pass_s=4.0)
BLIND = SITE.sensors - {Sensor.BEAM}


def opened(site: Site) -> Story:
    """Return a story of a gate that an officer has just opened."""
    return story_of(site).officer_says(Command.OPEN).until_is(State.OPEN)


# -------------------------------------------------------------------------------------------------- auto-close


def test_an_open_gate_closes_by_itself_after_a_while_and_warns_first() -> None:
    """I12, I14."""
    story = opened(AUTO).after(s=19.5)
    assert not story.is_warning
    assert story.gate.pending is not None
    assert story.gate.pending.why == "auto_close"
    story.after(s=0.7)
    assert (story.is_warning, story.outputs.lamp, story.outputs.buzzer) == (True, True, True)
    assert not story.after(s=4.5).pins
    story.until(lambda s: s.closing_drive, within_s=1.0)
    told = story.after(s=0.05).fact(Kind.DRIVE_ENERGISED)
    assert (told.by.type, told.by.id) == ("rule", "auto_close")
    assert (told.data["cause"], told.data["command_id"]) == ("open for long enough", "auto_close")
    story.until_is(State.CLOSED).after(s=60.0)
    assert len(energised(story)) == 2
    assert story.gate.pending is None


def test_a_gate_without_auto_close_stays_open() -> None:
    story = opened(SITE).after(s=600.0)
    assert story.state is State.OPEN
    assert story.gate.pending is None


def test_without_a_beam_nothing_closes_unattended() -> None:
    """No beam, no unattended closing: auto-close, timetable, the end of a hold, lockdown."""
    site = replace(AUTO, after_pass_s=2.0, sensors=BLIND)
    story = opened(site).timetable_wants(State.CLOSED).after(s=100.0)
    story.officer_says(Command.HOLD_OPEN, minutes=1).after(s=100.0)
    assert energised(story) == [Relay.OPEN]
    assert story.gate.pending is None


def test_something_in_the_open_gateway_begins_the_waiting_anew() -> None:
    story = opened(AUTO).after(s=15.0).car_breaks_the_beam().after(s=2.0).beam_clears().after(s=19.5)
    assert not story.is_warning
    assert story.after(s=1.0).is_warning


def test_a_car_in_the_warning_puts_the_closing_off_and_nothing_is_lost() -> None:
    story = opened(AUTO).until(lambda s: s.is_warning).after(s=3.0).car_breaks_the_beam().after(s=30.0)
    assert energised(story) == [Relay.OPEN]
    assert story.gate.pending is not None
    story.beam_clears().after(s=19.5)
    assert not story.is_warning
    assert story.after(s=1.0).is_warning


def test_a_car_on_the_exit_loop_keeps_the_gate_from_closing() -> None:
    story = opened(AUTO).after(s=10.0).sensor_says(exit_loop=True).after(s=60.0)
    assert energised(story) == [Relay.OPEN]
    story.sensor_says(exit_loop=False).after(s=19.0)
    assert not story.is_warning
    assert story.after(s=1.5).is_warning


def test_a_car_that_comes_to_the_exit_loop_in_the_warning_stops_the_closing_before_it_begins() -> None:
    """Seen by a story: the gate closed in front of a car that stood on the loop."""
    story = opened(AUTO).until(lambda s: s.is_warning).after(s=2.0).sensor_says(exit_loop=True).after(s=30.0)
    assert energised(story) == [Relay.OPEN]
    assert not story.is_warning
    story.sensor_says(exit_loop=False).until_is(State.CLOSED)


def test_a_reversal_of_an_unattended_closing_is_tried_again_when_the_way_is_clear() -> None:
    """I13: wait for clear and the hold time."""
    story = opened(AUTO).until(lambda s: s.closing_drive).after(s=2.0).car_breaks_the_beam().until_is(State.OPEN)
    story.after(s=30.0)
    assert len(energised(story)) == 3, "closing, reopened, and not again while the car stands there"
    story.beam_clears().after(s=19.0)
    assert not story.is_warning
    story.until_is(State.CLOSED)
    assert causes(story).count("open for long enough") == 2


def test_a_reversal_by_the_edge_waits_and_tries_again_too() -> None:
    story = opened(AUTO).until(lambda s: s.closing_drive).after(s=2.0).sensor_says(edge=True).after(s=0.1)
    story.sensor_says(edge=False).after(s=3.0)
    assert story.state is State.STOPPED
    story.until_is(State.CLOSED)


def test_stop_cancels_an_auto_close() -> None:
    story = opened(AUTO).after(s=10.0).officer_says(Command.STOP).after(s=300.0)
    assert story.state is State.OPEN
    warned = opened(AUTO).until(lambda s: s.is_warning).officer_says(Command.STOP).after(s=300.0)
    assert warned.state is State.OPEN
    assert energised(warned) == [Relay.OPEN]


def test_the_stop_button_at_the_gate_cancels_as_an_officer_does() -> None:
    story = opened(AUTO).until(lambda s: s.closing_drive).after(s=1.0).sensor_says(stop_button=True).after(s=0.01)
    assert not story.pins
    story.after(s=300.0)
    assert story.state is State.STOPPED
    assert story.fact(Kind.DRIVE_RELEASED).data["why"] == "stop"
    assert story.fact(Kind.STATE_CHANGED).by.id == "stop_button"


def test_the_stop_button_ends_an_officers_command() -> None:
    """I15."""
    story = story_of().officer_says(Command.OPEN).after(s=2.0).sensor_says(stop_button=True).after(s=0.05)
    assert story.outcome(1) is Code.STOPPED


def test_an_officers_wish_replaces_what_was_pending() -> None:
    story = opened(AUTO).after(s=10.0).officer_says(Command.CLOSE).until_is(State.CLOSED).after(s=100.0)
    assert energised(story) == [Relay.OPEN, Relay.CLOSE]
    assert story.gate.pending is None


def test_nothing_is_pending_after_a_restart() -> None:
    """I7: a gate that stands open when power comes back stays open until somebody or the timetable wants otherwise."""
    story = opened(AUTO).after(s=10.0).power_comes_back().after(s=300.0)
    assert energised(story) == [Relay.OPEN]
    assert story.gate.pending is None


def test_a_silence_begins_the_waiting_anew_and_loses_nothing() -> None:
    story = opened(AUTO).after(s=15.0).keeper_falls_silent().after(s=3.0).keeper_speaks_again().after(s=19.0)
    assert not story.is_warning
    story.until_is(State.CLOSED)


def test_a_keeper_that_died_takes_what_was_pending_with_it() -> None:
    """I7: nothing moves because somebody came back."""
    story = opened(AUTO).after(s=15.0)
    story.take(machine.expire(story.gate, story.now_s, story.site, keeper_is_gone=True))
    assert story.gate.troubles == (Code.KEEPER_DOWN,)
    story.after(s=100.0)
    assert story.gate.pending is None
    assert energised(story) == [Relay.OPEN]


def test_a_close_that_gets_stuck_is_not_tried_for_ever() -> None:
    story = opened(AUTO).sensor_says(limit_open=True).until(lambda s: s.closing_drive).after(s=100.0)
    assert energised(story).count(Relay.CLOSE) == 2, "one retry"
    assert Alarm.TAMPERED_DRIVE in story.alarms
    assert story.gate.pending is None


def test_an_unattended_close_that_is_tried_again_is_warned_of_again() -> None:
    """I12: on the retry of a stuck leaf too."""
    story = opened(AUTO).sensor_says(limit_open=True).until(lambda s: s.closing_drive)
    story.until(lambda s: not s.closing_drive).after(s=1.0)
    assert story.is_warning
    assert not story.after(s=3.5).pins


# ------------------------------------------------------------------------------------------ close after a passage


def test_the_gate_closes_soon_after_something_has_passed() -> None:
    story = opened(AFTER_PASS).after(s=60.0)
    assert not energised(story)[1:], "nothing passed yet"
    story.car_breaks_the_beam().after(s=5.0).beam_clears().after(s=3.9)
    assert not story.is_warning
    assert story.after(s=0.6).is_warning
    story.until_is(State.CLOSED)
    assert causes(story)[-1] == "something has passed"


def test_what_passes_while_the_gate_still_opens_counts() -> None:
    """Beam broken while opening: no motion, arms close-after-pass."""
    story = story_of(AFTER_PASS).officer_says(Command.OPEN).after(s=5.0).car_breaks_the_beam().after(s=1.0)
    story.beam_clears().until_is(State.OPEN).after(s=4.5)
    assert story.is_warning


def test_what_stood_in_the_beam_before_the_gate_opened_counts_too() -> None:
    story = story_of(AFTER_PASS).car_breaks_the_beam().after(s=1.0).officer_says(Command.OPEN).after(s=2.0)
    story.beam_clears().until_is(State.OPEN).after(s=4.5)
    assert story.is_warning


def test_a_passage_shortens_the_long_wait() -> None:
    story = opened(BOTH).after(s=10.0).car_breaks_the_beam().after(s=1.0).beam_clears().after(s=5.0)
    assert story.is_warning
    quiet = opened(BOTH).after(s=39.0)
    assert not quiet.is_warning
    assert quiet.after(s=1.5).is_warning


def test_each_thing_that_passes_begins_the_short_wait_anew() -> None:
    story = opened(AFTER_PASS)
    for _ in range(3):
        story.car_breaks_the_beam().after(s=1.0).beam_clears().after(s=3.0)
        assert not story.is_warning
    assert story.after(s=1.5).is_warning


# ----------------------------------------------------------------------------------------------- the timetable


def test_a_period_that_begins_opens_the_gate() -> None:
    """I14: the timetable is who wanted it."""
    story = story_of().timetable_wants(State.OPEN).until_is(State.OPEN)
    assert causes(story) == ["timetable"]
    story.after(s=300.0)
    assert len(energised(story)) == 1


def test_a_period_that_begins_closes_the_gate_with_a_warning() -> None:
    """I12."""
    story = open_gate().timetable_wants(State.CLOSED).after(s=0.1)
    assert story.is_warning
    assert not story.after(s=4.8).pins
    story.until_is(State.CLOSED)
    assert causes(story) == ["timetable"]


@pytest.mark.parametrize(("wants", "leaf"), [(State.OPEN, 0.0), (State.CLOSED, 1.0)])
def test_a_plan_that_is_only_to_be_known_moves_nothing(wants: State, leaf: float) -> None:
    """I7: boot, a clock that jumped, a clock that is not believed."""
    story = story_of(leaf=leaf).timetable_wants(wants, moves=False).after(s=120.0)
    assert not energised(story)
    assert story.gate.plan.wants is wants
    story.timetable_wants(wants).after(s=120.0)
    assert not energised(story), "the same period again is no beginning"


def test_a_period_without_a_wish_moves_nothing() -> None:
    story = open_gate().timetable_wants(State.OPEN).timetable_wants(None).after(s=60.0)
    assert not energised(story)


def test_an_open_period_keeps_the_gate_open() -> None:
    story = story_of(AUTO).timetable_wants(State.OPEN).until_is(State.OPEN).after(s=300.0)
    assert story.state is State.OPEN
    assert story.gate.pending is None


def test_an_officers_opening_in_a_closed_period_closes_again() -> None:
    """After half a minute, where the site has no time of its own for it."""
    story = story_of().timetable_wants(State.CLOSED).after(s=1.0).officer_says(Command.OPEN).until_is(State.OPEN)
    story.after(s=TIMING.pass_s - 1.0)
    assert not story.is_warning
    assert story.after(s=1.5).is_warning
    story.until_is(State.CLOSED)


def test_an_opening_that_cannot_begin_is_given_up_after_a_minute() -> None:
    """I7: a gate does not open half an hour late."""
    story = story_of().timetable_wants(State.CLOSED).after(s=0.5)
    story.officer_says(Command.OPEN).after(s=2.0).officer_says(Command.CLOSE).after(s=0.1)
    story.timetable_wants(State.OPEN).until_is(State.CLOSED)
    story.until_is(State.OPEN)
    late = story_of(leaf=0.5)
    late.sensor_says(edge=True).after(s=0.1).timetable_wants(State.OPEN).after(s=1.0).sensor_says(edge=False)
    late.after(s=100.0)
    assert not energised(late), "what barred it ended it"


def test_an_opening_that_waits_for_a_move_longer_than_a_minute_is_late() -> None:
    site = replace(SITE, timing=replace(TIMING, opening_patience_s=4.0))
    story = open_gate(site).officer_says(Command.CLOSE).after(s=0.5).timetable_wants(State.OPEN)
    story.until_is(State.CLOSED).after(s=20.0)
    assert energised(story) == [Relay.CLOSE]
    assert story.gate.pending is None


def test_a_closing_waits_for_the_beam_as_long_as_it_takes() -> None:
    story = open_gate().car_breaks_the_beam().after(s=0.1).timetable_wants(State.CLOSED).after(s=600.0)
    assert not energised(story)
    story.beam_clears().after(s=2.5)
    assert not story.is_warning
    assert story.after(s=1.0).is_warning
    story.until_is(State.CLOSED)


# Another timetable, set by people.


@pytest.mark.parametrize(("wants", "leaf"), [(State.OPEN, 0.0), (State.CLOSED, 1.0), (None, 1.0)])
def test_another_timetable_moves_nothing(wants: State | None, leaf: float) -> None:
    """I7: what it wants already is only known; the next boundary moves."""
    story = story_of(leaf=leaf).timetable_wants(wants, moves=False, renewed=True).after(s=120.0)
    assert not energised(story)
    assert story.gate.pending is None


def test_a_closing_that_waits_is_given_up_where_another_timetable_does_not_want_it() -> None:
    """A car stood in the way when the night began; before it left, somebody took the night out."""
    story = open_gate().car_breaks_the_beam().after(s=0.1).timetable_wants(State.CLOSED).after(s=60.0)
    story.timetable_wants(None, moves=False, renewed=True).beam_clears().after(s=120.0)
    assert not energised(story)
    assert story.gate.pending is None


def test_a_closing_that_waits_goes_on_where_another_timetable_wants_it_too() -> None:
    story = open_gate().car_breaks_the_beam().after(s=0.1).timetable_wants(State.CLOSED).after(s=60.0)
    story.timetable_wants(State.CLOSED, moves=False, renewed=True).beam_clears().until_is(State.CLOSED)
    assert causes(story) == ["timetable"]


def test_another_timetable_takes_nothing_from_what_the_site_closes_by_itself() -> None:
    story = opened(AUTO).after(s=5.0).timetable_wants(None, moves=False, renewed=True).until_is(State.CLOSED)
    assert causes(story)[-1] == "open for long enough"


def test_a_gate_that_an_officer_opened_in_a_closed_period_stays_open_once_that_is_taken_out() -> None:
    story = story_of().timetable_wants(State.CLOSED).after(s=1.0).officer_says(Command.OPEN).until_is(State.OPEN)
    story.timetable_wants(None, moves=False, renewed=True).after(s=TIMING.pass_s + 60.0)
    assert story.state is State.OPEN


@pytest.mark.parametrize("wants", [State.OPEN, None])
def test_a_closing_that_only_warns_is_given_up_where_another_timetable_does_not_want_it(wants: State | None) -> None:
    """The buzzer of the night sounded, and somebody took the night out: the gate closed all the same."""
    story = open_gate().timetable_wants(State.CLOSED).after(s=4.0)
    assert story.gate.motion.phase is Phase.WARNING
    story.timetable_wants(wants, moves=False, renewed=True).after(s=120.0)
    assert not energised(story)
    assert story.state is State.OPEN


def test_a_closing_that_only_warns_goes_on_where_another_timetable_wants_it_too() -> None:
    story = open_gate().timetable_wants(State.CLOSED).after(s=4.0)
    story.timetable_wants(State.CLOSED, moves=False, renewed=True).until_is(State.CLOSED)
    assert causes(story) == ["timetable"]


def test_a_leaf_that_is_on_its_way_is_left_alone_by_another_timetable() -> None:
    """A change moves nothing, and stops nothing either."""
    story = open_gate().timetable_wants(State.CLOSED).after(s=8.0)
    assert story.gate.motion.phase is Phase.DRIVING
    story.timetable_wants(None, moves=False, renewed=True).until_is(State.CLOSED)


def test_a_gate_that_only_a_passage_closes_waits_for_one_again_once_the_night_is_taken_out() -> None:
    """Opened in a closed period, it would have closed without one; nothing passed, and it closed all the same."""
    story = story_of(AFTER_PASS).timetable_wants(State.CLOSED).after(s=1.0).officer_says(Command.OPEN)
    story.until_is(State.OPEN).after(s=3.0).timetable_wants(None, moves=False, renewed=True).after(s=120.0)
    assert energised(story) == [Relay.OPEN]
    story.car_breaks_the_beam().after(s=1.0).beam_clears().until_is(State.CLOSED)
    assert causes(story)[-1] == "something has passed"


def test_the_end_of_a_hold_closes_nothing_for_a_night_that_was_taken_out() -> None:
    """A car stood in the way when the hold ended, and left after the change."""
    story = open_gate(AFTER_PASS).timetable_wants(State.CLOSED, moves=False)
    story.officer_says(Command.HOLD_OPEN, minutes=1).car_breaks_the_beam().after(s=70.0)
    story.timetable_wants(None, moves=False, renewed=True).beam_clears().after(s=120.0)
    assert not energised(story)


def test_an_opening_that_waits_is_given_up_where_another_timetable_does_not_want_it() -> None:
    story = open_gate().officer_says(Command.CLOSE).after(s=0.5).timetable_wants(State.OPEN)
    assert story.gate.pending is not None
    story.timetable_wants(None, moves=False, renewed=True).until_is(State.CLOSED).after(s=60.0)
    assert energised(story) == [Relay.CLOSE]


@pytest.mark.parametrize("command", [Command.HOLD_OPEN, Command.EMERGENCY_OPEN])
def test_a_closed_period_that_begins_while_the_gate_is_held_open_moves_nothing(command: Command) -> None:
    """Priority: emergency and hold open rank above the timetable."""
    story = open_gate().officer_says(command).timetable_wants(State.CLOSED).after(s=200.0)
    assert not energised(story)


def test_a_period_that_begins_in_a_hard_lock_is_over_when_the_lock_is() -> None:
    """I10: a reset moves nothing."""
    story = story_of(kept=Kept(troubles=(Code.EDGE,))).timetable_wants(State.OPEN).after(s=1.0)
    story.officer_says(Command.RESET).after(s=60.0)
    assert not energised(story)


def test_a_lock_ends_what_was_pending() -> None:
    """I10."""
    story = opened(AUTO).after(s=10.0).sensor_says(limit_closed=True).after(s=0.2)
    assert story.gate.pending is None
    story.sensor_says(limit_closed=False).after(s=1.0).officer_says(Command.RESET).after(s=100.0)
    assert energised(story) == [Relay.OPEN]


def test_an_officers_command_ranks_above_the_timetable() -> None:
    story = story_of().timetable_wants(State.OPEN).after(s=3.0).officer_says(Command.CLOSE).until_is(State.CLOSED)
    story.after(s=60.0)
    assert energised(story) == [Relay.OPEN, Relay.CLOSE]


def test_a_timetable_that_wants_what_is_so_already_moves_nothing() -> None:
    shut = story_of().timetable_wants(State.CLOSED).after(s=20.0)
    assert (energised(shut), shut.gate.pending) == ([], None)
    ajar = open_gate().timetable_wants(State.OPEN).after(s=20.0)
    assert (energised(ajar), ajar.gate.pending) == ([], None)
    assert Kind.ARRIVED not in ajar.kinds(), "it was there already"


def test_a_gate_whose_position_is_not_known_is_not_closed_by_the_timetable() -> None:
    """First command from `unknown`: a close needs an officer."""
    story = story_of(leaf=0.5).timetable_wants(State.CLOSED).after(s=100.0)
    assert not energised(story)
    story.officer_says(Command.OPEN).until_is(State.OPEN).until_is(State.CLOSED)


def test_a_gate_that_was_stopped_half_way_is_closed_by_the_timetable() -> None:
    story = open_gate().officer_says(Command.CLOSE).after(s=3.0).officer_says(Command.STOP).after(s=2.0)
    story.timetable_wants(State.CLOSED).until_is(State.CLOSED)


# ------------------------------------------------------------------------------------------------ the exit loop


def test_somebody_who_leaves_gets_the_gate_opened() -> None:
    story = story_of().timetable_wants(State.CLOSED).sensor_says(exit_loop=True).until_is(State.OPEN)
    assert causes(story) == ["exit loop"]
    story.sensor_says(exit_loop=False).until_is(State.CLOSED)


def test_a_period_may_say_that_the_exit_loop_opens_nothing() -> None:
    story = story_of().timetable_wants(State.CLOSED, exit_opens=False).sensor_says(exit_loop=True).after(s=20.0)
    assert not energised(story)


def test_a_rules_closing_gives_way_to_somebody_who_leaves_and_a_persons_does_not() -> None:
    story = opened(AUTO).until(lambda s: s.closing_drive).after(s=2.0).sensor_says(exit_loop=True).after(s=0.1)
    assert not story.closing_drive
    story.until_is(State.OPEN)
    person = open_gate().officer_says(Command.CLOSE).after(s=2.0).sensor_says(exit_loop=True).after(s=1.0)
    assert person.closing_drive


def test_the_loop_opens_nothing_that_is_open_already_or_opens() -> None:
    story = story_of().officer_says(Command.OPEN).after(s=2.0).sensor_says(exit_loop=True).until_is(State.OPEN)
    assert story.outcome(1) == "done"
    story.sensor_says(exit_loop=False).after(s=1.0).sensor_says(exit_loop=True).after(s=5.0)
    assert len(energised(story)) == 1


def test_a_loop_that_is_occupied_at_power_up_opens_nothing() -> None:
    """I7."""
    story = story_of().power_comes_back().sensor_says(exit_loop=True).after(s=30.0)
    assert not energised(story)


def test_the_loop_does_not_open_onto_a_pressed_edge() -> None:
    story = story_of().sensor_says(edge=True).after(s=0.1).sensor_says(exit_loop=True).after(s=5.0)
    assert not energised(story)


# --------------------------------------------------------------------------------------------------- the power

BATTERY = replace(SITE, open_and_stay=True)


def test_a_battery_that_runs_low_opens_the_gate_and_keeps_it_open_where_the_site_wants_it() -> None:
    story = story_of(BATTERY).sensor_says(battery_low=True).until_is(State.OPEN)
    assert causes(story) == ["battery low"]
    assert Code.BATTERY_LOW in story.gate.troubles
    story.officer_says(Command.CLOSE)
    assert refusal(story) is Code.BATTERY_LOW
    story.timetable_wants(State.CLOSED).after(s=100.0)
    assert story.state is State.OPEN
    story.sensor_says(battery_low=False).after(s=1.0).officer_says(Command.CLOSE).until_is(State.CLOSED)


def test_a_battery_that_runs_low_is_only_told_of_elsewhere() -> None:
    story = story_of().sensor_says(battery_low=True).after(s=20.0)
    assert not energised(story)
    assert story.fact(Kind.HEALTH_CHANGED).data["reasons"] == ["battery_low"]
    story.officer_says(Command.OPEN).until_is(State.OPEN).after(s=1.0).officer_says(Command.CLOSE)
    story.until_is(State.CLOSED)


def test_a_battery_that_runs_low_turns_a_closing_gate_round() -> None:
    story = open_gate(BATTERY).officer_says(Command.CLOSE).after(s=3.0).sensor_says(battery_low=True).after(s=0.1)
    assert not story.closing_drive
    assert story.outcome(1) is Code.BATTERY_LOW
    story.until_is(State.OPEN)


def test_a_battery_that_is_low_at_an_open_gate_moves_nothing() -> None:
    story = open_gate(BATTERY).sensor_says(battery_low=True).after(s=20.0)
    assert not energised(story)
    assert story.gate.pending is None


def test_a_battery_that_is_low_at_power_up_moves_nothing() -> None:
    """I7."""
    story = story_of(BATTERY).power_comes_back().sensor_says(battery_low=True).after(s=30.0)
    assert not energised(story)


def test_a_person_who_sees_the_gate_needs_no_beam_and_no_rule_takes_that_for_leave() -> None:
    site = replace(AUTO, sensors=BLIND)
    story = opened(site).officer_says(Command.CLOSE).until_is(State.CLOSED)
    assert story.gate.mode is Mode.NORMAL
    assert story.gate.pending is None


def test_what_waits_says_which_way_and_why() -> None:
    story = opened(AUTO).after(s=1.0)
    pending = story.gate.pending
    assert pending is not None
    assert (pending.direction, pending.why, pending.passed) == (Direction.CLOSE, "auto_close", False)
    assert pending.due_s == pytest.approx(story.now_s + 19.0, abs=0.1)


@pytest.mark.parametrize("mode", [Command.HOLD_OPEN, Command.EMERGENCY_OPEN])
def test_a_mode_that_ends_in_an_open_period_leaves_the_gate_open(mode: Command) -> None:
    """Auto-close rests while the timetable wants the gate open, however it came to stand open."""
    story = open_gate(replace(SITE, auto_close_s=5.0)).officer_says(mode, minutes=1).timetable_wants(State.OPEN)
    story.after(s=5.0).officer_says(Command.NORMAL).after(s=30.0)
    assert story.state is State.OPEN
    story.officer_says(Command.HOLD_OPEN, minutes=1).after(s=90.0)
    assert (story.gate.mode, story.state) == (Mode.NORMAL, State.OPEN)


def test_a_close_that_waits_is_given_up_where_the_timetable_turns_out_to_want_it_open() -> None:
    """A clock that becomes believed moves nothing, and closes nothing."""
    story = story_of(replace(SITE, auto_close_s=5.0)).officer_says(Command.OPEN).until_is(State.OPEN)
    story.timetable_wants(State.OPEN, moves=False).after(s=30.0)
    assert story.state is State.OPEN
