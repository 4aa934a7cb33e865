"""A push service on this machine, and browsers that are subscribed there: what is sent is taken apart by the standards.

The keys are derived here once more, from RFC 8291 and 8188 alone, so that what the gate seals with is not asked whether
it is right. Tokens are checked as RFC 8292 says.
"""

from __future__ import annotations

import base64
import contextlib
import json
import secrets
import ssl
import struct
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, utils
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

Plain = dict[str, Any]
CURVE = ec.SECP256R1()


def text_of(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def bytes_of(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


def point_of(key: ec.EllipticCurvePublicKey) -> bytes:
    return key.public_bytes(serialization.Encoding.X962, serialization.PublicFormat.UncompressedPoint)


def derived(salt: bytes, secret: bytes, info: bytes, length: int) -> bytes:
    return HKDF(hashes.SHA256(), length, salt, info).derive(secret)


@dataclass(kw_only=True)
class Browser:
    """One browser's half of a subscription."""

    endpoint: str
    private: ec.EllipticCurvePrivateKey = field(default_factory=lambda: ec.generate_private_key(CURVE))
    auth: bytes = b"0123456789abcdef"

    def subscription(self) -> Plain:
        """Return what `PushSubscription.toJSON()` gives."""
        keys = {"p256dh": text_of(point_of(self.private.public_key())), "auth": text_of(self.auth)}
        return {"endpoint": self.endpoint, "keys": keys}

    def opened(self, body: bytes) -> bytes:
        """Return what a message says (RFC 8291, 3.4; RFC 8188, 2)."""
        salt, size, length = body[:16], struct.unpack("!L", body[16:20])[0], body[20]
        theirs, sealed = body[21 : 21 + length], body[21 + length :]
        assert len(sealed) <= size, "one record"
        shared = self.private.exchange(ec.ECDH(), ec.EllipticCurvePublicKey.from_encoded_point(CURVE, theirs))
        info = b"WebPush: info\x00" + point_of(self.private.public_key()) + theirs
        secret = derived(self.auth, shared, info, 32)
        key = derived(salt, secret, b"Content-Encoding: aes128gcm\x00", 16)
        nonce = derived(salt, secret, b"Content-Encoding: nonce\x00", 12)
        plain = AESGCM(key).decrypt(nonce, sealed, None).rstrip(b"\x00")
        assert plain.endswith(b"\x02"), "the last record"
        return plain[:-1]


def believed(authorization: str, audience: str, now_s: float) -> Plain:
    """Return the claims of a token that holds (RFC 8292)."""
    scheme, _, rest = authorization.partition(" ")
    assert scheme == "vapid"
    parts = dict(part.strip().split("=", 1) for part in rest.split(","))
    message, _, signature = parts["t"].rpartition(".")
    r, s = (int.from_bytes(half, "big") for half in (bytes_of(signature)[:32], bytes_of(signature)[32:]))
    key = ec.EllipticCurvePublicKey.from_encoded_point(CURVE, bytes_of(parts["k"]))
    key.verify(utils.encode_dss_signature(r, s), message.encode(), ec.ECDSA(hashes.SHA256()))
    header, claims = (json.loads(bytes_of(part)) for part in message.split("."))
    assert header == {"typ": "JWT", "alg": "ES256"}
    assert claims["aud"] == audience
    assert now_s < claims["exp"] <= now_s + 86_400
    return {**claims, "key": parts["k"]}


@dataclass(frozen=True, kw_only=True)
class Sent:
    """One request as it came."""

    path: str
    headers: dict[str, str]
    body: bytes


@dataclass(kw_only=True)
class PushService:
    """The service. `answers` is what it says next, as (status, headers); then 201 for ever."""

    address: str = ""
    sent: list[Sent] = field(default_factory=list)
    answers: list[tuple[int, dict[str, str]]] = field(default_factory=list)

    def browser(self, name: str) -> Browser:
        """Return a new browser that is subscribed here, under an address that no other one has or had."""
        return Browser(endpoint=f"{self.address}/send/{name}-{secrets.token_hex(4)}")

    def of(self, browser: Browser) -> list[Plain]:
        """Return what this browser was told, in order."""
        path = browser.endpoint.removeprefix(self.address)
        return [json.loads(browser.opened(one.body)) for one in list(self.sent) if one.path == path]


@contextlib.contextmanager
def push_service(context: ssl.SSLContext) -> Iterator[PushService]:
    """Serve one on this machine, over TLS."""
    service = PushService()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            status, headers = service.answers.pop(0) if service.answers else (201, {"Location": "/message/1"})
            if status < 300:
                names = {name.lower(): value for name, value in self.headers.items()}
                service.sent.append(Sent(path=self.path, headers=names, body=body))
            self.send_response(status)
            for name, value in headers.items():
                self.send_header(name, value)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.socket = context.wrap_socket(server.socket, server_side=True)
    service.address = f"https://127.0.0.1:{server.server_address[1]}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    yield service
    server.shutdown()
    server.server_close()
    thread.join(5)
