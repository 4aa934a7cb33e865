"""Step-up: a credential that was seen a moment ago (issue 5, 3; brief: FRESH_COMMANDS, POST /session/proof)."""

from __future__ import annotations

import time

import httpx
import pytest

from api.auth import FRESH_COMMANDS
from api.passwords import hash_now
from api.proof import FRESH_S
from api.routes import CALLS
from gate.model import Command, Role
from tests.api.conftest import Served, key

SESSION = "/api/v1/session"
PROOF = f"{SESSION}/proof"
COMMANDS = "/api/v1/gate/commands"
PASSWORD = "bảy nổi ba chìm"
LONG_AGO_S = FRESH_S + 1.0
STEP_UP = (403, "step_up_required")


@pytest.fixture
def commander(served: Served) -> httpx.Client:
    """Return the browser of a commander with a password."""
    with served.accounts() as accounts:
        accounts.add_person("an", "Anh An", frozenset({Role.COMMANDER}), hash_now(PASSWORD), time.time())
    return served.person(Role.COMMANDER, name="an")


def told(answer: httpx.Response) -> tuple[int, str]:
    return answer.status_code, answer.json().get("code", "")


def order(client: httpx.Client, command: Command, headers: dict[str, str] | None = None) -> httpx.Response:
    return client.post(COMMANDS, json={"command": command.value}, headers=headers or key())


def pairing_code(served: Served, name: str) -> str:
    with served.accounts() as accounts:
        return accounts.make_pairing(name, FRESH_S * 10, time.time())


def test_a_phone_found_unlocked_locks_nothing_down(served: Served, commander: httpx.Client) -> None:
    """Exactly the commands that end or begin a lockdown or an emergency ask; a stop and all others never do."""
    assert {Command.LOCKDOWN, Command.UNLOCK, Command.EMERGENCY_OPEN, Command.NORMAL} == FRESH_COMMANDS
    served.clock.ahead_s = LONG_AGO_S
    for command in Command:
        before = len(served.wishes)
        answer = order(commander, command)
        if command in FRESH_COMMANDS:
            assert told(answer) == STEP_UP, command
            assert answer.json()["ways"] == ["password", "pairing"]
            assert len(served.wishes) == before
        else:
            assert answer.status_code == 202, command


def test_five_minutes_after_the_sign_in_it_is_asked_again(served: Served, commander: httpx.Client) -> None:
    """Fresh up to 300 s; a clock that went back makes nothing fresh."""
    session = commander.get(SESSION).json()
    assert session["proved_until"] is not None
    for ahead_s, fresh in ((FRESH_S - 5.0, True), (LONG_AGO_S, False), (-5.0, False)):
        served.clock.ahead_s = ahead_s
        assert (order(commander, Command.LOCKDOWN).status_code == 202) is fresh, ahead_s
        assert (commander.get(SESSION).json()["proved_until"] is not None) is fresh, ahead_s


def test_a_clock_that_is_set_back_makes_no_old_proof_young(served: Served, commander: httpx.Client) -> None:
    """Seen: twenty minutes after the sign-in the clock went back by 17, and a phone found unlocked locked down.

    By NTP that lies, or on a board without a battery after a power cut: it begins at the hour that was saved last.
    """
    served.clock.ahead_s = 1200.0
    assert told(order(commander, Command.LOCKDOWN)) == STEP_UP
    served.clock.wall_ahead_s = -1020.0
    assert told(order(commander, Command.LOCKDOWN)) == STEP_UP
    assert commander.get(SESSION).json()["proved_until"] is None
    assert commander.post(PROOF, json={"password": PASSWORD}).status_code == 200
    assert order(commander, Command.LOCKDOWN).status_code == 202


def test_a_restart_asks_again(served: Served, commander: httpx.Client) -> None:
    """Whether the clock was set back meanwhile nobody knows."""
    assert order(commander, Command.LOCKDOWN).status_code == 202
    cookie = commander.cookies["antt"]
    served.stop()
    served.start()
    browser = served.anybody()
    browser.cookies.set("antt", cookie)
    assert told(order(browser, Command.UNLOCK)) == STEP_UP
    assert order(browser, Command.STOP).status_code == 202


def test_a_password_proves_and_the_same_order_is_then_taken(served: Served, commander: httpx.Client) -> None:
    """403, proof, the same request again; the proof is journalled with the phone, and nothing else of it."""
    served.clock.ahead_s = LONG_AGO_S
    headers = key()
    assert told(order(commander, Command.EMERGENCY_OPEN, headers)) == STEP_UP
    proved = commander.post(PROOF, json={"password": PASSWORD})
    assert proved.status_code == 200
    assert commander.get(SESSION).json()["proved_until"] == proved.json()["proved_until"]
    assert order(commander, Command.EMERGENCY_OPEN, headers).status_code == 202
    by, data = served.report("user_proved", "an", way="password")
    assert (by.device, data["session"]) == ("test", commander.get(SESSION).json()["session_id"])
    assert served.wishes[-1].by.device == "test"


def test_an_answer_that_was_lost_is_given_again_without_a_proof(served: Served, commander: httpx.Client) -> None:
    """contracts: the same key gets the same answer; it had every right when it was given, and nothing is done twice."""
    headers = key()
    first = order(commander, Command.LOCKDOWN, headers)
    served.clock.ahead_s = LONG_AGO_S
    again = order(commander, Command.LOCKDOWN, headers)
    assert (again.status_code, again.json()) == (202, first.json())
    assert len(served.wishes) == 1
    other = commander.post(COMMANDS, json={"command": "emergency_open"}, headers=headers)
    assert told(other) == (422, "idempotency_mismatch")
    assert len(served.wishes) == 1


def test_a_wrong_proof_counts_like_a_wrong_sign_in_and_ends_no_session(served: Served, commander: httpx.Client) -> None:
    """403 proof_failed, then 429; still signed in, still not fresh; the failure is journalled with the phone."""
    served.clock.ahead_s = LONG_AGO_S
    answers = [told(commander.post(PROOF, json={"password": "mật khẩu nào đó"})) for _ in range(6)]
    assert answers[0] == (403, "proof_failed")
    assert answers[-1] == (429, "rate_limited")
    assert told(commander.post(PROOF, json={"password": PASSWORD})) == (429, "rate_limited")
    assert commander.get(SESSION).json()["proved_until"] is None
    by, data = served.report("user_sign_in_failed", "an", reason="wrong_password")
    assert (by.device, data["name"]) == ("test", "an")


def test_a_link_proves_once_and_only_its_owner(served: Served, commander: httpx.Client) -> None:
    """`pairing` is a way for everybody; somebody else's code proves nothing and is not used up."""
    stranger = served.person(Role.COMMANDER, name="khac")
    assert stranger.get(SESSION).json()["ways"] == ["pairing"]
    served.clock.ahead_s = LONG_AGO_S
    code = pairing_code(served, "an")
    assert told(stranger.post(PROOF, json={"pairing_code": code})) == (403, "proof_failed")
    assert commander.post(PROOF, json={"pairing_code": code}).status_code == 200
    assert order(commander, Command.NORMAL).status_code == 202
    assert told(commander.post(PROOF, json={"pairing_code": code})) == (403, "proof_failed")
    assert order(stranger, Command.NORMAL).json()["code"] == "step_up_required"


def test_every_call_that_is_marked_asks_before_it_reads(served: Served) -> None:
    """All calls with `fresh`, with every right and an empty body: step_up_required, by the guard itself."""
    everybody = served.person(*Role, name="tat-ca")
    served.clock.ahead_s = LONG_AGO_S
    fresh = [call for call in CALLS if call.fresh]
    assert {call.path for call in fresh} >= {"/users", "/users/{name}", "/users/{name}/pairing", "/session/password"}
    for call in fresh:
        parts = {"name": "x", "session_id": "x", "event_id": "x", "evidence_id": "x", "passkey_id": "x"}
        answer = everybody.request(call.method, call.base + call.path.format(**parts), json={})
        assert told(answer) == STEP_UP, call


def test_the_right_is_asked_before_the_proof(served: Served, operator: httpx.Client) -> None:
    """Who may not do it at all is told so, and is not sent for a password."""
    served.clock.ahead_s = LONG_AGO_S
    assert told(order(operator, Command.LOCKDOWN)) == (403, "not_permitted")
    assert told(operator.post("/api/v1/users", json={})) == (403, "not_permitted")


@pytest.mark.parametrize(
    "body", [{}, {"password": "x", "pairing_code": "y"}, {"password": ""}, {"username": "an", "password": "x"}]
)
def test_a_proof_has_one_way(commander: httpx.Client, body: dict[str, str]) -> None:
    """Anything else is told so."""
    assert told(commander.post(PROOF, json=body)) == (422, "invalid_request")


def test_my_own_password_is_set_and_ends_my_other_phones(served: Served, commander: httpx.Client) -> None:
    """PUT /session/password: fresh; this phone stays; the journal names the phone and no password."""
    other = served.person(Role.COMMANDER, name="an")
    answer = commander.put(f"{SESSION}/password", json={"password": "một mật khẩu mới"})
    assert answer.json()["ways"] == ["password", "pairing"]
    assert commander.get(SESSION).status_code == 200
    assert other.get(SESSION).status_code == 401
    assert served.report("user_changed", "an", user="an")[1] == {"user": "an", "change": "password"}
    assert served.anybody().post(SESSION, json={"username": "an", "password": PASSWORD}).status_code == 401
    assert told(commander.put(f"{SESSION}/password", json={"password": "ngắn"})) == (422, "invalid_request")


def test_a_phone_without_a_name_has_none_in_the_journal(served: Served, commander: httpx.Client) -> None:
    """`by.device` stands only where there is one."""
    client = served.anybody()
    for device, journalled in (("", ""), ("Oppo A17", "Oppo A17")):
        session = client.post(
            SESSION, json={"username": "an", "password": PASSWORD, "device_name": device}
        ).json()["session_id"]  # fmt: skip
        assert served.report("user_signed_in", "an", session=session)[0].device == journalled
