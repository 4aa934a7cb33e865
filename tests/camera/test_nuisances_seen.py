"""What troubles a camera, seeded and short: none of it is a visit, and who comes meanwhile is seen all the same.

The long campaign on real clips is `python -m tests.camera.stress`.
"""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from camera.events import Change, Ended, Started, Visits
from camera.motion import Detector, OwnFacts
from camera.shift import find_shift
from camera.source import Exposure
from tests.camera.conftest import Plane, Yardlike
from tests.camera.nuisances import NUISANCES

STEP_S = 0.2
LONG_S = 16.0


def shown(planes: list[Plane], told: list[Exposure] | None = None, own: OwnFacts | None = None) -> list[Change]:
    """Return what began or ended while these planes were seen, five a second."""
    detector, visits = Detector(), Visits()
    changes: list[Change] = []
    for number, plane in enumerate(planes):
        at_s = number * STEP_S
        exposure = told[number] if told else None
        changes += visits.step(detector.look(plane, at_s, exposure, own or OwnFacts()), at_s)
    return changes + visits.finish()


def view(*, walk: bool = False) -> list[Plane]:
    """Return 16 s of a yard with soft and hard edges; somebody walks through it from 6 to 12 s if asked for."""
    yard = Yardlike()
    yard.ground = np.asarray(cv2.GaussianBlur(yard.ground.astype(np.float32), (5, 5), 1.5), np.float64)
    planes = []
    for number in range(round(LONG_S / STEP_S)):
        at_s = number * STEP_S
        things = [((at_s - 6) / 6 * 0.9, 0.4, 0.16)] if walk and 6 <= at_s < 12 else []
        planes.append(yard.plane(*things))
    return planes


def troubled(planes: list[Plane], name: str) -> list[Plane]:
    """Add one of the seeded nuisances."""
    at_s = np.arange(len(planes), dtype=np.float64) * STEP_S
    return list(NUISANCES[name](np.stack(planes), at_s, np.random.default_rng(3)))


@pytest.mark.parametrize("name", ["insects", "moth", "rain", "sweep", "shake", "gain", "hunting", "cloud", "lamp"])
def test_what_troubles_a_camera_is_no_visit(name: str) -> None:
    """Insects near the lens, rain, headlights, a shaken pole, exposure, clouds and lamps come every night."""
    assert shown(troubled(view(), name)) == []


@pytest.mark.parametrize("name", ["insects", "rain", "shake", "hunting"])
def test_who_comes_meanwhile_is_one_visit(name: str) -> None:
    """Being quiet is easy; somebody who walks through it all is still one event, with its true beginning."""
    changes = shown(troubled(view(walk=True), name))
    assert [type(change) for change in changes] == [Started, Ended]
    assert isinstance(changes[0], Started)
    assert changes[0].at_s == pytest.approx(6.0, abs=0.7)  # a drop of rain beside the first sight is taken for it


def test_a_gain_step_that_the_sensor_tells_of_is_taken_out_before_the_picture_is_asked() -> None:
    """Exposure and gain come with the frame: so large a step would leave too little to fit it by."""
    planes, told = view(), []
    for number in range(len(planes)):
        gain = 1.0 if number < 40 else 4.0
        planes[number] = np.asarray(np.clip(planes[number] * gain**0.45, 0, 255), np.uint8)
        told.append(Exposure(exposure_us=10_000, gain=gain))
    assert shown(planes, told) == []


def test_a_lamp_that_flashes_is_nobody() -> None:
    """The gate's own lamp lights a third of the yard twice a second while it moves."""
    planes = view()
    down, across = np.mgrid[0:180, 0:320]
    pool = 1 + 0.9 * np.exp(-(((across - 220) / 60) ** 2 + ((down - 80) / 60) ** 2))
    for number in range(20, 60, 2):
        planes[number] = np.asarray(np.clip(planes[number] * pool, 0, 255), np.uint8)
    assert shown(planes, own=OwnFacts(lamp=True)) == []


def test_a_light_that_is_switched_is_known_a_second_later() -> None:
    """The detector itself learns the view anew: who comes 1.5 s after the light is seen from the first."""
    yard, detector, visits = Yardlike(), Detector(), Visits()
    changes: list[Change] = []
    for number in range(90):
        at_s = number * STEP_S
        lit = at_s >= 6
        x = (at_s - 7.6) / 5
        things = [(x, 0.4, 0.16)] if 7.6 <= at_s < 12 else []
        plane = yard.plane(*things, light=1.5 if lit else 0.5, offset=20 if lit else 0)
        changes += visits.step(detector.look(plane, at_s, own=OwnFacts(light=lit)), at_s)
    assert [type(change) for change in changes] == [Started, Ended]
    assert isinstance(changes[0], Started)
    assert changes[0].at_s == pytest.approx(7.6, abs=0.45)


@pytest.mark.parametrize("shift", [(0.0, 0.0), (1.5, 0.0), (-0.7, 1.2), (2.0, -2.0)])
def test_the_shift_of_a_shaken_picture_is_found(shift: tuple[float, float]) -> None:
    """To a quarter of a pixel, though a car stands in it that was not there before."""
    ground = cv2.GaussianBlur(np.random.default_rng(1).uniform(40, 200, (90, 160)).astype(np.float32), (0, 0), 2.0)
    way = np.array([[1, 0, shift[0]], [0, 1, shift[1]]], np.float32)
    moved = cv2.warpAffine(ground, way, (160, 90), borderMode=cv2.BORDER_REPLICATE)
    moved[40:60, 60:90] = 230
    assert find_shift(np.asarray(ground), np.asarray(moved, np.float32)) == pytest.approx(shift, abs=0.25)


def swayed(planes: list[Plane]) -> list[Plane]:
    """Let a bush in the middle of the picture sway by 3 pixels from the third second on."""
    down, across = np.mgrid[0:180, 0:320].astype(np.float32)
    bush = np.clip(2 - 2 * np.hypot((across - 160) / 70, (down - 90) / 50), 0, 1)
    found = []
    for number, plane in enumerate(planes):
        reach = 3 * np.sin(number * STEP_S * 4) if number > 15 else 0.0
        found.append(np.asarray(cv2.remap(plane, across + np.float32(reach) * bush, down, cv2.INTER_LINEAR), np.uint8))
    return found


def test_a_bush_in_the_wind_is_no_visit() -> None:
    """It shows nothing that the view does not show a little beside, and it goes nowhere."""
    assert shown(swayed(view())) == []


def test_who_walks_past_a_bush_in_the_wind_is_one_visit() -> None:
    """He goes somewhere, and shows what the view shows nowhere."""
    assert [type(change) for change in shown(swayed(view(walk=True)))] == [Started, Ended]


def test_a_crumb_that_a_step_of_the_light_leaves_is_learned_at_once() -> None:
    """A lens and a tone curve are not linear: what comes up with the step and stays is the light's, not a thing."""
    planes = view()
    for number in range(30, len(planes)):
        planes[number] = np.asarray(np.clip(planes[number] * 1.3, 0, 255), np.uint8)
        planes[number][60:76, 100:118] = planes[0][140:156, 200:218]
    detector = Detector()
    seen = [len(detector.look(plane, number * STEP_S)) for number, plane in enumerate(planes)]
    assert any(seen[30:40])
    assert not any(seen[40:])
