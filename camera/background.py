"""What a view usually shows: a mean and a spread for each pixel, compared with a plane and learned from it. Pure.

`compare` takes out what happens to the whole picture: light and exposure first, then the shake of the camera. What is
left is a `Difference`. `learn` moves the background, seen through the present light, towards the plane.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from camera.compare import SQUARE_3, SQUARE_5, STRIDE, Grid, Light, Mask, Window, fit_light, middle
from camera.shift import find_shift, moved_back
from camera.source import Exposure
from camera.tuning import Tuning

FIRST_SPREAD = 2.0
FULL_WHITE = 245.0
"""Grey level; above it a sensor is full and a pixel says only "at least"."""

UNKNOWN = 0.3
"""By how much of its level a pixel that is or was full may look different in other light."""

RELEARN = 0.5
RESTLESS = 0.4
"""How quickly a pixel under a region learns that it changes, as a share of the pace of the rest."""

TONE = 0.45
"""Luma follows light to this power: cameras deliver it for screens with a gamma of 2.2."""

JUMP = 0.05
"""A change of gain from one plane to the next that is a step, not the time of day."""

WORTH = 0.8
"""A shift is believed when it leaves less than this share of what differed."""

LIGHT_S = 8.0
"""How long the light that went leaves traces in the background: as long as that takes to learn."""

ONE_OF_TWO = 0.71
"""Two planes that are compared have the noise of both."""

SHAKEN = 0.15
"""Pixels of the grid."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Difference:
    """A plane beside what the background expects of it, both in the present light: grey levels on the grid.

    `off` is what the plane shows more, `limit` from where on that counts, `differs` where it does (0 or 1). `jump` is
    how much the light changed since the plane before, as a share.
    """

    grid: Grid
    expected: Grid
    off: Grid
    far: Grid
    limit: Grid
    differs: Mask
    light: Light
    floor: float
    jump: float

    def foreign(self, near: Window) -> NDArray[np.bool_]:
        """Tell which pixels of a window are off from all that the background shows around them, 2 pixels to each side.

        No swaying explains those.
        """
        expected, grid = self.expected[near], self.grid[near]
        high, low = cv2.dilate(expected, SQUARE_5), cv2.erode(expected, SQUARE_5)
        return np.asarray(cv2.max(grid - high, low - grid) > self.limit[near])


class Background:
    """The memory of one view, begun with its first plane."""

    def __init__(self, grid: Grid, exposure: Exposure | None) -> None:
        self._mean = grid.copy()
        self._spread = np.full_like(grid, FIRST_SPREAD)
        self._noise = 1.0
        self._light = Light(1.0, 0.0)
        self._before: Grid = np.zeros_like(grid)
        self._exposure = exposure
        self._kept: Mask = np.zeros(grid.shape, np.uint8)
        self._flicker = 1.0
        self._unsteady_s = float("-inf")
        self._lit_s = float("-inf")
        self._lit_until_s = np.full_like(grid, -np.inf)

    def compare(self, grid: Grid, at_s: float, exposure: Exposure | None, tuning: Tuning) -> Difference:
        """Return how the plane differs from what is remembered."""
        told = self._told(exposure)
        light = fit_light(self._mean, grid, self._kept, self._light.gain * told)
        jump = max(abs(light.gain / self._light.gain - 1), abs(told - 1), abs(light.offset - self._light.offset) / 128)
        self._light = light
        expected = np.minimum(self._mean * np.float32(light.gain) + np.float32(light.offset), np.float32(255.0))
        off = grid - expected
        far = np.abs(off)
        limit, floor = self._limit(off, far, at_s, tuning)
        if jump > JUMP:
            limit += expected * np.float32(min(0.5, jump) * tuning.jump_share)
        differs = far > limit
        if _everywhere(differs, tuning):
            steadied = self._steadied(grid, expected, far)
            if steadied is not None:
                grid, off = steadied, steadied - expected
                self._unsteady_s = at_s + tuning.steady_s
        if at_s < self._unsteady_s:
            far = np.maximum(np.maximum(grid - cv2.dilate(expected, SQUARE_3), cv2.erode(expected, SQUARE_3) - grid), 0)
            differs = far > limit
        if abs(light.gain - 1.0) > JUMP:
            # Where it is or was too bright to be shown, nobody knows what other light should show.
            full = cv2.dilate(cv2.max(self._mean, expected), SQUARE_3) >= FULL_WHITE
            differs &= ~full | (np.abs(off) > expected * np.float32(UNKNOWN))
        return Difference(
            grid=grid, expected=expected, off=off, far=far, limit=limit, differs=differs.view(np.uint8), light=light,
            floor=floor, jump=jump,
        )  # fmt: skip

    def _limit(self, off: Grid, far: Grid, at_s: float, tuning: Tuning) -> tuple[Grid, float]:
        """Return how far off each pixel must be to count, and the part of it that noise asks for everywhere."""
        noise = middle(far[::STRIDE, ::STRIDE])
        self._noise += 0.1 * (noise - self._noise)
        floor = min(tuning.highest_floor, max(tuning.lowest_floor, tuning.noise_factor * self._noise))
        limit = self._spread * np.float32(tuning.spread_factor) + np.float32(floor)
        if not self._unsteady_s < at_s < self._lit_s:
            self._flicker = self._noise
            return limit, floor
        # What light leaves behind is no noise where it never fell: there only what changes from plane to plane is.
        flicker = ONE_OF_TWO * middle(np.abs(off[::STRIDE, ::STRIDE] - self._before[::STRIDE, ::STRIDE]))
        self._flicker = min(self._noise, self._flicker + 0.1 * (min(noise, flicker) - self._flicker))
        quiet = min(floor, max(tuning.lowest_floor, tuning.noise_factor * self._flicker))
        limit[self._lit_until_s <= at_s] -= np.float32(floor - quiet)
        return limit, floor

    def learn(self, seen: Difference, kept: Mask, rate: float) -> None:
        """Move towards the plane where nothing is `kept` out; there only the spread learns how much the pixel changes.

        So leaves that sway teach a pixel that it is restless, one who stands there does not.
        """
        self._follow(seen, kept if cv2.countNonZero(kept) else None, rate)
        self._kept = kept

    def shine(self, lit: Mask, at_s: float) -> None:
        """Take notice that light plays on the `lit` pixels at `at_s`."""
        self._lit_s = at_s + LIGHT_S
        self._lit_until_s[cv2.dilate(lit, SQUARE_5) > 0] = self._lit_s

    def relearn(self, seen: Difference, changed: Mask) -> None:
        """Believe what the plane shows, within a few planes."""
        self._follow(seen, None, RELEARN)
        self._kept = changed

    def absorb(self, seen: Difference, window: Window, inside: NDArray[np.bool_]) -> None:
        """Take over one region as it is."""
        self._mean[window][inside] = self._remembered(seen)[window][inside]
        self._spread[window][inside] = FIRST_SPREAD

    def take(self, seen: Difference, own: NDArray[np.bool_]) -> None:
        """Take over the gate's own parts as they are, and don't ask them about the light."""
        self._mean[own] = self._remembered(seen)[own]
        self._kept = self._kept.copy()
        self._kept[own] = 1

    def _follow(self, seen: Difference, kept: Mask | None, rate: float) -> None:
        free = None if kept is None else cv2.bitwise_not(kept)
        remembered = self._remembered(seen)
        if seen.light.gain > 1.0:
            full = seen.grid >= FULL_WHITE
            np.maximum(remembered, self._mean, out=remembered, where=full)
        cv2.accumulateWeighted(remembered, self._mean, rate, mask=free)
        most = self._spread * 2 + 1
        if kept is not None:
            restless = cv2.min(np.abs(seen.off - self._before), most)
            cv2.accumulateWeighted(restless, self._spread, RESTLESS * rate, mask=kept)
        self._before = seen.off
        cv2.accumulateWeighted(cv2.min(seen.far * np.float32(1.25), most), self._spread, 0.4 * rate, mask=free)
        # The light itself becomes the norm slowly, or a fit near its end would have to stretch ever further.
        ease = min(0.3, rate)
        gain, offset = 1.0 + (seen.light.gain - 1.0) * ease, seen.light.offset * ease
        self._mean *= np.float32(gain)
        self._mean += np.float32(offset)
        self._light = Light(seen.light.gain / gain, seen.light.offset - offset)

    @staticmethod
    def _remembered(seen: Difference) -> Grid:
        """Return the plane as it would look in the light of the background."""
        return np.asarray((seen.grid - np.float32(seen.light.offset)) * np.float32(1 / seen.light.gain), np.float32)

    def _told(self, exposure: Exposure | None) -> float:
        """Return how many times brighter the camera says that it shows this plane than the one before."""
        before, self._exposure = self._exposure, exposure
        if before is None or exposure is None:
            return 1.0
        was, is_now = before.exposure_us * before.gain, exposure.exposure_us * exposure.gain
        return float((is_now / was) ** TONE) if was > 0 and is_now > 0 else 1.0

    def _steadied(self, grid: Grid, expected: Grid, far: Grid) -> Grid | None:
        """Return the plane as an unshaken camera would show it; None where no shake explains the difference."""
        shift = find_shift(expected, grid)
        if max(abs(shift[0]), abs(shift[1])) < SHAKEN:
            return None
        back = moved_back(grid, shift)
        rim = int(max(abs(shift[0]), abs(shift[1]))) + 1
        for border in (np.s_[:rim], np.s_[-rim:], np.s_[:, :rim], np.s_[:, -rim:]):
            back[border] = expected[border]
        return back if float(np.abs(back - expected).mean()) < WORTH * float(far.mean()) else None


def _everywhere(differs: NDArray[np.bool_], tuning: Tuning) -> bool:
    """Tell whether much differs, and in most columns and rows: a shaken camera, not one car."""
    if np.count_nonzero(differs) < tuning.unsteady * differs.size:
        return False
    rows, columns = differs.shape
    across, down = np.count_nonzero(differs.any(axis=0)), np.count_nonzero(differs.any(axis=1))
    return bool(across > tuning.wide * columns and down > tuning.wide * rows)
