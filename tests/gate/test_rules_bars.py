"""Each row of `bars.BARS` by itself: which kinds of move it forbids, under its condition and without it.

`test_rules_priority.py` says which of two reasons is given; here no higher row hides what a lower one says.
"""

from __future__ import annotations

from dataclasses import replace

import pytest

from gate.bars import BARS, has_been_fresh
from gate.memory import Gate, Move, Phase
from gate.model import Code, Direction, Drive, Mode, Origin, Sensor
from gate.steps import ALL, Step
from gate.turn import BEAM, EDGE, Turn, rule
from tests.gate.sites import SITE, open_gate, with_drive
from tests.gate.test_rules_priority import BATTERY, under
from tests.story import Story

ROWS = dict(BARS)
CLOSE, OPEN = Direction.CLOSE, Direction.OPEN


def _move(direction: Direction, by: Origin, *, held: Sensor | None = None, for_s: float | None = None) -> Move:
    return Move(direction=direction, command_id="m", by=by, cause="c", ruled=True, held=held, for_s=for_s)


MOVES = {
    "close": _move(CLOSE, rule("timetable")),
    "open": _move(OPEN, rule("timetable")),
    "close from a touch": _move(CLOSE, EDGE, for_s=1.0),
    "open from a car": _move(OPEN, BEAM),
    "close while held": _move(CLOSE, rule("close_button"), held=Sensor.CLOSE_BUTTON),
    "open while held": _move(OPEN, rule("open_button"), held=Sensor.OPEN_BUTTON),
}
CLOSINGS = {"close", "close from a touch", "close while held"}
FORBIDS: dict[Code, set[str]] = {
    Code.ESTOP: set(MOVES),
    Code.STOP_PRESSED: set(MOVES),
    Code.EDGE: set(MOVES) - {"close from a touch"},
    Code.RELEASED: set(MOVES),
    Code.HARD_LOCK: set(MOVES),
    Code.EMERGENCY: {"close", "close while held"},
    Code.BEAM_BLOCKED: CLOSINGS,
    Code.SENSOR_STALE: CLOSINGS,
    Code.LOCKED_DOWN: {"open"},
    Code.HELD_OPEN: {"close"},
    Code.SOFT_LOCK: {"close"},
    Code.BATTERY_LOW: {"close", "close while held"},
}
"""What each row forbids under its condition. Maintenance has stories of its own: it forbids the other moves."""


def _forbidden(gate: Gate, code: Code) -> set[str]:
    return {name for name, move in MOVES.items() if ROWS[code](Turn(gate, gate.seen_s or 0.0, BATTERY), move)}


@pytest.mark.parametrize("code", list(FORBIDS))
def test_a_row_forbids_these_moves_and_no_others(code: Code) -> None:
    assert _forbidden(under(code).gate, code) == FORBIDS[code]


def test_in_a_sound_gate_no_row_forbids_anything_but_the_buttons_at_the_cabinet() -> None:
    gate = under().gate
    held = {"close while held", "open while held"}
    assert {code: _forbidden(gate, code) for code in ROWS} == {
        code: held if code is Code.MAINTENANCE else set() for code in ROWS
    }


def test_at_the_cabinet_only_what_is_held_moves() -> None:
    gate = under(Code.MAINTENANCE).gate
    assert _forbidden(gate, Code.MAINTENANCE) == set(MOVES) - {"close while held", "open while held"}


def test_a_low_battery_forbids_nothing_where_the_gate_is_not_to_stay_open() -> None:
    turn = Turn(under(Code.BATTERY_LOW).gate, 2000.0, SITE)
    assert not ROWS[Code.BATTERY_LOW](turn, MOVES["close"])


def test_a_second_touch_forbids_even_to_back_off() -> None:
    gate = under(Code.EDGE).gate
    turn = Turn(gate, gate.seen_s or 0.0, SITE)
    turn.rose = frozenset({Sensor.EDGE})
    assert ROWS[Code.EDGE](turn, MOVES["close from a touch"])


def test_a_stop_button_counts_while_it_is_seen_and_for_as_long_as_it_is_believed() -> None:
    gate = open_gate().gate
    row = ROWS[Code.STOP_PRESSED]
    for senses, bars in (
        (replace(gate.senses, raw=frozenset({Sensor.STOP_BUTTON})), True),
        (replace(gate.senses, active=frozenset({Sensor.STOP_BUTTON})), True),
        (replace(gate.senses, raw=None), False),
    ):
        assert row(Turn(replace(gate, senses=senses), 2000.0, SITE), MOVES["open"]) is bars


@pytest.mark.parametrize(
    ("drive", "phase", "belief", "bars"),
    [
        (Drive.STEP, Phase.PRESSING, ALL, True),
        (Drive.STEP, Phase.RUNNING, ALL, True),
        (Drive.STEP, Phase.RUNNING, frozenset({Step.OPENING}), False),
        (Drive.STEP, Phase.RESTING, ALL, False),
        (Drive.MOMENTARY, Phase.RUNNING, ALL, False),
    ],
)
def test_a_broken_beam_forbids_an_opening_that_may_be_a_closing(
    drive: Drive,
    phase: Phase,
    belief: frozenset[Step],
    bars: bool,  # noqa: FBT001 - a table
) -> None:
    """I4: one button, and nobody knows what it has started."""
    gate = under(Code.BEAM_BLOCKED).gate
    gate = replace(gate, motion=replace(gate.motion, phase=phase, belief=belief))
    assert ROWS[Code.BEAM_BLOCKED](Turn(gate, 2000.0, with_drive(drive, "open_close")), MOVES["open"]) is bars


@pytest.mark.parametrize("phase", [Phase.TESTING, Phase.PROVING])
def test_a_beam_under_test_forbids_nothing(phase: Phase) -> None:
    gate = under(Code.BEAM_BLOCKED).gate
    gate = replace(gate, motion=replace(gate.motion, phase=phase))
    assert not ROWS[Code.BEAM_BLOCKED](Turn(gate, 2000.0, SITE), MOVES["close"])


def test_the_release_hides_the_mode_and_the_mode_goes_on_to_forbid() -> None:
    gate = under(Code.RELEASED).gate
    gate = replace(gate, standing=replace(gate.standing, mode=Mode.LOCKDOWN))
    assert _forbidden(gate, Code.LOCKED_DOWN) == {"open"}


def test_before_the_first_sample_nothing_is_fresh() -> None:
    assert not has_been_fresh(Turn(Story(site=SITE).gate, 2000.0, SITE))
