"""I7: a command that was taken in time and whose relay would come too late moves nothing."""

from __future__ import annotations

from gate.model import Command, Kind, Relay, State
from tests.gate.sites import SITE, TIMING, energised, open_gate, story_of


def test_a_command_whose_dead_time_outlasts_it_is_not_done() -> None:
    """It was taken, the gate stopped for it, and the moment it was for has passed before the relay could go on."""
    story = story_of(SITE).officer_says(Command.OPEN).after(s=2.0)
    story.officer_says(Command.CLOSE, lives_s=TIMING.dead_time_s / 2).after(s=5.0)
    assert energised(story) == [Relay.OPEN]
    assert story.state is State.STOPPED
    told = story.fact(Kind.COMMAND_REFUSED)
    assert (told.data["command_id"], told.data["code"]) == ("c2", "expired")


def test_the_same_command_with_time_enough_is_done() -> None:
    story = story_of(SITE).officer_says(Command.OPEN).after(s=2.0)
    story.officer_says(Command.CLOSE, lives_s=TIMING.dead_time_s + 0.5).until_is(State.CLOSED)
    assert energised(story) == [Relay.OPEN, Relay.CLOSE]


def test_the_warning_that_the_gate_itself_gives_does_not_count() -> None:
    """An unattended close is preceded by ten seconds of lamp and siren; nobody signs a longer life for that."""
    story = open_gate().officer_says(Command.CLOSE, sighted=False, lives_s=1.0).until_is(State.CLOSED)
    assert energised(story) == [Relay.CLOSE]
