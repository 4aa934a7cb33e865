"""What an evidence package is to hold, found in the journal: which events, which rows, which files.

- A choice is by events or by a span of time. A span has every event that was under way in it.
- The rows are one stretch without a gap: all of the span, and all that says anything of the events, so that the hash of
  each clip stands in a row that is in the package.
- File names come from the camera's facts, as everywhere (diary.py).
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from api import diary
from api.evidence_manifest import CLIPS, SNAPSHOTS, What
from api.problems import ProblemError
from gate.journal import JournalReader, utc
from gate.model import Fact, JsonObject, Kind

MOST_EVENTS = 500
MOST_ROWS = 100_000
LONGEST_EVENT_S = 3600.0
PAGE = 500
SPOKEN_OF = (Kind.MOTION_STARTED.value, Kind.MOTION_ENDED.value, Kind.CLIP_SAVED.value)


@dataclass(frozen=True, kw_only=True, slots=True)
class Choice:
    """What was chosen: events, oldest first, and the rows of the journal from `first_seq` to `last_seq`.

    `since` and `until` (UTC, the contract's text) are those of a span, None where events were chosen.
    """

    event_ids: tuple[str, ...]
    since: str | None
    until: str | None
    first_seq: int
    last_seq: int

    def asked(self) -> JsonObject:
        """Return what was asked for, as manifest and journal say it."""
        return {"since": self.since, "until": self.until, "event_ids": list(self.event_ids)}


@dataclass(frozen=True, kw_only=True, slots=True)
class Source:
    """One file to be packed as `name`, of these events. `recording`: it is not finished and can't be packed yet."""

    name: str
    path: Path
    what: What
    event_ids: tuple[str, ...]
    begun_at: str | None
    journal_sha256: str | None
    recording: bool = False


def of_span(reader: JournalReader, since: str, until: str) -> Choice:
    """Choose all that happened from `since` to before `until`.

    Raises the problems `evidence_empty` and `evidence_too_large`.
    """
    earlier = min(since, utc(dt.datetime.fromisoformat(since).timestamp() - LONGEST_EVENT_S))
    found = diary.events(reader, before=None, span=(earlier, until), limit=MOST_EVENTS + 1)
    events = [event for event in reversed(found) if event.started.at >= since or _ended_after(event, since)]
    first = reader.read(since=since, until=until, limit=1)
    last = reader.read(since=since, until=until, limit=1, newest_first=True)
    return _choice(events, [*first, *last], since, until)


def of_events(reader: JournalReader, event_ids: Sequence[str]) -> Choice:
    """Choose these events. Raises the problems `no_such_event`, `evidence_empty` and `evidence_too_large`."""
    found = {}
    for event_id in dict.fromkeys(event_ids):
        event = diary.event(reader, event_id)
        if event is None:
            raise ProblemError("no_such_event", f"There is no event {event_id}.")
        found[event_id] = event
    return _choice(sorted(found.values(), key=lambda event: event.started.seq), [], None, None)


def _choice(events: Sequence[diary.Event], rows: Sequence[Fact], since: str | None, until: str | None) -> Choice:
    spoken_of = [fact for event in events for fact in (event.started, event.ended, event.saved) if fact]
    numbers = [fact.seq for fact in (*rows, *spoken_of)]
    if not numbers:
        raise ProblemError("evidence_empty")
    count = max(numbers) - min(numbers) + 1
    if len(events) > MOST_EVENTS or count > MOST_ROWS:
        text = f"At most {MOST_EVENTS} events and {MOST_ROWS} rows of the journal fit; this has "
        text += f"more than {MOST_EVENTS} events." if len(events) > MOST_EVENTS else f"{count} rows."
        raise ProblemError("evidence_too_large", text)
    return Choice(
        event_ids=tuple(event.event_id for event in events), since=since, until=until, first_seq=min(numbers),
        last_seq=max(numbers),
    )  # fmt: skip


def _ended_after(event: diary.Event, since: str) -> bool:
    last = event.ended or (event.saved if event.cause != diary.MOTION else None)
    return last is not None and last.at >= since


def chosen(reader: JournalReader, choice: Choice) -> tuple[Choice, list[diary.Event]]:
    """Return the events of a choice, oldest first, and the choice as it is now.

    A clip that was saved since the choice was made brings its row along: the stretch reaches to it then.
    """
    parts: dict[str, dict[str, Fact]] = {event_id: {} for event_id in choice.event_ids}
    for fact in _rows(reader, choice):
        named = parts.get(str(fact.data.get("event_id")))
        if named is not None:
            named[fact.kind] = fact
    events = [
        event for event_id, facts in parts.items() if facts and (event := _event(reader, event_id, facts)) is not None
    ]
    last = max((event.saved.seq for event in events if event.saved), default=0)
    return replace(choice, last_seq=max(choice.last_seq, last)), events


def _rows(reader: JournalReader, choice: Choice) -> Iterator[Fact]:
    after = choice.first_seq - 1
    while page := reader.read(kinds=SPOKEN_OF, after=after, before=choice.last_seq + 1, limit=PAGE):
        yield from page
        after = page[-1].seq


def _event(reader: JournalReader, event_id: str, facts: dict[str, Fact]) -> diary.Event | None:
    saved = facts.get(Kind.CLIP_SAVED.value)
    if saved is None:
        return diary.event(reader, event_id)
    started, ended = facts.get(Kind.MOTION_STARTED.value), facts.get(Kind.MOTION_ENDED.value)
    return diary.Event(event_id=event_id, started=started or saved, ended=ended, saved=saved)


def sources(events: Sequence[diary.Event], media: Path) -> list[Source]:
    """Return the files of events, clips first, each once, in the order of the events."""
    found: dict[str, Source] = {}
    for folder, name, digest in ((CLIPS, "clip", "sha256"), (SNAPSHOTS, "thumbnail", "thumbnail_sha256")):
        for event in events:
            source = _source(event, media, folder, name, digest)
            if source is None:
                continue
            known = found.get(source.name)
            shared = (*known.event_ids, event.event_id) if known else source.event_ids
            found[source.name] = replace(known or source, event_ids=shared)
    return list(found.values())


def _source(event: diary.Event, media: Path, folder: str, name: str, digest: str) -> Source | None:
    relative, recording = event.file(name), False
    growing = event.growing(media) if name == "clip" else None
    if relative is None and growing is not None:
        relative, recording = growing.path.with_suffix(".mp4").relative_to(media).as_posix(), True
    if relative is None:
        return None
    said = event.saved.data.get(digest) if event.saved and event.saved.data.get(name) == relative else None
    return Source(
        name=folder + relative, path=media / relative, what="clip" if name == "clip" else "snapshot",
        event_ids=(event.event_id,), begun_at=_begun(event) if name == "clip" else event.started.at,
        journal_sha256=said if isinstance(said, str) else None, recording=recording,
    )  # fmt: skip


def _begun(event: diary.Event) -> str:
    """Return when a clip begins: so long before its event as the journal says."""
    data = event.saved.data if event.saved else {}
    at, early_s = data.get("started_at"), data.get("pre_roll_s")
    try:
        moment = dt.datetime.fromisoformat(str(at or event.started.at)).timestamp()
        return utc(moment - (early_s if isinstance(early_s, int | float) else 0.0))
    except (ValueError, OverflowError):
        return event.started.at
