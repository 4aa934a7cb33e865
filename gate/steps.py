"""One button for everything: what a press does to a gate operator that steps through a cycle of its own.

What phase the operator is in is never known for certain, so it is a set of possibilities (`belief`) that limits
collapse and presses map. A press is advised only where every possibility leads towards the goal, or a wrong start is
noticed at the other limit and harmless meanwhile; for a close no possibility may be wrong.

The logics are those that makers of operators document (step-by-step, two steps, condominium and their kin). Pure.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum

from gate.model import Direction


class Step(StrEnum):
    """A phase of the operator's own cycle."""

    CLOSED = "closed"
    OPENING = "opening"
    OPEN = "open"
    CLOSING = "closing"
    PAUSED_OPENING = "paused_opening"
    PAUSED_CLOSING = "paused_closing"


class Advice(StrEnum):
    """What to do about a goal with a belief."""

    PRESS = "press"
    WAIT = "wait"
    REFUSE = "refuse"


Logic = Mapping[Step, Step]
ALL = frozenset(Step)
MOVING = frozenset({Step.OPENING, Step.CLOSING})
AT_ENDS = frozenset({Step.OPEN, Step.CLOSED})
STILL = frozenset({Step.PAUSED_OPENING, Step.PAUSED_CLOSING})
ENDS = {Direction.OPEN: Step.OPEN, Direction.CLOSE: Step.CLOSED}
RUNS = {Direction.OPEN: Step.OPENING, Direction.CLOSE: Step.CLOSING}
HALTS = {Step.OPENING: Step.PAUSED_OPENING, Step.CLOSING: Step.PAUSED_CLOSING}


def _logic(opening: Step, paused_opening: Step, closing: Step, paused_closing: Step) -> Logic:
    """Return a logic; from its ends a press always runs to the other one."""
    return {
        Step.CLOSED: Step.OPENING,
        Step.OPENING: opening,
        Step.PAUSED_OPENING: paused_opening,
        Step.OPEN: Step.CLOSING,
        Step.CLOSING: closing,
        Step.PAUSED_CLOSING: paused_closing,
    }


LOGICS: dict[str, Logic] = {
    "open_stop_close_stop": _logic(Step.PAUSED_OPENING, Step.CLOSING, Step.PAUSED_CLOSING, Step.OPENING),
    "open_stop_close_open": _logic(Step.PAUSED_OPENING, Step.CLOSING, Step.OPENING, Step.OPENING),
    "open_close": _logic(Step.CLOSING, Step.CLOSING, Step.OPENING, Step.OPENING),
    "open_stop_open": _logic(Step.PAUSED_OPENING, Step.OPENING, Step.PAUSED_CLOSING, Step.OPENING),
    "condominium": _logic(Step.OPENING, Step.OPENING, Step.OPENING, Step.OPENING),
    "condominium_stop": _logic(Step.OPENING, Step.OPENING, Step.PAUSED_CLOSING, Step.OPENING),
    "stop_then_reverse": _logic(Step.PAUSED_OPENING, Step.CLOSING, Step.PAUSED_CLOSING, Step.CLOSING),
}
"""By name: what one press makes of each phase. `stop_then_reverse` closes again after any stop."""


def pressed(logic: Logic, belief: frozenset[Step]) -> frozenset[Step]:
    """Return what a press makes of the belief."""
    return frozenset(logic[step] for step in belief)


def seen(belief: frozenset[Step], *, limit_open: bool, limit_closed: bool) -> frozenset[Step]:
    """Return the belief after a look at the limits: one that is active collapses it, one that is lost widens it.

    A press turns CLOSED into OPENING before the limit is lost; a leaf that leaves its limit otherwise was moved by
    somebody else, and nothing is known any more.
    """
    if limit_open is limit_closed:
        return belief if limit_open else (belief - AT_ENDS) or (ALL - AT_ENDS)
    end, leaving = (Step.OPEN, Step.CLOSING) if limit_open else (Step.CLOSED, Step.OPENING)
    return belief if leaving in belief and belief <= {end, leaving} else frozenset({end})


def doubted(logic: Logic, belief: frozenset[Step]) -> frozenset[Step]:
    """Return the belief after a press that was perhaps too short to count: as it is, or as it was before."""
    return belief | {step for step in Step if logic[step] in belief}


def settled(belief: frozenset[Step]) -> frozenset[Step]:
    """Return the belief after longer than any run can last: nothing moves any more."""
    return frozenset(HALTS.get(step, step) for step in belief)


def advise(logic: Logic, belief: frozenset[Step], goal: Direction, *, beam_is_clear: bool) -> Advice:
    """Say whether to press for this goal now. Wait while it may be moving; refuse where a press could be wrong."""
    if belief & MOVING:
        return Advice.WAIT
    then = pressed(logic, belief)
    if then <= {RUNS[goal]}:
        return Advice.PRESS
    if goal is Direction.CLOSE:  # a known pause that can only open: by way of the open end
        return Advice.PRESS if then == {Step.OPENING} and len(belief) == 1 else Advice.REFUSE
    return Advice.PRESS if beam_is_clear and then <= MOVING else Advice.REFUSE


def may_halt(logic: Logic, belief: frozenset[Step]) -> bool:
    """Tell whether a press can be trusted to stop or open a gate that is moving: never to make it close."""
    return bool(belief) and belief <= MOVING and Step.CLOSING not in pressed(logic, belief)
