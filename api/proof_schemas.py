"""Bodies of the calls by which people prove themselves, and of their passkeys."""

from __future__ import annotations

from typing import Annotated, Self

from pydantic import ConfigDict, Field, JsonValue, model_validator
from pydantic.config import JsonDict

from api.passwords import LONGEST
from api.schemas import Credential, Incoming, NewPassword, Outgoing, Reason, Shown, Utc

NULL: JsonDict = {"type": "null"}
WAYS = ("password", "pairing_code", "passkey")
ONE_OF_THEM: list[JsonValue] = [
    {"required": [way], "properties": {way: {"not": NULL}, **{other: NULL for other in WAYS if other != way}}}
    for way in WAYS
]


class ProofRequest(Incoming):
    """One proof that it is still the same person: `password`, `pairing_code` or `passkey`."""

    model_config = ConfigDict(json_schema_extra={"oneOf": ONE_OF_THEM})

    password: Annotated[str, Field(min_length=1, max_length=LONGEST)] | None = None
    pairing_code: Annotated[str, Field(min_length=1, max_length=64)] | None = None
    passkey: Credential | None = None

    @model_validator(mode="after")
    def _one_way(self) -> Self:
        if [self.password, self.pairing_code, self.passkey].count(None) != len(WAYS) - 1:
            raise ValueError("give password, pairing_code or passkey, one of them")
        return self


class ProofBody(Outgoing):
    """The session is fresh until then."""

    proved_until: Utc


class PasswordRequest(Incoming):
    """My new password."""

    password: NewPassword


class PasskeyOptions(Outgoing):
    """What the browser's `navigator.credentials` is given, in its JSON form (WebAuthn 3: parse…OptionsFromJSON)."""

    publicKey: dict[str, JsonValue]  # noqa: N815 - the browser's own name


class PasskeyRequest(Incoming):
    """A new passkey of mine: what the browser made, and what I call it."""

    name: Shown
    credential: Credential


class PasskeyItem(Outgoing):
    """One passkey."""

    id: str
    name: str
    created_at: Utc
    last_used_at: Utc


class PasskeyList(Outgoing):
    """The passkeys of one person, oldest first."""

    items: list[PasskeyItem]


class WhyRequest(Incoming):
    """Nothing but why; it stands in the journal."""

    reason: Reason = ""
