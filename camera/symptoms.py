"""When a symptom of the camera counts, and when the same picture again is a frozen one. Pure; no clock, no I/O."""

from __future__ import annotations

from collections import Counter, deque
from typing import Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray

from camera.structure import Plane

Reason: TypeAlias = Literal["", "covered", "blinded", "moved", "defocused", "frozen"]

NOTICE_S = 7.5
"""How long a fault is seen before it counts: a lorry that waits before the lens can look the same."""

CLEAR_S = 3.0
BLIP_S = 1.2
WINDOW_S = 8.5

NO_NIGHT = 50.0
"""Grey levels; a picture as bright as this on the mean is no dark one."""

FADED, VIVID_SHARE = 0.25, 0.04
LONGEST_NIGHT_S = 15 * 3600.0

FROZEN_S = 2.2
LEAST_REPEATS = 3
PATIENT_S = 10.0
LONG_S = 1.0
SELF_ENDED = 3
WITHIN_S = 600.0
LIVELY_S = 60.0
PROBE = slice(7, None, 32)


class Lasting:
    """Turns what each look says into a reason that is raised once and cleared once."""

    def __init__(self) -> None:
        self.reason: Reason = ""
        self.since_s = self.ended_s = self._last_s = float("-inf")
        self._bad_since_s: float | None = None
        self._good_since_s: float | None = None
        self._recent: deque[tuple[float, Reason]] = deque()

    @property
    def busy(self) -> bool:
        """Tell whether a reason stands, or one may be on its way."""
        return bool(self.reason) or self._bad_since_s is not None

    def step(self, symptom: Reason, at_s: float, *, returned: bool, judged: bool = True) -> None:
        """Take the symptom of one look; `returned` says that the known view is certainly seen again.

        Without `judged` no symptom means nothing: what is on its way waits.
        """
        passed_s, self._last_s = at_s - self._last_s, at_s
        self._recent.append((at_s, symptom))
        while self._recent[0][0] < at_s - WINDOW_S:
            self._recent.popleft()
        if symptom:
            self._worse(at_s)
        elif judged or returned:
            self._better(at_s, returned=returned)
        else:
            self._good_since_s = None
            if self._bad_since_s is not None:
                self._bad_since_s += min(passed_s, WINDOW_S)

    def _worse(self, at_s: float) -> None:
        self._good_since_s = None
        if self._bad_since_s is None:
            self._bad_since_s = at_s
        counted = Counter(symptom for _, symptom in self._recent if symptom)
        likely = counted.most_common(1)[0][0]
        if likely != self.reason and at_s - self._bad_since_s >= NOTICE_S:
            self.reason, self.since_s = likely, at_s

    def _better(self, at_s: float, *, returned: bool) -> None:
        """End a reason only when the view has been there for a while: that nothing is named is no evidence."""
        if self._good_since_s is None:
            self._good_since_s = at_s
        good_s = at_s - self._good_since_s
        if good_s >= BLIP_S:
            self._bad_since_s = None
        if not self.reason:
            return
        self.ended_s = at_s
        if not returned:
            self._good_since_s = at_s
        elif good_s >= CLEAR_S:
            self.reason = ""


class Fading:
    """Whether a view went dark by itself: what fades for a minute is the day, a cover comes at once.

    No night lasts 15 h: what is dark for longer is no night. `vivid` is how much of the known structure was seen of
    late.
    """

    def __init__(self) -> None:
        self.vivid = 1.0
        self._dark_since_s: float | None = None

    def follow(self, energy: float) -> None:
        """Take how much structure a look shows where nothing is wrong, as a share of the known."""
        self.vivid += VIVID_SHARE * (energy - self.vivid)
        self._dark_since_s = None

    def excuses(self, brightness: float, at_s: float) -> bool:
        """Tell whether a look in which nothing is seen may be a night. `brightness` is in grey levels."""
        if self.vivid >= FADED or brightness >= NO_NIGHT:
            return False
        if self._dark_since_s is None:
            self._dark_since_s = at_s
        return at_s - self._dark_since_s < LONGEST_NIGHT_S


class Repeats:
    """Counts how long the plane has been the same."""

    def __init__(self) -> None:
        self._last: Plane | None = None
        self._self_ended: deque[float] = deque(maxlen=SELF_ENDED)
        self.restart()

    def restart(self) -> None:
        """Begin anew after a gap: what was before has no connection to what comes."""
        self._last = None
        self._whole_s = self._part_s = self._last_s = 0.0
        self._whole = self._part = 0
        self._lively_since_s = 0.0

    def look(self, luma: Plane, at_s: float, live: NDArray[np.bool_] | None) -> bool:
        """Tell whether the picture is frozen. `live` is the part without masked clocks; None: there is no mask."""
        last = self._last
        self._last_s = at_s
        if last is None or last.shape != luma.shape:
            self._last = luma.copy()
            self._whole_s = self._part_s = self._lively_since_s = at_s
            return False
        probe = np.array_equal(luma[PROBE], last[PROBE])  # nearly always enough
        whole = probe and np.array_equal(luma, last)
        part = whole or (live is not None and not np.any((luma != last) & live))
        if whole:
            self._whole += 1
        else:
            self._ended(at_s)
            np.copyto(last, luma)
            self._whole, self._whole_s = 0, at_s
        if part:
            self._part += 1
        else:
            self._lively_since_s = at_s if self._part else self._lively_since_s
            self._part, self._part_s = 0, at_s
        lively = self._part_s - self._lively_since_s >= LIVELY_S
        return self._lasts(self._whole, at_s - self._whole_s) or (
            lively and self._lasts(self._part, at_s - self._part_s)
        )

    def _lasts(self, repeats: int, for_s: float) -> bool:
        patient = len(self._self_ended) == SELF_ENDED and self._last_s - self._self_ended[0] < WITHIN_S
        return repeats >= LEAST_REPEATS and for_s >= (PATIENT_S if patient else FROZEN_S)

    def _ended(self, at_s: float) -> None:
        """Remember a run that was long, and went on by itself."""
        if LONG_S <= at_s - self._whole_s < PATIENT_S and self._whole >= LEAST_REPEATS:
            self._self_ended.append(at_s)
