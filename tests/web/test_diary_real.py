"""The diary in a real browser, from the real server: a busy day in the journal, found in it, marked in it."""

from __future__ import annotations

import datetime as dt
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from api.office import JOURNAL_FILE
from gate.client import new_id
from gate.model import Kind, Role
from tests.api.conftest import Served, beside_a_gate
from tests.days import Days, Row, visit
from tests.web.village import ZONE

PATIENCE_MS = 15_000
VISITS = 1200
YESTERDAY = dt.datetime.now(ZONE).replace(hour=0, minute=0, second=0, microsecond=0) - dt.timedelta(days=1)


def busy_day() -> Iterator[Row]:
    """Yield a day of cars that come in, each let in by somebody, and of somebody who guesses; 6,000 rows."""
    for number in range(VISITS):
        at = YESTERDAY + dt.timedelta(days=1) * number / VISITS
        command = {"command_id": new_id(), "command": "open", "reason": ""}
        yield from visit(at, "in", area=0.1)
        yield at, Kind.COMMAND_ACCEPTED, {**command}
        yield at, Kind.ARRIVED, {**command, "state": "open", "travel_ms": 8000}
        yield at, Kind.USER_SIGN_IN_FAILED, {"name": "lan"}


@pytest.fixture
def motorbike(tmp_path: Path) -> str:
    """Have a motorbike leave at 23:31:07 in a busy night; return the event."""
    days = Days(tmp_path / JOURNAL_FILE)
    days.write(busy_day())
    return days.visit(YESTERDAY + dt.timedelta(hours=23, minutes=31, seconds=7), "out", area=0.04)


@pytest.fixture
def served(motorbike: str, tmp_path: Path) -> Iterator[Served]:
    """Serve beside a fake gate that goes on with that journal."""
    assert motorbike
    yield from beside_a_gate(tmp_path)


@pytest.fixture
def page(served: Served, browser: Browser) -> Iterator[Page]:
    """Return an officer's page with the diary open."""
    with served.accounts() as accounts:
        accounts.add_person("lan", "Lan", frozenset({Role.OPERATOR}), None, time.time())
        token, _ = accounts.open_session("lan", "test", time.time())
    context = browser.new_context(viewport={"width": 390, "height": 844}, locale="vi-VN", service_workers="block")
    context.set_default_timeout(PATIENCE_MS)
    context.add_cookies([{"name": "antt", "value": token, "url": served.base}])
    opened = context.new_page()
    opened.goto(f"{served.base}/#nhat-ky")
    yield opened
    context.close()


def test_a_motorbike_of_a_busy_night_is_found_and_marked(page: Page, served: Served, motorbike: str) -> None:
    """Issue 7, 3: among 6,000 rows, by direction, size and hours; its star stands in the journal."""
    page.get_by_role("button", name="Ngày trước").click()
    expect(page.get_by_role("img", name="Cả ngày: 1.201 chuyển động, 0 lần cổng chạy, 0 cảnh báo")).to_be_visible()
    rows = page.locator(".entry")
    expect(page.get_by_text("1.200 lần, từ 00:00 · lan")).to_be_visible()
    page.get_by_role("button", name="Tìm và lọc").click()
    for name in ("Vừa: người, xe máy", "đi ra"):
        page.get_by_role("button", name=name, exact=True).click()
    page.get_by_role("button", name="Đêm").click()
    page.get_by_role("button", name="Tìm", exact=True).click()
    expect(rows).to_have_count(1)
    expect(rows).to_contain_text("23:31")
    rows.get_by_role("button").click()
    page.get_by_role("button", name="Đánh dấu").click()
    expect(page.get_by_text("Lan đánh dấu.")).to_be_visible()
    assert served.report("event_starred", by_id="lan")[1] == {"event_id": motorbike}
    page.keyboard.press("Escape")
    expect(page.get_by_role("img", name="Có đánh dấu")).to_be_visible()


def test_reading_on_through_a_busy_day_comes_to_its_morning(page: Page) -> None:
    """A jump, then page by page: in order, nothing twice, never more rows than a phone carries."""
    page.get_by_role("button", name="Ngày trước").click()
    page.get_by_role("slider").fill("12")
    rows, more = page.locator(".entry"), page.get_by_role("button", name="Xem thêm")
    expect(rows.first.locator("time")).to_have_text("01:58")
    read = "rows => rows.map((row) => [row.querySelector('time').dateTime, row.textContent])"
    while more.is_visible():
        more.click()
        expect(page.locator(".list")).not_to_have_attribute("aria-busy", "true")
    told = rows.evaluate_all(read)
    assert [at for at, _ in told] == sorted((at for at, _ in told), reverse=True)
    expect(rows.last.locator("time")).to_have_text("00:00")
    assert len(told) == 200
