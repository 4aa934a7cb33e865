"""`[[gate.timetable]]`: periods that want the gate open or closed, by weekday or, as exceptions, by date.

A period belongs to the local day that it starts on and may run past midnight. On a day that is among the `dates` of a
period, no period by weekday starts. What that means at an instant stands in `gate/schedule.py`; here is what a period
may say, and how its texts are read. The rules between periods stand in `timetable_rules.py`.
"""

from __future__ import annotations

import datetime as dt
import re
from typing import Annotated, Literal

from pydantic import AfterValidator, BeforeValidator, Field

from config.section import Section

WEEK = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
DAYS: dict[str, tuple[str, ...]] = {
    "every_day": WEEK, "weekdays": WEEK[:5], "weekend": WEEK[5:], **{day: (day,) for day in WEEK},
}  # fmt: skip
DAY_MIN = 24 * 60
MOST_PERIODS = 32
MOST_DATES = 32
LONGEST_RANGE_DAYS = 366
FIRST_YEAR, LAST_YEAR = 2000, 2199
NO_DATE = "is no date or range of dates; give such as '2027-02-06' or '2027-02-05..2027-02-09', at most a year long"


def minutes(text: object) -> int | None:
    """Read 'HH:MM' as minutes since midnight, '24:00' as 1440. None for anything else."""
    found = re.fullmatch(r"([01][0-9]|2[0-3]):([0-5][0-9])|24:00", text) if isinstance(text, str) else None
    if found is None:
        return None
    return int(found[1]) * 60 + int(found[2]) if found[1] else DAY_MIN


def span(start: object, end: object) -> tuple[int, int] | None:
    """Return the minutes since midnight that a period covers, the end above 1440 where it runs past midnight.

    None where one of them is no time of day, or where they are the same.
    """
    first, last = minutes(start), minutes(end)
    if first is None or last is None or first in {last, DAY_MIN}:
        return None
    return first, last if last > first else last + DAY_MIN


def date_span(text: object) -> tuple[dt.date, dt.date] | None:
    """Read 'YYYY-MM-DD' or 'YYYY-MM-DD..YYYY-MM-DD' as its first and last day. None for anything else."""
    parts = str(_plain(text)).split("..") if isinstance(text, str | dt.date) else []
    if len(parts) not in {1, 2} or not all(re.fullmatch(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", part) for part in parts):
        return None
    try:
        first, last = dt.date.fromisoformat(parts[0]), dt.date.fromisoformat(parts[-1])
    except ValueError:
        return None
    believable = first.year >= FIRST_YEAR and last.year <= LAST_YEAR
    return (first, last) if believable and 0 <= (last - first).days < LONGEST_RANGE_DAYS else None


def _plain(value: object) -> object:
    """Turn TOML's own date into text; leave everything else for the schema to judge."""
    return value.isoformat() if isinstance(value, dt.date) and not isinstance(value, dt.datetime) else value


def _dated(text: str) -> str:
    if date_span(text) is None:
        raise ValueError(NO_DATE)
    return text


Start = Annotated[
    str, Field(pattern=r"^([01][0-9]|2[0-3]):[0-5][0-9]$", title="a time of day in quotes, such as '05:30'")
]
End = Annotated[
    str,
    Field(
        pattern=r"^(([01][0-9]|2[0-3]):[0-5][0-9]|24:00)$", title="a time of day in quotes, such as '22:00' or '24:00'"
    ),
]
Dates = Annotated[
    str,
    Field(max_length=30, title="a date or a range of dates in quotes, such as '2027-02-05..2027-02-09'"),
    BeforeValidator(_plain),
    AfterValidator(_dated),
]
Day = Literal["every_day", "weekdays", "weekend", "mon", "tue", "wed", "thu", "fri", "sat", "sun"]


class Period(Section):
    """A time of day at which the gate is wanted open or closed, on some weekdays or on some dates."""

    name: str | None = Field(
        default=None, min_length=1, max_length=40, description="Name that people read, e.g. 'Giờ giới nghiêm'."
    )
    days: tuple[Day, ...] | None = Field(
        default=None, min_length=1, max_length=10, description="Weekdays on which the period starts."
    )
    dates: tuple[Dates, ...] | None = Field(
        default=None,
        min_length=1,
        max_length=MOST_DATES,
        description="Instead of `days`: dates on which it starts. The periods by weekday do not start on such a day.",
    )
    start: Start = Field(description="Local time at which it starts.")
    end: End = Field(description="Local time at which it ends; not later than `start`: on the next day.")
    wants: Literal["open", "closed", "nothing"] = Field(
        description="'nothing': the timetable leaves the gate to people (an exception for a free day)."
    )
    exit_opens: bool = Field(default=True, description="false: the exit loop does not open the gate in this period.")
