"""`make bench`: measures a whole simulated gate on this machine, prints a table, writes bench-results.json.

Figures, not tests: machines are noisy, so things that are compared are compared in one run. Only what the rules of
safety promise has a bound; where a figure is beyond it, the run fails.
"""

from __future__ import annotations

import json
import platform
import sys
from collections.abc import Callable, Mapping
from pathlib import Path

from tests.bench import (
    bench_api,
    bench_camera,
    bench_campaign,
    bench_commands,
    bench_detection,
    bench_diary,
    bench_evidence,
    bench_fleet,
    bench_live,
    bench_mqtt,
    bench_officer,
    bench_page,
    bench_processes,
    bench_program,
    bench_recording,
    bench_sign_in,
    bench_storm,
    bench_trust,
)

BROKEN = bench_processes.BROKEN
RESULTS = Path("bench-results.json")
Table = Mapping[str, object]


def machine() -> Table:
    """Name the machine that the figures are of."""
    cpu = [
        line.split(":")[1].strip() for line in Path("/proc/cpuinfo").read_text().splitlines() if "model name" in line
    ]
    return {
        "python": platform.python_version(),
        "system": platform.platform(terse=True),
        "cpu": cpu[0] if cpu else platform.machine(),
        "cores": len(cpu),
    }


def show(title: str, table: Table) -> None:
    """Print one part of the results."""
    print(f"\n{title}")
    for name, value in table.items():
        print(f"  {name:<52} {value if not isinstance(value, float) else round(value, 3)}")


def main() -> int:
    """Run every part; one that fails is named and the rest goes on."""
    parts: dict[str, Callable[[], Table]] = {
        "whole program": bench_program.measure,
        "processes that die and hang, relays under load": bench_processes.measure,
        "the rules on a virtual clock": bench_campaign.measure,
        "detection": bench_detection.measure,
        "the camera process": bench_camera.measure,
        "trust and the gateway": bench_trust.measure,
        "recording": bench_recording.measure,
        "api": bench_api.measure,
        "a storm on the page": bench_storm.measure,
        "a sign-in under attack": bench_sign_in.measure,
        "evidence": bench_evidence.measure,
        "the diary": bench_diary.measure,
        "live picture": bench_live.measure,
        "what an officer sees": bench_officer.measure,
        "the page": bench_page.measure,
        "mqtt": bench_mqtt.measure,
        "commands from afar": bench_commands.measure,
        "fleet": bench_fleet.measure,
    }
    results: dict[str, Table] = {"machine": machine()}
    show("machine", results["machine"])
    for title, measure in parts.items():
        results[title] = measure()
        show(title, results[title])
    RESULTS.write_text(json.dumps(results, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
    print(f"\nwritten to {RESULTS}")
    broken = [name for table in results.values() for name, value in table.items() if BROKEN in str(value)]
    if broken:
        print(f"beyond its bound: {', '.join(broken)}")
    return 1 if broken else 0


if __name__ == "__main__":
    sys.exit(main())
