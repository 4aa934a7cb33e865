"""A slice of the campaign `tests.web.pocket`, and the two gestures that a pocket does not make."""

from __future__ import annotations

from tests.web.conftest import Phones
from tests.web.officer import Officer
from tests.web.pocket import Finger, Pocket
from tests.web.test_modes import ordered, urgent
from tests.web.village import Village


def test_a_pocket_moves_nothing_and_a_thumb_does(phones: Phones, village: Village) -> None:
    """Issue 7: 10,000 short touches at random places move the gate 0 times, a slide works 100 of 100."""
    pocket = Pocket(phones, village, carried=2)
    assert pocket.touch(60) == []
    assert pocket.slide(2) == 2


def pressed(officer: Officer, name: str, for_ms: float) -> None:
    """Put a finger on a button of the topmost sheet for a while."""
    finger = Finger(officer)
    box = officer.page.get_by_role("dialog").last.get_by_role("button", name=name).bounding_box()
    assert box
    finger.down(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    officer.page.wait_for_timeout(for_ms)
    finger.up(after_ms=for_ms)


def test_a_finger_holds_what_says_yes(officer: Officer, village: Village) -> None:
    """The sheet is one tap away: its questions are answered by a held finger, not by a second tap."""
    urgent(officer).get_by_role("button", name="Mở khẩn cấp").click()
    officer.sees("Giữ nút nửa giây rồi thả")
    for _ in range(3):
        pressed(officer, "Mở khẩn cấp", 200)
    assert ordered(village) == []
    pressed(officer, "Mở khẩn cấp", 900)
    officer.sees("Chế độ: Mở khẩn cấp")
    assert ordered(village) == [{"command": "emergency_open"}]


def test_a_page_that_lags_takes_no_touch_for_longer(officer: Officer, village: Village) -> None:
    """3,600 touches on a starved machine moved the gate twice: how long a finger was down is the touch's to tell."""
    urgent(officer).get_by_role("button", name="Mở khẩn cấp").click()
    finger = Finger(officer)
    box = officer.page.get_by_role("dialog").last.get_by_role("button", name="Mở khẩn cấp").bounding_box()
    assert box
    finger.down(box["x"] + 40, box["y"] + 20)
    officer.page.wait_for_timeout(900)
    finger.up(after_ms=200)
    finger.down(box["x"] + 40, box["y"] + 20)
    finger.move(box["x"] + 40, box["y"] - 120)
    finger.up(after_ms=900)  # carried off the button: not meant
    officer.page.wait_for_timeout(300)
    assert ordered(village) == []


def test_a_key_and_a_screen_reader_need_not_hold(officer: Officer, village: Village) -> None:
    """No pocket has a keyboard: Enter answers; nor does it click without a pointer."""
    urgent(officer).get_by_role("button", name="Khóa cổng").click()
    yes = officer.page.get_by_role("dialog").last.get_by_role("button", name="Khóa cổng")
    assert yes.get_attribute("aria-description") == "Giữ nút nửa giây rồi thả"
    yes.press("Enter")
    officer.sees("Chế độ: Khóa cổng")
    officer.page.get_by_role("button", name="Bỏ khóa").click()
    officer.page.get_by_role("dialog").last.get_by_role("button", name="Bỏ khóa").evaluate("button => button.click()")
    officer.sees("Chế độ: Bình thường")
