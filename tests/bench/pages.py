"""Many pages that listen to the event stream: `python -m tests.bench.pages URL`, a cookie a line, then an empty line.

A process of its own, so that it takes no interpreter from who is measured. It says `listening` once every page has the
state, and when its stdin closes it prints one JSON object a page: `states` (sequence and CLOCK_MONOTONIC ns of each
line), `facts` (their seqs, in the order in which they came), `farewell` and whether the connection is `lost`.
"""

from __future__ import annotations

import asyncio
import json
import re
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

from gate.client import parent_is_gone

ROOT = Path(__file__).parents[2]
SEQUENCE = re.compile(rb'"sequence":\s*(\d+)')
REQUEST = "GET /api/v1/gate/events HTTP/1.1\r\nHost: {host}\r\nCookie: {cookie}\r\n\r\n"
STATE, FACT, BYE = b"state", b"fact", b"bye"


@dataclass(kw_only=True)
class Heard:
    """What one page heard."""

    states: list[tuple[int, int]] = field(default_factory=list)
    facts: list[int] = field(default_factory=list)
    farewell: str = ""
    lost: bool = False


class Page(asyncio.Protocol):
    """One page. Notes when a line came before it looks what is in it."""

    def __init__(self, request: bytes, heard: Heard) -> None:
        self._request = request
        self._heard = heard
        self._begun = b""
        self._event = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Ask for the stream."""
        if isinstance(transport, asyncio.WriteTransport):
            transport.write(self._request)

    def data_received(self, data: bytes) -> None:
        """Take what came; lines of the chunked encoding say nothing to a page."""
        now_ns = time.monotonic_ns()
        *lines, self._begun = (self._begun + data).split(b"\n")
        for line in lines:
            name, _, value = line.partition(b": ")
            if name == b"event":
                self._event = value
            elif name == b"id" and self._event == FACT:
                self._heard.facts.append(int(value))
            elif name == b"data" and self._event == STATE and (found := SEQUENCE.search(value)):
                self._heard.states.append((int(found[1]), now_ns))
            elif name == b"data" and self._event == BYE:
                self._heard.farewell = str(json.loads(value)["code"])

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002 - asyncio's signature
        """Note it."""
        self._heard.lost = True


async def main() -> None:
    """Listen until stdin closes."""
    address = urlsplit(sys.argv[1])
    host, port = str(address.hostname), int(address.port or 0)
    loop, heard = asyncio.get_running_loop(), list[Heard]()
    for cookie in iter(sys.stdin.readline, "\n"):
        heard.append(Heard())
        page = Page(REQUEST.format(host=address.netloc, cookie=cookie.strip()).encode(), heard[-1])
        await loop.create_connection(lambda page=page: page, host, port)  # type: ignore[misc] # bound at once
    while not all(page.states for page in heard):  # noqa: ASYNC110 - a hundred pages note it, and nothing waits on one
        await asyncio.sleep(0.05)
    print("listening", flush=True)
    await parent_is_gone()
    print(json.dumps([asdict(page) for page in heard]))


@contextmanager
def listening(base: str, cookies: Sequence[str]) -> Iterator[list[Heard]]:
    """Let a page listen with each cookie while the block runs; the list is filled at its end."""
    command = [sys.executable, "-m", "tests.bench.pages", base]
    process = subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    heard: list[Heard] = []
    with process:
        assert process.stdin
        assert process.stdout
        process.stdin.write("".join(f"{cookie}\n" for cookie in cookies) + "\n")
        process.stdin.flush()
        assert process.stdout.readline() == "listening\n"
        try:
            yield heard
        finally:
            said, _ = process.communicate("")
            heard += [Heard(**page) for page in json.loads(said)]


if __name__ == "__main__":
    asyncio.run(main())
