"""How the board and the parts of the gate were, over HTTP, as types."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from api.history import MOST_DAYS
from api.schemas import Outgoing, Utc

Days = Annotated[int, Field(ge=1, le=MOST_DAYS)]
Points = list[float | None]


class BoardBody(Outgoing):
    """The board now, as its kernel says. `load`: of the last minute for each processor; 1 is all of them busy."""

    temperature_c: float | None = None
    load: float | None = None
    uptime_s: float | None = None
    memory_free_bytes: float | None = None
    memory_bytes: float | None = None
    state_free_bytes: float | None = None
    state_bytes: float | None = None
    media_free_bytes: float | None = None
    media_bytes: float | None = None


class SeriesBody(Outgoing):
    """A column for each figure, null where nothing is known.

    Highest `temperature_c` and `waiting` (facts that the broker did not have), least free bytes, mean `load`. `…_ok` is
    the share of the time in which a part was well, 0 to 1. `open_s`, `close_s`: learned travel times; `cycles`: how
    often the gate had opened.
    """

    temperature_c: Points
    load: Points
    memory_free_bytes: Points
    state_free_bytes: Points
    media_free_bytes: Points
    gate_ok: Points
    camera_ok: Points
    broker_ok: Points
    beam_ok: Points
    clock_ok: Points
    waiting: Points
    open_s: Points
    close_s: Points
    cycles: Points


class HealthHistoryBody(Outgoing):
    """How all was: the first point of each column begins at `since`, the next `step_s` later."""

    at: Utc
    since: Utc
    step_s: int
    now: BoardBody
    series: SeriesBody
