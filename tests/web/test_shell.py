"""The page's shell: how it comes, how it opens without a network, and how a newer one takes its place (issue 7, 5)."""

from __future__ import annotations

import json
import shutil
from collections import Counter
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Page, Route, expect

from api.page import WEB
from api.page import Page as Served
from tests.fakes import wait_until
from tests.web.conftest import Phones
from tests.web.officer import Officer
from tests.web.village import Village

KEPT = """async () => {
  const found = [];
  for (const name of await caches.keys())
    for (const each of await (await caches.open(name)).keys()) found.push(new URL(each.url).pathname);
  return found;
}"""
MOVES = (("open", "Đã mở"), ("closed", "Đã đóng"))
SHIFTS = """(() => {
  globalThis.shifted = 0;
  new PerformanceObserver((list) => list.getEntries().forEach(({ value }) => { shifted += value; }))
    .observe({ type: "layout-shift", buffered: true });
})()"""


def is_kept(page: Page) -> None:
    """Wait until the service worker has the page."""
    page.wait_for_function("() => navigator.serviceWorker.controller !== null")


@pytest.fixture
def keeper(phones: Phones) -> Officer:
    """Return an officer whose phone keeps the page."""
    officer = phones.officer(workers=True).opens()
    is_kept(officer.page)
    return officer


def asked_for(page: Page) -> Counter[str]:
    """Count, from now on, what the page asks for, by path."""
    seen: Counter[str] = Counter()
    page.on("request", lambda request: seen.update([urlsplit(request.url).path]))
    page.on("websocket", lambda socket: seen.update([urlsplit(socket.url).path]))
    return seen


@pytest.mark.parametrize("size", [(390, 844), (1280, 800)])
def test_the_first_load_is_few_requests_and_little(phones: Phones, village: Village, size: tuple[int, int]) -> None:
    """Issue 7: 14 requests and 110 KB at most until the view is whole, and nothing jumps. What is kept comes later."""
    officer = phones.officer(size=size)
    devtools = officer.page.context.new_cdp_session(officer.page)
    devtools.send("Network.enable")
    bytes_: list[int] = []
    devtools.on("Network.responseReceived", lambda told: bytes_.append(told["response"]["encodedDataLength"]))
    devtools.on("Network.dataReceived", lambda told: bytes_.append(told["encodedDataLength"]))
    officer.page.add_init_script(SHIFTS)
    asked = asked_for(officer.page)
    village.camera = "none"
    officer.opens()
    officer.page.wait_for_timeout(1000)
    own = Counter({path: count for path, count in asked.items() if path != "/api/v1/camera/snapshot.jpg"})
    assert own.total() <= 14, own
    assert sum(bytes_) <= 110_000, own
    assert officer.page.evaluate("shifted") == 0


def test_a_page_that_is_left_open_gathers_nothing(phones: Phones, village: Village) -> None:
    """Two minutes of its clock, with signs of life, events and moves; two hours are in `make bench`."""
    officer = phones.officer()
    officer.page.clock.install()
    officer.opens()
    officer.waits(1)
    devtools: Any = officer.page.context.new_cdp_session(officer.page)

    def held() -> tuple[int, int]:
        devtools.send("HeapProfiler.collectGarbage")
        told = devtools.send("Memory.getDOMCounters")
        return told["jsEventListeners"], told["nodes"]

    minutes: list[list[tuple[int, int]]] = []
    for _ in range(3):
        village.motion(ago_s=0)
        minutes.append([])
        for state, word in MOVES * 3:
            village.beat()
            village.gate_is(state)
            expect(officer.word).to_have_text(word)  # it came, and so did the sign of life before it
            officer.page.clock.run_for(10_000)
            minutes[-1].append(held())
    # The least of a minute: a socket that is just being tried listens, too.
    listeners, nodes = ([min(each[place] for each in minute) for minute in minutes] for place in (0, 1))
    assert listeners[-1] <= listeners[0], minutes
    assert nodes[-1] <= nodes[0] + 40, minutes  # one a second would be 120


def test_without_a_network_the_page_opens_says_so_and_comes_back(keeper: Officer) -> None:
    """Offline shell: the words are there, the gate is not, and nothing is shown as if it were known."""
    page = keeper.page
    page.context.set_offline(offline=True)
    page.evaluate("location.hash = '#them'")  # a view that was never opened on this phone
    expect(page.locator("main[data-route=more] .more")).to_be_visible()
    page.reload()
    keeper.sees("Không kết nối được với cổng")
    expect(page.locator("#app > *")).to_have_count(1)
    page.context.set_offline(offline=False)
    expect(page.locator(".fresh[data-trust=live]")).to_be_visible()


def test_what_helps_in_an_emergency_is_there_before_the_worker_is(phones: Phones) -> None:
    """Paired a moment ago, network gone: the worker keeps the page, but had to fetch what was not loaded before."""
    officer = phones.officer(workers=True)
    with officer.page.expect_request("**/later.js"):
        officer.opens()


def test_the_page_can_be_installed_and_keeps_nothing_of_the_gate(keeper: Officer, village: Village) -> None:
    """Never caching /api: no state, no picture, no session; and each question reaches the gate."""
    page = keeper.page
    for route in ("#nhat-ky", "#them", "#cong"):
        page.evaluate("route => { location.hash = route; }", route)
        page.wait_for_timeout(200)
    kept = page.evaluate(KEPT)
    assert "/" in kept
    assert "/main.js" in kept
    assert not [path for path in kept if path.startswith(("/api", "/trust"))]
    village.requests.clear()
    page.reload()
    expect(page.locator(".fresh[data-trust=live]")).to_be_visible()
    asked = {path for _, path in village.requests}
    assert "/api/v1/session" in asked
    assert not asked & {"/", "/main.js", "/style.css", "/vi.json"}
    can_be_installed(page)


def can_be_installed(page: Page) -> None:
    """Manifest, icons that are what it says, a maskable one, a service worker: Chromium finds nothing missing."""
    devtools: Any = page.context.new_cdp_session(page)
    manifest = devtools.send("Page.getAppManifest")
    assert manifest["errors"] == []
    faults = {each["errorId"] for each in devtools.send("Page.getInstallabilityErrors")["installabilityErrors"]}
    assert faults <= {"in-incognito"}  # Playwright's contexts are
    told = json.loads(manifest["data"])
    assert (told["name"], told["lang"], told["display"]) == ("Cổng an ninh", "vi", "standalone")
    assert "maskable" in {icon.get("purpose") for icon in told["icons"]}
    for icon in told["icons"]:
        size = page.evaluate(
            "async (src) => { const i = new Image(); i.src = src; await i.decode(); return `${i.width}x${i.height}`; }",
            icon["src"],
        )
        assert icon["sizes"] in {size, "any"}


def newer(village: Village, folder: Path) -> None:
    """Have the gate updated: its page says DỪNG LẠI."""
    shutil.copytree(WEB, folder)
    words = folder / "vi.json"
    changed = {**json.loads(words.read_text(encoding="utf-8")), "command.stop": "Dừng lại"}
    words.write_text(json.dumps(changed, ensure_ascii=False), encoding="utf-8")
    village.page = Served(folder)


def test_a_newer_page_is_offered_and_comes_when_it_is_wanted(keeper: Officer, village: Village, tmp_path: Path) -> None:
    """The stream broke off and came back: perhaps an update. Until the officer taps, the page in hand stays whole."""
    page = keeper.page
    newer(village, tmp_path / "web")
    village.close_streams()
    offer = page.get_by_role("button", name="Cập nhật bản mới")
    expect(offer).to_be_visible()
    page.get_by_role("button", name="Để sau").click()  # the picture is free again; the next opening asks anew
    expect(offer).to_have_count(0)
    page.reload()
    expect(offer).to_be_visible()
    expect(keeper.stop).to_have_text("Dừng")
    text = page.context.new_cdp_session(page)
    for size in (32, 16):  # large text first
        text.send("Page.setFontSizes", {"fontSizes": {"standard": size, "fixed": 26}})
        bar, stop = page.locator(".update").bounding_box(), keeper.stop.bounding_box()
        assert bar
        assert stop
        assert bar["y"] + bar["height"] <= stop["y"], "nothing covers DỪNG"
        page.screenshot(path=f"artefacts/update-{size}.png")
    page.locator(".nav-urgent").click()  # a part that is loaded now is still of the page in hand
    expect(page.get_by_role("dialog")).to_be_visible()
    page.keyboard.press("Escape")
    offer.click()
    expect(keeper.stop).to_have_text("Dừng lại")
    expect(offer).to_have_count(0)
    wait_until(lambda: len(page.evaluate("caches.keys()")) == 1, what="one page that is kept")


def test_two_pages_of_one_phone_change_together_and_a_broken_storage_stops_none(
    keeper: Officer, village: Village, tmp_path: Path
) -> None:
    """One of them with an old worker and new files would be neither page. What is kept is a help, never a need."""
    page = keeper.page
    other = page.context.new_page()
    other.goto(village.address)
    expect(other.locator("main .stop")).to_have_text("Dừng")
    newer(village, tmp_path / "web")
    page.reload()
    page.get_by_role("button", name="Cập nhật bản mới").click()
    for each in (page, other):
        expect(each.locator("main .stop")).to_have_text("Dừng lại")
    other.close()
    page.context.service_workers[-1].evaluate("() => { caches.match = () => Promise.reject(new DOMException()); }")
    page.reload()
    expect(keeper.stop).to_have_text("Dừng lại")


def test_a_part_that_can_not_be_loaded_says_so_and_can_be_tried_again(phones: Phones) -> None:
    """No network, and no service worker that kept it."""
    officer = phones.officer().opens()
    page = officer.page

    def broken(route: Route) -> None:
        route.abort()

    page.route("**/later.js", broken)
    officer.goes_to("Nhật ký")
    officer.sees("Chưa tải được phần này")
    page.unroute("**/later.js", broken)
    page.get_by_role("button", name="Thử lại").click()
    expect(page.locator("main .diary")).to_be_visible()
