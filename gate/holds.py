"""Which events are held: the one reading of the journal's `event_held` and `event_released`, for api and camera alike.

- A hold keeps an event's files from retention until it is released. People hold events one by one; an evidence package
  holds those that it is made of, under its `evidence_id`, while it is made.
- An event is held for as long as any hold of it stands. A package's release ends the package's own hold alone; a
  person's ends every hold of the event: nothing stays held that nobody could let go.
- The journal is the truth. What a reader makes of it (files beside a clip, an answer) can be made again from it.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from gate.journal import JournalReader
from gate.model import Fact, JsonObject, Kind

KINDS = (Kind.EVENT_HELD.value, Kind.EVENT_RELEASED.value)
PAGE = 500


@dataclass(frozen=True, kw_only=True, slots=True)
class Hold:
    """One hold of one event: since when, through whom, why; `evidence_id` is the package's, empty for a person's."""

    event_id: str
    at: str
    by: JsonObject
    reason: str
    evidence_id: str


class Holds:
    """What is held, as far as the journal was read. One thread at a time."""

    def __init__(self) -> None:
        self._standing: dict[str, dict[str, Hold]] = {}
        self._released: set[str] = set()
        self._newest: Fact | None = None

    @property
    def held(self) -> frozenset[str]:
        """Every event of which a hold stands."""
        return frozenset(self._standing)

    @property
    def held_by_people(self) -> frozenset[str]:
        """Every event that a person holds; what only a package holds is let go by itself."""
        return frozenset(event_id for event_id, holds in self._standing.items() if "" in holds)

    @property
    def released(self) -> frozenset[str]:
        """Every event that was held once and is not held any more."""
        return frozenset(self._released)

    def of(self, event_id: str) -> tuple[Hold, ...]:
        """Return the holds of an event that stand, oldest first."""
        return tuple(self._standing.get(event_id, {}).values())

    def read(self, reader: JournalReader) -> None:
        """Take what came since the last time; from its beginning where it is another journal. Raises `JournalError`."""
        newest = self._newest
        if newest is not None:
            found = reader.read(after=newest.seq - 1, limit=1)
            if not found or found[0].hash != newest.hash:
                self._standing, self._released, self._newest = {}, set(), None
        after = self._newest.seq if self._newest else 0
        while page := reader.read(kinds=KINDS, after=after, limit=PAGE):
            for fact in page:
                self.take(fact)
            after = page[-1].seq

    def take(self, fact: Fact) -> None:
        """Take the next fact of `KINDS`."""
        self._newest = fact
        evidence_id = str(fact.data.get("evidence_id") or "")
        for event_id in events_of(fact):
            if fact.kind == Kind.EVENT_HELD.value:
                self._hold(event_id, evidence_id, fact)
            else:
                self._release(event_id, evidence_id)

    def _hold(self, event_id: str, evidence_id: str, fact: Fact) -> None:
        holds = self._standing.setdefault(event_id, {})
        holds.pop(evidence_id, None)  # a newer one of the same holder stands last
        holds[evidence_id] = Hold(
            event_id=event_id, at=fact.at, by=fact.by, reason=str(fact.data.get("reason") or ""),
            evidence_id=evidence_id,
        )  # fmt: skip
        self._released.discard(event_id)

    def _release(self, event_id: str, evidence_id: str) -> None:
        holds = self._standing.get(event_id, {})
        if evidence_id:
            holds.pop(evidence_id, None)
        else:
            holds.clear()
        if not holds:
            self._standing.pop(event_id, None)
            self._released.add(event_id)


def events_of(fact: Fact) -> Iterator[str]:
    """Yield the events that a fact of `KINDS` is about: `event_id` of a person's, `event_ids` of a package's."""
    named = fact.data.get("event_ids")
    for event_id in [fact.data.get("event_id"), *(named if isinstance(named, list) else ())]:
        if isinstance(event_id, str):
            yield event_id
