"""What is asked of the disk itself: room, durability, and words for a person when it refuses."""

from __future__ import annotations

import errno
import hashlib
import io
import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import TypeAlias

import av.error

FLOOR_BYTES = 512 * 1024**2
FLOOR_SHARE = 0.05
CHUNK_BYTES = 1024**2
FULL = frozenset({errno.ENOSPC, errno.EDQUOT})

Sync: TypeAlias = Callable[[int], None]
"""Sees that what was written to a file (its handle) is on the disk."""

DiskError: TypeAlias = OSError | av.error.FFmpegError
"""How the disk's refusal arrives: from a write of ours, or through libav."""

Space: TypeAlias = Callable[[Path], tuple[int, int]]
"""(total, free) bytes of the disk that holds a folder."""


class SyncedFile(io.FileIO):
    """A file whose every write is on the disk before the next one: libav writes one fragment at a time.

    While `waiting` is true, writes are only handed to the kernel; `settle` makes up for it.
    """

    def __init__(self, path: Path, mode: str, sync: Sync = os.fdatasync) -> None:
        super().__init__(path, mode)
        self._sync = sync
        self.waiting = False

    def write(self, data: bytes | bytearray | memoryview, /) -> int:  # type: ignore[override] # FileIO takes any buffer
        """Write all of it and sync the data."""
        rest = memoryview(data)
        while rest:
            rest = rest[super().write(rest) :]
        if not self.waiting:
            self.settle()
        return len(data)

    def settle(self) -> None:
        """See that everything written so far is on the disk."""
        self._sync(self.fileno())


def remedy(error: DiskError, folder: Path) -> str:
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


def floor(disk_bytes: int) -> int:
    """Return how many bytes must stay free on a disk of this size."""
    return min(FLOOR_BYTES, int(disk_bytes * FLOOR_SHARE))


def sync_folder(folder: Path) -> None:
    """See that the names in a folder are on the disk: a synced file whose name is lost is lost."""
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def make_folder(folder: Path) -> None:
    """Make a folder that is there after a power cut too."""
    if not folder.is_dir():
        folder.mkdir(parents=True, exist_ok=True)
        sync_folder(folder.parent)


def write_whole(path: Path, data: bytes) -> None:
    """Write a small file that is there whole or not at all, and synced. Raises `OSError`."""
    make_folder(path.parent)
    draft = path.with_name(path.name + ".tmp")
    try:
        with SyncedFile(draft, "wb") as file:
            file.write(data)
        draft.replace(path)
        sync_folder(path.parent)
    except OSError:
        draft.unlink(missing_ok=True)
        raise


def sha256(path: Path) -> str:
    """Return a file's SHA-256 in hex. Raises `OSError`."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def sha256_synced(path: Path) -> str:
    """Return the SHA-256 of a file that others wrote, once its bytes are on the disk. Raises `OSError`."""
    with path.open("rb") as file:
        os.fsync(file.fileno())
    return sha256(path)


def size(path: Path) -> int:
    """Return a file's bytes, 0 where it is gone."""
    try:
        return path.stat().st_size
    except OSError:
        return 0
