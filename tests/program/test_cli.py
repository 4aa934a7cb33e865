"""The command line as a person meets it: exit codes, one clear sentence, never a traceback."""

from __future__ import annotations

import os
import socket
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest

from gate import cli
from gate.journal import Journal
from gate.model import Kind
from tests.program.command_line import antt_gate
from tests.program.program import ROOT

pytestmark = pytest.mark.slow


def journal_in(folder: Path, rows: int = 3) -> Path:
    journal = Journal(folder / "journal.db", lambda _: None)
    journal.open()
    for number in range(rows):
        journal.write(Kind.ARRIVED, {"type": "cli", "id": "me", "name": ""}, {"state": "open", "n": number})
    journal.close()
    return folder / "journal.db"


def test_without_a_daemon_every_question_says_so_and_ends_with_3(tmp_path: Path) -> None:
    for words in (["status"], ["open"], ["close"], ["stop"], ["yard", "show"]):
        done = antt_gate(*words, "--state-dir", str(tmp_path))
        assert done.returncode == 3, words
        assert "antt-gate run" in done.stderr


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("[site\nid=1", ["not valid TOML"]),
        ("[site]\nid='a'\nname='b'\nnme='c'\n[gate]\n", ["site.nme", "did you mean", "gate.pins"]),
        ("[site]\nid=7\nname='b'\n[api]\nport='x'\n", ["site.id", "api.port", "gate"]),
    ],
)
def test_a_bad_configuration_is_explained_whole_and_ends_with_2(tmp_path: Path, text: str, words: list[str]) -> None:
    path = tmp_path / "gate.toml"
    path.write_text(text)
    for command in (["check"], ["run"], ["simulate"]):
        done = antt_gate(*command, "--config", str(path))
        assert done.returncode == 2
        for word in words:
            assert word in done.stderr, done.stderr


def test_a_configuration_that_is_not_there_ends_with_2(tmp_path: Path) -> None:
    done = antt_gate("check", "--config", str(tmp_path / "none.toml"))
    assert done.returncode == 2
    assert "none.toml" in done.stderr


def test_a_missing_video_ends_with_2(tmp_path: Path) -> None:
    done = antt_gate("simulate", "--video", str(tmp_path / "none.mp4"), "--state-dir", str(tmp_path))
    assert done.returncode == 2
    assert "none.mp4" in done.stderr


def test_a_port_in_use_ends_with_2_and_names_the_remedy(tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        done = antt_gate("simulate", "--port", str(taken.getsockname()[1]), "--state-dir", str(tmp_path))
    assert done.returncode == 2
    assert "--port" in done.stderr


def test_a_state_directory_that_cannot_be_written_ends_with_2(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    done = antt_gate("simulate", "--port", "0", "--state-dir", str(tmp_path / "file" / "state"))
    assert done.returncode == 2
    assert "--state-dir" in done.stderr


def test_a_real_configuration_is_not_simulated(tmp_path: Path) -> None:
    done = antt_gate("simulate", "--config", str(ROOT / "config" / "gate.example.toml"), "--state-dir", str(tmp_path))
    assert done.returncode == 2
    assert "mock" in done.stderr


def test_verify_names_the_first_broken_row_and_ends_with_1(tmp_path: Path) -> None:
    path = journal_in(tmp_path)
    good = antt_gate("verify", "--state-dir", str(tmp_path))
    assert (good.returncode, good.stdout.split()[0]) == (0, "3")
    with sqlite3.connect(path) as db:
        db.execute("DROP TRIGGER fact_is_never_updated")
        db.execute("UPDATE fact SET data='{}' WHERE seq=2")
    db.close()
    bad = antt_gate("verify", "--state-dir", str(tmp_path))
    assert bad.returncode == 1
    assert "row 2" in bad.stderr


def test_a_journal_that_is_no_database_is_named(tmp_path: Path) -> None:
    (tmp_path / "journal.db").write_text("no database")
    for command in ("verify", "log"):
        done = antt_gate(command, "--state-dir", str(tmp_path))
        assert done.returncode == 1
        assert "journal.db" in done.stderr


def test_log_prints_and_filters(tmp_path: Path) -> None:
    journal_in(tmp_path)
    where = ["--state-dir", str(tmp_path)]
    assert len(antt_gate("log", *where).stdout.splitlines()) == 3
    assert antt_gate("log", "--kind", "boot", *where).stdout == ""
    assert len(antt_gate("log", "--since", "1h", "--json", *where).stdout.splitlines()) == 3
    wrong = antt_gate("log", "--since", "yesterday", *where)
    assert (wrong.returncode, "2h" in wrong.stderr) == (2, True)


def test_log_of_nothing_says_where_it_looked(tmp_path: Path) -> None:
    done = antt_gate("log", "--state-dir", str(tmp_path))
    assert done.returncode == 2
    assert str(tmp_path) in done.stderr


def test_safe_stop_of_a_simulated_gate_has_nothing_to_do() -> None:
    done = antt_gate("safe-stop", "--config", "config/simulate.toml")
    assert (done.returncode, "nothing" in done.stdout) == (0, True)


def test_safe_stop_on_a_machine_without_gpio_says_why(tmp_path: Path) -> None:
    done = antt_gate("safe-stop", "--config", "config/gate.example.toml")
    assert done.returncode == 1
    assert "not switched off" in done.stderr


def test_doctor_says_what_is_wrong_and_what_to_do(tmp_path: Path) -> None:
    done = antt_gate("doctor", "--state-dir", str(tmp_path))
    assert done.returncode == 1
    assert "WRONG" in done.stdout
    assert "antt-gate run" in done.stdout


@pytest.mark.parametrize(
    ("given", "meant"),
    [
        (["opne"], "'open'"),
        (["lockdwn"], "'lockdown'"),
        (["incident", "lsit"], "'list'"),
        (["log", "--kind", "arived"], "'arrived'"),
        (["open", "--resaon", "x"], "'--reason'"),
    ],
    ids=str,
)
def test_a_word_that_nobody_knows_is_answered_with_the_nearest(given: list[str], meant: str) -> None:
    done = antt_gate(*given)
    assert done.returncode == 2
    assert f"did you mean {meant}?" in done.stderr
    assert len(done.stderr.splitlines()) == 1


def test_the_help_names_every_command_under_a_heading() -> None:
    text = antt_gate("--help").stdout
    for name in cli.words()._commands.choices:
        assert f"\n  {name} " in text, name


def test_a_place_that_a_command_does_not_look_at_is_refused(tmp_path: Path) -> None:
    done = antt_gate("--socket", str(tmp_path / "gate.sock"), "check", "--config", "config/simulate.toml")
    assert (done.returncode, "--socket" in done.stderr) == (2, True)


def test_people_of_no_gate_are_not_made_up(tmp_path: Path) -> None:
    """Seen by a new user: a second account file appeared, and the printed link led nowhere."""
    for words in (["user", "list"], ["pair", "lan"]):
        done = antt_gate(*words, "--state-dir", str(tmp_path))
        assert done.returncode == 2
        assert "--state-dir" in done.stderr
    assert list(tmp_path.iterdir()) == []


def test_with_several_gates_an_order_reaches_none_by_guess(tmp_path: Path) -> None:
    """An order must never reach the wrong gate, such as the real one beside a simulation."""
    home, here = tmp_path / "home", tmp_path / "here"
    for folder in (home / "antt-gate" / "simulate", here / ".state"):
        folder.mkdir(parents=True)
        (folder / "gate.sock").touch()
    command = [sys.executable, "-m", "gate.cli", "open"]
    environment = {**os.environ, "XDG_STATE_HOME": str(home), "PYTHONPATH": str(ROOT)}
    for name in ("STATE_DIR", "STATE_DIRECTORY", "RUNTIME_DIRECTORY"):
        environment.pop(name, None)
    done = subprocess.run(command, cwd=here, capture_output=True, text=True, timeout=30, check=False, env=environment)
    assert done.returncode == 2
    assert "more than one gate" in done.stderr
