"""How a gateway looks, in each of the lights it is seen in, and what differs from that. Pure; no clock, no I/O."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, TypeAlias

import cv2
import numpy as np
from numpy.typing import NDArray

from camera.known import figure, packed, unpacked
from camera.motion import Point, Rectangle
from camera.structure import Blocks, Edges, Grid, agreement, pooled, product
from gate.model import JsonObject

Chosen: TypeAlias = NDArray[np.bool_]
"""(rows, columns) bool: some of the blocks."""

Result: TypeAlias = Literal["clear", "occupied", "leaf_elsewhere", "unknown"]

JOIN = np.ones((3, 3), np.uint8)
MARGIN_X, MARGIN_Y = 0.2, 0.3
MOST_CELLS = 128 * 72
BLOCK = 6
LEAST_PX = 4
STRUCTURED = 0.3
LOW_SHARE = 0.4

HIDDEN = 0.5
HIDDEN_SHARE = 0.5
FOUND = 0.6
BESIDE = 0.12
BESIDE_SURE = 0.6
BESIDE_PX = 2
REACH_SHARE = 0.3
FEWEST_BLOCKS = 8
SMALLEST_BLOCKS, SMALLEST_SHARE = 2, 0.015
OPEN_LIKE, OPEN_SHARE, OPEN_BLOCKS = 0.5, 0.6, 5
NOTHING_LEFT = 0.6
SHIFTS = tuple((down, across) for down in (-1, 0, 1) for across in (-1, 0, 1) if down or across)
FITS = 0.8
ALIGNED = 0.95
SHIFT = 3
MOST_LOOKS = 60
MOST_LIGHTS = 10


@dataclass(frozen=True, kw_only=True, slots=True)
class Outline:
    """Where the closed leaf is seen: the part of the plane that is kept, and which of its blocks are the leaf's."""

    shape: tuple[int, int]
    part: Rectangle
    size: tuple[int, int]
    blocks: Blocks
    inside: Chosen
    low: Chosen
    leaf: tuple[int, int, int, int]

    def cut(self, luma: NDArray[np.uint8]) -> Grid:
        """Return the part of a plane around the leaf."""
        height, width = self.shape
        x0, y0, x1, y1 = (round(value) for value in self.part)
        cut = luma[max(0, y0) : min(height, y1), max(0, x0) : min(width, x1)]
        return np.asarray(cv2.resize(cut, self.size, interpolation=cv2.INTER_AREA), np.float32)

    def box(self, chosen: Chosen) -> Rectangle:
        """Return the box of some blocks in fractions of the picture."""
        rows, columns = np.nonzero(chosen.any(axis=1))[0], np.nonzero(chosen.any(axis=0))[0]
        x0, y0, x1, y1 = self.part
        across, down = (x1 - x0) / self.blocks[0] / self.shape[1], (y1 - y0) / self.blocks[1] / self.shape[0]
        left, top = x0 / self.shape[1], y0 / self.shape[0]
        return (
            left + float(columns[0]) * across, top + float(rows[0]) * down,
            left + float(columns[-1] + 1) * across, top + float(rows[-1] + 1) * down,
        )  # fmt: skip


def outlined(polygon: Sequence[Point], shape: tuple[int, int]) -> Outline:
    """Lay the leaf's polygon of (x, y) fractions over a plane of shape (height, width)."""
    height, width = shape
    corners = np.array([(x * width, y * height) for x, y in polygon])
    (x0, y0), (x1, y1) = corners.min(axis=0), corners.max(axis=0)
    aside, above = (x1 - x0) * MARGIN_X, (y1 - y0) * MARGIN_Y
    left, right = _side(x0 - aside, x1 + aside, width)
    top, bottom = _side(y0 - above, y1 + above, height)
    scale = min(1.0, (MOST_CELLS / max(1.0, (right - left) * (bottom - top))) ** 0.5)
    size = (max(BLOCK * 4, round((right - left) * scale)), max(BLOCK * 4, round((bottom - top) * scale)))
    blocks = (round(size[0] / BLOCK), round(size[1] / BLOCK))
    inner = (corners - (left, top)) * (size[0] / (right - left), size[1] / (bottom - top))
    mask = np.zeros((size[1], size[0]), np.uint8)
    cv2.fillPoly(mask, [np.round(inner).astype(np.int32)], 1)
    inside = pooled(mask.astype(np.float32), blocks) >= 0.5  # noqa: PLR2004 - more than half of the block
    (first, upper), (last, lower) = inner.min(axis=0), inner.max(axis=0)
    rows = (np.arange(blocks[1]) + 0.5) * size[1] / blocks[1]
    low = inside & (rows >= lower - (lower - upper) * LOW_SHARE)[:, None]
    return Outline(
        shape=shape, part=(left, top, right, bottom), size=size, blocks=blocks, inside=inside, low=low,
        leaf=(round(first), round(upper), round(last), round(lower)),
    )  # fmt: skip


def _side(low: float, high: float, most: int) -> tuple[float, float]:
    """Return the whole pixels that a side of a part takes of `most`; a few even where the polygon is but a line."""
    first = round(min(most - LEAST_PX, max(0.0, low)))
    return float(first), float(max(first + LEAST_PX, round(min(most, high))))


@dataclass(frozen=True, kw_only=True, slots=True)
class Verdict:
    """What one look at the closed gateway says."""

    result: Result
    box: Rectangle | None = None
    why: str = ""


@dataclass(slots=True)
class Light:
    """How the part around the leaf looks in one light. `usual` is how well its surroundings agree with themselves."""

    edges: Edges
    white: float
    looks: int = 1
    usual: float = 0.9
    used: int = 0

    def learn(self, seen: Edges, white: float, agreed: float) -> None:
        """Move towards what is seen, which `agreed` so well (1: as always)."""
        self.looks = min(MOST_LOOKS, self.looks + 1)
        rate = 1.0 / self.looks
        self.edges += np.float32(rate) * (seen - self.edges)
        self.white += rate * (white - self.white)
        self.usual = min(1.0, max(0.6, self.usual * (1 + rate * (agreed - 1))))

    def plain(self) -> JsonObject:
        """Return it as plain data for a file."""
        return {
            "edges": packed(self.edges), "white": round(self.white, 4), "looks": self.looks,
            "usual": round(self.usual, 3),
        }  # fmt: skip

    @classmethod
    def from_plain(cls, data: object) -> Light:
        """Read what `plain` wrote. Raises `ValueError` for anything else."""
        if not isinstance(data, dict):
            raise ValueError("a remembered gateway is no table")  # noqa: TRY004 - the file is wrong, not a type of ours
        white, usual, looks = figure(data.get("white")), figure(data.get("usual")), data.get("looks")
        if not isinstance(looks, int):
            raise ValueError("a remembered gateway lacks its looks")  # noqa: TRY004 - as above
        return cls(
            edges=unpacked(data.get("edges"), 3), white=white, looks=min(MOST_LOOKS, max(1, looks)),
            usual=min(1.0, max(0.6, usual)),
        )  # fmt: skip


class Lights:
    """The lights in which the gateway is known, closed or open."""

    def __init__(self, known: Sequence[Light] = ()) -> None:
        self.known = list(known)
        self._turn = 0

    def keep_only(self, size: tuple[int, int]) -> None:
        """Forget what was learned on another (width, height) of cells."""
        self.known = [light for light in self.known if light.edges.shape == (size[1], size[0], 2)]

    def add(self, seen: Edges, white: float) -> Light:
        """Begin another light; the least used goes when there are too many."""
        if len(self.known) >= MOST_LIGHTS:
            self.known.remove(min(self.known, key=lambda light: light.used))
        self.known.append(Light(edges=seen.copy(), white=white))
        return self.known[-1]

    def nearest(self, seen: Edges, outline: Outline) -> tuple[Light | None, float, Edges]:
        """Return the light whose surroundings agree best, how well (1: as always), and what is seen laid over it.

        A pole that bends in the sun or the wind shifts the picture by a pixel or two; that is taken back.
        """
        best, agreed = None, 0.0
        for light in self.known:
            share = around(seen, light.edges, outline) / light.usual
            if best is None or share > agreed:
                best, agreed = light, share
        if best is None:
            return None, 0.0, seen
        if agreed < ALIGNED:
            laid = laid_over(seen, best.edges)
            better = around(laid, best.edges, outline) / best.usual
            if better > agreed:
                seen, agreed = laid, better
        self._turn += 1
        best.used = self._turn
        return best, agreed, seen

    def plain(self) -> list[JsonObject]:
        """Return what is known as plain data."""
        return [light.plain() for light in self.known]

    @classmethod
    def from_plain(cls, data: object) -> Lights:
        """Read what `plain` wrote. Raises `ValueError` for anything else."""
        if not isinstance(data, list) or len(data) > MOST_LIGHTS:
            raise ValueError("the remembered gateways are no list")
        return cls([Light.from_plain(one) for one in data])


def structured(field: Edges, outline: Outline) -> Chosen:
    """Return the blocks in which there is something to be seen."""
    return np.asarray(product(field, field, outline.blocks) >= STRUCTURED)


def laid_over(seen: Edges, then: Edges) -> Edges:
    """Return what is seen, shifted by the few pixels that make it fit best."""
    piece = np.ascontiguousarray(then[SHIFT:-SHIFT, SHIFT:-SHIFT])
    _, _, _, (across, down) = cv2.minMaxLoc(cv2.matchTemplate(seen, piece, cv2.TM_CCORR_NORMED))
    return np.asarray(np.roll(seen, (SHIFT - down, SHIFT - across), axis=(0, 1)), np.float32)


def around(seen: Edges, then: Edges, outline: Outline) -> float:
    """Return how well the surroundings of the leaf agree."""
    chosen = structured(then, outline) & ~outline.inside
    return float(agreement(seen, then, outline.blocks)[chosen].mean()) if chosen.any() else 0.0


def hidden(seen: Edges, then: Edges, outline: Outline) -> tuple[Chosen, Chosen]:
    """Return which blocks of the leaf no longer show its edges, and which could show them.

    A leaf that comes to rest a finger's breadth beside its place, or a pole that leans in the sun, moves every edge by
    a pixel: that is no difference.
    """
    blocks = outline.blocks
    owns, shows = product(then, then, blocks), product(seen, seen, blocks)
    able = (owns >= STRUCTURED) & outline.inside
    both = product(seen, then, blocks)
    scale = np.maximum(np.sqrt(owns * shows), 1e-3)
    if not (able & (both < HIDDEN * scale)).any():
        return np.zeros_like(able), able
    for shift in SHIFTS:
        both = np.maximum(both, product(seen, np.asarray(np.roll(then, shift, axis=(0, 1)), np.float32), blocks))
    agrees, found = both / scale, both / np.maximum(owns, 1e-3)
    well = found[able & (agrees >= FOUND)]
    usual = float(np.median(well)) if well.size else 1.0
    return able & (agrees < HIDDEN) & (found < HIDDEN_SHARE * usual), able


def beside(seen: Edges, then: Edges, outline: Outline) -> bool:
    """Tell whether the leaf's edges are found to the left or right of their place, clearly better than in it."""
    left, top, right, bottom = outline.leaf
    inset = max(2, (right - left) // 14)
    piece = np.ascontiguousarray(then[max(0, top) : bottom, left + inset : right - inset])
    reach = max(4, round((right - left) * REACH_SHARE))
    padded = np.pad(seen, ((1, 1), (reach, reach), (0, 0)))
    strip = padded[max(0, top) : bottom + 2, left + inset : right - inset + 2 * reach]
    match = cv2.matchTemplate(np.ascontiguousarray(strip), piece, cv2.TM_CCORR_NORMED).max(axis=0)
    unmoved = float(match[reach - 1 : reach + 2].max())
    place = int(match.argmax())
    best = float(match[place])
    return abs(place - reach) >= BESIDE_PX and best >= BESIDE_SURE and best - unmoved >= BESIDE


def compared(seen: Edges, then: Edges, open_lights: Lights, outline: Outline) -> Verdict:
    """Compare the leaf with its closed reference of the same light."""
    lost, able = hidden(seen, then, outline)
    most, gone = np.count_nonzero(able), np.count_nonzero(lost)
    if most < FEWEST_BLOCKS:
        return Verdict(result="unknown", why="dark")
    smallest = max(SMALLEST_BLOCKS, round(SMALLEST_SHARE * most))
    if gone < smallest:
        return Verdict(result="clear")
    if gone >= NOTHING_LEFT * most or beside(seen, then, outline) or _shows_open(seen, lost, open_lights, outline):
        return Verdict(result="leaf_elsewhere", box=outline.box(lost))
    joined = cv2.dilate(lost.astype(np.uint8), JOIN)  # legs are narrower than a block
    count, labels = cv2.connectedComponents(joined, connectivity=8)
    standing = np.zeros_like(lost)
    for label in range(1, count):
        one = lost & (labels == label)
        if np.count_nonzero(one) >= smallest and (one & outline.low).any():
            standing |= one
    return Verdict(result="occupied", box=outline.box(standing)) if standing.any() else Verdict(result="clear")


def _shows_open(seen: Edges, lost: Chosen, open_lights: Lights, outline: Outline) -> bool:
    """Tell whether most of what is hidden shows what the open gateway shows there."""
    gone = np.count_nonzero(lost)
    alike = [
        np.count_nonzero(lost & (agreement(seen, light.edges, outline.blocks) >= OPEN_LIKE))
        for light in open_lights.known
    ]
    return bool(gone >= OPEN_BLOCKS and max(alike, default=0) >= OPEN_SHARE * gone)
