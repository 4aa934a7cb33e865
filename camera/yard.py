"""What the simulated yard looks like, as gate's `yard` push tells it. `docs/camera.md` names the words behind it."""

from __future__ import annotations

from dataclasses import dataclass

from camera.things import Thing
from gate.model import JsonObject


@dataclass(frozen=True, kw_only=True, slots=True)
class Yard:
    """What the scene shows of the yard. `leaf` is 0 closed to 1 open.

    `crate` stands in the gateway, under the beam and beside the rail: no sensor notices it, only the camera does.
    `hand` to `freeze` befall the camera itself.
    """

    leaf: float = 0.0
    things: tuple[Thing, ...] = ()
    crate: bool = False
    lamp: bool = False
    light: bool = False
    night: bool = False
    infrared: bool = True
    rain: bool = False
    insects: bool = False
    headlights: bool = False
    wind: bool = False
    hand: bool = False
    torch: bool = False
    shake: bool = False
    knocked: bool = False
    blur: bool = False
    freeze: bool = False

    @property
    def lit(self) -> bool:
        """Tell whether the gate's own light makes a difference."""
        return self.night and self.light

    @property
    def grey(self) -> bool:
        """Tell whether the camera sees by its infrared lamp: no colours, and whatever is near is bright."""
        return self.night and self.infrared and not self.light

    @property
    def sunny(self) -> bool:
        """Tell whether things throw a shadow."""
        return not (self.night or self.rain)


def read_yard(data: JsonObject) -> Yard:
    """Read a `yard` push; what is missing or of a wrong type counts as absent."""
    listed = data.get("things")
    leaf = data.get("leaf")
    return Yard(
        leaf=min(1.0, max(0.0, float(leaf))) if isinstance(leaf, int | float) else 0.0,
        things=tuple(thing for entry in listed if (thing := _read_thing(entry))) if isinstance(listed, list) else (),
        crate=data.get("crate") is True, lamp=data.get("lamp") is True, light=data.get("light") is True,
        night=data.get("night") is True, infrared=data.get("infrared_dead") is not True,
        rain=data.get("rain") is True, insects=data.get("insects") is True, headlights=data.get("headlights") is True,
        wind=data.get("wind") is True,
        hand=data.get("hand") is True, torch=data.get("torch") is True, shake=data.get("shake") is True,
        knocked=data.get("knocked") is True, blur=data.get("blur") is True, freeze=data.get("freeze") is True,
    )  # fmt: skip


def _read_thing(entry: object) -> Thing | None:
    if not isinstance(entry, dict):
        return None
    number, kind, along = entry.get("id"), entry.get("kind"), entry.get("along")
    if not isinstance(kind, str) or not isinstance(along, int | float):
        return None
    # An id that is no number still gives the thing a colour of its own, the same in every run.
    tint = number if isinstance(number, int) else sum(str(number).encode())
    return Thing(number=tint, kind=kind, along=float(along), direction=-1 if entry.get("direction") == -1 else 1)
