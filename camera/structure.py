"""Where a picture has edges and which way they run: what stays the same when only the light changes. Pure.

An edge is kept as a vector of twice its angle, so that a dark edge on bright and a bright one on dark are the same
edge: by night, or by infrared, much of a view turns over. Its length is the root of its strength, so that one lamp does
not outweigh a street. Slopes below a floor are noise and left out.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias

import cv2
import numpy as np
from numpy.typing import NDArray

Plane: TypeAlias = NDArray[np.uint8]
"""(height, width) uint8, luma."""

Grid: TypeAlias = NDArray[np.float32]
"""(height, width) float32, grey levels or what is measured of them."""

Edges: TypeAlias = NDArray[np.float32]
"""(height, width, 2) float32: strength and direction of the edge at each place, 0 where there is none."""

Blocks: TypeAlias = tuple[int, int]
"""(columns, rows) into which a grid is divided."""

FLOOR = 0.5
SMALLEST_SIDE = 16
SECTORS = (0.22, 0.5, 0.78)
SURE = 0.4
BETTER = 0.12
LEAST_AWAY, LEAST_FOUND = 3, 4
FITS = 1.6
STEP = np.ones((3, 3), np.uint8)
REACH = np.ones((9, 9), np.uint8)
PLAIN_EDGE = 6
FEW_EDGES = 12


def grid_size(shape: tuple[int, int], area: int) -> tuple[int, int]:
    """Return (width, height) of a grid of about `area` places for a plane of shape (height, width)."""
    scale = min(1.0, (area / (shape[0] * shape[1])) ** 0.5)
    return max(SMALLEST_SIDE, round(shape[1] * scale)), max(SMALLEST_SIDE, round(shape[0] * scale))


def edges(grid: Grid, floor: float = FLOOR) -> Edges:
    """Return the edges of a grid; slopes of less than `floor` grey levels a place are noise."""
    across = cv2.Sobel(grid, cv2.CV_32F, 1, 0, ksize=3, scale=0.125)
    down = cv2.Sobel(grid, cv2.CV_32F, 0, 1, ksize=3, scale=0.125)
    length = cv2.magnitude(across, down)
    weight = np.sqrt(np.maximum(length - floor, 0.0)) / np.maximum(length * length, 1e-3)
    twice = cv2.merge([(across * across - down * down) * weight, 2.0 * across * down * weight])
    return np.asarray(twice, np.float32)


def pooled(values: Grid, blocks: Blocks) -> Grid:
    """Return the mean of each block."""
    return np.asarray(cv2.resize(values, blocks, interpolation=cv2.INTER_AREA), np.float32)


def product(one: Edges, other: Edges, blocks: Blocks) -> Grid:
    """Return for each block the mean product of two fields; of a field with itself: the mean square of its edges."""
    both = cv2.multiply(one, other)
    return pooled(np.asarray(both[..., 0] + both[..., 1], np.float32), blocks)


def agreement(now: Edges, then: Edges, blocks: Blocks) -> Grid:
    """Return for each block how well two fields agree: 1 the same edges, 0 nothing in common or nothing there."""
    scale = cv2.sqrt(product(now, now, blocks) * product(then, then, blocks))
    return np.asarray(product(now, then, blocks) / np.maximum(scale, 1e-3), np.float32)


@dataclass(frozen=True, kw_only=True, slots=True)
class Places:
    """Where nine pieces of a view are found again: `here`, or together `elsewhere`, by one push, turn and zoom."""

    here: int
    elsewhere: int


def places(now: Edges, then: Edges) -> Places:
    """Look for nine pieces of what is remembered within a tenth of the picture around where they were."""
    height, width = then.shape[:2]
    half_w, half_h = width * 3 // 20, height * 3 // 20
    reach_x, reach_y = max(3, width // 9), max(3, height // 8)
    here, found = 0, []
    for row in SECTORS:
        for column in SECTORS:
            x, y = round(column * width), round(row * height)
            piece = then[y - half_h : y + half_h, x - half_w : x + half_w]
            top, left = max(0, y - half_h - reach_y), max(0, x - half_w - reach_x)
            around = now[top : y + half_h + reach_y, left : x + half_w + reach_x]
            match = cv2.matchTemplate(around, piece, cv2.TM_CCORR_NORMED)
            _, best, _, (best_x, best_y) = cv2.minMaxLoc(match)
            own_x, own_y = x - half_w - left, y - half_h - top
            if best < SURE:
                continue
            away = max(abs(best_x - own_x), abs(best_y - own_y)) > 1
            if not away or best > float(match[own_y, own_x]) + BETTER:
                here += not away
                found.append((x, y, best_x - own_x, best_y - own_y))
    return Places(here=here, elsewhere=_together(np.array(found, np.float64), len(found) - here))


def _together(found: NDArray[np.float64], away: int) -> int:
    """Return how many of (x, y, dx, dy) agree on one push, turn and zoom of the picture; 0 where most do not."""
    if away < LEAST_AWAY or len(found) < LEAST_FOUND:
        return 0
    off = _misfit(found)
    if off.max() > FITS and len(found) > LEAST_FOUND:  # once more without what fits worst
        found = found[np.argsort(off)[: max(LEAST_FOUND, len(found) * 3 // 4)]]
        off = _misfit(found)
    fitting = off <= FITS
    if np.count_nonzero(fitting) < LEAST_FOUND:
        return 0
    return int(np.count_nonzero(fitting & (np.abs(found[:, 2:]).max(axis=1) > 1)))


def _misfit(found: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return how far each of (x, y, dx, dy) is from the one push, turn and zoom that explains them best."""
    x, y, dx, dy = found.T
    ones, none = np.ones_like(x), np.zeros_like(x)
    matrix = np.vstack([np.column_stack([x, -y, ones, none]), np.column_stack([y, x, none, ones])])
    fit = np.linalg.lstsq(matrix, np.concatenate([dx, dy]), rcond=None)[0]
    return np.asarray(np.abs((matrix @ fit).reshape(2, -1) - (dx, dy)).max(axis=0))


def sharpness(luma: Plane) -> float | None:
    """Return how much steeper the edges of a plane are than after a blur of 9 pixels: 3-5 sharp, below 2 out of focus.

    Fog and darkness make edges fainter, not wider, and leave it as it is. None where too few edges are to be seen.
    """
    fine = cv2.dilate(cv2.morphologyEx(luma, cv2.MORPH_GRADIENT, STEP), REACH)[4::8, 4::8]
    coarse = cv2.dilate(cv2.morphologyEx(cv2.blur(luma, (9, 9)), cv2.MORPH_GRADIENT, STEP), REACH)[4::8, 4::8]
    plain = coarse >= PLAIN_EDGE
    steeper = fine[plain] / coarse[plain]
    if steeper.size < FEW_EDGES:
        return None
    return float(np.partition(steeper, steeper.size // 2)[steeper.size // 2])


def likeness(one: Grid, other: Grid) -> float:
    """Return the correlation of two small grids once the slope over the whole picture is taken out of both."""
    first, second = levelled(one), levelled(other)
    scale = float(np.sqrt((first * first).sum() * (second * second).sum()))
    return float((first * second).sum()) / scale if scale > 1.0 else 0.0


def levelled(grid: Grid) -> Grid:
    """Return a grid without its mean and without its slope over the whole picture."""
    height, width = grid.shape
    down = np.linspace(-1.0, 1.0, height, dtype=np.float32)[:, None]
    across = np.linspace(-1.0, 1.0, width, dtype=np.float32)[None, :]
    slope_y = float((grid * down).sum()) / float((down * down).sum() * width)
    slope_x = float((grid * across).sum()) / float((across * across).sum() * height)
    return np.asarray(grid - grid.mean() - slope_y * down - slope_x * across, np.float32)
