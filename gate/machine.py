"""The rules of the gate, without I/O and without a clock.

How to read it: `Gate` is all that the rules remember. A sample (`step`), a command (`command`), what the timetable
wants (`plan`) or a silence (`expire`) goes in together with `now_s`; a `Decision` comes out: the gate as it is now, the
facts to be written down, and which commands ended. `deadline` says when `expire` is due if no sample comes before. Who
asks does the I/O.

- What is energised follows from `Gate` alone (`outputs`, `moves.RELAY`), so "never both" is checked on a table.
- What forbids a move stands in one table in order of priority (`bars.BARS`).
- A sample is judged in the order of `RULES`: what it says (`senses`), what is true of the gate (`standing`), what ends
  a move and what becomes of it (`moves`), what is proven (`proof`), then what rules want by themselves (`unattended`)
  and what people must be told of (`watch`). What becomes of a command stands in `wishes`. All work on a `Turn`.
- What a relay did is told only when its pin shows it: `drive_energised` and `drive_released` come from samples.
- Only a limit switch ends a move well. Time only ever ends it badly.
- Numbers in brackets (I2, I8 …) cite docs/safety.md.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace
from functools import partial

from gate import steps, wishes
from gate.bars import has_been_fresh
from gate.drives import CLOSE, OPEN, lock, relay_of, switch_off
from gate.guards import guard
from gate.memory import (
    AT_WORK,
    LOCKS,
    STOPPING,
    Decision,
    Gate,
    Kept,
    Learned,
    Motion,
    Phase,
    Plan,
    Raised,
    Senses,
    Shown,
    Standing,
    Wanted,
    Watch,
)
from gate.model import Code, Command, Direction, Drive, Evidence, Inputs, Mode, Outputs, Sensor, State
from gate.moves import PHASES
from gate.proof import believe, prove_by_limits
from gate.senses import feed, note_relays
from gate.site import Site
from gate.standing import heed, keep_time, look_over, pursue
from gate.turn import SENSORS, Turn, alarm_id
from gate.unattended import consider, follow_plan
from gate.watch import endanger, watch
from gate.watch import see as take_note_of_sight

TAKEN_FOR_ACTIVE = frozenset({Sensor.BEAM, Sensor.EDGE})
"""What counts as active until samples have said otherwise for long enough."""
LIMITS = frozenset({Sensor.LIMIT_OPEN, Sensor.LIMIT_CLOSED})
PERSISTENT = (*sorted(LOCKS), Code.SOFT_LOCK, Code.MAINTENANCE_DUE)


def begin(now_s: float, site: Site, kept: Kept | None = None) -> Gate:
    """Return the gate as it is at power-up: nothing known, nothing wanted, the beam taken for broken.

    What was kept over the restart stands again: modes, locks, alarms, learned times. An emergency opening goes on
    (I11), unless somebody had stopped it; a lockdown stays a mode and moves nothing (I7).
    """
    kept = kept or Kept()
    emergency = kept.mode is Mode.EMERGENCY_OPEN
    locked_down = kept.mode is Mode.LOCKDOWN
    return Gate(
        seen_s=None,
        due_s=-math.inf,
        senses=Senses(active=TAKEN_FOR_ACTIVE & site.sensors),
        motion=Motion(phase_s=now_s, belief=steps.ALL if site.drive is Drive.STEP else frozenset()),
        shown=Shown(since_s=now_s),
        standing=Standing(
            mode=kept.mode,
            until_s=now_s + (kept.mode_left_s or 0.0) if kept.mode is Mode.HOLD_OPEN else None,
            pursued=locked_down or (emergency and not kept.stopped),
            stopped=kept.stopped,
            tries=site.lockdown_tries if locked_down else 0,
        ),
        watch=Watch(
            alarms=tuple(Raised(alarm=alarm, id=alarm_id(alarm, now_s), raised_s=now_s) for alarm in kept.alarms),
            told=frozenset(kept.alarms),
        ),
        learned=Learned(open_s=kept.open_s, close_s=kept.close_s, cycles=kept.cycles),
        troubles=tuple(code for code in kept.troubles if code in PERSISTENT),
    )


def kept(gate: Gate, now_s: float) -> Kept:
    """Return what must survive a restart."""
    until_s = gate.standing.until_s
    return Kept(
        mode=gate.standing.mode,
        mode_left_s=None if until_s is None else max(0.0, round(until_s - now_s, 3)),
        stopped=gate.standing.stopped and gate.standing.mode is Mode.EMERGENCY_OPEN,
        troubles=tuple(code for code in gate.troubles if code in PERSISTENT),
        alarms=tuple(raised.alarm for raised in gate.watch.alarms),
        open_s=gate.learned.open_s,
        close_s=gate.learned.close_s,
        cycles=gate.learned.cycles,
    )


def outputs(gate: Gate, site: Site) -> Outputs:
    """Return what is to be energised; it follows from the gate alone."""
    move, phase, seen = gate.motion.move, gate.motion.phase, gate.watch
    warning = phase is Phase.WARNING
    moving = move is not None or phase in STOPPING
    return Outputs(
        relay=relay_of(gate.motion, site),
        lamp=moving,
        buzzer=warning,
        siren=seen.siren_until_s is not None or (warning and move is not None and move.loud),
        light=seen.light or seen.courtesy_until_s is not None or (moving and site.timing.courtesy_s > 0),
        beam_test=phase is Phase.TESTING,
    )


def deadline(gate: Gate, site: Site) -> float:
    """Return when `expire` is due if no sample comes before: soon while a relay may be on, else when proof is old."""
    if gate.seen_s is None:
        return max(gate.motion.phase_s, gate.shown.since_s) + site.timing.proof_s
    return gate.seen_s + (site.timing.stale_s if gate.is_busy else site.timing.proof_s)


def warning_ends(gate: Gate) -> float | None:
    """Return when the drive starts after the warning that is on, None where there is none."""
    motion = gate.motion
    return motion.phase_s + motion.move.warning_s if motion.phase is Phase.WARNING and motion.move else None


# ----------------------------------------------------------------------------------------------------- a sample


def _check_limits(turn: Turn) -> None:
    """Lock where both limits report at once."""
    if turn.at(OPEN) and turn.at(CLOSE):
        lock(turn, Code.LIMIT_CONFLICT)


def _go_on(turn: Turn) -> None:
    """Do what the phase of the move asks for."""
    PHASES[turn.motion.phase](turn)


def _believe(turn: Turn) -> None:
    """Bring what a step operator may be doing up to date."""
    if turn.site.drive is Drive.STEP:
        believe(turn)


def _recover(turn: Turn) -> None:
    """After a silence, two seconds of fresh samples make the gate whole again."""
    silent = Code.SENSOR_STALE in turn.troubles or Code.KEEPER_DOWN in turn.troubles
    if silent and has_been_fresh(turn):
        turn.heal(Code.SENSOR_STALE, Code.KEEPER_DOWN)


RULES: tuple[Callable[[Turn], None], ...] = (
    note_relays,
    look_over,
    endanger,
    _check_limits,
    guard,
    _go_on,
    _believe,
    prove_by_limits,
    heed,
    keep_time,
    pursue,
    consider,
    watch,
    _recover,
)
"""What looks at a sample, in this order."""


def step(gate: Gate, inputs: Inputs, site: Site) -> Decision:
    """Decide on one sample, as of the moment when it was taken.

    A sample from before the last one, or from before a silence was declared, changes nothing; one that comes after a
    gap finds the gate as the gap left it: `expire` as of that moment, and the next sample begins anew.
    """
    seen_s, at_s, senses = gate.seen_s, inputs.at_s, gate.senses
    if at_s <= (gate.motion.phase_s if seen_s is None else seen_s):
        return Decision(gate=gate)
    if seen_s is not None:
        nothing_new = inputs.active == senses.raw and inputs.running == senses.running
        if nothing_new and at_s < gate.due_s and at_s - seen_s <= site.timing.stale_s:
            return Decision(gate=gate.heard(at_s))
        if at_s >= deadline(gate, site):
            return expire(gate, at_s, site)
    turn = Turn(gate, at_s, site)
    feed(turn, inputs)
    for look in RULES:
        look(turn)
    return turn.sampled()


def expire(gate: Gate, now_s: float, site: Site, *, keeper_is_gone: bool = False) -> Decision:
    """Decide on a silence: nothing may run, and nothing is proven any more (I4, I8).

    Call it at `deadline`, and at once with `keeper_is_gone` when the keeper died. Before its time it changes nothing.
    """
    if now_s < deadline(gate, site) and not keeper_is_gone:
        return Decision(gate=gate)
    turn = Turn(gate, now_s, site)
    reason = Code.KEEPER_DOWN if keeper_is_gone else Code.SENSOR_STALE
    turn.end(gate.motion.move, reason)
    turn.end_stops(reason)
    switch_off(turn, "silence", by=SENSORS, leaves=State.UNKNOWN, arrived=True)
    turn.become(Phase.SETTLING, None)
    ran = gate.motion.energised is not None or gate.is_busy
    runs_by_itself = site.drive is Drive.MOMENTARY and gate.phase in AT_WORK | STOPPING
    turn.motion = replace(
        turn.motion,
        on_s=now_s if ran else gate.motion.on_s,
        runs_on=runs_by_itself or gate.motion.runs_on,
        belief=steps.ALL if site.drive is Drive.STEP else frozenset(),
    )
    active = (gate.senses.active - LIMITS) | (TAKEN_FOR_ACTIVE & site.sensors)
    turn.senses = Senses(active=active, known=gate.senses.known)
    turn.seen_s = None
    if turn.pending is not None:  # what waited begins its waiting anew, once the gate is proven to be open
        late = turn.pending.direction is Direction.OPEN or keeper_is_gone
        turn.pending = None if late else replace(turn.pending, due_s=None)
    if gate.state in {State.CLOSED, State.OPEN}:
        turn.watch = replace(turn.watch, stood=gate.state)
    turn.prove(State.UNKNOWN, Evidence.NONE)
    turn.suffer(reason)
    return turn.decision()


# ---------------------------------------------------------------------------------------------- what is wanted


def plan(gate: Gate, wanted: Plan, now_s: float, site: Site) -> Decision:
    """Take note of what the timetable wants now; a period that begins by time going by is pending from now on."""
    turn = Turn(gate, now_s, site)
    follow_plan(turn, wanted)
    return turn.decision()


def see(gate: Gate, why: str, now_s: float, site: Site) -> Decision:
    """Take note of whether the camera can be believed; `why` is empty where it can. It raises an alarm, no more."""
    turn = Turn(gate, now_s, site)
    take_note_of_sight(turn, why)
    return turn.decision()


COMMANDS: dict[Command, Callable[[Turn, Wanted], Decision]] = {
    Command.OPEN: partial(wishes.follow, direction=OPEN),
    Command.CLOSE: partial(wishes.follow, direction=CLOSE),
    Command.STOP: wishes.stop,
    Command.HOLD_OPEN: wishes.hold_open,
    Command.LOCKDOWN: wishes.lock_down,
    Command.UNLOCK: wishes.release,
    Command.EMERGENCY_OPEN: wishes.emergency_open,
    Command.NORMAL: wishes.release,
    Command.ACKNOWLEDGE: wishes.acknowledge,
    Command.RESET: wishes.reset,
    Command.LIGHT_ON: wishes.switch,
    Command.LIGHT_OFF: wishes.switch,
    Command.SIREN_ON: wishes.switch,
    Command.SIREN_OFF: wishes.switch,
}
"""What becomes of each command."""


def command(gate: Gate, wanted: Wanted, now_s: float, site: Site) -> Decision:
    """Obey or refuse one command. A refusal changes nothing but the journal."""
    return COMMANDS[wanted.command](Turn(gate, now_s, site), wanted)
