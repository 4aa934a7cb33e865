"""The film of reasons: what is drawn where."""

from __future__ import annotations

from pathlib import Path

import av
import numpy as np
import pytest
from numpy.typing import NDArray

from camera.crossing import Line, Walk
from camera.events import Track
from camera.explain import BLUE, GREEN, PINK, RED, STRIP, YELLOW, Colour, Film, Sight, UnwritableOutputError
from camera.motion import Area, Region
from camera.notes import COUNTS, Notes

GREY_PICTURE = np.full((360, 640, 3), 90, np.uint8)
SQUARE = ((0.02, 0.1), (0.98, 0.1), (0.98, 0.9), (0.02, 0.9))


def filmed(path: Path, *sights: Sight, zones: tuple[Area, ...] = (), lines: tuple[Line, ...] = ()) -> NDArray[np.uint8]:
    """Film some sights, return the last picture of the film, (height, width, 3), blue, green, red."""
    with Film(path, zones, (), lines) as film:
        for sight in sights:
            film.show(sight)
    with av.open(str(path)) as container:
        *_, last = container.decode(video=0)
        return np.asarray(last.to_ndarray(format="bgr24"), np.uint8)


def shows(picture: NDArray[np.uint8], colour: Colour) -> bool:
    """Tell whether a colour stands somewhere in the picture; H.264 halves the resolution of colours."""
    return bool((np.abs(picture.astype(int) - colour).max(axis=2) < 45).sum() > 20)


def track(*, believed: bool) -> Track:
    """Return a track in the middle of the picture."""
    region = Region(box=(0.4, 0.4, 0.6, 0.6), area=0.04, zones=())
    return Track(
        sight_s=0.0, first_s=0.0, last_s=1.0, full_s=1.0, region=region, origin=region.box, walk=Walk(()),
        believed=believed,
    )  # fmt: skip


def test_a_quiet_picture_gets_a_strip_and_nothing_else(tmp_path: Path) -> None:
    """Below the picture; the picture itself stays as it was."""
    last = filmed(tmp_path / "why.mp4", Sight(at_s=0.0, picture=GREY_PICTURE, notes=Notes(), tracks=()))
    assert last.shape == (360 + STRIP, 640, 3)
    assert np.abs(last[:360].astype(int) - 90).max() < 12
    assert last[360:].min() < 40


def test_what_was_dropped_is_blue_what_is_followed_yellow_what_is_believed_green(tmp_path: Path) -> None:
    """Each with its reason; an open event has a red frame."""
    notes = Notes()
    notes.judge("light", (0.1, 0.1, 0.2, 0.2), 0.01)
    dropped = filmed(tmp_path / "1.mp4", Sight(at_s=0.0, picture=GREY_PICTURE, notes=notes, tracks=()))
    assert shows(dropped, BLUE)
    assert not shows(dropped[:360], GREEN)
    followed = Sight(at_s=1.0, picture=GREY_PICTURE, notes=Notes(), tracks=[track(believed=False)])
    assert shows(filmed(tmp_path / "2.mp4", followed), YELLOW)
    seen = Sight(at_s=1.0, picture=GREY_PICTURE, notes=Notes(), tracks=[track(believed=True)], event="event 1")
    last = filmed(tmp_path / "3.mp4", seen)
    assert shows(last, GREEN)
    assert shows(last[:6], RED)


def test_pixels_that_differ_are_red_where_they_count_and_yellow_where_not(tmp_path: Path) -> None:
    """Tinted, so that the picture shows through."""
    differs = np.zeros((90, 160), np.uint8)
    differs[10:40, 10:40] = differs[10:40, 100:130] = 1
    notes = Notes(differs=differs)
    notes.judge(COUNTS, (10 / 160, 10 / 90, 40 / 160, 40 / 90), 0.06)
    last = filmed(tmp_path / "why.mp4", Sight(at_s=0.0, picture=GREY_PICTURE, notes=notes, tracks=())).astype(int)
    blue, green, red = last[100, 100]
    assert red - green > 40
    blue, green, red = last[100, 460]
    assert min(red, green) - blue > 20


def test_zones_and_lines_are_drawn_with_their_counts(tmp_path: Path) -> None:
    """A line is an arrow."""
    line = Line(name="cổng", start=(0.2, 0.5), end=(0.8, 0.5))
    sight = Sight(at_s=0.0, picture=GREY_PICTURE, notes=Notes(), tracks=(), crossed={("cổng", "in"): 2})
    last = filmed(tmp_path / "why.mp4", sight, zones=(Area(name="sân", polygon=SQUARE),), lines=(line,))
    assert shows(last[170:190, 130:510], PINK)
    assert last[36, 100:500].mean() > 150


def break_off(path: Path, sight: Sight) -> None:
    """Begin a film and fail."""
    with Film(path) as film:
        film.show(sight)
        raise RuntimeError("broken")


def test_a_film_that_breaks_off_leaves_nothing_behind(tmp_path: Path) -> None:
    """Neither half a film nor the one beside its place; and a picture of another size fits in."""
    path = tmp_path / "why.mp4"
    small = Sight(at_s=1.0, picture=GREY_PICTURE[:180, :320], notes=Notes(), tracks=())
    assert filmed(path, Sight(at_s=0.0, picture=GREY_PICTURE, notes=Notes(), tracks=()), small).shape[1] == 640
    before = path.read_bytes()
    with pytest.raises(RuntimeError, match="broken"):
        break_off(path, small)
    assert path.read_bytes() == before
    assert list(tmp_path.iterdir()) == [path]
    with pytest.raises(UnwritableOutputError, match="give a file in a folder you may write to"):
        Film(tmp_path / "nowhere" / "why.mp4")
