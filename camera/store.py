"""What is kept on the disk: clips, thumbnails, how long they stay, and how full the disk may get.

`media_dir/YYYY-MM-DD/<event_id>.mp4`, `.jpg`, and `.part` while a clip is written; the day is the site's own.
Oldest events go first: those older than `keep_days`, then those above `max_gb`, then those that a nearly full disk
needs back. The disk is never filled: below the floor nothing new is written.
"""

from __future__ import annotations

import datetime as dt
import errno
import shutil
import zoneinfo
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias

import av.error
import cv2

from camera.motion import Rectangle
from camera.source import Picture

FLOOR_BYTES = 512 * 1024**2
FLOOR_SHARE = 0.05
GB = 1_000_000_000
DAY_S = 86_400.0
THUMBNAIL_SIZE = (640, 360)
THUMBNAIL_QUALITY = 80
SMALLEST_VIEW = 0.4
CONTEXT = 2.5
BOX_COLOUR = (60, 200, 255)
KEPT_SUFFIXES = frozenset({".mp4", ".jpg", ".part", ".tmp"})

Space: TypeAlias = Callable[[Path], tuple[int, int]]
"""(total, free) bytes of the disk that holds a folder."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Deleted:
    """An event's files are gone: `reason` is `age`, `size` or `disk`."""

    event_id: str
    reason: str
    bytes: int


@dataclass(frozen=True, kw_only=True, slots=True)
class Kept:
    """The files of one event, with the day that they are from."""

    event_id: str
    day: dt.date
    files: tuple[Path, ...]
    bytes: int


def remedy(error: OSError | av.error.FFmpegError, folder: Path) -> str:
    """Return what a person can do about an error of the disk under `folder`."""
    match error.errno:
        case errno.ENOSPC | errno.EDQUOT:
            return f"free some space under {folder}"
        case errno.ENOENT:
            return f"something removed it; {folder} is made again for the next event"
        case errno.EACCES | errno.EPERM | errno.EROFS:
            return f"make {folder} writable for this user"
        case _:
            return f"look after the disk of {folder}"


def disk_space(folder: Path) -> tuple[int, int]:
    """Return (total, free) bytes of the disk under `folder`."""
    usage = shutil.disk_usage(folder)
    return usage.total, usage.free


class Store:
    """The media folder. Used by the recorder's thread; `low` may be read by any."""

    def __init__(self, folder: Path, timezone: str, keep_days: int, max_gb: float, space: Space = disk_space) -> None:
        self.folder = folder
        self._zone = zoneinfo.ZoneInfo(timezone)
        self._keep_days = keep_days
        self._most_bytes = int(max_gb * GB)
        self._space = space
        self.low = False
        self.free_bytes = 0

    def name(self, event_id: str, wall_s: float, suffix: str) -> str:
        """Return `YYYY-MM-DD/<event_id><suffix>` for an event that began at `wall_s` (Unix time)."""
        day = dt.datetime.fromtimestamp(wall_s, tz=self._zone).date()
        return f"{day.isoformat()}/{event_id}{suffix}"

    def write_thumbnail(self, name: str, picture: Picture, box: Rectangle) -> None:
        """Write a JPEG that shows what is in `box` and some of its surroundings. Raises `OSError`."""
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        _, data = cv2.imencode(".jpg", close_up(picture, box), [cv2.IMWRITE_JPEG_QUALITY, THUMBNAIL_QUALITY])
        draft = path.with_suffix(".tmp")
        try:
            draft.write_bytes(data.tobytes())
            draft.replace(path)
        except OSError:
            draft.unlink(missing_ok=True)
            raise

    def unfinished(self) -> list[Path]:
        """List the `.part` files that an earlier process left, oldest first."""
        return sorted(self.folder.glob("????-??-??/*.part"))

    def sweep(self, wall_s: float) -> list[Deleted]:
        """Delete what is too old, too much or in the way, oldest first, and look at the free space anew.

        `wall_s` is Unix time. Files of an event that is being written are left alone.
        """
        self.folder.mkdir(parents=True, exist_ok=True)
        kept = self._kept()
        total = sum(event.bytes for event in kept)
        today = dt.datetime.fromtimestamp(wall_s, tz=self._zone).date()
        deleted: list[Deleted] = []
        for event in kept:
            disk, free = self._space(self.folder)
            reason = (
                "age" if (today - event.day).days > self._keep_days
                else "size" if total > self._most_bytes
                else "disk" if free < floor(disk)
                else None
            )  # fmt: skip
            if reason is None:
                break
            if any(path.suffix == ".part" for path in event.files):
                continue
            for path in event.files:
                path.unlink(missing_ok=True)
            total -= event.bytes
            deleted.append(Deleted(event_id=event.event_id, reason=reason, bytes=event.bytes))
            self._drop_empty(event)
        disk, self.free_bytes = self._space(self.folder)
        self.low = self.free_bytes < floor(disk)
        return deleted

    def _kept(self) -> list[Kept]:
        """List what is there by event, oldest first: ids are UUIDv7 and sort by time."""
        found: dict[tuple[dt.date, str], list[Path]] = {}
        for path in self.folder.glob("????-??-??/*"):
            day = day_of(path.parent.name)
            if day and path.suffix in KEPT_SUFFIXES:
                found.setdefault((day, path.stem), []).append(path)
        return [
            Kept(event_id=event_id, day=day, files=tuple(files), bytes=sum(size(path) for path in files))
            for (day, event_id), files in sorted(found.items())
        ]

    def _drop_empty(self, event: Kept) -> None:
        folder = event.files[0].parent
        if not any(folder.iterdir()):
            folder.rmdir()


def floor(disk_bytes: int) -> int:
    """Return how many bytes must stay free on a disk of this size."""
    return min(FLOOR_BYTES, int(disk_bytes * FLOOR_SHARE))


def day_of(name: str) -> dt.date | None:
    """Read a day folder's name, None where it is none."""
    try:
        return dt.date.fromisoformat(name)
    except ValueError:
        return None


def size(path: Path) -> int:
    """Return a file's bytes, 0 where it is gone."""
    try:
        return path.stat().st_size
    except OSError:
        return 0


def close_up(picture: Picture, box: Rectangle) -> Picture:
    """Cut out what a box holds with its surroundings, in the picture's shape, and mark the box."""
    height, width = picture.shape[:2]
    x0, y0, x1, y1 = box
    share = min(1.0, max(SMALLEST_VIEW, CONTEXT * max(x1 - x0, y1 - y0)))
    left = min(max(0.0, (x0 + x1 - share) / 2), 1.0 - share)
    top = min(max(0.0, (y0 + y1 - share) / 2), 1.0 - share)
    part = picture[
        round(top * height) : max(round(top * height) + 1, round((top + share) * height)),
        round(left * width) : max(round(left * width) + 1, round((left + share) * width)),
    ]
    scale = min(THUMBNAIL_SIZE[0] / part.shape[1], THUMBNAIL_SIZE[1] / part.shape[0])
    view = cv2.resize(part, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA if scale < 1 else cv2.INTER_CUBIC)
    corners = [
        (round((x - left) / share * view.shape[1]), round((y - top) / share * view.shape[0]))
        for x, y in ((x0, y0), (x1, y1))
    ]
    cv2.rectangle(view, corners[0], corners[1], BOX_COLOUR, 2, cv2.LINE_AA)
    return view  # type: ignore[return-value] # cv2's own type is any numeric array; uint8 in, uint8 out
