"""What a whole simulated gate costs and how quick it is: reaction of the relays, start-up, memory, processor.

Times are read from the pin trace, which the keeper writes with CLOCK_MONOTONIC; the yard breaks the beam by itself, so
"sample to release" is the time from the level on the beam's pin to the level on the relay's.
"""

from __future__ import annotations

import contextlib
import os
import tempfile
import time
from pathlib import Path

import httpx

from gate.client import new_id
from tests.bench.bench_processes import Figures, promised
from tests.bench.figures import quantiles
from tests.fakes import wait_until
from tests.program.program import Program

RELEASES = 60
POSTS = 60
POST_BOUND_MS = 15.0
FAR = 0.6
REST_S = 1.0  # beyond the dead time of 0.5 s, which the rules owe to a leaf that has just closed
NAMES = ("camera", "mqtt_bridge", "api", "keeper")
API = "/api/v1"


def _settled(program: Program) -> None:
    program.state_is("closed", 30)
    wait_until(lambda: all(program.process(name).get("health") for name in NAMES[:3]), 30, "all children")


def _signed_in(program: Program) -> httpx.Client:
    client = httpx.Client(base_url=program.url, timeout=10)
    client.post(f"{API}/session", json={"pairing_code": program.pairing_code, "device_name": "bench"})
    return client


def _pulse(program: Program, line: str, level: int, after_s: float) -> float | None:
    """Return when that line first took that level after a moment."""
    return next((at_s for at_s, found in program.changes(line) if at_s >= after_s and found == level), None)


def _followed(program: Program, line: str, level: int, after_s: float) -> float:
    """Wait until that line takes that level after a moment; return when it did."""
    wait_until(lambda: _pulse(program, line, level, after_s) is not None, 5, f"{line} {level}")
    return _pulse(program, line, level, after_s) or after_s


def beam_to_release(program: Program, count: int) -> dict[str, float]:
    """Break the beam under a closing leaf again and again; the camera works all the while."""
    took_ms: list[float] = []
    program.order("open")
    program.state_is("open", 30)
    for _ in range(count):
        program.order("close", "--sighted")
        program.state_is("closing", 10)
        time.sleep(0.1)
        before_s = time.monotonic()
        program.yard("beam", "blocked")
        off_s = _followed(program, "close_relay", 0, before_s)
        took_ms.append((off_s - _followed(program, "beam", 0, before_s)) * 1000)
        program.yard("beam", "clear")
        program.state_is("open", 30)
        wait_until(lambda: program.status()["target"] is None, 5, "the end of the reopening")
        program.order("reset")  # each reversal counts, and the third would lock (I13)
        time.sleep(0.25)
    return quantiles("beam_to_release", took_ms)


def post_to_relay(program: Program, client: httpx.Client, count: int) -> Figures:
    """Order by HTTP and read in the trace when the relay followed: from before the POST to the level on the pin."""
    energised_ms: list[float] = []
    released_ms: list[float] = []
    for _ in range(count):
        for command, level, kept in (("open", 1, energised_ms), ("stop", 0, released_ms)):
            before_s = time.monotonic()
            answer = client.post(
                f"{API}/gate/commands", json={"command": command}, headers={"Idempotency-Key": new_id()}
            )
            if answer.status_code != httpx.codes.ACCEPTED:
                break
            kept.append((_followed(program, "open_relay", level, before_s) - before_s) * 1000)
            time.sleep(0.3)
        if float(str(program.yard("show")["leaf"])) > FAR:  # a leaf that arrives by itself is stopped by nobody
            program.order("close", "--sighted")
            program.state_is("closed", 30)
            time.sleep(REST_S)
    figures: Figures = {**quantiles("post_to_energised", energised_ms), **quantiles("post_to_released", released_ms)}
    for name in ("post_to_energised_p99", "post_to_released_p99"):
        figures |= promised(name, float(figures[f"{name}_ms"]), POST_BOUND_MS, "ms")
    return figures


def pss_mb(pid: int) -> float:
    """Return the memory a process holds, shared pages counted in proportion."""
    rollup = Path(f"/proc/{pid}/smaps_rollup").read_text(encoding="ascii")
    return int(next(line for line in rollup.splitlines() if line.startswith("Pss:")).split()[1]) / 1024


def cpu_s(pid: int) -> float:
    """Return the processor time a process has used."""
    fields = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def cost(program: Program, for_s: float = 10.0) -> dict[str, float]:
    """Return PSS and share of one core of each process of a resting gate."""
    pids = {"gate": program.pid, **{name: program.pid_of(name) for name in NAMES}}
    before = {name: cpu_s(pid) for name, pid in pids.items()}
    time.sleep(for_s)
    figures: dict[str, float] = {}
    for name, pid in pids.items():
        figures[f"pss_{name}_mb"] = round(pss_mb(pid), 1)
        figures[f"cpu_{name}_percent"] = round((cpu_s(pid) - before[name]) / for_s * 100, 1)
    return figures


def start_and_stop(folder: Path) -> dict[str, float]:
    """Return how long a second start takes until the page answers, and a stop."""
    with Program(folder) as program:
        figures = {"start_to_link_s": round(time.monotonic() - program.started_s, 2)}
        wait_until(lambda: httpx.get(f"{program.url}/healthz").status_code == httpx.codes.OK, 10, "the page")
        figures["start_to_page_s"] = round(time.monotonic() - program.started_s, 2)
        wait_until(lambda: program.status().get("state") in {"open", "closed"}, 10, "the state")
        figures["start_to_state_s"] = round(time.monotonic() - program.started_s, 2)
        asked_s = time.monotonic()
        program.stop()
        figures["stop_s"] = round(time.monotonic() - asked_s, 2)
    return figures


def measure(releases: int = RELEASES, posts: int = POSTS) -> Figures:
    """Return all figures of the whole program, in ms, s, MB and percent of a core."""
    with tempfile.TemporaryDirectory(prefix="antt-bench-") as name:
        folder = Path(name)
        with Program(folder) as program, contextlib.closing(_signed_in(program)) as client:
            _settled(program)
            figures: Figures = {**cost(program)}
            figures |= post_to_relay(program, client, posts)
            figures |= beam_to_release(program, releases)
        return figures | start_and_stop(folder)
