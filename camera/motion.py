"""What moves in a picture: a luma plane goes in, regions come out. Pure and deterministic; no clock, no I/O.

The plane is looked at in about 160x90 pixels, whatever it was. Each pixel keeps a mean and a spread of what it usually
shows (`background`). A new plane is compared with that in five steps, each of which removes a class of false alarms:

1. Light and exposure that change everywhere: gain and offset between background and plane are fitted robustly, from
   what the camera says of its exposure where it says so, and taken out before anything is compared.
2. A shaken camera: where much differs at once, the shift of the whole picture is found and taken back (`shift`).
3. Noise and swaying: a pixel counts only when it is further off than its own spread explains.
4. Light that changes somewhere (shadow, lamp, headlight, cloud edge) and what flies close before the lens: both are
   soft. They brighten or darken what is there without changing its fine structure. A region needs enough fine
   structure that was not there before.
5. What stays: a region that no longer changes is either a thing that came to rest or the hole that a departed thing
   left. The hole's outline stands in the background, not in the plane; it is learned in seconds, the resting thing in
   half a minute, so that a parked car never alerts again and a standing person is not forgotten. A crumb that came
   up in the moment in which the light changed, and stays as it was, is the light's: it is learned in a second.

A frame in which nearly everything changes at once (a lamp switched, a cut, a bump) is learned anew. The gate's own
facts help: while its leaf moves or its lamp flashes, its own parts are not searched; when its light is switched, the
view is learned anew at once.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from camera.areas import Area, Layout, Level, Place, Plan, Point, Rectangle
from camera.background import JUMP, Background, Difference
from camera.compare import KERNEL_5, Grid, Mask, Window, detail, left_behind, middle, structure_changed
from camera.notes import COUNTS, FAINT, Notes
from camera.profile import DayOrNight, Profile
from camera.source import Exposure, Plane
from camera.tuning import TUNINGS, Tuning

__all__ = ["NOTHING_OF_OURS", "Area", "Detector", "Level", "OwnFacts", "Point", "Profile", "Rectangle", "Region"]

WORK_AREA = 160 * 90
SMALLEST_SIDE = 16
REACH = 4
"""Pixels around a window on which its structure depends."""


@dataclass(frozen=True, kw_only=True, slots=True)
class OwnFacts:
    """What the gate itself does to the picture: its leaf moves, its lamp flashes, its light is on."""

    moves: bool = False
    lamp: bool = False
    light: bool = False


NOTHING_OF_OURS = OwnFacts()


@dataclass(frozen=True, kw_only=True, slots=True)
class Region:
    """Something that moves: its box and size as fractions of the picture, the zones it stands in.

    `still_s` is how long nothing in it has changed, in seconds. `edge` says that it touches the picture's border.
    `level` is the highest that its zones ask for. `faint` says that it is smaller than its zones ask for: too little
    to believe in, but perhaps the beginning of something. `sways` says that it shows what the background shows a little
    beside it: leaves in the wind, or something before a busy background.
    """

    box: Rectangle
    area: float
    zones: tuple[str, ...]
    still_s: float = 0.0
    edge: bool = False
    level: Level = "alert"
    faint: bool = False
    sways: bool = False


class Detector:
    """The background of one view and what differs from it. `reset` when the view changes.

    `ignored` are rectangles of (x0, y0, x1, y1) fractions that are never looked at. `own` are such rectangles, and
    `leaf` a polygon, in which the gate's own leaf and lamp are seen: while they move there is nothing to see in them.
    Without zones the whole picture is one zone without a name. `min_area` counts where a zone has none of its own,
    `night_min_area` by night; `profile` is day or night for good, None lets the picture tell. Who wants reasons puts
    `Notes` into `notes`.
    """

    def __init__(  # noqa: PLR0913, PLR0917 - what is configured about the picture; callers name it
        self, zones: Sequence[Area] = (), ignored: Sequence[Rectangle] = (), min_area: float = 0.002,
        own: Sequence[Rectangle] = (), leaf: Sequence[Point] = (), night_min_area: float | None = None,
        profile: Profile | None = None, tunings: Mapping[Profile, Tuning] = TUNINGS,
    ) -> None:  # fmt: skip
        self._plan = Plan(zones=tuple(zones), masked=tuple(ignored), own=tuple(own), leaf=tuple(leaf))
        self._least: dict[Profile, float] = {"day": min_area, "night": night_min_area or min_area}
        self._fixed = profile
        self._tunings = tunings
        self._shape = (0, 0)
        self._lit = False
        self.notes: Notes | None = None
        self.reset()

    def reset(self) -> None:
        """Forget the background: the next planes are learned for a second and nothing is reported."""
        self._background: Background | None = None
        self._daylight = DayOrNight()
        self._take_profile(self._fixed or "day")
        self._shown_s = 0.0
        self._last_s = 0.0
        self._settled_s = float("-inf")

    @property
    def profile(self) -> Profile:
        """Return which profile holds."""
        return self._profile

    def _take_profile(self, profile: Profile) -> None:
        self._profile, self._tuning = profile, self._tunings[profile]

    def look(
        self, luma: Plane, at_s: float, exposure: Exposure | None = None, own: OwnFacts = NOTHING_OF_OURS
    ) -> list[Region]:
        """Compare one (height, width) uint8 plane, taken at `at_s`, with the background and learn from it.

        While the gate moves or flashes, and a second longer, its own parts are learned as they are.
        """
        if luma.shape != self._shape:
            self._lay_out(luma.shape[0], luma.shape[1])
        if own.light != self._lit:
            self._lit = own.light
            self.reset()  # another light is another view; a second later it is known
        grid = cv2.resize(luma, self._size, interpolation=cv2.INTER_AREA).astype(np.float32)
        cv2.GaussianBlur(grid, (3, 3), 0.8, dst=grid)
        self._take_profile(self._fixed or self._daylight.look(grid, at_s, exposure))
        if self.notes is not None:
            self.notes.begin("learning" if self._background is None else "")
        if self._background is None:
            self._begin(grid, at_s, exposure)
            return []
        if own.moves or own.lamp:
            self._settled_s = at_s + self._tuning.settle_s
        step_s = min(1.0, max(0.0, at_s - self._last_s))
        self._last_s = at_s
        self._shown_s += step_s
        return self._compare(self._background.compare(grid, at_s, exposure, self._tuning), self._background, step_s)

    def _lay_out(self, height: int, width: int) -> None:
        self._shape = (height, width)
        scale = min(1.0, (WORK_AREA / (height * width)) ** 0.5)
        self._size = (max(SMALLEST_SIDE, round(width * scale)), max(SMALLEST_SIDE, round(height * scale)))
        self._layout = Layout(self._plan, self._size)
        self.reset()

    def _begin(self, grid: Grid, at_s: float, exposure: Exposure | None) -> None:
        self._background = Background(grid, exposure)
        self._previous = np.zeros_like(grid)
        self._still_s = np.zeros_like(grid)
        self._known: Mask = np.zeros(grid.shape, np.uint8)
        self._seen: Mask = self._known
        self._jumped_s = at_s
        self._last_s = at_s
        self._shown_s = 0.0

    def _compare(self, seen: Difference, background: Background, step_s: float) -> list[Region]:
        """Find what differs, judge it, learn the rest."""
        tuning = self._tuning
        differs: Mask = np.asarray(cv2.bitwise_and(seen.differs, self._layout.watched), np.uint8)
        own = self._layout.own if self._last_s < self._settled_s else None
        if own is not None:
            differs[own] = 0
        differs &= cv2.boxFilter(differs, -1, (3, 3), normalize=False) > tuning.lone
        changed: Mask = np.asarray(cv2.morphologyEx(differs, cv2.MORPH_CLOSE, KERNEL_5), np.uint8)
        if self.notes is not None:
            self.notes.light, self.notes.floor, self.notes.differs = seen.light, seen.floor, differs.copy()
        self._rest(seen, changed, step_s)
        self._mind_light(seen, changed)
        learning = self._shown_s < tuning.first_learn_s
        regions: list[Region] = []
        if learning or cv2.countNonZero(changed) > tuning.most_changed * changed.size:
            # Everything at once is the view or the light, not a visitor: believe the new picture.
            background.relearn(seen, changed)
            self._jumped_s, self._known = self._last_s, np.zeros_like(changed)
            self._shown_s = self._shown_s if learning else 0.0
            if self.notes is not None:
                self.notes.word = "learning" if learning else "everything changed: learning"
        else:
            regions, kept = self._regions(changed, differs, seen, background)
            background.learn(seen, kept, min(1.0, step_s / tuning.learn_s))
        if own is not None:
            background.take(seen, own)
        return regions

    def _mind_light(self, seen: Difference, changed: Mask) -> None:
        """Remember when the light changed last, and what differed before it began to change."""
        if seen.jump > JUMP:
            if self._last_s - self._jumped_s > self._tuning.light_s:
                self._known = self._seen
            self._jumped_s = self._last_s
        self._seen = changed

    def _rest(self, seen: Difference, changed: Mask, step_s: float) -> None:
        """Count for each pixel that differs how long it has looked the same."""
        before, self._previous = self._previous, seen.off
        if not cv2.countNonZero(changed):
            self._still_s *= np.float32(0.5)
            return
        calm = cv2.absdiff(seen.off, before) < seen.limit * np.float32(self._tuning.still_share)
        calm &= changed > 0
        self._still_s = np.where(calm, self._still_s + np.float32(step_s), self._still_s * np.float32(0.5))

    def _regions(
        self, changed: Mask, differs: Mask, seen: Difference, background: Background
    ) -> tuple[list[Region], Mask]:
        """Return the regions that count, and the pixels that must not be learned because of them.

        `changed` is `differs` with small gaps closed, so that one thing is one region; its size is what differs itself.
        """
        kept, lit = np.zeros_like(changed), np.zeros_like(changed)
        found: list[Region] = []
        left, top, across, down = cv2.boundingRect(changed)
        if not across:
            return found, kept
        near = (slice(top, top + down), slice(left, left + across))
        new, foreign = self._new_structure(near, seen), seen.foreign(near)
        count, labels, stats, _ = cv2.connectedComponentsWithStats(changed[near], connectivity=8)
        for label, (x, y, w, h, pixels) in enumerate(stats[1:count].tolist(), start=1):
            part = (x + left, y + top, w, h, pixels)
            if pixels < self._tuning.smallest:
                self._note("small", part)
                continue
            inner = (slice(y, y + h), slice(x, x + w))
            inside = labels[inner] == label
            if np.count_nonzero(new[inner][inside]) < self._tuning.least_structure * pixels:
                self._note("light", part)
                if pixels > self._tuning.pool * changed.size:
                    lit[part[1] : part[1] + h, part[0] : part[0] + w][inside] = 1
                continue
            window = (slice(part[1], part[1] + h), slice(part[0], part[0] + w))
            still_s = middle(self._still_s[window][inside])
            if self._comes_to_rest(window, inside, still_s, seen):
                self._note("rests" if still_s >= self._tuning.rest_s else "hole", part)
                background.absorb(seen, window, inside)
                continue
            kept[window][inside] = 255
            place = self._layout.place(window, inside & (differs[window] > 0), self._least[self._profile])
            if place is None:
                self._note("outside", part)
                continue
            self._note(FAINT if place.faint else COUNTS, part)
            sways = np.count_nonzero(foreign[inner][inside]) < self._tuning.foreign * pixels
            found.append(self._region(part, place, still_s, sways=sways))
        if cv2.countNonZero(lit):
            background.shine(lit, self._last_s)
        return found, kept

    def _region(self, part: Sequence[int], place: Place, still_s: float, *, sways: bool) -> Region:
        x, y, w, h, _ = part
        width, height = self._size
        return Region(
            box=self._box(part), area=place.area, zones=place.zones, still_s=still_s, level=place.level,
            edge=x <= 1 or y <= 1 or x + w >= width - 1 or y + h >= height - 1, faint=place.faint, sways=sways,
        )  # fmt: skip

    def _new_structure(self, near: Window, seen: Difference) -> NDArray[np.bool_]:
        """Tell on which pixels of a window there is fine structure that was not there before."""
        rows, columns = near
        top, left = min(rows.start, REACH), min(columns.start, REACH)
        wide = (slice(rows.start - top, rows.stop + REACH), slice(columns.start - left, columns.stop + REACH))
        least = np.float32(self._tuning.new_structure * seen.floor)
        asked = np.maximum(seen.off[wide] * np.float32(self._tuning.focus), least)
        new = structure_changed(detail(seen.grid[wide]), detail(seen.expected[wide]), asked)
        return new[top : top + rows.stop - rows.start, left : left + columns.stop - columns.start]

    def _comes_to_rest(self, window: Window, inside: NDArray[np.bool_], still_s: float, seen: Difference) -> bool:
        """Tell whether a region is to be learned: a hole after seconds, a thing after half a minute."""
        tuning = self._tuning
        came_with_light = abs(self._last_s - self._jumped_s - still_s) <= tuning.light_s / 2
        if came_with_light and still_s >= tuning.light_s and self._is_crumb(window, inside):
            return True
        if still_s < tuning.hole_s:
            return False
        return still_s >= tuning.rest_s or left_behind(window, inside, seen.grid, seen.expected)

    def _is_crumb(self, window: Window, inside: NDArray[np.bool_]) -> bool:
        """Tell whether a region is small and was not there before the light changed last."""
        pixels = np.count_nonzero(inside)
        known = np.count_nonzero(self._known[window][inside])
        return bool(pixels < self._tuning.crumb * self._known.size and 2 * known < pixels)

    def _box(self, part: Sequence[int]) -> Rectangle:
        x, y, w, h, _ = part
        width, height = self._size
        return (x / width, y / height, (x + w) / width, (y + h) / height)

    def _note(self, why: str, part: Sequence[int]) -> None:
        """Say what became of one part of what differs, to whoever asks why."""
        if self.notes is not None:
            self.notes.judge(why, self._box(part), part[4] / (self._size[0] * self._size[1]))
