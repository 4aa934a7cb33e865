"""From a configuration to what the rules know of the site: nothing lost on the way, nothing made up."""

from __future__ import annotations

import datetime as dt
from dataclasses import fields
from pathlib import Path

import pytest

from config.drive import Timing as ConfiguredTiming
from config.load import SIMULATE_FILE, load
from config.schema import Settings
from gate.model import Alarm, Drive, Sensor, State
from gate.rulebook import site_of, timetable_of
from gate.schedule import wants_at
from gate.site import Site, Timing

OVERRIDES = (
    "gate.timing.dead_time_s=0.7", "gate.timing.max_travel_s=17", "gate.timing.warning_s=6",
    "gate.timing.unsighted_warning_s=11", "gate.timing.emergency_warning_s=2", "gate.timing.leave_limit_s=4",
    "gate.timing.pulse_ms=250", "gate.timing.siren_s=90", "gate.timing.hold_minutes=15", "gate.timing.courtesy_s=33",
    "gate.timing.clear_s=5", "alarms.remind_s=120", "alarms.beam_tamper_s=25",
)  # fmt: skip
MOMENTARY = ("gate.drive=momentary", "gate.pins.stop_relay={ line = 10 }")
NIGHT = """
[[gate.timetable]]
days = ["every_day"]
start = "22:00"
end = "05:00"
wants = "closed"
exit_opens = false
[[gate.timetable]]
name = "Tết"
dates = ["2027-02-05..2027-02-09", 2027-03-01]
start = "00:00"
end = "24:00"
wants = "open"
[[gate.timetable]]
dates = ["2027-05-23"]
start = "06:00"
end = "24:00"
wants = "nothing"
"""


def site(*overrides: str) -> Site:
    return site_of(load(SIMULATE_FILE, overrides))


def with_nights(tmp_path: Path) -> Settings:
    file = tmp_path / "gate.toml"
    file.write_text(SIMULATE_FILE.read_text(encoding="utf-8") + NIGHT, encoding="utf-8")
    return load(file)


def test_the_simulated_site_has_every_sensor_and_the_defaults_of_the_rules() -> None:
    made = site()
    assert made.sensors == frozenset(Sensor)
    assert made.drive is Drive.HELD
    assert made.has_beam_test
    assert made.timing == Timing(max_travel_s=20.0)
    assert made == Site(timing=made.timing, sensors=made.sensors, has_beam_test=True)


def test_every_time_of_the_file_reaches_the_rules() -> None:
    assert site(*OVERRIDES).timing == Timing(
        dead_time_s=0.7, max_travel_s=17.0, warning_s=6.0, unsighted_warning_s=11.0, emergency_warning_s=2.0,
        leave_limit_s=4.0, pulse_s=0.25, siren_s=90.0, hold_s=900.0, courtesy_s=33.0, clear_s=5.0, remind_s=120.0,
        beam_tamper_s=25.0,
    )  # fmt: skip
    told = {override.partition("=")[0].rpartition(".")[2] for override in OVERRIDES}
    assert ConfiguredTiming.model_fields.keys() - {"lease_ms"} <= told, "a new time has no line here yet"


def test_a_site_has_the_sensors_that_are_wired() -> None:
    pins = load(SIMULATE_FILE).gate.pins.model_copy(update={"edge": None, "beam_test": None, "siren": None})
    settings = load(SIMULATE_FILE)
    bare = settings.model_copy(update={"gate": settings.gate.model_copy(update={"pins": pins})})
    made = site_of(bare)
    assert made.sensors == frozenset(Sensor) - {Sensor.EDGE}
    assert not made.has_beam_test
    assert made.siren_for == frozenset()


def test_drive_logic_and_wishes_reach_the_rules() -> None:
    made = site(
        *MOMENTARY,
        "gate.reversals_unattended=1",
        "gate.reversals_attended=5",
        "gate.open_and_stay=true",
        "gate.service_cycles=5000",
        "gate.auto_close.after_s=30",
        "gate.auto_close.after_pass_s=4.5",
        'alarms.siren=["forced_open","cabinet_open"]',
    )
    assert made.drive is Drive.MOMENTARY
    assert (made.reversals_unattended, made.reversals_attended) == (1, 5)
    assert (made.open_and_stay, made.service_cycles) == (True, 5000)
    assert (made.auto_close_s, made.after_pass_s) == (30.0, 4.5)
    assert made.siren_for == {Alarm.FORCED_OPEN, Alarm.CABINET_OPEN}
    assert site("alarms.siren=[]").siren_for == frozenset()


def test_a_step_drive_has_its_logic(tmp_path: Path) -> None:
    text = SIMULATE_FILE.read_text(encoding="utf-8")
    text = text.replace('drive = "held"', 'drive = "step"\nstep_logic = "condominium_stop"')
    text = text.replace("open_relay = { line = 17 }\nclose_relay = { line = 27 }", "step_relay = { line = 11 }")
    file = tmp_path / "gate.toml"
    file.write_text(text, encoding="utf-8")
    made = site_of(load(file))
    assert (made.drive, made.logic) == (Drive.STEP, "condominium_stop")


def test_a_site_knows_nothing_that_the_file_does_not_say() -> None:
    """What is neither a key nor a rule's own figure would be a silent default."""
    ours = {"timing", "drive", "logic", "sensors", "has_beam_test", "auto_close_s", "after_pass_s",
            "reversals_unattended", "reversals_attended", "siren_for", "open_and_stay", "service_cycles"}  # fmt: skip
    of_the_rules = {"lockdown_tries", "emergency_tries", "presses"}
    assert {field.name for field in fields(Site)} == ours | of_the_rules


def test_a_gate_without_a_timetable_has_an_empty_one() -> None:
    timetable = timetable_of(load(SIMULATE_FILE))
    assert timetable.periods == ()
    assert str(timetable.zone) == "Asia/Ho_Chi_Minh"


def test_the_timetable_is_the_one_of_the_file(tmp_path: Path) -> None:
    night, tet, free = timetable_of(with_nights(tmp_path)).periods
    assert (night.name, night.start_min, night.end_min, night.wants) == ("22:00-05:00", 1320, 1740, State.CLOSED)
    assert night.days == frozenset(range(7))
    assert not night.exit_opens
    assert (tet.name, tet.start_min, tet.end_min, tet.wants) == ("Tết", 0, 1440, State.OPEN)
    march = dt.date(2027, 3, 1)
    assert tet.dates == ((dt.date(2027, 2, 5), dt.date(2027, 2, 9)), (march, march))
    assert free.wants is None


@pytest.mark.parametrize(
    ("local", "wants"),
    [
        ("2027-02-04 23:30", State.CLOSED),
        ("2027-02-05 00:30", State.OPEN),
        ("2027-02-10 01:00", None),
        ("2027-02-10 22:00", State.CLOSED),
        ("2027-05-23 23:00", None),
    ],
)
def test_it_wants_what_the_file_says(tmp_path: Path, local: str, wants: State | None) -> None:
    timetable = timetable_of(with_nights(tmp_path))
    utc = dt.datetime.fromisoformat(local).replace(tzinfo=timetable.zone).astimezone(dt.UTC)
    assert wants_at(timetable, utc).wants is wants
