"""What every route works with, in one place: the settings, the clocks, the stores and the gate.

`open_office` wires it, from the top down; `running` starts what runs by itself and stops it in reverse. Nothing else in
this folder is global.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import math
from collections.abc import AsyncIterator, Coroutine
from dataclasses import dataclass, field, replace

from starlette.requests import HTTPConnection

from api.accounts import AccountsError, DamagedError, Store, Writer
from api.attempts import Attempts
from api.board import Board
from api.clock import Clock
from api.counting import Counts
from api.evidence_room import PackingRoom
from api.evidence_shelf import Shelf
from api.health_log import HEALTH_FILE, HealthLog
from api.held import HeldEvents
from api.live import Live
from api.live_feed import Feed
from api.media import LIVE_SOCKET, SNAPSHOT
from api.monitor import read_token
from api.opening import open_accounts
from api.orders import BURST, PER_SECOND, Orders
from api.pace import Pace
from api.passkeys import Challenges, Passkey, Passkeys, Place, place_of
from api.passwords import Passwords
from api.people import TOUCH_EVERY_S, Accounts, Session
from api.problems import ProblemError
from api.push import Pusher, open_pusher
from api.records import Records
from api.reports import Reporter
from api.ring import Ring
from api.sight import Sight
from api.stars import Stars
from api.streams import Streams
from api.tls import Certificate
from api.tls_names import host_of
from api.waiting_room import WayOut
from config.load import runtime_dir, socket_path
from config.schema import Settings
from gate.client import Client, GateUnavailableError
from gate.model import JsonObject

log = logging.getLogger(__name__)

ACCOUNTS_FILE = "accounts.db"
JOURNAL_FILE = "journal.db"
ANSWER_WITHIN_S = 5.0
LOOK_EVERY_S = 0.5
RECKONED_AT_ONCE, RECKONED_PER_SECOND = 10.0, 2.0  # timetables of a session: the longest take tens of milliseconds
LOOK_AT_ALL_EVERY_S = 60.0
SET_BACK_S = 1.0
UNCOUNTED_AT_ONCE, UNCOUNTED_PER_SECOND = 5.0, 1 / 300  # tries at a password while the disk takes no count of them


@dataclass(kw_only=True)
class Office:
    """The wiring of the running process. `base_url` is known once the server listens; `broken` ends the process.

    `proved`: sessions that were proved while the disk was full; `outlived`: proofs, by session, that count no more.
    """

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
    refusals: Pace  # and what else of one session is journalled without asking who it is
    reckonings: Pace
    counts: Counts
    evidence: Shelf
    health: HealthLog
    metrics_token: bytes
    challenges: Challenges
    uncounted: Pace
    proved: dict[str, float] = field(default_factory=dict)
    outlived: frozenset[tuple[str, float]] = frozenset()
    base_url: str = ""
    held: HeldEvents = field(default_factory=HeldEvents)
    stars: Stars = field(default_factory=Stars)
    way_out: WayOut = field(default_factory=WayOut)
    certificate: Certificate | None = None
    pusher: Pusher | None = None
    broken: asyncio.Event = field(default_factory=asyncio.Event)
    _background: set[asyncio.Task[None]] = field(default_factory=set)
    _wall_ahead_s: float = -math.inf

    def session_of(self, token: str | None) -> Session | None:
        """Return the session of a cookie if it may be used, and note that it is in use."""
        if not token:
            return None
        self.look_at_the_clock()
        now_s = self.clock.wall_s()
        session = self.accounts.session(token, now_s)
        if session and (session.id, session.proved_at) in self.outlived:
            session = replace(session, proved_at=-math.inf)
        if session and session.id in self.proved:
            session = replace(session, proved_at=max(session.proved_at, self.proved[session.id]))
        if session and self._is_to_be_touched(now_s - session.last_seen_at):
            self.begin(self._touch(session.id, now_s), "touch")
        return session

    def _is_to_be_touched(self, later_s: float) -> bool:
        """Tell whether a session in use was last seen otherwise than now.

        A clock that nobody believes takes nothing back: a board without a battery begins years ago, and every phone
        that looked in the meantime would be signed out as soon as the time is right again.
        """
        believed = (self.live.snapshot or {}).get("clock_trusted") is True
        return later_s > TOUCH_EVERY_S or (believed and later_s < -TOUCH_EVERY_S)

    def look_at_the_clock(self) -> None:
        """Forget every proof where the wall clock was set back: an old one would be young again. At the start too.

        A board without a battery begins where it was some minutes before its power went. Raises `AccountsError`.
        """
        ahead_s = self.clock.wall_s() - self.clock.mono_s()
        was_set_back = ahead_s < self._wall_ahead_s - SET_BACK_S
        if was_set_back or self._wall_ahead_s == -math.inf:
            self.outlived = self.accounts.proofs()
            self.proved.clear()
        self._wall_ahead_s = ahead_s if was_set_back else max(ahead_s, self._wall_ahead_s)

    def passkeys_of(self, name: str) -> list[Passkey]:
        """Return the passkeys of a person, oldest first."""
        return Passkeys(self.store).of(name)

    def passkey_place(self, connection: HTTPConnection) -> Place | None:
        """Return where passkeys are used on the page that asks; None where they can't be."""
        api = self.settings.api
        secure = api.tls is not None or (api.public_url or "").startswith("https:")
        return place_of(connection, api.domain, secure=secure)

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
                self.look_at_the_clock()
                newest = self.store.version()
                if newest != version or loop.time() - looked_at_s > LOOK_AT_ALL_EVERY_S:
                    version, looked_at_s = newest, loop.time()
                    self.end_dead_streams()
            except AccountsError as error:  # a request that needs the file says so
                self.notice(error)
            self.gate.health = {"ok": True, "reason": "", "events": self.streams.count("events"),
                                "live": self.streams.count("live"), "url": self.base_url}  # fmt: skip
            if self.pusher:
                with contextlib.suppress(AccountsError):
                    self.gate.health |= self.pusher.sender.health()
            if self.certificate:
                self.gate.health |= self.certificate.health(self.clock.wall_s(), host_of(self.base_url))
            await asyncio.sleep(LOOK_EVERY_S)

    @property
    def certificate_ends_s(self) -> float | None:
        """When the page's certificate ends, in wall seconds; None without TLS."""
        return self.certificate.ends_s if self.certificate else None

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
    """Open the accounts and wire everything.

    Raises `AccountsError`, and `ListenError` for a token or a certificate that is none.
    """
    certificate = Certificate(settings.api.tls, clock.wall_s) if settings.api.tls else None
    metrics_token = read_token(settings.api.metrics_token_file)
    accounts_path = settings.storage.state_dir / ACCOUNTS_FILE
    store = open_accounts(accounts_path, clock.wall_s())
    with contextlib.suppress(AccountsError):  # on a full disk nobody can try a password anyway
        Attempts(store).resume(clock.mono_s())
    write = Writer(accounts_path)
    records = Records(settings.storage.state_dir / JOURNAL_FILE)
    live = Live(records, clock)

    def hear(topic: str, data: JsonObject) -> None:
        live.hear(topic, data)
        if office.pusher:
            office.pusher.hear(topic, data)

    gate = Client(socket_path(settings), "api", ["state", "fact"], hear)
    feed = Feed(runtime_dir(settings) / LIVE_SOCKET, runtime_dir(settings) / SNAPSHOT, clock)
    reporter = Reporter(store, write, gate)
    evidence = Shelf(PackingRoom(settings.storage.state_dir / JOURNAL_FILE), store, write, reporter, clock)
    state_dir, media_dir = settings.storage.state_dir, settings.media_dir
    health = HealthLog(Ring(state_dir / HEALTH_FILE), Board(folders={"state": state_dir, "media": media_dir}), clock)
    office = Office(
        settings=settings, clock=clock, store=store, accounts=Accounts(store), write=write, passwords=Passwords(),
        gate=gate, records=records, streams=Streams(), live=live, feed=feed, reporter=reporter, evidence=evidence,
        health=health,
        orders=Orders(gate, records, store, write, clock), sight=Sight(), refusals=Pace(BURST, PER_SECOND),
        reckonings=Pace(RECKONED_AT_ONCE, RECKONED_PER_SECOND),
        counts=Counts(), metrics_token=metrics_token, certificate=certificate, challenges=Challenges(clock),
        uncounted=Pace(UNCOUNTED_AT_ONCE, UNCOUNTED_PER_SECOND),
    )  # fmt: skip
    office.pusher = open_pusher(settings, clock, records=records, store=store, write=write, reporter=reporter)
    office.look_at_the_clock()
    return office


@contextlib.asynccontextmanager
async def running(office: Office) -> AsyncIterator[None]:
    """Connect to the gate and run what runs by itself; stop in reverse."""
    await office.gate.start()
    office.begin(office.live.run(office.gate), "live")
    office.begin(office.feed.run(), "live-feed")
    office.begin(office.reporter.run(), "reporter")
    office.begin(office.watch_accounts(), "watch-accounts")
    office.begin(office.evidence.watch(), "watch-evidence")
    if office.pusher:
        office.begin(office.pusher.run(), "push")
    office.begin(office.health.watch(lambda: office.live.snapshot), "watch-health")
    if office.certificate:
        office.begin(office.certificate.watch(office.reporter.tell), "watch-certificate")
    try:
        yield
    finally:
        office.streams.end_all()
        await office.orders.close()
        await office.stop_background()
        await office.gate.stop()
        office.passwords.close()
        office.evidence.room.close()
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
