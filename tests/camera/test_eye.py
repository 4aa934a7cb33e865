"""What befalls the simulated camera: weather, light, wind and hands, and what its own alarms make of them."""

from __future__ import annotations

import functools
import itertools
import time

import cv2
import numpy as np
import pytest

from camera.eye import Metering, quiet_exposure
from camera.gateway import Gateway
from camera.painter import Painter
from camera.scene import Scene, SceneSource
from camera.screen import BLACK, Screen
from camera.source import AccessUnit, Frame, Plane, Stream
from camera.trust import Trust
from camera.view import Lens
from camera.village import leaf_polygon, own_parts
from camera.weather import plants
from camera.yard import Yard

SIZE = (640, 360)
NIGHT = Yard(night=True)
STEP_S = 0.2


@functools.cache
def painter() -> Painter:
    """Return the one painter of these stories; a scene begins with whatever it shows."""
    return Painter(*SIZE, "Cổng thôn 3")


def scene(screen: Screen | None = None) -> Scene:
    """Return a scene without name and clock."""
    return Scene(painter(), screen or Screen())


def luma(seen: Scene, yard: Yard, at_s: float) -> Plane:
    """Return the whole picture's luma at a moment."""
    return seen.shoot(yard, at_s, searched=False).canvas.planes[0].copy()


def settled(yard: Yard, at_s: float = 100.0, seen: Scene | None = None) -> Plane:
    """Return the whole picture's luma when the exposure has come to rest."""
    camera = seen or scene()
    for number in range(12):
        shown = luma(camera, yard, at_s + number * STEP_S)
    return shown


@pytest.fixture(scope="module")
def day() -> Plane:
    """Return a quiet day."""
    return luma(scene(), Yard(), 0.0)


def far_off(one: Plane, other: Plane) -> float:
    """Return the share of two pictures that differs visibly."""
    return float(np.mean(np.abs(one.astype(int) - other) > 12))


def moved(one: Plane, other: Plane) -> tuple[float, float]:
    """Return by how many pixels one picture lies beside the other."""
    (right, down), _ = cv2.phaseCorrelate(one.astype(np.float32), other.astype(np.float32))
    return right, down


def test_a_camera_that_nothing_befalls_copies_no_picture() -> None:
    """Two shots of a quiet yard are the same memory."""
    camera = scene()
    assert camera.shoot(Yard(), 0.0).canvas is camera.shoot(Yard(), 0.1).canvas
    assert camera.shoot(NIGHT, 5.0).canvas is not camera.shoot(Yard(rain=True), 5.1).canvas


def test_the_same_moment_gives_the_same_picture() -> None:
    """Weather follows from the time, so that a test may be repeated."""
    wild = Yard(night=True, rain=True, insects=True, headlights=True, shake=True)
    assert np.array_equal(luma(scene(), wild, 7.3), luma(scene(), wild, 7.3))


def test_rain_falls_everywhere_and_is_another_one_in_each_picture(day: Plane) -> None:
    """Light streaks, by day and in the lamp's light."""
    camera = scene()
    one, other = (luma(camera, Yard(rain=True), at_s) for at_s in (3.0, 3.067))
    dry = settled(Yard(rain=True), seen=camera)
    assert far_off(one, other) > 0.01
    assert all(far_off(one[part], other[part]) > 0.002 for part in (slice(0, 120), slice(120, 240), slice(240, 360)))
    assert abs(dry.mean() - day.mean()) < 20


def test_in_the_wind_bushes_and_palms_sway_and_nothing_else(day: Plane) -> None:
    """To and fro, where plants are; walls and leaf stand."""
    camera = scene()
    seen = [luma(camera, Yard(wind=True), number * 0.3) for number in range(8)]
    assert len({shown.tobytes() for shown in seen}) == len(seen)
    other = np.abs(np.stack(seen).astype(int) - day).max(axis=0) > 12
    assert 0.001 < other.mean() < 0.05
    for part in plants(Lens(*SIZE)):
        other[part.window] = False
    assert not other.any()


def test_insects_fly_past_the_infrared_lens_and_round_the_gates_light() -> None:
    """Bright and never long in one place; by day there are none."""
    quiet, lit = luma(scene(), NIGHT, 0.0), luma(scene(), Yard(night=True, light=True), 0.0)
    camera = scene()
    seen = [luma(camera, Yard(night=True, insects=True), number / 3) for number in range(24)]
    bright = [far_off(shown, quiet) for shown in seen]
    assert max(bright) > 0.004
    assert min(bright) < max(bright) / 4
    assert max(float((shown.astype(int) - quiet).max()) for shown in seen) > 80
    swarm = luma(scene(), Yard(night=True, light=True, insects=True), 2.0).astype(int) - lit > 20
    rows, columns = np.nonzero(swarm)
    assert 0.2 < rows.mean() / SIZE[1] < 0.4
    assert 0.4 < columns.mean() / SIZE[0] < 0.6
    assert luma(scene(), Yard(insects=True), 2.0).mean() == luma(scene(), Yard(), 2.0).mean()


def test_headlights_sweep_from_left_to_right_though_nobody_is_there() -> None:
    """The bright place wanders; after it all is as before. By day they make no difference."""
    quiet, camera = luma(scene(), NIGHT, 0.0), scene()
    middles = []
    for at_s in (13.2, 14.0, 14.6, 15.2):
        more = np.clip(luma(camera, Yard(night=True, headlights=True), at_s).astype(float) - quiet, 0, None)
        middles.append(float((more.sum(axis=0) * np.arange(SIZE[0])).sum() / more.sum()))
    assert middles == sorted(middles)
    assert middles[-1] - middles[0] > SIZE[0] / 3
    assert far_off(settled(Yard(night=True), 40.0, camera), quiet) == 0.0
    by_day = Yard(headlights=True)
    assert np.array_equal(luma(scene(), by_day, 14.0), luma(scene(), Yard(), 14.0))


def test_the_exposure_follows_what_dazzles_and_tells_so() -> None:
    """Down within a second under headlights from the road, back when they are gone; what it says dims the picture."""
    camera, yard = scene(), Yard(night=True, headlights=True)
    quiet = quiet_exposure(yard)
    light = {}
    for number in range(int(12 / STEP_S)):
        shot = camera.shoot(yard, number * STEP_S, searched=False)
        light[round(number * STEP_S, 1)] = shot.exposure.exposure_us * shot.exposure.gain
    usual = quiet.exposure_us * quiet.gain
    assert light[0.0] == light[4.8] == usual
    assert min(light.values()) < 0.85 * usual
    assert light[11.8] == pytest.approx(usual, rel=0.05)


def test_the_metering_walks_and_then_rests() -> None:
    """It follows with a lag, never leaves its range, and stands exactly where it was wanted in the end."""
    metering = Metering()
    gains = [metering.follow(0.5, number * 0.1) for number in range(40)]
    assert gains[0] == 1.0
    assert all(later <= earlier for earlier, later in itertools.pairwise(gains))
    assert gains[-1] == 0.5
    assert [metering.follow(99.0, 10.0 + number) for number in range(9)][-1] == 2.0


def test_a_mast_in_the_wind_trembles_and_a_camera_that_was_knocked_stays_turned(day: Plane) -> None:
    """1 to 4 pixels to and fro at 1280, about its place; a knock moves the view for good."""
    camera = scene()
    ways = [moved(day, luma(camera, Yard(shake=True), 50 + number * 0.067)) for number in range(20)]
    far = [np.hypot(*way) * 1280 / SIZE[0] for way in ways]
    assert 1.0 < max(far) < 5.0
    assert abs(float(np.mean([right for right, _ in ways]))) < 1.0
    knocked = [luma(camera, Yard(knocked=True), 60.0 + number) for number in range(2)]
    assert np.array_equal(knocked[0], knocked[1])
    assert far_off(knocked[0], day) > 0.25


def test_a_hand_a_torch_and_a_lens_out_of_focus_take_the_view(day: Plane) -> None:
    """Dark without a detail, white in the middle, soft edges."""
    hand, torch, blur = settled(Yard(hand=True)), settled(Yard(torch=True)), settled(Yard(blur=True))
    edges = [float(cv2.Laplacian(shown, cv2.CV_32F).std()) for shown in (hand, blur, day)]
    assert hand.mean() < 60
    assert edges[0] < 2.0
    assert np.mean(torch > 240) > 0.35
    assert edges[1] < edges[2] / 4
    assert abs(blur.mean() - day.mean()) < 3


def test_a_frozen_camera_shows_the_same_picture_and_the_same_clock() -> None:
    """To the last grey level, although the yard goes on; a camera that lives never shows the same plane twice."""
    camera = scene(Screen(name="Cổng", clock=lambda: str(time.monotonic_ns())))
    alive = [camera.shoot(Yard(), at_s).luma for at_s in (0.0, 0.2)]
    assert alive[0] is not None
    assert alive[1] is not None
    assert not np.array_equal(alive[0], alive[1])
    stands, planes = [], []
    for leaf in (0.0, 0.5):
        shot = camera.shoot(Yard(leaf=leaf, freeze=True), 1.0 + leaf)
        stands.append(shot.canvas.planar.copy())
        planes.append(shot.luma)
    assert np.array_equal(stands[0], stands[1])
    assert planes[0] is planes[1]
    assert far_off(luma(camera, Yard(leaf=0.5), 3.0), stands[0][: SIZE[1]]) > 0.001


def test_what_the_site_hides_is_hidden_in_everything_and_the_clock_is_no_visitor() -> None:
    """Privacy holds in picture and plane, even while the view trembles; the plane has no name and no clock."""
    hidden = ((0.5, 0.5), (0.9, 0.5), (0.9, 0.9), (0.5, 0.9))
    told = iter(str(number) * 12 for number in itertools.count())
    camera = scene(Screen(polygons=[hidden], name="Cổng", clock=lambda: next(told)))
    for yard in (Yard(), Yard(shake=True), Yard(torch=True), Yard(night=True, rain=True)):
        shot = camera.shoot(yard, 1.0)
        assert np.all(shot.canvas.planes[0][200:310, 340:560] == BLACK)
        assert shot.luma is not None
        assert shot.luma[100:150, 175:280].max() < BLACK + 12  # the sensor's noise
    first, second = (camera.shoot(Yard(), at_s) for at_s in (90.0, 91.0))
    assert first.luma is not None
    assert second.luma is not None
    assert np.abs(first.luma[:14].astype(int) - second.luma[:14]).max() < 8


@pytest.mark.parametrize(
    ("word", "reason", "within_s"),
    [("hand", "covered", 12), ("torch", "blinded", 12), ("knocked", "moved", 12), ("blur", "defocused", 12),
     ("freeze", "frozen", 4), ("shake", "", 6), ("insects", "", 6), ("headlights", "", 12)],
)  # fmt: skip
def test_what_befalls_the_camera_in_the_yard_is_what_its_trust_says(word: str, reason: str, within_s: int) -> None:
    """The yard's words try the camera's own alarms: the right one, and gone when the yard is well again."""
    base = Yard(night=word not in {"hand", "freeze"})
    camera, trust, said = scene(), Trust(own=own_parts(*SIZE)), set[str]()
    at_s = 100.0
    for yard, seconds in ((base, 12), (read(base, word), within_s), (base, 5 if reason else 0)):
        for _ in range(round(seconds / STEP_S)):
            shot = camera.shoot(yard, at_s)
            assert shot.luma is not None
            trust.look(shot.luma, at_s, shot.exposure)
            said |= {trust.reason} - {""}
            at_s += STEP_S
    assert said == ({reason} if reason else set())
    assert trust.reason == ""


def read(base: Yard, word: str) -> Yard:
    """Return the yard with one more word on."""
    return Yard(night=base.night, **{word: True})  # type: ignore[arg-type] # all words are switches


def test_while_nobody_needs_the_picture_only_what_is_searched_is_drawn() -> None:
    """The encoder rests and the pace falls to that of detection; who comes gets a key at once."""
    source = SceneSource("Cổng", "Asia/Ho_Chi_Minh", size=(320, 180), fps=30.0, detect_fps=5.0, with_time=True)
    items = source.items()
    assert isinstance(next(items), Stream)
    source.need(units=False)
    resting = list(itertools.islice((item for item in items if item is not None), 4))
    frames = [item for item in resting if isinstance(item, Frame)]
    assert len(frames) >= 3
    assert frames[-1].at_s - frames[0].at_s > 0.3
    assert frames[0].exposure is not None
    source.need(units=True)
    woken = next(item for item in items if isinstance(item, AccessUnit))
    assert woken.key
    source.stop()
    assert sum(1 for _ in items) <= 2


def test_what_is_left_in_the_gateway_is_found_when_the_gate_has_closed_over_it() -> None:
    """No sensor knows of the crate; the picture of the closed gateway does."""
    camera, gateway, said = scene(), Gateway(leaf_polygon(*SIZE)), list[str]()
    at_s = 100.0
    for yard, state, seconds in (
        (Yard(), "closed", 25), (Yard(leaf=1.0), "open", 4), (Yard(crate=True), "closed", 15),
        (Yard(leaf=1.0), "open", 4), (Yard(), "closed", 15),
    ):  # fmt: skip
        for _ in range(round(seconds / STEP_S)):
            shot = camera.shoot(yard, at_s)
            assert shot.luma is not None
            if finding := gateway.look(shot.luma, at_s, state, "limit", trusted=True):
                said.append(finding.result)
            at_s += STEP_S
    assert [result for result in said if result != "unknown"] == ["occupied", "clear"]
