"""The maintainers' and commanders' views beside the real API: what they send is taken, what it answers is shown."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from config import periods
from gate.model import Role
from tests.api.conftest import Served, settings_in
from tests.fakes import FakeGate


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Served]:
    """Serve the real interface beside a gate without rules."""
    with FakeGate(tmp_path) as gate:
        served = Served(settings=settings_in(tmp_path), gate=gate)
        served.start()
        yield served
        served.stop()


@pytest.fixture
def phone(browser: Browser, site: Served) -> Iterator[Page]:
    """Return the phone of somebody who commands and maintains, signed in by a link."""
    context = browser.new_context(viewport={"width": 390, "height": 844}, locale="vi-VN", service_workers="block")
    page = context.new_page()
    with site.accounts() as accounts:
        accounts.add_person("an", "Trần Văn An", frozenset({Role.COMMANDER, Role.MAINTAINER}), None, time.time())
        code = accounts.make_pairing("an", 900, time.time())
    page.goto(f"{site.base}/#pair={code}")
    page.get_by_role("button", name="Ghép và vào").click()
    expect(page.locator(".fresh[data-trust=live]")).to_be_visible()
    yield page
    context.close()


def test_a_person_is_added_paired_changed_and_disabled(phone: Page, site: Served) -> None:
    phone.evaluate("location.hash = '#nguoi'")
    phone.get_by_role("button", name="Thêm người").click()
    phone.get_by_label("Họ tên").press_sequentially("Lê Thị Hoa")
    phone.get_by_role("button", name="Thêm và ghép điện thoại").click()
    expect(phone.locator(".qr")).to_be_visible()
    link = phone.locator(".link").inner_text()
    assert phone.evaluate("document.querySelector('.qr').naturalWidth") > 0
    site.report("user_changed", "an", user="le.thi.hoa", change="pairing link made")
    phone.keyboard.press("Escape")
    other = phone.context.browser
    assert other
    hers = other.new_page(service_workers="block")
    hers.goto(link)
    hers.get_by_role("button", name="Ghép và vào").click()
    expect(hers.locator("#state-word")).to_be_visible()
    phone.reload()
    phone.locator(".place").filter(has_text="Lê Thị Hoa").click()
    sheet = phone.get_by_role("dialog", name="Lê Thị Hoa")
    expect(sheet.locator(".rows li")).to_have_count(1)
    sheet.get_by_label("Lý do").fill("Nghỉ việc")
    sheet.get_by_role("button", name="Khóa tài khoản").click()
    phone.get_by_role("dialog", name="Khóa tài khoản").get_by_role("button", name="Khóa tài khoản").click()
    site.report("user_changed", "an", user="le.thi.hoa", change="disabled", reason="Nghỉ việc")
    expect(hers.locator(".farewell")).to_be_visible()
    hers.close()


def test_the_timetable_is_set_and_the_history_is_drawn(phone: Page, site: Served) -> None:
    phone.evaluate("location.hash = '#lich'")
    expect(phone.locator(".under .fine")).to_have_text("Lịch ban đầu theo cấu hình, chưa ai sửa.")
    phone.get_by_role("button", name="Sửa lịch").click()
    phone.get_by_label("Tên, nếu muốn").fill("Ban đêm")
    expect(phone.locator(".week")).to_contain_text("Đóng (Ban đêm)")
    phone.get_by_label("Lý do đổi lịch").fill("Mất trộm xe")
    phone.get_by_role("button", name="Áp dụng lịch này").click()
    phone.get_by_text("Đã áp dụng").wait_for()
    assert site.gate
    (made,) = periods.parse(site.gate.timetables.plain()["periods"])
    assert (made.name, made.wants, made.days) == (
        "Ban đêm",
        "closed",
        ("mon", "tue", "wed", "thu", "fri", "sat", "sun"),
    )
    expect(phone.locator(".under .fine")).to_contain_text("Mất trộm xe")
    phone.evaluate("location.hash = '#suc-khoe'")
    expect(phone.locator(".plot").first).to_be_visible()
