"""What the rules know, in the words of the contract: the part of `GET /gate` that comes from the rules."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from gate import machine, travel
from gate.books import ms
from gate.memory import Gate
from gate.model import Direction, Evidence, JsonObject, Sensor, State
from gate.site import Site

POSITION = {State.CLOSED: 0.0, State.OPEN: 1.0}


def snapshot(
    gate: Gate, site: Site, shown: Mapping[str, bool], now_s: float, utc: Callable[[float], str]
) -> JsonObject:
    """Return it as JSON data. `shown`: what the output pins really are; `utc` turns a monotonic moment into text."""
    standing, seen_s = gate.standing, gate.seen_s
    if seen_s is None or gate.evidence is Evidence.NONE:
        seen_s = gate.shown.since_s
    return {
        "state": gate.state,
        "evidence": gate.evidence,
        "evidence_age_ms": max(0, round((now_s - seen_s) * 1000)),
        "target": gate.target,
        "position": POSITION.get(gate.state),
        "mode": gate.mode,
        "mode_until": utc(standing.until_s) if standing.until_s is not None and not standing.overlay else None,
        "mode_by": standing.by.plain() if standing.by and not standing.overlay else None,
        "health": gate.health,
        "reasons": list(gate.troubles),
        "inputs": _inputs(gate, site),
        "outputs": dict(shown),
        "at_mono_ms": ms(now_s),
        "since": utc(gate.shown.since_s),
        "by": gate.shown.by.plain() if gate.shown.by else None,
        "warning_until_mono_ms": ms(machine.warning_ends(gate)),
        "alarms": _alarms(gate, utc),
        "closing": _closing(gate),
        "cycles": gate.learned.cycles,
        "travel_s": {"open": travel.usual_s(gate.learned.open_s), "close": travel.usual_s(gate.learned.close_s)},
    }


def _inputs(gate: Gate, site: Site) -> JsonObject:
    """Return every wired sensor as the newest sample had it, None while no sample is known."""
    raw = gate.senses.raw
    return {sensor.value: None if raw is None else sensor in raw for sensor in Sensor if sensor in site.sensors}


def _alarms(gate: Gate, utc: Callable[[float], str]) -> list[JsonObject]:
    return [
        {
            "alarm": raised.alarm,
            "id": raised.id,
            "since": utc(raised.raised_s),
            "reminders": raised.reminders,
            "data": dict(raised.data),
        }
        for raised in gate.watch.alarms
    ]


def _closing(gate: Gate) -> JsonObject | None:
    """Return what will close the gate by itself, and when; None where nothing will."""
    pending = gate.pending
    if pending is None or gate.target is not None or pending.direction is Direction.OPEN:
        return None
    return {"why": pending.why, "due_mono_ms": ms(pending.due_s)}
