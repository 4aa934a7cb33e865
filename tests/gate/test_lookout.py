"""What the gate makes of a camera process: its own word while it lives, and a limit to how long it may say nothing."""

from __future__ import annotations

import pytest

from gate.lookout import GONE, PATIENCE_S, START_GRACE_S, Lookout
from gate.model import JsonObject

BEGAN_S = 100.0


def alive(**health: str) -> JsonObject:
    """Return what the supervisor knows of a camera process that lives."""
    return {"alive": True, "health": dict(health)}


def test_what_the_camera_says_of_its_sight_is_believed_at_once() -> None:
    lookout = Lookout(BEGAN_S)
    assert not lookout.why(BEGAN_S + 1, alive(sight=""), BEGAN_S + 1)
    assert lookout.why(BEGAN_S + 2, alive(sight="covered"), BEGAN_S + 2) == "covered"
    assert not lookout.why(BEGAN_S + 3, alive(sight=""), BEGAN_S + 3)


def test_a_camera_has_time_to_start() -> None:
    lookout = Lookout(BEGAN_S)
    assert not lookout.why(BEGAN_S + START_GRACE_S - 1, alive(), BEGAN_S)
    assert lookout.why(BEGAN_S + START_GRACE_S, alive(), BEGAN_S) == GONE


@pytest.mark.parametrize("process", [{}, {"alive": False, "health": {"sight": ""}}, {"alive": True, "health": {}}])
def test_a_camera_that_says_no_more_is_gone_after_a_while(process: JsonObject) -> None:
    lookout = Lookout(BEGAN_S)
    lookout.why(BEGAN_S + 60, alive(sight=""), BEGAN_S + 60)
    assert not lookout.why(BEGAN_S + 60 + PATIENCE_S - 1, process, BEGAN_S + 60)
    assert lookout.why(BEGAN_S + 60 + PATIENCE_S, process, BEGAN_S + 60) == GONE
    assert not lookout.why(BEGAN_S + 80, alive(sight=""), BEGAN_S + 80), "it is back"


def test_a_camera_that_dies_while_it_is_covered_stays_covered() -> None:
    lookout = Lookout(BEGAN_S)
    lookout.why(BEGAN_S + 60, alive(sight="covered"), BEGAN_S + 60)
    assert lookout.why(BEGAN_S + 61, {"alive": False}, BEGAN_S + 60) == "covered"


def test_a_camera_that_hangs_is_gone_though_it_was_well_when_it_last_spoke() -> None:
    """A stopped process lives, and its last word stands, until the supervisor kills it."""
    lookout, spoke_s = Lookout(BEGAN_S), BEGAN_S + 60
    assert not lookout.why(spoke_s + PATIENCE_S - 1, alive(sight=""), spoke_s)
    assert lookout.why(spoke_s + PATIENCE_S, alive(sight=""), spoke_s) == GONE


def test_a_new_process_without_a_picture_yet_is_no_recovery() -> None:
    lookout, spoke_s = Lookout(BEGAN_S), BEGAN_S + 60
    lookout.why(spoke_s, alive(sight=""), spoke_s)
    began: JsonObject = {"alive": True, "health": {"sight": None}}
    assert lookout.why(spoke_s + PATIENCE_S + 1, began, spoke_s + PATIENCE_S) == GONE
