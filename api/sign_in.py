"""Signing in: by name and password, by a one-time pairing code, or by a passkey.

Both journal success and failure, and whether the phone was known. The journal never holds what a stranger typed: a name
that is nobody's could be a password in the wrong field.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import unicodedata
from dataclasses import dataclass

from api import ceremony
from api.accounts import AccountsError, Store
from api.attempts import STRANGER, Attempts, Try
from api.office import Office
from api.passkeys import Passkey, Passkeys, Place, Signed, WrongAnswerError, handle_of
from api.people import Accounts, Session
from api.phones import Phones
from api.problems import ProblemError, rate_limited
from gate.model import JsonObject, Kind

log = logging.getLogger(__name__)

SIGN_IN = "sign in"
"""The purpose of a challenge that whoever has a passkey may answer."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Browser:
    """Where somebody signs in.

    `device` is the name that they give it, `source` its network address (attempts.network_of), `phone` the cookie by
    which it may be known.
    """

    device: str
    source: str
    phone: str | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Welcome:
    """A new session. `token` and `phone` are the values of the two cookies that the browser gets."""

    token: str
    phone: str
    session: Session


def clean_name(name: str) -> str:
    """Return a name as it is stored, however a phone's keyboard wrote it."""
    return unicodedata.normalize("NFKC", name).strip().lower()


async def by_password(office: Office, name: str, password: str, browser: Browser) -> Welcome:
    """Sign somebody in. Raises `wrong_credentials` and `rate_limited`."""
    name = clean_name(name)
    known = Phones(office.store).known(browser.phone, name, office.clock.wall_s())
    person, kept = office.accounts.person(name), office.accounts.password_hash(name)
    if not await is_right(office, Try(name=name, source=browser.source, phone=known or STRANGER), password):
        reason = "unknown_name" if person is None else "disabled" if person.disabled else "wrong_password"
        data: JsonObject = {"name": person.name if person else "", "reason": reason, "known": known is not None}
        await office.reporter.tell_failure(data, None)
        raise ProblemError("wrong_credentials")
    return await welcome(office, name, browser, kept)


async def by_pairing(office: Office, code: str, browser: Browser) -> Welcome:
    """Sign somebody in. The code is used up. Raises `pairing_invalid`."""
    now_s = office.clock.wall_s()
    person = await office.write(lambda store: Accounts(store).redeem(code, now_s))
    if person is None:
        await office.reporter.tell_failure({"name": "", "reason": "pairing_invalid"}, None)
        raise ProblemError("pairing_invalid")
    return await welcome(office, person.name, browser)


async def is_right(office: Office, who: Try, password: str) -> bool:
    """Tell whether the password is that of the name; a wrong one counts. Raises `rate_limited`.

    The one way to compare a password, whether somebody signs in or proves who they are. It takes the same time whether
    there is such a person or not.
    """
    begun = Attempts(office.store).look(who, office.clock.mono_s())
    if begun.wait_s <= 0:  # else a flood of refused ones would keep the thread that writes from its work
        begun = await office.write(lambda store: Attempts(store).begin(who, office.clock.mono_s()))
    if begun.wait_s > 0:
        await asyncio.sleep(office.way_out.wait_s(office.clock.mono_s()))
        raise rate_limited(begun.wait_s, "Too many wrong passwords.")
    counted, kept = begun.counted, office.accounts.password_hash(who.name)
    try:
        right = await office.passwords.fits(password, kept, counted.phone or counted.source, known=counted.known)
    except ProblemError:  # no room to wait in: nothing was compared
        await office.write(lambda store: Attempts(store).uncount(begun.number))
        raise
    if right:
        await office.write(lambda store: Attempts(store).uncount(begun.number))
    return right


async def by_passkey(office: Office, place: Place, credential: Signed, browser: Browser) -> Welcome:
    """Sign in whoever's passkey answered. Raises `passkey_invalid`."""
    try:
        passkey = await shown_passkey(office, place, credential, SIGN_IN)
    except WrongAnswerError as error:
        log.info("a sign-in by passkey failed: %s", error)
        await office.reporter.tell_failure({"name": "", "reason": "passkey_invalid"}, None)
        raise ProblemError("passkey_invalid") from None
    return await welcome(office, passkey.person, browser)


async def shown_passkey(office: Office, place: Place, credential: Signed, purpose: str) -> Passkey:
    """Return the passkey that answered a challenge of ours, which is used up. Raises `WrongAnswerError`."""
    challenge = ceremony.challenge_of(credential)
    office.challenges.check(challenge, purpose)
    passkey = Passkeys(office.store).find(str(credential.get("id")))
    owner = office.accounts.person(passkey.person) if passkey else None
    if passkey is None or owner is None or owner.disabled:
        raise WrongAnswerError("no such passkey, or its owner is disabled")
    handle = handle_of(office.settings.site.id, owner.name)
    shown = await asyncio.to_thread(ceremony.shown, credential, place, passkey, handle)
    office.challenges.spend(challenge, purpose)
    now_s = office.clock.wall_s()
    with contextlib.suppress(AccountsError):  # a full disk keeps nobody from a proof, and the challenge is spent
        await office.write(lambda store: Passkeys(store).used(passkey.id, shown.sign_count, now_s))
    return passkey


async def welcome(office: Office, name: str, browser: Browser, password_hash: str | None = None) -> Welcome:
    """Open a session for somebody who has shown a credential, and know the phone from now on.

    Raises `wrong_credentials` where the person was disabled, or `password_hash` was replaced, while the credential was
    looked at: that ended all sessions, and this one would outlive it.
    """
    now_s = office.clock.wall_s()
    known = Phones(office.store).known(browser.phone, name, now_s) is not None

    def begin(store: Store) -> Welcome | None:
        person, phones = Accounts(store).person(name), Phones(store)
        if person is None or person.disabled:
            return None
        if password_hash is not None and Accounts(store).password_hash(name) != password_hash:
            return None
        phone = phones.welcome(browser.phone, name, now_s)
        token, session = Accounts(store).open_session(name, browser.device, now_s, phones.known(phone, name, now_s))
        return Welcome(token=token, phone=phone, session=session)

    begun = await office.write(begin)
    if begun is None:
        reason = "disabled" if password_hash is None else "wrong_password"
        await office.reporter.tell_failure({"name": name, "reason": reason, "known": known}, None)
        raise ProblemError("wrong_credentials")
    data: JsonObject = {"session": begun.session.id, "device": begun.session.device, "known": known}
    await office.reporter.tell(Kind.USER_SIGNED_IN, data, begun.session.by())
    return begun


async def sign_out(office: Office, session_id: str, name: str, by: JsonObject, reason: str = "") -> bool:
    """End one session of a person, and its streams; tell whether there was one. `by`: who wants it, and why."""
    device = await office.write(lambda store: Accounts(store).end_session(session_id, name))
    office.streams.end_session(session_id)
    if device is None:
        return False
    data: JsonObject = {"user": name, "session": session_id, "device": device, **({"reason": reason} if reason else {})}
    await office.reporter.tell(Kind.USER_SIGNED_OUT, data, by)
    return True


async def sign_out_elsewhere(office: Office, session: Session, by: JsonObject, reason: str = "") -> bool:
    """End a session that is not the asker's own, and forget its phone: it may be lost. Else as `sign_out`."""
    await office.write(lambda store: Phones(store).forget(session))
    return await sign_out(office, session.id, session.person.name, by, reason)
