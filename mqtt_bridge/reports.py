"""When the journal, and the log, are told of the broker. Pure: `now_s` comes in, a report comes out.

A broker that flaps must not flood the journal: there are four reports at hand, and one more each minute. What is left
out is counted and told with the next one. The last word is always true in the end: as soon as a report is at hand
again, a state that differs from the last one told is told.
"""

from __future__ import annotations

from dataclasses import dataclass

from gate.model import JsonObject, Kind

SAY_AGAIN_S = 60.0
MOST_SENTENCES = 32
AT_HAND = 4
ONE_MORE_EVERY_S = 60.0


@dataclass(frozen=True, kw_only=True, slots=True)
class Report:
    """A fact for the journal."""

    kind: Kind
    data: JsonObject


class Sentences:
    """Which sentences were logged lately: each is worth a line once a minute while it keeps being true."""

    def __init__(self) -> None:
        self._said_s: dict[str, float] = {}

    def is_news(self, sentence: str, *, now_s: float) -> bool:
        """Tell whether to log it now, and remember that it was."""
        if now_s - self._said_s.get(sentence, now_s - SAY_AGAIN_S) < SAY_AGAIN_S:
            return False
        if len(self._said_s) >= MOST_SENTENCES:
            self._said_s.clear()
        self._said_s[sentence] = now_s
        return True


class Reports:
    """The present state of the connection, the last one told, and how many reports are at hand."""

    def __init__(self, broker: str) -> None:
        self._broker = broker
        self._connected = False
        self._reason = ""
        self._since_s = 0.0
        self._told: bool = False
        self._untold_losses = 0
        self._at_hand = float(AT_HAND)
        self._counted_s: float | None = None

    def came(self, *, now_s: float) -> None:
        """Note that the broker is connected."""
        self._connected, self._since_s = True, now_s

    def went(self, reason: str, *, now_s: float) -> None:
        """Note that it was lost, and why."""
        self._connected, self._reason, self._since_s = False, reason, now_s
        self._untold_losses += 1

    def due(self, *, now_s: float) -> Report | None:
        """Return what the journal is to be told now. Call `told` once that has happened."""
        if self._counted_s is not None:
            more = (now_s - self._counted_s) / ONE_MORE_EVERY_S
            self._at_hand = min(float(AT_HAND), self._at_hand + more)
        self._counted_s = now_s
        if self._connected == self._told or self._at_hand < 1.0:
            return None
        data: JsonObject = {"broker": self._broker, "since_s": round(now_s - self._since_s, 1)}
        if self._connected:
            return Report(kind=Kind.BROKER_CONNECTED, data={**data, "losses": self._untold_losses})
        return Report(kind=Kind.BROKER_LOST, data={**data, "losses": self._untold_losses, "reason": self._reason})

    def told(self, report: Report) -> None:
        """Note that the journal has it."""
        self._told = report.kind is Kind.BROKER_CONNECTED
        self._untold_losses = 0
        self._at_hand -= 1.0
