"""A storm on the page's server while the gate moves: who follows the gate loses nothing, and the relays do not notice.

A whole gate with its camera, the leaf stopped by its inputs again and again: without a storm and in one, in turns, so
that a busy neighbour of this machine is in both. A storm is 500 malformed requests, 100 slow clients, 200 WebSockets
and 10,000 wrong cookies at once, as fast as they are answered (tests/bench/storm.py). Pages of people who are signed in
listen all the while: each must get every fact once and in order, over one connection.
"""

from __future__ import annotations

import contextlib
import random
from collections import Counter

from tests.bench.bench_processes import BROKEN, WITH_CAMERA, Figures, _gate, promised
from tests.bench.figures import quantiles
from tests.bench.page_server import sessions
from tests.bench.pages import Heard, listening
from tests.bench.storm import Parts, storming
from tests.fakes import wait_until
from tests.program.program import Program
from tests.program.reaction import Mover, Reaction

STORMS = 3
PAGES = 8
RATIO_BOUND = 1.5
AT_A_TIME = 5


def measure(storms: int = STORMS, parts: Parts | None = None) -> Figures:
    """Return how soon a relay follows its input with and without a storm, and what became of the pages."""
    with contextlib.ExitStack() as stack:
        program = _gate(stack, WITH_CAMERA)
        cookies = sessions(program.folder, PAGES + 1)
        mover = Mover(program, random.Random(7))
        stack.callback(mover.close)
        mover.go_half_way()
        calm, stormy, told = list[Reaction](), list[Reaction](), Counter[str]()
        faults = 0
        with listening(program.url, cookies[:PAGES]) as pages:
            for number in range(storms):
                with storming(program.url, cookies[PAGES], parts or Parts(), number) as storm:
                    while not storm.is_over:
                        stormy += mover.reactions(AT_A_TIME)
                faults += storm.faults
                told.update({f"{part}_{status}": n for part, seen in storm.told.items() for status, n in seen.items()})
                calm += mover.reactions(max(AT_A_TIME, len(stormy) - len(calm)))
            newest = program.facts()[-1].seq
            mover.react("stop")
        figures = _compared(calm, stormy) | _of_pages(pages, newest) | _of_server(program, faults)
        return figures | {f"answered_{what}": n for what, n in sorted(told.items())}


def _compared(calm: list[Reaction], stormy: list[Reaction]) -> Figures:
    """Return the times of both, and their ratio at p99; also without the moments in which the host took a core away."""
    figures: Figures = {}
    for name, found in (("calm", calm), ("in_a_storm", stormy)):
        figures |= quantiles(f"input_to_release_{name}", [one.took_ms for one in found])
        left = [one.took_ms for one in found if one.stolen_ms == 0]
        figures |= quantiles(f"input_to_release_{name}_while_nothing_was_stolen", left)
    ratio = _p99(figures, "in_a_storm") / _p99(figures, "calm")
    return {**figures, "storm_to_calm_p99": round(ratio, 2), **promised("storm_to_calm_p99", ratio, RATIO_BOUND, "")}


def _p99(figures: Figures, name: str) -> float:
    return float(figures[f"input_to_release_{name}_p99_ms"])


def _of_pages(pages: list[Heard], newest: int) -> Figures:
    lost = [page for page in pages if page.lost or page.farewell or not heard_all(page, newest)]
    return {
        "pages_that_listened": len(pages),
        "facts_each_heard": min(len(page.facts) for page in pages),
        "pages_that_lost_something": f"{len(lost)}{BROKEN if lost else ''}",
    }


def heard_all(page: Heard, newest: int) -> bool:
    """Tell whether a page heard each fact once, in order, from its first to at least this one."""
    return bool(page.facts) and page.facts[-1] >= newest and page.facts == [*range(page.facts[0], page.facts[-1] + 1)]


def _of_server(program: Program, faults: int) -> Figures:
    wait_until(lambda: program.process("api").get("alive") is True, 5, "the page's server")
    ends = program.facts("process_died")
    return {
        "answers_5xx": f"{faults}{BROKEN if faults else ''}",
        "errors_in_the_log": f"{len(troubles(program))}{BROKEN if troubles(program) else ''}",
        "restarts_of_the_page": f"{len(ends)}{BROKEN if ends else ''}",
    }


def troubles(program: Program) -> list[str]:
    """Return the errors that the page's server logged."""
    return [line for line in program.output if " api ERROR " in line or line.startswith("Traceback")]


if __name__ == "__main__":
    for figure, value in measure().items():
        print(f"{figure:60} {value}")
