"""The plant of the simulated yard: what moves, and what makes it move.

    coils → contacts (`yard_parts`) → contactors or an operator's board (`yard_boards`) → motor → leaf (`yard_leaf`)
    things on the road (`yard_road`) and the leaf → limits, beam, edge;  conditions (`yard_orders`) break all of them

Time is the plant's own: it goes by in `advance` and nowhere else. Chance comes from one seeded generator, so the same
calls tell the same story. A plant in which nothing can change costs nothing to advance.

`motor` is the way in which the motor is driven now, be it dead or pulled free; `contacts` are the relay contacts that
conduct; `leaf` is 0.0 closed to 1.0 open, `speed` leaves per second. `leaf`, `slope`, `beam_held` and `beam_test` (the
beam's transmitter is switched off) may be set at any time and `things` changed; everything else goes by methods.
"""

from __future__ import annotations

import random
from collections.abc import Collection
from typing import assert_never

from gate.model import Direction, Drive, Relay, Sensor
from gate.steps import LOGICS, Step
from gate.yard_boards import Board, Contactors, PulseBoard, StepBoard
from gate.yard_leaf import LONGEST_STEP_S, Leaf
from gate.yard_orders import BATTERY, KNOWN, SWAPPED, YardError
from gate.yard_parts import Contacts, Limit, LimitFault, RelayFault
from gate.yard_road import Road, Thing

TRAVEL_S = 8.0
START_DELAY_S = 0.15
PUSH_N = 1000.0
PUSH_S = 2.0
GUST_N = 120.0
WORST_GUST_N = 300.0
GUST_S = (0.5, 3.0)
ROUNDING_S = 1e-9


def operator_of(drive: Drive, logic: str, travel_s: float) -> Board:
    """Return what stands between relays and motor. Raises ValueError for a step logic that nobody knows."""
    match drive:
        case Drive.HELD:
            return Contactors()
        case Drive.MOMENTARY:
            return PulseBoard(travel_s)
        case Drive.STEP:
            if logic not in LOGICS:
                raise ValueError(f"step logic {logic!r} is not known; it is one of {', '.join(LOGICS)}")
            return StepBoard(LOGICS[logic], travel_s)
    assert_never(drive)


class Plant:
    """What is true, whatever the sensors say. `seed` None: another story each time."""

    def __init__(
        self, drive: Drive = Drive.HELD, logic: str = "", travel_s: float = TRAVEL_S, seed: int | None = 0
    ) -> None:
        self._chance = random.Random(seed)  # noqa: S311 - wear and weather are no secret
        self.at_s = 0.0
        self.motor: Direction | None = None
        self.operator = operator_of(drive, logic, travel_s)
        self.conditions: dict[str, str] = {}
        self.beam_test = False
        self._leaf = Leaf(travel_s)
        self._road = Road()
        self._contacts = Contacts(self._chance)
        self._closed_limit = Limit(self._chance, pressed=True)
        self._open_limit = Limit(self._chance, pressed=False)
        self._limits = {Sensor.LIMIT_CLOSED.value: self._closed_limit, Sensor.LIMIT_OPEN.value: self._open_limit}
        self._frozen_beam: bool | None = None
        self._driven_s = self._gust_s = self._push_s = 0.0
        self._is_powered = self._turns = True
        self._is_windy = self._is_worn = False
        self._is_quiet = False

    @property
    def leaf(self) -> float:
        """How far open it is, 0.0 to 1.0. Setting it puts the leaf there, at rest."""
        return max(0.0, min(1.0, self._leaf.at_m / self._leaf.length_m))

    @leaf.setter
    def leaf(self, part: float) -> None:
        leaf = self._leaf
        leaf.at_m, leaf.speed_m_s, leaf.edge_trips = max(0.0, min(1.0, part)) * leaf.length_m, 0.0, False
        self._closed_limit.place(leaf.at_m, self.at_s)
        self._open_limit.place(leaf.length_m - leaf.at_m, self.at_s)
        self._is_quiet = False

    @property
    def speed(self) -> float:
        """How fast it goes, in leaves per second; towards open is positive."""
        return self._leaf.speed_m_s / self._leaf.length_m

    @property
    def slope(self) -> float:
        """How steep the rail is, in metres per metre; positive is downhill towards open."""
        return self._leaf.slope

    @slope.setter
    def slope(self, slope: float) -> None:
        self._leaf.slope, self._is_quiet = slope, False

    @property
    def relays(self) -> frozenset[Relay]:
        """Whose coils are on."""
        return self._contacts.coils

    @property
    def contacts(self) -> frozenset[Relay]:
        """Whose contacts conduct."""
        return self._contacts.closed

    @property
    def things(self) -> list[Thing]:
        """All that is on the road."""
        return self._road.things

    @property
    def beam_held(self) -> bool:
        """Tell whether somebody has taped the photocell's lens."""
        return self.conditions.get("beam") == "blocked"

    @beam_held.setter
    def beam_held(self, held: bool) -> None:
        self.become("beam", "blocked" if held else None)

    @property
    def beam_broken(self) -> bool:
        """Tell whether the photocell's light is interrupted, whatever its wire says."""
        return self.conditions.get("beam") == "blocked" or (bool(self._road.things) and self._road.breaks_beam)

    @property
    def edge_pressed(self) -> bool:
        """Tell whether a safety edge is squeezed far enough to trip, or somebody presses it."""
        return self._leaf.edge_trips or "edge" in self.conditions

    @property
    def is_lively(self) -> bool:
        """Tell whether anything moves, or is about to."""
        return bool(self._leaf.speed_m_s or self.relays or self.things or self._push_s or self.motor) or (
            self.operator.busy
        )

    def advance(self, dt_s: float, relays: Collection[Relay]) -> None:
        """Let `dt_s` go by with the coils of these relays on, from its beginning."""
        if self._is_quiet and not relays and not self._road.things:
            self.at_s += dt_s
            return
        contacts = self._contacts
        coils = frozenset(relays)
        if coils != contacts.coils:
            contacts.energise(coils, self.at_s)
        while dt_s > LONGEST_STEP_S + ROUNDING_S:
            self._step(LONGEST_STEP_S)
            dt_s -= LONGEST_STEP_S
            if self._is_quiet and not coils:
                self.at_s += dt_s
                return
        self._step(dt_s)

    def push(self, way: Direction, force_n: float = PUSH_N, for_s: float = PUSH_S) -> None:
        """Have somebody push the leaf from now on; by default hard enough to drag it over its brake."""
        self._leaf.push_n = force_n if way is Direction.OPEN else -force_n
        self._push_s = for_s
        self._is_quiet = False

    def operator_is(self, phase: Step) -> None:
        """Put a step operator into a phase of its cycle, as if it had come there by itself."""
        if not isinstance(self.operator, StepBoard):
            raise YardError("this yard's operator has no steps; build it with drive=Drive.STEP")
        self.operator.enter(phase, self.at_s)
        self._is_quiet = False

    def become(self, subject: str, condition: str | None) -> None:
        """Give a subject of `yard_orders.KNOWN` one of its conditions, or take it away (None). Raises `YardError`."""
        if condition is not None and (subject, condition) not in KNOWN:
            raise YardError(f"{subject!r} can't be {condition!r} in the yard")
        beam = self._shown_beam()
        self.conditions.pop(subject, None)
        if condition is not None:
            self.conditions[subject] = condition
        if subject in self._limits:
            self._limits[subject].break_down(LimitFault(condition) if condition else None, self.at_s)
            if condition is None:
                self.conditions.pop(SWAPPED, None)
        elif subject == "beam":
            self._frozen_beam = beam if condition == "stuck" else None
        elif subject.endswith("_relay"):
            self._contacts.break_down(Relay(subject), RelayFault(condition) if condition else None)
        self._take_effect()

    def _shown_beam(self) -> bool:
        return self._frozen_beam if self._frozen_beam is not None else self.beam_test or self.beam_broken

    def _take_effect(self) -> None:
        """Work out what the conditions mean for the step."""
        conditions = self.conditions
        was_powered = self._is_powered
        self._is_powered = "power" not in conditions or BATTERY in conditions
        if was_powered and not self._is_powered:
            self.operator.forget(self.at_s)
        self._turns = "motor" not in conditions
        self._leaf.free = Sensor.RELEASE in conditions
        self._is_windy = "wind" in conditions
        self._is_worn = any(limit.fault is LimitFault.BOUNCING for limit in self._limits.values())
        if not self._is_windy:
            self._leaf.wind_n = 0.0
        self._is_quiet = False

    def _step(self, dt_s: float) -> None:
        """Let at most `LONGEST_STEP_S` go by."""
        now_s = self.at_s = self.at_s + dt_s
        leaf, contacts = self._leaf, self._contacts
        if contacts.pending:
            contacts.settle(now_s)
        if self._road.things:
            self._road.move(dt_s, leaf.at_m / leaf.length_m)
            leaf.post_m = self._road.keeps_open() * leaf.length_m
        elif leaf.post_m:
            leaf.post_m = 0.0
        if self._push_s or self._is_windy:
            self._blow(now_s, dt_s)
        motor = self._drive_motor(now_s)
        drive = 0
        if motor is not None and self._turns and now_s - self._driven_s >= START_DELAY_S:
            drive = 1 if motor is Direction.OPEN else -1
        from_m = leaf.at_m
        leaf.step(dt_s, drive)
        if leaf.at_m != from_m:
            self._closed_limit.look(leaf.at_m, now_s)
            self._open_limit.look(leaf.length_m - leaf.at_m, now_s)
        chatters = self._is_worn and self._chatter(now_s)
        self._is_quiet = not (
            leaf.speed_m_s or leaf.free or leaf.post_m or motor or contacts.coils or contacts.pending or chatters
            or self._push_s or self.operator.busy
        )  # fmt: skip

    def _drive_motor(self, now_s: float) -> Direction | None:
        """Return which way the motor is driven from now on."""
        motor = None
        if self._is_powered:
            ends = (self._closed_limit.pressed, self._open_limit.pressed)
            motor = self.operator.step(now_s, self._contacts.closed, ends)
        if motor is not self.motor:
            self.motor, self._driven_s = motor, now_s
        return motor

    def _blow(self, now_s: float, dt_s: float) -> None:
        """Let the wind change its mind and whoever pushes get tired."""
        leaf = self._leaf
        self._push_s = max(0.0, self._push_s - dt_s)
        if not self._push_s:
            leaf.push_n = 0.0
        if self._is_windy and now_s >= self._gust_s:
            leaf.wind_n = max(-WORST_GUST_N, min(WORST_GUST_N, self._chance.gauss(0.0, GUST_N)))
            self._gust_s = now_s + self._chance.uniform(*GUST_S)

    def _chatter(self, now_s: float) -> bool:
        """Let worn limits flip; tell whether any still does."""
        chatters = False
        for limit in self._limits.values():
            if limit.fault is LimitFault.BOUNCING:
                chatters |= limit.chatter(now_s)
        return chatters
