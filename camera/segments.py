"""The continuous recording: everything that comes, in pieces of some minutes that begin at a key picture.

Written as clips are, fragment by fragment, so that a power cut costs a second; a piece is a fragmented MP4 for good,
because copying everything once more would wear the card for nothing. It knows nothing of events, and clips of events
know nothing of it. Used by the recorder's thread.
"""

from __future__ import annotations

import logging
from contextlib import suppress
from pathlib import Path

import av.error

from camera.catalogue import CLIP
from camera.clip import ClipWriter, holds_pictures
from camera.disk import sync_folder
from camera.fragments import cut_to_whole
from camera.source import AccessUnit
from camera.store import Store

log = logging.getLogger(__name__)


class Segments:
    """The piece under way. Methods raise as the disk does; the next key picture begins a new piece then."""

    def __init__(self, store: Store, length_s: float) -> None:
        self._store = store
        self._length_s = length_s
        self._writer: ClipWriter | None = None
        self._part: Path | None = None
        self._began_s = 0.0

    def take(self, unit: AccessUnit, wall_s: float) -> None:
        """Write one unit, shown at `wall_s` (Unix time); while the disk is nearly full, nothing."""
        if unit.key and self._writer and unit.at_s - self._began_s >= self._length_s:
            self.close()
        if self._store.low:
            self.close()
            return
        if self._writer is None:
            if not unit.key:
                return
            self._part = self._store.segment(wall_s)
            self._writer = ClipWriter(self._part, unit, None, self._store.sync)
            self._began_s = unit.at_s
        try:
            self._writer.write(unit)
        except (OSError, av.error.FFmpegError):
            with suppress(OSError, av.error.FFmpegError):
                self.close()
            raise

    def close(self) -> None:
        """End the piece: the next unit that can begin one does."""
        writer, part, self._writer, self._part = self._writer, self._part, None, None
        if writer is None or part is None:
            return
        try:
            writer.close()
        finally:
            settle(part)


def finish_left_over(store: Store) -> None:
    """Give what an earlier process left its final name, or remove what holds nothing. Raises `OSError`."""
    for part in store.unfinished_segments():
        settle(part)


def settle(part: Path) -> None:
    """Turn a `.part` into a piece that can be watched; one without a picture is removed. Raises `OSError`."""
    if cut_to_whole(part) and holds_pictures(part):
        part.replace(part.with_suffix(CLIP))
    else:
        log.info("%s holds no picture; removed", part.name)
        part.unlink(missing_ok=True)
    sync_folder(part.parent)
