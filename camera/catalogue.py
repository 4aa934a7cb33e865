"""What lies in the media folder, looked up without looking at everything again.

`YYYY-MM-DD/<event_id>.mp4`, `.jpg`, `.part` while it is written, `.join` where the event is in another one's clip,
`.hold` where somebody wants it kept; `continuous/YYYY-MM-DD/HH-MM-SS.mp4` for the continuous recording. A day's folder
is read again only when something came or went in it, so ten thousand events cost a sweep next to nothing.
"""

from __future__ import annotations

import datetime as dt
import os
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from camera.cut import JOIN, joined_clip

CONTINUOUS = "continuous"
CLIP, PICTURE, PART, DRAFT, HOLD = ".mp4", ".jpg", ".part", ".tmp", ".hold"
OURS = frozenset({CLIP, PICTURE, PART, HOLD, JOIN})
SETTLED_S = 5.0
UUID7 = 7


@dataclass(frozen=True, kw_only=True, slots=True)
class Kept:
    """The files of one clip: of the event that it is named after, and of those that joined it.

    `day`, `begun_s` (Unix time): when the first of them began, from its id where that is a UUIDv7, else from its file.
    """

    clip_id: str
    event_ids: tuple[str, ...]
    day: dt.date
    begun_s: float
    files: tuple[Path, ...]
    bytes: int
    continuous: bool = False

    def has(self, suffix: str) -> bool:
        """Tell whether there is a file of this kind."""
        return any(path.suffix == suffix for path in self.files)


@dataclass(frozen=True, kw_only=True, slots=True)
class Entry:
    """One file."""

    path: Path
    day: dt.date
    bytes: int
    changed_s: float


@dataclass(frozen=True, kw_only=True, slots=True)
class Day:
    """One day's folder as it was at `changed_s`."""

    changed_s: float
    files: tuple[Entry, ...]
    joins: dict[str, str]


class Catalogue:
    """The media folder. One thread at a time."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._days: dict[Path, Day] = {}
        self._listed: tuple[list[Day], list[Kept]] = ([], [])

    def events(self, wall_s: float) -> list[Kept]:
        """List what is kept of events, oldest first. `wall_s` is Unix time."""
        days = list(self._read(self._folder, wall_s))
        known, listed = self._listed
        if len(known) == len(days) and all(one is other for one, other in zip(known, days, strict=True)):
            return listed
        joins = {event: clip for day in days for event, clip in day.joins.items()}
        found: dict[str, list[Entry]] = {}
        for day in days:
            for entry in day.files:
                found.setdefault(joins.get(entry.path.stem, entry.path.stem), []).append(entry)
        listed = sorted((_kept(clip_id, files) for clip_id, files in found.items()), key=_age)
        self._listed = (days, listed)
        return listed

    def segments(self, wall_s: float) -> list[Kept]:
        """List what is kept of the continuous recording, oldest first."""
        found: dict[tuple[dt.date, str], list[Entry]] = {}
        for day in self._read(self._folder / CONTINUOUS, wall_s):
            for entry in day.files:
                found.setdefault((entry.day, entry.path.stem), []).append(entry)
        return [_kept(stem, files, continuous=True) for (_, stem), files in sorted(found.items())]

    def _read(self, folder: Path, wall_s: float) -> Iterator[Day]:
        if not folder.is_dir():
            return
        seen: dict[Path, Day] = {}
        for path in sorted(folder.iterdir()):
            date = day_of(path.name)
            if date is None:
                continue
            known = self._days.get(path)
            try:
                changed_s = path.stat().st_mtime
                stands = known and known.changed_s == changed_s and abs(wall_s - changed_s) > SETTLED_S
                day = known if known and stands else _day(path, date, changed_s)
            except OSError:  # it went away meanwhile, or can't be read; then nothing of it is ours to delete
                continue
            if not any(entry.path.suffix == PART for entry in day.files):  # what still grows is looked at each time
                seen[path] = day
            yield day
        self._days = {path: day for path, day in self._days.items() if path.parent != folder} | seen


def _day(folder: Path, date: dt.date, changed_s: float) -> Day:
    files, joins = [], {}
    with os.scandir(folder) as entries:
        for entry in entries:
            path = Path(entry.path)
            if path.suffix not in OURS:
                continue
            status = entry.stat(follow_symlinks=False)
            files.append(Entry(path=path, day=date, bytes=status.st_size, changed_s=status.st_mtime))
            if path.suffix == JOIN and (clip := joined_clip(path)):
                joins[path.stem] = clip
    return Day(changed_s=changed_s, files=tuple(files), joins=joins)


def _kept(clip_id: str, files: list[Entry], *, continuous: bool = False) -> Kept:
    others = sorted({entry.path.stem for entry in files} - {clip_id})
    moment_s = moment_of(clip_id)
    return Kept(
        clip_id=clip_id, event_ids=() if continuous else (clip_id, *others), day=min(entry.day for entry in files),
        begun_s=min(entry.changed_s for entry in files) if moment_s is None else moment_s,
        files=tuple(entry.path for entry in files), bytes=sum(entry.bytes for entry in files), continuous=continuous,
    )  # fmt: skip


def _age(kept: Kept) -> tuple[dt.date, float, str]:
    return kept.day, kept.begun_s, kept.clip_id


def moment_of(event_id: str) -> float | None:
    """Return the Unix time that a UUIDv7 carries, None for any other name."""
    try:
        value = uuid.UUID(event_id)
    except ValueError:
        return None
    return (value.int >> 80) / 1000 if value.version == UUID7 else None


def day_of(name: str) -> dt.date | None:
    """Read a day folder's name, None where it is none."""
    try:
        day = dt.date.fromisoformat(name)
    except ValueError:
        return None
    return day if day.isoformat() == name else None
