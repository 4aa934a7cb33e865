"""The store of marks, `outbox.db`: number and hash of rows of the journal that count as delivered.

SQLite connections stay in the thread that made them: one thread uses a `Marks`, from `open` to `close`.
"""

from __future__ import annotations

import contextlib
import logging
import sqlite3
import time
from dataclasses import dataclass
from pathlib import Path

from gate.journal import FIRST_PREV
from mqtt_bridge.database import connect, is_damage
from mqtt_bridge.reasons import remedy_of_a_file

log = logging.getLogger(__name__)

MARKS_KEPT = 50
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


class Marks:
    """How far delivery got, durably."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._db: sqlite3.Connection | None = None

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
                if not is_damage(error):
                    raise
                self._set_aside()
                self._db = self._connect()
        except (OSError, sqlite3.Error) as error:
            remedy = remedy_of_a_file(error, "make its folder writable for this user")
            raise OutboxError(f"{self._path} can't be opened ({error}); {remedy}") from None

    def close(self) -> None:
        """Close the file."""
        if self._db:
            self._db.close()
            self._db = None

    def newest_first(self) -> list[Position]:
        """Return the marks. Raises `OutboxError`."""
        if self._db is None:
            raise OutboxError(f"{self._path} is closed")
        try:
            rows = self._db.execute("SELECT seq, hash FROM mark ORDER BY seq DESC").fetchall()
        except sqlite3.Error as error:
            raise OutboxError(f"{self._path} can't be read ({error})") from None
        return [Position(seq=int(seq), hash=str(text)) for seq, text in rows]

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
            if is_damage(error):
                self._begin_anew()
                raise OutboxError(f"{self._path} was damaged ({error}); a new one is begun") from None
            remedy = remedy_of_a_file(error, "look at its disk")
            raise OutboxError(f"{self._path} can't be written ({error}); {remedy}") from None

    def _connect(self) -> sqlite3.Connection:
        db = connect(self._path, SCHEMA, synchronous="FULL")
        try:
            _check(db)
        except BaseException:
            db.close()
            raise
        return db

    def _begin_anew(self) -> None:
        """Keep a file aside that turned out to be damaged. Raises `OutboxError`."""
        self.close()
        with contextlib.suppress(OSError):
            self._set_aside()
        self.open()

    def _set_aside(self) -> None:
        aside = self._path.with_name(f"{self._path.name}.broken-{int(time.time())}")
        self._path.rename(aside)
        log.error("%s is no database any more; kept as %s, every fact is delivered again", self._path, aside)


def _check(db: sqlite3.Connection) -> None:
    """Raise `sqlite3.DatabaseError` where any page of it is damaged: what is read of the others would hide that."""
    fault = str(db.execute("PRAGMA integrity_check(1)").fetchone()[0])
    if fault != "ok":
        raise sqlite3.DatabaseError(fault)
