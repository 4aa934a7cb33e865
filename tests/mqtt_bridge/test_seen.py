"""The window of ids: persisted, bounded, and forgotten only when a command has expired."""

from __future__ import annotations

import contextlib
import datetime as dt
import sqlite3
from pathlib import Path

import pytest

from mqtt_bridge.envelope import FARTHEST_AHEAD_MS
from mqtt_bridge.seen import MOST_SEEN, Seen, SeenError

DAY = dt.date(2026, 11, 22)


def opened(path: Path, *, boot: str = "boot-1", now_ms: int = 1000) -> Seen:
    seen = Seen(path, boot=boot)
    seen.recall(seen.open(now_mono_ms=now_ms))
    return seen


def test_what_was_written_is_known_after_a_kill(tmp_path: Path) -> None:
    """Until its deadline, in its own boot; and the day that was believed."""
    first = opened(tmp_path / "commands.db")
    first.write([("early", 5000), ("late", 9000)], DAY, now_mono_ms=1000)
    again = opened(tmp_path / "commands.db", now_ms=6000)
    assert (again.knows("early"), again.knows("late"), again.day) == (False, True, DAY)
    assert not opened(tmp_path / "commands.db", boot="boot-2", now_ms=6000).knows("late")
    again.write([], None, now_mono_ms=10_000)
    assert not opened(tmp_path / "commands.db", now_ms=6000).knows("late")


def test_before_it_is_read_it_is_not_open(tmp_path: Path) -> None:
    """Between the file and the memory there is no moment in which an old id is new."""
    seen = Seen(tmp_path / "commands.db", boot="boot-1")
    found = seen.open(now_mono_ms=0)
    assert not seen.is_open
    seen.recall(found)
    assert seen.is_open


def test_memory_is_bounded_and_forgets_only_what_expired() -> None:
    seen = Seen(Path("nowhere"), boot="boot-1")
    for number in range(MOST_SEEN):
        assert seen.has_room(now_mono_ms=0)
        seen.remember(f"id-{number}", 100 if number < 5000 else 200, now_mono_ms=0)
    assert not seen.has_room(now_mono_ms=100)
    assert seen.knows("id-0")
    assert seen.has_room(now_mono_ms=101)
    assert (seen.knows("id-0"), seen.knows("id-5000")) == (False, True)


def test_a_damaged_file_is_kept_aside_and_nothing_of_its_time_counts_as_new(tmp_path: Path) -> None:
    (tmp_path / "commands.db").write_bytes(b"no database" * 500)
    seen = opened(tmp_path / "commands.db", now_ms=7000)
    assert seen.blind_until_ms == 7000 + FARTHEST_AHEAD_MS
    assert len(list(tmp_path.glob("commands.db.broken-*"))) == 1
    seen.write([("fresh", 9000)], None, now_mono_ms=7000)


def test_a_file_of_which_only_the_index_is_damaged_is_kept_aside_too(tmp_path: Path) -> None:
    """It can be read, so opening finds no fault; kept in use, it would refuse every command for ever."""
    path = tmp_path / "commands.db"
    opened(path).write([("early", 5000)], DAY, now_mono_ms=1000)
    with contextlib.closing(sqlite3.connect(path)) as db:
        db.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        (page,) = db.execute("SELECT rootpage FROM sqlite_master WHERE name LIKE 'sqlite_autoindex_seen%'").fetchone()
    raw = bytearray(path.read_bytes())
    raw[(page - 1) * 4096 : page * 4096] = b"\xee" * 4096
    path.write_bytes(raw)
    seen = opened(path, now_ms=2000)
    with pytest.raises(SeenError, match="malformed"):
        seen.write([("fresh", 9000)], None, now_mono_ms=2000)
    seen.recall(seen.open(now_mono_ms=2500))
    seen.write([("fresh", 9000)], None, now_mono_ms=2500)
    assert seen.blind_until_ms == 2000 + FARTHEST_AHEAD_MS
    assert len(list(tmp_path.glob("commands.db.broken-*"))) == 1


def test_a_file_that_can_not_be_written_says_what_to_do(tmp_path: Path) -> None:
    (tmp_path / "taken").write_text("a file, no folder", encoding="utf-8")
    seen = Seen(tmp_path / "taken" / "commands.db", boot="boot-1")
    with pytest.raises(SeenError, match="make its folder writable"):
        seen.open(now_mono_ms=0)
    with pytest.raises(SeenError):
        seen.write([("x", 1)], None, now_mono_ms=0)
