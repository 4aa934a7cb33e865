"""The judge of every story: it looks at the plant and at what is published, never at what the rules believe.

The plant is the yard (motor, contacts, leaf), the pins, and what the wires of the sensors say; published are state,
mode, health, facts and ends. Here stand the rules about levels and times (I1-I6, I8, I9); `tests/ledger.py` has those
about causes and books (I7, I10-I15). Every broken rule is an AssertionError that begins with its number.

A sample is `heard` when the controller took it. Times are monotonic seconds of the story.
"""

from __future__ import annotations

from gate.memory import Learned
from gate.model import Direction, Drive, Relay, Sensor, State
from gate.site import Site
from gate.world import Yard
from tests.ledger import LOCKED, Ledger, PickUp, Published

LEASE_S = 0.3
FORGIVEN_S = 0.05
OPPOSITE = {Relay.OPEN: Relay.CLOSE, Relay.CLOSE: Relay.OPEN}
LIMIT_AHEAD = {Relay.OPEN: Sensor.LIMIT_OPEN, Relay.CLOSE: Sensor.LIMIT_CLOSED}
LIMIT_OF = {State.OPEN: Sensor.LIMIT_OPEN, State.CLOSED: Sensor.LIMIT_CLOSED}
BOTH = frozenset({Relay.OPEN, Relay.CLOSE})
LIMITS = frozenset({Sensor.LIMIT_OPEN, Sensor.LIMIT_CLOSED})
LIMIT_REACH_M = 0.14 + 1e-6
RUNS_KEPT, LONGEST = 3, 1.35
DROP_OUT_S = 0.025
STOPS_WITHIN_S = 0.25
NEVER_S = -1e9
NONE: frozenset[Relay] = frozenset()
DARK: frozenset[str] = frozenset()


class Oracle:
    """Judges one gate for as long as its yard stands; restarts of the controller do not make it forget."""

    def __init__(self, site: Site, yard: Yard, now_s: float) -> None:
        self.site = site
        self.yard = yard
        self.ledger = Ledger(site, now_s)
        self.pins = NONE
        self.others = DARK
        self.heard_s = self._judged_s = now_s
        self.gap_s = 0.0
        self._length_m = yard._leaf.length_m
        self._on_s: dict[Relay, float] = {}
        self._longest_s: dict[Relay, float] = {}
        self._off_s: dict[Relay, float] = {}
        self._proved_s = dict.fromkeys(LIMITS, NEVER_S)
        self._widest_s = dict.fromkeys(LIMITS, 0.0)
        self._widest_on_s = 0.0
        self._seen_s = dict.fromkeys((Sensor.EDGE, Sensor.STOP_BUTTON), NEVER_S)
        self._motor: Direction | None = None
        self._ran_s = dict.fromkeys(Direction, NEVER_S)
        self._stop_s: float | None = None
        self._shorted: Relay | None = None
        self._pressed_stop_s = self._shorted_s = self._unsound_s = NEVER_S

    # --------------------------------------------------------------- what happens

    def starts(self, now_s: float, gate: Published) -> None:
        """Begin with a controller that has just started."""
        self.ledger.starts(now_s, gate)
        self.heard_s = now_s
        self._stop_s = None

    def skips(self, now_s: float) -> None:
        """Take note that samples came until now, of which none said anything new and no pin was on."""
        self.heard_s = self._judged_s = now_s

    def inherit(self, earlier: Oracle, now_s: float) -> None:
        """Know of the pins what an earlier oracle of the same yard knew when all went dark at `now_s`."""
        self._off_s = {**earlier._off_s, **dict.fromkeys(earlier.pins, now_s)}

    def goes_dark(self, now_s: float) -> None:
        """Take note that the keeper ended, and every output with it."""
        for relay in self.pins:
            self._off_s[relay] = now_s
        self.pins, self.others = NONE, DARK
        self.ledger.lights(now_s, DARK)

    def judge(
        self,
        now_s: float,
        pins: frozenset[Relay],
        others: frozenset[str],
        active: frozenset[Sensor],
        gate: Published,
        *,
        heard: bool,
        runs: bool,
        sound: bool,
        shorted: Relay | None = None,
    ) -> None:
        """Check one moment. `runs`: the controller does; `sound`: nothing in the yard is broken, nobody lies.

        `shorted`: a pin that is on whatever anybody orders, and is not judged.
        """
        if shorted is not None:
            self._shorted, self._shorted_s, pins = shorted, now_s, pins - {shorted}
            self.ledger.rogue = shorted
        elif self._shorted is not None:
            self._forgive_short(now_s, self._shorted, pins)
        if not sound:
            self._unsound_s = now_s
        if heard:
            self._hear(now_s, active)
        if others != self.others:
            self.ledger.lights(now_s, others)
            self.others = others
        before, self.pins = self.pins, pins
        if pins or before:
            self._judge_pins(now_s, before, active, gate, heard=heard)
        if heard:
            self._judge_stops(now_s, before, active)
        if gate.state in LIMIT_OF and runs:
            self._judge_claim(now_s, active, gate.state, heard=heard, sound=sound)
        self._judge_plant(now_s)
        self.ledger.judge(now_s, gate, active, before, heard=heard, sound=sound, rogue=shorted is not None)
        self._judged_s = now_s

    def _hear(self, now_s: float, active: frozenset[Sensor]) -> None:
        self.gap_s, self.heard_s = now_s - self.heard_s, now_s
        for limit in LIMITS:
            shows = limit in active
            self._proved_s[limit] = now_s if shows else self._proved_s[limit]
            self._widest_s[limit] = self.gap_s if shows else max(self._widest_s[limit], self.gap_s)

    def _forgive_short(self, now_s: float, relay: Relay, pins: frozenset[Relay]) -> None:
        """Take a pin that was shorted for one that was on: whether it went on meanwhile can't be told."""
        self._shorted, self._off_s[relay] = None, self._shorted_s
        self.pins |= pins & {relay}
        self._on_s[relay] = now_s
        self._longest_s[relay] = self.site.timing.max_travel_s

    def stop_was_said(self, now_s: float) -> None:
        """Take note of a stop; the next tick that the controller hears releases every relay (I5)."""
        if now_s - self.heard_s <= self.site.timing.stale_s:  # a keeper that is gone can't be told
            self._stop_s = now_s

    # --------------------------------------------------------------- the pins

    def _judge_pins(
        self, now_s: float, before: frozenset[Relay], active: frozenset[Sensor], gate: Published, *, heard: bool
    ) -> None:
        if self.pins != before:
            self._judge_edges(now_s, before, active, gate)
        if self.pins:
            self._judge_running(now_s, active, heard=heard)

    def _judge_edges(self, now_s: float, before: frozenset[Relay], active: frozenset[Sensor], gate: Published) -> None:
        assert len(self.pins) <= 1, f"I1: {sorted(self.pins)} energised"
        for relay in before - self.pins:
            self._off_s[relay] = now_s
        for relay in self.pins - before:
            self._on_s[relay] = now_s
            self._widest_on_s = self.gap_s
            self._longest_s[relay] = self._longest(relay, gate.learned)
            if relay is Relay.STOP:
                self._pressed_stop_s = now_s
            if relay in OPPOSITE:
                self._judge_direction(now_s, relay, active)
            self.ledger.picks_up(
                PickUp(relay=relay, at_s=now_s, active=active, mode=gate.mode, troubles=gate.troubles,
                       locked=gate.health in LOCKED, phase=self.yard.operator.phase)
            )  # fmt: skip

    def _judge_direction(self, now_s: float, relay: Relay, active: frozenset[Sensor]) -> None:
        rest_s = now_s - self._off_s.get(OPPOSITE[relay], NEVER_S)
        assert rest_s >= self.site.timing.dead_time_s - 1e-6, f"I2: {relay} only {rest_s:.3f} s after the other"
        assert LIMIT_AHEAD[relay] not in active, f"I3: {relay} energised with its limit active"
        if relay is Relay.CLOSE:
            assert not (self.site.has_beam and Sensor.BEAM in active), "I4: closing started with the beam broken"
            old_s = now_s - self.heard_s
            assert old_s <= self.site.timing.stale_s, f"I4: closing started on a sample {old_s:.3f} s old"

    def _longest(self, relay: Relay, learned: Learned) -> float:
        if self.site.drive is not Drive.HELD:
            return self.site.timing.pulse_s
        runs = sorted(learned.open_s if relay is Relay.OPEN else learned.close_s)
        usual_s = (runs[(len(runs) - 1) // 2] + runs[len(runs) // 2]) / 2 if len(runs) >= RUNS_KEPT else None
        longest_s = self.site.timing.max_travel_s
        return longest_s if usual_s is None else min(longest_s, LONGEST * usual_s)

    def _judge_running(self, now_s: float, active: frozenset[Sensor], *, heard: bool) -> None:
        silent_s = now_s - self.heard_s
        self._widest_on_s = max(self._widest_on_s, self.gap_s)
        for relay in self.pins:
            ran_s = now_s - self._on_s[relay]
            most_s = self._longest_s[relay] + FORGIVEN_S + 2 * self._widest_on_s + (0.0 if heard else LEASE_S)
            assert ran_s <= most_s, f"I9: {relay} has been on for {ran_s:.2f} s"
        assert silent_s <= LEASE_S + FORGIVEN_S, f"I6: {sorted(self.pins)} on {silent_s:.3f} s after the last sample"
        if not heard:
            return
        if Relay.CLOSE in self.pins and self.site.has_beam:
            assert Sensor.BEAM not in active, "I5: closing after a sample that showed the beam broken"
        if Sensor.ESTOP in active and Sensor.ESTOP in self.site.sensors:
            assert not self.pins & BOTH, "I5: a relay on after a sample that showed the emergency stop"

    def _judge_stops(self, now_s: float, before: frozenset[Relay], active: frozenset[Sensor]) -> None:
        """Check that a touch of the edge, the stop button and a stop release what was on, in the same tick (I5)."""
        for sensor, seen_s in self._seen_s.items():
            if sensor not in active or sensor not in self.site.sensors:
                continue
            rises = now_s - seen_s > self.site.timing.safety_clear_s + self.gap_s + FORGIVEN_S
            self._seen_s[sensor] = now_s
            if rises:
                assert not (before & BOTH & self.pins), f"I5: {sorted(self.pins)} still on after {sensor}"
                if sensor is Sensor.STOP_BUTTON:
                    self._stop_s = now_s
                    self.ledger.forget(now_s)
        if self._stop_s is not None and self.site.drive is Drive.HELD:
            if not self.ledger.asked_since(self._stop_s):
                assert not self.pins, f"I5: {sorted(self.pins)} still on after a stop"
            self._stop_s = None

    # --------------------------------------------------------------- the plant

    def _judge_plant(self, now_s: float) -> None:
        if self.yard.conditions and "welded" in self.yard.conditions.values():
            self._shorted_s = now_s
        if self.yard.motor is not self._motor:
            self._judge_motor(now_s)
        if self._stop_s is not None:
            self._stop_s = self._stop_s if now_s - self._unsound_s > 1.0 else None
            self._judge_halt(now_s)

    def _judge_motor(self, now_s: float) -> None:
        """With contactors the motor does what the pins say, and never turns round within the dead time (I1, I2, I7)."""
        before, self._motor = self._motor, self.yard.motor
        rogue = self._is_rogue(now_s)
        if before is not None:
            self._ran_s[before] = self._judged_s  # the last moment at which it was seen to run
        if self._motor is None or self.site.drive is not Drive.HELD or rogue:
            return
        relay = Relay.OPEN if self._motor is Direction.OPEN else Relay.CLOSE
        late_s = now_s - self._off_s.get(relay, NEVER_S)
        assert relay in self.pins or late_s <= DROP_OUT_S + self.gap_s, f"I7: the motor runs {self._motor} by itself"
        rest_s = now_s - self._ran_s[self._motor.opposite]
        least_s = self.site.timing.dead_time_s - DROP_OUT_S - self.gap_s
        assert rest_s >= least_s, f"I2: the motor turned round after {rest_s:.3f} s"

    def _is_rogue(self, now_s: float) -> bool:
        """Tell whether a welded contact or a shorted pin may drive the motor, or did so a moment ago."""
        return now_s - self._shorted_s < 2 * self.site.timing.dead_time_s + 1.0

    def _judge_halt(self, now_s: float) -> None:
        """After a stop an operator's board with a stop input has been told, or stands (I5)."""
        stop_s = self._stop_s
        if stop_s is None:
            return
        if self.site.drive is not Drive.MOMENTARY or self.ledger.asked_since(stop_s):
            self._stop_s = None
        elif now_s - stop_s > STOPS_WITHIN_S + 2 * self.gap_s:
            assert self.yard.motor is None or self._pressed_stop_s >= stop_s, "I5: the motor runs on after a stop"
            self._stop_s = None

    def _judge_claim(self, now_s: float, active: frozenset[Sensor], state: State, *, heard: bool, sound: bool) -> None:
        """I8: by the wire, by the age of its sample, and by where the leaf really is."""
        timing, part = self.site.timing, self.yard.leaf
        from_end_m = (part if state is State.CLOSED else 1.0 - part) * self._length_m
        if not heard:
            assert now_s - self.heard_s <= timing.proof_s + FORGIVEN_S, f"I8: {state} by an old sample"
            return
        most_s = timing.limit_debounce_s + 2 * self._widest_s[LIMIT_OF[state]] + 1e-6
        assert now_s - self._proved_s[LIMIT_OF[state]] <= most_s, f"I8: {state} without its limit"
        if sound and LIMIT_OF[state] in active:  # nothing lies: the wire says what the cam does
            assert from_end_m <= LIMIT_REACH_M, f"I8: {state} with the leaf {from_end_m:.2f} m from there"
