"""The live picture: over all of the screen, and without a video decoder."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

from tests.web.conftest import Phones
from tests.web.officer import Officer
from tests.web.test_home import SIZES
from tests.web.village import Village


@pytest.mark.parametrize("size", [*SIZES, (844, 390)])
def test_a_tap_fills_the_screen_and_stop_stays(phones: Phones, village: Village, size: tuple[int, int]) -> None:
    """design/page.md: tap: full screen. The way back is another tap, Escape, or the phone's own."""
    village.camera = "video"
    officer = phones.officer(size=size).opens()
    page, picture = officer.page, officer.page.locator(".picture[data-picture=live]")
    small = picture.bounding_box()
    picture.click()
    expect(page.locator("body[data-large]")).to_be_visible()
    page.wait_for_function("Boolean(document.fullscreenElement)")
    large = picture.bounding_box()
    assert small
    assert large
    assert large["width"] * large["height"] > small["width"] * small["height"]
    expect(officer.stop).to_be_in_viewport(ratio=0.99)
    expect(page.locator(".badge")).to_contain_text("Đã đóng · ")
    page.screenshot(path=f"artefacts/large-{size[0]}.png")
    officer.stop.click()
    expect(officer.stop).to_contain_text("Đã dừng")
    page.evaluate("document.exitFullscreen()")  # as the phone's own way back does
    expect(page.locator("body[data-large]")).to_have_count(0)
    picture.click()
    page.wait_for_function("Boolean(document.fullscreenElement)")
    picture.click()
    expect(page.locator("body[data-large]")).to_have_count(0)
    page.wait_for_function("!document.fullscreenElement")


def test_a_browser_without_a_decoder_gets_single_pictures(phones: Phones, village: Village) -> None:
    """Issue 7: JPEG where VideoDecoder is missing; the video's socket is not even dialled, and a close asks nothing."""
    village.camera = "video"
    officer = phones.officer()
    officer.page.add_init_script("delete window.VideoDecoder")
    officer.opens()
    expect(officer.page.locator(".picture[data-picture=live]")).to_be_visible()
    assert not [url for url in phones.asked if "/camera/live" in url]
    village.gate_is("open")
    expect(officer.word).to_have_text("Đã mở")
    officer.slides("close")
    expect(officer.word).to_have_text("Đã đóng")


def test_an_old_picture_tells_its_age_and_proves_no_state(officer: Officer, village: Village) -> None:
    """design/page.md: stale: grey with the age across it; the corner keeps its time, without a state."""
    village.camera = "stale"
    expect(officer.page.locator(".across")).to_contain_text("Hình cũ, cách đây")
    expect(officer.page.locator(".badge")).not_to_contain_text("Đã đóng")


@pytest.mark.parametrize("size", [*SIZES, (844, 390)])
def test_what_must_be_known_is_said_beside_a_large_picture(
    phones: Phones, village: Village, size: tuple[int, int]
) -> None:
    """An alarm, and the state where the picture proves none: neither is hidden by the picture over all of the page."""
    village.camera = "stale"
    officer = phones.officer(size=size).opens()
    officer.page.locator(".picture").click()
    expect(officer.page.locator("body[data-large]")).to_be_visible()
    village.alarms("forced_open")
    for part in (officer.word, officer.stop, officer.page.locator(".trouble")):
        expect(part).to_be_in_viewport(ratio=0.99)
    officer.page.get_by_role("button", name="Đã nắm tin").click()
    expect(officer.page.locator(".trouble")).to_be_hidden()
    officer.page.screenshot(path=f"artefacts/large-stale-{size[0]}.png")
