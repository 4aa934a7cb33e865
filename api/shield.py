"""The outermost layer: what holds for every request and every answer, whatever route it is for.

- Address and headers of a request have at most `LARGEST_HEADERS` bytes.
- A body is read before the route sees it: at most `LARGEST_BODY` bytes, at most `SLOWEST_BODY_S` seconds.
- Every answer carries the headers that keep a browser safe. Only same-origin code runs in the page, and nothing inline.
- What fails unexpectedly is logged once and answered as a problem; no insides are shown.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable, Iterable

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from api.problems import ProblemError

log = logging.getLogger(__name__)

LARGEST_HEADERS = 16 * 1024
LARGEST_BODY = 64 * 1024
MOST_DRAINED = 4 * 1024 * 1024
SLOWEST_BODY_S = 10.0

CONTENT_SECURITY_POLICY = (
    "default-src 'self'; img-src 'self' blob: data:; media-src 'self' blob:; style-src 'self'; script-src 'self'; "
    "connect-src 'self'; worker-src 'self'; manifest-src 'self'; object-src 'none'; base-uri 'none'; "
    "form-action 'self'; frame-ancestors 'none'"
)
SAFE_HEADERS = {
    "Content-Security-Policy": CONTENT_SECURITY_POLICY,
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), microphone=(), geolocation=(), payment=(), usb=()",
}
TOO_LARGE = ProblemError("headers_too_large", headers={"Connection": "close"})
TLS_HEADERS = {"Strict-Transport-Security": "max-age=31536000"}
NOT_KEPT = (b"cache-control", b"no-store")


class Shield:
    """ASGI middleware; see above."""

    def __init__(self, app: ASGIApp, *, tls: bool, answered: Callable[[Scope, int, float], None]) -> None:
        self._app = app
        self._answered = answered
        safe = {**SAFE_HEADERS, **(TLS_HEADERS if tls else {})}
        self._headers = [(name.lower().encode(), value.encode()) for name, value in safe.items()]
        self._names = frozenset(name for name, _ in self._headers)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        if scope["type"] == "lifespan":
            await self._app(scope, receive, send)
            return
        app = self._app if _size_of_headers(scope) <= LARGEST_HEADERS else TOO_LARGE.response()
        if scope["type"] == "websocket":
            await app(scope, receive, send)
            return
        started, began_s = False, time.monotonic()

        async def send_safely(message: Message) -> None:
            nonlocal started
            if message["type"] == "http.response.start":
                started = True
                self._answered(scope, message["status"], time.monotonic() - began_s)
                message["headers"] = self._completed(message.get("headers", ()))
            await send(message)

        try:
            await app(scope, await _with_body(scope, receive), send_safely)
        except ProblemError as error:
            await error.response()(scope, receive, send_safely)
        except Exception as error:
            log.exception("%s %s failed: %s", scope["method"], scope["path"], type(error).__name__)
            if not started:
                await ProblemError("internal_error").response()(scope, receive, send_safely)

    def _completed(self, given: Iterable[tuple[bytes, bytes]]) -> list[tuple[bytes, bytes]]:
        """Return the headers of an answer with ours in place of its own of the same names."""
        headers = [header for header in given if header[0] not in self._names]
        if not any(name == b"cache-control" for name, _ in headers):
            headers.append(NOT_KEPT)
        return headers + self._headers


def _size_of_headers(scope: Scope) -> int:
    """Return the bytes of address and headers, about as they were sent."""
    line = len(scope.get("raw_path") or b"") + len(scope["query_string"])
    return line + sum(len(name) + len(value) + len(": \r\n") for name, value in scope["headers"])


async def _with_body(scope: Scope, receive: Receive) -> Receive:
    """Read the whole body and return a `receive` that gives it to the route. Raises the problems of a bad body."""
    headers = Headers(scope=scope)
    announced = headers.get("content-length", "0")
    if announced == "0" and "transfer-encoding" not in headers:
        return receive
    try:
        body = await asyncio.wait_for(_read(receive), SLOWEST_BODY_S)
    except TimeoutError:
        raise ProblemError("body_too_slow", headers={"Connection": "close"}) from None
    if body is None:
        raise ProblemError("body_too_large", headers={"Connection": "close"})
    given = False

    async def give() -> Message:
        nonlocal given
        if given:
            return await receive()
        given = True
        return {"type": "http.request", "body": body, "more_body": False}

    return give


async def _read(receive: Receive) -> bytes | None:
    """Return the body, None if it is too large. What is too large is read and dropped, up to a point: a client that is
    still sending would not see our answer.
    """  # noqa: D205 - one thought
    parts: list[bytes] = []
    size = 0
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            return b""
        part = message.get("body", b"")
        size += len(part)
        if size <= LARGEST_BODY:
            parts.append(part)
        if not message.get("more_body") or size > MOST_DRAINED:
            return b"".join(parts) if size <= LARGEST_BODY else None
