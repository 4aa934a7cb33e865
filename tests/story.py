"""A gate on a clock that the test owns: real rules, real guard, real yard, no time going by.

`Story` reads as it is told: `story.gate_is(State.OPEN).officer_says(Command.CLOSE).after(s=3.0)`. It steps by 5 ms
while something may run and by 20 ms otherwise, as the keeper samples. After each step an oracle that looks only at the
yard (which pins are on, where the leaf is, what the motor does) checks the invariants of docs/safety.md; a story that
breaks one fails wherever it stands.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Self

from gate import machine
from gate.keeper import Guard
from gate.memory import Decision, Ended, Happened, Kept, Motion, Phase, Plan, Wanted, Watch
from gate.model import (
    Alarm,
    Code,
    Command,
    Drive,
    Health,
    Inputs,
    Kind,
    Origin,
    Outputs,
    Refusal,
    Relay,
    Sensor,
    State,
)
from gate.site import Site, Timing
from gate.world import Yard
from tests.oracle import LEASE_S, Oracle

STEP_S = 0.005
REST_STEP_S = 0.020
BEYOND_TRAVEL_S = 1.0
LONGEST_PULSE_S = 1.0
OFFICER = Origin(type="person", id="u1", name="Trung úy Lan")
LIMITS = frozenset({Sensor.LIMIT_OPEN, Sensor.LIMIT_CLOSED})
EVERY_SENSOR = frozenset(Sensor)
OFF: frozenset[Relay] = frozenset()
OTHERS = ("lamp", "buzzer", "siren", "light", "beam_test")


_ALONE = {relay: frozenset({relay}) for relay in Relay}


def guard_of(site: Site, now_s: float) -> Guard:
    """Return the keeper's own guard as it is at its start."""
    held = site.drive is Drive.HELD
    longest_s = site.timing.max_travel_s + BEYOND_TRAVEL_S if held else LONGEST_PULSE_S
    return Guard(
        lease_s=LEASE_S,
        dead_time_s=site.timing.dead_time_s,
        born_s=now_s,
        longest_s=dict.fromkeys(Relay, longest_s),
    )


class Story:
    """One gate, one yard, one clock."""

    def __init__(
        self,
        timing: Timing | None = None,
        *,
        site: Site | None = None,
        has_beam: bool = True,
        leaf: float | None = 0.0,
        kept: Kept | None = None,
        yard: Yard | None = None,
        began_s: float = 1000.0,
    ) -> None:
        site = site or Site(timing=timing or Timing(max_travel_s=20.0), sensors=EVERY_SENSOR)
        if not has_beam:
            site = replace(site, sensors=site.sensors - {Sensor.BEAM})
        self.site = site
        self.timing = site.timing
        self.now_s = began_s
        self.yard = yard or Yard(drive=site.drive, logic=site.logic)
        if leaf is not None:  # else it is where it is, and goes on as it goes
            self.yard.leaf = leaf
        self.gate = machine.begin(self.now_s, site, kept)
        self.guard = guard_of(site, self.now_s)
        self.oracle = Oracle(site, self.yard, self.now_s)
        self.oracle.starts(self.now_s, self.gate)
        self.pins = OFF
        self.others: frozenset[str] = frozenset()
        self.facts: list[Happened] = []
        self.ended: list[Ended] = []
        self.refusals: list[Refusal] = []
        self.lies: dict[str, bool] = {}
        self.keeper_answers = True
        self.controller_runs = True
        self.dead_pins = False
        self.shorted: Relay | None = None
        self._orders = 0
        self._shown: dict[str, bool] = {}
        self._active: frozenset[Sensor] = frozenset()
        self._asked_of: tuple[Motion, Watch] | None = None
        self._relay: Relay | None = None
        self._others: frozenset[str] = frozenset()

    # what is told

    def gate_is(self, state: State) -> Self:
        """Begin with a leaf at a limit, or half-way for `unknown`, after the sensors have settled."""
        self.yard.leaf = {State.CLOSED: 0.0, State.OPEN: 1.0}.get(state, 0.5)
        self.after(s=2.6)
        assert self.gate.state is state, self.gate
        return self

    def officer_says(
        self, command: Command, *, sighted: bool = True, minutes: int | None = None, lives_s: float | None = None
    ) -> Self:
        """Give a command as a person would, seeing the gate unless said otherwise; `lives_s`: until it is too late."""
        self._orders += 1
        wanted = Wanted(
            command=command, command_id=f"c{self._orders}", by=OFFICER, sighted=sighted, minutes=minutes,
            deadline_s=None if lives_s is None else self.now_s + lives_s,
        )  # fmt: skip
        decision = machine.command(self.gate, wanted, self.now_s, self.site)
        self.oracle.ledger.commanded(wanted, decision, self.now_s)
        if command is Command.STOP:
            self.oracle.stop_was_said(self.now_s)
        self.take(decision)
        return self

    def timetable_wants(
        self, wants: State | None, *, exit_opens: bool = True, moves: bool = True, renewed: bool = False
    ) -> Self:
        """Begin another period of the timetable; `renewed`: of another timetable that people set."""
        plan = Plan(wants=wants, exit_opens=exit_opens, moves=moves, renewed=renewed)
        self.oracle.ledger.planned(plan, self.now_s)
        self.take(machine.plan(self.gate, plan, self.now_s, self.site))
        return self

    def camera_says(self, why: str = "") -> Self:
        """Tell whether the camera can be believed: why not, or nothing."""
        self.take(machine.see(self.gate, why, self.now_s, self.site))
        return self

    def after(self, *, s: float) -> Self:
        """Let story time go by."""
        end_s = self.now_s + s
        while end_s - self.now_s > STEP_S / 10:
            self.tick(min(end_s - self.now_s, self.pace()))
        return self

    def pace(self) -> float:
        """Return how long the keeper waits for its next sample, in seconds."""
        return STEP_S if self.gate.is_busy or self.pins else REST_STEP_S

    def until(self, condition: Callable[[Self], bool], *, within_s: float = 60.0) -> Self:
        """Let story time go by until the condition holds."""
        end_s = self.now_s + within_s
        while not condition(self):
            assert self.now_s < end_s, f"not within {within_s} s: {self.gate}"
            self.tick(STEP_S)
        return self

    def until_is(self, state: State, *, within_s: float = 60.0) -> Self:
        """Let story time go by until that state is published."""
        return self.until(lambda story: story.gate.state is state, within_s=within_s)

    def car_breaks_the_beam(self) -> Self:
        """Put something into the light of the photocell."""
        self.yard.beam_held = True
        return self

    def beam_clears(self) -> Self:
        """Take it away again."""
        self.yard.beam_held = False
        return self

    def something(self, *words: str) -> Self:
        """Have something happen in the yard, in the words of `antt-gate yard`."""
        self.yard.obey(words[0], list(words[1:]))
        return self

    def sensor_says(self, **levels: bool) -> Self:
        """Make sensors lie from now on."""
        self.lies.update(levels)
        return self

    def short(self, relay: str) -> Self:
        """Have the pin of a relay be on whatever is ordered; `shorted = None` mends it."""
        self.shorted = Relay(relay)
        return self

    def sensors_tell_the_truth(self) -> Self:
        """End all lies."""
        self.lies.clear()
        return self

    def keeper_falls_silent(self) -> Self:
        """No sample comes any more."""
        self.keeper_answers = False
        return self

    def keeper_speaks_again(self) -> Self:
        """Let samples come again."""
        self.keeper_answers = True
        return self

    def keeper_dies(self, *, for_s: float = 0.5) -> Self:
        """End the keeper: its pins go off, the gate process notices, and starts another one after a while."""
        self._go_dark()
        self.guard = guard_of(self.site, self.now_s)
        self.take(machine.expire(self.gate, self.now_s, self.site, keeper_is_gone=True))
        answered, self.keeper_answers = self.keeper_answers, False
        self.after(s=for_s)
        self.guard, self.keeper_answers = guard_of(self.site, self.now_s), answered
        return self

    def power_comes_back(self, *, after_s: float = 1.0) -> Self:
        """Start controller and keeper anew, with what was kept; meanwhile nothing is energised."""
        kept = machine.kept(self.gate, self.now_s)
        self._go_dark()
        end_s = self.now_s + after_s
        while self.now_s < end_s:
            self.now_s += REST_STEP_S
            self.yard.advance(REST_STEP_S, OFF)
        self.gate = machine.begin(self.now_s, self.site, kept)
        self.guard = guard_of(self.site, self.now_s)
        self.oracle.starts(self.now_s, self.gate)
        return self

    def _go_dark(self) -> None:
        self.pins, self.others, self.yard.beam_test = OFF, frozenset(), False
        self.oracle.goes_dark(self.now_s)

    # what is asked

    @property
    def state(self) -> State:
        """What is published."""
        return self.gate.state

    @property
    def health(self) -> Health:
        """What is published."""
        return self.gate.health

    @property
    def outputs(self) -> Outputs:
        """What the rules want energised."""
        return machine.outputs(self.gate, self.site)

    @property
    def alarms(self) -> list[Alarm]:
        """What waits for somebody to acknowledge it."""
        return [raised.alarm for raised in self.gate.watch.alarms]

    @property
    def limits(self) -> frozenset[Sensor]:
        """Which limits the wires show."""
        return self._active & LIMITS

    @property
    def closing_drive(self) -> bool:
        """Whether the close relay is really on."""
        return Relay.CLOSE in self.pins

    @property
    def opening_drive(self) -> bool:
        """Whether the open relay is really on."""
        return Relay.OPEN in self.pins

    @property
    def is_warning(self) -> bool:
        """Whether lamp and buzzer warn of a move."""
        return self.gate.phase is Phase.WARNING

    def kinds(self) -> list[Kind]:
        """Return the kinds of all facts so far, in order."""
        return [fact.kind for fact in self.facts]

    def fact(self, kind: Kind) -> Happened:
        """Return the newest fact of that kind."""
        return next(fact for fact in reversed(self.facts) if fact.kind is kind)

    def outcome(self, number: int) -> Code | str:
        """Return how the n-th command ended: a code, "done" or "under way"."""
        ends = [ended for ended in self.ended if ended.command_id == f"c{number}"]
        assert len(ends) <= 1, f"I15: command {number} ended more than once"
        return "under way" if not ends else ends[0].code or "done"

    # how time goes by

    def tick(self, step_s: float) -> None:
        """Let one sample's time go by: yard, sample, rules, guard, judgement."""
        now_s = self.now_s = self.now_s + step_s
        self.yard.advance(step_s, self.pins)
        active = self._sensed()
        runs = self.controller_runs
        heard = self.keeper_answers and runs
        if heard:
            self.take(self.decide(Inputs(at_s=now_s, active=active, running=self.pins)))
            self._order(now_s)
        elif runs and now_s >= machine.deadline(self.gate, self.site):
            self.take(machine.expire(self.gate, now_s, self.site))
        self._switch(now_s)
        sound = heard and self.is_sound
        self.oracle.judge(
            now_s, self.pins, self.others, active, self.gate,
            heard=heard, runs=runs, sound=sound, shorted=self.shorted,
        )  # fmt: skip

    @property
    def is_sound(self) -> bool:
        """Whether nothing is broken in the yard, nothing in the way, and nobody lies."""
        if self.lies or self.dead_pins or self.shorted or not (self.keeper_answers and self.controller_runs):
            return False
        return not (self.yard.conditions or self.yard.beam_broken or self.yard.edge_pressed or self.yard._push_s)

    def _order(self, now_s: float) -> None:
        """Tell the guard what the rules want; it follows from two of the gate's records."""
        gate = self.gate
        asked = self._asked_of
        if asked is None or gate.motion is not asked[0] or gate.watch is not asked[1]:
            wanted = machine.outputs(gate, self.site)
            self._asked_of = gate.motion, gate.watch
            self._relay = wanted.relay
            self._others = frozenset(name for name in OTHERS if getattr(wanted, name))
        self.guard.order(now_s, self._relay, self._others, now_s)

    def _switch(self, now_s: float) -> None:
        """Let the keeper bring the pins to what its guard allows, and compare them as it does."""
        guard = self.guard
        relay, others = guard.settle(now_s)
        if others is not self.others:
            self.others = others
            self.yard.beam_test = self.site.has_beam_test and "beam_test" in others
        pins = OFF if relay is None or self.dead_pins else _ALONE[relay]
        if self.shorted is not None:
            stuck = OFF if relay is self.shorted else frozenset({self.shorted})
            pins |= {self.shorted}
            guard.saw(pins, stuck, now_s)
        elif pins or guard.stuck:
            guard.saw(pins, OFF, now_s)
        self.pins = pins

    def _sensed(self) -> frozenset[Sensor]:
        """Return what the wires of this site's sensors say."""
        shown = self.yard.sensors()
        if self.lies:
            shown |= self.lies
        if shown != self._shown:
            self._shown = shown
            self._active = frozenset(Sensor(name) for name, on in shown.items() if on) & self.site.sensors
        return self._active

    def decide(self, sample: Inputs) -> Decision:
        """Let the rules look at one sample."""
        return machine.step(self.gate, sample, self.site)

    def take(self, decision: Decision) -> None:
        """Carry on with what was decided."""
        self.gate = decision.gate
        if decision.facts or decision.ended:
            self.facts += decision.facts
            self.ended += decision.ended
            self.oracle.ledger.told(decision.facts, decision.ended, self.now_s)
        if decision.refusal:
            self.refusals.append(decision.refusal)
