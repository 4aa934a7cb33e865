"""What a timetable means, told as JSON: days, now, and what the gate does next. Pure.

The meaning itself is `gate.schedule`, which the gate process moves by. It is reckoned here because anybody who may look
may ask for it, as often as they like: that load must not reach the process that watches the beam.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable

from gate.model import Code, Health, Json, JsonObject, Mode, State
from gate.schedule import Boundary, Look, Stretch, Timetable, boundaries, day, observe

HOLDS_BACK = {
    Mode.HOLD_OPEN: Code.HELD_OPEN,
    Mode.LOCKDOWN: Code.LOCKED_DOWN,
    Mode.EMERGENCY_OPEN: Code.EMERGENCY,
    Mode.MAINTENANCE: Code.MAINTENANCE,
    Mode.RELEASED: Code.RELEASED,
}
"""Every mode but the normal one keeps the timetable from moving the gate."""
LOCKED = frozenset({Health.HARD_LOCK, Health.ESTOP})
SILENT = (Code.KEEPER_DOWN, Code.SENSOR_STALE)


def told_days(timetable: Timetable, dates: Iterable[dt.date]) -> list[Json]:
    """Return what is wanted through some local days, in the order in which they were asked for."""
    return [{"date": date.isoformat(), "stretches": [*map(_stretch, day(timetable, date))]} for date in dates]


def told_now(timetable: Timetable, utc: dt.datetime, snapshot: JsonObject) -> JsonObject:
    """Return what is wanted now, or that the timetable rests, by a gate as it says it is."""
    look = Look(utc=utc, trusted=bool(snapshot.get("clock_trusted")), mono_s=0.0)
    outlook = observe(timetable, look, None)
    wish = outlook.wish
    return {
        "wants": wish.wants, "exit_opens": outlook.plan.exit_opens, "period": wish.period,
        "until": _utc(wish.until) if wish.until else None, "paused": outlook.paused,
    }  # fmt: skip


def told_next(timetable: Timetable, utc: dt.datetime, snapshot: JsonObject) -> JsonObject | None:
    """Return when the gate is moved next and what would hold that back now; None where it is not within eight days."""
    found = next((boundary for boundary in boundaries(timetable, utc) if boundary.moves), None)
    if found is None:
        return None
    does = "open" if found.wish.wants is State.OPEN else "close"
    held_back_by: list[Json] = [*_held_back_by(found, snapshot)]
    return {"at": _utc(found.at), "does": does, "period": found.wish.period, "held_back_by": held_back_by}


def _held_back_by(boundary: Boundary, snapshot: JsonObject) -> Iterable[str]:
    if not snapshot.get("clock_trusted"):
        yield Code.CLOCK_UNTRUSTED
    mode, until = str(snapshot.get("mode")), snapshot.get("mode_until")
    if mode in HOLDS_BACK and not (isinstance(until, str) and until <= _utc(boundary.at)):
        yield HOLDS_BACK[Mode(mode)]
    health, reasons = str(snapshot.get("health")), snapshot.get("reasons")
    if health in LOCKED or (health == Health.SOFT_LOCK and boundary.wish.wants is State.CLOSED):
        yield health
    yield from (code for code in SILENT if isinstance(reasons, list) and code in reasons)
    if snapshot.get("state") == boundary.wish.wants:
        yield Code.ALREADY_THERE


def _stretch(stretch: Stretch) -> JsonObject:
    return {
        "start": stretch.start.isoformat(timespec="seconds"), "end": stretch.end.isoformat(timespec="seconds"),
        "wants": stretch.wish.wants, "exit_opens": stretch.wish.exit_opens, "period": stretch.wish.period,
    }  # fmt: skip


def _utc(moment: dt.datetime) -> str:
    return moment.astimezone(dt.UTC).strftime("%Y-%m-%dT%H:%M:%S.000Z")
