"""Serving: listen, tell where, serve until told to stop.

One worker, because the gate has one story to tell. Streams are ended before the server waits for its connections, so
that a stop takes less than two seconds however many phones look on.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import signal
import socket
import stat
import sys
from collections.abc import Callable, Coroutine, Iterator

import uvicorn
from fastapi import FastAPI

from api.accounts import AccountsError
from api.app import create_app, office_in
from api.connections import AT_ONCE, PATIENCE_S, Connection, room
from api.first_link import FirstLink, make_first_link
from api.handshakes import Handshakes
from api.links import ListenError, base_url, pairing_link
from api.live_socket import Socket
from api.office import Office
from api.shield import LARGEST_HEADERS
from config.schema import Settings
from gate.client import parent_is_gone

log = logging.getLogger("api")

BACKLOG = 256
LARGEST_SOCKET_MESSAGE = 16 * 1024
STOPPING_S = 1
UNHEARD_MS = 30_000  # a phone that acknowledges nothing for so long is gone; connections inherit it


def listen(host: str, port: int) -> socket.socket:
    """Return a listening socket. Raises `ListenError`."""
    try:
        family, kind, proto, _, address = socket.getaddrinfo(
            host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
        listening = socket.socket(family, kind, proto)
    except OSError as error:
        text = f"api.host {host!r} can't be used ({error.strerror}); set an address of this machine"
        raise ListenError(text) from None
    try:
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listening.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, UNHEARD_MS)
        listening.bind(address)
        listening.listen(BACKLOG)
    except OSError as error:
        listening.close()
        raise ListenError(
            f"{host} port {port} can't be listened on ({error.strerror}); stop what uses it, "
            "or choose another with api.port (--port, PORT=)"
        ) from None
    listening.setblocking(False)
    return listening


class PageServer(uvicorn.Server):
    """uvicorn that says when it serves and when it is about to stop, and leaves the signals to us."""

    def __init__(
        self, config: uvicorn.Config, most: int, serving: Callable[[], None], stopping: Callable[[], None]
    ) -> None:
        super().__init__(config)
        self._most = most
        self._serving = serving
        self._stopping = stopping
        self._handshakes: Handshakes | None = None

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Begin to serve, then say so. Listens here and not in uvicorn, which sets no limit to a TLS handshake."""
        await super().startup([])
        config, loop = self.config, asyncio.get_running_loop()

        def connection() -> Connection:
            return Connection(self._most, config, self.server_state, self.lifespan.state)

        if config.ssl:
            self._handshakes = Handshakes(config.ssl, connection, config.timeout_keep_alive)
        arrival = self._handshakes.arrival if self._handshakes else connection
        for listening in sockets or []:
            server = await loop.create_server(arrival, sock=listening, backlog=AT_ONCE)
            self.servers.append(server)
            listening.listen(BACKLOG)  # in the system's queue; AT_ONCE is how many are taken from it in one round
        self._serving()

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Say so, wait for what is under way, then drop the connections of those who don't read."""
        self._stopping()
        if self._handshakes:
            self._handshakes.end()
        await super().shutdown(sockets)
        for connection in list(self.server_state.connections):
            if isinstance(connection.transport, asyncio.WriteTransport):
                connection.transport.abort()
        await asyncio.sleep(0)

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Leave them alone: `serve` listens to them."""
        yield


async def serve(settings: Settings) -> int:
    """Serve until SIGTERM, SIGINT or the supervisor's end; return the exit code.

    Raises `ListenError`, and `AccountsError` where the accounts can't be opened.
    """
    with listen(settings.api.host, settings.api.port) as listening:
        app = create_app(settings)
        office = office_in(app)
        office.base_url = base_url(settings, int(listening.getsockname()[1]))
        first = _prepare(office)

        def serving() -> None:
            log.info("serving at %s", office.base_url)
            if first:
                _tell(first.line(pairing_link(office.base_url, first.code)))

        server = PageServer(configuration(app), room(), serving, office.streams.end_all)
        watching = _watch_for_the_end(server, office)
        try:
            await server.serve(sockets=[listening])
        finally:
            for task in watching:
                task.cancel()
        return 1 if office.broken.is_set() else 0


def _prepare(office: Office) -> FirstLink | None:
    """Note our address, make the link of this start. A full disk is no reason not to serve those who are known."""
    try:
        if office.store.note("base_url") != office.base_url:
            office.store.set_note("base_url", office.base_url)
        return make_first_link(office.store, simulated=office.settings.simulated, now_s=office.clock.wall_s())
    except AccountsError as error:
        if not office.accounts.people():
            raise
        log.error("%s; who is signed in stays so, nobody else can sign in", error)  # noqa: TRY400 - the reason is enough
        return None


def _tell(line: str) -> None:
    """Print for the person at the terminal; that nobody reads any more is no reason not to serve."""
    with contextlib.suppress(OSError):
        os.write(1, f"{line}\n".encode())


def _watch_for_the_end(server: PageServer, office: Office) -> list[asyncio.Task[None]]:
    """Stop the server at a signal, when the supervisor is gone, or when something inside is broken."""

    def stop() -> None:
        server.should_exit = True

    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop)
    watching = [asyncio.create_task(_then(stop, office.broken.wait()), name="broken")]
    if stat.S_ISFIFO(os.fstat(sys.stdin.fileno()).st_mode):
        watching.append(asyncio.create_task(_then(stop, parent_is_gone()), name="parent"))
    return watching


async def _then(act: Callable[[], None], event: Coroutine[None, None, object]) -> None:
    await event
    act()


def configuration(app: FastAPI) -> uvicorn.Config:
    """Return how uvicorn serves `app`, with the office's certificate where it has one."""
    certificate = office_in(app).certificate
    context = (lambda *_: certificate.context) if certificate else None
    return uvicorn.Config(
        app, http=Connection, ws=Socket, loop="asyncio", lifespan="on", log_config=None, access_log=False,
        server_header=False, proxy_headers=False, workers=1, timeout_graceful_shutdown=STOPPING_S,
        timeout_keep_alive=PATIENCE_S, h11_max_incomplete_event_size=LARGEST_HEADERS,
        ws_max_size=LARGEST_SOCKET_MESSAGE, ws_per_message_deflate=False, ssl_context_factory=context,
    )  # fmt: skip
