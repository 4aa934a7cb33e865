"""The adapter for picamera2, on a fake of what it uses. What hardware alone can show is in docs/hardware-status.md."""

from __future__ import annotations

import itertools
import time
from types import ModuleType

import pytest

from camera.picamera import Library, PicameraSource, library
from camera.source import AccessUnit, Frame, Item
from tests.camera.fake_picamera import FakePicamera2


def source(camera: FakePicamera2) -> PicameraSource:
    """Return a source on this camera."""
    return PicameraSource(size=(1280, 720), fps=15.0, detect_fps=5.0, find=lambda: FakePicamera2.library(camera))


def taken(eye: PicameraSource, count: int) -> list[Item]:
    """Take some items and let the session end."""
    items = eye.items()
    found = list(itertools.islice(items, count))
    eye.stop()
    list(items)
    return found


def test_main_is_encoded_and_lores_is_searched() -> None:
    """Two streams of one sensor; lores is YUV420 and no larger than main."""
    camera = FakePicamera2()
    taken(source(camera), 10)
    assert camera.configured["main"] == {"size": (1280, 720), "format": "YUV420"}
    assert camera.configured["lores"] == {"size": (640, 360), "format": "YUV420"}
    assert camera.log[:2] == ["encoder", "start"]


def test_the_padding_of_the_rows_is_cut_off() -> None:
    """picamera2 #645: buffers are wider than the picture; the padding is not part of it."""
    frame = next(item for item in taken(source(FakePicamera2()), 30) if isinstance(item, Frame))
    assert frame.luma.shape == (180, 320)
    assert int(frame.luma.max()) == 80
    assert frame.picture.shape == (360, 640, 3)


def test_exposure_and_gain_come_with_every_frame() -> None:
    """A predicted step of gain is no motion; the detector is told of it."""
    frame = next(item for item in taken(source(FakePicamera2()), 30) if isinstance(item, Frame))
    assert frame.exposure is not None
    assert (frame.exposure.exposure_us, frame.exposure.gain) == (8000.0, 3.0)


def test_every_request_is_given_back_once() -> None:
    """A request that is kept starves the sensor."""
    camera = FakePicamera2()
    taken(source(camera), 40)
    assert len(camera.requests) > 10
    assert all(request.released == 1 for request in camera.requests)


def test_times_of_access_units_are_on_our_clock() -> None:
    """picamera2 counts microseconds from its first picture."""
    began_s = time.monotonic()
    units = [item for item in taken(source(FakePicamera2()), 30) if isinstance(item, AccessUnit)]
    assert abs(units[0].at_s - began_s) < 1.0
    assert units[10].at_s - units[0].at_s == pytest.approx(10 / 15, abs=0.01)


def test_a_sensor_that_falls_silent_is_closed_and_opened_anew() -> None:
    """picamera2 #1090: capture locks up after hours."""
    cameras: list[FakePicamera2] = []

    def find() -> Library:
        cameras.append(FakePicamera2(stalls_after=6 if not cameras else None))
        return FakePicamera2.library(cameras[-1])

    eye = PicameraSource(size=(640, 360), fps=15.0, detect_fps=5.0, find=find)
    taken(eye, 30)
    assert len(cameras) == 2
    assert cameras[0].log[-3:] == ["stop_encoder", "stop", "close"]


def test_a_machine_without_picamera2_says_so_and_lives() -> None:
    """Clear reason and remedy, no crash loop."""

    def find() -> Library:
        eye.stop()
        raise ImportError("no module")

    eye = PicameraSource(size=(640, 360), fps=15.0, detect_fps=5.0, find=find)
    assert list(eye.items()) == []
    assert eye.health.reason == "camera_software_missing"
    assert "apt install" in eye.health.detail


def test_the_names_are_picamera2s_own() -> None:
    """Picamera2, encoders.H264Encoder and outputs.Output, as its published packages have them."""
    modules = [ModuleType(name) for name in ("picamera2", "encoders", "outputs")]
    for module, name in zip(modules, ("Picamera2", "H264Encoder", "Output"), strict=True):
        setattr(module, name, object)
    assert library(*modules) == Library(camera=object, encoder=object, output=object)  # type: ignore[arg-type] # names only
