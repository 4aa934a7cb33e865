"""A phone in a pocket: random short touches at random places, on every view, while the gate is in every mode.

`python -m tests.web.pocket` touches 10,000 times and slides 100 times; `tests/web/test_pocket.py` tells a slice of it.
Half of the touches aim at something that can be touched: a pocket that is as clumsy as it gets. Whoever carries these
phones is a commander who has just proved who they are, so that nothing but the gesture stands before the gate.
"""

from __future__ import annotations

import argparse
import random
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from playwright.sync_api import Browser, expect, sync_playwright

from tests.web.calls import served
from tests.web.conftest import CHROMIUM, PATIENCE_MS, Phones
from tests.web.officer import FLAGS, Officer
from tests.web.village import Plain, Village

TOUCHES, SLIDES = 10_000, 100
CARRIED = 4  # phones at once
TOLD_EVERY = 400
ROUNDS = 20  # of touches until the gate is in another mode and the phones are on other views
SHORTEST_MS, LONGEST_MS = 10, 300
MOVES_NOTHING = {"stop", "light_on", "light_off", "siren_off", "acknowledge"}
VIEWS = ("#cong", "#cong", "#nhat-ky", "#them", "urgent", "urgent")
SCENES: tuple[Plain, ...] = (
    {"state": "closed", "mode": "normal", "health": "ok"},
    {"state": "open", "mode": "normal", "health": "ok"},
    {"state": "closed", "mode": "lockdown", "health": "ok"},
    {"state": "open", "mode": "emergency_open", "health": "ok"},
    {"state": "open", "mode": "hold_open", "health": "ok"},
    {"state": "stopped", "mode": "normal", "health": "soft_lock"},
)
INSIDE = """for (const kind of ["pointerdown", "mousedown", "touchend", "click"]) {
    addEventListener(kind, (event) => {
        const outside = "select, input[type=date], input[type=time], a[href^='tel:'], a[href^='tel:'] *";
        if (event.cancelable && event.target.matches?.(outside)) event.preventDefault();
    }, { capture: true, passive: false });
}"""
"""Pickers and the dialler lie outside the page, and DevTools waits for the next touch until somebody closes them."""
TARGETS = """() => [...(document.querySelector("dialog:last-of-type") ?? document).querySelectorAll("button, a, input")]
    .map((each) => each.getBoundingClientRect()).filter((box) => box.width && box.bottom > 0 && box.top < innerHeight)
    .map(({x, y, width, height}) => [x, y, width, height])"""


@dataclass(frozen=True, kw_only=True)
class Touch:
    """Where a finger comes down and where it goes up."""

    start: tuple[float, float]
    end: tuple[float, float]


class Finger:
    """Real touches, as a phone sends them."""

    def __init__(self, officer: Officer) -> None:
        self._page = officer.page
        self._touch = officer.page.context.new_cdp_session(officer.page)
        self._down_s = 0.0

    def down(self, x: float, y: float) -> None:
        self._down_s = time.time()
        self._send("touchStart", self._down_s, (x, y))

    def move(self, x: float, y: float) -> None:
        self._send("touchMove", time.time(), (x, y))

    def up(self, after_ms: float | None = None) -> None:
        """Lift the finger; `after_ms`: when that was by the touch's own time, however late a busy machine brings it."""
        self._send("touchEnd", time.time() if after_ms is None else self._down_s + after_ms / 1000)

    def _send(self, kind: str, at_s: float, *points: tuple[float, float]) -> None:
        fingers = [{"x": x, "y": y, "id": number} for number, (x, y) in enumerate(points)]
        self._touch.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": fingers, "timestamp": at_s})


class Pocket:
    """Some phones of one commander, and what chance does with them."""

    def __init__(self, phones: Phones, village: Village, *, carried: int = CARRIED, seed: int = 7) -> None:
        self._village = village
        self._chance = random.Random(seed)
        self._officers = [phones.officer() for _ in range(carried)]
        for officer in self._officers:
            officer.page.add_init_script(INSIDE)
        self._fingers = [Finger(officer) for officer in self._officers]

    def touch(self, count: int) -> list[str]:
        """Touch `count` times; return every order that could move the gate."""
        self._village.camera = "none"
        ordered: list[str] = []
        for done in range(0, count, len(self._officers)):
            if done // len(self._officers) % ROUNDS == 0:
                ordered += self._look_elsewhere()
            self._touch_once()
        return ordered + self._taken()

    def slide(self, count: int) -> int:
        """Slide `count` times as a thumb does; return how often the gate arrived."""
        with self._village.change() as gate:
            gate.update(mode="normal", health="ok", reasons=[], alarms=[])
        self._village.gate_is("closed")
        self._village.travel_s, self._village.camera = 0.05, "video"
        for officer in self._officers:
            self._opens(officer, "#cong")
        self._village.posted.clear()
        arrived = 0
        for number in range(count):
            place = number // 2 % len(self._officers)
            command, there = (("open", "Đã mở"), ("close", "Đã đóng"))[number % 2]
            officer = self._officers[place]
            expect(officer.slider(command)).not_to_have_attribute("aria-disabled", "true")
            expect(officer.page.locator(".picture[data-picture=live]")).to_be_visible()
            self._slide_once(officer, self._fingers[place], command)
            expect(officer.word).to_have_text(there)
            arrived += len(self._taken()) == 1
        return arrived

    def _taken(self) -> list[str]:
        orders = [str(order["command"]) for order in self._village.posted]
        self._village.posted.clear()
        return [order for order in orders if order not in MOVES_NOTHING]

    def _look_elsewhere(self) -> list[str]:
        """Put the gate into another mode and each phone on some view; return what was ordered until then."""
        ordered = self._taken()
        scene = self._chance.choice(SCENES)
        self._village.gate_is(scene["state"])
        with self._village.change() as gate:
            gate.update(scene, reasons=["soft_lock"] if scene["health"] != "ok" else [])
        self._village.alarms(*self._chance.choice(((), ("forced_open",))))
        for officer in self._officers:
            self._opens(officer, self._chance.choice(VIEWS))
        return ordered

    def _opens(self, officer: Officer, view: str) -> None:
        """Open a view with a session that holds: a pocket may have signed out."""
        context = officer.page.context
        context.add_cookies([{"name": "antt", "value": self._village.sign_in(), "url": self._village.address}])
        officer.page.goto("about:blank")
        officer.opens("" if view == "urgent" else view)
        if view == "urgent":
            officer.goes_to("Khẩn cấp")

    def _touch_once(self) -> None:
        """Touch every phone at about the same time."""
        touches = [self._somewhere(officer) for officer in self._officers]
        for finger, touch in zip(self._fingers, touches, strict=True):
            finger.down(*touch.start)
        for_ms = self._chance.uniform(SHORTEST_MS, LONGEST_MS)
        self._officers[0].page.wait_for_timeout(for_ms)
        for finger, touch in zip(self._fingers, touches, strict=True):
            if touch.end != touch.start:
                finger.move(*touch.end)
            finger.up(for_ms)

    def _somewhere(self, officer: Officer) -> Touch:
        chance, size = self._chance, officer.page.viewport_size
        assert size
        boxes: Sequence[Sequence[float]] = officer.page.evaluate(TARGETS) if chance.random() < 0.5 else ()
        left, top, width, height = chance.choice(boxes) if boxes else (0, 0, size["width"], size["height"])
        x, y = left + chance.random() * width, top + chance.random() * height
        drift = chance.choice(((0, 0), (0, 0), (chance.uniform(-90, 90), chance.uniform(-40, 40))))
        return Touch(start=(x, y), end=(x + drift[0], y + drift[1]))

    def _slide_once(self, officer: Officer, finger: Finger, command: str) -> None:
        """Carry the knob: begun anywhere on it, in some arc, in 0.2 to 0.8 s, to somewhere beyond the mark."""
        box, chance = officer.slider(command).bounding_box(), self._chance
        assert box
        x, y = box["x"] + chance.uniform(6, 66), box["y"] + chance.uniform(8, box["height"] - 8)
        far, arc, steps = box["width"] * chance.uniform(0.73, 0.8), chance.uniform(-100, 60), chance.randint(5, 20)
        finger.down(x, y)
        pause_ms = chance.uniform(200, 800) / steps
        for step in range(1, steps + 1):
            done = step / steps
            officer.page.wait_for_timeout(pause_ms)
            finger.move(x + far * done, y + arc * 4 * done * (1 - done))
        finger.up()


def campaign(browser: Browser, touches: int, slides: int) -> bool:
    """Touch and slide; print what came of it; tell whether the page did as it must."""
    with tempfile.TemporaryDirectory(prefix="antt-pocket-") as folder, served(Village(Path(folder))) as village:
        phones = Phones(browser, village)
        pocket = Pocket(phones, village)
        moved: list[str] = []
        for done in range(0, touches, TOLD_EVERY):
            moved += pocket.touch(min(TOLD_EVERY, touches - done))
            told = f"{min(done + TOLD_EVERY, touches)} short touches moved the gate {len(moved)} times"
            print(told, *sorted(set(moved)), flush=True)
        arrived = pocket.slide(slides)
        print(f"{arrived} of {slides} slides moved it", flush=True)
        phones.hang_up()
    return not moved and arrived == slides


def main() -> int:
    """Run the campaign."""
    wanted = argparse.ArgumentParser(description=__doc__)
    wanted.add_argument("--touches", type=int, default=TOUCHES)
    wanted.add_argument("--slides", type=int, default=SLIDES)
    given = wanted.parse_args()
    expect.set_options(timeout=PATIENCE_MS)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        good = campaign(browser, given.touches, given.slides)
        browser.close()
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
