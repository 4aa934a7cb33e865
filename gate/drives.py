"""The drive as the rules see it: what each phase energises, and how it is switched off.

`RELAY` is the whole truth about what is energised. Leaving a phase is what switches a relay off; an operator that runs
by itself is stopped by a press of its own, where a press is known to stop it.
"""

from __future__ import annotations

from dataclasses import replace

from gate import steps
from gate.memory import AT_WORK, STOPPING, Ending, Motion, Move, Ordered, Phase
from gate.model import Alarm, Code, Direction, Drive, Evidence, Origin, Relay, State
from gate.site import Site
from gate.turn import Turn

OPEN, CLOSE = Direction.OPEN, Direction.CLOSE

RELAY: dict[tuple[Drive, Phase, Direction | None], Relay] = {
    (Drive.HELD, Phase.DRIVING, OPEN): Relay.OPEN,
    (Drive.HELD, Phase.DRIVING, CLOSE): Relay.CLOSE,
    (Drive.MOMENTARY, Phase.PRESSING, OPEN): Relay.OPEN,
    (Drive.MOMENTARY, Phase.PRESSING, CLOSE): Relay.CLOSE,
    (Drive.MOMENTARY, Phase.HALTING, OPEN): Relay.STOP,
    (Drive.MOMENTARY, Phase.HALTING, CLOSE): Relay.STOP,
    (Drive.MOMENTARY, Phase.HALTING, None): Relay.STOP,
    (Drive.STEP, Phase.PRESSING, OPEN): Relay.STEP,
    (Drive.STEP, Phase.PRESSING, CLOSE): Relay.STEP,
    (Drive.STEP, Phase.HALTING, OPEN): Relay.STEP,
    (Drive.STEP, Phase.HALTING, CLOSE): Relay.STEP,
    (Drive.STEP, Phase.HALTING, None): Relay.STEP,
}
"""What is energised, by drive, phase and direction; nothing in any other case, and never two (I1)."""


HOPELESS = frozenset({Code.STUCK, Code.OVERTIME, Code.NO_OUTPUT, Code.BEAM_TEST, Code.UNKNOWN_POSITION})
"""After these no rule tries the same by itself again."""


def relay_of(motion: Motion, site: Site) -> Relay | None:
    """Return the drive relay that is to be on; it follows from the phase alone."""
    return RELAY.get((site.drive, motion.phase, motion.move.direction if motion.move else None))


def give_up(turn: Turn, code: Code, why: str, *, leaves: State = State.STOPPED, arrived: bool = False) -> None:
    """End the move badly; `leaves` is what is known of the leaf where no limit says better."""
    turn.end(turn.motion.move, code)
    if code in HOPELESS:
        turn.pending = None
    switch_off(turn, why, leaves=leaves, arrived=arrived)


def switch_off(  # noqa: PLR0913 - what is known when a move ends
    turn: Turn,
    why: str,
    *,
    by: Origin | None = None,
    then: Move | None = None,
    leaves: State = State.STOPPED,
    arrived: bool = False,
) -> None:
    """Leave what is being done, for whatever is wanted next; the relays follow from the phase.

    `by` is who or what ended the move, its own wisher by default; `leaves` is what is known of the leaf once the relay
    is released, where no limit says better. `arrived`: the leaf needs no stop of its own.
    """
    motion, move = turn.motion, turn.motion.move
    if motion.phase in STOPPING:  # the stop goes on; only what comes after it is another
        turn.motion = replace(motion, move=then)
        return
    halts = motion.phase in {Phase.PRESSING, Phase.RUNNING} and not arrived
    cut = halts and _is_cut_short(turn)
    if cut and move is not None:
        belief = steps.doubted(steps.LOGICS[turn.site.logic], motion.belief)
        behind = move.direction.opposite
        if turn.at(behind):  # it stands there still, or has just begun
            belief = frozenset({steps.ENDS[behind], steps.RUNS[move.direction]})
        motion = replace(motion, belief=belief)
    if motion.phase in AT_WORK and move is not None:
        blind = halts and not cut and turn.site.drive is Drive.STEP and not may_halt(turn)
        ending = Ending(
            why=why, by=by or move.by, command_id=move.command_id, leaves=State.UNKNOWN if blind else leaves
        )
        turn.motion = replace(motion, ending=ending, on_s=turn.now_s, off_s=turn.now_s)
        halts = halts and not blind
    if not halts:
        turn.become(Phase.PAUSING if then else Phase.RESTING, then)
    elif turn.site.drive is Drive.MOMENTARY:
        turn.become(Phase.HALTING, then)
        order_halt(turn, Relay.STOP)
    else:
        turn.become(Phase.SPACING, then)


def _is_cut_short(turn: Turn) -> bool:
    """Tell whether the one button was pressed for so short a time that the press may not count."""
    motion = turn.motion
    if turn.site.drive is not Drive.STEP or motion.phase is not Phase.PRESSING or motion.energised_s is None:
        return False
    return turn.now_s < motion.energised_s + turn.timing.sure_press_s


def order_halt(turn: Turn, relay: Relay) -> None:
    """Press stop; its cause is what ended the move (I14)."""
    ending = turn.motion.ending
    turn.become(Phase.HALTING, turn.motion.move)
    if ending is not None:
        ordered = Ordered(relay=relay, direction=None, by=ending.by, command_id=ending.command_id, cause=ending.why)
        turn.motion = replace(turn.motion, ordered=ordered)


def press_stop(turn: Turn, by: Origin, command_id: str) -> None:
    """Press the stop of an operator that is believed to stand: a handset or a restart may have left it running.

    Before the first sample nothing can be pressed; then it is, as soon as samples come.
    """
    if turn.site.drive is not Drive.MOMENTARY or turn.motion.phase in STOPPING:
        return
    if turn.seen_s is None:
        turn.motion = replace(turn.motion, runs_on=True)
        return
    turn.become(Phase.HALTING, None)
    ordered = Ordered(relay=Relay.STOP, direction=None, by=by, command_id=command_id, cause="stop")
    turn.motion = replace(turn.motion, ordered=ordered)


def may_halt(turn: Turn) -> bool:
    """Tell whether a press of the one button is known to stop a gate that is proven to move."""
    at_an_end = turn.may_be_at(OPEN) or turn.may_be_at(CLOSE)
    return not at_an_end and steps.may_halt(steps.LOGICS[turn.site.logic], turn.motion.belief)


def lock(turn: Turn, code: Code) -> None:
    """Off, and nothing more until an authorised reset (I10)."""
    turn.end(turn.motion.move, code)
    turn.end_stops(code)
    if code not in turn.troubles:
        turn.suffer(code)
        turn.alarm(Alarm.FAULT, why=code.value)
    turn.pending = None
    if not (turn.at(OPEN) or turn.at(CLOSE)):
        turn.prove(State.UNKNOWN, Evidence.NONE)
    if turn.motion.move is not None:
        switch_off(turn, code.value, leaves=State.UNKNOWN)
