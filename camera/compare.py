"""The arithmetic under the detector: two grey pictures of one view, and what of their difference is only light.

Pure functions on (height, width) float32 arrays of grey levels, the remembered picture and the new one.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias

import cv2
import numpy as np
from numpy.typing import NDArray

Grid: TypeAlias = NDArray[np.float32]
"""(height, width) float32, grey levels."""

Mask: TypeAlias = NDArray[np.uint8]
"""(height, width) uint8, 0 or not."""

Window: TypeAlias = tuple[slice, slice]
"""Rows and columns of a part of a grid."""

KERNEL_5 = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (5, 5))
SQUARE_3 = cv2.getStructuringElement(cv2.MORPH_RECT, (3, 3))
SQUARE_5 = cv2.getStructuringElement(cv2.MORPH_RECT, (5, 5))
WINDOW = (5, 5)
RIM = 3
STRIDE = 4
FAINTER = 0.85


@dataclass(frozen=True, slots=True)
class Light:
    """How the present light shows what the background remembers: times `gain`, plus `offset` grey levels."""

    gain: float
    offset: float


def fit_light(mean: Grid, grid: Grid, changed: Mask, likely: float = 1.0) -> Light:
    """Return the light between background and plane, fitted where nothing was seen to move.

    Trimmed least squares on one pixel of sixteen: what moves now disagrees with the rest and is left out at the second
    round. The `likely` gain is tried first, and holds where too little is left to tell.
    """
    free = changed[::STRIDE, ::STRIDE] == 0
    old = mean[::STRIDE, ::STRIDE][free]
    new = grid[::STRIDE, ::STRIDE][free]
    usable = (new > 4.0) & (new < 250.0) & (old > 4.0) & (old < 250.0)  # noqa: PLR2004 - clipped pixels say nothing
    old, new = old[usable], new[usable]
    if old.size < mean.size // 160:
        return Light(likely, 0.0)
    gain = likely
    offset = middle(new - old * np.float32(gain))
    for _ in range(2):
        rest = np.abs(new - old * np.float32(gain) - np.float32(offset))
        near = rest <= max(3.0, 2.0 * middle(rest))
        xs, ys = old[near], new[near]
        mean_x, mean_y = float(xs.sum()) / xs.size, float(ys.sum()) / xs.size
        spread = float(np.dot(xs - mean_x, xs - mean_x)) / xs.size
        if spread > 25.0:  # noqa: PLR2004 - 5 grey levels: a flat picture shows an offset only
            gain = float(np.dot(xs - mean_x, ys - mean_y)) / xs.size / spread
            gain = min(2.5, max(0.4, gain))
        offset = mean_y - gain * mean_x
    return Light(gain, offset)


def detail(grid: Grid) -> Grid:
    """Return what stands out from its surroundings (5x5 pixels): texture and sharp edges stay, soft light goes."""
    return grid - cv2.boxFilter(grid, -1, WINDOW)


def structure_changed(fine: Grid, expected: Grid, asked: Grid) -> NDArray[np.bool_]:
    """Tell new structure from other light on the old one, pixel by pixel, on the `detail` of both pictures.

    Light that falls on a thing scales and shifts what its surroundings (5x5 pixels) show. What remains of the stronger
    of both patches after the best scale is structure that appeared or went away; `asked` is how much of it counts.
    """
    var_a = cv2.boxFilter(fine * fine, -1, WINDOW)
    var_b = cv2.boxFilter(expected * expected, -1, WINDOW)
    both = np.maximum(cv2.boxFilter(fine * expected, -1, WINDOW), np.float32(0.0))
    rest = cv2.max(var_a, var_b) - both * both / np.maximum(cv2.min(var_a, var_b), np.float32(1.0))
    return np.asarray(rest > asked * asked)


def middle(values: Grid) -> float:
    """Return the (upper) median; numpy's own spends most of its time on cases that can't be here."""
    flat = values.ravel()
    half = flat.size // 2
    return float(np.partition(flat, half)[half])


def left_behind(window: Window, inside: NDArray[np.bool_], grid: Grid, expected: Grid) -> bool:
    """Tell whether a region is the hole of a departed thing: its outline is in the background, but not in the plane."""
    rows, columns = window
    wide = (
        slice(max(0, rows.start - RIM), rows.stop + RIM),
        slice(max(0, columns.start - RIM), columns.stop + RIM),
    )
    shape = np.zeros(grid[wide].shape, np.uint8)
    top, left = rows.start - wide[0].start, columns.start - wide[1].start
    shape[top : top + inside.shape[0], left : left + inside.shape[1]] = inside
    outline = cv2.morphologyEx(shape, cv2.MORPH_GRADIENT, KERNEL_5) > 0
    return edges(grid[wide], outline) < edges(expected[wide], outline) * FAINTER


def edges(patch: Grid, chosen: NDArray[np.bool_]) -> float:
    """Return the mean strength of the edges in a patch, on the chosen pixels."""
    if min(patch.shape) < RIM or not chosen.any():
        return 0.0
    across = cv2.Sobel(patch, cv2.CV_32F, 1, 0, ksize=3)
    down = cv2.Sobel(patch, cv2.CV_32F, 0, 1, ksize=3)
    return float((np.abs(across) + np.abs(down))[chosen].mean())
