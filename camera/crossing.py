"""Who crossed a line, and which way: the ground points of one track go in, crossings come out. Pure; no clock.

- A line is an arrow from `start` to `end`, in fractions of the picture, x to the right and y down. Seen in the picture
  by somebody who walks along the arrow, there is a left and a right of it: from its left to its right is "in", the
  other way "out". Example: the arrow (0.2, 0.8) to (0.8, 0.8) points to the right, above it is its left; who comes
  down the picture, towards the camera, goes "in".
- A line is as long as it is drawn: who walks round its end has not crossed it.
- A track is at a side when its ground point is `CLEAR` away from the line; in between, the box of a walking person
  sways. A crossing is said once, when the track is clear of the line at the other side. Touching the line, sliding
  along it and swaying on it say nothing, and a track that first appears on the line has come from nowhere.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import hypot
from typing import Literal, TypeAlias

Point: TypeAlias = tuple[float, float]
"""(x, y) in fractions of the picture."""

Direction: TypeAlias = Literal["in", "out"]

CLEAR = 0.01
"""How far from the line a ground point is at a side, in fractions of the picture: a box sways by a pixel of 160."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Line:
    """An arrow to be crossed: from its left to its right is "in". Raises `ValueError` where it has no length."""

    name: str
    start: Point
    end: Point

    def __post_init__(self) -> None:
        """Refuse a line that is a point: nothing could cross it."""
        if self.start == self.end:
            raise ValueError(f"line {self.name!r}: it starts and ends at {self.start}; give two different points")

    def side(self, point: Point) -> float:
        """Return how far right of the arrow a point is, in fractions of the picture; negative is left of it."""
        across, down = self.end[0] - self.start[0], self.end[1] - self.start[1]
        turn = across * (point[1] - self.start[1]) - down * (point[0] - self.start[0])
        return turn / hypot(across, down)


@dataclass(frozen=True, kw_only=True, slots=True)
class Crossing:
    """One thing went over the line of this name, once."""

    line: str
    direction: Direction


def crossed(line: Line, before: Point, after: Point) -> Direction | None:
    """Return the way in which the straight step from one point to the next goes through the line; None if it doesn't.

    A point that lies exactly on the line is still at its left, so that of two steps that meet on it one counts.
    """
    was, is_now = line.side(before), line.side(after)
    if (was > 0) == (is_now > 0):
        return None
    share = was / (was - is_now)
    met = (before[0] + share * (after[0] - before[0]), before[1] + share * (after[1] - before[1]))
    across, down = line.end[0] - line.start[0], line.end[1] - line.start[1]
    along = across * (met[0] - line.start[0]) + down * (met[1] - line.start[1])
    if not 0.0 <= along <= across * across + down * down:
        return None
    return "in" if is_now > 0 else "out"


@dataclass(slots=True)
class _Memory:
    """What one track did at one line: the side at which it was last clear (None: not yet), and its steps since."""

    right: bool | None = None
    through: int = 0


class Walk:
    """The way of one track over all lines: one instance a track, `step` with every ground point of it."""

    __slots__ = ("_last", "_lines", "_memories")

    def __init__(self, lines: Sequence[Line]) -> None:
        self._lines = lines
        self._memories = [_Memory() for _ in lines]
        self._last: Point | None = None

    def step(self, point: Point) -> tuple[Crossing, ...]:
        """Take the next ground point (the middle of the box's lower edge); return what was crossed by now."""
        last, self._last = self._last, point
        if last is None:
            last = point
        found = []
        for line, memory in zip(self._lines, self._memories, strict=True):
            direction = _advance(memory, line, last, point)
            if direction:
                found.append(Crossing(line=line.name, direction=direction))
        return tuple(found)


def _advance(memory: _Memory, line: Line, last: Point, point: Point) -> Direction | None:
    """Move one memory on by one step; return the crossing that is certain by it."""
    through = crossed(line, last, point)
    memory.through += {"in": 1, "out": -1, None: 0}[through]
    side = line.side(point)
    if abs(side) < CLEAR:
        return None
    was_right, memory.right = memory.right, side > 0
    net, memory.through = memory.through, 0
    if was_right is None or was_right == memory.right:
        return None
    if memory.right:
        return "in" if net > 0 else None
    return "out" if net < 0 else None
