"""Stars: events that somebody marked, for everybody who looks at this gate.

A star is a fact (`event_starred`, `event_unstarred`) and nothing else: the same after a restart and on every phone. It
keeps no file from retention; a hold does (held.py). It is answered when its fact is on the disk.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Self

from api import diary
from gate.journal import JournalReader
from gate.model import Fact, JsonObject, Kind

KINDS = (Kind.EVENT_STARRED.value, Kind.EVENT_UNSTARRED.value)
PAGE = 500


@dataclass(frozen=True, kw_only=True, slots=True)
class Star:
    """Since when, and through whom."""

    at: str
    by: JsonObject


class Stars:
    """What is starred, as of the last `read`. For the thread that reads the journal alone."""

    def __init__(self) -> None:
        self._standing: dict[str, Star] = {}
        self._places: dict[str, int] = {}
        self._newest: Fact | None = None

    def read(self, reader: JournalReader) -> Self:
        """Take what came since the last time; from its beginning where it is another journal. Raises `JournalError`."""
        newest = self._newest
        if newest is not None and [fact.hash for fact in reader.read(after=newest.seq - 1, limit=1)] != [newest.hash]:
            self._standing, self._places, self._newest = {}, {}, None
        after = self._newest.seq if self._newest else 0
        while page := reader.read(kinds=KINDS, after=after, limit=PAGE):
            for fact in page:
                self._take(fact)
            after = page[-1].seq
        return self

    def plain(self, event_id: str) -> JsonObject | None:
        """Return the star of an event as the page gets it, None where it has none."""
        star = self._standing.get(event_id)
        return {"at": star.at, "by": star.by} if star else None

    def newest(self, reader: JournalReader, before: int | None, span: tuple[str, str] | None) -> Iterator[str]:
        """Yield the starred events from before fact `before`, newest first: a UUIDv7 begins with its time.

        Some of them may lie beside `span`. Where an event stands is looked up only as far as somebody takes them.
        """
        for event_id in sorted(self._standing, reverse=True):
            if span is not None and not diary.may_begin_within(event_id, span):
                continue
            if event_id not in self._places:
                event = diary.event(reader, event_id)
                self._places[event_id] = event.started.seq if event else 0
            place = self._places[event_id]
            if place and (before is None or place < before):
                yield event_id

    def _take(self, fact: Fact) -> None:
        self._newest = fact
        event_id = fact.data.get("event_id")
        if not isinstance(event_id, str) or not _is_id(event_id):
            return
        if fact.kind == Kind.EVENT_STARRED.value:
            self._standing[event_id] = Star(at=fact.at, by=fact.by)
        else:
            self._standing.pop(event_id, None)


def _is_id(text: str) -> bool:
    """Tell whether it is an id of ours: another program may have written into the journal."""
    try:
        return str(uuid.UUID(text)) == text
    except ValueError:
        return False
