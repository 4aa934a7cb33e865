"""A load of requests on the page's server: `python -m tests.bench.load URL COOKIE PER_SECOND`, until its stdin closes.

A process of its own, so that it takes no interpreter from who measures. At its end it prints how many requests a second
were answered, and how many were refused.
"""

from __future__ import annotations

import http.client
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from urllib.parse import urlsplit

CONNECTIONS = 4


@dataclass
class Tally:
    """How many requests were answered, and how many refused."""

    answered: int = 0
    refused: int = 0


def ask(address: str, cookie: str, pause_s: float, ended: threading.Event) -> Tally:
    """Send requests at an even pace over one connection; a late one is not made up for by a burst."""
    connection = http.client.HTTPConnection(address, timeout=10)
    tally, next_s = Tally(), time.monotonic()
    while not ended.wait(max(0.0, next_s - time.monotonic())):
        connection.request("GET", "/api/v1/gate", headers={"Cookie": cookie})
        answer = connection.getresponse()
        answer.read()
        if answer.status == http.client.OK:
            tally.answered += 1
        else:
            tally.refused += 1
        next_s = max(next_s + pause_s, time.monotonic() - pause_s)
    connection.close()
    return tally


def main() -> int:
    """Ask over some connections until there is no more to read."""
    address, cookie, per_second = urlsplit(sys.argv[1]).netloc, sys.argv[2], float(sys.argv[3])
    began_s, ended = time.monotonic(), threading.Event()
    with ThreadPoolExecutor(CONNECTIONS) as pool:
        asking = [pool.submit(ask, address, cookie, CONNECTIONS / per_second, ended) for _ in range(CONNECTIONS)]
        sys.stdin.read()
        ended.set()
        tallies = [one.result() for one in asking]
    took_s = time.monotonic() - began_s
    print(sum(tally.answered for tally in tallies) / took_s, sum(tally.refused for tally in tallies))
    return 0


if __name__ == "__main__":
    sys.exit(main())
