"""How far the broker has got, and what comes next.

The journal is the source of every fact; nothing is copied. `outbox.db` holds only marks: number and hash of rows that
count as delivered, the newest last. Rules:

- A mark is written after the acknowledgement, never before: what is lost with the process is delivered again.
- The hash of a row covers all rows before it. So the newest mark that is still found in the journal tells where to go
  on, also where the journal was replaced (no mark fits: from its first row) or lost its tail in a power cut (an older
  mark fits: from there). A few are kept for that.
- Rows leave in order of `seq` without a hole: a row that the broker can't take or that can't be read any more is
  replaced by a stand-in that says so (`topics.too_large_payload`, `topics.unreadable_payload`).

SQLite connections stay in the thread that made them: one thread uses an `Outbox`, from `open` to `close`.
"""

from __future__ import annotations

import contextlib
import logging
import sqlite3
import time
from dataclasses import dataclass
from pathlib import Path

from gate.journal import FIRST_PREV, JournalError, JournalReader
from gate.model import Fact
from mqtt_bridge import topics

log = logging.getLogger(__name__)

MARKS_KEPT = 50
ATTEMPTS_AT_A_ROW = 5
SCHEMA = """
PRAGMA user_version = 1;
CREATE TABLE IF NOT EXISTS mark (
    seq  INTEGER PRIMARY KEY,  -- a row of the journal that counts as delivered, with all before it
    hash TEXT NOT NULL         -- its hash, which proves that it is still the same journal
) STRICT;
"""


class OutboxError(Exception):
    """The journal or outbox.db can't be used now; the message says what to do."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Position:
    """A row of the journal. An empty `hash` is not known."""

    seq: int
    hash: str


START = Position(seq=0, hash=FIRST_PREV)


@dataclass(frozen=True, kw_only=True, slots=True)
class Batch:
    """Rows to publish together, up to `last`. `alone`: one row larger than a batch may be."""

    first_seq: int
    last: Position
    payload: bytes
    alone: bool

    @property
    def is_single(self) -> bool:
        """Tell whether it is one row, which can't be cut any smaller."""
        return self.first_seq == self.last.seq


@dataclass(frozen=True, kw_only=True, slots=True)
class Moved:
    """The journal is not the one that the last position was in: go on after `to`."""

    to: Position


@dataclass(frozen=True, kw_only=True, slots=True)
class Sizes:
    """Most bytes of a `facts` message: with several rows, and with a single one."""

    batch: int
    fact: int


class Outbox:
    """The marks and the journal, seen from the sender."""

    def __init__(self, path: Path, journal: Path, *, boot: str) -> None:
        self._path = path
        self._journal = journal
        self._boot = boot
        self._db: sqlite3.Connection | None = None
        self._reader: JournalReader | None = None
        self._identity = (0, 0)
        self._failing = (0, 0)

    def open(self) -> None:
        """Open or create outbox.db. One that is no database is kept aside; then delivery starts anew.

        Does nothing where it is open. Raises `OutboxError` where the folder can't be written.
        """
        if self._db:
            return
        try:
            try:
                self._db = self._connect()
            except sqlite3.DatabaseError as error:
                if isinstance(error, sqlite3.OperationalError):
                    raise
                self._set_aside()
                self._db = self._connect()
        except (OSError, sqlite3.Error) as error:
            text = f"{self._path} can't be opened ({error}); make its folder writable for this user"
            raise OutboxError(text) from None

    def close(self) -> None:
        """Close both files."""
        self._leave_journal()
        if self._db:
            self._db.close()
            self._db = None

    def locate(self) -> Position:
        """Return the newest mark that the journal still holds, and forget newer ones. Raises `OutboxError`."""
        reader = self._enter_journal()
        marks = self._marks()
        for mark in marks:
            if self._row_hash(reader, mark.seq) == mark.hash:
                break
        else:
            mark = START
        if marks and mark != marks[0]:
            log.warning(
                "the journal no longer holds row %d as it was delivered (replaced, or its end was lost); going on "
                "after row %d, receivers drop what they have by id", marks[0].seq, mark.seq,
            )  # fmt: skip
            self.settle(mark)
        return mark

    def position_of(self, seq: int) -> Position:
        """Return the position of a row, so that what follows it can be sent again. Raises `OutboxError`."""
        return Position(seq=seq, hash=self._row_hash(self._enter_journal(), seq) if seq > 0 else FIRST_PREV)

    def last_seq(self) -> int:
        """Return the number of the journal's newest row. Raises `OutboxError`."""
        reader = self._enter_journal()
        try:
            return reader.last_seq()
        except sqlite3.Error as error:
            raise OutboxError(f"the journal can't be read ({error})") from None

    def after(self, position: Position, sizes: Sizes, *, now_mono_ms: int) -> Batch | Moved | None:
        """Return what follows, or None where nothing does yet.

        At most 50 rows and `sizes.batch` bytes; the first row may be larger, up to `sizes.fact`.
        Raises `OutboxError` while the journal can't be read.
        """
        reader = self._enter_journal()
        facts = self._page(reader, position)
        follows = not facts or not isinstance(facts[0], Fact) or facts[0].prev == position.hash
        if (not follows or not facts) and position.seq and position.hash:
            if self._row_hash(reader, position.seq) != position.hash:
                return Moved(to=self.locate())
            if not follows:
                log.error("the journal's chain is broken after row %d; run antt-gate verify", position.seq)
        return self._packed(facts, sizes, now_mono_ms) if facts else None

    def settle(self, position: Position) -> None:
        """Write down, durably, that all rows up to here count as delivered, and no row after.

        Raises `OutboxError`; nothing is lost then, rows may be delivered twice.
        """
        if self._db is None:
            raise OutboxError(f"{self._path} is closed")
        try:
            self._db.execute("BEGIN IMMEDIATE")
            self._db.execute("DELETE FROM mark WHERE seq > ?", [position.seq])
            if position.seq and position.hash:
                self._db.execute("INSERT OR REPLACE INTO mark (seq, hash) VALUES (?, ?)", [position.seq, position.hash])
            oldest_kept = "SELECT seq FROM mark ORDER BY seq DESC LIMIT 1 OFFSET ?"
            self._db.execute(f"DELETE FROM mark WHERE seq <= ({oldest_kept})", [MARKS_KEPT])  # noqa: S608 - a constant
            self._db.execute("COMMIT")
        except sqlite3.Error as error:
            with contextlib.suppress(sqlite3.Error):
                self._db.execute("ROLLBACK")
            raise OutboxError(f"{self._path} can't be written ({error}); free some space on its disk") from None

    def _connect(self) -> sqlite3.Connection:
        self._path.parent.mkdir(parents=True, exist_ok=True)
        db = sqlite3.connect(self._path, isolation_level=None, timeout=1.0)
        try:
            db.execute("PRAGMA journal_mode=WAL")
            db.execute("PRAGMA synchronous=FULL")
            db.executescript(SCHEMA)
        except BaseException:
            db.close()
            raise
        return db

    def _set_aside(self) -> None:
        aside = self._path.with_name(f"{self._path.name}.broken-{int(time.time())}")
        self._path.rename(aside)
        log.error("%s is no database any more; kept as %s, every fact is delivered again", self._path, aside)

    def _marks(self) -> list[Position]:
        if self._db is None:
            raise OutboxError(f"{self._path} is closed")
        try:
            rows = self._db.execute("SELECT seq, hash FROM mark ORDER BY seq DESC").fetchall()
        except sqlite3.Error as error:
            raise OutboxError(f"{self._path} can't be read ({error})") from None
        return [Position(seq=int(seq), hash=str(text)) for seq, text in rows]

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
        for seq in range(position.seq + 1, position.seq + topics.LARGEST_BATCH + 1):
            try:
                facts += reader.read(after=seq - 1, before=seq + 1, limit=1)
            except JournalError as error:
                return facts or [self._given_up(reader, seq, error)]
        return facts

    def _given_up(self, reader: JournalReader, seq: int, error: JournalError) -> int:
        """Return `seq` once it failed several times while another row could be read; until then raise."""
        failed, times = self._failing
        self._failing = (seq, times + 1 if failed == seq else 1)
        others_can_be_read = any(self._row_hash(reader, other) for other in (1, self.last_seq()) if other != seq)
        if self._failing[1] < ATTEMPTS_AT_A_ROW or not others_can_be_read:
            raise OutboxError(str(error)) from None
        log.error("%s; the broker is told that row %d can't be read", error, seq)
        return seq

    def _packed(self, facts: list[Fact | int], sizes: Sizes, now_mono_ms: int) -> Batch:
        rows: list[bytes] = []
        size = 1
        for fact in facts:
            row = self._row(fact, sizes, now_mono_ms)
            if rows and size + len(row) + 1 > sizes.batch:
                break
            rows.append(row)
            size += len(row) + 1
        first, last = facts[0], facts[len(rows) - 1]
        return Batch(
            first_seq=first.seq if isinstance(first, Fact) else first,
            last=Position(seq=last.seq, hash=last.hash) if isinstance(last, Fact) else Position(seq=last, hash=""),
            payload=topics.batch_payload(rows),
            alone=size > sizes.batch,
        )

    def _row(self, fact: Fact | int, sizes: Sizes, now_mono_ms: int) -> bytes:
        if not isinstance(fact, Fact):
            return topics.unreadable_payload(fact)
        row = topics.fact_payload(fact, boot=self._boot, now_mono_ms=now_mono_ms)
        if len(row) + 2 <= sizes.fact:
            return row
        log.warning("the broker takes no row of %d bytes; row %d is delivered without its data", len(row), fact.seq)
        return topics.too_large_payload(fact, len(row))
