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
    assert not lookout.why(BEGAN_S + 1, alive(sight=""))
    assert lookout.why(BEGAN_S + 2, alive(sight="covered")) == "covered"
    assert not lookout.why(BEGAN_S + 3, alive(sight=""))


def test_a_camera_has_time_to_start() -> None:
    lookout = Lookout(BEGAN_S)
    assert not lookout.why(BEGAN_S + START_GRACE_S - 1, alive())
    assert lookout.why(BEGAN_S + START_GRACE_S, alive()) == GONE


@pytest.mark.parametrize("process", [{}, {"alive": False, "health": {"sight": ""}}, {"alive": True, "health": {}}])
def test_a_camera_that_says_no_more_is_gone_after_a_while(process: JsonObject) -> None:
    lookout = Lookout(BEGAN_S)
    lookout.why(BEGAN_S + 60, alive(sight=""))
    assert not lookout.why(BEGAN_S + 60 + PATIENCE_S - 1, process)
    assert lookout.why(BEGAN_S + 60 + PATIENCE_S, process) == GONE
    assert not lookout.why(BEGAN_S + 80, alive(sight="")), "it is back"


def test_a_camera_that_dies_while_it_is_covered_stays_covered() -> None:
    lookout = Lookout(BEGAN_S)
    lookout.why(BEGAN_S + 60, alive(sight="covered"))
    assert lookout.why(BEGAN_S + 61, {"alive": False}) == "covered"
