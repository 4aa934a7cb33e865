"""Which events somebody looks for: by zone, direction, size, time of day and cause. Pure; no clock.

- What says zone, direction and size of a visit is its end (`motion_ended`): whoever asks for one of them is told of
  visits that are over. When the detector learns classes, they are one more field here.
- The size is that in the picture, so it tells a motorbike from a car only as far as both pass at the same distance.
- `texts` is a first sieve that the journal can use without reading JSON: what it lets through is looked at again.
"""

from __future__ import annotations

import datetime as dt
import json
from dataclasses import dataclass
from enum import StrEnum
from typing import Literal

from gate.model import Json, JsonObject

Direction = Literal["in", "out"]
Cause = Literal["motion", "move", "alarm"]


class Size(StrEnum):
    """How much of the picture the largest part of a visit covered: an animal, a person or motorbike, a car."""

    SMALL = "small"
    MEDIUM = "medium"
    LARGE = "large"


BEGINS_AT = {Size.SMALL: 0.0, Size.MEDIUM: 0.02, Size.LARGE: 0.06}


def size_of(peak_area: Json) -> Size | None:
    """Return the size of what covered that fraction of the picture, None where it is not known."""
    if not isinstance(peak_area, int | float):
        return None
    return max((size for size in Size if peak_area >= BEGINS_AT[size]), key=lambda size: BEGINS_AT[size], default=None)


@dataclass(frozen=True, kw_only=True, slots=True)
class Hours:
    """A time of day at the site, from `begins` to before `ends`; past midnight where `ends` is not later."""

    begins: dt.time
    ends: dt.time
    zone: dt.tzinfo

    def hold(self, at: str) -> bool:
        """Tell whether a moment, as the journal writes it, is within them; what is no moment is not."""
        try:
            clock = dt.datetime.fromisoformat(at).astimezone(self.zone).time()
        except (ValueError, OverflowError):
            return False
        if self.begins < self.ends:
            return self.begins <= clock < self.ends
        return clock >= self.begins or clock < self.ends


@dataclass(frozen=True, kw_only=True, slots=True)
class Sieve:
    """What is looked for; None lets everything through."""

    zone: str | None = None
    direction: Direction | None = None
    size: Size | None = None
    hours: Hours | None = None
    cause: Cause | None = None

    @property
    def asks_for_the_end(self) -> bool:
        """Tell whether only the end of a visit can say that it is looked for."""
        return self.zone is not None or self.direction is not None or self.size is not None

    @property
    def texts(self) -> tuple[str, ...]:
        """Return what the data of such an end must hold, as the journal writes it."""
        zone = () if self.zone is None else (json.dumps(self.zone, ensure_ascii=False),)
        return zone if self.direction is None else (*zone, f'"direction":"{self.direction}"')

    def passes_end(self, ended: JsonObject) -> bool:
        """Tell whether a visit with this end (the data of `motion_ended`) is looked for, its time apart."""
        if self.zone is not None and self.zone not in _list(ended.get("zones")):
            return False
        if self.size is not None and size_of(ended.get("peak_area")) is not self.size:
            return False
        ways = [one.get("direction") for one in _list(ended.get("crossings")) if isinstance(one, dict)]
        return self.direction is None or self.direction in ways

    def passes(self, cause: str, started_at: str, ended: JsonObject | None) -> bool:
        """Tell whether an event is looked for."""
        if self.cause is not None and cause != self.cause:
            return False
        if self.asks_for_the_end and (ended is None or not self.passes_end(ended)):
            return False
        return self.hours is None or self.hours.hold(started_at)


def _list(value: Json) -> list[Json]:
    return list(value) if isinstance(value, list) else []
