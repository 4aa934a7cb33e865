"""The rules of a command: refused with a reason, joined to what is under way, or followed.

Who may give a command was decided before; so was whether it came twice, too late or about an older gate.
"""

from __future__ import annotations

from dataclasses import replace

from gate.bars import barring, has_been_fresh
from gate.drives import OPEN, may_halt, press_stop, switch_off
from gate.memory import ENERGISING, LOCKS, Decision, Ended, Gate, Happened, Move, Pending, Phase, Standing, Wanted
from gate.model import Code, Command, Direction, Drive, JsonObject, Kind, Mode, Sensor, State
from gate.refusals import refuse
from gate.standing import begin, cancel, closes_by_itself, enter_emergency
from gate.turn import Turn

BEFORE_ALL = frozenset({
    Code.ESTOP, Code.STOP_PRESSED, Code.EDGE, Code.RELEASED, Code.HARD_LOCK, Code.MAINTENANCE, Code.EMERGENCY,
    Code.LOCKED_DOWN,
})  # fmt: skip
"""What is said of a move even where the leaf is at that end already."""
UNHEARD = frozenset({Code.KEEPER_DOWN, Code.LIMIT_CONFLICT})
CLEARED_BY_RESET = (*LOCKS, Code.SOFT_LOCK, Code.MAINTENANCE_DUE, Code.SLOW)


def refused(gate: Gate, wanted: Wanted, code: Code) -> Decision:
    """Refuse, and say so in the journal."""
    fact = Happened(kind=Kind.COMMAND_REFUSED, by=wanted.by, data={**_told_of(wanted), "code": code})
    return Decision(gate=gate, facts=(fact,), refusal=refuse(code))


def _told_of(wanted: Wanted) -> JsonObject:
    return {"command_id": wanted.command_id, "command": wanted.command, "reason": wanted.reason}


def _accept(turn: Turn, wanted: Wanted) -> None:
    turn.tell(Kind.COMMAND_ACCEPTED, wanted.by, _told_of(wanted))


def done(turn: Turn, wanted: Wanted, code: Code | None = None) -> Decision:
    """End a command that was accepted with this very decision."""
    turn.ended.append(Ended(command_id=wanted.command_id, code=code))
    return turn.decision()


# ------------------------------------------------------------------------------------------- what moves nothing


def switch(turn: Turn, wanted: Wanted) -> Decision:
    """Switch light or siren. On needs a keeper that hears it; off is always taken."""
    on = wanted.command in {Command.LIGHT_ON, Command.SIREN_ON}
    if on and is_silent(turn):
        return refused(turn.before, wanted, Code.KEEPER_DOWN)
    _accept(turn, wanted)
    if wanted.command in {Command.LIGHT_ON, Command.LIGHT_OFF}:
        turn.watch = replace(turn.watch, light=on, courtesy_until_s=None)
    else:
        turn.watch = replace(turn.watch, siren_until_s=turn.now_s + turn.timing.siren_s if on else None)
    return done(turn, wanted)


def acknowledge(turn: Turn, wanted: Wanted) -> Decision:
    """End every alarm that was raised so far; nothing else ends one."""
    _accept(turn, wanted)
    for raised in turn.watch.alarms:
        turn.tell(Kind.ALARM_ACKNOWLEDGED, wanted.by, {"alarm": raised.alarm, "id": raised.id, **dict(raised.data)})
    turn.watch = replace(turn.watch, alarms=(), siren_until_s=None)
    return done(turn, wanted)


def reset(turn: Turn, wanted: Wanted) -> Decision:
    """Leave the locks once their cause is gone; a reset itself moves nothing (I10)."""
    senses = turn.senses
    raw = senses.raw or frozenset()
    if is_silent(turn) or turn.motion.phase is Phase.SETTLING:
        return refused(turn.before, wanted, Code.KEEPER_DOWN)
    seen = raw | senses.active
    if Sensor.ESTOP in seen:
        return refused(turn.before, wanted, Code.ESTOP)
    if Sensor.EDGE in seen and Code.EDGE in turn.troubles:
        return refused(turn.before, wanted, Code.EDGE)
    if {Sensor.LIMIT_OPEN, Sensor.LIMIT_CLOSED} <= seen:
        return refused(turn.before, wanted, Code.LIMIT_CONFLICT)
    if senses.running and turn.motion.move is None and turn.is_locked:
        return refused(turn.before, wanted, Code.HARD_LOCK)
    _accept(turn, wanted)
    if turn.is_locked or not _in_emergency(turn):  # an emergency that nothing forbids goes on opening (I11)
        cancel(turn)
    if Code.SLOW in turn.troubles:  # a drive that is slower for good is learned anew
        turn.learned = replace(turn.learned, open_s=(), close_s=())
    turn.heal(*CLEARED_BY_RESET, by=wanted.by)
    turn.motion = replace(turn.motion, trips=0, reversals=0)
    return done(turn, wanted)


def stop(turn: Turn, wanted: Wanted) -> Decision:
    """Off, and everything that was going to happen is cancelled. Never refused, never queued."""
    _accept(turn, wanted)
    turn.end(turn.motion.move, Code.STOPPED)
    cancel(turn)
    runs_on = turn.site.drive is Drive.STEP and turn.is_working and not may_halt(turn)
    if turn.motion.phase is not Phase.SETTLING:
        switch_off(turn, "stop", by=wanted.by)
    press_stop(turn, wanted.by, wanted.command_id)
    if runs_on:  # one press could start it, or turn it towards closing
        return done(turn, wanted, Code.NOT_STOPPABLE)
    turn.motion = replace(turn.motion, stopping=(*turn.motion.stopping, wanted.command_id))
    nothing_on = not turn.senses.running and turn.motion.energised is None and not turn.motion.runs_on
    if nothing_on and turn.motion.phase in {Phase.RESTING, Phase.SETTLING}:
        turn.end_stops(None)
    return turn.decision()


# --------------------------------------------------------------------------------------------------------- modes


def release(turn: Turn, wanted: Wanted) -> Decision:
    """Return to normal: `unlock` from a lockdown, `normal` from any mode that was asked for.

    Nothing moves at once; an open gate that closes by itself in normal mode begins its waiting.
    """
    if wanted.command is Command.UNLOCK and turn.standing.mode not in {Mode.LOCKDOWN, Mode.NORMAL}:
        return refused(turn.before, wanted, Code.EMERGENCY if _in_emergency(turn) else Code.HELD_OPEN)
    _accept(turn, wanted)
    _drop_what_waits(turn, wanted)
    cancel(turn)
    turn.stand(Standing(overlay=turn.standing.overlay, command_id=wanted.command_id), wanted.by)
    if turn.shown.state is State.OPEN and closes_by_itself(turn):
        turn.pending = Pending(direction=Direction.CLOSE, why="auto_close", due_s=None)
    return done(turn, wanted)


def _drop_what_waits(turn: Turn, wanted: Wanted) -> None:
    """End a move that the mode wanted and that has not begun: it must not begin after the mode is over (I7)."""
    move, standing = turn.motion.move, turn.standing
    if move is None or standing.mode not in {Mode.LOCKDOWN, Mode.EMERGENCY_OPEN} or turn.is_working:
        return
    if move.command_id == (standing.command_id or standing.mode.removesuffix("_open")):
        turn.end(move, Code.SUPERSEDED)
        switch_off(turn, wanted.command, by=wanted.by)


def hold_open(turn: Turn, wanted: Wanted) -> Decision:
    """Open and stay open for a while; it always ends."""
    move = _ordered(wanted, OPEN)
    code = _why_not(turn, move, wanted)
    if code and code is not Code.ALREADY_THERE:
        return refused(turn.before, wanted, code)
    if _in_emergency(turn):
        return refused(turn.before, wanted, Code.EMERGENCY)
    hold_s = wanted.minutes * 60.0 if wanted.minutes else turn.timing.hold_s
    _accept(turn, wanted)
    turn.pending = None
    standing = Standing(
        mode=Mode.HOLD_OPEN,
        by=wanted.by,
        command_id=wanted.command_id,
        until_s=turn.now_s + hold_s,
        reminded=hold_s <= turn.timing.hold_reminder_s,
    )
    turn.stand(standing, wanted.by)
    if code is Code.ALREADY_THERE:
        return done(turn, wanted)
    return _turn_to(turn, move)


def emergency_open(turn: Turn, wanted: Wanted) -> Decision:
    """Open after a short warning and stay open (I11); only what is dangerous in itself forbids it."""
    move = replace(_ordered(wanted, OPEN), warning_s=turn.timing.emergency_warning_s)
    silent = is_silent(turn) or turn.motion.phase is Phase.SETTLING
    code = Code.KEEPER_DOWN if silent else barring(turn, move)
    if code not in {None, Code.LOCKED_DOWN, Code.EDGE}:
        return refused(turn.before, wanted, _precisely(turn, code))
    _accept(turn, wanted)
    enter_emergency(turn, wanted.by, wanted.command_id)
    if code is Code.EDGE:  # accepted, and opens once nothing presses the edge any more
        return done(turn, wanted, Code.EDGE)
    if turn.motion.phase is Phase.RESTING and turn.rests_at(OPEN):
        return done(turn, wanted)
    retry_s = turn.now_s + turn.timing.emergency_retry_s
    turn.standing = replace(turn.standing, tries=1, retry_s=retry_s)
    return _turn_to(turn, move)


def lock_down(turn: Turn, wanted: Wanted) -> Decision:
    """Close with all safety, then open for nobody; a close that is not possible now is tried again."""
    warning_s = turn.timing.warning_s if wanted.sighted else turn.timing.unsighted_warning_s
    move = replace(_ordered(wanted, Direction.CLOSE), warning_s=warning_s, loud=not wanted.sighted, attended=False)
    if _in_emergency(turn):
        return refused(turn.before, wanted, Code.EMERGENCY)
    turn.standing = replace(turn.before.standing, mode=Mode.NORMAL)  # what held it open does not keep it from closing
    code = _why_not(turn, move, wanted)
    turn.standing = turn.before.standing
    if code is not None and (code in BEFORE_ALL or code in UNHEARD):
        return refused(turn.before, wanted, code)
    _accept(turn, wanted)
    turn.pending = None
    standing = Standing(
        mode=Mode.LOCKDOWN,
        by=wanted.by,
        command_id=wanted.command_id,
        pursued=True,
        tries=1,
        retry_s=turn.now_s + turn.timing.lockdown_retry_s,
        sighted=wanted.sighted,
    )
    turn.stand(standing, wanted.by)
    if code:
        if turn.motion.move is not None and turn.motion.move.direction is OPEN and not turn.motion.move.is_escape:
            turn.end(turn.motion.move, Code.SUPERSEDED)
            switch_off(turn, "lockdown", by=wanted.by)
        return done(turn, wanted, None if code is Code.ALREADY_THERE else code)
    return _turn_to(turn, move)


def _in_emergency(turn: Turn) -> bool:
    return turn.standing.mode is Mode.EMERGENCY_OPEN


# --------------------------------------------------------------------------------------------------------- moves


def follow(turn: Turn, wanted: Wanted, direction: Direction) -> Decision:
    """Take up a wish to move: refuse it, join what is under way, or turn to it."""
    under_way = turn.motion.move
    warning_s, loud = _warning(turn, wanted, direction)
    move = replace(_ordered(wanted, direction), warning_s=warning_s, loud=loud)
    if direction is Direction.CLOSE and turn.standing.mode is Mode.HOLD_OPEN:
        turn.stand(Standing(overlay=turn.standing.overlay, command_id=wanted.command_id), wanted.by)
    code = _why_not(turn, move, wanted)
    if code:
        return refused(turn.before, wanted, code)
    _accept(turn, wanted)
    turn.pending = None
    if under_way is not None and under_way.direction is direction and not under_way.ruled:
        return turn.decision(under_way=under_way.command_id)
    return _turn_to(turn, move)


def _turn_to(turn: Turn, move: Move) -> Decision:
    """Leave what is under way for this move; one that a rule drives the same way already goes on as this one."""
    under_way, motion = turn.motion.move, turn.motion
    same = under_way is not None and under_way.direction is move.direction and turn.is_working
    if motion.energised is None and motion.phase in ENERGISING and move.warning_s > 0:  # not on yet: warn first (I12)
        same = False
    if under_way is not None and same and under_way.for_s is None and under_way.held is None:
        turn.end(under_way, Code.SUPERSEDED)
        motion = turn.motion
        ordered = motion.ordered
        if ordered is not None and motion.energised is None and motion.phase in ENERGISING:  # not on yet: on for this
            ordered = replace(ordered, by=move.by, command_id=move.command_id, cause=move.cause)
        turn.motion = replace(motion, move=replace(move, tries=under_way.tries), ordered=ordered)
        return turn.decision()
    turn.end(under_way, Code.SUPERSEDED)
    begin(turn, move)
    return turn.decision()


def _ordered(wanted: Wanted, direction: Direction) -> Move:
    return Move(
        direction=direction,
        command_id=wanted.command_id,
        by=wanted.by,
        cause=f"command {wanted.command.value}",
        attended=wanted.sighted,
        until_s=wanted.deadline_s,
    )


def is_silent(turn: Turn) -> bool:
    """Tell whether there is no sample young enough to act on."""
    return turn.seen_s is None or turn.now_s - turn.seen_s > turn.timing.stale_s


def _why_not(turn: Turn, move: Move, wanted: Wanted) -> Code | None:
    """Return why the leaf may not move that way now, None where it may. The order of the checks is their priority."""
    if is_silent(turn) or turn.motion.phase is Phase.SETTLING:
        return Code.KEEPER_DOWN
    code = barring(turn, move)
    if code in BEFORE_ALL:
        return _precisely(turn, code)
    if turn.motion.phase is Phase.RESTING and turn.rests_at(move.direction):
        return Code.ALREADY_THERE
    if code:
        return code
    return _why_not_close(turn, wanted) if move.direction is Direction.CLOSE else None


def _precisely(turn: Turn, code: Code | None) -> Code:
    """Return the refusal for a lock: limits that contradict each other have a remedy of their own."""
    if code is Code.HARD_LOCK and Code.LIMIT_CONFLICT in turn.troubles:
        return Code.LIMIT_CONFLICT
    return code or Code.HARD_LOCK


def _why_not_close(turn: Turn, wanted: Wanted) -> Code | None:
    under_way = turn.motion.move
    if not has_been_fresh(turn):
        return Code.SENSOR_STALE
    if under_way is not None and under_way.is_escape:
        return Code.BEAM_BLOCKED
    unknown = turn.shown.state is State.UNKNOWN
    if unknown and not turn.site.has_beam:
        return Code.UNKNOWN_POSITION
    if not wanted.sighted and (unknown or not turn.site.has_beam):
        return Code.UNSIGHTED
    return None


def _warning(turn: Turn, wanted: Wanted, direction: Direction) -> tuple[float, bool]:
    """Return (seconds of lamp and buzzer before this move, whether the siren joins)."""
    timing = turn.timing
    if direction is Direction.OPEN:
        return 0.0, False
    if not wanted.sighted:
        return timing.unsighted_warning_s, True
    return (timing.warning_s, False) if turn.shown.state is State.UNKNOWN else (0.0, False)
