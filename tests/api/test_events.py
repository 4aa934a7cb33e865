"""Motion events and their files (contracts: GET /events…)."""

from __future__ import annotations

import datetime as dt
import json
import sqlite3
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest

from api import diary
from gate.client import new_id
from gate.journal import Journal, JournalReader, utc
from gate.model import JsonObject, Kind
from tests.api.conftest import Served, beside_a_gate
from tests.fakes import FakeGate, wait_until

EVENTS = "/api/v1/events"
CLIP = bytes(range(256)) * 40


@pytest.fixture
def shared(tmp_path: Path) -> Iterator[Served]:
    """Serve with a journal of its own for each story."""
    yield from beside_a_gate(tmp_path)


@dataclass(kw_only=True)
class Camera:
    """What a camera process would report and write."""

    gate: FakeGate
    media: Path
    served: Served

    def event(self, *, ended: bool = True, clip: bool = True) -> str:
        event_id = new_id()
        folder = time.strftime("%Y-%m-%d")
        started: JsonObject = {"event_id": event_id, "source": "scene", "zones": ["gateway"], "thumbnail": None}
        self.gate.write(Kind.MOTION_STARTED, started)
        if ended:
            data: JsonObject = {"event_id": event_id, "zones": ["gateway", "road"], "duration_s": 4.5, "peak_area": 0.1}
            self.gate.write(Kind.MOTION_ENDED, data)
        if clip:
            (self.media / folder).mkdir(parents=True, exist_ok=True)
            (self.media / folder / f"{event_id}.mp4").write_bytes(CLIP)
            (self.media / folder / f"{event_id}.jpg").write_bytes(b"\xff\xd8picture")
            saved: JsonObject = {
                "event_id": event_id, "clip": f"{folder}/{event_id}.mp4", "thumbnail": f"{folder}/{event_id}.jpg",
                "duration_s": 14.5, "pre_roll_s": 5.0, "bytes": len(CLIP), "width": 1280, "height": 720,
                "codec": "avc1.42E01E", "sha256": "5e" * 32, "cause": "motion",
            }  # fmt: skip
            self.gate.write(Kind.CLIP_SAVED, saved)
        return event_id

    def occasion(self, cause: str, clip_of: str | None = None) -> str:
        """Save the clip of a move or an alarm: its own, or the one of an event that it joined."""
        event_id = new_id()
        folder = time.strftime("%Y-%m-%d")
        if clip_of is None:
            (self.media / folder).mkdir(parents=True, exist_ok=True)
            (self.media / folder / f"{event_id}.mp4").write_bytes(CLIP)
        saved: JsonObject = {
            "event_id": event_id, "cause": cause, "clip": f"{folder}/{clip_of or event_id}.mp4", "thumbnail": None,
            "started_at": "2026-11-21T18:04:05.678Z", "event_s": 12.5, "duration_s": 22.5, "bytes": len(CLIP),
        }  # fmt: skip
        self.gate.write(Kind.CLIP_SAVED, saved)
        return event_id

    def settled(self, facts: int) -> None:
        wait_until(lambda: self.served.office.live.last_seq >= facts)


@pytest.fixture
def camera(served: Served, gate: FakeGate) -> Camera:
    return Camera(gate=gate, media=served.settings.media_dir, served=served)


def test_an_event_tells_its_story_and_its_clip_plays(camera: Camera, operator: httpx.Client) -> None:
    """When, where, how long, what was recorded; the clip as video/mp4, the picture as image/jpeg."""
    event_id = camera.event()
    camera.settled(3)
    (event,) = operator.get(EVENTS).json()["items"]
    assert event == operator.get(f"{EVENTS}/{event_id}").json()
    assert event | {"seq": 0, "started_at": "", "ended_at": ""} == {
        "event_id": event_id, "seq": 0, "cause": "motion", "source": "scene", "zones": ["gateway", "road"],
        "level": None, "crossings": [], "started_at": "", "ended_at": "", "duration_s": 4.5, "peak_area": 0.1,
        "thumbnail": f"{EVENTS}/{event_id}/thumbnail.jpg",
        "clip": {"url": f"{EVENTS}/{event_id}/clip.mp4", "duration_s": 14.5, "pre_roll_s": 5.0, "bytes": len(CLIP),
                 "width": 1280, "height": 720, "codec": "avc1.42E01E", "sha256": "5e" * 32},
        "clip_state": "available", "held": None, "starred": None,
    }  # fmt: skip
    clip = operator.get(event["clip"]["url"])
    assert (clip.status_code, clip.headers["Content-Type"], clip.content) == (200, "video/mp4", CLIP)
    assert operator.get(event["thumbnail"]).headers["Content-Type"] == "image/jpeg"


def test_a_player_may_ask_for_parts_of_a_clip(camera: Camera, operator: httpx.Client) -> None:
    """Range: 206 with the right bytes, 416 beyond the end."""
    url = f"{EVENTS}/{camera.event()}/clip.mp4"
    camera.settled(3)
    part = operator.get(url, headers={"Range": "bytes=100-199"})
    assert (part.status_code, part.content) == (206, CLIP[100:200])
    assert part.headers["Content-Range"] == f"bytes 100-199/{len(CLIP)}"
    assert operator.get(url, headers={"Range": "bytes=-10"}).content == CLIP[-10:]
    beyond = operator.get(url, headers={"Range": f"bytes={len(CLIP)}-"})
    assert (beyond.status_code, beyond.headers["Content-Range"]) == (416, f"bytes */{len(CLIP)}")
    assert beyond.json()["code"] == "range_not_satisfiable"


def test_a_player_may_ask_in_every_way_of_the_standard(camera: Camera, operator: httpx.Client) -> None:
    """RFC 9110, 14: several parts, open ends, more than there is; If-Range: the whole where the file is another."""
    url = f"{EVENTS}/{camera.event()}/clip.mp4"
    camera.settled(3)

    def ask(span: str, **more: str) -> httpx.Response:
        return operator.get(url, headers={"Range": f"bytes={span}", **more})

    size = len(CLIP)
    for span, expected in (("0-0", CLIP[:1]), ("50-", CLIP[50:]), ("-999999", CLIP), ("10-999999", CLIP[10:])):
        answer = ask(span)
        assert (answer.status_code, answer.content) == (206, expected), span
        assert answer.headers["Content-Length"] == str(len(expected))
    parts = ask("0-9,50-59,-5")
    assert parts.status_code == 206
    assert parts.headers["Content-Type"].startswith("multipart/byteranges; boundary=")
    for first, last in ((0, 9), (50, 59), (size - 5, size - 1)):
        head = f"Content-Range: bytes {first}-{last}/{size}\r\n\r\n".encode()
        assert head + CLIP[first : last + 1] + b"\r\n--" in parts.content
    tag = parts.headers["ETag"]
    assert (ask("0-9", **{"If-Range": tag}).status_code, ask("0-9", **{"If-Range": '"older"'}).content) == (206, CLIP)
    for refused in (f"{size}-", "-0", "9-5", "nonsense", f"0-9,{size * 2}-"):
        answer = ask(refused)
        assert (answer.status_code, answer.json()["code"]) == (416, "range_not_satisfiable"), refused
    assert operator.get(url).headers["Accept-Ranges"] == "bytes"


def test_an_event_under_way_and_one_without_a_clip_say_so(camera: Camera, operator: httpx.Client) -> None:
    """Null where there is nothing yet; a clip that was deleted is told apart from one that never was."""
    going, bare, deleted = camera.event(ended=False, clip=False), camera.event(clip=False), camera.event()
    camera.settled(6)
    for file in camera.media.glob(f"*/{deleted}.*"):
        file.unlink()
    events: dict[str, Any] = {event["event_id"]: event for event in operator.get(EVENTS).json()["items"]}
    assert (events[going]["ended_at"], events[going]["clip_state"]) == (None, "none")
    assert (events[bare]["duration_s"], events[bare]["clip"]) == (4.5, None)
    assert (events[deleted]["clip_state"], events[deleted]["clip"], events[deleted]["thumbnail"]) == (
        "deleted", None, None,
    )  # fmt: skip
    assert operator.get(f"{EVENTS}/{deleted}/clip.mp4").json()["code"] == "no_clip"
    assert operator.get(f"{EVENTS}/{going}/thumbnail.jpg").json()["code"] == "no_thumbnail"


def box(kind: bytes, size: int) -> bytes:
    """Return a box of an MP4."""
    return (size + 8).to_bytes(4, "big") + kind + bytes(size)


def test_a_clip_plays_while_it_is_written(camera: Camera, operator: httpx.Client) -> None:
    """What is whole of it, with ranges that go on while it grows; nothing before the first picture."""
    event_id = camera.event(ended=False, clip=False)
    camera.settled(1)
    part = camera.media / time.strftime("%Y-%m-%d", time.gmtime()) / f"{event_id}.part"
    part.parent.mkdir(parents=True, exist_ok=True)
    head = box(b"ftyp", 20) + box(b"moov", 600)
    part.write_bytes(head)
    url = f"{EVENTS}/{event_id}/clip.mp4"
    assert operator.get(url).json()["code"] == "no_clip"
    whole = head + box(b"moof", 100) + box(b"mdat", 70_000)
    part.write_bytes(whole + box(b"moof", 100) + box(b"mdat", 500)[:-1])
    event = operator.get(f"{EVENTS}/{event_id}").json()
    assert (event["clip_state"], event["clip"]["bytes"], event["clip"]["duration_s"]) == ("recording", len(whole), None)
    assert event["clip"]["url"] == f"{url}?until={len(whole)}"
    assert operator.get(event["clip"]["url"]).content == whole
    first = operator.get(url)
    assert (first.status_code, first.headers["Content-Type"], first.content) == (200, "video/mp4", whole)
    part.write_bytes(whole + box(b"moof", 100) + box(b"mdat", 500))
    tag = {"If-Range": first.headers["ETag"]}
    more = operator.get(url, headers={"Range": f"bytes={len(whole)}-", **tag})
    assert (more.status_code, more.content) == (206, part.read_bytes()[len(whole) :])
    assert operator.get(url, headers={"Range": f"bytes={part.stat().st_size}-"}).status_code == 416
    part.rename(part.with_suffix(".mp4"))
    saved: JsonObject = {"event_id": event_id, "clip": f"{part.parent.name}/{event_id}.mp4", "thumbnail": None}
    camera.gate.write(Kind.CLIP_SAVED, saved)
    camera.settled(2)
    again = operator.get(url, headers={"Range": "bytes=10-", **tag})
    assert (again.status_code, len(again.content)) == (200, part.with_suffix(".mp4").stat().st_size)


def test_an_event_that_joined_another_shows_the_clip_of_that(camera: Camera, operator: httpx.Client) -> None:
    """One clip, two events: while it is written, and afterwards."""
    first = camera.event()
    second = camera.event(ended=False, clip=False)
    camera.settled(4)
    folder = next(camera.media.glob(f"*/{first}.mp4")).parent
    grown = box(b"ftyp", 20) + box(b"moof", 8) + box(b"mdat", 800)
    (folder / f"{first}.part").write_bytes(grown)
    (folder / f"{second}.join").write_text(json.dumps({"clip": first}), encoding="utf-8")
    assert operator.get(f"{EVENTS}/{second}/clip.mp4").content == grown
    (folder / f"{second}.join").write_text(json.dumps({"clip": "../../accounts"}), encoding="utf-8")
    assert operator.get(f"{EVENTS}/{second}/clip.mp4").json()["code"] == "no_clip"
    camera.gate.write(Kind.CLIP_SAVED, {"event_id": second, "clip": f"{folder.name}/{first}.mp4", "thumbnail": None})
    camera.settled(5)
    assert operator.get(f"{EVENTS}/{second}/clip.mp4").content == CLIP


def test_moves_and_alarms_have_clips_too(camera: Camera, operator: httpx.Client) -> None:
    """Listed by themselves where nothing moved in the picture; found by their id in any case."""
    car = camera.event()
    move, alarm = camera.occasion("move"), camera.occasion("alarm")
    joined = camera.occasion("move", clip_of=car)
    camera.settled(6)
    items = operator.get(EVENTS).json()["items"]
    assert [(item["event_id"], item["cause"]) for item in items] == [(alarm, "alarm"), (move, "move"), (car, "motion")]
    assert (items[1]["started_at"], items[1]["duration_s"]) == ("2026-11-21T18:04:05.678Z", 12.5)
    assert items[1]["ended_at"] == "2026-11-21T18:04:18.178Z"
    assert operator.get(EVENTS, params={"limit": 1, "before": items[0]["seq"]}).json()["items"] == [items[1]]
    found = operator.get(f"{EVENTS}/{joined}").json()
    assert (found["cause"], found["clip_state"]) == ("move", "available")
    assert operator.get(found["clip"]["url"]).content == CLIP


def test_a_move_whose_end_nobody_saw_ended_at_the_latest_when_its_clip_was_saved(
    camera: Camera, operator: httpx.Client
) -> None:
    """After a power cut only that is known. Durations are told to a hundredth of a second."""
    begun = "2026-11-21T18:04:05.678Z"
    for started_at, event_s in ((begun, None), (None, 3.0), ("soon", 3.0), (begun, 9.87654)):
        saved: JsonObject = {"event_id": new_id(), "cause": "move", "clip": None}
        camera.gate.write(Kind.CLIP_SAVED, {**saved, "started_at": started_at, "event_s": event_s})
    camera.settled(4)
    exact, odd, dateless, endless = operator.get(EVENTS).json()["items"]
    assert (exact["ended_at"], exact["duration_s"]) == ("2026-11-21T18:04:15.558Z", 9.88)
    for unsure in (odd, dateless, endless):
        assert unsure["ended_at"] > exact["ended_at"]
    assert (dateless["started_at"], endless["duration_s"]) == (dateless["ended_at"], None)


def test_events_come_newest_first_page_by_page(camera: Camera, operator: httpx.Client) -> None:
    """`before` leads through all of them, each once."""
    made = [camera.event() for _ in range(7)]
    camera.settled(21)
    found: list[str] = []
    cursor: dict[str, int] = {}
    for _ in range(4):
        page = operator.get(EVENTS, params={"limit": 3, **cursor}).json()
        found += [event["event_id"] for event in page["items"]]
        assert all(event["clip"] for event in page["items"])
        if page["next"] is None:
            break
        cursor = {"before": page["next"]}
    assert found == made[::-1]


def test_a_day_is_the_sites_day(camera: Camera, operator: httpx.Client) -> None:
    """Today in Việt Nam, which begins at 17:00 UTC of the day before."""
    camera.event()
    camera.settled(3)
    here = dt.timezone(dt.timedelta(hours=7))
    today = dt.datetime.now(here).date()
    assert len(operator.get(EVENTS, params={"day": today.isoformat()}).json()["items"]) == 1
    assert operator.get(EVENTS, params={"day": (today - dt.timedelta(days=1)).isoformat()}).json()["items"] == []
    assert diary.span_of_day(dt.date(2026, 11, 21), "Asia/Ho_Chi_Minh") == (
        "2026-11-20T17:00:00.000Z", "2026-11-21T17:00:00.000Z",
    )  # fmt: skip
    first, last = diary.span_of_day(dt.date(2026, 3, 29), "Europe/Berlin")
    assert (first, last) == ("2026-03-28T23:00:00.000Z", "2026-03-29T22:00:00.000Z")
    for odd in ("2026-13-01", "today", "0001-01-01", "9999-12-31"):
        assert operator.get(EVENTS, params={"day": odd}).json()["code"] == "invalid_request"


def test_no_path_comes_from_a_client_or_from_an_odd_fact(camera: Camera, operator: httpx.Client) -> None:
    """Ids are ids; a fact that names another file is not followed."""
    for odd in ("..%2f..%2fjournal.db", "x", "%00"):
        answer = operator.get(f"{EVENTS}/{odd}/clip.mp4")
        assert answer.json()["code"] in {"invalid_request", "not_found"}, odd
    assert operator.get(f"{EVENTS}/{new_id()}").json()["code"] == "no_such_event"
    secret = camera.media.parent / "accounts.db"
    for name in (f"../{secret.name}", str(secret), f"2026-11-21/{new_id()}.mp4"):
        event_id = new_id()
        camera.gate.write(Kind.MOTION_STARTED, {"event_id": event_id, "zones": [], "source": "x", "thumbnail": name})
        camera.gate.write(Kind.CLIP_SAVED, {"event_id": event_id, "clip": name, "thumbnail": name})
        camera.settled(2)
        wait_until(lambda event_id=event_id: operator.get(f"{EVENTS}/{event_id}").status_code == 200)  # type: ignore[misc] # bound at once
        assert operator.get(f"{EVENTS}/{event_id}/clip.mp4").json()["code"] == "no_clip"


def id_at(moment_s: float) -> str:
    stamp = f"{int(moment_s * 1000):012x}"
    return f"{stamp[:8]}-{stamp[8:]}-{new_id()[14:]}"


def test_an_event_is_found_by_its_id_though_the_clock_jumped(tmp_path: Path) -> None:
    """Its id says when to look; where the clock was ahead for a while and set back, it is still found."""
    told: list[int] = []
    journal = Journal(tmp_path / "journal.db", lambda fact: told.append(fact.seq))
    journal.open()
    journal.close()
    clocks = [*range(0, 3000, 10), *range(90_000, 90_900, 3), *range(3000, 6000, 10)]
    ids = [id_at(1.8e9 + second) for second in clocks]
    database = sqlite3.connect(tmp_path / "journal.db")
    for seq, (second, event_id) in enumerate(zip(clocks, ids, strict=True), 1):
        row = (seq, event_id, utc(1.8e9 + second + 0.05), json.dumps({"event_id": event_id}))
        database.execute("INSERT INTO fact VALUES (?, ?, ?, 1, 0, '', 'motion_started', '{}', ?, '', '')", row)
    database.commit()
    database.close()
    reader = JournalReader(tmp_path / "journal.db")
    assert all(diary.event(reader, event_id) for event_id in ids[::40])
    assert diary.event(reader, new_id()) is None
    reader.close()
