"""What the gate does with nobody asking: closing after a while or after a passage, the timetable, the exit loop.

A pending move waits until nothing else is under way, the mode is normal, nothing bars it and, for a close, the way has
been clear for long enough. A close that nobody attends is always warned of (I12), needs a beam, and is tried again
after a reversal until there were too many (I13). Nothing is pending after a start (I7).
"""

from __future__ import annotations

from dataclasses import replace

from gate.bars import barring
from gate.drives import switch_off
from gate.memory import BEFORE_DRIVE, Move, Pending, Phase, Plan
from gate.model import Code, Direction, Mode, Sensor, State
from gate.standing import begin, may_close_unattended
from gate.turn import Turn, rule

CAUSES = {
    "auto_close": "open for long enough",
    "after_pass": "something has passed",
    "timetable": "timetable",
    "hold_ended": "hold open has ended",
    "battery_low": "battery low",
    "exit_loop": "exit loop",
}


def follow_plan(turn: Turn, plan: Plan) -> None:
    """Take up what the timetable wants; only a period that begins moves anything."""
    before, turn.plan = turn.plan, plan
    if plan.renewed:
        _give_up_what_only_the_older_one_wanted(turn)
    if not plan.moves or plan.wants is before.wants or turn.mode is not Mode.NORMAL or turn.is_locked:
        return
    if plan.wants is State.OPEN:
        _want_open(turn, "timetable")
    elif plan.wants is State.CLOSED:
        turn.pending = Pending(direction=Direction.CLOSE, why="timetable", due_s=turn.now_s)


def _give_up_what_only_the_older_one_wanted(turn: Turn) -> None:
    """Neither wait nor warn for it any longer; a leaf that is on its way goes on."""
    pending, move = turn.pending, turn.motion.move
    if pending is not None and not _is_still_wanted(turn, pending.direction, pending.why):
        waits = pending.why == "auto_close" and turn.site.after_pass_s is not None
        turn.pending = replace(pending, due_s=None) if waits else None  # for a passage, as the site says
    if move is None or move.command_id not in CAUSES or turn.motion.phase not in BEFORE_DRIVE:
        return
    if not _is_still_wanted(turn, move.direction, move.command_id):
        switch_off(turn, "timetable", by=rule("timetable"))


def _is_still_wanted(turn: Turn, direction: Direction, why: str) -> bool:
    """Tell whether another timetable leaves a wish so: a battery opens, and the site's own times close."""
    if direction is Direction.OPEN:
        return why != "timetable" or turn.plan.wants is State.OPEN
    if turn.plan.wants is not None:
        return turn.plan.wants is State.CLOSED
    return why == "after_pass" or (why != "timetable" and turn.site.auto_close_s is not None)


def _want_open(turn: Turn, why: str) -> None:
    due_s = turn.now_s + turn.timing.opening_patience_s
    turn.pending = Pending(direction=Direction.OPEN, why=why, due_s=due_s)


def consider(turn: Turn) -> None:
    """Begin what is pending once it may begin."""
    _notice_wishes(turn)
    pending = turn.pending
    if pending is None:
        return
    if turn.is_locked or turn.mode is not Mode.NORMAL:
        turn.pending = None
    elif turn.motion.phase is not Phase.RESTING:
        return
    elif pending.direction is Direction.OPEN:
        _open(turn, pending)
    else:
        _close(turn, pending)


def _notice_wishes(turn: Turn) -> None:
    """Hear the exit loop and a battery that runs low; what is active at power-up wishes nothing (I7)."""
    if not turn.rose or turn.motion.phase is Phase.SETTLING or turn.mode is not Mode.NORMAL:
        return
    if Sensor.EXIT_LOOP in turn.rose and turn.plan.exit_opens:
        _let_out(turn)
    if Sensor.BATTERY_LOW in turn.rose and turn.site.open_and_stay and turn.shown.state is not State.OPEN:
        _want_open(turn, "battery_low")


def _let_out(turn: Turn) -> None:
    """Open for somebody who leaves: a rule's close gives way, a person's does not."""
    move = turn.motion.move
    if move is not None and (move.direction is Direction.OPEN or not move.ruled):
        return
    if turn.shown.state is State.OPEN:
        if move is not None:  # what was about to close waits until the loop is free
            switch_off(turn, "exit_loop", by=rule("exit_loop"))
        return
    way_out = _move(Direction.OPEN, "exit_loop")
    if not barring(turn, way_out):
        begin(turn, way_out)


def _open(turn: Turn, pending: Pending) -> None:
    move = _move(Direction.OPEN, pending.why)
    late = pending.due_s is not None and turn.reached(pending.due_s)
    if late or turn.shown.state is State.OPEN or barring(turn, move):
        turn.pending = None
    else:
        turn.pending = None
        begin(turn, move)


def _close(turn: Turn, pending: Pending) -> None:
    pointless = turn.shown.state is State.CLOSED or turn.plan.wants is State.OPEN
    if pointless or not turn.site.has_beam or Code.SOFT_LOCK in turn.troubles:
        turn.pending = None
    elif turn.is_active(Sensor.BEAM) or turn.is_active(Sensor.EXIT_LOOP):
        turn.pending = replace(pending, due_s=None, passed=True)
    elif pending.due_s is None:
        turn.pending = _timed(turn, pending)
    elif turn.reached(pending.due_s) and may_close_unattended(turn):
        move = replace(_move(Direction.CLOSE, pending.why), warning_s=turn.timing.warning_s, why=pending.why)
        if not barring(turn, move):
            turn.pending = replace(pending, due_s=None)
            begin(turn, move)


def _timed(turn: Turn, pending: Pending) -> Pending:
    """Say when, now that the way is clear; never, where only a passage closes the gate and nothing passed."""
    site, timing = turn.site, turn.timing
    if pending.why not in {"auto_close", "after_pass"}:
        return replace(pending, due_s=turn.now_s + timing.clear_s)
    if pending.passed and site.after_pass_s is not None:
        return replace(pending, why="after_pass", due_s=turn.now_s + site.after_pass_s)
    wait_s = site.auto_close_s
    if wait_s is None and turn.plan.wants is State.CLOSED:
        wait_s = timing.pass_s
    return pending if wait_s is None else replace(pending, due_s=turn.now_s + wait_s)


def _move(direction: Direction, why: str) -> Move:
    return Move(direction=direction, command_id=why, by=rule(why), cause=CAUSES[why], ruled=True)
