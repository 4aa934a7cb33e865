"""`antt-gate verify FILE.zip` and `antt-gate evidence …`, as gate's command line runs them."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from api.__main__ import main
from api.accounts import Store
from api.evidence_key import KEY_FILE, open_key, shown
from config.load import SIMULATE_FILE
from tests.evidence import Village, village
from tests.evidence_changes import Forger
from tests.program.command_line import antt_gate

Cli = Callable[..., tuple[int, str, str]]


@pytest.fixture(scope="module")
def happened(tmp_path_factory: pytest.TempPathFactory) -> Village:
    """Return a village of which a package was taken."""
    here = village(tmp_path_factory.mktemp("village"))
    here.taken()
    return here


@pytest.fixture
def cli(capsys: pytest.CaptureFixture[str]) -> Cli:
    """Return a caller of the command line: exit code, output, complaints."""

    def call(*words: object) -> tuple[int, str, str]:
        code = main([str(word) for word in words])
        return (code, *capsys.readouterr())

    return call


def test_a_stranger_verifies_a_package(happened: Village, cli: Cli) -> None:
    """Exit 0, whose key it is and what it holds; and that the key is to be compared unless it was demanded."""
    package = happened.folder / "package.zip"
    code, told, _ = cli("verify", package)
    assert (code, "everything in it fits together: 13 files" in told, "--key FINGERPRINT" in told) == (0, True, True)
    assert "holds" not in told
    code, told, _ = cli("verify", package, "--key", shown(happened.key.fingerprint).upper())
    assert (code, "everything holds: 13 files" in told, "--key" in told) == (0, True, False)
    plain = json.loads(cli("verify", package, "--json")[1])
    assert (plain["holds"], plain["key"], plain["key_demanded"]) == (True, happened.key.fingerprint, False)
    assert plain["manifest"]["reason"] == "Công văn 12"


def test_what_does_not_match_is_said_in_one_sentence(happened: Village, cli: Cli, tmp_path: Path) -> None:
    """Exit 1 with the first thing; 2 where it can't be checked at all; nothing of a stranger's reaches the terminal."""
    package = happened.folder / "package.zip"
    forger = Forger(whole=package.read_bytes(), noise=happened.noise)
    changed = tmp_path / "changed.zip"
    changed.write_bytes(forger.with_("record.pdf", b"another"))
    code, told, complaint = cli("verify", changed, "--json")
    assert (code, json.loads(told)) == (
        1,
        {"holds": False, "fault": complaint.partition(": ")[2].partition(": ")[2][:-1]},
    )
    assert complaint == f"antt-gate: {changed}: record.pdf was changed: its SHA-256 is not that of the manifest\n"
    changed.write_bytes(forger.whole.replace(b"clips/", b"\x1b[31m/"))
    assert "\x1b" not in cli("verify", changed)[2]
    assert cli("verify", package, "--key", "0" * 64)[0] == 1
    assert cli("verify", package, "--key", "abc")[0] == 2
    assert cli("verify", tmp_path / "none.zip")[0] == 2
    assert cli("verify", tmp_path)[0] == 2


def test_gate_s_command_line_passes_it_on(happened: Village) -> None:
    """Without a daemon, a configuration, or a journal."""
    package, key = happened.folder / "package.zip", happened.key.fingerprint
    done = antt_gate("verify", str(package), "--key", key, "--json", STATE_DIR=str(happened.folder / "nothing"))
    assert (done.returncode, json.loads(done.stdout)["key_demanded"]) == (0, True)
    assert antt_gate("verify", "--key", key).returncode == 2


def test_the_key_is_told_before_anybody_needs_it(cli: Cli, tmp_path: Path) -> None:
    """Its fingerprint is to be on paper early; it is made for the owner of the folder alone; the list is of all."""
    common = ("--config", SIMULATE_FILE, "--set", f"storage.state_dir={tmp_path}")
    Store(tmp_path / "accounts.db").close()
    assert cli("evidence", "key", *common)[:2] == (0, shown(open_key(tmp_path).fingerprint) + "\n")
    assert cli("evidence", "key", "--pem", *common)[1].startswith("-----BEGIN PUBLIC KEY-----\n")
    (tmp_path / KEY_FILE).chmod(0o644)
    code, _, complaint = cli("evidence", "key", *common)
    assert (code, "chmod 600" in complaint) == (1, True)
    assert cli("evidence", "list", "--json", *common)[:2] == (0, "")
