"""Orders and questions on the command line, to a gate process that is scripted."""

from __future__ import annotations

import json
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from gate import yard_orders
from gate.cli_orders import YARD_HELP
from gate.memory import TROUBLES
from gate.model import Alarm, Code, Command, Health
from gate.status import ALARMS, meaning, told
from gate.yard_road import BREEDS
from tests.fakes import FakeGate
from tests.program.command_line import antt_gate

pytestmark = pytest.mark.slow


@pytest.fixture
def gate(tmp_path: Path) -> Iterator[FakeGate]:
    with FakeGate(tmp_path) as made:
        yield made


def asks(gate: FakeGate, *words: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """Ask a gate that is running; `--socket` may stand before the command as after it."""
    return antt_gate("--socket", str(gate.socket), *words, **environment)


@pytest.mark.parametrize(
    ("word", "command"),
    [
        ("open", Command.OPEN), ("close", Command.CLOSE), ("stop", Command.STOP), ("hold", Command.HOLD_OPEN),
        ("lockdown", Command.LOCKDOWN), ("unlock", Command.UNLOCK), ("emergency", Command.EMERGENCY_OPEN),
        ("normal", Command.NORMAL), ("ack", Command.ACKNOWLEDGE), ("reset", Command.RESET),
        ("light-on", Command.LIGHT_ON), ("light-off", Command.LIGHT_OFF), ("siren-on", Command.SIREN_ON),
        ("siren-off", Command.SIREN_OFF),
    ],
)  # fmt: skip
def test_every_command_of_the_gate_has_a_word(gate: FakeGate, word: str, command: Command) -> None:
    done = asks(gate, word, "--reason", "xe cứu thương")
    assert (done.returncode, done.stdout.split()[0]) == (0, "accepted"), done.stderr
    wish = gate.wishes[-1]
    assert (wish.command, wish.reason, wish.by.type) == (command, "xe cứu thương", "cli")
    assert wish.by.name, "the journal names whoever is signed in on the machine"


def test_a_hold_lasts_as_long_as_it_is_told(gate: FakeGate) -> None:
    assert asks(gate, "hold", "--minutes", "20").returncode == 0
    assert gate.wishes[-1].minutes == 20
    for wrong in ("0", "721", "soon"):
        done = asks(gate, "hold", "--minutes", wrong)
        assert (done.returncode, "from 1 to 720" in done.stderr) == (2, True)


def test_a_close_or_a_lockdown_that_somebody_watches_says_so(gate: FakeGate) -> None:
    for word in ("close", "lockdown"):
        assert asks(gate, word, "--sighted").returncode == 0
        assert gate.wishes[-1].sighted
        assert asks(gate, word).returncode == 0
        assert not gate.wishes[-1].sighted


def test_a_refusal_is_said_with_its_code_and_ends_with_1(gate: FakeGate) -> None:
    gate.refuse_next = Code.BEAM_BLOCKED
    done = asks(gate, "close", "--sighted")
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr == "antt-gate: refused (beam_blocked): Something is in the gateway. Clear it.\n"


def test_a_reason_that_the_journal_can_not_take_is_refused_before_anything_moves(gate: FakeGate) -> None:
    done = asks(gate, "open", "--reason", "x" * 501)
    assert (done.returncode, "500 at the most" in done.stderr) == (2, True)
    assert not gate.wishes


def test_status_says_what_is_wrong_what_to_do_and_what_comes_next(gate: FakeGate) -> None:
    gate.say_state(
        mode="hold_open",
        mode_until="2026-11-21T21:40:00.000Z",
        mode_by={"type": "person", "id": "u1", "name": "Trung úy Lan"},
        health=Health.HARD_LOCK.value,
        reasons=[Code.LIMIT_CONFLICT.value],
        alarms=[{"alarm": "forced_open", "id": "a1", "since": "2026-11-21T21:00:00.000Z", "reminders": 2, "data": {}}],
        closing={"why": "hold_ended", "due_mono_ms": 10**12},
        timetable={"wants": None, "until": None, "paused": "clock_untrusted"},
    )
    text = asks(gate, "status").stdout
    for words_of_it in ("hold_open", "until", "by Trung úy Lan", "hard_lock", "limit_conflict: ", "forced_open",
                        "reminded 2 times", "antt-gate ack", "closes in", "the hold ends", "paused"):  # fmt: skip
        assert words_of_it in text, text
    assert json.loads(asks(gate, "status", "--json").stdout)["mode"] == "hold_open"


def test_status_of_a_name_that_would_move_the_cursor_is_only_text(gate: FakeGate) -> None:
    gate.say_state(name="Cổng\x1b[2J", mode_by={"type": "person", "id": "u", "name": "a\nb"})
    text = asks(gate, "status").stdout
    assert "\x1b" not in text
    assert "Cổng\\x1b[2J" in text
    assert "a\\nb" in text


def test_status_of_a_process_that_is_not_well_has_its_sentence(gate: FakeGate) -> None:
    sentence = (
        "the camera rtsp://10.0.0.5/1 does not deliver (timed out); check its address, its cable and its password"
    )
    ill = {"ok": False, "reason": "video_unreachable", "detail": sentence}
    well = {"ok": True, "reason": "", "detail": "nobody needs to read this"}
    gate.say_state(processes={"camera": {"alive": True, "health": ill}, "mqtt_bridge": {"alive": True, "health": well}})
    text = asks(gate, "status").stdout
    assert f"video_unreachable\n{' ' * 15}{sentence}\n" in text
    assert "nobody needs" not in text


def test_status_says_whether_the_broker_is_connected(gate: FakeGate) -> None:
    """docs/fleet.md sends people there; seen: "alive" for a bridge that was connected, and for one that was not."""
    health = {"ok": True, "reason": "", "connected": True, "broker": "mqtt.example:8883", "waiting": 3}
    bridge = {"alive": True, "restarts": 1, "health": health}
    gate.say_state(processes={"mqtt_bridge": bridge})
    assert "restarted once, connected to mqtt.example:8883, facts waiting: 3" in asks(gate, "status").stdout
    gate.say_state(processes={"mqtt_bridge": {**bridge, "restarts": 0, "health": {**health, "waiting": 0}}})
    assert asks(gate, "status").stdout.endswith("connected to mqtt.example:8883\n")


def test_a_terminal_that_lacks_letters_ends_no_command(gate: FakeGate) -> None:
    done = asks(gate, "status", PYTHONIOENCODING="ascii", PYTHONUTF8="0")
    assert (done.returncode, "C?ng th?" in done.stdout) == (0, True)


def test_a_snapshot_of_a_gate_that_has_just_begun_can_be_told() -> None:
    assert "unknown" in told({"name": "x", "gate_id": "y", "state": "unknown", "evidence": "none"})


def test_every_alarm_and_every_trouble_says_what_to_do() -> None:
    assert set(ALARMS) == set(Alarm)
    assert all(meaning(trouble) for trouble in TROUBLES)


def test_the_help_of_the_yard_has_every_word_of_the_yard() -> None:
    known = {*BREEDS, *(word for words in yard_orders.CONDITIONS for word in words if words[0] != "input")}
    assert {word for word in known if not re.search(rf"\b{word}\b", YARD_HELP)} == set()


def test_the_yard_is_shown_to_people_and_to_programs(gate: FakeGate) -> None:
    assert "leaf" in asks(gate, "yard", "show").stdout
    assert "leaf" in json.loads(asks(gate, "yard", "show", "--json").stdout)
    assert asks(gate, "yard", "motor", "dead").stdout == "done  motor dead\n"
