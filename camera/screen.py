"""What is drawn over a picture before anything else sees it: the privacy screen, the gate's name and the clock.

It is drawn in place on planar YUV (I420), the format of sensors and encoders, so that no picture is ever converted or
copied for it: the sensor's buffers before the hardware encoder, the scene's and a re-encoded stream's before libx264.
What lies behind the privacy screen is therefore in no clip, no live picture, no snapshot, and not even searched for
motion. The clock is drawn after the luma for detection was taken: digits that change are no visitor.
"""

from __future__ import annotations

import datetime as dt
import zoneinfo
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import TypeAlias

import cv2
import numpy as np
from numpy.typing import NDArray

from camera import lettering
from camera.source import Plane

Polygon: TypeAlias = Sequence[tuple[float, float]]
Planes: TypeAlias = tuple[Plane, Plane, Plane]

BLACK, WHITE, COLOURLESS = 16, 235, 128
LETTERS_AT_720 = 0.7
RIM_AT_720 = 2
MARGIN_AT_720 = 12
LINE_AT_720 = 34


def planes(planar: Plane, width: int, height: int) -> Planes:
    """Return luma (height, width) and both chromas (half of it) of I420, as views; the rows may be padded.

    `planar` is (height * 3 / 2, stride) uint8; width, height and stride are even.
    """
    half = planar.reshape(planar.shape[0] * 2, planar.shape[1] // 2)
    first, second, third = 2 * height, 2 * height + height // 2, 3 * height
    return planar[:height, :width], half[first:second, : width // 2], half[second:third, : width // 2]


def site_clock(timezone: str) -> Callable[[], str]:
    """Return a clock of the site: a function that says the time to the second."""
    zone = zoneinfo.ZoneInfo(timezone)
    return lambda: dt.datetime.now(zone).strftime("%Y-%m-%d  %H:%M:%S")


@dataclass(frozen=True, kw_only=True, slots=True)
class Label:
    """A text made ready for one height of picture: what it changes and to what, for luma and for chroma."""

    text: str
    luma: Plane
    drawn: NDArray[np.bool_]
    tinted: NDArray[np.bool_]


@dataclass(kw_only=True)
class Screen:
    """What one site draws. `polygons` are fractions from the top left; without `clock` no text is burnt in."""

    polygons: Sequence[Polygon] = ()
    name: str = ""
    clock: Callable[[], str] | None = None
    _labels: dict[int, Label] = field(default_factory=dict, init=False)

    @property
    def empty(self) -> bool:
        """Tell whether nothing is ever drawn."""
        return not self.polygons and self.clock is None

    def hide(self, picture: Planes) -> None:
        """Black out the polygons, their edges included, in place."""
        luma, *chromas = picture
        for polygon in self.polygons:
            cv2.fillPoly(luma, [_corners(polygon, luma)], (BLACK,))
            for chroma in chromas:
                cv2.fillPoly(chroma, [_corners(polygon, chroma)], (COLOURLESS,))

    def stamp(self, picture: Planes) -> None:
        """Burn in name and clock at the top left, white on a dark rim, in place."""
        if self.clock is None:
            return
        luma, *chromas = picture
        label = self._label(f"{self.name}  {self.clock()}".strip(), luma.shape[0])
        rows, columns = (min(luma.shape[axis], label.luma.shape[axis]) for axis in (0, 1))
        np.copyto(luma[:rows, :columns], label.luma[:rows, :columns], where=label.drawn[:rows, :columns])
        for chroma in chromas:
            chroma[: rows // 2, : columns // 2][label.tinted[: rows // 2, : columns // 2]] = COLOURLESS

    def _label(self, text: str, height: int) -> Label:
        label = self._labels.get(height)
        if label is None or label.text != text:
            label = self._labels[height] = draw_label(text, height)
        return label


def draw_label(text: str, height: int) -> Label:
    """Draw a text for pictures of this height."""
    scale = height / 720
    letters = LETTERS_AT_720 * scale
    thick, rim, margin = max(1, round(scale * 1.5)), max(1, round(RIM_AT_720 * scale)), round(MARGIN_AT_720 * scale)
    width = lettering.measure(text, letters, thick)[0] + 2 * margin + rim
    size = (round((LINE_AT_720 + MARGIN_AT_720) * scale) // 2 * 2 + 2, width // 2 * 2 + 2)
    luma = np.full(size, BLACK, np.uint8)
    foot = (margin, round(LINE_AT_720 * scale))
    lettering.write(luma, text, foot, lettering.Style(letters, (WHITE, WHITE, WHITE), thick))
    around = cv2.dilate(
        luma, np.ones((2 * rim + 1, 2 * rim + 1), np.uint8)
    )  # a second, thicker text is OpenCV's affair
    drawn = np.asarray(around > BLACK)
    tinted = np.asarray(drawn.reshape(size[0] // 2, 2, size[1] // 2, 2).any(axis=(1, 3)))
    return Label(text=text, luma=luma, drawn=drawn, tinted=tinted)


def _corners(polygon: Polygon, plane: Plane) -> NDArray[np.int32]:
    """Return the corners in whole pixels, so that what a corner touches is hidden too."""
    height, width = plane.shape
    return np.floor(np.asarray(polygon, np.float64) * (width, height)).astype(np.int32)
