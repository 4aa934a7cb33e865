"""When the gate itself gives occasion for a clip: it moves, or raises an alarm. Pure: published states in, orders out.

A move lasts from the first state that says so to the first that doesn't, turning round included; while nothing is heard
of the gate it is not over. An alarm that was not there before lasts `ALARM_S`. What was there already when the first
state came is old: an alarm then is no occasion, a move is.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TypeAlias

from camera.messages import Begin, Cause, End

MOVING = frozenset({"opening", "closing"})
ALARM_S = 20.0

Json: TypeAlias = Mapping[str, object]


class Occasions:
    """Remembers the last state. `new_id` makes the ids of what begins."""

    def __init__(self, new_id: Callable[[], str]) -> None:
        self._new_id = new_id
        self._move: str | None = None
        self._alarms: frozenset[str] | None = None

    def heard(self, state: Json, at_s: float, wall_s: float) -> list[Begin | End]:
        """Return what a published state begins and ends, at `at_s` on the stream's clock and `wall_s` Unix time."""
        return [*self._moves(state, at_s, wall_s), *self._alarmed(state, at_s, wall_s)]

    def _moves(self, state: Json, at_s: float, wall_s: float) -> list[Begin | End]:
        word = state.get("state")
        moves = isinstance(word, str) and word in MOVING
        if moves and self._move is None:
            begin = self._begin("move", at_s, wall_s)
            self._move = begin.event_id
            return [begin]
        if not moves and self._move is not None:
            ended, self._move = self._move, None
            return [End(event_id=ended, at_s=at_s)]
        return []

    def _alarmed(self, state: Json, at_s: float, wall_s: float) -> list[Begin | End]:
        told = state.get("alarms")
        if not isinstance(told, list):
            return []
        standing = frozenset(str(alarm.get("id")) for alarm in told if isinstance(alarm, Mapping))
        fresh = frozenset() if self._alarms is None else standing - self._alarms
        self._alarms = standing
        if not fresh:
            return []
        begin = self._begin("alarm", at_s, wall_s)  # several at once are one occasion
        return [begin, End(event_id=begin.event_id, at_s=at_s + ALARM_S)]

    def _begin(self, cause: Cause, at_s: float, wall_s: float) -> Begin:
        return Begin(event_id=self._new_id(), at_s=at_s, wall_s=wall_s, cause=cause)
