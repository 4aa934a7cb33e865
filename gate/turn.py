"""One decision in the making: what the rules (`moves`, `senses`, `wishes`) work on. Pure, like all of them."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from gate.memory import Decision, Ended, Ending, Gate, Happened, Move, Phase, Timing
from gate.model import Code, Direction, Evidence, Health, JsonObject, Kind, Origin, State

AT_LIMIT = {Direction.OPEN: State.OPEN, Direction.CLOSE: State.CLOSED}
UNDER_WAY = {Direction.OPEN: State.OPENING, Direction.CLOSE: State.CLOSING}
LIARS = frozenset({Code.LIMIT_CONFLICT, Code.LIMITS_SWAPPED})
SENSORS = Origin(type="rule", id="sensors")
BEAM = Origin(type="rule", id="beam")
KEEPER = Origin(type="rule", id="keeper")


@dataclass(kw_only=True, slots=True)
class Turn:
    """One decision in the making: the gate so far and what is to be told. Lives for one call."""

    gate: Gate
    now_s: float
    timing: Timing
    facts: list[Happened] = field(default_factory=list)
    ended: list[Ended] = field(default_factory=list)

    def tell(self, kind: Kind, by: Origin, data: JsonObject) -> None:
        """Have a fact written down."""
        self.facts.append(Happened(kind=kind, by=by, data=data))

    def become(self, phase: Phase, move: Move | None) -> None:
        """Enter a phase; its time counts from now."""
        self.gate = replace(self.gate, phase=phase, phase_s=self.now_s, move=move)

    def end(self, move: Move | None, code: Code | None) -> None:
        """Close the books on a person's command; what a rule wanted has none.

        One that was accepted and ends before any relay was on leaves no other trace, so the journal is told why.
        """
        if move is None or move.ruled:
            return
        self.ended.append(Ended(command_id=move.command_id, code=code))
        if code is not None and self.gate.phase in {Phase.PAUSING, Phase.WARNING}:
            told: JsonObject = {"command_id": move.command_id, "command": move.direction, "reason": "", "code": code}
            self.tell(Kind.COMMAND_REFUSED, move.by, told)

    def end_stops(self, code: Code | None) -> None:
        """Close the books on the stops that wait for the relay's release."""
        self.ended += [Ended(command_id=command_id, code=code) for command_id in self.gate.stopping]
        self.gate = replace(self.gate, stopping=())

    def prove(self, state: State, evidence: Evidence, cause: Move | Ending | None = None) -> None:
        """Publish another state, with what it rests on, and who or what brought it about."""
        before = self.gate.state
        if (before, self.gate.evidence) == (state, evidence):
            return
        by, command_id = (cause.by, cause.command_id) if cause else (SENSORS, "")
        state_s = self.gate.state_s if before is state else self.now_s
        self.gate = replace(self.gate, state=state, evidence=evidence, state_s=state_s, by=by)
        if before is not state:
            data: JsonObject = {"from": before, "to": state, "evidence": evidence, "command_id": command_id}
            self.tell(Kind.STATE_CHANGED, by, data)

    def judge(self, health: Health, *reasons: Code) -> None:
        """Publish another health."""
        before = self.gate.health
        if (before, self.gate.reasons) == (health, reasons):
            return
        self.gate = replace(self.gate, health=health, reasons=reasons)
        data: JsonObject = {"from": before, "to": health, "reasons": list(reasons)}
        self.tell(Kind.HEALTH_CHANGED, SENSORS, data)

    def decision(self, under_way: str | None = None) -> Decision:
        """Return what was decided."""
        return Decision(gate=self.gate, facts=tuple(self.facts), ended=tuple(self.ended), under_way=under_way)
