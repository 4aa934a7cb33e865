"""Which gap that the receiver reports is worth going back to. Pure: times come in as arguments."""

from __future__ import annotations

from typing import NamedTuple


class _Repair(NamedTuple):
    """The last gap that was gone back to: its rows, and when it may be gone back to again."""

    first: int
    last: int
    again_s: float
    pause_s: float


class Gaps:
    """The newest reported gap.

    A gap that stays where it is, is sent again after growing pauses: a confused receiver must not keep the line.
    """

    def __init__(self, *, shortest_s: float, longest_s: float) -> None:
        self._shortest_s, self._longest_s = shortest_s, longest_s
        self._reported: tuple[int, int] | None = None
        self._repaired = _Repair(first=0, last=0, again_s=0.0, pause_s=0.0)

    def reported(self, first: int, last: int) -> None:
        """Take note of the first rows that are missing."""
        self._reported = first, last

    def next(self, *, now_s: float) -> tuple[int, int] | None:
        """Return the rows to go back to now; None where there are none, or they are being filled already."""
        if self._reported is None:
            return None
        (first, last), self._reported = self._reported, None
        former = self._repaired
        if former.first <= first <= former.last and now_s < former.again_s:
            return None
        pause_s = min(self._longest_s, former.pause_s * 2) if first == former.first else self._shortest_s
        self._repaired = _Repair(first=first, last=last, again_s=now_s + pause_s, pause_s=pause_s)
        return first, last
