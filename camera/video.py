"""The camera that is a stream: a file, an RTSP camera over TCP, a V4L2 device. All of it through PyAV.

- H.264 is copied: access units leave bit-exact, only unwrapped to Annex B. All else (HEVC, MJPEG, MPEG-4,
  raw, grey, 10 bit) is decoded and encoded by libx264, no larger and no faster than the configuration asks for.
- Streams lie: stamps that are missing or leap (`timeline.py`), a size that changes midway, corrupt packets. All of it
  is survived; what can't be decoded is left out.
- A live camera that goes away is sought again with growing, jittered pauses. A file that ended says `video_ended`; a
  file that can't be read says why and is tried again slowly. Neither is a reason to die.
"""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal
from urllib.parse import quote, urlsplit, urlunsplit

import av
import av.error
import av.logging

from camera import h264
from camera.decoded import believable_fps, fitted, seconds, seen
from camera.encode import Encoder
from camera.source import (
    HEALTHY,
    STARTING,
    AccessUnit,
    Frame,
    Health,
    Item,
    Stream,
)
from camera.timeline import Cadence, Timeline

if TYPE_CHECKING:
    from av.container import InputContainer
    from av.packet import Packet
    from av.video.frame import VideoFrame
    from av.video.stream import VideoStream

av.logging.set_level(None)  # what libav would print says less than `health` and can carry an address with a password

OPEN_TIMEOUT_S = 5.0
READ_TIMEOUT_S = 3.0
FIRST_PAUSE_S = 0.5
LONGEST_PAUSE_S = 30.0
FILE_RETRY_S = 10.0


@dataclass(frozen=True, kw_only=True, slots=True)
class Wishes:
    """What the configuration asks of a video source."""

    detect_fps: float = 5.0
    fps: float = 15.0
    size: tuple[int, int] = (1280, 720)
    pace: Literal["realtime", "fast"] = "realtime"
    loop: bool = False
    record: bool = True
    """False: frames for detection only; nothing is copied and nothing encoded."""


class VideoSource:
    """A `Source` on anything that PyAV opens. `credentials` is `user:password` for RTSP, kept out of every message.

    `pictures` counts what was decoded. Without `retry` the first failure is the end.
    """

    def __init__(self, address: str, wishes: Wishes, credentials: str | None = None, *, retry: bool = True) -> None:
        self._address = address
        self._retry = retry
        self.pictures = 0
        self._wishes = wishes
        self._credentials = credentials
        self._live = address.startswith(("rtsp://", "rtsps://", "/dev/"))
        self._stopping = threading.Event()
        self._last_s = float("-inf")
        self._health = STARTING

    @property
    def health(self) -> Health:
        """How the stream is now."""
        return self._health

    def stop(self) -> None:
        """Make `items` end: at once, or when a network read gives up (3 s)."""
        self._stopping.set()

    def items(self) -> Iterator[Item]:
        """Yield the stream, over and over until stopped; a file without `loop` once."""
        pause_s = FIRST_PAUSE_S
        while not self._stopping.is_set():
            delivered = False
            try:
                with self._open() as container:
                    for item in Reading(container, self._wishes, self._timeline, self._stopping, self._count).items():
                        if isinstance(item, Frame | AccessUnit):
                            delivered, self._last_s = True, max(self._last_s, item.at_s)
                        self._health = HEALTHY
                        yield item
                trouble = None
            except (av.error.FFmpegError, OSError, ValueError, IndexError) as error:
                trouble = self._explain(error)
            if self._stopping.is_set():
                return
            if delivered:
                pause_s = FIRST_PAUSE_S
            if not self._live and delivered and trouble is None:
                if self._wishes.loop:
                    continue
                self._health = Health(ok=False, reason="video_ended", detail=f"the file {self._address} has ended")
                return
            self._health = trouble or self._nothing_came()
            if not self._retry:
                return
            self._stopping.wait(pause_s * random.uniform(0.7, 1.3) if self._live else FILE_RETRY_S)  # noqa: S311 - jitter
            pause_s = min(LONGEST_PAUSE_S, pause_s * 2)

    def _count(self) -> None:
        self.pictures += 1

    def _timeline(self, step_s: float) -> Timeline:
        start_s = max(time.monotonic(), self._last_s + step_s)
        return Timeline(start_s, step_s, live=self._live)

    def _open(self) -> InputContainer:
        address, form, options = self._address, None, {}
        if address.startswith(("rtsp://", "rtsps://")):
            options = {"rtsp_transport": "tcp"}
            address = with_credentials(address, self._credentials)
        elif address.startswith("/dev/"):
            form = "v4l2"
        elif Path(address).is_file() and Path(address).stat().st_size == 0:
            raise ValueError("the file is empty")
        return av.open(
            address, "r", format=form, options=options, timeout=(OPEN_TIMEOUT_S, READ_TIMEOUT_S),
            metadata_errors="replace",
        )  # fmt: skip

    def _explain(self, error: Exception) -> Health:
        """Turn what PyAV raised into a reason and a remedy, never quoting an address that holds a password."""
        if self._live:
            said = error.strerror if isinstance(error, OSError) and error.strerror else type(error).__name__
            detail = (
                f"the camera {self._address} does not deliver ({said}); check its address, its cable and its password"
            )
            return Health(ok=False, reason="video_unreachable", detail=detail)
        path = Path(self._address)
        if not path.exists():
            detail = f"there is no file {path}; give an existing one in camera.url (or --video)"
            return Health(ok=False, reason="video_missing", detail=detail)
        if not path.is_file() or isinstance(error, PermissionError):
            detail = f"{path} can't be read; give a readable video file in camera.url (or --video)"
            return Health(ok=False, reason="video_unreadable", detail=detail)
        said = "it is empty" if path.stat().st_size == 0 else "it holds no video that can be decoded, or is cut off"
        detail = f"{path} can't be played: {said}; give a whole video file in camera.url (or --video)"
        return Health(ok=False, reason="video_corrupt", detail=detail)

    def _nothing_came(self) -> Health:
        return self._explain(ValueError("no picture came"))


def with_credentials(address: str, credentials: str | None) -> str:
    """Return the address with `user:password` in it, escaped; what the address holds already stays."""
    parts = urlsplit(address)
    if not credentials or "@" in parts.netloc:
        return address
    user, _, password = credentials.strip().partition(":")
    return urlunsplit(parts._replace(netloc=f"{quote(user, safe='')}:{quote(password, safe='')}@{parts.netloc}"))


class Reading:
    """One opening of a stream, read from its beginning to its end."""

    def __init__(
        self,
        container: InputContainer,
        wishes: Wishes,
        timeline: Callable[[float], Timeline],
        stopping: threading.Event,
        counted: Callable[[], None],
    ) -> None:
        if not container.streams.video:
            raise ValueError("no video stream in it")
        self._container = container
        self._wishes = wishes
        self._stopping = stopping
        self._stream: VideoStream = container.streams.video[0]
        self._stream.codec_context.thread_count = 1
        self._fps = believable_fps(self._stream)
        self._timeline = timeline(1.0 / self._fps)
        self._paced = not self._timeline.live and wishes.pace == "realtime"
        self._counted = counted
        self._first_s: float | None = None
        self._started_s = 0.0
        self._cadence = Cadence(wishes.detect_fps)
        self._copied = self._stream.codec_context.name == "h264"
        self._wrapped = h264.packaging(self._stream.codec_context.extradata if self._copied else None)
        self._announced: Stream | None = None
        self._recorded = Cadence(wishes.fps)
        self._encoder: Encoder | None = None

    def items(self) -> Iterator[Item]:
        """Yield what the stream holds."""
        for packet in self._container.demux(self._stream):
            if self._stopping.is_set():
                return
            if packet.size == 0 and packet.dts is None and packet.pts is None:
                continue  # the end: what the decoder holds back is less than a second of a stream that stops here
            yield from self._take(packet)

    def _take(self, packet: Packet[VideoStream]) -> Iterator[Item]:
        base = packet.time_base
        dts_s = seconds(packet.dts, base)
        pts_s = seconds(packet.pts, base)
        now_s = time.monotonic()
        decode_s = self._timeline.decoded(dts_s if dts_s is not None else pts_s, now_s)
        if self._paced:
            if self._first_s is None:
                self._first_s = decode_s
                self._started_s = now_s
            self._stopping.wait(max(0.0, decode_s - self._first_s - (now_s - self._started_s)))
        frames = self._decode(packet)
        if self._copied and self._wishes.record:
            shown_s = self._timeline.shown(decode_s, dts_s, pts_s)
            yield from self._copy(bytes(packet), decode_s, shown_s, key=packet.is_keyframe and not packet.is_corrupt)
        for frame in frames:
            self._counted()
            at_s = self._timeline.stamped(seconds(frame.pts, frame.time_base))
            if not self._wishes.record:
                yield from self._announce(frame)
            elif not self._copied:
                yield from self._encode(frame, at_s)
            if self._announced and self._cadence.wants(at_s):
                yield seen(frame, at_s)

    def _decode(self, packet: Packet[VideoStream]) -> list[VideoFrame]:
        try:
            return [frame for frame in self._stream.decode(packet) if frame.width and frame.height]
        except (av.error.InvalidDataError, av.error.UndefinedError, av.error.ExternalError, av.error.PatchWelcomeError):
            return []  # a damaged picture is left out

    def _copy(self, data: bytes, decode_s: float, at_s: float, *, key: bool) -> Iterator[Item]:
        unit = h264.annex_b(data, self._wrapped, key=key)
        codec = self._stream.codec_context
        if unit is None or not codec.width or not codec.height:
            return
        if key:
            stream = Stream(codec=h264.codec_name(unit), width=codec.width, height=codec.height, fps=self._fps)
            if stream != self._announced:
                self._announced = stream
                self._cadence.restart()
                yield stream
        if self._announced:
            yield AccessUnit(data=unit, at_s=at_s, decode_s=decode_s, key=key)

    def _announce(self, frame: VideoFrame) -> Iterator[Item]:
        stream = Stream(codec="", width=frame.width, height=frame.height, fps=self._fps)
        if stream != self._announced:
            self._announced = stream
            yield stream

    def _encode(self, frame: VideoFrame, at_s: float) -> Iterator[Item]:
        if not self._recorded.wants(at_s):
            return
        width, height = fitted(frame.width, frame.height, self._wishes.size)
        begun = self._announced is None or (self._announced.width, self._announced.height) != (width, height)
        if self._encoder is None or begun:
            aspect = self._stream.sample_aspect_ratio
            self._encoder = Encoder(width, height, min(self._fps, self._wishes.fps), aspect or None)
        for unit in self._encoder.encode(frame.reformat(width, height, "yuv420p"), at_s):
            if begun:
                begun = False
                self._announced = Stream(
                    codec=h264.codec_name(unit.data), width=width, height=height, fps=min(self._fps, self._wishes.fps)
                )
                self._cadence.restart()
                yield self._announced
            yield unit
