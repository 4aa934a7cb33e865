"""Signing in and out, and my other phones."""

from __future__ import annotations

from dataclasses import replace

from fastapi import Request
from starlette.responses import JSONResponse, Response

from api import proof, sign_in
from api.accounts import Store
from api.auth import Permission, SignedIn, TheOffice, cookie_name, permissions_of
from api.browser import browser_of, set_cookies, source_of, take_session_cookie
from api.calls import Call
from api.office import Office
from api.people import Accounts, Outcome, Session
from api.problems import ProblemError
from api.proof_schemas import PasswordRequest, ProofBody, ProofRequest
from api.routes.passkeys import place_here
from api.schemas import SessionBody, SessionList, SignInRequest
from gate.journal import utc
from gate.model import JsonObject, Kind


def _moment(at_s: float | None) -> str | None:
    return None if at_s is None else utc(at_s)


def _plain(request: Request, office: Office, session: Session) -> JsonObject:
    site, person = office.settings.site, session.person
    return {
        "user": {"name": person.name, "display_name": person.display_name, "roles": [*sorted(person.roles)]},
        "permissions": [*sorted(permissions_of(person.roles))],
        "session_id": session.id,
        "proved_until": _moment(proof.fresh_until_s(session, office.clock.wall_s())),
        "ways": [*proof.ways_of(request, session)],
        "site": {
            "id": site.id, "name": site.name, "language": site.language, "timezone": site.timezone,
            "contacts": [{"name": each.name, "number": each.number} for each in site.contacts],
        },
        "simulated": office.settings.simulated,
    }  # fmt: skip


async def sign_in_here(body: SignInRequest, request: Request, office: TheOffice) -> JSONResponse:
    """Sign in by name and password, a one-time pairing code or a passkey, and get the cookie of a session.

    A session that this browser had before ends.
    """
    browser = browser_of(request, office, body.device_name)
    if body.pairing_code is not None:
        welcome = await sign_in.by_pairing(office, body.pairing_code, browser)
    elif body.passkey is not None:
        welcome = await sign_in.by_passkey(office, place_here(request, office), body.passkey, browser)
    else:
        welcome = await sign_in.by_password(office, body.username or "", body.password or "", browser)
    if before := office.session_of(request.cookies.get(cookie_name(office))):
        await sign_in.sign_out(office, before.id, before.person.name, before.by())
    response = JSONResponse(_plain(request, office, welcome.session))
    set_cookies(office, response, welcome)
    return response


async def show_session(request: Request, session: SignedIn, office: TheOffice) -> JSONResponse:
    """Tell who is signed in here and what they may do."""
    return JSONResponse(_plain(request, office, session))


async def prove_session(body: ProofRequest, request: Request, session: SignedIn, office: TheOffice) -> JSONResponse:
    """Prove that it is still me, by password, passkey or a new sign-in link: for five minutes I may do what needs it.

    A wrong proof counts like a wrong sign-in.
    """
    if body.password is not None:
        proved = await proof.by_password(office, session, body.password, source_of(request))
    elif body.passkey is not None:
        proved = await proof.by_passkey(office, session, place_here(request, office), body.passkey)
    else:
        proved = await proof.by_pairing(office, session, body.pairing_code or "")
    return JSONResponse({"proved_until": _moment(proof.fresh_until_s(proved, office.clock.wall_s()))})


async def set_password(body: PasswordRequest, request: Request, session: SignedIn, office: TheOffice) -> JSONResponse:
    """Set my own password. My other sessions end."""
    password_hash, name = await office.passwords.hash(body.password), session.person.name

    def change(store: Store) -> Outcome:
        return Accounts(store).change_person(name, password_hash=password_hash, keep_session=session.id)

    await office.write(change)
    await office.reporter.tell(Kind.USER_CHANGED, {"user": name, "change": "password"}, session.by())
    office.end_dead_streams()
    return JSONResponse(_plain(request, office, replace(session, person=replace(session.person, has_password=True))))


async def sign_out(session: SignedIn, office: TheOffice) -> Response:
    """Sign out here."""
    await sign_in.sign_out(office, session.id, session.person.name, session.by())
    response = Response(status_code=204)
    take_session_cookie(office, response)
    return response


async def list_sessions(session: SignedIn, office: TheOffice) -> JSONResponse:
    """List my signed-in phones."""
    return JSONResponse({"items": items_of(office, session.person.name, session.id)})


def items_of(office: Office, name: str, current: str) -> list[JsonObject]:
    """Return the sessions of a person as they are listed to the session `current`."""
    return [
        {
            "id": one.id, "device": one.device, "created_at": utc(one.created_at),
            "last_seen_at": utc(one.last_seen_at), "expires_at": utc(one.expires_at), "current": one.id == current,
        }
        for one in office.accounts.sessions_of(name, office.clock.wall_s())
    ]  # fmt: skip


async def end_session(session_id: str, session: SignedIn, office: TheOffice) -> Response:
    """Sign one of my phones out. Its streams end at once."""
    ending = office.accounts.session_of_person(session_id, session.person.name)
    if ending is None:
        raise ProblemError("no_such_session")
    if ending.id == session.id or (ending.phone is not None and ending.phone == session.phone):  # this very phone
        await sign_in.sign_out(office, ending.id, session.person.name, session.by())
    else:
        await sign_in.sign_out_elsewhere(office, ending, session.by())
    return Response(status_code=204)


_SIGN_IN = ("wrong_credentials", "pairing_invalid", "passkey_invalid", "passkeys_off", "rate_limited", "storage_failed")

CALLS = (
    Call(method="POST", path="/session", does=sign_in_here, needs=Permission.PUBLIC, answers=SessionBody,
         problems=_SIGN_IN),
    Call(method="GET", path="/session", does=show_session, needs=Permission.SELF, answers=SessionBody),
    Call(method="POST", path="/session/proof", does=prove_session, needs=Permission.SELF, answers=ProofBody,
         problems=("proof_failed", "passkeys_off", "rate_limited", "storage_failed")),
    Call(method="PUT", path="/session/password", does=set_password, needs=Permission.SELF, fresh=True,
         answers=SessionBody, problems=("storage_failed",)),
    Call(method="DELETE", path="/session", does=sign_out, needs=Permission.SELF, status=204,
         problems=("storage_failed",)),
    Call(method="GET", path="/sessions", does=list_sessions, needs=Permission.SELF, answers=SessionList),
    Call(method="DELETE", path="/sessions/{session_id}", does=end_session, needs=Permission.SELF, status=204,
         problems=("no_such_session", "storage_failed")),
)  # fmt: skip
