"""The shell around the rules: who is refused before the rules are asked, and what is published."""

from __future__ import annotations

from dataclasses import dataclass, field

import pytest

from gate.controller import Controller, Effects
from gate.memory import Kept, Plan
from gate.model import Code, Command, JsonObject, Kind, Mode, Origin, Outputs, Refusal, Relay, State
from gate.ring import Ring
from gate.server import By, Wish
from gate.site import Site


@dataclass
class World:
    """A keeper, a journal and a public that only remember."""

    facts: list[tuple[Kind, Origin, JsonObject]] = field(default_factory=list)
    orders: list[tuple[int, Outputs, bool]] = field(default_factory=list)
    kept: list[Kept] = field(default_factory=list)
    published: int = 0

    def publish(self) -> None:
        self.published += 1


class Desk:
    """A controller on a clock of its own, with a keeper that obeys."""

    def __init__(self, kept: Kept | None = None) -> None:
        self.world = World()
        self.now_s = 500.0
        self.seq = 0
        self.levels = {"limit_open": False, "limit_closed": True, "beam": False}
        effects = Effects(
            write=lambda kind, by, data: self.world.facts.append((kind, by, data)),
            order=lambda seq, outputs, fast: self.world.orders.append((seq, outputs, fast)),
            publish=self.world.publish,
            keep=self.world.kept.append,
            utc=lambda _: "2026-11-21T00:00:00.000Z",
        )
        ring = Ring(lambda _: None)
        self.controller = Controller(Site(), effects, ring, self.now_s, kept or Kept())

    def samples(self, *, s: float) -> Desk:
        for _ in range(round(s / 0.01)):
            self.now_s += 0.01
            self.seq += 1
            relay = self.world.orders[-1][1].relay if self.world.orders else None
            shown = {"open_relay": relay is Relay.OPEN, "close_relay": relay is Relay.CLOSE, "lamp": False}
            packet: JsonObject = {"seq": self.seq, "at_s": self.now_s, "in": dict(self.levels), "out": shown}
            self.controller.samples([packet], self.now_s)
        return self

    def says(self, command: Command, name: str, **more: object) -> JsonObject | Refusal:
        by = By(type="person", id="u1", name="Lan")
        wish = Wish(command_id=name, command=command, by=by, sighted=True, **more)  # type: ignore[arg-type] # checked by pydantic
        return self.controller.request(wish, self.now_s)

    def snapshot(self) -> JsonObject:
        return self.controller.snapshot(self.now_s)

    def status(self, name: str) -> object:
        found = self.controller.command_status(name)
        return found and (found["status"], found["code"])


@pytest.fixture
def desk() -> Desk:
    return Desk().samples(s=3.0)


def refused(answer: JsonObject | Refusal) -> str:
    assert isinstance(answer, Refusal)
    return answer.code.value


def test_every_sample_is_answered_with_a_lease(desk: Desk) -> None:
    before = len(desk.world.orders)
    desk.samples(s=0.1)
    assert len(desk.world.orders) == before + 10
    assert desk.world.orders[-1][0] == desk.seq


def test_a_command_goes_from_accepted_to_energised_to_confirmed(desk: Desk) -> None:
    assert not isinstance(desk.says(Command.OPEN, "first-open"), Refusal)
    assert desk.status("first-open") == ("accepted", None)
    desk.samples(s=0.05)
    assert desk.status("first-open") == ("energised", None)
    assert desk.snapshot()["state"] == "opening"
    desk.levels.update(limit_closed=False)
    desk.samples(s=1.0)
    desk.levels.update(limit_open=True)
    desk.samples(s=0.1)
    assert desk.status("first-open") == ("confirmed", None)
    assert (desk.snapshot()["state"], desk.snapshot()["position"], desk.snapshot()["target"]) == ("open", 1.0, None)


def test_the_relay_is_ordered_in_the_same_turn_as_the_command(desk: Desk) -> None:
    desk.says(Command.OPEN, "first-open")
    assert desk.world.orders[-1][1].relay is Relay.OPEN
    assert desk.world.orders[-1][2], "the keeper samples fast from now on"


def test_the_same_command_twice_is_one_command(desk: Desk) -> None:
    desk.says(Command.OPEN, "first-open")
    assert refused(desk.says(Command.OPEN, "first-open")) == "duplicate"


def test_a_second_wish_for_the_same_goal_follows_the_first(desk: Desk) -> None:
    desk.says(Command.OPEN, "first-open")
    desk.says(Command.OPEN, "second-open")
    desk.samples(s=0.05)
    assert desk.status("second-open") == ("energised", None)
    assert refused(desk.says(Command.OPEN, "second-open")) == "duplicate"


def test_a_command_that_comes_too_late_is_refused(desk: Desk) -> None:
    """I7: an expired command never moves the gate."""
    late = round(desk.now_s * 1000) - 1
    assert refused(desk.says(Command.OPEN, "late-open", deadline_mono_ms=late)) == "expired"
    assert not isinstance(desk.says(Command.OPEN, "good-open", deadline_mono_ms=late + 500), Refusal)


def test_a_decision_about_an_older_gate_is_refused_but_a_stop_is_not(desk: Desk) -> None:
    seen = desk.snapshot()["sequence"]
    assert not isinstance(desk.says(Command.OPEN, "first-open", sequence=seen), Refusal)
    desk.samples(s=0.1)
    assert refused(desk.says(Command.CLOSE, "stale-close", sequence=seen)) == "stale_sequence"
    assert not isinstance(desk.says(Command.STOP, "any-stop", sequence=seen, deadline_mono_ms=0), Refusal)
    assert desk.world.orders[-1][1].relay is None


def test_a_refusal_is_written_down_with_its_code(desk: Desk) -> None:
    desk.says(Command.CLOSE, "vain-close")
    kind, by, data = desk.world.facts[-1]
    assert (kind, by.name, data["code"]) == (Kind.COMMAND_REFUSED, "Lan", "already_there")
    assert desk.status("vain-close") == ("failed", "already_there")


def test_when_the_keeper_dies_nothing_is_claimed_any_more(desk: Desk) -> None:
    desk.says(Command.OPEN, "first-open")
    desk.samples(s=0.5)
    desk.controller.keeper_is_gone(desk.now_s)
    snapshot = desk.snapshot()
    assert (snapshot["state"], snapshot["health"], snapshot["reasons"]) == ("unknown", "degraded", ["keeper_down"])
    assert desk.status("first-open") == ("failed", "keeper_down")
    assert refused(desk.says(Command.OPEN, "next-open")) == "keeper_down"
    desk.samples(s=3.0)
    assert desk.snapshot()["health"] == "ok"
    assert desk.world.orders[-1][1].relay is None, "I7: not resumed"


def test_the_deadline_is_near_while_a_relay_may_be_on(desk: Desk) -> None:
    assert desk.controller.deadline_s == pytest.approx(desk.now_s + 1.0)
    desk.says(Command.OPEN, "first-open")
    assert desk.controller.deadline_s == pytest.approx(desk.now_s + 0.1)


def test_thousands_of_commands_are_forgotten_in_order(desk: Desk) -> None:
    for number in range(1100):
        desk.says(Command.LIGHT_ON, f"light-{number:04}")
    assert desk.status("light-0000") is None
    assert desk.status("light-1099") == ("confirmed", None)


def test_an_unchanged_gate_is_not_published_again(desk: Desk) -> None:
    before = desk.world.published
    desk.samples(s=1.0)
    assert desk.world.published == before


def test_what_must_survive_a_restart_is_kept_when_it_changes(desk: Desk) -> None:
    desk.says(Command.LOCKDOWN, "lock-down-1")
    assert desk.world.kept[-1].mode is Mode.LOCKDOWN
    before = len(desk.world.kept)
    desk.samples(s=1.0)
    assert len(desk.world.kept) == before, "once"
    again = Desk(desk.world.kept[-1]).samples(s=3.0)
    assert again.snapshot()["mode"] == "lockdown"
    assert refused(again.says(Command.OPEN, "first-open")) == Code.LOCKED_DOWN


def test_a_change_of_mode_makes_older_decisions_stale(desk: Desk) -> None:
    seen = desk.snapshot()["sequence"]
    desk.says(Command.LOCKDOWN, "lock-down-1")
    assert refused(desk.says(Command.LIGHT_ON, "light-on-1", sequence=seen)) == "stale_sequence"


def test_a_period_that_begins_moves_the_gate_and_the_same_plan_again_does_not(desk: Desk) -> None:
    """I7: a plan that is only to be known moves nothing."""
    desk.controller.plan(Plan(wants=State.OPEN), desk.now_s)
    assert desk.samples(s=1.0).world.orders[-1][1].relay is None
    desk.controller.plan(Plan(wants=State.CLOSED, moves=True), desk.now_s)
    desk.controller.plan(Plan(wants=State.OPEN, moves=True), desk.now_s)
    assert desk.samples(s=0.1).world.orders[-1][1].relay is Relay.OPEN


def test_a_snapshot_tells_what_will_close_the_gate(desk: Desk) -> None:
    assert desk.snapshot()["closing"] is None
    desk.levels.update(limit_closed=False, limit_open=True)
    desk.samples(s=0.1).controller.plan(Plan(wants=State.CLOSED, moves=True), desk.now_s)
    assert desk.snapshot()["closing"] == {"why": "timetable", "due_mono_ms": round(desk.now_s * 1000)}


def test_alarms_are_shown_until_somebody_acknowledges_them(desk: Desk) -> None:
    desk.levels.update(limit_closed=False)
    desk.samples(s=0.1)
    shown = desk.snapshot()["alarms"]
    assert isinstance(shown, list)
    assert [alarm["alarm"] for alarm in shown if isinstance(alarm, dict)] == ["forced_open"]
    desk.says(Command.ACKNOWLEDGE, "seen-and-noted")
    assert desk.snapshot()["alarms"] == []


@pytest.mark.parametrize(("who", "goes_on"), [("person", True), ("cli", True), ("key", False)])
def test_only_a_key_signs_until_when_its_relay_may_go_on(desk: Desk, who: str, goes_on: bool) -> None:  # noqa: FBT001 - a column
    """I7: whoever is at the gate or its page sees the dead time pass; who signed from afar may be gone by then."""
    desk.says(Command.OPEN, "first-open")
    desk.samples(s=0.1).levels.update(limit_closed=False)
    desk.samples(s=2.0)
    wish = Wish(
        command_id="then-close", command=Command.CLOSE, by=By(type=who, id="x"),  # type: ignore[arg-type] # a column
        sighted=True, deadline_mono_ms=int(desk.now_s * 1000) + 100,
    )  # fmt: skip
    assert not isinstance(desk.controller.request(wish, desk.now_s), Refusal)
    desk.samples(s=2.0)
    assert (Relay.CLOSE in [outputs.relay for _, outputs, _ in desk.world.orders]) is goes_on
    assert desk.status("then-close") == (("energised", None) if goes_on else ("failed", Code.EXPIRED))


def test_what_was_learned_of_the_way_is_told_once_there_are_three_runs() -> None:
    """Health shows how long the leaf usually takes; two runs are not yet a habit."""
    taught = Desk(kept=Kept(open_s=(14.0, 14.4, 14.2), close_s=(15.0, 15.2))).samples(s=1.0)
    assert taught.snapshot()["travel_s"] == {"open": 14.2, "close": None}
