"""A key of this gate's own in a file: made once, whole, 0600, and believed only while nobody else may read it."""

from __future__ import annotations

import os
import stat
from pathlib import Path

OTHERS_MAY_READ = stat.S_IRWXG | stat.S_IRWXO
LARGEST_FILE = 4096


class SecretFileError(Exception):
    """The file can't be believed; the message says what to do."""


def read_secret(path: Path) -> bytes:
    """Return what the file holds. Raises `OSError`, and `SecretFileError` where others may read it."""
    with path.open("rb") as file:
        mode = os.fstat(file.fileno()).st_mode
        if not stat.S_ISREG(mode) or mode & OTHERS_MAY_READ:
            raise SecretFileError(f"the key {path} may be read by others (mode {stat.S_IMODE(mode):o}); chmod 600 it")
        return file.read(LARGEST_FILE)


def write_once(path: Path, written: bytes) -> bool:
    """Write a new file whole; tell whether it is ours: another process may have written its own in the same moment."""
    draft = path.with_name(f"{path.name}.{os.getpid()}.tmp")
    draft.unlink(missing_ok=True)
    try:
        descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "wb") as file:
            file.write(written)
            file.flush()
            os.fsync(descriptor)
        try:
            path.hardlink_to(draft)
        except FileExistsError:
            return False
    finally:
        draft.unlink(missing_ok=True)
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)
    return True
