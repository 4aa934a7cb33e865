"""The timetable in the file: what a period may say, and that no two of them want the gate at once."""

from __future__ import annotations

import datetime as dt
import re
import time
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from config.gate_rules import RULES as GATE_RULES
from config.load import EXAMPLE_FILE, load
from config.timetable import DAY_MIN, WEEK, date_span, span
from config.timetable_rules import RULES, Dated, Weekly, _dated_meet, _weekly_meet, day_bits
from tests.config.conftest import SMALLEST, Refused

ROOT = Path(__file__).parents[2]
LIGHTS = "lamp = { line = 22 }\nbuzzer = { line = 23 }\n"
BEAM = "beam = { line = 13 }\n" + LIGHTS
BLOCK = re.compile(r"```toml\n(.*?)```", re.DOTALL)


def period(**keys: object) -> str:
    """Return one period as TOML; by default a night on all days."""
    given = {"days": ["every_day"], "start": "22:00", "end": "05:00", "wants": "closed", **keys}
    lines = (f"{key} = {str(value).lower() if value is True or value is False else repr(value)}"
             for key, value in given.items() if value is not None)  # fmt: skip
    return "[[gate.timetable]]\n" + "\n".join(lines) + "\n"


def test_a_night_is_read(file: Path) -> None:
    file.write_text(SMALLEST + BEAM + period(name="Đêm", exit_opens=False), encoding="utf-8")
    (night,) = load(file).gate.timetable
    assert (night.name, night.start, night.end, night.wants, night.exit_opens) == (
        "Đêm", "22:00", "05:00", "closed", False,
    )  # fmt: skip


def test_the_timetable_of_the_document_loads(file: Path) -> None:
    """A Tết, a market and a night: what a reader copies must be right."""
    document = (ROOT / "docs" / "configuration.md").read_text(encoding="utf-8")
    (example,) = [block for block in BLOCK.findall(document) if "[[gate.timetable]]" in block]
    file.write_text(SMALLEST + BEAM + example, encoding="utf-8")
    names = [period.name for period in load(file).gate.timetable]
    assert names == ["Đêm", "Buổi chợ", "Tết Đinh Mùi", "Hội làng", "Ngày bầu cử"]


def test_the_timetable_in_the_comments_of_the_example_loads(tmp_path: Path) -> None:
    text = EXAMPLE_FILE.read_text(encoding="utf-8")
    start, end = text.index("# The timetable, in local time"), text.index("[alarms]")
    used = re.sub(r"^#   ", "", text[start:end], flags=re.MULTILINE)
    file = tmp_path / "gate.toml"
    file.write_text(text[:start] + used + text[end:], encoding="utf-8")
    assert [period.name for period in load(file).gate.timetable] == ["Đêm", "Tết Đinh Mùi"]


def test_a_date_may_be_written_as_toml_has_it(file: Path) -> None:
    dated = period(days=None, wants="open") + "dates = [2027-02-06, '2027-02-08..2027-02-09']\n"
    file.write_text(SMALLEST + dated, encoding="utf-8")
    assert load(file).gate.timetable[0].dates == ("2027-02-06", "2027-02-08..2027-02-09")


@pytest.mark.parametrize(
    ("keys", "expected"),
    [
        ({"start": "24:00"}, "start: must be a time of day in quotes, such as '05:30', not \"24:00\""),
        ({"start": "5:00"}, "start: must be a time of day in quotes"),
        ({"start": 22}, "start: must be a time of day in quotes"),
        ({"end": "24:01"}, "end: must be a time of day in quotes, such as '22:00' or '24:00'"),
        ({"end": "22:00"}, "end: '22:00' is its start too; for a whole day give 00:00 to 24:00"),
        ({"end": None}, "end: is missing"),
        ({"wants": "shut"}, "wants: must be 'open', 'closed' or 'nothing', not \"shut\""),
        ({"days": []}, "days: must be a list of 1 to 10 entries"),
        ({"days": "mon"}, "days: must be a list of 1 to 10 entries"),
        ({"days": ["monday"]}, "days[0]: must be 'every_day', 'weekdays'"),
        ({"days": None}, "days: is missing; give days such as ['every_day'], or dates"),
        ({"dates": ["2027-02-06"]}, "dates: is given beside days"),
        ({"days": None, "dates": ["2027-02-30"]}, 'dates[0]: "2027-02-30" is no date or range of dates'),
        ({"days": None, "dates": ["06/02/2027"]}, 'dates[0]: "06/02/2027" is no date'),
        ({"days": None, "dates": ["2027-02-09..2027-02-05"]}, "dates[0]: "),
        ({"days": None, "dates": ["2027-01-01..2028-06-01"]}, "dates[0]: "),
        ({"days": None, "dates": ["1999-01-01"]}, "dates[0]: "),
        ({"days": None, "dates": ["2027-W05-6"]}, "dates[0]: "),
        ({"days": None, "dates": [20270206]}, "dates[0]: must be a date or a range of dates in quotes"),
        ({"days": None, "dates": []}, "dates: must be a list of 1 to 32 entries"),
        ({"name": ""}, "name: must be text in quotes"),
        ({"exit_opens": "yes"}, "exit_opens: must be true or false"),
        ({"form": "22:00"}, "form: unknown key"),
    ],
    ids=str,
)
def test_a_period_that_makes_no_sense_is_told_once(refused: Refused, keys: dict[str, object], expected: str) -> None:
    (problem,) = refused(BEAM + period(**keys))
    assert problem.startswith(f"gate.timetable[0].{expected}")


def test_a_timetable_that_closes_needs_a_beam(refused: Refused) -> None:
    """I12: an unattended close. A period that only opens needs none."""
    problems = refused(
        LIGHTS + period() + period(start="06:00", end="08:00", wants="open") + period(start="20:00", end="21:00")
    )
    assert [problem.partition(":")[0] for problem in problems] == [
        "gate.timetable[0].wants",
        "gate.timetable[2].wants",
    ]
    assert "wire gate.pins.beam" in problems[0]


def test_a_timetable_that_only_opens_needs_no_beam(file: Path) -> None:
    file.write_text(SMALLEST + period(wants="open"), encoding="utf-8")
    assert load(file).gate.timetable


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ({}, {"start": "21:00", "end": "22:01"}),
        ({}, {"start": "04:59", "end": "08:00"}),
        ({"days": ["sun"]}, {"days": ["mon"], "start": "03:00", "end": "06:00"}),
        ({"days": ["weekdays"]}, {"days": ["fri"], "start": "23:00", "end": "23:30"}),
        ({"days": ["weekend"]}, {"days": ["sat", "mon"], "start": "00:00", "end": "24:00"}),
        (
            {"days": None, "dates": ["2027-02-05..2027-02-09"]},
            {"days": None, "dates": ["2027-02-10"], "start": "04:00"},
        ),
        ({"days": None, "dates": ["2026-12-31"]}, {"days": None, "dates": ["2027-01-01"], "start": "00:00"}),
    ],
    ids=str,
)
def test_periods_that_overlap_are_refused(
    refused: Refused, first: dict[str, object], second: dict[str, object]
) -> None:
    (problem,) = refused(BEAM + period(**first) + period(**second))
    assert problem == "gate.timetable[1]: overlaps gate.timetable[0]; let one end where the other starts"


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ({}, {"start": "05:00", "end": "22:00"}),
        ({"days": ["sun"]}, {"days": ["sun"], "start": "00:00", "end": "05:00"}),
        ({"days": ["mon"]}, {"days": ["wed"]}),
        ({}, {"days": None, "dates": ["2027-02-05"], "start": "00:00", "end": "24:00"}),
        (
            {"days": None, "dates": ["2027-02-05"]},
            {"days": None, "dates": ["2027-02-06"], "start": "05:00", "end": "06:00"},
        ),
    ],
    ids=str,
)
def test_periods_that_only_touch_and_exceptions_are_accepted(
    file: Path, first: dict[str, object], second: dict[str, object]
) -> None:
    file.write_text(SMALLEST + BEAM + period(**first) + period(**second), encoding="utf-8")
    assert len(load(file).gate.timetable) == 2


SPANS = st.tuples(st.integers(0, DAY_MIN - 1), st.integers(1, DAY_MIN)).map(lambda pair: (pair[0], sum(pair)))


@settings(max_examples=300, deadline=None)
@given(st.frozensets(st.integers(0, 6)), SPANS, st.frozensets(st.integers(0, 6)), SPANS)
def test_weekly_overlaps_are_those_that_minutes_show(
    days: frozenset[int], one: tuple[int, int], others: frozenset[int], other: tuple[int, int]
) -> None:
    def minutes(starts: frozenset[int], covered: tuple[int, int]) -> set[int]:
        return {(day * DAY_MIN + m) % (len(WEEK) * DAY_MIN) for day in starts for m in range(*covered)}

    meet = _weekly_meet(Weekly(days, *one), Weekly(others, *other))
    assert meet is bool(minutes(days, one) & minutes(others, other))


DAYS = st.integers(0, 6).map(lambda later: dt.date(2027, 2, 3) + dt.timedelta(days=later))
RANGES = st.lists(st.tuples(DAYS, DAYS).map(lambda pair: (min(pair), max(pair))), min_size=1, max_size=3).map(tuple)


@settings(max_examples=300, deadline=None)
@given(RANGES, SPANS, RANGES, SPANS)
def test_dated_overlaps_are_those_that_minutes_show(
    ranges: tuple[tuple[dt.date, dt.date], ...],
    one: tuple[int, int],
    others: tuple[tuple[dt.date, dt.date], ...],
    other: tuple[int, int],
) -> None:
    def minutes(spans: tuple[tuple[dt.date, dt.date], ...], covered: tuple[int, int]) -> set[int]:
        starts = {day for first, last in spans for day in range(first.toordinal(), last.toordinal() + 1)}
        return {day * DAY_MIN + m for day in starts for m in range(*covered)}

    meet = _dated_meet(Dated(day_bits(ranges), *one), Dated(day_bits(others), *other))
    assert meet is bool(minutes(ranges, one) & minutes(others, other))


def test_no_timetable_however_long_keeps_the_check_busy(refused: Refused) -> None:
    dates = [f"2027-{month:02}-{day:02}" for month in (1, 3) for day in range(1, 17)]
    began_s = time.monotonic()
    problems = refused(BEAM + period(days=None, dates=dates) * 200)
    assert time.monotonic() - began_s < 10
    assert any("gate.timetable: must be a list of at most 32" in problem for problem in problems)


@given(st.one_of(st.none(), st.text(max_size=12), st.integers(), st.dates(), st.lists(st.text(max_size=3), max_size=2)))
def test_no_value_raises_where_a_time_or_a_date_belongs(value: object) -> None:
    span(value, value)
    span("22:00", value)
    date_span(value)
    for rule in (*RULES, *GATE_RULES):
        list(rule({"gate": {"timetable": [{"days": value, "dates": value, "start": value, "end": value}, value]}}))
        list(rule({"gate": {"timetable": value, "pins": value, "timing": value}, "alarms": value}))
