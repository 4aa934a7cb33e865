"""`health.ring`: the samples of the last weeks, in a file that never grows.

- One place for each ten minutes of 31 days; a new sample takes the place of the one that is 31 days older. Nothing is
  ever pruned, and a card wears by one block in ten minutes.
- A place holds the moment, the figures in the order of `history.FOLDS` (32-bit, NaN: not known) and a checksum. A place
  that was torn by a power cut, was never written, or is of another format does not fit its checksum and is passed over:
  these are plots, and a gap says all.
- A wall clock that was wrong does no harm: each sample carries its own moment, and only those of the span that is asked
  for are given.
"""

from __future__ import annotations

import contextlib
import math
import os
import struct
import zlib
from collections.abc import Iterator
from pathlib import Path

from api.history import FOLDS, SLOT_S, Sample

KEPT_DAYS = 31
SLOTS = KEPT_DAYS * 86_400 // SLOT_S
BODY = struct.Struct(f"<q{len(FOLDS)}f")
CHECK = struct.Struct("<I")
PLACE = BODY.size + CHECK.size
FORMAT = zlib.crc32(f"antt-gate health 1 {' '.join(FOLDS)}".encode())


class Ring:
    """The file. Every method may wait for the disk: not for the event loop."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def write(self, sample: Sample) -> None:
        """Put a sample in its place. Raises `OSError` where the disk refuses; the file is as it was then, or torn."""
        figures = (sample.figures.get(name, math.nan) for name in FOLDS)
        body = BODY.pack(sample.at_s, *figures)
        packed = body + CHECK.pack(zlib.crc32(body, FORMAT))
        file = os.open(self._path, os.O_RDWR | os.O_CREAT, 0o600)
        try:
            os.pwrite(file, packed, sample.at_s // SLOT_S % SLOTS * PLACE)
            os.fdatasync(file)
        finally:
            os.close(file)

    def read(self, since_s: int, until_s: int) -> list[Sample]:
        """Return what is known of a span of time, oldest first."""
        with contextlib.suppress(OSError):
            content = self._path.read_bytes()
            return sorted(
                (sample for sample in _parsed(content) if since_s <= sample.at_s < until_s), key=lambda one: one.at_s
            )
        return []


def _parsed(content: bytes) -> Iterator[Sample]:
    for begin in range(0, min(len(content), SLOTS * PLACE) - PLACE + 1, PLACE):
        body = content[begin : begin + BODY.size]
        if CHECK.unpack_from(content, begin + BODY.size)[0] != zlib.crc32(body, FORMAT):
            continue
        at_s, *values = BODY.unpack(body)
        if at_s // SLOT_S % SLOTS * PLACE == begin:
            known = zip(FOLDS, values, strict=True)
            yield Sample(at_s=at_s, figures={name: value for name, value in known if math.isfinite(value)})
