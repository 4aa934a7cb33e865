"""The rules of docs/safety.md as stories on a clock that the test owns."""

from __future__ import annotations

import itertools

import pytest

from gate import drives, machine
from gate.memory import ENERGISING, Phase
from gate.model import Code, Command, Direction, Drive, Evidence, Health, Inputs, Kind, Relay, Sensor, State
from gate.site import Site, Timing
from gate.world import TRAVEL_S
from tests.story import Story


@pytest.fixture
def story() -> Story:
    return Story()


def test_nothing_moves_at_power_up_and_the_limit_says_where_the_leaf_is(story: Story) -> None:
    """I7, I8: after 500 ms of samples one active limit proves the state."""
    assert story.after(s=0.45).state is State.UNKNOWN
    assert story.after(s=0.2).state is State.CLOSED
    assert story.gate.evidence is Evidence.LIMIT
    assert not story.pins


def test_a_leaf_between_the_limits_is_unknown_at_power_up() -> None:
    story = Story(leaf=0.4).after(s=5.0)
    assert story.state is State.UNKNOWN
    assert Kind.DRIVE_ENERGISED not in story.kinds()


def test_an_officer_opens_and_only_the_limit_says_open(story: Story) -> None:
    """I8, I14: the word changes when the switch proves it; the journal knows who, why, and which command."""
    story.gate_is(State.CLOSED).officer_says(Command.OPEN).after(s=1.0)
    assert (story.state, story.gate.evidence) == (State.OPENING, Evidence.DRIVE)
    story.until(lambda s: s.state is State.OPEN)
    assert story.yard.leaf >= 0.97
    story.after(s=0.5)
    assert not story.pins
    assert story.outcome(1) == "done"
    energised = story.fact(Kind.DRIVE_ENERGISED)
    assert (energised.by.name, energised.data["command_id"]) == ("Trung úy Lan", "c1")
    assert story.fact(Kind.ARRIVED).data["state"] == "open"
    assert abs(int(str(story.fact(Kind.ARRIVED).data["travel_ms"])) - TRAVEL_S * 1000) < 500


def test_a_car_under_the_closing_gate_sends_it_back_up(story: Story) -> None:
    """I4, I5: a broken beam stops the closing drive at once and reopens after the dead time."""
    story.gate_is(State.OPEN).officer_says(Command.CLOSE).after(s=3.0)
    assert story.closing_drive
    assert not story.car_breaks_the_beam().after(s=0.01).closing_drive
    assert story.after(s=story.timing.dead_time_s + 0.05).state is State.OPENING
    assert story.outcome(1) is Code.OBSTRUCTED
    story.until(lambda s: s.state is State.OPEN)
    assert [k for k in story.kinds() if k in {Kind.OBSTRUCTED, Kind.REVERSED}] == [Kind.OBSTRUCTED, Kind.REVERSED]


def test_the_gate_does_not_close_while_something_is_in_the_gateway(story: Story) -> None:
    """I4: a refusal with a code, not silence."""
    story.gate_is(State.OPEN).car_breaks_the_beam().after(s=0.01).officer_says(Command.CLOSE)
    assert story.refusals[-1].code is Code.BEAM_BLOCKED
    story.beam_clears().after(s=0.1).officer_says(Command.CLOSE)
    assert story.refusals[-1].code is Code.BEAM_BLOCKED, "clear only after 200 ms"
    story.after(s=0.3).officer_says(Command.CLOSE).after(s=0.1)
    assert story.closing_drive


def test_a_broken_beam_does_not_stop_an_opening_gate(story: Story) -> None:
    story.gate_is(State.CLOSED).officer_says(Command.OPEN).after(s=1.0).car_breaks_the_beam().after(s=1.0)
    assert story.opening_drive


def test_stop_stops_at_once_and_cancels_everything(story: Story) -> None:
    """I5: off within one sample; the journal says who stopped it."""
    story.gate_is(State.CLOSED).officer_says(Command.OPEN).after(s=2.0).officer_says(Command.STOP).after(s=0.01)
    assert not story.pins
    story.after(s=5.0)
    assert story.state is State.STOPPED
    assert (story.outcome(1), story.outcome(2)) == (Code.STOPPED, "done")


@pytest.mark.parametrize("state", [State.CLOSED, State.OPEN, State.UNKNOWN])
def test_stop_is_never_refused(state: State) -> None:
    story = Story().gate_is(state).officer_says(Command.STOP).after(s=0.1)
    assert not story.refusals
    assert story.outcome(1) == "done"


def test_stop_cancels_the_reversal_that_the_beam_wanted(story: Story) -> None:
    story.gate_is(State.OPEN).officer_says(Command.CLOSE).after(s=3.0).car_breaks_the_beam().after(s=0.1)
    story.officer_says(Command.STOP).after(s=5.0)
    assert story.state is State.STOPPED
    assert not story.pins


def test_the_other_direction_waits_for_the_dead_time(story: Story) -> None:
    """I2: off, dead time, go; the newest wish replaces the pending one."""
    story.gate_is(State.CLOSED).officer_says(Command.OPEN).after(s=3.0).officer_says(Command.CLOSE).after(s=0.01)
    assert not story.pins
    story.after(s=0.45)
    assert not story.pins
    story.after(s=0.1)
    assert story.closing_drive
    assert story.outcome(1) is Code.SUPERSEDED


def test_the_newest_wish_wins_while_the_gate_waits(story: Story) -> None:
    story.gate_is(State.CLOSED).officer_says(Command.OPEN).after(s=3.0)
    story.officer_says(Command.CLOSE).after(s=0.2).officer_says(Command.OPEN).after(s=0.1)
    assert story.opening_drive, "the same direction as before needs no pause"
    assert (story.outcome(1), story.outcome(2), story.outcome(3)) == (Code.SUPERSEDED, Code.SUPERSEDED, "under way")


def test_the_same_wish_again_joins_the_move(story: Story) -> None:
    story.gate_is(State.CLOSED).officer_says(Command.OPEN).after(s=1.0).officer_says(Command.OPEN)
    story.until(lambda s: s.state is State.OPEN)
    assert story.kinds().count(Kind.DRIVE_ENERGISED) == 1
    assert story.outcome(1) == "done"


def test_a_wish_for_where_the_gate_is_gets_told_so(story: Story) -> None:
    story.gate_is(State.CLOSED).officer_says(Command.CLOSE)
    assert story.refusals[-1].code is Code.ALREADY_THERE
    assert story.refusals[-1].remedy


def test_a_close_that_nobody_saw_is_preceded_by_ten_loud_seconds(story: Story) -> None:
    story.gate_is(State.OPEN).officer_says(Command.CLOSE, sighted=False).after(s=9.9)
    assert (story.outputs.lamp, story.outputs.buzzer, story.outputs.siren) == (True, True, True)
    assert not story.pins
    story.after(s=0.2)
    assert story.closing_drive
    assert not story.outputs.siren


def test_a_car_during_the_warning_ends_the_wish(story: Story) -> None:
    story.gate_is(State.OPEN).officer_says(Command.CLOSE, sighted=False).after(s=5.0).car_breaks_the_beam().after(s=9)
    assert story.outcome(1) is Code.BEAM_BLOCKED
    assert Kind.DRIVE_ENERGISED not in story.kinds()
    assert story.state is State.OPEN


def test_from_unknown_it_opens_but_closes_only_for_somebody_who_sees_it() -> None:
    story = Story().gate_is(State.UNKNOWN).officer_says(Command.CLOSE, sighted=False)
    assert story.refusals[-1].code is Code.UNSIGHTED
    story.officer_says(Command.CLOSE, sighted=True).after(s=story.timing.warning_s - 0.1)
    assert story.outputs.buzzer
    assert not story.pins
    story.after(s=0.2)
    assert story.closing_drive
    other = Story().gate_is(State.UNKNOWN).officer_says(Command.OPEN, sighted=False).after(s=0.1)
    assert other.opening_drive


def test_without_a_beam_only_somebody_who_sees_the_gate_closes_it() -> None:
    story = Story(has_beam=False).gate_is(State.OPEN).officer_says(Command.CLOSE, sighted=False)
    assert story.refusals[-1].code is Code.UNSIGHTED
    story.officer_says(Command.CLOSE).until(lambda s: s.state is State.CLOSED)
    unknown = Story(has_beam=False).gate_is(State.UNKNOWN).officer_says(Command.CLOSE)
    assert unknown.refusals[-1].code is Code.UNKNOWN_POSITION


def test_both_limits_at_once_lock_the_gate_until_a_reset(story: Story) -> None:
    """I10: nothing is energised in a hard lock; a reset moves nothing."""
    story.gate_is(State.CLOSED).officer_says(Command.OPEN).after(s=2.0)
    story.sensor_says(limit_open=True, limit_closed=True).after(s=0.1)
    assert (story.health, story.state) == (Health.HARD_LOCK, State.UNKNOWN)
    assert not story.pins
    assert story.outcome(1) is Code.LIMIT_CONFLICT
    story.officer_says(Command.OPEN)
    assert story.refusals[-1].code is Code.LIMIT_CONFLICT
    story.officer_says(Command.RESET)
    assert story.refusals[-1].code is Code.LIMIT_CONFLICT, "not while both still report"
    story.lies.clear()
    story.after(s=1.0)
    assert story.health is Health.HARD_LOCK, "it does not forget by itself"
    story.officer_says(Command.RESET).after(s=3.0)
    assert (story.health, story.pins) == (Health.OK, frozenset())


def test_both_limits_at_power_up_lock_the_gate() -> None:
    story = Story().sensor_says(limit_open=True, limit_closed=True).after(s=1.0)
    assert (story.health, story.state) == (Health.HARD_LOCK, State.UNKNOWN)
    assert story.kinds().count(Kind.HEALTH_CHANGED) == 1


def test_the_limit_behind_that_comes_back_means_swapped_limits(story: Story) -> None:
    story.gate_is(State.CLOSED).officer_says(Command.OPEN).after(s=3.0).sensor_says(limit_closed=True).after(s=0.1)
    assert story.gate.troubles == (Code.LIMITS_SWAPPED,)
    assert not story.pins


def test_a_leaf_that_does_not_leave_its_limit_is_stuck_after_three_seconds(story: Story) -> None:
    story.gate_is(State.CLOSED).sensor_says(limit_closed=True).officer_says(Command.OPEN).after(s=3.2)
    assert story.outcome(1) == "under way", "once more, after a pause"
    story.after(s=3.7)
    assert story.outcome(1) is Code.STUCK
    assert not story.pins
    assert story.state is State.CLOSED, "the limit still says so"


def test_no_drive_runs_longer_than_its_maximum(story: Story) -> None:
    """I9, I8: overtime stops it, and where the leaf is is not known."""
    story = Story(site=Site(timing=story.timing))
    story.gate_is(State.CLOSED).sensor_says(limit_open=False).officer_says(Command.OPEN).after(s=20.3)
    assert not story.pins
    assert story.outcome(1) is Code.OVERTIME
    assert story.state is State.UNKNOWN


def test_a_limit_that_bounces_does_not_end_a_move(story: Story) -> None:
    """Limits need 30 ms."""
    story.gate_is(State.CLOSED).officer_says(Command.OPEN).after(s=2.0)
    for _ in range(20):
        story.sensor_says(limit_open=True).after(s=0.02).sensor_says(limit_open=False).after(s=0.005)
    assert story.opening_drive


def test_silence_of_the_sensors_stops_the_drive(story: Story) -> None:
    """No sample for 100 ms: off, degraded, and no close until two seconds of samples."""
    story.gate_is(State.OPEN).officer_says(Command.CLOSE).after(s=2.0).keeper_falls_silent().after(s=0.15)
    assert story.outputs.relay is None
    assert (story.health, story.state) == (Health.DEGRADED, State.UNKNOWN)
    assert story.outcome(1) is Code.SENSOR_STALE
    story.after(s=1.0).keeper_speaks_again().after(s=1.0)
    assert not story.pins, "I7: nothing is resumed"
    story.officer_says(Command.CLOSE)
    assert story.refusals[-1].code is Code.SENSOR_STALE
    story.after(s=1.5)
    assert story.health is Health.OK


def test_a_resting_gate_that_is_not_seen_for_a_second_is_unknown(story: Story) -> None:
    """I8: closed is published only while its sample is younger than 1 s."""
    assert story.gate_is(State.CLOSED).keeper_falls_silent().after(s=0.9).state is State.CLOSED
    assert story.after(s=0.15).state is State.UNKNOWN
    story.officer_says(Command.OPEN)
    assert story.refusals[-1].code is Code.KEEPER_DOWN


def test_a_gate_pushed_open_by_hand_is_no_longer_closed(story: Story) -> None:
    story.gate_is(State.CLOSED)
    story.yard.leaf = 0.3
    story.after(s=0.1)
    assert (story.state, story.gate.evidence) == (State.UNKNOWN, Evidence.NONE)


def test_a_gate_pushed_during_the_warning_is_no_longer_open(story: Story) -> None:
    story.gate_is(State.OPEN).officer_says(Command.CLOSE, sighted=False).after(s=1.0)
    story.yard.leaf = 0.6
    story.after(s=0.1)
    assert story.state is State.UNKNOWN


def test_a_controller_that_hangs_finds_its_drive_off_and_does_not_resume(story: Story) -> None:
    """I6, I7: the lease runs out, and waking up does not energise again."""
    story.gate_is(State.CLOSED).officer_says(Command.OPEN).after(s=2.0)
    story.controller_runs = False
    story.after(s=0.35)
    assert not story.pins
    story.after(s=2.0)
    story.controller_runs = True
    story.after(s=3.0)
    assert not story.pins
    assert story.outcome(1) in {Code.NO_OUTPUT, Code.SENSOR_STALE}


def test_a_keeper_that_does_not_energise_is_noticed(story: Story) -> None:
    story.gate_is(State.CLOSED)
    story.dead_pins = True
    story.officer_says(Command.OPEN).after(s=0.5)
    assert story.outcome(1) is Code.NO_OUTPUT
    assert story.state is State.CLOSED


def test_a_relay_that_nobody_ordered_locks_the_gate(story: Story) -> None:
    """I14: an energising without a cause is a fault."""
    story.gate_is(State.CLOSED)
    story.shorted = Relay.OPEN
    story.after(s=0.05)
    assert story.gate.troubles == (Code.RELAY_CONFLICT,)


def test_the_siren_ends_by_itself(story: Story) -> None:
    story.gate_is(State.CLOSED).officer_says(Command.SIREN_ON).after(s=1.0)
    assert story.outputs.siren
    story.after(s=story.timing.siren_s)
    assert not story.outputs.siren


def test_light_and_siren_work_in_a_hard_lock() -> None:
    story = Story().sensor_says(limit_open=True, limit_closed=True).after(s=1.0)
    story.officer_says(Command.LIGHT_ON).officer_says(Command.SIREN_ON)
    assert (story.outputs.light, story.outputs.siren, story.outputs.relay) == (True, True, None)


def test_every_pair_of_commands_in_every_order_ends_at_a_limit_or_stopped() -> None:
    """I15: each accepted command ends once, whatever comes after it."""
    motions = [Command.OPEN, Command.CLOSE, Command.STOP]
    for first, second, third in itertools.product(motions, repeat=3):
        story = Story().gate_is(State.UNKNOWN)
        for command in (first, second, third):
            story.officer_says(command).after(s=0.7)
        story.after(s=15.0)
        assert not story.pins
        accepted = {str(f.data["command_id"]) for f in story.facts if f.kind is Kind.COMMAND_ACCEPTED}
        leaders = {ended.command_id for ended in story.ended}
        assert leaders <= accepted
        assert len(leaders) == len(story.ended)


def test_no_phase_and_direction_energises_two_relays() -> None:
    """I1 on the table itself: one relay at the most by its type, and only in the phases that energise."""
    assert {phase for _, phase, _ in drives.RELAY} == ENERGISING
    for (drive, phase, direction), relay in drives.RELAY.items():
        if drive is Drive.HELD:
            assert relay is (Relay.OPEN if direction is Direction.OPEN else Relay.CLOSE)
        assert (relay is Relay.STEP) is (drive is Drive.STEP)
        assert (relay is Relay.STOP) is (drive is Drive.MOMENTARY and phase is Phase.HALTING)


def test_times_may_be_as_large_as_years() -> None:
    """A device hung after 49.7 days (homekit-ratgdo 1.9.0): ours counts in seconds without an end."""
    story = Story(Timing(max_travel_s=20.0))
    story.now_s = 10 * 365 * 86400.0
    story.gate = machine.begin(story.now_s, story.site)
    story.guard.born_s = story.now_s
    story.gate_is(State.CLOSED).officer_says(Command.OPEN).until(lambda s: s.state is State.OPEN)


def test_a_limit_that_comes_up_at_the_end_of_the_warning_is_not_driven_into(story: Story) -> None:
    """I3, seen by an attack: the raw limit counts before every start, also after a warning."""
    story.gate_is(State.OPEN).officer_says(Command.CLOSE, sighted=False)
    story.until(lambda s: s.gate.phase is Phase.WARNING).after(s=story.timing.unsighted_warning_s - 0.015)
    story.yard.leaf = 0.0
    story.after(s=0.5)
    assert Kind.DRIVE_ENERGISED not in story.kinds()
    assert story.outcome(1) == "done"


def test_a_gap_between_samples_is_a_silence_whoever_notices_it(story: Story) -> None:
    """I4: seen by an attack; no timer has to run for it."""
    story.gate_is(State.OPEN).officer_says(Command.CLOSE).after(s=2.0)
    story.controller_runs = False
    story.after(s=0.25)
    story.controller_runs = True
    story.after(s=0.02)
    assert story.outcome(1) is Code.SENSOR_STALE
    assert story.outputs.relay is None


def test_samples_from_before_a_silence_was_declared_prove_nothing(story: Story) -> None:
    """Seen by an attack: a queue of old samples counted as two fresh seconds."""
    story.gate_is(State.OPEN).keeper_falls_silent().after(s=1.5)
    old_s = story.now_s - 1.4
    for number in range(40):
        old = Inputs(at_s=old_s + number * 0.02, active=frozenset({Sensor.LIMIT_OPEN}))
        story.gate = machine.step(story.gate, old, story.site).gate
    assert (story.state, story.gate.senses.fresh_s) == (State.UNKNOWN, None)


def test_two_clear_samples_with_a_gap_between_do_not_clear_the_beam(story: Story) -> None:
    story.gate_is(State.OPEN).car_breaks_the_beam().after(s=0.1).beam_clears().after(s=0.02)
    story.controller_runs = False
    story.after(s=0.5)
    story.controller_runs = True
    story.after(s=0.02).officer_says(Command.CLOSE)
    assert story.refusals[-1].code in {Code.BEAM_BLOCKED, Code.SENSOR_STALE}


def test_stopped_is_said_only_when_the_relay_is_really_off(story: Story) -> None:
    """Seen by an attack with a welded relay: the leaf ran on and the page said that it stood."""
    story.gate_is(State.CLOSED).officer_says(Command.OPEN).after(s=2.0)
    story.shorted = Relay.OPEN
    story.officer_says(Command.STOP).after(s=0.1)
    assert story.state is State.OPENING
    story.after(s=1.0)
    assert (story.gate.troubles, story.gate.state) == ((Code.RELAY_CONFLICT,), State.UNKNOWN)
    assert story.outcome(2) is Code.RELAY_CONFLICT


def test_an_officer_cannot_close_while_the_beam_has_the_gate_opened(story: Story) -> None:
    """The beam ranks above an officer's command: the gate opens fully first."""
    story.gate_is(State.OPEN).officer_says(Command.CLOSE).after(s=3.0).car_breaks_the_beam().after(s=0.05)
    story.beam_clears().after(s=0.3).officer_says(Command.CLOSE)
    assert story.refusals[-1].code is Code.BEAM_BLOCKED
    story.until(lambda s: s.state is State.OPEN).after(s=0.5).officer_says(Command.CLOSE).after(s=0.1)
    assert story.closing_drive


def test_an_officers_open_goes_on_with_the_beams_reopening(story: Story) -> None:
    """I14, I15: one energising, one cause; the officer's command ends with the limit."""
    story.gate_is(State.OPEN).officer_says(Command.CLOSE).after(s=3.0).car_breaks_the_beam().after(s=1.0)
    story.officer_says(Command.OPEN).until(lambda s: s.state is State.OPEN).after(s=0.1)
    assert story.outcome(2) == "done"
    assert story.kinds().count(Kind.DRIVE_ENERGISED) == 2
    assert story.fact(Kind.DRIVE_RELEASED).data["command_id"] == "c1"


def test_every_stop_ends_however_many_there_are(story: Story) -> None:
    """I15: seen by an attack; the first four of twelve never ended."""
    story.gate_is(State.CLOSED).officer_says(Command.OPEN).after(s=1.0)
    for _ in range(12):
        story.officer_says(Command.STOP)
    story.after(s=0.1)
    assert {story.outcome(number) for number in range(2, 14)} == {"done"}


def test_a_stop_that_no_keeper_hears_ends_with_the_reason(story: Story) -> None:
    story.gate_is(State.CLOSED).officer_says(Command.OPEN).after(s=1.0).keeper_falls_silent().after(s=0.05)
    story.officer_says(Command.STOP).after(s=2.0)
    assert story.outcome(2) is Code.SENSOR_STALE


def test_a_reset_in_silence_is_refused(story: Story) -> None:
    story.gate_is(State.CLOSED).sensor_says(limit_open=True).after(s=0.2).keeper_falls_silent().after(s=1.5)
    story.officer_says(Command.RESET)
    assert story.refusals[-1].code is Code.KEEPER_DOWN
    assert story.health is Health.HARD_LOCK


def test_commands_do_not_put_off_the_lock_of_a_welded_relay(story: Story) -> None:
    story.gate_is(State.CLOSED).officer_says(Command.OPEN).after(s=2.0)
    story.shorted = Relay.OPEN
    for _ in range(5):
        story.officer_says(Command.STOP).after(s=0.1)
    assert story.health is Health.HARD_LOCK


def test_a_second_fault_is_told_beside_the_first(story: Story) -> None:
    story.gate_is(State.UNKNOWN)
    story.shorted = Relay.OPEN
    story.after(s=0.5).sensor_says(limit_open=True, limit_closed=True).after(s=0.2)
    assert story.gate.troubles == (Code.LIMIT_CONFLICT, Code.RELAY_CONFLICT)


def test_light_and_siren_need_a_keeper_that_hears(story: Story) -> None:
    story.gate_is(State.CLOSED).keeper_falls_silent().after(s=2.0).officer_says(Command.SIREN_ON)
    assert story.refusals[-1].code is Code.KEEPER_DOWN
    assert not story.outputs.siren
    story.officer_says(Command.SIREN_OFF)
    assert story.outcome(2) == "done"


def test_a_limit_that_comes_up_between_order_and_relay_takes_the_order_back(story: Story) -> None:
    """I3: found by the campaign, seed 201907."""
    story.gate_is(State.UNKNOWN)
    story.yard.leaf = 0.966
    story.after(s=0.1).officer_says(Command.OPEN)
    story.yard.leaf = 0.975
    story.after(s=0.2)
    assert Kind.DRIVE_ENERGISED not in story.kinds()
    assert (story.outcome(1), story.state) == ("done", State.OPEN)


def test_a_close_that_is_given_up_before_it_began_leaves_a_trace(story: Story) -> None:
    """I15, seen by a new user: the diary read as if the gate had closed."""
    story.gate_is(State.OPEN).officer_says(Command.CLOSE, sighted=False).after(s=3.0).officer_says(Command.STOP)
    told = story.fact(Kind.COMMAND_REFUSED)
    assert told.data == {"command_id": "c1", "command": "close", "reason": "", "code": "stopped"}


def test_a_leaf_that_never_left_its_limit_is_not_reopened_and_may_close_again(story: Story) -> None:
    """Seen in the bench: a beam broken at once held a close off for the dead time, with the gate proven open."""
    story.gate_is(State.OPEN).officer_says(Command.CLOSE).after(s=0.1).car_breaks_the_beam().after(s=0.02)
    story.beam_clears().after(s=1.2)
    assert (story.state, story.gate.target) == (State.OPEN, None)
    story.officer_says(Command.CLOSE)
    assert not story.refusals
    assert story.after(s=0.1).closing_drive
