"""What the rules remember between two samples, and what they answer. Values only; the rules are in `machine.py`.

`Gate` is made of records that change for different reasons, so that one sample rarely copies more than one of them.
Times are monotonic seconds.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from enum import StrEnum

from gate.model import (
    Alarm,
    Code,
    Command,
    Direction,
    Evidence,
    Health,
    JsonObject,
    Kind,
    Mode,
    Origin,
    Refusal,
    Relay,
    Sensor,
    State,
)
from gate.steps import Step


class Phase(StrEnum):
    """What is being done about the leaf."""

    SETTLING = "settling"
    RESTING = "resting"
    PAUSING = "pausing"
    TESTING = "testing"
    PROVING = "proving"
    WARNING = "warning"
    DRIVING = "driving"
    PRESSING = "pressing"
    RUNNING = "running"
    SPACING = "spacing"
    HALTING = "halting"


ENERGISING = frozenset({Phase.DRIVING, Phase.PRESSING, Phase.HALTING})
AT_WORK = frozenset({Phase.DRIVING, Phase.PRESSING, Phase.RUNNING})
"""The phases in which the leaf is on its way for a move."""
BEFORE_DRIVE = frozenset({Phase.PAUSING, Phase.TESTING, Phase.PROVING, Phase.WARNING})
"""The phases of a move in which nothing is energised for it yet."""
STOPPING = frozenset({Phase.SPACING, Phase.HALTING})
"""The phases in which a stop is being pressed."""

TROUBLES: dict[Code, Health] = {
    Code.ESTOP: Health.ESTOP,
    Code.LIMIT_CONFLICT: Health.HARD_LOCK,
    Code.LIMITS_SWAPPED: Health.HARD_LOCK,
    Code.RELAY_CONFLICT: Health.HARD_LOCK,
    Code.EDGE: Health.HARD_LOCK,
    Code.STATE_LOST: Health.HARD_LOCK,
    Code.SOFT_LOCK: Health.SOFT_LOCK,
    Code.KEEPER_DOWN: Health.DEGRADED,
    Code.SENSOR_STALE: Health.DEGRADED,
    Code.BEAM_TEST: Health.DEGRADED,
    Code.BATTERY_LOW: Health.DEGRADED,
    Code.MAINS_LOST: Health.DEGRADED,
    Code.SLOW: Health.DEGRADED,
    Code.MAINTENANCE_DUE: Health.OK,
}
"""Everything that can be wrong with the gate, worst first, and what it makes of its health."""

LOCKS = frozenset(code for code, health in TROUBLES.items() if health in {Health.ESTOP, Health.HARD_LOCK})
"""The troubles in which nothing is energised until an authorised reset (I10)."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Move:
    """A wish that is being followed: which way, for whom, why, after how much warning.

    `ruled` marks a move that a rule wants; `command_id` then names the command that led to it, whose books are closed,
    or the rule. `attended`: somebody watches. `why` names an unattended closing that is tried again. `for_s`:
    how long a reversal off the edge lasts. `held`: hold-to-run, while that button is pressed. `tries`: drives or
    presses so far. `until_s`: after that it is too late for its first relay.
    """

    direction: Direction
    command_id: str
    by: Origin
    cause: str
    warning_s: float = 0.0
    loud: bool = False
    ruled: bool = False
    attended: bool = False
    why: str = ""
    for_s: float | None = None
    held: Sensor | None = None
    tries: int = 0
    until_s: float | None = None

    @property
    def is_escape(self) -> bool:
        """Whether it leads away from something that was touched or seen in the way."""
        return self.ruled and self.by.id in {"beam", "edge"}


@dataclass(frozen=True, kw_only=True, slots=True)
class Ending:
    """Why a drive was switched off, by whom, and what is known of the leaf if no limit says better."""

    why: str
    by: Origin
    command_id: str
    leaves: State = State.STOPPED


@dataclass(frozen=True, kw_only=True, slots=True)
class Ordered:
    """The newest relay that was ordered on, and its one cause (I14)."""

    relay: Relay
    direction: Direction | None
    by: Origin
    command_id: str
    cause: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Senses:
    """What the sensors say. `active`: debounced; `doubts`: since when raw samples say otherwise; `raw`: the newest.

    `fresh_s`: the first sample since the last silence. `known`: levels have settled once since power-up, so that one
    which is new after a silence is one that changed.
    """

    active: frozenset[Sensor] = frozenset()
    doubts: tuple[tuple[Sensor, float], ...] = ()
    raw: frozenset[Sensor] | None = None
    running: frozenset[Relay] = frozenset()
    fresh_s: float | None = None
    known: bool = False

    def doubted_s(self, sensor: Sensor) -> float | None:
        """Return since when raw samples have contradicted that sensor's level, None where they agree."""
        return next((since_s for doubted, since_s in self.doubts if doubted is sensor), None)


@dataclass(frozen=True, kw_only=True, slots=True)
class Motion:
    """What is being done with the drive.

    `move` is what is wanted now; `ordered` the newest relay that was ordered on. `energised_s`: since when a pin has
    shown a drive relay on; `began_s`: since when the leaf has been driven. `on_s`: when the leaf was last driven or a
    relay ordered on, `on_way` which way; the dead time counts from there. `off_s`: when a relay was last ordered off,
    `released_s`: when its pin showed it.
    `left_limit`: the limit behind was seen to release. `from_limit`: this run began at it. `passed`: something broke
    the beam meanwhile. `trips`: of the edge, since a limit. `reversals`: since the gate was closed. `stopping`: the
    stops that wait for the relay's release. `runs_on`: an operator's board may run by itself, and could not be told to
    stop.
    """

    phase_s: float
    phase: Phase = Phase.SETTLING
    move: Move | None = None
    ordered: Ordered | None = None
    energised: Relay | None = None
    energised_s: float | None = None
    began_s: float | None = None
    on_s: float | None = None
    on_way: Direction | None = None
    off_s: float | None = None
    released_s: float | None = None
    left_limit: bool = False
    from_limit: bool = False
    passed: bool = False
    ending: Ending | None = None
    trips: int = 0
    reversals: int = 0
    stopping: tuple[str, ...] = ()
    runs_on: bool = False
    belief: frozenset[Step] = frozenset()


@dataclass(frozen=True, kw_only=True, slots=True)
class Shown:
    """What is published of the leaf, what it rests on, since when, and who or what brought it about."""

    since_s: float
    state: State = State.UNKNOWN
    evidence: Evidence = Evidence.NONE
    by: Origin | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Standing:
    """What people asked of the gate beyond one move, and how far it is done.

    `overlay` is what is true of the gate whoever asks (released, maintenance); it hides `mode` and leaves it as it is.
    `pursued`: the rule still moves the leaf for it, which a stop ends (`stopped`). `tries` and `retry_s`: how often,
    when again.
    """

    mode: Mode = Mode.NORMAL
    overlay: Mode | None = None
    by: Origin | None = None
    command_id: str = ""
    until_s: float | None = None
    reminded: bool = False
    pursued: bool = False
    stopped: bool = False
    tries: int = 0
    retry_s: float = -math.inf
    sighted: bool = False


@dataclass(frozen=True, kw_only=True, slots=True)
class Pending:
    """A move that a rule will begin by itself at `due_s`, or once the way has been clear where that is None."""

    direction: Direction
    why: str
    due_s: float | None
    passed: bool = False


@dataclass(frozen=True, kw_only=True, slots=True)
class Plan:
    """What the timetable wants now: OPEN, CLOSED or nothing, and whether the exit loop opens.

    `moves` is false where it is only to be known (boot, a clock that jumped or is not believed): nothing moves then.
    `renewed`: people have just set another timetable, and what the one before was waiting to do is not waited for.
    """

    wants: State | None = None
    exit_opens: bool = True
    moves: bool = False
    renewed: bool = False


@dataclass(frozen=True, kw_only=True, slots=True)
class Raised:
    """An alarm that nobody has acknowledged yet. `data` are more words about it, in pairs."""

    alarm: Alarm
    id: str
    raised_s: float
    reminders: int = 0
    data: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, kw_only=True, slots=True)
class Watch:
    """What is being watched: unacknowledged alarms, causes that were told and still last, since when others last.

    `stood`: the end at which the leaf was proven to stand when the samples stopped.
    """

    alarms: tuple[Raised, ...] = ()
    told: frozenset[Alarm] = frozenset()
    stood: State | None = None
    covered_s: float | None = None
    siren_until_s: float | None = None
    light: bool = False
    courtesy_until_s: float | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Learned:
    """Travel times of clean runs in seconds, newest last, five at the most; and how often the gate was closed."""

    open_s: tuple[float, ...] = ()
    close_s: tuple[float, ...] = ()
    cycles: int = 0


@dataclass(frozen=True, kw_only=True, slots=True)
class KeptTimetable:
    """The timetable as people set it: which change it is (1, 2, 3 …), when (UTC text), by whom, why.

    `periods` are as `config.periods.written` makes them, and are read by `config.periods.read`.
    """

    revision: int
    at: str
    by: Origin
    reason: str
    periods: tuple[JsonObject, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class Kept:
    """What survives a restart.

    `mode_left_s`: how much of a hold-open is left. `stopped`: what the mode wanted to move was stopped. `timetable`:
    None while the configuration's is in force; the rules never look at it.
    """

    mode: Mode = Mode.NORMAL
    mode_left_s: float | None = None
    stopped: bool = False
    troubles: tuple[Code, ...] = ()
    alarms: tuple[Alarm, ...] = ()
    open_s: tuple[float, ...] = ()
    close_s: tuple[float, ...] = ()
    cycles: int = 0
    timetable: KeptTimetable | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Gate:
    """All that the rules remember. A new one knows nothing and moves nothing (I7).

    `seen_s`: the newest sample, None in a silence. `due_s`: until then a sample that says the same as the one before
    changes nothing.
    """

    seen_s: float | None
    due_s: float
    senses: Senses
    motion: Motion
    shown: Shown
    standing: Standing = Standing()
    pending: Pending | None = None
    plan: Plan = Plan()
    watch: Watch = Watch()
    learned: Learned = Learned()
    troubles: tuple[Code, ...] = ()

    def heard(self, at_s: float) -> Gate:
        """Return the same gate after one more sample that said nothing new. Called for each: no generic copy."""
        return Gate(
            seen_s=at_s,
            due_s=self.due_s,
            senses=self.senses,
            motion=self.motion,
            shown=self.shown,
            standing=self.standing,
            pending=self.pending,
            plan=self.plan,
            watch=self.watch,
            learned=self.learned,
            troubles=self.troubles,
        )

    @property
    def state(self) -> State:
        """Where the leaf is, as far as sensors prove it."""
        return self.shown.state

    @property
    def evidence(self) -> Evidence:
        """What the state rests on."""
        return self.shown.evidence

    @property
    def phase(self) -> Phase:
        """What is being done about the leaf."""
        return self.motion.phase

    @property
    def move(self) -> Move | None:
        """The wish that is being followed."""
        return self.motion.move

    @property
    def mode(self) -> Mode:
        """The mode that counts: what is true of the gate before what was asked of it."""
        return self.standing.overlay or self.standing.mode

    @property
    def health(self) -> Health:
        """Whether the gate may be moved: the worst of its troubles."""
        return TROUBLES[self.troubles[0]] if self.troubles else Health.OK

    @property
    def running(self) -> frozenset[Relay]:
        """Which drive relays the pins showed energised in the newest sample."""
        return self.senses.running

    @property
    def target(self) -> State | None:
        """Where the leaf is on its way to; nowhere where it only backs off, or runs while a button is held."""
        move = self.motion.move
        if move is None or move.for_s is not None or move.held is not None:
            return None
        return State.OPEN if move.direction is Direction.OPEN else State.CLOSED

    @property
    def is_working(self) -> bool:
        """Whether the leaf is being driven for a move."""
        return self.motion.phase in AT_WORK

    @property
    def is_busy(self) -> bool:
        """Whether a drive relay is energised or may be soon: samples must come fast."""
        return self.motion.move is not None or bool(self.senses.running) or self.motion.phase in STOPPING


@dataclass(frozen=True, kw_only=True, slots=True)
class Wanted:
    """A command as the rules see it; whether this person may give it was decided before.

    `deadline_s`: when it is too late for it. The warning that the gate itself gives first does not count.
    """

    command: Command
    command_id: str
    by: Origin
    reason: str = ""
    sighted: bool = False
    minutes: int | None = None
    deadline_s: float | None = None


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
