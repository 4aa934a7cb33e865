"""The pictures of README.md, taken anew from a simulated gate: `python -m tests.web.pictures`. Then look at them.

By day a car is let in; by night a crate in the gateway keeps the gate from closing; then the night's motorbike is
found. The site's time zone is one where it is that time of day now, so that pictures, words and times agree.
"""

from __future__ import annotations

import datetime as dt
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from playwright.sync_api import Browser, Page, expect, sync_playwright

from tests.program.program import Program
from tests.web.conftest import CHROMIUM
from tests.web.officer import FLAGS

PLACE = Path(__file__).parents[2] / "docs" / "images"
PHONE, DESK = (390, 844), (1280, 800)
PATIENCE_MS = 60_000
QUALITY = 75  # per cent, of a JPEG: at two pixels a point nobody sees it, and a PNG has three times the bytes
SLIDE = 0.85  # of the track


@contextmanager
def gate(hour: int) -> Iterator[Program]:
    """Start a simulated gate where it is that hour now."""
    east = (hour - dt.datetime.now(tz=dt.UTC).hour + 11) % 24 - 11
    overrides = (f'site.timezone="Etc/GMT{-east:+d}"',)  # the sign of these names is turned round
    with tempfile.TemporaryDirectory() as folder, Program(Path(folder), overrides=overrides) as program:
        yield program


def visit(browser: Browser, program: Program, theme: str) -> Page:
    """Pair a phone with the printed link, and wait for the picture."""
    context = browser.new_context(
        viewport={"width": PHONE[0], "height": PHONE[1]}, device_scale_factor=2, locale="vi-VN",
        color_scheme="dark" if theme == "dark" else "light",
    )  # fmt: skip
    context.set_default_timeout(PATIENCE_MS)
    page = context.new_page()
    page.add_init_script(f"localStorage.theme = '{theme}'")
    page.goto(f"{program.url}/#pair={program.pairing_code}")
    page.get_by_role("button", name="Ghép và vào").click()
    expect(page.locator(".picture[data-picture=live]")).to_be_visible()
    return page


def slide(page: Page, command: str) -> None:
    """Carry a slider's knob to its end."""
    box = page.locator(f".slide[data-command={command}]").bounding_box()
    assert box
    x, y = box["x"] + 36, box["y"] + box["height"] / 2
    page.mouse.move(x, y)
    page.mouse.down()
    page.mouse.move(x + box["width"] * SLIDE, y, steps=8)
    page.mouse.up()


def keep(page: Page, name: str) -> None:
    """Write what the page shows."""
    page.wait_for_timeout(700)  # the newest frame and the newest words
    page.screenshot(path=PLACE / name, type="jpeg", quality=QUALITY)
    sys.stdout.write(f"{name}: {(PLACE / name).stat().st_size} bytes\n")


def by_day(browser: Browser) -> None:
    """Open the gate for a car, on a phone; then look at it on a desk."""
    with gate(16) as program:
        page = visit(browser, program, "light")
        program.yard("car")
        page.wait_for_timeout(4000)
        slide(page, "open")
        expect(page.locator(".slide[data-command=open]")).to_contain_text("Đang chạy")
        page.wait_for_timeout(2000)
        keep(page, "page-phone.jpg")
        program.state_is("open")
        known = page.context.storage_state()
        page.close()
        desk = browser.new_context(viewport={"width": DESK[0], "height": DESK[1]}, storage_state=known).new_page()
        desk.goto(program.url)
        expect(desk.locator(".picture[data-picture=live]")).to_be_visible()
        program.yard("car", "out")
        desk.wait_for_timeout(5000)
        keep(desk, "page-desktop.jpg")


def by_night(browser: Browser) -> None:
    """Let a motorbike out; be refused because of a crate that stays behind; then find and play the motorbike."""
    with gate(23) as program:
        page = visit(browser, program, "dark")
        program.yard("night", "on")
        program.order("open")
        program.state_is("open")
        program.yard("motorbike", "out")
        page.wait_for_timeout(20_000)
        program.yard("crate", "on")
        program.yard("beam", "blocked")
        expect(page.locator(".trouble")).to_be_visible()
        slide(page, "close")
        expect(page.locator(".notice")).to_be_visible()
        keep(page, "page-refusal.jpg")
        page.goto(f"{program.url}/#nhat-ky")
        page.get_by_role("button", name="Tìm và lọc").click()
        page.get_by_role("button", name="Đêm 22:00").click()
        page.get_by_role("button", name="Tìm", exact=True).click()
        page.locator(".entries .entry").filter(has_text="Có chuyển động").last.click()
        page.wait_for_function("() => Number.isFinite(document.querySelector('dialog video')?.duration)")
        page.locator("dialog video").evaluate("film => { film.pause(); film.currentTime = film.duration - 7.5; }")
        keep(page, "page-clip.jpg")


def main() -> None:
    """Take them all."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        by_day(browser)
        by_night(browser)
        browser.close()


if __name__ == "__main__":
    main()
