"""What an officer sees, and how late: the whole program and a real browser, beside a plain page in the same run.

Glass to glass: the scene writes into each picture when it was drawn (`camera.timecode`); what Chromium shows on its
screen is recorded (DevTools' screencast, with the time at which each frame was swapped in) and read back from those
pixels. Drawing, encoding, two sockets, decoding, the page and the compositor are all in it.

State to word: from the edge of the open relay in the trace of the mock pins to the frame that shows the new word.

The plain pages beside ours are the least that does the same: a WebSocket, a decoder and a canvas; an EventSource and a
heading.
"""

from __future__ import annotations

import base64
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import cv2
import httpx
import numpy as np
from playwright.sync_api import Browser, Page, expect, sync_playwright

from gate.client import new_id
from gate.model import Role
from tests.bench.bench_live import percentile, spread
from tests.bench.bench_processes import Figures, promised
from tests.bench.page_server import sessions
from tests.camera.timecode import read
from tests.fakes import wait_until
from tests.program.program import Program
from tests.web.conftest import CHROMIUM
from tests.web.officer import FLAGS

SCENE = ("camera.size=[1280,720]", "camera.timecode=true", "mqtt.enabled=false", "recording.enabled=false")
GLASS_BOUND_MS, WORD_BOUND_MS = 500.0, 150.0
TURNS, WATCHED_S, WARM_UP_S = 4, 10.0, 2.0
LEAST, PATIENCE = 5, 150  # frames; tenths of a second that a machine at its limit is waited for
MOVES = 40
NEAR, FAR = 0.1, 0.6
API = "/api/v1"
WORDS = {1: ("Đang mở", "opening"), 0: ("Dừng giữa chừng", "stopped")}  # by the level of the open relay
PLAIN_PICTURE = """() => {
  const canvas = Object.assign(document.createElement("canvas"), { width: 1280, height: 720 });
  canvas.style.width = "811px"; // as large as ours
  document.body.replaceChildren(canvas);
  const paint = canvas.getContext("2d");
  const socket = new WebSocket(`ws://${location.host}/api/v1/camera/live`);
  let decoder = null, keyed = false;
  const output = (frame) => { paint.drawImage(frame, 0, 0, 1280, 720); frame.close(); };
  socket.binaryType = "arraybuffer";
  socket.onmessage = ({ data }) => {
    if (typeof data === "string") {
      const { type, codec } = JSON.parse(data);
      if (type !== "config") return;
      keyed = false;
      decoder = new VideoDecoder({ output, error: console.error });
      decoder.configure({ codec, optimizeForLatency: true });
      return;
    }
    const view = new DataView(data), key = view.getUint8(0) === 1;
    if (!decoder || !(keyed ||= key)) return;
    const timestamp = Number(view.getBigUint64(5)) * 1000;
    decoder.decode(new EncodedVideoChunk({ type: key ? "key" : "delta", timestamp, data: new Uint8Array(data, 13) }));
  };
}"""
PLAIN_WORD = """() => {
  const word = Object.assign(document.createElement("h1"), { id: "state-word" });
  document.body.replaceChildren(word);
  const listen = new EventSource("/api/v1/gate/events");
  listen.addEventListener("state", ({ data }) => { word.textContent = JSON.parse(data).state; });
}"""
HEED = """() => {
  globalThis.shown = [];
  new MutationObserver(() => requestAnimationFrame(() => {
    const words = document.querySelector("#state-word").textContent;
    const channel = new MessageChannel(); // its message comes after the frame was painted
    channel.port1.onmessage = () => shown.push([performance.now(), words]);
    channel.port2.postMessage(null);
  })).observe(document.querySelector("#state-word"), { characterData: true, childList: true, subtree: true });
}"""


class Screen:
    """What Chromium showed of one page: when each picture was on the screen, and when it had been drawn."""

    def __init__(self, page: Page) -> None:
        self._box: dict[str, float] = page.evaluate("document.querySelector('canvas').getBoundingClientRect().toJSON()")
        self._session = page.context.new_cdp_session(page)
        self._session.on("Page.screencastFrame", self._take)
        self.frames: list[tuple[float, bytes]] = []

    def record(self, page: Page, for_s: float) -> None:
        """Record for a while."""
        self._session.send("Page.startScreencast", {"format": "jpeg", "quality": 90, "everyNthFrame": 1})
        page.wait_for_timeout(for_s * 1000)
        for _ in range(PATIENCE):
            if len(self.frames) < LEAST:
                page.wait_for_timeout(100)
        self._session.send("Page.stopScreencast")
        self._session.remove_listener("Page.screencastFrame", self._take)
        page.wait_for_timeout(300)  # for the acknowledgements that are on their way

    def ages_ms(self) -> tuple[list[float], int]:
        """Return how old each picture was when it came on the screen, and how many frames could not be read."""
        wall_of_mono_s = time.time() - time.monotonic()
        ages, unread, before_s = list[float](), 0, 0.0
        for shown_s, jpeg in self.frames:
            drawn_s = read(self._cut(jpeg))
            if drawn_s is None:
                unread += 1
            elif drawn_s != before_s:
                ages.append((shown_s - wall_of_mono_s - drawn_s) * 1000)
                before_s = drawn_s
        return ages[1:], unread

    def _cut(self, jpeg: bytes) -> np.ndarray[tuple[int, int], np.dtype[np.uint8]]:
        whole = cv2.imdecode(np.frombuffer(jpeg, np.uint8), cv2.IMREAD_GRAYSCALE)
        assert whole is not None
        left, top, width, height = (round(self._box[side]) for side in ("x", "y", "width", "height"))
        return np.asarray(whole[top : top + height, left : left + width], np.uint8)

    def _take(self, frame: dict[str, Any]) -> None:
        self._session.send("Page.screencastFrameAck", {"sessionId": frame["sessionId"]})
        self.frames.append((float(frame["metadata"]["timestamp"]), base64.b64decode(frame["data"])))


def measure(turns: int = TURNS, watched_s: float = WATCHED_S, moves: int = MOVES) -> Figures:
    """Return how late an officer sees the gate."""
    with tempfile.TemporaryDirectory(prefix="antt-bench-") as name, sync_playwright() as playwright:
        folder = Path(name)
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        figures = measured(browser, folder, turns, watched_s, moves)
        browser.close()
    return figures


def measured(browser: Browser, folder: Path, turns: int, watched_s: float, moves: int) -> Figures:
    """Run a gate in `folder` and look at it with this browser."""
    with Program(folder, overrides=SCENE) as program:
        wait_until((folder / "snapshot.jpg").exists, 30, "a first picture")
        program.state_is("closed", 30)
        ours, plain, hand = sessions(folder, 3, Role.OPERATOR)
        figures = glass_to_glass(browser, program.url, (ours, plain), turns, watched_s)
        return figures | state_to_word(browser, program, (ours, plain), hand, moves)


def glass_to_glass(browser: Browser, url: str, cookies: tuple[str, str], turns: int, watched_s: float) -> Figures:
    """Watch our page and the plain one in turns, each alone."""
    ages: dict[str, list[float]] = {"glass": [], "glass_plain": []}
    unread = 0
    for _ in range(turns):
        for name, cookie, plain in zip(ages, cookies, (None, PLAIN_PICTURE), strict=True):
            with _page(browser, url, cookie, plain) as page:
                page.wait_for_timeout(WARM_UP_S * 1000)
                screen = Screen(page)
                screen.record(page, watched_s)
            found, missed = screen.ages_ms()
            ages[name] += found
            unread += missed
            assert found, f"{name}: no picture"
    figures: Figures = {"glass_pictures": len(ages["glass"]), "glass_unread": unread, **spread("glass", ages["glass"])}
    figures |= promised("glass_p95", percentile(ages["glass"], 95), GLASS_BOUND_MS, "ms")
    return figures | spread("glass_plain", ages["glass_plain"])


def state_to_word(browser: Browser, program: Program, cookies: tuple[str, str], hand: str, moves: int) -> Figures:
    """Open and stop again and again while both pages look; the relay's edges tell when the state changed."""
    ours, plain = cookies
    with _page(browser, program.url, ours, None) as page, _page(browser, program.url, plain, PLAIN_WORD) as beside:
        for each in (page, beside):
            each.evaluate(HEED)
        began_s = time.monotonic()
        _open_and_stop(program, hand, moves, page)
        edges = [(at_s, level) for at_s, level in program.changes("open_relay") if at_s >= began_s]
        took = {"word": _behind(page, edges, 0), "word_plain": _behind(beside, edges, 1)}
    figures: Figures = {"word_changes": f"{len(took['word'])} of {len(edges)}", **spread("word", took["word"])}
    figures |= promised("word_p95", percentile(took["word"], 95), WORD_BOUND_MS, "ms")
    return figures | spread("word_plain", took["word_plain"])


def _open_and_stop(program: Program, cookie: str, moves: int, page: Page) -> None:
    headers, word = {"Cookie": cookie}, page.locator("#state-word")
    with httpx.Client(base_url=program.url, timeout=10, headers=headers) as client:
        for _ in range(moves):
            for command, level in (("open", 1), ("stop", 0)):
                client.post(f"{API}/gate/commands", json={"command": command}, headers={"Idempotency-Key": new_id()})
                page.wait_for_timeout(500)
                wait_until(lambda: _leaf(program) > NEAR, what="a leaf that is not closed any more")
                expect(word).to_have_text(WORDS[level][0], timeout=PATIENCE * 100)  # late, but not left out
            if _leaf(program) > FAR:  # a leaf that arrives by itself is stopped by nobody
                program.order("close", "--sighted")
                program.state_is("closed", 30)
                page.wait_for_timeout(1000)


def _leaf(program: Program) -> float:
    """Return how far it is open; a stop before it has left its switch, which bounces, is none half-way."""
    return float(str(program.yard("show")["leaf"]))


def _behind(page: Page, edges: list[tuple[float, int]], language: int) -> list[float]:
    """Return for each edge of the relay how long after it the page showed its word."""
    offset_s = _mono_of_page_s(page)
    shown = [(at_ms / 1000 + offset_s, str(words)) for at_ms, words in page.evaluate("shown")]
    took: list[float] = []
    for number, (at_s, level) in enumerate(edges):
        until_s = edges[number + 1][0] if number + 1 < len(edges) else at_s + 5
        word = WORDS[level][language]
        first = next((seen_s for seen_s, words in shown if words == word and at_s <= seen_s < until_s), None)
        if first is not None:
            took.append((first - at_s) * 1000)
    return took


def _mono_of_page_s(page: Page) -> float:
    """Return CLOCK_MONOTONIC minus the page's clock, by the quickest of some questions."""
    asked: list[tuple[float, float]] = []
    for _ in range(30):
        before_s = time.monotonic()
        page_ms = page.evaluate("performance.now()")
        after_s = time.monotonic()
        asked.append((after_s - before_s, (before_s + after_s) / 2 - page_ms / 1000))
    return min(asked)[1]


@contextmanager
def _page(browser: Browser, url: str, cookie: str, plain: str | None) -> Iterator[Page]:
    """Open our page, or a plain one at the same address, on a laptop that is signed in."""
    context = browser.new_context(viewport={"width": 1280, "height": 800}, locale="vi-VN")
    name, _, value = cookie.partition("=")
    context.add_cookies([{"name": name, "value": value, "url": url}])
    page = context.new_page()
    page.goto(f"{url}/healthz" if plain else url)
    if plain:
        page.evaluate(plain)
    page.locator("canvas" if plain is PLAIN_PICTURE else "#state-word:not(:empty)").wait_for()
    yield page
    context.close()


if __name__ == "__main__":
    for figure, value in measure().items():
        print(f"{figure:36} {value}")
