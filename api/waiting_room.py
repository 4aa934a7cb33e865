"""Who is next, where only a few can be served at a time.

Known phones go first. Within each of the two groups every source has its turn, one after the other, so that whoever
sends a hundred waits a hundred times and holds nobody else up. When a group's room is full, the newest of the source
that has the most waiting is sent away.

Those who are turned away leave one after the other, so that a flood that waits for its answers costs no more than this.
"""

from __future__ import annotations

import asyncio
from collections import OrderedDict, deque

from api.problems import rate_limited

AT_ONCE_OUT = 30
OUT_PER_SECOND = 20.0
LONGEST_OUT_S = 5.0


class WaitingRoom:
    """Gives out `at_once` places; at most `most_waiting` of each group wait. For one event loop."""

    def __init__(self, at_once: int, most_waiting: int) -> None:
        self._free = at_once
        self._known = Group(most_waiting)
        self._strangers = Group(most_waiting)

    async def enter(self, source: str, *, known: bool) -> None:
        """Wait for a place; `leave` must follow. Raises the `rate_limited` problem when there is no room to wait."""
        if self._free:
            self._free -= 1
            return
        group = self._known if known else self._strangers
        place: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        if dropped := group.add(source, place):
            dropped.set_exception(rate_limited(1.0, "Too many people sign in at this moment."))
        try:
            await place
        except asyncio.CancelledError:
            group.remove(source, place)
            if place.done() and not place.cancelled() and place.exception() is None:
                self.leave()  # it was given in the same moment: to the next one
            raise

    def leave(self) -> None:
        """Give a place back."""
        for group in (self._known, self._strangers):
            while place := group.next():
                if not place.done():
                    place.set_result(None)
                    return
        self._free += 1


class Group:
    """Those who wait, by source, in turn."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._sources: OrderedDict[str, deque[asyncio.Future[None]]] = OrderedDict()

    def __len__(self) -> int:
        return sum(map(len, self._sources.values()))

    def add(self, source: str, place: asyncio.Future[None]) -> asyncio.Future[None] | None:
        """Add one; return the one who has to go for it, if any: the newest of the longest queue, perhaps itself."""
        self._sources.setdefault(source, deque()).append(place)
        if len(self) <= self._most:
            return None
        longest = max(reversed(self._sources), key=lambda each: len(self._sources[each]))
        dropped = self._sources[longest][-1]
        self.remove(longest, dropped)
        return dropped

    def remove(self, source: str, place: asyncio.Future[None]) -> None:
        """Take somebody out who may wait here."""
        if place in (places := self._sources.get(source, deque())):
            places.remove(place)
            if not places:
                del self._sources[source]

    def next(self) -> asyncio.Future[None] | None:
        """Take the one whose turn it is; its source goes to the end of the round."""
        if not self._sources:
            return None
        source, places = self._sources.popitem(last=False)
        place = places.popleft()
        if places:
            self._sources[source] = places
        return place


class WayOut:
    """Says how long each who is turned away waits for the answer. Time comes in as monotonic seconds."""

    def __init__(self) -> None:
        self._last_s = -AT_ONCE_OUT / OUT_PER_SECOND

    def wait_s(self, now_s: float) -> float:
        """Count one more; return 0 for the first `AT_ONCE_OUT`, then growing seconds up to `LONGEST_OUT_S`."""
        next_s = max(self._last_s, now_s - AT_ONCE_OUT / OUT_PER_SECOND) + 1 / OUT_PER_SECOND
        self._last_s = min(next_s, now_s + LONGEST_OUT_S)
        return max(0.0, self._last_s - now_s)
