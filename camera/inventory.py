"""Once at each start: what the journal says of clips against what lies in the media folder.

A clip that the journal does not know is told now; one that it knows and that is gone is told as deleted; what belongs
to nothing is removed. Nothing else is touched, and where most of what the journal knows is gone at once, nothing is
told: then the disk is another one, or is not mounted.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from camera.catalogue import CLIP, DRAFT, HOLD, PART, PICTURE, Catalogue, Kept
from camera.clip import BrokenClipError, Note, describe
from camera.cut import JOIN, joined
from camera.finisher import Saved, saved_of
from camera.store import Deleted, Store
from gate.journal import JournalError, JournalReader
from gate.model import Kind

log = logging.getLogger(__name__)

EVENT_ID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
KINDS = (Kind.CLIP_SAVED.value, Kind.CLIP_DELETED.value)
PAGE = 500
MOST_TOLD = 200
MANY = 20


@dataclass(frozen=True, kw_only=True, slots=True)
class Findings:
    """`unknown`: clips without a row. `missing`: events whose row names a clip that is gone. `strays`: of no clip."""

    unknown: tuple[Kept, ...]
    missing: Mapping[str, str]
    strays: tuple[Path, ...]


def compare(kept: Sequence[Kept], rows: Mapping[str, str], noted: set[str], clips: set[str]) -> Findings:
    """Compare what is kept with `rows` (event to clip, of clips that are not deleted).

    `noted`: events whose clip is still to be told; `clips`: names of all clips and unfinished clips that are there.
    """
    unknown = tuple(
        one for one in kept
        if one.has(CLIP) and not one.has(PART) and EVENT_ID.fullmatch(one.clip_id)
        and not {one.clip_id, *one.event_ids} & (rows.keys() | noted)
    )  # fmt: skip
    missing = {event: clip for event, clip in rows.items() if clip not in clips and event not in noted}
    strays = tuple(
        path for one in kept if not one.has(CLIP) and not one.has(PART) for path in one.files
        if path.suffix == JOIN or (path.suffix == HOLD and not one.has(PICTURE))
    )  # fmt: skip
    return Findings(unknown=unknown, missing=missing, strays=strays)


class Inventory:
    """What lies there when it is made: make it before anything is recorded or told; `check` may run beside both."""

    def __init__(self, store: Store, notes: Path, wall_s: float) -> None:
        self._store = store
        self._kept = Catalogue(store.folder).events(wall_s)
        self._drafts = sorted(store.folder.glob(f"????-??-??/*{DRAFT}"))
        self._noted = {path.stem for path in notes.glob("*.json")}

    def check(self, journal: Path, saved: Callable[[Saved], None], deleted: Callable[[Deleted], None]) -> Findings:
        """Compare with the journal, tell, log and tidy up. Reads only what is new to the journal; may take seconds."""
        _remove(self._drafts)
        try:
            rows = read_rows(journal)
        except JournalError as error:
            log.warning("the clips can't be compared with the journal: %s", error)
            return Findings(unknown=(), missing={}, strays=())
        clips = {
            path.with_suffix(CLIP).relative_to(self._store.folder).as_posix()
            for one in self._kept for path in one.files if path.suffix in {CLIP, PART}
        }  # fmt: skip
        found = compare(self._kept, rows, self._noted, clips)
        _remove(found.strays)
        told = self._tell_missing(found.missing, len(rows), deleted) + self._tell_unknown(found.unknown, saved)
        if told or found.strays or self._drafts:
            log.warning(
                "the media folder was not as the journal has it: %d clips unknown, %d gone, %d files that belong "
                "to nothing", len(found.unknown), len(found.missing), len(found.strays) + len(self._drafts),
            )  # fmt: skip
        return found

    def _tell_missing(self, missing: Mapping[str, str], rows: int, deleted: Callable[[Deleted], None]) -> int:
        if len(missing) >= MANY and len(missing) * 2 > rows:
            log.error(
                "%d of the %d clips that the journal knows are not in %s; is its disk the right one, and mounted?",
                len(missing), rows, self._store.folder,
            )  # fmt: skip
            return 0
        for event_id, clip in sorted(missing.items())[:MOST_TOLD]:
            deleted(Deleted(event_id=event_id, reason="missing", bytes=0, clip=clip))
        return len(missing)

    def _tell_unknown(self, unknown: Sequence[Kept], saved: Callable[[Saved], None]) -> int:
        for one in unknown[-MOST_TOLD:]:
            path = next(path for path in one.files if path.suffix == CLIP)
            try:
                clip = describe(path)
                own = clip.note or Note(event_id=one.clip_id, pre_roll_s=0.0, begun_s=one.begun_s)
                for note in (own, *joined(path)):
                    saved(saved_of(self._store, note, path, clip))
            except BrokenClipError as error:
                log.warning("%s; it stays where it is", error)
            except OSError as error:
                log.warning("a clip that the journal does not know can't be read (%s)", error)
        return len(unknown)


def _remove(paths: Sequence[Path]) -> None:
    for path in paths:
        try:
            path.unlink(missing_ok=True)
        except OSError as error:
            log.warning("%s belongs to nothing and can't be removed (%s)", path, error)


def read_rows(journal: Path) -> dict[str, str]:
    """Return the clip of each event that the journal knows and has not seen deleted. Raises `JournalError`."""
    reader = JournalReader(journal)
    rows: dict[str, str] = {}
    after = 0
    try:
        while page := reader.read(kinds=KINDS, after=after, limit=PAGE):
            after = page[-1].seq
            for fact in page:
                event_id, clip = fact.data.get("event_id"), fact.data.get("clip")
                if fact.kind == Kind.CLIP_DELETED.value:
                    rows.pop(str(event_id), None)
                elif isinstance(event_id, str) and isinstance(clip, str):
                    rows[event_id] = clip
    finally:
        reader.close()
    return rows
