"""Rules between keys, and wiring that could be unsafe."""

from __future__ import annotations

import tomllib
from pathlib import Path

import pytest
from pydantic import ValidationError

from config.load import ConfigError, load
from config.schema import Settings
from tests.config.conftest import SMALLEST, Refused

ZONE = "{ name = 'a', polygon = [[0, 0], [1, 0], [1, 1]] }"


@pytest.mark.parametrize("line", range(9))
@pytest.mark.parametrize("active", ["high", "low"])
def test_an_output_on_a_line_that_is_high_at_power_on_is_refused(refused: Refused, line: int, active: str) -> None:
    """Lines 0 to 8 are pulled high until the keeper runs: a relay could switch by itself (I7)."""
    more = f'lamp = {{ line = {line}, active = "{active}" }}'
    assert any(
        problem.startswith(f"gate.pins.lamp.line: must be a whole number from 9 to 27, not {line}")
        for problem in refused(more)
    )


@pytest.mark.parametrize("line", [28, 40, -1])
def test_a_line_that_no_header_has_is_refused(refused: Refused, line: int) -> None:
    (problem,) = refused(f"beam = {{ line = {line} }}")
    assert f"from 0 to 27, not {line}" in problem


def test_an_active_low_relay_board_is_accepted(file: Path) -> None:
    """Pins are claimed at their inactive level in one call, so such a board does not click (docs/wiring.md)."""
    file.write_text(SMALLEST + 'siren = { line = 24, active = "low" }\n', encoding="utf-8")
    siren = load(file).gate.pins.siren
    assert siren is not None
    assert siren.active == "low"


def test_both_directions_on_one_line_are_refused(refused: Refused) -> None:
    """I1 could not hold on such wiring."""
    (problem,) = refused("", ("gate.pins.close_relay.line=17",))
    assert problem.startswith("gate.pins: line 17 is used by open_relay and close_relay (one relay for both directions")


@pytest.mark.parametrize("line", [14, 15])
def test_an_output_on_the_serial_console_is_refused(refused: Refused, line: int) -> None:
    """It is high while the board starts: a relay could switch by itself (I7)."""
    (problem,) = refused("", (f"gate.pins.open_relay.line={line}",))
    assert problem.startswith(f"gate.pins.open_relay.line: {line} belongs to the serial console")


def test_an_input_may_be_on_the_serial_console(file: Path) -> None:
    assert load(file, ["gate.pins.limit_open.line=14"])


def test_an_active_low_board_needs_pins_that_are_claimed_without_a_click(refused: Refused) -> None:
    """Gpiozero #1177. No such factory is accepted at all; the rule is told beside that, for every such output."""
    problems = refused(
        'lamp = { line = 22, active = "low" }\n',
        ("gate.pin_factory=native", "gate.pins.open_relay.active=low", "gate.pins.limit_open.active=low"),
    )
    assert [problem.partition(":")[0] for problem in problems] == [
        "gate.pin_factory",
        "gate.pins.open_relay.active",
        "gate.pins.lamp.active",
    ]
    assert "an active-high board" in problems[1]


def test_a_gate_without_a_longest_run_is_refused(file: Path) -> None:
    """I9: no drive runs without an end, and nobody can know another gate's travel time."""
    for timing in ("", "[gate.timing]\ndead_time_s = 0.5\n"):
        file.write_text(SMALLEST.replace("[gate.timing]\nmax_travel_s = 30.0\n", timing), encoding="utf-8")
        with pytest.raises(ConfigError) as caught:
            load(file)
        (problem,) = map(str, caught.value.problems)
        assert problem.startswith("gate.timing.max_travel_s: is missing; give a number from 2 to 300")


@pytest.mark.parametrize(
    ("overrides", "expected"),
    [
        (["gate.drive=momentary"], ["gate.pins.stop_relay: is missing; gate.drive 'momentary' needs it"]),
        (
            ["gate.drive=step", "gate.step_logic=condominium", "gate.pins.step_relay={ line = 11 }"],
            [
                "gate.pins.open_relay: has no use with gate.drive 'step'; take it out, or set gate.drive to 'held' or",
                "gate.pins.close_relay: has no use with gate.drive 'step'",
            ],
        ),
        (
            ["gate.drive=step", "gate.pins.open_relay={}", "gate.pins.close_relay=7"],
            ["gate.pins.step_relay: is missing; gate.drive 'step' needs it", "gate.step_logic: is missing"],
        ),
        (["gate.pins.stop_relay={ line = 10 }"], ["gate.pins.stop_relay: has no use with gate.drive 'held'"]),
        (["gate.pins.step_relay={ line = 10 }"], ["gate.pins.step_relay: has no use with gate.drive 'held'"]),
        (["gate.step_logic=open_close"], ["gate.step_logic: has no use with gate.drive 'held'"]),
        (
            ["gate.drive=momentary", "gate.pins.stop_relay={ line = 10 }", "gate.step_logic=open_close"],
            ["gate.step_logic: has no use with gate.drive 'momentary'"],
        ),
    ],
    ids=str,
)
def test_a_drive_that_does_not_fit_its_pins_is_refused(
    refused: Refused, overrides: list[str], expected: list[str]
) -> None:
    problems = refused("", tuple(overrides))
    for one in expected:
        assert any(problem.startswith(one) for problem in problems), f"{one!r} is not among {problems}"


@pytest.mark.parametrize(
    "overrides",
    [
        ["gate.drive=momentary", "gate.pins.stop_relay={ line = 10 }"],
        [
            "gate.pins.beam={ line = 13 }",
            "gate.pins.lamp={ line = 22 }",
            "gate.pins.buzzer={ line = 23 }",
            "gate.auto_close.after_s=30",
            "gate.auto_close.after_pass_s=3",
        ],
        ["gate.pins.beam={ line = 13 }", "gate.pins.beam_test={ line = 18 }"],
        ["gate.pins.maintenance={ line = 16 }", "gate.pins.open_button={ line = 7 }"],
        ["gate.pins.battery_low={ line = 3 }", "gate.open_and_stay=true"],
        ["gate.pins.siren={ line = 24 }", 'alarms.siren=["forced_open","fault"]'],
        ["alarms.siren=[]"],
    ],
    ids=str,
)
def test_a_wish_that_the_wiring_can_fulfil_is_accepted(file: Path, overrides: list[str]) -> None:
    assert load(file, overrides)


@pytest.mark.parametrize(
    ("override", "expected"),
    [
        ("gate.auto_close.after_s=30", "gate.auto_close.after_s: 30 closes the gate by itself, and no beam is wired"),
        ("gate.auto_close.after_pass_s=3.5", "gate.auto_close.after_pass_s: 3.5 closes the gate by itself"),
        ("gate.pins.beam_test={ line = 18 }", "gate.pins.beam_test: tests a beam, and none is wired"),
        ("gate.pins.open_button={ line = 7 }", "gate.pins.open_button: runs the leaf in maintenance only"),
        ("gate.pins.close_button={ line = 8 }", "gate.pins.close_button: runs the leaf in maintenance only"),
        ("gate.open_and_stay=true", "gate.open_and_stay: true needs to know of a low battery"),
        ('alarms.siren=["forced_open"]', "alarms.siren: names alarms, and no siren is wired"),
        ("gate.timing.max_travel_s=2.5", "gate.timing.leave_limit_s: 3 is not shorter than max_travel_s 2.5"),
        ("gate.reversals_unattended=0", "gate.reversals_unattended: must be a whole number from 1 to 5, not 0"),
        ("gate.reversals_attended=6", "gate.reversals_attended: must be a whole number from 1 to 5, not 6"),
        ("gate.drive=hydraulic", "gate.drive: must be 'held', 'momentary' or 'step', not \"hydraulic\""),
        ('alarms.siren=["fire"]', "alarms.siren[0]: must be 'forced_open', 'beam_tamper'"),
        ("gate.timing.siren_s=181", "gate.timing.siren_s: must be a number from 5 to 180, not 181"),
        ("gate.timing.warning_s=4.9", "gate.timing.warning_s: must be a number from 5 to 30, not 4.9"),
    ],
)
def test_a_wish_that_the_wiring_can_t_fulfil_is_refused(refused: Refused, override: str, expected: str) -> None:
    problems = refused("", (override,))
    assert problems[0].startswith(expected)
    assert "; " in problems[0] or "must be" in problems[0], "a remedy"


def test_everything_unsafe_is_told_at_once(file: Path) -> None:
    """The issue's own list, in one file."""
    file.write_text(
        """
[site]
id = "gate-1"
name = "Cổng thôn 1"
[gate]
pin_factory = "rpigpio"
[gate.timing]
dead_time_s = 0.2
[gate.pins]
open_relay = { line = 17, active = "low" }
close_relay = { line = 17 }
lamp = { line = 4 }
limit_open = { line = 5 }
limit_closed = { line = 5 }
[gate.auto_close]
after_s = 20
[[gate.timetable]]
days = ["every_day"]
start = "22:00"
end = "05:00"
wants = "closed"
""",
        encoding="utf-8",
    )
    with pytest.raises(ConfigError) as caught:
        load(file)
    told = [str(problem) for problem in caught.value.problems]
    for expected in (
        "gate.timing.dead_time_s: must be a number from 0.3 to 1.5, not 0.2",
        "gate.timing.max_travel_s: is missing",
        "gate.pins.lamp.line: must be a whole number from 9 to 27, not 4. GPIO line (BCM number). Lines 0 to 8 are",
        "gate.pin_factory: must be 'lgpio' or 'mock', not \"rpigpio\"",
        "gate.pins.open_relay.active: 'low' needs pins that are claimed at their inactive level in one call",
        "gate.pins: line 5 is used by limit_open and limit_closed; give every signal a line of its own",
        "gate.pins: line 17 is used by open_relay and close_relay (one relay for both directions can't keep",
        "gate.auto_close.after_s: 20 closes the gate by itself, and no beam is wired",
        "gate.timetable[0].wants: 'closed' closes the gate by itself, and no beam is wired",
        "gate.auto_close.after_s: closes with nobody watching, which lamp and buzzer announce (I12); wire gate.pins.b",
        "gate.timetable: closes with nobody watching, which lamp and buzzer announce (I12); wire gate.pins.buzzer",
    ):
        assert sum(problem.startswith(expected) for problem in told) == 1, f"{expected!r} is not once among {told}"
    assert len(told) == 11


@pytest.mark.parametrize(("key", "value"), [("dead_time_s", 0.29), ("dead_time_s", 1.51), ("max_travel_s", 301)])
def test_timing_outside_the_safe_range_is_refused(refused: Refused, key: str, value: float) -> None:
    """I2, I9."""
    (problem,) = refused("", (f"gate.timing.{key}={value}",))
    assert problem.startswith(f"gate.timing.{key}: must be a number from")


@pytest.mark.parametrize(
    ("more", "keys"),
    [
        ("[camera]\nsource = 'video'", ["camera.url"]),
        ("[camera]\nsource = 'video'\nurl = ''", ["camera.url"]),
        ("[camera]\nsource = 'scene'", ["camera.source"]),
        ("[camera]\nsource = 'video'\nurl = 'rtsp://admin:12345@10.0.0.2/live'", ["camera.url"]),
        (
            "[camera]\nsource = 'video'\nurl = 'rtsp://10.0.0.2/1'\nprivacy = [[[0, 0], [1, 0], [1, 1]]]",
            ["camera.privacy"],
        ),
        ("[camera]\nprivacy = [[[0, 0], [1, 0], [0.5, 0]]]", ["camera.privacy"]),
        ("[camera]\ndetect_url = 'rtsp://10.0.0.2/2'", ["camera.detect_url"]),
        ("[camera]\nsource = 'video'\nurl = '/dev/video0'\ndetect_url = 'rtsp://10.0.0.2/2'", ["camera.detect_url"]),
        (f"[camera]\nzones = [{ZONE}, {ZONE}]", ["camera.zones"]),
        ("[recording]\npre_roll_s = 30\npost_roll_s = 30\nmax_clip_s = 59", ["recording.max_clip_s"]),
        ("[mqtt]\nca_file = 'ca'\ncert_file = 'c'", ["mqtt.key_file"]),
        ("[mqtt]\nca_file = 'ca'\nkey_file = 'k'", ["mqtt.cert_file"]),
        ("[mqtt]\ncert_file = 'c'\nkey_file = 'k'", ["mqtt.ca_file"]),
        ("[mqtt]\npassword_file = 'p'", ["mqtt.username"]),
        ("[mqtt]\nsnapshot = true\n[camera]\nenabled = false", ["mqtt.snapshot"]),
    ],
)
def test_a_rule_between_keys_names_the_key_to_change(refused: Refused, more: str, keys: list[str]) -> None:
    assert [problem.partition(":")[0] for problem in refused(more)] == keys


def test_a_password_in_an_address_is_refused_and_not_repeated(refused: Refused) -> None:
    (problem,) = refused("[camera]\nsource = 'video'\nurl = 'rtsp://admin:s3cret@10.0.0.2/live'")
    assert "camera.password_file" in problem
    assert "s3cret" not in problem


@pytest.mark.parametrize(
    "more",
    [
        "[camera]\nenabled = false\nsource = 'scene'",
        "[camera]\nenabled = false\nsource = 'video'",
        "[camera]\nsource = 'video'\nurl = 'rtsp://10.0.0.2/live'",
        "[camera]\nsource = 'video'\nurl = '/srv/clips/a@b.mp4'",
        "[camera]\nprivacy = [[[0, 0], [1, 0], [1, 1]]]",
        "[camera]\nsource = 'video'\nurl = '/dev/video0'\nprivacy = [[[0, 0], [1, 0], [1, 1]]]",
        "[camera]\nsource = 'video'\nurl = 'rtsp://10.0.0.2/1'\nreencode = true\nprivacy = [[[0, 0], [1, 0], [1, 1]]]",
        "[camera]\nsource = 'video'\nurl = 'rtsp://10.0.0.2/1'\ndetect_url = 'rtsp://10.0.0.2/2'",
        "[recording]\npre_roll_s = 30\npost_roll_s = 30\nmax_clip_s = 60",
        "[mqtt]\nca_file = 'ca'\ncert_file = 'c'\nkey_file = 'k'\nusername = 'u'\npassword_file = 'p'",
    ],
)
def test_what_keeps_the_rules_is_accepted(file: Path, more: str) -> None:
    file.write_text(SMALLEST + more, encoding="utf-8")
    assert load(file)


def test_an_unsafe_configuration_never_becomes_settings_by_another_way() -> None:
    tables = tomllib.loads(SMALLEST + "beam = { line = 17 }")
    with pytest.raises(ValidationError, match="line 17 is used by open_relay and beam"):
        Settings.model_validate(tables)
