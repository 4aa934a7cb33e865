"""Small honest implementations of our ports, for tests."""

from __future__ import annotations

import asyncio
import contextlib
import threading
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Self

from config.load import SIMULATE_FILE, load
from gate import timetables
from gate.client import new_id
from gate.journal import Journal, boot_id, utc
from gate.model import Code, Command, Fact, JsonObject, Kind, Origin, Refusal
from gate.server import Server, TimetableWish, Wish, YardOrder
from gate.timetables import Timetables

TITLES = {
    Code.DUPLICATE: Refusal(code=Code.DUPLICATE, title="Already done.", remedy="Nothing to do."),
    Code.BEAM_BLOCKED: Refusal(code=Code.BEAM_BLOCKED, title="Something is in the gateway.", remedy="Clear it."),
}


class FakeGate:
    """A gate process without rules: the real socket and the real journal, and a script instead of a leaf.

    Runs its own event loop in a thread, so that programs under test may block. `refuse_next` makes the next command
    refused; `say_state` publishes; obeyed commands are in `wishes`; `disk_refuses` keeps no timetable. Use it as a
    context manager.
    """

    def __init__(self, state_dir: Path) -> None:
        self.socket = state_dir / "gate.sock"
        self.journal_path = state_dir / "journal.db"
        self.wishes: list[Wish] = []
        self.yard_orders: list[YardOrder] = []
        self.reports: list[tuple[Kind, Origin, JsonObject]] = []
        self.beats: dict[str, JsonObject] = {}
        self.refuse_next: Code | None = None
        self.disk_refuses = False
        self.loop = asyncio.new_event_loop()
        self._started = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._journal = Journal(self.journal_path, self._told)
        self._server = Server(self.socket, self)
        self._statuses: dict[str, JsonObject] = {}
        self.timetables = self.new_timetables()
        self._snapshot: JsonObject = {
            "gate_id": "sim", "name": "Cổng thử", "state": "closed", "evidence": "limit", "evidence_age_ms": 3,
            "target": None, "position": 0.0, "mode": "normal", "mode_until": None, "mode_by": None, "health": "ok",
            "reasons": [],
            "inputs": {"limit_open": False, "limit_closed": True, "beam": False},
            "outputs": {"open_relay": False, "close_relay": False, "lamp": False, "buzzer": False, "siren": False,
                        "light": False},
            "sequence": 1, "at": utc(time.time()), "at_mono_ms": 0, "since": utc(time.time()), "by": None,
            "command": None, "warning_until_mono_ms": None, "closing": None, "timetable": None, "cycles": 0,
            "travel_s": {"open": None, "close": None}, "clock_trusted": True, "alarms": [],
            "boot_id": boot_id(), "simulated": True,
            "processes": {"gate": {"alive": True, "since": utc(time.time()), "restarts": 0, "health": {}}},
        }  # fmt: skip

    def __enter__(self) -> Self:
        self._journal.open()
        self._thread.start()
        assert self._started.wait(5)
        return self

    def __exit__(self, *_: object) -> None:
        asyncio.run_coroutine_threadsafe(self._close(), self.loop).result(5)
        self.loop.call_soon_threadsafe(self.loop.stop)
        self._thread.join(5)
        self._journal.close()

    # What tests do to it.

    def say_state(self, **changes: object) -> None:
        """Publish a changed snapshot, with the next sequence number."""
        self._in_loop(lambda: self._say(changes))

    def write(self, kind: Kind, data: JsonObject, by: JsonObject | None = None, *, trusted: bool = True) -> str:
        """Write one fact to the journal and push it; returns its id."""
        return self._journal.write(kind, by or {"type": "rule", "id": "test", "name": ""}, data, trusted=trusted)

    def set_command_status(self, command_id: str, **changes: object) -> None:
        """Script how far a command got."""
        self._statuses[command_id].update(changes)  # type: ignore[arg-type] # tests pass JSON

    # The Desk port.

    def snapshot(self) -> JsonObject:
        """Return the scripted snapshot with the present time."""
        return {**self._snapshot, "at": utc(time.time()), "at_mono_ms": time.monotonic_ns() // 1_000_000}

    def request(self, wish: Wish) -> JsonObject | Refusal:
        """Obey everything once, except what the script refuses."""
        if self.refuse_next is not None:
            code, self.refuse_next = self.refuse_next, None
            return TITLES.get(code) or Refusal(code=code, title=f"Refused: {code.value}.", remedy="Try later.")
        if wish.command_id in self._statuses:
            return TITLES[Code.DUPLICATE]
        self.wishes.append(wish)
        target = {Command.OPEN: "open", Command.CLOSE: "closed"}.get(wish.command)
        self._snapshot["target"] = target
        self._statuses[wish.command_id] = {
            "command_id": wish.command_id, "command": wish.command.value, "status": "accepted", "code": None,
            "accepted_mono_ms": time.monotonic_ns() // 1_000_000, "energised_mono_ms": None, "ended_mono_ms": None,
        }  # fmt: skip
        by = wish.by.origin().plain()
        data: JsonObject = {"command_id": wish.command_id, "command": wish.command.value, "reason": wish.reason}
        self._journal.write(Kind.COMMAND_ACCEPTED, by, data, trusted=True)
        return {
            "command_id": wish.command_id, "accepted": True, "state": self._snapshot["state"], "target": target,
            "sequence": self._snapshot["sequence"], "warning_s": 0.0,
        }  # fmt: skip

    def command_status(self, command_id: str) -> JsonObject | None:
        """Return the scripted status."""
        return self._statuses.get(command_id)

    def report(self, kind: Kind, by: Origin, data: JsonObject) -> str:
        """Write what another process saw."""
        self.reports.append((kind, by, data))
        return self._journal.write(kind, by.plain(), data, trusted=True)

    def beat(self, who: str, pid: int, health: JsonObject) -> None:
        """Remember the newest health of each process."""
        self.beats[who] = {**health, "pid": pid}

    def yard(self, order: YardOrder) -> JsonObject | Refusal:
        """Do nothing; note what was asked and say what is true in a quiet yard."""
        self.yard_orders.append(order)
        if self.refuse_next is not None:
            code, self.refuse_next = self.refuse_next, None
            return Refusal(code=code, title=f"Refused: {code.value}.", remedy="See antt-gate yard --help.")
        return {"leaf": 0.0, "speed": 0.0, "relays": [], "things": [], "faults": []}

    def timetable(self) -> JsonObject:
        """Return the timetable in force, as the real keeper of it says."""
        return self.timetables.plain()

    def set_timetable(self, wish: TimetableWish) -> Awaitable[JsonObject]:
        """Put another one in force; it is journalled, and kept nowhere."""
        return self.timetables.change(wish)

    # Inside.

    def _say(self, changes: dict[str, object]) -> None:
        sequence = self._snapshot["sequence"]
        assert isinstance(sequence, int)
        self._snapshot.update(changes)  # type: ignore[arg-type] # tests pass JSON
        self._snapshot["sequence"] = sequence + 1
        self._server.push("state", self.snapshot())

    def push_yard(self, data: JsonObject) -> None:
        """Push what the simulated yard looks like."""
        self._in_loop(lambda: self._server.push("yard", data))

    def new_timetables(self) -> Timetables:
        """Return the keeper of a timetable that nobody has changed yet."""
        effects = timetables.Effects(
            write=self._write_timetable,
            follow=lambda _: None,
            keep=self._keep_timetable,
            wall_s=time.time,
        )
        return Timetables(load(SIMULATE_FILE), effects, kept_within_s=0.1)

    def _keep_timetable(self) -> None:
        if not self.disk_refuses:
            self.timetables.written(self.timetables.revision)

    def _write_timetable(self, by: Origin, data: JsonObject) -> None:
        self._journal.write(Kind.TIMETABLE_CHANGED, by.plain(), data, trusted=True)

    def _told(self, fact: Fact) -> None:
        with contextlib.suppress(RuntimeError):  # the loop is closed: nobody listens any more
            self.loop.call_soon_threadsafe(self._server.push, "fact", fact.plain())
            if fact.kind == Kind.TIMETABLE_CHANGED:
                self.loop.call_soon_threadsafe(self.timetables.journalled, fact)

    def _in_loop(self, action: Callable[[], None]) -> None:
        done = threading.Event()

        def act() -> None:
            action()
            done.set()

        self.loop.call_soon_threadsafe(act)
        assert done.wait(5)

    def _run(self) -> None:
        asyncio.set_event_loop(self.loop)
        self.loop.run_until_complete(self._server.open())
        self._started.set()
        self.loop.run_forever()
        self.loop.run_until_complete(self._settle())
        self.loop.close()

    async def _close(self) -> None:
        await asyncio.sleep(0.02)  # asyncio leaks a connection whose server closes between accept() and its transport
        await self._server.close()

    async def _settle(self) -> None:
        others = asyncio.all_tasks() - {asyncio.current_task()}
        for task in others:
            task.cancel()
        await asyncio.gather(*others, return_exceptions=True)
        await asyncio.sleep(0)


def wait_until(condition: Callable[[], bool], timeout_s: float = 15.0, what: str = "the condition") -> None:
    """Poll a real process until it gets there; for shells and whole programs, never for rules."""
    deadline = time.monotonic() + timeout_s
    while not condition():
        if time.monotonic() > deadline:
            raise AssertionError(f"{what} did not come true in {timeout_s} s")
        time.sleep(0.01)


__all__ = ["FakeGate", "new_id", "wait_until"]
