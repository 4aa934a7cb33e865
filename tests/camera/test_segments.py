"""The continuous recording: everything, in pieces, beside the clips of events and independent of them."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from camera.clip import ClipWriter, describe
from camera.messages import Limits
from camera.source import AccessUnit
from camera.store import Store
from tests.camera.conftest import decodes_cleanly, encoded, probe
from tests.camera.recording import STREAM, Bench, nal_bytes

LIMITS = Limits(pre_roll_s=2.0, post_roll_s=1.0, max_clip_s=30.0, segment_s=4.0)


@pytest.fixture(scope="module")
def units() -> list[AccessUnit]:
    """Return twelve seconds of a stream that begins at 100 s."""
    return list(encoded(12.0))


def pieces(folder: Path) -> list[Path]:
    """List the pieces in their order: the wall clock of this test is that of its run, all in one second."""
    return sorted(folder.glob("continuous/*/*.mp4"), key=lambda path: path.stat().st_mtime_ns)


def test_everything_is_kept_in_pieces_that_begin_at_key_pictures(tmp_path: Path, units: list[AccessUnit]) -> None:
    """Nothing between two pieces is missing, nothing twice; an event has its clip all the same."""
    (saved,) = Bench(tmp_path, LIMITS).plays(units, begin_s=105.0, end_s=106.0).over()
    assert decodes_cleanly(tmp_path / saved.name)
    found = pieces(tmp_path)
    assert [probe(path)["frames"] for path in found] == [40, 40, 40]
    assert all(decodes_cleanly(path) for path in found)
    kept = b"".join(map(nal_bytes, found))
    wanted = b"".join(unit.data.replace(b"\0\0\0\1", b"\0\0\1").replace(b"\0\0\1", b"") for unit in units)
    assert kept == wanted


def test_a_stream_that_breaks_ends_the_piece(tmp_path: Path, units: list[AccessUnit]) -> None:
    """Another picture, another file."""
    bench = Bench(tmp_path, LIMITS).plays(units[:20])
    bench.recorder.post(STREAM)
    bench.plays(units[20:40]).over()
    assert [probe(path)["frames"] for path in pieces(tmp_path)] == [20, 20]


def test_a_piece_that_a_power_cut_left_is_kept_and_an_empty_one_is_not(tmp_path: Path, units: list[AccessUnit]) -> None:
    """What was written plays; the next start gives it its name."""
    folder = tmp_path / "continuous" / "2026-11-21"
    writer = ClipWriter(folder / "08-00-00.part", units[0], None)
    writer.write_all(units[:35])
    left = (folder / "08-00-00.part").read_bytes()
    writer.close()
    (folder / "08-00-00.part").write_bytes(left)
    (folder / "08-05-00.part").write_bytes(b"")
    bench = Bench(tmp_path, LIMITS)
    bench.until((folder / "08-00-00.mp4").exists)
    bench.over()
    assert describe(folder / "08-00-00.mp4").duration_s >= 2.0
    assert list(folder.glob("*.part")) == []


def test_a_nearly_full_disk_gets_no_pieces(tmp_path: Path, units: list[AccessUnit]) -> None:
    """The last room belongs to nobody."""
    Bench(tmp_path, LIMITS, space=(10**9, 10**6)).plays(units).over()
    assert pieces(tmp_path) == []


def test_a_clock_that_was_set_back_overwrites_nothing(tmp_path: Path, units: list[AccessUnit]) -> None:
    """Two pieces of the same second have two names; the day is the site's own."""
    store = Store(tmp_path, "Asia/Ho_Chi_Minh", 14, 1.0)
    first = store.segment(1_790_000_000.0)
    assert first.relative_to(tmp_path).as_posix() == "continuous/2026-09-21/21-13-20.part"
    ClipWriter(first, units[0], None).close()
    second = store.segment(1_790_000_000.0)
    second.touch()
    first.rename(first.with_suffix(".mp4"))
    third = store.segment(1_790_000_000.0)
    assert len({first, second, third}) == 3


def test_a_stream_without_key_pictures_makes_no_piece(tmp_path: Path, units: list[AccessUnit]) -> None:
    """Nothing could be seen in it."""
    Bench(tmp_path, LIMITS).plays(replace(unit, key=False) for unit in units).over()
    assert list(tmp_path.rglob("*.*")) == []
