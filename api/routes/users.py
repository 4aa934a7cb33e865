"""People: for maintainers only."""

from __future__ import annotations

from starlette.responses import JSONResponse

from api.accounts import Store
from api.auth import Permission, SignedIn, TheOffice, by
from api.calls import Call
from api.links import pairing_link
from api.office import Office
from api.people import PAIRING_LASTS_S, SIMULATED_PAIRING_LASTS_S, Accounts, Outcome, Person, Session
from api.problems import ProblemError
from api.schemas import Nothing, PairingBody, UserBody, UserChange, UserList, UserRequest
from gate.journal import utc
from gate.model import JsonObject, Kind

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


async def _told(office: Office, session: Session, name: str, change: str, outcome: Outcome) -> JsonObject:
    if outcome is not Outcome.DONE:
        raise ProblemError(PROBLEM_OF[outcome])
    await office.reporter.tell(Kind.USER_CHANGED, {"user": name, "change": change}, by(session))
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

    outcome = await office.write(add)
    change = f"added as {' '.join(sorted(roles))}"
    return JSONResponse(await _told(office, session, body.name, change, outcome), status_code=201)


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

    outcome = await office.write(change)
    answer = await _told(office, session, name, _in_words(body), outcome)
    office.end_dead_streams()
    return JSONResponse(answer)


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


async def pair_user(name: str, body: Nothing, session: SignedIn, office: TheOffice) -> JSONResponse:
    """Make a one-time sign-in link for a person's phone. An older one that was not used is worth nothing."""
    del body
    person = office.accounts.person(name)
    if person is None or person.disabled:
        raise ProblemError("no_such_user")
    now_s = office.clock.wall_s()
    lasts_s = SIMULATED_PAIRING_LASTS_S if office.settings.simulated else PAIRING_LASTS_S
    code = await office.write(lambda store: Accounts(store).make_pairing(name, lasts_s, now_s))
    await office.reporter.tell(Kind.USER_CHANGED, {"user": name, "change": "pairing link made"}, by(session))
    link = pairing_link(office.base_url, code)
    return JSONResponse({"link": link, "code": code, "expires_at": utc(now_s + lasts_s)}, status_code=201)


_USERS = Permission.USERS

CALLS = (
    Call(method="GET", path="/users", does=list_users, needs=_USERS, answers=UserList),
    Call(method="POST", path="/users", does=add_user, needs=_USERS, answers=UserBody, status=201,
         problems=("user_exists", "storage_failed")),
    Call(method="PATCH", path="/users/{name}", does=change_user, needs=_USERS, answers=UserBody,
         problems=("no_such_user", "last_maintainer", "storage_failed")),
    Call(method="POST", path="/users/{name}/pairing", does=pair_user, needs=_USERS, answers=PairingBody, status=201,
         problems=("no_such_user", "storage_failed")),
)  # fmt: skip
