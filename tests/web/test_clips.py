"""Clips in a real browser, from the real API: while they are written, and as they are kept."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page

from camera.clip import ClipWriter, Note, finish
from gate.client import new_id
from gate.model import JsonObject, Kind, Role
from tests.api.conftest import Served, beside_a_gate
from tests.camera.conftest import encoded
from tests.fakes import wait_until

PATIENCE_MS = 15_000
PLAYS = "video => new Promise((done) => (video.ontimeupdate = () => video.currentTime > 0.2 && done(true)))"


@pytest.fixture
def served(tmp_path: Path) -> Iterator[Served]:
    """Serve beside a fake gate."""
    yield from beside_a_gate(tmp_path)


@pytest.fixture
def page(served: Served, browser: Browser) -> Iterator[Page]:
    """Return an officer's page, signed in, with the diary open."""
    with served.accounts() as accounts:
        accounts.add_person("lan", "Lan", frozenset({Role.OPERATOR}), None, time.time())
        token, _ = accounts.open_session("lan", "test", time.time())
    context = browser.new_context(viewport={"width": 390, "height": 844}, locale="vi-VN")
    context.set_default_timeout(PATIENCE_MS)
    context.add_cookies([{"name": "antt", "value": token, "url": served.base}])
    opened = context.new_page()
    opened.goto(f"{served.base}/#nhat-ky")
    yield opened
    context.close()


def watch(page: Page, event_id: str) -> float:
    """Open an event's clip, see it play and jump, and return how long the browser says that it is."""
    page.locator(f"[data-event='{event_id}'] button").click()
    video = page.locator("video")
    assert video.evaluate(PLAYS)
    video.evaluate("video => { video.currentTime = 3.0; }")
    page.wait_for_function(
        "() => { const v = document.querySelector('video'); return !v.seeking && v.currentTime >= 3; }"
    )
    assert video.evaluate("video => video.error") is None
    length_s = float(video.evaluate("video => video.duration"))
    page.keyboard.press("Escape")
    page.locator("video").wait_for(state="detached")
    return length_s


def test_a_clip_is_watched_while_it_is_written_and_when_it_is_whole(served: Served, page: Page) -> None:
    """Issue 4, 4: playable in the page while the event still runs; afterwards with its true length."""
    assert served.gate
    event_id = new_id()
    folder = served.settings.media_dir / time.strftime("%Y-%m-%d", time.gmtime())
    units = list(encoded(8.0, size=(320, 180)))
    part = folder / f"{event_id}.part"
    writer = ClipWriter(part, units[0], Note(event_id=event_id, pre_roll_s=5.0))
    for unit in units[:65]:
        writer.write(unit)
    started: JsonObject = {"event_id": event_id, "source": "scene", "zones": ["gateway"], "thumbnail": None}
    served.gate.write(Kind.MOTION_STARTED, started)
    assert watch(page, event_id) == pytest.approx(6.0, abs=0.5)
    for unit in units[65:]:
        writer.write(unit)
    writer.close()
    clip = finish(part, part.with_suffix(".mp4"))
    saved: JsonObject = {
        "event_id": event_id, "clip": f"{folder.name}/{event_id}.mp4", "duration_s": clip.duration_s,
        "pre_roll_s": 5.0, "bytes": clip.bytes, "width": 320, "height": 180, "codec": clip.codec,
    }  # fmt: skip
    served.gate.write(Kind.MOTION_ENDED, {"event_id": event_id, "zones": ["gateway"], "duration_s": 2.0})
    with page.expect_response(lambda answer: "/api/v1/events?" in answer.url):
        served.gate.write(Kind.CLIP_SAVED, saved)
    assert watch(page, event_id) == pytest.approx(8.0, abs=0.1)


def test_a_move_of_the_gate_has_its_clip_in_the_diary(served: Served, page: Page) -> None:
    """Nothing else moved in the picture; it is called what it was."""
    assert served.gate
    event_id = new_id()
    folder = served.settings.media_dir / "2026-11-21"
    units = list(encoded(4.0, size=(320, 180)))
    writer = ClipWriter(folder / f"{event_id}.part", units[0], Note(event_id=event_id, pre_roll_s=1.0, cause="move"))
    writer.write_all(units)
    writer.close()
    clip = finish(folder / f"{event_id}.part", folder / f"{event_id}.mp4")
    saved: JsonObject = {
        "event_id": event_id, "cause": "move", "clip": f"2026-11-21/{event_id}.mp4", "thumbnail": None,
        "started_at": None, "event_s": 2.0, "bytes": clip.bytes, "width": 320, "height": 180,
    }  # fmt: skip
    served.gate.write(Kind.CLIP_SAVED, saved)
    wait_until(lambda: page.locator(f"[data-event='{event_id}']").count() == 1)
    assert "Đoạn phim cổng chạy" in page.locator(f"[data-event='{event_id}']").inner_text()
    assert watch(page, event_id) == pytest.approx(4.0, abs=0.1)
