"""Clips: what came from the camera, bit by bit, from before the event to after it, whatever the disk does."""

from __future__ import annotations

import errno
import hashlib
import os
import random
import shutil
from pathlib import Path

import pytest

from camera.clip import BrokenClipError, ClipWriter, Note, describe, finish
from camera.disk import remedy
from camera.messages import Begin, End, Limits, Over
from camera.recorder import Saved
from camera.ring import Ring
from camera.segments import settle
from camera.source import AccessUnit
from tests.camera.conftest import decodes_cleanly, encoded, probe
from tests.camera.recording import STREAM, WALL_S, Bench, nal_bytes


@pytest.fixture(scope="module")
def units() -> list[AccessUnit]:
    """Return twelve seconds of a stream that begins at 100 s."""
    return list(encoded(12.0))


def test_a_clip_begins_before_the_event_and_ends_after_it(tmp_path: Path, units: list[AccessUnit]) -> None:
    """Pre-roll from the key picture at or before; post-roll after the end; duration right to 0.5 s."""
    (saved,) = Bench(tmp_path).plays(units, begin_s=105.3, end_s=108.0).over()
    assert saved.name == f"{Path(saved.name).parent}/event.mp4"
    path = tmp_path / saved.name
    seen = probe(path)
    assert seen["codec_name"] == "h264"
    assert saved.pre_roll_s == pytest.approx(3.3, abs=0.05)  # the key picture at 102.0
    assert seen["duration"] == pytest.approx(7.1, abs=0.2)
    assert saved.clip.duration_s == pytest.approx(7.1, abs=0.2)
    assert (saved.clip.width, saved.clip.height) == (160, 96)
    assert saved.clip.codec.startswith("avc1.")
    assert decodes_cleanly(path)


def test_no_picture_is_encoded_again(tmp_path: Path, units: list[AccessUnit]) -> None:
    """The slices in the file are those that came, in their order."""
    (saved,) = Bench(tmp_path).plays(units, begin_s=105.3, end_s=108.0).over()
    wanted = b"".join(
        part
        for unit in units
        if 101.95 <= unit.at_s <= 109.05
        for part in unit.data.replace(b"\x00\x00\x00\x01", b"\x00\x00\x01").split(b"\x00\x00\x01")
        if part
    )
    kept = nal_bytes(tmp_path / saved.name)
    assert kept == wanted


def two_events(bench: Bench, units: list[AccessUnit], *spans: tuple[str, float, float]) -> list[Saved]:
    """Send a stream with events (name, begin, end) in it."""
    for unit in units:
        bench.recorder.post(unit)
        for name, start, end in spans:
            if abs(unit.at_s - start) < 0.04:
                bench.recorder.post(Begin(event_id=name, at_s=start, wall_s=WALL_S))
            if abs(unit.at_s - end) < 0.04:
                bench.recorder.post(End(event_id=name, at_s=end))
    return bench.over()


def test_events_that_come_soon_after_one_another_share_a_clip(tmp_path: Path, units: list[AccessUnit]) -> None:
    """Issue 4, 4: joined; one file, named by both, from before the first to after the last."""
    one, two = two_events(Bench(tmp_path), units, ("one", 103.0, 104.0), ("two", 104.6, 106.0))
    assert (one.event_id, two.event_id) == ("one", "two")
    assert one.name == two.name
    assert [path.name for path in tmp_path.rglob("*.mp4")] == ["one.mp4"]
    assert one.clip.duration_s == pytest.approx(7.1, abs=0.2)  # 100.0 to 107.0
    assert (one.pre_roll_s, two.pre_roll_s) == pytest.approx((3.0, 4.6), abs=0.05)
    assert (one.lasted_s, two.lasted_s) == pytest.approx((1.0, 1.4), abs=0.05)


def test_a_move_of_the_gate_during_a_visit_is_in_its_clip(tmp_path: Path, units: list[AccessUnit]) -> None:
    """Each says why; a gate that opens for a car makes no second file."""
    bench = Bench(tmp_path)
    for unit in units:
        bench.recorder.post(unit)
        if unit.at_s == units[40].at_s:
            bench.recorder.post(Begin(event_id="car", at_s=unit.at_s, wall_s=WALL_S))
            bench.recorder.post(Begin(event_id="opens", at_s=unit.at_s, wall_s=WALL_S, cause="move"))
            bench.recorder.post(End(event_id="car", at_s=unit.at_s + 1.0))
        if unit.at_s == units[80].at_s:
            bench.recorder.post(End(event_id="opens", at_s=unit.at_s))
    assert [(saved.event_id, saved.cause) for saved in bench.over()] == [("car", "motion"), ("opens", "move")]
    assert bench.saved[0].clip.duration_s == pytest.approx(3.0 + 4.0 + 1.0, abs=0.3)
    fact = bench.saved[1].fact()
    assert fact["cause"] == "move"
    assert fact["started_at"] == "2026-09-21T14:13:20.000Z"
    assert fact["sha256"] == hashlib.sha256((tmp_path / bench.saved[0].name).read_bytes()).hexdigest()


def test_two_events_far_apart_have_a_clip_each(tmp_path: Path, units: list[AccessUnit]) -> None:
    """The first is whole before the second comes; they share the pictures between them."""
    one, two = two_events(Bench(tmp_path), units, ("one", 103.0, 104.0), ("two", 106.0, 107.0))
    assert one.name != two.name
    assert all(saved.clip.duration_s > 4 for saved in (one, two))


def test_a_street_that_never_rests_does_not_make_one_endless_clip(tmp_path: Path, units: list[AccessUnit]) -> None:
    """What comes after the longest clip has one of its own, and as much of it as any other."""
    limits = Limits(pre_roll_s=1.0, post_roll_s=1.0, max_clip_s=4.0)
    bench = Bench(tmp_path, limits)
    spans = ((f"e{number}", 101.0 + number, 101.9 + number) for number in range(9))
    saved = two_events(bench, units, *spans)
    assert [one.event_id for one in saved] == [f"e{number}" for number in range(9)]
    assert len({one.name for one in saved}) > 1
    for one in saved:
        assert one.clip.duration_s <= 8.2
        assert one.pre_roll_s >= 1.0
        assert one.clip.duration_s - one.pre_roll_s >= 1.8


def test_a_clip_is_never_longer_than_its_limit(tmp_path: Path, units: list[AccessUnit]) -> None:
    """An event that does not end does not fill the disk."""
    limits = Limits(pre_roll_s=1.0, post_roll_s=1.0, max_clip_s=5.0)
    (saved,) = Bench(tmp_path, limits).plays(units, begin_s=102.0).over()
    assert saved.clip.duration_s == pytest.approx(5.1, abs=0.3)


def test_a_stream_that_breaks_closes_the_clip(tmp_path: Path, units: list[AccessUnit]) -> None:
    """A reconnection or another size begins a new file; the old one is whole."""
    bench = Bench(tmp_path).plays(units, begin_s=105.0)
    bench.recorder.post(STREAM)
    assert len(bench.over()) == 1


def test_the_end_of_a_file_finishes_what_is_open(tmp_path: Path, units: list[AccessUnit]) -> None:
    """Nothing more comes: the clip is what there is."""
    bench = Bench(tmp_path).plays(units, begin_s=110.0, end_s=111.5)
    bench.recorder.post(Over())
    assert bench.over()[0].clip.duration_s == pytest.approx(5.0, abs=0.2)


def test_what_a_killed_process_left_is_finished_at_the_next_start(tmp_path: Path, units: list[AccessUnit]) -> None:
    """SIGKILL or a power cut: every second that was written plays, and the clip is told of."""
    folder = tmp_path / "2026-11-21"
    folder.mkdir()
    part = folder / "event.part"
    writer = ClipWriter(part, units[0], Note(event_id="event", pre_roll_s=2.5))
    for unit in units[:80]:
        writer.write(unit)
    left = part.read_bytes()  # not closed: the last fragment is still in memory
    writer.close()
    part.write_bytes(left)
    (saved,) = Bench(tmp_path).over()
    assert saved.event_id == "event"
    assert saved.pre_roll_s == 2.5
    assert saved.clip.duration_s >= 8.0 - 1.5
    assert decodes_cleanly(tmp_path / saved.name)
    assert not part.exists()


def test_wherever_a_file_was_cut_off_what_was_whole_before_it_plays(tmp_path: Path, units: list[AccessUnit]) -> None:
    """A card that lost power, or had no more room, while it wrote: it costs that fragment and no more."""
    part, piece = tmp_path / "event.part", tmp_path / "piece.part"
    writer = ClipWriter(part, units[0], Note(event_id="event", pre_roll_s=0.0))
    for unit in units:
        writer.write(unit)
    writer.close()
    data = part.read_bytes()
    chance = random.Random(4)
    for size in sorted(chance.randrange(6000, len(data)) for _ in range(12)):
        part.write_bytes(data[:size])
        piece.write_bytes(data[:size])
        clip = finish(part, tmp_path / "event.mp4")
        settle(piece)
        assert decodes_cleanly(tmp_path / "event.mp4")
        assert decodes_cleanly(tmp_path / "piece.mp4")
        piece_s = describe(tmp_path / "piece.mp4").duration_s
        assert piece_s >= 12.0 * size / len(data) - 2.5
        assert clip.duration_s >= piece_s - 0.01  # single pictures of a cut fragment are saved too


def test_a_part_without_a_picture_is_removed(tmp_path: Path) -> None:
    """Killed before the first fragment: there is nothing to keep, and nothing to stumble over."""
    folder = tmp_path / "2026-11-21"
    folder.mkdir()
    for name, data in (("empty", b""), ("noise", b"\x00\x01" * 400)):
        (folder / f"{name}.part").write_bytes(data)
        with pytest.raises(BrokenClipError):
            finish(folder / f"{name}.part", folder / f"{name}.mp4")
    assert Bench(tmp_path).over() == []
    assert list(folder.glob("*.part")) == []


def test_a_disk_that_refuses_is_a_trouble_and_no_crash(tmp_path: Path, units: list[AccessUnit]) -> None:
    """Full in the middle of a clip: said once, and the next event is recorded again."""
    bench = Bench(tmp_path).plays(units[:40], begin_s=100.5, end_s=101.5, name="first")
    bench.until(lambda: bool(bench.saved))
    part = tmp_path / bench.store.name("event", WALL_S, ".part")
    part.symlink_to("/dev/full")
    bench.plays(units[40:70], begin_s=104.0)
    bench.until(lambda: bool(bench.recorder.trouble))
    assert "free some space" in bench.recorder.trouble
    bench.plays(units[70:], begin_s=108.0, end_s=109.0, name="next")
    assert [saved.event_id for saved in bench.over()] == ["first", "next"]
    assert bench.recorder.trouble == ""


def test_a_folder_that_somebody_removed_is_named_as_that_and_made_again(
    tmp_path: Path, units: list[AccessUnit]
) -> None:
    """While a clip is written: that clip is lost, said truly; the next one is there."""
    bench = Bench(tmp_path / "media").plays(units[:60], begin_s=101.0)
    bench.until(lambda: any((tmp_path / "media").glob("*/*.part")))
    shutil.rmtree(tmp_path / "media")
    bench.plays(units[60:90], end_s=106.5)
    bench.until(lambda: bool(bench.recorder.trouble))
    assert "something removed it" in bench.recorder.trouble
    assert "free some space" not in bench.recorder.trouble
    bench.plays(units[90:], begin_s=109.5, end_s=110.0, name="next")
    assert [saved.event_id for saved in bench.over()] == ["next"]
    assert (tmp_path / "media" / bench.saved[0].name).is_file()
    assert bench.recorder.trouble == ""


@pytest.mark.parametrize(
    ("number", "words"),
    [
        (errno.ENOSPC, "free some space under /media"), (errno.EROFS, "make /media writable"),
        (errno.ENOENT, "something removed it"), (errno.EIO, "look after the disk"),
    ],
)  # fmt: skip
def test_each_trouble_of_the_disk_has_a_remedy_of_its_own(number: int, words: str) -> None:
    """A person is sent to what is wrong."""
    assert words in remedy(OSError(number, os.strerror(number)), Path("/media"))


def test_a_nearly_full_disk_gets_no_clip_and_is_told_once(tmp_path: Path, units: list[AccessUnit]) -> None:
    """The disk is never filled; people are told."""
    bench = Bench(tmp_path, space=(10**9, 10**6)).plays(units, begin_s=105.0, end_s=107.0)
    assert bench.over() == []
    assert bench.low == [10**6]


def test_room_that_somebody_made_is_seen_by_the_next_event(tmp_path: Path, units: list[AccessUnit]) -> None:
    """Nobody waits for the next sweep, a minute away, to have clips again."""
    bench = Bench(tmp_path)
    bench.until(lambda: bench.store.free_bytes > 0)
    bench.store.low = True
    assert len(bench.plays(units, begin_s=105.0, end_s=107.0).over()) == 1


def test_what_only_looks_like_an_unfinished_clip_holds_up_no_other(tmp_path: Path, units: list[AccessUnit]) -> None:
    """A pipe, a folder and a link to nothing, by the name of clips."""
    day = tmp_path / "2026-01-01"
    (day / "folder.part").mkdir(parents=True)
    os.mkfifo(day / "pipe.part")
    (day / "link.part").symlink_to(tmp_path / "nothing")
    bench = Bench(tmp_path).plays(units, begin_s=105.0, end_s=107.0)
    assert len(bench.over()) == 1
    assert not bench.recorder.trouble


def test_recording_that_is_switched_off_leaves_events_without_clips(tmp_path: Path, units: list[AccessUnit]) -> None:
    """recording.enabled = false."""
    limits = Limits(pre_roll_s=1.0, post_roll_s=1.0, max_clip_s=30.0, enabled=False)
    assert Bench(tmp_path, limits).plays(units, begin_s=105.0, end_s=107.0).over() == []


def test_the_ring_is_bounded_in_seconds_and_in_bytes(units: list[AccessUnit]) -> None:
    """Memory stays flat; the newest group of pictures is always whole."""
    ring = Ring(keep_s=2.0)
    for unit in units:
        ring.add(unit)
    kept = ring.since(0.0)
    assert kept[0].key
    assert 2.0 <= kept[-1].at_s - kept[0].at_s <= 3.1
    small = Ring(keep_s=100.0, most_bytes=sum(len(unit.data) for unit in units) // 3)
    for unit in units:
        small.add(unit)
    assert sum(len(unit.data) for unit in small.since(0.0)) <= sum(len(unit.data) for unit in units) // 3
    assert small.since(0.0)[-1] is units[-1]


def test_a_ring_that_has_seen_no_key_picture_is_empty(units: list[AccessUnit]) -> None:
    """A clip can't begin in the middle of a group."""
    ring = Ring(keep_s=5.0)
    for unit in units[3:8]:
        ring.add(unit)
    assert ring.since(0.0) == []


def test_the_index_of_a_finished_clip_stands_in_front(tmp_path: Path, units: list[AccessUnit]) -> None:
    """A browser plays and seeks it without reading it whole."""
    (saved,) = Bench(tmp_path).plays(units, begin_s=105.0, end_s=107.0).over()
    data = (tmp_path / saved.name).read_bytes()
    assert data.index(b"moov") < data.index(b"mdat")
    assert describe(tmp_path / saved.name).bytes == len(data)


def test_a_fault_of_recording_itself_is_not_silent(tmp_path: Path, units: list[AccessUnit]) -> None:
    """A process whose recorder has ended records nothing: it must be told, and started anew."""
    bench = Bench(tmp_path).plays(units[:1])
    bench.until(lambda: bench.recorder._mail._units == 0)
    assert bench.recorder.failed is None
    bench.recorder.post("nonsense")  # type: ignore[arg-type] # a fault in the program
    bench.until(lambda: isinstance(bench.recorder.failed, AssertionError))
