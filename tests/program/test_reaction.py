"""A slice of what `make bench` measures: a whole gate whose processes are killed and hung, and whose inputs change."""

from __future__ import annotations

import random
import time

import pytest

from tests.fakes import wait_until
from tests.program.program import Program
from tests.program.reaction import CAUSES, Mover, gate_hung_ms, gate_killed_ms, keeper_killed

pytestmark = pytest.mark.slow
TIMES = 5
EVENTS = 30


def test_a_killed_gate_process_leaves_a_relay_on_for_350_ms_at_the_most(bare_program: Program) -> None:
    """I6: its end of the keeper's socket closes with it."""
    bare_program.state_is("closed")
    assert max(gate_killed_ms(bare_program) for _ in range(TIMES)) <= 350


def test_a_hanging_gate_process_leaves_a_relay_on_for_500_ms_at_the_most(bare_program: Program) -> None:
    """I6: the lease runs out."""
    bare_program.state_is("closed")
    assert max(gate_hung_ms(bare_program) for _ in range(TIMES)) <= 500


def test_a_killed_keeper_is_noticed_published_and_followed_by_one_that_moves_nothing(bare_program: Program) -> None:
    """I7: within 100 ms; motion is refused; the next keeper waits for a person."""
    bare_program.state_is("closed")
    found = [keeper_killed(bare_program) for _ in range(TIMES)]
    assert max(one.noticed_ms for one in found) <= 100
    assert max(one.published_ms for one in found) <= 100
    assert {one.refusal for one in found} == {"keeper_down"}
    assert sum(one.edges for one in found) == 0


def test_beam_edge_and_stop_release_the_relay_within_50_ms(program: Program) -> None:
    """I5, with the camera at work."""
    program.state_is("closed")
    mover = Mover(program, random.Random(5))
    try:
        mover.go_half_way()
        found = list(mover.reactions(EVENTS))
    finally:
        mover.close()
    assert {reaction.cause for reaction in found} == set(CAUSES)
    assert max(reaction.took_ms for reaction in found) <= 50


def test_a_stop_button_that_is_pressed_again_at_once_stops_again_and_one_that_is_held_starts_nothing(
    bare_program: Program,
) -> None:
    """Seen on the pins: the second press within 200 ms did nothing, and the leaf ran on with the button held."""
    bare_program.state_is("closed")
    mover = Mover(bare_program, random.Random(5))
    try:
        relay = mover.moving()
        mover.hand.yard("input", "stop_button", "on")
        wait_until(lambda: mover.lines.level(relay) == 0, 1, "the first release")
        assert mover.hand.command("open") != "accepted"
        mover.hand.yard("input", "stop_button", "off")
        relay = mover.moving()
        pressed_ns = time.monotonic_ns()
        mover.hand.yard("input", "stop_button", "on")
        assert mover.lines.when(relay, 0, pressed_ns, 0.5) is not None, "it runs on"
    finally:
        mover.close()
