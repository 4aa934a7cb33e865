"""The gate's own key for evidence: Ed25519, in one file of the state directory, 0600.

It is made when it is first needed and never replaced by this program: whoever keeps its fingerprint on paper can tell a
package of this gate from any other. Lost or damaged, it must be brought back from a copy, or moved away by a person.
"""

from __future__ import annotations

import hashlib
import logging
import re
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from api.secret_file import SecretFileError, read_secret, write_once

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

log = logging.getLogger(__name__)

KEY_FILE = "evidence.key"
HEX_SHA256 = re.compile(r"[0-9a-f]{64}")


class EvidenceKeyError(Exception):
    """The key can't be used; the message says what to do."""


@dataclass(frozen=True, kw_only=True, slots=True)
class SigningKey:
    """The key of this gate. `pem` is the public half (SubjectPublicKeyInfo), `fingerprint` the SHA-256 of its DER."""

    private: Ed25519PrivateKey
    pem: bytes
    fingerprint: str

    def sign(self, message: bytes) -> bytes:
        """Return the signature, 64 bytes."""
        return self.private.sign(message)


def open_key(state_dir: Path) -> SigningKey:
    """Return the gate's key; make it where there is none. Raises `EvidenceKeyError`. Milliseconds: not for the loop."""
    path = state_dir / KEY_FILE
    try:
        if not path.exists():
            _make(path)
        return _read(path)
    except OSError as error:
        remedy = "make the state directory writable for the service, and the file its own"
        raise EvidenceKeyError(f"the key {path} can't be used ({error.strerror}); {remedy}") from None


def is_made(state_dir: Path) -> bool:
    """Tell whether there is a key."""
    return (state_dir / KEY_FILE).exists()


def shown(fingerprint: str) -> str:
    """Return a fingerprint as people compare it: sixteen groups of four."""
    return " ".join(fingerprint[at : at + 4] for at in range(0, len(fingerprint), 4))


def typed(text: str) -> str | None:
    """Return a fingerprint however a person wrote it; None where it is none."""
    plain = re.sub(r"[\s:-]", "", text).lower()
    return plain if HEX_SHA256.fullmatch(plain) else None


def public_key(pem: bytes) -> Ed25519PublicKey | None:
    """Return the key of a PEM file; None where it is no Ed25519 key, or is not written to the letter as ours are."""
    from cryptography.exceptions import UnsupportedAlgorithm  # noqa: PLC0415 - 8 MB that most processes never need
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey  # noqa: PLC0415 - as above
    from cryptography.hazmat.primitives.serialization import load_pem_public_key  # noqa: PLC0415 - as above

    try:
        key = load_pem_public_key(pem)
    except (ValueError, UnsupportedAlgorithm):
        return None
    return key if isinstance(key, Ed25519PublicKey) and pem_of(key) == pem else None


def pem_of(key: Ed25519PublicKey) -> bytes:
    """Return a public key as the file in a package."""
    from cryptography.hazmat.primitives import serialization  # noqa: PLC0415 - as above

    return key.public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)


def fingerprint_of(key: Ed25519PublicKey) -> str:
    """Return the SHA-256 of a public key's DER form, hex."""
    from cryptography.hazmat.primitives import serialization  # noqa: PLC0415 - as above

    der = key.public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)
    return hashlib.sha256(der).hexdigest()


def is_signed(key: Ed25519PublicKey, signature: bytes, message: bytes) -> bool:
    """Tell whether `signature` is this key's of `message`."""
    from cryptography.exceptions import InvalidSignature  # noqa: PLC0415 - as above

    try:
        key.verify(signature, message)
    except InvalidSignature:
        return False
    return True


def _read(path: Path) -> SigningKey:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey  # noqa: PLC0415 - as above
    from cryptography.hazmat.primitives.serialization import load_pem_private_key  # noqa: PLC0415 - as above

    try:
        written = read_secret(path)
    except SecretFileError as error:
        raise EvidenceKeyError(str(error)) from None
    try:
        private = load_pem_private_key(written, None)
    except (ValueError, TypeError):
        private = None
    if not isinstance(private, Ed25519PrivateKey):
        remedy = "bring it back from a copy, or move it away: a new one, with another fingerprint, is made then"
        raise EvidenceKeyError(f"the key {path} is damaged; {remedy}")
    public = private.public_key()
    return SigningKey(private=private, pem=pem_of(public), fingerprint=fingerprint_of(public))


def _make(path: Path) -> None:
    """Write a new key whole, or leave the one that another process wrote in the same moment."""
    from cryptography.hazmat.primitives import serialization  # noqa: PLC0415 - as above
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey  # noqa: PLC0415 - as above

    private = Ed25519PrivateKey.generate()
    written = private.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    if write_once(path, written):
        log.warning("a key for evidence was made: %s; write its fingerprint down: antt-gate evidence key", path)
