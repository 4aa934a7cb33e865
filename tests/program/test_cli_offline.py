"""What the command line knows without a daemon: the timetable, kept minutes, the state tables."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

from config.timetable import WEEK
from gate.client import ask
from gate.incident import IncidentFiles, found
from gate.journal import Journal
from gate.kept import save
from gate.memory import Kept, KeptTimetable
from gate.model import Kind, Origin
from tests.fakes import FakeGate, wait_until
from tests.gate.test_incident import ABOUT, SITE, forced
from tests.program.command_line import antt_gate
from tests.program.program import ROOT, Program

pytestmark = pytest.mark.slow


NIGHT = f"""
[[gate.timetable]]
name = "Ban đêm"
days = {list(WEEK)}
start = "22:00"
end = "05:00"
wants = "closed"
exit_opens = false
"""


def with_timetable(folder: Path) -> str:
    path = folder / "gate.toml"
    text = (ROOT / "config" / "simulate.toml").read_text(encoding="utf-8")
    path.write_text(text + NIGHT, encoding="utf-8")
    return str(path)


def test_the_timetable_of_a_day_is_told(tmp_path: Path) -> None:
    config = with_timetable(tmp_path)
    text = antt_gate("timetable", "--config", config, "--date", "2027-02-06").stdout
    assert "Saturday 2027-02-06, Asia/Ho_Chi_Minh" in text
    lines = [" ".join(line.split()) for line in text.splitlines()]
    assert "00:00 - 05:00 closed Ban đêm exit loop does not open" in lines
    assert "05:00 - 22:00 -" in lines
    assert "22:00 - 24:00 closed Ban đêm exit loop does not open" in lines
    plain = json.loads(antt_gate("timetable", "--config", config, "--date", "2027-02-06", "--json").stdout)
    assert [period["wants"] for period in plain["periods"]] == ["closed", None, "closed"]
    assert plain["periods"][0]["start"] == "2027-02-06T00:00:00+07:00"


def test_a_site_without_a_timetable_says_so() -> None:
    done = antt_gate("timetable", "--config", "config/simulate.toml")
    assert (done.returncode, "no timetable" in done.stdout) == (0, True)


def test_the_timetable_in_force_is_told_by_the_gate_and_else_by_what_it_keeps(tmp_path: Path) -> None:
    """Not the configuration's, once people set another one; and who set it, when and why."""
    by = {"type": "person", "id": "lan", "name": "Lan"}
    tet = {"name": "Tết", "dates": ["2027-02-05..2027-02-09"], "start": "00:00", "end": "24:00", "wants": "open"}
    words = ("timetable", "--state-dir", str(tmp_path), "--date", "2027-02-06")
    with FakeGate(tmp_path) as gate:
        ask(gate.socket, "set_timetable", by=by, reason="Nghỉ Tết", revision=0, periods=[tet])
        kept = gate.timetables.safe
        told = antt_gate(*words).stdout
    save(tmp_path / "state.json", Kept(timetable=kept))
    alone = antt_gate(*words).stdout
    for text in (told, alone):
        assert "00:00 - 24:00 open Tết" in [" ".join(line.split()) for line in text.splitlines()]
        assert "revision 1, set by Lan at " in text
        assert ": Nghỉ Tết" in text
    assert "no gate process answers, this is what it keeps" in alone
    assert json.loads(antt_gate(*words, "--json").stdout)["revision"] == 1
    journal = Journal(tmp_path / "journal.db", lambda _: None)  # killed between the row of a second change and the file
    journal.open()
    journal.write(Kind.TIMETABLE_CHANGED, dict(by), {"revision": 2, "reason": "Hết Tết", "periods": []})
    journal.close()
    assert "revision 2, set by Lan at " in antt_gate(*words).stdout
    of_another_program = KeptTimetable(revision=3, at="x", by=Origin(**by), reason="x", periods=({"moon": 1},))
    save(tmp_path / "state.json", Kept(timetable=of_another_program))
    done = antt_gate(*words)
    assert (done.returncode, len(done.stderr.splitlines())) == (1, 1)
    assert "of another program and not understood here" in done.stderr


@pytest.mark.parametrize("day", ["someday", "2027-02-30", "9999-12-31"])
def test_a_day_that_is_none_is_refused(day: str) -> None:
    done = antt_gate("timetable", "--config", "config/simulate.toml", "--date", day)
    assert (done.returncode, day in done.stderr) == (2, True)


@pytest.fixture
def incident(tmp_path: Path) -> Path:
    """Keep one minute in a gate's folder; no gate is running."""
    files = IncidentFiles(tmp_path / "incidents")
    files.open()
    files.keep(ABOUT, SITE, forced().only)
    files.close()
    return found(tmp_path / "incidents")[0]


def test_kept_minutes_are_listed_shown_and_replayed_without_a_daemon(tmp_path: Path, incident: Path) -> None:
    where = ["--state-dir", str(tmp_path)]
    listed = antt_gate("incident", "list", *where)
    assert (listed.returncode, incident.name in listed.stdout, "forced_open" in listed.stdout) == (0, True, True)
    for name in (incident.name, incident.stem, "newest", str(incident)):
        shown = antt_gate("incident", "show", name, *where)
        assert shown.returncode == 0, shown.stderr
        assert re.search(r"^ +\+0 ms  alarm_raised +alarm=forced_open", shown.stdout, re.MULTILINE)
    replayed = antt_gate(*where, "incident", "replay", "newest")
    assert (replayed.returncode, "decided the same" in replayed.stdout) == (0, True), replayed.stderr
    rows = json.loads(antt_gate("incident", "list", "--json", *where).stdout)
    assert [row["reasons"] for row in rows] == [["forced_open"]]
    assert json.loads(antt_gate("incident", "replay", "newest", "--json", *where).stdout)["differences"] == []
    assert json.loads(antt_gate("incident", "show", "newest", "--json", *where).stdout)["timeline"]


def test_a_record_that_the_rules_would_not_have_made_ends_with_1(tmp_path: Path, incident: Path) -> None:
    """Somebody takes the alarm out of the record."""
    incident.write_text(incident.read_text(encoding="utf-8").replace("forced_open", "beam_tamper"), encoding="utf-8")
    done = antt_gate("incident", "replay", "newest", "--state-dir", str(tmp_path))
    assert done.returncode == 1
    assert "recorded" in done.stdout
    assert "forced_open" in done.stdout
    assert "differences" in done.stderr


@pytest.mark.parametrize(
    ("text", "told_of_it"),
    [
        ("{", "cut off"),
        ('{"format": "x"}', "no incident file"),
        ('{"format": "antt-gate incident", "version": 9}', "9"),
    ],
)
def test_a_file_that_can_t_be_replayed_is_named_with_its_remedy(tmp_path: Path, text: str, told_of_it: str) -> None:
    path = tmp_path / "incidents" / "x.json"
    path.parent.mkdir()
    path.write_text(text, encoding="ascii")
    for action in ("show", "replay"):
        done = antt_gate("incident", action, "x", "--state-dir", str(tmp_path))
        assert (done.returncode, done.stdout) == (2, "")
        assert str(path) in done.stderr
        assert told_of_it in done.stderr
    assert "x.json" in antt_gate("incident", "list", "--state-dir", str(tmp_path)).stdout


def test_a_minute_that_was_never_kept_is_answered_with_the_nearest(tmp_path: Path, incident: Path) -> None:
    done = antt_gate("incident", "show", incident.stem[:-1], "--state-dir", str(tmp_path))
    assert done.returncode == 2
    assert f"did you mean '{incident.name}'" in done.stderr
    none = antt_gate("incident", "list", "--state-dir", str(tmp_path / "elsewhere"))
    assert (none.returncode, "no incident is kept" in none.stdout) == (0, True)


def test_the_diagram_goes_to_the_terminal_or_into_a_page(tmp_path: Path) -> None:
    assert "stateDiagram-v2" in antt_gate("diagram").stdout
    page = tmp_path / "page.md"
    page.write_text("no marks", encoding="ascii")
    done = antt_gate("diagram", "--into", str(page))
    assert (done.returncode, "no place" in done.stderr) == (2, True)


def test_a_minute_of_the_real_program_is_decided_the_same_again(bare_program: Program) -> None:
    """Somebody pushes the leaf; the gate is stopped at once, and its last minute is there all the same."""
    bare_program.state_is("closed")
    bare_program.yard("push", "open")
    wait_until(lambda: bool(bare_program.status().get("alarms")), 20, "an alarm")
    assert bare_program.stop() == 0
    shown = bare_program.cli("incident", "show", "newest")
    assert re.search(r"\+0 ms  alarm_raised +alarm=forced_open", shown.stdout), shown.stdout + shown.stderr
    replayed = bare_program.cli("incident", "replay", "newest")
    assert (replayed.returncode, "decided the same" in replayed.stdout) == (0, True), replayed.stdout


def test_code_of_the_current_folder_is_never_run(tmp_path: Path) -> None:
    """Seen by a new user: a folder called api beside the shell's prompt was taken for ours, with all its rights."""
    foreign = tmp_path / "api"
    foreign.mkdir()
    for name in ("__init__.py", "__main__.py"):
        (foreign / name).write_text('print("foreign code")', encoding="ascii")
    command = [sys.executable, "-P", "-m", "gate.cli", "user", "list", "--state-dir", str(tmp_path)]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=30, check=False)
    assert "foreign" not in done.stdout


def test_a_folder_that_is_named_goes_before_the_one_in_the_file(tmp_path: Path) -> None:
    """Seen: `key revoke --config FILE --state-dir DIR` wrote to another gate's folder, and `key list` said "good"."""
    lines = antt_gate("key", "new", "room", "--role", "operator", "--file", str(tmp_path / "room.key")).stdout
    config, folder, other = tmp_path / "gate.toml", tmp_path / "gate", tmp_path / "other"
    text = (ROOT / "config" / "simulate.toml").read_text(encoding="utf-8")
    config.write_text(f'{text}\n{lines}\n[storage]\nstate_dir = "{other}"\n', encoding="utf-8")
    folder.mkdir()
    (folder / "accounts.db").touch()
    which = ("--config", str(config), "--state-dir", str(folder))
    done = antt_gate("key", "revoke", "room", *which)
    assert (done.returncode, (folder / "revoked_keys").exists(), other.exists()) == (0, True, False), done.stderr
    assert "revoked 20" in antt_gate("key", "list", *which).stdout


def test_no_key_is_said_of_the_file_that_was_read(tmp_path: Path) -> None:
    """Seen: "this gate takes no command over MQTT" of a gate that did; the shipped simulate.toml had been read."""
    (tmp_path / "accounts.db").touch()
    assert "simulate.toml" in antt_gate("key", "list", "--state-dir", str(tmp_path)).stdout
