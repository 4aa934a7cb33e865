"""Which session was sent a fresh picture, and when.

A remote close is refused, or warned of longer, when the officer has not seen the gate (docs/safety.md, "remote close").
Only a picture that was less than two seconds old when it was sent counts, and only for two seconds; and none while the
camera itself doubts what it shows (`Live.camera_is_doubted`).
"""

from __future__ import annotations

FRESH_MS = 2000
MOST_SESSIONS = 2000


class Sight:
    """The newest fresh picture of each session, in CLOCK_MONOTONIC milliseconds."""

    def __init__(self) -> None:
        self._seen_mono_ms: dict[str, int] = {}

    def delivered(self, session_id: str, age_ms: int, now_mono_ms: int) -> None:
        """Note that a picture of this age was sent."""
        if age_ms < FRESH_MS:
            self._seen_mono_ms.pop(session_id, None)
            self._seen_mono_ms[session_id] = now_mono_ms
            if len(self._seen_mono_ms) > MOST_SESSIONS:
                self._seen_mono_ms.pop(next(iter(self._seen_mono_ms)))

    def has_seen(self, session_id: str, now_mono_ms: int) -> bool:
        """Tell whether a session was sent a fresh picture within the last two seconds."""
        seen = self._seen_mono_ms.get(session_id)
        return seen is not None and now_mono_ms - seen <= FRESH_MS
