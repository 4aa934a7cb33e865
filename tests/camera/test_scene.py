"""The drawn yard: what the picture shows is what the yard says."""

from __future__ import annotations

import dataclasses
import functools

import numpy as np
import pytest

from camera import lettering, things, village
from camera.crossing import Crossing, Line, Walk
from camera.painter import Painter
from camera.source import Picture
from camera.things import Thing
from camera.view import NOWHERE, Lens
from camera.yard import Yard, read_yard
from config.load import load
from gate.yard_orders import SEEN
from tests.docs.source import ROOT

SIZE = (640, 360)
CAR = Thing(number=1, kind="car", along=0.05, direction=1)


@functools.cache
def canvas() -> Painter:
    """Return the one painter of these stories."""
    return Painter(*SIZE, "Cổng thôn 3")


def painted(yard: Yard, at_s: float = 0.1) -> Picture:
    """Paint one yard wholly."""
    painter = canvas()
    painter.paint(dataclasses.replace(yard, night=not yard.night), at_s)  # in another light nothing stays
    assert painter.paint(yard, at_s) == painter.lens.whole
    return painter.picture.copy()


@pytest.fixture(scope="module")
def still() -> Picture:
    """Return the closed gate by day with nobody there."""
    return painted(Yard())


def changed(one: Picture, other: Picture) -> np.ndarray[tuple[int, ...], np.dtype[np.bool_]]:
    """Return where two pictures differ visibly."""
    return np.asarray(np.abs(one.astype(int) - other.astype(int)).max(axis=2) > 12)


@pytest.mark.parametrize("kind", ["car", "motorbike", "person", "dog"])
@pytest.mark.parametrize("along", [-0.8, 0.0, 0.2])
def test_a_thing_is_drawn_where_it_is_and_nowhere_else(still: Picture, kind: str, along: float) -> None:
    """Everything that changes lies within the thing's own bounds."""
    thing = Thing(number=3, kind=kind, along=along, direction=1)
    open_gate = painted(Yard(leaf=1.0))
    seen = changed(painted(Yard(leaf=1.0, things=(thing,))), open_gate)
    part = things.bounds(thing, Lens(*SIZE))
    assert np.count_nonzero(seen[part.window]) > 20
    seen[part.window] = False
    assert np.count_nonzero(seen) == 0


def test_what_is_nearer_is_larger() -> None:
    """Perspective: a car grows as it comes in."""
    areas = []
    for along in (-1.4, -0.7, 0.0):
        part = things.bounds(Thing(number=1, kind="car", along=along, direction=1), Lens(*SIZE))
        areas.append((part.x1 - part.x0) * (part.y1 - part.y0))
    assert areas[0] < areas[1] < areas[2]


@pytest.mark.parametrize("kind", ["car", "motorbike", "person", "dog"])
@pytest.mark.parametrize(("direction", "said"), [(1, "in"), (-1, "out")])
def test_who_passes_the_simulated_gate_is_said_to_come_in_or_go_out(kind: str, direction: int, said: str) -> None:
    """Seen: the shipped simulation had no line, so a search for motorbikes that left never found one."""
    lines = load(ROOT / "config" / "simulate.toml").camera.lines
    walk = Walk([Line(name=line.name, start=line.start, end=line.end) for line in lines])
    found: list[Crossing] = []
    for step in range(-20, 13):
        thing = Thing(number=1, kind=kind, along=step * direction / 20, direction=direction)
        part = things.bounds(thing, Lens(*SIZE))
        found += walk.step(((part.x0 + part.x1) / 2 / SIZE[0], part.y1 / SIZE[1]))
    assert [crossing.direction for crossing in found] == [said]


def test_the_leaf_is_where_the_leaf_is(still: Picture) -> None:
    """Half open shows half the gateway; fully open shows all of it."""
    part = village.leaf_bounds(Lens(*SIZE))
    free = [np.count_nonzero(changed(painted(Yard(leaf=leaf)), still)[part.window]) for leaf in (0.25, 0.5, 1.0)]
    assert 0 < free[0] < free[1] < free[2]


def test_a_night_looks_like_night_and_the_light_helps(still: Picture) -> None:
    """Dark, but not black; the gate's own light brightens the gateway."""
    dark, lit = painted(Yard(night=True, infrared=False)), painted(Yard(night=True, light=True))
    assert still.mean() > 110
    assert 8 < dark.mean() < 45
    assert lit.mean() > dark.mean() * 1.5


def test_by_its_infrared_lamp_the_camera_sees_grey_and_near_things_best() -> None:
    """No colours, bright before the gateway, black where no lamp reaches; the gate's light brings the colours back."""
    grey = painted(Yard(night=True))
    assert np.ptp(grey.astype(int), axis=2).max() <= 1
    ground, far = grey[300:340, 240:400], grey[100:130, 500:620]
    assert ground.mean() > 90
    assert far.mean() < 15
    assert np.ptp(painted(Yard(night=True, light=True)).astype(int), axis=2).max() > 60


def test_the_sun_throws_shadows_and_the_rain_takes_them_away(still: Picture) -> None:
    """A person's shadow lies beside them; a rainy day has none, nor has a night."""
    here = Thing(number=2, kind="person", along=0.25, direction=1)
    beside = Lens(*SIZE).project([(here.x_m + 0.7, 0.0, here.z_m - 1.0)])[0].astype(int)
    for rain, shaded in ((False, True), (True, False)):
        without, there = painted(Yard(rain=rain)), painted(Yard(rain=rain, things=(here,)))
        darker = without[beside[1], beside[0]].astype(int) - there[beside[1], beside[0]]
        assert (darker.min() > 20) == shaded
    assert not np.array_equal(painted(Yard(rain=True)), still)


def test_what_is_left_in_the_gateway_is_seen_whatever_the_leaf_does(still: Picture) -> None:
    """It stands under the beam and beside the rail: the picture is the only one that knows."""
    part = things.crate_bounds(Lens(*SIZE))
    for leaf in (0.0, 1.0):
        seen = changed(painted(Yard(crate=True, leaf=leaf)), still if leaf == 0 else painted(Yard(leaf=leaf)))
        assert np.count_nonzero(seen) > 0.002 * seen.size
        seen[part.window] = False
        assert not seen.any()


def test_the_lamp_blinks_while_it_is_on(still: Picture) -> None:
    """Half a second on, half a second off."""
    lamp = Yard(lamp=True)
    assert changed(painted(lamp, at_s=0.1), still).any()
    assert not changed(painted(lamp, at_s=0.6), still).any()


def test_a_picture_brought_up_to_date_is_the_picture_painted_anew() -> None:
    """Only the part that changed is drawn again, and it must not show."""
    rng = np.random.default_rng(6)
    painter = Painter(*SIZE, "Cổng thôn 3")
    kinds = ("car", "motorbike", "person", "dog")
    for number in range(24):
        passing = tuple(
            Thing(number=n, kind=kinds[n % 4], along=float(rng.uniform(-1.5, 0.4)), direction=int(rng.choice((-1, 1))))
            for n in range(int(rng.integers(0, 3)))
        )
        yard = Yard(
            leaf=float(rng.choice((0.0, 0.3, 1.0))), things=passing, lamp=bool(rng.integers(2)),
            light=bool(rng.integers(2)), night=number % 8 > 4, crate=bool(rng.integers(2)), rain=number % 5 == 0,
        )  # fmt: skip
        painter.paint(yard, number * 0.3)
        anew = painted(yard, number * 0.3)
        soft = 8 if yard.night else 1  # headlights are blurred on a coarse grid that moves with the part
        other = np.abs(painter.picture.astype(int) - anew.astype(int)).max(axis=2)
        # OpenCV's soft edges differ in single pixels where a shape leaves the part.
        assert np.count_nonzero(other > soft) < 10, number
        assert other.max() < 40, number


def test_a_yard_in_which_nothing_happens_costs_nothing() -> None:
    """No part is painted while nothing changes."""
    painter = Painter(*SIZE, "Cổng")
    yard = Yard(things=(CAR,), leaf=1.0)
    painter.paint(yard, 0.0)
    assert painter.paint(yard, 0.2) == NOWHERE


def test_the_leaf_is_seen_only_where_the_camera_says_that_it_looks_for_it(still: Picture) -> None:
    """Leaf and shadow lie within the part that is masked while the leaf moves, by day and by night."""
    width, height = SIZE
    (x0, y0, x1, y1), _ = village.own_parts(width, height)
    for light in (Yard(), Yard(night=True), Yard(night=True, light=True)):
        for leaf in (0.3, 0.7, 1.0):
            moved = dataclasses.replace(light, leaf=leaf)
            seen = changed(painted(moved), still if light == Yard() else painted(light))
            assert seen.any()
            seen[round(y0 * height) : round(y1 * height), round(x0 * width) : round(x1 * width)] = False
            assert not seen.any()


def test_a_push_of_the_yard_is_read() -> None:
    """The push is gate's; `knocked` is no truth here, so it is absent."""
    push = {
        "leaf": 0.4, "lamp": True, "night": True, "rain": False, "beam_broken": True, "infrared_dead": True,
        "crate": True, "hand": True, "torch": False, "knocked": 1,
        "things": [{"id": 7, "kind": "car", "along": -0.5, "direction": -1, "length": 0.36}, {"kind": 3}, None],
    }  # fmt: skip
    assert read_yard(push) == Yard(  # type: ignore[arg-type] # JSON
        leaf=0.4, lamp=True, night=True, infrared=False, crate=True, hand=True,
        things=(Thing(number=7, kind="car", along=-0.5, direction=-1),),
    )  # fmt: skip


def test_every_word_for_what_only_the_camera_notices_reaches_the_picture() -> None:
    """The yard's `SEEN` and what `read_yard` knows are the same words."""
    for word in SEEN:
        assert getattr(read_yard({word: True}), word) is True
        assert getattr(read_yard({word: False}), word) is False


def test_nonsense_in_a_push_counts_as_absent() -> None:
    """A push never breaks the picture."""
    assert read_yard({"leaf": "open", "things": 5, "night": 1}) == Yard()


def test_vietnamese_letters_have_their_marks() -> None:
    """Every letter of the language is taken apart into an ASCII base and marks that are drawn."""
    alphabet = "aăâeêioôơuưyđ"
    tones = ("", "\u0300", "\u0301", "\u0309", "\u0303", "\u0323")
    for letter in alphabet:
        for tone in tones if letter != "đ" else ("",):
            for text in (letter + tone, (letter + tone).upper()):
                (glyph,) = lettering.glyphs(text)
                assert glyph.base.lower() in "aeiouyd", text
                drawn, plain = (np.zeros((60, 60), np.uint8) for _ in range(2))
                lettering.write(drawn, text, (20, 40), lettering.Style(1.0, (255, 255, 255)))
                lettering.write(plain, glyph.base, (20, 40), lettering.Style(1.0, (255, 255, 255)))
                marked = bool(glyph.marks or glyph.stroked)
                assert (np.count_nonzero(drawn != plain) > 3) == marked, text


def test_what_is_no_letter_becomes_a_space() -> None:
    """A name may hold anything; drawing must not fail."""
    assert [glyph.base for glyph in lettering.glyphs("村 3\n")] == [" ", " ", "3", " "]
