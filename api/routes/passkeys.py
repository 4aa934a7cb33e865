"""Passkeys: what a browser must sign to sign in, to prove, or to keep a new one; and the list of mine.

`navigator.credentials` is given `publicKey` of an answer here; what it returns goes to `POST /session`,
`POST /session/proof` or `POST /passkeys`. They work where `api.domain` names the page.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from functools import partial

from fastapi import Request
from starlette.responses import JSONResponse, Response

from api import ceremony
from api.accounts import Store
from api.auth import Permission, SignedIn, TheOffice
from api.calls import Call
from api.office import Office
from api.passkeys import Passkey, Passkeys, Place, WrongAnswerError, handle_of
from api.people import Person, Session
from api.problems import ProblemError
from api.proof import purpose_of
from api.proof_schemas import PasskeyItem, PasskeyList, PasskeyOptions, PasskeyRequest
from api.sign_in import SIGN_IN
from gate.journal import utc
from gate.model import JsonObject, Kind

log = logging.getLogger(__name__)


def place_here(request: Request, office: Office) -> Place:
    """Return where passkeys are used on the page that asks. Raises the problem `passkeys_off`."""
    place = office.passkey_place(request)
    if place is None:
        raise ProblemError("passkeys_off")
    return place


async def offer_sign_in(request: Request, office: TheOffice) -> JSONResponse:
    """Return what a browser must sign with any passkey of this gate to sign in."""
    place = place_here(request, office)
    return await _public_key(partial(ceremony.options_to_show, place, office.challenges.make(SIGN_IN), []))


async def offer_proof(request: Request, session: SignedIn, office: TheOffice) -> JSONResponse:
    """Return what a browser must sign with a passkey of mine to prove that it is still me."""
    place, mine = place_here(request, office), office.passkeys_of(session.person.name)
    if not mine:
        raise ProblemError("no_such_passkey")
    challenge = office.challenges.make(purpose_of(session))
    return await _public_key(partial(ceremony.options_to_show, place, challenge, mine))


async def offer_passkey(request: Request, session: SignedIn, office: TheOffice) -> JSONResponse:
    """Return what a browser must sign to make a passkey of mine."""
    place, person, site = place_here(request, office), session.person, office.settings.site
    made_for = ceremony.Owner(handle=handle_of(site.id, person.name), name=person.name, shown=person.display_name)
    challenge, known = office.challenges.make(_registering(session)), office.passkeys_of(person.name)
    return await _public_key(partial(ceremony.options_to_register, place, challenge, known, made_for, site.name))


async def list_passkeys(session: SignedIn, office: TheOffice) -> JSONResponse:
    """List my passkeys."""
    return JSONResponse(plain_list(office.passkeys_of(session.person.name)))


async def add_passkey(body: PasskeyRequest, request: Request, session: SignedIn, office: TheOffice) -> JSONResponse:
    """Keep a passkey that my browser made. A person has at most ten."""
    place, now_s, name = place_here(request, office), office.clock.wall_s(), session.person.name
    try:
        new = await _registered(office, place, session, body, now_s)
    except WrongAnswerError as error:
        log.info("a passkey of %s was not kept: %s", name, error)
        raise ProblemError("passkey_refused") from None
    if not await office.write(lambda store: Passkeys(store).add(new)):
        raise ProblemError("passkey_refused", "You have ten already, or this one is kept already.")
    data: JsonObject = {"user": name, "change": f"passkey {new.name} added"}
    await office.reporter.tell(Kind.USER_CHANGED, data, session.by())
    return JSONResponse(_plain(new), status_code=201)


async def remove_passkey(passkey_id: str, session: SignedIn, office: TheOffice) -> Response:
    """Forget a passkey of mine. It signs nobody in any more."""
    await forget(office, session, session.person, passkey_id)
    return Response(status_code=204)


async def forget(office: Office, session: Session, owner: Person, passkey_id: str, reason: str = "") -> None:
    """Forget a passkey of `owner` because `session` wants it. Raises `no_such_passkey`."""

    def remove(store: Store) -> str | None:
        return Passkeys(store).remove(passkey_id, owner.name)

    removed = await office.write(remove)
    if removed is None:
        raise ProblemError("no_such_passkey")
    data: JsonObject = {"user": owner.name, "change": f"passkey {removed} removed"}
    await office.reporter.tell(Kind.USER_CHANGED, {**data, **({"reason": reason} if reason else {})}, session.by())


def plain_list(passkeys: list[Passkey]) -> JsonObject:
    """Return passkeys as they are listed."""
    return {"items": [_plain(one) for one in passkeys]}


async def _registered(office: Office, place: Place, session: Session, body: PasskeyRequest, now_s: float) -> Passkey:
    challenge, purpose = ceremony.challenge_of(body.credential), _registering(session)
    office.challenges.check(challenge, purpose)
    made = await asyncio.to_thread(ceremony.registered, body.credential, place)
    office.challenges.spend(challenge, purpose)
    return Passkey(
        id=made.id, person=session.person.name, public_key=made.public_key, sign_count=made.sign_count,
        name=body.name, transports=made.transports, created_at=now_s, last_used_at=now_s,
    )  # fmt: skip


def _registering(session: Session) -> str:
    return f"register {session.id}"


async def _public_key(make: Callable[[], JsonObject]) -> JSONResponse:
    """Make the options in a thread: the library is read at its first use, and a stop must not wait for that."""
    return JSONResponse({"publicKey": await asyncio.to_thread(make)})


def _plain(passkey: Passkey) -> JsonObject:
    return {
        "id": passkey.id, "name": passkey.name, "created_at": utc(passkey.created_at),
        "last_used_at": utc(passkey.last_used_at),
    }  # fmt: skip


_SELF = Permission.SELF

CALLS = (
    Call(method="GET", path="/session/passkey", does=offer_sign_in, needs=Permission.PUBLIC, answers=PasskeyOptions,
         problems=("passkeys_off",)),
    Call(method="GET", path="/session/proof/passkey", does=offer_proof, needs=_SELF, answers=PasskeyOptions,
         problems=("passkeys_off", "no_such_passkey")),
    Call(method="GET", path="/passkeys", does=list_passkeys, needs=_SELF, answers=PasskeyList),
    Call(method="GET", path="/passkeys/new/options", does=offer_passkey, needs=_SELF, fresh=True,
         answers=PasskeyOptions, problems=("passkeys_off",)),
    Call(method="POST", path="/passkeys", does=add_passkey, needs=_SELF, fresh=True, answers=PasskeyItem, status=201,
         problems=("passkeys_off", "passkey_refused", "storage_failed")),
    Call(method="DELETE", path="/passkeys/{passkey_id}", does=remove_passkey, needs=_SELF, fresh=True, status=204,
         problems=("no_such_passkey", "storage_failed")),
)  # fmt: skip
