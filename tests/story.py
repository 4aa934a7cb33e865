"""A gate on a clock that the test owns: real rules, real guard, real yard, no time going by.

`Story` reads as it is told: `story.gate_is(State.OPEN).officer_says(Command.CLOSE).after(s=3.0)`. It steps by 5 ms
while something may run and by 20 ms otherwise, as the keeper samples. After each step an oracle that looks only at the
yard (which relays are on, where the leaf is) checks the invariants of docs/safety.md; a story that breaks one fails
wherever it stands.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from gate import machine
from gate.keeper import Guard
from gate.memory import Decision, Ended, Happened, Timing, Wanted
from gate.model import Code, Command, Direction, Health, Inputs, Kind, Origin, Outputs, Refusal, State
from gate.world import Yard

STEP_S = 0.005
REST_STEP_S = 0.020
LEASE_S = 0.3
OFFICER = Origin(type="person", id="u1", name="Trung úy Lan")


@dataclass(kw_only=True)
class Oracle:
    """Judges by what the relays do and where the leaf is, never by what the rules believe."""

    timing: Timing
    has_beam: bool
    off_s: dict[Direction, float] = field(default_factory=dict)
    on_s: dict[Direction, float] = field(default_factory=dict)
    heard_s: float = 0.0
    clear_s: float = 0.0

    def judge(
        self, now_s: float, on: frozenset[Direction], before: frozenset[Direction], sensors: dict[str, bool]
    ) -> None:
        """Check I1-I6 and I9 for the relays that are on now."""
        assert len(on) <= 1, "I1: both directions energised"
        for way in before - on:
            self.off_s[way] = now_s
        for way in on - before:
            rest_s = now_s - self.off_s.get(way.opposite, -1e9)
            assert rest_s >= self.timing.dead_time_s - 1e-6, f"I2: {way} only {rest_s:.3f} s after the other direction"
            limit = "limit_open" if way is Direction.OPEN else "limit_closed"
            assert not sensors[limit], f"I3: {way} energised with its limit active"
            broken = self.has_beam and sensors["beam"]
            assert not (way is Direction.CLOSE and broken), "I4: closing started with the beam broken"
            self.on_s[way] = now_s
        for way in on:
            ran_s = now_s - self.on_s[way]
            assert ran_s <= self.timing.max_travel_s + 0.05, f"I9: {way} has run for {ran_s:.2f} s"
        if not on:
            return
        silent_s = now_s - self.heard_s
        assert silent_s <= LEASE_S + 0.05, f"I6: {on} on {silent_s:.3f} s after the controller was heard"
        if Direction.CLOSE in on and self.has_beam and silent_s < STEP_S:
            broken_s = now_s - self.clear_s
            assert broken_s <= 0.05, f"I5: closing for {broken_s:.3f} s with the beam broken"


class Story:
    """One gate, one yard, one clock."""

    def __init__(self, timing: Timing | None = None, *, has_beam: bool = True, leaf: float = 0.0) -> None:
        self.timing = timing or Timing(max_travel_s=20.0)
        self.now_s = 1000.0
        self.yard = Yard()
        self.yard.leaf = leaf
        self.has_beam = has_beam
        self.gate = machine.begin(self.now_s, has_beam=has_beam)
        self.guard = Guard(lease_s=LEASE_S, dead_time_s=self.timing.dead_time_s, born_s=self.now_s)
        self.oracle = Oracle(timing=self.timing, has_beam=has_beam)
        self.relays: frozenset[Direction] = frozenset()
        self.facts: list[Happened] = []
        self.ended: list[Ended] = []
        self.refusals: list[Refusal] = []
        self.lies: dict[str, bool] = {}
        self.keeper_answers = True
        self.controller_runs = True
        self.dead_relays = False
        self.shorted: Direction | None = None
        self._orders = 0

    # what is told

    def gate_is(self, state: State) -> Story:
        """Begin with a leaf at a limit, or half-way for `unknown`, after the sensors have settled."""
        self.yard.leaf = {State.CLOSED: 0.0, State.OPEN: 1.0}.get(state, 0.5)
        self.after(s=2.6)
        assert self.gate.state is state, self.gate
        return self

    def officer_says(self, command: Command, *, sighted: bool = True) -> Story:
        """Give a command as a person would, seeing the gate unless said otherwise."""
        self._orders += 1
        wanted = Wanted(command=command, command_id=f"c{self._orders}", by=OFFICER, sighted=sighted)
        self._take(machine.command(self.gate, wanted, self.now_s, self.timing))
        return self

    def after(self, *, s: float) -> Story:
        """Let story time go by."""
        end_s = self.now_s + s
        while end_s - self.now_s > STEP_S / 10:
            self._tick(min(end_s - self.now_s, STEP_S if self._is_busy else REST_STEP_S))
        return self

    def until(self, condition: Callable[[Story], bool], *, within_s: float = 60.0) -> Story:
        """Let story time go by until the condition holds."""
        end_s = self.now_s + within_s
        while not condition(self):
            assert self.now_s < end_s, f"not within {within_s} s: {self.gate}"
            self._tick(STEP_S)
        return self

    def car_breaks_the_beam(self) -> Story:
        """Put something into the light of the photocell."""
        self.yard.beam_held = True
        return self

    def beam_clears(self) -> Story:
        """Take it away again."""
        self.yard.beam_held = False
        return self

    def sensor_says(self, **levels: bool) -> Story:
        """Make sensors lie from now on."""
        self.lies.update(levels)
        return self

    def keeper_falls_silent(self) -> Story:
        """No sample comes any more."""
        self.keeper_answers = False
        return self

    def keeper_speaks_again(self) -> Story:
        """Let samples come again."""
        self.keeper_answers = True
        return self

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
        return machine.outputs(self.gate, self.now_s)

    @property
    def closing_drive(self) -> bool:
        """Whether the close relay is really on."""
        return Direction.CLOSE in self.relays

    @property
    def opening_drive(self) -> bool:
        """Whether the open relay is really on."""
        return Direction.OPEN in self.relays

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

    @property
    def _is_busy(self) -> bool:
        """Whether the keeper would sample fast."""
        return self.gate.move is not None or bool(self.relays)

    def _tick(self, step_s: float) -> None:
        self.now_s += step_s
        self.yard.advance(step_s, self.relays)
        sensors = {**self.yard.sensors(), **self.lies}
        if self.keeper_answers and self.controller_runs:
            beam = sensors["beam"] if self.has_beam else None
            sample = Inputs(
                at_s=self.now_s,
                limit_open=sensors["limit_open"],
                limit_closed=sensors["limit_closed"],
                beam=beam,
                running=self.relays,
            )
            self._take(machine.step(self.gate, sample, self.timing))
        elif self.controller_runs and self.now_s >= machine.deadline(self.gate, self.timing):
            self._take(machine.expire(self.gate, self.now_s, self.timing))
        if not sensors["beam"]:
            self.oracle.clear_s = self.now_s
        if self.keeper_answers and self.controller_runs:
            self.oracle.heard_s = self.now_s
            self.guard.order(self.now_s, self.outputs.drive, frozenset(), self.now_s)
        drive, _ = self.guard.settle(self.now_s)
        before, self.relays = self.relays, frozenset([drive] if drive and not self.dead_relays else [])
        if self.shorted is None:
            self.oracle.judge(self.now_s, self.relays, before, sensors)
        else:
            self.relays |= {self.shorted}
        if self.controller_runs:  # one that hangs publishes nothing; who listens sees the age
            self._check_proof(sensors)

    def _check_proof(self, sensors: dict[str, bool]) -> None:
        """I8: open and closed only while the limit is (or 30 ms ago was) active and samples come."""
        claims = {State.CLOSED: "limit_closed", State.OPEN: "limit_open"}
        limit = claims.get(self.gate.state)
        if limit is not None and not sensors[limit]:
            level = self.gate.limit_closed if limit == "limit_closed" else self.gate.limit_open
            seen_s = self.gate.seen_s
            assert seen_s is not None, "I8: claimed without a sample"
            if self.now_s - seen_s > REST_STEP_S:
                assert self.now_s - seen_s <= self.timing.proof_s + REST_STEP_S, (
                    f"I8: {self.gate.state} by an old sample"
                )
            else:
                doubted_s = level.doubted_s or self.now_s
                debounce_s = self.timing.limit_debounce_s + 2 * REST_STEP_S
                assert self.now_s - doubted_s <= debounce_s, f"I8: {self.gate.state} without its limit"

    def _take(self, decision: Decision) -> None:
        self.gate = decision.gate
        self.facts += decision.facts
        self.ended += decision.ended
        if decision.refusal:
            self.refusals.append(decision.refusal)
