"""Commands over HTTP (contracts: POST /gate/commands). One press is one command."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import json
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import httpx
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from api.accounts import AccountsError, Store, Writer
from api.clock import Clock
from api.orders import ACCEPTED, BURST, Answer, Order, Orders
from api.problems import ProblemError
from api.records import Records
from gate.client import GateUnavailableError, RequestRefusedError, new_id
from gate.journal import Journal
from gate.model import Code, Command, JsonObject, Kind, Role
from tests.api.conftest import Served, key
from tests.fakes import FakeGate, wait_until

COMMANDS = "/api/v1/gate/commands"


def test_an_officer_opens_the_gate(served: Served, operator: httpx.Client) -> None:
    """The 202 answer, the gate's command and its status speak of one command id."""
    answer = operator.post(COMMANDS, json={"command": "open", "reason": "xe rác", "sequence": 1}, headers=key())
    assert answer.status_code == ACCEPTED
    body = answer.json()
    assert body.keys() == {"command_id", "accepted", "state", "target", "sequence", "warning_s"}
    (wish,) = served.wishes
    assert (wish.command_id, wish.command, wish.reason, wish.sequence) == (body["command_id"], "open", "xe rác", 1)
    assert (wish.by.type, wish.by.id, wish.by.name) == ("person", "lan", "Lan")
    status = operator.get(f"{COMMANDS}/{body['command_id']}").json()
    assert (status["command"], status["status"], status["code"]) == ("open", "accepted", None)


def test_a_command_carries_a_deadline_of_two_seconds(served: Served, operator: httpx.Client) -> None:
    """I7: a command that is held up on its way is refused by the gate, not done late."""
    sent_mono_ms = time.monotonic_ns() // 1_000_000
    operator.post(COMMANDS, json={"command": "open"}, headers=key())
    deadline = served.wishes[0].deadline_mono_ms
    assert deadline is not None
    assert 2000 <= deadline - sent_mono_ms < 3000


def test_the_same_key_again_gets_the_same_answer_and_no_second_move(served: Served, operator: httpx.Client) -> None:
    """A phone that lost the answer asks again."""
    same = key()
    first = operator.post(COMMANDS, json={"command": "open"}, headers=same)
    second = operator.post(COMMANDS, json={"sequence": None, "command": "open"}, headers=same)
    assert first.json() == second.json()
    assert second.headers["Idempotency-Replayed"] == "true"
    assert "Idempotency-Replayed" not in first.headers
    assert len(served.wishes) == 1


def test_the_same_press_sent_ten_times_at_once_is_one_command(served: Served) -> None:
    """Ten connections, one key: ten equal answers, one command."""
    same = key()
    clients = [served.person(Role.OPERATOR, name="lan") for _ in range(10)]
    with ThreadPoolExecutor(10) as threads:
        answers = list(
            threads.map(lambda client: client.post(COMMANDS, json={"command": "close"}, headers=same), clients)
        )
    assert {answer.status_code for answer in answers} == {ACCEPTED}
    assert len({answer.text for answer in answers}) == 1
    assert len(served.wishes) == 1


def test_a_refusal_is_an_answer_too(served: Served, operator: httpx.Client, gate: FakeGate) -> None:
    """409 in the gate's own words, and the same refusal for the same key, though the gate would obey by now."""
    gate.refuse_next = Code.BEAM_BLOCKED
    same = key()
    first = operator.post(COMMANDS, json={"command": "close"}, headers=same)
    second = operator.post(COMMANDS, json={"command": "close"}, headers=same)
    assert first.status_code == second.status_code == 409
    assert first.headers["Content-Type"] == "application/problem+json"
    problem = first.json()
    assert (problem["code"], problem["title"], problem["remedy"]) == (
        "beam_blocked", "Something is in the gateway.", "Clear it.",
    )  # fmt: skip
    assert second.json() == problem
    assert served.wishes == []


def test_a_key_stands_for_one_command_only(served: Served, operator: httpx.Client) -> None:
    """The same key with another body is a mistake of the program, and nothing moves."""
    same = key()
    operator.post(COMMANDS, json={"command": "open"}, headers=same)
    answer = operator.post(COMMANDS, json={"command": "close"}, headers=same)
    assert (answer.status_code, answer.json()["code"]) == (422, "idempotency_mismatch")
    assert len(served.wishes) == 1


def test_a_key_belongs_to_a_person(served: Served, operator: httpx.Client) -> None:
    """Two officers whose phones chose the same key both get their command."""
    same = key()
    other = served.person(Role.OPERATOR, name="huy")
    assert operator.post(COMMANDS, json={"command": "open"}, headers=same).status_code == ACCEPTED
    assert other.post(COMMANDS, json={"command": "close"}, headers=same).status_code == ACCEPTED
    assert [wish.command for wish in served.wishes] == ["open", "close"]


def test_answers_survive_a_restart_of_this_process(served: Served, operator: httpx.Client) -> None:
    """Idempotency-Keys are kept for a day on the disk."""
    same = key()
    first = operator.post(COMMANDS, json={"command": "open"}, headers=same)
    cookie = operator.cookies["antt"]
    served.stop()
    served.start()
    again = served.anybody()
    again.cookies.set("antt", cookie)
    second = again.post(COMMANDS, json={"command": "open"}, headers=same)
    assert second.json() == first.json()
    assert len(served.wishes) == 1
    served.clock.ahead_s = 86_401.0
    assert again.post(COMMANDS, json={"command": "open"}, headers=same).json() != first.json()


BAD_KEYS = ["short", "a" * 129, "has blanks inside it", "x" * 15 + "é", ""]


def test_a_command_needs_a_usable_key(served: Served, operator: httpx.Client) -> None:
    """A missing or odd Idempotency-Key is a clear 400."""
    answer = operator.post(COMMANDS, json={"command": "open"})
    assert (answer.status_code, answer.json()["code"]) == (400, "idempotency_key_required")
    for odd in BAD_KEYS:
        answer = operator.post(COMMANDS, json={"command": "open"}, headers={b"Idempotency-Key": odd.encode("latin-1")})
        assert (answer.status_code, answer.json()["code"]) == (400, "idempotency_key_invalid"), odd
    assert served.wishes == []


def test_an_unknown_command_is_named_with_the_known_ones(served: Served, operator: httpx.Client) -> None:
    """422 that helps: the value, and what would be right."""
    answer = operator.post(COMMANDS, json={"command": "opne"}, headers=key())
    problem = answer.json()
    assert (answer.status_code, problem["code"]) == (422, "unknown_command")
    assert "'opne'" in problem["detail"]
    assert problem["known"] == [command.value for command in Command]
    assert served.wishes == []


BAD_BODIES = {
    "{": "bad_json",
    "": "invalid_request",
    "[]": "invalid_request",
    '"open"': "invalid_request",
    '{"command": 7}': "invalid_request",
    '{"command": "open", "speed": 9}': "invalid_request",
    '{"command": "open", "sequence": "x"}': "invalid_request",
    '{"command": "open", "sequence": 1e400}': "invalid_request",
    '{"command": "open", "sequence": false}': "invalid_request",
    '{"command": "open", "sequence": "87"}': "invalid_request",
    '{"command": "close", "sighted": 1}': "invalid_request",
    '{"command": "open", "reason": "' + "a" * 201 + '"}': "invalid_request",
    '{"command": "open", "reason": "\\ud83d"}': "invalid_request",
    '{"command": "open", "reason": "\\u202exe"}': "invalid_request",
    '{"command": "open", "reason": "xe\\u0000"}': "invalid_request",
    "\x00\x01": "bad_json",
    "[" * 30_000: "bad_json",
}


def test_a_bad_body_is_a_clear_problem(served: Served, operator: httpx.Client) -> None:
    """Never a 500, never a move, never a value in the journal that can't be written as text."""
    for body, code in BAD_BODIES.items():
        headers = {**key(), "Content-Type": "application/json"}
        answer = operator.post(COMMANDS, content=body, headers=headers)
        assert answer.json()["code"] == code, body[:60]
        assert answer.status_code == (422 if code == "invalid_request" else 400)
    assert served.wishes == []


def test_an_unknown_command_id_is_not_found(operator: httpx.Client) -> None:
    """The status of a command that never was."""
    answer = operator.get(f"{COMMANDS}/{new_id()}")
    assert (answer.status_code, answer.json()["code"]) == (404, "unknown_command_id")


def test_without_the_gate_process_a_command_says_so(served_alone: Served) -> None:
    """503 gate_down; the page and the sign-in are still there."""
    client = served_alone.person(Role.OPERATOR)
    for answer in (client.post(COMMANDS, json={"command": "open"}, headers=key()), client.get("/api/v1/gate")):
        assert (answer.status_code, answer.json()["code"]) == (503, "gate_down")
    assert client.get("/healthz").json() == {"status": "ok"}
    assert client.get("/api/v1/session").status_code == 200


def test_somebody_who_is_too_fast_is_slowed_down_but_can_always_stop(served: Served, operator: httpx.Client) -> None:
    """Stop is never refused; everything else has a pace."""
    lights = (operator.post(COMMANDS, json={"command": "light_on"}, headers=key()) for _ in range(2000))
    answers = [
        answer.status_code for answer in itertools.takewhile(lambda answer: answer.status_code == ACCEPTED, lights)
    ]
    assert len(answers) >= BURST
    refused = operator.post(COMMANDS, json={"command": "light_on"}, headers=key())
    stops = [operator.post(COMMANDS, json={"command": "stop"}, headers=key()) for _ in range(40)]
    assert {answer.status_code for answer in stops} == {ACCEPTED}
    if refused.status_code != ACCEPTED:  # a slow machine may have earned one more in between
        assert refused.json()["code"] == "rate_limited"
        assert int(refused.headers["Retry-After"]) >= 1


def test_a_full_disk_holds_no_command(served: Served, operator: httpx.Client) -> None:
    """Accounts that can't be written: the gate still moves, and keys are still remembered."""
    locked = Store(served.accounts_path)
    same = key()
    with locked.changing():
        first = operator.post(COMMANDS, json={"command": "stop"}, headers=same)
        assert first.status_code == ACCEPTED
        assert operator.post(COMMANDS, json={"command": "stop"}, headers=same).json() == first.json()
    locked.close()
    assert len(served.wishes) == 1


class LossyGate:
    """A gate whose answers can get lost: before it heard (`deaf`), after it obeyed (`mute`), or not at all."""

    def __init__(self, journal: Journal) -> None:
        self.fate = "answers"
        self.moves: list[str] = []
        self.known: set[str] = set()
        self._journal = journal

    async def request(self, op: str, timeout_s: float = 5.0, **arguments: Any) -> JsonObject:  # noqa: ANN401 - any request
        del timeout_s
        if op == "status":
            return {"state": "closed", "target": None, "sequence": 1}
        if self.fate == "deaf":
            raise GateUnavailableError("deaf")
        command_id = str(arguments["command_id"])
        if command_id in self.known:
            raise RequestRefusedError({"code": "duplicate", "title": "Already done.", "remedy": "-"})
        self.known.add(command_id)
        self.moves.append(command_id)
        self._journal.write(Kind.COMMAND_ACCEPTED, {"type": "person"}, {"command_id": command_id})
        if self.fate == "mute":
            raise GateUnavailableError("mute")
        return {"command_id": command_id, "accepted": True, "state": "closed", "target": "open", "sequence": 1}

    def forget(self) -> None:
        """Restart: only the journal remembers."""
        self.known.clear()


STEPS = st.lists(st.sampled_from(["answers", "deaf", "mute", "api restarts", "gate restarts", "late"]), max_size=8)


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(steps=STEPS, command=st.sampled_from([Command.OPEN, Command.CLOSE]))
def test_retries_with_one_key_never_make_two_moves(tmp_path: Path, steps: list[str], command: Command) -> None:
    """Whatever gets lost, whoever restarts in between: one key, at most one move, and one answer."""
    folder = tmp_path / new_id()
    told: list[int] = []
    journal = Journal(folder / "journal.db", lambda fact: told.append(fact.seq))
    journal.open()
    try:
        asyncio.run(_retry(folder, journal, told, [*steps, "answers", "answers"], command))
    finally:
        journal.close()


async def _retry(folder: Path, journal: Journal, told: list[int], steps: list[str], command: Command) -> None:
    gate, ahead_s, answers = LossyGate(journal), 0.0, list[Answer]()
    clock = Clock(wall_s=lambda: time.time() + ahead_s)
    store, write, records = Store(folder / "a.db"), Writer(folder / "a.db"), Records(folder / "journal.db")
    orders = Orders(gate, records, store, write, clock)
    order = Order(person="lan", session_id="s", key="k" * 16, command=command, by={}, reason="", sequence=None,
                  sighted=False, minutes=None, seen=False)  # fmt: skip
    try:
        for step in steps:
            match step:
                case "api restarts":
                    await orders.close()
                    orders = Orders(gate, records, store, write, clock)
                case "gate restarts":
                    gate.forget()
                case "late":
                    ahead_s = 60.0
                case _:
                    gate.fate = step
                    with contextlib.suppress(ProblemError):
                        answers.append(await orders.place(order))
                    moves = len(gate.moves)
                    wait_until(lambda moves=moves: len(told) == moves)  # type: ignore[misc] # bound at once
    finally:
        await orders.close()
        write.close()
        records.close()
        store.close()
    assert len(gate.moves) <= 1
    assert len({(answer.status, json.dumps(answer.body.get("command_id"))) for answer in answers}) == 1
    assert (answers[0].status == ACCEPTED) == (len(gate.moves) == 1)


def test_the_accounts_say_what_is_wrong_with_their_folder(tmp_path: Path) -> None:
    """A damaged file is named, with a remedy."""
    (tmp_path / "a.db").write_bytes(b"no database at all, but long enough to be looked at" * 40)
    with pytest.raises(AccountsError, match="move a damaged file away"):
        Store(tmp_path / "a.db")
