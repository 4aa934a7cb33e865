"""The time in a picture survives the way to whoever looks at it."""

from __future__ import annotations

import functools

import av
import cv2
import numpy as np
import pytest
from av.video.codeccontext import VideoCodecContext
from av.video.frame import VideoFrame

from camera import timecode
from camera.encode import Encoder
from camera.painter import Painter
from camera.scene import Scene
from camera.screen import Screen
from camera.yard import Yard
from tests.camera.timecode import read

WILD = Yard(rain=True, shake=True)


@functools.cache
def painter(width: int, height: int) -> Painter:
    """Return the one painter of a size."""
    return Painter(width, height, "Cổng thôn 3")


@pytest.mark.parametrize("size", [(1280, 720), (640, 360), (320, 240)])
def test_every_picture_of_an_encoded_stream_tells_when_it_was_taken(size: tuple[int, int]) -> None:
    """To the millisecond, in pouring rain that uses up the encoder's bits."""
    scene = Scene(painter(*size), Screen(name="Cổng", clock=lambda: "12:00"), with_time=True)
    encoder = Encoder(*size, 15.0)
    decoder = av.CodecContext.create("h264", "r")
    assert isinstance(decoder, VideoCodecContext)
    told: list[float | None] = []

    def look(frames: list[VideoFrame]) -> None:
        told.extend(read(np.asarray(frame.to_ndarray()[: size[1]], np.uint8)) for frame in frames)

    taken = [86_400.0 + number * 0.0667 for number in range(20)]
    for at_s in taken:
        shot = scene.shoot(WILD, at_s, searched=False)
        for unit in encoder.encode(VideoFrame.from_ndarray(shot.canvas.planar, "yuv420p"), at_s):
            for packet in decoder.parse(unit.data):
                look(decoder.decode(packet))
    for packet in decoder.parse(b""):
        look(decoder.decode(packet))
    look(decoder.decode(None))
    assert told == [pytest.approx(at_s, abs=0.001) for at_s in taken]


@pytest.mark.parametrize("width", [960, 640, 480])
def test_a_jpeg_of_any_width_tells_it_too(width: int) -> None:
    """Snapshots and the JPEG fallback are scaled."""
    scene = Scene(painter(1280, 720), Screen(), with_time=True)
    whole = scene.shoot(WILD, 12_345.678).canvas.planes[0]
    small = cv2.resize(whole, (width, width * 9 // 16), interpolation=cv2.INTER_AREA)
    kept = cv2.imdecode(cv2.imencode(".jpg", small, [cv2.IMWRITE_JPEG_QUALITY, 60])[1], cv2.IMREAD_GRAYSCALE)
    assert kept is not None
    assert read(np.asarray(kept, np.uint8)) == pytest.approx(12_345.678, abs=0.001)


def test_a_picture_that_does_not_tell_is_not_believed() -> None:
    """No blocks, a flat picture, one that is too small, or blocks with a wrong bit."""
    scene = Scene(painter(640, 360), Screen())
    assert read(scene.shoot(Yard(), 1.0).canvas.planes[0]) is None
    assert read(np.full((360, 640), 128, np.uint8)) is None
    assert read(np.zeros((3, 80), np.uint8)) is None
    canvas = Scene(painter(640, 360), Screen(), with_time=True).shoot(Yard(), 99.0).canvas
    assert read(canvas.planes[0]) == 99.0
    block = 640 // timecode.BLOCKS_ACROSS
    left, top = round(timecode.LEFT * block), round(timecode.TOP * block)
    canvas.planes[0][top : top + block, left : left + block] ^= 255
    assert read(canvas.planes[0]) is None
