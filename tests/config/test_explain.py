"""Every problem at once, each once, in plain words: key, value, remedy."""

from __future__ import annotations

import pytest

from tests.config.conftest import Refused


def test_wrong_values_and_broken_rules_are_told_together(refused: Refused) -> None:
    """A wrong key in a section must not hide a rule that the rest of the section breaks."""
    problems = refused(
        """
beam = { line = 27, pul = "up" }
lamp = { line = 4 }
[camera]
source = "video"
fps = 0
[mqtt]
cert_file = "gate.pem"
port = "1883"
""",
        ("gate.timing.dead_time_s=0.1",),
    )
    assert len(problems) == 9
    for expected in (
        "gate.pins.beam.pul: unknown key; did you mean pull?",
        "gate.pins.lamp.line: must be a whole number from 9 to 27, not 4",
        "gate.timing.dead_time_s: must be a number from 0.3 to 1.5, not 0.1",
        "camera.fps: must be a number from 1 to 60, not 0",
        'mqtt.port: must be a whole number from 1 to 65535, not "1883"',
        "gate.pins: line 27 is used by close_relay and beam",
        "camera.url: is missing",
        "mqtt.key_file: is missing",
        "mqtt.ca_file: is missing",
    ):
        assert any(expected in problem for problem in problems), f"{expected!r} is not among {problems}"


def test_a_broken_rule_is_told_once_when_all_values_are_right(refused: Refused) -> None:
    problems = refused("beam = { line = 6 }")
    assert problems == ["gate.pins: line 6 is used by limit_closed and beam; give every signal a line of its own"]


def test_a_misspelled_required_key_is_told_once(refused: Refused) -> None:
    problems = refused("[api.tls]\ncert_fil = 'page.pem'\nkey_file = 'page.key'")
    assert problems == ["api.tls.cert_fil: unknown key; did you mean cert_file? (docs/configuration.md)"]


def test_a_missing_key_says_what_to_give(refused: Refused) -> None:
    (problem,) = refused("[api.tls]\ncert_file = 'page.pem'")
    assert problem == "api.tls.key_file: is missing; give a path in quotes. PEM key, mode 0600."


@pytest.mark.parametrize(
    ("more", "expected"),
    [
        ("[api]\nprt = 1", "api.prt: unknown key; did you mean port?"),
        ("[apii]\nport = 1", "apii: unknown key; did you mean api?"),
        ("[timing]\ndead_time_s = 1.0", "timing: unknown key; did you mean gate.timing?"),
        ("[mqtt]\nca_file_of_all = 'x'", "mqtt.ca_file_of_all: unknown key"),
        ("[storage]\nxyz = 1", "storage.xyz: unknown key; known here: state_dir, media_dir"),
        ("[camera]\n'x\\u001b[2J' = 1", r'camera."x\\u001b[2J": unknown key'),
    ],
)
def test_an_unknown_key_gets_a_suggestion(refused: Refused, more: str, expected: str) -> None:
    (problem,) = refused(more)
    assert problem.startswith(expected)


@pytest.mark.parametrize(
    ("more", "expected"),
    [
        ("[camera]\nenabled = 1", "camera.enabled: must be true or false, not 1"),
        ("[camera]\nfps = nan", "camera.fps: must be a number from 1 to 60, not NaN"),
        ("[camera]\nfps = inf", "camera.fps: must be a number from 1 to 60, not Infinity"),
        ("[camera]\nfps = true", "camera.fps: must be a number from 1 to 60, not true"),
        ("[camera]\nfps = 2026-11-21", 'camera.fps: must be a number from 1 to 60, not "2026-11-21"'),
        ("[camera]\nsource = 'webcam'", "camera.source: must be 'scene', 'picamera2' or 'video', not \"webcam\""),
        (
            "[camera]\nsize = [1280, 721]",
            "camera.size[1]: must be a whole number from 120 to 2160 in steps of 2, not 721",
        ),
        ("[camera]\nsize = [1280]", "camera.size[1]: must be a whole number"),
        ("[camera]\nsize = 720", "camera.size: must be a list of 2"),
        ("[camera]\nmasks = [[0, 0, 1.5, 1]]", "camera.masks[0][2]: must be a number from 0 to 1, not 1.5"),
        ("[camera]\nmasks = [[0.5, 0, 0.2, 1]]", "camera.masks: a list of 1 a mask encloses nothing"),
        ("[camera]\nzones = [{ name = 'a' }]", "camera.zones[0].polygon: is missing; give a list of 3 to 32 entries"),
        ("[camera]\nzones = [1]", "camera.zones[0]: must be a table of name, polygon, kind, min_area, not 1"),
        ("[camera]\nzones = [{ name = 'a', polygon = [[0, 0], [1, 1], [0.5, 0.5]] }]", "camera.zones[0].polygon: "),
        ("[recording]\nkeep_days = 1.5", "recording.keep_days: must be a whole number from 1 to 365, not 1.5"),
        (
            "[recording]\nkeep_days = 99999999999999999999999",
            "recording.keep_days: must be a whole number from 1 to 365",
        ),
        (
            f"[recording]\nkeep_days = 0x{'f' * 9000}",
            "recording.keep_days: must be a whole number from 1 to 365, not a nu",
        ),
        (f"[recording]\npre_roll_s = 1{'0' * 400}", "recording.pre_roll_s: must be a number from 0 to 30, not 1000"),
        ("[storage]\nstate_dir = 7", "storage.state_dir: must be a path in quotes, not 7"),
        ("[storage]\nstate_dir = ''", 'storage.state_dir: must be a path in quotes, not ""'),
        ("[mqtt]\nhost = ''", 'mqtt.host: must be text in quotes, 1 to 253 characters, not ""'),
        ("[api]\ntls = 'page.pem'", 'api.tls: must be a table of cert_file, key_file, ca_file, names, not "page.pem"'),
        ("beam = 13", "gate.pins.beam: must be a table of line, active, pull, not 13"),
        ("[[recording]]\nkeep_days = 1", "recording: must be a table of enabled, pre_roll_s"),
    ],
)
def test_a_wrong_value_is_told_with_what_the_key_may_hold(refused: Refused, more: str, expected: str) -> None:
    (problem,) = refused(more)
    assert problem.startswith(expected)


@pytest.mark.parametrize("zone", ["Asia", "Hanoi", "", "../../etc/passwd", "\\u0000", "Asia/Hồ_Chí_Minh"])
def test_a_time_zone_that_is_none_is_refused(refused: Refused, zone: str) -> None:
    (problem,) = refused("", (f'site.timezone="{zone}"',))
    assert "is not an IANA time zone that this machine knows, such as 'Asia/Ho_Chi_Minh'" in problem


def test_a_long_value_is_cut_and_a_control_character_never_reaches_the_terminal(refused: Refused) -> None:
    (problem,) = refused("[api]\nhost = '" + "x" * 10_000 + "'")
    assert len(problem) < 250
    (problem,) = refused('[camera]\nsource = "\\u001b[2J\\n"')
    assert problem.isprintable()


@pytest.mark.parametrize(
    ("override", "expected"),
    [
        ("api", "--set: 'api' is not key=value, such as api.port=9000"),
        ("=1", "--set: '=1' is not key=value"),
        ("api..port=1", "--set: 'api..port=1' is not key=value"),
        ("site.id.x=1", "--set: 'site.id.x=1' reaches into id, which is no table; edit the file"),
        ("api.port=ninety", 'api.port: must be a whole number from 0 to 65535, not "ninety"'),
        ("api.port=1\nx = 2", r'api.port: must be a whole number from 0 to 65535, not "1\nx = 2"'),
        ("api.prt=1", "api.prt: unknown key; did you mean port?"),
        ("site.name=\udcff", "site.name: must be text in quotes"),
        ("api.port=" + "[" * 50_000, "api.port: must be a whole number"),
        ("api.port=" + "9" * 5000, "api.port: must be a whole number"),
    ],
)
def test_a_wrong_override_is_told_like_a_wrong_key(refused: Refused, override: str, expected: str) -> None:
    (problem,) = refused("", (override,))
    assert problem.startswith(expected)
