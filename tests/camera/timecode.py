"""Reads the time that a picture carries in itself (`camera.timecode`), whatever size it was scaled to."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from camera import timecode

FAR_APART = 60


def read(luma: NDArray[np.uint8]) -> float | None:
    """Return when a picture was drawn, in seconds of CLOCK_MONOTONIC to the millisecond; None if it does not say.

    `luma` is (height, width) uint8 of the whole picture at any scale: Y of a decoded frame, or a grey JPEG.
    """
    height, width = luma.shape
    block = width / timecode.BLOCKS_ACROSS
    across = np.round((timecode.LEFT + np.arange(timecode.COLUMNS) + 0.5) * block - 0.5).astype(int)
    down = np.round((timecode.TOP + np.arange(timecode.ROWS) + 0.5) * block - 0.5).astype(int)
    if across[-1] >= width or down[-1] >= height:
        return None
    levels = luma[np.ix_(down, across)].astype(int)
    low, high = int(levels.min()), int(levels.max())
    if high - low < FAR_APART:
        return None
    word = 0
    for bit in (levels > (low + high) / 2).ravel():
        word = word << 1 | int(bit)
    milliseconds, told = word >> timecode.CHECK_BITS, word & ((1 << timecode.CHECK_BITS) - 1)
    return milliseconds / 1000 if told == timecode.check(milliseconds) else None
