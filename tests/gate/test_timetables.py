"""The timetable in force: set by people, never unseen, told by one fact, and the same after any power cut."""

from __future__ import annotations

import asyncio
import dataclasses
import datetime as dt
import itertools
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from config.load import SIMULATE_FILE, load
from config.schema import Settings
from gate import kept, schedule
from gate.client import new_id
from gate.journal import canonical
from gate.memory import Kept, KeptTimetable
from gate.model import Fact, Json, JsonObject, Kind, Origin, State
from gate.schedule import Timetable, wants_at
from gate.server import By, TimetableWish
from gate.timetables import Effects, Timetables
from tests.config.conftest import SMALLEST

SITE = load(SIMULATE_FILE)
LAN = By(type="person", id="lan", name="Lan", device="Máy của Lan")
NIGHT: JsonObject = {"name": "Đêm", "days": ["every_day"], "start": "22:00", "end": "05:00", "wants": "closed"}
DAY: JsonObject = {"days": ["every_day"], "start": "06:00", "end": "18:00", "wants": "open", "exit_opens": True}
WIRES = {"beam": 13, "lamp": 22, "buzzer": 23}
LARGEST_MESSAGE = 64 * 1024  # of facts, to the broker


@dataclass(kw_only=True)
class Desk:
    """What is behind the timetables: a journal and a disk that a story holds back or lets go."""

    settings: Settings = SITE
    kept_within_s: float = 0.02
    facts: list[Fact] = field(default_factory=list)
    followed: list[Timetable] = field(default_factory=list)
    state_file: KeptTimetable | None = None
    journal_waits: bool = False
    disk_waits: bool = False

    def start(self) -> Timetables:
        """Start the gate process with what the disk holds now."""
        effects = Effects(write=self.write, follow=self.followed.append, keep=self.keep, wall_s=time.time)
        self.made = Timetables(self.settings, effects, self.kept_within_s)
        self.made.take_up(self.state_file, self.facts[-1] if self.facts else None)
        return self.made

    def write(self, by: Origin, data: JsonObject) -> None:
        if self.journal_waits:
            return
        fact = Fact(
            seq=len(self.facts) + 1, id=new_id(), at="2026-11-22T04:05:14.123Z", at_trusted=True, mono_ms=1,
            boot_id="b", kind=Kind.TIMETABLE_CHANGED, by=by.plain(), data=data, prev="", hash="",
        )  # fmt: skip
        self.facts.append(fact)
        asyncio.get_running_loop().call_soon(lambda: self.made.journalled(fact))

    def keep(self) -> None:
        if self.made.safe and not self.disk_waits:
            self.state_file = self.made.safe
            self.made.written(self.made.safe.revision)


def wish(*periods: Json, revision: int = 0, reason: str = "Tết") -> TimetableWish:
    return TimetableWish.model_validate({"by": LAN, "reason": reason, "revision": revision, "periods": list(periods)})


def changed(timetables: Timetables, *wishes: TimetableWish) -> list[JsonObject]:
    """Return the answers to changes that come at the same time."""

    async def ask() -> list[JsonObject]:
        return await asyncio.gather(*(timetables.change(one) for one in wishes))

    return asyncio.run(ask())


def names(timetables: Timetables) -> list[object]:
    listed = timetables.plain()["periods"]
    assert isinstance(listed, Sequence)
    return [one.get("name") for one in listed if isinstance(one, dict)]


def code(answer: JsonObject) -> object:
    problem = answer["error"]
    assert isinstance(problem, dict)
    return problem["code"]


def test_until_people_set_one_the_configuration_has_its_timetable() -> None:
    site = load(SIMULATE_FILE, ['gate.timetable=[{name="Đêm",days=["mon"],start="22:00",end="05:00",wants="closed"}]'])
    timetables = Desk(settings=site).start()
    told = timetables.plain()
    assert (told["revision"], told["set_by"], names(timetables)) == (0, None, ["Đêm"])
    assert timetables.safe is None


def test_a_change_is_in_force_journalled_and_kept_when_it_is_answered() -> None:
    """With who, from which phone, why, which revision, and the whole of it."""
    desk = Desk()
    timetables = desk.start()
    (answer,) = changed(timetables, wish(NIGHT))
    told = answer["ok"]
    assert isinstance(told, dict)
    assert (told["revision"], told["kept"], told["reason"], names(timetables)) == (1, True, "Tết", ["Đêm"])
    (fact,) = desk.facts
    assert fact.by == {"type": "person", "id": "lan", "name": "Lan", "device": "Máy của Lan"}
    assert fact.data == {"revision": 1, "reason": "Tết", "periods": [{**NIGHT, "exit_opens": True}]}
    assert desk.state_file is not None
    assert desk.state_file.revision == 1
    assert [one.name for one in desk.followed[-1].periods] == ["Đêm"]


def test_of_two_people_at_the_same_time_one_is_told_to_look_again() -> None:
    desk = Desk()
    timetables = desk.start()
    answers = changed(timetables, wish(NIGHT, reason="a"), wish(DAY, reason="b"))
    assert [answer for answer in answers if "ok" in answer]
    assert [code(answer) for answer in answers if "error" in answer] == ["stale_timetable"]
    assert len(desk.facts) == 1
    assert code(changed(timetables, wish(DAY, revision=0))[0]) == "stale_timetable"
    assert "ok" in changed(timetables, wish(DAY, revision=1))[0]
    assert timetables.revision == 2


def test_a_timetable_that_can_not_be_used_changes_nothing() -> None:
    """The gate process judges for itself, whoever asked it."""
    desk = Desk()
    timetables = desk.start()
    (answer,) = changed(timetables, wish(NIGHT, {**NIGHT, "start": "21:00"}))
    assert code(answer) == "invalid_timetable"
    assert "periods[1]" in str(answer)
    assert (timetables.revision, desk.facts, desk.followed) == (0, [], [])


def test_a_timetable_that_closes_needs_its_wires(tmp_path: Path) -> None:
    """I12: beam, lamp and buzzer; not even the commander may do without."""
    (tmp_path / "gate.toml").write_text(SMALLEST, encoding="utf-8")
    timetables = Desk(settings=load(tmp_path / "gate.toml")).start()
    assert code(changed(timetables, wish(NIGHT))[0]) == "invalid_timetable"
    assert "ok" in changed(timetables, wish(DAY))[0]


def test_a_disk_that_refuses_stops_nothing_and_is_told() -> None:
    desk = Desk(disk_waits=True)
    timetables = desk.start()
    (answer,) = changed(timetables, wish(NIGHT))
    told = answer["ok"]
    assert isinstance(told, dict)
    assert (told["kept"], timetables.revision, names(timetables)) == (False, 1, ["Đêm"])


def test_what_is_not_in_the_journal_is_not_kept_either() -> None:
    """A timetable in force without its row would be nobody's."""
    desk = Desk(journal_waits=True)
    changed(desk.start(), wish(NIGHT))
    assert desk.state_file is None


@pytest.mark.parametrize("disk_waits", [False, True])
@pytest.mark.parametrize("journal_waits", [False, True])
def test_whenever_the_power_goes_the_newest_row_is_what_is_in_force(*, journal_waits: bool, disk_waits: bool) -> None:
    """Before the row, between row and file, or after both."""
    desk = Desk()
    changed(desk.start(), wish(NIGHT))
    desk.journal_waits, desk.disk_waits = journal_waits, disk_waits
    changed(desk.made, wish(DAY, revision=1))
    again = desk.start()
    assert again.revision == desk.facts[-1].data["revision"] == (1 if journal_waits else 2)
    assert desk.followed[-1].periods[0].wants is (State.CLOSED if journal_waits else State.OPEN)
    assert again.safe is not None
    assert again.safe.revision == again.revision


def test_a_state_that_was_lost_takes_no_timetable_with_it() -> None:
    desk = Desk()
    changed(desk.start(), wish(NIGHT))
    desk.state_file = None
    assert (desk.start().revision, names(desk.made)) == (1, ["Đêm"])


def test_a_journal_that_was_lost_takes_no_timetable_with_it() -> None:
    desk = Desk()
    changed(desk.start(), wish(NIGHT))
    desk.facts.clear()
    assert (desk.start().revision, names(desk.made)) == (1, ["Đêm"])


def test_a_row_that_is_no_timetable_is_passed_over() -> None:
    desk = Desk()
    changed(desk.start(), wish(NIGHT))
    desk.facts[-1].data["periods"] = "none"
    assert desk.start().revision == 1


def test_a_timetable_of_another_program_gives_way_to_the_configurations_and_says_so() -> None:
    """Never in silence: it has its row, and a revision of its own."""
    desk = Desk(state_file=KeptTimetable(revision=7, at="x", by=LAN.origin(), reason="x", periods=({"moon": 1},)))

    async def story() -> None:
        assert desk.start().revision == 8

    asyncio.run(story())
    (fact,) = desk.facts
    assert (fact.by["id"], fact.data["periods"]) == ("gate", [])
    assert "revision 7 is not understood" in str(fact.data["reason"])


def test_an_older_timetable_never_comes_back_for_a_newer_row_that_is_not_understood() -> None:
    """Its row is the newest, and it would have been the file's in silence, with a number that comes twice."""
    desk = Desk()
    changed(desk.start(), wish(NIGHT))
    newer = {**desk.facts[-1].data, "revision": 2, "periods": [{"moon": 1}]}
    desk.facts.append(dataclasses.replace(desk.facts[-1], data=newer))

    async def story() -> None:
        assert desk.start().revision == 3

    asyncio.run(story())
    assert names(desk.made) == []
    assert "revision 2 is not understood" in str(desk.facts[-1].data["reason"])


def test_a_question_costs_the_loop_nothing_until_the_next_change() -> None:
    """I5: a viewer may ask for the longest timetable as often as they like."""
    desk = Desk()
    timetables = desk.start()
    first = timetables.plain()
    assert timetables.plain() is first
    changed(timetables, wish(NIGHT))
    assert (timetables.plain()["revision"], names(timetables)) == (1, ["Đêm"])
    assert timetables.plain() is timetables.plain()


@pytest.mark.parametrize("lost", ["beam", "lamp", "buzzer"])
def test_a_timetable_that_does_not_fit_the_site_any_more_rests_until_people_set_another(
    tmp_path: Path, lost: str
) -> None:
    """I12: somebody took a wire out. The gate starts, says why, and closes nothing by a rule that relied on it."""
    desk = Desk()
    changed(desk.start(), wish({**NIGHT, "exit_opens": False}))
    wired = "".join(f"{name} = {{ line = {line} }}\n" for name, line in WIRES.items() if name != lost)
    (tmp_path / "gate.toml").write_text(SMALLEST + wired, encoding="utf-8")
    desk.settings = load(tmp_path / "gate.toml")
    timetables = desk.start()
    assert names(timetables) == ["Đêm"]
    assert f"gate.pins.{lost}" in timetables.trouble
    assert timetables.plain()["misfits"]
    assert {(period.wants, period.exit_opens) for period in desk.followed[-1].periods} == {(None, False)}
    assert "ok" in changed(timetables, wish(DAY, revision=1))[0]
    assert not timetables.trouble
    assert desk.followed[-1].periods[0].wants is State.OPEN


def longest() -> list[Json]:
    """Return a timetable as long as one may be: 32 periods, each of 32 ranges of dates, with the longest names."""
    dates = [f"2027-{number // 28 + 1:02}-{number % 28 + 1:02}" for number in range(336)]
    spans = [f"{date}..{date}" for date in dates]
    starts = itertools.product(range(10), (0, 7, 14, 21))
    return [
        {"name": "Ổ" * 40, "dates": spans[first * 32 : first * 32 + 32], "start": f"{hour:02}:00",
         "end": f"{hour + 3:02}:00", "wants": "closed", "exit_opens": False}
        for first, hour in itertools.islice(starts, 32)
    ]  # fmt: skip


def test_the_longest_timetable_fits_the_file_and_one_message_to_the_broker(tmp_path: Path) -> None:
    desk = Desk()
    (answer,) = changed(desk.start(), wish(*longest(), reason="ộ" * 200))
    assert "ok" in answer
    assert len(canonical(desk.facts[-1].plain())) < LARGEST_MESSAGE
    path = tmp_path / "state.json"
    kept.save(path, Kept(timetable=desk.state_file))
    assert kept.read(path).kept.timetable == desk.state_file
    assert path.stat().st_size < kept.LARGEST_FILE / 2


def test_the_longest_timetable_is_reckoned_in_a_thread_and_then_only_looked_into() -> None:
    """I5: the loop that watches the beam asks once a second, and has no milliseconds for it."""
    desk = Desk()
    changed(desk.start(), wish(*longest()))
    reckoned = schedule._course.cache_info().misses
    now = dt.datetime.now(dt.UTC)
    for later_s in range(60):
        wants_at(desk.followed[-1], now + dt.timedelta(milliseconds=later_s))
    assert schedule._course.cache_info().misses == reckoned
