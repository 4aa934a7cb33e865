"""A small honest stand-in for the part of picamera2 that the camera uses.

`HELD` says which class of picamera2 each class here stands for; `test_picamera_published.py` compares their methods,
parameters and defaults with the published packages. A parameter without a default here is one that the camera always
gives. What is added for the stories only begins with `_` or stands in `FakePi`.
"""

# ruff: noqa: ARG002, FBT001, FBT002, PLR0917 - the signatures are picamera2's own

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from types import TracebackType
from typing import Protocol, Self, cast

import numpy as np
from av.video.frame import VideoFrame
from numpy.typing import NDArray

from camera.encode import Encoder
from camera.pi_parts import Library, Request

PADDING = 64
CONTROLS = ("AeEnable", "AeExposureMode", "AeFlickerMode", "AeFlickerPeriod", "ExposureValue", "FrameDurationLimits",
            "NoiseReductionMode")  # fmt: skip


class Output:
    """picamera2.outputs.Output."""

    def __init__(self, pts: object = None) -> None:
        self.recording = False
        self._pts = pts

    def start(self) -> None:
        self.recording = True

    def stop(self) -> None:
        self.recording = False

    def outputframe(self, frame: bytes, keyframe: bool = True, timestamp: int | None = None) -> None:
        raise NotImplementedError


class Sink(Protocol):
    """What an encoder gives to an output."""

    def start(self) -> None: ...

    def outputframe(self, frame: bytes, keyframe: bool, timestamp: int, packet: object, audio: bool) -> None: ...


class H264Encoder:
    """picamera2.encoders.H264Encoder, of the hardware and of libx264."""

    def __init__(
        self, bitrate: int, repeat: bool, iperiod: int, framerate: int
    ) -> None:  # fmt: skip
        assert repeat, "every key picture must carry its parameter sets"
        assert isinstance(framerate, int), "libx264 in PyAV takes no float"
        self.bitrate, self.iperiod, self.framerate = bitrate, iperiod, framerate
        self.firsttimestamp: int | None = None
        self.threads = 0
        self._codec: Encoder | None = None
        self._sink: Sink | None = None
        self._forced = 0

    def force_key_frame(self) -> None:
        self._forced += 1
        if self._codec:
            self._codec._demand.ask_key()

    def _encode(self, planar: NDArray[np.uint8], size: tuple[int, int], stamp_us: int) -> None:
        self.firsttimestamp = stamp_us if self.firsttimestamp is None else self.firsttimestamp
        self._codec = self._codec or Encoder(*size, 15.0)
        packed = np.concatenate([part.reshape(-1) for part in planes_of(planar, size)])
        frame = VideoFrame.from_ndarray(packed.reshape(size[1] * 3 // 2, size[0]), "yuv420p")
        for unit in self._codec.encode(frame, stamp_us / 1e6):
            assert self._sink
            self._sink.outputframe(unit.data, unit.key, stamp_us - self.firsttimestamp, None, False)


def planes_of(planar: NDArray[np.uint8], size: tuple[int, int]) -> list[NDArray[np.uint8]]:
    """Return the three planes of a padded I420 buffer, as the hardware lays them out."""
    (width, height), stride, flat = size, planar.shape[1], planar.reshape(-1)
    luma_end, chroma = height * stride, height // 2 * (stride // 2)
    halves = (flat[luma_end + at : luma_end + at + chroma].reshape(height // 2, stride // 2) for at in (0, chroma))
    return [planar[:height, :width], *(half[:, : width // 2] for half in halves)]


class Transform:
    """libcamera.Transform."""

    def __init__(self, rotation: int = 0, hflip: bool = False, vflip: bool = False) -> None:
        self.turned = (hflip, vflip)


class CompletedRequest:
    """picamera2.CompletedRequest of both streams; lent to `pre_callback`."""

    def __init__(self, request: Mapping[str, NDArray[np.uint8]], picam2: Picamera2) -> None:
        self._buffers, self._camera = request, picam2
        self._stamp_ns = time.monotonic_ns()

    def get_metadata(self) -> dict[str, object]:
        return {"ExposureTime": 8000, "AnalogueGain": 2.0, "DigitalGain": 1.5, "Lux": self._camera._pi.lux,
                "SensorTimestamp": self._stamp_ns}  # fmt: skip


class MappedArray:
    """picamera2.MappedArray: the buffer itself, while the `with` lasts."""

    def __init__(self, request: CompletedRequest, stream: str, reshape: bool = True, write: bool = True) -> None:
        self._buffer = request._buffers[stream]
        self._buffer.flags.writeable = write

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, exc_type: type[BaseException] | None, exc_value: BaseException | None, exc_traceback: TracebackType | None
    ) -> None:
        self._buffer.flags.writeable = True

    @property
    def array(self) -> NDArray[np.uint8] | None:
        return self._buffer


class Picamera2:
    """picamera2.Picamera2 at its own frame rate, in its own thread."""

    def __init__(self, camera_num: int = 0) -> None:
        self._pi = FakePi()
        self.pre_callback: Callable[[Request], None] | None = None
        self._config: dict[str, object] = {}
        self._encoder: H264Encoder | None = None
        self._lock = threading.Lock()
        self._ended = threading.Event()
        self._thread: threading.Thread | None = None

    @property
    def camera_controls(self) -> dict[str, tuple[object, object, object]]:
        return dict.fromkeys(self._pi.controls, (None, None, None))

    def create_video_configuration(
        self, main: object, lores: object, raw: object = {},
        transform: object = Transform(), colour_space: object = None, buffer_count: int = 6,
        controls: object = {},
    ) -> dict[str, object]:  # fmt: skip
        return {"main": main, "lores": lores, "transform": transform, "controls": controls}

    def configure(self, camera_config: object) -> None:
        assert isinstance(camera_config, dict)
        for name in camera_config["controls"]:
            if name not in self._pi.controls:
                raise RuntimeError(f"Control {name} is not advertised by libcamera")
        assert camera_config["lores"]["size"][0] <= camera_config["main"]["size"][0], "lores may not exceed main"
        self._config = camera_config

    def camera_configuration(self) -> dict[str, object]:
        return self._config

    def set_controls(self, controls: object) -> None:
        self._pi.log.append("controls")
        self._pi.changed.append(controls)

    def start_encoder(
        self, encoder: object, output: object, pts: object = None, quality: object = None,
        name: str | None = None,
    ) -> None:  # fmt: skip
        assert name == "main"
        assert isinstance(encoder, H264Encoder)
        assert isinstance(output, Output), "picamera2 takes no other"
        self._pi.log.append("encoder")
        encoder._sink = cast("Sink", output)
        output.start()
        with self._lock:
            self._encoder = encoder

    def stop_encoder(self, encoders: object) -> None:
        assert encoders is self._encoder
        self._pi.log.append("stop_encoder")
        with self._lock:
            self._encoder = None

    def start(self, config: object = None, show_preview: object = False) -> None:
        self._pi.log.append("start")
        self._ended.clear()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def stop(self) -> None:
        self._pi.log.append("stop")
        if self._pi.hangs:
            threading.Event().wait()
        self._ended.set()
        if self._thread:
            self._thread.join(1)

    def close(self) -> None:
        self._pi.log.append("close")

    def _run(self) -> None:
        while not self._ended.wait(1 / self._pi.fps):
            if self._pi.stalls_after is not None and self._pi.captured >= self._pi.stalls_after:
                continue
            self._pi.captured += 1
            buffers = {name: sensed(self._config[name]) for name in ("main", "lores")}
            request = CompletedRequest(buffers, self)
            with self._lock:
                if self.pre_callback:
                    self.pre_callback(request)
                if self._encoder:
                    main = self._config["main"]
                    assert isinstance(main, dict)
                    self._encoder._encode(buffers["main"], main["size"], request._stamp_ns // 1000)


def sensed(stream: object) -> NDArray[np.uint8]:
    """Return a grey picture with the padded rows that real buffers have."""
    assert isinstance(stream, dict)
    width, height = stream["size"]
    planar = np.full((height * 3 // 2, width + PADDING), 255, np.uint8)
    planar[:height, :width] = 80
    planar[height:] = 100
    return planar


class FakePi:
    """How a fake sensor behaves, and what it saw."""

    def __init__(self) -> None:
        self.log: list[str] = []
        self.changed: list[object] = []
        self.controls = set(CONTROLS)
        self.lux = 300.0
        self.fps = 60.0
        self.captured = 0
        self.stalls_after: int | None = None
        self.hangs = False


HELD = {
    "outputs/output.py:Output": Output,
    "encoders/h264_encoder.py:H264Encoder": H264Encoder,
    "encoders/libav_h264_encoder.py:LibavH264Encoder": H264Encoder,
    "request.py:CompletedRequest": CompletedRequest,
    "request.py:MappedArray": MappedArray,
    "picamera2.py:Picamera2": Picamera2,
}
NEWER = {"force_key_frame"}
"""What only the newest package has; the camera does without it in older ones."""


def library(*cameras: Picamera2) -> Callable[[], Library]:
    """Return what finds a library whose cameras are these, one after the other; the last one again and again."""
    left = list(cameras)

    def camera() -> Picamera2:
        return left.pop(0) if len(left) > 1 else left[0]

    def mapped(request: CompletedRequest, stream: str, *, write: bool = True) -> AbstractContextManager[MappedArray]:
        return MappedArray(request, stream, write=write)

    found = Library(camera=camera, encoder=H264Encoder, output=Output, mapped=mapped, transform=Transform)
    return lambda: found
