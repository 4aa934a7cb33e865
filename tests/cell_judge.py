"""What must hold after any one step of the rules, by the invariants of docs/safety.md alone.

A judge looks at what went in (a sample, a command, a silence), at what is to be energised and at what is published. It
asks no rule: of the gate's memory it believes who wanted a move and when a phase began, and nothing of what bars it.
"""

from __future__ import annotations

from dataclasses import dataclass

from gate import machine
from gate.memory import LOCKS, Decision, Gate, Move, Phase, Wanted
from gate.model import Command, Direction, Drive, Evidence, Inputs, Kind, Mode, Outputs, Relay, Sensor, State
from gate.site import Site

LIMITS = {State.OPEN: Sensor.LIMIT_OPEN, State.CLOSED: Sensor.LIMIT_CLOSED}
AHEAD = {Direction.OPEN: Sensor.LIMIT_OPEN, Direction.CLOSE: Sensor.LIMIT_CLOSED}
RELAYS = {
    Drive.HELD: {Relay.OPEN, Relay.CLOSE},
    Drive.MOMENTARY: {Relay.OPEN, Relay.CLOSE, Relay.STOP},
    Drive.STEP: {Relay.STEP},
}
DROPS = frozenset({Sensor.ESTOP, Sensor.RELEASE, Sensor.STOP_BUTTON})
"""These drop whatever drives, in their first active sample."""
CALLS = frozenset({
    Sensor.EMERGENCY, Sensor.OPEN_BUTTON, Sensor.CLOSE_BUTTON, Sensor.EXIT_LOOP, Sensor.BATTERY_LOW,
})  # fmt: skip
"""These order something when they become active."""
MOVERS = frozenset({Command.OPEN, Command.CLOSE, Command.HOLD_OPEN, Command.LOCKDOWN, Command.EMERGENCY_OPEN})
LEAST_WARNING_S = 5.0
SLACK_S = 1e-9


class ViolationError(AssertionError):
    """An invariant does not hold."""


def must(holds: object, invariant: str) -> None:
    """Raise `ViolationError` unless it holds."""
    if not holds:
        raise ViolationError(invariant)


@dataclass(frozen=True, kw_only=True, slots=True)
class Step:
    """One step: the gate before and after it, when, what was sampled (None for a command) and what was decided."""

    site: Site
    before: Gate
    decision: Decision
    now_s: float
    sample: Inputs | None = None

    @property
    def after(self) -> Gate:
        """The gate afterwards."""
        return self.decision.gate

    @property
    def raw(self) -> frozenset[Sensor]:
        """What the newest sample shows."""
        return self.after.senses.raw or frozenset()


def drives(gate: Gate, outputs: Outputs) -> Direction | None:
    """Return which way the leaf is being driven, or started, by what is energised; a press for stop drives nothing."""
    if outputs.relay is Relay.OPEN:
        return Direction.OPEN
    if outputs.relay is Relay.CLOSE:
        return Direction.CLOSE
    if outputs.relay is Relay.STEP and gate.phase is Phase.PRESSING and gate.move is not None:
        return gate.move.direction
    return None


def judge(step: Step) -> Outputs:
    """Check what holds after every step; return what is energised then."""
    after, site = step.after, step.site
    outputs = machine.outputs(after, site)
    way = drives(after, outputs)
    must(outputs.relay is None or outputs.relay in RELAYS[site.drive], "I1: a relay that this drive does not have")
    _judge_words(step)
    _judge_ends(step)
    if way is None:
        return outputs
    move = after.move
    must(move is not None and after.motion.ordered is not None, "I14: energised without a cause")
    must(after.seen_s is not None, "I4: driven without samples")
    must(LOCKS.isdisjoint(after.troubles), "I10: driven in a lock")
    must(DROPS.isdisjoint(step.raw), "I10: driven under a stop or the manual release")
    must(AHEAD[way] not in after.senses.active, "I3: driven into its limit")
    if move is not None:
        _judge_right(step, way, move)
        was = machine.outputs(step.before, site)
        if drives(step.before, was) is not way or was.relay is not outputs.relay:
            _judge_start(step, way, move)
    return outputs


def _judge_right(step: Step, way: Direction, move: Move) -> None:
    """Check whether this move may go on, whoever wants it."""
    after, site = step.after, step.site
    escapes = move.ruled and move.by.id in {"beam", "edge"}
    if way is Direction.CLOSE:
        broken = site.has_beam and Sensor.BEAM in step.raw | after.senses.active
        must(not broken, "I4: closing with the beam broken")
        must(after.standing.mode is not Mode.EMERGENCY_OPEN or escapes, "I11: closing in an emergency")
        must("soft_lock" not in after.troubles or escapes or move.held, "I13: closing in a soft lock")
        low = site.open_and_stay and Sensor.BATTERY_LOW in after.senses.active
        must(not low or escapes, "closing on a low battery")
        must(after.standing.mode is not Mode.HOLD_OPEN or escapes, "closing what is held open")
    else:
        must(after.standing.mode is not Mode.LOCKDOWN or escapes or move.held, "opening in a lockdown")
    if Sensor.MAINTENANCE in after.senses.active:
        must(move.held is not None, "moved by a command while somebody works at the cabinet")
    if move.held is not None:
        must(after.mode is Mode.MAINTENANCE, "hold-to-run without the key")
        must(move.held in step.raw, "hold-to-run without the button")
    touched = site.sensors & step.raw & {Sensor.EDGE}
    must(not touched or move.for_s is not None, "driven on with the edge pressed")


def _judge_start(step: Step, way: Direction, move: Move) -> None:
    """Check a drive that begins with this step."""
    before, site, timing = step.before, step.site, step.site.timing
    settled_s = (step.after.senses.fresh_s or 0.0) + timing.settle_s
    must(step.now_s >= settled_s - SLACK_S, "I7: started before the sensors have settled")
    must(not step.after.senses.running, "I2: another relay is still on")
    must(AHEAD[way] not in step.raw, "I3: started towards a limit that begins to be active")
    motion = before.motion
    if motion.on_s is not None and motion.on_way is way.opposite:
        must(step.now_s - motion.on_s >= timing.dead_time_s - SLACK_S, "I2: the dead time is not over")
    if step.sample is not None:
        wanted = before.move or before.pending or before.standing.pursued
        called = CALLS & (step.after.senses.active - before.senses.active)
        must(wanted or called, "I7: a sample alone starts nothing")
    if way is Direction.CLOSE:
        fresh_s = step.after.senses.fresh_s
        must(
            fresh_s is not None and step.now_s - fresh_s >= timing.recover_s - SLACK_S, "I4: not fresh for long enough"
        )
        _judge_warning(step, move)
        if site.has_beam_test and move.held is None and move.for_s is None:
            must("beam_test" not in step.after.troubles, "I4: closing with a beam that failed its test")


def _judge_warning(step: Step, move: Move) -> None:
    """I12: with nobody watching, lamp and buzzer come first."""
    by_rule = move.by.type == "rule" and move.by.id != "edge" and move.held is None
    if not (by_rule or move.cause in {"lockdown", "command lockdown"} or move.loud):
        return
    before = step.before
    must(before.phase is Phase.WARNING, "I12: closing without a warning")
    must(step.now_s - before.motion.phase_s >= LEAST_WARNING_S - SLACK_S, "I12: the warning was too short")
    warned = machine.outputs(before, step.site)
    must(warned.lamp and warned.buzzer, "I12: lamp or buzzer was off")


def _judge_words(step: Step) -> None:
    """I8: what is published is proven."""
    after = step.after
    limit = LIMITS.get(after.state)
    if limit is None:
        return
    must(limit in after.senses.active and after.seen_s is not None, f"I8: {after.state} without its limit")
    must(after.evidence is Evidence.LIMIT, "I8: proven by no limit")
    if step.before.state is not after.state:
        settled_s = (after.senses.fresh_s or 0.0) + step.site.timing.settle_s
        must(step.now_s >= settled_s - SLACK_S, "I8: proven before the sensors have settled")


def _judge_ends(step: Step) -> None:
    """I15: a person's command ends once, and does not vanish."""
    ended = [end.command_id for end in step.decision.ended]
    must(len(set(ended)) == len(ended), "I15: a command ended twice")
    before, after = step.before.move, step.after.move
    if before is not None and not before.ruled and (after is None or after.command_id != before.command_id):
        must(before.command_id in ended, "I15: a command vanished")
    for stop in step.before.motion.stopping:
        must(stop in step.after.motion.stopping or stop in ended, "I15: a stop vanished")


def judge_sample(step: Step) -> None:
    """I14 for what the pins did: each relay that went on has one cause in the journal, or locks the gate."""
    judge(step)
    told = [fact for fact in step.decision.facts if fact.kind is Kind.DRIVE_ENERGISED]
    must(all(fact.data["command_id"] and fact.data["cause"] for fact in told), "I14: energised without a cause")
    must(len(told) <= 1, "I14: told twice")
    ordered = step.before.motion.ordered
    must(all(ordered and fact.data["relay"] is ordered.relay for fact in told), "I14: told of a relay nobody ordered")
    running = step.sample.running if step.sample is not None else frozenset()
    new = running - {step.before.motion.energised}
    locked = not LOCKS.isdisjoint(step.after.troubles)
    must(not new or told or locked, "I14: a relay went on and nobody knows why")
    must(len(running) <= 1 or locked, "I1: two relays are on and nobody minds")


def judge_held(step: Step) -> None:
    """Check what is so once an input has lasted longer than any debounce: limits that lie, limits that are lost."""
    judge_sample(step)
    after, raw = step.after, step.raw
    limit = LIMITS.get(after.state)
    must(limit is None or limit in raw, "I8: published longer than the debounce without the limit")
    if raw >= set(LIMITS.values()):
        must(not LOCKS.isdisjoint(after.troubles), "both limits, and no lock")
        must(limit is None, "I8: both limits prove something")


def judge_command(step: Step, wanted: Wanted) -> None:
    """Check a command: a refusal changes nothing, a stop is never refused, a reset moves nothing."""
    was = machine.outputs(step.before, step.site)
    kinds = [fact.kind for fact in step.decision.facts]
    if step.decision.refusal is not None:
        must(step.after == step.before, "a refusal changes something")
        must(wanted.command is not Command.STOP, "stop is never refused")
        must(kinds == [Kind.COMMAND_REFUSED], "a refusal is told once")
        return
    must(kinds.count(Kind.COMMAND_ACCEPTED) == 1, "I15: told once that it was accepted")
    outputs = judge(step)
    way = drives(step.after, outputs)
    if wanted.command is Command.STOP:
        must(way is None, "I5: driven after a stop")
        must(step.after.move is None and step.after.pending is None, "a stop cancels everything")
        must(not step.after.standing.pursued, "a stop ends what a mode pursues")
    elif wanted.command not in MOVERS:
        must(outputs.relay is was.relay, f"I7, I10: {wanted.command} moves something")
    if wanted.command is Command.RESET:
        seen = step.raw | step.after.senses.active
        must(Sensor.ESTOP not in seen, "I10: reset with the emergency stop pressed")
        must(not seen >= set(LIMITS.values()), "I10: reset with both limits active")
    if wanted.command in MOVERS:
        must(LOCKS.isdisjoint(step.before.troubles) or wanted.command is Command.EMERGENCY_OPEN, "I10: taken in a lock")
    if wanted.command is Command.CLOSE and not wanted.sighted and step.before.move is None:
        must(way is None, "a close that nobody saw is warned of first")


def judge_silence(step: Step) -> None:
    """I4, I6, I8: nothing is on, nothing is proven, and everything that waited is told."""
    outputs = judge(step)
    must(outputs.relay is None, "I6: energised in a silence")
    must(step.after.state is State.UNKNOWN, "I8: proven in a silence")
    must(not step.after.motion.stopping and step.after.move is None, "I15: something waits in a silence")
    must(step.after.troubles, "a silence, and all is well")
