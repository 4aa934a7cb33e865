"""What goes in and out over HTTP, as types: the OpenAPI document is made from these.

Bodies that come in are closed to unknown fields. Bodies that go out describe what is sent; those that come from the
gate are passed on as they are.
"""

from __future__ import annotations

import unicodedata
from typing import Annotated, Literal, Self

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, JsonValue, field_validator, model_validator
from pydantic_core import PydanticCustomError

from api.passwords import LONGEST, SHORTEST
from gate.model import Command, Role

NAME_PATTERN = r"^[a-z0-9][a-z0-9._-]{1,31}$"
LONGEST_HOLD_MINUTES = 720

UNSEEN = frozenset({"Cc", "Cf", "Cs", "Zl", "Zp"})
"""Unicode categories of what a person can't see but a screen obeys: controls, directions, halves, line breaks."""


def seen(text: str) -> str:
    """Return a text of which every character can be seen. Raises `ValueError` that names the first one that can't."""
    for character in text:
        if unicodedata.category(character) in UNSEEN:
            raise ValueError(f"U+{ord(character):04X} can't be seen; leave it out")
    return text


PersonName = Annotated[str, Field(pattern=NAME_PATTERN, examples=["lan"])]
Shown = Annotated[str, Field(min_length=1, max_length=80), AfterValidator(seen)]
Device = Annotated[str, Field(max_length=80), AfterValidator(seen)]
Reason = Annotated[str, Field(max_length=200), AfterValidator(seen)]
YardWord = Annotated[str, Field(min_length=1, max_length=40), AfterValidator(seen)]
NewPassword = Annotated[str, Field(min_length=SHORTEST, max_length=LONGEST)]
Utc = Annotated[str, Field(examples=["2026-11-21T18:04:05.678Z"])]


class Incoming(BaseModel):
    """A body that a client sends: closed to unknown fields."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Outgoing(BaseModel):
    """A body that we send."""

    model_config = ConfigDict(frozen=True)


class SignInRequest(Incoming):
    """Sign in by `username` and `password`, or by `pairing_code` alone."""

    username: Annotated[str, Field(min_length=1, max_length=64)] | None = None
    password: Annotated[str, Field(min_length=1, max_length=LONGEST)] | None = None
    pairing_code: Annotated[str, Field(min_length=1, max_length=64)] | None = None
    device_name: Device = ""

    @model_validator(mode="after")
    def _one_way(self) -> Self:
        by_password = self.username is not None and self.password is not None
        if (self.pairing_code is None) is not by_password or (self.username is None) is not (self.password is None):
            raise ValueError("give username and password, or pairing_code")
        return self


class CommandRequest(Incoming):
    """One press of a button. `sequence` is that of the snapshot which the person looked at.

    `minutes`: how long to hold the gate open, for `hold_open` alone; left out, as long as the site is configured for.
    """

    command: Annotated[str, Field(json_schema_extra={"enum": [command.value for command in Command]})]
    reason: Reason = ""
    sequence: Annotated[int, Field(ge=0, le=2**53)] | None = None
    sighted: bool | None = None
    minutes: Annotated[int, Field(ge=1, le=LONGEST_HOLD_MINUTES, strict=True)] | None = None

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
    """A new person. Without a password they sign in by a pairing link."""

    name: PersonName
    display_name: Shown | None = None
    roles: Annotated[list[Role], Field(min_length=1, max_length=4)]
    password: NewPassword | None = None


class UserChange(Incoming):
    """What to change of a person; what is left out stays."""

    display_name: Shown | None = None
    roles: Annotated[list[Role], Field(min_length=1, max_length=4)] | None = None
    disabled: bool | None = None
    password: NewPassword | None = None


class YardRequest(Incoming):
    """Something to happen in the simulated yard, in the words of `antt-gate yard`."""

    action: YardWord
    arguments: Annotated[list[YardWord], Field(max_length=4)] = []


class Nothing(Incoming):
    """An empty body."""


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


class SiteBody(Outgoing):
    """Which gate this is."""

    id: str
    name: str
    language: Literal["vi", "en"]
    timezone: str


class SessionBody(Outgoing):
    """Who is signed in here, and what they may do."""

    user: Who
    permissions: list[str]
    session_id: str
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
    """Who or what is behind something."""

    type: str
    id: str
    name: str = ""


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


class ClipBody(Outgoing):
    """A recording of an event."""

    url: str
    duration_s: float | None
    pre_roll_s: float | None
    bytes: int | None
    width: int | None
    height: int | None
    codec: str | None
    sha256: str | None


class CrossingBody(Outgoing):
    """One thing went over a line of the picture."""

    line: str
    direction: Literal["in", "out"]


class EventBody(Outgoing):
    """One event and what was recorded of it."""

    event_id: str
    seq: int
    cause: Literal["motion", "move", "alarm"]
    source: str | None
    zones: list[str]
    level: Literal["alert", "record"] | None
    crossings: list[CrossingBody]
    started_at: Utc
    ended_at: Utc | None
    duration_s: float | None
    peak_area: float | None
    thumbnail: str | None
    clip: ClipBody | None
    clip_state: Literal["none", "recording", "available", "deleted"]


class EventList(Outgoing):
    """Events, newest first; `next` is the cursor of the following page, null at the end."""

    items: list[EventBody]
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
    """A one-time sign-in link for one person's phone."""

    link: str
    code: str
    expires_at: Utc


class HealthBody(Outgoing):
    """This process answers."""

    status: Literal["ok"]
