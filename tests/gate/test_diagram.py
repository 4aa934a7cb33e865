"""`antt-gate diagram` draws the rules as they are, and docs/safety.md carries what it draws."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from gate import machine
from gate.bars import BARS
from gate.diagram import BEGIN, END, drawn, placed
from gate.drives import RELAY
from gate.memory import TROUBLES, Phase
from gate.model import Drive, Relay, State
from gate.rehearsal import phases, rehearse, states
from gate.steps import LOGICS

SAFETY = Path(__file__).resolve().parents[2] / "docs" / "safety.md"


def test_the_safety_page_carries_what_the_rules_draw() -> None:
    """Where this fails: `antt-gate diagram --into docs/safety.md`."""
    text = SAFETY.read_text(encoding="utf-8")
    assert text.count(BEGIN) == text.count(END) == 1
    assert "## State tables" in text.partition(BEGIN)[0]
    assert text == placed(text)


@pytest.mark.parametrize("page", ["", "nothing here", END + BEGIN])
def test_a_page_without_the_two_marks_is_left_alone(page: str) -> None:
    with pytest.raises(ValueError, match="no place for the tables"):
        placed(page)


def test_every_row_of_every_table_is_drawn() -> None:
    text = drawn()
    for drive, phase, direction in RELAY:
        assert f"| {drive} | {phase} | {direction or 'nothing'} | `{RELAY[drive, phase, direction]}` |" in text
    for word in [*(code for code, _ in BARS), *TROUBLES, *LOGICS]:
        assert f"| `{word}` |" in text, word
    assert len(re.findall(r"^\d+\. `", text, re.MULTILINE)) == len(machine.RULES)


def test_what_is_drawn_is_mermaid_that_holds_together() -> None:
    """Each arrow leads from a known word to a known word, and each diagram begins at power-up."""
    blocks = re.findall(r"```mermaid\nstateDiagram-v2\n(.*?)\n```", drawn(), re.DOTALL)
    assert len(blocks) == 1 + len(Drive)
    known = {*map(str, State), *map(str, Phase), "[*]"}
    for block in blocks:
        arrows = re.findall(r"^    (\S+) --> (\S+): (\S.*)$", block, re.MULTILINE)
        described = re.findall(r"^    (\w+): ", block, re.MULTILINE)
        assert len(arrows) + len(described) == len(block.splitlines())
        assert "[*]" in {before for before, _, _ in arrows}
        assert {word for before, after, _ in arrows for word in (before, after)} | set(described) <= known
        assert len(arrows) == len({(before, after) for before, after, _ in arrows}), "one arrow a pair"


@pytest.mark.parametrize("drive", Drive)
def test_the_reference_moves_meet_every_phase_of_a_drive(drive: Drive) -> None:
    """A phase that no reference move meets would be missing from the page."""
    met = {word for change in phases(drive) for word in (change.before, change.after)}
    energising = {phase for of, phase, _ in RELAY if of is drive}
    between = {Phase.SETTLING, Phase.RESTING, Phase.PAUSING, Phase.TESTING, Phase.PROVING, Phase.WARNING}
    own = {Drive.HELD: set(), Drive.MOMENTARY: {Phase.RUNNING}, Drive.STEP: {Phase.RUNNING, Phase.SPACING}}[drive]
    assert met == energising | between | own


def test_the_reference_moves_meet_every_state() -> None:
    assert {word for change in states() for word in (change.before, change.after)} == set(State)


@pytest.mark.parametrize("drive", Drive)
def test_the_reference_moves_energise_only_what_the_drive_has(drive: Drive) -> None:
    """I1, I8: and no end is ever claimed without its limit."""
    allowed = {relay for (of, _, _), relay in RELAY.items() if of is drive}
    used: set[Relay] = set()
    for _, after, _ in rehearse(drive):
        used |= after.running
        limit = {State.OPEN: "limit_open", State.CLOSED: "limit_closed"}.get(after.state)
        assert limit is None or limit in after.senses.active
    assert used == allowed
