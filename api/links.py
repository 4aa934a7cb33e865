"""The address under which people reach the page, and one-time sign-in links to it."""

from __future__ import annotations

import socket

from config.schema import Settings

EVERYWHERE = frozenset({"0.0.0.0", "::", "*"})  # noqa: S104 - compared with, not listened on
SOMEWHERE_ELSE = ("192.0.2.1", 9)  # RFC 5737: asking for the way there sends nothing


class ListenError(Exception):
    """The address can't be listened on; the message names it and what to do."""


def base_url(settings: Settings, port: int) -> str:
    """Return where phones reach the page: what the site says, else host and port as the same network would write it."""
    if settings.api.public_url:
        return settings.api.public_url.rstrip("/")
    host = settings.api.host
    if host in EVERYWHERE:
        host = _own_address()
    if ":" in host:
        host = f"[{host}]"
    return f"{'https' if settings.api.tls else 'http'}://{host}:{port}"


def qr_code(link: str) -> str:
    """Return a link as a QR code: an SVG in a data: address, to be shown as a picture."""
    import segno  # noqa: PLC0415 - few requests need it

    return segno.make(link, error="l").svg_data_uri(scale=4)


def pairing_link(base: str, code: str) -> str:
    """Return the link that signs in once. The code stands behind '#', which no server and no log ever sees."""
    return f"{base}/#pair={code}"


def _own_address() -> str:
    try:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
            probe.connect(SOMEWHERE_ELSE)
            return str(probe.getsockname()[0])
    except OSError:
        return "127.0.0.1"
