"""Which refused commands the journal is told of. Pure: `now_s` comes in, notes come out.

Each refusal is worth a fact, and a stranger who floods the topic must not fill the disk with them: there are
`AT_HAND` notes at hand, and one more every `ONE_MORE_EVERY_S`. What is left out is counted by its code and told with
the next note. Notes about senders who proved their key are kept apart from those about anybody else, so that strangers
can't use up what belongs to them.
"""

from __future__ import annotations

from collections import Counter, deque
from dataclasses import dataclass

from gate.model import JsonObject, Refusal
from mqtt_bridge.bucket import Bucket
from mqtt_bridge.envelope import Claim, Envelope

AT_HAND = 100
ONE_MORE_EVERY_S = 10.0
MOST_WAITING = 100
LONGEST_NAME = 150


@dataclass(frozen=True, kw_only=True, slots=True)
class Note:
    """A `command_refused` for the journal; `by` is None where nobody proved who he is."""

    by: JsonObject | None
    data: JsonObject


class Ration:
    """Notes of one sort, and how many are at hand."""

    def __init__(self) -> None:
        self._at_hand = Bucket(most=AT_HAND, per_s=1.0 / ONE_MORE_EVERY_S)
        self._left_out: Counter[str] = Counter()
        self._waiting: deque[Note] = deque()

    def take(self, by: JsonObject | None, data: JsonObject, *, now_s: float) -> None:
        """Keep a note for the journal, or count what was left out."""
        if len(self._waiting) >= MOST_WAITING or not self._at_hand.take(now_s=now_s):
            self._left_out[str(data.get("code"))] += 1
            return
        if self._left_out:
            data = {**data, "left_out": dict(self._left_out)}
            self._left_out.clear()
        self._waiting.append(Note(by=by, data=data))

    def next(self) -> Note | None:
        """Return the oldest note that the journal does not have yet; call `told` once it has."""
        return self._waiting[0] if self._waiting else None

    def told(self) -> None:
        """Forget the oldest note: the journal has it."""
        self._waiting.popleft()


def by_of(envelope: Envelope) -> JsonObject:
    """Return who a signed command is journalled under: the key, and in `name` the person whom its signer names."""
    name = (envelope.by_name or envelope.by_id)[:LONGEST_NAME]
    return {"type": "key", "id": envelope.kid, "name": f"{name} ({envelope.kid})"}


def data_of(rejection: Refusal, found: Envelope | Claim) -> JsonObject:
    """Return the data of a `command_refused`: of a signed command, or of what a stranger claims."""
    if isinstance(found, Envelope):
        return {
            "command_id": found.id, "command": found.command.value, "reason": found.reason,
            "code": rejection.code.value,
        }  # fmt: skip
    return {
        "command_id": found.id, "command": found.command or "unknown", "reason": "", "code": rejection.code.value,
        "kid": found.kid,
    }  # fmt: skip
