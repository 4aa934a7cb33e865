"""Modes, alarms and locks: what is true of the gate beyond where the leaf is, and what each officer may do about it."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Locator, expect

from tests.web.conftest import Phones
from tests.web.officer import Officer
from tests.web.test_home import OVERLAPS, PHONES
from tests.web.village import Plain, Village, mono_ms, utc

AN = {"type": "person", "id": "an", "name": "Trần Văn An"}
LABELS = {
    "hold_open": "Giữ mở",
    "lockdown": "Khóa cổng",
    "emergency_open": "Mở khẩn cấp",
    "maintenance": "Bảo trì",
    "released": "Đã nhả khóa cơ",
}


def says(village: Village, **changes: object) -> None:
    """Have the gate say something else of itself."""
    with village.change() as gate:
        gate.update(changes, sequence=gate["sequence"] + 1)


def urgent(officer: Officer) -> Locator:
    """Open the sheet Khẩn cấp."""
    officer.goes_to("Khẩn cấp")
    return officer.page.get_by_role("dialog", name="Khẩn cấp")


def ordered(village: Village) -> list[Plain]:
    """Return what was sent, without keys."""
    return [{name: value for name, value in order.items() if name != "key"} for order in village.posted]


@pytest.mark.parametrize("mode", LABELS)
def test_a_mode_is_said_under_the_word(officer: Officer, village: Village, mode: str) -> None:
    """Home shows the mode, by a word and a sign; the normal one needs no line."""
    line = officer.page.locator(".state .mode")
    expect(line).to_be_hidden()
    says(village, mode=mode, mode_by=AN)
    expect(line).to_contain_text(LABELS[mode])
    expect(line).to_contain_text("Trần Văn An")
    expect(line.locator("svg")).to_be_visible()


def test_a_hold_says_when_it_ends(officer: Officer, village: Village) -> None:
    """Hold open always ends, and everybody sees when."""
    village.gate_is("open")
    says(village, mode="hold_open", mode_until=utc(-3600), mode_by=AN)
    expect(officer.page.locator(".state .mode")).to_have_text(re.compile(r"Giữ mở đến \d\d:\d\d"))
    expect(officer.slider("close")).to_contain_text("Đóng là thôi giữ mở")


def test_what_is_stale_tells_no_mode(phones: Phones, village: Village) -> None:
    """Older than 15 s is never shown as current, the mode neither."""
    village.beat_s = 3600.0
    says(village, mode="lockdown")
    officer = phones.officer()
    officer.page.clock.install()
    officer.opens()
    line = officer.page.locator(".state .mode")
    expect(line).to_be_visible()
    officer.waits(17)
    expect(line).to_be_hidden()


@pytest.mark.parametrize(
    ("why", "words"),
    [
        ("auto_close", r"^Tự đóng sau 1[12] giây$"),
        ("after_pass", r"^Đã qua cổng, tự đóng sau 1[12] giây$"),
        ("timetable", r"^Đóng theo lịch sau 1[12] giây$"),
        ("hold_ended", r"^Hết giờ giữ mở, đóng sau 1[12] giây$"),
        ("lockdown", r"^Đóng để khóa sau 1[12] giây$"),
    ],
)
def test_what_will_close_the_gate_next_is_said(officer: Officer, village: Village, why: str, words: str) -> None:
    """Nobody is surprised by a gate that closes by itself."""
    village.gate_is("open")
    says(village, closing={"why": why, "due_mono_ms": mono_ms() + 12_000})
    expect(officer.page.locator(".countdown")).to_have_text(re.compile(words))


def test_a_close_far_off_or_held_up_is_said_as_such(officer: Officer, village: Village) -> None:
    """Hours are told by the clock; what waits for the gateway says so; a closed gate has nothing to announce."""
    countdown = officer.page.locator(".countdown")
    village.gate_is("open")
    says(village, closing={"why": "timetable", "due_mono_ms": mono_ms() + 5 * 3_600_000})
    expect(countdown).to_have_text(re.compile(r"^Đóng theo lịch lúc \d\d:\d\d$"))
    says(village, closing={"why": "auto_close", "due_mono_ms": None})
    expect(countdown).to_have_text("Tự đóng khi lối cổng trống")
    village.gate_is("closed")
    expect(countdown).to_be_hidden()


def test_two_alarms_are_both_named_and_taken_note_of(officer: Officer, village: Village) -> None:
    """Alarms end only by an acknowledging officer: one tap on Cổng, and what the gate says decides."""
    village.alarms("forced_open", "beam_tamper")
    trouble = officer.page.locator(".trouble")
    expect(trouble).to_contain_text("Cảnh báo: Cổng bị mở trái phép; Mắt thần bị che")
    trouble.get_by_role("button", name="Đã nắm tin").click()
    expect(trouble).to_be_hidden()
    assert ordered(village) == [{"command": "acknowledge"}]


def test_the_list_of_alarms_tells_since_when_and_how_often_reminded(officer: Officer, village: Village) -> None:
    """Reminders count; each reason has what would clear it beside it."""
    village.alarms("left_open", reminders=2)
    says(village, health="soft_lock", reasons=["soft_lock"])
    officer.page.locator(".trouble-words").click()
    dialog = officer.page.get_by_role("dialog", name="Cần chú ý")
    expect(dialog).to_contain_text(re.compile(r"Cổng mở quá lâutừ .* · đã nhắc 2 lần"))
    expect(dialog).to_contain_text("Vướng nhiều lần, cần kiểm traDọn lối cổng; chỉ huy đặt lại rồi đóng.")
    dialog.get_by_role("button", name="Đã nắm tin").click()
    expect(officer.page.locator(".trouble")).to_contain_text("Lưu ý: Vướng nhiều lần, cần kiểm tra")


def test_who_may_not_acknowledge_sees_no_button_for_it(phones: Phones, village: Village) -> None:
    """A viewer reads the alarm; taking note of it is an officer's."""
    village.alarms("forced_open")
    officer = phones.officer(role="viewer").opens()
    officer.sees("Cổng bị mở trái phép")
    expect(officer.page.get_by_role("button", name="Đã nắm tin")).to_be_hidden()


def test_a_fault_is_told_by_its_own_words(officer: Officer, village: Village) -> None:
    """The alarm `fault` carries its code: people read that."""
    village.alarms("fault")
    with village.change() as gate:
        gate["alarms"][0]["data"] = {"why": "overtime"}
    expect(officer.page.locator(".trouble")).to_contain_text("Chạy quá lâu mà chưa tới nơi, đã dừng")


def test_inputs_that_people_must_know_of_are_said(officer: Officer, village: Village) -> None:
    """A pulled release, an open cabinet, the mains: as the sensors say, not twice what mode or alarm says already."""
    trouble = officer.page.locator(".trouble")
    says(village, inputs={**village.snapshot["inputs"], "release": True, "estop": None})
    expect(trouble).to_contain_text("Lưu ý: Khóa cơ đang nhả")
    says(village, mode="released")
    expect(trouble).to_be_hidden()
    expect(officer.slider("open")).to_contain_text("Đã nhả khóa cơ")
    village.alarms("cabinet_open")
    says(village, inputs={"limit_closed": True, "cabinet": True, "mains_lost": True})
    expect(trouble).to_contain_text("Tủ điều khiển bị mở và 1 việc khác")


@pytest.mark.parametrize(
    ("health", "reasons", "words"),
    [
        ("estop", ["estop"], "Cảnh báo: Nút dừng khẩn đang nhấn"),
        ("hard_lock", ["limit_conflict"], "Cảnh báo: Khóa an toàn, phải đặt lại tại tủ và 1 việc khác"),
        ("soft_lock", ["soft_lock"], "Lưu ý: Vướng nhiều lần, cần kiểm tra"),
        ("degraded", ["sensor_stale"], "Lưu ý: Cảm biến không báo kịp"),
        ("ok", ["mains_lost"], "Lưu ý: Mất điện lưới"),
    ],
)
def test_a_lock_is_said_and_a_commander_can_reset_it(
    officer: Officer, village: Village, health: str, reasons: list[str], words: str
) -> None:
    """Reset where permitted, after a question; it moves nothing."""
    says(village, health=health, reasons=reasons)
    expect(officer.page.locator(".trouble")).to_contain_text(words)
    sheet = urgent(officer)
    reset = sheet.get_by_role("button", name="Đặt lại")
    expect(reset).to_be_visible(visible=health in {"estop", "hard_lock", "soft_lock"})
    if health == "hard_lock":
        reset.click()
        officer.sees("Chỉ đặt lại khi đã kiểm tra tại tủ. Đặt lại không làm cổng chạy.")
        officer.page.get_by_role("button", name="Đặt lại").last.click()
        expect(reset).to_be_hidden()
        assert ordered(village) == [{"command": "reset"}]


def test_a_commander_locks_and_unlocks(officer: Officer, village: Village) -> None:
    """A closed gate is locked after one question; the same place then unlocks it."""
    sheet = urgent(officer)
    sheet.get_by_role("button", name="Khóa cổng").click()
    assert village.posted == []
    officer.page.get_by_role("dialog", name="Khóa cổng?").get_by_role("button", name="Khóa cổng").click()
    expect(sheet).to_contain_text("Chế độ: Khóa cổng")
    sheet.get_by_role("button", name="Bỏ khóa").click()
    officer.page.get_by_role("dialog", name="Bỏ khóa cổng?").get_by_role("button", name="Bỏ khóa").click()
    expect(sheet).to_contain_text("Chế độ: Bình thường")
    assert ordered(village) == [{"command": "lockdown"}, {"command": "unlock"}]


@pytest.mark.parametrize(
    ("answer", "sighted"), [("Tôi đang thấy cổng, đóng", True), ("Không thấy, vẫn đóng", False), ("Thôi", None)]
)
def test_a_lockdown_of_an_open_gate_asks_for_eyes(
    officer: Officer, village: Village, answer: str, *, sighted: bool | None
) -> None:
    """A lockdown closes: without a fresh picture it says whether the officer sees the gate, as a close does."""
    village.gate_is("open")
    village.camera = "stale"
    officer.sees("Hình cũ, cách đây")
    urgent(officer).get_by_role("button", name="Khóa cổng").click()
    officer.sees("Cổng đóng lại rồi không mở nữa")
    officer.page.get_by_role("dialog", name="Có nhìn thấy cổng không?").get_by_role("button", name=answer).click()
    if sighted is None:
        officer.page.wait_for_timeout(300)
        assert village.posted == []
    else:
        expect(officer.word).to_have_text("Đã đóng")
        assert ordered(village) == [{"command": "lockdown", "sighted": sighted}]


def test_a_lockdown_from_another_view_asks_too(phones: Phones, village: Village) -> None:
    """No picture is on the screen of Nhật ký, however fresh it was on Cổng."""
    village.camera = "video"
    village.gate_is("open")
    officer = phones.officer().opens()
    expect(officer.page.locator(".picture[data-picture=live]")).to_be_visible()
    officer.goes_to("Nhật ký")
    urgent(officer).get_by_role("button", name="Khóa cổng").click()
    officer.sees("Camera chưa cho hình của cổng.")
    assert village.posted == []


def test_an_emergency_opens_and_only_normal_ends_it(officer: Officer, village: Village) -> None:
    """Emergency open, after one question; then the way back stands there, and no second emergency."""
    sheet = urgent(officer)
    sheet.get_by_role("button", name="Mở khẩn cấp").click()
    officer.sees("Cổng mở ngay và không tự đóng")
    officer.page.get_by_role("dialog", name="Mở khẩn cấp?").get_by_role("button", name="Mở khẩn cấp").click()
    expect(officer.word).to_have_text("Đã mở")
    expect(sheet).to_contain_text("Chế độ: Mở khẩn cấp")
    expect(sheet.get_by_role("button", name="Mở khẩn cấp")).to_be_hidden()
    sheet.get_by_role("button", name="Về bình thường").click()
    officer.page.get_by_role("dialog", name="Về bình thường?").get_by_role("button", name="Về bình thường").click()
    expect(sheet).to_contain_text("Chế độ: Bình thường")
    assert ordered(village) == [{"command": "emergency_open"}, {"command": "normal"}]


def test_a_newer_wish_does_not_wait_for_the_leaf(officer: Officer, village: Village) -> None:
    """While an emergency still opens the gate, a commander can already bring it back to normal."""
    village.travel_s = 30
    sheet = urgent(officer)
    sheet.get_by_role("button", name="Mở khẩn cấp").click()
    officer.page.get_by_role("dialog", name="Mở khẩn cấp?").get_by_role("button", name="Mở khẩn cấp").click()
    expect(officer.word).to_have_text("Đang mở")
    back = sheet.get_by_role("button", name="Về bình thường")
    expect(back).not_to_have_attribute("aria-disabled", "true")
    back.click()
    officer.sees("Cổng không chạy ngay")


def test_a_hold_is_given_with_its_minutes(officer: Officer, village: Village) -> None:
    """Minutes by one tap or by number; until when is said before it is given; nonsense is not sent."""
    urgent(officer).get_by_role("button", name="Giữ mở").click()
    dialog = officer.page.get_by_role("dialog", name="Giữ mở bao lâu?")
    expect(dialog).to_contain_text(re.compile(r"Đến \d\d:\d\d"))
    minutes = dialog.get_by_label("Số phút")
    for nonsense in ("0", "721", "1.5", ""):
        minutes.fill(nonsense)
        expect(dialog).to_contain_text("Nhập từ 1 đến 720 phút.")
        dialog.get_by_role("button", name="Giữ mở").click()
    assert village.posted == []
    dialog.get_by_role("button", name="30").click()
    expect(minutes).to_have_value("30")
    dialog.get_by_role("button", name="Giữ mở").click()
    expect(officer.word).to_have_text("Đã mở")
    expect(officer.page.locator(".state .mode")).to_contain_text("Giữ mở đến")
    assert ordered(village) == [{"command": "hold_open", "minutes": 30}]


def test_an_operator_is_offered_what_an_operator_may(phones: Phones) -> None:
    """By rights: an operator holds open; locking and emergencies are a commander's, and that is said."""
    sheet = urgent(phones.officer(role="operator").opens())
    expect(sheet.get_by_role("button", name="Giữ mở")).to_be_visible()
    for name in ("Khóa cổng", "Mở khẩn cấp", "Về bình thường", "Đặt lại"):
        expect(sheet.get_by_role("button", name=name)).to_be_hidden()
    expect(sheet).to_contain_text("chỉ huy mới dùng được")


REFUSALS = {
    "locked_down": ("Cổng đang khóa; chỉ huy mới mở được", "Cổng không chạy. Nhờ chỉ huy vào Khẩn cấp, chọn Bỏ khóa."),
    "estop": ("Nút dừng khẩn đang nhấn", "Cổng không chạy. Nhả nút tại cổng, rồi chỉ huy đặt lại."),
    "released": ("Đã nhả khóa cơ, động cơ không kéo được", "Cổng không chạy. Gài lại khóa cơ tại cổng rồi thao tác."),
    "maintenance": ("Đang bảo trì tại tủ", "Cổng không chạy. Chờ kỹ thuật xong và trả chìa ở tủ."),
}


@pytest.mark.parametrize("code", REFUSALS)
def test_each_refusal_says_what_happened_whether_it_moved_and_what_next(
    officer: Officer, village: Village, code: str
) -> None:
    """Issue 3, 6: two short lines in Vietnamese."""
    village.refusals["open"] = code
    officer.slides("open")
    lines = officer.page.locator(".notice-words > *")
    expect(lines).to_have_text([*REFUSALS[code]])


def test_a_refusal_in_the_sheet_is_read_there(officer: Officer, village: Village) -> None:
    """A sheet covers Cổng: its own notice tells why the lockdown was refused."""
    village.refusals["lockdown"] = "emergency"
    sheet = urgent(officer)
    sheet.get_by_role("button", name="Khóa cổng").click()
    officer.page.get_by_role("dialog", name="Khóa cổng?").get_by_role("button", name="Khóa cổng").click()
    expect(sheet).to_contain_text("Cổng đang mở khẩn cấp")
    expect(sheet).to_contain_text("Cổng không chạy. Chỉ huy chọn Về bình thường trước.")


def test_a_refusal_goes_when_the_mode_that_caused_it_does(officer: Officer, village: Village) -> None:
    """What was locked has been unlocked: nothing says any more that it is locked."""
    says(village, mode="lockdown")
    village.refusals["open"] = "locked_down"
    expect(officer.slider("open")).to_contain_text("Cổng đang khóa")
    officer.slides("open")
    expect(officer.page.locator(".notice")).to_be_visible()
    says(village, mode="normal")
    expect(officer.page.locator(".notice")).to_be_hidden()
    expect(officer.slider("open")).to_have_text("Trượt để MỞ")


def test_a_failure_says_whether_the_gate_moved(officer: Officer, village: Village) -> None:
    """It ran and did not arrive: said as such, with where it is now."""
    village.travel_s = 30
    officer.slides("open")
    expect(officer.word).to_have_text("Đang mở")
    assert village.newest
    village.step(village.newest, "failed", "overtime", state="unknown", evidence="none", target=None)
    notice = officer.page.locator(".notice")
    expect(notice).to_contain_text("Mở cổng: Chạy quá lâu mà chưa tới nơi, đã dừng")
    expect(notice).to_contain_text("Cổng có chạy, nay: Chưa xác định. Xem hình; nếu cổng kẹt, gọi kỹ thuật.")


def test_a_stuck_limit_is_no_proof_that_the_gate_stood_still(officer: Officer, village: Village) -> None:
    """The leaf ran for 3 s under a limit that did not let go, and the page said "Cổng không chạy."."""
    village.travel_s = 30
    officer.slides("open")
    expect(officer.word).to_have_text("Đang mở")
    assert village.newest
    village.step(village.newest, "failed", "stuck", state="closed", evidence="limit", target=None)
    notice = officer.page.locator(".notice")
    expect(notice).to_contain_text("Mở cổng: Có lệnh mà cổng không chạy")
    expect(notice).to_contain_text("Không cảm biến nào báo cổng chạy. Xem hình;")


def test_a_lockdown_that_could_not_close_yet_goes_on(officer: Officer, village: Village) -> None:
    """Lockdown: what stands in the gateway is told; the mode holds and the gate tries again by itself."""
    village.gate_is("open")
    village.camera = "video"
    village.travel_s = 30
    urgent(officer).get_by_role("button", name="Khóa cổng").click()
    officer.page.get_by_role("button", name=re.compile("Khóa cổng|Tôi đang thấy cổng, đóng")).last.click()
    expect(officer.word).to_have_text("Đang đóng")
    assert village.newest
    village.step(village.newest, "failed", "beam_blocked", state="open", evidence="limit", target=None)
    notice = officer.page.get_by_role("dialog").locator(".notice")
    expect(notice).to_contain_text("Khóa cổng: Có vật trước cổng, chưa đóng được")
    expect(notice).to_contain_text("Cổng có chạy, nay: Đã mở. Chế độ vẫn giữ, cổng sẽ tự thử lại.")


def test_nothing_scrolls_when_everything_is_wrong(officer: Officer, village: Village) -> None:
    """Mode, countdown, two alarms and a lock at once: picture, word, DỪNG and both sliders stay on every screen."""
    village.gate_is("stopped", "none")
    village.alarms("forced_open", "lockdown_failed", "cabinet_open")
    says(
        village,
        mode="hold_open", mode_until=utc(-3600), mode_by=AN, health="hard_lock", reasons=["limit_conflict"],
        closing={"why": "hold_ended", "due_mono_ms": None},
    )  # fmt: skip
    page = officer.page
    expect(page.locator(".state .mode")).to_be_visible()
    parts = [page.locator(".picture"), officer.word, officer.stop, *map(officer.slider, ("open", "close")),
             page.locator(".state .mode"), page.get_by_role("button", name="Đã nắm tin")]  # fmt: skip
    for width, height in [*PHONES, (1280, 800), (844, 390)]:
        page.set_viewport_size({"width": width, "height": height})
        for part in parts:
            expect(part).to_be_in_viewport(ratio=0.99)
        assert page.evaluate(OVERLAPS) == 0, (width, height)
        for frame in ("document.documentElement", "document.querySelector('main')"):
            assert page.evaluate(f"{frame}.scrollWidth <= {frame}.clientWidth"), (width, height)
        assert page.locator(".picture").evaluate("box => box.clientHeight") >= 72, (width, height)


def test_nothing_covers_what_is_told_of_three_things(officer: Officer, village: Village) -> None:
    """Two alarms, the siren and a refusal: the notice's last line lay under DỪNG, the slider's edge under the bar."""
    village.gate_is("stopped", "none")
    village.alarms("camera_blind", "lockdown_failed")
    says(village, outputs={"siren": True})
    village.refusals["open"] = "gate_down"
    page = officer.page
    expect(page.locator(".siren-line")).to_be_visible()
    officer.slides("open")
    told = [page.locator(part) for part in (".trouble", ".siren-line", ".notice")]
    for width, height in [(390, 844), (412, 732), (1280, 800)]:
        page.set_viewport_size({"width": width, "height": height})
        for part in [*told, officer.stop, *map(officer.slider, ("open", "close"))]:
            expect(part).to_be_in_viewport(ratio=0.99)
        assert page.evaluate(OVERLAPS) == 0, (width, height)


# --- the maintainer's simulator ---------------------------------------------------------------------------------------


def simulated(village: Village) -> None:
    """Make the village a simulation."""
    with village.change() as gate:
        gate["simulated"] = True


def test_a_maintainer_switches_faults_and_sends_traffic(phones: Phones, village: Village) -> None:
    """Issue 3, 5: every fault from a maintainer's panel; on is what the yard says is on."""
    simulated(village)
    page = phones.officer(role="maintainer").opens("#them").page
    yard = page.locator(".yard")
    expect(yard).to_contain_text("Cánh mở 0 % · không có lỗi nào đang bật")
    yard.get_by_role("button", name="Xe máy").click()
    expect(yard).to_contain_text("Trên đường: Xe máy")
    yard.get_by_role("button", name="Đi ra").click()
    yard.get_by_role("button", name="Người").click()
    yard.get_by_text("Cảm biến").click()
    beam = yard.get_by_role("group", name="Mắt thần")
    expect(beam.get_by_role("button", name="Trống")).to_have_attribute("aria-pressed", "true")
    beam.get_by_role("button", name="Che").click()
    expect(beam.get_by_role("button", name="Che")).to_have_attribute("aria-pressed", "true")
    expect(yard).to_contain_text("Mắt thần: Che")
    yard.get_by_text("Trời và đêm").click()
    yard.get_by_role("group", name="Mưa").get_by_role("button", name="Bật").click()
    expect(yard).to_contain_text("Mắt thần: Che; Mưa: Bật")
    yard.get_by_role("button", name="Tắt hết lỗi").click()
    expect(yard).to_contain_text("không có lỗi nào đang bật")
    assert village.yard_orders == ["motorbike in", "person out", "beam blocked", "rain on", "beam clear", "rain off"]


def test_the_yard_shows_what_is_true_not_what_was_pressed(phones: Phones, village: Village) -> None:
    """A refused order changes nothing and says why; what somebody else switched shows by itself."""
    simulated(village)
    page = phones.officer(role="maintainer").opens("#them").page
    yard = page.locator(".yard")
    yard.get_by_text("Tủ và nút bấm").click()
    door = yard.get_by_role("group", name="Cửa tủ")
    door.get_by_role("button", name="Mở").click()
    expect(yard.get_by_role("alert")).to_have_text("Không có lệnh này")
    expect(door.get_by_role("button", name="Đóng")).to_have_attribute("aria-pressed", "true")
    village.yard["faults"] = ["cabinet open"]
    village.yard["sensors"] = ["estop"]
    expect(door.get_by_role("button", name="Mở")).to_have_attribute("aria-pressed", "true")
    expect(yard).to_contain_text("Cửa tủ: Mở; Nút dừng khẩn: Bật")
    expect(yard.get_by_role("alert")).to_be_hidden()


@pytest.mark.parametrize(("role", "in_simulation"), [("commander", True), ("maintainer", False)])
def test_nobody_else_sees_the_panel(phones: Phones, village: Village, role: str, *, in_simulation: bool) -> None:
    """Only in simulation, only for maintainers; a real gate is not even asked."""
    if in_simulation:
        simulated(village)
    officer = phones.officer(role=role).opens("#them")
    officer.sees("Tình trạng hệ thống")
    officer.page.wait_for_timeout(1200)
    expect(officer.page.locator(".yard")).to_have_count(0)
    assert not [path for _, path in village.requests if path.endswith("/yard")]


def test_the_panel_asks_no_more_once_it_is_left(phones: Phones, village: Village) -> None:
    """Its truth is asked for each second, only while somebody looks."""
    simulated(village)
    officer = phones.officer(role="maintainer").opens("#them")
    expect(officer.page.locator(".yard")).to_be_visible()
    officer.goes_to("Cổng")
    expect(officer.word).to_be_visible()
    village.requests.clear()
    officer.page.wait_for_timeout(1500)
    assert not [path for _, path in village.requests if path.endswith("/yard")]
