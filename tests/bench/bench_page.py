"""The page in a real browser: its weight, how soon it is there on a cheap phone, how fast it answers, what it keeps.

A cheap phone on 3G is Chromium with a processor four times slower, 1.6 Mbit/s down, 0.75 up and 150 ms to an answer.
Each figure of a load stands beside that of a plain page in the same run: what the officer sees, as a file of HTML with
the same style sheet and no code, from the same server. Loads are cold: a new browser context each.

Two hours of an open page are two hours of its clock: every timer runs, a sign of life comes every ten seconds, the gate
moves every ten minutes, something passes by every minute. Heaps are compared after a garbage collection, the first one
after twenty minutes. That browser compiles nothing: compiled code grows for an hour, and the page holds nothing of it.
"""

from __future__ import annotations

import shutil
import statistics
import tempfile
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from playwright.sync_api import Browser, BrowserContext, Page, sync_playwright

from api.page import WEB, files
from api.page import Page as ServedPage
from tests.bench.bench_processes import Figures, promised
from tests.web.calls import served
from tests.web.officer import FLAGS, Officer
from tests.web.village import Village

CHROMIUM = "/usr/bin/chromium"
PHONE, DESK = (390, 844), (1280, 800)
LOADS = 7
CPU_RATE = 4
SLOW = {"offline": False, "latency": 150, "downloadThroughput": 1.6e6 / 8, "uploadThroughput": 0.75e6 / 8}
SETTLES_MS = 1500
INTERPRETS = "--js-flags=--no-opt --no-maglev --no-sparkplug"
HOURS, WARM_UP_MINUTES, EARLIER_EVENTS = 2, 20, 150
WATCH = """(() => {
  globalThis.told = { paint: 0, shift: 0, answers: {} };
  const each = (type, note, more) => new PerformanceObserver((list) => list.getEntries().forEach(note))
    .observe({ type, buffered: true, ...more });
  each("largest-contentful-paint", ({ startTime }) => { told.paint = startTime; });
  each("layout-shift", ({ value, hadRecentInput }) => { told.shift += hadRecentInput ? 0 : value; });
  each("event", ({ interactionId, duration }) => {
    if (interactionId) told.answers[interactionId] = Math.max(told.answers[interactionId] ?? 0, duration);
  }, { durationThreshold: 16 });
})()"""


TAPPED = (
    ".nav-urgent", "dialog .plain-button:last-of-type", ".nav a[href='#nhat-ky']", ".chip", ".nav a[href='#them']",
    ".nav a[href='#cong']", "main .stop", ".picture", ".picture",
)  # fmt: skip


@dataclass(kw_only=True)
class Load:
    """What one cold load took."""

    requests: Counter[str] = field(default_factory=Counter)
    received: int = 0
    paint_ms: float = 0.0
    shift: float = 0.0


def measure(loads: int = LOADS, hours: float = HOURS) -> Figures:
    """Return every figure of the page."""
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as playwright, _village(Path(folder)) as village:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        bench = _Bench(browser=browser, village=village, folder=Path(folder))
        figures = _weight() | bench.first_load() | bench.slow_loads(loads) | bench.answers()
        browser.close()
        plodding = playwright.chromium.launch(executable_path=CHROMIUM, args=[*FLAGS, INTERPRETS])
        figures |= _Bench(browser=plodding, village=village, folder=Path(folder)).open_for(hours)
        plodding.close()
        return figures


@contextmanager
def _village(folder: Path) -> Iterator[Village]:
    """Serve a village where a few things have happened."""
    with served(Village(folder / "media")) as village:
        village.camera = "video"
        village.motion(ago_s=300)
        village.tell("alarm_raised", {"alarm": "left_open", "id": "1", "reminder": 0}, ago_s=600)
        yield village


def _weight() -> Figures:
    """Return what all code weighs, compressed as it is sent."""
    scripts = {name: len(file.gzipped or file.plain) for name, file in files().items() if name.endswith(".js")}
    figures: Figures = {f"javascript_{name}_bytes": size for name, size in sorted(scripts.items())}
    total = sum(scripts.values())
    return figures | {"javascript_bytes": total} | promised("javascript", total, 45_000, "bytes")


@dataclass(frozen=True, kw_only=True)
class _Bench:
    browser: Browser
    village: Village
    folder: Path

    def first_load(self) -> Figures:
        """Return requests and bytes until the view is whole, on an unhindered network, beside a plain page."""
        figures: Figures = {}
        for name, size in (("phone", PHONE), ("desk", DESK)):
            load = self._load(size, slow=False)
            figures |= {
                f"first_load_{name}_requests": load.requests.total(),
                f"first_load_{name}_bytes": load.received,
                **promised(f"first_load_{name}_requests", load.requests.total(), 14, "requests"),
                **promised(f"first_load_{name}_bytes", load.received, 110_000, "bytes"),
            }
            plain = self._load(size, slow=False, plain=True)
            figures |= {
                f"first_load_{name}_plain_requests": plain.requests.total(),
                f"first_load_{name}_plain_bytes": plain.received,
            }
        return figures

    def slow_loads(self, loads: int) -> Figures:
        """Return largest paint and layout shift on the cheap phone, ours and a plain page in turns."""
        ours, plain = list[Load](), list[Load]()
        for _ in range(loads):
            ours.append(self._load(PHONE, slow=True))
            plain.append(self._load(PHONE, slow=True, plain=True))
        paint = statistics.median(one.paint_ms for one in ours)
        shift = max(one.shift for one in ours)
        return {
            "slow_largest_paint_ms": round(paint),
            "slow_largest_paint_max_ms": round(max(one.paint_ms for one in ours)),
            "slow_largest_paint_plain_ms": round(statistics.median(one.paint_ms for one in plain)),
            **promised("slow_largest_paint", paint, 2000, "ms"),
            "slow_layout_shift": shift,
            **promised("slow_layout_shift", shift, 0, ""),
        }

    def answers(self) -> Figures:
        """Return how long a touch waits for the next paint on the cheap phone, the worst of what an officer does."""
        with self._phone(PHONE) as context:
            officer = self._officer(context, slow=True)
            page = officer.page
            for _ in range(3):
                for selector in TAPPED:
                    page.locator(selector).first.tap()
                    page.wait_for_timeout(600)
                officer.swipes("open")
                page.wait_for_timeout(1500)
                officer.swipes("close")
                page.wait_for_timeout(1500)
            seen = sorted(page.evaluate("Object.values(told.answers)"))
        worst = seen[-1] if seen else 0.0
        return {
            "slow_answers_slower_than_16_ms": len(seen),
            "slow_answer_p50_ms": statistics.median(seen) if seen else 0.0,
            "slow_answer_max_ms": worst,
            **promised("slow_answer_max", worst, 200, "ms"),
        }

    def open_for(self, hours: float) -> Figures:
        """Return by how much the page's heap grew while it was left open, on a phone and on a desk."""
        figures: Figures = {}
        for name, size in (("phone", PHONE), ("desk", DESK)):
            self.village.reset()
            for minute in range(EARLIER_EVENTS):
                self.village.motion(ago_s=60 * minute)
            with self._phone(size) as context:
                page = context.new_page()
                page.clock.install()
                officer = Officer(page, self.village).opens()
                devtools = context.new_cdp_session(page)
                self._minutes_pass(officer, WARM_UP_MINUTES)
                before = _heap(devtools)
                self._minutes_pass(officer, round(hours * 60))
                after = _heap(devtools)
            grown = 100 * (after["heap"] / before["heap"] - 1)
            figures |= {
                f"open_{name}_hours": hours,
                f"open_{name}_heap_at_first_kb": round(before["heap"] / 1000),
                f"open_{name}_heap_grown_percent": round(grown, 2),
                f"open_{name}_elements": f"{before['nodes']} → {after['nodes']}",
                f"open_{name}_listeners": f"{before['listeners']} → {after['listeners']}",
                **promised(f"open_{name}_heap_grown", grown, 5, "%"),
            }
        return figures

    def _minutes_pass(self, officer: Officer, minutes: int) -> None:
        """Let the page's clock run, second by second, while life goes on in the village."""
        for minute in range(minutes):
            for second in range(60):
                if second % 10 == 0:
                    self.village.beat()
                officer.page.clock.run_for(1000)
            self.village.motion(ago_s=0)
            if minute % 10 == 9:
                self.village.gate_is("open" if self.village.snapshot["state"] == "closed" else "closed")

    def _load(self, size: tuple[int, int], *, slow: bool, plain: bool = False) -> Load:
        """Load the page once, or a plain page with what it shows."""
        with self._phone(size) as context:
            page, load = context.new_page(), Load()
            if plain:
                self._make_plain(size)
            devtools = _watched(page, load, slow=slow)
            if plain:
                page.goto(f"{self.village.address}plain.html")
                page.wait_for_timeout(SETTLES_MS)
            else:
                Officer(page, self.village).opens()
                page.wait_for_timeout(SETTLES_MS)
            told = page.evaluate("told")
            load.paint_ms, load.shift = told["paint"], told["shift"]
            devtools.detach()
        return load

    def _make_plain(self, size: tuple[int, int]) -> None:
        """Have the village serve, beside the page, what the page shows as mere HTML; made once for a size."""
        folder = self.folder / f"plain-{size[0]}"
        if not folder.exists():
            with self._phone(size) as context:
                shown = Officer(context.new_page(), self.village).opens()
                shown.page.wait_for_timeout(SETTLES_MS)
                body = shown.page.evaluate("document.getElementById('app').outerHTML")
            shutil.copytree(WEB, folder)
            head = '<!doctype html><html lang="vi" data-theme="dark"><head><meta charset="utf-8"><title>Cổng</title>'
            head += '<meta name="viewport" content="width=device-width"><link rel="stylesheet" href="style.css"></head>'
            (folder / "plain.html").write_text(f"{head}<body>{body}</body></html>", encoding="utf-8")
        self.village.page = ServedPage(folder)

    @contextmanager
    def _phone(self, size: tuple[int, int]) -> Iterator[BrowserContext]:
        context = self.browser.new_context(
            viewport={"width": size[0], "height": size[1]}, has_touch=size == PHONE, locale="vi-VN",
            service_workers="block",
        )  # fmt: skip
        context.set_default_timeout(60_000)
        token = self.village.sign_in("commander")
        context.add_cookies([{"name": "antt", "value": token, "url": self.village.address}])
        context.add_init_script(WATCH)
        yield context
        context.close()

    def _officer(self, context: BrowserContext, *, slow: bool) -> Officer:
        page = context.new_page()
        _watched(page, Load(), slow=slow)
        return Officer(page, self.village).opens()


def _watched(page: Page, load: Load, *, slow: bool) -> Any:  # noqa: ANN401 - Playwright's CDP session has no types
    """Count what the page asks for and gets; `slow`: as a cheap phone on 3G."""
    devtools: Any = page.context.new_cdp_session(page)
    devtools.send("Network.enable")
    if slow:
        devtools.send("Network.emulateNetworkConditions", SLOW)
        devtools.send("Emulation.setCPUThrottlingRate", {"rate": CPU_RATE})

    def receive(told: dict[str, Any]) -> None:
        load.received += told.get("encodedDataLength", 0) or told.get("response", {}).get("encodedDataLength", 0)

    devtools.on("Network.responseReceived", receive)
    devtools.on("Network.dataReceived", receive)
    page.on("request", lambda request: load.requests.update([urlsplit(request.url).path]))
    page.on("websocket", lambda socket: load.requests.update([urlsplit(socket.url).path]))
    return devtools


def _heap(devtools: Any) -> dict[str, int]:  # noqa: ANN401 - as above
    """Return the bytes in use after a collection, and what of the document is held."""
    for _ in range(3):
        devtools.send("HeapProfiler.collectGarbage")
    used = devtools.send("Runtime.getHeapUsage")["usedSize"]
    held = devtools.send("Memory.getDOMCounters")
    return {"heap": int(used), "nodes": held["nodes"], "listeners": held["jsEventListeners"]}
