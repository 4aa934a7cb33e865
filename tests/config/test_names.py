"""config knows nothing of ours, so it writes out names that the rules have too: they must be the same."""

from __future__ import annotations

import re
from dataclasses import fields
from pathlib import Path
from typing import get_args

from config.drive import AlarmName, DriveName, StepLogic
from config.gate_rules import OUTPUTS, RELAYS
from config.load import EXAMPLE_FILE, SIMULATE_FILE, load
from config.timetable import WEEK
from config.wiring import InputPin, OutputPin, Pins
from config.words import section_of
from gate.model import Alarm, Drive, Outputs, Relay, Sensor
from gate.steps import LOGICS, Step

WIRING = (Path(__file__).parents[2] / "docs" / "wiring.md").read_text(encoding="utf-8")
HEADER = {2: 3, 3: 5, 4: 7, 14: 8, 15: 10, 17: 11, 18: 12, 27: 13, 22: 15, 23: 16, 24: 18, 10: 19, 9: 21, 25: 22,
          11: 23, 8: 24, 7: 26, 0: 27, 1: 28, 5: 29, 6: 31, 12: 32, 13: 33, 19: 35, 16: 36, 26: 37, 20: 38,
          21: 40}  # fmt: skip
"""GPIO line to pin of the 40-pin header, as Raspberry Pi publishes it."""
RELAY_PINS = {relay.value for relay in Relay}
OTHER_PINS = {field.name for field in fields(Outputs)} - {"relay"}


def test_the_step_logics_are_those_of_the_rules() -> None:
    assert list(get_args(StepLogic)) == list(LOGICS)


def test_the_alarms_are_those_of_the_rules() -> None:
    assert set(get_args(AlarmName)) == {alarm.value for alarm in Alarm}


def test_the_drives_are_those_of_the_rules_and_each_has_its_relays() -> None:
    assert set(get_args(DriveName)) == {drive.value for drive in Drive} == RELAYS.keys()
    assert {relay for relays in RELAYS.values() for relay in relays} == RELAY_PINS


def test_every_input_and_output_of_the_rules_is_a_pin_and_every_pin_is_one_of_them() -> None:
    kinds = {name: section_of(field.annotation) for name, field in Pins.model_fields.items()}
    assert {name for name, kind in kinds.items() if kind is InputPin} == {sensor.value for sensor in Sensor}
    assert {name for name, kind in kinds.items() if kind is OutputPin} == RELAY_PINS | OTHER_PINS
    assert set(OUTPUTS) == RELAY_PINS | OTHER_PINS


def test_the_simulated_gate_has_every_signal_that_the_rules_know_for_its_drive() -> None:
    simulated = load(SIMULATE_FILE).gate
    relays = set(RELAYS[simulated.drive])
    assert simulated.pins.wired().keys() == {sensor.value for sensor in Sensor} | OTHER_PINS | relays
    assert simulated.auto_close.after_s is None
    assert not simulated.timetable
    assert simulated.timing.max_travel_s == 20.0


def test_a_week_begins_on_monday_as_datetime_has_it() -> None:
    assert WEEK[0] == "mon"
    assert len(WEEK) == 7


def test_the_wiring_guide_has_every_signal_on_the_line_of_the_example() -> None:
    rows = dict(re.findall(r"^\| `(\w+)` \| (\d+) \| \d+ \| (?:in|out) \|$", WIRING, re.MULTILINE))
    assert rows.keys() == Pins.model_fields.keys()
    example = EXAMPLE_FILE.read_text(encoding="utf-8")
    written = dict(re.findall(r"^(?:# |#   )?(\w+) = \{ line = (\d+)", example, re.MULTILINE))
    assert rows == written


def test_the_wiring_guide_and_the_example_name_the_header_pins_of_their_lines() -> None:
    rows = re.findall(r"^\| `\w+` \| (\d+) \| (\d+) \| (?:in|out) \|$", WIRING, re.MULTILINE)
    example = EXAMPLE_FILE.read_text(encoding="utf-8")
    comments = re.findall(r"\{ line = (\d+).*# header pin (\d+)", example)
    assert len(comments) == len(rows)
    assert {(int(line), int(pin)) for line, pin in [*rows, *comments]} <= HEADER.items()


def test_the_wiring_guide_says_what_every_press_does() -> None:
    """What the rules advise rests on this table; a person chooses from it."""
    after = {Step.OPENING: "opens", Step.CLOSING: "closes", Step.PAUSED_OPENING: "stops", Step.PAUSED_CLOSING: "stops"}
    rows = re.findall(r"^\| `(\w+)` \| ([^|]+) \| ([^|]+) \| ([^|]+) \| ([^|]+) \|$", WIRING, re.MULTILINE)
    told = {name: cells for name, *cells in rows if name in LOGICS}
    assert told.keys() == LOGICS.keys()
    for name, logic in LOGICS.items():
        cells: list[str] = []
        for moving, paused in ((Step.OPENING, Step.PAUSED_OPENING), (Step.CLOSING, Step.PAUSED_CLOSING)):
            stops = logic[moving] is paused
            cells.append(f"goes on {moving}" if logic[moving] is moving else after[logic[moving]])
            cells.append(after[logic[paused]] if stops else "–")  # noqa: RUF001 - a dash in a table
        assert told[name] == cells, name
        assert (logic[Step.CLOSED], logic[Step.OPEN]) == (Step.OPENING, Step.CLOSING)
