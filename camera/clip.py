"""One clip as a file: written so that a power cut costs a second, finished so that it plays and seeks everywhere.

While it is written, `NAME.part` is a fragmented MP4: every second or key picture, whichever comes first, what there is
becomes a whole fragment, is handed to the kernel and synced. `finish` copies it, untouched pictures and all, into a
plain MP4 with its index in front (`faststart`) and gives it its final name only when it is whole. Nothing is encoded
here: the pictures in the file are those that came from the camera, bit by bit.
"""

from __future__ import annotations

import io
import json
import os
from dataclasses import asdict, dataclass
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING

import av
import av.error
from av.packet import Packet
from av.video.stream import VideoStream

from camera.encode import TICKS
from camera.h264 import codec_name
from camera.source import AccessUnit

if TYPE_CHECKING:
    from av.container import InputContainer

FRAGMENT_US = 1_000_000
WRITING = {
    "movflags": "frag_keyframe+empty_moov+default_base_moof",
    "frag_duration": str(FRAGMENT_US),
    "flush_packets": "1",
}
FINISHED = {"movflags": "faststart"}
NOTE = "comment"


class BrokenClipError(Exception):
    """A file holds no picture that can be kept."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Note:
    """What a clip remembers of its event, inside the file, so that a later start of the process can finish it."""

    event_id: str
    pre_roll_s: float


@dataclass(frozen=True, kw_only=True, slots=True)
class Clip:
    """A finished clip."""

    duration_s: float
    bytes: int
    width: int
    height: int
    codec: str
    note: Note | None


class SyncedFile(io.FileIO):
    """A file whose every write is on the disk before the next one: libav writes one fragment at a time."""

    def write(self, data: bytes | bytearray | memoryview, /) -> int:  # type: ignore[override] # FileIO takes any buffer
        """Write all of it and sync the data."""
        rest = memoryview(data)
        while rest:
            rest = rest[super().write(rest) :]
        os.fdatasync(self.fileno())
        return len(data)


class ClipWriter:
    """One `.part` file under way. Raises `OSError` where the disk refuses; what was written stays."""

    def __init__(self, path: Path, first: AccessUnit, note: Note) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self._file = SyncedFile(path, "wb")
        self._begin_s = min(first.at_s, first.decode_s)
        self._last_dts = -1
        self.bytes = 0
        # The header is taken from the first key unit itself: size and parameter sets can't disagree with the pictures.
        self._model = av.open(io.BytesIO(first.data), "r", format="h264")
        self._container = av.open(self._file, "w", format="mp4", options=WRITING)
        self._stream = self._container.add_stream_from_template(self._model.streams.video[0])
        self._stream.time_base = Fraction(1, TICKS)
        self._container.metadata[NOTE] = json.dumps(asdict(note))

    def write(self, unit: AccessUnit) -> None:
        """Append one access unit, in decoding order."""
        packet = Packet(unit.data)
        dts = max(self._last_dts + 1, round((unit.decode_s - self._begin_s) * TICKS))
        packet.dts = self._last_dts = dts
        packet.pts = max(dts, round((unit.at_s - self._begin_s) * TICKS))
        packet.time_base = Fraction(1, TICKS)
        packet.stream = self._stream
        packet.is_keyframe = unit.key
        self._container.mux_one(packet)
        self.bytes += len(unit.data)

    def close(self) -> None:
        """Write the last fragment and let go of the file, whatever happens."""
        try:
            self._container.close()
        finally:
            self._model.close()
            self._file.close()


def finish(part: Path, final: Path) -> Clip:
    """Copy the whole fragments of `part` into `final`, remove `part` and say what the clip holds.

    Raises `BrokenClipError` where `part` holds no picture, `OSError` where the disk refuses; `part` is kept then.
    """
    draft = final.with_suffix(".tmp")
    try:
        with av.open(str(part), "r") as source:
            with av.open(str(draft), "w", format="mp4", options=FINISHED) as target:
                _copy(source, target.add_stream_from_template(source.streams.video[0]), target)
            note = _read_note(source)
        clip = describe(draft, note)
        with draft.open("rb") as whole:
            os.fsync(whole.fileno())
        draft.replace(final)
    except (av.error.InvalidDataError, av.error.EOFError, IndexError) as error:
        draft.unlink(missing_ok=True)
        raise BrokenClipError(f"{part.name} holds no picture that can be kept ({error})") from None
    except (OSError, BrokenClipError):
        draft.unlink(missing_ok=True)
        raise
    part.unlink(missing_ok=True)
    return clip


def _copy(source: InputContainer, stream: VideoStream, target: av.container.OutputContainer) -> None:
    copied = 0
    try:
        for packet in source.demux(source.streams.video[0]):
            if packet.dts is None or packet.size == 0:
                continue
            if packet.is_corrupt:
                break  # cut off in the middle; what follows would refer to it
            packet.stream = stream
            target.mux_one(packet)
            copied += 1
    except av.error.InvalidDataError:
        pass  # the last fragment was cut; everything before it is here
    if not copied:
        raise BrokenClipError("it holds no picture")


def _read_note(source: InputContainer) -> Note | None:
    try:
        data = json.loads(source.metadata.get(NOTE, ""))
        return Note(event_id=str(data["event_id"]), pre_roll_s=float(data["pre_roll_s"]))
    except (ValueError, KeyError, TypeError):
        return None


def describe(path: Path, note: Note | None) -> Clip:
    """Read what a finished clip holds."""
    with av.open(str(path), "r") as container:
        stream = container.streams.video[0]
        context = stream.codec_context
        header = context.extradata or b""
        codec = f"avc1.{header[1:4].hex()}" if header[:1] == b"\x01" else codec_name(header)
        return Clip(
            duration_s=round((container.duration or 0) / av.time_base, 3), bytes=path.stat().st_size,
            width=context.width, height=context.height, codec=codec, note=note,
        )  # fmt: skip
