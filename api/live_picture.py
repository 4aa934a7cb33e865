"""Live pictures to one page over its WebSocket.

What is sent carries its age at the moment of sending, so that a page never shows an old picture as a present one. A
page that can't take a message within `STUCK_AFTER_S` is given up. What it can't take in time is dropped by the camera,
which holds a bounded queue for each of us and goes on with a key frame.
"""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Literal

from starlette.websockets import WebSocket

from api.clock import Clock
from api.media import JPEG, LIVE_SOCKET, SNAPSHOT, Unit, framed, read_picture, stamp_of, units
from api.sight import Sight
from gate.model import JsonObject

STUCK_AFTER_S = 10.0
LOOK_EVERY_S = 0.1
RETRY_S = 0.5


class LivePicture:
    """One page's live picture. `runtime` is the folder of the camera's socket and of the newest picture."""

    def __init__(self, page: WebSocket, clock: Clock, sight: Sight, session_id: str, runtime: Path) -> None:
        self._page = page
        self._clock = clock
        self._sight = sight
        self._session_id = session_id
        self._runtime = runtime
        self._excused = False

    async def send(self, form: Literal["h264", "jpeg"]) -> None:
        """Send until cancelled. Raises `TimeoutError` or `OSError` where the page does not take it."""
        if form == "jpeg":
            await self._send_pictures()
        else:
            await self._send_units()

    async def _send_pictures(self) -> None:
        path, sent = self._runtime / SNAPSHOT, 0
        while True:
            stamp = await asyncio.to_thread(stamp_of, path)
            if stamp not in (0, sent) and (picture := await asyncio.to_thread(read_picture, path, self._clock)):
                await self._send_frame(JPEG, picture.mono_ms, picture.jpeg, picture.age_ms)
                sent = picture.stamp_ns
            elif stamp == 0:
                await self._excuse("the camera has sent no picture")
            await asyncio.sleep(LOOK_EVERY_S)

    async def _send_units(self) -> None:
        while True:
            try:
                async for message in units(self._runtime / LIVE_SOCKET):
                    if isinstance(message, Unit):
                        age_ms = self._clock.mono_ms() - message.mono_ms
                        await self._send_frame(message.kind, message.mono_ms, message.payload, age_ms)
                    else:
                        await self._send_text({"type": "config", **message})
            except (FileNotFoundError, ConnectionRefusedError, ConnectionResetError, ValueError):
                pass  # the camera is away; it comes back by itself
            await self._excuse("the camera does not answer")
            await asyncio.sleep(RETRY_S)

    async def _send_frame(self, kind: int, mono_ms: int, payload: bytes, age_ms: int) -> None:
        message = framed(kind, age_ms, mono_ms, payload)
        await asyncio.wait_for(self._page.send_bytes(message), STUCK_AFTER_S)
        self._sight.delivered(self._session_id, age_ms, self._clock.mono_ms())
        self._excused = False

    async def _send_text(self, message: JsonObject) -> None:
        await asyncio.wait_for(self._page.send_json(message), STUCK_AFTER_S)

    async def _excuse(self, reason: str) -> None:
        """Say once that there is no picture, until there is one again."""
        if not self._excused:
            await self._send_text({"type": "no_picture", "reason": reason})
            self._excused = True
