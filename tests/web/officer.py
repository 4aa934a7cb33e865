"""What an officer does with the page and sees on it, in their words."""

from __future__ import annotations

from typing import Self

from playwright.sync_api import Locator, Page, expect

from tests.web.village import Village

# A window's address bar starts a process of its own, which costs more than our page does; nobody types into it here.
# Ours replaces Playwright's list of such features, so what that has of use to a test stands here too.
WITHOUT = (
    "WebUIOmniboxPopup,WebUIOmniboxAimPopup,AvoidUnnecessaryBeforeUnloadCheckSync,AvoidCorsURLLoaderRestartOnRedirect,"
    "DestroyProfileOnBrowserClose,HttpsUpgrades,MediaRouter,NetworkTimeServiceQuerying,OptimizationHints,PaintHolding,"
    "ThirdPartyStoragePartitioning"
)
FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    f"--disable-features={WITHOUT}",
]


class Officer:
    """One person with one browser."""

    def __init__(self, page: Page, village: Village) -> None:
        self.page = page
        self.village = village

    def opens(self, address: str = "") -> Self:
        """Open the page and wait for the gate's first word."""
        self.page.goto(self.village.address + address)
        expect(self.page.locator(".fresh[data-trust=live]")).to_be_visible()
        return self

    @property
    def word(self) -> Locator:
        """The one big word."""
        return self.page.locator("#state-word")

    @property
    def stop(self) -> Locator:
        """DỪNG."""
        return self.page.locator("main .stop")

    def slider(self, command: str) -> Locator:
        """Return the slider that opens or closes."""
        return self.page.locator(f".slide[data-command={command}]")

    def slides(self, command: str, *, part: float = 0.85, arc_px: float = 40, let_go: bool = True) -> None:
        """Carry the knob over `part` of the track in an arc, as a thumb does."""
        box = self.slider(command).bounding_box()
        assert box
        x, y = box["x"] + 36, box["y"] + box["height"] / 2
        mouse = self.page.mouse
        mouse.move(x, y)
        mouse.down()
        for step in range(1, 9):
            done = step / 8
            mouse.move(x + box["width"] * part * done, y - arc_px * 4 * done * (1 - done))
            self.page.wait_for_timeout(20)
        if let_go:
            mouse.up()

    def swipes(self, command: str, *, part: float = 0.85, second_finger: bool = False) -> None:
        """Slide with a real finger: touch events, as a phone sends them."""
        box = self.slider(command).bounding_box()
        assert box
        x, y = box["x"] + 36, box["y"] + box["height"] / 2
        touch = self.page.context.new_cdp_session(self.page)

        def finger(kind: str, *points: tuple[float, float]) -> None:
            fingers = [{"x": at[0], "y": at[1], "id": number} for number, at in enumerate(points)]
            touch.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": fingers})
            self.page.wait_for_timeout(20)

        finger("touchStart", (x, y))
        for step in range(1, 9):
            along = (x + box["width"] * part * step / 8, y - 10 * step)
            if second_finger and step == 4:
                finger("touchStart", along, (x + 200, y))
            finger("touchMove", along, *([(x + 200, y)] if second_finger and step >= 4 else []))
        finger("touchEnd")

    def sees(self, words: str) -> None:
        """Expect these words somewhere on the screen."""
        expect(self.page.get_by_text(words).first).to_be_visible()

    def goes_to(self, name: str) -> None:
        """Tap an entry of the bottom bar."""
        self.page.locator(".nav > *").filter(has_text=name).click()

    def waits(self, seconds: float) -> None:
        """Let the page's clock run on, then stand still (the officer's phone must have its clock installed)."""
        self.page.clock.pause_at(self.page.evaluate("Date.now()") / 1000 + seconds)
