"""Whether the camera can be believed, as the gate hears it: what the camera process says of its own sight, or nothing.

Pure. The camera process looks at its pictures and says `sight` in its health: empty while it sees, else one word for
what is wrong (covered, blinded, moved, defocused, frozen, gone), and not at all before its first picture. A process
that is dead, that hangs, or that does not say, is given time to come back; then the camera is gone.
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

    def why(self, now_s: float, process: JsonObject, heard_s: float) -> str:
        """Return why the camera can't be believed now, empty where it can.

        `process` is what the supervisor knows of it, `heard_s` when it last said anything.
        """
        health = process.get("health")
        sight = health.get("sight") if isinstance(health, dict) else None
        says = bool(process.get("alive")) and isinstance(sight, str)
        if says:
            self._until_s = max(self._until_s, heard_s + PATIENCE_S)
        if now_s >= self._until_s:
            self._why = GONE
        elif says:
            self._why = str(sight)
        return self._why
