"""The diary: a day at a glance, finding visits among thousands, stars that everybody shares (issue 7, 3)."""

from __future__ import annotations

import contextlib
import datetime as dt
import time
import zoneinfo
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from api import diary, search
from api.day import runs
from api.event_schemas import EventList
from api.sieve import Hours, Sieve, Size, size_of
from api.stars import Stars
from gate.client import new_id
from gate.journal import JournalReader, Tally, utc
from gate.model import Json, JsonObject, Kind, Role
from tests.api.conftest import Served, beside_a_gate
from tests.days import Days, id_of
from tests.fakes import FakeGate, wait_until

EVENTS = "/api/v1/events"
HERE = zoneinfo.ZoneInfo("Asia/Ho_Chi_Minh")
TODAY = dt.datetime(2026, 11, 21, tzinfo=HERE)
NIGHT = Hours(begins=dt.time(22), ends=dt.time(5), zone=HERE)


@pytest.fixture
def book(tmp_path: Path) -> Days:
    return Days(tmp_path / "journal.db")


@pytest.fixture
def reader(book: Days, tmp_path: Path) -> Iterator[JournalReader]:
    assert book
    with contextlib.closing(JournalReader(tmp_path / "journal.db")) as opened:
        yield opened


def ids(found: search.Found) -> list[str]:
    return [event.event_id for event in found.events]


def test_motorbikes_that_left_by_night_are_found_among_all_others(book: Days, reader: JournalReader) -> None:
    """By direction, size and hours over several days, newest first; the hour is that of the site, past midnight too."""
    evening = book.visit(TODAY.replace(hour=22, minute=5), "out")
    for at, way, area in ((3, "in", 0.03), (3, "out", 0.1), (12, "out", 0.03), (5, "out", 0.03)):
        book.visit(TODAY + dt.timedelta(days=1, hours=at), way, area=area)
    book.visit(TODAY + dt.timedelta(days=1, hours=3), "out", zone="road", area=0.01)
    early = book.visit(TODAY + dt.timedelta(days=2, hours=4, minutes=59), "in", "out")
    sieve = Sieve(direction="out", size=Size.MEDIUM, hours=NIGHT)
    found = search.search(reader, sieve, before=None, span=None, limit=50)
    assert (ids(found), found.next) == ([early, evening], None)
    first_day = diary.span_of_day(TODAY.date(), HERE.key)
    assert ids(search.search(reader, sieve, before=None, span=first_day, limit=50)) == [evening]


def test_a_zone_is_not_found_by_a_part_of_its_name(book: Days, reader: JournalReader) -> None:
    """The journal's own sieve looks at text; what it lets through is read."""
    book.visit(TODAY, zone="gateway-2")
    here = book.visit(TODAY + dt.timedelta(hours=1), zone="gateway")
    found = search.search(reader, Sieve(zone="gateway"), before=None, span=None, limit=50)
    assert ids(found) == [here]


def test_a_search_goes_on_where_it_stopped(book: Days, reader: JournalReader) -> None:
    """Page by page nothing is missing and nothing comes twice, whether visits are asked for by their end or not."""
    made = [book.visit(TODAY + dt.timedelta(minutes=n), "out" if n % 3 else "in") for n in range(30)]
    for sieve, meant in (
        (Sieve(direction="out"), [one for n, one in enumerate(made) if n % 3]),
        (Sieve(hours=NIGHT), made),
        (Sieve(), made),
    ):
        told: list[str] = []
        before, pages = None, 0
        while pages == 0 or before is not None:
            page = search.search(reader, sieve, before=before, span=None, limit=7)
            told, before, pages = told + ids(page), page.next, pages + 1
        assert told == meant[::-1]


def test_one_answer_looks_at_so_much_and_says_where_to_go_on(book: Days, reader: JournalReader) -> None:
    """A needle in a long journal: nobody else waits for it, and it is found by going on."""
    needle = book.visit(TODAY, "out", area=0.2)
    count = search.MOST_LOOKED_AT + 10
    ended: JsonObject = {"zones": ["gateway"], "peak_area": 0.03, "crossings": [{"line": "x", "direction": "out"}]}
    later = TODAY + dt.timedelta(hours=1)
    book.write((later, Kind.MOTION_ENDED, {**ended, "event_id": f"{n}"}) for n in range(count))
    sieve = Sieve(direction="out", size=Size.LARGE)
    first = search.search(reader, sieve, before=None, span=None, limit=5)
    assert (first.events, first.next is None) == ([], False)
    assert ids(search.search(reader, sieve, before=first.next, span=None, limit=5)) == [needle]


def test_a_search_among_what_people_chose_looks_at_so_much(book: Days, reader: JournalReader) -> None:
    """Seen: a search in 2000 starred events held up everybody who asked the journal for eight seconds."""
    needle = book.visit(TODAY, "out")
    others = [book.visit(TODAY + dt.timedelta(minutes=n), "in") for n in range(1, search.MOST_LOOKED_UP + 10)]
    unknown = id_of(TODAY + dt.timedelta(hours=9))
    book.write((TODAY, Kind.EVENT_STARRED, {"event_id": one}) for one in (needle, *others, unknown))
    stars, leaving = Stars().read(reader), Sieve(direction="out")
    first = search.among(reader, leaving, stars.newest(reader, None, None), span=None, limit=5)
    assert (first.events, first.next is None) == ([], False)
    rest = search.among(reader, leaving, stars.newest(reader, first.next, None), span=None, limit=5)
    assert (ids(rest), rest.next) == ([needle], None)
    long_ago = diary.span_of_day(TODAY.date() - dt.timedelta(days=2), HERE.key)
    assert list(stars.newest(reader, None, long_ago)) == []


def test_what_an_odd_program_wrote_is_passed_over(book: Days, reader: JournalReader) -> None:
    """Facts of motion that are not as the camera writes them are no visit that anybody can be shown."""
    odd: list[JsonObject] = [
        {"event_id": "not-one", "zones": "gateway", "crossings": "out"},
        {"event_id": None, "zones": ["gateway"], "peak_area": "large", "crossings": [None, {"direction": "out"}]},
    ]
    book.write((TODAY, Kind.MOTION_ENDED, data) for data in odd)
    for sieve in (Sieve(zone="gateway"), Sieve(direction="out"), Sieve(size=Size.SMALL)):
        assert search.search(reader, sieve, before=None, span=None, limit=5).events == []
    assert not NIGHT.hold("yesterday")


def test_what_an_odd_program_wrote_keeps_nothing_else_from_the_page(served: Served, gate: FakeGate) -> None:
    """Seen: one fact with a list for an id, or a visit of 1e18 seconds, and no list of events came any more."""
    odd: list[Json] = [None, True, 1e18, "", "<b>", [], ["out"], {}, {"direction": "out"}]
    for value in odd:
        event_id = id_of(dt.datetime.now(dt.UTC))
        data: JsonObject = dict.fromkeys(
            ("zones", "crossings", "level", "source", "peak_area", "duration_s", "event_s", "started_at", "clip"), value
        )
        gate.write(Kind.MOTION_STARTED, {**data, "event_id": event_id})
        gate.write(Kind.MOTION_ENDED, {**data, "event_id": event_id, "zones": ["gateway"]})
        gate.write(Kind.CLIP_SAVED, {**data, "event_id": event_id, "cause": "move", "bytes": value})
        gate.write(Kind.MOTION_STARTED, {"event_id": value})
        gate.write(Kind.USER_SIGN_IN_FAILED, {"name": value})
    wait_until(lambda: served.office.live.last_seq >= 5 * len(odd))
    viewer = served.person(Role.VIEWER, name="hoa")
    for query in ({}, {"zone": "gateway"}, {"direction": "out"}, {"hours": "00:00-23:59"}, {"cause": "move"}):
        answer = viewer.get(EVENTS, params=query)
        assert answer.status_code == 200, (query, answer.text)
        assert EventList.model_validate(answer.json(), strict=True)
    assert viewer.get("/api/v1/diary").json()["failed_sign_ins"][0]["names"] == ["<b>"]


def test_a_size_is_how_much_of_the_picture_it_covered() -> None:
    """An animal, a person or motorbike, a car, as the simulated yard shows them."""
    assert [size_of(area) for area in (0.014, 0.0365, 0.0403, 0.0811, None, "?")] == [
        Size.SMALL, Size.MEDIUM, Size.MEDIUM, Size.LARGE, None, None,
    ]  # fmt: skip


def test_wrong_sign_ins_that_follow_each_other_are_one_run() -> None:
    """Neighbouring steps belong together; a quiet one ends the run."""

    def failed(step: int, count: int, *names: str) -> Tally:
        at = utc(step * 600)
        return Tally(kind="user_sign_in_failed", step=step, count=count, first_at=at, last_at=at, names=names)

    told = runs([failed(3, 4, "an"), failed(4, 300, "an", "lan"), failed(6, 1)])
    assert [(run["first_at"], run["last_at"], run["count"], run["names"]) for run in told] == [
        (utc(1800), utc(2400), 304, ["an", "lan"]),
        (utc(3600), utc(3600), 1, []),
    ]


@pytest.fixture
def shared(tmp_path: Path) -> Iterator[Served]:
    """Serve with a journal of its own for each story."""
    yield from beside_a_gate(tmp_path)


def test_a_day_is_counted_whole(served: Served, gate: FakeGate, operator: httpx.Client) -> None:
    """What moved, how often the gate ran, alarms, who guessed; and the names that a filter may offer."""
    for kind, data in (
        (Kind.MOTION_STARTED, {"event_id": new_id()}),
        (Kind.DRIVE_ENERGISED, {"relay": "open_relay", "command_id": "1"}),
        (Kind.ALARM_RAISED, {"alarm": "forced_open", "id": "1", "reminder": 0}),
        (Kind.USER_SIGN_IN_FAILED, {"name": "lan"}),
        (Kind.USER_SIGN_IN_FAILED, {"name": ""}),
    ):
        gate.write(kind, data)  # type: ignore[arg-type] # plain JSON, each of one type
    wait_until(lambda: served.office.live.last_seq >= 5)
    day = operator.get("/api/v1/diary").json()
    assert [sum(day[row]) for row in ("motion", "moves", "alarms")] == [1, 1, 1]
    assert {len(day[row]) for row in ("motion", "moves", "alarms")} == {144}
    assert [(run["count"], run["names"]) for run in day["failed_sign_ins"]] == [(2, ["lan"])]
    assert day["zones"] == ["gateway"]
    other = operator.get("/api/v1/diary", params={"day": "2020-02-02"}).json()
    assert (sum(other["motion"]), other["failed_sign_ins"], other["since"]) == (0, [], "2020-02-01T17:00:00.000Z")
    assert operator.get("/api/v1/diary", params={"day": "0001-01-01"}).status_code == 422


@pytest.fixture
def seen(served: Served, gate: FakeGate) -> list[str]:
    """Have the camera see three visits, oldest first."""
    now = dt.datetime.now(dt.UTC)
    events = [id_of(now - dt.timedelta(seconds=ago)) for ago in (3, 2, 1)]
    for event_id in events:
        gate.write(Kind.MOTION_STARTED, {"event_id": event_id, "source": "scene", "zones": ["gateway"]})
    wait_until(lambda: served.office.live.last_seq >= 3)
    return events


def test_a_star_is_everybodys_and_says_whose_it_is(served: Served, seen: list[str], operator: httpx.Client) -> None:
    """Journalled with the phone before it is answered; another officer sees it, and may take it away."""
    address = f"{EVENTS}/{seen[1]}/star"
    starred = operator.put(address, json={})
    assert (starred.status_code, starred.json()["starred"]["by"]["device"]) == (200, "test")
    assert operator.put(address, json={}).json()["starred"] == starred.json()["starred"]
    assert served.gate
    told = [data for kind, _, data in served.gate.reports if kind is Kind.EVENT_STARRED]
    assert told == [{"event_id": seen[1]}]
    other = served.person(Role.COMMANDER, name="hung")
    assert [event["starred"] is None for event in other.get(EVENTS).json()["items"]] == [True, False, True]
    assert other.delete(address).json()["starred"] is None
    assert served.report("event_unstarred", by_id="hung")[1] == {"event_id": seen[1]}
    assert [event["starred"] for event in operator.get(EVENTS).json()["items"]] == [None] * 3


def test_starred_events_are_listed_page_by_page(seen: list[str], operator: httpx.Client) -> None:
    """Newest first, whatever order they were marked in; `held` and `starred` together mean both."""
    for event_id in (seen[0], seen[2], seen[1]):
        operator.put(f"{EVENTS}/{event_id}/star", json={})
    page = operator.get(EVENTS, params={"starred": "true", "limit": 2}).json()
    rest = operator.get(EVENTS, params={"starred": "true", "limit": 2, "before": page["next"]}).json()
    assert [event["event_id"] for event in (*page["items"], *rest["items"])] == seen[::-1]
    assert operator.get(EVENTS, params={"starred": "true", "held": "true"}).json()["items"] == []


def test_only_officers_on_duty_star_and_only_what_is_there(served: Served, seen: list[str]) -> None:
    """The right `star`; a viewer and a maintainer see stars and make none."""
    for role in (Role.VIEWER, Role.MAINTAINER):
        person = served.person(role)
        assert person.put(f"{EVENTS}/{seen[0]}/star", json={}).status_code == 403
        assert person.delete(f"{EVENTS}/{seen[0]}/star").status_code == 403
    missing = served.person(Role.OPERATOR).put(f"{EVENTS}/{new_id()}/star", json={})
    assert (missing.status_code, missing.json()["code"]) == (404, "no_such_event")


def test_events_are_sifted_over_http(served: Served, gate: FakeGate, seen: list[str], operator: httpx.Client) -> None:
    """Each filter by its name; one that is not understood is refused by name."""
    ended: JsonObject = {
        "event_id": seen[1], "zones": ["gateway"], "duration_s": 1.0, "peak_area": 0.03,
        "crossings": [{"line": "in", "direction": "out"}],
    }  # fmt: skip
    gate.write(Kind.MOTION_ENDED, ended)
    wait_until(lambda: served.office.live.last_seq >= 4)

    def found(**params: str) -> list[str]:
        return [event["event_id"] for event in operator.get(EVENTS, params=params).json()["items"]]

    assert found(direction="out", size="medium", zone="gateway") == [seen[1]]
    assert found(hours="00:00-00:00", cause="motion") == seen[::-1]
    assert found(cause="alarm") == found(direction="in") == []
    assert found(since=utc(time.time() - 60), until=utc(time.time() + 60)) == seen[::-1]
    assert found(until=utc(time.time() - 60)) == []
    for odd in ({"hours": "22-5"}, {"direction": "up"}, {"size": "huge"}, {"since": "2026-11-21T18:00:00"}):
        assert operator.get(EVENTS, params=odd).status_code == 422, odd
