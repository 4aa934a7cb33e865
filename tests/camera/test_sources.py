"""One suite for every source: what the port promises, each implementation keeps."""

from __future__ import annotations

import itertools
import threading
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from camera import h264
from camera.picamera import PicameraSource
from camera.scene import SceneSource
from camera.source import AccessUnit, Frame, Item, Source, Stream
from camera.video import VideoSource, Wishes
from tests.camera.fake_picamera import Picamera2, library

MakeSource = Callable[[], Source]


@pytest.fixture(params=["scene", "file", "file at once", "picamera2"])
def make(request: pytest.FixtureRequest, plain_video: Path) -> MakeSource:
    """Return what makes a source of each kind."""
    makers: dict[str, MakeSource] = {
        "scene": lambda: SceneSource("Cổng thôn 3", "Asia/Ho_Chi_Minh", size=(640, 360), fps=15.0, detect_fps=5.0),
        "file": lambda: VideoSource(str(plain_video), Wishes(loop=True)),
        "file at once": lambda: VideoSource(str(plain_video), Wishes(loop=True, pace="fast")),
        "picamera2": lambda: PicameraSource(size=(640, 360), fps=15.0, detect_fps=5.0, find=library(Picamera2())),
    }
    return makers[str(request.param)]


def first(source: Source, count: int) -> list[Item]:
    """Take some items from a source and stop it."""
    try:
        return list(itertools.islice(source.items(), count))
    finally:
        source.stop()


def test_a_stream_is_announced_before_everything_else(make: MakeSource) -> None:
    """Nobody has to guess what an access unit belongs to."""
    items = first(make(), 30)
    assert isinstance(items[0], Stream)
    assert items[0].codec.startswith("avc1.")
    assert (items[0].width, items[0].height) in {(640, 360), (320, 180)}


def test_the_first_access_unit_is_a_key_that_can_be_decoded_by_itself(make: MakeSource) -> None:
    """A clip and a viewer can begin there: SPS and PPS are in it, in Annex B."""
    units = [item for item in first(make(), 40) if isinstance(item, AccessUnit)]
    assert units[0].key
    for unit in units:
        assert unit.data.startswith((b"\x00\x00\x01", b"\x00\x00\x00\x01"))
        if unit.key:
            assert {h264.SPS, h264.PPS} <= set(h264.nal_types(unit.data))


def test_decoding_times_grow_and_begin_now(make: MakeSource) -> None:
    """One monotonic clock for everything."""
    began_s = time.monotonic()
    times = [item.decode_s for item in first(make(), 40) if isinstance(item, AccessUnit)]
    assert all(later > earlier for earlier, later in itertools.pairwise(times))
    assert abs(times[0] - began_s) < 2.0


def test_a_key_picture_comes_every_second(make: MakeSource) -> None:
    """A recording begins at a key picture; the group must stay short."""
    units = [item for item in first(make(), 60) if isinstance(item, AccessUnit)]
    keys = [unit.at_s for unit in units if unit.key]
    assert len(keys) >= 2
    assert max(later - earlier for earlier, later in itertools.pairwise(keys)) <= 1.3


def test_frames_are_small_grey_planes_with_a_picture_on_request(make: MakeSource) -> None:
    """(height, width) uint8 of about 320x180 in the shape of the picture; colours at most 960 wide."""
    frame = next(item for item in first(make(), 40) if isinstance(item, Frame))
    assert frame.luma.dtype == np.uint8
    assert frame.luma.shape == (180, 320)
    assert frame.picture.shape[2] == 3
    assert frame.picture.shape[1] <= 960
    assert frame.picture is frame.picture


def test_health_is_well_once_pictures_come(make: MakeSource) -> None:
    """Before that it says that it starts."""
    source = make()
    assert source.health.reason == "starting"
    first(source, 20)
    assert source.health.ok


def test_frames_go_on_while_nobody_needs_access_units(make: MakeSource) -> None:
    """The encoder rests, the detector does not; the stream is known all the same."""
    source = make()
    source.need(units=False)
    items = first(source, 6)
    assert isinstance(items[0], Stream)
    assert any(isinstance(item, Frame) for item in items)
    source.need(units=True)
    source.ask_key()


def test_stop_ends_the_items_within_a_second(make: MakeSource) -> None:
    """The process has two seconds to stop."""
    source = make()
    taken = threading.Event()

    def take() -> None:
        for _ in source.items():
            taken.set()

    thread = threading.Thread(target=take, daemon=True)
    thread.start()
    assert taken.wait(10)
    began_s = time.monotonic()
    source.stop()
    thread.join(5)
    assert not thread.is_alive()
    assert time.monotonic() - began_s < 1.2
