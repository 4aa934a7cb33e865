"""Where in the picture things count: zones, what is never looked at, and the gate's own parts. Pure.

A zone is a polygon. What moves in an `alert` zone raises an alert, in a `record` zone it is only recorded. What stands
in an `ignore` zone does not count, nor do those pixels of anything else that lie in it: a thing stands where the middle
of its lower edge is, so a bus on the ignored street does not count because its roof reaches over the gate.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, TypeAlias

import cv2
import numpy as np
from numpy.typing import NDArray

from camera.compare import KERNEL_5, Mask, Window

Point: TypeAlias = tuple[float, float]
Rectangle: TypeAlias = tuple[float, float, float, float]
Level: TypeAlias = Literal["alert", "record"]


@dataclass(frozen=True, kw_only=True, slots=True)
class Area:
    """A named zone: a polygon of (x, y) fractions of the picture.

    `min_area` is the smallest thing that counts in it, as a fraction of the picture; None: as everywhere.
    """

    name: str
    polygon: tuple[Point, ...]
    kind: Literal["alert", "record", "ignore"] = "alert"
    min_area: float | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Place:
    """Where a region stands: the zones, how much of it counts there, and whether that is less than they ask for."""

    zones: tuple[str, ...]
    area: float
    level: Level
    faint: bool


@dataclass(frozen=True, kw_only=True, slots=True)
class Plan:
    """What was configured about the picture; see `Detector`."""

    zones: tuple[Area, ...] = ()
    masked: tuple[Rectangle, ...] = ()
    own: tuple[Rectangle, ...] = ()
    leaf: tuple[Point, ...] = ()


class Layout:
    """A plan laid over a grid of (width, height) pixels. `watched` and `own` are masks of it."""

    def __init__(self, plan: Plan, size: tuple[int, int]) -> None:
        self._size = size
        self.watched: Mask = np.full((size[1], size[0]), 255, np.uint8)
        for rectangle in plan.masked:
            self._fill(self.watched, rectangle, 0)
        own = np.zeros_like(self.watched)
        for rectangle in plan.own:
            self._fill(own, rectangle, 1)
        if plan.leaf:
            cv2.fillPoly(own, [self._corners(plan.leaf)], 1)
        self.own: NDArray[np.bool_] = cv2.dilate(own, KERNEL_5) > 0
        self._ignored = np.zeros_like(self.watched)
        for zone in plan.zones:
            if zone.kind == "ignore":
                cv2.fillPoly(self._ignored, [self._corners(zone.polygon)], 255)
        everything = [Area(name="", polygon=((0.0, 0.0), (1.0, 0.0), (1.0, 1.0), (0.0, 1.0)))]
        self._zones: list[tuple[Area, Mask]] = []
        for zone in [zone for zone in plan.zones if zone.kind != "ignore"] or everything:
            mask = np.zeros_like(self.watched)
            cv2.fillPoly(mask, [self._corners(zone.polygon)], 255)
            mask[self._ignored > 0] = 0
            self._zones.append((zone, mask))

    def place(self, window: Window, inside: NDArray[np.bool_], min_area: float) -> Place | None:
        """Tell where a region stands, given the part of the grid around it and its pixels there; None: not counted.

        `min_area` holds in zones that have none of their own.
        """
        rows, columns = window
        middle, bottom = (columns.start + columns.stop - 1) // 2, rows.stop - 1
        if self._ignored[bottom, middle]:
            return None
        total = self.watched.size
        shares = [(zone, np.count_nonzero(mask[window][inside]) / total) for zone, mask in self._zones]
        largest = max(share for _, share in shares)
        if not largest:
            return None
        asked = [min_area if zone.min_area is None else zone.min_area for zone, _ in shares]
        faint = all(share < least for (_, share), least in zip(shares, asked, strict=True))
        standing = [
            zone for (zone, share), least in zip(shares, asked, strict=True) if share and (faint or share >= least / 2)
        ]
        level: Level = "alert" if any(zone.kind == "alert" for zone in standing) else "record"
        return Place(
            zones=tuple(zone.name for zone in standing if zone.name), area=float(largest), level=level, faint=faint
        )

    def _pixel(self, point: Point) -> tuple[int, int]:
        return round(point[0] * self._size[0]), round(point[1] * self._size[1])

    def _corners(self, polygon: Sequence[Point]) -> NDArray[np.int32]:
        return np.array([self._pixel(corner) for corner in polygon], np.int32)

    def _fill(self, mask: Mask, rectangle: Rectangle, value: int) -> None:
        x0, y0, x1, y1 = rectangle
        cv2.rectangle(mask, self._pixel((x0, y0)), self._pixel((x1, y1)), value, cv2.FILLED)
