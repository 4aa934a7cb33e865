"""The simulated yard takes orders, shows its sensors, remembers itself, and has a road through it."""

from __future__ import annotations

import itertools
import json
import re
from pathlib import Path

import pytest

from gate.cli_orders import YARD_HELP
from gate.model import Drive, Relay, Sensor
from gate.pins import Board, Pin, mock_factory
from gate.world import NOT_FAULTS, TRAVEL_S, YARD_WORDS, Yard, YardError
from gate.yard_orders import CONDITIONS, EYE, KNOWN, SEEN, WEATHER
from gate.yard_road import BREEDS, PATIENCE_S, ROAD_END, STOP_LINE
from tests.gate.yard import run, until

OPEN, CLOSE = [Relay.OPEN], [Relay.CLOSE]
CAMERA_READS = {"leaf", "things", "infrared_dead", *SEEN}
BEFORE = {"leaf", "speed", "relays", "things", "beam_broken", "beam_held", "night", "rain", "insects"}


# ---------------------------------------------------------------------------------------------------------- orders


@pytest.mark.parametrize("words", CONDITIONS, ids=" ".join)
def test_every_order_is_obeyed_on_every_drive(words: tuple[str, ...]) -> None:
    order = CONDITIONS[words]
    for drive in Drive:
        yard = Yard(drive, "open_close")
        truth = yard.obey(words[0], [*words[1:]])
        assert yard.conditions.get(order.subject) == order.condition
        assert truth == yard.truth()
        run(yard, s=0.1)


@pytest.mark.parametrize("words", [words for words, order in CONDITIONS.items() if order.condition], ids=" ".join)
def test_a_fault_is_told_until_it_is_mended(words: tuple[str, ...]) -> None:
    """Contracts: `yard show` tells every fault that is on."""
    order, yard = CONDITIONS[words], Yard()
    yard.obey(words[0], [*words[1:]])
    assert len(yard.faults) == (order.subject not in NOT_FAULTS)
    assert yard.truth()["faults"] == yard.faults
    for told in yard.faults:
        again = Yard()
        action, *arguments = told.split()
        again.obey(action, arguments)
        assert again.conditions == yard.conditions, "told in the words that order it"
    yard.become(order.subject, None)
    assert yard.faults == []
    assert yard.sensors() == Yard().sensors()


@pytest.mark.parametrize(
    ("action", "words"),
    [
        ("cow", []), ("", []), ("beam", ["half"]), ("beam", []), ("beam", ["blocked", "now"]), ("car", ["up"]),
        ("night", ["maybe"]), ("limit", ["open"]), ("limit", ["middle", "stuck"]), ("relay", ["lamp", "welded"]),
        ("relay", ["open", "stuck"]), ("push", []), ("push", ["up"]), ("show", ["all"]), ("input", ["beam", "on"]),
        ("input", ["limit_open", "on"]), ("input", ["estop"]), ("power", ["off"]), ("edge", ["on"]), ("x" * 9000, []),
    ],
)  # fmt: skip
def test_orders_that_the_yard_does_not_know_name_those_it_knows(action: str, words: list[str]) -> None:
    yard = Yard()
    before = yard.truth()
    with pytest.raises(YardError) as refused:
        yard.obey(action, words)
    assert YARD_WORDS in str(refused.value)
    assert len(str(refused.value)) < 1200
    assert yard.truth() == before


def test_the_words_name_every_order() -> None:
    """Contracts, `yard`: what is printed as known is what is known."""
    told = set(itertools.chain.from_iterable(_spelled(part) for part in YARD_WORDS.split(", ")))
    assert {words for words in told if words in CONDITIONS} == CONDITIONS.keys() - {("day", "on"), ("day", "off")}
    others = told - CONDITIONS.keys()
    assert {words[0] for words in others} == {"show", "push", *BREEDS}
    for words in others:
        Yard().obey(words[0], [*words[1:]])


def test_the_help_of_the_command_line_names_every_subject_and_every_condition() -> None:
    """`antt-gate yard --help` is where a maintainer looks first."""
    told = set(re.findall(r"[a-z]+", YARD_HELP))
    assert {word for words in CONDITIONS for word in words if words[0] != "input"} <= told


def _spelled(part: str) -> list[tuple[str, ...]]:
    """Return every order that one part of the words allows."""
    choices = [word.strip("[]").split("|") + ([""] if word.startswith("[") else []) for word in part.split()]
    return [tuple(filter(None, words)) for words in itertools.product(*choices)]


def test_night_and_day_switch() -> None:
    yard = Yard()
    assert yard.obey("night", [])["night"] is True
    assert yard.obey("day", [])["night"] is False
    assert yard.obey("day", ["off"])["night"] is True
    assert yard.obey("rain", ["on"])["rain"] is True


def test_what_only_the_camera_notices_changes_no_sensor_and_moves_nothing() -> None:
    """A crate under the beam, a hand over the lens: the gate's wires know nothing of it."""
    quiet = run(Yard(), s=0.2)
    yard = Yard()
    for word in SEEN:
        assert yard.obey(word, ["on"])[word] is True
    yard.obey("infrared", ["dead"])
    run(yard, s=0.2)
    truth = yard.truth()
    assert yard.sensors() == quiet.sensors()
    assert truth["infrared_dead"] is True
    assert truth["faults"] == sorted(["infrared dead", *EYE])
    for word in SEEN:
        assert yard.obey(word, ["off"])[word] is False
    yard.obey("infrared", ["ok"])
    assert run(yard, s=0.2).truth() == run(Yard(), s=0.4).truth()


def test_inputs_are_switched_one_by_one() -> None:
    yard = Yard()
    for sensor in (Sensor.ESTOP, Sensor.EXIT_LOOP, Sensor.MAINTENANCE):
        yard.obey("input", [sensor, "on"])
        assert yard.sensors()[sensor]
        yard.obey("input", [sensor, "off"])
        assert not yard.sensors()[sensor]
    yard.obey("cabinet", ["open"])
    assert yard.sensors()["cabinet"]
    yard.obey("input", ["cabinet", "off"])
    assert not yard.sensors()["cabinet"]


# -------------------------------------------------------------------------------------------------- truth, sensors


def test_truth_is_plain_and_tells_what_the_camera_draws() -> None:
    yard = run(Yard(), OPEN, s=2.0)
    yard.obey("motorbike", ["out"])
    yard.obey("relay", ["close", "dead"])
    yard.obey("input", ["estop", "on"])
    truth = json.loads(json.dumps(yard.truth()))
    assert truth.keys() >= CAMERA_READS | BEFORE
    assert truth["relays"] == truth["contacts"] == ["open_relay"]
    assert truth["motor"] == "open"
    assert truth["faults"] == ["relay close dead"]
    assert truth["sensors"] == ["estop"]
    assert truth["things"][0].keys() == {"id", "kind", "along", "direction", "length"}
    assert truth["operator"] is None
    assert json.loads(json.dumps(Yard(Drive.STEP, "open_close").truth()))["operator"] == "closed"


def test_every_sensor_is_shown_and_only_those() -> None:
    assert Yard().sensors().keys() == {sensor.value for sensor in Sensor}
    assert [name for name, active in Yard().sensors().items() if active] == ["limit_closed"]


def test_the_active_sensors_are_those_whose_wires_say_so() -> None:
    yard = Yard()
    for subject in ("estop", "mains_lost", "cabinet", "edge", "beam"):
        yard.become(subject, {"edge": "pressed", "beam": "blocked"}.get(subject, "on"))
        assert yard.active() == {Sensor(name) for name, active in yard.sensors().items() if active}


def test_what_the_wires_say_stands_on_the_mock_pins_that_the_site_has() -> None:
    pins = [Pin(signal="limit_closed", line=5, active_high=False, pull="up"),
            Pin(signal="beam", line=6, active_high=True, pull="up")]  # fmt: skip
    board, yard = Board(mock_factory({}), pins), Yard()
    yard.drive(board)
    assert board.read() == {"limit_closed": True, "beam": False}
    yard.leaf, yard.beam_held = 0.5, True
    yard.drive(board)
    assert board.read() == {"limit_closed": False, "beam": True}


# ------------------------------------------------------------------------------------------------------------ road


def test_a_car_waits_for_the_gate_and_breaks_the_beam_when_it_passes() -> None:
    yard = Yard()
    yard.obey("car", [])
    run(yard, s=5.0)
    assert yard.things[0].along == pytest.approx(-STOP_LINE, abs=0.02)
    assert not yard.beam_broken
    run(yard, OPEN, s=TRAVEL_S)
    assert yard.beam_broken or yard.things[0].along > 0
    run(yard, s=5.0)
    assert yard.things == []


@pytest.mark.parametrize("kind", BREEDS)
@pytest.mark.parametrize("way", ["in", "out"])
def test_an_open_gateway_is_passed_from_end_to_end(kind: str, way: str) -> None:
    yard = Yard()
    yard.leaf = 1.0
    yard.obey(kind, [way])
    until(yard, [], lambda yard: yard.beam_broken)
    took_s = until(yard, [], lambda yard: not yard.things)
    assert took_s == pytest.approx((ROAD_END + BREEDS[kind].length / 2) / BREEDS[kind].speed, abs=0.1)


def test_the_leaf_cannot_close_through_a_car_and_its_edge_feels_it() -> None:
    yard = Yard()
    yard.leaf = 1.0
    yard.obey("car", [])
    until(yard, [], lambda yard: yard.beam_broken)
    yard.things[0].direction = 0
    run(yard, CLOSE, s=TRAVEL_S)
    assert 0.68 < yard.leaf < 0.7
    assert yard.edge_pressed
    assert yard.speed == 0.0


def test_one_that_the_leaf_caught_is_let_go_and_drives_on() -> None:
    yard = Yard()
    yard.leaf = 0.75
    yard.obey("car", [])
    until(yard, [], lambda yard: yard.beam_broken)
    run(yard, CLOSE, s=1.5)
    caught = yard.things[0].along
    run(yard, CLOSE, s=1.0)
    assert yard.things[0].along == caught
    assert yard.edge_pressed
    run(yard, OPEN, s=1.0)
    run(yard, s=6.0)
    assert yard.things == []
    assert not yard.edge_pressed


def test_one_that_is_held_for_long_wriggles_out_backwards() -> None:
    yard = Yard()
    yard.leaf = 0.75
    yard.obey("car", [])
    until(yard, [], lambda yard: yard.beam_broken)
    run(yard, CLOSE, s=2.0)
    run(yard, s=PATIENCE_S)
    until(yard, [], lambda yard: not yard.beam_broken)
    assert yard.things[0].along < 0
    run(yard, s=10.0)
    assert yard.things == []
    assert not yard.edge_pressed


def test_nobody_walks_into_a_leaf_that_closed_before_them() -> None:
    """They stop at the line, and again right before the gateway."""
    yard = Yard()
    yard.leaf = 1.0
    yard.obey("person", [])
    until(yard, [], lambda yard: yard.things[0].along > -STOP_LINE + 0.05)
    yard.leaf = 0.0
    run(yard, s=10.0)
    assert not yard.beam_broken
    assert yard.things[0].along == pytest.approx(-0.05, abs=0.01)


def test_a_thing_that_waited_too_long_turns_back() -> None:
    yard = Yard()
    yard.obey("motorbike", ["out"])
    run(yard, s=PATIENCE_S + 2.5)
    assert yard.things[0].along > STOP_LINE
    assert run(yard, s=5.0).things == []


def test_a_thing_taken_out_of_the_gateway_lets_the_edge_go() -> None:
    yard = Yard()
    yard.leaf = 0.75
    yard.obey("car", [])
    until(yard, [], lambda yard: yard.beam_broken)
    yard.things[0].direction = 0
    run(yard, CLOSE, s=2.0)
    assert run(yard, s=1.0).edge_pressed
    yard.things.clear()
    assert not run(yard, s=0.1).edge_pressed
    assert run(yard, CLOSE, s=TRAVEL_S).leaf < 0.1


def test_a_thing_taken_off_the_road_lets_the_yard_rest() -> None:
    yard = Yard()
    yard.obey("dog", [])
    run(yard, s=1.0)
    assert yard.is_lively
    yard.things.clear()
    assert not run(yard, s=0.1).is_lively


# ------------------------------------------------------------------------------------------------------------ file


def test_the_leaf_is_found_where_it_was_left(tmp_path: Path) -> None:
    path = tmp_path / "yard.json"
    yard = run(Yard(), OPEN, s=3.0)
    yard.save(path)
    again = Yard()
    again.load(path)
    assert again.leaf == pytest.approx(yard.leaf)
    assert [*tmp_path.iterdir()] == [path]


def test_conditions_are_found_as_they_were_left(tmp_path: Path) -> None:
    path = tmp_path / "yard.json"
    yard = Yard()
    for subject, condition in sorted(KNOWN):
        yard.become(subject, condition)
    yard.save(path)
    again = Yard()
    again.load(path)
    assert again.truth() == yard.truth()
    assert all(again.truth()[name] for name in WEATHER)


def test_a_stuck_sensor_is_found_stuck_as_it_was(tmp_path: Path) -> None:
    path = tmp_path / "yard.json"
    yard = Yard()
    yard.obey("limit", ["closed", "stuck"])
    yard.beam_held = True
    yard.obey("beam", ["stuck"])
    run(yard, OPEN, s=4.0)
    yard.save(path)
    again = Yard()
    again.load(path)
    for each in (yard, again):
        assert (each.sensors()["limit_closed"], each.sensors()["beam"], each.beam_broken) == (True, True, False)


GOOD = json.dumps(
    {"leaf": 0.4, "conditions": {"beam": "blocked", "limit_open": "stuck"}, "stuck": {"limit_open": False}}
)


@pytest.mark.parametrize(
    "text",
    [
        "", "{", "[]", "null", "7", '{"leaf": "x"}', '{"leaf": null}', '{"leaf": NaN}', '{"leaf": Infinity}',
        '{"leaf": -1}', '{"leaf": true}', '{"leaf": [1]}', f'{{"leaf": {"9" * 400}}}', "[" * 100_000, "\x00\xff",
        '{"conditions": 5}', '{"conditions": ["beam"]}', '{"conditions": {"beam": 5}}', '{"conditions": {"cow": "on"}}',
        '{"conditions": {"limit_open": "welded"}}', '{"conditions": {"beam": ["blocked"]}}', '{"stuck": 3}',
        '{"stuck": {"limit_closed": false, "cow": true}}', '{"stuck": {"limit_closed": "no"}}',
        *[GOOD[:cut] for cut in range(0, len(GOOD), 7)],
    ],
)  # fmt: skip
def test_a_damaged_yard_file_is_no_reason_not_to_start(tmp_path: Path, text: str) -> None:
    path = tmp_path / "yard.json"
    path.write_bytes(text.encode("latin-1"))
    yard = Yard()
    yard.load(path)
    assert yard.truth() == Yard().truth()


def test_what_makes_sense_in_a_damaged_file_is_kept(tmp_path: Path) -> None:
    path = tmp_path / "yard.json"
    path.write_text('{"leaf": 0.5, "conditions": {"motor": "dead", "cow": 1, "beam": "on"}, "stuck": null}')
    yard = Yard()
    yard.load(path)
    assert (yard.leaf, yard.conditions) == (0.5, {"motor": "dead"})


def test_a_file_that_cannot_be_read_or_written_is_passed_over(tmp_path: Path) -> None:
    yard = Yard()
    yard.load(tmp_path / "missing.json")
    yard.load(tmp_path)
    yard.save(tmp_path / "no" / "such" / "folder.json")
    (tmp_path / "yard.json").mkdir()
    yard.save(tmp_path / "yard.json")
    assert yard.leaf == 0.0
