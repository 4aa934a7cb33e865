"""The boxes of a fragmented MP4 (ISO/IEC 14496-12): how much of a file that was cut off anywhere is whole."""

from __future__ import annotations

import os
from pathlib import Path

HEADER = 8
EXTENDED = 1
ENDS = (b"mdat", b"mfra")


def whole_bytes(path: Path) -> int:
    """Return how many bytes are whole fragments, and the index behind them; 0 where there is none. Raises `OSError`."""
    with path.open("rb") as file:
        end = file.seek(0, os.SEEK_END)
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
            if head[4:HEADER] in ENDS:
                whole = at
    return whole


def cut_to_whole(path: Path) -> bool:
    """Cut off what is not whole; tell whether anything remains. Raises `OSError`."""
    whole = whole_bytes(path)
    if whole != path.stat().st_size:
        os.truncate(path, whole)
    return whole > 0
