"""Stories of a drive whose operator's board is pulsed: OPEN, CLOSE and STOP inputs."""

from __future__ import annotations

from dataclasses import replace

import pytest

from gate.memory import Phase
from gate.model import Alarm, Code, Command, Direction, Drive, Health, Kind, Mode, Relay, Sensor, State
from tests.gate.sites import TIMING, causes, energised, open_gate, refusal, story_of, whys, with_drive

SITE = with_drive(Drive.MOMENTARY)


def test_a_pulse_starts_the_operator_and_it_runs_by_itself() -> None:
    """I8: the limit says when it is open."""
    story = story_of(SITE).officer_says(Command.OPEN).after(s=0.2)
    assert story.pins == {Relay.OPEN}
    assert (story.state, story.gate.phase) == (State.OPENING, Phase.PRESSING)
    story.after(s=0.3)
    assert (story.pins, story.gate.phase) == (frozenset(), Phase.RUNNING)
    story.until_is(State.OPEN).after(s=0.5)
    assert story.outcome(1) == "done"
    assert energised(story) == [Relay.OPEN], "a board stops at its own limit: no stop press is needed"
    ran_ms = story.fact(Kind.DRIVE_RELEASED).data["ran_ms"]
    assert ran_ms == pytest.approx(TIMING.pulse_s * 1000, abs=15)
    assert whys(story) == ["pulse"]


def test_a_site_may_ask_for_another_pulse() -> None:
    site = replace(SITE, timing=replace(TIMING, pulse_s=0.8))
    story = story_of(site).officer_says(Command.OPEN).after(s=0.75)
    assert story.pins == {Relay.OPEN}
    assert not story.after(s=0.1).pins


def test_stop_presses_stop() -> None:
    """I14: its cause is who said stop."""
    story = story_of(SITE).officer_says(Command.OPEN).after(s=3.0).officer_says(Command.STOP).after(s=0.05)
    assert story.pins == {Relay.STOP}
    pressed = story.fact(Kind.DRIVE_ENERGISED)
    assert (pressed.data["direction"], pressed.data["command_id"], pressed.data["cause"]) == (None, "c1", "stop")
    assert pressed.by.id == "u1"
    assert story.outcome(2) == "under way", "until the press is over"
    story.after(s=1.0)
    assert (story.pins, story.state, story.outcome(2)) == (frozenset(), State.STOPPED, "done")
    assert story.yard.motor is None
    assert story.fact(Kind.DRIVE_RELEASED).data["ran_ms"] == pytest.approx(400, abs=15)


def test_a_stop_during_the_pulse_ends_the_pulse_and_presses_stop() -> None:
    """I1: never two relays."""
    story = story_of(SITE).officer_says(Command.OPEN).after(s=0.2).officer_says(Command.STOP)
    assert story.after(s=0.02).pins <= {Relay.STOP}
    assert story.after(s=0.05).pins == {Relay.STOP}
    story.after(s=2.0)
    assert story.yard.motor is None


def test_a_stop_at_rest_is_pressed_all_the_same() -> None:
    """A handset or a restart may have left the board running: STOP does no harm, wherever it comes from."""
    story = story_of(SITE).officer_says(Command.STOP).after(s=1.0)
    assert story.outcome(1) == "done"
    assert energised(story) == [Relay.STOP]
    assert story.fact(Kind.DRIVE_ENERGISED).data["command_id"] == "c1"
    button = story.sensor_says(stop_button=True).after(s=1.0)
    assert energised(button) == [Relay.STOP, Relay.STOP]
    assert button.fact(Kind.DRIVE_ENERGISED).by.id == "stop_button"
    held = story_of().officer_says(Command.STOP).sensor_says(stop_button=True).after(s=1.0)
    assert not energised(held), "a contactor has nothing to be pressed"


def test_a_broken_beam_stops_the_board_and_reopens() -> None:
    """I4, I5: STOP in the same sample, dead time, OPEN."""
    story = open_gate(SITE).officer_says(Command.CLOSE).after(s=3.0).car_breaks_the_beam().after(s=0.01)
    assert story.pins == {Relay.STOP}
    assert story.fact(Kind.DRIVE_ENERGISED).by.id == "beam" or story.gate.motion.ordered is not None
    story.until(lambda s: Relay.OPEN in s.pins, within_s=2.0)
    story.until_is(State.OPEN)
    assert energised(story) == [Relay.CLOSE, Relay.STOP, Relay.OPEN]
    assert causes(story)[1:] == ["beam", "beam broken while closing"]


def test_a_beam_broken_during_the_closing_pulse_drops_the_pulse() -> None:
    story = open_gate(SITE).officer_says(Command.CLOSE).after(s=0.1).car_breaks_the_beam().after(s=0.01)
    assert Relay.CLOSE not in story.pins


def test_the_other_direction_waits_for_stop_and_the_dead_time() -> None:
    """I2."""
    story = story_of(SITE).officer_says(Command.OPEN).after(s=3.0).officer_says(Command.CLOSE).after(s=0.3)
    assert energised(story) == [Relay.OPEN, Relay.STOP]
    released_s = story.until(lambda s: not s.pins).now_s
    story.until(lambda s: Relay.CLOSE in s.pins, within_s=2.0)
    assert story.now_s - released_s >= TIMING.dead_time_s - 0.01
    story.until_is(State.CLOSED)


def test_the_newest_wish_wins_while_stop_is_pressed() -> None:
    story = story_of(SITE).officer_says(Command.OPEN).after(s=3.0).officer_says(Command.CLOSE).after(s=0.1)
    story.officer_says(Command.OPEN).after(s=0.1)
    assert story.pins == {Relay.STOP}, "the press goes on"
    story.until_is(State.OPEN)
    assert energised(story) == [Relay.OPEN, Relay.STOP, Relay.OPEN]
    assert (story.outcome(2), story.outcome(3)) == (Code.SUPERSEDED, "done")


def test_a_stop_while_stop_is_pressed_ends_with_the_same_press() -> None:
    story = story_of(SITE).officer_says(Command.OPEN).after(s=3.0)
    story.officer_says(Command.STOP).after(s=0.1).officer_says(Command.STOP).after(s=2.0)
    assert (story.outcome(2), story.outcome(3)) == ("done", "done")
    assert energised(story).count(Relay.STOP) == 1


def test_a_board_that_turns_round_by_itself_is_noticed_at_its_limit() -> None:
    """The operator has an obstacle sensing of its own: its end of the story is ours, without a lock."""
    story = open_gate(SITE).officer_says(Command.CLOSE).after(s=3.0)
    story.yard.leaf = 1.0
    story.after(s=0.1)
    assert story.outcome(1) is Code.OBSTRUCTED
    assert (story.health, story.state) == (Health.OK, State.OPEN)
    assert energised(story) == [Relay.CLOSE], "it stands: no stop press"


def test_a_motor_that_does_not_run_is_pressed_once_more() -> None:
    """Relay on, limit does not release in 3 s: one retry, then `stuck`."""
    story = story_of(SITE).something("motor", "dead").officer_says(Command.OPEN).after(s=12.0)
    assert story.outcome(1) is Code.STUCK
    assert energised(story) == [Relay.OPEN, Relay.STOP, Relay.OPEN, Relay.STOP]
    assert story.alarms == [Alarm.TAMPERED_DRIVE]


def test_an_operator_that_runs_too_long_is_stopped() -> None:
    """I9."""
    story = story_of(SITE).sensor_says(limit_open=False).officer_says(Command.OPEN).after(s=19.9)
    assert story.outcome(1) == "under way"
    story.after(s=1.5)
    assert (story.outcome(1), story.state) == (Code.OVERTIME, State.UNKNOWN)
    assert energised(story) == [Relay.OPEN, Relay.STOP]


def test_a_touch_of_the_edge_stops_backs_off_for_a_second_and_stops() -> None:
    story = open_gate(SITE).officer_says(Command.CLOSE).after(s=3.0).sensor_says(edge=True).after(s=0.02)
    assert story.pins == {Relay.STOP}
    story.sensor_says(edge=False).after(s=6.0)
    assert energised(story) == [Relay.CLOSE, Relay.STOP, Relay.OPEN, Relay.STOP]
    assert story.state is State.STOPPED
    assert story.yard.motor is None


def test_an_emergency_stop_stops_the_board_and_nothing_starts_it() -> None:
    """I10: a board runs by itself, so it has to be told; that press is the last."""
    story = open_gate(SITE).officer_says(Command.CLOSE).after(s=3.0).sensor_says(estop=True).after(s=0.02)
    assert story.pins <= {Relay.STOP}
    story.after(s=2.0)
    assert story.yard.motor is None
    assert energised(story) == [Relay.CLOSE, Relay.STOP]


def test_hold_to_run_stops_the_board_when_the_button_is_let_go() -> None:
    story = story_of(SITE).sensor_says(maintenance=True).after(s=0.2).sensor_says(open_button=True).after(s=2.0)
    assert story.gate.mode is Mode.MAINTENANCE
    assert story.yard.motor is Direction.OPEN
    assert story.sensor_says(open_button=False).after(s=0.5).yard.motor is None
    assert energised(story) == [Relay.OPEN, Relay.STOP]


def test_a_pin_that_does_not_follow_is_told_and_the_board_is_told_to_stop() -> None:
    """Nothing is known of a relay whose pin does not show: STOP does no harm."""
    story = story_of(SITE)
    story.dead_pins = True
    story.officer_says(Command.OPEN).after(s=2.0)
    assert story.outcome(1) is Code.NO_OUTPUT
    assert story.gate.phase is Phase.RESTING


def test_a_silence_during_a_run_ends_it_and_resumes_nothing() -> None:
    """I7: no keeper, no press; the board runs on until samples come again, and is told to stop then."""
    story = story_of(SITE).officer_says(Command.OPEN).after(s=3.0).keeper_falls_silent().after(s=0.2)
    assert story.outcome(1) is Code.SENSOR_STALE
    assert story.state is State.UNKNOWN
    story.after(s=1.0).keeper_speaks_again().after(s=20.0)
    assert energised(story) == [Relay.OPEN, Relay.STOP], "the board ran on; it is told to stop, and nothing more"
    assert story.yard.motor is None


def test_the_release_drops_a_run() -> None:
    story = story_of(SITE).officer_says(Command.OPEN).after(s=3.0).sensor_says(release=True).after(s=1.0)
    assert (story.gate.mode, story.state, story.outcome(1)) == (Mode.RELEASED, State.UNKNOWN, Code.RELEASED)


def test_a_relay_that_stays_on_after_its_pulse_locks_the_gate() -> None:
    story = story_of(SITE).officer_says(Command.OPEN).after(s=0.2)
    story.shorted = Relay.OPEN
    story.after(s=0.8)
    assert story.gate.troubles == (Code.RELAY_CONFLICT,)


def test_without_a_beam_a_board_closes_for_somebody_who_sees_it() -> None:
    site = replace(SITE, sensors=SITE.sensors - {Sensor.BEAM})
    story = open_gate(site).officer_says(Command.CLOSE, sighted=False)
    assert refusal(story) is Code.UNSIGHTED
    story.officer_says(Command.CLOSE).until_is(State.CLOSED)


@pytest.mark.parametrize("after_s", [0.0, 0.1, 0.42, 1.0, 5.0])
@pytest.mark.parametrize("leaf", [0.0, 0.5, 1.0])
@pytest.mark.parametrize("command", [Command.OPEN, Command.CLOSE])
def test_stop_stops_a_board_in_every_phase(after_s: float, leaf: float, command: Command) -> None:
    """I5, I15: wherever it is said, nothing runs a moment later."""
    story = story_of(SITE, leaf=leaf).officer_says(command).after(s=after_s).officer_says(Command.STOP).after(s=2.0)
    assert story.yard.motor is None
    assert story.outcome(2) == "done"
    assert not story.pins
    assert story.gate.phase is Phase.RESTING


@pytest.mark.parametrize("held_s", [0.06, 0.1, 0.2, 0.35])
def test_a_button_that_is_let_go_within_the_pulse_stops_the_board_at_once(held_s: float) -> None:
    """Hold-to-run: it does not run for a pulse that nobody holds any more."""
    story = story_of(SITE).sensor_says(maintenance=True).after(s=0.3)
    story.sensor_says(open_button=True).after(s=held_s).sensor_says(open_button=False).after(s=0.15)
    assert story.yard.motor is None
    assert story.after(s=3.0).state in {State.CLOSED, State.STOPPED, State.UNKNOWN}
    assert (story.yard.motor, story.pins) == (None, frozenset())
