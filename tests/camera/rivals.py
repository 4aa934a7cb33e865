"""What most cameras do, to be compared with: plain MOG2 and a running average, each with the same event stage as ours.

Pure. Their pixels are opened (3x3) and joined to regions; zones, masks and the smallest size count as they do for us.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

import cv2
import numpy as np
from numpy.typing import NDArray

from camera.motion import Area, Detector, Rectangle, Region
from camera.source import Exposure

Plane = NDArray[np.uint8]

SMALLEST = 0.002
DIFFERENT = 25
LEARN = 0.05
CERTAIN = 255
"""MOG2 marks what it takes for a shadow with less."""


class Looks(Protocol):
    """A detector: ours, or one to compare with."""

    def look(self, luma: Plane, at_s: float, exposure: Exposure | None = None, /) -> list[Region]:
        """Take the next plane, return what moves in it."""


class Marked:
    """Turns a mask of pixels that move into regions."""

    def __init__(self, zones: Sequence[Area], ignored: Sequence[Rectangle]) -> None:
        self._zones, self._ignored = zones, ignored

    def regions(self, moving: Plane) -> list[Region]:
        """Return the regions of a (height, width) mask, 0 or 255."""
        height, width = moving.shape
        watched = np.full_like(moving, 0 if self._zones else 255)
        for zone in self._zones:
            cv2.fillPoly(watched, [np.array([(x * width, y * height) for x, y in zone.polygon], np.int32)], 255)
        for x0, y0, x1, y1 in self._ignored:
            watched[int(y0 * height) : int(y1 * height) + 1, int(x0 * width) : int(x1 * width) + 1] = 0
        clean = cv2.dilate(cv2.morphologyEx(moving & watched, cv2.MORPH_OPEN, np.ones((3, 3))), np.ones((5, 5)))
        count, _, stats, _ = cv2.connectedComponentsWithStats(clean, connectivity=8)
        names = tuple(zone.name for zone in self._zones)
        found = []
        for x, y, across, down, pixels in stats[1:count].tolist():
            if pixels >= SMALLEST * width * height:
                box = (x / width, y / height, (x + across) / width, (y + down) / height)
                edge = x <= 1 or y <= 1 or x + across >= width - 1 or y + down >= height - 1
                found.append(Region(box=box, area=pixels / (width * height), zones=names, edge=edge))
        return found


class Mixture(Marked):
    """OpenCV's MOG2 with its defaults."""

    def __init__(self, zones: Sequence[Area], ignored: Sequence[Rectangle]) -> None:
        super().__init__(zones, ignored)
        self._mixture = cv2.createBackgroundSubtractorMOG2()

    def look(self, luma: Plane, _at_s: float, _exposure: Exposure | None = None, /) -> list[Region]:
        """Take the next plane, return what moves in it."""
        return self.regions(np.asarray((self._mixture.apply(luma) == CERTAIN) * 255, np.uint8))


class Average(Marked):
    """The difference to a running average."""

    def __init__(self, zones: Sequence[Area], ignored: Sequence[Rectangle]) -> None:
        super().__init__(zones, ignored)
        self._mean: NDArray[np.float32] | None = None

    def look(self, luma: Plane, _at_s: float, _exposure: Exposure | None = None, /) -> list[Region]:
        """Take the next plane, return what moves in it."""
        if self._mean is None or self._mean.shape != luma.shape:
            self._mean = luma.astype(np.float32)
        apart = cv2.absdiff(luma, cv2.convertScaleAbs(self._mean))
        cv2.accumulateWeighted(luma, self._mean, LEARN)
        return self.regions(np.asarray((apart > DIFFERENT) * 255, np.uint8))


METHODS: dict[str, type[Detector | Mixture | Average]] = {"ours": Detector, "mog2": Mixture, "average": Average}
