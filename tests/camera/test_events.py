"""Visits: from regions to one event each."""

from __future__ import annotations

from camera.crossing import Line
from camera.events import Change, Ended, Raised, Started, Visits
from camera.motion import Level, Region

STEP_S = 0.2


def region(
    x: float, *, still_s: float = 0.0, edge: bool = False, zones: tuple[str, ...] = ("gateway",), faint: bool = False,
    sways: bool = False, level: Level = "alert",
) -> Region:  # fmt: skip
    """Return a region of a tenth of the picture at `x`."""
    return Region(
        box=(x, 0.4, x + 0.1, 0.6), area=0.02, zones=zones, still_s=still_s, edge=edge, faint=faint, sways=sways,
        level=level,
    )  # fmt: skip


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


def test_what_was_faint_at_first_is_dated_from_its_first_sight_but_never_believed_alone() -> None:
    """The head over the fence: a speck for a second, then a person. A speck alone is nobody."""
    specks = [[region(0.01 * step, faint=True)] for step in range(5)]
    person = [[region(0.05 + 0.02 * step)] for step in range(8)]
    (started,) = feed(Visits(), specks + person)
    assert isinstance(started, Started)
    assert started.at_s == 0.0
    assert feed(Visits(), [[region(0.01 * step, faint=True)] for step in range(40)]) == []


def test_a_start_is_not_dated_back_for_ever() -> None:
    """A leaf that twitches for a minute where somebody comes by is not his beginning: four seconds at most."""
    specks = [[region(0.3 + 0.001 * step, faint=True)] for step in range(50)]
    (started,) = feed(Visits(), specks + [[region(0.35 + 0.03 * step)] for step in range(8)])
    assert isinstance(started, Started)
    assert started.at_s == 6.0


def test_what_flutters_is_no_visitor_and_ends_no_later_for_it() -> None:
    """An insect goes several of its lengths in a frame, to and fro; people and vehicles don't."""
    places = [0.3, 0.38, 0.31, 0.42, 0.33, 0.4, 0.3, 0.37] * 5
    assert feed(Visits(), [[region(x)] for x in places]) == []


def test_what_is_quick_and_straight_is_believed_later() -> None:
    """A cyclist goes more than his length in a second and a half, but straight on."""
    frames = [[region(0.07 * step)] for step in range(13)]
    assert feed(Visits(), frames[:8]) == []
    (started,) = feed(Visits(), frames)
    assert isinstance(started, Started)
    assert started.at_s == 0.0


def test_what_sways_is_believed_once_it_went_somewhere() -> None:
    """Leaves stay in their place. Somebody before a busy hedge looks like leaves at first."""
    assert feed(Visits(), [[region(0.3 + 0.02 * (step % 2), sways=True)] for step in range(50)]) == []
    walk = [[region(0.02 * step, sways=True)] for step in range(20)]
    assert [type(change) for change in feed(Visits(), walk)] == [Started]


def test_a_detection_of_one_frame_a_second_sees_a_visit_too() -> None:
    """A slow camera waits for four sights as well, not for 0.7 s."""
    visits = Visits()
    changes = [change for n in range(10) for change in visits.step([region(0.03 * n)], float(n))]
    assert [type(change) for change in changes] == [Started]


def test_a_visit_is_raised_once_and_says_where_it_went_through() -> None:
    """Recorded on the road, an alert at the gate; the line was crossed on the way."""
    frames = [[region(0.03 * n, level="record" if n < 15 else "alert")] for n in range(30)]
    line = Line(name="kerb", start=(0.4, 0.9), end=(0.4, 0.1))
    changes = feed(Visits(lines=(line,)), frames + [[] for _ in range(20)])
    assert [type(change) for change in changes] == [Started, Raised, Ended]
    ended = changes[-1]
    assert isinstance(ended, Ended)
    assert (ended.level, [(one.line, one.direction) for one in ended.crossings]) == ("alert", [("kerb", "in")])


def test_focus_is_the_largest_believed_thing_of_the_newest_frame() -> None:
    """The thumbnail shows the thing itself, not a moth beside it."""
    visits = Visits()
    feed(visits, [[region(0.05 * n)] for n in range(8)])
    focus = visits.focus()
    assert focus is not None
    assert focus.box[0] == 0.05 * 7


def test_one_streak_of_rain_after_another_is_no_visitor() -> None:
    """Streaks are near one another by chance, with gaps, and never twice in one place; a passer-by is always there."""
    places = [0.3, 0.38, None, 0.47, 0.36, None, 0.45, 0.53, None, 0.62, 0.5, None] * 4
    assert feed(Visits(), [[] if x is None else [region(x)] for x in places]) == []
    assert len(feed(Visits(), [[] if step % 3 == 2 else [region(0.01 * step)] for step in range(30)])) == 1


def test_an_insect_that_flies_over_a_still_patch_makes_no_visitor_of_it() -> None:
    """For one sight the patch is larger and no longer still; before and after it only stands there."""
    frames = [[region(0.3, still_s=n * STEP_S, sways=n % 7 > 0)] for n in range(100)]
    wide = Region(box=(0.2, 0.3, 0.45, 0.75), area=0.05, zones=("gateway",))
    after = [[region(0.3, still_s=10 + n * STEP_S)] for n in range(50)]
    assert feed(Visits(), [*frames, [wide], *after]) == []
