"""What the timetable wants at an instant, and when it may move the gate. Pure: the clock comes in as an argument.

- A period belongs to the local day that it starts on and may run past midnight. On a day with periods by date, none by
  weekday starts. Where one by date and one by weekday meet, the one by date wins.
- A boundary is the first instant at which the wall clock of the site has reached it. So a time that a clock change
  skips comes at the jump, a time that it repeats comes once, and boundaries keep their order in every zone.
- `observe` turns one look at the clocks after another into `Plan`. It lets the gate move only where time really went by
  over a boundary: believed then and now, and by the wall clock as by the monotonic one. A boot, a jump, a clock that
  becomes believed and a changed timetable move nothing (I7).
- The end of a period moves nothing by itself: what follows must want it.
"""

from __future__ import annotations

import datetime as dt
from bisect import bisect_left
from collections.abc import Iterable
from dataclasses import dataclass, replace
from functools import lru_cache
from itertools import groupby, pairwise
from typing import NamedTuple
from zoneinfo import ZoneInfo

from gate.memory import Plan
from gate.model import Code, JsonObject, State

DAY_MIN = 24 * 60
LOOK_AHEAD_DAYS = 8
CLOCKS_AGREE_S = 2.0
BELIEVABLE_YEARS = range(2020, 2200)
"""A clock that shows another year is not believed, whoever vouches for it."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Period:
    """A time of day at which the gate is wanted open or closed, on weekdays (0 is Monday) or, instead, on dates.

    Minutes count from the midnight at which its day begins; `end_min` is above 1440 where it runs past the next one.
    `dates` are ranges, first and last day included. `wants` None leaves the gate to people.
    """

    name: str
    start_min: int
    end_min: int
    wants: State | None
    exit_opens: bool = True
    days: frozenset[int] = frozenset()
    dates: tuple[tuple[dt.date, dt.date], ...] = ()

    def has_date(self, day: dt.date) -> bool:
        """Tell whether it is an exception that starts on this day."""
        return any(first <= day <= last for first, last in self.dates)


@dataclass(frozen=True, kw_only=True, slots=True)
class Timetable:
    """All periods of a site, in its time zone."""

    zone: ZoneInfo
    periods: tuple[Period, ...] = ()


@dataclass(frozen=True, kw_only=True, slots=True)
class Wish:
    """What the timetable wants at an instant, by which period ("" for none).

    `until`: the next instant (UTC) at which it wants something else; None where that is not within eight days.
    """

    wants: State | None = None
    exit_opens: bool = True
    period: str = ""
    until: dt.datetime | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Stretch:
    """A part of one day with one wish; `start` and `end` are local times with their zone."""

    start: dt.datetime
    end: dt.datetime
    wish: Wish


@dataclass(frozen=True, kw_only=True, slots=True)
class Look:
    """One look at the clocks: the wall (UTC), whether it is believed, and the monotonic one in seconds."""

    utc: dt.datetime
    trusted: bool
    mono_s: float


@dataclass(frozen=True, kw_only=True, slots=True)
class Outlook:
    """What the rules are told, and what people are told of it. `paused`: why the timetable rests."""

    plan: Plan
    look: Look
    wish: Wish = Wish()
    paused: Code | None = None

    def plain(self) -> JsonObject:
        """Return what is published of it: `wants`, `until` (UTC text) and `paused`."""
        until = self.wish.until.strftime("%Y-%m-%dT%H:%M:%S.000Z") if self.wish.until else None
        wants = self.plan.wants.value if self.plan.wants else None
        return {"wants": wants, "until": until, "paused": self.paused.value if self.paused else None}


class _Covered(NamedTuple):
    """The instants that a period covers once."""

    start: dt.datetime
    end: dt.datetime
    period: Period


def observe(timetable: Timetable, look: Look, before: Outlook | None) -> Outlook:
    """Return what is to be told after one more look at the clocks; `before` is the last answer, None at first."""
    if not _is_believed(look):
        exit_opens = all(period.exit_opens for period in timetable.periods)  # allow nothing that a period forbids
        paused = Code.CLOCK_UNTRUSTED if timetable.periods else None
        return Outlook(plan=Plan(exit_opens=exit_opens), look=look, paused=paused)
    wish = wants_at(timetable, look.utc)
    crossed = before is not None and _time_went_by(before.look, look) and _wanted(timetable, before.look) != wish.wants
    plan = Plan(wants=wish.wants, exit_opens=wish.exit_opens, moves=crossed and wish.wants is not None)
    return Outlook(plan=plan, look=look, wish=wish)


def wants_at(timetable: Timetable, utc: dt.datetime) -> Wish:
    """Return what the timetable wants at an instant."""
    today = utc.astimezone(timetable.zone).date()
    covered = _covered(timetable, today, LOOK_AHEAD_DAYS)
    known_until = reached(timetable.zone, today, (LOOK_AHEAD_DAYS + 1) * DAY_MIN)
    now = _wish(covered, utc)
    for instant in _boundaries(covered):
        if utc < instant < known_until:
            then = _wish(covered, instant)
            if (then.wants, then.exit_opens) != (now.wants, now.exit_opens):
                return replace(now, until=instant)
    return now


def day(timetable: Timetable, date: dt.date) -> tuple[Stretch, ...]:
    """Return what the timetable wants through one local day, from its midnight to the next, in order."""
    zone = timetable.zone
    covered = _covered(timetable, date, 1)
    first, last = reached(zone, date, 0), reached(zone, date, DAY_MIN)
    if first == last:
        return ()  # a zone may skip a whole day
    edges = [first, *(instant for instant in _boundaries(covered) if first < instant < last)]
    changes = [next(same) for _, same in groupby(edges, lambda instant: _wish(covered, instant))]
    return tuple(
        Stretch(start=start.astimezone(zone), end=end.astimezone(zone), wish=_wish(covered, start))
        for start, end in pairwise([*changes, last])
    )


def reached(zone: ZoneInfo, date: dt.date, minute: int) -> dt.datetime:
    """Return the first instant (UTC) at which the wall clock has reached so many minutes after that day's midnight."""
    wall = dt.datetime.combine(date, dt.time()) + dt.timedelta(minutes=minute)
    instant = wall.replace(tzinfo=zone).astimezone(dt.UTC)
    if _wall(instant, zone) == wall:
        return instant
    before = wall.replace(tzinfo=zone, fold=1).astimezone(dt.UTC)  # skipped: the jump lies between these two
    span_s = range(int((instant - before).total_seconds()))
    jump_s = bisect_left(span_s, wall, key=lambda later_s: _wall(before + dt.timedelta(seconds=later_s), zone))
    return before + dt.timedelta(seconds=jump_s)


def _wall(instant: dt.datetime, zone: ZoneInfo) -> dt.datetime:
    return instant.astimezone(zone).replace(tzinfo=None, fold=0)


@lru_cache(maxsize=4)
def _covered(timetable: Timetable, today: dt.date, ahead_days: int) -> tuple[_Covered, ...]:
    """Return what is covered from the day before to so many days after, what wins first."""
    return tuple(
        _Covered(reached(timetable.zone, date, period.start_min), reached(timetable.zone, date, period.end_min), period)
        for by_date in (True, False)
        for date in (today + dt.timedelta(days=later) for later in range(-1, ahead_days + 1))
        for period in _starting(timetable, date)
        if bool(period.dates) is by_date
    )


def _starting(timetable: Timetable, date: dt.date) -> list[Period]:
    """Return the periods that start on a day: those by date where there are any, else those by weekday."""
    by_date = [period for period in timetable.periods if period.has_date(date)]
    return by_date or [period for period in timetable.periods if date.weekday() in period.days]


def _boundaries(covered: Iterable[_Covered]) -> list[dt.datetime]:
    return sorted({instant for one in covered for instant in (one.start, one.end)})


def _wish(covered: Iterable[_Covered], utc: dt.datetime) -> Wish:
    winner = next((one.period for one in covered if one.start <= utc < one.end), None)
    return Wish(wants=winner.wants, exit_opens=winner.exit_opens, period=winner.name) if winner else Wish()


def _wanted(timetable: Timetable, look: Look) -> State | None:
    return _wish(_covered(timetable, look.utc.astimezone(timetable.zone).date(), 1), look.utc).wants


def _is_believed(look: Look) -> bool:
    return look.trusted and look.utc.year in BELIEVABLE_YEARS


def _time_went_by(before: Look, now: Look) -> bool:
    """Tell whether both clocks went forward by the same, and were believed all the time."""
    by_wall_s, by_mono_s = (now.utc - before.utc).total_seconds(), now.mono_s - before.mono_s
    return _is_believed(before) and by_wall_s >= 0.0 and abs(by_wall_s - by_mono_s) <= CLOCKS_AGREE_S
