"""From metres in the simulated yard to pixels: one pinhole camera, and a brush that draws with it.

The world: x to the right, y up, z away from the camera along the road; metres. The camera hangs on a pole inside the
village and looks out through the gateway.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeAlias

import cv2
import numpy as np
from numpy.typing import NDArray

from camera.source import Picture

Colour: TypeAlias = tuple[float, float, float]
Point3: TypeAlias = tuple[float, float, float]
Points: TypeAlias = NDArray[np.float64]
SHIFT = 4
NEAREST_M = 0.6
LEAST_FALL = 1e-4
SUN_M = (0.5, -0.7)
"""Where the shadow of something one metre high ends: metres across and along."""


@dataclass(frozen=True, slots=True)
class Rect:
    """A part of the picture in whole pixels; x1 and y1 are just outside."""

    x0: int
    y0: int
    x1: int
    y1: int

    @property
    def empty(self) -> bool:
        """Tell whether nothing is in it."""
        return self.x1 <= self.x0 or self.y1 <= self.y0

    @property
    def window(self) -> tuple[slice, slice]:
        """The rows and columns of an image that it covers."""
        return slice(self.y0, self.y1), slice(self.x0, self.x1)

    def __or__(self, other: Rect) -> Rect:
        if self.empty or other.empty:
            return other if self.empty else self
        return Rect(min(self.x0, other.x0), min(self.y0, other.y0), max(self.x1, other.x1), max(self.y1, other.y1))

    def __and__(self, other: Rect) -> Rect:
        return Rect(max(self.x0, other.x0), max(self.y0, other.y0), min(self.x1, other.x1), min(self.y1, other.y1))


NOWHERE = Rect(0, 0, 0, 0)


class Lens:
    """The camera of the scene for one picture size."""

    def __init__(self, width: int, height: int) -> None:
        self.width, self.height = width, height
        self.whole = Rect(0, 0, width, height)
        self.focal = 1000.0 * width / 1280.0
        self.place = (-1.5, 4.3, 0.0)
        yaw, pitch = math.radians(6.6), math.radians(13.2)
        turn = np.array([[math.cos(yaw), 0, -math.sin(yaw)], [0, 1, 0], [math.sin(yaw), 0, math.cos(yaw)]])
        bow = np.array([[1, 0, 0], [0, math.cos(pitch), math.sin(pitch)], [0, -math.sin(pitch), math.cos(pitch)]])
        self._turn = bow @ turn
        self._seen = self._turn.T * (1.0, -1.0, 1.0)  # rows of a picture count downwards
        self._home = np.array(self.place) @ self._seen
        self._middle = np.array((width / 2, height / 2))

    def project(self, points: Sequence[Point3] | Points) -> Points:
        """Return (n, 2) pixel positions; what lies behind the camera is moved just before it."""
        seen = np.asarray(points, np.float64) @ self._seen - self._home
        scale = self.focal / np.maximum(seen[:, 2:], NEAREST_M)
        at: Points = seen[:, :2]
        at *= scale
        at += self._middle
        return at

    def scale_at(self, point: Point3) -> float:
        """Return how many pixels a metre has at a place."""
        seen = (np.asarray(point) - self.place) @ self._turn.T
        return float(self.focal / max(NEAREST_M, seen[2]))

    def depth(self, points: Points) -> float:
        """Return the mean distance of some points along the view."""
        return float(((points - self.place) @ self._turn.T)[:, 2].mean())

    def horizon(self) -> int:
        """Return the row where the ground begins, in the middle of the picture."""
        ahead = self._turn[:, 2]  # straight along the road, level
        return round(float(np.clip(self.height / 2 - self.focal * ahead[1] / ahead[2], 0, self.height)))

    def ground(self, step: int = 1, rows: slice | None = None) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """Return x and z in metres of the ground behind every `step`th pixel; z is infinite above the horizon."""
        chosen = rows or slice(0, self.height)
        rows_at = np.arange(chosen.start, chosen.stop, step, dtype=np.float32)
        columns_at = np.arange(0, self.width, step, dtype=np.float32)
        columns, downs = np.meshgrid(columns_at, rows_at)
        rays = np.stack(
            [(columns - self.width / 2) / self.focal, (self.height / 2 - downs) / self.focal, np.ones_like(downs)], -1
        )
        rays = rays @ self._turn.astype(np.float32)
        falling = rays[..., 1] < -LEAST_FALL
        reach = np.where(falling, -self.place[1] / np.where(falling, rays[..., 1], -1.0), np.inf).astype(np.float32)
        x = np.where(falling, self.place[0] + rays[..., 0] * np.where(falling, reach, 0), 0.0).astype(np.float32)
        z = np.where(falling, self.place[2] + rays[..., 2] * np.where(falling, reach, 0), np.inf).astype(np.float32)
        return x, z

    def bounds(self, points: Sequence[Point3] | Points, margin: int = 4) -> Rect:
        """Return the part of the picture that holds some points, cut to the picture."""
        at = self.project(points)
        low, high = np.floor(at.min(axis=0)).astype(int), np.ceil(at.max(axis=0)).astype(int)
        return self.whole & Rect(
            int(low[0]) - margin, int(low[1]) - margin, int(high[0]) + margin, int(high[1]) + margin
        )


class Brush:
    """Draws shapes given in metres into the part `rect` of a picture."""

    def __init__(self, lens: Lens, image: Picture, rect: Rect) -> None:
        self.lens = lens
        self.image = image
        self.rect = rect

    def flat(self, points: Sequence[Point3] | Points) -> NDArray[np.int32]:
        """Return pixel positions within the image, in 1/16 pixel."""
        at = self.lens.project(points)
        at -= (self.rect.x0, self.rect.y0)
        np.maximum(np.minimum(at, 8000.0, out=at), -4000.0, out=at)
        at *= 1 << SHIFT
        return np.rint(at, out=at).astype(np.int32)

    def fill(self, points: Sequence[Point3] | Points, colour: Colour) -> None:
        """Fill a polygon."""
        cv2.fillPoly(self.image, [self.flat(points)], colour, cv2.LINE_AA, SHIFT)

    def line(self, points: Sequence[Point3] | Points, colour: Colour, width_m: float) -> None:
        """Draw a line as wide as `width_m` is at its first point."""
        self.lines([points], colour, width_m)

    def lines(self, ways: Sequence[Sequence[Point3] | Points], colour: Colour, width_m: float) -> None:
        """Draw lines of as many points each, as wide as `width_m` is at the first point of all."""
        together = np.asarray(ways, np.float64)
        x, y, z = (float(value) for value in together[0, 0])
        pixels = max(1, round(width_m * self.lens.scale_at((x, y, z))))
        flat = self.flat(together.reshape(-1, 3)).reshape(*together.shape[:2], 2)
        cv2.polylines(self.image, list(flat), isClosed=False, color=colour, thickness=pixels, lineType=cv2.LINE_AA,
                      shift=SHIFT)  # fmt: skip

    def dim(self, outlines: Sequence[Points], share: float) -> None:
        """Darken what lies within any of some outlines to `share` of its light."""
        together = self.flat(np.concatenate(outlines))
        flat = np.split(together, np.cumsum([len(points) for points in outlines])[:-1])
        corners = together >> SHIFT
        low, high = corners.min(axis=0) - 2, corners.max(axis=0) + 3
        rows, columns = self.image.shape[:2]
        part = Rect(0, 0, columns, rows) & Rect(int(low[0]), int(low[1]), int(high[0]), int(high[1]))
        if part.empty:
            return
        shade = np.full((part.y1 - part.y0, part.x1 - part.x0, 3), 255, np.uint8)
        level = round(255 * share)
        moved = [points - np.array((part.x0, part.y0), np.int32) * (1 << SHIFT) for points in flat]
        for points in moved:
            cv2.fillPoly(shade, [points], (level, level, level), cv2.LINE_AA, SHIFT)
        cut = self.image[part.window]
        cv2.multiply(cut, shade, dst=cut, scale=1 / 255)

    def disc(self, centre: Point3, radius_m: float, colour: Colour) -> None:
        """Fill a circle that faces the camera."""
        at = self.flat([centre])[0]
        radius = max(1, round(radius_m * self.lens.scale_at(centre) * (1 << SHIFT)))
        cv2.circle(self.image, (int(at[0]), int(at[1])), radius, colour, cv2.FILLED, cv2.LINE_AA, SHIFT)


def cast(points: Sequence[Point3] | Points) -> Points:
    """Return where the sun throws the shadow of some points on the ground, as an outline around all of them."""
    at = np.asarray(points, np.float64)
    fallen = np.stack([at[:, 0] + SUN_M[0] * at[:, 1], at[:, 2] + SUN_M[1] * at[:, 1]], axis=1).astype(np.float32)
    outline = cv2.convexHull(fallen)[:, 0, :].astype(np.float64)
    return np.stack([outline[:, 0], np.zeros(len(outline)), outline[:, 1]], axis=1)


def shaded(colour: Colour, factor: float) -> Colour:
    """Return a colour made lighter or darker."""
    blue, green, red = (min(255.0, value * factor) for value in colour)
    return blue, green, red
