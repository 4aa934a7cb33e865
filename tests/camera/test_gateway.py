"""The closed gateway against its reference: what is found in it, and all that must not be taken for something."""

from __future__ import annotations

import itertools
import json
from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest

from camera.gateway import Finding, Gateway
from camera.things import Thing
from camera.village import gateway_polygon
from camera.yard import Yard
from gate.model import JsonObject
from tests.camera.drawn_yard import DAY, INFRARED, LIT, OVERCAST, SIZE, Drawn, Levels, passing

Change = Callable[[Levels], Levels]
STEP_S = 0.4
LIGHTS = [DAY, OVERCAST, INFRARED, LIT]


@pytest.fixture(scope="module")
def drawn() -> Drawn:
    return Drawn()


def towards(other: Levels, share: float) -> Change:
    """Return a change of a yard's picture towards another one."""
    return lambda levels: levels * (1 - share) + other * share


class Watch:
    """A gateway over the drawn yard, fed a few frames a second."""

    def __init__(self, drawn: Drawn, gateway: Gateway | None = None) -> None:
        self.drawn = drawn
        self.gateway = gateway or Gateway(gateway_polygon(*SIZE))
        self.at_s = 100.0
        self.findings: list[Finding] = []

    def sees(
        self, yard: Yard, seconds: float, *, state: str = "closed", evidence: str = "limit", trusted: bool = True,
        change: Change | None = None,
    ) -> Watch:  # fmt: skip
        """Show one yard for a while."""
        for _ in range(round(seconds / STEP_S)):
            self.at_s += STEP_S
            levels = self.drawn.levels(yard)
            plane = self.drawn.noisy(change(levels) if change else levels)
            finding = self.gateway.look(plane, self.at_s, state, evidence, trusted=trusted)
            if finding:
                self.findings.append(finding)
        return self

    def opens(self, yard: Yard, seconds: float = 8) -> Watch:
        """Let the gate open, stand open and close again."""
        self.sees(replace(yard, leaf=0.5), 0.4, state="opening", evidence="drive")
        self.sees(replace(yard, leaf=1.0), seconds, state="open")
        return self.sees(replace(yard, leaf=0.5), 0.4, state="closing", evidence="drive")

    def knows(self, *yards: Yard) -> Watch:
        """Learn the closed and the open gateway in some lights."""
        for yard in yards:
            self.sees(yard, 24).opens(yard, 10)
        self.findings.clear()
        return self

    def finds(
        self, yard: Yard, seconds: float = 10, *, state: str = "closed", evidence: str = "limit", trusted: bool = True,
        change: Change | None = None,
    ) -> list[str]:  # fmt: skip
        """Close over a yard and return the results that are found."""
        self.findings.clear()
        self.sees(yard, seconds, state=state, evidence=evidence, trusted=trusted, change=change)
        return [finding.result for finding in self.findings]


@pytest.fixture(scope="module")
def learned(drawn: Drawn) -> JsonObject:
    """Return what a gateway has learned in every light, as it stands in its file."""
    told: JsonObject = json.loads(json.dumps(Watch(drawn).knows(*LIGHTS).gateway.plain()))
    return told


@pytest.fixture
def watch(drawn: Drawn, learned: JsonObject) -> Watch:
    """Return a watch after a restart: it knows the gateway in every light from its file."""
    return Watch(drawn, Gateway(gateway_polygon(*SIZE), learned))


def test_the_first_closing_says_nothing_and_the_second_is_clear(drawn: Drawn) -> None:
    """Nothing can be compared with nothing; what was learned counts from the next closing on."""
    watch = Watch(drawn)
    assert watch.finds(DAY, 30) == ["unknown"]
    assert watch.findings[0].why == "no_reference"
    assert watch.opens(DAY).finds(DAY, 10) == ["clear"]


@pytest.mark.parametrize("light", LIGHTS)
def test_in_every_light_an_empty_gateway_is_clear_and_a_crate_is_found(watch: Watch, light: Yard) -> None:
    """A crate under the beam, beside the rail: no sensor notices it, the picture does, within 10 s, and says where."""
    assert watch.finds(light) == ["clear"]
    assert watch.opens(light).finds(replace(light, crate=True)) == ["occupied"]
    (finding,) = watch.findings
    assert finding.box is not None
    left, top, right, bottom = finding.box
    assert left < 0.49 < right
    assert top < 0.66 < bottom
    assert right - left < 0.15
    assert watch.opens(light).finds(light) == ["clear"]


@pytest.mark.parametrize(
    ("light", "leaf"), [(DAY, 0.03), (INFRARED, 0.1), (DAY, 0.25), (LIT, 0.5), (DAY, 1.0), (INFRARED, 1.0)]
)
def test_a_leaf_that_is_not_where_it_says_is_told(watch: Watch, light: Yard, leaf: float) -> None:
    """A limit that is bridged says closed; the picture shows the leaf elsewhere, or the road behind."""
    assert watch.finds(replace(light, leaf=leaf)) == ["leaf_elsewhere"]


@pytest.mark.parametrize("light", [DAY, LIT])
@pytest.mark.parametrize(
    "things", [passing("person", -0.06), passing("car", -0.3, -1), passing("motorbike", -0.15, -1), passing("car", 0.9)]
)
def test_what_stands_outside_or_in_the_yard_is_nobodys_affair(
    watch: Watch, light: Yard, things: tuple[Thing, ...]
) -> None:
    """Who waits behind the bars, or parks in the yard away from the leaf, is not in the gateway."""
    assert "occupied" not in watch.finds(replace(light, things=things))
    assert "leaf_elsewhere" not in watch.finds(replace(light, things=things), 5)


def test_headlights_behind_the_bars_are_no_finding(watch: Watch) -> None:
    """A car that waits outside and dazzles hides the bars with light: unknown at worst."""
    assert set(watch.finds(replace(INFRARED, things=passing("car", -0.4)), 30)) <= {"clear", "unknown"}


def test_one_who_stands_in_the_gateway_is_found_and_gone_again(watch: Watch) -> None:
    """A finding changes while the gate stays closed: somebody steps before the leaf, stays, and leaves."""
    standing = replace(DAY, things=passing("person", 0.03))
    watch.sees(DAY, 8).sees(standing, 5).sees(DAY, 6)
    assert [finding.result for finding in watch.findings] == ["clear"], "who only passes is not told"
    watch.sees(standing, 16).sees(DAY, 16)
    assert [finding.result for finding in watch.findings] == ["clear", "occupied", "clear"]


def test_light_that_changes_is_no_finding(watch: Watch) -> None:
    """Gain steps, a lamp that is switched, clouds and dusk over a closed gate leave it clear."""
    watch.sees(DAY, 6)
    watch.sees(DAY, 6, change=lambda plane: plane * 0.55).sees(DAY, 6, change=lambda plane: plane * 0.8 + 40)
    watch.sees(OVERCAST, 8).sees(DAY, 8).sees(INFRARED, 8).sees(LIT, 8).sees(INFRARED, 8)
    assert [finding.result for finding in watch.findings] == ["clear"]


def test_dusk_over_a_closed_gate_is_learned_as_it_comes(drawn: Drawn) -> None:
    """Who knows only the day learns the night as it falls over a clear gateway, and finds a crate in it."""
    watch = Watch(drawn).knows(DAY).sees(DAY, 8)
    night = drawn.levels(INFRARED)
    for step in range(21):
        watch.sees(DAY, 5, change=towards(night, step / 20))
    watch.sees(INFRARED, 40)
    assert [finding.result for finding in watch.findings] == ["clear"]
    assert watch.opens(INFRARED).finds(replace(INFRARED, crate=True)) == ["occupied"]


def test_an_unknown_light_is_unknown_and_no_guess(drawn: Drawn) -> None:
    """Closed for the first time by lamplight: nothing fits, so nothing is said but that."""
    watch = Watch(drawn).knows(DAY)
    assert watch.finds(LIT, 30) == ["unknown"]
    assert watch.findings[0].why == "new_light"
    assert watch.opens(LIT).finds(LIT, 10) == ["clear"]


def test_a_crate_that_was_found_is_never_learned(drawn: Drawn) -> None:
    """Whatever light comes over it, what stands there wrongly is not taken for the reference."""
    watch = Watch(drawn).knows(DAY)
    assert watch.finds(replace(DAY, crate=True)) == ["occupied"]
    watch.sees(replace(LIT, crate=True), 60).opens(LIT).sees(replace(LIT, crate=True), 60)
    assert {finding.result for finding in watch.findings} == {"occupied", "unknown"}


def test_darkness_a_covered_lens_and_a_crowd_are_unknown(watch: Watch) -> None:
    """What can't be seen is not judged: nothing but noise, no trust, or never a calm second."""
    assert watch.finds(DAY, 20, change=lambda plane: plane * 0.0 + 10) == ["unknown"]
    assert watch.findings[0].why == "dark"
    assert watch.opens(DAY).finds(replace(DAY, crate=True), 20, trusted=False) == ["unknown"]
    assert watch.findings[0].why == "not_trusted"
    steps = itertools.count()

    def crowd(plane: Levels) -> Levels:
        shown = plane.copy()
        left = 90 + 40 * (next(steps) // 3 % 3)
        shown[70:125, left : left + 40] = 30
        return shown

    assert watch.opens(DAY).finds(DAY, 20, change=crowd) == ["unknown"]
    assert watch.findings[0].why == "restless"


def test_only_the_limit_counts(watch: Watch) -> None:
    """A gate that is only believed to be closed is not compared, nor is one that moves."""
    assert watch.finds(replace(DAY, crate=True), 20, evidence="none") == []
    assert watch.finds(replace(DAY, crate=True), 20, state="closing", evidence="drive") == []


def test_what_was_learned_survives_a_restart(watch: Watch) -> None:
    """The references go through a file as plain data; a new process finds the crate at its first closing."""
    assert watch.finds(replace(LIT, crate=True)) == ["occupied"]
    assert watch.opens(LIT).finds(LIT) == ["clear"]


@pytest.mark.parametrize(
    "damaged",
    [{"closed": 3}, {"closed": [{}], "open": []}, {"closed": [{"edges": {"shape": [2], "scale": 1, "data": "!"}}]},
     {"closed": [{"edges": {"shape": [4, 4, 2], "scale": 1.0, "data": "AAAA"}, "white": 0, "looks": 2, "usual": 0.9}]}],
)  # fmt: skip
def test_a_damaged_memory_is_refused(damaged: dict[str, object], drawn: Drawn) -> None:
    """The caller puts the file aside and begins anew."""
    with pytest.raises(ValueError, match="remembered"):
        Gateway(gateway_polygon(*SIZE), json.loads(json.dumps({"open": [], **damaged})))


def test_another_size_of_plane_forgets_what_no_longer_fits(watch: Watch) -> None:
    """A camera that is set to another size begins anew instead of comparing what can't be compared."""
    plane = np.full((90, 160), 90, np.uint8)
    assert watch.gateway.look(plane, watch.at_s, "closed", "limit", trusted=True) is None
    assert watch.gateway.plain()["closed"] == []


def test_a_camera_that_moved_begins_anew(watch: Watch) -> None:
    """`forget`: references of another view are worth nothing."""
    watch.gateway.forget()
    assert watch.finds(replace(DAY, crate=True), 20) == ["unknown"]


def test_a_day_and_a_night_of_difference_is_the_new_normal(watch: Watch) -> None:
    """A flower pot that is there to stay is found, for a day, and then belongs to the gateway."""
    pot = replace(DAY, crate=True)
    assert watch.finds(pot) == ["occupied"]
    watch.at_s += 24 * 3600.0
    watch.sees(pot, 30).opens(DAY)
    assert watch.finds(pot) == ["clear"]


@pytest.mark.parametrize("corners", [
    ((0.5, 0.0), (0.5, 1.0), (0.501, 1.0)), ((0.1, 0.5), (0.9, 0.5), (0.5, 0.501)), ((0.99, 0.99), (1, 0.99), (1, 1)),
])  # fmt: skip
def test_a_gateway_that_is_but_a_line_in_the_picture_says_nothing_and_breaks_nothing(
    corners: tuple[tuple[float, float], ...],
) -> None:
    gateway = Gateway(corners)
    plane = np.random.default_rng(3).integers(0, 255, (180, 320), np.uint8)
    found = [gateway.look(plane, look * 0.2, "closed", "limit", trusted=True) for look in range(120)]
    assert {finding.result for finding in found if finding} == {"unknown"}
