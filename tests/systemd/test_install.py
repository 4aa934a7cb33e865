"""The installer: prints what it would do, changes config.txt once, and makes the user that the unit names."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.systemd.conftest import FOLDER, ROOT, program

SCRIPT = FOLDER / "install.sh"


def bash(*words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(["bash", *words], capture_output=True, text=True, timeout=60, check=False, cwd="/")


def dry_run(board: str) -> str:
    done = bash(str(SCRIPT), "--dry-run", "--board", board)
    assert (done.returncode, done.stderr) == (0, "")
    return done.stdout


def test_the_script_is_sound() -> None:
    assert bash("-n", str(SCRIPT)).stderr == ""
    if shellcheck := shutil.which("shellcheck"):
        findings = subprocess.run([shellcheck, str(SCRIPT)], capture_output=True, text=True, timeout=60, check=False)
        assert findings.stdout == ""


def test_it_stops_at_the_first_fault() -> None:
    assert "\nset -euo pipefail\n" in SCRIPT.read_text(encoding="utf-8")
    assert os.access(SCRIPT, os.X_OK)


def test_a_dry_run_on_a_pi_shows_every_step_in_order() -> None:
    steps = dry_run("pi")
    places = [
        steps.index(step)
        for step in (
            "apt-get install --yes --no-install-recommends python3-venv python3-picamera2",
            "systemd-sysusers",
            "systemd-tmpfiles --create",
            "-m venv --system-site-packages",
            "-c import picamera2, cv2, numpy",
            "mv -T /opt/antt-gate/venv.new /opt/antt-gate/venv",
            "/etc/antt-gate/gate.toml",
            "/etc/systemd/system/antt-gate.service",
            "dtparam=strict_gpiod",
            "RuntimeWatchdogSec=14",
            "antt-gate check --config",
        )
    ]
    assert places == sorted(places)


def test_a_dry_run_elsewhere_needs_no_pi() -> None:
    steps = dry_run("other")
    assert "picamera2" not in steps
    assert "strict_gpiod" not in steps
    assert "--system-site-packages" not in steps
    assert "-c import cv2, numpy" in steps


def test_a_dry_run_changes_nothing(tmp_path: Path) -> None:
    before = sorted(path.name for path in ROOT.iterdir())
    dry_run("pi")
    assert sorted(path.name for path in ROOT.iterdir()) == before
    assert not Path("/etc/systemd/system.conf.d/antt-gate.conf").exists()


@pytest.mark.parametrize(
    ("words", "remedy"),
    [(("--fast",), "unknown option --fast; see --help"), (("--board", "arduino"), "--board takes pi or other")],
)
def test_a_wrong_option_is_refused_with_the_remedy(words: tuple[str, ...], remedy: str) -> None:
    done = bash(str(SCRIPT), "--dry-run", *words)
    assert done.returncode == 1
    assert remedy in done.stderr


def test_every_file_that_it_installs_exists() -> None:
    steps = [line for line in dry_run("pi").splitlines() if line.startswith("  would run: install ")]
    sources = [Path(word) for line in steps for word in line.split() if word.startswith(str(ROOT))]
    assert len(sources) >= 5
    assert [source for source in sources if not source.exists()] == []


def test_strict_gpiod_is_added_once_and_the_old_file_kept(tmp_path: Path) -> None:
    """facts/gpio.md 1: without it a relay stays on when the process that held its line is killed."""
    boot = tmp_path / "config.txt"
    boot.write_text("dtparam=audio=on\n[pi4]\narm_boost=1\n", encoding="ascii")
    for _ in range(2):
        done = bash("-c", f"source {SCRIPT}; set_strict_gpiod {boot}")
        assert done.returncode == 0, done.stderr
    assert boot.read_text(encoding="ascii").count("strict_gpiod") == 1
    assert boot.read_text(encoding="ascii").partition("dtparam=strict_gpiod")[0].count("[all]") == 1
    assert (tmp_path / "config.txt.before-antt-gate").read_text(encoding="ascii").endswith("arm_boost=1\n")


@pytest.mark.parametrize(
    "line", ["dtparam=strict_gpiod", "dtparam=i2c_arm=on,strict_gpiod", "  dtparam=strict_gpiod=on"]
)
def test_strict_gpiod_that_is_there_already_is_left_alone(tmp_path: Path, line: str) -> None:
    boot = tmp_path / "config.txt"
    boot.write_text(f"{line}\n", encoding="ascii")
    bash("-c", f"source {SCRIPT}; set_strict_gpiod {boot}")
    assert boot.read_text(encoding="ascii") == f"{line}\n"


def test_a_commented_strict_gpiod_does_not_count(tmp_path: Path) -> None:
    boot = tmp_path / "config.txt"
    boot.write_text("#dtparam=strict_gpiod\n", encoding="ascii")
    bash("-c", f"source {SCRIPT}; set_strict_gpiod {boot}")
    assert "\ndtparam=strict_gpiod\n" in boot.read_text(encoding="ascii")


def test_a_failed_import_check_leaves_the_old_version_and_says_what_to_do(tmp_path: Path) -> None:
    """facts/camera.md and gpio.md 9: a newer numpy breaks Debian's compiled modules."""
    fresh = tmp_path / "venv-1" / "bin"
    fresh.mkdir(parents=True)
    (fresh / "python").write_text("#!/bin/sh\necho 'numpy.dtype size changed' >&2\nexit 1\n", encoding="ascii")
    (fresh / "python").chmod(0o755)
    done = bash("-c", f"source {SCRIPT}; board=pi; check_imports {tmp_path / 'venv-1'}")
    assert done.returncode == 1
    assert "apt full-upgrade" in done.stderr
    assert not (tmp_path / "venv-1").exists()


def test_the_version_in_use_and_the_one_before_are_kept(tmp_path: Path) -> None:
    for day in (1, 2, 3, 4):
        (tmp_path / f"venv-2026110{day}T120000").mkdir()
    bash("-c", f"source {SCRIPT}; home={tmp_path}; remove_old_versions")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["venv-20261103T120000", "venv-20261104T120000"]


def test_the_user_and_its_folders_are_made(tmp_path: Path) -> None:
    root = tmp_path / "root"
    for folder in ("etc/antt-gate/secrets", "var"):
        (root / folder).mkdir(parents=True)
    (root / "etc/antt-gate/gate.toml").write_text("", encoding="ascii")
    (root / "etc/antt-gate/secrets/mqtt").write_text("", encoding="ascii")
    subprocess.run(
        [program("systemd-sysusers"), f"--root={root}", str(FOLDER / "antt-gate.sysusers.conf")],
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    groups = (root / "etc/group").read_text(encoding="ascii").splitlines()
    assert {"gpio", "video", "render"} <= {line.partition(":")[0] for line in groups if line.endswith(":antt-gate")}
    assert "/usr/sbin/nologin" in (root / "etc/passwd").read_text(encoding="ascii")
    if os.geteuid() != 0:
        pytest.skip("giving files to another user needs root")
    subprocess.run(
        [program("systemd-tmpfiles"), f"--root={root}", "--create", str(FOLDER / "antt-gate.tmpfiles.conf")],
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    modes = {name: (root / "etc/antt-gate" / name).stat().st_mode & 0o777 for name in ("", "secrets", "gate.toml")}
    assert modes == {"": 0o750, "secrets": 0o750, "gate.toml": 0o640}
    assert (root / "etc/antt-gate/secrets/mqtt").stat().st_mode & 0o777 == 0o600
