"""The service unit: systemd accepts it, finds it hardened, and it says what safety needs."""

from __future__ import annotations

import configparser
import re
import subprocess
from pathlib import Path

import pytest

from config.load import EXAMPLE_FILE
from gate.priority import KEEPER
from tests.systemd.conftest import UNIT, program, value, values

MOST_EXPOSURE = 2.0


@pytest.fixture
def unit_with_local_paths(tmp_path: Path) -> Path:
    """Copy the unit with a program that exists here: verify looks whether it can be executed."""
    antt_gate = tmp_path / "antt-gate"
    antt_gate.write_text("#!/bin/sh\n", encoding="ascii")
    antt_gate.chmod(0o755)
    text = UNIT.read_text(encoding="utf-8")
    text = text.replace("/opt/antt-gate/venv/bin/antt-gate", str(antt_gate))
    copy = tmp_path / UNIT.name
    copy.write_text(text.replace("/etc/antt-gate/gate.toml", str(EXAMPLE_FILE)), encoding="utf-8")
    return copy


def test_systemd_finds_nothing_wrong(unit_with_local_paths: Path) -> None:
    verdict = subprocess.run(
        [program("systemd-analyze"), "verify", "--man=no", str(unit_with_local_paths)],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert (verdict.returncode, verdict.stderr) == (0, "")


def test_a_planted_fault_is_found(unit_with_local_paths: Path) -> None:
    """The test above would be worth nothing if verify accepted everything."""
    text = unit_with_local_paths.read_text(encoding="utf-8")
    unit_with_local_paths.write_text(text.replace("WatchdogSec=10", "WatchdogSec=ten"), encoding="utf-8")
    verdict = subprocess.run(
        [program("systemd-analyze"), "verify", "--man=no", str(unit_with_local_paths)],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert "Failed to parse sec value" in verdict.stderr


def test_its_exposure_stays_low() -> None:
    verdict = subprocess.run(
        [program("systemd-analyze"), "security", "--offline=true", "--no-pager", str(UNIT)],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    found = re.search(r"Overall exposure level for \S+: ([\d.]+)", verdict.stdout)
    assert found, verdict.stdout + verdict.stderr
    assert float(found[1]) <= MOST_EXPOSURE


def test_outputs_are_switched_off_after_every_end() -> None:
    """I6 with the daemon dead: a fresh process brings the outputs to their inactive level."""
    assert value("Service", "ExecStopPost").endswith("antt-gate safe-stop --config /etc/antt-gate/gate.toml")


def test_the_keeper_has_the_time_to_switch_off_when_the_gate_process_dies() -> None:
    """I6: KillMode=mixed sends SIGKILL to the rest of the group as soon as the main process is gone."""
    assert value("Service", "KillMode") == "control-group"
    assert value("Service", "KillSignal") == "SIGINT"


def test_a_hung_gate_is_restarted_and_never_given_up() -> None:
    assert value("Service", "Type") == "notify"
    assert value("Service", "NotifyAccess") == "main"
    assert 0 < int(value("Service", "WatchdogSec")) <= 30
    assert value("Service", "Restart") == "always"
    assert value("Unit", "StartLimitIntervalSec") == "0"
    assert "RestartPreventExitStatus" not in UNIT.read_text(encoding="utf-8"), "a full disk at start may be gone later"


def test_a_child_that_eats_the_memory_does_not_stop_the_gate() -> None:
    assert value("Service", "OOMPolicy") == "continue"


def test_only_gpio_and_camera_devices_are_open() -> None:
    assert value("Service", "DevicePolicy") == "closed"
    assert set(values("Service", "DeviceAllow")) == {
        "char-gpiochip rw",
        "char-video4linux rw",
        "char-media rw",
        "char-dma_heap rw",
    }
    assert "PrivateDevices" not in UNIT.read_text(encoding="utf-8"), "it would take the GPIO lines away"


def test_the_kernel_may_be_asked_whether_the_clock_is_believed() -> None:
    """gate/wallclock.py calls adjtimex, which ProtectClock=yes and @system-service both forbid."""
    assert "adjtimex clock_adjtime" in values("Service", "SystemCallFilter")
    assert values("Service", "ProtectClock") == []
    assert value("Service", "CapabilityBoundingSet") == ""


def test_the_keeper_may_put_itself_before_everybody_else() -> None:
    """gate/priority.py asks the kernel for real-time priority."""
    assert int(value("Service", "LimitRTPRIO")) >= KEEPER
    assert values("Service", "RestrictRealtime") == []


def test_the_boot_id_stays_readable() -> None:
    """The journal needs /proc/sys/kernel/random/boot_id, which ProcSubset=pid would hide."""
    assert "ProcSubset" not in UNIT.read_text(encoding="utf-8")


def test_every_key_stands_once_but_lists() -> None:
    parser = configparser.RawConfigParser(strict=True, interpolation=None)
    lists = r"^(DeviceAllow|SystemCallFilter|Environment)=.*$"
    parser.read_string(re.sub(lists, "", UNIT.read_text(encoding="utf-8"), flags=re.MULTILINE))
    assert parser.sections() == ["Unit", "Service", "Install"]
