"""From regions over time to visits: one motion event for each. Pure and deterministic; time comes with the frames.

- Regions of successive frames that lie on or near one another are one track. A track is believed once it has been seen
  for a while and again and again: a moth before the lens is never twice in one place, a person always is.
- The first believed track begins an event, dated back to when that track was first seen. Everything else that moves
  meanwhile belongs to it.
- The event ends when no believed track has been seen for a moment: a short one if the last was seen to leave at the
  border of the picture, a longer one if it vanished inside (someone who stands still behind a post), and it is dated
  back to when the last one was seen. Something that stays without moving ends its event after `rest_s`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TypeAlias

from camera.motion import Rectangle, Region


@dataclass(frozen=True, kw_only=True, slots=True)
class Patience:
    """How long to look before believing, and before letting go; seconds."""

    believe_s: float = 0.7
    believe_hits: int = 4
    believe_share: float = 0.6
    forget_s: float = 0.7
    left_s: float = 1.0
    vanished_s: float = 3.0
    rest_s: float = 25.0
    reach: float = 0.04
    most_still: float = 0.5
    patch_s: float = 2.0
    far: float = 0.025


@dataclass(frozen=True, kw_only=True, slots=True)
class Started:
    """A visit has begun: said once, up to a second after `at_s`, its true beginning."""

    at_s: float
    zones: tuple[str, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class Ended:
    """The visit is over since `at_s`: said once for every `Started`. `peak_area` is a fraction of the picture."""

    started_s: float
    at_s: float
    zones: tuple[str, ...]
    peak_area: float


Change: TypeAlias = Started | Ended


@dataclass(slots=True)
class Track:
    """One thing on its way through the picture."""

    first_s: float
    last_s: float
    region: Region
    origin: Rectangle
    hits: int = 1
    frames: int = 1
    believed: bool = False
    zones: set[str] = field(default_factory=set)
    peak_area: float = 0.0


class Visits:
    """Turns the regions of each frame into starts and ends. One instance for one view."""

    def __init__(self, patience: Patience | None = None) -> None:
        self._patience = patience or Patience()
        self._tracks: list[Track] = []
        self._started_s: float | None = None
        self._seen_s = 0.0
        self._edge = False
        self._zones: set[str] = set()
        self._peak_area = 0.0

    @property
    def under_way(self) -> bool:
        """Tell whether an event is open."""
        return self._started_s is not None

    def focus(self) -> Region | None:
        """Return what the open event is about in the newest frame: the largest believed thing that was just seen."""
        newest_s = max((track.last_s for track in self._tracks), default=0.0)
        current = [track.region for track in self._tracks if track.last_s == newest_s and track.believed]
        return max(current, key=lambda region: region.area, default=None)

    def step(self, regions: Sequence[Region], at_s: float) -> list[Change]:
        """Take one frame's regions; return what began or ended by it."""
        self._follow(regions, at_s)
        believed = [track for track in self._tracks if track.last_s == at_s and track.believed]
        moving = [track for track in believed if track.region.still_s < self._patience.rest_s]
        changes: list[Change] = []
        if moving:
            self._seen_s = at_s
            self._edge = all(track.region.edge for track in moving)
            if self._started_s is None:
                self._started_s = min(track.first_s for track in moving)
                self._zones, self._peak_area = set(), 0.0
                changes.append(Started(at_s=self._started_s, zones=_names(moving)))
            for track in moving:
                self._zones |= track.zones
                self._peak_area = max(self._peak_area, track.peak_area)
        elif self._started_s is not None:
            wait_s = self._patience.left_s if self._edge else self._patience.vanished_s
            if at_s - self._seen_s >= wait_s:
                changes += self.finish()
        return changes

    def finish(self) -> list[Change]:
        """End what is open, because the view ends or breaks; forget all tracks."""
        changes: list[Change] = []
        if self._started_s is not None:
            zones = tuple(sorted(self._zones))
            changes.append(
                Ended(started_s=self._started_s, at_s=self._seen_s, zones=zones, peak_area=round(self._peak_area, 4))
            )
        self._started_s = None
        self._tracks = [track for track in self._tracks if not track.believed]
        return changes

    def _weigh(self, track: Track) -> None:
        """Believe a track that was seen often enough and moved for a good part of that time."""
        patience = self._patience
        age_s = track.last_s - track.first_s
        seen_often = track.hits >= max(patience.believe_hits, patience.believe_share * track.frames)
        if track.believed or not seen_often or age_s < patience.believe_s:
            return
        still_s = track.region.still_s
        if still_s <= patience.most_still * age_s or moved(track.origin, track.region.box) >= patience.far:
            track.believed = True
        elif still_s > patience.patch_s:
            # A patch that only stands there is light or a nudged camera. What moves over it later begins then.
            track.first_s, track.origin = track.last_s, track.region.box
            track.hits, track.frames = 1, 1

    def _follow(self, regions: Sequence[Region], at_s: float) -> None:
        """Give each region to the nearest track that it could be, largest first; the rest begin tracks."""
        free = [track for track in self._tracks if at_s - track.last_s <= self._patience.forget_s]
        self._tracks = list(free)
        for track in free:
            track.frames += 1
        for region in sorted(regions, key=lambda region: -region.area):
            near = [track for track in free if apart(track.region.box, region.box) <= self._patience.reach]
            if near:
                track = max(near, key=lambda track: (track.hits, track.region.area))
                free.remove(track)
                track.region, track.last_s, track.hits = region, at_s, track.hits + 1
                self._weigh(track)
            else:
                track = Track(first_s=at_s, last_s=at_s, region=region, origin=region.box)
                self._tracks.append(track)
            track.zones.update(region.zones)
            track.peak_area = max(track.peak_area, region.area)


def apart(one: Rectangle, other: Rectangle) -> float:
    """Return the gap between two boxes, as a fraction of the picture; 0 where they touch or overlap."""
    across = max(one[0], other[0]) - min(one[2], other[2])
    down = max(one[1], other[1]) - min(one[3], other[3])
    return max(0.0, across, down)


def moved(one: Rectangle, other: Rectangle) -> float:
    """Return how far the middle of a box has gone, as a fraction of the picture."""
    across = (other[0] + other[2] - one[0] - one[2]) / 2
    down = (other[1] + other[3] - one[1] - one[3]) / 2
    return float((across * across + down * down) ** 0.5)


def _names(tracks: Sequence[Track]) -> tuple[str, ...]:
    return tuple(sorted({name for track in tracks for name in track.zones}))
