"""People and phones, for maintainers: who may use the gate, on which phone; the password that a link does not give."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Locator, Route, expect

from tests.web.conftest import Phones
from tests.web.officer import Officer
from tests.web.test_proof import asked
from tests.web.village import Village


@pytest.fixture
def maintainer(phones: Phones) -> Officer:
    """Return a maintainer who looks at everybody."""
    officer = phones.officer(role="maintainer").opens("#nguoi")
    expect(row(officer, "Lan")).to_be_visible()
    return officer


def row(officer: Officer, name: str) -> Locator:
    return officer.page.locator(".under .place").filter(has_text=name)


def opened(officer: Officer, name: str) -> Locator:
    """Open the sheet of a person."""
    row(officer, name).click()
    return officer.page.get_by_role("dialog", name=name)


def test_everybody_is_listed_with_role_phones_and_last_use(maintainer: Officer) -> None:
    """Thêm → Người và điện thoại: one tap, a way back, and what matters of each person in a line."""
    expect(maintainer.page.locator(".under .place")).to_have_count(4)
    expect(row(maintainer, "Nguyễn Thị Lan")).to_contain_text(
        re.compile(r"Trực cổng · 1 điện thoại · dùng lần cuối \d")
    )
    expect(row(maintainer, "Trần Văn An")).to_contain_text("Chỉ huy, Kỹ thuật")
    expect(row(maintainer, "Phạm Văn Cừ")).to_contain_text("đã khóa")
    expect(maintainer.page.locator(".nav [aria-current]")).to_have_text("Thêm")
    maintainer.page.get_by_role("link", name="Quay lại").click()
    maintainer.page.get_by_role("link", name="Người và điện thoại").click()
    expect(row(maintainer, "Lan")).to_be_visible()


def test_a_new_person_is_added_and_their_phone_paired_by_its_camera(maintainer: Officer, village: Village) -> None:
    """Issue 7: pairs a phone in a minute. The sign-in name makes itself; the code is a picture and a link."""
    page = maintainer.page
    page.get_by_role("button", name="Thêm người").click()
    sheet = page.get_by_role("dialog", name="Thêm người")
    sheet.get_by_role("button", name="Thêm và ghép điện thoại").click()
    expect(sheet.get_by_role("alert")).to_contain_text("Cần họ tên")
    sheet.get_by_label("Họ tên").press_sequentially("Đỗ Văn Hùng")
    expect(sheet.get_by_label("Tên đăng nhập")).to_have_value("do.van.hung")
    sheet.get_by_role("button", name="Chỉ huy").click()
    sheet.get_by_role("button", name="Thêm và ghép điện thoại").click()
    paired = page.get_by_role("dialog", name="Ghép điện thoại")
    expect(paired.get_by_role("img", name="Mã QR để ghép điện thoại")).to_be_visible()
    expect(paired).to_contain_text("https://cong.example/#pair=GOOD")
    expect(paired).to_contain_text(re.compile(r"Mã dùng một lần, đến \d\d:\d\d"))
    assert village.desk.changes == [
        ("POST", "/users", {"name": "do.van.hung", "display_name": "Đỗ Văn Hùng", "roles": ["operator", "commander"]}),
        ("POST", "/users/do.van.hung/pairing", {"reason": ""}),
    ]
    paired.get_by_role("button", name="Quay lại").click()
    expect(row(maintainer, "Đỗ Văn Hùng")).to_be_visible()


def test_a_gate_with_its_own_authority_says_where_a_phone_learns_to_trust_it(maintainer: Officer) -> None:
    """A phone that warns of the connection is helped before it is paired; other gates have no such page."""
    page = maintainer.page
    opened(maintainer, "Lê Thị Hoa").get_by_role("button", name="Ghép điện thoại").click()
    expect(page.locator(".qr")).to_be_visible()
    expect(page.locator(".sheet [href='/trust']")).to_be_hidden()
    page.keyboard.press("Escape")
    page.route("**/trust", lambda route: route.fulfill(body="<p>…"))
    page.get_by_role("button", name="Ghép điện thoại", exact=True).click()
    expect(page.locator(".sheet [href='/trust']")).to_be_visible()


def test_what_another_maintainer_does_is_seen(maintainer: Officer, village: Village) -> None:
    village.desk.people[1]["disabled"] = True
    village.tell("user_changed", {"user": "lan", "change": "disabled"})
    expect(row(maintainer, "Lan")).to_contain_text("đã khóa")


def test_a_second_tap_is_no_second_change(maintainer: Officer, village: Village) -> None:
    sheet = opened(maintainer, "Nguyễn Thị Lan")
    sheet.get_by_role("button", name="Ghép điện thoại").evaluate("(each) => { each.click(); each.click(); }")
    expect(maintainer.page.locator(".qr")).to_be_visible()
    assert len(village.desk.changes) == 1


def test_a_change_that_was_not_answered_says_so(maintainer: Officer) -> None:
    sheet = opened(maintainer, "Nguyễn Thị Lan")
    maintainer.page.route("**/api/v1/users/lan", lambda route: route.abort())
    sheet.get_by_role("button", name="Lưu họ tên và vai trò").click()
    expect(sheet.get_by_role("alert")).to_have_text("Cổng chưa trả lời. Kiểm tra mạng, xem lại rồi thử lại.")


def test_a_lost_phone_is_ended_with_the_reason_for_the_journal(maintainer: Officer, village: Village) -> None:
    sheet = opened(maintainer, "Nguyễn Thị Lan")
    sheet.get_by_label("Lý do").fill("Mất máy ở chợ")
    sheet.get_by_role("button", name="Gỡ: Redmi của Lan").click()
    expect(sheet).to_contain_text("Chưa ghép điện thoại nào")
    assert village.desk.changes == [("DELETE", "/users/lan/sessions/s1", {"reason": "Mất máy ở chợ"})]


def test_roles_are_changed_and_a_refusal_says_what_to_do(maintainer: Officer, village: Village) -> None:
    village.desk.refuses = "last_maintainer"
    sheet = opened(maintainer, "Trần Văn An")
    sheet.get_by_role("button", name="Kỹ thuật").click()
    sheet.get_by_role("button", name="Lưu họ tên và vai trò").click()
    expect(sheet.get_by_role("alert")).to_contain_text("Phải còn ít nhất một người kỹ thuật")
    sheet.get_by_role("button", name="Lưu họ tên và vai trò").click()
    expect(row(maintainer, "Trần Văn An")).not_to_contain_text("Kỹ thuật")
    asked_for = {"display_name": "Trần Văn An", "roles": ["commander"], "reason": ""}
    assert village.desk.changes == [("PATCH", "/users/an", asked_for)] * 2


def test_an_account_is_disabled_only_after_a_question(maintainer: Officer, village: Village) -> None:
    sheet = opened(maintainer, "Nguyễn Thị Lan")
    sheet.get_by_role("button", name="Khóa tài khoản").click()
    question = maintainer.page.get_by_role("dialog", name="Khóa tài khoản")
    expect(question).to_contain_text("bị đăng xuất ngay")
    question.get_by_role("button", name="Thôi").click()
    assert village.desk.changes == []
    sheet.get_by_role("button", name="Khóa tài khoản").click()
    question.get_by_role("button", name="Khóa tài khoản").click()
    expect(row(maintainer, "Lan")).to_contain_text("đã khóa")
    assert village.desk.changes == [("PATCH", "/users/lan", {"disabled": True, "reason": ""})]
    opened(maintainer, "Lan").get_by_role("button", name="Mở lại tài khoản").click()
    expect(row(maintainer, "Lan")).not_to_contain_text("đã khóa")


def test_a_change_asks_who_holds_the_phone(phones: Phones, village: Village) -> None:
    """Step-up: asked for before; and where the gate knows better than the phone, once more, and then it is done."""
    village.proved_for_s = 0.0
    officer = phones.officer(role="maintainer").opens("#nguoi")
    opened(officer, "Lê Thị Hoa").get_by_role("button", name="Ghép điện thoại").click()
    asked(officer).get_by_label("Mật khẩu").fill("mat-khau-dai")
    asked(officer).get_by_label("Mật khẩu").press("Enter")
    expect(officer.page.get_by_role("dialog", name="Ghép điện thoại")).to_be_visible()
    officer.page.keyboard.press("Escape")
    village.desk.refuses = "step_up_required"
    officer.page.get_by_role("button", name="Lưu họ tên và vai trò").click()
    asked(officer).get_by_label("Mật khẩu").fill("mat-khau-dai")
    asked(officer).get_by_label("Mật khẩu").press("Enter")
    expect(officer.page.get_by_role("dialog")).to_have_count(0)
    assert [change[0] for change in village.desk.changes] == ["POST", "PATCH", "PATCH"]


def test_who_has_no_right_is_told_and_not_offered_the_way(phones: Phones) -> None:
    officer = phones.officer(role="commander").opens("#them")
    expect(officer.page.get_by_role("link", name="Lịch đóng mở")).to_be_visible()
    expect(officer.page.get_by_role("link", name="Người và điện thoại")).to_be_hidden()
    officer.page.evaluate("location.hash = '#nguoi'")
    expect(officer.page.locator(".under .list-note")).to_have_text("Tài khoản này không có quyền xem mục này.")


def test_without_a_network_it_says_so_and_comes_by_itself(phones: Phones) -> None:
    officer = phones.officer(role="maintainer").opens()
    down = True

    def answers(route: Route) -> None:
        route.abort() if down else route.fallback()

    officer.page.route("**/api/v1/users", answers)
    officer.page.evaluate("location.hash = '#nguoi'")
    officer.sees("Chưa tải được, kiểm tra mạng. Trang tự thử lại.")
    down = False
    expect(row(officer, "Lan")).to_be_visible()
    expect(officer.page.locator(".list-note")).to_be_hidden()


def test_who_came_by_a_link_is_asked_for_a_password_and_may_wait(phones: Phones, village: Village) -> None:
    """A session ends; who has neither password nor passkey could not come back without a maintainer."""
    village.ways = ["pairing"]
    officer = phones.officer(role=None)
    page = officer.page
    page.goto(f"{village.address}#pair=GOOD")
    page.get_by_role("button", name="Ghép và vào").click()
    expect(page.get_by_role("heading", name="Đã ghép điện thoại này")).to_be_visible()
    page.get_by_label("Mật khẩu mới").fill("ngan")
    page.get_by_role("button", name="Đặt mật khẩu").click()
    expect(page.get_by_role("alert")).to_have_text("Mật khẩu cần từ 10 ký tự trở lên.")
    page.screenshot(path="artefacts/urge.png")
    page.get_by_role("button", name="Để sau").click()
    expect(officer.word).to_have_text("Đã đóng")
    officer.goes_to("Thêm")
    officer.sees("Chưa có mật khẩu")


def test_a_password_set_at_once_leads_to_the_gate(phones: Phones, village: Village) -> None:
    village.ways = ["pairing"]
    officer = phones.officer(role=None)
    officer.page.goto(f"{village.address}#pair=GOOD")
    officer.page.get_by_role("button", name="Ghép và vào").click()
    officer.page.get_by_label("Mật khẩu mới").fill("mot mat khau dai")
    officer.page.get_by_label("Mật khẩu mới").press("Enter")
    expect(officer.word).to_have_text("Đã đóng")
    assert village.proofs == [{"password": "mot mat khau dai"}]
