"""Day or night, told by the picture itself. Pure; time comes with the planes.

By day light comes from the whole sky and fills the shadows: less than a quarter of the picture is really dark. By night
a lamp or the camera's own infrared lights a pool, and the rest stays dark however bright the pool is. Where the camera
says how it exposes, that decides: what needs a long exposure at a high gain is night. Dusk, a lamp and a lorry before
the lens change nothing: the other profile is taken only after the picture has asked for it for a while without a break.
"""

from __future__ import annotations

from typing import Literal, TypeAlias

import numpy as np

from camera.compare import Grid
from camera.source import Exposure

Profile: TypeAlias = Literal["day", "night"]

DARK = 45.0
"""Grey level of the lower quartile below which it is night; above `FILLED` it is day, in between it is as it was."""

FILLED = 58.0
LONG = 100_000.0
"""Exposure in microseconds times gain from which on it is night (25 ms at gain 4); below `SHORT` it is day."""

SHORT = 40_000.0
CERTAIN_S = 10.0
STRIDE = 4


class DayOrNight:
    """What time of day the picture shows. The first one decides at once."""

    def __init__(self) -> None:
        self._profile: Profile | None = None
        self._asked_s = 0.0

    def look(self, grid: Grid, at_s: float, exposure: Exposure | None = None) -> Profile:
        """Take the next picture of (height, width) grey levels; return the profile that holds now."""
        asked = self._asked(grid, exposure)
        if self._profile is None:
            self._profile = asked or "day"
        if asked in {None, self._profile}:
            self._asked_s = at_s
        elif asked and at_s - self._asked_s >= CERTAIN_S:
            self._profile, self._asked_s = asked, at_s
        return self._profile

    @staticmethod
    def _asked(grid: Grid, exposure: Exposure | None) -> Profile | None:
        """Return which profile one picture asks for; None where it could be either."""
        if exposure is not None and exposure.exposure_us * exposure.gain > 0:
            light, night, day = -exposure.exposure_us * exposure.gain, -LONG, -SHORT
        else:
            sample = grid[::STRIDE, ::STRIDE].ravel()
            quarter = sample.size // 4
            light, night, day = float(np.partition(sample, quarter)[quarter]), DARK, FILLED
        if light <= night:
            return "night"
        return "day" if light >= day else None
