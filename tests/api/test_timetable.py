"""The timetable over HTTP (contracts: GET/PUT /timetable, POST /timetable/preview)."""

from __future__ import annotations

from collections.abc import Iterator

import httpx
import pytest

from api.timetable_schemas import PreviewBody, TimetableChanged, TimetableInForce
from gate.model import Json, JsonObject, Role
from tests.api.conftest import Served
from tests.fakes import FakeGate

TIMETABLE = "/api/v1/timetable"
PREVIEW = f"{TIMETABLE}/preview"
NIGHT: JsonObject = {"name": "Đêm", "days": ["every_day"], "start": "22:00", "end": "05:00", "wants": "closed",
                     "exit_opens": False}  # fmt: skip
MARKET: JsonObject = {"days": ["weekdays"], "start": "05:00", "end": "08:30", "wants": "open", "exit_opens": True}


@pytest.fixture
def commander(served: Served) -> httpx.Client:
    """Return a commander's browser."""
    return served.person(Role.COMMANDER, name="khoi")


@pytest.fixture(autouse=True)
def _a_fresh_timetable(gate: FakeGate) -> Iterator[None]:
    """Begin each story with the configuration's."""
    gate.timetables = gate.new_timetables()
    yield
    gate.disk_refuses = False


def put(client: httpx.Client, *periods: Json, revision: object = 0, reason: object = "Tết") -> httpx.Response:
    return client.put(TIMETABLE, json={"periods": list(periods), "reason": reason, "revision": revision})


def test_a_commander_sets_the_timetable_of_the_village(commander: httpx.Client, gate: FakeGate) -> None:
    """In force, kept, and journalled with who, from which phone, why and the whole of it."""
    first = commander.get(TIMETABLE).json()
    assert TimetableInForce.model_validate(first).model_dump(mode="json").keys() == first.keys()
    assert (first["revision"], first["periods"], first["set_by"], first["next"]) == (0, [], None, None)
    answer = put(commander, NIGHT)
    told = answer.json()
    assert (answer.status_code, told["revision"], told["kept"]) == (200, 1, True)
    assert TimetableChanged.model_validate(told).model_dump(mode="json").keys() == told.keys()
    again = commander.get(TIMETABLE).json()
    assert again["periods"] == [NIGHT]
    assert (again["set_by"]["id"], again["reason"], again["next"]["does"]) == ("khoi", "Tết", "close")
    (fact,) = commander.get("/api/v1/journal", params={"kind": "timetable_changed"}).json()["items"]
    assert (fact["by"]["id"], fact["by"]["device"]) == ("khoi", "test")
    assert fact["data"] == {"revision": 1, "reason": "Tết", "periods": [NIGHT]}
    assert gate.timetables.revision == 1


def test_who_was_slower_is_told_to_look_again(served: Served, commander: httpx.Client, gate: FakeGate) -> None:
    other = served.person(Role.COMMANDER, name="thu")
    put(commander, NIGHT)
    answer = put(other, MARKET)
    problem = answer.json()
    assert (answer.status_code, problem["code"], problem["revision"]) == (409, "stale_timetable", 1)
    assert gate.timetables.plain()["periods"] == [NIGHT]
    assert put(other, MARKET, revision=1).json()["periods"] == [MARKET]


def test_others_may_look_and_try_but_not_change(served: Served, gate: FakeGate) -> None:
    for role in (Role.VIEWER, Role.OPERATOR, Role.MAINTAINER):
        client = served.person(role)
        assert put(client, NIGHT).json()["code"] == "not_permitted", role
        assert client.get(TIMETABLE).status_code == 200, role
        assert client.post(PREVIEW, json={"periods": [NIGHT]}).status_code == 200, role
    assert gate.timetables.revision == 0
    assert served.anybody().get(TIMETABLE).status_code == 401


def test_every_wrong_field_is_named_at_once_and_nothing_is_changed(commander: httpx.Client, gate: FakeGate) -> None:
    answer = put(commander, {**NIGHT, "start": "25:00", "whom": 1}, NIGHT, {**NIGHT, "start": "23:00"})
    assert (answer.status_code, answer.json()["code"]) == (422, "invalid_request")
    fields = [error["field"] for error in answer.json()["errors"]]
    assert fields == ["body.periods.0.start", "body.periods.0.whom", "body.periods.2"]
    assert gate.timetables.revision == 0


def test_a_change_says_what_why_and_after_which(commander: httpx.Client) -> None:
    wrong: tuple[tuple[str, JsonObject], ...] = (
        ("periods", {"periods": {}}), ("periods", {"periods": [NIGHT] * 33}), ("reason", {"reason": " "}),
        ("reason", {"reason": "a\u202eb"}), ("reason", {"reason": "x" * 201}), ("revision", {"revision": "0"}),
        ("revision", {"revision": -1}), ("revision", {"revision": None}), ("at", {"at": 1}),
    )  # fmt: skip
    for field, change in wrong:
        answer = commander.put(TIMETABLE, json={"periods": [], "reason": "Tết", "revision": 0, **change})
        (error,) = answer.json()["errors"]
        assert error["field"] == f"body.{field}", change


def test_a_disk_that_refuses_is_told(commander: httpx.Client, gate: FakeGate) -> None:
    gate.disk_refuses = True
    assert put(commander, NIGHT).json()["kept"] is False


def test_a_week_can_be_tried_before_it_is_in_force(commander: httpx.Client, gate: FakeGate) -> None:
    """Seven days without a gap, and nothing changed."""
    body = commander.post(PREVIEW, json={"periods": [NIGHT, MARKET], "first_day": "2027-02-05"}).json()
    assert PreviewBody.model_validate(body).model_dump(mode="json") == body
    assert [day["date"] for day in body["days"]] == [f"2027-02-{number:02}" for number in range(5, 12)]
    friday, saturday, *_ = (
        [(part["start"][11:16], part["end"][11:16], part["wants"]) for part in day["stretches"]] for day in body["days"]
    )
    night = [("00:00", "05:00", "closed")], [("22:00", "00:00", "closed")]
    assert friday == [*night[0], ("05:00", "08:30", "open"), ("08:30", "22:00", None), *night[1]]
    assert saturday == [*night[0], ("05:00", "22:00", None), *night[1]]
    assert body["days"][0]["stretches"][0]["start"] == "2027-02-05T00:00:00+07:00"
    assert (body["revision"], gate.timetables.revision) == (0, 0)


def test_given_days_are_told_by_the_timetable_in_force(commander: httpx.Client) -> None:
    put(commander, NIGHT)
    body = commander.post(PREVIEW, json={"dates": ["2028-02-29", "2027-01-01"]}).json()
    assert [day["date"] for day in body["days"]] == ["2028-02-29", "2027-01-01"]
    assert {part["wants"] for part in body["days"][0]["stretches"]} == {"closed", None}
    assert len(commander.post(PREVIEW, json={}).json()["days"]) == 7


def test_what_is_no_day_is_refused(commander: httpx.Client) -> None:
    wrong: tuple[JsonObject, ...] = (
        {"dates": []}, {"dates": ["2027-02-06"] * 32}, {"dates": ["2027-02-30"]}, {"dates": ["1999-12-31"]},
        {"dates": ["9999-12-31"]}, {"dates": [0]}, {"dates": ["2027-02-06"], "first_day": "2027-02-06"},
        {"first_day": "0001-01-01"}, {"days": 7}, {"periods": [1]},
    )  # fmt: skip
    for body in wrong:
        answer = commander.post(PREVIEW, json=body)
        assert (answer.status_code, answer.json()["code"]) == (422, "invalid_request"), body


def test_nobody_keeps_this_process_busy_with_timetables(commander: httpx.Client) -> None:
    answers = [commander.post(PREVIEW, json={}) for _ in range(12)]
    assert [answer.status_code for answer in answers[:10]] == [200] * 10
    assert answers[-1].json()["code"] == "rate_limited"


def test_without_the_gate_process_there_is_no_timetable(served_alone: Served) -> None:
    commander = served_alone.person(Role.COMMANDER, name="khoi")
    for answer in (commander.get(TIMETABLE), put(commander, NIGHT), commander.post(PREVIEW, json={})):
        assert (answer.status_code, answer.json()["code"]) == (503, "gate_down")
