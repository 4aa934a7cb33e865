"""A clip under way: one file, and the events that it shows.

Events that come while the clip of another still runs join it: one clip, named by the first of them. What is needed to
finish it after a power cut is on the disk beside the pictures: the first event's note in the file, `<event_id>.join`
for each other one, which also leads from that event to the clip for as long as the clip is kept.
"""

from __future__ import annotations

import json
import os
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path

import av.error

from camera.clip import ClipWriter, Note, note_in, read_note
from camera.disk import Sync, write_whole
from camera.messages import Begin, Limits
from camera.source import AccessUnit

JOIN = ".join"
NO_PICTURE = (av.error.InvalidDataError, av.error.ArgumentError)
"""What libav says of a unit that it can't make a file of, which is the camera's fault and not the disk's."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Job:
    """A `.part` that is to become a clip: its events, how long those that ended lasted, and what is missing in it.

    `lasted_s` is None where an earlier process left it: nobody knows any more, and nobody goes on with it.
    """

    part: Path
    notes: tuple[Note, ...]
    lasted_s: dict[str, float | None] | None
    lost: int


class Cut:
    """One clip under way. `refused` is true after the disk refused: nothing more is written, what is there is kept."""

    def __init__(self, part: Path, begin: Begin, sync: Sync = os.fdatasync) -> None:
        self.part = part
        self._sync = sync
        self.refused = False
        self.lost = 0
        self._begins = [begin]
        self._ended: dict[str, float] = {}
        self._writer: ClipWriter | None = None
        self._first_s = begin.at_s
        self._last_s = begin.at_s

    @property
    def empty(self) -> bool:
        """Tell whether it has no picture yet."""
        return self._writer is None

    def begin(self, units: list[AccessUnit]) -> None:
        """Write what lies in memory already, from its first key picture on. Raises as the disk does."""
        for index, unit in enumerate(units):
            self._last_s = unit.at_s
            if unit.key and (writer := self._opened(unit)):
                writer.write_all(units[index + 1 :])
                self._last_s = units[-1].at_s
                return

    def write(self, unit: AccessUnit) -> None:
        """Append one unit; a clip without pictures yet waits for a key one. Raises as the disk does."""
        self._last_s = unit.at_s
        if self.refused:
            return
        if self._writer:
            self._writer.write(unit)
        elif unit.key:
            self._opened(unit)

    def can_take(self, begin: Begin, limits: Limits) -> bool:
        """Tell whether an event that begins now belongs into this clip."""
        return not self.refused and begin.at_s - self._first_s < limits.max_clip_s

    def join(self, begin: Begin) -> None:
        """Take another event in. Raises as the disk does."""
        self._begins.append(begin)
        if self._writer:
            self._note_beside(begin)

    def end(self, event_id: str, at_s: float) -> None:
        """Note the end of one of its events."""
        if any(begin.event_id == event_id for begin in self._begins):
            self._ended[event_id] = at_s

    def is_over(self, limits: Limits) -> bool:
        """Tell whether what was written last was the end: of all events and their post-roll, or of the room."""
        newest = self._begins[-1]
        from_s = max(self._first_s, newest.at_s - limits.pre_roll_s)
        if self._writer and self._last_s - from_s >= limits.max_clip_s:
            return True
        all_ended = len(self._ended) == len(self._begins)
        return all_ended and self._last_s >= max(self._ended.values()) + limits.post_roll_s

    def close(self) -> Job | None:
        """Let go of the file and say what is to be made of it; None where there is none.

        The last fragment may be lost where the disk refuses it: that is raised by `ClipWriter.close` and swallowed
        here, since what was written before is a clip all the same.
        """
        if self._writer is None:
            return None
        try:
            self._writer.close()
        except (OSError, ValueError):
            self.refused = True
        return Job(
            part=self.part, notes=tuple(map(self._note, self._begins)), lost=self.lost,
            lasted_s={
                begin.event_id: max(0.0, self._ended[begin.event_id] - begin.at_s)
                for begin in self._begins if begin.event_id in self._ended
            },
        )  # fmt: skip

    def _opened(self, first: AccessUnit) -> ClipWriter | None:
        """Begin the file with a key unit; None where that is no picture that can be decoded."""
        self._first_s = first.at_s
        try:
            writer = ClipWriter(self.part, first, self._note(self._begins[0]), self._sync)
        except NO_PICTURE:
            return None
        self._writer = writer
        try:
            writer.write(first)
        except NO_PICTURE:
            self._writer = None
            with suppress(*NO_PICTURE):
                writer.close()
            self.part.unlink(missing_ok=True)
            return None
        for begin in self._begins[1:]:
            self._note_beside(begin)
        return writer

    def _note(self, begin: Begin) -> Note:
        pre_roll_s = round(max(0.0, begin.at_s - self._first_s), 3)
        return Note(event_id=begin.event_id, pre_roll_s=pre_roll_s, cause=begin.cause, begun_s=round(begin.wall_s, 3))

    def _note_beside(self, begin: Begin) -> None:
        joined = {"clip": self.part.stem, **asdict(self._note(begin))}
        write_whole(self.part.with_name(begin.event_id + JOIN), json.dumps(joined).encode())


def joined_clip(path: Path) -> str | None:
    """Return the name, without suffix, of the clip that the event of a `.join` file is in; None where it says none."""
    try:
        clip = json.loads(path.read_bytes())["clip"]
    except (OSError, ValueError, KeyError, TypeError):
        return None
    return clip if isinstance(clip, str) else None


def joined(part: Path) -> list[Note]:
    """Return the events that had joined a clip, from what lies beside it. Raises `OSError`."""
    beside = (path for path in sorted(part.parent.glob("*" + JOIN)) if joined_clip(path) == part.stem)
    return [note for path in beside if (note := read_note(path.read_bytes()))]


def left_over(part: Path) -> Job:
    """Return what is to be made of a `.part` that an earlier process left."""
    own = note_in(part) or Note(event_id=part.stem, pre_roll_s=0.0)
    return Job(part=part, notes=(own, *joined(part)), lasted_s=None, lost=0)
