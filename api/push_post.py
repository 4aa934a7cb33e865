"""The way to a push service: one HTTPS request, and what became of it.

Where it leads comes from a browser, that is from outside: only https, only addresses that everybody on the internet
may reach, looked up once and connected to as looked up, so that no name leads into the village's own network. No
redirect is followed, and of the answer only its status and `Retry-After` are believed.
"""

from __future__ import annotations

import asyncio
import contextlib
import ipaddress
import socket
import ssl
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from enum import Enum, auto
from http import HTTPStatus
from typing import Protocol
from urllib.parse import SplitResult, urlsplit

import h11

HTTPS_PORT = 443
WITHIN_S = 20.0
ONE_ADDRESS_S = 6.0
MOST_ADDRESSES = 4
READ_BYTES = 16 * 1024
LONGEST_ENDPOINT = 1024
UNICAST = ipaddress.ip_network("2000::/3")  # what else there is leads nowhere, or into a network of one's own
NAT64 = ipaddress.ip_network("64:ff9b::/96")
GONE = (HTTPStatus.NOT_FOUND, HTTPStatus.GONE)
NOT_BELIEVED = (HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN)
LATER = (HTTPStatus.REQUEST_TIMEOUT, HTTPStatus.TOO_EARLY, HTTPStatus.TOO_MANY_REQUESTS)


class Fate(Enum):
    """What became of a message.

    `GONE`: the phone is not known there any more; `REFUSED`: we are not believed there (key, clock); `UNREACHABLE`:
    nobody answered; `LATER`: they ask for patience; `NEVER`: this message will never be taken.
    """

    TAKEN = auto()
    GONE = auto()
    REFUSED = auto()
    UNREACHABLE = auto()
    LATER = auto()
    NEVER = auto()


@dataclass(frozen=True, kw_only=True, slots=True)
class Answer:
    """What became of one message; `asked_s`: not to be tried again sooner."""

    fate: Fate
    asked_s: float = 0.0
    said: str = ""


class Post(Protocol):
    """The way to push services."""

    async def __call__(self, endpoint: str, headers: Mapping[str, str], body: bytes) -> Answer:
        """Send one message. Never raises."""


def why_not(endpoint: str, *, allow_private: bool) -> str:
    """Return why a phone's address can't be used, empty where it can, as far as can be told without looking it up."""
    try:
        parts, port = urlsplit(endpoint), urlsplit(endpoint).port
    except ValueError:
        return "it is no address"
    if (
        parts.scheme != "https"
        or not parts.hostname
        or len(endpoint) > LONGEST_ENDPOINT
        or not (endpoint.isascii() and endpoint.isprintable())
    ):
        return "it is no https:// address"
    if parts.username is not None or parts.password is not None or parts.fragment:
        return "it names a user or a fragment"
    if allow_private:
        return ""
    with contextlib.suppress(ValueError):
        if not is_public(parts.hostname):
            return "it leads into a private network"
    return "" if port in {None, HTTPS_PORT} else "it names a port of its own"


def is_public(address: str) -> bool:
    """Tell whether everybody on the internet may reach an IP address. Raises `ValueError` where it is none."""
    found = ipaddress.ip_address(address.partition("%")[0])
    if isinstance(found, ipaddress.IPv6Address):
        if found in NAT64:  # how a network without IPv4 reaches it
            return is_public(str(ipaddress.IPv4Address(int(found) & 0xFFFFFFFF)))
        if found not in UNICAST or found.sixtofour or found.teredo:
            return False
    return found.is_global and not found.is_multicast


def addresses_of(host: str, port: int) -> list[str]:
    """Return the addresses of a name, best first. Blocks. Raises `OSError`."""
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return [str(address[0]) for *_, address in found]


class HttpsPost:
    """Sends over TLS, and believes the authorities that this machine believes."""

    def __init__(self, *, allow_private: bool, look_up: Callable[[str, int], list[str]] = addresses_of) -> None:
        self._allow_private = allow_private
        self._look_up = look_up
        self._context: ssl.SSLContext | None = None

    async def __call__(self, endpoint: str, headers: Mapping[str, str], body: bytes) -> Answer:
        """Send one message. Never raises."""
        reason = why_not(endpoint, allow_private=self._allow_private)
        if reason:
            return Answer(fate=Fate.NEVER, said=reason)
        try:
            async with asyncio.timeout(WITHIN_S):
                return await self._send(urlsplit(endpoint), headers, body)
        except TimeoutError:
            return Answer(fate=Fate.UNREACHABLE, said="no answer in time")
        except (OSError, h11.ProtocolError) as error:
            return Answer(fate=Fate.UNREACHABLE, said=str(error) or type(error).__name__)

    async def _send(self, to: SplitResult, headers: Mapping[str, str], body: bytes) -> Answer:
        if self._context is None:
            self._context = await asyncio.to_thread(ssl.create_default_context)
        reader, writer = await self._connect(str(to.hostname), to.port or HTTPS_PORT, self._context)
        try:
            connection = h11.Connection(h11.CLIENT)
            target = (to.path or "/") + (f"?{to.query}" if to.query else "")
            told = [("Host", to.netloc), ("Connection", "close"), ("Content-Length", str(len(body))), *headers.items()]
            for event in (h11.Request(method="POST", target=target, headers=told), h11.Data(data=body)):
                writer.write(connection.send(event) or b"")
            writer.write(connection.send(h11.EndOfMessage()) or b"")
            await writer.drain()
            return answered(await _response(connection, reader))
        finally:
            writer.transport.abort()

    async def _connect(
        self, host: str, port: int, context: ssl.SSLContext
    ) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        """Connect to an address that was looked at, under its name. Raises `OSError`."""
        addresses = await _aside(lambda: self._look_up(host, port))
        allowed = [address for address in addresses if self._allow_private or is_public(address)]
        failed = OSError(f"{host} leads into a private network" if addresses else f"{host} has no address")
        for address in allowed[:MOST_ADDRESSES]:
            try:
                async with asyncio.timeout(ONE_ADDRESS_S):
                    return await asyncio.open_connection(address, port, ssl=context, server_hostname=host)
            except TimeoutError:
                failed = OSError(f"{host} does not answer")
            except OSError as error:
                failed = error
        raise failed


async def _aside(work: Callable[[], list[str]]) -> list[str]:
    """Return what `work` does in a thread that nobody waits for at the end of the process.

    Without a network a look-up hangs for half a minute, and a pool of threads would hold up every stop for as long.
    """
    loop = asyncio.get_running_loop()
    done: asyncio.Future[list[str]] = loop.create_future()

    def settle(found: list[str] | OSError) -> None:
        if done.done():
            return  # nobody waits any more
        if isinstance(found, OSError):
            done.set_exception(found)
        else:
            done.set_result(found)

    def run() -> None:
        try:
            found: list[str] | OSError = work()
        except (OSError, UnicodeError) as error:
            found = OSError(str(error))
        with contextlib.suppress(RuntimeError):  # the loop is closed
            loop.call_soon_threadsafe(settle, found)

    threading.Thread(target=run, name="push-look-up", daemon=True).start()
    return await done


async def _response(connection: h11.Connection, reader: asyncio.StreamReader) -> h11.Response:
    """Read as far as the head of the answer. Raises `OSError` and `h11.ProtocolError`."""
    while True:
        event = connection.next_event()
        if isinstance(event, h11.Response):
            return event
        if event is h11.NEED_DATA:
            connection.receive_data(await reader.read(READ_BYTES))
        elif isinstance(event, h11.ConnectionClosed):
            raise ConnectionResetError("closed without an answer")


def _asked_s(headers: Mapping[bytes, bytes]) -> float:
    """Return how long a push service asks for patience (RFC 9110, 10.2.3): seconds, or until a time of its clock."""
    until, now = (headers.get(name, b"").decode("ascii", "replace") for name in (b"retry-after", b"date"))
    if until.isdecimal():
        return float(until)
    with contextlib.suppress(TypeError, ValueError, OverflowError):
        return (parsedate_to_datetime(until) - parsedate_to_datetime(now)).total_seconds()
    return 0.0


def answered(response: h11.Response) -> Answer:
    """Return what the answer of a push service means (RFC 8030, 5 and 8.4)."""
    status = response.status_code
    said = f"status {status}"
    if HTTPStatus.OK <= status < HTTPStatus.MULTIPLE_CHOICES:
        return Answer(fate=Fate.TAKEN, said=said)
    if status in GONE:
        return Answer(fate=Fate.GONE, said=said)
    asked_s = _asked_s(dict(response.headers))
    if status in NOT_BELIEVED:
        return Answer(fate=Fate.REFUSED, asked_s=asked_s, said=said)
    if status in LATER or status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        return Answer(fate=Fate.LATER, asked_s=asked_s, said=said)
    return Answer(fate=Fate.NEVER, said=said)
