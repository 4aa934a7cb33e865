"""What waits to be sent to phones. Pure: monotonic time comes in, the next deadline comes out.

- A phone waits for one message of a subject at the most: a newer one takes the place of the older.
- A phone is sent one message at a time, the gravest first; who was never tried before who was not reached.
- What fails is tried again after pauses that grow to `LONGEST_PAUSE_S`, or as long as the push service says, until the
  message is not worth delivering any more. While nothing gets through at all (no internet), that costs one try of each
  phone every ten minutes.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass, replace

from api.push_rules import GRAVITY, Level, Subject
from gate.model import JsonObject

FIRST_PAUSE_S = 5.0
LONGEST_PAUSE_S = 600.0
LONGEST_ASKED_S = 3600.0


@dataclass(frozen=True, kw_only=True, slots=True)
class Waiting:
    """One message to one phone: `words` is what it shows, `until_s` when it is worth nothing any more."""

    phone: str
    subject: Subject
    level: Level
    words: JsonObject
    until_s: float
    due_s: float
    tries: int = 0


class Queue:
    """What waits, and what is being sent."""

    def __init__(self) -> None:
        self._waiting: dict[tuple[str, Subject], Waiting] = {}
        self._busy: set[str] = set()

    def __len__(self) -> int:
        return len(self._waiting)

    def put(self, message: Waiting) -> None:
        """Add one, in place of an older one of the same subject."""
        self._waiting[message.phone, message.subject] = message

    def over(self, now_s: float) -> list[Waiting]:
        """Drop and return what is worth nothing any more."""
        found = [message for message in self._waiting.values() if message.until_s <= now_s]
        for message in found:
            del self._waiting[message.phone, message.subject]
        return found

    def begin(self, now_s: float, most: int) -> list[Waiting]:
        """Return what is to be sent now, one to a phone, so that at most `most` are under way."""
        chosen: list[Waiting] = []
        for message in sorted(self._waiting.values(), key=lambda one: (GRAVITY.index(one.level), one.tries, one.due_s)):
            if len(self._busy) >= most:
                break
            if message.due_s <= now_s and message.phone not in self._busy:
                self._busy.add(message.phone)
                chosen.append(message)
        return chosen

    def end(self, message: Waiting) -> None:
        """Note that a message is done with, sent or not. A newer one of its subject stays."""
        self._busy.discard(message.phone)
        slot = (message.phone, message.subject)
        if self._waiting.get(slot) == message:
            del self._waiting[slot]

    def again(self, message: Waiting, now_s: float, *, asked_s: float, chance: float) -> None:
        """Note that it failed and try later: after a pause with `chance` (0 to 1) in it, not before `asked_s`."""
        self._busy.discard(message.phone)
        slot = (message.phone, message.subject)
        if self._waiting.get(slot) == message:
            pause_s = min(LONGEST_PAUSE_S, FIRST_PAUSE_S * 2.0 ** min(message.tries, 10)) * (0.5 + chance)
            due_s = now_s + max(pause_s, min(asked_s, LONGEST_ASKED_S))
            self._waiting[slot] = replace(message, due_s=due_s, tries=message.tries + 1)

    def hurry(self, phone: str, now_s: float) -> None:
        """Have what waits for a phone tried now: it has another address."""
        for slot, message in self._waiting.items():
            if message.phone == phone:
                self._waiting[slot] = replace(message, due_s=now_s, tries=0)

    def forget(self, phones: Iterable[str]) -> None:
        """Drop all that waits for phones that get nothing any more."""
        gone = set(phones)
        self._waiting = {slot: message for slot, message in self._waiting.items() if message.phone not in gone}

    def due_s(self, most: float = math.inf) -> float:
        """Return when the next message is due or over, of those whose phone is free; infinity where there is none.

        And where `most` are under way: each that ends makes room.
        """
        if len(self._busy) >= most:
            return math.inf
        free = (message for message in self._waiting.values() if message.phone not in self._busy)
        return min((min(message.due_s, message.until_s) for message in free), default=math.inf)
