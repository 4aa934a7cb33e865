"""The two clocks of this process, so that tests can own them; and what an id says about its time."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True, slots=True)
class Clock:
    """Wall seconds for sessions, codes and people; monotonic nanoseconds for pictures and deadlines."""

    wall_s: Callable[[], float] = time.time
    mono_ns: Callable[[], int] = time.monotonic_ns

    def mono_ms(self) -> int:
        """Return CLOCK_MONOTONIC in milliseconds."""
        return self.mono_ns() // 1_000_000

    def mono_s(self) -> float:
        """Return CLOCK_MONOTONIC in seconds."""
        return self.mono_ns() / 1e9


def moment_of(uuid7: str) -> float:
    """Return the wall seconds at which a UUIDv7 was made."""
    return int(uuid7.replace("-", "")[:12], 16) / 1000
