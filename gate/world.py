"""The simulated yard: a leaf with a motor, limits, a beam, and things that want to pass.

Physics only: `advance` takes the time that went by and which relays are on; `sensors` says what the switches then
show. The rules never see this; they see mock pins that `drive` sets, as they would see a real yard's.

`leaf` is 0.0 closed … 1.0 open. Things live on a road through the gateway: `along` is 0.0 under the beam, negative
outside, positive inside the village.
"""

from __future__ import annotations

import itertools
import json
import os
from collections.abc import Collection
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from gate.model import Direction, JsonObject
from gate.pins import Board

TRAVEL_S = 8.0
START_DELAY_S = 0.15
RAMP_S = 0.3
LIMIT_WINDOW = 0.03
ROAD_END = 1.5
STOP_LINE = 0.5
PATIENCE_S = 45.0
SWITCHES = ("night", "rain", "insects")


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
    """One thing on the road."""

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


class YardError(Exception):
    """An order that the yard does not know; the message names what it knows."""


class Yard:
    """What is true, whatever the sensors say."""

    def __init__(self) -> None:
        self.leaf = 0.0
        self.speed = 0.0
        self.relays: frozenset[Direction] = frozenset()
        self.things: list[Thing] = []
        self.beam_held = False
        self.switched = dict.fromkeys(SWITCHES, False)
        self._energised_s = 0.0
        self._numbers = itertools.count(1)

    @property
    def beam_broken(self) -> bool:
        """Tell whether the photocell's light is interrupted."""
        return self.beam_held or any(thing.breaks_beam for thing in self.things)

    @property
    def is_lively(self) -> bool:
        """Tell whether anything moves."""
        return bool(self.speed or self.relays or self.things)

    def advance(self, dt_s: float, relays: Collection[Direction]) -> None:
        """Let `dt_s` go by with these drive relays on."""
        energised = frozenset(relays)
        self._energised_s = self._energised_s + dt_s if energised == self.relays else 0.0
        self.relays = energised
        self._move_leaf(dt_s)
        for thing in self.things:
            self._move_thing(thing, dt_s)
        self.things = [thing for thing in self.things if abs(thing.along) <= ROAD_END]

    def sensors(self) -> dict[str, bool]:
        """Return what the switches show, true = active."""
        return {
            "limit_closed": self.leaf <= LIMIT_WINDOW,
            "limit_open": self.leaf >= 1.0 - LIMIT_WINDOW,
            "beam": self.beam_broken,
        }

    def drive(self, board: Board) -> None:
        """Put what the switches show on the mock pins."""
        board.drive_mock(self.sensors())

    def obey(self, action: str, arguments: list[str]) -> JsonObject:
        """Do what a maintainer asks for, in the words of `antt-gate yard`. Raises `YardError`."""
        if action in BREEDS:
            return self._enter(action, arguments)
        if action == "beam" and arguments in (["blocked"], ["clear"]):
            self.beam_held = arguments == ["blocked"]
        elif action in (*SWITCHES, "day") and arguments in ([], ["on"], ["off"]):
            on = arguments != ["off"]
            self.switched["night" if action == "day" else action] = on is not (action == "day")
        elif action != "show":
            known = f"show, {', '.join(BREEDS)} [in|out], beam blocked|clear, day, {'|'.join(SWITCHES)} [on|off]"
            raise YardError(f"the yard does not know {' '.join([action, *arguments])!r}; it knows: {known}")
        return self.truth()

    def truth(self) -> JsonObject:
        """Return all that is true."""
        return {
            "leaf": round(self.leaf, 4),
            "speed": round(self.speed, 4),
            "relays": sorted(self.relays),
            "things": [
                {
                    "id": thing.id,
                    "kind": thing.kind,
                    "along": round(thing.along, 4),
                    "direction": thing.direction,
                    "length": thing.breed.length,
                }
                for thing in self.things
            ],
            "beam_broken": self.beam_broken,
            "beam_held": self.beam_held,
            **self.switched,
        }

    def load(self, path: Path) -> None:
        """Find the leaf where it was left; a file that is missing or damaged leaves it closed."""
        with suppress(OSError, ValueError, TypeError, KeyError, RecursionError):
            kept = json.loads(path.read_bytes())
            self.leaf = min(1.0, max(0.0, float(kept["leaf"])))
            self.switched.update({name: bool(kept[name]) for name in SWITCHES})

    def save(self, path: Path) -> None:
        """Leave the leaf where it is, for the next start. A disk that refuses is no reason to stop a gate."""
        with suppress(OSError):
            draft = path.with_suffix(".new")
            draft.write_text(json.dumps({"leaf": self.leaf, **self.switched}), encoding="ascii")
            os.replace(draft, path)  # noqa: PTH105 - the atomic call by its own name

    def _enter(self, kind: str, arguments: list[str]) -> JsonObject:
        if arguments not in ([], ["in"], ["out"]):
            raise YardError(f"a {kind} goes in or out, not {' '.join(arguments)!r}")
        direction = -1 if arguments == ["out"] else 1
        along = -direction * ROAD_END
        self.things.append(Thing(id=next(self._numbers), kind=kind, along=along, direction=direction))
        return self.truth()

    def _move_leaf(self, dt_s: float) -> None:
        wanted = 0.0
        if len(self.relays) == 1 and self._energised_s >= START_DELAY_S:
            wanted = (1.0 if Direction.OPEN in self.relays else -1.0) / TRAVEL_S
        change = dt_s / RAMP_S / TRAVEL_S
        self.speed += max(-change, min(change, wanted - self.speed))
        reached = self.leaf + self.speed * dt_s
        self.leaf = min(1.0, max(self._least_opening(), reached))
        if self.leaf != reached:
            self.speed = 0.0

    def _least_opening(self) -> float:
        """Return how far the leaf can close: not through what stands in its way."""
        held = max((thing.breed.needs for thing in self.things if thing.breaks_beam), default=0.0)
        return min(held, self.leaf)

    def _move_thing(self, thing: Thing, dt_s: float) -> None:
        ahead = -thing.along * thing.direction
        step = thing.breed.speed * dt_s
        waits = ahead - step < STOP_LINE <= ahead and self.leaf < thing.breed.needs
        if not waits:
            thing.along += thing.direction * step
            return
        thing.waited_s += dt_s
        if thing.waited_s > PATIENCE_S:
            thing.direction = -thing.direction
