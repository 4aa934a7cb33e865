"""Stories of what the gate learns: travel times, how often it moved, and when it needs somebody."""

from __future__ import annotations

from dataclasses import replace

import pytest

from gate.memory import Kept
from gate.model import Code, Command, Health, Kind, Sensor, State
from tests.gate.sites import SITE, energised, story_of
from tests.story import Story

SERVICED = replace(SITE, service_cycles=2)


def cycles(story: Story, times: int) -> Story:
    """Open and close the gate this many times, without an obstacle."""
    for _ in range(times):
        story.officer_says(Command.OPEN).until_is(State.OPEN).after(s=0.6)
        story.officer_says(Command.CLOSE).until_is(State.CLOSED).after(s=0.6)
    return story


def known(*times_s: float) -> Kept:
    """Return what a gate has learned of both directions."""
    return Kept(open_s=times_s, close_s=times_s)


def test_clean_runs_from_limit_to_limit_are_learned_for_each_direction() -> None:
    story = cycles(story_of(), 3)
    assert len(story.gate.learned.open_s) == len(story.gate.learned.close_s) == 3
    assert story.gate.learned.open_s == pytest.approx([8.0] * 3, abs=0.6)
    assert story.gate.learned.cycles == 3


def test_only_the_last_five_runs_count() -> None:
    story = story_of(kept=known(1.0, 8.1, 8.2, 8.3, 30.0)).officer_says(Command.OPEN).until_is(State.OPEN)
    assert story.gate.learned.open_s[:4] == (8.1, 8.2, 8.3, 30.0)
    assert story.gate.learned.open_s[4] == pytest.approx(8.0, abs=0.6)
    assert story.gate.learned.close_s == (1.0, 8.1, 8.2, 8.3, 30.0)


def test_a_run_that_was_stopped_or_turned_round_teaches_nothing() -> None:
    story = story_of().officer_says(Command.OPEN).after(s=3.0).officer_says(Command.STOP).after(s=1.0)
    story.officer_says(Command.OPEN).until_is(State.OPEN)
    assert story.gate.learned.open_s == ()
    story.after(s=1.0).officer_says(Command.CLOSE).after(s=3.0).car_breaks_the_beam().after(s=0.1).beam_clears()
    story.until_is(State.OPEN).after(s=1.0)
    assert (story.gate.learned.open_s, story.gate.learned.close_s) == ((), ())
    story.officer_says(Command.CLOSE).until_is(State.CLOSED)
    assert len(story.gate.learned.close_s) == 1


def test_a_run_that_needed_a_second_try_teaches_nothing() -> None:
    story = story_of().something("motor", "dead").officer_says(Command.OPEN).after(s=3.3).something("motor", "ok")
    story.until_is(State.OPEN)
    assert story.outcome(1) == "done"
    assert story.gate.learned.open_s == ()


def test_hold_to_run_teaches_nothing() -> None:
    story = story_of().sensor_says(maintenance=True).after(s=0.2).sensor_says(open_button=True).until_is(State.OPEN)
    assert story.gate.learned.open_s == ()


def test_what_was_learned_survives_a_restart() -> None:
    story = cycles(story_of(), 1)
    learned = story.gate.learned
    story.power_comes_back().after(s=3.0)
    assert story.gate.learned == learned


@pytest.mark.parametrize(("runs", "off_after_s"), [((2.0, 2.0, 2.0), 2.7), ((9.0, 2.0, 2.0, 2.0, 9.0), 2.7)])
def test_a_drive_runs_no_longer_than_a_third_over_what_is_usual(runs: tuple[float, ...], off_after_s: float) -> None:
    """I9: 1.35 x the median; overtime, and nothing is known of the leaf."""
    story = story_of(kept=known(*runs)).officer_says(Command.OPEN).until(lambda s: s.opening_drive)
    began_s = story.now_s
    story.until(lambda s: not s.opening_drive)
    assert story.now_s - began_s == pytest.approx(off_after_s, abs=0.02)
    assert story.after(s=1.0).outcome(1) is Code.OVERTIME
    assert story.state is State.UNKNOWN


def test_two_runs_are_not_enough_to_go_by() -> None:
    story = story_of(kept=known(2.0, 2.0)).officer_says(Command.OPEN).until_is(State.OPEN)
    assert story.outcome(1) == "done"


def test_each_direction_goes_by_its_own_runs() -> None:
    story = story_of(kept=Kept(close_s=(2.0, 2.0, 2.0))).officer_says(Command.OPEN).until_is(State.OPEN).after(s=1.0)
    story.officer_says(Command.CLOSE).after(s=4.0)
    assert story.outcome(2) is Code.OVERTIME


def test_nothing_that_was_learned_lets_a_drive_run_longer_than_the_site_says() -> None:
    """I9."""
    site = replace(SITE, sensors=SITE.sensors - {Sensor.EDGE})
    story = story_of(site, kept=known(30.0, 30.0, 30.0)).sensor_says(limit_open=False).officer_says(Command.OPEN)
    story.after(s=20.3)
    assert story.outcome(1) is Code.OVERTIME


def test_a_leaf_that_takes_longer_than_usual_is_told_and_heals_with_a_good_run() -> None:
    """From 1.15 x learned: `slow`."""
    story = story_of(kept=known(6.6, 6.6, 6.6)).officer_says(Command.OPEN).after(s=7.4)
    assert story.health is Health.OK
    story.after(s=0.4)
    assert (story.gate.troubles, story.health) == ((Code.SLOW,), Health.DEGRADED)
    assert story.opening_drive, "a warning, no stop"
    story.until_is(State.OPEN)
    assert story.outcome(1) == "done"
    story.after(s=1.0)
    assert story.gate.troubles == (Code.SLOW,)
    story.officer_says(Command.RESET)
    assert story.health is Health.OK


def test_a_slow_gate_that_runs_well_again_is_well_again() -> None:
    story = story_of(kept=Kept(open_s=(6.6, 6.6, 6.6), close_s=(8.0, 8.0, 8.0)))
    story.officer_says(Command.OPEN).until_is(State.OPEN).after(s=1.0)
    assert story.gate.troubles == (Code.SLOW,)
    assert story.officer_says(Command.CLOSE).until_is(State.CLOSED).gate.troubles == ()


def test_a_gate_that_is_driven_often_asks_to_be_serviced() -> None:
    story = cycles(story_of(SERVICED), 1)
    assert story.gate.troubles == ()
    assert cycles(story, 1).gate.troubles == (Code.MAINTENANCE_DUE,)
    assert story.health is Health.OK, "a notice is no fault"
    assert story.fact(Kind.HEALTH_CHANGED).data["reasons"] == ["maintenance_due"]
    cycles(story, 1)
    assert len(energised(story)) == 6, "and keeps nothing from moving"


def test_the_notice_ends_with_a_reset_and_comes_back_when_it_is_due() -> None:
    story = cycles(story_of(SERVICED), 2).officer_says(Command.RESET)
    assert story.gate.troubles == ()
    cycles(story, 1)
    assert story.gate.troubles == ()
    assert cycles(story, 1).gate.troubles == (Code.MAINTENANCE_DUE,)


def test_the_notice_survives_a_restart() -> None:
    """Seen by a story: a power cut at night, and nobody ever knew."""
    story = cycles(story_of(SERVICED), 2).power_comes_back().after(s=3.0)
    assert story.gate.troubles == (Code.MAINTENANCE_DUE,)
    assert story.gate.learned.cycles == 2


def test_a_site_may_want_no_notice() -> None:
    assert cycles(story_of(replace(SITE, service_cycles=0)), 2).gate.troubles == ()


def test_only_a_gate_that_closed_has_made_a_cycle() -> None:
    story = story_of().officer_says(Command.OPEN).until_is(State.OPEN).after(s=1.0)
    assert story.gate.learned.cycles == 0
    story.officer_says(Command.CLOSE).after(s=3.0).officer_says(Command.STOP).after(s=1.0)
    assert story.gate.learned.cycles == 0
    story.officer_says(Command.CLOSE).until_is(State.CLOSED)
    assert story.gate.learned.cycles == 1


def test_a_close_that_finds_the_gate_closed_is_no_cycle() -> None:
    story = story_of(leaf=0.5).officer_says(Command.CLOSE).after(s=1.0)
    assert story.is_warning
    story.yard.leaf = 0.0
    story.after(s=0.5)
    assert story.outcome(1) == "done"
    assert (story.gate.learned.cycles, story.gate.learned.close_s) == (0, ())
    assert story.fact(Kind.ARRIVED).data["travel_ms"] == 0
