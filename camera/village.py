"""The standing part of the scene: a village road with its gateway, drawn once for each light.

Three layers, all without light: what lies behind the gateway and the ground (`far`), the walls, pillars and roof
before it (`gate`, with its mask), and the leaf, drawn anew wherever it stands. Light comes after (`Lighting`): a map of
factors for day, night and night with the gate's lamp, and what shines by itself. All randomness is seeded.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from camera import country, lettering
from camera.source import Picture
from camera.things import GATE_Z_M
from camera.view import SUN_M, Brush, Colour, Lens, Point3, Points, Rect, cast, shaded

HALF_GATE_M = 2.65
PILLAR_M = 0.9
LEAF_HEIGHT_M = 1.95
LEAF_Z_M = GATE_Z_M + 0.42
WALL_HEIGHT_M = 2.1
BEAM_LOW_M, BEAM_HIGH_M = 3.35, 4.15

SHADE = 0.66
PLASTER: Colour = (170, 214, 232)
PLASTER_DARK: Colour = (120, 158, 180)
TILE: Colour = (58, 78, 158)
SIGN: Colour = (38, 34, 150)
GOLD: Colour = (95, 205, 245)
STEEL: Colour = (82, 74, 62)
BEACON: Point3 = (HALF_GATE_M + PILLAR_M / 2, 3.35, GATE_Z_M - 0.55)
FIXTURE: Point3 = (0.0, BEAM_LOW_M - 0.05, GATE_Z_M - 0.45)
STREET_LAMP: Point3 = (5.4, 5.2, 27.0)
BUSHES: tuple[Point3, ...] = (
    (-5.6, 10.6, 0.55), (-6.9, 10.2, 0.7), (5.9, 10.7, 0.6), (7.4, 10.3, 0.75), (-9.3, 9.4, 0.8),
)  # fmt: skip
"""Across, along and size of each, in metres."""
HOUSE_LIGHTS: tuple[Point3, ...] = ((-13.2, 2.0, 45.0), (-11.6, 2.0, 45.0), (15.4, 1.9, 52.0), (19.0, 2.1, 60.0))


@dataclass(frozen=True, slots=True)
class Layers:
    """The standing picture without light. `gate` counts where `mask` (height, width) uint8 is 255.

    `sunny` is `far` with the shadow of walls and gateway on the ground.
    """

    far: Picture
    sunny: Picture
    gate: Picture
    mask: NDArray[np.uint8]


def build(lens: Lens, name: str) -> Layers:
    """Draw the layers; the village's name stands over the gateway."""
    far = country.paint(lens)
    gate = far.copy()
    _walls(Brush(lens, gate, lens.whole))
    _portal(Brush(lens, gate, lens.whole), name)
    mask = np.where(np.any(gate != far, axis=2), 255, 0).astype(np.uint8)
    sunny = far.copy()
    Brush(lens, sunny, lens.whole).dim(_shadows(), SHADE)
    return Layers(far=far, sunny=sunny, gate=gate, mask=mask)


def _shadows() -> list[Points]:
    """Return the outlines of what walls, pillars and the roof over the gateway keep from the sun."""
    inner, outer, near, far = HALF_GATE_M, HALF_GATE_M + PILLAR_M, GATE_Z_M - 0.45, GATE_Z_M + 0.3
    boxes: list[tuple[Point3, Point3]] = [
        ((-outer - 0.75, BEAM_LOW_M, near - 0.4), (outer + 0.75, BEAM_HIGH_M + 0.5, far))
    ]
    for side in (-1, 1):
        left, right = sorted((side * inner, side * outer))
        boxes.append(((left, 0.0, near), (right, BEAM_HIGH_M, far)))
        left, right = sorted((side * outer, side * 17.0))
        boxes.append(((left, 0.0, GATE_Z_M), (right, WALL_HEIGHT_M + 0.24, GATE_Z_M + 0.1)))
    return [
        cast([(x, y, z) for x in (low[0], high[0]) for y in (low[1], high[1]) for z in (low[2], high[2])])
        for low, high in boxes
    ]


def _walls(brush: Brush) -> None:
    z, inner = GATE_Z_M, HALF_GATE_M + PILLAR_M
    for side in (-1, 1):
        ends = (side * inner, side * 17.0)
        brush.fill(
            [(ends[0], 0, z), (ends[1], 0, z), (ends[1], WALL_HEIGHT_M, z), (ends[0], WALL_HEIGHT_M, z)], PLASTER
        )
        brush.fill([(ends[0], 0, z), (ends[1], 0, z), (ends[1], 0.42, z), (ends[0], 0.42, z)], PLASTER_DARK)
        for post in np.arange(inner + 2.6, 16.5, 2.9):
            _slab(
                brush,
                (side * post - 0.18, 0, z - 0.08),
                (side * post + 0.18, WALL_HEIGHT_M + 0.1, z - 0.08),
                shaded(PLASTER, 0.94),
            )
        cap = WALL_HEIGHT_M
        brush.fill(
            [
                (ends[0], cap - 0.02, z - 0.22),
                (ends[1], cap - 0.02, z - 0.22),
                (ends[1], cap + 0.24, z + 0.1),
                (ends[0], cap + 0.24, z + 0.1),
            ],
            TILE,
        )
        for rib in np.arange(inner + 0.2, 17.0, 0.34):
            brush.line([(side * rib, cap, z - 0.22), (side * rib, cap + 0.24, z + 0.1)], shaded(TILE, 0.72), 0.03)
    rng = np.random.default_rng(5)
    for x, z_bush, size in BUSHES:
        for _ in range(16):
            centre = (x + rng.normal(0, size * 0.5), size * 0.75 + rng.normal(0, size * 0.3), z_bush)
            brush.disc(centre, size * rng.uniform(0.2, 0.4), shaded((58, 124, 82), rng.uniform(0.7, 1.3)))


def _slab(brush: Brush, low: Point3, high: Point3, colour: Colour) -> None:
    """Draw an upright rectangle that faces the yard."""
    z = low[2]
    brush.fill([(low[0], low[1], z), (high[0], low[1], z), (high[0], high[1], z), (low[0], high[1], z)], colour)


def _portal(brush: Brush, name: str) -> None:
    z, near = GATE_Z_M, GATE_Z_M - 0.45
    for side in (-1, 1):
        inner, outer = side * HALF_GATE_M, side * (HALF_GATE_M + PILLAR_M)
        if side > 0:  # the inner side of the right pillar can be seen from the camera's place
            brush.fill(
                [(inner, 0, near), (inner, 0, z + 0.3), (inner, BEAM_HIGH_M, z + 0.3), (inner, BEAM_HIGH_M, near)],
                shaded(PLASTER, 0.72),
            )
        left, right = min(inner, outer), max(inner, outer)
        _slab(brush, (left, 0, near), (right, BEAM_HIGH_M, near), PLASTER)
        _slab(brush, (left - 0.06, 0, near - 0.02), (right + 0.06, 0.5, near - 0.02), PLASTER_DARK)
        _slab(brush, (left + 0.14, 0.75, near - 0.03), (right - 0.14, 3.05, near - 0.03), shaded(PLASTER, 0.93))
        _slab(brush, (left - 0.08, 3.16, near - 0.03), (right + 0.08, 3.32, near - 0.03), shaded(PLASTER, 0.8))
    _photocells(brush)
    reach = HALF_GATE_M + PILLAR_M
    brush.fill(
        [
            (-HALF_GATE_M, BEAM_LOW_M, near),
            (HALF_GATE_M, BEAM_LOW_M, near),
            (HALF_GATE_M, BEAM_LOW_M, z + 0.3),
            (-HALF_GATE_M, BEAM_LOW_M, z + 0.3),
        ],
        shaded(PLASTER, 0.55),
    )
    _slab(brush, (-reach, BEAM_LOW_M, near), (reach, BEAM_HIGH_M, near), shaded(PLASTER, 0.98))
    _sign(brush, name, near - 0.05)
    _roof(brush, reach, near)
    beacon = BEACON
    brush.line([(beacon[0], beacon[1] - 0.22, beacon[2]), beacon], (60, 60, 62), 0.1)
    brush.disc(beacon, 0.14, (40, 96, 150))
    x, top, foot = FIXTURE[0], FIXTURE[1] + 0.06, FIXTURE[1] - 0.12
    shade = [(x - 0.3, top, near), (x + 0.3, top, near), (x + 0.22, foot, near), (x - 0.22, foot, near)]
    brush.fill(shade, (190, 194, 196))


def _photocells(brush: Brush) -> None:
    for side in (-1, 1):
        x, z = side * (HALF_GATE_M + 0.1), GATE_Z_M - 0.62
        _slab(brush, (x - 0.07, 0, z), (x + 0.07, 0.78, z), (70, 70, 72))
        brush.disc((x, 0.66, z - 0.02), 0.045, (40, 40, 190))


def _roof(brush: Brush, reach: float, near: float) -> None:
    """Draw the tiled roof with upturned ends that village gates have."""
    low, high = BEAM_HIGH_M, BEAM_HIGH_M + 0.62
    eaves = [
        (-reach - 0.75, low + 0.32, near - 0.4),
        (-reach - 0.1, low - 0.02, near - 0.4),
        (reach + 0.1, low - 0.02, near - 0.4),
        (reach + 0.75, low + 0.32, near - 0.4),
    ]
    ridge = [(reach - 0.1, high, GATE_Z_M), (-reach + 0.1, high, GATE_Z_M)]
    brush.fill([*eaves, *ridge], TILE)
    for share in np.linspace(0.02, 0.98, 40):
        foot = (-reach - 0.1 + share * 2 * (reach + 0.1), low, near - 0.4)
        top = (-reach + 0.1 + share * 2 * (reach - 0.1), high, GATE_Z_M)
        brush.line([foot, top], shaded(TILE, 0.74), 0.035)
    brush.line(eaves, shaded(TILE, 0.6), 0.1)
    brush.line([ridge[1], ridge[0]], shaded(TILE, 1.25), 0.14)


def _sign(brush: Brush, name: str, z: float) -> None:
    """Paint the village's name in gold on a red board, in perspective."""
    half, low, high = 2.25, BEAM_LOW_M + 0.1, BEAM_HIGH_M - 0.1
    board = np.full((132, 980, 3), SIGN, np.uint8)
    cv2.rectangle(board, (6, 6), (973, 125), GOLD, 3, cv2.LINE_AA)
    text = name.partition("(")[0].strip().upper()[:28]
    scale = min(2.5, 880 / max(1, lettering.measure(text, 1.0, 4)[0]))
    width, height = lettering.measure(text, scale, 5)
    lettering.write(board, text, ((980 - width) // 2, 74 + height // 2), lettering.Style(scale, (95, 205, 245), 5))
    corners = brush.lens.project([(-half, high, z), (half, high, z), (half, low, z), (-half, low, z)]).astype(
        np.float32
    )
    sheet = np.array([(0, 0), (980, 0), (980, 132), (0, 132)], np.float32)
    warp = cv2.getPerspectiveTransform(sheet, corners)
    size = (brush.lens.width, brush.lens.height)
    painted = cv2.warpPerspective(board, warp, size, flags=cv2.INTER_AREA)
    mask = cv2.warpPerspective(np.full((132, 980), 255, np.uint8), warp, size)
    cv2.copyTo(painted, mask, brush.image)


def leaf_bounds(lens: Lens) -> Rect:
    """Return the part of the picture in which the leaf can be seen, wherever it is."""
    half, fall = HALF_GATE_M + 0.3, LEAF_Z_M + SUN_M[1] * LEAF_HEIGHT_M
    return lens.bounds([
        (-half, 0, LEAF_Z_M), (half, LEAF_HEIGHT_M + 0.1, LEAF_Z_M), (-half, 0, fall),
        (half + SUN_M[0] * LEAF_HEIGHT_M, 0, fall),
    ])  # fmt: skip


def own_parts(width: int, height: int) -> tuple[tuple[float, float, float, float], ...]:
    """Return where leaf and beacon are seen: [x0, y0, x1, y1] in fractions of the picture."""
    lens = Lens(width, height)
    x, y = (float(value) for value in lens.project([BEACON])[0])
    around = 1.6 * lens.scale_at(BEACON)
    glow = lens.whole & Rect(round(x - around), round(y - around), round(x + around), round(y + around))
    return tuple(
        (part.x0 / width, part.y0 / height, part.x1 / width, part.y1 / height) for part in (leaf_bounds(lens), glow)
    )


def leaf_polygon(width: int, height: int) -> tuple[tuple[float, float], ...]:
    """Return where the leaf, its way and its shadow are seen, as corners in fractions of the picture."""
    left, right, top = -HALF_GATE_M - 0.1, HALF_GATE_M + 0.2, LEAF_HEIGHT_M + 0.05
    fall = LEAF_Z_M + SUN_M[1] * LEAF_HEIGHT_M
    at = Lens(width, height).project([
        (left, top, LEAF_Z_M), (right, top, LEAF_Z_M), (right, 0, LEAF_Z_M), (right + SUN_M[0] * top, 0, fall),
        (left, 0, fall),
    ])  # fmt: skip
    return tuple((min(1.0, max(0.0, float(x) / width)), min(1.0, max(0.0, float(y) / height))) for x, y in at)


def gateway_polygon(width: int, height: int) -> tuple[tuple[float, float], ...]:
    """Return where the closed leaf is seen, as corners in fractions of the picture."""
    left, right, top = -HALF_GATE_M - 0.05, HALF_GATE_M + 0.15, LEAF_HEIGHT_M
    corners: list[Point3] = [(left, top, LEAF_Z_M), (right, top, LEAF_Z_M), (right, 0, LEAF_Z_M), (left, 0, LEAF_Z_M)]
    at = Lens(width, height).project(corners)
    return tuple((min(1.0, max(0.0, float(x) / width)), min(1.0, max(0.0, float(y) / height))) for x, y in at)


def _leaf_shadow(left: float, right: float) -> list[Points]:
    """Return the outlines that the leaf's bars, rails and panel between two places throw on the ground."""
    z = LEAF_Z_M
    across = [(low, high) for low, high in ((0.06, 0.7), (1.25, 1.33), (LEAF_HEIGHT_M - 0.1, LEAF_HEIGHT_M))]
    found = [_fallen((left, low, z), (right, high, z)) for low, high in across if left < right]
    return found + [
        _fallen((bar - 0.03, 0.12, z), (bar + 0.03, LEAF_HEIGHT_M - 0.05, z))
        for bar in np.arange(left + 0.16, right, 0.165)
    ]


def _fallen(low: Point3, high: Point3) -> Points:
    """Return the shadow of an upright rectangle that faces the yard."""
    z = low[2]
    near, far = z + SUN_M[1] * high[1], z + SUN_M[1] * low[1]
    aside, along = SUN_M[0] * low[1], SUN_M[0] * high[1]
    return np.array([(low[0] + aside, 0, far), (high[0] + aside, 0, far), (high[0] + along, 0, near),
                     (low[0] + along, 0, near)])  # fmt: skip


def draw_leaf(brush: Brush, position: float, *, sunny: bool) -> None:
    """Draw the sliding leaf with its shadow, 0 closed to 1 open; it disappears behind the wall on the right."""
    shift = position * (2 * HALF_GATE_M - 0.1)
    left, right, z = -HALF_GATE_M - 0.05 + shift, HALF_GATE_M + 0.15 + shift, LEAF_Z_M
    visible = min(right, HALF_GATE_M + PILLAR_M)
    if sunny:
        brush.dim(_leaf_shadow(left, min(right, HALF_GATE_M)), SHADE)
    bars = np.arange(left + 0.16, visible, 0.165)
    if bars.size:
        brush.lines([[(bar, 0.12, z), (bar, LEAF_HEIGHT_M - 0.05, z)] for bar in bars], STEEL, 0.04)
    for low, high, colour in (
        (0.06, 0.2, STEEL),
        (0.2, 0.62, shaded(STEEL, 1.25)),
        (0.62, 0.7, STEEL),
        (1.25, 1.33, STEEL),
        (LEAF_HEIGHT_M - 0.1, LEAF_HEIGHT_M, STEEL),
    ):
        _slab(brush, (left, low, z), (visible, high, z), colour)
    _slab(brush, (left, 0.06, z), (left + 0.12, LEAF_HEIGHT_M, z), shaded(STEEL, 0.8))
    for stripe in np.arange(left + 0.2, visible, 0.5):
        if stripe + 0.25 < visible:
            brush.fill([(stripe, 0.33, z), (stripe + 0.25, 0.33, z), (stripe + 0.25, 0.49, z), (stripe, 0.49, z)],
                       (70, 200, 235) if round((stripe - left) / 0.5) % 2 else (225, 228, 230))  # fmt: skip
    brush.fill(
        [
            (-HALF_GATE_M, 0.01, z - 0.1),
            (HALF_GATE_M, 0.01, z - 0.1),
            (HALF_GATE_M, 0.05, z + 0.1),
            (-HALF_GATE_M, 0.05, z + 0.1),
        ],
        (92, 96, 98),
    )
