"""When the gate itself gives occasion for a clip."""

from __future__ import annotations

import itertools

from camera.messages import Begin, End
from camera.occasions import ALARM_S, Occasions


def occasions() -> Occasions:
    """Return them as at the start, with ids that count."""
    numbers = itertools.count(1)
    return Occasions(lambda: f"id{next(numbers)}")


def state(word: str, *alarms: str) -> dict[str, object]:
    """Return what the gate publishes."""
    return {"state": word, "alarms": [{"alarm": name.partition("-")[0], "id": name} for name in alarms]}


def test_a_move_begins_with_the_first_word_of_it_and_ends_with_the_last() -> None:
    """Turning round is the same move; states without news are none."""
    told = occasions()
    assert told.heard(state("closed"), 1.0, 1001.0) == []
    assert told.heard(state("opening"), 2.0, 1002.0) == [
        Begin(event_id="id1", at_s=2.0, wall_s=1002.0, cause="move")
    ]  # fmt: skip
    assert told.heard(state("opening"), 2.5, 1002.5) == []
    assert told.heard(state("closing"), 3.0, 1003.0) == []
    assert told.heard(state("stopped"), 4.0, 1004.0) == [End(event_id="id1", at_s=4.0)]
    assert told.heard(state("stopped"), 5.0, 1005.0) == []


def test_a_camera_that_starts_during_a_move_records_the_rest() -> None:
    """What is going on is an occasion."""
    (begin,) = occasions().heard(state("closing"), 2.0, 1002.0)
    assert isinstance(begin, Begin)


def test_a_fresh_alarm_is_an_occasion_and_an_old_one_is_not() -> None:
    """Nor is its reminder; a second one of another kind is; several at once are one."""
    told = occasions()
    assert told.heard(state("closed", "beam_tamper-1"), 1.0, 1001.0) == []
    assert told.heard(state("closed", "beam_tamper-1"), 2.0, 1002.0) == []
    begin, end = told.heard(state("closed", "beam_tamper-1", "forced_open-2", "cabinet_open-2"), 3.0, 1003.0)
    assert begin == Begin(event_id="id1", at_s=3.0, wall_s=1003.0, cause="alarm")
    assert end == End(event_id="id1", at_s=3.0 + ALARM_S)
    assert told.heard(state("closed", "beam_tamper-1"), 4.0, 1004.0) == []
    assert len(told.heard(state("closed", "beam_tamper-1", "forced_open-5"), 5.0, 1005.0)) == 2


def test_a_gate_that_moves_and_alarms_at_once_gives_both() -> None:
    """Forced open: the leaf runs, the alarm stands."""
    told = occasions()
    told.heard(state("closed"), 1.0, 1001.0)
    begun = told.heard(state("opening", "forced_open-1"), 2.0, 1002.0)
    assert [type(order).__name__ for order in begun] == ["Begin", "Begin", "End"]


def test_odd_states_are_survived() -> None:
    """Whatever a newer gate may say."""
    told = occasions()
    for odd in ({}, {"state": None, "alarms": None}, {"alarms": ["x", 1]}, {"state": ["opening"]}):
        assert told.heard(odd, 1.0, 1001.0) == []
