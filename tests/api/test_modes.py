"""Commands that outlast one move: holding open, locking, emergencies, alarms; and a hand on the simulated yard."""

from __future__ import annotations

from pathlib import Path

import httpx
import pytest

from api.orders import ACCEPTED
from gate.model import Code, JsonObject, Role
from tests.api.conftest import Served, key, settings_in
from tests.fakes import FakeGate, wait_until

COMMANDS = "/api/v1/gate/commands"


def test_a_hold_says_for_how_long(served: Served, operator: httpx.Client) -> None:
    """Hold open always ends: the officer's minutes, or none, and then the site's."""
    for body in ({"minutes": 1}, {"minutes": 720}, {}):
        assert operator.post(COMMANDS, json={"command": "hold_open", **body}, headers=key()).status_code == ACCEPTED
    assert [wish.minutes for wish in served.wishes] == [1, 720, None]


@pytest.mark.parametrize("minutes", [0, -5, 721, 10**30, 1.5, "30", True, [], "Infinity"])
def test_a_hold_of_an_odd_length_is_a_clear_problem(served: Served, operator: httpx.Client, minutes: object) -> None:
    """422 names the field and its bounds; nothing is ordered."""
    answer = operator.post(COMMANDS, json={"command": "hold_open", "minutes": minutes}, headers=key())
    problem = answer.json()
    assert (answer.status_code, problem["code"]) == (422, "invalid_request")
    assert [error["field"] for error in problem["errors"]] == ["body.minutes"]
    assert served.wishes == []


def test_only_a_hold_takes_minutes(served: Served, operator: httpx.Client) -> None:
    """Minutes with another command are a misunderstanding, not to be guessed at."""
    answer = operator.post(COMMANDS, json={"command": "open", "minutes": 30}, headers=key())
    assert (answer.status_code, answer.json()["code"]) == (422, "invalid_request")
    assert "only hold_open takes minutes" in answer.json()["detail"]
    assert served.wishes == []


def test_the_same_key_with_other_minutes_is_another_command(served: Served, operator: httpx.Client) -> None:
    """One key is one press of a button, minutes included."""
    same = key()
    operator.post(COMMANDS, json={"command": "hold_open", "minutes": 30}, headers=same)
    answer = operator.post(COMMANDS, json={"command": "hold_open", "minutes": 60}, headers=same)
    assert (answer.status_code, answer.json()["code"]) == (422, "idempotency_mismatch")
    assert len(served.wishes) == 1


@pytest.mark.parametrize("command", ["close", "lockdown"])
def test_what_closes_says_whether_the_gate_was_seen(served: Served, command: str) -> None:
    """Remote close: a lockdown closes too; the officer's word counts, else a fresh frame that was delivered."""
    commander = served.person(Role.COMMANDER)
    for body in ({}, {"sighted": True}, {"sighted": False}):
        commander.post(COMMANDS, json={"command": command, **body}, headers=key())
    assert [wish.sighted for wish in served.wishes] == [False, True, False]


@pytest.mark.parametrize("code", list(Code))
def test_every_refusal_is_a_problem_with_a_way_out(
    served: Served, operator: httpx.Client, gate: FakeGate, code: Code
) -> None:
    """Issue 3, 6: code, title, detail and remedy, whichever rule refused."""
    gate.refuse_next = code
    answer = operator.post(COMMANDS, json={"command": "open"}, headers=key())
    problem = answer.json()
    assert (answer.status_code, problem["code"], problem["status"]) == (409, code.value, 409)
    assert problem["title"]
    assert problem["remedy"]
    assert problem["detail"] == f"open was refused: {problem['title']}"
    assert problem["command_id"]
    assert served.wishes == []


def test_modes_alarms_and_what_closes_next_are_passed_on(operator: httpx.Client, gate: FakeGate) -> None:
    """The snapshot reaches the page as the gate published it."""
    said: JsonObject = {
        "mode": "hold_open", "mode_until": "2026-11-21T14:30:00.000Z",
        "mode_by": {"type": "person", "id": "lan", "name": "Lan"}, "health": "soft_lock", "reasons": ["soft_lock"],
        "alarms": [{"alarm": "forced_open", "id": "a1", "since": "2026-11-21T14:04:00.000Z", "reminders": 1,
                    "data": {"evidence": "limit"}}],
        "closing": {"why": "hold_ended", "due_mono_ms": 12_000},
        "timetable": {"wants": "closed", "until": "2026-11-21T22:00:00.000Z", "paused": None}, "cycles": 41,
    }  # fmt: skip
    before = gate.snapshot()
    gate.say_state(**said)
    try:
        answer = operator.get("/api/v1/gate").json()
        assert {name: answer[name] for name in said} == said
    finally:
        gate.say_state(**{name: before[name] for name in said})


def test_a_maintainer_has_a_hand_on_the_simulated_yard(
    served: Served, maintainer: httpx.Client, gate: FakeGate
) -> None:
    """Issue 3, 5: faults to switch on from a maintainer's panel, in the words of `antt-gate yard`."""
    assert maintainer.get("/api/v1/yard").json()["leaf"] == 0.0
    answer = maintainer.post("/api/v1/yard", json={"action": "limit", "arguments": ["open", "stuck"]})
    assert answer.json()["leaf"] == 0.0
    assert [(order.action, order.arguments) for order in gate.yard_orders] == [
        ("show", []), ("limit", ["open", "stuck"]),
    ]  # fmt: skip
    assert served.wishes == []


def test_what_the_yard_does_not_know_is_refused(maintainer: httpx.Client, gate: FakeGate) -> None:
    """409 with the yard's own code; a malformed order does not reach it."""
    gate.refuse_next = Code.UNKNOWN_ORDER
    answer = maintainer.post("/api/v1/yard", json={"action": "elephant", "arguments": ["in"]})
    assert (answer.status_code, answer.json()["code"]) == (409, "unknown_order")
    assert answer.json()["detail"].startswith("elephant in was refused")
    for body in ({}, {"action": ""}, {"action": "car", "arguments": "in"}, {"action": "car", "arguments": ["in"] * 5},
                 {"action": "car\u202e"}, {"action": "c" * 41}, {"action": "car", "speed": 9}):  # fmt: skip
        answer = maintainer.post("/api/v1/yard", json=body)
        assert (answer.status_code, answer.json()["code"]) == (422, "invalid_request"), body
    assert len(gate.yard_orders) == 1


@pytest.mark.parametrize("role", [Role.VIEWER, Role.OPERATOR, Role.COMMANDER])
def test_nobody_else_touches_the_yard(served: Served, gate: FakeGate, role: Role) -> None:
    """Only a maintainer: to everybody else the simulated gate is a gate."""
    person = served.person(role)
    assert person.get("/api/v1/yard").json()["code"] == "not_permitted"
    assert person.post("/api/v1/yard", json={"action": "car"}).json()["code"] == "not_permitted"
    assert gate.yard_orders == []


def test_the_yard_without_a_gate_process_says_so(served_alone: Served) -> None:
    """503, as every question to a gate that is away."""
    answer = served_alone.person(Role.MAINTAINER).get("/api/v1/yard")
    assert (answer.status_code, answer.json()["code"]) == (503, "gate_down")


def test_a_real_gate_has_no_yard(tmp_path: Path) -> None:
    """404 not_simulated, and nobody is asked: the gate process is not even there."""
    simulated = settings_in(tmp_path)
    real = simulated.model_copy(update={"gate": simulated.gate.model_copy(update={"pin_factory": "lgpio"})})
    page = Served(settings=real)
    page.start()
    try:
        person = page.person(Role.MAINTAINER)
        for answer in (person.get("/api/v1/yard"), person.post("/api/v1/yard", json={"action": "car"})):
            assert (answer.status_code, answer.json()["code"]) == (404, "not_simulated")
    finally:
        page.stop()


def test_a_stop_is_heard_whatever_the_mode(served: Served, gate: FakeGate) -> None:
    """Stop: always allowed, to everybody who is signed in."""
    viewer = served.person(Role.VIEWER)
    for mode in ("lockdown", "emergency_open", "normal"):
        gate.say_state(mode=mode)
        wait_until(lambda: served.office.live.gate_up)
        assert viewer.post(COMMANDS, json={"command": "stop"}, headers=key()).status_code == ACCEPTED
