"""One event stream to one page, as an ASGI response.

Starlette's own streaming answer would wait for ever on a phone that is out of reach; this one gives up a write after
`STUCK_AFTER_S`, so that a dead phone costs nothing but its short queue.
"""

from __future__ import annotations

import asyncio
import contextlib

from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from api.live import Listener, Live
from api.streams import Streams

STUCK_AFTER_S = 15.0
PREAMBLE = b"retry: 1000\n\n"
HEADERS = {
    "Content-Type": "text/event-stream; charset=utf-8",
    "Cache-Control": "no-store",
    "X-Accel-Buffering": "no",  # a reverse proxy must not hold events back
}


class EventStream(Response):
    """Sends what `Live` tells, from the fact after `after` on, until the page or the server hangs up."""

    def __init__(self, live: Live, streams: Streams, session_id: str, after: int | None) -> None:
        super().__init__(headers=HEADERS)
        del self.headers["content-length"]
        self._live = live
        self._streams = streams
        self._session_id = session_id
        self._after = after

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve the stream."""
        del scope
        listener = await self._live.join(self._after)
        try:
            with self._streams.opened(self._session_id, "events", listener.end):
                await send({"type": "http.response.start", "status": 200, "headers": self.raw_headers})
                sending = asyncio.create_task(self._send_all(listener, send), name="event-stream")
                leaving = asyncio.create_task(_gone(receive), name="event-stream-leaving")
                try:
                    await asyncio.wait((sending, leaving), return_when=asyncio.FIRST_COMPLETED)
                finally:
                    await _end(sending, leaving)
        finally:
            self._live.leave(listener)

    async def _send_all(self, listener: Listener, send: Send) -> None:
        """Send until the farewell. A page that does not take a write in time, or is gone, ends it."""
        with contextlib.suppress(TimeoutError, OSError):
            await _write(send, PREAMBLE)
            async for event in self._live.told_to(listener):
                await _write(send, event)
            await send({"type": "http.response.body", "body": b"", "more_body": False})


async def _write(send: Send, event: bytes) -> None:
    async with asyncio.timeout(STUCK_AFTER_S):  # `wait_for` would make a task of each write to each page
        await send({"type": "http.response.body", "body": event, "more_body": True})


async def _gone(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass


async def _end(*tasks: asyncio.Task[None]) -> None:
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
