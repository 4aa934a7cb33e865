"""Pictures as the camera leaves them and as a page gets them: the newest one in its file, and the headers of live ones.

The camera stamps the newest picture with CLOCK_MONOTONIC of its capture (as modification time), and each live one in
its header. A file that an earlier boot left behind carries a stamp that means nothing any more: the wall time at which
it was put there bounds its age from below.
"""

from __future__ import annotations

import os
import struct
from dataclasses import dataclass
from pathlib import Path

from api.clock import Clock

SNAPSHOT = "snapshot.jpg"
LIVE_SOCKET = "live.sock"
LARGEST_PICTURE = 8 * 1024 * 1024
LARGEST_UNIT = 8 * 1024 * 1024
FROM_CAMERA = struct.Struct("!BQI")  # kind, capture mono_ms, length
TO_PAGE = struct.Struct("!BIQ")  # kind, age_ms when sent, capture mono_ms
OLDEST_AGE_MS = 2**32 - 1


@dataclass(frozen=True, kw_only=True, slots=True)
class Picture:
    """One JPEG and when it was taken (CLOCK_MONOTONIC)."""

    jpeg: bytes
    age_ms: int
    mono_ms: int


def read_picture(path: Path, clock: Clock) -> Picture | None:
    """Return the newest picture with its age, None where there is none."""
    try:
        with path.open("rb") as file:
            found = os.fstat(file.fileno())
            jpeg = file.read(LARGEST_PICTURE)
    except OSError:
        return None
    by_stamp_ms = (clock.mono_ns() - found.st_mtime_ns) // 1_000_000
    by_wall_ms = int(clock.wall_s() * 1000) - found.st_ctime_ns // 1_000_000
    if not jpeg or by_stamp_ms < 0:
        return None
    mono_ms = found.st_mtime_ns // 1_000_000
    return Picture(jpeg=jpeg, age_ms=max(by_stamp_ms, by_wall_ms), mono_ms=mono_ms)


def framed_head(kind: int, age_ms: int, mono_ms: int) -> bytes:
    """Return what stands before a picture or access unit in a message to the page (docs/api.md, live pictures)."""
    return TO_PAGE.pack(kind, min(max(age_ms, 0), OLDEST_AGE_MS), mono_ms)
