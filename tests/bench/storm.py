"""A storm on the page's server: `python -m tests.bench.storm URL COOKIE SEED`, its parts as JSON in one line of stdin.

A process of its own. It prints `storming`, then, when all is done, one JSON object: how often each status was answered
to each part, and `cut`: connections that ended without an answer. Nobody in it is signed in, but the sender of half of
the WebSockets, whose cookie is given.
"""

from __future__ import annotations

import asyncio
import base64
import json
import random
import secrets
import subprocess
import sys
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from urllib.parse import urlsplit

ROOT = Path(__file__).parents[2]
LANES = 12  # connections over which wrong cookies come
AT_ONCE = 50
LIVE = "/api/v1/camera/live"
Request = Callable[[random.Random], bytes]


@dataclass(frozen=True, kw_only=True)
class Parts:
    """How much of what, and how long a client waits for its answer before it hangs up."""

    malformed: int = 500
    slow: int = 100
    sockets: int = 200
    wrong_cookies: int = 10_000
    patience_s: float = 20.0


Told = dict[str, dict[str, int]]


def head(line: str, *lines: str, body: bytes = b"") -> bytes:
    """Return a request as it is sent."""
    return "\r\n".join([line, "Host: gate", *lines, "", ""]).encode("utf-8", "surrogateescape") + body


def noise(chance: random.Random) -> str:
    """Return letters that mean nothing, some of them no text."""
    return "".join(chance.choice("abc/%?&=;\"'{}[]\x01\x7fđế\udcff") for _ in range(chance.randrange(1, 60)))


def posted(body: bytes, *lines: str, to: str = "/api/v1/session") -> bytes:
    """Return a POST of JSON, whatever its body is."""
    return head(
        f"POST {to} HTTP/1.1", "Content-Type: application/json", f"Content-Length: {len(body)}", *lines, body=body
    )


MALFORMED: tuple[Request, ...] = (
    lambda chance: chance.randbytes(chance.randrange(1, 400)) + b"\r\n\r\n",
    lambda chance: f"{noise(chance)}\r\n\r\n".encode("utf-8", "surrogateescape"),
    lambda chance: head(f"GET /{noise(chance)} HTTP/1.1"),
    lambda chance: head(f"{noise(chance)} /api/v1/gate HTTP/1.1"),
    lambda chance: head(f"GET /api/v1/gate HTTP/{chance.randrange(10)}.{chance.randrange(10)}"),
    lambda chance: head("GET /api/v1/gate HTTP/1.1", f"{noise(chance)}: {noise(chance)}"),
    lambda chance: head("GET /api/v1/gate HTTP/1.1", f"Cookie: antt={noise(chance)}; antt; =;;"),
    lambda _: head("GET /api/v1/gate HTTP/1.1", "Host: another"),
    lambda chance: head("GET /api/v1/gate HTTP/1.1", f"X-Long: {'x' * chance.randrange(15_000, 40_000)}"),
    lambda chance: head(f"GET /api/v1/events?limit={noise(chance)}&before=%00%ff HTTP/1.1"),
    lambda _: head("GET /../../../../etc/passwd HTTP/1.1"),
    lambda _: head("GET /%2e%2e/%2e%2e/accounts.db HTTP/1.1"),
    lambda _: head("GET http://example.org/ HTTP/1.1"),
    lambda _: head("POST /api/v1/session HTTP/1.1", "Content-Length: -1"),
    lambda _: head("POST /api/v1/session HTTP/1.1", "Content-Length: 3", "Content-Length: 4", body=b"{}x"),
    lambda _: head("POST /api/v1/session HTTP/1.1", "Content-Length: 99999999999999999999"),
    lambda _: head("POST /api/v1/session HTTP/1.1", "Transfer-Encoding: chunked", body=b"zz\r\n{}\r\n0\r\n\r\n"),
    lambda _: head("POST /api/v1/session HTTP/1.1", "Transfer-Encoding: gzip, identity", body=b"{}"),
    lambda chance: posted(noise(chance).encode("utf-8", "surrogateescape")),
    lambda chance: posted(json.dumps({"pairing_code": noise(chance).replace("\udcff", "")}).encode()),
    lambda _: posted(b"[" * 20_000),
    lambda _: posted(b'{"username": 1e999, "password": null}'),
    lambda _: posted(b"{" + b" " * 70_000 + b"}"),
    lambda _: posted(b'{"command": "open"}', "Idempotency-Key: \xc3\xa9", to="/api/v1/gate/commands"),
    lambda _: head("GET /api/v1/camera/live HTTP/1.1", "Upgrade: websocket", "Connection: Upgrade"),
    lambda _: head("GET /api/v1/gate/events HTTP/1.1", "Last-Event-ID: -1", "Range: bytes=9-1"),
)


class Storm:
    """Everything at once."""

    def __init__(self, url: str, cookie: str, seed: int) -> None:
        address = urlsplit(url)
        self._host, self._port = str(address.hostname), int(address.port or 0)
        self._cookie = cookie
        self._chance = random.Random(seed)
        self.told: dict[str, Counter[str]] = {}
        self._patience_s = 0.0
        self._over = asyncio.Event()

    async def blow(self, parts: Parts) -> None:
        """Send all of it; slow clients stay until the rest is done."""
        self._patience_s = parts.patience_s
        slow = [asyncio.create_task(self._slow(number)) for number in range(parts.slow)]
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._malformed(parts.malformed))
            tasks.create_task(self._sockets(parts.sockets))
            for lane in range(LANES):
                tasks.create_task(self._wrong(parts.wrong_cookies // LANES + (lane < parts.wrong_cookies % LANES)))
        self._over.set()
        await asyncio.gather(*slow)

    async def _malformed(self, count: int) -> None:
        at_once = asyncio.Semaphore(AT_ONCE)  # some are answered only when the server has waited long enough

        async def send(number: int) -> None:
            async with at_once:
                request = MALFORMED[number % len(MALFORMED)](self._chance)
                await self._alone("malformed", request, hang_up_early=number % 7 == 0, says_all=number % 3 == 0)

        await asyncio.gather(*map(send, range(count)))

    async def _alone(self, part: str, request: bytes, *, hang_up_early: bool, says_all: bool) -> None:
        """Send a request over a connection of its own; read what is answered. `says_all`: nothing more will come."""
        status = "cut"
        with suppress(OSError, TimeoutError, asyncio.IncompleteReadError):
            reader, writer = await asyncio.open_connection(self._host, self._port)
            try:
                writer.write(request)
                if says_all:
                    writer.write_eof()
                status = (
                    "left" if hang_up_early else _status(await asyncio.wait_for(reader.readline(), self._patience_s))
                )
            finally:
                writer.close()
        self._count(part, status)

    async def _wrong(self, count: int) -> None:
        """Try cookies, one after the other, over one connection for as long as the server keeps it."""
        reader, writer = await asyncio.open_connection(self._host, self._port)
        for number in range(count):
            path = ("gate", "events", "users", "gate/events")[number % 4]
            request = head(f"GET /api/v1/{path} HTTP/1.1", f"Cookie: antt={secrets.token_urlsafe(32)}")
            try:
                writer.write(request)
                self._count("wrong_cookies", await asyncio.wait_for(_answer(reader), self._patience_s))
            except (OSError, TimeoutError, asyncio.IncompleteReadError):
                self._count("wrong_cookies", "cut")
                writer.close()
                reader, writer = await asyncio.open_connection(self._host, self._port)
        writer.close()

    async def _sockets(self, count: int) -> None:
        """Ask for WebSockets, every second one as somebody who may have four; hold them until all have asked."""
        links: list[asyncio.StreamWriter] = []
        for number in range(count):
            lines = ["Upgrade: websocket", "Connection: Upgrade", "Sec-WebSocket-Version: 13"]
            lines.append(f"Sec-WebSocket-Key: {base64.b64encode(self._chance.randbytes(16)).decode()}")
            lines += [f"Cookie: {self._cookie}"] if number % 2 else []
            status = "cut"
            with suppress(OSError, TimeoutError):
                reader, writer = await asyncio.open_connection(self._host, self._port)
                links.append(writer)
                writer.write(head(f"GET {LIVE} HTTP/1.1", *lines) + (b"\x82\x85" if number % 3 else b"\xff\xff\xff"))
                status = _status(await asyncio.wait_for(reader.readline(), self._patience_s))
            self._count("sockets", status)
        for link in links:
            link.close()

    async def _slow(self, number: int) -> None:
        """Ask a byte at a time, or read nothing of a long answer; come back when thrown out, until all is over."""
        beginnings = (
            head("GET /healthz HTTP/1.1")[:-2] + b"X-Slow: ",
            posted(b"{")[:-1].replace(b"Content-Length: 1", b"Content-Length: 500"),
            head("GET /app.js HTTP/1.1") * 40,
        )
        while not self._over.is_set():
            with suppress(OSError):
                _, writer = await asyncio.open_connection(self._host, self._port, limit=1024)
                writer.write(beginnings[number % len(beginnings)])
                self._count("slow", "connected")
                while not (self._over.is_set() or writer.is_closing()):
                    if number % len(beginnings) < 2:  # the two that are sent byte by byte
                        writer.write(b"x")
                    with suppress(TimeoutError):
                        await asyncio.wait_for(self._over.wait(), 0.5)
                writer.transport.abort()
            with suppress(TimeoutError):
                await asyncio.wait_for(self._over.wait(), 0.1)

    def _count(self, part: str, what: str) -> None:
        self.told.setdefault(part, Counter())[what] += 1


def _status(line: bytes) -> str:
    """Return the status of a first line, `cut` where there is none."""
    words = line.split()
    return words[1].decode("ascii", "replace") if len(words) > 1 else "cut"


async def _answer(reader: asyncio.StreamReader) -> str:
    """Read one answer of a known length; return its status."""
    lines = (await reader.readuntil(b"\r\n\r\n")).lower().split(b"\r\n")
    lengths = [int(line.partition(b":")[2]) for line in lines if line.startswith(b"content-length:")]
    await reader.readexactly(lengths[0])
    return _status(lines[0])


async def main() -> None:
    """Blow once."""
    storm = Storm(sys.argv[1], sys.argv[2], int(sys.argv[3]))
    parts = Parts(**json.loads(sys.stdin.readline()))
    print("storming", flush=True)
    await storm.blow(parts)
    print(json.dumps(storm.told))


class Blowing:
    """A storm that blows in its own process."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self._process = process
        self.told: Told = {}

    @property
    def is_over(self) -> bool:
        """Whether all of it was sent and answered."""
        return self._process.poll() is not None

    @property
    def faults(self) -> int:
        """How many answers said that the server itself failed; known when the block is left."""
        return sum(count for part in self.told.values() for status, count in part.items() if status.startswith("5"))


@contextmanager
def storming(url: str, cookie: str, parts: Parts, seed: int = 1) -> Iterator[Blowing]:
    """Let a storm blow while the block runs, and until it is over; then what was answered is known."""
    command = [sys.executable, "-m", "tests.bench.storm", url, cookie, str(seed)]
    process = subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    blowing = Blowing(process)
    with process:
        assert process.stdin
        assert process.stdout
        process.stdin.write(json.dumps(asdict(parts)) + "\n")
        process.stdin.flush()
        assert process.stdout.readline() == "storming\n"
        try:
            yield blowing
        finally:
            said, _ = process.communicate()
            blowing.told = json.loads(said)


if __name__ == "__main__":
    asyncio.run(main())
