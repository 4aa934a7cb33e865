"""A served page beside a fake gate, and people who are signed in."""

from __future__ import annotations

import asyncio
import contextlib
import threading
import time
from collections.abc import Coroutine, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeVar

import httpx
import pytest
from fastapi import FastAPI

from api.accounts import Store
from api.app import create_app, office_in
from api.clock import Clock
from api.connections import MOST_CONNECTIONS, PATIENCE_S
from api.office import ACCOUNTS_FILE, Office
from api.people import Accounts
from api.serve import PageServer, configuration, listen
from api.waiting_room import WayOut
from config.load import SIMULATE_FILE, load
from config.schema import Settings
from gate.client import new_id
from gate.model import JsonObject, Origin, Role
from gate.server import Wish
from tests.fakes import FakeGate, wait_until

Found = TypeVar("Found")


def settings_in(state_dir: Path, *overrides: str) -> Settings:
    """Return the simulated gate's settings with everything kept in `state_dir`."""
    return load(SIMULATE_FILE, [f"storage.state_dir={state_dir}", "api.port=0", *overrides])


def key() -> dict[str, str]:
    """Return the header of a new command."""
    return {"Idempotency-Key": new_id()}


@dataclass(kw_only=True)
class FakeClock:
    """Clocks that a test moves. `ahead_s` is added to both; `wall_ahead_s` is what somebody set the wall clock by."""

    ahead_s: float = 0.0
    wall_ahead_s: float = 0.0

    def clock(self) -> Clock:
        """Return it as the process takes it."""
        return Clock(
            wall_s=lambda: time.time() + self.ahead_s + self.wall_ahead_s,
            mono_ns=lambda: time.monotonic_ns() + int(self.ahead_s * 1e9),
        )


@dataclass(kw_only=True)
class Served:
    """The application on a real socket, in a thread with its own event loop."""

    settings: Settings
    gate: FakeGate | None = None
    clock: FakeClock = field(default_factory=FakeClock)
    base: str = ""
    most_connections: int = MOST_CONNECTIONS
    patience_s: int = PATIENCE_S
    _server: PageServer | None = None
    _office: Office | None = None
    _app: FastAPI | None = None
    _thread: threading.Thread | None = None
    _clients: list[httpx.Client] = field(default_factory=list)
    _later: contextlib.ExitStack = field(default_factory=contextlib.ExitStack)

    @property
    def office(self) -> Office:
        """What the routes work with; touch it only in ways that any thread may."""
        assert self._office
        return self._office

    @property
    def app(self) -> FastAPI:
        """The application."""
        assert self._app
        return self._app

    @property
    def wishes(self) -> list[Wish]:
        """What the gate was asked to do."""
        assert self.gate
        return self.gate.wishes

    def report(self, kind: str, by_id: str = "", **data: object) -> tuple[Origin, JsonObject]:
        """Wait for a fact that the gate was asked to journal, by this person, with at least these data."""
        assert self.gate
        reports = self.gate.reports

        def found() -> list[tuple[Origin, JsonObject]]:
            return [
                (by, what)
                for its, by, what in reports
                if its == kind and by_id in {"", by.id} and data.items() <= what.items()
            ]

        wait_until(lambda: bool(found()), what=f"the report {kind} {data} in {reports}")
        return found()[-1]

    @property
    def accounts_path(self) -> Path:
        """Where accounts are kept."""
        return self.settings.storage.state_dir / ACCOUNTS_FILE

    def start(self) -> None:
        """Serve."""
        ready = threading.Event()

        def run() -> None:
            asyncio.run(self._run(ready))

        self._thread = threading.Thread(target=run, daemon=True)
        self._thread.start()
        assert ready.wait(10)
        if self.gate:
            wait_until(lambda: self.office.live.gate_up, what="the gate's state")

    def stop(self) -> float:
        """Stop as a signal would; return how many seconds it took."""
        began = time.monotonic()
        self.close_browsers()
        if self._server and self._thread:
            self._server.should_exit = True
            self._thread.join(10)
            assert not self._thread.is_alive()
            self._thread = None
        return time.monotonic() - began

    def close_browsers(self) -> None:
        """Close what `anybody` and `person` opened."""
        while self._clients:
            self._clients.pop().close()

    def forget(self) -> None:
        """Forget everybody and everything but the journal; serve again if a story stopped it."""
        self.clock.ahead_s = self.clock.wall_ahead_s = 0.0
        with contextlib.closing(Store(self.accounts_path)) as store, store.changing() as db:
            for table in (
                "session",
                "pairing",
                "phone",
                "passkey",
                "evidence",
                "attempt",
                "answer",
                "report",
                "person",
            ):
                db.execute(f"DELETE FROM {table}")  # noqa: S608 - constants
        self.office.way_out = WayOut()
        if self._thread:
            self.ask(self._sees_the_clock())
        (self.settings.storage.state_dir / "snapshot.jpg").unlink(missing_ok=True)
        if self._thread is None:
            self.start()
        if self.gate:
            wait_until(lambda: len(self.office.streams) == 0, what="the end of the streams of the story before")
            self.gate.wishes.clear()
            self.gate.reports.clear()
            self.gate.yard_orders.clear()
            self.gate.refuse_next = None

    def anybody(self) -> httpx.Client:
        """Return a browser that is not signed in."""
        client = httpx.Client(base_url=self.base, timeout=10)
        self._clients.append(client)
        return client

    def person(self, *roles: Role, name: str = "") -> httpx.Client:
        """Return the browser of somebody with these roles."""
        name = name or "-".join(sorted(roles)) or "nobody"
        with self.accounts() as accounts:
            if accounts.person(name) is None:
                accounts.add_person(name, name.title(), frozenset(roles), None, time.time())
            token, _ = accounts.open_session(name, "test", time.time())
        client = self.anybody()
        client.cookies.set("antt", token)
        return client

    @contextlib.contextmanager
    def accounts(self) -> Iterator[Accounts]:
        """Open the accounts as the command line does."""
        store = Store(self.accounts_path)
        try:
            yield Accounts(store)
        finally:
            store.close()

    def gate_comes_up(self) -> None:
        """Start a fake gate where there was none."""
        self.gate = self._later.enter_context(FakeGate(self.settings.storage.state_dir))

    def ask(self, question: Coroutine[None, None, Found]) -> Found:
        """Run something in the server's event loop and return what it returns."""
        return asyncio.run_coroutine_threadsafe(question, self._loop).result(5)

    def begin(self, work: Coroutine[None, None, object]) -> None:
        """Begin something in the server's event loop."""
        asyncio.run_coroutine_threadsafe(work, self._loop)

    async def _sees_the_clock(self) -> None:
        self.office.look_at_the_clock()

    async def _run(self, ready: threading.Event) -> None:
        self._loop = asyncio.get_running_loop()
        listening = listen("127.0.0.1", 0)
        self._app = app = create_app(self.settings, self.clock.clock())
        self._office = office_in(app)
        self.base = self._office.base_url = f"http://127.0.0.1:{listening.getsockname()[1]}"
        with contextlib.closing(Store(self.accounts_path)) as store:
            store.set_note("base_url", self.base)
        config = configuration(app)
        config.timeout_keep_alive = self.patience_s
        self._server = PageServer(config, self.most_connections, ready.set, self._office.streams.end_all)
        await self._server.serve(sockets=[listening])


def beside_a_gate(folder: Path, *overrides: str) -> Iterator[Served]:
    """Serve beside a fake gate whose state is in `folder`."""
    with FakeGate(folder) as fake:
        page = Served(settings=settings_in(folder, *overrides), gate=fake)
        page.start()
        yield page
        page.stop()


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """Serve one application to the stories of a module; a module whose stories count facts has one for each story."""
    yield from beside_a_gate(tmp_path_factory.mktemp("gate"))


@pytest.fixture
def served(shared: Served) -> Iterator[Served]:
    """Return the application as if it had just been set up: nobody known, nothing asked, the clock right."""
    shared.forget()
    yield shared
    shared.close_browsers()


@pytest.fixture
def gate(served: Served) -> FakeGate:
    """Return the gate process without rules."""
    assert served.gate
    return served.gate


@pytest.fixture
def served_alone(tmp_path: Path) -> Iterator[Served]:
    """Serve the application while no gate process answers."""
    page = Served(settings=settings_in(tmp_path))
    page.start()
    yield page
    page.stop()
    page._later.close()


@pytest.fixture
def operator(served: Served) -> httpx.Client:
    """Return an officer's browser."""
    return served.person(Role.OPERATOR, name="lan")


@pytest.fixture
def maintainer(served: Served) -> httpx.Client:
    """Return a maintainer's browser."""
    return served.person(Role.MAINTAINER, name="tho")
