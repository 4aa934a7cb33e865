"""What was answered to each Idempotency-Key, for 24 hours.

A row is made before the gate is asked and completed with its answer. A row without an answer means that this process
died, or the gate did, in between: the same command id is asked again then, and the gate knows whether it did it.
"""

from __future__ import annotations

from dataclasses import dataclass

from api.accounts import Store

KEPT_S = 86_400.0


@dataclass(frozen=True, kw_only=True, slots=True)
class Kept:
    """What is kept of one key. `status` and `body` are None until the gate answered."""

    body_hash: str
    command_id: str
    status: int | None
    body: str | None


class Answers:
    """The kept answers. A view of a `Store`, cheap to make."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def find(self, person: str, key: str, now_s: float) -> Kept | None:
        """Return what is kept of a key of a person."""
        found = self._store.rows(
            "SELECT body_hash, command_id, status, body FROM answer WHERE person = ? AND key = ? AND at > ?",
            person, key, now_s - KEPT_S,
        )  # fmt: skip
        if not found:
            return None
        body_hash, command_id, status, body = found[0]
        return Kept(
            body_hash=str(body_hash), command_id=str(command_id),
            status=None if status is None else int(str(status)), body=None if body is None else str(body),
        )  # fmt: skip

    def keep(self, person: str, key: str, kept: Kept, now_s: float) -> None:
        """Keep an order, or its answer, and forget what is older than a day."""
        with self._store.changing(durable=False) as db:
            db.execute("DELETE FROM answer WHERE at <= ?", (now_s - KEPT_S,))
            db.execute(
                "INSERT INTO answer VALUES (?, ?, ?, ?, ?, ?, ?) ON CONFLICT (person, key) DO UPDATE "
                "SET status = excluded.status, body = excluded.body",
                (person, key, kept.body_hash, kept.command_id, kept.status, kept.body, now_s),
            )
