"""The wall clock and the timetable, on the machine's own clock: what is told, and that looking moves nothing."""

from __future__ import annotations

from config.load import SIMULATE_FILE, load
from gate.clocks import Clocks
from gate.memory import Plan
from gate.model import JsonObject, State


class Office:
    """A gate process that only listens."""

    def __init__(self, *overrides: str) -> None:
        self.changes: list[JsonObject] = []
        self.plans: list[Plan] = []
        self.looks = 0
        settings = load(SIMULATE_FILE, list(overrides))
        self.clocks = Clocks(settings, self.changes.append, lambda plan, _: self.plans.append(plan), self.looked)

    def looked(self) -> None:
        self.looks += 1


def test_a_site_without_a_timetable_wants_nothing_and_shows_none() -> None:
    office = Office()
    office.clocks.open()
    office.clocks.look()
    assert office.plans == [Plan()]
    assert office.clocks.timetable() is None
    assert (office.changes, office.looks) == ([], 1)


def test_the_first_look_moves_nothing() -> None:
    """I7: a start in the middle of a period only knows it."""
    office = Office('gate.timetable=[{days=["every_day"],start="00:00",end="24:00",wants="closed"}]')
    office.clocks.open()
    office.clocks.look()
    office.clocks.look()
    assert {(plan.wants, plan.moves) for plan in office.plans} == {(State.CLOSED, False)}
    shown = office.clocks.timetable()
    assert shown is not None
    assert (shown["wants"], shown["paused"]) == ("closed", None)
