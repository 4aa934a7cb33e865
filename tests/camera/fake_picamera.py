"""A small honest stand-in for the part of picamera2 that camera/picamera.py uses.

Signatures are picamera2's own; `test_picamera.py` holds them against a list taken from its published source.
"""

from __future__ import annotations

import time
from typing import Protocol, runtime_checkable

import numpy as np
from av.video.frame import VideoFrame
from numpy.typing import NDArray

from camera.encode import Encoder
from camera.picamera import Library

PADDING = 64


class Output:
    """picamera2.outputs.Output."""

    def __init__(self, pts: object = None) -> None:
        self.recording = False
        self.pts = pts

    def start(self) -> None:
        """Begin."""
        self.recording = True

    def stop(self) -> None:
        """End."""
        self.recording = False


@runtime_checkable
class Sink(Protocol):
    """What an output takes."""

    def start(self) -> None:
        """Begin."""

    def outputframe(self, frame: bytes, keyframe: bool = True, timestamp: int | None = None) -> None:  # noqa: FBT001, FBT002 - picamera2's own
        """Take one encoded picture."""


class H264Encoder:
    """picamera2.encoders.H264Encoder."""

    def __init__(self, bitrate: int | None = None, repeat: bool = True, iperiod: int | None = None) -> None:  # noqa: FBT001, FBT002 - picamera2's own
        assert repeat, "every key picture must carry its parameter sets"
        self.bitrate = bitrate
        self.iperiod = iperiod


class FakeRequest:
    """A completed capture of both streams; must be released exactly once."""

    def __init__(self, camera: FakePicamera2, number: int) -> None:
        self._camera = camera
        self._number = number
        self.released = 0
        camera.requests.append(self)

    def make_array(self, name: str) -> NDArray[np.uint8]:
        """Return (height * 3 / 2, stride) with the padding that real buffers have."""
        assert name == "lores"
        width, height = self._camera.lores
        planar = np.full((height * 3 // 2, width + PADDING), 255, np.uint8)
        planar[:height, :width] = 80
        planar[height:] = 128
        return planar

    def get_metadata(self) -> dict[str, object]:
        """Return what libcamera says of a frame."""
        return {"ExposureTime": 8000, "AnalogueGain": 2.0, "DigitalGain": 1.5, "SensorTimestamp": self._number}

    def release(self) -> None:
        """Give it back."""
        self.released += 1


class FakePicamera2:
    """picamera2.Picamera2 at its own frame rate; `stalls_after` makes it fall silent as #1090 tells."""

    def __init__(self, stalls_after: int | None = None) -> None:
        self.stalls_after = stalls_after
        self.log: list[str] = []
        self.requests: list[FakeRequest] = []
        self.lores = (0, 0)
        self.configured: dict[str, object] = {}
        self._number = 0

    @staticmethod
    def library(camera: FakePicamera2) -> Library:
        """Return the names that the source imports."""
        return Library(camera=lambda: camera, encoder=H264Encoder, output=Output)

    def create_video_configuration(self, **streams: object) -> object:
        """Describe streams and controls."""
        return streams

    def configure(self, camera_config: object) -> None:
        """Apply a description."""
        assert isinstance(camera_config, dict)
        self.configured = camera_config
        self.lores = camera_config["lores"]["size"]
        assert self.lores[0] <= camera_config["main"]["size"][0], "lores may not exceed main"

    def start_encoder(self, encoder: object, output: object, *, name: str) -> None:
        """Send a stream through an encoder."""
        assert name == "main"
        assert isinstance(encoder, H264Encoder)
        self.log.append("encoder")
        assert isinstance(output, Sink)
        self._sink: Sink = output
        output.start()
        main = self.configured["main"]
        assert isinstance(main, dict)
        width, height = main["size"]
        self._size = (int(width), int(height))
        self._codec = Encoder(self._size[0], self._size[1], 15.0)

    def start(self) -> None:
        """Begin to capture."""
        self.log.append("start")

    def capture_request(self, wait: float) -> FakeRequest:
        """Deliver the next capture; silence becomes TimeoutError."""
        if self.stalls_after is not None and self._number >= self.stalls_after:
            raise TimeoutError("no frame")
        assert wait > 0
        time.sleep(1 / 60)
        seconds = self._number / 15
        picture = VideoFrame(self._size[0], self._size[1], "yuv420p")
        for unit in self._codec.encode(picture, seconds):
            self._sink.outputframe(unit.data, unit.key, round(seconds * 1e6))
        self._number += 1
        return FakeRequest(self, self._number)

    def stop(self) -> None:
        """Stop capturing."""
        self.log.append("stop")

    def stop_encoder(self) -> None:
        """Stop all encoders."""
        self.log.append("stop_encoder")

    def close(self) -> None:
        """Let go of the camera."""
        self.log.append("close")
