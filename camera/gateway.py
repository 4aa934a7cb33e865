"""Whether the closed gateway looks as a closed gateway does: planes and gate's own word go in, findings come out. Pure.

Whenever the limit says `closed` and the picture is calm, the part of it in which the closed leaf is seen is held
against what was learned there before, in the nearest of several lights:

- clear: the leaf's own edges are all there.
- occupied: some of them are hidden, from the ground up: something stands before the leaf. What is seen through the bars
  stands outside and is nobody's affair.
- leaf_elsewhere: the leaf's edges are found beside their place, or what the open gateway shows is seen instead.
- unknown: another light than any that is known, darkness, people about, headlights in the lens, a camera that is not
  trusted, or nothing learned yet. Unknown is better than a guess.

The surroundings (pillars, ground) decide which light it is, and whether any known one fits well enough to judge by. A
reference is learned from calm closed minutes. A light that comes while the gateway is known to be clear (dusk, a cloud,
the lamp) is learned as clear; one that is first met with the gate already closed says nothing until the next closing.
What differs for a day and a night without a break is the new normal. `forget` when the camera has moved.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np

from camera.motion import NOTHING_OF_OURS, OwnFacts, Point, Rectangle
from camera.reference import FEWEST_BLOCKS, FITS, Lights, Outline, Result, Verdict, compared, outlined, structured
from camera.structure import STEP, Edges, Grid, Plane, edges
from gate.model import JsonObject

SETTLE_S = 2.0
WINDOW_S = 2.4
SAMPLE_S = 0.28
FEWEST_SAMPLES = 3
LOOK_S = 1.0
TOLD_LOOK_S = 2.5
GAP_S = 3.0
FIRST_LOOKS = 3
CHANGED_LOOKS = 4
UNKNOWN_LOOKS = 12
UNDECIDED_S = 15.0
LEARN_LOOKS = 10
OPEN_LEARN_LOOKS = 5
ADOPT_S = 24 * 3600.0

RESTLESS_LEVEL, RESTLESS_SHARE = 8.0, 0.02
WHITE, GLARE = 235.0, 0.02


@dataclass(frozen=True, kw_only=True, slots=True)
class Finding:
    """The gateway was compared with its closed reference. `box` is where something stands, fractions of the picture.

    `why` says of `unknown` what keeps it so: no_reference, new_light, dark, glare, restless or not_trusted.
    """

    result: Result
    at_s: float
    box: Rectangle | None = None
    why: str = ""


class Gateway:
    """The closed references of one gateway, and what its newest closing looks like.

    `polygon` is where the closed leaf is seen, as (x, y) fractions of the picture. `remembered` is what `plain` gave in
    an earlier run of the process; `ValueError` where it is damaged.
    """

    def __init__(self, polygon: Sequence[Point], remembered: JsonObject | None = None) -> None:
        self._polygon = tuple(polygon)
        self._closed, self._open = Lights(), Lights()
        if remembered:
            self._closed = Lights.from_plain(remembered.get("closed"))
            self._open = Lights.from_plain(remembered.get("open"))
        self._outline: Outline | None = None
        self._odd_since_s: float | None = None
        self._told: Finding | None = None
        self._standing, self._last_verdict = "", ""
        self._since_s = self._last_s = self._due_s = 0.0
        self._window: deque[tuple[float, Grid]] = deque()
        self._unfit_looks = self._same_looks = 0
        self._new_here = ""

    def plain(self) -> JsonObject:
        """Return what was learned as plain data, for `remembered` after a restart."""
        return {"closed": self._closed.plain(), "open": self._open.plain()}

    def forget(self) -> None:
        """Forget what was learned: the camera looks elsewhere now."""
        self._closed, self._open = Lights(), Lights()
        self._odd_since_s = None
        self._begin("", 0.0)

    def look(  # noqa: PLR0913 - the frame and what is known beside it
        self, luma: Plane, at_s: float, state: str, evidence: str, *, trusted: bool, own: OwnFacts = NOTHING_OF_OURS
    ) -> Finding | None:
        """Take one (height, width) uint8 plane of `at_s`; return a finding when one is established or changes.

        `state` and `evidence` are the gate's published ones, `trusted` whether nothing speaks against the picture.
        """
        if self._outline is None or self._outline.shape != luma.shape:
            self._outline = outlined(self._polygon, (luma.shape[0], luma.shape[1]))
            self._closed.keep_only(self._outline.size)
            self._open.keep_only(self._outline.size)
            self._begin("", at_s)
        standing = state if evidence == "limit" and not own.moves and state in {"closed", "open"} else ""
        if standing != self._standing or not 0.0 <= at_s - self._last_s <= GAP_S:
            self._begin(standing, at_s, same=standing == self._standing)
        self._last_s = at_s
        if not standing or at_s < self._since_s + SETTLE_S:
            return None
        self._sample(self._outline.cut(luma), at_s)
        if at_s < self._due_s or len(self._window) < FEWEST_SAMPLES:
            return None
        self._due_s = at_s + (LOOK_S if self._told is None or self._told.result == "unknown" else TOLD_LOOK_S)
        before, after = self._halves()
        calm = trusted and self._calm(before, after)
        if standing == "open":
            if calm:
                self._learn_open(np.asarray((before + after) / 2, np.float32), self._outline)
            return None
        if calm:
            return self._tell(self._judge(np.asarray((before + after) / 2, np.float32), self._outline), at_s)
        return self._tell(Verdict(result="unknown", why="restless" if trusted else "not_trusted"), at_s)

    def _begin(self, standing: str, at_s: float, *, same: bool = False) -> None:
        self._standing, self._last_s = standing, at_s
        self._since_s, self._due_s = at_s, at_s + SETTLE_S + WINDOW_S
        self._window.clear()
        self._unfit_looks = self._same_looks = 0
        self._last_verdict = ""
        if not same:
            self._told, self._new_here = None, ""

    def _sample(self, grid: Grid, at_s: float) -> None:
        if self._window and at_s - self._window[-1][0] < SAMPLE_S:
            return
        self._window.append((at_s, grid))
        while at_s - self._window[0][0] > WINDOW_S:
            self._window.popleft()

    def _halves(self) -> tuple[Grid, Grid]:
        """Return what lasts through each half of the window; rain, insects and a trembling pole are in neither."""
        grids, half = [grid for _, grid in self._window], len(self._window) // 2
        before, after = np.sort(np.stack(grids[:half]), axis=0), np.sort(np.stack(grids[half:]), axis=0)
        return before[half // 2], after[len(after) // 2]

    @staticmethod
    def _calm(before: Grid, after: Grid) -> bool:
        """Tell whether both show the same, in whatever exposure, but for a pole that trembles by a pixel."""
        change = after - before
        change = np.abs(change - np.median(change[::3, ::3]))
        change -= cv2.morphologyEx(before, cv2.MORPH_GRADIENT, STEP)
        return bool(np.count_nonzero(change > RESTLESS_LEVEL) < RESTLESS_SHARE * change.size)

    def _learn_open(self, grid: Grid, outline: Outline) -> None:
        light, agreed, seen = self._open.nearest(edges(grid), outline)
        white = white_share(grid)
        if light and agreed >= FITS:
            self._unfit_looks = 0
            light.learn(seen, white, agreed)
        else:
            self._unfit_looks += 1
            if self._unfit_looks >= OPEN_LEARN_LOOKS:
                self._open.add(seen, white)

    def _judge(self, grid: Grid, outline: Outline) -> Verdict:
        """Compare what lasts with the nearest light, and learn what may be learned."""
        seen, white = edges(grid), white_share(grid)
        if np.count_nonzero(structured(seen, outline)) < FEWEST_BLOCKS:
            return Verdict(result="unknown", why="dark")
        light, agreed, seen = self._closed.nearest(seen, outline)
        if light is None or agreed < FITS:
            return self._unfit(seen, white, known=light is not None)
        self._unfit_looks = 0
        verdict = compared(seen, light.edges, self._open, outline)
        if verdict.result == "clear":
            light.learn(seen, white, agreed)
        elif white - light.white > GLARE:
            return Verdict(result="unknown", why="glare")
        return Verdict(result="unknown", why=self._new_here) if self._new_here and not self._told_clear else verdict

    @property
    def _told_clear(self) -> bool:
        return self._told is not None and self._told.result == "clear"

    def _unfit(self, seen: Edges, white: float, *, known: bool) -> Verdict:
        """Learn a light in which the gateway was never seen closed, once it has lasted."""
        why = self._new_here or ("new_light" if known else "no_reference")
        self._unfit_looks += 1
        if self._unfit_looks >= LEARN_LOOKS and self._odd_since_s is None:
            self._unfit_looks = 0
            if not self._told_clear:
                self._new_here = why
            self._closed.add(seen, white)
        return Verdict(result="unknown", why=why)

    def _tell(self, verdict: Verdict, at_s: float) -> Finding | None:
        """Make a finding of what was seen often enough."""
        self._same_looks = self._same_looks + 1 if verdict.result == self._last_verdict else 1
        self._last_verdict = verdict.result
        if self._odd_since_s is not None and at_s - self._odd_since_s >= ADOPT_S:
            self.forget()
            return None
        told = self._told
        if told and told.result == verdict.result:
            return None
        if verdict.result == "unknown":
            ripe = self._same_looks >= UNKNOWN_LOOKS if told else at_s - self._since_s >= UNDECIDED_S
        else:
            ripe = self._same_looks >= (CHANGED_LOOKS if told and told.result != "unknown" else FIRST_LOOKS)
        if not ripe and (told or at_s - self._since_s < 2 * UNDECIDED_S):
            return None
        if not ripe:  # one look says this and the next says that
            verdict = Verdict(result="unknown", why="restless")
        self._told = Finding(result=verdict.result, at_s=at_s, box=verdict.box, why=verdict.why)
        if verdict.result == "clear":
            self._odd_since_s = None
        elif verdict.result != "unknown" and self._odd_since_s is None:
            self._odd_since_s = at_s
        return self._told


def white_share(grid: Grid) -> float:
    """Return how much of a grid is so bright that nothing is to be seen in it."""
    return float(np.count_nonzero(grid >= WHITE)) / grid.size
