"""The words of the gate.

Everything that crosses a wall between modules or processes is named here: states, modes, commands, inputs, outputs,
facts, refusals. The names are the contract's own (docs/api.md, docs/topics.md); values go over sockets, into the
journal and onto topics as they stand. No clock, no I/O, no behaviour beyond turning a value into plain data.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TypeAlias

Json: TypeAlias = "Mapping[str, Json] | Sequence[Json] | str | int | float | bool | None"
JsonObject: TypeAlias = dict[str, Json]


class State(StrEnum):
    """Where the leaf is, as far as sensors prove it."""

    UNKNOWN = "unknown"
    CLOSED = "closed"
    OPENING = "opening"
    OPEN = "open"
    CLOSING = "closing"
    STOPPED = "stopped"


class Evidence(StrEnum):
    """What a published state rests on."""

    LIMIT = "limit"
    DRIVE = "drive"
    NONE = "none"


class Mode(StrEnum):
    """What people have asked of the gate beyond one move."""

    NORMAL = "normal"


class Health(StrEnum):
    """Whether the gate may be moved, best first."""

    OK = "ok"
    DEGRADED = "degraded"
    HARD_LOCK = "hard_lock"


class Direction(StrEnum):
    """Which way a drive runs."""

    OPEN = "open"
    CLOSE = "close"

    @property
    def opposite(self) -> Direction:
        """The other way."""
        return Direction.CLOSE if self is Direction.OPEN else Direction.OPEN


class Command(StrEnum):
    """What a person or a rule may order."""

    OPEN = "open"
    CLOSE = "close"
    STOP = "stop"
    RESET = "reset"
    LIGHT_ON = "light_on"
    LIGHT_OFF = "light_off"
    SIREN_ON = "siren_on"
    SIREN_OFF = "siren_off"


class Role(StrEnum):
    """What a person may do; the table of permissions stands in api/auth.py."""

    VIEWER = "viewer"
    OPERATOR = "operator"
    COMMANDER = "commander"
    MAINTAINER = "maintainer"


class Code(StrEnum):
    """Why a command was refused or failed. Stable: people's pages and programs outside rely on these."""

    ALREADY_THERE = "already_there"
    BEAM_BLOCKED = "beam_blocked"
    DUPLICATE = "duplicate"
    EXPIRED = "expired"
    HARD_LOCK = "hard_lock"
    KEEPER_DOWN = "keeper_down"
    LIMIT_CONFLICT = "limit_conflict"
    LIMITS_SWAPPED = "limits_swapped"
    NO_OUTPUT = "no_output"
    NOT_SIMULATED = "not_simulated"
    OBSTRUCTED = "obstructed"
    OVERTIME = "overtime"
    RELAY_CONFLICT = "relay_conflict"
    SENSOR_STALE = "sensor_stale"
    STALE_SEQUENCE = "stale_sequence"
    STOPPED = "stopped"
    STUCK = "stuck"
    SUPERSEDED = "superseded"
    UNKNOWN_ORDER = "unknown_order"
    UNKNOWN_POSITION = "unknown_position"
    UNSIGHTED = "unsighted"


class Kind(StrEnum):
    """What a fact in the journal says happened."""

    BOOT = "boot"
    SHUTDOWN = "shutdown"
    COMMAND_ACCEPTED = "command_accepted"
    COMMAND_REFUSED = "command_refused"
    DRIVE_ENERGISED = "drive_energised"
    DRIVE_RELEASED = "drive_released"
    STATE_CHANGED = "state_changed"
    ARRIVED = "arrived"
    OBSTRUCTED = "obstructed"
    REVERSED = "reversed"
    ALARM_RAISED = "alarm_raised"
    ALARM_ACKNOWLEDGED = "alarm_acknowledged"
    MODE_CHANGED = "mode_changed"
    HEALTH_CHANGED = "health_changed"
    SENSOR_DEGRADED = "sensor_degraded"
    SENSOR_RECOVERED = "sensor_recovered"
    PROCESS_DIED = "process_died"
    PROCESS_STARTED = "process_started"
    MOTION_STARTED = "motion_started"
    MOTION_ENDED = "motion_ended"
    CLIP_SAVED = "clip_saved"
    CLIP_DELETED = "clip_deleted"
    USER_SIGNED_IN = "user_signed_in"
    USER_SIGN_IN_FAILED = "user_sign_in_failed"
    USER_CHANGED = "user_changed"
    CONFIG_CHANGED = "config_changed"
    TIMETABLE_CHANGED = "timetable_changed"
    CLOCK_CHANGED = "clock_changed"
    STORAGE_LOW = "storage_low"
    BROKER_CONNECTED = "broker_connected"
    BROKER_LOST = "broker_lost"


DURABLE_KINDS = frozenset({
    Kind.BOOT, Kind.SHUTDOWN, Kind.COMMAND_ACCEPTED, Kind.COMMAND_REFUSED, Kind.DRIVE_ENERGISED, Kind.DRIVE_RELEASED,
    Kind.STATE_CHANGED, Kind.ARRIVED, Kind.OBSTRUCTED, Kind.REVERSED, Kind.ALARM_RAISED, Kind.ALARM_ACKNOWLEDGED,
    Kind.MODE_CHANGED, Kind.HEALTH_CHANGED, Kind.USER_SIGNED_IN, Kind.USER_CHANGED,
})  # fmt: skip
"""Commands, alarms, moves and who signed in: on the disk before they are told (`synchronous=FULL`)."""

REPORTED_KINDS: dict[str, frozenset[Kind]] = {
    "camera": frozenset({Kind.MOTION_STARTED, Kind.MOTION_ENDED, Kind.CLIP_SAVED, Kind.CLIP_DELETED,
                         Kind.STORAGE_LOW, Kind.SENSOR_DEGRADED, Kind.SENSOR_RECOVERED}),
    "mqtt_bridge": frozenset({Kind.BROKER_CONNECTED, Kind.BROKER_LOST}),
    "api": frozenset({Kind.USER_SIGNED_IN, Kind.USER_SIGN_IN_FAILED, Kind.USER_CHANGED, Kind.COMMAND_REFUSED}),
}  # fmt: skip
"""Which facts another process may have written to the journal."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Origin:
    """Who or what is behind a fact: `type` is person, cli, rule or process."""

    type: str
    id: str
    name: str = ""

    def plain(self) -> JsonObject:
        """Return it as JSON data."""
        return {"type": self.type, "id": self.id, "name": self.name}


@dataclass(frozen=True, kw_only=True, slots=True)
class Fact:
    """One row of the journal. `seq` counts from 1 without a gap; `hash` covers all the rest and `prev`."""

    seq: int
    id: str
    at: str
    at_trusted: bool
    mono_ms: int
    boot_id: str
    kind: str
    by: JsonObject
    data: JsonObject
    prev: str
    hash: str

    def plain(self) -> JsonObject:
        """Return it as JSON data, in the contract's order."""
        return {name: getattr(self, name) for name in self.__slots__}


@dataclass(frozen=True, kw_only=True, slots=True)
class Refusal:
    """A command that was not obeyed: a value, never an exception and never silence."""

    code: Code
    title: str
    remedy: str

    def plain(self) -> JsonObject:
        """Return it as JSON data."""
        return {"code": self.code.value, "title": self.title, "remedy": self.remedy}


@dataclass(frozen=True, kw_only=True, slots=True)
class Inputs:
    """One sample of the sensor lines, true = active, with the keeper's monotonic time in seconds.

    `beam` is None where the site has no beam. `running` is what the pins of the drive relays really show.
    """

    at_s: float
    limit_open: bool
    limit_closed: bool
    beam: bool | None
    running: frozenset[Direction] = field(default_factory=frozenset)

    def limit(self, direction: Direction) -> bool:
        """Return the raw limit at that end."""
        return self.limit_open if direction is Direction.OPEN else self.limit_closed


@dataclass(frozen=True, kw_only=True, slots=True)
class Outputs:
    """What is to be energised. One direction at the most, by its type (I1)."""

    drive: Direction | None
    lamp: bool
    buzzer: bool
    siren: bool
    light: bool
