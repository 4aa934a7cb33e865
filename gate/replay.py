"""A recorded minute through the rules again: the same calls in the same order must give the same answers.

The rules are pure, so a difference means one of two things: the program that replays has other rules than the one that
recorded (another version), or the record is not what happened. Each keyframe is compared whole, and where it differs
the replay goes on from the recorded one, so that one difference is told once. Pure.
"""

from __future__ import annotations

from collections.abc import Generator, Iterator
from dataclasses import dataclass, fields, is_dataclass
from typing import Protocol, assert_never

from gate.memory import Decision, Gate, Plan, Wanted
from gate.model import Code, Inputs, Json, Outputs
from gate.plain import encode
from gate.ring import QUIET, Commanded, Decided, Incident, Planned, Row, Samples, Saw, Silenced, Switched
from gate.site import Site

SHELL_CODES = frozenset({Code.DUPLICATE, Code.EXPIRED, Code.STALE_SEQUENCE, Code.NOT_PERMITTED, Code.RATE_LIMITED})
"""The refusals that the rules never see: who, how late and about which gate is judged before them."""


class Rules(Protocol):
    """The calls of `machine` that are replayed."""

    def step(self, gate: Gate, inputs: Inputs, site: Site) -> Decision:
        """Decide on one sample."""

    def expire(self, gate: Gate, now_s: float, site: Site, *, keeper_is_gone: bool = False) -> Decision:
        """Decide on a silence."""

    def command(self, gate: Gate, wanted: Wanted, now_s: float, site: Site) -> Decision:
        """Obey or refuse."""

    def plan(self, gate: Gate, plan: Plan, now_s: float, site: Site) -> Decision:
        """Take note of the timetable."""

    def see(self, gate: Gate, why: str, now_s: float, site: Site) -> Decision:
        """Take note of the camera."""

    def outputs(self, gate: Gate, site: Site) -> Outputs:
        """Say what is to be energised."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Difference:
    """One place where the rules answer otherwise than recorded. `what` names it, the others are JSON data."""

    at_s: float
    what: str
    recorded: Json
    replayed: Json


def replay(incident: Incident, site: Site, rules: Rules) -> Iterator[Difference]:
    """Yield where these rules decide differently from what was recorded; nothing where they don't."""
    followers = [*(segment.gate for segment in incident.segments[1:]), incident.gate]
    for segment, recorded in zip(incident.segments, followers, strict=True):
        at_s, gate = segment.since_s, segment.gate
        try:
            for row in segment.rows:
                at_s = end_of(row)
                gate = yield from _replayed(row, gate, site, rules)
        except Exception as error:  # noqa: BLE001 - what the rules do with a foreign record is a finding, no crash
            told = f"{type(error).__name__}: {error}"
            yield Difference(at_s=at_s, what="the rules failed", recorded=None, replayed=told)
            continue
        yield from _compared(at_s, "memory", recorded, gate)


def _replayed(row: Row, gate: Gate, site: Site, rules: Rules) -> Generator[Difference, None, Gate]:
    """Decide on one row again, yield what differs and return the rules' memory after it."""
    match row:
        case Samples():
            return (yield from _resampled(row, gate, site, rules))
        case Commanded():
            refusal = row.decided.refusal
            if refusal is not None and refusal.code in SHELL_CODES:
                return gate
            decision = rules.command(gate, row.wanted, row.at_s, site)
            yield from _judged(row.at_s, f"command {row.wanted.command}", row.decided, decision)
        case Silenced():
            decision = rules.expire(gate, row.at_s, site, keeper_is_gone=row.keeper_is_gone)
            yield from _judged(row.at_s, "silence", row.decided, decision)
        case Planned():
            decision = rules.plan(gate, row.plan, row.at_s, site)
            yield from _judged(row.at_s, "plan", row.decided, decision)
        case Saw():
            decision = rules.see(gate, row.why, row.at_s, site)
            yield from _judged(row.at_s, "camera", row.decided, decision)
        case Switched():
            yield from _compared(row.at_s, "outputs", row.outputs, rules.outputs(gate, site))
            return gate
        case _:
            assert_never(row)
    return decision.gate


def _resampled(run: Samples, gate: Gate, site: Site, rules: Rules) -> Generator[Difference, None, Gate]:
    for number, at_s in enumerate(run.at_s, start=1):
        decision = rules.step(gate, Inputs(at_s=at_s, active=run.active, running=run.running), site)
        gate = decision.gate
        yield from _judged(at_s, "sample", run.decided if number == len(run.at_s) else QUIET, decision)
    return gate


def _judged(at_s: float, what: str, recorded: Decided, decision: Decision) -> Iterator[Difference]:
    """Compare what was answered: facts, ended commands, refusal."""
    for field in fields(recorded):
        yield from _compared(
            at_s, f"{what}: {field.name}", getattr(recorded, field.name), getattr(decision, field.name)
        )


def _compared(at_s: float, what: str, recorded: object, replayed: object) -> Iterator[Difference]:
    """Yield the smallest parts in which two values differ, each by its path."""
    if recorded == replayed:
        return
    if is_dataclass(recorded) and type(recorded) is type(replayed):
        for field in fields(recorded):
            ours, theirs = getattr(recorded, field.name), getattr(replayed, field.name)
            yield from _compared(at_s, f"{what}.{field.name}", ours, theirs)
        return
    before, after = encode(recorded), encode(replayed)
    if before != after:  # an enum and its word are the same once they stand in a file
        yield Difference(at_s=at_s, what=what, recorded=before, replayed=after)


def end_of(row: Row) -> float:
    """Return the moment of a row, the last one of a run of samples."""
    return row.at_s[-1] if isinstance(row, Samples) else row.at_s
