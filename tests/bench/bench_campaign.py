"""The rules on a virtual clock: 20,000 random scenarios, ten years, every restart, every step logic.

Each of them has a slice in `make test`; `make campaign` tells a million scenarios.
"""

from __future__ import annotations

import multiprocessing
from collections.abc import Mapping

from tests import campaign, years
from tests.bench.bench_processes import BROKEN
from tests.campaign import Progress
from tests.restarts import Reference, judge_all, references
from tests.steppers import EVERY_LOGIC, Tally, tally

SCENARIOS = 20_000
FIRST = 1_000_000
RUNS = 1_000
LEAST = 0.99
MOST_PRESSES = 3
MOST_MB = 5.0
MOST_S = 3600.0


def measure() -> Mapping[str, object]:
    """Run everything on all cores."""
    with multiprocessing.get_context("spawn").Pool() as pool:
        life = pool.apply_async(years.live, (years.CYCLES, years.YEARS * years.YEAR_S / years.CYCLES))
        steps = pool.map_async(_tally, EVERY_LOGIC, 1)
        restarts = pool.map_async(_restart, references(), 1)
        table: dict[str, object] = {**_scenarios()}
        table |= {f"step_{logic}": _told(found) for logic, found in zip(EVERY_LOGIC, steps.get(), strict=True)}
        broken = [told for told in restarts.get() if isinstance(told, str)]
        count = sum(told for told in restarts.get() if isinstance(told, int))
        table["restarts"] = f"{count} at every sample of {len(references())} moves, {len(broken)} moved or lied"
        table |= {f"restart_{number}": f"{BROKEN}: {told}" for number, told in enumerate(broken)}
        lived = life.get()
        held = lived.grown_mb < MOST_MB and lived.took_s < MOST_S
        table["ten_years"] = f"{lived}: {'held' if held else BROKEN}"
    return table


def _scenarios() -> Mapping[str, object]:
    progress = campaign.tell_many(Progress(next_seed=FIRST), SCENARIOS, multiprocessing.cpu_count(), lambda _: None)
    failed = {f"scenario_{seed}": f"{BROKEN}: {campaign.explain(seed)}" for seed in progress.failed}
    return {"scenarios": f"{progress}, {len(failed)} broken", **failed}


def _tally(logic: str) -> Tally:
    return tally(logic, RUNS)


def _told(found: Tally) -> str:
    held = found.reached >= LEAST and not found.blind and max((*found.opened, *found.closed)) <= MOST_PRESSES
    return f"{found}: {'held' if held else BROKEN}"


def _restart(reference: Reference) -> int | str:
    """Return how many restarts a move stood, or what the first that it did not stand did."""
    try:
        return judge_all(reference)
    except AssertionError as error:
        return str(error)
