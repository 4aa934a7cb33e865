"""Rules between keys, and wiring that could be unsafe."""

from __future__ import annotations

import tomllib
from pathlib import Path

import pytest
from pydantic import ValidationError

from config.load import load
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
    assert problem.startswith("gate.pins: line 17 is used by open_relay and close_relay")


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
        (f"[camera]\nzones = [{ZONE}, {ZONE}]", ["camera.zones"]),
        ("[recording]\npre_roll_s = 30\npost_roll_s = 30\nmax_clip_s = 59", ["recording.max_clip_s"]),
        ("[mqtt]\nca_file = 'ca'\ncert_file = 'c'", ["mqtt.key_file"]),
        ("[mqtt]\nca_file = 'ca'\nkey_file = 'k'", ["mqtt.cert_file"]),
        ("[mqtt]\ncert_file = 'c'\nkey_file = 'k'", ["mqtt.ca_file"]),
        ("[mqtt]\npassword_file = 'p'", ["mqtt.username"]),
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
