"""The detector: what it reports, and all that it must keep quiet about."""

from __future__ import annotations

import ast
from pathlib import Path

import numpy as np
import pytest

from camera.crossing import Line
from camera.events import Change, Ended, Raised, Started, Visits
from camera.motion import Area, Detector, OwnFacts, Region
from tests.camera.conftest import Yardlike

STEP_S = 0.2


class Watch:
    """A detector and its visits over one synthetic view, fed at five frames a second."""

    def __init__(
        self,
        zones: tuple[Area, ...] = (),
        ignored: tuple[tuple[float, float, float, float], ...] = (),
        lines: tuple[Line, ...] = (),
    ) -> None:
        self.view = Yardlike()
        self.detector = Detector(zones, ignored)
        self.visits = Visits(lines=lines)
        self.at_s = 50.0
        self.changes: list[Change] = []
        self.regions: list[Region] = []

    def sees(
        self, seconds: float, *things: tuple[float, float, float], light: float = 1.0, offset: float = 0.0
    ) -> Watch:
        """Show the same things for a while."""
        for _ in range(round(seconds / STEP_S)):
            self.look(*things, light=light, offset=offset)
        return self

    def look(self, *things: tuple[float, float, float], light: float = 1.0, offset: float = 0.0) -> None:
        """Show one frame."""
        self.at_s += STEP_S
        self.regions = self.detector.look(self.view.plane(*things, light=light, offset=offset), self.at_s)
        self.changes += self.visits.step(self.regions, self.at_s)

    def crossing(self, start: float, end: float, seconds: float, y: float = 0.5, share: float = 0.12) -> Watch:
        """Let a thing go from one place to another."""
        steps = round(seconds / STEP_S)
        for step in range(steps):
            self.look((start + (end - start) * step / steps, y, share))
        return self

    @property
    def events(self) -> list[Ended]:
        """The events that are over."""
        return [change for change in self.changes if isinstance(change, Ended)]

    @property
    def starts(self) -> list[Started]:
        """The events that began."""
        return [change for change in self.changes if isinstance(change, Started)]


@pytest.fixture
def watch() -> Watch:
    """Return a watch that has learned its empty view."""
    return Watch().sees(3)


def test_an_empty_view_is_no_event(watch: Watch) -> None:
    """Noise alone says nothing, for as long as it likes."""
    assert watch.sees(20).starts == []


def test_the_first_second_is_learned_and_not_reported() -> None:
    """A camera that has just begun knows nothing yet: what it sees first is its background."""
    watch = Watch().sees(0.8, (0.4, 0.4, 0.15))
    assert watch.regions == []
    assert watch.starts == []


def test_a_thing_that_crosses_is_one_event_with_its_true_times(watch: Watch) -> None:
    """One visit is one event: it begins within 0.4 s and ends when the thing has left."""
    begun_s = watch.at_s
    watch.crossing(0.0, 0.95, seconds=5)
    gone_s = watch.at_s
    watch.sees(5)
    assert len(watch.starts) == 1
    (event,) = watch.events
    assert event.started_s == pytest.approx(begun_s, abs=0.45)
    assert event.at_s == pytest.approx(gone_s, abs=0.5)
    assert event.peak_area > 0.008


@pytest.mark.parametrize(("light", "offset"), [(0.6, 0.0), (1.4, 0.0), (1.0, 25.0), (0.75, -10.0)])
def test_a_step_of_gain_or_offset_is_no_event(watch: Watch, light: float, offset: float) -> None:
    """Auto-exposure that pumps, a cloud over everything: the whole picture scales and shifts, nothing came."""
    watch.sees(3, light=light, offset=offset).sees(3).sees(3, light=light, offset=offset)
    assert watch.starts == []


def test_a_thing_is_found_while_the_exposure_pumps(watch: Watch) -> None:
    """What is seen is compared with the background in today's light."""
    for step in range(25):
        watch.look((0.03 * step, 0.5, 0.14), light=1.0 - 0.3 * abs(np.sin(step / 3)))
    watch.sees(5)
    assert len(watch.events) == 1


def test_one_who_stands_still_stays_one_event(watch: Watch) -> None:
    """Somebody who comes, stands for 18 s and goes is one visit, not two and not a parked car."""
    watch.crossing(0.0, 0.4, seconds=2).sees(18, (0.4, 0.5, 0.12)).crossing(0.4, 0.95, seconds=3).sees(5)
    assert len(watch.events) == 1
    assert watch.events[0].at_s - watch.events[0].started_s > 21


def test_a_parked_car_ends_its_event_and_never_alerts_again(watch: Watch) -> None:
    """What came to rest is part of the view after half a minute."""
    watch.crossing(0.0, 0.4, seconds=2).sees(90, (0.4, 0.5, 0.2))
    assert len(watch.events) == 1
    assert watch.regions == []


def test_the_ghost_of_a_departed_car_is_gone_in_ten_seconds() -> None:
    """A hole where a thing used to be is learned in seconds: it shows less than what the background remembers."""
    watch = Watch().sees(6, (0.4, 0.4, 0.2)).crossing(0.4, 1.0, seconds=3, y=0.4, share=0.2).sees(10)
    assert watch.regions == []
    assert len(watch.events) == 1


def test_a_lamp_that_lights_half_the_picture_is_no_event(watch: Watch) -> None:
    """Light that falls on what is there changes its level, not its structure."""
    for _ in range(40):
        watch.at_s += STEP_S
        plane = watch.view.plane().astype(np.float32)
        plane[:, 160:] = np.clip(plane[:, 160:] * 1.35, 0, 255)
        watch.changes += watch.visits.step(watch.detector.look(plane.astype(np.uint8), watch.at_s), watch.at_s)
    assert watch.starts == []


def test_moths_before_the_lens_are_no_event(watch: Watch) -> None:
    """What is never twice in one place is no visitor, however large it looks."""
    rng = np.random.default_rng(9)
    for _ in range(100):
        things = [(float(x), float(y), 0.08) for x, y in rng.random((2, 2)) * 0.9]
        watch.look(*things)
        watch.look()
    assert watch.starts == []


def test_only_what_is_in_a_zone_counts_and_the_zone_is_named() -> None:
    """Zones: polygons with names; the street beyond the gate is nobody's business."""
    gateway = Area(name="gateway", polygon=((0.0, 0.5), (1.0, 0.5), (1.0, 1.0), (0.0, 1.0)))
    watch = Watch(zones=(gateway,)).sees(3)
    watch.crossing(0.0, 0.95, seconds=4, y=0.1).sees(4)
    assert watch.starts == []
    watch.crossing(0.0, 0.95, seconds=4, y=0.7).sees(4)
    assert [event.zones for event in watch.events] == [("gateway",)]


def test_what_is_masked_is_never_looked_at() -> None:
    """A burnt-in clock changes every second and means nothing."""
    watch = Watch(ignored=((0.0, 0.3, 1.0, 0.8),)).sees(3)
    assert watch.crossing(0.0, 0.95, seconds=4).sees(4).starts == []


def test_the_gates_own_leaf_is_no_visitor_and_what_comes_beside_it_is() -> None:
    """While the gate moves its own part of the picture is not searched; afterwards it is known as it stands."""
    leaf = (0.5, 0.3, 1.0, 0.8)
    view, detector, visits = Yardlike(), Detector(own=[leaf]), Visits()
    changes: list[Change] = []
    for step in range(100):
        at_s = 20 + step * STEP_S
        moves = 20 <= step < 50
        shift = min(1.0, max(0.0, (step - 20) / 30)) * 0.25
        plane = view.plane((0.55 + shift, 0.45, 0.18), *([(0.02 * (step - 70), 0.1, 0.14)] if step > 70 else []))
        changes += visits.step(detector.look(plane, at_s, own=OwnFacts(moves=moves)), at_s)
        assert changes == [] or step > 70
    assert [type(change) for change in changes] == [Started]


def test_what_stands_in_an_ignored_zone_does_not_count_though_it_reaches_over_the_gate() -> None:
    """A thing stands where the middle of its lower edge is: the bus on the street is the street's."""
    street = Area(name="street", polygon=((0.0, 0.55), (1.0, 0.55), (1.0, 1.0), (0.0, 1.0)), kind="ignore")
    watch = Watch(zones=(street,)).sees(3)
    assert watch.crossing(0.0, 0.95, seconds=4, y=0.45, share=0.2).sees(4).starts == []
    assert len(watch.crossing(0.0, 0.95, seconds=4, y=0.2, share=0.2).sees(4).events) == 1


def test_a_zone_may_only_be_recorded_and_an_alert_follows_when_the_visitor_goes_on() -> None:
    """One visit, one event: from the road, which is recorded, to the gateway, which alerts."""
    road = Area(name="road", polygon=((0.0, 0.0), (0.5, 0.0), (0.5, 1.0), (0.0, 1.0)), kind="record")
    gateway = Area(name="gateway", polygon=((0.5, 0.0), (1.0, 0.0), (1.0, 1.0), (0.5, 1.0)))
    watch = Watch(zones=(road, gateway)).sees(3)
    watch.crossing(0.0, 0.3, seconds=3).crossing(0.3, 0.0, seconds=3).sees(5)
    assert [event.level for event in watch.events] == ["record"]
    watch.changes.clear()
    watch.crossing(0.0, 0.95, seconds=6).sees(5)
    assert [type(change) for change in watch.changes] == [Started, Raised, Ended]
    assert [event.level for event in watch.events] == ["alert"]
    assert watch.events[0].zones == ("gateway", "road")


def test_a_zone_may_ask_for_larger_things_than_another() -> None:
    """A dog in the yard is nobody, a dog at the fence is somebody."""
    left = Area(name="fence", polygon=((0.0, 0.0), (0.5, 0.0), (0.5, 1.0), (0.0, 1.0)))
    right = Area(name="yard", polygon=((0.5, 0.0), (1.0, 0.0), (1.0, 1.0), (0.5, 1.0)), min_area=0.05)
    watch = Watch(zones=(left, right)).sees(3)
    assert watch.crossing(0.6, 0.85, seconds=4, share=0.12).sees(4).starts == []
    assert len(watch.crossing(0.05, 0.3, seconds=4, share=0.12).sees(4).events) == 1


def test_a_line_is_crossed_in_and_out() -> None:
    """The arrow down the middle has its right at the left of the picture: who goes to the right goes out."""
    watch = Watch(lines=(Line(name="threshold", start=(0.5, 0.1), end=(0.5, 0.9)),)).sees(3)
    watch.crossing(0.0, 0.95, seconds=5).sees(4).crossing(0.8, 0.0, seconds=5).sees(4)
    said = [(crossing.line, crossing.direction) for event in watch.events for crossing in event.crossings]
    assert said == [("threshold", "out"), ("threshold", "in")]


def test_the_leaf_on_its_way_is_no_visitor() -> None:
    """`leaf` is a polygon: what is in it is not searched while the gate moves."""
    view, visits = Yardlike(), Visits()
    detector = Detector(leaf=((0.5, 0.3), (1.0, 0.3), (1.0, 0.8), (0.5, 0.8)))
    changes: list[Change] = []
    for step in range(80):
        way = min(1.0, max(0.0, (step - 20) / 30)) * 0.25
        own = OwnFacts(moves=20 <= step < 50)
        changes += visits.step(
            detector.look(view.plane((0.55 + way, 0.45, 0.18)), step * STEP_S, own=own), step * STEP_S
        )
    assert changes == []


def test_a_view_that_changes_altogether_is_learned_anew(watch: Watch) -> None:
    """A cut or a bumped camera is no visitor; after a few seconds the detector works again."""
    watch.view.ground = 255 - watch.view.ground[::-1]
    watch.sees(8)
    watch.changes.clear()
    assert len(watch.crossing(0.0, 0.95, seconds=5).sees(5).events) == 1


def test_a_reset_forgets_the_view(watch: Watch) -> None:
    """A file that begins again shows its first picture after its last: no event comes of it."""
    watch.sees(2, (0.3, 0.3, 0.3))
    watch.detector.reset()
    watch.changes.clear()
    watch.sees(1)
    assert watch.changes == []
    assert watch.regions == []


def test_planes_of_any_size_and_shape_are_taken() -> None:
    """Cameras are tall, tiny and square too, and may change in mid-stream."""
    detector = Detector()
    for height, width in ((16, 16), (255, 225), (90, 160), (400, 30)):
        for step in range(8):
            noise = np.random.default_rng(step).integers(0, 255, (height, width)).astype(np.uint8)
            detector.look(noise, step * STEP_S)


def test_the_same_planes_give_the_same_events() -> None:
    """Deterministic: no clock and no chance inside."""
    first, second = (Watch().sees(3).crossing(0.0, 0.9, 4).sees(5).changes for _ in range(2))
    assert first == second


@pytest.mark.parametrize(
    "module",
    ["areas", "background", "compare", "motion", "profile", "shift", "tracks", "tuning", "events", "timeline", "h264"],
)
def test_the_rules_import_no_clock_and_no_system(module: str) -> None:
    """Time and data come in as arguments (architecture)."""
    forbidden = {"asyncio", "threading", "time", "datetime", "logging", "os", "socket"}
    tree = ast.parse((Path(__file__).resolve().parents[2] / "camera" / f"{module}.py").read_text(encoding="utf-8"))
    imported = {alias.name for node in ast.walk(tree) if isinstance(node, ast.Import) for alias in node.names}
    imported |= {node.module or "" for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)}
    assert not imported & forbidden
