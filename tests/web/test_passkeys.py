"""Passkeys in a real Chromium with a virtual authenticator, beside the real API: kept, signed in with, shown again."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from gate.model import Role
from tests.api.conftest import Served, settings_in
from tests.fakes import FakeGate

AUTHENTICATOR = {
    "protocol": "ctap2", "transport": "internal", "hasResidentKey": True, "hasUserVerification": True,
    "isUserVerified": True, "automaticPresenceSimulation": True,
}  # fmt: skip


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Served]:
    """Serve the page under a name: browsers count localhost as secure."""
    with FakeGate(tmp_path) as gate:
        served = Served(settings=settings_in(tmp_path, "api.domain=localhost"), gate=gate)
        served.start()
        yield served
        served.stop()


@pytest.fixture
def phone(browser: Browser, site: Served) -> Iterator[Page]:
    """Return a phone that can keep passkeys, with a commander's one-time link open."""
    context = browser.new_context(viewport={"width": 390, "height": 844}, locale="vi-VN")
    page = context.new_page()
    tools = context.new_cdp_session(page)
    tools.send("WebAuthn.enable")
    tools.send("WebAuthn.addVirtualAuthenticator", {"options": AUTHENTICATOR})
    with site.accounts() as accounts:
        accounts.add_person("an", "Trần Văn An", frozenset({Role.COMMANDER}), None, time.time())
        code = accounts.make_pairing("an", 900, time.time())
    page.goto(f"{site.base.replace('127.0.0.1', 'localhost')}/#pair={code}")
    page.get_by_role("button", name="Ghép và vào").click()
    yield page
    context.close()


def test_a_passkey_is_kept_signs_in_and_proves(phone: Page, site: Served) -> None:
    """Issue 5: passkeys where the page has a name, for the sign-in and for what needs a proof."""
    phone.get_by_role("link", name="Thêm").click()
    phone.get_by_role("button", name="Mật khẩu và khóa truy cập").click()
    sheet = phone.get_by_role("dialog", name="Mật khẩu và khóa truy cập")
    sheet.get_by_role("button", name="Thêm khóa truy cập trên máy này").click()
    expect(sheet.get_by_role("listitem")).to_contain_text("dùng lần cuối")
    sheet.get_by_role("button", name="Quay lại").click()
    phone.get_by_role("button", name="Đăng xuất khỏi điện thoại này").click()

    phone.get_by_role("button", name="Đăng nhập bằng khóa truy cập").click()
    expect(phone.get_by_role("button", name="Khẩn cấp")).to_be_visible()
    site.clock.ahead_s = 400.0
    phone.reload()
    phone.get_by_role("button", name="Khẩn cấp").click()
    phone.get_by_role("dialog", name="Khẩn cấp", exact=True).get_by_role("button", name="Mở khẩn cấp").click()
    phone.get_by_role("button", name="Dùng khóa truy cập của máy").click()
    phone.get_by_role("dialog", name="Mở khẩn cấp?").get_by_role("button", name="Mở khẩn cấp").click()
    site.report("user_proved", "an", way="passkey")
    assert site.gate
    expect(phone.get_by_role("dialog", name="Mở khẩn cấp?")).to_be_hidden()
    assert [wish.command for wish in site.gate.wishes] == ["emergency_open"]
