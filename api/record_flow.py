"""How a record flows over pages: words and lines with their places in points, from the lower left corner of A4. Pure.

`Flow` fills pages from top to bottom and begins a new one where the next thing does not fit. Text is measured by
whoever knows the fonts and broken between words, or within one that is wider than its column. Each page gets its foot
once it is known how many there are.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Literal, TypeAlias

WIDTH, HEIGHT = 595.28, 841.89
LEFT, RIGHT = 70.0, WIDTH - 48.0
TOP, BOTTOM = HEIGHT - 54.0, 62.0
FOOT = 38.0
LEADING = 1.42
"""Line to line, in sizes of the letters: Vietnamese stacks two marks on a capital."""

Font: TypeAlias = Literal["regular", "bold"]
Align: TypeAlias = Literal["left", "center", "right"]
Measure: TypeAlias = Callable[[str, Font, float], float]
"""The width in points of a text in a font of a size."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Text:
    """One line of text; `x` is its left end, its middle or its right end, by `align`; `y` its base line."""

    x: float
    y: float
    text: str
    font: Font = "regular"
    size: float = 9.5
    align: Align = "left"


@dataclass(frozen=True, kw_only=True, slots=True)
class Rule:
    """A thin line."""

    x0: float
    y0: float
    x1: float
    y1: float


@dataclass(frozen=True, kw_only=True, slots=True)
class Line:
    """One line of a cell."""

    text: str
    font: Font = "regular"
    size: float = 9.5


@dataclass(frozen=True, kw_only=True, slots=True)
class Cell:
    """Some lines one below the other; `x` as in `Text`."""

    x: float
    lines: Sequence[Line]
    align: Align = "left"


@dataclass(kw_only=True, slots=True)
class Page:
    """What stands on one page."""

    items: list[Text | Rule] = field(default_factory=list)


def plain(text: str) -> str:
    """Return a text as it can be set: composed letters, and a space for what can't be seen."""
    composed = unicodedata.normalize("NFC", text)
    return "".join(" " if unicodedata.category(letter)[0] == "C" else letter for letter in composed)


def broken(text: str, width: float, font: Font, size: float, measure: Measure) -> list[str]:
    """Return the lines of a text in a column of `width` points; one empty line for no text."""
    lines, line = list[str](), ""
    for word in plain(text).split():
        longer = f"{line} {word}" if line else word
        if measure(longer, font, size) <= width:
            line = longer
            continue
        if line:
            lines.append(line)
        *whole, line = _pieces(word, width, font, size, measure)
        lines += whole
    return [*lines, line]


def _pieces(word: str, width: float, font: Font, size: float, measure: Measure) -> Iterator[str]:
    """Yield a word in pieces that fit, whole where it fits as it is."""
    piece = ""
    for letter in word:
        if piece and measure(piece + letter, font, size) > width:
            yield piece
            piece = ""
        piece += letter
    yield piece


class Flow:
    """Pages that are being filled. `head` is called for each new page but the first while it is set: a table's head."""

    def __init__(self, measure: Measure) -> None:
        self._measure = measure
        self.pages = [Page()]
        self.y = TOP
        self.head: Callable[[], None] | None = None

    def room(self, height: float) -> None:
        """See that `height` points fit below; begin a page where they don't."""
        if self.y - height >= BOTTOM:
            return
        self.pages.append(Page())
        self.y = TOP
        if self.head:
            self.head()

    def gap(self, height: float) -> None:
        """Leave some space."""
        self.y -= height

    def put(self, item: Text | Rule) -> None:
        """Put something on the present page where it says, and move nothing."""
        self.pages[-1].items.append(item)

    def rule(self, x0: float = LEFT, x1: float = RIGHT) -> None:
        """Draw a line across, here."""
        self.put(Rule(x0=x0, y0=self.y, x1=x1, y1=self.y))

    def lines(self, text: str, width: float, font: Font = "regular", size: float = 9.5) -> list[Line]:
        """Break a text for a column."""
        return [Line(text=line, font=font, size=size) for line in broken(text, width, font, size, self._measure)]

    def paragraph(  # noqa: PLR0913 - how a text may look, all by keyword
        self,
        text: str,
        *,
        font: Font = "regular",
        size: float = 9.5,
        align: Align = "left",
        x0: float = LEFT,
        x1: float = RIGHT,
    ) -> None:
        """Set a text between two columns' edges, over as many lines and pages as it takes."""
        x = {"left": x0, "center": (x0 + x1) / 2, "right": x1}[align]
        for line in self.lines(text, x1 - x0, font, size):
            self.room(size * LEADING)
            self.y -= size * LEADING
            self.put(Text(x=x, y=self.y, text=line.text, font=font, size=size, align=align))

    def row(self, *cells: Cell, below: float = 3.0) -> None:
        """Set cells side by side, never torn by a page's end."""
        height = max(sum(line.size * LEADING for line in cell.lines) for cell in cells)
        self.room(height + below)
        for cell in cells:
            y = self.y
            for line in cell.lines:
                y -= line.size * LEADING
                self.put(Text(x=cell.x, y=y, text=line.text, font=line.font, size=line.size, align=cell.align))
        self.y -= height + below

    def finished(self, foot: str, numbered: Callable[[int, int], str]) -> list[Page]:
        """Return the pages with their foot: `foot` to the left, `numbered(page, of)` to the right."""
        for number, page in enumerate(self.pages, 1):
            page.items += [
                Rule(x0=LEFT, y0=FOOT + 12, x1=RIGHT, y1=FOOT + 12),
                Text(x=LEFT, y=FOOT, text=foot, size=7.5),
                Text(x=RIGHT, y=FOOT, text=numbered(number, len(self.pages)), size=7.5, align="right"),
            ]
        return self.pages
