"""Every situation that can be reached, every sample, every command, one step each: what no story thought of.

Situations are gathered from random faulty scenarios (tests/campaign.py) and told apart by everything but the clock.
Each cell is judged by the invariants of docs/safety.md alone, not by what the rules say they do.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from dataclasses import replace

import pytest

from gate import machine
from gate.memory import Decision, Gate, Level, Phase, Timing, Wanted
from gate.model import Code, Command, Direction, Health, Inputs, Kind, State
from tests import campaign
from tests.story import OFFICER, Story

SEEDS = range(40_000, 40_080)
LEAST_CELLS = 100_000
STEP_S = 0.005
TIMING = Timing(max_travel_s=20.0)
RUNNING = [frozenset[Direction](), frozenset({Direction.OPEN}), frozenset({Direction.CLOSE}), frozenset(Direction)]
LIMIT_OF = {State.OPEN: Direction.OPEN, State.CLOSED: Direction.CLOSE}


class Watching(Story):
    """A story that remembers each new situation."""

    situations: dict[tuple[object, ...], Gate]

    def _take(self, decision: Decision) -> None:
        super()._take(decision)
        self.situations.setdefault(key(self.gate, self.now_s), self.gate)


def key(gate: Gate, now_s: float) -> tuple[object, ...]:
    """Tell situations apart: everything the rules look at, with times as what they are compared to."""
    return (
        gate.phase, gate.state, gate.evidence, gate.health, gate.reasons, gate.left_limit, gate.on_way, gate.running,
        gate.move and (gate.move.direction, gate.move.ruled, gate.move.loud, gate.move.warning_s),
        shape(gate.limit_open), shape(gate.limit_closed), shape(gate.beam),
        gate.raw and (gate.raw.limit_open, gate.raw.limit_closed, gate.raw.beam),
        gate.energised_s is None, gate.seen_s is None, bool(gate.stopping), gate.last and gate.last.direction,
        gate.on_s is not None and now_s - gate.on_s < TIMING.dead_time_s,
        gate.fresh_s is not None and now_s - gate.fresh_s < TIMING.recover_s,
        gate.off_s is not None and now_s - gate.off_s < TIMING.pick_up_s,
    )  # fmt: skip


def shape(level: Level | None) -> tuple[bool, bool] | None:
    """Return a level without its time."""
    return None if level is None else (level.active, level.doubted_s is not None)


@pytest.fixture(scope="module")
def situations() -> list[Gate]:
    """Gather what random scenarios reach, and everything that one more sample or command makes of it."""
    Watching.situations = {}
    for seed in SEEDS:
        campaign.run(seed, Watching)
    found = Watching.situations
    for gate in list(found.values()):
        now_s = now_of(gate)
        after = [machine.step(gate, sample, TIMING).gate for sample in samples(gate)]
        after += [machine.command(gate, wanted, now_s, TIMING).gate for wanted in commands()]
        for reached in after:
            found.setdefault(key(reached, now_s), reached)
    return list(found.values())


def samples(gate: Gate) -> Iterator[Inputs]:
    """Yield every sample that could come next."""
    beams = [None] if gate.beam is None else [False, True]
    at_s = now_of(gate)
    for limit_open, limit_closed, beam, running in itertools.product([False, True], [False, True], beams, RUNNING):
        yield Inputs(at_s=at_s, limit_open=limit_open, limit_closed=limit_closed, beam=beam, running=running)


def commands() -> Iterator[Wanted]:
    """Yield every command, from somebody who sees the gate and somebody who does not."""
    for number, (command, sighted) in enumerate(itertools.product(Command, [False, True])):
        yield Wanted(command=command, command_id=f"new-{number}", by=OFFICER, sighted=sighted)


def now_of(gate: Gate) -> float:
    return max(gate.phase_s, gate.seen_s or 0.0, gate.state_s) + STEP_S


def judge(before: Gate, after: Gate, now_s: float) -> None:
    """Check what must hold after any one step."""
    was = machine.outputs(before, now_s).drive
    drive = machine.outputs(after, now_s).drive
    if drive is not None:
        assert after.health is not Health.HARD_LOCK, "I10"
        assert not (drive is Direction.CLOSE and after.beam is not None and after.beam.active), "I4"
    if drive is not None and drive is not was:
        assert after.raw is not None
        assert not after.raw.limit(drive), "I3: the raw limit"
        assert not after.limit(drive).active, "I3"
        assert not after.raw.running, "I2: something is still on"
        recent = before.on_s is not None and now_s - before.on_s < TIMING.dead_time_s - 1e-9
        assert not (recent and before.on_way is drive.opposite), "I2"
    if after.state in LIMIT_OF:
        assert after.limit(LIMIT_OF[after.state]).active, "I8"
        assert after.seen_s is not None, "I8"


def test_there_are_enough_situations(situations: list[Gate]) -> None:
    cells = sum(len(list(samples(gate))) + len(list(commands())) + 2 for gate in situations)
    print(f"{len(situations)} situations, {cells} cells")
    assert cells >= LEAST_CELLS
    assert {gate.phase for gate in situations} == set(Phase)
    assert {gate.state for gate in situations} == set(State)
    assert {gate.health for gate in situations} == set(Health)


def test_no_sample_breaks_an_invariant(situations: list[Gate]) -> None:
    """I2, I3, I4, I7, I8, I10, I14."""
    for gate in situations:
        for sample in samples(gate):
            decision = machine.step(gate, sample, TIMING)
            judge(gate, decision.gate, sample.at_s)
            started = machine.outputs(decision.gate, sample.at_s).drive
            assert started is None or gate.move is not None, "I7: a sample alone starts nothing"
            energised = [fact for fact in decision.facts if fact.kind is Kind.DRIVE_ENERGISED]
            assert all(fact.data["command_id"] and fact.data["cause"] for fact in energised), "I14"
            assert len({end.command_id for end in decision.ended}) == len(decision.ended), "I15"


def test_no_command_breaks_an_invariant(situations: list[Gate]) -> None:
    """I2, I3, I4, I8, I10; a refusal changes nothing, a stop is never refused, a reset moves nothing."""
    for gate in situations:
        now_s = now_of(gate)
        for wanted in commands():
            decision = machine.command(gate, wanted, now_s, TIMING)
            after, drive = decision.gate, machine.outputs(decision.gate, now_s).drive
            judge(gate, after, now_s)
            if decision.refusal:
                assert after == gate
                assert wanted.command is not Command.STOP
            if wanted.command is Command.STOP:
                assert drive is None
                assert after.move is None
            if wanted.command is Command.RESET:
                assert drive is machine.outputs(gate, now_s).drive
            if wanted.command is Command.CLOSE and not wanted.sighted and not decision.refusal and gate.move is None:
                assert drive is None, "a close that nobody saw is warned of first"
            moves = wanted.command in {Command.OPEN, Command.CLOSE}
            if moves and gate.health is Health.HARD_LOCK and gate.phase is not Phase.SETTLING:
                assert decision.refusal is not None
                assert decision.refusal.code in {Code.HARD_LOCK, Code.LIMIT_CONFLICT, Code.KEEPER_DOWN}


def test_no_silence_leaves_anything_on_or_proven(situations: list[Gate]) -> None:
    """I4, I6, I8: at its deadline, and when the keeper dies."""
    for gate in situations:
        late_s = machine.deadline(gate, TIMING) + STEP_S
        for decision in (
            machine.expire(gate, late_s, TIMING),
            machine.expire(gate, now_of(gate), TIMING, keeper_is_gone=True),
        ):
            assert machine.outputs(decision.gate, late_s).drive is None
            assert decision.gate.state is State.UNKNOWN
            assert decision.gate.stopping == ()
            assert decision.gate.health is not Health.OK


def test_a_planted_fault_is_found(situations: list[Gate]) -> None:
    """The judge can fail: a gate that closes onto a broken beam does not pass it."""
    closing = next(g for g in situations if machine.outputs(g, now_of(g)).drive is Direction.CLOSE and g.beam)
    blind = replace(closing, beam=Level(active=True))
    with pytest.raises(AssertionError, match="I4"):
        judge(blind, blind, now_of(blind))
