"""Every way into the application, by everybody: all routes by all roles, signed out, with a fresh proof and without.

Deny by default (contracts: HTTP). A route that comes later is walked by itself; its parameters come from the examples
of the document.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import httpx
import pytest
from starlette.routing import BaseRoute, Mount
from websockets.exceptions import InvalidStatus
from websockets.sync.client import connect

from api.auth import GuardedRoute, GuardedSocketRoute, Permission, permission_of, permissions_of
from api.calls import BASE, Call
from api.examples import PARAMETERS
from api.people import ABSOLUTE_END_S
from api.routes import CALLS, SOCKETS
from gate.model import Role
from tests.api.conftest import Served, key

EVERYBODY = [*((role,) for role in Role), tuple(Role)]
BY_PROGRAMS = {Permission.METRICS}
PROOF_LASTS_S = 300.0
SIGNED_OUT = 401
REFUSALS_OF_THE_GUARD = {"not_signed_in", "not_permitted", "step_up_required"}
FOREIGN = {"Origin": "https://evil.example"}


def label(call: Call) -> str:
    return f"{call.method} {call.base}{call.path}"


def address(call: Call) -> str:
    """Return the address of a call with the parameters of the examples: of nothing that is there."""
    return filled(call.base + call.path)


def filled(path: str) -> str:
    return path.format_map({name: known.example for name, known in PARAMETERS.items()})


def send(client: httpx.Client, call: Call, headers: dict[str, str] | None = None) -> tuple[int, str]:
    """Return the status and the problem's code of an answer, "" where it is none. A body that is asked for is empty."""
    body: dict[str, str] | None = {} if call.method in {"POST", "PUT", "PATCH"} else None
    with client.stream(call.method, address(call), json=body, headers={**key(), **(headers or {})}) as answer:
        if answer.headers.get("content-type") != "application/problem+json":
            return answer.status_code, ""
        answer.read()
        return answer.status_code, answer.json()["code"]


def in_order(calls: Iterable[Call]) -> list[Call]:
    """Return the calls with the one last that ends the session which the others need."""
    return sorted(calls, key=lambda call: call.does.__name__ == "sign_out")


def leaves(routes: Iterable[BaseRoute]) -> Iterator[BaseRoute]:
    """Return every route, those of mounted applications too; a mount without routes is one itself."""
    for route in routes:
        inner = list(getattr(route, "routes", None) or [])
        yield from leaves(inner) if inner else [route]


def test_every_way_in_is_guarded(served: Served) -> None:
    """The only thing that is no guarded route is the page's files; every one has its line in the tables."""
    found = list(leaves(served.app.routes))
    guarded = [route for route in found if isinstance(route, GuardedRoute)]
    sockets = [route for route in found if isinstance(route, GuardedSocketRoute)]
    others = [route for route in found if not isinstance(route, GuardedRoute | GuardedSocketRoute)]
    assert [(type(route), getattr(route, "name", None)) for route in others] == [(Mount, "page")]
    assert sorted((min(route.methods or ()), route.path, permission_of(route)) for route in guarded) == sorted(
        (call.method, call.base + call.path, call.needs) for call in CALLS
    )
    assert [(route.path, route.permission) for route in sockets] == [(BASE + one.path, one.needs) for one in SOCKETS]


def test_nobody_gets_in_without_a_session_that_lives(served: Served) -> None:
    """No cookie, a made-up one, one that has ended, one of somebody who was shut out: 401, and nothing else is told."""
    ended, shut_out = served.person(*Role, name="ended"), served.person(*Role, name="shut-out")
    served.person(Role.MAINTAINER, name="tho")
    with served.accounts() as accounts:
        accounts.change_person("shut-out", disabled=True)
    made_up = served.anybody()
    made_up.cookies.set("antt", "A" * 43)
    served.clock.ahead_s = ABSOLUTE_END_S
    nobody = served.anybody()
    for call in CALLS:
        for client in (nobody, made_up, ended, shut_out):
            status, code = send(client, call)
            if call.needs is Permission.PUBLIC or call.needs in BY_PROGRAMS:
                assert code not in REFUSALS_OF_THE_GUARD, label(call)
            else:
                assert (status, code) == (SIGNED_OUT, "not_signed_in"), label(call)


@pytest.mark.parametrize("roles", EVERYBODY, ids="-".join)
@pytest.mark.parametrize("is_fresh", [True, False], ids=["fresh", "not-fresh"])
def test_nobody_gets_further_than_their_roles_and_their_proof_allow(
    served: Served,
    roles: tuple[Role, ...],
    is_fresh: bool,  # noqa: FBT001 - one half of the walk
) -> None:
    """403 without the right; with it, `step_up_required` where the proof is too old and the call wants one."""
    client = served.person(*roles, name="walker")
    served.clock.ahead_s = 0.0 if is_fresh else PROOF_LASTS_S + 1.0
    for call in in_order(CALLS):
        status, code = send(client, call)
        if call.needs is not Permission.PUBLIC and call.needs not in {*permissions_of(frozenset(roles)), *BY_PROGRAMS}:
            assert (status, code) == (403, "not_permitted"), label(call)
        elif call.fresh and not is_fresh:
            assert (status, code) == (403, "step_up_required"), label(call)
        else:
            assert code not in REFUSALS_OF_THE_GUARD, (label(call), code)
            assert status < 500 or code in call.all_problems(), (label(call), code)


@pytest.mark.parametrize("socket", SOCKETS, ids=lambda socket: socket.path)
def test_a_websocket_is_opened_only_by_who_may_see(served: Served, socket: object) -> None:
    """The handshake itself is refused: signed out, and to a page of another site that a browser shows."""
    path = served.base.replace("http", "ws") + BASE + str(getattr(socket, "path", ""))
    for roles in EVERYBODY:
        cookie = {"Cookie": f"antt={served.person(*roles).cookies['antt']}"}
        with connect(path, additional_headers=cookie):
            pass
        with pytest.raises(InvalidStatus) as refused:
            connect(path, additional_headers={**cookie, **FOREIGN})
        assert refused.value.response.status_code == 403
    with pytest.raises(InvalidStatus) as refused:
        connect(path)
    assert refused.value.response.status_code == SIGNED_OUT


def test_no_page_of_another_site_changes_anything(served: Served) -> None:
    """CSRF: every call that is no GET refuses a foreign origin first, whoever is signed in, and public ones too."""
    client = served.person(*Role, name="everything")
    for call in CALLS:
        if call.method != "GET":
            assert send(client, call, FOREIGN) == (403, "foreign_origin"), label(call)
    assert client.get(f"{BASE}/session").status_code == 200


def test_every_other_method_is_refused_and_told_which_are_taken(served: Served) -> None:
    """405 with `Allow` (RFC 9110, 15.5.6), at every address, before anybody is asked who they are."""
    at: dict[str, set[str]] = {}
    for call in CALLS:
        at.setdefault(call.base + call.path, set()).add(call.method)
    client = served.anybody()
    for path, methods in at.items():
        others = {"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "PROPFIND"} - methods
        for method in others if "{" in path else others - {"DELETE"}:  # a name may stand where `options` does
            answer = client.request(method, filled(path))
            assert answer.status_code == 405, (method, path)
            assert answer.headers["Allow"] == ", ".join(sorted(methods))
