"""How fast the bridge drains a journal to a local mosquitto, and how soon a fact is at the receiver."""

from __future__ import annotations

import json
import tempfile
import time
from pathlib import Path

from gate.model import Kind
from tests.broker import Broker, Receiver
from tests.fakes import FakeGate, wait_until
from tests.mqtt_bridge.conftest import Running, Writer, settings_of

FACTS = 20_000
SINGLE = 200


def measure() -> dict[str, float]:
    """Return facts/s of a full drain (PUBACK, and with facts/ack), and the ms from writing one fact to its arrival."""
    with tempfile.TemporaryDirectory(prefix="antt-bench-") as name:
        folder = Path(name)
        journal = Writer(folder / "journal.db")
        for _ in range(FACTS // 1000):
            journal.write(1000, size=120)
        journal.close()
        return {
            "mqtt_drain_facts_per_s": _drain(folder, confirmed=False),
            "mqtt_drain_confirmed_facts_per_s": _drain(folder, confirmed=True),
            **_latency(folder / "live"),
        }


def _drain(folder: Path, *, confirmed: bool) -> float:
    for path in folder.glob("outbox.db*"):
        path.unlink()
    with Broker(folder / f"broker-{confirmed}") as broker, Receiver(broker, "sim", confirms=confirmed) as receiver:
        more = ["mqtt.require_ack=true"] if confirmed else []
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
    took_ms.sort()
    return {
        "mqtt_fact_to_receiver_p50_ms": round(took_ms[len(took_ms) // 2], 2),
        "mqtt_fact_to_receiver_p99_ms": round(took_ms[int(len(took_ms) * 0.99)], 2),
    }


if __name__ == "__main__":
    print(json.dumps(measure(), indent=2))
