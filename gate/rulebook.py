"""From a configuration to what the rules know of the site."""

from __future__ import annotations

from config.schema import Settings
from gate.model import Alarm, Drive, Sensor
from gate.schedule import Timetable
from gate.site import Site, Timing
from gate.week import timetable_from


def site_of(settings: Settings) -> Site:
    """Return the site that a checked configuration describes."""
    gate, wired = settings.gate, settings.gate.pins.wired()
    return Site(
        timing=_timing(settings),
        drive=Drive(gate.drive),
        logic=gate.step_logic or "",
        sensors=frozenset(sensor for sensor in Sensor if sensor.value in wired),
        has_beam_test="beam_test" in wired,
        auto_close_s=gate.auto_close.after_s,
        after_pass_s=gate.auto_close.after_pass_s,
        reversals_unattended=gate.reversals_unattended,
        reversals_attended=gate.reversals_attended,
        siren_for=_siren_for(settings),
        open_and_stay=gate.open_and_stay,
        service_cycles=gate.service_cycles,
    )


def _timing(settings: Settings) -> Timing:
    given = settings.gate.timing
    return Timing(
        dead_time_s=given.dead_time_s,
        max_travel_s=given.max_travel_s,
        warning_s=given.warning_s,
        unsighted_warning_s=given.unsighted_warning_s,
        emergency_warning_s=given.emergency_warning_s,
        leave_limit_s=given.leave_limit_s,
        pulse_s=given.pulse_ms / 1000,
        siren_s=given.siren_s,
        hold_s=given.hold_minutes * 60.0,
        courtesy_s=given.courtesy_s,
        remind_s=settings.alarms.remind_s,
        beam_tamper_s=settings.alarms.beam_tamper_s,
        clear_s=given.clear_s,
    )


def _siren_for(settings: Settings) -> frozenset[Alarm]:
    """Return the alarms that sound the siren: none without one, the configured ones, or the default of the project."""
    if settings.gate.pins.siren is None:
        return frozenset()
    named = settings.alarms.siren
    return frozenset({Alarm.FORCED_OPEN} if named is None else map(Alarm, named))


def timetable_of(settings: Settings) -> Timetable:
    """Return the timetable that a checked configuration describes: the first one of a gate."""
    return timetable_from(settings.site.timezone, settings.gate.timetable)
