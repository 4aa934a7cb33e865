"""Stories of what people must be told of: force, tampering, the cabinet, reminders, the siren, the lights."""

from __future__ import annotations

from dataclasses import replace

import pytest

from gate.memory import Kept
from gate.model import Alarm, Code, Command, Health, Kind, Mode, State
from gate.world import Yard
from tests.gate.sites import SITE, TIMING, energised, open_gate, refusal, story_of
from tests.story import Story


def raised(story: Story, alarm: Alarm) -> list[int]:
    """Return the reminder numbers with which an alarm was told, in order."""
    told = [fact.data for fact in story.facts if fact.kind is Kind.ALARM_RAISED and fact.data["alarm"] is alarm]
    return [int(str(data["reminder"])) for data in told]


# -------------------------------------------------------------------------------------------------- forced open


def test_a_gate_that_is_forced_open_is_told_within_300_ms_and_the_siren_sounds() -> None:
    story = story_of()
    story.yard.leaf = 0.3
    began_s = story.now_s
    story.until(lambda s: Alarm.FORCED_OPEN in s.alarms, within_s=0.3)
    assert story.now_s - began_s <= 0.3
    assert story.outputs.siren
    assert story.fact(Kind.ALARM_RAISED).data["why"] == "limit_lost"
    story.after(s=60.0)
    assert not energised(story), "no closing by itself"


def test_somebody_who_pushes_the_leaf_open_is_noticed_as_soon_as_the_limit_is_lost() -> None:
    """From the plant: the leaf dragged over its brake."""
    story = story_of(replace(SITE, auto_close_s=10.0)).something("push", "open")
    story.until(lambda s: not s.yard.sensors()["limit_closed"], within_s=5.0)
    story.until(lambda s: Alarm.FORCED_OPEN in s.alarms, within_s=0.3)
    assert story.state is State.UNKNOWN


def test_a_forced_gate_cancels_what_was_to_come() -> None:
    story = story_of().officer_says(Command.LOCKDOWN)
    story.yard.leaf = 0.4
    story.after(s=200.0)
    assert not energised(story)
    assert story.gate.mode is Mode.LOCKDOWN


def test_an_opening_that_was_ordered_is_no_force() -> None:
    story = story_of().officer_says(Command.OPEN).until_is(State.OPEN).after(s=5.0)
    assert not story.alarms


def test_a_closed_gate_that_is_forced_two_seconds_later_is() -> None:
    story = open_gate().officer_says(Command.CLOSE).until_is(State.CLOSED).after(s=2.5)
    story.yard.leaf = 0.08
    assert Alarm.FORCED_OPEN in story.after(s=0.3).alarms


def test_a_warning_does_not_hide_a_leaf_that_is_forced() -> None:
    story = story_of().officer_says(Command.EMERGENCY_OPEN).after(s=0.2)
    story.yard.leaf = 0.2
    assert Alarm.FORCED_OPEN in story.after(s=0.3).alarms


@pytest.mark.parametrize("key", ["release", "maintenance"])
def test_nobody_is_alarmed_by_a_leaf_that_people_move_on_purpose(key: str) -> None:
    story = story_of().sensor_says(**{key: True}).after(s=0.5)
    story.yard.leaf = 0.5
    assert not story.after(s=1.0).alarms


def test_an_open_gate_that_leaves_its_limit_by_itself_is_a_tampered_drive() -> None:
    """Commanded and did not move, or the opposite limit left."""
    story = open_gate()
    story.yard.leaf = 0.6
    story.after(s=0.3)
    assert story.alarms == [Alarm.TAMPERED_DRIVE]
    assert not story.outputs.siren, "the siren is for what the site says"


def test_a_leaf_that_does_not_move_when_commanded_is_a_tampered_drive() -> None:
    """I15: one retry, then people are told."""
    story = story_of().something("motor", "dead").officer_says(Command.OPEN).after(s=3.1)
    assert story.outcome(1) == "under way"
    assert not story.alarms
    story.after(s=3.8)
    assert (story.outcome(1), story.alarms) == (Code.STUCK, [Alarm.TAMPERED_DRIVE])
    assert story.fact(Kind.ALARM_RAISED).data["why"] == "no_motion"
    assert story.fact(Kind.ALARM_RAISED).data["command_id"] == "c1"
    assert len(energised(story)) == 2
    assert story.state is State.CLOSED


# --------------------------------------------------------------------------------------------------- beam tamper


def test_a_covered_beam_at_a_closed_gate_is_told_after_20_seconds() -> None:
    story = story_of().car_breaks_the_beam().after(s=19.8)
    assert not story.alarms
    story.after(s=0.5)
    assert story.alarms == [Alarm.BEAM_TAMPER]
    assert not story.outputs.siren


def test_a_beam_that_was_clear_in_between_begins_anew() -> None:
    story = story_of().car_breaks_the_beam().after(s=15.0).beam_clears().after(s=1.0).car_breaks_the_beam()
    assert not story.after(s=15.0).alarms


def test_a_car_in_an_open_gateway_is_no_tamper() -> None:
    story = open_gate().car_breaks_the_beam().after(s=100.0)
    assert not story.alarms


def test_a_beam_stays_told_until_it_is_clear_and_is_told_again_afterwards() -> None:
    story = story_of().car_breaks_the_beam().after(s=25.0).officer_says(Command.ACKNOWLEDGE).after(s=60.0)
    assert not story.alarms, "acknowledged: the same cover is not told again"
    story.beam_clears().after(s=1.0).car_breaks_the_beam().after(s=21.0)
    assert story.alarms == [Alarm.BEAM_TAMPER]


def test_the_site_says_how_long_a_beam_may_be_covered() -> None:
    story = story_of(timing=replace(TIMING, beam_tamper_s=60.0)).car_breaks_the_beam().after(s=59.0)
    assert not story.alarms
    assert story.after(s=2.0).alarms == [Alarm.BEAM_TAMPER]


# ------------------------------------------------------------------------------------------------------ cabinet


def test_an_open_cabinet_is_told_unless_somebody_maintains_it() -> None:
    story = story_of().sensor_says(cabinet=True).after(s=0.2)
    assert story.alarms == [Alarm.CABINET_OPEN]
    quiet = story_of().sensor_says(maintenance=True).after(s=0.2).sensor_says(cabinet=True).after(s=20.0)
    assert not quiet.alarms
    quiet.sensor_says(maintenance=False).after(s=0.2)
    assert quiet.alarms == [Alarm.CABINET_OPEN], "the key is gone and the door still open"


def test_a_cabinet_is_told_once_for_each_time_it_is_opened() -> None:
    story = story_of().sensor_says(cabinet=True).after(s=1.0).officer_says(Command.ACKNOWLEDGE).after(s=30.0)
    assert not story.alarms
    story.sensor_says(cabinet=False).after(s=1.0).sensor_says(cabinet=True).after(s=0.2)
    assert story.alarms == [Alarm.CABINET_OPEN]


# --------------------------------------------------------------------------- reminders, acknowledging, the siren


def test_people_are_reminded_until_somebody_acknowledges() -> None:
    story = story_of().sensor_says(cabinet=True).after(s=299.0)
    assert raised(story, Alarm.CABINET_OPEN) == [0]
    story.after(s=2.0)
    assert raised(story, Alarm.CABINET_OPEN) == [0, 1]
    story.after(s=600.0)
    assert raised(story, Alarm.CABINET_OPEN) == [0, 1, 2, 3]
    reminder = story.fact(Kind.ALARM_RAISED)
    first = next(fact for fact in story.facts if fact.kind is Kind.ALARM_RAISED)
    assert reminder.data["id"] == first.data["id"], "the same alarm"
    assert reminder.by.id == "watch"
    story.officer_says(Command.ACKNOWLEDGE).after(s=600.0)
    assert raised(story, Alarm.CABINET_OPEN) == [0, 1, 2, 3]


def test_a_reminder_says_what_the_alarm_said() -> None:
    story = story_of()
    story.yard.leaf = 0.3
    story.after(s=301.0)
    assert story.fact(Kind.ALARM_RAISED).data["why"] == "limit_lost"
    assert story.fact(Kind.ALARM_RAISED).data["reminder"] == 1


def test_after_a_long_silence_people_are_reminded_once() -> None:
    story = story_of().sensor_says(cabinet=True).after(s=1.0).keeper_falls_silent().after(s=1000.0)
    story.keeper_speaks_again().after(s=1.0)
    assert raised(story, Alarm.CABINET_OPEN) == [0, 3]


def test_a_site_may_want_no_reminders() -> None:
    story = story_of(timing=replace(TIMING, remind_s=0.0)).sensor_says(cabinet=True).after(s=700.0)
    assert raised(story, Alarm.CABINET_OPEN) == [0]


def test_acknowledging_names_every_alarm_and_who_did_it() -> None:
    story = story_of().sensor_says(cabinet=True, estop=True).after(s=0.3)
    assert set(story.alarms) == {Alarm.FAULT, Alarm.CABINET_OPEN}
    story.officer_says(Command.ACKNOWLEDGE)
    told = [fact for fact in story.facts if fact.kind is Kind.ALARM_ACKNOWLEDGED]
    assert {str(fact.data["alarm"]) for fact in told} == {"fault", "cabinet_open"}
    assert {fact.by.id for fact in told} == {"u1"}
    assert {fact.data["id"] for fact in told} == {
        fact.data["id"] for fact in story.facts if fact.kind is Kind.ALARM_RAISED
    }
    assert story.alarms == []
    assert story.outcome(1) == "done"
    assert story.health is Health.ESTOP, "to know of a fault is not to mend it"


def test_acknowledging_nothing_is_done() -> None:
    story = story_of().officer_says(Command.ACKNOWLEDGE)
    assert story.outcome(1) == "done"
    assert Kind.ALARM_ACKNOWLEDGED not in story.kinds()


def test_alarms_end_only_by_a_person() -> None:
    """Not when the cause is over, not by a restart."""
    story = story_of()
    story.yard.leaf = 0.3
    story.after(s=1.0)
    story.yard.leaf = 0.0
    story.after(s=100.0)
    assert story.alarms == [Alarm.FORCED_OPEN]
    story.power_comes_back().after(s=5.0)
    assert story.alarms == [Alarm.FORCED_OPEN]
    assert raised(story, Alarm.FORCED_OPEN) == [0], "a restart does not raise it again"


def test_an_alarm_that_survived_a_restart_is_still_reminded_of() -> None:
    story = story_of(kept=Kept(alarms=(Alarm.LEFT_OPEN,))).after(s=301.0)
    assert raised(story, Alarm.LEFT_OPEN) == [1]


def test_the_siren_sounds_for_three_minutes_at_the_most() -> None:
    story = story_of()
    story.yard.leaf = 0.3
    story.after(s=179.0)
    assert story.outputs.siren
    assert not story.after(s=2.0).outputs.siren
    assert story.alarms == [Alarm.FORCED_OPEN], "silence is no acknowledgement"


@pytest.mark.parametrize("command", [Command.SIREN_OFF, Command.ACKNOWLEDGE])
def test_any_officer_silences_the_siren(command: Command) -> None:
    story = story_of()
    story.yard.leaf = 0.3
    story.after(s=1.0).officer_says(command)
    assert not story.outputs.siren
    assert (story.alarms == []) is (command is Command.ACKNOWLEDGE)
    assert not story.after(s=10.0).outputs.siren


def test_the_same_alarm_does_not_sound_the_siren_twice_while_it_waits() -> None:
    story = story_of()
    story.yard.leaf = 0.3
    story.after(s=1.0).officer_says(Command.SIREN_OFF)
    story.yard.leaf = 0.0
    story.after(s=5.0)
    story.yard.leaf = 0.3
    story.after(s=1.0)
    assert not story.outputs.siren
    assert raised(story, Alarm.FORCED_OPEN) == [0]


def test_the_site_says_what_the_siren_is_for() -> None:
    story = story_of(replace(SITE, siren_for=frozenset({Alarm.CABINET_OPEN})))
    story.yard.leaf = 0.3
    assert not story.after(s=1.0).outputs.siren
    assert story.sensor_says(cabinet=True).after(s=0.5).outputs.siren


def test_an_alarm_that_the_siren_is_not_for_does_not_end_one_that_sounds() -> None:
    story = story_of()
    story.yard.leaf = 0.3
    story.after(s=1.0).sensor_says(cabinet=True).after(s=100.0)
    assert story.outputs.siren
    story.after(s=81.0)
    assert not story.outputs.siren


# --------------------------------------------------------------------------------------------------- the lights


def test_the_lamp_is_on_while_something_moves_or_is_about_to() -> None:
    story = story_of()
    assert not story.outputs.lamp
    story.officer_says(Command.OPEN).after(s=1.0)
    assert (story.outputs.lamp, story.outputs.buzzer) == (True, False)
    story.until_is(State.OPEN).after(s=0.1)
    assert not story.outputs.lamp


def test_the_courtesy_light_stays_on_for_a_minute_after_a_move() -> None:
    story = story_of().officer_says(Command.OPEN).after(s=1.0)
    assert story.outputs.light
    story.until_is(State.OPEN).after(s=59.0)
    assert story.outputs.light
    assert not story.after(s=2.0).outputs.light


def test_a_site_may_want_no_courtesy_light() -> None:
    story = story_of(timing=replace(TIMING, courtesy_s=0.0)).officer_says(Command.OPEN).after(s=1.0)
    assert not story.outputs.light
    assert not story.until_is(State.OPEN).after(s=1.0).outputs.light


def test_an_officer_switches_the_light() -> None:
    story = story_of().officer_says(Command.LIGHT_ON).after(s=3600.0)
    assert story.outputs.light
    assert not story.officer_says(Command.LIGHT_OFF).outputs.light
    story.officer_says(Command.OPEN).until_is(State.OPEN).after(s=1.0).officer_says(Command.LIGHT_OFF)
    assert not story.outputs.light, "also the courtesy light"


def test_the_siren_is_switched_off_and_on_without_touching_the_light() -> None:
    story = story_of().officer_says(Command.LIGHT_ON).officer_says(Command.SIREN_ON).officer_says(Command.LIGHT_OFF)
    assert (story.outputs.siren, story.outputs.light) == (True, False)
    story.officer_says(Command.LIGHT_ON).officer_says(Command.SIREN_OFF)
    assert (story.outputs.siren, story.outputs.light) == (False, True)
    assert [story.outcome(number) for number in range(1, 6)] == ["done"] * 5
    silent = story_of().keeper_falls_silent().after(s=1.5).officer_says(Command.LIGHT_ON)
    assert refusal(silent) is Code.KEEPER_DOWN


# ---------------------------------------------------------------------------------------------------- the power


def test_mains_that_fail_and_come_back_are_told() -> None:
    story = story_of().sensor_says(mains_lost=True).after(s=0.2)
    assert (story.health, story.gate.troubles) == (Health.DEGRADED, (Code.MAINS_LOST,))
    story.officer_says(Command.OPEN).until_is(State.OPEN)
    story.sensor_says(mains_lost=False).after(s=0.2)
    assert story.health is Health.OK
    told = [(fact.data["from"], fact.data["to"]) for fact in story.facts if fact.kind is Kind.HEALTH_CHANGED]
    assert told == [("ok", "degraded"), ("degraded", "ok")]


def test_power_that_is_cut_is_seen_through_the_yard() -> None:
    story = Story(site=SITE, yard=Yard()).after(s=2.6).something("power", "cut").after(s=0.3)
    assert story.gate.troubles == (Code.MAINS_LOST,)


def test_troubles_are_told_worst_first() -> None:
    story = story_of().sensor_says(mains_lost=True, battery_low=True).after(s=0.2).sensor_says(estop=True).after(s=0.2)
    assert story.gate.troubles == (Code.ESTOP, Code.BATTERY_LOW, Code.MAINS_LOST)
    assert story.fact(Kind.HEALTH_CHANGED).data["reasons"] == ["estop", "battery_low", "mains_lost"]
    assert story.sensor_says(battery_low=False).after(s=0.2).gate.troubles == (Code.ESTOP, Code.MAINS_LOST)


def test_a_gate_that_should_be_closed_and_stands_open_is_told_of_once() -> None:
    """What was to close it was given up: nothing closes by itself then, so people must know."""
    story = Story(site=replace(SITE, auto_close_s=20.0))
    story.gate_is(State.OPEN).after(s=story.timing.left_open_s - 10.0)
    assert story.alarms == []
    story.after(s=20.0)
    assert story.alarms == [Alarm.LEFT_OPEN]
    story.officer_says(Command.ACKNOWLEDGE).after(s=700.0)
    assert story.alarms == []


def test_a_gate_that_may_stand_open_is_no_alarm() -> None:
    story = Story(site=replace(SITE, auto_close_s=20.0))
    story.gate_is(State.OPEN).timetable_wants(State.OPEN).after(s=700.0)
    assert story.alarms == []


def test_an_emergency_that_can_not_be_obeyed_is_told() -> None:
    """Somebody pressed the button, and the leaf is released by hand."""
    story = Story().gate_is(State.CLOSED).something("release", "on").after(s=0.5)
    story.sensor_says(emergency=True).after(s=0.2)
    assert story.alarms == [Alarm.FAULT]
    assert story.gate.mode is Mode.RELEASED


def test_a_reset_lets_a_slow_drive_be_learned_anew() -> None:
    learned = Kept(open_s=(6.0, 6.0, 6.0), close_s=(6.0, 6.0, 6.0))
    story = Story(kept=learned).gate_is(State.CLOSED).officer_says(Command.OPEN).after(s=10.0)
    assert Code.SLOW in story.gate.troubles
    story.officer_says(Command.RESET)
    assert story.gate.learned.open_s == ()
    assert story.gate.troubles == ()


def test_a_leaf_that_is_forced_open_right_after_it_closed_is_told_at_once() -> None:
    """Whoever waits for the gate to close and pulls at it gains no two seconds."""
    story = open_gate().officer_says(Command.CLOSE).until_is(State.CLOSED).after(s=0.3)
    story.yard.leaf = 0.3
    began_s = story.now_s
    story.until(lambda s: Alarm.FORCED_OPEN in s.alarms, within_s=0.3)
    assert story.now_s - began_s <= 0.3


def test_a_leaf_that_coasts_off_its_limit_after_a_stop_is_no_alarm() -> None:
    story = story_of().officer_says(Command.OPEN)
    story.until(lambda s: not s.limits).officer_says(Command.STOP).after(s=3.0)
    assert story.alarms == []


# ------------------------------------------------------------------------------------------------------- camera


def test_a_camera_that_can_not_be_believed_is_told_once_and_again_only_after_it_saw() -> None:
    story = story_of().camera_says("covered").after(s=1.0).camera_says("moved")
    assert story.alarms == [Alarm.CAMERA_BLIND]
    assert story.fact(Kind.ALARM_RAISED).data["why"] == "covered"
    story.officer_says(Command.ACKNOWLEDGE).camera_says("covered").after(s=1.0)
    assert story.alarms == [], "it is acknowledged and still covered"
    story.camera_says().camera_says("gone")
    assert story.alarms == [Alarm.CAMERA_BLIND]


def test_a_blind_camera_moves_nothing_and_forbids_nothing() -> None:
    story = open_gate().officer_says(Command.CLOSE).after(s=7.0).camera_says("frozen").until_is(State.CLOSED)
    story.officer_says(Command.OPEN).until_is(State.OPEN)
    assert story.alarms == [Alarm.CAMERA_BLIND]


def test_a_blind_camera_sounds_the_siren_where_the_site_asks_for_it() -> None:
    site = replace(SITE, siren_for=frozenset({Alarm.CAMERA_BLIND}))
    assert story_of(site).camera_says("covered").after(s=0.1).outputs.siren


def test_a_camera_alarm_survives_a_restart_and_is_not_told_twice() -> None:
    story = Story(kept=Kept(alarms=(Alarm.CAMERA_BLIND,))).gate_is(State.CLOSED).camera_says("covered")
    assert story.alarms == [Alarm.CAMERA_BLIND]
    assert raised(story, Alarm.CAMERA_BLIND) == []
