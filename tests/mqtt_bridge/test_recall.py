"""What a broker that died may have taken with it. Times are the story's."""

from __future__ import annotations

from mqtt_bridge.marks import Position
from mqtt_bridge.recall import FRUITLESS, MUTE, Recall


def row(seq: int) -> Position:
    return Position(seq=seq, hash=f"hash-{seq}")


def acknowledged(*after: int, at_s: float) -> Recall[Position]:
    """Return a memory of messages that followed these rows and were acknowledged then."""
    recall = Recall[Position](most=40, window_s=10.0)
    for seq in after:
        recall.taken(row(seq), at_s=at_s)
    return recall


def test_a_broker_that_comes_and_goes_does_not_make_forget_what_it_may_have_lost() -> None:
    """It died with rows 1 to 50, was back later and died again before it said a word: the third one gets them too."""
    recall = acknowledged(0, 10, 20, 30, 40, at_s=100.0)
    for lost_s in (101.0, 125.0, 140.0, 600.0):
        recall.lost(row(50), now_s=lost_s)
        assert recall.begin(row(50)) == row(0)
        assert recall.lasting(row(50), connected=False, now_s=lost_s + 1.0) == row(0)
    recall.taken(row(0), at_s=601.0)
    recall.lost(row(50), now_s=602.0)
    assert recall.begin(row(50)) == row(0), "the first of them was acknowledged, and what follows it comes after it"


def test_what_is_older_than_the_window_is_not_sent_again() -> None:
    recall = acknowledged(0, at_s=100.0)
    recall.taken(row(10), at_s=108.0)
    recall.lost(row(20), now_s=115.0)
    assert recall.begin(row(20)) == row(10)


def test_connections_that_only_repeat_themselves_let_new_rows_go_first() -> None:
    """Too short for all of it, or ended by the very message that comes then."""
    short = acknowledged(0, 10, at_s=100.0)
    short.lost(row(20), now_s=100.0)
    for lost_s in range(101, 101 + FRUITLESS):
        assert short.begin(row(20)) == row(0)
        short.taken(row(0), at_s=lost_s)
        short.lost(row(20), now_s=lost_s)
    assert short.begin(row(20)) == row(20)
    mute = acknowledged(0, 10, at_s=100.0)
    mute.lost(row(20), now_s=100.0)
    for lost_s in range(101, 101 + MUTE):
        assert mute.begin(row(20)) == row(0)
        mute.lost(row(20), now_s=lost_s)
    assert mute.begin(row(20)) == row(20)
