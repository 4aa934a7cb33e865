"""TLS handshakes: how a connection of the page begins where there is a certificate.

- A handshake must be done `patience_s` after the connection was made.
- At most `MOST_AT_ONCE` at a time: a new one beyond that takes the place of the oldest. Who opens connections and never
  shakes hands takes neither the files nor the memory of those who do. asyncio sets no such limit.
- What was said before the handshake is nobody's; what follows it is kept until the connection can hear it.
"""

from __future__ import annotations

import asyncio
import ssl
from asyncio import sslproto
from collections.abc import Callable

MOST_AT_ONCE = 64
AT_HAND = 16 * 1024
"""Bytes that asyncio sets aside for each connection, beside as many of OpenSSL's. It would take 256 KB."""

sslproto.SSLProtocol.max_size = AT_HAND


class Handshakes:
    """Shakes hands with whoever connects, then makes the connection that serves them."""

    def __init__(self, context: ssl.SSLContext, made: Callable[[], asyncio.Protocol], patience_s: float) -> None:
        self._context = context
        self._made = made
        self._patience_s = patience_s
        self._under_way: dict[asyncio.Transport, asyncio.Task[None]] = {}
        self._tasks: set[asyncio.Task[None]] = set()

    def arrival(self) -> asyncio.Protocol:
        """Return what a listening server gives a connection that has just been made."""
        return _Arrival(self._begin)

    def end(self) -> None:
        """Hang up on those that have not shaken hands."""
        for raw in list(self._under_way):
            raw.abort()

    def _begin(self, raw: asyncio.Transport) -> None:
        if len(self._under_way) >= MOST_AT_ONCE:
            oldest = next(iter(self._under_way))
            del self._under_way[oldest]
            oldest.abort()
        task = asyncio.get_running_loop().create_task(self._shake(raw), name="handshake")
        self._under_way[raw] = task
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _shake(self, raw: asyncio.Transport) -> None:
        early = _Early()
        try:
            link = await asyncio.get_running_loop().start_tls(
                raw, early, self._context, server_side=True, ssl_handshake_timeout=self._patience_s
            )
        except OSError:  # too late, gone, or no TLS at all; `ssl.SSLError` is one of them
            return
        finally:
            self._under_way.pop(raw, None)
        if link is None or link.is_closing():
            return
        connection = self._made()
        link.set_protocol(connection)
        connection.connection_made(link)
        if early.said:
            connection.data_received(bytes(early.said))


class _Arrival(asyncio.Protocol):
    """A connection before its handshake."""

    def __init__(self, begin: Callable[[asyncio.Transport], None]) -> None:
        self._begin = begin

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Have the handshake begun, in the next round of the loop."""
        if isinstance(transport, asyncio.Transport):
            self._begin(transport)


class _Early(asyncio.Protocol):
    """Keeps what came together with the end of the handshake."""

    def __init__(self) -> None:
        self.said = bytearray()

    def data_received(self, data: bytes) -> None:
        """Keep it."""
        self.said += data
