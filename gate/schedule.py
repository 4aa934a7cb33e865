"""What the timetable wants at an instant, and when it may move the gate. Pure: the clock comes in as an argument.

- A period belongs to the local day that it starts on and may run past midnight. On a day with periods by date, none by
  weekday starts. Where one by date and one by weekday meet, the one by date wins.
- A boundary is the first instant at which the wall clock of the site has reached it. So a time that a clock change
  skips comes at the jump, a time that it repeats comes once, and boundaries keep their order in every zone.
- `observe` turns one look at the clocks after another into `Plan`. It lets the gate move only where time really went by
  over a boundary: believed then and now, and by the wall clock as by the monotonic one. A boot, a jump, a clock that
  becomes believed and a changed timetable move nothing (I7).
- The end of a period moves nothing by itself: what follows must want it.
- The gate's loop asks once a second, and a person may have set a timetable as long as one can be. So the course of the
  coming days is reckoned once a day, and each question is a look into it.
"""

from __future__ import annotations

import datetime as dt
from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from functools import lru_cache
from heapq import heappop, heappush
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
class Boundary:
    """An instant (UTC) at which the timetable begins to want something else than `before`."""

    at: dt.datetime
    before: State | None
    wish: Wish

    @property
    def moves(self) -> bool:
        """Whether the gate is moved for it, where nothing holds that back: the end of a period moves nothing."""
        return self.wish.wants is not None and self.wish.wants is not self.before


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


class _Course(NamedTuple):
    """Every instant at which something may change, in order, and the wish from each of them on."""

    instants: tuple[dt.datetime, ...]
    wishes: tuple[Wish, ...]

    def at(self, utc: dt.datetime) -> Wish:
        """Return the wish at an instant."""
        passed = bisect_right(self.instants, utc)
        return self.wishes[passed - 1] if passed else Wish()

    def after(self, utc: dt.datetime) -> Iterable[tuple[dt.datetime, Wish]]:
        """Return what comes after an instant, in order."""
        passed = bisect_right(self.instants, utc)
        return zip(self.instants[passed:], self.wishes[passed:], strict=True)


def observe(timetable: Timetable, look: Look, before: Outlook | None) -> Outlook:
    """Return what is to be told after one more look at the clocks; `before` is the last answer, None at first."""
    if not _is_believed(look):
        exit_opens = all(period.exit_opens for period in timetable.periods)  # allow nothing that a period forbids
        paused = Code.CLOCK_UNTRUSTED if timetable.periods else None
        return Outlook(plan=Plan(exit_opens=exit_opens), look=look, paused=paused)
    wish = wants_at(timetable, look.utc)
    crossed = (
        before is not None
        and _time_went_by(before.look, look)
        and wants_at(timetable, before.look.utc).wants != wish.wants
    )
    plan = Plan(wants=wish.wants, exit_opens=wish.exit_opens, moves=crossed and wish.wants is not None)
    return Outlook(plan=plan, look=look, wish=wish)


def wants_at(timetable: Timetable, utc: dt.datetime) -> Wish:
    """Return what the timetable wants at an instant."""
    now = _course(timetable, _local_day(timetable, utc), LOOK_AHEAD_DAYS).at(utc)
    return replace(now, until=next((boundary.at for boundary in boundaries(timetable, utc)), None))


def boundaries(timetable: Timetable, utc: dt.datetime) -> Iterator[Boundary]:
    """Yield the instants after this one at which something else is wanted, in order, for eight days."""
    today = _local_day(timetable, utc)
    course = _course(timetable, today, LOOK_AHEAD_DAYS)
    known_until = reached(timetable.zone, today, (LOOK_AHEAD_DAYS + 1) * DAY_MIN)
    before = course.at(utc)
    for instant, wish in course.after(utc):
        if instant >= known_until:
            return
        if (wish.wants, wish.exit_opens) != (before.wants, before.exit_opens):
            yield Boundary(at=instant, before=before.wants, wish=wish)
        before = wish


def day(timetable: Timetable, date: dt.date) -> tuple[Stretch, ...]:
    """Return what the timetable wants through one local day, from its midnight to the next, in order."""
    zone = timetable.zone
    course = _course(timetable, date, 1)
    first, last = reached(zone, date, 0), reached(zone, date, DAY_MIN)
    if first == last:
        return ()  # a zone may skip a whole day
    edges = [(first, course.at(first)), *(later for later in course.after(first) if later[0] < last)]
    changes = [next(same)[0] for _, same in groupby(edges, lambda edge: edge[1])]
    return tuple(
        Stretch(start=start.astimezone(zone), end=end.astimezone(zone), wish=course.at(start))
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


def _local_day(timetable: Timetable, utc: dt.datetime) -> dt.date:
    return utc.astimezone(timetable.zone).date()


@lru_cache(maxsize=4)
def _course(timetable: Timetable, today: dt.date, ahead_days: int) -> _Course:
    """Return the course of things from the day before to so many days after."""
    covered = _covered(timetable, today, ahead_days)
    instants = tuple(sorted({instant for one in covered for instant in (one.start, one.end)}))
    coming = sorted(enumerate(covered), key=lambda ranked: ranked[1].start, reverse=True)
    under_way: list[tuple[int, dt.datetime]] = []  # what wins comes first
    wishes = []
    for instant in instants:
        while coming and coming[-1][1].start <= instant:
            rank, one = coming.pop()
            heappush(under_way, (rank, one.end))
        while under_way and under_way[0][1] <= instant:
            heappop(under_way)
        wishes.append(_wish(covered[under_way[0][0]].period) if under_way else Wish())
    return _Course(instants, tuple(wishes))


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


def _wish(period: Period) -> Wish:
    return Wish(wants=period.wants, exit_opens=period.exit_opens, period=period.name)


def _is_believed(look: Look) -> bool:
    return look.trusted and look.utc.year in BELIEVABLE_YEARS


def _time_went_by(before: Look, now: Look) -> bool:
    """Tell whether both clocks went forward by the same, and were believed all the time."""
    by_wall_s, by_mono_s = (now.utc - before.utc).total_seconds(), now.mono_s - before.mono_s
    return _is_believed(before) and by_wall_s >= 0.0 and abs(by_wall_s - by_mono_s) <= CLOCKS_AGREE_S
