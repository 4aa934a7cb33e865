"""The drawn yard: what the picture shows is what the yard says."""

from __future__ import annotations

import numpy as np
import pytest

from camera import lettering, things, village
from camera.painter import Painter, Yard, read_yard
from camera.source import Picture
from camera.things import Thing
from camera.view import NOWHERE, Lens

SIZE = (640, 360)
CLOCK = "2026-11-21  18:00:00"
CAR = Thing(number=1, kind="car", along=0.05, direction=1)


def painted(yard: Yard, clock: str = CLOCK, at_s: float = 0.1) -> Picture:
    """Paint one yard from nothing."""
    painter = Painter(*SIZE, "Cổng thôn 3")
    painter.paint(yard, clock, at_s)
    return painter.picture


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


def test_the_leaf_is_where_the_leaf_is(still: Picture) -> None:
    """Half open shows half the gateway; fully open shows all of it."""
    part = village.leaf_bounds(Lens(*SIZE))
    free = [np.count_nonzero(changed(painted(Yard(leaf=leaf)), still)[part.window]) for leaf in (0.25, 0.5, 1.0)]
    assert 0 < free[0] < free[1] < free[2]


def test_a_night_looks_like_night_and_the_light_helps(still: Picture) -> None:
    """Dark, but not black; the gate's own light brightens the gateway."""
    dark, lit = painted(Yard(night=True)), painted(Yard(night=True, light=True))
    assert still.mean() > 110
    assert 8 < dark.mean() < 45
    assert lit.mean() > dark.mean() * 1.5


def test_the_lamp_blinks_while_it_is_on(still: Picture) -> None:
    """Half a second on, half a second off."""
    lamp = Yard(lamp=True)
    assert changed(painted(lamp, at_s=0.1), still).any()
    assert not changed(painted(lamp, at_s=0.6), still).any()


def test_the_clock_runs_in_the_corner(still: Picture) -> None:
    """Nothing else changes with it."""
    seen = changed(painted(Yard(), clock="2026-11-21  18:00:01"), still)
    assert seen.any()
    assert not seen[40:].any()
    assert not seen[:, 320:].any()


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
            light=bool(rng.integers(2)), night=number % 8 > 4,
        )  # fmt: skip
        clock = f"2026-11-21  18:00:{number // 3:02d}"
        painter.paint(yard, clock, number * 0.3)
        anew = painted(yard, clock, number * 0.3)
        soft = 8 if yard.night else 1  # headlights are blurred on a coarse grid that moves with the part
        assert np.abs(painter.picture.astype(int) - anew.astype(int)).max() <= soft, number


def test_a_yard_in_which_nothing_happens_costs_nothing() -> None:
    """No part is painted while no second passes."""
    painter = Painter(*SIZE, "Cổng")
    yard = Yard(things=(CAR,), leaf=1.0)
    painter.paint(yard, CLOCK, 0.0)
    assert painter.paint(yard, CLOCK, 0.2) == NOWHERE


def test_rain_and_insects_are_seen() -> None:
    """They are there to test the detector with."""
    dark = painted(Yard(night=True))
    assert np.count_nonzero(changed(painted(Yard(night=True, rain=True)), dark)) > 500
    assert np.count_nonzero(changed(painted(Yard(night=True, insects=True), at_s=3.3), dark)) > 50


def test_a_push_of_the_yard_is_read_and_nonsense_is_ignored() -> None:
    """The push is gate's; what is missing or of a wrong type counts as absent."""
    push = {
        "leaf": 0.4, "lamp": True, "night": True, "rain": False, "beam_broken": True,
        "things": [{"id": 7, "kind": "car", "along": -0.5, "direction": -1, "length": 0.36}, {"kind": 3}, None],
    }  # fmt: skip
    assert read_yard(push) == Yard(  # type: ignore[arg-type] # JSON
        leaf=0.4, lamp=True, night=True, things=(Thing(number=7, kind="car", along=-0.5, direction=-1),)
    )
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
