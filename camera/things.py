"""What passes through the gateway of the scene: cars, motorbikes, people and dogs, as a few shaded polygons each.

Everything follows from the yard's own figures (`along`, `direction`, `kind`, `id`), so that the same yard always gives
the same picture; legs swing with the way gone, not with a clock.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from camera.view import SUN_M, Brush, Colour, Lens, Point3, Points, Rect, cast, shaded

GATE_Z_M = 11.5
METRES_PER_UNIT = 12.0
LANE_M = {"car": 0.95, "motorbike": 1.25, "person": 1.9, "dog": 1.5}

CAR_COLOURS: tuple[Colour, ...] = ((225, 225, 222), (40, 45, 150), (120, 80, 45), (60, 60, 62), (170, 172, 170))
CLOTHES: tuple[Colour, ...] = ((150, 80, 40), (60, 60, 170), (90, 140, 60), (50, 120, 190), (140, 70, 120))
SKIN: Colour = (120, 160, 205)
STRAW: Colour = (140, 205, 230)
GLASS: Colour = (78, 66, 52)
RUBBER: Colour = (32, 30, 30)


@dataclass(frozen=True, kw_only=True, slots=True)
class Thing:
    """One thing on the road, as the yard tells it. `along` is 0 in the gateway, negative outside."""

    number: int
    kind: str
    along: float
    direction: int

    @property
    def z_m(self) -> float:
        """How far from the camera's foot it is, in metres along the road."""
        return GATE_Z_M - METRES_PER_UNIT * self.along

    @property
    def x_m(self) -> float:
        """Its lane: everyone keeps to the right of their own way."""
        return -self.direction * LANE_M.get(self.kind, 1.0)

    @property
    def outside(self) -> bool:
        """Tell whether the leaf and the walls stand between it and the camera."""
        return self.along < 0

    def lamps(self) -> list[Point3]:
        """Return where its headlights are, for things that have some and come towards the camera."""
        if self.kind == "car" and self.direction > 0:
            return [(self.x_m - 0.62, 0.68, self.z_m - 2.15), (self.x_m + 0.62, 0.68, self.z_m - 2.15)]
        return [(self.x_m, 0.85, self.z_m - 0.95)] if self.kind == "motorbike" and self.direction > 0 else []

    def tail_lamps(self) -> list[Point3]:
        """Return where its red lamps are, for things that go away from the camera."""
        if self.kind == "car" and self.direction < 0:
            return [(self.x_m - 0.66, 0.78, self.z_m - 2.15), (self.x_m + 0.66, 0.78, self.z_m - 2.15)]
        return [(self.x_m, 0.7, self.z_m - 0.95)] if self.kind == "motorbike" and self.direction < 0 else []


EXTENT: dict[str, tuple[float, float, float]] = {
    "car": (1.1, 1.7, 2.4), "motorbike": (0.6, 1.9, 1.2), "person": (0.7, 1.95, 0.5), "dog": (0.5, 0.8, 0.6),
}  # fmt: skip
"""Half width, height and half length in metres that hold a thing and its shadow."""


CRATE_M: Point3 = (-0.75, 0.52, GATE_Z_M - 0.1)
CRATE_HALF_M = (0.42, 0.3)
CRATE: Colour = (150, 92, 40)


def bounds(thing: Thing, lens: Lens) -> Rect:
    """Return the part of the picture that a thing and its shadow cover."""
    half, high, long = EXTENT.get(thing.kind, EXTENT["person"])
    corners = [
        (thing.x_m + x, y, thing.z_m + z)
        for x in (-half - 0.2, half + 0.2)
        for y in (-0.1, high)
        for z in (-long, long)
    ]
    reach = (thing.x_m + half + SUN_M[0] * high, 0.0, thing.z_m - long + SUN_M[1] * high)
    return lens.bounds([*corners, reach])


def draw(brush: Brush, thing: Thing, *, sunny: bool) -> None:
    """Draw one thing with its shadow."""
    half, high, long = EXTENT.get(thing.kind, EXTENT["person"])
    turn = np.linspace(0, 2 * math.pi, 20)
    foot = np.stack(
        [thing.x_m + half * 0.92 * np.cos(turn), np.zeros(20), thing.z_m + long * 0.95 * np.sin(turn)], axis=1
    )
    if sunny:
        top = np.stack(
            [thing.x_m + half * 0.5 * np.cos(turn), np.full(20, high * 0.9), thing.z_m + long * 0.6 * np.sin(turn)], 1
        )
        brush.dim([cast(np.concatenate([foot, top]))], 0.6)
    brush.dim([foot], 0.62)
    DRAWN.get(thing.kind, _person)(brush, thing)


def crate_bounds(lens: Lens) -> Rect:
    """Return the part of the picture in which the crate stands, with its shadow."""
    (x, high, z), (half, long) = CRATE_M, CRATE_HALF_M
    return lens.bounds([
        (x - half, 0, z + long), (x - half, high, z), (x + half, high, z + long),
        (x + half + high * SUN_M[0], 0, z - long + high * SUN_M[1]),
    ])  # fmt: skip


def draw_crate(brush: Brush, *, sunny: bool) -> None:
    """Draw a crate that somebody left in the gateway: lower than the beam, beside the rail."""
    (x, high, z), half = CRATE_M, CRATE_HALF_M
    low, top = _block(x, z, half, 0.0), _block(x, z, half, high)
    brush.dim([cast(np.concatenate([low, top]))] if sunny else [low], 0.6)
    _prism(brush, low, top, (CRATE, shaded(CRATE, 0.75), CRATE, shaded(CRATE, 0.75)), shaded(CRATE, 1.35))
    for share in (0.3, 0.62):
        level = high * share
        brush.line([(x - half[0], level, z - half[1]), (x + half[0], level, z - half[1])], shaded(CRATE, 0.6), 0.05)
    brush.fill(_block(x, z, (half[0] - 0.07, half[1] - 0.06), high), shaded(CRATE, 0.5))


def _prism(brush: Brush, low: Points, high: Points, sides: tuple[Colour, ...], top: Colour) -> None:
    """Draw a block of four lower and four upper corners, the far sides first."""
    faces: list[tuple[float, Points, Colour]] = []
    for index in range(4):
        other = (index + 1) % 4
        face = np.array([low[index], low[other], high[other], high[index]])
        faces.append((brush.lens.depth(face), face, sides[index]))
    for _, face, colour in sorted(faces, key=lambda entry: -entry[0]):
        brush.fill(face, colour)
    brush.fill(high, top)


def _block(x: float, z: float, half: tuple[float, float], y: float) -> Points:
    """Return the corners of a level rectangle: near left, near right, far right, far left."""
    return np.array([
        (x - half[0], y, z - half[1]), (x + half[0], y, z - half[1]),
        (x + half[0], y, z + half[1]), (x - half[0], y, z + half[1]),
    ])  # fmt: skip


def _wheel(brush: Brush, x: float, z: float, radius: float, rim: Colour = (150, 150, 150)) -> None:
    turn = np.linspace(0, 2 * math.pi, 16, endpoint=False)
    for size, colour in ((radius, RUBBER), (radius * 0.55, rim)):
        ring = np.stack([np.full(16, x), radius + size * np.cos(turn), z + size * np.sin(turn)], axis=1)
        brush.fill(ring, colour)


def _car(brush: Brush, thing: Thing) -> None:
    x, z = thing.x_m, thing.z_m
    paint = CAR_COLOURS[thing.number % len(CAR_COLOURS)]
    front, side, far = shaded(paint, 0.9), shaded(paint, 0.74), shaded(paint, 0.6)
    inner = 1 if brush.lens.place[0] > x else -1
    sill = _block(x, z, (0.86, 2.12), 0.28)
    waist = _block(x, z, (0.88, 2.1), 0.88)
    _prism(brush, sill, waist, (front, side, far, side), shaded(paint, 1.05))
    for wheel_z in (z - 1.3, z + 1.3):
        _wheel(brush, x + inner * 0.88, wheel_z, 0.33)
    back = 0.42 * thing.direction  # the cabin sits towards the rear
    low = _block(x, z + back, (0.8, 1.3), 0.88)
    high = _block(x, z + back + 0.15 * thing.direction, (0.64, 0.72), 1.43)
    _prism(brush, low, high, (GLASS, shaded(GLASS, 0.85), GLASS, shaded(GLASS, 0.85)), shaded(paint, 1.1))
    nose = z - 2.13
    brush.fill(
        [(x - 0.86, 0.3, nose), (x + 0.86, 0.3, nose), (x + 0.86, 0.42, nose), (x - 0.86, 0.42, nose)], (44, 44, 46)
    )
    lamp: Colour = (235, 245, 250) if thing.direction > 0 else (50, 40, 190)
    for lamp_x in (-0.66, 0.66):
        centre = x + lamp_x
        brush.fill([(centre - 0.17, 0.58, nose), (centre + 0.17, 0.58, nose),
                    (centre + 0.15, 0.76, nose), (centre - 0.15, 0.76, nose)], lamp)  # fmt: skip
    if thing.direction > 0:
        brush.fill(
            [(x - 0.4, 0.56, nose), (x + 0.4, 0.56, nose), (x + 0.36, 0.74, nose), (x - 0.36, 0.74, nose)], (36, 34, 34)
        )
    brush.fill(
        [(x - 0.26, 0.44, nose), (x + 0.26, 0.44, nose), (x + 0.26, 0.55, nose), (x - 0.26, 0.55, nose)],
        (235, 235, 235),
    )


def _upright(thing: Thing, shape: list[tuple[float, float]], lift: float = 0.0) -> Points:
    """Return a flat shape of (across, up) metres standing at the thing's place, facing the camera."""
    return np.array([(thing.x_m + across, up + lift, thing.z_m) for across, up in shape])


def _person(brush: Brush, thing: Thing) -> None:
    x, z = thing.x_m, thing.z_m
    shirt = CLOTHES[thing.number % len(CLOTHES)]
    trousers: Colour = (70, 55, 45) if thing.number % 2 else (95, 88, 80)
    swing = 0.22 * math.sin(thing.along * METRES_PER_UNIT * 4.2)
    for leg in (-1, 1):
        foot = (x + leg * 0.1, 0.04, z + leg * swing)
        brush.line([(x + leg * 0.08, 0.86, z), (x + leg * 0.1, 0.46, z + leg * swing * 0.4), foot], trousers, 0.15)
        brush.line([foot, (foot[0], 0.03, foot[2] - 0.1)], (40, 40, 45), 0.12)
    body = [
        (-0.2, 0.8),
        (0.2, 0.8),
        (0.23, 1.12),
        (0.25, 1.36),
        (0.1, 1.46),
        (-0.1, 1.46),
        (-0.25, 1.36),
        (-0.23, 1.12),
    ]
    brush.fill(_upright(thing, body), shirt)
    for arm in (-1, 1):
        hand = (x + arm * 0.3, 0.86, z - arm * swing)
        brush.line([(x + arm * 0.24, 1.34, z), (x + arm * 0.3, 1.08, z), hand], shaded(shirt, 0.85), 0.11)
        brush.disc(hand, 0.055, SKIN)
    brush.disc((x, 1.6, z), 0.125, SKIN)
    if thing.number % 2:
        brush.fill(_upright(thing, [(-0.32, 1.62), (0.0, 1.86), (0.32, 1.62), (0.16, 1.59), (-0.16, 1.59)]), STRAW)
    else:
        cap = [(-0.13, 1.62), (-0.11, 1.73), (0.0, 1.77), (0.11, 1.73), (0.13, 1.62)]
        brush.fill(_upright(thing, cap), (38, 36, 40))


def _motorbike(brush: Brush, thing: Thing) -> None:
    x, z = thing.x_m, thing.z_m
    paint = CAR_COLOURS[(thing.number + 1) % len(CAR_COLOURS)]
    shirt = CLOTHES[(thing.number + 2) % len(CLOTHES)]
    for wheel_z in (z + 0.62, z - 0.62):
        turn = np.linspace(0, 2 * math.pi, 16, endpoint=False)
        ring = np.stack([x + 0.07 * np.cos(turn), 0.3 + 0.3 * np.sin(turn), np.full(16, wheel_z)], axis=1)
        brush.fill(ring, RUBBER)
    _prism(brush, _block(x, z, (0.17, 0.7), 0.35), _block(x, z + 0.1, (0.16, 0.6), 0.78),
           (shaded(paint, 0.9), shaded(paint, 0.7), paint, shaded(paint, 0.7)), (45, 42, 44))  # fmt: skip
    for leg in (-1, 1):
        brush.line(
            [(x + leg * 0.14, 0.85, z), (x + leg * 0.26, 0.72, z - 0.3), (x + leg * 0.2, 0.36, z - 0.2)],
            (80, 62, 52),
            0.15,
        )
    body = [(-0.2, 0.78), (0.2, 0.78), (0.25, 1.28), (0.1, 1.4), (-0.1, 1.4), (-0.25, 1.28)]
    brush.fill(_upright(thing, body), shirt)
    for arm in (-1, 1):
        brush.line(
            [(x + arm * 0.24, 1.26, z), (x + arm * 0.34, 1.05, z - 0.3), (x + arm * 0.3, 0.98, z - 0.5)],
            shaded(shirt, 0.85),
            0.11,
        )
    brush.line([(x - 0.34, 0.98, z - 0.55), (x + 0.34, 0.98, z - 0.55)], (50, 50, 52), 0.05)
    brush.disc((x, 1.56, z), 0.16, shaded(paint, 0.8))
    if thing.direction > 0:
        brush.fill(_upright(thing, [(-0.1, 1.48), (0.1, 1.48), (0.11, 1.6), (-0.11, 1.6)]), SKIN)
        brush.disc((x, 0.85, z - 0.85), 0.1, (235, 245, 250))
    else:
        brush.disc((x, 0.7, z - 0.85), 0.07, (50, 40, 190))


def _dog(brush: Brush, thing: Thing) -> None:
    x, z = thing.x_m, thing.z_m
    coat: Colour = (70, 110, 155) if thing.number % 2 else (60, 62, 66)
    swing = 0.14 * math.sin(thing.along * METRES_PER_UNIT * 7)
    for near, leg in ((-0.25, 1), (0.25, -1)):
        for side in (-0.08, 0.08):
            brush.line([(x + side, 0.32, z + near), (x + side, 0.02, z + near + leg * swing)], shaded(coat, 0.75), 0.07)
    _prism(brush, _block(x, z, (0.12, 0.34), 0.28), _block(x, z, (0.11, 0.32), 0.52),
           (shaded(coat, 0.95), shaded(coat, 0.8), coat, shaded(coat, 0.8)), shaded(coat, 1.12))  # fmt: skip
    head = z - 0.42 * thing.direction
    brush.disc((x, 0.6, head), 0.13, shaded(coat, 1.05))
    brush.line([(x, 0.5, z + 0.34 * thing.direction), (x + 0.05, 0.72, z + 0.5 * thing.direction)], coat, 0.06)
    for ear in (-0.08, 0.08):
        brush.disc((x + ear, 0.71, head), 0.045, shaded(coat, 0.7))


DRAWN: dict[str, Callable[[Brush, Thing], None]] = {
    "car": _car, "motorbike": _motorbike, "person": _person, "dog": _dog,
}  # fmt: skip
