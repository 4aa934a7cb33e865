"""Pictures to H.264 with libx264, for every source whose own stream can't be copied.

Tuned for a gate: no delay (`zerolatency`), a key unit each second so that clips and viewers can begin anywhere, and a
ceiling on the bit rate that a 4G upload survives. It rests while nobody needs what it makes (`Demand`). Times are
seconds; the codec counts in 1/90000.
"""

from __future__ import annotations

from fractions import Fraction

import av
from av.video.codeccontext import VideoCodecContext
from av.video.frame import PictureType, VideoFrame

from camera.source import AccessUnit

TICKS = 90_000
KEY_EVERY_S = 1.0
CEILING_AT_720P = 3_000_000


class Demand:
    """What other threads want of a source's encoder: that it works at all, and a key picture at once."""

    def __init__(self) -> None:
        self.units = True
        self._key = False

    def need(self, *, units: bool) -> None:
        """Say whether access units are needed; who needs them again wants to begin with a key."""
        if units and not self.units:
            self._key = True
        self.units = units

    def ask_key(self) -> None:
        """Ask for a key picture as the next one."""
        self._key = True

    def take_key(self) -> bool:
        """Tell whether a key is asked for, and forget it."""
        asked, self._key = self._key, False
        return asked


class Encoder:
    """One libx264 instance for one picture size. Feed frames in order of time, from one thread.

    `matrix` names the colour matrix of the frames for players, where it is known (`smpte170m` is OpenCV's). While
    `demand` wants no units, only the first picture is encoded: it tells what the stream is.
    """

    def __init__(  # noqa: PLR0913, PLR0917 - the picture's own five figures, and who wants it
        self, width: int, height: int, fps: float, aspect: Fraction | None = None, matrix: str | None = None,
        demand: Demand | None = None,
    ) -> None:  # fmt: skip
        codec = av.CodecContext.create("libx264", "w")
        if not isinstance(codec, VideoCodecContext):
            raise TypeError("libx264 is no video encoder in this build of PyAV")
        codec.width, codec.height = width, height
        codec.pix_fmt = "yuv420p"
        codec.time_base = Fraction(1, TICKS)
        codec.framerate = Fraction(fps).limit_denominator(1000)
        codec.thread_count = 1
        if aspect:
            codec.sample_aspect_ratio = aspect
        ceiling = max(500_000, int(CEILING_AT_720P * width * height / (1280 * 720)))
        codec.options = {
            "preset": "superfast", "tune": "zerolatency", "crf": "23", "forced-idr": "1",
            "maxrate": str(ceiling), "bufsize": str(ceiling), "g": str(max(1, round(fps * 10))), "sc_threshold": "0",
        }  # fmt: skip
        if matrix:
            codec.options |= {"x264-params": f"colormatrix={matrix}:colorprim={matrix}:transfer={matrix}"}
        self._codec = codec
        self._demand = demand or Demand()
        self._last_key_s = float("-inf")
        self._last_pts = -1

    @property
    def wanted(self) -> bool:
        """Tell whether the next picture would be encoded; what only prepares it may rest too."""
        return self._demand.units or self._last_pts < 0

    def encode(self, frame: VideoFrame, at_s: float) -> list[AccessUnit]:
        """Encode one yuv420p frame of the encoder's size, shown at `at_s`; nothing comes while it rests."""
        if not self.wanted:
            return []
        frame.pts = max(self._last_pts + 1, round(at_s * TICKS))
        frame.time_base = Fraction(1, TICKS)
        self._last_pts = frame.pts
        due = self._demand.take_key() or at_s - self._last_key_s >= KEY_EVERY_S
        # A decoded frame still carries the type it had in its own stream; libx264 would obey it.
        frame.pict_type = PictureType.I if due else PictureType.NONE
        if due:
            self._last_key_s = at_s
        return [
            AccessUnit(data=bytes(packet), at_s=(packet.pts or 0) / TICKS, decode_s=(packet.dts or 0) / TICKS,
                       key=packet.is_keyframe)
            for packet in self._codec.encode(frame)
        ]  # fmt: skip
