"""Pictures for the page's tests: a road, a gate and a motorbike, drawn; never a real place or person."""

from __future__ import annotations

import itertools
from fractions import Fraction
from pathlib import Path

import av
import cv2
import numpy as np
import numpy.typing as npt

Picture = npt.NDArray[np.uint8]

SIZE = (640, 360)
NIGHT, ROAD, GRASS, STEEL, LAMP, PAINT = (
    (52, 38, 30),
    (74, 70, 68),
    (44, 58, 40),
    (205, 200, 190),
    (120, 210, 250),
    (60, 60, 190),
)


def draw(*, leaf: float, bike: float | None = None) -> Picture:
    """Return (360, 640, 3) uint8 BGR: the leaf `leaf` open (0 closed, 1 open), a motorbike `bike` of the way across."""
    picture = np.full((SIZE[1], SIZE[0], 3), NIGHT, np.uint8)
    picture[170:] = GRASS
    cv2.fillPoly(picture, [np.array([[250, 170], [390, 170], [560, 360], [80, 360]])], ROAD)
    cv2.circle(picture, (150, 96), 8, LAMP, -1)
    cv2.line(picture, (150, 100), (150, 235), STEEL, 3)
    left = 160 - int(leaf * 250)
    for x in range(left, left + 321, 20):
        cv2.line(picture, (x, 175), (x, 255), STEEL, 3)
    for y in (175, 215, 255):
        cv2.line(picture, (left, y), (left + 320, y), STEEL, 4)
    for x in (150, 490):
        cv2.rectangle(picture, (x - 9, 140), (x + 9, 270), STEEL, -1)
    if bike is not None:
        x = int(60 + bike * 520)
        cv2.circle(picture, (x - 24, 316), 14, (20, 20, 20), 5)
        cv2.circle(picture, (x + 24, 316), 14, (20, 20, 20), 5)
        cv2.rectangle(picture, (x - 22, 286), (x + 22, 306), PAINT, -1)
        cv2.circle(picture, (x + 30, 292), 5, LAMP, -1)
    return picture


def jpeg(picture: Picture) -> bytes:
    """Return it as JPEG."""
    return bytes(cv2.imencode(".jpg", picture, [cv2.IMWRITE_JPEG_QUALITY, 80])[1])


class Encoder:
    """H.264 access units (Annex B, SPS and PPS at key frames) for the live picture."""

    def __init__(self, fps: int = 10) -> None:
        self._context = av.CodecContext.create("libx264", "w")
        self._context.width, self._context.height = SIZE
        self._context.pix_fmt = "yuv420p"
        self._context.time_base = Fraction(1, fps)
        self._context.options = {"preset": "ultrafast", "tune": "zerolatency", "profile": "baseline", "g": str(fps)}

    def encode(self, picture: Picture) -> list[tuple[bool, bytes]]:
        """Return (is a key unit, bytes) of the next frame."""
        frame = av.VideoFrame.from_ndarray(picture, format="bgr24")
        return [(packet.is_keyframe, bytes(packet)) for packet in self._context.encode(frame)]


def clip(path: Path, *, seconds: float = 4.0, fps: int = 15, lasts: tuple[int, ...] = (1,)) -> None:
    """Write an H.264 MP4 of a motorbike that passes. `lasts`: of frames that follow each other, again and again."""
    places = itertools.accumulate(itertools.cycle(lasts), initial=0)
    with av.open(str(path), "w", options={"movflags": "+faststart"}) as out:
        stream = out.add_stream("libx264", rate=fps, options={"preset": "ultrafast", "g": str(fps)})
        stream.width, stream.height = SIZE
        stream.pix_fmt = "yuv420p"
        count = int(seconds * fps)
        for place in itertools.takewhile(lambda place: place < count, places):
            frame = av.VideoFrame.from_ndarray(draw(leaf=0.0, bike=place / count), format="bgr24")
            frame.pts, frame.time_base = place, Fraction(1, fps)
            out.mux(stream.encode(frame))
        out.mux(stream.encode(None))
