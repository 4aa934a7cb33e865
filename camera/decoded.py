"""What PyAV decoded, as the detector and the encoder want it: luma without a copy, sizes, rates, times."""

from __future__ import annotations

from fractions import Fraction
from typing import TYPE_CHECKING

import cv2
import numpy as np

from camera.screen import Screen, planes
from camera.source import WIDEST_PICTURE, Frame, Picture, Plane, plane_size, shrink

if TYPE_CHECKING:
    from av.video.frame import VideoFrame
    from av.video.stream import VideoStream

DEFAULT_FPS = 15.0
MOST_FPS = 120.0
WORTH_SCALING = 0.9
MOST_PIXELS = 4096 * 2304
SEARCHED = (960, 540)
EIGHT_BIT_LUMA_FIRST = frozenset({
    "gray", "nv12", "nv21", "yuv420p", "yuv422p", "yuv444p", "yuvj420p", "yuvj422p", "yuvj444p", "yuv411p", "yuv410p",
})  # fmt: skip
"""Pixel formats whose first plane is 8-bit luma: the detector looks at it where it lies, without a copy."""


def seconds(stamp: int | None, base: Fraction | None) -> float | None:
    """Return a stamp in seconds, None where there is none."""
    return None if stamp is None or base is None else float(stamp * base)


def believable_fps(stream: VideoStream) -> float:
    """Return what the stream says of its rate if a camera could do that, else 15."""
    rate = stream.average_rate or stream.guessed_rate
    return float(rate) if rate and 1.0 <= rate <= MOST_FPS else DEFAULT_FPS


def fitted(width: int, height: int, largest: tuple[int, int]) -> tuple[int, int]:
    """Return an even (width, height) of the same shape that is hardly larger than `largest` in area."""
    scale = (largest[0] * largest[1] / (width * height)) ** 0.5
    if scale > WORTH_SCALING:
        scale = 1.0
    return max(2, int(width * scale) // 2 * 2), max(2, int(height * scale) // 2 * 2)


def luma_of(frame: VideoFrame) -> Plane:
    """Return a frame's luma, a view into the decoder's own memory where its format allows."""
    plane = frame.planes[0]
    if frame.format.name not in EIGHT_BIT_LUMA_FIRST or plane.line_size < frame.width:
        frame = frame.reformat(format="gray")
        plane = frame.planes[0]
    rows = np.frombuffer(memoryview(plane), np.uint8)[: plane.line_size * frame.height]
    return np.asarray(rows.reshape(frame.height, plane.line_size)[:, : frame.width])


def seen(frame: VideoFrame, at_s: float, screen: Screen | None = None) -> Frame:
    """Return a decoded picture as a frame for detection, under the screen where there is one."""
    if screen and not screen.empty:
        width, height = fitted(frame.width, frame.height, SEARCHED)
        return seen_planar(*drawn_over(frame.reformat(width, height, "yuv420p"), screen), at_s)

    def draw() -> Picture:
        width = min(WIDEST_PICTURE, frame.width) // 2 * 2
        height = max(2, round(frame.height * width / frame.width) // 2 * 2)
        return np.asarray(frame.reformat(width, height, "bgr24").to_ndarray(), np.uint8)

    return Frame(shrink(luma_of(frame), plane_size(frame.width, frame.height)), at_s, draw)


def drawn_over(picture: VideoFrame, screen: Screen) -> tuple[Plane, Plane]:
    """Return a yuv420p picture with everything drawn into it, and its small luma with the privacy screen only.

    A copy, because the decoder still refers to what it gave us.
    """
    planar = np.asarray(picture.to_ndarray(), np.uint8)
    parts = planes(planar, picture.width, picture.height)
    screen.hide(parts)
    luma = shrink(parts[0], plane_size(picture.width, picture.height)).copy()
    screen.stamp(parts)
    return planar, luma


def seen_planar(planar: Plane, luma: Plane, at_s: float) -> Frame:
    """Return an I420 picture (height * 3 / 2, width) and its luma as a frame for detection."""

    def draw() -> Picture:
        colour = cv2.cvtColor(planar, cv2.COLOR_YUV2BGR_I420)
        width = min(WIDEST_PICTURE, colour.shape[1])
        height = round(colour.shape[0] * width / colour.shape[1])
        return np.asarray(cv2.resize(colour, (width, height), interpolation=cv2.INTER_AREA), np.uint8)

    return Frame(luma, at_s, draw)
