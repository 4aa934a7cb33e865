"""Stories of what is in the way: beam, safety edge, emergency stop, and locks after too much of it."""

from __future__ import annotations

from dataclasses import replace

import pytest

from gate.memory import Kept, Phase
from gate.model import Alarm, Code, Command, Health, Kind, Relay, Sensor, State
from tests.gate.sites import SITE, TIMING, causes, energised, open_gate, refusal, reversed_closings, story_of, whys
from tests.story import Story

# -------------------------------------------------------------------------------------------------- the edge


def test_a_touch_while_closing_reverses_for_one_second_and_stops() -> None:
    """I2, I5: off at once, dead time, back off, stand."""
    story = open_gate().officer_says(Command.CLOSE).after(s=3.0)
    assert not story.sensor_says(edge=True).after(s=0.01).pins
    story.sensor_says(edge=False).until(lambda s: s.opening_drive, within_s=0.7)
    began_s = story.now_s
    story.until(lambda s: not s.opening_drive, within_s=2.0)
    assert story.now_s - began_s == pytest.approx(TIMING.edge_reverse_s, abs=0.02)
    story.after(s=5.0)
    assert (story.state, story.outcome(1)) == (State.STOPPED, Code.OBSTRUCTED)
    assert whys(story) == ["edge", "backed off"]
    assert story.fact(Kind.OBSTRUCTED).data == {"by": "edge", "command_id": "c1"}
    assert story.fact(Kind.REVERSED).data == {"to": None, "command_id": "c1"}
    assert story.fact(Kind.DRIVE_ENERGISED).by.id == "edge"


def test_a_touch_while_opening_closes_for_one_second_and_stops() -> None:
    story = story_of().officer_says(Command.OPEN).after(s=3.0).sensor_says(edge=True).after(s=0.3)
    story.sensor_says(edge=False).until(lambda s: s.closing_drive, within_s=1.0)
    assert story.gate.target is None, "it only backs off"
    story.until(lambda s: not s.closing_drive, within_s=1.1).after(s=1.0)
    assert story.state is State.STOPPED


def test_backing_off_an_opening_does_not_close_onto_a_broken_beam() -> None:
    """I4."""
    story = story_of().officer_says(Command.OPEN).after(s=3.0).car_breaks_the_beam().sensor_says(edge=True)
    story.after(s=5.0)
    assert len(energised(story)) == 1
    assert story.state is State.STOPPED


def test_a_beam_broken_while_backing_off_towards_closed_stops() -> None:
    """I4, I5: opening again would run into what the edge has touched."""
    story = story_of().officer_says(Command.OPEN).after(s=3.0).sensor_says(edge=True).after(s=0.05)
    story.sensor_says(edge=False).until(lambda s: s.closing_drive, within_s=1.0).after(s=0.3)
    assert not story.car_breaks_the_beam().after(s=0.01).closing_drive
    assert not story.after(s=3.0).pins
    assert story.state is State.STOPPED


def test_a_second_touch_before_a_limit_locks_the_gate() -> None:
    """I10."""
    story = open_gate().officer_says(Command.CLOSE).after(s=2.0).sensor_says(edge=True).after(s=0.1)
    story.sensor_says(edge=False).after(s=3.0).officer_says(Command.CLOSE).after(s=1.0).sensor_says(edge=True)
    story.after(s=0.02)
    assert not story.pins
    assert story.gate.troubles == (Code.EDGE,)
    assert story.health is Health.HARD_LOCK
    assert Alarm.FAULT in story.alarms
    assert story.outcome(2) is Code.EDGE
    story.after(s=10.0)
    assert len(energised(story)) == 3, "close, back off, close, and nothing more"


def test_a_touch_during_the_reverse_locks_the_gate() -> None:
    """The reverse itself can crush: a second trip in the middle of it."""
    story = open_gate().officer_says(Command.CLOSE).after(s=3.0).sensor_says(edge=True).after(s=0.02)
    story.sensor_says(edge=False).until(lambda s: s.opening_drive, within_s=1.0).after(s=0.3)
    assert not story.sensor_says(edge=True).after(s=0.02).pins
    assert story.gate.troubles == (Code.EDGE,)


def test_an_edge_that_stays_pressed_is_backed_off_from_and_is_no_second_touch() -> None:
    story = open_gate().officer_says(Command.CLOSE).after(s=3.0).sensor_says(edge=True).after(s=5.0)
    assert whys(story) == ["edge", "backed off"]
    assert story.health is Health.OK
    assert refusal(story.officer_says(Command.CLOSE)) is Code.EDGE
    assert refusal(story.officer_says(Command.OPEN)) is Code.EDGE


def test_a_limit_that_was_reached_forgives_the_first_touch() -> None:
    story = open_gate().officer_says(Command.CLOSE).after(s=3.0).sensor_says(edge=True).after(s=0.1)
    story.sensor_says(edge=False).after(s=3.0).officer_says(Command.OPEN).until_is(State.OPEN).after(s=1.0)
    story.officer_says(Command.CLOSE).after(s=3.0).sensor_says(edge=True).after(s=0.1)
    assert story.health is Health.OK
    assert story.until(lambda s: s.opening_drive, within_s=1.0)


def test_an_edge_pressed_in_the_limit_starts_nothing_and_is_no_trip() -> None:
    story = story_of().sensor_says(edge=True).after(s=1.0)
    assert (story.gate.motion.trips, story.health) == (0, Health.OK)
    assert refusal(story.officer_says(Command.OPEN)) is Code.EDGE
    assert not energised(story)


def test_backing_off_ends_at_a_limit() -> None:
    """I3: a touch just before the end."""
    story = story_of(leaf=0.02 + 0.06).officer_says(Command.OPEN).after(s=0.4).sensor_says(edge=True).after(s=0.05)
    story.sensor_says(edge=False).after(s=5.0)
    assert not story.pins
    assert whys(story)[-1] in {"limit", "backed off"}
    near = open_gate().officer_says(Command.CLOSE).until(lambda s: s.gate.motion.left_limit).after(s=0.05)
    near.sensor_says(edge=True).after(s=0.05).sensor_says(edge=False).after(s=3.0)
    assert near.state in {State.OPEN, State.STOPPED}
    assert near.fact(Kind.DRIVE_RELEASED).data["why"] == "limit"


def test_an_edge_pressed_during_the_warning_ends_the_wish() -> None:
    story = open_gate().officer_says(Command.CLOSE, sighted=False).after(s=3.0).sensor_says(edge=True).after(s=15.0)
    assert story.outcome(1) is Code.EDGE
    assert not energised(story)
    assert story.gate.motion.trips == 0


def test_a_touch_in_the_pause_before_backing_off_leaves_the_leaf_standing() -> None:
    story = open_gate().officer_says(Command.CLOSE).after(s=3.0).sensor_says(edge=True).after(s=0.02)
    story.sensor_says(edge=False).after(s=0.25).sensor_says(edge=True).after(s=5.0)
    assert story.state is State.STOPPED
    assert len(energised(story)) == 1


def test_a_stop_ends_backing_off() -> None:
    story = open_gate().officer_says(Command.CLOSE).after(s=3.0).sensor_says(edge=True).after(s=0.1)
    story.sensor_says(edge=False).until(lambda s: s.opening_drive, within_s=1.0).officer_says(Command.STOP)
    assert not story.after(s=0.01).pins
    assert story.after(s=3.0).state is State.STOPPED


# ---------------------------------------------------------------------------------------------------- resets


def test_an_edge_lock_is_reset_only_with_the_edge_free() -> None:
    story = story_of()
    for _ in range(2):
        story.officer_says(Command.OPEN).after(s=2.0).sensor_says(edge=True).after(s=0.1)
        story.sensor_says(edge=False).after(s=2.5)
    assert story.gate.troubles == (Code.EDGE,)
    story.sensor_says(edge=True).after(s=0.1)
    assert refusal(story.officer_says(Command.RESET)) is Code.EDGE
    story.sensor_says(edge=False).after(s=0.1)
    assert refusal(story.officer_says(Command.RESET)) is Code.EDGE, "free only after 200 ms"
    story.after(s=0.2).officer_says(Command.RESET).after(s=5.0)
    assert (story.health, story.gate.motion.trips) == (Health.OK, 0)
    assert not story.pins


def test_an_emergency_stop_drops_everything_until_it_is_reset() -> None:
    """I5, I10."""
    story = open_gate().officer_says(Command.CLOSE).after(s=3.0).sensor_says(estop=True).after(s=0.01)
    assert not story.pins
    story.after(s=0.5)
    assert (story.health, story.state, story.outcome(1)) == (Health.ESTOP, State.UNKNOWN, Code.ESTOP)
    assert story.alarms == [Alarm.FAULT]
    assert story.fact(Kind.ALARM_RAISED).data["why"] == "estop"
    assert refusal(story.officer_says(Command.OPEN)) is Code.ESTOP
    assert refusal(story.officer_says(Command.RESET)) is Code.ESTOP
    story.sensor_says(estop=False).after(s=1.0)
    assert story.health is Health.ESTOP, "pulling the button out is no reset"
    assert refusal(story.officer_says(Command.OPEN)) is Code.ESTOP
    story.officer_says(Command.RESET).after(s=5.0)
    assert (story.health, story.pins) == (Health.OK, frozenset())


def test_an_emergency_stop_is_released_for_good_only_after_200_ms() -> None:
    story = story_of().sensor_says(estop=True).after(s=0.1).sensor_says(estop=False).after(s=0.15)
    assert refusal(story.officer_says(Command.RESET)) is Code.ESTOP
    story.after(s=0.1).officer_says(Command.RESET)
    assert story.health is Health.OK


def test_an_emergency_stop_at_rest_keeps_what_the_limit_proves() -> None:
    story = story_of().sensor_says(estop=True).after(s=0.5)
    assert (story.state, story.health) == (State.CLOSED, Health.ESTOP)


def test_an_emergency_stop_ends_everything_that_was_to_come() -> None:
    """I10: nothing pending outlives it."""
    story = open_gate(replace(SITE, auto_close_s=10.0)).officer_says(Command.LOCKDOWN).after(s=1.0)
    story.sensor_says(estop=True).after(s=0.1).sensor_says(estop=False).after(s=0.5).officer_says(Command.RESET)
    story.after(s=200.0)
    assert not energised(story)
    assert Alarm.LOCKDOWN_FAILED not in story.alarms


def test_nothing_moves_for_a_rule_while_the_emergency_stop_counts() -> None:
    story = story_of().sensor_says(estop=True).after(s=0.1).sensor_says(estop=False, emergency=True, exit_loop=True)
    story.timetable_wants(State.OPEN).after(s=20.0)
    assert not energised(story)


@pytest.mark.parametrize("lock", [Code.RELAY_CONFLICT, Code.EDGE, Code.STATE_LOST, Code.LIMITS_SWAPPED])
def test_a_hard_lock_refuses_every_move_until_a_reset(lock: Code) -> None:
    """I10: and it survives a restart."""
    story = story_of(kept=Kept(troubles=(lock,)))
    assert story.gate.troubles == (lock,)
    for command in (Command.OPEN, Command.CLOSE, Command.HOLD_OPEN, Command.LOCKDOWN, Command.EMERGENCY_OPEN):
        assert refusal(story.officer_says(command)) is Code.HARD_LOCK
    story.timetable_wants(State.OPEN).sensor_says(exit_loop=True, emergency=True).after(s=10.0)
    assert not energised(story)
    story.officer_says(Command.RESET).after(s=10.0)
    assert (story.health, energised(story)) == (Health.OK, [])


def test_a_reset_is_refused_while_a_relay_runs_that_nobody_wants() -> None:
    story = story_of()
    story.shorted = Relay.OPEN
    story.after(s=0.5)
    assert refusal(story.officer_says(Command.RESET)) is Code.HARD_LOCK
    story.shorted = None
    story.after(s=0.5).officer_says(Command.RESET)
    assert story.health is Health.OK


# ------------------------------------------------------------------------------------- reversals, and too many


def test_two_reversals_of_an_unattended_closing_leave_the_gate_open() -> None:
    """I13: N is 2 where nobody watches; auto-close is off then, and people are told."""
    story = story_of(replace(SITE, auto_close_s=5.0)).officer_says(Command.OPEN).until_is(State.OPEN)
    for _ in range(2):
        story.until(lambda s: s.closing_drive).after(s=2.0)
        story.car_breaks_the_beam().after(s=0.1).beam_clears().until_is(State.OPEN)
    assert (story.health, story.alarms) == (Health.SOFT_LOCK, [Alarm.LEFT_OPEN])
    assert story.fact(Kind.ALARM_RAISED).data["why"] == "reversals"
    story.after(s=100.0)
    assert (story.state, story.gate.pending) == (State.OPEN, None)
    assert causes(story).count("open for long enough") == 2
    assert refusal(story.officer_says(Command.CLOSE)) is Code.SOFT_LOCK


def test_an_officer_may_try_three_times() -> None:
    """I13: N is 3 where somebody watches."""
    story = reversed_closings(open_gate(), 2)
    assert story.health is Health.OK
    assert reversed_closings(story, 1).health is Health.SOFT_LOCK
    assert refusal(story.officer_says(Command.CLOSE)) is Code.SOFT_LOCK
    story.officer_says(Command.RESET).officer_says(Command.CLOSE).until_is(State.CLOSED)


def test_who_closes_unseen_may_try_twice() -> None:
    """I13: nobody watches a close that nobody saw."""
    story = open_gate()
    for _ in range(2):
        assert story.health is Health.OK
        story.officer_says(Command.CLOSE, sighted=False).until(lambda s: s.closing_drive).after(s=2.0)
        story.car_breaks_the_beam().after(s=0.1).beam_clears().until_is(State.OPEN).after(s=0.6)
    assert story.health is Health.SOFT_LOCK


def test_a_gate_that_closed_begins_to_count_anew() -> None:
    """I13 counts per closing."""
    story = reversed_closings(open_gate(), 2).officer_says(Command.CLOSE).until_is(State.CLOSED).after(s=0.6)
    assert story.gate.motion.reversals == 0
    story.officer_says(Command.OPEN).until_is(State.OPEN).after(s=0.6)
    assert reversed_closings(story, 2).health is Health.OK


def test_opening_fully_does_not_begin_to_count_anew() -> None:
    assert reversed_closings(open_gate(), 1).gate.motion.reversals == 1


def test_a_touch_of_the_edge_counts_as_a_reversal_of_a_closing() -> None:
    """I13."""
    story = reversed_closings(open_gate(), 2).officer_says(Command.CLOSE).after(s=2.0).sensor_says(edge=True)
    story.after(s=0.1).sensor_says(edge=False).after(s=3.0)
    assert story.health is Health.SOFT_LOCK
    opening = story_of().officer_says(Command.OPEN).after(s=2.0).sensor_says(edge=True).after(s=0.1)
    assert opening.gate.motion.reversals == 0


def test_a_soft_lock_still_opens_and_survives_a_restart() -> None:
    story = reversed_closings(open_gate(), 3).power_comes_back().after(s=3.0)
    assert story.health is Health.SOFT_LOCK
    story.yard.leaf = 0.5
    story.after(s=0.5).officer_says(Command.OPEN).until_is(State.OPEN)


# --------------------------------------------------------------------------------------------------- the beam


def test_a_sighted_close_is_refused_while_the_beam_is_broken_and_a_sensor_counts_from_its_first_sample() -> None:
    """I4."""
    story = open_gate().car_breaks_the_beam().after(s=0.02).officer_says(Command.CLOSE)
    assert refusal(story) is Code.BEAM_BLOCKED


def test_a_reopening_gate_ignores_the_beam_and_opens_fully() -> None:
    story = open_gate().officer_says(Command.CLOSE).after(s=4.0).car_breaks_the_beam().until_is(State.OPEN)
    assert story.fact(Kind.REVERSED).data == {"to": "open", "command_id": "c1"}
    assert causes(story)[-1] == "beam broken while closing"


def test_a_touch_while_reopening_for_the_beam_backs_off() -> None:
    """The edge ranks above the beam."""
    story = open_gate().officer_says(Command.CLOSE).after(s=4.0).car_breaks_the_beam().until(lambda s: s.opening_drive)
    story.after(s=0.5).beam_clears().sensor_says(edge=True).after(s=0.01)
    assert not story.pins
    story.sensor_says(edge=False).after(s=3.0)
    assert story.state is State.STOPPED


def test_nothing_closes_in_the_first_two_seconds_of_samples() -> None:
    """I4: a sensor that has just come back is not trusted yet."""
    story = Story(site=SITE, leaf=1.0).after(s=1.5).officer_says(Command.CLOSE)
    assert refusal(story) is Code.SENSOR_STALE
    story.after(s=0.6).officer_says(Command.CLOSE).after(s=0.1)
    assert story.closing_drive


def test_opening_needs_no_two_seconds_but_half_a_second() -> None:
    story = Story(site=SITE).after(s=0.3).officer_says(Command.OPEN)
    assert refusal(story) is Code.KEEPER_DOWN
    story.after(s=0.4).officer_says(Command.OPEN).after(s=0.1)
    assert story.opening_drive


# ------------------------------------------------------------------------------------- the beam's self-test

TESTED = replace(SITE, has_beam_test=True)


class Probed(Story):
    """A story whose beam follows its test output, as a sound photocell does."""

    sound = True

    def tick(self, step_s: float) -> None:
        """Let the transmitter follow the output before time goes by."""
        self.yard.beam_test = self.sound and self.outputs.beam_test
        super().tick(step_s)


def test_the_beam_is_tested_before_each_close() -> None:
    story = Probed(site=TESTED, leaf=1.0).after(s=2.6).officer_says(Command.CLOSE)
    assert (story.gate.phase, story.outputs.beam_test) == (Phase.TESTING, True)
    story.until(lambda s: s.gate.phase is Phase.PROVING, within_s=0.1)
    assert not story.outputs.beam_test
    story.until(lambda s: s.closing_drive, within_s=0.4).until_is(State.CLOSED)
    assert story.outcome(1) == "done"


def test_a_beam_that_does_not_follow_its_test_refuses_the_close() -> None:
    """I4: degraded(beam); only a test that it passes mends that."""
    story = Probed(site=TESTED, leaf=1.0).after(s=2.6)
    story.sound = False
    story.officer_says(Command.CLOSE).after(s=0.45)
    assert story.outcome(1) == "under way"
    story.after(s=0.1)
    assert (story.outcome(1), story.gate.troubles) == (Code.BEAM_TEST, (Code.BEAM_TEST,))
    assert story.health is Health.DEGRADED
    assert story.fact(Kind.HEALTH_CHANGED).by.id == "beam"
    assert not energised(story)
    story.sound = True
    assert story.officer_says(Command.CLOSE).until_is(State.CLOSED).health is Health.OK


def test_something_in_the_beam_after_its_test_refuses_the_close() -> None:
    story = Probed(site=TESTED, leaf=1.0).after(s=2.6).officer_says(Command.CLOSE).after(s=0.02)
    story.car_breaks_the_beam().after(s=0.4)
    assert story.outcome(1) == "under way"
    story.after(s=0.2)
    assert story.outcome(1) is Code.BEAM_BLOCKED
    assert story.health is Health.OK
    assert not energised(story)


def test_an_opening_needs_no_test_of_the_beam() -> None:
    story = Probed(site=TESTED).after(s=2.6).officer_says(Command.OPEN).after(s=0.1)
    assert story.opening_drive


def test_the_warning_comes_after_the_test() -> None:
    """I12: the five seconds are not shortened by it."""
    story = Probed(site=TESTED, leaf=1.0).after(s=2.6).officer_says(Command.CLOSE, sighted=False).after(s=1.0)
    assert story.is_warning
    assert not story.after(s=9.0).pins
    story.until(lambda s: s.closing_drive, within_s=0.5)


def test_an_unattended_close_that_fails_its_test_is_not_tried_for_ever() -> None:
    story = Probed(site=replace(TESTED, auto_close_s=5.0)).after(s=2.6)
    story.sound = False
    story.officer_says(Command.OPEN).until_is(State.OPEN).after(s=60.0)
    assert (story.gate.pending, story.gate.troubles) == (None, (Code.BEAM_TEST,))
    assert energised(story).count(energised(story)[0]) == 1


def test_hold_to_run_is_not_tested() -> None:
    """Somebody stands at the cabinet and looks."""
    story = Probed(site=TESTED, leaf=1.0).after(s=2.6).sensor_says(maintenance=True).after(s=0.2)
    story.sensor_says(close_button=True).after(s=0.1)
    assert story.closing_drive


def test_a_stop_ends_the_test() -> None:
    story = Probed(site=TESTED, leaf=1.0).after(s=2.6).officer_says(Command.CLOSE).officer_says(Command.STOP)
    assert not story.outputs.beam_test
    assert story.outcome(1) is Code.STOPPED
    assert not energised(story.after(s=5.0))


@pytest.mark.parametrize("sensor", [Sensor.BEAM, Sensor.EDGE, Sensor.ESTOP, Sensor.RELEASE])
def test_safety_inputs_act_on_their_first_active_sample(sensor: Sensor) -> None:
    """I5: debounce is for limits; danger counts at once."""
    story = open_gate().officer_says(Command.CLOSE).after(s=3.0).sensor_says(**{sensor.value: True})
    story.tick(0.005)
    assert story.outputs.relay is None
