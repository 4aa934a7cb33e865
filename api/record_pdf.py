"""The record as a PDF: the only module that knows reportlab. The same record gives the same bytes."""

from __future__ import annotations

import functools
import io
import threading
from collections.abc import Callable
from importlib import resources
from typing import assert_never

from reportlab.pdfbase import pdfmetrics  # type: ignore[import-untyped] # it ships no types
from reportlab.pdfbase.ttfonts import TTFont  # type: ignore[import-untyped] # as above
from reportlab.pdfgen.canvas import Canvas  # type: ignore[import-untyped] # as above

from api.record import Record
from api.record_flow import HEIGHT, WIDTH, Font, Page, Rule, Text
from api.record_pages import TITLE, record_pages

NAMES: dict[Font, str] = {"regular": "NotoSans-Regular", "bold": "NotoSans-Bold"}
MISSING = "\N{REPLACEMENT CHARACTER}"
HAIR = 0.5
_one_at_a_time = threading.Lock()  # reportlab's fonts are the whole process's


def draw(record: Record) -> bytes:
    """Return the record's PDF. What the embedded fonts lack (another script than Latin) is shown as a mark for it."""
    with _one_at_a_time:
        fonts = _fonts()

        def shown(text: str) -> str:
            return "".join(letter if ord(letter) in fonts else MISSING for letter in text)

        def measure(text: str, font: Font, size: float) -> float:
            return float(pdfmetrics.stringWidth(shown(text), NAMES[font], size))

        file = io.BytesIO()
        canvas = Canvas(file, pagesize=(WIDTH, HEIGHT), pageCompression=1, invariant=1, lang="vi",
                        initialFontName=NAMES["regular"])  # fmt: skip
        canvas.setTitle(f"{TITLE} {record.evidence_id}")
        canvas.setAuthor(record.site_name)
        canvas.setSubject(record.evidence_id)
        canvas.setCreator(f"antt-gate {record.version}")
        stamp = "".join(digit for digit in record.taken_at[:19] if digit.isdigit())
        canvas.setDateFormatter(lambda *_: f"D:{stamp}Z")
        for page in record_pages(record, measure):
            _draw(canvas, page, shown)
        canvas.save()
        return file.getvalue()


def _draw(canvas: Canvas, page: Page, shown: Callable[[str], str]) -> None:
    canvas.setLineWidth(HAIR)
    for item in page.items:
        match item:
            case Text():
                canvas.setFont(NAMES[item.font], item.size)
                match item.align:
                    case "left":
                        canvas.drawString(item.x, item.y, shown(item.text))
                    case "center":
                        canvas.drawCentredString(item.x, item.y, shown(item.text))
                    case "right":
                        canvas.drawRightString(item.x, item.y, shown(item.text))
                    case _:
                        assert_never(item.align)
            case Rule():
                canvas.line(item.x0, item.y0, item.x1, item.y1)
            case _:
                assert_never(item)
    canvas.showPage()


@functools.cache
def _fonts() -> frozenset[int]:
    """Register both fonts; return the characters that they have."""
    known: list[frozenset[int]] = []
    for name in NAMES.values():
        with resources.as_file(resources.files("api").joinpath("fonts", f"{name}.ttf")) as path:
            font = TTFont(name, str(path))
        pdfmetrics.registerFont(font)
        known.append(frozenset(font.face.charToGlyph))
    return frozenset.intersection(*known)
