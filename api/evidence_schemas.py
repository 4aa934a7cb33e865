"""What goes in and out over HTTP when evidence is taken."""

from __future__ import annotations

import uuid
from typing import Annotated, Literal, Self

from pydantic import AfterValidator, ConfigDict, Field, JsonValue, model_validator
from pydantic.config import JsonDict

from api.evidence_choice import MOST_EVENTS
from api.moments import Moment
from api.schemas import NULL, TEXT, Incoming, Outgoing, Utc, seen

EvidenceId = Annotated[str, Field(examples=["0193a5d2-9b04-7f66-8c2d-1e7b3a9d4c05"])]


_UNSEEN = r"\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}"
SAID: JsonDict = {"pattern": rf"^[^{_UNSEEN}]*[^{_UNSEEN}\p{{Zs}}][^{_UNSEEN}]*$"}
"""Some character that can be seen, for the OpenAPI document."""


def _said(text: str) -> str:
    if not text.strip():
        raise ValueError("say something that can be read")
    return seen(text.strip())


CHOSEN: list[JsonValue] = [
    {"required": ["events"], "properties": {"events": {"type": "array"}, "since": NULL, "until": NULL}},
    {"required": ["since"], "properties": {"since": TEXT, "events": NULL}},
]


class EvidenceRequest(Incoming):
    """What is to be handed over: `events`, or all from `since` to `until` (now, where nothing is said), and why.

    `place`: where it is taken; the site's name where nothing is said.
    """

    model_config = ConfigDict(json_schema_extra={"oneOf": CHOSEN})

    events: Annotated[list[uuid.UUID], Field(min_length=1, max_length=MOST_EVENTS)] | None = None
    since: Moment | None = None
    until: Moment | None = None
    reason: Annotated[str, Field(min_length=1, max_length=200, json_schema_extra=SAID), AfterValidator(_said)]
    place: Annotated[str, Field(min_length=1, max_length=120, json_schema_extra=SAID), AfterValidator(_said)] | None = (
        None
    )

    @model_validator(mode="after")
    def _one_way(self) -> Self:
        if (self.events is None) is (self.since is None) or (self.until is not None and self.since is None):
            raise ValueError("give events, or since and perhaps until")
        return self


class EvidenceAskedBody(Outgoing):
    """A package that can be taken now, at `url`, until `expires_at`. `missing`: files that are gone or not finished."""

    evidence_id: EvidenceId
    url: str
    events: int
    clips: int
    bytes: int
    rows: int
    missing: int
    expires_at: Utc


class EvidenceBody(Outgoing):
    """A package that was asked for. `url`: null where it can't be taken any more, or not by who asks now.

    `status`: `asked`, `taking` while it is handed over, `broken_off` where that did not come to its end, `sealed`, or
    `expired`. The last five are known, and not null, once it is sealed.
    """

    evidence_id: EvidenceId
    at: Utc
    person: str
    reason: str
    place: str
    since: Utc | None
    until: Utc | None
    events: int
    clips: int
    status: Literal["asked", "taking", "broken_off", "sealed", "expired"]
    url: str | None
    expires_at: Utc
    manifest_sha256: str | None
    files: int | None
    bytes: int | None
    missing: int | None
    altered: int | None


class EvidenceList(Outgoing):
    """What was taken, newest first. `key`: the fingerprint of the gate's key, null before the first package."""

    items: list[EvidenceBody]
    key: str | None
