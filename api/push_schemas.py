"""What goes in and out of the calls about notifications, as types."""

from __future__ import annotations

from typing import Annotated, Literal, Self

from pydantic import ConfigDict, Field, JsonValue, model_validator

from api.push_post import LONGEST_ENDPOINT
from api.push_rules import Level
from api.schemas import NULL, TEXT, Incoming, Outgoing, Truth, Utc

Hour = Annotated[str, Field(pattern=r"^([01][0-9]|2[0-3]):[0-5][0-9]$", examples=["22:00"])]
BOTH_OR_NONE: list[JsonValue] = [
    {"properties": {"start": NULL, "end": NULL}},
    {"required": ["start", "end"], "properties": {"start": TEXT, "end": TEXT}},
]


class PhoneKeys(Incoming):
    """With what messages are sealed for one browser: `getKey` of its subscription, base64url."""

    p256dh: Annotated[str, Field(pattern=r"^[A-Za-z0-9_-]{87}=?$")]
    auth: Annotated[str, Field(pattern=r"^[A-Za-z0-9_-]{22}(==)?$")]


class PhoneRequest(Incoming):
    """A browser's subscription, as `PushSubscription.toJSON()` gives it, and the language of its messages.

    Left out, that stays as it is, or is the site's.
    """

    endpoint: Annotated[str, Field(min_length=1, max_length=LONGEST_ENDPOINT, pattern=r"^https://")]
    keys: PhoneKeys
    language: Literal["vi", "en"] | None = None


class ChoiceRequest(Incoming):
    """What I want to hear, on all my phones: nothing milder than `least`, from `start` to `end` at the site.

    Without both, at any hour. `urgent_always`: what is urgent comes outside of these hours too.
    """

    model_config = ConfigDict(json_schema_extra={"anyOf": BOTH_OR_NONE})

    least: Level
    start: Hour | None = None
    end: Hour | None = None
    urgent_always: Truth = True

    @model_validator(mode="after")
    def _both_or_none(self) -> Self:
        if (self.start is None) is not (self.end is None):
            raise ValueError("give start and end together, or none of them")
        return self


class PushTestRequest(Incoming):
    """A test; there is nothing to say about it."""


class ChoiceBody(Outgoing):
    """What I want to hear."""

    least: Level
    start: Hour | None
    end: Hour | None
    urgent_always: bool


class PushPhone(Outgoing):
    """One of my phones that gets notifications; `told_at`: when a push service last took a message for it."""

    session_id: str
    device: str
    current: bool
    since_at: Utc
    told_at: Utc | None
    trouble: Literal["push_unreachable", "push_refused"] | None


class PushBody(Outgoing):
    """Notifications, as they are set for me. `public_key`: what a browser subscribes with (`applicationServerKey`)."""

    public_key: str
    choice: ChoiceBody
    phones: list[PushPhone]
