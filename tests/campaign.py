"""Randomised fault scenarios on a virtual clock: `make campaign`, and a slice of it in `make test` and `make bench`.

Each scenario is one number (`tests/scenes.py`): a site with its drive, inputs and times, a yard, and what people,
things and faults do there. `tests/oracle.py` judges every sample by the plant and by what is published; here the end is
judged too: once everything is whole again nothing runs, and every command has ended.

A failure prints its number, drops the events that it does not need, and names the command that tells it again:
`python -m tests.campaign --seed NUMBER [--only 0,3]`. A long run keeps in a file how far it came, and goes on there.
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import random
import signal
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path

from gate.model import Command, Kind, Sensor, State
from gate.world import Yard
from tests.scenes import UNDONE, Event, Scenario, scenario
from tests.story import Story

STATE = Path("artefacts/campaign.json")
MILLION = 1_000_000
BATCH = 100
PACES_S = (0.005, 0.005, 0.01, 0.02, 0.04, 0.08)
CALM_S = 2.5
LONGEST_CALM_S = 90.0
BETWEEN_S = 0.7
OBSTRUCTIONS = 4
MOST_WAITING = 40


class Scene(Story):
    """The story of one scenario."""

    def __init__(self, told: Scenario) -> None:
        yard = Yard(drive=told.site.drive, logic=told.site.logic, travel_s=told.travel_s, seed=told.seed)
        super().__init__(site=told.site, leaf=told.leaf, kept=told.kept, yard=yard, began_s=told.began_s)
        self._rhythm = random.Random(told.seed)
        self._jitter = told.jitter
        self._busy_s, self._rest_s = told.busy_s, told.rest_s

    def pace(self) -> float:
        """Return how far the next sample is."""
        if self._jitter:
            return self._rhythm.choice(PACES_S)
        return self._busy_s if self.gate.is_busy or self.pins else self._rest_s


def run(seed: int, kind: type[Scene] = Scene, only: Sequence[int] | None = None) -> Scene:
    """Tell one scenario; raises AssertionError where an invariant breaks."""
    told = scenario(seed)
    if only is not None:
        told = replace(told, events=tuple(told.events[number] for number in only))
    return tell(told, kind)


def tell(told: Scenario, kind: type[Scene] = Scene) -> Scene:
    """Tell a scenario to its calm end."""
    story = kind(told)
    story.after(s=told.calm_s)
    for event in told.events:
        story.after(s=event.wait_s)
        happens(story, event)
    calm_down(story)
    return story


def happens(story: Story, event: Event) -> None:
    """Let one event happen, and be over if it lasts."""
    words, for_s = event.words, event.for_s
    match event.verb:
        case "order" | "sequence" | "burst" | "put_right" | "reset":
            _somebody_orders(story, event)
        case "obstinate":
            _gate_is_obstructed_again_and_again(story)
        case "plan":
            wants = None if words[0] == "nothing" else State(words[0])
            story.timetable_wants(wants, moves=words[1] == "moves")
        case "restart":
            story.power_comes_back(after_s=for_s)
        case "keeper_dies":
            story.keeper_dies(for_s=for_s)
        case "road" | "push" | "fault" | "relay" | "switch" | "at_the_cabinet":
            _happens_in_the_yard(story, event)
        case verb:
            _goes_wrong(story, verb, words)
            story.after(s=for_s)
            _is_mended(story)


def _somebody_orders(story: Story, event: Event) -> None:
    match event.verb:
        case "put_right":
            for command in (Command.RESET, Command.ACKNOWLEDGE, Command.NORMAL, Command.OPEN):
                story.officer_says(command)
        case "reset":
            story.officer_says(Command.RESET).officer_says(Command.ACKNOWLEDGE)
        case _:
            for word in event.words[1:]:
                story.officer_says(Command(word), sighted=event.words[0] == "sighted").after(s=event.for_s)


def _gate_is_obstructed_again_and_again(story: Story) -> None:
    """Close it, by people or by itself, and have something in the way each time: there is an end to it (I13)."""
    story.officer_says(Command.RESET).officer_says(Command.NORMAL).officer_says(Command.OPEN).after(s=4.0)
    for _ in range(OBSTRUCTIONS):
        if story.site.auto_close_s is None:
            story.officer_says(Command.CLOSE)
        for _ in range(MOST_WAITING):
            story.after(s=0.3)
            if story.closing_drive or not story.gate.is_busy:
                break
        story.after(s=0.6).car_breaks_the_beam().after(s=0.2).beam_clears().after(s=3.5)


def _happens_in_the_yard(story: Story, event: Event) -> None:
    words, for_s = event.words, event.for_s
    match event.verb:
        case "road" | "fault":
            story.something(*words[0].split()).after(s=for_s)
            undone = next((undo for fault, undo in UNDONE.items() if words[0].startswith(fault)), None)
            if undone:
                story.something(*undone.split())
        case "push":
            story.something("push", *words).after(s=for_s)
        case "relay":
            story.something("relay", *words).after(s=for_s).something("relay", words[0], "ok")
        case "switch":
            story.something("input", words[0], "on").after(s=for_s).something("input", words[0], "off")
        case "at_the_cabinet":
            story.something("input", Sensor.MAINTENANCE, "on").after(s=0.2)
            story.something("input", words[0], "on").after(s=for_s).something("input", words[0], "off").after(s=0.3)
            story.something("input", Sensor.MAINTENANCE, "off")


def _goes_wrong(story: Story, verb: str, words: tuple[str, ...]) -> None:
    match verb:
        case "lie":
            story.sensor_says(**{words[0]: words[1] == "on"})
        case "silent":
            story.keeper_falls_silent()
        case "hang":
            story.controller_runs = False
        case "dead_pins":
            story.dead_pins = True
        case "shorted":
            story.short(words[0])
        case _:
            raise ValueError(f"no story knows how to {verb}")


def _is_mended(story: Story) -> None:
    story.sensors_tell_the_truth().keeper_speaks_again()
    story.controller_runs, story.dead_pins, story.shorted = True, False, None


def calm_down(story: Story) -> None:
    """Let everything come to rest with nothing broken any more, and check the books."""
    since_s = story.now_s
    story.after(s=CALM_S)
    while story.gate.is_busy or story.oracle.ledger.is_waiting(story.gate):
        assert story.now_s - since_s < LONGEST_CALM_S, f"still at it after {LONGEST_CALM_S} s of calm: {story.gate}"
        story.after(s=BETWEEN_S)
    assert not story.pins, "something still runs when all is calm"
    story.oracle.ledger.close(story.gate)


# ----------------------------------------------------------------------------------------------- what failed


def shrink(seed: int, fails: Callable[[Sequence[int]], bool] | None = None) -> list[int]:
    """Return the events without which the scenario does not fail any more."""
    fails = fails or (lambda only: failure(seed, only) is not None)
    kept = list(range(len(scenario(seed).events)))
    number = 0
    while number < len(kept):
        without = kept[:number] + kept[number + 1 :]
        if fails(without):
            kept = without
        else:
            number += 1
    return kept


def failure(seed: int, only: Sequence[int] | None = None) -> str | None:
    """Return how a scenario fails, None where it does not."""
    try:
        run(seed, only=only)
    except AssertionError as error:
        return str(error) or "an assertion without a word"
    except Exception as error:  # noqa: BLE001 - any fault of the rules is a finding, whatever its kind
        return f"{type(error).__name__}: {error}"
    return None


def explain(seed: int) -> str:
    """Return what to know about a scenario that fails."""
    kept = shrink(seed)
    events = scenario(seed).events
    told = scenario(seed)
    lines = [
        f"seed {seed}: {failure(seed, kept)}",
        f"  {told.site.drive} {told.site.logic} leaf {told.leaf} kept {told.kept and told.kept.mode.value}",
        *(f"  {number}: {events[number]}" for number in kept),
        f"  again: python -m tests.campaign --seed {seed} --only {','.join(map(str, kept)) or 'none'}",
    ]
    return "\n".join(lines)


# ----------------------------------------------------------------------------------------------- many of them


@dataclass(kw_only=True)
class Progress:
    """How far a run came: the next number, what was seen, and which numbers failed."""

    next_seed: int
    scenarios: int = 0
    samples_s: float = 0.0
    moves: int = 0
    refusals: int = 0
    spent_s: float = 0.0
    failed: tuple[int, ...] = ()

    def add(self, batch: Batch) -> None:
        """Take in what one batch saw."""
        self.scenarios += batch.scenarios
        self.samples_s += batch.story_s
        self.moves += batch.moves
        self.refusals += batch.refusals

    def __str__(self) -> str:
        rate = self.scenarios / self.spent_s if self.spent_s else 0.0
        hours = self.samples_s / 3600
        return (
            f"{self.scenarios} scenarios, {hours:.1f} h of story, {self.moves} energisings, {self.refusals} refusals, "
            f"{rate:.0f} scenarios/s; next is {self.next_seed}"
        )


@dataclass(frozen=True, kw_only=True)
class Batch:
    """What some scenarios in a row saw."""

    scenarios: int
    story_s: float
    moves: int
    refusals: int
    failed: tuple[int, ...]


def tell_batch(seeds: range) -> Batch:
    """Tell some scenarios in a row."""
    story_s, counts, failed = 0.0, Counter[str](), []
    for seed in seeds:
        began_s = scenario(seed).began_s
        try:
            story = run(seed)
        except Exception:  # noqa: BLE001 - told again, shrunk and explained by who asked
            failed.append(seed)
            continue
        story_s += story.now_s - began_s
        counts["moves"] += sum(fact.kind is Kind.DRIVE_ENERGISED for fact in story.facts)
        counts["refusals"] += len(story.refusals)
    return Batch(
        scenarios=len(seeds), story_s=story_s, moves=counts["moves"], refusals=counts["refusals"], failed=tuple(failed)
    )


def batches(first: int, runs: int) -> Iterator[range]:
    """Yield the numbers to tell, a batch at a time."""
    for start in range(first, first + runs, BATCH):
        yield range(start, min(start + BATCH, first + runs))


def tell_many(progress: Progress, runs: int, processes: int, told: Callable[[Progress], None]) -> Progress:
    """Tell `runs` scenarios from the next one on; `told` is called after each batch.

    It stops at the first batch with a failure, and does not count it: who goes on later begins with it again.
    """
    began_s, spent_s = time.monotonic(), progress.spent_s
    ranges = list(batches(progress.next_seed, runs))
    context = multiprocessing.get_context("spawn")
    with context.Pool(processes, signal.signal, (signal.SIGINT, signal.SIG_IGN)) as pool:
        for seeds, batch in zip(ranges, pool.imap(tell_batch, ranges), strict=True):
            if batch.failed:
                progress.failed = batch.failed
                break
            progress.add(batch)
            progress.next_seed, progress.spent_s = seeds.stop, spent_s + time.monotonic() - began_s
            told(progress)
    return progress


def load(path: Path, first: int) -> Progress:
    """Return how far an earlier run came, or a new start."""
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
        return Progress(**{**found, "failed": tuple(found["failed"])})
    except (OSError, ValueError, TypeError, KeyError):
        return Progress(next_seed=first)


def save(path: Path, progress: Progress) -> None:
    """Keep how far it came; written whole."""
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_suffix(".new")
    draft.write_text(json.dumps(asdict(progress)) + "\n", encoding="utf-8")
    draft.replace(path)


def main() -> int:
    """Run many scenarios and print how far it came; 1 where one failed."""
    parser = argparse.ArgumentParser(description="Randomised fault scenarios on a virtual clock.")
    parser.add_argument("--runs", type=int, default=MILLION, help="how many in all, with those of earlier runs")
    parser.add_argument("--first", type=int, default=0, metavar="SEED")
    parser.add_argument("--processes", type=int, default=multiprocessing.cpu_count())
    parser.add_argument("--state", type=Path, default=None, help=f"where to keep how far it came (default {STATE})")
    parser.add_argument("--anew", action="store_true", help="begin at --first, whatever an earlier run did")
    parser.add_argument("--seed", type=int, help="tell this one only")
    parser.add_argument("--only", help="with these of its events only, by number; none for none")
    arguments = parser.parse_args()
    for each in (signal.SIGINT, signal.SIGTERM):  # in the background a shell has SIGINT ignored
        signal.signal(each, signal.default_int_handler)
    if arguments.seed is not None:
        only = None if arguments.only is None else [int(n) for n in arguments.only.split(",") if n.isdigit()]
        told = failure(arguments.seed, only)
        print(f"seed {arguments.seed}: {told or 'no invariant broken'}")
        return 1 if told else 0
    path = arguments.state or STATE
    progress = Progress(next_seed=arguments.first) if arguments.anew else load(path, arguments.first)
    return _campaign(progress, path, arguments.runs, arguments.processes)


def _campaign(progress: Progress, path: Path, runs: int, processes: int) -> int:
    def told(progress: Progress) -> None:
        save(path, progress)
        if progress.scenarios % 2000 < BATCH:
            print(progress, flush=True)

    left = runs - progress.scenarios
    if left <= 0:
        print(f"done already: {progress}")
        return 0
    try:
        tell_many(progress, left, processes, told)
    except KeyboardInterrupt:
        print(f"\ninterrupted; {path} keeps how far it came: {progress}")
        return 1
    for seed in progress.failed:
        print(explain(seed), flush=True)
    print(f"{'BROKEN' if progress.failed else 'no invariant broken'}: {progress}")
    return 1 if progress.failed else 0


if __name__ == "__main__":
    sys.exit(main())
