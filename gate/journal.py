"""The journal: append-only, hash-chained, one writer thread; readers open the file read-only.

- `Journal` belongs to the gate process alone. `write` never blocks and never fails: rows wait in memory, in order, for
  the thread that batches them into transactions. A batch that holds a command, an alarm or a move is on the disk
  (`synchronous=FULL`) before anybody is told of it.
- While the disk refuses (full, gone), rows stay in memory and are tried again; `trouble` says so. The gate goes on.
- `hash = SHA-256(prev ‖ canonical JSON (RFC 8785) of the row without hash)`, hex; the first `prev` is 64 zeros.
"""

from __future__ import annotations

import contextlib
import datetime as dt
import hashlib
import json
import logging
import queue
import sqlite3
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from importlib import resources
from pathlib import Path

import rfc8785

from gate import priority
from gate.client import new_id
from gate.model import DURABLE_KINDS, Fact, JsonObject, Kind

log = logging.getLogger(__name__)

FIRST_PREV = "0" * 64
LARGEST_BATCH = 200
LONGEST_QUEUE = 20_000
RETRY_S = 1.0
NOBODY: JsonObject = {"type": "process", "id": "", "name": ""}
COLUMNS = "seq, id, at, at_trusted, mono_ms, boot_id, kind, by, data, prev, hash"


class JournalError(Exception):
    """The journal can't be used as it is; the message says what to do."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Draft:
    """A fact that has not been given its place in the chain yet."""

    id: str
    at: str
    at_trusted: bool
    mono_ms: int
    kind: Kind
    by: JsonObject
    data: JsonObject


def boot_id() -> str:
    """Return the kernel's id of this boot; monotonic times compare only within one."""
    return Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip()


def utc(seconds: float) -> str:
    """Format wall seconds as the contract's UTC time with milliseconds."""
    at = dt.datetime.fromtimestamp(seconds, tz=dt.UTC)
    return at.strftime("%Y-%m-%dT%H:%M:%S.") + f"{at.microsecond // 1000:03d}Z"


def canonical(value: JsonObject) -> bytes:
    """Return canonical JSON (RFC 8785). Raises `ValueError` for what has no form in it: NaN, 2^53, half a surrogate."""
    return rfc8785.dumps(value)


def chain_hash(row: JsonObject) -> str:
    """Return the hash of a plain fact, which covers every field but `hash` itself."""
    body = {name: value for name, value in row.items() if name != "hash"}
    return hashlib.sha256(str(row["prev"]).encode("ascii") + canonical(body)).hexdigest()


class Journal:
    """The one writer. `told` is called in the writer thread for each fact once it is safe."""

    def __init__(self, path: Path, told: Callable[[Fact], None]) -> None:
        self._path = path
        self._told = told
        self._boot_id = boot_id()
        self._queue: queue.SimpleQueue[Draft | None] = queue.SimpleQueue()
        self._thread = threading.Thread(target=self._run, name="journal", daemon=True)
        self._db: sqlite3.Connection | None = None
        self._last = (0, FIRST_PREV)
        self._inode = 0
        self.trouble = ""
        self.kept_as: Path | None = None

    def open(self) -> None:
        """Open or create the file and start the writer.

        A file that is no database any more is kept beside the new one (`kept_as`); nothing is ever thrown away. On a
        full disk the gate begins all the same, with rows in memory. Raises `JournalError` where the folder can't be
        written.
        """
        try:
            self._connect_or_begin_anew()
        except (OSError, sqlite3.Error) as error:
            raise JournalError(
                f"the journal {self._path} can't be opened ({error}); make its folder writable for this user"
            ) from None
        self._thread.start()

    def write(self, kind: Kind, by: JsonObject, data: JsonObject, *, trusted: bool = False) -> str:
        """Queue one fact and return its id. Never blocks; `told` is called once the fact is on the disk."""
        draft = Draft(
            id=new_id(), at=utc(time.time()), at_trusted=trusted, mono_ms=time.monotonic_ns() // 1_000_000,
            kind=kind, by=by, data=data,
        )  # fmt: skip
        self._queue.put(draft)
        return draft.id

    def close(self, timeout_s: float = 3.0) -> None:
        """Write what waits, then close the file."""
        self._queue.put(None)
        if self._thread.is_alive():
            self._thread.join(timeout_s)

    def _connect_or_begin_anew(self) -> None:
        try:
            self._connect()
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode != sqlite3.SQLITE_FULL:
                raise
            self.trouble = "the disk is full; the journal waits in memory"
        except sqlite3.DatabaseError:
            self._set_aside()
            self._connect()

    def _connect(self) -> None:
        self._path.parent.mkdir(parents=True, exist_ok=True)
        db = sqlite3.connect(self._path, isolation_level=None, check_same_thread=False, timeout=1.0)
        try:
            db.execute("PRAGMA journal_mode=WAL")
            if not db.execute("SELECT 1 FROM sqlite_schema WHERE name='fact'").fetchone():
                script = resources.files("gate").joinpath("schema.sql").read_text(encoding="utf-8")
                db.executescript(f"BEGIN;\n{script}\nCOMMIT;")
            self._last = _end_of(db)
            self._inode = self._path.stat().st_ino
        except BaseException:
            db.close()
            raise
        self._db = db

    def _set_aside(self) -> None:
        self.kept_as = self._path.with_name(f"{self._path.name}.broken-{int(time.time())}")
        self._path.rename(self.kept_as)
        for suffix in ("-wal", "-shm"):
            with contextlib.suppress(FileNotFoundError):
                Path(f"{self._path}{suffix}").rename(f"{self.kept_as}{suffix}")
        log.error("the journal is no database any more; kept as %s, a new one begins", self.kept_as)

    def _run(self) -> None:
        priority.raise_this_thread(priority.GATE)  # it holds the interpreter lock that the rules wait for
        waiting: list[Draft] = []
        ending = False
        while not ending or waiting:
            ending |= self._collect(waiting, block=not waiting and not ending)
            if not waiting:
                continue
            try:
                facts = self._append(waiting[:LARGEST_BATCH])
            except (sqlite3.Error, OSError) as error:
                self.trouble = f"journal not written: {error}"
                log.error("%s; %d rows wait in memory", self.trouble, len(waiting))  # noqa: TRY400 - the reason is enough
                self._reread_the_end()
                if ending:
                    break
                time.sleep(RETRY_S)
                continue
            self.trouble = ""
            del waiting[: len(facts)]
            for fact in facts:
                self._told(fact)
        if self._db:
            self._db.close()

    def _collect(self, waiting: list[Draft], *, block: bool) -> bool:
        """Move what is queued into `waiting`; tell whether the end was asked for."""
        while True:
            try:
                draft = self._queue.get(block=block)
            except queue.Empty:
                return False
            if draft is None:
                return True
            if len(waiting) < LONGEST_QUEUE:
                waiting.append(draft)
            block = False

    def _reread_the_end(self) -> None:
        """Look again where the chain ends: only another writer can have made it grow, and then ours must follow it."""
        if self._db:
            with contextlib.suppress(sqlite3.Error):
                self._last = _end_of(self._db)

    def _is_our_file(self) -> bool:
        """Tell whether the path still leads to the file that is open: it may have been deleted or replaced."""
        try:
            return self._path.stat().st_ino == self._inode
        except OSError:
            return False

    def _append(self, drafts: Sequence[Draft]) -> list[Fact]:
        if self._db and not self._is_our_file():
            log.error("the journal %s was taken away while it was open; a new one begins", self._path)
            self._db.close()
            self._db = None
        if self._db is None:
            self._connect()
        db = self._db
        if db is None:
            raise sqlite3.OperationalError("not open")
        durable = any(draft.kind in DURABLE_KINDS for draft in drafts)
        db.execute(f"PRAGMA synchronous={'FULL' if durable else 'NORMAL'}")
        facts = list(self._chained(drafts))
        rows = [
            (f.seq, f.id, f.at, f.at_trusted, f.mono_ms, f.boot_id, f.kind, _text(f.by), _text(f.data), f.prev, f.hash)
            for f in facts
        ]
        db.execute("BEGIN IMMEDIATE")
        try:
            db.executemany(f"INSERT INTO fact ({COLUMNS}) VALUES (?,?,?,?,?,?,?,?,?,?,?)", rows)  # noqa: S608 - a constant
            db.execute("COMMIT")
        except BaseException:
            with contextlib.suppress(sqlite3.Error):
                db.execute("ROLLBACK")
            raise
        self._last = (facts[-1].seq, facts[-1].hash)
        return facts

    def _chained(self, drafts: Iterable[Draft]) -> Iterator[Fact]:
        seq, prev = self._last
        for draft in drafts:
            seq += 1
            row: JsonObject = {
                "seq": seq, "id": draft.id, "at": draft.at, "at_trusted": draft.at_trusted, "mono_ms": draft.mono_ms,
                "boot_id": self._boot_id, "kind": draft.kind.value, "by": draft.by, "data": draft.data, "prev": prev,
            }  # fmt: skip
            try:
                row["hash"] = chain_hash(row)
            except ValueError as error:  # RFC 8785 has no NaN, no integer beyond 2^53, no lone surrogate
                row["data"] = {"unwritable": ascii(error)}
                row["hash"] = chain_hash(row)
            fact = fact_from(row)
            yield fact
            prev = fact.hash


def _end_of(db: sqlite3.Connection) -> tuple[int, str]:
    last = db.execute("SELECT seq, hash FROM fact ORDER BY seq DESC LIMIT 1").fetchone()
    return (int(last[0]), str(last[1])) if last else (0, FIRST_PREV)


def _text(value: JsonObject) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"), sort_keys=True)


def fact_from(row: JsonObject) -> Fact:
    """Make a `Fact` from plain data that has all its fields."""
    return Fact(**row)  # type: ignore[arg-type] # the row was checked where it entered


class JournalReader:
    """A read-only view of the journal for other processes. One reader per thread.

    `forgiving`: a row that a card spoilt is read without what can't be read of it, so that it hides no other row; else
    it can't be read at all. Raises `JournalError` where the file is missing or is no journal.
    """

    def __init__(self, path: Path, *, forgiving: bool = False) -> None:
        self._forgiving = forgiving
        try:
            self._db = sqlite3.connect(f"file:{path}?mode=ro", uri=True, isolation_level=None, timeout=2.0)
            if forgiving:
                self._db.text_factory = _text_or_about
            self._db.execute("PRAGMA query_only=1")
            self._db.execute("SELECT seq FROM fact LIMIT 1").fetchone()
        except sqlite3.Error as error:
            raise JournalError(f"the journal {path} can't be read ({error})") from None

    def close(self) -> None:
        """Close the file."""
        self._db.close()

    def last_seq(self) -> int:
        """Return the newest row's number, 0 for an empty journal. Raises `JournalError`."""
        try:
            return int(self._db.execute("SELECT coalesce(max(seq), 0) FROM fact").fetchone()[0])
        except sqlite3.Error as error:
            raise JournalError(f"the journal can't be read ({error})") from None

    def first_after(self, seq: int) -> int:
        """Return the number of the first row after `seq`, 0 where there is none. Raises `JournalError`."""
        try:
            found = self._db.execute("SELECT min(seq) FROM fact WHERE seq > ?", [seq]).fetchone()
        except sqlite3.Error as error:
            raise JournalError(f"the journal can't be read ({error})") from None
        return int(found[0] or 0)

    def read(  # noqa: PLR0913 - one optional filter each, all by keyword
        self,
        *,
        after: int = 0,
        before: int | None = None,
        kinds: Sequence[str] = (),
        since: str | None = None,
        until: str | None = None,
        containing: Sequence[str] = (),
        limit: int = 100,
        newest_first: bool = False,
    ) -> list[Fact]:
        """Return facts with `after < seq < before`, `since <= at < until` (contract's UTC text), at most `limit`.

        `containing`: texts that the row's data must hold as it is written (compact JSON, keys sorted): a first sieve.
        """
        wanted, values = ["seq > ?"], list[object]([after])
        ends = self._ends(since, until) if since is not None and until is not None else (None, None)
        for clause, value in (
            ("seq < ?", before), ("seq >= ?", ends[0]), ("seq <= ?", ends[1]), ("at >= ?", since), ("at < ?", until),
            *(("instr(data, ?) > 0", text) for text in containing),
        ):  # fmt: skip
            if value is not None:
                wanted.append(clause)
                values.append(value)
        order = "DESC" if newest_first else "ASC"
        tail = f"ORDER BY seq {order} LIMIT ?"
        where = " AND ".join(wanted)
        # Each kind by its own index, as far as the limit: SQLite would sort every row of all of them for one page.
        one = f"SELECT * FROM (SELECT seq FROM fact WHERE kind = ? AND {where} {tail})"  # noqa: S608 - built from constants
        some = " UNION ALL ".join([one] * len(set(kinds)))
        if kinds:
            values = [value for kind in dict.fromkeys(kinds) for value in (kind, *values, limit)]
            where = f"seq IN (SELECT seq FROM ({some}) {tail})"  # noqa: S608 - as above
            values.append(limit)
        try:
            rows = self._db.execute(f"SELECT {COLUMNS} FROM fact WHERE {where} {tail}", [*values, limit])  # noqa: S608 - as above
            return [_fact_of(row, forgiving=self._forgiving) for row in rows]
        except sqlite3.Error as error:
            raise JournalError(f"the journal can't be read ({error})") from None

    def tally(
        self, *, kinds: Sequence[str], since: str, until: str, step_s: int, naming: Sequence[str] = ()
    ) -> list[Tally]:
        """Count the facts of these kinds from `since` to before `until`, in steps from `since`; only what there is.

        Of the kinds in `naming` it is told, too, which `name`s their data hold.
        """
        sql = f"""
            SELECT kind, (strftime('%s', at) - ?) / ? AS step, count(*), min(at), max(at),
                   json_group_array(DISTINCT json_extract(data, '$.name'))
                       FILTER (WHERE kind IN ({_marks(naming)}) AND json_valid(data)
                               AND json_extract(data, '$.name') <> '')
            FROM fact WHERE kind IN ({_marks(kinds)}) AND seq BETWEEN ? AND ? AND at >= ? AND at < ?
            GROUP BY kind, step ORDER BY step, kind"""  # noqa: S608 - built from constants
        begins_s = int(dt.datetime.fromisoformat(since).timestamp())
        values = [begins_s, step_s, *naming, *kinds, *self._ends(since, until), since, until]
        try:
            rows = self._db.execute(sql, values).fetchall()
        except sqlite3.Error as error:
            raise JournalError(f"the journal can't be read ({error})") from None
        return [
            Tally(kind=kind, step=step, count=count, first_at=first, last_at=last, names=_texts(json.loads(names)))
            for kind, step, count, first, last, names in rows
        ]

    def _ends(self, since: str, until: str) -> tuple[int, int]:
        """Return the first and the last row of a span, (0, -1) where it has none. Exact, whatever the clock did."""
        try:
            found = self._db.execute("SELECT min(seq), max(seq) FROM fact WHERE at >= ? AND at < ?", [since, until])
            first, last = found.fetchone()
        except sqlite3.Error as error:
            raise JournalError(f"the journal can't be read ({error})") from None
        return (0, -1) if first is None else (int(first), int(last))


@dataclass(frozen=True, kw_only=True, slots=True)
class Tally:
    """How many facts of a kind one step of a span has, the moments of its first and last, and the `name`s in them."""

    kind: str
    step: int
    count: int
    first_at: str
    last_at: str
    names: tuple[str, ...]


def _texts(found: Sequence[object]) -> tuple[str, ...]:
    return tuple(each for each in found if isinstance(each, str))


def _marks(values: Sequence[str]) -> str:
    return ",".join("?" * len(values))


def _text_or_about(raw: bytes) -> str:
    return raw.decode(errors="replace")


def _fact_of(row: Sequence[object], *, forgiving: bool) -> Fact:
    names = Fact.__slots__
    plain = dict(zip(names, row, strict=True))
    for name, spoilt in (("by", NOBODY), ("data", {})):
        try:
            found = json.loads(str(plain[name]))
        except ValueError:
            found = None
            if not forgiving:
                raise JournalError(f"row {row[0]} of the journal does not hold JSON; run antt-gate verify") from None
        plain[name] = found if isinstance(found, dict) or not forgiving else {**spoilt}
    plain["at_trusted"] = bool(plain["at_trusted"])
    return Fact(**plain)  # type: ignore[arg-type] # the columns of a STRICT table


@dataclass(frozen=True, kw_only=True)
class Verdict:
    """What `verify` found: `rows` that hold, and the first row that does not (0 if all do) with the reason."""

    rows: int
    broken_seq: int
    reason: str


def verify(path: Path) -> Verdict:
    """Walk the whole chain. Raises `JournalError` where the file can't be read at all."""
    reader = JournalReader(path)
    rows, prev, seq = 0, FIRST_PREV, 0
    try:
        while True:
            try:
                page = reader.read(after=seq, limit=1)
            except JournalError as error:
                return Verdict(rows=rows, broken_seq=seq + 1, reason=str(error))
            if not page:
                return Verdict(rows=rows, broken_seq=0, reason="")
            fact = page[0]
            reason = _fault(fact, seq, prev)
            if reason:
                return Verdict(rows=rows, broken_seq=fact.seq, reason=reason)
            rows, prev, seq = rows + 1, fact.hash, fact.seq
    finally:
        reader.close()


def _fault(fact: Fact, seq: int, prev: str) -> str:
    if fact.seq != seq + 1:
        return f"row {seq + 1} is missing"
    if fact.prev != prev:
        return "its prev is not the hash of the row before"
    if chain_hash(fact.plain()) != fact.hash:
        return "its content does not match its hash"
    return ""
