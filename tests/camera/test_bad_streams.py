"""Streams as cameras really send them, and cards as they really are: the clip is what can be had, and says so."""

from __future__ import annotations

import errno
import itertools
import os
import threading
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import av
import pytest

from camera.clip import describe
from camera.mailbox import Mailbox
from camera.messages import Begin, End, Limits, Lost
from camera.ring import Ring
from camera.source import AccessUnit, Stream
from tests.camera.conftest import decodes_cleanly, encoded, probe
from tests.camera.recording import STREAM, WALL_S, Bench, nal_bytes, units_of

PARAMETER_SETS = frozenset({7, 8})
LIMITS = Limits(pre_roll_s=5.0, post_roll_s=1.0, max_clip_s=60.0)


@pytest.fixture(scope="module")
def units() -> list[AccessUnit]:
    """Return twelve seconds of a stream that begins at 100 s, a key picture each second."""
    return list(encoded(12.0))


def thinned(units: list[AccessUnit], every: int) -> Iterator[AccessUnit]:
    """Say of all but every so many seconds' key pictures that they are none; they decode all the same."""
    return (replace(unit, key=unit.key and round(unit.at_s - 100.0) % every == 0) for unit in units)


def test_a_camera_with_rare_key_pictures_still_gives_its_pre_roll(tmp_path: Path, units: list[AccessUnit]) -> None:
    """Issue 4: at least 5 s before the event, from a key picture; groups of four seconds hold back more."""
    (saved,) = Bench(tmp_path, LIMITS).plays(thinned(units, 4), begin_s=110.5, end_s=111.0).over()
    assert saved.pre_roll_s == pytest.approx(6.5, abs=0.05)  # the key picture at 104.0
    assert decodes_cleanly(tmp_path / saved.name)


def test_a_stream_whose_key_pictures_never_come_again_is_not_hoarded(tmp_path: Path, units: list[AccessUnit]) -> None:
    """Minutes of one group: memory stays bounded, the clip begins at the next key picture."""
    ring = Ring(keep_s=8.0, most_bytes=20_000)
    for number, unit in enumerate(units * 20):
        ring.add(replace(unit, key=number == 0, at_s=100.0 + number / 10))
        assert ring.bytes <= 20_000
    assert ring.since(0.0) == []
    bench = Bench(tmp_path, LIMITS)
    for unit in units:
        bench.recorder.post(replace(unit, key=unit.at_s >= 106.0 and unit.key))
        if unit.at_s == units[50].at_s:
            bench.recorder.post(Begin(event_id="event", at_s=unit.at_s, wall_s=WALL_S))
            bench.recorder.post(End(event_id="event", at_s=108.0))
    (saved,) = bench.over()
    assert saved.pre_roll_s == 0.0
    assert saved.clip.duration_s == pytest.approx(3.1, abs=0.2)


def test_an_event_that_was_over_before_any_key_picture_leaves_nothing(tmp_path: Path, units: list[AccessUnit]) -> None:
    """There is nothing that could be shown."""
    bench = Bench(tmp_path, LIMITS)
    bench.recorder.post(Begin(event_id="event", at_s=100.0, wall_s=WALL_S))
    bench.recorder.post(End(event_id="event", at_s=100.5))
    for unit in units:
        bench.recorder.post(replace(unit, key=unit.key and unit.at_s > 105.0))
    assert bench.over() == []
    assert list(tmp_path.rglob("*.part")) == []


def test_time_that_goes_back_makes_no_broken_clip(tmp_path: Path, units: list[AccessUnit]) -> None:
    """A camera that set its clock: every picture is there, in its order."""
    odd = [
        replace(unit, at_s=unit.at_s - 3.0, decode_s=unit.decode_s - 3.0) if 60 <= number < 70 else unit
        for number, unit in enumerate(units)
    ]
    bench = Bench(tmp_path, LIMITS)
    bench.recorder.post(odd[0])
    bench.recorder.post(Begin(event_id="event", at_s=100.0, wall_s=WALL_S))
    bench.plays(odd[1:], end_s=110.0)
    (saved,) = bench.over()
    seen = probe(tmp_path / saved.name)
    assert seen["frames"] == pytest.approx(111, abs=1)
    assert seen["duration"] == pytest.approx(11.0, abs=0.5)
    assert decodes_cleanly(tmp_path / saved.name)


def test_another_size_in_the_middle_of_an_event_ends_one_clip_and_spoils_none(
    tmp_path: Path, units: list[AccessUnit]
) -> None:
    """What came before and what comes after can't be in one file."""
    bench = Bench(tmp_path, LIMITS).plays(units[:60], begin_s=102.0, name="before")
    bench.recorder.post(Stream(codec="avc1.64000a", width=128, height=96, fps=10.0))
    bench.plays(encoded(4.0, size=(128, 96), start_s=106.1), begin_s=107.0, end_s=109.0, name="after")
    before, after = bench.over()
    assert (before.clip.width, after.clip.width) == (160, 128)
    assert (before.event_id, after.event_id) == ("before", "after")
    assert after.pre_roll_s == pytest.approx(0.9, abs=0.05)  # nothing of the other stream
    assert decodes_cleanly(tmp_path / before.name)
    assert decodes_cleanly(tmp_path / after.name)


@pytest.mark.parametrize(("fps", "seconds"), [(1, 30), (120, 9)])
def test_one_picture_a_second_and_a_hundred_and_twenty(
    tmp_path: Path, units: list[AccessUnit], fps: int, seconds: int
) -> None:
    """Both begin five seconds before, and last as long as they say."""
    again = itertools.islice(itertools.cycle(units), round(seconds * fps))
    stream = [replace(unit, at_s=100.0 + n / fps, decode_s=100.0 + n / fps) for n, unit in enumerate(again)]
    begin_s = 100.0 + seconds - 3.0
    (saved,) = Bench(tmp_path, LIMITS).plays(stream, begin_s=begin_s, end_s=begin_s + 1.0).over()
    assert saved.pre_roll_s >= 5.0
    assert probe(tmp_path / saved.name)["duration"] == pytest.approx(saved.pre_roll_s + 2.0, abs=1.0 / fps + 0.1)
    assert saved.clip.duration_s == pytest.approx(probe(tmp_path / saved.name)["duration"], abs=0.01)


def test_pictures_that_are_shown_in_another_order_are_kept_as_they_came(tmp_path: Path, plain_video: Path) -> None:
    """B-pictures copied from a file: bit by bit, and as long as they were."""
    (saved,) = Bench(tmp_path / "media", LIMITS).plays(units_of(plain_video), begin_s=100.0).over()
    path = tmp_path / "media" / saved.name
    assert nal_bytes(path, but=PARAMETER_SETS) == nal_bytes(plain_video, but=PARAMETER_SETS)
    assert probe(path)["duration"] == pytest.approx(3.0, abs=0.2)
    assert decodes_cleanly(path)


@pytest.mark.parametrize("noise", [b"", b"\x00\x00\x00\x01", b"no picture at all" * 9])
def test_units_that_hold_no_picture_spoil_no_clip(tmp_path: Path, units: list[AccessUnit], noise: bytes) -> None:
    """A camera that sends nonsense now and then: the rest is kept, and the fact says how much is missing."""
    odd = [replace(unit, data=noise) if number % 10 == 7 else unit for number, unit in enumerate(units)]
    (saved,) = Bench(tmp_path, LIMITS).plays(odd, begin_s=106.0, end_s=108.0).over()
    assert probe(tmp_path / saved.name)["frames"] == pytest.approx(0.9 * 81, abs=2)
    assert saved.lost == 8
    with av.open(str(tmp_path / saved.name)) as clip:
        assert sum(1 for packet in clip.demux(video=0) if packet.size) > 70


@pytest.mark.parametrize("noise", [b"\x00\x00\x00\x01\x67", b"\x00\x00\x00\x01\x65" + bytes(range(200))])
def test_a_key_picture_that_is_none_is_waited_out(tmp_path: Path, units: list[AccessUnit], noise: bytes) -> None:
    """The clip begins at the next one; nobody is told to look after the disk."""
    odd = [replace(unit, data=noise) if unit.key and unit.at_s < 104.5 else unit for unit in units]
    bench = Bench(tmp_path, LIMITS).plays(odd, begin_s=103.2, end_s=108.0)
    assert bench.recorder.trouble == ""
    (saved,) = bench.over()
    assert saved.clip.duration_s == pytest.approx(4.1, abs=0.2)  # from the key picture at 105.0
    assert decodes_cleanly(tmp_path / saved.name)


def test_what_was_seen_before_a_silence_is_no_pre_roll(tmp_path: Path, units: list[AccessUnit]) -> None:
    """A camera that hung for a minute: its old pictures are not of this event."""
    bench = Bench(tmp_path, LIMITS).plays(units[:40])
    bench.recorder.post(Begin(event_id="event", at_s=150.0, wall_s=WALL_S, cause="alarm"))
    bench.recorder.post(End(event_id="event", at_s=152.0))
    bench.plays(replace(unit, at_s=unit.at_s + 46.0, decode_s=unit.decode_s + 46.0) for unit in units[40:])
    (saved,) = bench.over()
    assert saved.clip.duration_s == pytest.approx(3.1, abs=1.1)


def test_giant_pictures_fill_no_memory() -> None:
    """An 8K stream that nobody can write as fast: bounded in bytes, dropped up to a key picture, counted."""
    giant = AccessUnit(data=bytes(1_000_000), at_s=0.0, decode_s=0.0, key=False)
    box = Mailbox(most_bytes=5_000_000, patience_s=0.0)
    for number in range(100):
        box.put(replace(giant, at_s=float(number), key=number % 10 == 0))
    assert box.dropped == 95
    for _ in range(4):
        box.take(0)
    box.put(replace(giant, key=False))
    box.put(replace(giant, key=True))
    assert [type(box.take(0)) for _ in range(3)] == [AccessUnit, Lost, AccessUnit]
    assert box.take(0) is None


class SlowCard:
    """A card that keeps every write waiting until it is let go."""

    def __init__(self) -> None:
        self.free = threading.Event()
        self.free.set()

    def sync(self, handle: int) -> None:
        """Write it down, sooner or later."""
        assert self.free.wait(20)
        os.fdatasync(handle)


def test_a_card_that_hangs_holds_nobody_up_and_what_it_costs_is_told(tmp_path: Path) -> None:
    """The detector goes on; what was lost is counted, said as a trouble, and stands in the clip's fact."""
    card = SlowCard()
    bench = Bench(tmp_path, LIMITS, sync=card.sync, mailbox=Mailbox(most_units=20, patience_s=0.1))
    stream = list(encoded(20.0))
    bench.plays(stream[:10])
    bench.until(lambda: bench.recorder._newest_s == stream[9].at_s)
    card.free.clear()
    bench.recorder.post(Begin(event_id="event", at_s=stream[9].at_s, wall_s=WALL_S))
    began_s = time.monotonic()
    bench.plays(stream[10:100])
    assert time.monotonic() - began_s < 1.0
    assert "too slow" in bench.recorder.trouble
    lost = bench.recorder.dropped
    assert 50 < lost < 90
    card.free.set()
    bench.until(lambda: bench.recorder._mail._units == 0)
    for unit in stream[100:]:
        bench.recorder.post(unit)
        bench.until(lambda: bench.recorder._mail._units < 10)
    (saved,) = bench.over()
    assert saved.fact()["lost"] == saved.lost == bench.recorder.dropped
    assert bench.recorder.trouble == ""
    assert decodes_cleanly(tmp_path / saved.name)
    assert saved.clip.duration_s == pytest.approx(20.0, abs=0.5)


def test_a_card_that_is_full_keeps_what_was_written(tmp_path: Path, units: list[AccessUnit]) -> None:
    """ENOSPC in the middle of a clip: said with its remedy; what is on the disk is a clip, the rest of the day too."""
    full = threading.Event()

    def sync(handle: int) -> None:
        if full.is_set():
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        os.fdatasync(handle)

    bench = Bench(tmp_path, LIMITS, sync=sync).plays(units[:60], begin_s=101.0, name="cut")
    bench.until(lambda: bench.recorder._newest_s == units[59].at_s)
    full.set()
    bench.plays(units[60:80])
    bench.until(lambda: "free some space" in bench.recorder.trouble)
    full.clear()
    bench.recorder.post(End(event_id="cut", at_s=108.0))
    bench.plays(units[80:], begin_s=110.0, end_s=111.0, name="next")
    assert [saved.event_id for saved in bench.over()] == ["cut", "next"]
    assert describe(tmp_path / bench.saved[0].name).duration_s >= 4.0


def test_a_clip_that_finds_no_room_for_its_copy_stays_as_it_is(tmp_path: Path, units: list[AccessUnit]) -> None:
    """It plays from its fragments; nothing is lost for want of room."""
    bench = Bench(tmp_path)
    draft = tmp_path / bench.store.name("event", WALL_S, ".tmp")
    draft.parent.mkdir()
    draft.symlink_to("/dev/full")
    (saved,) = bench.plays(units, begin_s=105.0, end_s=107.0).over()
    assert decodes_cleanly(tmp_path / saved.name)
    assert saved.clip.duration_s == pytest.approx(6.0, abs=0.2)
    assert saved.clip.sha256 == describe(tmp_path / saved.name).sha256


def test_a_source_that_falls_silent_leaves_a_whole_clip(tmp_path: Path, units: list[AccessUnit]) -> None:
    """Nobody waits for a camera that may never come back."""
    bench = Bench(tmp_path).plays(units[:60], begin_s=104.0)
    bench.until(lambda: bench.recorder._newest_s == units[59].at_s)
    bench.recorder._heard_s -= 60.0
    bench.until(lambda: bool(bench.saved))
    bench.recorder.post(STREAM)
    assert len(bench.over()) == 1
