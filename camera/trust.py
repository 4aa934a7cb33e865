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
  agrees with what is known, however faint. A dark picture is no cover where it got dark gradually (for 15 h at most),
  or within 3 s of the gate's own light going off where only that light showed the view.
- moved: known edges are found elsewhere in the picture, or the picture is sharp and all of it is new.

A fault counts when it lasts (`symptoms.py`). It is over when the known view has been seen again for 3 s, in whatever
light; that nothing is named is no evidence. For 15 s after the gate's own light switched only what is certain in any
light is named (`naming.py`): what stands then stays, what is on its way waits, and what comes then is told 10 s after
them at the latest. `moved` also ends when a maintainer says `confirm()`, or after a day and a night of it (`adopted_s`
then says when).

Another light is learned after a minute, or 5 s after a switch: only a structured, sharp picture in which edges of the
view are where they were, and not while a fault stands, is on its way or ended within a minute. What can't be learned is
judged by what is known, and teaches nothing. A view in which nothing is to be seen (a moonless night without a lamp) is
judged by nothing but `frozen`. A process that knows no view yet takes the first structured one for it; where that was
soft (a hand) and a sharp one shows for 15 s, that one is the view. What is covered in such a night is told by day where
the cover is bright, else after 15 h.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence

import cv2
import numpy as np
from numpy.typing import NDArray

from camera.known import BLOCKS, COARSE, SAME, SHINES_THROUGH, Bank, Known, Seen
from camera.motion import NOTHING_OF_OURS, OwnFacts, Rectangle
from camera.naming import DOUBT, SOFT, blurred, fault, in_place, sheet, sure_fault
from camera.source import Exposure
from camera.structure import Edges, Grid, Plane, edges, grid_size, pooled, product, sharpness
from camera.symptoms import Fading, Lasting, Reason, Repeats
from gate.model import JsonObject

REASONS: tuple[Reason, ...] = ("covered", "blinded", "moved", "defocused", "frozen")

WORK_AREA = 80 * 45

# Seconds: between looks, of which planes are averaged, and how long what is odd but no fault must last.
TICK_S, QUICK_TICK_S, EARLY_S = 0.6, 0.2, 0.05
SAMPLE_S, AVERAGE_S, SHARP_S = 0.3, 0.9, 1.2
GAP_S = 5.0
ODD_S, SWITCHED_S, LIT_ANEW_S, GOES_OUT_S = 60.0, 15.0, 5.0, 3.0
ADOPT_S = 24 * 3600.0

WHITE = 228.0
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
        self._repeats, self._lasting, self._fading = Repeats(), Lasting(), Fading()
        self._shape = (0, 0)
        self._lit = False
        self._switched_s = float("-inf")
        self._placed, self._lamp_only = True, False
        self._odd_s: float | None = None
        self._unmasked_s: float | None = None
        self._exposed = 0.0
        self._second: deque[tuple[float, Grid]] = deque()
        self._sharp: float | None = None
        self._before: Edges | None = None
        self._last_s = self._due_s = self._sharp_due_s = float("-inf")
        self._returned, self._judged, self._wary, self._new_doubt = False, True, True, False

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
            self._lasting.step(symptom, at_s, returned=self._returned, judged=self._judged)
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
            self._placed = False
            current = self._bank.current
            shown = self._judged or self._returned  # else something may lie on the lens since the last switch
            self._lamp_only = shown and not own.light and current is not None and not current.unlit

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
        self._returned, self._judged, self._wary = False, True, True
        if known is None or not (known.structured and known.settled):
            return self._learn_first(seen, known, agreed, at_s)
        if self._unmask(seen, agreed, at_s):
            return ""
        match = agreed / known.usual
        self._judged = self._recognised and at_s - self._switched_s > SWITCHED_S
        symptom = self._named(seen, known, match, at_s)
        self._before = seen.edges
        doubtful = match < DOUBT or bool(symptom)
        self._new_doubt, self._wary = doubtful and not self._wary, doubtful
        self._returned = not symptom and self._is_back(seen, known, match)
        if match >= SAME and not symptom:
            self._recognised = self._placed = True
        if symptom or self._lasting.busy or match >= SAME:
            self._odd_s = None
            if settled and seen.structured and not (symptom or self._lasting.busy or blurred(seen, known)):
                known.learn(seen, agreed, at_s)
                known.unlit |= self._judged and not self._lit
        else:
            self._learn_light(seen, known, at_s)
        return symptom

    def _named(self, seen: Seen, known: Known, match: float, at_s: float) -> Reason:
        """Name what is wrong with a look, but for darkness that came by itself."""
        if self._judged:
            symptom = fault(seen, known, match, self._before if self._placed else None)
        else:
            symptom = "" if self._recognised else sheet(seen)
            symptom = symptom or (sure_fault(seen, known) if match < DOUBT else "")
        if symptom == "covered" and self._fading.excuses(seen.brightness, at_s):
            return ""
        if self._lamp_only and at_s - self._switched_s <= GOES_OUT_S and not self._lasting.busy:
            self._fading.vivid = known.energy(seen)  # only the lamp showed it: what is left now is all there is
        elif not symptom and (self._judged or match >= SAME):
            self._fading.follow(known.energy(seen))
        return symptom

    def _is_back(self, seen: Seen, known: Known, match: float) -> bool:
        """Tell whether the known view is certainly seen, though it may be in a light that is not known."""
        if not self._lasting.busy:
            return match >= SAME
        if not self._judged and fault(seen, known, match, None):
            return False  # soon after a switch a fault is not named, but it is no recovery either
        return match >= SAME or in_place(seen, known)

    def _learn_first(self, seen: Seen, known: Known | None, agreed: float, at_s: float) -> Reason:
        """Learn the first light, or a new one that is not settled; a sheet of nothing is no view."""
        others = known is not None and len(self._bank.lights) > 1
        if others and not (seen.structured and agreed >= SHINES_THROUGH):
            self._bank.drop_current()  # something came before it is known: learn it later
        elif not seen.structured:
            return sheet(seen) if known is None else ""
        elif known is None or not known.structured:
            self._bank.clear()
            self._bank.add(seen, at_s)
        else:
            known.learn(seen, agreed, at_s)
        return ""

    def _unmask(self, seen: Seen, agreed: float, at_s: float) -> bool:
        """Begin anew where nothing sharp was ever known and a sharp view now shows: a cover was learned first."""
        if not (self._bank.soft and seen.structured and (seen.sharp or 0.0) >= SOFT and agreed < SHINES_THROUGH):
            self._unmasked_s = None
            return False
        if self._unmasked_s is None:
            self._unmasked_s = at_s
        if at_s - self._unmasked_s < SWITCHED_S:
            return False
        self.confirm()
        self._bank.add(seen, at_s)
        self._unmasked_s = None
        return True

    def _learn_light(self, seen: Seen, known: Known, at_s: float) -> None:
        """Learn what is odd for long, but no fault: another light, a lorry parked before half of the view.

        Only a picture in which the edges of the view are: a cover must never become a light.
        """
        able = seen.structured and not blurred(seen, known) and self._bank.shared(seen) >= SHINES_THROUGH
        if not able or at_s - self._lasting.ended_s < ODD_S:
            self._odd_s = None
            return
        if self._odd_s is None:
            self._odd_s = at_s
        if at_s - self._odd_s >= (LIT_ANEW_S if at_s - self._switched_s < ODD_S else ODD_S):
            self._bank.add(seen, at_s)
            self._recognised = self._placed = True
            self._odd_s = None

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
