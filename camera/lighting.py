"""Light on the scene: factors for every pixel, and what shines by itself. Built once per light, seeded by nothing."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias

import cv2
import numpy as np
from numpy.typing import NDArray

from camera.source import Picture
from camera.things import GATE_Z_M
from camera.view import Brush, Lens, Point3, Rect
from camera.village import FIXTURE, HOUSE_LIGHTS, STREET_LAMP

Shade: TypeAlias = tuple[int, int, int]
AMBIENT = (0.34, 0.25, 0.19)
WARM = (0.52, 0.80, 1.0)
MOON = (0.8, 0.85, 1.0)
AMBER: Shade = (30, 150, 255)
STEP = 4
SKY_M = 200.0
GLOW_SIZE = 128
BEAM_STEP, BEAM_BLUR = 4, 4
CONE = 0.55
INFRARED_M = 13.0


@dataclass(frozen=True, kw_only=True, slots=True)
class Pool:
    """Light that a lamp throws on the ground: strongest under it, half as strong `radius_m` away."""

    lamp: Point3
    radius_m: float
    strength: float
    colour: tuple[float, float, float]


@dataclass(frozen=True, slots=True)
class Lighting:
    """One light of the night: `factors` (height, width, 3) uint8, 255 for full light, then `shine` is added.

    Daylight needs none: the layers are painted in it.
    """

    factors: Picture
    shine: Picture


def by_infrared(lens: Lens, gate: NDArray[np.uint8]) -> Lighting:
    """Return a night lit by the camera's own lamp: strongest near by and in the middle; the sky stays black."""
    _, z = _reach(lens, gate)
    rows, columns = np.mgrid[0 : z.shape[0], 0 : z.shape[1]].astype(np.float32)
    across, down = columns / z.shape[1] - 0.5, (rows - z.shape[0] / 2) / z.shape[1]
    away = z**2 * (1.0 + (across * lens.width / lens.focal) ** 2)
    middle = (across**2 + down**2) / CONE**2
    factors = 0.05 + 1.25 * (0.2 + 0.8 * np.exp(-middle)) / (1.0 + away / INFRARED_M**2) ** 1.15
    small = (np.clip(factors, 0, 1) * 255).astype(np.uint8)
    full = cv2.resize(small, (lens.width, lens.height), interpolation=cv2.INTER_LINEAR)
    shine = np.zeros((lens.height, lens.width, 3), np.uint8)
    night = Brush(lens, shine, lens.whole)
    for place in HOUSE_LIGHTS:
        add_glow(night, place, 0.7, (120, 120, 120))
    add_glow(night, STREET_LAMP, 1.4, (190, 190, 190))
    shine[gate > 0] = 0
    return Lighting(factors=np.asarray(cv2.merge([full, full, full]), np.uint8), shine=shine)


def _reach(lens: Lens, gate: NDArray[np.uint8]) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Return x and z in metres of what every `STEP`th pixel shows.

    Walls and pillars stand upright in the gateway's plane: they get what the ground before them gets.
    """
    x, z = lens.ground(STEP)
    reach = np.where(np.isfinite(z), z, np.float32(SKY_M))
    upright = gate[::STEP, ::STEP] > 0
    x = np.where(upright, np.where(np.isfinite(z), lens.place[0] + (x - lens.place[0]) / reach * GATE_Z_M, SKY_M), x)
    return x.astype(np.float32), np.where(upright, GATE_Z_M, reach).astype(np.float32)


def by_night(lens: Lens, gate: NDArray[np.uint8], *, lamp_lit: bool) -> Lighting:
    """Return a night with a far street lamp, and the gate's own light if it is on. `gate` hides what is behind it."""
    x, reach = _reach(lens, gate)
    factors = np.empty((*x.shape, 3), np.float32)
    sky = np.clip((reach - 40.0) / 120.0, 0.0, 1.0)
    factors[:] = AMBIENT
    factors *= (1.0 - 0.62 * sky)[..., None]
    pools = [Pool(lamp=STREET_LAMP, radius_m=5.0, strength=0.75, colour=WARM)]
    if lamp_lit:
        pools.append(Pool(lamp=(FIXTURE[0], FIXTURE[1], GATE_Z_M - 1.8), radius_m=3.4, strength=0.95, colour=WARM))
        _spot(factors, lens, FIXTURE, 3.6, 0.62)
    else:
        pools.append(Pool(lamp=(0.5, 4.0, GATE_Z_M - 3.5), radius_m=6.0, strength=0.12, colour=MOON))
    for pool in pools:
        away = ((x - pool.lamp[0]) ** 2 + (reach - pool.lamp[2]) ** 2) / pool.radius_m**2
        factors += (pool.strength / (1.0 + away) ** 1.6)[..., None] * np.array(pool.colour, np.float32)
    factors[reach >= SKY_M] *= 0.8
    small = (np.clip(factors, 0, 1) * 255).astype(np.uint8)
    full = cv2.resize(small, (lens.width, lens.height), interpolation=cv2.INTER_LINEAR)
    shine = np.zeros((lens.height, lens.width, 3), np.uint8)
    night = Brush(lens, shine, lens.whole)
    for place in HOUSE_LIGHTS:
        add_glow(night, place, 0.9, (70, 150, 210))
    add_glow(night, STREET_LAMP, 1.6, (120, 190, 235))
    _stars(shine, lens)
    shine[gate > 0] = 0
    if lamp_lit:
        add_glow(night, FIXTURE, 1.1, (150, 205, 240))
    return Lighting(factors=np.asarray(full, np.uint8), shine=shine)


def _spot(factors: NDArray[np.float32], lens: Lens, lamp: Point3, radius_m: float, strength: float) -> None:
    """Add the light that a lamp throws on the walls around it."""
    at = lens.project([lamp])[0] / STEP
    radius = radius_m * lens.scale_at(lamp) / STEP
    rows, columns = np.mgrid[0 : factors.shape[0], 0 : factors.shape[1]].astype(np.float32)
    away = ((columns - at[0]) ** 2 + (rows - at[1]) ** 2) / radius**2
    factors += (strength / (1.0 + away) ** 1.5)[..., None] * np.array(WARM, np.float32)


def _stars(shine: Picture, lens: Lens) -> None:
    rng = np.random.default_rng(17)
    for across, down, light in rng.random((46, 3)):
        level = int(28 + 70 * light)
        shine[int(down * lens.height * 0.14), int(across * (lens.width - 1))] = level


def _falloff() -> NDArray[np.float32]:
    rows, columns = np.mgrid[-1 : 1 : GLOW_SIZE * 1j, -1 : 1 : GLOW_SIZE * 1j]
    away = np.sqrt(rows**2 + columns**2).astype(np.float32)
    return np.asarray(np.clip(1 - away, 0, 1) ** 3 + np.clip(1 - away * 5, 0, 1) ** 0.5, np.float32)


FALLOFF = _falloff()
GLOW_FULL = 127.0
GLOW = np.asarray(np.round(FALLOFF * GLOW_FULL), np.uint8)


def add_glow(brush: Brush, place: Point3, radius_m: float, colour: Shade) -> None:
    """Add a soft glow to what the brush draws on."""
    lens, rect, image = brush.lens, brush.rect, brush.image
    at = lens.project([place])[0]
    radius = max(3, round(radius_m * lens.scale_at(place)))
    left, top = round(float(at[0])) - radius, round(float(at[1])) - radius
    spot = Rect(left, top, left + 2 * radius, top + 2 * radius)
    part = spot & rect
    if part.empty:
        return
    shape = cv2.resize(GLOW, (2 * radius, 2 * radius), interpolation=cv2.INTER_LINEAR)
    cut = shape[part.y0 - spot.y0 : part.y1 - spot.y0, part.x0 - spot.x0 : part.x1 - spot.x0]
    light = cv2.merge([cv2.convertScaleAbs(cut, alpha=level / GLOW_FULL) for level in colour])
    window = (slice(part.y0 - rect.y0, part.y1 - rect.y0), slice(part.x0 - rect.x0, part.x1 - rect.x0))
    image[window] = cv2.add(image[window], light)


def glow_bounds(lens: Lens, place: Point3, radius_m: float) -> Rect:
    """Return the part of the picture that a glow reaches."""
    at = lens.project([place])[0]
    radius = max(3, round(radius_m * lens.scale_at(place)))
    x, y = round(float(at[0])), round(float(at[1]))
    return lens.whole & Rect(x - radius, y - radius, x + radius, y + radius)


def beam_bounds(lens: Lens, lamp: Point3) -> Rect:
    """Return the part of the picture that one headlight reaches."""
    return lens.bounds(_beam(lamp), margin=4 * BEAM_BLUR * BEAM_STEP) | glow_bounds(lens, lamp, 1.4)


def add_beam(factors: Picture, lens: Lens, rect: Rect, lamp: Point3) -> None:
    """Add what a headlight throws on the road before it to light factors of the part `rect`."""
    small = BEAM_STEP
    cone = np.zeros((max(1, (rect.y1 - rect.y0) // small), max(1, (rect.x1 - rect.x0) // small)), np.uint8)
    for reach, level in ((1.0, 45), (0.75, 75), (0.45, 105)):
        points = lens.project(_beam(lamp, reach)) - (rect.x0, rect.y0)
        cv2.fillPoly(
            cone, [np.round(np.clip(points, -9000, 9000) / small * 16).astype(np.int32)], level, cv2.LINE_AA, 4
        )
    soft = cv2.GaussianBlur(cone, (0, 0), BEAM_BLUR)
    wide = cv2.resize(soft, (factors.shape[1], factors.shape[0]), interpolation=cv2.INTER_LINEAR)
    cv2.add(factors, cv2.merge([wide, wide, wide]), dst=factors)


def _beam(lamp: Point3, share: float = 1.0) -> list[Point3]:
    x, z = lamp[0], lamp[2]
    far = max(2.2, z - 9.0 * share)
    return [(x - 0.3, 0.0, z), (x + 0.3, 0.0, z), (x + 0.3 + 1.1 * share, 0.0, far), (x - 0.3 - 1.1 * share, 0.0, far)]
