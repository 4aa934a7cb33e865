"""Who has a lasting connection open: event streams and live pictures.

A session that ends takes its streams along. Beyond `MOST_OF_ONE` of a kind the oldest of the session ends, because a
phone that lost its network leaves connections behind that nobody reads; beyond `MOST_OF_ALL`, and beyond what is given
for its kind, a new one is refused, unless an older one of the same session can give way to it.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from enum import StrEnum

from api.problems import ProblemError

MOST_OF_ONE = 4
MOST_OF_ALL = 250

End = Callable[["Farewell"], None]


class Farewell(StrEnum):
    """Why a stream is ended."""

    SIGNED_OUT = "signed_out"
    TOO_MANY_STREAMS = "too_many_streams"
    TOO_SLOW = "too_slow"
    STOPPING = "stopping"


class Streams:
    """The open ones, in the order in which they came."""

    def __init__(self) -> None:
        self._numbers = itertools.count()
        self._open: dict[int, tuple[str, str, End]] = {}

    def __len__(self) -> int:
        return len(self._open)

    def count(self, kind: str) -> int:
        """Return how many of one kind are open."""
        return sum(1 for _, its_kind, _ in self._open.values() if its_kind == kind)

    @contextmanager
    def opened(self, session_id: str, kind: str, end: End, most: int = MOST_OF_ALL) -> Iterator[None]:
        """Count one as open while the block runs; `end` must make it end soon.

        Raises `too_many_viewers` where `most` of the kind are open, and `too_many_streams`.
        """
        mine = (session_id, kind)
        same = [number for number, (*whose, _) in self._open.items() if tuple(whose) == mine]
        too_many = max(len(same) - MOST_OF_ONE + 1, self.count(kind) - most + 1, 0)
        for number in same[:too_many]:
            self._end(number, Farewell.TOO_MANY_STREAMS)
        if self.count(kind) >= most:
            raise ProblemError("too_many_viewers")
        if len(self._open) >= MOST_OF_ALL:
            raise ProblemError("too_many_streams")
        number = next(self._numbers)
        self._open[number] = (session_id, kind, end)
        try:
            yield
        finally:
            self._open.pop(number, None)

    def sessions(self) -> frozenset[str]:
        """Return the sessions that have one open."""
        return frozenset(owner for owner, _, _ in self._open.values())

    def end_session(self, session_id: str) -> None:
        """End all streams of a session that is over."""
        for number in [number for number, (owner, _, _) in self._open.items() if owner == session_id]:
            self._end(number, Farewell.SIGNED_OUT)

    def end_all(self) -> None:
        """End everything: the server stops."""
        for number in list(self._open):
            self._end(number, Farewell.STOPPING)

    def _end(self, number: int, why: Farewell) -> None:
        _, _, end = self._open.pop(number)
        end(why)
