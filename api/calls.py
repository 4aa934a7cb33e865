"""The form in which routes are declared: one table a file, one line a call, its permission in it.

`register` is the only place where a call becomes a route of the application. What a call may answer, problems included,
comes from its table too, so that the OpenAPI document and docs/api.md can be compared with it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from fastapi import FastAPI
from pydantic import BaseModel

from api.auth import EXTENSION, FRESH_EXTENSION, WITH_BODY, GuardedRoute, GuardedSocketRoute, Permission

BASE = "/api/v1"


@dataclass(frozen=True, kw_only=True, slots=True)
class Call:
    """One call of the HTTP interface.

    `answers` is the body on success (None: none, or `media`); `problems` are the codes of its own beside those that
    follow from its method and permission; `refuses`: the gate may answer 409 with a code of its own;
    `fresh`: needs a credential that was seen a moment ago (proof.py).
    """

    method: str
    path: str
    does: Callable[..., object]
    needs: Permission
    answers: type[BaseModel] | None = None
    status: int = 200
    media: str | None = None
    problems: tuple[str, ...] = ()
    refuses: bool = False
    fresh: bool = False
    base: str = BASE

    def all_problems(self) -> tuple[str, ...]:
        """Return every code that this call may answer with."""
        codes = list(self.problems)
        if self.needs is Permission.METRICS:
            codes.append("monitoring_only")
        elif self.needs is not Permission.PUBLIC:
            codes += ["not_signed_in", "not_permitted", *(["step_up_required"] if self.fresh else [])]
        if self.method != "GET":
            codes.append("foreign_origin")
        if self.method in WITH_BODY:
            codes += ["bad_json", "unsupported_media_type", "body_too_large", "body_too_slow", "invalid_request"]
        return tuple(dict.fromkeys(codes))


@dataclass(frozen=True, kw_only=True, slots=True)
class SocketCall:
    """One WebSocket."""

    path: str
    does: Callable[..., object]
    needs: Permission


def register(app: FastAPI, calls: Iterable[Call], sockets: Iterable[SocketCall]) -> None:
    """Make routes of them."""
    for socket in sockets:
        route = GuardedSocketRoute(BASE + socket.path, socket.does, dependencies=app.router.dependencies)
        route.permission = socket.needs
        app.router.routes.append(route)
    app.router.route_class = GuardedRoute
    for call in calls:
        app.router.add_api_route(
            call.base + call.path,
            call.does,
            methods=[call.method],
            status_code=call.status,
            response_model=call.answers,
            openapi_extra={EXTENSION: call.needs.value, **({FRESH_EXTENSION: True} if call.fresh else {})},
            tags=[call.does.__module__.rpartition(".")[2]],
        )
