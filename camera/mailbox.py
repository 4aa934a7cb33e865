"""The way of the pictures to the recorder: in order, bounded in number and bytes, never in the way of who sends.

A slow card fills it. Then the sender is held up once, for its patience and no longer; after that access units are
dropped without waiting until half of the room is free again and a key picture comes. What says which pictures count
(`Begin`, `End` …) always finds room. What was dropped is counted, and the reader is told where (`Lost`).
"""

from __future__ import annotations

import collections
import threading
import time

from camera.messages import Lost, Message
from camera.source import AccessUnit

MOST_UNITS = 1500
MOST_BYTES = 32 * 1024**2
PATIENCE_S = 2.0


class Mailbox:
    """One sender, one reader. `patience_s`: how long a full box may hold the sender up before it drops."""

    def __init__(
        self, most_units: int = MOST_UNITS, most_bytes: int = MOST_BYTES, patience_s: float = PATIENCE_S
    ) -> None:
        self._most_units, self._most_bytes, self._patience_s = most_units, most_bytes, patience_s
        self._messages: collections.deque[Message] = collections.deque()
        self._units = 0
        self._bytes = 0
        self._changed = threading.Condition()
        self._lost = 0
        self.skipping = False
        self.dropped = 0

    def put(self, message: Message) -> None:
        """Hand over one message."""
        with self._changed:
            if isinstance(message, AccessUnit) and not self._has_room_for(message):
                self.dropped += 1
                self._lost += 1
                return
            if self._lost and not self.skipping:
                self._messages.append(Lost(units=self._lost))
                self._lost = 0
            self._messages.append(message)
            if isinstance(message, AccessUnit):
                self._units += 1
                self._bytes += len(message.data)
            self._changed.notify_all()

    def take(self, timeout_s: float) -> Message | None:
        """Return the next message, None where none came in time."""
        with self._changed:
            if not self._changed.wait_for(lambda: bool(self._messages), timeout_s):
                return None
            message = self._messages.popleft()
            if isinstance(message, AccessUnit):
                self._units -= 1
                self._bytes -= len(message.data)
                self._changed.notify_all()
            return message

    def _has_room_for(self, unit: AccessUnit) -> bool:
        if self.skipping:
            free = self._units * 2 <= self._most_units and self._bytes * 2 <= self._most_bytes
            self.skipping = not (free and unit.key)
            return not self.skipping
        until_s = time.monotonic() + self._patience_s
        while self._is_full():
            left_s = until_s - time.monotonic()
            if left_s <= 0 or not self._changed.wait(left_s):
                self.skipping = self._is_full()
                return not self.skipping
        return True

    def _is_full(self) -> bool:
        return self._units >= self._most_units or self._bytes >= self._most_bytes
