"""From regions over time to visits: one motion event for each. Pure and deterministic; time comes with the frames.

- The first believed track (`tracks`) begins an event, dated back to when that track was first seen, however faintly:
  the head over the fence, the torch at the end of the road. Everything else that moves meanwhile belongs to the event.
- An event is an alert as soon as one believed track stands in an alert zone; until then it is only recorded.
- The ground point of a believed track, the middle of its box's lower edge, is what crosses a line.
- The event ends when no believed track has been seen for a moment: a short one if the last was seen to leave at the
  border of the picture, a longer one if it vanished inside (someone who stands still behind a post), and it is dated
  back to when the last one was seen. Something that stays without moving ends its event too.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TypeAlias

from camera.crossing import Crossing, Line
from camera.motion import Level, Region
from camera.tracks import Patience, Track, Tracks

__all__ = ["Change", "Ended", "Patience", "Raised", "Started", "Track", "Visit", "Visits"]


@dataclass(frozen=True, kw_only=True, slots=True)
class Started:
    """A visit has begun: said once, up to a second after `at_s`, its true beginning."""

    at_s: float
    zones: tuple[str, ...]
    level: Level = "alert"


@dataclass(frozen=True, kw_only=True, slots=True)
class Raised:
    """The visit that was only recorded came into an alert zone at `at_s`: said at most once for a `Started`."""

    at_s: float
    zones: tuple[str, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class Ended:
    """The visit is over since `at_s`: said once for every `Started`. `peak_area` is a fraction of the picture.

    `crossings` are the lines that were crossed during it, in the order in which it happened.
    """

    started_s: float
    at_s: float
    zones: tuple[str, ...]
    peak_area: float
    level: Level = "alert"
    crossings: tuple[Crossing, ...] = ()


Change: TypeAlias = Started | Raised | Ended


@dataclass(slots=True, kw_only=True)
class Visit:
    """The event under way."""

    started_s: float
    seen_s: float
    level: Level
    edge: bool = False
    zones: set[str] = field(default_factory=set)
    peak_area: float = 0.0
    crossings: list[Crossing] = field(default_factory=list)


class Visits:
    """Turns the regions of each frame into starts and ends. One instance for one view."""

    def __init__(self, patience: Patience | None = None, lines: Sequence[Line] = ()) -> None:
        self._patience = patience or Patience()
        self._tracks = Tracks(self._patience, lines)
        self._visit: Visit | None = None

    @property
    def visit(self) -> Visit | None:
        """Return the open event, to be looked at and not changed."""
        return self._visit

    @property
    def tracks(self) -> Sequence[Track]:
        """Return what is followed, believed or not, to be looked at and not changed."""
        return self._tracks.all

    def focus(self) -> Region | None:
        """Return what the open event is about in the newest frame: the largest believed thing that was just seen."""
        tracks = self._tracks.all
        newest_s = max((track.last_s for track in tracks), default=0.0)
        current = [track.region for track in tracks if track.last_s == newest_s and track.believed]
        return max(current, key=lambda region: region.area, default=None)

    def step(self, regions: Sequence[Region], at_s: float) -> list[Change]:
        """Take one frame's regions; return what began or ended by it."""
        self._tracks.follow(regions, at_s)
        moving = [track for track in self._tracks.all if self._tracks.counts(track, at_s)]
        if moving:
            return self._go_on(moving, at_s)
        visit = self._visit
        if visit is None:
            return []
        wait_s = self._patience.left_s if visit.edge else self._patience.vanished_s
        return self.finish() if at_s - visit.seen_s >= wait_s else []

    def finish(self) -> list[Change]:
        """End what is open, because the view ends or breaks; forget all believed tracks."""
        visit, self._visit = self._visit, None
        self._tracks.all = [track for track in self._tracks.all if not track.believed]
        if visit is None:
            return []
        return [
            Ended(
                started_s=visit.started_s, at_s=visit.seen_s, zones=tuple(sorted(visit.zones)), level=visit.level,
                peak_area=round(visit.peak_area, 4), crossings=tuple(visit.crossings),
            )
        ]  # fmt: skip

    def _go_on(self, moving: Sequence[Track], at_s: float) -> list[Change]:
        """Begin or continue the visit with what moves in this frame; return what is new about it."""
        changes: list[Change] = []
        level: Level = "alert" if any(track.region.level == "alert" for track in moving) else "record"
        zones = {name for track in moving for name in track.region.zones}
        visit = self._visit
        if visit is None:
            started_s = min(track.sight_s for track in moving)
            visit = self._visit = Visit(started_s=started_s, seen_s=at_s, level=level)
            changes.append(Started(at_s=started_s, zones=tuple(sorted(zones)), level=level))
        elif level == "alert" != visit.level:
            visit.level = level
            changes.append(Raised(at_s=at_s, zones=tuple(sorted(zones))))
        visit.seen_s, visit.edge = at_s, all(track.region.edge for track in moving)
        visit.zones |= zones
        for track in moving:
            visit.peak_area = max(visit.peak_area, track.region.area)
            visit.crossings += track.crossings
            track.crossings.clear()
        return changes
