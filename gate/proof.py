"""What is proven about a leaf that no drive moves. Only limits prove an end (I8); no timer ever does."""

from __future__ import annotations

from dataclasses import replace

from gate import steps
from gate.drives import CLOSE, OPEN
from gate.memory import STOPPING, Phase
from gate.model import Direction, Evidence, Mode, Sensor, State
from gate.turn import AT_LIMIT, LIARS, UNDER_WAY, Turn


def believe(turn: Turn) -> None:
    """Bring what the step operator may be doing up to date."""
    motion = turn.motion
    belief = steps.seen(motion.belief, limit_open=turn.at(OPEN), limit_closed=turn.at(CLOSE))
    if belief & steps.MOVING and not turn.is_working and motion.phase is not Phase.SETTLING:
        since_s = max(motion.began_s or 0.0, motion.released_s or 0.0, turn.senses.fresh_s or 0.0)
        if turn.reached(since_s + turn.timing.max_travel_s):
            belief = steps.seen(steps.settled(belief), limit_open=turn.at(OPEN), limit_closed=turn.at(CLOSE))
    if belief != motion.belief:
        turn.motion = replace(motion, belief=belief)


def prove_by_limits(turn: Turn) -> None:
    """Let the limits alone place a leaf that no drive moves (I8). Limits that lied prove nothing until a reset.

    A drive that was switched off moves the leaf until its pin shows the release; only then is it said to have stopped.
    """
    motion, state = turn.motion, turn.shown.state
    was_moving = state in UNDER_WAY.values()
    still_moves = was_moving and (turn.is_working or motion.phase in STOPPING or turn.senses.running)
    if still_moves or not _has_settled(turn) or not _limits_count(turn):
        return
    lied = not LIARS.isdisjoint(turn.troubles)
    proven = [] if lied else [direction for direction in Direction if turn.at(direction)]
    ending = motion.ending if was_moving else None
    if len(proven) == 1:
        turn.prove(AT_LIMIT[proven[0]], Evidence.LIMIT, ending)
    elif ending and not proven and not lied and ending.leaves is State.STOPPED:
        turn.prove(State.STOPPED, Evidence.DRIVE, ending)
    elif was_moving or proven or lied or state in AT_LIMIT.values():
        turn.prove(State.UNKNOWN, Evidence.NONE, ending)


def _has_settled(turn: Turn) -> bool:
    """Tell whether samples have come for long enough to prove anything anew, also where a stop is pressed meanwhile."""
    fresh_s = turn.senses.fresh_s
    settled = fresh_s is not None and turn.reached(fresh_s + turn.timing.settle_s)
    return turn.motion.phase is not Phase.SETTLING and (settled or turn.shown.state is not State.UNKNOWN)


def _limits_count(turn: Turn) -> bool:
    """Tell whether limits prove anything: a leaf that was released by hand is unknown until one is seen anew."""
    if turn.mode is not Mode.RELEASED or turn.rose & {Sensor.LIMIT_OPEN, Sensor.LIMIT_CLOSED}:
        return True
    was_moving = turn.shown.state in UNDER_WAY.values()
    if Sensor.RELEASE in turn.rose or was_moving:
        turn.prove(State.UNKNOWN, Evidence.NONE, turn.motion.ending if was_moving else None)
    held = {State.OPEN: OPEN, State.CLOSED: CLOSE}.get(turn.shown.state)
    return held is not None and not turn.at(held)
