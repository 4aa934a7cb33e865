"""The rules of a command: refused with a reason, joined to what is under way, or followed.

Who may give a command was decided before; so was whether it came twice, too late or about an older gate.
"""

from __future__ import annotations

from dataclasses import replace

from gate.memory import Decision, Ended, Gate, Happened, Move, Phase, Timing, Wanted
from gate.model import Code, Command, Direction, Health, JsonObject, Kind, State
from gate.moves import has_been_fresh, pause, switch_off
from gate.refusals import refuse
from gate.turn import Turn


def refused(gate: Gate, wanted: Wanted, code: Code) -> Decision:
    """Refuse, and say so in the journal."""
    fact = Happened(kind=Kind.COMMAND_REFUSED, by=wanted.by, data={**_told_of(wanted), "code": code})
    return Decision(gate=gate, facts=(fact,), refusal=refuse(code))


def _told_of(wanted: Wanted) -> JsonObject:
    return {"command_id": wanted.command_id, "command": wanted.command, "reason": wanted.reason}


def done(turn: Turn, wanted: Wanted) -> Decision:
    """Accept a command that is done with this very decision."""
    turn.tell(Kind.COMMAND_ACCEPTED, wanted.by, _told_of(wanted))
    turn.ended.append(Ended(command_id=wanted.command_id, code=None))
    return turn.decision()


def switch(turn: Turn, wanted: Wanted) -> Decision:
    """Switch light or siren. On needs a keeper that hears it; off is always taken."""
    on = wanted.command in {Command.LIGHT_ON, Command.SIREN_ON}
    if on and is_silent(turn.gate, turn.now_s, turn.timing):
        return refused(turn.gate, wanted, Code.KEEPER_DOWN)
    if wanted.command in {Command.LIGHT_ON, Command.LIGHT_OFF}:
        turn.gate = replace(turn.gate, light=on)
    else:
        turn.gate = replace(turn.gate, siren_until_s=turn.now_s + turn.timing.siren_s if on else None)
    return done(turn, wanted)


def stop(turn: Turn, wanted: Wanted) -> Decision:
    """Off, and everything that was going to happen is cancelled. Never refused, never queued."""
    turn.tell(Kind.COMMAND_ACCEPTED, wanted.by, _told_of(wanted))
    turn.end(turn.gate.move, Code.STOPPED)
    if turn.gate.phase is not Phase.SETTLING:
        switch_off(turn, "stop", by=wanted.by)
    turn.gate = replace(turn.gate, stopping=(*turn.gate.stopping, wanted.command_id))
    if not turn.gate.running and turn.gate.energised_s is None:
        turn.end_stops(None)
    return turn.decision()


def reset(turn: Turn, wanted: Wanted) -> Decision:
    """Leave the hard lock once its cause is gone; a reset itself moves nothing (I10)."""
    gate, raw = turn.gate, turn.gate.raw
    if is_silent(gate, turn.now_s, turn.timing) or gate.phase is Phase.SETTLING or raw is None:
        return refused(gate, wanted, Code.KEEPER_DOWN)
    if (raw.limit_open or gate.limit_open.active) and (raw.limit_closed or gate.limit_closed.active):
        return refused(gate, wanted, Code.LIMIT_CONFLICT)
    if gate.running and gate.move is None:
        return refused(gate, wanted, Code.HARD_LOCK)
    if gate.health is Health.HARD_LOCK and has_been_fresh(gate, turn.now_s, turn.timing):
        turn.judge(Health.OK)
    elif gate.health is Health.HARD_LOCK:
        turn.judge(Health.DEGRADED, Code.SENSOR_STALE)
    return done(turn, wanted)


def follow(turn: Turn, wanted: Wanted, direction: Direction) -> Decision:
    """Take up a wish to move: refuse it, join what is under way, or turn to it."""
    gate, under_way = turn.gate, turn.gate.move
    code = _why_not(gate, wanted, direction, turn)
    if code:
        return refused(gate, wanted, code)
    turn.tell(Kind.COMMAND_ACCEPTED, wanted.by, _told_of(wanted))
    same = under_way is not None and under_way.direction is direction
    if under_way is not None and same and not under_way.ruled:
        return turn.decision(under_way=under_way.command_id)
    warning_s, loud = _warning(gate, wanted, direction, turn.timing)
    move = Move(
        direction=direction,
        command_id=wanted.command_id,
        by=wanted.by,
        cause=f"command {wanted.command.value}",
        warning_s=warning_s,
        loud=loud,
    )
    if same and gate.phase is Phase.DRIVING:  # a rule opens already: the officer's wish goes on with it
        turn.gate = replace(gate, move=move)
        return turn.decision()
    turn.end(under_way, Code.SUPERSEDED)
    switch_off(turn, "reversal", by=wanted.by, then=move)
    pause(turn)
    return turn.decision()


def is_silent(gate: Gate, now_s: float, timing: Timing) -> bool:
    """Tell whether there is no sample young enough to act on."""
    return gate.seen_s is None or now_s - gate.seen_s > timing.stale_s


def _why_not(gate: Gate, wanted: Wanted, direction: Direction, turn: Turn) -> Code | None:
    """Return why the leaf may not move that way now, None where it may. The order of the checks is their priority."""
    if is_silent(gate, turn.now_s, turn.timing) or gate.phase is Phase.SETTLING or gate.raw is None:
        return Code.KEEPER_DOWN
    if gate.health is Health.HARD_LOCK:
        return Code.LIMIT_CONFLICT if Code.LIMIT_CONFLICT in gate.reasons else Code.HARD_LOCK
    if gate.phase is Phase.RESTING and gate.limit(direction).active:
        return Code.ALREADY_THERE
    return _why_not_close(gate, wanted, turn) if direction is Direction.CLOSE else None


def _why_not_close(gate: Gate, wanted: Wanted, turn: Turn) -> Code | None:
    if not has_been_fresh(gate, turn.now_s, turn.timing):
        return Code.SENSOR_STALE
    reopening = gate.move is not None and gate.move.ruled
    if reopening or (gate.beam is not None and gate.beam.active):
        return Code.BEAM_BLOCKED
    if gate.state is State.UNKNOWN and gate.beam is None:
        return Code.UNKNOWN_POSITION
    if not wanted.sighted and (gate.state is State.UNKNOWN or gate.beam is None):
        return Code.UNSIGHTED
    return None


def _warning(gate: Gate, wanted: Wanted, direction: Direction, timing: Timing) -> tuple[float, bool]:
    """Return (seconds of lamp and buzzer before this move, whether the siren joins)."""
    if direction is Direction.OPEN:
        return 0.0, False
    if not wanted.sighted:
        return timing.unsighted_warning_s, True
    return (timing.warning_s, False) if gate.state is State.UNKNOWN else (0.0, False)
