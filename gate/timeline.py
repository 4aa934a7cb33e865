"""A kept minute as a person reads it: only what changed, in the order in which it was decided. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, fields
from typing import assert_never

from gate.memory import Plan, Wanted
from gate.model import Kind, Outputs, Relay, Sensor
from gate.ring import Commanded, Decided, Incident, Planned, Row, Samples, Saw, Silenced, Switched, why_kept
from gate.wording import details

GAP_S = 0.1
NOTHING = "nothing"


@dataclass(frozen=True, kw_only=True, slots=True)
class Entry:
    """One thing that happened. `grave`: it is why the minute was kept."""

    at_s: float
    what: str
    text: str
    grave: bool = False


@dataclass(kw_only=True, slots=True)
class _Seen:
    """What was true so far."""

    active: frozenset[Sensor] | None = None
    running: frozenset[Relay] = field(default_factory=frozenset)
    sampled_s: float | None = None


def timeline(incident: Incident) -> Iterator[Entry]:
    """Yield what happened, oldest first."""
    seen = _Seen()
    first = incident.segments[0]
    gate = first.gate
    begun = f"{gate.state}, mode {gate.mode}, health {gate.health}; on: {_on(first.outputs)}"
    yield Entry(at_s=first.since_s, what="it begins", text=begun)
    for segment in incident.segments:
        for row in segment.rows:
            yield from _told(row, seen)


def _told(row: Row, seen: _Seen) -> Iterator[Entry]:
    match row:
        case Samples():
            yield from _sampled(row, seen)
        case Commanded():
            yield Entry(at_s=row.at_s, what="asked", text=_asked(row.wanted))
            yield from _decided(row.at_s, row.decided)
        case Silenced():
            text = "the keeper is gone" if row.keeper_is_gone else "no sample came in time"
            seen.sampled_s = None
            yield Entry(at_s=row.at_s, what="silence", text=text)
            yield from _decided(row.at_s, row.decided)
        case Planned():
            yield Entry(at_s=row.at_s, what="timetable", text=_planned(row.plan))
            yield from _decided(row.at_s, row.decided)
        case Saw():
            yield Entry(at_s=row.at_s, what="camera", text=row.why or "sees again")
            yield from _decided(row.at_s, row.decided)
        case Switched():
            yield Entry(at_s=row.at_s, what="ordered on", text=_on(row.outputs))
        case _:
            assert_never(row)


def _sampled(run: Samples, seen: _Seen) -> Iterator[Entry]:
    for at_s in run.at_s:
        gap_s = 0.0 if seen.sampled_s is None else at_s - seen.sampled_s
        if gap_s > GAP_S:
            yield Entry(at_s=at_s, what="gap", text=f"no sample for {gap_s * 1000:.0f} ms")
        if at_s == run.at_s[0]:
            yield from _changes(at_s, run, seen)
        seen.sampled_s = at_s
    yield from _decided(run.at_s[-1], run.decided)


def _changes(at_s: float, run: Samples, seen: _Seen) -> Iterator[Entry]:
    """Tell which inputs and which relays' pins changed."""
    if seen.active is None:
        yield Entry(at_s=at_s, what="inputs", text=" ".join(sorted(run.active)) or NOTHING)
    elif run.active != seen.active:
        yield Entry(at_s=at_s, what="inputs", text=_turned(seen.active, run.active))
    if run.running != seen.running:
        yield Entry(at_s=at_s, what="pins", text=_turned(seen.running, run.running))
    seen.active, seen.running = run.active, run.running


def _turned(before: frozenset[Sensor] | frozenset[Relay], after: frozenset[Sensor] | frozenset[Relay]) -> str:
    on = [f"{name} on" for name in sorted(after - before)]
    return ", ".join([*on, *(f"{name} off" for name in sorted(before - after))])


def _decided(at_s: float, decided: Decided) -> Iterator[Entry]:
    for fact in decided.facts:
        by = "" if fact.by.type == "rule" else f" by {fact.by.name or fact.by.id}"
        grave = fact.kind is Kind.ALARM_RAISED or bool(why_kept(fact))
        yield Entry(at_s=at_s, what=fact.kind, text=f"{details(fact.data)}{by}", grave=grave)
    for ended in decided.ended:
        yield Entry(at_s=at_s, what="ended", text=f"{ended.command_id} {ended.code or 'done'}")
    if decided.under_way:
        yield Entry(at_s=at_s, what="joined", text=f"{decided.under_way}, which is under way")


def _asked(wanted: Wanted) -> str:
    more = [
        "sighted" if wanted.sighted else "",
        f"{wanted.minutes} min" if wanted.minutes else "",
        f"by {wanted.by.name or wanted.by.id}",
        f"because {wanted.reason!r}" if wanted.reason else "",
    ]
    return f"{wanted.command}, {', '.join(filter(None, more))} ({wanted.command_id})"


def _planned(plan: Plan) -> str:
    wants = f"wants {plan.wants or NOTHING}"
    loop = "" if plan.exit_opens else ", the exit loop does not open"
    return f"{wants}{loop}{', and moves for it' if plan.moves else ', and moves nothing for it'}"


def _on(outputs: Outputs | None) -> str:
    if outputs is None:
        return "not known"
    others = [known.name for known in fields(outputs) if getattr(outputs, known.name) is True]
    return " ".join([*([outputs.relay] if outputs.relay else []), *others]) or NOTHING
