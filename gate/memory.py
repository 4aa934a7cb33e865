"""What the rules remember between two samples, and what they answer. Values only; the rules are in `machine.py`."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from gate.model import (
    Code,
    Command,
    Direction,
    Evidence,
    Health,
    Inputs,
    JsonObject,
    Kind,
    Mode,
    Origin,
    Refusal,
    State,
)


class Phase(StrEnum):
    """What is being done about the leaf."""

    SETTLING = "settling"
    RESTING = "resting"
    PAUSING = "pausing"
    WARNING = "warning"
    DRIVING = "driving"


@dataclass(frozen=True, kw_only=True, slots=True)
class Timing:
    """How long things take, in seconds. The first four are a site's own; the rest belong to the rules."""

    dead_time_s: float = 0.5
    max_travel_s: float = 30.0
    warning_s: float = 5.0
    unsighted_warning_s: float = 10.0
    settle_s: float = 0.5
    leave_limit_s: float = 3.0
    pick_up_s: float = 0.25
    safety_clear_s: float = 0.2
    limit_debounce_s: float = 0.03
    stale_s: float = 0.1
    proof_s: float = 1.0
    recover_s: float = 2.0
    siren_s: float = 180.0


@dataclass(frozen=True, kw_only=True, slots=True)
class Level:
    """A debounced input: what counts as its level, and since when raw samples have said otherwise."""

    active: bool
    doubted_s: float | None = None

    @property
    def anew(self) -> Level:
        """The same level without a doubt."""
        return Level(active=self.active)

    def fed(self, now_s: float, *, raw: bool, rise_s: float, fall_s: float) -> Level:
        """Return the level after one more raw sample; it follows after `rise_s` or `fall_s` of agreement."""
        if raw is self.active:
            return self if self.doubted_s is None else self.anew
        since_s = now_s if self.doubted_s is None else self.doubted_s
        if now_s - since_s >= (rise_s if raw else fall_s):
            return Level(active=raw)
        return Level(active=self.active, doubted_s=since_s)


@dataclass(frozen=True, kw_only=True, slots=True)
class Move:
    """A wish that is being followed: which way, for whom, why, after how much warning.

    `ruled` marks a move that a rule wants; `command_id` then names the command that led to it, whose books are closed.
    """

    direction: Direction
    command_id: str
    by: Origin
    cause: str
    warning_s: float = 0.0
    loud: bool = False
    ruled: bool = False


@dataclass(frozen=True, kw_only=True, slots=True)
class Ending:
    """Why a drive was switched off, by whom, and what is known of the leaf if no limit says better."""

    why: str
    by: Origin
    command_id: str
    leaves: State = State.STOPPED


@dataclass(frozen=True, kw_only=True, slots=True)
class Gate:
    """All that the rules remember. A new one knows nothing and moves nothing (I7).

    Times are monotonic seconds. `by` is who or what brought about `state`. `move` is what is wanted now, `last` the
    move that a relay was last energised for. `seen_s` and `fresh_s`: the newest sample, and the first one since the
    last silence. `energised_s`: since when the pins have shown a drive relay on. `on_s`: when one was last shown or
    ordered on; the dead time counts from there. `off_s`: when one was last ordered off; `ending`: why.
    """

    phase_s: float
    state_s: float
    phase: Phase = Phase.SETTLING
    state: State = State.UNKNOWN
    evidence: Evidence = Evidence.NONE
    by: Origin | None = None
    mode: Mode = Mode.NORMAL
    health: Health = Health.OK
    reasons: tuple[Code, ...] = ()
    move: Move | None = None
    last: Move | None = None
    limit_open: Level = Level(active=False)
    limit_closed: Level = Level(active=False)
    beam: Level | None = None
    raw: Inputs | None = None
    seen_s: float | None = None
    fresh_s: float | None = None
    energised_s: float | None = None
    on_s: float | None = None
    on_way: Direction | None = None
    left_limit: bool = False
    off_s: float | None = None
    ending: Ending | None = None
    stopping: tuple[str, ...] = ()
    light: bool = False
    siren_until_s: float | None = None

    @property
    def running(self) -> frozenset[Direction]:
        """Which drive relays the pins showed energised in the newest sample."""
        return self.raw.running if self.raw else frozenset()

    @property
    def target(self) -> State | None:
        """Where the leaf is on its way to."""
        if self.move is None:
            return None
        return State.OPEN if self.move.direction is Direction.OPEN else State.CLOSED

    def limit(self, direction: Direction) -> Level:
        """Return the debounced limit at that end."""
        return self.limit_open if direction is Direction.OPEN else self.limit_closed


@dataclass(frozen=True, kw_only=True, slots=True)
class Wanted:
    """A command as the rules see it; whether this person may give it was decided before."""

    command: Command
    command_id: str
    by: Origin
    reason: str = ""
    sighted: bool = False


@dataclass(frozen=True, kw_only=True, slots=True)
class Happened:
    """A fact to be written down; the journal gives it its place and time."""

    kind: Kind
    by: Origin
    data: JsonObject


@dataclass(frozen=True, kw_only=True, slots=True)
class Ended:
    """A command came to its end: done where `code` is None, failed otherwise."""

    command_id: str
    code: Code | None


@dataclass(frozen=True, kw_only=True, slots=True)
class Decision:
    """What the rules answer. `under_way` names the earlier command that a repeated one joined."""

    gate: Gate
    facts: tuple[Happened, ...] = ()
    ended: tuple[Ended, ...] = ()
    refusal: Refusal | None = None
    under_way: str | None = None
