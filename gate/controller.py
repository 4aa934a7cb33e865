"""The shell around the rules, and the one owner of motion.

It does the same four things each time, in the same order: take what came in, let `machine` decide, act (order to the
keeper, facts to the journal, state to everybody), and say when it wants to be woken. It has no clock and no socket of
its own: `now_s` comes with every call, effects go through `Effects`.

A command is refused here for what the rules can't see: that it came twice, too late, or from somebody who looked at an
older gate. `stop` is never refused.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from gate import machine, wishes
from gate.memory import Decision, Gate, Happened, Phase, Timing, Wanted
from gate.model import (
    Code,
    Command,
    Direction,
    Evidence,
    Health,
    Inputs,
    JsonObject,
    Kind,
    Origin,
    Outputs,
    Refusal,
    State,
)
from gate.server import Wish

MOST_COMMANDS = 1000
POSITION = {State.CLOSED: 0.0, State.OPEN: 1.0}
RELAYS = {"open_relay": Direction.OPEN, "close_relay": Direction.CLOSE}


@dataclass(frozen=True, kw_only=True)
class Effects:
    """What the controller may do to the world."""

    write: Callable[[Kind, Origin, JsonObject], None]
    order: Callable[[int, Outputs, bool], None]
    publish: Callable[[], None]
    utc: Callable[[float], str]


@dataclass(kw_only=True, slots=True)
class Progress:
    """How far one command got."""

    command_id: str
    command: Command
    status: str
    code: Code | None
    accepted_s: float
    energised_s: float | None = None
    ended_s: float | None = None

    def plain(self) -> JsonObject:
        """Return it as JSON data, times as monotonic ms."""
        return {
            "command_id": self.command_id,
            "command": self.command,
            "status": self.status,
            "code": self.code,
            "accepted_mono_ms": _ms(self.accepted_s),
            "energised_mono_ms": _ms(self.energised_s),
            "ended_mono_ms": _ms(self.ended_s),
        }


class Controller:
    """Feeds the rules and carries out what they decide."""

    def __init__(self, timing: Timing, effects: Effects, now_s: float, *, has_beam: bool) -> None:
        self._timing = timing
        self._effects = effects
        self._gate = machine.begin(now_s, has_beam=has_beam)
        self._sequence = 1
        self._seq = 0
        self._shown: dict[str, bool] = {}
        self._progress: OrderedDict[str, Progress] = OrderedDict()
        self._joined: dict[str, str] = {}
        self._newest = ""

    @property
    def deadline_s(self) -> float:
        """When `wake` is due if nothing else comes before."""
        return machine.deadline(self._gate, self._timing)

    @property
    def is_moving(self) -> bool:
        """Whether a relay is energised or about to be."""
        return self._gate.move is not None or bool(self._gate.running)

    def samples(self, packets: Sequence[JsonObject], now_s: float) -> None:
        """Take the samples that came from the keeper since the last time, oldest first.

        If the newest is stale, none proves anything and all count as silence. If only this process was late, each is
        judged as of its own moment, so that not even a short flicker of the beam is missed.
        """
        if now_s - _taken_s(packets[-1]) > self._timing.stale_s:
            self.wake(now_s)
            return
        for packet in packets:
            self._sample(packet)
        self._order(now_s)

    def _sample(self, packet: JsonObject) -> None:
        levels, shown = packet["in"], packet["out"]
        if not isinstance(levels, dict) or not isinstance(shown, dict):
            return
        self._seq = int(str(packet["seq"]))
        changed = shown != self._shown
        self._shown = shown
        inputs = Inputs(
            at_s=_taken_s(packet),
            limit_open=bool(levels["limit_open"]),
            limit_closed=bool(levels["limit_closed"]),
            beam=bool(levels["beam"]) if "beam" in levels else None,
            running=frozenset(way for name, way in RELAYS.items() if shown.get(name)),
        )
        changed |= self._gate.raw is not None and _seen(self._gate.raw) != _seen(inputs)
        self._act(machine.step(self._gate, inputs, self._timing), inputs.at_s, changed=changed)

    def wake(self, now_s: float) -> None:
        """Take note that the time of `deadline_s` has come without a sample."""
        self._act(machine.expire(self._gate, now_s, self._timing), now_s)
        self._order(now_s)

    def keeper_is_gone(self, now_s: float) -> None:
        """Take note that nobody holds the lines any more."""
        self._shown = {}
        self._act(machine.expire(self._gate, now_s, self._timing, keeper_is_gone=True), now_s, changed=True)

    def request(self, wish: Wish, now_s: float) -> JsonObject | Refusal:
        """Obey or refuse one command."""
        by = wish.by.origin()
        wanted = Wanted(
            command=wish.command, command_id=wish.command_id, by=by, reason=wish.reason, sighted=wish.sighted
        )
        code = self._why_not(wish, now_s)
        if code:
            decision = wishes.refused(self._gate, wanted, code)
        else:
            decision = machine.command(self._gate, wanted, now_s, self._timing)
        self._remember(wish, decision, now_s)
        self._act(decision, now_s)
        self._order(now_s)
        if decision.refusal:
            return decision.refusal
        move = self._gate.move
        return {
            "command_id": wish.command_id,
            "accepted": True,
            "state": self._gate.state,
            "target": self._gate.target,
            "sequence": self._sequence,
            "warning_s": move.warning_s if move and self._gate.phase is Phase.WARNING else 0.0,
        }

    def command_status(self, command_id: str) -> JsonObject | None:
        """Return how far a command got; one that joined another tells that one's progress."""
        progress = self._progress.get(self._joined.get(command_id, command_id))
        return {**progress.plain(), "command_id": command_id} if progress else None

    def snapshot(self, now_s: float) -> JsonObject:
        """Return what the rules know, as the contract's `GET /gate` says it."""
        gate, raw = self._gate, self._gate.raw
        seen_s = gate.seen_s if gate.seen_s is not None and gate.evidence is not Evidence.NONE else gate.state_s
        warning_s = machine.warning_ends(gate)
        return {
            "state": gate.state,
            "evidence": gate.evidence,
            "evidence_age_ms": max(0, round((now_s - seen_s) * 1000)),
            "target": gate.target,
            "position": POSITION.get(gate.state),
            "mode": gate.mode,
            "mode_until": None,
            "health": gate.health,
            "reasons": list(gate.reasons),
            "inputs": {
                "limit_open": raw.limit_open if raw else None,
                "limit_closed": raw.limit_closed if raw else None,
                "beam": raw.beam if raw else None,
            },
            "outputs": dict(self._shown),
            "sequence": self._sequence,
            "at_mono_ms": _ms(now_s),
            "since": self._effects.utc(gate.state_s),
            "by": gate.by.plain() if gate.by else None,
            "command": self.command_status(self._newest) if self._newest else None,
            "warning_until_mono_ms": _ms(warning_s),
            "alarms": [],
        }

    def _why_not(self, wish: Wish, now_s: float) -> Code | None:
        if wish.command_id in self._progress or wish.command_id in self._joined:
            return Code.DUPLICATE  # also one that was refused: an id is used once
        if wish.command is Command.STOP:
            return None
        if wish.deadline_mono_ms is not None and now_s * 1000 > wish.deadline_mono_ms:
            return Code.EXPIRED
        if wish.sequence is not None and wish.sequence != self._sequence:
            return Code.STALE_SEQUENCE
        return None

    def _remember(self, wish: Wish, decision: Decision, now_s: float) -> None:
        if wish.command_id in self._progress or wish.command_id in self._joined:
            return
        if decision.under_way:
            self._joined[wish.command_id] = decision.under_way
            self._newest = wish.command_id
            return
        progress = Progress(
            command_id=wish.command_id, command=wish.command, status="accepted", code=None, accepted_s=now_s
        )
        if decision.refusal:
            progress.status, progress.code, progress.ended_s = "failed", decision.refusal.code, now_s
        else:
            self._newest = wish.command_id
            if decision.gate.energised_s is not None and _is_driving_for(decision.gate, wish.command_id):
                progress.status, progress.energised_s = "energised", now_s  # it took over a drive that runs
        self._progress[wish.command_id] = progress
        self._forget_the_oldest()

    def _forget_the_oldest(self) -> None:
        """Keep memory bounded; what is under way is never forgotten."""
        if len(self._progress) <= MOST_COMMANDS:
            return
        oldest = next((name for name, known in self._progress.items() if known.ended_s is not None), None)
        if oldest is not None:
            del self._progress[oldest]
            self._joined = {joined: leader for joined, leader in self._joined.items() if leader != oldest}

    def _act(self, decision: Decision, now_s: float, *, changed: bool = False) -> None:
        """Write the facts, keep the books, publish if anything a person sees is different."""
        before, self._gate = self._gate, decision.gate
        for fact in decision.facts:
            self._note_energised(fact, now_s)
            self._effects.write(fact.kind, fact.by, fact.data)
        for ended in decision.ended:
            progress = self._progress.get(ended.command_id)
            if progress and progress.ended_s is None:
                progress.status = "failed" if ended.code else "confirmed"
                progress.code, progress.ended_s = ended.code, now_s
        if _seen_by_people(before) != _seen_by_people(decision.gate):
            self._sequence += 1
            changed = True
        if changed or decision.facts or decision.ended or before.phase is not decision.gate.phase:
            self._effects.publish()

    def _note_energised(self, fact: Happened, now_s: float) -> None:
        if fact.kind is Kind.DRIVE_ENERGISED:
            progress = self._progress.get(str(fact.data["command_id"]))
            if progress and progress.status == "accepted":
                progress.status, progress.energised_s = "energised", now_s

    def _order(self, now_s: float) -> None:
        """Renew the lease: what follows from the gate as it is now."""
        self._effects.order(self._seq, machine.outputs(self._gate, now_s), self.is_moving)


def _is_driving_for(gate: Gate, command_id: str) -> bool:
    return gate.phase is Phase.DRIVING and gate.move is not None and gate.move.command_id == command_id


def _ms(seconds: float | None) -> int | None:
    return None if seconds is None else round(seconds * 1000)


def _taken_s(packet: JsonObject) -> float:
    return float(str(packet["at_s"]))


def _seen(inputs: Inputs) -> tuple[bool, bool, bool | None]:
    return inputs.limit_open, inputs.limit_closed, inputs.beam


def _seen_by_people(gate: Gate) -> tuple[State, State | None, Health, tuple[Code, ...]]:
    """Return what an officer decides by; when it changes, older decisions are stale."""
    return gate.state, gate.target, gate.health, gate.reasons
