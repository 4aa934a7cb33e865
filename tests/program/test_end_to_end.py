"""One officer, one evening: real processes, real mosquitto, real Chromium."""

from __future__ import annotations

import datetime as dt
import json
import threading
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from playwright.sync_api import Browser, Page, Response, expect, sync_playwright

from tests.broker import Broker, Receiver
from tests.fakes import wait_until
from tests.program.program import Program
from tests.web.officer import FLAGS

pytestmark = pytest.mark.slow

CHROMIUM = "/usr/bin/chromium"
PATIENCE_MS = 20_000


@pytest.fixture
def chromium() -> Iterator[Browser]:
    assert Path(CHROMIUM).exists(), f"{CHROMIUM} is missing: apt-get install chromium"
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        yield browser
        browser.close()


class Listener:
    """Another page's event stream, in a thread, with the officer's own session."""

    def __init__(self, url: str, cookies: dict[str, str]) -> None:
        self.facts: list[dict[str, object]] = []
        self.connected = threading.Event()
        self._url, self._cookies = url, cookies
        threading.Thread(target=self._listen, daemon=True).start()
        assert self.connected.wait(10), "the event stream did not open"

    def _listen(self) -> None:
        try:
            with httpx.stream("GET", f"{self._url}/api/v1/gate/events", cookies=self._cookies, timeout=120) as stream:
                event = ""
                for line in stream.iter_lines():
                    name, _, value = line.partition(": ")
                    event = value if name == "event" else event
                    self.connected.set()
                    if name == "data" and event == "fact":
                        self.facts.append(json.loads(value))
        except httpx.HTTPError:
            return  # the program stopped

    def kinds_of(self, command_id: str) -> list[object]:
        return [fact["kind"] for fact in self.facts if _command_of(fact) == command_id]


def _command_of(fact: dict[str, object]) -> object:
    data = fact["data"]
    return data.get("command_id") if isinstance(data, dict) else None


def slide(page: Page, command: str) -> None:
    """Carry the knob to the right, as a thumb does."""
    box = page.locator(f".slide[data-command={command}]").bounding_box()
    assert box
    x, y = box["x"] + 36, box["y"] + box["height"] / 2
    page.mouse.move(x, y)
    page.mouse.down()
    for step in range(1, 9):
        page.mouse.move(x + box["width"] * 0.85 * step / 8, y - 10)
        page.wait_for_timeout(20)
    page.mouse.up()


def slide_for_id(page: Page, command: str) -> str:
    """Slide, and return the id in the 202 answer that the page got."""
    with page.expect_response(lambda answer: answer.url.endswith("/gate/commands")) as caught:
        slide(page, command)
    answer: Response = caught.value
    assert answer.status == 202, answer.text()
    return str(answer.json()["command_id"])


def test_an_evening_at_the_gate(tmp_path: Path, chromium: Browser) -> None:
    """The id of a slide is found everywhere; a motorbike reopens the closing gate; its clip plays in the page."""
    (tmp_path / "s").mkdir()
    with (
        Broker(tmp_path / "b") as broker,
        Receiver(broker, "sim") as district,
        Program(tmp_path / "s", overrides=(f"mqtt.port={broker.port}", "recording.post_roll_s=2.0")) as program,
    ):
        program.state_is("closed")
        page = chromium.new_context(viewport={"width": 390, "height": 844}, locale="vi-VN").new_page()
        page.set_default_timeout(PATIENCE_MS)
        troubles: list[str] = []
        page.on("pageerror", lambda error: troubles.append(str(error)))
        page.goto(f"{program.url}/#pair={program.pairing_code}")
        page.locator(".main-button").click()
        word = page.locator("#state-word")
        expect(word).to_have_text("Đã đóng", timeout=PATIENCE_MS)
        assert "pair=" not in page.url, "the code is gone from the address at once"
        cookies = {str(cookie["name"]): str(cookie["value"]) for cookie in page.context.cookies()}
        listener = Listener(program.url, cookies)

        opened = slide_for_id(page, "open")
        expect(word).to_have_text("Đang mở", timeout=PATIENCE_MS)
        expect(word).to_have_text("Đã mở", timeout=PATIENCE_MS)
        inputs = program.status()["inputs"]
        assert isinstance(inputs, dict)
        assert [name for name, active in inputs.items() if active] == ["limit_open"]
        wanted = ["command_accepted", "drive_energised", "state_changed", "state_changed", "arrived", "drive_released"]
        wait_until(lambda: len(listener.kinds_of(opened)) == len(wanted), 10, "all facts in the stream")
        assert sorted(map(str, listener.kinds_of(opened))) == sorted(wanted)
        assert [f.kind for f in program.facts() if f.data.get("command_id") == opened] == listener.kinds_of(opened)
        wait_until(lambda: len([f for f in district.facts if _command_of(f) == opened]) == len(wanted), 10, "MQTT")
        log = program.cli("log").stdout
        assert sum(opened in line for line in log.splitlines()) == len(wanted)

        closed = slide_for_id(page, "close")
        program.yard("motorbike")
        expect(word).to_have_text("Đang đóng", timeout=PATIENCE_MS)
        expect(word).to_have_text("Đang mở", timeout=PATIENCE_MS)
        expect(word).to_have_text("Đã mở", timeout=PATIENCE_MS)
        status = httpx.get(f"{program.url}/api/v1/gate/commands/{closed}", cookies=cookies).json()
        assert (status["status"], status["code"]) == ("failed", "obstructed")
        assert [f.kind for f in program.facts("obstructed", "reversed")] == ["obstructed", "reversed"]

        wait_until(lambda: len(program.facts("clip_saved")) >= 1, 40, "a clip")
        wait_until(lambda: _clip_with_the_motorbike(program, cookies) is not None, 90, "the clip of the motorbike")
        event_id = _clip_with_the_motorbike(program, cookies)
        _hold(program, cookies, str(event_id), tmp_path / "s")
        page.locator(".nav > *").filter(has_text="Nhật ký").click()
        page.locator(f"[data-event='{event_id}'] :is(a, button)").first.click()
        video = page.locator("video")
        expect(video).to_be_visible(timeout=PATIENCE_MS)
        page.wait_for_function("() => { const v = document.querySelector('video'); return v && v.readyState >= 2; }")
        video.evaluate("v => v.play()")
        page.wait_for_function("() => document.querySelector('video').currentTime > 0.5")
        assert float(video.evaluate("v => v.duration")) > 5.0
        assert troubles == []


def _hold(program: Program, cookies: dict[str, str], event_id: str, folder: Path) -> None:
    """Hold an event, and see the camera mark it."""
    address = f"{program.url}/api/v1/events/{event_id}/hold"
    held = httpx.put(address, json={"reason": "Vụ va chạm"}, cookies=cookies).json()["held"]
    assert (held["reason"], held["by"]["type"]) == ("Vụ va chạm", "person")
    wait_until(lambda: any(folder.rglob(f"{event_id}.hold")), 10, "the camera's mark of the hold")


def _clip_with_the_motorbike(program: Program, cookies: dict[str, str]) -> str | None:
    """Return the event in the diary whose clip holds the moment when the beam was broken, once it is saved.

    Of the motion, or of the gate's own move where no motion was seen beside the moving leaf. A clip reaches from 5 s
    before its event to 5 s after it.
    """
    broken = dt.datetime.fromisoformat(program.facts("obstructed")[0].at)
    around = dt.timedelta(seconds=5)
    listed = httpx.get(f"{program.url}/api/v1/events", cookies=cookies).json()["items"]
    for event in listed:
        if event["clip_state"] == "available" and event["ended_at"]:
            began, ended = (dt.datetime.fromisoformat(event[name]) for name in ("started_at", "ended_at"))
            if began - around <= broken <= ended + around:
                return str(event["event_id"])
    return None
