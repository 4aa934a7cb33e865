"""What waits for one page that watches, and what the page has taken. Pure: `now_s` comes in.

- `Units`: access units in order. The oldest waits at most `MOST_WAITING_S` while a newer key picture waits behind it:
  then everything before that one is dropped. Where none waits behind it, `starved` says so, the camera is asked for
  one, and what waits goes on meanwhile: it can still be decoded. At most `MOST_WAITING_BYTES`.
- `Stills`: only the newest JPEG, at most as many a second as the page asked for.
- `Pulse`: a ping follows what is sent, and its answer says that the page has everything before it. A page that takes
  longer than `QUICK_S` gets one message after another and no more in between, so that what it does not take in time
  waits here, where it can be dropped, and not in the network, where it can't.
- What waits is shared by all pages, never copied.
"""

from __future__ import annotations

import itertools
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from gate.model import JsonObject

CONFIG, KEY, DELTA, JPEG = 0, 1, 2, 3
MOST_WAITING_BYTES = 2 * 1024**2
MOST_WAITING_S = 0.75
PATIENCE_S = 0.3
YOUNG_S = 0.3
QUICK_S = 1.0
MOST_GROUP_BYTES = 4 * 1024**2


@dataclass(frozen=True, kw_only=True, slots=True)
class Unit:
    """One access unit (KEY or DELTA, Annex B) or JPEG: when it was taken, and when it came here."""

    kind: int
    mono_ms: int
    payload: bytes
    came_s: float


class Group:
    """The newest key picture and what followed it: where whoever joins can begin."""

    def __init__(self) -> None:
        self.units: list[Unit] = []
        self._bytes = 0

    def add(self, unit: Unit) -> None:
        """Note one access unit."""
        if unit.kind == KEY or self._bytes > MOST_GROUP_BYTES:
            self.units, self._bytes = [], 0
        if self.units or unit.kind == KEY:
            self.units.append(unit)
            self._bytes += len(unit.payload)

    def is_young(self, now_s: float) -> bool:
        """Tell whether its key picture has just come."""
        return bool(self.units) and now_s - self.units[0].came_s <= YOUNG_S


class Queue(Protocol):
    """What waits for one page."""

    def begin(self, news: JsonObject, *, config: bool) -> None:
        """Let a message in words wait before anything else; what waited until now is of no use any more."""

    def offer(self, unit: Unit, group: Sequence[Unit]) -> None:
        """Queue what came, where the page can use it; `group` holds it too if it is an access unit."""

    def take(self, now_s: float) -> JsonObject | Unit | None:
        """Return what goes next, None where nothing waits."""

    def starved(self, now_s: float) -> bool:
        """Tell whether a key picture would help."""


class Units:
    """A page that watches the stream."""

    def __init__(self, now_s: float) -> None:
        self.bytes = 0
        self._news: deque[JsonObject] = deque()
        self._waiting: deque[Unit] = deque()
        self._begun = False
        self._until_s = now_s + PATIENCE_S

    def __len__(self) -> int:
        """Return how many access units wait."""
        return len(self._waiting)

    def begin(self, news: JsonObject, *, config: bool) -> None:
        """Begin anew, at a key picture."""
        self._drop(len(self._waiting))
        self._begun = False
        if config:
            self._news.clear()
        self._news.append(news)

    def start(self, group: Sequence[Unit]) -> None:
        """Begin with a key picture and all that followed it."""
        for unit in group:
            self._put(unit)
        self._begun = bool(group)

    def offer(self, unit: Unit, group: Sequence[Unit]) -> None:
        """Queue an access unit; a page that has waited long enough for a key picture begins with the old one."""
        if unit.kind not in {KEY, DELTA}:
            return
        if self.bytes + len(unit.payload) > MOST_WAITING_BYTES:
            self._drop(len(self._waiting))
            self._begun, self._until_s = False, float("inf")  # no group helps who can't take one
        if self._begun or unit.kind == KEY:
            self._begun = True
            self._put(unit)
        elif unit.came_s >= self._until_s:
            self.start(group)

    def take(self, now_s: float) -> JsonObject | Unit | None:
        """Return what goes next; a page that has fallen behind goes on at the newest key picture."""
        if self._news:
            return self._news.popleft()
        if self._late(now_s):
            self._drop(max((at for at, unit in enumerate(self._waiting) if unit.kind == KEY), default=0))
        if not self._waiting:
            return None
        unit = self._waiting.popleft()
        self.bytes -= len(unit.payload)
        return unit

    def starved(self, now_s: float) -> bool:
        """Tell whether there is no key picture to begin or to go on with."""
        if not self._begun:
            return True
        return self._late(now_s) and all(unit.kind != KEY for unit in itertools.islice(self._waiting, 1, None))

    def _late(self, now_s: float) -> bool:
        return bool(self._waiting) and now_s - self._waiting[0].came_s > MOST_WAITING_S

    def _put(self, unit: Unit) -> None:
        self._waiting.append(unit)
        self.bytes += len(unit.payload)

    def _drop(self, count: int) -> None:
        for _ in range(count):
            self.bytes -= len(self._waiting.popleft().payload)


class Stills:
    """A page that wants `fps` JPEGs a second."""

    def __init__(self, fps: float) -> None:
        self.fps = fps
        self._news: JsonObject | None = None
        self._newest: Unit | None = None
        self._due_ms = 0.0

    def begin(self, news: JsonObject, *, config: bool) -> None:
        """Say that there is no picture; how the stream is coded is nothing to this page."""
        if not config:
            self._news, self._newest = news, None

    def offer(self, unit: Unit, group: Sequence[Unit]) -> None:  # noqa: ARG002 - as the port has it
        """Let a JPEG wait if one is due, instead of an older one that waits."""
        if unit.kind != JPEG or unit.mono_ms < self._due_ms - 1:
            return
        step_ms = 1000 / self.fps
        self._due_ms += step_ms
        if self._due_ms <= unit.mono_ms - step_ms:  # the first, or the first after a while
            self._due_ms = unit.mono_ms + step_ms
        self._newest = unit

    def take(self, now_s: float) -> JsonObject | Unit | None:  # noqa: ARG002 - as the port has it
        """Return what goes next."""
        news, self._news = self._news, None
        if news is not None:
            return news
        newest, self._newest = self._newest, None
        return newest

    def starved(self, now_s: float) -> bool:  # noqa: ARG002 - as the port has it
        """Return False: JPEGs follow from nothing before them."""
        return False


class Pulse:
    """How soon a page takes what it is sent, told by its answers to pings; one ping at a time is under way."""

    def __init__(self) -> None:
        self.took_s = 0.0
        self._asked_s: float | None = None
        self._more = False

    def may_send(self, now_s: float) -> bool:
        """Tell whether the next message may go: the page has everything, or is quick."""
        return self._asked_s is None or max(self.took_s, now_s - self._asked_s) < QUICK_S

    def sent(self, now_s: float) -> bool:
        """Note a message that went; True: a ping must follow."""
        if self._asked_s is not None:
            self._more = True
            return False
        self._asked_s = now_s
        return True

    def answered(self, now_s: float) -> bool:
        """Note the answer; True: ping again, because more has gone since."""
        if self._asked_s is None:
            return False
        self.took_s = now_s - self._asked_s
        self._asked_s = now_s if self._more else None
        again, self._more = self._more, False
        return again
