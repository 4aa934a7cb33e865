"""What there is to watch, put together from the journal.

A motion event is one `motion_started` fact and what followed it under the same event id. The start is found by kind and
time; its end and its clip come within the next few facts of their kinds, because a camera sees few things at once. A
clip of a move of the gate or of an alarm is its one fact, `clip_saved`; where nothing moved in the picture meanwhile it
stands in the list by itself, else it is the clip of that motion.
File names come from the camera's facts, never from a client, and must look as the camera makes them.
"""

from __future__ import annotations

import datetime as dt
import zoneinfo
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from api import clips
from api.clock import moment_of
from gate.journal import JournalReader, utc
from gate.model import Fact, Json, JsonObject, Kind

STARTING = (Kind.MOTION_STARTED.value, Kind.CLIP_SAVED.value)
FOLLOWING = (Kind.MOTION_ENDED.value, Kind.CLIP_SAVED.value)
SPARE_FOLLOWING = 40
MOTION, OTHER_CAUSES = "motion", ("move", "alarm")
LEVELS, DIRECTIONS = ("alert", "record"), ("in", "out")
PAGE = 200
MOST_PAGES = 25
REPORTED_EARLY_S = 60.0
REPORTED_LATE_S = 3600.0


@dataclass(frozen=True, kw_only=True, slots=True)
class Event:
    """One event: its start, and its end and clip where they came. Of a move or an alarm, `started` is its clip's.

    The end of such is its begin and how long it lasted; where that is not known, it is when the clip was saved.
    """

    event_id: str
    started: Fact
    ended: Fact | None
    saved: Fact | None

    @property
    def cause(self) -> str:
        """Why it was recorded."""
        return MOTION if self.started.kind == Kind.MOTION_STARTED.value else str(self.started.data.get("cause"))

    @property
    def started_at(self) -> str:
        """When it began, as the page is told."""
        return str(self._span()["started_at"])

    def file(self, name: str) -> str | None:
        """Return the relative path of its 'clip' or 'thumbnail', None where it has none or an odd one.

        A clip may be named after the first of the events that it shows, a picture only after its own.
        """
        for fact in (self.saved, self.started):
            value = fact.data.get(name) if fact else None
            found = clips.FILE_NAME.fullmatch(value) if isinstance(value, str) else None
            if found and (name == "clip" or found["id"] == self.event_id):
                return found[0]
        return None

    def growing(self, media: Path) -> clips.Growing | None:
        """Return its clip while that is being written, None where it is not."""
        return None if self.saved else clips.under_way(media, self.event_id, self.started.at)

    def plain(self, media: Path, held: Json = None, starred: Json = None) -> dict[str, Json]:
        """Return it as the page gets it.

        `media` tells which files still exist; `held` is what keeps them (held.py), `starred` who marked it (stars.py).
        """
        started, ended = self.started.data, self.ended.data if self.ended else {}
        thumbnail, clip = self.file("thumbnail"), self.file("clip")
        has_clip = clip is not None and (media / clip).is_file()
        growing = self.growing(media)
        address = f"/api/v1/events/{self.event_id}"
        # A browser's player remembers by address what it got: what has grown since needs another one.
        film = f"{address}/clip.mp4" + (f"?until={growing.bytes}" if growing else "")
        return {
            "event_id": self.event_id, "seq": self.started.seq, "cause": self.cause,
            "source": _only(str, started.get("source")),
            "zones": _texts(ended.get("zones")) or _texts(started.get("zones")), **self._span(),
            "level": next((one for one in (ended.get("level"), started.get("level")) if one in LEVELS), None),
            "crossings": [one for one in crossings_of(ended) if isinstance(one.get("line"), str)],
            "peak_area": _only(float, ended.get("peak_area")),
            "thumbnail": f"{address}/thumbnail.jpg" if thumbnail and (media / thumbnail).is_file() else None,
            "clip": self._clip(film, growing) if has_clip or growing else None,
            "clip_state": "available" if has_clip else "recording" if growing else "deleted" if clip else "none",
            "held": held, "starred": starred,
        }  # fmt: skip

    def _span(self) -> dict[str, Json]:
        if self.cause == MOTION:
            ended = self.ended
            return {
                "started_at": self.started.at, "ended_at": ended.at if ended else None,
                "duration_s": _rounded(ended.data.get("duration_s")) if ended else None,
            }  # fmt: skip
        saved_at, data = self.started.at, self.started.data
        begun, lasted_s = later(data.get("started_at"), 0.0), _rounded(data.get("event_s"))
        ended_at = later(begun, lasted_s) if lasted_s is not None else None
        return {"started_at": begun or saved_at, "ended_at": ended_at or saved_at, "duration_s": lasted_s}

    def _clip(self, url: str, growing: clips.Growing | None) -> Json:
        data: dict[str, Json] = self.saved.data if self.saved else {"bytes": growing.bytes if growing else None}
        numbers, texts = ("duration_s", "pre_roll_s", "bytes", "width", "height"), ("codec", "sha256")
        told = {name: _only(float, data.get(name)) for name in numbers}
        return {"url": url, **told, **{name: _only(str, data.get(name)) for name in texts}}


def _rounded(duration_s: Json) -> float | None:
    """Return seconds as people want them, None for what is no number."""
    return round(float(duration_s), 2) if isinstance(duration_s, int | float) else None


def later(at: Json, seconds: float) -> str | None:
    """Return the moment so long after another, as the journal writes it; None where one of them is no moment."""
    try:
        return utc(dt.datetime.fromisoformat(str(at)).timestamp() + seconds)
    except (ValueError, OverflowError, OSError):
        return None


def crossings_of(ended: JsonObject) -> list[JsonObject]:
    """Return which lines were crossed during a visit with this end."""
    found = ended.get("crossings")
    crossings = [one for one in found if isinstance(one, dict)] if isinstance(found, list) else []
    return [one for one in crossings if one.get("direction") in DIRECTIONS]


def _texts(value: Json) -> list[Json]:
    return [one for one in value if isinstance(one, str)] if isinstance(value, list) else []


def _only(kind: type[str | float], value: Json) -> Json:
    """Return what is of this kind; None for everything else that another program may have journalled."""
    fits = isinstance(value, int | float) and not isinstance(value, bool) if kind is float else isinstance(value, kind)
    return value if fits else None


def span_of_day(day: dt.date, zone: str) -> tuple[str, str]:
    """Return the first moment of a day at the site and of the next, in UTC as the journal writes it."""
    here = zoneinfo.ZoneInfo(zone)
    first = dt.datetime.combine(day, dt.time(), here)
    following = dt.datetime.combine(day + dt.timedelta(days=1), dt.time(), here)
    return utc(first.timestamp()), utc(following.timestamp())


def events(reader: JournalReader, *, before: int | None, span: tuple[str, str] | None, limit: int) -> list[Event]:
    """Return at most `limit` events, newest first, that started before fact `before` and within `span`."""
    since, until = span or (None, None)
    started: list[Fact] = []
    for _ in range(MOST_PAGES):
        page = reader.read(kinds=STARTING, before=before, since=since, until=until, limit=PAGE, newest_first=True)
        started += [fact for fact in page if _begins(fact) and _stands_alone(fact)]
        if len(page) < PAGE or len(started) >= limit:
            break
        before = page[-1].seq
    del started[limit:]
    if not started:
        return []
    last = started[0].seq
    following: list[Fact] = []
    after = started[-1].seq - 1
    while page := reader.read(kinds=FOLLOWING, after=after, limit=PAGE):
        following += page
        after = page[-1].seq
        if sum(fact.seq > last for fact in following) >= SPARE_FOLLOWING:
            break
    return _joined(started, following)


def event(reader: JournalReader, event_id: str) -> Event | None:
    """Return one event. Its id is a UUIDv7: it says when to look."""
    try:
        since, until = utc(moment_of(event_id) - REPORTED_EARLY_S), utc(moment_of(event_id) + REPORTED_LATE_S)
    except (ValueError, OverflowError):  # an id that nobody made: its time is in no year that a clock shows
        return None
    # By number on both sides: by time alone, every start since then would be read to find the first ones.
    started = _start_after(reader, event_id, _last_before(reader, since), before=_last_before(reader, until) + 1)
    if started is None:  # the clock was set back since: look at every start that says it is later, which takes longer
        started = _start_after(reader, event_id, 0, since=since)
    if started is None:
        return None
    following = reader.read(kinds=FOLLOWING, after=started.seq - 1, limit=SPARE_FOLLOWING)
    return _joined([started], following)[0]


def may_begin_within(event_id: str, span: tuple[str, str]) -> bool:
    """Tell whether an event may have begun within a span, by its id alone; where it can't be told, it may."""
    try:
        moment_s = moment_of(event_id)
        return span[0] < utc(moment_s + REPORTED_LATE_S) and utc(moment_s - REPORTED_EARLY_S) < span[1]
    except (ValueError, OverflowError):
        return True


def _begins(fact: Fact) -> bool:
    """Tell whether a fact is the first that is said of something to watch."""
    meant = fact.kind == Kind.MOTION_STARTED.value or fact.data.get("cause") in OTHER_CAUSES
    return meant and isinstance(fact.data.get("event_id"), str)


def _stands_alone(fact: Fact) -> bool:
    """Tell whether it is listed: a move or an alarm that joined the clip of something else is seen there."""
    named = clips.FILE_NAME.fullmatch(str(fact.data.get("clip")))
    return fact.kind == Kind.MOTION_STARTED.value or named is None or named["id"] == fact.data.get("event_id")


def _start_after(
    reader: JournalReader, event_id: str, after: int, *, since: str | None = None, before: int | None = None
) -> Fact | None:
    for _ in range(MOST_PAGES):
        page = reader.read(kinds=STARTING, after=after, before=before, since=since, limit=PAGE)
        for fact in page:
            if fact.data.get("event_id") == event_id and _begins(fact):
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
    parts = {(fact.kind, str(fact.data.get("event_id"))): fact for fact in following}
    return [
        Event(
            event_id=str(fact.data.get("event_id")), started=fact,
            ended=parts.get((Kind.MOTION_ENDED.value, str(fact.data.get("event_id")))),
            saved=parts.get((Kind.CLIP_SAVED.value, str(fact.data.get("event_id")))),
        )
        for fact in started
    ]  # fmt: skip
