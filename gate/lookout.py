"""Whether the camera can be believed, as the gate hears it: what the camera process says of its own sight, or nothing.

Pure. The camera process looks at its pictures and says `sight` in its health: empty while it sees, else one word for
what is wrong (covered, blinded, moved, defocused, frozen, gone). A process that is dead, or that does not say, is given
time to come back; then the camera is gone.
"""

from __future__ import annotations

from gate.model import JsonObject

GONE = "gone"
PATIENCE_S = 10.0
START_GRACE_S = 20.0
"""A camera process needs this long after the gate's own start to show its first picture on a slow card."""


class Lookout:
    """What was heard of the camera so far; `began_s` is when the gate process began (monotonic seconds)."""

    def __init__(self, began_s: float) -> None:
        self._until_s = began_s + START_GRACE_S
        self._why = ""

    def why(self, now_s: float, process: JsonObject) -> str:
        """Return why the camera can't be believed now, empty where it can. `process` is what the supervisor knows."""
        health = process.get("health")
        sight = health.get("sight") if isinstance(health, dict) else None
        if process.get("alive") and isinstance(sight, str):
            self._until_s = max(self._until_s, now_s + PATIENCE_S)
            self._why = sight
        elif now_s >= self._until_s:
            self._why = GONE
        return self._why
