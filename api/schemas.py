"""What goes in and out over HTTP, as types: the OpenAPI document is made from these.

Bodies that come in are closed to unknown fields. Bodies that go out describe what is sent; those that come from the
gate are passed on as they are.
"""

from __future__ import annotations

import unicodedata
from typing import Annotated, Literal, Self

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    JsonValue,
    field_validator,
    model_validator,
)
from pydantic.config import JsonDict
from pydantic_core import PydanticCustomError

from api.passwords import LONGEST, SHORTEST
from gate.model import Command, Role

NAME_PATTERN = r"^[a-z0-9][a-z0-9._-]{1,31}$"
LONGEST_HOLD_MINUTES = 720
LONGEST_REASON = 200

UNSEEN = frozenset({"Cc", "Cf", "Cs", "Zl", "Zp"})
"""Unicode categories of what a person can't see but a screen obeys: controls, directions, halves, line breaks."""
AS_SEEN: JsonDict = {"pattern": r"^[^\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]*$"}
"""The same for the OpenAPI document."""


def seen(text: str) -> str:
    """Return a text of which every character can be seen. Raises `ValueError` that names the first one that can't."""
    for character in text:
        if unicodedata.category(character) in UNSEEN:
            raise ValueError(f"U+{ord(character):04X} can't be seen; leave it out")
    return text


def whole(given: object) -> object:
    """Let numbers through: 87.0 too, which JSON does not tell from 87, but no text and no truth value."""
    if isinstance(given, bool | str):
        raise ValueError("give a whole number")  # noqa: TRY004 - pydantic tells of a ValueError
    return given


PersonName = Annotated[str, Field(pattern=NAME_PATTERN, examples=["lan"])]
Shown = Annotated[str, Field(min_length=1, max_length=80, json_schema_extra=AS_SEEN), AfterValidator(seen)]
Device = Annotated[str, Field(max_length=80, json_schema_extra=AS_SEEN), AfterValidator(seen)]
Reason = Annotated[str, Field(max_length=LONGEST_REASON, json_schema_extra=AS_SEEN), AfterValidator(seen)]
YardWord = Annotated[str, Field(min_length=1, max_length=40, json_schema_extra=AS_SEEN), AfterValidator(seen)]
Truth = Annotated[bool, Field(strict=True)]
IS_WHOLE = BeforeValidator(whole)
NewPassword = Annotated[str, Field(min_length=SHORTEST, max_length=LONGEST)]
Credential = Annotated[
    dict[str, JsonValue], Field(description="What the browser's `navigator.credentials` gave, as JSON (WebAuthn 3).")
]
Way = Literal["passkey", "password", "pairing"]
Utc = Annotated[str, Field(examples=["2026-11-21T18:04:05.678Z"])]


class Incoming(BaseModel):
    """A body that a client sends: closed to unknown fields."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Outgoing(BaseModel):
    """A body that we send."""

    model_config = ConfigDict(frozen=True)


NULL: JsonDict = {"type": "null"}
TEXT: JsonDict = {"type": "string"}
ONE_WAY: list[JsonValue] = [
    {
        "required": ["username", "password"],
        "properties": {"username": TEXT, "password": TEXT, "pairing_code": NULL, "passkey": NULL},
    },
    {
        "required": ["pairing_code"],
        "properties": {"pairing_code": TEXT, "username": NULL, "password": NULL, "passkey": NULL},
    },
    {
        "required": ["passkey"],
        "properties": {"passkey": {"type": "object"}, "username": NULL, "password": NULL, "pairing_code": NULL},
    },
]
ONLY_A_HOLD: list[JsonValue] = [
    {"properties": {"command": {"const": Command.HOLD_OPEN.value}}}, {"properties": {"minutes": NULL}}
]  # fmt: skip


class SignInRequest(Incoming):
    """Sign in by `username` and `password`, or by `pairing_code` or `passkey` alone."""

    model_config = ConfigDict(json_schema_extra={"oneOf": ONE_WAY})

    username: Annotated[str, Field(min_length=1, max_length=64)] | None = None
    password: Annotated[str, Field(min_length=1, max_length=LONGEST)] | None = None
    pairing_code: Annotated[str, Field(min_length=1, max_length=64)] | None = None
    passkey: Credential | None = None
    device_name: Device = ""

    @model_validator(mode="after")
    def _one_way(self) -> Self:
        if (self.username is None) is not (self.password is None):
            raise ValueError("give username and password together")
        if [self.username, self.pairing_code, self.passkey].count(None) != 2:  # noqa: PLR2004 - one of three ways
            raise ValueError("give username and password, or pairing_code, or passkey")
        return self


class CommandRequest(Incoming):
    """One press of a button. `sequence` is that of the snapshot which the person looked at.

    `minutes`: how long to hold the gate open, for `hold_open` alone; left out, as long as the site is configured for.
    """

    model_config = ConfigDict(json_schema_extra={"anyOf": ONLY_A_HOLD})

    command: Annotated[str, Field(json_schema_extra={"enum": [command.value for command in Command]})]
    reason: Reason = ""
    sequence: Annotated[int, Field(ge=0, le=2**53), IS_WHOLE] | None = None
    sighted: Truth | None = None
    minutes: Annotated[int, Field(ge=1, le=LONGEST_HOLD_MINUTES), IS_WHOLE] | None = None

    @model_validator(mode="after")
    def _only_a_hold_lasts(self) -> Self:
        if self.minutes is not None and self.command != Command.HOLD_OPEN:
            raise ValueError(f"only {Command.HOLD_OPEN.value} takes minutes; leave them out of {self.command}")
        return self

    @field_validator("command")
    @classmethod
    def _is_known(cls, value: str) -> str:
        if value not in {command.value for command in Command}:
            known = " ".join(Command)
            shown = repr(value[:40])
            raise PydanticCustomError(
                "unknown_command", "there is no command {given}; known: {known}", {"given": shown, "known": known}
            )
        return value


class UserRequest(Incoming):
    """A new person. Without a password they sign in by a pairing link. `reason` stands in the journal."""

    name: PersonName
    display_name: Shown | None = None
    roles: Annotated[list[Role], Field(min_length=1, max_length=4)]
    password: NewPassword | None = None
    reason: Reason = ""


class UserChange(Incoming):
    """What to change of a person; what is left out stays. `reason` stands in the journal."""

    display_name: Shown | None = None
    roles: Annotated[list[Role], Field(min_length=1, max_length=4)] | None = None
    disabled: Truth | None = None
    password: NewPassword | None = None
    reason: Reason = ""


class YardRequest(Incoming):
    """Something to happen in the simulated yard, in the words of `antt-gate yard`."""

    action: YardWord
    arguments: Annotated[list[YardWord], Field(max_length=4)] = []


class FieldError(Outgoing):
    """One field that is wrong."""

    field: str
    message: str


class Problem(Outgoing):
    """RFC 9457 problem document; `code` is stable."""

    model_config = ConfigDict(extra="allow")

    type: str
    title: str
    status: int
    detail: str
    code: str
    remedy: str
    errors: list[FieldError] | None = None
    retry_after_s: int | None = None
    command_id: str | None = None


class Who(Outgoing):
    """The person who is signed in."""

    name: str
    display_name: str
    roles: list[Role]


class ContactBody(Outgoing):
    """Whom to call."""

    name: str
    number: str


class SiteBody(Outgoing):
    """Which gate this is, and whom its officers call."""

    id: str
    name: str
    language: Literal["vi", "en"]
    timezone: str
    contacts: list[ContactBody]


class SessionBody(Outgoing):
    """Who is signed in here, and what they may do.

    `proved_until`: what needs a fresh session is taken until then; null: prove yourself first, in one of the `ways`.
    """

    user: Who
    permissions: list[str]
    session_id: str
    proved_until: Utc | None
    ways: list[Way]
    site: SiteBody
    simulated: bool


class SessionItem(Outgoing):
    """One signed-in browser of mine."""

    id: str
    device: str
    created_at: Utc
    last_seen_at: Utc
    expires_at: Utc
    current: bool


class SessionList(Outgoing):
    """My signed-in browsers."""

    items: list[SessionItem]


class By(Outgoing):
    """Who or what is behind something; `device` is the person's phone, where it has a name."""

    type: str
    id: str
    name: str = ""
    device: str = ""


class FactBody(Outgoing):
    """One row of the journal."""

    seq: int
    id: str
    at: Utc
    at_trusted: bool
    mono_ms: int
    boot_id: str
    kind: str
    by: By
    data: dict[str, JsonValue]
    prev: str
    hash: str


class FactList(Outgoing):
    """Facts; `next` is the cursor of the following page, null at the end."""

    items: list[FactBody]
    next: int | None


class UserBody(Outgoing):
    """A person who may use the gate."""

    name: str
    display_name: str
    roles: list[Role]
    disabled: bool
    has_password: bool
    created_at: Utc
    last_seen_at: Utc | None
    sessions: int


class UserList(Outgoing):
    """Everybody, by name."""

    items: list[UserBody]


class PairingBody(Outgoing):
    """A one-time sign-in link for one person's phone; `qr` is the same for a camera, an SVG as a data: address."""

    link: str
    code: str
    qr: str
    expires_at: Utc


class HealthBody(Outgoing):
    """This process answers."""

    status: Literal["ok"]
