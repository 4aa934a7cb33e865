"""Finding events: through a day or through weeks, in small steps, so that nobody else waits for the journal.

One answer looks at no more than `MOST_LOOKED_AT` rows, or at `MOST_LOOKED_UP` events that people chose. What it found
may be less than was asked for, and then `next` says where to go on; None says that all was looked at.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from api import diary
from api.sieve import Sieve
from gate.journal import JournalReader
from gate.model import Fact, Kind

ENDED = (Kind.MOTION_ENDED.value,)
PAGE = 200
MOST_LOOKED_AT = 3000
MOST_LOOKED_UP = 60  # by their ids, which takes a hundred times as long
LONGEST_EVENT_S = 3600.0
Span = tuple[str, str]


@dataclass(frozen=True, kw_only=True, slots=True)
class Found:
    """Events, newest first, and the cursor to go on from."""

    events: list[diary.Event]
    next: int | None


def search(reader: JournalReader, sieve: Sieve, *, before: int | None, span: Span | None, limit: int) -> Found:
    """Look for at most `limit` events from before fact `before` that began within `span`."""
    size = limit if sieve == Sieve() else PAGE
    walk = _visits(reader, sieve, before, span) if sieve.asks_for_the_end else _all(reader, before, span, size)
    found: list[diary.Event] = []
    for looked_at, (seq, event) in enumerate(walk, 1):
        if event is not None and _passes(sieve, event, span):
            found.append(event)
        if len(found) == limit or looked_at == MOST_LOOKED_AT:
            return Found(events=found, next=seq)
    return Found(events=found, next=None)


def among(reader: JournalReader, sieve: Sieve, event_ids: Iterable[str], *, span: Span | None, limit: int) -> Found:
    """Look for at most `limit` of these events, which are in order, that began within `span`."""
    found: list[diary.Event] = []
    for looked_up, event_id in enumerate(event_ids, 1):
        event = diary.event(reader, event_id)
        if event is not None and _passes(sieve, event, span):
            found.append(event)
        if event is not None and (len(found) == limit or looked_up >= max(limit, MOST_LOOKED_UP)):
            return Found(events=found, next=event.started.seq)
    return Found(events=found, next=None)


def _passes(sieve: Sieve, event: diary.Event, span: Span | None) -> bool:
    within = span is None or span[0] <= event.started.at < span[1]
    return within and sieve.passes(event.cause, event.started_at, event.ended.data if event.ended else None)


def _all(reader: JournalReader, before: int | None, span: Span | None, size: int) -> Iterator[tuple[int, diary.Event]]:
    """Yield every event with its place in the journal; `size` is how many are read at once."""
    while page := diary.events(reader, before=before, span=span, limit=size):
        yield from ((event.started.seq, event) for event in page)
        before = page[-1].started.seq


def _visits(
    reader: JournalReader, sieve: Sieve, before: int | None, span: Span | None
) -> Iterator[tuple[int, diary.Event | None]]:
    """Yield the visits that are over, with the place of their ends; None for one that its end shows not to be meant."""
    since, until = (span[0], _later(span[1])) if span else (None, None)
    while page := reader.read(
        kinds=ENDED, before=before, since=since, until=until, containing=sieve.texts, limit=PAGE, newest_first=True
    ):
        for fact in page:
            meant = sieve.passes(diary.MOTION, _began(fact), fact.data)
            yield fact.seq, diary.event(reader, str(fact.data.get("event_id"))) if meant else None
        before = page[-1].seq


def _later(until: str) -> str:
    """Return until when a visit may end that began before `until`."""
    return diary.later(until, LONGEST_EVENT_S) or until  # the last hour of all time


def _began(ended: Fact) -> str:
    """Return about when a visit began, by its end: enough to leave out most of what began at another time of day."""
    lasted_s = ended.data.get("duration_s")
    return (diary.later(ended.at, -lasted_s) if isinstance(lasted_s, int | float) else None) or ended.at
