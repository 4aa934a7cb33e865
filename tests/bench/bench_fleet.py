"""What one mosquitto with the shipped configuration carries: 200 gates over TLS, and what its restart does to them.

Gates, broker and receiver share this machine, so the figures are of all three together. docs/fleet.md reads them.
"""

from __future__ import annotations

import contextlib
import json
import os
import tempfile
import time
from collections.abc import Callable, Mapping
from itertools import pairwise
from pathlib import Path

from tests.bench.bench_processes import BROKEN
from tests.bench.figures import quantiles
from tests.district import RECEIVER, District
from tests.fakes import wait_until
from tests.fleet import Ear, Fleet, busiest, per_second

GATES = 200
PROCESSES = 4
PAST = 250
LIVE_S = 15.0
SETTLE_S = 8.0
AWAY_S = 30.0
REST_S = 90.0
BACK_WITHIN_S = 30.0
PER_GATE = 1.0
FAILED_HANDSHAKE = "Client connection from"  # as mosquitto 2.0 words it


def measure() -> Mapping[str, object]:
    """Connect all, drain their past, live a while, restart the broker at once, then after an absence."""
    names = [f"gate-{number:03}" for number in range(GATES)]
    with tempfile.TemporaryDirectory(prefix="antt-fleet-") as name:
        folder = Path(name)
        with District(folder / "broker", [*names, RECEIVER]) as district, Ear(district) as ear:
            table: dict[str, object] = {"fleet_gates": GATES, "fleet_broker_empty_mb": memory_mb(district.pid)}
            with Fleet(district, folder / "gates", names, processes=PROCESSES, past=PAST) as fleet:
                table |= _drain(district, fleet, ear)
                table |= _live(district, fleet, ear)
                table |= _restart(district, fleet, "restart", away_s=0.0)
                table |= _restart(district, fleet, f"away_{AWAY_S:.0f}_s", away_s=AWAY_S)
                table |= _everything(fleet, ear)
    return table


def memory_mb(pid: int, key: str = "VmRSS") -> float:
    """Return what a process holds in memory, in MB; `VmHWM`: the most that it held."""
    for line in Path(f"/proc/{pid}/status").read_text(encoding="ascii").splitlines():
        if line.startswith(f"{key}:"):
            return round(int(line.split()[1]) / 1024, 1)
    return 0.0


def cpu_s(pid: int) -> float:
    """Return the processor time that a process has used."""
    fields = Path(f"/proc/{pid}/stat").read_text(encoding="ascii").rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def _drain(district: District, fleet: Fleet, ear: Ear) -> Mapping[str, object]:
    before_s, began_s = cpu_s(district.pid), time.monotonic()
    fleet.go()
    wait_until(lambda: ear.count >= GATES * PAST, 300, "the drain of all gates")
    took_s = ear.last_s - began_s
    return {
        "fleet_first_connect_s": round(max(fleet.connections(began_s)), 1),
        "fleet_drain_facts_per_s": round(GATES * PAST / took_s),
        "fleet_drain_broker_cpu_percent": round(100 * (cpu_s(district.pid) - before_s) / took_s, 1),
        "fleet_drain_broker_mb": memory_mb(district.pid),
    }


def _live(district: District, fleet: Fleet, ear: Ear) -> Mapping[str, object]:
    ear.forget_times()
    fleet.writes(PER_GATE)
    before_s, began_s, count = cpu_s(district.pid), time.monotonic(), ear.count
    time.sleep(LIVE_S)
    took_s = time.monotonic() - began_s
    return {
        "fleet_live_facts_per_s": round((ear.count - count) / took_s),
        **quantiles("fleet_fact_to_receiver", list(ear.took_ms)),
        "fleet_live_broker_cpu_percent": round(100 * (cpu_s(district.pid) - before_s) / took_s, 1),
        "fleet_live_broker_mb": memory_mb(district.pid),
    }


def _restart(district: District, fleet: Fleet, name: str, *, away_s: float) -> Mapping[str, object]:
    """Kill the broker while facts are written; see when everybody is back, and that the broker has one peak of work."""
    district.kill()
    time.sleep(away_s)
    failures = district.log().count(FAILED_HANDSHAKE)
    district.start()
    began_s, used_s = time.monotonic(), [cpu_s(district.pid)]
    while not fleet.all_came(began_s) or time.monotonic() - began_s < SETTLE_S:
        assert time.monotonic() - began_s < 2 * BACK_WITHIN_S, "not all gates came back"
        time.sleep(1.0)
        used_s.append(cpu_s(district.pid))
    came = fleet.connections(began_s)
    return {
        f"fleet_{name}_all_back_s": _bound(round(came[GATES - 1], 1), lambda found: found <= BACK_WITHIN_S),
        f"fleet_{name}_each_second": " ".join(map(str, per_second(came))),
        f"fleet_{name}_most_in_a_second": busiest(came),
        f"fleet_{name}_came_again": _bound(len(came) - GATES, lambda found: found == 0),
        # The one is this program's own, which looked whether the broker listens.
        f"fleet_{name}_failed_handshakes": district.log().count(FAILED_HANDSHAKE) - failures - 1,
        f"fleet_{name}_broker_cpu_percent_each_second": " ".join(
            f"{100 * (after - before):.0f}" for before, after in pairwise(used_s)
        ),
        f"fleet_{name}_broker_most_mb": memory_mb(district.pid, "VmHWM"),
    }


def _everything(fleet: Fleet, ear: Ear) -> Mapping[str, object]:
    """Let the gates rest, and see that all they ever wrote is there."""
    written = fleet.writes(0.0)
    with contextlib.suppress(AssertionError):
        wait_until(lambda: ear.count == written, REST_S, "the last facts")
    return {
        "fleet_facts_written": written,
        "fleet_facts_missing": _bound(written - ear.count, lambda facts: facts == 0),
        "fleet_facts_again": ear.repeated(),
    }


def _bound(value: float, holds: Callable[[float], bool]) -> object:
    return value if holds(value) else f"{value} {BROKEN}"


if __name__ == "__main__":
    print(json.dumps(measure(), indent=2))
