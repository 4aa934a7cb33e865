"""The camera of the simulated yard: what the picture shows is what the yard says, drawn as a village road.

Where the leaf stands, what passes, night, the lamps, what befalls the camera: all of it comes with gate's `yard`
pushes. `painter.py` draws the yard, `eye.py` makes of it what a camera would deliver. `SceneSource` paces both, draws
the site's screen over it, has it encoded and hands the same picture to the detector.

Only what changed is painted and converted; no picture is copied unless something befalls the camera. A frozen camera
(`freeze`) delivers its last picture again, clock and all, as one does whose sensor hangs behind a living encoder.
"""

from __future__ import annotations

import dataclasses
import math
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass

import cv2
import numpy as np
from av.video.frame import VideoFrame

from camera import h264, timecode
from camera.encode import Demand, Encoder
from camera.eye import Canvas, Eye
from camera.painter import Painter
from camera.screen import Screen, planes, site_clock
from camera.source import (
    HEALTHY,
    STARTING,
    WIDEST_PICTURE,
    Exposure,
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
from camera.view import Rect
from camera.yard import Yard, read_yard
from gate.model import JsonObject

STAMPED_SHARE = 0.08


@dataclass(frozen=True, kw_only=True, slots=True)
class Shot:
    """What the camera delivers at one moment: the whole picture, with the screen drawn, and what goes with it.

    `luma` is the plane for detection, without name and clock, where it was asked for. The next shot changes `canvas`.
    """

    canvas: Canvas
    luma: Plane | None
    exposure: Exposure


class Scene:
    """Painter, eye and screen of one site, with no clock of their own. `with_time`: each picture tells its time."""

    def __init__(self, painter: Painter, screen: Screen, *, with_time: bool = False) -> None:
        width, height = painter.lens.width, painter.lens.height
        self._painter = painter
        self._eye = Eye(width, height)
        self._screen = screen
        self._with_time = with_time
        self._world = Canvas(width, height)
        self._plane_size = plane_size(width, height)
        stamped = max(math.ceil(height * STAMPED_SHARE), math.ceil(timecode.ENDS * width / timecode.BLOCKS_ACROSS))
        self._stamped = self._painter.lens.whole & Rect(0, 0, width, stamped)
        self._last: Shot | None = None

    def shoot(self, yard: Yard, at_s: float, *, searched: bool = True) -> Shot:
        """Take the picture of a moment, with its `luma` if it is to be searched for motion; times may only grow."""
        if self._last is not None and yard.freeze:
            return self._frozen(self._last, at_s, searched=searched)
        part = self._painter.paint(yard, at_s)
        self._convert(part if self._last else self._painter.lens.whole)
        self._convert(self._stamped)  # clean again, where the last shot has name and clock
        canvas = self._eye.see(self._world, yard, at_s)
        self._screen.hide(canvas.planes)
        luma = self._luma(canvas, at_s) if searched else None
        self._screen.stamp(canvas.planes)
        if self._with_time:
            timecode.write(canvas.planes, at_s)
        self._last = Shot(canvas=canvas, luma=luma, exposure=self._eye.exposure)
        return self._last

    def _luma(self, canvas: Canvas, at_s: float) -> Plane:
        return self._eye.grain(shrink(canvas.planes[0], self._plane_size), at_s)

    def _frozen(self, last: Shot, at_s: float, *, searched: bool) -> Shot:
        """Return the last shot once more; one that nobody searched gets its plane now, and keeps it."""
        if searched and last.luma is None:
            last = self._last = dataclasses.replace(last, luma=self._luma(last.canvas, at_s))
        return last

    def _convert(self, part: Rect) -> None:
        """Bring a part of the painter's picture into the planes, in whole blocks of chroma."""
        if part.empty:
            return
        if part == self._painter.lens.whole:
            cv2.cvtColor(self._painter.picture, cv2.COLOR_BGR2YUV_I420, dst=self._world.planar)
            return
        x0, y0, x1, y1 = part.x0 & ~1, part.y0 & ~1, (part.x1 + 1) & ~1, (part.y1 + 1) & ~1
        small = np.asarray(cv2.cvtColor(self._painter.picture[y0:y1, x0:x1], cv2.COLOR_BGR2YUV_I420), np.uint8)
        for number, (plane, piece) in enumerate(zip(self._world.planes, planes(small, x1 - x0, y1 - y0), strict=True)):
            half = 2 if number else 1
            plane[y0 // half : y1 // half, x0 // half : x1 // half] = piece


class SceneSource:
    """A `Source` that draws the yard. `push` takes gate's pushes from any thread.

    `stamp` burns in name and clock where the screen has none; `timecode` writes each picture's time into it.
    """

    def __init__(  # noqa: PLR0913 - what the configuration says of a picture
        self, name: str, timezone: str, *, size: tuple[int, int] = (1280, 720), fps: float = 15,
        detect_fps: float = 5, screen: Screen | None = None, stamp: bool = True, with_time: bool = False,
    ) -> None:  # fmt: skip
        self._name = name
        self._size = size
        self._fps = fps
        self._detect_fps = detect_fps
        self._screen = screen or Screen()
        if stamp and self._screen.clock is None:
            self._screen = dataclasses.replace(self._screen, name=name, clock=site_clock(timezone))
        self._with_time = with_time
        self._yard = Yard()
        self._demand = Demand()
        self._stopping = False
        self._stirred = threading.Event()
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
        self._stopping = True
        self._stirred.set()

    def ask_key(self) -> None:
        """Make the next picture a key picture."""
        self._demand.ask_key()

    def need(self, *, units: bool) -> None:
        """Let the encoder rest while nobody needs it; then only what is searched for motion is drawn."""
        self._demand.need(units=units)
        if units:
            self._stirred.set()

    def items(self) -> Iterator[Item]:
        """Yield the scene at its frame rate until stopped."""
        width, height = self._size
        scene = Scene(Painter(width, height, self._name), self._screen, with_time=self._with_time)
        encoder = Encoder(width, height, self._fps, matrix="smpte170m", demand=self._demand)
        cadence = Cadence(self._detect_fps)
        announced = False
        due_s = time.monotonic()
        while not self._stopping:
            at_s = time.monotonic()
            searched = cadence.wants(at_s)
            shot = scene.shoot(self._yard, at_s, searched=searched)
            units = []
            if encoder.wanted:
                units = encoder.encode(VideoFrame.from_ndarray(shot.canvas.planar, "yuv420p"), at_s)
            for unit in units:
                if not announced:
                    announced = True
                    self._health = HEALTHY
                    yield Stream(codec=h264.codec_name(unit.data), width=width, height=height, fps=self._fps)
                yield unit
            if searched and shot.luma is not None:
                yield self._frame(shot, shot.luma, at_s)
            step_s = 1.0 / (self._fps if encoder.wanted else self._detect_fps)
            due_s = max(due_s + step_s, time.monotonic() - 0.5)
            if self._stirred.wait(max(0.0, due_s - time.monotonic())):
                self._stirred.clear()
                due_s = time.monotonic()

    def _frame(self, shot: Shot, luma: Plane, at_s: float) -> Frame:
        width = min(WIDEST_PICTURE, self._size[0])
        height = round(self._size[1] * width / self._size[0]) // 2 * 2

        def draw() -> Picture:  # from what was encoded, not from the painter's canvas: that has no privacy screen
            small = Canvas(width, height)
            for plane, whole in zip(small.planes, shot.canvas.planes, strict=True):
                cv2.resize(whole, (plane.shape[1], plane.shape[0]), dst=plane, interpolation=cv2.INTER_AREA)
            return np.asarray(cv2.cvtColor(small.planar, cv2.COLOR_YUV2BGR_I420), np.uint8)

        return Frame(luma, at_s, draw, shot.exposure)
