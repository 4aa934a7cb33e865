"""Signing in, sessions and their end (contracts: POST /session; facts/connect.md: brute force)."""

from __future__ import annotations

import sqlite3
import time
from pathlib import Path

import httpx
import pytest

from api.accounts import Store
from api.attempts import Try
from api.passwords import hash_now
from api.people import ABSOLUTE_END_S, IDLE_END_S, MOST_SESSIONS, Accounts
from api.problems import ProblemError
from api.sign_in import Browser, is_right, welcome
from gate.model import Role
from tests.api.conftest import Served, key
from tests.fakes import FakeGate, wait_until

SESSION = "/api/v1/session"
PASSWORD = "chín con rồng xanh"
DAY_S = 86_400.0


@pytest.fixture
def lan(served: Served) -> str:
    """Add an officer with a password."""
    with served.accounts() as accounts:
        accounts.add_person("lan", "Chị Lan", frozenset({Role.OPERATOR}), hash_now(PASSWORD), time.time())
    return "lan"


def pairing_code(served: Served, name: str, lasts_s: float = 900.0) -> str:
    with served.accounts() as accounts:
        return accounts.make_pairing(name, lasts_s, time.time())


def test_signing_in_by_password_gives_a_cookie_and_the_rights(served: Served, lan: str) -> None:
    """200, HttpOnly, SameSite=Strict; who one is and what one may do."""
    client = served.anybody()
    answer = client.post(SESSION, json={"username": " LAN ", "password": PASSWORD, "device_name": "Oppo A17"})
    assert answer.status_code == 200
    cookie = answer.headers["Set-Cookie"]
    assert cookie.startswith("antt=")
    assert {"HttpOnly", "SameSite=strict", "Path=/"} <= set(cookie.split("; "))
    body = answer.json()
    assert body["user"] == {"name": "lan", "display_name": "Chị Lan", "roles": ["operator"]}
    assert body["permissions"] == ["acknowledge", "light", "move", "see", "self", "siren", "star", "stop"]
    assert body["site"] == {
        "id": "sim", "name": "Cổng thôn 3 (mô phỏng)", "language": "vi", "timezone": "Asia/Ho_Chi_Minh",
        "contacts": [{"name": "Công an", "number": "113"}, {"name": "Cứu hỏa", "number": "114"},
                     {"name": "Cấp cứu", "number": "115"}],
    }  # fmt: skip
    assert client.get(SESSION).json() == body
    by, data = served.report("user_signed_in", device="Oppo A17")
    assert (by.type, by.id, by.name, data["session"]) == ("person", "lan", "Chị Lan", body["session_id"])


def test_a_wrong_password_and_a_wrong_name_look_the_same(served: Served, lan: str) -> None:
    """401 wrong_credentials for both; the journal knows which, and never what was typed as a name."""
    client = served.anybody()
    wrong = client.post(SESSION, json={"username": lan, "password": "not this one"})
    nobody = client.post(SESSION, json={"username": "hunter2-in-the-wrong-field", "password": PASSWORD})
    assert (wrong.status_code, wrong.json()) == (nobody.status_code, nobody.json())
    assert wrong.json()["code"] == "wrong_credentials"
    assert served.report("user_sign_in_failed", name=lan)[1]["reason"] == "wrong_password"
    assert served.report("user_sign_in_failed", name="")[1]["reason"] == "unknown_name"
    assert served.gate
    assert "hunter2" not in str(served.gate.reports)


def test_a_phone_has_a_name_that_can_be_seen(served: Served, lan: str) -> None:
    """Refused by name of the field; the code is not used up."""
    code = pairing_code(served, lan)
    answer = served.anybody().post(SESSION, json={"pairing_code": code, "device_name": "Oppo\u202eA17"})
    assert (answer.status_code, answer.json()["errors"][0]["field"]) == (422, "body.device_name")
    assert served.anybody().post(SESSION, json={"pairing_code": code, "device_name": "Oppo A17"}).status_code == 200


def test_a_pairing_code_signs_in_once(served: Served, lan: str) -> None:
    """However it is typed; the second use, and one that expired, are refused and journalled."""
    code = pairing_code(served, lan)
    assert len(code) == 26
    typed = " ".join((code[:8].lower(), code[8:]))
    client = served.anybody()
    first = client.post(SESSION, json={"pairing_code": typed, "device_name": "Điện thoại Lan"})
    assert first.json()["user"]["name"] == lan
    second = served.anybody().post(SESSION, json={"pairing_code": code, "device_name": "stranger"})
    assert (second.status_code, second.json()["code"]) == (401, "pairing_invalid")
    served.report("user_sign_in_failed", reason="pairing_invalid")
    old = pairing_code(served, lan, lasts_s=-1.0)
    assert served.anybody().post(SESSION, json={"pairing_code": old}).json()["code"] == "pairing_invalid"


def test_a_newer_code_makes_the_older_one_worthless(served: Served, lan: str) -> None:
    """One code a person."""
    older, newer = pairing_code(served, lan), pairing_code(served, lan)
    assert served.anybody().post(SESSION, json={"pairing_code": older}).status_code == 401
    assert served.anybody().post(SESSION, json={"pairing_code": newer}).status_code == 200


def test_a_disabled_person_gets_in_no_way(served: Served, lan: str) -> None:
    """Not by password, not by a code made before, not with a session that was open."""
    client = served.person(Role.OPERATOR, name=lan)
    code = pairing_code(served, lan)
    with served.accounts() as accounts:
        accounts.change_person(lan, disabled=True)
    assert client.get(SESSION).status_code == 401
    assert served.anybody().post(SESSION, json={"pairing_code": code}).status_code == 401
    answer = served.anybody().post(SESSION, json={"username": lan, "password": PASSWORD})
    assert answer.json()["code"] == "wrong_credentials"


def test_signing_out_ends_the_session(served: Served, operator: httpx.Client) -> None:
    """204, the cookie is taken away, and the old value is worth nothing."""
    value = operator.cookies["antt"]
    answer = operator.delete(SESSION)
    assert answer.status_code == 204
    assert "Max-Age=0" in answer.headers["Set-Cookie"]
    stolen = served.anybody()
    stolen.cookies.set("antt", value)
    assert stolen.get(SESSION).json()["code"] == "not_signed_in"


def test_a_session_ends_when_idle_and_in_any_case(tmp_path: Path) -> None:
    """Idle after 30 days, whatever happens after 90; the clock going back ends none."""
    store = Store(tmp_path / "a.db")
    accounts = Accounts(store)
    accounts.add_person("lan", "Lan", frozenset({Role.VIEWER}), None, 1e9)
    token, session = accounts.open_session("lan", "phone", 1e9)
    assert accounts.session(token, 1e9 + IDLE_END_S - 1)
    assert accounts.session(token, 1e9 + IDLE_END_S) is None
    assert accounts.session(token, 1e9 - DAY_S)
    for day in range(0, 89, 20):
        accounts.touch(session.id, 1e9 + day * DAY_S)
    assert accounts.session(token, 1e9 + ABSOLUTE_END_S - 1)
    assert accounts.session(token, 1e9 + ABSOLUTE_END_S) is None
    assert not accounts.is_alive(session.id, 1e9 + ABSOLUTE_END_S)
    store.close()


def test_a_clock_that_nobody_believes_signs_nobody_out(served: Served, gate: FakeGate) -> None:
    """Seen: a board without a battery began years ago; whoever looked until the time was right was signed out by it."""
    gate.say_state(clock_trusted=False)
    wait_until(lambda: (served.office.live.snapshot or {}).get("clock_trusted") is False, what="the state")
    phone = served.person(Role.VIEWER, name="hoa")
    served.clock.wall_ahead_s = -10 * 365 * DAY_S
    assert phone.get(SESSION).status_code == 200
    served.ask(served.office.write(lambda _: None))  # what that noted is written
    served.clock.wall_ahead_s = 0.0
    assert phone.get(SESSION).status_code == 200
    gate.say_state(clock_trusted=True)


def test_a_person_has_a_bounded_number_of_sessions(tmp_path: Path) -> None:
    """The oldest ones go."""
    store = Store(tmp_path / "a.db")
    accounts = Accounts(store)
    accounts.add_person("lan", "Lan", frozenset({Role.VIEWER}), None, 1e9)
    tokens = [accounts.open_session("lan", "phone", 1e9 + number)[0] for number in range(MOST_SESSIONS + 3)]
    assert [bool(accounts.session(token, 1e9 + 60)) for token in tokens] == [False] * 3 + [True] * MOST_SESSIONS
    store.close()


def test_no_secret_is_kept_in_the_clear(served: Served, lan: str) -> None:
    """accounts.db holds hashes: no cookie, no pairing code, no password; and is nobody else's to read."""
    code = pairing_code(served, lan)
    client = served.anybody()
    client.post(SESSION, json={"username": lan, "password": PASSWORD})
    served.stop()
    database = sqlite3.connect(served.accounts_path)
    kept = "\n".join(database.iterdump())
    database.close()
    assert "$argon2id$v=19$m=19456,t=2,p=1$" in kept
    for secret in (code, client.cookies["antt"], PASSWORD):
        assert secret not in kept
    assert served.accounts_path.stat().st_mode & 0o077 == 0


def test_my_phones_are_listed_and_only_mine_can_be_ended(served: Served, operator: httpx.Client) -> None:
    """GET /sessions, DELETE /sessions/{id}; somebody else's is not there for me."""
    second = served.person(Role.OPERATOR, name="lan")
    other = served.person(Role.VIEWER, name="huy")
    items = operator.get("/api/v1/sessions").json()["items"]
    assert [item["current"] for item in items].count(True) == 1
    assert len(items) == 2
    assert items[0].keys() == {"id", "device", "created_at", "last_seen_at", "expires_at", "current"}
    theirs = other.get("/api/v1/sessions").json()["items"][0]["id"]
    assert operator.delete(f"/api/v1/sessions/{theirs}").json()["code"] == "no_such_session"
    mine = next(item["id"] for item in items if not item["current"])
    assert operator.delete(f"/api/v1/sessions/{mine}").status_code == 204
    assert second.get(SESSION).status_code == 401
    assert other.get(SESSION).status_code == 200


def test_signing_in_again_ends_the_session_before(served: Served, lan: str) -> None:
    """One browser, one session: no session is fixed or left behind."""
    client = served.person(Role.OPERATOR, name=lan)
    before = client.cookies["antt"]
    client.post(SESSION, json={"username": lan, "password": PASSWORD})
    client.cookies.clear()
    client.cookies.set("antt", before)
    assert client.get(SESSION).status_code == 401


@pytest.mark.parametrize(
    "body", [{}, {"username": "lan"}, {"password": "x"}, {"username": "a", "password": "b", "pairing_code": "c"}]
)
def test_there_are_two_ways_to_sign_in(served: Served, body: dict[str, str]) -> None:
    """Anything else is told so, without repeating what was sent."""
    answer = served.anybody().post(SESSION, json=body)
    assert answer.json()["code"] == "invalid_request"


def test_a_report_made_while_the_gate_is_away_is_not_lost(served_alone: Served) -> None:
    """Who signed in while the gate process was down is journalled when it is back."""
    with served_alone.accounts() as accounts:
        accounts.add_person("lan", "Lan", frozenset({Role.OPERATOR}), hash_now(PASSWORD), time.time())
    answer = served_alone.anybody().post(SESSION, json={"username": "lan", "password": PASSWORD})
    assert answer.status_code == 200
    served_alone.gate_comes_up()
    assert served_alone.report("user_signed_in")[0].id == "lan"


def test_wrong_cookies_are_nobody(served: Served) -> None:
    """Odd cookies are a 401, quickly, however many."""
    client = served.anybody()
    for value in ("", "x", "a" * 4000, "'; DROP TABLE session; --"):
        answer = client.get(SESSION, headers={"Cookie": f"antt={value}", **key()})
        assert answer.status_code == 401


@pytest.mark.parametrize("change", ["password", "disabled"])
def test_a_sign_in_that_was_under_way_does_not_outlive_what_ended_all_sessions(
    served: Served, lan: str, change: str
) -> None:
    """Who has the old password signs in without a pause: one is compared while it is replaced. Seen: it stayed in."""
    office, browser = served.office, Browser(device="thief", source="10.0.0.7")

    async def compared_and_then_changed() -> None:
        kept = office.accounts.password_hash(lan)
        assert await is_right(office, Try(name=lan, source="10.0.0.7"), PASSWORD)
        with served.accounts() as accounts:
            if change == "password":
                accounts.change_person(lan, password_hash=hash_now("another one entirely"))
            else:
                accounts.change_person(lan, disabled=True)
        await welcome(office, lan, browser, kept)

    with pytest.raises(ProblemError, match="wrong"):
        served.ask(compared_and_then_changed())
    with served.accounts() as accounts:
        accounts.change_person(lan, disabled=False)
        assert accounts.sessions_of(lan, time.time()) == []
    served.report("user_sign_in_failed", name=lan)
