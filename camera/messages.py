"""What the recorder is told, in the order of the stream. Pure.

Access units and `Stream` come from the source as they are; the rest says which part of the stream is worth keeping.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, TypeAlias

from camera.source import AccessUnit, Stream

Cause: TypeAlias = Literal["motion", "move", "alarm"]
"""Why there is a clip: something moved in the picture, the gate moved, an alarm was raised."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Limits:
    """What the configuration asks of recordings; seconds.

    `segment_s`: length of the pieces of the continuous recording; None where only events are recorded.
    """

    pre_roll_s: float
    post_roll_s: float
    max_clip_s: float
    enabled: bool = True
    segment_s: float | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Begin:
    """An event began at `at_s` (clock of the stream), `wall_s` (Unix time)."""

    event_id: str
    at_s: float
    wall_s: float
    cause: Cause = "motion"


@dataclass(frozen=True, kw_only=True, slots=True)
class End:
    """An event ended at `at_s`, which may lie ahead; its clip goes on for the post-roll."""

    event_id: str
    at_s: float


@dataclass(frozen=True, kw_only=True, slots=True)
class Lost:
    """So many access units could not be kept between the one before and the next."""

    units: int


@dataclass(frozen=True, kw_only=True, slots=True)
class Over:
    """The stream has ended: nothing more comes, finish every clip."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Stop:
    """Finish every clip and end the thread."""


Message: TypeAlias = Stream | AccessUnit | Begin | End | Lost | Over | Stop
