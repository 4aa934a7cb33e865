"""One decision in the making: what the rules (`senses`, `moves`, `bars` …) work on. Pure, like all of them.

A turn takes the gate apart into its records, lets the rules replace them, and puts it together again. Every time that
a rule compares with now goes through `reached`, so that the turn knows until when nothing changes by itself: that is
the gate's `due_s`.
"""

from __future__ import annotations

import math
from dataclasses import replace

from gate.memory import (
    AT_WORK,
    LOCKS,
    TROUBLES,
    Decision,
    Ended,
    Ending,
    Gate,
    Happened,
    Learned,
    Motion,
    Move,
    Pending,
    Phase,
    Plan,
    Raised,
    Senses,
    Shown,
    Standing,
    Watch,
)
from gate.model import Alarm, Code, Direction, Evidence, Health, JsonObject, Kind, Mode, Origin, Relay, Sensor, State
from gate.site import Site, Timing
from gate.steps import MOVING

AT_LIMIT = {Direction.OPEN: State.OPEN, Direction.CLOSE: State.CLOSED}
UNDER_WAY = {Direction.OPEN: State.OPENING, Direction.CLOSE: State.CLOSING}
LIMIT = {Direction.OPEN: Sensor.LIMIT_OPEN, Direction.CLOSE: Sensor.LIMIT_CLOSED}
WAY_OF = {Relay.OPEN: Direction.OPEN, Relay.CLOSE: Direction.CLOSE}
LIARS = frozenset({Code.LIMIT_CONFLICT, Code.LIMITS_SWAPPED})
SEVERITY = {code: rank for rank, code in enumerate(TROUBLES)}
SENSORS = Origin(type="rule", id="sensors")
BEAM = Origin(type="rule", id="beam")
EDGE = Origin(type="rule", id="edge")
KEEPER = Origin(type="rule", id="keeper")
WATCH = Origin(type="rule", id="watch")
RECORDS = ("senses", "motion", "shown", "standing", "pending", "plan", "watch", "learned", "troubles")


def rule(name: str) -> Origin:
    """Return the rule of that name as who is behind something."""
    return Origin(type="rule", id=name)


def alarm_id(alarm: Alarm, now_s: float) -> str:
    """Return a name for an alarm that is raised now: one of a kind stands at a time, so the moment tells it apart."""
    return f"{alarm}-{round(now_s * 1000)}"


class Turn:
    """One decision in the making. Lives for one call."""

    __slots__ = (
        "before", "due_s", "ended", "facts", "fell", "learned", "motion", "now_s", "pending", "plan", "rose", "seen_s",
        "senses", "shown", "site", "standing", "timing", "troubles", "watch",
    )  # fmt: skip

    def __init__(self, gate: Gate, now_s: float, site: Site) -> None:
        self.before = gate
        self.now_s = now_s
        self.site = site
        self.timing: Timing = site.timing
        self.seen_s = gate.seen_s
        self.senses: Senses = gate.senses
        self.motion: Motion = gate.motion
        self.shown: Shown = gate.shown
        self.standing: Standing = gate.standing
        self.pending: Pending | None = gate.pending
        self.plan: Plan = gate.plan
        self.watch: Watch = gate.watch
        self.learned: Learned = gate.learned
        self.troubles: tuple[Code, ...] = gate.troubles
        self.facts: list[Happened] = []
        self.ended: list[Ended] = []
        self.rose: frozenset[Sensor] = frozenset()
        self.fell: frozenset[Sensor] = frozenset()
        self.due_s = math.inf

    # ------------------------------------------------------------ asking

    def reached(self, moment_s: float) -> bool:
        """Tell whether that moment has come; if not, remember that something may change then."""
        if self.now_s >= moment_s:
            return True
        self.due_s = min(self.due_s, moment_s)
        return False

    def is_active(self, sensor: Sensor) -> bool:
        """Tell whether a sensor is active, debounced."""
        return sensor in self.senses.active

    def at(self, direction: Direction) -> bool:
        """Tell whether the debounced limit at that end is active."""
        return LIMIT[direction] in self.senses.active

    def rests_at(self, direction: Direction) -> bool:
        """Tell whether the leaf is at that end, and no operator with one button may be about to run it away."""
        return self.at(direction) and self.motion.belief.isdisjoint(MOVING)

    def may_be_at(self, direction: Direction) -> bool:
        """Tell whether the limit at that end is active or begins to be (I3)."""
        raw = self.senses.raw
        return LIMIT[direction] in self.senses.active or (raw is not None and LIMIT[direction] in raw)

    @property
    def health(self) -> Health:
        """The worst of the troubles."""
        return TROUBLES[self.troubles[0]] if self.troubles else Health.OK

    @property
    def mode(self) -> Mode:
        """The mode that counts."""
        return self.standing.overlay or self.standing.mode

    @property
    def is_locked(self) -> bool:
        """Whether nothing may be energised until a reset (I10)."""
        return not LOCKS.isdisjoint(self.troubles)

    @property
    def is_working(self) -> bool:
        """Whether the leaf is being driven for a move."""
        return self.motion.phase in AT_WORK

    # ------------------------------------------------------------ telling

    def tell(self, kind: Kind, by: Origin, data: JsonObject) -> None:
        """Have a fact written down."""
        self.facts.append(Happened(kind=kind, by=by, data=data))

    def become(self, phase: Phase, move: Move | None) -> None:
        """Enter a phase; its time counts from now."""
        self.motion = replace(self.motion, phase=phase, phase_s=self.now_s, move=move)

    def end(self, move: Move | None, code: Code | None) -> None:
        """Close the books on a person's command; what a rule wanted has none.

        One that was accepted and ends before any relay was on leaves no other trace, so the journal is told why.
        """
        if move is None or move.ruled:
            return
        self.ended.append(Ended(command_id=move.command_id, code=code))
        if code is not None and self.motion.phase not in AT_WORK:
            told: JsonObject = {"command_id": move.command_id, "command": move.direction, "reason": "", "code": code}
            self.tell(Kind.COMMAND_REFUSED, move.by, told)

    def end_stops(self, code: Code | None) -> None:
        """Close the books on the stops that wait for the relay's release."""
        if self.motion.stopping:
            self.ended += [Ended(command_id=command_id, code=code) for command_id in self.motion.stopping]
            self.motion = replace(self.motion, stopping=())

    def prove(self, state: State, evidence: Evidence, cause: Move | Ending | None = None) -> None:
        """Publish another state, with what it rests on, and who or what brought it about."""
        before = self.shown
        if (before.state, before.evidence) == (state, evidence):
            return
        by, command_id = (cause.by, cause.command_id) if cause else (SENSORS, "")
        since_s = before.since_s if before.state is state else self.now_s
        self.shown = Shown(since_s=since_s, state=state, evidence=evidence, by=by)
        if before.state is not state:
            data: JsonObject = {"from": before.state, "to": state, "evidence": evidence, "command_id": command_id}
            self.tell(Kind.STATE_CHANGED, by, data)

    def suffer(self, code: Code, by: Origin = SENSORS) -> None:
        """Add a trouble; the worst of all makes the health."""
        if code not in self.troubles:
            self._judge(tuple(sorted((*self.troubles, code), key=SEVERITY.__getitem__)), by)

    def heal(self, *codes: Code, by: Origin = SENSORS) -> None:
        """Drop troubles that are over."""
        left = tuple(code for code in self.troubles if code not in codes)
        if left != self.troubles:
            self._judge(left, by)

    def _judge(self, troubles: tuple[Code, ...], by: Origin) -> None:
        before = self.health
        self.troubles = troubles
        data: JsonObject = {"from": before, "to": self.health, "reasons": list(troubles)}
        self.tell(Kind.HEALTH_CHANGED, by, data)

    def alarm(self, alarm: Alarm, by: Origin = WATCH, **data: str) -> None:
        """Raise an alarm, unless the same one still waits for somebody to acknowledge it."""
        if any(raised.alarm is alarm for raised in self.watch.alarms):
            return
        raised = Raised(alarm=alarm, id=alarm_id(alarm, self.now_s), raised_s=self.now_s, data=tuple(data.items()))
        loud = alarm in self.site.siren_for
        siren_until_s = self.now_s + self.timing.siren_s if loud else self.watch.siren_until_s
        self.watch = replace(self.watch, alarms=(*self.watch.alarms, raised), siren_until_s=siren_until_s)
        self.tell(Kind.ALARM_RAISED, by, {"alarm": alarm, "id": raised.id, "reminder": 0, **data})

    def stand(self, standing: Standing, by: Origin) -> None:
        """Take up another mode, and say so if it is the one that counts."""
        before = self.mode
        self.standing = standing
        if self.mode is not before:
            ordered = "" if by is SENSORS else standing.command_id
            data: JsonObject = {"from": before, "to": self.mode, "command_id": ordered}
            if standing.until_s is not None and not standing.overlay:
                data["ends_in_s"] = round(standing.until_s - self.now_s)
            self.tell(Kind.MODE_CHANGED, by, data)

    # ------------------------------------------------------------ answering

    def decision(self, under_way: str | None = None, *, due_s: float = -math.inf) -> Decision:
        """Return what was decided; the next sample is looked at closely unless `due_s` says until when it need not."""
        gate = Gate(
            seen_s=self.seen_s,
            due_s=due_s,
            senses=self.senses,
            motion=self.motion,
            shown=self.shown,
            standing=self.standing,
            pending=self.pending,
            plan=self.plan,
            watch=self.watch,
            learned=self.learned,
            troubles=self.troubles,
        )
        return Decision(gate=gate, facts=tuple(self.facts), ended=tuple(self.ended), under_way=under_way)

    def sampled(self) -> Decision:
        """Return what was decided on a sample.

        If all rules looked at it and changed nothing, the same sample changes nothing before `due_s`: every time that a
        rule waits for has gone through `reached`.
        """
        return self.decision(due_s=self.due_s if self._is_unchanged() else -math.inf)

    def _is_unchanged(self) -> bool:
        if self.facts or self.ended:
            return False
        return all(
            getattr(self, name) is getattr(self.before, name) or getattr(self, name) == getattr(self.before, name)
            for name in RECORDS
        )
