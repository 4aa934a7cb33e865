"""How much of the past goes out at once, so that the present gets through. Pure: times come in as arguments.

A gate that returns after a month has much to tell. Meanwhile `status`, answers and beats share its line and its broker:

- No more than so many rows of history a second (`mqtt.history_per_s`). Rows of now cost nothing; they come after the
  history all the same, because facts keep their order.
- No more bytes of facts unacknowledged than the line takes in about `LONGEST_QUEUE_S`: what is published next waits
  behind them. The line is judged by its acknowledgements: later than the quickest one by more than that, and the room
  is halved; well below it, and the room grows by what was acknowledged. So a slow line, or a broker with many gates
  returning at once, gets small messages one by one, and a quick one gets eight at a time.
"""

from __future__ import annotations

import math

FIRST_BYTES = 48 * 1024
LEAST_BYTES = 4 * 1024
LONGEST_QUEUE_S = 0.2
CATCH_UP_S = 0.5


class Flow:
    """The room for facts on one connection, and when the next ones may go."""

    def __init__(self, *, history_per_s: int, most_bytes: int) -> None:
        self._per_s = history_per_s
        self._most_bytes = most_bytes
        self._free_s = -math.inf
        self.began()

    def began(self) -> None:
        """Forget what the last connection taught."""
        self._bytes = min(FIRST_BYTES, self._most_bytes)
        self._quickest_s = math.inf
        self._cut_s = -math.inf

    @property
    def batch_bytes(self) -> int:
        """Return how large a message of several rows may be: half the room, so that two keep a line busy."""
        return self._bytes // 2

    def has_room(self, unacknowledged_bytes: int) -> bool:
        """Tell whether one more batch may be under way."""
        return unacknowledged_bytes <= self._bytes - self.batch_bytes

    def pause_s(self, now_s: float) -> float:
        """Return how long to wait before more is sent, 0 for not at all."""
        return max(0.0, self._free_s - now_s)

    def sent(self, history: int, now_s: float) -> None:
        """Note that rows of history went out. Time that was lost by sleeping too long is made up for, a little."""
        if history:
            self._free_s = max(self._free_s, now_s - CATCH_UP_S) + history / self._per_s

    def acknowledged(self, size: int, *, sent_s: float, now_s: float) -> None:
        """Learn from an acknowledgement of `size` bytes."""
        took_s = now_s - sent_s
        self._quickest_s = min(self._quickest_s, took_s)
        queued_s = took_s - self._quickest_s
        if queued_s > LONGEST_QUEUE_S:
            if sent_s >= self._cut_s:  # what was sent before the last cut says nothing new
                self._bytes, self._cut_s = max(LEAST_BYTES, self._bytes // 2), now_s
        elif queued_s < LONGEST_QUEUE_S / 2:
            self._bytes = min(self._most_bytes, self._bytes + size)
