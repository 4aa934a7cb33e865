"""What stays on the disk, for how long, and what a thumbnail shows."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import cv2
import numpy as np

from camera.store import Store, close_up, floor

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
        keep(tmp_path, "2026-11-20", event, size=60_000_000, suffixes=(".mp4",))
    gone = store(tmp_path, max_gb=0.15).sweep(NOON)
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


def test_a_thumbnail_shows_the_thing_in_its_box(tmp_path: Path) -> None:
    """A small thing far away must be seen, not guessed."""
    picture = np.full((540, 960, 3), 60, np.uint8)
    picture[200:230, 500:520] = (0, 0, 255)
    files = store(tmp_path)
    files.write_thumbnail("2026-11-21/id.jpg", picture, (500 / 960, 200 / 540, 520 / 960, 230 / 540))
    shown = cv2.imread(str(tmp_path / "2026-11-21" / "id.jpg"))
    assert shown is not None
    assert shown.shape[:2] == (360, 640)
    red = (shown[..., 2] > 200) & (shown[..., 1] < 80) & (shown[..., 0] < 80)
    assert np.count_nonzero(red) > 1200
    assert list(tmp_path.rglob("*.tmp")) == []


def test_a_thing_at_the_border_stays_within_the_thumbnail() -> None:
    """The view is moved, not cut."""
    picture = np.zeros((540, 960, 3), np.uint8)
    for box in ((0.0, 0.0, 0.05, 0.1), (0.95, 0.9, 1.0, 1.0), (0.0, 0.0, 1.0, 1.0)):
        assert close_up(picture, box).shape == (360, 640, 3)
