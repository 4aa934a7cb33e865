"""The simulated yard behaves like one."""

from __future__ import annotations

from pathlib import Path

import pytest

from gate.model import Direction
from gate.world import TRAVEL_S, Yard, YardError

STEP_S = 0.01


def run(yard: Yard, relays: list[Direction], *, s: float) -> Yard:
    for _ in range(round(s / STEP_S)):
        yard.advance(STEP_S, relays)
    return yard


def test_a_motor_takes_its_time_and_the_leaf_coasts() -> None:
    yard = run(Yard(), [Direction.OPEN], s=0.1)
    assert yard.leaf == 0.0
    run(yard, [Direction.OPEN], s=2.0)
    before = yard.leaf
    run(yard, [], s=1.0)
    assert before < yard.leaf < before + 0.05
    assert yard.speed == 0.0


def test_the_whole_way_takes_about_its_travel_time() -> None:
    yard = run(Yard(), [Direction.OPEN], s=TRAVEL_S + 0.5)
    assert yard.sensors()["limit_open"]
    assert not yard.sensors()["limit_closed"]


def test_both_relays_at_once_move_nothing() -> None:
    assert run(Yard(), [Direction.OPEN, Direction.CLOSE], s=2.0).leaf == 0.0


def test_a_car_waits_for_the_gate_and_breaks_the_beam_when_it_passes() -> None:
    yard = Yard()
    yard.obey("car", [])
    run(yard, [], s=5.0)
    assert yard.things[0].along == pytest.approx(-0.5, abs=0.02)
    assert not yard.beam_broken
    run(yard, [Direction.OPEN], s=TRAVEL_S)
    assert yard.beam_broken or yard.things[0].along > 0
    run(yard, [], s=5.0)
    assert yard.things == []


def test_the_leaf_cannot_close_through_a_car() -> None:
    yard = Yard()
    yard.leaf = 1.0
    yard.obey("car", [])
    while not yard.beam_broken:
        yard.advance(STEP_S, [])
    yard.things[0].direction = 0
    run(yard, [Direction.CLOSE], s=TRAVEL_S)
    assert yard.leaf >= 0.69


def test_a_thing_that_waited_too_long_turns_back() -> None:
    yard = Yard()
    yard.obey("motorbike", ["out"])
    run(yard, [], s=60.0)
    assert yard.things == []


def test_orders_that_the_yard_does_not_know_name_those_it_knows() -> None:
    for action, words in [("cow", []), ("beam", ["half"]), ("car", ["up"]), ("night", ["maybe"])]:
        with pytest.raises(YardError):
            Yard().obey(action, words)


def test_night_and_day_switch() -> None:
    yard = Yard()
    assert yard.obey("night", [])["night"] is True
    assert yard.obey("day", [])["night"] is False
    assert yard.obey("rain", ["on"])["rain"] is True


def test_the_leaf_is_found_where_it_was_left(tmp_path: Path) -> None:
    path = tmp_path / "yard.json"
    yard = run(Yard(), [Direction.OPEN], s=3.0)
    yard.save(path)
    again = Yard()
    again.load(path)
    assert again.leaf == pytest.approx(yard.leaf)


@pytest.mark.parametrize("text", ["", "{", "[]", '{"leaf": "x"}', '{"leaf": null}'])
def test_a_damaged_yard_file_is_no_reason_not_to_start(tmp_path: Path, text: str) -> None:
    path = tmp_path / "yard.json"
    path.write_text(text)
    yard = Yard()
    yard.load(path)
    assert yard.leaf == 0.0
