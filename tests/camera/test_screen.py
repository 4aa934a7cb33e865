"""What is drawn over every picture before anything else sees it."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from camera.screen import Screen, planes, site_clock

LEFT_HALF = [(0.0, 0.0), (0.5, 0.0), (0.5, 1.0), (0.0, 1.0)]


def grey(width: int, height: int, padding: int = 0) -> NDArray[np.uint8]:
    """Return a padded I420 picture of one colour."""
    return np.full((height * 3 // 2, width + padding), 90, np.uint8)


@pytest.mark.parametrize("padding", [0, 64])
def test_the_polygon_is_black_and_colourless_and_the_rest_is_untouched(padding: int) -> None:
    """In place, in all three planes, whatever the rows are padded with."""
    planar = grey(640, 360, padding)
    luma, *chromas = planes(planar, 640, 360)
    Screen(polygons=[LEFT_HALF]).hide((luma, chromas[0], chromas[1]))
    assert np.unique(luma[:, :320]).tolist() == [16]
    assert np.unique(luma[:, 322:]).tolist() == [90]
    for chroma in chromas:
        assert np.unique(chroma[:, :160]).tolist() == [128]
        assert np.unique(chroma[:, 162:]).tolist() == [90]
    assert np.shares_memory(luma, planar)
    assert padding == 0 or (planar[:360, 640:] == 90).all()


def test_the_three_planes_share_no_pixel_and_leave_none_out() -> None:
    """The layout of I420: luma, then the two chromas at half the width and height."""
    planar = grey(64, 36)
    for number, plane in enumerate(planes(planar, 64, 36)):
        plane[:] = number
    assert [int((planar == number).sum()) for number in range(3)] == [64 * 36, 64 * 36 // 4, 64 * 36 // 4]


def test_name_and_clock_are_burnt_in_and_run() -> None:
    """White on a dark rim at the top left; the digits change, the name stands."""
    now = ["2026-11-22  07:00:00"]
    screen = Screen(name="Cổng thôn 3", clock=lambda: now[0])
    first, second = grey(1280, 720), grey(1280, 720)
    screen.stamp(planes(first, 1280, 720))
    now[0] = "2026-11-22  07:00:01"
    screen.stamp(planes(second, 1280, 720))
    assert (first[:50, :600] == 235).sum() > 500
    assert (first[:50, :600] == 16).sum() > 500
    assert (first[60:720] == 90).all()
    changed = np.flatnonzero((first != second)[:720].any(axis=0))
    assert changed.size > 0
    assert changed.min() > 300


def test_a_label_wider_than_the_picture_is_cut() -> None:
    """A long name on a small picture is no failure."""
    planar = grey(160, 120)
    Screen(name="Cổng làng văn hoá thôn Đông Ngạc " * 3, clock=lambda: "07:00:00").stamp(planes(planar, 160, 120))
    assert (planar[:120] != 90).any()


def test_without_privacy_and_clock_nothing_is_drawn() -> None:
    """Nothing to draw costs nothing."""
    planar = grey(160, 120)
    screen = Screen(name="Cổng")
    screen.hide(planes(planar, 160, 120))
    screen.stamp(planes(planar, 160, 120))
    assert screen.empty
    assert (planar == 90).all()


def test_the_clock_is_the_sites() -> None:
    """Its own time zone, to the second."""
    assert len(site_clock("Asia/Ho_Chi_Minh")()) == len("2026-11-22  07:00:00")
