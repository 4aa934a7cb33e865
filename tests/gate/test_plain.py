"""Values of the rules as plain data and back: whole, and strict about what comes from a disk."""

from __future__ import annotations

import json
import math
from dataclasses import dataclass

import pytest

from gate import machine
from gate.memory import Gate, Happened, Move, Standing
from gate.model import Code, Direction, JsonObject, Kind, Origin, Sensor, State
from gate.plain import PlainError, decode, encode
from gate.site import Site

LAN = Origin(type="person", id="u1", name="Trung úy Lan")
MOVE = Move(direction=Direction.OPEN, command_id="c1", by=LAN, cause="command open", held=Sensor.OPEN_BUTTON)


@dataclass(frozen=True, kw_only=True, slots=True)
class Pair:
    """What no value of the rules has today."""

    pair: tuple[int, str]
    either: int | Move
    many: frozenset[Code] = frozenset()


@pytest.mark.parametrize(
    "value",
    [
        Site(sensors=frozenset(Sensor), auto_close_s=30.0, siren_for=frozenset()),
        machine.begin(1000.25, Site()),
        MOVE,
        Standing(retry_s=-math.inf, until_s=math.inf),
        Happened(kind=Kind.STATE_CHANGED, by=LAN, data={"to": "open", "reasons": ["edge"], "deep": {"n": [1, None]}}),
        Pair(pair=(3, "x"), either=MOVE, many=frozenset({Code.EDGE, Code.ESTOP})),
        Pair(pair=(3, "x"), either=7),
    ],
    ids=lambda value: type(value).__name__,
)
def test_a_value_comes_back_as_it_was(value: object) -> None:
    text = json.dumps(encode(value), allow_nan=False)
    assert decode(type(value), json.loads(text)) == value


def test_equal_sets_look_alike() -> None:
    assert encode(frozenset({Sensor.BEAM, Sensor.EDGE})) == encode(frozenset({Sensor.EDGE, Sensor.BEAM}))


def test_a_word_of_ours_in_the_data_of_a_fact_is_its_text() -> None:
    data: JsonObject = {"to": State.OPEN, "all": [State.CLOSED]}
    assert encode(data) == {"to": "open", "all": ["closed"]}


def test_what_has_no_plain_form_is_refused() -> None:
    with pytest.raises(TypeError, match="object has no plain form"):
        encode(object())


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"due_s": "soon"}, "due_s is 'soon', not a number"),
        ({"due_s": True}, "due_s is True, not a number"),
        ({"troubles": "edge"}, "troubles is 'edge', not a list"),
        ({"troubles": ["edgy"]}, r"troubles\[0\] is 'edgy', not one of"),
        ({"motion": None}, "motion is None, not an object"),
        ({"motion": {}}, "motion has no 'phase_s'"),
        ({"wings": 2}, "'wings', which is not known"),
        ({"shown": {"since_s": 1.0, "by": {"type": "a"}}}, "shown.by has no 'id'"),
        ({"plan": {"wants": None, "exit_opens": 1, "moves": False}}, "exit_opens is 1, not bool"),
    ],
    ids=str,
)
def test_what_is_wrong_is_named_with_its_place(change: JsonObject, told: str) -> None:
    whole = encode(machine.begin(1.0, Site()))
    assert isinstance(whole, dict)
    with pytest.raises(PlainError, match=told):
        decode(Gate, {**whole, **change}, "gate")


def test_a_missing_part_is_named() -> None:
    with pytest.raises(PlainError, match="Gate has no 'seen_s'"):
        decode(Gate, {})
