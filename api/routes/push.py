"""Notifications on phones: who gets which, and where."""

from __future__ import annotations

from starlette.responses import JSONResponse, Response

from api.auth import Permission, SignedIn, TheOffice, by
from api.calls import Call
from api.office import Office
from api.people import Session
from api.problems import ProblemError, rate_limited
from api.push import Pusher, week_of
from api.push_phones import Phone, Phones, alive
from api.push_post import why_not
from api.push_rules import Choice
from api.push_schemas import ChoiceRequest, PhoneRequest, PushBody, PushTestRequest
from api.push_seal import is_phones_key
from gate.journal import utc
from gate.model import Json, JsonObject, Kind


def _pusher(office: Office) -> Pusher:
    if office.pusher is None:
        raise ProblemError("push_off")
    return office.pusher


def _in_pace(office: Office, session: Session) -> None:
    wait_s = office.refusals.wait_s(session.id, office.clock.mono_s())
    if wait_s > 0:
        raise rate_limited(wait_s, "Too many requests of this kind from this phone.")


async def _tell(office: Office, session: Session, change: str, **more: Json) -> None:
    data: JsonObject = {"user": session.person.name, "change": change, **more}
    await office.reporter.tell(Kind.USER_CHANGED, data, by(session))


async def _shown(office: Office, session: Session) -> JSONResponse:
    sealer = await _pusher(office).sender.sealer()
    choice = Phones(office.store).choice(session.person)
    mine = [
        (phone, one)
        for phone, one in alive(office.store, office.clock.wall_s())
        if one.person.name == session.person.name
    ]
    phones = [
        {
            "session_id": one.id, "device": one.device, "current": one.id == session.id,
            "since_at": utc(phone.since_at), "told_at": None if phone.told_at is None else utc(phone.told_at),
            "trouble": phone.trouble,
        }
        for phone, one in mine
    ]  # fmt: skip
    told = {"least": choice.least, "start": choice.start, "end": choice.end, "urgent_always": choice.urgent_always}
    return JSONResponse({"public_key": sealer.public_key, "choice": told, "phones": phones})


async def show_push(session: SignedIn, office: TheOffice) -> JSONResponse:
    """Show what I hear of, and on which of my phones."""
    return await _shown(office, session)


async def choose_push(body: ChoiceRequest, session: SignedIn, office: TheOffice) -> JSONResponse:
    """Choose what I want to hear of, and when, on all my phones."""
    _pusher(office)
    _in_pace(office, session)
    choice = Choice(least=body.least, start=body.start, end=body.end, urgent_always=body.urgent_always)
    await office.write(lambda store: Phones(store).choose(session.person.name, choice))
    await _tell(office, session, "notifications chosen", **body.model_dump(mode="json"))
    return await _shown(office, session)


async def add_push_phone(body: PhoneRequest, session: SignedIn, office: TheOffice) -> JSONResponse:
    """Have this phone get notifications, until it is signed out or its browser takes that back.

    The same again replaces its address at the push service.
    """
    _pusher(office)
    _in_pace(office, session)
    if reason := why_not(body.endpoint, allow_private=office.settings.push.allow_private):
        raise ProblemError("push_address_refused", f"The address of the push service can't be used: {reason}.")
    if not is_phones_key(body.keys.p256dh, body.keys.auth):
        raise ProblemError("push_address_refused", "The keys of the subscription are none.")
    now_s, known = office.clock.wall_s(), Phones(office.store).find(session.id)
    language = body.language or (known.language if known else office.settings.site.language)
    phone = Phone(
        session=session.id, endpoint=body.endpoint, p256dh=body.keys.p256dh, auth=body.keys.auth,
        language=language, since_at=now_s, tests=week_of(_pusher(office).speaker.local(now_s)),
    )  # fmt: skip
    await office.write(lambda store: Phones(store).put(phone))
    if known is None:
        await _tell(office, session, "notifications on")
    elif known.endpoint != body.endpoint:
        _pusher(office).moved(session.id)
    return await _shown(office, session)


async def remove_push_phone(session: SignedIn, office: TheOffice) -> Response:
    """Have this phone get no notifications any more."""
    _pusher(office).sender.forget(session.id)
    if await office.write(lambda store: Phones(store).remove(session.id)):
        await _tell(office, session, "notifications off")
    return Response(status_code=204)


async def test_push_phone(body: PushTestRequest, session: SignedIn, office: TheOffice) -> Response:
    """Send this phone a notification now, to see that it gets there."""
    del body  # so that no other site's form can ask for it
    pusher = _pusher(office)
    _in_pace(office, session)
    await pusher.test(session)
    return Response(status_code=202)


_SEE = Permission.SEE

CALLS = (
    Call(method="GET", path="/push", does=show_push, needs=_SEE, answers=PushBody,
         problems=("push_off", "push_key_unusable")),
    Call(method="PUT", path="/push/choice", does=choose_push, needs=_SEE, answers=PushBody,
         problems=("push_off", "push_key_unusable", "rate_limited", "storage_failed")),
    Call(method="PUT", path="/push/phone", does=add_push_phone, needs=_SEE, answers=PushBody,
         problems=("push_off", "push_key_unusable", "push_address_refused", "rate_limited", "storage_failed")),
    Call(method="DELETE", path="/push/phone", does=remove_push_phone, needs=_SEE, status=204,
         problems=("push_off", "storage_failed")),
    Call(method="POST", path="/push/phone/test", does=test_push_phone, needs=_SEE, status=202,
         problems=("push_off", "push_not_on", "rate_limited", "storage_failed")),
)  # fmt: skip
