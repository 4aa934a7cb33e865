"""A restart at any moment of any move: nothing moves by it, and the state is right within a second (I7, I8, I11)."""

from __future__ import annotations

import pytest

from gate.model import Command, Mode, State
from tests.restarts import DRIVES, SCRIPTS, judge_all, references
from tests.story import Story

EVERY = 41


def test_there_are_a_hundred_reference_moves() -> None:
    assert len(references()) == len(SCRIPTS) * len(DRIVES) >= 100


@pytest.mark.parametrize("script", sorted(SCRIPTS))
def test_a_restart_moves_nothing_and_the_state_is_soon_right(script: str) -> None:
    """Each 41st sample of each move here, beginning elsewhere in each; `make bench` takes every one."""
    told = [reference for reference in references() if reference.name.startswith(f"{script}, ")]
    restarts = sum(judge_all(reference, EVERY, first=7 * number) for number, reference in enumerate(told))
    assert restarts > len(told)


def test_an_emergency_goes_on_after_a_restart() -> None:
    """I11: and ends open."""
    story = Story().gate_is(State.CLOSED).officer_says(Command.EMERGENCY_OPEN).after(s=3.0).power_comes_back()
    assert story.gate.mode is Mode.EMERGENCY_OPEN
    assert story.until_is(State.OPEN).after(s=1.0).state is State.OPEN
