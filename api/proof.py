"""Step-up: some things need a credential that was seen a moment ago, not only a cookie.

- A session is fresh for `FRESH_S` after its person showed a password, a one-time code or a passkey: when they signed
  in, or here. A wall clock that went back makes nothing fresh, nor does a restart: all are asked again then.
- A wrong proof counts like a wrong sign-in, and costs as much time. It ends no session.
- A code is used up only by the person whom it was made for.
- A full disk keeps no commander from an emergency opening: a password and a passkey prove then too. Wrong passwords are
  counted in memory, to no more in a day, and so is what was proved.
"""

from __future__ import annotations

import logging
from dataclasses import replace

from starlette.requests import HTTPConnection

from api.accounts import AccountsError
from api.attempts import Try
from api.office import Office, office_of
from api.passkeys import Place, Signed, WrongAnswerError
from api.people import Accounts, Session
from api.phones import phone_of
from api.problems import ProblemError, rate_limited
from api.sign_in import is_right, shown_passkey
from gate.model import JsonObject, Kind

log = logging.getLogger(__name__)

FRESH_S = 300.0


def is_fresh(session: Session, now_s: float) -> bool:
    """Tell whether a credential of its person was seen a moment ago."""
    return 0.0 <= now_s - session.proved_at <= FRESH_S


def fresh_until_s(session: Session, now_s: float) -> float | None:
    """Return the wall second until which a session is fresh; None where it is not."""
    return session.proved_at + FRESH_S if is_fresh(session, now_s) else None


def ways_of(connection: HTTPConnection, session: Session) -> list[str]:
    """Return how this person can prove themselves on the page that asks, best first; a one-time link always."""
    office, ways = office_of(connection), ["pairing"]
    if session.person.has_password:
        ways.insert(0, "password")
    if office.passkey_place(connection) and office.passkeys_of(session.person.name):
        ways.insert(0, "passkey")
    return ways


def require_fresh(connection: HTTPConnection, session: Session) -> None:
    """Raise the problem `step_up_required`, with the ways that there are, unless the session is fresh."""
    if not is_fresh(session, office_of(connection).clock.wall_s()):
        raise ProblemError("step_up_required", ways=[*ways_of(connection, session)])


def purpose_of(session: Session) -> str:
    """Return the purpose of a challenge that proves this session and no other."""
    return f"prove {session.id}"


async def by_password(office: Office, session: Session, password: str, source: str) -> Session:
    """Prove a session by its person's password. Raises `proof_failed` and `rate_limited`."""
    who = Try(name=session.person.name, source=source, phone=phone_of(session))
    try:
        right = await is_right(office, who, password)
    except AccountsError as error:
        office.notice(error)
        right = await _is_right_on_a_full_disk(office, who, password)
    if not right:
        raise await _failed(office, session, "wrong_password")
    return await _proved(office, session, "password")


async def _is_right_on_a_full_disk(office: Office, who: Try, password: str) -> bool:
    wait_s = office.uncounted.wait_s(who.name, office.clock.mono_s())
    if wait_s > 0:
        raise rate_limited(wait_s, "The disk is full, so there are few tries.")
    kept = office.accounts.password_hash(who.name)
    return await office.passwords.fits(password, kept, who.phone, known=True)


async def by_pairing(office: Office, session: Session, code: str) -> Session:
    """Prove a session by a one-time code of its person, which is used up. Raises `proof_failed`."""
    name, now_s = session.person.name, office.clock.wall_s()
    if await office.write(lambda store: Accounts(store).redeem(code, now_s, only=name)) is None:
        raise await _failed(office, session, "pairing_invalid")
    return await _proved(office, session, "pairing")


async def by_passkey(office: Office, session: Session, place: Place, credential: Signed) -> Session:
    """Prove a session by a passkey of its person. Raises `proof_failed`."""
    try:
        passkey = await shown_passkey(office, place, credential, purpose_of(session))
    except WrongAnswerError as error:
        log.info("a proof by passkey failed: %s", error)
        raise await _failed(office, session, "passkey_invalid") from None
    if passkey.person != session.person.name:
        raise await _failed(office, session, "passkey_invalid")
    return await _proved(office, session, "passkey")


async def _proved(office: Office, session: Session, way: str) -> Session:
    now_s = office.clock.wall_s()
    try:
        await office.write(lambda store: Accounts(store).prove(session.id, now_s))
    except AccountsError as error:
        office.notice(error)
        office.proved = {one: at_s for one, at_s in office.proved.items() if at_s > now_s - FRESH_S}
        office.proved[session.id] = now_s
    await office.reporter.tell(Kind.USER_PROVED, {"session": session.id, "way": way}, session.by())
    return replace(session, proved_at=now_s)


async def _failed(office: Office, session: Session, reason: str) -> ProblemError:
    data: JsonObject = {"name": session.person.name, "reason": reason, "session": session.id}
    await office.reporter.tell_failure(data, session.by())
    return ProblemError("proof_failed")
