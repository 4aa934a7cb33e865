"""Ten years of a gate on a virtual clock: a timetable, officers, clocks that jump, and a memory that does not grow.

`python -m tests.years [--cycles N]`; `make bench` lives all ten, tests/gate/test_years.py the first weeks.

Idle time is skipped honestly: only while the yard is at rest and every sample says what the one before said, and only
up to `gate.due_s`, before which such samples change nothing (tests/gate/test_campaign.py proves that). The monotonic
clock begins an hour before 2^32 ms, the 49.7 days at which counters of milliseconds wrap.
"""

from __future__ import annotations

import argparse
import datetime as dt
import gc
import os
import random
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from zoneinfo import ZoneInfo

from gate.model import Command, Drive, Sensor, State
from gate.schedule import Look, Outlook, Period, Timetable, observe
from gate.site import Site, Timing
from gate.world import Yard
from tests.story import REST_STEP_S, Story

CYCLES = 200_000
YEARS = 10
YEAR_S = 365.25 * 86400
WRAP_S = 2**32 / 1000
TRAVEL_S = 1.2
PACE_S = 0.02
WARM_UP = 0.05
JUMP_EVERY = 997
JUMP_BACK_AFTER = 3
BEGAN = dt.datetime(2026, 1, 1, tzinfo=dt.UTC)
EVERY_DAY = frozenset(range(7))
TIMETABLE = Timetable(
    zone=ZoneInfo("Asia/Ho_Chi_Minh"),
    periods=(
        Period(name="day", start_min=6 * 60, end_min=8 * 60, wants=State.OPEN, days=EVERY_DAY),
        Period(name="night", start_min=22 * 60, end_min=29 * 60, wants=State.CLOSED, days=EVERY_DAY),
    ),
)
SITE = Site(
    timing=Timing(max_travel_s=4.0, courtesy_s=0.0),
    drive=Drive.HELD,
    sensors=frozenset({Sensor.LIMIT_OPEN, Sensor.LIMIT_CLOSED, Sensor.BEAM, Sensor.EXIT_LOOP}),
)


class Years(Story):
    """A story that skips what changes nothing, and remembers nothing that it need not."""

    def __init__(self) -> None:
        yard = Yard(drive=SITE.drive, travel_s=TRAVEL_S)
        super().__init__(site=SITE, yard=yard, began_s=WRAP_S - 3600.0)
        self.jump = dt.timedelta()
        self.outlook: Outlook | None = None
        self._began_s = self.now_s
        self.skipped_s = 0.0

    def pace(self) -> float:
        """Sample every 20 ms."""
        return PACE_S

    def rest_until(self, end_s: float) -> None:
        """Let time go by; skip samples that provably change nothing."""
        while self.now_s < end_s:
            self.tick(REST_STEP_S)
            last_s = min(end_s, self.gate.due_s) - 2 * REST_STEP_S
            if self._is_idle() and last_s > self.now_s + 1.0:
                self._skip_to(last_s)

    def _is_idle(self) -> bool:
        """Tell whether the next sample is as this one: nothing moves, nobody is on the road, no pin is on."""
        senses = self.gate.senses
        same = senses.raw == self._active and not senses.running and self.gate.seen_s == self.now_s
        return same and not self.pins and not self.gate.is_busy and self.yard._is_quiet and not self.yard.things

    def _skip_to(self, at_s: float) -> None:
        self.skipped_s += at_s - self.now_s
        self.yard.at_s += at_s - self.now_s
        self.now_s = at_s
        self.gate = self.gate.heard(at_s)
        self.guard.order(at_s, None, self.others, at_s)
        self.oracle.skips(at_s)

    def look_at_the_clock(self) -> None:
        """Tell the rules what the timetable wants by the wall clock as it shows now."""
        utc = BEGAN + dt.timedelta(seconds=self.now_s - self._began_s) + self.jump
        self.outlook = observe(TIMETABLE, Look(utc=utc, trusted=True, mono_s=self.now_s), self.outlook)
        plan = self.outlook.plan
        if plan != self.gate.plan:
            self.timetable_wants(plan.wants, exit_opens=plan.exit_opens, moves=plan.moves)

    def forget(self) -> None:
        """Drop what was written down."""
        self.facts.clear()
        self.ended.clear()
        self.refusals.clear()


@dataclass(frozen=True, kw_only=True)
class Lived:
    """What came of it. `grown_mb`: how much more memory the process had at the end than after the first twentieth."""

    cycles: int
    story_years: float
    took_s: float
    grown_mb: float
    jumps: int

    def __str__(self) -> str:
        return (
            f"{self.cycles} cycles in {self.story_years:.2f} years of story, {self.took_s:.0f} s, "
            f"{self.jumps} clock jumps of ten years, memory grew by {self.grown_mb:.2f} MB"
        )


def live(cycles: int, every_s: float, *, tell: bool = False) -> Lived:
    """Live until the gate was closed so often, a cycle every `every_s` seconds on average."""
    story, chance = Years(), random.Random(2026)
    began_s, start_s = time.monotonic(), story.now_s
    story.after(s=3.0)
    grown_from_mb, number, jumps = 0.0, 0, 0
    warm = int(cycles * WARM_UP)
    while story.gate.learned.cycles < cycles:
        number += 1
        jumps += _jump(story, number)
        _cycle(story, chance, every_s)
        if tell and number % (cycles // 20 or 1) == 0:
            years = (story.now_s - start_s) / YEAR_S
            print(f"{story.gate.learned.cycles} cycles, {years:.2f} years, {rss_mb():.1f} MB", flush=True)
        if number == warm:
            grown_from_mb = rss_mb()
    return Lived(
        cycles=story.gate.learned.cycles,
        story_years=(story.now_s - start_s) / YEAR_S,
        took_s=time.monotonic() - began_s,
        grown_mb=rss_mb() - grown_from_mb,
        jumps=jumps,
    )


def _jump(story: Years, number: int) -> int:
    """Let the wall clock jump by ten years now and then, and back again: nothing moves by it (I7)."""
    where = number % JUMP_EVERY
    if where not in {JUMP_EVERY - JUMP_BACK_AFTER, 0}:
        return 0
    ahead = (number // JUMP_EVERY) % 2 == 0
    years = dt.timedelta(seconds=YEARS * YEAR_S)
    story.jump = dt.timedelta() if where == 0 else years if ahead else -years
    state, pending = story.state, story.gate.pending
    story.look_at_the_clock()
    story.after(s=1.0)
    assert not story.pins, "I7: a relay on because the clock jumped"
    assert story.state is state, "I7: the gate moved because the clock jumped"
    assert story.gate.pending == pending, "I7: a move is pending because the clock jumped"
    return 1


def _cycle(story: Years, chance: random.Random, every_s: float) -> None:
    """Open if it is closed, close again, and rest; the timetable goes on meanwhile."""
    end_s = story.now_s + every_s * chance.uniform(0.5, 1.5)
    if story.state is not State.OPEN:
        story.officer_says(Command.OPEN)
        while story.gate.is_busy:
            story.tick(PACE_S)
        assert story.gate.state is State.OPEN
    story.rest_until(story.now_s + chance.uniform(3.0, 60.0))
    if story.state is State.OPEN and not story.gate.is_busy:
        story.officer_says(Command.CLOSE)
    while story.gate.is_busy:
        story.tick(PACE_S)
    story.look_at_the_clock()
    story.rest_until(end_s)
    story.forget()


def rss_mb() -> float:
    """Return how much memory this process has, in MB."""
    gc.collect()
    pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 1e6


def main() -> int:
    """Live ten years, or fewer cycles of them; 1 where memory grew."""
    parser = argparse.ArgumentParser(description="Ten years of a gate on a virtual clock.")
    parser.add_argument("--cycles", type=int, default=CYCLES)
    arguments = parser.parse_args()
    lived = live(arguments.cycles, YEARS * YEAR_S / CYCLES, tell=True)
    print(lived)
    return int(lived.grown_mb >= 5.0)


if __name__ == "__main__":
    sys.exit(main())
