"""How fast the bridge drains a journal to a local mosquitto, and how soon what happens now is at the receiver."""

from __future__ import annotations

import json
import tempfile
import time
from contextlib import closing
from pathlib import Path

from gate.model import Kind
from tests.bench.figures import quantiles
from tests.broker import Broker, Receiver
from tests.fakes import FakeGate, wait_until
from tests.mqtt_bridge.cable import Cable
from tests.mqtt_bridge.conftest import Running, Writer, settings_of

FACTS = 20_000
SINGLE = 200
THIN_BYTES_PER_S = 125_000.0
STATUSES = 20
UNLIMITED = "mqtt.history_per_s=100000"
ACKNOWLEDGED = "mqtt.require_ack=true"
HISTORY_AFTER_S = 31.0


def measure() -> dict[str, float]:
    """Return facts/s of a full drain, and the ms until a fact, or a status beside history, is at the receiver."""
    with tempfile.TemporaryDirectory(prefix="antt-bench-") as name:
        folder = Path(name)
        journal = Writer(folder / "journal.db")
        for _ in range(FACTS // 1000):
            journal.write(1000, size=120)
        journal.close()
        written_s = time.monotonic()
        quick = {
            "mqtt_drain_unlimited_facts_per_s": _drain(folder, UNLIMITED),
            "mqtt_drain_unlimited_confirmed_facts_per_s": _drain(folder, UNLIMITED, ACKNOWLEDGED),
            **_latency(folder / "live"),
            **_beside_history(folder / "thin"),
        }
        time.sleep(max(0.0, written_s + HISTORY_AFTER_S - time.monotonic()))  # only history is sent at a rate
        return {"mqtt_drain_facts_per_s": _drain(folder), **quick}


def _drain(folder: Path, *more: str) -> float:
    for path in folder.glob("outbox.db*"):
        path.unlink()
    confirms = ACKNOWLEDGED in more
    with Broker(folder / f"broker-{len(more)}") as broker, Receiver(broker, "sim", confirms=confirms) as receiver:
        began = time.monotonic()
        with Running(settings_of(folder, broker.port, *more)) as bridge:
            wait_until(lambda: bridge.health["upto"] == FACTS and len(receiver.facts) >= FACTS, 120, "the drain")
            took_s = time.monotonic() - began
    return round(FACTS / took_s)


def _latency(folder: Path) -> dict[str, float]:
    folder.mkdir()
    took_ms: list[float] = []
    with (
        FakeGate(folder) as gate,
        Broker(folder / "broker") as broker,
        Receiver(broker, "sim") as receiver,
        Running(settings_of(folder, broker.port)) as bridge,
    ):
        bridge.waits_for(ok=True, waiting=0)
        for n in range(SINGLE):
            began = time.monotonic()
            seen = len(receiver.batches)
            gate.write(Kind.ARRIVED, {"n": n})
            while len(receiver.batches) == seen:
                time.sleep(0.0002)
            took_ms.append((time.monotonic() - began) * 1000)
    return quantiles("mqtt_fact_to_receiver", took_ms)


def _beside_history(folder: Path) -> dict[str, float]:
    """Return how late a status is on a line of 1 Mbit/s that is busy with history."""
    folder.mkdir()
    took_ms: list[float] = []
    with FakeGate(folder) as gate, Broker(folder / "broker") as broker, Receiver(broker, "sim") as receiver:
        for n in range(FACTS // 4):
            gate.write(Kind.CLOCK_CHANGED, {"n": n, "text": "x" * 200})
        with (
            closing(Cable(broker.port, bytes_per_s=THIN_BYTES_PER_S)) as thin,
            Running(settings_of(folder, thin.port)) as bridge,
        ):
            bridge.waits_for(connected=True)
            for n in range(STATUSES):
                time.sleep(0.5)
                began = time.monotonic()
                gate.say_state(evidence_age_ms=n)
                wait_until(lambda n=n: receiver.statuses[-1].get("evidence_age_ms") == n)  # type: ignore[misc] # bound now
                took_ms.append((time.monotonic() - began) * 1000)
            assert receiver.rows < FACTS // 4, "the line was busy all the time"
    return quantiles("mqtt_status_beside_history_at_1_mbit_s", took_ms)


if __name__ == "__main__":
    print(json.dumps(measure(), indent=2))
