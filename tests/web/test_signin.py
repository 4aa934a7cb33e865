"""Signing in: by a one-time link or by password; a phone that was removed is told."""

from __future__ import annotations

from playwright.sync_api import expect

from tests.web.conftest import Phones
from tests.web.village import Village


def test_a_pairing_link_needs_one_button_and_leaves_no_code_behind(phones: Phones, village: Village) -> None:
    """The code is gone from the address and the history before anything else happens."""
    officer = phones.officer(role=None)
    page = officer.page
    page.goto(village.address + "#pair=GOOD")
    button = page.get_by_role("button", name="Ghép và vào")
    expect(button).to_be_visible()
    assert page.url == village.address
    expect(page.get_by_label("Tên điện thoại")).to_have_value("Linux · Chrome")
    button.click()
    expect(officer.word).to_have_text("Đã đóng")
    assert [session["device"] for session in village.sessions.values()] == ["Linux · Chrome"]
    page.go_back()
    assert "pair" not in page.url


def test_a_used_link_says_so_and_offers_the_password(phones: Phones, village: Village) -> None:
    """Refused: what happened, and what to do next."""
    officer = phones.officer(role=None)
    page = officer.page
    page.goto(village.address + "#pair=USED")
    page.get_by_role("button", name="Ghép và vào").click()
    officer.sees("Liên kết này đã dùng, hết hạn hoặc không đúng")
    page.get_by_role("button", name="Đăng nhập bằng mật khẩu").click()
    page.get_by_label("Tên đăng nhập").fill("an")
    page.get_by_label("Mật khẩu").fill("sai")
    page.keyboard.press("Enter")
    officer.sees("Tên hoặc mật khẩu không đúng.")
    page.get_by_label("Mật khẩu").fill("mat-khau-dai")
    page.keyboard.press("Enter")
    expect(officer.word).to_have_text("Đã đóng")


def test_a_phone_that_was_removed_falls_back_to_the_sign_in(phones: Phones, village: Village) -> None:
    """A session that ended in mid-use is said, not a broken page."""
    officer = phones.officer().opens()
    village.sessions.clear()
    village.close_streams()
    officer.sees("Phiên đã hết hoặc điện thoại này đã bị gỡ")


def test_signing_out_and_removing_another_phone(phones: Phones, village: Village) -> None:
    """My phones: all of them, this one marked, the others removable after a question."""
    village.sign_in()
    officer = phones.officer().opens("#them")
    page = officer.page
    expect(page.get_by_text("Đang dùng")).to_be_visible()
    page.get_by_role("button", name="Gỡ: Android · Chrome").click()
    page.route("**/api/v1/sessions/*", lambda route: route.abort())
    page.get_by_role("dialog").get_by_role("button", name="Gỡ").click()
    expect(page.get_by_role("alert").filter(has_text="Cổng chưa trả lời")).to_be_visible()  # it is still signed in
    page.unroute("**/api/v1/sessions/*")
    page.get_by_role("dialog").get_by_role("button", name="Gỡ").click()
    expect(page.get_by_role("button", name="Gỡ: Android · Chrome")).to_have_count(0)
    assert len(village.sessions) == 1
    page.get_by_role("button", name="Đăng xuất khỏi điện thoại này").click()
    expect(page.get_by_role("heading", name="Đăng nhập")).to_be_visible()
    assert village.sessions == {}


def test_signing_out_without_a_network_does_not_pretend(phones: Phones) -> None:
    """The session lives on at the gate and in this browser: whoever hands the phone on must know."""
    officer = phones.officer().opens("#them")
    officer.page.context.set_offline(offline=True)
    officer.page.get_by_role("button", name="Đăng xuất khỏi điện thoại này").click()
    officer.sees("Điện thoại này vẫn đang đăng nhập")
    officer.page.screenshot(path="artefacts/sign-out-offline.png")
    expect(officer.page.locator("main")).to_have_attribute("data-route", "more")


def test_the_parts_of_the_system_are_shown_alive_or_not(phones: Phones, village: Village) -> None:
    """The page shows which of the five processes are alive."""
    officer = phones.officer().opens("#them")
    with village.change() as gate:
        gate["processes"]["mqtt_bridge"] = {"alive": False, "off": True}
        gate["processes"]["camera"].update(alive=False, restarts=2)
    rows = officer.page.locator(".system li")
    expect(rows).to_have_count(5)
    expect(rows.nth(2)).to_contain_text("Không chạy, đang khởi động lại")
    expect(rows.nth(3)).to_contain_text("Không dùng tại cổng này")


def test_a_trouble_with_the_broker_is_said_in_plain_words(phones: Phones, village: Village) -> None:
    """Issue 6, 6: unreachable, wrong certificate, refused, never acknowledging: each is seen in the health view."""
    officer = phones.officer().opens("#them")
    row = officer.page.locator(".system li").nth(3)
    said = {
        "broker_unreachable": "Không thấy máy chủ trung tâm", "broker_certificate": "Chứng chỉ với máy chủ trung tâm",
        "broker_forbids": "không cho gửi hoặc nhận", "broker_silent": "mà không xác nhận", "other": "Cần kiểm tra",
    }  # fmt: skip
    for kind, words in said.items():
        health = {"ok": False, "reason": "a sentence for who looks after it", "kind": kind}
        with village.change() as gate:
            gate["processes"]["mqtt_bridge"] = {**gate["processes"]["gate"], "health": health}
        expect(row).to_contain_text(words)
