"""Who crosses a line, once and the right way."""

from __future__ import annotations

import itertools
import random
from collections.abc import Iterable

import pytest

from camera.crossing import CLEAR, Crossing, Line, Walk, crossed

THRESHOLD = Line(name="cổng", start=(0.2, 0.8), end=(0.8, 0.8))
IN = Crossing(line="cổng", direction="in")
OUT = Crossing(line="cổng", direction="out")


def walked(points: Iterable[tuple[float, float]], *lines: Line) -> list[Crossing]:
    """Return what one track that goes through these points has crossed."""
    walk = Walk(lines or (THRESHOLD,))
    return [crossing for point in points for crossing in walk.step(point)]


def test_from_the_left_of_the_arrow_to_its_right_is_in() -> None:
    """The arrow points right, above it is its left: towards the camera is in. For every turn of the arrow."""
    assert walked([(0.5, 0.7), (0.5, 0.9)]) == [IN]
    assert walked([(0.5, 0.9), (0.5, 0.7)]) == [OUT]
    back = Line(name="cổng", start=(0.8, 0.8), end=(0.2, 0.8))
    assert walked([(0.5, 0.7), (0.5, 0.9)], back) == [OUT]
    upwards = Line(name="cổng", start=(0.5, 0.9), end=(0.5, 0.1))
    assert walked([(0.3, 0.5), (0.7, 0.4)], upwards) == [IN]
    slanting = Line(name="cổng", start=(0.0, 0.0), end=(1.0, 1.0))
    assert walked([(0.9, 0.1), (0.1, 0.9)], slanting) == [IN]


def test_a_slow_walk_over_the_line_counts_once() -> None:
    """Steps smaller than the margin, and one that stands exactly on the line."""
    assert walked((0.5, 0.78 + 0.002 * step) for step in range(21)) == [IN]
    assert walked([(0.5, 0.75), (0.5, 0.8), (0.5, 0.85)]) == [IN]
    assert walked([(0.5, 0.85), (0.5, 0.8), (0.5, 0.75)]) == [OUT]


def test_swaying_on_the_line_touching_it_and_sliding_along_it_say_nothing() -> None:
    """A person who stands in the gateway is neither coming nor going, however the box trembles."""
    rng = random.Random(5)
    swaying = [(0.5, 0.8 + rng.uniform(-0.9, 0.9) * CLEAR) for _ in range(200)]
    assert walked([(0.5, 0.7), *swaying, (0.5, 0.7)]) == []
    assert walked([(0.5, 0.7), *swaying, (0.5, 0.9), *swaying, (0.5, 0.9)]) == [IN]
    assert walked([(0.5, 0.7), (0.5, 0.8), (0.5, 0.7), (0.5, 0.8), (0.5, 0.7)]) == []
    assert walked([(0.5, 0.9), (0.5, 0.8), (0.5, 0.9), (0.5, 0.8), (0.5, 0.9)]) == []
    assert walked((0.1 + 0.01 * step, 0.8) for step in range(80)) == []


def test_round_the_end_of_the_line_is_not_over_it() -> None:
    """A line is as long as it is drawn, also for who goes round it slowly and for who comes back another way."""
    assert walked([(0.9, 0.7), (0.9, 0.9)]) == []
    assert walked((0.9, 0.78 + 0.002 * step) for step in range(21)) == []
    assert walked([(0.5, 0.7), (0.5, 0.9), (0.9, 0.9), (0.9, 0.7)]) == [IN]
    assert walked([(0.5, 0.7), (0.5, 0.9), (0.5, 0.7)]) == [IN, OUT]
    assert crossed(THRESHOLD, (0.8, 0.7), (0.8, 0.9)) == "in"  # its very end belongs to it
    assert crossed(THRESHOLD, (0.81, 0.7), (0.81, 0.9)) is None


def test_who_appears_on_the_line_came_from_nowhere() -> None:
    """It counts from when it is clear of the line."""
    assert walked([(0.5, 0.795), (0.5, 0.805), (0.5, 0.9)]) == []
    assert walked([(0.5, 0.795), (0.5, 0.9), (0.5, 0.7)]) == [OUT]


def test_each_line_is_counted_by_itself() -> None:
    """One long step over two lines crosses both."""
    second = Line(name="sân", start=(0.8, 0.4), end=(0.2, 0.4))
    assert walked([(0.5, 0.3), (0.5, 0.9)], THRESHOLD, second) == [IN, Crossing(line="sân", direction="out")]


def test_whatever_the_walk_ins_and_outs_alternate() -> None:
    """Over a line that spans the picture nobody goes in twice without going out between."""
    rng = random.Random(7)
    whole = Line(name="cổng", start=(-9.0, 0.5), end=(9.0, 0.5))
    for _ in range(200):
        place, points = 0.5, []
        for _ in range(100):
            place += rng.gauss(0, 0.02)
            points.append((rng.random(), place))
        said = walked(points, whole)
        assert all(one != other for one, other in itertools.pairwise(said))
        clear = [y > whole.start[1] for _, y in points if abs(y - 0.5) >= CLEAR]
        assert (said.count(IN) - said.count(OUT)) == (clear[-1] - clear[0] if clear else 0)


def test_a_line_without_length_is_refused() -> None:
    """The message names the line and the remedy."""
    with pytest.raises(ValueError, match=r"'cổng'.*two different points"):
        Line(name="cổng", start=(0.5, 0.5), end=(0.5, 0.5))
