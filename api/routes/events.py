"""Events, their clips and their pictures: motion, and what the gate itself gave occasion for."""

from __future__ import annotations

import asyncio
import datetime as dt
import os
import stat
import uuid
import zoneinfo
from pathlib import Path
from typing import Annotated

from fastapi import Query
from starlette.datastructures import Headers
from starlette.responses import FileResponse, JSONResponse
from starlette.types import Message, Receive, Scope, Send

from api import diary
from api.auth import Permission, TheOffice
from api.calls import Call
from api.clips import Growing
from api.event_schemas import EventBody, EventList
from api.moments import Day, Moment, as_kept
from api.office import Office
from api.problems import ProblemError
from api.search import among, search
from api.sieve import Cause, Direction, Hours, Sieve, Size
from gate.journal import JournalReader
from gate.model import Json

LARGEST_PAGE = 200
MOST_MARKED = 10_000
HOURS = r"^([01][0-9]|2[0-3]):[0-5][0-9]-([01][0-9]|2[0-3]):[0-5][0-9]$"
FIRST, LAST = "0001-01-01T00:00:00.000Z", "9999-12-31T23:59:59.999Z"
REFUSED_RANGES = frozenset({400, 416})
PRIVATE = {"Cache-Control": "private, no-cache"}


class MediaFile(FileResponse):
    """A file that answers Range requests, with a problem where the range can't be served.

    Never more than its Content-Length is sent, though the file may have grown since.
    """

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send it, or raise the problem `range_not_satisfiable`."""
        left = 0

        async def send_what_was_promised(message: Message) -> None:
            nonlocal left
            if message["type"] == "http.response.start":
                headers = Headers(raw=message["headers"])
                if message["status"] in REFUSED_RANGES:
                    told = headers.get("content-range")
                    raise ProblemError("range_not_satisfiable", headers={"Content-Range": told} if told else {})
                left = int(headers.get("content-length", 0))
            elif message["type"] == "http.response.body":
                body = message.get("body", b"")[:left]
                left -= len(body)
                message = {**message, "body": body}
            await send(message)

        await super().__call__(scope, receive, send_what_was_promised)


async def list_events(  # noqa: PLR0913, PLR0917 - the filters of one list
    office: TheOffice,
    day: Day | None = None,
    before: Annotated[int | None, Query(ge=0, le=2**53)] = None,
    limit: Annotated[int, Query(ge=1, le=LARGEST_PAGE)] = 50,
    held: Annotated[bool, Query(description="Only what people hold.")] = False,  # noqa: FBT002 - a query's parameter
    starred: Annotated[bool, Query(description="Only what somebody marked.")] = False,  # noqa: FBT002 - as above
    since: Moment | None = None,
    until: Moment | None = None,
    hours: Annotated[str | None, Query(pattern=HOURS)] = None,
    zone: Annotated[str | None, Query(max_length=64)] = None,
    direction: Direction | None = None,
    size: Size | None = None,
    cause: Cause | None = None,
) -> JSONResponse:
    """Return events, newest first; `before` is the cursor. `day` or `since` and `until` say when.

    `hours` is a time of day at the site, such as 22:00-05:00. With `zone`, `direction` or `size` only what is over.
    """
    here = office.settings.site.timezone
    span = _span(day, as_kept(since, "since"), as_kept(until, "until"), here)
    sieve = Sieve(zone=zone, direction=direction, size=size, cause=cause, hours=_hours(hours, here))
    media = office.settings.media_dir

    def found(reader: JournalReader) -> tuple[list[dict[str, Json]], int | None]:
        holds, stars = office.held.read(reader), office.stars.read(reader)
        if held or starred:
            kept = holds.newest(before=before, span=span, limit=MOST_MARKED) if held else None
            marked = stars.newest(reader, before, span) if starred else kept or []
            page = among(reader, sieve, (one for one in marked if kept is None or one in kept), span=span, limit=limit)
        else:
            page = search(reader, sieve, before=before, span=span, limit=limit)
        plain = [event.plain(media, holds.plain(event), stars.plain(event.event_id)) for event in page.events]
        return plain, page.next

    items, following = await office.records(found)
    return JSONResponse({"items": items, "next": following})


def _hours(text: str | None, zone: str) -> Hours | None:
    if text is None:
        return None
    begins, ends = (dt.time.fromisoformat(end) for end in text.split("-"))
    return Hours(begins=begins, ends=ends, zone=zoneinfo.ZoneInfo(zone))


def _span(day: dt.date | None, since: str | None, until: str | None, zone: str) -> tuple[str, str] | None:
    """Return the span that is meant, None for all time. Raises the problem `invalid_request`."""
    if day is None:
        return None if since is None and until is None else (since or FIRST, until or LAST)
    if not dt.date.min < day < dt.date.max:
        raise ProblemError("invalid_request", "day is out of range.")
    begins, ends = diary.span_of_day(day, zone)
    return max(begins, since or FIRST), min(ends, until or LAST)


async def show_event(event_id: uuid.UUID, office: TheOffice) -> JSONResponse:
    """Return one event."""
    return JSONResponse(await plain_event(office, event_id))


async def plain_event(office: Office, event_id: uuid.UUID) -> dict[str, Json]:
    """Return an event as the page gets it. Raises the problem `no_such_event`."""
    event = await _event(office, event_id)
    held, starred = await office.records(
        lambda reader: (office.held.read(reader).plain(event), office.stars.read(reader).plain(event.event_id))
    )
    return await asyncio.to_thread(event.plain, office.settings.media_dir, held, starred)


async def send_clip(event_id: uuid.UUID, office: TheOffice) -> MediaFile:
    """Return the recording of an event; answers Range requests. While it is being written: what is whole of it."""
    event = await _event(office, event_id)
    growing = await asyncio.to_thread(event.growing, office.settings.media_dir)
    if growing is None:
        return await _file(office, event, "clip", "video/mp4")
    # What is there stays as it is while the file grows: a player may go on with ranges. The finished clip is another.
    tag = {"ETag": f'"growing-{event_id}"', "Cache-Control": "private, no-store"}
    return MediaFile(growing.path, stat_result=_upto(growing), media_type="video/mp4", headers=tag)


async def send_thumbnail(event_id: uuid.UUID, office: TheOffice) -> MediaFile:
    """Return the picture of an event."""
    return await _file(office, await _event(office, event_id), "thumbnail", "image/jpeg")


async def _event(office: Office, event_id: uuid.UUID) -> diary.Event:
    event = await office.records(lambda reader: diary.event(reader, str(event_id)))
    if event is None:
        raise ProblemError("no_such_event")
    return event


async def _file(office: Office, event: diary.Event, name: str, media_type: str) -> MediaFile:
    relative = event.file(name)
    if relative is None:
        raise ProblemError(f"no_{name}")
    path = office.settings.media_dir / relative
    try:
        found = await asyncio.to_thread(path.stat)
    except OSError:
        raise ProblemError(f"no_{name}") from None
    if not stat.S_ISREG(found.st_mode):
        raise ProblemError(f"no_{name}")
    return MediaFile(Path(path), stat_result=found, media_type=media_type, headers=PRIVATE)


def _upto(growing: Growing) -> os.stat_result:
    """Return a status that says as many bytes as are whole, and no time that changes as the file grows."""
    return os.stat_result((stat.S_IFREG, 0, 0, 1, 0, 0, growing.bytes, 0, 0, 0))


_LIST = ("invalid_request", "journal_unavailable")

CALLS = (
    Call(method="GET", path="/events", does=list_events, needs=Permission.SEE, answers=EventList, problems=_LIST),
    Call(method="GET", path="/events/{event_id}", does=show_event, needs=Permission.SEE, answers=EventBody,
         problems=("no_such_event", *_LIST)),
    Call(method="GET", path="/events/{event_id}/clip.mp4", does=send_clip, needs=Permission.SEE, media="video/mp4",
         problems=("no_such_event", "no_clip", "range_not_satisfiable", *_LIST)),
    Call(method="GET", path="/events/{event_id}/thumbnail.jpg", does=send_thumbnail, needs=Permission.SEE,
         media="image/jpeg", problems=("no_such_event", "no_thumbnail", "range_not_satisfiable", *_LIST)),
)  # fmt: skip
