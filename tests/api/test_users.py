"""People, managed by maintainers (contracts: GET/POST/PATCH /users)."""

from __future__ import annotations

import unicodedata

import httpx

from api.links import qr_code
from gate.model import Role
from tests.api.conftest import Served

USERS = "/api/v1/users"
PASSWORD = "mười hai con giáp"


def test_a_maintainer_adds_an_officer_who_signs_in(served: Served, maintainer: httpx.Client) -> None:
    """201, journalled with who did it, and the new person can sign in."""
    body = {"name": "binh", "display_name": "Anh Bình", "roles": ["operator"], "password": PASSWORD}
    answer = maintainer.post(USERS, json=body)
    assert answer.status_code == 201
    assert answer.json() == {
        "name": "binh", "display_name": "Anh Bình", "roles": ["operator"], "disabled": False, "has_password": True,
        "created_at": answer.json()["created_at"], "last_seen_at": None, "sessions": 0,
    }  # fmt: skip
    assert served.report("user_changed", user="binh", change="added as operator")[0].id == "tho"
    signed_in = served.anybody().post("/api/v1/session", json={"username": "binh", "password": PASSWORD})
    assert signed_in.status_code == 200
    listed = {item["name"]: item for item in maintainer.get(USERS).json()["items"]}
    assert listed["binh"]["sessions"] == 1
    assert listed["binh"]["last_seen_at"] is not None
    assert maintainer.post(USERS, json=body).json()["code"] == "user_exists"


def test_a_person_gets_a_link_for_their_phone(served: Served, maintainer: httpx.Client) -> None:
    """The link leads to the page, holds the code behind '#', and signs in once."""
    maintainer.post(USERS, json={"name": "binh", "roles": ["viewer"]})
    answer = maintainer.post(f"{USERS}/binh/pairing", json={})
    assert answer.status_code == 201
    body = answer.json()
    assert body["link"] == f"{served.base}/#pair={body['code']}"
    assert body["qr"] == qr_code(body["link"])
    assert body["qr"].startswith("data:image/svg+xml;charset=utf-8,%3Csvg")
    signed_in = served.anybody().post("/api/v1/session", json={"pairing_code": body["code"]})
    assert signed_in.json()["user"]["name"] == "binh"
    assert served.gate
    assert body["code"] not in str(served.gate.reports)
    assert maintainer.post(f"{USERS}/nobody-here/pairing", json={}).json()["code"] == "no_such_user"


def test_rights_change_at_once(served: Served, maintainer: httpx.Client, operator: httpx.Client) -> None:
    """A role that is taken away is gone for the next request of an open session."""
    answer = maintainer.patch(f"{USERS}/lan", json={"roles": ["viewer"], "display_name": "Chị Lan"})
    assert (answer.json()["roles"], answer.json()["display_name"]) == (["viewer"], "Chị Lan")
    assert operator.get("/api/v1/session").json()["permissions"] == ["see", "self", "stop"]


def test_disabling_and_a_new_password_end_sessions(
    served: Served, maintainer: httpx.Client, operator: httpx.Client
) -> None:
    """A lost phone, a leaked password: the person's sessions end; a maintainer's own stays."""
    assert maintainer.patch(f"{USERS}/tho", json={"password": PASSWORD}).status_code == 200
    assert maintainer.get("/api/v1/session").status_code == 200
    maintainer.patch(f"{USERS}/lan", json={"password": PASSWORD})
    assert operator.get("/api/v1/session").status_code == 401
    maintainer.patch(f"{USERS}/lan", json={"disabled": True})
    signed_in = served.anybody().post("/api/v1/session", json={"username": "lan", "password": PASSWORD})
    assert signed_in.status_code == 401
    maintainer.patch(f"{USERS}/lan", json={"disabled": False})
    signed_in = served.anybody().post("/api/v1/session", json={"username": "lan", "password": PASSWORD})
    assert signed_in.status_code == 200


def test_the_last_maintainer_stays(served: Served, maintainer: httpx.Client) -> None:
    """Nobody can lock the village out of its own accounts."""
    changes: tuple[dict[str, object], ...] = ({"disabled": True}, {"roles": ["operator"]})
    for change in changes:
        answer = maintainer.patch(f"{USERS}/tho", json=change)
        assert (answer.status_code, answer.json()["code"]) == (409, "last_maintainer")
    served.person(Role.MAINTAINER, name="khac")
    assert maintainer.patch(f"{USERS}/tho", json={"roles": ["operator"]}).status_code == 200


def test_what_can_not_be_seen_is_in_no_name(served: Served, maintainer: httpx.Client) -> None:
    """Controls and marks that turn text around would show a person other than they are; Vietnamese has none of them."""
    served.person(Role.VIEWER, name="lan")
    for hidden in ("\u202e", "\x00", "\x1b", "\u200d", "\ufeff", "\x9b", "\n", "\u2028"):
        for method, path, body in (
            ("POST", USERS, {"name": "binh", "roles": ["viewer"], "display_name": f"Anh{hidden}Bình"}),
            ("PATCH", f"{USERS}/lan", {"display_name": f"Chị{hidden}Lan"}),
        ):
            answer = maintainer.request(method, path, json=body)
            assert (answer.status_code, answer.json()["code"]) == (422, "invalid_request"), hidden
            (error,) = answer.json()["errors"]
            assert error["field"] == "body.display_name"
            assert f"U+{ord(hidden):04X}" in error["message"]
    for name in ("Nguyễn Thị Hường", unicodedata.normalize("NFD", "Trưởng thôn Đặng Ngữ"), "Tổ 3 🚜"):
        assert maintainer.patch(f"{USERS}/lan", json={"display_name": name}).json()["display_name"] == name


def test_bad_people_are_refused(maintainer: httpx.Client) -> None:
    """Names, roles and passwords have a form; the password is never repeated in a problem."""
    good = {"name": "binh", "roles": ["viewer"], "password": PASSWORD}
    changes: tuple[dict[str, object], ...] = (
        {"name": "Bình Minh"}, {"name": "x"}, {"name": "../etc"}, {"roles": []}, {"roles": ["king"]},
        {"password": "short-one"}, {"password": "x" * 129}, {"admin": True}, {"display_name": ""},
    )  # fmt: skip
    for change in changes:
        answer = maintainer.post(USERS, json={**good, **change})
        assert answer.json()["code"] == "invalid_request", change
        assert PASSWORD not in answer.text
        assert "short-one" not in answer.text
    assert maintainer.patch(f"{USERS}/nobody-here", json={}).json()["code"] == "no_such_user"


def test_a_maintainer_signs_a_lost_phone_out(served: Served, maintainer: httpx.Client, operator: httpx.Client) -> None:
    """GET and DELETE /users/{name}/sessions…: one phone, then all; journalled with who, which phone and why."""
    second = served.person(Role.OPERATOR, name="lan")
    theirs = f"{USERS}/lan/sessions"
    items = maintainer.get(theirs).json()["items"]
    assert [item["current"] for item in items] == [False, False]
    lost = operator.get("/api/v1/session").json()["session_id"]
    answer = maintainer.delete(f"{theirs}/{lost}", params={"reason": "Rơi mất máy"})
    assert answer.status_code == 204
    assert operator.get("/api/v1/session").status_code == 401
    by, data = served.report("user_signed_out", "tho", session=lost)
    assert (by.device, data["user"], data["device"], data["reason"]) == ("test", "lan", "test", "Rơi mất máy")
    assert second.get("/api/v1/session").status_code == 200
    assert maintainer.delete(theirs).status_code == 204
    assert second.get("/api/v1/session").status_code == 401
    assert maintainer.delete(f"{USERS}/tho/sessions").status_code == 204, "all but the one that asks"
    assert maintainer.get("/api/v1/session").status_code == 200
    assert maintainer.delete(f"{theirs}/{lost}").json()["code"] == "no_such_session"
    assert maintainer.get(f"{USERS}/nobody-here/sessions").json()["code"] == "no_such_user"
    assert maintainer.delete(f"{theirs}?reason=%E2%80%AE").json()["code"] == "invalid_request"


def test_why_a_person_was_changed_stands_in_the_journal(served: Served, maintainer: httpx.Client) -> None:
    """Issue 5, 6: who, from which phone, why."""
    maintainer.post(USERS, json={"name": "binh", "roles": ["viewer"], "reason": "Trực ca đêm"})
    maintainer.patch(f"{USERS}/binh", json={"roles": ["operator"], "reason": "Lên ca trưởng"})
    maintainer.post(f"{USERS}/binh/pairing", json={"reason": "Máy mới"})
    for change, reason in (
        ("added as viewer", "Trực ca đêm"), ("roles operator", "Lên ca trưởng"), ("pairing link made", "Máy mới"),
    ):  # fmt: skip
        by, data = served.report("user_changed", "tho", change=change)
        assert (by.device, data) == ("test", {"user": "binh", "change": change, "reason": reason})
    assert maintainer.patch(f"{USERS}/binh", json={"reason": "x" * 201}).json()["code"] == "invalid_request"
