"""What of picamera2 is used, as it stands in its own source: no more and no other than this.

`tests/camera/test_picamera_published.py` holds every name, parameter and default of this page against the published
packages. It is kept small on purpose. Pictures come through `pre_callback`, not through `capture_request`: that one
knows no timeout before 0.3.22, and a capture that never ends also blocks `stop`.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Protocol, TypeAlias

import numpy as np
from av.video.frame import VideoFrame
from numpy.typing import NDArray

from camera.source import AccessUnit, Exposure, Plane

Array: TypeAlias = NDArray[np.uint8]
BELIEVABLE_S = 2.0
SMALLEST_STEP_S = 1e-4


class Request(Protocol):
    """One completed capture, lent to `pre_callback` and valid in it only (`CompletedRequest`)."""

    def get_metadata(self) -> dict[str, object]:
        """Return libcamera's figures for this frame."""


class Mapped(Protocol):
    """A buffer of the camera itself, while its `with` lasts (`MappedArray`)."""

    @property
    def array(self) -> Array | None:
        """For YUV420 (height * 3 / 2, stride) uint8: drawing in it draws in what is encoded."""


class PiEncoder(Protocol):
    """`H264Encoder`: the hardware's up to the Pi 4, libx264's on the Pi 5."""

    threads: int

    @property
    def firsttimestamp(self) -> int | None:
        """The sensor's time of the first picture in microseconds; what outputs are told counts from it."""


class Device(Protocol):
    """`Picamera2`."""

    pre_callback: Callable[[Request], None] | None
    """Called for every capture before anything else has it; the encoders wait for its end."""

    @property
    def camera_controls(self) -> Mapping[str, object]:
        """The controls that this camera has; all others are refused by an exception."""

    def create_video_configuration(
        self, main: object, lores: object, *, transform: object, buffer_count: int, controls: object
    ) -> dict[str, object]:
        """Describe streams and controls."""

    def configure(self, camera_config: object) -> None:
        """Apply a description."""

    def camera_configuration(self) -> Mapping[str, object]:
        """Return what was made of it: sizes may be other than asked."""

    def set_controls(self, controls: object) -> None:
        """Change controls while it runs."""

    def start_encoder(self, encoder: object, output: object, *, name: str) -> None:
        """Send a stream through an encoder, from now on."""

    def stop_encoder(self, encoders: object) -> None:
        """Stop one encoder."""

    def start(self) -> None:
        """Begin to capture."""

    def stop(self) -> None:
        """Stop capturing. May hang where the sensor does."""

    def close(self) -> None:
        """Let go of the camera. May hang as well."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Library:
    """The names taken from picamera2 and libcamera."""

    camera: Callable[[], Device]
    encoder: Callable[..., PiEncoder]
    output: type
    mapped: Callable[..., AbstractContextManager[Mapped]]
    transform: Callable[..., object]
    forces_keys: bool = True
    """Whether asking the encoder for a key picture is safe; it makes one each second anyway."""


class Arrivals:
    """Puts what an encoder hands out onto our clock.

    picamera2 counts from the first picture since the encoder's start. The sensor's own time of that picture is on the
    machine's monotonic clock, so that access units and frames agree; where it can't be right, the arrival counts.
    """

    def __init__(self, keep: Callable[[AccessUnit], None], first: Callable[[], int | None]) -> None:
        self._keep = keep
        self._first = first
        self._anchor_s: float | None = None
        self._last_s = float("-inf")

    def begin(self) -> None:
        """Forget the anchor: the encoder starts anew."""
        self._anchor_s = None

    def take(self, data: bytes, timestamp: int | None, *, key: bool) -> None:
        """Take one encoded picture."""
        now_s = time.monotonic()
        at_s = now_s
        if timestamp is not None:
            if self._anchor_s is None:
                self._anchor_s = sensed(self._first(), 1e-6, now_s) or now_s - timestamp / 1e6
            at_s = self._anchor_s + timestamp / 1e6
        at_s = max(at_s, self._last_s + SMALLEST_STEP_S)
        self._last_s = at_s
        self._keep(AccessUnit(data=data, at_s=at_s, decode_s=at_s, key=key))


def sensed(stamp: object, unit_s: float, now_s: float) -> float | None:
    """Return a sensor's stamp in seconds if it lies within the last two."""
    if not isinstance(stamp, int | float):
        return None
    at_s = stamp * unit_s
    return at_s if 0.0 <= now_s - at_s < BELIEVABLE_S else None


def tap(base: type, arrivals: Arrivals) -> object:
    """Return an output of picamera2 that hands every encoded picture on."""

    class Tap(base):  # type: ignore[misc] # the base comes with the library
        """Where picamera2's encoder puts its pictures."""

        def start(self) -> None:
            """Begin: called by the encoder at each of its starts."""
            arrivals.begin()
            super().start()

        def outputframe(
            self,
            frame: bytes,
            keyframe: object = True,  # noqa: FBT002 - picamera2's own signature
            timestamp: int | None = None,
            *_: object,
            **__: object,
        ) -> None:
            """Take one encoded picture."""
            arrivals.take(bytes(frame), timestamp, key=bool(keyframe))

    return Tap()


def stream_size(stream: object) -> tuple[int, int]:
    """Return (width, height) of a configured stream. Raises `RuntimeError` for a camera that gives no YUV420."""
    if not isinstance(stream, Mapping) or stream.get("format") != "YUV420":
        raise RuntimeError("this camera gives no YUV420; for a USB camera set camera.source = 'video'")
    width, height = stream["size"]
    return int(width), int(height)


def pixels(mapped: Mapped) -> Plane:
    """Return a mapped buffer. Raises `RuntimeError` where picamera2 found none."""
    if mapped.array is None:
        raise RuntimeError("the buffer is gone")
    return mapped.array


def figure(figures: Mapping[str, object], name: str) -> float | None:
    """Return one of libcamera's figures, None where this camera does not tell it."""
    value = figures.get(name)
    return float(value) if isinstance(value, int | float) else None


def exposure_of(figures: Mapping[str, object]) -> Exposure | None:
    """Return exposure and total gain of a frame."""
    exposure_us, analogue = figure(figures, "ExposureTime"), figure(figures, "AnalogueGain")
    if exposure_us is None or analogue is None:
        return None
    return Exposure(exposure_us=exposure_us, gain=analogue * (figure(figures, "DigitalGain") or 1.0))


def force_key(encoder: PiEncoder) -> None:
    """Ask for a key picture where this picamera2 can (newer than 0.3.27)."""
    force: Callable[[], None] | None = getattr(encoder, "force_key_frame", None)
    if force:
        force()


def letters_taken() -> bool:
    """Tell whether PyAV takes "I" for a key picture, as picamera2's libx264 encoder asks for one.

    Where it does not, that encoder raises in picamera2's own thread and takes the camera with it (0.3.38 on PyAV 18).
    """
    try:
        VideoFrame(16, 16, "yuv420p").pict_type = "I"  # type: ignore[assignment] # that is the question
    except (TypeError, ValueError):
        return False
    return True


def finished(work: Callable[[], None], wait_s: float) -> bool:
    """Do `work` in a thread of its own and wait so long; tell whether it came to its end."""
    thread = threading.Thread(target=work, name="closing", daemon=True)
    thread.start()
    thread.join(wait_s)
    return not thread.is_alive()
