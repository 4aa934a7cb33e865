"""How far the broker has got, and what comes next.

The journal is the source of every fact; nothing is copied. `outbox.db` holds only marks: number and hash of rows that
count as delivered, the newest last. Rules:

- A mark is written after the acknowledgement, never before: what is lost with the process is delivered again.
- The hash of a row covers all rows before it. So the newest mark that is still found in the journal tells where to go
  on, also where the journal was replaced (no mark fits: from its first row) or lost its tail in a power cut (an older
  mark fits: from there). A few are kept for that.
- Rows leave in order of `seq` without a hole: a row that the broker can't take or that can't be read any more is
  replaced by a stand-in that says so (`topics.too_large_payload`, `topics.unreadable_payload`). Where rows were removed
  from the journal before they were delivered, one stand-in says which (`topics.removed_payload`).

SQLite connections stay in the thread that made them: one thread uses an `Outbox`, from `open` to `close`.
"""

from __future__ import annotations

import contextlib
import logging
from dataclasses import dataclass
from pathlib import Path

from gate.journal import FIRST_PREV, JournalError, JournalReader
from gate.model import Fact
from mqtt_bridge import topics
from mqtt_bridge.marks import START, Marks, OutboxError, Position

log = logging.getLogger(__name__)

ATTEMPTS_AT_A_ROW = 5


@dataclass(frozen=True, kw_only=True, slots=True)
class Batch:
    """Rows to publish together, up to `last`; `history` of them tell of the past.

    `alone`: one row larger than a batch may be.
    """

    first_seq: int
    last: Position
    payload: bytes
    history: int
    alone: bool

    @property
    def is_single(self) -> bool:
        """Tell whether it is one row, which can't be cut any smaller."""
        return self.first_seq == self.last.seq


@dataclass(frozen=True, kw_only=True, slots=True)
class Moved:
    """The journal is not the one that the last position was in: go on after `to`."""

    to: Position


class Outbox:
    """The marks and the journal, seen from the sender."""

    def __init__(self, path: Path, journal: Path, *, boot: str) -> None:
        self._marks = Marks(path)
        self._journal = journal
        self._boot = boot
        self._reader: JournalReader | None = None
        self._identity = (0, 0)
        self._failing = (0, 0)
        self._told_removed = 0

    def open(self) -> None:
        """Open or create outbox.db; see `Marks.open`."""
        self._marks.open()

    def close(self) -> None:
        """Close both files."""
        self._leave_journal()
        self._marks.close()

    def locate(self) -> Position:
        """Return the newest mark that the journal still holds, and forget newer ones. Raises `OutboxError`."""
        reader = self._enter_journal()
        marks = self._marks.newest_first()
        for mark in marks:
            if self._is_in(reader, mark):
                break
        else:
            mark = START
        if marks and mark != marks[0]:
            log.warning(
                "the journal no longer holds row %d as it was delivered (replaced, or its end was lost); going on "
                "after row %d, receivers drop what they have by id", marks[0].seq, mark.seq,
            )  # fmt: skip
            self._marks.settle(mark)
        return mark

    def settle(self, position: Position) -> None:
        """Write the mark; see `Marks.settle`."""
        self._marks.settle(position)

    def position_of(self, seq: int) -> Position:
        """Return the position of a row, so that what follows it can be sent again. Raises `OutboxError`."""
        return Position(seq=seq, hash=self._row_hash(self._enter_journal(), seq) if seq > 0 else FIRST_PREV)

    def last_seq(self) -> int:
        """Return the number of the journal's newest row. Raises `OutboxError`."""
        reader = self._enter_journal()
        try:
            return reader.last_seq()
        except JournalError as error:
            raise OutboxError(str(error)) from None

    def after(self, position: Position, sizes: topics.Sizes, *, now_mono_ms: int) -> Batch | Moved | None:
        """Return what follows, or None where nothing does yet.

        At most 50 rows and `sizes.batch` bytes; the first row may be larger, up to `sizes.fact`.
        Raises `OutboxError` while the journal can't be read.
        """
        reader = self._enter_journal()
        facts = self._page(reader, position)
        follows = not facts or not isinstance(facts[0], Fact) or facts[0].prev == position.hash
        is_known = bool(position.seq and position.hash)
        if (not follows or not facts) and is_known and not self._is_in(reader, position):
            return Moved(to=self.locate())
        if facts and _seq(facts[0]) > position.seq + 1:
            return self._removed(position.seq + 1, facts[0])
        if not follows and is_known:
            log.error("the journal's chain is broken after row %d; run antt-gate verify", position.seq)
        return self._packed(facts, sizes, now_mono_ms) if facts else None

    def _enter_journal(self) -> JournalReader:
        """Return a reader of the file that is the journal now, which may be another one than before."""
        try:
            found = self._journal.stat()
        except OSError:
            self._leave_journal()
            raise OutboxError(f"there is no journal at {self._journal} yet; the gate process writes it") from None
        if self._reader and (found.st_dev, found.st_ino) == self._identity:
            return self._reader
        self._leave_journal()
        try:
            self._reader = JournalReader(self._journal)
        except JournalError as error:
            raise OutboxError(str(error)) from None
        self._identity = (found.st_dev, found.st_ino)
        return self._reader

    def _leave_journal(self) -> None:
        if self._reader:
            self._reader.close()
            self._reader = None

    def _is_in(self, reader: JournalReader, position: Position) -> bool:
        """Tell whether the journal holds this row, or did: rows that were removed leave those that came later."""
        if _first_after(reader, position.seq - 1) == position.seq:
            return self._row_hash(reader, position.seq) == position.hash
        later = _first_after(reader, position.seq)
        if later != position.seq + 1:
            return later > 0
        with contextlib.suppress(JournalError):
            return reader.read(after=position.seq, limit=1)[0].prev == position.hash
        return True

    def _row_hash(self, reader: JournalReader, seq: int) -> str:
        """Return the hash of a row, empty where the journal has none or can't read it."""
        try:
            rows = reader.read(after=seq - 1, before=seq + 1, limit=1)
        except JournalError:
            return ""
        return rows[0].hash if rows else ""

    def _page(self, reader: JournalReader, position: Position) -> list[Fact | int]:
        """Read the next rows; a row that is given up is its bare number, and comes alone."""
        try:
            return list(reader.read(after=position.seq, limit=topics.LARGEST_BATCH))
        except JournalError:
            return self._page_up_to_fault(reader, position)

    def _page_up_to_fault(self, reader: JournalReader, position: Position) -> list[Fact | int]:
        facts: list[Fact | int] = []
        seq = position.seq
        for _ in range(topics.LARGEST_BATCH):
            if not (seq := _first_after(reader, seq)):
                break
            try:
                facts += reader.read(after=seq - 1, before=seq + 1, limit=1)
            except JournalError as error:
                return facts or [self._given_up(reader, seq, error)]
        return facts

    def _given_up(self, reader: JournalReader, seq: int, error: JournalError) -> int:
        """Return `seq` once it failed several times while another row could be read; until then raise."""
        failed, times = self._failing
        self._failing = (seq, times + 1 if failed == seq else 1)
        others_can_be_read = any(
            self._row_hash(reader, other) for other in (_first_after(reader, 0), self.last_seq()) if other != seq
        )
        if self._failing[1] < ATTEMPTS_AT_A_ROW or not others_can_be_read:
            raise OutboxError(str(error)) from None
        log.error("%s; the broker is told that row %d can't be read", error, seq)
        return seq

    def _removed(self, first: int, follower: Fact | int) -> Batch:
        """Stand in for all rows before `follower`, whose `prev` is the hash of the last of them."""
        last = Position(seq=_seq(follower) - 1, hash=follower.prev if isinstance(follower, Fact) else "")
        if self._told_removed != last.seq:
            self._told_removed = last.seq
            text = "rows %d to %d were removed from the journal before they were delivered; the receiver is told so"
            log.error(text, first, last.seq)
        payload = topics.batch_payload([topics.removed_payload(first, last.seq)])
        return Batch(first_seq=first, last=last, payload=payload, history=1, alone=False)

    def _packed(self, facts: list[Fact | int], sizes: topics.Sizes, now_mono_ms: int) -> Batch:
        rows: list[bytes] = []
        size = 1
        history = 0
        for seq, fact in enumerate(facts, _seq(facts[0])):
            row = self._row(fact, sizes, now_mono_ms)
            if rows and (size + len(row) + 1 > sizes.batch or _seq(fact) != seq):
                break
            rows.append(row)
            size += len(row) + 1
            history += isinstance(fact, int) or topics.is_history(fact, boot=self._boot, now_mono_ms=now_mono_ms)
        last = facts[len(rows) - 1]
        return Batch(
            first_seq=_seq(facts[0]),
            last=Position(seq=_seq(last), hash=last.hash if isinstance(last, Fact) else ""),
            payload=topics.batch_payload(rows),
            history=history,
            alone=size > sizes.batch,
        )

    def _row(self, fact: Fact | int, sizes: topics.Sizes, now_mono_ms: int) -> bytes:
        if not isinstance(fact, Fact):
            return topics.unreadable_payload(fact)
        row = topics.fact_payload(fact, boot=self._boot, now_mono_ms=now_mono_ms)
        if len(row) + 2 <= sizes.fact:
            return row
        log.warning("the broker takes no row of %d bytes; row %d is delivered without its data", len(row), fact.seq)
        return topics.too_large_payload(fact, len(row))


def _seq(fact: Fact | int) -> int:
    return fact.seq if isinstance(fact, Fact) else fact


def _first_after(reader: JournalReader, seq: int) -> int:
    """Return the number of the next row, 0 where there is none; in a damaged file the next number."""
    try:
        return reader.first_after(seq)
    except JournalError:
        return seq + 1
