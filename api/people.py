"""People, their sessions and their pairing codes.

Wall time comes in as `now_s`. A clock that went back never locks anybody out: ages only grow from what is stored.
Secrets are handed out once, when they are made; only their hashes are kept.
"""

from __future__ import annotations

import base64
import hashlib
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum, auto

from api.accounts import Store
from gate.client import new_id
from gate.model import JsonObject, Role

DAY_S = 86_400.0
IDLE_END_S = 30 * DAY_S
ABSOLUTE_END_S = 90 * DAY_S
TOUCH_EVERY_S = 600.0
PAIRING_LASTS_S = 900.0
SIMULATED_PAIRING_LASTS_S = DAY_S
MOST_SESSIONS = 20
SESSION_BYTES = 32
CODE_BYTES = 16
UNNAMED = "?"
LAST_MOMENT_S = 250_000_000_000.0  # in the year 9892


@dataclass(frozen=True, kw_only=True, slots=True)
class Person:
    """Somebody who may use the gate."""

    name: str
    display_name: str
    roles: frozenset[Role]
    disabled: bool
    has_password: bool
    created_at: float


@dataclass(frozen=True, kw_only=True, slots=True)
class Session:
    """One signed-in browser of one person.

    `proved_at`: wall seconds at which a credential was last seen; `phone`: the hash by which phones.py knows it.
    """

    id: str
    person: Person
    device: str
    created_at: float
    last_seen_at: float
    proved_at: float
    phone: str | None = None

    @property
    def expires_at(self) -> float:
        """Wall seconds at which it ends if nobody uses it until then."""
        return min(self.created_at + ABSOLUTE_END_S, self.last_seen_at + IDLE_END_S)

    def by(self) -> JsonObject:
        """Return who its deeds are journalled under, and from which phone, where that has a name."""
        who: JsonObject = {"type": "person", "id": self.person.name, "name": self.person.display_name}
        return who if self.device == UNNAMED else {**who, "device": self.device}


class Outcome(Enum):
    """What became of a change to a person."""

    DONE = auto()
    UNKNOWN = auto()
    EXISTS = auto()
    LAST_MAINTAINER = auto()


PERSON = "p.name, p.display_name, p.roles, p.disabled, p.password IS NOT NULL, p.created_at"


def _person_of(row: Sequence[object]) -> Person:
    name, display_name, roles, disabled, has_password, created_at = row
    return Person(
        name=str(name), display_name=str(display_name), roles=frozenset(r for r in Role if r in str(roles).split()),
        disabled=bool(disabled), has_password=bool(has_password), created_at=kept_moment(created_at),
    )  # fmt: skip


def kept_moment(value: object) -> float:
    """Return wall seconds that a calendar has; a card that lost a bit may say 1e300."""
    return min(max(float(str(value)), 0.0), LAST_MOMENT_S)


def _session_of(row: Sequence[object]) -> Session:
    return Session(
        person=_person_of(row[:6]), id=str(row[6]), device=str(row[7]), created_at=kept_moment(row[8]),
        last_seen_at=kept_moment(row[9]), proved_at=kept_moment(row[10]),
        phone=None if row[11] is None else str(row[11]),
    )  # fmt: skip


def hashed(secret: str) -> str:
    """Return what is kept of a cookie or a pairing code."""
    return hashlib.sha256(secret.encode()).hexdigest()


def clean_code(code: str) -> str:
    """Return a pairing code as it was made, however a person typed it."""
    return "".join(code.split()).replace("-", "").upper()


class Accounts:
    """People, sessions and pairing codes. A view of a `Store`, cheap to make."""

    def __init__(self, store: Store) -> None:
        self._store = store

    # People.

    def person(self, name: str) -> Person | None:
        """Return the person of this name, disabled or not."""
        found = self._store.rows(f"SELECT {PERSON} FROM person p WHERE p.name = ?", name)  # noqa: S608 - a constant
        return _person_of(found[0]) if found else None

    def people(self) -> list[Person]:
        """Return everybody, by name."""
        return [_person_of(row) for row in self._store.rows(f"SELECT {PERSON} FROM person p ORDER BY p.name")]  # noqa: S608 - a constant

    def password_hash(self, name: str) -> str | None:
        """Return the hash to compare a password with; None where no password can be right."""
        found = self._store.rows("SELECT password FROM person WHERE name = ? AND NOT disabled", name)
        return str(found[0][0]) if found and found[0][0] is not None else None

    def add_person(
        self, name: str, display_name: str, roles: frozenset[Role], password_hash: str | None, now_s: float
    ) -> Outcome:
        """Add somebody."""
        if self.person(name):
            return Outcome.EXISTS
        with self._store.changing() as db:
            values = (name, display_name, " ".join(sorted(roles)), password_hash, now_s)
            db.execute("INSERT INTO person VALUES (?, ?, ?, ?, 0, ?)", values)
        return Outcome.DONE

    def change_person(  # noqa: PLR0913 - one change, as it comes from one form
        self,
        name: str,
        *,
        display_name: str | None = None,
        roles: frozenset[Role] | None = None,
        disabled: bool | None = None,
        password_hash: str | None = None,
        keep_session: str | None = None,
    ) -> Outcome:
        """Change what is given. Disabling and a new password end the person's sessions, all but `keep_session`."""
        before = self.person(name)
        if before is None:
            return Outcome.UNKNOWN
        roles_after = before.roles if roles is None else roles
        disabled_after = before.disabled if disabled is None else disabled
        loses = Role.MAINTAINER in before.roles and not before.disabled
        if loses and (disabled_after or Role.MAINTAINER not in roles_after) and not self._other_maintainer(name):
            return Outcome.LAST_MAINTAINER
        with self._store.changing() as db:
            db.execute(
                "UPDATE person SET display_name = coalesce(?, display_name), roles = ?, disabled = ?, "
                "password = coalesce(?, password) WHERE name = ?",
                (display_name, " ".join(sorted(roles_after)), disabled_after, password_hash, name),
            )
            if disabled_after or password_hash:
                db.execute("DELETE FROM session WHERE person = ? AND id IS NOT ?", (name, keep_session))
            if disabled_after:
                db.execute("DELETE FROM pairing WHERE person = ?", (name,))
        return Outcome.DONE

    def _other_maintainer(self, name: str) -> bool:
        return any(
            Role.MAINTAINER in person.roles and not person.disabled and person.name != name for person in self.people()
        )

    def somebody_can_maintain(self, now_s: float) -> bool:
        """Tell whether a maintainer can still get in: by a password, or with a phone that is signed in."""
        return any(
            Role.MAINTAINER in person.roles
            and not person.disabled
            and (person.has_password or bool(self.sessions_of(person.name, now_s)))
            for person in self.people()
        )

    # Sessions.

    def open_session(self, name: str, device: str, now_s: float, phone: str | None = None) -> tuple[str, Session]:
        """Sign a person in; return the cookie's value and the session. The oldest ones beyond `MOST_SESSIONS` end."""
        token = secrets.token_urlsafe(SESSION_BYTES)
        session_id = new_id()
        with self._store.changing() as db:
            values = (hashed(token), session_id, name, device, now_s, now_s, now_s, phone)
            db.execute("INSERT INTO session VALUES (?, ?, ?, ?, ?, ?, ?, ?)", values)
            db.execute(
                "DELETE FROM session WHERE person = ? AND id NOT IN "
                "(SELECT id FROM session WHERE person = ? ORDER BY last_seen_at DESC, id DESC LIMIT ?)",
                (name, name, MOST_SESSIONS),
            )
        return token, self.sessions("s.id = ?", session_id)[0]

    def session(self, token: str, now_s: float) -> Session | None:
        """Return the session of this cookie, if it may still be used."""
        found = self.sessions("s.hash = ?", hashed(token))
        return found[0] if found and self.lives(found[0], now_s) else None

    def is_alive(self, session_id: str, now_s: float) -> bool:
        """Tell whether this session may still be used."""
        found = self.sessions("s.id = ?", session_id)
        return bool(found) and self.lives(found[0], now_s)

    def sessions_of(self, name: str, now_s: float) -> list[Session]:
        """Return the sessions of a person that may still be used, newest first."""
        found = self.sessions("s.person = ?", name)
        return sorted((s for s in found if self.lives(s, now_s)), key=lambda s: s.last_seen_at, reverse=True)

    def session_of_person(self, session_id: str, name: str) -> Session | None:
        """Return one session of this person, whether it may still be used or not."""
        return next((found for found in self.sessions("s.id = ?", session_id) if found.person.name == name), None)

    def sessions(self, where: str, *values: str) -> list[Session]:
        """Return sessions by one constant condition."""
        sql = f"SELECT {PERSON}, s.id, s.device, s.created_at, s.last_seen_at, s.proved_at, s.phone FROM session s JOIN person p ON p.name = s.person WHERE {where}"  # noqa: E501, S608 - constants
        return [_session_of(row) for row in self._store.rows(sql, *values)]

    def touch(self, session_id: str, now_s: float) -> None:
        """Note that a session is in use."""
        with self._store.changing(durable=False) as db:
            db.execute("UPDATE session SET last_seen_at = ? WHERE id = ?", (now_s, session_id))

    def prove(self, session_id: str, now_s: float) -> None:
        """Note that a session's person showed a credential."""
        with self._store.changing(durable=False) as db:
            db.execute("UPDATE session SET proved_at = ? WHERE id = ?", (now_s, session_id))

    def proofs(self) -> frozenset[tuple[str, float]]:
        """Return each session's id with the moment at which it was last proved."""
        rows = self._store.rows("SELECT id, proved_at FROM session")
        return frozenset((str(session_id), kept_moment(at_s)) for session_id, at_s in rows)

    def end_session(self, session_id: str, name: str) -> str | None:
        """End one session of a person and return its phone's name; None where there is none."""
        sql = "DELETE FROM session WHERE id = ? AND person = ? RETURNING device"
        with self._store.changing() as db:
            row = db.execute(sql, (session_id, name)).fetchone()
        return None if row is None else str(row[0])

    @staticmethod
    def lives(session: Session, now_s: float) -> bool:
        """Tell whether a session may still be used."""
        return not session.person.disabled and now_s < session.expires_at

    # Pairing.

    def make_pairing(self, name: str, lasts_s: float, now_s: float) -> str:
        """Return a new one-time code of 128 bits for a person; an older one that was not used is worth nothing."""
        code = base64.b32encode(secrets.token_bytes(CODE_BYTES)).decode().rstrip("=")
        with self._store.changing() as db:
            db.execute(
                "INSERT INTO pairing VALUES (?, ?, ?) "
                "ON CONFLICT (person) DO UPDATE SET hash = excluded.hash, expires_at = excluded.expires_at",
                (name, hashed(code), now_s + lasts_s),
            )
        return code

    def redeem(self, code: str, now_s: float, only: str | None = None) -> Person | None:
        """Use a code up and return whose it was; None where it is unknown, used, expired or not that of `only`."""
        with self._store.changing() as db:
            row = db.execute(
                "DELETE FROM pairing WHERE hash = ? AND person = coalesce(?, person) RETURNING person, expires_at",
                (hashed(clean_code(code)), only),
            ).fetchone()
        if row is None or float(row[1]) <= now_s:
            return None
        person = self.person(str(row[0]))
        return person if person and not person.disabled else None
