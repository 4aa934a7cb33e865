"""Real processes, killed and hung in mid-move, and the reaction of the relays under load, each against its bound.

Bounds are those of docs/safety.md: I5 (50 ms at worst, 20 ms for 99 of 100) and I6 (350 ms after a death, 500 ms after
a hang), and 100 ms until a dead keeper is noticed. A figure beyond its bound is marked, and `make bench` fails.

A stopped leaf can't be stopped again before its inputs have been clear for 200 ms, so several gates work side by side;
one of them has its camera on and its page asked 200 times a second. They share this machine's cores: that is more load
than one gate has. A virtual machine's cores can be taken away by its host, which no program inside can help: events
during which that happened count, and the others are also given by themselves.
"""

from __future__ import annotations

import contextlib
import random
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx

from tests.bench.figures import quantiles
from tests.fakes import wait_until
from tests.program.program import ROOT, Program
from tests.program.reaction import CAUSES, Mover, Reaction, gate_hung_ms, gate_killed_ms, keeper_killed

KILLS = 50
KEEPER_KILLS = 20  # fewer: a keeper that dies again and again is started again after a pause that grows to 10 s
EVENTS = 10_000
GATES = 3
SHARED_MEMORY = Path("/dev/shm")  # noqa: S108 - a folder of our own is made in it
MEMORY = SHARED_MEMORY if SHARED_MEMORY.is_dir() else None
REQUESTS_PER_S = 200
BARE = ("camera.enabled=false", "mqtt.enabled=false")
WITH_CAMERA = ("camera.size=[640,480]", "mqtt.enabled=false")
BROKEN = "BEYOND ITS BOUND"
Figures = dict[str, float | str]


def held(name: str, worst: float, bound: float) -> Figures:
    """Return whether a figure keeps its bound, as a row of the table."""
    return {f"{name}_bound": f"{bound:g} ms: {'held' if worst <= bound else BROKEN}"}


def promised(name: str, value: float, bound: float, unit: str, *, at_least: bool = False) -> dict[str, str]:
    """Return whether a figure keeps what the issue of the api promises, as a row of the table."""
    kept = value >= bound if at_least else value <= bound
    words = f"at {'least' if at_least else 'most'} {bound:g} {unit}".strip()
    return {f"{name}_bound": f"{words}: {'held' if kept else BROKEN}"}


def summed(name: str, took_ms: list[float], bound_ms: float) -> Figures:
    """Return count, p50, p99 and maximum of what was measured, and whether the maximum keeps its bound."""
    return {**quantiles(name, took_ms), **held(f"{name}_max", max(took_ms), bound_ms)}


def deaths(kills: int = KILLS, keeper_kills: int = KEEPER_KILLS) -> Figures:
    """Return how soon a relay goes off after the gate process died or hung, and how a keeper's death is taken."""
    with tempfile.TemporaryDirectory(prefix="antt-bench-") as name, Program(Path(name), overrides=BARE) as program:
        _await_sensors(program)
        killed = [gate_killed_ms(program) for _ in range(kills)]
        hung = [gate_hung_ms(program) for _ in range(kills)]
        keepers = [keeper_killed(program) for _ in range(keeper_kills)]
    refusals = {found.refusal for found in keepers}
    return {
        **summed("gate_killed_to_release", killed, 350),
        **summed("gate_hung_to_release", hung, 500),
        **summed("keeper_killed_to_noticed", [found.noticed_ms for found in keepers], 100),
        **summed("keeper_killed_to_published", [found.published_ms for found in keepers], 100),
        "keeper_back_p50_ms": round(statistics.median(found.back_ms for found in keepers), 1),
        "motion_after_a_keeper_died": ", ".join(sorted(refusals)) + ("" if refusals == {"keeper_down"} else BROKEN),
        "relay_edges_after_a_keeper_died": sum(found.edges for found in keepers),
    }


def reactions(events: int = EVENTS, gates: int = GATES) -> Figures:
    """Return the times from an input's line to the relay's release, with a camera and a page at work."""
    with contextlib.ExitStack() as stack:
        programs = [_gate(stack, WITH_CAMERA if number == 0 else BARE) for number in range(gates)]
        with asked(programs[0]) as answered, ThreadPoolExecutor(gates) as pool:
            shares = [events // gates + (number < events % gates) for number in range(gates)]
            found = list(pool.map(_stops, programs, shares, range(gates)))
    done = [reaction for reactions in found for reaction in reactions]
    figures: Figures = {"gates_side_by_side": gates, "requests_answered_per_s": answered[0]}
    for cause in CAUSES:
        figures |= quantiles(f"{cause}_to_release", [one.took_ms for one in done if one.cause == cause])
    every = quantiles("input_to_release", [one.took_ms for one in done])
    figures |= every
    undisturbed = [one.took_ms for one in done if one.stolen_ms == 0]
    figures |= quantiles("input_to_release_while_nothing_was_stolen", undisturbed)
    figures |= held("input_to_release_p99", every["input_to_release_p99_ms"], 20)
    return figures | held("input_to_release_max", every["input_to_release_max_ms"], 50)


def _gate(stack: contextlib.ExitStack, overrides: tuple[str, ...]) -> Program:
    folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="antt-bench-")))
    program = Program(folder, overrides=overrides)
    # The keeper itself writes the trace; on a disk that others write to it would wait there, and be late for our sake.
    program.trace = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="antt-bench-", dir=MEMORY))) / "pins"
    stack.enter_context(program)
    _await_sensors(program)
    return program


def _await_sensors(program: Program) -> None:
    wait_until(lambda: program.status().get("state") in {"open", "closed"}, 30, "the sensors")


@contextlib.contextmanager
def asked(program: Program) -> Iterator[list[float]]:
    """Ask a gate's page all the while; the list holds how many requests a second were answered, at the end."""
    with httpx.Client(base_url=program.url, timeout=10) as client:
        client.post(
            "/api/v1/session", json={"pairing_code": program.pairing_code, "device_name": "bench"}
        ).raise_for_status()
        cookie = "; ".join(f"{name}={value}" for name, value in client.cookies.items())
    command = [sys.executable, "-m", "tests.bench.load", program.url, cookie, str(REQUESTS_PER_S)]
    load = subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    answered: list[float] = []
    try:
        yield answered
    finally:
        said, _ = load.communicate("")
        answered.append(round(float((said.split() or ["0"])[0]), 1))


def _stops(program: Program, count: int, seed: int) -> list[Reaction]:
    """Stop one gate's leaf so often, by each input in turn."""
    mover = Mover(program, random.Random(seed))
    try:
        mover.go_half_way()
        return list(mover.reactions(count))
    finally:
        mover.close()


def measure() -> Figures:
    """Return all figures of processes that die, hang and are busy."""
    return {**deaths(), **reactions()}
