"""A journal of days that never were: rows that say themselves when they were written, made by the ten thousand."""

from __future__ import annotations

import contextlib
import datetime as dt
import json
import sqlite3
from collections.abc import Iterable
from pathlib import Path

from gate.client import new_id
from gate.journal import COLUMNS, Journal, utc
from gate.model import Json, JsonObject, Kind

Row = tuple[dt.datetime, Kind, JsonObject]
BY = '{"id":"camera","name":"","type":"process"}'


class Days:
    """A journal in a file. The hashes of its rows are nobody's business: `antt-gate verify` would say so."""

    def __init__(self, path: Path) -> None:
        self._path = path
        journal = Journal(path, lambda _: None)
        journal.open()
        journal.close()
        self._seq = 0

    def write(self, facts: Iterable[Row]) -> None:
        """Append rows."""
        rows: list[tuple[object, ...]] = []
        for at, kind, data in facts:
            self._seq += 1
            text = json.dumps(data, ensure_ascii=False, separators=(",", ":"), sort_keys=True)
            place = (self._seq, new_id(), utc(at.timestamp()), 1, 0, "boot", kind.value, BY)
            rows.append((*place, text, f"{self._seq}", f"{self._seq + 1}"))
        with contextlib.closing(sqlite3.connect(self._path)) as db, db:
            db.executemany(f"INSERT INTO fact ({COLUMNS}) VALUES (?,?,?,?,?,?,?,?,?,?,?)", rows)  # noqa: S608 - a constant

    def visit(self, at: dt.datetime, *ways: str, zone: str = "gateway", area: float = 0.03) -> str:
        """Have somebody pass for eight seconds; return the event."""
        rows = visit(at, *ways, zone=zone, area=area)
        self.write(rows)
        return str(rows[0][2]["event_id"])


def visit(at: dt.datetime, *ways: str, zone: str = "gateway", area: float = 0.03) -> list[Row]:
    """Return the rows of somebody who passes for eight seconds."""
    event_id = id_of(at)
    crossings: list[Json] = [{"line": "threshold", "direction": way} for way in ways]
    ended: JsonObject = {
        "event_id": event_id, "zones": [zone], "duration_s": 8.0, "peak_area": area, "crossings": crossings
    }  # fmt: skip
    return [
        (at, Kind.MOTION_STARTED, {"event_id": event_id, "zones": [zone], "source": "scene"}),
        (at + dt.timedelta(seconds=8), Kind.MOTION_ENDED, ended),
    ]


def id_of(at: dt.datetime) -> str:
    """Return a UUIDv7 of that moment."""
    digits = f"{int(at.timestamp() * 1000):012x}7{new_id().replace('-', '')[13:]}"
    return "-".join((digits[:8], digits[8:12], digits[12:16], digits[16:20], digits[20:]))
