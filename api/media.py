"""Pictures: the newest one, with its true age, and the live stream of the camera's socket.

The camera stamps the newest picture with CLOCK_MONOTONIC of its capture (as modification time), and each access unit in
its header. A file that an earlier boot left behind carries a stamp that means nothing any more: the wall time at which
it was put there bounds its age from below.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import struct
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

from api.clock import Clock
from gate.model import Json

SNAPSHOT = "snapshot.jpg"
LIVE_SOCKET = "live.sock"
LARGEST_PICTURE = 8 * 1024 * 1024
LARGEST_UNIT = 8 * 1024 * 1024
FROM_CAMERA = struct.Struct("!BQI")  # kind, capture mono_ms, length
TO_PAGE = struct.Struct("!BIQ")  # kind, age_ms when sent, capture mono_ms
CONFIG, KEY, DELTA, JPEG = 0, 1, 2, 3
OLDEST_AGE_MS = 2**32 - 1


@dataclass(frozen=True, kw_only=True, slots=True)
class Picture:
    """One JPEG and when it was taken (CLOCK_MONOTONIC)."""

    jpeg: bytes
    age_ms: int
    mono_ms: int
    stamp_ns: int


@dataclass(frozen=True, kw_only=True, slots=True)
class Unit:
    """One access unit: `kind` KEY or DELTA, Annex B."""

    kind: int
    mono_ms: int
    payload: bytes


def stamp_of(path: Path) -> int:
    """Return what changes with each new picture; 0 while there is none."""
    try:
        return path.stat().st_mtime_ns
    except OSError:
        return 0


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
    return Picture(jpeg=jpeg, age_ms=max(by_stamp_ms, by_wall_ms), mono_ms=mono_ms, stamp_ns=found.st_mtime_ns)


def framed(kind: int, age_ms: int, mono_ms: int, payload: bytes) -> bytes:
    """Return a message as the page gets it (docs/api.md, live pictures)."""
    return TO_PAGE.pack(kind, min(max(age_ms, 0), OLDEST_AGE_MS), mono_ms) + payload


async def units(path: Path) -> AsyncIterator[dict[str, Json] | Unit]:
    """Yield what the camera sends: its configuration, then access units, until it hangs up.

    Raises `OSError` where nothing listens and `ValueError` where it does not speak as it should.
    """
    reader, writer = await asyncio.open_unix_connection(path)
    try:
        with contextlib.suppress(asyncio.IncompleteReadError):
            while True:
                kind, mono_ms, length = FROM_CAMERA.unpack(await reader.readexactly(FROM_CAMERA.size))
                if length > LARGEST_UNIT:
                    raise ValueError(f"the camera announces a unit of {length} bytes")
                payload = await reader.readexactly(length)
                if kind == CONFIG:
                    yield dict(json.loads(payload))
                else:
                    yield Unit(kind=kind, mono_ms=mono_ms, payload=payload)
    finally:
        writer.close()
