"""Whom officers call: what a telephone dials, and nothing else."""

from __future__ import annotations

from pathlib import Path

import pytest

from config.load import load
from tests.config.conftest import Refused

CALL = '[[site.contacts]]\nname = "Trực ban"\nnumber = "{}"\n'


@pytest.mark.parametrize("number", ["113", "+84 24.3825-0000", "0241 234 567"])
def test_a_number_is_taken_as_people_write_it(file: Path, number: str) -> None:
    with file.open("a", encoding="utf-8") as config:
        config.write(CALL.format(number))
    (contact,) = load(file).site.contacts
    assert contact.number == number


@pytest.mark.parametrize("number", ["", "1", "1" * 16, "+84;ext=1", "javascript:0", "113\\n", "tel:113", "11 ", "-113"])
def test_what_no_telephone_dials_is_refused(refused: Refused, number: str) -> None:
    """It becomes a link in the page of every officer."""
    (problem,) = refused(CALL.format(number))
    assert "site.contacts[0].number" in problem
    assert "2 to 15 digits" in problem


def test_six_are_enough_for_a_sheet(refused: Refused) -> None:
    (problem,) = refused(CALL.format("113") * 7)
    assert "site.contacts" in problem
