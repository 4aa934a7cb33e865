"""The oracle's books: what was asked, what happened in the yard, and whether what is published follows from it.

I7 (nothing moves without a cause), I10-I15. A cause is something from outside: a command that was accepted, a sensor
that was seen, a period of the timetable, an arrival after which the site closes by itself. The books are closed at a
start of the controller, at a stop and at a reset: what was asked before moves nothing any more.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Protocol

from gate.memory import Decision, Ended, Happened, Learned, Plan, Wanted
from gate.model import Code, Command, Drive, Health, Kind, Mode, Relay, Sensor, State
from gate.site import Site
from gate.steps import LOGICS, MOVING, Step

MOVERS = frozenset({Command.OPEN, Command.CLOSE, Command.HOLD_OPEN, Command.LOCKDOWN, Command.EMERGENCY_OPEN})
LOCKED = frozenset({Health.HARD_LOCK, Health.ESTOP})
WARNS = frozenset({"lamp", "buzzer"})
ESCAPES = {"beam": Sensor.BEAM, "edge": Sensor.EDGE}
BUTTONS = frozenset({"open_button", "close_button"})
CLOSINGS = frozenset({"auto_close", "after_pass", "hold_ended"})
MECHANICAL = frozenset({"stuck", "overtime", "no_output", "other limit", "unknown phase", "silence", "backed off"})
LIMITS = frozenset({Sensor.LIMIT_OPEN, Sensor.LIMIT_CLOSED})
HALT_S = 2.5
REMEMBERED = 100
SHOWN_WITHIN_S = 0.1
LONGEST_CAUSE_S = 5.0
NEVER_S = -1e9
PURSUED, ARRIVED, HELD, PLANNED = "mode", "arrived", "hold open", "period"
"""Causes that last: a mode that moves the leaf, an arrival after which it closes, a hold that ends, a period."""


class Published(Protocol):
    """What everybody is told of the gate."""

    @property
    def state(self) -> State: ...
    @property
    def mode(self) -> Mode: ...
    @property
    def health(self) -> Health: ...
    @property
    def troubles(self) -> tuple[Code, ...]: ...
    @property
    def learned(self) -> Learned: ...


@dataclass(frozen=True, kw_only=True, slots=True)
class PickUp:
    """A pin of a drive relay went on: when, and what was true at that moment."""

    relay: Relay
    at_s: float
    active: frozenset[Sensor]
    mode: Mode
    troubles: tuple[Code, ...]
    locked: bool
    phase: Step | None


@dataclass(kw_only=True, slots=True)
class Asked:
    """A command that was accepted."""

    wanted: Wanted
    at_s: float
    ended_s: float = math.inf


class Ledger:
    """Keeps the books of one gate."""

    def __init__(self, site: Site, now_s: float) -> None:
        self.site = site
        self._asked: dict[str, Asked] = {}
        self._open: set[str] = set()
        self._untold: list[PickUp] = []
        self._seen_s: dict[Sensor, float] = {}
        self._warning_s: float | None = None
        self._warned: tuple[float, float] = (NEVER_S, NEVER_S)
        self._unsound_s = self._wished_s = self._locked_s = now_s
        self._astray = False
        self._closing = False
        self._reversals = 0
        self._until_s: dict[str, float] = {}
        self._excused = False
        self._moved = False
        self._closes = self._opened = False
        self._is_locked = False
        self._mode = Mode.NORMAL
        self._active: frozenset[Sensor] = frozenset()
        self._halted = False
        self.rogue: Relay | None = None

    # --------------------------------------------------------------- what happens outside

    def starts(self, now_s: float, gate: Published) -> None:
        """Open new books: a controller has started; only a kept emergency may move the leaf (I7, I11)."""
        self._asked.clear()
        self._open.clear()
        self._untold.clear()
        self._excused = False
        self._reversals = 0
        self._until_s.clear()
        self._moved = self._astray = False
        if gate.mode is Mode.HOLD_OPEN or (gate.mode is Mode.EMERGENCY_OPEN and not self._halted):
            self._begins(HELD if gate.mode is Mode.HOLD_OPEN else PURSUED)
        self._unsound_s = now_s

    def commanded(self, wanted: Wanted, decision: Decision, now_s: float) -> None:
        """Enter a command that was answered."""
        if decision.refusal is not None:
            assert wanted.command is not Command.STOP, "stop is never refused"
            return
        self._wished_s = now_s if wanted.command in MOVERS else self._wished_s
        if wanted.command is Command.STOP or (wanted.command is Command.RESET and self._is_locked):
            self._halted = True
            self.forget(now_s)
        elif wanted.command in {Command.NORMAL, Command.UNLOCK}:
            self._ends(now_s, PURSUED, *([HELD] if self._mode is Mode.HOLD_OPEN else []))
            if decision.gate.state is State.OPEN:
                self._begins(ARRIVED)
        if wanted.command in {Command.LOCKDOWN, Command.EMERGENCY_OPEN}:
            self._begins(PURSUED)
            self._excused = self._halted = False
        if wanted.command is Command.HOLD_OPEN:
            self._begins(HELD)
        self._reversals = 0 if wanted.command is Command.RESET else self._reversals
        self._asked[wanted.command_id] = Asked(wanted=wanted, at_s=now_s)
        if len(self._asked) > REMEMBERED:
            self._asked.pop(next(each for each in self._asked if each not in self._open))
        if decision.under_way is None:
            self._open.add(wanted.command_id)

    def planned(self, plan: Plan, now_s: float) -> None:
        """Enter a period of the timetable that begins."""
        self._wished_s = now_s if plan.moves else self._wished_s
        if plan.moves:
            self._begins(PLANNED)
        self._closes = plan.wants is State.CLOSED

    def asked_since(self, at_s: float) -> bool:
        """Tell whether a command that moves the leaf was accepted since, or at that very moment after."""
        return self._wished_s >= at_s

    def forget(self, now_s: float) -> None:
        """Take note of a stop: nothing that was wanted before is wanted any more, nor after a restart."""
        self._halted = True
        self._ends(now_s, PURSUED, ARRIVED, PLANNED)

    def _begins(self, cause: str) -> None:
        self._until_s[cause] = math.inf

    def _ends(self, now_s: float, *causes: str) -> None:
        for cause in causes:
            self._until_s[cause] = min(now_s, self._until_s.get(cause, NEVER_S))

    def _lasts(self, cause: str, at_s: float = math.inf) -> bool:
        """Tell whether that cause had not ended at that moment; now, where none is named."""
        return at_s <= self._until_s.get(cause, NEVER_S)

    def lights(self, now_s: float, others: frozenset[str]) -> None:
        """Take note of lamp, buzzer and siren."""
        if others >= WARNS:
            self._warning_s = now_s if self._warning_s is None else self._warning_s
        elif self._warning_s is not None:
            self._warned, self._warning_s = (self._warning_s, now_s), None

    # --------------------------------------------------------------- what is published

    def picks_up(self, pick_up: PickUp) -> None:
        """Enter a pin that went on; its fact must come with the next sample (I14)."""
        self._untold.append(pick_up)
        if pick_up.locked:
            late_s = pick_up.at_s - self._locked_s
            halts = pick_up.relay is Relay.STOP or (pick_up.relay is Relay.STEP and late_s <= HALT_S)
            assert halts, f"I10: {pick_up.relay} energised while locked by {pick_up.troubles}"

    def judge(
        self,
        now_s: float,
        gate: Published,
        active: frozenset[Sensor],
        before: frozenset[Relay],
        *,
        heard: bool,
        sound: bool,
        rogue: bool,
    ) -> None:
        """Check what must hold at any moment. `rogue`: a relay does what nobody ordered."""
        rises, self._active = active - self._active, active
        for sensor in active:
            self._seen_s[sensor] = now_s
        if Sensor.EMERGENCY in rises and gate.mode is Mode.EMERGENCY_OPEN:
            self._begins(PURSUED)
        if not sound:
            self._unsound_s = now_s
        self._astray = not sound or (self._astray and LIMITS.isdisjoint(active))
        self._mode = gate.mode
        emergency = self._mode is Mode.EMERGENCY_OPEN
        if self._mode is not Mode.RELEASED:  # the release hides the mode; what had come open before has ended open
            self._opened = emergency and (self._opened or gate.state is State.OPEN)
        self._is_locked = gate.health in LOCKED
        if not self._is_locked or rogue:
            self._locked_s = now_s
        if self._untold and heard:
            self._judge_told(now_s, gate, before)
        if self._open:
            self._judge_ends(now_s)

    def _judge_told(self, now_s: float, gate: Published, before: frozenset[Relay]) -> None:
        for pick_up in [each for each in self._untold if each.at_s < now_s]:
            assert (
                pick_up.relay not in before
                or Code.RELAY_CONFLICT in gate.troubles
                or ({Code.SENSOR_STALE, Code.KEEPER_DOWN} & {*gate.troubles})
            ), f"I14: nobody was told that {pick_up.relay} went on"
            self._untold.remove(pick_up)

    def _judge_ends(self, now_s: float) -> None:
        for command_id in self._open:
            since_s = max(self._asked[command_id].at_s, self._unsound_s)
            waited_s = now_s - since_s
            assert waited_s <= self.longest_s, f"I15: {command_id} has not ended after {waited_s:.1f} s"

    @property
    def longest_s(self) -> float:
        """How long a command may take with a healthy plant (I15)."""
        timing, site = self.site.timing, self.site
        presses = site.presses if site.drive is Drive.STEP else 1
        one_s = timing.max_travel_s + timing.dead_time_s + timing.pulse_s + timing.press_gap_s
        tested_s = 2 * timing.beam_test_s if site.has_beam_test else 0.0
        wait_s = timing.max_travel_s if site.drive is Drive.STEP else 0.0
        return presses * one_s + timing.unsighted_warning_s + tested_s + wait_s + 1.0

    def told(self, facts: Iterable[Happened], ended: Iterable[Ended], now_s: float) -> None:
        """Check facts and ends as they are published."""
        for fact in facts:
            match fact.kind:
                case Kind.DRIVE_ENERGISED:
                    self._judge_energised(fact)
                case Kind.DRIVE_RELEASED if fact.data["why"] in MECHANICAL:
                    self._excused = True
                case Kind.REVERSED:
                    self._judge_reversal()
                case Kind.ARRIVED:
                    if fact.data["state"] == State.OPEN:
                        self._begins(ARRIVED)
                    self._reversals = 0 if fact.data["state"] == State.CLOSED else self._reversals
                case Kind.MODE_CHANGED if fact.data["to"] == Mode.EMERGENCY_OPEN and fact.by.id == "emergency":
                    self._begins(PURSUED)
                    self._excused = self._halted = False
                case _:
                    pass
        for end in ended:
            assert end.command_id in self._open, f"I15: {end.command_id} ended, which was not under way"
            self._open.remove(end.command_id)
            self._asked[end.command_id].ended_s = now_s

    def _judge_reversal(self) -> None:
        """I13 is about closings: an opening that backs off from its edge is none of them."""
        if not self._closing:
            return
        self._reversals += 1
        most = max(self.site.reversals_attended, self.site.reversals_unattended)
        assert self._reversals <= most, f"I13: {self._reversals} reversals"

    # --------------------------------------------------------------- causes

    def _judge_energised(self, fact: Happened) -> None:
        relay = Relay(str(fact.data["relay"]))
        pick_up = next((each for each in self._untold if each.relay is relay), None)
        if pick_up is None and relay is self.rogue:
            return
        assert pick_up is not None, f"I14: {relay} was told on and is not, or was told twice"
        self._untold.remove(pick_up)
        assert fact.data["cause"], "I14: energised without a cause"
        assert fact.data["command_id"], "I14: energised without a command"
        if fact.data["direction"] is None:
            wanted = self._moved or self._asked or Sensor.STOP_BUTTON in self._seen_s
            assert wanted, "I7: a stop press with nothing to stop"
            self._judge_press(pick_up, "halt")
            return
        self._closing = closes = fact.data["direction"] == "close"
        self._moved = True
        self._judge_cause(fact, pick_up, closes=closes)
        if closes:
            self._judge_closing(fact, pick_up)
        if relay is Relay.STEP:
            self._judge_press(pick_up, "close" if closes else "open")

    def _judge_press(self, pick_up: PickUp, what: str) -> None:
        """No press is blind: none for a stop starts a closing, none for a close does what is not a run.

        A fault may press the operator's button unseen by every wire of ours (a contact that welds for a moment);
        what it did is known again when a limit shows.
        """
        sound = pick_up.at_s - self._unsound_s > self.site.timing.max_travel_s and not self._astray
        if pick_up.relay is not Relay.STEP or pick_up.phase is None or not sound:
            return
        then = LOGICS[self.site.logic][pick_up.phase]
        if what == "halt":
            assert then is not Step.CLOSING, f"a stop press starts to close, from {pick_up.phase}"
        if what == "close":
            assert then in MOVING, f"a blind press for close, from {pick_up.phase}"

    def _judge_cause(self, fact: Happened, pick_up: PickUp, *, closes: bool) -> None:
        """I7: something from outside wants this, and still does."""
        by, command_id = fact.by, str(fact.data["command_id"])
        why = f"I7: {pick_up.relay} went on for {by.id} ({fact.data['cause']})"
        pursues = self._lasts(PURSUED, pick_up.at_s) and pick_up.mode in {Mode.EMERGENCY_OPEN, Mode.LOCKDOWN}
        if by.type == "person":
            asked = self._asked.get(command_id)
            assert asked is not None, f"{why}, which nobody asked for since the start"
            assert asked.wanted.command in MOVERS, why
            assert pick_up.at_s <= asked.ended_s or pursues, f"{why}, a command that had ended"
            return
        if by.id in ESCAPES:
            ago_s = pick_up.at_s - self._seen_s.get(ESCAPES[by.id], NEVER_S)
            wait_s = self.site.timing.max_travel_s if self.site.drive is Drive.STEP else 0.0
            assert self._moved, why
            assert ago_s <= LONGEST_CAUSE_S + wait_s, f"{why} {ago_s:.1f} s after it"
        elif by.id in CLOSINGS:
            assert closes, why
            assert self._may_close_by_itself(by.id, pick_up.at_s), why
        elif by.id in BUTTONS:
            assert pick_up.mode is Mode.MAINTENANCE, why
            assert Sensor(by.id) in pick_up.active, why
        elif by.id == "timetable":
            assert self._lasts(PLANNED, pick_up.at_s), why
        elif by.id in {"exit_loop", "battery_low"}:
            assert not closes, why
            assert Sensor(by.id) in self._seen_s, why
        else:
            assert by.id == "emergency", why
            assert pursues, why

    def _may_close_by_itself(self, rule: str, at_s: float) -> bool:
        site = self.site
        if rule == "hold_ended":
            return self._lasts(HELD, at_s)
        return self._lasts(ARRIVED, at_s) and (
            site.auto_close_s is not None or site.after_pass_s is not None or self._closes
        )

    def _judge_closing(self, fact: Happened, pick_up: PickUp) -> None:
        """I4, I11-I13: what a closing must not do, and how long it was warned of."""
        if fact.by.id in BUTTONS:
            return
        escapes = fact.by.id == "edge"
        assert pick_up.mode is not Mode.EMERGENCY_OPEN or escapes, "I11: closing in an emergency"
        assert Code.SOFT_LOCK not in pick_up.troubles or escapes, "I13: closing while soft-locked"
        broken = Sensor.BEAM in pick_up.active and self.site.has_beam
        assert not broken, "I4: closing started with the beam broken"
        if escapes:
            return
        assert Code.BEAM_TEST not in pick_up.troubles, "I4: closing with a beam that failed its test"
        asked = self._asked.get(str(fact.data["command_id"]))
        timing = self.site.timing
        if asked is None or asked.wanted.command is Command.LOCKDOWN:
            least_s = max(5.0, timing.warning_s)
        elif not asked.wanted.sighted:
            least_s = timing.unsighted_warning_s
        else:
            return
        since_s, until_s = self._warned
        fresh = pick_up.at_s - until_s <= timing.press_gap_s
        assert fresh, f"I12: closing for {fact.by.id} without a warning"
        assert until_s - since_s >= least_s - SHOWN_WITHIN_S, (
            f"I12: warned for only {until_s - since_s:.4f} s, not {least_s} s"
        )

    # --------------------------------------------------------------- the end

    def is_waiting(self, gate: Published) -> bool:
        """Tell whether something is still to come: a command to end, an emergency to open."""
        return bool(self._open) or self._must_open(gate)

    def close(self, gate: Published) -> None:
        """Check the books when all is calm and whole again."""
        assert not self._open, f"I15: {sorted(self._open)} never ended"
        assert not self._must_open(gate), f"I11: an emergency opening ended {gate.state}"

    def _must_open(self, gate: Published) -> bool:
        """Tell whether the gate should be open by now or soon: an emergency that nothing forbids (I11)."""
        emergency = gate.mode is Mode.EMERGENCY_OPEN and self._lasts(PURSUED) and not self._excused and not self._opened
        forbidden = gate.health in LOCKED or Sensor.EDGE in self._active
        lost = self.site.drive is Drive.STEP and not self.site.has_beam  # no press from an unknown phase is harmless
        return emergency and not forbidden and not lost and gate.state is not State.OPEN
