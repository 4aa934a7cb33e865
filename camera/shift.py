"""How far a shaken camera has moved: the small shift between what the background shows and what a plane shows.

Pure. A pole in the wind, a slammed gate: the whole picture goes a few pixels to and fro. Where it went can be read from
the edges: along each one, the difference of the two pictures is the shift times the slope (Lucas and Kanade, one shift
for the whole picture). Things that move on their own disagree with the rest; their say is capped.
"""

from __future__ import annotations

from typing import TypeAlias

import cv2
import numpy as np

from camera.compare import Grid

Shift: TypeAlias = tuple[float, float]
"""(across, down) in pixels of the grid."""

STILL: Shift = (0.0, 0.0)
ROUNDS = 3
NEAR = 0.08
"""Pixels; less is not worth another round."""

MOST = 4.0
"""Pixels of 160; further off it is another view, not a shake."""

LOUD = 24.0
"""Grey levels; a larger difference has no larger say, it may be a visitor."""


def find_shift(expected: Grid, grid: Grid) -> Shift:
    """Return how far `grid` is shifted against `expected`; `STILL` where the picture has no edges to tell by."""
    slope_x = cv2.Sobel(expected, cv2.CV_32F, 1, 0, ksize=3, scale=0.125)
    slope_y = cv2.Sobel(expected, cv2.CV_32F, 0, 1, ksize=3, scale=0.125)
    xx, xy, yy = (float(np.vdot(a, b)) for a, b in ((slope_x, slope_x), (slope_x, slope_y), (slope_y, slope_y)))
    turn = xx * yy - xy * xy
    if turn < 1e-3 * (xx + yy) ** 2 or xx + yy < grid.size:
        return STILL
    across = down = 0.0
    for _ in range(ROUNDS):
        back = grid if across == down == 0.0 else moved_back(grid, (across, down))
        off = np.clip(expected - back, -LOUD, LOUD)
        by_x, by_y = float(np.vdot(slope_x, off)), float(np.vdot(slope_y, off))
        step_x, step_y = (yy * by_x - xy * by_y) / turn, (xx * by_y - xy * by_x) / turn
        across, down = across + step_x, down + step_y
        if max(abs(across), abs(down)) > MOST:
            return STILL
        if max(abs(step_x), abs(step_y)) < NEAR:
            break
    return across, down


def moved_back(grid: Grid, shift: Shift) -> Grid:
    """Return the picture as an unshaken camera would show it; the border is repeated where nothing was seen."""
    way = np.array([[1, 0, shift[0]], [0, 1, shift[1]]], np.float32)
    size = (grid.shape[1], grid.shape[0])
    back = cv2.warpAffine(
        grid, way, size, flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP, borderMode=cv2.BORDER_REPLICATE
    )
    return np.asarray(back, np.float32)
