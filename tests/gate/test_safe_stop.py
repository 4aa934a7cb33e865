"""`antt-gate safe-stop`: outputs off with the daemon dead, as a program of its own on a stub of lgpio."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests.lgpio_stub import CALLS, as_module_for

ROOT = Path(__file__).resolve().parents[2]
EXAMPLE = ROOT / "config" / "gate.example.toml"
BOTH_LOW = ["--set", 'gate.pins.open_relay.active="low"', "--set", 'gate.pins.close_relay.active="low"']


class Machine:
    """A Raspberry Pi whose daemon is dead, with the shipped example as its configuration."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.stands = folder / "stands"
        self.stands.mkdir()

    def safe_stop(
        self, *words: str, config: Path = EXAMPLE, held: frozenset[int] = frozenset()
    ) -> subprocess.CompletedProcess[str]:
        environment = as_module_for(self.folder, held=held)
        environment.pop("LG_WD", None)
        command = [sys.executable, "-m", "gate.cli", "safe-stop", "--config", str(config), *words]
        return subprocess.run(
            command, cwd=self.stands, env=environment, capture_output=True, text=True, timeout=20, check=False
        )

    def calls(self) -> list[tuple[object, ...]]:
        lines = Path(as_module_for(self.folder)[CALLS]).read_text(encoding="ascii").splitlines()
        return [tuple(json.loads(line)) for line in lines]


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    return Machine(tmp_path)


@pytest.mark.parametrize(("words", "off"), [([], 0), (BOTH_LOW, 1)], ids=["active high", "active low"])
def test_each_output_is_claimed_once_at_its_inactive_level(machine: Machine, words: list[str], off: int) -> None:
    done = machine.safe_stop(*words)
    assert (done.returncode, done.stdout, done.stderr) == (0, "off: open_relay, close_relay, lamp, buzzer\n", "")
    told = [call for call in machine.calls() if call[0] not in ("gpio_read", "gpio_get_mode")]
    assert told[-5:] == [
        ("gpio_claim_output", 17, off),
        ("gpio_claim_output", 27, off),
        ("gpio_claim_output", 22, 0),
        ("gpio_claim_output", 23, 0),
        ("gpiochip_close", 1),
    ]
    assert not any(call[0] in ("gpio_claim_input", "gpio_free", "gpio_write") for call in told)


def test_it_may_be_run_again_and_again(machine: Machine) -> None:
    assert [machine.safe_stop().returncode for _ in range(3)] == [0, 0, 0]


def test_lines_that_are_still_held_are_named_and_the_others_are_off(machine: Machine) -> None:
    """A keeper that hangs holds its lines; nobody else can switch them."""
    done = machine.safe_stop(held=frozenset({17}))
    assert done.returncode == 1
    assert done.stdout == "off: close_relay, lamp, buzzer\n"
    assert "line 17 (open_relay)" in done.stderr
    assert "held by another process (lg)" in done.stderr
    assert "systemctl stop antt-gate" in done.stderr
    assert "Traceback" not in done.stderr


def test_with_every_line_held_it_says_so_and_fails(machine: Machine) -> None:
    done = machine.safe_stop(held=frozenset({17, 22, 23, 27}))
    assert (done.returncode, done.stdout) == (1, "")


def test_it_leaves_nothing_where_it_is_run(machine: Machine) -> None:
    """Importing lgpio makes a pipe in the working directory (gpiozero #1106); it fails where nobody may write."""
    machine.safe_stop()
    assert list(machine.stands.iterdir()) == []


@pytest.mark.parametrize(
    ("text", "word"), [(None, "nowhere.toml"), ("[gate]\n", "gate.pins"), ("no toml", "toml")], ids=str
)
def test_a_configuration_that_is_missing_or_wrong_is_said_in_a_sentence(
    machine: Machine, text: str | None, word: str
) -> None:
    config = machine.folder / "nowhere.toml"
    if text is not None:
        config.write_text(text, encoding="ascii")
    done = machine.safe_stop(config=config)
    assert done.returncode == 2
    assert word in done.stderr
    assert "Traceback" not in done.stderr


def test_a_simulated_gate_has_nothing_to_switch_off(machine: Machine) -> None:
    done = machine.safe_stop(config=ROOT / "config" / "simulate.toml")
    assert done.returncode == 0
    assert "nothing to switch off" in done.stdout
