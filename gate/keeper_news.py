"""What is known of the keeper: whether it lives, whether its samples come late, whether its pins do as ordered."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence

from gate.model import JsonObject, Kind

log = logging.getLogger(__name__)

LATE_MS = 60.0


class KeeperNews:
    """Listens to the keeper's packets. `tell` has a fact written down; `utc` is the wall time as text."""

    def __init__(self, tell: Callable[[Kind, JsonObject], None], utc: Callable[[], str]) -> None:
        self._tell = tell
        self._utc = utc
        self._alive = False
        self._since: str | None = None
        self._restarts = -1
        self._reason = ""
        self._wrong: tuple[str, ...] = ()
        self._sampled_s: float | None = None

    def plain(self) -> JsonObject:
        """Return what `processes.keeper` says."""
        wrong = ", ".join(self._wrong)
        health: JsonObject = {"ok": not wrong, "reason": f"pins do not follow: {wrong}" if wrong else ""}
        told: JsonObject = {"alive": self._alive, "since": self._since, "restarts": self._restarts, "health": health}
        return told if self._alive or not self._reason else {**told, "reason": self._reason}

    def up(self, pid: int) -> None:
        """Take note of a keeper that holds the lines."""
        self._alive, self._since, self._wrong = True, self._utc(), ()
        self._restarts += 1
        self._tell(Kind.PROCESS_STARTED, {"process": "keeper", "pid": pid})

    def down(self, reason: str) -> None:
        """Take note of its end."""
        self._alive, self._reason, self._sampled_s = False, reason, None
        self._tell(Kind.PROCESS_DIED, {"process": "keeper", "reason": reason})

    def samples(self, packets: Sequence[JsonObject], now_s: float) -> None:
        """Look at samples as they came: how late, and which pins the keeper found not to follow its orders."""
        self._note_lateness(packets, now_s)
        wrong = packets[-1].get("wrong") or ()
        names = tuple(str(name) for name in wrong) if isinstance(wrong, (list, tuple)) else ()
        if names != self._wrong:
            self._note_wrong(names)

    def _note_wrong(self, names: tuple[str, ...]) -> None:
        for name in sorted({*names} - {*self._wrong}):
            log.error("the pin of %s does not follow its order; look for another program or a broken driver", name)
            self._tell(Kind.SENSOR_DEGRADED, {"sensor": name, "reason": "readback"})
        for name in sorted({*self._wrong} - {*names}):
            self._tell(Kind.SENSOR_RECOVERED, {"sensor": name, "reason": "readback"})
        self._wrong = names

    def _note_lateness(self, packets: Sequence[JsonObject], now_s: float) -> None:
        """Say when samples come late, and on whose way; late ones stop the leaf."""
        gap_ms = lag_ms = 0.0
        for packet in packets:
            taken_s = float(str(packet["at_s"]))
            gap_ms = max(gap_ms, (taken_s - (taken_s if self._sampled_s is None else self._sampled_s)) * 1000)
            lag_ms = max(lag_ms, (now_s - taken_s) * 1000)
            self._sampled_s = taken_s
        if max(gap_ms, lag_ms) > LATE_MS:
            log.warning(
                "samples are late: taken up to %.0f ms apart, read up to %.0f ms after; the machine is too busy",
                gap_ms,
                lag_ms,
            )
