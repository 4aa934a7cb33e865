"""The timetable over HTTP, as types.

What a period may say stands in config/timetable.py and nowhere else. Here it is only described: the periods that come
in are passed on as they are to `config.periods.read`, which names everything that is wrong with them, by field.
"""

from __future__ import annotations

import datetime as dt
import re
from typing import Annotated, Literal, Self

from pydantic import AfterValidator, Field, PlainSerializer, SkipValidation, WithJsonSchema, model_validator

from api.schemas import By, FieldError, Incoming, Outgoing, Utc, seen
from config.timetable import FIRST_YEAR, LAST_YEAR, MOST_DATES, MOST_PERIODS, Day, End, Period, Start

WEEK_DAYS = 7
MOST_DAYS = 31
DATE = r"[0-9]{4}-[0-9]{2}-[0-9]{2}"
VISIBLE = re.compile(r"\S")


def _said(text: str) -> str:
    if not VISIBLE.search(text):
        raise ValueError("say why in a few words")
    return seen(text)


def _a_day(text: str) -> dt.date:
    try:
        day = dt.date.fromisoformat(text)
    except ValueError:
        raise ValueError("is no day; give such as '2027-02-06'") from None
    if not FIRST_YEAR <= day.year < LAST_YEAR:
        raise ValueError(f"is too far away; a timetable knows {FIRST_YEAR} to {LAST_YEAR - 1}")
    return day


def _meaning(name: str) -> str | None:
    return Period.model_fields[name].description


Said = Annotated[str, Field(min_length=1, max_length=200), AfterValidator(_said)]
SpanOfDates = Annotated[str, Field(pattern=rf"^{DATE}(\.\.{DATE})?$", examples=["2027-02-05..2027-02-09"])]
LocalTime = Annotated[str, Field(examples=["2027-02-06T22:00:00+07:00"])]
ADay = Annotated[
    str, Field(pattern=rf"^{DATE}$"), AfterValidator(_a_day), WithJsonSchema({"type": "string", "format": "date"})
]


class PeriodBody(Incoming):
    """A time of day at which the gate is wanted open or closed, on some weekdays or, instead, on some dates."""

    name: str | None = Field(default=None, min_length=1, max_length=40, description=_meaning("name"))
    days: list[Day] | None = Field(default=None, min_length=1, max_length=10, description=_meaning("days"))
    dates: list[SpanOfDates] | None = Field(
        default=None, min_length=1, max_length=MOST_DATES, description=_meaning("dates")
    )
    start: Start = Field(description=_meaning("start"))
    end: End = Field(description=_meaning("end"))
    wants: Literal["open", "closed", "nothing"] = Field(description=_meaning("wants"))
    exit_opens: bool = Field(default=True, strict=True, description=_meaning("exit_opens"))


AsSent = Annotated[SkipValidation[PeriodBody], PlainSerializer(lambda sent: sent)]
"""Described as a period, and whatever was sent."""
Periods = Annotated[list[AsSent], Field(max_length=MOST_PERIODS)]


class TimetableRequest(Incoming):
    """Another timetable. `revision` is that of the one that the person looked at; `reason` is journalled."""

    periods: Periods
    reason: Said
    revision: Annotated[int, Field(ge=0, le=2**53, strict=True)]


class PreviewRequest(Incoming):
    """Which days to reckon: a week from `first_day` on (left out: from today), or these `dates`.

    `periods`: a timetable to try; left out, the one in force.
    """

    periods: Periods | None = None
    first_day: ADay | None = None
    dates: Annotated[list[ADay], Field(min_length=1, max_length=MOST_DAYS)] | None = None

    @model_validator(mode="after")
    def _one_way(self) -> Self:
        if self.first_day is not None and self.dates is not None:
            raise ValueError("give first_day or dates, not both")
        return self

    def days(self, today: dt.date) -> list[dt.date]:
        """Return the local days that are meant."""
        if self.dates is not None:
            return [dt.date.fromisoformat(str(day)) for day in self.dates]
        first = today if self.first_day is None else dt.date.fromisoformat(str(self.first_day))
        return [first + dt.timedelta(days=later) for later in range(WEEK_DAYS)]


class StretchBody(Outgoing):
    """A part of one day with one wish, in local time; `period` is empty outside all periods."""

    start: LocalTime
    end: LocalTime
    wants: Literal["open", "closed"] | None
    exit_opens: bool
    period: str


class DayBody(Outgoing):
    """One local day, from its midnight to the next; a zone may skip one, which then has no stretches."""

    date: Annotated[str, Field(examples=["2027-02-06"])]
    stretches: list[StretchBody]


class NowBody(Outgoing):
    """What the timetable wants at this moment, by which period, until when (null: for more than a week).

    `paused`: why it rests. What it wants is only known then, and nothing moves for it.
    """

    wants: Literal["open", "closed"] | None
    exit_opens: bool
    period: str
    until: Utc | None
    paused: Literal["clock_untrusted"] | None


class NextBody(Outgoing):
    """The next time that the timetable moves the gate, with the warning and every other rule of safety.

    `held_back_by`: what would keep it from doing so if the gate stayed as it is now, as codes of the gate.
    """

    at: Utc
    does: Literal["open", "close"]
    period: str
    held_back_by: list[str]


class TimetableInForce(Outgoing):
    """The timetable in force, who set it when and why (null: it is the configuration's), what it wants and does next.

    `misfits`: what the configuration does not allow any more of a timetable that was right when it was set.
    """

    revision: int
    timezone: str
    periods: list[PeriodBody]
    set_at: Utc | None
    set_by: By | None
    reason: str
    misfits: list[FieldError]
    now: NowBody
    next: NextBody | None


class TimetableChanged(TimetableInForce):
    """The timetable that is in force from now on. `kept`: it is on the disk; false: it will be as soon as it can."""

    kept: bool


class PreviewBody(Outgoing):
    """What a timetable wants through some days, and what the gate would do next under it."""

    timezone: str
    revision: int
    days: list[DayBody]
    now: NowBody
    next: NextBody | None
