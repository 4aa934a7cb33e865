"""The timer that renews the page's certificate: systemd accepts it, it is confined, and it never touches the gate."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest

from api.tls_files import SECRET
from config.load import EXAMPLE_FILE
from tests.systemd.conftest import FOLDER, program

SERVICE, TIMER = FOLDER / "antt-gate-tls.service", FOLDER / "antt-gate-tls.timer"
MOST_EXPOSURE = 2.0
TEXT = SERVICE.read_text(encoding="utf-8")


def analyze(*words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([program("systemd-analyze"), *words], capture_output=True, text=True, timeout=60, check=False)


def test_systemd_finds_nothing_wrong(tmp_path: Path) -> None:
    """Copies with a program that exists here: verify looks whether it can be executed."""
    antt_gate = tmp_path / "antt-gate"
    antt_gate.write_text("#!/bin/sh\n", encoding="ascii")
    antt_gate.chmod(0o755)
    text = TEXT.replace("/opt/antt-gate/venv/bin/antt-gate", str(antt_gate))
    (tmp_path / SERVICE.name).write_text(text.replace("/etc/antt-gate/gate.toml", str(EXAMPLE_FILE)), encoding="utf-8")
    (tmp_path / TIMER.name).write_bytes(TIMER.read_bytes())
    verdict = analyze("verify", "--man=no", str(tmp_path / TIMER.name), str(tmp_path / SERVICE.name))
    assert (verdict.returncode, verdict.stderr) == (0, "")


def test_its_exposure_stays_low() -> None:
    """Root, because the authority's key is root's alone; of root's powers it keeps three."""
    verdict = analyze("security", "--offline=true", "--no-pager", str(SERVICE))
    found = re.search(r"Overall exposure level for \S+: ([\d.]+)", verdict.stdout)
    assert found, verdict.stdout + verdict.stderr
    assert float(found[1]) <= MOST_EXPOSURE
    assert "CapabilityBoundingSet=CAP_CHOWN CAP_FOWNER CAP_DAC_OVERRIDE\n" in TEXT


@pytest.mark.parametrize(
    "word", ["antt-gate.service", "systemctl", "ExecStartPost", "ExecStopPost", "Requires=", "BindsTo="]
)
def test_it_never_touches_the_gate(word: str) -> None:
    """Issue 5: certificates renew without restarting the gate process. The page takes new files by itself."""
    assert word not in TEXT.partition("[Unit]")[2]


def test_it_looks_where_init_put_the_authority_and_only_then() -> None:
    """A gate without an authority of its own has nothing to renew, and no failed unit."""
    assert "ConditionPathExists=/etc/antt-gate/ca/district-ca.key\n" in TEXT
    assert "antt-gate tls renew --config /etc/antt-gate/gate.toml\n" in TEXT
    made = (FOLDER / "antt-gate.tmpfiles.conf").read_text(encoding="utf-8")
    assert re.search(r"^d /etc/antt-gate/ca +0700 root +root +-$", made, re.MULTILINE)
    assert SECRET == 0o600


def test_the_installer_puts_and_starts_the_timer() -> None:
    script = (FOLDER / "install.sh").read_text(encoding="utf-8")
    assert all(unit.name in script for unit in (SERVICE, TIMER))
    assert "systemctl enable --now antt-gate-tls.timer" in script
