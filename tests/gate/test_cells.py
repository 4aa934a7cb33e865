"""Every situation that can be reached, one step each (`tests.cells`), and proof that the judge finds what is wrong.

A planted fault is a rule taken out of a copy of the rules; the same exploration, run on that copy, must then fail.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from gate import machine
from gate.memory import Decision, Phase
from gate.model import Health, Mode, State
from tests.cell_judge import Step, ViolationError, judge
from tests.cells import SITES, Explorer

ROOT = Path(__file__).parents[2]
LEAST_CELLS = 100_000


@pytest.fixture(scope="module")
def explorer() -> Explorer:
    """Explore all kinds of gates, once; a violation fails every test here."""
    explorer = Explorer()
    explorer.explore(scenarios=1)
    return explorer


def test_no_cell_breaks_an_invariant(explorer: Explorer) -> None:
    """I1-I4, I7, I8, I10-I15: each reachable situation x each sample, command, plan and silence."""
    print(f"{len(explorer.seen)} situations, {explorer.cells.total()} cells: {dict(explorer.cells)}")
    assert explorer.cells.total() >= LEAST_CELLS


def test_every_state_mode_health_and_phase_was_reached(explorer: Explorer) -> None:
    assert {*State, *Mode, *Health, *Phase} <= explorer.states


@dataclass(frozen=True, kw_only=True)
class Plant:
    """A fault to be planted: in this file this text becomes that."""

    file: str
    text: str
    becomes: str = ""


def bar(code: str, name: str) -> Plant:
    """Return the fault of a table of bars without this row."""
    return Plant(file="bars.py", text=f"    (Code.{code}, {name}),\n")


PLANTS = {
    "no lock at all": Plant(
        file="bars.py", text="    return turn.is_locked\n", becomes="    return False\n\n\n_estop = _released\n"
    ),
    "no stop button": bar("STOP_PRESSED", "_stop_button"),
    "no safety edge": bar("EDGE", "_edge"),
    "no manual release": bar("RELEASED", "_released"),
    "no maintenance": bar("MAINTENANCE", "_maintenance"),
    "no emergency": bar("EMERGENCY", "_emergency"),
    "no beam": bar("BEAM_BLOCKED", "_beam"),
    "no lockdown": bar("LOCKED_DOWN", "_lockdown"),
    "no soft lock": bar("SOFT_LOCK", "_soft_lock"),
    "no battery": bar("BATTERY_LOW", "_battery"),
    "no freshness": Plant(
        file="bars.py",
        text="return fresh_s is not None and turn.reached(fresh_s + turn.timing.recover_s)",
        becomes="return fresh_s is not None",
    ),
    "no guard": Plant(file="machine.py", text="    guard,\n    _go_on,", becomes="    _go_on,"),
    "no check of both limits": Plant(file="machine.py", text="    _check_limits,\n"),
    "a resumed move": Plant(file="machine.py", text="    turn.become(Phase.SETTLING, None)\n"),
    "proof by time": Plant(
        file="machine.py",
        text="    turn.prove(State.UNKNOWN, Evidence.NONE)\n    turn.suffer(reason)",
        becomes="    turn.suffer(reason)",
    ),
    "no dead time": Plant(
        file="moves.py", text="again and not turn.reached(motion.on_s + turn.timing.dead_time_s)", becomes="False"
    ),
    "no wait for the release": Plant(
        file="moves.py",
        text=" or turn.senses.running:\n        return\n    if not _may_leave",
        becomes=":\n        return\n    if not _may_leave",
    ),
    "no look at the limit ahead": Plant(
        file="moves.py", text="    return turn.may_be_at(move.direction)\n", becomes="    return False\n"
    ),
    "no warning": Plant(file="moves.py", text="    if move.warning_s > 0:\n", becomes="    if False:\n"),
    "a warning cut short": Plant(
        file="moves.py", text="turn.reached(turn.motion.phase_s + move.warning_s)", becomes="True"
    ),
    "hold-to-run without a hand": Plant(
        file="moves.py", text="    if move.held is None or move.held in ", becomes="    if True or move.held in "
    ),
    "hold-to-run into danger": Plant(
        file="standing.py", text="            if barring(turn, held) is None:\n", becomes="            if True:\n"
    ),
    "a reset under the emergency stop": Plant(
        file="wishes.py", text="    if Sensor.ESTOP in seen:\n", becomes="    if False:\n"
    ),
    "a stop that is queued": Plant(
        file="wishes.py", text='        switch_off(turn, "stop", by=wanted.by)\n', becomes="        pass\n"
    ),
    "commands that vanish": Plant(
        file="wishes.py", text="    turn.end(under_way, Code.SUPERSEDED)\n    begin(", becomes="    begin("
    ),
    "relays without a cause": Plant(
        file="senses.py", text="    turn.tell(Kind.DRIVE_ENERGISED, ordered.by, data)\n", becomes=""
    ),
    "any relay is fine": Plant(
        file="senses.py", text="if ordered is None or ordered.relay is not relay or ", becomes="if ordered is None or "
    ),
    "limits that prove at once": Plant(
        file="proof.py", text="return turn.motion.phase is not Phase.SETTLING and (", becomes="return True or ("
    ),
    "a plan that moves at once": Plant(
        file="unattended.py", text="if not plan.moves or plan.wants", becomes="if plan.wants"
    ),
}
"""Each is a rule removed; a few are rules that were missing here once."""


@pytest.mark.slow
@pytest.mark.parametrize("name", PLANTS)
def test_a_rule_that_is_removed_is_missed(name: str, tmp_path: Path) -> None:
    plant = PLANTS[name]
    shutil.copytree(ROOT / "gate", tmp_path / "gate", ignore=shutil.ignore_patterns("__pycache__"))
    (tmp_path / "tests").mkdir()
    for needed in ("__init__.py", "cells.py", "cell_judge.py"):
        shutil.copy(ROOT / "tests" / needed, tmp_path / "tests" / needed)
    file = tmp_path / "gate" / plant.file
    whole = file.read_text()
    assert whole.count(plant.text) == 1, f"{plant.file} has changed: this fault can't be planted any more"
    file.write_text(whole.replace(plant.text, plant.becomes))
    ran = subprocess.run(
        [sys.executable, "-m", "tests.cells", "--scenarios", "2"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert (ran.returncode, ran.stderr) == (1, ""), ran.stdout + ran.stderr


def test_the_judge_sees_a_drive_in_a_lock() -> None:
    """I10, without any exploration."""
    site = SITES[0]
    gate = machine.begin(0.0, site)
    judge(Step(site=site, before=gate, decision=Decision(gate=gate), now_s=1.0))
    proven = replace(gate, shown=replace(gate.shown, state=State.CLOSED))
    with pytest.raises(ViolationError, match="I8"):
        judge(Step(site=site, before=gate, decision=Decision(gate=proven), now_s=1.0))
