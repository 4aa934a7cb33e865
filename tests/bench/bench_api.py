"""The api process beside a gate without rules: how soon it accepts, tells a change and stops, and what a request costs.

- "Change to line" is from the change of state in the gate process to the line at a listening page, for one page and for
  a hundred, which listen in a process of their own.
- What a request costs is compared with one bare FastAPI route on the same machine in the same run, in turns: processor
  time of the server for each answer, because a busy neighbour changes how many are answered and not what one costs.
- Memory is taken after all of this.
"""

from __future__ import annotations

import random
import signal
import statistics
import tempfile
import time
from pathlib import Path

import httpx

from gate.client import new_id
from tests.bench.bench_processes import Figures, promised
from tests.bench.bench_program import pss_mb
from tests.bench.figures import quantiles
from tests.bench.page_server import Running, bare, rushed, served, sessions
from tests.bench.pages import listening
from tests.fakes import FakeGate

COMMANDS = 200
CHANGES = 100
PAGES = 100
PAUSE_S = {1: 0.01, PAGES: 0.1}
TURNS = 4
TURN_S = 1.5
STOP_BOUND_S = 3.0
LINE_BOUND_MS = 50.0
PSS_BOUND_MB = 90.0
RATIO_BOUND = 0.4
API = "/api/v1"


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


def measure_requests(running: Running, cookie: str, turns: int = TURNS, for_s: float = TURN_S) -> Figures:
    """Return what `GET /gate` costs, and what part of a bare route's rate that is on one core."""
    with bare() as other:
        pairs = [
            (rushed(other.base, other.child.pid, "", for_s), rushed(running.base, running.child.pid, cookie, for_s))
            for _ in range(turns)
        ]
    bare_ms, ours_ms = (statistics.mean(rush.cpu_ms for rush in rushes) for rushes in zip(*pairs, strict=True))
    ratio = bare_ms / ours_ms
    return {
        "api_get_gate_per_s": round(statistics.median(ours.answered_per_s for _, ours in pairs)),
        "api_get_gate_cpu_ms": round(ours_ms, 2),
        "bare_route_cpu_ms": round(bare_ms, 2),
        "api_get_gate_to_bare_route": round(ratio, 2),
        **promised("api_get_gate_to_bare_route", ratio, RATIO_BOUND, "", at_least=True),
    }


def measure_changes(running: Running, gate: FakeGate, cookies: list[str], count: int = CHANGES) -> Figures:
    """Return the ms from a change of state in the gate process to its line at each of these pages."""
    chance = random.Random(len(cookies))
    sequence, said_ns = int(str(gate.snapshot()["sequence"])), dict[int, int]()
    pause_s = PAUSE_S.get(len(cookies), PAUSE_S[PAGES])
    with listening(running.base, cookies) as pages:
        for number in range(1, count + 1):
            said_ns[sequence + number] = time.monotonic_ns()
            gate.say_state(state="opening" if number % 2 else "stopped")
            time.sleep(pause_s * chance.uniform(1.0, 1.5))
        time.sleep(0.5)
    heard = [dict(page.states) for page in pages]
    assert all(said_ns.keys() <= page.keys() for page in heard), "a page missed a change"
    took_ms = [(page[number] - at_ns) / 1e6 for page in heard for number, at_ns in said_ns.items()]
    name = f"api_change_to_sse_{len(cookies)}_page{'s' if len(cookies) > 1 else ''}"
    figures = quantiles(name, took_ms)
    return {**figures, **promised(f"{name}_p99", figures[f"{name}_p99_ms"], LINE_BOUND_MS, "ms")}


def measure_stop(running: Running, cookies: list[str]) -> Figures:
    """Return how long the process takes to stop with so many streams open, which all hear of it."""
    with listening(running.base, cookies) as pages:
        began_s = time.monotonic()
        running.child.send_signal(signal.SIGTERM)
        assert running.child.wait(10) == 0
        took_s = time.monotonic() - began_s
    return {
        f"api_stop_with_{len(cookies)}_streams_s": round(took_s, 2),
        "pages_that_heard_of_the_stop": sum(page.farewell == "stopping" for page in pages),
        **promised("api_stop_s", took_s, STOP_BOUND_S, "s"),
    }


def measure(pages: int = PAGES) -> Figures:
    """Return all figures of the api process beside a gate without rules."""
    with (
        tempfile.TemporaryDirectory(prefix="antt-bench-") as name,
        FakeGate(Path(name)) as gate,
        served(Path(name)) as running,
        httpx.Client(base_url=running.base, timeout=10) as client,
    ):
        client.post(f"{API}/session", json={"pairing_code": running.code, "device_name": "bench"})
        cookies = sessions(Path(name), pages)
        figures: Figures = {"api_up_s": round(running.up_s, 2), "api_pss_at_rest_mb": _pss_mb(running)}
        figures |= measure_commands(client)
        figures |= measure_requests(running, cookies[0])
        figures |= measure_changes(running, gate, cookies[:1])
        figures |= measure_changes(running, gate, cookies)
        worst_mb = _pss_mb(running)
        figures |= {"api_pss_mb": worst_mb, **promised("api_pss", worst_mb, PSS_BOUND_MB, "MB")}
        return figures | measure_stop(running, cookies)


def _pss_mb(running: Running) -> float:
    return round(pss_mb(running.child.pid), 1)


if __name__ == "__main__":
    for figure, value in measure().items():
        print(f"{figure:40} {value}")
