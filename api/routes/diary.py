"""The diary of a day at a glance, and stars: marks that all officers share."""

from __future__ import annotations

import datetime as dt
import uuid
import zoneinfo

from starlette.responses import JSONResponse

from api.auth import Permission, SignedIn, TheOffice, by
from api.calls import Call
from api.day import day_of
from api.event_schemas import DiaryDayBody, EventBody, StarRequest
from api.facts import journalled
from api.moments import Day
from api.office import Office
from api.people import Session
from api.problems import ProblemError, rate_limited
from api.routes.events import plain_event
from gate.model import Kind


async def show_day(office: TheOffice, day: Day | None = None) -> JSONResponse:
    """Return a day at the site, counted; today where none is named."""
    settings = office.settings
    here = zoneinfo.ZoneInfo(settings.site.timezone)
    wanted = day or dt.datetime.fromtimestamp(office.clock.wall_s(), here).date()
    if not dt.date.min < wanted < dt.date.max:
        raise ProblemError("invalid_request", "day is out of range.")
    return JSONResponse(await office.records(lambda reader: day_of(reader, wanted, settings)))


async def star_event(
    event_id: uuid.UUID,
    body: StarRequest,  # noqa: ARG001 - holds nothing; what else is sent is refused
    session: SignedIn,
    office: TheOffice,
) -> JSONResponse:
    """Mark an event for everybody. One that is marked already is answered as it is."""
    return await _mark(office, session, event_id, Kind.EVENT_STARRED)


async def unstar_event(event_id: uuid.UUID, session: SignedIn, office: TheOffice) -> JSONResponse:
    """Take the mark away, whoever made it."""
    return await _mark(office, session, event_id, Kind.EVENT_UNSTARRED)


async def _mark(office: Office, session: Session, event_id: uuid.UUID, kind: Kind) -> JSONResponse:
    wait_s = office.refusals.wait_s(session.id, office.clock.mono_s())
    if wait_s > 0:
        raise rate_limited(wait_s, "Too many stars from this phone.")
    event = await plain_event(office, event_id)
    if (event["starred"] is None) == (kind is Kind.EVENT_STARRED):
        await journalled(office, kind, {"event_id": str(event_id)}, by(session))
        event = await plain_event(office, event_id)
    return JSONResponse(event)


_MARKING = ("invalid_request", "no_such_event", "rate_limited", "journal_unavailable", "gate_down")

CALLS = (
    Call(method="GET", path="/diary", does=show_day, needs=Permission.SEE, answers=DiaryDayBody,
         problems=("invalid_request", "journal_unavailable")),
    Call(method="PUT", path="/events/{event_id}/star", does=star_event, needs=Permission.STAR, answers=EventBody,
         problems=_MARKING),
    Call(method="DELETE", path="/events/{event_id}/star", does=unstar_event, needs=Permission.STAR, answers=EventBody,
         problems=_MARKING),
)  # fmt: skip
