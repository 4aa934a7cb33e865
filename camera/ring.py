"""The newest access units in memory, so that a clip can begin before its event. Pure.

Whole groups of pictures: a clip can only begin at a key picture. A group that is longer than what is kept stays whole
as long as memory allows; a stream whose key pictures never come again is forgotten, not hoarded.
"""

from __future__ import annotations

import collections
from itertools import chain

from camera.source import AccessUnit

RING_BYTES = 32 * 1024**2


class Ring:
    """The newest access units, whole groups of pictures, bounded in seconds and bytes."""

    def __init__(self, keep_s: float, most_bytes: int = RING_BYTES) -> None:
        self._keep_s = keep_s
        self._most_bytes = most_bytes
        self._groups: collections.deque[list[AccessUnit]] = collections.deque()
        self._bytes = 0

    def add(self, unit: AccessUnit) -> None:
        """Take one unit; forget the groups before the one that is needed, and whatever is too large.

        Afterwards the ring reaches back over `keep_s` to a key picture, or as far as its bytes allow.
        """
        if unit.key:
            self._groups.append([])
        if not self._groups:
            return
        self._groups[-1].append(unit)
        self._bytes += len(unit.data)
        while self._groups and (self._bytes > self._most_bytes or self._is_past(unit.at_s - self._keep_s)):
            self._bytes -= sum(len(old.data) for old in self._groups.popleft())

    def since(self, at_s: float) -> list[AccessUnit]:
        """Return the units from the key picture at or before `at_s`, or all where none is that old."""
        first = 0
        for index, group in enumerate(self._groups):
            if group[0].at_s <= at_s:
                first = index
        return list(chain.from_iterable(list(self._groups)[first:]))

    @property
    def bytes(self) -> int:
        """How much is held."""
        return self._bytes

    def clear(self) -> None:
        """Forget everything."""
        self._groups.clear()
        self._bytes = 0

    def _is_past(self, wanted_s: float) -> bool:
        """Tell whether the second group begins early enough for what is wanted."""
        return len(self._groups) > 1 and self._groups[1][0].at_s <= wanted_s
