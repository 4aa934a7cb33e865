"""The client of gate's local socket, for the other processes and for the command line.

One JSON object a line, both ways, over a Unix stream socket. A request `{"id": n, "op": …, …}` is answered by
`{"id": n, "ok": {…}}` or `{"id": n, "error": {"code", "title", "remedy"}}`; what a client subscribed to comes between
as `{"push": topic, "data": {…}}`. The operations stand in `server.py`.

`Client` is for asyncio programs and comes back by itself when the gate process was away. `ask` is for one question.
"""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import json
import os
import random
import secrets
import socket
import sys
import time
import uuid
from collections.abc import Callable, Iterable
from pathlib import Path

from gate.model import JsonObject

BEAT_S = 1.0
LONGEST_LINE = 1024 * 1024
Pushed = Callable[[str, JsonObject], None]


class GateUnavailableError(Exception):
    """The gate process does not answer; nothing was done."""


class RequestRefusedError(Exception):
    """The gate process answered, and the answer is no. `problem` has `code`, `title` and `remedy`."""

    def __init__(self, problem: JsonObject) -> None:
        self.problem = problem
        super().__init__(f"{problem.get('title')} {problem.get('remedy')}")


def new_id() -> str:
    """Make a UUIDv7 (RFC 9562, 5.7): sorts by time, 74 random bits."""
    stamp = time.time_ns() // 1_000_000 & (1 << 48) - 1
    value = stamp << 80 | 7 << 76 | secrets.randbits(12) << 64 | 2 << 62 | secrets.randbits(62)
    return str(uuid.UUID(int=value))


def ask(path: Path, op: str, timeout_s: float = 5.0, **arguments: object) -> JsonObject:
    """Ask one question and wait for its answer.

    Raises `GateUnavailableError` where nothing answers, `RequestRefusedError` where the answer is a refusal.
    """
    try:
        with contextlib.closing(socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)) as link:
            link.settimeout(timeout_s)
            link.connect(str(path))
            link.sendall(json.dumps({"id": 1, "op": op, **arguments}).encode() + b"\n")
            with link.makefile("rb") as lines:
                for line in lines:
                    answer = json.loads(line)
                    if answer.get("id") == 1:
                        return _unwrap(answer)
    except (OSError, ValueError) as error:
        raise GateUnavailableError(f"no gate process answers at {path} ({error})") from None
    raise GateUnavailableError(f"the gate process closed the connection at {path}")


def _unwrap(answer: JsonObject) -> JsonObject:
    if isinstance(problem := answer.get("error"), dict):
        raise RequestRefusedError(problem)
    ok = answer.get("ok")
    return ok if isinstance(ok, dict) else {}


class Client:
    """A lasting connection of one process to gate.

    `who` is the folder's name; `topics` are pushed to `pushed(topic, data)` in the event loop: `state`, `fact`, `yard`.
    After each (re)connection gate pushes the present `state` first. `pushed` must be quick and must not raise.
    """

    def __init__(self, path: Path, who: str, topics: Iterable[str] = (), pushed: Pushed | None = None) -> None:
        self._path = path
        self._who = who
        self._topics = list(topics)
        self._pushed = pushed
        self._numbers = itertools.count(1)
        self._waiting: dict[int, asyncio.Future[JsonObject]] = {}
        self._writer: asyncio.StreamWriter | None = None
        self._task: asyncio.Task[None] | None = None
        self._hurry = asyncio.Event()
        self.connected = asyncio.Event()
        self.health: JsonObject = {}

    async def start(self) -> None:
        """Begin to connect; returns at once. Wait on `connected` where it matters."""
        self._task = asyncio.create_task(self._run(), name="gate-client")

    async def stop(self) -> None:
        """Close the connection for good."""
        if self._task:
            self._task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._task

    def beat_now(self) -> None:
        """Say at once how this process is: `health` has changed so that nobody should wait for the next beat."""
        self._hurry.set()

    async def request(self, op: str, timeout_s: float = 5.0, **arguments: object) -> JsonObject:
        """Ask and await the answer.

        Raises `GateUnavailableError` while there is no connection or no answer in time; `RequestRefusedError` on a
        refusal.
        """
        writer = self._writer
        if writer is None:
            raise GateUnavailableError("the gate process does not answer")
        number = next(self._numbers)
        answer: asyncio.Future[JsonObject] = asyncio.get_running_loop().create_future()
        self._waiting[number] = answer
        try:
            writer.write(json.dumps({"id": number, "op": op, **arguments}).encode() + b"\n")
            return _unwrap(await asyncio.wait_for(answer, timeout_s))
        except (TimeoutError, OSError):
            raise GateUnavailableError("the gate process does not answer in time") from None
        finally:
            self._waiting.pop(number, None)

    async def report(self, kind: str, data: JsonObject, by: JsonObject | None = None) -> JsonObject:
        """Have a fact written to the journal; answers `{"queued": true}`. Raises as `request`."""
        return await self.request("report", kind=kind, data=data, by=by)

    async def _run(self) -> None:
        pause_s = 0.05
        while True:
            try:
                await self._connection()
                pause_s = 0.05
            except (OSError, ValueError, asyncio.IncompleteReadError):
                pause_s = min(1.0, pause_s * 2)
            await asyncio.sleep(pause_s * random.uniform(0.5, 1.0))  # noqa: S311 - jitter, not a secret

    async def _connection(self) -> None:
        reader, writer = await asyncio.open_unix_connection(self._path, limit=LONGEST_LINE)
        hello = {"op": "hello", "who": self._who, "pid": os.getpid(), "topics": self._topics}
        writer.write(json.dumps(hello).encode() + b"\n")
        self._writer = writer
        self.connected.set()
        beats = asyncio.create_task(self._beat(writer), name="gate-client-beat")
        try:
            while line := await reader.readline():
                self._receive(json.loads(line))
        finally:
            beats.cancel()
            self._writer = None
            self.connected.clear()
            writer.close()
            for answer in self._waiting.values():
                if not answer.done():
                    answer.set_exception(OSError("the gate process went away"))

    def _receive(self, message: JsonObject) -> None:
        number = message.get("id")
        if isinstance(number, int) and (answer := self._waiting.get(number)) and not answer.done():
            answer.set_result(message)
        data = message.get("data")
        topic = message.get("push")
        if isinstance(topic, str) and isinstance(data, dict) and self._pushed:
            self._pushed(topic, data)

    async def _beat(self, writer: asyncio.StreamWriter) -> None:
        while True:
            self._hurry.clear()
            writer.write(json.dumps({"op": "beat", "health": self.health}).encode() + b"\n")
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._hurry.wait(), BEAT_S)


async def parent_is_gone() -> None:
    """Return when the supervisor that started this process is gone: its end of our standard input is closed."""
    loop = asyncio.get_running_loop()
    gone = asyncio.Event()
    descriptor = sys.stdin.fileno()

    def readable() -> None:
        if not os.read(descriptor, 4096):
            loop.remove_reader(descriptor)
            gone.set()

    with contextlib.suppress(PermissionError):  # a file or /dev/null: started by hand, there is no supervisor
        loop.add_reader(descriptor, readable)
    await gone.wait()
