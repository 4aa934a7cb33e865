"""How soon a command that comes over the broker is at the relay, and what becomes of a hundred thousand that must not.

The time is from the call that publishes, through a real mosquitto, to the level on the relay's mock pin. Three gates:
one at the broker itself, one behind a road that adds 150 ms each way and holds 2 % of the pieces for 400 ms, and one
that tells the broker 200 old facts a second meanwhile. A virtual machine's cores can be taken away by its host: what
was measured while that did not happen is also given by itself.
"""

from __future__ import annotations

import json
import multiprocessing
import sys
import tempfile
import time
from pathlib import Path

from tests.bench.bench_processes import BROKEN, Figures, held
from tests.bench.figures import quantiles
from tests.broker import Receiver
from tests.mqtt_bridge.conftest import Writer
from tests.mqtt_bridge.firing_range import SHOTS, fire_many
from tests.mqtt_bridge.gunner import Gunner
from tests.mqtt_bridge.shots import GATE
from tests.program.reaction import Reaction
from tests.program.under_fire import Remote, Siege, gate_at_a_broker

PAIRS = 200
SLOW_PAIRS = 100
SIEGE = 3000
REPLAY_PER_S = 200
OLD_FACTS = 60_000
OLD_AFTER_S = 31.0
NEAR_MS, FAR_MS = 10.0, 1200.0


def near(pairs: int = PAIRS, siege: int = SIEGE) -> Figures:
    """Return how soon a gate beside its broker follows, and what it makes of a siege."""
    with (
        tempfile.TemporaryDirectory(prefix="antt-bench-") as name,
        gate_at_a_broker(Path(name)) as (program, broker),
        Gunner(broker.port) as gunner,
    ):
        gunner.sees_online()
        figures = _summed("command", _measured(Remote(program, gunner), pairs), NEAR_MS)
        before = [program.changes(relay) for relay in ("open_relay", "close_relay")]
        attack = Siege(program, gunner, seed=1)
        attack.fire(siege)
        attack.close()
        moved = before != [program.changes(relay) for relay in ("open_relay", "close_relay")]
    verdict = BROKEN if attack.barrage.wrong or moved else "held"
    return {**figures, "siege_over_the_broker": f"{attack.barrage}, the gate did not move: {verdict}"}


def far(pairs: int = SLOW_PAIRS) -> Figures:
    """Return how soon a gate at the end of a bad road follows."""
    with (
        tempfile.TemporaryDirectory(prefix="antt-bench-") as name,
        gate_at_a_broker(Path(name), slowly=True) as (program, broker),
        Gunner(broker.port) as gunner,
    ):
        gunner.sees_online()
        return _summed("command_over_a_bad_road", _measured(Remote(program, gunner), pairs), FAR_MS)


def under_replay(pairs: int = PAIRS) -> Figures:
    """Return how soon a gate follows that has much of the past to tell."""
    with tempfile.TemporaryDirectory(prefix="antt-bench-") as name:
        folder = Path(name)
        journal = Writer(folder / "journal.db")
        for _ in range(OLD_FACTS // 1000):
            journal.write(1000, size=120)
        journal.close()
        time.sleep(OLD_AFTER_S)  # only then it is history
        with (
            gate_at_a_broker(folder, f"mqtt.history_per_s={REPLAY_PER_S}") as (program, broker),
            Receiver(broker, GATE) as receiver,
            Gunner(broker.port) as gunner,
        ):
            gunner.sees_online()
            came, began_s = len(receiver.facts), time.monotonic()
            found = _measured(Remote(program, gunner), pairs)
            per_s = (len(receiver.facts) - came) / (time.monotonic() - began_s)
    return {"replay_facts_per_s": round(per_s), **_summed("command_under_replay", found, NEAR_MS)}


def _measured(remote: Remote, pairs: int) -> list[Reaction]:
    try:
        return list(remote.opens_and_stops(pairs))
    finally:
        remote.close()


def _summed(name: str, found: list[Reaction], bound_ms: float) -> Figures:
    figures: Figures = {}
    for cause in ("energised", "released"):
        every = quantiles(f"{name}_to_{cause}", [one.took_ms for one in found if one.cause == cause])
        calm = [one.took_ms for one in found if one.cause == cause and one.stolen_ms == 0]
        figures |= {**every, **quantiles(f"{name}_to_{cause}_while_nothing_was_stolen", calm)}
        figures |= held(f"{name}_to_{cause}_p99", every[f"{name}_to_{cause}_p99_ms"], bound_ms)
    return figures


def fuzzed(shots: int = SHOTS) -> Figures:
    """Return what became of a hundred thousand messages on the firing range."""
    began_s = time.monotonic()
    tally, wrong = fire_many(shots, multiprocessing.cpu_count())
    faults: Figures = {f"command_{number}": f"{BROKEN}: {told}" for number, told in enumerate(wrong)}
    return {"commands_fired": f"{tally} [{time.monotonic() - began_s:.0f} s]", **faults}


def measure() -> Figures:
    """Return all figures of commands from afar."""
    return {**near(), **far(), **under_replay(), **fuzzed()}


if __name__ == "__main__":
    parts = {"near": near, "far": far, "under_replay": under_replay, "fuzzed": fuzzed}
    print(json.dumps([parts[part]() for part in sys.argv[1:]] or measure(), indent=2))
