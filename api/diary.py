"""Motion events, put together from the journal.

An event is one `motion_started` fact and what followed it under the same event id. The start is found by kind and time;
its end and its clip come within the next few facts of their kinds, because a camera sees few things at once.
File names come from the camera's facts, never from a client, and must look as the camera makes them.
"""

from __future__ import annotations

import datetime as dt
import re
import zoneinfo
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from api.clock import moment_of
from gate.journal import JournalReader, utc
from gate.model import Fact, Json, Kind

STARTING = (Kind.MOTION_STARTED.value,)
FOLLOWING = (Kind.MOTION_ENDED.value, Kind.CLIP_SAVED.value)
SPARE_FOLLOWING = 40
PAGE = 200
MOST_PAGES = 25
REPORTED_EARLY_S = 60.0
REPORTED_LATE_S = 3600.0
FILE_NAME = re.compile(r"\d{4}-\d{2}-\d{2}/(?P<id>[0-9a-f-]{36})\.(?:mp4|jpg)")


@dataclass(frozen=True, kw_only=True, slots=True)
class Event:
    """One event: its start, and its end and clip where they came."""

    event_id: str
    started: Fact
    ended: Fact | None
    saved: Fact | None

    def file(self, name: str) -> str | None:
        """Return the relative path of its 'clip' or 'thumbnail', None where it has none or an odd one."""
        for fact in (self.saved, self.started):
            value = fact.data.get(name) if fact else None
            found = FILE_NAME.fullmatch(value) if isinstance(value, str) else None
            if found and found["id"] == self.event_id:
                return found[0]
        return None

    def plain(self, media: Path) -> dict[str, Json]:
        """Return it as the page gets it. `media` tells which files still exist."""
        ended, started = self.ended, self.started.data
        data = ended.data if ended else {}
        thumbnail, clip = self.file("thumbnail"), self.file("clip")
        has_clip = clip is not None and (media / clip).is_file()
        address = f"/api/v1/events/{self.event_id}"
        return {
            "event_id": self.event_id, "seq": self.started.seq, "source": started.get("source"),
            "zones": data.get("zones") or started.get("zones") or [], "started_at": self.started.at,
            "ended_at": ended.at if ended else None, "duration_s": data.get("duration_s"),
            "peak_area": data.get("peak_area"),
            "thumbnail": f"{address}/thumbnail.jpg" if thumbnail and (media / thumbnail).is_file() else None,
            "clip": self._clip(f"{address}/clip.mp4") if has_clip else None,
            "clip_state": "available" if has_clip else "deleted" if clip else "none",
        }  # fmt: skip

    def _clip(self, url: str) -> Json:
        data = self.saved.data if self.saved else {}
        names = ("duration_s", "pre_roll_s", "bytes", "width", "height", "codec")
        return {"url": url, **{name: data.get(name) for name in names}}


def span_of_day(day: dt.date, zone: str) -> tuple[str, str]:
    """Return the first moment of a day at the site and of the next, in UTC as the journal writes it."""
    here = zoneinfo.ZoneInfo(zone)
    first = dt.datetime.combine(day, dt.time(), here)
    following = dt.datetime.combine(day + dt.timedelta(days=1), dt.time(), here)
    return utc(first.timestamp()), utc(following.timestamp())


def events(reader: JournalReader, *, before: int | None, span: tuple[str, str] | None, limit: int) -> list[Event]:
    """Return at most `limit` events, newest first, that started before fact `before` and within `span`."""
    since, until = span or (None, None)
    started = reader.read(kinds=STARTING, before=before, since=since, until=until, limit=limit, newest_first=True)
    if not started:
        return []
    following = reader.read(kinds=FOLLOWING, after=started[-1].seq, limit=2 * limit + SPARE_FOLLOWING)
    return _joined(started, following)


def event(reader: JournalReader, event_id: str) -> Event | None:
    """Return one event. Its id is a UUIDv7: it says when to look."""
    since = utc(moment_of(event_id) - REPORTED_EARLY_S)
    started = _start_after(
        reader, event_id, _last_before(reader, since), until=utc(moment_of(event_id) + REPORTED_LATE_S)
    )
    if started is None:  # the clock was set back since: look at every start that says it is later, which takes longer
        started = _start_after(reader, event_id, 0, since=since)
    if started is None:
        return None
    following = reader.read(kinds=FOLLOWING, after=started.seq, limit=SPARE_FOLLOWING)
    return _joined([started], following)[0]


def _start_after(
    reader: JournalReader, event_id: str, after: int, *, since: str | None = None, until: str | None = None
) -> Fact | None:
    for _ in range(MOST_PAGES):
        page = reader.read(kinds=STARTING, after=after, since=since, until=until, limit=PAGE)
        for fact in page:
            if fact.data.get("event_id") == event_id:
                return fact
        if len(page) < PAGE:
            return None
        after = page[-1].seq
    return None


def _last_before(reader: JournalReader, since: str) -> int:
    """Return the number of the last fact before a moment, by halving; right as long as the clock only went forward."""
    low, high = 0, reader.last_seq()
    while low < high:
        middle = (low + high) // 2
        following = reader.read(after=middle, limit=1)
        if following and following[0].at < since:
            low = middle + 1
        else:
            high = middle
    return low


def _joined(started: Sequence[Fact], following: Iterable[Fact]) -> list[Event]:
    parts: dict[tuple[str, object], Fact] = {(fact.kind, fact.data.get("event_id")): fact for fact in following}
    return [
        Event(
            event_id=str(fact.data.get("event_id")), started=fact,
            ended=parts.get((Kind.MOTION_ENDED.value, fact.data.get("event_id"))),
            saved=parts.get((Kind.CLIP_SAVED.value, fact.data.get("event_id"))),
        )
        for fact in started
    ]  # fmt: skip
