"""What is kept on the disk, for how long, and how full the disk may get; the files are named in `catalogue`.

The day in a name is the site's own. What is older than `keep_days` goes. Above `max_gb`, or when the disk is nearly
full, the oldest go: first of the continuous recording, then of the events. An event that somebody holds never goes and
does not count against `max_gb`; below the disk's floor nothing new is written. Nothing goes for its age while the clock
is not believed, and no event while it is not known which are held.
"""

from __future__ import annotations

import datetime as dt
import logging
import os
import re
import threading
import zoneinfo
from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from camera.catalogue import CLIP, CONTINUOUS, DRAFT, HOLD, PART, PICTURE, Catalogue, Kept
from camera.cut import JOIN
from camera.disk import Space, Sync, disk_space, floor, make_folder, remedy, sync_folder, write_whole
from camera.holds import NOTHING_ASKED, Asked
from camera.motion import Rectangle
from camera.source import Picture
from camera.thumbnail import jpeg
from gate.model import JsonObject

log = logging.getLogger(__name__)

GB = 1_000_000_000
MOST_AT_ONCE = 200
NAME = re.compile(r"[A-Za-z0-9_-]+")
UNKNOWN_HOLDS = "the journal can't be read, and what is held stands there"

__all__ = ["Deleted", "Store", "remedy"]


@dataclass(frozen=True, kw_only=True, slots=True)
class Deleted:
    """Files are gone: of one event, or, with `event_id` None, of `segments` pieces of the continuous recording.

    `reason` is `age`, `size`, `disk`, or `missing` where somebody else took them. Names are within the media folder;
    `clip` and `last` are the first and the last of the pieces. The bytes of a clip that several events share are told
    with the first of them.
    """

    event_id: str | None
    reason: str
    bytes: int
    clip: str | None = None
    last: str | None = None
    segments: int = 0

    def fact(self) -> JsonObject:
        """Return it as `clip_deleted` says it (docs/api.md)."""
        common: JsonObject = {"clip": self.clip, "reason": self.reason, "bytes": self.bytes}
        if self.event_id is None:
            return {"segments": self.segments, "last": self.last, **common}
        return {"event_id": self.event_id, **common}


class Store:
    """The media folder. `sweep` is the recorder's; `hold`, `release`, names and `low` are anybody's."""

    def __init__(  # noqa: PLR0913, PLR0917 - the place, its limits and its disk
        self, folder: Path, timezone: str, keep_days: int, max_gb: float, space: Space = disk_space,
        sync: Sync = os.fdatasync, asked: Callable[[], Asked | None] = lambda: NOTHING_ASKED,
    ) -> None:  # fmt: skip
        self.folder = folder
        self.sync = sync
        self._zone = zoneinfo.ZoneInfo(timezone)
        self._keep_days = keep_days
        self._most_bytes = int(max_gb * GB)
        self._space = space
        self._catalogue = Catalogue(folder)
        self._deleting = threading.RLock()
        self._asked = asked
        self._held: set[str] = set()
        self._marked: set[str] | None = None
        self.low = False
        self.more = False
        self.free_bytes = 0
        self.undeletable: OSError | None = None

    def name(self, event_id: str, wall_s: float, suffix: str) -> str:
        """Return `YYYY-MM-DD/<event_id><suffix>` for an event that began at `wall_s` (Unix time)."""
        return f"{self._here(wall_s).date().isoformat()}/{event_id}{suffix}"

    def segment(self, wall_s: float) -> Path:
        """Return where a piece of the continuous recording that begins at `wall_s` is written; the name is free."""
        here = self._here(wall_s)
        folder = self.folder / CONTINUOUS / here.date().isoformat()
        names = (f"{here:%H-%M-%S}{f'.{again}' if again else ''}" for again in range(1_000_000))
        return next(
            path for name in names
            if not (path := folder / f"{name}{PART}").exists() and not (folder / f"{name}{CLIP}").exists()
        )  # fmt: skip

    def write_thumbnail(self, name: str, picture: Picture, box: Rectangle | None) -> None:
        """Write a JPEG that shows what is in `box` and some of its surroundings; all for None. Raises `OSError`."""
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        draft = path.with_name(path.name + DRAFT)
        try:
            draft.write_bytes(jpeg(picture, box))
            draft.replace(path)
        except OSError:
            draft.unlink(missing_ok=True)
            raise

    def thumbnail(self, event_id: str) -> Path | None:
        """Return an event's picture, None where it has none."""
        return next(iter(sorted(self.folder.glob(f"????-??-??/{event_id}{PICTURE}"))), None)

    def unfinished(self) -> list[Path]:
        """List the `.part` files of events that an earlier process left, oldest first."""
        return _files(self.folder.glob(f"????-??-??/*{PART}"))

    def unfinished_segments(self) -> list[Path]:
        """List those of the continuous recording."""
        return _files((self.folder / CONTINUOUS).glob(f"????-??-??/*{PART}"))

    def hold(self, event_id: str) -> bool:
        """Keep an event's files, and the clip that it is in, until `release`; survives a restart.

        Return False where nothing is kept of it yet: what comes of it is held too, but only by this process. Raises
        `OSError` where the disk refuses; it is held by this process all the same.
        """
        with self._deleting:
            self._held.add(event_id)
            files = [path for path in self._files_of(event_id) if path.suffix in {CLIP, PART, JOIN, PICTURE}]
            if not files:
                return False
            clip_or_any = min(files, key=lambda path: path.suffix == PICTURE)
            write_whole(clip_or_any.with_name(event_id + HOLD), b"")
            return True

    def release(self, event_id: str) -> bool:
        """Let an event go again, in its turn. Return False where nobody held it. Raises `OSError`."""
        with self._deleting:
            self._held.discard(event_id)
            holds = [path for path in self._files_of(event_id) if path.suffix == HOLD]
            for path in holds:
                path.unlink(missing_ok=True)
                sync_folder(path.parent)
            return bool(holds)

    def heed(self) -> Asked | None:
        """Learn what is held now, and let none of it go; None, and all as before, where that can't be known."""
        with self._deleting:  # what one thread read must not undo what another has read since
            asked = self._asked()
            if asked:
                self._held = (self._held | asked.held) - asked.released
            return asked

    def mark(self) -> None:
        """Write what is held beside the clips, where it outlives the journal. May take seconds; one thread's.

        What the disk refuses, or what is not there yet, is tried again the next time.
        """
        asked = self.heed()
        if asked is None:
            return
        if self._marked is None:
            self._marked = {path.stem for path in self.folder.glob(f"????-??-??/*{HOLD}")}
        for event_id in sorted(asked.held - self._marked):
            if self._done(self.hold, event_id):
                self._marked.add(event_id)
        for event_id in sorted(asked.released & self._marked):
            if self._done(self.release, event_id) is not None:
                self._marked.discard(event_id)

    def sweep(self, wall_s: float, *, trusted: bool = True) -> list[Deleted]:
        """Delete what is too old, too much or in the way, and look at the free space anew.

        `wall_s` is Unix time, `trusted` whether that is believed. What is being written is left alone. At most 200
        clips go in one sweep, so that nobody waits long; `more` is true then. Raises `OSError` where the folder can't
        be read; what can't be deleted is passed over and stays in `undeletable`.
        """
        make_folder(self.folder)
        self.undeletable = None
        known = self.heed() is not None
        segments, events = self._catalogue.segments(wall_s), self._catalogue.events(wall_s)
        oldest_day = self._here(wall_s).date() - dt.timedelta(days=self._keep_days) if trusted else dt.date.min
        total = sum(kept.bytes for kept in (*segments, *events) if not self._holds(kept))
        gone: list[tuple[Kept, str]] = []
        for kept_of_one_kind in (segments, events):
            for kept in kept_of_one_kind:
                if kept.has(PART) or self._holds(kept):
                    continue
                reason = self._reason(kept, oldest_day, total)
                if reason is None or len(gone) >= MOST_AT_ONCE:
                    break
                if not known and not kept.continuous:
                    self.undeletable = OSError(UNKNOWN_HOLDS)
                    break
                if self._delete(kept):
                    total -= kept.bytes
                    gone.append((kept, reason))
        disk, self.free_bytes = self._space(self.folder)
        self.low = self.free_bytes < floor(disk)
        self.more = len(gone) >= MOST_AT_ONCE
        return list(self._told(gone))

    def has_room(self) -> bool:
        """Look whether the disk is above its floor now. Raises `OSError` where the folder is gone."""
        disk, free = self._space(self.folder)
        return free >= floor(disk)

    def _holds(self, kept: Kept) -> bool:
        return kept.has(HOLD) or not self._held.isdisjoint(kept.event_ids)

    @staticmethod
    def _done(change: Callable[[str], bool], event_id: str) -> bool | None:
        """Change one hold; None where the disk refuses, which is logged."""
        try:
            return change(event_id)
        except OSError as error:
            log.warning("the hold of event %s can't be written (%s); it is tried again", event_id, error)
            return None

    def _reason(self, kept: Kept, oldest_day: dt.date, total: int) -> str | None:
        if kept.day < oldest_day:
            return "age"
        if total > self._most_bytes:
            return "size"
        disk, free = self._space(self.folder)
        return "disk" if free < floor(disk) else None

    def _delete(self, kept: Kept) -> bool:
        """Delete a clip and all that goes with it, unless somebody has begun to hold it; tell whether it is gone.

        The journal is asked for each: a sweep takes seconds, and who was told meanwhile that it is held is right.
        """
        with self._deleting:
            if not kept.continuous and self.heed() is None:
                self.undeletable = OSError(UNKNOWN_HOLDS)
                return False
            folders = {path.parent for path in kept.files}
            if self._holds(kept) or any(
                (folder / f"{event_id}{HOLD}").exists() for folder in folders for event_id in kept.event_ids
            ):
                return False
            try:
                for path in sorted(kept.files, key=lambda path: path.suffix != CLIP):
                    path.unlink(missing_ok=True)
            except OSError as error:
                self.undeletable = error
                return False
            for folder in folders:
                with suppress(OSError):  # not empty yet
                    folder.rmdir()
            return True

    def _told(self, gone: list[tuple[Kept, str]]) -> Iterable[Deleted]:
        for reason in dict.fromkeys(reason for kept, reason in gone if kept.continuous):
            pieces = [kept for kept, its in gone if kept.continuous and its == reason]
            names = [self._clip_name(kept) for kept in pieces]
            yield Deleted(event_id=None, reason=reason, bytes=sum(kept.bytes for kept in pieces), clip=names[0],
                          last=names[-1], segments=len(pieces))  # fmt: skip
        for kept, reason in gone:
            for event_id in kept.event_ids:
                own = kept.bytes if event_id == kept.clip_id else 0
                yield Deleted(event_id=event_id, reason=reason, bytes=own, clip=self._clip_name(kept))

    def _clip_name(self, kept: Kept) -> str | None:
        path = next((path for path in kept.files if path.suffix == CLIP), None)
        return path.relative_to(self.folder).as_posix() if path else None

    def _files_of(self, event_id: str) -> list[Path]:
        return sorted(self.folder.glob(f"????-??-??/{event_id}.*")) if NAME.fullmatch(event_id) else []

    def _here(self, wall_s: float) -> dt.datetime:
        return dt.datetime.fromtimestamp(wall_s, tz=self._zone)


def _files(paths: Iterable[Path]) -> list[Path]:
    """Return those that are files, in order: a folder can't be finished, and reading a pipe would never end."""
    return sorted(path for path in paths if path.is_file())
