"""`[gate]` and `[alarms]`: how the leaf is moved, how long things take, when it closes by itself, what is an alarm.

config knows nothing of ours, so names that the rules know (step logics, alarms, drives) are written out here; a test
compares them with `gate.steps` and `gate.model`.
"""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from config.section import Section
from config.timetable import MOST_PERIODS, Period
from config.wiring import Pins

DriveName = Literal["held", "momentary", "step"]
StepLogic = Literal[
    "open_stop_close_stop",
    "open_stop_close_open",
    "open_close",
    "open_stop_open",
    "condominium",
    "condominium_stop",
    "stop_then_reverse",
]
AlarmName = Literal[
    "forced_open",
    "beam_tamper",
    "tampered_drive",
    "cabinet_open",
    "lockdown_failed",
    "left_open",
    "camera_blind",
    "fault",
]


class Timing(Section):
    """How long things take at this gate, in seconds unless the name says otherwise."""

    max_travel_s: float = Field(
        ge=2.0, le=300.0, description="Longest run of a drive in one direction (I9): one full run and a third more."
    )
    dead_time_s: float = Field(default=0.5, ge=0.3, le=1.5, description="Pause between opposite directions (I2).")
    warning_s: float = Field(
        default=5.0, ge=5.0, le=30.0, description="Lamp and buzzer before a close that nobody attends (I12)."
    )
    unsighted_warning_s: float = Field(
        default=10.0, ge=5.0, le=60.0, description="Lamp, buzzer and siren before a remote close that nobody saw."
    )
    emergency_warning_s: float = Field(
        default=1.0, ge=0.0, le=5.0, description="Lamp and buzzer before an emergency opening (I11)."
    )
    leave_limit_s: float = Field(
        default=3.0, ge=0.5, le=10.0, description="A driven leaf that is still at its limit after this is stuck."
    )
    pulse_ms: int = Field(
        default=400, ge=100, le=1000, description="Length of a pulse on an operator's board ('momentary', 'step')."
    )
    hold_minutes: int = Field(default=60, ge=1, le=480, description="How long 'hold open' lasts unless it says so.")
    clear_s: float = Field(
        default=3.0, ge=0.5, le=60.0, description="The beam must be clear this long before a close begins again."
    )
    courtesy_s: float = Field(default=60.0, ge=0.0, le=900.0, description="The light stays on this long after a move.")
    siren_s: float = Field(default=180.0, ge=5.0, le=180.0, description="Longest sounding of the siren.")
    lease_ms: int = Field(
        default=300, ge=100, le=300, description="Outputs drop this long after the gate process falls silent (I6)."
    )


class AutoClose(Section):
    """When an open gate closes by itself. Nothing here given: never."""

    after_s: float | None = Field(
        default=None, ge=5.0, le=3600.0, description="Closes this long after it opened; not given: never."
    )
    after_pass_s: float | None = Field(
        default=None, ge=2.0, le=600.0, description="Closes this long after something went through; not given: never."
    )


class GateSection(Section):
    """The drive and its wiring."""

    drive: DriveName = Field(
        default="held",
        description="'held': a relay per direction, on while the leaf moves; 'momentary': pulses on the OPEN, CLOSE "
        "and STOP of an operator's board; 'step': one button that steps through the operator's cycle.",
    )
    step_logic: StepLogic | None = Field(
        default=None, description="Drive 'step': what each press does, from the operator's manual (docs/wiring.md)."
    )
    pin_factory: Literal["lgpio", "mock"] = Field(
        default="lgpio", description="'lgpio' on a Raspberry Pi; 'mock' simulates the whole yard."
    )
    reversals_unattended: int = Field(
        default=2, ge=1, le=5, description="Obstacles in one close that nobody attends until it locks (I13)."
    )
    reversals_attended: int = Field(
        default=3, ge=1, le=5, description="Obstacles in one close that an officer ordered until it locks (I13)."
    )
    open_and_stay: bool = Field(
        default=False, description="true: a low battery opens the gate while it still can, and keeps it open."
    )
    service_cycles: int = Field(
        default=0, ge=0, le=1_000_000, description="Closings after which a service is due; 0: never told."
    )
    pins: Pins
    timing: Timing = Field(default={}, validate_default=True)  # so that a missing table is told as its missing key
    auto_close: AutoClose = AutoClose()
    timetable: tuple[Period, ...] = Field(
        default=(), max_length=MOST_PERIODS, description="Periods that want the gate open or closed."
    )


class Alarms(Section):
    """What happens while an alarm waits for somebody to acknowledge it."""

    siren: tuple[AlarmName, ...] | None = Field(
        default=None,
        max_length=8,
        description="Alarms that sound the siren; not given: forced_open, where a siren is wired.",
    )
    remind_s: float = Field(
        default=300.0, ge=30.0, le=86400.0, description="An alarm is told again this often until acknowledged."
    )
    beam_tamper_s: float = Field(
        default=20.0, ge=5.0, le=600.0, description="A beam blocked this long while the gate is closed is an alarm."
    )
