"""What makes a message safe on its way: sealed for one phone alone (RFC 8291), and signed as this gate's (RFC 8292).

- A push service sees which phone gets something, when, how urgent and how large. All messages have the same size, and
  the name under which a newer one replaces an older one there (`Topic`) is a keyed hash: it does not say what happened.
- The key is made when the first phone asks for it. Phones are bound to it: with another one each must ask anew, which
  its page does when it is opened.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import logging
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from api.secret_file import SecretFileError, read_secret, write_once

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePrivateKey

from gate.model import JsonObject

log = logging.getLogger(__name__)

KEY_FILE = "push.key"
SEALED_BYTES = 1024  # of every message before it is sealed; push services take 4096 after it
TOKEN_LASTS_S = 12 * 3600.0  # RFC 8292 allows a day
TOKEN_USED_S = 6 * 3600.0
AUTH_BYTES, POINT_BYTES, NUMBER_BYTES = 16, 65, 32


class PushKeyError(Exception):
    """The key can't be used; the message says what to do."""


def base64url(raw: bytes) -> str:
    """Return bytes as RFC 7515 writes them: without padding."""
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def from_base64url(text: str) -> bytes:
    """Return the bytes of a text. Raises `ValueError`."""
    return base64.b64decode(text.rstrip("=") + "=" * (-len(text.rstrip("=")) % 4), altchars=b"-_", validate=True)


def is_phones_key(p256dh: str, auth: str) -> bool:
    """Tell whether a message can be sealed with what a browser gave."""
    from cryptography.hazmat.primitives.asymmetric import ec  # noqa: PLC0415 - 8 MB that most processes never need

    try:
        ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), point := from_base64url(p256dh))
        return len(point) == POINT_BYTES and len(from_base64url(auth)) == AUTH_BYTES
    except ValueError:
        return False


@dataclass(kw_only=True)
class Sealer:
    """The gate's key and what is done with it. One thread at a time; milliseconds each: not for the loop.

    `is_new`: there was none before.
    """

    private: EllipticCurvePrivateKey
    contact: str
    is_new: bool = False
    _tokens: dict[str, tuple[float, str]] = field(default_factory=dict)

    @property
    def public_key(self) -> str:
        """The public half as a browser takes it (`applicationServerKey`)."""
        from cryptography.hazmat.primitives import serialization  # noqa: PLC0415 - as above

        uncompressed = serialization.PublicFormat.UncompressedPoint
        return base64url(self.private.public_key().public_bytes(serialization.Encoding.X962, uncompressed))

    def seal(self, words: JsonObject, p256dh: str, auth: str) -> bytes:
        """Return a message as only this phone can read it (aes128gcm). Raises `ValueError` for words that are too many.

        Blanks after JSON mean nothing: they make all messages equally long.
        """
        import http_ece  # noqa: PLC0415 - as above
        from cryptography.hazmat.primitives.asymmetric import ec  # noqa: PLC0415 - as above

        plain = json.dumps(words, ensure_ascii=False, separators=(",", ":")).encode().ljust(SEALED_BYTES)
        if len(plain) > SEALED_BYTES:
            raise ValueError("the message is too long for a notification")
        once = ec.generate_private_key(ec.SECP256R1())
        sealed: bytes = http_ece.encrypt(
            plain, private_key=once, dh=from_base64url(p256dh), auth_secret=from_base64url(auth), version="aes128gcm"
        )
        return sealed

    def authorization(self, endpoint: str, now_s: float) -> str:
        """Return the header that says whose message it is; the same for hours, as push services ask."""
        parts = urlsplit(endpoint)
        audience = f"{parts.scheme}://{parts.netloc}"
        made_s, token = self._tokens.get(audience, (0.0, ""))
        if not token or not 0.0 <= now_s - made_s < TOKEN_USED_S:
            token = self._token({"aud": audience, "exp": int(now_s + TOKEN_LASTS_S), "sub": self.contact})
            self._tokens[audience] = (now_s, token)
        return f"vapid t={token}, k={self.public_key}"

    def forget_tokens(self) -> None:
        """Make new ones next time: a push service did not believe one; the clock may have been wrong."""
        self._tokens.clear()

    def topic(self, subject: str) -> str:
        """Return the name under which a push service replaces an older message by a newer one (RFC 8030, 5.4)."""
        secret = self.private.private_numbers().private_value.to_bytes(NUMBER_BYTES, "big")
        return base64url(hmac.digest(secret, subject.encode(), hashlib.sha256))[:32]

    def _token(self, claims: JsonObject) -> str:
        """Return a signed token (RFC 7515, ES256)."""
        from cryptography.hazmat.primitives import hashes  # noqa: PLC0415 - as above
        from cryptography.hazmat.primitives.asymmetric import ec, utils  # noqa: PLC0415 - as above

        parts: tuple[JsonObject, JsonObject] = ({"typ": "JWT", "alg": "ES256"}, claims)
        message = ".".join(base64url(json.dumps(part, separators=(",", ":")).encode()) for part in parts)
        r, s = utils.decode_dss_signature(self.private.sign(message.encode(), ec.ECDSA(hashes.SHA256())))
        return f"{message}.{base64url(r.to_bytes(NUMBER_BYTES, 'big') + s.to_bytes(NUMBER_BYTES, 'big'))}"


def open_sealer(state_dir: Path, contact: str) -> Sealer:
    """Return the gate's sealer; make its key where there is none. Raises `PushKeyError`. Not for the loop."""
    path = state_dir / KEY_FILE
    try:
        if is_new := not path.exists() and write_once(path, _new_key()):
            log.info("a key for notifications was made: %s", path)
        return Sealer(private=_read(path), contact=contact, is_new=is_new)
    except SecretFileError as error:
        raise PushKeyError(str(error)) from None
    except OSError as error:
        remedy = "make the state directory writable for the service, and the file its own"
        raise PushKeyError(f"the key {path} can't be used ({error.strerror}); {remedy}") from None


def _new_key() -> bytes:
    from cryptography.hazmat.primitives import serialization  # noqa: PLC0415 - as above
    from cryptography.hazmat.primitives.asymmetric import ec  # noqa: PLC0415 - as above

    form = (serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    return ec.generate_private_key(ec.SECP256R1()).private_bytes(*form)


def _read(path: Path) -> EllipticCurvePrivateKey:
    from cryptography.hazmat.primitives.asymmetric import ec  # noqa: PLC0415 - as above
    from cryptography.hazmat.primitives.serialization import load_pem_private_key  # noqa: PLC0415 - as above

    written = read_secret(path)
    try:
        private = load_pem_private_key(written, None)
    except (ValueError, TypeError):
        private = None
    if not isinstance(private, ec.EllipticCurvePrivateKey) or not isinstance(private.curve, ec.SECP256R1):
        remedy = "bring it back from a copy, or move it away: phones ask anew when their page is opened then"
        raise PushKeyError(f"the key {path} is damaged; {remedy}")
    return private
