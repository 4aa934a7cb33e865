"""Each function of `drives.py` by itself: how a drive is left in each phase, and what is remembered of it.

The stories of the three drives say what becomes of a leaf; here every branch is looked at from inside.
"""

from __future__ import annotations

from dataclasses import replace

import pytest

from gate import drives
from gate.drives import CLOSE, OPEN
from gate.memory import STOPPING, Ended, Ending, Gate, Motion, Move, Ordered, Pending, Phase
from gate.model import Alarm, Code, Direction, Drive, Health, Origin, Relay, Sensor, State
from gate.steps import ALL, Step
from gate.turn import Turn, rule
from tests.gate.sites import story_of, with_drive

NOW_S = 2000.0
LAN = Origin(type="person", id="u1", name="Lan")
MOVE = Move(direction=OPEN, command_id="c1", by=LAN, cause="command")
THEN = replace(MOVE, direction=CLOSE, command_id="c2")
NO_SENSORS: frozenset[Sensor] = frozenset()
RUNS = frozenset({Step.OPENING})
WAITS = Pending(direction=CLOSE, why="auto_close", due_s=None)


def turn_of(
    drive: Drive, motion: Motion, *, active: frozenset[Sensor] = NO_SENSORS, pending: Pending | None = None
) -> Turn:
    """Return a turn in the middle of that motion; a leaf between its limits unless one of them is active."""
    site = with_drive(drive, "open_stop_close_stop")
    gate: Gate = story_of(site).gate
    senses = replace(gate.senses, active=active, raw=active)
    return Turn(replace(gate, senses=senses, motion=motion, pending=pending), NOW_S, site)


def moving(phase: Phase, *, move: Move | None = MOVE, belief: frozenset[Step] = RUNS, on_for_s: float = 5.0) -> Motion:
    """Return the motion of a move in that phase, whose relay has been on for so long."""
    return Motion(
        phase=phase, phase_s=NOW_S - 5.0, move=move, belief=belief, energised_s=NOW_S - on_for_s, on_s=1.0, off_s=1.0
    )


# --------------------------------------------------------------------------------------------------- switching off


@pytest.mark.parametrize(
    ("drive", "phase", "arrived", "after"),
    [
        (Drive.HELD, Phase.DRIVING, False, Phase.RESTING),
        (Drive.HELD, Phase.DRIVING, True, Phase.RESTING),
        (Drive.MOMENTARY, Phase.PRESSING, False, Phase.HALTING),
        (Drive.MOMENTARY, Phase.RUNNING, False, Phase.HALTING),
        (Drive.MOMENTARY, Phase.RUNNING, True, Phase.RESTING),
        (Drive.STEP, Phase.PRESSING, False, Phase.SPACING),
        (Drive.STEP, Phase.RUNNING, False, Phase.SPACING),
        (Drive.STEP, Phase.RUNNING, True, Phase.RESTING),
    ],
)
@pytest.mark.parametrize("then", [None, THEN])
def test_a_drive_is_left_as_its_kind_wants_it(
    drive: Drive,
    phase: Phase,
    arrived: bool,  # noqa: FBT001 - a table
    after: Phase,
    then: Move | None,
) -> None:
    turn = turn_of(drive, moving(phase))
    drives.switch_off(turn, "stop", by=rule("beam"), then=then, arrived=arrived)
    waits = Phase.PAUSING if after is Phase.RESTING and then else after
    motion = turn.motion
    assert (motion.phase, motion.phase_s, motion.move) == (waits, NOW_S, then)
    assert (motion.on_s, motion.off_s, motion.belief) == (NOW_S, NOW_S, RUNS)
    assert motion.ending == Ending(why="stop", by=rule("beam"), command_id="c1", leaves=State.STOPPED)
    stop = Ordered(relay=Relay.STOP, direction=None, by=rule("beam"), command_id="c1", cause="stop")
    assert motion.ordered == (stop if after is Phase.HALTING else None)


@pytest.mark.parametrize("drive", list(Drive))
def test_what_had_not_begun_leaves_no_ending_and_needs_no_stop(drive: Drive) -> None:
    turn = turn_of(drive, moving(Phase.PAUSING))
    drives.switch_off(turn, "stop")
    motion = turn.motion
    assert (motion.phase, motion.move, motion.ending) == (Phase.RESTING, None, None)
    assert (motion.on_s, motion.off_s) == (1.0, 1.0)


def test_a_gate_at_rest_has_nothing_to_end() -> None:
    turn = turn_of(Drive.STEP, moving(Phase.RESTING, move=None))
    drives.switch_off(turn, "reversal", then=THEN)
    assert (turn.motion.phase, turn.motion.move, turn.motion.ending) == (Phase.PAUSING, THEN, None)


@pytest.mark.parametrize("phase", sorted(STOPPING))
def test_a_stop_that_is_under_way_goes_on(phase: Phase) -> None:
    before = moving(phase, move=None)
    turn = turn_of(Drive.MOMENTARY, before)
    drives.switch_off(turn, "reversal", then=THEN)
    assert turn.motion == replace(before, move=THEN)


def test_the_one_who_wished_ended_it_where_nobody_else_did() -> None:
    turn = turn_of(Drive.HELD, moving(Phase.DRIVING))
    drives.switch_off(turn, "limit", leaves=State.UNKNOWN)
    assert turn.motion.ending == Ending(why="limit", by=LAN, command_id="c1", leaves=State.UNKNOWN)


@pytest.mark.parametrize(
    ("belief", "active"),
    [
        (ALL, NO_SENSORS),
        (RUNS, frozenset({Sensor.LIMIT_OPEN})),
        (RUNS, frozenset({Sensor.LIMIT_CLOSED})),
    ],
)
def test_an_operator_that_no_press_is_known_to_stop_runs_on(belief: frozenset[Step], active: frozenset[Sensor]) -> None:
    """I8: and nobody says that it stands."""
    turn = turn_of(Drive.STEP, moving(Phase.RUNNING, belief=belief), active=active)
    drives.switch_off(turn, "stop")
    assert turn.motion.phase is Phase.RESTING
    assert turn.motion.ending is not None
    assert turn.motion.ending.leaves is State.UNKNOWN


@pytest.mark.parametrize("on_for_s", [0.0, 0.1875])
@pytest.mark.parametrize(
    ("active", "belief"),
    [
        (frozenset({Sensor.LIMIT_CLOSED}), {Step.CLOSED, Step.OPENING}),
        (NO_SENSORS, {Step.CLOSED, Step.OPENING, Step.PAUSED_CLOSING}),
        (frozenset({Sensor.LIMIT_OPEN}), {Step.CLOSED, Step.OPENING, Step.PAUSED_CLOSING}),
    ],
)
def test_a_press_that_was_cut_short_may_or_may_not_have_counted(
    on_for_s: float, active: frozenset[Sensor], belief: set[Step]
) -> None:
    turn = turn_of(Drive.STEP, moving(Phase.PRESSING, on_for_s=on_for_s), active=active)
    drives.switch_off(turn, "stop")
    assert turn.motion.belief == belief
    assert turn.motion.phase is Phase.SPACING, "what it does is looked at there"
    assert turn.motion.ending == Ending(why="stop", by=LAN, command_id="c1", leaves=State.STOPPED)


@pytest.mark.parametrize(
    ("drive", "phase", "on_for_s"),
    [
        (Drive.STEP, Phase.PRESSING, 0.25),
        (Drive.STEP, Phase.PRESSING, 0.5),
        (Drive.STEP, Phase.RUNNING, 0.0),
        (Drive.MOMENTARY, Phase.PRESSING, 0.0),
    ],
)
def test_a_press_that_was_long_enough_counts(drive: Drive, phase: Phase, on_for_s: float) -> None:
    """Figures that a float holds exactly: the very moment counts."""
    turn = turn_of(drive, moving(phase, on_for_s=on_for_s))
    turn.timing = replace(turn.timing, sure_press_s=0.25)
    drives.switch_off(turn, "stop")
    assert turn.motion.belief == RUNS


def test_a_press_that_no_pin_has_shown_is_not_cut_short() -> None:
    turn = turn_of(Drive.STEP, replace(moving(Phase.PRESSING), energised_s=None))
    drives.switch_off(turn, "stop")
    assert (turn.motion.belief, turn.motion.phase) == (RUNS, Phase.SPACING)


# ------------------------------------------------------------------------------------------- giving up, and pressing


@pytest.mark.parametrize(("code", "waits"), [(Code.STUCK, False), (Code.BEAM_BLOCKED, True)])
def test_what_is_hopeless_is_not_tried_again(code: Code, waits: bool) -> None:  # noqa: FBT001 - a table
    turn = turn_of(Drive.HELD, moving(Phase.DRIVING), pending=WAITS)
    drives.give_up(turn, code, "why", leaves=State.UNKNOWN)
    assert (turn.pending is not None) is waits
    assert turn.ended == [Ended(command_id="c1", code=code)]
    assert turn.motion.ending == Ending(why="why", by=LAN, command_id="c1", leaves=State.UNKNOWN)


def test_a_press_to_stop_is_caused_by_what_ended_the_move() -> None:
    """I14: and by nothing where nothing is known."""
    ending = Ending(why="beam", by=rule("beam"), command_id="c1")
    turn = turn_of(Drive.STEP, replace(moving(Phase.SPACING, move=THEN), ending=ending))
    drives.order_halt(turn, Relay.STEP)
    assert (turn.motion.phase, turn.motion.phase_s, turn.motion.move) == (Phase.HALTING, NOW_S, THEN)
    halt = Ordered(relay=Relay.STEP, direction=None, by=rule("beam"), command_id="c1", cause="beam")
    assert turn.motion.ordered == halt
    turn = turn_of(Drive.STEP, moving(Phase.SPACING, move=None))
    drives.order_halt(turn, Relay.STEP)
    assert (turn.motion.phase, turn.motion.ordered) == (Phase.HALTING, None)


@pytest.mark.parametrize(
    ("drive", "phase", "pressed"),
    [
        (Drive.MOMENTARY, Phase.RESTING, True),
        (Drive.MOMENTARY, Phase.SPACING, False),
        (Drive.MOMENTARY, Phase.HALTING, False),
        (Drive.HELD, Phase.RESTING, False),
        (Drive.STEP, Phase.RESTING, False),
    ],
)
def test_only_an_operators_board_has_a_stop_to_press(
    drive: Drive,
    phase: Phase,
    pressed: bool,  # noqa: FBT001 - a table
) -> None:
    before = moving(phase, move=None)
    turn = turn_of(drive, before)
    drives.press_stop(turn, LAN, "c3")
    if not pressed:
        assert turn.motion == before
        return
    assert (turn.motion.phase, turn.motion.phase_s, turn.motion.move) == (Phase.HALTING, NOW_S, None)
    assert turn.motion.ordered == Ordered(relay=Relay.STOP, direction=None, by=LAN, command_id="c3", cause="stop")


@pytest.mark.parametrize("drive", Drive)
def test_what_can_not_be_pressed_before_the_first_sample_is_remembered(drive: Drive) -> None:
    turn = turn_of(drive, moving(Phase.RESTING, move=None))
    turn.seen_s = None
    drives.press_stop(turn, LAN, "c3")
    assert turn.motion == replace(moving(Phase.RESTING, move=None), runs_on=drive is Drive.MOMENTARY)


# -------------------------------------------------------------------------------------------------------- locking


@pytest.mark.parametrize(
    ("active", "state"),
    [
        (NO_SENSORS, State.UNKNOWN),
        (frozenset({Sensor.LIMIT_OPEN}), State.CLOSED),
        (frozenset({Sensor.LIMIT_CLOSED}), State.CLOSED),
    ],
)
def test_a_lock_ends_everything_and_says_where_the_leaf_is_only_at_a_limit(
    active: frozenset[Sensor], state: State
) -> None:
    """I8, I10, I15."""
    motion = replace(moving(Phase.DRIVING), stopping=("c8", "c9"))
    turn = turn_of(Drive.HELD, motion, active=active, pending=WAITS)
    assert turn.shown.state is State.CLOSED
    drives.lock(turn, Code.RELAY_CONFLICT)
    assert turn.ended == [Ended(command_id=name, code=Code.RELAY_CONFLICT) for name in ("c1", "c8", "c9")]
    assert (turn.troubles, turn.health) == ((Code.RELAY_CONFLICT,), Health.HARD_LOCK)
    assert [(raised.alarm, raised.data) for raised in turn.watch.alarms] == [
        (Alarm.FAULT, (("why", "relay_conflict"),))
    ]
    assert (turn.pending, turn.shown.state) == (None, state)
    assert turn.motion.ending == Ending(why="relay_conflict", by=LAN, command_id="c1", leaves=State.UNKNOWN)
    assert (turn.motion.phase, turn.motion.move) == (Phase.RESTING, None)


def test_a_lock_that_stands_raises_no_second_alarm_and_moves_nothing() -> None:
    turn = turn_of(Drive.MOMENTARY, moving(Phase.RESTING, move=None))
    turn.troubles = (Code.EDGE,)
    drives.lock(turn, Code.EDGE)
    assert (turn.troubles, turn.watch.alarms) == ((Code.EDGE,), ())
    assert (turn.motion.phase, turn.motion.phase_s) == (Phase.RESTING, NOW_S - 5.0)


def test_what_is_on_follows_from_the_phase_and_the_way_alone() -> None:
    site = with_drive(Drive.HELD)
    for direction, relay in ((Direction.OPEN, Relay.OPEN), (Direction.CLOSE, Relay.CLOSE)):
        motion = moving(Phase.DRIVING, move=replace(MOVE, direction=direction))
        assert drives.relay_of(motion, site) is relay
        assert drives.relay_of(replace(motion, phase=Phase.WARNING), site) is None
    halting = moving(Phase.HALTING, move=None)
    assert drives.relay_of(halting, with_drive(Drive.MOMENTARY)) is Relay.STOP
