"""The plant of the simulated yard: mass, motor, limits, edge, relays, power and people."""

from __future__ import annotations

import pytest

from gate.model import Direction, Relay
from gate.world import TRAVEL_S, Yard, YardError
from gate.yard_leaf import CRUISE_M_S, EDGE_M, EDGE_TRIPS_M, Leaf
from gate.yard_parts import DROP_OUT_S, HYSTERESIS_M, LIMIT_M, PULL_IN_S
from tests.gate.yard import run, until

OPEN, CLOSE = [Relay.OPEN], [Relay.CLOSE]
LENGTH_M = CRUISE_M_S * TRAVEL_S
WINDOW = LIMIT_M / LENGTH_M


# ------------------------------------------------------------------------------------------------------- the leaf


def test_a_motor_takes_its_time_and_the_leaf_coasts() -> None:
    yard = run(run(Yard(), s=1.0), OPEN, s=0.1)
    assert (yard.leaf, yard.motor) == (0.0, Direction.OPEN), "driven, and not moving yet"
    run(yard, OPEN, s=2.0)
    before = yard.leaf
    run(yard, s=1.0)
    assert before + 0.01 < yard.leaf < before + 0.03
    assert yard.speed == 0.0


@pytest.mark.parametrize("travel_s", [3.0, 4.0, TRAVEL_S, 15.0])
@pytest.mark.parametrize("drive", [OPEN, CLOSE])
def test_the_whole_way_takes_about_its_travel_time(travel_s: float, drive: list[Relay]) -> None:
    yard = Yard(travel_s=travel_s)
    limit = "limit_open" if drive is OPEN else "limit_closed"
    yard.leaf = 0.0 if drive is OPEN else 1.0
    assert until(yard, drive, lambda yard: yard.sensors()[limit]) == pytest.approx(travel_s, abs=0.25)


def test_an_ordinary_stop_ends_within_the_limits_window_and_touches_nothing() -> None:
    """A sample, a debounce and the relay's drop-out after the limit: the leaf still rests before the hard end."""
    for end, drive in (("limit_open", OPEN), ("limit_closed", CLOSE)):
        yard = Yard(travel_s=3.0)
        yard.leaf = 0.5
        until(yard, drive, lambda yard, end=end: yard.sensors()[end])  # type: ignore[misc] # mypy can't type a default
        run(yard, drive, s=0.05)
        run(yard, s=1.0)
        assert yard.sensors()[end]
        assert 0.0 < yard.leaf < 1.0
        assert not yard.edge_pressed


def test_both_relays_at_once_move_nothing() -> None:
    yard = run(Yard(), [Relay.OPEN, Relay.CLOSE], s=2.0)
    assert (yard.leaf, yard.motor) == (0.0, None)


@pytest.mark.parametrize("step_s", [0.001, 0.01, 0.02, 0.05, 0.1])
def test_the_leaf_goes_the_same_way_however_time_is_cut(step_s: float) -> None:
    fine, coarse = Yard(), Yard()
    run(fine, OPEN, s=3.0)
    run(coarse, OPEN, s=3.0, step_s=step_s)
    assert coarse.leaf == pytest.approx(fine.leaf, abs=0.003)
    assert coarse.at_s == pytest.approx(fine.at_s)


def test_a_long_pause_of_whoever_turns_the_clock_is_lived_through() -> None:
    yard = Yard()
    yard.advance(60.0, OPEN)
    assert yard.leaf == 1.0
    yard.advance(3600.0, [])
    assert yard.speed == 0.0
    assert yard.at_s == pytest.approx(3660.0)


def test_the_same_seed_tells_the_same_story_and_another_one_another() -> None:
    def story(seed: int) -> list[float]:
        yard = Yard(seed=seed)
        yard.become("wind", "on")
        told = []
        for relay in (Relay.OPEN, Relay.CLOSE, Relay.OPEN):
            run(yard, [relay], s=1.7)
            run(yard, s=0.6)
            told.append(yard.leaf)
        return told

    assert story(1) == story(1) != story(2)


def test_a_wind_makes_the_way_longer_or_shorter_and_never_opens_a_braked_leaf() -> None:
    yard = Yard(seed=4)
    yard.obey("wind", ["on"])
    assert run(yard, s=30.0).leaf == 0.0
    times = []
    for seed in range(6):
        yard = Yard(seed=seed)
        yard.obey("wind", ["on"])
        times.append(until(yard, OPEN, lambda yard: yard.sensors()["limit_open"]))
    assert max(times) - min(times) > 0.05
    assert all(6.5 < time_s < 9.5 for time_s in times), times


def test_when_the_wind_drops_the_leaf_takes_its_own_time_again() -> None:
    calm_s = until(Yard(), OPEN, lambda yard: yard.sensors()["limit_open"])
    for seed in range(4):
        yard = Yard(seed=seed)
        yard.obey("wind", [])
        run(yard, s=0.1)
        yard.obey("wind", ["off"])
        assert until(yard, OPEN, lambda yard: yard.sensors()["limit_open"]) == pytest.approx(calm_s, abs=0.01)


def test_uphill_is_slower_than_downhill_and_a_braked_leaf_stays_on_its_slope() -> None:
    up, down = Yard(), Yard()
    up.slope, down.slope = -0.03, 0.03
    assert run(down, s=5.0).leaf == 0.0
    slower = until(up, OPEN, lambda yard: yard.sensors()["limit_open"])
    assert slower > until(down, OPEN, lambda yard: yard.sensors()["limit_open"])


def test_a_leaf_too_quick_to_be_one_is_refused() -> None:
    for travel_s in (0.0, -1.0, 0.5, float("nan")):
        with pytest.raises(ValueError, match="travel_s"):
            Leaf(travel_s)


# ------------------------------------------------------------------------------------------------- people, release


def test_a_hard_push_forces_a_closed_leaf_off_its_limit() -> None:
    """Rules table: closed limit lost without a cause."""
    yard = Yard()
    yard.obey("push", ["open"])
    assert until(yard, [], lambda yard: not yard.sensors()["limit_closed"]) < 2.0
    assert (yard.motor, yard.relays) == (None, frozenset())
    run(yard, s=5.0)
    assert 0.0 < yard.leaf < 0.3
    assert yard.speed == 0.0, "the brake holds again when they let go"


def test_a_lean_does_not_move_a_braked_leaf() -> None:
    yard = Yard()
    yard.push(Direction.OPEN, force_n=400.0, for_s=5.0)
    assert run(yard, s=4.0).is_lively
    assert run(yard, s=2.0).leaf == 0.0
    assert not yard.is_lively, "nobody leans on for ever"


def test_a_released_leaf_follows_a_hand_and_not_the_motor() -> None:
    yard = Yard()
    yard.obey("release", ["on"])
    assert yard.sensors()["release"]
    assert run(yard, OPEN, s=5.0).leaf == 0.0
    assert yard.motor is Direction.OPEN, "driven all the same"
    yard.push(Direction.OPEN, force_n=200.0, for_s=3.0)
    assert run(yard, s=5.0).leaf > 0.05
    yard.obey("release", ["off"])
    assert not yard.sensors()["release"]
    before = yard.leaf
    assert run(yard, OPEN, s=2.0).leaf > before


def test_a_released_leaf_rolls_down_its_slope() -> None:
    yard = Yard()
    yard.slope = 0.05
    yard.obey("release", ["on"])
    run(yard, s=10.0)
    assert yard.leaf == pytest.approx(1.0)


def test_someone_who_holds_the_leaf_stops_the_motor_for_as_long() -> None:
    yard = Yard()
    yard.leaf = 0.5
    run(yard, CLOSE, s=1.0)
    yard.push(Direction.OPEN, for_s=3.0)
    run(yard, CLOSE, s=1.0)
    held = yard.leaf
    run(yard, CLOSE, s=1.5)
    assert abs(yard.leaf - held) < 0.05
    run(yard, CLOSE, s=2.0)
    assert yard.leaf < held - 0.1


# --------------------------------------------------------------------------------------------------------- limits


def test_a_limit_lets_go_later_than_it_acts() -> None:
    yard = Yard()
    yard.leaf = 0.2
    until(yard, CLOSE, lambda yard: yard.sensors()["limit_closed"])
    acts = yard.leaf
    until(yard, OPEN, lambda yard: not yard.sensors()["limit_closed"])
    assert acts == pytest.approx(WINDOW, abs=0.001)
    assert yard.leaf == pytest.approx(WINDOW + HYSTERESIS_M / LENGTH_M, abs=0.001)


def test_a_stuck_limit_stays_as_it_is() -> None:
    for leaf, stays in ((0.0, True), (0.5, False)):
        yard = Yard()
        yard.leaf = leaf
        yard.obey("limit", ["closed", "stuck"])
        run(yard, OPEN if stays else CLOSE, s=TRAVEL_S)
        assert yard.sensors()["limit_closed"] is stays
        yard.obey("limit", ["closed", "ok"])
        assert yard.sensors()["limit_closed"] is not stays


def test_a_missing_limit_is_never_active_and_the_leaf_runs_onto_its_edge() -> None:
    yard = Yard()
    yard.leaf = 0.3
    yard.obey("limit", ["closed", "missing"])
    until(yard, CLOSE, lambda yard: yard.edge_pressed)
    assert not yard.sensors()["limit_closed"]
    assert yard.sensors()["edge"]
    assert yard.leaf == 0.0


def test_swapped_limits_show_each_other() -> None:
    yard = Yard()
    yard.obey("limit", ["open", "swapped"])
    assert (yard.sensors()["limit_open"], yard.sensors()["limit_closed"]) == (True, False)
    run(yard, OPEN, s=TRAVEL_S + 1)
    assert (yard.sensors()["limit_open"], yard.sensors()["limit_closed"]) == (False, True)
    yard.obey("limit", ["closed", "ok"])
    assert (yard.sensors()["limit_open"], yard.sensors()["limit_closed"]) == (True, False)
    assert yard.faults == []


def flips(yard: Yard, relays: list[Relay], *, s: float) -> list[bool]:
    """Return what the open limit showed, one entry a change."""
    shown = [yard.sensors()["limit_open"]]
    for _ in range(round(s / 0.001)):
        yard.advance(0.001, relays)
        now = yard.sensors()["limit_open"]
        if now is not shown[-1]:
            shown.append(now)
    return shown


def test_a_bouncing_limit_chatters_when_it_is_touched_and_comes_to_rest_at_the_truth() -> None:
    yard = Yard()
    yard.leaf = 0.9
    yard.obey("limit", ["open", "bouncing"])
    assert flips(yard, [], s=1.0)[-1] is False
    told = flips(yard, OPEN, s=2.0)
    assert len(told) > 10
    assert told[-1] is True
    assert flips(yard, [], s=2.0) == [True], "at rest it is quiet"
    yard.obey("limit", ["open", "ok"])
    yard.leaf = 0.9
    assert flips(yard, OPEN, s=2.0) == [False, True], "a good one never chatters"


def test_no_flip_of_a_bouncing_limit_outlasts_the_debounce() -> None:
    """Limits need 30 ms; a worn one gives less than that at a time."""
    yard = Yard()
    yard.leaf = 0.9
    yard.obey("limit", ["open", "bouncing"])
    run(yard, s=1.0)
    pressed_s = until(yard, OPEN, lambda yard: yard.sensors()["limit_open"])
    assert pressed_s > 0.1
    longest = gap = 0
    for _ in range(150):
        yard.advance(0.001, OPEN)
        gap = 0 if yard.sensors()["limit_open"] else gap + 1
        longest = max(longest, gap)
    assert 1 <= longest < 30


def test_a_leaf_put_anywhere_shows_its_limits_at_once() -> None:
    yard = Yard()
    for leaf, shown in ((0.0, (False, True)), (0.5, (False, False)), (1.0, (True, False)), (7.0, (True, False))):
        yard.leaf = leaf
        assert (yard.sensors()["limit_open"], yard.sensors()["limit_closed"]) == shown
    assert yard.leaf == 1.0


# ----------------------------------------------------------------------------------------------------------- edge


def test_the_edge_gives_way_before_it_trips_and_lets_go_when_the_leaf_leaves() -> None:
    yard = Yard()
    yard.leaf = 0.2
    yard.obey("limit", ["closed", "missing"])
    until(yard, CLOSE, lambda yard: yard.leaf == 0.0)
    assert not yard.edge_pressed, "it touches, and is not squeezed yet"
    took_s = until(yard, CLOSE, lambda yard: yard.edge_pressed)
    assert 0.5 * EDGE_TRIPS_M / CRUISE_M_S < took_s < 0.1
    assert run(yard, CLOSE, s=2.0).edge_pressed
    assert yard.speed == 0.0, f"{EDGE_M} m and then it is hard"
    assert run(yard, s=1.0).edge_pressed, "the gear holds what it has squeezed"
    until(yard, OPEN, lambda yard: not yard.edge_pressed, within_s=2.0)


def test_an_edge_on_the_opening_side_trips_at_the_far_wall() -> None:
    yard = Yard()
    yard.leaf = 0.9
    until(yard, OPEN, lambda yard: yard.edge_pressed)
    assert yard.leaf == 1.0


def test_a_leaf_pushed_against_its_end_rebounds_and_comes_to_rest() -> None:
    yard = Yard()
    yard.leaf = 0.8
    yard.obey("release", ["on"])
    yard.push(Direction.OPEN, for_s=1.0)
    until(yard, [], lambda yard: yard.leaf == 1.0, within_s=10.0)
    run(yard, s=10.0)
    assert yard.speed == 0.0
    assert not yard.edge_pressed


def test_a_pressed_edge_reads_active_until_it_is_let_go() -> None:
    yard = Yard()
    yard.obey("edge", ["press"])
    assert yard.edge_pressed
    assert yard.sensors()["edge"]
    yard.obey("edge", ["ok"])
    assert not yard.sensors()["edge"]


# ----------------------------------------------------------------------------------------------------- motor, relays


def test_a_dead_motor_moves_nothing() -> None:
    yard = Yard()
    yard.obey("motor", ["dead"])
    assert run(yard, OPEN, s=5.0).leaf == 0.0
    yard.obey("motor", ["ok"])
    assert run(yard, OPEN, s=5.0).leaf > 0.4


@pytest.mark.parametrize("seed", range(10))
def test_contacts_follow_their_coils_a_little_later(seed: int) -> None:
    """facts/gpio.md 7: pull-in 5-10 ms, drop-out 10-20 ms."""
    yard = Yard(seed=seed)
    for _ in range(5):
        for coils, (least_s, most_s) in ((OPEN, PULL_IN_S), ([], DROP_OUT_S)):
            before = yard.contacts
            took_s = 0.0
            while yard.contacts == before:
                yard.advance(0.001, coils)
                took_s += 0.001
            assert least_s - 1e-6 <= took_s <= most_s + 0.001 + 1e-6
            run(yard, coils, s=0.1)


def test_two_relays_switched_at_once_overlap() -> None:
    """facts/gpio.md 7: off and on without a gap; here the interlock of the contactors saves the motor."""
    yard = run(Yard(), OPEN, s=1.0)
    seen = set()
    for _ in range(30):
        yard.advance(0.001, CLOSE)
        seen.add(yard.contacts)
    assert frozenset(OPEN + CLOSE) in seen


def test_a_coil_that_is_on_too_briefly_pulls_nothing() -> None:
    yard = Yard()
    run(yard, OPEN, s=0.003, step_s=0.001)
    for _ in range(30):
        yard.advance(0.001, [])
        assert yard.contacts == frozenset()


def test_a_welded_contact_drives_on_and_a_dead_one_never() -> None:
    yard = run(Yard(), OPEN, s=1.0)
    yard.obey("relay", ["open", "welded"])
    run(yard, s=2.0)
    assert (yard.relays, yard.contacts, yard.motor) == (frozenset(), frozenset(OPEN), Direction.OPEN)
    assert yard.leaf > 0.2
    yard.obey("relay", ["open", "ok"])
    run(yard, s=1.0)
    assert (yard.contacts, yard.speed) == (frozenset(), 0.0)
    yard.obey("relay", ["close", "dead"])
    before = yard.leaf
    run(yard, CLOSE, s=2.0)
    assert (yard.relays, yard.contacts, yard.leaf) == (frozenset(CLOSE), frozenset(), before)


def test_a_contact_that_welds_on_a_resting_yard_moves_it() -> None:
    yard = run(Yard(), s=1.0)
    yard.obey("relay", ["open", "welded"])
    assert run(yard, s=2.0).leaf > 0.1


# ---------------------------------------------------------------------------------------------------------- power


def test_without_mains_nothing_drives_and_the_input_says_so() -> None:
    yard = run(Yard(), OPEN, s=2.0)
    yard.obey("power", ["cut"])
    assert yard.sensors()["mains_lost"]
    run(yard, OPEN, s=1.0)
    assert (yard.motor, yard.speed) == (None, 0.0)
    before = yard.leaf
    assert run(yard, OPEN, s=2.0).leaf == before
    yard.obey("power", ["back"])
    assert not yard.sensors()["mains_lost"]
    assert run(yard, OPEN, s=2.0).leaf > before, "a contactor whose coil is on pulls in again"


def test_a_battery_keeps_the_motor_going() -> None:
    yard = Yard()
    yard.obey("battery", ["on"])
    yard.obey("power", ["cut"])
    yard.obey("input", ["battery_low", "on"])
    assert yard.sensors()["mains_lost"]
    assert yard.sensors()["battery_low"]
    assert run(yard, OPEN, s=2.0).leaf > 0.1
    yard.obey("battery", ["off"])
    before = run(yard, s=1.0).leaf
    assert run(yard, OPEN, s=2.0).leaf == before


# ----------------------------------------------------------------------------------------------------------- beam


def test_a_taped_lens_and_a_thing_break_the_beam_alike() -> None:
    yard = Yard()
    assert not yard.sensors()["beam"]
    yard.beam_held = True
    assert yard.sensors()["beam"]
    assert yard.beam_broken
    yard.beam_held = False
    assert not yard.beam_broken


def test_a_beam_whose_transmitter_is_off_reads_broken_unless_its_receiver_is_stuck() -> None:
    """Rules table: the self-test before a close finds the beam that would say clear for ever."""
    yard = Yard()
    yard.beam_test = True
    assert yard.sensors()["beam"]
    assert not yard.beam_broken, "nothing stands in the light"
    yard.beam_test = False
    yard.obey("beam", ["stuck"])
    yard.beam_test = True
    assert not yard.sensors()["beam"]
    yard.obey("beam", ["clear"])
    assert yard.sensors()["beam"]


# ------------------------------------------------------------------------------------------------------ rest, words


def test_a_yard_at_rest_says_so() -> None:
    yard = run(Yard(), s=1.0)
    assert not yard.is_lively
    for wake in (["push", "open"], ["car"]):
        yard = run(Yard(), s=1.0)
        yard.obey(wake[0], wake[1:])
        assert yard.is_lively
    assert run(Yard(), OPEN, s=0.05).is_lively
    released = Yard()
    released.obey("release", ["on"])
    assert not run(released, s=1.0).is_lively


def test_a_coil_let_go_after_a_rest_still_drops_out() -> None:
    """A dead contact drives nothing; its coil is no rest all the same."""
    yard = Yard()
    yard.obey("relay", ["open", "dead"])
    run(yard, OPEN, s=1.0)
    run(yard, s=1.0)
    assert yard.relays == frozenset()
    yard.obey("relay", ["open", "ok"])
    assert run(yard, s=1.0).contacts == frozenset()


def test_what_no_part_can_be_is_refused() -> None:
    for subject, condition in (("beam", "open"), ("cow", "on"), ("limit_open", "welded"), ("step_relay", "stuck")):
        with pytest.raises(YardError):
            Yard().become(subject, condition)
    with pytest.raises(ValueError, match="open_stop_close_stop"):
        Yard(drive="step", logic="dance")  # type: ignore[arg-type] # as a configuration would say it
