"""One command from afar, without a network and without a clock: what is known, what is signed, what came back.

- The gate's clock is never guessed: a deadline is written only when `$state` says online and a `beat` of the same boot
  was heard live, now or minutes ago (`clock_file.py`). The time that a beat took on its way makes the deadline earlier,
  never later.
- An answer counts by its id and its correlation data. Once the command was accepted, a refusal is somebody's replay.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field

from gate.model import Code, Command, Json, JsonObject
from mqtt_bridge import envelope
from mqtt_bridge.envelope import VERSION

WORDS = {"hold": Command.HOLD_OPEN, "emergency": Command.EMERGENCY_OPEN, "ack": Command.ACKNOWLEDGE}
"""Words of the command line at the cabinet that are not the command's own."""
STEPS = ("accepted", "energised", "confirmed")
REFUSALS = ("rejected", "failed")
LARGEST_CLOCK_MS = 1 << 52


def commands() -> dict[str, Command]:
    """Return every word for a command: its own, that with '-' for '_', and the short ones of the cabinet."""
    plain = {command.value: command for command in Command}
    return {**plain, **{word.replace("_", "-"): command for word, command in plain.items()}, **WORDS}


@dataclass(frozen=True, kw_only=True, slots=True)
class Order:
    """What somebody wants of a gate. `lasts_ms`: for how long from now it may still be obeyed."""

    id: str
    gate: str
    kid: str
    command: Command
    by_id: str
    by_name: str
    lasts_ms: int
    reason: str = ""
    sequence: int | None = None
    sighted: bool = False
    minutes: int | None = None

    def fields(self, clock: Reading) -> JsonObject:
        """Return what is to be signed, with a deadline in the gate's clock."""
        fields: JsonObject = {
            "v": VERSION, "id": self.id, "gate": self.gate, "command": self.command.value,
            "by": {"id": self.by_id, "name": self.by_name}, "reason": self.reason, "kid": self.kid,
            "boot": clock.boot, "mono_deadline_ms": clock.mono_ms + self.lasts_ms,
        }  # fmt: skip
        if self.sequence is not None:
            fields["sequence"] = self.sequence
        if self.sighted:
            fields["sighted"] = True
        if self.minutes is not None:
            fields["minutes"] = self.minutes
        return fields


@dataclass(frozen=True, kw_only=True, slots=True)
class Reading:
    """The gate's clock at this moment, at the latest: CLOCK_MONOTONIC of that boot."""

    boot: str
    mono_ms: int


@dataclass(frozen=True, kw_only=True, slots=True)
class Beat:
    """What the gate's clock showed, and when that was heard: milliseconds of our own clock, which counts sleep too."""

    boot: str
    mono_ms: int
    heard_ms: int


@dataclass(slots=True)
class GateClock:
    """What `$state` and `beat` said. `beat` may be one of a minute ago, to begin with."""

    beat: Beat | None = None
    _state: str = ""
    _boot: str = ""

    def state_came(self, payload: bytes) -> None:
        """Take a `$state`, retained or not."""
        found = _object(payload)
        state, boot = found.get("s"), found.get("boot")
        self._state = state if isinstance(state, str) else ""
        self._boot = boot if isinstance(boot, str) else ""

    def beat_came(self, payload: bytes, *, retained: bool, now_ms: int) -> None:
        """Take a `beat`; one that was kept somewhere says nothing about now."""
        found = _object(payload)
        boot, mono_ms = found.get("boot"), found.get("mono_ms")
        if retained or not isinstance(boot, str) or not isinstance(mono_ms, int) or isinstance(mono_ms, bool):
            return
        if 0 <= mono_ms < LARGEST_CLOCK_MS:
            self.beat = Beat(boot=boot, mono_ms=mono_ms, heard_ms=now_ms)

    @property
    def is_online(self) -> bool:
        """Tell whether the gate is said to be there."""
        return self._state == "online"

    @property
    def is_known(self) -> bool:
        """Tell whether there is a reading."""
        return self.is_online and self.beat is not None and self.beat.boot == self._boot

    def reading(self, now_ms: int) -> Reading | None:
        """Return the clock as it is now; None where it is not known."""
        if self.beat is None or not self.is_known:
            return None
        return Reading(boot=self._boot, mono_ms=self.beat.mono_ms + now_ms - self.beat.heard_ms)

    def why_unknown(self, gate: str) -> str:
        """Say why there is no reading, and what to do."""
        if self._state in {"lost", "stopped"}:
            return f"the gate {gate} is not connected to this broker ($state: {self._state})"
        if not self.is_online:
            return (
                f"nothing is known of a gate {gate!a} at this broker; check --gate and --broker, and whether the"
                " broker's access list lets this sender read its $state"
            )
        if self.beat is None:
            return f"the gate {gate} says online, but its clock (beat) was not heard; is its bridge alive?"
        return f"the gate {gate} has just started anew; look at it, then try again"


@dataclass(frozen=True, kw_only=True, slots=True)
class Answer:
    """One step of the command, as the gate told it. `text`: its sentence for a refusal, or how it stands."""

    status: str
    code: str = ""
    text: str = ""
    plain: JsonObject

    @property
    def is_refusal(self) -> bool:
        """Tell whether it will not be done."""
        return self.status in REFUSALS


@dataclass(slots=True)
class Progress:
    """How far the command got, by its answers."""

    id: str
    waits: bool
    _seen: list[str] = field(default_factory=list)
    end: Answer | None = None

    @property
    def answered(self) -> bool:
        """Tell whether the gate has said anything yet."""
        return bool(self._seen)

    def came(self, payload: bytes, correlation: bytes | None) -> Answer | None:
        """Take what came on the topic of answers; return what is news about this command."""
        answer = read_answer(payload, self.id)
        foreign = correlation is not None and correlation != self.correlation
        if answer is None or foreign or self.end or answer.status in self._seen:
            return None
        if answer.status == "rejected" and self._seen:
            return None
        self._seen.append(answer.status)
        if answer.is_refusal or answer.status == STEPS[-1] or not self.waits:
            self.end = answer
        return answer

    @property
    def correlation(self) -> bytes:
        """Return what must come back with an answer."""
        return self.id.encode("ascii")


def read_answer(payload: bytes, order_id: str) -> Answer | None:
    """Read an answer to that command; None for anything else."""
    found = _object(payload)
    status, code = found.get("status"), found.get("code")
    if found.get("id") != order_id or not isinstance(status, str) or status not in {*STEPS, *REFUSALS}:
        return None
    code = code if isinstance(code, str) else ""
    text = _why(found, code) if status in REFUSALS else _standing(found)
    return Answer(status=status, code=_printable(code), text=text, plain=found)


def _why(found: JsonObject, code: str) -> str:
    """Say why not, in the gate's words where it gave some."""
    given = [found.get(name) for name in ("title", "remedy")]
    return " ".join(_printable(text) for text in given if isinstance(text, str)) or _sentence(code)


def _standing(found: JsonObject) -> str:
    """Say from where to where it goes, and how long it warns before."""
    state, target, warning_s = found.get("state"), found.get("target"), found.get("warning_s")
    told = [_printable(f"{state} → {target}")] if isinstance(state, str) and isinstance(target, str) else []
    if isinstance(warning_s, int | float) and warning_s > 0:
        told.append(f"{warning_s:.0f} s of warning before it moves")
    return ", ".join(told)


def _sentence(code: str) -> str:
    known = next((envelope.SENTENCES[found] for found in Code if found == code and found in envelope.SENTENCES), None)
    return " ".join(known) if known else "The gate does not say more; docs/api.md explains the code."


def _printable(text: str) -> str:
    """Return text that can do nothing to a terminal."""
    return "".join(letter if letter.isprintable() else "?" for letter in text[:500])


def _object(payload: bytes) -> JsonObject:
    try:
        found: Json = json.loads(payload)
    except (ValueError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}
