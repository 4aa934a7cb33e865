"""How long the leaf takes: learned from clean runs, and what follows from it (I9). Pure.

A clean run goes from one limit to the other without a stop or a reversal. The median of the last five counts once there
are three; nothing learned ever makes a run longer than the configured maximum.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from statistics import median

from gate.memory import Move
from gate.model import Code, Direction, Drive
from gate.turn import Turn

RUNS = 5
LEAST_RUNS = 3
LONGEST = 1.35
SLOW = 1.15


def usual_s(runs: Sequence[float]) -> float | None:
    """Return the travel time in seconds that clean runs teach, None before there are enough of them."""
    return median(runs) if len(runs) >= LEAST_RUNS else None


def learned_s(turn: Turn, direction: Direction) -> float | None:
    """Return the learned travel time in seconds that way, None before there are enough runs."""
    return usual_s(turn.learned.open_s if direction is Direction.OPEN else turn.learned.close_s)


def longest_s(turn: Turn, direction: Direction) -> float:
    """Return how long a drive may run that way (I9)."""
    usual_s = learned_s(turn, direction)
    configured_s = turn.timing.max_travel_s
    return configured_s if usual_s is None else min(configured_s, LONGEST * usual_s)


def note_slow(turn: Turn, direction: Direction, began_s: float) -> None:
    """Say that the leaf takes longer than it used to."""
    usual_s = learned_s(turn, direction)
    if usual_s is not None and turn.reached(began_s + SLOW * usual_s):
        turn.suffer(Code.SLOW)


def learn(turn: Turn, move: Move, travel_s: float) -> None:
    """Take a run that ended at its limit into account, where it was a clean one; count the cycle."""
    learned, site = turn.learned, turn.site
    closes = move.direction is Direction.CLOSE
    if closes:
        learned = replace(learned, cycles=learned.cycles + 1)
        if site.service_cycles and learned.cycles % site.service_cycles == 0:
            turn.suffer(Code.MAINTENANCE_DUE)
    clean = turn.motion.from_limit and move.tries == 1 and move.for_s is None and move.held is None
    if clean and site.drive is not Drive.STEP:
        usual_s = learned_s(turn, move.direction)
        if usual_s is not None and travel_s < SLOW * usual_s:
            turn.heal(Code.SLOW)
        runs = (*(learned.close_s if closes else learned.open_s), round(travel_s, 3))[-RUNS:]
        learned = replace(learned, close_s=runs) if closes else replace(learned, open_s=runs)
    turn.learned = learned
