"""docs/security.md names tests that exist, and every area of the standard has one."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "security.md").read_text(encoding="utf-8")
ROWS = [line.strip("|").split(" | ") for line in PAGE.splitlines() if re.match(r"\| V\d", line)]
NOT_APPLICABLE = {"V9", "V10", "V17"}


def test_every_area_of_the_standard_is_spoken_of() -> None:
    """Seventeen areas in ASVS 5.0; ten of those that apply stand first."""
    told = [row[0].split()[0] for row in ROWS]
    assert len(told) == len(set(told))
    assert {*told} | NOT_APPLICABLE == {f"V{number}" for number in range(1, 18)}
    assert all(f"{area} " in PAGE.split("Not applicable:")[1] for area in NOT_APPLICABLE)
    first, _ = PAGE.split("## The other areas")
    assert len(re.findall(r"^\| V\d", first, re.MULTILINE)) == 10


@pytest.mark.parametrize("row", ROWS, ids=[row[0].split()[0] for row in ROWS])
def test_the_tests_that_hold_an_area_exist(row: list[str]) -> None:
    named = re.findall(r"`(tests/[^`]+)`", row[2])
    assert named
    for name in named:
        path, _, test = name.partition("::")
        text = (ROOT / path).read_text(encoding="utf-8")
        assert re.search(rf"^(async )?def {test}\(" if test else r"^(async )?def test_", text, re.MULTILINE), name
