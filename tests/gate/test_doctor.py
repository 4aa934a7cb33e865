"""`antt-gate doctor`: what it says of a daemon that answers, of one that does not, and of a configuration."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from config.load import SIMULATE_FILE
from gate.doctor import Finding, examine
from tests.fakes import FakeGate

EXAMPLE = SIMULATE_FILE.with_name("gate.example.toml")


@pytest.fixture
def gate(tmp_path: Path) -> Iterator[FakeGate]:
    with FakeGate(tmp_path) as made:
        yield made


def found(gate: FakeGate, subject: str) -> Finding:
    return next(finding for finding in examine(None, [], gate.socket) if finding.subject == subject)


def test_a_healthy_simulated_gate_has_nothing_wrong(gate: FakeGate) -> None:
    findings = examine(SIMULATE_FILE, [], gate.socket)
    assert [finding for finding in findings if not finding.good] == []
    assert {
        "config",
        "beam",
        "daemon",
        "simulated",
        "mode",
        "alarms",
        "health",
        "levels",
        "gate",
        "disk",
        "journal",
    } <= {finding.subject for finding in findings}


def test_levels_are_said_in_words_also_those_that_nobody_sees(gate: FakeGate) -> None:
    gate.say_state(inputs={"limit_open": False, "limit_closed": True, "beam": None})
    assert found(gate, "levels").text == "limit_open inactive, limit_closed active, beam not seen"


def test_two_limits_at_once_are_wrong(gate: FakeGate) -> None:
    gate.say_state(inputs={"limit_open": True, "limit_closed": True})
    assert not found(gate, "levels").good
    assert "both limits" in found(gate, "levels").text


def test_alarms_that_wait_for_somebody_are_named_with_what_to_do(gate: FakeGate) -> None:
    gate.say_state(alarms=[{"alarm": "forced_open", "id": "a1"}, {"alarm": "cabinet_open", "id": "a2"}])
    assert not found(gate, "alarms").good
    assert found(gate, "alarms").text.startswith("forced_open, cabinet_open;")
    assert "antt-gate ack" in found(gate, "alarms").text


def test_a_mode_is_said_with_its_end(gate: FakeGate) -> None:
    gate.say_state(mode="hold_open", mode_until="2026-11-21T22:00:00.000Z")
    assert not found(gate, "mode").good
    assert found(gate, "mode").text == "hold_open until 2026-11-21T22:00:00.000Z"


def test_a_lock_is_said_with_its_reasons(gate: FakeGate) -> None:
    gate.say_state(health="hard_lock", reasons=["edge", "overtime"])
    assert not found(gate, "health").good
    assert found(gate, "health").text == "hard_lock edge, overtime"


def test_a_dead_process_is_named_with_its_reason(gate: FakeGate) -> None:
    gate.say_state(processes={"keeper": {"alive": False, "restarts": 3, "reason": "GPIO busy"}, "api": {"off": True}})
    assert not found(gate, "keeper").good
    assert found(gate, "keeper").text == "dead, restarts 3, GPIO busy"
    assert all(finding.subject != "api" for finding in examine(None, [], gate.socket))


def test_a_process_that_lives_and_is_not_well_says_why(gate: FakeGate) -> None:
    ill = {"ok": False, "reason": "covered", "detail": "the picture can't be believed: covered", "sight": "covered"}
    gate.say_state(processes={"camera": {"alive": True, "restarts": 0, "reason": "", "health": ill}})
    assert not found(gate, "camera").good
    assert found(gate, "camera").text == "alive, restarts 0, covered: the picture can't be believed: covered"


def test_a_daemon_that_does_not_answer_is_wrong_and_says_how_to_start_it(tmp_path: Path) -> None:
    daemon = next(finding for finding in examine(None, [], tmp_path / "gate.sock") if finding.subject == "daemon")
    assert not daemon.good
    assert "antt-gate run" in daemon.text


def test_a_broken_configuration_is_told_and_the_rest_is_looked_at(tmp_path: Path) -> None:
    config = tmp_path / "gate.toml"
    config.write_text("[gate]\n", encoding="ascii")
    findings = {finding.subject: finding for finding in examine(config, [], tmp_path / "gate.sock")}
    assert not findings["config"].good
    assert "gate.pins" in findings["config"].text
    assert "disk" in findings


def test_a_gate_without_a_beam_is_told_what_it_can_not_do(tmp_path: Path) -> None:
    lines = [line for line in EXAMPLE.read_text(encoding="utf-8").splitlines() if not line.startswith("beam = ")]
    config = tmp_path / "gate.toml"
    config.write_text("\n".join(lines), encoding="utf-8")
    findings = {finding.subject: finding for finding in examine(config, [], tmp_path / "gate.sock")}
    assert findings["config"].good, findings["config"].text
    assert not findings["beam"].good
    assert "nothing closes unless somebody sees the gate" in findings["beam"].text
