"""What forbids a move, as one table in order of priority; the first that holds is the reason that is given.

Priority, highest first: estop (and a stop button that is held), safety edge, released, hard lock, maintenance,
emergency open, beam, lockdown, hold open, then what only an officer or a rule may not do. The same table refuses a
command, keeps a move from starting and ends one that runs, so that the three can't disagree.
"""

from __future__ import annotations

from collections.abc import Callable

from gate.memory import Move, Phase
from gate.model import Code, Direction, Drive, Mode, Sensor
from gate.steps import Step
from gate.turn import Turn

Bar = Callable[[Turn, Move], bool]
TESTED = frozenset({Phase.TESTING, Phase.PROVING})


def _estop(turn: Turn, _: Move) -> bool:
    return Code.ESTOP in turn.troubles


def _stop_button(turn: Turn, _: Move) -> bool:
    return turn.is_active(Sensor.STOP_BUTTON) or Sensor.STOP_BUTTON in (turn.senses.raw or ())


def _edge(turn: Turn, move: Move) -> bool:
    """Something presses the edge; only backing off from that very touch is allowed."""
    return turn.is_active(Sensor.EDGE) and (move.for_s is None or Sensor.EDGE in turn.rose)


def _released(turn: Turn, _: Move) -> bool:
    return turn.mode is Mode.RELEASED


def _locked(turn: Turn, _: Move) -> bool:
    return turn.is_locked


def _maintenance(turn: Turn, move: Move) -> bool:
    """At the cabinet only, and only while its key is turned."""
    return (turn.mode is Mode.MAINTENANCE) is not (move.held is not None)


def _emergency(turn: Turn, move: Move) -> bool:
    return _closes(move) and turn.standing.mode is Mode.EMERGENCY_OPEN and not move.is_escape


def _beam(turn: Turn, move: Move) -> bool:
    """I4. A step operator that was started from an unknown phase may be closing whatever was wanted."""
    if not turn.is_active(Sensor.BEAM) or turn.motion.phase in TESTED:
        return False
    starts_unknown = turn.site.drive is Drive.STEP and turn.motion.phase in {Phase.PRESSING, Phase.RUNNING}
    return _closes(move) or (starts_unknown and Step.CLOSING in turn.motion.belief)


def _stale(turn: Turn, move: Move) -> bool:
    return _closes(move) and not has_been_fresh(turn)


def _lockdown(turn: Turn, move: Move) -> bool:
    opens = move.direction is Direction.OPEN
    return opens and turn.standing.mode is Mode.LOCKDOWN and not move.is_escape and move.held is None


def _held_open(turn: Turn, move: Move) -> bool:
    """Keep rules from closing; an officer's close ends the hold before."""
    return _closes(move) and turn.standing.mode is Mode.HOLD_OPEN and not move.is_escape and move.held is None


def _soft_lock(turn: Turn, move: Move) -> bool:
    return _closes(move) and Code.SOFT_LOCK in turn.troubles and not move.is_escape and move.held is None


def _battery(turn: Turn, move: Move) -> bool:
    return _closes(move) and turn.site.open_and_stay and turn.is_active(Sensor.BATTERY_LOW) and not move.is_escape


BARS: tuple[tuple[Code, Bar], ...] = (
    (Code.ESTOP, _estop),
    (Code.STOP_PRESSED, _stop_button),
    (Code.EDGE, _edge),
    (Code.RELEASED, _released),
    (Code.HARD_LOCK, _locked),
    (Code.MAINTENANCE, _maintenance),
    (Code.EMERGENCY, _emergency),
    (Code.BEAM_BLOCKED, _beam),
    (Code.SENSOR_STALE, _stale),
    (Code.LOCKED_DOWN, _lockdown),
    (Code.HELD_OPEN, _held_open),
    (Code.SOFT_LOCK, _soft_lock),
    (Code.BATTERY_LOW, _battery),
)


def barring(turn: Turn, move: Move) -> Code | None:
    """Return what forbids this move now, the highest in priority; None where nothing does."""
    for code, bars in BARS:
        if bars(turn, move):
            return code
    return None


def has_been_fresh(turn: Turn) -> bool:
    """Tell whether samples have come for long enough since the last silence."""
    fresh_s = turn.senses.fresh_s
    return fresh_s is not None and turn.reached(fresh_s + turn.timing.recover_s)


def _closes(move: Move) -> bool:
    return move.direction is Direction.CLOSE
