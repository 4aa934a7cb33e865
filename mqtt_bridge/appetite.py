"""How large a `facts` message the broker takes: what it announced, and what it taught. Pure.

Brokers differ: one announces its limit, one refuses what is too large, one hangs up on it without a word. Smaller
batches are sent for the rest of this process; only a single row that is too large by itself goes as its outline.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Protocol

from mqtt_bridge import topics
from mqtt_bridge.topics import Sizes

LARGEST_FACT_BYTES = 1024 * 1024
ROOM_FOR_HEADER = 512
LOSSES_FOR_A_LARGE_MESSAGE = 3
LOSSES_FOR_A_SMALL_ROW = 10
SMALLEST_GUESS = 4096


class Sent(Protocol):
    """A message of facts."""

    @property
    def first_seq(self) -> int:
        """Return the number of its first row."""

    @property
    def payload(self) -> bytes:
        """Return what was sent."""

    @property
    def is_single(self) -> bool:
        """Tell whether it is one row, which can't be cut any smaller."""


class Appetite:
    """What the broker takes."""

    def __init__(self) -> None:
        self._learned = Sizes(batch=topics.LARGEST_BATCH_BYTES, fact=LARGEST_FACT_BYTES)
        self._announced_bytes = LARGEST_FACT_BYTES
        self._hang_ups = (0, 0)

    def announced(self, packet_bytes: int | None) -> None:
        """Take note of what the broker said at the connect; None: no limit."""
        self._announced_bytes = packet_bytes - ROOM_FOR_HEADER if packet_bytes else LARGEST_FACT_BYTES

    def sizes(self, batch_bytes: int) -> Sizes:
        """Return what fits what the broker announced, what it taught, and `batch_bytes` for several rows."""
        most = max(ROOM_FOR_HEADER, self._announced_bytes)
        return Sizes(batch=min(self._learned.batch, most, batch_bytes), fact=min(self._learned.fact, most))

    def was_taken(self) -> None:
        """Forget hang-ups: the broker takes messages."""
        self._hang_ups = (0, 0)

    def was_hung_up_on(self, message: Sent) -> None:
        """Count how often the broker hung up on the same message: some do so where it is too large for them."""
        seq, times = self._hang_ups
        self._hang_ups = (message.first_seq, times + 1 if seq == message.first_seq else 1)
        small_row = message.is_single and len(message.payload) <= topics.LARGEST_BATCH_BYTES
        enough = LOSSES_FOR_A_SMALL_ROW if small_row else LOSSES_FOR_A_LARGE_MESSAGE
        if self._hang_ups[1] >= enough and len(message.payload) > SMALLEST_GUESS:
            self._hang_ups = (0, 0)
            self.was_too_large(message)

    def was_too_large(self, message: Sent) -> None:
        """Send smaller batches from now on; a single row that is too large goes as its outline."""
        size = len(message.payload)
        if message.is_single:
            fact = min(self._learned.fact, size - 1)
            self._learned = Sizes(batch=min(self._learned.batch, fact), fact=fact)
        else:
            self._learned = replace(self._learned, batch=min(self._learned.batch, size // 2))
