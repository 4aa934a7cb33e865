"""Reference moves through the rules, on a leaf made of arithmetic, to see which phase follows which and why.

The rules have no table of transitions: a phase ends where its rule says so. What a diagram shows of them is therefore
found by making the moves that a gate makes (open, close, stop, turn round, an obstacle, a silence …) with each drive.
Pure: the clock is counted, and every run of it is the same.
"""

from __future__ import annotations

import functools
from collections.abc import Iterator
from dataclasses import dataclass, field

from gate import machine
from gate.memory import Decision, Gate, Phase, Wanted
from gate.model import Command, Drive, Inputs, Kind, Origin, Relay, Sensor, State
from gate.site import Site, Timing
from gate.steps import LOGICS, Step

SAMPLE_S = 0.02
TRAVEL_S = 2.0
END = 0.02
SOMEBODY = Origin(type="person", id="rehearsal")
WAYS = {Step.OPENING: 1, Step.CLOSING: -1}
TOLD = {Kind.ARRIVED: "limit", Kind.OBSTRUCTED: "obstacle"}
LOGIC = "open_stop_close_stop"
LONG_S = 12.0

Act = Command | Sensor | str


@dataclass(frozen=True, kw_only=True, slots=True)
class Change:
    """Something that was one thing before a decision and another after it, and why."""

    before: str
    after: str
    why: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Scene:
    """One thing that happens, and how long the gate is then watched. A sensor is active for `s` and then no more."""

    act: Act
    s: float
    sighted: bool = True


SCRIPT = (
    Scene(act=Command.OPEN, s=LONG_S), Scene(act=Command.CLOSE, s=LONG_S),
    Scene(act=Command.OPEN, s=1.0), Scene(act=Command.STOP, s=3.0),
    Scene(act=Command.OPEN, s=LONG_S), Scene(act=Command.CLOSE, s=LONG_S, sighted=False),
    Scene(act=Command.OPEN, s=LONG_S), Scene(act=Command.CLOSE, s=1.0, sighted=False), Scene(act=Command.STOP, s=2.0),
    Scene(act=Command.CLOSE, s=2.0), Scene(act=Command.OPEN, s=LONG_S),
    Scene(act=Command.CLOSE, s=2.2), Scene(act=Sensor.BEAM, s=1.0), Scene(act="", s=LONG_S),
    Scene(act=Command.CLOSE, s=2.2), Scene(act=Sensor.EDGE, s=0.5), Scene(act="", s=LONG_S),
    Scene(act=Command.OPEN, s=LONG_S), Scene(act=Command.CLOSE, s=2.0), Scene(act="silence", s=4.0),
    Scene(act=Command.RESET, s=1.0), Scene(act=Command.OPEN, s=LONG_S), Scene(act="silence", s=4.0),
    Scene(act=Command.LOCKDOWN, s=20.0), Scene(act=Command.UNLOCK, s=1.0),
    Scene(act=Command.EMERGENCY_OPEN, s=LONG_S), Scene(act=Command.NORMAL, s=1.0),
    Scene(act=Command.CLOSE, s=1.0, sighted=False), Scene(act=Sensor.BEAM, s=1.0), Scene(act="", s=4.0),
)  # fmt: skip


@dataclass(kw_only=True, slots=True)
class Leaf:
    """A leaf that moves as its relays, or its operator, say."""

    drive: Drive
    place: float = 0.0
    way: int = 0
    step: Step = Step.CLOSED
    before: Relay | None = None

    def goes(self, relay: Relay | None) -> None:
        """Let one sample's time go by with that relay on."""
        pressed = relay is not None and relay is not self.before
        if self.drive is Drive.HELD:
            self.way = {Relay.OPEN: 1, Relay.CLOSE: -1}.get(relay, 0) if relay else 0
        elif pressed and relay is not None:
            self.step = LOGICS[LOGIC][self.step] if relay is Relay.STEP else self.step
            self.way = {Relay.OPEN: 1, Relay.CLOSE: -1, Relay.STEP: WAYS.get(self.step, 0)}.get(relay, 0)
        self.before = relay
        self.place = min(1.0, max(0.0, self.place + self.way * SAMPLE_S / TRAVEL_S))
        if self.place in {0.0, 1.0} and self.way:
            self.way, self.step = 0, Step.OPEN if self.place else Step.CLOSED

    def limits(self) -> frozenset[Sensor]:
        """Return the limits that it stands at."""
        ends = {Sensor.LIMIT_CLOSED: self.place <= END, Sensor.LIMIT_OPEN: self.place >= 1.0 - END}
        return frozenset(sensor for sensor, reached in ends.items() if reached)


@dataclass(kw_only=True, slots=True)
class Rehearsal:
    """One gate with one drive, and what changed in it."""

    site: Site
    leaf: Leaf
    gate: Gate
    now_s: float = 0.0
    changes: list[tuple[Gate, Gate, str]] = field(default_factory=list)

    def plays(self, scene: Scene) -> None:
        """Let one thing happen, and time go by."""
        active = frozenset([scene.act]) if isinstance(scene.act, Sensor) else frozenset[Sensor]()
        if isinstance(scene.act, Command):
            wanted = Wanted(command=scene.act, command_id=scene.act, by=SOMEBODY, sighted=scene.sighted)
            self._take(machine.command(self.gate, wanted, self.now_s, self.site), scene.act.value)
        elif scene.act == "silence":
            self.now_s = machine.deadline(self.gate, self.site)
            self._take(machine.expire(self.gate, self.now_s, self.site), "silence")
        for _ in range(round(scene.s / SAMPLE_S)):
            self._sample(active)

    def _sample(self, active: frozenset[Sensor]) -> None:
        self.now_s += SAMPLE_S
        outputs = machine.outputs(self.gate, self.site)
        self.leaf.goes(outputs.relay)
        shown = self.leaf.limits() | active | (frozenset([Sensor.BEAM]) if outputs.beam_test else frozenset())
        running = frozenset([outputs.relay] if outputs.relay else [])
        decision = machine.step(self.gate, Inputs(at_s=self.now_s, active=shown, running=running), self.site)
        told = [TOLD[fact.kind] for fact in decision.facts if fact.kind in TOLD]
        pressed = sorted(active - (self.gate.senses.raw or frozenset()))
        self._take(decision, (told or pressed or ["time"])[0])

    def _take(self, decision: Decision, why: str) -> None:
        before, self.gate = self.gate, decision.gate
        self.changes.append((before, self.gate, why))


@functools.cache
def rehearse(drive: Drive) -> tuple[tuple[Gate, Gate, str], ...]:
    """Return each decision of the reference moves with this drive: the gate before, the gate after, and why."""
    site = Site(
        timing=Timing(max_travel_s=3 * TRAVEL_S, courtesy_s=0.0),
        drive=drive,
        logic=LOGIC if drive is Drive.STEP else "",
        sensors=frozenset({Sensor.LIMIT_OPEN, Sensor.LIMIT_CLOSED, Sensor.BEAM, Sensor.EDGE}),
        has_beam_test=True,
    )
    played = Rehearsal(site=site, leaf=Leaf(drive=drive), gate=machine.begin(0.0, site))
    for scene in (Scene(act="", s=4.0), *SCRIPT):
        played.plays(scene)
    return tuple(played.changes)


def phases(drive: Drive) -> Iterator[Change]:
    """Yield which phase followed which, and why, each once, in the order of the phases."""
    seen = {
        (before.phase, after.phase, why) for before, after, why in rehearse(drive) if before.phase is not after.phase
    }
    order = list(Phase)
    for before, after, why in sorted(seen, key=lambda one: (order.index(one[0]), order.index(one[1]), one[2])):
        yield Change(before=before, after=after, why=why)


def states() -> Iterator[Change]:
    """Yield which published state followed which, with any drive."""
    order = list(State)
    seen = {
        (before.state, after.state, after.evidence.value)
        for drive in Drive
        for before, after, _ in rehearse(drive)
        if before.state is not after.state
    }
    for before, after, proof in sorted(seen, key=lambda one: (order.index(one[0]), order.index(one[1]), one[2])):
        yield Change(before=before, after=after, why=proof)
