"""The electrical parts of the simulated yard: relays that take their time, limit switches that wear.

Times are seconds of the yard's own clock; chance comes from the generator that the yard hands in.
"""

from __future__ import annotations

import random
from enum import StrEnum

from gate.model import Relay

PULL_IN_S = (0.005, 0.010)
DROP_OUT_S = (0.010, 0.020)
LIMIT_M = 0.12
HYSTERESIS_M = 0.02
CHATTER_S = 0.25
FLIP_S = (0.002, 0.012)
NONE: frozenset[Relay] = frozenset()


class RelayFault(StrEnum):
    """What is wrong with a relay's contact."""

    WELDED = "welded"
    DEAD = "dead"


class LimitFault(StrEnum):
    """What is wrong with one limit switch; two whose wires were exchanged are the yard's affair."""

    STUCK = "stuck"
    MISSING = "missing"
    BOUNCING = "bouncing"


class Contacts:
    """The drive relays. `coils` are energised; `closed` are the contacts that conduct, a little later."""

    def __init__(self, chance: random.Random) -> None:
        self.coils = NONE
        self.closed = NONE
        self._chance = chance
        self._pulled: set[Relay] = set()
        self._due_s: dict[Relay, float] = {}
        self._faults: dict[Relay, RelayFault] = {}

    @property
    def pending(self) -> bool:
        """Tell whether an armature is on its way."""
        return bool(self._due_s)

    def energise(self, coils: frozenset[Relay], now_s: float) -> None:
        """Have exactly these coils on from now; their contacts follow (facts/gpio.md 7)."""
        for relay in Relay:  # not over a set: its order differs from run to run, and chance must not
            on = relay in coils
            if on is (relay in self.coils):
                continue
            if on is (relay in self._pulled):
                self._due_s.pop(relay, None)
            else:
                self._due_s[relay] = now_s + self._chance.uniform(*(PULL_IN_S if on else DROP_OUT_S))
        self.coils = coils

    def settle(self, now_s: float) -> None:
        """Let those armatures arrive whose time has come."""
        for relay, due_s in [*self._due_s.items()]:
            if now_s >= due_s:
                del self._due_s[relay]
                self._pulled ^= {relay}
        self._conduct()

    def break_down(self, relay: Relay, fault: RelayFault | None) -> None:
        """Weld this contact shut, burn it open, or put a new relay in."""
        self._faults.pop(relay, None)
        if fault is not None:
            self._faults[relay] = fault
        self._conduct()

    def _conduct(self) -> None:
        faults = self._faults
        welded = {relay for relay, fault in faults.items() if fault is RelayFault.WELDED}
        closed = frozenset(welded | (self._pulled - faults.keys()))
        if closed != self.closed:
            self.closed = closed


class Limit:
    """A limit switch at one end. `pressed` is its cam, with hysteresis; `shown` is what its wire says."""

    def __init__(self, chance: random.Random, *, pressed: bool) -> None:
        self.pressed = self.shown = pressed
        self.fault: LimitFault | None = None
        self._chance = chance
        self._calm_s = 0.0
        self._flip_s = 0.0

    def look(self, gap_m: float, now_s: float) -> None:
        """Follow the leaf, which is this far from the end."""
        pressed = gap_m <= (LIMIT_M + HYSTERESIS_M if self.pressed else LIMIT_M)
        if pressed is not self.pressed:
            self.pressed = pressed
            self._touch(now_s)

    def place(self, gap_m: float, now_s: float) -> None:
        """Forget on which side the leaf came from: somebody put it there."""
        self.pressed = gap_m <= LIMIT_M
        self._touch(now_s)

    def break_down(self, fault: LimitFault | None, now_s: float) -> None:
        """Have this fault from now on; None mends it."""
        self.fault = fault
        self._touch(now_s)

    def chatter(self, now_s: float) -> bool:
        """Let a worn switch flip; tell whether it is still at it."""
        if now_s >= self._calm_s:
            self.shown = self.pressed
            return False
        if now_s >= self._flip_s:
            self.shown = not self.shown
            self._flip_s = now_s + self._chance.uniform(*FLIP_S)
        return True

    def _touch(self, now_s: float) -> None:
        match self.fault:
            case None:
                self.shown = self.pressed
            case LimitFault.MISSING:
                self.shown = False
            case LimitFault.BOUNCING:
                self._calm_s, self._flip_s = now_s + CHATTER_S, now_s
            case LimitFault.STUCK:
                pass
