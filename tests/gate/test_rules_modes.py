"""Stories of the modes: what people ask of the gate beyond one move, and what is true of it whoever asks."""

from __future__ import annotations

from dataclasses import replace

import pytest

from gate.memory import Kept, Phase
from gate.model import Alarm, Code, Command, Health, Kind, Mode, Sensor, State
from tests.gate.sites import SITE, TIMING, causes, energised, open_gate, refusal, story_of, whys

# --------------------------------------------------------------------------------------------------- hold open


def test_a_hold_opens_the_gate_and_ends_by_itself() -> None:
    """A gate that was held open must not stay so because somebody forgot."""
    story = story_of().officer_says(Command.HOLD_OPEN, minutes=20)
    assert story.gate.mode is Mode.HOLD_OPEN
    assert story.fact(Kind.MODE_CHANGED).data == {
        "from": "normal", "to": "hold_open", "command_id": "c1", "ends_in_s": 1200,
    }  # fmt: skip
    story.until_is(State.OPEN).after(s=0.1)
    assert story.outcome(1) == "done"
    story.after(s=1170)
    assert story.gate.mode is Mode.HOLD_OPEN
    story.after(s=25)
    assert (story.gate.mode, story.state) == (Mode.NORMAL, State.OPEN)
    assert story.fact(Kind.MODE_CHANGED).by.id == "hold_open"


def test_a_hold_lasts_as_long_as_the_site_says_where_nobody_says_otherwise() -> None:
    story = open_gate().officer_says(Command.HOLD_OPEN)
    assert story.outcome(1) == "done", "it is open already"
    assert story.gate.standing.until_s == story.now_s + TIMING.hold_s


def test_people_are_reminded_once_before_a_hold_ends() -> None:
    story = open_gate().officer_says(Command.HOLD_OPEN, minutes=6).after(s=59.0)
    assert story.kinds().count(Kind.MODE_CHANGED) == 1
    story.after(s=2.0)
    told = story.fact(Kind.MODE_CHANGED)
    assert told.data["reminder"] is True
    assert told.data["ends_in_s"] == 300
    assert (told.data["from"], told.data["to"]) == ("hold_open", "hold_open")
    story.after(s=200.0)
    assert story.kinds().count(Kind.MODE_CHANGED) == 2, "once"


def test_a_hold_that_is_shorter_than_the_reminder_is_not_reminded_of() -> None:
    story = open_gate().officer_says(Command.HOLD_OPEN, minutes=5).after(s=299.0)
    assert story.kinds().count(Kind.MODE_CHANGED) == 1


def test_close_ends_a_hold() -> None:
    story = open_gate().officer_says(Command.HOLD_OPEN).officer_says(Command.CLOSE).after(s=0.1)
    assert story.gate.mode is Mode.NORMAL
    assert story.closing_drive
    assert story.fact(Kind.MODE_CHANGED).data["command_id"] == "c2"


def test_a_close_that_is_refused_leaves_the_hold() -> None:
    story = open_gate().officer_says(Command.HOLD_OPEN).car_breaks_the_beam().after(s=0.1).officer_says(Command.CLOSE)
    assert refusal(story) is Code.BEAM_BLOCKED
    assert story.gate.mode is Mode.HOLD_OPEN


def test_nothing_closes_by_itself_while_the_gate_is_held_open() -> None:
    """Hold open ranks above the timetable and auto-close."""
    story = open_gate(replace(SITE, auto_close_s=20.0)).officer_says(Command.HOLD_OPEN)
    story.timetable_wants(State.CLOSED).after(s=300.0)
    assert not energised(story)
    assert story.gate.pending is None


def test_when_a_hold_ends_the_gate_closes_where_it_would_have_closed() -> None:
    """I12: with the warning, after the way has been clear."""
    story = open_gate(replace(SITE, auto_close_s=20.0)).officer_says(Command.HOLD_OPEN, minutes=1).after(s=60.5)
    assert story.gate.pending is not None
    assert story.gate.pending.why == "hold_ended"
    assert story.after(s=3.5).is_warning
    assert not story.pins
    story.until_is(State.CLOSED)
    assert causes(story) == ["hold open has ended"]


def test_when_a_hold_ends_in_a_period_that_wants_it_closed_it_closes() -> None:
    story = open_gate().officer_says(Command.HOLD_OPEN, minutes=1).timetable_wants(State.CLOSED).after(s=61.0)
    story.until_is(State.CLOSED)


def test_when_a_hold_ends_elsewhere_the_gate_stays_open() -> None:
    story = open_gate().officer_says(Command.HOLD_OPEN, minutes=1).timetable_wants(State.OPEN).after(s=120.0)
    assert (story.gate.mode, story.gate.pending) == (Mode.NORMAL, None)
    assert not energised(story)


def test_a_hold_ends_under_the_maintenance_key_without_closing() -> None:
    story = open_gate(replace(SITE, auto_close_s=20.0)).officer_says(Command.HOLD_OPEN, minutes=1)
    story.sensor_says(release=True).after(s=70.0)
    assert story.gate.mode is Mode.RELEASED
    assert story.gate.standing.mode is Mode.NORMAL
    assert story.gate.pending is None
    assert story.fact(Kind.MODE_CHANGED).data["to"] == "released", "what counts has not changed"


def test_normal_ends_a_hold_and_moves_nothing() -> None:
    story = open_gate().officer_says(Command.HOLD_OPEN).officer_says(Command.NORMAL)
    assert (story.gate.mode, story.outcome(2)) == (Mode.NORMAL, "done")
    assert not energised(story.after(s=60.0))
    assert story.gate.pending is None


def test_a_gate_that_returns_to_normal_closes_where_it_would_close_by_itself() -> None:
    """I12: after the usual wait, with the usual warning."""
    story = story_of(replace(SITE, auto_close_s=20.0)).officer_says(Command.HOLD_OPEN).until_is(State.OPEN)
    story.after(s=100.0).officer_says(Command.NORMAL).after(s=19.5)
    assert not story.is_warning
    assert story.after(s=1.0).is_warning
    planned = story_of().officer_says(Command.EMERGENCY_OPEN).until_is(State.OPEN).timetable_wants(State.CLOSED)
    planned.after(s=60.0).officer_says(Command.NORMAL).until_is(State.CLOSED, within_s=60.0)


def test_unlock_does_not_end_a_hold() -> None:
    story = open_gate().officer_says(Command.HOLD_OPEN).officer_says(Command.UNLOCK)
    assert refusal(story) is Code.HELD_OPEN
    assert story.gate.mode is Mode.HOLD_OPEN


def test_a_hold_from_a_gate_that_cannot_open_is_refused() -> None:
    story = story_of().sensor_says(release=True).after(s=0.1).officer_says(Command.HOLD_OPEN)
    assert refusal(story) is Code.RELEASED
    assert story.gate.standing.mode is Mode.NORMAL


def test_a_hold_reverses_a_gate_that_closes() -> None:
    story = open_gate().officer_says(Command.CLOSE).after(s=3.0).officer_says(Command.HOLD_OPEN).after(s=0.7)
    assert story.opening_drive
    assert story.outcome(1) is Code.SUPERSEDED


def test_a_hold_survives_a_restart_with_what_was_left_of_it_and_moves_nothing() -> None:
    """I7."""
    story = open_gate().officer_says(Command.HOLD_OPEN, minutes=10).after(s=240.0)
    story.yard.leaf = 0.5
    story.after(s=0.2).power_comes_back().after(s=60.0)
    assert story.gate.mode is Mode.HOLD_OPEN
    assert not energised(story)
    assert story.after(s=310.0).gate.mode is Mode.NORMAL


# ---------------------------------------------------------------------------------------------------- lockdown


def test_a_lockdown_closes_with_a_warning_and_then_refuses_to_open() -> None:
    """I12: lamp and buzzer for five seconds, also where somebody saw the gate."""
    story = open_gate().officer_says(Command.LOCKDOWN).after(s=4.9)
    assert (story.outputs.lamp, story.outputs.buzzer, story.outputs.siren) == (True, True, False)
    assert not story.pins
    story.after(s=0.2)
    assert story.closing_drive
    story.until_is(State.CLOSED).after(s=0.1)
    assert (story.gate.mode, story.outcome(1)) == (Mode.LOCKDOWN, "done")
    story.officer_says(Command.OPEN)
    assert refusal(story) is Code.LOCKED_DOWN
    assert not energised(story.after(s=1.0))[1:]


def test_a_lockdown_that_nobody_saw_warns_for_ten_loud_seconds() -> None:
    story = open_gate().officer_says(Command.LOCKDOWN, sighted=False).after(s=9.9)
    assert (story.outputs.buzzer, story.outputs.siren) == (True, True)
    assert not story.pins
    assert story.after(s=0.3).closing_drive


def test_a_lockdown_of_a_closed_gate_is_done_at_once() -> None:
    story = story_of().officer_says(Command.LOCKDOWN)
    assert (story.gate.mode, story.outcome(1)) == (Mode.LOCKDOWN, "done")
    story.after(s=200.0)
    assert not story.alarms
    assert not energised(story)


def test_no_rule_opens_a_gate_that_is_locked_down() -> None:
    story = story_of().officer_says(Command.LOCKDOWN).timetable_wants(State.OPEN).after(s=1.0)
    story.sensor_says(exit_loop=True).after(s=5.0)
    assert not energised(story)
    story.officer_says(Command.HOLD_OPEN)
    assert refusal(story) is Code.LOCKED_DOWN


def test_a_car_under_a_lockdown_still_gets_the_gate_opened() -> None:
    """The beam ranks above a lockdown: nobody is crushed for it."""
    story = open_gate().officer_says(Command.LOCKDOWN).until(lambda s: s.closing_drive).after(s=2.0)
    story.car_breaks_the_beam().after(s=0.7)
    assert story.opening_drive
    story.beam_clears().until_is(State.OPEN)
    assert story.gate.mode is Mode.LOCKDOWN


def test_a_lockdown_is_tried_three_times_a_minute_apart_and_then_people_are_told() -> None:
    story = open_gate().car_breaks_the_beam().after(s=0.1).officer_says(Command.LOCKDOWN)
    assert story.outcome(1) is Code.BEAM_BLOCKED
    assert story.gate.mode is Mode.LOCKDOWN
    story.after(s=119.0)
    assert Alarm.LOCKDOWN_FAILED not in story.alarms
    story.after(s=2.0)
    assert story.gate.standing.tries == 3
    assert Alarm.LOCKDOWN_FAILED in story.after(s=1.0).alarms or story.gate.standing.pursued
    story.after(s=60.0)
    assert Alarm.LOCKDOWN_FAILED in story.alarms
    assert story.fact(Kind.ALARM_RAISED).data["tries"] == "3"
    assert (story.gate.mode, story.state) == (Mode.LOCKDOWN, State.OPEN), "it stays locked as a mode"
    story.beam_clears().after(s=200.0)
    assert not energised(story), "and tries no more"
    assert story.alarms.count(Alarm.LOCKDOWN_FAILED) == 1


def test_the_second_try_of_a_lockdown_closes_once_the_way_is_clear() -> None:
    story = open_gate().car_breaks_the_beam().after(s=0.1).officer_says(Command.LOCKDOWN).after(s=30.0).beam_clears()
    story.after(s=29.5)
    assert not story.is_warning
    assert story.after(s=1.0).is_warning
    assert not story.closing_drive
    story.until_is(State.CLOSED).after(s=70.0)
    assert not story.alarms
    assert causes(story) == ["lockdown"]


def test_each_reversal_of_a_lockdown_is_a_try_and_too_many_leave_it_open() -> None:
    """I13."""
    story = open_gate().officer_says(Command.LOCKDOWN)
    for _ in range(2):
        story.until(lambda s: s.closing_drive, within_s=80.0).after(s=2.0)
        story.car_breaks_the_beam().after(s=0.1).beam_clears().until_is(State.OPEN)
    assert story.health is Health.SOFT_LOCK
    story.after(s=190.0)
    assert {Alarm.LEFT_OPEN, Alarm.LOCKDOWN_FAILED} <= set(story.alarms)
    assert energised(story).count(energised(story)[0]) == 2, "closed twice, no more"


def test_a_lockdown_turns_round_a_gate_that_opens() -> None:
    story = story_of().officer_says(Command.OPEN).after(s=3.0).officer_says(Command.LOCKDOWN)
    assert story.outcome(1) is Code.SUPERSEDED
    assert not story.after(s=0.01).pins
    story.until_is(State.CLOSED)
    assert story.outcome(2) == "done"


def test_a_lockdown_that_cannot_close_now_still_ends_an_opening() -> None:
    story = story_of().officer_says(Command.OPEN).after(s=3.0).car_breaks_the_beam().after(s=0.1)
    story.officer_says(Command.LOCKDOWN).after(s=0.05)
    assert (story.outcome(1), story.outcome(2)) == (Code.SUPERSEDED, Code.BEAM_BLOCKED)
    assert not story.pins
    assert story.after(s=0.8).state is State.STOPPED


def test_a_lockdown_from_a_position_that_is_not_known_needs_eyes() -> None:
    """First command from `unknown`: only somebody who sees the gate closes it."""
    blind = story_of(leaf=0.5).officer_says(Command.LOCKDOWN, sighted=False).after(s=200.0)
    assert blind.outcome(1) is Code.UNSIGHTED
    assert not energised(blind)
    assert blind.alarms == [Alarm.LOCKDOWN_FAILED]
    story_of(leaf=0.5).officer_says(Command.LOCKDOWN).until_is(State.CLOSED)


def test_a_lockdown_that_somebody_saw_is_tried_again_from_an_unknown_position() -> None:
    story = story_of(leaf=0.5).car_breaks_the_beam().after(s=0.1).officer_says(Command.LOCKDOWN).beam_clears()
    story.after(s=61.0).until_is(State.CLOSED)


def test_without_a_beam_a_lockdown_is_not_tried_again_by_itself() -> None:
    """No beam, no unattended closing."""
    site = replace(SITE, sensors=SITE.sensors - {Sensor.BEAM})
    story = open_gate(site).officer_says(Command.LOCKDOWN).after(s=1.0).officer_says(Command.STOP)
    assert not energised(story.after(s=200.0))
    other = open_gate(site).officer_says(Command.LOCKDOWN, sighted=False).after(s=200.0)
    assert other.outcome(1) is Code.UNSIGHTED
    assert not energised(other)
    assert Alarm.LOCKDOWN_FAILED in other.alarms


def test_a_stop_ends_the_tries_of_a_lockdown_and_not_the_mode() -> None:
    story = open_gate().officer_says(Command.LOCKDOWN).after(s=3.0).officer_says(Command.STOP).after(s=200.0)
    assert (story.gate.mode, story.state) == (Mode.LOCKDOWN, State.OPEN)
    assert not energised(story)
    assert not story.alarms
    story.officer_says(Command.CLOSE).until_is(State.CLOSED)


@pytest.mark.parametrize("command", [Command.UNLOCK, Command.NORMAL])
def test_a_commander_releases_a_lockdown_and_nothing_moves(command: Command) -> None:
    story = story_of().officer_says(Command.LOCKDOWN).officer_says(command)
    assert (story.gate.mode, story.outcome(2)) == (Mode.NORMAL, "done")
    assert story.fact(Kind.MODE_CHANGED).data["command_id"] == "c2"
    assert not energised(story.after(s=5.0))
    assert story.officer_says(Command.OPEN).after(s=0.1).opening_drive


def test_a_lockdown_is_refused_where_nobody_hears_it_and_where_the_gate_is_not_its_own() -> None:
    story = open_gate().sensor_says(release=True).after(s=0.1).officer_says(Command.LOCKDOWN)
    assert refusal(story) is Code.RELEASED
    silent = open_gate().keeper_falls_silent().after(s=1.2).officer_says(Command.LOCKDOWN)
    assert refusal(silent) is Code.KEEPER_DOWN
    assert silent.gate.mode is Mode.NORMAL
    emergency = open_gate().officer_says(Command.EMERGENCY_OPEN).officer_says(Command.LOCKDOWN)
    assert refusal(emergency) is Code.EMERGENCY
    assert emergency.gate.mode is Mode.EMERGENCY_OPEN


def test_a_lockdown_ends_a_hold() -> None:
    story = open_gate().officer_says(Command.HOLD_OPEN).officer_says(Command.LOCKDOWN)
    assert story.gate.mode is Mode.LOCKDOWN
    story.until_is(State.CLOSED)
    assert story.gate.standing.until_s is None


def test_a_lockdown_survives_a_restart_as_a_mode_and_moves_nothing() -> None:
    """I7: a gate that stands open stays open, and people are told."""
    story = open_gate().officer_says(Command.LOCKDOWN).after(s=1.0).power_comes_back().after(s=200.0)
    assert story.gate.mode is Mode.LOCKDOWN
    assert not energised(story)
    assert story.alarms == [Alarm.LOCKDOWN_FAILED]
    assert refusal(story.officer_says(Command.OPEN)) is Code.LOCKED_DOWN
    closed = story_of(kept=Kept(mode=Mode.LOCKDOWN)).after(s=100.0)
    assert not closed.alarms


# ---------------------------------------------------------------------------------------------- emergency open


def test_an_emergency_opens_after_a_short_warning_and_stays_open() -> None:
    """I11: no auto-close, no timetable."""
    story = story_of(replace(SITE, auto_close_s=10.0)).officer_says(Command.EMERGENCY_OPEN).after(s=0.9)
    assert story.is_warning
    assert not story.pins
    assert story.after(s=0.2).opening_drive
    story.until_is(State.OPEN).timetable_wants(State.CLOSED).after(s=100.0)
    assert (story.state, story.gate.mode, story.outcome(1)) == (State.OPEN, Mode.EMERGENCY_OPEN, "done")
    assert causes(story) == ["command emergency_open"]


@pytest.mark.parametrize("command", [Command.CLOSE, Command.LOCKDOWN, Command.HOLD_OPEN, Command.UNLOCK])
def test_only_normal_ends_an_emergency(command: Command) -> None:
    story = story_of().officer_says(Command.EMERGENCY_OPEN).until_is(State.OPEN).after(s=1.0).officer_says(command)
    assert refusal(story) is Code.EMERGENCY
    assert story.gate.mode is Mode.EMERGENCY_OPEN
    story.officer_says(Command.NORMAL)
    assert (story.gate.mode, story.state) == (Mode.NORMAL, State.OPEN)


def test_the_maintenance_key_ends_an_emergency_at_the_cabinet() -> None:
    story = story_of().officer_says(Command.EMERGENCY_OPEN).until_is(State.OPEN).sensor_says(maintenance=True)
    story.after(s=0.2)
    assert (story.gate.mode, story.gate.standing.mode) == (Mode.MAINTENANCE, Mode.NORMAL)
    story.sensor_says(maintenance=False).after(s=0.5)
    assert story.gate.mode is Mode.NORMAL


def test_an_emergency_opens_a_gate_that_is_locked_down() -> None:
    story = story_of().officer_says(Command.LOCKDOWN).officer_says(Command.EMERGENCY_OPEN).until_is(State.OPEN)
    assert story.gate.mode is Mode.EMERGENCY_OPEN


def test_the_emergency_input_opens() -> None:
    story = story_of().officer_says(Command.LOCKDOWN).sensor_says(emergency=True).until_is(State.OPEN)
    assert story.gate.mode is Mode.EMERGENCY_OPEN
    assert story.fact(Kind.DRIVE_ENERGISED).by.id == "emergency"
    story.after(s=30.0)
    assert len(energised(story)) == 1


def test_the_emergency_input_turns_a_closing_gate_round() -> None:
    """I2."""
    story = open_gate().officer_says(Command.CLOSE).after(s=3.0).sensor_says(emergency=True).after(s=0.1)
    assert not story.pins
    assert story.outcome(1) is Code.SUPERSEDED
    assert story.until(lambda s: s.opening_drive, within_s=2.0).gate.mode is Mode.EMERGENCY_OPEN
    story.until_is(State.OPEN)


def test_an_emergency_input_that_is_active_at_power_up_moves_nothing() -> None:
    """I7."""
    story = story_of().power_comes_back().sensor_says(emergency=True).after(s=20.0)
    assert story.gate.mode is Mode.NORMAL
    assert not energised(story)


def test_an_emergency_survives_a_restart_and_still_opens() -> None:
    """I11: with the short warning."""
    story = story_of().officer_says(Command.EMERGENCY_OPEN).after(s=3.0)
    story.power_comes_back().after(s=0.6)
    assert story.gate.mode is Mode.EMERGENCY_OPEN
    assert story.is_warning
    story.until_is(State.OPEN)
    assert causes(story)[-1] == "emergency open"


def test_an_emergency_that_stands_open_survives_a_restart_standing() -> None:
    story = story_of().officer_says(Command.EMERGENCY_OPEN).until_is(State.OPEN).after(s=1.0).power_comes_back()
    story.after(s=10.0)
    assert story.gate.mode is Mode.EMERGENCY_OPEN
    assert len(energised(story)) == 1


def test_an_emergency_stop_ranks_above_an_emergency() -> None:
    """I10, I11."""
    story = story_of().officer_says(Command.EMERGENCY_OPEN).after(s=3.0).sensor_says(estop=True).after(s=0.05)
    assert not story.pins
    story.after(s=20.0)
    assert not story.pins
    assert story.outcome(1) is Code.ESTOP
    story.officer_says(Command.EMERGENCY_OPEN)
    assert refusal(story) is Code.ESTOP
    story.sensor_says(estop=False).after(s=0.5).officer_says(Command.RESET).after(s=30.0)
    assert len(energised(story)) == 1, "a reset itself moves nothing"
    assert story.gate.mode is Mode.EMERGENCY_OPEN
    story.officer_says(Command.EMERGENCY_OPEN).until_is(State.OPEN)


def test_a_touch_of_the_edge_is_obeyed_in_an_emergency_and_then_it_goes_on() -> None:
    story = story_of().officer_says(Command.EMERGENCY_OPEN).after(s=4.0).sensor_says(edge=True).after(s=0.05)
    assert not story.opening_drive
    story.sensor_says(edge=False).until(lambda s: s.closing_drive, within_s=1.0)
    story.until(lambda s: s.opening_drive, within_s=10.0).until_is(State.OPEN)
    assert causes(story) == ["command emergency_open", "edge pressed", "emergency open"]


def test_a_second_touch_forbids_an_emergency() -> None:
    """I11: unless an opening edge forbids it."""
    story = story_of().officer_says(Command.EMERGENCY_OPEN)
    for _ in range(2):
        story.until(lambda s: s.opening_drive, within_s=10.0).after(s=1.5)
        story.sensor_says(edge=True).after(s=0.3).sensor_says(edge=False)
    story.after(s=60.0)
    assert story.gate.troubles == (Code.EDGE,)
    assert len(energised(story)) == 3
    story.officer_says(Command.RESET).after(s=20.0)
    assert len(energised(story)) == 3, "I10: a reset itself moves nothing"


def test_a_lockdown_that_has_closed_the_gate_does_not_close_it_again_by_itself() -> None:
    """Somebody released it, pushed it open and locked the release again: people decide what next."""
    story = story_of().officer_says(Command.LOCKDOWN).after(s=1.0).sensor_says(release=True).after(s=1.0)
    story.yard.leaf = 1.0
    story.after(s=1.0).sensor_says(release=False).after(s=200.0)
    assert (story.gate.mode, story.state) == (Mode.LOCKDOWN, State.OPEN)
    assert not energised(story)


def test_an_emergency_under_a_pressed_edge_is_taken_and_opens_once_it_is_free() -> None:
    story = story_of().sensor_says(edge=True).after(s=0.1).officer_says(Command.EMERGENCY_OPEN).after(s=5.0)
    assert story.outcome(1) is Code.EDGE
    assert (story.gate.mode, story.pins) == (Mode.EMERGENCY_OPEN, frozenset())
    story.sensor_says(edge=False).until_is(State.OPEN)
    assert causes(story) == ["emergency open"]


def test_an_emergency_is_tried_again_every_few_seconds_and_not_for_ever() -> None:
    story = story_of()
    story.dead_pins = True
    story.officer_says(Command.EMERGENCY_OPEN).after(s=60.0)
    assert story.outcome(1) is Code.NO_OUTPUT
    assert story.gate.standing.tries == 3
    assert not story.gate.standing.pursued
    assert story.alarms == [Alarm.FAULT], "people must know that it did not open"
    assert story.fact(Kind.ALARM_RAISED).data["why"] == "emergency_failed"
    story.dead_pins = False
    story.after(s=30.0)
    assert not energised(story)


def test_the_second_try_of_an_emergency_comes_after_five_seconds() -> None:
    story = story_of()
    story.dead_pins = True
    story.officer_says(Command.EMERGENCY_OPEN).after(s=2.0)
    assert story.gate.phase is Phase.RESTING
    story.dead_pins = False
    story.after(s=2.9)
    assert story.gate.phase is Phase.RESTING
    assert story.after(s=0.2).is_warning
    story.until_is(State.OPEN)


def test_a_stop_holds_an_emergency_where_it_is() -> None:
    story = story_of().officer_says(Command.EMERGENCY_OPEN).after(s=3.0).officer_says(Command.STOP).after(s=20.0)
    assert (story.state, story.gate.mode) == (State.STOPPED, Mode.EMERGENCY_OPEN)
    assert story.outcome(1) is Code.STOPPED


def test_an_emergency_goes_on_with_an_opening_that_is_under_way() -> None:
    story = story_of().officer_says(Command.OPEN).after(s=3.0).officer_says(Command.EMERGENCY_OPEN).after(s=0.1)
    assert story.opening_drive
    assert story.outcome(1) is Code.SUPERSEDED
    story.until_is(State.OPEN)
    assert story.outcome(2) == "done"
    assert len(energised(story)) == 1


def test_an_emergency_at_an_open_gate_is_done() -> None:
    story = open_gate().officer_says(Command.EMERGENCY_OPEN)
    assert story.outcome(1) == "done"
    story.after(s=10.0)
    assert not energised(story)
    assert not story.gate.standing.pursued


def test_an_emergency_is_refused_where_nothing_can_move() -> None:
    locked = story_of(kept=Kept(troubles=(Code.RELAY_CONFLICT,))).officer_says(Command.EMERGENCY_OPEN)
    assert refusal(locked) is Code.HARD_LOCK
    released = story_of().sensor_says(release=True).after(s=0.1).officer_says(Command.EMERGENCY_OPEN)
    assert refusal(released) is Code.RELEASED
    silent = story_of().keeper_falls_silent().after(s=1.5).officer_says(Command.EMERGENCY_OPEN)
    assert refusal(silent) is Code.KEEPER_DOWN
    assert {s.gate.standing.mode for s in (locked, released, silent)} == {Mode.NORMAL}


def test_the_emergency_input_is_not_obeyed_where_nothing_can_move() -> None:
    """I10: a hard lock, a released leaf, somebody at the cabinet."""
    locked = story_of(kept=Kept(troubles=(Code.RELAY_CONFLICT,))).sensor_says(emergency=True).after(s=5.0)
    released = story_of().sensor_says(release=True).after(s=0.1).sensor_says(emergency=True).after(s=5.0)
    assert {s.gate.standing.mode for s in (locked, released)} == {Mode.NORMAL}
    assert not energised(locked)
    assert not energised(released)


# ------------------------------------------------------------------------------------- maintenance and release


def test_hold_to_run_at_the_cabinet_moves_only_while_the_button_is_held() -> None:
    story = story_of().sensor_says(maintenance=True).after(s=0.2)
    assert story.gate.mode is Mode.MAINTENANCE
    story.sensor_says(open_button=True).after(s=2.0)
    assert story.opening_drive
    assert story.gate.target is None
    assert not story.sensor_says(open_button=False).after(s=0.05).pins
    assert story.after(s=2.0).state is State.STOPPED
    assert (causes(story), whys(story)) == (["button held"], ["button"])
    story.sensor_says(close_button=True).until_is(State.CLOSED).after(s=0.1)
    assert whys(story) == ["button", "limit"]


def test_hold_to_run_stops_at_its_limit() -> None:
    """I3."""
    story = story_of().sensor_says(maintenance=True).after(s=0.2).sensor_says(open_button=True).until_is(State.OPEN)
    story.after(s=5.0)
    assert len(energised(story)) == 1
    assert not story.pins


def test_the_buttons_at_the_cabinet_do_nothing_without_the_key() -> None:
    story = story_of().sensor_says(open_button=True).after(s=3.0)
    assert not energised(story)


def test_a_button_that_was_held_when_the_key_was_turned_moves_nothing() -> None:
    story = story_of().sensor_says(open_button=True).after(s=0.2).sensor_says(maintenance=True).after(s=3.0)
    assert not energised(story)


def test_turning_the_key_back_stops_what_the_button_holds() -> None:
    story = story_of().sensor_says(maintenance=True).after(s=0.2).sensor_says(open_button=True).after(s=2.0)
    story.sensor_says(maintenance=False).after(s=0.1)
    assert not story.pins
    assert story.gate.mode is Mode.NORMAL


def test_no_command_moves_the_gate_while_somebody_works_on_it() -> None:
    story = story_of().sensor_says(maintenance=True).after(s=0.2)
    for command in (Command.OPEN, Command.HOLD_OPEN, Command.EMERGENCY_OPEN, Command.LOCKDOWN):
        assert refusal(story.officer_says(command)) is Code.MAINTENANCE
    story.sensor_says(emergency=True, exit_loop=True).timetable_wants(State.OPEN).after(s=5.0)
    assert not energised(story)


def test_the_key_ends_a_move_that_is_under_way_and_whatever_was_to_come() -> None:
    story = story_of().officer_says(Command.OPEN).after(s=2.0).sensor_says(maintenance=True).after(s=0.1)
    assert not story.pins
    assert story.outcome(1) is Code.MAINTENANCE
    other = open_gate(replace(SITE, auto_close_s=20.0))
    other.timetable_wants(State.CLOSED).after(s=1.0).sensor_says(maintenance=True).after(s=0.1)
    other.sensor_says(maintenance=False).after(s=120.0)
    assert not energised(other)


@pytest.mark.parametrize("sensor", ["beam", "edge", "estop"])
def test_hold_to_run_does_not_start_into_danger(sensor: str) -> None:
    """I4, I10: seen by the exhaustive check; for one sample the relay was ordered on."""
    story = open_gate().sensor_says(maintenance=True, **{sensor: True}).after(s=0.3)
    story.sensor_says(close_button=True)
    story.until(lambda s: Sensor.CLOSE_BUTTON in s.gate.senses.active)
    assert story.outputs.relay is None
    assert not energised(story.after(s=3.0))


def test_the_beam_and_the_edge_stop_hold_to_run_and_nothing_reverses() -> None:
    """I4, I5."""
    for sensor in ("beam", "edge"):
        story = open_gate().sensor_says(maintenance=True).after(s=0.2).sensor_says(close_button=True).after(s=3.0)
        assert not story.sensor_says(**{sensor: True}).after(s=0.02).pins
        story.after(s=5.0)
        assert len(energised(story)) == 1
        assert Kind.REVERSED not in story.kinds()


def test_pulling_the_manual_release_drops_everything_and_nothing_is_known() -> None:
    story = story_of().officer_says(Command.OPEN).after(s=3.0).sensor_says(release=True).after(s=0.02)
    assert not story.pins
    story.after(s=0.5)
    assert (story.gate.mode, story.state) == (Mode.RELEASED, State.UNKNOWN)
    assert story.outcome(1) is Code.RELEASED
    assert story.fact(Kind.MODE_CHANGED).data["to"] == "released"


def test_a_released_gate_is_unknown_until_a_limit_is_seen_anew() -> None:
    """I8: and no alarm is raised for a leaf that people push on purpose."""
    story = story_of().sensor_says(release=True).after(s=0.1)
    assert story.state is State.UNKNOWN
    assert story.after(s=5.0).state is State.UNKNOWN, "an old proof is no proof"
    story.yard.leaf = 0.5
    story.after(s=1.0)
    story.yard.leaf = 1.0
    assert story.after(s=0.2).state is State.OPEN
    story.yard.leaf = 0.4
    assert story.after(s=0.2).state is State.UNKNOWN
    assert not story.alarms


def test_when_the_release_is_locked_again_the_limits_count() -> None:
    story = story_of().sensor_says(release=True).after(s=1.0).sensor_says(release=False).after(s=0.15)
    assert story.gate.mode is Mode.RELEASED, "a safety input clears after 200 ms"
    story.after(s=0.15)
    assert (story.gate.mode, story.state) == (Mode.NORMAL, State.CLOSED)


def test_a_released_gate_returns_to_the_mode_that_was_asked_for() -> None:
    story = story_of().officer_says(Command.LOCKDOWN).sensor_says(release=True).after(s=1.0)
    assert story.gate.mode is Mode.RELEASED
    assert story.sensor_says(release=False).after(s=0.5).gate.mode is Mode.LOCKDOWN
    assert refusal(story.officer_says(Command.OPEN)) is Code.LOCKED_DOWN


def test_a_release_during_an_emergency_ends_with_the_gate_opening() -> None:
    """I11."""
    story = story_of().officer_says(Command.EMERGENCY_OPEN).after(s=3.0).sensor_says(release=True).after(s=2.0)
    story.sensor_says(release=False).until_is(State.OPEN)


def test_the_release_counts_before_the_key() -> None:
    story = story_of().sensor_says(release=True, maintenance=True).after(s=0.2)
    assert story.gate.mode is Mode.RELEASED
    assert story.sensor_says(release=False).after(s=0.4).gate.mode is Mode.MAINTENANCE
