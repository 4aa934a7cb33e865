"""One opening of a stream, read from its beginning to its end.

- H.264 in the form that every browser plays (8 bit, 4:2:0) is copied: access units leave bit-exact, only unwrapped to
  Annex B. All else (HEVC, MJPEG, MPEG-4, raw, grey, 10 bit), and everything where the site asks for it, is decoded and
  encoded by libx264, no larger and no faster than the configuration says.
- Streams lie: stamps that are missing or leap (`timeline.py`), a size that changes midway, corrupt packets. All of it
  is survived; what can't be decoded is left out.
- Only what detection needs is decoded: nothing where a second stream is searched instead, and of a copied live stream
  no picture to which no other refers, if enough remain.
- Nothing larger than 4K is decoded: one 8K picture is 50 MB, and a decoder holds several.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import av
import av.error

from camera import h264
from camera.decoded import MOST_PIXELS, believable_fps, drawn_over, fitted, seconds, seen, seen_planar
from camera.encode import Demand, Encoder
from camera.screen import Screen
from camera.source import AccessUnit, Frame, Item, Stream
from camera.sps import picture_size
from camera.timeline import Cadence, Timeline

if TYPE_CHECKING:
    from av.container import InputContainer
    from av.packet import Packet
    from av.video.frame import VideoFrame
    from av.video.stream import VideoStream

PLAYABLE = frozenset({"yuv420p", "yuvj420p"})
LONGEST_BLIND = 600
ENOUGH = 2.0


class TooLargeError(ValueError):
    """The picture is too large to be decoded here; the text is its size."""


class NothingDecodesError(ValueError):
    """Packet after packet came and none became a picture; the text names the codec."""


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
    look: bool = True
    """False: access units only; another stream is searched."""
    reencode: bool = False
    """True: encoded anew whatever it is, so that something can be drawn into it."""


class Reading:
    """One opening. Raises `TooLargeError`, `NothingDecodesError` and PyAV's own errors."""

    def __init__(  # noqa: PLR0913, PLR0917 - what the source has, passed once
        self, container: InputContainer, wishes: Wishes, timeline: Callable[[float], Timeline],
        stopping: threading.Event, screen: Screen, demand: Demand,
    ) -> None:  # fmt: skip
        if not container.streams.video or container.streams.video[0].codec_context is None:
            raise ValueError("no video stream in it")
        self._container, self._wishes, self._stopping = container, wishes, stopping
        self._screen, self._demand = screen, demand
        self._stream: VideoStream = container.streams.video[0]
        codec = self._stream.codec_context
        plays = codec.name == "h264" and codec.pix_fmt in {None, *PLAYABLE}
        self._copied = plays and wishes.record and not wishes.reencode
        self._decodes = wishes.look or not self._copied
        if self._decodes and codec.width * codec.height > MOST_PIXELS:
            raise TooLargeError(f"{codec.width} x {codec.height} pixels")
        if not codec.is_open:
            codec.thread_count = 1
            codec.options = {"max_pixels": str(MOST_PIXELS)}
        self._fps = believable_fps(self._stream)
        self._timeline = timeline(1.0 / self._fps)
        self._paced = not self._timeline.live and wishes.pace == "realtime"
        self._first_s: float | None = None
        self._started_s = 0.0
        self._cadence, self._recorded = Cadence(wishes.detect_fps), Cadence(wishes.fps)
        self._wrapped = h264.packaging(codec.extradata if self._copied else None)
        self._disposable = h264.Disposable()
        self._announced: Stream | None = None
        self._encoder: Encoder | None = None
        self._blind = self._taken = 0

    def taken_count(self) -> int:
        """Return how many pictures were decoded since the last call."""
        taken, self._taken = self._taken, 0
        return taken

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
        frames = self._decode(packet) if self._decodes else []
        if self._copied:
            shown_s = self._timeline.shown(decode_s, dts_s, pts_s)
            yield from self._copy(bytes(packet), decode_s, shown_s, key=packet.is_keyframe and not packet.is_corrupt)
        for frame in frames:
            self._taken += 1
            at_s = self._timeline.stamped(seconds(frame.pts, frame.time_base))
            if self._copied:
                if self._announced and self._cadence.wants(at_s):
                    yield seen(frame, at_s)
            else:
                yield from self._draw(frame, at_s)

    def _decode(self, packet: Packet[VideoStream]) -> list[VideoFrame]:
        try:
            frames = [frame for frame in self._stream.decode(packet) if frame.width and frame.height]
        except (av.error.FFmpegError, MemoryError):
            frames = []  # a damaged picture is left out
        self._blind = 0 if frames else self._blind + 1
        if self._blind > LONGEST_BLIND:
            raise NothingDecodesError(self._stream.codec_context.name)
        return frames

    def _copy(self, data: bytes, decode_s: float, at_s: float, *, key: bool) -> Iterator[Item]:
        unit = h264.annex_b(data, self._wrapped, key=key)
        if unit is None:
            return
        if key:
            codec = self._stream.codec_context
            width, height = picture_size(unit) or (codec.width, codec.height)
            stream = Stream(codec=h264.codec_name(unit), width=width, height=height, fps=self._fps)
            if stream != self._announced and width and height:
                self._announced = stream
                self._cadence.restart()
                yield stream
        if self._announced:
            self._spare(unit)
            yield AccessUnit(data=unit, at_s=at_s, decode_s=decode_s, key=key)

    def _spare(self, unit: bytes) -> None:
        """Decode no more what nothing else refers to, once it is known that enough remains; live streams only."""
        if not self._timeline.live or not self._decodes:
            return
        share = self._disposable.look(unit)
        if share is not None and share > 0 and (1 - share) * self._fps >= ENOUGH * self._wishes.detect_fps:
            self._stream.codec_context.skip_frame = "NONREF"

    def _draw(self, frame: VideoFrame, at_s: float) -> Iterator[Item]:
        """Draw the screen over a picture, show it to the detector without the clock, encode it with the clock."""
        if not self._wishes.record:
            yield from self._announce(Stream(codec="", width=frame.width, height=frame.height, fps=self._fps))
            if self._cadence.wants(at_s):
                yield seen(frame, at_s, self._screen)
            return
        recorded, looked = self._recorded.wants(at_s), self._wishes.look and self._cadence.wants(at_s)
        if not recorded and not looked:
            return
        width, height = fitted(frame.width, frame.height, self._wishes.size)
        picture = frame.reformat(width, height, "yuv420p")
        shown: Frame | None = None
        if not self._screen.empty:
            planar, luma = drawn_over(picture, self._screen)
            shown = seen_planar(planar, luma, at_s) if looked else None
            picture = av.VideoFrame.from_ndarray(planar, "yuv420p")
        elif looked:
            shown = seen(frame, at_s)
        if recorded:
            yield from self._encode(picture, at_s)
        if shown and self._announced:
            yield shown

    def _encode(self, picture: VideoFrame, at_s: float) -> Iterator[Item]:
        width, height = picture.width, picture.height
        fps = min(self._fps, self._wishes.fps)
        begun = self._announced is None or (self._announced.width, self._announced.height) != (width, height)
        if self._encoder is None or begun:
            aspect = self._stream.sample_aspect_ratio
            self._encoder = Encoder(width, height, fps, aspect or None, demand=self._demand)
        for unit in self._encoder.encode(picture, at_s):
            yield from self._announce(
                Stream(codec=h264.codec_name(unit.data), width=width, height=height, fps=fps) if begun else None
            )
            begun = False
            yield unit

    def _announce(self, stream: Stream | None) -> Iterator[Item]:
        if stream and stream != self._announced:
            self._announced = stream
            yield stream
