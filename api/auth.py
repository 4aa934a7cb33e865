"""Who may do what. Deny by default.

- `ROLE_PERMISSIONS` and `COMMAND_PERMISSION` are the whole truth; docs/api.md shows them.
- Every route says in its table which permission it needs (`Permission.PUBLIC` included). One that says nothing is
  refused to everybody: `GuardedRoute` asks before anything of the request is read, and `only_guarded` refuses what came
  into the application another way.
- What must not be done by whoever finds an unlocked phone is `fresh` (calls, and `FRESH_COMMANDS`): it needs a
  credential that was seen a moment ago (proof.py), and says so with `step_up_required`.
- A session is a cookie of 256 random bits. What changes something must come from the gate's own page or from a program
  that sends no Origin, and be JSON: other sites' forms and scripts can't do either.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

from fastapi import Depends
from fastapi.routing import APIRoute, APIWebSocketRoute
from starlette.requests import HTTPConnection
from starlette.types import Receive, Scope, Send

from api.monitor import may_monitor
from api.office import Office, office_of
from api.people import Session
from api.problems import ProblemError
from api.proof import require_fresh
from gate.model import Command, JsonObject, Role


class Permission(StrEnum):
    """One right. A route or a command needs exactly one."""

    PUBLIC = "public"
    SELF = "self"
    SEE = "see"
    STOP = "stop"
    MOVE = "move"
    LIGHT = "light"
    SIREN = "siren"
    ACKNOWLEDGE = "acknowledge"
    MODE = "mode"
    RESET = "reset"
    STAR = "star"
    EVIDENCE = "evidence"
    TIMETABLE = "timetable"
    USERS = "users"
    YARD = "yard"
    METRICS = "metrics"


_VIEWER = frozenset({Permission.SELF, Permission.SEE, Permission.STOP})
_OPERATOR = _VIEWER | {
    Permission.MOVE, Permission.LIGHT, Permission.SIREN, Permission.ACKNOWLEDGE, Permission.STAR,
}  # fmt: skip

ROLE_PERMISSIONS: dict[Role, frozenset[Permission]] = {
    Role.VIEWER: _VIEWER,
    Role.OPERATOR: _OPERATOR,
    Role.COMMANDER: _OPERATOR | {Permission.MODE, Permission.RESET, Permission.EVIDENCE, Permission.TIMETABLE},
    Role.MAINTAINER: _VIEWER | {Permission.USERS, Permission.YARD},
}

COMMAND_PERMISSION: dict[Command, Permission] = {
    Command.OPEN: Permission.MOVE,
    Command.CLOSE: Permission.MOVE,
    Command.STOP: Permission.STOP,
    Command.HOLD_OPEN: Permission.MOVE,
    Command.LOCKDOWN: Permission.MODE,
    Command.UNLOCK: Permission.MODE,
    Command.EMERGENCY_OPEN: Permission.MODE,
    Command.NORMAL: Permission.MODE,
    Command.ACKNOWLEDGE: Permission.ACKNOWLEDGE,
    Command.RESET: Permission.RESET,
    Command.LIGHT_ON: Permission.LIGHT,
    Command.LIGHT_OFF: Permission.LIGHT,
    Command.SIREN_ON: Permission.SIREN,
    Command.SIREN_OFF: Permission.SIREN,
}

FRESH_COMMANDS = frozenset({Command.LOCKDOWN, Command.UNLOCK, Command.EMERGENCY_OPEN, Command.NORMAL})
"""The commands that need a fresh session; `normal` ends a lockdown as `unlock` does, so it is no way round it."""

SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})
WITH_BODY = frozenset({"POST", "PUT", "PATCH"})
OWN_SITE = frozenset({"same-origin", "none"})
EXTENSION = "x-permission"
FRESH_EXTENSION = "x-fresh"


def permissions_of(roles: frozenset[Role]) -> frozenset[Permission]:
    """Return what somebody with these roles may do."""
    return frozenset().union(*(ROLE_PERMISSIONS[role] for role in roles))


def by(session: Session) -> JsonObject:
    """Return who a session's deeds are journalled under, and from which phone."""
    return session.by()


def cookie_name(office: Office) -> str:
    """Return the name of the session's cookie; on TLS browsers enforce what `__Host-` promises."""
    return "__Host-antt" if office.settings.api.tls else "antt"


def refuse_foreign(connection: HTTPConnection) -> None:
    """Refuse what another site's page sent. Raises the `foreign_origin` problem."""
    site = connection.headers.get("sec-fetch-site")
    if site is not None and site not in OWN_SITE:
        raise ProblemError("foreign_origin")
    origin = connection.headers.get("origin")
    if origin is not None and origin.partition("://")[2] != connection.headers.get("host"):
        raise ProblemError("foreign_origin")


def admit(connection: HTTPConnection, permission: Permission | None, *, fresh: bool = False) -> None:
    """Let a request pass, or raise the problem that says why not. Notes its session in `connection.state`."""
    method = connection.scope.get("method", "WEBSOCKET")
    if method not in SAFE_METHODS:
        refuse_foreign(connection)
    if permission is None:
        raise ProblemError("not_permitted", "This address is open to nobody.")
    if permission is Permission.METRICS:
        _admit_program(connection)
    elif permission is not Permission.PUBLIC:
        session = office_of(connection).session_of(connection.cookies.get(cookie_name(office_of(connection))))
        if session is None:
            raise ProblemError("not_signed_in")
        if permission not in permissions_of(session.person.roles):
            raise ProblemError("not_permitted", f"This needs the right {permission.value!r}.")
        if fresh:
            require_fresh(connection, session)
        connection.state.session = session
    if method in WITH_BODY and connection.headers.get("content-type", "").partition(";")[0] != "application/json":
        raise ProblemError("unsupported_media_type")
    connection.state.permission = permission


def _admit_program(connection: HTTPConnection) -> None:
    if not may_monitor(connection, office_of(connection).metrics_token):
        raise ProblemError("monitoring_only")


class GuardedRoute(APIRoute):
    """A route that admits only those who have its permission, before it reads their request."""

    async def handle(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Admit or refuse, then serve."""
        admit(HTTPConnection(scope), permission_of(self), fresh=is_fresh_only(self))
        await super().handle(scope, receive, send)


class GuardedSocketRoute(APIWebSocketRoute):
    """The same for a WebSocket: the handshake itself is refused."""

    permission: Permission | None = None

    async def handle(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Admit or refuse, then serve."""
        admit(HTTPConnection(scope), self.permission)
        await super().handle(scope, receive, send)


def permission_of(route: APIRoute) -> Permission | None:
    """Return what a route declares."""
    declared = (route.openapi_extra or {}).get(EXTENSION)
    return None if declared is None else Permission(declared)


def is_fresh_only(route: APIRoute) -> bool:
    """Tell whether a route declares that it needs a fresh session."""
    return (route.openapi_extra or {}).get(FRESH_EXTENSION) is True


async def only_guarded(connection: HTTPConnection) -> None:
    """Refuse what reached an endpoint past the guards. Every endpoint of the application depends on it."""
    if getattr(connection.state, "permission", None) is None:
        raise ProblemError("not_permitted", "This address is open to nobody.")


async def _signed_in(connection: HTTPConnection) -> Session:
    session = getattr(connection.state, "session", None)
    if not isinstance(session, Session):
        raise ProblemError("not_signed_in")
    return session


async def _the_office(connection: HTTPConnection) -> Office:
    return office_of(connection)


# What routes depend on is `async`: FastAPI runs an ordinary function in a thread, a third of a request's time.
SignedIn = Annotated[Session, Depends(_signed_in)]
TheOffice = Annotated[Office, Depends(_the_office)]
