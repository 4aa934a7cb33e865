"""The gate of the firing range: the shell around the rules, the keeper's guard and the yard, on a clock of its own."""

from __future__ import annotations

from gate import machine
from gate.controller import Controller, Effects
from gate.memory import Kept, Wanted
from gate.model import Code, JsonObject, Kind, Origin, Outputs, Relay, Sensor
from gate.ring import Ring
from gate.server import Wish
from gate.site import Site, Timing
from gate.world import Yard
from tests.story import guard_of

STEP_S = 0.005
REST_STEP_S = 0.02


class YardGate:
    """The real controller, guard and yard, sampled as the keeper does; `facts` are what the journal gets."""

    def __init__(self, now_s: float, yard: Yard | None = None) -> None:
        self.site = Site(timing=Timing(max_travel_s=20.0), sensors=frozenset(Sensor))
        self.now_s = now_s
        self.yard = yard or Yard(drive=self.site.drive, logic=self.site.logic)
        self.energised: list[tuple[str, float]] = []
        self._guard = guard_of(self.site, now_s)
        self._wanted = Outputs()
        self._pins: frozenset[Relay] = frozenset()
        self._seq = 0
        effects = Effects(
            write=self._wrote, order=self._ordered, publish=lambda: None, keep=lambda _: None, utc=lambda _: "now"
        )
        self.controller = Controller(self.site, effects, Ring(lambda _: None), now_s, Kept())

    @property
    def doing(self) -> tuple[object, ...]:
        """Return everything that decides what the gate does and is about to do."""
        gate = self.controller._gate
        return gate.motion, gate.standing, gate.pending, gate.state, self._wanted, self._pins

    @property
    def sequence(self) -> int:
        """Return what is published."""
        return self.controller._sequence

    def after(self, s: float) -> None:
        """Let time go by."""
        end_s = self.now_s + s
        while self.now_s < end_s:
            step_s = STEP_S if self._pins or self.controller.is_moving else REST_STEP_S
            self.now_s += step_s
            self.yard.advance(step_s, self._pins)
            self._seq += 1
            levels: JsonObject = dict(self.yard.sensors())
            shown: JsonObject = {relay.value: relay in self._pins for relay in Relay}
            packet: JsonObject = {"seq": self._seq, "at_s": self.now_s, "in": levels, "out": shown}
            self.controller.samples([packet], self.now_s)
            self._switch()

    def rules_would_say(self, wish: Wish) -> Code | None:
        """Ask the pure rules what they think of a command, without giving it."""
        wanted = Wanted(
            command=wish.command, command_id=wish.command_id, by=wish.by.origin(), reason=wish.reason,
            sighted=wish.sighted, minutes=wish.minutes,
        )  # fmt: skip
        refusal = machine.command(self.controller._gate, wanted, self.now_s, self.site).refusal
        return refusal.code if refusal else None

    def _wrote(self, kind: Kind, _by: Origin, data: JsonObject) -> None:
        if kind is Kind.DRIVE_ENERGISED:
            self.energised.append((str(data["command_id"]), self.now_s))

    def _ordered(self, _seq: int, wanted: Outputs, _fast: bool) -> None:  # noqa: FBT001 - the port of Effects
        self._wanted = wanted
        others = frozenset(name for name in ("lamp", "buzzer", "siren", "light") if getattr(wanted, name))
        self._guard.order(self.now_s, wanted.relay, others, self.now_s)
        self._switch()

    def _switch(self) -> None:
        relay, _ = self._guard.settle(self.now_s)
        self._pins = frozenset({relay}) if relay else frozenset()
        self._guard.saw(self._pins, frozenset(), self.now_s)
