"""What evidence was asked for and taken, as accounts.db remembers it (table `evidence`)."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from api.accounts import Store
from api.evidence_choice import Choice
from api.evidence_package import Sealed
from gate.model import JsonObject

LASTS_S = 3600.0
COLUMNS = "id, person, at, reason, place, selection, status, manifest"


class Status(StrEnum):
    """How far a package got."""

    ASKED = "asked"
    BEGUN = "begun"
    SEALED = "sealed"
    EXPIRED = "expired"


OPEN = (Status.ASKED, Status.BEGUN)
"""What may still be taken. `begun` and not under way: it broke off and may be tried again."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Taking:
    """One package. `at`: wall seconds at which it was asked for; `sealed`: None until it was handed over whole."""

    evidence_id: str
    person: str
    at: float
    reason: str
    place: str
    choice: Choice
    clips: int
    status: Status
    sealed: Sealed | None

    def is_open(self, now_s: float) -> bool:
        """Tell whether it may be taken. A clock that was set far off ends it: nothing is held for ever."""
        return self.status in OPEN and abs(now_s - self.at) < LASTS_S


class Takings:
    """All of them. A view of a `Store`, cheap to make."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def add(self, taking: Taking, session_id: str) -> None:
        """Add one that is asked for."""
        choice = taking.choice
        selection: JsonObject = {
            "event_ids": list(choice.event_ids), "since": choice.since, "until": choice.until,
            "first_seq": choice.first_seq, "last_seq": choice.last_seq, "clips": taking.clips,
        }  # fmt: skip
        values = (taking.evidence_id, taking.person, session_id, taking.at, taking.reason, taking.place,
                  json.dumps(selection), taking.status.value)  # fmt: skip
        with self._store.changing() as db:
            db.execute("INSERT INTO evidence VALUES (?, ?, ?, ?, ?, ?, ?, ?, NULL)", values)

    def find(self, evidence_id: str) -> Taking | None:
        """Return one."""
        rows = self._store.rows(f"SELECT {COLUMNS} FROM evidence WHERE id = ?", evidence_id)  # noqa: S608 - a constant
        return _taking_of(rows[0]) if rows else None

    def newest(self, limit: int) -> list[Taking]:
        """Return the newest."""
        sql = f"SELECT {COLUMNS} FROM evidence ORDER BY at DESC, id DESC LIMIT ?"  # noqa: S608 - a constant
        return [_taking_of(row) for row in self._store.rows(sql, limit)]

    def unfinished(self) -> list[Taking]:
        """Return those of which events may be held."""
        sql = f"SELECT {COLUMNS} FROM evidence WHERE status IN (?, ?) ORDER BY at, id"  # noqa: S608 - a constant
        return [_taking_of(row) for row in self._store.rows(sql, *(status.value for status in OPEN))]

    def set_status(self, evidence_id: str, status: Status) -> None:
        """Note how far one got."""
        with self._store.changing() as db:
            db.execute("UPDATE evidence SET status = ? WHERE id = ?", (status.value, evidence_id))

    def seal(self, evidence_id: str, sealed: Sealed) -> None:
        """Note that one was handed over."""
        said = json.dumps({name: getattr(sealed, name) for name in Sealed.__slots__})
        with self._store.changing() as db:
            values = (Status.SEALED.value, said, evidence_id)
            db.execute("UPDATE evidence SET status = ?, manifest = ? WHERE id = ?", values)


def _taking_of(row: Sequence[object]) -> Taking:
    evidence_id, person, at, reason, place, selection, status, manifest = row
    chosen = json.loads(str(selection))
    said = None if manifest is None else json.loads(str(manifest))
    return Taking(
        evidence_id=str(evidence_id), person=str(person), at=float(str(at)), reason=str(reason), place=str(place),
        choice=Choice(
            event_ids=tuple(chosen["event_ids"]), since=chosen["since"], until=chosen["until"],
            first_seq=chosen["first_seq"], last_seq=chosen["last_seq"],
        ),
        clips=chosen["clips"], status=Status(str(status)),
        sealed=said and Sealed(
            manifest_sha256=said["manifest_sha256"], files=said["files"], bytes=said["bytes"],
            missing=tuple(said["missing"]), altered=tuple(said["altered"]),
        ),
    )  # fmt: skip
