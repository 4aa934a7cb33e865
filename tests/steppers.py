"""Gates with one button, found in a phase that nobody knows: how many presses it takes to bring them where they belong.

`make bench` runs many of them and prints the figures; tests/gate/test_step_drive.py runs a slice.
"""

from __future__ import annotations

import random
from collections import Counter
from dataclasses import dataclass, field

from gate.model import Command, Drive, Relay, Sensor, State
from gate.site import Site, Timing
from gate.steps import LOGICS, Step
from gate.world import Yard
from tests.story import Story

TRAVEL_S = 3.0
MOST_PRESSES = 3
LONGEST_S = 60.0
LIMIT_PART = 0.14 / (0.5 * TRAVEL_S)
AT_END = {Step.CLOSED: 0.0, Step.OPEN: 1.0}
SITE = Site(
    timing=Timing(max_travel_s=6.0, courtesy_s=0.0),
    drive=Drive.STEP,
    sensors=frozenset({Sensor.LIMIT_OPEN, Sensor.LIMIT_CLOSED, Sensor.BEAM}),
)


class Stepper(Story):
    """A story that samples slowly and counts presses."""

    def __init__(self, logic: str, phase: Step, leaf: float, seed: int) -> None:
        site = Site(timing=SITE.timing, drive=Drive.STEP, logic=logic, sensors=SITE.sensors)
        yard = Yard(drive=Drive.STEP, logic=logic, travel_s=TRAVEL_S, seed=seed)
        super().__init__(site=site, yard=yard, leaf=leaf)
        yard.operator_is(phase)
        self.presses = 0

    def pace(self) -> float:
        """Sample every 20 ms: nothing here is about the shortest reaction."""
        return 0.02

    def tick(self, step_s: float) -> None:
        """Count a press whenever the pin goes on."""
        before = self.pins
        super().tick(step_s)
        self.presses += Relay.STEP in self.pins - before

    def reaches(self, command: Command, state: State) -> int | None:
        """Give a command; return how many presses it took, None where the gate did not get there."""
        self.presses = 0
        self.officer_says(command)
        end_s = self.now_s + LONGEST_S
        while self.state is not state or self.gate.is_busy:
            self.tick(self.pace())
            if self.now_s > end_s or not self.oracle.ledger.is_waiting(self.gate):
                break
        self.after(s=1.5)
        return self.presses if self.state is state else None


@dataclass(kw_only=True)
class Tally:
    """What came of the runs of one logic. `opened` and `closed` count runs by their presses."""

    runs: int = 0
    opened: Counter[int] = field(default_factory=Counter)
    closed: Counter[int] = field(default_factory=Counter)
    blind: int = 0
    lost: list[str] = field(default_factory=list)

    @property
    def reached(self) -> float:
        """The part of the runs in which both limits were reached in at most three presses."""
        good = sum(n for presses, n in self.closed.items() if presses <= MOST_PRESSES)
        return good / self.runs if self.runs else 0.0

    def __str__(self) -> str:
        presses = max((*self.opened, *self.closed), default=0)
        return (
            f"{100 * self.reached:.1f} % of {self.runs} runs open and closed, at most {presses} presses each; "
            f"{self.blind} blind presses for close"
        )


def tally(logic: str, runs: int, seed: int = 0) -> Tally:
    """Bring a gate from an unknown phase and a random position to open, then to closed, `runs` times."""
    chance, found = random.Random(f"{logic} {seed}"), Tally()
    for number in range(runs):
        phase = [*Step][number % len(Step)]
        middle = round(chance.uniform(LIMIT_PART + 0.02, 1 - LIMIT_PART - 0.02), 3)
        leaf = AT_END.get(phase, middle)
        _one(found, Stepper(logic, phase, leaf, seed=number), f"{phase} at {leaf}", chance.choice([0.7, 3.0, 12.0]))
    return found


def _one(found: Tally, story: Stepper, name: str, wait_s: float) -> None:
    found.runs += 1
    story.after(s=wait_s)
    unknown = story.state is State.UNKNOWN
    if unknown:  # a close from a phase that is not known is never pressed for
        story.officer_says(Command.CLOSE).after(s=1.0)
        found.blind += story.presses
        story.officer_says(Command.STOP).after(s=0.1)
    opened = 0 if story.state is State.OPEN else story.reaches(Command.OPEN, State.OPEN)
    if opened is None:
        found.lost.append(f"{name}: not opened, {story.state}, {[str(code) for code in story.ended[-1:]]}")
        return
    found.opened[opened] += 1
    story.after(s=2.5)
    closed = story.reaches(Command.CLOSE, State.CLOSED)
    if closed is None:
        found.lost.append(f"{name}: opened by {opened}, not closed, {story.state}")
        return
    found.closed[closed] += 1


EVERY_LOGIC = tuple(sorted(LOGICS))
