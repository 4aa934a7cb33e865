"""Signing in: by name and password, or by a one-time pairing code.

Both journal success and failure. The journal never holds what a stranger typed: a name that is nobody's could be a
password in the wrong field.
"""

from __future__ import annotations

import unicodedata

from api.accounts import Store
from api.attempts import Attempts
from api.office import Office
from api.people import Accounts, Person, Session
from api.problems import ProblemError, rate_limited
from gate.model import JsonObject, Kind


def clean_name(name: str) -> str:
    """Return a name as it is stored, however a phone's keyboard wrote it."""
    return unicodedata.normalize("NFKC", name).strip().lower()


async def by_password(office: Office, name: str, password: str, device: str) -> tuple[str, Session]:
    """Return the cookie's value and the session. Raises `wrong_credentials` and `rate_limited`."""
    name = clean_name(name)
    now_s = office.clock.wall_s()
    wait_s = await office.write(lambda store: Attempts(store).begin(name, now_s))
    if wait_s > 0:
        raise rate_limited(wait_s, "Too many wrong passwords for this name.")
    person = office.accounts.person(name)
    if not await office.passwords.fits(password, office.accounts.password_hash(name)):
        reason = "unknown_name" if person is None else "disabled" if person.disabled else "wrong_password"
        await office.reporter.tell_failure({"name": person.name if person else "", "reason": reason}, None)
        raise ProblemError("wrong_credentials")
    await office.write(lambda store: Attempts(store).succeeded(name))
    return await _welcome(office, name, device)


async def by_pairing(office: Office, code: str, device: str) -> tuple[str, Session]:
    """Return the cookie's value and the session. The code is used up. Raises `pairing_invalid`."""
    now_s = office.clock.wall_s()
    person = await office.write(lambda store: Accounts(store).redeem(code, now_s))
    if person is None:
        await office.reporter.tell_failure({"name": "", "reason": "pairing_invalid"}, None)
        raise ProblemError("pairing_invalid")
    return await _welcome(office, person.name, device)


async def _welcome(office: Office, name: str, device: str) -> tuple[str, Session]:
    now_s = office.clock.wall_s()
    token, session = await office.write(lambda store: Accounts(store).open_session(name, device, now_s))
    data: JsonObject = {"session": session.id, "device": session.device}
    await office.reporter.tell(Kind.USER_SIGNED_IN, data, _by(session.person))
    return token, session


def _by(person: Person) -> JsonObject:
    return {"type": "person", "id": person.name, "name": person.display_name}


async def sign_out(office: Office, session_id: str, name: str) -> bool:
    """End one session of a person and its streams; tell whether there was one."""

    def end(store: Store) -> bool:
        return Accounts(store).end_session(session_id, name)

    ended = await office.write(end)
    office.streams.end_session(session_id)
    return ended
