"""The keeper: what its guard allows, what its readback tells, what the real process does when the other end dies."""

from __future__ import annotations

import itertools
import json
import os
import select
import signal
import socket
import statistics
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from config.load import SIMULATE_FILE, load
from gate.keeper import LARGEST_PACKET, REMEMBERED_SAMPLES, Guard, Keeper, Readback, build
from gate.keeper_link import longest_of, pins_of
from gate.model import JsonObject, Relay
from gate.pins import PinsError
from tests.fakes import wait_until
from tests.lgpio_stub import Pi, raspberry_pi

NONE: frozenset[str] = frozenset()
STEP_S = 0.005
ALL = list(Relay)


class Told:
    """A guard whose time and orders the test owns; it was born long before the story begins."""

    def __init__(self, born_s: float = -1000.0, **longest_s: float) -> None:
        longest = {Relay[name.upper()]: for_s for name, for_s in longest_s.items()}
        self.guard = Guard(lease_s=0.3, dead_time_s=0.5, born_s=born_s, longest_s=longest)
        self.now_s = 10.0
        self.on: Relay | None = None

    def ordered(self, relay: Relay | None, *, for_s: float = STEP_S, others: frozenset[str] = NONE) -> Told:
        """Answer every sample with that order for a while; at least once."""
        for _ in range(max(1, round(for_s / STEP_S))):
            self.now_s += STEP_S
            self.guard.order(self.now_s, relay, others, self.now_s)
            self.on, _ = self.guard.settle(self.now_s)
        return self

    def silent(self, for_s: float) -> Told:
        """Let time go by without an order."""
        for _ in range(round(for_s / STEP_S)):
            self.now_s += STEP_S
            self.on, _ = self.guard.settle(self.now_s)
        return self

    def waits(self, relay: Relay) -> float:
        """Order a relay until it is on; return how long that took."""
        began_s = self.now_s
        while self.on is not relay:
            self.ordered(relay)
            assert self.now_s - began_s < 5, f"{relay} never came on"
        return self.now_s - began_s


# ------------------------------------------------------------------------------------------------------- the lease


def test_a_relay_goes_on_for_a_fresh_order_with_all_that_was_ordered_beside_it() -> None:
    kept = Told().guard
    kept.order(10.0, Relay.OPEN, frozenset({"lamp"}), 10.001)
    assert kept.settle(10.001) == (Relay.OPEN, frozenset({"lamp"}))


def test_everything_goes_off_when_the_lease_runs_out() -> None:
    """I6: counted from the sample that the order answered."""
    kept = Told().guard
    kept.order(10.0, Relay.OPEN, frozenset({"lamp", "siren"}), 10.2)
    kept.settle(10.2)
    assert kept.settle(10.299) == (Relay.OPEN, frozenset({"lamp", "siren"}))
    assert kept.settle(10.3) == (None, NONE)


def test_a_lease_is_never_shortened_by_an_answer_to_an_older_sample() -> None:
    kept = Told().guard
    kept.order(10.1, Relay.OPEN, NONE, 10.15)
    kept.order(10.0, Relay.OPEN, NONE, 10.16)
    kept.settle(10.16)
    assert kept.settle(10.39)[0] is Relay.OPEN
    assert kept.settle(10.4)[0] is None


def test_an_order_that_answers_an_old_sample_changes_nothing() -> None:
    kept = Told().guard
    kept.order(10.0, Relay.OPEN, frozenset({"lamp"}), 10.3)
    assert kept.settle(10.3) == (None, NONE)
    kept.order(10.4, Relay.OPEN, NONE, 10.4)
    kept.settle(10.4)
    kept.order(10.1, None, NONE, 10.41)
    assert kept.settle(10.41)[0] is Relay.OPEN


def test_an_order_as_old_as_the_lease_is_too_old() -> None:
    """Figures that a float holds exactly: a quarter of a second is a quarter of a second."""
    kept = Guard(lease_s=0.25, dead_time_s=0.5, born_s=-1000.0)
    kept.order(10.0, Relay.OPEN, NONE, 10.0)
    kept.settle(10.0)
    kept.settle(10.25)
    kept.order(10.25, None, NONE, 10.5)
    kept.order(10.5, Relay.OPEN, NONE, 10.5)
    assert kept.settle(10.5)[0] is None, "the order that let go came too late"


@pytest.mark.parametrize("relay", ALL)
def test_a_relay_that_lost_its_lease_stays_off_until_it_was_let_go(relay: Relay) -> None:
    """I7: a gate process that wakes up does not find its old wish obeyed."""
    told = Told().ordered(relay).silent(0.3)
    assert told.on is None
    told.ordered(relay, for_s=3.0)
    assert told.on is None
    told.ordered(None)
    assert told.waits(relay) <= 1.0


def test_a_lease_that_runs_out_with_nothing_on_latches_nothing() -> None:
    told = Told().ordered(None).silent(1.0)
    assert told.waits(Relay.OPEN) <= 2 * STEP_S


# ------------------------------------------------------------------------------------- interlock, dead time, presses


def test_never_are_two_relays_on_whatever_is_ordered() -> None:
    """I1: by type one at the most; a change of mind releases before it energises."""
    told = Told()
    for first in ALL:
        for second in ALL:
            told.ordered(None).waits(first)
            told.ordered(second)
            assert told.on in {None, second}


@pytest.mark.parametrize(("first", "second"), [(Relay.OPEN, Relay.CLOSE), (Relay.CLOSE, Relay.OPEN)])
@pytest.mark.parametrize("between", [None, Relay.STOP, Relay.STEP])
def test_the_other_direction_waits_for_the_dead_time_from_the_last_release(
    first: Relay, second: Relay, between: Relay | None
) -> None:
    """I2: the keeper's own measure, whatever came in between."""
    told = Told().ordered(first, for_s=1.0)
    released_s = told.ordered(between, for_s=0.1).now_s - 0.1 + STEP_S
    told.waits(second)
    assert told.now_s - released_s == pytest.approx(0.5, abs=1.5 * STEP_S)
    assert told.now_s - released_s >= 0.5 - 1e-9


@pytest.mark.parametrize("relay", [Relay.OPEN, Relay.CLOSE])
def test_the_same_direction_again_waits_for_nothing(relay: Relay) -> None:
    told = Told().ordered(relay, for_s=1.0).ordered(None)
    assert told.waits(relay) <= STEP_S + 1e-9


@pytest.mark.parametrize("first", [Relay.OPEN, Relay.CLOSE, Relay.STEP])
def test_stop_waits_for_nothing(first: Relay) -> None:
    told = Told().ordered(first, for_s=0.4)
    assert told.waits(Relay.STOP) <= STEP_S + 1e-9


@pytest.mark.parametrize("relay", [Relay.OPEN, Relay.CLOSE])
@pytest.mark.parametrize("neutral", [Relay.STOP, Relay.STEP])
def test_a_direction_does_not_wait_for_a_neutral_press(relay: Relay, neutral: Relay) -> None:
    told = Told().ordered(neutral, for_s=0.4)
    assert told.waits(relay) <= STEP_S + 1e-9


def test_presses_of_the_step_relay_leave_a_second_between_them() -> None:
    """One press too early is another press: the operator would go the wrong way."""
    told = Told().ordered(Relay.STEP, for_s=0.4)
    released_s = told.ordered(None).now_s
    told.waits(Relay.STEP)
    assert told.now_s - released_s == pytest.approx(1.0, abs=1.5 * STEP_S)
    assert told.now_s - released_s >= 1.0 - 1e-9


@pytest.mark.parametrize(("relay", "rest_s"), [(Relay.OPEN, 0.5), (Relay.CLOSE, 0.5), (Relay.STEP, 1.0)])
def test_a_fresh_keeper_waits_as_if_everything_had_just_run(relay: Relay, rest_s: float) -> None:
    """I2 over a restart: nobody knows what ran before."""
    told = Told(born_s=10.0)
    told.waits(relay)
    assert told.now_s - 10.0 == pytest.approx(rest_s, abs=1.5 * STEP_S)
    assert told.now_s - 10.0 >= rest_s - 1e-9


def test_a_fresh_keeper_presses_stop_at_once() -> None:
    assert Told(born_s=10.0).waits(Relay.STOP) <= STEP_S + 1e-9


# ----------------------------------------------------------------------------------------------------- longest run


@pytest.mark.parametrize("relay", ALL)
def test_no_relay_is_on_for_longer_than_it_ever_needs(relay: Relay) -> None:
    """I9: a gate process that hangs while it still answers each sample holds nothing for ever."""
    told = Told(**{relay.name.lower(): 2.0})
    told.waits(relay)
    on_s = told.now_s
    assert told.ordered(relay, for_s=1.99).on is relay
    assert told.ordered(relay, for_s=0.02).on is None
    assert told.now_s - on_s <= 2.02
    assert told.ordered(relay, for_s=10.0).on is None, "latched until an order without a relay"
    assert told.ordered(None).waits(relay) <= 1.0
    assert told.ordered(relay, for_s=1.9).on is relay, "its time begins anew"


def test_every_limit_counts_from_its_very_moment() -> None:
    """Figures that a float holds exactly: off at the longest run, on after the dead time and after the pause."""
    kept = Guard(lease_s=8.0, dead_time_s=0.5, born_s=0.0, longest_s={Relay.OPEN: 2.0})
    kept.order(10.0, Relay.OPEN, NONE, 10.0)
    assert [kept.settle(at_s)[0] for at_s in (10.0, 11.75, 12.0)] == [Relay.OPEN, Relay.OPEN, None]
    kept.order(12.0, None, NONE, 12.0)
    kept.order(12.0, Relay.CLOSE, NONE, 12.0)
    assert [kept.settle(at_s)[0] for at_s in (12.25, 12.5)] == [None, Relay.CLOSE]
    kept.order(12.5, Relay.STEP, NONE, 12.5)
    assert kept.settle(12.5)[0] is Relay.STEP
    kept.order(12.75, None, NONE, 12.75)
    kept.settle(12.75)
    kept.order(13.0, Relay.STEP, NONE, 13.0)
    assert [kept.settle(at_s)[0] for at_s in (13.5, 13.75)] == [None, Relay.STEP]


def test_a_run_that_was_too_long_keeps_every_other_relay_off_too() -> None:
    told = Told(open=2.0).ordered(Relay.OPEN, for_s=2.1).ordered(Relay.CLOSE, for_s=3.0)
    assert told.on is None
    told.ordered(None)
    assert told.waits(Relay.CLOSE) <= STEP_S + 1e-9


def test_the_lamp_stays_as_ordered_when_a_run_was_too_long() -> None:
    told = Told(open=2.0).ordered(Relay.OPEN, for_s=2.1, others=frozenset({"lamp"}))
    assert told.guard.settle(told.now_s) == (None, frozenset({"lamp"}))


def test_each_relay_has_its_own_longest_run() -> None:
    told = Told(open=2.0, stop=1.0).ordered(Relay.STOP, for_s=0.9).ordered(Relay.OPEN, for_s=1.9)
    assert told.on is Relay.OPEN


# --------------------------------------------------------------------------------------- what the pins really show


def test_a_pause_is_counted_from_when_the_pin_really_went_off() -> None:
    told = Told().ordered(Relay.OPEN).ordered(None)
    told.guard.saw(frozenset({Relay.OPEN}), frozenset(), told.now_s + 0.3)
    off_s = told.now_s + 0.3
    told.waits(Relay.CLOSE)
    assert told.now_s - off_s == pytest.approx(0.5, abs=1.5 * STEP_S)


def test_a_relay_that_is_on_as_ordered_is_no_release() -> None:
    told = Told().ordered(Relay.OPEN)
    told.guard.saw(frozenset({Relay.OPEN}), frozenset(), told.now_s)
    assert Relay.OPEN not in told.guard.off_s


def test_while_a_drive_relay_does_not_go_off_everything_else_is_off() -> None:
    lamp = frozenset({"lamp"})
    told = Told().ordered(Relay.CLOSE, others=lamp)
    told.guard.saw(frozenset({Relay.OPEN, Relay.CLOSE}), frozenset({Relay.OPEN}), told.now_s)
    assert told.guard.settle(told.now_s) == (None, NONE)
    told.ordered(Relay.STOP, for_s=1.0, others=lamp)
    assert told.guard.settle(told.now_s) == (None, NONE)
    told.guard.saw(frozenset(), frozenset(), told.now_s)
    told.ordered(Relay.CLOSE, for_s=2.0, others=lamp)
    assert told.guard.settle(told.now_s) == (None, lamp), "what was cut off is latched"
    assert told.ordered(None).waits(Relay.CLOSE) <= STEP_S + 1e-9


def test_a_stuck_relay_latches_nothing_where_nothing_was_on() -> None:
    told = Told().ordered(None)
    told.guard.saw(frozenset({Relay.STOP}), frozenset({Relay.STOP}), told.now_s)
    told.ordered(Relay.OPEN, for_s=0.1)
    assert told.on is None
    told.guard.saw(frozenset(), frozenset(), told.now_s)
    assert told.waits(Relay.OPEN) <= STEP_S + 1e-9


def test_a_pin_is_wrong_from_its_second_sample_on() -> None:
    readback = Readback()
    ordered, stuck = {"open_relay": False, "lamp": True}, {"open_relay": True, "lamp": True}
    assert readback.wrong(ordered, stuck) == NONE
    assert readback.wrong(ordered, stuck) == {"open_relay"}
    assert readback.wrong(ordered, ordered) == NONE
    assert readback.wrong(ordered, stuck) == NONE, "one sample is forgiven each time"


def test_a_pin_that_nobody_ordered_is_expected_to_be_off() -> None:
    readback = Readback()
    readback.wrong({}, {"siren": True, "lamp": False})
    assert readback.wrong({}, {"siren": True, "lamp": False}) == {"siren"}


# ------------------------------------------------------------------------------- the keeper on lgpio, in this process

LINES = {"open_relay": 17, "close_relay": 27, "lamp": 22, "siren": 24}


class Desk:
    """The gate's end of a keeper that runs in this process, on a Raspberry Pi that a test owns."""

    def __init__(self, pi: Pi) -> None:
        self.pi = pi
        self.ours, self._theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self.ours.settimeout(2)
        pins: list[JsonObject] = [{"signal": name, "line": line, "active_high": True} for name, line in LINES.items()]
        pins.append({"signal": "beam", "line": 13, "active_high": True, "pull": "up"})
        config: JsonObject = {
            "pins": pins,
            "simulated": False,
            "lease_s": 0.3,
            "dead_time_s": 0.5,
            "longest_s": {"open_relay": 21.0, "close_relay": 21.0},
        }
        self.keeper: Keeper = build(self._theirs, config)
        self.guard.born_s -= 10.0
        self.seq = 0

    @property
    def guard(self) -> Guard:
        return self.keeper._guard

    def sample(self) -> JsonObject:
        """Let the keeper take a sample; return the packet."""
        self.keeper.sample(time.monotonic())
        packet: JsonObject = json.loads(self.ours.recv(LARGEST_PACKET))
        self.seq = int(str(packet["seq"]))
        return packet

    def order(self, relay: str | None, *others: str) -> None:
        """Answer the newest sample."""
        order = {"t": "order", "for": self.seq, "relay": relay, "on": others, "fast": True}
        self.ours.send(json.dumps(order).encode())
        self.keeper.listen(1.0)

    def shows(self, name: str) -> int | None:
        return self.pi.line(LINES[name]).shows[-1]

    def close(self) -> None:
        self.ours.close()
        self._theirs.close()


@pytest.fixture
def desk() -> Iterator[Desk]:
    with raspberry_pi() as pi:
        made = Desk(pi)
        yield made
        made.close()


def test_an_order_is_obeyed_and_shown_in_the_next_sample(desk: Desk) -> None:
    first = desk.sample()
    assert first["in"] == {"beam": True}
    assert first["out"] == dict.fromkeys(LINES, False)
    assert first["seq"] == 1
    desk.order("open_relay", "lamp")
    second = desk.sample()
    assert second["out"] == {"open_relay": True, "close_relay": False, "lamp": True, "siren": False}
    assert "wrong" not in second
    assert second["seq"] == 2


def test_a_drive_relay_is_never_switched_as_one_of_the_others(desk: Desk) -> None:
    """I1: two relays in one order are one relay."""
    desk.sample()
    desk.order("open_relay", "close_relay", "lamp")
    assert (desk.shows("open_relay"), desk.shows("close_relay"), desk.shows("lamp")) == (1, 0, 1)


def test_an_answer_to_a_sample_that_was_never_taken_is_no_order(desk: Desk) -> None:
    desk.sample()
    desk.seq = 99
    desk.order("open_relay")
    assert desk.shows("open_relay") == 0


def test_an_answer_to_a_sample_long_past_is_no_order_and_is_not_remembered(desk: Desk) -> None:
    for _ in range(300):
        desk.sample()
    assert len(desk.keeper._sampled_s) == REMEMBERED_SAMPLES
    desk.seq = 300 - REMEMBERED_SAMPLES
    desk.order("open_relay")
    assert desk.shows("open_relay") == 0
    desk.seq = 300
    desk.order("open_relay")
    assert desk.shows("open_relay") == 1


def test_a_drive_relay_that_does_not_go_off_is_told_tried_again_and_takes_everything_with_it(desk: Desk) -> None:
    desk.sample()
    desk.order("open_relay", "lamp", "siren")
    desk.sample()
    desk.pi.deaf = {LINES["open_relay"]}
    desk.order(None, "lamp", "siren")
    assert "wrong" not in desk.sample()
    assert desk.sample()["wrong"] == ["open_relay"]
    tries = []
    for _ in range(3):
        desk.order(None, "lamp", "siren")
        desk.pi.calls.clear()
        assert desk.sample()["wrong"] == ["open_relay"]
        tries.append(desk.pi.told_of(LINES["open_relay"]))
        assert (desk.shows("lamp"), desk.shows("siren")) == (0, 0)
    assert all(("gpio_write", LINES["open_relay"], 0) in tried for tried in tries), "again at every sample"
    desk.pi.deaf = set()
    desk.sample()
    assert desk.shows("open_relay") == 0
    assert "wrong" not in desk.sample()
    desk.order(None, "lamp")
    assert desk.shows("lamp") == 1


def test_a_write_that_fails_ends_nothing_and_is_told(desk: Desk) -> None:
    desk.sample()
    desk.order("open_relay", "lamp")
    desk.pi.broken = {LINES["open_relay"]}
    desk.order(None)
    assert desk.shows("lamp") == 0
    desk.sample()
    assert desk.sample()["wrong"] == ["open_relay"]


def test_a_relay_that_does_not_come_on_is_told_and_nothing_is_dropped_for_it(desk: Desk) -> None:
    desk.sample()
    desk.pi.deaf = {LINES["close_relay"]}
    desk.order("close_relay", "lamp")
    desk.sample()
    assert desk.sample()["wrong"] == ["close_relay"]
    assert desk.shows("lamp") == 1


def test_a_line_that_somebody_holds_on_is_told_though_nobody_ordered_it(desk: Desk) -> None:
    desk.sample()
    desk.pi.deaf = {LINES["siren"]}
    desk.pi.line(LINES["siren"]).show(1)
    desk.sample()
    assert desk.sample()["wrong"] == ["siren"]


def test_the_other_direction_does_not_follow_a_relay_that_is_still_on(desk: Desk) -> None:
    """I1, I2: on the pins, not on paper."""
    desk.guard.dead_time_s = 0.02
    desk.sample()
    desk.order("open_relay")
    desk.pi.deaf = {LINES["open_relay"]}
    for _ in range(20):
        desk.sample()
        desk.order("close_relay")
        time.sleep(0.003)
        assert desk.shows("close_relay") == 0


def test_a_pause_counts_from_after_the_release_was_written_and_from_nothing_else(desk: Desk) -> None:
    """I2: writing the pins takes time of its own, and no pause may begin before it."""
    desk.sample()
    desk.order("open_relay")
    desk.sample()
    assert desk.guard.off_s == {}, "what is on was not released"
    sampled_s = time.monotonic()
    desk.guard.order(sampled_s, None, NONE, sampled_s)
    desk.keeper._act(sampled_s - 0.2)
    assert desk.shows("open_relay") == 0
    assert desk.guard.off_s.keys() == {Relay.OPEN}
    assert desk.guard.off_s[Relay.OPEN] >= sampled_s


def test_a_keeper_samples_slowly_until_it_is_asked_for_more(desk: Desk) -> None:
    assert desk.keeper.pause_s == 0.020
    desk.sample()
    desk.order(None)
    assert desk.keeper.pause_s == 0.005


def test_a_keeper_that_ends_leaves_every_output_off(desk: Desk) -> None:
    desk.sample()
    desk.order("open_relay", "lamp")
    desk.keeper.close()
    assert [desk.shows(name) for name in LINES] == [0, 0, 0, 0]


# ------------------------------------------------------------- the yard behind mock pins, on a clock of the test's own


class Yarded:
    """The gate's end of a keeper with a simulated yard, that samples when the test says so."""

    def __init__(self, folder: Path, *, without: frozenset[str] = NONE, traced: bool = True) -> None:
        config = simulated(folder)
        pins = pins_of(load(SIMULATE_FILE))
        config["pins"] = [pin for pin in pins if pin["signal"] not in without]
        config["trace"] = config["trace"] if traced else None
        self.file = folder / "yard.json"
        self.ours, self._theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self.ours.settimeout(2)
        self.keeper = build(self._theirs, config)
        assert self.keeper._simulation
        self.simulation = self.keeper._simulation
        self.began_s = self.now_s = self.keeper._guard.born_s
        self.told: list[JsonObject] = []
        self.saved_s: list[float] = []

    def after(self, *, s: float) -> Yarded:
        """Sample every 20 ms; take note of what is told, and of when the yard's file is written."""
        for _ in range(round(s / 0.02)):
            self.now_s += 0.02
            self.keeper.sample(self.now_s)
            while select.select([self.ours], [], [], 0)[0]:
                self.told.append(json.loads(self.ours.recv(LARGEST_PACKET)))
            if self.file.exists():
                self.saved_s.append(self.now_s)
                self.file.unlink()
        return self

    def said(self, **message: object) -> JsonObject | None:
        """Have the keeper hear a message; return its answer if there is one."""
        self.ours.send(json.dumps(message).encode())
        self.keeper.listen(1.0)
        answer: JsonObject | None = None
        if select.select([self.ours], [], [], 0)[0]:
            answer = json.loads(self.ours.recv(LARGEST_PACKET))
        return answer

    def yard(self, action: str, *arguments: str) -> JsonObject | None:
        return self.said(t="yard", n=7, action=action, arguments=arguments)

    def newest(self, kind: str) -> JsonObject:
        found: JsonObject = next(each for each in reversed(self.told) if each["t"] == kind)
        return found

    def close(self) -> None:
        self.keeper.close()
        self.ours.close()
        self._theirs.close()


@pytest.fixture
def yarded(tmp_path: Path) -> Iterator[Yarded]:
    made = Yarded(tmp_path)
    yield made
    made.close()


def test_the_yards_time_is_the_keepers_and_at_rest_its_file_is_left_alone(yarded: Yarded) -> None:
    """A card in a Raspberry Pi wears with each write."""
    yarded.after(s=5.0)
    assert yarded.simulation.yard.at_s == pytest.approx(5.0)
    assert yarded.saved_s == []


def test_a_yard_that_moves_is_kept_once_a_second_and_once_more_where_it_came_to_rest(yarded: Yarded) -> None:
    yarded.simulation.yard.leaf = 1.0
    yarded.yard("dog")
    yarded.file.unlink()
    moved_s = 0.0
    for _ in range(2000):
        if yarded.after(s=0.02).simulation.yard.is_lively:
            moved_s = yarded.now_s
    assert all(later - sooner >= 0.99 for sooner, later in itertools.pairwise(yarded.saved_s))
    assert len(yarded.saved_s) >= 3
    assert len([at_s for at_s in yarded.saved_s if at_s > moved_s]) == 1


def test_what_was_ordered_in_the_yard_outlives_a_kill_and_is_on_the_pins_at_once(yarded: Yarded) -> None:
    assert yarded.yard("beam", "blocked")
    assert "beam" in yarded.file.read_text(encoding="ascii")
    assert yarded.keeper._board.read()["beam"] is True


def test_a_yard_is_found_as_it_was_left(yarded: Yarded, tmp_path: Path) -> None:
    yarded.simulation.yard.leaf = 0.25
    yarded.keeper.close()
    again = Yarded(tmp_path)
    assert again.simulation.yard.leaf == 0.25
    again.close()


def test_the_scene_shows_the_lights_as_their_pins_are(yarded: Yarded) -> None:
    yarded.after(s=1.0)
    assert [yarded.newest("scene")["data"][name] for name in ("lamp", "light", "siren")] == [False] * 3  # type: ignore[index, call-overload] # a scene's shape
    yarded.keeper._guard.order(yarded.now_s, None, frozenset({"light", "siren"}), yarded.now_s)
    yarded.keeper._guard.good_until_s += 10.0
    yarded.after(s=1.0)
    assert [yarded.newest("scene")["data"][name] for name in ("lamp", "light", "siren")] == [False, True, True]  # type: ignore[index, call-overload] # as above


def test_what_is_not_wired_is_off_in_the_yard_and_a_trace_is_written_only_where_one_was_asked_for(
    tmp_path: Path,
) -> None:
    poor = Yarded(tmp_path, without=frozenset({"lamp", "light", "siren", "beam_test"}), traced=False).after(s=1.0)
    assert [poor.newest("scene")["data"][name] for name in ("lamp", "light", "siren")] == [False] * 3  # type: ignore[index, call-overload] # a scene's shape
    assert poor.newest("sample")["in"]["beam"] is False  # type: ignore[index, call-overload] # a sample's shape
    poor.close()
    assert [path.name for path in tmp_path.iterdir()] == ["yard.json"]


def test_a_keeper_that_ends_closes_its_trace(yarded: Yarded) -> None:
    yarded.keeper.close()
    assert yarded.simulation.trace
    assert yarded.simulation.trace._file.closed


# ------------------------------------------------------------------------------ the loop, on mock pins, in this process


class Loop:
    """The gate's end of a keeper that works in a thread, with a simulated yard behind its pins."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.ours, self._theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self.ours.settimeout(5)
        self.keeper = build(self._theirs, simulated(folder))
        self._thread = threading.Thread(target=self.keeper.run, args=("ordinary priority",))
        self._thread.start()

    def next(self, kind: str) -> JsonObject:
        while True:
            packet: JsonObject = json.loads(self.ours.recv(LARGEST_PACKET))
            if packet["t"] == kind:
                return packet

    def send(self, **message: object) -> None:
        self.ours.send(json.dumps(message).encode())

    def answered(self, relay: str | None, *, fast: bool, times: int) -> list[float]:
        """Answer so many samples; return when they were taken."""
        taken_s = []
        for _ in range(times):
            sample = self.next("sample")
            taken_s.append(float(str(sample["at_s"])))
            self.send(t="order", **{"for": sample["seq"]}, relay=relay, on=["lamp"], fast=fast)
        return taken_s

    def yard(self, action: str, *arguments: str) -> JsonObject:
        self.send(t="yard", n=7, action=action, arguments=arguments)
        return self.next("yard")

    def ended(self) -> bool:
        self._thread.join(2)
        return not self._thread.is_alive()

    def close(self) -> None:
        self.keeper.end()
        assert self.ended()
        self.ours.close()
        self._theirs.close()


def simulated(folder: Path) -> JsonObject:
    settings = load(SIMULATE_FILE, [f'storage.state_dir="{folder}"'])
    return {
        "pins": list(pins_of(settings)),
        "simulated": True,
        "lease_s": 0.3,
        "dead_time_s": 0.5,
        "longest_s": {**longest_of(settings), "close_relay": 0.4},
        "drive": "held",
        "logic": "",
        "yard_file": str(folder / "yard.json"),
        "trace": str(folder / "pins.jsonl"),
    }


def typical(taken_s: list[float]) -> float:
    """Return the usual pause between samples; a busy machine makes single ones longer."""
    return statistics.median(later - sooner for sooner, later in itertools.pairwise(taken_s))


@pytest.fixture
def loop(tmp_path: Path) -> Iterator[Loop]:
    made = Loop(tmp_path)
    yield made
    made.close()


def test_the_loop_says_first_that_it_holds_the_lines(loop: Loop) -> None:
    first = json.loads(loop.ours.recv(LARGEST_PACKET))
    assert first == {"t": "ready", "pid": os.getpid(), "priority": "ordinary priority"}


def test_the_first_sample_shows_the_yard_as_it_is(loop: Loop) -> None:
    sample = loop.next("sample")
    assert sample["seq"] == 1
    assert sample["in"]["limit_closed"] is True  # type: ignore[index, call-overload] # a sample's shape
    assert sample["in"]["limit_open"] is False  # type: ignore[index, call-overload] # as above


def test_samples_are_5_ms_apart_when_asked_for_and_20_otherwise(loop: Loop) -> None:
    slow_s = typical(loop.answered(None, fast=False, times=12))
    assert 0.019 <= slow_s <= 0.030
    fast_s = typical(loop.answered(None, fast=True, times=40)[1:])
    assert 0.0049 <= fast_s <= 0.010


def test_samples_are_5_ms_apart_while_a_relay_is_on_whatever_was_asked_for(loop: Loop) -> None:
    loop.answered("open_relay", fast=True, times=130)
    assert typical(loop.answered("open_relay", fast=False, times=40)) <= 0.010


def test_the_yard_moves_by_the_relay_that_is_on_and_is_kept(loop: Loop) -> None:
    loop.answered(None, fast=True, times=120)
    loop.answered("open_relay", fast=True, times=200)
    scene = loop.next("scene")["data"]
    assert scene["relays"] == ["open_relay"]  # type: ignore[index, call-overload] # a scene's shape
    assert scene["leaf"] > 0.0  # type: ignore[index, call-overload, operator] # as above
    assert scene["lamp"] is True  # type: ignore[index, call-overload] # as above
    assert scene["siren"] is False  # type: ignore[index, call-overload] # as above
    assert abs(time.monotonic() * 1000 - scene["at_mono_ms"]) < 1000  # type: ignore[index, call-overload, operator] # as above
    loop.close()
    kept = json.loads((loop.folder / "yard.json").read_text(encoding="utf-8"))
    assert kept["leaf"] > 0.0


def test_the_scene_is_told_twice_a_second_and_20_times_while_something_moves(loop: Loop) -> None:
    told_s = [float(str(loop.next("scene")["data"]["at_mono_ms"])) / 1000 for _ in range(2)]  # type: ignore[index, call-overload] # a scene's shape
    assert typical(told_s) == pytest.approx(0.5, abs=0.1)
    loop.yard("dog")
    told_s = [float(str(loop.next("scene")["data"]["at_mono_ms"])) / 1000 for _ in range(9)]  # type: ignore[index, call-overload] # as above
    assert typical(told_s[2:]) == pytest.approx(0.05, abs=0.03)


def test_between_samples_the_loop_waits_and_does_not_ask_again_and_again(loop: Loop) -> None:
    """Two Python processes must not warm a Pi for nothing."""
    clock = time.pthread_getcpuclockid(loop._thread.ident or 0)
    began_s, used_s = time.monotonic(), time.clock_gettime(clock)
    loop.answered(None, fast=False, times=25)
    assert time.clock_gettime(clock) - used_s < (time.monotonic() - began_s) * 0.3


def test_what_was_ordered_in_a_yard_at_rest_is_kept_at_the_end(loop: Loop) -> None:
    loop.yard("night")
    loop.close()
    assert "night" in (loop.folder / "yard.json").read_text(encoding="utf-8")


def test_a_lively_yard_is_kept_while_it_moves(loop: Loop) -> None:
    """A simulation that is killed finds its leaf where it was, give or take a second."""
    loop.yard("car")
    wait_until((loop.folder / "yard.json").exists, 3, "the yard's file")


def test_an_order_in_the_yard_is_seen_by_the_sensors_at_once_and_answered(loop: Loop) -> None:
    answer = loop.yard("beam", "blocked")
    assert answer["n"] == 7
    assert answer["ok"]["beam_held"] is True  # type: ignore[index, call-overload] # an answer's shape
    assert loop.next("sample")["in"]["beam"] is True  # type: ignore[index, call-overload] # a sample's shape


def test_the_beams_self_test_reaches_the_simulated_photocell(loop: Loop) -> None:
    loop.next("sample")
    for on, shows in ((["beam_test"], True), ([], False)):
        for _ in range(20):
            sample = loop.next("sample")
            loop.send(t="order", **{"for": sample["seq"]}, relay=None, on=on, fast=True)
        assert loop.next("sample")["in"]["beam"] is shows  # type: ignore[index, call-overload] # a sample's shape


def test_an_order_that_the_yard_does_not_know_is_answered_with_what_it_knows(loop: Loop) -> None:
    answer = loop.yard("dance", "slowly")
    assert "dance slowly" in str(answer["error"])
    assert answer["n"] == 7


def test_a_relay_that_is_renewed_for_too_long_is_dropped(loop: Loop) -> None:
    """I9, with the limit that the gate process gave at the start."""
    loop.answered(None, fast=True, times=120)
    loop.answered("close_relay", fast=True, times=160)
    rows = [json.loads(line) for line in (loop.folder / "pins.jsonl").read_text(encoding="ascii").splitlines()]
    (on_ns, on), (off_ns, off) = [(row["mono_ns"], row["level"]) for row in rows if row["name"] == "close_relay"]
    assert (on, off) == (1, 0)
    assert (off_ns - on_ns) / 1e9 == pytest.approx(0.4, abs=0.05)


def test_a_gate_process_that_does_not_read_hinders_nothing(loop: Loop) -> None:
    """The socket is full; the lease goes on, and the newest samples come when there is room again."""
    loop.ours.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    loop.send(t="order", **{"for": 1}, relay=None, on=["lamp"], fast=True)
    wait_until(lambda: loop.keeper._seq > 400, 8, "400 samples that nobody reads")
    loop.next("sample")


def test_the_loop_ends_with_everything_off_when_the_other_end_is_closed(loop: Loop) -> None:
    loop.answered(None, fast=True, times=120)
    loop.answered("open_relay", fast=True, times=10)
    loop.ours.close()
    assert loop.ended()
    rows = [json.loads(line) for line in (loop.folder / "pins.jsonl").read_text(encoding="ascii").splitlines()]
    assert [row["level"] for row in rows if row["name"] == "open_relay"] == [1, 0]


def test_lines_that_can_not_be_read_any_more_end_the_loop_with_what_is_wrong(desk: Desk) -> None:
    desk.pi.mute = True
    with pytest.raises(PinsError, match="bad GPIO read"):
        desk.keeper.run("ordinary priority")
    assert desk.pi.calls[-1] == ("gpiochip_close", 1)


# -------------------------------------------------------------------------------------------------- the real process


class Link:
    """The gate's end of a real keeper process."""

    def __init__(self, folder: Path) -> None:
        self.trace = folder / "pins.jsonl"
        self.ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        with theirs:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "gate.keeper", str(theirs.fileno())], pass_fds=[theirs.fileno()]
            )
        self.ours.send(json.dumps(simulated(folder)).encode())
        self.ours.settimeout(5)
        assert self.next("ready")

    def next(self, kind: str) -> JsonObject:
        while True:
            packet: JsonObject = json.loads(self.ours.recv(LARGEST_PACKET))
            if packet["t"] == kind:
                return packet

    def order(self, relay: str | None, for_s: float) -> None:
        """Answer every sample with the same order for a while."""
        end_s = time.monotonic() + for_s
        while time.monotonic() < end_s:
            sample = self.next("sample")
            order = {"t": "order", "for": sample["seq"], "relay": relay, "on": ["lamp"], "fast": True}
            self.ours.send(json.dumps(order).encode())

    def changes(self, name: str) -> list[tuple[float, int]]:
        rows = [json.loads(line) for line in self.trace.read_text().splitlines()]
        return [(row["mono_ns"] / 1e9, row["level"]) for row in rows if row["name"] == name]


@pytest.fixture
def link(tmp_path: Path) -> Iterator[Link]:
    made = Link(tmp_path)
    yield made
    made.ours.close()
    with suppress(subprocess.TimeoutExpired):
        made.process.wait(3)
    made.process.kill()
    made.process.wait()


@pytest.mark.slow
def test_the_process_switches_off_when_the_gate_process_dies(link: Link) -> None:
    """I6: at once, because the socket closes."""
    link.order(None, 0.6)
    link.order("open_relay", 0.5)
    assert link.changes("open_relay")[-1][1] == 1
    died_s = time.monotonic()
    link.ours.close()
    assert link.process.wait(3) == 0
    off_s, level = link.changes("open_relay")[-1]
    assert level == 0
    assert off_s - died_s <= 0.35


@pytest.mark.slow
def test_the_process_switches_off_when_the_gate_process_hangs(link: Link) -> None:
    """I6: within the lease, with the socket open and nobody answering."""
    link.order(None, 0.6)
    link.order("open_relay", 0.5)
    hung_s = time.monotonic()
    wait_until(lambda: link.changes("open_relay")[-1][1] == 0, 2)
    assert link.changes("open_relay")[-1][0] - hung_s <= 0.35
    assert link.changes("lamp")[-1][1] == 0


@pytest.mark.slow
def test_the_process_drops_a_relay_that_is_renewed_for_too_long(link: Link) -> None:
    """I9: a gate process that hangs in its rules, and answers."""
    link.order(None, 0.6)
    link.order("close_relay", 1.0)
    (on_s, on), (off_s, off) = link.changes("close_relay")
    assert (on, off) == (1, 0)
    assert off_s - on_s == pytest.approx(0.4, abs=0.05)


@pytest.mark.slow
def test_the_process_ignores_ctrl_c_and_obeys_sigterm(link: Link) -> None:
    link.order(None, 0.6)
    link.order("open_relay", 0.2)
    os.kill(link.process.pid, signal.SIGINT)
    link.order("open_relay", 0.2)
    assert link.process.poll() is None
    os.kill(link.process.pid, signal.SIGTERM)
    assert link.process.wait(3) == 0
    assert link.changes("open_relay")[-1][1] == 0


@pytest.mark.slow
def test_starting_and_stopping_never_touches_a_relay(link: Link) -> None:
    """I7: claiming and letting go is no edge on any output line."""
    link.order(None, 0.2)
    link.ours.close()
    link.process.wait(3)
    assert [link.changes(name) for name in ("open_relay", "close_relay", "siren")] == [[], [], []]
