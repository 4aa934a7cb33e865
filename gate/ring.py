"""The last minute of what the rules were given and what they answered, kept in memory and handed over when it matters.

The ring is asked for each sample, so it stores references and numbers only: equal samples in a row share one entry with
their times, and the rules' memory (`Gate`, which never changes) is referred to every five seconds. From such a keyframe
everything after it can be decided again by `replay.py`. Pure: no clock, no file; `incident.py` writes what is kept.
"""

from __future__ import annotations

import math
from array import array
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TypeAlias

from gate.memory import Decision, Ended, Gate, Happened, Plan, Wanted
from gate.model import Health, Inputs, Kind, Outputs, Refusal, Relay, Sensor

LENGTH_S = 60.0
KEYFRAME_S = 5.0
AFTERMATH_S = 5.0
LONGEST_AFTERMATH_S = 60.0
GRAVE = (Health.SOFT_LOCK, Health.HARD_LOCK, Health.ESTOP)


@dataclass(frozen=True, kw_only=True, slots=True)
class Decided:
    """What the rules answered beyond their memory. Most samples have no such answer."""

    facts: tuple[Happened, ...] = ()
    ended: tuple[Ended, ...] = ()
    refusal: Refusal | None = None
    under_way: str | None = None


QUIET = Decided()


@dataclass(kw_only=True, slots=True)
class Samples:
    """Equal samples in a row, taken at `at_s`. `decided` is the answer to the last of them; the others had none."""

    active: frozenset[Sensor]
    running: frozenset[Relay]
    at_s: array[float] = field(default_factory=lambda: array("d"))
    decided: Decided = QUIET


@dataclass(frozen=True, kw_only=True, slots=True)
class Commanded:
    """A command, obeyed or refused."""

    at_s: float
    wanted: Wanted
    decided: Decided


@dataclass(frozen=True, kw_only=True, slots=True)
class Silenced:
    """No sample came in time, or the keeper is gone."""

    at_s: float
    keeper_is_gone: bool
    decided: Decided


@dataclass(frozen=True, kw_only=True, slots=True)
class Planned:
    """What the timetable wants has changed."""

    at_s: float
    plan: Plan
    decided: Decided


@dataclass(frozen=True, kw_only=True, slots=True)
class Saw:
    """Whether the camera can be believed has changed; `why` is empty where it can."""

    at_s: float
    why: str
    decided: Decided


@dataclass(frozen=True, kw_only=True, slots=True)
class Switched:
    """What was ordered of the keeper from then on."""

    at_s: float
    outputs: Outputs


Row: TypeAlias = Samples | Commanded | Silenced | Planned | Saw | Switched


@dataclass(kw_only=True, slots=True)
class Segment:
    """A few seconds that begin with the rules' memory, and what was ordered, as they were before their first row."""

    since_s: float
    gate: Gate
    outputs: Outputs | None = None
    rows: list[Row] = field(default_factory=list)


@dataclass(frozen=True, kw_only=True, slots=True)
class Reason:
    """Why a minute is kept: an alarm's name, or a health with its worst cause."""

    at_s: float
    what: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Incident:
    """A minute that is kept, oldest segment first; `gate` is the rules' memory after its last row."""

    reasons: tuple[Reason, ...]
    segments: tuple[Segment, ...]
    gate: Gate


class Ring:
    """Remembers what goes into the rules and what comes out; `keep` is called with what must not be forgotten.

    The controller tells it of each call of the rules, in the order in which it made them, and of what it then ordered.
    """

    def __init__(self, keep: Callable[[Incident], None]) -> None:
        self._keep = keep
        self._segments: deque[Segment] = deque()
        self._rows: list[Row] = []
        self._run: Samples | None = None
        self._gate: Gate | None = None
        self._outputs: Outputs | None = None
        self._turn_s = -math.inf
        self._due_s = math.inf
        self._reasons: list[Reason] = []

    def sample(self, inputs: Inputs, decision: Decision) -> None:
        """Take note of one sample. Called up to 200 times a second: nothing is made unless something is new."""
        now_s = inputs.at_s
        if now_s >= self._turn_s and not self._turned(now_s, decision):
            return
        run = self._run
        if run is None or run.active != inputs.active or run.running != inputs.running:
            run = self._run = Samples(active=inputs.active, running=inputs.running)
            self._rows.append(run)
        run.at_s.append(now_s)
        if decision.facts or decision.ended:
            run.decided = _decided(decision)
            self._run = None
        self._gate = decision.gate
        if decision.facts or now_s >= self._due_s:
            self._weigh(now_s, decision)

    def command(self, wanted: Wanted, now_s: float, decision: Decision) -> None:
        """Take note of a command, also of a refused one."""
        if self._turned(now_s, decision):
            self._add(Commanded(at_s=now_s, wanted=wanted, decided=_decided(decision)), now_s, decision)

    def silence(self, now_s: float, keeper_is_gone: bool, decision: Decision) -> None:  # noqa: FBT001 - as the rules take it
        """Take note that no sample came in time; where it was too early to say so, nothing is remembered."""
        if self._turned(now_s, decision):
            silenced = Silenced(at_s=now_s, keeper_is_gone=keeper_is_gone, decided=_decided(decision))
            if decision.gate is self._gate and silenced.decided is QUIET:
                self._weigh(now_s, decision)
            else:
                self._add(silenced, now_s, decision)

    def plan(self, plan: Plan, now_s: float, decision: Decision) -> None:
        """Take note of what the timetable wants."""
        if self._turned(now_s, decision):
            self._add(Planned(at_s=now_s, plan=plan, decided=_decided(decision)), now_s, decision)

    def saw(self, why: str, now_s: float, decision: Decision) -> None:
        """Take note of whether the camera can be believed."""
        if self._turned(now_s, decision):
            self._add(Saw(at_s=now_s, why=why, decided=_decided(decision)), now_s, decision)

    def switched(self, outputs: Outputs, now_s: float) -> None:
        """Take note of what was ordered of the keeper; only a change is remembered. Called for each order."""
        if outputs != self._outputs:
            self._outputs, self._run = outputs, None
            self._rows.append(Switched(at_s=now_s, outputs=outputs))

    def finish(self) -> None:
        """Hand over what waits for its aftermath: there will be none."""
        if self._reasons:
            self._hand_over()

    def _add(self, row: Row, now_s: float, decision: Decision) -> None:
        self._rows.append(row)
        self._run = None
        self._gate = decision.gate
        self._weigh(now_s, decision)

    def _turned(self, now_s: float, decision: Decision) -> bool:
        """Begin a new segment where it is time; tell whether there is one to write to.

        The first call of all has no memory before it and only brings the first keyframe.
        """
        if self._gate is None:
            self._gate = decision.gate
            return False
        if now_s < self._turn_s:
            return True
        segment = Segment(since_s=now_s, gate=self._gate, outputs=self._outputs)
        self._segments.append(segment)
        self._rows, self._run = segment.rows, None
        self._turn_s = now_s + KEYFRAME_S
        while not self._reasons and len(self._segments) > 1 and self._segments[1].since_s <= now_s - LENGTH_S:
            self._segments.popleft()
        return True

    def _weigh(self, now_s: float, decision: Decision) -> None:
        """See whether this is to be kept, or whether what is kept has seen enough of its aftermath."""
        reasons = [Reason(at_s=now_s, what=what) for fact in decision.facts if (what := why_kept(fact))]
        if reasons:
            self._reasons += reasons
            self._due_s = min(now_s + AFTERMATH_S, self._reasons[0].at_s + LONGEST_AFTERMATH_S)
        if now_s >= self._due_s:
            self._hand_over()

    def _hand_over(self) -> None:
        """Give away all segments; none of them changes any more."""
        if self._gate is not None:
            incident = Incident(reasons=tuple(self._reasons), segments=tuple(self._segments), gate=self._gate)
            self._reasons, self._due_s = [], math.inf
            self._turn_s, self._run, self._rows = -math.inf, None, []
            self._keep(incident)


def why_kept(fact: Happened) -> str:
    """Return why the minute before this fact is to be kept; empty where it is not."""
    data = fact.data
    if fact.kind is Kind.ALARM_RAISED and not data.get("reminder"):
        return str(data.get("alarm", "alarm"))
    if fact.kind is Kind.HEALTH_CHANGED and data.get("to") in GRAVE and _is_worse(data.get("from"), data.get("to")):
        reasons = data.get("reasons")
        worst = str(reasons[0]) if isinstance(reasons, (list, tuple)) and reasons else ""
        health = str(data["to"])
        return health if worst in {"", health} else f"{health} {worst}"
    return ""


def _is_worse(before: object, after: object) -> bool:
    """Tell whether a health is as bad as the one before or worse: another cause counts, a recovery does not."""
    order = [str(health) for health in Health]
    return str(before) not in order or order.index(str(after)) >= order.index(str(before))


def _decided(decision: Decision) -> Decided:
    if decision.facts or decision.ended or decision.refusal or decision.under_way:
        return Decided(
            facts=decision.facts, ended=decision.ended, refusal=decision.refusal, under_way=decision.under_way
        )
    return QUIET
