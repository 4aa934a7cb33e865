"""The main process, put together: build, start, wait, stop in reverse order.

journal → what was kept → socket → keeper → children, each with a line in the log; undone from the last to the first.
Everything but the writers of files runs in one event loop; nothing in it may block.
"""

from __future__ import annotations

import asyncio
import contextlib
import dataclasses
import fcntl
import logging
import signal
import time
from collections.abc import Awaitable, Iterator, Sequence
from pathlib import Path

from config.load import runtime_dir, socket_path
from config.schema import Settings
from gate import incident, kept, priority, timetables
from gate.client import new_id
from gate.clocks import Clocks
from gate.controller import Controller, Effects
from gate.incident_file import About
from gate.journal import Journal, JournalError, JournalReader, boot_id, utc
from gate.keeper_link import Heard, KeeperLink
from gate.keeper_news import KeeperNews
from gate.lookout import Lookout
from gate.memory import Kept, Plan
from gate.model import Code, Command, Fact, JsonObject, Kind, Origin, Outputs, Refusal
from gate.notify import notify, watchdog_s
from gate.refusals import refuse
from gate.ring import Ring
from gate.rulebook import site_of
from gate.server import By, Server, TimetableWish, Wish, YardOrder
from gate.supervisor import Supervisor, commands_of
from gate.timetables import Timetables

log = logging.getLogger(__name__)

YARD_PATIENCE_S = 2.0
REST_WITHIN_S = 0.3
KEPT_FILE = "state.json"
LOOK_EVERY_S = 0.25
CHILDREN = ("api", "camera", "mqtt_bridge")  # the page first: somebody may be waiting for it
US = Origin(type="process", id="gate")


class StateError(Exception):
    """The state directory can't be ours; the message says what to do."""


@contextlib.contextmanager
def sole_owner(state_dir: Path) -> Iterator[None]:
    """Hold the state directory for this process alone; a second gate on the same journal would break its chain."""
    try:
        state_dir.mkdir(parents=True, exist_ok=True)
        lock = (state_dir / "gate.lock").open("w", encoding="ascii")
    except OSError as error:
        raise StateError(f"the state directory {state_dir} can't be written ({error.strerror})") from None
    with lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            remedy = "stop that one first, or name another folder with --state-dir"
            raise StateError(f"another gate process uses {state_dir}; {remedy}") from None
        yield


class App:
    """The gate process. It is the `Desk` behind the socket and the effects of the controller."""

    def __init__(self, settings: Settings, config: Path, overrides: Sequence[str], trace: Path | None) -> None:
        self._settings = settings
        state_dir = settings.storage.state_dir
        self._journal = Journal(state_dir / "journal.db", self._written)
        self._found = kept.Found(kept=Kept())
        self._kept = kept.KeptFile(state_dir / KEPT_FILE, written=self._kept_written)
        self._incidents = incident.IncidentFiles(state_dir / incident.FOLDER)
        self._clocks = Clocks(settings, self._clock_changed, self._planned, self._clock_looked)
        self._timetables = self._new_timetables(settings)
        self._server = Server(socket_path(settings), self)
        self._supervisor = Supervisor(
            commands_of(str(config), overrides, _wanted_children(settings)),
            lambda kind, data: self._write(kind, US, data),
            self._publish,
            lambda: utc(time.time()),
        )
        self._keeper = KeeperLink(
            settings,
            runtime_dir(settings),
            trace,
            Heard(samples=self._samples, yard=self._yard_says, up=self._keeper_up, down=self._keeper_down),
        )
        self._news = KeeperNews(lambda kind, data: self._write(kind, US, data), lambda: utc(time.time()))
        self._site = site_of(settings)
        self._lookout = Lookout(time.monotonic())
        self._ring = Ring(incident.recorder(self._incidents, self._about, self._site))
        self._controller = self._new_controller(self._found.kept)
        self._since = utc(time.time())
        self._boot_id = boot_id()
        self._publishing = False
        self._published_timetable: JsonObject | None = None
        self._alarm: asyncio.TimerHandle | None = None
        self._yard_answers: dict[int, asyncio.Future[JsonObject | Refusal]] = {}
        self._loop: asyncio.AbstractEventLoop | None = None
        self._rested: asyncio.Event | None = None

    def _new_controller(self, found: Kept) -> Controller:
        effects = Effects(write=self._write, order=self._order, publish=self._publish, keep=self._keep, utc=_wall)
        return Controller(self._site, effects, self._ring, time.monotonic(), found)

    def _new_timetables(self, settings: Settings) -> Timetables:
        effects = timetables.Effects(
            write=lambda by, data: self._write(Kind.TIMETABLE_CHANGED, by, data),
            follow=self._clocks.follow,
            keep=lambda: self._controller.keep(time.monotonic()),
            wall_s=time.time,
        )
        return Timetables(settings, effects)

    async def run(self) -> None:
        """Work until SIGTERM or SIGINT.

        Raises `StateError`, `JournalError` or `SocketError` where the gate can't even begin.
        """
        self._loop = loop = asyncio.get_running_loop()
        log.info("the gate process has %s", priority.raise_this_thread(priority.GATE))
        stop = asyncio.Event()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, stop.set)
        async with contextlib.AsyncExitStack() as undo:
            self._clocks.open()
            undo.enter_context(sole_owner(self._settings.storage.state_dir))
            self._journal.open()
            undo.callback(self._journal.close)
            self._take_up_what_was_kept()
            undo.callback(self._kept.close)
            self._incidents.open()
            undo.callback(self._incidents.close)
            self._write_boot()
            self._timetables.take_up(self._found.kept.timetable, self._newest_fact(Kind.TIMETABLE_CHANGED))
            undo.callback(lambda: self._write(Kind.SHUTDOWN, US, {"reason": "stopped by a signal"}))
            await self._server.open()
            undo.push_async_callback(self._server.close)
            self._keeper.open()
            undo.push_async_callback(self._keeper.close)
            await self._supervisor.open()
            undo.push_async_callback(self._supervisor.close)
            undo.callback(self._ring.finish)
            chores = [asyncio.create_task(self._clocks.watch()), asyncio.create_task(self._feed_watchdog())]
            if self._settings.camera.enabled:
                chores.append(asyncio.create_task(self._watch_camera()))
            undo.callback(lambda: [chore.cancel() for chore in chores])
            undo.push_async_callback(self._bring_to_rest)  # before anything else: the leaf does not wait for anybody
            self._wake()
            notify("READY=1")
            log.info("the gate %s is up; local socket %s", self._settings.site.id, socket_path(self._settings))
            await stop.wait()
            notify("STOPPING=1")
            log.info("stopping")

    # ------------------------------------------------------------ Desk: what the socket asks for

    def snapshot(self) -> JsonObject:
        """Return what `GET /gate` says."""
        ours: JsonObject = {"alive": True, "since": self._since, "restarts": 0, "health": self._own_health()}
        off: JsonObject = {"alive": False, "off": True, "since": None, "restarts": 0, "health": {}}
        others: JsonObject = dict.fromkeys(CHILDREN, off) | self._supervisor.plain()
        return {
            "gate_id": self._settings.site.id,
            "name": self._settings.site.name,
            **self._controller.snapshot(time.monotonic()),
            "at": utc(time.time()),
            "clock_trusted": self._clocks.trusted,
            "timetable": self._clocks.timetable(),
            "boot_id": self._boot_id,
            "simulated": self._settings.simulated,
            "processes": {"gate": ours, "keeper": self._news.plain(), **others},
        }

    def request(self, wish: Wish) -> JsonObject | Refusal:
        """Obey or refuse."""
        return self._controller.request(wish, time.monotonic())

    def command_status(self, command_id: str) -> JsonObject | None:
        """Return how far a command got."""
        return self._controller.command_status(command_id)

    def report(self, kind: Kind, by: Origin, data: JsonObject) -> str:
        """Queue a fact and return its id."""
        return self._journal.write(kind, by.plain(), data, trusted=self._clocks.trusted)

    def beat(self, who: str, pid: int, health: JsonObject) -> None:  # noqa: ARG002 - the port's signature
        """Take note that a process is alive."""
        self._supervisor.beat(who, health)

    def timetable(self) -> JsonObject:
        """Return the timetable in force."""
        return self._timetables.plain()

    def set_timetable(self, wish: TimetableWish) -> Awaitable[JsonObject]:
        """Put another timetable in force, or say why not."""
        return self._timetables.change(wish)

    def yard(self, order: YardOrder) -> Refusal | asyncio.Future[JsonObject | Refusal]:
        """Pass an order to the simulated yard."""
        if not self._settings.simulated or self._loop is None:
            return refuse(Code.NOT_SIMULATED)
        number = self._keeper.yard(order.action, order.arguments)
        answer: asyncio.Future[JsonObject | Refusal] = self._loop.create_future()
        self._yard_answers[number] = answer
        self._loop.call_later(YARD_PATIENCE_S, self._answer_yard, number, refuse(Code.KEEPER_DOWN))
        return answer

    # ------------------------------------------------------------ what the keeper says

    def _samples(self, packets: list[JsonObject]) -> None:
        now_s = time.monotonic()
        self._news.samples(packets, now_s)
        self._controller.samples(packets, now_s)
        if self._rested and not self._controller.is_moving:
            self._rested.set()
        self._wake()

    def _yard_says(self, packet: JsonObject) -> None:
        match packet["t"]:
            case "scene" if isinstance(data := packet["data"], dict):
                self._server.push("yard", data)
            case "yard":
                unknown = Refusal(code=Code.UNKNOWN_ORDER, title=f"{packet.get('error')}.", remedy="Correct the order.")
                done = packet.get("ok")
                self._answer_yard(int(str(packet["n"])), done if isinstance(done, dict) else unknown)

    def _keeper_up(self, pid: int) -> None:
        self._news.up(pid)
        self._publish()

    def _keeper_down(self, reason: str) -> None:
        self._news.down(reason)
        self._controller.keeper_is_gone(time.monotonic())
        self._wake()

    def _wake(self) -> None:
        """Re-arm the one timer for the moment the controller wants to be woken."""
        if self._loop is None:
            return
        if self._alarm:
            self._alarm.cancel()
        wait_s = max(0.0, self._controller.deadline_s - time.monotonic())
        self._alarm = self._loop.call_later(wait_s, self._woken)

    def _woken(self) -> None:
        self._controller.wake(time.monotonic())
        self._wake()

    def _answer_yard(self, number: int, answer: JsonObject | Refusal) -> None:
        waiting = self._yard_answers.pop(number, None)
        if waiting and not waiting.done():
            waiting.set_result(answer)

    # ------------------------------------------------------------ effects

    def _order(self, for_seq: int, outputs: Outputs, fast: bool) -> None:  # noqa: FBT001 - an effect's signature
        self._keeper.order(for_seq, outputs, fast=fast)

    def _write(self, kind: Kind, by: Origin, data: JsonObject) -> None:
        self._journal.write(kind, by.plain(), data, trusted=self._clocks.trusted)

    def _publish(self) -> None:
        """Push the state once for all that changes in this turn of the loop."""
        if self._loop and not self._publishing:
            self._publishing = True
            self._loop.call_soon(self._publish_now)

    def _publish_now(self) -> None:
        self._publishing = False
        self._server.push("state", self.snapshot())

    def _written(self, fact: Fact) -> None:
        """Tell everybody of a fact that is now safe; called in the journal's thread."""
        if self._loop:
            with contextlib.suppress(RuntimeError):  # the loop is closed: nobody listens any more
                self._loop.call_soon_threadsafe(self._server.push, "fact", fact.plain())
                if fact.kind == Kind.TIMETABLE_CHANGED:
                    self._loop.call_soon_threadsafe(self._timetables.journalled, fact)

    def _keep(self, found: Kept) -> None:
        self._kept.write(dataclasses.replace(found, timetable=self._timetables.safe))

    def _kept_written(self, found: Kept) -> None:
        """Take note of what is on the disk now; called in the writer's thread."""
        if self._loop and found.timetable:
            with contextlib.suppress(RuntimeError):  # as above
                self._loop.call_soon_threadsafe(self._timetables.written, found.timetable.revision)

    # ------------------------------------------------------------ chores

    def _own_health(self) -> JsonObject:
        trouble = self._journal.trouble or self._kept.trouble or self._timetables.trouble
        return {"ok": not trouble, "reason": trouble}

    def _take_up_what_was_kept(self) -> None:
        """Find the modes, locks, alarms and learned times of before (I10, I11); a damaged file locks it."""
        self._found = kept.read(self._settings.storage.state_dir / KEPT_FILE)
        if self._found.reason:
            log.error("%s; the gate is locked until it is reset", self._found.reason)
        self._controller = self._new_controller(self._found.kept)
        self._kept.open()

    def _about(self, at_s: float) -> About:
        """Say what an incident file tells of itself."""
        return About(
            gate_id=self._settings.site.id,
            name=self._settings.site.name,
            program=_version(),
            boot_id=self._boot_id,
            at=_wall(at_s),
            at_trusted=self._clocks.trusted,
            simulated=self._settings.simulated,
        )

    def _write_boot(self) -> None:
        """Begin the journal's chapter; a move that was under way is named interrupted and never resumed (I7)."""
        newest = self._newest_fact(Kind.DRIVE_ENERGISED, Kind.DRIVE_RELEASED)
        kept_as = self._journal.kept_as
        told: JsonObject = {"version": _version()}
        if kept_as:
            told["journal_kept_as"] = kept_as.name
        if self._found.reason:
            told["state_lost"] = self._found.reason
        self._write(Kind.BOOT, US, told)
        if newest and newest.kind == Kind.DRIVE_ENERGISED:
            names = ("relay", "direction", "command_id")
            interrupted: JsonObject = {name: newest.data.get(name) for name in names}
            self._write(Kind.DRIVE_RELEASED, US, {**interrupted, "why": "interrupted", "ran_ms": None})

    def _newest_fact(self, *kinds: Kind) -> Fact | None:
        try:
            with contextlib.closing(JournalReader(self._settings.storage.state_dir / "journal.db")) as reader:
                found = reader.read(kinds=kinds, newest_first=True, limit=1)
        except JournalError as error:  # a full disk without a journal yet, or a row that is broken
            log.warning("what was under way before is not known: %s", error)
            return None
        return found[0] if found else None

    async def _bring_to_rest(self) -> None:
        """Stop a move that is under way and wait for its relay's release, so that the journal knows how it ended."""
        if not self._controller.is_moving:
            return
        by = By(type="process", id="gate")
        self.request(Wish(command_id=new_id(), command=Command.STOP, by=by, reason="the gate process stops"))
        self._rested = asyncio.Event()
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._rested.wait(), REST_WITHIN_S)

    async def _watch_camera(self) -> None:
        """Tell the rules whether the camera can be believed."""
        while True:
            await asyncio.sleep(LOOK_EVERY_S)
            now_s = time.monotonic()
            camera = self._supervisor.plain().get("camera")
            known = camera if isinstance(camera, dict) else {}
            self._controller.see(self._lookout.why(now_s, known, self._supervisor.heard_s("camera")), now_s)

    def _clock_changed(self, told: JsonObject) -> None:
        self._write(Kind.CLOCK_CHANGED, US, told)
        self._publish()

    def _planned(self, plan: Plan, now_s: float) -> None:
        before = self._published_timetable
        self._controller.plan(plan, now_s)
        self._published_timetable = self._clocks.timetable()
        if self._published_timetable != before:
            self._publish()

    def _clock_looked(self) -> None:
        self._controller.keep(time.monotonic())

    async def _feed_watchdog(self) -> None:
        every_s = watchdog_s()
        while every_s:
            notify("WATCHDOG=1")
            await asyncio.sleep(every_s / 3)


def _wanted_children(settings: Settings) -> list[str]:
    off = {"camera": not settings.camera.enabled, "mqtt_bridge": not settings.mqtt.enabled}
    return [name for name in CHILDREN if not off.get(name)]


def _wall(mono_s: float) -> str:
    """Return the wall time of a monotonic moment, by the clock as it is now."""
    return utc(time.time() - time.monotonic() + mono_s)


def _version() -> str:
    from importlib.metadata import version  # noqa: PLC0415 - once, and not before the keeper is needed

    return version("antt-gate")
