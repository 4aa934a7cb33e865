"""The Raspberry Pi's own camera, through picamera2. The one module that imports it.

Two streams of one sensor: `main` goes into picamera2's `H264Encoder` (the hardware encoder up to Pi 4, libx264 on a
Pi 5, under the same name) and comes out as access units; `lores` (YUV420) is searched for motion. Its rows are padded
(picamera2 #645), so the luma plane is sliced to its real size. No full frame passes through Python on the way.

A sensor that delivers nothing for 2 s (picamera2 #1090) is closed and opened anew; if libcamera itself hangs, the
process's own watch (`app.py`) ends it, because nothing here can. Not yet run on hardware: see docs/hardware-status.md.
"""

from __future__ import annotations

import queue
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol, TypeAlias

import cv2
import numpy as np
from numpy.typing import NDArray

from camera import h264
from camera.source import (
    HEALTHY,
    STARTING,
    AccessUnit,
    Exposure,
    Frame,
    Health,
    Item,
    Picture,
    Stream,
    plane_size,
    shrink,
)
from camera.timeline import Cadence

if TYPE_CHECKING:
    from types import ModuleType

LORES_WIDTH = 640
STALL_S = 2.0
FIRST_PAUSE_S = 1.0
LONGEST_PAUSE_S = 15.0
BITS_PER_PIXEL = 0.14
LONGEST_QUEUE = 240
LONGEST_NIGHT_EXPOSURE_US = 66_000

Array: TypeAlias = NDArray[np.uint8]
Metadata: TypeAlias = dict[str, object]


class Request(Protocol):
    """One completed capture; what of picamera2's `CompletedRequest` is used."""

    def make_array(self, name: str) -> Array:
        """Copy a stream's buffer: for YUV420 (height * 3 / 2, stride) uint8."""

    def get_metadata(self) -> Metadata:
        """Return libcamera's figures for this frame."""

    def release(self) -> None:
        """Give the buffers back."""


class Device(Protocol):
    """What of the `Picamera2` object is used."""

    def create_video_configuration(self, **streams: object) -> object:
        """Describe streams and controls."""

    def configure(self, camera_config: object) -> None:
        """Apply a description."""

    def start_encoder(self, encoder: object, output: object, *, name: str) -> None:
        """Send a stream through an encoder."""

    def start(self) -> None:
        """Begin to capture."""

    def capture_request(self, wait: float) -> Request:
        """Return the next completed capture; raises TimeoutError after `wait` seconds."""

    def stop(self) -> None:
        """Stop capturing."""

    def stop_encoder(self) -> None:
        """Stop all encoders."""

    def close(self) -> None:
        """Let go of the camera."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Library:
    """The names taken from picamera2: the camera's class, the encoder's, and the base of outputs."""

    camera: Callable[[], Device]
    encoder: Callable[..., object]
    output: type


def installed() -> Library:
    """Import picamera2. Raises `ImportError` where it is missing."""
    import picamera2  # type: ignore[import-not-found,unused-ignore]  # noqa: PLC0415 - only on a Pi, and slow
    from picamera2 import encoders, outputs  # type: ignore[import-not-found,unused-ignore]  # noqa: PLC0415 - as above

    return library(picamera2, encoders, outputs)


def library(picamera2: ModuleType, encoders: ModuleType, outputs: ModuleType) -> Library:
    """Name what is used of the three modules."""
    return Library(camera=picamera2.Picamera2, encoder=encoders.H264Encoder, output=outputs.Output)


class PicameraSource:
    """A `Source` on the Pi's camera. `find` gets the library; tests give their own."""

    def __init__(
        self, *, size: tuple[int, int], fps: float, detect_fps: float, find: Callable[[], Library] = installed
    ) -> None:
        self._size = size
        self._fps = fps
        self._detect_fps = detect_fps
        self._find = find
        self._units: queue.Queue[AccessUnit] = queue.Queue(LONGEST_QUEUE)
        self._stopping = threading.Event()
        self._health = STARTING

    @property
    def health(self) -> Health:
        """How the sensor is now."""
        return self._health

    def stop(self) -> None:
        """Make `items` end within a second."""
        self._stopping.set()

    def items(self) -> Iterator[Item]:
        """Yield the sensor's pictures; open it anew, with growing pauses, whenever it fails or falls silent."""
        pause_s = FIRST_PAUSE_S
        while not self._stopping.is_set():
            try:
                for item in self._session(self._find()):
                    self._health = HEALTHY
                    pause_s = FIRST_PAUSE_S
                    yield item
            except ImportError:
                detail = "picamera2 is not installed; apt install python3-picamera2, or set camera.source"
                self._health = Health(ok=False, reason="camera_software_missing", detail=detail)
            except (RuntimeError, OSError, IndexError, TimeoutError) as error:
                detail = f"the sensor does not deliver ({error}); check the ribbon cable and `rpicam-hello`"
                self._health = Health(ok=False, reason="camera_lost", detail=detail)
            self._stopping.wait(pause_s)
            pause_s = min(LONGEST_PAUSE_S, pause_s * 2)

    def _session(self, found: Library) -> Iterator[Item]:
        device = found.camera()
        try:
            self._begin(device, found)
            yield from self._deliver(device)
        finally:
            device.stop_encoder()
            device.stop()
            device.close()

    def _begin(self, device: Device, found: Library) -> None:
        width, height = self._size
        lores = (min(LORES_WIDTH, width), min(LORES_WIDTH, width) * height // width // 2 * 2)
        frame_us = round(1_000_000 / self._fps)
        device.configure(device.create_video_configuration(
            main={"size": self._size, "format": "YUV420"},
            lores={"size": lores, "format": "YUV420"},
            # At night the frame may last longer, down to 15 a second, before gain makes it noisy.
            controls={"FrameDurationLimits": (frame_us, max(frame_us, LONGEST_NIGHT_EXPOSURE_US))},
            buffer_count=6,
        ))  # fmt: skip
        self._lores = lores
        while not self._units.empty():
            self._units.get_nowait()
        rate = round(width * height * self._fps * BITS_PER_PIXEL)
        encoder = found.encoder(bitrate=rate, repeat=True, iperiod=max(1, round(self._fps)))
        device.start_encoder(encoder, tap(found.output, self._keep), name="main")
        device.start()

    def _keep(self, unit: AccessUnit) -> None:
        """Take an access unit in the encoder's thread; the oldest go when nobody fetches them."""
        if self._units.full():
            self._units.get_nowait()
        self._units.put_nowait(unit)

    def _deliver(self, device: Device) -> Iterator[Item]:
        announced = False
        cadence = Cadence(self._detect_fps)
        while not self._stopping.is_set():
            request = device.capture_request(wait=STALL_S)
            try:
                at_s = time.monotonic()
                frame = self._frame(request, at_s) if cadence.wants(at_s) else None
            finally:
                request.release()
            while not self._units.empty():
                unit = self._units.get_nowait()
                if not announced and unit.key:
                    announced = True
                    width, height = self._size
                    yield Stream(codec=h264.codec_name(unit.data), width=width, height=height, fps=self._fps)
                if announced:
                    yield unit
            if frame and announced:
                yield frame

    def _frame(self, request: Request, at_s: float) -> Frame:
        width, height = self._lores
        planar = request.make_array("lores")
        figures = request.get_metadata()
        exposure, analogue, digital = (figures.get(k) for k in ("ExposureTime", "AnalogueGain", "DigitalGain"))
        seen = None
        if isinstance(exposure, int | float) and isinstance(analogue, int | float):
            gain = analogue * (digital if isinstance(digital, int | float) else 1.0)
            seen = Exposure(exposure_us=float(exposure), gain=float(gain))

        def draw() -> Picture:
            colour = cv2.cvtColor(planar, cv2.COLOR_YUV2BGR_I420)
            return np.asarray(colour[:height, :width], np.uint8)

        return Frame(shrink(planar[:height, :width], plane_size(width, height)), at_s, draw, seen)


def tap(base: type, keep: Callable[[AccessUnit], None]) -> object:
    """Return an output of picamera2 that hands every access unit to `keep`.

    picamera2 counts `timestamp` in microseconds from the first picture; its first arrival anchors it to our clock.
    """

    class Tap(base):  # type: ignore[misc] # the base comes with the library
        """Where picamera2's encoder puts its pictures."""

        def __init__(self) -> None:
            super().__init__()
            self._anchor_s: float | None = None
            self._last_s = float("-inf")

        def outputframe(
            self,
            frame: bytes,
            keyframe: object = True,  # noqa: FBT002 - picamera2's own signature
            timestamp: int | None = None,
            *_: object,
            **__: object,
        ) -> None:
            """Take one encoded picture."""
            now_s = time.monotonic()
            at_s = now_s
            if timestamp is not None:
                if self._anchor_s is None:
                    self._anchor_s = now_s - timestamp / 1e6
                at_s = self._anchor_s + timestamp / 1e6
            at_s = max(at_s, self._last_s + 1e-4)
            self._last_s = at_s
            keep(AccessUnit(data=bytes(frame), at_s=at_s, decode_s=at_s, key=bool(keyframe)))

    return Tap()
