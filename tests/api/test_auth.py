"""Who may do what (contracts: HTTP, roles). Deny by default; test_walk.py goes through every route."""

from __future__ import annotations

import httpx
import pytest
from fastapi import WebSocket
from fastapi.routing import APIRoute, APIWebSocketRoute
from websockets.exceptions import InvalidStatus
from websockets.sync.client import connect

from api.auth import COMMAND_PERMISSION, ROLE_PERMISSIONS, GuardedRoute, Permission
from gate.model import Command, Role
from tests.api.conftest import Served, key

SIGNED_OUT_STATUS = 401
FORBIDDEN = 403


def test_the_roles_are_the_contracts() -> None:
    """contracts.md: viewer sees; operator moves; commander locks and resets; maintainer moves nothing; all may stop."""
    commanders = {Command.LOCKDOWN, Command.UNLOCK, Command.EMERGENCY_OPEN, Command.NORMAL, Command.RESET}
    may = {role: {command for command, needs in COMMAND_PERMISSION.items() if needs in rights}
           for role, rights in ROLE_PERMISSIONS.items()}  # fmt: skip
    assert set(COMMAND_PERMISSION) == set(Command)
    assert may[Role.VIEWER] == may[Role.MAINTAINER] == {Command.STOP}
    assert may[Role.OPERATOR] == set(Command) - commanders
    assert may[Role.COMMANDER] == set(Command)
    for permission in (Permission.USERS, Permission.YARD):
        assert [role for role, rights in ROLE_PERMISSIONS.items() if permission in rights] == [Role.MAINTAINER]
    assert all({Permission.SELF, Permission.SEE, Permission.STOP} <= rights for rights in ROLE_PERMISSIONS.values())


def test_a_command_needs_its_own_right(served: Served) -> None:
    """Each command by each role over HTTP: taken, or 403 and journalled, and the gate never hears of it."""
    for role in Role:
        client = served.person(role)
        for command in Command:
            before = len(served.wishes)
            answer = client.post("/api/v1/gate/commands", json={"command": command.value}, headers=key())
            allowed = COMMAND_PERMISSION[command] in ROLE_PERMISSIONS[role]
            assert answer.status_code == (202 if allowed else FORBIDDEN), (role, command)
            assert len(served.wishes) - before == int(allowed)
            if not allowed:
                assert answer.json()["code"] == "not_permitted"
                served.report("command_refused", role.value, command=command.value, code="not_permitted")


def test_a_route_that_declares_nothing_is_refused(served: Served) -> None:
    """Deny by default: a forgotten permission closes a route, even for somebody with every right."""
    app = served.app

    async def forgotten() -> dict[str, str]:
        return {"secret": "yes"}

    app.router.routes.insert(0, GuardedRoute("/forgotten", forgotten, methods=["GET"]))
    answer = served.person(*Role).get("/forgotten")
    assert answer.status_code == FORBIDDEN
    assert "yes" not in answer.text


def test_a_route_that_came_past_the_guards_is_refused(served: Served) -> None:
    """An endpoint of a plain router, or a plain WebSocket, is open to nobody."""

    async def forgotten() -> dict[str, str]:
        return {"secret": "yes"}

    async def listen(socket: WebSocket) -> None:
        await socket.accept()

    app = served.app
    guards = app.router.dependencies
    app.router.routes.insert(0, APIRoute("/plain", forgotten, methods=["GET"], dependencies=guards))
    app.router.routes.insert(0, APIWebSocketRoute("/plain-socket", listen, dependencies=guards))
    assert served.person(*Role).get("/plain").status_code == FORBIDDEN
    with pytest.raises(InvalidStatus) as refused:
        connect(served.base.replace("http", "ws") + "/plain-socket")
    assert refused.value.response.status_code == FORBIDDEN


def test_a_signed_out_socket_is_refused_in_its_handshake(served: Served) -> None:
    """The live picture is nobody's without a session."""
    with pytest.raises(InvalidStatus) as refused:
        connect(served.base.replace("http", "ws") + "/api/v1/camera/live")
    assert refused.value.response.status_code == SIGNED_OUT_STATUS
    assert b"not_signed_in" in refused.value.response.body


@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": "https://evil.example"},
        {"Origin": "null"},
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
    ],
)
def test_another_sites_page_moves_nothing(served: Served, operator: httpx.Client, headers: dict[str, str]) -> None:
    """CSRF: a request that a foreign page made is refused before anything is read."""
    answer = operator.post("/api/v1/gate/commands", json={"command": "open"}, headers={**key(), **headers})
    assert answer.json()["code"] == "foreign_origin"
    assert served.wishes == []


def test_the_gates_own_page_is_let_through(served: Served, operator: httpx.Client) -> None:
    """The page's own requests carry its own origin."""
    headers = {**key(), "Origin": served.base, "Sec-Fetch-Site": "same-origin"}
    assert operator.post("/api/v1/gate/commands", json={"command": "open"}, headers=headers).status_code == 202


def test_a_form_can_not_give_a_command(served: Served, operator: httpx.Client) -> None:
    """CSRF: only JSON is taken, which no form of another site can send."""
    answer = operator.post("/api/v1/gate/commands", data={"command": "open"}, headers=key())
    assert answer.json()["code"] == "unsupported_media_type"
    assert served.wishes == []
