"""The wall clock and the timetable, on the machine's own clock: what is told, and that looking moves nothing."""

from __future__ import annotations

from zoneinfo import ZoneInfo

from config.load import SIMULATE_FILE, load
from gate.clocks import Clocks
from gate.memory import Plan
from gate.model import JsonObject, State
from gate.schedule import Period, Timetable

OPEN_ALL_DAY = Timetable(
    zone=ZoneInfo("UTC"),
    periods=(Period(name="open", start_min=0, end_min=1440, wants=State.OPEN, days=frozenset(range(7))),),
)


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


def test_another_timetable_is_gone_by_from_the_next_look_on_and_moves_nothing() -> None:
    """I7: it is told as renewed, once, so that nobody waits for what only the older one wanted."""
    office = Office('gate.timetable=[{days=["every_day"],start="00:00",end="24:00",wants="closed"}]')
    office.clocks.open()
    office.clocks.look()
    office.clocks.follow(OPEN_ALL_DAY)
    office.clocks.look()
    told = [(plan.wants, plan.moves, plan.renewed) for plan in office.plans]
    closed, renewed, after = (State.CLOSED, False, False), (State.OPEN, False, True), (State.OPEN, False, False)
    assert told == [closed, closed, renewed, after], "what the older one wanted is settled before"


def test_a_timetable_from_before_the_restart_is_only_known() -> None:
    office = Office()
    office.clocks.open()
    office.clocks.follow(OPEN_ALL_DAY)
    assert office.plans == []
    office.clocks.look()
    assert office.plans == [Plan(wants=State.OPEN)]
