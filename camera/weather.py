"""What the weather does to the picture: plants sway, rain falls, insects come into the camera's lamp.

Bushes and palms are bent within their own part of the picture, the more the higher. Rain and insects are light, drawn
on luma alone. Rain falls in two sheets, a fine one far away and few long streaks near by, cut anew for every picture
from tiles made once. Insects come so near that they are out of focus, and so fast that one picture smears them; with
the gate's light on they circle that instead. All of it follows from the time of the picture, so the same time gives the
same picture.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import cv2
import numpy as np

from camera.country import PALMS
from camera.screen import Planes
from camera.source import Plane
from camera.view import Lens, Rect
from camera.village import BUSHES, FIXTURE
from camera.yard import Yard

SHUTTER_S = 1 / 30
SLANT = 0.16
SWAY = 0.09
NEAR_THE_LENS = 3
ROUND_THE_LIGHT = 7
FLIGHT_S, EVERY_S = 1.9, 3.1
MOTH_M = 0.035
WINGS_PER_S = 17.0


@dataclass(frozen=True, slots=True)
class Sheet:
    """One depth of rain for a picture 1280 wide: streaks a picture, their length and width in pixels, their light."""

    streaks: int
    long: float
    wide: int
    light: int


SHEETS = (Sheet(620, 17.0, 1, 46), Sheet(8, 130.0, 4, 46))
BY_DAY = 0.5


def plants(lens: Lens) -> list[Rect]:
    """Return the parts of the picture in which bushes and the crowns of palms are seen, in whole blocks of chroma."""
    parts = [lens.bounds([(x - size * 1.5, 0.0, z), (x + size * 1.5, size * 1.7, z)]) for x, z, size in BUSHES]
    parts += [lens.bounds([(x - 1.8, high - 0.8, z), (x + 1.8, high + 1.2, z)]) for x, z, high in PALMS]
    even = [Rect(part.x0 & ~1, part.y0 & ~1, part.x1 & ~1, part.y1 & ~1) for part in parts]
    return [part for part in even if not part.empty]


def sway(picture: Planes, parts: list[Rect], at_s: float) -> None:
    """Bend what stands in some parts of a picture as gusts do, in place; the edges of a part stay where they are."""
    for number, part in enumerate(parts):
        gust = 0.55 + 0.45 * math.sin(at_s * 0.9 + number * 1.7)
        lean = SWAY * (part.y1 - part.y0) * gust * math.sin(at_s * (4.1 + 0.6 * number) + number)
        for plane, half in zip(picture, (1, 2, 2), strict=True):
            cut = plane[part.y0 // half : part.y1 // half, part.x0 // half : part.x1 // half]
            rows, columns = np.indices(cut.shape, np.float32)
            height, width = cut.shape
            inner = np.sin(math.pi * (columns + 0.5) / width) * np.minimum(1.0, (height - rows) / height * 1.3)
            across = np.asarray(columns + lean / half * inner, np.float32)
            np.copyto(cut, cv2.remap(cut, across, np.asarray(rows, np.float32), cv2.INTER_LINEAR))


class Rain:
    """Rain for one picture size."""

    def __init__(self, width: int, height: int, *, by_day: bool) -> None:
        light = BY_DAY if by_day else 1.0
        self._tiles = [_tile(sheet, width, height, light, seed) for seed, sheet in enumerate(SHEETS)]

    def fall(self, luma: Plane, yard: Yard, at_s: float) -> None:
        """Add rain to a picture's luma. At night only the rain near a lamp is seen."""
        height, width = luma.shape
        chance = np.random.default_rng(int(at_s * 1000))
        for number, tile in enumerate(self._tiles):
            if yard.night and not (yard.grey or yard.lit) and number == 0:
                continue
            top, left = (int(chance.integers(0, room // 2)) for room in (height, width))
            cv2.add(luma, tile[top : top + height, left : left + width], dst=luma)


def _tile(sheet: Sheet, width: int, height: int, light: float, seed: int) -> Plane:
    """Draw rain half as wide and high again as the picture, so that many parts of it can be shown."""
    unit = width / 1280
    rng = np.random.default_rng(seed)
    tile = np.zeros((height + height // 2, width + width // 2), np.uint8)
    for _ in range(round(2.25 * sheet.streaks)):
        x, y = rng.uniform((0, -80 * unit), (tile.shape[1], tile.shape[0]))
        size = rng.uniform(0.5, 1.3) * sheet.long * unit
        ends = np.array([(x, y), (x - SLANT * size, y + size)]) * 16
        level = int(sheet.light * light * rng.uniform(0.5, 1.2))
        cv2.polylines(tile, [ends.astype(np.int32)], isClosed=False, color=(level,),
                      thickness=max(1, round(sheet.wide * unit)), lineType=cv2.LINE_AA, shift=4)  # fmt: skip
    if sheet.wide > 1:
        cv2.GaussianBlur(tile, (0, 0), max(0.6, sheet.wide * unit * 0.8), dst=tile)
        cv2.convertScaleAbs(tile, dst=tile, alpha=1.8)
    return tile


def let_fly(luma: Plane, lens: Lens, yard: Yard, at_s: float) -> None:
    """Add the insects of a night to a picture's luma: before the lens, or round the gate's light."""
    if yard.lit:
        _circle(luma, lens, at_s)
        return
    light = 190 if yard.grey else 60
    for number in range(NEAR_THE_LENS):
        # Each flight is another one; between two of them the insect is out of the picture.
        turn = at_s / EVERY_S + number * 0.37
        seed, part = int(turn) * NEAR_THE_LENS + number, (turn % 1.0) * EVERY_S / FLIGHT_S
        if part > 1.0:
            continue
        size, shine = np.random.default_rng(seed).uniform((0.006, 0.45), (0.03, 1.0))
        here, there = (_flying(seed, lens, share) for share in (part, max(0.0, part - SHUTTER_S / FLIGHT_S)))
        beat = 0.75 + 0.25 * math.sin(at_s * WINGS_PER_S * math.tau)
        _smear(luma, there, here, float(size) * lens.width * beat, light * float(shine))


def _flying(seed: int, lens: Lens, part: float) -> tuple[float, float]:
    """Return where an insect is after `part` of its flight: from beyond one edge to beyond another, in loops."""
    rng = np.random.default_rng(seed)
    begin, end = rng.uniform(0, math.tau), rng.uniform(1.8, 4.4)
    middle = rng.uniform(0.25, 0.75, 2)
    wobble, turns, reach = rng.uniform(0.03, 0.12), rng.uniform(1.5, 4.0), 0.75
    start = (0.5 + reach * math.cos(begin), 0.5 + reach * math.sin(begin))
    finish = (0.5 + reach * math.cos(begin + end), 0.5 + reach * math.sin(begin + end))
    rest = 1.0 - part
    x, y = (rest * rest * start[axis] + 2 * rest * part * middle[axis] + part * part * finish[axis] for axis in (0, 1))
    angle = part * turns * math.tau
    return (x + wobble * math.sin(angle)) * lens.width, (y + wobble * math.cos(angle * 1.3)) * lens.height


def _circle(luma: Plane, lens: Lens, at_s: float) -> None:
    scale = lens.scale_at(FIXTURE)
    x, y = (float(value) for value in lens.project([FIXTURE])[0])
    for number in range(ROUND_THE_LIGHT):
        ends = []
        for moment in (at_s - SHUTTER_S, at_s):
            angle = moment * (5.0 + number * 0.9) + number
            reach = (0.35 + 0.28 * math.sin(moment * 2.3 + number * 1.7)) * scale
            ends.append((x + reach * math.cos(angle) * 1.6, y + reach * math.sin(angle * 1.21) + 0.2 * scale))
        _smear(luma, ends[0], ends[1], max(1.0, MOTH_M * scale), 120.0)


def _smear(luma: Plane, start: tuple[float, float], end: tuple[float, float], radius: float, light: float) -> None:
    """Add what one picture sees of a bright thing that flies from `start` to `end`, out of focus."""
    soft = max(1.0, radius * 0.55)
    room = math.ceil(radius + 3 * soft)
    spot = Rect(
        math.floor(min(start[0], end[0])) - room, math.floor(min(start[1], end[1])) - room,
        math.ceil(max(start[0], end[0])) + room, math.ceil(max(start[1], end[1])) + room,
    )  # fmt: skip
    height, width = luma.shape
    part = spot & Rect(0, 0, width, height)
    if part.empty:
        return
    small = max(1, round(soft / 2))  # what is blurred needs no more pixels
    sheet = np.zeros(((spot.y1 - spot.y0) // small + 1, (spot.x1 - spot.x0) // small + 1), np.uint8)
    ends = (np.array([start, end]) - (spot.x0, spot.y0)) / small * 16
    long = math.dist(start, end)
    level = light * min(1.0, 2.0 * radius / (long + radius))  # the same light on more pixels
    cv2.polylines(sheet, [ends.astype(np.int32)], isClosed=False, color=(round(level),),
                  thickness=max(1, round(2 * radius / small)), lineType=cv2.LINE_AA, shift=4)  # fmt: skip
    blurred = cv2.GaussianBlur(sheet, (0, 0), max(0.6, soft / small))
    size = (spot.x1 - spot.x0, spot.y1 - spot.y0)
    full = cv2.resize(blurred, size, interpolation=cv2.INTER_LINEAR)
    cut = luma[part.window]
    cv2.add(cut, full[part.y0 - spot.y0 : part.y1 - spot.y0, part.x0 - spot.x0 : part.x1 - spot.x0], dst=cut)
