"""The priority of docs/safety.md, pair by pair: for two conditions that hold at once, the higher one decides.

`CAUSES` says how each condition of `bars.BARS` is brought about; the pairs that can hold together follow from it. For
each pair the reason that is given is the higher one's, and so is what becomes of a move that is under way.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable
from dataclasses import dataclass, replace

import pytest

from gate.bars import BARS, barring
from gate.memory import Kept, Move
from gate.model import Code, Command, Direction, Mode, Origin, Sensor, State
from gate.turn import Turn
from tests.gate.sites import SITE, causes, energised, open_gate, refusal, story_of
from tests.story import Story

BATTERY = replace(SITE, open_and_stay=True)
RANK = {code: rank for rank, (code, _) in enumerate(BARS)}
CLOSE, OPEN = Direction.CLOSE, Direction.OPEN


NOTHING = Kept()


@dataclass(frozen=True, kw_only=True)
class Cause:
    """How a condition comes about: by what was kept over the last start, a sensor, or something that happens."""

    bars: frozenset[Direction]
    kept: Kept = NOTHING
    sensor: Sensor | None = None
    happens: Callable[[Story], object] | None = None


def _fall_silent(story: Story) -> None:
    story.keeper_falls_silent().after(s=1.2).keeper_speaks_again().after(s=0.9)


BOTH = frozenset(Direction)
CAUSES: dict[Code, Cause] = {
    Code.ESTOP: Cause(bars=BOTH, sensor=Sensor.ESTOP),
    Code.STOP_PRESSED: Cause(bars=BOTH, sensor=Sensor.STOP_BUTTON),
    Code.STOP_PRESSED: Cause(bars=BOTH, sensor=Sensor.STOP_BUTTON),
    Code.EDGE: Cause(bars=BOTH, sensor=Sensor.EDGE),
    Code.RELEASED: Cause(bars=BOTH, sensor=Sensor.RELEASE),
    Code.HARD_LOCK: Cause(bars=BOTH, kept=Kept(troubles=(Code.RELAY_CONFLICT,))),
    Code.MAINTENANCE: Cause(bars=BOTH, sensor=Sensor.MAINTENANCE),
    Code.EMERGENCY: Cause(bars=frozenset({CLOSE}), kept=Kept(mode=Mode.EMERGENCY_OPEN)),
    Code.BEAM_BLOCKED: Cause(bars=frozenset({CLOSE}), sensor=Sensor.BEAM),
    Code.SENSOR_STALE: Cause(bars=frozenset({CLOSE}), happens=_fall_silent),
    Code.LOCKED_DOWN: Cause(bars=frozenset({OPEN}), kept=Kept(mode=Mode.LOCKDOWN)),
    Code.HELD_OPEN: Cause(bars=frozenset({CLOSE}), kept=Kept(mode=Mode.HOLD_OPEN, mode_left_s=900.0)),
    Code.SOFT_LOCK: Cause(bars=frozenset({CLOSE}), kept=Kept(troubles=(Code.SOFT_LOCK,))),
    Code.BATTERY_LOW: Cause(bars=frozenset({CLOSE}), sensor=Sensor.BATTERY_LOW),
}
MODES = {Code.EMERGENCY, Code.LOCKED_DOWN, Code.HELD_OPEN}
ONE_OVERLAY = {Code.RELEASED, Code.MAINTENANCE}


def pairs() -> list[tuple[Code, Code]]:
    """Return every pair that can bar the same move at once, the higher first."""
    codes = [code for code, _ in BARS]
    return [pair for pair in itertools.combinations(codes, 2) if _can_meet(*pair)]


def _can_meet(higher: Code, lower: Code) -> bool:
    if {higher, lower} <= MODES or {higher, lower} == ONE_OVERLAY:
        return False  # there is one mode at a time; the release hides the key
    if higher is Code.MAINTENANCE and lower in MODES:
        return False  # the key ends every mode that was asked for
    return bool(CAUSES[higher].bars & CAUSES[lower].bars)


def under(*codes: Code) -> Story:
    """Return a story of a half-open gate under these conditions."""
    kept = Kept()
    for each in (CAUSES[code].kept for code in codes):
        kept = replace(
            kept,
            mode=kept.mode if each.mode is Mode.NORMAL else each.mode,
            mode_left_s=kept.mode_left_s or each.mode_left_s,
            troubles=(*kept.troubles, *each.troubles),
        )
    story = Story(site=BATTERY, kept=kept, leaf=0.5).after(s=2.6)
    for code in codes:
        happens = CAUSES[code].happens
        if happens is not None:
            happens(story)
    sensors = [cause.sensor for cause in (CAUSES[code] for code in codes) if cause.sensor is not None]
    return story.sensor_says(**{sensor.value: True for sensor in sensors}).after(s=0.1)


def reason(story: Story, direction: Direction) -> Code | None:
    """Return what bars a rule's move that way now."""
    move = Move(direction=direction, command_id="r", by=Origin(type="rule", id="timetable"), cause="c", ruled=True)
    return barring(Turn(story.gate, story.now_s, story.site), move)


def way(*codes: Code) -> Direction:
    """Return a way that all of them bar."""
    return CLOSE if all(CLOSE in CAUSES[code].bars for code in codes) else OPEN


def test_every_condition_of_the_table_is_told_of_here() -> None:
    assert set(CAUSES) == set(RANK)
    assert len(BARS) == len(RANK), "none stands twice"


def test_the_table_has_the_order_of_the_safety_page() -> None:
    """Estop, safety edge, released, hard lock, emergency open, beam, lockdown, hold open; then the rest."""
    written = [
        Code.ESTOP, Code.EDGE, Code.RELEASED, Code.HARD_LOCK, Code.EMERGENCY, Code.BEAM_BLOCKED, Code.LOCKED_DOWN,
        Code.HELD_OPEN,
    ]  # fmt: skip
    assert [code for code, _ in BARS if code in written] == written


@pytest.mark.parametrize("code", list(CAUSES))
def test_each_condition_bars_what_it_is_there_to_bar_and_nothing_else(code: Code) -> None:
    story = under(code)
    for direction in Direction:
        expected = code if direction in CAUSES[code].bars else None
        assert reason(story, direction) == expected, direction


@pytest.mark.parametrize(("higher", "lower"), pairs(), ids=lambda code: code.value)
def test_the_higher_of_two_conditions_is_the_reason(higher: Code, lower: Code) -> None:
    assert reason(under(higher, lower), way(higher, lower)) is higher


@pytest.mark.parametrize(("higher", "lower"), pairs(), ids=lambda code: code.value)
def test_the_higher_of_two_conditions_is_what_an_officer_is_told(higher: Code, lower: Code) -> None:
    """A close ends a hold: an officer is told of what else there is."""
    story = under(higher, lower)
    command = Command.CLOSE if way(higher, lower) is CLOSE else Command.OPEN
    story.officer_says(command)
    expected = lower if higher is Code.HELD_OPEN else higher
    assert refusal(story) is expected
    story.after(s=0.1)
    assert not (story.closing_drive if command is Command.CLOSE else story.pins)


# ------------------------------------------------------------------------------- what becomes of a running close

HAPPENS: dict[str, tuple[dict[str, bool], Code, Code]] = {
    "estop": ({"estop": True}, Code.ESTOP, Code.ESTOP),
    "edge": ({"edge": True}, Code.EDGE, Code.OBSTRUCTED),
    "release": ({"release": True}, Code.RELEASED, Code.RELEASED),
    "limits": ({"limit_open": True, "limit_closed": True}, Code.HARD_LOCK, Code.LIMIT_CONFLICT),
    "maintenance": ({"maintenance": True}, Code.MAINTENANCE, Code.MAINTENANCE),
    "emergency": ({"emergency": True}, Code.EMERGENCY, Code.SUPERSEDED),
    "beam": ({"beam": True}, Code.BEAM_BLOCKED, Code.OBSTRUCTED),
    "battery_low": ({"battery_low": True}, Code.BATTERY_LOW, Code.BATTERY_LOW),
}
"""What happens to a closing gate: the sensors, the row of the table, and how the officer's close ends of it alone."""
AT_ONCE = {"estop", "edge", "release", "beam"}
LEADS_TO = {"edge": "edge pressed", "beam": "beam broken while closing", "emergency": "emergency open",
            "battery_low": "battery low"}  # fmt: skip
ENDS_ALL = {"estop", "limits", "release", "maintenance"}
"""After these nothing is energised, whatever else happened."""


def happening() -> list[tuple[str, str]]:
    """Return every pair of happenings, the higher in priority first."""
    ranked = sorted(HAPPENS, key=lambda name: RANK[HAPPENS[name][1]])
    return list(itertools.combinations(ranked, 2))


def closing() -> Story:
    """Return a story of a gate in the middle of an officer's closing, with all inputs."""
    return open_gate(BATTERY).officer_says(Command.CLOSE).after(s=3.0)


@pytest.mark.parametrize("name", HAPPENS)
def test_each_happening_ends_a_closing_in_its_own_way(name: str) -> None:
    levels, _, code = HAPPENS[name]
    story = closing().sensor_says(**levels).after(s=0.06)
    assert not story.closing_drive
    assert story.outcome(1) is code
    story.after(s=2.5)
    assert causes(story)[1:2] == ([LEADS_TO[name]] if name in LEADS_TO else [])


@pytest.mark.parametrize(("higher", "lower"), happening())
def test_of_two_happenings_at_once_the_higher_decides(higher: str, lower: str) -> None:
    """In one sample both; those that need 30 ms come a little later and then rule what follows."""
    story = closing().sensor_says(**HAPPENS[higher][0], **HAPPENS[lower][0]).after(s=0.06)
    assert not story.closing_drive
    first = lower if higher not in AT_ONCE and lower in AT_ONCE else higher
    late = {higher, lower}.isdisjoint(AT_ONCE)  # both after 30 ms: the table ends the close before anybody is heard
    assert story.outcome(1) in {HAPPENS[first][2], HAPPENS[lower if late else first][2]}
    story.after(s=2.5)
    if {higher, lower} & ENDS_ALL:
        assert len(energised(story)) == 1
    else:
        assert causes(story)[1] == LEADS_TO[first]
        assert not story.closing_drive


def test_a_lock_that_comes_with_an_emergency_keeps_the_gate_still() -> None:
    """I10 ranks above I11."""
    story = closing().sensor_says(emergency=True, limit_open=True, limit_closed=True).after(s=10.0)
    assert len(energised(story)) == 1


# --------------------------------------------------------------------------- below the table: modes, people, rules


def test_emergency_ranks_above_lockdown_and_hold() -> None:
    story = story_of().officer_says(Command.LOCKDOWN).officer_says(Command.EMERGENCY_OPEN).until_is(State.OPEN)
    assert refusal(story.officer_says(Command.LOCKDOWN)) is Code.EMERGENCY
    assert refusal(story.officer_says(Command.HOLD_OPEN)) is Code.EMERGENCY


def test_lockdown_ranks_above_hold() -> None:
    story = open_gate().officer_says(Command.HOLD_OPEN).officer_says(Command.LOCKDOWN).after(s=1.0)
    assert story.gate.mode is Mode.LOCKDOWN
    assert refusal(story.officer_says(Command.HOLD_OPEN)) is Code.LOCKED_DOWN


def test_lockdown_ranks_above_the_timetable_and_the_exit_loop() -> None:
    story = story_of().officer_says(Command.LOCKDOWN).timetable_wants(State.OPEN).sensor_says(exit_loop=True)
    assert not energised(story.after(s=60.0))


def test_hold_ranks_above_the_timetable_and_a_command_above_both() -> None:
    story = open_gate().officer_says(Command.HOLD_OPEN).timetable_wants(State.CLOSED).after(s=60.0)
    assert not energised(story)
    story.officer_says(Command.CLOSE).until_is(State.CLOSED)


def test_a_stop_is_above_everything_that_moves() -> None:
    for command in (Command.OPEN, Command.CLOSE, Command.LOCKDOWN, Command.EMERGENCY_OPEN, Command.HOLD_OPEN):
        story = Story(site=SITE, leaf=0.5).after(s=2.6).officer_says(command)
        story.until(lambda s: bool(s.pins)).after(s=0.5)
        assert not story.officer_says(Command.STOP).after(s=0.01).pins
        assert len(energised(story.after(s=150.0))) == 1
