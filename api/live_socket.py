"""The WebSocket of a live picture, given to uvicorn in serve.py.

What a page does not take in time must wait where it can be dropped. So little waits below us: the system holds
`UNSENT_BYTES` that it has not sent and `SENDING_BYTES` in all, asyncio nothing, and `ready` waits until the page has
shown by its answer to a ping that it has what it was sent, or is quick (`api.live_queue.Pulse`).
"""

from __future__ import annotations

import asyncio
import socket
import struct

from starlette.websockets import WebSocket
from uvicorn._types import ASGISendEvent
from uvicorn.protocols.utils import ClientDisconnected
from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol
from websockets.frames import Frame

from api.live_queue import Pulse

UNSENT_BYTES = 16 * 1024
SENDING_BYTES = 256 * 1024
EXTENSION = "antt.socket"
OURS = b"antt"
SHORT, MIDDLE = 126, 2**16
FINAL_BINARY = 0x82


def frame_header(length: int) -> bytes:
    """Return the header of an unmasked binary WebSocket message in one frame (RFC 6455, 5.2)."""
    if length < SHORT:
        return struct.pack("!BB", FINAL_BINARY, length)
    if length < MIDDLE:
        return struct.pack("!BBH", FINAL_BINARY, SHORT, length)
    return struct.pack("!BBQ", FINAL_BINARY, SHORT + 1, length)


class Socket(WebSocketsSansIOProtocol):
    """One WebSocket."""

    pulse: Pulse
    _answered: asyncio.Event

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override] # as uvicorn's own
        """Begin; keep what waits below us small."""
        self.pulse, self._answered = Pulse(), asyncio.Event()
        super().connection_made(transport)
        transport.set_write_buffer_limits(high=1, low=0)  # with TLS an empty buffer would count as full at 0
        below = getattr(getattr(transport, "_ssl_protocol", None), "_transport", None)
        if isinstance(below, asyncio.Transport):  # with TLS asyncio has a buffer of its own below the one that it shows
            below.set_write_buffer_limits(high=1, low=0)
        wire = transport.get_extra_info("socket")
        wire.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, SENDING_BYTES)
        wire.setsockopt(socket.IPPROTO_TCP, socket.TCP_NOTSENT_LOWAT, UNSENT_BYTES)

    def connection_lost(self, exc: Exception | None) -> None:
        """End; whoever waits for the page learns it."""
        super().connection_lost(exc)
        self._answered.set()

    def data_received(self, data: bytes) -> None:
        """Take what the client sent; hang up where the handshake can't be read (uvicorn would wait for ever)."""
        super().data_received(data)
        if self.conn.handshake_exc and not self.handshake_initiated:
            self.transport.abort()

    def handle_pong(self, event: Frame) -> None:
        """Note that the page has what it was sent; uvicorn's own pings are answered as before."""
        if bytes(event.data) != OURS:
            super().handle_pong(event)
            return
        if self.pulse.answered(self.loop.time()):
            self._ping()
        self._answered.set()

    async def run_asgi(self) -> None:
        """Show the application this socket: `socket_of` finds it."""
        self.scope["extensions"][EXTENSION] = {"socket": self}
        await super().run_asgi()

    async def send(self, message: ASGISendEvent) -> None:
        """Send; a refused handshake is complete too (uvicorn forgets it and logs an error of ours)."""
        await super().send(message)
        if message["type"] == "websocket.http.response.body" and not message.get("more_body"):
            self.handshake_complete = True

    async def ready(self) -> None:
        """Wait until the page can take more. Raises `ClientDisconnected` (an `OSError`) where it is gone."""
        while True:
            await self.writable.wait()
            if self.disconnected or self.close_sent or self.transport.is_closing():
                raise ClientDisconnected
            if self.pulse.may_send(self.loop.time()):
                return
            self._answered.clear()
            await self._answered.wait()

    def put(self, head: bytes, payload: bytes) -> None:
        """Send one binary message of two parts; the payload is not copied where the system takes it whole."""
        self.transport.writelines([frame_header(len(head) + len(payload)) + head, payload])
        if self.pulse.sent(self.loop.time()):
            self._ping()

    def hang_up(self) -> None:
        """End at once, whatever waits."""
        self.transport.abort()

    def _ping(self) -> None:
        self.conn.send_ping(OURS)
        self.transport.write(b"".join(self.conn.data_to_send()))


def socket_of(page: WebSocket) -> Socket:
    """Return the socket below a WebSocket of the application."""
    found = page.scope.get("extensions", {}).get(EXTENSION, {}).get("socket")
    if not isinstance(found, Socket):
        raise TypeError("the live picture is served by uvicorn with api.live_socket.Socket")
    return found
