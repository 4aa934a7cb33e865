"""The file `accounts.db` (accounts.sql explains each column): one connection, and the one thread that changes it.

- `Store` is one connection. The event loop has one for reading, `Writer` has one in its own thread for changes, so that
  a slow card never holds a request that only reads.
- What a caller may rely on: after a change returned, it is on the disk (`durable`), or will survive the death of this
  process but not a power cut (not `durable`).
- A disk that takes nothing more locks nobody out: what is in the file is read into memory then, every change is
  refused, and the file is tried again at each use.
- A file of an older version is brought up to `VERSION` when it is opened; one of a newer version is refused unchanged.
- What stands in the tables is the business of people.py, phones.py, attempts.py, answers.py, reports.py …
"""

from __future__ import annotations

import asyncio
import contextlib
import sqlite3
import stat
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from importlib import resources
from pathlib import Path
from typing import TypeVar

Found = TypeVar("Found")

DAMAGE = frozenset({sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB})
BUSY_S = 2.0
BESIDE = ("", "-wal", "-shm")
OTHERS_MAY = stat.S_IRWXG | stat.S_IRWXO
VERSION = 3
STEPS = {0: "accounts.sql", 1: "accounts_from_1.sql", 2: "accounts_from_2.sql"}
TOO_NEW = (
    "the accounts were written by a newer antt-gate (version {} of the file, this one knows {}); "
    "install the newer one again, or restore the accounts.db of before"
)
MAKE_ROOM = "free some space, or make the state directory writable for the service"


class AccountsError(Exception):
    """The file of accounts can't be used; the message says what to do."""


class DamagedError(AccountsError):
    """The file is not what we wrote: no database, or a broken one."""


def _said(what: str, error: OSError | sqlite3.Error, remedy: str) -> AccountsError:
    """Return what is raised for an error of the file."""
    damaged = isinstance(error, sqlite3.Error) and _code(error) in DAMAGE
    return (DamagedError if damaged else AccountsError)(f"{what} ({error}); {remedy}")


def _code(error: sqlite3.Error) -> int:
    """Return SQLite's own number of an error, without its refinements; 0 where Python raised it."""
    return int(getattr(error, "sqlite_errorcode", 0)) & 0xFF


class Store:
    """One connection to the file, made if it is missing. To be used in the thread that made it.

    Raises `AccountsError` from every method where the file can't be read or written.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.touch(mode=0o600)
            _keep_to_ourselves(path)
            self._db, self._unwritable = self._open()
        except UnicodeDecodeError:  # SQLite names what is broken, in bytes that are no text
            raise DamagedError(f"the accounts in {path} are damaged; move the file away") from None
        except (OSError, sqlite3.Error) as error:
            remedy = "free some space, make the folder writable for this user, or move a damaged file away"
            raise _said(f"the accounts in {path} can't be opened", error, remedy) from None

    def close(self) -> None:
        """Close the file."""
        self._db.close()

    def rows(self, sql: str, *values: object) -> list[tuple[object, ...]]:
        """Return what a query finds."""
        self._try_again()
        try:
            return self._db.execute(sql, values).fetchall()
        except sqlite3.Error as error:
            raise _said("the accounts can't be read", error, "free some space, or look after the disk") from None

    def check(self) -> None:
        """Raise `DamagedError` where the file is broken somewhere. Reads all of it: milliseconds."""
        found = str(self.rows("PRAGMA quick_check(1)")[0][0])
        if found != "ok":
            raise DamagedError(f"the accounts are damaged ({found})")

    @contextlib.contextmanager
    def changing(self, *, durable: bool = True) -> Iterator[sqlite3.Cursor]:
        """Do several statements as one change: all of them or none."""
        self._try_again()
        if self._unwritable:
            raise AccountsError(f"the accounts can't be written ({self._unwritable}); {MAKE_ROOM}")
        try:
            self._db.execute(f"PRAGMA synchronous={'FULL' if durable else 'NORMAL'}")
            self._db.execute("BEGIN IMMEDIATE")
            try:
                yield self._db.cursor()
                self._db.execute("COMMIT")
            except BaseException:
                if self._db.in_transaction:  # a full disk ended it already
                    self._db.execute("ROLLBACK")
                raise
        except sqlite3.Error as error:
            raise _said("the accounts can't be written", error, MAKE_ROOM) from None

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

    def _open(self) -> tuple[sqlite3.Connection, str]:
        """Return a connection, and why nothing can be written where it is to a copy in memory."""
        try:
            return _connected(self._path), ""
        except sqlite3.OperationalError as error:
            if _code(error) == sqlite3.SQLITE_BUSY:
                raise
            try:
                return _copied(self._path), str(error)
            except sqlite3.Error:
                raise error from None  # what happened first says more

    def _try_again(self) -> None:
        """Open the file itself where only a copy is read; if that fails still, keep the copy."""
        if not self._unwritable:
            return
        copy = self._db
        with contextlib.suppress(sqlite3.Error):
            self._db, self._unwritable = self._open()
            copy.close()


def _keep_to_ourselves(path: Path) -> None:
    """Take others' right to read the file, and what SQLite has beside it: a copy that was brought back may give it."""
    for suffix in BESIDE:
        with contextlib.suppress(OSError):  # not there, not ours, or a file system that can't
            beside = path.with_name(path.name + suffix)
            if beside.stat().st_mode & OTHERS_MAY:
                beside.chmod(0o600)


def _connected(path: Path) -> sqlite3.Connection:
    """Open the file, with its tables."""
    db = sqlite3.connect(path, isolation_level=None, timeout=BUSY_S)
    db.text_factory = _text
    try:
        _is_ours(db)  # before anything of it is changed
        db.execute("PRAGMA journal_mode=WAL")
        db.execute("PRAGMA foreign_keys=ON")
        _bring_up(db)
    except BaseException:
        db.close()
        raise
    return db


def _copied(path: Path) -> sqlite3.Connection:
    """Read the file into memory. Exclusive locking: SQLite needs no second file then (sqlite.org/wal.html, 8)."""
    memory = sqlite3.connect(":memory:", isolation_level=None)
    memory.text_factory = _text
    try:
        with contextlib.closing(sqlite3.connect(path, isolation_level=None, timeout=BUSY_S)) as file:
            file.execute("PRAGMA locking_mode=EXCLUSIVE")
            file.execute("SELECT 1 FROM note").fetchone()
            file.backup(memory)
        _bring_up(memory)
    except BaseException:
        memory.close()
        raise
    return memory


def _text(raw: bytes) -> str:
    """Return a text also where a bit of it was lost on the card: one spoilt name must not keep everybody out."""
    return raw.decode(errors="replace")


def _bring_up(db: sqlite3.Connection) -> None:
    """Make the tables, or bring those of an older version here; all of it or nothing. Raises `AccountsError`."""
    if _is_ours(db):
        return
    db.execute("BEGIN IMMEDIATE")
    try:
        while not _is_ours(db):  # another process may have done it in the same moment
            before = _version(db)
            for statement in _statements(resources.files("api").joinpath(STEPS[before]).read_text(encoding="utf-8")):
                db.execute(statement)
        db.execute("COMMIT")
    except BaseException:
        if db.in_transaction:  # a full disk ended it already
            db.execute("ROLLBACK")
        raise


def _is_ours(db: sqlite3.Connection) -> bool:
    if (found := _version(db)) > VERSION:
        raise AccountsError(TOO_NEW.format(found, VERSION))
    return found == VERSION


def _version(db: sqlite3.Connection) -> int:
    return int(db.execute("PRAGMA user_version").fetchone()[0])


def _statements(script: str) -> Iterator[str]:
    """Yield the statements of a script; `executescript` would end the transaction that they belong to."""
    statement = ""
    for line in script.splitlines(keepends=True):
        statement += line
        if sqlite3.complete_statement(statement):
            yield statement
            statement = ""


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
