"""The signed envelope of a command: what it looks like, what its signature covers, and when it is in order. Pure.

- Nothing in an envelope is believed before its signature is verified; `claimed` says who it pretends to be, to answer.
- The schema is closed: a key that is not known, one that comes twice, a number that is no integer, a control character
  make it a `bad_envelope`. So there is one canonical form (RFC 8785) of what was read, and `sig` covers all of it.
- The checks have one order, and each a code (docs/topics.md, "Commands"): size and schema, key, signature (`read`);
  this gate, this boot, the deadline (`in_force`); whether its id is new (`orders.py`); the role (`permitted`).
- The deadline is CLOCK_MONOTONIC of the gate's own boot, in ms: no wall clock, no broker and no queue can stretch it.

The other side uses `sign`. Whatever bytes come in, nothing here raises.
"""

from __future__ import annotations

import base64
import binascii
import datetime as dt
import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

import rfc8785
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from gate.model import KEY_MAY, Code, Command, Json, JsonObject, Refusal, Role

VERSION = 1
LARGEST_BYTES = 8192
FARTHEST_AHEAD_MS = 15_000
LONGEST_MINUTES = 720
LONGEST_WORD = 64
LONGEST_NAME = 200
LONGEST_REASON = 500
MOST_WORDS_OF_AUTHOR = 8
LARGEST_NUMBER = (1 << 53) - 1
SIGNATURE_BYTES = 64
NOBODY = "unknown"

_ID = re.compile(r"[A-Za-z0-9_-]{8,64}")
_NAME = re.compile(r"[a-z0-9][a-z0-9-]{0,31}")
_WORD = re.compile(r"[a-z_]{1,32}")
_COMMANDS = frozenset(command.value for command in Command)
_REQUIRED = frozenset({"v", "id", "gate", "command", "by", "boot", "mono_deadline_ms", "kid", "sig"})
_OPTIONAL = frozenset({"reason", "sequence", "sighted", "minutes"})


@dataclass(frozen=True, kw_only=True, slots=True)
class Key:
    """A public key that may sign: good up to and including `until`, unless `revoked`."""

    id: str
    public: bytes
    roles: frozenset[Role]
    until: dt.date
    revoked: bool = False


@dataclass(frozen=True, kw_only=True, slots=True)
class Envelope:
    """A command whose signature was verified. `by_*`: the person that the signer names; journalled, not believed."""

    id: str
    gate: str
    command: Command
    by_id: str
    by_name: str
    reason: str
    sequence: int | None
    sighted: bool
    minutes: int | None
    boot: str
    mono_deadline_ms: int
    kid: str
    roles: frozenset[Role] = field(default_factory=frozenset)


@dataclass(frozen=True, kw_only=True, slots=True)
class Claim:
    """What somebody says of himself, proven or not: for answers, and for the journal's note of a refusal."""

    id: str = ""
    kid: str = NOBODY
    command: str = ""


SENTENCES: dict[Code, tuple[str, str]] = {
    Code.RETAINED: ("A retained message is never a command.", "Publish commands without the retain flag."),
    Code.TOO_LARGE: ("The message is too large for a command.", f"Send at most {LARGEST_BYTES} bytes."),
    Code.BAD_ENVELOPE: ("The message is no signed command.", "Write it as docs/topics.md says."),
    Code.UNKNOWN_KEY: ("This gate does not know that key.", "Add its public half under [mqtt.keys] at the gate."),
    Code.REVOKED_KEY: ("That key is revoked, or past its end date.", "Sign with a key that is in force."),
    Code.BAD_SIGNATURE: ("The signature does not fit the message.", "Sign what is sent, with the key that it names."),
    Code.FOREIGN_GATE: ("The command is for another gate.", "Send it to the gate that it was signed for."),
    Code.FOREIGN_BOOT: ("The gate has started anew since that was signed.", "Look at the gate, then sign a new one."),
    Code.EXPIRED: ("The command came too late and was not done.", "Look at the gate, then give it again."),
    Code.TOO_FAR_AHEAD: (
        "The deadline is too far ahead.",
        f"Set it at most {FARTHEST_AHEAD_MS // 1000} s after the gate's clock (topic beat).",
    ),
    Code.DUPLICATE: ("This command was already received.", "Look at the gate; give a new command if it is needed."),
    Code.NOT_PERMITTED: ("This key may not order that.", "Give its roles under [mqtt.keys], or use another key."),
    Code.NOT_REMEMBERED: ("The gate can't write down what it has seen.", "Free space on its disk, then try again."),
    Code.RATE_LIMITED: ("Too many commands.", "Wait a moment, then try again."),
    Code.SUPERSEDED: ("A stop came before it was done.", "Look at the gate; give a new command if it is needed."),
    Code.GATE_DOWN: (
        "The gate process does not answer.",
        "It is restarted by itself; look at the gate, then try again.",
    ),
}


def reject(code: Code, detail: str = "") -> Refusal:
    """Return the rejection of that code; `detail` says what exactly is wrong."""
    title, remedy = SENTENCES[code]
    return Refusal(code=code, title=f"{title[:-1]}: {detail}." if detail else title, remedy=remedy)


def read(payload: bytes, keys: Mapping[str, Key], *, today: dt.date | None) -> Envelope | Refusal:
    """Read a command and verify who signed it.

    `today` is the site's date as far as it is believed, None where it is not known; then no end date has passed.
    """
    if len(payload) > LARGEST_BYTES:
        return reject(Code.TOO_LARGE, f"{len(payload)} bytes")
    found = _object(payload)
    wrong = _wrong(found) if found is not None else "it is no JSON object in UTF-8"
    if found is None or wrong:
        return reject(Code.BAD_ENVELOPE, wrong)
    key = keys.get(str(found["kid"]))
    if key is None:
        return reject(Code.UNKNOWN_KEY)
    if key.revoked or (today is not None and today > key.until):
        return reject(Code.REVOKED_KEY)
    if not _verified(found, key):
        return reject(Code.BAD_SIGNATURE)
    return _envelope(found, key)


def in_force(envelope: Envelope, *, gate: str, boot: str, now_mono_ms: float) -> Refusal | None:
    """Say why a genuine command is not for this gate, now; None where it is."""
    if envelope.gate != gate:
        return reject(Code.FOREIGN_GATE, envelope.gate)
    if envelope.boot != boot:
        return reject(Code.FOREIGN_BOOT)
    if now_mono_ms > envelope.mono_deadline_ms:
        return reject(Code.EXPIRED)
    if envelope.mono_deadline_ms - now_mono_ms > FARTHEST_AHEAD_MS:
        return reject(Code.TOO_FAR_AHEAD)
    return None


def permitted(envelope: Envelope) -> bool:
    """Tell whether the roles of its key allow the command."""
    return any(envelope.command in KEY_MAY[role] for role in envelope.roles)


def claimed(payload: bytes) -> Claim:
    """Say who a message pretends to be from, believing nothing; whatever can't be read stays empty."""
    found = _object(payload) if len(payload) <= LARGEST_BYTES else None
    if found is None:
        return Claim()
    name, kid, command = found.get("id"), found.get("kid"), found.get("command")
    return Claim(
        id=name if isinstance(name, str) and _ID.fullmatch(name) else "",
        kid=kid if isinstance(kid, str) and _NAME.fullmatch(kid) else NOBODY,
        command=command if isinstance(command, str) and command in _COMMANDS else "",
    )


def sign(fields: JsonObject, private: Ed25519PrivateKey) -> bytes:
    """Return the payload to publish: `fields` (every key but `sig`, docs/topics.md) with their signature.

    Raises `ValueError` where the gate would call it a `bad_envelope`, saying what is wrong.
    """
    body: JsonObject = {name: value for name, value in fields.items() if name != "sig"}
    blank = base64.b64encode(bytes(SIGNATURE_BYTES)).decode("ascii")
    if wrong := _wrong({**body, "sig": blank}):
        raise ValueError(wrong)
    signature = base64.b64encode(private.sign(rfc8785.dumps(body))).decode("ascii")
    payload = json.dumps({**body, "sig": signature}, ensure_ascii=False, separators=(",", ":")).encode("utf-8")
    if len(payload) > LARGEST_BYTES:
        raise ValueError(f"{len(payload)} bytes are too many for a command; shorten the reason")
    return payload


def _object(payload: bytes) -> JsonObject | None:
    """Read strict JSON in UTF-8; None for anything else, also where a name comes twice."""
    try:
        found = json.loads(payload.decode("utf-8"), object_pairs_hook=_unique, parse_constant=_refuse_constant)
    except (ValueError, RecursionError):
        return None
    return found if isinstance(found, dict) else None


def _unique(pairs: list[tuple[str, Json]]) -> JsonObject:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("a name comes twice")
    return found


def _refuse_constant(text: str) -> Json:
    raise ValueError(text)


def _wrong(found: JsonObject) -> str:
    """Say what is wrong with its form, "" where nothing is."""
    if missing := sorted(_REQUIRED - found.keys()):
        return f"{missing[0]} is missing"
    if found.keys() - _REQUIRED - _OPTIONAL:
        return "it has a key that is not known"
    wrong = next((name for name, is_right in _FORMS.items() if name in found and not is_right(found[name])), "")
    return f"{wrong} is not what it must be" if wrong else ""


def _matches(pattern: re.Pattern[str], value: Json) -> bool:
    return isinstance(value, str) and pattern.fullmatch(value) is not None


def _is_text(value: Json, shortest: int, longest: int) -> bool:
    """Tell whether it is printable text of that length; half a surrogate and control characters are not printable."""
    return isinstance(value, str) and shortest <= len(value) <= longest and value.isprintable()


def _is_whole(value: Json, least: int, most: int) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and least <= value <= most


def _is_author(value: Json) -> bool:
    """Tell whether it names somebody: short texts, `id` or `name` among them."""
    if not isinstance(value, dict) or not 1 <= len(value) <= MOST_WORDS_OF_AUTHOR or not value.keys() & {"id", "name"}:
        return False
    return all(_matches(_WORD, name) and _is_text(text, 0, LONGEST_NAME) for name, text in value.items())


_FORMS: dict[str, Callable[[Json], bool]] = {
    "v": lambda value: _is_whole(value, VERSION, VERSION),
    "id": lambda value: _matches(_ID, value),
    "gate": lambda value: _is_text(value, 1, LONGEST_WORD),
    "command": lambda value: isinstance(value, str) and value in _COMMANDS,
    "by": _is_author,
    "reason": lambda value: _is_text(value, 0, LONGEST_REASON),
    "sequence": lambda value: value is None or _is_whole(value, 0, LARGEST_NUMBER),
    "sighted": lambda value: isinstance(value, bool),
    "minutes": lambda value: value is None or _is_whole(value, 1, LONGEST_MINUTES),
    "boot": lambda value: _is_text(value, 1, LONGEST_WORD),
    "mono_deadline_ms": lambda value: _is_whole(value, -LARGEST_NUMBER, LARGEST_NUMBER),
    "kid": lambda value: _is_text(value, 1, LONGEST_WORD),
    "sig": lambda value: isinstance(value, str) and _signature(value) is not None,
}
"""What each key of an envelope must be; the first that is not names the fault."""


def _signature(text: str) -> bytes | None:
    try:
        found = base64.b64decode(text.encode("ascii"), validate=True)
    except (binascii.Error, ValueError):
        return None
    is_one = len(found) == SIGNATURE_BYTES and base64.b64encode(found).decode("ascii") == text
    return found if is_one else None


def _verified(found: JsonObject, key: Key) -> bool:
    body = {name: value for name, value in found.items() if name != "sig"}
    try:
        Ed25519PublicKey.from_public_bytes(key.public).verify(_signature(str(found["sig"])) or b"", rfc8785.dumps(body))
    except (InvalidSignature, ValueError):
        return False
    return True


def _envelope(found: JsonObject, key: Key) -> Envelope:
    by, sequence, minutes = found["by"], found.get("sequence"), found.get("minutes")
    author = by if isinstance(by, dict) else {}
    return Envelope(
        id=str(found["id"]), gate=str(found["gate"]), command=Command(str(found["command"])),
        by_id=str(author.get("id", "")), by_name=str(author.get("name", "")), reason=str(found.get("reason", "")),
        sequence=sequence if isinstance(sequence, int) else None,
        sighted=found.get("sighted") is True,
        minutes=minutes if isinstance(minutes, int) else None,
        boot=str(found["boot"]), mono_deadline_ms=int(str(found["mono_deadline_ms"])), kid=key.id, roles=key.roles,
    )  # fmt: skip
