"""The shell around the rules, and the one owner of motion.

It does the same four things each time, in the same order: take what came in, let `machine` decide, act (order to the
keeper, facts to the journal, what must survive a restart to its file, state to everybody), and say when it wants to be
woken. It has no clock and no socket of its own: `now_s` comes with every call, effects go through `Effects`.

A command is refused here for what the rules can't see: that it came twice, too late, or from somebody who looked at an
older gate. `stop` is never refused.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from gate import machine, wishes
from gate.books import Books
from gate.memory import BEFORE_DRIVE, Decision, Gate, Kept, Plan, Wanted
from gate.model import Alarm, Code, Command, Inputs, JsonObject, Kind, Origin, Outputs, Refusal, Relay, Sensor
from gate.ring import Ring
from gate.server import Wish
from gate.site import Site
from gate.snapshot import snapshot

SENSORS = {sensor.value: sensor for sensor in Sensor}
RELAYS = {relay.value: relay for relay in Relay}


@dataclass(frozen=True, kw_only=True)
class Effects:
    """What the controller may do to the world."""

    write: Callable[[Kind, Origin, JsonObject], None]
    order: Callable[[int, Outputs, bool], None]
    publish: Callable[[], None]
    keep: Callable[[Kept], None]
    utc: Callable[[float], str]


class Controller:
    """Feeds the rules and carries out what they decide."""

    def __init__(self, site: Site, effects: Effects, ring: Ring, now_s: float, kept: Kept) -> None:
        self._site = site
        self._effects = effects
        self._ring = ring
        self._gate = machine.begin(now_s, site, kept)
        self._sequence = 1
        self._seq = 0
        self._shown: dict[str, bool] = {}
        self._books = Books()

    @property
    def deadline_s(self) -> float:
        """When `wake` is due if nothing else comes before."""
        return machine.deadline(self._gate, self._site)

    @property
    def is_moving(self) -> bool:
        """Whether a drive relay is energised or may be soon."""
        return self._gate.is_busy

    def samples(self, packets: Sequence[JsonObject], now_s: float) -> None:
        """Take the samples that came from the keeper since the last time, oldest first.

        If the newest is stale, none proves anything and all count as silence. If only this process was late, each is
        judged as of its own moment, so that not even a short flicker of the beam is missed.
        """
        if now_s - _taken_s(packets[-1]) > self._site.timing.stale_s:
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
            active=frozenset([SENSORS[name] for name, on in levels.items() if on and name in SENSORS]),
            running=frozenset([RELAYS[name] for name, on in shown.items() if on and name in RELAYS]),
        )
        changed |= self._gate.senses.raw != inputs.active
        decision = machine.step(self._gate, inputs, self._site)
        self._ring.sample(inputs, decision)
        self._act(decision, inputs.at_s, changed=changed)

    def wake(self, now_s: float) -> None:
        """Take note that the time of `deadline_s` has come without a sample."""
        self._fall_silent(now_s, keeper_is_gone=False)
        self._order(now_s)

    def keeper_is_gone(self, now_s: float) -> None:
        """Take note that nobody holds the lines any more."""
        self._shown = {}
        self._fall_silent(now_s, keeper_is_gone=True)

    def _fall_silent(self, now_s: float, *, keeper_is_gone: bool) -> None:
        decision = machine.expire(self._gate, now_s, self._site, keeper_is_gone=keeper_is_gone)
        self._ring.silence(now_s, keeper_is_gone, decision)
        self._act(decision, now_s, changed=keeper_is_gone)

    def plan(self, plan: Plan, now_s: float) -> None:
        """Take note of what the timetable wants now."""
        told = replace(self._gate.plan, moves=plan.moves, renewed=plan.renewed)
        if plan == told and not plan.moves and not plan.renewed:
            return
        decision = machine.plan(self._gate, plan, now_s, self._site)
        self._ring.plan(plan, now_s, decision)
        self._act(decision, now_s, changed=True)

    def see(self, why: str, now_s: float) -> None:
        """Take note of whether the camera can be believed; `why` is empty where it can."""
        if bool(why) is (Alarm.CAMERA_BLIND in self._gate.watch.told):
            return
        decision = machine.see(self._gate, why, now_s, self._site)
        self._ring.saw(why, now_s, decision)
        self._act(decision, now_s, changed=True)
        self._order(now_s)

    def request(self, wish: Wish, now_s: float) -> JsonObject | Refusal:
        """Obey or refuse one command."""
        wanted = Wanted(
            command=wish.command,
            command_id=wish.command_id,
            by=wish.by.origin(),
            reason=wish.reason,
            sighted=wish.sighted,
            minutes=wish.minutes,
            deadline_s=_deadline_s(wish),
        )
        code = self._why_not(wish, now_s)
        if code:
            decision = wishes.refused(self._gate, wanted, code)
        else:
            decision = machine.command(self._gate, wanted, now_s, self._site)
            self._ring.command(wanted, now_s, decision)
        self._books.open(wish.command_id, wish.command, decision, now_s)
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
            "warning_s": move.warning_s if move and self._gate.phase in BEFORE_DRIVE else 0.0,
        }

    def command_status(self, command_id: str) -> JsonObject | None:
        """Return how far a command got; one that joined another tells that one's progress."""
        return self._books.status(command_id)

    def snapshot(self, now_s: float) -> JsonObject:
        """Return what the rules know, as the contract's `GET /gate` says it."""
        told = snapshot(self._gate, self._site, self._shown, now_s, self._effects.utc)
        return {**told, "sequence": self._sequence, "command": self._books.newest()}

    def keep(self, now_s: float) -> None:
        """Have what must survive a restart written down as it is now."""
        self._effects.keep(machine.kept(self._gate, now_s))

    def _why_not(self, wish: Wish, now_s: float) -> Code | None:
        if self._books.knows(wish.command_id):
            return Code.DUPLICATE
        if wish.command is Command.STOP:
            return None
        if wish.deadline_mono_ms is not None and now_s * 1000 > wish.deadline_mono_ms:
            return Code.EXPIRED
        if wish.sequence is not None and wish.sequence != self._sequence:
            return Code.STALE_SEQUENCE
        return None

    def _act(self, decision: Decision, now_s: float, *, changed: bool = False) -> None:
        """Write the facts, keep the books, publish if anything a person sees is different."""
        before, self._gate = self._gate, decision.gate
        for fact in decision.facts:
            if fact.kind is Kind.DRIVE_ENERGISED:
                self._books.energised(str(fact.data["command_id"]), now_s)
            self._effects.write(fact.kind, fact.by, fact.data)
        self._books.close(decision.ended, now_s)
        if _kept_of(before) != _kept_of(decision.gate):
            self.keep(now_s)
        if _seen_by_people(before) != _seen_by_people(decision.gate):
            self._sequence += 1
            changed = True
        told = bool(decision.facts or decision.ended)
        if changed or told or before.pending != decision.gate.pending or before.phase is not decision.gate.phase:
            self._effects.publish()

    def _order(self, now_s: float) -> None:
        """Renew the lease: what follows from the gate as it is now."""
        wanted = machine.outputs(self._gate, self._site)
        self._ring.switched(wanted, now_s)
        self._effects.order(self._seq, wanted, self._gate.is_busy)


def _taken_s(packet: JsonObject) -> float:
    return float(str(packet["at_s"]))


def _deadline_s(wish: Wish) -> float | None:
    """Return after when no relay may go on for a wish that was taken.

    Only a key signs such a moment: it orders from afar, and nobody may be looking while dead time or an operator's own
    cycle is waited for. Whoever is at the page sees that wait and can stop it.
    """
    is_signed = wish.by.type == "key" and wish.deadline_mono_ms is not None
    return (wish.deadline_mono_ms or 0) / 1000 if is_signed else None


def _kept_of(gate: Gate) -> tuple[object, ...]:
    """Return what decides whether there is something new to keep."""
    standing = gate.standing
    return standing.mode, standing.until_s, standing.stopped, gate.troubles, gate.watch.alarms, gate.learned


def _seen_by_people(gate: Gate) -> tuple[object, ...]:
    """Return what an officer decides by; when it changes, older decisions are stale."""
    alarms = tuple(raised.id for raised in gate.watch.alarms)
    return gate.state, gate.target, gate.mode, gate.health, gate.troubles, alarms
