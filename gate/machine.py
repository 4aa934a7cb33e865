"""The rules of the gate, without I/O and without a clock.

How to read it: `Gate` is all that the rules remember. A sample (`step`), a command (`command`) or a silence (`expire`)
goes in together with `now_s`; a `Decision` comes out: the gate as it is now, the facts to be written down, and which
commands ended. `deadline` says when `expire` is due if no sample comes before. Who asks does the I/O.

- What is energised follows from `Gate` alone (`outputs`, `RELAY`), so "never both" is checked on a table.
- What a relay did is told only when its pin shows it: `drive_energised` and `drive_released` come from samples.
- Only a limit switch ends a move well. Time only ever ends it badly.
- Numbers in brackets (I2, I8 …) cite docs/safety.md.

A move goes RESTING → PAUSING (dead time, often already over) → WARNING (a close that nobody saw) → DRIVING → RESTING.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import assert_never

from gate.memory import Decision, Ended, Gate, Happened, Level, Move, Phase, Timing, Wanted
from gate.model import Code, Command, Direction, Evidence, Health, Inputs, JsonObject, Kind, Origin, Outputs, State
from gate.refusals import refuse

RELAY: dict[tuple[Phase, Direction | None], Direction | None] = {
    (Phase.SETTLING, None): None,
    (Phase.RESTING, None): None,
    (Phase.PAUSING, Direction.OPEN): None,
    (Phase.PAUSING, Direction.CLOSE): None,
    (Phase.WARNING, Direction.CLOSE): None,
    (Phase.DRIVING, Direction.OPEN): Direction.OPEN,
    (Phase.DRIVING, Direction.CLOSE): Direction.CLOSE,
}
"""Every (phase, direction) there is, and what it energises: one direction at the most (I1)."""

AT_LIMIT = {Direction.OPEN: State.OPEN, Direction.CLOSE: State.CLOSED}
UNDER_WAY = {Direction.OPEN: State.OPENING, Direction.CLOSE: State.CLOSING}
LIARS = frozenset({Code.LIMIT_CONFLICT, Code.LIMITS_SWAPPED})
SENSORS = Origin(type="rule", id="sensors")
BEAM = Origin(type="rule", id="beam")
KEEPER = Origin(type="rule", id="keeper")


def begin(now_s: float, *, has_beam: bool) -> Gate:
    """Return the gate as it is at power-up: nothing known, nothing wanted, the beam taken for broken."""
    return Gate(phase_s=now_s, state_s=now_s, beam=Level(active=True) if has_beam else None)


def outputs(gate: Gate, now_s: float) -> Outputs:
    """Return what is to be energised; it follows from the gate alone."""
    move = gate.move
    warning = gate.phase is Phase.WARNING
    loud = warning and move is not None and move.loud
    return Outputs(
        drive=RELAY[gate.phase, move.direction if move else None],
        lamp=move is not None,
        buzzer=warning,
        siren=loud or (gate.siren_until_s is not None and now_s < gate.siren_until_s),
        light=gate.light,
    )


def deadline(gate: Gate, timing: Timing) -> float:
    """Return when `expire` is due if no sample comes before: soon while a relay may be on, else when proof is old."""
    if gate.seen_s is None:
        return max(gate.phase_s, gate.state_s) + timing.proof_s
    return gate.seen_s + (timing.stale_s if gate.move or gate.running else timing.proof_s)


def warning_ends(gate: Gate) -> float | None:
    """Return when the drive starts after the warning that is on, None where there is none."""
    return gate.phase_s + gate.move.warning_s if gate.phase is Phase.WARNING and gate.move else None


@dataclass(kw_only=True, slots=True)
class _Turn:
    """One decision in the making: the gate so far and what is to be told. Lives for one call."""

    gate: Gate
    now_s: float
    timing: Timing
    facts: list[Happened] = field(default_factory=list)
    ended: list[Ended] = field(default_factory=list)

    def tell(self, kind: Kind, by: Origin, data: JsonObject) -> None:
        self.facts.append(Happened(kind=kind, by=by, data=data))

    def become(self, phase: Phase, move: Move | None) -> None:
        self.gate = replace(self.gate, phase=phase, phase_s=self.now_s, move=move)

    def end(self, move: Move | None, code: Code | None) -> None:
        """Close the books on a person's command; what a rule wanted has none."""
        if move is not None and move.by.type != "rule":
            self.ended.append(Ended(command_id=move.command_id, code=code))

    def prove(self, state: State, evidence: Evidence) -> None:
        """Publish another state, with what it rests on."""
        before = self.gate.state
        if (before, self.gate.evidence) == (state, evidence):
            return
        move = self.gate.move
        by, command_id = (move.by, move.command_id) if move else (SENSORS, "")
        state_s = self.gate.state_s if before is state else self.now_s
        self.gate = replace(self.gate, state=state, evidence=evidence, state_s=state_s, by=by)
        if before is not state:
            data: JsonObject = {"from": before, "to": state, "evidence": evidence, "command_id": command_id}
            self.tell(Kind.STATE_CHANGED, by, data)

    def judge(self, health: Health, *reasons: Code) -> None:
        """Publish another health."""
        before = self.gate.health
        if (before, self.gate.reasons) == (health, reasons):
            return
        self.gate = replace(self.gate, health=health, reasons=reasons)
        data: JsonObject = {"from": before, "to": health, "reasons": list(reasons)}
        self.tell(Kind.HEALTH_CHANGED, SENSORS, data)

    def decision(self, refused: Code | None = None, under_way: str | None = None) -> Decision:
        refusal = refuse(refused) if refused else None
        return Decision(
            gate=self.gate,
            facts=tuple(self.facts),
            ended=tuple(self.ended),
            refusal=refusal,
            under_way=under_way,
        )


# ------------------------------------------------------------------------------------------- a sample comes in


def step(gate: Gate, inputs: Inputs, timing: Timing) -> Decision:
    """Decide on one sample, as of the moment when it was taken. Who calls sees to it that it is not stale."""
    turn = _Turn(gate=gate, now_s=inputs.at_s, timing=timing)
    _feed(turn, inputs)
    _note_relays(turn)
    if turn.gate.limit_open.active and turn.gate.limit_closed.active:
        _lock(turn, Code.LIMIT_CONFLICT)
    PHASES[turn.gate.phase](turn)
    _prove_by_limits(turn)
    _recover(turn)
    return turn.decision()


def _feed(turn: _Turn, inputs: Inputs) -> None:
    """Debounce: limits after 30 ms; the beam is broken at its first such sample and clear only after 200 ms."""
    gate, now_s, timing = turn.gate, turn.now_s, turn.timing
    edge_s = timing.limit_debounce_s
    beam = gate.beam
    if beam is not None:
        beam = beam.fed(now_s, raw=inputs.beam is not False, rise_s=0.0, fall_s=timing.safety_clear_s)
    turn.gate = replace(
        gate,
        limit_open=gate.limit_open.fed(now_s, raw=inputs.limit_open, rise_s=edge_s, fall_s=edge_s),
        limit_closed=gate.limit_closed.fed(now_s, raw=inputs.limit_closed, rise_s=edge_s, fall_s=edge_s),
        beam=beam,
        raw=inputs,
        seen_s=now_s,
        fresh_s=now_s if gate.fresh_s is None else gate.fresh_s,
    )


def _note_relays(turn: _Turn) -> None:
    """Tell what the pins of the drive relays did, and lock if they do what was not ordered."""
    gate, now_s = turn.gate, turn.now_s
    was_on = gate.on_way if gate.energised_s is not None else None
    now_on = min(gate.running, default=None)
    if was_on is not None and was_on not in gate.running:
        _note_release(turn, was_on)
    if now_on is None:
        _note_stopped(turn)
        return
    if now_on is not was_on:
        _note_pick_up(turn, now_on)
    ordered = gate.phase is Phase.DRIVING and gate.move is not None and gate.running == {gate.move.direction}
    if not ordered and (len(gate.running) > 1 or _off_was_ordered_long_ago(turn)):
        _lock(turn, Code.RELAY_CONFLICT)
    turn.gate = replace(turn.gate, on_s=now_s, on_way=now_on)


def _off_was_ordered_long_ago(turn: _Turn) -> bool:
    """Tell whether a relay has had time to drop out since it was ordered off and samples came."""
    gate = turn.gate
    since_s = max(gate.phase_s, gate.fresh_s or gate.phase_s)
    return turn.now_s - since_s > turn.timing.pick_up_s


def _note_release(turn: _Turn, direction: Direction) -> None:
    gate, last = turn.gate, turn.gate.last
    ran_ms = round((turn.now_s - (gate.energised_s or turn.now_s)) * 1000)
    turn.gate = replace(gate, energised_s=None)
    data: JsonObject = {"direction": direction, "why": gate.why_off or "keeper", "ran_ms": ran_ms}
    turn.tell(Kind.DRIVE_RELEASED, last.by if last else KEEPER, {**data, "command_id": last.command_id if last else ""})


def _note_stopped(turn: _Turn) -> None:
    """End the stops: they are done once no drive relay is on."""
    turn.ended += [Ended(command_id=command_id, code=None) for command_id in turn.gate.stopping]
    turn.gate = replace(turn.gate, stopping=())


def _note_pick_up(turn: _Turn, direction: Direction) -> None:
    """Tell which move the relay runs for (I14); one that nobody ordered is a fault."""
    gate, move = turn.gate, turn.gate.last
    turn.gate = replace(gate, energised_s=turn.now_s, on_way=direction)
    driving = gate.phase is Phase.DRIVING
    if move is None or move.direction is not direction or not (driving or not _off_was_ordered_long_ago(turn)):
        _lock(turn, Code.RELAY_CONFLICT)
        return
    data: JsonObject = {"direction": direction, "command_id": move.command_id, "cause": move.cause}
    turn.tell(Kind.DRIVE_ENERGISED, move.by, data)
    if driving:
        turn.prove(UNDER_WAY[direction], Evidence.DRIVE)


def _settle(turn: _Turn) -> None:
    """At power-up and after a silence: half a second of samples before they prove anything."""
    fresh_s = turn.gate.fresh_s
    if fresh_s is not None and turn.now_s - fresh_s >= turn.timing.settle_s:
        turn.become(Phase.RESTING, None)


def _rest(turn: _Turn) -> None:
    """Nothing is wanted: nothing is done."""


def _prove_by_limits(turn: _Turn) -> None:
    """Let the limits alone place a leaf that no drive moves (I8). Limits that lied prove nothing until a reset."""
    gate = turn.gate
    if gate.phase is Phase.SETTLING or gate.state in UNDER_WAY.values():
        return
    lied = gate.health is Health.HARD_LOCK and not LIARS.isdisjoint(gate.reasons)
    proven = [] if lied else [direction for direction in Direction if gate.limit(direction).active]
    if len(proven) == 1:
        turn.prove(AT_LIMIT[proven[0]], Evidence.LIMIT)
    elif proven or lied or gate.state in AT_LIMIT.values():
        turn.prove(State.UNKNOWN, Evidence.NONE)


def _pause(turn: _Turn) -> None:
    """Wait until no relay is on and the opposite direction has been off for the dead time (I2)."""
    gate, move = turn.gate, turn.gate.move
    if move is None or gate.running:
        return
    reversing = gate.on_s is not None and gate.on_way is not move.direction
    if reversing and gate.on_s is not None and turn.now_s - gate.on_s < turn.timing.dead_time_s:
        return
    if gate.raw and (gate.raw.limit_open if move.direction is Direction.OPEN else gate.raw.limit_closed):
        if gate.limit(move.direction).active:
            _arrive(turn, move)
        return
    if _is_barred(gate, move):
        _give_up(turn, Code.BEAM_BLOCKED, "beam")
    elif move.warning_s > 0:
        turn.become(Phase.WARNING, move)
    else:
        _energise(turn, move)


def _warn(turn: _Turn) -> None:
    """Lamp and buzzer before a close that nobody attends; the beam must stay clear (I4, I12)."""
    gate, move = turn.gate, turn.gate.move
    if move is None or _is_barred(gate, move):
        _give_up(turn, Code.BEAM_BLOCKED, "beam")
    elif gate.limit(move.direction).active:
        _arrive(turn, move)
    elif turn.now_s - gate.phase_s >= move.warning_s:
        _energise(turn, move)


def _energise(turn: _Turn, move: Move) -> None:
    left = not turn.gate.limit(move.direction.opposite).active
    turn.become(Phase.DRIVING, move)
    turn.gate = replace(
        turn.gate, last=move, left_limit=left, why_off="", on_s=turn.now_s, on_way=move.direction, energised_s=None
    )


def _drive(turn: _Turn) -> None:
    """Look for a reason to switch off, the most dangerous first."""
    gate, move, timing = turn.gate, turn.gate.move, turn.timing
    if move is None:
        return
    behind = gate.limit(move.direction.opposite)
    if _is_barred(gate, move):
        _reverse(turn, move)
    elif gate.left_limit and behind.active:
        _lock(turn, Code.LIMITS_SWAPPED)
    elif gate.limit(move.direction).active:
        _arrive(turn, move)
    elif gate.energised_s is None:
        if gate.on_s != gate.phase_s or turn.now_s - gate.phase_s > timing.pick_up_s:
            _give_up(turn, Code.NO_OUTPUT, "no_output")
    elif behind.active and turn.now_s - gate.energised_s > timing.leave_limit_s:
        _give_up(turn, Code.STUCK, "stuck")
    elif turn.now_s - gate.energised_s >= timing.max_travel_s:
        _give_up(turn, Code.OVERTIME, "overtime", leaves=State.UNKNOWN)
    elif not behind.active:
        turn.gate = replace(gate, left_limit=True)


PHASES: dict[Phase, Callable[[_Turn], None]] = {
    Phase.SETTLING: _settle,
    Phase.RESTING: _rest,
    Phase.PAUSING: _pause,
    Phase.WARNING: _warn,
    Phase.DRIVING: _drive,
}


def _is_barred(gate: Gate, move: Move) -> bool:
    """Tell whether the beam forbids this move: it never opens the way for a close while it is broken (I4)."""
    return move.direction is Direction.CLOSE and gate.beam is not None and gate.beam.active


def _arrive(turn: _Turn, move: Move) -> None:
    """End the move well: the limit proves it."""
    energised_s = turn.gate.energised_s
    travel_ms = 0 if energised_s is None else round((turn.now_s - energised_s) * 1000)
    state = AT_LIMIT[move.direction]
    turn.prove(state, Evidence.LIMIT)
    turn.tell(Kind.ARRIVED, move.by, {"state": state, "command_id": move.command_id, "travel_ms": travel_ms})
    turn.end(move, None)
    _switch_off(turn, "limit")


def _reverse(turn: _Turn, move: Move) -> None:
    """Something broke the beam under the closing leaf: off now, dead time, open fully."""
    turn.tell(Kind.OBSTRUCTED, BEAM, {"by": "beam", "command_id": move.command_id})
    turn.end(move, Code.OBSTRUCTED)
    turn.tell(Kind.REVERSED, BEAM, {"to": State.OPEN, "command_id": move.command_id})
    back = Move(direction=Direction.OPEN, command_id=move.command_id, by=BEAM, cause="beam broken while closing")
    _switch_off(turn, "beam", then=back)


def _give_up(turn: _Turn, code: Code, why: str, leaves: State = State.STOPPED) -> None:
    turn.end(turn.gate.move, code)
    _switch_off(turn, why, leaves=leaves)


def _switch_off(turn: _Turn, why: str, *, then: Move | None = None, leaves: State = State.STOPPED) -> None:
    """Leave DRIVING, WARNING or PAUSING; the relay follows from the phase. A limit that is active says where we are."""
    gate = turn.gate
    if gate.phase is Phase.DRIVING:
        turn.gate = replace(gate, why_off=why, on_s=turn.now_s)
    if gate.state in UNDER_WAY.values() and not (gate.limit_open.active or gate.limit_closed.active):
        turn.prove(leaves, Evidence.DRIVE if leaves is State.STOPPED else Evidence.NONE)
    elif gate.state in UNDER_WAY.values():
        end = Direction.OPEN if gate.limit_open.active else Direction.CLOSE
        turn.prove(AT_LIMIT[end], Evidence.LIMIT)
    turn.become(Phase.PAUSING if then else Phase.RESTING, then)


def _lock(turn: _Turn, code: Code) -> None:
    """Off, and nothing more until an authorised reset (I10)."""
    gate = turn.gate
    turn.end(gate.move, code)
    if gate.health is not Health.HARD_LOCK:
        turn.judge(Health.HARD_LOCK, code)
    if gate.state in UNDER_WAY.values():
        turn.prove(State.UNKNOWN, Evidence.NONE)
    if gate.move is not None:
        _switch_off(turn, code.value)


def _recover(turn: _Turn) -> None:
    """After a silence, two seconds of fresh samples make the gate whole again."""
    gate = turn.gate
    if gate.health is Health.DEGRADED and _has_been_fresh(gate, turn.now_s, turn.timing):
        turn.judge(Health.OK)


def _has_been_fresh(gate: Gate, now_s: float, timing: Timing) -> bool:
    return gate.fresh_s is not None and now_s - gate.fresh_s >= timing.recover_s


# ----------------------------------------------------------------------------------------- no sample comes in


def expire(gate: Gate, now_s: float, timing: Timing, *, keeper_is_gone: bool = False) -> Decision:
    """Decide on a silence: nothing may run, and nothing is proven any more (I4, I8).

    Call it at `deadline`, and at once with `keeper_is_gone` when the keeper died. Before its time it changes nothing.
    """
    if now_s < deadline(gate, timing) and not keeper_is_gone:
        return Decision(gate=gate)
    turn = _Turn(gate=gate, now_s=now_s, timing=timing)
    reason = Code.KEEPER_DOWN if keeper_is_gone else Code.SENSOR_STALE
    turn.end(gate.move, reason)
    turn.gate = replace(
        gate,
        why_off=gate.why_off or "silence",
        beam=None if gate.beam is None else Level(active=True),
        limit_open=Level(active=False),
        limit_closed=Level(active=False),
        raw=None,
        fresh_s=None,
        seen_s=None,
        on_s=now_s if gate.energised_s is not None or gate.phase is Phase.DRIVING else gate.on_s,
    )
    turn.become(Phase.SETTLING, None)
    turn.prove(State.UNKNOWN, Evidence.NONE)
    if turn.gate.health is not Health.HARD_LOCK:
        turn.judge(Health.DEGRADED, reason)
    return turn.decision()


# ---------------------------------------------------------------------------------------- a command comes in


def command(gate: Gate, wanted: Wanted, now_s: float, timing: Timing) -> Decision:
    """Obey or refuse one command. A refusal changes nothing but the journal."""
    turn = _Turn(gate=gate, now_s=now_s, timing=timing)
    match wanted.command:
        case Command.OPEN:
            return _follow(turn, wanted, Direction.OPEN)
        case Command.CLOSE:
            return _follow(turn, wanted, Direction.CLOSE)
        case Command.STOP:
            return _stop(turn, wanted)
        case Command.RESET:
            return _reset(turn, wanted)
        case Command.LIGHT_ON | Command.LIGHT_OFF:
            turn.gate = replace(gate, light=wanted.command is Command.LIGHT_ON)
            return _done(turn, wanted)
        case Command.SIREN_ON | Command.SIREN_OFF:
            until_s = now_s + timing.siren_s if wanted.command is Command.SIREN_ON else None
            turn.gate = replace(gate, siren_until_s=until_s)
            return _done(turn, wanted)
        case _:
            assert_never(wanted.command)


def refused(gate: Gate, wanted: Wanted, code: Code) -> Decision:
    """Refuse, and say so in the journal."""
    fact = Happened(kind=Kind.COMMAND_REFUSED, by=wanted.by, data={**_told_of(wanted), "code": code})
    return Decision(gate=gate, facts=(fact,), refusal=refuse(code))


def _told_of(wanted: Wanted) -> JsonObject:
    return {"command_id": wanted.command_id, "command": wanted.command, "reason": wanted.reason}


def _done(turn: _Turn, wanted: Wanted) -> Decision:
    turn.tell(Kind.COMMAND_ACCEPTED, wanted.by, _told_of(wanted))
    turn.ended.append(Ended(command_id=wanted.command_id, code=None))
    return turn.decision()


def _stop(turn: _Turn, wanted: Wanted) -> Decision:
    """Off, and everything that was going to happen is cancelled. Never refused, never queued."""
    turn.tell(Kind.COMMAND_ACCEPTED, wanted.by, _told_of(wanted))
    turn.end(turn.gate.move, Code.STOPPED)
    if turn.gate.phase is not Phase.SETTLING:
        _switch_off(turn, "stop")
    turn.gate = replace(turn.gate, stopping=(*turn.gate.stopping, wanted.command_id)[-8:])
    if not turn.gate.running and turn.gate.energised_s is None:
        _note_stopped(turn)
    return turn.decision()


def _reset(turn: _Turn, wanted: Wanted) -> Decision:
    """Leave the hard lock once its cause is gone; a reset itself moves nothing (I10)."""
    gate = turn.gate
    both_limits = gate.limit_open.active and gate.limit_closed.active
    if both_limits or gate.running:
        return refused(gate, wanted, Code.LIMIT_CONFLICT if both_limits else Code.HARD_LOCK)
    if gate.health is Health.HARD_LOCK:
        turn.judge(Health.OK)
    return _done(turn, wanted)


def _follow(turn: _Turn, wanted: Wanted, direction: Direction) -> Decision:
    """Take up a wish to move: refuse it, join what is under way, or turn to it."""
    gate = turn.gate
    code = _why_not(gate, wanted, direction, turn)
    if code:
        return refused(gate, wanted, code)
    turn.tell(Kind.COMMAND_ACCEPTED, wanted.by, _told_of(wanted))
    if gate.move is not None and gate.move.direction is direction and gate.move.by.type != "rule":
        return turn.decision(under_way=gate.move.command_id)
    warning_s, loud = _warning(gate, wanted, direction, turn.timing)
    move = Move(
        direction=direction,
        command_id=wanted.command_id,
        by=wanted.by,
        cause=f"command {wanted.command.value}",
        warning_s=warning_s,
        loud=loud,
    )
    if gate.move is not None and gate.move.direction is direction and gate.phase is Phase.DRIVING:
        turn.gate = replace(gate, move=move, last=move)
        return turn.decision()
    turn.end(gate.move, Code.SUPERSEDED)
    _switch_off(turn, "reversal", then=move)
    _pause(turn)
    return turn.decision()


def _why_not(gate: Gate, wanted: Wanted, direction: Direction, turn: _Turn) -> Code | None:
    """Return why the leaf may not move that way now, None where it may. The order of the checks is their priority."""
    silent = gate.seen_s is None or turn.now_s - gate.seen_s > turn.timing.stale_s
    if silent or gate.phase is Phase.SETTLING or gate.raw is None:
        return Code.KEEPER_DOWN
    if gate.health is Health.HARD_LOCK:
        return Code.LIMIT_CONFLICT if Code.LIMIT_CONFLICT in gate.reasons else Code.HARD_LOCK
    if gate.phase is Phase.RESTING and gate.limit(direction).active:
        return Code.ALREADY_THERE
    return _why_not_close(gate, wanted, turn) if direction is Direction.CLOSE else None


def _why_not_close(gate: Gate, wanted: Wanted, turn: _Turn) -> Code | None:
    if not _has_been_fresh(gate, turn.now_s, turn.timing):
        return Code.SENSOR_STALE
    if gate.beam is not None and gate.beam.active:
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
