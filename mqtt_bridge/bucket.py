"""How much of something is at hand: so many at once, and so many more with time. Pure: times come in as arguments."""

from __future__ import annotations


class Bucket:
    """Holds at most `most`, and gains `per_s` each second."""

    def __init__(self, *, most: float, per_s: float) -> None:
        self._most, self._per_s = most, per_s
        self._at_hand = most
        self._counted_s: float | None = None

    def has_one(self, *, now_s: float) -> bool:
        """Tell whether one is at hand."""
        if self._counted_s is not None:
            self._at_hand = min(self._most, self._at_hand + (now_s - self._counted_s) * self._per_s)
        self._counted_s = now_s
        return self._at_hand >= 1.0

    def take(self, *, now_s: float) -> bool:
        """Take one; tell whether there was one."""
        if not self.has_one(now_s=now_s):
            return False
        self._at_hand -= 1.0
        return True
