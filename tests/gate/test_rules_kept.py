"""Stories of what survives a restart, of silences, and of when the rules want to be asked again."""

from __future__ import annotations

from dataclasses import replace

import pytest

from gate import machine
from gate.machine import deadline, warning_ends
from gate.memory import Kept, Phase, Standing
from gate.model import Alarm, Code, Command, Drive, Evidence, Health, Inputs, Kind, Mode, Sensor, State
from tests.gate.sites import SITE, TIMING, energised, open_gate, refusal, story_of, with_drive
from tests.story import Story

EVERYTHING = Kept(
    mode=Mode.HOLD_OPEN,
    mode_left_s=120.0,
    troubles=(Code.EDGE, Code.SOFT_LOCK),
    alarms=(Alarm.LEFT_OPEN, Alarm.FAULT),
    open_s=(8.0, 8.1),
    close_s=(9.0,),
    cycles=17,
)


def test_what_is_kept_stands_again_and_is_kept_again() -> None:
    gate = machine.begin(500.0, SITE, EVERYTHING)
    assert (gate.state, gate.evidence, gate.phase) == (State.UNKNOWN, Evidence.NONE, Phase.SETTLING)
    assert gate.standing.until_s == 620.0
    assert machine.kept(gate, 500.0) == EVERYTHING
    assert machine.kept(gate, 530.0).mode_left_s == 90.0
    assert machine.kept(gate, 1000.0).mode_left_s == 0.0
    assert machine.kept(gate, 500.00012).mode_left_s == 120.0, "to the millisecond"


def test_a_stop_is_kept_of_an_emergency_alone() -> None:
    story = open_gate().officer_says(Command.LOCKDOWN).after(s=1.0).officer_says(Command.STOP)
    assert story.gate.standing.stopped
    assert not machine.kept(story.gate, story.now_s).stopped


def test_a_new_gate_keeps_nothing() -> None:
    gate = machine.begin(0.0, SITE)
    assert machine.kept(gate, 0.0) == Kept()
    assert gate.standing == Standing(), "nothing is asked of it"


def test_a_hold_of_which_nothing_was_left_is_over_at_power_up() -> None:
    assert machine.begin(500.0, SITE, Kept(mode=Mode.HOLD_OPEN)).standing.until_s == 500.0


@pytest.mark.parametrize("code", [Code.SLOW, Code.SENSOR_STALE, Code.MAINS_LOST, Code.KEEPER_DOWN, Code.BEAM_TEST])
def test_what_sensors_will_say_again_is_not_kept(code: Code) -> None:
    assert machine.begin(0.0, SITE, Kept(troubles=(code,))).troubles == ()
    gate = replace(machine.begin(0.0, SITE), troubles=(code,))
    assert machine.kept(gate, 0.0).troubles == ()


@pytest.mark.parametrize("lock", [Code.ESTOP, Code.LIMIT_CONFLICT, Code.LIMITS_SWAPPED, Code.RELAY_CONFLICT, Code.EDGE,
                                  Code.STATE_LOST, Code.SOFT_LOCK])  # fmt: skip
def test_every_lock_survives_a_restart(lock: Code) -> None:
    """I10: a power cut is no reset."""
    story = story_of(kept=Kept(troubles=(lock,))).power_comes_back().after(s=3.0)
    assert story.gate.troubles == (lock,)


def test_after_lost_state_nothing_moves_until_a_reset() -> None:
    """I10: what was kept is damaged; a lock may have stood there."""
    story = open_gate(kept=Kept(troubles=(Code.STATE_LOST,))).officer_says(Command.CLOSE)
    assert refusal(story) is Code.HARD_LOCK
    assert story.health is Health.HARD_LOCK


@pytest.mark.parametrize("mode", [Mode.NORMAL, Mode.HOLD_OPEN, Mode.LOCKDOWN])
@pytest.mark.parametrize("leaf", [0.0, 0.5, 1.0])
@pytest.mark.parametrize("drive", list(Drive))
def test_no_restart_moves_anything(mode: Mode, leaf: float, drive: Drive) -> None:
    """I7: whatever stood before, wherever the leaf is. Emergency open alone goes on (I11)."""
    site = replace(with_drive(drive, "open_close"), auto_close_s=5.0)
    kept = Kept(mode=mode, mode_left_s=600.0 if mode is Mode.HOLD_OPEN else None)
    story = Story(site=site, kept=kept, leaf=leaf).after(s=150.0)
    assert not energised(story)


def test_sensors_that_are_active_at_power_up_order_nothing() -> None:
    """I7."""
    for sensor in (Sensor.EMERGENCY, Sensor.OPEN_BUTTON, Sensor.CLOSE_BUTTON, Sensor.EXIT_LOOP, Sensor.BATTERY_LOW):
        story = Story(site=replace(SITE, open_and_stay=True)).sensor_says(**{sensor.value: True}).after(s=30.0)
        assert not energised(story), sensor


def test_the_emergency_stop_counts_at_power_up() -> None:
    story = Story(site=SITE).sensor_says(estop=True).after(s=0.1)
    assert story.health is Health.ESTOP


def test_a_command_in_the_first_half_second_is_refused() -> None:
    story = Story(site=SITE).after(s=0.2)
    for command in (Command.OPEN, Command.CLOSE, Command.RESET, Command.EMERGENCY_OPEN, Command.LOCKDOWN):
        assert refusal(story.officer_says(command)) is Code.KEEPER_DOWN
    assert not energised(story.after(s=5.0))


def test_a_stop_in_the_first_half_second_is_done() -> None:
    story = Story(site=SITE).after(s=0.2).officer_says(Command.STOP).after(s=1.0)
    assert story.outcome(1) == "done"
    assert story.state is State.CLOSED, "it settles all the same"


# -------------------------------------------------------------------------------------------------- deadlines


def test_while_a_relay_may_be_on_silence_is_short() -> None:
    """I4: 100 ms."""
    story = story_of()
    assert deadline(story.gate, SITE) == story.gate.seen_s + TIMING.proof_s  # type: ignore[operator] # it was seen
    story.officer_says(Command.OPEN).after(s=1.0)
    assert deadline(story.gate, SITE) == story.gate.seen_s + TIMING.stale_s  # type: ignore[operator] # as above


def test_nothing_expires_before_its_time() -> None:
    story = story_of().officer_says(Command.OPEN).after(s=1.0)
    early = machine.expire(story.gate, deadline(story.gate, SITE) - 0.001, SITE)
    assert early.gate is story.gate
    assert early.facts == ()
    late = machine.expire(story.gate, deadline(story.gate, SITE), SITE)
    assert late.gate.troubles == (Code.SENSOR_STALE,)


def test_before_the_first_sample_a_second_of_silence_is_a_silence() -> None:
    gate = machine.begin(100.0, SITE)
    assert deadline(gate, SITE) == 101.0
    decision = machine.expire(gate, 101.0, SITE)
    assert decision.gate.health is Health.DEGRADED
    assert deadline(decision.gate, SITE) == 102.0


def test_a_silence_that_goes_on_is_told_once() -> None:
    story = story_of().keeper_falls_silent().after(s=30.0)
    assert story.kinds().count(Kind.HEALTH_CHANGED) == 1


def test_a_keeper_that_is_gone_is_noticed_at_once() -> None:
    story = story_of().officer_says(Command.OPEN).after(s=2.0)
    story.take(machine.expire(story.gate, story.now_s, SITE, keeper_is_gone=True))
    assert (story.gate.troubles, story.state) == ((Code.KEEPER_DOWN,), State.UNKNOWN)
    assert story.outcome(1) is Code.KEEPER_DOWN
    assert story.outputs.relay is None
    assert refusal(story.officer_says(Command.CLOSE)) is Code.KEEPER_DOWN


def test_two_seconds_of_samples_make_a_silent_gate_whole() -> None:
    story = story_of().keeper_falls_silent().after(s=3.0).keeper_speaks_again().after(s=1.9)
    assert story.gate.troubles == (Code.SENSOR_STALE,)
    assert story.after(s=0.2).gate.troubles == ()


def test_a_silence_at_rest_keeps_a_lock_and_a_soft_lock() -> None:
    story = story_of(kept=Kept(troubles=(Code.EDGE, Code.SOFT_LOCK))).keeper_falls_silent().after(s=3.0)
    story.keeper_speaks_again().after(s=5.0)
    assert story.gate.troubles == (Code.EDGE, Code.SOFT_LOCK)


def test_after_a_silence_the_beam_and_the_edge_are_taken_for_active() -> None:
    """I4: until samples have said otherwise for 200 ms."""
    story = story_of().keeper_falls_silent().after(s=1.5)
    assert {Sensor.BEAM, Sensor.EDGE} <= story.gate.senses.active
    assert not story.gate.senses.active & {Sensor.LIMIT_OPEN, Sensor.LIMIT_CLOSED}


def test_a_site_without_beam_and_edge_takes_nothing_for_active() -> None:
    site = replace(SITE, sensors=frozenset({Sensor.LIMIT_OPEN, Sensor.LIMIT_CLOSED}))
    assert machine.begin(0.0, site).senses.active == frozenset()


def test_the_opposite_direction_waits_after_a_silence_too() -> None:
    """I2, on every path: what the leaf did meanwhile is not known."""
    story = open_gate().officer_says(Command.CLOSE).after(s=2.0).keeper_falls_silent().after(s=0.2)
    on_s = story.gate.motion.on_s
    assert on_s == pytest.approx(story.now_s, abs=0.15)


def test_a_sample_that_is_not_newer_changes_nothing() -> None:
    story = story_of()
    again = Inputs(at_s=story.gate.seen_s or 0.0, active=frozenset({Sensor.ESTOP}))
    assert machine.step(story.gate, again, SITE).gate is story.gate
    assert machine.step(story.gate, replace(again, at_s=again.at_s - 5.0), SITE).gate is story.gate
    first = machine.begin(50.0, SITE)
    assert machine.step(first, replace(again, at_s=50.0), SITE).gate is first


def test_a_sensor_that_the_site_does_not_have_says_nothing() -> None:
    site = replace(SITE, sensors=frozenset({Sensor.LIMIT_OPEN, Sensor.LIMIT_CLOSED}))
    story = story_of(site)
    seen = Inputs(at_s=story.now_s + 0.02, active=frozenset(Sensor) - {Sensor.LIMIT_OPEN})
    assert machine.step(story.gate, seen, site).gate.health is Health.OK


def test_when_a_warning_ends_is_known_while_it_lasts() -> None:
    story = open_gate().officer_says(Command.CLOSE, sighted=False)
    assert warning_ends(story.gate) == story.gate.motion.phase_s + TIMING.unsighted_warning_s
    story.until(lambda s: s.closing_drive)
    assert warning_ends(story.gate) is None
    assert warning_ends(story_of().gate) is None


def test_samples_that_say_nothing_new_cost_nothing_and_hide_nothing() -> None:
    """The quick path for a gate at rest: nothing that waits for a time is forgotten by it."""
    story = story_of().car_breaks_the_beam().after(s=1.0)
    assert story.gate.due_s == pytest.approx(story.gate.watch.covered_s + TIMING.beam_tamper_s)  # type: ignore[operator] # as above
    story.after(s=20.0)
    assert story.alarms == [Alarm.BEAM_TAMPER]


def test_at_the_very_moment_when_something_is_due_the_sample_is_looked_at() -> None:
    story = story_of().car_breaks_the_beam().after(s=1.0)
    gate = replace(story.gate, seen_s=story.gate.due_s - 0.05)
    sample = Inputs(at_s=gate.due_s, active=gate.senses.raw or frozenset())
    assert [fact.kind for fact in machine.step(gate, sample, SITE).facts] == [Kind.ALARM_RAISED]


def test_after_a_gap_at_rest_nothing_is_fresh() -> None:
    """I4: too short a gap for a silence, and too long for what lies in it to be known."""
    story = story_of()
    sample = Inputs(at_s=story.now_s + 0.5, active=story.gate.senses.raw or frozenset())
    gate = machine.step(story.gate, sample, SITE).gate
    assert (gate.state, gate.senses.fresh_s) == (State.CLOSED, sample.at_s)


def test_a_sample_that_comes_exactly_when_the_silence_is_due_comes_too_late() -> None:
    """I4, with figures that a float holds exactly."""
    site = replace(SITE, timing=replace(TIMING, stale_s=0.125))
    story = Story(site=site).after(s=2.6).officer_says(Command.OPEN).after(s=1.0)
    gate = replace(story.gate, seen_s=2048.0)
    sample = Inputs(at_s=2048.125, active=frozenset({Sensor.BEAM}), running=story.pins)
    assert machine.step(gate, sample, site).gate.troubles == (Code.SENSOR_STALE,)
    assert machine.step(gate, replace(sample, at_s=2048.0625), site).gate.troubles == ()


@pytest.mark.parametrize("how", ["command", "button", "estop", "reset"])
def test_an_emergency_that_was_stopped_does_not_go_on_because_of_a_restart(how: str) -> None:
    """I7, I11: the mode stands, and closes for nobody; what was stopped is stopped."""
    story = story_of().officer_says(Command.EMERGENCY_OPEN).after(s=3.0)
    match how:
        case "command":
            story.officer_says(Command.STOP)
        case "reset":
            story.officer_says(Command.STOP).after(s=1.0).officer_says(Command.RESET)
        case sensor:
            name = "stop_button" if sensor == "button" else sensor
            story.something("input", name, "on").after(s=0.5).something("input", name, "off")
    moved = len(energised(story.after(s=1.0)))
    story.power_comes_back().after(s=3.0).officer_says(Command.RESET).after(s=30.0)
    assert (len(energised(story)), story.gate.mode) == (moved, Mode.EMERGENCY_OPEN)
    story.officer_says(Command.EMERGENCY_OPEN).until_is(State.OPEN)


def test_an_emergency_that_was_stopped_stays_stopped_over_two_restarts() -> None:
    """I7: what the first one found is kept for the second."""
    story = story_of().officer_says(Command.EMERGENCY_OPEN).after(s=3.0).officer_says(Command.STOP).after(s=1.0)
    moved = len(energised(story))
    story.power_comes_back().after(s=3.0).power_comes_back().after(s=30.0)
    assert (len(energised(story)), story.gate.mode) == (moved, Mode.EMERGENCY_OPEN)


def test_who_pulls_at_the_leaf_does_not_end_an_emergency() -> None:
    """I11: the alarm is raised, and the gate opens all the same, after a restart too."""
    story = story_of().officer_says(Command.EMERGENCY_OPEN).after(s=0.5)
    story.yard.leaf = 0.3
    story.after(s=0.1)
    assert story.alarms == [Alarm.FORCED_OPEN]
    assert story.power_comes_back().until_is(State.OPEN).gate.mode is Mode.EMERGENCY_OPEN
