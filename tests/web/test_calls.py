"""Whom to call from Khẩn cấp."""

from __future__ import annotations

from playwright.sync_api import expect

from tests.web.conftest import Phones
from tests.web.officer import Officer
from tests.web.test_modes import urgent
from tests.web.village import Village


def test_the_sheet_calls_whom_the_site_says(officer: Officer, village: Village) -> None:
    """Issue 7: tel: numbers from the configuration; the number is read, and dialled without its spaces."""
    village.contacts.append({"name": "Trực ban Công an xã", "number": "+84 24.000-0000"})
    officer.page.reload()
    call = urgent(officer).get_by_role("link", name="Gọi Trực ban Công an xã")
    expect(call).to_contain_text("+84 24.000-0000")
    expect(call).to_have_attribute("href", "tel:+84240000000")
    officer.page.screenshot(path="artefacts/urgent.png")


def test_a_call_needs_no_network_and_no_right(phones: Phones, village: Village) -> None:
    """The phone's own line works where the page's does not, and for everybody."""
    officer = phones.officer(role="viewer").opens()
    sheet = urgent(officer)
    officer.page.context.set_offline(True)
    expect(sheet).to_contain_text("Mất kết nối")
    expect(sheet.get_by_role("link", name="Gọi Trần Văn An")).to_be_visible()


def test_a_site_without_numbers_offers_no_call(phones: Phones, village: Village) -> None:
    village.contacts = []
    sheet = urgent(phones.officer().opens())
    expect(sheet.get_by_role("switch", name="Đèn")).to_be_visible()
    expect(sheet.get_by_role("link")).to_have_count(0)
