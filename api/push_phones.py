"""Which phones get notifications, what their people want to hear, what waits: the push tables of accounts.db.

A phone here is a session: when that ends, by whomever and however, its row and what waits for it end with it.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from api.accounts import Store
from api.people import Accounts, Person, Session, kept_moment
from api.push_rules import Choice, Level, Subject
from gate.model import JsonObject, Role

UPTO = "push_upto"
COLUMNS = "session, endpoint, p256dh, auth, language, since_at, told_at, trouble, tests"


@dataclass(frozen=True, kw_only=True, slots=True)
class Phone:
    """One phone that gets notifications; accounts.sql says what each field is."""

    session: str
    endpoint: str
    p256dh: str
    auth: str
    language: str
    since_at: float
    told_at: float | None = None
    trouble: str | None = None
    tests: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class Kept:
    """One message that waits, with its end in wall seconds."""

    session: str
    subject: Subject
    level: Level
    words: JsonObject
    expires_at: float


class Phones:
    """All of them. A view of a `Store`, cheap to make. Raises `AccountsError` from every method."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def all(self) -> list[Phone]:
        """Return every phone, oldest first."""
        rows = self._store.rows(f"SELECT {COLUMNS} FROM push_phone ORDER BY since_at")  # noqa: S608 - a constant
        return [_phone(row) for row in rows]

    def find(self, session: str) -> Phone | None:
        """Return the phone of a session, None where it gets no notifications."""
        rows = self._store.rows(f"SELECT {COLUMNS} FROM push_phone WHERE session = ?", session)  # noqa: S608 - a constant
        return _phone(rows[0]) if rows else None

    def put(self, phone: Phone) -> None:
        """Keep a phone, and what waits for it.

        Whoever had this address before has it no more: a browser was signed in anew.
        """
        again = ", ".join(f"{column} = excluded.{column}" for column in COLUMNS.split(", ")[1:])
        sql = f"INSERT INTO push_phone VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO UPDATE SET {again}"  # noqa: S608 - constants
        with self._store.changing() as db:
            db.execute("DELETE FROM push_phone WHERE endpoint = ? AND session <> ?", (phone.endpoint, phone.session))
            values = (phone.session, phone.endpoint, phone.p256dh, phone.auth, phone.language, phone.since_at,
                      phone.told_at, phone.trouble, phone.tests)  # fmt: skip
            db.execute(sql, values)

    def remove(self, session: str, endpoint: str | None = None) -> bool:
        """Forget a phone, where `endpoint` is given only if that is still its address; tell whether there was one."""
        sql = "DELETE FROM push_phone WHERE session = ? AND endpoint = coalesce(?, endpoint) RETURNING session"
        with self._store.changing() as db:
            return db.execute(sql, (session, endpoint)).fetchone() is not None

    def took(self, session: str, subject: Subject, words: JsonObject, now_s: float) -> None:
        """Note that the push service took a message."""
        with self._store.changing(durable=False) as db:
            db.execute("UPDATE push_phone SET told_at = ?, trouble = NULL WHERE session = ?", (now_s, session))
            _drop(db, session, subject, words)

    def failed(self, session: str | None, trouble: str) -> None:
        """Note why a message was not taken; None: why none will be, of any phone."""
        with self._store.changing(durable=False) as db:
            db.execute("UPDATE push_phone SET trouble = ? WHERE session = coalesce(?, session)", (trouble, session))

    def give_up(self, session: str, subject: Subject, words: JsonObject) -> None:
        """Forget a message that nobody will take."""
        with self._store.changing(durable=False) as db:
            _drop(db, session, subject, words)

    def choice(self, person: Person) -> Choice:
        """Return what a person wants to hear; who looks after the gate hears everything until they choose."""
        sql = "SELECT least, start, end, urgent_always FROM push_choice WHERE person = ?"
        rows = self._store.rows(sql, person.name)
        if not rows:
            return Choice(least=Level.NOTICE if Role.MAINTAINER in person.roles else Level.WARNING)
        least, start, end, urgent_always = rows[0]
        level = next((each for each in Level if each == least), Level.NOTICE)  # what can't be read keeps nothing back
        return Choice(least=level, start=_text(start), end=_text(end), urgent_always=bool(urgent_always))

    def choose(self, person: str, choice: Choice) -> None:
        """Keep what a person wants to hear."""
        values = (person, choice.least.value, choice.start, choice.end, choice.urgent_always)
        with self._store.changing() as db:
            db.execute("INSERT OR REPLACE INTO push_choice VALUES (?, ?, ?, ?, ?)", values)

    def upto(self) -> int | None:
        """Return the last fact that phones were told of, None where none ever was."""
        noted = self._store.note(UPTO)
        return int(noted) if noted and noted.isdecimal() else None

    def waiting(self) -> list[Kept]:
        """Return what waits, of the subjects that this version knows."""
        rows = self._store.rows("SELECT session, subject, level, words, expires_at FROM push_waiting")
        return [
            Kept(session=str(session), subject=Subject(str(subject)), level=Level(str(level)),
                 words=json.loads(str(words)), expires_at=kept_moment(expires_at))
            for session, subject, level, words, expires_at in rows
            if subject in set(Subject) and level in set(Level)
        ]  # fmt: skip

    def wait(self, messages: Iterable[Kept], upto: int | None, tested: Sequence[tuple[str, str]] = ()) -> None:
        """Keep messages, and up to which fact phones are told now, as one. `tested`: sessions with the week of a test.

        A phone that was forgotten in the meantime is passed over.
        """
        insert = "INSERT OR REPLACE INTO push_waiting SELECT ?, ?, ?, ?, ? WHERE ? IN (SELECT session FROM push_phone)"
        with self._store.changing() as db:
            for one in messages:
                words = _written(one.words)
                values = (one.session, one.subject.value, one.level.value, words, one.expires_at, one.session)
                db.execute(insert, values)
            for session, week in tested:
                db.execute("UPDATE push_phone SET tests = ? WHERE session = ?", (week, session))
            if upto is not None:
                db.execute("INSERT OR REPLACE INTO note VALUES (?, ?)", (UPTO, str(upto)))


def alive(store: Store, now_s: float) -> list[tuple[Phone, Session]]:
    """Return the phones whose session may be used, with it, oldest first. Raises `AccountsError`."""
    found = Accounts(store).sessions("s.id IN (SELECT session FROM push_phone)")
    sessions = {session.id: session for session in found if Accounts.lives(session, now_s)}
    return [(phone, sessions[phone.session]) for phone in Phones(store).all() if phone.session in sessions]


def _drop(db: object, session: str, subject: Subject, words: JsonObject) -> None:
    """Delete a message, unless a newer one of its subject stands there by now."""
    sql = "DELETE FROM push_waiting WHERE session = ? AND subject = ? AND words = ?"
    db.execute(sql, (session, subject.value, _written(words)))  # type: ignore[attr-defined] # a cursor; sqlite3 is accounts.py's


def _written(words: JsonObject) -> str:
    return json.dumps(words, ensure_ascii=False, sort_keys=True)


def _text(value: object) -> str | None:
    return None if value is None else str(value)


def _phone(row: Sequence[object]) -> Phone:
    session, endpoint, p256dh, auth, language, since_at, told_at, trouble, tests = row
    return Phone(
        session=str(session), endpoint=str(endpoint), p256dh=str(p256dh), auth=str(auth),
        language="en" if language == "en" else "vi", since_at=kept_moment(since_at),
        told_at=None if told_at is None else kept_moment(told_at), trouble=_text(trouble), tests=str(tests),
    )  # fmt: skip
