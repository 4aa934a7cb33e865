"""The file that holds a private key, on the machine where commands are signed. The gate never sees one.

PEM (PKCS #8), which every library reads, with the key's id in a line above it. It is made for its owner only (0600),
and a file that others may read is not used.
"""

from __future__ import annotations

import base64
import contextlib
import os
import re
import stat
from dataclasses import dataclass, field
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_pem_private_key,
)

NAMED = "antt-gate key:"
OTHERS = 0o077
LARGEST_BYTES = 16_384
ID = re.compile(r"[a-z0-9][a-z0-9-]{0,31}")


class KeyFileError(Exception):
    """A key file that can't be made or used; the message says what to do."""


@dataclass(frozen=True, kw_only=True, slots=True)
class PrivateKey:
    """A key that signs, and the id by which gates know its public half."""

    id: str
    private: Ed25519PrivateKey = field(repr=False)

    @property
    def public(self) -> str:
        """Return the public half as `[mqtt.keys]` takes it."""
        return public_text(self.private.public_key())


def public_text(public: Ed25519PublicKey) -> str:
    """Return a public key as 44 characters of base64."""
    return base64.b64encode(public.public_bytes(Encoding.Raw, PublicFormat.Raw)).decode("ascii")


def create(path: Path, key_id: str) -> PrivateKey:
    """Make a key and the file that holds it. Raises `KeyFileError`; a file that is there already is never replaced."""
    key = PrivateKey(id=_usable(key_id), private=Ed25519PrivateKey.generate())
    pem = key.private.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode("ascii")
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600)
    except FileExistsError:
        raise KeyFileError(f"{path} is there already; name another file with --file, or move it away") from None
    except OSError as error:
        raise KeyFileError(f"{path} can't be made ({error.strerror}); name another file with --file") from None
    try:
        with os.fdopen(descriptor, "w", encoding="ascii") as file:
            file.write(f"{NAMED} {key.id}\nWhoever has this file can order what this key may. Keep it secret.\n\n{pem}")
            file.flush()
            os.fsync(descriptor)
    except OSError as error:
        with contextlib.suppress(OSError):
            path.unlink()
        raise KeyFileError(f"{path} can't be written ({error.strerror})") from None
    return key


def read(path: Path, key_id: str | None = None) -> PrivateKey:
    """Read a key; `key_id` goes before the id in the file. Raises `KeyFileError`."""
    text = _text(path)
    try:
        private = load_pem_private_key(text.encode("utf-8"), None)
    except (ValueError, TypeError):  # TypeError: it is encrypted
        raise KeyFileError(f"{path} holds no private key without a password; make one with antt-gate key new") from None
    except Exception as error:  # noqa: BLE001 - the library has errors of its own for keys that it does not support
        raise KeyFileError(f"{path} holds a key that can't be used ({type(error).__name__})") from None
    if not isinstance(private, Ed25519PrivateKey):
        raise KeyFileError(f"{path} holds another kind of key than Ed25519; make one with antt-gate key new")
    named = next((line.removeprefix(NAMED).strip() for line in text.splitlines() if line.startswith(NAMED)), "")
    if not (key_id or named):
        raise KeyFileError(f"{path} does not say which key it is; give its id in [mqtt.keys] with --key-id")
    return PrivateKey(id=_usable(key_id or named), private=private)


def _text(path: Path) -> str:
    try:
        with os.fdopen(os.open(path, os.O_RDONLY | os.O_NONBLOCK), "rb") as file:  # a pipe is not waited for
            mode = os.fstat(file.fileno()).st_mode
            raw = file.read(LARGEST_BYTES + 1) if stat.S_ISREG(mode) else b""
    except OSError as error:
        raise KeyFileError(f"the key {path} can't be read ({error.strerror})") from None
    if stat.S_ISREG(mode) and mode & OTHERS:
        raise KeyFileError(f"others may read the key {path}, so it is not used; chmod 600 {path}")
    try:
        return raw.decode("utf-8") if len(raw) <= LARGEST_BYTES else ""
    except UnicodeDecodeError:
        return ""


def _usable(key_id: str) -> str:
    if not ID.fullmatch(key_id):
        raise KeyFileError(f"{key_id!a} is no id of a key; take a-z, 0-9 and '-', at most 32, such as district-room")
    return key_id
