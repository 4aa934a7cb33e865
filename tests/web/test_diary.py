"""Nhật ký: the day newest first, moves with who made them, clips that play."""

from __future__ import annotations

import datetime as dt

from playwright.sync_api import expect

from tests.web.conftest import Phones
from tests.web.officer import Officer
from tests.web.village import ZONE, Village

AN = {"type": "person", "id": "an", "name": "Trần Văn An"}


def early_today() -> float:
    """Return how many seconds ago the site's day was one second old, at most an hour."""
    now = dt.datetime.now(ZONE)
    return min(3600.0, (now - now.replace(hour=0, minute=0, second=0, microsecond=0)).total_seconds() - 1)


def opened_diary(phones: Phones, size: tuple[int, int] = (390, 844)) -> Officer:
    """Return an officer who reads the diary."""
    return phones.officer(size=size).opens("#nhat-ky")


def test_the_day_tells_moves_motion_and_refusals(phones: Phones, village: Village) -> None:
    """One line for a move: who, and how it ended; newest first."""
    span = early_today()
    village.tell("command_accepted", {"command_id": "1", "command": "open"}, by=AN, ago_s=span)
    village.tell("arrived", {"command_id": "1", "state": "open", "travel_ms": 12_300}, by=AN, ago_s=span * 0.9)
    village.motion(ago_s=span * 0.6)
    village.tell("command_refused", {"command": "close", "code": "beam_blocked"}, by=AN, ago_s=span * 0.3)
    rows = opened_diary(phones).page.locator(".entry")
    expect(rows).to_have_count(3)
    expect(rows.nth(0)).to_contain_text("Từ chối: Đóng cổng")
    expect(rows.nth(0)).to_contain_text("Có vật trước cổng, chưa đóng được · Trần Văn An")
    expect(rows.nth(1)).to_contain_text("Có chuyển động")
    expect(rows.nth(2)).to_contain_text("Trần Văn An · đã mở sau 12 giây")


def test_each_end_is_told_of_what_it_ended(phones: Phones, village: Village) -> None:
    """The beam ended the close, the stop ended the reopening; a close that never ran is one row, with why."""
    span = early_today()
    close, undone = ({"command_id": number, "command": "close"} for number in "12")
    village.tell("command_accepted", close, by=AN, ago_s=span)
    for direction, why in (("close", "beam"), ("open", "stop")):
        village.tell("drive_energised", {"direction": direction, "command_id": "1"}, ago_s=span * 0.9)
        if direction == "close":
            village.tell("obstructed", {"by": "beam", "command_id": "1"}, ago_s=span * 0.8)
            village.tell("reversed", {"to": "open", "command_id": "1"}, ago_s=span * 0.8)
        village.tell("drive_released", {"direction": direction, "why": why, "command_id": "1"}, ago_s=span * 0.7)
    village.tell("command_accepted", undone, by=AN, ago_s=span * 0.5)
    village.tell("command_refused", {**undone, "code": "stopped"}, by=AN, ago_s=span * 0.4)
    rows = opened_diary(phones).page.locator(".entry")
    expect(rows).to_have_count(3)
    expect(rows.nth(0)).to_contain_text("Trần Văn An · không thực hiện: có lệnh dừng")
    expect(rows.nth(1)).to_contain_text("Mắt thần bị chắn · cổng mở lại: đã dừng theo lệnh")
    expect(rows.nth(2)).to_contain_text("Trần Văn An · bị vật cản, cổng mở lại")


def test_a_changed_account_says_what_changed(phones: Phones, village: Village) -> None:
    """The server's short English in the reader's words; what is not known is shown as it is."""
    village.tell("user_changed", {"user": "lan", "change": "added as operator viewer"}, by=AN, ago_s=0)
    village.tell("user_changed", {"user": "lan", "change": "roles viewer, disabled, moved away"}, by=AN, ago_s=0)
    page = opened_diary(phones).page
    page.get_by_role("button", name="Hệ thống").click()
    expect(page.get_by_text("lan · thêm tài khoản, vai trò Trực cổng, Người xem · Trần Văn An")).to_be_visible()
    expect(page.get_by_text("lan · vai trò mới: Người xem; khóa tài khoản; moved away · Trần Văn An")).to_be_visible()


def test_a_fact_of_another_version_costs_no_other_row(phones: Phones, village: Village) -> None:
    """Seen: one fact that was not as the page knows it, and the diary stood empty. A long name widens nothing."""
    name = "W" * 80
    village.tell("health_changed", {"to": "ok", "reasons": "none"}, ago_s=early_today())
    village.tell("command_refused", {"command": "close", "code": "beam_blocked"}, by={**AN, "name": name}, ago_s=0)
    with village.change() as gate:
        gate["by"] = {**AN, "name": name}
    page = opened_diary(phones).page
    expect(page.locator(".entry")).to_have_count(2)
    expect(page.get_by_text("Từ chối: Đóng cổng")).to_be_visible()
    page.get_by_role("link", name="Cổng").click()
    expect(page.get_by_text(name)).to_be_visible()
    assert page.evaluate("document.getElementById('main').scrollWidth <= innerWidth")


def test_a_clip_plays_and_can_be_stepped(phones: Phones, village: Village) -> None:
    """The native player, with frame steps and speed."""
    village.motion(ago_s=early_today() / 2)
    page = opened_diary(phones).page
    page.locator(".entry.motion button").click()
    video = page.locator("video")
    plays = "video => new Promise((done) => (video.ontimeupdate = () => video.currentTime > 0.2 && done(true)))"
    assert video.evaluate(plays)
    page.get_by_role("button", name="Tới một khung hình").click()
    stood = video.evaluate("video => video.currentTime")
    page.get_by_role("button", name="Tới một khung hình").click()
    assert 0.04 < video.evaluate("video => video.currentTime") - stood < 0.1
    page.get_by_role("button", name="0,5\N{MULTIPLICATION SIGN}").click()
    assert video.evaluate("video => video.playbackRate") == 0.5


def test_each_frame_of_an_uneven_film_is_seen(phones: Phones, village: Village) -> None:
    """A busy board gives now 15, now 4 frames a second: a step is to the next frame there is, forth and back."""
    village.film = "uneven.mp4"
    village.motion(ago_s=early_today() / 2)
    page = opened_diary(phones).page
    page.locator(".entry.motion button").click()
    video = page.locator("video")
    video.evaluate(
        """(video) => {
          const look = (_, { mediaTime }) => {
            video.dataset.frame = Math.round(mediaTime * 15);
            video.requestVideoFrameCallback(look);
          };
          video.requestVideoFrameCallback(look);
          video.pause();
          video.currentTime = 17.5 / 15;
        }"""
    )
    expect(video).to_have_attribute("data-frame", "17")
    for name, frames in (("Tới", (18, 22, 24, 25, 26)), ("Lùi", (25, 24, 22, 18, 17, 16))):
        for frame in frames:
            page.get_by_role("button", name=f"{name} một khung hình").click()
            expect(video).to_have_attribute("data-frame", f"{frame}")


def test_what_happens_now_appears_by_itself(phones: Phones, village: Village) -> None:
    """Today's diary grows while one looks."""
    page = opened_diary(phones).page
    expect(page.get_by_text("Ngày này chưa ghi nhận việc gì.")).to_be_visible()
    village.motion(ago_s=0)
    expect(page.locator(".entry.motion img")).to_be_visible()
    village.tell("alarm_raised", {"alarm": "beam_tamper", "id": "1", "reminder": 0})
    expect(page.locator(".entry[data-tone=alarm]")).to_contain_text("Mắt thần bị che")


def test_a_deleted_clip_is_said(phones: Phones, village: Village) -> None:
    """Refused: the clip's time was up."""
    village.motion(ago_s=early_today() / 2, clip="deleted")
    page = opened_diary(phones).page
    page.locator(".entry.motion button").click()
    expect(page.get_by_text("Đoạn phim đã xóa theo hạn lưu.")).to_be_visible()


def test_long_days_are_paged_in_order(phones: Phones, village: Village) -> None:
    """An older page never slips in between rows that were read already."""
    span = early_today()
    for index in range(130):
        village.tell(
            "command_refused", {"command": "open", "code": "already_there"}, by=AN, ago_s=span * (1 - index / 130)
        )
    page = opened_diary(phones).page
    expect(page.locator(".entry")).to_have_count(100)
    page.get_by_role("button", name="Xem thêm").click()
    expect(page.locator(".entry")).to_have_count(130)
    times = page.locator(".entry time").evaluate_all("times => times.map((time) => time.dateTime)")
    assert times == sorted(times, reverse=True)
    expect(page.get_by_role("button", name="Xem thêm")).to_be_hidden()


def test_kinds_and_days_can_be_chosen(phones: Phones, village: Village) -> None:
    """A day without anything of the kind says so; no day after today."""
    village.motion(ago_s=early_today() / 2)
    page = opened_diary(phones).page
    page.get_by_role("button", name="Lệnh").click()
    expect(page.get_by_text("Không có mục nào loại này trong ngày.")).to_be_visible()
    page.get_by_role("button", name="Chuyển động").click()
    expect(page.locator(".entry")).to_have_count(1)
    expect(page.get_by_role("button", name="Ngày sau")).to_have_attribute("aria-disabled", "true")
    page.get_by_role("button", name="Ngày trước").click()
    expect(page.locator(".day-name")).to_contain_text("Hôm qua")
    expect(page.locator(".entry")).to_have_count(0)


def test_an_unreachable_diary_offers_to_try_again(phones: Phones, village: Village) -> None:
    """Offline and error are said, with the way on."""
    officer = phones.officer().opens()
    unreachable = "**/api/v1/{journal,diary}*"
    officer.page.route(unreachable, lambda route: route.fulfill(status=503, json={"code": "journal_unavailable"}))
    officer.goes_to("Nhật ký")
    officer.sees("Không tải được, mã journal_unavailable")
    officer.page.unroute(unreachable)
    officer.page.get_by_role("button", name="Thử lại").click()
    expect(officer.page.get_by_text("Ngày này chưa ghi nhận việc gì.")).to_be_visible()


def test_the_day_stands_beside_the_controls_on_a_wide_screen(phones: Phones, village: Village) -> None:
    """At 1280 by 800: the day's diary at the right, without leaving the gate."""
    village.motion(ago_s=early_today() / 2)
    officer = phones.officer(size=(1280, 800)).opens()
    expect(officer.page.locator(".day .entry.motion")).to_be_visible()


def rule(name: str) -> dict[str, str]:
    """Return a rule of the gate as the one behind a fact."""
    return {"type": "rule", "id": name, "name": ""}


def test_modes_and_alarms_are_told_with_their_reminders(phones: Phones, village: Village) -> None:
    """mode_changed, alarm_raised with its reminders, alarm_acknowledged: who, from what to what, how often."""
    span = early_today()
    alarm = {"alarm": "forced_open", "id": "a", "why": "limit_lost"}
    ends = {"from": "hold_open", "to": "hold_open", "command_id": "", "reminder": True, "ends_in_s": 300}
    changed = {"from": "normal", "to": "hold_open", "command_id": "1", "ends_in_s": 3600}
    village.tell("mode_changed", changed, by=AN, ago_s=span * 0.9)
    village.tell("alarm_raised", {**alarm, "reminder": 0}, by=rule("watch"), ago_s=span * 0.8)
    village.tell("alarm_raised", {**alarm, "reminder": 2}, by=rule("watch"), ago_s=span * 0.7)
    village.tell("alarm_acknowledged", alarm, by=AN, ago_s=span * 0.6)
    village.tell("mode_changed", ends, by=rule("hold_open"), ago_s=span * 0.5)
    fault = {"alarm": "fault", "id": "b", "why": "overtime", "reminder": 0}
    village.tell("alarm_raised", fault, by=rule("watch"), ago_s=span * 0.4)
    village.tell("sensor_degraded", {"sensor": "beam", "reason": "sensor_stale"}, by=rule("sensors"), ago_s=span * 0.3)
    rows = opened_diary(phones).page.locator(".entry-words")
    expect(rows).to_have_text(
        [
            "Cảm biến có vấn đềmắt thần · Cảm biến không báo kịp",
            "Chạy quá lâu mà chưa tới nơi, đã dừngCảnh báo",
            "Giữ mởSắp hết giờ, còn 5 phút",
            "Cổng bị mở trái phépĐã nắm tin · Trần Văn An",
            "Cổng bị mở trái phépNhắc lại lần 2, chưa ai nắm tin",
            "Cổng bị mở trái phépCảnh báo",
            "Đổi chế độBình thường → Giữ mở · trong 1 giờ · Trần Văn An",
        ]
    )


def test_a_command_tells_of_its_mode_once(phones: Phones, village: Village) -> None:
    """Who holds the gate open for how long is one row; alarms that were taken note of tell of that themselves."""
    changed = {"from": "normal", "to": "hold_open", "command_id": "1", "ends_in_s": 1800}
    village.tell("command_accepted", {"command_id": "1", "command": "hold_open", "reason": "rước dâu"}, by=AN)
    village.tell("mode_changed", changed, by=AN)
    village.tell("command_accepted", {"command_id": "2", "command": "acknowledge", "reason": ""}, by=AN)
    village.tell("alarm_acknowledged", {"alarm": "left_open", "id": "a"}, by=AN)
    freed = {"from": "hold_open", "to": "released", "command_id": "1"}
    village.tell("mode_changed", freed, by=rule("sensors"))
    expect(opened_diary(phones).page.locator(".entry-words")).to_have_text(
        [
            "Đổi chế độGiữ mở → Đã nhả khóa cơ · Cảm biến báo",
            "Cổng mở quá lâuĐã nắm tin · Trần Văn An",
            "Giữ mởTrần Văn An · trong 30 phút · rước dâu",
        ]
    )


def test_what_a_rule_moved_is_told_each_time(phones: Phones, village: Village) -> None:
    """I14: a move without a command has its row too; the rule's name is no command, so two of them never mix."""
    span = early_today()
    for share, why, by_rule in ((0.9, "limit", "auto_close"), (0.6, "beam", "auto_close")):
        told = {"relay": "close_relay", "direction": "close", "command_id": "auto_close"}
        village.tell("drive_energised", {**told, "cause": "open"}, by=rule(by_rule), ago_s=span * share)
        if why == "beam":
            met = {"by": "beam", "command_id": "auto_close"}
            village.tell("obstructed", met, by=rule("beam"), ago_s=span * (share - 0.02))
            village.tell("reversed", {"to": "open", "command_id": "auto_close"}, by=rule("beam"), ago_s=span * 0.57)
        ended = {**told, "why": why, "ran_ms": 8200}
        village.tell("drive_released", ended, by=rule(by_rule), ago_s=span * (share - 0.05))
        if why == "beam":
            back = {**told, "relay": "open_relay", "direction": "open", "cause": "beam broken while closing"}
            village.tell("drive_energised", back, by=rule("beam"), ago_s=span * 0.5)
        arrived = {"state": "closed" if why == "limit" else "open", "command_id": "auto_close", "travel_ms": 8200}
        village.tell("arrived", arrived, by=rule(by_rule), ago_s=span * (share - 0.12))
    page = opened_diary(phones).page
    rows = page.locator(".entry-words")
    expect(rows).to_have_text(
        [
            "Có vật cản khi đang chạyMắt thần bị chắn · cổng mở lại: đã mở sau 8 giây",
            "Đóng cổngTự đóng · bị vật cản, cổng mở lại",
            "Đóng cổngTự đóng · đã đóng sau 8 giây",
        ]
    )
    page.get_by_role("button", name="Hệ thống").click()
    expect(rows.first).to_have_text("Động cơ chạyrơ-le mở · Mở cổng · Mắt thần")
    expect(rows.last).to_have_text("Động cơ chạyrơ-le đóng · Đóng cổng · Tự đóng")
    expect(rows.nth(1)).to_have_text("Động cơ ngắtrơ-le đóng · bật 8 giây · bị vật cản, đã dừng")


def test_a_pulse_that_ended_is_no_end_of_the_move(phones: Phones, village: Village) -> None:
    """Momentary and step drives: the relay is off after 0.4 s while the leaf runs on."""
    told = {"relay": "step_relay", "direction": "open", "command_id": "1"}
    village.tell("command_accepted", {"command_id": "1", "command": "lockdown"}, by=AN)
    village.tell("drive_energised", {**told, "cause": "command open"}, by=AN)
    village.tell("drive_released", {**told, "why": "pulse", "ran_ms": 400}, by=AN)
    page = opened_diary(phones).page
    expect(page.locator(".entry-words")).to_have_text(["Khóa cổngTrần Văn An"])
    village.tell("reversed", {"to": None, "command_id": "7"}, by=rule("edge"))
    expect(page.locator(".entry-words").first).to_have_text("Cổng đảo chiềuThanh an toàn chạm vật")
