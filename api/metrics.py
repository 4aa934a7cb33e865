"""The gate in the format that Prometheus reads (docs/operations.md, "Monitoring").

- What the gate says is told only while it answers: with `antt_gate_up 0` every other figure of it is left out, because
  an old one would look like a true one. What nobody knows (a level, a position) is left out as well.
- No names of people, no addresses, no secrets.
- States are told as one gauge for each word, 1 for the one that holds, so that a change of words breaks no query.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.metrics_core import CounterMetricFamily, GaugeMetricFamily, InfoMetricFamily, Metric
from prometheus_client.process_collector import ProcessCollector
from prometheus_client.registry import Collector

from api.counting import Counts
from gate.model import Alarm, Health, Json, JsonObject, Mode, State

CAMERA = {
    "frame_age_ms": ("frame_age_seconds", "Time since the last picture came.", 0.001),
    "detect_ms": ("search_seconds", "Processor time for one searched picture.", 0.001),
    "viewers": ("viewers", "Who watches the live picture.", 1.0),
}
CAMERA_TOTALS = {
    "frames": ("frames", "Pictures since the process began."),
    "events": ("events", "Motion events since the process began."),
    "dropped": ("dropped_units", "Access units that the disk was too slow for."),
}


class Gathered(Collector):
    """Everything at the moment of one scrape. `snapshot` is None while the gate does not answer."""

    def __init__(  # noqa: PLR0913 - one picture of the whole
        self,
        *,
        snapshot: JsonObject | None,
        version: str,
        last_seq: int,
        streams: Mapping[str, int],
        free_bytes: Mapping[str, int],
        certificate_ends_s: float | None,
    ) -> None:
        self._snapshot = snapshot
        self._version = version
        self._last_seq = last_seq
        self._streams = streams
        self._free_bytes = free_bytes
        self._certificate_ends_s = certificate_ends_s

    def collect(self) -> Iterable[Metric]:
        """Return all of it."""
        yield _gauge("up", "1 while the gate process answers.", self._snapshot is not None)
        yield _by("streams", "Lasting connections of pages.", "kind", self._streams)
        yield _by("storage_free_bytes", "Free space where a folder is.", "folder", self._free_bytes)
        if self._certificate_ends_s is not None:
            text = "When the page's certificate ends, in seconds since 1970."
            yield _gauge("certificate_expiry_timestamp_seconds", text, self._certificate_ends_s)
        if self._snapshot is None:
            return
        yield _counter("journal_facts", "Facts in the journal: the number of the newest.", self._last_seq)
        yield from _of_the_gate(self._snapshot, self._version)
        yield from _of_processes(_object(self._snapshot.get("processes")))


def exposition(gathered: Gathered, counts: Counts) -> bytes:
    """Return the whole text, version 0.0.4 of the format."""
    now = CollectorRegistry()
    now.register(gathered)
    ProcessCollector(registry=now)
    return generate_latest(now) + generate_latest(counts.registry)


def free_bytes(folders: Mapping[str, Path]) -> dict[str, int]:
    """Return what is free where each folder is, or will be, without those that can't be asked. May wait for a disk."""
    found = {}
    for name, path in folders.items():
        there = next((folder for folder in (path, *path.parents) if folder.exists()), path)
        try:
            disk = os.statvfs(there)
        except OSError:
            continue
        found[name] = disk.f_bavail * disk.f_frsize
    return found


def _of_the_gate(snapshot: JsonObject, version: str) -> Iterator[Metric]:
    about = InfoMetricFamily("antt_gate", "Which gate this is.")
    simulated = str(bool(snapshot.get("simulated"))).lower()
    about.add_metric([], {"gate_id": str(snapshot.get("gate_id")), "version": version, "simulated": simulated})
    yield about
    yield _one_of("state", "Where the leaf is, as far as sensors prove it.", State, snapshot.get("state"))
    yield _one_of("mode", "What was asked beyond one move.", Mode, snapshot.get("mode"))
    yield _one_of("health", "Whether the gate may be moved.", Health, snapshot.get("health"))
    yield from _known("position_ratio", "0 at the closed limit, 1 at the open one.", snapshot.get("position"))
    yield from _known("evidence_age_seconds", "Age of what proves the state.", snapshot.get("evidence_age_ms"), 0.001)
    cycles = _number(snapshot.get("cycles"))
    if cycles is not None:
        yield _counter("cycles", "How often the gate has closed, as its limit proved.", cycles)
    yield _gauge("clock_trusted", "1 while the wall clock is believed.", snapshot.get("clock_trusted") is True)
    reasons = snapshot.get("reasons")
    yield _by("reason", "What keeps the health from being ok.", "reason", {str(one): 1 for one in _list(reasons)})
    standing = [str(_object(alarm).get("alarm")) for alarm in _list(snapshot.get("alarms"))]
    yield _by("alarms", "Alarms that nobody acknowledged.", "alarm", {one: standing.count(one) for one in Alarm})
    yield _by("input", "Sensors that are active.", "sensor", _levels(snapshot.get("inputs")))
    yield _by("output", "Lines that are on.", "line", _levels(snapshot.get("outputs")))


def _of_processes(processes: JsonObject) -> Iterator[Metric]:
    known = {name: _object(about) for name, about in processes.items()}
    running = {name: about for name, about in known.items() if not about.get("off")}
    alive = {name: int(about.get("alive") is True) for name, about in running.items()}
    yield _by("process_alive", "1 while a part of the program is alive.", "process", alive)
    well = {name: int(_object(about.get("health")).get("ok") is not False) for name, about in running.items()}
    yield _by("process_healthy", "1 while a part says that it is well.", "process", well)
    text = "How often a part was started again."
    again = CounterMetricFamily("antt_gate_process_restarts", text, labels=("process",))
    for name, about in running.items():
        again.add_metric([name], _number(about.get("restarts")) or 0)
    yield again
    if alive.get("camera"):
        yield from _of_the_camera(_object(known["camera"].get("health")))
    if alive.get("mqtt_bridge"):
        health = _object(known["mqtt_bridge"].get("health"))
        yield _gauge("broker_connected", "1 while the broker answers.", health.get("connected") is True)
        yield from _known("broker_waiting_facts", "Facts that the broker has not acknowledged.", health.get("waiting"))


def _of_the_camera(health: JsonObject) -> Iterator[Metric]:
    for key, (name, text, unit) in CAMERA.items():
        yield from _known(f"camera_{name}", text, health.get(key), unit)
    for key, (name, text) in CAMERA_TOTALS.items():
        value = _number(health.get(key))
        if value is not None:
            yield _counter(f"camera_{name}", text, value)
    if health.get("sight") is not None:
        yield _gauge("camera_believed", "1 while the picture can be believed.", health.get("sight") == "")


def _gauge(name: str, text: str, value: float) -> Metric:
    return GaugeMetricFamily(f"antt_gate_{name}", text, value=float(value))


def _counter(name: str, text: str, value: float) -> Metric:
    return CounterMetricFamily(f"antt_gate_{name}", text, value=float(value))


def _by(name: str, text: str, label: str, values: Mapping[str, float]) -> Metric:
    family = GaugeMetricFamily(f"antt_gate_{name}", text, labels=(label,))
    for word, value in values.items():
        family.add_metric([word], float(value))
    return family


def _one_of(name: str, text: str, words: Iterable[str], now: Json) -> Metric:
    return _by(name, text, name, {str(word): int(word == now) for word in words})


def _known(name: str, text: str, value: Json, unit: float = 1.0) -> Iterator[Metric]:
    number = _number(value)
    if number is not None:
        yield _gauge(name, text, number * unit)


def _levels(value: Json) -> dict[str, int]:
    return {name: int(level) for name, level in _object(value).items() if isinstance(level, bool)}


def _number(value: Json) -> float | None:
    return float(value) if isinstance(value, int | float) and not isinstance(value, bool) else None


def _object(value: Json) -> JsonObject:
    return value if isinstance(value, dict) else {}


def _list(value: Json) -> list[Json]:
    return value if isinstance(value, list) else []
