"""Holds: chosen events stay until somebody lets them go (issue 5, 7)."""

from __future__ import annotations

import contextlib
import sqlite3
import time
from dataclasses import dataclass

import httpx
import pytest

from api.facts import journalled
from api.problems import ProblemError
from gate.client import new_id
from gate.journal import Journal, JournalReader
from gate.model import Json, JsonObject, Kind, Role
from tests.api.conftest import Served
from tests.fakes import FakeGate, wait_until

EVENTS = "/api/v1/events"
REASON = {"reason": "Vụ mất xe đêm 21/11"}
BY: JsonObject = {"type": "person", "id": "hung", "name": "Hùng"}


@dataclass(kw_only=True)
class Yard:
    """Events that a camera saw, and who looks at them."""

    served: Served
    gate: FakeGate

    def sees(self, *, in_clip_of: str = "", files: bool = True) -> str:
        """Have an event that is over and saved, in a clip of its own or in another's."""
        event_id, day = new_id(), time.strftime("%Y-%m-%d")
        folder = self.served.settings.media_dir / day
        folder.mkdir(parents=True, exist_ok=True)
        if files:
            for suffix in ([] if in_clip_of else [".mp4"]) + [".jpg"]:
                (folder / f"{event_id}{suffix}").write_bytes(b"film")
        self.gate.write(Kind.MOTION_STARTED, {"event_id": event_id, "source": "scene", "zones": ["gateway"]})
        clip = f"{day}/{in_clip_of or event_id}.mp4"
        saved: JsonObject = {
            "event_id": event_id,
            "clip": clip,
            "thumbnail": f"{day}/{event_id}.jpg",
            "cause": "motion",
        }
        self.stands(self.gate.write(Kind.CLIP_SAVED, saved))
        return event_id

    def stands(self, fact_id: str) -> None:
        """Wait until a fact is among the newest of the journal."""
        with contextlib.closing(JournalReader(self.gate.journal_path)) as reader:
            wait_until(lambda: fact_id in {fact.id for fact in reader.read(limit=5, newest_first=True)})

    def facts_of(self, kind: Kind) -> list[JsonObject]:
        """Return what was journalled of a kind."""
        return [data for its, _, data in self.gate.reports if its is kind]


@pytest.fixture
def yard(served: Served, gate: FakeGate) -> Yard:
    return Yard(served=served, gate=gate)


@pytest.fixture
def commander(served: Served) -> httpx.Client:
    return served.person(Role.COMMANDER, name="hung")


def test_a_held_event_says_since_when_by_whom_and_why(yard: Yard, commander: httpx.Client) -> None:
    """The answer comes when the hold is journalled, with the phone that it came from."""
    event_id = yard.sees()
    answer = commander.put(f"{EVENTS}/{event_id}/hold", json=REASON)
    assert answer.status_code == 200
    event = answer.json()
    assert event == commander.get(f"{EVENTS}/{event_id}").json() == commander.get(EVENTS).json()["items"][0]
    assert event["held"] | {"at": ""} == {
        "event_id": event_id, "at": "", "by": {**BY, "name": "Hung", "device": "test"}, **REASON, "evidence_id": None,
    }  # fmt: skip
    fact = commander.get("/api/v1/journal", params={"kind": "event_held"}).json()["items"][-1]
    assert (fact["data"], fact["by"], fact["at"]) == (
        {"event_id": event_id, **REASON}, event["held"]["by"], event["held"]["at"],
    )  # fmt: skip


def test_letting_go_needs_a_credential_seen_a_moment_ago_and_is_journalled(
    yard: Yard, served: Served, commander: httpx.Client
) -> None:
    """Whoever finds an unlocked phone can keep evidence, and destroys none."""
    event_id = yard.sees()
    served.clock.ahead_s = 301.0
    assert commander.put(f"{EVENTS}/{event_id}/hold", json=REASON).status_code == 200
    refused = commander.delete(f"{EVENTS}/{event_id}/hold")
    assert (refused.status_code, refused.json()["code"]) == (403, "step_up_required")
    served.clock.ahead_s = 0.0
    let_go = commander.delete(f"{EVENTS}/{event_id}/hold", params={"reason": "Án đã đóng"})
    assert (let_go.status_code, let_go.json()["held"]) == (200, None)
    assert served.report("event_released", by_id="hung")[1] == {"event_id": event_id, "reason": "Án đã đóng"}


def test_only_a_commander_holds_and_lets_go(yard: Yard, served: Served) -> None:
    """The right `evidence`."""
    address = f"{EVENTS}/{yard.sees()}/hold"
    for role in (Role.VIEWER, Role.OPERATOR, Role.MAINTAINER):
        person = served.person(role)
        assert (person.put(address, json=REASON).status_code, person.delete(address).status_code) == (403, 403)
    assert yard.facts_of(Kind.EVENT_HELD) == []


def test_the_same_hold_again_is_no_second_fact_and_nothing_held_none_at_all(
    yard: Yard, commander: httpx.Client
) -> None:
    """A button pressed twice on a slow line; another reason is another fact, and the newest is shown."""
    address = f"{EVENTS}/{yard.sees()}/hold"
    assert commander.delete(address).json()["held"] is None
    for _ in range(2):
        commander.put(address, json=REASON)
    assert len(yard.facts_of(Kind.EVENT_HELD)) == 1
    assert commander.put(address, json={"reason": "Cả vụ va chạm"}).json()["held"]["reason"] == "Cả vụ va chạm"
    assert len(yard.facts_of(Kind.EVENT_HELD)) == 2
    assert yard.facts_of(Kind.EVENT_RELEASED) == []


def test_a_clip_that_events_share_is_held_for_all_of_them(yard: Yard, commander: httpx.Client) -> None:
    """One film shows both; each says whose hold keeps it."""
    first = yard.sees()
    second = yard.sees(in_clip_of=first)
    other = yard.sees()
    commander.put(f"{EVENTS}/{second}/hold", json=REASON)
    held = {event["event_id"]: event["held"] for event in commander.get(EVENTS).json()["items"]}
    assert (held[first]["event_id"], held[second]["event_id"], held[other]) == (second, second, None)


def test_what_is_held_can_be_listed_page_by_page(yard: Yard, commander: httpx.Client) -> None:
    """Newest first, and of one day where that is asked."""
    events = [yard.sees() for _ in range(4)]
    for event_id in (events[3], events[0], events[2]):
        commander.put(f"{EVENTS}/{event_id}/hold", json=REASON)
    page = commander.get(EVENTS, params={"held": "true", "limit": 2}).json()
    rest = commander.get(EVENTS, params={"held": "true", "limit": 2, "before": page["next"]}).json()
    held = [event["event_id"] for event in (*page["items"], *rest["items"])]
    assert held[:3] == [events[3], events[2], events[0]]
    assert commander.get(EVENTS, params={"held": "true", "day": "2020-02-02"}).json()["items"] == []


def test_what_is_not_there_cannot_be_held(yard: Yard, commander: httpx.Client) -> None:
    """No such event; an event whose files are gone; no reason."""
    assert commander.put(f"{EVENTS}/{new_id()}/hold", json=REASON).json()["code"] == "no_such_event"
    gone = yard.sees(files=False)
    answer = commander.put(f"{EVENTS}/{gone}/hold", json=REASON)
    assert (answer.status_code, answer.json()["code"]) == (409, "nothing_to_hold")
    for reason in ({}, {"reason": ""}, {"reason": "x" * 201}, {"reason": "a\nb"}):
        assert commander.put(f"{EVENTS}/{gone}/hold", json=reason).json()["code"] == "invalid_request"


def test_an_event_that_has_just_begun_can_be_held(yard: Yard, gate: FakeGate, commander: httpx.Client) -> None:
    """Its clip comes later, and is kept then."""
    event_id = new_id()
    gate.write(Kind.MOTION_STARTED, {"event_id": event_id, "source": "scene", "zones": []})
    wait_until(lambda: commander.get(f"{EVENTS}/{event_id}").status_code == 200)
    event = commander.put(f"{EVENTS}/{event_id}/hold", json=REASON).json()
    assert (event["clip_state"], event["held"]["reason"]) == ("none", REASON["reason"])


def test_a_phone_found_unlocked_does_not_fill_the_journal(yard: Yard, commander: httpx.Client) -> None:
    """A hold asks for no proof, and each new reason is a row. Seen: as many a second as the disk took."""
    address, office = f"{EVENTS}/{yard.sees()}/hold", yard.served.office
    assert commander.put(address, json=REASON).status_code == 200
    session_id = commander.get("/api/v1/session").json()["session_id"]

    async def holds_on() -> None:
        while office.refusals.wait_s(session_id, office.clock.mono_s() + 60.0) == 0.0:
            pass

    yard.served.ask(holds_on())
    answer = commander.put(address, json={"reason": "lần nữa"})
    assert (answer.status_code, answer.json()["code"]) == (429, "rate_limited")
    assert yard.facts_of(Kind.EVENT_HELD) == [{"event_id": address.split("/")[-2], **REASON}]


def test_a_hold_outlives_a_restart_of_the_page(yard: Yard, served: Served, commander: httpx.Client) -> None:
    """It stands in the journal, not in a process."""
    event_id = yard.sees()
    commander.put(f"{EVENTS}/{event_id}/hold", json=REASON)
    served.stop()
    served.start()
    again = served.person(Role.COMMANDER, name="hung")
    assert again.get(f"{EVENTS}/{event_id}").json()["held"]["reason"] == REASON["reason"]


def test_a_package_ends_its_own_hold_and_no_persons(yard: Yard, gate: FakeGate, commander: httpx.Client) -> None:
    """Two packages and a person hold the same event; each lets go for itself alone."""
    events: list[Json] = [yard.sees(), yard.sees()]
    for package in ("one", "two"):
        gate.write(Kind.EVENT_HELD, {"event_ids": events, "evidence_id": package, "reason": "gói"}, BY)
    seen = commander.put(f"{EVENTS}/{events[0]}/hold", json=REASON).json()["held"]
    assert (seen["reason"], seen["evidence_id"]) == (REASON["reason"], None)
    assert commander.get(f"{EVENTS}/{events[1]}").json()["held"]["evidence_id"] == "two"
    for package in ("one", "two"):
        gate.write(Kind.EVENT_RELEASED, {"event_ids": events, "evidence_id": package}, BY)
    wait_until(lambda: commander.get(f"{EVENTS}/{events[1]}").json()["held"] is None)
    assert commander.get(f"{EVENTS}/{events[0]}").json()["held"]["reason"] == REASON["reason"]


def test_a_person_ends_a_hold_that_a_package_left_behind(yard: Yard, gate: FakeGate, commander: httpx.Client) -> None:
    """Nothing stays held that nobody could let go."""
    event_id = yard.sees()
    gate.write(Kind.EVENT_HELD, {"event_ids": [event_id], "evidence_id": "one", "reason": "gói"}, BY)
    wait_until(lambda: commander.get(f"{EVENTS}/{event_id}").json()["held"] is not None)
    assert commander.delete(f"{EVENTS}/{event_id}/hold").json()["held"] is None


def test_without_the_gate_nothing_is_said_to_be_held(served_alone: Served) -> None:
    """A hold that no journal has would be a promise that nobody keeps."""
    event_id, journal = new_id(), Journal(served_alone.settings.storage.state_dir / "journal.db", lambda _: None)
    journal.open()
    journal.write(Kind.MOTION_STARTED, {"type": "process", "id": "camera"}, {"event_id": event_id, "zones": []})
    journal.close()
    commander = served_alone.person(Role.COMMANDER)
    answer = commander.put(f"{EVENTS}/{event_id}/hold", json=REASON)
    assert (answer.status_code, answer.json()["code"]) == (503, "gate_down")
    assert commander.get(f"{EVENTS}/{event_id}").json()["held"] is None


def test_a_disk_that_takes_no_row_is_told_and_not_called_held(yard: Yard, served: Served, gate: FakeGate) -> None:
    """The gate keeps the row in memory and writes it when it can; until then nobody may rely on it."""
    data: JsonObject = {"event_id": yard.sees(), "reason": "vụ án"}
    with contextlib.closing(sqlite3.connect(gate.journal_path, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(ProblemError, match="journal_unavailable"):
            served.ask(journalled(served.office, Kind.EVENT_HELD, data, BY, 0.2))
        other.execute("ROLLBACK")
    wait_until(lambda: served.person(Role.VIEWER).get(f"{EVENTS}/{data['event_id']}").json()["held"] is not None)


def test_a_fact_that_is_not_this_processes_to_tell_is_refused(served: Served) -> None:
    """REPORTED_KINDS: whatever is wrong in this program, it writes no `boot` into the journal."""
    with pytest.raises(ProblemError, match="journal_unavailable"):
        served.ask(journalled(served.office, Kind.BOOT, {}, BY))


def test_what_another_program_wrote_about_holds_breaks_no_list(
    yard: Yard, gate: FakeGate, commander: httpx.Client
) -> None:
    """The journal outlives the program's versions, and is read by every call that lists events."""
    event_id = yard.sees()
    for odd in ("no id", "0193a5d2", "ffffffff-ffff-7fff-bfff-ffffffffffff", "../../etc"):
        gate.write(Kind.EVENT_HELD, {"event_id": odd, "reason": None})
    gate.write(Kind.EVENT_HELD, {"event_id": event_id}, {"type": "rule"})
    wait_until(lambda: commander.get(f"{EVENTS}/{event_id}").json()["held"] is not None)
    assert commander.get(EVENTS, params={"held": "true"}).json()["items"][0]["event_id"] == event_id
