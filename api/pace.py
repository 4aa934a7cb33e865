"""How often one session may do something: a bucket of tokens for each."""

from __future__ import annotations

from collections import OrderedDict

MOST_KEYS = 1000


class Pace:
    """Allows `burst` at once and `per_second` afterwards, for each key. Time comes in as monotonic seconds."""

    def __init__(self, burst: float, per_second: float) -> None:
        self._burst = burst
        self._per_second = per_second
        self._left: OrderedDict[str, tuple[float, float]] = OrderedDict()

    def wait_s(self, key: str, now_s: float) -> float:
        """Count one and return 0, or return how many seconds it comes too early."""
        left, at_s = self._left.pop(key, (self._burst, now_s))
        left = min(self._burst, left + (now_s - at_s) * self._per_second)
        allowed = left >= 1.0
        self._left[key] = (left - 1.0 if allowed else left, now_s)
        if len(self._left) > MOST_KEYS:
            self._left.popitem(last=False)
        return 0.0 if allowed else (1.0 - left) / self._per_second
