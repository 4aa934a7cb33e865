"""Stories of what is done about a leaf once samples come again: nobody saw it meanwhile."""

from __future__ import annotations

from dataclasses import replace

import pytest

from gate import machine, steps
from gate.memory import Gate, Kept, Pending, Phase
from gate.model import Alarm, Command, Direction, Drive, Mode, Relay, Sensor, State
from tests.gate.sites import SITE, causes, energised, open_gate, story_of, whys, with_drive
from tests.story import Story

MOMENTARY = with_drive(Drive.MOMENTARY)


def _closing(moment_s: float) -> Story:
    return open_gate(MOMENTARY).officer_says(Command.CLOSE).after(s=moment_s)


@pytest.mark.parametrize("moment_s", [0.15, 0.3, 0.6, 2.5])
def test_a_board_that_ran_through_a_silence_is_told_to_stop(moment_s: float) -> None:
    """I4: the board closes by itself, and what breaks the beam would be nobody's concern any more."""
    story = _closing(moment_s).keeper_falls_silent().after(s=0.35).keeper_speaks_again().after(s=0.3)
    assert story.yard.motor is None
    assert (energised(story)[-1], causes(story)[-1]) == (Relay.STOP, "stop")
    story.after(s=5.0)
    assert (story.state, story.yard.motor, story.pins) == (State.UNKNOWN, None, frozenset())


def test_a_keeper_that_died_under_a_closing_board_is_followed_by_a_stop() -> None:
    story = _closing(2.0).keeper_dies(for_s=0.4)
    assert story.yard.motor is Direction.CLOSE, "nobody holds the lines"
    assert story.after(s=0.3).yard.motor is None


def test_a_silence_in_the_middle_of_a_stop_presses_it_again() -> None:
    story = _closing(2.0)
    story.dead_pins = True
    story.officer_says(Command.STOP).after(s=0.02).keeper_falls_silent().after(s=0.4)
    assert story.yard.motor is Direction.CLOSE, "the press never came"
    story.dead_pins = False
    story.keeper_speaks_again().after(s=1.5)
    assert story.yard.speed == 0.0
    assert not story.pins


def test_a_board_that_stood_through_a_silence_is_pressed_for_nothing() -> None:
    story = open_gate(MOMENTARY).keeper_falls_silent().after(s=2.0).keeper_speaks_again().after(s=3.0)
    assert energised(story) == []


@pytest.mark.parametrize(("leaf", "alarm"), [(0.0, Alarm.FORCED_OPEN), (1.0, Alarm.TAMPERED_DRIVE)])
def test_a_leaf_that_was_moved_while_the_keeper_was_gone_is_an_alarm(leaf: float, alarm: Alarm) -> None:
    story = story_of(leaf=leaf).keeper_dies(for_s=0.2)
    story.yard.leaf = 0.5
    assert story.after(s=0.4).alarms == [], "not before the lines have settled"
    assert story.after(s=0.3).alarms == [alarm]
    story.officer_says(Command.ACKNOWLEDGE).after(s=30.0)
    assert story.alarms == [], "once"


def test_a_leaf_that_stands_where_it_stood_is_no_alarm() -> None:
    story = story_of().keeper_dies(for_s=0.2).after(s=0.2).keeper_dies(for_s=0.2).after(s=5.0)
    assert (story.state, story.alarms) == (State.CLOSED, [])


def test_a_leaf_that_is_pulled_open_by_its_release_meanwhile_is_no_alarm() -> None:
    story = story_of().keeper_dies(for_s=0.2).something("release", "on")
    story.yard.leaf = 0.5
    assert story.after(s=5.0).alarms == []


def test_a_move_into_a_silence_is_no_alarm() -> None:
    story = story_of().officer_says(Command.OPEN).after(s=2.0).keeper_dies().after(s=5.0)
    assert (story.state, story.alarms) == (State.UNKNOWN, [])


def test_a_beam_that_was_freed_before_the_restart_is_watched_again() -> None:
    """An alarm that was kept does not hide the next one."""
    story = story_of(kept=Kept(alarms=(Alarm.BEAM_TAMPER,))).officer_says(Command.ACKNOWLEDGE).after(s=1.0)
    assert story.alarms == []
    assert story.car_breaks_the_beam().after(s=25.0).alarms == [Alarm.BEAM_TAMPER]


def test_a_beam_that_is_covered_all_the_time_is_told_once_over_a_restart() -> None:
    story = Story(site=with_drive(Drive.HELD), kept=Kept(alarms=(Alarm.BEAM_TAMPER,))).car_breaks_the_beam()
    story.after(s=3.0).officer_says(Command.ACKNOWLEDGE).after(s=60.0)
    assert story.alarms == []


def test_an_emergency_button_that_is_pressed_in_a_silence_is_obeyed_after_it() -> None:
    """I11: it was seen to be free before, so this is no wire that was active at power-up (I7)."""
    story = story_of().keeper_dies(for_s=0.3).something("input", "emergency", "on")
    story.until_is(State.OPENING, within_s=3.0)
    assert story.gate.mode is Mode.EMERGENCY_OPEN


def test_an_emergency_button_that_was_pressed_all_the_time_orders_nothing_after_a_silence() -> None:
    story = Story(site=SITE).something("input", "emergency", "on").after(s=3.0).keeper_dies(for_s=1.2).after(s=5.0)
    assert (story.gate.mode, story.state) == (Mode.NORMAL, State.CLOSED)


def test_an_emergency_button_that_is_stuck_at_power_up_orders_nothing_however_late_the_keeper_is() -> None:
    story = Story(site=SITE).something("input", "emergency", "on").keeper_falls_silent().after(s=2.0)
    story.keeper_speaks_again().after(s=5.0)
    assert (story.gate.mode, story.state) == (Mode.NORMAL, State.CLOSED)


# ------------------------------------------------------------------------------------- what a silence leaves behind


def _silent(story: Story, *, gone: bool = True) -> Gate:
    at_s = story.now_s if gone else machine.deadline(story.gate, story.site)
    story.take(machine.expire(story.gate, at_s, story.site, keeper_is_gone=gone))
    return story.gate


def test_a_drive_that_ran_into_a_silence_was_switched_off_by_it() -> None:
    story = story_of().officer_says(Command.OPEN).after(s=2.0)
    motion = _silent(story).motion
    assert (motion.phase, motion.move, motion.on_s) == (Phase.SETTLING, None, story.now_s)
    assert (motion.runs_on, motion.belief) == (False, frozenset())
    story.pins = frozenset()
    assert whys(story.after(s=0.1)) == ["silence"]


def test_while_nobody_sees_the_pin_the_relay_may_be_on() -> None:
    """I2: the dead time counts from the newest moment at which it may have been."""
    story = story_of().officer_says(Command.OPEN).after(s=2.0)
    _silent(story)
    story.now_s = machine.deadline(story.gate, story.site)
    assert _silent(story).motion.on_s == story.now_s


def test_a_move_that_was_about_to_start_may_have_started() -> None:
    story = open_gate().officer_says(Command.CLOSE, sighted=False).after(s=1.0)
    assert story.is_warning
    assert _silent(story).motion.on_s == story.now_s


def test_a_gate_at_rest_did_not_run() -> None:
    assert _silent(story_of()).motion.on_s is None


def test_an_operators_board_is_not_pressed_in_a_silence_and_runs_on_through_a_second_one() -> None:
    story = _closing(2.0)
    ordered = story.gate.motion.ordered
    motion = _silent(story).motion
    assert (motion.runs_on, motion.ordered) == (True, ordered)
    story.now_s = machine.deadline(story.gate, story.site)
    assert _silent(story).motion.runs_on


def test_after_a_silence_a_step_operator_may_be_doing_anything() -> None:
    assert _silent(story_of(with_drive(Drive.STEP, "open_close"))).motion.belief == steps.ALL


def test_a_site_without_beam_and_edge_takes_neither_for_active_after_a_silence() -> None:
    site = replace(SITE, sensors=frozenset({Sensor.LIMIT_OPEN, Sensor.LIMIT_CLOSED}))
    assert _silent(story_of(site)).senses.active == frozenset()


@pytest.mark.parametrize(
    ("direction", "gone", "waits"),
    [
        (Direction.CLOSE, False, True),
        (Direction.CLOSE, True, False),
        (Direction.OPEN, False, False),
        (Direction.OPEN, True, False),
    ],
)
def test_what_waits_begins_its_waiting_anew_after_a_silence(direction: Direction, gone: bool, waits: bool) -> None:  # noqa: FBT001 - a table
    """I7: an opening does not wait, and nothing outlives a keeper."""
    story = open_gate()
    pending = Pending(direction=direction, why="timetable", due_s=story.now_s + 30.0)
    story.gate = replace(story.gate, pending=pending)
    assert _silent(story, gone=gone).pending == (replace(pending, due_s=None) if waits else None)


def test_the_lamp_is_on_while_a_stop_is_pressed() -> None:
    story = _closing(2.0).officer_says(Command.STOP).after(s=0.02)
    assert (story.gate.move, story.gate.phase) == (None, Phase.HALTING)
    assert story.outputs.lamp


@pytest.mark.parametrize(("courtesy_s", "light"), [(0.5, True), (0.0, False)])
def test_the_courtesy_light_is_on_during_a_move_already(courtesy_s: float, light: bool) -> None:  # noqa: FBT001 - a table
    site = replace(SITE, timing=replace(SITE.timing, courtesy_s=courtesy_s))
    assert story_of(site).officer_says(Command.OPEN).after(s=1.0).outputs.light is light
