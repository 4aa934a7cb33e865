"""Cổng: the word is true or grey, a deliberate slide moves the gate once, and DỪNG is always there."""

from __future__ import annotations

import random
import re

import pytest
from playwright.sync_api import expect

from tests.web.conftest import Phones
from tests.web.officer import Officer
from tests.web.village import Village

SIZES = [(390, 844), (1280, 800)]


@pytest.mark.parametrize("size", SIZES)
def test_a_slide_opens_and_the_word_changes_only_when_the_gate_says_so(
    phones: Phones, village: Village, size: tuple[int, int]
) -> None:
    """Nothing shows "open" because "open" was ordered (architecture, I8)."""
    village.answer_after_s = 0.5
    village.travel_s = 1.0
    officer = phones.officer(size=size).opens()
    expect(officer.word).to_have_text("Đã đóng")
    officer.slides("open")
    expect(officer.slider("open")).to_contain_text("Đang gửi")
    expect(officer.word).to_have_text("Đã đóng")
    expect(officer.word).to_have_text("Đang mở")
    expect(officer.slider("open")).to_contain_text("Đang chạy")
    expect(officer.slider("open")).to_have_attribute("aria-description", "Trượt để MỞ")
    expect(officer.word).to_have_text("Đã mở")
    officer.sees("công tắc hành trình xác nhận")
    expect(officer.slider("open")).to_contain_text("Đã xong (công tắc xác nhận)")
    assert [(order["command"], order["sequence"]) for order in village.posted] == [("open", 41)]


def test_the_big_word_is_big(officer: Officer) -> None:
    """design/page.md: the one big word, at least 40 px."""
    assert officer.word.evaluate("word => parseFloat(getComputedStyle(word).fontSize)") >= 40


def test_short_touches_in_a_pocket_move_nothing(officer: Officer, village: Village) -> None:
    """Issue 7: random short touches at random places move the gate 0 times."""
    chance = random.Random(7)
    mouse = officer.page.mouse
    top = officer.stop.bounding_box()
    assert top
    for _ in range(60):
        x, y = chance.uniform(5, 385), chance.uniform(top["y"] + top["height"] + 4, 765)
        mouse.move(x, y)
        mouse.down()
        mouse.move(x + chance.uniform(-90, 90), y + chance.uniform(-40, 40))
        mouse.up()
    assert village.posted == []


def test_a_slide_that_is_taken_back_does_nothing(officer: Officer, village: Village) -> None:
    """WCAG 2.5.2: what is let go before the mark, or carried back, was not meant."""
    officer.slides("open", part=0.6)
    officer.slides("open", part=0.85, let_go=False)
    expect(officer.slider("open")).to_contain_text("Thả tay để MỞ")
    officer.page.mouse.move(60, 700)
    officer.page.mouse.up()
    officer.page.wait_for_timeout(300)
    assert village.posted == []


def test_a_thumb_opens_and_a_second_finger_spoils_it(officer: Officer, village: Village) -> None:
    """A thumb's arc of real touches counts; two fingers on the track are no deliberate stroke."""
    officer.swipes("open", second_finger=True)
    officer.swipes("open", part=0.5)
    officer.page.wait_for_timeout(300)
    assert village.posted == []
    officer.swipes("open")
    expect(officer.word).to_have_text("Đã mở")


def test_the_keyboard_holds_to_move(officer: Officer, village: Village) -> None:
    """Enter tapped does nothing; Enter held 600 ms opens."""
    officer.slider("open").focus()
    officer.page.keyboard.press("Enter")
    officer.page.wait_for_timeout(700)
    assert village.posted == []
    officer.page.keyboard.down("Enter")
    officer.page.wait_for_timeout(750)
    officer.page.keyboard.up("Enter")
    expect(officer.word).to_have_text("Đã mở")


def test_a_key_that_is_still_held_answers_no_question(officer: Officer, village: Village) -> None:
    """Enter held on ĐÓNG under an old picture: its repeats said "Tôi đang thấy cổng, đóng" for the officer."""
    village.gate_is("open")
    village.camera = "stale"
    officer.sees("Hình cũ, cách đây")
    officer.slider("close").focus()
    keyboard = officer.page.keyboard
    keyboard.down("Enter")
    officer.sees("Có nhìn thấy cổng không?")
    keyboard.down("Enter")  # as a key repeats that is not let go
    keyboard.up("Enter")
    expect(officer.page.get_by_role("dialog")).to_be_visible()
    keyboard.press("Enter")
    expect(officer.word).to_have_text("Đã đóng")
    assert [order["sighted"] for order in village.posted] == [True]


def test_a_screen_reader_is_asked_before_the_gate_moves(officer: Officer, village: Village) -> None:
    """An activation without pointer or key leads to a question, never straight to a move."""
    officer.slider("open").evaluate("button => button.click()")
    assert village.posted == []
    officer.page.get_by_role("dialog").get_by_role("button", name="Mở cổng").click()
    expect(officer.word).to_have_text("Đã mở")


def test_a_refusal_says_why_and_what_to_do(officer: Officer, village: Village) -> None:
    """A refusal is a value with a code, a sentence and what would clear it."""
    village.gate_is("open")
    village.refusals["close"] = "beam_blocked"
    expect(officer.word).to_have_text("Đã mở")
    officer.slides("close")
    alert = officer.page.locator(".notice")
    expect(alert).to_contain_text("Có vật trước cổng, chưa đóng được")
    expect(alert).to_contain_text("Cổng không chạy. Chờ lối cổng trống rồi trượt lại.")
    expect(officer.word).to_have_text("Đã mở")
    alert.get_by_role("button", name="Bỏ thông báo").click()
    expect(alert).to_be_hidden()


@pytest.mark.parametrize("size", SIZES)
def test_stop_acts_on_touch_and_halts_the_leaf(phones: Phones, village: Village, size: tuple[int, int]) -> None:
    """Stop: always allowed, never disabled, sent when it is touched."""
    village.travel_s = 5
    officer = phones.officer(size=size).opens()
    officer.slides("open")
    expect(officer.word).to_have_text("Đang mở")
    officer.stop.hover()
    officer.page.mouse.down()
    expect(officer.word).to_have_text("Dừng giữa chừng")
    officer.page.mouse.up()
    expect(officer.stop).to_contain_text("Đã dừng")
    expect(officer.slider("open")).to_contain_text("Trượt để MỞ", timeout=1500)
    assert [order["command"] for order in village.posted] == ["open", "stop"]
    assert "sequence" not in village.posted[1]


def test_stop_is_the_largest_control(officer: Officer) -> None:
    """design/page.md: full width, the largest."""
    area = "element => element.offsetWidth * element.offsetHeight"
    assert officer.stop.evaluate(area) > officer.slider("open").evaluate(area)


def test_a_viewer_watches_and_may_stop(phones: Phones, village: Village) -> None:
    """What a person may not do is said; stop is everyone's."""
    officer = phones.officer(role="viewer").opens()
    expect(officer.slider("open")).to_be_hidden()
    expect(officer.slider("close")).to_be_hidden()
    officer.sees("Tài khoản này chỉ xem")
    officer.stop.click()
    expect(officer.stop).to_contain_text("Đã dừng")


def test_silence_greys_the_word_and_says_since_when(phones: Phones, village: Village) -> None:
    """Older than 15 s is never shown as current."""
    village.beat_s = 3600.0
    officer = phones.officer()
    officer.page.clock.install()
    officer.opens()
    officer.waits(17)
    expect(officer.word).to_have_text("Tin đã cũ")
    officer.sees("Lần cuối biết: Đã đóng, lúc")
    expect(officer.slider("open")).to_have_attribute("aria-disabled", "true")
    expect(officer.stop).to_be_enabled()


EVENINGS = [
    ("2026-12-20T17:10+07:00", "light"), ("2026-12-20T17:40+07:00", "dark"), ("2026-12-21T06:50+07:00", "light"),
    ("2026-06-20T18:15+07:00", "light"), ("2026-06-20T18:50+07:00", "dark"), ("2026-06-21T05:40+07:00", "light"),
]  # fmt: skip


def test_dark_comes_with_the_sun_at_the_site(phones: Phones) -> None:
    """design/page.md: dark follows the system and the sun at the site; a winter evening is dark long before 18:00."""
    officer = phones.officer(theme="auto")
    clock = officer.page.clock
    clock.install(time="2026-12-20T12:00+07:00")
    officer.opens()
    for at, theme in EVENINGS:
        clock.set_system_time(at)
        clock.run_for(1000)
        expect(officer.page.locator("html")).to_have_attribute("data-theme", theme)


def test_offline_is_said_and_passes(officer: Officer, village: Village) -> None:
    """Offline greys at once; back online the truth returns by itself."""
    officer.page.context.set_offline(True)
    expect(officer.word).to_have_text("Mất kết nối")
    officer.slides("open")
    assert village.posted == []
    village.gate_is("open")
    officer.page.context.set_offline(False)
    expect(officer.word).to_have_text("Đã mở")


def test_a_stream_that_breaks_is_dialled_again(officer: Officer, village: Village) -> None:
    """A second phone's move is seen also after the stream was cut."""
    village.close_streams()
    officer.page.wait_for_timeout(300)
    village.gate_is("open")
    expect(officer.word).to_have_text("Đã mở")


def test_a_lost_answer_is_asked_for_with_the_same_key(phones: Phones, village: Village) -> None:
    """One gesture is one order, however often the network makes the page send it."""
    officer = phones.officer().opens()
    dropped: list[str] = []

    def drop_first(route: object) -> None:
        if dropped:
            route.continue_()  # type: ignore[attr-defined]  # playwright's Route
        else:
            dropped.append("once")
            route.fetch()  # type: ignore[attr-defined]  # the server gets it; only the answer is lost
            route.abort()  # type: ignore[attr-defined]  # as above

    officer.page.route("**/gate/commands", drop_first)
    officer.slides("open")
    expect(officer.word).to_have_text("Đã mở")
    assert len({order["key"] for order in village.posted}) == 1
    assert len(village.posted) == 2
    assert len(village.commands) == 1


def test_an_old_picture_makes_close_ask_for_eyes(officer: Officer, village: Village) -> None:
    """Remote close: a frame less than 2 s old, or an officer who says they see the gate."""
    village.gate_is("open")
    village.camera = "stale"
    officer.sees("Hình cũ, cách đây")
    officer.slides("close")
    officer.sees("Có nhìn thấy cổng không?")
    officer.sees("còi hú và đèn nháy 10 giây")
    assert village.posted == []
    officer.page.get_by_role("button", name="Tôi đang thấy cổng, đóng").click()
    expect(officer.word).to_have_text("Đã đóng")
    assert village.posted[0]["sighted"] is True


def test_who_sees_nothing_says_so_to_the_gate(officer: Officer, village: Village) -> None:
    """A frame was delivered but not seen: only an explicit false brings the 10 s warning with the siren."""
    village.gate_is("open")
    village.camera = "stale"
    officer.sees("Hình cũ, cách đây")
    officer.slides("close")
    officer.page.get_by_role("button", name="Không thấy, vẫn đóng").click()
    expect(officer.word).to_have_text("Đã đóng")
    assert village.posted[0]["sighted"] is False


def test_a_fresh_picture_needs_no_question(phones: Phones, village: Village) -> None:
    """With H.264 on the canvas a close goes straight through."""
    village.camera = "video"
    officer = phones.officer().opens()
    expect(officer.page.locator(".picture[data-picture=live]")).to_be_visible()
    village.gate_is("open")
    expect(officer.word).to_have_text("Đã mở")
    officer.slides("close")
    expect(officer.word).to_have_text("Đã đóng")
    assert "sighted" not in village.posted[0]
    assert any("/camera/live" in url for url in phones.asked)


def test_the_warning_counts_down(officer: Officer, village: Village) -> None:
    """I12: who waits for a warned close sees how long."""
    village.gate_is("open")
    village.warning_s = 1.5
    expect(officer.word).to_have_text("Đã mở")
    officer.slides("close")
    expect(officer.page.locator(".countdown")).to_have_text(re.compile(r"Sắp đóng, còn [12] giây"))
    expect(officer.word).to_have_text("Đã đóng")


def test_alarms_stand_under_the_word(officer: Officer, village: Village) -> None:
    """Alarms first; the rest is one tap away."""
    village.alarms("forced_open")
    with village.change() as gate:
        gate["processes"]["camera"]["alive"] = False
    trouble = officer.page.locator(".trouble")
    expect(trouble).to_contain_text("Cảnh báo: Cổng bị mở trái phép và 1 việc khác")
    trouble.get_by_role("button", name="Cảnh báo").click()
    officer.sees("Camera không chạy, đang khởi động lại")


def test_a_dead_gate_process_is_not_a_state(officer: Officer, village: Village) -> None:
    """The API may answer while the gate process does not: then nothing is known."""
    village.beat(gate_up=False)
    expect(officer.word).to_have_text("Mất tin từ cổng")


PHONES = [(360, 640), (375, 667), (390, 740), (412, 732), (390, 844)]
OVERLAPS = """() => {
    const parts = [".picture", ".state", ".notice", "main .stop", "[data-command=open]", "[data-command=close]"];
    const boxes = parts.map((part) => document.querySelector(part).getBoundingClientRect()).filter((box) => box.width);
    const meet = (a, b) => a.x < b.right - 1 && b.x < a.right - 1 && a.y < b.bottom - 1 && b.y < a.bottom - 1;
    return boxes.flatMap((a, place) => boxes.slice(place + 1).filter((b) => meet(a, b))).length;
}"""


@pytest.mark.parametrize("told", [False, True])
def test_nothing_scrolls_for_the_main_job(officer: Officer, village: Village, *, told: bool) -> None:
    """Picture, word, notice, DỪNG and both sliders are on the screen at once, on every screen; none covers another."""
    village.gate_is("stopped", "none")
    village.refusals["close"] = "beam_blocked"
    expect(officer.word).to_have_text("Dừng giữa chừng")
    parts = [officer.page.locator(".picture"), officer.word, officer.stop, *map(officer.slider, ("open", "close"))]
    if told:
        officer.slides("close")
        parts.append(officer.page.locator(".notice-words span"))
    for width, height in [*PHONES, (1280, 800), (844, 390)]:
        officer.page.set_viewport_size({"width": width, "height": height})
        for part in parts:
            expect(part).to_be_in_viewport(ratio=0.99)
        least_px = 120 if width < height else 96
        assert officer.page.evaluate("document.querySelector('.picture').clientHeight") >= least_px, (width, height)
        assert officer.page.evaluate(OVERLAPS) == 0, (width, height)
        for frame in ("document.documentElement", "document.querySelector('main')"):
            assert officer.page.evaluate(f"{frame}.scrollWidth <= {frame}.clientWidth"), (width, height)


def test_the_urgent_sheet_shows_what_is_not_what_was_asked(officer: Officer, village: Village) -> None:
    """The siren's switch is on when the gate says that the siren is on."""
    officer.goes_to("Khẩn cấp")
    siren = officer.page.get_by_role("switch", name="Còi")
    expect(siren).to_have_attribute("aria-checked", "false")
    siren.click()
    officer.page.get_by_role("button", name="Thôi").click()
    assert village.posted == []
    siren.click()
    officer.page.get_by_role("button", name="Bật còi").click()
    expect(siren).to_have_attribute("aria-checked", "true")
    assert village.snapshot["outputs"]["siren"] is True
    expect(officer.page.get_by_role("dialog").locator(".stop")).to_be_visible()


def test_a_siren_that_sounds_is_said_and_silenced_with_one_tap(officer: Officer, village: Village) -> None:
    """Who hears the siren finds on Cổng that it sounds, that it ends by itself, and the way to end it now."""
    with village.change() as gate:
        gate["outputs"]["siren"] = True
    line = officer.page.locator(".siren-line")
    expect(line).to_contain_text("Tự tắt sau 180 giây")
    line.get_by_role("button", name="Tắt còi").click()
    expect(line).to_be_hidden()
    assert village.snapshot["outputs"]["siren"] is False


def test_a_refusal_goes_with_its_cause(officer: Officer, village: Village) -> None:
    """What was in the gateway has gone: nothing says any more that something is there."""
    village.gate_is("open")
    with village.change() as gate:
        gate["inputs"]["beam"] = True
    village.refusals["close"] = "beam_blocked"
    expect(officer.slider("close")).to_contain_text("Có vật trước cổng")
    officer.slides("close")
    expect(officer.page.locator(".notice")).to_be_visible()
    with village.change() as gate:
        gate["inputs"]["beam"] = False
    expect(officer.page.locator(".notice")).to_be_hidden()
    expect(officer.slider("close")).to_have_text("Trượt để ĐÓNG")


def test_on_time_is_live_and_late_tells_its_age(phones: Phones, village: Village) -> None:
    """Beats come every 10 s: until 12 s there is no age to wonder at."""
    village.beat_s = 3600.0
    officer = phones.officer()
    officer.page.clock.install()
    officer.opens()
    fresh = officer.page.locator(".fresh")
    officer.waits(1)
    village.gate_is("open")
    expect(officer.word).to_have_text("Đã mở")
    officer.waits(11)
    expect(fresh).to_have_text("Trực tiếp")
    officer.waits(2)
    expect(fresh).to_have_text("13 giây trước")
