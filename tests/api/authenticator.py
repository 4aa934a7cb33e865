"""A passkey in software: what a phone's secure chip does, with its mistakes to order."""

from __future__ import annotations

import hashlib
import json
import secrets
import struct
from base64 import urlsafe_b64decode, urlsafe_b64encode
from dataclasses import dataclass, field

import cbor2
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec

from gate.model import JsonObject

PRESENT, VERIFIED, HAS_KEY = 0x01, 0x04, 0x40


def text(data: bytes) -> str:
    return urlsafe_b64encode(data).rstrip(b"=").decode()


def data_of(text_: object) -> bytes:
    return urlsafe_b64decode(str(text_) + "==")


@dataclass(kw_only=True)
class Authenticator:
    """Holds one ES256 key. `origin` is the page that its browser shows; `asks` whether it wants finger, face or PIN.

    `sign_count` stays 0 where it does not count, as a phone's does.
    """

    origin: str
    domain: str
    asks: bool = True
    counts: bool = False
    sign_count: int = 0
    id: bytes = field(default_factory=lambda: secrets.token_bytes(32))
    handle: bytes = b""
    _key: ec.EllipticCurvePrivateKey = field(default_factory=lambda: ec.generate_private_key(ec.SECP256R1()))

    def create(self, options: JsonObject) -> JsonObject:
        """Do as `navigator.credentials.create`."""
        user = options["user"]
        assert isinstance(user, dict)
        self.handle = data_of(user["id"])
        numbers = self._key.public_key().public_numbers()
        key = {1: 2, 3: -7, -1: 1, -2: numbers.x.to_bytes(32), -3: numbers.y.to_bytes(32)}
        held = bytes(16) + struct.pack("!H", len(self.id)) + self.id + cbor2.dumps(key)
        attested = {"fmt": "none", "attStmt": {}, "authData": self._data(HAS_KEY) + held}
        return self._credential(
            clientDataJSON=text(self._client_data("webauthn.create", options)),
            attestationObject=text(cbor2.dumps(attested)), transports=["internal"],
        )  # fmt: skip

    def get(self, options: JsonObject, handle: bytes | None = None) -> JsonObject:
        """Do as `navigator.credentials.get`."""
        self.sign_count += int(self.counts)
        client_data, data = self._client_data("webauthn.get", options), self._data()
        signature = self._key.sign(data + hashlib.sha256(client_data).digest(), ec.ECDSA(hashes.SHA256()))
        return self._credential(
            clientDataJSON=text(client_data), authenticatorData=text(data), signature=text(signature),
            userHandle=text(self.handle if handle is None else handle),
        )  # fmt: skip

    def _client_data(self, what: str, options: JsonObject) -> bytes:
        plain = {"type": what, "challenge": options["challenge"], "origin": self.origin, "crossOrigin": False}
        return json.dumps(plain).encode()

    def _data(self, more: int = 0) -> bytes:
        flags = PRESENT | (VERIFIED if self.asks else 0) | more
        return hashlib.sha256(self.domain.encode()).digest() + struct.pack("!BI", flags, self.sign_count)

    def _credential(self, **response: object) -> JsonObject:
        plain = {"id": text(self.id), "rawId": text(self.id), "type": "public-key", "response": response}
        found: JsonObject = json.loads(json.dumps({**plain, "clientExtensionResults": {}}))
        return found
