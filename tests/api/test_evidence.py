"""Taking evidence over HTTP: who may, what is journalled when, what is held, what ends it (issue 5, 7)."""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import io
import json
import time
import zipfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pypdf
import pytest
from starlette.types import Message

from api.accounts import AccountsError, Store
from api.evidence_check import Verdict, check
from api.evidence_key import KEY_FILE, shown
from api.evidence_stream import EvidenceStream
from api.evidence_takings import Status, Takings
from api.proof import FRESH_S
from gate.client import new_id
from gate.journal import JournalReader, utc
from gate.model import Fact, JsonObject, Kind, Role
from tests.api.conftest import Served
from tests.fakes import FakeGate, wait_until

EVIDENCE = "/api/v1/evidence"
CLIP = bytes(range(256)) * 40
REASON = "Công an xã yêu cầu, công văn 12"


@dataclass(kw_only=True)
class Scene:
    """What the camera recorded, and a commander who wants it."""

    page: Served
    gate: FakeGate
    commander: httpx.Client
    began_at: str
    began_seq: int

    @property
    def media(self) -> Path:
        return self.page.settings.media_dir

    def motion(self, *, clip: bytes | None = CLIP, saved: bool = True) -> str:
        """Let something move: recorded, being recorded, or not at all."""
        event_id, day = new_id(), time.strftime("%Y-%m-%d")
        (self.media / day).mkdir(parents=True, exist_ok=True)
        self.gate.write(Kind.MOTION_STARTED, {"event_id": event_id, "source": "scene", "thumbnail": None})
        if clip is None:
            return event_id
        if not saved:
            box = len(clip).to_bytes(4, "big") + b"mdat" + clip[8:]
            (self.media / day / f"{event_id}.part").write_bytes(box)
            return event_id
        (self.media / day / f"{event_id}.mp4").write_bytes(clip)
        (self.media / day / f"{event_id}.jpg").write_bytes(b"\xff\xd8picture")
        self.gate.write(Kind.CLIP_SAVED, {
            "event_id": event_id, "cause": "motion", "clip": f"{day}/{event_id}.mp4",
            "thumbnail": f"{day}/{event_id}.jpg", "started_at": utc(time.time()), "pre_roll_s": 5.0,
            "sha256": hashlib.sha256(clip).hexdigest(), "thumbnail_sha256": None,
        })  # fmt: skip
        return event_id

    def asks(self, **more: object) -> dict[str, Any]:
        """Ask for evidence and return the answer."""
        self.settles()
        answer = self.commander.post(EVIDENCE, json={"reason": REASON, **more})
        assert answer.status_code == 201, answer.text
        found: dict[str, Any] = answer.json()
        return found

    def takes(self, asked: dict[str, Any]) -> tuple[Verdict, dict[str, bytes]]:
        """Take it, check it, and return what is in it."""
        answer = self.commander.get(asked["url"])
        assert (answer.status_code, answer.headers["Content-Type"]) == (200, "application/zip"), answer.text
        path = self.page.settings.storage.state_dir / "taken.zip"
        path.write_bytes(answer.content)
        with zipfile.ZipFile(io.BytesIO(answer.content)) as package:
            return check(path), {name: package.read(name) for name in package.namelist()}

    def settles(self) -> None:
        """Wait until the journal is written so far."""
        marker = self.gate.write(Kind.BOOT, {"version": "marker"})
        wait_until(lambda: any(fact.id == marker for fact in self.facts(Kind.BOOT)), what="the marker")

    def told(self, asked: dict[str, Any]) -> list[str]:
        """Return what was journalled of a package, in order."""
        return [kind.value for kind, _, data in self.gate.reports if data.get("evidence_id") == asked["evidence_id"]]

    def facts(self, *kinds: Kind) -> list[Fact]:
        reader = JournalReader(self.gate.journal_path)
        found = reader.read(kinds=[kind.value for kind in kinds], after=self.began_seq, limit=1000)
        reader.close()
        return found


@pytest.fixture
def scene(served: Served, gate: FakeGate) -> Scene:
    made = Scene(page=served, gate=gate, commander=served.person(Role.COMMANDER, name="minh"), began_at="", began_seq=0)
    made.settles()
    newest = made.facts(Kind.BOOT)[-1]
    made.began_at, made.began_seq = newest.at, newest.seq
    return made


def code(answer: httpx.Response) -> tuple[int, str]:
    return answer.status_code, answer.json()["code"]


def test_a_commander_takes_chosen_events(scene: Scene) -> None:
    """One ZIP: clips, pictures, rows, the record, the manifest, its signature; each deed journalled in its turn."""
    scene.gate.write(Kind.ARRIVED, {"state": "closed"})
    first = scene.motion()
    scene.gate.write(Kind.ARRIVED, {"state": "open"})
    second = scene.motion(clip=CLIP * 2)
    other = scene.motion()
    asked = scene.asks(events=[second, first], place="Trụ sở Công an xã")
    picture = len(b"\xff\xd8picture")
    assert asked | {"evidence_id": "", "url": "", "expires_at": ""} == {
        "evidence_id": "", "url": "", "events": 2, "clips": 2, "bytes": 3 * len(CLIP) + 2 * picture, "rows": 5,
        "missing": 0, "expires_at": "",
    }  # fmt: skip
    verdict, files = scene.takes(asked)
    day = time.strftime("%Y-%m-%d")
    assert list(files) == [
        f"clips/{day}/{first}.mp4", f"clips/{day}/{second}.mp4", f"snapshots/{day}/{first}.jpg",
        f"snapshots/{day}/{second}.jpg", "journal.jsonl", "taken.jsonl", "record.pdf", "check.txt", "gate-key.pem",
        "manifest.json", "manifest.sig",
    ]  # fmt: skip
    assert (files[f"clips/{day}/{second}.mp4"], other in str(files)) == (CLIP * 2, False)
    said = verdict.manifest
    assert (said["reason"], said["place"], verdict.rows) == (REASON, "Trụ sở Công an xã", 5)
    taken = json.loads(files["taken.jsonl"])
    assert taken["by"] == {"type": "person", "id": "minh", "name": "Minh", "device": "test"}
    assert taken["data"]["event_ids"] == [first, second]
    scene.page.report("evidence_sealed", "minh", evidence_id=asked["evidence_id"], bytes=verdict.bytes, missing=[])
    scene.page.report("event_released", evidence_id=asked["evidence_id"], event_ids=[first, second])
    scene.page.report("event_held", "minh", evidence_id=asked["evidence_id"], event_ids=[first, second], reason=REASON)
    assert scene.told(asked) == ["event_held", "evidence_taken", "evidence_sealed", "event_released"]


def test_a_span_takes_what_was_under_way_in_it(scene: Scene) -> None:
    """An event that began before it and ended in it is in; every row of the span, and of that event, is in."""
    early = scene.motion()
    scene.settles()
    began = scene.facts(Kind.MOTION_STARTED)[-1]
    scene.gate.write(Kind.MOTION_ENDED, {"event_id": early, "duration_s": 1.0})
    late = scene.motion(clip=None)
    scene.settles()
    marker = scene.facts(Kind.BOOT)[-1]
    asked = scene.asks(since=scene.facts(Kind.CLIP_SAVED)[-1].at)
    assert (asked["events"], asked["clips"]) == (2, 1)
    verdict, files = scene.takes(asked)
    seqs = [json.loads(row)["seq"] for row in files["journal.jsonl"].splitlines()]
    assert seqs == list(range(began.seq, max(seqs) + 1))
    assert marker.seq in seqs
    assert verdict.manifest["selection"]["event_ids"] == [early, late]  # type: ignore[index,call-overload] # an object
    later = scene.asks(since=scene.began_at, until=utc(time.time() + 3600))
    assert later["rows"] > asked["rows"]


def test_the_record_in_it_is_for_people(scene: Scene) -> None:
    """The PDF says who, why, and each file with its hash; the list shows what was taken, and by which key."""
    event_id = scene.motion()
    asked = scene.asks(events=[event_id])
    verdict, files = scene.takes(asked)
    assert files["record.pdf"].startswith(b"%PDF-")
    text = " ".join(page.extract_text() for page in pypdf.PdfReader(io.BytesIO(files["record.pdf"])).pages)
    assert "công văn 12" in text
    assert hashlib.sha256(CLIP).hexdigest()[:8] in text.replace(" ", "").replace("\n", "")
    wait_until(lambda: scene.commander.get(EVIDENCE).json()["items"][0]["status"] == "sealed", what="the seal")
    listed = scene.commander.get(EVIDENCE).json()
    (item,) = listed["items"]
    assert listed["key"] == verdict.fingerprint
    assert shown(verdict.fingerprint)[:9] in text.replace("\n", " ")
    assert (item["url"], item["person"], item["bytes"], item["missing"]) == (None, "minh", verdict.bytes, 0)
    assert item["manifest_sha256"] == hashlib.sha256(files["manifest.json"]).hexdigest()
    assert (scene.page.settings.storage.state_dir / KEY_FILE).stat().st_mode & 0o777 == 0o600


def test_what_is_gone_or_not_finished_is_named(scene: Scene) -> None:
    """A clip that retention took after it was chosen; one that is still being recorded; one that was never there."""
    gone, growing, bare = scene.motion(), scene.motion(saved=False), scene.motion(clip=None)
    asked = scene.asks(events=[gone, growing, bare])
    assert (asked["clips"], asked["missing"]) == (1, 1)
    for file in scene.media.glob(f"*/{gone}.mp4"):
        file.unlink()
    verdict, files = scene.takes(asked)
    missing: Any = verdict.manifest["missing"]
    assert [(row["event_ids"], row["why"]) for row in missing] == [([gone], "deleted"), ([growing], "recording")]
    assert not any(name.startswith("clips/") for name in files)


def test_a_clip_that_is_finished_meanwhile_comes_along(scene: Scene) -> None:
    """Chosen while it was recorded, taken when it was saved: the clip and the row that says its hash."""
    event_id = scene.motion(clip=None)
    asked = scene.asks(events=[event_id])
    assert (asked["clips"], asked["rows"]) == (0, 1)
    day = time.strftime("%Y-%m-%d")
    (scene.media / day / f"{event_id}.mp4").write_bytes(CLIP)
    saved: JsonObject = {"event_id": event_id, "clip": f"{day}/{event_id}.mp4", "cause": "motion", "thumbnail": None,
                         "sha256": hashlib.sha256(CLIP).hexdigest()}  # fmt: skip
    scene.gate.write(Kind.CLIP_SAVED, saved)
    scene.settles()
    verdict, files = scene.takes(asked)
    assert files[f"clips/{day}/{event_id}.mp4"] == CLIP
    assert verdict.rows > 1


def test_only_a_commander_who_is_fresh_and_only_once(scene: Scene, operator: httpx.Client) -> None:
    """The right `evidence`, a credential seen a moment ago, the person who asked, once, within an hour."""
    body = {"events": [scene.motion()], "reason": REASON}
    scene.settles()
    assert code(operator.post(EVIDENCE, json=body)) == (403, "not_permitted")
    asked = scene.asks(events=body["events"])
    another = scene.page.person(Role.COMMANDER, name="tho")
    assert code(another.get(asked["url"])) == (404, "no_such_evidence")
    assert another.get(EVIDENCE).json()["items"][0]["url"] is None
    scene.page.clock.ahead_s = FRESH_S + 1
    assert code(scene.commander.get(asked["url"])) == (403, "step_up_required")
    assert code(scene.commander.post(EVIDENCE, json=body)) == (403, "step_up_required")
    scene.page.clock.ahead_s = 0.0
    scene.takes(asked)
    assert code(scene.commander.get(asked["url"])) == (409, "evidence_over")
    assert scene.commander.get(f"{EVIDENCE}/{new_id()}.zip").json()["code"] == "no_such_evidence"
    assert len(scene.facts(Kind.EVIDENCE_TAKEN)) == 1


def test_what_can_not_be_chosen_is_said(scene: Scene) -> None:
    """Nothing is held, nothing remembered, nothing journalled."""
    since: dict[str, object] = {"since": "2026-11-21T18:00:00Z"}
    why: dict[str, object] = {"reason": REASON}
    wrong: list[dict[str, object]] = [
        why, {"events": [], **why}, since, {**since, "reason": " \u00a0 "}, {"since": "2026-11-21T18:00:00", **why},
        {**since, "events": [new_id()], **why}, {"until": "2026-11-21T18:00:00Z", **why},
        {"events": [new_id()] * 501, **why}, {**since, "place": " ", **why}, {"since": 5, **why},
    ]  # fmt: skip
    for body in wrong:
        assert code(scene.commander.post(EVIDENCE, json=body)) == (422, "invalid_request"), body
    for unknown in (new_id(), "ffffffff-ffff-ffff-ffff-ffffffffffff", "00000000-0000-0000-0000-000000000000"):
        answer = scene.commander.post(EVIDENCE, json={"events": [unknown], **why})
        assert code(answer) == (404, "no_such_event")
        assert unknown in answer.json()["detail"]
    for until in ("1999-01-02T00:00:00Z", "2020-01-01T00:00:00Z"):
        body = {"since": "1999-01-01T00:00:00Z", "until": until, **why}
        assert code(scene.commander.post(EVIDENCE, json=body)) == (404, "evidence_empty")
    assert scene.commander.get(EVIDENCE).json()["items"] == []
    assert scene.facts(Kind.EVENT_HELD) == []


def test_one_package_at_a_time_and_one_that_breaks_off_may_be_tried_again(scene: Scene) -> None:
    """A phone that hangs up ends it; nothing is sealed; the hold stands until it is taken."""
    asked = scene.asks(events=[scene.motion(clip=bytes(12_000_000))])
    second = scene.asks(events=[scene.motion()])
    with scene.commander.stream("GET", asked["url"]) as answer:
        assert answer.status_code == 200
        assert code(scene.commander.get(second["url"])) == (409, "evidence_busy")
        assert next(one for one in scene.commander.get(EVIDENCE).json()["items"] if one["status"] == "taking")
    wait_until(lambda: not scene.page.office.evidence.room.current, what="the end of the first try")
    item = scene.commander.get(EVIDENCE).json()["items"][1]
    assert (item["status"], item["url"], item["manifest_sha256"]) == ("broken_off", asked["url"], None)
    assert scene.told(asked) == ["event_held", "evidence_taken"]
    verdict, _ = scene.takes(asked)
    assert verdict.manifest["evidence_id"] == asked["evidence_id"]
    assert len(scene.facts(Kind.EVIDENCE_TAKEN)) == 2


def test_a_clip_that_breaks_breaks_the_answer_off(scene: Scene) -> None:
    """The phone sees an answer that is cut off, never a ZIP that looks whole."""
    event_id = scene.motion(clip=bytes(12_000_000))
    asked = scene.asks(events=[event_id])
    (clip,) = scene.media.glob(f"*/{event_id}.mp4")
    with scene.commander.stream("GET", asked["url"]) as answer:
        pieces = answer.iter_raw()
        next(pieces)
        with clip.open("r+b") as file:
            file.truncate(1000)
        with pytest.raises(httpx.RemoteProtocolError):
            list(pieces)
    wait_until(lambda: not scene.page.office.evidence.room.current, what="the end")
    assert scene.told(asked) == ["event_held", "evidence_taken"]


def test_signing_out_ends_the_package_too(scene: Scene) -> None:
    """As every stream of a session that is over."""
    asked = scene.asks(events=[scene.motion(clip=bytes(12_000_000))])
    with scene.commander.stream("GET", asked["url"]) as answer:
        assert answer.status_code == 200
        assert scene.commander.delete("/api/v1/session").status_code == 204
        with pytest.raises(httpx.RemoteProtocolError):
            list(answer.iter_raw())


def test_losing_the_right_ends_the_package_too(scene: Scene) -> None:
    """Seen: somebody who was made a viewer while a package of gigabytes left still got all of it, and it was sealed."""
    asked = scene.asks(events=[scene.motion(clip=bytes(12_000_000))])
    with scene.commander.stream("GET", asked["url"]) as answer:
        pieces = answer.iter_raw()
        next(pieces)
        with scene.page.accounts() as accounts:
            accounts.change_person("minh", roles=frozenset({Role.VIEWER}))
        with pytest.raises(httpx.RemoteProtocolError):
            list(pieces)
    wait_until(lambda: not scene.page.office.evidence.room.current, what="the end")
    assert scene.told(asked) == ["event_held", "evidence_taken"]


def test_a_phone_that_takes_nothing_does_not_keep_the_room(scene: Scene) -> None:
    """One package at a time. Seen: a phone that hung, or a thief's, kept every other commander from evidence."""
    asked, office = scene.asks(events=[scene.motion(clip=bytes(2_000_000))]), scene.page.office
    never = asyncio.Event()

    async def hears_nothing() -> Message:
        await never.wait()
        return {"type": "http.disconnect"}

    async def takes_nothing(message: Message) -> None:
        if message["type"] == "http.response.body":
            await never.wait()

    async def hangs() -> str:
        session = office.session_of(scene.commander.cookies["antt"])
        assert session
        stream = EvidenceStream(office, session, asked["evidence_id"], stuck_after_s=0.05)
        await stream({"type": "http"}, hears_nothing, takes_nothing)
        return office.evidence.room.current

    assert not scene.page.ask(hangs())
    assert scene.takes(asked)[0].manifest["evidence_id"] == asked["evidence_id"]


def test_what_nobody_takes_is_let_go(scene: Scene) -> None:
    """After an hour, whatever the clock does, and the oldest of six; the hold ends each time, after a restart too."""
    asked = [scene.asks(events=[scene.motion()]) for _ in range(6)]
    scene.page.report("event_released", evidence_id=asked[0]["evidence_id"])
    statuses = [item["status"] for item in scene.commander.get(EVIDENCE).json()["items"]]
    assert statuses == ["asked"] * 5 + ["expired"]
    scene.page.stop()
    scene.page.clock.wall_ahead_s = -7200.0
    scene.page.start()
    for one in asked[1:]:
        scene.page.report("event_released", evidence_id=one["evidence_id"])
    store = Store(scene.page.accounts_path)
    assert [taking.status for taking in Takings(store).newest(9)] == [Status.EXPIRED] * 6
    store.close()


def test_a_full_disk_between_a_package_s_end_and_its_release_leaves_nothing_held(scene: Scene) -> None:
    """Both or neither. Seen: the end was noted, the release was lost, and the clips were held for ever."""
    asked, office = scene.asks(events=[scene.motion()]), scene.page.office
    with contextlib.closing(Store(scene.page.accounts_path)) as store:
        with store.changing() as db:
            db.execute("CREATE TRIGGER full BEFORE INSERT ON report BEGIN SELECT RAISE(ABORT, 'disk is full'); END")
        scene.page.clock.wall_ahead_s = 7200.0
        with pytest.raises(AccountsError, match="full"):
            scene.page.ask(office.evidence.expire())
        with store.changing() as db:
            db.execute("DROP TRIGGER full")
    assert scene.told(asked) == ["event_held"]
    scene.page.ask(office.evidence.expire())
    scene.page.report("event_released", evidence_id=asked["evidence_id"])
    assert scene.commander.get(EVIDENCE).json()["items"][0]["status"] == "expired"


def test_a_key_that_others_may_read_signs_nothing(scene: Scene) -> None:
    """The problem names the file and the remedy; nothing is journalled as taken."""
    event_id = scene.motion()
    asked = scene.asks(events=[event_id])
    key = scene.page.settings.storage.state_dir / KEY_FILE
    key.chmod(0o644)
    answer = scene.commander.get(asked["url"])
    key.chmod(0o600)
    assert code(answer) == (503, "evidence_key_unusable")
    assert "chmod 600" in answer.json()["detail"]
    assert scene.facts(Kind.EVIDENCE_TAKEN) == []


def test_without_the_gate_no_evidence_leaves(served_alone: Served) -> None:
    """Taking is journalled first; what can't be journalled is not done."""
    commander = served_alone.person(Role.COMMANDER, name="lan")
    answer = commander.post(EVIDENCE, json={"since": utc(time.time() - 60), "reason": REASON})
    assert code(answer) == (503, "journal_unavailable")
