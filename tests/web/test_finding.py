"""Nhật ký, the finding: the strip of the day, the search, marks that all share, packages, links from elsewhere."""

from __future__ import annotations

import datetime as dt

import pytest
from playwright.sync_api import expect

from tests.web.conftest import Phones
from tests.web.officer import Officer
from tests.web.village import ZONE, Village, utc

AN = {"type": "person", "id": "an", "name": "Trần Văn An"}
IN, OUT = ([{"line": "in", "direction": way}] for way in ("in", "out"))
SIZES = pytest.mark.parametrize("size", [(390, 844), (1280, 800)], ids=["phone", "wide"])


def ago_s(days: int, hour: float) -> float:
    """Return how long ago an hour of some day before today was at the site."""
    now = dt.datetime.now(ZONE)
    begins = now.replace(hour=0, minute=0, second=0, microsecond=0) - dt.timedelta(days=days)
    return (now - begins - dt.timedelta(hours=hour)).total_seconds()


def yesterday(officer: Officer) -> Officer:
    """Turn back to a day that is over: whatever the clock says, it has all its hours."""
    officer.page.get_by_role("button", name="Ngày trước").click()
    expect(officer.page.locator(".day-name")).to_contain_text("Hôm qua")
    return officer


def reading(phones: Phones, size: tuple[int, int] = (390, 844), role: str = "commander") -> Officer:
    """Return somebody who reads the diary."""
    return phones.officer(size=size, role=role).opens("#nhat-ky")


@SIZES
def test_the_strip_goes_to_a_time_of_the_day_and_back(phones: Phones, village: Village, size: tuple[int, int]) -> None:
    """Jump to six in the morning by keyboard or thumb; what is newer stays one tap away."""
    for hour in range(1, 24):
        village.motion(ago_s=ago_s(1, hour))
    officer = yesterday(reading(phones, size))
    page = officer.page
    rows = page.locator(".entry")
    expect(rows).to_have_count(23)
    expect(page.get_by_role("img", name="Cả ngày: 23 chuyển động, 0 lần cổng chạy, 0 cảnh báo")).to_be_visible()
    slider = page.get_by_role("slider", name="Xem từ giờ này trở về trước")
    expect(slider).to_have_attribute("aria-valuetext", "Mới nhất")
    slider.fill("39")
    expect(slider).to_have_attribute("aria-valuetext", "06:30")
    expect(rows).to_have_count(6)
    expect(rows.first.locator("time")).to_have_text("06:00")
    page.get_by_role("button", name="Xem mục mới hơn").click()
    expect(rows).to_have_count(23)
    expect(page.get_by_role("button", name="Xem mục mới hơn")).to_be_hidden()


@SIZES
def test_last_nights_motorbike_is_found(phones: Phones, village: Village, size: tuple[int, int]) -> None:
    """Issue 7, 3: leaving between 22:00 and 05:00, by direction and size, over several days."""
    village.motion(ago_s=ago_s(1, 22.5), crossings=OUT, peak_area=0.04)
    village.motion(ago_s=ago_s(2, 2.0), crossings=OUT, peak_area=0.04, zones=["road"])
    village.motion(ago_s=ago_s(2, 12.0), crossings=OUT, peak_area=0.04)
    village.motion(ago_s=ago_s(2, 23.0), crossings=IN, peak_area=0.04)
    village.motion(ago_s=ago_s(2, 23.5), crossings=OUT, peak_area=0.2)
    page = reading(phones, size).page
    page.get_by_role("button", name="Tìm và lọc").click()
    page.get_by_role("button", name="Vừa: người, xe máy").click()
    page.get_by_role("button", name="đi ra", exact=True).click()
    page.get_by_role("button", name="Đêm").click()
    first = (dt.datetime.now(ZONE) - dt.timedelta(days=3)).date()
    page.get_by_label("Từ ngày").fill(first.isoformat())
    page.get_by_role("button", name="Tìm", exact=True).click()
    rows = page.locator(".entry")
    expect(rows).to_have_count(2)
    expect(rows.first).to_contain_text("lối cổng · đi ra · 12 giây")
    expect(rows.first.locator("time small")).to_have_text((first + dt.timedelta(days=2)).strftime("%d/%m"))
    expect(page.locator(".sought")).to_contain_text("Vừa: người, xe máy · đi ra · 22:00")
    page.get_by_role("button", name="Sửa điều kiện tìm").click()
    page.get_by_role("button", name="mặt đường", exact=True).click()
    page.get_by_role("button", name="Tìm", exact=True).click()
    expect(rows).to_have_count(1)
    page.get_by_role("button", name="Bỏ tìm").click()
    expect(page.locator(".day-name")).to_contain_text("Hôm nay")
    expect(page.get_by_text("Ngày này chưa ghi nhận việc gì.")).to_be_visible()


def test_a_night_is_whole_though_midnight_parts_it(phones: Phones, village: Village) -> None:
    """Hours over midnight are of the nights before and after the chosen day, and of no other."""
    for days, hour in ((3, 3.0), (3, 23.5), (2, 3.0), (2, 12.0), (2, 23.0), (1, 2.0), (1, 23.0)):
        village.motion(ago_s=ago_s(days, hour))
    page = reading(phones).page
    page.get_by_role("button", name="Tìm và lọc").click()
    page.get_by_role("button", name="Đêm").click()
    day = (dt.datetime.now(ZONE) - dt.timedelta(days=2)).date()
    for name in ("Từ ngày", "Đến ngày"):
        page.get_by_label(name).fill(day.isoformat())
    page.get_by_role("button", name="Tìm", exact=True).click()
    began = [day + dt.timedelta(days=days) for days in (1, 0, 0, -1)]
    clocks = ("02:00", "23:00", "03:00", "23:30")
    told = [f"{clock}{date:%d/%m}" for clock, date in zip(clocks, began, strict=True)]
    expect(page.locator(".entry time")).to_have_text(told)


def test_a_search_without_sense_or_luck_says_so(phones: Phones, village: Village) -> None:
    """Half a time of day, days in the wrong order; nothing found."""
    page = reading(phones).page
    page.get_by_role("button", name="Tìm và lọc").click()
    page.get_by_role("textbox", name="Từ giờ").fill("22:00")
    page.get_by_role("button", name="Tìm", exact=True).click()
    expect(page.get_by_text("Chọn đủ ngày và giờ")).to_be_visible()
    page.get_by_role("button", name="Đêm").click()
    page.get_by_role("button", name="Đang giữ").click()
    page.get_by_role("button", name="Tìm", exact=True).click()
    expect(
        page.get_by_text("Không tìm thấy lượt nào. Thử bớt điều kiện: ban đêm có thể không rõ hướng.")
    ).to_be_visible()
    assert village.facts == []


def test_a_star_is_seen_on_the_other_phone(phones: Phones, village: Village) -> None:
    """One officer marks, another sees it at once, finds it by it and takes it away."""
    village.motion(ago_s=ago_s(1, 10))
    village.motion(ago_s=ago_s(1, 11))
    one, other = yesterday(reading(phones, role="operator")), yesterday(reading(phones))
    one.page.locator(".entry.motion button").first.click()
    one.page.get_by_role("button", name="Đánh dấu").click()
    expect(one.page.get_by_text("Trần Văn An đánh dấu.")).to_be_visible()
    star = other.page.get_by_role("img", name="Có đánh dấu")
    expect(star).to_have_count(1)
    other.page.get_by_role("button", name="Tìm và lọc").click()
    other.page.get_by_role("button", name="Có đánh dấu", exact=True).last.click()
    other.page.get_by_role("button", name="Tìm", exact=True).click()
    expect(other.page.locator(".entry")).to_have_count(1)
    other.page.locator(".entry.motion button").click()
    other.page.get_by_role("button", name="Bỏ dấu").click()
    expect(star).to_have_count(0)


def test_a_viewer_watches_and_marks_nothing(phones: Phones, village: Village) -> None:
    """No right: what may not be done is not offered; the film can be watched and saved."""
    village.motion(ago_s=ago_s(1, 10))
    page = yesterday(reading(phones, role="viewer")).page
    expect(page.get_by_role("button", name="Chứng cứ")).to_have_count(0)
    page.locator(".entry.motion button").click()
    expect(page.get_by_role("link", name="Tải về")).to_be_visible()
    for name in ("Đánh dấu", "Giữ lại", "Chứng cứ"):
        expect(page.get_by_role("button", name=name)).to_have_count(0)


def test_a_commander_holds_an_event_and_proves_it_is_them_to_let_go(phones: Phones, village: Village) -> None:
    """A hold needs its reason; letting go destroys evidence in the end, so it needs a credential."""
    village.motion(ago_s=ago_s(1, 10))
    page = yesterday(reading(phones)).page
    page.locator(".entry.motion button").click()
    page.get_by_role("button", name="Giữ lại").click()
    page.locator(".deeds form button").click()
    expect(page.get_by_label("Lý do giữ lại")).to_be_focused()
    page.get_by_label("Lý do giữ lại").fill("Vụ mất xe")
    page.locator(".deeds form button").click()
    expect(page.get_by_text("Trần Văn An giữ lại: Vụ mất xe")).to_be_visible()
    assert village.events[0]["held"]["reason"] == "Vụ mất xe"
    village.proved_for_s = -1.0
    page.get_by_role("button", name="Thôi giữ").click()
    page.get_by_label("Mật khẩu").fill("mat-khau-dai")
    page.get_by_role("button", name="Xác nhận").first.click()
    expect(page.get_by_role("button", name="Giữ lại")).to_be_visible()
    assert village.events[0]["held"] is None


def test_a_package_of_evidence_is_made_and_taken(phones: Phones, village: Village) -> None:
    """Of one event, for a reason; it can be taken, once, and stands in the list of packages."""
    event_id = village.motion(ago_s=ago_s(1, 10))
    page = yesterday(reading(phones)).page
    page.locator(".entry.motion button").click()
    page.locator(".deeds").get_by_role("button", name="Chứng cứ").click()
    page.get_by_role("button", name="Lập gói chứng cứ").click()
    expect(page.get_by_label("Lý do, số công văn")).to_be_focused()
    page.get_by_label("Lý do, số công văn").fill("Công văn 12")
    page.get_by_role("button", name="Lập gói chứng cứ").click()
    expect(page.get_by_text("Đã lập: 1 đoạn phim, 2,3 MB. Lấy được một lần, đến")).to_be_visible()
    assert village.book.asked == [{"events": [event_id], "reason": "Công văn 12"}]
    with page.expect_download():
        page.get_by_role("button", name="Tải gói").first.click()
    expect(page.locator(".package .ready")).to_be_empty()
    page.keyboard.press("Escape")
    page.keyboard.press("Escape")
    page.get_by_role("button", name="Chứng cứ").click()
    expect(page.locator(".package .rows")).to_contain_text("Công văn 12")
    expect(page.locator(".package .rows")).to_contain_text("đã lấy")


def test_evidence_of_some_hours_of_a_day(phones: Phones, village: Village) -> None:
    """A span at the site's time, the last minute included."""
    page = yesterday(reading(phones)).page
    page.get_by_role("button", name="Chứng cứ").click()
    page.get_by_role("textbox", name="Từ giờ").fill("22:00")
    page.get_by_role("textbox", name="Đến giờ").fill("23:59")
    page.get_by_label("Lý do, số công văn").fill("Vụ 14")
    page.get_by_role("button", name="Lập gói chứng cứ").click()
    expect(page.locator(".package .ready")).to_contain_text("Đã lập")
    day = (dt.datetime.now(ZONE) - dt.timedelta(days=1)).date().isoformat()
    (asked,) = village.book.asked
    assert (asked["since"], asked["until"]) == (f"{day}T15:00:00.000Z", f"{day}T17:00:00.000Z")


def test_evidence_of_a_night_ends_in_its_morning(phones: Phones, village: Village) -> None:
    """From ten in the evening to five: what is over midnight is of the next day."""
    page = yesterday(reading(phones)).page
    page.get_by_role("button", name="Chứng cứ").click()
    for name, value in (("Từ giờ", "22:00"), ("Đến giờ", "05:00")):
        page.get_by_role("textbox", name=name).fill(value)
    page.get_by_label("Lý do, số công văn").fill("Vụ 14")
    page.get_by_role("button", name="Lập gói chứng cứ").click()
    expect(page.locator(".package .ready")).to_contain_text("Đã lập")
    day = (dt.datetime.now(ZONE) - dt.timedelta(days=1)).date().isoformat()
    (asked,) = village.book.asked
    assert (asked["since"], asked["until"]) == (f"{day}T15:00:00.000Z", f"{day}T22:01:00.000Z")


def test_wrong_sign_ins_are_one_row_with_their_count(phones: Phones, village: Village) -> None:
    """Somebody guesses all night: it is told once, and counts on while one looks."""
    for _ in range(12):
        village.tell("user_sign_in_failed", {"name": "lan"})
    page = reading(phones).page
    rows = page.locator(".entry")
    expect(rows).to_have_count(1)
    expect(rows).to_contain_text("12 lần, từ")
    village.tell("user_sign_in_failed", {"name": "an"})
    expect(rows).to_contain_text("13 lần, từ")
    expect(rows).to_contain_text("lan, an")
    expect(rows).to_have_count(1)


@SIZES
def test_a_link_leads_to_its_event_and_to_its_moment(phones: Phones, village: Village, size: tuple[int, int]) -> None:
    """A notification is opened: the day, the row, and the film where it is an event; once, not at each reload."""
    for minute in range(30):
        village.tell("command_refused", {"command": "open", "code": "estop"}, by=AN, ago_s=ago_s(1, 10 + minute / 60))
    event_id = village.motion(ago_s=ago_s(1, 10.25))
    page = phones.officer(size=size).opens(f"#nhat-ky/{event_id}").page
    expect(page.get_by_role("dialog")).to_contain_text("Có chuyển động · 10:15:00")
    page.keyboard.press("Escape")
    expect(page.locator(".entry[data-aimed] .thumb")).to_be_visible()
    expect(page.locator(".day-name")).to_contain_text("Hôm qua")
    assert page.url.endswith("#nhat-ky")
    page.evaluate("at => (location.hash = `#nhat-ky/${at}`)", utc(ago_s(1, 10.05)))
    aimed = page.locator(".entry[data-aimed]")
    expect(aimed.locator("time")).to_have_text("10:03")
    expect(aimed).to_be_in_viewport()
    page.evaluate("() => (location.hash = '#nhat-ky/nothing-of-ours')")
    expect(page.locator(".entry")).not_to_have_count(0)


def test_a_long_day_never_fills_the_page(phones: Phones, village: Village) -> None:
    """Bounded DOM: what is read on towards the morning lets go of the evening, which stays one tap away."""
    for index in range(900):
        village.tell(
            "command_refused", {"command": "open", "code": "estop"}, by=AN, ago_s=ago_s(1, 23 - index * 22 / 900)
        )
    village.facts.reverse()
    for seq, fact in enumerate(village.facts, 1):
        fact["seq"] = seq
    page = yesterday(reading(phones)).page
    rows, more = page.locator(".entry"), page.get_by_role("button", name="Xem thêm")
    newest = page.get_by_role("button", name="Xem mục mới hơn")
    expect(rows).to_have_count(100)
    told: set[str] = set()
    times = "rows => rows.map((row) => row.querySelector('time').dateTime)"
    while more.is_visible():
        before = rows.last.locator("time").get_attribute("datetime")
        more.click()
        expect(rows.last.locator("time")).not_to_have_attribute("datetime", before or "")
        seen = rows.evaluate_all(times)
        assert len(seen) <= 400
        assert seen == sorted(seen, reverse=True)
        told |= set(seen)
        expect(page.locator(".list")).not_to_have_attribute("aria-busy", "true")
    assert len(told) > 780
    expect(newest).to_be_visible()


def test_the_next_film_is_one_tap_away(phones: Phones, village: Village) -> None:
    """Going through a night: before and after, as they are listed; the ends say so."""
    for hour in (9, 10, 11):
        village.motion(ago_s=ago_s(1, hour))
    page = yesterday(reading(phones)).page
    page.locator(".entry.motion button").first.click()
    heading = page.get_by_role("dialog").locator("h2")
    expect(heading).to_contain_text("11:00:00")
    expect(page.get_by_role("button", name="Sự kiện sau")).to_be_disabled()
    page.get_by_role("button", name="Sự kiện trước").click()
    expect(heading).to_contain_text("10:00:00")
    page.get_by_role("button", name="Sự kiện trước").click()
    expect(heading).to_contain_text("09:00:00")
    expect(page.get_by_role("button", name="Sự kiện trước")).to_be_disabled()
    stood = page.locator("video").evaluate("video => (video.pause(), video.currentTime)")
    page.keyboard.press(".")
    assert page.locator("video").evaluate("video => video.currentTime") > stood
