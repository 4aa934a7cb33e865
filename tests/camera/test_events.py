"""Visits: from regions to one event each."""

from __future__ import annotations

from camera.events import Change, Ended, Started, Visits
from camera.motion import Region

STEP_S = 0.2


def region(x: float, *, still_s: float = 0.0, edge: bool = False, zones: tuple[str, ...] = ("gateway",)) -> Region:
    """Return a region of a tenth of the picture at `x`."""
    return Region(box=(x, 0.4, x + 0.1, 0.6), area=0.02, zones=zones, still_s=still_s, edge=edge)


def feed(visits: Visits, frames: list[list[Region]], start_s: float = 0.0) -> list[Change]:
    """Show frames at five a second and return what began or ended."""
    return [change for n, seen in enumerate(frames) for change in visits.step(seen, round(start_s + n * STEP_S, 3))]


def test_a_visit_is_dated_from_its_first_to_its_last_sight() -> None:
    """Belief takes 0.8 s; the start is dated back to when the thing was first seen."""
    walk = [[region(0.05 * step)] for step in range(10)]
    changes = feed(Visits(), [*walk, *[[] for _ in range(20)]])
    assert changes == [
        Started(at_s=0.0, zones=("gateway",)),
        Ended(started_s=0.0, at_s=1.8, zones=("gateway",), peak_area=0.02),
    ]


def test_who_vanishes_inside_is_waited_for_and_who_leaves_at_the_border_is_not() -> None:
    """Behind a post for two seconds is one visit; out of the picture for two seconds is two."""
    walk = [[region(0.05 * step)] for step in range(8)]
    gap: list[list[Region]] = [[] for _ in range(10)]
    assert sum(isinstance(change, Started) for change in feed(Visits(), walk + gap + walk)) == 1
    leaving = [*walk, [region(0.42, edge=True)]]
    assert sum(isinstance(change, Started) for change in feed(Visits(), leaving + gap + walk)) == 2


def test_a_flicker_in_one_place_is_no_visit() -> None:
    """Three frames are not enough to believe."""
    flicker = [[region(0.3)], [region(0.3)], [region(0.3)], [], [], [], []] * 10
    assert feed(Visits(), flicker) == []


def test_a_patch_that_never_moved_is_no_visit() -> None:
    """Light on a wall appears and stays as it is; a visitor moves for a part of the time."""
    patch = [[region(0.3, still_s=n * STEP_S)] for n in range(100)]
    assert feed(Visits(), patch) == []


def test_something_that_comes_to_rest_ends_its_event() -> None:
    """After 25 s without a change it is furniture."""
    frames = [[region(0.05 * n)] for n in range(6)] + [[region(0.3, still_s=n * STEP_S)] for n in range(200)]
    changes = feed(Visits(), frames)
    assert [type(change) for change in changes] == [Started, Ended]


def test_two_things_at_once_are_one_visit_with_both_their_zones() -> None:
    """Everything that moves during an event belongs to it."""
    frames = [[region(0.02 * n, zones=("road",)), region(0.6 + 0.02 * n, zones=("gateway",))] for n in range(15)]
    changes = feed(Visits(), frames + [[] for _ in range(20)])
    assert [change.zones for change in changes if isinstance(change, Ended)] == [("gateway", "road")]


def test_an_open_visit_ends_with_the_stream() -> None:
    """The end of a file or a broken view closes what is open, once."""
    visits = Visits()
    feed(visits, [[region(0.05 * n)] for n in range(10)])
    assert [type(change) for change in visits.finish()] == [Ended]
    assert visits.finish() == []


def test_focus_is_the_largest_believed_thing_of_the_newest_frame() -> None:
    """The thumbnail shows the thing itself, not a moth beside it."""
    visits = Visits()
    feed(visits, [[region(0.05 * n)] for n in range(8)])
    focus = visits.focus()
    assert focus is not None
    assert focus.box[0] == 0.05 * 7
