"""The road through the simulated gateway, and who is on it.

`along` is 0.0 under the beam, negative outside, positive inside the village. Drivers and dogs alike stop before a leaf
that is not open far enough for them, lose patience in the end and turn back; one that the leaf has caught stands still
until it is let go, or wriggles out backwards.
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass

from gate.model import JsonObject

ROAD_END = 1.5
STOP_LINE = 0.5
NOSE_GAP = 0.02
PATIENCE_S = 45.0


@dataclass(frozen=True, kw_only=True, slots=True)
class Breed:
    """A sort of thing: its length on the road, its speed per second, how far open the leaf must be to pass."""

    length: float
    speed: float
    needs: float


BREEDS = {
    "car": Breed(length=0.36, speed=0.45, needs=0.7),
    "motorbike": Breed(length=0.18, speed=0.6, needs=0.4),
    "person": Breed(length=0.06, speed=0.16, needs=0.2),
    "dog": Breed(length=0.08, speed=0.3, needs=0.2),
}


@dataclass(kw_only=True, slots=True)
class Thing:
    """One thing on the road, heading in (1), out (-1) or nowhere (0)."""

    id: int
    kind: str
    along: float
    direction: int
    waited_s: float = 0.0

    @property
    def breed(self) -> Breed:
        """Its length, speed and needs."""
        return BREEDS[self.kind]

    @property
    def breaks_beam(self) -> bool:
        """Tell whether it stands in the light of the photocell."""
        return abs(self.along) < self.breed.length / 2

    def move(self, dt_s: float, leaf: float) -> None:
        """Go on, or wait for a leaf that is only this far open (0-1)."""
        breed = self.breed
        step = breed.speed * dt_s
        if leaf < breed.needs and self.waited_s <= PATIENCE_S and self._must_wait(step, breed):
            self.waited_s += dt_s
            if self.waited_s > PATIENCE_S:
                self.direction = -self.direction
            return
        self.along += self.direction * step

    def plain(self) -> JsonObject:
        """Return it as JSON data."""
        return {
            "id": self.id,
            "kind": self.kind,
            "along": round(self.along, 4),
            "direction": self.direction,
            "length": self.breed.length,
        }

    def _must_wait(self, step: float, breed: Breed) -> bool:
        ahead = -self.along * self.direction
        nose = breed.length / 2 + NOSE_GAP
        return ahead - step < STOP_LINE <= ahead or ahead - step < nose <= ahead or self.breaks_beam


class Road:
    """All that is on it."""

    def __init__(self) -> None:
        self.things: list[Thing] = []
        self._numbers = itertools.count(1)

    @property
    def breaks_beam(self) -> bool:
        """Tell whether anything stands in the light of the photocell."""
        return any(thing.breaks_beam for thing in self.things)

    def enter(self, kind: str, direction: int) -> None:
        """Have one more come in (1) or out (-1), from the far end."""
        self.things.append(Thing(id=next(self._numbers), kind=kind, along=-direction * ROAD_END, direction=direction))

    def move(self, dt_s: float, leaf: float) -> None:
        """Let time go by for all of them; those that reached an end of the road are gone."""
        for thing in self.things:
            thing.move(dt_s, leaf)
        self.things = [thing for thing in self.things if abs(thing.along) <= ROAD_END]

    def keeps_open(self) -> float:
        """Return how far the leaf can close (0-1) before it meets something."""
        return max((thing.breed.needs for thing in self.things if thing.breaks_beam), default=0.0)
