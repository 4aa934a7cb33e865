"""What the rules know of a site: drive, sensors, times. Values only; `rulebook.py` reads a configuration."""

from __future__ import annotations

from dataclasses import dataclass

from gate.model import Alarm, Drive, Sensor


@dataclass(frozen=True, kw_only=True, slots=True)
class Timing:
    """How long things take, in seconds. The first block is a site's own; the rest belongs to the rules."""

    dead_time_s: float = 0.5
    max_travel_s: float = 30.0
    warning_s: float = 5.0
    unsighted_warning_s: float = 10.0
    emergency_warning_s: float = 1.0
    leave_limit_s: float = 3.0
    pulse_s: float = 0.4
    siren_s: float = 180.0
    hold_s: float = 3600.0
    courtesy_s: float = 60.0
    remind_s: float = 300.0
    beam_tamper_s: float = 20.0
    clear_s: float = 3.0

    settle_s: float = 0.5
    pick_up_s: float = 0.25
    safety_clear_s: float = 0.2
    limit_debounce_s: float = 0.03
    stale_s: float = 0.1
    proof_s: float = 1.0
    recover_s: float = 2.0
    edge_reverse_s: float = 1.0
    beam_test_s: float = 0.5
    press_gap_s: float = 1.0
    sure_press_s: float = 0.2
    lockdown_retry_s: float = 60.0
    hold_reminder_s: float = 300.0
    emergency_retry_s: float = 5.0
    coast_s: float = 2.0
    pass_s: float = 30.0
    left_open_s: float = 600.0
    opening_patience_s: float = 60.0


@dataclass(frozen=True, kw_only=True, slots=True)
class Site:
    """One gate as the rules see it.

    `logic` names a row of `steps.LOGICS` and matters to the step drive alone. `auto_close_s`: how long after its
    arrival an open gate closes by itself; `after_pass_s`: how long after something went through; None: never.
    `reversals_*`: the one that locks (I13). `siren_for`: the alarms that sound it. `open_and_stay`: a low battery opens
    the gate and keeps it open. `service_cycles`: after how many closings people are told to have it serviced; 0: never.
    """

    timing: Timing = Timing()
    drive: Drive = Drive.HELD
    logic: str = ""
    sensors: frozenset[Sensor] = frozenset({Sensor.LIMIT_OPEN, Sensor.LIMIT_CLOSED, Sensor.BEAM})
    has_beam_test: bool = False
    auto_close_s: float | None = None
    after_pass_s: float | None = None
    reversals_unattended: int = 2
    reversals_attended: int = 3
    lockdown_tries: int = 3
    emergency_tries: int = 3
    presses: int = 2
    siren_for: frozenset[Alarm] = frozenset({Alarm.FORCED_OPEN})
    open_and_stay: bool = False
    service_cycles: int = 0

    @property
    def has_beam(self) -> bool:
        """Whether something looks across the gateway; without it nothing closes unattended."""
        return Sensor.BEAM in self.sensors
