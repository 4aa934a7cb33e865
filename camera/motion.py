"""What moves in a picture: a luma plane goes in, regions come out. Pure and deterministic; no clock, no I/O.

The plane is looked at in about 160x90 pixels, whatever it was. Each pixel keeps a mean and a spread of what it usually
shows. A new plane is compared with that background in four steps, each of which removes a class of false alarms:

1. Light and exposure that change everywhere: gain and offset between background and plane are fitted robustly and
   taken out before anything is compared.
2. Noise and swaying: a pixel counts only when it is further off than its own spread explains.
3. Light that changes somewhere (shadow, lamp, headlight, cloud edge): it brightens or darkens what is there without
   changing its structure. Pixels whose surroundings still correlate with the background are dropped, and a region
   needs enough structure that was not there before.
4. What stays: a region that no longer changes is either a thing that came to rest or the hole that a departed thing
   left. The hole's outline stands in the background, not in the plane; it is learned in seconds, the resting thing in
   half a minute, so that a parked car never alerts again and a standing person is not forgotten.

A frame in which nearly everything changes at once (a lamp switched, a cut, a bump) is learned anew.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeAlias

import cv2
import numpy as np
from numpy.typing import NDArray

from camera.compare import KERNEL_5, Grid, Light, Mask, fit_light, left_behind, middle, structure_changed

Plane: TypeAlias = NDArray[np.uint8]
Point: TypeAlias = tuple[float, float]
Rectangle: TypeAlias = tuple[float, float, float, float]

WORK_AREA = 160 * 90
SMALLEST_SIDE = 16


@dataclass(frozen=True, kw_only=True, slots=True)
class Area:
    """A named zone: a polygon of (x, y) fractions of the picture."""

    name: str
    polygon: tuple[Point, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class Region:
    """Something that moves: its box and size as fractions of the picture, the zones it stands in.

    `still_s` is how long nothing in it has changed, in seconds. `edge` says that it touches the picture's border.
    """

    box: Rectangle
    area: float
    zones: tuple[str, ...]
    still_s: float = 0.0
    edge: bool = False


@dataclass(frozen=True, kw_only=True, slots=True)
class Tuning:
    """Figures of the detector: levels are grey levels of 0-255, times seconds, areas fractions of the picture."""

    lowest_floor: float = 3.0
    highest_floor: float = 8.0
    noise_factor: float = 7.0
    spread_factor: float = 2.0
    new_structure: float = 0.7
    least_structure: float = 0.3
    lone: int = 2
    smallest: int = 4
    learn_s: float = 8.0
    first_learn_s: float = 1.0
    hole_s: float = 4.0
    rest_s: float = 30.0
    still_share: float = 0.5
    most_changed: float = 0.6
    settle_s: float = 1.0


class Detector:
    """The background of one view and what differs from it. `reset` when the view changes.

    `ignored` are rectangles of (x0, y0, x1, y1) fractions that are never looked at. `own` are such rectangles in which
    the gate's own leaf and lamp are seen: while they move there is nothing to see in them. Without zones the whole
    picture is one zone without a name.
    """

    def __init__(
        self, zones: Sequence[Area] = (), ignored: Sequence[Rectangle] = (), min_area: float = 0.002,
        own: Sequence[Rectangle] = (), tuning: Tuning | None = None,
    ) -> None:  # fmt: skip
        self._zones = tuple(zones)
        self._ignored = tuple(ignored)
        self._own = tuple(own)
        self._min_area = min_area
        self._tuning = tuning or Tuning()
        self._shape = (0, 0)
        self.reset()

    def reset(self) -> None:
        """Forget the background: the next planes are learned for a second and nothing is reported."""
        self._mean: Grid | None = None
        self._shown_s = 0.0
        self._last_s = 0.0
        self._settled_s = float("-inf")

    def look(self, luma: Plane, at_s: float, *, gate_moves: bool = False) -> list[Region]:
        """Compare one (height, width) uint8 plane, taken at `at_s`, with the background and learn from it.

        While `gate_moves`, and a second longer, the gate's own parts are learned as they are.
        """
        if luma.shape != self._shape:
            self._lay_out(luma.shape[0], luma.shape[1])
        grid = cv2.resize(luma, self._size, interpolation=cv2.INTER_AREA).astype(np.float32)
        cv2.GaussianBlur(grid, (3, 3), 0.8, dst=grid)
        if self._mean is None:
            self._begin(grid, at_s)
            return []
        if gate_moves:
            self._settled_s = at_s + self._tuning.settle_s
        step_s = min(1.0, max(0.0, at_s - self._last_s))
        self._last_s = at_s
        self._shown_s += step_s
        return self._compare(grid, self._mean, step_s)

    def _lay_out(self, height: int, width: int) -> None:
        self._shape = (height, width)
        scale = min(1.0, (WORK_AREA / (height * width)) ** 0.5)
        self._size = (max(SMALLEST_SIDE, round(width * scale)), max(SMALLEST_SIDE, round(height * scale)))
        self._watched = np.full((self._size[1], self._size[0]), 255, np.uint8)
        for x0, y0, x1, y1 in self._ignored:
            cv2.rectangle(self._watched, self._pixel((x0, y0)), self._pixel((x1, y1)), 0, cv2.FILLED)
        own = np.zeros_like(self._watched)
        for x0, y0, x1, y1 in self._own:
            cv2.rectangle(own, self._pixel((x0, y0)), self._pixel((x1, y1)), 1, cv2.FILLED)
        self._own_mask = cv2.dilate(own, KERNEL_5) > 0
        self._zone_masks: list[tuple[str, Mask]] = []
        for zone in self._zones:
            mask = np.zeros_like(self._watched)
            corners = np.array([self._pixel(corner) for corner in zone.polygon], np.int32)
            cv2.fillPoly(mask, [corners], 255)
            self._zone_masks.append((zone.name, mask))
        self.reset()

    def _pixel(self, point: Point) -> tuple[int, int]:
        return round(point[0] * self._size[0]), round(point[1] * self._size[1])

    def _begin(self, grid: Grid, at_s: float) -> None:
        self._mean = grid
        self._spread = np.full_like(grid, 2.0)
        self._noise = 1.0
        self._previous = np.zeros_like(grid)
        self._still_s = np.zeros_like(grid)
        self._changed = np.zeros(grid.shape, np.uint8)
        self._last_s = at_s
        self._shown_s = 0.0

    def _compare(self, grid: Grid, mean: Grid, step_s: float) -> list[Region]:
        tuning = self._tuning
        light = fit_light(mean, grid, self._changed)
        expected = mean * light.gain + light.offset
        off = grid - expected
        far = np.abs(off)
        self._noise += 0.1 * (middle(far[::4, ::4]) - self._noise)
        floor = min(tuning.highest_floor, max(tuning.lowest_floor, tuning.noise_factor * self._noise))
        limit = floor + tuning.spread_factor * self._spread
        differs = ((far > limit) & (self._watched > 0)).astype(np.uint8)
        own = self._own_mask if self._last_s < self._settled_s else None
        if own is not None:
            differs[own] = 0
        new = structure_changed(grid, expected, tuning.new_structure * floor)
        lone = cv2.boxFilter(differs, -1, (3, 3), normalize=False) <= tuning.lone
        differs[lone] = 0
        changed: Mask = np.asarray(cv2.morphologyEx(differs, cv2.MORPH_CLOSE, KERNEL_5), np.uint8)
        calm = np.abs(off - self._previous) < tuning.still_share * limit
        self._still_s = np.where(calm & (changed > 0), self._still_s + step_s, self._still_s * 0.5).astype(np.float32)
        self._previous = off
        learning = self._shown_s < tuning.first_learn_s
        share = float(np.count_nonzero(changed)) / changed.size
        regions: list[Region] = []
        if learning or share > tuning.most_changed:
            # Everything at once is the view or the light, not a visitor: believe the new picture.
            self._learn(grid, changed, light, far, 0.5)
        else:
            regions, changed = self._regions(changed, new, grid, expected)
            self._learn(grid, changed, light, far, min(1.0, step_s / tuning.learn_s))
        if own is not None:
            mean[own] = grid[own]
            changed = changed.copy()
            changed[own] = 1  # and never asked about the light
        self._changed = changed
        return regions

    def _learn(self, grid: Grid, changed: Mask, light: Light, far: Grid, rate: float) -> None:
        """Move the background, seen through the present light, towards the plane where nothing moves."""
        mean = self._mean
        if mean is None:
            return
        still_light = (grid - light.offset) / light.gain
        rates = np.where(changed > 0, np.float32(rate if rate >= 0.5 else 0.0), np.float32(rate))  # noqa: PLR2004 - half: relearning
        mean += rates * (still_light - mean)
        # One visitor must not teach a pixel that it is restless; leaves that sway for long may.
        self._spread += (
            rates * np.float32(0.4) * (np.minimum(far * np.float32(1.25), self._spread * 2 + 1) - self._spread)
        )
        # The light itself becomes the norm slowly, or a fit near its end would have to stretch ever further.
        ease = np.float32(min(0.3, rate))
        mean *= np.float32(1.0 + (light.gain - 1.0) * ease)
        mean += np.float32(light.offset * ease)

    def _regions(self, changed: Mask, new: NDArray[np.bool_], grid: Grid, expected: Grid) -> tuple[list[Region], Mask]:
        """Return the regions that count, and the pixels that must not be learned because of them."""
        kept = np.zeros_like(changed)
        if not changed.any():
            return [], kept
        count, labels, stats, _ = cv2.connectedComponentsWithStats(changed, connectivity=8)
        height, width = changed.shape
        total = height * width
        found = []
        for label in range(1, count):
            x, y, w, h, pixels = (int(value) for value in stats[label])
            if pixels < self._tuning.smallest:
                continue
            window = (slice(y, y + h), slice(x, x + w))
            inside = labels[window] == label
            if np.count_nonzero(new[window][inside]) < self._tuning.least_structure * pixels:
                continue
            still_s = middle(self._still_s[window][inside])
            if self._absorb(window, inside, still_s, grid, expected):
                continue
            kept[window][inside] = 255
            zones, area = self._placed(window, inside, pixels, total)
            if area < self._min_area:
                continue
            edge = x <= 1 or y <= 1 or x + w >= width - 1 or y + h >= height - 1
            box = (x / width, y / height, (x + w) / width, (y + h) / height)
            found.append(Region(box=box, area=area, zones=zones, still_s=still_s, edge=edge))
        return found, kept

    def _placed(
        self, window: tuple[slice, slice], inside: NDArray[np.bool_], pixels: int, total: int
    ) -> tuple[tuple[str, ...], float]:
        """Return the zones that a region stands in and how much of it counts."""
        if not self._zone_masks:
            return (), pixels / total
        shares = {name: float(np.count_nonzero(mask[window][inside])) / total for name, mask in self._zone_masks}
        standing = tuple(name for name, share in shares.items() if share >= self._min_area / 2)
        return standing, float(max(shares.values())) if standing else 0.0

    def _absorb(
        self, window: tuple[slice, slice], inside: NDArray[np.bool_], still_s: float, grid: Grid, expected: Grid
    ) -> bool:
        """Learn a region that came to rest: a hole after seconds, a thing after half a minute."""
        if self._mean is None or still_s < self._tuning.hole_s:
            return False
        if still_s < self._tuning.rest_s and not left_behind(window, inside, grid, expected):
            return False
        self._mean[window][inside] = grid[window][inside]
        self._spread[window][inside] = 2.0
        return True
