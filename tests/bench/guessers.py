"""Many browsers that guess passwords without a pause: `python -m tests.bench.guessers PORT CONNECTIONS SECONDS`.

A program of its own, so that the attack takes no time of the server's process. Each connection asks again as soon as it
has its answer; one that is closed is made again. Prints how many answers came, and how many of them were no refusal.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import sys
from collections import Counter

REFUSALS = frozenset({401, 429})


def request_of(number: int) -> bytes:
    """Return a guess at Lan's password, or at a name of one's own."""
    name = "lan" if number % 2 else f"name{number}"
    body = json.dumps({"username": name, "password": "not this one"}).encode()
    head = f"POST /api/v1/session HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: {len(body)}"
    return f"{head}\r\n\r\n".encode() + body


async def guess(port: int, number: int, answers: Counter[int]) -> None:
    """Guess over one connection for as long as it is open, then over the next."""
    while True:
        with contextlib.suppress(OSError, asyncio.IncompleteReadError):
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
            try:
                while True:
                    writer.write(request_of(number))
                    head = (await reader.readuntil(b"\r\n\r\n")).decode("ascii").lower()
                    await reader.readexactly(int(head.partition("content-length: ")[2].partition("\r\n")[0]))
                    answers[int(head.split()[1])] += 1
            finally:
                writer.close()


async def main(port: int, connections: int, seconds: float) -> None:
    """Guess for so long, then print the counts."""
    answers: Counter[int] = Counter()
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(seconds), asyncio.TaskGroup() as group:
            for number in range(connections):
                group.create_task(guess(port, number, answers))
    others = sum(count for status, count in answers.items() if status not in REFUSALS)
    print(json.dumps({"answers": answers.total(), "others": others}))


if __name__ == "__main__":
    asyncio.run(main(int(sys.argv[1]), int(sys.argv[2]), float(sys.argv[3])))
