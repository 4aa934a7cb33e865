"""The land around the scene's gateway: sky, hills, rice fields, road, houses and trees, drawn once by day.

All randomness is seeded, so that the same size always gives the same picture.
"""

# ruff: noqa: PLR2004 - a drawing is made of measures
from __future__ import annotations

from typing import TypeAlias

import cv2
import numpy as np
from numpy.typing import NDArray

from camera.source import Picture
from camera.things import GATE_Z_M
from camera.view import Brush, Lens, shaded

Grid: TypeAlias = NDArray[np.float32]
BAND = 60
PALMS = ((-7.4, 21.0, 7.0), (-8.6, 25.0, 6.2), (7.2, 19.5, 6.6))
"""Across, along and height of each, in metres."""


def paint(lens: Lens) -> Picture:
    """Return the whole picture without the gateway."""
    picture = _ground_and_sky(lens)
    brush = Brush(lens, picture, lens.whole)
    _houses(brush)
    _trees(brush)
    _poles(brush)
    return picture


def _ground_and_sky(lens: Lens) -> Picture:
    """Paint sky, hills, fields, road and yard in bands, so that a small machine needs little memory for it."""
    rng = np.random.default_rng(3)
    height, width = lens.height, lens.width
    horizon = lens.horizon()
    picture = np.empty((height, width, 3), np.uint8)
    sky_rows = min(height, max(2, horizon + 8))
    picture[:sky_rows] = _sky(rng, sky_rows, width)
    coarse = rng.standard_normal((36, 64)).astype(np.float32)
    patches = np.asarray(cv2.resize(coarse, (width, height), interpolation=cv2.INTER_CUBIC), np.float32)
    for top in range(0, height, BAND):
        rows = slice(top, min(height, top + BAND))
        x, z = lens.ground(rows=rows)
        below = np.isfinite(z)
        if below.any():
            noise = rng.standard_normal(x.shape, np.float32)
            grain = np.asarray(cv2.GaussianBlur(noise, (0, 0), 1.2), np.float32) * np.float32(9)
            land = _land(x, np.where(below, z, np.float32(400)), grain, patches[rows] * np.float32(3.2))
            picture[rows][below] = land[below]
    _hills(picture, horizon, rng)
    return picture


def _sky(rng: np.random.Generator, rows: int, width: int) -> NDArray[np.uint8]:
    rise = np.linspace(0, 1, rows, dtype=np.float32)[:, None, None]
    sky = np.array((238, 196, 150), np.float32) * (1 - rise) + np.array((240, 232, 222), np.float32) * rise
    clouds = cv2.resize(rng.random((5, 12), np.float32), (width, rows), interpolation=cv2.INTER_CUBIC)
    sky = sky + np.clip(clouds - 0.5, 0, 1)[..., None] * np.array((26, 40, 60), np.float32)
    return np.asarray(np.clip(sky, 0, 255).astype(np.uint8))


def _land(x: Grid, reach: Grid, grain: Grid, patches: Grid) -> NDArray[np.uint8]:
    """Colour the ground at x metres across and `reach` metres away: yard before the gateway, road and fields behind."""
    field = np.floor(reach / 9) + np.floor(x / 14)
    green = np.stack([70 + 8 * np.sin(field * 2.1), 150 + 16 * np.sin(field * 1.7), 118 + 18 * np.sin(field * 2.9)], -1)
    ground = green * (1 + 0.10 * np.sin(x * 5.2) * np.clip(1 - reach / 45, 0, 1))[..., None]
    yard = reach < GATE_Z_M
    lawn = yard & (np.abs(x + 0.3) > 4.6 + 0.4 * np.sin(reach * 1.3))
    road = (np.abs(x) < 2.3) & ~yard
    for part, colour in (
        ((np.abs(np.mod(reach, 9) - 4.5) > 4.15) | (np.abs(np.mod(x, 14) - 7) > 6.8), (88, 132, 128)),
        (np.abs(x) < 3.6, (84, 138, 122)),
        (yard, (142, 158, 166)),
        (lawn, (74, 134, 112)),
        (road, (150, 154, 156)),
        ((np.abs(np.abs(x) - 2.3) < 0.09) & ~yard, (186, 190, 190)),
    ):
        ground[part] = colour
    joints = (np.abs(np.mod(reach, 3) - 1.5) > 1.465) & (np.abs(x) < 4.4) & (reach < 34) & (yard | road) & ~lawn
    ground[joints] *= 0.86
    ground += (grain * np.clip(16 / reach, 0.15, 1.3) + patches)[..., None]
    haze = np.clip((reach - 25) / 160, 0, 0.72)[..., None]
    ground += (np.array((226, 214, 200), np.float32) - ground) * haze
    return np.asarray(np.clip(ground, 0, 255).astype(np.uint8))


def _hills(picture: Picture, horizon: int, rng: np.random.Generator) -> None:
    width = picture.shape[1]
    across = np.linspace(0, 1, 90)
    for lift, colour, waves in (
        (0.62, (205, 190, 168), 2.2),
        (0.40, (178, 166, 138), 3.4),
        (0.2, (120, 142, 118), 6.5),
    ):
        ridge = lift * (
            0.55 + 0.3 * np.sin(across * waves * 3.1 + lift * 9) + 0.15 * np.sin(across * waves * 8.3 + lift * 4)
        )
        ridge += rng.standard_normal(90) * 0.012
        points = [
            (0.0, horizon + 6.0),
            *zip(across * width, horizon + 3 - ridge * horizon * 0.75, strict=True),
            (width, horizon + 6.0),
        ]
        outline = np.round(np.array(points) * 16).astype(np.int32)
        cv2.fillPoly(picture, [outline], colour, cv2.LINE_AA, 4)


def _houses(brush: Brush) -> None:
    for x, z, width, wall, roof in (
        (-12.4, 45.0, 7.0, (196, 214, 222), (70, 84, 150)), (15.4, 52.0, 6.0, (190, 206, 196), (86, 92, 140)),
        (20.0, 60.0, 7.5, (210, 214, 214), (84, 88, 160)), (-24.0, 62.0, 8.0, (188, 200, 210), (92, 98, 150)),
    ):  # fmt: skip
        half = width / 2
        brush.fill([(x - half, 0, z), (x + half, 0, z), (x + half, 3.0, z), (x - half, 3.0, z)], wall)
        brush.fill(
            [
                (x - half - 0.5, 2.9, z),
                (x + half + 0.5, 2.9, z),
                (x + half - 1.2, 5.0, z + 2),
                (x - half + 1.2, 5.0, z + 2),
            ],
            roof,
        )
        for window in (-0.8, 0.8):
            left, right, front = x + window - 0.45, x + window + 0.45, z - 0.1
            pane = [(left, 1.3, front), (right, 1.3, front), (right, 2.3, front), (left, 2.3, front)]
            brush.fill(pane, (112, 104, 92))


def _trees(brush: Brush) -> None:
    rng = np.random.default_rng(11)
    places = [(rng.uniform(-46, 46), rng.uniform(56, 84), rng.uniform(1.8, 3.4)) for _ in range(26)]
    places += [(-9.5, 30.0, 1.9), (-16.0, 36.0, 2.4), (9.6, 33.0, 1.7), (13.5, 38.0, 2.2), (8.4, 24.0, 1.2)]
    for x, z, size in sorted(places, key=lambda place: -place[1]):
        if abs(x) < 5 and z < 70:
            continue
        haze = min(0.6, z / 150)
        brush.line([(x, 0, z), (x, size * 1.4, z)], (70, 88, 104), size * 0.12)
        for _ in range(9):
            leaf = shaded((62, 112, 78), rng.uniform(0.75, 1.25))
            blended = tuple(part * (1 - haze) + 205 * haze for part in leaf)
            centre = (x + rng.normal(0, size * 0.42), size * 1.6 + rng.normal(0, size * 0.34), z)
            brush.disc(centre, size * rng.uniform(0.32, 0.6), (blended[0], blended[1], blended[2]))
    for x, z, high in PALMS:
        _areca(brush, x, z, high)


def _areca(brush: Brush, x: float, z: float, high: float) -> None:
    """Draw an areca palm: a bare pale trunk with a crown of arching leaves."""
    brush.line([(x, 0, z), (x + 0.08, high * 0.5, z), (x, high, z)], (132, 148, 150), 0.2)
    for angle in np.linspace(0, 2 * np.pi, 11, endpoint=False):
        out, lift = np.cos(angle) * 1.5, 0.55 + 0.35 * np.sin(angle)
        arc = [(x, high, z), (x + out * 0.5, high + lift, z), (x + out, high + lift * 0.3 - 0.35, z)]
        brush.line(arc, shaded((58, 118, 84), 0.85 + 0.25 * np.sin(angle * 3)), 0.17)


def _poles(brush: Brush) -> None:
    for x, z in ((5.4, 27.0), (5.4, 47.0)):
        brush.line([(x, 0, z), (x, 6.4, z)], (140, 142, 144), 0.2)
        brush.line([(x, 5.4, z), (x - 1.2, 5.5, z)], (110, 112, 114), 0.09)
    brush.line([(5.4, 6.2, 27.0), (5.3, 5.75, 37.0), (5.4, 6.2, 47.0)], (90, 90, 92), 0.04)
