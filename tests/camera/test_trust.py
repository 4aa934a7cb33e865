"""Whether the camera can be trusted: each fault is told within 10 s and cleared by itself, and weather is no fault."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest

from camera.motion import OwnFacts
from camera.source import Exposure, Frame
from camera.trust import REASONS, Trust
from camera.video import VideoSource, Wishes
from camera.village import own_parts
from tests.camera.drawn_yard import DAY, INFRARED, LIT, OVERCAST, SIZE, Drawn, Levels, Plane, passing
from tests.camera.faults import FAULTS, LEAD_S, NUISANCES, Change, noisy, warped

STEP_S = 0.2
VIEWS = (DAY, INFRARED, LIT)


@pytest.fixture(scope="module")
def drawn() -> Drawn:
    return Drawn()


class Watch:
    """A camera's trust over one view, fed five frames a second; what it says is kept with its times."""

    def __init__(self, drawn: Drawn, yard: object = DAY, trust: Trust | None = None) -> None:
        self.drawn = drawn
        self.levels: Levels = drawn.levels(yard)  # type: ignore[arg-type] # one of the yards
        self.trust = trust or Trust(own=own_parts(*SIZE))
        self.at_s = 1000.0
        self.said: list[tuple[float, str]] = []
        self.own = OwnFacts()
        self.step_s = STEP_S

    def sees(self, seconds: float, change: Change | None = None, levels: Levels | None = None) -> Watch:
        """Show the view for a while, changed or not."""
        for _ in range(round(seconds / self.step_s)):
            plane = self.drawn.noisy(self.levels if levels is None else levels)
            self.shows(change(plane, self.at_s) if change else plane)
        return self

    def shows(self, plane: Plane, exposure: Exposure | None = None) -> None:
        """Show one plane."""
        reason = self.trust.look(plane, self.at_s, exposure, self.own)
        if reason != (self.said[-1][1] if self.said else ""):
            self.said.append((self.at_s, reason))
        self.at_s += self.step_s

    @property
    def reasons(self) -> list[str]:
        """What was said, in order."""
        return [reason for _, reason in self.said]


@pytest.mark.parametrize(("number", "fault"), [*enumerate(FAULTS)])
def test_a_fault_is_named_within_ten_seconds_and_cleared_by_itself(drawn: Drawn, number: int, fault: str) -> None:
    """Covered, blinded, moved, defocused: by day, by infrared and by the gate's lamp in turn (the bench tries all)."""
    reason, change = FAULTS[fault]
    watch = Watch(drawn, VIEWS[number % 3]).sees(8)
    began_s = watch.at_s
    watch.sees(10.4, change).sees(5)
    assert watch.reasons == [reason, ""]
    assert watch.said[0][0] - began_s <= 10.0


@pytest.mark.parametrize(("number", "nuisance"), [*enumerate(NUISANCES)])
def test_weather_light_and_lorries_are_no_fault(drawn: Drawn, number: int, nuisance: str) -> None:
    """A lamp that fails, fog, rain, headlights, shaking, a moth on the lens, lightning, a lorry for 8 s: nothing."""
    watch = Watch(drawn, VIEWS[(number + 1) % 3])
    watch.at_s = LEAD_S - 8  # a lorry comes at its own time
    assert watch.sees(8).sees(12, NUISANCES[nuisance]).sees(3).reasons == []


@pytest.mark.parametrize("step_s", [0.1, 0.5, 1.0])
def test_faults_are_told_in_time_at_any_pace_of_detection(drawn: Drawn, step_s: float) -> None:
    """`detect_fps` may be from 1 to 15."""
    watch = Watch(drawn)
    watch.step_s = step_s
    watch.sees(16)
    began_s = watch.at_s
    watch.sees(11, FAULTS["hand"][1])
    assert watch.reasons == ["covered"]
    assert watch.said[0][0] - began_s <= 10.0
    watch.sees(6)
    stuck, began_s = drawn.noisy(watch.levels), watch.at_s
    for _ in range(round(5 / step_s)):
        watch.shows(stuck)
    assert watch.reasons[1:] == ["", "frozen"]
    assert watch.said[-1][0] - began_s <= 3.0 + step_s


def test_the_same_picture_again_is_frozen_within_three_seconds(drawn: Drawn) -> None:
    """A sensor has noise: not one grey level that changes means that nothing new arrives."""
    watch = Watch(drawn).sees(10)
    stuck, began_s = drawn.noisy(watch.levels), watch.at_s
    for _ in range(25):
        watch.shows(stuck)
    watch.sees(2)
    assert watch.reasons == ["frozen", ""]
    assert watch.said[0][0] - began_s <= 3.0


def test_a_still_scene_of_a_digital_camera_is_alive(drawn: Drawn) -> None:
    """A stream may repeat a still picture exactly; a second that goes on in its clock is enough to be alive."""
    watch = Watch(drawn)
    for second in range(30):
        plane = watch.levels.astype(np.uint8)
        cv2.putText(plane, str(second), (5, 15), cv2.FONT_HERSHEY_PLAIN, 1.0, 255)
        for _ in range(5):
            watch.shows(plane)
    assert watch.reasons == []


def test_a_clock_that_goes_on_over_a_frozen_picture_does_not_hide_it(drawn: Drawn) -> None:
    """Many cameras burn their clock in after the sensor: where it is masked, the rest decides."""
    watch = Watch(drawn, trust=Trust(ignored=[(0.0, 0.0, 0.5, 0.1)])).sees(65)
    stuck = drawn.noisy(watch.levels)
    for number in range(25):
        stuck[2:10, 5:60] = number * 9
        watch.shows(stuck)
    assert watch.reasons == ["frozen"]


def test_a_stream_that_pauses_and_goes_on_is_learned(drawn: Drawn) -> None:
    """Three exact repetitions of 4 s that ended by themselves within ten minutes: such a camera gets 10 s."""
    watch = Watch(drawn).sees(5)
    for _ in range(5):
        stuck = drawn.noisy(watch.levels)
        for _ in range(20):
            watch.shows(stuck)
        watch.sees(3)
    assert watch.reasons == ["frozen", ""] * 3
    for _ in range(60):
        watch.shows(stuck)
    assert watch.reasons[6:] == ["frozen"]


def test_dusk_and_dawn_are_no_fault(drawn: Drawn) -> None:
    """The light goes over minutes, the camera changes to infrared at once, and in the morning back."""
    watch = Watch(drawn).sees(20)
    night = drawn.levels(INFRARED)
    watch.step_s = 0.8
    for step in range(100):
        watch.sees(3.2, levels=watch.levels * (1 - 0.9 * step / 100))
    watch.sees(90, levels=night).sees(90).sees(30, levels=night).sees(30)
    assert watch.reasons == []


def test_a_moonless_night_without_a_lamp_is_not_judged(drawn: Drawn) -> None:
    """What gets dark gradually shows nothing in the end, and that is no fault; when the day comes, covers are told."""
    watch = Watch(drawn).sees(20)
    watch.step_s = 0.8
    for step in range(100):
        watch.sees(4, levels=watch.levels * 0.95**step + 6)
    watch.sees(60, levels=watch.levels * 0 + 6)
    assert watch.reasons == []
    watch.step_s = STEP_S
    watch.sees(20).sees(12, FAULTS["hand"][1])
    assert watch.reasons == ["covered"]


def test_the_gates_own_light_going_off_is_no_cover(drawn: Drawn) -> None:
    """The gate says that it switched its light: what follows is dark, not covered; a hand is told once it is lit."""
    watch = Watch(drawn, LIT)
    watch.own = OwnFacts(light=True)
    watch.sees(20)
    watch.own = OwnFacts(light=False)
    watch.sees(30, levels=watch.levels * 0 + 8)
    watch.own = OwnFacts(light=True)
    watch.sees(20)
    assert watch.reasons == []
    assert watch.sees(12, FAULTS["hand"][1]).reasons == ["covered"]


def test_the_gates_own_leaf_is_no_fault(drawn: Drawn) -> None:
    """A leaf that slides, and stands open for minutes, changes a good part of the picture."""
    watch = Watch(drawn).sees(15)
    for leaf in (0.2, 0.4, 0.6, 0.8):
        watch.sees(2, levels=drawn.levels(replace(DAY, leaf=leaf)))
    watch.sees(80, levels=drawn.levels(replace(DAY, leaf=1.0))).sees(10)
    assert watch.reasons == []


def test_what_parks_before_the_camera_is_learned(drawn: Drawn) -> None:
    """A car in the yard for an hour is no fault, neither when it comes nor when it goes."""
    parked = drawn.levels(replace(DAY, things=passing("car", 0.45)))
    assert Watch(drawn).sees(15).sees(90, levels=parked).sees(20).reasons == []


def test_a_camera_that_moved_stays_told_until_the_view_returns(drawn: Drawn) -> None:
    """Zones and gateway no longer fit, however long it lasts and whatever the light does."""
    pushed: Change = lambda plane, _: warped(plane, 0.06, 0.02)  # noqa: E731 - a change like the others
    watch = Watch(drawn).sees(15).sees(40, pushed).sees(20, pushed, levels=drawn.levels(OVERCAST))
    assert watch.reasons == ["moved"]
    assert watch.sees(6).reasons == ["moved", ""]


def test_a_view_that_somebody_confirms_is_the_right_one(drawn: Drawn) -> None:
    """A maintainer has turned the camera and drawn the zones anew."""
    watch = Watch(drawn).sees(15).sees(12, FAULTS["shift 10 %"][1])
    watch.trust.confirm()
    watch.sees(30, FAULTS["shift 10 %"][1])
    assert watch.reasons == ["moved", ""]
    assert watch.trust.adopted_s is None


def test_a_day_and_a_night_in_a_new_view_adopts_it_and_says_so(drawn: Drawn) -> None:
    """Nobody came for a day: the new view is the view, and its time is there to be logged."""
    watch = Watch(drawn).sees(15).sees(12, FAULTS["turn 5°"][1])
    watch.at_s += 24 * 3600.0
    watch.sees(3, FAULTS["turn 5°"][1])
    assert watch.reasons == ["moved", ""]
    assert watch.trust.adopted_s is not None


UNHURRIED_S = 0.5
HAND = FAULTS["hand"][1]
FINGERS: Change = lambda plane, at_s: noisy(hand_by_infrared(plane.shape), at_s)  # noqa: E731 - a change like the others


def hand_by_infrared(shape: tuple[int, ...]) -> Levels:
    """Return a hand in the camera's own light: bright, soft, with gaps between the fingers that have edges enough."""
    across = np.linspace(0, 7.2 * np.pi, shape[1], dtype=np.float32)[None, :]
    return np.asarray(np.broadcast_to(70 + 60 * np.cos(across), shape), np.float32)


@pytest.mark.parametrize(
    ("before", "after", "hand"),
    [(DAY, DAY, HAND), (LIT, INFRARED, FINGERS), (INFRARED, LIT, HAND), (DAY, DAY, FINGERS)],
)
def test_a_hand_is_not_forgotten_when_the_gates_light_switches(
    drawn: Drawn, before: object, after: object, hand: Change
) -> None:
    """It stays told while it is there, ends with the hand, and is told again: not learned, nor kept in a file."""
    watch = Watch(drawn, before)
    watch.step_s = UNHURRIED_S
    watch.own = OwnFacts(light=before is LIT)
    watch.sees(10).sees(10, hand)
    then = drawn.levels(after)  # type: ignore[arg-type] # one of the yards
    watch.own = OwnFacts(light=not watch.own.light)
    watch.sees(70, hand, then)
    assert watch.reasons == ["covered"]
    watch.sees(6, levels=then)
    assert watch.reasons == ["covered", ""]
    watch.sees(10, hand, then)
    assert watch.reasons == ["covered", "", "covered"]
    kept = json.loads(json.dumps(watch.trust.plain()))
    anew = Watch(drawn, before, Trust(own=own_parts(*SIZE), remembered=kept)).sees(4).sees(10, hand)
    assert anew.reasons == ["covered"]


@pytest.mark.parametrize(
    ("before", "after", "gap_s"), [(LIT, INFRARED, 4.0), (INFRARED, LIT, 0.0), (DAY, DAY, 0.0), (LIT, INFRARED, 12.0)]
)
def test_a_hand_soon_after_a_switch_is_told(drawn: Drawn, before: object, after: object, gap_s: float) -> None:
    """For 15 s a light may be new; 10 s after them at the latest, and never learned."""
    watch = Watch(drawn, before)
    watch.step_s = UNHURRIED_S
    watch.own = OwnFacts(light=before is LIT)
    watch.sees(10)
    watch.levels = drawn.levels(after)  # type: ignore[arg-type] # one of the yards
    watch.own, switched_s = OwnFacts(light=not watch.own.light), watch.at_s
    watch.sees(gap_s).sees(26 - gap_s, HAND)
    assert watch.reasons == ["covered"]
    assert watch.said[0][0] - switched_s <= 25.0
    assert watch.sees(6).sees(10, HAND).reasons == ["covered", "", "covered"]


@pytest.mark.parametrize("lit_s", [16.0, 8.0])
def test_a_hand_that_came_just_before_a_switch_is_told_after_it(drawn: Drawn, lit_s: float) -> None:
    """What was on its way waits while the light may be new, and goes on where it was; two switches hide no more."""
    watch = Watch(drawn, LIT)
    watch.step_s = UNHURRIED_S
    watch.own = OwnFacts(light=True)
    watch.sees(lit_s).sees(4, HAND)
    watch.own, switched_s = OwnFacts(light=False), watch.at_s
    watch.sees(26, HAND)
    assert watch.reasons == ["covered"]
    assert watch.said[0][0] - switched_s <= (20.0 if lit_s > 15.0 else 25.0)


def test_a_blur_while_the_light_switches_is_neither_learned_nor_forgotten(drawn: Drawn) -> None:
    """Soft edges stand where the sharp ones stood: they must not pass for the view again."""
    soft = FAULTS["soft (2.5 px)"][1]
    watch = Watch(drawn, INFRARED)
    watch.step_s = UNHURRIED_S
    watch.sees(10).sees(10, soft)
    watch.own = OwnFacts(light=True)
    watch.sees(30, soft, drawn.levels(LIT))
    assert watch.reasons == ["defocused"]
    watch.sees(6, levels=drawn.levels(LIT))
    assert watch.reasons == ["defocused", ""]
    watch.own = OwnFacts(light=False)
    watch.sees(26, soft)
    assert watch.reasons == ["defocused", "", "defocused"]


def test_a_cover_that_comes_gradually_by_day_is_told(drawn: Drawn) -> None:
    """Dirt, paint in thin coats: what fades into a bright sheet is no night, and takes nothing of what is known."""
    watch = Watch(drawn).sees(10)
    watch.step_s = 1.6
    for step in range(60):
        watch.sees(3.2, levels=watch.levels * 0.9**step + 100 * (1 - 0.9**step))
    watch.sees(20, FAULTS["grey bag"][1])
    assert watch.reasons == ["covered"]
    assert watch.sees(8).reasons == ["covered", ""]


def test_a_cover_put_on_in_a_dark_night_is_told_when_no_day_comes(drawn: Drawn) -> None:
    """Nothing tells it from the night; a bright one is told by day, a black one when no night lasts so long."""
    watch = Watch(drawn).sees(10)
    watch.step_s = 2.0
    for step in range(70):
        watch.sees(4, levels=watch.levels * 0.95**step + 6)
    watch.sees(20, FAULTS["black tape"][1])
    watch.at_s += 13.5 * 3600.0
    watch.sees(20, FAULTS["black tape"][1])
    assert watch.reasons == []
    watch.at_s += 2 * 3600.0
    assert watch.sees(20, FAULTS["black tape"][1]).reasons == ["covered"]
    assert watch.sees(10).reasons == ["covered", ""]


def test_a_process_that_begins_under_a_cover_ends_it_when_the_view_shows(drawn: Drawn) -> None:
    """A bright sheet is told although no view is known; the first view is then the view."""
    watch = Watch(drawn).sees(12, FAULTS["grey bag"][1])
    assert watch.reasons == ["covered"]
    watch.sees(12).sees(10, HAND)
    assert watch.reasons == ["covered", "", "covered"]


def test_a_hand_that_was_taken_for_the_first_view_gives_way_to_a_sharp_one(drawn: Drawn) -> None:
    """It is told as another view for a moment at most; 15 s of the real one, and covers are told as ever."""
    watch = Watch(drawn).sees(20, FINGERS)
    assert watch.reasons == []
    watch.sees(26)
    assert watch.reasons in ([], ["moved", ""])
    assert watch.sees(10, FINGERS).reasons[-1] == "covered"


def test_a_cover_that_an_older_release_learned_is_left_out(drawn: Drawn) -> None:
    """Its file has a soft light that shares no edge with the sharp ones."""
    kept, hand = (Watch(drawn).sees(10, change).trust.plain() for change in (None, FINGERS))
    poisoned = {"lights": [*kept["lights"], *hand["lights"]]}  # type: ignore[misc] # lists, as written above
    trust = Trust(own=own_parts(*SIZE), remembered=json.loads(json.dumps(poisoned)))
    assert len(trust.plain()["lights"]) == 1  # type: ignore[arg-type] # a list, as above
    assert Watch(drawn, trust=trust).sees(4).sees(10, FINGERS).reasons == ["covered"]


def remembered(drawn: Drawn) -> Trust:
    """Return the trust of a process that was started anew."""
    told = json.loads(json.dumps(Watch(drawn).sees(20).trust.plain()))
    return Trust(own=own_parts(*SIZE), remembered=told)


def test_a_camera_that_was_moved_during_a_power_cut_is_told(drawn: Drawn) -> None:
    """What was known is kept in a file, so that a restart does not take the new view for the right one."""
    watch = Watch(drawn, trust=remembered(drawn)).sees(15, FAULTS["shift 5 %"][1])
    assert watch.reasons == ["moved"]


def test_a_camera_that_was_covered_during_a_power_cut_is_told(drawn: Drawn) -> None:
    """A bright sheet without anything in it is no night: the process that begins with it knows better."""
    watch = Watch(drawn, trust=remembered(drawn)).sees(15, FAULTS["grey bag"][1]).sees(6)
    assert watch.reasons == ["covered", ""]


@pytest.mark.parametrize("view", [INFRARED, LIT])
def test_a_restart_in_another_light_is_no_fault(drawn: Drawn, view: object) -> None:
    """The power went by day and comes back by night: only known edges in wrong places would be a fault."""
    watch = Watch(drawn, view, trust=remembered(drawn))
    watch.step_s = 0.4
    watch.sees(80)
    assert watch.reasons == []
    assert watch.sees(12, FAULTS["hand"][1]).reasons == ["covered"]


def test_a_damaged_memory_is_refused() -> None:
    """The caller puts the file aside and begins anew."""
    listed: list[dict[str, object]] = [
        {"lights": 3},
        {"lights": [{}]},
        {"lights": [{"edges": {"shape": [1, 1], "scale": 1, "data": ""}}]},
    ]
    for damaged in listed:
        with pytest.raises(ValueError, match="remembered"):
            Trust(remembered=json.loads(json.dumps(damaged)))


def test_an_exposure_on_its_way_teaches_nothing(drawn: Drawn) -> None:
    """While gain and exposure run, the view is judged but not learned; nothing is said of it."""
    watch = Watch(drawn).sees(15)
    for number in range(100):
        factor = 0.5 + 0.5 * (number % 20) / 20
        watch.shows(drawn.noisy(watch.levels * factor), Exposure(exposure_us=10_000 * factor, gain=1.0))
    assert watch.reasons == []


def test_another_size_of_plane_begins_anew(drawn: Drawn) -> None:
    """A stream that changes its size is another camera until it is known."""
    watch = Watch(drawn).sees(15)
    small = cv2.resize(watch.levels.astype(np.uint8), (160, 90))
    for number in range(60):
        watch.shows(np.asarray(small + np.uint8(number % 2), np.uint8))
    assert watch.reasons == []


def planes(path: Path) -> Iterator[tuple[Plane, float]]:
    """Yield the planes of a clip with their times."""
    source = VideoSource(str(path), Wishes(detect_fps=5.0, pace="fast", record=False), retry=False)
    for item in source.items():
        if isinstance(item, Frame):
            yield item.luma, item.at_s


@pytest.mark.parametrize("clip", ["swaying-tree.avi", "brightness-jump.avi"])
def test_a_real_clip_says_nothing(real_clips: Path, clip: str) -> None:
    """Two short ones here; `make bench` runs all nine, and lays the faults over each."""
    trust = Trust()
    assert {trust.look(plane, at_s) for plane, at_s in planes(real_clips / clip)} == {""}


def test_every_reason_is_listed() -> None:
    """The pages have a word for each."""
    assert set(REASONS) == {"covered", "blinded", "moved", "defocused", "frozen"}
