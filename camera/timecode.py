"""A picture's own time, written into it as black and white blocks that survive H.264 and JPEG.

Only for measuring: a bench reads from the pixels of a live picture when it was taken, and so how old it is. Two rows of
24 blocks at the top right, the high bit first: 40 bits of milliseconds of CLOCK_MONOTONIC, then 8 bits of CRC.
`tests/camera/timecode.py` reads them.
"""

from __future__ import annotations

import zlib

import cv2
import numpy as np
from numpy.typing import NDArray

from camera.screen import BLACK, COLOURLESS, WHITE, Planes

COLUMNS, ROWS = 24, 2
TIME_BITS, CHECK_BITS = 40, 8
BLOCKS_ACROSS = 80
"""Blocks that fit side by side into a whole picture: 16 pixels each where it is 1280 wide."""

LEFT, TOP = 55.0, 0.75
"""Where the blocks begin, in blocks from the left and the top edge."""

ENDS = TOP + ROWS
"""Where they end, in blocks from the top edge."""


def check(milliseconds: int) -> int:
    """Return the check bits of a time."""
    return zlib.crc32(milliseconds.to_bytes(TIME_BITS // 8, "big")) & ((1 << CHECK_BITS) - 1)


def blocks(at_s: float) -> NDArray[np.bool_]:
    """Return the (rows, columns) pattern of a time; true is white."""
    milliseconds = round(at_s * 1000) % (1 << TIME_BITS)
    word = milliseconds << CHECK_BITS | check(milliseconds)
    bits = [bool(word >> place & 1) for place in reversed(range(TIME_BITS + CHECK_BITS))]
    return np.array(bits).reshape(ROWS, COLUMNS)


def write(picture: Planes, at_s: float) -> None:
    """Draw the time `at_s` into a picture, in place."""
    luma, *chromas = picture
    block = luma.shape[1] / BLOCKS_ACROSS
    left, top = round(LEFT * block), round(TOP * block)
    right, bottom = round((LEFT + COLUMNS) * block), round((TOP + ROWS) * block)
    pattern = np.where(blocks(at_s), WHITE, BLACK).astype(np.uint8)
    luma[top:bottom, left:right] = cv2.resize(pattern, (right - left, bottom - top), interpolation=cv2.INTER_NEAREST)
    for chroma in chromas:
        chroma[top // 2 : (bottom + 1) // 2, left // 2 : (right + 1) // 2] = COLOURLESS
