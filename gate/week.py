"""From periods as people write them to what `schedule.py` reckons with. Pure."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable
from typing import TypeVar
from zoneinfo import ZoneInfo

from config.timetable import DAYS, WEEK, date_span, span
from config.timetable import Period as WrittenPeriod
from gate.model import State
from gate.schedule import Period, Timetable

Value = TypeVar("Value")
WANTS = {"open": State.OPEN, "closed": State.CLOSED, "nothing": None}


def timetable_from(timezone: str, periods: Iterable[WrittenPeriod], *, rests: bool = False) -> Timetable:
    """Return the timetable that periods make, in the time zone of the site.

    `rests`: they do not fit the site (`config.periods.misfits`). They want nothing then, and allow no more than before:
    a gate that lost its buzzer must not close by a timetable that relied on it (I12).
    """
    made = (_period(period, rests=rests) for period in periods)
    return Timetable(zone=ZoneInfo(timezone), periods=tuple(made))


def _period(given: WrittenPeriod, *, rests: bool) -> Period:
    start_min, end_min = _present(span(given.start, given.end))
    return Period(
        name=given.name or f"{given.start}-{given.end}",
        start_min=start_min,
        end_min=end_min,
        wants=None if rests else WANTS[given.wants],
        exit_opens=given.exit_opens,
        days=frozenset(WEEK.index(day) for name in given.days or () for day in DAYS[name]),
        dates=tuple(map(_dates, given.dates or ())),
    )


def _dates(text: str) -> tuple[dt.date, dt.date]:
    return _present(date_span(text))


def _present(value: Value | None) -> Value:
    """Return a value that the check of the periods has made sure of."""
    if value is None:
        raise ValueError("a timetable that was never checked")
    return value
