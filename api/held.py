"""What is held, read from the journal: which events are kept from retention, since when, through whom, what for.

A hold is a fact (`event_held`, `event_released`); the camera hears it and keeps the files. It is read whenever somebody
asks, so it is the same after a restart and for everybody. gate/holds.py has the rules, holds.py makes the facts.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Self

from api import diary
from gate.holds import Hold, Holds
from gate.journal import JournalReader
from gate.model import JsonObject, Kind

SAVED = (Kind.CLIP_SAVED.value,)
PAGE = 500


@dataclass(frozen=True, kw_only=True, slots=True)
class Place:
    """Where a held event stands in the journal, and the file of its clip where it has one."""

    seq: int
    started_at: str
    clip: str | None


class HeldEvents:
    """What is held, as of the last `read`. For the thread that reads the journal alone."""

    def __init__(self) -> None:
        self._holds = Holds()
        self._places: dict[str, Place | None] = {}
        self._by_clip: dict[str, str] = {}
        self._read_upto = 0

    def read(self, reader: JournalReader) -> Self:
        """Read on; return this. Raises `JournalError`.

        A package may hold hundreds of events for a moment: only what people hold is looked up, once.
        """
        newest = reader.last_seq()
        if newest < self._read_upto:  # another journal
            self._places.clear()
        self._holds.read(reader)
        held = self._holds.held_by_people
        self._places = {event_id: place for event_id, place in self._places.items() if event_id in held}
        self._take_new_clips(reader, newest)
        for event_id in held - self._places.keys():
            self._places[event_id] = _place(reader, event_id)
        self._by_clip = {place.clip: event_id for event_id, place in self._known() if place.clip}
        return self

    def _take_new_clips(self, reader: JournalReader, newest: int) -> None:
        """Learn the clips of events that were held before they had one."""
        waiting = {event_id: place for event_id, place in self._known() if place.clip is None}
        after, self._read_upto = self._read_upto, newest
        while waiting and (page := reader.read(kinds=SAVED, after=after, before=newest + 1, limit=PAGE)):
            after = page[-1].seq
            for fact in page:
                place = waiting.get(str(fact.data.get("event_id")))
                if place:
                    clip = diary.Event(event_id="", started=fact, ended=None, saved=None).file("clip")
                    self._places[str(fact.data["event_id"])] = replace(place, clip=clip)

    def plain(self, event: diary.Event) -> JsonObject | None:
        """Return what keeps an event's files as the page gets it: its own hold, else that of another in its clip."""
        hold = self._lasting(event.event_id) or self._lasting(self._by_clip.get(event.file("clip") or "", ""))
        if hold is None:
            return None
        return {
            "event_id": hold.event_id, "at": hold.at, "by": hold.by, "reason": hold.reason,
            "evidence_id": hold.evidence_id or None,
        }  # fmt: skip

    def own(self, event_id: str) -> tuple[Hold, ...]:
        """Return every hold of one event."""
        return self._holds.of(event_id)

    def newest(self, *, before: int | None, span: tuple[str, str] | None, limit: int) -> list[str]:
        """Return at most `limit` events that people hold, newest first, from before fact `before` and within `span`."""
        found = sorted(
            ((place.seq, event_id) for event_id, place in self._known()
             if (before is None or place.seq < before) and (span is None or span[0] <= place.started_at < span[1])),
            reverse=True,
        )  # fmt: skip
        return [event_id for _, event_id in found[:limit]]

    def _known(self) -> list[tuple[str, Place]]:
        return [(event_id, place) for event_id, place in self._places.items() if place]

    def _lasting(self, event_id: str) -> Hold | None:
        """Return a person's hold rather than a package's, which ends by itself."""
        holds = self._holds.of(event_id)
        return next((hold for hold in holds if not hold.evidence_id), holds[-1] if holds else None)


def _place(reader: JournalReader, event_id: str) -> Place | None:
    try:
        event = diary.event(reader, event_id)
    except ValueError:  # no id of ours: another program wrote it into the journal
        return None
    if event is None:
        return None
    return Place(seq=event.started.seq, started_at=event.started.at, clip=event.file("clip"))
