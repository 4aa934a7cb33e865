"""Motion events, their clips and their pictures."""

from __future__ import annotations

import asyncio
import datetime as dt
import stat
import uuid
from pathlib import Path
from typing import Annotated

from fastapi import Query
from starlette.datastructures import Headers
from starlette.responses import FileResponse, JSONResponse
from starlette.types import Message, Receive, Scope, Send

from api import diary
from api.auth import Permission, TheOffice
from api.calls import Call
from api.office import Office
from api.problems import ProblemError
from api.schemas import EventBody, EventList
from gate.journal import JournalReader
from gate.model import Json

LARGEST_PAGE = 200
REFUSED_RANGES = frozenset({400, 416})
PRIVATE = {"Cache-Control": "private, no-cache"}


class MediaFile(FileResponse):
    """A file that answers Range requests, with a problem where the range can't be served."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send it, or raise the problem `range_not_satisfiable`."""

        async def send_unless_refused(message: Message) -> None:
            if message["type"] == "http.response.start" and message["status"] in REFUSED_RANGES:
                told = Headers(raw=message["headers"]).get("content-range")
                raise ProblemError("range_not_satisfiable", headers={"Content-Range": told} if told else {})
            await send(message)

        await super().__call__(scope, receive, send_unless_refused)


async def list_events(
    office: TheOffice,
    day: Annotated[dt.date | None, Query(description="A day at the site.")] = None,
    before: Annotated[int | None, Query(ge=0, le=2**53)] = None,
    limit: Annotated[int, Query(ge=1, le=LARGEST_PAGE)] = 50,
) -> JSONResponse:
    """Return motion events, newest first; `before` is the cursor."""
    if day is not None and not dt.date.min < day < dt.date.max:
        raise ProblemError("invalid_request", "day is out of range.")
    span = None if day is None else diary.span_of_day(day, office.settings.site.timezone)
    media = office.settings.media_dir

    def found(reader: JournalReader) -> tuple[list[dict[str, Json]], int | None]:
        events = diary.events(reader, before=before, span=span, limit=limit)
        following = events[-1].started.seq if len(events) == limit else None
        return [event.plain(media) for event in events], following

    items, following = await office.records(found)
    return JSONResponse({"items": items, "next": following})


async def show_event(event_id: uuid.UUID, office: TheOffice) -> JSONResponse:
    """Return one motion event."""
    event = await _event(office, event_id)
    media = office.settings.media_dir
    return JSONResponse(await asyncio.to_thread(event.plain, media))


async def send_clip(event_id: uuid.UUID, office: TheOffice) -> MediaFile:
    """Return the recording of an event; answers Range requests."""
    return await _file(office, event_id, "clip", "video/mp4")


async def send_thumbnail(event_id: uuid.UUID, office: TheOffice) -> MediaFile:
    """Return the picture of an event."""
    return await _file(office, event_id, "thumbnail", "image/jpeg")


async def _event(office: Office, event_id: uuid.UUID) -> diary.Event:
    event = await office.records(lambda reader: diary.event(reader, str(event_id)))
    if event is None:
        raise ProblemError("no_such_event")
    return event


async def _file(office: Office, event_id: uuid.UUID, name: str, media_type: str) -> MediaFile:
    relative = (await _event(office, event_id)).file(name)
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
