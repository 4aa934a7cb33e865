"""What the gate says of itself over HTTP, as types; it is passed on as it is. The rest stands in schemas.py."""

from __future__ import annotations

from typing import Literal

from pydantic import ConfigDict, JsonValue

from api.schemas import By, Outgoing, Utc
from gate.model import Alarm, Evidence, Health, Mode, State


class CommandBrief(Outgoing):
    """The newest command."""

    command_id: str
    command: str
    status: str
    code: str | None


class AlarmBody(Outgoing):
    """Something that people must know of until one of them acknowledges it."""

    alarm: Alarm
    id: str
    since: Utc
    reminders: int
    data: dict[str, JsonValue]


class ClosingBody(Outgoing):
    """What will close the gate next; `due_mono_ms` is null while it waits for something other than time."""

    why: Literal["auto_close", "after_pass", "timetable", "lockdown", "hold_ended"]
    due_mono_ms: int | None


class TimetableBody(Outgoing):
    """What the timetable wants now, until when, and why it pauses if it does."""

    wants: Literal["open", "closed"] | None
    until: Utc | None
    paused: Literal["clock_untrusted"] | None


class TravelBody(Outgoing):
    """How long the leaf usually takes, in seconds, as clean runs taught it; null before there were three."""

    open: float | None
    close: float | None


class GateBody(Outgoing):
    """The gate as its sensors prove it."""

    gate_id: str
    name: str
    state: State
    evidence: Evidence
    evidence_age_ms: int
    target: Literal["open", "closed"] | None
    position: float | None
    mode: Mode
    mode_until: Utc | None
    mode_by: By | None
    health: Health
    reasons: list[str]
    inputs: dict[str, bool | None]
    outputs: dict[str, bool]
    sequence: int
    at: Utc
    at_mono_ms: int
    since: Utc
    by: By | None
    command: CommandBrief | None
    warning_until_mono_ms: int | None
    closing: ClosingBody | None
    timetable: TimetableBody | None
    cycles: int
    travel_s: TravelBody
    clock_trusted: bool
    alarms: list[AlarmBody]
    boot_id: str
    simulated: bool
    processes: dict[str, dict[str, JsonValue]]


class YardBody(Outgoing):
    """What is true in the simulated yard, whatever sensors say: the leaf from 0 closed to 1 open, and each fault."""

    model_config = ConfigDict(extra="allow")

    leaf: float
    speed: float


class AcceptedBody(Outgoing):
    """The gate took the command. Whether the gate moved is told by its sensors, not here."""

    command_id: str
    accepted: Literal[True]
    state: State
    target: Literal["open", "closed"] | None
    sequence: int
    warning_s: float


class CommandStatusBody(Outgoing):
    """How far a command got."""

    command_id: str
    command: str
    status: Literal["accepted", "energised", "confirmed", "failed"]
    code: str | None
    accepted_mono_ms: int
    energised_mono_ms: int | None
    ended_mono_ms: int | None
