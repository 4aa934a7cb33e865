"""The adapter for picamera2, on a fake of what it uses. What hardware alone can show is in docs/hardware-status.md."""

from __future__ import annotations

import itertools
import threading
import time
from collections.abc import Callable

import av
import numpy as np
from av.video.codeccontext import VideoCodecContext

from camera.exposure import Dusk, Exposing, controls
from camera.pi_parts import Library
from camera.picamera import Patience, PicameraSource
from camera.screen import Screen
from camera.source import AccessUnit, Frame, Item
from tests.camera.fake_picamera import CONTROLS, Picamera2, Transform, library
from tests.fakes import wait_until

SMALL = (640, 360)
SHORT = Patience(silent_s=0.5, first_s=1.5, close_s=0.3, pause_s=0.1)


def eye_of(*cameras: Picamera2, size: tuple[int, int] = SMALL, screen: Screen | None = None) -> PicameraSource:
    """Return a source that opens these cameras, one after the other."""
    return PicameraSource(size=size, fps=15.0, detect_fps=5.0, screen=screen, find=library(*cameras), patience=SHORT)


def taken(eye: PicameraSource, count: int) -> list[Item]:
    """Take some items and let the session end."""
    items = eye.items()
    found = list(itertools.islice(items, count))
    eye.stop()
    list(items)
    return found


def taken_until(eye: PicameraSource, enough: Callable[[Item], bool], within_s: float = 5.0) -> list[Item]:
    """Take items until one is the last that is wanted."""
    found: list[Item] = []
    until_s = time.monotonic() + within_s
    for item in eye.items():
        found.append(item)
        if enough(item):
            eye.stop()
            return found
        assert time.monotonic() < until_s
    raise AssertionError("the source ended")


def test_main_is_encoded_and_lores_is_searched() -> None:
    """Two streams of one sensor; lores is YUV420 and no larger than main."""
    camera = Picamera2()
    taken(eye_of(camera, size=(1280, 720)), 10)
    made = camera.camera_configuration()
    assert made["main"] == {"size": (1280, 720), "format": "YUV420"}
    assert made["lores"] == {"size": (640, 360), "format": "YUV420"}
    assert camera._pi.log[:2] == ["encoder", "start"]


def test_the_padding_of_the_rows_is_cut_off() -> None:
    """picamera2 #645: buffers are wider than the picture; the padding is not part of it."""
    frame = next(item for item in taken(eye_of(Picamera2()), 30) if isinstance(item, Frame))
    assert frame.luma.shape == (180, 320)
    assert int(frame.luma.max()) == 80
    assert frame.picture.shape == (360, 640, 3)


def test_exposure_and_gain_come_with_every_frame() -> None:
    """A predicted step of gain is no motion; the detector is told of it."""
    frame = next(item for item in taken(eye_of(Picamera2()), 30) if isinstance(item, Frame))
    assert frame.exposure is not None
    assert (frame.exposure.exposure_us, frame.exposure.gain) == (8000.0, 3.0)


def test_units_and_frames_carry_the_sensors_own_time() -> None:
    """One clock: a frame that begins an event and the unit that shows it were exposed together."""
    items = taken(eye_of(Picamera2()), 40)
    units = [item for item in items if isinstance(item, AccessUnit)]
    frames = [item for item in items if isinstance(item, Frame)]
    assert abs(units[-1].at_s - time.monotonic()) < 1.0
    times = [unit.at_s for unit in units]
    assert all(later > earlier for earlier, later in itertools.pairwise(times))
    assert all(min(abs(frame.at_s - at_s) for at_s in times) < 0.001 for frame in frames[1:-1])


def test_what_the_privacy_screen_covers_is_in_nothing_that_leaves_the_camera() -> None:
    """Not in the encoded picture, not in the snapshot, not even in the plane that is searched."""
    screen = Screen(polygons=[[(0.5, 0.0), (1.0, 0.0), (1.0, 1.0), (0.5, 1.0)]])
    items = taken(eye_of(Picamera2(), screen=screen), 30)
    frame = next(item for item in items if isinstance(item, Frame))
    assert int(frame.luma[:, :156].min()) == 80
    assert int(frame.luma[:, 164:].max()) == 16
    assert int(frame.picture[:, 330:].max()) < 10
    decoder = av.CodecContext.create("h264", "r")
    assert isinstance(decoder, VideoCodecContext)
    unit = next(item for item in items if isinstance(item, AccessUnit))
    picture = next(iter(decoder.decode(av.Packet(unit.data)) + decoder.decode(None))).to_ndarray(format="gray")
    assert np.abs(picture[:, :310].astype(int) - 80).max() < 8
    assert picture[:, 330:].max() < 24


def test_a_screen_that_can_not_be_drawn_lets_nothing_out() -> None:
    """Rather no picture than one that shows what must not be shown."""
    calls: list[int] = []

    def clock() -> str:
        calls.append(1)
        if len(calls) > 6:
            raise ValueError("no clock")
        return "12:00"

    camera = Picamera2()
    eye = eye_of(camera, screen=Screen(clock=clock))
    found: list[Item] = []
    taking = threading.Thread(target=lambda: found.extend(eye.items()), daemon=True)
    taking.start()
    wait_until(lambda: "close" in camera._pi.log, 5, "the session's end")
    eye.stop()
    taking.join(5)
    assert sum(isinstance(item, AccessUnit) for item in found) <= 6
    assert camera._pi.captured > 6


def test_the_encoder_rests_while_nobody_needs_it_and_wakes_with_a_key() -> None:
    """Frames go on; the stream is known all the same, from its first picture."""
    camera = Picamera2()
    eye = eye_of(camera)
    eye.need(units=False)
    taking = eye.items()
    resting = list(itertools.islice(taking, 8))
    assert sum(isinstance(item, AccessUnit) for item in resting) <= 3
    assert sum(isinstance(item, Frame) for item in resting) >= 4
    assert camera._pi.log[-1] == "stop_encoder"
    eye.need(units=True)
    unit = next(item for item in taking if isinstance(item, AccessUnit))
    assert unit.key
    eye.stop()
    list(taking)


def test_a_key_picture_comes_when_a_viewer_joins() -> None:
    """Not at the next second: at once."""
    eye = eye_of(Picamera2())
    taking = eye.items()
    list(itertools.islice(taking, 12))
    eye.ask_key()
    units = list(itertools.islice((item for item in taking if isinstance(item, AccessUnit)), 20))
    assert any(unit.key for unit in units)
    eye.stop()
    list(taking)


def test_a_sensor_that_falls_silent_is_closed_and_opened_anew() -> None:
    """picamera2 #1090: capture locks up after hours."""
    silent, sound = Picamera2(), Picamera2()
    silent._pi.stalls_after = 6
    eye = eye_of(silent, sound)
    taken_until(eye, lambda _: sound._pi.captured > 3)
    assert silent._pi.log[-3:] == ["stop", "stop_encoder", "close"]


def test_a_camera_that_hangs_while_it_stops_does_not_hang_the_source() -> None:
    """picamera2 #1264: only a new process frees it, and `health` says so."""
    camera = Picamera2()
    camera._pi.stalls_after, camera._pi.hangs = 4, True
    eye = eye_of(camera)
    list(eye.items())
    assert (eye.health.reason, eye.health.hopeless) == ("camera_stuck", True)


def test_a_sensor_that_worked_and_fails_again_and_again_needs_a_new_process() -> None:
    """Four times opened, four times silent: `health` asks for the end of the process."""
    camera = Picamera2()
    camera._pi.stalls_after = 10
    quick = Patience(silent_s=0.2, first_s=0.4, close_s=0.2, pause_s=0.01)
    eye = PicameraSource(size=SMALL, fps=15.0, detect_fps=5.0, find=library(camera), patience=quick)
    list(eye.items())
    assert camera._pi.log.count("close") == 4
    assert (eye.health.reason, eye.health.hopeless) == ("camera_stuck", True)


def test_a_camera_that_was_never_there_is_sought_for_ever() -> None:
    """A new process would not find it either: no crash loop, a reason with a remedy."""
    tries: list[int] = []

    def find() -> Library:
        tries.append(1)
        if len(tries) == 7:
            eye.stop()
        raise RuntimeError("No camera number 0 found")

    quick = Patience(pause_s=0.001)
    eye = PicameraSource(size=SMALL, fps=15.0, detect_fps=5.0, find=find, patience=quick)
    list(eye.items())
    assert (eye.health.reason, eye.health.hopeless) == ("camera_lost", False)
    assert "rpicam-hello" in eye.health.detail


def test_an_opening_that_hangs_shows_in_health() -> None:
    """Nothing inside the process can end it; `health` can say so."""
    opened = threading.Event()

    def find() -> Library:
        opened.wait(5)
        raise RuntimeError("too late")

    eye = PicameraSource(size=SMALL, fps=15.0, detect_fps=5.0, find=find, patience=Patience(opening_s=0.1))
    threading.Thread(target=lambda: list(eye.items()), daemon=True).start()
    wait_until(lambda: eye.health.hopeless, 5, "the end of patience")
    eye.stop()
    opened.set()


def test_a_machine_without_picamera2_says_so_and_lives() -> None:
    """Clear reason and remedy, no crash loop."""

    def find() -> Library:
        eye.stop()
        raise ImportError("no module")

    eye = PicameraSource(size=(640, 360), fps=15.0, detect_fps=5.0, find=find)
    assert list(eye.items()) == []
    assert eye.health.reason == "camera_software_missing"
    assert "apt install" in eye.health.detail
    assert not eye.health.hopeless


def test_a_camera_upside_down_is_turned_by_the_sensor() -> None:
    """`camera.turn = 180` costs nothing."""
    camera = Picamera2()
    eye = PicameraSource(size=SMALL, fps=15.0, detect_fps=5.0, turn=180, find=library(camera))
    taken(eye, 3)
    transform = camera.camera_configuration()["transform"]
    assert isinstance(transform, Transform)
    assert transform.turned == (True, True)


def test_by_night_a_frame_may_last_longer_and_lamps_never_flicker() -> None:
    """Longer frames before gain; multiples of 10 ms under lamps of 50 Hz; only what this camera offers."""
    offered = dict.fromkeys(CONTROLS)
    day = controls(Exposing(longest_ms=100.0, ev=0.5), 15.0, night=False, offered=offered)
    night = controls(Exposing(longest_ms=100.0, ev=0.5), 15.0, night=True, offered=offered)
    assert day["FrameDurationLimits"] == (66667, 66667)
    assert night["FrameDurationLimits"] == (66667, 100_000)
    assert day["AeFlickerPeriod"] == night["AeFlickerPeriod"] == 10_000
    assert day["ExposureValue"] == 0.5
    assert controls(Exposing(), 15.0, night=True, offered={"AeEnable": None}) == {"AeEnable": True}


def test_night_falls_slowly_and_once() -> None:
    """A switch is itself a change of light: a wide gap, a long patience, and no way back for a passing car."""
    dusk = Dusk("auto")
    assert not any(dusk.look(3.0, at_s) for at_s in range(20))
    assert dusk.look(3.0, 20.0)
    assert dusk.night
    assert not any(dusk.look(200.0 if at_s < 25 else 20.0, float(at_s)) for at_s in range(21, 120))
    assert Dusk("night").night
    assert not Dusk("day").look(0.0, 100.0)


def test_a_camera_set_to_night_begins_with_its_exposure() -> None:
    """`camera.exposure = "night"` waits for no dusk."""
    camera = Picamera2()
    eye = PicameraSource(size=SMALL, fps=15.0, detect_fps=5.0, exposing=Exposing(mode="night"), find=library(camera))
    taken(eye, 3)
    asked = camera.camera_configuration()["controls"]
    assert isinstance(asked, dict)
    assert asked["FrameDurationLimits"] == (66667, 100_000)
