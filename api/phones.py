"""Phones that a person has signed in on before: known phones.

- A known phone opens nothing. It only has tries of its own at its person's password (attempts.py) and goes first into
  the waiting room (waiting_room.py), so that its owner gets in while somebody else guesses.
- It is a long-lived cookie of 256 random bits, set at each successful sign-in; only its hash is kept. It survives
  signing out. It is forgotten when its session is ended from elsewhere: that is what one does for a lost phone.
- A tablet at the guard's desk is known for several people. Another person's first sign-in changes its cookie, so that
  a cookie that somebody put into the browser before is worth nothing to them.
"""

from __future__ import annotations

import secrets

from api.accounts import Store
from api.people import DAY_S, Session, hashed

TOKEN_BYTES = 32
KEPT_S = 400 * DAY_S  # as long as browsers keep a cookie
MOST_PHONES = 10


class Phones:
    """The known phones. A view of a `Store`, cheap to make."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def known(self, token: str | None, name: str, now_s: float) -> str | None:
        """Return the hash of this cookie if it is of a phone that this person signed in on."""
        found = self._store.rows(
            "SELECT hash FROM phone WHERE hash = ? AND person = ? AND last_seen_at > ?",
            hashed(token or ""), name, now_s - KEPT_S,
        )  # fmt: skip
        return str(found[0][0]) if found else None

    def is_anybodys(self, token: str | None) -> bool:
        """Tell whether anybody has signed in on this phone."""
        return bool(token) and bool(self._store.rows("SELECT 1 FROM phone WHERE hash = ?", hashed(token or "")))

    def welcome(self, token: str | None, name: str, now_s: float) -> str:
        """Know the phone of a successful sign-in; return the value that its cookie has from now on."""
        before = hashed(token or "")
        kept = self.known(token, name, now_s) is not None
        value = token if token and kept else secrets.token_urlsafe(TOKEN_BYTES)
        with self._store.changing(durable=False) as db:
            if not kept:
                db.execute("UPDATE phone SET hash = ? WHERE hash = ?", (hashed(value), before))
            db.execute(
                "INSERT INTO phone VALUES (?, ?, ?, ?) ON CONFLICT DO UPDATE SET last_seen_at = excluded.last_seen_at",
                (hashed(value), name, now_s, now_s),
            )
            db.execute(
                "DELETE FROM phone WHERE person = ? AND hash NOT IN "
                "(SELECT hash FROM phone WHERE person = ? ORDER BY last_seen_at DESC, first_seen_at DESC LIMIT ?)",
                (name, name, MOST_PHONES),
            )
        return value

    def forget(self, session: Session) -> None:
        """Forget the phone of a session that its owner or a maintainer ends from elsewhere."""
        with self._store.changing() as db:
            db.execute("DELETE FROM phone WHERE hash = ? AND person = ?", (session.phone, session.person.name))


def phone_of(session: Session) -> str:
    """Return the name under which the tries at a password of somebody who is signed in are counted."""
    return session.phone or session.id
