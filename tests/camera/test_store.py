"""What stays on the disk, for how long, and what a thumbnail shows."""

from __future__ import annotations

import datetime as dt
import time
from pathlib import Path

from camera.disk import floor
from camera.store import Store

NOON = dt.datetime(2026, 11, 21, 5, 0, tzinfo=dt.UTC).timestamp()
ROOMY = (10**12, 10**12)


def store(folder: Path, *, keep_days: int = 14, max_gb: float = 1.0, space: tuple[int, int] = ROOMY) -> Store:
    """Return a store in Vietnam's time zone on a disk with this (total, free) space."""
    return Store(folder, "Asia/Ho_Chi_Minh", keep_days, max_gb, lambda _: space)


def keep(folder: Path, day: str, event: str, size: int = 1000, suffixes: tuple[str, ...] = (".mp4", ".jpg")) -> None:
    """Put an event's files there."""
    for suffix in suffixes:
        path = folder / day / f"{event}{suffix}"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"x" * size)


def test_an_event_is_filed_under_the_sites_own_day(tmp_path: Path) -> None:
    """18:30 UTC is already tomorrow in Vietnam."""
    late = dt.datetime(2026, 11, 21, 18, 30, tzinfo=dt.UTC).timestamp()
    assert store(tmp_path).name("id", late, ".mp4") == "2026-11-22/id.mp4"


def test_what_is_older_than_keep_days_goes(tmp_path: Path) -> None:
    """Age first, with its thumbnail, and its empty day."""
    keep(tmp_path, "2026-11-01", "old")
    keep(tmp_path, "2026-11-08", "kept")
    (gone,) = store(tmp_path, keep_days=14).sweep(NOON)
    assert (gone.event_id, gone.reason) == ("old", "age")
    assert not (tmp_path / "2026-11-01").exists()
    assert (tmp_path / "2026-11-08" / "kept.mp4").exists()


def test_the_oldest_goes_when_there_is_too_much(tmp_path: Path) -> None:
    """max_gb counts everything; ids sort by time."""
    for event in ("a", "b", "c"):
        keep(tmp_path, "2026-11-20", event, size=600_000, suffixes=(".mp4",))
    gone = store(tmp_path, max_gb=0.0015).sweep(NOON)
    assert [(event.event_id, event.reason) for event in gone] == [("a", "size")]


def test_a_full_disk_gets_room_from_the_oldest(tmp_path: Path) -> None:
    """Other programs fill the card too; and where nothing helps, nothing new is written."""
    keep(tmp_path, "2026-11-20", "a")
    files = store(tmp_path, space=(10**9, 10**6))
    assert [event.reason for event in files.sweep(NOON)] == ["disk"]
    assert files.low
    assert files.free_bytes == 10**6


def test_the_clip_that_is_being_written_stays(tmp_path: Path) -> None:
    """Its writer owns it."""
    keep(tmp_path, "2026-11-01", "now", suffixes=(".part", ".jpg"))
    assert store(tmp_path).sweep(NOON) == []
    assert store(tmp_path).unfinished() == [tmp_path / "2026-11-01" / "now.part"]


def test_what_is_not_ours_stays(tmp_path: Path) -> None:
    """Nothing outside the day folders is touched, and no file of another kind."""
    keep(tmp_path, "holiday", "photo")
    keep(tmp_path, "2026-11-01", "notes", suffixes=(".txt",))
    assert store(tmp_path).sweep(NOON) == []


def test_the_floor_is_a_share_of_small_disks_and_half_a_gibibyte_of_large_ones() -> None:
    """Never the whole card."""
    assert floor(4 * 10**9) == 2 * 10**8
    assert floor(10**12) == 512 * 1024**2


def test_what_somebody_holds_stays_whatever_happens(tmp_path: Path) -> None:
    """Issue 4, 5: too old, too much, the card full; until it is released."""
    keep(tmp_path, "2026-11-01", "proof")
    keep(tmp_path, "2026-11-02", "other")
    files = store(tmp_path, max_gb=0.0, space=(10**9, 10**6))
    assert files.hold("proof")
    assert [gone.event_id for gone in files.sweep(NOON)] == ["other"]
    again = store(tmp_path)
    assert again.sweep(NOON) == []
    assert (tmp_path / "2026-11-01" / "proof.mp4").exists()
    assert again.release("proof")
    assert [gone.event_id for gone in again.sweep(NOON)] == ["proof"]
    assert list(tmp_path.iterdir()) == []


def test_only_what_is_there_can_be_held(tmp_path: Path) -> None:
    """And only what is held released; no name leads out of the folder."""
    keep(tmp_path, "2026-11-20", "a")
    files = store(tmp_path)
    assert not files.hold("unknown")
    assert not files.release("a")
    assert not files.hold("../2026-11-20/a")
    assert not files.hold("*")
    assert sorted(path.name for path in tmp_path.rglob("*.*")) == ["a.jpg", "a.mp4"]


def test_a_clip_that_two_events_share_goes_with_both_and_stays_with_either(tmp_path: Path) -> None:
    """Joined events: `.join` leads to the clip; holding the second holds it; the bytes are told once."""
    keep(tmp_path, "2026-11-01", "first")
    keep(tmp_path, "2026-11-02", "second", suffixes=(".jpg",))
    (tmp_path / "2026-11-01" / "second.join").write_text('{"clip": "first"}', encoding="utf-8")
    files = store(tmp_path)
    assert files.hold("second")
    assert files.sweep(NOON) == []
    files.release("second")
    one, two = files.sweep(NOON)
    assert (one.event_id, two.event_id) == ("first", "second")
    assert (one.clip, two.clip) == ("2026-11-01/first.mp4",) * 2
    assert (one.bytes > 3000, two.bytes) == (True, 0)
    assert list(tmp_path.iterdir()) == []


def test_the_continuous_recording_gives_way_before_an_event_does(tmp_path: Path) -> None:
    """Counted together; told in one fact; by age they are alike."""
    keep(tmp_path, "2026-11-19", "event", size=600_000, suffixes=(".mp4",))
    for piece in ("08-00-00", "08-05-00", "08-10-00"):
        keep(tmp_path / "continuous", "2026-11-20", piece, size=600_000, suffixes=(".mp4",))
    (gone,) = store(tmp_path, max_gb=0.0013).sweep(NOON)
    assert gone.fact() == {
        "segments": 2, "clip": "continuous/2026-11-20/08-00-00.mp4", "last": "continuous/2026-11-20/08-05-00.mp4",
        "reason": "size", "bytes": 1_200_000,
    }  # fmt: skip
    old = NOON + 30 * 86_400
    assert [(gone.event_id, gone.reason) for gone in store(tmp_path).sweep(old)] == [(None, "age"), ("event", "age")]


def test_nothing_is_too_old_while_the_clock_is_not_believed(tmp_path: Path) -> None:
    """A board that wakes up in another year forgets no evidence."""
    keep(tmp_path, "2026-11-01", "a")
    files = store(tmp_path)
    assert files.sweep(NOON + 1e9, trusted=False) == []
    assert len(files.sweep(NOON + 1e9)) == 1


def test_what_cannot_be_deleted_stops_nothing_else(tmp_path: Path) -> None:
    """One damaged file must not fill the card."""
    keep(tmp_path, "2026-11-01", "a", suffixes=(".jpg",))
    (tmp_path / "2026-11-01" / "a.mp4").mkdir()
    keep(tmp_path, "2026-11-02", "b")
    files = store(tmp_path)
    assert [gone.event_id for gone in files.sweep(NOON)] == ["b"]
    assert files.undeletable is not None


def test_many_events_are_looked_through_in_no_time(tmp_path: Path) -> None:
    """A day's folder is read once; two hundred clips go at a time, so that nobody waits."""
    for number in range(1000):
        folder = tmp_path / f"2026-10-{number // 250 + 1:02d}"
        folder.mkdir(exist_ok=True)
        (folder / f"{number:04d}.mp4").touch()
    files = store(tmp_path, keep_days=60)
    files.sweep(NOON + 60)
    began_s = time.process_time()
    assert files.sweep(NOON + 120) == []
    assert time.process_time() - began_s < 0.05
    tidy = store(tmp_path, keep_days=14)
    assert [len(tidy.sweep(NOON)) for _ in range(6)] == [200, 200, 200, 200, 200, 0]
    assert not tidy.more
    assert list(tmp_path.iterdir()) == []
