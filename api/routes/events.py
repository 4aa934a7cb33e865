"""Events, their clips and their pictures: motion, and what the gate itself gave occasion for."""

from __future__ import annotations

import asyncio
import datetime as dt
import os
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
from api.clips import Growing
from api.event_schemas import EventBody, EventList
from api.moments import Day
from api.office import Office
from api.problems import ProblemError
from gate.journal import JournalReader
from gate.model import Json

LARGEST_PAGE = 200
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


async def list_events(
    office: TheOffice,
    day: Day | None = None,
    before: Annotated[int | None, Query(ge=0, le=2**53)] = None,
    limit: Annotated[int, Query(ge=1, le=LARGEST_PAGE)] = 50,
    held: Annotated[bool, Query(description="Only what people hold.")] = False,  # noqa: FBT002 - a query's parameter
) -> JSONResponse:
    """Return events, newest first; `before` is the cursor."""
    if day is not None and not dt.date.min < day < dt.date.max:
        raise ProblemError("invalid_request", "day is out of range.")
    span = None if day is None else diary.span_of_day(day, office.settings.site.timezone)
    media = office.settings.media_dir

    def found(reader: JournalReader) -> tuple[list[dict[str, Json]], int | None]:
        holds = office.held.read(reader)
        if held:
            of_these = (diary.event(reader, one) for one in holds.newest(before=before, span=span, limit=limit))
            events = [event for event in of_these if event]
        else:
            events = diary.events(reader, before=before, span=span, limit=limit)
        following = events[-1].started.seq if len(events) == limit else None
        return [event.plain(media, holds.plain(event)) for event in events], following

    items, following = await office.records(found)
    return JSONResponse({"items": items, "next": following})


async def show_event(event_id: uuid.UUID, office: TheOffice) -> JSONResponse:
    """Return one event."""
    return JSONResponse(await plain_event(office, event_id))


async def plain_event(office: Office, event_id: uuid.UUID) -> dict[str, Json]:
    """Return an event as the page gets it. Raises the problem `no_such_event`."""
    event = await _event(office, event_id)
    held = await office.records(lambda reader: office.held.read(reader).plain(event))
    return await asyncio.to_thread(event.plain, office.settings.media_dir, held)


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
