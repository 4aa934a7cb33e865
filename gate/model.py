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
    """What people have asked of the gate beyond one move, or what is true of it whoever asks."""

    NORMAL = "normal"
    HOLD_OPEN = "hold_open"
    LOCKDOWN = "lockdown"
    EMERGENCY_OPEN = "emergency_open"
    MAINTENANCE = "maintenance"
    RELEASED = "released"


class Health(StrEnum):
    """Whether the gate may be moved, best first."""

    OK = "ok"
    DEGRADED = "degraded"
    SOFT_LOCK = "soft_lock"
    HARD_LOCK = "hard_lock"
    ESTOP = "estop"


class Direction(StrEnum):
    """Which way a drive runs."""

    OPEN = "open"
    CLOSE = "close"

    @property
    def opposite(self) -> Direction:
        """The other way."""
        return Direction.CLOSE if self is Direction.OPEN else Direction.OPEN


class Drive(StrEnum):
    """How the leaf is moved: a contactor a direction, a pulse a direction, or one button for everything."""

    HELD = "held"
    MOMENTARY = "momentary"
    STEP = "step"


class Relay(StrEnum):
    """The outputs that move the leaf; at most one of them is ever on. Values are the names of their pins."""

    OPEN = "open_relay"
    CLOSE = "close_relay"
    STOP = "stop_relay"
    STEP = "step_relay"


class Sensor(StrEnum):
    """The inputs that a site may have. Values are the names of their pins; active means that the named thing is so."""

    LIMIT_OPEN = "limit_open"
    LIMIT_CLOSED = "limit_closed"
    BEAM = "beam"
    EDGE = "edge"
    ESTOP = "estop"
    EMERGENCY = "emergency"
    RELEASE = "release"
    MAINTENANCE = "maintenance"
    CABINET = "cabinet"
    OPEN_BUTTON = "open_button"
    CLOSE_BUTTON = "close_button"
    STOP_BUTTON = "stop_button"
    EXIT_LOOP = "exit_loop"
    MAINS_LOST = "mains_lost"
    BATTERY_LOW = "battery_low"


class Alarm(StrEnum):
    """What people are told of until one of them acknowledges it."""

    FORCED_OPEN = "forced_open"
    BEAM_TAMPER = "beam_tamper"
    TAMPERED_DRIVE = "tampered_drive"
    CABINET_OPEN = "cabinet_open"
    LOCKDOWN_FAILED = "lockdown_failed"
    LEFT_OPEN = "left_open"
    CAMERA_BLIND = "camera_blind"
    FAULT = "fault"


class Command(StrEnum):
    """What a person or a rule may order."""

    OPEN = "open"
    CLOSE = "close"
    STOP = "stop"
    HOLD_OPEN = "hold_open"
    LOCKDOWN = "lockdown"
    UNLOCK = "unlock"
    EMERGENCY_OPEN = "emergency_open"
    NORMAL = "normal"
    ACKNOWLEDGE = "acknowledge"
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


_MOVING = frozenset({
    Command.OPEN, Command.CLOSE, Command.HOLD_OPEN, Command.ACKNOWLEDGE,
    Command.LIGHT_ON, Command.LIGHT_OFF, Command.SIREN_ON, Command.SIREN_OFF,
})  # fmt: skip
KEY_MAY: dict[Role, frozenset[Command]] = {
    Role.VIEWER: frozenset({Command.STOP}),
    Role.OPERATOR: _MOVING | {Command.STOP},
    Role.COMMANDER: frozenset(Command),
    Role.MAINTAINER: frozenset({Command.STOP}),
}
"""What a key with this role may order over MQTT: the same as a person (api/auth.py; a test compares)."""


class Code(StrEnum):
    """Why a command was refused or failed. Stable: people's pages and programs outside rely on these."""

    ALREADY_THERE = "already_there"
    BAD_ENVELOPE = "bad_envelope"
    BAD_SIGNATURE = "bad_signature"
    BATTERY_LOW = "battery_low"
    BEAM_BLOCKED = "beam_blocked"
    BEAM_TEST = "beam_test"
    CLOCK_UNTRUSTED = "clock_untrusted"
    DUPLICATE = "duplicate"
    EDGE = "edge"
    EMERGENCY = "emergency"
    ESTOP = "estop"
    EXPIRED = "expired"
    FOREIGN_BOOT = "foreign_boot"
    FOREIGN_GATE = "foreign_gate"
    GATE_DOWN = "gate_down"
    HARD_LOCK = "hard_lock"
    HELD_OPEN = "held_open"
    KEEPER_DOWN = "keeper_down"
    LIMIT_CONFLICT = "limit_conflict"
    LIMITS_SWAPPED = "limits_swapped"
    LOCKED_DOWN = "locked_down"
    MAINTENANCE = "maintenance"
    MAINTENANCE_DUE = "maintenance_due"
    MAINS_LOST = "mains_lost"
    NO_OUTPUT = "no_output"
    NOT_PERMITTED = "not_permitted"
    NOT_REMEMBERED = "not_remembered"
    NOT_SIMULATED = "not_simulated"
    NOT_STOPPABLE = "not_stoppable"
    OBSTRUCTED = "obstructed"
    OVERTIME = "overtime"
    RATE_LIMITED = "rate_limited"
    RELAY_CONFLICT = "relay_conflict"
    RELEASED = "released"
    RETAINED = "retained"
    REVOKED_KEY = "revoked_key"
    SENSOR_STALE = "sensor_stale"
    SLOW = "slow"
    SOFT_LOCK = "soft_lock"
    STALE_SEQUENCE = "stale_sequence"
    STATE_LOST = "state_lost"
    STOPPED = "stopped"
    STOP_PRESSED = "stop_pressed"
    STUCK = "stuck"
    SUPERSEDED = "superseded"
    TOO_FAR_AHEAD = "too_far_ahead"
    TOO_LARGE = "too_large"
    UNKNOWN_KEY = "unknown_key"
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
    MOTION_RAISED = "motion_raised"
    MOTION_ENDED = "motion_ended"
    CLIP_SAVED = "clip_saved"
    CLIP_DELETED = "clip_deleted"
    EVENT_HELD = "event_held"
    EVENT_RELEASED = "event_released"
    EVENT_STARRED = "event_starred"
    EVENT_UNSTARRED = "event_unstarred"
    EVIDENCE_TAKEN = "evidence_taken"
    EVIDENCE_SEALED = "evidence_sealed"
    USER_SIGNED_IN = "user_signed_in"
    USER_SIGN_IN_FAILED = "user_sign_in_failed"
    USER_PROVED = "user_proved"
    USER_SIGNED_OUT = "user_signed_out"
    USER_CHANGED = "user_changed"
    CONFIG_CHANGED = "config_changed"
    TIMETABLE_CHANGED = "timetable_changed"
    CLOCK_CHANGED = "clock_changed"
    GATEWAY_COMPARED = "gateway_compared"
    STORAGE_LOW = "storage_low"
    BROKER_CONNECTED = "broker_connected"
    BROKER_LOST = "broker_lost"


DURABLE_KINDS = frozenset({
    Kind.BOOT, Kind.SHUTDOWN, Kind.COMMAND_ACCEPTED, Kind.COMMAND_REFUSED, Kind.DRIVE_ENERGISED, Kind.DRIVE_RELEASED,
    Kind.STATE_CHANGED, Kind.ARRIVED, Kind.OBSTRUCTED, Kind.REVERSED, Kind.ALARM_RAISED, Kind.ALARM_ACKNOWLEDGED,
    Kind.MODE_CHANGED, Kind.HEALTH_CHANGED, Kind.TIMETABLE_CHANGED, Kind.USER_SIGNED_IN, Kind.USER_CHANGED,
    Kind.USER_PROVED, Kind.USER_SIGNED_OUT, Kind.EVENT_HELD, Kind.EVENT_RELEASED, Kind.EVIDENCE_TAKEN,
    Kind.EVIDENCE_SEALED, Kind.EVENT_STARRED, Kind.EVENT_UNSTARRED,
})  # fmt: skip
"""Commands, alarms, moves and who signed in: on the disk before they are told (`synchronous=FULL`)."""

REPORTED_KINDS: dict[str, frozenset[Kind]] = {
    "camera": frozenset({Kind.MOTION_STARTED, Kind.MOTION_RAISED, Kind.MOTION_ENDED, Kind.CLIP_SAVED, Kind.CLIP_DELETED,
                         Kind.GATEWAY_COMPARED, Kind.STORAGE_LOW, Kind.SENSOR_DEGRADED, Kind.SENSOR_RECOVERED}),
    "mqtt_bridge": frozenset({Kind.BROKER_CONNECTED, Kind.BROKER_LOST, Kind.COMMAND_REFUSED, Kind.CONFIG_CHANGED}),
    "api": frozenset({Kind.USER_SIGNED_IN, Kind.USER_SIGN_IN_FAILED, Kind.USER_CHANGED, Kind.COMMAND_REFUSED,
                      Kind.USER_PROVED, Kind.USER_SIGNED_OUT, Kind.CONFIG_CHANGED,
                      Kind.EVENT_HELD, Kind.EVENT_RELEASED, Kind.EVIDENCE_TAKEN, Kind.EVIDENCE_SEALED,
                      Kind.EVENT_STARRED, Kind.EVENT_UNSTARRED}),
}  # fmt: skip
"""Which facts another process may have written to the journal."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Origin:
    """Who or what is behind a fact: `type` is person, cli, key, rule or process; `device` is the person's phone."""

    type: str
    id: str
    name: str = ""
    device: str = ""

    def plain(self) -> JsonObject:
        """Return it as JSON data; `device` only where there is one."""
        who: JsonObject = {"type": self.type, "id": self.id, "name": self.name}
        return {**who, "device": self.device} if self.device else who


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
    """One sample of all lines, with the keeper's monotonic time in seconds.

    `active`: the sensors that show what they are there for. `running`: the drive relays whose pins really are on.
    A sensor that the site does not have is never active.
    """

    at_s: float
    active: frozenset[Sensor] = field(default_factory=frozenset)
    running: frozenset[Relay] = field(default_factory=frozenset)


@dataclass(frozen=True, kw_only=True, slots=True)
class Outputs:
    """What is to be energised. One drive relay at the most, by its type (I1)."""

    relay: Relay | None = None
    lamp: bool = False
    buzzer: bool = False
    siren: bool = False
    light: bool = False
    beam_test: bool = False
