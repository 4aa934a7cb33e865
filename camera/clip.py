"""One clip as a file: written so that a power cut costs a second, finished so that it plays and seeks everywhere.

While it is written, `NAME.part` is a fragmented MP4: every second, or at a key picture after half a second, what there
is becomes a whole fragment, is handed to the kernel and synced, its name in the folder too. It only ever grows, and
plays while it does. `finish` copies it, untouched pictures and all, into a plain MP4 with its index in front and gives
it its final name only when it is whole and on the disk. Nothing is encoded here: the pictures in the file are those
that came from the camera, bit by bit.
"""

from __future__ import annotations

import io
import json
import os
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import asdict, dataclass
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, get_args

import av
import av.error
from av.packet import Packet

from camera.disk import CHUNK_BYTES, FULL, Sync, SyncedFile, make_folder, sha256, sync_folder
from camera.encode import TICKS
from camera.fragments import cut_to_whole
from camera.h264 import codec_name
from camera.messages import Cause
from camera.source import AccessUnit

if TYPE_CHECKING:
    from av.container import InputContainer, OutputContainer
    from av.video.stream import VideoStream

WRITING = {
    "movflags": "frag_keyframe+empty_moov+default_base_moof",
    "frag_duration": "1000000",
    "min_frag_duration": "500000",
    "flush_packets": "1",
}
INDEX_BYTES = 4096
INDEX_BYTES_A_PICTURE = 48
NOTE = "comment"


class BrokenClipError(Exception):
    """A file holds no picture that can be kept."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Note:
    """What a clip remembers of an event, in its file or beside it, so that a later start of the process can finish it.

    `begun_s` is Unix time; 0 where it is not known.
    """

    event_id: str
    pre_roll_s: float
    cause: Cause = "motion"
    begun_s: float = 0.0

    def text(self) -> str:
        """Return it as JSON."""
        return json.dumps(asdict(self))


@dataclass(frozen=True, kw_only=True, slots=True)
class Clip:
    """A finished clip."""

    duration_s: float
    bytes: int
    width: int
    height: int
    codec: str
    sha256: str
    note: Note | None


def read_note(text: str | bytes) -> Note | None:
    """Read what `Note.text` wrote, None where it is none."""
    try:
        data = json.loads(text)
        cause = data.get("cause")
        return Note(
            event_id=str(data["event_id"]), pre_roll_s=float(data["pre_roll_s"]),
            cause=cause if cause in get_args(Cause) else "motion", begun_s=float(data.get("begun_s", 0.0)),
        )  # fmt: skip
    except (ValueError, KeyError, TypeError, AttributeError):
        return None


def note_in(path: Path) -> Note | None:
    """Read the note of a clip, or of one that was not finished; None where it has none."""
    try:
        with av.open(str(path), "r") as container:
            return read_note(container.metadata.get(NOTE, ""))
    except (OSError, av.error.FFmpegError):
        return None


def holds_pictures(path: Path) -> bool:
    """Tell whether at least one whole picture can be read from a file."""
    try:
        with av.open(str(path), "r") as container:
            return next(_whole_packets(container), None) is not None
    except (OSError, av.error.FFmpegError, IndexError):
        return False


class ClipWriter:
    """One `.part` file under way. Raises `OSError` where the disk refuses; what was written stays."""

    def __init__(self, path: Path, first: AccessUnit, note: Note | None, sync: Sync = os.fdatasync) -> None:
        make_folder(path.parent)
        # The header is taken from the first key unit itself: size and parameter sets can't disagree with the pictures.
        self._model = av.open(io.BytesIO(first.data), "r", format="h264")
        self._file = SyncedFile(path, "wb", sync)
        try:
            sync_folder(path.parent)
        except OSError:
            self._file.close()
            raise
        self._begin_s = min(first.at_s, first.decode_s)
        self._last_dts = -1
        self.units = 0
        # libav hands over a fragment in pieces of its buffer's size: one write and one sync a fragment, as a rule.
        self._container = av.open(self._file, "w", format="mp4", options=WRITING, buffer_size=CHUNK_BYTES)
        self._stream = self._container.add_stream_from_template(self._model.streams.video[0])
        self._stream.time_base = Fraction(1, TICKS)
        if note:
            self._container.metadata[NOTE] = note.text()

    def write(self, unit: AccessUnit) -> None:
        """Append one access unit, in decoding order; a time that goes back is moved to just after the one before."""
        packet = Packet(unit.data)
        dts = max(self._last_dts + 1, round((unit.decode_s - self._begin_s) * TICKS))
        packet.dts = self._last_dts = dts
        packet.pts = max(dts, round((unit.at_s - self._begin_s) * TICKS))
        packet.time_base = Fraction(1, TICKS)
        packet.stream = self._stream
        packet.is_keyframe = unit.key
        self._container.mux_one(packet)
        self.units += 1

    def write_all(self, units: list[AccessUnit]) -> None:
        """Append what lies in memory already, and sync once."""
        self._file.waiting = True
        try:
            for unit in units:
                self.write(unit)
        finally:
            self._file.waiting = False
        self._file.settle()

    def close(self) -> None:
        """Write the last fragment and let go of the file, whatever happens."""
        try:
            self._container.close()
        finally:
            self._model.close()
            self._file.close()


def finish(part: Path, final: Path) -> Clip:
    """Copy the whole fragments of `part` into `final`, remove `part` and say what the clip holds.

    Where the disk has no room for a copy, `part` itself becomes the clip. Raises `BrokenClipError` where `part` holds
    no picture, `OSError` where the disk refuses; `part` is kept then.
    """
    draft = final.with_suffix(".tmp")
    try:
        _remake(part, draft)
        clip = describe(draft)
        draft.replace(final)
    except (av.error.InvalidDataError, av.error.EOFError, IndexError) as error:
        draft.unlink(missing_ok=True)
        raise BrokenClipError(f"{part.name} holds no picture that can be kept ({error})") from None
    except BrokenClipError:
        draft.unlink(missing_ok=True)
        raise
    except (OSError, av.error.FFmpegError) as error:
        draft.unlink(missing_ok=True)
        if error.errno not in FULL:
            raise
        cut_to_whole(part)
        clip = describe(part)
        part.replace(final)
    sync_folder(final.parent)
    part.unlink(missing_ok=True)
    return clip


def _remake(part: Path, draft: Path) -> None:
    with av.open(str(part), "r") as source:
        count = sum(1 for _ in _whole_packets(source))
        if not count:
            raise BrokenClipError(f"{part.name} holds no picture")
        source.seek(0)
        # Room for the index is left in front, so that it need not be put there by copying everything once more.
        options = {"moov_size": str(INDEX_BYTES + INDEX_BYTES_A_PICTURE * count), "flush_packets": "0"}
        with (
            SyncedFile(draft, "wb") as file,
            av.open(file, "w", format="mp4", options=options, buffer_size=CHUNK_BYTES) as target,
        ):
            _copy(source, target, target.add_stream_from_template(source.streams.video[0]))


def _copy(source: InputContainer, target: OutputContainer, stream: VideoStream) -> None:
    if NOTE in source.metadata:
        target.metadata[NOTE] = source.metadata[NOTE]
    for packet in _whole_packets(source):
        packet.stream = stream
        target.mux_one(packet)


def _whole_packets(source: InputContainer) -> Iterator[Packet[VideoStream]]:
    """Yield the pictures up to where the file was cut off; what follows would refer to what is missing."""
    with suppress(av.error.InvalidDataError):
        for packet in source.demux(source.streams.video[0]):
            if packet.is_corrupt:
                return
            if packet.dts is not None and packet.size:
                yield packet


def describe(path: Path) -> Clip:
    """Read what a clip holds. Raises `BrokenClipError` where it is none, `OSError` where it can't be read."""
    try:
        with av.open(str(path), "r") as container:
            stream = container.streams.video[0]
            context = stream.codec_context
            header = context.extradata or b""
            codec = f"avc1.{header[1:4].hex()}" if header[:1] == b"\x01" else codec_name(header)
            return Clip(
                duration_s=round((container.duration or 0) / av.time_base, 3), bytes=path.stat().st_size,
                width=context.width, height=context.height, codec=codec, sha256=sha256(path),
                note=read_note(container.metadata.get(NOTE, "")),
            )  # fmt: skip
    except (av.error.InvalidDataError, av.error.EOFError, IndexError) as error:
        raise BrokenClipError(f"{path.name} is no clip ({error})") from None
