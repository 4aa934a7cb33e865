"""The simulated yard, as the keeper and the tests know it: a plant, its sensors, its orders, its file.

Physics only (`yard_plant`): `advance` takes the time that went by and which relays' coils are on; `sensors` says what
the switches then show. The rules never see this; they see mock pins that `drive` sets, as they would see a real
yard's. Who judges the rules asks the plant: `motor`, `contacts`, `leaf`, `speed`, `beam_broken`, `edge_pressed`.
"""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path
from typing import assert_never

from gate.model import JsonObject, Sensor
from gate.pins import Board
from gate.yard_file import Kept, read_kept, write_kept
from gate.yard_orders import (
    BATTERY,
    INPUTS,
    LEFT,
    SEEN,
    SWAPPED,
    WEATHER,
    YARD_WORDS,
    Becomes,
    Enters,
    Pushes,
    Shows,
    YardError,
    read,
    spell,
)
from gate.yard_parts import LimitFault
from gate.yard_plant import TRAVEL_S, Plant
from gate.yard_road import Thing

__all__ = ["TRAVEL_S", "YARD_WORDS", "Thing", "Yard", "YardError"]

NOT_FAULTS = frozenset({*WEATHER, LEFT, BATTERY, *INPUTS} - {Sensor.RELEASE, Sensor.CABINET})
ALL_QUIET = dict.fromkeys([sensor.value for sensor in Sensor], False)


@lru_cache(maxsize=1024)
def _active_in(levels: tuple[bool, ...]) -> frozenset[Sensor]:
    """Return the sensors that these levels, in the order of `Sensor`, show as active."""
    return frozenset(sensor for sensor, active in zip(Sensor, levels, strict=True) if active)


class Yard(Plant):
    """A plant behind wires, that takes orders."""

    def sensors(self) -> dict[str, bool]:
        """Return what the wires of all sensors say, by `Sensor` value; true is active."""
        shown = ALL_QUIET.copy()
        conditions = self.conditions
        if conditions:
            for sensor in INPUTS:
                shown[sensor] = sensor in conditions
            if "power" in conditions:
                shown["mains_lost"] = True
        swapped = SWAPPED in conditions
        shown["limit_open"] = (self._closed_limit if swapped else self._open_limit).shown
        shown["limit_closed"] = (self._open_limit if swapped else self._closed_limit).shown
        shown["beam"] = self._shown_beam()
        shown["edge"] = self.edge_pressed
        return shown

    def active(self) -> frozenset[Sensor]:
        """Return the sensors whose wires say that they are active."""
        return _active_in(tuple(self.sensors().values()))

    @property
    def faults(self) -> list[str]:
        """Every fault that is on, in the words that order it."""
        return sorted(spell(*each) for each in self.conditions.items() if each[0] not in NOT_FAULTS)

    def truth(self) -> JsonObject:
        """Return all that is true."""
        return {
            "leaf": round(self.leaf, 4),
            "speed": round(self.speed, 4),
            "relays": sorted(self.relays),
            "contacts": sorted(self.contacts),
            "motor": self.motor,
            "operator": self.operator.phase,
            "things": [thing.plain() for thing in self.things],
            "beam_broken": self.beam_broken,
            "beam_held": self.beam_held,
            "edge_pressed": self.edge_pressed,
            "sensors": sorted(name for name, active in self.sensors().items() if active),
            "faults": self.faults,
            "wind": self._is_windy,
            "slope": self.slope,
            "infrared_dead": "infrared" in self.conditions,
            **{name: name in self.conditions for name in (*SEEN, BATTERY)},
        }

    def drive(self, board: Board) -> None:
        """Put what the wires say on the mock pins."""
        board.drive_mock(self.sensors())

    def obey(self, action: str, arguments: list[str]) -> JsonObject:
        """Do what a maintainer asks for, in the words of `antt-gate yard`. Raises `YardError`."""
        match read(action, arguments):
            case Enters(kind=kind, direction=direction):
                self._road.enter(kind, direction)
            case Pushes(way=way):
                self.push(way)
            case Becomes(subject=subject, condition=condition):
                self.become(subject, condition)
            case Shows():
                pass
            case never:
                assert_never(never)
        return self.truth()

    def load(self, path: Path) -> None:
        """Find leaf and conditions as they were left; what is missing or damaged is as in a new yard."""
        kept = read_kept(path)
        if kept.leaf is not None:
            self.leaf = kept.leaf
        for subject, condition in kept.conditions.items():
            self.become(subject, condition)
        for name, active in kept.stuck.items():
            self._show(name, active=active)

    def save(self, path: Path) -> None:
        """Leave all as it is, for the next start; a disk that refuses is passed over."""
        stuck = {name: limit.shown for name, limit in self._limits.items() if limit.fault is LimitFault.STUCK}
        if self._frozen_beam is not None:
            stuck["beam"] = self._frozen_beam
        write_kept(path, Kept(leaf=self.leaf, conditions=self.conditions, stuck=stuck))

    def _show(self, name: str, *, active: bool) -> None:
        """Have a stuck sensor show what it showed when it was kept."""
        if name == "beam" and self._frozen_beam is not None:
            self._frozen_beam = active
        limit = self._limits.get(name)
        if limit is not None and limit.fault is LimitFault.STUCK:
            limit.shown = active
