"""Regions over time become tracks: one thing on its way through the picture. Pure; time comes with the frames.

Regions of successive frames that lie on or near one another are one track. Most of what moves before a camera is
nobody, so a track must be believed before it counts:

- It has been seen for a while, again and again, and not only as a speck: what is smaller than its zone asks for is
  faint. It is followed, but only what grows out of it is believed.
- It goes as people and vehicles do. A walker makes 0.8 of his own lengths a second, a car at 20 km/h 1.2; what is
  quicker must go straight and for longer, as a cyclist does. An insect flies several of its lengths, to and fro; rain
  that is taken for a track jumps about.
- It goes somewhere if all it shows is what the background shows a little beside: leaves in the wind stay in place.
- It is no patch that came up and only stands there: that is light, or a nudged camera.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from dataclasses import dataclass, field

from camera.crossing import Crossing, Line, Walk
from camera.motion import Point, Rectangle, Region

FORGET_STEPS = 2.5
"""Frames that a track may be missed at a slow pace of detection."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Patience:
    """How long to look before believing, and before letting go; seconds, and fractions of the picture.

    A track is believed after `believe_s` with `believe_hits` full sights, in `believe_share` of the frames; dated back
    to its first faint sight, at most `faint_s` before. It is let go when it was not seen for `forget_s`. Boxes no
    further apart than `reach` are near. A patch has been still for more than `most_still` of its time, or was brisk
    (still for less than `brisk_s`) in too few of its sights, has not moved `far` and stands there for `patch_s`.

    Quick is more than `quick` of its own lengths a second, measured over `pace_s`; that must go `straight` (1 is a
    line) for `doubt_s`. What sways must have gone `travels` of its length. What was seen in less than `whole` of its
    frames and goes more than `broken` of its lengths a second is one streak of rain after another.

    A visit ends `left_s` after its last thing left at the border, `vanished_s` after it vanished inside, and when
    nothing in it has moved for `rest_s`.
    """

    believe_s: float = 0.7
    believe_hits: int = 4
    believe_share: float = 0.6
    faint_s: float = 4.0
    forget_s: float = 0.7
    reach: float = 0.04
    most_still: float = 0.5
    brisk_s: float = 0.5
    far: float = 0.025
    patch_s: float = 2.0
    quick: float = 1.25
    pace_s: float = 1.3
    straight: float = 0.85
    doubt_s: float = 1.7
    travels: float = 0.6
    whole: float = 0.75
    broken: float = 0.6
    left_s: float = 1.0
    vanished_s: float = 3.0
    rest_s: float = 25.0


@dataclass(slots=True, kw_only=True)
class Track:
    """One thing on its way: `sight_s` is its first sight, `first_s` and `full_s` its first and last that was not faint.

    `hits` counts the full sights, `brisk` those in which it was not still, `frames` the frames since the first of them.
    `gone` is how far it is from its origin, `went` how far it was in two sights in a row: what flies past something
    makes it look larger once. `way` says of its last full sights when that was, where its middle was, and how long its
    diagonal.
    """

    sight_s: float
    first_s: float
    last_s: float
    full_s: float
    region: Region
    origin: Rectangle
    walk: Walk
    hits: int = 0
    brisk: int = 0
    frames: int = 0
    gone: float = 0.0
    went: float = 0.0
    believed: bool = False
    crossings: list[Crossing] = field(default_factory=list)
    way: list[tuple[float, Point, float]] = field(default_factory=list)

    def pace(self) -> tuple[float, float]:
        """Return how fast it went lately, in its own lengths a second, and how straight: 1 is a line, 0 a circle."""
        steps = list(itertools.pairwise(self.way))
        gone = sum(math.dist(before[1], after[1]) for before, after in steps)
        if not gone:
            return 0.0, 1.0
        length = sum(size for _, _, size in self.way) / len(self.way)
        step_s = min(after[0] - before[0] for before, after in steps)
        return gone / length / (step_s * len(steps)), math.dist(self.way[0][1], self.way[-1][1]) / gone


class Tracks:
    """All tracks of one view."""

    def __init__(self, patience: Patience, lines: Sequence[Line] = ()) -> None:
        self._patience = patience
        self._lines = tuple(lines)
        self._at_s = float("-inf")
        self.all: list[Track] = []

    def follow(self, regions: Sequence[Region], at_s: float) -> None:
        """Give each region to the nearest track that it could be, largest first; the rest begin tracks."""
        step_s, self._at_s = at_s - self._at_s, at_s
        forget_s = max(self._patience.forget_s, FORGET_STEPS * step_s if math.isfinite(step_s) else 0.0)
        free = [track for track in self.all if at_s - track.last_s <= forget_s]
        self.all = list(free)
        for track in free:
            track.frames += track.hits > 0
        for region in sorted(regions, key=lambda region: -region.area):
            near = [track for track in free if apart(track.region.box, region.box) <= self._patience.reach]
            if near:
                track = max(near, key=lambda track: (track.hits, track.region.area))
                free.remove(track)
            else:
                track = Track(
                    sight_s=at_s, first_s=at_s, last_s=at_s, full_s=at_s, region=region, origin=region.box,
                    walk=Walk(self._lines),
                )  # fmt: skip
                self.all.append(track)
            self._see(track, region, at_s)

    def counts(self, track: Track, at_s: float) -> bool:
        """Tell whether a track is a visitor in the frame of `at_s`: believed, moving, and not long faint."""
        patience = self._patience
        return (
            track.believed
            and track.last_s == at_s
            and at_s - track.full_s <= patience.faint_s
            and track.region.still_s < (patience.rest_s if track.went >= patience.far else patience.patch_s)
            and not self._flutters(track)
        )

    def _see(self, track: Track, region: Region, at_s: float) -> None:
        """Add one sight to a track."""
        track.region, track.last_s = region, at_s
        left, top, right, bottom = region.box
        track.crossings += track.walk.step(((left + right) / 2, bottom))
        if region.faint:
            return
        if track.hits == 0:
            track.first_s, track.origin, track.frames = at_s, region.box, 1
        track.full_s = at_s
        track.hits += 1
        track.brisk += region.still_s < self._patience.brisk_s
        gone = moved(track.origin, region.box)
        track.went, track.gone = max(track.went, min(track.gone, gone)), gone
        track.way.append((at_s, ((left + right) / 2, (top + bottom) / 2), length(region.box)))
        while len(track.way) > self._patience.believe_hits and track.way[0][0] <= at_s - self._patience.pace_s:
            del track.way[0]
        if not track.believed:
            self._weigh(track)

    def _weigh(self, track: Track) -> None:
        """Believe a track that was seen often enough and goes as visitors do."""
        patience = self._patience
        age_s = track.last_s - track.first_s
        seen_often = track.hits >= max(patience.believe_hits, patience.believe_share * track.frames)
        if not seen_often or age_s < patience.believe_s:
            return
        still_s = track.region.still_s
        stands = still_s > patience.most_still * age_s or track.brisk < (1 - patience.most_still) * track.hits
        if not stands or track.went >= patience.far:
            if not self._doubtful(track, age_s):
                self._believe(track)
        elif still_s > patience.patch_s:
            # What moves over the patch later begins then.
            track.sight_s = track.first_s = track.last_s
            track.origin, track.hits, track.brisk, track.frames = track.region.box, 1, 0, 1

    def _believe(self, track: Track) -> None:
        """Believe a track, and that what was faintly seen near it was its beginning."""
        near = [other for other in self.all if apart(other.region.box, track.region.box) <= self._patience.reach]
        track.sight_s = max(track.first_s - self._patience.faint_s, min(other.sight_s for other in near))
        track.believed = True

    def _doubtful(self, track: Track, age_s: float) -> bool:
        """Tell whether a track goes as insects, rain or leaves do."""
        patience = self._patience
        if track.hits < patience.whole * track.frames and track.pace()[0] > patience.broken:
            return True
        if self._flutters(track) or (age_s < patience.doubt_s and track.pace()[0] > patience.quick):
            return True
        gone = moved(track.origin, track.region.box)
        return track.region.sways and gone < patience.travels * length(track.region.box)

    def _flutters(self, track: Track) -> bool:
        """Tell whether a track goes to and fro faster than people and vehicles can."""
        pace, straight = track.pace()
        return pace > self._patience.quick and straight < self._patience.straight


def apart(one: Rectangle, other: Rectangle) -> float:
    """Return the gap between two boxes, as a fraction of the picture; 0 where they touch or overlap."""
    across = max(one[0], other[0]) - min(one[2], other[2])
    down = max(one[1], other[1]) - min(one[3], other[3])
    return max(0.0, across, down)


def moved(one: Rectangle, other: Rectangle) -> float:
    """Return how far the middle of a box has gone, as a fraction of the picture."""
    across = (other[0] + other[2] - one[0] - one[2]) / 2
    down = (other[1] + other[3] - one[1] - one[3]) / 2
    return math.hypot(across, down)


def length(box: Rectangle) -> float:
    """Return the diagonal of a box, as a fraction of the picture."""
    return math.hypot(box[2] - box[0], box[3] - box[1])
