"""docs/api.md and the OpenAPI document say what the program does."""

from __future__ import annotations

import re
from pathlib import Path

import httpx
import pytest

from api.auth import COMMAND_PERMISSION, ROLE_PERMISSIONS, Permission
from api.calls import BASE
from api.event_schemas import EventList
from api.gate_schemas import AcceptedBody, CommandStatusBody, GateBody, YardBody
from api.openapi import described
from api.problems import TABLE
from api.routes import CALLS, SOCKETS
from api.schemas import FactList, SessionBody, UserList
from gate.model import Alarm, Code, Health, Kind, Mode, State
from tests.api.conftest import Served, key
from tests.fakes import FakeGate, wait_until

DOCUMENT = (Path(__file__).parents[2] / "docs" / "api.md").read_text(encoding="utf-8")


def rows(heading: str) -> list[list[str]]:
    """Return the cells of the tables under a heading, without their heads."""
    section = DOCUMENT.split(f"## {heading}\n")[1].split("\n## ")[0]
    lines = [line for line in section.splitlines() if line.startswith("| `")]
    return [[cell.strip() for cell in line.strip("|").split(" | ")] for line in lines]


def words(cell: str) -> set[str]:
    return set(re.findall(r"`([^`]+)`", cell))


def test_every_call_and_its_right_stand_in_the_document() -> None:
    """No call is missing, none is invented; and which need a credential that was seen a moment ago is told."""
    documented = {next(iter(words(call))): right for call, right, *_ in rows("Calls")}
    real = {f"{call.method} {call.base}{call.path}": call.needs for call in CALLS}
    real |= {f"WS {BASE}{socket.path}": socket.needs for socket in SOCKETS}
    assert {call: words(right) for call, right in documented.items()} == {
        call: {needs.value} for call, needs in real.items()
    }
    fresh = {f"{call.method} {call.base}{call.path}" for call in CALLS if call.fresh}
    assert {call for call, right in documented.items() if right.endswith(", fresh")} == fresh


def test_roles_and_commands_stand_in_the_document() -> None:
    """The two tables are those of auth.py."""
    tables = [(words(first), words(second)) for first, second in rows("Who may do what")]
    roles = {next(iter(first)): second for first, second in tables if len(first) == 1 and len(second) > 1}
    assert roles == {role.value: set(map(str, rights)) for role, rights in ROLE_PERMISSIONS.items()}
    commands = {command: right for first, right in tables if len(right) == 1 for command in first}
    assert commands == {command.value: {needs.value} for command, needs in COMMAND_PERMISSION.items()}
    assert all(f"`{permission}`" in DOCUMENT for permission in Permission)


def test_every_problem_and_refusal_stands_in_the_document() -> None:
    """Codes with their status; the gate's own codes too; and each call names only codes that exist."""
    documented = {next(iter(words(code))): int(status) for code, status, *_ in rows("Problems")}
    assert documented == {code: sort.status for code, sort in TABLE.items()}
    told = [next(iter(words(code))) for code, *_ in rows("Refusals of the gate")]
    assert told == sorted(Code)
    assert all(code in TABLE for call in CALLS for code in call.all_problems())


def test_the_openapi_document_is_served(served: Served) -> None:
    """To everybody, as the file holds it; what stands in it is test_openapi.py's."""
    assert served.anybody().get("/api/openapi.json").json() == described()


def test_what_is_sent_is_what_the_document_says(
    served: Served, operator: httpx.Client, maintainer: httpx.Client, gate: FakeGate
) -> None:
    """Each body fits its schema, no field more."""
    answer = operator.post(f"{BASE}/gate/commands", json={"command": "open"}, headers=key()).json()
    wait_until(lambda: served.office.live.last_seq >= 1)
    for path, model in (
        ("/session", SessionBody), ("/gate", GateBody), ("/journal", FactList), ("/events", EventList),
        (f"/gate/commands/{answer['command_id']}", CommandStatusBody),
    ):  # fmt: skip
        body = operator.get(BASE + path).json()
        assert model.model_validate(body).model_dump(mode="json").keys() == body.keys(), path
    assert AcceptedBody.model_validate(answer).model_dump(mode="json") == answer
    assert UserList.model_validate(maintainer.get(f"{BASE}/users").json()).items
    assert YardBody.model_validate(maintainer.get(f"{BASE}/yard").json()).leaf == 0.0


def test_every_word_of_the_state_stands_in_the_document() -> None:
    """Modes, conditions and alarms, and each field that is sent."""
    section = DOCUMENT.split("## The state of the gate\n")[1].split("\n## ")[0]
    fields = GateBody.model_fields.keys() - {"gate_id", "name", "at", "at_mono_ms"}
    assert [word for word in (*State, *Mode, *Health, *Alarm, *sorted(fields)) if f"`{word}`" not in section] == []


def test_every_fact_stands_in_the_document() -> None:
    """Kinds, each once."""
    told = [kind for first, _ in rows("Facts") for kind in re.findall(r"`([^`]+)`", first)]
    assert sorted(told) == sorted(Kind)


@pytest.mark.parametrize(
    "figure", ["64 KiB", "24 hours", "30 days", "90 days", "250 streams", "at most 20", "1 to 720"]
)
def test_figures_stand_in_the_document(figure: str) -> None:
    """Limits that people may meet are told."""
    assert figure in DOCUMENT
