"""Whether what the camera shows can be believed: planes go in, a reason comes out. Pure; no clock, no I/O.

A reason is "" (nothing speaks against the picture) or one of `REASONS`. What a view looks like is learned: its edges,
how sharp they are, how bright it is (`known.py`; a few of them, since day, night and the gate's own light show
different edges). Once or twice a second the newest second is held against that.

- frozen: the same plane again, to the last grey level. A sensor has noise, so this says much within 3 s. A strongly
  compressed stream may repeat a still picture for seconds: one that has gone on by itself three times in ten minutes
  gets 10 s. Where clocks are masked and the rest of the picture has always lived, the rest alone decides. A sensor that
  hangs before an encoder whose key pictures differ can't be told from a still scene by its planes.
- blinded: white without structure takes much of the picture, or some of it while the rest is lost.
- defocused: edges are about half as steep as they were. Darkness and fog make them fainter, not wider.
- covered: the structure is gone and nothing of the view shines through. What a failed lamp or a thick fog leaves still
  agrees with what is known, however faint. Darkness that follows the gate's own light is no cover.
- moved: known edges are found elsewhere in the picture, or the picture is sharp and all of it is new.

A fault counts when it lasts (`symptoms.py`) and is over after 3 s without it. `moved` is different: zones and gateway
no longer fit. It ends when the view returns, when a maintainer says `confirm()`, or after a day and a night of it
(`adopted_s` then says when). Another light in which the view is still known is learned after a minute. A view in which
nothing is to be seen (a moonless night without a lamp) is judged by nothing but `frozen`.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence

import cv2
import numpy as np
from numpy.typing import NDArray

from camera.known import BLOCKS, COARSE, SAME, Bank, Known, Seen
from camera.motion import NOTHING_OF_OURS, OwnFacts, Rectangle
from camera.source import Exposure
from camera.structure import Edges, Grid, Plane, agreement, edges, grid_size, places, pooled, product, sharpness
from camera.symptoms import Lasting, Reason, Repeats
from gate.model import JsonObject

REASONS: tuple[Reason, ...] = ("covered", "blinded", "moved", "defocused", "frozen")

WORK_AREA = 80 * 45

# Seconds: between looks, of which planes are averaged, and how long what is odd but no fault must last.
TICK_S, QUICK_TICK_S, EARLY_S = 0.6, 0.2, 0.05
SAMPLE_S, AVERAGE_S, SHARP_S = 0.3, 0.9, 1.2
GAP_S = 5.0
ODD_S, SWITCHED_S, LIT_ANEW_S = 60.0, 15.0, 5.0
ADOPT_S = 24 * 3600.0

# Grey levels, and shares of the picture that are white.
WHITE, MOST_WHITE, GLARE = 228.0, 0.35, 0.03
NO_NIGHT = 50.0

# How well a look agrees: as a share of the usual, then of all edges.
DOUBT = 0.85
SHINES_THROUGH, OTHER_VIEW, STEADY = 0.35, 0.33, 0.6

# How steep edges are, as a number and as a share of the usual.
BLURRED, BLURRED_SHARE = 1.9, 0.65
SOFT, SOFT_SHARE = 2.2, 0.8

# What is left of light and dark and of the strength of edges, as shares of the known.
ALIKE, CONTRAST_LEFT = 0.6, 0.35
GONE, THERE, NOTHING_ADDED = 0.2, 0.35, 1.3
FADED, VIVID_SHARE = 0.25, 0.04

ELSEWHERE = 3
EXPOSURE_STEP = 1.15


class Trust:
    """What one view is known to look like, and what speaks against the newest picture of it.

    `ignored` are rectangles of (x0, y0, x1, y1) fractions that say nothing of the view: masks, clocks. `own` are such
    in which the gate's own leaf and lamp are seen. `remembered` is what `plain` gave in an earlier run of the process;
    `ValueError` where it is damaged.
    """

    def __init__(
        self, ignored: Sequence[Rectangle] = (), own: Sequence[Rectangle] = (), remembered: JsonObject | None = None
    ) -> None:
        self.reason: Reason = ""
        self.adopted_s: float | None = None
        self._ignored, self._own = tuple(ignored), tuple(own)
        self._bank = Bank.from_plain(remembered) if remembered else Bank()
        self._recognised = not self._bank.lights
        self._repeats, self._lasting = Repeats(), Lasting()
        self._shape = (0, 0)
        self._lit = False
        self._switched_s = float("-inf")
        self._odd_s: float | None = None
        self._exposed, self._vivid = 0.0, 1.0
        self._second: deque[tuple[float, Grid]] = deque()
        self._sharp: float | None = None
        self._before: Edges | None = None
        self._last_s = self._due_s = self._sharp_due_s = float("-inf")
        self._returned, self._wary, self._new_doubt = False, True, False

    def plain(self) -> JsonObject:
        """Return what is known of the view as plain data, for `remembered` after a restart."""
        return self._bank.plain()

    def confirm(self) -> None:
        """Take the present view for the right one from now on: somebody has looked at it."""
        self._bank.clear()
        self._lasting = Lasting()
        self._recognised = True
        self.reason = ""

    def look(
        self, luma: Plane, at_s: float, exposure: Exposure | None = None, own: OwnFacts = NOTHING_OF_OURS
    ) -> Reason:
        """Take one (height, width) uint8 plane of `at_s` and return what now speaks against the picture."""
        if luma.shape != self._shape:
            self._lay_out(luma.shape[0], luma.shape[1])
        elif not 0.0 <= at_s - self._last_s <= GAP_S:
            self._restart()
        frozen = self._repeats.look(luma, at_s, self._live)
        self._average_in(luma, at_s)
        self._note_light(at_s, own)
        if at_s >= self._due_s and not frozen:
            symptom = self._judge(luma, at_s, settled=self._exposure_rests(exposure))
            self._due_s = at_s + self._pause_s(symptom) - EARLY_S
            self._lasting.step(symptom, at_s, returned=self._returned)
            self._adopt(at_s)
        self.reason = "frozen" if frozen else self._lasting.reason
        return self.reason

    def _pause_s(self, symptom: Reason) -> float:
        """Return how long the next look may wait: not long while a fault, or a doubt, is new."""
        if symptom and not self._lasting.reason:
            return QUICK_TICK_S
        return TICK_S / 2 if self._new_doubt or not self._bank.settled else TICK_S

    def _lay_out(self, height: int, width: int) -> None:
        self._shape = (height, width)
        self._size = grid_size(self._shape, WORK_AREA)
        self._watched = self._without(self._size, (*self._ignored, *self._own))[..., None].astype(np.float32)
        self._live = self._without((width, height), self._ignored) if self._ignored else None
        self._bank.keep_only((self._size[1], self._size[0]))
        self._restart()

    @staticmethod
    def _without(size: tuple[int, int], parts: Sequence[Rectangle]) -> NDArray[np.bool_]:
        mask = np.ones((size[1], size[0]), np.uint8)
        for x0, y0, x1, y1 in parts:
            corner = (round(x1 * size[0]), round(y1 * size[1]))
            cv2.rectangle(mask, (int(x0 * size[0]), int(y0 * size[1])), corner, 0, cv2.FILLED)
        return mask > 0

    def _restart(self) -> None:
        self._repeats.restart()
        self._second.clear()
        self._before = None
        self._last_s = self._due_s = self._sharp_due_s = float("-inf")
        self._returned = False

    def _average_in(self, luma: Plane, at_s: float) -> None:
        """Keep the newest second, a few planes of it: what passes, and noise, grow faint in their mean."""
        self._last_s = at_s
        if not self._second:
            self._due_s = at_s + TICK_S
        elif at_s - self._second[-1][0] < SAMPLE_S:
            return
        grid = cv2.resize(luma, self._size, interpolation=cv2.INTER_AREA)
        self._second.append((at_s, np.asarray(grid, np.float32)))
        while at_s - self._second[0][0] > AVERAGE_S:
            self._second.popleft()

    def _note_light(self, at_s: float, own: OwnFacts) -> None:
        if own.light != self._lit:
            self._lit = own.light
            self._switched_s = at_s

    def _exposure_rests(self, exposure: Exposure | None) -> bool:
        """Tell whether the sensor has found its exposure; a picture on the way there teaches nothing."""
        if exposure is None:
            return True
        before, self._exposed = self._exposed, max(1e-6, exposure.exposure_us * exposure.gain)
        return max(before, self._exposed) <= EXPOSURE_STEP * min(before, self._exposed)

    def _judge(self, luma: Plane, at_s: float, *, settled: bool) -> Reason:
        """Name what the newest second shows, and learn from it where it shows nothing wrong."""
        seen = self._measure(luma, at_s)
        known, agreed = self._bank.fits(seen)
        self._returned = False
        self._wary = True
        if known is None or not (known.structured and known.settled):
            self._learn_first(seen, known, agreed, at_s)
            return ""
        match = agreed / known.usual
        if self._recognised and at_s - self._switched_s > SWITCHED_S:
            symptom = self._name(seen, known, match)
        else:
            symptom = self._certain(seen, known, match)
        if symptom == "covered" and self._vivid < FADED:
            symptom = ""  # what fades for a minute is the day; a cover comes at once
        elif not symptom:
            self._vivid += VIVID_SHARE * (known.energy(seen) - self._vivid)
        self._before = seen.edges
        doubtful = match < DOUBT or bool(symptom)
        self._new_doubt, self._wary = doubtful and not self._wary, doubtful
        self._returned = not symptom and (match >= SAME or self._in_place(seen, known))
        self._recognised |= match >= SAME and not symptom
        if symptom or self._lasting.reason or match >= SAME:
            self._odd_s = None
            if settled and not symptom and not self._lasting.reason:
                known.learn(seen, agreed, at_s)
        else:
            self._learn_light(seen, at_s)
        return symptom

    def _learn_first(self, seen: Seen, known: Known | None, agreed: float, at_s: float) -> None:
        if known is None:
            self._bank.add(seen, at_s)
        else:
            known.learn(seen, agreed, at_s)

    def _learn_light(self, seen: Seen, at_s: float) -> None:
        """Learn what is odd for long, but no fault: another light, a lorry parked before half of the view."""
        if self._odd_s is None:
            self._odd_s = at_s
        if at_s - self._odd_s >= (LIT_ANEW_S if at_s - self._switched_s < ODD_S else ODD_S):
            self._bank.add(seen, at_s)
            self._recognised, self._odd_s = True, None

    def _in_place(self, seen: Seen, known: Known) -> bool:
        """Tell, of a view that had moved, whether it is back in a light that is not known."""
        if self._lasting.reason != "moved":
            return False
        found = places(seen.edges, known.edges)
        return found.here >= ELSEWHERE and not found.elsewhere

    def _adopt(self, at_s: float) -> None:
        if self._lasting.reason == "moved" and at_s - self._lasting.since_s >= ADOPT_S:
            self.confirm()
            self.adopted_s = at_s

    def _measure(self, luma: Plane, at_s: float) -> Seen:
        mean = np.mean([grid for _, grid in self._second], axis=0)
        if at_s >= self._sharp_due_s or self._wary:
            self._sharp, self._sharp_due_s = sharpness(luma), at_s + SHARP_S - EARLY_S
        found = np.asarray(edges(mean) * self._watched, np.float32)
        return Seen(
            edges=found, strength=product(found, found, BLOCKS), coarse=pooled(mean, COARSE),
            white=float(np.count_nonzero(mean >= WHITE)) / mean.size, sharp=self._sharp,
        )  # fmt: skip

    def _name(self, seen: Seen, known: Known, match: float) -> Reason:
        """Name what is wrong with a look, "" where nothing is."""
        if seen.white - known.white > MOST_WHITE and match < SAME:
            return "blinded"
        steep = known.sharp or 0.0
        if match >= SAME:
            blurred = seen.sharp is not None and seen.sharp < min(BLURRED, BLURRED_SHARE * steep)
            if blurred and known.energy(seen) <= NOTHING_ADDED:
                return "defocused"
            return self._elsewhere(seen, known) if match < DOUBT else ""
        if seen.sharp is None or seen.sharp < min(SOFT, SOFT_SHARE * steep):
            return self._lost(seen, known, match * known.usual)
        return self._other(seen, known, match * known.usual)

    def _certain(self, seen: Seen, known: Known, match: float) -> Reason:
        """Name what is wrong even in a light that may be new: edges in wrong places, a bright sheet of nothing."""
        if not self._recognised and not seen.structured and float(seen.coarse.mean()) >= NO_NIGHT:
            return "covered"
        return self._elsewhere(seen, known) if match < DOUBT else ""

    @staticmethod
    def _elsewhere(seen: Seen, known: Known) -> Reason:
        return "moved" if places(seen.edges, known.edges).elsewhere >= ELSEWHERE else ""

    @staticmethod
    def _lost(seen: Seen, known: Known, agreed: float) -> Reason:
        """Name what takes the edges: what is out of focus keeps its light and dark, what is covered keeps nothing."""
        if agreed < SHINES_THROUGH and seen.white - known.white >= GLARE:
            return "blinded"
        alike = known.likeness(seen) >= ALIKE
        if alike and known.contrast(seen) >= CONTRAST_LEFT:
            return "defocused"
        if agreed >= SHINES_THROUGH:
            blurred = seen.sharp is not None and seen.sharp < BLURRED
            return "defocused" if blurred and known.energy(seen) <= NOTHING_ADDED else ""
        if alike:
            return ""
        return "blinded" if seen.white >= GLARE else "covered"

    def _other(self, seen: Seen, known: Known, agreed: float) -> Reason:
        """Name what stands in a sharp picture that does not agree with the known one."""
        found = places(seen.edges, known.edges)
        if found.elsewhere >= ELSEWHERE:
            return "moved"
        energy = known.energy(seen)
        if agreed < SHINES_THROUGH and energy < GONE:
            return "blinded" if seen.white >= GLARE else "covered"
        before = self._before  # rain is new everywhere at each look, another view is not
        steady = before is not None and float(agreement(seen.edges, before, BLOCKS).mean()) >= STEADY
        return "moved" if agreed < OTHER_VIEW and energy >= THERE and steady and found.here <= 1 else ""
