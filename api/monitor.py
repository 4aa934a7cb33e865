"""Who may read `GET /metrics`: a program on this machine, or one that has the token.

A request that a proxy passed on is not from this machine, whatever its address says: a proxy beside us would otherwise
show the figures to everybody.
"""

from __future__ import annotations

import hmac
import ipaddress
from pathlib import Path

from starlette.requests import HTTPConnection

from api.links import ListenError

SHORTEST_TOKEN = 16
PASSED_ON = ("forwarded", "x-forwarded-for", "x-real-ip", "via")


def read_token(path: Path | None) -> bytes:
    """Return the token in a file, empty where none is configured. Raises `ListenError` for a file that is no token."""
    if path is None:
        return b""
    remedy = f"write {SHORTEST_TOKEN} or more random characters to it, such as the output of: openssl rand -hex 32"
    try:
        token = path.read_bytes().strip()
    except OSError as error:
        raise ListenError(f"api.metrics_token_file {path} can't be read ({error.strerror}); {remedy}") from None
    if len(token) < SHORTEST_TOKEN:
        raise ListenError(f"api.metrics_token_file {path} holds {len(token)} characters; {remedy}")
    return token


def may_monitor(connection: HTTPConnection, token: bytes) -> bool:
    """Tell whether a request may see the figures."""
    scheme, _, given = connection.headers.get("authorization", "").partition(" ")
    if token and scheme.lower() == "bearer" and hmac.compare_digest(given.strip().encode(), token):
        return True
    return _is_here(connection)


def _is_here(connection: HTTPConnection) -> bool:
    if connection.client is None or any(name in connection.headers for name in PASSED_ON):
        return False
    try:
        address = ipaddress.ip_address(connection.client.host)
    except ValueError:
        return False
    mapped = getattr(address, "ipv4_mapped", None)
    return (mapped or address).is_loopback
