"""What of the gate's published state matters to who looks at the picture. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from camera.motion import NOTHING_OF_OURS, OwnFacts
from gate.model import State

MOVING = frozenset({State.OPENING.value, State.CLOSING.value})


@dataclass(frozen=True, kw_only=True, slots=True)
class Published:
    """The gate's word for where its leaf is, what that rests on, and what the gate itself does to the picture."""

    state: str = State.UNKNOWN.value
    evidence: str = ""
    own: OwnFacts = NOTHING_OF_OURS
    clock_trusted: bool = True


def read_published(state: Mapping[str, object]) -> Published:
    """Read a published state; what is missing in it is not known."""
    outputs = state.get("outputs")
    lit = outputs if isinstance(outputs, Mapping) else {}
    word = str(state.get("state"))
    return Published(
        state=word,
        evidence=str(state.get("evidence")),
        own=OwnFacts(moves=word in MOVING, lamp=lit.get("lamp") is True, light=lit.get("light") is True),
        clock_trusted=state.get("clock_trusted") is not False,
    )
