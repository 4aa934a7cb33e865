"""The timetable: what it wants at any instant, and that nothing but time going by lets it move the gate."""

from __future__ import annotations

import datetime as dt
import itertools
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gate.model import Code, State
from gate.schedule import (
    DAY_MIN,
    Look,
    Outlook,
    Period,
    Stretch,
    Timetable,
    Wish,
    boundaries,
    day,
    observe,
    reached,
    wants_at,
)

VIETNAM = ZoneInfo("Asia/Ho_Chi_Minh")
BERLIN = ZoneInfo("Europe/Berlin")
APIA = ZoneInfo("Pacific/Apia")
ZONES = [VIETNAM, BERLIN, APIA, *map(ZoneInfo, ("Australia/Lord_Howe", "America/Sao_Paulo", "Africa/Cairo", "UTC"))]
ALL_WEEK = frozenset(range(7))
OPEN, CLOSED = State.OPEN, State.CLOSED


def at(text: str) -> int:
    """Read 'HH:MM' as minutes; '29:00' is 05:00 on the next day."""
    hours, minutes = map(int, text.split(":"))
    return hours * 60 + minutes


def period(
    start: str,
    end: str,
    wants: State | None,
    *,
    days: frozenset[int] = ALL_WEEK,
    dates: tuple[tuple[dt.date, dt.date], ...] = (),
    exit_opens: bool = True,
) -> Period:
    return Period(
        name=f"{start}-{end}",
        start_min=at(start),
        end_min=at(end),
        wants=wants,
        exit_opens=exit_opens,
        days=frozenset() if dates else days,
        dates=dates,
    )


def on(*dates: str) -> tuple[tuple[dt.date, dt.date], ...]:
    """Read dates and ranges 'first..last'."""
    spans = (text.split("..") for text in dates)
    return tuple((dt.date.fromisoformat(span[0]), dt.date.fromisoformat(span[-1])) for span in spans)


NIGHT = period("22:00", "29:00", CLOSED)
VILLAGE = Timetable(zone=VIETNAM, periods=(NIGHT,))


class Site:
    """A timetable and a wall clock that a story reads in local time."""

    def __init__(self, *periods: Period, zone: ZoneInfo = VIETNAM) -> None:
        self.timetable = Timetable(zone=zone, periods=periods)
        self.zone = zone

    def wish(self, local: str, fold: int = 0) -> Wish:
        return wants_at(self.timetable, self.utc(local, fold))

    def wants(self, local: str, fold: int = 0) -> State | None:
        return self.wish(local, fold).wants

    def until(self, local: str, fold: int = 0) -> str:
        until = self.wish(local, fold).until
        return until.astimezone(self.zone).strftime("%Y-%m-%d %H:%M %z") if until else ""

    def utc(self, local: str, fold: int = 0) -> dt.datetime:
        return dt.datetime.fromisoformat(local).replace(tzinfo=self.zone, fold=fold).astimezone(dt.UTC)

    def day(self, date: str) -> list[tuple[str, str, State | None]]:
        return [shown(stretch) for stretch in day(self.timetable, dt.date.fromisoformat(date))]


def shown(stretch: Stretch) -> tuple[str, str, State | None]:
    end = "24:00" if stretch.end.date() > stretch.start.date() else f"{stretch.end:%H:%M}"
    return f"{stretch.start:%H:%M}", end, stretch.wish.wants


# Days and nights.


@pytest.mark.parametrize(
    ("local", "wants"),
    [
        ("2026-11-21 21:59:59.999", None),
        ("2026-11-21 22:00", CLOSED),
        ("2026-11-21 23:59:59", CLOSED),
        ("2026-11-22 00:00", CLOSED),
        ("2026-11-22 04:59:59.999999", CLOSED),
        ("2026-11-22 05:00", None),
        ("2026-12-31 23:00", CLOSED),
        ("2027-01-01 04:00", CLOSED),
        ("2028-02-28 23:00", CLOSED),
        ("2028-02-29 04:00", CLOSED),
        ("2028-02-29 23:00", CLOSED),
        ("2028-03-01 04:59", CLOSED),
    ],
)
def test_a_night_runs_over_midnight(local: str, wants: State | None) -> None:
    """Over the end of a week, a month, a year and a leap day too."""
    assert Site(NIGHT).wants(local) is wants


def test_it_tells_by_which_period_and_until_when() -> None:
    site = Site(NIGHT, period("05:00", "08:00", OPEN))
    assert site.wish("2026-11-21 23:00").period == "22:00-29:00"
    assert site.until("2026-11-21 23:00") == "2026-11-22 05:00 +0700"
    assert site.until("2026-11-22 06:00") == "2026-11-22 08:00 +0700"
    assert site.until("2026-11-22 08:00") == "2026-11-22 22:00 +0700"
    assert not site.wish("2026-11-22 12:00").period


def test_a_period_belongs_to_the_day_it_starts_on() -> None:
    sunday_night = Site(period("22:00", "29:00", CLOSED, days=frozenset({6})))
    assert sunday_night.wants("2026-11-22 23:00") is CLOSED
    assert sunday_night.wants("2026-11-23 04:00") is CLOSED
    assert sunday_night.wants("2026-11-23 23:00") is None
    assert sunday_night.wants("2026-11-22 04:00") is None
    assert sunday_night.until("2026-11-23 05:00") == "2026-11-29 22:00 +0700"


def test_a_day_may_end_at_24_00() -> None:
    site = Site(period("00:00", "24:00", OPEN, days=frozenset({0})))
    assert site.wants("2026-11-22 23:59") is None
    assert site.wants("2026-11-23 00:00") is OPEN
    assert site.wants("2026-11-23 23:59") is OPEN
    assert site.wants("2026-11-24 00:00") is None


def test_periods_that_want_the_same_are_one_wish() -> None:
    site = Site(period("08:00", "12:00", OPEN), period("12:00", "17:00", OPEN))
    assert site.until("2026-11-21 09:00") == "2026-11-21 17:00 +0700"


def test_a_timetable_that_never_changes_has_no_end() -> None:
    assert Site(period("00:00", "24:00", CLOSED)).wish("2026-11-21 09:00").until is None
    assert Site().wish("2026-11-21 09:00") == Wish()


def test_a_change_is_foretold_for_eight_days_and_no_further() -> None:
    """Nobody plans a gate further ahead, and the look happens each second."""
    feast = period("00:00", "24:00", OPEN, dates=on("2026-12-01"))
    assert Site(feast).until("2026-11-22 23:59") == ""
    assert Site(feast).until("2026-11-23 00:00") == "2026-12-01 00:00 +0700"
    assert (
        Site(period("00:00", "24:00", OPEN), period("23:00", "24:00", CLOSED, dates=on("2026-12-01"))).until(
            "2026-11-23 00:00"
        )
        == "2026-12-01 00:00 +0700"
    )


def test_closed_at_night_but_the_exit_loop_opens() -> None:
    """The issue's own example; and a site that lets nobody out at night says so."""
    assert Site(NIGHT).wish("2026-11-21 23:00").exit_opens
    kept_in = Site(period("22:00", "29:00", CLOSED, exit_opens=False))
    assert not kept_in.wish("2026-11-21 23:00").exit_opens
    assert kept_in.wish("2026-11-21 12:00").exit_opens


def test_a_change_of_the_exit_loop_alone_is_a_change() -> None:
    site = Site(period("22:00", "24:00", CLOSED), period("00:00", "05:00", CLOSED, exit_opens=False))
    assert site.until("2026-11-21 23:00") == "2026-11-22 00:00 +0700"


# Exceptions.

TET = period("00:00", "24:00", OPEN, dates=on("2027-02-05..2027-02-09"))


def test_tet_replaces_the_nights() -> None:
    """A lunar feast: the maintainer writes its dates as they fall in that year."""
    site = Site(NIGHT, TET)
    assert site.wants("2027-02-04 23:00") is CLOSED
    assert site.wants("2027-02-05 23:00") is OPEN
    assert site.wants("2027-02-09 23:59") is OPEN
    assert site.wants("2027-02-10 01:00") is None
    assert site.wants("2027-02-10 22:00") is CLOSED


def test_a_night_that_runs_into_an_exception_gives_way_to_it() -> None:
    """The night of the 4th ends at midnight, because Tết is open from 00:00."""
    site = Site(NIGHT, TET)
    assert site.wants("2027-02-05 00:00") is OPEN
    assert site.until("2027-02-04 23:00") == "2027-02-05 00:00 +0700"


def test_a_night_before_a_later_exception_runs_to_its_end() -> None:
    site = Site(NIGHT, period("23:30", "29:00", CLOSED, dates=on("2026-11-22")))
    assert site.wants("2026-11-22 04:59") is CLOSED
    assert site.wants("2026-11-22 22:30") is None
    assert site.wants("2026-11-22 23:30") is CLOSED
    assert site.wants("2026-11-23 04:00") is CLOSED


def test_an_exception_may_leave_the_gate_to_people() -> None:
    site = Site(NIGHT, period("00:00", "24:00", None, dates=on("2026-11-22")))
    assert site.wants("2026-11-22 02:00") is None
    assert site.wants("2026-11-22 23:00") is None
    assert site.wants("2026-11-23 23:00") is CLOSED


def test_an_exception_that_runs_past_midnight_beats_the_next_day() -> None:
    site = Site(period("00:00", "24:00", CLOSED), period("20:00", "26:00", OPEN, dates=on("2026-11-22")))
    assert site.wants("2026-11-23 01:59") is OPEN
    assert site.wants("2026-11-23 02:00") is CLOSED
    assert site.wants("2026-11-22 12:00") is None


def test_an_exception_on_a_leap_day() -> None:
    site = Site(period("00:00", "24:00", OPEN, dates=on("2028-02-29")))
    assert [site.wants(f"2028-{day} 12:00") for day in ("02-28", "02-29", "03-01")] == [None, OPEN, None]


# The preview of a day.


def test_a_day_is_told_from_midnight_to_midnight() -> None:
    assert Site(NIGHT, period("06:00", "08:00", OPEN)).day("2026-11-21") == [
        ("00:00", "05:00", CLOSED),
        ("05:00", "06:00", None),
        ("06:00", "08:00", OPEN),
        ("08:00", "22:00", None),
        ("22:00", "24:00", CLOSED),
    ]


def test_a_day_without_a_period_is_one_free_stretch() -> None:
    assert Site().day("2026-11-21") == [("00:00", "24:00", None)]


def test_the_day_before_tet_and_its_last() -> None:
    site = Site(NIGHT, TET)
    assert site.day("2027-02-04")[-1] == ("22:00", "24:00", CLOSED)
    assert site.day("2027-02-05") == [("00:00", "24:00", OPEN)]
    assert site.day("2027-02-10") == [("00:00", "22:00", None), ("22:00", "24:00", CLOSED)]


def test_a_day_that_a_zone_skipped_is_empty() -> None:
    """Samoa had no 30 December 2011."""
    assert Site(NIGHT, zone=APIA).day("2011-12-30") == []


# Zones whose clocks change.


def test_a_time_that_is_skipped_comes_at_the_jump() -> None:
    """Berlin, 28 March 2027: 02:00 is followed by 03:00."""
    site = Site(period("02:30", "05:00", CLOSED), zone=BERLIN)
    assert site.wants("2027-03-28 01:59:59") is None
    assert site.wants("2027-03-28 03:00") is CLOSED
    assert site.until("2027-03-28 01:00") == "2027-03-28 03:00 +0200"


def test_a_period_that_is_skipped_whole_does_not_come() -> None:
    site = Site(period("02:15", "02:45", CLOSED), zone=BERLIN)
    assert site.wants("2027-03-28 03:00") is None
    assert site.until("2027-03-28 01:00") == "2027-03-29 02:15 +0200"


def test_a_time_that_is_repeated_comes_once() -> None:
    """Berlin, 31 October 2027: 02:00 to 03:00 comes twice."""
    site = Site(period("22:00", "26:30", CLOSED), zone=BERLIN)
    assert site.wants("2027-10-31 02:29", fold=0) is CLOSED
    assert site.wants("2027-10-31 02:31", fold=0) is None
    assert site.wants("2027-10-31 02:15", fold=1) is None
    assert site.until("2027-10-31 01:00") == "2027-10-31 02:30 +0200"


def test_a_period_inside_the_repeated_hour_lasts_as_long_as_it_says() -> None:
    site = Site(period("02:00", "03:00", OPEN), zone=BERLIN)
    assert site.wants("2027-10-31 02:30", fold=0) is OPEN
    assert site.wants("2027-10-31 02:30", fold=1) is OPEN
    assert site.wants("2027-10-31 03:00") is None


def test_a_midnight_that_does_not_exist() -> None:
    """Cairo, 26 April 2024: the day began at 01:00."""
    site = Site(period("00:00", "05:00", CLOSED), zone=ZoneInfo("Africa/Cairo"))
    assert site.wants("2024-04-25 23:59:59") is None
    assert site.wants("2024-04-26 01:00") is CLOSED
    assert site.day("2024-04-26")[0] == ("01:00", "05:00", CLOSED)


def test_vietnam_changes_no_clocks() -> None:
    """Two years of nights, each seven hours long."""
    first = dt.date(2026, 1, 1)
    for later in range(731):
        date = first + dt.timedelta(days=later)
        night = reached(VIETNAM, date, at("29:00")) - reached(VIETNAM, date, at("22:00"))
        assert night == dt.timedelta(hours=7)


DATES = st.dates(min_value=dt.date(2010, 1, 1), max_value=dt.date(2037, 12, 30))
CHANGES = st.sampled_from([
    dt.date(2011, 12, 30), dt.date(2027, 3, 28), dt.date(2027, 10, 31), dt.date(2024, 4, 26), dt.date(2024, 11, 1),
    dt.date(2018, 11, 4), dt.date(2018, 2, 17), dt.date(2027, 4, 4), dt.date(2027, 10, 3),
])  # fmt: skip


@settings(max_examples=300, deadline=None)
@given(zone=st.sampled_from(ZONES), date=DATES | CHANGES, minute=st.integers(0, 2 * DAY_MIN))
def test_a_boundary_is_the_first_instant_at_which_the_wall_has_reached_it(
    zone: ZoneInfo, date: dt.date, minute: int
) -> None:
    wall = dt.datetime.combine(date, dt.time()) + dt.timedelta(minutes=minute)
    instant = reached(zone, date, minute)
    assert instant.astimezone(zone).replace(tzinfo=None) >= wall
    assert (instant - dt.timedelta(seconds=1)).astimezone(zone).replace(tzinfo=None) < wall


@settings(max_examples=200, deadline=None)
@given(zone=st.sampled_from(ZONES), date=DATES | CHANGES, minutes=st.lists(st.integers(0, 2 * DAY_MIN), min_size=2))
def test_boundaries_keep_their_order(zone: ZoneInfo, date: dt.date, minutes: list[int]) -> None:
    instants = [reached(zone, date, minute) for minute in sorted(minutes)]
    assert instants == sorted(instants)


@st.composite
def timetables(draw: st.DrawFn) -> Timetable:
    """Any timetable without an overlap: a week cut into pieces, and a few exceptions."""
    cuts = sorted(draw(st.sets(st.integers(0, DAY_MIN).map(lambda m: m // 15 * 15), min_size=2, max_size=5)))
    shift = draw(st.integers(0, DAY_MIN - 1 - cuts[0])) if cuts[-1] - cuts[0] < DAY_MIN else 0
    wants = st.sampled_from([OPEN, CLOSED, None])
    weekly = [
        Period(name=f"w{n}", start_min=a + shift, end_min=b + shift, wants=draw(wants), exit_opens=draw(st.booleans()),
               days=draw(st.frozensets(st.integers(0, 6))))
        for n, (a, b) in enumerate(itertools.pairwise(cuts)) if a + shift < DAY_MIN and b - cuts[0] <= DAY_MIN
    ]  # fmt: skip
    first = draw(CHANGES | DATES)
    last = first + dt.timedelta(days=draw(st.integers(0, 3)))
    start = draw(st.integers(0, DAY_MIN - 1))
    length = draw(st.integers(1, DAY_MIN))
    dated = Period(name="x", start_min=start, end_min=start + length, wants=draw(wants), dates=((first, last),))
    return Timetable(zone=draw(st.sampled_from(ZONES)), periods=(*weekly, *draw(st.sampled_from([(), (dated,)]))))


def naive_wish(timetable: Timetable, utc: dt.datetime) -> tuple[State | None, bool]:
    """Say it the slow way: which period was reached and has not been left, day by day around the instant."""
    found: tuple[State | None, bool] = (None, True)
    for by_date in (False, True):
        for later in range(-3, 4):
            date = utc.astimezone(timetable.zone).date() + dt.timedelta(days=later)
            exceptional = any(a <= date <= b for one in timetable.periods for a, b in one.dates)
            for one in timetable.periods:
                starts = any(a <= date <= b for a, b in one.dates) if by_date else date.weekday() in one.days
                if bool(one.dates) is not by_date or not starts or (exceptional and not by_date):
                    continue
                walls = [
                    dt.datetime.combine(date, dt.time()) + dt.timedelta(minutes=m) for m in (one.start_min, one.end_min)
                ]
                if has_reached(timetable.zone, utc, walls[0]) and not has_reached(timetable.zone, utc, walls[1]):
                    found = (one.wants, one.exit_opens)
    return found


def has_reached(zone: ZoneInfo, utc: dt.datetime, wall: dt.datetime) -> bool:
    """Tell whether the wall clock has shown that time or a later one within the last four days."""
    looks = (utc - dt.timedelta(minutes=15 * back) for back in range(4 * 96))
    return any(look.astimezone(zone).replace(tzinfo=None) >= wall for look in looks)


@settings(max_examples=60, deadline=None)
@given(timetable=timetables(), date=CHANGES | DATES, quarter=st.integers(0, 200))
def test_it_agrees_with_the_slow_way(timetable: Timetable, date: dt.date, quarter: int) -> None:
    utc = dt.datetime.combine(date, dt.time(), dt.UTC) + dt.timedelta(minutes=15 * quarter - DAY_MIN)
    quarters = tuple(
        Period(name=p.name, start_min=p.start_min // 15 * 15, end_min=-(-p.end_min // 15) * 15, wants=p.wants,
               exit_opens=p.exit_opens, days=p.days, dates=p.dates)
        for p in timetable.periods if p.dates or p.start_min % 15 == 0
    )  # fmt: skip
    timetable = Timetable(zone=timetable.zone, periods=quarters)
    wish = wants_at(timetable, utc)
    assert (wish.wants, wish.exit_opens) == naive_wish(timetable, utc)


@settings(max_examples=100, deadline=None)
@given(timetable=timetables(), date=CHANGES | DATES, minute=st.integers(0, DAY_MIN - 1))
def test_nothing_changes_before_until_and_something_does_then(timetable: Timetable, date: dt.date, minute: int) -> None:
    utc = dt.datetime.combine(date, dt.time(), dt.UTC) + dt.timedelta(minutes=minute)
    wish = wants_at(timetable, utc)
    if wish.until is None:
        later = [utc + dt.timedelta(hours=hours) for hours in range(1, 24 * 8, 7)]
        assert {(w.wants, w.exit_opens) for w in (wants_at(timetable, one) for one in later)} == {
            (wish.wants, wish.exit_opens)
        }
        return
    just_before = wants_at(timetable, wish.until - dt.timedelta(microseconds=1))
    then = wants_at(timetable, wish.until)
    assert (just_before.wants, just_before.exit_opens) == (wish.wants, wish.exit_opens)
    assert (then.wants, then.exit_opens) != (wish.wants, wish.exit_opens)


@settings(max_examples=100, deadline=None)
@given(timetable=timetables(), date=CHANGES | DATES)
def test_a_day_is_covered_without_a_gap_and_as_wants_at_says(timetable: Timetable, date: dt.date) -> None:
    stretches = day(timetable, date)
    assert all(a.end == b.start for a, b in itertools.pairwise(stretches))
    for stretch in stretches:
        assert stretch.start < stretch.end
        start, end = stretch.start.astimezone(dt.UTC), stretch.end.astimezone(dt.UTC)
        for instant in (start, end - dt.timedelta(seconds=1)):  # counted in UTC: a local "second before" may not exist
            wish = wants_at(timetable, instant)
            assert (wish.wants, wish.period) == (stretch.wish.wants, stretch.wish.period)
    if stretches:
        assert stretches[0].start == reached(timetable.zone, date, 0)
        assert stretches[-1].end == reached(timetable.zone, date, DAY_MIN)


def test_what_comes_next_is_told_and_what_of_it_moves_the_gate() -> None:
    """The end of a period moves nothing; neither does one that wants what was wanted already."""
    site = Site(NIGHT, period("20:00", "22:00", CLOSED), period("08:00", "10:00", OPEN))
    told = [
        (f"{one.at.astimezone(VIETNAM):%H:%M}", one.before, one.wish.wants, one.moves)
        for one in itertools.islice(boundaries(site.timetable, site.utc("2026-11-21 12:00")), 5)
    ]
    assert told == [
        ("20:00", None, CLOSED, True), ("05:00", CLOSED, None, False), ("08:00", None, OPEN, True),
        ("10:00", OPEN, None, False), ("20:00", None, CLOSED, True),
    ]  # fmt: skip


# Successive looks at the clocks.


class Clocks:
    """A wall clock and a monotonic one, looked at again and again."""

    def __init__(self, timetable: Timetable, local: str, *, trusted: bool = True, mono_s: float = 100.0) -> None:
        self.timetable = timetable
        self.utc = dt.datetime.fromisoformat(local).replace(tzinfo=timetable.zone).astimezone(dt.UTC)
        self.trusted = trusted
        self.mono_s = mono_s
        self.outlook: Outlook | None = None
        self.moves: list[State | None] = []

    def look(self) -> Outlook:
        self.outlook = observe(
            self.timetable, Look(utc=self.utc, trusted=self.trusted, mono_s=self.mono_s), self.outlook
        )
        if self.outlook.plan.moves:
            self.moves.append(self.outlook.plan.wants)
        return self.outlook

    def goes_by(self, seconds: float, *, step_s: float = 1.0) -> Clocks:
        """Time goes by on both clocks, with a look before and at each step."""
        self.look()
        while seconds > 0:
            self.utc += dt.timedelta(seconds=min(step_s, seconds))
            self.mono_s += min(step_s, seconds)
            seconds -= step_s
            self.look()
        return self

    def jumps(self, seconds: float, *, took_s: float = 1.0) -> Clocks:
        """Someone sets the wall clock."""
        self.utc += dt.timedelta(seconds=seconds)
        self.mono_s += took_s
        self.look()
        return self

    @property
    def wants(self) -> State | None:
        return self.look().plan.wants


DAY_AND_NIGHT = Timetable(zone=VIETNAM, periods=(NIGHT, period("05:00", "22:00", OPEN)))


def test_time_that_goes_by_over_a_boundary_moves_once() -> None:
    clocks = Clocks(VILLAGE, "2026-11-21 21:59:50").goes_by(20)
    assert clocks.moves == [CLOSED]
    clocks.goes_by(60)
    assert clocks.moves == [CLOSED]
    assert clocks.wants is CLOSED


def test_a_day_and_a_night_move_twice() -> None:
    assert Clocks(DAY_AND_NIGHT, "2026-11-21 12:00").goes_by(86_400, step_s=30).moves == [CLOSED, OPEN]


def test_a_boot_inside_a_period_moves_nothing() -> None:
    """I7: it is known, and nothing moves for it."""
    clocks = Clocks(VILLAGE, "2026-11-21 23:00")
    outlook = clocks.look()
    assert outlook.plan.wants is CLOSED
    assert not outlook.plan.moves
    assert clocks.goes_by(60).moves == []


def test_the_end_of_a_period_moves_nothing() -> None:
    clocks = Clocks(VILLAGE, "2026-11-22 04:59:58").goes_by(5)
    assert clocks.moves == []
    assert clocks.wants is None


@pytest.mark.parametrize("jump_s", [3600.0, 7200.0 + 86_400.0, -3600.0 * 18, 10.0, -86_400.0 * 365.25 * 5])
def test_a_jump_over_a_boundary_moves_nothing(jump_s: float) -> None:
    """Rule of safety.md: nothing moves because time jumped."""
    clocks = Clocks(DAY_AND_NIGHT, "2026-11-21 21:59:55").goes_by(2).jumps(jump_s).goes_by(3)
    assert clocks.moves == []


@pytest.mark.parametrize("years", [10, -10])
def test_ten_years_are_harmless(years: int) -> None:
    clocks = Clocks(DAY_AND_NIGHT, "2026-11-21 21:59:55").goes_by(2).jumps(years * 365.25 * 86_400).goes_by(100)
    assert clocks.moves == []
    clocks.jumps(-years * 365.25 * 86_400).goes_by(30)
    assert clocks.moves == []


def test_after_a_jump_the_next_boundary_counts_again() -> None:
    clocks = Clocks(DAY_AND_NIGHT, "2026-11-21 12:00").goes_by(2).jumps(3600 * 9.99).goes_by(120)
    assert clocks.moves == [CLOSED]


def test_a_small_correction_is_no_jump() -> None:
    """A clock that is disciplined moves by milliseconds; the boundary counts."""
    clocks = Clocks(VILLAGE, "2026-11-21 21:59:58").goes_by(1)
    clocks.jumps(1.4).goes_by(2)
    assert clocks.moves == [CLOSED]


@pytest.mark.parametrize(("by_wall_s", "moves"), [(3.0, [CLOSED]), (3.01, []), (2.0, [CLOSED])])
def test_a_step_of_more_than_two_seconds_is_a_jump(by_wall_s: float, moves: list[State | None]) -> None:
    clocks = Clocks(VILLAGE, "2026-11-21 21:59:57").goes_by(1).jumps(by_wall_s, took_s=1.0)
    assert clocks.moves == moves


def test_a_look_at_the_same_instant_again_moves_nothing_more() -> None:
    clocks = Clocks(VILLAGE, "2026-11-21 21:59:59").goes_by(1).goes_by(1)
    assert clocks.moves == [CLOSED]
    clocks.look()
    assert clocks.moves == [CLOSED]


def test_a_clock_that_steps_back_over_a_boundary_does_not_open_again() -> None:
    clocks = Clocks(DAY_AND_NIGHT, "2026-11-21 21:59:58").goes_by(3)
    assert clocks.moves == [CLOSED]
    clocks.jumps(-1.5, took_s=0.4)
    assert clocks.wants is OPEN
    assert OPEN not in clocks.moves


def test_while_the_clock_is_not_believed_the_timetable_rests_and_says_so() -> None:
    clocks = Clocks(DAY_AND_NIGHT, "2026-11-21 21:59:55", trusted=False).goes_by(10)
    outlook = clocks.look()
    assert clocks.moves == []
    assert outlook.plan.wants is None
    assert outlook.paused is Code.CLOCK_UNTRUSTED
    assert outlook.plain() == {"wants": None, "until": None, "paused": "clock_untrusted"}


def test_a_clock_that_becomes_believed_moves_nothing() -> None:
    clocks = Clocks(VILLAGE, "2026-11-21 21:59:59", trusted=False).goes_by(1)
    clocks.trusted = True
    assert clocks.goes_by(5).moves == []
    assert clocks.wants is CLOSED


def test_a_boundary_crossed_in_disbelief_moves_nothing() -> None:
    clocks = Clocks(VILLAGE, "2026-11-21 21:59:57").goes_by(2)
    clocks.trusted = False
    clocks.goes_by(3)
    clocks.trusted = True
    assert clocks.goes_by(3).moves == []


def test_disbelief_at_the_boundary_itself_moves_nothing() -> None:
    clocks = Clocks(VILLAGE, "2026-11-21 21:59:59").goes_by(0.5)
    clocks.trusted = False
    assert clocks.goes_by(1).moves == []


@pytest.mark.parametrize("year", [1970, 2000, 2019, 2200, 9998])
def test_a_year_that_can_t_be_is_not_believed_whoever_vouches_for_it(year: int) -> None:
    """A clock chip with an empty battery starts in 1970 or 2000."""
    outlook = Clocks(VILLAGE, f"{year}-11-21 23:00").look()
    assert outlook.paused is Code.CLOCK_UNTRUSTED
    assert outlook.plan.wants is None


@pytest.mark.parametrize("year", [2020, 2199])
def test_a_year_that_can_be_is_believed(year: int) -> None:
    outlook = Clocks(VILLAGE, f"{year}-11-21 23:00").look()
    assert outlook.plan.wants is CLOSED


def test_in_disbelief_the_exit_loop_opens_only_where_no_period_forbids_it() -> None:
    kept_in = Timetable(zone=VIETNAM, periods=(period("22:00", "29:00", CLOSED, exit_opens=False),))
    assert not Clocks(kept_in, "2026-11-21 12:00", trusted=False).look().plan.exit_opens
    assert Clocks(kept_in, "2026-11-21 12:00").look().plan.exit_opens
    assert Clocks(VILLAGE, "2026-11-21 12:00", trusted=False).look().plan.exit_opens


def test_a_site_without_a_timetable_is_never_paused() -> None:
    outlook = Clocks(Timetable(zone=VIETNAM), "2026-11-21 12:00", trusted=False).look()
    assert outlook.paused is None
    assert outlook.plan.exit_opens


def test_a_changed_timetable_moves_nothing_by_itself() -> None:
    clocks = Clocks(Timetable(zone=VIETNAM), "2026-11-21 23:00").goes_by(5)
    clocks.timetable = VILLAGE
    assert clocks.goes_by(5).moves == []
    assert clocks.wants is CLOSED


def test_a_gate_that_hung_over_a_boundary_follows_it_when_it_wakes() -> None:
    """Time did go by, on both clocks; the closing that follows is warned of like any other (I12)."""
    assert Clocks(VILLAGE, "2026-11-21 21:59").goes_by(600, step_s=600).moves == [CLOSED]


def test_what_is_published_says_until_when() -> None:
    outlook = Clocks(VILLAGE, "2026-11-21 23:00").look()
    assert outlook.plain() == {"wants": "closed", "until": "2026-11-21T22:00:00.000Z", "paused": None}


def test_nothing_happens_after_49_7_days() -> None:
    """2^32 ms, where counters of others wrapped."""
    clocks = Clocks(VILLAGE, "2026-11-21 12:00", mono_s=2**32 / 1000 - 60)
    assert clocks.goes_by(120).moves == []
    assert clocks.goes_by(36_000, step_s=60).moves == [CLOSED]


@settings(max_examples=100, deadline=None)
@given(
    steps=st.lists(
        st.tuples(st.floats(-4e8, 4e8) | st.floats(-10, 10), st.floats(0, 100_000) | st.floats(0, 5), st.booleans()),
        max_size=30,
    )
)
def test_it_moves_only_over_a_boundary_that_both_clocks_went_over(steps: list[tuple[float, float, bool]]) -> None:
    clocks = Clocks(DAY_AND_NIGHT, "2026-11-21 12:00")
    for by_wall_s, by_mono_s, trusted in steps:
        before = clocks.outlook
        clocks.trusted = trusted
        clocks.utc += dt.timedelta(seconds=by_wall_s)
        clocks.mono_s += by_mono_s
        outlook = clocks.look()
        if outlook.plan.moves:
            assert before is not None
            assert trusted
            assert before.look.trusted
            assert by_wall_s >= 0
            assert abs(by_wall_s - by_mono_s) <= 2.0
            assert before.plan.wants is not outlook.plan.wants
