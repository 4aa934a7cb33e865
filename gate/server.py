"""The local socket: where every other process and the command line meet the gate.

One JSON object a line, both ways (see `client.py`). This file knows who is connected, what a request must look like
and who subscribed to what; what is done about a request is decided behind the `Desk` port.

| op | arguments | answer |
|---|---|---|
| `hello` | who, pid, topics | none; subscribes, and the present `state` is pushed |
| `beat` | health | none; the process is alive |
| `status` | none | the snapshot |
| `command` | command_id, command, by, reason, sequence, sighted, minutes, deadline_mono_ms | accepted, or the error |
| `command_status` | command_id | how far it got |
| `report` | kind, data, by | queued for the journal |
| `timetable` | none | the timetable in force |
| `set_timetable` | by, reason, revision, periods | the one in force then, or the error |
| `yard` | action, … | what the simulated yard says (simulation only) |

What takes time is answered later and out of turn: a stop never waits for a timetable that waits for the disk.
A client that does not read is dropped once `MOST_UNREAD` bytes wait for it: it comes back and reads the journal.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
import os
from collections.abc import Awaitable
from pathlib import Path
from typing import Annotated, Literal, Protocol

from pydantic import BaseModel, ConfigDict, Field, JsonValue, ValidationError, field_validator

from gate.client import LONGEST_LINE
from gate.journal import canonical
from gate.model import REPORTED_KINDS, Command, Json, JsonObject, Kind, Origin, Refusal

log = logging.getLogger(__name__)

MOST_UNREAD = 4 * 1024 * 1024
MOST_CLIENTS = 64
LONGEST_HEALTH = 8192
MOST_NESTED = 100
LONGEST_PATH = 107  # sun_path of a Unix socket, less its closing zero

Name = Annotated[str, Field(max_length=200)]
CommandId = Annotated[str, Field(min_length=8, max_length=64, pattern=r"^[A-Za-z0-9_-]+$")]


class SocketError(Exception):
    """The local socket can't be opened; the message says what to do."""


class Request(BaseModel):
    """What every operation's arguments have in common: frozen, closed to unknown keys."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class By(Request):
    """Who asks, and from which phone."""

    type: Literal["person", "cli", "key", "process"]
    id: Name
    name: Name = ""
    device: Name = ""

    def origin(self) -> Origin:
        """Return it in the words of the gate."""
        return Origin(type=self.type, id=self.id, name=self.name, device=self.device)


class Wish(Request):
    """A command as it reaches the gate.

    `deadline_mono_ms` is CLOCK_MONOTONIC: a command that comes later is refused. `sequence` is what the person saw.
    `minutes`: how long a hold lasts, None as the site says.
    """

    command_id: CommandId
    command: Command
    by: By
    reason: Annotated[str, Field(max_length=500)] = ""
    sequence: int | None = None
    sighted: bool = False
    deadline_mono_ms: int | None = None
    minutes: Annotated[int, Field(ge=1, le=720)] | None = None


class Report(Request):
    """A fact that another process saw."""

    kind: Kind
    data: dict[str, JsonValue]
    by: By | None = None

    @field_validator("data")
    @classmethod
    def _can_be_chained(cls, data: dict[str, JsonValue]) -> dict[str, JsonValue]:
        try:
            canonical(dict(data))
        except ValueError as error:
            raise ValueError(f"can't stand in the journal: {error!a}") from None
        return data


class TimetableWish(Request):
    """Another timetable, from somebody who looked at this `revision`; `config.periods.read` judges the periods."""

    by: By
    reason: Annotated[str, Field(min_length=1, max_length=200)]
    revision: Annotated[int, Field(ge=0)]
    periods: list[JsonValue]


class YardOrder(Request):
    """Something to happen in the simulated yard, in the words of `antt-gate yard`."""

    action: Annotated[str, Field(max_length=40)]
    arguments: Annotated[list[Name], Field(max_length=4)] = []


class Desk(Protocol):
    """What stands behind the socket. All calls come in the event loop and return at once."""

    def snapshot(self) -> JsonObject:
        """Return what `GET /gate` says."""

    def request(self, wish: Wish) -> JsonObject | Refusal:
        """Obey or refuse."""

    def command_status(self, command_id: str) -> JsonObject | None:
        """Return how far a command got, None if it was never seen."""

    def report(self, kind: Kind, by: Origin, data: JsonObject) -> str:
        """Queue a fact and return its id."""

    def beat(self, who: str, pid: int, health: JsonObject) -> None:
        """Take note that a process is alive."""

    def timetable(self) -> JsonObject:
        """Return the timetable in force."""

    def set_timetable(self, wish: TimetableWish) -> Awaitable[JsonObject]:
        """Put another timetable in force; what is awaited is the whole answer, with `ok` or `error`."""

    def yard(self, order: YardOrder) -> JsonObject | Refusal | asyncio.Future[JsonObject | Refusal]:
        """Pass an order to the simulated yard."""


class Peer:
    """One connection."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader = reader
        self.writer = writer
        self.who = "?"
        self.pid = 0
        self.topics: frozenset[str] = frozenset()

    def send(self, message: JsonObject) -> None:
        """Send one line, or drop the connection of a client that does not read."""
        transport = self.writer.transport
        if transport.get_write_buffer_size() > MOST_UNREAD:
            log.warning("%s does not read; its connection is dropped", self.who)
            transport.abort()
        elif not transport.is_closing():
            self.writer.write(json.dumps(message, separators=(",", ":")).encode() + b"\n")


def problem(code: str, title: str, remedy: str) -> JsonObject:
    """Make the plain form of a refusal."""
    return {"code": code, "title": title, "remedy": remedy}


class Server:
    """Serves the socket at `path` for as long as it is open."""

    def __init__(self, path: Path, desk: Desk) -> None:
        self._path = path
        self._desk = desk
        self._peers: set[Peer] = set()
        self._served: set[asyncio.Task[None]] = set()
        self._server: asyncio.Server | None = None

    async def open(self) -> None:
        """Begin to serve. Raises `SocketError` where the socket can't be made or another gate process answers."""
        if len(os.fsencode(self._path)) > LONGEST_PATH:
            raise SocketError(f"the path {self._path} is too long for a socket; choose a shorter state directory")
        if await self._is_answered():
            raise SocketError(f"another gate process already answers at {self._path}; stop it first")
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            self._path.unlink(missing_ok=True)
            self._server = await asyncio.start_unix_server(self._accept, self._path, limit=LONGEST_LINE)
            self._path.chmod(0o660)
        except OSError as error:
            raise SocketError(
                f"the socket {self._path} can't be made ({error.strerror}); make its folder writable"
            ) from None

    async def close(self) -> None:
        """Stop serving and hang up on everybody."""
        if self._server:
            self._server.close()
        self._path.unlink(missing_ok=True)
        served = list(self._served)
        for task in served:
            task.cancel()
        await asyncio.gather(*served, return_exceptions=True)
        await asyncio.sleep(0)  # transports close in the next turn of the loop

    def push(self, topic: str, data: JsonObject) -> None:
        """Send `data` to everybody who subscribed to `topic`."""
        for peer in list(self._peers):
            if topic in peer.topics:
                peer.send({"push": topic, "data": data})

    async def _is_answered(self) -> bool:
        try:
            _, writer = await asyncio.open_unix_connection(self._path)
        except OSError:
            return False
        writer.close()
        return True

    def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if len(self._peers) >= MOST_CLIENTS:
            writer.close()
            return
        task = asyncio.get_running_loop().create_task(self._serve(reader, writer))
        self._served.add(task)
        task.add_done_callback(self._served.discard)
        task.add_done_callback(lambda _: writer.close())  # also where it was cancelled before it began

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        peer = Peer(reader, writer)
        self._peers.add(peer)
        try:
            while line := await reader.readline():
                self._take_line(peer, line)
                await asyncio.sleep(0)  # a client that sends without pause must not keep the samples waiting
        except (OSError, ValueError):
            pass  # a line longer than LONGEST_LINE, or a peer that went away in the middle of one
        finally:
            self._peers.discard(peer)
            writer.close()
            with contextlib.suppress(OSError):
                await writer.wait_closed()

    def _take_line(self, peer: Peer, line: bytes) -> None:
        try:
            message = json.loads(line)
        except (ValueError, RecursionError):
            message = None
        if not isinstance(message, dict):
            peer.send({"id": None, "error": problem("bad_request", "Not a JSON object.", "Send one object a line.")})
            return
        number = message.pop("id", None)
        op = message.pop("op", None)
        try:
            answer = self._answer(peer, op, message)
        except ValidationError as error:
            wrong = "; ".join(f"{'.'.join(map(str, e['loc']))}: {e['msg']}" for e in error.errors(include_url=False))
            answer = {"error": problem("bad_request", f"{op} is not understood: {wrong}", "Correct the request.")}
        if isinstance(answer, Awaitable):
            task = asyncio.ensure_future(self._send_later(peer, number, answer))
            self._served.add(task)
            task.add_done_callback(self._served.discard)
        elif answer is not None:
            peer.send({"id": number, **answer})

    async def _send_later(self, peer: Peer, number: Json, answer: Awaitable[JsonObject]) -> None:
        peer.send({"id": number, **await answer})

    def _answer(self, peer: Peer, op: object, arguments: JsonObject) -> JsonObject | Awaitable[JsonObject] | None:  # noqa: PLR0911 - a table of ops
        match op:
            case "hello":
                self._welcome(peer, arguments)
                return None
            case "beat":
                self._desk.beat(peer.who, peer.pid, _passable(arguments.get("health")))
                return None
            case "status":
                return {"ok": self._desk.snapshot()}
            case "command":
                return _told(self._desk.request(Wish.model_validate(arguments)))
            case "command_status":
                found = self._desk.command_status(str(arguments.get("command_id")))
                unknown = problem("unknown_command_id", "No such command is known.", "Look it up in the journal.")
                return {"error": unknown} if found is None else {"ok": found}
            case "report":
                return self._report(peer, Report.model_validate(arguments))
            case "timetable":
                return {"ok": self._desk.timetable()}
            case "set_timetable":
                return self._desk.set_timetable(TimetableWish.model_validate(arguments))
            case "yard":
                done = self._desk.yard(YardOrder.model_validate(arguments))
                return _told_later(done) if isinstance(done, asyncio.Future) else _told(done)
            case _:
                return {"error": problem("bad_request", f"{op!r} is no operation.", "See gate/server.py.")}

    def _welcome(self, peer: Peer, arguments: JsonObject) -> None:
        peer.who = str(arguments.get("who", "?"))[:40]
        pid, topics = arguments.get("pid"), arguments.get("topics")
        peer.pid = pid if isinstance(pid, int) else 0
        peer.topics = frozenset(map(str, topics)) if isinstance(topics, list) else frozenset()
        self._desk.beat(peer.who, peer.pid, {})
        if "state" in peer.topics:
            peer.send({"push": "state", "data": self._desk.snapshot()})

    def _report(self, peer: Peer, report: Report) -> JsonObject:
        if report.kind not in REPORTED_KINDS.get(peer.who, ()):
            title = f"{peer.who} may not report {report.kind.value}."
            return {"error": problem("not_permitted", title, "See REPORTED_KINDS in gate/model.py.")}
        by = report.by.origin() if report.by else Origin(type="process", id=peer.who)
        return {"ok": {"queued": True, "id": self._desk.report(report.kind, by, dict(report.data))}}


def _passable(health: object) -> JsonObject:
    """Return what a process says of itself, or that it can't be passed on: it stands in every state that is pushed."""
    if not isinstance(health, dict):
        return {}
    text = json.dumps(health)
    if len(text) > LONGEST_HEALTH or text.count("[") + text.count("{") > MOST_NESTED:
        return {"ok": False, "reason": "its health is too long to be told"}
    return health


def _told(outcome: JsonObject | Refusal) -> JsonObject:
    return {"error": outcome.plain()} if isinstance(outcome, Refusal) else {"ok": outcome}


async def _told_later(outcome: Awaitable[JsonObject | Refusal]) -> JsonObject:
    return _told(await outcome)
