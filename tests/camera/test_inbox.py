"""The box between a source's threads and its reader: nobody waits, and nothing in it is undecodable."""

from __future__ import annotations

import numpy as np

from camera.inbox import Inbox
from camera.source import AccessUnit, Frame, Item, Stream

STREAM = Stream(codec="avc1.42e01f", width=640, height=360, fps=15.0)


def unit(number: int, *, key: bool = False) -> AccessUnit:
    """Return an access unit by number."""
    return AccessUnit(data=bytes([number]), at_s=float(number), decode_s=float(number), key=key)


def frame(at_s: float) -> Frame:
    """Return a frame."""
    plane = np.zeros((9, 16), np.uint8)
    return Frame(plane, at_s, lambda: np.zeros((9, 16, 3), np.uint8))


def emptied(box: Inbox) -> list[Item]:
    """Take everything out."""
    return list(iter(lambda: box.get(0), None))


def test_things_come_out_as_they_went_in() -> None:
    box = Inbox()
    for item in (STREAM, unit(1, key=True), unit(2)):
        box.put(item)
    assert [type(item) for item in emptied(box)] == [Stream, AccessUnit, AccessUnit]
    assert box.get(0) is None


def test_a_slow_reader_loses_units_up_to_the_next_key() -> None:
    """What remains can be decoded from its first unit on; memory stays as it was."""
    box = Inbox(most=4)
    box.put(STREAM)
    for number in range(3):
        box.put(unit(number, key=number == 0))
    for number in range(3, 6):
        box.put(unit(number))
    box.put(unit(6, key=True))
    box.put(unit(7))
    found = emptied(box)
    assert found[0] == STREAM
    assert [item.data[0] for item in found if isinstance(item, AccessUnit)] == [6, 7]
    assert box.dropped == 6


def test_of_frames_the_oldest_go() -> None:
    box = Inbox(most=3)
    for number in range(6):
        box.put(frame(float(number)))
    assert [item.at_s for item in emptied(box) if isinstance(item, Frame)] == [3.0, 4.0, 5.0]


def test_what_begins_anew_begins_with_an_empty_box() -> None:
    box = Inbox(most=2)
    for number in range(4):
        box.put(unit(number))
    box.clear()
    box.put(unit(9))
    assert len(emptied(box)) == 1
