"""People: for maintainers only."""

from __future__ import annotations

from typing import Annotated

from fastapi import Query
from starlette.responses import JSONResponse, Response

from api import sign_in
from api.accounts import Store
from api.auth import Permission, SignedIn, TheOffice, by
from api.calls import Call
from api.links import pairing_link, qr_code
from api.office import Office
from api.people import PAIRING_LASTS_S, SIMULATED_PAIRING_LASTS_S, Accounts, Outcome, Person, Session
from api.problems import ProblemError
from api.proof_schemas import PasskeyList, WhyRequest
from api.routes.passkeys import forget, plain_list
from api.routes.session import items_of
from api.schemas import PairingBody, Reason, SessionList, UserBody, UserChange, UserList, UserRequest
from gate.journal import utc
from gate.model import JsonObject, Kind

Why = Annotated[Reason, Query(description="Why; stands in the journal.")]
PROBLEM_OF = {
    Outcome.UNKNOWN: "no_such_user",
    Outcome.EXISTS: "user_exists",
    Outcome.LAST_MAINTAINER: "last_maintainer",
}


def _plain(office: Office, person: Person) -> JsonObject:
    sessions = office.accounts.sessions_of(person.name, office.clock.wall_s())
    seen = max((session.last_seen_at for session in sessions), default=None)
    return {
        "name": person.name, "display_name": person.display_name, "roles": [*sorted(person.roles)],
        "disabled": person.disabled, "has_password": person.has_password, "created_at": utc(person.created_at),
        "last_seen_at": None if seen is None else utc(seen), "sessions": len(sessions),
    }  # fmt: skip


async def _hash(office: Office, password: str | None) -> str | None:
    return None if password is None else await office.passwords.hash(password)


async def _tell(office: Office, session: Session, name: str, change: str, reason: str) -> None:
    data: JsonObject = {"user": name, "change": change, **({"reason": reason} if reason else {})}
    await office.reporter.tell(Kind.USER_CHANGED, data, by(session))


def _done(outcome: Outcome) -> None:
    if outcome is not Outcome.DONE:
        raise ProblemError(PROBLEM_OF[outcome])


def _shown(office: Office, name: str) -> JsonObject:
    person = office.accounts.person(name)
    if person is None:
        raise ProblemError("no_such_user")
    return _plain(office, person)


async def list_users(office: TheOffice) -> JSONResponse:
    """List everybody who may use the gate."""
    return JSONResponse({"items": [_plain(office, person) for person in office.accounts.people()]})


async def add_user(body: UserRequest, session: SignedIn, office: TheOffice) -> JSONResponse:
    """Add a person."""
    password_hash, now_s = await _hash(office, body.password), office.clock.wall_s()
    roles = frozenset(body.roles)

    def add(store: Store) -> Outcome:
        return Accounts(store).add_person(body.name, body.display_name or body.name, roles, password_hash, now_s)

    _done(await office.write(add))
    await _tell(office, session, body.name, f"added as {' '.join(sorted(roles))}", body.reason)
    return JSONResponse(_shown(office, body.name), status_code=201)


async def change_user(name: str, body: UserChange, session: SignedIn, office: TheOffice) -> JSONResponse:
    """Change a person: name to show, roles, whether they may sign in, password.

    Disabling and a new password end that person's sessions, except the one that asks.
    """
    password_hash = await _hash(office, body.password)
    roles = None if body.roles is None else frozenset(body.roles)

    def change(store: Store) -> Outcome:
        return Accounts(store).change_person(
            name, display_name=body.display_name, roles=roles, disabled=body.disabled, password_hash=password_hash,
            keep_session=session.id,
        )  # fmt: skip

    _done(await office.write(change))
    await _tell(office, session, name, _in_words(body), body.reason)
    office.end_dead_streams()
    return JSONResponse(_shown(office, name))


def _in_words(body: UserChange) -> str:
    parts = []
    if body.display_name is not None:
        parts.append(f"display name {body.display_name}")
    if body.roles is not None:
        parts.append(f"roles {' '.join(sorted(set(body.roles)))}")
    if body.disabled is not None:
        parts.append("disabled" if body.disabled else "enabled")
    if body.password is not None:
        parts.append("password")
    return ", ".join(parts) or "nothing"


async def pair_user(name: str, body: WhyRequest, session: SignedIn, office: TheOffice) -> JSONResponse:
    """Make a one-time sign-in link for a person's phone. An older one that was not used is worth nothing."""
    person = office.accounts.person(name)
    if person is None or person.disabled:
        raise ProblemError("no_such_user")
    now_s = office.clock.wall_s()
    lasts_s = SIMULATED_PAIRING_LASTS_S if office.settings.simulated else PAIRING_LASTS_S
    code = await office.write(lambda store: Accounts(store).make_pairing(name, lasts_s, now_s))
    await _tell(office, session, name, "pairing link made", body.reason)
    link = pairing_link(office.base_url, code)
    answer: JsonObject = {"link": link, "code": code, "qr": qr_code(link), "expires_at": utc(now_s + lasts_s)}
    return JSONResponse(answer, status_code=201)


async def list_user_sessions(name: str, session: SignedIn, office: TheOffice) -> JSONResponse:
    """List the signed-in phones of a person."""
    return JSONResponse({"items": items_of(office, _somebody(office, name).name, session.id)})


async def end_user_sessions(name: str, session: SignedIn, office: TheOffice, reason: Why = "") -> Response:
    """Sign a person out everywhere, except on the phone that asks. Their streams end at once."""
    for one in office.accounts.sessions_of(_somebody(office, name).name, office.clock.wall_s()):
        if one.id != session.id:
            await sign_in.sign_out_elsewhere(office, one, by(session), reason)
    return Response(status_code=204)


async def end_user_session(
    name: str, session_id: str, session: SignedIn, office: TheOffice, reason: Why = ""
) -> Response:
    """Sign one phone of a person out: it was lost, or is not theirs any more. Its streams end at once."""
    ending = office.accounts.session_of_person(session_id, _somebody(office, name).name)
    if ending is None:
        raise ProblemError("no_such_session")
    await sign_in.sign_out_elsewhere(office, ending, by(session), reason)
    return Response(status_code=204)


async def list_user_passkeys(name: str, office: TheOffice) -> JSONResponse:
    """List the passkeys of a person."""
    return JSONResponse(plain_list(office.passkeys_of(_somebody(office, name).name)))


async def remove_user_passkey(
    name: str, passkey_id: str, session: SignedIn, office: TheOffice, reason: Why = ""
) -> Response:
    """Forget a passkey of a person. It signs nobody in any more; sessions go on."""
    await forget(office, session, _somebody(office, name), passkey_id, reason)
    return Response(status_code=204)


def _somebody(office: Office, name: str) -> Person:
    person = office.accounts.person(name)
    if person is None:
        raise ProblemError("no_such_user")
    return person


_USERS = Permission.USERS

CALLS = (
    Call(method="GET", path="/users", does=list_users, needs=_USERS, answers=UserList),
    Call(method="POST", path="/users", does=add_user, needs=_USERS, fresh=True, answers=UserBody, status=201,
         problems=("user_exists", "storage_failed")),
    Call(method="PATCH", path="/users/{name}", does=change_user, needs=_USERS, fresh=True, answers=UserBody,
         problems=("no_such_user", "last_maintainer", "storage_failed")),
    Call(method="POST", path="/users/{name}/pairing", does=pair_user, needs=_USERS, fresh=True, answers=PairingBody,
         status=201, problems=("no_such_user", "storage_failed")),
    Call(method="GET", path="/users/{name}/sessions", does=list_user_sessions, needs=_USERS, answers=SessionList,
         problems=("no_such_user",)),
    Call(method="DELETE", path="/users/{name}/sessions", does=end_user_sessions, needs=_USERS, fresh=True, status=204,
         problems=("no_such_user", "storage_failed")),
    Call(method="DELETE", path="/users/{name}/sessions/{session_id}", does=end_user_session, needs=_USERS, fresh=True,
         status=204, problems=("no_such_user", "no_such_session", "storage_failed")),
    Call(method="GET", path="/users/{name}/passkeys", does=list_user_passkeys, needs=_USERS, answers=PasskeyList,
         problems=("no_such_user",)),
    Call(method="DELETE", path="/users/{name}/passkeys/{passkey_id}", does=remove_user_passkey, needs=_USERS,
         fresh=True, status=204, problems=("no_such_user", "no_such_passkey", "storage_failed")),
)  # fmt: skip
