"""Live pictures to one page over its WebSocket.

What is sent carries its age at the moment of sending, so that a page never shows an old picture as a present one: the
next thing is taken from the page's queue only when the page can take it. A page that takes nothing for `STUCK_AFTER_S`
is given up. The page may ask for something else at any time, in words: `{"format": "jpeg", "fps": 2}`.
"""

from __future__ import annotations

import asyncio
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field
from starlette.websockets import WebSocket

from api.clock import Clock
from api.live_feed import Feed
from api.live_queue import Unit
from api.live_socket import Socket
from api.media import framed_head
from api.sight import Sight

STUCK_AFTER_S = 20.0  # a key picture of 160 KB through 100 kbit/s takes 13 s
SLOWEST_FPS, QUICKEST_FPS, USUAL_FPS = 0.2, 10.0, 5.0


class Wanted(BaseModel):
    """What a page may ask for. `fps` is for JPEGs; video comes as it is."""

    model_config = ConfigDict(extra="forbid", strict=True)
    format: Literal["h264", "jpeg"] = "h264"
    fps: float = Field(default=USUAL_FPS, ge=SLOWEST_FPS, le=QUICKEST_FPS)


class LivePicture:
    """One page's live picture, from the feed that all share."""

    def __init__(self, page: WebSocket, wire: Socket, feed: Feed, wanted: Wanted) -> None:
        self._page, self._wire, self._feed = page, wire, feed
        self._seat = feed.watch(_rate(wanted))

    def ask(self, wanted: Wanted) -> None:
        """Show something else from now on."""
        self._feed.leave(self._seat)
        self._seat = self._feed.watch(_rate(wanted))

    def end(self) -> None:
        """Take no more part."""
        self._feed.leave(self._seat)

    async def send(self, clock: Clock, sight: Sight, session_id: str) -> None:
        """Send until cancelled. Raises `TimeoutError` or another `OSError` where the page does not take it."""
        while True:
            await self._seat.more.wait()
            async with asyncio.timeout(STUCK_AFTER_S):
                await self._wire.ready()
            item = self._seat.queue.take(asyncio.get_running_loop().time())
            if item is None:
                self._seat.more.clear()
            elif isinstance(item, Unit):
                age_ms = clock.mono_ms() - item.mono_ms
                self._wire.put(framed_head(item.kind, age_ms, item.mono_ms), item.payload)
                sight.delivered(session_id, age_ms, clock.mono_ms())
            else:
                await self._page.send_json(item)


def _rate(wanted: Wanted) -> float | None:
    return wanted.fps if wanted.format == "jpeg" else None
