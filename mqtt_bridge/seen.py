"""The ids of commands that were taken, for as long as one could come again: until its deadline, within this boot.

A deadline is at most 15 s ahead, so the window stays small, and an id that is forgotten belongs to a command that has
expired. Ids are written down (`commands.db`) before their command is passed on: a bridge that is killed and comes back
within those seconds still knows them. After a reboot nothing need be known, every older command is of a foreign boot.

- Where the file turns out to be damaged, what stood in it is lost. Then no command is taken for new whose deadline one
  from before this start could have (`blind_until_ms`).
- The day that was last believed is kept too: while the wall clock is not believed, keys end by that one.

`open`, `write` and `close` touch the disk and belong to one thread; the rest works in memory, in the event loop.
"""

from __future__ import annotations

import contextlib
import datetime as dt
import logging
import sqlite3
import time
from collections.abc import Iterable, Mapping
from pathlib import Path

from mqtt_bridge.database import connect, is_damage
from mqtt_bridge.envelope import FARTHEST_AHEAD_MS
from mqtt_bridge.reasons import remedy_of_a_file

log = logging.getLogger(__name__)

MOST_SEEN = 10_000
SCHEMA = """
PRAGMA user_version = 1;
CREATE TABLE IF NOT EXISTS seen (
    id               TEXT PRIMARY KEY,  -- of a command that was taken
    boot             TEXT NOT NULL,     -- in which boot its deadline counts
    mono_deadline_ms INTEGER NOT NULL   -- until then it could come again
) STRICT;
CREATE TABLE IF NOT EXISTS believed (
    one INTEGER PRIMARY KEY CHECK (one = 1),
    day TEXT NOT NULL                   -- the newest day of a wall clock that was believed
) STRICT;
"""


class SeenError(Exception):
    """commands.db can't be used now; the message says what to do."""


class Seen:
    """The window of ids of one boot."""

    def __init__(self, path: Path, *, boot: str) -> None:
        self._path = path
        self._boot = boot
        self._db: sqlite3.Connection | None = None
        self._deadlines: dict[str, int] = {}
        self._prune_at = 64
        self._is_recalled = False
        self.blind_until_ms = 0
        self.day: dt.date | None = None

    @property
    def is_open(self) -> bool:
        """Tell whether what was written before is known, and more can be written."""
        return self._db is not None and self._is_recalled

    def has_room(self, *, now_mono_ms: float) -> bool:
        """Tell whether another id can be remembered; none is forgotten before its deadline."""
        if len(self._deadlines) >= MOST_SEEN:
            self._prune(now_mono_ms)
        return len(self._deadlines) < MOST_SEEN

    def knows(self, command_id: str) -> bool:
        """Tell whether a command with this id was taken and has not expired yet."""
        return command_id in self._deadlines

    def remember(self, command_id: str, deadline_ms: int, *, now_mono_ms: float) -> None:
        """Take note of an id, and forget what has expired."""
        if len(self._deadlines) >= self._prune_at:
            self._prune(now_mono_ms)
        self._deadlines[command_id] = deadline_ms

    def recall(self, found: Mapping[str, int]) -> None:
        """Take up what `open` found; from now on no id of before is new."""
        self._deadlines |= found
        self._is_recalled = True

    def open(self, *, now_mono_ms: int) -> dict[str, int]:
        """Open or create the file and return what of it still counts, for `recall`. Raises `SeenError`."""
        self.close()
        try:
            try:
                self._db = self._connect()
                return self._read(self._db, now_mono_ms)
            except sqlite3.DatabaseError as error:
                if not is_damage(error):
                    raise
                self._set_aside(now_mono_ms)
                self._db = self._connect()
                return {}
        except (OSError, sqlite3.Error) as error:
            self.close()
            remedy = remedy_of_a_file(error, "make its folder writable for this user")
            raise SeenError(f"{self._path} can't be opened ({error}); {remedy}") from None

    def write(self, commands: Iterable[tuple[str, int]], day: dt.date | None, *, now_mono_ms: int) -> None:
        """Write ids with their deadlines, and the day, so that they survive this process.

        Raises `SeenError`; the file is closed then, `open` it again.
        """
        db = self._db
        if db is None:
            raise SeenError(f"{self._path} is closed")
        try:
            db.execute("BEGIN IMMEDIATE")
            db.execute("DELETE FROM seen WHERE boot <> ? OR mono_deadline_ms < ?", [self._boot, now_mono_ms])
            rows = [(command_id, self._boot, deadline_ms) for command_id, deadline_ms in commands]
            db.executemany("INSERT OR REPLACE INTO seen (id, boot, mono_deadline_ms) VALUES (?, ?, ?)", rows)
            if day is not None:
                db.execute("INSERT OR REPLACE INTO believed (one, day) VALUES (1, ?)", [day.isoformat()])
            db.execute("COMMIT")
        except sqlite3.Error as error:
            with contextlib.suppress(sqlite3.Error):
                db.execute("ROLLBACK")
            self.close()
            if is_damage(error):  # what can still be read of it would hide for ever that nothing can be written
                with contextlib.suppress(OSError):
                    self._set_aside(now_mono_ms)
                raise SeenError(f"{self._path} was damaged ({error}); a new one is begun") from None
            remedy = remedy_of_a_file(error, "look at its disk")
            raise SeenError(f"{self._path} can't be written ({error}); {remedy}") from None

    def close(self) -> None:
        """Close the file."""
        self._is_recalled = False
        if self._db:
            self._db.close()
            self._db = None

    def _prune(self, now_mono_ms: float) -> None:
        self._deadlines = {known: due for known, due in self._deadlines.items() if due >= now_mono_ms}
        self._prune_at = 2 * len(self._deadlines) + 64

    def _connect(self) -> sqlite3.Connection:
        # No command waits for the disk itself: what was written outlives a kill of any process, and after a power cut,
        # which may take the newest rows, every older command is of a foreign boot.
        return connect(self._path, SCHEMA, synchronous="NORMAL")

    def _read(self, db: sqlite3.Connection, now_mono_ms: int) -> dict[str, int]:
        wanted = "SELECT id, mono_deadline_ms FROM seen WHERE boot = ? AND mono_deadline_ms >= ?"
        found = db.execute(wanted, [self._boot, now_mono_ms]).fetchall()
        for (day,) in db.execute("SELECT day FROM believed"):
            with contextlib.suppress(ValueError):
                self.day = dt.date.fromisoformat(str(day))
        return {str(command_id): int(deadline_ms) for command_id, deadline_ms in found}

    def _set_aside(self, now_mono_ms: int) -> None:
        self.close()
        self.blind_until_ms = now_mono_ms + FARTHEST_AHEAD_MS
        aside = self._path.with_name(f"{self._path.name}.broken-{int(time.time())}")
        self._path.rename(aside)
        log.error(
            "%s is no database any more; kept as %s. Commands that may have been taken before are refused for %d s",
            self._path, aside, FARTHEST_AHEAD_MS // 1000,
        )  # fmt: skip
