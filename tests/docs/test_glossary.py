"""docs/words.md says what the page says: a word changes in both, and in both languages, or nowhere."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable

import pytest

from gate.model import Alarm, Code, Command, Health, Mode, Role, Sensor, State
from tests.docs.source import ROOT

PAGE = (ROOT / "docs" / "words.md").read_text(encoding="utf-8")
VI, EN = (json.loads((ROOT / "api" / "web" / f"{name}.json").read_text(encoding="utf-8")) for name in ("vi", "en"))
ROWS = re.findall(r"^\| `([\w.]+)` \| (.+?) \| (.+?) \| (?:.+ )?\|$", PAGE, re.MULTILINE)


def cells(heading: str) -> list[list[str]]:
    """Return the rows of the first table below a heading."""
    table = PAGE.partition(f"## {heading}\n")[2].partition("\n## ")[0]
    rows = [line.strip("|").split("|") for line in table.splitlines() if line.startswith("| ")]
    return [[cell.strip() for cell in row] for row in rows[1:]]


def words(text: str, wanted: str) -> bool:
    """Tell whether these words stand in a text as whole words, however they are written."""
    return re.search(rf"(?<!\w){re.escape(wanted)}(?!\w)", text, re.IGNORECASE) is not None


def test_the_glossary_says_what_the_page_says() -> None:
    assert [row for row in ROWS if (VI.get(row[0]), EN.get(row[0])) != row[1:]] == []
    assert len({key for key, _, _ in ROWS}) == len(ROWS)


@pytest.mark.parametrize(
    ("family", "codes"),
    [
        ("state", State), ("mode", Mode), ("command", Command), ("alarm", Alarm), ("code", Code), ("health", Health),
        ("sensor", Sensor), ("role", Role), ("progress", ["sending", "accepted", "energised", "confirmed"]),
    ],
)  # fmt: skip
def test_every_word_of_the_gate_stands_in_the_glossary(family: str, codes: Iterable[str]) -> None:
    told = {key for key, _, _ in ROWS}
    assert [code for code in codes if f"{family}.{code}" not in told] == []


def test_one_thing_has_one_word() -> None:
    """Nobody wonders whether *báo động* is something else than *cảnh báo*."""
    table = cells("One word for one thing")
    assert len(table) > 5
    for say, instead, _ in table:
        assert any(words(said, say) for said in VI.values()), say
        for wrong in instead.split(", "):
            assert [key for key, said in VI.items() if words(said, wrong)] == [], wrong


def test_the_page_speaks_calmly() -> None:
    """No exclamation mark; the new spelling of the tone marks."""
    old = re.compile(r"(?:o[àáảãạ]|u[ỳýỷỹỵ]|o[èéẻẽẹ])(?!\w)", re.IGNORECASE)
    assert [key for key, said in {**VI, **EN}.items() if "!" in said] == []
    assert [key for key, said in VI.items() if re.search(r"(?<!q)" + old.pattern, said, re.IGNORECASE)] == []
