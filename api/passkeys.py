"""Passkeys: kept here as public keys; what a browser must sign, and whether it did.

- They work where `api.domain` names the page, at that name, in a secure page (HTTPS; a browser counts localhost too).
- A passkey must ask for finger, face or PIN each time (user verification): it stands for a password then, and for more.
- A challenge is our own HMAC over a moment, a purpose and a session, so that strangers who ask for many fill nothing.
  It lasts five minutes, and one that opened something opens nothing again. Its key dies with this process.
- What a browser answered is read in ceremony.py.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from starlette.requests import HTTPConnection

from api.accounts import Store
from api.clock import Clock

MOST_PASSKEYS = 10
CHALLENGE_LASTS_MS = 300_000
NONCE_BYTES, MOMENT_BYTES, SEAL_BYTES = 16, 8, 16
LOCALHOST = "localhost"
COLUMNS = "id, person, public_key, sign_count, name, transports, created_at, last_used_at"


Signed = Mapping[str, object]
"""What a browser's `navigator.credentials` gave, in its JSON form."""


class WrongAnswerError(Exception):
    """What a browser answered proves nothing; the message is for the log."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Passkey:
    """One public key of a person. `id` is base64url; `sign_count` stays 0 where the authenticator does not count."""

    id: str
    person: str
    public_key: bytes
    sign_count: int
    name: str
    transports: str
    created_at: float
    last_used_at: float


@dataclass(frozen=True, kw_only=True, slots=True)
class Place:
    """Where passkeys are used: the relying party's id, and the one origin that they are taken from."""

    domain: str
    origin: str


class Passkeys:
    """The public keys. A view of a `Store`, cheap to make."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def of(self, person: str) -> list[Passkey]:
        """Return those of a person, oldest first."""
        found = self._store.rows(f"SELECT {COLUMNS} FROM passkey WHERE person = ? ORDER BY created_at, id", person)  # noqa: S608 - a constant
        return [_passkey_of(row) for row in found]

    def find(self, passkey_id: str) -> Passkey | None:
        """Return one."""
        found = self._store.rows(f"SELECT {COLUMNS} FROM passkey WHERE id = ?", passkey_id)  # noqa: S608 - a constant
        return _passkey_of(found[0]) if found else None

    def add(self, new: Passkey) -> bool:
        """Keep one; tell whether there was room and its id is new."""
        with self._store.changing() as db:
            count = db.execute("SELECT count(*) FROM passkey WHERE person = ?", (new.person,)).fetchone()[0]
            if count >= MOST_PASSKEYS:
                return False
            values = (new.id, new.person, new.public_key, new.sign_count, new.name, new.transports, new.created_at,
                      new.last_used_at)  # fmt: skip
            db.execute("INSERT OR IGNORE INTO passkey VALUES (?, ?, ?, ?, ?, ?, ?, ?)", values)
            return db.rowcount > 0

    def used(self, passkey_id: str, sign_count: int, now_s: float) -> None:
        """Note that one was used."""
        with self._store.changing(durable=False) as db:
            db.execute(
                "UPDATE passkey SET sign_count = ?, last_used_at = ? WHERE id = ?", (sign_count, now_s, passkey_id)
            )

    def remove(self, passkey_id: str, person: str) -> str | None:
        """Forget one of a person and return its name; None where there is none."""
        sql = "DELETE FROM passkey WHERE id = ? AND person = ? RETURNING name"
        with self._store.changing() as db:
            row = db.execute(sql, (passkey_id, person)).fetchone()
        return None if row is None else str(row[0])


def _passkey_of(row: Sequence[object]) -> Passkey:
    passkey_id, person, public_key, sign_count, name, transports, created_at, last_used_at = row
    return Passkey(
        id=str(passkey_id), person=str(person), public_key=public_key if isinstance(public_key, bytes) else b"",
        sign_count=int(str(sign_count)), name=str(name), transports=str(transports),
        created_at=float(str(created_at)), last_used_at=float(str(last_used_at)),
    )  # fmt: skip


class Challenges:
    """What is asked of a passkey. Nothing of one that was only asked for is kept."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._key = secrets.token_bytes(32)
        self._used: dict[bytes, int] = {}

    def make(self, purpose: str) -> bytes:
        """Return a new challenge for a purpose."""
        ends_ms = self._clock.mono_ms() + CHALLENGE_LASTS_MS
        body = secrets.token_bytes(NONCE_BYTES) + ends_ms.to_bytes(MOMENT_BYTES)
        return body + self._seal(body, purpose)

    def check(self, challenge: bytes, purpose: str) -> None:
        """Raise `WrongAnswerError` unless the challenge is ours, for this purpose, of now and never used."""
        body, seal = challenge[:-SEAL_BYTES], challenge[-SEAL_BYTES:]
        if not hmac.compare_digest(seal, self._seal(body, purpose)):
            raise WrongAnswerError("the challenge is not ours, or for something else")
        if self._clock.mono_ms() > int.from_bytes(body[NONCE_BYTES:]):
            raise WrongAnswerError("the challenge is too old")
        if challenge in self._used:
            raise WrongAnswerError("the challenge was answered before")

    def spend(self, challenge: bytes, purpose: str) -> None:
        """Use a challenge up, once. Raises as `check`."""
        self.check(challenge, purpose)
        now_ms = self._clock.mono_ms()
        self._used = {old: ends_ms for old, ends_ms in self._used.items() if ends_ms >= now_ms}
        self._used[challenge] = int.from_bytes(challenge[NONCE_BYTES:-SEAL_BYTES])

    def _seal(self, body: bytes, purpose: str) -> bytes:
        return hmac.digest(self._key, body + purpose.encode(), "sha256")[:SEAL_BYTES]


def place_of(connection: HTTPConnection, domain: str | None, *, secure: bool) -> Place | None:
    """Return where passkeys are used on the page that asks; None where they can't be."""
    host = connection.headers.get("host", "").lower()
    if domain is None or host.partition(":")[0] != domain or not (secure or domain == LOCALHOST):
        return None
    return Place(domain=domain, origin=f"{'https' if secure else 'http'}://{host}")


def handle_of(site: str, person: str) -> bytes:
    """Return what an authenticator keeps of whose a passkey is: nothing that says a name."""
    return hashlib.sha256(f"antt-gate passkey\0{site}\0{person}".encode()).digest()
