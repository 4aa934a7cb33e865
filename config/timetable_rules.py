"""Rules between the periods of the timetable: each is whole, none closes without a beam, no two want different things.

They read plain tables (`rules.py` says how). A period by date may overlap one by weekday, and then wins; two of the
same sort may not. Times are compared as they stand on the wall, so a clock change never makes an overlap. The days of a
period are the bits of one number: the gate process judges what people send it, and the longest timetable there can be
must not keep it busy.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Iterator, Mapping
from itertools import combinations
from typing import NamedTuple

from config.problem import Problem, Tables, at
from config.timetable import DAY_MIN, DAYS, FIRST_YEAR, MOST_DATES, MOST_PERIODS, WEEK, date_span, span

FIRST_DAY = dt.date(FIRST_YEAR, 1, 1)


class Weekly(NamedTuple):
    """A period by weekday: the days it starts on (0 is Monday), and its minutes since that midnight."""

    days: frozenset[int]
    start: int
    end: int


class Dated(NamedTuple):
    """A period by date: the days it starts on (bit 0 is the first day of `FIRST_YEAR`), and its minutes since then."""

    days: int
    start: int
    end: int


def _periods(tables: Tables) -> list[tuple[str, Mapping[str, object]]]:
    given = at(tables, "gate", "timetable")
    listed = given[:MOST_PERIODS] if isinstance(given, list | tuple) else ()
    return [(f"gate.timetable[{n}]", period) for n, period in enumerate(listed) if isinstance(period, Mapping)]


def _a_period_has_days_or_dates(tables: Tables) -> Iterator[Problem]:
    for key, period in _periods(tables):
        days, dates = (period.get(name) is not None for name in ("days", "dates"))
        if days and dates:
            text = "is given beside days; a period is by weekday or by date: keep one, or write two periods"
            yield Problem(key=f"{key}.dates", text=text)
        if not days and not dates:
            yield Problem(key=f"{key}.days", text="is missing; give days such as ['every_day'], or dates")


def _a_period_lasts(tables: Tables) -> Iterator[Problem]:
    for key, period in _periods(tables):
        start, end = period.get("start"), period.get("end")
        if isinstance(start, str) and start == end:
            yield Problem(key=f"{key}.end", text=f"'{start:.5}' is its start too; for a whole day give 00:00 to 24:00")


def _no_period_closes_without_a_beam(tables: Tables) -> Iterator[Problem]:
    if at(tables, "gate", "pins", "beam") is not None:
        return
    for key, period in _periods(tables):
        if period.get("wants") == "closed":
            yield Problem(
                key=f"{key}.wants",
                text="'closed' closes the gate by itself, and no beam is wired; wire gate.pins.beam, or take it out",
            )


def _no_two_periods_at_once(tables: Tables) -> Iterator[Problem]:
    weekly = [(key, found) for key, period in _periods(tables) if (found := _weekly(period))]
    dated = [(key, exception) for key, period in _periods(tables) if (exception := _dated(period))]
    clashes = [
        *((a, b) for (a, one), (b, other) in combinations(weekly, 2) if _weekly_meet(one, other)),
        *((a, b) for (a, one), (b, other) in combinations(dated, 2) if _dated_meet(one, other)),
    ]
    for first, second in clashes:
        yield Problem(key=second, text=f"overlaps {first}; let one end where the other starts")


def _weekly(period: Mapping[str, object]) -> Weekly | None:
    days, covered = period.get("days"), span(period.get("start"), period.get("end"))
    if not isinstance(days, list | tuple) or covered is None or period.get("dates") is not None:
        return None
    names = {day for name in days if isinstance(name, str) for day in DAYS.get(name, ())}
    return Weekly(frozenset(map(WEEK.index, names)), *covered)


def _dated(period: Mapping[str, object]) -> Dated | None:
    dates, covered = period.get("dates"), span(period.get("start"), period.get("end"))
    if not isinstance(dates, list | tuple) or covered is None:
        return None
    return Dated(day_bits(found for text in dates[:MOST_DATES] if (found := date_span(text))), *covered)


def day_bits(ranges: Iterable[tuple[dt.date, dt.date]]) -> int:
    """Return the days of some ranges, first and last day included, as the bits of one number."""
    bits = 0
    for first, last in ranges:
        bits |= ((1 << (last - first).days + 1) - 1) << (first - FIRST_DAY).days
    return bits


def _meet(one: Weekly | Dated, other: Weekly | Dated) -> Iterable[int]:
    """Return the numbers of days after `one`'s start day on which an `other` that starts then overlaps it."""
    return (
        later
        for later in (-1, 0, 1)
        if max(one.start, other.start + later * DAY_MIN) < min(one.end, other.end + later * DAY_MIN)
    )


def _weekly_meet(one: Weekly, other: Weekly) -> bool:
    return any((day + later) % len(WEEK) in other.days for later in _meet(one, other) for day in one.days)


def _dated_meet(one: Dated, other: Dated) -> bool:
    return any((one.days << later if later >= 0 else one.days >> -later) & other.days for later in _meet(one, other))


RULES = (
    _a_period_has_days_or_dates,
    _a_period_lasts,
    _no_period_closes_without_a_beam,
    _no_two_periods_at_once,
)
