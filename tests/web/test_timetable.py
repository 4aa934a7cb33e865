"""The timetable as a week: what is in force, another one tried, put in force, and somebody who was faster."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Locator, expect

from tests.web.conftest import Phones
from tests.web.desk import MARKET, NIGHT
from tests.web.officer import Officer
from tests.web.village import Village


@pytest.fixture
def commander(phones: Phones) -> Officer:
    """Return a commander who looks at the week."""
    officer = phones.officer().opens("#lich")
    expect(officer.page.locator(".week li")).to_have_count(7)
    return officer


def editing(officer: Officer) -> Locator:
    """Begin to change it; return the first period's form."""
    officer.page.get_by_role("button", name="Sửa lịch").click()
    return officer.page.get_by_role("group", name="Khoảng 1")


def apply(officer: Officer, reason: str) -> None:
    officer.page.get_by_label("Lý do đổi lịch").fill(reason)
    officer.page.get_by_role("button", name="Áp dụng lịch này").click()


def test_the_week_is_a_picture_and_the_same_in_words(phones: Phones) -> None:
    """What is wanted now and next, who set it and why; seven days, each with its hours."""
    officer = phones.officer(role="viewer").opens("#lich")
    days = officer.page.locator(".week li")
    expect(days).to_have_count(7)
    expect(days.first).to_contain_text(re.compile(r"^Hôm nay, \d\d/\d\d00:00\u201305:00 Đóng \(Ban đêm\)"))
    expect(officer.page.locator(".week .open")).to_have_count(2)
    officer.sees("Trần Văn An đặt lúc")
    expect(officer.page.get_by_text("Lần tới:")).to_be_visible()
    expect(officer.page.get_by_role("button", name="Sửa lịch")).to_be_hidden()


def test_a_change_is_tried_as_a_week_and_then_put_in_force(commander: Officer, village: Village) -> None:
    """Issue 7: edited by commanders with a preview of what the gate will do."""
    page = commander.page
    period = editing(commander)
    period.get_by_label("Từ giờ").fill("2130")
    period.get_by_label("Từ giờ").blur()
    expect(period.get_by_label("Từ giờ")).to_have_value("21:30")
    period.get_by_role("button", name="CN").click()
    expect(page.locator(".week")).to_contain_text("21:30\u201324:00 Đóng (Ban đêm)")
    expect(page.get_by_text(re.compile(r"Lần tới: (đóng|mở) cổng lúc"))).to_be_visible()
    assert village.desk.changes == []
    page.get_by_role("button", name="Áp dụng lịch này").click()
    expect(page.get_by_role("alert")).to_have_text("Ghi lý do đổi lịch trước khi áp dụng.")
    apply(commander, "Họp thôn tối Chủ Nhật")
    expect(page.get_by_role("status").filter(has_text="Đã áp dụng")).to_be_visible()
    (_, _, body), *rest = village.desk.changes
    assert rest == []
    days = ["mon", "tue", "wed", "thu", "fri", "sat"]
    night = {"name": "Ban đêm", "days": days, "start": "21:30", "end": "05:00", "wants": "closed", "exit_opens": False}
    assert body == {"periods": [night, MARKET], "reason": "Họp thôn tối Chủ Nhật", "revision": 4}
    expect(page.get_by_role("button", name="Sửa lịch")).to_be_visible()


def test_what_clashes_is_named_and_not_put_in_force(commander: Officer, village: Village) -> None:
    period = editing(commander)
    period.get_by_label("Đến giờ").fill("6")
    expect(commander.page.get_by_role("alert")).to_have_text("Khoảng 2 trùng giờ với khoảng khác")
    expect(commander.page.locator(".week")).to_have_attribute("data-stale", "")
    period.get_by_label("Đến giờ").fill("25:00")
    expect(commander.page.get_by_role("alert")).to_have_text("Khoảng 1: Đến giờ chưa đúng")
    period.get_by_label("Đến giờ").fill("5")
    expect(commander.page.get_by_role("alert")).to_be_hidden()
    assert village.desk.periods == [NIGHT, MARKET]


def test_a_feast_is_a_period_of_single_days(commander: Officer, village: Village) -> None:
    page = commander.page
    editing(commander)
    page.get_by_role("button", name="Thêm khoảng giờ").click()
    feast = page.get_by_role("group", name="Khoảng 3")
    feast.get_by_label("Tên").fill("Tết")
    feast.get_by_role("button", name="Ngày riêng").click()
    feast.get_by_label("Từ ngày").fill("2027-02-05")
    feast.get_by_label("Đến ngày").fill("2027-02-09")
    feast.get_by_label("Từ giờ").fill("00:00")
    feast.get_by_label("Đến giờ").fill("00:00")
    feast.get_by_role("button", name="Mở").click()
    page.get_by_role("group", name="Khoảng 2").get_by_role("button", name="Xóa khoảng này").click()
    apply(commander, "Nghỉ Tết")
    expect(page.get_by_role("status").filter(has_text="Đã áp dụng")).to_be_visible()
    assert village.desk.periods[1:] == [
        {"name": "Tết", "dates": ["2027-02-05..2027-02-09"], "start": "00:00", "end": "24:00", "wants": "open",
         "exit_opens": True},
    ]  # fmt: skip


def test_who_was_slower_is_told_and_overwrites_only_knowingly(commander: Officer, village: Village) -> None:
    editing(commander)
    village.desk.revision = 5
    village.tell("timetable_changed", {"revision": 5, "reason": "x", "periods": []})
    expect(commander.page.get_by_role("alert")).to_contain_text("Người khác vừa đổi lịch")
    with commander.page.expect_request_finished(
        lambda asked: asked.url.endswith("/timetable") and asked.method == "GET"
    ):
        apply(commander, "Tết")  # and the page reads what it would overwrite
    expect(commander.page.get_by_role("alert")).to_contain_text("Người khác vừa đổi lịch")
    assert village.desk.revision == 5
    apply(commander, "Tết")
    expect(commander.page.get_by_role("status").filter(has_text="Đã áp dụng")).to_be_visible()
    assert village.desk.revision == 6


def test_what_did_not_reach_the_gate_stays_to_be_sent_again(commander: Officer, village: Village) -> None:
    editing(commander).get_by_label("Từ giờ").fill("21")
    commander.page.route("**/api/v1/timetable", lambda route: route.abort())
    apply(commander, "Tết")
    expect(commander.page.get_by_role("alert")).to_contain_text("Cổng chưa trả lời")
    commander.page.unroute("**/api/v1/timetable")
    commander.page.get_by_role("button", name="Áp dụng lịch này").click()
    expect(commander.page.get_by_role("status").filter(has_text="Đã áp dụng")).to_be_visible()
    assert village.desk.periods[0]["start"] == "21:00"


def test_somebody_elses_change_is_shown_to_who_only_looks(commander: Officer, village: Village) -> None:
    village.desk.periods = []
    village.tell("timetable_changed", {"revision": 5, "reason": "x", "periods": []})
    commander.sees("Tám ngày tới lịch không làm cổng chạy")
    expect(commander.page.locator(".week li").first).to_contain_text("Không hẹn giờ")


def test_who_gives_up_changes_nothing(commander: Officer, village: Village) -> None:
    period = editing(commander)
    period.get_by_label("Từ giờ").fill("20:00")
    expect(commander.page.locator(".week")).to_contain_text("20:00\u201324:00")
    commander.page.get_by_role("button", name="Thôi").click()
    expect(commander.page.locator(".week")).to_contain_text("22:00\u201324:00")
    assert village.desk.changes == []


def test_a_change_that_is_not_in_force_is_not_lost_without_a_question(commander: Officer, village: Village) -> None:
    """Another view, or the page closed: whoever changed something is asked; whoever did not goes on."""
    page = commander.page
    start = editing(commander).get_by_label("Từ giờ")
    commander.goes_to("Nhật ký")
    expect(page.locator(".diary")).to_be_visible()
    page.go_back()
    editing(commander)
    start.fill("20:00")
    commander.goes_to("Nhật ký")
    page.get_by_role("dialog").get_by_role("button", name="Sửa tiếp").click()
    expect(start).to_have_value("20:00")
    assert page.url.endswith("#lich")
    with page.expect_event("dialog") as asked:
        page.close(run_before_unload=True)
    assert asked.value.type == "beforeunload"
    asked.value.dismiss()
    commander.goes_to("Cổng")
    page.get_by_role("dialog").get_by_role("button", name="Bỏ phần đã sửa").click()
    expect(commander.word).to_be_visible()
    assert village.desk.changes == []


def test_what_is_wanted_now_is_asked_for_again(phones: Phones, village: Village) -> None:
    """A page left open over the hour of a move; what was so is not told as now while the gate is not heard."""
    officer = phones.officer(role="viewer")
    officer.page.clock.install()
    officer.opens("#lich")
    wanted = officer.page.get_by_text("Bây giờ:")
    expect(wanted).to_be_visible()
    village.desk.periods = []  # as when the hours are over: nobody changed anything
    officer.waits(61)
    expect(wanted).to_be_hidden()
    officer.page.clock.resume()
    officer.page.evaluate("dispatchEvent(new Event('online'))")
    expect(wanted).to_have_text("Bây giờ: Không hẹn giờ")
