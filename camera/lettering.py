"""Text burnt into a picture, Vietnamese included.

OpenCV before 5 draws ASCII only. Vietnamese letters are Latin letters with marks: each is taken apart (Unicode NFD),
its base drawn by OpenCV and its marks as strokes above, below or through it, in proportion to the letter's height.
"""

from __future__ import annotations

import functools
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TypeAlias

import cv2
import numpy as np

from camera.source import Picture

Colour: TypeAlias = tuple[int, int, int]

FONT = cv2.FONT_HERSHEY_DUPLEX
FIRST_MARK, LAST_MARK = 0x300, 0x36F
STROKED = {"đ": "d", "Đ": "D"}
CIRCUMFLEX, BREVE, HORN, DOT_BELOW = "\u0302", "\u0306", "\u031b", "\u0323"

# Strokes of each mark in a box around its place: x from -0.5 to 0.5, y upwards, both in units of the mark's size.
STROKES: dict[str, tuple[tuple[float, float], ...]] = {
    "\u0300": ((-0.35, 0.8), (0.25, 0.1)),
    "\u0301": ((0.35, 0.8), (-0.25, 0.1)),
    "\u0302": ((-0.5, 0.1), (0.0, 0.7), (0.5, 0.1)),
    "\u0303": ((-0.5, 0.2), (-0.2, 0.5), (0.15, 0.25), (0.5, 0.55)),
    "\u0306": ((-0.45, 0.6), (-0.2, 0.15), (0.2, 0.15), (0.45, 0.6)),
    "\u0309": ((-0.2, 0.7), (0.1, 0.9), (0.25, 0.6), (0.0, 0.35), (0.0, 0.1)),
}
SECOND_ROW = frozenset({"\u0300", "\u0301", "\u0303", "\u0309"})


@dataclass(frozen=True, slots=True)
class Style:
    """How a text looks: OpenCV's scale, colour and thickness of stroke."""

    scale: float
    colour: Colour
    thickness: int = 1


@dataclass(frozen=True, kw_only=True, slots=True)
class Glyph:
    """A base letter with its marks."""

    base: str
    marks: tuple[str, ...]
    stroked: bool


def glyphs(text: str) -> Iterator[Glyph]:
    """Take a text apart; what is neither ASCII nor a Vietnamese letter becomes a space."""
    return map(_glyph, unicodedata.normalize("NFC", text))


@functools.lru_cache(maxsize=512)
def _glyph(letter: str) -> Glyph:
    plain = STROKED.get(letter, letter)
    parts = unicodedata.normalize("NFD", plain)
    base = parts[0] if parts[0].isascii() and parts[0].isprintable() else " "
    marks = tuple(mark for mark in parts[1:] if FIRST_MARK <= ord(mark) <= LAST_MARK)
    return Glyph(base=base, marks=marks, stroked=letter in STROKED)


def measure(text: str, scale: float, thickness: int) -> tuple[int, int]:
    """Return (width, height) of a text's letters without the marks above and below."""
    (width, height), _ = cv2.getTextSize("".join(glyph.base for glyph in glyphs(text)), FONT, scale, thickness)
    return width, height


def write(picture: Picture, text: str, at: tuple[int, int], style: Style) -> None:
    """Draw a text with the left end of its base line at `at`."""
    taken = list(glyphs(text))
    plain = "".join(glyph.base for glyph in taken)
    for place, glyph in enumerate(taken):
        if glyph.marks or glyph.stroked:
            left = measure(plain[:place], style.scale, style.thickness)[0] if place else 0
            right = measure(plain[: place + 1], style.scale, style.thickness)[0]
            _draw_marks(picture, glyph, (at[0] + (left + right) // 2, at[1]), style)
    cv2.putText(picture, plain, at, FONT, style.scale, style.colour, style.thickness, cv2.LINE_AA)


@functools.cache
def _rise(letter: str, scale: float, thickness: int) -> int:
    """Return how many pixels a letter stands above its base line; OpenCV's own measure counts room above it too."""
    room = max(8, round(60 * scale))
    sheet = np.zeros((2 * room, 2 * room), np.uint8)
    cv2.putText(sheet, letter, (room // 2, room), FONT, scale, 255, thickness, cv2.LINE_AA)
    rows = np.flatnonzero(sheet[:room].max(axis=1) > 127)  # noqa: PLR2004 - half covered
    return room - int(rows[0]) if rows.size else room // 2


def _draw_marks(picture: Picture, glyph: Glyph, foot: tuple[int, int], style: Style) -> None:
    height = _rise("H", style.scale, style.thickness)
    x_height = height if glyph.base.isupper() else _rise("x", style.scale, style.thickness)
    size = height * 0.4
    top = foot[1] - x_height - height * 0.08
    if glyph.stroked:
        bar_y = foot[1] - x_height * (0.5 if glyph.base == "D" else 1.15)
        bar_x = foot[0] - size * (0.7 if glyph.base == "D" else -0.25)
        _stroke(picture, [(bar_x - size * 0.35, bar_y), (bar_x + size * 0.45, bar_y)], style)
    crowned = CIRCUMFLEX in glyph.marks or BREVE in glyph.marks
    for mark in glyph.marks:
        if mark == DOT_BELOW:
            spot = (foot[0], foot[1] + round(height * 0.3))
            cv2.circle(picture, spot, max(1, round(height * 0.09)), style.colour, cv2.FILLED, cv2.LINE_AA)
        elif mark == HORN:
            x, y = foot[0] + height * 0.3, foot[1] - x_height * 0.95
            hook = [(x, y), (x + size * 0.35, y - size * 0.1), (x + size * 0.4, y - size * 0.5)]
            _stroke(picture, hook, style)
        elif mark in STROKES:
            aside = (size * 0.55, size * 0.3) if crowned and mark in SECOND_ROW else (0.0, 0.0)
            points = [(foot[0] + aside[0] + x * size, top - aside[1] - y * size) for x, y in STROKES[mark]]
            _stroke(picture, points, style)


def _stroke(picture: Picture, points: list[tuple[float, float]], style: Style) -> None:
    line = np.round(np.array(points) * 16).astype(np.int32)
    cv2.polylines(picture, [line], False, style.colour, style.thickness, cv2.LINE_AA, 4)
