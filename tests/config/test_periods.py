"""A timetable that people send: read by the schema and the rules of the file, with every wrong field named."""

from __future__ import annotations

import time
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from config.load import SIMULATE_FILE, load
from config.periods import MOST_TOLD, PeriodsError, misfits, parse, read, written
from config.problem import Problem
from config.schema import Settings
from tests.config.conftest import SMALLEST

SITE = load(SIMULATE_FILE)
NIGHT = {"name": "Đêm", "days": ["every_day"], "start": "22:00", "end": "05:00", "wants": "closed", "exit_opens": False}
TET = {"dates": ["2027-02-05..2027-02-09"], "start": "00:00", "end": "24:00", "wants": "open", "exit_opens": True}
LEAF = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=12)
ANYTHING = st.recursive(LEAF, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4))
KEYS = st.sampled_from(["name", "days", "dates", "start", "end", "wants", "exit_opens", "x"])


def problems(periods: object, site: Settings = SITE) -> list[str]:
    """Return what is told of periods that are refused."""
    with pytest.raises(PeriodsError) as caught:
        read(periods, site)
    return list(map(str, caught.value.problems))


def test_what_was_read_can_be_written_and_read_again() -> None:
    once = read([NIGHT, TET], SITE)
    assert [written(period) for period in once] == [NIGHT, TET]
    assert read([written(period) for period in once], SITE) == once
    assert read([], SITE) == ()


def test_every_wrong_field_is_told_at_once_by_its_place() -> None:
    told = problems([{**NIGHT, "start": "5", "nmae": "x"}, {**NIGHT, "end": "22:00"}, 7, {**TET, "days": ["mon"]}])
    assert [line.partition(": ")[0] for line in told] == [
        "periods[0].start", "periods[0].nmae", "periods[2]", "periods[3].dates", "periods[1].end",
    ]  # fmt: skip
    assert "did you mean name?" in told[1]


def test_two_periods_at_once_are_told_in_the_words_of_whoever_sent_them() -> None:
    assert problems([NIGHT, {**NIGHT, "start": "21:00"}]) == [
        "periods[1]: overlaps periods[0]; let one end where the other starts"
    ]


@pytest.mark.parametrize("signal", ["beam", "lamp", "buzzer"])
def test_nothing_is_closed_unattended_without_a_beam_a_lamp_and_a_buzzer(tmp_path: Path, signal: str) -> None:
    """I12, and the rule of the file: a site without them may have a timetable that opens, never one that closes."""
    wired = "".join(
        f"{name} = {{ line = {line} }}\n"
        for name, line in (("beam", 13), ("lamp", 22), ("buzzer", 23))
        if name != signal
    )
    (tmp_path / "gate.toml").write_text(SMALLEST + wired, encoding="utf-8")
    site = load(tmp_path / "gate.toml")
    assert read([TET], site)
    assert all(f"gate.pins.{signal}" in line for line in problems([NIGHT], site))


def test_a_timetable_that_was_right_once_is_understood_and_what_misfits_is_told(tmp_path: Path) -> None:
    (tmp_path / "gate.toml").write_text(SMALLEST, encoding="utf-8")
    site = load(tmp_path / "gate.toml")
    night = parse([NIGHT])
    assert misfits(night, SITE) == ()
    assert {problem.key for problem in misfits(night, site)} == {"periods[0].wants", "periods"}


@pytest.mark.parametrize("hidden", ["\u202e", "\u200b", "\n", "\x1b", "\ud800"])
def test_a_name_shows_what_it_is(hidden: str) -> None:
    told = problems([{**NIGHT, "name": f"Đêm{hidden}"}])
    assert f"periods[0].name: U+{ord(hidden):04X} can't be seen; leave it out" in told


def test_no_timetable_however_wrong_or_long_keeps_anybody_waiting() -> None:
    """Somebody who may only look can have one tried; 64 KiB of it is what a request holds."""
    began_s = time.monotonic()
    assert len(problems([{f"key{number}": 1 for number in range(5000)}])) <= MOST_TOLD + 1
    dates = [[f"2027-{month:02}-{day:02}" for day in range(1, 29)] for month in range(1, 13)]
    assert read([{**TET, "dates": dates[number % 12], "start": f"{number // 12 * 2:02}:00",
                  "end": f"{number // 12 * 2 + 2:02}:00"} for number in range(32)], SITE)  # fmt: skip
    assert len(problems([{**TET, "dates": dates[number % 2]} for number in range(32)])) > 100
    assert time.monotonic() - began_s < 2.0


def verdict(periods: object) -> tuple[Problem, ...]:
    """Return what is wrong with periods, nothing where they can be used."""
    try:
        read(periods, SITE)
    except PeriodsError as error:
        return error.problems
    return ()


@settings(max_examples=50, deadline=None)
@given(ANYTHING | st.lists(st.dictionaries(KEYS, ANYTHING, max_size=7), max_size=3))
def test_no_value_raises_anything_else(value: object) -> None:
    assert all(problem.key.startswith("periods") for problem in verdict(value))
