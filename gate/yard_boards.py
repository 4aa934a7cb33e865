"""What stands between the relays' contacts and the motor: contactors, or an operator's board.

A board is asked again and again which way it drives the motor, given the contacts that are closed and whether the leaf
is at an end by the board's own limit switches, which never fail. It knows nothing of our sensors. Without mains it
forgets everything (`forget`). An input of an operator's board counts once, when it has been closed for 50 ms.
"""

from __future__ import annotations

from typing import Protocol

from gate.model import Direction, Relay
from gate.steps import HALTS, RUNS, Logic, Step

SHORTEST_PULSE_S = 0.05
PAUSE_S = 0.7
LONGEST_RUN = 1.5
ROUNDING_S = 1e-9

Contacts = frozenset[Relay]
Ends = tuple[bool, bool]  # at the closed end, at the open end
WAY = {step: way for way, step in RUNS.items()}
HALF_WAY = {Step.CLOSED: Step.PAUSED_CLOSING, Step.OPEN: Step.PAUSED_OPENING}


class Board(Protocol):
    """Decides which way the motor is driven."""

    @property
    def busy(self) -> bool:
        """Tell whether time alone may change what it does."""

    @property
    def phase(self) -> Step | None:
        """Return the phase of its cycle, where it has one."""

    def step(self, now_s: float, closed: Contacts, ends: Ends) -> Direction | None:
        """Return which way the motor is driven from now on."""

    def forget(self, now_s: float) -> None:
        """Lose the mains."""


class Contactors:
    """Drive `held`: a contactor for each direction, interlocked, so that both together drive nothing."""

    busy = False
    phase = None

    def step(self, now_s: float, closed: Contacts, ends: Ends) -> Direction | None:  # noqa: ARG002 - copper is simple
        """Drive while exactly one contact is closed, whatever the ends are."""
        if not closed:
            return None
        opens, closes = Relay.OPEN in closed, Relay.CLOSE in closed
        return None if opens is closes else Direction.OPEN if opens else Direction.CLOSE

    def forget(self, now_s: float) -> None:
        """Have nothing to forget."""


class Pulses:
    """Tells which inputs of a board have just counted."""

    def __init__(self) -> None:
        self._since_s: dict[Relay, float] = {}
        self._counted: set[Relay] = set()

    @property
    def pending(self) -> bool:
        """Tell whether an input is closed that has not counted yet."""
        return len(self._since_s) > len(self._counted)

    def count(self, now_s: float, closed: Contacts) -> list[Relay]:
        """Return the inputs that have now been closed for long enough, each once for each time it closes."""
        since_s = self._since_s
        if not closed and not since_s:
            return []
        for relay in [relay for relay in since_s if relay not in closed]:
            del since_s[relay]
            self._counted.discard(relay)
        counting = []
        for relay in Relay:
            waits = relay in closed and relay not in self._counted
            if waits and now_s - since_s.setdefault(relay, now_s) >= SHORTEST_PULSE_S - ROUNDING_S:
                self._counted.add(relay)
                counting.append(relay)
        return counting


class Runner:
    """The part of a board that switches the motor: a pause before the other way, its own ends, a longest run."""

    def __init__(self, travel_s: float) -> None:
        self.wanted: Direction | None = None
        self.going: Direction | None = None
        self._last: Direction | None = None
        self._stopped_s = self._began_s = float("-inf")
        self._longest_s = LONGEST_RUN * travel_s

    def want(self, way: Direction | None, now_s: float) -> None:
        """Run this way, or stop. A run the other way ends at once and the new one waits for the pause."""
        self.wanted = way
        if self.going is not None and self.going is not way:
            self._last, self._stopped_s, self.going = self.going, now_s, None

    def step(self, now_s: float, ends: Ends) -> bool | None:
        """Go on. Return None while nothing ended by itself, else whether it ended at its end (or ran too long)."""
        way = self.wanted
        if way is None:
            return None
        at_end = ends[way is Direction.OPEN]
        if at_end or (self.going is way and now_s - self._began_s >= self._longest_s):
            self.want(None, now_s)
            return at_end
        rested = self._last is not way.opposite or now_s - self._stopped_s >= PAUSE_S
        if self.going is None and rested:
            self.going, self._began_s = way, now_s
        return None


class PulseBoard:
    """Drive `momentary`: inputs OPEN, CLOSE and STOP, latched. A held OPEN bars CLOSE, a held STOP bars both."""

    phase = None

    def __init__(self, travel_s: float) -> None:
        self._pulses = Pulses()
        self._runner = Runner(travel_s)

    @property
    def busy(self) -> bool:
        """Tell whether it runs, is about to, or has not made up its mind about an input."""
        return self._runner.wanted is not None or self._pulses.pending

    def step(self, now_s: float, closed: Contacts, ends: Ends) -> Direction | None:
        """Take what has counted, then run on."""
        for relay in self._pulses.count(now_s, closed):
            if relay is Relay.STOP or Relay.STOP in closed:
                self._runner.want(None, now_s)
            elif relay is Relay.OPEN:
                self._runner.want(Direction.OPEN, now_s)
            elif relay is Relay.CLOSE and Relay.OPEN not in closed:
                self._runner.want(Direction.CLOSE, now_s)
        self._runner.step(now_s, ends)
        return self._runner.going

    def forget(self, now_s: float) -> None:
        """Stand; an input that is closed when the mains come back counts anew, as on most boards."""
        self._pulses = Pulses()
        self._runner.want(None, now_s)


class StepBoard:
    """Drive `step`: one input, and a cycle that `logic` gives. Its own ends are all that it knows of the leaf."""

    def __init__(self, logic: Logic, travel_s: float) -> None:
        self._logic = logic
        self._pulses = Pulses()
        self._runner = Runner(travel_s)
        self._phase = Step.CLOSED

    @property
    def phase(self) -> Step:
        """Return the phase that it is in."""
        return self._phase

    @property
    def busy(self) -> bool:
        """Tell whether it runs, is about to, or has not made up its mind about its input."""
        return self._runner.wanted is not None or self._pulses.pending

    def enter(self, phase: Step, now_s: float) -> None:
        """Be in this phase from now on, as after a press."""
        self._phase = phase
        self._runner.want(WAY.get(phase), now_s)

    def step(self, now_s: float, closed: Contacts, ends: Ends) -> Direction | None:
        """Take a press that has counted, then run on; at rest believe the ends, then the last run."""
        if Relay.STEP in self._pulses.count(now_s, closed):
            self.enter(self._logic[self._phase], now_s)
        ended = self._runner.step(now_s, ends)
        if ended is not None:
            self._phase = HALTS[self._phase]
        if self._runner.wanted is None:
            at_closed, at_open = ends
            away = HALF_WAY.get(self._phase, self._phase)
            self._phase = Step.CLOSED if at_closed else Step.OPEN if at_open else away
        return self._runner.going

    def forget(self, now_s: float) -> None:
        """Stand; away from its ends it will take the next press for a wish to open, as most boards do."""
        self._pulses = Pulses()
        self._runner.want(None, now_s)
        self._phase = Step.PAUSED_CLOSING
