"""Health: how the parts are now, and how they and the board were through the last days."""

from __future__ import annotations

import re

from playwright.sync_api import Locator, expect

from tests.web.conftest import Phones
from tests.web.officer import Officer
from tests.web.village import Village

BROKEN = (
    "[...document.querySelectorAll('.plot path')].filter((each) => /NaN|Inf|undef/.test(each.getAttribute('d'))).length"
)


def now(officer: Officer, name: str) -> Locator:
    """Return the line of what is so at this moment."""
    return officer.page.locator(".under li").filter(has_text=name)


def plot(officer: Officer, name: str) -> Locator:
    return officer.page.get_by_role("img", name=name)


def test_a_maintainer_sees_how_all_is_and_was(phones: Phones, village: Village) -> None:
    """Issue 7: processes, disk, temperature, clock, beam, learned travel times, cycles, camera trust, over days."""
    with village.change() as gate:
        gate["processes"]["camera"]["health"] = {"ok": True, "reason": "", "sight": ""}
    officer = phones.officer(role="maintainer").opens("#suc-khoe")
    expect(now(officer, "Thời gian chạy đã học")).to_contain_text("Mở cổng 14,2 giây · Đóng cổng 15,1 giây")
    expect(now(officer, "Số lượt mở")).to_contain_text("1.204")
    for name in ("Đồng hồ", "Mắt thần", "Hình camera"):
        expect(now(officer, name).first).to_have_attribute("data-tone", "good")
    expect(plot(officer, "Nhiệt độ bộ xử lý")).to_have_accessible_name(
        "Nhiệt độ bộ xử lý: 52,4 °C · từ 45 °C đến 57 °C"
    )
    expect(plot(officer, "Camera tốt")).to_have_accessible_name("Camera tốt: 97 %")
    expect(plot(officer, "Camera tốt").locator(".bad")).to_have_attribute("d", re.compile("V"))
    expect(plot(officer, "Lượt mở")).to_have_accessible_name("Lượt mở: 28")
    expect(plot(officer, "Kết nối trung tâm tốt")).to_have_count(0)  # nothing is known of a broker that is not there
    assert officer.page.evaluate(BROKEN) == 0
    officer.page.get_by_role("button", name="30 ngày").click()
    expect(officer.page.get_by_role("button", name="30 ngày")).to_have_attribute("aria-pressed", "true")
    expect(plot(officer, "Lượt mở")).to_have_accessible_name("Lượt mở: 35")
    assert village.desk.history_days == [1, 30]


def test_a_fault_has_a_word_not_only_a_colour(phones: Phones, village: Village) -> None:
    with village.change() as gate:
        gate.update(clock_trusted=False, travel_s={"open": None, "close": None})
        gate["processes"]["camera"]["health"] = {"ok": False, "reason": "covered", "sight": "covered"}
    village.alarms("beam_tamper")
    officer = phones.officer().opens("#suc-khoe")
    expect(now(officer, "Đồng hồ")).to_contain_text("Đồng hồ chưa chuẩn")
    expect(now(officer, "Mắt thần")).to_contain_text("Mắt thần bị che")
    expect(now(officer, "Hình camera")).to_have_attribute("data-tone", "care")
    expect(now(officer, "Thời gian chạy đã học")).to_contain_text("Chưa đủ ba lần chạy trọn")


def test_what_the_district_has_not_got_yet_is_counted(phones: Phones, village: Village) -> None:
    """Issue 7: the broker: whether it is connected, and how many facts wait for it."""
    with village.change() as gate:
        told = {"ok": True, "reason": "", "connected": True, "waiting": 1204}
        gate["processes"]["mqtt_bridge"]["health"] = told
    officer = phones.officer().opens("#suc-khoe")
    expect(now(officer, "Kết nối trung tâm")).to_contain_text("đã kết nối · 1.204 tin chờ gửi")


def test_a_new_gate_shows_what_little_it_knows(phones: Phones, village: Village) -> None:
    village.desk.board_is_new = True
    officer = phones.officer(role="viewer").opens("#suc-khoe")
    expect(plot(officer, "Nhiệt độ bộ xử lý")).to_have_accessible_name(
        "Nhiệt độ bộ xử lý: 52,4 °C · từ 51 °C đến 52,4 °C"  # now is within what is told
    )
    assert officer.page.evaluate(BROKEN) == 0


def test_what_is_old_is_not_shown_as_now(phones: Phones, village: Village) -> None:
    """Older than 15 s is never shown as current; the plots say until when they go."""
    officer = phones.officer(role="viewer")
    officer.page.clock.install()
    officer.opens("#suc-khoe")
    expect(now(officer, "Đồng hồ").first).to_be_visible()
    village.drop_stream = True
    village.close_streams()
    officer.waits(17)
    expect(now(officer, "Số lượt mở")).to_be_hidden()
    expect(officer.page.locator(".outage")).to_be_visible()
