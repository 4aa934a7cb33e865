"""From the stamps in a stream, which may lie or be missing, to one monotonic clock. Pure: `now_s` comes in.

A file's stamps are believed relative to its start; a live stream's relative to arrival: no picture is from the future,
so what a server sends in a burst at first is counted from the last of it. A stamp that is missing, goes back or leaps
is replaced by what would have been expected, and the stamps after it are counted from there.
"""

from __future__ import annotations

LEAP_S = 10.0
LIVE_DRIFT_S = 2.0
SMALLEST_STEP_S = 1e-4
LONGEST_REORDER_S = 2.0


class Timeline:
    """The clock of one stretch of a stream: begins at `start_s`, `step_s` a picture where stamps say nothing."""

    def __init__(self, start_s: float, step_s: float, *, live: bool) -> None:
        self._start_s = start_s
        self._step_s = step_s
        self.live = live
        self._offset_s: float | None = None
        self.last_s: float | None = None

    def decoded(self, stamp_s: float | None, now_s: float) -> float:
        """Return when the next access unit, in decoding order, has its turn."""
        last_s = self.last_s
        expected_s = now_s if self.live else self._start_s if last_s is None else last_s + self._step_s
        tolerance_s = LIVE_DRIFT_S if self.live else LEAP_S
        at_s = expected_s
        if stamp_s is not None:
            offset_s = self._offset_s
            ahead = self.live and offset_s is not None and stamp_s + offset_s > expected_s
            if offset_s is None or ahead or abs(stamp_s + offset_s - expected_s) > tolerance_s:
                offset_s = expected_s - stamp_s
            self._offset_s = offset_s
            at_s = stamp_s + offset_s
        if last_s is not None:
            at_s = max(at_s, last_s + SMALLEST_STEP_S)
        self.last_s = at_s
        return at_s

    def shown(self, decode_s: float, dts_s: float | None, pts_s: float | None) -> float:
        """Return when a unit decoded at `decode_s` is shown."""
        if dts_s is None or pts_s is None:
            return decode_s
        return decode_s + min(max(0.0, pts_s - dts_s), LONGEST_REORDER_S)

    def stamped(self, pts_s: float | None) -> float:
        """Return when a decoded picture with this stamp is shown: beside the units of the same stamp."""
        last_s = self._start_s if self.last_s is None else self.last_s
        if pts_s is None or self._offset_s is None:
            return last_s
        at_s = pts_s + self._offset_s
        return at_s if abs(at_s - last_s) <= LONGEST_REORDER_S else last_s


class Cadence:
    """Chooses frames so that about `per_s` a second remain, however many come."""

    def __init__(self, per_s: float) -> None:
        self._step_s = 1.0 / per_s
        self._due_s = float("-inf")

    def wants(self, at_s: float) -> bool:
        """Tell whether the frame shown at `at_s` is one of the chosen."""
        if at_s < self._due_s - 1e-3:
            return False
        self._due_s += self._step_s
        if self._due_s <= at_s - self._step_s:
            self._due_s = at_s + self._step_s
        return True

    def restart(self) -> None:
        """Forget the rhythm: the next frame is wanted."""
        self._due_s = float("-inf")
