"""How the gate's board and parts were through the last days: from single looks to figures that can be drawn. Pure.

- A look holds what is known at one moment; what nobody knows (a part that is off, a missing sensor) is left out.
- `FOLDS` is the table of figures: how many looks become one. A temperature is told at its highest, room at its least, a
  share (`…_ok`, 0 to 1) by its mean, so that no short fault is lost between two points of a plot.
- Times are wall seconds. Nothing here trusts them to run forward.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

from gate.model import Alarm, Code, Json, JsonObject

SLOT_S = 600
MOST_DAYS = 30
MOST_POINTS = 200
STEPS_S = (600, 1800, 3600, 7200, 14_400)
LARGEST = 1e15  # of a figure that can be meant

Figures = Mapping[str, float]


def _mean(values: Sequence[float]) -> float:
    return math.fsum(values) / len(values)


def _last(values: Sequence[float]) -> float:
    return values[-1]


FOLDS: dict[str, Callable[[Sequence[float]], float]] = {
    "temperature_c": max,
    "load": _mean,
    "memory_free_bytes": min,
    "state_free_bytes": min,
    "media_free_bytes": min,
    "gate_ok": _mean,
    "camera_ok": _mean,
    "broker_ok": _mean,
    "beam_ok": _mean,
    "clock_ok": _mean,
    "waiting": max,
    "open_s": _last,
    "close_s": _last,
    "cycles": _last,
}
"""Every figure, in the order in which a sample is written. An addition goes to the end of a new format (ring.py)."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Sample:
    """What was known in the ten minutes that begin at `at_s`."""

    at_s: int
    figures: Figures


def slot_of(at_s: float) -> int:
    """Return when the ten minutes begin in which a moment lies."""
    return int(at_s // SLOT_S) * SLOT_S


def fold(looks: Iterable[Figures]) -> dict[str, float]:
    """Return several looks, or samples, as one. A figure that none of them knows is left out."""
    known = list(looks)
    values = {name: [look[name] for look in known if name in look] for name in FOLDS}
    return {name: FOLDS[name](found) for name, found in values.items() if found}


def step_s(days: int) -> int:
    """Return how far two points of a plot over so many days are apart: as near as `MOST_POINTS` allow."""
    return next(step for step in STEPS_S if days * 86_400 / step <= MOST_POINTS)


def series(samples: Iterable[Sample], begin_s: int, step: int, count: int) -> dict[str, list[Json]]:
    """Return a column for each figure: `count` points from `begin_s` on, null where nothing is known."""
    buckets: list[list[Figures]] = [[] for _ in range(count)]
    for sample in sorted(samples, key=lambda sample: sample.at_s):
        place = (sample.at_s - begin_s) // step
        if 0 <= place < count:
            buckets[place].append(sample.figures)
    folded = [fold(bucket) for bucket in buckets]
    return {name: [_short(point.get(name)) for point in folded] for name in FOLDS}


def of_snapshot(snapshot: JsonObject | None) -> dict[str, float]:
    """Return what a state of the gate says of its parts; only that it does not answer where there is none."""
    if snapshot is None:
        return {"gate_ok": 0.0}
    processes = _object(snapshot.get("processes"))
    broker, travel = _object(processes.get("mqtt_bridge")), _object(snapshot.get("travel_s"))
    told: dict[str, object] = {
        "gate_ok": _is_well(_object(processes.get("gate"))),
        "camera_ok": _is_well(_object(processes.get("camera"))),
        "broker_ok": _is_well(broker),
        "beam_ok": _beam_is_well(snapshot),
        "clock_ok": snapshot.get("clock_trusted") is True,
        "waiting": None if broker.get("off") else _object(broker.get("health")).get("waiting"),
        "open_s": travel.get("open"),
        "close_s": travel.get("close"),
        "cycles": snapshot.get("cycles"),
    }
    known = {name: value for name, value in told.items() if isinstance(value, int | float)}
    return {name: float(value) for name, value in known.items() if abs(value) < LARGEST}  # no NaN either


def _is_well(process: JsonObject) -> bool | None:
    """Tell whether a process is alive and content; None where the site has none."""
    if not process or process.get("off"):
        return None
    return process.get("alive") is True and _object(process.get("health")).get("ok") is not False


def _beam_is_well(snapshot: JsonObject) -> bool | None:
    """Tell whether the beam can be believed; that something stands in it is no fault."""
    inputs, reasons, alarms = _object(snapshot.get("inputs")), snapshot.get("reasons"), snapshot.get("alarms")
    if "beam" not in inputs:
        return None
    covered = any(_object(one).get("alarm") == Alarm.BEAM_TAMPER for one in _list(alarms))
    failed = any(code in _list(reasons) for code in (Code.BEAM_TEST, Code.SENSOR_STALE))
    return inputs["beam"] is not None and not covered and not failed


def _short(value: float | None) -> Json:
    """Return a figure with as many digits as a plot can show."""
    return None if value is None else round(value) if abs(value) >= 1000 else round(value, 3)  # noqa: PLR2004 - a digit


def _object(value: Json) -> JsonObject:
    return value if isinstance(value, dict) else {}


def _list(value: Json) -> list[Json]:
    return value if isinstance(value, list) else []
