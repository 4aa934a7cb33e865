"""Step-up: some orders ask once who holds the phone, before the question whether they are meant."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Locator, expect

from tests.web.conftest import Phones
from tests.web.officer import Officer
from tests.web.test_modes import ordered, urgent
from tests.web.village import Village


def asked(officer: Officer) -> Locator:
    """Return the question who holds the phone."""
    return officer.page.get_by_role("dialog", name="Xác nhận người cầm máy")


def meant(officer: Officer, command: str) -> None:
    """Say yes to the question whether it is meant."""
    question = officer.page.get_by_role("dialog", name=re.compile(rf"^{command}.*\?$"))
    question.get_by_role("button", name=command).click()


@pytest.fixture
def tired(phones: Phones, village: Village) -> Officer:
    """Return a commander who signed in an hour ago."""
    village.proved_for_s = 0.0
    return phones.officer().opens()


def test_a_lockdown_asks_once_who_holds_the_phone(tired: Officer, village: Village) -> None:
    """Issue 7: step-up asks once. First who, then whether it is meant; the next order needs no proof."""
    sheet = urgent(tired)
    sheet.get_by_role("button", name="Khóa cổng").click()
    question = asked(tired)
    expect(question.get_by_label("Mật khẩu")).to_be_focused()
    question.get_by_label("Mật khẩu").fill("sai mat khau")
    question.get_by_role("button", name="Xác nhận").first.click()
    expect(question.get_by_role("alert")).to_have_text("Không đúng. Thử lại, hoặc dùng cách khác.")
    assert ordered(village) == []
    tired.page.screenshot(path="artefacts/prove.png")
    question.get_by_label("Mật khẩu").fill("mat-khau-dai")
    question.get_by_label("Mật khẩu").press("Enter")
    meant(tired, "Khóa cổng")
    tired.sees("Bỏ khóa")
    assert [order["command"] for order in ordered(village)] == ["lockdown"]
    sheet.get_by_role("button", name="Bỏ khóa").click()
    expect(asked(tired)).to_be_hidden()
    meant(tired, "Bỏ khóa")
    expect(sheet.get_by_role("button", name="Khóa cổng")).to_be_visible()
    assert len(village.proofs) == 2


def test_a_stop_never_asks(tired: Officer, village: Village) -> None:
    """I1: nothing stands before a stop; opening and closing do not ask either."""
    tired.stop.click()
    tired.slides("open")
    expect(tired.word).to_have_text("Đã mở")
    assert [order["command"] for order in ordered(village)] == ["stop", "open"]
    assert village.proofs == []


def test_who_has_no_password_shows_a_one_time_link(tired: Officer, village: Village, phones: Phones) -> None:
    """A whole link does as well as the code in it."""
    village.ways = ["pairing"]
    tired.page.reload()
    urgent(tired).get_by_role("button", name="Mở khẩn cấp").click()
    field = asked(tired).get_by_label("Mã hoặc liên kết dùng một lần")
    field.fill("http://cong.example/#pair=GOOD")
    field.press("Enter")
    expect(asked(tired)).to_be_hidden()
    assert village.proofs == [{"pairing_code": "GOOD"}]


def test_who_gives_up_gives_no_order(tired: Officer, village: Village) -> None:
    urgent(tired).get_by_role("button", name="Khóa cổng").click()
    asked(tired).get_by_role("button", name="Thôi").click()
    expect(tired.page.get_by_role("dialog", name="Khẩn cấp")).to_be_visible()
    assert ordered(village) == []


def test_the_gate_knows_better_than_the_phone_when_a_proof_is_over(officer: Officer, village: Village) -> None:
    """The phone's clock said that the proof still holds: the refusal says what to do, and the next press asks."""
    village.proved_for_s = 0.0
    sheet = urgent(officer)
    sheet.get_by_role("button", name="Mở khẩn cấp").click()
    meant(officer, "Mở khẩn cấp")
    expect(sheet).to_contain_text("Cần xác nhận người cầm máy")
    expect(sheet).to_contain_text("Bấm lại lệnh rồi nhập mật khẩu.")
    sheet.get_by_role("button", name="Mở khẩn cấp").click()
    expect(asked(officer)).to_be_visible()


def test_my_password_is_set_on_my_phone(officer: Officer, village: Village) -> None:
    officer.goes_to("Thêm")
    officer.page.get_by_role("button", name="Mật khẩu và khóa truy cập").click()
    sheet = officer.page.get_by_role("dialog", name="Mật khẩu và khóa truy cập")
    sheet.get_by_label("Mật khẩu mới").fill("ngan")
    sheet.get_by_role("button", name="Đặt mật khẩu").click()
    expect(sheet).to_contain_text("Mật khẩu cần từ 10 ký tự trở lên.")
    sheet.get_by_label("Mật khẩu mới").fill("mot mat khau dai")
    sheet.get_by_role("button", name="Đặt mật khẩu").click()
    expect(sheet).to_contain_text("Đã đặt mật khẩu.")
    assert village.proofs == [{"password": "mot mat khau dai"}]
    officer.page.screenshot(path="artefacts/secrets.png")
