"""Whether a command is to be passed on: every question that comes before the gate's own rules, in one order. Pure.

    retained → too_large, bad_envelope → unknown_key, revoked_key, bad_signature → foreign_gate → foreign_boot
    → expired, too_far_ahead → duplicate → (rate_limited) → not_permitted → (not_remembered)

The gate asks the rest: the sequence that was looked at (`stale_sequence`), its rules, and the deadline once more.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Protocol

from gate.model import Code, Command, Refusal
from mqtt_bridge import envelope as envelopes
from mqtt_bridge.envelope import Envelope, Key, reject
from mqtt_bridge.port import Incoming


class Window(Protocol):
    """The ids that were taken and have not expired; see `seen.py`."""

    blind_until_ms: int

    def knows(self, command_id: str) -> bool:
        """Tell whether a command with this id was taken."""

    def has_room(self, *, now_mono_ms: float) -> bool:
        """Tell whether another id can be remembered."""

    def remember(self, command_id: str, deadline_ms: int, *, now_mono_ms: float) -> None:
        """Take note of an id."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Place:
    """Which gate this is, in which boot. `home`: below it Home Assistant looks for devices; no answer goes there."""

    gate_id: str
    boot: str
    home: str = "homeassistant"


@dataclass(frozen=True, kw_only=True, slots=True)
class Verdict:
    """`envelope`: what was asked, where its signer proved himself. `rejection`: why it is not passed on, if so."""

    envelope: Envelope | None
    rejection: Refusal | None


class Admission:
    """The door. An id that is genuine, in force and new is remembered whatever is decided next: it is used once."""

    def __init__(self, place: Place, keys: Callable[[], Mapping[str, Key]], window: Window) -> None:
        self._place = place
        self._keys = keys
        self._window = window

    def weigh(self, message: Incoming, *, now_mono_ms: float, today: dt.date | None) -> Verdict:
        """Ask everything about a message of `cmd`. `today`: see `envelope.read`."""
        if message.retained:
            return Verdict(envelope=None, rejection=reject(Code.RETAINED))
        found = envelopes.read(message.payload, self._keys(), today=today)
        if isinstance(found, Refusal):
            return Verdict(envelope=None, rejection=found)
        return Verdict(envelope=found, rejection=self.admit(found, now_mono_ms=now_mono_ms))

    def admit(self, found: Envelope, *, now_mono_ms: float) -> Refusal | None:
        """Ask a genuine command whether it is for this gate now, new and permitted."""
        wrong = envelopes.in_force(
            found, gate=self._place.gate_id, boot=self._place.boot, now_mono_ms=now_mono_ms
        )  # fmt: skip
        if wrong:
            return wrong
        if self._window.knows(found.id):
            return reject(Code.DUPLICATE)
        is_stop = found.command is Command.STOP
        if not is_stop and not self._window.has_room(now_mono_ms=now_mono_ms):
            return reject(Code.RATE_LIMITED)
        self._window.remember(found.id, found.mono_deadline_ms, now_mono_ms=now_mono_ms)
        if not envelopes.permitted(found):
            return reject(Code.NOT_PERMITTED)
        if not is_stop and found.mono_deadline_ms <= self._window.blind_until_ms:
            return reject(Code.NOT_REMEMBERED)
        return None
