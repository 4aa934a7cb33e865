"""Day and night, told by the picture itself."""

from __future__ import annotations

import numpy as np
import pytest

from camera.compare import Grid
from camera.motion import Detector
from camera.profile import DayOrNight
from camera.source import Exposure
from tests.camera.conftest import Yardlike


def picture(ground: float, pool: float = 0.0) -> Grid:
    """Return a picture of one level with a brighter pool in its middle."""
    grid = np.full((90, 160), ground, np.float32)
    grid[20:70, 40:120] += np.float32(pool)
    return grid


def test_a_lamp_makes_no_day_and_a_cloud_no_night() -> None:
    """By night most of the picture stays dark however bright the pool is; by day the sky fills the shadows."""
    assert DayOrNight().look(picture(20, pool=200), 0.0) == "night"
    assert DayOrNight().look(picture(80), 0.0) == "day"


def test_another_time_of_day_is_believed_after_ten_seconds_without_a_break() -> None:
    """A lorry before the lens is dark for five seconds; dusk lasts."""
    eye = DayOrNight()
    for at_s in range(11):
        assert eye.look(picture(20 if at_s % 5 else 100), float(at_s)) == "day"
    seen = [eye.look(picture(20), 11.0 + at_s) for at_s in range(12)]
    assert seen == ["day"] * 9 + ["night"] * 3


def test_twilight_changes_nothing() -> None:
    """Between the two it is as it was."""
    eye = DayOrNight()
    eye.look(picture(20), 0.0)
    assert {eye.look(picture(50), float(at_s)) for at_s in range(60)} == {"night"}


@pytest.mark.parametrize(("exposure_us", "gain", "profile"), [(33_000, 8.0, "night"), (10_000, 1.0, "day")])
def test_the_sensor_knows_better_than_the_picture(exposure_us: float, gain: float, profile: str) -> None:
    """What needs a long exposure at a high gain is night, though auto-exposure makes it as bright as day."""
    exposure = Exposure(exposure_us=exposure_us, gain=gain)
    assert DayOrNight().look(picture(100 if profile == "night" else 20), 0.0, exposure) == profile


def test_what_is_enough_by_day_may_be_too_little_by_night() -> None:
    """The smallest thing that counts has a figure of its own by night; the profile may be given, too."""
    view = Yardlike()
    for profile, faint in (("day", False), ("night", True)):
        detector = Detector(min_area=0.005, night_min_area=0.05, profile="day" if profile == "day" else "night")
        for step in range(10):
            detector.look(view.plane(), step * 0.2)
        (region,) = detector.look(view.plane((0.4, 0.4, 0.15)), 2.0)
        assert detector.profile == profile
        assert region.faint is faint


def test_the_picture_picks_the_profile_of_the_detector() -> None:
    """A dark yard is looked at as by night."""
    detector = Detector()
    detector.look(Yardlike().plane(light=0.2), 0.0)
    assert detector.profile == "night"
