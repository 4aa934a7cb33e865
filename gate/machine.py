"""The rules of the gate, without I/O and without a clock.

How to read it: `Gate` is all that the rules remember. A sample (`step`), a command (`command`) or a silence (`expire`)
goes in together with `now_s`; a `Decision` comes out: the gate as it is now, the facts to be written down, and which
commands ended. `deadline` says when `expire` is due if no sample comes before. Who asks does the I/O.

- What is energised follows from `Gate` alone (`outputs`, `RELAY`), so "never both" is checked on a table.
- The rules stand in `moves` (what becomes of a move), `senses` (what a sample says) and `wishes` (what becomes of a
  command); they work on a `Turn`.
- What a relay did is told only when its pin shows it: `drive_energised` and `drive_released` come from samples.
- Only a limit switch ends a move well. Time only ever ends it badly.
- Numbers in brackets (I2, I8 …) cite docs/safety.md.
"""

from __future__ import annotations

from dataclasses import replace
from typing import assert_never

from gate import wishes
from gate.memory import Decision, Gate, Level, Phase, Timing, Wanted
from gate.model import Code, Command, Direction, Evidence, Health, Inputs, Outputs, State
from gate.moves import PHASES, lock, prove_by_limits, recover, switch_off
from gate.senses import feed, note_relays
from gate.turn import SENSORS, Turn

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


def step(gate: Gate, inputs: Inputs, timing: Timing) -> Decision:
    """Decide on one sample, as of the moment when it was taken.

    A sample from before the last one, or from before a silence was declared, changes nothing; one that comes after a
    gap finds the gate as the gap left it: `expire` as of that moment, and the next sample begins anew.
    """
    if inputs.at_s <= (gate.phase_s if gate.seen_s is None else gate.seen_s):
        return Decision(gate=gate)
    if gate.seen_s is not None and inputs.at_s >= deadline(gate, timing):
        return expire(gate, inputs.at_s, timing)
    turn = Turn(gate=gate, now_s=inputs.at_s, timing=timing)
    feed(turn, inputs)
    note_relays(turn)
    if turn.gate.limit_open.active and turn.gate.limit_closed.active:
        lock(turn, Code.LIMIT_CONFLICT)
    PHASES[turn.gate.phase](turn)
    prove_by_limits(turn)
    recover(turn)
    return turn.decision()


def expire(gate: Gate, now_s: float, timing: Timing, *, keeper_is_gone: bool = False) -> Decision:
    """Decide on a silence: nothing may run, and nothing is proven any more (I4, I8).

    Call it at `deadline`, and at once with `keeper_is_gone` when the keeper died. Before its time it changes nothing.
    """
    if now_s < deadline(gate, timing) and not keeper_is_gone:
        return Decision(gate=gate)
    turn = Turn(gate=gate, now_s=now_s, timing=timing)
    reason = Code.KEEPER_DOWN if keeper_is_gone else Code.SENSOR_STALE
    turn.end(gate.move, reason)
    turn.end_stops(reason)
    switch_off(turn, "silence", by=SENSORS, leaves=State.UNKNOWN)
    unheard = Level(active=False)
    turn.gate = replace(
        turn.gate,
        beam=None if gate.beam is None else Level(active=True),
        limit_open=unheard,
        limit_closed=unheard,
        raw=None,
        fresh_s=None,
        seen_s=None,
        on_s=gate.on_s if gate.energised_s is None and gate.phase is not Phase.DRIVING else now_s,
    )
    turn.become(Phase.SETTLING, None)
    turn.prove(State.UNKNOWN, Evidence.NONE)
    if turn.gate.health is not Health.HARD_LOCK:
        turn.judge(Health.DEGRADED, reason)
    return turn.decision()


def command(gate: Gate, wanted: Wanted, now_s: float, timing: Timing) -> Decision:
    """Obey or refuse one command. A refusal changes nothing but the journal."""
    turn = Turn(gate=gate, now_s=now_s, timing=timing)
    match wanted.command:
        case Command.OPEN:
            return wishes.follow(turn, wanted, Direction.OPEN)
        case Command.CLOSE:
            return wishes.follow(turn, wanted, Direction.CLOSE)
        case Command.STOP:
            return wishes.stop(turn, wanted)
        case Command.RESET:
            return wishes.reset(turn, wanted)
        case Command.LIGHT_ON | Command.LIGHT_OFF | Command.SIREN_ON | Command.SIREN_OFF:
            return wishes.switch(turn, wanted)
        case _:
            assert_never(wanted.command)
