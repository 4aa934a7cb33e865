"""The newest frame as a small JPEG for the broker: `postcard.jpg`, at most 100 KB, replaced whole.

Like `snapshot.jpg` it carries CLOCK_MONOTONIC nanoseconds of the capture as its modification time, and nothing of what
lies behind the privacy screen. It is drawn only where `mqtt.snapshot` asks for it, once in `every_s`.
"""

from __future__ import annotations

import os
from pathlib import Path

import cv2

from camera.source import Frame, Picture
from camera.timeline import Cadence

LARGEST_BYTES = 100_000
STEPS = ((960, 75), (960, 55), (640, 70), (640, 50), (480, 50), (320, 40), (160, 30))
"""Width in pixels and JPEG quality, tried in this order: a small sharp picture tells more than a large blurred one."""


class Postcard:
    """Writes the file. `show` costs nothing until it is time."""

    def __init__(self, path: Path, every_s: float) -> None:
        self._path = path
        self._draft = path.with_name(f".{path.name}.tmp")
        self._cadence = Cadence(1.0 / every_s)

    def show(self, frame: Frame, now_s: float) -> None:
        """Replace the file by this frame if it is time. Raises `OSError` where the disk refuses."""
        if not self._cadence.wants(now_s):
            return
        self._draft.write_bytes(small_jpeg(frame.picture))
        stamp_ns = round(min(frame.at_s, now_s) * 1e9)
        os.utime(self._draft, ns=(stamp_ns, stamp_ns))
        self._draft.replace(self._path)


def small_jpeg(picture: Picture) -> bytes:
    """Return the picture as a JPEG of at most `LARGEST_BYTES`, as large and as good as fits."""
    height, width = picture.shape[:2]
    jpeg = b""
    for step_width, quality in STEPS:
        wide = min(step_width, width)
        size = (wide, max(1, round(height * wide / width)))
        fitted = picture if wide == width else cv2.resize(picture, size, interpolation=cv2.INTER_AREA)
        _, data = cv2.imencode(".jpg", fitted, [cv2.IMWRITE_JPEG_QUALITY, quality])
        jpeg = data.tobytes()
        if len(jpeg) <= LARGEST_BYTES:
            break
    return jpeg
