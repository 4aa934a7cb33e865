"""What ends a move before its time: something in the way, somebody at the emergency stop, a lock.

`bars` says what forbids a move; here is what is done about one that is under way: off in the same step, and then away
from what was seen (beam) or touched (edge), or nowhere.
"""

from __future__ import annotations

from dataclasses import replace

from gate.bars import barring
from gate.drives import CLOSE, OPEN, give_up, lock, switch_off
from gate.memory import LOCKS, Move, Pending
from gate.model import Alarm, Code, Direction, Drive, Kind, Origin, State
from gate.turn import BEAM, EDGE, Turn, rule


def guard(turn: Turn) -> None:
    """End a move that something forbids; the most dangerous reason decides how."""
    move = turn.motion.move
    code = barring(turn, move) if move else None
    if move is None or code is None:
        return
    if code is Code.STOP_PRESSED:
        turn.end(move, Code.STOPPED)
        switch_off(turn, "stop", by=rule("stop_button"))
    elif code is Code.EDGE and turn.is_working:
        back_off(turn, move)
    elif code is Code.BEAM_BLOCKED and turn.is_working:
        reverse(turn, move)
    else:
        unknown = code is Code.RELEASED or turn.is_locked
        give_up(turn, _named(turn, code), code.value, leaves=State.UNKNOWN if unknown else State.STOPPED)


def _named(turn: Turn, code: Code) -> Code:
    """Return the lock by its own name."""
    return next((trouble for trouble in turn.troubles if trouble in LOCKS), code) if code is Code.HARD_LOCK else code


def reverse(turn: Turn, move: Move) -> None:
    """Something broke the beam under the closing leaf: off now, dead time, open fully; count (I13)."""
    turn.tell(Kind.OBSTRUCTED, BEAM, {"by": "beam", "command_id": move.command_id})
    turn.end(move, Code.OBSTRUCTED)
    if move.held is not None or move.for_s is not None:  # nor back into what the edge has touched
        switch_off(turn, "beam", by=BEAM)
        return
    turn.tell(Kind.REVERSED, BEAM, {"to": State.OPEN, "command_id": move.command_id})
    count(turn, move)
    switch_off(turn, "beam", by=BEAM, then=_escape(OPEN, move, BEAM, "beam broken while closing"))


def back_off(turn: Turn, move: Move) -> None:
    """Back off from what the edge touched: off, back for a second, stop. A second touch before a limit locks."""
    turn.tell(Kind.OBSTRUCTED, EDGE, {"by": "edge", "command_id": move.command_id})
    turn.motion = replace(turn.motion, trips=turn.motion.trips + 1)
    if turn.motion.trips > 1:
        lock(turn, Code.EDGE)
        return
    turn.end(move, Code.OBSTRUCTED)
    if move.direction is CLOSE and move.held is None:
        count(turn, move)
    back = _escape(move.direction.opposite, move, EDGE, "edge pressed")
    back = replace(back, for_s=turn.timing.edge_reverse_s)
    blind = turn.site.drive is Drive.STEP or move.held is not None  # one button can't be told to go back
    if not blind:
        turn.tell(Kind.REVERSED, EDGE, {"to": None, "command_id": move.command_id})
    switch_off(turn, "edge", by=EDGE, then=None if blind else back)


def _escape(direction: Direction, move: Move, by: Origin, cause: str) -> Move:
    return Move(direction=direction, command_id=move.command_id, by=by, cause=cause, ruled=True)


def count(turn: Turn, move: Move) -> None:
    """Count a reversal of a closing; too many leave the gate open and tell people (I13)."""
    most = turn.site.reversals_attended if move.attended else turn.site.reversals_unattended
    turn.motion = replace(turn.motion, reversals=turn.motion.reversals + 1)
    if turn.motion.reversals >= most:
        turn.suffer(Code.SOFT_LOCK)
        turn.alarm(Alarm.LEFT_OPEN, why="reversals")
        turn.pending = None
    elif move.why:
        turn.pending = Pending(direction=CLOSE, why=move.why, due_s=None)
