"""Signing in and out, and my other phones."""

from __future__ import annotations

from fastapi import Request
from starlette.responses import JSONResponse, Response

from api import sign_in
from api.auth import Permission, SignedIn, TheOffice, cookie_name, permissions_of
from api.calls import Call
from api.office import Office
from api.people import ABSOLUTE_END_S, Session
from api.problems import ProblemError
from api.schemas import SessionBody, SessionList, SignInRequest
from gate.journal import utc
from gate.model import JsonObject

UNNAMED = "?"


def _plain(office: Office, session: Session) -> JsonObject:
    site, person = office.settings.site, session.person
    return {
        "user": {"name": person.name, "display_name": person.display_name, "roles": [*sorted(person.roles)]},
        "permissions": [*sorted(permissions_of(person.roles))],
        "session_id": session.id,
        "site": {"id": site.id, "name": site.name, "language": site.language, "timezone": site.timezone},
        "simulated": office.settings.simulated,
    }


def _set_cookie(office: Office, response: Response, value: str, lasts_s: int) -> None:
    response.set_cookie(
        cookie_name(office), value, max_age=lasts_s, path="/", httponly=True, samesite="strict",
        secure=office.settings.api.tls is not None,
    )  # fmt: skip


async def sign_in_here(body: SignInRequest, request: Request, office: TheOffice) -> JSONResponse:
    """Sign in by name and password or by a one-time pairing code, and get the cookie of a session.

    A session that this browser had before ends.
    """
    device = body.device_name.strip() or UNNAMED
    if body.pairing_code is not None:
        token, session = await sign_in.by_pairing(office, body.pairing_code, device)
    else:
        token, session = await sign_in.by_password(office, body.username or "", body.password or "", device)
    if before := office.session_of(request.cookies.get(cookie_name(office))):
        await sign_in.sign_out(office, before.id, before.person.name)
    response = JSONResponse(_plain(office, session))
    _set_cookie(office, response, token, int(ABSOLUTE_END_S))
    return response


async def show_session(session: SignedIn, office: TheOffice) -> JSONResponse:
    """Tell who is signed in here and what they may do."""
    return JSONResponse(_plain(office, session))


async def sign_out(session: SignedIn, office: TheOffice) -> Response:
    """Sign out here."""
    await sign_in.sign_out(office, session.id, session.person.name)
    response = Response(status_code=204)
    _set_cookie(office, response, "", 0)
    return response


async def list_sessions(session: SignedIn, office: TheOffice) -> JSONResponse:
    """List my signed-in phones."""
    items: list[JsonObject] = [
        {
            "id": one.id, "device": one.device, "created_at": utc(one.created_at),
            "last_seen_at": utc(one.last_seen_at), "expires_at": utc(one.expires_at), "current": one.id == session.id,
        }
        for one in office.accounts.sessions_of(session.person.name, office.clock.wall_s())
    ]  # fmt: skip
    return JSONResponse({"items": items})


async def end_session(session_id: str, session: SignedIn, office: TheOffice) -> Response:
    """Sign one of my phones out. Its streams end at once."""
    if not await sign_in.sign_out(office, session_id, session.person.name):
        raise ProblemError("no_such_session")
    return Response(status_code=204)


_SIGN_IN = ("wrong_credentials", "pairing_invalid", "rate_limited", "storage_failed")

CALLS = (
    Call(method="POST", path="/session", does=sign_in_here, needs=Permission.PUBLIC, answers=SessionBody,
         problems=_SIGN_IN),
    Call(method="GET", path="/session", does=show_session, needs=Permission.SELF, answers=SessionBody),
    Call(method="DELETE", path="/session", does=sign_out, needs=Permission.SELF, status=204,
         problems=("storage_failed",)),
    Call(method="GET", path="/sessions", does=list_sessions, needs=Permission.SELF, answers=SessionList),
    Call(method="DELETE", path="/sessions/{session_id}", does=end_session, needs=Permission.SELF, status=204,
         problems=("no_such_session", "storage_failed")),
)  # fmt: skip
