"""What goes over MQTT: one table of topics, and the payloads as pure functions.

`docs/topics.md` documents this table and a test compares them. Nothing here knows a clock, a socket or a thread: times
come in as arguments, bytes go out. What comes in from a broker was written by somebody else, so `read_ack` and
`says_online` accept any bytes and never raise.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Literal

from gate.model import Fact, Json, JsonObject

PREFIX = "antt/1"
LARGEST_BATCH = 50
LARGEST_BATCH_BYTES = 64 * 1024
HISTORY_AFTER_MS = 30_000
MOST_GAPS = 1000
NAMES = ("name", "device")
LONGEST_RESPONSE_TOPIC = 200
LONGEST_CORRELATION = 1024


@dataclass(frozen=True, kw_only=True, slots=True)
class Topic:
    """One row of the table. `payload` is what a person reads about it; `writer` is who may publish there.

    `expiry_s`: how long the broker keeps a message of it.
    """

    name: str
    qos: Literal[0, 1]
    retain: bool
    writer: Literal["gate", "receiver", "sender"]
    payload: str
    expiry_s: int | None = None


STATE = Topic(
    name="$state", qos=1, retain=True, writer="gate",
    payload='{"s":"online|stopped|lost","boot":…,"up_s":…,"version":…}',
)  # fmt: skip
STATUS = Topic(name="status", qos=1, retain=True, writer="gate", payload="what GET /gate says, less people's names")
FACTS = Topic(name="facts", qos=1, retain=False, writer="gate", payload="[fact,…] ≤ 50 and ≤ 64 KiB, in order of seq")
FACTS_ACK = Topic(name="facts/ack", qos=1, retain=False, writer="receiver", payload='{"upto":seq,"missing":[[a,b]…]}')
BEAT = Topic(name="beat", qos=0, retain=False, writer="gate", payload='{"boot":…,"mono_ms":…} every 10 s')

CMD = Topic(name="cmd", qos=1, retain=False, writer="sender", payload="one signed command, ≤ 8 KiB")
RSP = Topic(
    name="rsp/<requester>", qos=1, retain=False, writer="gate",
    payload='{"id":…,"status":"accepted|energised|confirmed|rejected|failed","code":…}',
)  # fmt: skip
SNAPSHOT = Topic(
    name="snapshot", qos=0, retain=True, writer="gate", payload="JPEG ≤ 100 KB, kept 60 s, only where enabled",
    expiry_s=60,
)  # fmt: skip
HA_STATE = Topic(name="ha/state", qos=1, retain=True, writer="gate", payload="what Home Assistant shows of the gate")
HA_EVENT = Topic(
    name="ha/event", qos=0, retain=False, writer="gate", payload='{"event_type":kind,"seq",…} as it happens'
)
HA_CMD = Topic(
    name="ha/cmd", qos=1, retain=False, writer="sender", payload="open, close or stop, only where allow_commands is on"
)

TABLE = (STATE, STATUS, FACTS, FACTS_ACK, BEAT, CMD, RSP, SNAPSHOT, HA_STATE, HA_EVENT, HA_CMD)


@dataclass(frozen=True, kw_only=True, slots=True)
class Message:
    """Something to publish: a full topic, the bytes, and how.

    `correlation` goes back to whoever asked (MQTT 5), on the `response_topic` that he named; after `expiry_s` the
    broker forgets the message.
    """

    topic: str
    payload: bytes
    qos: Literal[0, 1]
    retain: bool
    correlation: bytes | None = None
    response_topic: str | None = None
    expiry_s: int | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Ack:
    """What a receiver of facts says it has: every row up to `upto` but the `missing` ranges, both ends included."""

    upto: int
    missing: tuple[tuple[int, int], ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class Sizes:
    """Most bytes of a `facts` message: with several rows, and with a single one."""

    batch: int
    fact: int


def address(gate_id: str, topic: Topic) -> str:
    """Return the full name of a topic of this gate."""
    return f"{PREFIX}/{gate_id}/{topic.name}"


def message(gate_id: str, topic: Topic, payload: bytes) -> Message:
    """Return a message with the QoS and the retain flag that the table gives its topic."""
    return Message(
        topic=address(gate_id, topic), payload=payload, qos=topic.qos, retain=topic.retain, expiry_s=topic.expiry_s
    )


def response_address(gate_id: str, wanted: str | None, requester: str, home: str = "homeassistant") -> str:
    """Return where an answer goes: to the topic that the sender asked for, else to `rsp/<requester>`.

    Nobody can have the gate write where others look for the word of a gate or of a program: of `antt/`, only this
    gate's own `rsp/` is granted, and nothing of `$…` or below `home`, where Home Assistant looks for devices.
    """
    own = f"{PREFIX}/{gate_id}/rsp/"
    if wanted and len(wanted) <= LONGEST_RESPONSE_TOPIC and wanted.isprintable() and not set(wanted) & set("#+"):
        guarded = wanted.startswith(("$", "/", "antt/", "homeassistant/", f"{home}/")) or wanted == "antt"
        if not guarded or (wanted.startswith(own) and wanted != own):
            return wanted
    return own + requester


def encode(value: Json) -> bytes:
    """Encode compact UTF-8 JSON. Half a surrogate pair, which UTF-8 can't hold, stays a JSON escape."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "backslashreplace")


def state_payload(word: Literal["online", "stopped"], *, boot: str, up_s: int, version: str) -> bytes:
    """Say that the gate is there, or that it was stopped on purpose. `up_s` counts from the start of that boot."""
    return encode({"s": word, "boot": boot, "up_s": up_s, "version": version})


def will_payload(boot: str) -> bytes:
    """Say, through the broker, that this boot of the gate was lost."""
    return encode({"s": "lost", "boot": boot})


def says_online(payload: bytes, boot: str) -> bool:
    """Tell whether a `$state` is the one that a connected gate of this boot leaves there."""
    found = _object(payload)
    return found.get("s") == "online" and found.get("boot") == boot


def status_payload(snapshot: JsonObject) -> bytes:
    """Encode the gate's snapshot for strangers: whoever is named as a cause keeps type and id, and nothing else."""
    return encode(_nameless(snapshot))


def beat_payload(*, boot: str, mono_ms: int) -> bytes:
    """Encode the clock that deadlines are written in."""
    return encode({"boot": boot, "mono_ms": mono_ms})


def fact_payload(fact: Fact, *, boot: str, now_mono_ms: int) -> bytes:
    """Encode one row; one that is older than 30 s, or of an earlier boot, is marked `"hist": true`.

    The mark is no part of the row: a receiver that verifies the hash leaves it out.
    """
    row = fact.plain()
    if is_history(fact, boot=boot, now_mono_ms=now_mono_ms):
        row["hist"] = True
    return encode(row)


def is_history(fact: Fact, *, boot: str, now_mono_ms: int) -> bool:
    """Tell whether a row is older than 30 s, or of an earlier boot."""
    return fact.boot_id != boot or now_mono_ms - fact.mono_ms > HISTORY_AFTER_MS


def too_large_payload(fact: Fact, size: int) -> bytes:
    """Encode the row that goes in place of one that the broker does not take: all of it but `data`."""
    return encode({**fact.plain(), "data": {}, "hist": True, "omitted": "too_large", "bytes": size})


def unreadable_payload(seq: int) -> bytes:
    """Encode the row that goes in place of one that the journal can't give any more."""
    return encode({"seq": seq, "hist": True, "omitted": "unreadable"})


def removed_payload(first: int, last: int) -> bytes:
    """Encode the row that goes in place of all from `first` to `last`, which the journal holds no longer."""
    return encode({"seq": first, "upto": last, "hist": True, "omitted": "removed"})


def batch_payload(rows: list[bytes]) -> bytes:
    """Join encoded rows to the JSON array that `facts` carries."""
    return b"[" + b",".join(rows) + b"]"


def read_ack(payload: bytes) -> Ack | None:
    """Read a `facts/ack`; None for anything that is not one."""
    found = _object(payload)
    upto, gaps = found.get("upto"), found.get("missing", [])
    if not _is_count(upto) or not isinstance(gaps, list) or len(gaps) > MOST_GAPS:
        return None
    ranges: list[tuple[int, int]] = []
    for gap in gaps:
        match gap:
            case [int(first), int(last)] if _is_count(first) and _is_count(last) and 1 <= first <= last:
                ranges.append((first, last))
            case _:
                return None
    return Ack(upto=int(str(upto)), missing=tuple(sorted(ranges)))


def _is_count(value: Json) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and 0 <= value < 1 << 63


def _object(payload: bytes) -> JsonObject:
    try:
        found = json.loads(payload)
    except (ValueError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}


def _nameless(value: Json) -> Json:
    match value:
        case dict():
            hidden = NAMES if value.keys() >= {"type", "id", "name"} else ()
            return {key: _nameless(inner) for key, inner in value.items() if key not in hidden}
        case list():
            return [_nameless(inner) for inner in value]
        case _:
            return value
