"""What a broker that dies may take with it, where its word alone counts. Pure: times come in as arguments.

It acknowledged the last messages, and had perhaps not passed them on. Nobody can know, so they are sent again:

- On a fresh connection, from the oldest that was acknowledged within `window_s` before the last connection ended. One
  that ends before any acknowledgement says nothing new: a broker may come and go several times before it lasts.
- By a bridge that starts anew, because the mark in `outbox.db` stays behind those messages while they are young. So a
  bridge and a broker that die within the same seconds lose nothing either.
- Where connections are too short for that, or end on the very message that comes then, new rows go first again.
"""

from __future__ import annotations

from collections import deque
from typing import Generic, Protocol, TypeVar

FRUITLESS = 2
MUTE = 10


class Place(Protocol):
    """A row of the journal, by its number."""

    @property
    def seq(self) -> int:
        """Return its number."""


At = TypeVar("At", bound=Place)


class Recall(Generic[At]):
    """The newest messages of which the broker said that it has them; at most `most` of them."""

    def __init__(self, *, most: int, window_s: float) -> None:
        self._window_s = window_s
        self._taken: deque[tuple[float, At]] = deque(maxlen=most)
        self._lost_s, self._lost_seq, self._fruitless, self._mute = 0.0, 0, 0, 0
        self._was_taken = False

    def taken(self, after: At, *, at_s: float) -> None:
        """Take note of a message that follows `after` and was acknowledged then."""
        self._taken.append((at_s, after))
        self._was_taken = True

    def lost(self, proven: At, *, now_s: float) -> None:
        """Take note that the connection ended, when rows up to `proven` had been acknowledged."""
        if not self._was_taken:
            self._mute += 1
            return
        self._was_taken, self._mute = False, 0
        self._fruitless = self._fruitless + 1 if proven.seq == self._lost_seq else 0
        self._lost_s, self._lost_seq = now_s, proven.seq

    def forget(self) -> None:
        """Drop all: the journal is another one."""
        self._taken.clear()

    def begin(self, proven: At) -> At:
        """Return where to begin on a fresh connection."""
        gives_up = self._fruitless >= FRUITLESS or self._mute >= MUTE
        return proven if gives_up else self._oldest(proven, self._lost_s)

    def lasting(self, proven: At, *, connected: bool, now_s: float) -> At:
        """Return what is delivered even if broker and bridge die at this moment."""
        return self._oldest(proven, now_s if connected else self._lost_s)

    def _oldest(self, proven: At, until_s: float) -> At:
        young = (after for at_s, after in self._taken if at_s >= until_s - self._window_s)
        return min([proven, *young], key=lambda place: place.seq)
