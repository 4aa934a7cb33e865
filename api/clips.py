"""The camera's files of an event, found by names that the camera gives and nobody else.

A clip under way is a fragmented MP4 (`<event_id>.part`) that only ever grows; as much of it as is whole plays already.
An event that joined the clip of another has a small file (`.join`) beside that clip which says whose.
"""

from __future__ import annotations

import datetime as dt
import json
import re
from dataclasses import dataclass
from pathlib import Path

FILE_NAME = re.compile(r"\d{4}-\d{2}-\d{2}/(?P<id>[0-9a-f-]{36})\.(?:mp4|jpg)")
CLIP_ID = re.compile(r"[0-9a-f-]{36}")
LARGEST_NOTE = 4096
HEADER = 8
EXTENDED = 1


@dataclass(frozen=True, kw_only=True, slots=True)
class Growing:
    """A clip that is still being written: the first `bytes` of `path` are whole and stay as they are."""

    path: Path
    bytes: int


def under_way(media: Path, event_id: str, started_at: str) -> Growing | None:
    """Return the clip of an event that is being written, None where none is, or where it has no picture yet.

    `started_at` is the contract's UTC text; the site's own day, which the folder is named after, is at most one off.
    """
    try:
        day = dt.datetime.fromisoformat(started_at).date()
        folders = [media / (day + dt.timedelta(days=off)).isoformat() for off in (0, 1, -1)]
    except (ValueError, OverflowError):
        return None
    for folder in folders:
        for clip_id in (event_id, _joined(folder / f"{event_id}.join")):
            path = folder / f"{clip_id}.part"
            if clip_id and (size := whole_bytes(path)):
                return Growing(path=path, bytes=size)
    return None


def _joined(path: Path) -> str | None:
    try:
        with path.open("rb") as file:
            clip_id = json.loads(file.read(LARGEST_NOTE)).get("clip")
    except (OSError, ValueError, AttributeError):
        return None
    return clip_id if isinstance(clip_id, str) and CLIP_ID.fullmatch(clip_id) else None


def whole_bytes(path: Path) -> int:
    """Return how many bytes of a fragmented MP4 are whole fragments; 0 where there is none yet."""
    try:
        with path.open("rb") as file:
            end = file.seek(0, 2)
            at = whole = 0
            while at + HEADER <= end:
                file.seek(at)
                head = file.read(2 * HEADER)
                size = int.from_bytes(head[:4], "big")
                if size == EXTENDED:
                    size = int.from_bytes(head[HEADER:], "big")
                at += size
                if size < HEADER or at > end:
                    break
                if head[4:HEADER] == b"mdat":
                    whole = at
    except OSError:
        return 0
    return whole
