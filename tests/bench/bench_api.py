"""How soon a POST is accepted, a change is at a phone, a request is answered, and the process is up and down again."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx

from config.load import SIMULATE_FILE
from gate.client import new_id
from tests.fakes import FakeGate, wait_until

ROOT = Path(__file__).parents[2]
COMMANDS = 200
CHANGES = 100
REQUESTS = 500
API = "/api/v1"


@dataclass(frozen=True, kw_only=True)
class Running:
    """A served page: where, the process, how long it took to come up, and a code that signs in."""

    base: str
    child: subprocess.Popen[str]
    up_s: float
    code: str


@contextmanager
def served(state_dir: Path) -> Iterator[Running]:
    """Start `python -m api` on a free port as the supervisor does."""
    words = [sys.executable, "-m", "api", "--config", str(SIMULATE_FILE), "--set", f"storage.state_dir={state_dir}"]
    began = time.monotonic()
    child = subprocess.Popen(
        [*words, "--set", "api.port=0"], cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )  # fmt: skip
    with child:
        assert child.stdout
        _, _, link = child.stdout.readline().strip().rpartition(" ")
        base, _, code = link.partition("/#pair=")
        assert httpx.get(f"{base}/healthz").status_code == 200
        yield Running(base=base, child=child, up_s=time.monotonic() - began, code=code)
        if child.poll() is None:
            child.kill()


def quantiles(name: str, took_ms: Sequence[float]) -> dict[str, float]:
    """Return p50, p99 and the worst."""
    ordered = sorted(took_ms)
    figures = {"p50": ordered[len(ordered) // 2], "p99": ordered[int(len(ordered) * 0.99)], "max": ordered[-1]}
    return {f"{name}_{which}_ms": round(figure, 2) for which, figure in figures.items()}


def measure_commands(client: httpx.Client, count: int = COMMANDS) -> dict[str, float]:
    """Return the ms from a POST to its 202, for stop: it has no pace to keep."""
    took_ms = []
    for _ in range(count):
        began = time.monotonic()
        headers = {"Idempotency-Key": new_id()}
        answer = client.post(f"{API}/gate/commands", json={"command": "stop"}, headers=headers)
        took_ms.append((time.monotonic() - began) * 1000)
        assert answer.status_code == httpx.codes.ACCEPTED, answer.text
    return quantiles("api_post_to_accepted", took_ms)


def measure_requests(client: httpx.Client, count: int = REQUESTS) -> dict[str, float]:
    """Return how many GET /gate one connection gets answered in a second."""
    began = time.monotonic()
    for _ in range(count):
        assert client.get(f"{API}/gate").status_code == httpx.codes.OK
    return {"api_get_gate_per_s": round(count / (time.monotonic() - began))}


def measure_changes(client: httpx.Client, gate: FakeGate, count: int = CHANGES) -> dict[str, float]:
    """Return the ms from a change of state in the gate process to its line at a listening page."""
    heard: dict[int, float] = {}

    def listen() -> None:
        with client.stream("GET", f"{API}/gate/events", timeout=60) as stream:
            event = ""
            for line in stream.iter_lines():
                name, _, value = line.partition(": ")
                if name == "event":
                    event = value
                elif name == "data" and event == "state":
                    heard[json.loads(value)["sequence"]] = time.monotonic()
                    if len(heard) > count:
                        return

    listener = threading.Thread(target=listen, daemon=True)
    listener.start()
    wait_until(lambda: len(heard) == 1, what="the first state")
    sequence, said = next(iter(heard)), {}
    for number in range(1, count + 1):
        said[sequence + number] = time.monotonic()
        gate.say_state(state="opening" if number % 2 else "stopped")
        time.sleep(0.005)
    listener.join(10)
    return quantiles("api_change_to_sse", [(heard[number] - said[number]) * 1000 for number in said])


def pss_mb(pid: int) -> float:
    """Return the proportional memory of a process."""
    rollup = Path(f"/proc/{pid}/smaps_rollup").read_text(encoding="ascii")
    return round(int(rollup.partition("\nPss:")[2].split()[0]) / 1024, 1)


def measure() -> dict[str, float]:
    """Return all figures of the api process beside a gate without rules."""
    with tempfile.TemporaryDirectory(prefix="antt-bench-") as name, FakeGate(Path(name)) as gate:
        with served(Path(name)) as first:
            first.child.send_signal(signal.SIGTERM)
        with served(Path(name)) as running, httpx.Client(base_url=running.base, timeout=10) as client:
            client.post(f"{API}/session", json={"pairing_code": running.code, "device_name": "bench"})
            figures = {
                "api_up_s": round(running.up_s, 2),
                **measure_commands(client),
                **measure_requests(client),
                **measure_changes(client, gate),
                "api_pss_mb": pss_mb(running.child.pid),
            }
            began = time.monotonic()
            running.child.send_signal(signal.SIGTERM)
            running.child.wait(10)
            return {**figures, "api_stop_s": round(time.monotonic() - began, 2)}


if __name__ == "__main__":
    for figure, value in measure().items():
        print(f"{figure:32} {value}")
