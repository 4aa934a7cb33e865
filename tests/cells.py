"""Every situation that can be reached, every sample, every command, a silence: one step each, judged by `cell_judge`.

`explore` tells random scenarios of every kind of gate (`SITES`), in a world just large enough to answer the relays. A
situation is told apart by what stands in `key`; as soon as a new one is reached, by a scenario or as what one cell
makes of another situation, all its cells are judged:

- each combination of limits, beam, edge, emergency stop, release or key, and of a relay that is on or not, held for one
  sample and then for longer than any debounce; each other input alone; each relay that nobody ordered;
- each command, from somebody who sees the gate and somebody who does not; a plan that is only to be known; a silence.

`python -m tests.cells` prints how many there were, or the first invariant that broke.
"""

from __future__ import annotations

import argparse
import itertools
import random
import sys
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field, replace

from gate import machine
from gate.memory import Decision, Gate, Kept, Plan, Wanted
from gate.model import Code, Command, Direction, Drive, Inputs, Mode, Origin, Outputs, Relay, Sensor, State
from gate.site import Site, Timing
from gate.steps import LOGICS, RUNS, Step
from tests.cell_judge import RELAYS, ViolationError, judge_command, judge_held, judge_sample, judge_silence
from tests.cell_judge import Step as Judged

STEP_S = 0.005
HELD_S = 0.035
TRAVEL_S = 2.0
SCENARIOS = 16
EVENTS = 45
OFFICER = Origin(type="person", id="u1")
TIMING = Timing(
    max_travel_s=4.0, leave_limit_s=1.0, lockdown_retry_s=9.0, beam_tamper_s=3.0, siren_s=9.0, hold_s=20.0,
    courtesy_s=4.0, remind_s=9.0, hold_reminder_s=5.0, opening_patience_s=9.0, pass_s=3.0,
)  # fmt: skip
ALL = frozenset(Sensor)
SITES = (
    Site(timing=TIMING, sensors=ALL, auto_close_s=3.0, after_pass_s=1.0, open_and_stay=True),
    Site(timing=TIMING, sensors=ALL, has_beam_test=True, auto_close_s=3.0),
    Site(timing=TIMING, sensors=ALL - {Sensor.BEAM}, auto_close_s=3.0),
    Site(timing=TIMING, sensors=ALL, drive=Drive.MOMENTARY, after_pass_s=1.0, auto_close_s=3.0),
    Site(timing=TIMING, sensors=ALL, drive=Drive.STEP, logic="open_stop_close_stop", auto_close_s=3.0),
    Site(timing=TIMING, sensors=ALL, drive=Drive.STEP, logic="open_stop_close_open"),
    Site(timing=TIMING, sensors=ALL, drive=Drive.STEP, logic="condominium_stop", auto_close_s=3.0),
)
LIMITS = (Sensor.LIMIT_OPEN, Sensor.LIMIT_CLOSED)
CROSSED = (*LIMITS, Sensor.BEAM, Sensor.EDGE, Sensor.ESTOP)
KEYS = (frozenset[Sensor](), frozenset({Sensor.RELEASE}), frozenset({Sensor.MAINTENANCE}))
ALONE = tuple(sorted(ALL - {*CROSSED, Sensor.RELEASE, Sensor.MAINTENANCE}))
COMBINATIONS = [
    frozenset(sensor for sensor, on in zip(CROSSED, levels, strict=True) if on) | key
    for levels in itertools.product([False, True], repeat=len(CROSSED))
    for key in KEYS
]
NOISE = (Sensor.BEAM, Sensor.EDGE, Sensor.MAINTENANCE, Sensor.RELEASE, Sensor.ESTOP, Sensor.LIMIT_OPEN,
         Sensor.LIMIT_CLOSED, Sensor.BEAM, Sensor.EDGE, Sensor.MAINTENANCE, *ALONE)  # fmt: skip
BUTTONS = (Sensor.OPEN_BUTTON, Sensor.CLOSE_BUTTON)
ORDERS = [*Command, *[Command.OPEN, Command.CLOSE, Command.RESET, Command.ACKNOWLEDGE] * 3]
KEPT = (
    Kept(troubles=(Code.SOFT_LOCK,)),
    None,
    Kept(mode=Mode.LOCKDOWN),
    Kept(mode=Mode.EMERGENCY_OPEN),
    Kept(mode=Mode.HOLD_OPEN, mode_left_s=20.0),
    Kept(troubles=(Code.EDGE,), open_s=(2.0, 2.0, 2.0)),
)
"""What stood before the start that a scenario begins with."""
WANTED = tuple(
    Wanted(command=command, command_id=f"new-{number}", by=OFFICER, sighted=sighted, minutes=1)
    for number, (command, sighted) in enumerate(itertools.product(Command, [False, True]))
)


def key(gate: Gate, site: Site) -> tuple[object, ...]:
    """Tell situations apart: the kind of gate, state, mode, health, what is pending and what is being done."""
    move, pending, standing, fresh_s = gate.move, gate.pending, gate.standing, gate.senses.fresh_s
    fresh = fresh_s is not None and gate.seen_s is not None and gate.seen_s - fresh_s >= TIMING.recover_s
    return (
        site.drive, site.logic, site.has_beam, site.has_beam_test,
        gate.state, standing.mode, standing.overlay, standing.pursued, gate.health, gate.phase, gate.seen_s is None,
        pending and (pending.direction, pending.due_s is None),
        move and (move.direction, move.ruled, move.is_escape, move.held, move.warning_s > 0),
        gate.motion.energised_s is None, fresh,
    )  # fmt: skip


@dataclass(kw_only=True)
class World:
    """Just enough of a yard: a leaf that follows its relays, and inputs that somebody meddles with."""

    site: Site
    leaf: float
    odd: frozenset[Sensor] = frozenset()
    running: frozenset[Relay] = frozenset()
    way: Direction | None = None
    phase: Step = Step.CLOSED
    dark: bool = False

    def follow(self, ordered: Outputs, dt_s: float) -> None:
        """Let the leaf move, and the pins and the beam's transmitter follow what is ordered."""
        self.dark = ordered.beam_test
        now_on = frozenset([ordered.relay] if ordered.relay else [])
        for on in now_on - self.running:
            if on is Relay.STEP:
                self.phase = LOGICS[self.site.logic][self.phase]
                self.way = next((way for way, step in RUNS.items() if step is self.phase), None)
            else:
                self.way = {Relay.OPEN: Direction.OPEN, Relay.CLOSE: Direction.CLOSE}.get(on)
        if self.site.drive is Drive.HELD and not now_on:
            self.way = None
        self.running = now_on
        if self.way is not None:
            step = dt_s / TRAVEL_S if self.way is Direction.OPEN else -dt_s / TRAVEL_S
            self.leaf = min(1.0, max(0.0, self.leaf + step))
            if self.leaf in {0.0, 1.0} and (self.leaf == 1.0) is (self.way is Direction.OPEN):
                self.way = None
                self.phase = Step.OPEN if self.leaf else Step.CLOSED

    def active(self) -> frozenset[Sensor]:
        """Return what the sensors show."""
        true = {Sensor.LIMIT_CLOSED} if self.leaf <= 0.03 else {Sensor.LIMIT_OPEN} if self.leaf >= 0.97 else set()
        return frozenset(true) ^ self.odd | ({Sensor.BEAM} if self.dark else frozenset())


@dataclass(kw_only=True)
class Explorer:
    """Tells scenarios, judges the cells of every new situation, and counts."""

    seen: set[tuple[object, ...]] = field(default_factory=set)
    cells: Counter[str] = field(default_factory=Counter)
    states: set[object] = field(default_factory=set)

    def explore(self, scenarios: int = SCENARIOS) -> None:
        """Tell that many scenarios of each site, each from another start. Raises `ViolationError`."""
        for seed in range(scenarios):
            for number, site in enumerate(SITES):
                chance = random.Random(f"{seed}-{number}")
                self._tell(site, KEPT[(seed + number) % len(KEPT)], chance)

    def _tell(self, site: Site, kept: Kept | None, chance: random.Random) -> None:
        world = World(site=site, leaf=chance.choice([0.0, 1.0, 0.5]))
        now_s = 1000.0
        gate = machine.begin(now_s, site, kept)
        for _ in range(EVENTS):
            gate = self._happen(gate, world, now_s, chance)
            until_s = now_s + chance.choice([0.02, 0.1, 0.3, 0.7, 2.3, 5.5])
            while now_s < until_s:
                dt_s = chance.choice([0.005, 0.02]) if gate.is_busy or world.running else 0.07
                now_s += dt_s
                world.follow(machine.outputs(gate, site), dt_s)
                gate = self._sample(gate, Inputs(at_s=now_s, active=world.active(), running=world.running), site)

    def _happen(self, gate: Gate, world: World, now_s: float, chance: random.Random) -> Gate:
        site, number = world.site, chance.random()
        if number < 0.45:
            wanted = Wanted(
                command=chance.choice(ORDERS), command_id=f"c{chance.random()}", by=OFFICER,
                sighted=chance.random() < 0.7, minutes=chance.choice([None, 1]),
            )  # fmt: skip
            decision = machine.command(gate, wanted, now_s, site)
            judge_command(Judged(site=site, before=gate, decision=decision, now_s=now_s), wanted)
        elif number < 0.8:
            if gate.mode is Mode.MAINTENANCE and chance.random() < 0.5:
                world.odd ^= {chance.choice(BUTTONS)}
                return gate
            world.odd = frozenset() if world.odd and chance.random() < 0.6 else world.odd ^ {chance.choice(NOISE)}
            return gate
        elif number < 0.9:
            plan = Plan(wants=chance.choice([None, State.OPEN, State.CLOSED]), moves=chance.random() < 0.8)
            decision = machine.plan(gate, plan, now_s, site)
        elif number < 0.95:
            world.leaf = chance.choice([0.0, 0.5, 1.0, world.leaf])
            return gate
        else:
            decision = machine.expire(gate, now_s, site, keeper_is_gone=True)
        return self._reach(decision.gate, now_s, site)

    def _sample(self, gate: Gate, sample: Inputs, site: Site) -> Gate:
        decision = machine.step(gate, sample, site)
        if decision.gate.due_s < sample.at_s or decision.facts:
            judge_sample(Judged(site=site, before=gate, decision=decision, now_s=sample.at_s, sample=sample))
            return self._reach(decision.gate, sample.at_s, site)
        return decision.gate

    def _reach(self, gate: Gate, now_s: float, site: Site) -> Gate:
        """Judge all cells of a situation that is new, and of the new ones that follow from it."""
        known = key(gate, site)
        if known not in self.seen:
            self.seen.add(known)
            for after, at_s in self._judge(gate, now_s, site):
                following = key(after, site)
                if following not in self.seen:
                    self.seen.add(following)
                    for _ in self._judge(after, at_s, site):
                        pass
        return gate

    # ------------------------------------------------------------------------------------------------- the cells

    def _judge(self, gate: Gate, now_s: float, site: Site) -> Iterator[tuple[Gate, float]]:
        self.states |= {gate.state, gate.mode, gate.health, gate.phase}
        yield from self._judge_samples(gate, now_s, site)
        for wanted in WANTED:
            decision = machine.command(gate, wanted, now_s, site)
            judge_command(Judged(site=site, before=gate, decision=decision, now_s=now_s), wanted)
            self.cells["commands"] += 1
            yield decision.gate, now_s
        yield from self._judge_rest(gate, now_s, site)

    def _judge_samples(self, gate: Gate, now_s: float, site: Site) -> Iterator[tuple[Gate, float]]:
        for sample in samples(gate, now_s + STEP_S, site):
            decision = machine.step(gate, sample, site)
            judge_sample(Judged(site=site, before=gate, decision=decision, now_s=sample.at_s, sample=sample))
            yield decision.gate, sample.at_s
            held = replace(sample, at_s=sample.at_s + HELD_S)
            later = machine.step(decision.gate, held, site)
            judge = Judged(site=site, before=decision.gate, decision=later, now_s=held.at_s, sample=held)
            if decision.gate.seen_s == sample.at_s:
                judge_held(judge)
            yield later.gate, held.at_s
            self.cells["samples"] += 2

    def _judge_rest(self, gate: Gate, now_s: float, site: Site) -> Iterator[tuple[Gate, float]]:
        for wants in (None, State.OPEN, State.CLOSED):
            known = machine.plan(gate, Plan(wants=wants, moves=False), now_s, site).gate
            idle = replace(known, plan=gate.plan, due_s=gate.due_s) == gate
            if not idle:
                raise ViolationError("I7: a plan that is only to be known changes something")
        silent_s = machine.deadline(gate, site) + STEP_S
        for at_s, gone in ((silent_s, False), (now_s, True)):
            decision: Decision = machine.expire(gate, at_s, site, keeper_is_gone=gone)
            judge_silence(Judged(site=site, before=gate, decision=decision, now_s=at_s))
            yield decision.gate, at_s
        self.cells["silences and plans"] += 5


def samples(gate: Gate, at_s: float, site: Site) -> Iterator[Inputs]:
    """Yield every sample that could come next."""
    raw = gate.senses.raw or frozenset()
    ordered = machine.outputs(gate, site).relay
    likely = frozenset([ordered] if ordered else []) or gate.senses.running
    steady = raw & frozenset(ALONE)
    for active in COMBINATIONS:
        for running in {frozenset[Relay](), likely}:
            yield Inputs(at_s=at_s, active=active | steady, running=running)
    for sensor in ALONE:
        yield Inputs(at_s=at_s, active=raw ^ {sensor}, running=likely)
    for relay in RELAYS[site.drive]:
        yield Inputs(at_s=at_s, active=raw, running=frozenset({relay}))
    yield Inputs(at_s=at_s, active=raw, running=frozenset({Relay.OPEN, Relay.CLOSE}))


def main() -> int:
    """Explore, and say how far it came."""
    parser = argparse.ArgumentParser(description="Every reachable situation, one step each.")
    parser.add_argument("--scenarios", type=int, default=SCENARIOS)
    explorer, began_s = Explorer(), time.process_time()
    try:
        explorer.explore(parser.parse_args().scenarios)
    except ViolationError as violation:
        print(f"{violation}, after {explorer.cells.total()} cells")
        return 1
    cells = ", ".join(f"{number} {what}" for what, number in explorer.cells.items())
    taken_s = time.process_time() - began_s
    print(
        f"{len(explorer.seen)} situations, {explorer.cells.total()} cells ({cells}), {taken_s:.1f} s of processor time"
    )
    return 0


if __name__ == "__main__":
    sys.exit(main())
