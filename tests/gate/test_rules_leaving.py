"""Stories of a wish that comes while the limit is still active and the leaf is about to leave it."""

from __future__ import annotations

import pytest

from gate.model import Code, Command, Drive, Mode, State
from gate.steps import LOGICS
from tests.gate.sites import SITE, energised, open_gate, story_of, with_drive
from tests.story import Story

DRIVES = [(Drive.HELD, ""), (Drive.MOMENTARY, ""), *((Drive.STEP, logic) for logic in LOGICS)]
MOMENTS_S = [0.02, 0.1, 0.2, 0.3, 0.45, 0.6, 0.9]


def _closing(drive: Drive, logic: str, moment_s: float) -> Story:
    return open_gate(with_drive(drive, logic)).officer_says(Command.CLOSE).after(s=moment_s)


@pytest.mark.parametrize("moment_s", MOMENTS_S)
@pytest.mark.parametrize(("drive", "logic"), DRIVES)
def test_an_emergency_button_at_the_first_moment_of_a_close_ends_open(
    drive: Drive, logic: str, moment_s: float
) -> None:
    """I11: a limit that is still active is no proof that the leaf stays there."""
    story = _closing(drive, logic, moment_s).something("input", "emergency", "on").after(s=50.0)
    assert (story.gate.mode, story.state) == (Mode.EMERGENCY_OPEN, State.OPEN)


@pytest.mark.parametrize("command", [Command.OPEN, Command.EMERGENCY_OPEN, Command.HOLD_OPEN])
@pytest.mark.parametrize("moment_s", MOMENTS_S)
@pytest.mark.parametrize(("drive", "logic"), DRIVES)
def test_an_order_to_open_at_the_first_moment_of_a_close_ends_open(
    drive: Drive, logic: str, moment_s: float, command: Command
) -> None:
    """The newest wish counts, and is not done before the leaf rests there."""
    story = _closing(drive, logic, moment_s).officer_says(command).after(s=50.0)
    assert (story.outcome(2), story.state) == ("done", State.OPEN)


@pytest.mark.parametrize("moment_s", MOMENTS_S)
def test_a_close_at_the_first_moment_of_an_opening_ends_closed(moment_s: float) -> None:
    story = story_of().officer_says(Command.OPEN).after(s=moment_s).officer_says(Command.CLOSE).after(s=20.0)
    assert (story.outcome(2), story.state) == ("done", State.CLOSED)


def test_an_open_is_taken_at_the_open_end_while_a_step_operator_can_not_be_stopped() -> None:
    story = _closing(Drive.STEP, "open_stop_close_stop", 0.5).officer_says(Command.STOP)
    assert story.outcome(2) is Code.NOT_STOPPABLE
    story.after(s=0.2).officer_says(Command.OPEN).after(s=50.0)
    assert (story.outcome(3), story.state) == ("done", State.OPEN)


def test_an_exit_loop_at_the_first_moment_of_a_rules_close_opens() -> None:
    site = with_drive(Drive.STEP, "open_stop_close_stop")
    story = open_gate(site).timetable_wants(State.CLOSED).until(lambda s: s.yard.motor is not None)
    story.something("input", "exit_loop", "on").after(s=0.5).something("input", "exit_loop", "off")
    story.until_is(State.OPENING).until_is(State.OPEN)


def test_an_emergency_at_an_open_gate_that_rests_moves_nothing() -> None:
    story = open_gate(SITE).something("input", "emergency", "on").after(s=10.0)
    assert energised(story) == []
    assert (story.state, story.gate.standing.pursued) == (State.OPEN, False)
