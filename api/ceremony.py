"""The two ceremonies of passkeys, in the words of WebAuthn: to register one, and to show one.

The one file that knows `webauthn`, a library that is read when somebody uses a passkey: call what needs it in a thread.
All of it is pure: no store, no clock.
"""

from __future__ import annotations

import base64
import binascii
import json
from dataclasses import dataclass
from typing import TYPE_CHECKING

from api.passkeys import CHALLENGE_LASTS_MS, Passkey, Place, Signed, WrongAnswerError
from gate.model import JsonObject

if TYPE_CHECKING:
    from webauthn.helpers.cose import COSEAlgorithmIdentifier

TRANSPORTS = frozenset({"ble", "cable", "hybrid", "internal", "nfc", "smart-card", "usb"})
LONGEST_ID_BYTES = 1023  # WebAuthn 3, 4: credential id


@dataclass(frozen=True, kw_only=True, slots=True)
class Shown:
    """What a passkey proved: its `id`, and its counter now."""

    id: str
    sign_count: int


@dataclass(frozen=True, kw_only=True, slots=True)
class Owner:
    """Whose passkey is made: an opaque handle, and what the device shows to tell two people apart."""

    handle: bytes
    name: str
    shown: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Registered:
    """A new passkey."""

    id: str
    public_key: bytes
    sign_count: int
    transports: str


def encode(data: bytes) -> str:
    """Return bytes as WebAuthn writes them: base64url without padding."""
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def decode(text: object) -> bytes:
    """Return the bytes of base64url. Raises `WrongAnswerError`."""
    try:
        return base64.b64decode(str(text) + "=" * (-len(str(text)) % 4), altchars=b"-_", validate=True)
    except (binascii.Error, ValueError):
        raise WrongAnswerError("not base64url") from None


def response_of(credential: Signed) -> Signed:
    """Return the signed part of what a browser gave. Raises `WrongAnswerError`."""
    response = credential.get("response")
    if not isinstance(response, dict):
        raise WrongAnswerError("no response")
    return response


def challenge_of(credential: Signed) -> bytes:
    """Return the challenge that a browser says it answers. Raises `WrongAnswerError`."""
    try:
        client_data = json.loads(decode(response_of(credential).get("clientDataJSON")))
    except (ValueError, RecursionError):
        raise WrongAnswerError("clientDataJSON is no JSON") from None
    return decode(client_data.get("challenge") if isinstance(client_data, dict) else None)


def options_to_register(place: Place, challenge: bytes, known: list[Passkey], owner: Owner, site: str) -> JsonObject:
    """Return what `navigator.credentials.create` is given as `publicKey`, in its JSON form."""
    import webauthn  # noqa: PLC0415 - 6 MB that only passkeys need
    from webauthn.helpers import structs  # noqa: PLC0415 - as above

    options = webauthn.generate_registration_options(
        rp_id=place.domain, rp_name=site, user_id=owner.handle, user_name=owner.name,
        user_display_name=owner.shown, challenge=challenge, timeout=CHALLENGE_LASTS_MS,
        authenticator_selection=structs.AuthenticatorSelectionCriteria(
            resident_key=structs.ResidentKeyRequirement.REQUIRED,
            user_verification=structs.UserVerificationRequirement.REQUIRED,
        ),
        exclude_credentials=[structs.PublicKeyCredentialDescriptor(id=decode(one.id)) for one in known],
        supported_pub_key_algs=_algorithms(),
    )  # fmt: skip
    plain: JsonObject = json.loads(webauthn.options_to_json(options))
    return plain


def options_to_show(place: Place, challenge: bytes, known: list[Passkey]) -> JsonObject:
    """Return what `navigator.credentials.get` is given as `publicKey`. Without `known`, any passkey of this place."""
    import webauthn  # noqa: PLC0415 - 6 MB that only passkeys need
    from webauthn.helpers import structs  # noqa: PLC0415 - as above

    options = webauthn.generate_authentication_options(
        rp_id=place.domain, challenge=challenge, timeout=CHALLENGE_LASTS_MS,
        allow_credentials=[
            structs.PublicKeyCredentialDescriptor(
                id=decode(one.id), transports=[structs.AuthenticatorTransport(way) for way in one.transports.split()]
            )
            for one in known
        ],
        user_verification=structs.UserVerificationRequirement.REQUIRED,
    )  # fmt: skip
    plain: JsonObject = json.loads(webauthn.options_to_json(options))
    return plain


def registered(credential: Signed, place: Place) -> Registered:
    """Return the passkey that a browser made. Raises `WrongAnswerError`. The challenge is the caller's to check."""
    import webauthn  # noqa: PLC0415 - 6 MB that only passkeys need

    challenge, told = challenge_of(credential), response_of(credential).get("transports")
    try:
        found = webauthn.verify_registration_response(
            credential=dict(credential), expected_challenge=challenge, expected_rp_id=place.domain,
            expected_origin=place.origin, require_user_verification=True, supported_pub_key_algs=_algorithms(),
        )  # fmt: skip
    except Exception as error:  # noqa: BLE001 - whatever a library stumbles over in what a stranger sent is a wrong answer
        raise WrongAnswerError(f"{type(error).__name__}: {error}") from None
    if len(found.credential_id) > LONGEST_ID_BYTES:
        raise WrongAnswerError("its id is too long")
    ways = TRANSPORTS.intersection(map(str, told)) if isinstance(told, list) else frozenset[str]()
    return Registered(
        id=encode(found.credential_id), public_key=found.credential_public_key, sign_count=found.sign_count,
        transports=" ".join(sorted(ways)),
    )  # fmt: skip


def shown(credential: Signed, place: Place, passkey: Passkey, handle: bytes) -> Shown:
    """Return what a browser proved with a passkey that is kept. Raises `WrongAnswerError`.

    A counter that does not grow means that there are two of it, or that it is played again. The challenge is the
    caller's to check.
    """
    import webauthn  # noqa: PLC0415 - 6 MB that only passkeys need

    whose = response_of(credential).get("userHandle")
    if whose and decode(whose) != handle:
        raise WrongAnswerError("it is somebody else's")
    try:
        found = webauthn.verify_authentication_response(
            credential=dict(credential), expected_challenge=challenge_of(credential), expected_rp_id=place.domain,
            expected_origin=place.origin, credential_public_key=passkey.public_key,
            credential_current_sign_count=passkey.sign_count, require_user_verification=True,
        )  # fmt: skip
    except Exception as error:  # noqa: BLE001 - as above
        raise WrongAnswerError(f"{type(error).__name__}: {error}") from None
    return Shown(id=encode(found.credential_id), sign_count=found.new_sign_count)


def _algorithms() -> list[COSEAlgorithmIdentifier]:
    from webauthn.helpers.cose import COSEAlgorithmIdentifier as Cose  # noqa: PLC0415 - as above

    return [Cose.ECDSA_SHA_256, Cose.EDDSA, Cose.RSASSA_PKCS1_v1_5_SHA_256]
