"""The rules of a move: when it starts, what ends it, and what is proven meanwhile.

A move goes RESTING → PAUSING (dead time, often already over) → WARNING (a close that nobody saw) → DRIVING → RESTING.
`PHASES` says which rule looks at a sample in which phase. Only a limit switch ends a move well; time ends it badly.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from gate.memory import Ending, Gate, Move, Phase, Timing
from gate.model import Code, Direction, Evidence, Health, Kind, Origin, State
from gate.turn import AT_LIMIT, BEAM, LIARS, UNDER_WAY, Turn


def settle(turn: Turn) -> None:
    """At power-up and after a silence: half a second of samples before they prove anything."""
    fresh_s = turn.gate.fresh_s
    if fresh_s is not None and turn.now_s - fresh_s >= turn.timing.settle_s:
        turn.become(Phase.RESTING, None)


def rest(turn: Turn) -> None:
    """Nothing is wanted: nothing is done."""


def prove_by_limits(turn: Turn) -> None:
    """Let the limits alone place a leaf that no drive moves (I8). Limits that lied prove nothing until a reset.

    A drive that was switched off moves the leaf until its pin shows the release; only then is it said to have stopped.
    """
    gate = turn.gate
    was_moving = gate.state in UNDER_WAY.values()
    if gate.phase is Phase.SETTLING or (was_moving and (gate.phase is Phase.DRIVING or gate.running)):
        return
    lied = gate.health is Health.HARD_LOCK and not LIARS.isdisjoint(gate.reasons)
    proven = [] if lied else [direction for direction in Direction if gate.limit(direction).active]
    ending = gate.ending if was_moving else None
    if len(proven) == 1:
        turn.prove(AT_LIMIT[proven[0]], Evidence.LIMIT, ending)
    elif ending and not proven and not lied and ending.leaves is State.STOPPED:
        turn.prove(State.STOPPED, Evidence.DRIVE, ending)
    elif was_moving or proven or lied or gate.state in AT_LIMIT.values():
        turn.prove(State.UNKNOWN, Evidence.NONE, ending)


def pause(turn: Turn) -> None:
    """Wait until no relay is on and the opposite direction has been off for the dead time (I2).

    A leaf that is proven to be at its end already has nothing to wait for.
    """
    gate, move = turn.gate, turn.gate.move
    if move is None or gate.running or _is_at_its_end(turn, move):
        return
    reversing = gate.on_s is not None and gate.on_way is not move.direction
    if reversing and gate.on_s is not None and turn.now_s - gate.on_s < turn.timing.dead_time_s:
        return
    if is_barred(gate, move):
        give_up(turn, Code.BEAM_BLOCKED, "beam")
    elif move.warning_s > 0:
        turn.become(Phase.WARNING, move)
    else:
        energise(turn, move)


def warn(turn: Turn) -> None:
    """Lamp and buzzer before a close that nobody attends; the beam must stay clear (I4, I12)."""
    gate, move = turn.gate, turn.gate.move
    if move is None or is_barred(gate, move):
        give_up(turn, Code.BEAM_BLOCKED, "beam")
    elif not _is_at_its_end(turn, move) and turn.now_s - gate.phase_s >= move.warning_s:
        energise(turn, move)


def _is_at_its_end(turn: Turn, move: Move) -> bool:
    """Tell whether the limit ahead is, or may be, active (I3): where it is proven, the move is done."""
    gate = turn.gate
    if gate.limit(move.direction).active:
        arrive(turn, move)
        return True
    return gate.raw is not None and gate.raw.limit(move.direction)


def energise(turn: Turn, move: Move) -> None:
    """Order the relay on; what it did is told when its pin shows it."""
    left = not turn.gate.limit(move.direction.opposite).active
    turn.become(Phase.DRIVING, move)
    turn.gate = replace(
        turn.gate, last=move, left_limit=left, ending=None, on_s=turn.now_s, on_way=move.direction, energised_s=None
    )


def drive(turn: Turn) -> None:
    """Look for a reason to switch off, the most dangerous first."""
    gate, move, timing = turn.gate, turn.gate.move, turn.timing
    if move is None:
        return
    behind = gate.limit(move.direction.opposite)
    if is_barred(gate, move):
        reverse(turn, move)
    elif gate.left_limit and behind.active:
        lock(turn, Code.LIMITS_SWAPPED)
    elif gate.limit(move.direction).active:
        arrive(turn, move)
    elif gate.energised_s is None:
        _await_pick_up(turn, move)
    elif behind.active and turn.now_s - gate.energised_s > timing.leave_limit_s:
        give_up(turn, Code.STUCK, "stuck")
    elif turn.now_s - gate.energised_s >= timing.max_travel_s:
        give_up(turn, Code.OVERTIME, "overtime", leaves=State.UNKNOWN)
    elif not behind.active:
        turn.gate = replace(gate, left_limit=True)


def _await_pick_up(turn: Turn, move: Move) -> None:
    """Ordered on and not shown on yet: a limit that comes up in between takes the order back (I3)."""
    gate = turn.gate
    if gate.raw is not None and gate.raw.limit(move.direction):
        switch_off(turn, "limit", then=move)
    elif gate.on_s != gate.phase_s or turn.now_s - gate.phase_s > turn.timing.pick_up_s:
        give_up(turn, Code.NO_OUTPUT, "no_output")


PHASES: dict[Phase, Callable[[Turn], None]] = {
    Phase.SETTLING: settle,
    Phase.RESTING: rest,
    Phase.PAUSING: pause,
    Phase.WARNING: warn,
    Phase.DRIVING: drive,
}


def is_barred(gate: Gate, move: Move) -> bool:
    """Tell whether the beam forbids this move: it never opens the way for a close while it is broken (I4)."""
    return move.direction is Direction.CLOSE and gate.beam is not None and gate.beam.active


def arrive(turn: Turn, move: Move) -> None:
    """End the move well: the limit proves it."""
    energised_s = turn.gate.energised_s
    travel_ms = 0 if energised_s is None else round((turn.now_s - energised_s) * 1000)
    state = AT_LIMIT[move.direction]
    turn.prove(state, Evidence.LIMIT, move)
    turn.tell(Kind.ARRIVED, move.by, {"state": state, "command_id": move.command_id, "travel_ms": travel_ms})
    turn.end(move, None)
    switch_off(turn, "limit")


def reverse(turn: Turn, move: Move) -> None:
    """Something broke the beam under the closing leaf: off now, dead time, open fully."""
    turn.tell(Kind.OBSTRUCTED, BEAM, {"by": "beam", "command_id": move.command_id})
    turn.end(move, Code.OBSTRUCTED)
    turn.tell(Kind.REVERSED, BEAM, {"to": State.OPEN, "command_id": move.command_id})
    back = Move(
        direction=Direction.OPEN, command_id=move.command_id, by=BEAM, cause="beam broken while closing", ruled=True
    )
    switch_off(turn, "beam", by=BEAM, then=back)


def give_up(turn: Turn, code: Code, why: str, leaves: State = State.STOPPED) -> None:
    """End the move badly; `leaves` is what is known of the leaf where no limit says better."""
    turn.end(turn.gate.move, code)
    switch_off(turn, why, leaves=leaves)


def switch_off(
    turn: Turn, why: str, *, by: Origin | None = None, then: Move | None = None, leaves: State = State.STOPPED
) -> None:
    """Leave DRIVING, WARNING or PAUSING, for whatever is wanted next; the relay follows from the phase.

    `by` is who or what ended the move, its own wisher by default; `leaves` is what is known of the leaf once the relay
    is released, where no limit says better.
    """
    gate, move = turn.gate, turn.gate.move
    if gate.phase is Phase.DRIVING and move is not None:
        ending = Ending(why=why, by=by or move.by, command_id=move.command_id, leaves=leaves)
        turn.gate = replace(gate, ending=ending, on_s=turn.now_s, off_s=turn.now_s)
    turn.become(Phase.PAUSING if then else Phase.RESTING, then)


def lock(turn: Turn, code: Code) -> None:
    """Off, and nothing more until an authorised reset (I10)."""
    gate = turn.gate
    turn.end(gate.move, code)
    turn.end_stops(code)
    known = gate.reasons if gate.health is Health.HARD_LOCK else ()
    if code not in known:
        turn.judge(Health.HARD_LOCK, *known, code)
    if not (gate.limit_open.active or gate.limit_closed.active):
        turn.prove(State.UNKNOWN, Evidence.NONE)
    if gate.move is not None:
        switch_off(turn, code.value, leaves=State.UNKNOWN)


def recover(turn: Turn) -> None:
    """After a silence, two seconds of fresh samples make the gate whole again."""
    gate = turn.gate
    if gate.health is Health.DEGRADED and has_been_fresh(gate, turn.now_s, turn.timing):
        turn.judge(Health.OK)


def has_been_fresh(gate: Gate, now_s: float, timing: Timing) -> bool:
    """Tell whether samples have come for long enough since the last silence."""
    return gate.fresh_s is not None and now_s - gate.fresh_s >= timing.recover_s
