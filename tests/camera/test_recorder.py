"""Clips: what came from the camera, bit by bit, from before the event to after it, whatever the disk does."""

from __future__ import annotations

import errno
import os
import shutil
import time
from collections.abc import Callable
from pathlib import Path

import av
import pytest

from camera.clip import BrokenClipError, ClipWriter, Note, describe, finish
from camera.recorder import Begin, End, Limits, Over, Recorder, Ring, Saved
from camera.source import AccessUnit, Stream
from camera.store import Deleted, Store, remedy
from tests.camera.conftest import decodes_cleanly, encoded, probe

WALL_S = 1_790_000_000.0
LIMITS = Limits(pre_roll_s=3.0, post_roll_s=1.0, max_clip_s=30.0)
STREAM = Stream(codec="avc1.64000a", width=160, height=96, fps=10.0)
ROOMY = (10**12, 10**12)


class Bench:
    """A recorder over a folder, with everything that it said."""

    def __init__(self, folder: Path, limits: Limits = LIMITS, space: tuple[int, int] = ROOMY) -> None:
        self.saved: list[Saved] = []
        self.deleted: list[Deleted] = []
        self.low: list[int] = []
        self.store = Store(folder, "Asia/Ho_Chi_Minh", keep_days=10_000, max_gb=1.0, space=lambda _: space)
        self.recorder = Recorder(self.store, limits, self.saved.append, self.deleted.append, self.low.append)
        self.recorder.start()

    def plays(
        self, units: list[AccessUnit], begin_s: float | None = None, end_s: float | None = None, name: str = "event"
    ) -> Bench:
        """Send a stream with one event in it."""
        begun = ended = False
        for unit in units:
            self.recorder.post(unit)
            if begin_s is not None and not begun and unit.at_s >= begin_s + 0.8:
                begun = True
                self.recorder.post(Begin(event_id=name, at_s=begin_s, wall_s=WALL_S))
            if end_s is not None and not ended and unit.at_s >= end_s:
                ended = True
                self.recorder.post(End(event_id=name, at_s=end_s))
        return self

    def until(self, true: Callable[[], bool]) -> None:
        """Wait for the recording thread, ten seconds at most."""
        deadline = time.monotonic() + 10
        while not true():
            assert time.monotonic() < deadline
            time.sleep(0.01)

    def over(self) -> list[Saved]:
        """Close the recorder and return what was saved."""
        self.recorder.close(20)
        return self.saved


@pytest.fixture(scope="module")
def units() -> list[AccessUnit]:
    """Return twelve seconds of a stream that begins at 100 s."""
    return list(encoded(12.0))


def nal_bytes(path: Path) -> bytes:
    """Return all slices of a clip, without their lengths or start codes."""
    with av.open(str(path)) as container:
        packets = [bytes(packet) for packet in container.demux(video=0) if packet.size]
    slices = b""
    for packet in packets:
        at = 0
        while at < len(packet):
            length = int.from_bytes(packet[at : at + 4], "big")
            slices += packet[at + 4 : at + 4 + length]
            at += 4 + length
    return slices


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


def test_two_events_close_together_have_a_clip_each(tmp_path: Path, units: list[AccessUnit]) -> None:
    """One clip per event; they share the pictures between them."""
    bench = Bench(tmp_path)
    for unit in units:
        bench.recorder.post(unit)
        for name, start, end in (("one", 103.0, 104.0), ("two", 105.0, 107.0)):
            if abs(unit.at_s - start) < 0.04:
                bench.recorder.post(Begin(event_id=name, at_s=start, wall_s=WALL_S))
            if abs(unit.at_s - end) < 0.04:
                bench.recorder.post(End(event_id=name, at_s=end))
    assert [saved.event_id for saved in bench.over()] == ["one", "two"]
    assert all(saved.clip.duration_s > 4 for saved in bench.saved)


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


def test_a_fragment_that_was_cut_in_the_middle_costs_only_itself(tmp_path: Path, units: list[AccessUnit]) -> None:
    """A card that lost power while it wrote."""
    part = tmp_path / "event.part"
    writer = ClipWriter(part, units[0], Note(event_id="event", pre_roll_s=0.0))
    for unit in units:
        writer.write(unit)
    writer.close()
    data = part.read_bytes()
    part.write_bytes(data[: len(data) * 2 // 3])
    clip = finish(part, tmp_path / "event.mp4")
    assert clip.duration_s > 5
    assert decodes_cleanly(tmp_path / "event.mp4")


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
    assert describe(tmp_path / saved.name, None).bytes == len(data)
