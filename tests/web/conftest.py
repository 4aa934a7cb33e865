"""One browser and one fake village for all page tests; a fresh phone for each."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect, sync_playwright

from tests.web.calls import served
from tests.web.officer import FLAGS, Officer
from tests.web.village import Village

CHROMIUM = "/usr/bin/chromium"
PATIENCE_MS = 15_000  # of an assertion that waits; a busy machine draws late, and no bound is meant


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """Start Debian's Chromium; without it the page is untested, so its absence is a failure."""
    assert Path(CHROMIUM).exists(), f"{CHROMIUM} is missing: apt-get install chromium"
    expect.set_options(timeout=PATIENCE_MS)
    with sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        yield started
        started.close()


@pytest.fixture(scope="session")
def only_village(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Village]:
    """Start the fake server once."""
    with served(Village(tmp_path_factory.mktemp("media"))) as village:
        yield village


@pytest.fixture
def village(only_village: Village) -> Village:
    """Return the fake server as at the beginning."""
    only_village.reset()
    return only_village


class Phones:
    """Makes officers with phones, and looks afterwards that none of their browsers complained."""

    def __init__(self, browser: Browser, village: Village) -> None:
        self._browser = browser
        self._village = village
        self._contexts: list[BrowserContext] = []
        self.complaints: list[str] = []
        self.asked: set[str] = set()

    def officer(
        self, *, role: str | None = "commander", size: tuple[int, int] = (390, 844), theme: str = "dark",
        workers: bool = False,
    ) -> Officer:  # fmt: skip
        """Return an officer, signed in unless `role` is None, whose page is not opened yet.

        `workers`: with the page's service worker; what that answers, no `page.route` of a story sees.
        """
        context = self._browser.new_context(
            viewport={"width": size[0], "height": size[1]}, has_touch=size[0] < 1000, locale="vi-VN",
            timezone_id="UTC",
        )  # fmt: skip
        if not workers:
            context.add_init_script("delete Navigator.prototype.serviceWorker")  # as on a page without TLS
        context.add_init_script(
            f"location.protocol === 'about:' || localStorage.theme || (localStorage.theme = '{theme}')"
        )
        if role:
            context.add_cookies([{"name": "antt", "value": self._village.sign_in(role), "url": self._village.address}])
        context.set_default_timeout(PATIENCE_MS)
        self._contexts.append(context)
        page = context.new_page()
        self._watch(page)
        return Officer(page, self._village)

    def _watch(self, page: Page) -> None:
        page.on("pageerror", lambda error: self.complaints.append(error.stack or str(error)))
        page.on("request", lambda request: self.asked.add(request.url))
        page.on("websocket", lambda socket: self.asked.add(socket.url))

        # Chromium itself logs every 4xx answer, every lost connection: those are the stories' own.
        def console(kind: str, said: str) -> None:
            if kind in ("error", "warning") and "Failed to load resource" not in said and "WebSocket" not in said:
                self.complaints.append(said)

        page.on("console", lambda message: console(message.type, message.text))

    def hang_up(self) -> None:
        """Close all phones and check what they said and whom they asked."""
        for context in self._contexts:
            context.close()
        assert not self.complaints
        own = f"//127.0.0.1:{self._village.port}/"
        assert not {url for url in self.asked if own not in url and not url.startswith(("blob:", "data:", "tel:"))}


@pytest.fixture
def phones(browser: Browser, village: Village) -> Iterator[Phones]:
    """Hand out phones; no story may end with an error in a console or a request to another host."""
    made = Phones(browser, village)
    yield made
    made.hang_up()


@pytest.fixture
def officer(phones: Phones) -> Officer:
    """Return a commander with a phone in hand, looking at the gate."""
    return phones.officer().opens()
