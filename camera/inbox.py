"""Where the threads of a source put what they have, and from where `items` takes it. Nobody who puts ever waits.

A reader that is too slow loses access units, not memory: when the box is full, the units in it go, and all that follow
up to the next key, so that what remains can still be decoded. Frames go one by one, the oldest first.
"""

from __future__ import annotations

import threading
from collections import deque

from camera.source import AccessUnit, Frame, Item

MOST_ITEMS = 240


class Inbox:
    """Items in order of arrival, for one reader."""

    def __init__(self, most: int = MOST_ITEMS) -> None:
        self._most = most
        self._items: deque[Item] = deque()
        self._to_key = False
        self._ready = threading.Condition()
        self.dropped = 0

    def put(self, item: Item) -> None:
        """Add an item; makes room by the rule above."""
        with self._ready:
            if len(self._items) >= self._most:
                self._make_room()
            if isinstance(item, AccessUnit):
                self._to_key = self._to_key and not item.key
                if self._to_key:
                    self.dropped += 1
                    return
            self._items.append(item)
            self._ready.notify()

    def get(self, wait_s: float) -> Item | None:
        """Return the oldest item, or None if none came in time."""
        with self._ready:
            if not self._items:
                self._ready.wait(wait_s)
            return self._items.popleft() if self._items else None

    def clear(self) -> None:
        """Forget everything: the picture begins anew."""
        with self._ready:
            self._items.clear()
            self._to_key = False

    def _make_room(self) -> None:
        kept: deque[Item] = deque(item for item in self._items if not isinstance(item, AccessUnit))
        lost = len(self._items) - len(kept)
        self.dropped += lost
        self._to_key = self._to_key or lost > 0
        oldest = next((item for item in kept if isinstance(item, Frame)), None)
        if oldest and len(kept) >= self._most:
            kept.remove(oldest)
        self._items = kept
