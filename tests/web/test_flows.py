"""Issue 7: what goes wrong in an officer's hand, on a phone and on a laptop. Screens stay in artefacts/."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import expect

from tests.web.conftest import Phones
from tests.web.officer import Officer
from tests.web.test_home import OVERLAPS, SIZES
from tests.web.village import Village

FAINT = re.compile(r"grayscale\(1\)")
OUTSIDE = """() => [...document.querySelectorAll("#app *, dialog *")].filter((each) => {
    const box = each.getBoundingClientRect();
    const cut = each.closest(".slide, .chips, .day") && !each.matches(".slide");
    return box.width && !cut && (box.right > innerWidth + 1 || box.left < -1);
}).map((each) => each.className || each.tagName)"""


@pytest.fixture(params=SIZES, ids=["phone", "laptop"])
def watching(request: pytest.FixtureRequest, phones: Phones, village: Village) -> Officer:
    """Return an officer who sees the gate live."""
    village.camera = "video"
    officer = phones.officer(size=request.param).opens()
    expect(officer.page.locator(".picture[data-picture=live]")).to_be_visible()
    return officer


def kept(officer: Officer, name: str) -> None:
    """Keep the screen."""
    size = officer.page.viewport_size
    assert size
    officer.page.screenshot(path=f"artefacts/flow-{name}-{size['width']}.png")


def nothing_to_slide(officer: Officer) -> None:
    """Expect that both sliders are shut, and that DỪNG is not."""
    for command in ("open", "close"):
        expect(officer.slider(command)).to_have_attribute("aria-disabled", "true")
    expect(officer.stop).to_be_enabled()


def test_a_refusal(watching: Officer, village: Village) -> None:
    """Why, whether it moved, what next; and the gate is shown as it was."""
    village.gate_is("open")
    village.refusals["close"] = "beam_blocked"
    expect(watching.word).to_have_text("Đã mở")
    watching.slides("close")
    lines = watching.page.locator(".notice-words > *")
    expect(lines).to_have_text(
        ["Có vật trước cổng, chưa đóng được", "Cổng không chạy. Chờ lối cổng trống rồi trượt lại."]
    )
    expect(watching.slider("close")).to_contain_text("Cổng không nhận lệnh")
    expect(watching.word).to_have_text("Đã mở")
    kept(watching, "refusal")


def test_a_dead_gate_process(watching: Officer, village: Village) -> None:
    """No state is shown as known; what was wrong before is still told, as before; the way out is at the cabinet."""
    village.alarms("forced_open")
    expect(watching.page.locator(".trouble")).to_contain_text("Cảnh báo: Cổng bị mở trái phép")
    village.beat(gate_up=False)
    expect(watching.word).to_have_text("Mất tin từ cổng")
    watching.sees("cần gấp thì thao tác tại tủ")
    expect(watching.page.locator(".trouble")).to_contain_text("Trước đó: Cổng bị mở trái phép")
    expect(watching.page.get_by_role("button", name="Đã nắm tin")).to_be_hidden()
    nothing_to_slide(watching)
    kept(watching, "dead-gate")
    village.beat(gate_up=True)
    village.publish()
    expect(watching.word).to_have_text("Đã đóng")


def test_a_dead_camera(watching: Officer, village: Village) -> None:
    """The last picture turns grey with its age across, the gate still opens, and a close asks who sees it."""
    village.camera = "none"
    with village.change() as gate:
        gate["processes"]["camera"].update(alive=False, restarts=2)
    expect(watching.page.locator(".across")).to_contain_text("Hình cũ, cách đây")
    expect(watching.page.locator(".picture canvas")).to_have_css("filter", FAINT)
    watching.sees("Camera không chạy, đang khởi động lại")
    kept(watching, "dead-camera")
    watching.slides("open")
    expect(watching.word).to_have_text("Đã mở")
    watching.slides("close")
    question = watching.page.get_by_role("dialog", name="Có nhìn thấy cổng không?")
    expect(question).to_contain_text("Hình camera đã cũ, cách đây")
    kept(watching, "dead-camera-close")
    question.get_by_role("button", name="Không thấy, vẫn đóng").click()
    expect(watching.word).to_have_text("Đã đóng")
    assert [(order["command"], order.get("sighted")) for order in village.posted] == [("open", None), ("close", False)]


def test_a_lost_network(watching: Officer, village: Village) -> None:
    """Everything greys and says since when; a stop is tried all the same, and told; then all is live again."""
    watching.page.context.set_offline(True)
    expect(watching.word).to_have_text("Mất kết nối")
    expect(watching.page.locator(".fresh")).to_have_text(re.compile(r"^Từ \d\d:\d\d:\d\d$"))
    watching.sees("Lần cuối biết: Đã đóng, lúc")
    expect(watching.page.locator(".picture canvas")).to_have_css("filter", FAINT)
    nothing_to_slide(watching)
    watching.stop.click()
    expect(watching.stop).to_contain_text("Đang gửi")
    kept(watching, "lost-network")
    watching.page.context.set_offline(False)
    expect(watching.word).to_have_text("Đã đóng")
    expect(watching.stop).to_contain_text("Đã dừng")
    assert len({order["key"] for order in village.posted}) == 1


def test_a_second_phone_moves_the_gate(watching: Officer, phones: Phones, village: Village) -> None:
    """Each screen says that it moves, and who began it; who was a moment late is told to look again."""
    village.travel_s = 1.0
    other = phones.officer().opens()
    other.slides("open")
    for officer in (other, watching):
        expect(officer.word).to_have_text("Đang mở")
    watching.sees("Trần Văn An")
    kept(watching, "second-phone")
    expect(watching.word).to_have_text("Đã mở")
    village.refusals["close"] = "stale_sequence"
    watching.slides("close")
    watching.sees("Cổng vừa đổi trạng thái, xem lại rồi thao tác")
    watching.sees("Nhìn lại trạng thái rồi trượt lại.")


def test_a_revoked_phone(watching: Officer, village: Village) -> None:
    """The page goes back to the sign-in by itself, says why, and shows the gate no more."""
    village.sessions.clear()
    village.close_streams()
    watching.sees("Phiên đã hết hoặc điện thoại này đã bị gỡ")
    expect(watching.page.locator(".home")).to_have_count(0)
    expect(watching.page.get_by_label("Tên đăng nhập")).to_be_visible()
    kept(watching, "revoked")


def test_a_session_that_expires_in_mid_move(watching: Officer, village: Village) -> None:
    """The gate goes on, and the officer is told so and where it can be stopped now."""
    village.travel_s = 3.0
    watching.slides("open")
    expect(watching.word).to_have_text("Đang mở")
    village.sessions.clear()
    village.close_streams()
    watching.sees("Phiên đã hết khi cổng đang chạy; cổng vẫn chạy tiếp.")
    kept(watching, "expired-moving")
    watching.page.get_by_label("Tên đăng nhập").fill("an")
    watching.page.get_by_label("Mật khẩu").fill("mat-khau-dai")
    watching.page.keyboard.press("Enter")
    expect(watching.word).to_have_text(re.compile("^Đang mở|Đã mở$"))


def test_a_stop_in_an_expired_session(watching: Officer, village: Village) -> None:
    """A stop that the server did not take is never passed over: it may not be done, and the gate has a button."""
    village.travel_s = 3.0
    watching.slides("open")
    expect(watching.word).to_have_text("Đang mở")
    village.sessions.clear()
    watching.stop.click()
    watching.sees("lệnh vừa rồi có thể chưa được thực hiện. Cần gấp thì thao tác tại cổng")
    assert [order["command"] for order in village.posted] == ["open"]


def test_text_at_200_percent(watching: Officer, village: Village) -> None:
    """WCAG 1.4.4: nothing is cut off sideways, DỪNG is always in sight, and the gate is opened as ever."""
    page = watching.page
    page.context.new_cdp_session(page).send("Page.setFontSizes", {"fontSizes": {"standard": 32, "fixed": 26}})
    village.alarms("forced_open", "beam_tamper")
    expect(page.locator(".trouble")).to_be_visible()
    assert watching.word.evaluate("word => parseFloat(getComputedStyle(word).fontSize)") >= 40
    assert page.evaluate(OUTSIDE) == []
    expect(watching.stop).to_be_in_viewport(ratio=0.99)
    kept(watching, "text-200")
    watching.slider("open").scroll_into_view_if_needed()
    expect(watching.stop).to_be_in_viewport(ratio=0.99)
    watching.slides("open", arc_px=0)
    expect(watching.word).to_have_text("Đã mở")
    watching.goes_to("Khẩn cấp")
    expect(page.get_by_role("dialog", name="Khẩn cấp")).to_be_visible()
    assert page.evaluate(OUTSIDE) == []
    kept(watching, "text-200-urgent")
    page.keyboard.press("Escape")
    page.locator(".picture").click()
    expect(page.locator("body[data-large]")).to_be_visible()
    assert page.locator(".picture").evaluate("box => box.clientHeight") >= 120
    expect(watching.stop).to_be_in_viewport(ratio=0.99)


def test_nothing_overlaps_when_the_word_is_long(phones: Phones, village: Village) -> None:
    """design/page.md: the one big word has 40 px or more, also where it takes two lines."""
    officer = phones.officer().opens()
    village.gate_is("stopped", "none")
    expect(officer.word).to_have_text("Dừng giữa chừng")
    assert officer.word.evaluate("word => parseFloat(getComputedStyle(word).fontSize)") >= 40
    assert officer.page.evaluate(OVERLAPS) == 0
