"""What goes in and out over HTTP about events and what was recorded of them (see schemas.py)."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import AfterValidator, Field

from api.schemas import AS_SEEN, Incoming, Outgoing, Utc, seen

Why = Annotated[str, Field(min_length=1, max_length=200, json_schema_extra=AS_SEEN), AfterValidator(seen)]


class HoldRequest(Incoming):
    """Keep an event's files until somebody lets them go; `reason` is what for."""

    reason: Why


class StarRequest(Incoming):
    """An empty object: what changes something is sent as JSON."""


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


class HolderBody(Outgoing):
    """Who holds: a person, by account, name and phone where that has a name."""

    type: str
    id: str
    name: str
    device: str = ""


class HeldBody(Outgoing):
    """Why an event's files stay: since when, through whom, what for.

    `event_id` is the event that is held: this one, or another that shares its clip. `evidence_id`: an evidence package
    holds it while it is made; null where a person does.
    """

    event_id: str
    at: Utc
    by: HolderBody
    reason: str
    evidence_id: str | None


class StarredBody(Outgoing):
    """Since when an event is marked for everybody, and through whom."""

    at: Utc
    by: HolderBody


class EventBody(Outgoing):
    """One event and what was recorded of it.

    `held`: why its files stay; null where nobody holds it. `starred`: who marked it; null where nobody did.
    """

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
    held: HeldBody | None
    starred: StarredBody | None


class EventList(Outgoing):
    """Events, newest first; `next` is the cursor of the following page, null at the end.

    A search looks at so many rows for one answer and no more: it may have found less than was asked for, even nothing,
    and yet have a `next`.
    """

    items: list[EventBody]
    next: int | None


class FailedSignInsBody(Outgoing):
    """Wrong sign-ins that followed each other: how many, from when to when, for which people of this gate."""

    first_at: Utc
    last_at: Utc
    count: int
    names: list[str]


class DiaryDayBody(Outgoing):
    """A day at the site, counted in steps of `step_s` from `since`: what moved in the picture, the gate, alarms.

    `zones` and `lines` are the names that the camera's events may bear.
    """

    day: str
    since: Utc
    until: Utc
    step_s: int
    motion: list[int]
    moves: list[int]
    alarms: list[int]
    failed_sign_ins: list[FailedSignInsBody]
    zones: list[str]
    lines: list[str]
