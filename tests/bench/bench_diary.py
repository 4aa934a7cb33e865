"""The diary with 50,000 rows of a day in a journal of 180,000, in a real browser, from the real server.

`opens`: from the tap on Nhật ký in a page that has not loaded that view yet to more rows than the screen holds, cold
each time. Beside it a plain page: the same rows as a file of HTML with the same style sheets and no code.
"""

from __future__ import annotations

import contextlib
import datetime as dt
import re
import statistics
import tempfile
import zoneinfo
from collections.abc import Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

from playwright.sync_api import Browser, Page, sync_playwright

from api.office import JOURNAL_FILE
from api.page import WEB
from gate.client import new_id
from gate.model import JsonObject, Kind, Role
from tests.bench.bench_processes import Figures, promised
from tests.bench.figures import quantiles
from tests.bench.page_server import served, sessions
from tests.days import Days, Row, visit
from tests.web.officer import FLAGS

CHROMIUM = "/usr/bin/chromium"
HERE = zoneinfo.ZoneInfo("Asia/Ho_Chi_Minh")
ROWS, ROWS_BEFORE, DAYS_BEFORE = 50_000, 10_000, 13
OPENINGS = 9
READ_ON = 14
OPENS_MS, MOST_ROWS = 500.0, 400
A_SCREENFUL = 20  # twelve rows fit on the phone
# Milliseconds from a deed to its rows on the screen: the second frame after they are in the page.
UNTIL_SHOWN = """() => new Promise((done) => {{
  const begun = performance.now();
  {deed};
  const look = () => requestAnimationFrame({shown} ? () => done(performance.now() - begun) : look);
  look();
}})"""
LOADED = """() => new Promise((done) =>
  requestAnimationFrame(() => requestAnimationFrame(() => done(performance.now()))))"""
JUMP = """const input = document.querySelector('.strip input');
  input.value = Math.ceil(input.max / 4);
  input.dispatchEvent(new Event('change'))"""
ROWS_SHOWN = "document.querySelectorAll('.diary .entry').length"


def measure(openings: int = OPENINGS, rows: int = ROWS) -> Figures:
    """Return what the diary takes, beside a plain page of the same rows."""
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as playwright, _served(Path(folder), rows) as base:
        cookie = sessions(Path(folder), 1, Role.OPERATOR)[0].removeprefix("antt=")
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        opened, plain, found, most = list[float](), list[float](), dict[str, list[float]](), 0
        for _ in range(openings):
            with _page(browser, base, cookie) as page:
                opened.append(_until(page, "document.querySelector(\".nav a[href='#nhat-ky']\").click()", A_SCREENFUL))
                plain.append(_plain(browser, page, Path(folder)))
                for name, took_ms in _deeds(page).items():
                    found.setdefault(name, []).append(took_ms)
                most = max(most, int(found["rows"].pop()))
        browser.close()
    figures: Figures = {**quantiles("diary_opens", opened), **quantiles("plain_page_of_the_same_rows", plain)}
    del found["rows"]
    for name, times in found.items():
        figures |= quantiles(name, times)
    figures |= promised("diary_opens_p50_ms", statistics.median(opened), OPENS_MS, "ms")
    figures |= promised("rows_in_the_page", most, MOST_ROWS, "rows")
    return {"rows_of_the_day": rows, "rows_in_the_page": most, **figures}


def _deeds(page: Page) -> dict[str, float]:
    """Return how long it takes to jump into the morning, to read on and to see only alarms; and the most `rows`."""
    took = {"jump_to_a_time": _until(page, JUMP, A_SCREENFUL)}
    on, rows = [], 0
    for _ in range(READ_ON):
        last = page.locator(".entry time").last.get_attribute("datetime")
        click = "[...document.querySelectorAll('.list > .plain-button')].at(-1).click()"
        moved = f"[...document.querySelectorAll('.entry time')].at(-1).dateTime < '{last}'"
        on.append(_shown(page, click, moved))
        rows = max(rows, page.evaluate(ROWS_SHOWN))
    took["read_on"] = max(on)
    took["rows"] = rows
    took["a_filter"] = _until(page, "document.querySelector('.chip[data-kind=alarm]').click()", 1)
    return took


def _until(page: Page, deed: str, rows: int) -> float:
    return _shown(page, deed, f"{ROWS_SHOWN} >= {rows}")


def _shown(page: Page, deed: str, shown: str) -> float:
    return float(page.evaluate(UNTIL_SHOWN.format(deed=deed, shown=shown)))


def _plain(browser: Browser, page: Page, folder: Path) -> float:
    """Return how long the page as it stands takes as a plain file."""
    site = folder / "plain"
    (site / "views").mkdir(parents=True, exist_ok=True)
    for sheet in ("style.css", "views/diary.css"):
        (site / sheet).write_bytes((WEB / sheet).read_bytes())
    text = re.sub(r"<script.*?</script>|<link rel=.?(?:manifest|icon|apple)[^>]*>", "", page.content(), flags=re.DOTALL)
    (site / "index.html").write_text(text, encoding="utf-8")
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(_Quiet, directory=str(site)))
    Thread(target=server.serve_forever, daemon=True).start()
    context = browser.new_context(viewport={"width": 390, "height": 844}, java_script_enabled=True)
    with contextlib.closing(context), contextlib.closing(_Ending(server)):
        other = context.new_page()
        other.goto(f"http://127.0.0.1:{server.server_port}/", wait_until="commit")
        return float(other.evaluate(LOADED))


class _Quiet(SimpleHTTPRequestHandler):
    def log_message(self, *_: object) -> None:
        """Say nothing."""


class _Ending:
    def __init__(self, server: ThreadingHTTPServer) -> None:
        self._server = server

    def close(self) -> None:
        """Stop serving."""
        self._server.shutdown()
        self._server.server_close()


@contextlib.contextmanager
def _page(browser: Browser, base: str, cookie: str) -> Iterator[Page]:
    """Yield a page on its first view, of a browser that has seen nothing yet."""
    context = browser.new_context(viewport={"width": 390, "height": 844}, locale="vi-VN", service_workers="block")
    context.add_cookies([{"name": "antt", "value": cookie, "url": base}])
    page = context.new_page()
    page.goto(base)
    page.locator(".nav").wait_for()
    page.wait_for_timeout(500)
    yield page
    context.close()


@contextlib.contextmanager
def _served(folder: Path, rows: int) -> Iterator[str]:
    """Serve the page beside a journal with so many rows of today."""
    days, now = Days(folder / JOURNAL_FILE), dt.datetime.now(HERE)
    midnight = now.replace(hour=0, minute=0, second=0, microsecond=0)
    for ago in range(DAYS_BEFORE, 0, -1):
        days.write(_day(midnight - dt.timedelta(days=ago), dt.timedelta(days=1), ROWS_BEFORE))
    days.write(_day(midnight, now - midnight, rows))
    with served(folder) as running:
        yield running.base


def _day(begins: dt.datetime, lasts: dt.timedelta, rows: int) -> Iterator[Row]:
    """Yield a busy day, ten rows at a time: somebody passes, somebody opens, somebody is refused, rarely an alarm."""
    for number in range(rows // 10):
        at = begins + lasts * number * 10 / rows
        yield from visit(at, *(["in", "out"][number % 2 :][:1]), area=(0.01, 0.04, 0.1)[number % 3])
        command: JsonObject = {"command_id": new_id(), "command": "open", "reason": ""}
        moving: JsonObject = {**command, "relay": "open_relay", "direction": "open", "why": "limit", "ran_ms": 8000}
        yield at, Kind.COMMAND_ACCEPTED, command
        yield at, Kind.DRIVE_ENERGISED, moving
        yield at, Kind.STATE_CHANGED, {**command, "from": "closed", "to": "opening"}
        yield at, Kind.DRIVE_RELEASED, moving
        yield at, Kind.ARRIVED, {**command, "state": "open", "travel_ms": 8000}
        yield at, Kind.STATE_CHANGED, {**command, "from": "opening", "to": "open"}
        yield at, Kind.COMMAND_REFUSED, {"command_id": new_id(), "command": "open", "code": "already_there"}
        if number % 100:
            yield at, Kind.USER_SIGN_IN_FAILED, {"name": "lan"}
        else:
            yield at, Kind.ALARM_RAISED, {"alarm": "left_open", "id": new_id(), "reminder": 0}
