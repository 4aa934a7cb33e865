"""What a sample says: debounced levels, and what the pins of the drive relays did since the sample before.

Debounce is arithmetic on samples. `drive_energised` and `drive_released` are told here and nowhere else, because only a
pin's level shows what a relay was made to do; a relay that is on without an order locks the gate.
"""

from __future__ import annotations

from dataclasses import replace

from gate.memory import Phase
from gate.model import Code, Direction, Evidence, Inputs, JsonObject, Kind
from gate.moves import lock
from gate.turn import KEEPER, UNDER_WAY, Turn


def feed(turn: Turn, inputs: Inputs) -> None:
    """Debounce: limits after 30 ms; the beam is broken at its first such sample and clear only after 200 ms."""
    gate, now_s, timing = turn.gate, turn.now_s, turn.timing
    edge_s = timing.limit_debounce_s
    gap = gate.seen_s is not None and now_s - gate.seen_s > timing.stale_s
    if gap:  # what lies between two samples is not known: no level changes, and nothing is fresh, across a gap
        gate = replace(gate, fresh_s=now_s, limit_open=gate.limit_open.anew, limit_closed=gate.limit_closed.anew)
        gate = replace(gate, beam=gate.beam and gate.beam.anew)
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


def note_relays(turn: Turn) -> None:
    """Tell what the pins of the drive relays did, and lock if they do what was not ordered."""
    gate, now_s = turn.gate, turn.now_s
    was_on = gate.on_way if gate.energised_s is not None else None
    now_on = min(gate.running, default=None)
    if was_on is not None and was_on not in gate.running:
        _note_release(turn, was_on)
    if now_on is None:
        turn.end_stops(None)
        return
    if now_on is not was_on:
        _note_pick_up(turn, now_on)
    ordered = gate.phase is Phase.DRIVING and gate.move is not None and gate.running == {gate.move.direction}
    if not ordered and (len(gate.running) > 1 or _off_was_ordered_long_ago(turn)):
        lock(turn, Code.RELAY_CONFLICT)
    turn.gate = replace(turn.gate, on_s=now_s, on_way=now_on)


def _off_was_ordered_long_ago(turn: Turn) -> bool:
    """Tell whether a relay has had time to drop out since it was ordered off and samples came."""
    gate = turn.gate
    since_s = max(gate.off_s or 0.0, gate.fresh_s or 0.0)
    return turn.now_s - since_s > turn.timing.pick_up_s


def _note_release(turn: Turn, direction: Direction) -> None:
    gate, last = turn.gate, turn.gate.last
    ran_ms = round((turn.now_s - (gate.energised_s or turn.now_s)) * 1000)
    turn.gate = replace(gate, energised_s=None)
    data: JsonObject = {"direction": direction, "why": gate.ending.why if gate.ending else "keeper", "ran_ms": ran_ms}
    turn.tell(Kind.DRIVE_RELEASED, last.by if last else KEEPER, {**data, "command_id": last.command_id if last else ""})


def _note_pick_up(turn: Turn, direction: Direction) -> None:
    """Tell which move the relay runs for (I14); one that nobody ordered is a fault."""
    gate, move = turn.gate, turn.gate.last
    turn.gate = replace(gate, energised_s=turn.now_s, on_way=direction)
    driving = gate.phase is Phase.DRIVING
    if move is None or move.direction is not direction or not (driving or not _off_was_ordered_long_ago(turn)):
        lock(turn, Code.RELAY_CONFLICT)
        return
    data: JsonObject = {"direction": direction, "command_id": move.command_id, "cause": move.cause}
    turn.tell(Kind.DRIVE_ENERGISED, move.by, data)
    if driving:
        turn.prove(UNDER_WAY[direction], Evidence.DRIVE, move)
