"""The camera of the simulated yard: what the picture shows is what the yard says, drawn as a village road.

Where the leaf stands, what passes, night, the lamps: all of it comes with gate's `yard` pushes and is drawn by
`painter.py`. `SceneSource` paces it, has it encoded and hands the same picture to the detector. Only the clock in the
corner is its own.
"""

from __future__ import annotations

import datetime as dt
import threading
import time
import zoneinfo
from collections.abc import Iterator

import cv2
import numpy as np
from av.video.frame import VideoFrame

from camera import h264
from camera.encode import Encoder
from camera.painter import Painter, Yard, read_yard
from camera.source import (
    HEALTHY,
    STARTING,
    WIDEST_PICTURE,
    Frame,
    Health,
    Item,
    Picture,
    Plane,
    Stream,
    plane_size,
    shrink,
)
from camera.timeline import Cadence
from gate.model import JsonObject


class SceneSource:
    """A `Source` that draws the yard. `push` takes gate's pushes from any thread."""

    def __init__(
        self, name: str, timezone: str, *, size: tuple[int, int] = (1280, 720), fps: float = 15, detect_fps: float = 5
    ) -> None:
        self._name = name
        self._zone = zoneinfo.ZoneInfo(timezone)
        self._size = size
        self._fps = fps
        self._detect_fps = detect_fps
        self._yard = Yard()
        self._stopping = threading.Event()
        self._health = STARTING

    @property
    def health(self) -> Health:
        """Always well once it draws."""
        return self._health

    def push(self, topic: str, data: JsonObject) -> None:
        """Take one push of gate; only `yard` matters."""
        if topic == "yard":
            self._yard = read_yard(data)

    def stop(self) -> None:
        """Make `items` end at the next frame."""
        self._stopping.set()

    def items(self) -> Iterator[Item]:
        """Yield the scene at its frame rate until stopped."""
        width, height = self._size
        painter = Painter(width, height, self._name)
        encoder = Encoder(width, height, self._fps, matrix="smpte170m")
        cadence = Cadence(self._detect_fps)
        planar = np.empty((height * 3 // 2, width), np.uint8)
        announced = False
        due_s = time.monotonic()
        while not self._stopping.is_set():
            at_s = time.monotonic()
            painter.paint(self._yard, self._clock(), at_s)
            cv2.cvtColor(painter.picture, cv2.COLOR_BGR2YUV_I420, dst=planar)
            for unit in encoder.encode(VideoFrame.from_ndarray(planar, "yuv420p"), at_s):
                if not announced:
                    announced = True
                    self._health = HEALTHY
                    yield Stream(codec=h264.codec_name(unit.data), width=width, height=height, fps=self._fps)
                yield unit
            if cadence.wants(at_s):
                yield self._frame(painter.picture, planar[:height], at_s)
            due_s = max(due_s + 1.0 / self._fps, time.monotonic() - 0.5)
            self._stopping.wait(max(0.0, due_s - time.monotonic()))

    def _clock(self) -> str:
        return dt.datetime.now(self._zone).strftime("%Y-%m-%d  %H:%M:%S")

    def _frame(self, picture: Picture, luma: Plane, at_s: float) -> Frame:
        width = min(WIDEST_PICTURE, self._size[0])
        size = (width, round(self._size[1] * width / self._size[0]))

        def draw() -> Picture:
            return np.asarray(cv2.resize(picture, size, interpolation=cv2.INTER_AREA), np.uint8)

        return Frame(shrink(luma, plane_size(*self._size)), at_s, draw)
