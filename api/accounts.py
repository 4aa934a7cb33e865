"""The file `accounts.db` (accounts.sql explains each column): one connection, and the one thread that changes it.

- `Store` is one connection. The event loop has one for reading, `Writer` has one in its own thread for changes, so that
  a slow card never holds a request that only reads.
- What a caller may rely on: after a change returned, it is on the disk (`durable`), or will survive the death of this
  process but not a power cut (not `durable`).
- What stands in the tables is the business of people.py, attempts.py, answers.py and reports.py.
"""

from __future__ import annotations

import asyncio
import contextlib
import sqlite3
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from importlib import resources
from pathlib import Path
from typing import TypeVar

Found = TypeVar("Found")


class AccountsError(Exception):
    """The file of accounts can't be used; the message says what to do."""


class Store:
    """One connection to the file, made if it is missing. To be used in the thread that made it.

    Raises `AccountsError` from every method where the file can't be read or written.
    """

    def __init__(self, path: Path) -> None:
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.touch(mode=0o600)
            self._db = sqlite3.connect(path, isolation_level=None, timeout=2.0)
            self._db.execute("PRAGMA journal_mode=WAL")
            self._db.execute("PRAGMA foreign_keys=ON")
            self._make_tables()
        except (OSError, sqlite3.Error) as error:
            raise AccountsError(
                f"the accounts in {path} can't be opened ({error}); make the folder writable for this user, "
                "or move a damaged file away"
            ) from None

    def close(self) -> None:
        """Close the file."""
        self._db.close()

    def rows(self, sql: str, *values: object) -> list[tuple[object, ...]]:
        """Return what a query finds."""
        try:
            return self._db.execute(sql, values).fetchall()
        except sqlite3.Error as error:
            raise AccountsError(f"the accounts can't be read ({error})") from None

    @contextlib.contextmanager
    def changing(self, *, durable: bool = True) -> Iterator[sqlite3.Cursor]:
        """Do several statements as one change: all of them or none."""
        try:
            self._db.execute(f"PRAGMA synchronous={'FULL' if durable else 'NORMAL'}")
            self._db.execute("BEGIN IMMEDIATE")
            try:
                yield self._db.cursor()
                self._db.execute("COMMIT")
            except BaseException:
                self._db.execute("ROLLBACK")
                raise
        except sqlite3.Error as error:
            raise AccountsError(f"the accounts can't be written ({error})") from None

    def version(self) -> int:
        """Return a number that changes when another connection, ours or the command line's, changed the file."""
        return int(str(self.rows("PRAGMA data_version")[0][0]))

    def note(self, name: str) -> str | None:
        """Return what was noted under `name`."""
        found = self.rows("SELECT value FROM note WHERE name = ?", name)
        return str(found[0][0]) if found else None

    def set_note(self, name: str, value: str) -> None:
        """Note `value` under `name`."""
        with self.changing() as db:
            db.execute("INSERT INTO note VALUES (?, ?) ON CONFLICT DO UPDATE SET value = excluded.value", (name, value))

    def _make_tables(self) -> None:
        if self._db.execute("SELECT 1 FROM sqlite_schema WHERE name = 'note'").fetchone():
            return
        script = resources.files("api").joinpath("accounts.sql").read_text(encoding="utf-8")
        with contextlib.suppress(sqlite3.OperationalError):  # another process made them in the same moment
            self._db.executescript(f"BEGIN IMMEDIATE;\n{script}\nCOMMIT;")
        if self._db.in_transaction:
            self._db.execute("ROLLBACK")
        self._db.execute("SELECT 1 FROM note").fetchone()


class Writer:
    """The one thread of this process that changes the file."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="accounts")
        self._store: Store | None = None

    async def __call__(self, change: Callable[[Store], Found]) -> Found:
        """Run `change` in the thread and return what it returns. Raises what it raises."""
        return await asyncio.get_running_loop().run_in_executor(self._thread, self._run, change)

    def close(self) -> None:
        """Let what was begun end, then close the file."""
        if self._store:
            self._thread.submit(self._store.close)
        self._thread.shutdown()

    def _run(self, change: Callable[[Store], Found]) -> Found:
        if self._store is None:
            self._store = Store(self._path)
        return change(self._store)
