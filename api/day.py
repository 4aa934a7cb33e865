"""A day at a glance: what happened when, counted, so that the page can draw it whole and jump into it.

Wrong sign-ins are told as runs: somebody who guesses all night makes thousands of them, and they are one thing.
"""

from __future__ import annotations

import datetime as dt
import math
from collections.abc import Iterable

from api import diary
from config.schema import Settings
from gate.journal import JournalReader, Tally
from gate.model import Json, JsonObject, Kind

STEP_S = 600
FAILED = Kind.USER_SIGN_IN_FAILED.value
ROWS: dict[str, tuple[str, ...]] = {
    "motion": (Kind.MOTION_STARTED.value,),
    "moves": (Kind.DRIVE_ENERGISED.value,),
    "alarms": (Kind.ALARM_RAISED.value, Kind.OBSTRUCTED.value, Kind.REVERSED.value),
}


def day_of(reader: JournalReader, day: dt.date, settings: Settings) -> JsonObject:
    """Return a day as the page gets it. Raises `JournalError`."""
    since, until = diary.span_of_day(day, settings.site.timezone)
    lasts_s = (dt.datetime.fromisoformat(until) - dt.datetime.fromisoformat(since)).total_seconds()
    kinds = [kind for kinds in ROWS.values() for kind in kinds]
    found = reader.tally(kinds=[*kinds, FAILED], since=since, until=until, step_s=STEP_S, naming=[FAILED])
    counts: dict[str, list[Json]] = {row: [0] * math.ceil(lasts_s / STEP_S) for row in ROWS}
    for tally in found:
        for row, kinds_of_row in ROWS.items():
            if tally.kind in kinds_of_row:
                counts[row][tally.step] = _count(counts[row][tally.step]) + tally.count
    camera = settings.camera
    return {
        "day": day.isoformat(), "since": since, "until": until, "step_s": STEP_S, **counts,
        "failed_sign_ins": [*runs(tally for tally in found if tally.kind == FAILED)],
        "zones": [zone.name for zone in camera.zones if zone.kind != "ignore"],
        "lines": [line.name for line in camera.lines],
    }  # fmt: skip


def runs(failed: Iterable[Tally]) -> list[JsonObject]:
    """Return wrong sign-ins as runs, oldest first: those of neighbouring steps belong together."""
    found: list[list[Tally]] = []
    for tally in failed:
        if found and tally.step - found[-1][-1].step <= 1:
            found[-1].append(tally)
        else:
            found.append([tally])
    return [
        {
            "first_at": run[0].first_at, "last_at": run[-1].last_at, "count": sum(tally.count for tally in run),
            "names": sorted({name for tally in run for name in tally.names}),
        }
        for run in found
    ]  # fmt: skip


def _count(value: Json) -> int:
    return value if isinstance(value, int) else 0
