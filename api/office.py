"""What every route works with, in one place: the settings, the clocks, the stores and the gate.

`open_office` wires it, from the top down; `running` starts what runs by itself and stops it in reverse. Nothing else in
this folder is global.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import AsyncIterator, Coroutine
from dataclasses import dataclass, field

from starlette.requests import HTTPConnection

from api.accounts import AccountsError, DamagedError, Store, Writer
from api.clock import Clock
from api.live import Live
from api.live_feed import Feed
from api.media import LIVE_SOCKET, SNAPSHOT
from api.opening import open_accounts
from api.orders import BURST, PER_SECOND, Orders
from api.pace import Pace
from api.passwords import Passwords
from api.people import TOUCH_EVERY_S, Accounts, Session
from api.problems import ProblemError
from api.records import Records
from api.reports import Reporter
from api.sight import Sight
from api.streams import Streams
from config.load import runtime_dir, socket_path
from config.schema import Settings
from gate.client import Client, GateUnavailableError
from gate.model import JsonObject

log = logging.getLogger(__name__)

ACCOUNTS_FILE = "accounts.db"
JOURNAL_FILE = "journal.db"
ANSWER_WITHIN_S = 5.0
LOOK_EVERY_S = 0.5
LOOK_AT_ALL_EVERY_S = 60.0


@dataclass(kw_only=True)
class Office:
    """The wiring of the running process. `base_url` is known once the server listens; `broken` ends the process."""

    settings: Settings
    clock: Clock
    store: Store
    accounts: Accounts
    write: Writer
    passwords: Passwords
    gate: Client
    records: Records
    streams: Streams
    live: Live
    feed: Feed
    reporter: Reporter
    orders: Orders
    sight: Sight
    refusals: Pace
    base_url: str = ""
    broken: asyncio.Event = field(default_factory=asyncio.Event)
    _background: set[asyncio.Task[None]] = field(default_factory=set)

    def session_of(self, token: str | None) -> Session | None:
        """Return the session of a cookie if it may be used, and note that it is in use."""
        if not token:
            return None
        now_s = self.clock.wall_s()
        session = self.accounts.session(token, now_s)
        if session and abs(now_s - session.last_seen_at) > TOUCH_EVERY_S:
            self.begin(self._touch(session.id, now_s), "touch")
        return session

    def end_dead_streams(self) -> None:
        """End the streams of sessions that may not be used any more."""
        now_s = self.clock.wall_s()
        for session_id in self.streams.sessions():
            if not self.accounts.is_alive(session_id, now_s):
                self.streams.end_session(session_id)

    def begin(self, work: Coroutine[None, None, None], name: str) -> None:
        """Let `work` run by itself. What it raises ends the process: its supervisor starts a whole one again."""
        task = asyncio.create_task(work, name=name)
        self._background.add(task)
        task.add_done_callback(self._ended)

    async def stop_background(self) -> None:
        """End what runs by itself."""
        for task in self._background:
            task.cancel()
        await asyncio.gather(*self._background, return_exceptions=True)

    async def watch_accounts(self) -> None:
        """End streams whose session was ended by the command line, or by time; keep our health true."""
        loop = asyncio.get_running_loop()
        version, looked_at_s = -1, loop.time()
        while True:
            try:
                newest = self.store.version()
                if newest != version or loop.time() - looked_at_s > LOOK_AT_ALL_EVERY_S:
                    version, looked_at_s = newest, loop.time()
                    self.end_dead_streams()
            except AccountsError as error:  # a request that needs the file says so
                self.notice(error)
            self.gate.health = {"ok": True, "reason": "", "events": self.streams.count("events"),
                                "live": self.streams.count("live"), "url": self.base_url}  # fmt: skip
            await asyncio.sleep(LOOK_EVERY_S)

    def notice(self, error: AccountsError) -> None:
        """End the process where the accounts prove damaged: the next start keeps them aside and begins anew."""
        if isinstance(error, DamagedError):
            log.error("%s; the process ends and is started again", error)
            self.broken.set()

    async def _touch(self, session_id: str, now_s: float) -> None:
        with contextlib.suppress(AccountsError):  # a full disk ends no session
            await self.write(lambda store: Accounts(store).touch(session_id, now_s))

    def _ended(self, task: asyncio.Task[None]) -> None:
        self._background.discard(task)
        if not task.cancelled() and (error := task.exception()):
            log.error("%s failed; the process ends and is started again", task.get_name(), exc_info=error)
            self.broken.set()


def open_office(settings: Settings, clock: Clock) -> Office:
    """Open the accounts and wire everything. Raises `AccountsError`."""
    accounts_path = settings.storage.state_dir / ACCOUNTS_FILE
    store = open_accounts(accounts_path, clock.wall_s())
    write = Writer(accounts_path)
    records = Records(settings.storage.state_dir / JOURNAL_FILE)
    live = Live(records, clock)
    gate = Client(socket_path(settings), "api", ["state", "fact"], live.hear)
    feed = Feed(runtime_dir(settings) / LIVE_SOCKET, runtime_dir(settings) / SNAPSHOT, clock)
    return Office(
        settings=settings, clock=clock, store=store, accounts=Accounts(store), write=write, passwords=Passwords(),
        gate=gate, records=records, streams=Streams(), live=live, feed=feed, reporter=Reporter(store, write, gate),
        orders=Orders(gate, records, store, write, clock), sight=Sight(), refusals=Pace(BURST, PER_SECOND),
    )  # fmt: skip


@contextlib.asynccontextmanager
async def running(office: Office) -> AsyncIterator[None]:
    """Connect to the gate and run what runs by itself; stop in reverse."""
    await office.gate.start()
    office.begin(office.live.run(office.gate), "live")
    office.begin(office.feed.run(), "live-feed")
    office.begin(office.reporter.run(), "reporter")
    office.begin(office.watch_accounts(), "watch-accounts")
    try:
        yield
    finally:
        office.streams.end_all()
        await office.orders.close()
        await office.stop_background()
        await office.gate.stop()
        office.passwords.close()
        office.write.close()
        office.records.close()
        office.store.close()


def office_of(connection: HTTPConnection) -> Office:
    """Return the office that a request came to."""
    office = connection.app.state.office
    if not isinstance(office, Office):
        raise TypeError("the application has no office")
    return office


async def ask_gate(office: Office, op: str, **arguments: object) -> JsonObject:
    """Ask the gate process. Raises the problem `gate_down`, and `RequestRefusedError` where it says no."""
    try:
        return await office.gate.request(op, ANSWER_WITHIN_S, **arguments)
    except GateUnavailableError as error:
        raise ProblemError("gate_down", str(error)) from None
